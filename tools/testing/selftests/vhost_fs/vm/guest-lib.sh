# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The host VM's side of a nested guest with a virtio-fs device: starts it, has it
# run commands (see guest-init), and ends it. To be sourced by a script that runs
# as root in the host VM; $guest_dir is where QEMU, vmlinux and initrd are.
#
# $guest_vmm says whose device it is: "vhost-fs" for vhost-fs-pci, of a QEMU in
# $guest_dir; "vhost-user" for vhost-user-fs-pci of Debian's QEMU, unmodified;
# "virtiofsd" for the same with virtiofsd behind it, which serves $guest_share_dir.

: "${guest_dir:?}"
: "${guest_vmm:=vhost-fs}"

guest_run=/run/guest	# consoles and FIFOs; QEMU's own user may write there
guest_user=1000		# owns nothing of the share, nor /dev/vhost-fs
guest_fd=7		# the number under which QEMU inherits the device
guest_memory=320	# MiB, and what else -m takes
guest_boot_limit=400	# seconds, for emulation within emulation
guest_command_limit=900
guest_incoming=		# a socket that the guest arrives by, instead of booting

# What is left out here would be initialised, tested or measured at every boot.
# no_timer_check: a busy machine delays the timer interrupts that it counts.
guest_kernel_arguments="console=ttyS0 quiet reboot=t panic=-1 no_timer_check \
mitigations=off noreplace-smp nokaslr audit=0 tsc=reliable init_on_alloc=0 \
cryptomgr.notests rcupdate.rcu_expedited=1 \
initcall_blacklist=load_system_certificate_list,jent_mod_init,trace_eval_init,\
init_kprobe_trace,bpf_tcp_ca_kfunc_init,bpf_dummy_struct_ops_init"

# Emulation within emulation translates all code twice: a boot takes minutes.
# But the emulated processor has AMD's virtualisation, so KVM works in the host
# VM, and what runs in it is translated once: seconds.
guest_accelerator()
{
	[ -e /dev/kvm ] || modprobe -q kvm_amd || modprobe -q kvm_intel
	if [ -e /dev/kvm ]; then
		chmod 666 /dev/kvm
		echo '-accel kvm -cpu host'
	else
		echo '-accel tcg,tb-size=256 -cpu qemu64'
	fi
}

# guest_start SHARE [DEVICE_OPTIONS]: returns when the guest takes commands. The
# device's options are as on QEMU's command line: "num-request-queues=2,...".
guest_start()
{
	guest_token=0
	guest_incoming=
	guest_spawn "$@" && guest_wait_ready
}

# FIFOs for all that is said to a QEMU and its guest, open on our side.
guest_open_channels()
{
	rm -rf "$guest_run"
	mkdir -p "$guest_run"
	mkfifo "$guest_run"/{control,monitor,qmp}.{in,out}
	chown -R "$guest_user:$guest_user" "$guest_run"
	exec {guest_to}<>"$guest_run/control.in" {guest_from}<>"$guest_run/control.out"
	exec {guest_monitor}<>"$guest_run/monitor.in"
	exec {guest_qmp}<>"$guest_run/qmp.in" {guest_events}<>"$guest_run/qmp.out"
}

# guest_start() up to a QEMU that runs.
guest_spawn()
{
	read -r -a guest_accel < <(guest_accelerator)
	guest_open_channels
	"guest_back_end_${guest_vmm/-/_}" "$1" || return
	"guest_qemu_${guest_vmm/-/_}" "$@" </dev/null >"$guest_run/qemu.log" 2>&1 \
		{guest_to}>&- {guest_from}>&- {guest_monitor}>&- {guest_qmp}>&- {guest_events}>&- &
	guest_pid=$!
	echo '{"execute": "qmp_capabilities"}' >&"$guest_qmp"
}

guest_unprivileged=(
	setpriv "--reuid=$guest_user" "--regid=$guest_user" --clear-groups
	--inh-caps=-all --bounding-set=-all --no-new-privs --
)

# guest_machine QEMU: the command line but for the memory and the device.
guest_machine()
{
	# shellcheck disable=SC2054 # QEMU's commas
	machine=(
		"$1" -nodefaults -no-user-config -display none
		-machine q35,usb=off,smbus=off,sata=off,vmport=off,i8042=off,hpet=off
		"${guest_accel[@]}" -m "$guest_memory" -bios qboot.rom
		-kernel "$guest_dir/vmlinux" -initrd "$guest_dir/initrd"
		-append "$guest_kernel_arguments"
		-chardev "file,id=console,path=$guest_run/console"
		-chardev "pipe,id=control,path=$guest_run/control"
		-chardev "pipe,id=monitor,path=$guest_run/monitor"
		-serial chardev:console -serial chardev:control
		-mon chardev=monitor,mode=readline
		-chardev "pipe,id=qmp,path=$guest_run/qmp"
		-mon chardev=qmp,mode=control
		${guest_incoming:+-incoming "unix:$guest_incoming"}
		-device pcie-root-port,id=plug,chassis=1
	)
}

guest_back_end_vhost_fs()
{
	:
}

# The share's administrator attaches the device; QEMU, which gets it open, runs
# without any right of its own.
guest_qemu_vhost_fs()
{
	local machine
	guest_machine "$guest_dir/qemu-system-x86_64"
	exec vhost-fs-ctl exec --share "$1" --fd "$guest_fd" -- "${guest_unprivileged[@]}" \
		"${machine[@]}" \
		-object "memory-backend-ram,id=ram,size=${guest_memory%%,*}M" \
		-machine memory-backend=ram \
		-device "vhost-fs-pci,id=fs,bus=plug,vhostfd=$guest_fd,tag=$1${2:+,$2}"
}

# The share's administrator runs the back end; QEMU may connect to its socket.
guest_back_end_vhost_user()
{
	rm -f "$guest_run/fs.sock"
	chmod 755 "$guest_run"
	vhost-fs-ctl vhost-user --share "$1" --socket-path "$guest_run/fs.sock" \
		--socket-group "$guest_user" --once >"$guest_run/back-end.log" 2>&1 \
		{guest_to}>&- {guest_from}>&- {guest_monitor}>&- {guest_qmp}>&- {guest_events}>&- &
	guest_back_end_ready $!
}

# guest_back_end_ready PID: waits until QEMU can connect to it.
guest_back_end_ready()
{
	guest_back_end=$1
	until [ -S "$guest_run/fs.sock" ]; do
		kill -0 "$guest_back_end" 2>/dev/null ||
			{ cat "$guest_run/back-end.log" >&2; return 1; }
		sleep 0.1
	done
	chown "$guest_user" "$guest_run/fs.sock"
}

# Debian's, to compare with and to migrate from and to.
guest_back_end_virtiofsd()
{
	chmod 755 "$guest_run"
	/usr/libexec/virtiofsd --socket-path "$guest_run/fs.sock" \
		--shared-dir "${guest_share_dir:?}" --log-level warn \
		--inode-file-handles=prefer --migration-mode=file-handles \
		>"$guest_run/back-end.log" 2>&1 \
		{guest_to}>&- {guest_from}>&- {guest_monitor}>&- {guest_qmp}>&- {guest_events}>&- &
	guest_back_end_ready $!
}

guest_qemu_virtiofsd()
{
	guest_qemu_vhost_user "$@"
}

guest_qemu_vhost_user()
{
	local machine
	guest_machine qemu-system-x86_64
	exec "${guest_unprivileged[@]}" "${machine[@]}" \
		-object "memory-backend-memfd,id=ram,size=${guest_memory%%,*}M,share=on" \
		-machine memory-backend=ram \
		-chardev "socket,id=fs,path=$guest_run/fs.sock" \
		-device "vhost-user-fs-pci,id=fs,bus=plug,chardev=fs,tag=$1${2:+,$2}"
}

guest_fail()
{
	echo "guest: $*" >&2
	tail -n 5 "$guest_run/qemu.log" "$guest_run/console" >&2
	return 1
}

# guest_read SECONDS: the next line from the guest, in $guest_line. Looks every
# second whether QEMU is alive, since a FIFO that we hold open has no end.
guest_read()
{
	local deadline=$((SECONDS + $1)) part
	guest_line=
	until IFS= read -r -t 1 -u "$guest_from" part; do
		guest_line+=$part
		kill -0 "$guest_pid" 2>/dev/null || guest_fail "QEMU has ended" || return
		[ "$SECONDS" -lt "$deadline" ] || guest_fail "no answer in $1 s" || return
	done
	guest_line+=$part
}

# Sets $guest_boot_id, which is another one after each boot, and
# $guest_boot_seconds, the guest's own count.
guest_wait_ready()
{
	local word=
	while [ "$word" != ready ]; do
		guest_read "$guest_boot_limit" || return
		# shellcheck disable=SC2034 # for whoever sources this
		read -r word guest_boot_id guest_boot_seconds <<<"$guest_line"
	done
}

# guest COMMAND: runs it in the guest, prints its output, returns its status.
guest()
{
	guest_begin "$@"
	guest_end
}

# The same in two halves, for what has to happen meanwhile.
guest_begin()
{
	echo "@$((++guest_token)) $*" >&"$guest_to"
}

guest_end()
{
	while guest_read "$guest_command_limit"; do
		if [ "${guest_line%% *}" = "@$guest_token" ]; then
			return "${guest_line#* }"
		fi
		printf '%s\n' "$guest_line"
	done
	return 125
}

# Boots the guest anew, with the device's reset on the way.
guest_reboot()
{
	echo "@reboot reboot -f" >&"$guest_to"
	guest_wait_ready
}

# guest_monitor_command COMMAND: to QEMU's monitor, which answers in its time.
guest_monitor_command()
{
	echo "$*" >&"$guest_monitor"
}

# Returns QEMU's exit status.
guest_stop()
{
	guest_monitor_command quit
	guest_reap
}

guest_kill()
{
	kill -KILL "$guest_pid"
	guest_reap 2>/dev/null
}

guest_reap()
{
	local status=0
	wait "$guest_pid" || status=$?
	exec {guest_to}>&- {guest_from}>&- {guest_monitor}>&- {guest_qmp}>&- {guest_events}>&-
	return "$status"
}
