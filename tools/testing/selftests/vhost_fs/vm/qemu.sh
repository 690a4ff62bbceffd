# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154
#
# QEMU: Debian 13's (older ones corrupt guests under TCG), run from the root
# "build" in this process's place, so that signals reach it.

# What every VM has, whatever its job.
qemu_base=(
	qemu-system-x86_64 -nodefaults -no-user-config -no-reboot -display none
	-machine q35
)

# slab_nomerge: a cache of ours must be visible by its name.
kernel_arguments="console=ttyS0 reboot=t panic=-1 loglevel=2 log_buf_len=4M slab_nomerge"
kernel_arguments+=" net.ifnames=0 nokaslr cryptomgr.notests"
# An emulated timer on a busy machine may be too late for the kernel's check.
kernel_arguments+=" no_timer_check"

accelerator()
{
	case ${VHOST_FS_VM_ACCEL-} in
	tcg)	echo tcg; return ;;
	kvm)	echo kvm; return ;;
	'')	;;
	*)	usage_error "VHOST_FS_VM_ACCEL '$VHOST_FS_VM_ACCEL': tcg or kvm" ;;
	esac
	if [ ! -w /dev/kvm ]; then
		echo tcg
	else
		cat "$(cached "accel-$(machine_key)" probe_kvm)"
	fi
}

# Another machine, or another kernel on it, may answer otherwise.
machine_key()
{
	{ cat /etc/machine-id /proc/sys/kernel/osrelease; grep -m 1 '^model name' /proc/cpuinfo; } \
		2>/dev/null | hash_stdin
}

# /dev/kvm can exist where only special guests run: a kernel has to boot.
probe_kvm()
{
	local answer=tcg
	echo "$me: trying hardware virtualisation, once" >&2
	timeout --foreground -k 2 30 "$vm_dir/in-root" build -- "${qemu_base[@]}" -accel kvm -cpu host \
		-m 512M -kernel "$vmlinuz" -initrd "$initrd" -serial stdio \
		-append "console=ttyS0 loglevel=2 reboot=t panic=-1 vm_probe" </dev/null 2>/dev/null |
		grep -a vm-probe-ok >/dev/null && answer=kvm
	echo "$answer" >"$1"
}

# Disks by number: vda root (thrown away), vdb payload, vdc results.
qemu_disks()
{
	local n=0 disk
	for disk in "$image,snapshot=on" "$work/payload,readonly=on" "$work/results"; do
		qemu+=(-drive "id=disk$n,if=none,format=raw,cache=unsafe,file=$disk"
			-device "virtio-blk-pci,drive=disk$n,addr=$((n + 4))")
		n=$((n + 1))
	done
}

# Ports by number, as inside/init knows them. Standard output and error are
# pipes handed down: a file that the caller appends to must not be truncated.
qemu_ports()
{
	# shellcheck disable=SC2054 # QEMU's commas
	qemu+=(-device virtio-serial-pci
		-add-fd fd=8,set=8 -add-fd fd=9,set=9
		-chardev "file,id=status,path=$work/status"
		-chardev file,id=out,path=/dev/fdset/8,append=on
		-chardev file,id=err,path=/dev/fdset/9,append=on
		-chardev "file,id=kmsg,path=$work/dmesg"
		-device virtserialport,chardev=status,nr=1,name=status
		-device virtserialport,chardev=out,nr=2,name=out
		-device virtserialport,chardev=err,nr=3,name=err
		-device virtserialport,chardev=kmsg,nr=4,name=kmsg)
}

qemu_arguments()
{
	local accel tcg
	image=$(root_image)
	initrd=$(initramfs)
	accel=tcg
	[ -n "$icount$plugin" ] || accel=$(accelerator)
	tcg=tcg,thread=multi
	if [ -n "$icount" ]; then
		# Time stands still but for instructions: one is a nanosecond.
		tcg=tcg,thread=single
		qemu_base+=(-icount "shift=0,sleep=off")
	fi
	qemu=("${qemu_base[@]}" -smp "$smp" -m "$memory" -kernel "$vmlinuz" -initrd "$initrd"
		-append "$kernel_arguments$append")
	case $accel in
	kvm)	qemu+=(-accel kvm -cpu host) ;;
	*)	qemu+=(-accel "$tcg" -cpu "max$cpu_features") ;;
	esac
	[ -z "$plugin" ] || qemu+=(-plugin "$plugin")
	truncate -s 8G "$work/results"
	: >"$work/status"
	: >"$work/dmesg"
	qemu_disks
	qemu_ports
}

# Returns QEMU's status, 124 on timeout.
start_qemu()
{
	local cat_out cat_err code=0
	exec 8> >(exec cat)
	cat_out=$!
	exec 9> >(exec cat >&2)
	cat_err=$!
	if [ -n "$interactive" ]; then
		"$vm_dir/in-root" build -- "${qemu[@]}" -serial mon:stdio || code=$?
		exec 8>&- 9>&-
	else
		start_in_background
		exec 8>&- 9>&-
		wait "$qemu_pid" || code=$?
		qemu_pid=
	fi
	wait "$cat_out" "$cat_err"
	return "$code"
}

# So that a signal to this script is seen at once; QEMU can't outlive it.
start_in_background()
{
	setpriv --pdeathsig KILL timeout --foreground -k 5 "$timeout" \
		setpriv --pdeathsig KILL "$vm_dir/in-root" build -- \
		"${qemu[@]}" -serial "file:$work/console" </dev/null >"$work/qemu.log" 2>&1 &
	qemu_pid=$!
}
