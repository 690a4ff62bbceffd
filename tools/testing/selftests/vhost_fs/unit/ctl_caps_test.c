// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unit tests of vhost-fs-ctl's caps.c: lists of capabilities, as typed.
 */
#include "unit.h"

#include <linux/capability.h>

#include "caps.h"

static void good_lists(void **state)
{
	static const struct {
		const char *text;
		uint64_t add, drop;
	} rows[] = {
		{ "+sys_admin", 1ULL << CAP_SYS_ADMIN, 0 },
		{ "-mknod", 0, 1ULL << CAP_MKNOD },
		{ "+cap_sys_resource:-cap_setuid", 1ULL << CAP_SYS_RESOURCE, 1ULL << CAP_SETUID },
		{ "+CAP_CHOWN:+Fowner", 1ULL << CAP_CHOWN | 1ULL << CAP_FOWNER, 0 },
		{ "+mknod:-mknod", 0, 1ULL << CAP_MKNOD },
		{ "-mknod:+mknod", 1ULL << CAP_MKNOD, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t add = 0, drop = 0;

		assert_null(caps_parse(rows[i].text, &add, &drop));
		assert_true(add == rows[i].add);
		assert_true(drop == rows[i].drop);
	}
}

/* A second list changes what the first said only where it names the same. */
static void two_lists(void **state)
{
	uint64_t add = 0, drop = 0;

	(void)state;
	assert_null(caps_parse("+sys_admin:-mknod", &add, &drop));
	assert_null(caps_parse("-sys_admin:+lease", &add, &drop));
	assert_true(add == 1ULL << CAP_LEASE);
	assert_true(drop == (1ULL << CAP_MKNOD | 1ULL << CAP_SYS_ADMIN));
}

static void bad_lists(void **state)
{
	static const char *const lists[] = {
		"", "+", "-", "sys_admin", "+frobnicate", "+sys_admin:", ":+sys_admin",
		"+sys_admin,-mknod", "+sys_admin -mknod", "+cap_", "++mknod", "+sys_admin::-mknod",
		"=mknod", "+cap_cap_mknod", "+a_name_that_is_much_longer_than_any_there_is",
	};
	uint64_t add = 0, drop = 0;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(lists); i++)
		assert_non_null(caps_parse(lists[i], &add, &drop));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_lists),
		cmocka_unit_test(two_lists),
		cmocka_unit_test(bad_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
