// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads a command line by a command's option table.
 *
 * Options are not abbreviated: a script that abbreviates would change its
 * meaning, or break, when a command gains an option.
 */
#include "args.h"

#include <stdio.h>
#include <string.h>

#include "msg.h"

static const struct option_row *find_option(const struct option_row *row,
					    const char *name, size_t len)
{
	for (; row && row->name; row++)
		if (strlen(row->name) == len && !memcmp(row->name, name, len))
			return row;
	return NULL;
}

static bool value_is_optional(const struct option_row *row)
{
	return row->value && *row->value == '[';
}

static int take_json(const struct command *cmd, struct args *args)
{
	if (!cmd->lists)
		return usage_error("%s: there is no JSON output", cmd->name);
	args->json = true;
	return 0;
}

static int unknown_option(const struct command *cmd, const char *word, const char *name,
			  size_t len)
{
	if (find_option(cmd->others, name, len))
		return usage_error("%s: --%.*s %s", cmd->name, (int)len, name, cmd->others_why);
	return usage_error("%s: unknown option \"%s\"; \"vhost-fs-ctl help %s\" lists them",
			   cmd->name, word, cmd->name);
}

/* Reads the option at args->argv[*at], and its value when that is a word. */
static int take_option(const struct command *cmd, struct args *args, int *at,
		       void *ctx)
{
	const char *word = args->argv[*at];
	const char *name = word + strspn(word, "-");
	const char *equals = strchrnul(name, '=');
	const char *value = *equals ? equals + 1 : NULL;
	const struct option_row *row = find_option(cmd->options, name, equals - name);

	if (!row || strncmp(word, "--", 2) || name != word + 2)
		return unknown_option(cmd, word, name, equals - name);
	if (!row->value && value)
		return usage_error("%s: --%s takes no value", cmd->name, row->name);
	if (row->value && !value && !value_is_optional(row)) {
		value = args->argv[*at + 1];
		if (!value)
			return usage_error("%s: --%s needs %s", cmd->name, row->name,
					   row->value);
		++*at;
	}
	return row->take(ctx, row, value);
}

static bool is_word(const char *word, const char *one, const char *other)
{
	return !strcmp(word, one) || !strcmp(word, other);
}

static int check_operands(const struct command *cmd, const struct args *args)
{
	if (args->argc < cmd->min_operands)
		return usage_error("%s: %s is missing", cmd->name, cmd->operands);
	if (args->argc > cmd->max_operands)
		return usage_error("%s: unexpected \"%s\"", cmd->name,
				   args->argv[cmd->max_operands]);
	return 0;
}

int args_parse(const struct command *cmd, struct args *args, void *ctx)
{
	bool options = true;
	int at, kept = 0, err;

	for (at = 0; at < args->argc; at++) {
		char *word = args->argv[at];

		if (!options || word[0] != '-' || !word[1]) {
			args->argv[kept++] = word;
			options = options && !cmd->wraps;
			continue;
		}
		if (!strcmp(word, "--")) {
			options = false;
			continue;
		}
		if (is_word(word, "--help", "-h")) {
			args_help(cmd);
			return ARGS_DONE;
		}
		if (is_word(word, "--json", "-j"))
			err = take_json(cmd, args);
		else
			err = take_option(cmd, args, &at, ctx);
		if (err)
			return err;
	}
	args->argc = kept;
	args->argv[kept] = NULL;
	return check_operands(cmd, args);
}

int args_bad_value(const struct option_row *row, const char *value, const char *accepted)
{
	return usage_error("--%s \"%s\": %s", row->name, value, accepted);
}

void args_help(const struct command *cmd)
{
	const struct option_row *row;
	char left[64];

	printf("usage: vhost-fs-ctl %s%s%s%s%s\n%s\n", cmd->name,
	       cmd->options || cmd->lists ? " [OPTION]..." : "",
	       *cmd->operands ? " " : "", cmd->wraps ? "[--] " : "", cmd->operands,
	       cmd->details);
	if (cmd->options || cmd->lists)
		puts("\nOptions:");
	for (row = cmd->options; row && row->name; row++) {
		snprintf(left, sizeof(left), "--%s%s%s", row->name,
			 row->value && !value_is_optional(row) ? " " : "",
			 row->value ? row->value : "");
		printf("  %-29s %s\n", left, row->help);
	}
	if (cmd->lists)
		printf("  %-29s %s\n", "-j, --json", "print JSON");
}
