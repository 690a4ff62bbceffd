// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unit tests of vhost-fs-ctl's args.c: command lines against option tables.
 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "args.h"
#include "msg.h"

#define MAX_WORDS 15

/* What the options below noted. */
struct seen {
	int flags;
	const char *value;
	int refuse;
};

static int take_flag(void *ctx, const struct option_row *row, const char *value)
{
	struct seen *seen = ctx;

	assert_null(value);
	seen->flags |= row->bits;
	return 0;
}

static int take_value(void *ctx, const struct option_row *row, const char *value)
{
	struct seen *seen = ctx;

	assert_string_equal(row->name, "value");
	seen->value = value;
	return seen->refuse;
}

static int take_maybe(void *ctx, const struct option_row *row, const char *value)
{
	struct seen *seen = ctx;

	seen->flags |= row->bits;
	seen->value = value;
	return 0;
}

static const struct option_row options[] = {
	{ "maybe", "[=WHEN]", "a value, or none", take_maybe, 4 },
	{ "flag", NULL, "a flag", take_flag, 1 },
	{ "flag-two", NULL, "another", take_flag, 2 },
	{ "value", "V", "a value", take_value, 0 },
	{ }
};

static const struct command plain = {
	.name = "plain", .operands = "A [B]", .options = options,
	.min_operands = 1, .max_operands = 2,
};

static const struct option_row other_options[] = {
	{ "other", "V", "an option of another command", take_value, 0 },
	{ }
};

static const struct command sister = {
	.name = "sister", .operands = "", .options = options, .others = other_options,
	.others_why = "is not for this command",
};

static const struct command lists = { .name = "lists", .operands = "", .lists = true };

static const struct command wraps = {
	.name = "wraps", .operands = "COMMAND", .options = options,
	.min_operands = 1, .max_operands = MAX_WORDS, .wraps = true,
};

/* A command line in one string, its words separated by single blanks. */
struct line {
	char text[200];
	char *words[MAX_WORDS + 1];
	struct args args;
	struct seen seen;
};

static int parse(struct line *line, const struct command *cmd, const char *text)
{
	char *save = NULL, *word;

	*line = (struct line){ .seen.refuse = line->seen.refuse };
	line->args.argv = line->words;
	snprintf(line->text, sizeof(line->text), "%s", text);
	for (word = strtok_r(line->text, " ", &save); word; word = strtok_r(NULL, " ", &save))
		line->words[line->args.argc++] = word;
	return args_parse(cmd, &line->args, &line->seen);
}

/* A word that follows is no value where one can be left out. */
static void optional_values(void **state)
{
	struct line line = { };

	(void)state;
	assert_int_equal(parse(&line, &plain, "--maybe a"), 0);
	assert_int_equal(line.seen.flags, 4);
	assert_null(line.seen.value);
	assert_int_equal(line.args.argc, 1);
	assert_int_equal(parse(&line, &plain, "a --maybe=v"), 0);
	assert_string_equal(line.seen.value, "v");
	assert_int_equal(parse(&line, &plain, "a --maybe="), 0);
	assert_string_equal(line.seen.value, "");
	assert_int_equal(parse(&line, &plain, "a --maybe"), 0);
	assert_null(line.seen.value);
}

static void options_anywhere(void **state)
{
	static const char *const texts[] = {
		"--flag --value v a b", "a b --flag --value v", "a --flag b --value=v",
		"--value v -- a b --flag",
	};
	struct line line = { };
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		assert_int_equal(parse(&line, &plain, texts[i]), 0);
		assert_int_equal(line.args.argc, 2);
		assert_string_equal(line.args.argv[0], "a");
		assert_string_equal(line.args.argv[1], "b");
		assert_null(line.args.argv[2]);
		assert_int_equal(line.seen.flags, 1);
		assert_string_equal(line.seen.value, "v");
	}
	assert_int_equal(parse(&line, &plain, texts[3]), EXIT_USAGE);
}

static void values(void **state)
{
	struct line line = { };

	(void)state;
	assert_int_equal(parse(&line, &plain, "--value --flag a"), 0);
	assert_string_equal(line.seen.value, "--flag");
	assert_int_equal(line.seen.flags, 0);
	assert_int_equal(parse(&line, &plain, "--value= a"), 0);
	assert_string_equal(line.seen.value, "");
	assert_int_equal(parse(&line, &plain, "--value=a=b a"), 0);
	assert_string_equal(line.seen.value, "a=b");
	assert_int_equal(parse(&line, &plain, "a --value"), EXIT_USAGE);
	assert_int_equal(parse(&line, &plain, "a --flag=x"), EXIT_USAGE);
	assert_int_equal(parse(&line, &plain, "a --flag="), EXIT_USAGE);
}

/* What another command takes is refused too, whatever follows. */
static void options_of_others(void **state)
{
	struct line line = { };

	(void)state;
	assert_int_equal(parse(&line, &sister, "--flag"), 0);
	assert_int_equal(parse(&line, &sister, "--other v"), EXIT_USAGE);
	assert_int_equal(parse(&line, &sister, "--other=v"), EXIT_USAGE);
	assert_int_equal(parse(&line, &sister, "--others"), EXIT_USAGE);
}

static void names_in_full(void **state)
{
	static const char *const bad[] = {
		"a --fla", "a --flags", "a --flag-", "a --val=v", "a -flag", "a -f", "a ---flag",
		"a --", "a --=x", "a --Flag", "a -",
	};
	struct line line = { };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		/* "--" ends the options, and "-" is an operand like another. */
		int good = !strcmp(bad[i], "a --") || !strcmp(bad[i], "a -");

		assert_int_equal(parse(&line, &plain, bad[i]), good ? 0 : EXIT_USAGE);
	}
	assert_int_equal(parse(&line, &plain, "a --flag-two"), 0);
	assert_int_equal(line.seen.flags, 2);
}

static void operand_counts(void **state)
{
	struct line line = { };

	(void)state;
	assert_int_equal(parse(&line, &plain, ""), EXIT_USAGE);
	assert_int_equal(parse(&line, &plain, "--flag"), EXIT_USAGE);
	assert_int_equal(parse(&line, &plain, "a"), 0);
	assert_int_equal(parse(&line, &plain, "a b c"), EXIT_USAGE);
	assert_int_equal(parse(&line, &lists, "a"), EXIT_USAGE);
}

static void json_for_lists(void **state)
{
	struct line line = { };

	(void)state;
	assert_int_equal(parse(&line, &lists, ""), 0);
	assert_false(line.args.json);
	assert_int_equal(parse(&line, &lists, "--json"), 0);
	assert_true(line.args.json);
	assert_int_equal(parse(&line, &lists, "-j"), 0);
	assert_true(line.args.json);
	assert_int_equal(parse(&line, &plain, "a --json"), EXIT_USAGE);
	assert_int_equal(parse(&line, &plain, "a -j"), EXIT_USAGE);
}

/* The wrapped command's own options are not ours, "--help" and "--" included. */
static void wrapped_command(void **state)
{
	struct line line = { };

	(void)state;
	assert_int_equal(parse(&line, &wraps, "--flag -- ls --flag-two -- --help"), 0);
	assert_int_equal(line.seen.flags, 1);
	assert_int_equal(line.args.argc, 4);
	assert_string_equal(line.args.argv[0], "ls");
	assert_string_equal(line.args.argv[2], "--");
	assert_int_equal(parse(&line, &wraps, "--flag ls --flag-two -j"), 0);
	assert_int_equal(line.seen.flags, 1);
	assert_int_equal(line.args.argc, 3);
	assert_int_equal(parse(&line, &wraps, "--flag --"), EXIT_USAGE);
}

static void refusal_passed_on(void **state)
{
	struct line line = { .seen.refuse = 7 };

	(void)state;
	assert_int_equal(parse(&line, &plain, "a --value v --flag"), 7);
	assert_int_equal(line.seen.flags, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(optional_values),
		cmocka_unit_test(options_anywhere),
		cmocka_unit_test(values),
		cmocka_unit_test(options_of_others),
		cmocka_unit_test(names_in_full),
		cmocka_unit_test(operand_counts),
		cmocka_unit_test(json_for_lists),
		cmocka_unit_test(wrapped_command),
		cmocka_unit_test(refusal_passed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
