// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command exec: runs a VMM that needs no right to the share, nor to
 * /dev/vhost-fs, because it inherits a descriptor that has both.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "dev.h"
#include "msg.h"
#include "parse.h"

struct exec_request {
	const char *share;
	int fd;		/* the number wanted; 0 leaves the choice to us */
};

static int take_share(void *ctx, const struct option_row *row, const char *value)
{
	struct exec_request *request = ctx;
	const char *why = parse_share_name(value);

	request->share = value;
	return why ? args_bad_value(row, value, why) : 0;
}

static int take_fd(void *ctx, const struct option_row *row, const char *value)
{
	struct exec_request *request = ctx;
	const char *why = parse_fd(value, &request->fd);

	return why ? args_bad_value(row, value, why) : 0;
}

/*
 * Moves @device to where COMMAND shall find it, open across exec. A number that
 * is open already belongs to somebody who gave it to COMMAND on purpose.
 */
static int place_fd(int device, int wanted)
{
	int fd;

	if (wanted && wanted != device && fcntl(wanted, F_GETFD) >= 0) {
		refused("descriptor %d is open already; choose another for --fd", wanted);
		return -1;
	}
	if (wanted == device)
		fd = fcntl(device, F_SETFD, 0) < 0 ? -1 : device;
	else if (wanted)
		fd = dup2(device, wanted);
	else
		fd = fcntl(device, F_DUPFD, STDERR_FILENO + 1);
	if (fd < 0)
		refused("can't make the descriptor: %s",
			errno == EBADF ? "its number is above the limit of open files" :
					 strerror(errno));
	return fd;
}

static int tell_fd(int fd)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", fd);
	if (setenv("VHOST_FS_FD", number, 1) < 0)
		return refused("out of memory");
	return 0;
}

static int run_exec(const struct command *cmd, struct args *args)
{
	struct exec_request request = { };
	int device, fd, err;

	err = args_parse(cmd, args, &request);
	if (err)
		return err;
	if (!request.share)
		return usage_error("%s: --share NAME is missing", cmd->name);
	device = dev_open();
	if (device < 0)
		return EXIT_REFUSED;
	err = dev_attach_share(device, request.share);
	if (err)
		return err;
	fd = place_fd(device, request.fd);
	if (fd < 0)
		return EXIT_REFUSED;
	err = tell_fd(fd);
	if (err)
		return err;
	execvp(args->argv[0], args->argv);
	return refused("can't run \"%s\": %s", args->argv[0], strerror(errno));
}

static const struct option_row exec_options[] = {
	{ "share", "NAME", "the share (required)", take_share, 0 },
	{ "fd", "N", "the descriptor's number; a free one if not given", take_fd, 0 },
	{ }
};

const struct command cmd_exec = {
	.name = "exec",
	.operands = "COMMAND [ARGUMENT]...",
	.summary = "run a command that inherits a device attached to a share",
	.details = "Opens /dev/vhost-fs, attaches the share and replaces itself by COMMAND, which\n"
		   "finds the descriptor's number in the environment variable VHOST_FS_FD.",
	.options = exec_options,
	.min_operands = 1,
	.max_operands = 1 << 20,
	.wraps = true,
	.run = run_exec,
};
