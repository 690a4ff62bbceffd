#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# ring.sh DIR ROUNDS QUEUES CASE...: runs ring_bench in the host VM, for
# vhost-fs, virtiofsd without and with a thread pool, and bare system calls, on
# the same directory DIR, in turn: A B C D, A B C D, as often as ROUNDS says.
#
# Prints ring_bench's lines, with the target's name before each.

set -euo pipefail

here=$(dirname "$0")
dir=$1 rounds=$2 queues=$3
shift 3
share=bench

die()
{
	echo "ring.sh: $1" >&2
	exit 1
}

run()
{
	local name=$1
	shift
	"$here/ring_bench" "$@" | sed "s/^/$name /"
}

run_vhost_fs()
{
	run vhost_fs --target "vhost-fs:$share" --queues "$queues" "$@"
}

# virtiofsd serves one request queue, and ends with its peer.
run_virtiofsd()
{
	local name=$1 pool=$2 pid socket=/run/bench.sock
	shift 2
	rm -f "$socket"
	/usr/libexec/virtiofsd --socket-path "$socket" --shared-dir "$dir" --cache auto \
		--thread-pool-size "$pool" --log-level error &
	pid=$!
	until [ -S "$socket" ]; do
		kill -0 "$pid" || die "virtiofsd ended at once"
	done
	run "$name" --target "vhost-user:$socket" --queues 1 "$@"
	wait "$pid" || die "virtiofsd failed"
}

run_native()
{
	run native --target "native:$dir" "$@"
}

"$here/ring_bench" --make "$dir"
vhost-fs-ctl add-share "$share" --path "$dir" --cache auto
for ((round = 0; round < rounds; round++)); do
	run_vhost_fs "$@"
	run_virtiofsd virtiofsd 0 "$@"
	run_virtiofsd virtiofsd_pool 4 "$@"
	run_native "$@"
done
vhost-fs-ctl remove-share "$share"
