# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154
#
# Kernels in the cache, named by what they were made from. Sourced after lib.sh.

# cached_kernel NAME ARCH IMAGE FRAGMENT...: prints the directory of the kernel
# made of those fragments and the patches for ARCH. A build is published by a rename, so a directory is
# whole or not there; the lock keeps two builds of one kernel apart.
cached_kernel()
{
	local name=$1 dir hash
	hash=$(cd "$vm_dir/kernel-config" && shopt -s nullglob &&
		cat build "$2"-*.patch "${@:4}" | hash_stdin)
	dir=$cache/$name-$hash
	if [ ! -d "$dir" ]; then
		mkdir -p "$cache"
		(
			flock 9
			[ -d "$dir" ] || build_kernel "$dir" "${@:2}"
		) 9>"$cache/$name.lock"
	fi
	echo "$dir"
}

build_kernel()
{
	local dir=$1
	rm -rf "$dir.part"
	mkdir "$dir.part"
	"$vm_dir/in-root" build -- \
		"$vm_dir/kernel-config/build" "$2" "$dir.part" "${@:3}" >&2 ||
		die "no ${dir##*/}: see above and $dir.part/build.log"
	mv "$dir.part" "$dir"
}
