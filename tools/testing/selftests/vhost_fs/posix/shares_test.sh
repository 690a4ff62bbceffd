#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What takes a share with options, or a file system with some of its own:
# attributes, ACLs, locks and random calls; random calls with other options;
# nothing but reading; locks between two guests; quotas; btrfs. Prints TAP; exit status 0 if all passed, 1 if not.
#
#   shares_test.sh [--mount-only] [--sequences N] [--fs NAME]... [options|policies|read_only|guests|quota|on_btrfs]...
#
# --mount-only leaves the host's file systems themselves out, --sequences says how
# many of random calls (10; a tenth of that for each of "policies"), --fs names file
# systems for "options", "policies" and "read_only" (ext4).

set -u
export LC_ALL=C
me=shares_test.sh
work=/run/vhost-fs-posix-shares
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"

number=0 bad=0

# How each file system's own ways are allowed for.
declare -A differential_options=([btrfs]=--btrfs)

own_locks=(--xattr --posix-acl --killpriv-v2 --modcaps +sys_admin:+linux_immutable)
all_options=("${own_locks[@]}" --locks remote)

# On the host and through the mount; what the host does is the measure.
options()
{
	local fs program
	for fs in "${file_systems[@]}"; do
		share=$work/$fs.share mount=$work/$fs.mount
		make_fs "$fs" "$share" 1G || fail "no $fs"
		serve "$fs" "$share" "$mount" "${all_options[@]}"
		for program in xattr_test acl_test lock_test; do
			[ -n "$mount_only" ] ||
				report "$fs host $program" "$here/$program" "$share" --other "$mount"
			report "$fs mount $program" "$here/$program" "$mount" --other "$share"
		done
		report "$fs" "$here/differential" ${differential_options[$fs]+"${differential_options[$fs]}"} --xattr --acl --flags --sequences "$sequences" \
			"$share" "$mount"
		unserve "$fs" "$mount"
		umount "$share" || fail "umount of $fs"
	done
}

# Options that make no difference to what a single guest sees.
policies=(
	"--cache never --allow-mmap"
	"--cache metadata --allow-mmap"
	"--cache always --negative-timeout 3600"
	"--writeback"
	"--inode-file-handles prefer"
	"--inode-file-handles mandatory --cache never --allow-mmap"
	"--no-idmapped-mounts --no-readdirplus"
)

policies()
{
	local fs policy words
	for fs in "${file_systems[@]}"; do
		share=$work/$fs.share mount=$work/$fs.mount
		make_fs "$fs" "$share" 1G || fail "no $fs"
		for policy in "${policies[@]}"; do
			read -r -a words <<<"$policy"
			serve "$fs" "$share" "$mount" "${all_options[@]}" "${words[@]}"
			report "$fs $policy:" "$here/differential" ${differential_options[$fs]+"${differential_options[$fs]}"} --xattr --acl --seed 1000 \
				--sequences $(((sequences + 9) / 10)) "$share" "$mount"
			unserve "$fs" "$mount"
		done
		umount "$share" || fail "umount of $fs"
	done
}

# A share that can't be written to, next to a mount of the host's that can't; the guest
# knows of it, or finds out. Both lock the same files.
read_only()
{
	local fs mode
	for fs in "${file_systems[@]}"; do
		share=$work/$fs.share mount=$work/$fs.mount
		make_fs "$fs" "$share" 1G || fail "no $fs"
		mkdir -p "$work/$fs.ro"
		mount -o bind,ro "$share" "$work/$fs.ro" || fail "no read-only mount"
		for mode in ro rw; do
			serve "$fs" "$share" "$mount" "${own_locks[@]}" --readonly
			mount -o "remount,bind,$mode" "$mount" || fail "no $mode mount"
			report "$fs, read-only, the guest's mount $mode:" \
				"$here/differential" ${differential_options[$fs]+"${differential_options[$fs]}"} --xattr --acl --flags --sequences "$sequences" \
				--read-only "$share" "$work/$fs.ro" "$mount"
			unserve "$fs" "$mount"
		done
		umount "$work/$fs.ro" "$share" || fail "umount of $fs"
	done
}

guests()
{
	share=$work/guests mount=$work/guests.mount
	make_fs tmpfs "$share" 64M || fail "no tmpfs"
	serve guests "$share" "$mount" --locks remote
	serve second "$share" "$work/second" --locks remote
	report "two guests" "$here/lock_test" "$mount" --other "$work/second"
	unserve second "$work/second"
	unserve guests "$mount"
	umount "$share" || fail "umount"
}

# --- quotas --------------------------------------------------------------------

as_alice()
{
	setpriv --reuid 3001 --regid 3001 --clear-groups "$@"
}

# One of the group with the quota, by the group or by a directory of the group's.
as_bob()
{
	setpriv --reuid 3002 --regid "$1" --clear-groups "${@:2}"
}

quota_of_blocks()
{
	refused 'quota exceeded' as_alice dd if=/dev/zero of="$mount/alice/f" bs=64k count=64 status=none &&
		refused 'quota exceeded' as_alice fallocate -l 4M "$mount/alice/g" &&
		rm -f "$mount/alice/f" "$mount/alice/g" &&
		wait_until 20 as_alice fallocate -l 1M "$mount/alice/f" && rm "$mount/alice/f" &&
		dd if=/dev/zero of="$mount/alice/root" bs=64k count=64 status=none
}

quota_of_files()
{
	refused 'quota exceeded' as_alice bash -c "for i in {1..30}; do : >$mount/alice/\$i || exit; done" &&
		refused 'quota exceeded' as_alice mkdir "$mount/alice/dir" &&
		refused 'quota exceeded' as_alice ln -s x "$mount/alice/link" &&
		find "$mount/alice" -type f -delete && wait_until 20 as_alice mkdir "$mount/alice/dir"
}

quota_of_groups()
{
	refused 'quota exceeded' as_bob 3004 fallocate -l 4M "$mount/alice/group" &&
		rm -f "$mount/alice/group" &&
		wait_until 20 as_bob 3004 fallocate -l 1M "$mount/alice/group" &&
		same "$(stat -c %g "$share/alice/group")" 3004 group && rm "$mount/alice/group" &&
		mkdir "$mount/club" && chown :3004 "$mount/club" && chmod 2777 "$mount/club" &&
		refused 'quota exceeded' as_bob 3002 fallocate -l 4M "$mount/club/f" &&
		rm -f "$mount/club/f" &&
		as_bob 3002 fallocate -l 4M "$mount/alice/own" && rm "$mount/alice/own"
}

quota_of_projects()
{
	mkdir "$share/project" && chattr -p 42 +P "$share/project" &&
		xfs_quota -f -x -c 'limit -p bhard=2m 42' "$share" &&
		refused "${project_error[$1]}" dd if=/dev/zero of="$mount/project/f" bs=64k count=64 status=none &&
		same "$(lsattr -pd "$mount/project" | awk '{ print $1 }')" 42 project &&
		same "$(lsattr -p "$mount/project/f" | awk '{ print $1 }')" 42 "the new file's project" &&
		same "$(stat -f -c '%b %s' "$mount/project")" "$(stat -f -c '%b %s' "$share/project")" "room" &&
		: >"$mount/other" && refused 'cross-device' ln "$mount/other" "$mount/project/other" &&
		mkdir "$mount/second" && chattr -p 43 +P "$mount/second" &&
		same "$(lsattr -pd "$share/second" | awk '{ print $1 }')" 43 "a guest's project"
}

# Files that others would give to who has no room for them; on xfs their root may.
quota_of_gifts()
{
	dd if=/dev/zero of="$mount/gift" bs=64k count=64 status=none &&
		refused 'quota exceeded' chown 3001 "$mount/gift" &&
		same "$(stat -c %u "$share/gift")" 0 "owner" && rm "$mount/gift"
}

# What quota_on TYPE mounts; xfs answers ENOSPC where a project has no room.
declare -A quota_options=([xfs]='uquota,gquota,pquota' [ext4]='usrquota,grpquota,prjquota') \
	project_error=([xfs]='No space left' [ext4]='quota exceeded')

quota_on()
{
	local type=$1 image
	share=$work/quota mount=$work/quota.mount
	make_fs "$type" "$share" 400M || fail "no $type"
	umount "$share"
	image=/var/tmp/vhost-fs-posix/$(basename "$work")-$type
	[ "$type" != ext4 ] || tune2fs -O quota,project -Q usrquota,grpquota,prjquota "$image" >/dev/null ||
		fail "tune2fs"
	modprobe -qa quota_v2 quota_tree
	mount -o "loop,${quota_options[$type]}" "$image" "$share" || fail "no quotas on $type"
	xfs_quota -f -x -c 'limit -u bhard=2m ihard=20 3001' "$share" || fail "no quota"
	xfs_quota -f -x -c 'limit -g bhard=2m 3004' "$share" || fail "no quota of groups"
	mkdir -m 777 "$share/alice"
	serve quota "$share" "$mount"
	check "a user's quota of blocks, $type" quota_of_blocks
	check "a user's quota of files, $type" quota_of_files
	[ "$type" = xfs ] || check "a user's quota and gifts, $type" quota_of_gifts
	check "a group's quota, $type" quota_of_groups
	check "a project's quota, $type" quota_of_projects "$type"
	unserve quota "$mount"
	umount "$share" || fail "umount"
}

quota()
{
	quota_on xfs
	quota_on ext4
}

# --- btrfs ---------------------------------------------------------------------

btrfs_subvolumes()
{
	btrfs -q subvolume create "$share/volume" && echo in >"$mount/volume/file" &&
		same "$(cat "$share/volume/file")" in contents &&
		same "$(find "$mount" -printf '%D\n' | sort -u | wc -l)" 2 devices &&
		same "$(find "$mount" -xdev -name file)" "" "files outside the subvolume" &&
		refused 'cross-device' ln "$mount/volume/file" "$mount/linked" &&
		mv "$mount/volume/file" "$mount/moved" && mv "$mount/moved" "$mount/volume/file" &&
		btrfs -q subvolume snapshot "$share/volume" "$share/snapshot" &&
		same "$(cat "$mount/snapshot/file")" in contents &&
		btrfs -q subvolume delete "$share/snapshot" && wait_until 20 [ ! -e "$mount/snapshot" ]
}

btrfs_clones()
{
	head -c 4M /dev/urandom >"$mount/a" && cp --reflink=auto "$mount/a" "$mount/b" &&
		cmp "$share/a" "$share/b" && refused 'not supported\|Inappropriate' \
		cp --reflink=always "$mount/a" "$mount/c"
}

btrfs_flags()
{
	: >"$mount/packed" && chattr +c "$mount/packed" && lsattr "$share/packed" | grep -q '^[^ ]*c' &&
		head -c 1M /dev/zero >"$mount/packed" && sync && cmp -n 1048576 "$mount/packed" /dev/zero &&
		lsattr "$mount/packed" | grep -q '^[^ ]*c'
}

on_btrfs()
{
	share=$work/btrfs mount=$work/btrfs.mount
	make_fs btrfs "$share" 1G || fail "no btrfs"
	serve btrfs "$share" "$mount" --xattr --killpriv-v2 --modcaps +sys_admin
	check "subvolumes of btrfs" btrfs_subvolumes
	check "copies on btrfs" btrfs_clones
	check "compressed files of btrfs" btrfs_flags
	report "btrfs" "$here/differential" --btrfs --xattr --sequences "$sequences" "$share" "$mount"
	unserve btrfs "$mount"
	umount "$share" || fail "umount"
}

file_systems=() mount_only='' sequences=10
while [ $# -gt 0 ]; do
	case $1 in
	--mount-only)	mount_only=yes ;;
	--sequences)	sequences=${2-}; shift ;;
	--fs)		file_systems+=("${2-}"); shift ;;
	options|policies|read_only|guests|quota|on_btrfs) break ;;
	*)
		echo "$me: no '$1'; see its head for what there is" >&2
		exit 2 ;;
	esac
	shift
done
[ ${#file_systems[@]} -gt 0 ] || file_systems=(ext4)
rm -rf "$work"
mkdir -p "$work"
echo "TAP version 13"
[ $# -gt 0 ] || set -- options policies read_only guests quota on_btrfs
for name; do
	"$name"
done
echo "1..$number"
echo "# passed $((number - bad)), failed $bad"
[ "$bad" = 0 ]
