# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154
#
# The command line of "vm run" and "vm shell". Anything wrong with it is found
# here, before anything is made or booted.

kernel=stock-6.12
smp=2
icount=
cpu_features=
memory=2G
timeout=900
plugin=
append=
logs=$repo/build/vm-last
command=()
copy_sources=() copy_targets=()
fetch_paths=() fetch_dests=()

# Loopback number N has its fields at index N; its share options are the lines
# of loop_options[N].
loop_dirs=() loop_mounts=() loop_backends=() loop_queues=() loop_sizes=() loop_options=()

parse_options()
{
	local option
	while [ $# -gt 0 ]; do
		option=$1
		shift
		case $option in
		--)
			command=("$@")
			break ;;
		--copy-words)
			cpu_features=,-erms,-fsrm,-fsrs,-fzrm ;;
		--icount)
			icount=1 ;;
		--kernel=*|--smp=*|--memory=*|--timeout=*|--log=*|--plugin=*|--append=*|--copy=*|--fetch=*|--loopback=*|\
		--backend=*|--queues=*|--queue-size=*)
			set -- "${option%%=*}" "${option#*=}" "$@" ;;
		--*=*)
			# A share option's value may begin with a hyphen.
			add_share_option "$option" ;;
		--kernel|--smp|--memory|--timeout|--log|--plugin|--append|--copy|--fetch|--loopback|--backend|--queues|--queue-size)
			[ $# -gt 0 ] || usage_error "$option needs a value"
			set_option "$option" "$1"
			shift ;;
		--?*)
			add_share_option "$option"
			if [ $# -gt 0 ] && [ "${1#-}" = "$1" ]; then
				add_share_option "$1"
				shift
			fi ;;
		*)
			usage_error "unexpected '$option'; the command goes after --" ;;
		esac
	done
	check_options
}

check_options()
{
	[ -z "$icount" ] || [ "$smp" = 1 ] || usage_error "--icount needs --smp 1"
	if [ -n "$interactive" ]; then
		[ ${#command[@]} -eq 0 ] || usage_error "shell takes no command; see vm run"
		[ -t 0 ] || usage_error "shell needs a terminal"
	else
		[ ${#command[@]} -gt 0 ] || usage_error "a command is missing: vm run [OPTION]... -- COMMAND"
	fi
}

set_option()
{
	case $1 in
	--kernel)	set_kernel "$2" ;;
	--smp)		check_number "$1" "$2" 1 16; smp=$2 ;;
	--timeout)	check_number "$1" "$2" 1 86400; timeout=$2 ;;
	--memory)	set_memory "$2" ;;
	--plugin)	set_plugin "$2" ;;
	--log)		set_log "$2" ;;
	--append)	append+=" $2" ;;
	--copy)		add_copy "$2" ;;
	--fetch)	add_fetch "$2" ;;
	--loopback)	add_loopback "$2" ;;
	*)		set_loopback_option "$1" "$2" ;;
	esac
}

check_number()
{
	if ! [[ $2 =~ ^[0-9]{1,6}$ ]] || [ "$((10#$2))" -lt "$3" ] || [ "$((10#$2))" -gt "$4" ]; then
		usage_error "$1 '$2' isn't a number from $3 to $4"
	fi
}

set_kernel()
{
	case $1 in
	stock-6.12|stock-7.2|debug|kcsan) kernel=$1 ;;
	*) usage_error "no kernel '$1': stock-6.12, stock-7.2, debug or kcsan" ;;
	esac
}

set_memory()
{
	[[ $1 =~ ^[1-9][0-9]{0,5}[MG]$ ]] || usage_error "--memory '$1' isn't a size such as 512M or 4G"
	memory=$1
}

# QEMU's plugins watch the code that it translates.
set_plugin()
{
	[ -e "${1%%,*}" ] || usage_error "--plugin: ${1%%,*} doesn't exist"
	plugin=$1
}

# Replaced as a whole, so what is there must be an earlier run's.
set_log()
{
	[ ! -e "$1" ] || [ -e "$1/status" ] || usage_error "--log: $1 exists and isn't an earlier run's"
	[ -d "$(dirname "$1")" ] || usage_error "--log: $(dirname "$1") isn't a directory"
	logs=$1
}

# Splits $2 at its last colon into $left and $right.
split_pair()
{
	case $2 in
	?*:?*)	left=${2%:*} right=${2##*:} ;;
	*)	usage_error "$1 '$2' isn't of the form $3" ;;
	esac
}

check_absolute()
{
	case $2 in
	/*[!/]*) ;;
	*) usage_error "$1: '$2' isn't an absolute path in the VM" ;;
	esac
	[[ $2 != *$'\n'* ]] || usage_error "$1: a path can't hold a line break"
}

add_copy()
{
	split_pair --copy "$1" SRC:DST
	[ -e "$left" ] || usage_error "--copy: $left doesn't exist"
	check_absolute --copy "$right"
	copy_sources+=("$left")
	copy_targets+=("$right")
}

add_fetch()
{
	split_pair --fetch "$1" PATH:DEST
	check_absolute --fetch "$left"
	[ -d "$(dirname "$right")" ] || usage_error "--fetch: $(dirname "$right") isn't a directory"
	fetch_paths+=("$left")
	fetch_dests+=("$right")
}

add_loopback()
{
	split_pair --loopback "$1" SHAREDIR:MOUNTPOINT
	check_absolute --loopback "$left"
	check_absolute --loopback "$right"
	loop_dirs+=("$left")
	loop_mounts+=("$right")
	loop_backends+=(vhost-fs)
	loop_queues+=('')
	loop_sizes+=(1024)
	loop_options+=('')
}

# set_loopback_option OPTION VALUE: for the last --loopback.
set_loopback_option()
{
	local last=$((${#loop_dirs[@]} - 1))
	[ "$last" -ge 0 ] || usage_error "$1 goes after a --loopback"
	case $1 in
	--backend)
		case $2 in
		vhost-fs|vhost-user|virtiofsd) loop_backends[last]=$2 ;;
		*) usage_error "no backend '$2': vhost-fs, vhost-user or virtiofsd" ;;
		esac ;;
	--queues)
		check_number "$1" "$2" 1 16
		loop_queues[last]=$2 ;;
	--queue-size)
		check_number "$1" "$2" 8 1024
		[ $(($2 & ($2 - 1))) = 0 ] || usage_error "$1 '$2' isn't a power of two"
		loop_sizes[last]=$2 ;;
	esac
}

add_share_option()
{
	local last=$((${#loop_dirs[@]} - 1))
	[ "$last" -ge 0 ] || usage_error "unknown option '$1' (see vm help)"
	[[ $1 != *$'\n'* ]] || usage_error "a share option can't hold a line break"
	loop_options[last]+=$1$'\n'
}
