#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# mounted.sh ROUNDS NAME=DIR...: times what people do with files, in each of the
# directories in turn, as often as ROUNDS says. Each is of the same file system,
# by itself or mounted through a server.
#
# Prints "NAME JSON" for each: "op" and "ns".

set -euo pipefail

rounds=$1
shift

# What there is plenty of in any Debian.
source=(/usr/share/perl /usr/share/git-core /usr/lib/git-core)

now()
{
	# Microseconds, without the point.
	echo "${EPOCHREALTIME/[.,]/}"
}

# measure OP COMMAND...: the guest forgets what it knows, the host doesn't.
measure()
{
	local op=$1 start end
	shift
	sync
	echo 3 >/proc/sys/vm/drop_caches
	start=$(now)
	"$@" >/dev/null
	end=$(now)
	printf '%s {"op": "%s", "ns": %d}\n' "$name" "$op" "$(((end - start) * 1000))"
}

random_read()
{
	fio --name=r --filename="$dir/fio" --rw=randread --bs=4k --size=16m --io_size=8m \
		--ioengine=psync --fallocate=none --randseed=1 --minimal
}

sequential_write()
{
	fio --name=w --filename="$dir/fio" --rw=write --bs=128k --size=16m \
		--ioengine=psync --fallocate=none --end_fsync=1 --minimal
}

run()
{
	measure cp cp -a "${source[@]}" "$dir/tree"
	measure find find "$dir/tree" -type f -size +1
	measure tar tar -C "$dir" -cf /dev/zero tree
	git -C "$dir/tree" init -q
	measure git_add git -C "$dir/tree" add -A
	measure git_status git -C "$dir/tree" status --short
	measure seq_write sequential_write
	measure rand_read random_read
	measure rm rm -r "$dir/tree"
	rm -f "$dir/fio"
}

export HOME=/root
for ((round = 0; round < rounds; round++)); do
	for pair; do
		name=${pair%%=*} dir=${pair#*=}
		mkdir -p "$dir/tree"
		run
	done
done
