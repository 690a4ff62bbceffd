#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Tests what a share's options do for programs of a guest, in mounts of this very
# kernel:
#
#   options_test.sh [TEST]...
#
# Runs in a host VM (vm/vm run) with the loopback module; makes its shares and
# mounts itself. Needs root, fio, loopbackd, vhost-fs-ctl, and readonly_test
# beside this script. Prints TAP. Exit status: 0 if all passed, 1 otherwise.

set -u
export LC_ALL=C
run=/run/vhost-fs-options-test
host=/srv/options-test
here=$(cd "$(dirname "$0")" && pwd) || exit 1
# shellcheck source=tools/testing/selftests/vhost_fs/guests.sh
. "$here/guests.sh"

verify()
{
	fio --verify=crc32c --verify_fatal=1 --do_verify=1 --fallocate=none --rw=randrw \
		--name=verify --size=1M --bs=4k-32k --numjobs=2 --group_reporting "$@" \
		>"$run/fio" 2>&1 || fail "fio: $(grep -m 3 -i -E 'err|verify' "$run/fio")"
}

sees()
{
	[ "$(cat "$1" 2>/dev/null)" = "$2" ]
}

# Two guests of one share, at $one and $two.

two_guests()
{
	serve "$@"
	guest "$1" "$1-2"
	one=$run/$1 two=$run/$1-2
}

end_two_guests()
{
	leave "$1-2"
	unserve "$1"
}

test_cache_never()
{
	local i
	two_guests never --cache never
	for ((i = 0; i < 10; i++)); do
		printf '%*s%d\n' "$i" '' "$i" >"$one/f"
		cmp "$one/f" "$two/f" || fail "contents"
		same "$(stat -c %s "$two/f")" $((i + 2)) "size"
		chmod 6${i/[89]/0}0 "$two/f"
		same "$(stat -c %a "$one/f")" "6${i/[89]/0}0" "mode"
		mv "$two/f" "$two/g"
		[ ! -e "$one/f" ] || fail "old name"
		[ -e "$one/g" ] || fail "new name"
		rm "$one/g"
		same "$(ls -A "$two")" "" "names"
	done
	end_two_guests never
}

test_cache_auto()
{
	two_guests auto --cache auto
	echo one >"$one/f"
	wait_until $expiry sees "$two/f" one || fail "new file"
	echo two two >"$two/f"
	wait_until $expiry sees "$one/f" "two two" || fail "written by the other"
	mv "$two/f" "$two/g"
	wait_until $expiry sees "$one/g" "two two" || fail "new name"
	wait_until $expiry test ! -e "$one/f" || fail "old name"
	rm "$one/g"
	wait_until $expiry test ! -e "$two/g" || fail "removal"
	end_two_guests auto
}

# Names and attributes may be old for a day; data never is.
test_cache_metadata()
{
	two_guests metadata --cache metadata
	echo old >"$one/f"
	sees "$two/f" old || fail "new file"
	echo new >"$one/f"
	sees "$two/f" new || fail "data is cached"
	chmod 600 "$two/f"
	chmod 640 "$one/f"
	same "$(stat -c %a "$two/f")" 600 "mode, which may be cached"
	mv "$one/f" "$one/g"
	[ -e "$two/f" ] || fail "a name, which may be cached, has gone"
	end_two_guests metadata
}

# reads SHARE: how often its guest has asked for data.
reads()
{
	vhost-fs-ctl list-devices --json | jq "[.[] | select(.share == \"$1\") | .opcode[] |
		select(.name == \"read\") | .requests] | add // 0"
}

# What a guest has read it may keep when it opens the file again, or not.
test_cache_always()
{
	local name before
	for name in always auto; do
		serve $name --cache $name
		echo data >"$host/$name/f"
		sees "$run/$name/f" data || fail "contents"
		before=$(reads $name)
		[ "$before" -gt 0 ] || fail "nothing was read"
		sees "$run/$name/f" data || fail "contents again"
		if [ $name = always ]; then
			same "$(reads $name)" "$before" "reads"
		else
			[ "$(reads $name)" -gt "$before" ] || fail "data was kept"
		fi
		unserve $name
	done
}

# Timeouts of the share's own count, and not the policy's.
test_timeouts()
{
	two_guests timeouts --cache always --timeout 0
	echo old >"$one/f"
	sees "$two/f" old || fail "new file"
	echo longer >"$one/f"
	same "$(stat -c %s "$two/f")" 7 "size"
	sees "$two/f" longer || fail "data that is known to be old"
	mv "$one/f" "$one/g"
	[ ! -e "$two/f" ] || fail "old name"
	[ -e "$two/g" ] || fail "new name"
	vhost-fs-ctl set-share timeouts --timeout 86400 || fail "set-share"
	same "$(stat -c %a "$two/g")" 644 "mode"
	chmod 600 "$one/g"
	same "$(stat -c %a "$two/g")" 644 "mode, which may be cached now"
	end_two_guests timeouts
}

test_writeback()
{
	local h=$host/writeback g=$run/writeback
	serve writeback --writeback
	verify --directory="$g"
	verify --directory="$g" --ioengine=mmap
	sync -f "$g"
	same "$(cd "$h" && sha256sum verify*)" "$(cd "$g" && sha256sum verify*)" "contents"
	printf 0123456789 >"$g/f"
	sync -f "$g/f"
	echo 3 >/proc/sys/vm/drop_caches
	# Parts of a page, by files that can't be read and that append.
	printf AB | dd of="$g/f" bs=1 seek=4 conv=notrunc status=none || fail "partial write"
	printf end >>"$g/f"
	sync "$g/f" || fail "fsync"
	sees "$h/f" "0123AB6789end" || fail "the host has '$(cat "$h/f")'"
	echo x >>"$g/f"
	touch -d '2001-02-03 04:05:06' "$g/f"
	same "$(stat -c %Y "$h/f")" "$(stat -c %Y "$g/f")" "time of modification"
	truncate -s 5 "$g/f"
	sync "$g/f"
	same "$(stat -c %s "$h/f")" 5 "size"
	chmod 200 "$g/f"
	as_user sh -c "echo x >'$g/f'" 2>/dev/null && fail "another's file"
	chown 1000 "$g/f"
	as_user sh -c "printf y >>'$g/f'" || fail "write-only file"
	sync "$g/f"
	same "$(stat -c %s "$h/f")" 6 "size of a write-only file"
	unserve writeback
}

test_allow_mmap()
{
	serve mmap --cache never --allow-mmap
	verify --directory="$run/mmap" --ioengine=mmap
	unserve mmap
	serve nommap --cache never
	if (verify --directory="$run/nommap" --ioengine=mmap) >/dev/null; then
		fail "mapped without the option"
	fi
	unserve nommap
}

# What takes set-ID bits and capabilities away, here and there.

change()
{
	case $2 in
	write)		echo x >>"$1" ;;
	overwrite)	printf x | dd of="$1" bs=1 conv=notrunc status=none ;;
	truncate)	truncate -s 1 "$1" ;;
	empty)		: >"$1" ;;
	chown)		chown 1000 "$1" ;;
	chgrp)		chgrp 1000 "$1" ;;
	fallocate)	fallocate -l 100 "$1" ;;
	read)		cat "$1" >/dev/null ;;
	esac
}

# state FILE: what is left of its mode, and whether it has capabilities.
state()
{
	echo "$(stat -c %a "$1") $(getfattr --only-values -n security.capability "$1" 2>/dev/null | wc -c)"
}

prepare_privileged()
{
	rm -f "$1"
	echo 0123456789 >"$1"
	chown 1000:1000 "$1"
	chmod "$2" "$1"
	# cap_net_bind_service, permitted and effective.
	setfattr -n security.capability -v 0x0100000200040000000000000000000000000000 "$1" ||
		fail "setfattr"
}

same_mode()
{
	[ "$(stat -c %a "$1")" = "$(stat -c %a "$2")" ]
}

# The guest's driver doesn't tell who allocates, nor, if it takes the bits away
# itself, who opens with O_TRUNC: then they go for root too.

# compare_privileges SHARE WHO...: WHO is a command that runs another.
compare_privileges()
{
	local name=$1 mode how native served
	shift
	for mode in 4755 2755 6755 2745; do
		for how in write overwrite truncate empty chown chgrp fallocate read; do
			native=$host/native-$mode-$how
			served=$host/$name/$mode-$how-$#
			prepare_privileged "$native" "$mode"
			prepare_privileged "$served" "$mode"
			"$@" bash -c "$(declare -f change); change $native $how" ||
				fail "$how of $mode, native"
			"$@" bash -c "$(declare -f change); change $run/$name/$mode-$how-$# $how" ||
				fail "$how of $mode, served"
			[[ $unknown != *" $#-$how "* ]] || continue
			same "$(state "$served")" "$(state "$native")" "$how of $mode by $*"
			wait_until $expiry same_mode "$run/$name/$mode-$how-$#" "$served" ||
				fail "$how of $mode by $*: mode in the guest"
		done
	done
}

test_killpriv()
{
	local unknown=" 1-fallocate "
	serve killpriv --killpriv-v2
	compare_privileges killpriv env
	compare_privileges killpriv setpriv --reuid 1000 --regid 1000 --clear-groups
	unserve killpriv
	rm "$host"/native-*
}

test_killpriv_by_guest()
{
	local unknown=" 1-empty "
	serve nokillpriv
	compare_privileges nokillpriv env
	compare_privileges nokillpriv setpriv --reuid 1000 --regid 1000 --clear-groups
	unserve nokillpriv
	rm "$host"/native-*
}

test_mapped_mount()
{
	local h=$host/mapped g=$run/mapped
	mkdir -p "$h"
	chown 100000:100000 "$h"
	chmod 777 "$h"
	serve mapped --uid-map :0:100000:65536: --gid-map :0:100000:65536:
	echo 1 >"$g/f" || fail "root creates"
	same "$(stat -c %u:%g "$g/f")" 0:0 "owner"
	same "$(stat -c %u:%g "$h/f")" 100000:100000 "owner on the host"
	as_user mkdir "$g/d" || fail "user creates"
	same "$(stat -c %u:%g "$h/d")" 101000:101000 "owner on the host"
	chown 5:6 "$g/f" || fail "chown"
	same "$(stat -c %u:%g "$g/f")" 5:6 "new owner"
	same "$(stat -c %u:%g "$h/f")" 100005:100006 "new owner on the host"
	chmod 600 "$g/f"
	as_user cat "$g/f" 2>/dev/null && fail "another's file is read"
	cat "$g/f" >/dev/null || fail "root reads"
	chown 70000 "$g/f" 2>/dev/null && fail "an id that isn't mapped is taken"
	echo 1 >"$h/strange"
	chmod 666 "$h/strange"
	same "$(stat -c %u "$g/strange")" 65534 "owner that isn't mapped"
	sees "$g/strange" 1 || fail "reading what isn't mapped"
	(echo 2 >"$g/strange") 2>/dev/null && fail "writing what isn't mapped"
	unserve mapped
}

test_translated_ids()
{
	local h=$host/translated g=$run/translated
	serve translated --translate-uid map:0:5000:2000 --translate-gid squash-guest:0:77:4294967295 \
		--translate-gid squash-host:77:0:1 --translate-uid forbid-guest:3000:1
	chmod 777 "$h"
	chown 5000 "$h"
	echo 1 >"$g/f" || fail "root creates"
	same "$(stat -c %u:%g "$g/f")" 0:0 "owner"
	same "$(stat -c %u:%g "$h/f")" 5000:77 "owner on the host"
	wait_until $expiry as_user mkdir "$g/d" || fail "user creates"
	same "$(stat -c %u:%g "$h/d")" 6000:77 "owner on the host"
	chown 1000 "$g/f" || fail "chown"
	same "$(stat -c %u "$h/f")" 6000 "new owner on the host"
	chown 3000 "$g/f" 2>/dev/null && fail "chown to a forbidden id"
	setpriv --reuid 3000 --clear-groups touch "$g/new" 2>/dev/null && fail "forbidden id creates"
	[ ! -e "$h/new" ] || fail "something was made"
	unserve translated
}

# Only files that a process may be said to have opened so are.
test_noatime()
{
	local name
	for name in noatime atime; do
		mkdir "$host/$name"
		mount -t tmpfs -o strictatime none "$host/$name" || fail "no tmpfs"
		if [ $name = noatime ]; then
			serve $name --preserve-noatime
		else
			serve $name
		fi
		echo 1 >"$host/$name/f"
		touch -a -d '2001-02-03' "$host/$name/f"
		dd if="$run/$name/f" iflag=noatime of=/dev/null status=none || fail "dd"
		if [ $name = noatime ]; then
			same "$(stat -c %X "$host/$name/f")" "$(date -d 2001-02-03 +%s)" "access time"
		else
			[ "$(stat -c %X "$host/$name/f")" != "$(date -d 2001-02-03 +%s)" ] ||
				fail "not accessed"
		fi
		umount "$host/$name"
		unserve $name
	done
}

test_readonly()
{
	serve readonly --readonly --xattr
	"$here/readonly_test" "$host/readonly" "$run/readonly" 2>&1 | grep -v '^ok '
	[ "${PIPESTATUS[0]}" = 0 ] || fail "readonly_test"
	unserve readonly
}

# What a share may do for its guests' root: no more than it was left with.
test_rights()
{
	local h=$host/rights g=$run/rights name
	mkdir -p "$h"
	for name in group others; do
		echo $name >"$h/$name"
		chown 1000:4343 "$h/$name"
	done
	chmod 040 "$h/group"
	chmod 000 "$h/others"
	serve rights --xattr --modcaps -dac_override:-mknod --supplementary-group 4343
	sees "$g/group" group || fail "a file of the share's group"
	cat "$g/others" 2>/dev/null && fail "a file that the share may not read"
	mknod "$g/null" c 1 3 2>/dev/null && fail "a device"
	leave rights
	vhost-fs-ctl remove-share rights
	serve rights --xattr
	sees "$g/others" others || fail "CAP_DAC_OVERRIDE isn't kept"
	mknod "$g/null" c 1 3 || fail "CAP_MKNOD isn't kept"
	setfattr -n trusted.a -v b "$g/group" 2>/dev/null && fail "CAP_SYS_ADMIN is kept"
	leave rights
	vhost-fs-ctl remove-share rights
	serve rights --xattr --modcaps +sys_admin
	setfattr -n trusted.a -v b "$g/group" || fail "CAP_SYS_ADMIN isn't kept"
	same "$(getfattr --only-values -n trusted.a "$h/group" 2>/dev/null)" b "value on the host"
	unserve rights
}

# What the host mounts and unmounts shows in its own mounts, and in no others.
test_sandbox()
{
	local h=$host/sandbox g=$run/sandbox mode
	for mode in mount none; do
		serve sandbox --sandbox $mode
		mkdir "$h/sub"
		mount -t tmpfs none "$h/sub" || fail "no tmpfs"
		echo x >"$h/sub/f"
		if [ $mode = mount ]; then
			[ ! -e "$g/sub/f" ] || fail "mounted in the share"
		else
			wait_until $expiry sees "$g/sub/f" x || fail "not mounted in the share"
			umount "$g/sub" 2>/dev/null
		fi
		leave sandbox
		vhost-fs-ctl remove-share sandbox
		umount "$h/sub" || fail "the host can't unmount it"
		rmdir "$h/sub"
	done
	rmdir "$h"
}

# A name that is missing may be believed to be so, for as long as the share says.
test_negative_timeout()
{
	local n=$run/negative h=$host/negative
	serve negative --negative-timeout 86400
	[ ! -e "$n/f" ] || fail "there is something"
	touch "$h/f"
	[ ! -e "$n/f" ] || fail "it was asked for again"
	echo x >"$n/g" || fail "create"
	rm "$n/g"
	[ ! -e "$n/g" ] || fail "removed by the guest itself"
	vhost-fs-ctl set-share negative --negative-timeout 0
	[ ! -e "$n/h" ] || fail "there is something"
	touch "$h/h"
	[ -e "$n/h" ] || fail "it wasn't asked for again"
	unserve negative
}

# A guest that has all that it may have gets errors, and others don't.
test_limits()
{
	local i
	mkdir -p "$host/limits"
	for i in 1 2 3 4 5 6; do
		touch "$host/limits/$i"
	done
	two_guests limits --max-handles 2 --max-nodes 5 --no-readdirplus
	exec 5<"$one/1" 6<"$one/2"
	(exec 7<"$one/3") 2>"$run/why" && fail "a third open file"
	grep -q "Too many open files" "$run/why" || fail "$(cat "$run/why")"
	(exec 7<"$two/3") || fail "the other guest's open file"
	stat "$one/3" "$one/4" >/dev/null || fail "files that it may know"
	stat "$one/5" 2>"$run/why" && fail "a sixth file"
	grep -q "Too many open files in system" "$run/why" || fail "$(cat "$run/why")"
	stat "$two/5" >/dev/null || fail "what the other guest may know"
	vhost-fs-ctl set-share limits --max-handles 3 --max-nodes 10
	(exec 7<"$one/3") || fail "a limit that was raised"
	stat "$one/5" >/dev/null || fail "a limit that was raised"
	exec 5<&- 6<&-
	end_two_guests limits
}

# A guest's own mount with mapped ids, of what the share has.
test_idmapped_mounts()
{
	local h=$host/idmapped g=$run/idmapped m=$run/idmapped-mount
	serve idmapped
	mkdir -p "$g/d" "$m"
	chown 1000:1000 "$g/d"
	mount --bind -o X-mount.idmap=b:1000:2000:1 "$g/d" "$m" || fail "no mount with mapped ids"
	same "$(stat -c %u:%g "$m")" 2000:2000 "owner there"
	setpriv --reuid 2000 --regid 2000 --clear-groups sh -c "echo x >'$m/f'" || fail "create"
	same "$(stat -c %u:%g "$h/d/f")" 1000:1000 "owner on the host"
	as_user sh -c "echo x >'$m/g'" 2>/dev/null && fail "somebody else creates"
	umount "$m"
	unserve idmapped
	serve idmapped --no-idmapped-mounts
	mkdir "$g/d"
	if mount --bind -o X-mount.idmap=b:1000:2000:1 "$g/d" "$m" 2>/dev/null; then
		fail "mounted with mapped ids all the same"
	fi
	unserve idmapped
	rmdir "$m"
}

# seal FILE: enables fs-verity, with SHA-256 and blocks of 4 KiB.
seal()
{
	# shellcheck disable=SC2016 # Perl's variables
	perl -e 'open(F, "<", $ARGV[0]) or die "open: $!\n";
		ioctl(F, 0x40806685, pack("L4QL2Q12", 1, 1, 4096, (0) x 16)) or die "$!\n"' "$1"
}

# measure FILE: prints its digest.
measure()
{
	# shellcheck disable=SC2016 # Perl's variables
	perl -e 'open(F, "<", $ARGV[0]) or die "open: $!\n";
		my $d = pack("S2x64", 0, 64);
		ioctl(F, 0xc0046686, $d) or die "$!\n";
		print unpack("x4H64", $d), "\n"' "$1"
}

test_verity()
{
	local h=$host/verity g=$run/verity name digest
	on_ext4 verity -O verity -b 4096
	serve verity --no-idmapped-mounts
	for name in root user; do
		seq 5000 >"$g/$name"
	done
	chown 1000 "$g/user"
	same "$(measure "$g/root" 2>&1)" "No data available" "digest of a file without one"
	same "$(as_user "$BASH" -c "$(declare -f seal); seal $g/root" 2>&1)" "Permission denied" \
		"sealing what one may only read"
	echo more >>"$g/root" || fail "it was sealed"
	seal "$g/root" || fail "root seals"
	as_user "$BASH" -c "$(declare -f seal); seal $g/user" || fail "its owner seals"
	same "$(seal "$g/root" 2>&1)" "File exists" "sealing again"
	digest=$(measure "$g/root") || fail "measure"
	same "$digest" "$(measure "$h/root")" "digest"
	[ "$digest" != "$(measure "$g/user")" ] || fail "digests of two files"
	(echo x >>"$g/root") 2>/dev/null && fail "written"
	same "$(tail -n 1 "$g/root")" more "contents"
	leave verity
	vhost-fs-ctl remove-share verity
	# A guest that may map ids doesn't say who asks.
	serve verity
	same "$(measure "$g/root")" "$digest" "digest, seen by another guest"
	echo x >"$g/new"
	same "$(seal "$g/new" 2>&1)" "Operation not permitted" "nobody seals"
	leave verity
	vhost-fs-ctl remove-share verity
	end_ext4 verity
}

# Running them

tests=(cache_never cache_auto cache_metadata cache_always timeouts writeback allow_mmap killpriv
	killpriv_by_guest mapped_mount translated_ids noatime readonly idmapped_mounts verity rights sandbox
	negative_timeout limits)

[ $# -eq 0 ] || tests=("$@")
run_tests "${tests[@]}"
