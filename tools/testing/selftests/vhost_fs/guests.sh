# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2034
#
# What tests have in common that make their shares and mounts themselves, in a
# host VM: shares lie in $host, guests' mounts and all else in $run.

# What ends on its own once the guest's cache expires gets this long.
expiry=20

fail()
{
	echo "$*"
	exit 1
}

same()
{
	[ "$1" = "$2" ] || fail "$3: '$1' isn't '$2'"
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

# With all threads: the first is a zombie while others, the device's among them, still end.
gone()
{
	! kill -0 "$1" 2>/dev/null ||
		{ grep -qs '^State:.Z' "/proc/$1/status" && [ ! -e "$(other_thread "$1")" ]; }
}

other_thread()
{
	find "/proc/$1/task" -mindepth 1 -maxdepth 1 ! -name "$1" -print -quit 2>/dev/null
}

# guest SHARE NAME: another device of SHARE, mounted at $run/NAME.
guest()
{
	local share=$1 name=$2
	loopbackd --share "$share" --tag "$name" --ready "$run/$name.ready" </dev/null \
		>"$run/$name.log" 2>&1 &
	echo $! >"$run/$name.pid"
	wait_until 30 test -e "$run/$name.ready" || fail "loopbackd: $(tail -n 1 "$run/$name.log")"
	mkdir -p "$run/$name"
	mount -t virtiofs "$name" "$run/$name" || fail "can't mount"
}

# serve NAME OPTION...: shares $host/NAME, with one guest.
serve()
{
	local name=$1
	shift
	mkdir -p "$host/$name"
	vhost-fs-ctl add-share "$name" --path "$host/$name" "$@" || fail "no share"
	guest "$name" "$name"
}

leave()
{
	local name=$1 pid
	umount -R "$run/$name" || fail "umount of $name"
	pid=$(cat "$run/$name.pid")
	kill "$pid"
	wait_until 30 gone "$pid" || fail "loopbackd doesn't end"
	rm "$run/$name.ready" "$run/$name.pid"
}

unserve()
{
	leave "$1"
	vhost-fs-ctl remove-share "$1" || fail "the share stays"
	rm -rf "${host:?}/$1"
}

# asked SHARE OPCODE: how many such requests its guests have made.
asked()
{
	vhost-fs-ctl list-devices --json | jq --arg share "$1" --arg opcode "$2" \
		'[.[] | select(.share == $share) | .opcode[] |
			select(.name == $opcode) | .requests] | add // 0'
}

as_user()
{
	setpriv --reuid 1000 --regid 1000 --clear-groups "$@"
}

# on_ext4 NAME OPTION...: $host/NAME is an ext4 that mke2fs made with OPTIONs.
on_ext4()
{
	local image=$run/$1.img dir=$host/$1
	shift
	mkdir -p "$dir"
	truncate -s 64M "$image"
	mke2fs -q -t ext4 "$@" "$image" || fail "mke2fs"
	modprobe -q loop
	mount -o loop "$image" "$dir" || fail "no ext4"
}

end_ext4()
{
	umount "$host/$1" || fail "umount of $1's ext4"
	rm "$run/$1.img"
}

# What tests make beyond guests, shares and mounts, and may have left.
end_more()
{
	:
}

# For the next test, what one has left that failed midway.
clean_up()
{
	local pid name at
	cat "$run"/*.pid | while read -r pid; do
		kill -KILL "$pid"
		wait_until 30 gone "$pid"
	done
	for name in $(vhost-fs-ctl list-shares --json | jq -r '.[].name'); do
		vhost-fs-ctl remove-share "$name"
	done
	findmnt -rno TARGET | grep -E "^($run|$host)/" | tac | while read -r at; do
		umount -l "$at"
	done
	end_more
	losetup -D
	rm -rf "$run" "$host"
	mkdir -p "$run" "$host"
}

run_test()
{
	local start=$SECONDS out=$run-out
	nr=$((nr + 1))
	if ("test_$1") >"$out" 2>&1; then
		echo "ok $nr - $1 # $((SECONDS - start)) s"
	else
		failed=$((failed + 1))
		echo "not ok $nr - $1"
		sed 's/^/# /' "$out"
		clean_up >/dev/null 2>&1
	fi
}

# run_tests NAME...: prints TAP; true if all passed.
run_tests()
{
	local name
	nr=0 failed=0
	mkdir -p "$run" "$host"
	for name; do
		run_test "$name"
	done
	echo "1..$nr"
	[ "$failed" -eq 0 ]
}
