// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command vhost-user: any VMM that speaks vhost-user has its guest served
 * by the kernel. This process only sets things up, and waits.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "dev.h"
#include "msg.h"
#include "parse.h"
#include "vu-serve.h"
#include "vu-socket.h"

static int take_share(void *ctx, const struct option_row *row, const char *value)
{
	struct vu_service *service = ctx;
	const char *why = parse_share_name(value);

	service->share = value;
	return why ? args_bad_value(row, value, why) : 0;
}

static int take_path(void *ctx, const struct option_row *row, const char *value)
{
	struct vu_service *service = ctx;

	service->path = value;
	return *value && strlen(value) <= VU_PATH_MAX ? 0 :
	       args_bad_value(row, value, "accepted is a path of 1 to 107 bytes");
}

static int take_group(void *ctx, const struct option_row *row, const char *value)
{
	struct vu_service *service = ctx;
	uint32_t gid;
	const char *why = parse_group(value, &gid);

	service->group = value;
	return why ? args_bad_value(row, value, why) : 0;
}

static int take_fd(void *ctx, const struct option_row *row, const char *value)
{
	struct vu_service *service = ctx;
	const char *why = parse_fd(value, &service->fd);

	return why ? args_bad_value(row, value, why) : 0;
}

static int take_tag(void *ctx, const struct option_row *row, const char *value)
{
	struct vu_service *service = ctx;
	size_t len = strlen(value);

	service->tag = value;
	return len && len <= VU_TAG_MAX ? 0 :
	       args_bad_value(row, value, "accepted are 1 to 36 bytes");
}

static int take_once(void *ctx, const struct option_row *row, const char *value)
{
	struct vu_service *service = ctx;

	(void)row;
	(void)value;
	service->once = true;
	return 0;
}

static int run_vhost_user(const struct command *cmd, struct args *args)
{
	struct vu_service service = { .device = -1 };
	int err;

	/* Whoever reads what is printed may end before the guests do. */
	signal(SIGPIPE, SIG_IGN);
	err = args_parse(cmd, args, &service);
	if (err)
		return err;
	if (!service.share)
		return usage_error("%s: --share NAME is missing", cmd->name);
	if (!service.path == !service.fd)
		return usage_error("%s: either --socket-path PATH or --fd N is needed", cmd->name);
	if (service.fd && service.group)
		return usage_error("%s: --socket-group needs --socket-path", cmd->name);
	return vu_serve(&service);
}

static const struct option_row vhost_user_options[] = {
	{ "share", "NAME", "the share (required)", take_share, 0 },
	{ "socket-path", "PATH", "make a socket there, that VMMs connect to", take_path, 0 },
	{ "socket-group", "GROUP", "who may connect to it; else only you", take_group, 0 },
	{ "fd", "N", "or use this listening socket, which is open already", take_fd, 0 },
	{ "tag", "TAG", "tell the VMM the tag, where it asks the server for it", take_tag, 0 },
	{ "once", NULL, "end when the first VMM has disconnected", take_once, 0 },
	{ }
};

const struct command cmd_vhost_user = {
	.name = "vhost-user",
	.operands = "",
	.summary = "serve VMMs that speak vhost-user",
	.details = "Serves the share to VMMs that connect to a socket, one at a time, until it is\n"
		   "killed. The kernel answers the guest; guest memory must be shared memory.",
	.options = vhost_user_options,
	.run = run_vhost_user,
};
