#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Does the same with extended attributes, file capabilities and ACLs in a guest's
# mount and on the host's own file system, and compares what comes of it:
#
#   attrs_test.sh SHAREDIR MOUNT
#
# MOUNT is a virtiofs mount of SHAREDIR with --posix-acl. Needs root, acl, attr
# and libcap2-bin. Exit status: 0 if both are alike, 1 and a diff if not.

set -u
export LC_ALL=C
share=$1 mnt=$2
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

# as UID GROUPS COMMAND...: with the first of the groups as its own.
# shellcheck disable=SC2317 # attempt calls it
as()
{
	local uid=$1 groups=$2
	shift 2
	setpriv --reuid "$uid" --regid "${groups%%,*}" --groups "$groups" "$@"
}

# attempt COMMAND...: notes how it ends; both sides must agree on errors too.
attempt()
{
	local said
	said=$("$@" 2>&1)
	echo "$? $* ${said##*: }" >>"$log"
}

# What setfattr and getfattr do, names and sizes good and bad.
attributes()
{
	local big name
	big=$(head -c 2000 /dev/zero | tr '\0' x)
	touch file
	mkdir dir
	ln -s file link
	mkfifo fifo
	for name in file dir link fifo; do
		attempt setfattr -h -n user.v -v value "$name"
		attempt setfattr -h -n user.big -v "$big" "$name"
		attempt setfattr -h -n none.v -v value "$name"
		attempt setfattr -h -n user. -v value "$name"
		attempt setfattr -h -x user.missing "$name"
		attempt getfattr -h -n user.v "$name"
		attempt getfattr -h -n user.missing "$name"
	done
	attempt setfattr -n user.empty file
	attempt setfattr -n user.v -v other file
	attempt setfattr -x user.big file
	attempt as 1000 1000 setfattr -n user.w -v value file
	attempt as 1000 1000 getfattr -n user.v file
	chmod 600 file
	attempt as 1000 1000 getfattr -n user.v file
	chmod 1777 dir
	attempt as 1000 1000 setfattr -n user.w -v value dir
	attempt setfattr -n user.mine -v value dir
	cp /bin/true program
	attempt setcap cap_net_raw+ep program
	attempt getcap program
	cp --preserve=all program copy
	attempt getcap copy
	echo >>copy
	attempt getcap copy
	attempt as 1000 1000 setfattr -x security.capability program
	attempt setcap -r program
	attempt getcap program
}

# Default ACLs against umasks, for all that can be made.
inherited()
{
	mkdir parent
	attempt setfacl -d -m u::rwx,u:1234:rwx,g::rx,g:5678:rw,o::- parent
	(
		umask 077
		touch parent/file
		echo text >parent/text
		mkdir parent/dir parent/dir/below
		mkfifo parent/fifo
		mknod parent/device c 1 3
		ln -s file parent/link
		install -m 0604 /dev/null parent/installed
		cp --preserve=all parent/file parent/copy
	)
	attempt chmod 640 parent/file
	attempt chmod g-w parent/dir
	attempt setfacl -k parent/dir
	(
		umask 027
		touch masked parent/dir/file
		mkdir masked-dir parent/dir/dir
		mkfifo masked-fifo
	)
	attempt mv parent/text masked-dir/text
	attempt ln masked-dir/text parent/linked
}

# ACLs set, changed, removed, and used.
acls()
{
	mkdir use
	echo text >use/file
	chmod 640 use/file
	attempt as 1234 1234 cat use/file
	attempt setfacl -m u:1234:r use/file
	attempt as 1234 1234 cat use/file
	attempt as 1235 1235 cat use/file
	attempt setfacl -m g:5678:r use/file
	attempt as 1235 1235,5678 cat use/file
	attempt setfacl -m m::- use/file
	attempt as 1234 1234 cat use/file
	attempt chmod 660 use/file
	attempt as 1234 1234 cat use/file
	attempt as 1234 1234 setfacl -m u:1234:rw use/file
	attempt setfacl -d -m u:1234:r use/file
	attempt setfacl -x u:1234 use/file
	attempt getfacl -n -c use/file
	attempt setfacl -b use/file
	attempt getfacl -n -c use/file
	cp use/file use/other
	getfacl -n --access parent | setfacl --set-file=- use/other
}

# Set-group-ID bits: who may have them on what, and who loses them.
group_bits()
{
	mkdir group
	chgrp 5678 group
	chmod 2777 group
	attempt as 1000 1000,5678 install -m 2755 /dev/null group/member
	attempt as 1000 1000 install -m 2755 /dev/null group/other
	attempt as 1000 1000 mkdir group/dir
	attempt as 1000 1000,5678 touch group/touched
	attempt as 1000 1000,5678 python3 -c \
		"import os; os.umask(0); os.close(os.open('group/opened', os.O_CREAT | os.O_RDWR, 0o2775))"
	attempt as 1000 1000 python3 -c \
		"import os; os.umask(0); os.close(os.open('group/refused', os.O_CREAT | os.O_RDWR, 0o2775))"
	touch group/owned
	chown 1000:5678 group/owned
	chmod 2770 group/owned
	attempt as 1000 1000,5678 setfacl -m u:1234:r group/owned
	stat -c %a group/owned >>"$log"
	attempt as 1000 1000 setfacl -m u:1234:rw group/owned
	stat -c %a group/owned >>"$log"
}

work()
{
	log=$2
	mkdir "$1" && cd "$1" || exit 1
	umask 022
	attributes
	inherited
	acls
	group_bits
}

# All that can be seen of a tree. Times, numbers and sizes of directories
# differ, and so do links' targets by no name.
view()
{
	cd "$1" || exit 1
	find . -printf '%P %y %m %U:%G %n %l\n' | sort
	find . -print0 | sort -z | xargs -0 getfattr -h -d -m - -e hex --
	find . -not -type l -print0 | sort -z | xargs -0 getfacl -n --
}

failed=0

# alike WHAT FILE FILE
alike()
{
	if ! diff "$2" "$3" >"$tmp/diff"; then
		echo "$1 differ:"
		cat "$tmp/diff"
		failed=1
	fi
}

(work "$share/native" "$tmp/native.log")
(work "$mnt/guest" "$tmp/guest.log")
alike "results on the host and in the guest" "$tmp/native.log" "$tmp/guest.log"
(view "$share/native") >"$tmp/native"
(view "$share/guest") >"$tmp/guest"
alike "what the host and the guest made" "$tmp/native" "$tmp/guest"
(view "$mnt/guest") >"$tmp/cached"
alike "what the guest made and what it sees" "$tmp/guest" "$tmp/cached"
echo 2 >/proc/sys/vm/drop_caches
(view "$mnt/guest") >"$tmp/seen"
alike "what the guest made and what it sees anew" "$tmp/guest" "$tmp/seen"
(view "$mnt/native") >"$tmp/seen"
alike "what the host made and the guest sees" "$tmp/native" "$tmp/seen"

# Proof that there was something to compare.
for proof in '^user.big=' '^user:1234:' '^default:group:5678:rw-' '^group/member f 2755'; do
	if ! grep -q "$proof" "$tmp/native"; then
		echo "nothing like \"$proof\" was made"
		failed=1
	fi
done
rm -rf "$share/native" "$mnt/guest"
exit $failed
