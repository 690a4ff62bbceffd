// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzz target: what the tools are told on their command lines: a whole line as
 * virtiofsd takes it, a mapping of attributes' names, rules and maps of ids, numbers.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "args.h"
#include "id-rules.h"
#include "parse.h"
#include "virtiofsd-options.h"
#include "xattrmap.h"

#define MAX_WORDS	32
#define MAX_LINE	2048

/* What a command line is made into lives as long as the program, and isn't freed. */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

/* Whatever is taken has to be what the module takes, too. */
static void check(bool ok)
{
	if (!ok)
		abort();
}

static void take_line(char *text)
{
	static struct virtiofsd_options options;
	char *words[MAX_WORDS + 1], *save = NULL, *word;
	int nr = 1;

	words[0] = "virtiofsd";
	for (word = strtok_r(text, "\n", &save); word && nr < MAX_WORDS;
	     word = strtok_r(NULL, "\n", &save))
		words[nr++] = word;
	words[nr] = NULL;
	memset(&options, 0, sizeof(options));
	if (virtiofsd_options_parse(&options, nr, words))
		return;
	check(options.share.uid_rules.nr <= VHOST_FS_MAX_ID_RULES);
	check(options.share.xattrmap.nr <= VHOST_FS_MAX_XATTR_RULES);
}

static void take_xattrmap(const char *text)
{
	static struct xattrmap map;
	uint32_t i;

	memset(&map, 0, sizeof(map));
	if (parse_xattrmap(text, &map))
		return;
	check(map.nr <= VHOST_FS_MAX_XATTR_RULES);
	for (i = 0; i < map.nr; i++) {
		check(map.rules[i].action <= VHOST_FS_XATTR_UNSUPPORTED);
		check(memchr(map.rules[i].key, 0, sizeof(map.rules[i].key)));
		check(memchr(map.rules[i].prepend, 0, sizeof(map.rules[i].prepend)));
	}
}

static void take_ids(const char *text)
{
	static struct id_rules rules;
	static struct id_map map;

	memset(&rules, 0, sizeof(rules));
	memset(&map, 0, sizeof(map));
	if (!parse_id_rule(text, &rules)) {
		check(rules.nr <= VHOST_FS_MAX_ID_RULES);
		check(!rules.nr || rules.rules[0].count);
	}
	if (!parse_id_map(text, &map))
		check(map.nr <= ID_MAP_MAX);
}

static void take_numbers(const char *text)
{
	uint64_t number;
	uint32_t word;
	int fd;

	parse_share_name(text);
	parse_cache(text, &word);
	parse_handles(text, &word);
	parse_locks(text, &word);
	parse_seconds(text, &number);
	parse_limit(text, &number);
	if (!parse_blocked(text, &number))
		check(number <= VHOST_FS_MAX_BLOCKED);
	parse_fd(text, &fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char text[MAX_LINE + 1];
	static FILE *nowhere;

	/* What is refused is said why, a million times. */
	if (!nowhere) {
		nowhere = fopen("/dev/null", "w");
		stdout = nowhere;
		stderr = nowhere;
	}
	if (!size || size > MAX_LINE)
		return 0;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	switch (data[0] % 4) {
	case 0:
		take_line(text);
		break;
	case 1:
		take_xattrmap(text);
		break;
	case 2:
		take_ids(text);
		break;
	default:
		take_numbers(text);
	}
	return 0;
}
