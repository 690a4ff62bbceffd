#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Locks, file attributes, copies and nameless files, by a guest's programs and
# the host's at once:
#
#   locks_test.sh SHAREDIR MOUNT
#
# MOUNT is a virtiofs mount of SHAREDIR with --locks remote. Needs root, python3,
# and e2fsprogs. Exit status: 0 if all is well, 1 and a line if not.

set -u
export LC_ALL=C
share=$1 mnt=$2

fail()
{
	echo "$*"
	exit 1
}

# lockf FILE RANGE COMMAND...: COMMAND runs with a POSIX lock on START+LENGTH of
# FILE; 1 at once if it can't be had.
lockf()
{
	python3 - "$@" <<'PY'
import fcntl, subprocess, sys
path, (start, length), command = sys.argv[1], map(int, sys.argv[2].split('+')), sys.argv[3:]
with open(path, 'r+b') as file:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, length, start)
    except BlockingIOError:
        sys.exit(1)
    sys.exit(subprocess.call(command))
PY
}
export -f lockf

: >"$share/file"
g=$mnt/file h=$share/file

# Each side holds a lock while the other tries.
for pair in "$g $h" "$h $g" "$g $g"; do
	read -r one two <<<"$pair"
	flock -n "$one" flock -n "$two" true && fail "flock: $two ignores $one"
	flock -n "$one" true || fail "flock: $one stays locked"
	flock -sn "$one" flock -sn "$two" true || fail "flock: $two can't share with $one"
	lockf "$one" 0+10 bash -c "lockf $two 5+1 true" && fail "fcntl: $two ignores $one"
	lockf "$one" 0+10 bash -c "lockf $two 10+5 true" ||
		fail "fcntl: $two can't have what $one hasn't"
done

# Who waits gets the lock when the other lets go.
for pair in "$g $h" "$h $g" "$g $g"; do
	read -r one two <<<"$pair"
	rm -f "$share/order"
	exec 9<>"$one"
	flock 9 || fail "flock: $one"
	flock "$two" sh -c "echo second >>$share/order" 9>&- &
	echo first >>"$share/order"
	flock -u 9
	wait $! || fail "flock: $two"
	exec 9>&-
	[ "$(tr '\n' ' ' <"$share/order")" = "first second " ] ||
		fail "flock: $two did not wait for $one"
done

# Attributes, where the host's file system has any.
if lsattr -d "$share" >/dev/null 2>&1 && chattr +d "$h" 2>/dev/null; then
	for name in "$g" "$mnt"; do
		other=${name/#"$mnt"/"$share"}
		chattr +d "$name" || fail "chattr +d $name"
		case $(lsattr -d "$other") in
		*d*\ *) ;;
		*) fail "chattr on $name does nothing" ;;
		esac
		[ "$(lsattr -d "$name" | cut -d' ' -f1)" = "$(lsattr -d "$other" | cut -d' ' -f1)" ] ||
			fail "lsattr of $name and $other differ"
		[ "$(lsattr -dv "$name" | cut -d' ' -f1)" = "$(lsattr -dv "$other" | cut -d' ' -f1)" ] ||
			fail "versions of $name and $other differ"
		chattr -d "$name" || fail "chattr -d $name"
	done
else
	echo "# no file attributes on the host"
fi

# Copies without the data's way through the guest, and with it.
head -c 3000000 /dev/urandom >"$mnt/source" || fail "can't write"
cp --reflink=auto "$mnt/source" "$mnt/copy" || fail "cp in the guest's mount"
cp --reflink=auto "$mnt/source" /tmp/copy || fail "cp out of it"
cmp "$share/source" "$share/copy" || fail "cp in the guest's mount copies something else"
cmp "$share/source" /tmp/copy || fail "cp out of it copies something else"

python3 - "$mnt" "$share" <<'PY' || fail "copy_file_range, or a nameless file"
import os, sys
mnt, share = sys.argv[1:]
src = os.open(f'{mnt}/source', os.O_RDONLY)
dst = os.open(f'{mnt}/range', os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
assert os.copy_file_range(src, dst, 100000, 1000, 50) == 100000
with open(f'{share}/source', 'rb') as a, open(f'{share}/range', 'rb') as b:
    assert b.read() == bytes(50) + a.read()[1000:101000]

names = sorted(os.listdir(share))
fd = os.open(mnt, os.O_TMPFILE | os.O_RDWR, 0o640)
os.write(fd, b'nameless')
assert sorted(os.listdir(share)) == names
fds = os.open('/proc/self/fd', os.O_RDONLY)
os.link(str(fd), f'{mnt}/named', src_dir_fd=fds, follow_symlinks=True)
with open(f'{share}/named') as file:
    assert file.read() == 'nameless'
assert os.stat(f'{share}/named').st_mode & 0o7777 == 0o640
fd = os.open(mnt, os.O_TMPFILE | os.O_RDWR | os.O_EXCL, 0o600)
try:
    os.link(str(fd), f'{mnt}/never', src_dir_fd=fds, follow_symlinks=True)
    sys.exit(1)
except FileNotFoundError:
    pass
PY
exit 0
