// SPDX-License-Identifier: GPL-2.0-only
/*
 * Translation of user and group ids, as typed. The syntax is virtiofsd's.
 */
#include "id-rules.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* (uid_t)-1 means "no id", so ids end before it. */
#define ID_END UINT32_MAX

#define RULE_FORMS "accepted are guest:GUEST:HOST:COUNT, host:HOST:GUEST:COUNT, "	\
	"squash-guest:GUEST:HOST:COUNT, squash-host:HOST:GUEST:COUNT, "			\
	"forbid-guest:GUEST:COUNT and map:GUEST:HOST:COUNT"
#define MAP_FORM "accepted is :GUEST:HOST:COUNT: with any one separator"
#define RANGE_RULE "COUNT is at least 1, and no id is above 4294967294"

static const char *const action_words[] = {
	[VHOST_FS_ID_GUEST] = "guest",
	[VHOST_FS_ID_HOST] = "host",
	[VHOST_FS_ID_SQUASH_GUEST] = "squash-guest",
	[VHOST_FS_ID_SQUASH_HOST] = "squash-host",
	[VHOST_FS_ID_FORBID_GUEST] = "forbid-guest",
};

const char *id_action_word(uint32_t action)
{
	return action < ARRAY_SIZE(action_words) ? action_words[action] : NULL;
}

/* A decimal number that is an id or a count; moves @text behind it. */
static bool take_number(const char **text, uint32_t *value)
{
	uint64_t number = 0;
	const char *c = *text;

	for (; isdigit((unsigned char)*c); c++) {
		number = number * 10 + (*c - '0');
		if (number > UINT32_MAX)
			return false;
	}
	if (c == *text)
		return false;
	*text = c;
	*value = number;
	return true;
}

/* @nr numbers, each after a @separator. */
static bool take_numbers(const char **text, char separator, uint32_t *values, int nr)
{
	for (; nr; nr--) {
		if (!separator || **text != separator)
			return false;
		++*text;
		if (!take_number(text, values++))
			return false;
	}
	return true;
}

static bool range_ok(uint32_t first, uint32_t count)
{
	return count && first < ID_END && count <= ID_END - first;
}

static bool from_guest(uint32_t action)
{
	return action != VHOST_FS_ID_HOST && action != VHOST_FS_ID_SQUASH_HOST;
}

static bool overlaps(uint32_t first, uint32_t count, uint32_t other, uint32_t other_count)
{
	return first < (uint64_t)other + other_count && other < (uint64_t)first + count;
}

static const char *check_rule(const struct vhost_fs_id_rule *rule)
{
	bool squash = rule->action == VHOST_FS_ID_SQUASH_GUEST ||
		      rule->action == VHOST_FS_ID_SQUASH_HOST;

	if (!range_ok(rule->from, rule->count) ||
	    !range_ok(rule->to, squash ? 1 : rule->count))
		return RANGE_RULE;
	return NULL;
}

static const char *add_rule(struct id_rules *rules, uint32_t action, uint32_t from,
			    uint32_t to, uint32_t count)
{
	const struct vhost_fs_id_rule rule = { action, from, to, count };
	const char *why = check_rule(&rule);
	uint32_t i;

	if (why)
		return why;
	for (i = 0; i < rules->nr; i++)
		if (from_guest(action) == from_guest(rules->rules[i].action) &&
		    overlaps(from, count, rules->rules[i].from, rules->rules[i].count))
			return from_guest(action) ?
			       "another rule is for some of these guest ids already" :
			       "another rule is for some of these host ids already";
	if (rules->nr == VHOST_FS_MAX_ID_RULES)
		return "there can be 256 rules; \"map\" counts for two";
	rules->rules[rules->nr++] = rule;
	return NULL;
}

static const char *add_map(struct id_rules *rules, const uint32_t ids[3])
{
	uint32_t before = rules->nr;
	const char *why;

	why = add_rule(rules, VHOST_FS_ID_GUEST, ids[0], ids[1], ids[2]);
	if (!why)
		why = add_rule(rules, VHOST_FS_ID_HOST, ids[1], ids[0], ids[2]);
	if (why)
		rules->nr = before;
	return why;
}

/* Upper and lower case are the same. */
static bool is_word(const char *text, size_t len, const char *word)
{
	return len == strlen(word) && !strncasecmp(text, word, len);
}

static size_t word_length(const char *text)
{
	size_t len = 0;

	while (isalnum((unsigned char)text[len]) || text[len] == '-' || text[len] == '_')
		len++;
	return len;
}

/* The character after the word separates the numbers too. */
const char *parse_id_rule(const char *text, struct id_rules *rules)
{
	size_t len = word_length(text);
	const char *rest = text + len;
	uint32_t ids[3] = { }, action;

	if (is_word(text, len, "forbid-guest")) {
		if (!take_numbers(&rest, *rest, ids, 2) || *rest)
			return RULE_FORMS;
		return add_rule(rules, VHOST_FS_ID_FORBID_GUEST, ids[0], 0, ids[1]);
	}
	if (!take_numbers(&rest, *rest, ids, 3) || *rest)
		return RULE_FORMS;
	if (is_word(text, len, "map"))
		return add_map(rules, ids);
	for (action = 0; action < ARRAY_SIZE(action_words); action++)
		if (is_word(text, len, action_words[action]))
			return add_rule(rules, action, ids[0], ids[1], ids[2]);
	return RULE_FORMS;
}

const char *parse_id_map(const char *text, struct id_map *map)
{
	const char separator = *text;
	const char *rest = text;
	uint32_t ids[3];
	size_t i;

	if (isalnum((unsigned char)separator) || !take_numbers(&rest, separator, ids, 3) ||
	    *rest++ != separator || *rest)
		return MAP_FORM;
	if (!range_ok(ids[0], ids[2]) || !range_ok(ids[1], ids[2]))
		return RANGE_RULE;
	for (i = 0; i < map->nr; i++) {
		if (overlaps(ids[0], ids[2], map->rows[i].guest, map->rows[i].count))
			return "another map has some of these guest ids already";
		if (overlaps(ids[1], ids[2], map->rows[i].host, map->rows[i].count))
			return "another map has some of these host ids already";
	}
	if (map->nr == ID_MAP_MAX)
		return "there can be 120 maps";
	map->rows[map->nr].guest = ids[0];
	map->rows[map->nr].host = ids[1];
	map->rows[map->nr++].count = ids[2];
	return NULL;
}
