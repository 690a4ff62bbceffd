#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Shares that are more than one file system, and mounts that are more than one
# share: file systems mounted inside a share, an overlay whose upper layer lies
# on the mount, data shared by copies, two mounts of one share. Prints TAP; exit
# status 0 if all passed, 1 if not.
#
#   mounts_test.sh [--sequences N] [nested|overlay|shared|two|full]...
#
# --sequences says how many of random calls (4).

set -u
export LC_ALL=C
me=mounts_test.sh
work=/run/vhost-fs-posix-mounts
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"

number=0 bad=0

# --- file systems inside a share ---------------------------------------------

nested_names()
{
	same "$(cat "$mount/xfs/file" "$mount/xfs/tmpfs/file" | xargs)" "xfs tmpfs" contents
}

nested_devices()
{
	same "$(find "$mount" -printf '%D\n' | sort -u | wc -l)" 3 devices &&
		same "$(find "$mount" -xdev -type f -printf '%P\n' | sort | xargs)" file files
}

nested_moves()
{
	refused 'cross-device link' ln "$mount/file" "$mount/xfs/linked" &&
		refused 'busy' rmdir "$mount/xfs/tmpfs" &&
		refused 'busy' mv -T "$mount/xfs" "$mount/moved" &&
		mv "$mount/file" "$mount/xfs/tmpfs/moved" &&
		same "$(cat "$share/xfs/tmpfs/moved")" ext4 contents &&
		mv "$mount/xfs/tmpfs/moved" "$mount/file"
}

nested_statfs()
{
	local dir
	for dir in . xfs xfs/tmpfs; do
		same "$(stat -f -c '%b %s' "$mount/$dir")" "$(stat -f -c '%b %s' "$share/$dir")" \
			"size of $dir" || return
	done
}

nested()
{
	share=$work/nested mount=$work/nested.mount
	make_fs ext4 "$share" 300M || fail "no ext4"
	make_fs xfs "$share/xfs" 400M || fail "no xfs"
	make_fs tmpfs "$share/xfs/tmpfs" 64M || fail "no tmpfs"
	echo ext4 >"$share/file"
	echo xfs >"$share/xfs/file"
	echo tmpfs >"$share/xfs/tmpfs/file"
	rmdir "$share/lost+found"
	rm -f "$share/many-links"
	serve nested "$share" "$mount"
	check "files of nested file systems" nested_names
	check "nested file systems are devices of their own" nested_devices
	check "moving between nested file systems" nested_moves
	check "sizes of nested file systems" nested_statfs
	report "in a nested xfs" "$here/io_test" "$mount/xfs" --other "$share/xfs"
	report "in a nested xfs" "$here/differential" --sequences "$sequences" "$share/xfs" "$mount/xfs"
	unserve nested "$mount"
	umount "$share/xfs/tmpfs" "$share/xfs" "$share" || fail "umount"
}

# --- an overlay with its upper layer on the mount ------------------------------

overlay_works()
{
	local top=$work/overlay.top
	same "$(cat "$top/lower")" lower contents &&
		echo changed >"$top/lower" && echo new >"$top/dir/new" &&
		rm "$top/gone" && mv "$top/dir/a" "$top/b" && rm -r "$top/tree" && mkdir "$top/tree" &&
		same "$(ls -A "$top/tree")" "" "a directory made anew" &&
		same "$(cat "$top/lower" "$top/dir/new" "$top/b" | xargs)" "changed new a" contents &&
		[ ! -e "$top/gone" ] && [ ! -e "$top/dir/a" ]
}

overlay_upper()
{
	same "$(stat -c '%F %t:%T' "$share/upper/gone")" "character special file 0:0" whiteout &&
		same "$(cat "$share/upper/lower")" changed contents &&
		same "$(cat "$work/overlay.lower/lower")" lower "the lower layer"
}

overlay_again()
{
	local top=$work/overlay.top
	umount "$top" && mount_overlay && same "$(cat "$top/lower" "$top/b" | xargs)" "changed a" contents &&
		[ ! -e "$top/gone" ] && same "$(ls -A "$top/tree")" "" "the new directory"
}

mount_overlay()
{
	mount -t overlay -o "lowerdir=$work/overlay.lower,upperdir=$mount/upper,workdir=$mount/work$overlay_options" \
		overlay "$work/overlay.top"
}

# An overlay all of which is the host's, for comparison. It keeps to the first name
# of a file, and a guest's file system says that this has gone when it has.
overlay_differs()
{
	mkdir -p "$work/overlay.native" "$share/native.upper" "$share/native.work"
	mount -t overlay -o "lowerdir=$work/overlay.lower,upperdir=$share/native.upper,workdir=$share/native.work" \
		overlay "$work/overlay.native" || fail "no overlay"
	report "on an overlay" "$here/differential" --apart --no-links --xattr --sequences "$sequences" \
		"$work/overlay.native" "$work/overlay.top"
	umount "$work/overlay.native"
}

# The overlay's own attributes are "trusted", for which the share needs a
# capability; or the user's.
overlay()
{
	overlay_on 'with trusted attributes' '' --modcaps +sys_admin
	overlay_on "with the user's attributes" ,userxattr
}

# overlay_on NAME MOUNT-OPTIONS ADD-SHARE-OPTION...
overlay_on()
{
	local name=$1
	overlay_options=$2
	shift 2
	share=$work/overlay mount=$work/overlay.mount
	modprobe -q overlay
	rm -rf "$work/overlay.lower"
	make_fs ext4 "$share" 300M || fail "no ext4"
	mkdir -p "$work/overlay.top" "$work/overlay.lower/dir" "$work/overlay.lower/tree/sub"
	echo lower >"$work/overlay.lower/lower"
	echo gone >"$work/overlay.lower/gone"
	echo a >"$work/overlay.lower/dir/a"
	mkdir "$share/upper" "$share/work"
	serve overlay "$share" "$mount" --xattr "$@"
	check "an overlay $name can be mounted" mount_overlay
	check "an overlay $name takes changes" overlay_works
	check "what an overlay $name leaves on the host" overlay_upper
	check "an overlay $name mounted again" overlay_again
	[ -n "$overlay_options" ] || overlay_differs
	umount "$work/overlay.top"
	unserve overlay "$mount"
	umount "$share" || fail "umount"
}

# --- copies that share data ------------------------------------------------------

shared_copy()
{
	head -c 8M /dev/urandom >"$mount/a" || return
	sync
	used=$(df --output=used "$share" | tail -n 1)
	python3 -c "
import os
a = os.open('$mount/a', os.O_RDONLY)
b = os.open('$mount/b', os.O_WRONLY | os.O_CREAT)
left = 8 << 20
while left:
    n = os.copy_file_range(a, b, left)
    assert n > 0
    left -= n" || return
	sync
	cmp "$mount/a" "$share/b" || return
	[ $(($(df --output=used "$share" | tail -n 1) - used)) -lt 4096 ] || {
		echo "the copy takes room"
		return 1
	}
	echo other | dd of="$mount/b" conv=notrunc status=none
	! cmp -s "$share/a" "$share/b"
}

shared()
{
	share=$work/shared mount=$work/shared.mount
	make_fs xfs "$share" 400M || fail "no xfs"
	serve shared "$share" "$mount"
	check "a copy on xfs shares its data" shared_copy
	unserve shared "$mount"
	umount "$share" || fail "umount"
}

# --- two mounts of one share -----------------------------------------------------

two_agree()
{
	echo one >"$mount/f" && same "$(cat "$work/second/f")" one contents &&
		mv "$work/second/f" "$work/second/g" && same "$(cat "$mount/g")" one contents &&
		rm "$mount/g" && wait_until 20 [ ! -e "$work/second/g" ]
}

two()
{
	share=$work/two mount=$work/two.mount
	make_fs tmpfs "$share" 200M || fail "no tmpfs"
	serve two "$share" "$mount"
	serve second "$share" "$work/second"
	check "two mounts of one share" two_agree
	report "two mounts" "$here/stress_test" "$mount" --other "$work/second" both_sides
	unserve second "$work/second"
	unserve two "$mount"
	umount "$share" || fail "umount"
}

# --- no room -----------------------------------------------------------------------

# The room of a file that is removed is there once the guest has forgotten it.
fits()
{
	{ echo fits >"$mount/h"; } 2>/dev/null
}

full_refuses()
{
	refused 'No space left' dd if=/dev/zero of="$mount/f" bs=64k count=2000 status=none &&
		refused 'No space left' fallocate -l 100M "$mount/g" &&
		same "$(stat -c %s "$mount/f")" "$(stat -c %s "$share/f")" size &&
		rm "$mount/f" && wait_until 20 fits && same "$(cat "$share/h")" fits contents
}

full_of_names()
{
	refused 'No space left' python3 -c "
for i in range(10000):
    open('$mount/name-%d' % i, 'w')" && find "$mount" -name 'name-*' -delete &&
		touch "$mount/name"
}

full()
{
	local type
	for type in tmpfs ext4; do
		share=$work/full mount=$work/full.mount
		if [ $type = tmpfs ]; then
			mkdir -p "$share"
			mount -t tmpfs -o size=16M,nr_inodes=500 tmpfs "$share" || fail "no tmpfs"
		else
			inodes=600 make_fs ext4 "$share" 16M || fail "no ext4"
		fi
		serve full "$share" "$mount"
		check "no room on $type" full_refuses
		check "no room for names on $type" full_of_names
		unserve full "$mount"
		umount "$share" || fail "umount"
	done
}

sequences=4
if [ "${1-}" = --sequences ]; then
	sequences=${2-}
	shift 2
fi
rm -rf "$work"
mkdir -p "$work"
overlay_options=
echo "TAP version 13"
[ $# -gt 0 ] || set -- nested overlay shared two full
for name; do
	"$name"
done
echo "1..$number"
echo "# passed $((number - bad)), failed $bad"
[ "$bad" = 0 ]
