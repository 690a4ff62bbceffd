#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# vhost-btf.sh KERNELRELEASE KDIR OUTPUT [VHOST_KO]
#
# Writes the layouts of the vhost core's structures, as the vhost.ko of that
# kernel has them, to the header OUTPUT. drivers/vhost/vhost.h is in no headers
# package and its structures change within a stable series, so a copy of it
# would corrupt memory; the type information (BTF) of the very module that
# vhost_fs.ko will be linked with can't be wrong.
set -eu

structs=vhost_log,vhost_work,vhost_poll,vhost_vring_call,vhost_virtqueue,vhost_dev

die() {
	echo "vhost-btf: $*" >&2
	exit 1
}

[ $# -ge 3 ] || die "usage: vhost-btf.sh KERNELRELEASE KDIR OUTPUT [VHOST_KO]"
release=$1 kdir=$2 output=$3 vhost_ko=${4:-}

command -v pahole >/dev/null ||
	die "pahole is missing: install the package pahole, or give VHOST_SRC=DIR, a directory with that kernel's vhost.h"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

find_vhost_ko() {
	dir=/lib/modules/$release/kernel/drivers/vhost
	for f in "$kdir"/drivers/vhost/vhost.ko "$dir"/vhost.ko \
		 "$dir"/vhost.ko.xz "$dir"/vhost.ko.zst "$dir"/vhost.ko.gz; do
		[ -e "$f" ] && { echo "$f"; return; }
	done
	[ "$release" = "$(uname -r)" ] && [ -e /sys/kernel/btf/vhost ] &&
		echo /sys/kernel/btf/vhost
	return 0
}

[ -n "$vhost_ko" ] || vhost_ko=$(find_vhost_ko)
[ -n "$vhost_ko" ] ||
	die "no vhost.ko of $release: install its linux-image package, or give VHOST_KO=FILE or VHOST_SRC=DIR"
case $vhost_ko in
*.xz) xz -dc "$vhost_ko" >"$tmp/vhost.ko" ;;
*.zst) zstd -qdc "$vhost_ko" >"$tmp/vhost.ko" ;;
*.gz) gzip -dc "$vhost_ko" >"$tmp/vhost.ko" ;;
*) cat "$vhost_ko" >"$tmp/vhost.ko" ;;
esac

base=
for f in "$kdir/vmlinux" "/usr/lib/debug/boot/vmlinux-$release"; do
	[ -e "$f" ] && { base=$f; break; }
done
if [ -z "$base" ] && [ "$release" = "$(uname -r)" ] && [ -e /sys/kernel/btf/vmlinux ]; then
	base=/sys/kernel/btf/vmlinux
fi
[ -n "$base" ] ||
	die "no BTF of the kernel $release (looked for $kdir/vmlinux): give VHOST_SRC=DIR instead"

{ pahole -F btf --btf_base "$base" -C "$structs" "$tmp/vhost.ko" >"$tmp/out" 2>"$tmp/err" &&
  grep -q '^struct vhost_dev {' "$tmp/out"; } ||
	die "$vhost_ko has no usable BTF ($(head -n 1 "$tmp/err")): give VHOST_SRC=DIR instead"

{
	echo "/* Made by vhost-btf.sh from $release's vhost.ko; not to be edited. */"
	awk '
	/^struct / { name = $2 }
	# The address space of a pointer is not in BTF; sparse wants it.
	/vring_(desc|avail|used)_t \*/ { sub(/ \*/, " __user *") }
	/void \* +log_base;/ { sub(/\*/, "__user *") }
	/\/\* size: / {
		size = $0
		sub(/.*size: /, "", size)
		sub(/,.*/, "", size)
		next
	}
	{ sub(/[ \t]*\/\*.*\*\/$/, "") }
	/^[ \t]*$/ { next }
	{ print }
	/^};/ { print "static_assert(sizeof(struct " name ") == " size ");\n" }
	' "$tmp/out"
} >"$output.tmp"
mv "$output.tmp" "$output"
