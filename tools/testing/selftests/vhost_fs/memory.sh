#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Measures what a server of virtio-fs needs for each file that a guest has
# cached, and for each that it has open:
#
#   memory.sh SHAREDIR MOUNT...
#
# Each MOUNT is a virtiofs mount of SHAREDIR in this very kernel, served by
# vhost-fs or by virtiofsd, such as two --loopback of vm/vm run. A tree of
# 100,000 files is made in SHAREDIR, of which 20,000 are opened (FILES and HANDLES
# in the environment: other numbers). Prints a table with a column for each
# MOUNT; a measurement, without limits.
#
# How: all caches are dropped, so that afterwards the only cached files are
# those that the walk through the mount has brought in. All files are looked up,
# and then some opened. Slab caches are counted in whole pages; other
# allocations of the kernel by /proc/meminfo; the daemon by its anonymous
# memory. Guest and host are one kernel here, so each file has an inode and a
# dentry, and each open file a struct file, on either side: the guest's is
# subtracted, and stated apart. Inode and dentry of the host are pinned by every
# server, by its dentry reference or its descriptor, and are stated apart too.

set -eu
export LC_ALL=C
me=memory.sh
files=${FILES:-100000}
handles=${HANDLES:-20000}
per_dir=1000

usage()
{
	echo "$me: $1; usage: $me SHAREDIR MOUNT..." >&2
	exit 2
}

die()
{
	echo "$me: $*" >&2
	exit 1
}

progress()
{
	echo "$me: $SECONDS s: $*" >&2
}

# wait_until SECONDS COMMAND...
wait_until()
{
	local deadline=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		sleep 0.2
	done
}

make_tree()
{
	python3 - "$1" "$files" "$per_dir" <<-'PYTHON'
		import os, sys
		top, files, per_dir = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
		for i in range(files):
		    if i % per_dir == 0:
		        directory = os.path.join(top, "dir-%d" % (i // per_dir))
		        os.makedirs(directory)
		    os.close(os.open("%s/file-%d" % (directory, i), os.O_CREAT | os.O_WRONLY, 0o644))
	PYTHON
}

# Opens files of the tree $1, says so, and holds them until its input ends.
hold_open()
{
	exec python3 -c '
import os, resource, sys
top, handles, per_dir = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_NOFILE, (handles + 1000, handles + 1000))
for i in range(handles):
    os.open("%s/dir-%d/file-%d" % (top, i // per_dir, i), os.O_RDONLY)
print("ready", flush=True)
sys.stdin.read()' "$1" "$handles" "$per_dir"
}

# The processes of virtiofsd that serve tag $1: none for vhost-fs.
daemons()
{
	pgrep -f "^[^ ]*virtiofsd .*[-/]$1[.]" || :
}

# snapshot TAG: lines "name bytes", and some that count other things.
snapshot()
{
	local pid anon=0 fds=0 n
	for pid in $(daemons "$1"); do
		anon=$((anon + $(awk '/^RssAnon:/ { print $2 }' "/proc/$pid/status")))
		n=$(find "/proc/$pid/fd" -mindepth 1 | wc -l)
		[ "$n" -le "$fds" ] || fds=$n
	done
	echo "daemon $((anon * 1024))"
	echo "descriptors $fds"
	awk '/^(Slab|VmallocUsed|Percpu):/ { print $1, $2 * 1024 }' /proc/meminfo
	awk 'NR > 2 {
		bytes = $15 * $6 * 4096
		print $1, bytes
		print $1 "/each", $6 * 4096 / $5
		all += bytes
	}
	END { print "slabs", all }' /proc/slabinfo
}

# Is no file of the mount cached any more? The root stays.
forgotten()
{
	echo 2 >/proc/sys/vm/drop_caches
	[ "$(awk '$1 == "fuse_inode" { print $2 }' /proc/slabinfo)" -lt 1000 ]
}

drop_all()
{
	sync
	echo 3 >/proc/sys/vm/drop_caches
	wait_until 120 forgotten || die "the guest doesn't forget its files"
	# What the server frees a grace period after the guest has forgotten.
	wait_until 120 settled || die "memory doesn't settle"
}

# Two looks at the server's objects, with a second between, are alike.
settled()
{
	local before
	before=$(awk '$1 ~ /^(vhost_fs_node|dentry|filp)$/ { print $2 }' /proc/slabinfo)
	sleep 1
	echo 2 >/proc/sys/vm/drop_caches
	[ "$before" = "$(awk '$1 ~ /^(vhost_fs_node|dentry|filp)$/ { print $2 }' /proc/slabinfo)" ]
}

# measure MOUNT PREFIX: snapshots PREFIX.{empty,cached,open,after}
measure()
{
	local tag nr pid
	tag=$(findmnt -n -o SOURCE "$1")
	progress "$tag: dropping caches"
	drop_all
	snapshot "$tag" >"$2.empty"
	progress "$tag: looking up"
	nr=$(find "$1/tree" -printf '%s\n' | wc -l)
	snapshot "$tag" >"$2.cached"
	progress "$tag: opening"
	coproc holder { hold_open "$1/tree"; }
	# shellcheck disable=SC2154 # set by coproc, and gone when it has ended
	pid=$holder_PID
	read -r _ <&"${holder[0]}" || die "can't open the files"
	snapshot "$tag" >"$2.open"
	eval "exec ${holder[1]}>&-"
	wait "$pid" || die "can't open the files"
	progress "$tag: forgetting"
	drop_all
	snapshot "$tag" >"$2.after"
	echo "nodes $nr" >"$2.counts"
	if [ -n "$(daemons "$tag")" ]; then
		echo "backend virtiofsd"
	else
		echo "backend vhost-fs"
	fi >>"$2.counts"
}

# summary FROM TO COUNT GUEST_OBJECTS: "row value" lines. GUEST_OBJECTS is what
# the guest has one of for each file counted: its share is taken off.
summary()
{
	awk -v count="$3" -v guest="$4" '
		FNR == NR { from[$1] = $2; next }
		{ delta[$1] = $2 - from[$1]; to[$1] = $2 }
		function own(name,	rest) {
			rest = delta[name]
			if (index(" " guest " ", " " name " ")) {
				rest -= count * to[name "/each"]
				theirs += count * to[name "/each"]
			}
			seen += delta[name]
			return rest
		}
		function row(name, value) { printf "%s %.0f\n", name, value / count }
		END {
			objects = own("vhost_fs_node") + own("vhost_fs_handle")
			tables = own("radix_tree_node") + delta["Slab:"] - delta["slabs"] + \
				delta["VmallocUsed:"] + delta["Percpu:"]
			open_files = own("filp") + own("lsm_file_cache")
			dentries = own("dentry")
			for (name in delta)
				if (name ~ /_inode_cache$/ && name !~ /^(proc|sock|lsm)_/)
					inodes += own(name)
			inodes += own("lsm_inode_cache")
			# A descriptor that is used by its name in /proc.
			procfs = own("proc_inode_cache")
			links = procfs / to["proc_inode_cache/each"]
			dentries -= links * to["dentry/each"]
			inodes -= links * to["lsm_inode_cache/each"]
			procfs += links * (to["dentry/each"] + to["lsm_inode_cache/each"])
			theirs += own("fuse_inode")
			row("objects", objects)
			row("tables", tables)
			row("open_files", open_files)
			row("daemon", delta["daemon"])
			row("sum", objects + tables + open_files + delta["daemon"])
			row("dentries", dentries)
			row("inodes", inodes)
			row("procfs", procfs)
			row("guest", theirs)
			row("rest", delta["slabs"] - seen)
			printf "descriptors %.2f\n", delta["descriptors"] / count
		}' "$1" "$2"
}

# print_row LABEL KEY FILE...
print_row()
{
	local label=$1 key=$2 file
	shift 2
	printf '  %-46s' "$label"
	for file; do
		printf ' %10s' "$(awk -v key="$key" '$1 == key { print $2 }' "$file")"
	done
	echo
}

# print_part TITLE SUFFIX
print_part()
{
	local results=() prefix
	for prefix in "${prefixes[@]}"; do
		results+=("$prefix.$2")
	done
	echo "$1"
	print_row "nodes and handles" objects "${results[@]}"
	print_row "their tables" tables "${results[@]}"
	print_row "open files of the host" open_files "${results[@]}"
	print_row "daemon's memory" daemon "${results[@]}"
	print_row "= the server's own" sum "${results[@]}"
	print_row "pinned dentries of the host" dentries "${results[@]}"
	print_row "pinned inodes of the host" inodes "${results[@]}"
	print_row "cached names of descriptors in /proc" procfs "${results[@]}"
	print_row "descriptors of the daemon (a number)" descriptors "${results[@]}"
	print_row "guest's own objects" guest "${results[@]}"
	print_row "other slabs, most of them the guest's" rest "${results[@]}"
}

print_table()
{
	local prefix backends=()
	for prefix in "${prefixes[@]}"; do
		backends+=("$prefix.counts")
	done
	print_row "" backend "${backends[@]}"
	print_row "files cached; open: $handles" nodes "${backends[@]}"
	print_part "bytes for each file cached" per_node
	print_part "bytes more for each file open" per_handle
	print_part "bytes left of each file that was cached, once forgotten" per_forgotten
}

[ $# -ge 2 ] || usage "a directory and a mount are needed"
[[ $files =~ ^[1-9][0-9]{0,6}$ ]] || usage "FILES '$files' isn't a number from 1 to 9999999"
if ! [[ $handles =~ ^[1-9][0-9]{0,6}$ ]] || [ "$handles" -gt "$files" ]; then
	usage "HANDLES '$handles' isn't a number from 1 to FILES"
fi
share=$1
shift
[ -d "$share" ] || usage "'$share' isn't a directory"
for mnt; do
	[ "$(findmnt -n -o FSTYPE "$mnt")" = virtiofs ] || usage "'$mnt' isn't a virtiofs mount"
done
[ "$(id -u)" = 0 ] || die "must be run as root"

work=$(mktemp -d /run/vhost-fs-memory.XXXXXX)
trap 'rm -rf "$work"' EXIT
progress "making the tree"
[ -d "$share/tree" ] || make_tree "$share/tree"
prefixes=()
for mnt; do
	prefix=$work/${#prefixes[@]}
	measure "$mnt" "$prefix"
	nodes=$(awk '$1 == "nodes" { print $2 }' "$prefix.counts")
	summary "$prefix.empty" "$prefix.cached" "$nodes" "dentry lsm_inode_cache" >"$prefix.per_node"
	summary "$prefix.cached" "$prefix.open" "$handles" "filp lsm_file_cache" >"$prefix.per_handle"
	summary "$prefix.empty" "$prefix.after" "$files" "" >"$prefix.per_forgotten"
	prefixes+=("$prefix")
done
print_table
