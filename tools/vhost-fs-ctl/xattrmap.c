// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rules for names of extended attributes, as typed. The syntax is virtiofsd's:
 *
 *	rules	rule, and more of them, with white space between if wanted
 *	rule	D type D scope D key D prepend D, or D map D key D prepend D
 *	D	the first character of the rule
 *	type	prefix, ok, bad or unsupported
 *	scope	client, server or all
 */
#include "xattrmap.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define SCOPE_ALL (VHOST_FS_XATTR_CLIENT | VHOST_FS_XATTR_SERVER)

/* A piece of the text. */
struct field {
	const char *text;
	size_t len;
};

struct word {
	const char *word;
	uint32_t value;
};

static const struct word types[] = {
	{ "prefix", VHOST_FS_XATTR_PREFIX },
	{ "ok", VHOST_FS_XATTR_OK },
	{ "bad", VHOST_FS_XATTR_BAD },
	{ "unsupported", VHOST_FS_XATTR_UNSUPPORTED },
};

static const struct word scopes[] = {
	{ "client", VHOST_FS_XATTR_CLIENT },
	{ "server", VHOST_FS_XATTR_SERVER },
	{ "all", SCOPE_ALL },
};

static bool is_word(struct field field, const char *word)
{
	return field.len == strlen(word) && !memcmp(field.text, word, field.len);
}

static bool find_word(const struct word *words, size_t nr, struct field field, uint32_t *value)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		if (is_word(field, words[i].word)) {
			*value = words[i].value;
			return true;
		}
	}
	return false;
}

static const char *value_word(const struct word *words, size_t nr, uint32_t value)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (words[i].value == value)
			return words[i].word;
	return NULL;
}

const char *xattr_action_word(uint32_t action)
{
	return value_word(types, ARRAY_SIZE(types), action);
}

const char *xattr_scope_word(uint32_t scope)
{
	return value_word(scopes, ARRAY_SIZE(scopes), scope);
}

/* Says what is wrong with the rule that @number counts, and with what of it. */
static const char *wrong(struct xattrmap *map, unsigned int number, struct field field,
			 const char *what)
{
	int len = field.len > 40 ? 40 : field.len;

	snprintf(map->why, sizeof(map->why), "rule %u: \"%.*s%s\" %s", number, len, field.text,
		 field.len > 40 ? "..." : "", what);
	return map->why;
}

/* Cuts off what comes before the next @separator; moves @text behind that. */
static bool cut(const char **text, char separator, struct field *field)
{
	const char *end = strchr(*text, separator);

	field->text = *text;
	field->len = end ? (size_t)(end - *text) : strlen(*text);
	*text = end ? end + 1 : *text + field->len;
	return end;
}

static bool copy_string(__u8 to[VHOST_FS_XATTR_STRING_MAX + 1], struct field from)
{
	if (from.len > VHOST_FS_XATTR_STRING_MAX)
		return false;
	memcpy(to, from.text, from.len);
	return true;
}

static const char *add_rule(struct xattrmap *map, unsigned int number, uint32_t action,
			    uint32_t scope, struct field key, struct field prepend)
{
	struct vhost_fs_xattr_rule rule = { .scope = scope, .action = action };

	static_assert(VHOST_FS_XATTR_STRING_MAX == 255, "the message below says 255");
	static_assert(VHOST_FS_MAX_XATTR_RULES == 256, "the message below says 256");
	if (!copy_string(rule.key, key))
		return wrong(map, number, key, "is too long; accepted are 255 bytes");
	if (!copy_string(rule.prepend, prepend))
		return wrong(map, number, prepend, "is too long; accepted are 255 bytes");
	if (map->nr == VHOST_FS_MAX_XATTR_RULES)
		return "there can be 256 rules; \"map\" counts for two or three";
	map->rules[map->nr++] = rule;
	return NULL;
}

/*
 * Names with the key get the prefix; what would then be ambiguous, the prefix
 * from the guest and the key from the host, is out of reach; the rest stays.
 * With an empty key everything gets the prefix.
 */
static const char *add_map(struct xattrmap *map, unsigned int number, struct field key,
			   struct field prepend)
{
	const struct field none = { "", 0 };
	const char *why;

	map->closed = true;
	why = add_rule(map, number, VHOST_FS_XATTR_PREFIX, SCOPE_ALL, key, prepend);
	if (why)
		return why;
	if (!key.len)
		return add_rule(map, number, VHOST_FS_XATTR_BAD, SCOPE_ALL, none, none);
	why = add_rule(map, number, VHOST_FS_XATTR_BAD, SCOPE_ALL, prepend, key);
	if (why)
		return why;
	return add_rule(map, number, VHOST_FS_XATTR_OK, SCOPE_ALL, none, none);
}

static const char *parse_rule(const char **text, unsigned int number, struct xattrmap *map)
{
	const char separator = *(*text)++;
	struct field type, scope, key, prepend, rest = { *text, strlen(*text) };
	uint32_t action = 0, side = 0;
	bool is_map, whole;

	if (!isascii(separator))
		return wrong(map, number, (struct field){ *text - 1, rest.len + 1 },
			     "doesn't begin with an ASCII character as separator");
	whole = cut(text, separator, &type);
	is_map = is_word(type, "map");
	if (!is_map && !find_word(types, ARRAY_SIZE(types), type, &action))
		return wrong(map, number, type,
			     "is no type; accepted are prefix, ok, bad, unsupported and map");
	if (!is_map) {
		whole = whole && cut(text, separator, &scope);
		if (whole && !find_word(scopes, ARRAY_SIZE(scopes), scope, &side))
			return wrong(map, number, scope,
				     "is no scope; accepted are client, server and all");
	}
	whole = whole && cut(text, separator, &key) && cut(text, separator, &prepend);
	if (!whole)
		return wrong(map, number, rest, is_map ?
			     "is cut off; accepted is :map:KEY:PREPEND:" :
			     "is cut off; accepted is :TYPE:SCOPE:KEY:PREPEND:");
	if (map->closed)
		return wrong(map, number, type, "comes after map, which must be last");
	return is_map ? add_map(map, number, key, prepend) :
			add_rule(map, number, action, side, key, prepend);
}

const char *parse_xattrmap(const char *text, struct xattrmap *map)
{
	unsigned int number = 0;
	const char *why;

	for (;;) {
		while (isspace((unsigned char)*text))
			text++;
		if (!*text)
			break;
		why = parse_rule(&text, ++number, map);
		if (why)
			return why;
	}
	return number ? NULL : "accepted is at least one rule, as :TYPE:SCOPE:KEY:PREPEND:";
}
