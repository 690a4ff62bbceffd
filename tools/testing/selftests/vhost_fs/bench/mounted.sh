#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# mounted.sh ROUNDS NAME=DIR[=TAG]...: times what people do with files, in each
# of the directories in turn, as often as ROUNDS says. Each is of the same file
# system: by itself, or mounted through a server whose loopback device is TAG.
#
# Prints "NAME JSON" for each: "op", "ns" and "server_ns", the part of it that the
# server's threads had the processor for. The rest is the guest's own work, which
# is there whoever serves it.

set -euo pipefail

here=$(dirname "$0")
rounds=$1
shift

# What there is plenty of in any Debian.
library=/usr/share/perl/5.40.1
sources=("$library/unicore" "$library/Pod" "$library/Test" "$library/TAP" "$library/IO")

now()
{
	# Microseconds, without the point.
	echo "${EPOCHREALTIME/[.,]/}"
}

# The server's threads are in a control group of their own.
server_group()
{
	local group=/sys/fs/cgroup/server-$1 pid
	[ -n "$1" ] || return 0
	[ ! -d "$group" ] || return 0
	mkdir "$group"
	for pid in $(pgrep -f "loopback-$1\.|--tag $1 "); do
		echo "$pid" >"$group/cgroup.procs"
	done
}

server_time()
{
	if [ -n "$tag" ]; then
		sed -n 's/^usage_usec //p' "/sys/fs/cgroup/server-$tag/cpu.stat"
	else
		echo 0
	fi
}

# A fresh mount: the guest forgets what it knows, the host doesn't.
forget()
{
	[ -n "$tag" ] || return 0
	umount "$dir"
	mount -t virtiofs "$tag" "$dir"
}

# report OP NS SERVER_NS
report()
{
	printf '%s {"op": "%s", "ns": %d, "server_ns": %d}\n' "$name" "$@"
}

# measure OP COMMAND...: the time of the whole command.
measure()
{
	local op=$1 start server end
	shift
	forget
	server=$(server_time)
	start=$(now)
	"$@" >/dev/null
	end=$(now)
	report "$op" "$(((end - start) * 1000))" "$((($(server_time) - server) * 1000))"
}

# measure_fio OP DEPTH OPTION...: the time of one of its operations: how long they
# took by how many ran at once. fio's own start and end don't count.
measure_fio()
{
	local op=$1 depth=$2 server ns ios
	shift 2
	forget
	server=$(server_time)
	fio --name=bench --filename="$dir/fio" --size=16m --fallocate=none --randseed=1 \
		--iodepth="$depth" --output-format=json "$@" >/run/fio
	server=$((($(server_time) - server) * 1000))
	read -r ns ios < <(jq -r --argjson depth "$depth" '.jobs[0] | .read, .write |
		select(.total_ios > 0) |
		"\(.lat_ns.mean / $depth | floor) \(.total_ios)"' /run/fio)
	report "$op" "$ns" "$((server / ios))"
}

use_all_memory()
{
	mkdir /run/memory
	mount -t tmpfs -o size=100% none /run/memory
	fallocate -l "$(awk '/^MemAvailable:/ { print int($2 * 0.9) "K" }' /proc/meminfo)" \
		/run/memory/all
	umount /run/memory
}

compile()
{
	gcc-bench -c -D_GNU_SOURCE -I"$dir/project/include/uapi" \
		-o "$dir/project/ring.o" "$dir/project/ring.c"
}

run()
{
	mkdir -p "$dir/tree"
	measure "cp -a" cp -a /run/source "$dir/tree"
	measure find find "$dir/tree" -type f -size +1
	measure tar tar -C "$dir" -cf /dev/zero tree
	git -C "$dir/tree" init -q
	git -C "$dir/tree" add -A
	measure "git status" git -C "$dir/tree" status --short
	cp -a "$here/project" "$dir/"
	measure compile compile
	measure_fio "fio write 128K" 1 --rw=write --bs=128k --ioengine=psync
	measure_fio "fio read 128K" 1 --rw=read --bs=128k --ioengine=psync
	measure_fio "fio randread 4K" 1 --rw=randread --bs=4k --io_size=4m --ioengine=psync
	measure_fio "fio randwrite 4K" 1 --rw=randwrite --bs=4k --io_size=4m --ioengine=psync
	# They are over four times as soon.
	measure_fio "fio randread 4K x64" 64 --rw=randread --bs=4k --io_size=16m \
		--ioengine=libaio --direct=1
	measure "rm -r" rm -r "$dir/tree"
	rm -rf "$dir/fio" "$dir/project"
}

tar -x -f "$here/toolchain.tar" -C /
mkdir -p /run/source
cp -a "${sources[@]}" /run/source/
export HOME=/root
git config --global safe.directory '*'
# Programs are read from a disk: once before they count. And memory that nobody has
# used before would cost the first one more.
name=warm-up dir=/run/warm-up tag=
run >/dev/null
use_all_memory
for ((round = 0; round < rounds; round++)); do
	for triple; do
		IFS='=' read -r name dir tag <<<"$triple"
		server_group "$tag"
		run
	done
done
