#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Tests a share as programs of a guest use it, while the host works in the same
# directory:
#
#   loopback_test.sh SHAREDIR MOUNT
#
# MOUNT is a virtiofs mount of SHAREDIR in this very kernel (vm/vm run
# --loopback SHAREDIR:MOUNT; default options). Shares with other options are
# made here, of directories beside the tests' own. SHAREDIR may be on any file
# system and must not be a mount point. Prints TAP; needs root, acl, attr, fio,
# git, loopbackd, vhost-fs-ctl, and the test programs and scripts that lie
# beside this script.
#
# Exit status: 0 if all passed, 1 otherwise, 2 for a wrong argument.

set -u
export LC_ALL=C
me=loopback_test.sh
run=/run/vhost-fs-loopback-test

# Longer than any test takes on a slow machine; a test that needs it has hung.
limit=600

# How often both sides work on the same names, in the hope of a rare moment.
rounds=$((60 * ${TEST_ROUNDS_PERCENT:-100} / 100))

here=$(cd "$(dirname "$0")" && pwd) || exit 1
# shellcheck source=tools/testing/selftests/vhost_fs/guests.sh
. "$here/guests.sh"

# refused ERROR COMMAND...: COMMAND fails, with this said.
refused()
{
	local error=$1
	shift
	! "$@" >"$run/said" 2>&1 || fail "'$*' succeeds"
	grep -q "$error" "$run/said" || fail "'$*': $(tail -n 1 "$run/said")"
}

# Views

listing()
{
	(cd "$1" && find . -mindepth 1 -printf '%P %y %m %U:%G %n %i %s %T@ %C@ %l\n' | sort)
}

# Without what two copies can't share.
copied_listing()
{
	(cd "$1" && find . -mindepth 1 -not -type d -printf '%P %y %m %U:%G %n %s %l\n' | sort)
}

contents()
{
	(cd "$1" && find . -type f -print0 | sort -z | xargs -0 -r sha256sum)
}

views_agree()
{
	diff <(listing "$1") <(listing "$2") >"$run/diff"
}

# same_views HOSTDIR GUESTDIR: agree once the guest's cache has expired.
same_views()
{
	wait_until $expiry views_agree "$1" "$2" || fail "views differ: $(head -n 4 "$run/diff")"
	diff <(contents "$1") <(contents "$2") >"$run/diff" ||
		fail "contents differ: $(head -n 4 "$run/diff")"
}

same_copies()
{
	diff <(copied_listing "$1") <(copied_listing "$2") >"$run/diff" ||
		fail "copies differ: $(head -n 4 "$run/diff")"
	diff <(contents "$1") <(contents "$2") >"$run/diff" ||
		fail "contents differ: $(head -n 4 "$run/diff")"
}

# small_files DIR NUMBER: a tree of files of different size.
small_files()
{
	local i text
	printf -v text '%0700d' 0
	for ((i = 0; i < $2; i++)); do
		((i % 100)) || mkdir -p "$1/dir-$((i / 1000))/sub-$((i / 100 % 10))"
		printf '%s %d\n' "${text:0:i % 700}" "$i" >"$1/dir-$((i / 1000))/sub-$((i / 100 % 10))/file-$i"
	done
	ln -s ../file "$1/dir-0/link"
	ln "$1/dir-0/sub-0/file-0" "$1/dir-0/hard"
}

as_nobody()
{
	setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
}

# Tests. Each has $t on the mount and $h, the same directory on the host, empty.

# file_tests SHAREDIR MOUNT
file_tests()
{
	local program
	for program in file_call_test file_test file_escape_test; do
		"$here/$program" "$@" 2>&1 | grep -v '^ok '
		[ "${PIPESTATUS[0]}" = 0 ] || fail "$program"
	done
}

test_calls_of_programs()
{
	file_tests "$share" "$mnt"
}

# Data

verify()
{
	fio --verify=crc32c --verify_fatal=1 --do_verify=1 --fallocate=none --rw=randrw \
		--group_reporting "$@" >"$run/fio.$BASHPID" 2>&1 ||
		fail "fio: $(grep -m 3 -i -E 'err|verify' "$run/fio.$BASHPID")"
}

test_fio_buffered()
{
	verify --directory="$t" --name=buffered --numjobs=4 --size=2M --bsrange=512-96k --end_fsync=1
	same_views "$h" "$t"
}

test_fio_mapped()
{
	verify --directory="$t" --name=mapped --numjobs=2 --size=1M --bs=4k --ioengine=mmap
	same_views "$h" "$t"
}

test_fio_direct()
{
	verify --directory="$t" --name=direct --numjobs=2 --size=3M --bs=4k-128k --direct=1
	same_views "$h" "$t"
}

test_fio_on_both_sides()
{
	local pids=() pid
	mkdir "$t/guest" "$t/host"
	(verify --directory="$h/host" --name=host --numjobs=2 --size=2M --bs=4k-64k) &
	pids+=($!)
	(verify --directory="$t/guest" --name=guest --numjobs=2 --size=2M --bs=4k-64k) &
	pids+=($!)
	for pid in "${pids[@]}"; do
		wait "$pid" || fail "one of both"
	done
	same_views "$h" "$t"
}

# Trees

test_tar_in_and_out()
{
	small_files "$run/tree" 1300
	tar -c -f - -C "$run/tree" . | tar -x -p -f - -C "$t" || fail "tar -x"
	same_copies "$run/tree" "$h"
	tar -c -f "$run/out.tar" -C "$t" . || fail "tar -c"
	mkdir "$run/out"
	tar -x -p -f "$run/out.tar" -C "$run/out"
	same_copies "$run/tree" "$run/out"
	tar -d -f "$run/out.tar" -C "$h" || fail "tar -d"
	wait_until $expiry views_agree "$h" "$t" || fail "views differ: $(head -n 4 "$run/diff")"
	cp -a "$t/dir-1/sub-1" "$t/copy" || fail "cp -a"
	same_copies "$run/tree/dir-1/sub-1" "$h/copy"
	rm -r "${t:?}"/* || fail "rm -r"
	same "$(ls -A "$h")" "" "what is left"
}

git_as_root()
{
	git -c user.name=test -c user.email=test@example.com -c init.defaultBranch=main \
		-c safe.directory='*' "$@" >"$run/git" 2>&1 || fail "git $1: $(tail -n 1 "$run/git")"
}

test_git()
{
	small_files "$t" 150
	cd "$t" || fail "cd"
	git_as_root init .
	git_as_root add -A
	git_as_root commit -m one
	git mv dir-0/sub-0 dir-0/moved 2>"$run/git" || fail "git mv"
	echo changed >>dir-0/moved/file-7
	git_as_root commit -a -m two
	git_as_root fsck --strict
	git_as_root -C "$h" status --porcelain
	same "$(cat "$run/git")" "" "what git on the host finds changed"
	git_as_root gc
	git_as_root clone "$t" "$t/clone"
	git_as_root -C "$t/clone" fsck --full
	same "$(cat "$h/clone/dir-0/moved/file-7")" "$(cat dir-0/moved/file-7)" "contents"
}

names()
{
	find "$1" -type f -printf '%f %i\n' | sort
}

# The files that stay are the oldest: tmpfs lists from the newest on, and begins
# anew when nothing older than its position is left.
test_ten_thousand_files()
{
	mkdir "$t/d"
	(cd "$t/d" && seq -f 'stays-%06g' 1000 | xargs touch) || fail "touch"
	(cd "$h/d" && seq -f 'a-name-of-some-length-%06g' 10000 | xargs touch) || fail "touch"
	same "$(names "$t/d" | sha256sum)" "$(names "$h/d" | sha256sum)" "names"
	find "$t/d" -name '*0[02468]' -delete || fail "delete"
	same "$(names "$h/d" | wc -l)" 10450 "files left"
	same "$(names "$t/d" | sha256sum)" "$(names "$h/d" | sha256sum)" "names left"
	find "$h/d" -name 'a-*' -delete &
	find "$t/d" -printf '%f\n' >"$run/during" 2>/dev/null
	wait $! || fail "delete on the host"
	same "$(grep -c 'stays' "$run/during")" 950 "files that stay, listed while others go"
	same "$(sort "$run/during" | uniq -d)" "" "listed twice"
}

# Both sides at once

churn()
{
	local i who=$2
	for ((i = 0; i < rounds; i++)); do
		echo "$who $i" >"$1/$who.new" && mv "$1/$who.new" "$1/$who" &&
			[ "$(cat "$1/$who")" = "$who $i" ] || return
		mkdir "$1/$who.d" && echo "$i" >"$1/$who.d/$i" && ln "$1/$who" "$1/$who.d/link" &&
			mv "$1/$who.d" "$1/$who.e" && rm -r "$1/$who.e" || return
		echo "$who $i" >>"$1/$who.log"
		: >"$1/$who.$i"
		truncate -s "$i" "$1/$who.$i"
	done
}

test_both_sides_edit()
{
	local host pid pids=()
	churn "$h" host &
	host=$!
	churn "$t" guest-a &
	pids+=($!)
	churn "$t" guest-b &
	pids+=($!)
	# What comes and goes may be missing when it is looked at.
	while kill -0 "$host" 2>/dev/null; do
		find "$t" -printf '%p %s\n' >/dev/null 2>&1
	done
	wait "$host" || fail "the host doesn't find its own"
	for pid in "${pids[@]}"; do
		wait "$pid" || fail "the guest doesn't find its own"
	done
	same "$(find "$h" -type f -printf x | wc -c)" $((3 * (rounds + 2))) "files"
	same_views "$h" "$t"
}

# One directory, the same names, from both sides; each loses races, no more.
fight()
{
	local i
	for ((i = 0; i < rounds; i++)); do
		mkdir "$1/d" "$1/e"
		echo "$i" >"$1/d/f"
		mv "$1/d/f" "$1/e/g"
		ln "$1/e/g" "$1/h"
		cat "$1/h"
		rm -rf "$1/d" "$1/e" "$1/h"
	done >/dev/null 2>&1
}

test_both_sides_fight()
{
	local host
	fight "$h" &
	host=$!
	fight "$t"
	wait "$host"
	same_views "$h" "$t"
}

# Sessions

test_remount()
{
	local tag
	small_files "$t" 200
	listing "$h" >"$run/before"
	tag=$(findmnt -n -o SOURCE "$mnt")
	cd /
	umount "$mnt" || fail "umount"
	mount -t virtiofs "$tag" "$mnt" || fail "mount"
	listing "$t" | diff "$run/before" - >"$run/diff" || fail "$(head -n 4 "$run/diff")"
	same_views "$h" "$t"
}

# Users

test_nobody()
{
	mkdir -m 755 "$t/closed"
	mkdir -m 1777 "$t/open"
	echo 1 >"$t/closed/file"
	chmod 640 "$t/closed/file"
	refused "Permission denied" as_nobody touch "$t/closed/new"
	refused "Permission denied" as_nobody cat "$t/closed/file"
	refused "Operation not permitted" as_nobody chmod 777 "$t/closed/file"
	refused "Operation not permitted" as_nobody chown 65534 "$t/closed"
	echo 1 >"$t/open/root"
	refused "Operation not permitted" as_nobody rm -f "$t/open/root"
	refused "Operation not permitted" as_nobody mknod "$t/open/dev" c 1 3
	small_files "$run/nobody" 50
	tar -c -f - -C "$run/nobody" . | as_nobody tar -x -f - -C "$t/open" ./dir-0 || fail "tar"
	same "$(find "$h/open/dir-0" -printf '%U:%G\n' | sort -u)" 65534:65534 "owner"
	chown 65534 "$t/closed/file"
	as_nobody cat "$t/closed/file" >"$run/said" || fail "own file"
	printf '#!/bin/sh\nid -u\n' >"$t/open/program"
	chmod 755 "$t/open/program"
	same "$(as_nobody "$t/open/program")" 65534 "program"
	same_views "$h" "$t"
}

# Cache policies

# sees FILE TEXT, sees_not NAME
sees()
{
	[ "$(cat "$1" 2>/dev/null)" = "$2" ]
}

sees_not()
{
	[ ! -e "$1" ]
}

test_cache_auto()
{
	echo one >"$t/f"
	sees "$t/f" one || fail "own file"
	echo two two >"$h/f"
	wait_until $expiry sees "$t/f" "two two" || fail "written by the host"
	sees_not "$t/g" || fail "g"
	mv "$h/f" "$h/g"
	wait_until $expiry sees "$t/g" "two two" || fail "renamed by the host: new name"
	wait_until $expiry sees_not "$t/f" || fail "renamed by the host: old name"
	rm "$h/g"
	wait_until $expiry sees_not "$t/g" || fail "removed by the host"
}

test_cache_never()
{
	local i here there
	mkdir -p "$share/never"
	here=$run/never there=$share/never
	serve never --cache never
	for ((i = 0; i < 10; i++)); do
		printf '%*s%d\n' "$i" '' "$i" >"$there/f"
		same "$(stat -c %s "$here/f")" "$(stat -c %s "$there/f")" "size"
		cmp -s "$here/f" "$there/f" || fail "contents"
		mv "$there/f" "$there/g"
		[ ! -e "$here/f" ] || fail "old name"
		[ -e "$here/g" ] || fail "new name"
		chmod "6$((i % 8))0" "$there/g"
		same "$(stat -c %a "$here/g")" "6$((i % 8))0" "mode"
		rm "$there/g"
		[ ! -e "$here/g" ] || fail "removal"
		same "$(ls -A "$here")" "" "names"
	done
	verify --directory="$here" --name=never --numjobs=2 --size=1M --bs=4k-32k
	unserve never
}

# Whatever the guest may keep, what it writes is the host's at once.
test_cache_long()
{
	local policy
	for policy in metadata always; do
		mkdir -p "$share/$policy"
		serve "$policy" --cache "$policy"
		small_files "$run/$policy" 100
		same_copies "$run/$policy" "$share/$policy"
		same_copies "$share/$policy" "$run/$policy"
		verify --directory="$run/$policy" --name=long --numjobs=2 --size=1M --bs=4k-32k
		views_agree "$share/$policy" "$run/$policy" || fail "$(head -n 4 "$run/diff")"
		unserve "$policy"
	done
}

# Read-only

test_readonly()
{
	mkdir -p "$share/readonly"
	serve readonly --readonly
	echo 1 >"$share/readonly/f"
	same "$(cat "$run/readonly/f")" 1 "contents"
	refused "Read-only file system" fallocate -l 1M "$run/readonly/f"
	refused "Read-only file system" sh -c "echo >>'$run/readonly/f'"
	unserve readonly
}

# What the host has mounted in the share

mount_inside()
{
	mkdir -p "$share/mounts/tmpfs" "$share/mounts/bind" "$share/source/dir"
	echo bound >"$share/source/dir/file"
	mount -t tmpfs tmpfs "$share/mounts/tmpfs" || fail "mount"
	mount --bind "$share/source" "$share/mounts/bind" || fail "mount"
	mkdir "$share/mounts/tmpfs/inner"
	mount -t tmpfs tmpfs "$share/mounts/tmpfs/inner" || fail "mount"
	echo tmp >"$share/mounts/tmpfs/inner/file"
}

umount_inside()
{
	umount -R "$share/mounts/tmpfs" "$share/mounts/bind" || fail "umount"
}

check_inside()
{
	same "$(cat "$1/tmpfs/inner/file")" tmp "tmpfs"
	same "$(cat "$1/bind/dir/file")" bound "bind mount"
	refused "Device or resource busy" rmdir "$1/tmpfs"
	refused "Device or resource busy" mv "$1/tmpfs/inner" "$1/tmpfs/moved"
	refused "Device or resource busy" mv -T "$1/bind" "$1/moved"
	echo new >"$1/tmpfs/new"
	echo new >"$1/bind/new"
	refused "ross-device link" ln "$1/tmpfs/new" "$1/linked"
	mv "$1/bind/new" "$1/moved" || fail "mv across mounts"
	same "$(cat "$share/mounts/tmpfs/new" "$share/mounts/moved" | xargs)" "new new" "new files"
	[ ! -e "$share/source/new" ] || fail "mv leaves the old file"
}

test_submounts()
{
	local top inner
	mount_inside
	serve mounts
	check_inside "$run/mounts"
	top=$(stat -c %d "$run/mounts")
	inner=$(stat -c %d "$run/mounts/tmpfs/inner")
	same "$(stat -c %d "$run/mounts/tmpfs/inner/file")" "$inner" "one device inside"
	[ "$top" != "$inner" ] || fail "the submount isn't announced"
	same "$(find "$run/mounts" -xdev -name file | wc -l)" 0 "files on the top device"
	umount_inside
	unserve mounts
	rm -rf "${share:?}/source"
}

test_submounts_not_announced()
{
	mount_inside
	serve mounts --no-announce-submounts
	check_inside "$run/mounts"
	same "$(stat -c %d "$run/mounts/tmpfs/inner/file")" "$(stat -c %d "$run/mounts")" "device"
	umount_inside
	unserve mounts
	rm -rf "${share:?}/source"
}

# A guest that holds all it may hold is told so, and goes on.
test_limits()
{
	mkdir -p "$share/limits"
	serve limits --max-nodes 50 --max-handles 20
	small_files "$share/limits" 200
	refused "Too many open files" find "$run/limits" -ls
	echo 2 >/proc/sys/vm/drop_caches
	wait_until $expiry stat "$run/limits/dir-0/sub-0/file-7" >/dev/null || fail "still at the limit"
	refused "Too many open files" python3 -c "
import os
files = [os.open('$run/limits/dir-0/sub-0/file-7', os.O_RDONLY) for i in range(30)]"
	cat "$run/limits/dir-0/sub-0/file-7" >/dev/null || fail "still at the limit"
	unserve limits
}

# Extended attributes and ACLs are the host's own.
test_attributes()
{
	mkdir -p "$share/attrs"
	serve attrs --posix-acl
	"$here/attrs_test.sh" "$share/attrs" "$run/attrs" || fail "not as on the host"
	unserve attrs
}

# Locks hold between the guest and the host; and what else takes an open file.
test_locks()
{
	mkdir -p "$share/locks"
	serve locks --locks remote
	"$here/locks_test.sh" "$share/locks" "$run/locks" || fail "see above"
	unserve locks
}

# With nodes that pin nothing: all that files can do, the guest's own file
# handles, and unmounting on the host what the guest has looked into.
test_file_handles()
{
	mkdir -p "$share/handles/sub"
	mount -t tmpfs tmpfs "$share/handles/sub"
	echo data >"$share/handles/sub/file"
	serve handles --inode-file-handles prefer --sandbox none
	"$here/byhandle_test" "$share/handles" "$run/handles" | grep -v '^ok '
	[ "${PIPESTATUS[0]}" = 0 ] || fail "byhandle_test"
	file_tests "$share/handles" "$run/handles"
	same "$(cat "$run/handles/sub/file")" data "file in a submount"
	# What was open is closed a little later.
	wait_until 30 umount "$share/handles/sub" || fail "the guest's nodes keep the mount"
	refused "No such file or directory" cat "$run/handles/sub/file"
	unserve handles
}

# Without the options there are none, even where the host has them.
test_no_attributes()
{
	mkdir -p "$share/none" "$share/some"
	serve none
	touch "$share/none/file"
	setfattr -n user.v -v value "$share/none/file" || fail "setfattr on the host"
	refused "Operation not supported" setfattr -n user.w -v value "$run/none/file"
	same "$(getfattr -d -m - "$run/none/file" 2>/dev/null)" "" "attributes"
	refused "Operation not supported" setfacl -m u:1234:r "$run/none/file"
	unserve none
	serve some --xattr
	touch "$run/some/file"
	setfattr -n user.v -v value "$run/some/file" || fail "setfattr"
	refused "Operation not supported" setfacl -m u:1234:r "$run/some/file"
	refused "Operation not permitted" setfattr -n trusted.v -v value "$run/some/file"
	setfacl -m u:1234:r "$share/some/file" || fail "setfacl on the host"
	same "$(getfattr --absolute-names -d -m - "$run/some/file" | grep -c =)" 1 "attributes"
	unserve some
}

# Names that the guest's root may use and the share's owner may not.
test_attributes_mapped()
{
	mkdir -p "$share/mapped"
	serve mapped --xattrmap ":map::user.guest.:"
	touch "$run/mapped/file"
	setfattr -n trusted.v -v value "$run/mapped/file" || fail "setfattr"
	setfattr -n security.v -v value "$run/mapped/file" || fail "setfattr"
	same "$(getfattr --absolute-names --only-values -n user.guest.trusted.v "$share/mapped/file")" \
		value "the host's name"
	same "$(getfattr --absolute-names --only-values -n trusted.v "$run/mapped/file")" value \
		"the guest's name"
	same "$(getfattr --absolute-names -d -m - "$run/mapped/file" | grep -c '^\(trusted\|security\).v=')" \
		2 "names listed"
	setfattr -x trusted.v "$run/mapped/file" || fail "setfattr -x"
	refused "No such attribute" getfattr -n user.guest.trusted.v "$share/mapped/file"
	unserve mapped
}

tests=(calls_of_programs fio_buffered fio_mapped fio_direct fio_on_both_sides tar_in_and_out git
	ten_thousand_files both_sides_edit both_sides_fight remount nobody cache_auto cache_never
	cache_long readonly submounts submounts_not_announced limits
	attributes no_attributes attributes_mapped locks file_handles)

run_one()
{
	t=$mnt/$1 h=$share/$1
	mkdir "$t" || fail "mkdir"
	"test_$1" || fail "exit status $?"
	cd / || fail "cd"
	rm -rf "$t"
}

usage()
{
	echo "$me: $1; usage: $me SHAREDIR MOUNT" >&2
	exit 2
}

[ $# -ge 2 ] || usage "two directories are needed"
# Other shares are made there, too.
share=$1 mnt=$2 host=$1
case $share in
/*)	[ -d "$share" ] || usage "'$share' isn't a directory" ;;
*)	usage "'$share' isn't an absolute path" ;;
esac
[ "$(findmnt -n -o FSTYPE "$mnt")" = virtiofs ] || usage "'$mnt' isn't a virtiofs mount"
for tool in getfacl getfattr fio git python3 loopbackd vhost-fs-ctl "$here/file_test"; do
	command -v "$tool" >/dev/null || { echo "$me: $tool is missing" >&2; exit 1; }
done
if [ "${3-}" = --one ]; then
	run_one "$4"
	exit 0
fi
[ -z "${3-}" ] || tests=("${@:3}")

rm -rf "$run"
mkdir -p "$run"
echo "TAP version 13"
echo "1..${#tests[@]}"
failed=0
nr=0
for name in "${tests[@]}"; do
	nr=$((nr + 1))
	start=$SECONDS
	timeout -k 10 "$limit" "$0" "$share" "$mnt" --one "$name" </dev/null 2>&1 | sed 's/^\([^#]\)/# \1/'
	if [ "${PIPESTATUS[0]}" = 0 ]; then
		echo "ok $nr - $name # $((SECONDS - start)) s"
	else
		echo "not ok $nr - $name # $((SECONDS - start)) s"
		failed=$((failed + 1))
	fi
done
echo "# passed $((nr - failed)), failed $failed"
[ "$failed" = 0 ]
