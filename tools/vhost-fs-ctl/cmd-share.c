// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands about shares: add-share, remove-share, list-shares.
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

/* What the words of add-share ask for. */
struct add_request {
	const char *path;
	struct vhost_fs_add_share share;
	uint32_t users[VHOST_FS_MAX_ALLOWED_IDS];
	uint32_t groups[VHOST_FS_MAX_ALLOWED_IDS];
};

static int take_path(void *ctx, const struct option_row *row, const char *value)
{
	struct add_request *request = ctx;

	request->path = value;
	return *value ? 0 : args_bad_value(row, value, "accepted is a directory");
}

static int take_cache(void *ctx, const struct option_row *row, const char *value)
{
	struct add_request *request = ctx;
	const char *why = parse_cache(value, &request->share.cache);

	return why ? args_bad_value(row, value, why) : 0;
}

static int take_flag(void *ctx, const struct option_row *row, const char *value)
{
	struct add_request *request = ctx;

	(void)value;
	request->share.flags |= row->bits;
	return 0;
}

/* Adds to users or groups, as --user and --group are given once for each. */
static int take_id(const struct option_row *row, const char *value, uint32_t *ids,
		   uint32_t *nr, const char *(*parse)(const char *text, uint32_t *id))
{
	const char *why;

	if (*nr == VHOST_FS_MAX_ALLOWED_IDS)
		return usage_error("--%s can be given %d times", row->name,
				   VHOST_FS_MAX_ALLOWED_IDS);
	why = parse(value, &ids[*nr]);
	if (why)
		return args_bad_value(row, value, why);
	++*nr;
	return 0;
}

static int take_user(void *ctx, const struct option_row *row, const char *value)
{
	struct add_request *request = ctx;

	return take_id(row, value, request->users, &request->share.nr_users, parse_user);
}

static int take_group(void *ctx, const struct option_row *row, const char *value)
{
	struct add_request *request = ctx;

	return take_id(row, value, request->groups, &request->share.nr_groups, parse_group);
}

static int take_limit(const struct option_row *row, const char *value, __u64 *limit)
{
	uint64_t number = 0;
	const char *why = parse_limit(value, &number);

	*limit = number;
	return why ? args_bad_value(row, value, why) : 0;
}

static int take_max_nodes(void *ctx, const struct option_row *row, const char *value)
{
	struct add_request *request = ctx;

	return take_limit(row, value, &request->share.max_nodes);
}

static int take_max_handles(void *ctx, const struct option_row *row, const char *value)
{
	struct add_request *request = ctx;

	return take_limit(row, value, &request->share.max_handles);
}

static int check_name(const struct command *cmd, const char *name)
{
	const char *why = parse_share_name(name);

	return why ? usage_error("%s: share name \"%s\": %s", cmd->name, name, why) : 0;
}

/*
 * The device is opened before privileges are given up: its group may be what
 * lets the caller open it. Nothing is changed on the host until the ioctl.
 */
static int add_share(struct add_request *request)
{
	struct vhost_fs_add_share *share = &request->share;
	int fd, err;

	fd = dev_open();
	if (fd < 0)
		return EXIT_REFUSED;
	share->root_fd = sandbox_open(request->path, share->flags & VHOST_FS_SHARE_READONLY);
	if (share->root_fd < 0)
		return EXIT_REFUSED;
	share->users = (uintptr_t)request->users;
	share->groups = (uintptr_t)request->groups;
	err = caps_limit_to_share();
	return err ? err : dev_add_share(fd, share);
}

static int run_add_share(const struct command *cmd, struct args *args)
{
	struct add_request request = { };
	const char *name;
	int err;

	err = args_parse(cmd, args, &request);
	if (err)
		return err;
	name = args->argv[0];
	err = check_name(cmd, name);
	if (err)
		return err;
	if (!request.path)
		return usage_error("%s: --path DIR is missing", cmd->name);
	memcpy(request.share.name, name, strlen(name));
	return add_share(&request);
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

static const struct option_row add_options[] = {
	{ "path", "DIR", "the directory to share (required)", take_path, 0 },
	{ "readonly", NULL, "no guest may change anything", take_flag,
	  VHOST_FS_SHARE_READONLY },
	{ "cache", "POLICY", "auto (default), always, metadata or never", take_cache, 0 },
	{ "user", "USER", "may attach, next to you; name or number, repeatable", take_user, 0 },
	{ "group", "GROUP", "may attach, next to you; name or number, repeatable", take_group, 0 },
	{ "no-readdirplus", NULL, "list directories without attributes", take_flag,
	  VHOST_FS_SHARE_NO_READDIRPLUS },
	{ "no-announce-submounts", NULL, "don't tell the guest of other file systems",
	  take_flag, VHOST_FS_SHARE_NO_SUBMOUNTS },
	{ "max-nodes", "N", "files that a guest may hold looked up", take_max_nodes, 0 },
	{ "max-handles", "N", "files that a guest may hold open", take_max_handles, 0 },
	{ }
};

const struct command cmd_add_share = {
	.name = "add-share",
	.operands = "NAME",
	.summary = "share a directory with guests",
	.details = "Shares the directory DIR under NAME. The share serves with your user, group\n"
		   "and at most the capabilities chown, dac_override, fowner, fsetid, setgid,\n"
		   "setuid, mknod and setfcap, on a private copy of what is mounted in DIR now.",
	.options = add_options,
	.min_operands = 1,
	.max_operands = 1,
	.run = run_add_share,
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
