/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Commands as data: what main.c dispatches on, what args.c reads a command
 * line with, and what help is printed from.
 */
#ifndef CTL_ARGS_H
#define CTL_ARGS_H

#include <stdbool.h>

/**
 * struct option_row - one option of a command
 * @name: without the leading hyphens; NULL ends a table
 * @value: what the option takes, as help shows it, or NULL for a flag; in
 *	brackets with an equals sign if it can be left out, and then it can't be
 *	a word of its own
 * @help: one line
 * @take: notes the option in the command's own @ctx (@value is NULL for a
 *	flag, and if it was left out); returns 0, or the exit status after an error was printed
 * @bits: for @take to use
 */
struct option_row {
	const char *name;
	const char *value;
	const char *help;
	int (*take)(void *ctx, const struct option_row *row, const char *value);
	unsigned int bits;
};

/**
 * struct args - a command line, of which args_parse() leaves the operands
 * @argc: number of words after the command's name, later of operands
 * @argv: the words, later the operands; ends with NULL
 * @json: JSON was asked for
 */
struct args {
	int argc;
	char **argv;
	bool json;
};

/**
 * struct command - one command
 * @name: as typed
 * @operands: what follows the options, as help shows it
 * @summary: one line for the list of commands
 * @details: the rest of its help
 * @options: table, or NULL
 * @others: options that a person could expect the command to have, or NULL
 * @others_why: why it hasn't
 * @min_operands: fewest operands
 * @max_operands: most operands
 * @lists: prints a list, so that --json makes sense
 * @wraps: the operands are a command of their own: the first one ends the
 *	options even without "--"
 * @run: does it; returns the exit status
 */
struct command {
	const char *name;
	const char *operands;
	const char *summary;
	const char *details;
	const struct option_row *options;
	const struct option_row *others;
	const char *others_why;
	int min_operands;
	int max_operands;
	bool lists;
	bool wraps;
	int (*run)(const struct command *cmd, struct args *args);
};

extern const struct command cmd_add_share;
extern const struct command cmd_set_share;
extern const struct command cmd_remove_share;
extern const struct command cmd_list_shares;
extern const struct command cmd_list_devices;
extern const struct command cmd_exec;
extern const struct command cmd_vhost_user;
extern const struct command cmd_state;

/*
 * Reads @args, calling take() of each option with @ctx. Returns 0, or an exit
 * status after an error was printed; ARGS_DONE when help was asked for and
 * printed.
 */
#define ARGS_DONE (-1)
int args_parse(const struct command *cmd, struct args *args, void *ctx);

/* Says that @value is wrong for an option, and what @accepted says. */
int args_bad_value(const struct option_row *row, const char *value, const char *accepted);

void args_help(const struct command *cmd);

#endif /* CTL_ARGS_H */
