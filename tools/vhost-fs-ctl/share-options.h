/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The options that a share is added with.
 */
#ifndef CTL_SHARE_OPTIONS_H
#define CTL_SHARE_OPTIONS_H

#include <linux/vhost_fs.h>

#include "args.h"
#include "caps.h"
#include "id-rules.h"
#include "sandbox.h"
#include "xattrmap.h"

/**
 * struct share_request - what the words of add-share ask for
 * @path: the directory, or NULL
 * @share: for the kernel; addresses and descriptors are filled in late
 * @users: of @share.nr_users
 * @groups: of @share.nr_groups
 * @uid_rules: --translate-uid
 * @gid_rules: --translate-gid
 * @xattrmap: --xattrmap
 * @sandbox: what to do with the directory's mounts
 * @process: what this process has to become
 */
struct share_request {
	const char *path;
	struct vhost_fs_add_share share;
	uint32_t users[VHOST_FS_MAX_ALLOWED_IDS];
	uint32_t groups[VHOST_FS_MAX_ALLOWED_IDS];
	struct id_rules uid_rules;
	struct id_rules gid_rules;
	struct xattrmap xattrmap;
	struct sandbox_request sandbox;
	struct process_request process;
};

/* What args_parse() reads into a struct share_request. */
extern const struct option_row share_options[];

/* Do the options go together? Returns 0, or an exit status after an error. */
int share_options_check(const struct command *cmd, struct share_request *request);

/* Puts the addresses and lengths of the lists where the kernel looks for them. */
void share_request_point(struct share_request *request);

/* Parts of take() functions that other commands have use for. */
int take_limit(const struct option_row *row, const char *value, __u64 *limit);
int take_blocked(const struct option_row *row, const char *value, __u64 *limit);
int take_timeout(const struct option_row *row, const char *value, __u64 *ns);

#endif /* CTL_SHARE_OPTIONS_H */
