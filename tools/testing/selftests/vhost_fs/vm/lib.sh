# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154
#
# What every command of the test bed shares: where things are, and how errors
# look. Sourced with $me set to the command's name.

# A failure inside $(...) ends that command too.
shopt -s inherit_errexit

vm_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
repo=$(cd "$vm_dir/../../../../.." && pwd -P)
# Everything in the cache is named by a hash of what it was made from, so it
# can be deleted at any time and is never out of date.
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/vhost-fs

die()
{
	echo "$me: $*" >&2
	exit 1
}

usage_error()
{
	echo "$me: $*" >&2
	exit 2
}

need_root()
{
	[ "$(id -u)" = 0 ] || die "must be run as root (it uses chroot and mount namespaces)"
}

# Prints a short hash of standard input.
hash_stdin()
{
	sha256sum | cut -c 1-16
}

# need_tool COMMAND PACKAGE, need_file FILE PACKAGE: install PACKAGE on this
# machine if COMMAND or FILE is missing.
need_tool()
{
	command -v "$1" >/dev/null || install_package "$2"
}

need_file()
{
	[ -e "$1" ] || install_package "$2"
}

install_package()
{
	command -v apt-get >/dev/null || die "$1 is missing, and this machine has no apt-get"
	need_root
	echo "$me: installing $1" >&2
	{ apt-get install -y --no-install-recommends "$1" ||
	  { apt-get update &&
	    apt-get install -y --no-install-recommends "$1"; }; } </dev/null >&2 ||
		die "can't install $1"
}
