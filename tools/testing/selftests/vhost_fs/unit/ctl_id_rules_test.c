// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unit tests of vhost-fs-ctl's id-rules.c: translation of ids, as typed.
 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "id-rules.h"

static void rule_is(const struct vhost_fs_id_rule *rule, uint32_t action, uint32_t from,
		    uint32_t to, uint32_t count)
{
	assert_int_equal(rule->action, action);
	assert_true(rule->from == from);
	assert_true(rule->to == to);
	assert_true(rule->count == count);
}

static void every_form(void **state)
{
	static struct id_rules rules;

	(void)state;
	rules.nr = 0;
	assert_null(parse_id_rule("guest:0:100:10", &rules));
	assert_null(parse_id_rule("host:1000:2000:5", &rules));
	assert_null(parse_id_rule("squash-guest:500:7:100", &rules));
	assert_null(parse_id_rule("squash-host:5000:8:4294962295", &rules));
	assert_null(parse_id_rule("forbid-guest:700:3", &rules));
	assert_int_equal(rules.nr, 5);
	rule_is(&rules.rules[0], VHOST_FS_ID_GUEST, 0, 100, 10);
	rule_is(&rules.rules[1], VHOST_FS_ID_HOST, 1000, 2000, 5);
	rule_is(&rules.rules[2], VHOST_FS_ID_SQUASH_GUEST, 500, 7, 100);
	rule_is(&rules.rules[3], VHOST_FS_ID_SQUASH_HOST, 5000, 8, 4294962295U);
	rule_is(&rules.rules[4], VHOST_FS_ID_FORBID_GUEST, 700, 0, 3);
	assert_null(parse_id_rule("map:20:200:4", &rules));
	assert_int_equal(rules.nr, 7);
	rule_is(&rules.rules[5], VHOST_FS_ID_GUEST, 20, 200, 4);
	rule_is(&rules.rules[6], VHOST_FS_ID_HOST, 200, 20, 4);
}

static void other_spellings(void **state)
{
	static struct id_rules rules;

	(void)state;
	rules.nr = 0;
	assert_null(parse_id_rule("GUEST/1/2/3", &rules));
	assert_null(parse_id_rule("Squash-Host,1,2,3", &rules));
	assert_null(parse_id_rule("forbid-guest 10 4294967285", &rules));
	rule_is(&rules.rules[0], VHOST_FS_ID_GUEST, 1, 2, 3);
	rule_is(&rules.rules[1], VHOST_FS_ID_SQUASH_HOST, 1, 2, 3);
	rule_is(&rules.rules[2], VHOST_FS_ID_FORBID_GUEST, 10, 0, 4294967285U);
}

static void bad_rules(void **state)
{
	static const char *const texts[] = {
		"", ":", "guest", "guest:", "guest:1", "guest:1:2", "guest:1:2:", "guest:1:2:3:",
		"guest:1:2:3:4", "guest:1:2:0", "guest:-1:2:3", "guest:1:2:x", "guest:1:2:3 ",
		"guest:1/2:3", "guest::2:3", " guest:1:2:3", ":guest:1:2:3", "gues:1:2:3",
		"squash:1:2:3", "squash_guest:1:2:3", "forbid-host:1:2", "forbid-guest:1",
		"forbid-guest:1:2:3", "forbid-guest:1:0", "guest:4294967296:0:1",
		"guest:4294967295:0:1", "guest:4294967294:0:2", "guest:0:4294967294:2",
		"host:0:4294967295:1", "squash-guest:0:4294967295:1", "map:0:1:4294967295",
		"guest:0:0:4294967296", "guest:1.0:2:3", "guest-1:2:3",
	};
	static struct id_rules rules;
	size_t i;

	(void)state;
	rules.nr = 0;
	for (i = 0; i < ARRAY_SIZE(texts); i++)
		assert_non_null(parse_id_rule(texts[i], &rules));
	assert_int_equal(rules.nr, 0);
}

/* Ranges end at the last id there is, and squashing needs no room for more. */
static void whole_range(void **state)
{
	static struct id_rules rules;

	(void)state;
	rules.nr = 0;
	assert_null(parse_id_rule("guest:0:0:4294967295", &rules));
	assert_null(parse_id_rule("squash-host:0:4294967294:4294967295", &rules));
}

static void overlaps(void **state)
{
	static const char *const guest[] = {
		"guest:10:0:1", "guest:19:0:1", "guest:0:0:11", "guest:5:0:100",
		"squash-guest:12:0:1", "forbid-guest:15:1", "map:19:5000:1",
	};
	static const char *const beside[] = { "guest:9:0:1", "guest:20:0:1", "host:10:0:10" };
	static struct id_rules rules;
	size_t i;

	(void)state;
	rules.nr = 0;
	assert_null(parse_id_rule("guest:10:1000:10", &rules));
	for (i = 0; i < ARRAY_SIZE(guest); i++)
		assert_non_null(strstr(parse_id_rule(guest[i], &rules), "guest ids already"));
	assert_int_equal(rules.nr, 1);
	for (i = 0; i < ARRAY_SIZE(beside); i++)
		assert_null(parse_id_rule(beside[i], &rules));
	/* Of the two that "map" stands for, the second is in the way. */
	assert_non_null(strstr(parse_id_rule("map:500:15:1", &rules), "host ids already"));
	assert_non_null(strstr(parse_id_rule("squash-host:5:1:6", &rules), "host ids already"));
	assert_int_equal(rules.nr, 4);
}

static void too_many(void **state)
{
	static struct id_rules rules;
	char text[64];
	int i;

	(void)state;
	rules.nr = 0;
	for (i = 0; i < VHOST_FS_MAX_ID_RULES - 1; i++) {
		snprintf(text, sizeof(text), "guest:%d:0:1", i);
		assert_null(parse_id_rule(text, &rules));
	}
	assert_non_null(parse_id_rule("map:1000:1000:1", &rules));
	assert_int_equal(rules.nr, VHOST_FS_MAX_ID_RULES - 1);
	assert_null(parse_id_rule("host:1000:1000:1", &rules));
	assert_non_null(parse_id_rule("host:1:1:1", &rules));
}

static void maps(void **state)
{
	static const char *const bad[] = {
		"", ":", "::::", "0:0:1", ":0:0:1", ":0:0:1:2:", ":0:0:0:", "a0a0a1a", ":0:0:1/",
		":-1:0:1:", ":4294967295:0:1:", ":0:4294967294:2:", ":0: 0:1:", "101112131",
		":5:100:1:", ":100:1005:1:", ":0:2000:6:",
	};
	static struct id_map map;
	size_t i;

	(void)state;
	map.nr = 0;
	assert_null(parse_id_map(":5:1000:10:", &map));
	assert_null(parse_id_map("/0/0/5/", &map));
	assert_null(parse_id_map("-4000-4294967294-1-", &map));
	assert_int_equal(map.nr, 3);
	assert_true(map.rows[0].guest == 5 && map.rows[0].host == 1000 && map.rows[0].count == 10);
	assert_true(map.rows[2].guest == 4000 && map.rows[2].host == 4294967294U);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_non_null(parse_id_map(bad[i], &map));
	assert_int_equal(map.nr, 3);
}

static void words(void **state)
{
	(void)state;
	assert_string_equal(id_action_word(VHOST_FS_ID_GUEST), "guest");
	assert_string_equal(id_action_word(VHOST_FS_ID_FORBID_GUEST), "forbid-guest");
	assert_null(id_action_word(VHOST_FS_ID_FORBID_GUEST + 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form),
		cmocka_unit_test(other_spellings),
		cmocka_unit_test(bad_rules),
		cmocka_unit_test(whole_range),
		cmocka_unit_test(overlaps),
		cmocka_unit_test(too_many),
		cmocka_unit_test(maps),
		cmocka_unit_test(words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
