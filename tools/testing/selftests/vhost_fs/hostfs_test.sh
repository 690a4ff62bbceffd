#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Tests shares of file systems that are not like ext4, and exports of a guest's
# mount: NFS, automounts, names that don't tell upper from lower case, a file
# system that locks on its server alone.
#
#   hostfs_test.sh [TEST]...
#
# Runs in a host VM (vm/vm run) with the loopback module; makes its shares and
# mounts itself. Needs root, loopbackd, vhost-fs-ctl, and the programs of
# nfs-kernel-server. Prints TAP. Exit status: 0 if all passed, 1 otherwise.

set -u
export LC_ALL=C
run=/run/vhost-fs-hostfs-test
host=/srv/hostfs-test
here=$(cd "$(dirname "$0")" && pwd) || exit 1
# shellcheck source=tools/testing/selftests/vhost_fs/guests.sh
. "$here/guests.sh"
# shellcheck source=tools/testing/selftests/vhost_fs/nfs.sh
. "$here/nfs.sh"

end_more()
{
	end_nfs
}

# serve_dir NAME DIR OPTION...: as serve, of a directory elsewhere.
serve_dir()
{
	local name=$1 dir=$2
	shift 2
	vhost-fs-ctl add-share "$name" --path "$dir" "$@" || fail "no share"
	guest "$name" "$name"
}

unserve_dir()
{
	leave "$1"
	vhost-fs-ctl remove-share "$1" || fail "the share stays"
}

sees()
{
	[ "$(cat "$1" 2>/dev/null)" = "$2" ]
}

# Locks, by Perl: fcntl() ones as flock(1) makes none.

# posix_lock FILE [COMMAND...]: a lock for writing while COMMAND runs; prints why not.
posix_lock()
{
	# shellcheck disable=SC2016 # Perl's variables
	perl -MFcntl -e 'my $f = shift; open(F, "+<", $f) or die "open: $!\n";
		my $lock = pack("s s x4 q q i x4", F_WRLCK, 0, 0, 0, 0);
		fcntl(F, F_SETLK, $lock) or die "$!\n";
		exit(@ARGV ? system(@ARGV) >> 8 : 0)' "$@"
}

# posix_wait FILE: waits for such a lock.
posix_wait()
{
	# shellcheck disable=SC2016 # Perl's variables
	perl -MFcntl -e 'open(F, "+<", $ARGV[0]) or die "open: $!\n";
		my $lock = pack("s s x4 q q i x4", F_WRLCK, 0, 0, 0, 0);
		fcntl(F, F_SETLKW, $lock) or die "$!\n"' "$1"
}

# hold KIND FILE: keeps a lock until release; $holder is who does.
hold()
{
	rm -f "$run/held" "$run/release"
	mkfifo "$run/release"
	if [ "$1" = posix ]; then
		posix_lock "$2" sh -c ": >'$run/held'; cat '$run/release'" >"$run/hold" 2>&1 &
	else
		flock -n -x "$2" sh -c ": >'$run/held'; cat '$run/release'" >"$run/hold" 2>&1 &
	fi
	holder=$!
	wait_until 30 test -e "$run/held" || fail "can't lock $2: $(cat "$run/hold")"
}

release()
{
	: >"$run/release"
	wait "$holder" || fail "the holder failed"
}

blocked()
{
	vhost-fs-ctl list-devices --json |
		jq -e "any(.[]; .share == \"$1\" and .blocked > 0)" >/dev/null
}

# excludes SHARE KIND HELD WANTED: a lock on one name keeps others from the
# other, and one that waits gets it in the end.
excludes()
{
	local share=$1 kind=$2 held=$3 wanted=$4 waiter
	hold "$kind" "$held"
	if [ "$kind" = posix ]; then
		posix_lock "$wanted" 2>/dev/null && fail "$kind: $wanted is free while $held isn't"
		posix_wait "$wanted" &
	else
		flock -n -x "$wanted" true && fail "$kind: $wanted is free while $held isn't"
		flock -x "$wanted" true &
	fi
	waiter=$!
	[ "${wanted#"$run/$share/"}" = "$wanted" ] || wait_until 30 blocked "$share" ||
		fail "$kind: nobody waits"
	release
	wait "$waiter" || fail "$kind: the waiter failed"
}

silly_names()
{
	find "$1" -name '.nfs*' | wc -l
}

# nfs_writes N: the host has sent its file server so many WRITEs.
nfs_writes()
{
	[ "$(awk '$1 == "WRITE:" { n += $2 } END { print n }' /proc/self/mountstats)" = "$1" ]
}

# What is stored through a mapping after the descriptor's close goes to the server once
# the guest has let go of the file, even if the host writes nothing back by itself.
test_nfs_released()
{
	local g=$run/nfs period=/proc/sys/vm/dirty_writeback_centisecs saved status
	start_nfs
	mount_nfs hard
	serve_dir nfs "$host/nfs"
	saved=$(cat "$period")
	echo 0 >"$period"
	printf old >"$g/mapped" || fail "create"
	wait_until 30 nfs_writes 1 || fail "what was written isn't sent"
	python3 -c 'import mmap, os, sys
fd = os.open(sys.argv[1], os.O_RDWR)
area = mmap.mmap(fd, 3, trackfd=False)
os.close(fd)
area[:] = b"new"
area.close()' "$g/mapped" || fail "mmap"
	wait_until 30 nfs_writes 2
	status=$?
	echo "$saved" >"$period"
	[ "$status" -eq 0 ] || fail "what was stored isn't sent"
	same "$(cat "$host/export/mapped")" new "contents on the server"
	unserve_dir nfs
	stop_nfs
}

test_nfs_saved()
{
	local period=/proc/sys/vm/dirty_writeback_centisecs saved status
	start_nfs
	mount_nfs hard
	saved=$(cat "$period")
	echo 0 >"$period"
	TMPDIR=$host/nfs "$here/state_server_test"
	status=$?
	echo "$saved" >"$period"
	[ "$status" -eq 0 ] || fail "exit status $status"
	stop_nfs
}

# Whoever makes a change, guest, host or server: all see it in the end.
test_nfs_files()
{
	local g=$run/nfs e=$host/export i
	start_nfs
	mount_nfs hard
	serve_dir nfs "$host/nfs" --xattr
	mkdir "$g/d" || fail "mkdir"
	for i in 1 2 3; do
		echo "text $i" >"$g/d/$i" || fail "create"
	done
	mv "$g/d/1" "$g/d/one" || fail "rename"
	ln "$g/d/2" "$g/d/two" || fail "link"
	ln -s one "$g/d/link" || fail "symlink"
	sees "$g/d/link" "text 1" || fail "symlink's target"
	same "$(cd "$e/d" && echo *)" "2 3 link one two" "names on the server"
	sees "$e/d/two" "text 2" || fail "contents on the server"
	dd if=/dev/urandom of="$g/big" bs=1M count=8 status=none || fail "write"
	sync "$g/big" || fail "fsync"
	cmp "$g/big" "$e/big" || fail "contents of a large file"
	truncate -s 100 "$g/big" && same "$(stat -c %s "$e/big")" 100 "size on the server"
	setfattr -n user.a -v b "$g/big" || fail "setfattr"
	same "$(getfattr --only-values -n user.a "$e/big" 2>/dev/null)" b "attribute on the server"
	fallocate -l 1M "$g/room" || fail "fallocate"
	cp --reflink=never "$g/room" "$g/copy" || fail "copy"
	echo server >"$e/from-server"
	wait_until 60 sees "$g/from-server" server || fail "made on the server"
	rm -r "$g/d" || fail "rm"
	[ ! -e "$e/d" ] || fail "still there on the server"
	chown 1000:1000 "$g/big" || fail "chown"
	chmod 600 "$g/big" || fail "chmod"
	same "$(stat -c '%u:%g %a' "$e/big")" "1000:1000 600" "owner and mode on the server"
	unserve_dir nfs
	stop_nfs
}

# Whoever opens asks the server, however long the host may believe what it knows.
test_nfs_listed()
{
	local g=$run/nfs e=$host/export
	start_nfs
	mount_nfs hard,acdirmin=3600,acdirmax=3600
	serve_dir nfs "$host/nfs" --cache never
	mkdir "$g/d" || fail "mkdir"
	echo 1 >"$g/d/one" || fail "create"
	same "$(cd "$g/d" && echo *)" one "names"
	# Else the next question for attributes would be passed on, for the access time.
	stat "$g/d" >"$run/stat" || fail "stat"
	echo 2 >"$e/d/two" || fail "create on the server"
	same "$(cd "$g/d" && echo *)" "one two" "names after the server's change"
	unserve_dir nfs
	stop_nfs
}

has_released()
{
	[ "$(asked "$1" release)" = "$2" ]
}

# The host is told of what is closed only where it has something to do then.
test_closes()
{
	serve closes
	echo text >"$run/closes/file" || fail "write"
	sees "$run/closes/file" text || fail "contents"
	wait_until 30 has_released closes 2 || fail "files that stay open"
	same "$(asked closes flush)" 0 "closes that the host is told of"
	exec 5<>"$run/closes/file"
	exec 5<&-
	wait_until 30 has_released closes 3 || fail "a file that stays open"
	[ "$(asked closes flush)" -gt 0 ] || fail "not told of what could have been mapped"
	unserve closes
	serve closes --locks remote
	echo text >"$run/closes/file" || fail "write"
	[ "$(asked closes flush)" -gt 0 ] || fail "not told of what could drop locks"
	unserve closes
}

# One that is deleted while open gets another name on the server; one that is
# only known does too, unless it is known by its handle.
test_nfs_deleted()
{
	local g=$run/nfs h=$host/nfs e=$host/export
	start_nfs
	mount_nfs hard,acregmax=1,acdirmax=1
	serve_dir nfs "$h"
	echo open >"$g/open"
	exec 5<"$g/open"
	[ "$(asked nfs flush)" -gt 0 ] || fail "NFS is not told of what is closed"
	rm "$g/open" || fail "rm of an open file"
	same "$(cat <&5)" open "contents of a deleted file"
	same "$(silly_names "$e")" 1 "names of deleted files"
	exec 5<&-
	wait_until 30 sh -c "[ -z \"\$(find '$e' -name '.nfs*')\" ]" || fail "the name stays"
	unserve_dir nfs

	serve_dir nfs "$h" --inode-file-handles mandatory --cache always
	echo known >"$h/known"
	sees "$g/known" known || fail "contents"
	rm "$h/known"
	same "$(silly_names "$e")" 0 "names of deleted files, known by their handles"
	cat "$g/known" 2>/dev/null && fail "a deleted file has contents"
	# Gone on the server, without the host's being told.
	echo stale >"$g/stale"
	rm "$e/stale"
	echo 3 >/proc/sys/vm/drop_caches
	(cat "$g/stale") 2>"$run/why" && fail "one that the server has deleted has contents"
	grep -q -e "Stale file handle" -e "No such file" "$run/why" || fail "$(cat "$run/why")"
	wait_until 30 test ! -e "$g/stale" || fail "its name stays"
	echo new >"$g/stale" || fail "the name can't be used again"
	sees "$e/stale" new || fail "contents on the server"
	# Nothing of it is pinned: the host can unmount.
	unserve_dir nfs
	stop_nfs
}

# Between a guest, the host's processes and those of the server.
test_nfs_locks()
{
	local kind
	start_nfs
	mount_nfs hard
	echo x >"$host/export/f"
	serve_dir nfs "$host/nfs" --locks remote
	for kind in posix flock; do
		excludes nfs $kind "$run/nfs/f" "$host/nfs/f"
		excludes nfs $kind "$host/nfs/f" "$run/nfs/f"
	done
	excludes nfs posix "$run/nfs/f" "$host/export/f"
	excludes nfs posix "$host/export/f" "$run/nfs/f"
	unserve_dir nfs
	stop_nfs
}

# A server that has gone can't be told that a lock is no longer held; that is no
# reason to keep it.
test_nfs_unlock_fails()
{
	local kind
	start_nfs
	mount_nfs soft,timeo=5,retrans=1
	echo x >"$host/export/f"
	serve_dir nfs "$host/nfs" --locks remote
	for kind in posix flock; do
		hold $kind "$run/nfs/f"
		rpc.nfsd 0
		release
		start_nfsd
		wait_until 60 flock -n "$host/nfs/f" true || fail "$kind: the host can't lock"
	done
	unserve_dir nfs
	stop_nfs
}

# File systems below the export, which NFS mounts when somebody looks.
test_nfs_below()
{
	local g=$run/nfs e=$host/export
	mkdir -p "$e/below"
	mount -t tmpfs none "$e/below" || fail "no tmpfs"
	echo deep >"$e/below/f"
	start_nfs
	exportfs -o rw,no_root_squash,no_subtree_check,insecure,fsid=7 "127.0.0.1:$e/below"
	mount_nfs hard
	serve_dir nfs "$host/nfs"
	sees "$g/below/f" deep || fail "what is below isn't there"
	[ "$(stat -c %d "$g/below")" != "$(stat -c %d "$g")" ] || fail "one file system"
	echo new >"$g/below/new" || fail "create"
	sees "$e/below/new" new || fail "contents on the server"
	unserve_dir nfs
	umount "$e/below" 2>/dev/null || { exportfs -ua; umount -l "$e/below"; }
	stop_nfs
}

# autofs, with a daemon of a few lines, in this shell's place, that mounts a tmpfs
# where it is asked to.
autofs_daemon()
{
	# shellcheck disable=SC2016 # Perl's variables
	exec perl -e 'my ($dir, $ready) = @ARGV;
		pipe(R, W);
		setpgrp(0, 0);
		$^F = 100;
		my $opts = sprintf("fd=%d,pgrp=%d,minproto=5,maxproto=5,indirect", fileno(W), $$);
		my ($source, $type) = ("test", "autofs");
		syscall(165, $source, $dir, $type, 0, $opts) == 0 or die "mount: $!\n";
		close(W);
		opendir(D, $dir) or die "$dir: $!\n";
		open(ROOT, "<", $dir) or die "$dir: $!\n";
		open(F, ">", $ready); close(F);
		my $got;
		while (($got = sysread(R, my $packet, 304)) > 0) {
			my ($proto, $type, $token) = unpack("l l L", $packet);
			my $len = unpack("x40 L", $packet);
			my $name = substr($packet, 44, $len);
			mkdir("$dir/$name");
			system("mount", "-t", "tmpfs", "none", "$dir/$name");
			system("sh", "-c", "echo mounted >$dir/$name/f");
			ioctl(ROOT, 0x9360, $token);
		}' "$1" "$2"
}

test_autofs()
{
	local h=$host/auto g=$run/auto daemon
	modprobe autofs4 || fail "no autofs"
	mkdir -p "$h"
	autofs_daemon "$h" "$run/autofs.ready" >"$run/autofs.log" 2>&1 &
	daemon=$!
	wait_until 30 test -e "$run/autofs.ready" || fail "autofs: $(cat "$run/autofs.log")"
	serve_dir auto "$h" --sandbox none
	[ -e "$g/one" ] || fail "nothing is mounted"
	sees "$g/one/f" mounted || fail "contents of what was mounted"
	sees "$h/one/f" mounted || fail "the host doesn't see it"
	echo by-guest >"$g/one/g" || fail "create"
	sees "$h/one/g" by-guest || fail "contents on the host"
	unserve_dir auto
	umount "$h/one" || fail "the host can't unmount it"
	kill "$daemon"
	wait "$daemon" 2>/dev/null
	umount "$h" || fail "the host can't unmount autofs"
}

# What locks on its server alone: virtiofs, whose server is this very kernel.
test_server_locks()
{
	serve inner --locks remote
	echo x >"$run/inner/f"
	serve_dir outer "$run/inner" --locks remote
	same "$(posix_lock "$run/outer/f" 2>&1)" "No locks available" "POSIX lock"
	posix_lock "$host/inner/f" || fail "one was left"
	same "$(posix_wait "$run/outer/f" 2>&1)" "No locks available" "POSIX lock, waiting"
	posix_lock "$host/inner/f" || fail "one was left by a waiter"
	excludes outer flock "$run/outer/f" "$host/inner/f"
	excludes outer flock "$host/inner/f" "$run/outer/f"
	unserve_dir outer
	unserve inner
}

# truncates FILE: what of open() makes it shorter is seen below at once.
truncates()
{
	python3 -c 'import os, sys
view, below = sys.argv[1:]
def holds(text, what):
    found = open(below).read()
    if found != text:
        sys.exit(f"{what}: {found!r}, not {text!r}")
for flags, what in ((os.O_WRONLY, "O_WRONLY"), (os.O_RDWR, "O_RDWR"),
                    (os.O_WRONLY | os.O_CREAT, "O_CREAT")):
    open(below, "w").write("0123456789")
    fd = os.open(view, flags | os.O_TRUNC)
    os.write(fd, b"new")
    os.close(fd)
    holds("new", what)
open(below, "w").write("0123456789")
os.close(os.open(view, os.O_RDONLY | os.O_TRUNC))
holds("", "O_RDONLY")' "$1" "$2" || fail "$1"
}

# A file system that truncates a file itself when it is told to by its open():
# virtiofs, and most of FUSE.
test_server_truncates()
{
	serve inner
	serve_dir outer "$run/inner"
	echo x >"$host/inner/f"
	truncates "$run/outer/f" "$host/inner/f"
	unserve_dir outer
	unserve inner
}

# Names that don't tell upper from lower case, with guests that may believe for a
# day what they are told.

none_of()
{
	local path
	for path; do
		[ ! -e "$path" ] || return
	done
}

# fold VIEW DIR: the same in a guest and on the host.
fold()
{
	local d=$1/$2
	[ ! -e "$d/name" ] || fail "$1: there is something"
	[ ! -e "$d/NAME" ] || fail "$1: there is something in capitals"
	echo 1 >"$d/Name" || fail "$1: create"
	sees "$d/NAME" 1 || fail "$1: it isn't there in capitals"
	sees "$d/name" 1 || fail "$1: it isn't there in small letters"
	echo 2 >"$d/nAME" || fail "$1: write"
	same "$(ls "$d")" Name "$1: names"
	sees "$d/Name" 2 || fail "$1: contents"
	# To give it the same name is nothing at all.
	mv "$d/name" "$d/other" || fail "$1: rename"
	mv "$d/Other" "$d/NAME" || fail "$1: rename back"
	same "$(ls "$d")" NAME "$1: names after a rename"
	mkdir "$d/name" 2>/dev/null && fail "$1: mkdir"
	ln "$d/NAME" "$d/name" 2>/dev/null && fail "$1: link"
	rm "$d/nAmE" || fail "$1: rm"
	none_of "$d/Name" "$d/NAME" "$d/name" || fail "$1: it is still there"
	mkdir "$d/Name" || fail "$1: mkdir where a file was"
	touch "$d/NAME/f" || fail "$1: create below"
	mv "$d/name" "$d/NAMES" || fail "$1: rename of a directory"
	[ -e "$d/names/F" ] || [ -e "$d/names/f" ] || fail "$1: what was below"
	[ ! -e "$d/Name" ] || fail "$1: its old name"
	rm -r "$d/names" || fail "$1: rm -r"
	same "$(ls -A "$d")" "" "$1: names in the end"
}

test_folded_names()
{
	local h=$host/folded g=$run/folded
	on_ext4 folded -O casefold -E encoding=utf8
	mkdir "$h/host"
	chattr +F "$h/host" || fail "chattr"
	serve folded --cache always --negative-timeout 86400
	fold "$h" host
	fold "$g" host
	# A guest makes one itself; what is in it follows.
	mkdir "$g/guest"
	chattr +F "$g/guest" || fail "chattr in the guest"
	same "$(lsattr -d "$h/guest" | cut -d' ' -f1 | tr -dc F)" F "flag on the host"
	fold "$g" guest
	mkdir "$g/guest/Sub"
	fold "$g" guest/sub
	rmdir "$g/guest/SUB"
	# What the host does shows, in any spelling.
	touch "$h/host/Made"
	stat "$g/host/made" "$g/host/MADE" >/dev/null || fail "made by the host"
	rm "$h/host/mADE"
	none_of "$g/host/made" "$g/host/MADE" || fail "removed by the host"
	# Names elsewhere are what they are.
	touch "$g/plain"
	[ ! -e "$g/PLAIN" ] || fail "folded where it shouldn't be"
	leave folded
	vhost-fs-ctl remove-share folded
	end_ext4 folded
}

# A guest's mount, exported by the guest's own NFS server.
test_reexport()
{
	local h=$host/mine g=$run/mine n=$host/nfs
	serve mine --inode-file-handles prefer
	mkdir -p "$host/export"
	mount --bind "$g" "$host/export" || fail "bind"
	start_nfs
	mount_nfs hard
	mkdir "$n/d" || fail "mkdir"
	seq 1000 >"$n/d/f" || fail "create"
	cmp "$n/d/f" "$h/d/f" || fail "contents"
	exec 5<"$n/d/f"
	read -r _ <&5
	echo 3 >/proc/sys/vm/drop_caches
	same "$(cat <&5 | tail -n 1)" 1000 "contents after caches were dropped"
	mv "$h/d/f" "$h/moved"
	echo 3 >/proc/sys/vm/drop_caches
	wait_until 60 cmp "$n/moved" "$h/moved" || fail "moved by the host"
	exec 5<&-
	rm "$n/moved" || fail "rm"
	[ ! -e "$h/moved" ] || fail "it is still there"
	stop_nfs_of_guest
	unserve mine
}

stop_nfs_of_guest()
{
	umount "$host/nfs" || fail "umount of NFS"
	exportfs -ua
	rpc.nfsd 0
	kill "$(pidof rpc.mountd)"
	umount /proc/fs/nfsd
	umount "$host/export" || fail "NFS still uses the guest's mount"
}

tests=(closes nfs_files nfs_listed nfs_released nfs_saved nfs_deleted nfs_locks nfs_unlock_fails nfs_below
	autofs server_locks server_truncates folded_names reexport)

[ $# -eq 0 ] || tests=("$@")
run_tests "${tests[@]}"
