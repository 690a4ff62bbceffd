/* SPDX-License-Identifier: GPL-2.0-only */
/* A directory offered to guests. */
#ifndef VHOST_FS_SHARE_H
#define VHOST_FS_SHARE_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/path.h>
#include <linux/refcount.h>
#include <linux/vhost_fs.h>

#include "idmap.h"

struct cred;
struct file;

/* Defaults of a share's limits, for each device attached to it. */
#define VHOST_FS_DEFAULT_MAX_NODES	(16ULL * 1024 * 1024)
#define VHOST_FS_DEFAULT_MAX_HANDLES	(1024ULL * 1024)
#define VHOST_FS_DEFAULT_MAX_BLOCKED	64
static_assert(VHOST_FS_DEFAULT_MAX_BLOCKED <= VHOST_FS_MAX_BLOCKED);

/**
 * struct vhost_fs_share - a directory offered to guests
 * @ref: one for the name, one for each attached device
 * @entry: place in the list of shares; under shares_lock
 * @id: number that orders the list; constant
 * @name: constant
 * @root_file: keeps a detached mount tree alive; constant
 * @root: what the guest sees as its root directory; constant
 * @cred: what every request runs under; constant
 * @flags: VHOST_FS_SHARE_*; constant
 * @cache: enum vhost_fs_cache_policy; constant
 * @inode_file_handles: enum vhost_fs_inode_file_handles; constant
 * @locks: enum vhost_fs_locks; constant
 * @migration: VHOST_FS_MIGRATION_*; constant
 * @max_nodes: limit of each device; read and written without a lock
 * @max_handles: likewise
 * @max_blocked: likewise
 * @entry_timeout_ns: how long a guest may believe a name; read and written
 *	without a lock
 * @attr_timeout_ns: how long a guest may believe attributes; likewise
 * @negative_timeout_ns: how long a guest may believe that there is no such
 *	name; likewise
 * @xattr_rules: how names of extended attributes are mapped; constant
 * @nr_xattr_rules: entries of @xattr_rules; constant
 * @uids: how user ids are translated; constant
 * @gids: how group ids are translated; constant
 * @nr_users: entries of @users; constant
 * @nr_groups: entries of @groups; constant
 * @users: may attach, next to the owner; constant
 * @groups: may attach; constant
 * @devices: attached devices
 */
struct vhost_fs_share {
	refcount_t ref;
	struct list_head entry;
	u32 id;
	char name[VHOST_FS_SHARE_NAME_MAX + 1];
	struct file *root_file;
	struct path root;
	const struct cred *cred;
	u32 flags;
	u32 cache;
	u32 inode_file_handles;
	u32 locks;
	u32 migration;
	u64 max_nodes;
	u64 max_handles;
	u64 max_blocked;
	u64 entry_timeout_ns;
	u64 attr_timeout_ns;
	u64 negative_timeout_ns;
	struct vhost_fs_xattr_rule *xattr_rules;
	u32 nr_xattr_rules;
	struct vhost_fs_idmap uids;
	struct vhost_fs_idmap gids;
	u32 nr_users;
	u32 nr_groups;
	kuid_t *users;
	kgid_t *groups;
	atomic_t devices;
};

int vhost_fs_share_add(const struct vhost_fs_add_share *arg);
int vhost_fs_share_remove(const struct vhost_fs_share_name *arg);
struct vhost_fs_share *vhost_fs_share_attach(const struct vhost_fs_share_name *arg);
void vhost_fs_share_detach(struct vhost_fs_share *share);
struct vhost_fs_share *vhost_fs_share_next(u32 id);
void vhost_fs_share_put(struct vhost_fs_share *share);
bool vhost_fs_share_is_admin(const struct vhost_fs_share *share);
bool vhost_fs_share_may_attach(const struct vhost_fs_share *share);
void vhost_fs_share_remove_all(void);

int vhost_fs_share_set(const struct vhost_fs_set_share *arg);

static inline bool vhost_fs_share_readonly(const struct vhost_fs_share *share)
{
	return share->flags & VHOST_FS_SHARE_READONLY;
}

/* Else each guest keeps its locks to itself. */
static inline bool vhost_fs_lock_served(const struct vhost_fs_share *share)
{
	return share->locks == VHOST_FS_LOCKS_REMOTE;
}

#endif /* VHOST_FS_SHARE_H */
