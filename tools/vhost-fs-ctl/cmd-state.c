// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command state: what of a device is moved when its guest moves.
 */
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "msg.h"
#include "print-state.h"
#include "state-file.h"

static int show(const struct args *args)
{
	struct state_file file = { };
	int err = state_file_read(&file, args->argv[1]);

	if (!err && args->json)
		print_state_json(stdout, &file.st);
	else if (!err)
		print_state_text(stdout, &file.st);
	state_file_free(&file);
	return err;
}

static const struct {
	const char *name;
	int (*run)(const struct args *args);
} verbs[] = {
	{ "show", show },
};

static int run_state(const struct command *cmd, struct args *args)
{
	int err = args_parse(cmd, args, NULL);
	size_t i;

	if (err)
		return err;
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (!strcmp(verbs[i].name, args->argv[0]))
			return verbs[i].run(args);
	return usage_error("%s: unknown \"%s\"; accepted: show", cmd->name, args->argv[0]);
}

const struct command cmd_state = {
	.name = "state",
	.operands = "show FILE",
	.summary = "show what a device's state, saved to a file, says",
	.details = "Shows the state of a device, which moves with its guest, as vhost_fs or\n"
		   "virtiofsd wrote it to FILE; \"-\" is standard input. What is not one is refused,\n"
		   "with the offset of the first wrong byte and what was expected there.",
	.min_operands = 2,
	.max_operands = 2,
	.lists = true,
	.run = run_state,
};
