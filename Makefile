# SPDX-License-Identifier: GPL-2.0-only
#
# Top-level Makefile of vhost-fs; `make help` lists the targets. The module
# itself is built by Kbuild, in a copy of the sources under build/KVER, so that
# builds for several kernels don't disturb each other.

ifneq ($(KERNELRELEASE),)
include $(src)/Kbuild
else

O ?= build
KVER ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KVER)/build
PREFIX ?= /usr/local
DESTDIR ?=

BUILD := $(abspath $(O))
STAGE := $(BUILD)/$(KVER)
SELFTESTS := tools/testing/selftests/vhost_fs

# Kbuild gets our command line too, where O= would mean its own output.
kbuild = $(MAKE) -C $(KDIR) M=$(STAGE) O=$(realpath $(KDIR)) $(if $(ARCH),ARCH=$(ARCH)) \
	 $(if $(VHOST_SRC),VHOST_SRC=$(abspath $(VHOST_SRC))) \
	 $(if $(VHOST_KO),VHOST_KO=$(abspath $(VHOST_KO))) \
	 $(if $(COVERAGE),COVERAGE=1) $(if $(KCOV),KCOV=1)

.PHONY: all
all: modules tools

.PHONY: modules
modules: $(STAGE)/Kbuild
	@[ -e "$(KDIR)/Makefile" ] || { \
		echo "make: no kernel headers in $(KDIR): install linux-headers-$(KVER), or give KVER= or KDIR=" >&2; \
		exit 2; }
	$(kbuild) modules

# Copies only what has changed, so that only that is built again.
.PHONY: $(STAGE)/Kbuild
$(STAGE)/Kbuild:
	@mkdir -p $(STAGE)/kernel $(STAGE)/include
	@cp -u --preserve=mode,timestamps Kbuild $(STAGE)/
	@cp -ru --preserve=mode,timestamps kernel/vhost_fs $(STAGE)/kernel/
	@cp -ru --preserve=mode,timestamps include/uapi $(STAGE)/include/

.PHONY: tools
tools:
	$(MAKE) -C tools/vhost-fs-ctl O=$(BUILD)/tools

.PHONY: selftests
selftests:
	$(MAKE) -C $(SELFTESTS) O=$(BUILD)/selftests

# For the test bed: a virtio-fs device in the same kernel, for each of these.
LOOPBACK_KVERS ?= $(KVER)

.PHONY: loopback
loopback:
	$(foreach kver,$(LOOPBACK_KVERS),$(MAKE) -C $(SELFTESTS)/loopback \
		O=$(BUILD) module KVER=$(kver) KDIR=/lib/modules/$(kver)/build &&) \
	$(MAKE) -C $(SELFTESTS)/loopback O=$(BUILD) daemon

.PHONY: install
install: all
	install -D -m 0644 $(STAGE)/vhost_fs.ko \
		$(DESTDIR)/lib/modules/$(KVER)/updates/vhost_fs.ko
	$(if $(DESTDIR),,depmod $(KVER))
	$(MAKE) -C tools/vhost-fs-ctl O=$(BUILD)/tools \
		DESTDIR=$(DESTDIR) PREFIX=$(PREFIX) install
	$(MAKE) -C packaging DESTDIR=$(DESTDIR) install
	install -D -m 0644 include/uapi/linux/vhost_fs.h \
		$(DESTDIR)$(PREFIX)/include/linux/vhost_fs.h

.PHONY: demo
demo:
	VMM=$(VMM) $(SELFTESTS)/vm/demo

.PHONY: check
check:
	$(SELFTESTS)/vm/check

.PHONY: check-full
check-full:
	$(SELFTESTS)/vm/check --full

.PHONY: check-migration
check-migration:
	$(SELFTESTS)/vm/check migration

.PHONY: check-debug
check-debug:
	$(SELFTESTS)/vm/check debug coverage mutants

.PHONY: bench
bench:
	$(SELFTESTS)/bench/bench $(BENCH)

# What bench builds, in its own root.
.PHONY: bench-programs
bench-programs: tools
	$(MAKE) -C $(SELFTESTS) O=$(BUILD)/selftests bench-programs
	$(MAKE) modules loopback KVER=$(notdir $(lastword $(sort $(wildcard /lib/modules/6.12*cloud*))))

.PHONY: fuzz
fuzz:
	$(SELFTESTS)/vm/fuzz $(if $(FUZZ_SECONDS),--seconds $(FUZZ_SECONDS)) $(FUZZ)

.PHONY: coverage
coverage:
	$(SELFTESTS)/vm/coverage

.PHONY: clean
clean:
	rm -rf $(BUILD)

.PHONY: help
help:
	@echo 'vhost-fs: virtio-fs devices served by the host kernel'
	@echo
	@echo '  make               the module for this kernel, and vhost-fs-ctl'
	@echo '  make modules KVER= the module alone, for an installed kernel'
	@echo '  make tools         vhost-fs-ctl alone'
	@echo '  make selftests     the test programs'
	@echo '  make install       into DESTDIR and PREFIX ($(PREFIX))'
	@echo '  make demo          a guest mounts a share, in a virtual host (as root)'
	@echo '                     VMM=vhost-user: with an unmodified QEMU'
	@echo '  make check         each behaviour tested once, in virtual hosts (as root)'
	@echo '  make check-full    all tests on every kernel and file system'
	@echo '  make check-migration  a busy guest moves, from and to virtiofsd too'
	@echo '  make check-debug   ring tests on an instrumented kernel with two CPUs; which lines'
	@echo '                     and branches tests reach; checks that are taken out'
	@echo '  make bench         costs against virtiofsd and system calls (as root);'
	@echo '                     BENCH="--measure wall1" and the like: see bench/bench'
	@echo '  make fuzz          coverage-guided fuzzing of module and tools (as root);'
	@echo '                     FUZZ_SECONDS= in all (600), FUZZ="target ..."'
	@echo '  make coverage      lines and branches of the module that tests run (as root)'
	@echo '  make clean         remove $(O)/'
	@echo
	@echo '  KVER=RELEASE  kernel to build for (now $(KVER))'
	@echo '  KDIR=DIR      its headers ($(KDIR))'
	@echo '  VHOST_SRC=DIR its drivers/vhost source, where vhost.ko has no BTF'
	@echo '  VHOST_KO=FILE its vhost.ko, where it is not installed'
	@echo '  O=DIR         where to build ($(O))'

endif
