#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Tests a share through the stock guest driver: loopbackd makes the device, this
# kernel's own virtiofs mounts it, and what it shows is compared with the shared
# directory. Prints TAP; needs root and both modules (see vm/vm run).
#
#   device_test.sh [vhost-fs|virtiofsd]
#
# Exit status: 0 if all passed, 1 otherwise, 2 for a wrong argument.

set -u
backend=${1:-vhost-fs}
dir=/srv/loopback-test
mnt=/mnt/loopback-test
run=/run/loopback-test
tag=loopback-test

# Longer than any test takes on a slow machine; a test that needs it has hung.
limit=300

fail()
{
	echo "# $*"
	exit 1
}

same()
{
	[ "$1" = "$2" ] || fail "${3-}: '$1' isn't '$2'"
}

# wait_until SECONDS COMMAND...
wait_until()
{
	local deadline=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		sleep 0.1
	done
}

# Serving

start_server()
{
	local source
	rm -rf "$run"
	mkdir -p "$run" "$dir" "$mnt"
	if [ "$backend" = virtiofsd ]; then
		/usr/libexec/virtiofsd --socket-path "$run/socket" --shared-dir "$dir" "$@" \
			</dev/null >"$run/virtiofsd.log" 2>&1 &
		wait_until 30 test -S "$run/socket" || fail "virtiofsd: $(tail -n 1 "$run/virtiofsd.log")"
		source=(--socket "$run/socket")
	else
		vhost-fs-ctl add-share "$tag" --path "$dir" "$@" || fail "no share"
		source=(--share "$tag")
	fi
	start_daemon "${source[@]}"
}

start_daemon()
{
	rm -f "$run/ready"
	loopbackd "$@" --tag "$tag" --ready "$run/ready" </dev/null >"$run/log" 2>&1 &
	echo $! >"$run/pid"
	wait_until 30 test -e "$run/ready" || fail "loopbackd: $(tail -n 1 "$run/log")"
}

stop_server()
{
	local pid
	pid=$(cat "$run/pid")
	kill "$pid"
	wait_until 30 gone "$pid" || fail "loopbackd doesn't end"
	[ "$backend" = virtiofsd ] || vhost-fs-ctl remove-share "$tag"
}

gone()
{
	! kill -0 "$1" 2>/dev/null || grep -qs '^State:.Z' "/proc/$1/status"
}

mount_share()
{
	mount -t virtiofs "$tag" "$mnt" || fail "can't mount"
}

# What a directory tree looks like, from the outside of its files.
listing()
{
	(cd "$1" && find . -printf '%p %y %m %U:%G %n %s %l\n' | grep -v '^\. ' | sort)
}

contents()
{
	(cd "$1" && find . -type f -print0 | sort -z | xargs -0 -r sha256sum)
}

same_trees()
{
	diff <(listing "$1") <(listing "$2") >"$run/diff" || fail "$(head -n 3 "$run/diff")"
	diff <(contents "$1") <(contents "$2") >"$run/diff" || fail "$(head -n 3 "$run/diff")"
}

# Tests; each starts from an empty share that is mounted.

test_mount_by_tag()
{
	same "$(findmnt -n -o SOURCE,FSTYPE "$mnt" | tr -s ' ')" "$tag virtiofs" "mount"
	same "$(stat -c %i "$mnt")" "$(stat -c %i "$dir")" "inode of the root"
}

test_written_by_guest()
{
	head -c 9999999 /dev/urandom >"$run/data"
	cp "$run/data" "$mnt/file"
	sync "$mnt/file"
	cmp "$run/data" "$dir/file" || fail "the host reads something else"
}

test_written_by_host()
{
	head -c 9999999 /dev/urandom >"$dir/file"
	cmp "$dir/file" "$mnt/file" || fail "the guest reads something else"
}

test_real_tree()
{
	cp -a /etc /usr/lib/python3 "$mnt/" || fail "cp"
	same_trees "$mnt" "$dir"
	rm -rf "${mnt:?}/etc" || fail "rm"
	[ ! -e "$dir/etc" ] || fail "etc is still there"
}

# As an ordinary user, with a umask: whose are the new files, and of what mode?
test_owner_and_mode()
{
	chmod 777 "$mnt"
	setpriv --reuid 1234 --regid 2345 --clear-groups bash -c "
		umask 027; cd '$mnt' && mkdir d && echo >f && ln -s f s && mkfifo p" || fail "create"
	same "$(stat -c '%a %u %g' "$dir/d" "$dir/f" "$dir/p" | sort -u | xargs)" \
		"640 1234 2345 750 1234 2345" "owner and mode"
	same "$(stat -c '%F %u %g' "$dir/s")" "symbolic link 1234 2345" "symbolic link"
	setpriv --reuid 4321 --regid 2345 --clear-groups cat "$mnt/f" >/dev/null || fail "group can't read"
	! setpriv --reuid 4321 --regid 4321 --clear-groups cat "$mnt/f" 2>/dev/null ||
		fail "anybody can read"
}

test_set_attributes()
{
	echo 12345 >"$mnt/f"
	chmod 4711 "$mnt/f" || fail "chmod"
	chown 7:8 "$mnt/f" || fail "chown"
	chmod 2711 "$mnt/f" || fail "chmod after chown"
	touch -d @1000000000.123456789 "$mnt/f"
	truncate -s 3 "$mnt/f"
	touch -d @1000000000.123456789 "$mnt/f"
	same "$(stat -c '%a %u:%g %s %.9Y' "$dir/f")" "2711 7:8 3 1000000000.123456789" "attributes"
}

test_names()
{
	cd "$mnt" || fail "cd"
	mkdir a b || fail "mkdir"
	echo 1 >a/f
	echo 2 >b/h
	ln a/f b/g || fail "ln"
	mv a/f b/f || fail "mv"
	mv b a/ || fail "mv of a directory"
	same "$(stat -c %h "$dir/a/b/f")" 2 "links"
	same "$(stat -c %i "$dir/a/b/f")" "$(stat -c %i a/b/g)" "inode"
	! rmdir a 2>/dev/null || fail "rmdir of a full directory"
	! mkdir a 2>/dev/null || fail "mkdir of what exists"
	mv --exchange a/b/f a/b/h || fail "exchange"
	same "$(cat "$dir/a/b/f" "$dir/a/b/h" | xargs)" "2 1" "exchanged"
	mv -T a/b/f a/b/h || fail "mv over a file"
	same "$(cat "$dir/a/b/h" "$dir/a/b/g" | xargs)" "2 1" "replaced"
	rm -r a || fail "rm"
	same "$(find "$dir" -mindepth 1)" "" "what is left"
}

test_large_directory()
{
	mkdir "$mnt/d"
	(cd "$mnt/d" && seq -f 'a-rather-long-name-of-a-file-%g' 700 | xargs touch)
	same "$(listing "$mnt/d" | sha256sum)" "$(listing "$dir/d" | sha256sum)" "names"
	same "$(find "$mnt/d" -type f | wc -l)" 700 "files"
}

test_unlinked_file()
{
	exec 7<>"$mnt/f"
	echo before >&7
	rm "$mnt/f"
	echo after >&7
	same "$(stat -L -c %h /proc/self/fd/7)" 0 "links"
	same "$(xargs <"/proc/$BASHPID/fd/7")" "before after" "contents"
}

test_holes()
{
	truncate -s 8M "$mnt/f"
	fallocate -o 1M -l 1M "$mnt/f" || fail "fallocate"
	echo x | dd of="$mnt/f" bs=1 seek=5M conv=notrunc status=none
	fallocate -p -o 1M -l 1M "$mnt/f" || fail "punching a hole"
	sync "$mnt/f"
	same "$(stat -c %b "$mnt/f")" "$(stat -c %b "$dir/f")" "blocks"
	cmp "$mnt/f" "$dir/f" || fail "contents"
}

test_shared_mapping()
{
	head -c 1M /dev/zero >"$mnt/f"
	python3 - "$mnt/f" <<-'PYTHON' || fail "mmap"
		import mmap, sys
		with open(sys.argv[1], "r+b") as f, mmap.mmap(f.fileno(), 0) as m:
		    m[500000:500005] = b"hello"
		    m.flush()
	PYTHON
	same "$(dd if="$dir/f" bs=1 skip=500000 count=5 status=none)" hello "contents"
}

test_statfs()
{
	same "$(stat -f -c '%b %S %c' "$mnt")" "$(stat -f -c '%b %S %c' "$dir")" "statfs"
}

test_append()
{
	local i pids=()
	for i in 1 2 3 4; do
		(for _ in $(seq 250); do echo "$i" >>"$mnt/log"; done) &
		pids+=($!)
	done
	wait "${pids[@]}"
	same "$(sort "$dir/log" | uniq -c | xargs)" "250 1 250 2 250 3 250 4" "lines"
}

# Data under load: jobs on all queues, while the host works in the same tree.
test_verified_load()
{
	local host status=0
	mkdir "$mnt/guest" "$mnt/host"
	fio --directory="$dir/host" --name=host --rw=randrw --bs=4k-64k --size=4M --numjobs=2 \
		--verify=crc32c --verify_fatal=1 --do_verify=1 >"$run/fio.host" 2>&1 &
	host=$!
	fio --directory="$mnt/guest" --name=guest --rw=randrw --bs=4k-256k --size=8M --numjobs=4 \
		--fallocate=none --verify=crc32c --verify_fatal=1 --do_verify=1 >"$run/fio" 2>&1 || status=1
	wait "$host" || fail "on the host: $(tail -n 1 "$run/fio.host")"
	[ "$status" = 0 ] || fail "$(grep -m 1 -i err "$run/fio")"
	same_trees "$mnt" "$dir"
}

# Names under load: both sides make, rename and remove in the same directory.
test_both_sides_rename()
{
	local host
	churn "$dir" host &
	host=$!
	churn "$mnt" guest || fail "the guest can't find its own file"
	wait "$host" || fail "the host can't find its own file"
	same "$(listing "$dir" | cut -d ' ' -f 1 | xargs)" "./guest ./host" "names"
	wait_until 10 test -e "$mnt/host" || fail "the guest doesn't see the host's file"
}

churn()
{
	local i
	for i in $(seq 60); do
		echo "$i" >"$1/$2.new" && mv "$1/$2.new" "$1/$2" && [ -s "$1/$2" ] || return
		mkdir "$1/$2.d" && touch "$1/$2.d/$i" && rm -r "$1/$2.d" || return
	done
}

test_remount()
{
	echo kept >"$mnt/f"
	umount "$mnt" || fail "umount"
	mount_share
	same "$(cat "$mnt/f")" kept "contents"
}

# What a guest's reboot does to the device: a reset with files open, and a new
# session without the old one's end.
test_reset()
{
	local device
	exec 7>"$mnt/f"
	echo kept >&7
	device=$(driver_device)
	echo "$device" >/sys/bus/virtio/drivers/virtiofs/unbind || fail "unbind"
	! cat "$mnt/f" 2>/dev/null || fail "the device's mount goes on"
	exec 7>&-
	umount "$mnt" || fail "umount"
	echo "$device" >/sys/bus/virtio/drivers/virtiofs/bind || fail "bind"
	mount_share
	same "$(cat "$mnt/f")" kept "contents"
}

driver_device()
{
	local path
	for path in /sys/bus/virtio/drivers/virtiofs/virtio*; do
		[[ $(readlink -f "$path") != *vhost-fs-loopback* ]] || basename "$path"
	done
}

# The server dies under load: nothing hangs, and the share serves the next one.
test_killed()
{
	local load pid
	pid=$(cat "$run/pid")
	churn "$mnt" killed 2>/dev/null &
	load=$!
	fio --directory="$mnt" --name=killed --rw=randwrite --size=4M --numjobs=2 --time_based \
		--runtime=1000 >/dev/null 2>&1 &
	wait_until 60 test -s "$dir/killed.1.0" || fail "no load"
	kill -KILL "$pid"
	wait "$load"
	wait
	wait_until 30 umount "$mnt" || fail "umount"
	if [ "$backend" = virtiofsd ]; then
		start_server
	else
		start_daemon --share "$tag"
	fi
	mount_share
	echo again >"$mnt/f"
	same "$(cat "$dir/f")" again "contents"
}

test_readonly()
{
	umount "$mnt"
	stop_server
	echo 1 >"$dir/f"
	start_server --readonly
	mount_share
	same "$(cat "$mnt/f")" 1 "contents"
	! bash -c "echo 2 >'$mnt/f'" 2>/dev/null || fail "write"
	! touch "$mnt/g" 2>/dev/null || fail "create"
	! chmod 700 "$mnt/f" 2>/dev/null || fail "chmod"
	! rm -f "$mnt/f" 2>/dev/null || fail "rm"
	same "$(cat "$dir/f")" 1 "contents"
}

tests=(mount_by_tag written_by_guest written_by_host real_tree owner_and_mode set_attributes
	names large_directory unlinked_file holes shared_mapping statfs append verified_load
	both_sides_rename remount reset killed readonly)

run_test()
{
	find "$mnt" -mindepth 1 -delete
	chmod 755 "$mnt"
	"test_$1"
}

case $backend in
vhost-fs|virtiofsd) ;;
*)	echo "device_test.sh: no backend '$backend': vhost-fs or virtiofsd" >&2; exit 2 ;;
esac
if [ "${2-}" = --one ]; then
	run_test "$3"
	exit 0
fi

echo "1..${#tests[@]}"
[ -c /dev/vhost-fs-loopback ] || { echo "Bail out! vhost_fs_loopback.ko isn't loaded"; exit 1; }
(start_server && mount_share) || { echo "Bail out! no share to test"; exit 1; }
failed=0
nr=0
for name in "${tests[@]}"; do
	nr=$((nr + 1))
	begin=$SECONDS
	if timeout "$limit" "$0" "$backend" --one "$name" 2>&1 | sed 's/^[^#]/# &/'; [ "${PIPESTATUS[0]}" = 0 ]; then
		echo "ok $nr - $backend: $name # $((SECONDS - begin)) s"
	else
		echo "not ok $nr - $backend: $name"
		failed=$((failed + 1))
	fi
done
umount "$mnt" || failed=$((failed + 1))
(stop_server) || failed=$((failed + 1))
echo "# passed $((nr - failed)), failed $failed"
[ "$failed" = 0 ]
