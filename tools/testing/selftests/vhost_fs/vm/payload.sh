# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154
#
# The payload disk: a tar that the VM unpacks over its root directory. It holds
# the bed's own files under /vm, what the build made, and what --copy names.

make_payload()
{
	local stage=$work/stage i
	mkdir -p "$stage/vm/modules" "$stage/vm/loopback" "$stage/usr/local/sbin"
	cp "$vm_dir"/inside/* "$stage/vm/"
	add_build_results "$stage"
	echo "$token" >"$stage/vm/token"
	printf '%s\0' "${command[@]}" >"$stage/vm/command"
	printf '%s\n' "${fetch_paths[@]}" | sed '/^$/d' >"$stage/vm/fetch"
	[ -z "$interactive" ] || touch "$stage/vm/interactive"
	for i in "${!loop_dirs[@]}"; do
		loopback_spec "$i" >"$stage/vm/loopback/$i"
	done
	tar -c -f "$1" --owner=root --group=root -C "$stage" .
	for i in "${!copy_sources[@]}"; do
		add_copy_to "$1" "${copy_sources[i]}" "${copy_targets[i]}"
	done
	# A disk is made of whole sectors.
	truncate -s %4096 "$1"
}

add_build_results()
{
	local stage=$1 file build=$release
	# It calls itself as the debug kernel does.
	[ "$kernel" != kcsan ] || build=kcsan
	for file in "$repo/build/$build"/{vhost_fs,vhost_fs_loopback}.ko; do
		[ ! -e "$file" ] || cp "$file" "$stage/vm/modules/"
	done
	strip_modules "$stage/vm/modules"
	for file in "$repo"/build/tools/vhost-fs-ctl "$repo"/build/selftests/loopbackd; do
		[ ! -e "$file" ] || cp "$file" "$stage/usr/local/sbin/"
	done
	[ ! -e "$stage/usr/local/sbin/vhost-fs-ctl" ] ||
		ln -s vhost-fs-ctl "$stage/usr/local/sbin/vhost-fs-virtiofsd"
	if [[ $kernel = @(debug|kcsan) ]] && [ -d "$modules/lib/modules/$release" ]; then
		mkdir -p "$stage/usr/lib/modules"
		cp -a "$modules/lib/modules/$release" "$stage/usr/lib/modules/"
	fi
}

# Without what only a debugger reads; type information stays.
strip_modules()
{
	local modules=("$1"/*.ko)
	[ ! -e "${modules[0]}" ] || "$vm_dir/in-root" build -- strip --strip-debug "${modules[@]}"
}

# The form that inside/lib-loopback reads.
loopback_spec()
{
	local i=$1 queues=${loop_queues[$1]} options=()
	if [ -z "$queues" ]; then
		[ "${loop_backends[i]}" = virtiofsd ] && queues=1 || queues=2
	fi
	[ -z "${loop_options[i]}" ] || mapfile -t options <<<"${loop_options[i]%$'\n'}"
	printf '%s\0' "${loop_backends[i]}" "${loop_dirs[i]}" "${loop_mounts[i]}" \
		"$queues" "${loop_sizes[i]}" "loop$i" "${options[@]}"
}

# add_copy_to TAR SOURCE TARGET: the names are changed, what symbolic links
# point to isn't.
add_copy_to()
{
	local name=${2##*/} dir target name_pattern
	case $2 in
	*/*)	dir=${2%/*}/ ;;
	*)	dir=. ;;
	esac
	case $name in
	''|.|..) dir=$2 name=. ;;
	esac
	target=$(printf '%s' ".$3" | sed 's/[\\&,]/\\&/g')
	name_pattern=$(printf '%s' "$name" | sed 's/[].[*^$\\,]/\\&/g')
	tar -r -f "$1" -C "$dir" --transform "flags=rSh;s,^$name_pattern,$target," -- "$name"
}
