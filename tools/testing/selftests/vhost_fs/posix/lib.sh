# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154
#
# What the scripts of these tests share: file systems to test on, shares of
# them, and TAP. $work is a directory for whatever is made, $me a name.

fail()
{
	echo "$me: $*" >&2
	echo "Bail out! $*"
	exit 1
}

# wait_until SECONDS COMMAND...
wait_until()
{
	local deadline=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		sleep 0.1
	done
}

# make_fs TYPE DIR SIZE: a new file system, mounted at DIR. Images are sparse.
make_fs()
{
	local type=$1 dir=$2 size=$3 image
	mkdir -p "$dir"
	if [ "$type" = tmpfs ]; then
		mount -t tmpfs -o "size=$size" tmpfs "$dir"
		return
	fi
	modprobe -qa loop "$type"
	image=/var/tmp/vhost-fs-posix/$(basename "$work")-$type
	mkdir -p /var/tmp/vhost-fs-posix
	rm -f "$image"
	truncate -s "$size" "$image"
	case $type in
	ext4)	mkfs.ext4 -q -I 256 -N "${inodes:-200000}" "$image" ;;
	xfs)	mkfs.xfs -q "$image" ;;
	btrfs)	mkfs.btrfs -q "$image" ;;
	esac >"$work/mkfs.log" 2>&1 || { cat "$work/mkfs.log" >&2; return 1; }
	[ "$type" != ext4 ] || make_many_links "$image" || return
	mount -o loop "$image" "$dir"
}

# A file of image $1 says that it has nearly as many links as ext4 allows.
make_many_links()
{
	printf '%s\n' "write /dev/null many-links" "sif many-links links_count 64980" |
		debugfs -w -f - "$1" >"$work/debugfs" 2>&1
}

# serve NAME DIR MOUNT OPTION...: shares DIR as NAME, and mounts it at MOUNT.
serve()
{
	local name=$1 dir=$2 mount=$3
	shift 3
	vhost-fs-ctl add-share "posix-$name" --path "$dir" "$@" || fail "no share"
	loopbackd --share "posix-$name" --tag "posix-$name" --ready "$work/$name.ready" \
		</dev/null >"$work/$name.log" 2>&1 &
	echo $! >"$work/$name.pid"
	wait_until 60 test -e "$work/$name.ready" || fail "loopbackd: $(tail -n 1 "$work/$name.log")"
	mkdir -p "$mount"
	mount -t virtiofs "posix-$name" "$mount" || fail "can't mount $name"
}

unserve()
{
	local name=$1 mount=$2 pid
	umount -R "$mount" || fail "umount of $name: $(fuser -vm "$mount" 2>&1)"
	pid=$(cat "$work/$name.pid")
	kill "$pid"
	wait "$pid" 2>/dev/null
	vhost-fs-ctl remove-share "posix-$name" || fail "the share stays"
	rm -f "$work/$name.ready"
}

# report PREFIX PROGRAM ARGUMENT...: runs a test program and passes its results
# on, numbered through. One that says less than it planned has failed too.
report()
{
	local prefix=$1 start=$SECONDS planned done_before=$number line
	shift
	"$@" >"$work/tap" 2>&1 </dev/null
	planned=$(sed -n 's/^1\.\.//p' "$work/tap")
	while IFS= read -r line; do
		case $line in
		'ok '*|'not ok '*)
			number=$((number + 1))
			[ "${line%% *}" = ok ] || bad=$((bad + 1))
			echo "${line%%[0-9]*}$number - $prefix ${line#*[0-9] }" ;;
		TAP*|1..*) ;;
		'#'*)	echo "$line" ;;
		*)	echo "# $line" ;;
		esac
	done <"$work/tap"
	if [ $((number - done_before)) -ne "${planned:-1}" ]; then
		number=$((number + 1))
		bad=$((bad + 1))
		echo "not ok $number - $prefix planned ${planned:-nothing} and did $((number - done_before - 1))"
	fi
	echo "# $prefix: $((SECONDS - start)) s"
}

# check NAME COMMAND...
check()
{
	local name=$1 said
	shift
	number=$((number + 1))
	if said=$("$@" 2>&1); then
		echo "ok $number - $name"
	else
		bad=$((bad + 1))
		[ -z "$said" ] || printf '%s\n' "$said" | sed 's/^/# /' | head -n 20
		echo "not ok $number - $name"
	fi
}

same()
{
	[ "$1" = "$2" ] || { echo "$3: '$1' isn't '$2'"; return 1; }
}

refused()
{
	local error=$1 said
	shift
	if said=$("$@" 2>&1); then
		echo "'$*' succeeds"
		return 1
	fi
	grep -q "$error" <<<"$said" || { echo "'$*': $said"; return 1; }
}
