// SPDX-License-Identifier: GPL-2.0-only
/*
 * state_codec.c: which streams are taken, what they say, and where a bad one is
 * found bad.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "state_codec.h"

/* Bytes in hexadecimal digits, with any other characters between them. */
struct stream {
	u8 data[1024];
	size_t len;
};

static struct stream hex(const char *text)
{
	struct stream s = { .len = 0 };
	unsigned int byte;
	int n;

	for (; sscanf(text, " %2x%n", &byte, &n) == 1; text += n)
		s.data[s.len++] = byte;
	return s;
}

static struct vhost_fs_state parse_good(const struct stream *s)
{
	struct vhost_fs_state st;

	if (vhost_fs_state_parse(&st, s->data, s->len))
		fail_msg("at %zu: expected %s", st.error_at, st.error);
	assert_null(st.error);
	return st;
}

/* In memory of its own size, so that a byte too far is noticed by a sanitizer. */
static void assert_bad(const u8 *data, size_t len, size_t at, const char *expected)
{
	struct vhost_fs_state st;
	u8 *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	memcpy(copy, data, len);
	assert_int_equal(-EBADMSG, vhost_fs_state_parse(&st, copy, len));
	free(copy);
	assert_int_equal(at, st.error_at);
	if (expected)
		assert_string_equal(expected, st.error);
	else
		assert_non_null(st.error);
}

static void assert_bad_hex(const char *text, size_t at, const char *expected)
{
	struct stream s = hex(text);

	assert_bad(s.data, s.len, at, expected);
}

static void assert_bytes(const char *expected, struct vhost_fs_state_bytes bytes)
{
	assert_int_equal(strlen(expected), bytes.len);
	assert_memory_equal(expected, bytes.data, bytes.len);
}

/* Writes again what a stream says. */
static struct stream rewrite(const struct vhost_fs_state *st)
{
	struct vhost_fs_state_handle handle;
	struct vhost_fs_state_mount mount;
	struct vhost_fs_state_node node;
	struct stream s;
	size_t at;

	s.len = vhost_fs_state_put_begin(s.data, st->nr_nodes);
	for (at = 0; vhost_fs_state_next_node(st, &at, &node); )
		s.len += vhost_fs_state_put_node(s.data + s.len, &node);
	s.len += vhost_fs_state_put_middle(s.data + s.len, st->next_node, st->nr_handles);
	for (at = 0; vhost_fs_state_next_handle(st, &at, &handle); )
		s.len += vhost_fs_state_put_handle(s.data + s.len, &handle);
	s.len += vhost_fs_state_put_end(s.data + s.len, st->next_handle, &st->opts,
					st->nr_mounts);
	for (at = 0; vhost_fs_state_next_mount(st, &at, &mount); )
		s.len += vhost_fs_state_put_mount(s.data + s.len, &mount);
	return s;
}

static void assert_rewritten(const struct stream *s)
{
	struct vhost_fs_state st = parse_good(s);
	struct stream again = rewrite(&st);

	assert_int_equal(s->len, again.len);
	assert_memory_equal(s->data, again.data, s->len);
}

/* Each stream that is cut short is found to end too early, and nothing else. */
static void assert_prefixes_bad(const struct stream *s)
{
	size_t len;

	for (len = 0; len < s->len; len++)
		assert_bad(s->data, len, len, NULL);
}

static const char before_init[] = "01 00 02 00 00 00 00 00 00 00";

/* A root, a.txt, one that is nowhere, and d/e; an open file. */
static const char paths[] =
	"01 04 01 02 00 00"
	"ac 02 01 01 01 05 61 2e 74 78 74 00"
	"04 01 02 00"
	"05 03 03 03 64 2f 65 00"
	"ad 02 01 00 ac 02 00 84 80 04 01 00 01 00 01 00";

static const char file_handles[] =
	"01 02 01 02 00 01 20 02 08 0c 00 00 00 de ad be ef"
	"02 01 04 20 02 08 0c 00 00 00 de ad be ef 00"
	"03 00 00 01 01 01 01 01 20 01 2e";

static void test_before_init(void **state)
{
	struct stream s = hex(before_init);
	struct vhost_fs_state st = parse_good(&s);
	struct vhost_fs_state_handle handle;
	struct vhost_fs_state_mount mount;
	struct vhost_fs_state_node node;
	size_t at = 0;

	(void)state;
	assert_int_equal(2, st.version);
	assert_int_equal(0, st.nr_nodes);
	assert_int_equal(2, st.next_node);
	assert_false(vhost_fs_state_next_node(&st, &at, &node));
	assert_false(vhost_fs_state_next_handle(&st, &at, &handle));
	assert_false(vhost_fs_state_next_mount(&st, &at, &mount));
	assert_rewritten(&s);
	assert_prefixes_bad(&s);
}

static void test_paths(void **state)
{
	struct stream s = hex(paths);
	struct vhost_fs_state st = parse_good(&s);
	struct vhost_fs_state_handle handle;
	struct vhost_fs_state_node node;
	size_t at = 0;

	(void)state;
	assert_int_equal(4, st.nr_nodes);
	assert_true(vhost_fs_state_next_node(&st, &at, &node));
	assert_int_equal(1, node.id);
	assert_int_equal(2, node.refcount);
	assert_int_equal(VHOST_FS_STATE_ROOT, node.location);
	assert_false(node.has_verify);
	assert_true(vhost_fs_state_next_node(&st, &at, &node));
	assert_int_equal(300, node.id);
	assert_int_equal(VHOST_FS_STATE_PATH, node.location);
	assert_int_equal(1, node.parent);
	assert_bytes("a.txt", node.name);
	assert_true(vhost_fs_state_next_node(&st, &at, &node));
	assert_int_equal(VHOST_FS_STATE_INVALID, node.location);
	assert_true(vhost_fs_state_next_node(&st, &at, &node));
	assert_int_equal(VHOST_FS_STATE_FULL_PATH, node.location);
	assert_int_equal(3, node.refcount);
	assert_bytes("d/e", node.name);
	assert_false(vhost_fs_state_next_node(&st, &at, &node));
	at = 0;
	assert_true(vhost_fs_state_next_handle(&st, &at, &handle));
	assert_int_equal(0, handle.id);
	assert_int_equal(300, handle.node);
	assert_int_equal(0100002, handle.flags);
	assert_false(vhost_fs_state_next_handle(&st, &at, &handle));
	assert_int_equal(301, st.next_node);
	assert_int_equal(1, st.next_handle);
	assert_false(st.opts.writeback);
	assert_true(st.opts.announce_submounts);
	assert_false(st.opts.posix_acl);
	assert_true(st.opts.sup_group_extension);
	assert_rewritten(&s);
	assert_prefixes_bad(&s);
}

static void test_file_handles(void **state)
{
	static const u8 bytes[] = { 0x0c, 0, 0, 0, 0xde, 0xad, 0xbe, 0xef };
	struct stream s = hex(file_handles);
	struct vhost_fs_state st = parse_good(&s);
	struct vhost_fs_state_mount mount;
	struct vhost_fs_state_node node;
	size_t at = 0;

	(void)state;
	assert_true(vhost_fs_state_next_node(&st, &at, &node));
	assert_true(node.has_verify);
	assert_int_equal(32, node.verify.mount_id);
	assert_int_equal(1, node.verify.type);
	assert_int_equal(sizeof(bytes), node.verify.handle.len);
	assert_memory_equal(bytes, node.verify.handle.data, sizeof(bytes));
	assert_true(vhost_fs_state_next_node(&st, &at, &node));
	assert_int_equal(VHOST_FS_STATE_FILE_HANDLE, node.location);
	assert_memory_equal(bytes, node.fh.handle.data, sizeof(bytes));
	assert_false(node.has_verify);
	at = 0;
	assert_true(vhost_fs_state_next_mount(&st, &at, &mount));
	assert_int_equal(32, mount.id);
	assert_bytes(".", mount.path);
	assert_false(vhost_fs_state_next_mount(&st, &at, &mount));
	assert_rewritten(&s);
	assert_prefixes_bad(&s);
}

/* Version 1 has no mounts; it is written again as version 2. */
static void test_version_1(void **state)
{
	struct stream v2 = hex(paths), v1 = v2, again;
	struct vhost_fs_state st;

	(void)state;
	v1.data[0] = 0;
	v1.len--;
	st = parse_good(&v1);
	assert_int_equal(1, st.version);
	assert_int_equal(0, st.nr_mounts);
	assert_prefixes_bad(&v1);
	again = rewrite(&st);
	assert_int_equal(v2.len, again.len);
	assert_memory_equal(v2.data, again.data, v2.len);
}

/* A node's location and no handle to verify, within a stream that is good so far. */
#define NODE(location)	"01 01 01 02 " location " 00"
#define LONGEST		"ff ff ff ff ff ff ff ff ff 01"

static void test_numbers(void **state)
{
	struct stream s = hex("81 00 80 00 " LONGEST " 80 80 00 00 00 00 00 00 00");
	struct vhost_fs_state st = parse_good(&s);

	(void)state;
	assert_int_equal(2, st.version);
	assert_int_equal(0, st.nr_nodes);
	assert_true(st.next_node == UINT64_MAX);
	/* One bit more, one byte more. */
	assert_bad_hex("01 00 ff ff ff ff ff ff ff ff ff 02", 11,
		       "the next node's number of 64 bits");
	assert_bad_hex("01 00 80 80 80 80 80 80 80 80 80 80 00", 11, NULL);
	assert_bad_hex("80 80 80 80 10", 4, "the version: 0 or 1, for V1 or V2");
	assert_bad_hex("80 80 80 80 80 00", 4, NULL);
	assert_bad_hex("02", 0, "the version: 0 or 1, for V1 or V2");
}

static void test_signed_numbers(void **state)
{
	static const s32 numbers[] = { 0, -1, 1, -64, 64, INT32_MAX, INT32_MIN };
	u8 buf[VHOST_FS_STATE_ITEM_MAX];
	struct vhost_fs_state_node node = {
		.location = VHOST_FS_STATE_FILE_HANDLE, .fh = { .mount_id = 1ULL << 40 },
	}, again;
	size_t i, len, at;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		node.fh.type = numbers[i];
		len = vhost_fs_state_put_node(buf, &node);
		at = 0;
		assert_true(vhost_fs_state_get_node(buf, len, &at, &again));
		assert_int_equal(len, at);
		assert_int_equal(numbers[i], again.fh.type);
		assert_false(vhost_fs_state_get_node(buf, len, &at, &again));
	}
	node.fh.type = -1;
	len = vhost_fs_state_put_node(buf, &node);
	/* 2^40, -1, and no bytes: as postcard has them. */
	assert_memory_equal("\x80\x80\x80\x80\x80\x20\x01\x00", buf + 3, 8);
	/* Flags of 33 bits. */
	assert_bad_hex("01 00 02 01 00 01 00 ff ff ff ff 10", 11,
		       "an open file's flags of 32 bits");
}

static void test_bools(void **state)
{
	(void)state;
	assert_bad_hex("01 01 01 02 00 02", 5, "0 or 1, whether a node has a handle to verify");
	assert_bad_hex("01 00 02 00 00 02", 5, "0 or 1, whether writeback was agreed on");
	assert_bad_hex("01 00 02 00 00 00 00 00 81 00", 8, NULL);
}

static void test_kinds(void **state)
{
	(void)state;
	assert_bad_hex(NODE("05"), 4, "a node's kind of location, 0 to 4");
	assert_bad_hex("01 00 02 01 00 01 01 00", 6, "an open file's kind, 0");
}

static void test_names(void **state)
{
	(void)state;
	assert_bad_hex(NODE("01 01 00"), 6, "a name of 1 to 255 bytes");
	assert_bad_hex(NODE("01 01 01 2e"), 7, "a name other than . and ..");
	assert_bad_hex(NODE("01 01 02 2e 2e"), 7, "a name other than . and ..");
	assert_bad_hex(NODE("01 01 03 61 2f 62"), 8, "a name without /");
	assert_bad_hex(NODE("01 01 03 61 62 00"), 9, "UTF-8 without NUL");
	assert_bad_hex(NODE("01 01 80 02"), 6, "a name of 1 to 255 bytes");
	/* Names that only look like those. */
	assert_bad_hex(NODE("01 01 03 2e 2e 2e"), 11, "the next node's number of 64 bits");
	assert_bad_hex(NODE("01 01 02 2e 61"), 10, "the next node's number of 64 bits");
}

static void test_full_paths(void **state)
{
	(void)state;
	assert_bad_hex(NODE("03 00"), 5, "a path of 1 to 4095 bytes");
	assert_bad_hex(NODE("03 80 20"), 5, "a path of 1 to 4095 bytes");
	assert_bad_hex(NODE("03 02 2f 61"), 6, NULL);
	assert_bad_hex(NODE("03 04 61 2f 2e 2e"), 8, "a name other than . and ..");
	assert_bad_hex(NODE("03 04 2e 2e 2f 61"), 6, "a name other than . and ..");
	assert_bad_hex(NODE("03 04 61 2f 2f 61"), 8, NULL);
	assert_bad_hex(NODE("03 02 61 2f"), 8, NULL);
	assert_bad_hex(NODE("03 01 2e"), 6, "a name other than . and ..");
}

static void test_mount_paths(void **state)
{
	struct stream s = hex("01 00 02 00 00 00 00 00 00 02 05 01 2e 07 05 61 2f 62 2f 63");
	struct vhost_fs_state st = parse_good(&s);
	struct vhost_fs_state_mount mount;
	size_t at = 0;

	(void)state;
	assert_true(vhost_fs_state_next_mount(&st, &at, &mount));
	assert_true(vhost_fs_state_next_mount(&st, &at, &mount));
	assert_int_equal(7, mount.id);
	assert_bytes("a/b/c", mount.path);
	assert_rewritten(&s);
	assert_bad_hex("01 00 02 00 00 00 00 00 00 01 05 02 2e 2e", 12,
		       "a name other than . and ..");
	assert_bad_hex("01 00 02 00 00 00 00 00 00 01 05 04 2f 65 74 63", 12, NULL);
	assert_bad_hex("01 00 02 00 00 00 00 00 00 01 05 00", 11, NULL);
}

static void test_handle_lengths(void **state)
{
	(void)state;
	assert_bad_hex(NODE("04 01 02 81 01"), 7, "a file handle of at most 128 bytes");
	/* As many as may be, but they aren't there. */
	assert_bad_hex(NODE("04 01 02 80 01"), 10, "a file handle of at most 128 bytes");
}

/* What a count promises is looked for, and where it is missing is said. */
static void test_counts(void **state)
{
	struct stream s = hex("01 " LONGEST " 01 02 00 00");
	struct vhost_fs_state st;

	(void)state;
	assert_int_equal(-EBADMSG, vhost_fs_state_parse(&st, s.data, s.len));
	assert_int_equal(s.len, st.error_at);
	assert_int_equal(1, st.error_item);
	assert_true(st.nr_nodes == UINT64_MAX);
	assert_bad_hex("01 00 02 " LONGEST, 13, "an open file's number of 64 bits");
	assert_bad_hex("01 00 02 00 00 00 00 00 00 " LONGEST, 19, "a mount's id of 64 bits");
}

static void test_bytes_behind_the_end(void **state)
{
	(void)state;
	assert_bad_hex("01 00 02 00 00 00 00 00 00 00 00", 10,
		       "the end of the stream, or what only vhost_fs has");
	assert_bad_hex("00 00 02 00 00 00 00 00 00 00", 9,
		       "the end of the stream, or what only vhost_fs has");
}

/* A stream with nothing in it but what was agreed, and these handles. */
static struct stream own_part(const struct vhost_fs_state_session *session,
			      const struct vhost_fs_state_way *ways, u64 nr)
{
	struct stream s = hex(before_init);
	u8 buf[512];
	size_t len = 0;
	u64 i;

	for (i = 0; i < nr; i++)
		len += vhost_fs_state_put_way(buf + len, &ways[i]);
	s.len += vhost_fs_state_put_session(s.data + s.len, session, nr, len);
	memcpy(s.data + s.len, buf, len);
	s.len += len;
	return s;
}

/* Wherever it is cut, but where virtiofsd's part ends. */
static void assert_own_prefixes_bad(const struct stream *s)
{
	size_t len;

	for (len = hex(before_init).len + 1; len < s->len; len++)
		assert_bad(s->data, len, len, NULL);
}

/* And behind that, in what directories the files are that have handles. */
static void test_ways(void **state)
{
	const struct vhost_fs_state_way ways[] = {
		{ 2, -5, { (const u8 *)"abc", 3 } }, { UINT64_MAX, 0x7fffffff, { } },
	};
	const struct vhost_fs_state_session session = { .minor = 38 };
	struct stream s = own_part(&session, ways, 2);
	struct vhost_fs_state st = parse_good(&s);
	struct vhost_fs_state_way way;
	size_t at = 0;
	int i;

	(void)state;
	assert_true(st.nr_ways == 2);
	for (i = 0; i < 2; i++) {
		assert_true(vhost_fs_state_next_way(&st, &at, &way));
		assert_true(way.node == ways[i].node);
		assert_int_equal(ways[i].type, way.type);
		assert_int_equal(ways[i].handle.len, way.handle.len);
		assert_memory_equal("abc", way.handle.data, way.handle.len);
	}
	assert_false(vhost_fs_state_next_way(&st, &at, &way));
	assert_own_prefixes_bad(&s);
	s.data[s.len++] = 0;
	assert_bad(s.data, s.len, s.len - 1, "the end of the stream");
}

/* A stream with nothing in it, as far as to where the version of what vhost_fs has follows. */
#define OWN_MARK "01 00 02 00 00 00 00 00 00 00 76 68 6f 73 74 2d 66 73 "

/* What vhost_fs has behind virtiofsd's part: the guest's INIT, in full. */
static void test_session(void **state)
{
	const struct vhost_fs_state_session session = { .minor = 38, .flags = 1ULL << 63 };
	struct stream s = hex(before_init);
	struct vhost_fs_state st = parse_good(&s);

	(void)state;
	assert_false(st.session.known);
	s = own_part(&session, NULL, 0);
	st = parse_good(&s);
	assert_true(st.session.known);
	assert_int_equal(38, st.session.minor);
	assert_true(st.session.flags == 1ULL << 63);
	assert_own_prefixes_bad(&s);
	s.data[s.len++] = 0;
	assert_bad(s.data, s.len, s.len - 1, "the end of the stream");
	assert_bad_hex(OWN_MARK "01 06 ff ff ff ff 10 00", 24, "a protocol version of 32 bits");
}

static void assert_later(const char *text, size_t at)
{
	struct stream s = hex(text);
	struct vhost_fs_state st;

	assert_int_equal(-EPROTONOSUPPORT, vhost_fs_state_parse(&st, s.data, s.len));
	assert_int_equal(at, st.error_at);
	assert_true(st.is_later);
	assert_string_equal("the version of what only vhost_fs has: 1", st.error);
}

/*
 * What a later vhost_fs has put behind all else can be done without, and is there in
 * full; with another version it can't be done without.
 */
static void test_later_versions(void **state)
{
	struct stream s = hex(OWN_MARK "01 05 26 07 00 aa bb");
	struct vhost_fs_state st = parse_good(&s);

	(void)state;
	assert_int_equal(2, st.skipped);
	assert_int_equal(7, st.session.flags);
	assert_own_prefixes_bad(&s);
	s = hex(OWN_MARK "81 00 83 00 26 07 00");
	st = parse_good(&s);
	assert_int_equal(0, st.skipped);
	assert_later(OWN_MARK "02 05 26 07 00 aa bb", 18);
	assert_later(OWN_MARK "ff ff ff ff 0f", 18);
	assert_bad_hex(OWN_MARK "ff ff ff ff 10", 22, "the version of what only vhost_fs has: 1");
	assert_bad_hex(OWN_MARK "00 03 26 07 00", 18, "the version of what only vhost_fs has: 1");
	/* A length that is less than there is, or than it takes; more than is there. */
	assert_bad_hex(OWN_MARK "01 02 26 07 00", 22, "the end of the stream");
	assert_bad_hex(OWN_MARK "01 00", 20, "a protocol version of 32 bits");
	assert_bad_hex(OWN_MARK "01 " LONGEST " 26 07 00", 32, "more of what only vhost_fs has");
}

static void test_longest_item(void **state)
{
	static u8 path[VHOST_FS_STATE_PATH_MAX], fh[VHOST_FS_STATE_FH_MAX];
	struct vhost_fs_state_fh longest = { UINT64_MAX, INT32_MIN, { fh, sizeof(fh) } };
	struct vhost_fs_state_node node = {
		.id = UINT64_MAX, .refcount = UINT64_MAX, .location = VHOST_FS_STATE_FULL_PATH,
		.name = { path, sizeof(path) }, .has_verify = true, .verify = longest,
	};
	struct vhost_fs_state_mount mount = { UINT64_MAX, { path, sizeof(path) } };
	u8 buf[VHOST_FS_STATE_ITEM_MAX];

	(void)state;
	assert_int_equal(4264, vhost_fs_state_put_node(buf, &node));
	assert_in_range(vhost_fs_state_put_mount(buf, &mount), 1, VHOST_FS_STATE_ITEM_MAX);
}

static bool is_utf8(const char *text)
{
	return vhost_fs_state_is_utf8((const u8 *)text, strlen(text));
}

static void test_utf8(void **state)
{
	static const char *const good[] = {
		"", "a\x7f", "\xc2\x80\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
		"\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf",
	};
	static const char *const bad[] = {
		"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2\x7f", "\xc2\xc0",
		"\xe0\x9f\xbf", "\xe1\x80", "\xe1\x80\x7f", "\xed\xa0\x80", "\xed\xbf\xbf",
		"\xf0\x8f\xbf\xbf", "\xf1\x80\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
		"\xfe", "\xff",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(is_utf8(good[i]));
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(is_utf8(bad[i]));
	assert_false(vhost_fs_state_is_utf8((const u8 *)"a\0b", 3));
}

/*
 * What virtiofsd wrote: see streams/README.
 */

static const struct {
	const char *name;
	unsigned int locations[VHOST_FS_STATE_FILE_HANDLE + 1];
	unsigned int verified;
	unsigned int mounts;
} captured[] = {
	{ "virtiofsd-1.13.2-paths", { 1, 9, 2, 0, 0 }, 0, 0 },
	{ "virtiofsd-1.13.2-paths-verified", { 1, 9, 2, 0, 0 }, 10, 0 },
	{ "virtiofsd-1.13.2-handles", { 1, 0, 0, 0, 11 }, 0, 2 },
	{ "virtiofsd-1.14.0-paths", { 1, 9, 2, 0, 0 }, 0, 0 },
	{ "virtiofsd-1.14.0-paths-verified", { 1, 9, 2, 0, 0 }, 10, 0 },
	{ "virtiofsd-1.14.0-handles", { 1, 0, 0, 0, 11 }, 0, 2 },
};

static struct stream read_captured(const char *name)
{
	struct stream s;
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", STREAMS, name);
	file = fopen(path, "rb");
	assert_non_null(file);
	s.len = fread(s.data, 1, sizeof(s.data), file);
	assert_true(feof(file));
	fclose(file);
	return s;
}

static void test_captured_nodes(void **state)
{
	struct vhost_fs_state_node node;
	unsigned int i, k;
	size_t at;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(captured); i++) {
		struct stream s = read_captured(captured[i].name);
		struct vhost_fs_state st = parse_good(&s);
		unsigned int locations[ARRAY_SIZE(captured[i].locations)] = { };
		unsigned int verified = 0;

		for (at = 0; vhost_fs_state_next_node(&st, &at, &node); ) {
			locations[node.location]++;
			verified += node.has_verify;
			if (node.location == VHOST_FS_STATE_FILE_HANDLE)
				assert_int_equal(12, node.fh.handle.len);
		}
		for (k = 0; k < ARRAY_SIZE(locations); k++)
			assert_int_equal(captured[i].locations[k], locations[k]);
		assert_int_equal(captured[i].verified, verified);
		assert_int_equal(13, st.next_node);
	}
}

static void test_captured_rest(void **state)
{
	static const struct vhost_fs_state_handle handles[] = {
		{ 0, 5, 02 }, { 1, 7, 0 }, { 2, 2, 0200000 },
	};
	struct vhost_fs_state_handle handle;
	unsigned int i, k;
	size_t at;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(captured); i++) {
		struct stream s = read_captured(captured[i].name);
		struct vhost_fs_state st = parse_good(&s);

		assert_int_equal(captured[i].mounts, st.nr_mounts);
		assert_int_equal(3, st.next_handle);
		assert_true(st.opts.announce_submounts && st.opts.sup_group_extension);
		assert_false(st.opts.writeback || st.opts.posix_acl);
		assert_int_equal(ARRAY_SIZE(handles), st.nr_handles);
		for (at = 0, k = 0; vhost_fs_state_next_handle(&st, &at, &handle); k++) {
			assert_int_equal(handles[k].id, handle.id);
			assert_int_equal(handles[k].node, handle.node);
			assert_int_equal(handles[k].flags, handle.flags);
		}
		assert_int_equal(ARRAY_SIZE(handles), k);
	}
}

static void test_captured_again(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(captured); i++) {
		struct stream s = read_captured(captured[i].name);

		assert_rewritten(&s);
		assert_prefixes_bad(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_before_init),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_file_handles),
		cmocka_unit_test(test_version_1),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_signed_numbers),
		cmocka_unit_test(test_bools),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_full_paths),
		cmocka_unit_test(test_mount_paths),
		cmocka_unit_test(test_handle_lengths),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_bytes_behind_the_end),
		cmocka_unit_test(test_session),
		cmocka_unit_test(test_later_versions),
		cmocka_unit_test(test_ways),
		cmocka_unit_test(test_longest_item),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_captured_nodes),
		cmocka_unit_test(test_captured_rest),
		cmocka_unit_test(test_captured_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
