// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unit tests of vhost-fs-ctl's parse.c: what people type.
 */
#include "unit.h"

#include <limits.h>
#include <string.h>

#include <linux/vhost_fs.h>

#include "parse.h"

static void good_share_names(void **state)
{
	static const char *const names[] = {
		"a", "Z", "0", "_", "_x", "data", "a.b", "a-b", "a_b", "A9.-_", "1.", "x-", "x..",
	};
	char longest[VHOST_FS_SHARE_NAME_MAX + 1];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(names); i++)
		assert_null(parse_share_name(names[i]));
	memset(longest, 'n', VHOST_FS_SHARE_NAME_MAX);
	longest[VHOST_FS_SHARE_NAME_MAX] = '\0';
	assert_null(parse_share_name(longest));
}

static void bad_share_names(void **state)
{
	static const char *const names[] = {
		"", ".", "..", ".a", "-", "-a", "a/b", "/", "a b", " a", "a ", "a\n", "a\t", "a:b",
		"a,b", "a*", "a@b", "a+b", "a=b", "a\\b", "a\"b", "\177", "\303\244", "a\200",
	};
	char longer[VHOST_FS_SHARE_NAME_MAX + 2];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(names); i++)
		assert_non_null(parse_share_name(names[i]));
	memset(longer, 'n', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_non_null(parse_share_name(longer));
}

/* Every single byte, alone, as first and as second character. */
static void share_name_bytes(void **state)
{
	int byte;

	(void)state;
	for (byte = 1; byte <= UCHAR_MAX; byte++) {
		const char alone[] = { (char)byte, '\0' };
		const char second[] = { 'a', (char)byte, '\0' };
		int word = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
			   (byte >= '0' && byte <= '9') || byte == '_';

		assert_int_equal(!parse_share_name(alone), word);
		assert_int_equal(!parse_share_name(second), word || byte == '.' || byte == '-');
	}
}

static void cache_policies(void **state)
{
	static const struct {
		const char *word;
		uint32_t policy;
	} rows[] = {
		{ "auto", VHOST_FS_CACHE_AUTO },
		{ "always", VHOST_FS_CACHE_ALWAYS },
		{ "metadata", VHOST_FS_CACHE_METADATA },
		{ "never", VHOST_FS_CACHE_NEVER },
	};
	uint32_t policy;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		policy = UINT32_MAX;
		assert_null(parse_cache(rows[i].word, &policy));
		assert_int_equal(policy, rows[i].policy);
		assert_string_equal(cache_word(rows[i].policy), rows[i].word);
	}
	assert_non_null(parse_cache("", &policy));
	assert_non_null(parse_cache("Auto", &policy));
	assert_non_null(parse_cache("none", &policy));
	assert_non_null(parse_cache("auto ", &policy));
	assert_null(cache_word(ARRAY_SIZE(rows)));
	assert_null(cache_word(UINT32_MAX));
}

static void limits(void **state)
{
	static const char *const bad[] = {
		"", "0", "00", "-1", "+1", " 1", "1 ", "1\n", "0x10", "1e3", "1k", "1.0", "a",
		"18446744073709551616", "99999999999999999999999",
	};
	uint64_t limit = 0;
	size_t i;

	(void)state;
	assert_null(parse_limit("1", &limit));
	assert_int_equal(limit, 1);
	assert_null(parse_limit("010", &limit));
	assert_int_equal(limit, 10);
	assert_null(parse_limit("18446744073709551615", &limit));
	assert_true(limit == UINT64_MAX);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_non_null(parse_limit(bad[i], &limit));
	assert_null(parse_blocked("1", &limit));
	assert_int_equal(limit, 1);
	assert_null(parse_blocked("1024", &limit));
	assert_int_equal(limit, VHOST_FS_MAX_BLOCKED);
	assert_non_null(parse_blocked("1025", &limit));
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_non_null(parse_blocked(bad[i], &limit));
}

static void handle_and_lock_words(void **state)
{
	uint32_t value = UINT32_MAX;

	(void)state;
	assert_null(parse_handles("never", &value));
	assert_int_equal(value, VHOST_FS_HANDLES_NEVER);
	assert_null(parse_handles("prefer", &value));
	assert_int_equal(value, VHOST_FS_HANDLES_PREFER);
	assert_null(parse_handles("mandatory", &value));
	assert_int_equal(value, VHOST_FS_HANDLES_MANDATORY);
	assert_non_null(parse_handles("", &value));
	assert_non_null(parse_handles("fallback", &value));
	assert_string_equal(handles_word(VHOST_FS_HANDLES_PREFER), "prefer");
	assert_null(handles_word(VHOST_FS_HANDLES_MANDATORY + 1));
	assert_null(parse_locks("none", &value));
	assert_int_equal(value, VHOST_FS_LOCKS_NONE);
	assert_null(parse_locks("remote", &value));
	assert_int_equal(value, VHOST_FS_LOCKS_REMOTE);
	assert_non_null(parse_locks("", &value));
	assert_non_null(parse_locks("local", &value));
	assert_string_equal(locks_word(VHOST_FS_LOCKS_REMOTE), "remote");
	assert_null(locks_word(VHOST_FS_LOCKS_REMOTE + 1));
}

static void seconds(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} good[] = {
		{ "0", 0 }, { "1", 1000000000 }, { "0.5", 500000000 }, { "01.50", 1500000000 },
		{ "0.000000001", 1 }, { "2.123456789", 2123456789 },
		{ "4294967295.999999999", 4294967295999999999ULL },
	};
	static const char *const bad[] = {
		"", ".", "1.", ".5", "-1", "+1", " 1", "1 ", "1s", "1e3", "0x1", "1,5", "1.2.3",
		"4294967296", "0.0000000001", "1.-5", "99999999999999999999", "inf",
	};
	uint64_t ns;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		ns = 77;
		assert_null(parse_seconds(good[i].text, &ns));
		assert_true(ns == good[i].ns);
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_non_null(parse_seconds(bad[i], &ns));
}

static void descriptors(void **state)
{
	static const char *const bad[] = {
		"", "-1", "0", "1", "2", "2147483648", "x", "3x", "18446744073709551619",
	};
	int fd = 0;
	size_t i;

	(void)state;
	assert_null(parse_fd("3", &fd));
	assert_int_equal(fd, 3);
	assert_null(parse_fd("2147483647", &fd));
	assert_int_equal(fd, INT_MAX);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_non_null(parse_fd(bad[i], &fd));
}

/* What parse_user() and parse_group() have in common. */
static void check_ids(const char *(*parse)(const char *text, uint32_t *id))
{
	static const char *const bad[] = {
		"", " ", "-1", "+1", "4294967295", "4294967296", "18446744073709551616",
		"no such name", "0x1", "1,2", "root ", "nobody:nogroup",
	};
	uint32_t id = 1;
	size_t i;

	assert_null(parse("root", &id));
	assert_int_equal(id, 0);
	assert_null(parse("0", &id));
	assert_int_equal(id, 0);
	assert_null(parse("1000", &id));
	assert_int_equal(id, 1000);
	assert_null(parse("4294967294", &id));
	assert_true(id == UINT32_MAX - 1);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_non_null(parse(bad[i], &id));
}

static void users(void **state)
{
	(void)state;
	check_ids(parse_user);
}

static void groups(void **state)
{
	(void)state;
	check_ids(parse_group);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_share_names),
		cmocka_unit_test(bad_share_names),
		cmocka_unit_test(share_name_bytes),
		cmocka_unit_test(cache_policies),
		cmocka_unit_test(limits),
		cmocka_unit_test(handle_and_lock_words),
		cmocka_unit_test(seconds),
		cmocka_unit_test(descriptors),
		cmocka_unit_test(users),
		cmocka_unit_test(groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
