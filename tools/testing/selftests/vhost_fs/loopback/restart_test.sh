#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The process that serves a vhost-user connection is killed, again and again, and its
# parent becomes another program, while programs work in a mount of what it serves:
# they notice nothing, and nothing of what they wrote is lost. Prints TAP; needs a
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

# At least one round of each after the last kill.
run_all()
{
	local fio names killed=0
	write_and_verify & fio=$!
	change_names & names=$!
	kill_servers || killed=1
	upgrade_keeper || killed=1
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
check "the server is killed $kills times, and $upgrades times replaced" run_all
check 'fio read back what it had written' [ "$fio_status" = 0 ]
check 'no step on names failed or was done twice' nothing_wrong_with_names
check 'what was appended is there, once and in order' log_is_complete
check 'host and guest see the same tree' same_tree
check 'host and guest see the same data' same_data
check 'the same keeper has been there all the while' kill -0 "$keeper"
rm -rf "$work" "${mnt:?}"/{names,log,verify.*}
[ "$failures" = 0 ]
