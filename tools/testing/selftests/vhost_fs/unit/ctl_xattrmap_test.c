// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unit tests of vhost-fs-ctl's xattrmap.c: rules for names of extended
 * attributes, as typed.
 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "xattrmap.h"

#define ALL (VHOST_FS_XATTR_CLIENT | VHOST_FS_XATTR_SERVER)

static struct xattrmap map;

static const char *parse(const char *text)
{
	memset(&map, 0, sizeof(map));
	return parse_xattrmap(text, &map);
}

static void rule_is(uint32_t at, uint32_t action, uint32_t scope, const char *key,
		    const char *prepend)
{
	static const struct vhost_fs_xattr_rule none;
	const struct vhost_fs_xattr_rule *rule = &map.rules[at];

	assert_true(at < map.nr);
	assert_int_equal(rule->action, action);
	assert_int_equal(rule->scope, scope);
	assert_string_equal(rule->key, key);
	assert_string_equal(rule->prepend, prepend);
	/* What the kernel insists on. */
	assert_memory_equal(rule->key + strlen(key), none.key, sizeof(none.key) - strlen(key));
	assert_memory_equal(rule->prepend + strlen(prepend), none.prepend,
			    sizeof(none.prepend) - strlen(prepend));
}

static void every_type_and_scope(void **state)
{
	(void)state;
	assert_null(parse(":prefix:client:a:b:"));
	rule_is(0, VHOST_FS_XATTR_PREFIX, VHOST_FS_XATTR_CLIENT, "a", "b");
	assert_null(parse(":ok:server:a:b:"));
	rule_is(0, VHOST_FS_XATTR_OK, VHOST_FS_XATTR_SERVER, "a", "b");
	assert_null(parse(":bad:all:a:b:"));
	rule_is(0, VHOST_FS_XATTR_BAD, ALL, "a", "b");
	assert_null(parse(":unsupported:all:::"));
	rule_is(0, VHOST_FS_XATTR_UNSUPPORTED, ALL, "", "");
	assert_int_equal(map.nr, 1);
}

/* Rules in their order, each with its separator, blanks or none between. */
static void several(void **state)
{
	static const char *const texts[] = {
		":prefix:all::user.virtiofs.::bad:all:::",
		"/prefix/all//user.virtiofs./#bad#all###",
		" \t:prefix:all::user.virtiofs.:\n\n:bad:all:::\r\n ",
		"xprexfix:",
	};
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		assert_null(parse(texts[i]));
		assert_int_equal(map.nr, 2);
		rule_is(0, VHOST_FS_XATTR_PREFIX, ALL, "", "user.virtiofs.");
		rule_is(1, VHOST_FS_XATTR_BAD, ALL, "", "");
	}
	assert_non_null(parse(texts[3]));
	/* Blanks within a rule are its own. */
	assert_null(parse(":ok:all: a :\tb:"));
	rule_is(0, VHOST_FS_XATTR_OK, ALL, " a ", "\tb");
}

static void map_with_key(void **state)
{
	(void)state;
	assert_null(parse(":map:trusted.:user.virtiofs.:"));
	assert_int_equal(map.nr, 3);
	rule_is(0, VHOST_FS_XATTR_PREFIX, ALL, "trusted.", "user.virtiofs.");
	rule_is(1, VHOST_FS_XATTR_BAD, ALL, "user.virtiofs.", "trusted.");
	rule_is(2, VHOST_FS_XATTR_OK, ALL, "", "");
}

static void map_of_everything(void **state)
{
	(void)state;
	assert_null(parse(":ok:all:user.:user.: /map//user.virtiofs./"));
	assert_int_equal(map.nr, 3);
	rule_is(0, VHOST_FS_XATTR_OK, ALL, "user.", "user.");
	rule_is(1, VHOST_FS_XATTR_PREFIX, ALL, "", "user.virtiofs.");
	rule_is(2, VHOST_FS_XATTR_BAD, ALL, "", "");
}

static void bad_rules(void **state)
{
	static const struct {
		const char *text;
		const char *says;
	} rows[] = {
		{ "", "at least one rule" },
		{ " \n", "at least one rule" },
		{ ":", "rule 1: \"\" is no type" },
		{ ":prefix", "rule 1: \"prefix\" is cut off" },
		{ ":prefix:", "rule 1: \"prefix:\" is cut off" },
		{ ":prefix:all", "is cut off; accepted is :TYPE:SCOPE:KEY:PREPEND:" },
		{ ":prefix:all:", "is cut off" },
		{ ":prefix:all:a:", "is cut off" },
		{ ":prefix:all:a:b", "is cut off" },
		{ ":map:", "is cut off; accepted is :map:KEY:PREPEND:" },
		{ ":map:a:b", "is cut off" },
		{ ":map:all:a:b:", "rule 2: " },
		{ "prefix:all:a:b:", "is no type" },
		{ ":Prefix:all:a:b:", "\"Prefix\" is no type" },
		{ ":prefixx:all:a:b:", "is no type; accepted are prefix, ok, bad, unsupported and map" },
		{ ":pre:all:a:b:", "\"pre\" is no type" },
		{ ":prefix:both:a:b:", "\"both\" is no scope; accepted are client, server and all" },
		{ ":prefix::a:b:", "\"\" is no scope" },
		{ ":prefix :all:a:b:", "is no type" },
		{ ":ok:all:::x", "rule 2: " },
		{ ":ok:all::::ok:all::", "rule 2: \"ok:all::\" is cut off" },
		{ ":map:::  :ok:all:::", "rule 2: \"ok\" comes after map, which must be last" },
		{ ":map::a::map::b:", "rule 2: \"map\" comes after map" },
		{ "\303\244ok\303\244", "doesn't begin with an ASCII character" },
	};
	const char *why;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		why = parse(rows[i].text);
		assert_non_null(why);
		if (!strstr(why, rows[i].says))
			fail_msg("%s: \"%s\" lacks \"%s\"", rows[i].text, why, rows[i].says);
		assert_null(strchr(why, '\n'));
	}
}

static void longest_strings(void **state)
{
	char name[VHOST_FS_XATTR_STRING_MAX + 2], text[1024];

	(void)state;
	memset(name, 'n', sizeof(name));
	name[VHOST_FS_XATTR_STRING_MAX] = '\0';
	snprintf(text, sizeof(text), ":prefix:all:%s:%s:", name, name);
	assert_null(parse(text));
	rule_is(0, VHOST_FS_XATTR_PREFIX, ALL, name, name);
	snprintf(text, sizeof(text), ":prefix:all:%sn:%s:", name, name);
	assert_non_null(strstr(parse(text), "is too long; accepted are 255 bytes"));
	snprintf(text, sizeof(text), ":map:%s:%sn:", name, name);
	assert_non_null(strstr(parse(text), "is too long"));
}

static void most_rules(void **state)
{
	char text[VHOST_FS_MAX_XATTR_RULES * 16], *end = text;
	int i;

	(void)state;
	for (i = 0; i < VHOST_FS_MAX_XATTR_RULES; i++)
		end = stpcpy(end, ":ok:all:::");
	assert_null(parse(text));
	assert_int_equal(map.nr, VHOST_FS_MAX_XATTR_RULES);
	strcpy(end, ":ok:all:::");
	assert_non_null(strstr(parse(text), "there can be 256 rules"));
	/* "map" takes more than one place. */
	strcpy(end - strlen(":ok:all:::") * 2, ":map:a:b:");
	assert_non_null(strstr(parse(text), "there can be 256 rules"));
	strcpy(end - strlen(":ok:all:::") * 3, ":map:a:b:");
	assert_null(parse(text));
	assert_int_equal(map.nr, VHOST_FS_MAX_XATTR_RULES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_and_scope),
		cmocka_unit_test(several),
		cmocka_unit_test(map_with_key),
		cmocka_unit_test(map_of_everything),
		cmocka_unit_test(bad_rules),
		cmocka_unit_test(longest_strings),
		cmocka_unit_test(most_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
