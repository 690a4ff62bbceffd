#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Tests vhost-fs-ctl against the loaded module. Prints TAP.
#
#   ctl_test.sh [VHOST-FS-CTL]
#
# Must run as root. Adds and removes shares whose names begin with "ctl-test";
# others are left alone. Exit status: 0 if all passed, 1 otherwise.

prefix="ctl-test"
nr=0
failed=0

bail() {
	echo "Bail out! $1"
	exit 1
}

for tool in jq setpriv unshare install; do
	command -v "$tool" >/dev/null || bail "$tool is needed"
done
[ "$(id -u)" = 0 ] || bail "must run as root"
[ -c /dev/vhost-fs ] || bail "no /dev/vhost-fs; load the module first"

# A place that everybody can reach, with the tool in it.
dir=$(mktemp -d) || bail "can't make a temporary directory"
chmod 755 "$dir"
install -m 755 "$(command -v "${1:-vhost-fs-ctl}")" "$dir/ctl" ||
	bail "no program ${1:-vhost-fs-ctl}"
ctl=$dir/ctl
mkdir -m 755 "$dir/root" "$dir/nobody" "$dir/root/sub"
chown 65534:65534 "$dir/nobody"
touch "$dir/file"

# shellcheck disable=SC2317 # called by trap
clean_up() {
	for share in $("$ctl" list-shares --json | jq -r '.[].name'); do
		case $share in
		"$prefix"*) "$ctl" remove-share "$share" ;;
		esac
	done
	umount "$dir/root/sub" 2>/dev/null
	rm -rf "$dir"
}
trap clean_up EXIT

# report STATUS DESCRIPTION: one line of TAP, and what was seen if it failed.
report() {
	nr=$((nr + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $nr - $2"
		return
	fi
	failed=$((failed + 1))
	echo "not ok $nr - $2"
	echo "# exit status $status"
	sed 's/^/# out: /' "$dir/out"
	sed 's/^/# err: /' "$dir/err"
}

# run COMMAND...: leaves its status in $status, its output in out and err.
run() {
	"$@" >"$dir/out" 2>"$dir/err"
	status=$?
}

# As user 65534 with the group that may open the device, and no capability.
as_nobody() {
	setpriv --reuid 65534 --regid 65534 --inh-caps=-all \
		--groups "$(stat -c %g /dev/vhost-fs)" -- "$@"
}

shares() {
	"$ctl" list-shares --json
}

one_error_line() {
	[ "$(wc -l <"$dir/err")" -eq 1 ] && [ ! -s "$dir/out" ] &&
		grep -q '^vhost-fs-ctl: .' "$dir/err"
}

# usage DESCRIPTION ARGUMENT...: is refused as a usage error, changing nothing.
usage() {
	description=$1
	shift
	before=$(shares)
	run "$ctl" "$@"
	[ "$status" -eq 2 ] && one_error_line && [ "$(shares)" = "$before" ]
	report $? "usage: $description"
}

# refused DESCRIPTION PATTERN COMMAND...: is refused by the system in one line
# that has PATTERN in it, changing nothing.
refused() {
	description=$1
	pattern=$2
	shift 2
	before=$(shares)
	run "$@"
	[ "$status" -eq 1 ] && one_error_line && grep -q "$pattern" "$dir/err" &&
		[ "$(shares)" = "$before" ]
	report $? "refused: $description"
}

# works DESCRIPTION COMMAND...: succeeds without a word on standard error.
works() {
	description=$1
	shift
	run "$@"
	[ "$status" -eq 0 ] && [ ! -s "$dir/err" ]
	report $? "$description"
}

# json DESCRIPTION FILTER: the last output is one JSON text for which FILTER
# is true.
json() {
	[ "$(jq -s 'length' "$dir/out")" = 1 ] && jq -e "$2" "$dir/out" >/dev/null
	report $? "$1"
}

# share_is DESCRIPTION NAME FILTER: FILTER is true for the listed share.
share_is() {
	run "$ctl" list-shares --json
	json "$1" "[.[] | select(.name == \"$prefix$2\")] | length == 1 and (.[0] | $3)"
}

# An option N times, with numbers from $2 on.
repeat() {
	seq "$2" "$(($2 + $3 - 1))" | sed "s/^/$1 /" | tr '\n' ' '
}

test_usage() {
	long=$(printf '%064d' 0)
	usage "no command"
	usage "unknown command" frobnicate
	usage "help of an unknown command" help frobnicate
	usage "help of two commands" help exec version
	usage "unknown global option" --frobnicate
	usage "add-share without NAME" add-share --path "$dir/root"
	usage "add-share with two names" add-share a b --path "$dir/root"
	usage "add-share without --path" add-share $prefix
	usage "add-share with an empty path" add-share $prefix --path ""
	usage "add-share, --path without a value" add-share $prefix --path
	usage "add-share, unknown option" add-share $prefix --path "$dir/root" --rw
	usage "add-share, abbreviated option" add-share $prefix --pat "$dir/root"
	usage "add-share, flag with a value" add-share $prefix --path "$dir/root" --readonly=no
	usage "add-share, unknown cache policy" add-share $prefix --path "$dir/root" --cache none
	usage "add-share, JSON" add-share $prefix --path "$dir/root" --json
	usage "JSON add-share" --json add-share $prefix --path "$dir/root"
	for name in "" . .a -- -a a/b "a b" "a	b" "a
b" "$long" aé 'a*' ..; do
		usage "add-share, name \"$(printf %s "$name" | tr '\n' '?')\"" \
			add-share --path "$dir/root" -- "$name"
		usage "remove-share, name \"$(printf %s "$name" | tr '\n' '?')\"" \
			remove-share -- "$name"
	done
	for number in "" 0 -1 +1 1k 0x10 18446744073709551616; do
		usage "add-share, --max-nodes \"$number\"" \
			add-share $prefix --path "$dir/root" --max-nodes "$number"
		usage "add-share, --max-handles \"$number\"" \
			add-share $prefix --path "$dir/root" --max-handles "$number"
	done
	for number in "" 0 -1 1025 18446744073709551615; do
		usage "add-share, --max-blocked \"$number\"" \
			add-share $prefix --path "$dir/root" --max-blocked "$number"
		usage "set-share, --max-blocked \"$number\"" \
			set-share $prefix --max-blocked "$number"
	done
	for seconds in "" . 1. -1 1s 4294967296 0.0000000001; do
		for option in entry attr negative; do
			usage "add-share, --$option-timeout \"$seconds\"" \
				add-share $prefix --path "$dir/root" --$option-timeout "$seconds"
		done
		usage "add-share, --timeout \"$seconds\"" \
			add-share $prefix --path "$dir/root" --timeout "$seconds"
		usage "set-share, --timeout \"$seconds\"" set-share $prefix --timeout "$seconds"
	done
	for word in "" Never fallback; do
		usage "add-share, --inode-file-handles \"$word\"" \
			add-share $prefix --path "$dir/root" --inode-file-handles "$word"
		usage "add-share, --locks \"$word\"" \
			add-share $prefix --path "$dir/root" --locks "$word"
		usage "add-share, --migration-mode \"$word\"" \
			add-share $prefix --path "$dir/root" --migration-mode "$word"
		usage "add-share, --migration-on-error \"$word\"" \
			add-share $prefix --path "$dir/root" --migration-on-error "$word"
		usage "add-share, --sandbox \"$word\"" \
			add-share $prefix --path "$dir/root" --sandbox "$word"
	done
	for rule in "" guest guest:1:2 guest:1:2:0 guest:4294967295:0:1 map:1:2:3: x:1:2:3; do
		usage "add-share, --translate-uid \"$rule\"" \
			add-share $prefix --path "$dir/root" --translate-uid "$rule"
		usage "add-share, --translate-gid \"$rule\"" \
			add-share $prefix --path "$dir/root" --translate-gid "$rule"
	done
	usage "add-share, overlapping rules" add-share $prefix --path "$dir/root" \
		--translate-uid guest:0:100:10 --translate-uid squash-guest:9:1:1
	for map in "" 0:0:1 :0:0:1 :0:0:0: :0:4294967295:1: a0a0a1a; do
		usage "add-share, --uid-map \"$map\"" \
			add-share $prefix --path "$dir/root" --uid-map "$map"
		usage "add-share, --gid-map \"$map\"" \
			add-share $prefix --path "$dir/root" --gid-map "$map"
	done
	usage "add-share, overlapping maps" add-share $prefix --path "$dir/root" \
		--uid-map :0:1000:10: --uid-map :10:1009:1:
	usage "add-share, a map without a sandbox" add-share $prefix --path "$dir/root" \
		--sandbox none --gid-map :0:1000:10:
	for caps in "" + mknod +none +mknod: +mknod,-chown; do
		usage "add-share, --modcaps \"$caps\"" \
			add-share $prefix --path "$dir/root" --modcaps "$caps"
	done
	usage "add-share, paths confirmed where there are handles" add-share $prefix \
		--path "$dir/root" --migration-mode file-handles --migration-confirm-paths
	usage "add-share, migration by file handles without their capability" \
		add-share $prefix --path "$dir/root" --migration-mode file-handles \
		--modcaps -dac_read_search
	usage "add-share, file handles without their capability" add-share $prefix \
		--path "$dir/root" --inode-file-handles prefer --modcaps -dac_read_search
	for rules in "" " " :ok :ok:all:a:b :OK:all:a:b: :ok:both:a:b: ":map:a:b: :ok:all:::"; do
		usage "add-share, --xattrmap \"$rules\"" \
			add-share $prefix --path "$dir/root" --xattrmap "$rules"
	done
	usage "add-share, --xattrmap twice" add-share $prefix --path "$dir/root" \
		--xattrmap :ok:all::: --xattrmap :ok:all:::
	grep -q "can be given once" "$dir/err"
	report $? "which says why"
	for word in "" yes Auto; do
		usage "add-share, --posix-acl=$word" \
			add-share $prefix --path "$dir/root" --posix-acl="$word"
		usage "add-share, --security-label=$word" \
			add-share $prefix --path "$dir/root" --security-label="$word"
	done
	usage "add-share, auto as a word of its own" \
		add-share $prefix --path "$dir/root" --posix-acl auto
	usage "add-share, no label" add-share $prefix --path "$dir/root" --label ""
	usage "set-share without NAME" set-share --max-nodes 5
	usage "set-share with two names" set-share a b --max-nodes 5
	usage "set-share without an option" set-share $prefix
	usage "set-share, unknown option" set-share $prefix --frobnicate
	for id in "" -1 4294967295 no-such-name 1,2; do
		usage "add-share, --supplementary-group \"$id\"" \
			add-share $prefix --path "$dir/root" --supplementary-group "$id"
		usage "add-share, --user \"$id\"" \
			add-share $prefix --path "$dir/root" --user "$id"
		usage "add-share, --group \"$id\"" \
			add-share $prefix --path "$dir/root" --group "$id"
	done
	# shellcheck disable=SC2046 # many words
	usage "add-share, 1025 users" \
		add-share $prefix --path "$dir/root" $(repeat --user 1 1025)
	usage "remove-share without NAME" remove-share
	usage "remove-share with two names" remove-share a b
	usage "list-shares with an operand" list-shares a
	usage "list-devices with an operand" list-devices a
	usage "list-devices, unknown option" list-devices --path /
	usage "vhost-user without --share" vhost-user --socket-path /run/$prefix
	usage "vhost-user without a socket" vhost-user --share $prefix
	usage "vhost-user with an empty path" vhost-user --share $prefix --socket-path ''
	usage "vhost-user with a long path" vhost-user --share $prefix \
		--socket-path "$(printf '%0108d' 0)"
	usage "vhost-user with two sockets" vhost-user --share $prefix --socket-path a --fd 5
	usage "vhost-user, --fd and --socket-group" vhost-user --share $prefix --fd 5 \
		--socket-group 0
	usage "vhost-user with an operand" vhost-user --share $prefix --fd 5 x
	usage "vhost-user with a long tag" vhost-user --share $prefix --fd 5 \
		--tag 1234567890123456789012345678901234567
	usage "exec without --share" exec -- true
	usage "exec without COMMAND" exec --share $prefix
	usage "exec without COMMAND after --" exec --share $prefix --
	usage "exec with a bad name" exec --share .a -- true
	usage "state without more" state
	usage "state show without FILE" state show
	usage "state show with two files" state show a b
	usage "state with an unknown verb" state frobnicate "$dir/file"
	usage "state show of an empty file" state show "$dir/file"
	for fd in "" 0 2 -1 x 2147483648; do
		usage "exec, --fd \"$fd\"" exec --share $prefix --fd "$fd" -- true
	done
}

test_help() {
	for command in add-share set-share remove-share list-shares list-devices exec vhost-user state help version; do
		works "help $command" "$ctl" help $command
		grep -q "^usage: vhost-fs-ctl $command" "$dir/out"
		report $? "help $command shows its usage"
		works "$command --help" "$ctl" $command --help
	done
	works "help" "$ctl" help
	works "--help" "$ctl" --help
	works "version" "$ctl" version
	works "--version" "$ctl" --version
}

test_life_cycle() {
	works "list-shares before" "$ctl" list-shares --json
	json "none of ours before" "[.[] | select(.name | startswith(\"$prefix\"))] == []"
	works "add-share" "$ctl" add-share $prefix --path "$dir/root"
	share_is "defaults" "" \
		'.owner_uid == 0 and .flags == [] and .cache == "auto" and .devices == 0 and
		.user == [] and .group == [] and .max_nodes > 0 and .max_handles > 0'
	share_is "root is the directory" "" \
		".root_ino == $(stat -c %i "$dir/root") and .fs_id == $(stat -c %d "$dir/root")"
	# Paths are within the file system.
	place=$(stat -c %m "$dir/root")
	place=/$(realpath --relative-to="$place" "$dir/root")
	share_is "and where it is" "" ".root_path == \"$place\" and .private_mount"
	works "list-shares as text" "$ctl" list-shares
	grep -q "^    root is $place, inode .*, in mounts of its own$" "$dir/out"
	report $? "text says so too"
	mv "$dir/root" "$dir/root2"
	share_is "it is still found when it is moved" "" ".root_path == \"${place}2\""
	mv "$dir/root2" "$dir/root"
	share_is "exactly the eight capabilities" "" \
		'.capabilities == ["cap_chown", "cap_dac_override", "cap_fowner", "cap_fsetid",
		"cap_setgid", "cap_setuid", "cap_mknod", "cap_setfcap"]'
	works "list-shares as text" "$ctl" list-shares
	grep -q "^$prefix: owner root, cache auto, 0 devices" "$dir/out"
	report $? "text names the share"
	refused "a second share of the name" "exists" \
		"$ctl" add-share $prefix --path "$dir/root/sub" --readonly
	works "remove-share" "$ctl" remove-share $prefix
	run "$ctl" list-shares --json
	json "gone from the list" "[.[] | select(.name == \"$prefix\")] == []"
	refused "remove-share again" "no share of that name" "$ctl" remove-share $prefix
	refused "vhost-user on a removed share" "no share of that name" \
		"$ctl" vhost-user --share $prefix --socket-path "$dir/sock"
	refused "vhost-user with what is no socket" "not a listening socket" \
		"$ctl" vhost-user --share $prefix --fd 9
	refused "exec on a removed share" "no share of that name" \
		"$ctl" exec --share $prefix -- true
}

test_options() {
	name63=$prefix$(printf '%055d' 0)
	works "add-share with a name of 63" "$ctl" add-share "$name63" --path="$dir/root"
	share_is "name of 63" "${name63#"$prefix"}" true
	works "add-share with all options" "$ctl" add-share $prefix-all --path "$dir/root" \
		--readonly --cache metadata --user nobody --user 4242 --group 4343 \
		--no-readdirplus --no-announce-submounts --max-nodes 1000 --max-handles 100
	share_is "all options" -all \
		'.flags == ["readonly", "no_submounts", "no_readdirplus"] and
		.cache == "metadata" and .user == [65534, 4242] and .group == [4343] and
		.max_nodes == 1000 and .max_handles == 100'
	for policy in auto always never; do
		works "add-share --cache $policy" \
			"$ctl" add-share $prefix-$policy --path "$dir/root" --cache $policy
		share_is "cache $policy" -$policy ".cache == \"$policy\""
	done
	# shellcheck disable=SC2016 # variable of the inner shell
	refused "list to a full disk" "can't write" \
		sh -c 'exec "$0" list-shares >/dev/full' "$ctl"
}

test_behaviour_options() {
	works "add-share with the other options" "$ctl" add-share $prefix-opt \
		--path "$dir/root" --writeback --allow-direct-io --allow-mmap --killpriv-v2 \
		--preserve-noatime --locks remote --max-blocked 7 --entry-timeout 0.5 \
		--attr-timeout 2 --negative-timeout 0.25 --no-idmapped-mounts \
		--migration-verify-handles --migration-confirm-paths \
		--migration-on-error guest-error
	share_is "the other options" -opt '.locks == "remote" and .max_blocked == 7 and
		.entry_timeout == 500000000 and .attr_timeout == 2000000000 and
		.negative_timeout == 250000000 and .flags == ["writeback", "direct_io",
		"mmap", "killpriv_v2", "noatime", "entry_timeout", "attr_timeout", "no_idmap"] and
		.migration == ["verify_handles", "confirm_paths", "guest_error"]'
	works "list-shares as text" "$ctl" list-shares
	grep -q "names for 0.5 s, attributes for 2 s, missing names for 0.25 s$" "$dir/out"
	report $? "text shows the timeouts"
	grep -q "^    migration verify_handles, confirm_paths, guest_error$" "$dir/out"
	report $? "text shows what is to happen when a guest moves"
	works "add-share --timeout" "$ctl" add-share $prefix-time --path "$dir/root" --timeout 0
	share_is "one timeout for names and attributes" -time \
		'.entry_timeout == 0 and .attr_timeout == 0 and
		.flags == ["entry_timeout", "attr_timeout"]'
	share_is "what they are by default" -never \
		'.entry_timeout == 0 and .attr_timeout == 0 and .negative_timeout == 0 and
		.locks == "none" and .inode_file_handles == "never" and .max_blocked > 0 and
		.migration == [] and
		.supplementary_group == [] and .uid_rule == [] and .gid_rule == [] and
		.mapped_mount == false'
}

test_attribute_options() {
	works "add-share --xattr" "$ctl" add-share $prefix-xattr --path "$dir/root" --xattr
	share_is "attributes" -xattr '.flags == ["xattr"]'
	works "add-share --posix-acl" "$ctl" add-share $prefix-acl --path "$dir/root" --posix-acl
	share_is "ACLs need attributes" -acl '.flags == ["xattr", "posix_acl"]'
	works "add-share --security-label" "$ctl" add-share $prefix-label --path "$dir/root" \
		--security-label
	share_is "so do labels" -label '.flags == ["xattr", "security_label"]'
	works "add-share --posix-acl=auto" "$ctl" add-share $prefix-auto1 --path "$dir/root" \
		--posix-acl=auto --security-label=auto
	share_is "guests need not know them" -auto1 '.flags == ["xattr", "posix_acl",
		"security_label", "posix_acl_auto", "security_label_auto"]'
	works "add-share, the last one counts" "$ctl" add-share $prefix-auto2 \
		--path "$dir/root" --posix-acl=auto --posix-acl=always --security-label \
		--security-label=never
	share_is "ACLs and no labels" -auto2 '.flags == ["xattr", "posix_acl"]'
	works "add-share --posix-acl=never" "$ctl" add-share $prefix-auto3 \
		--path "$dir/root" --posix-acl=never
	share_is "none" -auto3 '.flags == []'
	works "add-share --xattrmap" "$ctl" add-share $prefix-map --path "$dir/root" \
		--xattrmap ":ok:all:user.:user.: /map//user.virtiofs./"
	share_is "so do rules for names" -map '.flags == ["xattr"]'
	share_is "which are listed" -map '.xattr_rule == [
		{key: "user.", prepend: "user.", scope: "all", action: "ok"},
		{key: "", prepend: "user.virtiofs.", scope: "all", action: "prefix"},
		{key: "", prepend: "", scope: "all", action: "bad"}]'
	works "list-shares as text" "$ctl" list-shares
	grep -q '^    attributes prefix all "" "user.virtiofs."$' "$dir/out"
	report $? "text shows a rule for names"
	works "remove-share" "$ctl" remove-share $prefix-map
}

test_set() {
	works "set-share" "$ctl" set-share $prefix-opt --max-nodes 11 --max-handles 12 \
		--max-blocked 13 --entry-timeout 1.5 --attr-timeout 0 --negative-timeout 3
	share_is "all that set-share sets" -opt '.max_nodes == 11 and .max_handles == 12 and
		.max_blocked == 13 and .entry_timeout == 1500000000 and .attr_timeout == 0 and
		.negative_timeout == 3000000000'
	works "set-share of one limit" "$ctl" set-share --max-nodes 21 $prefix-opt
	share_is "the others stay" -opt '.max_nodes == 21 and .max_handles == 12 and
		.max_blocked == 13 and .entry_timeout == 1500000000 and
		.negative_timeout == 3000000000'
	works "the most requests that may wait" "$ctl" set-share --max-blocked 1024 $prefix-opt
	share_is "are 1024" -opt '.max_blocked == 1024 and .max_nodes == 21'
	works "set-share of both timeouts" "$ctl" set-share $prefix-opt --timeout 4
	share_is "both have changed" -opt '.entry_timeout == 4000000000 and
		.attr_timeout == 4000000000 and .negative_timeout == 3000000000'
	for option in "--path /" --readonly "--cache auto" --writeback "--locks none" \
		"--uid-map :0:0:1:" "--user root"; do
		# shellcheck disable=SC2086 # an option and its value
		usage "set-share $option" set-share $prefix-opt $option
		grep -q "can't be changed while" "$dir/err"
		report $? "set-share $option says why"
	done
	refused "set-share of no share" "no share of that name" \
		"$ctl" set-share $prefix-none --max-nodes 5
	refused "set-share by others" "only its owner" \
		as_nobody "$ctl" set-share $prefix-opt --max-nodes 5
}

test_id_rules() {
	works "add-share with rules for ids" "$ctl" add-share $prefix-ids --path "$dir/root" \
		--translate-uid map:0:1000:10 --translate-uid squash-guest:100:65534:900 \
		--translate-uid forbid-guest:5000:1 --translate-gid squash-host:0:7:4294967295 \
		--translate-gid guest/0/5/1
	share_is "rules in their ids' order" -ids '.uid_rule == [
		{action: "guest", from: 0, to: 1000, count: 10},
		{action: "squash-guest", from: 100, to: 65534, count: 900},
		{action: "forbid-guest", from: 5000, to: 0, count: 1},
		{action: "host", from: 1000, to: 0, count: 10}] and .gid_rule == [
		{action: "guest", from: 0, to: 5, count: 1},
		{action: "squash-host", from: 0, to: 7, count: 4294967295}]'
	works "list-shares as text" "$ctl" list-shares
	grep -q "^    squash-guest uids 100 +900 to 65534$" "$dir/out"
	report $? "text shows a rule"
	# shellcheck disable=SC2046 # many words
	works "as many rules as there can be" "$ctl" add-share $prefix-many --path "$dir/root" \
		$(seq 0 255 | sed 's/.*/--translate-uid guest:&:0:1 --translate-gid host:&:0:1/')
	share_is "all are listed" -many \
		'[.uid_rule[].from] == [range(256)] and [.gid_rule[].from] == [range(256)]'
}

test_mapped_mount() {
	mkdir "$dir/tmpfs"
	mount -t tmpfs none "$dir/tmpfs" || bail "can't mount a tmpfs"
	works "add-share with mapped ids" "$ctl" add-share $prefix-map --path "$dir/tmpfs" \
		--uid-map :0:100000:1000: --uid-map /1000/1000/1/
	share_is "it has a mapped mount" -map .mapped_mount
	works "list-shares as text" "$ctl" list-shares
	grep -q "mounted with mapped ids$" "$dir/out"
	report $? "text says so"
	mkdir "$dir/tmpfs/proc"
	mount -t proc none "$dir/tmpfs/proc" || bail "can't mount proc"
	refused "a file system that can't have mapped ids" "mapped ids" \
		"$ctl" add-share $prefix-map2 --path "$dir/tmpfs/proc" --uid-map :0:100000:10:
	refused "one below the directory" "mapped ids" \
		"$ctl" add-share $prefix-map2 --path "$dir/tmpfs" --gid-map :0:100000:10:
	refused "mapped ids without privilege" "CAP_SYS_ADMIN" \
		as_nobody "$ctl" add-share $prefix-map2 --path "$dir/nobody" --uid-map :0:0:1:
	works "umount" umount "$dir/tmpfs/proc" "$dir/tmpfs"
}

test_process_options() {
	works "add-share --modcaps" "$ctl" add-share $prefix-caps --path "$dir/root" \
		--modcaps +sys_resource:-cap_mknod:-setfcap
	share_is "capabilities are as asked for" -caps \
		'.capabilities == ["cap_chown", "cap_dac_override", "cap_fowner", "cap_fsetid",
		"cap_setgid", "cap_setuid", "cap_sys_resource"]'
	refused "a capability one doesn't have" "don't have" \
		as_nobody "$ctl" add-share $prefix-caps2 --path "$dir/nobody" --sandbox none \
		--modcaps +sys_admin
	works "add-share --supplementary-group" "$ctl" add-share $prefix-grp --path "$dir/root" \
		--supplementary-group 4343 --supplementary-group 4242
	share_is "it serves with those groups" -grp \
		'.supplementary_group == [4242, 4343] and .owner_gid == 0'
	refused "groups without privilege" "CAP_SETGID" \
		as_nobody "$ctl" add-share $prefix-grp2 --path "$dir/nobody" --sandbox none \
		--supplementary-group 4343
	works "add-share --sandbox none" "$ctl" add-share $prefix-host --path "$dir/root" \
		--sandbox none
	share_is "it has no mounts of its own" -host '.private_mount == false'
	works "without privilege it says nothing" \
		as_nobody "$ctl" add-share $prefix-host2 --path "$dir/nobody" --sandbox none
	refused "a sandbox without privilege" "CAP_SYS_ADMIN" \
		as_nobody "$ctl" add-share $prefix-host3 --path "$dir/nobody" --sandbox mount
	works "add-share --sandbox mount" "$ctl" add-share $prefix-mount --path "$dir/root" \
		--sandbox mount
	# The one label that AppArmor always has.
	if [ "$(cat /proc/self/attr/apparmor/current 2>/dev/null)" = unconfined ]; then
		works "add-share --label" "$ctl" add-share $prefix-label2 --path "$dir/root" \
			--label unconfined
		share_is "it serves with the label" -label2 '.label == "unconfined"'
	fi
	refused "a label that nothing knows" "security label" \
		"$ctl" add-share $prefix-label --path "$dir/root" --label no_such:label
}

# What a share's process gives up is there again if handles need it.
test_handles_option() {
	works "add-share --migration-mode" "$ctl" add-share $prefix-fm --path "$dir/root" \
		--migration-mode file-handles
	share_is "with the capability that takes" -fm '.migration == ["file_handles"] and
		.inode_file_handles == "never" and
		(.capabilities | index("cap_dac_read_search")) != null'
	works "add-share --inode-file-handles" "$ctl" add-share $prefix-fh --path "$dir/root" \
		--inode-file-handles prefer
	share_is "with the capability it takes" -fh '.inode_file_handles == "prefer" and
		(.capabilities | index("cap_dac_read_search")) != null'
}

test_paths() {
	refused "no such directory" "No such file" \
		"$ctl" add-share $prefix-path --path "$dir/none"
	refused "a file for a directory" "Not a directory" \
		"$ctl" add-share $prefix-path --path "$dir/file"
	ln -s root/sub "$dir/link"
	works "a symbolic link" "$ctl" add-share $prefix-link --path "$dir/link"
	share_is "the link was followed" -link ".root_ino == $(stat -c %i "$dir/root/sub")"
	ln -s none "$dir/dangling"
	refused "a dangling link" "No such file" \
		"$ctl" add-share $prefix-path --path "$dir/dangling"
}

# The share has mounts of its own: the host's can go, and come back otherwise.
test_sandbox() {
	mount -t tmpfs none "$dir/root/sub" || bail "can't mount a tmpfs"
	ino=$(stat -c %i "$dir/root/sub")
	dev=$(stat -c %d "$dir/root/sub")
	works "add-share of a mount point" "$ctl" add-share $prefix-mnt --path "$dir/root/sub"
	works "the host unmounts it" umount "$dir/root/sub"
	share_is "the share still has it" -mnt ".root_ino == $ino and .fs_id == $dev"
	works "remove-share" "$ctl" remove-share $prefix-mnt
}

# More than fits in one netlink message, and single records as long as can be.
test_long_lists() {
	# shellcheck disable=SC2046 # many words
	for n in 1 2 3; do
		works "add-share with 1024 users and groups ($n)" \
			"$ctl" add-share $prefix-long$n --path "$dir/root" \
			$(repeat --user 1000 1024) $(repeat --group 5000 1024)
	done
	for n in 1 2 3; do
		share_is "all are listed ($n)" -long$n \
			'.user == [range(1000; 2024)] and .group == [range(5000; 6024)]'
	done
	json "every share once" '[.[].name] | length == (unique | length)'
}

# shellcheck disable=SC2016 # variables of the inner shell
test_exec() {
	works "add-share" "$ctl" add-share $prefix-x --path "$dir/root"
	works "exec chooses a descriptor" "$ctl" exec --share $prefix-x -- \
		sh -c 'ls -l /proc/self/fd/$VHOST_FS_FD'
	grep -q -- '-> /dev/vhost-fs$' "$dir/out"
	report $? "it is the device"
	works "exec --fd 7" "$ctl" exec --share $prefix-x --fd 7 -- \
		sh -c 'echo $VHOST_FS_FD; ls -l /proc/self/fd/7'
	[ "$(head -n 1 "$dir/out")" = 7 ] && grep -q -- '-> /dev/vhost-fs$' "$dir/out"
	report $? "it is the device, at 7"
	works "exec without --" "$ctl" exec --share $prefix-x --fd 7 ls -l /proc/self/fd
	[ "$(grep -c -- '-> /dev/vhost-fs$' "$dir/out")" = 1 ]
	report $? "COMMAND inherits one descriptor"
	refused "a descriptor that is open" "open already" \
		"$ctl" exec --share $prefix-x --fd 8 -- true 8</dev/null
	refused "a descriptor above the limit" "descriptor" \
		sh -c 'ulimit -n 64; exec "$0" exec --share "$1" --fd 64 -- true' \
		"$ctl" $prefix-x
	refused "no such COMMAND" "can't run" \
		"$ctl" exec --share $prefix-x -- "$dir/none"
	run "$ctl" exec --share $prefix-x -- sh -c 'exit 42'
	[ "$status" -eq 42 ]
	report $? "exec ends with COMMAND's status"
	run "$ctl" exec --share $prefix-x -- "$ctl" list-devices --json
	json "list-devices shows the device" \
		"[.[] | select(.share == \"$prefix-x\")] | length == 1 and
		(.[0] | .running == false and .broken == false and .session == false and
		(has(\"owner_pid\") | not) and (has(\"fuse_minor\") | not) and
		.request_queues == 0 and .opcode == [] and .bytes_read == 0)"
	run "$ctl" exec --share $prefix-x -- "$ctl" list-shares --json
	json "list-shares counts the device" \
		".[] | select(.name == \"$prefix-x\") | .devices == 1"
	works "list-devices as text" "$ctl" exec --share $prefix-x -- "$ctl" list-devices
	grep -q "share $prefix-x, stopped\$" "$dir/out"
	report $? "text names the device"
	share_is "its end is counted" -x '.devices == 0'
}

# shellcheck disable=SC2016 # variables of the inner shell
test_remove_in_use() {
	run "$ctl" exec --share $prefix-x -- sh -ec '
		"$0" remove-share "$1"
		"$0" add-share "$1" --path "$2/root/sub"
		"$0" list-shares --json >"$2/shares"
		"$0" list-devices --json' "$ctl" $prefix-x "$dir"
	[ "$status" -eq 0 ]
	report $? "remove and add while in use"
	json "the device keeps its share" \
		"[.[] | select(.share == \"$prefix-x\")] | length == 1"
	cp "$dir/shares" "$dir/out"
	json "the new one is another" ".[] | select(.name == \"$prefix-x\") |
		.devices == 0 and .root_ino == $(stat -c %i "$dir/root/sub")"
	works "remove-share of the new one" "$ctl" remove-share $prefix-x
}

# shellcheck disable=SC2016 # variables of the inner shell
test_unattached() {
	run sh -c 'exec 9<>/dev/vhost-fs; exec "$0" list-devices --json' "$ctl"
	json "root sees a device without a share" '[.[] | select(has("share") | not)] | length == 1'
	run as_nobody sh -c 'exec 9<>/dev/vhost-fs; exec "$0" list-devices --json' "$ctl"
	json "others do not" '. == []'
}

test_others_shares() {
	works "add-share for root" "$ctl" add-share $prefix-mine --path "$dir/root"
	works "add-share for a user" "$ctl" add-share $prefix-u --path "$dir/root" --user nobody
	works "add-share for a group" "$ctl" add-share $prefix-g --path "$dir/root" --group 4343
	refused "others attach" "you may not use it" \
		as_nobody "$ctl" exec --share $prefix-mine -- true
	refused "others remove" "only its owner" as_nobody "$ctl" remove-share $prefix-mine
	refused "a named user removes" "only its owner" as_nobody "$ctl" remove-share $prefix-u
	refused "others of another group attach" "you may not use it" \
		as_nobody "$ctl" exec --share $prefix-g -- true
	works "a named user attaches" as_nobody "$ctl" exec --share $prefix-u -- true
	works "a named group attaches" setpriv --reuid 65534 --regid 65534 \
		--groups "$(stat -c %g /dev/vhost-fs),4343" -- "$ctl" exec --share $prefix-g -- true
	works "list-shares as a named user" as_nobody "$ctl" list-shares --json
	json "lists what it may attach" "[.[].name | select(startswith(\"$prefix\"))] |
		index(\"$prefix-u\") != null and index(\"$prefix-mine\") == null and
		index(\"$prefix-g\") == null"
	json "but not where it is" "all(.[]; .owner_uid == 65534 or (has(\"root_path\") | not))"
	works "an attached device is handed to others" "$ctl" exec --share $prefix-mine --fd 7 \
		setpriv --reuid 65534 --regid 65534 --clear-groups -- ls -l /proc/self/fd/7
	refused "no right to the device" "group" \
		setpriv --reuid 65534 --regid 65534 --clear-groups -- \
		"$ctl" exec --share $prefix-u -- true
}

test_own_shares() {
	run as_nobody "$ctl" add-share $prefix-nobody --path "$dir/nobody" --readonly
	[ "$status" -eq 0 ] && one_error_line && grep -q "no mount sandbox" "$dir/err"
	report $? "an unprivileged add-share says it has no sandbox"
	share_is "it serves with its owner's credentials" -nobody \
		'.owner_uid == 65534 and .owner_gid == 65534 and .capabilities == [] and
		.flags == ["readonly"] and .private_mount == false'
	works "its owner lists it" as_nobody "$ctl" list-shares --json
	json "as one of its own" \
		"any(.[]; .name == \"$prefix-nobody\" and .owner_uid == 65534)"
	works "its owner attaches" as_nobody "$ctl" exec --share $prefix-nobody -- true
	works "root attaches" "$ctl" exec --share $prefix-nobody -- true
	works "its owner removes it" as_nobody "$ctl" remove-share $prefix-nobody
	refused "a directory one can't reach" "Permission denied" \
		as_nobody "$ctl" add-share $prefix-nobody --path "$dir/closed/in"
}

# Ids are those of the reader's user namespace, where root is somebody else.
# shellcheck disable=SC2016 # variables of the inner shell
test_user_namespace() {
	run as_nobody unshare -r sh -ec '
		"$0" add-share "$1" --path "$2" 2>/dev/null
		"$0" list-shares --json
		"$0" remove-share "$1"' "$ctl" $prefix-mine "$dir/nobody"
	[ "$status" -eq 0 ]
	report $? "a name is free in another user namespace"
	json "its root owns its share" \
		"[.[] | select(.name == \"$prefix-mine\")] | length == 1 and .[0].owner_uid == 0"
	json "a share from outside has the overflow id" \
		".[] | select(.name == \"$prefix-u\") | .owner_uid == 65534"
	share_is "the outer one stays" -mine true
}

# shellcheck disable=SC2016 # variables of the inner shell
test_state() {
	printf '\001\001\001\002\000\000\002\000\000\000\001\000\000\000' >"$dir/state"
	works "state show" "$ctl" state show "$dir/state"
	grep -q "^    1: 2 references, the share's root$" "$dir/out"
	report $? "text says what is in it"
	works "state show as JSON" "$ctl" state show --json "$dir/state"
	json "JSON says so too" '.version == 2 and .nodes == [{"id": 1, "refcount": 2,
		"location": "root"}] and .handles == [] and .opts.announce_submounts'
	works "state show from a pipe" sh -c 'cat "$1" | "$0" --json state show -' \
		"$ctl" "$dir/state"
	json "the same" '.nodes | length == 1'
	refused "state show of a missing file" "No such file" "$ctl" state show "$dir/missing"
}

# The root, and in it a directory $1, which is lost where nothing has its name.
state_with() {
	printf '\001\002\001\003\000\000\002\001\001\001\003%s\000\003\000\000%b\000\000\000\000' \
		"$1" "${2:-\\000}"
}

# shellcheck disable=SC2016 # variables of the inner shell
test_state_of_device() {
	"$ctl" add-share $prefix-st --path "$dir/root"
	"$ctl" add-share $prefix-lose --path "$dir/root" --migration-on-error guest-error
	state_with sub >"$dir/good"
	state_with sum >"$dir/lost"
	state_with sub '\001' >"$dir/writeback"
	works "state load" "$ctl" state load --share $prefix-st "$dir/good"
	grep -qx "23 bytes; lost: nodes: 0, open files: 0" "$dir/out"
	report $? "nothing is lost"
	works "state load from a pipe" sh -c 'cat "$1" | "$0" state load --json --share "$2" -' \
		"$ctl" "$dir/good" $prefix-st
	json "the same in JSON" '. == {"bytes": 23, "lost_nodes": 0, "lost_handles": 0}'
	works "state load into an inherited device" "$ctl" exec --share $prefix-st --fd 7 -- \
		"$ctl" state load --fd 7 "$dir/good"
	refused "state load, a file is missing" "a file can't be found: .* (node 0x2)" \
		"$ctl" state load --share $prefix-st "$dir/lost"
	works "state load, the guest loses it" "$ctl" state load --json --share $prefix-lose \
		"$dir/lost"
	json "it is counted" '.lost_nodes == 1 and .lost_handles == 0'
	refused "state load, more than the share allows" "doesn't allow what the guest agreed on" \
		"$ctl" state load --share $prefix-st "$dir/writeback"
	refused "state load, no such share" "no share of that name" \
		"$ctl" state load --share $prefix-none "$dir/good"
	refused "state load into what is no device" "can't own the device" \
		sh -c 'exec "$0" state load --fd 7 "$1" 7</dev/null' "$ctl" "$dir/good"
	usage "state load, no device named" state load "$dir/good"
	usage "state load, two devices named" state load --share $prefix-st --fd 7 "$dir/good"
	usage "state load of what is no state" state load --share $prefix-st "$dir/file"
	usage "state show of a share" state show --share $prefix-st "$dir/good"
	works "state save" "$ctl" state save --share $prefix-st "$dir/saved"
	works "what was saved" "$ctl" state show --json "$dir/saved"
	json "is of a device that nobody has used" '.handles == [] and .version == 2'
	cp "$dir/saved" "$dir/saved2"
	refused "state save doesn't overwrite" "File exists" \
		"$ctl" state save --share $prefix-st "$dir/saved"
	works "state save to a pipe" sh -c '"$0" state save --share "$1" - | cmp - "$2"' \
		"$ctl" $prefix-st "$dir/saved"
	usage "state save as JSON" state save --json --share $prefix-st "$dir/other"
	[ ! -e "$dir/other" ] && cmp -s "$dir/saved" "$dir/saved2"
	report $? "nothing was written"
}

# shellcheck disable=SC2016 # variables of the inner shell
test_no_module() {
	refused "no device node" "is the vhost_fs module loaded?" unshare -m sh -c '
		mount -t tmpfs none /dev && exec "$0" add-share "$1" --path /' "$ctl" $prefix-none
}

mkdir -p "$dir/closed/in"
chmod 700 "$dir/closed"
status=0
test_usage
test_help
test_life_cycle
test_options
test_behaviour_options
test_attribute_options
test_set
test_id_rules
test_mapped_mount
test_process_options
test_handles_option
test_paths
test_sandbox
test_long_lists
test_exec
test_remove_in_use
test_unattached
test_others_shares
test_own_shares
test_user_namespace
test_state
test_state_of_device
test_no_module

echo "1..$nr"
echo "# ctl_test: $nr tests, $failed failed"
[ "$failed" -eq 0 ]
