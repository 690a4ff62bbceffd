#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What guests and the host are left with when the host fails: power cuts, disks
# that answer with errors, file systems that become read-only or are unmounted, a
# file server that goes away, a VMM that is stopped, memory that is limited, a module
# that is unloaded between.
#
#   chaos_test.sh [TEST]...
#
# Runs in a host VM (vm/vm run) with the loopback module; makes its shares and
# mounts itself. Needs root, loopbackd, vhost-fs-ctl, dmsetup. Prints TAP. Exit
# status: 0 if all passed, 1 otherwise. TEST_ROUNDS_PERCENT says how many of the 100
# power cuts, and of other rounds, are made.

# shellcheck disable=SC2015 # "fail" ends the test
set -u
export LC_ALL=C
run=/run/vhost-fs-chaos-test
cgroups=/sys/fs/cgroup
cgroup=$cgroups/vhost-fs-chaos
host=/srv/chaos-test
here=$(cd "$(dirname "$0")" && pwd) || exit 1
# shellcheck source=tools/testing/selftests/vhost_fs/guests.sh
. "$here/guests.sh"
# shellcheck source=tools/testing/selftests/vhost_fs/nfs.sh
. "$here/nfs.sh"

# rounds N: so many of N rounds.
rounds()
{
	echo $((($1 * ${TEST_ROUNDS_PERCENT:-100} + 99) / 100))
}

# disk NAME SIZE: a loop device; prints it.
disk()
{
	truncate -s "$2" "$run/$1.img" && modprobe -q loop && losetup --find --show "$run/$1.img"
}

# mapped NAME TABLE: /dev/mapper/NAME, which no udev makes here.
mapped()
{
	dmsetup create "$1" --table "$2" && dmsetup mknodes "$1"
}

end_disk()
{
	losetup -d "$1"
	rm "$run/$2.img"
}

# Some of it is in use until the last thread of a VMM has ended.
end_more()
{
	local name
	end_nfs
	for name in power errors; do
		dmsetup info $name && wait_until 30 dmsetup remove --force $name
	done
	dmsetup mknodes
	for name in "$cgroup"*; do
		[ ! -e "$name" ] || wait_until 30 rmdir "$name"
	done
	[ -e /dev/vhost-fs ] || insmod "$(find /vm/modules -name vhost_fs.ko)"
}

# --- power cuts ------------------------------------------------------------------

power_disk_size=$((24 << 20))

# write_and_cut ROUNDS WRITE-OPTION... [-- ADD-SHARE-OPTION...]: prints what is missing
# after which of that many power cuts.
write_and_cut()
{
	local rounds=$1 data log options=()
	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	[ $# = 0 ] || shift
	data=$(disk data $power_disk_size) && log=$(disk log 1G) && modprobe -q dm-log-writes ||
		fail "no disks"
	mapped power "0 $((power_disk_size / 512)) log-writes $data $log" || fail "no log"
	mkfs.ext4 -q /dev/mapper/power && mkdir -p "$host/power" &&
		mount /dev/mapper/power "$host/power" || fail "no ext4"
	serve power "$@"
	"$here/power_cut.py" write ${options+"${options[@]}"} "$run/power" "$run/ledger" "$rounds" power ||
		fail "can't write"
	leave power
	vhost-fs-ctl remove-share power || fail "the share stays"
	umount "$host/power" || fail "umount"
	dmsetup remove power || fail "the log stays"
	mkdir -p "$run/look"
	"$here/power_cut.py" check "$run/log.img" $power_disk_size "$run/ledger" "$run/look"
	local status=$?
	end_disk "$data" data
	end_disk "$log" log
	return $status
}

# What a guest's program was told to be permanent is.
test_power_cut()
{
	write_and_cut "$(rounds 100)"
}

test_power_cut_writeback()
{
	write_and_cut "$(rounds 100)" -- --writeback --killpriv-v2
}

test_power_cut_by_handle()
{
	write_and_cut "$(rounds 40)" -- --cache never --allow-mmap --inode-file-handles mandatory
}

# This test can see that something is missing.
test_power_cut_unsynced()
{
	local missing
	missing=$(write_and_cut 8 --no-sync) && fail "nothing is missing"
	grep -q '^round[0-9]*: not as promised' <<<"$missing" || fail "$missing"
}

# --- disks with errors --------------------------------------------------------------

# table NAME TABLE: what a mapped disk does from now on.
table()
{
	dmsetup suspend --noflush --nolockfs "$1" && dmsetup load "$1" --table "$2" &&
		dmsetup resume "$1"
}

refused()
{
	local want=$1 said
	shift
	said=$("$@" 2>&1) && fail "done: $*"
	grep -q "$want" <<<"$said" || fail "$*: $said"
}

forget_caches()
{
	sync -f "$1" 2>/dev/null
	echo 3 >/proc/sys/vm/drop_caches
}

# A disk that fails is an error of the guest's, then all is there again.
test_disk_errors()
{
	local data sectors=$((64 << 11)) good
	data=$(disk errors 64M) && modprobe -q dm-mod || fail "no disk"
	good="0 $sectors linear $data 0"
	mapped errors "$good" && mkfs.ext4 -q /dev/mapper/errors &&
		mkdir -p "$host/errors" && mount /dev/mapper/errors "$host/errors" || fail "no ext4"
	serve errors --cache never
	head -c 1M /dev/urandom >"$run/errors/old" && sync -f "$run/errors" || fail "can't write"
	sha256sum <"$run/errors/old" >"$run/sum"
	forget_caches "$run/errors"
	table errors "0 $sectors error" || fail "no error table"
	refused 'Input/output error' cat "$run/errors/old"
	refused 'Input/output error\|Read-only file system' \
		dd if=/dev/zero of="$run/errors/new" bs=64k count=4 conv=fsync status=none
	table errors "$good" || fail "no table"
	leave errors
	vhost-fs-ctl remove-share errors || fail "the share stays"
	umount "$host/errors" && { e2fsck -fp /dev/mapper/errors >"$run/fsck"; [ $? -le 1 ]; } &&
		mount /dev/mapper/errors "$host/errors" || fail "the disk: $(cat "$run/fsck")"
	serve errors
	same "$(sha256sum <"$run/errors/old")" "$(cat "$run/sum")" contents
	echo new >"$run/errors/new" || fail "can't write again"
	leave errors
	vhost-fs-ctl remove-share errors && umount "$host/errors" && dmsetup remove errors &&
		end_disk "$data" errors || fail "the disk stays"
}

# --- what the admin does to a file system in use -------------------------------------

test_host_read_only()
{
	on_ext4 ro
	serve ro --cache never
	echo before >"$run/ro/file" || fail "can't write"
	mount -o remount,ro "$host/ro" || fail "can't remount"
	refused 'Read-only file system' touch "$run/ro/new"
	refused 'Read-only file system' sh -c "echo more >>'$run/ro/file'"
	same "$(cat "$run/ro/file")" before contents
	mount -o remount,rw "$host/ro" || fail "can't remount"
	echo after >"$run/ro/file" || fail "can't write again"
	same "$(cat "$host/ro/file")" after contents
	leave ro
	vhost-fs-ctl remove-share ro || fail "the share stays"
	end_ext4 ro
}

# The guest goes on; the file system is free when the share is gone.
test_lazy_unmount()
{
	local device
	on_ext4 lazy
	device=$(findmnt -no SOURCE "$host/lazy")
	serve lazy
	mkdir "$run/lazy/dir" && echo one >"$run/lazy/dir/file" || fail "can't write"
	umount -l "$host/lazy" || fail "umount"
	same "$(ls "$host/lazy")" "" "what the host sees"
	echo two >>"$run/lazy/dir/file" && mkdir "$run/lazy/dir/more" || fail "can't go on"
	same "$(xargs <"$run/lazy/dir/file")" "one two" contents
	leave lazy
	vhost-fs-ctl remove-share lazy || fail "the share stays"
	wait_until 30 sh -c "! losetup '$device' >/dev/null 2>&1" || fail "the file system stays"
	e2fsck -fn "$run/lazy.img" >"$run/fsck" 2>&1 || fail "$(cat "$run/fsck")"
	rm "$run/lazy.img"
}

# --- a file server that goes away -----------------------------------------------------

# What is in flight gets lost, both ways, and what is connected stays so for a while.
server_away()
{
	ip link set lo down || fail "the server stays"
}

server_back()
{
	ip link set lo up || fail "the server doesn't come back"
}

# waits_for_server NAME: is a thread that serves NAME waiting for an answer?
waits_for_server()
{
	grep -qs rpc_wait_bit_killable /proc/"$(cat "$run/$1.pid")"/task/*/stack
}

# serve_nfs MOUNT-OPTION: a guest of what a server has, with a file.
serve_nfs()
{
	start_nfs
	mount_nfs "$1"
	serve nfs --cache never
	echo old >"$run/nfs/file" || fail "can't write"
	sync -f "$run/nfs" || fail "can't sync"
}

unserve_nfs()
{
	vhost-fs-ctl remove-share nfs || fail "the share stays"
	stop_nfs
}

# Reads what the server has to be asked for; $reader is who waits for it.
read_while_away()
{
	server_away
	cat "$run/nfs/file" >"$run/read" 2>&1 &
	reader=$!
	wait_until 30 waits_for_server nfs || fail "nobody waits for the server"
}

# A guest waits for a server that is mounted "hard", and goes on; another doesn't.
test_server_away_hard()
{
	serve_nfs hard
	serve other --cache never
	read_while_away
	echo text >"$run/other/file" || fail "another guest waits too"
	same "$(cat "$run/other/file")" text "another guest's file"
	kill -0 $reader || fail "it didn't wait"
	server_back
	wait $reader || fail "reading failed: $(cat "$run/read")"
	same "$(cat "$run/read")" old contents
	echo new >"$run/nfs/file" && sync -f "$run/nfs" || fail "can't write again"
	same "$(cat "$host/export/file")" new "contents on the server"
	unserve other
	leave nfs
	unserve_nfs
}

# One that is mounted "soft" is an error once the mount gives up.
test_server_away_soft()
{
	serve_nfs soft,timeo=2,retrans=1
	server_away
	refused 'Input/output error\|Connection timed out' cat "$run/nfs/file"
	refused 'Input/output error\|Connection timed out' \
		dd if=/dev/zero of="$run/nfs/file" bs=4k count=1 conv=fsync,notrunc status=none
	server_back
	wait_until 60 sh -c "cat '$run/nfs/file' >'$run/read'" || fail "it stays away"
	leave nfs
	unserve_nfs
}

# The VMM can be killed meanwhile, and then the module unloaded.
test_server_away_killed()
{
	local module pid
	module=$(find /vm/modules -name vhost_fs.ko)
	serve_nfs hard
	read_while_away
	pid=$(cat "$run/nfs.pid")
	kill -KILL "$pid"
	wait_until 30 gone "$pid" || fail "the VMM stays"
	wait $reader && fail "the guest was given something: $(cat "$run/read")"
	umount "$run/nfs" || fail "umount of the guest's"
	rm "$run/nfs.ready"
	vhost-fs-ctl remove-share nfs || fail "the share stays"
	wait_until 30 sh -c 'rmmod vhost_fs 2>/dev/null' || fail "the module can't be unloaded"
	insmod "$module" || fail "the module can't be loaded"
	server_back
	stop_nfs
}

# --- the VMM -----------------------------------------------------------------------------

# Reads and writes until $run/enough is there; nothing may fail or be lost.
work_on()
{
	local i=0
	while [ ! -e "$run/enough" ]; do
		i=$((i + 1))
		mkdir "$1/$i" && echo $i >"$1/$i/file" && mv "$1/$i" "$1/moved" &&
			[ "$(cat "$1/moved/file")" = $i ] && rm -r "$1/moved" || return
		# Never seen empty.
		echo $i >"$run/done.new" && mv "$run/done.new" "$run/done"
	done
}

done_more_than()
{
	[ "$(cat "$run/done" 2>/dev/null || echo 0)" -gt "$1" ]
}

test_stopped_vmm()
{
	local worker i n
	serve stopped
	rm -f "$run/enough" "$run/done"
	work_on "$run/stopped" >"$run/work" 2>&1 &
	worker=$!
	for ((i = 0; i < $(rounds 50); i++)); do
		kill -STOP "$(cat "$run/stopped.pid")"
		wait_until 30 grep -q '^State:.T' "/proc/$(cat "$run/stopped.pid")/status" ||
			fail "it doesn't stop"
		kill -CONT "$(cat "$run/stopped.pid")"
		n=$(cat "$run/done" 2>/dev/null || echo 0)
		wait_until 60 done_more_than "$n" || fail "it stands still"
	done
	: >"$run/enough"
	wait "$worker" || fail "$(cat "$run/work")"
	unserve stopped
}

# cgroup_stat FILE KEY [CGROUP]
cgroup_stat()
{
	awk -v key="$2" '$1 == key { print $2 }' "${3:-$cgroup}/$1"
}

# cached_files CGROUP: without tmpfs, which is what a guest's memory is here.
cached_files()
{
	echo $(($(cgroup_stat memory.stat active_file "$1") +
		$(cgroup_stat memory.stat inactive_file "$1")))
}

# io_stat CGROUP DEVICE KEY: 0 if there was none.
io_stat()
{
	awk -v device="$2" -v key="$3" '$1 == device {
		for (i = 2; i <= NF; i++)
			if (split($i, word, "=") == 2 && word[1] == key)
				value = word[2]
	} END { print value + 0 }' "$1/io.stat"
}

need_controllers()
{
	local name
	for name; do
		grep -qw "$name" $cgroups/cgroup.controllers || fail "no controller of $name"
		echo "+$name" >$cgroups/cgroup.subtree_control || fail "can't use that of $name"
	done
}

# confine NAME CGROUP: the VMM of guest NAME is in it.
confine()
{
	mkdir -p "$2" && cat "$run/$1.pid" >"$2/cgroup.procs" || fail "no cgroup"
}

# What a guest makes the host use is its VMM's, and bounded as that is.
test_memory_limit()
{
	need_controllers memory
	on_ext4 limit -O ^has_journal
	vhost-fs-ctl add-share limit --path "$host/limit" || fail "no share"
	guest limit limit
	confine limit $cgroup
	echo 24M >$cgroup/memory.max || fail "no limit"
	dd if=/dev/zero of="$run/limit/big" bs=1M count=48 conv=fsync status=none || fail "can't write"
	cmp -n $((48 << 20)) "$run/limit/big" /dev/zero || fail "it isn't what was written"
	[ "$(cat $cgroup/memory.peak)" -le $((25 << 20)) ] || fail "the limit was passed"
	same "$(cgroup_stat memory.events oom_kill)" 0 "killed for memory"
	leave limit
	vhost-fs-ctl remove-share limit || fail "the share stays"
	end_ext4 limit
	rmdir $cgroup
}

# What a share allows each of its guests, what one node may take of the host's memory,
# and what the VMM's own and the host's book-keeping of pages does.
nodes=2000 handles=200
node_size=2560
unrelated=$((1 << 20))

# turns NAME: how often each thread of a guest's VMM was given the processor.
turns()
{
	awk '/^Pid:/ { tid = $2 }
		/^voluntary_ctxt/ { n = $2 }
		/^nonvoluntary_ctxt/ { print tid, n + $2 }' \
		/proc/"$(cat "$run/$1.pid")"/task/*/status | sort
}

# turns_since NAME FILE: those of threads that are still there.
turns_since()
{
	turns "$1" | join "$2" - | awk '{ n += $3 - $2 } END { print n + 0 }'
}

has_no_handle()
{
	vhost-fs-ctl list-devices --json | jq -e 'all(.handles == 0)' >/dev/null
}

# Everything that it is given and more, from memory, the disk and the processor.
be_greedy()
{
	local g=$run/greedy
	dd if=/dev/zero of="$g/big" bs=1M count=24 conv=fsync status=none || fail "can't write"
	sync -f "$host/greed" && echo 1 >/proc/sys/vm/drop_caches
	dd if="$g/big" of=/dev/null bs=1M iflag=direct status=none || fail "can't read"
	ls -l "$g/names" >"$run/listed" 2>&1 && fail "more nodes than allowed"
	grep -q 'Too many open files in system' "$run/listed" || fail "$(tail -n 1 "$run/listed")"
	# A guest doesn't wait for what it closes.
	wait_until 30 has_no_handle || fail "a handle stays"
	# shellcheck disable=SC2016 # Perl's variables
	same "$(perl -e 'opendir($d[$_], $ARGV[0]) && $n++ for 1 .. 3000; print $n' "$g")" \
		$handles "directories open at once"
}

# Two guests of a share, each with a cgroup: what the greedy one makes the host use is
# its own, and no more than was allowed; the other hasn't used a thing, and goes on.
test_greedy_guest()
{
	local a=$cgroup-greedy b=$cgroup-other device memory busy idle kernel
	need_controllers memory io
	on_ext4 greed -O ^has_journal
	device=$(mountpoint -d "$host/greed")
	mkdir "$host/greed/names" && (cd "$host/greed/names" && seq 3000 | xargs touch) || fail "no names"
	vhost-fs-ctl add-share greed --path "$host/greed" --cache always \
		--max-nodes $nodes --max-handles $handles || fail "no share"
	guest greed greedy
	guest greed other
	confine greedy "$a"
	confine other "$b"
	sync -f "$host/greed" && echo 3 >/proc/sys/vm/drop_caches
	memory=$(cat "$b/memory.current")
	turns greedy >"$run/greedy.turns" && turns other >"$run/other.turns"
	kernel=$(cgroup_stat memory.stat kernel "$a")
	be_greedy
	[ "$(io_stat "$a" "$device" wbytes)" -ge $((24 << 20)) ] || fail "writing isn't charged"
	[ "$(io_stat "$a" "$device" rbytes)" -ge $((24 << 20)) ] || fail "reading isn't charged"
	[ "$(cached_files "$a")" -ge $((16 << 20)) ] || fail "the file isn't charged"
	[ "$(cgroup_stat cpu.stat usage_usec "$a")" -gt 0 ] || fail "time isn't charged"
	kernel=$(($(cgroup_stat memory.stat kernel "$a") - kernel))
	[ $kernel -ge $((nodes * 200)) ] || fail "nodes aren't charged"
	[ $kernel -le $(((nodes + handles) * node_size + unrelated)) ] ||
		fail "$kernel bytes for $nodes nodes and $handles handles"
	[ "$(cat "$b/memory.current")" -le $((memory + unrelated)) ] || fail "another pays the memory"
	same "$(io_stat "$b" "$device" rbytes) $(io_stat "$b" "$device" wbytes)" "0 0" \
		"what another reads and writes"
	# By turns: what one takes in time depends on who else uses the machine.
	busy=$(turns_since greedy "$run/greedy.turns") idle=$(turns_since other "$run/other.turns")
	[ $((idle * 20)) -le "$busy" ] || fail "another has $idle turns beside $busy"
	echo text >"$run/other/file" && same "$(cat "$run/other/file")" text "another's file"
	leave greedy
	leave other
	vhost-fs-ctl remove-share greed || fail "the share stays"
	end_ext4 greed
	rmdir "$a" "$b"
}

# --- the module --------------------------------------------------------------------------

test_module_reload()
{
	local i module
	module=$(find /vm/modules -name vhost_fs.ko)
	for ((i = 0; i < $(rounds 10); i++)); do
		serve reload
		echo $i >"$run/reload/file" || fail "can't write"
		rmmod vhost_fs 2>/dev/null && fail "a module in use can be unloaded"
		unserve reload
		wait_until 30 rmmod vhost_fs || fail "it can't be unloaded"
		insmod "$module" || fail "it can't be loaded"
	done
}

# --- a test that fails midway ----------------------------------------------------------------

fails_midway()
{
	local device
	on_ext4 midway
	serve midway
	confine midway $cgroup
	device=$(disk more 16M) && modprobe -q dm-mod && mapped errors "0 32768 linear $device 0" ||
		fail "no disk"
	kill -STOP "$(cat "$run/midway.pid")"
	fail "as it should"
}

# It leaves nothing that the next could stumble over.
test_failure_leaves_nothing()
{
	same "$(fails_midway 2>&1)" "as it should" "what it said"
	clean_up
	same "$(findmnt -rno TARGET | grep -E "^($run|$host)/")" "" "what is mounted"
	same "$(vhost-fs-ctl list-shares --json | jq length)" 0 "how many shares there are"
	same "$(pidof loopbackd)" "" "which VMMs there are"
	# shellcheck disable=SC2016 # expanded by sh
	wait_until 30 sh -c '[ -z "$(losetup --list --noheadings)" ]' || fail "$(losetup --list)"
	same "$(ls -d /dev/mapper/errors $cgroup 2>/dev/null)" "" "a disk, or a cgroup"
	serve midway
	echo text >"$run/midway/file" || fail "can't write"
	unserve midway
}

if [ $# -eq 0 ]; then
	set -- failure_leaves_nothing power_cut power_cut_writeback power_cut_by_handle power_cut_unsynced \
		disk_errors host_read_only lazy_unmount server_away_hard server_away_killed \
		stopped_vmm memory_limit greedy_guest module_reload
	# It takes as long as the mount gives the server.
	[ "$(rounds 100)" -lt 100 ] || set -- "$@" server_away_soft
fi
run_tests "$@"
