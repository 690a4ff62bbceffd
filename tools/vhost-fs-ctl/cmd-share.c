// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands about shares: add-share, set-share, remove-share, list-shares.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "caps.h"
#include "dev.h"
#include "msg.h"
#include "nl.h"
#include "parse.h"
#include "print.h"
#include "sandbox.h"
#include "share-options.h"

static int check_name(const struct command *cmd, const char *name)
{
	const char *why = parse_share_name(name);

	return why ? usage_error("%s: share name \"%s\": %s", cmd->name, name, why) : 0;
}

/*
 * The device is opened before privileges are given up: its group may be what
 * lets the caller open it. Nothing is changed on the host until the ioctl.
 */
static int add_share(struct share_request *request)
{
	struct vhost_fs_add_share *share = &request->share;
	int fd, err;

	fd = dev_open();
	if (fd < 0)
		return EXIT_REFUSED;
	share->root_fd = sandbox_open(request->path, &request->sandbox);
	if (share->root_fd < 0)
		return EXIT_REFUSED;
	share_request_point(request);
	err = caps_become_share(&request->process);
	return err ? err : dev_add_share(fd, share);
}

static int run_add_share(const struct command *cmd, struct args *args)
{
	/* Too large for the stack, and zero. */
	static struct share_request request;
	const char *name;
	int err;

	err = args_parse(cmd, args, &request);
	if (err)
		return err;
	name = args->argv[0];
	err = check_name(cmd, name);
	if (err)
		return err;
	err = share_options_check(cmd, &request);
	if (err)
		return err;
	memcpy(request.share.name, name, strlen(name));
	return add_share(&request);
}

static int set_number(struct vhost_fs_set_share *set, const struct option_row *row, __u64 value)
{
	set->flags |= row->bits;
	if (row->bits & VHOST_FS_SET_MAX_NODES)
		set->max_nodes = value;
	if (row->bits & VHOST_FS_SET_MAX_HANDLES)
		set->max_handles = value;
	if (row->bits & VHOST_FS_SET_MAX_BLOCKED)
		set->max_blocked = value;
	if (row->bits & VHOST_FS_SET_ENTRY_TIMEOUT)
		set->entry_timeout_ns = value;
	if (row->bits & VHOST_FS_SET_ATTR_TIMEOUT)
		set->attr_timeout_ns = value;
	if (row->bits & VHOST_FS_SET_NEGATIVE_TIMEOUT)
		set->negative_timeout_ns = value;
	return 0;
}

static int take_new_limit(void *ctx, const struct option_row *row, const char *value)
{
	__u64 limit;
	int err = take_limit(row, value, &limit);

	return err ? err : set_number(ctx, row, limit);
}

static int take_new_blocked(void *ctx, const struct option_row *row, const char *value)
{
	__u64 limit;
	int err = take_blocked(row, value, &limit);

	return err ? err : set_number(ctx, row, limit);
}

static int take_new_timeout(void *ctx, const struct option_row *row, const char *value)
{
	__u64 ns;
	int err = take_timeout(row, value, &ns);

	return err ? err : set_number(ctx, row, ns);
}

static int run_set_share(const struct command *cmd, struct args *args)
{
	struct vhost_fs_set_share set = { };
	const char *name;
	int fd, err;

	err = args_parse(cmd, args, &set);
	if (err)
		return err;
	name = args->argv[0];
	err = check_name(cmd, name);
	if (err)
		return err;
	if (!set.flags)
		return usage_error("%s: no option says what to change", cmd->name);
	memcpy(set.name, name, strlen(name));
	fd = dev_open();
	return fd < 0 ? EXIT_REFUSED : dev_set_share(fd, &set);
}

static int run_remove_share(const struct command *cmd, struct args *args)
{
	int fd, err;

	err = args_parse(cmd, args, NULL);
	if (err)
		return err;
	err = check_name(cmd, args->argv[0]);
	if (err)
		return err;
	fd = dev_open();
	return fd < 0 ? EXIT_REFUSED : dev_remove_share(fd, args->argv[0]);
}

static int run_list_shares(const struct command *cmd, struct args *args)
{
	struct share_list list = { };
	int err;

	err = args_parse(cmd, args, NULL);
	if (err)
		return err;
	err = nl_list_shares(&list);
	if (!err && args->json)
		print_shares_json(stdout, &list);
	else if (!err)
		print_shares_text(stdout, &list);
	share_list_free(&list);
	return err;
}

const struct command cmd_add_share = {
	.name = "add-share",
	.operands = "NAME",
	.summary = "share a directory with guests",
	.details = "Shares the directory DIR under NAME. The share serves with your user, group\n"
		   "and at most the capabilities chown, dac_override, fowner, fsetid, setgid,\n"
		   "setuid, mknod and setfcap, on a private copy of what is mounted in DIR now.",
	.options = share_options,
	.min_operands = 1,
	.max_operands = 1,
	.run = run_add_share,
};

static const struct option_row set_options[] = {
	{ "max-nodes", "N", "files that a guest may hold looked up", take_new_limit,
	  VHOST_FS_SET_MAX_NODES },
	{ "max-handles", "N", "files that a guest may hold open", take_new_limit,
	  VHOST_FS_SET_MAX_HANDLES },
	{ "max-blocked", "N", "requests of a guest that may wait for locks", take_new_blocked,
	  VHOST_FS_SET_MAX_BLOCKED },
	{ "entry-timeout", "SECONDS", "how long a guest may believe a name", take_new_timeout,
	  VHOST_FS_SET_ENTRY_TIMEOUT },
	{ "attr-timeout", "SECONDS", "how long a guest may believe attributes",
	  take_new_timeout, VHOST_FS_SET_ATTR_TIMEOUT },
	{ "timeout", "SECONDS", "both of these", take_new_timeout,
	  VHOST_FS_SET_ENTRY_TIMEOUT | VHOST_FS_SET_ATTR_TIMEOUT },
	{ "negative-timeout", "SECONDS", "how long a guest may believe that a name is missing",
	  take_new_timeout, VHOST_FS_SET_NEGATIVE_TIMEOUT },
	{ }
};

const struct command cmd_set_share = {
	.name = "set-share",
	.operands = "NAME",
	.summary = "change limits and timeouts of a share",
	.details = "Changes the share while guests use it. Lower limits take nothing away from a\n"
		   "guest; timeouts count from the next answer on.",
	.options = set_options,
	.others = share_options,
	.others_why = "can't be changed while guests may use the share; remove it and add it anew",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_set_share,
};

const struct command cmd_remove_share = {
	.name = "remove-share",
	.operands = "NAME",
	.summary = "take a share's name away",
	.details = "No device can be attached to NAME any more. Devices that use the share go on,\n"
		   "and the share ends with the last of them.",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_remove_share,
};

const struct command cmd_list_shares = {
	.name = "list-shares",
	.operands = "",
	.summary = "show the shares that you may attach or remove",
	.details = "Shows the shares that you may attach or remove.",
	.lists = true,
	.run = run_list_shares,
};
