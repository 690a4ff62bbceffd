#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Checks that Documentation/virtiofsd.rst names options that there are, and each
# of add-share's somewhere; and, with a virtiofsd to ask, that each of its has a
# row. Prints TAP.
#
#   virtiofsd_options_test.sh [VIRTIOFSD]

top=$(cd "$(dirname "$0")/../../../../.." && pwd) || exit 1
table=$top/Documentation/virtiofsd.rst
tool=$top/tools/vhost-fs-ctl
nr=0
failed=0

# empty DESCRIPTION LIST: there is nothing in the list.
empty() {
	nr=$((nr + 1))
	if [ -z "$2" ]; then
		echo "ok $nr - $1"
		return
	fi
	failed=$((failed + 1))
	echo "not ok $nr - $1"
	printf '%s\n' "$2" | sed 's/^/# /'
}

# Options of the command whose table is in a file.
options_in() {
	sed -n 's/^	{ "\([a-z0-9-]*\)", .*/--\1/p' "$1" | sort -u
}

# Those that the second column and the text name, for one command.
named() {
	# shellcheck disable=SC2016 # quotes of the table
	sed -n 's/^``-.*  ``\(.*\)``  .*/\1/p' "$table" | sed 's/ mount$//; s/ none$//' |
		if [ "$1" = add-share ]; then grep '^--'; else sed -n "s/^$1 //p"; fi | sort -u
}

# missing LIST OTHER: words of LIST that OTHER hasn't.
missing() {
	for word in $1; do
		printf '%s\n' "$2" | grep -qx -e "$word" || echo "$word"
	done
}

share=$(options_in "$tool/share-options.c")
empty "there are rows" "$([ "$(named add-share | wc -l)" -gt 15 ] || named add-share)"
empty "options of add-share exist" "$(missing "$(named add-share)" "$share")"
empty "options of vhost-user exist" \
	"$(missing "$(named vhost-user)" "$(options_in "$tool/cmd-vhost-user.c")")"
empty "each option of add-share is named" \
	"$(missing "$share" "$(grep -o -e '--[a-z0-9-]*' "$table" | sort -u)")"
if [ -n "${1-}" ]; then
	# shellcheck disable=SC2016 # quotes of the table
	rows=$(sed -n 's/^``\(-[-a-z0-9]*\).*/\1/p' "$table" | sort -u)
	empty "each option of $1 has a row" "$(missing "$("$1" --help |
		sed -n 's/^ \{2,6\}\(-[a-z], \)\{0,1\}\(--\{0,1\}[a-z][a-z0-9-]*\).*/\2/p' |
		grep -vx -e --help -e --version | sort -u)" "$rows")"
fi

echo "1..$nr"
[ "$failed" -eq 0 ]
