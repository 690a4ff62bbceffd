// SPDX-License-Identifier: GPL-2.0-only
/*
 * vhost-fs-ctl state show: what is printed of a device state, and what is said of
 * a file that is none.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"
#include "print-state.h"
#include "state-file.h"

#define CAPTURED STREAMS "/virtiofsd-1.13.2-"

typedef void print_fn(FILE *out, const struct vhost_fs_state *st);

static void assert_prints(print_fn *print, const struct vhost_fs_state *st, const char *expected)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	print(out, st);
	assert_int_equal(0, fclose(out));
	assert_string_equal(expected, text);
	free(text);
}

static struct vhost_fs_state_bytes bytes(const char *text)
{
	return (struct vhost_fs_state_bytes){ (const u8 *)text, strlen(text) };
}

/* One of each. */
static size_t make_stream(u8 *buf)
{
	const struct vhost_fs_state_node nodes[] = {
		{ .id = 1, .refcount = 3 },
		{ .id = 2, .refcount = 1, .location = VHOST_FS_STATE_PATH, .parent = 1,
		  .name = bytes("a\"b\\\n\302\205\u00e4"), .has_verify = true,
		  .verify = { 30, -1, bytes("\x01\xff") } },
		{ .id = 3, .refcount = UINT64_MAX, .location = VHOST_FS_STATE_INVALID },
		{ .id = 4, .refcount = 1, .location = VHOST_FS_STATE_FULL_PATH,
		  .name = bytes("c/d") },
		{ .id = 5, .refcount = 1, .location = VHOST_FS_STATE_FILE_HANDLE,
		  .fh = { 31, 2, { } } },
	};
	const struct vhost_fs_state_handle handles[] = {
		{ 0, 4, O_RDWR }, { 1, 5, O_DIRECTORY }, { 2, 5, INT32_MIN },
	};
	const struct vhost_fs_state_mount mount = { 31, bytes(".") };
	const struct vhost_fs_state_opts opts = { .writeback = true, .posix_acl = true };
	const struct vhost_fs_state_way way = { 5, 3, bytes("\x02\xfe") };
	const struct vhost_fs_state_session session = { .minor = 38, .flags = 0x11 };
	u8 ways[VHOST_FS_STATE_ITEM_MAX];
	size_t ways_len = vhost_fs_state_put_way(ways, &way);
	size_t len = vhost_fs_state_put_begin(buf, ARRAY_SIZE(nodes)), i;

	for (i = 0; i < ARRAY_SIZE(nodes); i++)
		len += vhost_fs_state_put_node(buf + len, &nodes[i]);
	len += vhost_fs_state_put_middle(buf + len, 6, ARRAY_SIZE(handles));
	for (i = 0; i < ARRAY_SIZE(handles); i++)
		len += vhost_fs_state_put_handle(buf + len, &handles[i]);
	len += vhost_fs_state_put_end(buf + len, 3, &opts, 1);
	len += vhost_fs_state_put_mount(buf + len, &mount);
	len += vhost_fs_state_put_session(buf + len, &session, 1, ways_len + 2);
	memcpy(buf + len, ways, ways_len);
	len += ways_len;
	/* And of a later version. */
	buf[len++] = 0xaa;
	buf[len++] = 0xbb;
	return len;
}

static void test_text(void **state)
{
	u8 buf[1024];
	struct vhost_fs_state st;

	(void)state;
	assert_int_equal(0, vhost_fs_state_parse(&st, buf, make_stream(buf)));
	assert_prints(print_state_text, &st,
		"version 2, 103 bytes\n"
		"agreed with the guest: writeback, posix_acl\n"
		"FUSE 7.38, flags 0x11\n"
		"nodes: 5, the next will be 6\n"
		"    1: 3 references, the share's root\n"
		"    2: 1 reference, \"a\\\"b\\\\\\u000a\\u0085\u00e4\" in 1, must have "
		"handle -1:01ff on mount 30\n"
		"    3: 18446744073709551615 references, lost\n"
		"    4: 1 reference, path \"c/d\"\n"
		"    5: 1 reference, handle 2: on mount 31\n"
		"open files: 3, the next will be 3\n"
		"    0: node 4, O_RDWR\n"
		"    1: node 5, O_RDONLY and flags 0200000\n"
		"    2: node 5, O_RDONLY and flags 020000000000\n"
		"mounts: 1\n"
		"    31: \".\"\n"
		"handles with directories: 1\n"
		"    node 5: handle 3:02fe\n"
		"2 more bytes, of a later version of vhost_fs\n");
}

static void test_json(void **state)
{
	u8 buf[1024];
	struct vhost_fs_state st;

	(void)state;
	assert_int_equal(0, vhost_fs_state_parse(&st, buf, make_stream(buf)));
	assert_prints(print_state_json, &st,
		"{\"version\": 2, \"bytes\": 103, \"next_node\": 6, \"next_handle\": 3,\n"
		" \"opts\": {\"writeback\": true, \"announce_submounts\": false, "
		"\"posix_acl\": true, \"sup_group_extension\": false},\n"
		" \"session\": {\"minor\": 38, \"flags\": 17},\n"
		" \"nodes\": [\n"
		"  {\"id\": 1, \"refcount\": 3, \"location\": \"root\"},\n"
		"  {\"id\": 2, \"refcount\": 1, \"location\": \"path\", \"parent\": 1, "
		"\"name\": \"a\\\"b\\\\\\u000a\\u0085\u00e4\", "
		"\"verify\": {\"mount_id\": 30, \"type\": -1, \"handle\": \"01ff\"}},\n"
		"  {\"id\": 3, \"refcount\": 18446744073709551615, \"location\": \"invalid\"},\n"
		"  {\"id\": 4, \"refcount\": 1, \"location\": \"full_path\", \"name\": \"c/d\"},\n"
		"  {\"id\": 5, \"refcount\": 1, \"location\": \"file_handle\", "
		"\"fh\": {\"mount_id\": 31, \"type\": 2, \"handle\": \"\"}}],\n"
		" \"handles\": [\n"
		"  {\"id\": 0, \"node\": 4, \"flags\": 2},\n"
		"  {\"id\": 1, \"node\": 5, \"flags\": 65536},\n"
		"  {\"id\": 2, \"node\": 5, \"flags\": -2147483648}],\n"
		" \"mounts\": [\n"
		"  {\"id\": 31, \"path\": \".\"}],\n"
		" \"ways\": [\n"
		"  {\"node\": 5, \"type\": 3, \"handle\": \"02fe\"}],\n"
		" \"skipped\": 2}\n");
}

/* What has nothing in it, which virtiofsd writes before the guest's INIT. */
static void test_empty(void **state)
{
	static const u8 empty[] = { 1, 0, 2, 0, 0, 0, 0, 0, 0, 0 };
	struct vhost_fs_state st;

	(void)state;
	assert_int_equal(0, vhost_fs_state_parse(&st, empty, sizeof(empty)));
	assert_prints(print_state_text, &st,
		"version 2, 10 bytes\n"
		"agreed with the guest: nothing\n"
		"nodes: 0, the next will be 2\n"
		"open files: 0, the next will be 0\n"
		"mounts: 0\n");
	assert_prints(print_state_json, &st,
		"{\"version\": 2, \"bytes\": 10, \"next_node\": 2, \"next_handle\": 0,\n"
		" \"opts\": {\"writeback\": false, \"announce_submounts\": false, "
		"\"posix_acl\": false, \"sup_group_extension\": false},\n"
		" \"nodes\": [],\n \"handles\": [],\n \"mounts\": []}\n");
}

/* Reads a file; standard error goes to @said. Returns the exit status. */
static int read_file(const char *path, char *said, size_t size)
{
	struct state_file file = { };
	int ends[2], saved = dup(STDERR_FILENO), status;
	ssize_t len;

	assert_int_equal(0, pipe(ends));
	dup2(ends[1], STDERR_FILENO);
	status = state_file_read(&file, path);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(ends[1]);
	len = read(ends[0], said, size - 1);
	said[len > 0 ? len : 0] = '\0';
	close(ends[0]);
	state_file_free(&file);
	return status;
}

static void assert_file(const void *data, size_t len, int status, const char *expected)
{
	char path[] = "/tmp/ctl_state_test.XXXXXX", said[512], line[600];
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(len, write(fd, data, len));
	close(fd);
	assert_int_equal(status, read_file(path, said, sizeof(said)));
	unlink(path);
	snprintf(line, sizeof(line), "vhost-fs-ctl: %s: %s\n", path, expected);
	assert_string_equal(*expected ? line : "", said);
}

static void test_files(void **state)
{
	u8 buf[1024];
	size_t len = make_stream(buf);

	(void)state;
	assert_file(buf, len, 0, "");
	assert_file("", 0, 2, "not a device state: it ends after 0 bytes; "
		    "expected the version: 0 or 1, for V1 or V2");
	assert_file(buf, 10, 2, "not a device state: it ends after 10 bytes; "
		    "expected a name of 1 to 255 bytes (node 2 of 5)");
	buf[2] = 0x7f;
	buf[4] = 9;
	assert_file(buf, len, 2, "not a device state: wrong at offset 4 (0x09); "
		    "expected a node's kind of location, 0 to 4 (node 1 of 5)");
	assert_file("\1\0\2\1\0\0\1\0\0", 9, 2, "not a device state: wrong at offset 6 (0x01); "
		    "expected an open file's kind, 0 (open file 1 of 1)");
	assert_file("\1\0\2\0\0\0\0\0\0\1\5\1/", 13, 2, "not a device state: wrong at offset 12 "
		    "(0x2f); expected a name of 1 to 255 bytes (mount 1 of 1)");
	assert_file("\1\0\2\0\0\0\0\0\0\0x", 11, 2, "not a device state: wrong at offset 10 "
		    "(0x78); expected the end of the stream, or what only vhost_fs has");
	assert_file("\1\0\2\0\0\0\0\0\0\0vhost-fs\2\0", 20, 2, "a device state of a later "
		    "version of vhost_fs: at offset 18 (0x02); expected the version of what only "
		    "vhost_fs has: 1");
	assert_file("\1\0\2\0\0\0\0\0\0\0vhost-fs\1\6\46\0\1\5\2\377", 26, 2,
		    "not a device state: it ends after 26 bytes; expected a file handle of at "
		    "most 128 bytes (handle with a directory 1 of 1)");
}

/* More than is read at once; and what can't be read. */
static void test_large_and_missing(void **state)
{
	static u8 large[1 << 20];
	char said[512];

	(void)state;
	memcpy(large, "\1\0\2\0\0\0\0\0\0\0", 10);
	assert_file(large, sizeof(large), 2, "not a device state: wrong at offset 10 (0x00); "
		    "expected the end of the stream, or what only vhost_fs has");
	assert_int_equal(1, read_file("/nowhere", said, sizeof(said)));
	assert_string_equal("vhost-fs-ctl: can't open /nowhere: No such file or directory\n", said);
	assert_int_equal(1, read_file("/", said, sizeof(said)));
	assert_string_equal("vhost-fs-ctl: can't read /: Is a directory\n", said);
}

static void test_captured(void **state)
{
	char said[512];

	(void)state;
	assert_int_equal(0, read_file(CAPTURED "paths", said, sizeof(said)));
	assert_int_equal(0, read_file(CAPTURED "paths-verified", said, sizeof(said)));
	assert_int_equal(0, read_file(CAPTURED "handles", said, sizeof(said)));
	assert_string_equal("", said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_large_and_missing),
		cmocka_unit_test(test_captured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
