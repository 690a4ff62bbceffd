# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154
#
# Source packages of Debian 13, for what runs inside the root "build". What was
# downloaded stays in the cache and is checked when it is used.

# source_package PACKAGE: downloads it unless it is there, and prints the path
# of its .dsc, next to which its archives are.
source_package()
{
	local store=$cache/source-$1 dsc
	mkdir -p "$store"
	dsc=$(newest_dsc "$store")
	if [ -z "$dsc" ]; then
		download_source "$store" "$1" >&2
		dsc=$(newest_dsc "$store")
	fi
	[ -n "$dsc" ] || die "the mirror has no source package $1"
	echo "$dsc"
}

# apt's lists of sources are kept apart from those of the root.
download_source()
{
	local tmp apt mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
	tmp=$(mktemp -d)
	mkdir -p "$tmp/lists/partial"
	printf "deb-src $mirror %s main\n" trixie trixie-updates >"$tmp/sources.list"
	apt=(apt-get -q -o APT::Sandbox::User=root -o Dir::State::Lists="$tmp/lists"
		-o Dir::Etc::SourceList="$tmp/sources.list" -o Dir::Etc::SourceParts=/dev/null)
	"${apt[@]}" update
	(cd "$1" && "${apt[@]}" source --download-only "$2")
	rm -rf "$tmp"
}

# The .dsc is there before the archives it names: only a complete one counts.
newest_dsc()
{
	local dsc
	while read -r dsc; do
		if dsc_checksums "$dsc" | (cd "$1" && sha256sum --check --status 2>/dev/null); then
			echo "$dsc"
			break
		fi
	done < <(find "$1" -name '*.dsc' | sort -rV)
}

dsc_checksums()
{
	sed -n '/^Checksums-Sha256:/,/^[^ ]*:/s/^ \([0-9a-f]*\) [0-9]* /\1  /p' "$1"
}
