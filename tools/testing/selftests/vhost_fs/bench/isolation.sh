#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# isolation.sh: what a guest that is mostly idle feels of another one under full
# load. It asks for one attribute now and then, and how long that takes is told:
# alone; beside two programs that only burn the processor, as many as the other
# guest and its server have threads that run; and beside that guest.
#
# Prints "SERVER COMPANY JSON": ring_bench's line of the idle guest.

set -euo pipefail

here=$(dirname "$0")
dir=/srv/bench
idle=(--latency 2000 getattr@1*500)
load=(read:1048576@64*1000000)

# start_server NAME: sets $target.
start_server()
{
	target=vhost-fs:bench
	[ "$server" = virtiofsd ] || return 0
	target=vhost-user:/run/$1.sock
	rm -f "/run/$1.sock"
	/usr/libexec/virtiofsd --socket-path "/run/$1.sock" --shared-dir "$dir" \
		--cache auto --inode-file-handles=never --log-level error &
	until [ -S "/run/$1.sock" ]; do
		sleep 0.1
	done
}

measure()
{
	start_server idle
	"$here/ring_bench" --target "$target" "${idle[@]}" | sed "s/^/$server $1 /"
}

burn()
{
	while :; do :; done
}

stop()
{
	kill "$@"
	wait "$@" 2>/dev/null || :
}

mkdir -p "$dir"
mount -t tmpfs none "$dir"
"$here/ring_bench" --make "$dir"
vhost-fs-ctl add-share bench --path "$dir" --cache auto
for server in vhost_fs virtiofsd; do
	measure alone
	burn & hogs=($!)
	burn & hogs+=($!)
	measure hogs
	stop "${hogs[@]}"
	start_server busy
	"$here/ring_bench" --target "$target" "${load[@]}" &
	other=$!
	measure guest
	stop "$other"
done
wait
vhost-fs-ctl remove-share bench
