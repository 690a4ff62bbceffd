#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The process that serves a vhost-user connection is killed, again and again, its parent
# becomes another program, and both are killed, while programs work in a mount of what
# they serve: those notice nothing, and nothing of what they wrote is lost. Prints TAP; needs a
# mount by "vm run --loopback DIR:MNT --backend vhost-user".
#
#   restart_test.sh DIR MNT

set -u
dir=$1
mnt=$2
kills=$((50 * ${TEST_ROUNDS_PERCENT:-100} / 100))
upgrades=10
work=$(mktemp -d)
keeper=$(pgrep -o -f 'vhost-fs-ctl vhost-user')
number=0 failures=0

# check NAME COMMAND...: one test, passed if COMMAND succeeds.
check()
{
	local name=$1 result=ok
	shift
	"$@" || { result='not ok'; failures=$((failures + 1)); }
	echo "$result $((++number)) - $name"
}

# What is read back is what was written, block by block.
write_and_verify()
{
	while [ ! -e "$work/enough" ]; do
		fio --name=verify --directory="$mnt" --ioengine=psync --rw=randwrite \
			--bs=16k --size=4m --numjobs=2 --fsync=8 --verify=crc32c \
			--verify_fatal=1 --do_verify=1 --thread >"$work/fio" 2>&1 ||
			{ sed 's/^/# /' "$work/fio"; return 1; }
		echo >>"$work/rounds.fio"
	done
}

# Each step works once only: done twice, or not at all, it fails.
change_names()
{
	local i=0
	mkdir "$mnt/names" || return
	while [ ! -e "$work/enough" ]; do
		i=$((i + 1))
		mkdir "$mnt/names/$i" && echo "$i" >"$mnt/names/$i/a" &&
			ln "$mnt/names/$i/a" "$mnt/names/$i/b" &&
			mv "$mnt/names/$i" "$mnt/names/moved$i" &&
			rm "$mnt/names/moved$i/a" &&
			[ "$(cat "$mnt/names/moved$i/b")" = "$i" ] || return
		echo "$i" >>"$mnt/log" || return
		[ $((i % 3)) = 0 ] || rm -r "$mnt/names/moved$i" || return
	done 2>"$work/names.err"
	echo "$i" >"$work/rounds.names"
}

kill_servers()
{
	local i last='' pid
	for ((i = 0; i < kills; i++)); do
		until pid=$(pgrep -P "$keeper") && [ "$pid" != "$last" ]; do
			kill -0 "$keeper" || return
		done
		kill -KILL "$pid" 2>/dev/null || { i=$((i - 1)); continue; }
		last=$pid
	done
}

runs_program()
{
	[ "$(stat -L -c %i "/proc/$keeper/exe")" = "$(stat -c %i "$program")" ]
}

# Each time there is another file, with the same program.
upgrade_keeper()
{
	local i
	program=$(readlink -f "/proc/$keeper/exe")
	for ((i = 0; i < upgrades; i++)); do
		cp "$program" "$program.new" && mv "$program.new" "$program" || return
		kill -USR2 "$keeper" || return
		until runs_program; do
			kill -0 "$keeper" || return
			sleep 0.1
		done
	done
}

# wait_until COMMAND...: until it succeeds, bounded.
wait_until()
{
	local deadline=$((SECONDS + 60))
	until "$@"; do
		[ "$SECONDS" -lt "$deadline" ] || return
		sleep 0.05
	done
}

has_ended()
{
	! kill -0 "$1" 2>/dev/null || grep -qs '^State:.Z' "/proc/$1/status"
}

# Keeper and server are killed; the next keeper ends with its connection, and outlives
# this script, which the mount does, too. loopbackd connects again, and says so.
kill_keepers()
{
	local i words ready
	mapfile -d '' -t words <"/proc/$keeper/cmdline"
	ready=$(tr '\0' '\n' <"/proc/$(pgrep -o loopbackd)/cmdline" | sed -n '/^--ready$/{n;p}')
	for ((i = 0; i < upgrades; i++)); do
		rm -f "$ready"
		kill -KILL "$keeper" && wait_until has_ended "$keeper" || return
		"${words[@]}" --once >"$work/keeper" 2>&1 &
		keeper=$!
		disown "$keeper"
		echo "$keeper" >/sys/fs/cgroup/cgroup.procs || return
		wait_until [ -e "$ready" ] || { sed 's/^/# /' "$work/keeper"; return 1; }
	done
}

# At least one round of each after the last kill.
run_all()
{
	local fio names killed=0
	write_and_verify & fio=$!
	change_names & names=$!
	kill_servers || killed=1
	upgrade_keeper || killed=1
	kill_keepers || killed=1
	touch "$work/enough"
	wait "$fio" && fio_status=0 || fio_status=1
	wait "$names" && names_status=0 || names_status=1
	[ "$killed" = 0 ]
}

nothing_wrong_with_names()
{
	[ "$names_status" = 0 ] || { sed 's/^/# /' "$work/names.err"; return 1; }
	[ ! -s "$work/names.err" ]
}

# Every line once, in order, as the host sees it.
log_is_complete()
{
	cmp <(seq "$(cat "$work/rounds.names")") "$dir/log"
}

same_tree()
{
	diff <(cd "$dir/names" && find . -type f -exec grep -H . {} + | sort) \
		<(cd "$mnt/names" && find . -type f -exec grep -H . {} + | sort) &&
		[ "$(find "$dir/names" -mindepth 1 -maxdepth 1 | wc -l)" = \
			"$(($(cat "$work/rounds.names") / 3))" ]
}

same_data()
{
	cmp <(cd "$dir" && sha256sum verify.*) <(cd "$mnt" && sha256sum verify.*)
}

echo 1..7
check "the server is killed $kills times; $upgrades times all is replaced, or killed" run_all
check 'fio read back what it had written' [ "$fio_status" = 0 ]
check 'no step on names failed or was done twice' nothing_wrong_with_names
check 'what was appended is there, once and in order' log_is_complete
check 'host and guest see the same tree' same_tree
check 'host and guest see the same data' same_data
check 'the last one serves' kill -0 "$keeper"
rm -rf "$work" "${mnt:?}"/{names,log,verify.*}
[ "$failures" = 0 ]
