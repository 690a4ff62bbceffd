# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# guest-check's part for libvirt: starts libvirtd in the host VM, and by it a guest
# whose domain names vhost-fs-virtiofsd as its binary. The guest is guest-lib.sh's,
# which talks to it by the same FIFOs. To be sourced after that.

: "${guest_dir:?}" "${guest_run:?}" "${guest_kernel_arguments:?}"

libvirt_tag=libvirt
libvirt_dir=/srv/guest-libvirt
libvirt_binary=/usr/local/sbin/vhost-fs-virtiofsd
libvirt_log=/run/libvirtd.log

virsh()
{
	command virsh -q -c qemu:///system "$@"
}

# Everybody is root in the host VM, which has no policy, no cgroups to be given out
# and nobody who would rotate logs.
libvirt_configure()
{
	mkdir -p /etc/libvirt /run/libvirt /var/lib/libvirt/qemu /var/log/libvirt/qemu \
		/var/cache/libvirt/qemu
	getent group libvirt >/dev/null || echo 'libvirt:x:990:' >>/etc/group
	getent group kvm >/dev/null || echo 'kvm:x:991:' >>/etc/group
	getent group libvirt-qemu >/dev/null || echo 'libvirt-qemu:x:64055:' >>/etc/group
	getent passwd libvirt-qemu >/dev/null ||
		echo 'libvirt-qemu:x:64055:991::/var/lib/libvirt:/usr/sbin/nologin' >>/etc/passwd
	cat >/etc/libvirt/qemu.conf <<-END
	user = "root"
	group = "root"
	security_driver = "none"
	namespaces = []
	cgroup_controllers = []
	remember_owner = 0
	stdio_handler = "file"
	END
}

libvirt_answers()
{
	virsh version >/dev/null 2>&1
}

libvirt_is_there()
{
	libvirt_configure
	libvirtd >"$libvirt_log" 2>&1 </dev/null &
	libvirtd_pid=$!
	wait_until libvirt_answers || { sed 's/^/# /' "$libvirt_log"; return 1; }
}

libvirt_domain()
{
	local type=qemu cpu=maximum
	[ "${guest_accel[1]}" != kvm ] || type=kvm cpu=host-passthrough
	cat <<-END
	<domain type='$type'>
	  <name>guest</name>
	  <memory unit='MiB'>320</memory>
	  <memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>
	  <vcpu>1</vcpu>
	  <os>
	    <type arch='x86_64' machine='q35'>hvm</type>
	    <loader readonly='yes' type='rom'>/usr/share/qemu/qboot.rom</loader>
	    <kernel>$guest_dir/vmlinux</kernel>
	    <initrd>$guest_dir/initrd</initrd>
	    <cmdline>$guest_kernel_arguments</cmdline>
	  </os>
	  <features><acpi/></features>
	  <cpu mode='$cpu'/>
	  <devices>
	    <emulator>/usr/bin/qemu-system-x86_64</emulator>
	    <filesystem type='mount'>
	      <driver type='virtiofs' queue='512'/>
	      <binary path='$libvirt_binary' xattr='on'><cache mode='always'/></binary>
	      <source dir='$libvirt_dir'/>
	      <target dir='$libvirt_tag'/>
	    </filesystem>
	    <serial type='file'><source path='$guest_run/console'/><target port='0'/></serial>
	    <serial type='pipe'><source path='$guest_run/control'/><target port='1'/></serial>
	    <controller type='usb' model='none'/>
	    <memballoon model='none'/>
	  </devices>
	</domain>
	END
}

libvirt_starts()
{
	mkdir -p "$libvirt_dir"
	echo 'hello, libvirt' >"$libvirt_dir/from-host"
	read -r -a guest_accel < <(guest_accelerator)
	guest_open_channels
	libvirt_domain >/run/guest.xml
	if ! virsh define /run/guest.xml || ! virsh start guest || ! libvirt_boots; then
		tail -n 20 "$libvirt_log" /var/log/libvirt/qemu/* | sed 's/^/# /'
		return 1
	fi
}

# shellcheck disable=SC2034 # for guest-lib.sh
libvirt_boots()
{
	guest_pid=$(cat /run/libvirt/qemu/guest.pid) && guest_wait_ready
}

# One process that serves, with a list of system calls, and the server that is its child.
libvirt_runs_us()
{
	local keeper server
	keeper=$(pgrep -o -f "^$libvirt_binary ") && server=$(pgrep -P "$keeper") &&
		[ "$(grep -h '^Seccomp:' "/proc/$keeper/status" "/proc/$server/status" |
			tr -d '[:space:]')" = Seccomp:2Seccomp:2 ]
}

libvirt_shares()
{
	guest "mount -t virtiofs $libvirt_tag /mnt" &&
		[ "$(guest 'cat /mnt/from-host')" = 'hello, libvirt' ] &&
		guest 'head -c 300000 /dev/urandom >/mnt/from-guest' &&
		[ "$(guest 'sha256sum </mnt/from-guest')" = "$(sha256sum <"$libvirt_dir/from-guest")" ]
}

# A package brings a new one while libvirt's guest runs.
libvirt_upgrades()
{
	upgrade_back_end "$(pgrep -o -f "^$libvirt_binary ")" && libvirt_runs_us &&
		[ "$(guest 'echo 3 >/proc/sys/vm/drop_caches; sha256sum </mnt/from-guest')" = \
			"$(sha256sum <"$libvirt_dir/from-guest")" ]
}

libvirt_is_off()
{
	[ "$(virsh domstate guest)" = 'shut off' ]
}

libvirt_has_ended()
{
	! pgrep -f "^$libvirt_binary " >/dev/null && no_device
}

# By its own power button; nothing of it stays.
libvirt_ends()
{
	# shellcheck disable=SC2154 # guest-lib.sh's
	echo '@off poweroff -f' >&"$guest_to"
	wait_until libvirt_is_off && wait_until libvirt_has_ended && virsh undefine guest &&
		[ "$(vhost-fs-ctl list-shares --json | tr -d '[:space:]')" = '[]' ] || return
	kill "$libvirtd_pid" && wait "$libvirtd_pid"
}
