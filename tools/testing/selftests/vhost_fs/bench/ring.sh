#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# ring.sh [OPTION]... CASE...: runs ring_bench in the host VM for each target in
# turn, on the same directory: A B C D, A B C D, as often as the rounds say.
#
#   --fs F        what the directory is on (tmpfs): tmpfs, ext4, cold, direct
#   --rounds N    (2)
#   --queues N    request queues (1); virtiofsd has one, whatever is asked for
#   --targets T   any of vhost_fs, virtiofsd, virtiofsd_pool (a pool of four
#                 threads), native (system calls) and self (the load generator's
#                 own work), with commas between (all)
#   --poll, --eager
#                 other guests: see lane.c
#   --busyloop US how long vhost-fs polls
#
# Prints ring_bench's lines, with the target's name before each.

set -euo pipefail

here=$(dirname "$0")
rounds=2 queues=1 targets=vhost_fs,virtiofsd,virtiofsd_pool,native,self fs=tmpfs
mode=()
share=bench dir=/srv/bench
# What a share of ours has as well, so that both do the same.
daemon_options=(--cache auto --inode-file-handles=never --log-level error)
share_options=(--cache auto)

while [[ ${1-} = --* ]]; do
	case $1 in
	--rounds)	rounds=$2; shift ;;
	--queues)	queues=$2; shift ;;
	--targets)	targets=$2; shift ;;
	--fs)		fs=$2; shift ;;
	--poll|--eager)	mode+=("$1") ;;
	--busyloop)	mode+=("$1" "$2"); shift ;;
	*)		echo "ring.sh: unknown option $1" >&2; exit 2 ;;
	esac
	shift
done

die()
{
	echo "ring.sh: $1" >&2
	exit 1
}

# run NAME TARGET QUEUES CASE...
run()
{
	local name=$1 target=$2 queues=$3
	shift 3
	"$here/ring_bench" --target "$target" --queues "$queues" "${mode[@]}" "$@" |
		sed "s/^/$name /"
}

# It ends with its peer.
run_virtiofsd()
{
	local name=$1 pool=$2 pid socket=/run/bench.sock
	shift 2
	rm -f "$socket"
	/usr/libexec/virtiofsd --socket-path "$socket" --shared-dir "$dir" \
		--thread-pool-size "$pool" "${daemon_options[@]}" &
	pid=$!
	until [ -S "$socket" ]; do
		kill -0 "$pid" || die "virtiofsd ended at once"
	done
	run "$name" "vhost-user:$socket" 1 "$@"
	wait "$pid" || die "virtiofsd failed"
}

run_target()
{
	local name=$1
	shift
	case $name in
	vhost_fs)	run "$name" "vhost-fs:$share" "$queues" "$@" ;;
	virtiofsd)	run_virtiofsd "$name" 0 "$@" ;;
	virtiofsd_pool)	run_virtiofsd "$name" 4 "$@" ;;
	native)		run "$name" "native:$dir" 1 "$@" ;;
	self)		run "$name" self: "$queues" "$@" ;;
	*)		die "no target '$name'" ;;
	esac
}

# A disk in memory whose answers take their time, which doesn't depend on the
# machine that this runs on.
mount_slow_disk()
{
	local disk=/sys/kernel/config/nullb/nullb0
	modprobe null_blk nr_devices=0
	mountpoint -q /sys/kernel/config || mount -t configfs none /sys/kernel/config
	mkdir "$disk"
	echo 1 >"$disk/memory_backed"
	echo 1024 >"$disk/size"
	echo 2 >"$disk/irqmode"
	echo 256 >"$disk/hw_queue_depth"
	echo 5000000 >"$disk/completion_nsec"
	echo 1 >"$disk/power"
	mke2fs -q -t ext4 -E lazy_itable_init=0,lazy_journal_init=0 /dev/nullb0
	mount -t ext4 /dev/nullb0 "$dir"
}

mkdir -p "$dir"
case $fs in
tmpfs)	mount -t tmpfs none "$dir" ;;
ext4)	;;
cold)	mount_slow_disk
	mode+=(--cold) ;;
direct)	mount_slow_disk
	mode+=(--direct)
	daemon_options+=(--allow-direct-io)
	share_options+=(--allow-direct-io) ;;
*)	die "no file system '$fs'" ;;
esac
"$here/ring_bench" --make "$dir"
# Else the first of O_DIRECT's readers would wait for what was just written.
sync
vhost-fs-ctl add-share "$share" --path "$dir" "${share_options[@]}"
for ((round = 0; round < rounds; round++)); do
	for target in ${targets//,/ }; do
		run_target "$target" "$@"
	done
done
vhost-fs-ctl remove-share "$share"
