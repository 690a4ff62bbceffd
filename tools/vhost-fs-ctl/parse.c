// SPDX-License-Identifier: GPL-2.0-only
/*
 * What people type, turned into values.
 */
#include "parse.h"

#include <assert.h>
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <linux/vhost_fs.h>

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const char *const cache_words[] = {
	[VHOST_FS_CACHE_AUTO] = "auto",
	[VHOST_FS_CACHE_ALWAYS] = "always",
	[VHOST_FS_CACHE_METADATA] = "metadata",
	[VHOST_FS_CACHE_NEVER] = "never",
};

static const char *const handles_words[] = {
	[VHOST_FS_HANDLES_NEVER] = "never",
	[VHOST_FS_HANDLES_PREFER] = "prefer",
	[VHOST_FS_HANDLES_MANDATORY] = "mandatory",
};

static const char *const locks_words[] = {
	[VHOST_FS_LOCKS_NONE] = "none",
	[VHOST_FS_LOCKS_REMOTE] = "remote",
};

const char *parse_share_name(const char *text)
{
	size_t len = strlen(text);

	static_assert(VHOST_FS_SHARE_NAME_MAX == 63, "the message below says 63");
	if (len < 1 || len > VHOST_FS_SHARE_NAME_MAX || *text == '.' || *text == '-' ||
	    text[strspn(text, LETTERS DIGITS "._-")])
		return "accepted are 1 to 63 of A-Z a-z 0-9 . _ - beginning with neither . nor -";
	return NULL;
}

static bool find_word(const char *text, const char *const *words, uint32_t nr, uint32_t *value)
{
	uint32_t i;

	for (i = 0; i < nr; i++) {
		if (!strcmp(text, words[i])) {
			*value = i;
			return true;
		}
	}
	return false;
}

const char *parse_cache(const char *text, uint32_t *policy)
{
	if (find_word(text, cache_words, ARRAY_SIZE(cache_words), policy))
		return NULL;
	return "accepted are auto, always, metadata and never";
}

const char *cache_word(uint32_t policy)
{
	return policy < ARRAY_SIZE(cache_words) ? cache_words[policy] : NULL;
}

const char *parse_handles(const char *text, uint32_t *handles)
{
	if (find_word(text, handles_words, ARRAY_SIZE(handles_words), handles))
		return NULL;
	return "accepted are never, prefer and mandatory";
}

const char *handles_word(uint32_t handles)
{
	return handles < ARRAY_SIZE(handles_words) ? handles_words[handles] : NULL;
}

const char *parse_locks(const char *text, uint32_t *locks)
{
	if (find_word(text, locks_words, ARRAY_SIZE(locks_words), locks))
		return NULL;
	return "accepted are none and remote";
}

const char *locks_word(uint32_t locks)
{
	return locks < ARRAY_SIZE(locks_words) ? locks_words[locks] : NULL;
}

/* Decimal digits and nothing else: no sign, blank, or other base. */
static bool parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
	unsigned long long number;

	static_assert(ULLONG_MAX == UINT64_MAX, "strtoull() reads a uint64_t");
	if (!*text || text[strspn(text, DIGITS)])
		return false;
	errno = 0;
	number = strtoull(text, NULL, 10);
	if (errno || number < min || number > max)
		return false;
	*value = number;
	return true;
}

const char *parse_limit(const char *text, uint64_t *limit)
{
	if (!parse_number(text, 1, UINT64_MAX, limit))
		return "accepted is a number from 1 to 18446744073709551615";
	return NULL;
}

const char *parse_blocked(const char *text, uint64_t *limit)
{
	static_assert(VHOST_FS_MAX_BLOCKED == 1024, "the message below says 1024");
	if (!parse_number(text, 1, VHOST_FS_MAX_BLOCKED, limit))
		return "accepted is a number from 1 to 1024";
	return NULL;
}

/* Up to nine decimals, padded to nanoseconds. */
static bool parse_decimals(const char *text, uint32_t *ns)
{
	size_t len = strspn(text, DIGITS);
	size_t i;

	if (len < 1 || len > 9 || text[len])
		return false;
	for (*ns = 0, i = 0; i < 9; i++)
		*ns = *ns * 10 + (i < len ? text[i] - '0' : 0);
	return true;
}

const char *parse_seconds(const char *text, uint64_t *ns)
{
	const char *accepted = "accepted are seconds, 0 to 4294967295, with up to nine decimals";
	size_t len = strcspn(text, ".");
	uint32_t decimals = 0;
	uint64_t seconds;
	char whole[16];

	if (len >= sizeof(whole) || (text[len] && !parse_decimals(text + len + 1, &decimals)))
		return accepted;
	memcpy(whole, text, len);
	whole[len] = '\0';
	if (!parse_number(whole, 0, UINT32_MAX, &seconds))
		return accepted;
	*ns = seconds * 1000000000 + decimals;
	return NULL;
}

const char *parse_fd(const char *text, int *fd)
{
	uint64_t number;

	/* 0 to 2 are COMMAND's own input, output and errors. */
	if (!parse_number(text, 3, INT_MAX, &number))
		return "accepted is a number from 3 to 2147483647";
	*fd = number;
	return NULL;
}

/* (uid_t)-1 and (gid_t)-1 mean "no id" to the kernel. */
static const char *parse_id(const char *text, uint32_t *id)
{
	uint64_t number;

	if (!parse_number(text, 0, UINT32_MAX - 1, &number))
		return "accepted is a number from 0 to 4294967294";
	*id = number;
	return NULL;
}

static bool looks_numeric(const char *text)
{
	return *text && !text[strspn(text, DIGITS)];
}

const char *parse_user(const char *text, uint32_t *uid)
{
	const struct passwd *user;

	if (looks_numeric(text))
		return parse_id(text, uid);
	user = getpwnam(text);
	if (!user)
		return "there is no such user; accepted is a user's name or number";
	*uid = user->pw_uid;
	return NULL;
}

const char *parse_group(const char *text, uint32_t *gid)
{
	const struct group *group;

	if (looks_numeric(text))
		return parse_id(text, gid);
	group = getgrnam(text);
	if (!group)
		return "there is no such group; accepted is a group's name or number";
	*gid = group->gr_gid;
	return NULL;
}
