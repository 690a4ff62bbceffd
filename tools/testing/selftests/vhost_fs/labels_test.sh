#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Tests security labels: those that a guest gives to what it makes, and the one
# that a share serves with.
#
#   labels_test.sh [TEST]...
#
# Runs in a host VM (vm/vm run --append lsm=selinux) with the loopback module, so
# that guest and host go by one policy, that of labels.cil beside this script.
# Needs root, secilc, loopbackd and vhost-fs-ctl. Prints TAP. Exit status: 0 if
# all passed, 1 otherwise.

set -u
export LC_ALL=C
run=/run/vhost-fs-labels-test
host=/srv/labels-test
here=$(cd "$(dirname "$0")" && pwd) || exit 1
# shellcheck source=tools/testing/selftests/vhost_fs/guests.sh
. "$here/guests.sh"

selinux=/sys/fs/selinux

# The kernel takes a policy as one write, of a version that it knows.
load_policy()
{
	grep -qw selinux /sys/kernel/security/lsm || fail "the kernel runs without lsm=selinux"
	mountpoint -q $selinux || mount -t selinuxfs none $selinux || fail "no selinuxfs"
	secilc -c 33 -o "$run/policy" -f /dev/null "$here/labels.cil" || fail "secilc"
	dd if="$run/policy" of=$selinux/load bs=1M status=none || fail "no policy"
}

label_of()
{
	getfattr -h --absolute-names --only-values -n security.selinux "$1" 2>/dev/null | tr -d '\0'
}

set_label()
{
	setfattr -h -n security.selinux -v "vm:object_r:$2" "$1"
}

kinds="file directory link fifo nameless"

# make_each DIR LABEL: one of each kind, by a process that wants them labelled so;
# without a label, as the policy has it. Running a program would forget the label.
make_each()
{
	# shellcheck disable=SC2016 # Perl's variables
	perl -MFcntl -MPOSIX=mkfifo -e 'my ($dir, $label) = @ARGV;
		open(A, "+<", "/proc/self/attr/fscreate") or die "fscreate: $!\n";
		!$label or syswrite(A, "vm:object_r:$label") or die "$label: $!\n";
		sysopen(F, "$dir/file", O_CREAT | O_WRONLY | O_EXCL) or die "open: $!\n";
		mkdir("$dir/directory") or die "mkdir: $!\n";
		symlink("nowhere", "$dir/link") or die "symlink: $!\n";
		mkfifo("$dir/fifo", 0600) or die "mkfifo: $!\n";
		sysopen(T, $dir, O_WRONLY | 020200000) or die "O_TMPFILE: $!\n";
		# linkat(), of what the descriptor stands for.
		my ($from, $to) = ("/proc/self/fd/" . fileno(T), "$dir/nameless");
		syscall(265, -100, $from, -100, $to, 0x400) == 0 or die "linkat: $!\n"' "$1" "${2-}" ||
		fail "as ${2:-nothing special}"
}

# have_label DIR TYPE
have_label()
{
	local kind
	for kind in $kinds; do
		same "$(label_of "$1/$kind")" "vm:object_r:$2" "label of $1/$kind"
	done
}

test_made_by_guests()
{
	local h=$host/made g=$run/made
	on_ext4 made
	serve made --security-label
	mkdir "$g/plain" "$g/marked"
	make_each "$g/plain"
	have_label "$h/plain" free
	make_each "$g/marked" marked
	have_label "$h/marked" marked
	have_label "$g/marked" marked
	# What is made in a directory has its type, unless something else was said.
	set_label "$g/plain" fixed || fail "relabel"
	same "$(label_of "$h/plain")" vm:object_r:fixed "label on the host"
	echo x >"$g/plain/new"
	same "$(label_of "$h/plain/new")" vm:object_r:fixed "label of what is made there"
	leave made
	vhost-fs-ctl remove-share made
	# Not said by the guest, it is the host's own: that of the directory.
	serve made
	mkdir "$g/silent"
	make_each "$g/silent" marked
	have_label "$h/silent" free
	leave made
	vhost-fs-ctl remove-share made
	end_ext4 made
}

# Under another name the host's own label stays what the host's policy makes it.
test_mapped()
{
	local h=$host/mapped g=$run/mapped kind name=user.guest.security.selinux
	on_ext4 mapped
	serve mapped --security-label \
		--xattrmap ":map:security.selinux:user.guest.:"
	mkdir "$g/d"
	set_label "$g/d" marked || fail "relabel"
	echo x >"$g/d/f"
	same "$(label_of "$g/d/f")" vm:object_r:marked "label in the guest"
	same "$(label_of "$h/d/f")" vm:object_r:free "label on the host"
	same "$(getfattr --absolute-names --only-values -n $name "$h/d/f" 2>/dev/null | tr -d '\0')" \
		vm:object_r:marked "attribute on the host"
	# Symbolic links can't have such attributes; so they can't be made.
	ln -s x "$g/d/link" 2>/dev/null && fail "a link without its label"
	[ ! -L "$h/d/link" ] || fail "the link is there"
	leave mapped
	vhost-fs-ctl remove-share mapped
	end_ext4 mapped
}

# refused_to "WHAT" COMMAND...
refused_to()
{
	local what=$1
	shift
	"$@" 2>"$run/why" && fail "$what succeeds"
	grep -q "Permission denied" "$run/why" || fail "$what: $(cat "$run/why")"
}

append()
{
	# shellcheck disable=SC2016 # the inner shell expands it
	sh -c 'echo more >>"$1"' sh "$1"
}

# A share may do what its label may, whoever asks.
test_served_with()
{
	local h=$host/with g=$run/with type
	on_ext4 with
	for type in free marked fixed hidden; do
		echo $type >"$h/$type"
		set_label "$h/$type" $type || fail "label"
	done
	echo 1 >$selinux/enforce
	serve with --label vm:vm:served
	same "$(vhost-fs-ctl list-shares --json | jq -r '.[] | select(.name == "with") | .label')" \
		vm:vm:served "label that is shown"
	cat "$g/free" "$g/marked" "$g/fixed" >/dev/null || fail "read"
	append "$g/free" || fail "write"
	append "$g/marked" || fail "write"
	refused_to "writing what may be read" append "$g/fixed"
	refused_to "reading what is hidden" cat "$g/hidden"
	refused_to "writing what is hidden" append "$g/hidden"
	same "$(cat "$h/fixed" "$h/hidden" | xargs)" "fixed hidden" "contents on the host"
	leave with
	vhost-fs-ctl remove-share with
	# Without one it has that of whoever added it.
	serve with
	cat "$g/hidden" >/dev/null || fail "read, as the host may"
	append "$g/fixed" || fail "write, as the host may"
	leave with
	vhost-fs-ctl remove-share with
	vhost-fs-ctl add-share with --path "$h" --label vm:vm:unknown 2>"$run/why" &&
		fail "a label that the policy doesn't know"
	grep -q "security label" "$run/why" || fail "$(cat "$run/why")"
	echo 0 >$selinux/enforce
	end_ext4 with
}

tests=(made_by_guests mapped served_with)

[ $# -eq 0 ] || tests=("$@")
mkdir -p "$run"
(load_policy) >"$run/policy.log" 2>&1 ||
	{ echo "Bail out! $(tail -n 1 "$run/policy.log")"; exit 1; }
run_tests "${tests[@]}"
