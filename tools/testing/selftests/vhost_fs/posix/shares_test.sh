#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What takes a share with options, or a file system with some of its own:
# attributes, ACLs, locks and random calls; locks between two guests; quotas;
# btrfs. Prints TAP; exit status 0 if all passed, 1 if not.
#
#   shares_test.sh [--mount-only] [--sequences N] [--fs NAME]... [options|guests|quota|on_btrfs]...
#
# --mount-only leaves the host's file systems themselves out, --sequences says how
# many of random calls (10), --fs names file systems for "options" (ext4).

set -u
export LC_ALL=C
me=shares_test.sh
work=/run/vhost-fs-posix-shares
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"

number=0 bad=0

all_options=(--xattr --posix-acl --killpriv-v2 --locks remote --modcaps +sys_admin:+linux_immutable)

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
		report "$fs" "$here/differential" --xattr --acl --flags --sequences "$sequences" \
			"$share" "$mount"
		unserve "$fs" "$mount"
		umount "$share" || fail "umount of $fs"
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

quota_of_projects()
{
	mkdir "$share/project" && xfs_io -x -c 'chproj 42' -c 'chattr +P' "$share/project" &&
		xfs_quota -x -c 'limit -p bhard=2m 42' "$share" &&
		refused 'No space left' dd if=/dev/zero of="$mount/project/f" bs=64k count=64 status=none &&
		same "$(lsattr -pd "$mount/project" | awk '{ print $1 }')" 42 project &&
		same "$(lsattr -p "$mount/project/f" | awk '{ print $1 }')" 42 "the new file's project" &&
		: >"$mount/other" && refused 'cross-device' ln "$mount/other" "$mount/project/other"
}

quota()
{
	share=$work/quota mount=$work/quota.mount
	make_fs xfs "$share" 400M || fail "no xfs"
	umount "$share"
	mount -o loop,uquota,pquota /var/tmp/vhost-fs-posix/"$(basename "$work")"-xfs "$share" ||
		fail "no quotas"
	xfs_quota -x -c 'limit -u bhard=2m ihard=20 3001' "$share" || fail "no quota"
	mkdir -m 777 "$share/alice"
	serve quota "$share" "$mount"
	check "a user's quota of blocks" quota_of_blocks
	check "a user's quota of files" quota_of_files
	check "a project's quota" quota_of_projects
	unserve quota "$mount"
	umount "$share" || fail "umount"
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
	report "btrfs" "$here/differential" --xattr --sequences "$sequences" "$share" "$mount"
	unserve btrfs "$mount"
	umount "$share" || fail "umount"
}

file_systems=() mount_only='' sequences=10
while [ $# -gt 0 ]; do
	case $1 in
	--mount-only)	mount_only=yes ;;
	--sequences)	sequences=${2-}; shift ;;
	--fs)		file_systems+=("${2-}"); shift ;;
	options|guests|quota|on_btrfs) break ;;
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
[ $# -gt 0 ] || set -- options guests quota on_btrfs
for name; do
	"$name"
done
echo "1..$number"
echo "# passed $((number - bad)), failed $bad"
[ "$bad" = 0 ]
