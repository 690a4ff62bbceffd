# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154
#
# A file server in the same host: $host/export is served by the kernel's nfsd, and
# mounted at $host/nfs. Sourced after guests.sh.

start_nfs()
{
	local export=$host/export
	modprobe -a nfsd nfsv4 || fail "no NFS"
	ip link set lo up
	mkdir -p "$export" "$host/nfs"
	mountpoint -q /proc/fs/nfsd || mount -t nfsd nfsd /proc/fs/nfsd || fail "no nfsd"
	mkdir -p /var/lib/nfs/v4recovery /run/rpc_pipefs
	touch /var/lib/nfs/etab /var/lib/nfs/rmtab
	echo 10 >/proc/fs/nfsd/nfsv4leasetime
	echo 10 >/proc/fs/nfsd/nfsv4gracetime
	exportfs -o rw,no_root_squash,no_subtree_check,insecure,fsid=0 "127.0.0.1:$export" ||
		fail "exportfs"
	rpc.mountd -N 3 || fail "mountd"
	start_nfsd
}

# No client has anything to reclaim, and none that waits for that is waited for.
start_nfsd()
{
	rpc.nfsd -N 3 4 || fail "nfsd"
	echo Y >/proc/fs/nfsd/v4_end_grace
	wait_until 60 grep -q Y /proc/fs/nfsd/v4_end_grace || fail "nfsd's grace period stays"
}

mount_nfs()
{
	mount -i -t nfs4 -o "addr=127.0.0.1,clientaddr=127.0.0.1,vers=4.2,$1" \
		127.0.0.1:/ "$host/nfs" || fail "NFS mount"
}

# Whatever of it is there.
end_nfs()
{
	ip link set lo up
	umount -fl "$host/nfs"
	exportfs -ua
	rpc.nfsd 0
	pkill -x rpc.mountd
	umount -l /proc/fs/nfsd
}

stop_nfs()
{
	umount "$host/nfs" || fail "umount of NFS"
	exportfs -ua
	rpc.nfsd 0
	kill "$(pidof rpc.mountd)"
	umount /proc/fs/nfsd
	rm -rf "${host:?}/export"
}
