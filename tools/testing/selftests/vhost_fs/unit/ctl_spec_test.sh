#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Checks that the YAML description of the netlink family, the headers, the
# kernel's code, vhost-fs-ctl's code and its JSON agree. Prints TAP.

top=$(cd "$(dirname "$0")/../../../../.." && pwd) || exit 1
yaml=$top/Documentation/netlink/specs/vhost_fs.yaml
netlink_h=$top/include/uapi/linux/vhost_fs_netlink.h
uapi_h=$top/include/uapi/linux/vhost_fs.h
tool=$top/tools/vhost-fs-ctl
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

# What the YAML's section $1 names at an indentation of $2 blanks.
yaml_names() {
	awk -v section="$1:" -v indent="$2" '
		/^[a-z]/ { inside = $1 == section }
		inside && $1 == "name:" && match($0, /[^ ]/) == indent + 1 { print $2 }
	' "$yaml"
}

# The attributes of the set $1.
yaml_attributes() {
	awk -v wanted="$1" '
		/^[a-z]/ { inside = $1 == "attribute-sets:" }
		inside && /^    name:/ { set = $2 }
		inside && /^        name:/ && set == wanted { print $2 }
	' "$yaml"
}

# The entries of the definition $1, which are in brackets on one line.
yaml_entries() {
	awk -v wanted="$1" '
		/^    name:/ { definition = $2 }
		/^    entries:/ && definition == wanted { print }
	' "$yaml" | sed 's/.*\[//; s/\].*//; s/, */\n/g'
}

constants() {
	tr "[:lower:]-" "[:upper:]_" | sed "s/^/$1/"
}

# Names in the header that begin with $1, in their order.
header_constants() {
	grep -o "^	$1[A-Z_]*" "$netlink_h" | tr -d '\t'
}

for set in $(yaml_names attribute-sets 4); do
	prefix=VHOST_FS_A_$(echo "$set" | tr "[:lower:]-" "[:upper:]_")_
	expected=$(yaml_attributes "$set" | constants "$prefix")
	same "attributes of $set: header" "$expected" \
		"$(header_constants "$prefix" | grep -v "^${prefix}MAX$")"
	same "attributes of $set: kernel" "$(echo "$expected" | sort)" \
		"$(grep -oh "${prefix}[A-Z_]*" "$top/kernel/vhost_fs/netlink.c" | sort -u)"
	same "attributes of $set: vhost-fs-ctl" "$(echo "$expected" | sort)" \
		"$(grep -oh "${prefix}[A-Z_]*" "$tool/nl.c" | grep -v "^${prefix}MAX$" | sort -u)"
done

same "JSON members" \
	"$(for set in $(yaml_names attribute-sets 4); do yaml_attributes "$set"; done | tr - _ | sort -u)" \
	"$({
		grep -oh '\(number\|boolean\|string\|choice\|ids\|bits\|rules\)(out, "[a-z_]*"' "$tool/print-json.c"
		grep -oh '[{ ]\\"[a-z_]*\\":' "$tool/print-json.c"
	} | sed 's/.*(out, //' | tr -d '"\\:{, ' | sort -u)"
same "operations: header" "$(yaml_names operations 6 | constants VHOST_FS_CMD_)" \
	"$(header_constants VHOST_FS_CMD_ | grep -v '_MAX$')"
same "cache policies: header" "$(yaml_entries cache-policy | constants VHOST_FS_CACHE_)" \
	"$(grep -o '^	VHOST_FS_CACHE_[A-Z]* =' "$uapi_h" | tr -d '\t =')"
same "inode file handles: header" \
	"$(yaml_entries inode-file-handles | constants VHOST_FS_HANDLES_)" \
	"$(grep -o '^	VHOST_FS_HANDLES_[A-Z]* =' "$uapi_h" | tr -d '\t =')"
same "locks: header" "$(yaml_entries locks | constants VHOST_FS_LOCKS_)" \
	"$(grep -o '^	VHOST_FS_LOCKS_[A-Z]* =' "$uapi_h" | tr -d '\t =')"
same "id actions: header" "$(yaml_entries id-action | constants VHOST_FS_ID_)" \
	"$(grep -o '^	VHOST_FS_ID_[A-Z_]* =' "$uapi_h" | tr -d '\t =')"
same "xattr actions: header" "$(yaml_entries xattr-action | constants VHOST_FS_XATTR_)" \
	"$(grep -o '^	VHOST_FS_XATTR_[A-Z]* =' "$uapi_h" | tr -d '\t =')"
same "xattr scopes: header" "$(yaml_entries xattr-scope | constants VHOST_FS_XATTR_)" \
	"$(grep '^#define VHOST_FS_XATTR_[A-Z]*	*(1U <<' "$uapi_h" | awk '{ print $2 }')"
same "migration flags: header" "$(yaml_entries migration | constants VHOST_FS_MIGRATION_)" \
	"$(grep '^#define VHOST_FS_MIGRATION_[A-Z_]*	*(1U <<' "$uapi_h" | awk '{ print $2 }')"
same "share flags: header" "$(yaml_entries share-flags | constants VHOST_FS_SHARE_)" \
	"$(grep '^#define VHOST_FS_SHARE_[A-Z0-9_]*	*(1U <<' "$uapi_h" | awk '{ print $2 }')"
same "share flags: vhost-fs-ctl" "$(yaml_entries share-flags | tr - _)" \
	"$(sed -n '/^const char \*share_flag_word/,/^}/p' "$tool/info.c" | grep -o '"[a-z0-9_]*"' | tr -d '"')"
same "family: header" "$(sed -n 's/^name: //p' "$yaml")" \
	"$(sed -n 's/^#define VHOST_FS_FAMILY_NAME	"\(.*\)"/\1/p' "$netlink_h")"

echo "1..$nr"
[ "$failed" -eq 0 ]
