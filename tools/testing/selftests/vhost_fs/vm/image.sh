# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154
#
# What a VM boots from: kernel, initramfs, root image. All three live in the
# cache under names that say what they were made from.

# find_kernel NAME: sets $release, $vmlinuz, $modules (the tree with
# lib/modules/$release, for the initramfs).
find_kernel()
{
	local build
	case $1 in
	debug)	find_debug_kernel; return ;;
	kcsan)	find_debug_kernel kcsan; return ;;
	esac
	build=$("$vm_dir/root" build)
	vmlinuz=$(printf '%s\n' "$build"/boot/vmlinuz-"${1#stock-}".*-cloud-amd64 | sort -V | tail -n 1)
	[ -e "$vmlinuz" ] || die "root 'build' has no ${1#stock-} kernel"
	release=${vmlinuz#*/vmlinuz-}
	modules=$build
}

# find_debug_kernel [NAME]: vm/debug-kernel prints a directory with bzImage and
# lib/modules/RELEASE.
find_debug_kernel()
{
	local dir
	dir=$("$vm_dir/debug-kernel" "$@")
	vmlinuz=$dir/bzImage
	release=$(cd "$dir/lib/modules" && echo *)
	modules=$dir
}

# cached NAME COMMAND...: prints the cache's path of NAME; if it isn't there,
# COMMAND is called with a temporary path to make it at. In a subshell, and not
# as a condition, so that any failure ends it.
cached()
(
	target=$cache/$1 tmp=$cache/$1.tmp.$BASHPID
	shift
	if [ ! -e "$target" ]; then
		mkdir -p "$cache"
		trap 'rm -f "$tmp"' EXIT
		"$@" "$tmp" >&2
		mv "$tmp" "$target"
	fi
	echo "$target"
)

root_image()
{
	local host
	host=$("$vm_dir/root" host)
	cached "image-${host##*/root-}-$(declare -f make_image | hash_stdin).ext4" make_image "$host"
}

# Sparse; the space is for what tests write.
make_image()
{
	"$vm_dir/in-root" build -- mke2fs -q -t ext4 -L host-vm -m 0 -d "$1" \
		-E lazy_itable_init=1,lazy_journal_init=1,hash_seed=00000000-0000-4000-8000-000000000000 \
		"$2" 12G
}

initramfs()
{
	local key
	key=$(cat "$vm_dir/inside/initramfs-init" <(declare -f make_initramfs) <(echo "$modules") | hash_stdin)
	cached "initramfs-$release-$key" make_initramfs
}

# The disk's driver, with what it needs, in the order of loading.
make_initramfs()
{
	local dir module build
	build=$("$vm_dir/root" build)
	dir=$(mktemp -d "$cache/initramfs.XXXXXX")
	mkdir -p "$dir/bin" "$dir/modules" "$dir/dev"
	cp "$vm_dir/inside/initramfs-init" "$dir/init"
	chmod 755 "$dir/init"
	cp "$build/bin/busybox" "$dir/bin/"
	touch "$dir/modules/order"
	mknod "$dir/dev/console" c 5 1
	"$vm_dir/in-root" build -- modprobe -d "${modules#"$build"}/" -S "$release" \
		--show-depends virtio_blk | sed -n 's/^insmod //p' | while read -r module _; do
		unpack_module "$module" "$dir/modules"
	done
	(cd "$dir" && find . | "$vm_dir/in-root" build -- cpio --quiet -o -H newc) >"$1"
	rm -rf "$dir"
}

unpack_module()
{
	local name=${1##*/}
	name=${name%.xz}
	case $1 in
	*.xz)	"$vm_dir/in-root" build -- xz -dc "$1" ;;
	*)	"$vm_dir/in-root" build -- cat "$1" ;;
	esac >"$2/$name"
	echo "$name" >>"$2/order"
}
