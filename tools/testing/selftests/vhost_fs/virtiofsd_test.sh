#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# vhost-fs-virtiofsd as a process: what it comes to with virtiofsd's command
# lines, what it leaves behind, and what it may do. TAP on standard output; needs
# root and the module.
#
#   virtiofsd_test.sh [--full] PROGRAM LINES
#
# Of the many lines with which a server is to start, only some are tried without
# --full: that they are understood is for the unit test to see.

set -u
every=5
if [ "${1-}" = --full ]; then
	every=1
	shift
fi
program=$1 lines=$2
dir=$(mktemp -d)
share=$dir/share socket=$dir/sock
number=0 failures=0

report()
{
	local result=ok
	[ "$1" = 0 ] || { result='not ok'; failures=$((failures + 1)); }
	echo "$result $((++number)) - $2"
}

# check NAME COMMAND...: passed if COMMAND succeeds.
check()
{
	local name=$1 status
	shift
	"$@"
	status=$?
	report $status "$name"
}

# Waits until the command in the background has made its socket, or has ended.
wait_for_start()
{
	local i
	for ((i = 0; i < 600; i++)); do
		[ ! -S "$socket" ] || return 0
		kill -0 "$pid" 2>/dev/null || return 1
		sleep 0.02
	done
	return 1
}

# outcome ARGUMENT...: "serves", or the exit status.
outcome()
{
	"$program" "$@" </dev/null >"$dir/out" 2>&1 &
	pid=$!
	if wait_for_start; then
		kill "$pid"
		wait "$pid"
		[ $? = 1 ] && [ ! -e "$socket" ] && echo serves || echo 'ends badly'
	else
		wait "$pid"
		echo $?
	fi
}

# A map that leaves names over makes virtiofsd crash; here they are refused.
expected()
{
	case $1 in
	panics)	echo serves ;;
	*)	echo "$1" ;;
	esac
}

known_difference()
{
	case $1 in
	# Two exit statuses for one mistake: ids that can't be.
	'--uid-map :0:0:0:'|'--translate-uid map:0:0:0'|'--translate-uid map:4294967295:0:2') return 0 ;;
	# A name may be written with cap_ in front, as everywhere else.
	'--modcaps=+cap_mknod') return 0 ;;
	esac
	return 1
}

test_lines()
{
	local start line args base result serving=0
	while IFS=$'\t' read -r _ start line; do
		case $start in
		serves)	[ $((serving++ % every)) = 0 ] || continue ;;
		panics|[0-9]) ;;
		*)	continue ;;
		esac
		! known_difference "$line" || continue
		eval "args=($line)"
		base=(--socket-path "$socket")
		case $line in
		*source=*)	;;
		*)		base+=(--shared-dir "$share") ;;
		esac
		case $line in
		*sandbox*|*[ug]id-map*) ;;
		*)	base+=(--sandbox=none) ;;
		esac
		result=$(outcome "${base[@]}" "${args[@]}")
		check "$line: $start" [ "$result" = "$(expected "$start")" ]
		[ "$result" = "$(expected "$start")" ] || sed "s/^/# $result: /" "$dir/out"
	done <"$lines"
}

# The socket is there before it has given its rights up, and says so.
starts()
{
	local i
	"$@" </dev/null >"$dir/out" 2>&1 &
	pid=$!
	wait_for_start || return
	for ((i = 0; i < 600; i++)); do
		! grep -q 'waiting for a vhost-user connection' "$dir/out" || return 0
		kill -0 "$pid" 2>/dev/null || return 1
		sleep 0.02
	done
	return 1
}

stops()
{
	kill "$pid"
	wait "$pid"
	[ $? = 1 ]
}

test_process()
{
	local caps
	trap '' HUP
	starts setpriv --groups 1,2 -- "$program" --shared-dir "$share" --socket-path "$socket" \
		--socket-group daemon
	report $? "starts with a group"
	trap - HUP
	# Ignored from the beginning: if it counted, nothing below would be found.
	kill -HUP "$pid"
	check "the group may connect" [ "$(stat -c '%U:%G %a' "$socket")" = 'root:daemon 770' ]
	check "the pid file has its number" [ "$(cat "$socket.pid")" = "$pid" ]
	caps=$(sed -n 's/^Cap\(Eff\|Prm\|Inh\|Amb\|Bnd\):\t0*$/none/p' "/proc/$pid/status" | wc -l)
	[ "$caps" = 5 ] && grep -q '^NoNewPrivs:	1' "/proc/$pid/status"
	report $? "it has no capabilities and gets none"
	check "it is in no further groups" [ -z "$(sed -n 's/^Groups:[[:space:]]*//p' "/proc/$pid/status")" ]
	check "it has a network of its own" \
		[ "$(readlink "/proc/$pid/ns/net")" != "$(readlink /proc/self/ns/net)" ]
	check "it has mounts of its own" \
		[ "$(readlink "/proc/$pid/ns/mnt")" != "$(readlink /proc/self/ns/mnt)" ]
	check "its share has no name" \
		[ "$(vhost-fs-ctl --json list-shares | tr -d '[:space:]')" = '[]' ]
	"$program" --shared-dir "$share" --socket-path "$socket" >"$dir/out2" 2>&1
	check "a second one's status" [ $? = 1 ]
	grep -q 'another process serves this socket' "$dir/out2"
	report $? "a second one for the same socket is refused"
	stops
	report $? "SIGTERM ends it"
	check "the socket is gone" [ ! -e "$socket" ]
	check "the device is gone" \
		[ "$(vhost-fs-ctl --json list-devices | tr -d '[:space:]')" = '[]' ]
}

# A signal to end that comes when the share is added, which has a name for a moment: the
# process that adds it is another one, and the name doesn't stay.
test_signal_at_the_name()
{
	strace -f -o "$dir/trace" -e trace=ioctl -e inject=ioctl:signal=SIGTERM:when=1 \
		"$program" --shared-dir "$share" --socket-path "$socket" --seccomp none \
		</dev/null >"$dir/out" 2>&1 &
	pid=$!
	wait_for_start
	report $? "a signal to the process that adds the share"
	grep -q 'ioctl(.*= 0' "$dir/trace"
	report $? "has been sent by what traced that"
	check "but the name is gone" \
		[ "$(vhost-fs-ctl --json list-shares | tr -d '[:space:]')" = '[]' ]
	kill "$(cat "$socket.pid")"
	wait "$pid"
}

# seccomp_of PID: 2 if there is a list of system calls.
seccomp_of()
{
	sed -n 's/^Seccomp:[[:space:]]*//p' "/proc/$1/status"
}

# With a client: the process, its child that reads what the client says, and a new
# program in its place.
test_system_calls()
{
	local option server
	for option in kill trap log none; do
		starts "$program" --shared-dir "$share" --socket-path "$socket" --seccomp "$option"
		report $? "--seccomp $option: starts"
		coproc perl -MIO::Socket::UNIX -e '
			$s = IO::Socket::UNIX->new(Peer => shift) or exit 1;
			sub ask { $s->syswrite(pack("L3", 1, 1, 0)); $s->sysread($b, 20) == 20 or exit 1 }
			$| = 1; ask(); print "asked\n"; <STDIN>; ask(); print "asked\n"; <STDIN>' "$socket"
		read -r -u "${COPROC[0]}" answer
		server=$(pgrep -P "$pid")
		check "--seccomp $option: there is a list, or none" \
			[ "$(seccomp_of "$pid")$(seccomp_of "$server")" = \
			"$([ "$option" = none ] && echo 00 || echo 22)" ]
		kill -USR2 "$pid"
		until grep -q 'this one goes on' "$dir/out" || ! kill -0 "$pid" 2>/dev/null; do
			sleep 0.02
		done
		echo >&"${COPROC[1]}"
		answer=
		read -r -u "${COPROC[0]}" answer
		check "--seccomp $option: it can be upgraded" [ "$answer" = asked ]
		stops
		report $? "--seccomp $option: ends"
		echo >&"${COPROC[1]}"
		wait "$COPROC_PID"
	done
	! dmesg | grep -q 'audit:.*type=1326'
	report $? "no system call was missing"
}

test_refusals()
{
	"$program" --shared-dir "$dir/none" --socket-path "$socket" >"$dir/out" 2>&1
	check "no such directory" [ $? = 1 ]
	check "of which one line tells" [ "$(wc -l <"$dir/out")" = 1 ]
	echo content >"$dir/file"
	"$program" --shared-dir "$dir/file" --socket-path "$socket" >"$dir/out" 2>&1
	check "a file that is no directory" [ $? = 1 ]
	grep -q 'Not a directory' "$dir/out"
	report $? "of which it is said that it is none"
	"$program" --shared-dir "$share" --socket-path "$dir/none/sock" >"$dir/out" 2>&1
	check "no such directory for the socket" [ $? = 1 ]
	"$program" --shared-dir "$share" --socket-path "$socket" --socket-group nosuch >"$dir/out" 2>&1
	check "no such group" [ $? = 1 ]
	"$program" --shared-dir "$share" --socket-path '' >"$dir/out" 2>&1
	check "no path for the socket" [ $? = 1 ]
	(cd "$dir" && "$program" --shared-dir "$share" \
		--socket-path "$(printf '%0108d' 0)" >"$dir/out" 2>&1)
	check "a path that is too long" [ $? = 1 ]
	check "of which nothing is left" [ ! -e "$dir/$(printf '%0108d' 0).pid" ]
	"$program" --shared-dir "$share" --fd 77 >"$dir/out" 2>&1
	check "no such descriptor" [ $? = 1 ]
	"$program" --shared-dir "$dir/none" --socket-path "$socket" --log-level off >"$dir/out" 2>&1
	check "--log-level off changes nothing" [ $? = 1 ]
	check "but that it is silent" [ ! -s "$dir/out" ]
}

# Who reads its messages may be gone when it has one, and the guest stays served.
test_reader_is_gone()
{
	local fifo=$dir/fifo i
	mkfifo "$fifo"
	"$program" --shared-dir "$share" --socket-path "$socket" </dev/null >/dev/null 2>"$fifo" &
	pid=$!
	head -n 1 <"$fifo" >/dev/null
	wait_for_start
	perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Peer => shift) or exit 1' "$socket"
	check "a client connects" [ $? = 0 ]
	for ((i = 0; i < 600; i++)); do
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.02
	done
	wait "$pid"
	check "it ends with its client though nobody reads what it says" [ $? = 0 ]
}

# A user that may open the device, and nothing else.
test_unprivileged()
{
	mkdir "$dir/user" "$dir/user/share"
	chown -R 1000:1000 "$dir/user"
	chmod 755 "$dir"
	socket=$dir/user/sock
	starts setpriv --reuid=1000 --regid=1000 --clear-groups -- "$program" \
		--shared-dir "$dir/user/share" --socket-path "$socket" 7<>/dev/vhost-fs
	report $? "an ordinary user's starts"
	stops
	report $? "and ends"
	socket=$dir/sock
	starts unshare --user --mount --map-root-user -- "$program" \
		--shared-dir "$share" --socket-path "$socket"
	report $? "root's of a user namespace starts"
	grep -q 'without inode file handles' "$dir/out"
	report $? "and tells what it does without"
	stops
	report $? "and ends likewise"
	unshare --user --mount --map-root-user -- "$program" --shared-dir "$share" \
		--socket-path "$socket" --inode-file-handles=mandatory >"$dir/out" 2>&1
	check "but not if it has to have them" [ $? = 1 ]
}

mkdir "$share"
test_lines
test_process
test_signal_at_the_name
test_system_calls
test_refusals
test_reader_is_gone
chmod 666 /dev/vhost-fs
test_unprivileged
rm -rf "$dir"
echo "1..$number"
[ "$failures" = 0 ]
