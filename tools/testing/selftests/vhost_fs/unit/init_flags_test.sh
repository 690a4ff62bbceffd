#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Checks that Documentation/init-flags.rst says what init.c does, for every flag
# that the kernel headers at hand define. Prints TAP.

top=$(cd "$(dirname "$0")/../../../../.." && pwd) || exit 1
table=$top/Documentation/init-flags.rst
code=$top/kernel/vhost_fs/init.c
nr=0
failed=0

# same DESCRIPTION EXPECTED SEEN
same() {
	nr=$((nr + 1))
	if [ -n "$2" ] && [ "$2" = "$3" ]; then
		echo "ok $nr - $1"
		return
	fi
	failed=$((failed + 1))
	echo "not ok $nr - $1"
	printf '%s\n' "expected:" "$2" "seen:" "$3" | sed 's/^/# /'
}

# Rows of the table: bit, flag and the first word of when it is given.
rows() {
	awk '/^[0-9]+ +FUSE_/ { print $1, $2, $3 }' "$table"
}

# Flags in the part of init.c that decides what is offered, without comments.
in_code() {
	sed -n "$1" "$code" | sed 's,/\*.*\*/,,; /^[ \t]*\/\?\*/d' | grep -o 'FUSE_[A-Z0-9_]*' |
		sort -u
}

# The flags of INIT in a header: bit and flag. Others with the same look have a
# comment before them that names another structure.
in_header() {
	awk '
		/^ \* INIT request\/reply flags/ { inside = 1 }
		/^ \* CUSE INIT request/ { inside = 0 }
		inside && match($0, /^#define FUSE_[A-Z0-9_]+[ \t]+\(1(ULL)? << [0-9]+\)/) {
			bit = $0
			sub(/.*<< /, "", bit)
			sub(/\).*/, "", bit)
			print bit, $2
		}' "$1"
}

same "every bit once, in order" "$(seq 0 "$(rows | awk 'END { print $1 }')")" \
	"$(rows | awk '{ print $1 }')"
same "what is given at all" \
	"$(in_code '/^static const u64 flags_always/,/^static u64 flags_asked/p')" \
	"$(rows | awk '$3 != "never" { print $2 }' | sort)"
same "what is always given" "$(in_code '/^static const u64 flags_always/,/;/p')" \
	"$(rows | awk '$3 == "always" { print $2 }' | sort)"
for header in /usr/include/linux/fuse.h /usr/src/linux-headers-*-common/include/uapi/linux/fuse.h; do
	[ -e "$header" ] || continue
	same "flags of $header" "$(in_header "$header")" \
		"$(rows | awk -v last="$(in_header "$header" | awk 'END { print $1 }')" \
			'$1 <= last { print $1, $2 }')"
done

echo "1..$nr"
[ "$failed" -eq 0 ]
