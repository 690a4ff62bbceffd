// SPDX-License-Identifier: GPL-2.0-only
/*
 * The options that a share is added with, and which of them go together.
 */
#include "share-options.h"

#include <linux/capability.h>
#include <string.h>

#include "msg.h"
#include "parse.h"

/* With its NUL and a word before it, a label is written as one piece. */
#define LABEL_MAX 4000

static int take_path(void *ctx, const struct option_row *row, const char *value)
{
	struct share_request *request = ctx;

	request->path = value;
	return *value ? 0 : args_bad_value(row, value, "accepted is a directory");
}

static int take_cache(void *ctx, const struct option_row *row, const char *value)
{
	struct share_request *request = ctx;
	const char *why = parse_cache(value, &request->share.cache);

	return why ? args_bad_value(row, value, why) : 0;
}

static int take_flag(void *ctx, const struct option_row *row, const char *value)
{
	struct share_request *request = ctx;

	(void)value;
	request->share.flags |= row->bits;
	return 0;
}

/*
 * What guests may have if they know how to, must know, or don't get. The row's
 * bits are the flag of that, the one that makes it a matter of choice, and that
 * for extended attributes.
 */
static int take_when(void *ctx, const struct option_row *row, const char *value)
{
	const unsigned int choice = VHOST_FS_SHARE_POSIX_ACL_AUTO |
				    VHOST_FS_SHARE_SECURITY_LABEL_AUTO;
	struct share_request *request = ctx;

	request->share.flags &= ~(row->bits & ~VHOST_FS_SHARE_XATTR);
	if (!value || !strcmp(value, "always"))
		request->share.flags |= row->bits & ~choice;
	else if (!strcmp(value, "auto"))
		request->share.flags |= row->bits;
	else if (strcmp(value, "never"))
		return args_bad_value(row, value, "accepted are always, auto and never");
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
	struct share_request *request = ctx;

	return take_id(row, value, request->users, &request->share.nr_users, parse_user);
}

static int take_group(void *ctx, const struct option_row *row, const char *value)
{
	struct share_request *request = ctx;

	return take_id(row, value, request->groups, &request->share.nr_groups, parse_group);
}

int take_limit(const struct option_row *row, const char *value, __u64 *limit)
{
	uint64_t number = 0;
	const char *why = parse_limit(value, &number);

	*limit = number;
	return why ? args_bad_value(row, value, why) : 0;
}

int take_blocked(const struct option_row *row, const char *value, __u64 *limit)
{
	uint64_t number = 0;
	const char *why = parse_blocked(value, &number);

	*limit = number;
	return why ? args_bad_value(row, value, why) : 0;
}

static int take_max_nodes(void *ctx, const struct option_row *row, const char *value)
{
	struct share_request *request = ctx;

	return take_limit(row, value, &request->share.max_nodes);
}

static int take_max_handles(void *ctx, const struct option_row *row, const char *value)
{
	struct share_request *request = ctx;

	return take_limit(row, value, &request->share.max_handles);
}

static int take_max_blocked(void *ctx, const struct option_row *row, const char *value)
{
	struct share_request *request = ctx;

	return take_blocked(row, value, &request->share.max_blocked);
}

int take_timeout(const struct option_row *row, const char *value, __u64 *ns)
{
	uint64_t number = 0;
	const char *why = parse_seconds(value, &number);

	*ns = number;
	return why ? args_bad_value(row, value, why) : 0;
}

/* Names, attributes or both, as the row's bits say. */
static int take_cache_timeout(void *ctx, const struct option_row *row, const char *value)
{
	struct share_request *request = ctx;
	__u64 ns;
	int err;

	err = take_timeout(row, value, &ns);
	if (err)
		return err;
	request->share.flags |= row->bits;
	if (row->bits & VHOST_FS_SHARE_ENTRY_TIMEOUT)
		request->share.entry_timeout_ns = ns;
	if (row->bits & VHOST_FS_SHARE_ATTR_TIMEOUT)
		request->share.attr_timeout_ns = ns;
	return 0;
}

static int take_negative_timeout(void *ctx, const struct option_row *row, const char *value)
{
	struct share_request *request = ctx;

	return take_timeout(row, value, &request->share.negative_timeout_ns);
}

static int take_handles(void *ctx, const struct option_row *row, const char *value)
{
	struct share_request *request = ctx;
	const char *why = parse_handles(value, &request->share.inode_file_handles);

	return why ? args_bad_value(row, value, why) : 0;
}

static int take_locks(void *ctx, const struct option_row *row, const char *value)
{
	struct share_request *request = ctx;
	const char *why = parse_locks(value, &request->share.locks);

	return why ? args_bad_value(row, value, why) : 0;
}

static int take_migration_mode(void *ctx, const struct option_row *row, const char *value)
{
	struct share_request *request = ctx;

	request->share.migration &= ~VHOST_FS_MIGRATION_FILE_HANDLES;
	if (!strcmp(value, "file-handles"))
		request->share.migration |= VHOST_FS_MIGRATION_FILE_HANDLES;
	else if (strcmp(value, "find-paths"))
		return args_bad_value(row, value, "accepted are find-paths and file-handles");
	return 0;
}

static int take_migration_error(void *ctx, const struct option_row *row, const char *value)
{
	struct share_request *request = ctx;

	request->share.migration &= ~VHOST_FS_MIGRATION_GUEST_ERROR;
	if (!strcmp(value, "guest-error"))
		request->share.migration |= VHOST_FS_MIGRATION_GUEST_ERROR;
	else if (strcmp(value, "abort"))
		return args_bad_value(row, value, "accepted are abort and guest-error");
	return 0;
}

static int take_migration_flag(void *ctx, const struct option_row *row, const char *value)
{
	struct share_request *request = ctx;

	(void)value;
	request->share.migration |= row->bits;
	return 0;
}

static int take_translate_uid(void *ctx, const struct option_row *row, const char *value)
{
	struct share_request *request = ctx;
	const char *why = parse_id_rule(value, &request->uid_rules);

	return why ? args_bad_value(row, value, why) : 0;
}

static int take_translate_gid(void *ctx, const struct option_row *row, const char *value)
{
	struct share_request *request = ctx;
	const char *why = parse_id_rule(value, &request->gid_rules);

	return why ? args_bad_value(row, value, why) : 0;
}

static int take_uid_map(void *ctx, const struct option_row *row, const char *value)
{
	struct share_request *request = ctx;
	const char *why = parse_id_map(value, &request->sandbox.uids);

	return why ? args_bad_value(row, value, why) : 0;
}

static int take_gid_map(void *ctx, const struct option_row *row, const char *value)
{
	struct share_request *request = ctx;
	const char *why = parse_id_map(value, &request->sandbox.gids);

	return why ? args_bad_value(row, value, why) : 0;
}

static int take_modcaps(void *ctx, const struct option_row *row, const char *value)
{
	struct share_request *request = ctx;
	const char *why = caps_parse(value, &request->process.add, &request->process.drop);

	return why ? args_bad_value(row, value, why) : 0;
}

static int take_sandbox(void *ctx, const struct option_row *row, const char *value)
{
	struct share_request *request = ctx;

	if (!strcmp(value, "mount"))
		request->sandbox.mode = SANDBOX_MOUNT;
	else if (!strcmp(value, "none"))
		request->sandbox.mode = SANDBOX_NONE;
	else
		return args_bad_value(row, value, "accepted are mount and none");
	return 0;
}

static int take_label(void *ctx, const struct option_row *row, const char *value)
{
	struct share_request *request = ctx;

	request->process.label = value;
	return *value && strlen(value) < LABEL_MAX ? 0 :
	       args_bad_value(row, value, "accepted is a security label of less than 4000 bytes");
}

static int take_supplementary_group(void *ctx, const struct option_row *row, const char *value)
{
	struct share_request *request = ctx;

	return take_id(row, value, request->process.groups, &request->process.nr_groups,
		       parse_group);
}

/* One value has all the rules, since their order counts. */
static int take_xattrmap(void *ctx, const struct option_row *row, const char *value)
{
	struct share_request *request = ctx;
	const char *why;

	if (request->xattrmap.nr)
		return usage_error("--%s can be given once, with all rules", row->name);
	why = parse_xattrmap(value, &request->xattrmap);
	if (why)
		return args_bad_value(row, value, why);
	request->share.flags |= row->bits;
	return 0;
}

const struct option_row share_options[] = {
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
	{ "no-idmapped-mounts", NULL, "guests say who asks instead, as fs-verity needs",
	  take_flag, VHOST_FS_SHARE_NO_IDMAP },
	{ "max-nodes", "N", "files that a guest may hold looked up", take_max_nodes, 0 },
	{ "max-handles", "N", "files that a guest may hold open", take_max_handles, 0 },
	{ "max-blocked", "N", "requests of a guest that may wait for locks", take_max_blocked, 0 },
	{ "entry-timeout", "SECONDS", "how long a guest may believe a name", take_cache_timeout,
	  VHOST_FS_SHARE_ENTRY_TIMEOUT },
	{ "attr-timeout", "SECONDS", "how long a guest may believe attributes",
	  take_cache_timeout, VHOST_FS_SHARE_ATTR_TIMEOUT },
	{ "timeout", "SECONDS", "both of these", take_cache_timeout,
	  VHOST_FS_SHARE_ENTRY_TIMEOUT | VHOST_FS_SHARE_ATTR_TIMEOUT },
	{ "negative-timeout", "SECONDS", "how long a guest may believe that a name is missing",
	  take_negative_timeout, 0 },
	{ "writeback", NULL, "the guest collects writes; it must be the only writer", take_flag,
	  VHOST_FS_SHARE_WRITEBACK },
	{ "allow-direct-io", NULL, "the guest's O_DIRECT is O_DIRECT on the host", take_flag,
	  VHOST_FS_SHARE_DIRECT_IO },
	{ "allow-mmap", NULL, "shared mappings work where no data is cached", take_flag,
	  VHOST_FS_SHARE_MMAP },
	{ "killpriv-v2", NULL, "set-ID bits go when the guest says", take_flag,
	  VHOST_FS_SHARE_KILLPRIV_V2 },
	{ "preserve-noatime", NULL, "the guest's O_NOATIME is O_NOATIME on the host", take_flag,
	  VHOST_FS_SHARE_NOATIME },
	{ "xattr", NULL, "serve extended attributes", take_flag, VHOST_FS_SHARE_XATTR },
	{ "posix-acl", "[=WHEN]", "ACLs: always: guests must know them; auto; never", take_when,
	  VHOST_FS_SHARE_POSIX_ACL | VHOST_FS_SHARE_POSIX_ACL_AUTO | VHOST_FS_SHARE_XATTR },
	{ "security-label", "[=WHEN]", "guests label what they make; likewise", take_when,
	  VHOST_FS_SHARE_SECURITY_LABEL | VHOST_FS_SHARE_SECURITY_LABEL_AUTO |
	  VHOST_FS_SHARE_XATTR },
	{ "xattrmap", "RULES", "map names of extended attributes", take_xattrmap,
	  VHOST_FS_SHARE_XATTR },
	{ "inode-file-handles", "WHEN", "never (default), prefer or mandatory", take_handles, 0 },
	{ "locks", "WHERE", "none (default) or remote", take_locks, 0 },
	{ "migration-mode", "MODE", "find-paths (default) or file-handles", take_migration_mode, 0 },
	{ "migration-verify-handles", NULL, "a guest that leaves takes file handles to compare",
	  take_migration_flag, VHOST_FS_MIGRATION_VERIFY_HANDLES },
	{ "migration-confirm-paths", NULL, "look again whether files are where they were",
	  take_migration_flag, VHOST_FS_MIGRATION_CONFIRM_PATHS },
	{ "migration-on-error", "WHAT", "abort (default) or guest-error, if a file isn't found",
	  take_migration_error, 0 },
	{ "translate-uid", "RULE", "translate user ids; repeatable", take_translate_uid, 0 },
	{ "translate-gid", "RULE", "translate group ids; repeatable", take_translate_gid, 0 },
	{ "uid-map", ":GUEST:HOST:COUNT:", "mount with mapped user ids; repeatable",
	  take_uid_map, 0 },
	{ "gid-map", ":GUEST:HOST:COUNT:", "mount with mapped group ids; repeatable",
	  take_gid_map, 0 },
	{ "sandbox", "MODE", "mount: mounts of its own (default); none: the host's",
	  take_sandbox, 0 },
	{ "modcaps", "+CAP:-CAP...", "capabilities to keep, and not to", take_modcaps, 0 },
	{ "supplementary-group", "GROUP", "group to serve with; repeatable",
	  take_supplementary_group, 0 },
	{ "label", "CONTEXT", "security label to serve with", take_label, 0 },
	{ }
};

/* Opening by handle takes a capability that is otherwise not kept. */
static int check_handles(const struct command *cmd, struct share_request *request)
{
	const uint64_t bit = 1ULL << CAP_DAC_READ_SEARCH;
	const char *option;

	if (request->share.inode_file_handles != VHOST_FS_HANDLES_NEVER)
		option = "inode-file-handles";
	else if (request->share.migration & VHOST_FS_MIGRATION_FILE_HANDLES)
		option = "migration-mode file-handles";
	else
		return 0;
	if (request->process.drop & bit)
		return usage_error("%s: --%s needs the cap_dac_read_search that --modcaps drops",
				   cmd->name, option);
	request->process.keep |= bit;
	return 0;
}

void share_request_point(struct share_request *request)
{
	struct vhost_fs_add_share *share = &request->share;

	share->users = (uintptr_t)request->users;
	share->groups = (uintptr_t)request->groups;
	share->uid_rules = (uintptr_t)request->uid_rules.rules;
	share->gid_rules = (uintptr_t)request->gid_rules.rules;
	share->xattr_rules = (uintptr_t)request->xattrmap.rules;
	share->nr_xattr_rules = request->xattrmap.nr;
	share->nr_uid_rules = request->uid_rules.nr;
	share->nr_gid_rules = request->gid_rules.nr;
}

int share_options_check(const struct command *cmd, struct share_request *request)
{
	const struct sandbox_request *sandbox = &request->sandbox;

	if (!request->path)
		return usage_error("%s: --path DIR is missing", cmd->name);
	if (sandbox->mode == SANDBOX_NONE && (sandbox->uids.nr || sandbox->gids.nr))
		return usage_error("%s: --uid-map and --gid-map need --sandbox mount", cmd->name);
	request->sandbox.readonly = request->share.flags & VHOST_FS_SHARE_READONLY;
	if ((request->share.migration & VHOST_FS_MIGRATION_CONFIRM_PATHS) &&
	    (request->share.migration & VHOST_FS_MIGRATION_FILE_HANDLES))
		return usage_error("%s: --migration-confirm-paths goes with find-paths only",
				   cmd->name);
	return check_handles(cmd, request);
}
