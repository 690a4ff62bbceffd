// SPDX-License-Identifier: GPL-2.0-only
/*
 * vhost-fs-ctl: shares directories with virtual machines through the vhost_fs
 * kernel module. This file knows all commands; what each does is in cmd-*.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/vhost_fs.h>

#include "args.h"
#include "msg.h"
#include "virtiofsd.h"

static const struct command cmd_help, cmd_version;

static const struct command *const commands[] = {
	&cmd_add_share,
	&cmd_set_share,
	&cmd_remove_share,
	&cmd_list_shares,
	&cmd_list_devices,
	&cmd_exec,
	&cmd_vhost_user,
	&cmd_state,
	&cmd_help,
	&cmd_version,
	NULL
};

static const struct command *find_command(const char *name)
{
	const struct command *const *cmd;

	for (cmd = commands; *cmd; cmd++)
		if (!strcmp((*cmd)->name, name))
			return *cmd;
	return NULL;
}

static int unknown_command(const char *name)
{
	return usage_error("unknown command \"%s\"; \"vhost-fs-ctl help\" lists them", name);
}

static void list_commands(void)
{
	const struct command *const *cmd;

	puts("usage: vhost-fs-ctl [--json] COMMAND [OPTION]... [OPERAND]...\n"
	     "Shares directories with virtual machines through the vhost_fs kernel module.\n"
	     "\nCommands:");
	for (cmd = commands; *cmd; cmd++)
		printf("  %-14s %s\n", (*cmd)->name, (*cmd)->summary);
	puts("\n\"vhost-fs-ctl help COMMAND\" shows more.");
}

static int run_help(const struct command *cmd, struct args *args)
{
	int err = args_parse(cmd, args, NULL);

	if (err)
		return err;
	if (!args->argc) {
		list_commands();
		return 0;
	}
	cmd = find_command(args->argv[0]);
	if (!cmd)
		return unknown_command(args->argv[0]);
	args_help(cmd);
	return 0;
}

static int run_version(const struct command *cmd, struct args *args)
{
	int err = args_parse(cmd, args, NULL);

	if (!err)
		printf("vhost-fs-ctl %s, interface version %d\n", VERSION,
		       VHOST_FS_ABI_VERSION);
	return err;
}

static const struct command cmd_help = {
	.name = "help",
	.operands = "[COMMAND]",
	.summary = "explain a command",
	.details = "Explains COMMAND, or lists the commands.",
	.max_operands = 1,
	.run = run_help,
};

static const struct command cmd_version = {
	.name = "version",
	.operands = "",
	.summary = "show the version of this program",
	.details = "Shows the version of this program and of the kernel interface it speaks.",
	.run = run_version,
};

/* Options before the command's name; returns how many words they are. */
static int global_options(int argc, char **argv, struct args *args, const char **command)
{
	int at;

	for (at = 1; at < argc; at++) {
		if (!strcmp(argv[at], "--json") || !strcmp(argv[at], "-j"))
			args->json = true;
		else if (!strcmp(argv[at], "--help") || !strcmp(argv[at], "-h"))
			*command = "help";
		else if (!strcmp(argv[at], "--version"))
			*command = "version";
		else
			break;
	}
	return at;
}

/* What was printed counts only once it has been written. */
static int finish(int status)
{
	if (status == ARGS_DONE)
		status = 0;
	if (fflush(stdout) || ferror(stdout))
		return refused("can't write the output: %s", strerror(errno));
	return status;
}

/* Installed under this name too, the program is another one. */
static bool is_virtiofsd(const char *word)
{
	const char *slash = strrchr(word, '/');

	return !strcmp(slash ? slash + 1 : word, "vhost-fs-virtiofsd");
}

int main(int argc, char **argv)
{
	struct args args = { };
	const char *name = NULL;
	const struct command *cmd;
	int at;

	if (argc && is_virtiofsd(argv[0]))
		return finish(virtiofsd_main(argc, argv));
	at = global_options(argc, argv, &args, &name);
	if (!name && at < argc)
		name = argv[at++];
	if (!name)
		return usage_error("no command given; \"vhost-fs-ctl help\" lists them");
	cmd = find_command(name);
	if (!cmd)
		return unknown_command(name);
	if (args.json && !cmd->lists)
		return usage_error("%s: there is no JSON output", cmd->name);
	args.argc = argc - at;
	args.argv = argv + at;
	return finish(cmd->run(cmd, &args));
}
