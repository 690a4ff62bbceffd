/* SPDX-License-Identifier: GPL-2.0-only */
/* Making names. */
#ifndef VHOST_FS_NAMEI_H
#define VHOST_FS_NAMEI_H

#include "kcompat.h"

struct cred;
struct dentry;
struct path;
struct vfsmount;
struct vhost_fs_req;

/**
 * struct vhost_fs_create - a name about to be made, its parent locked
 * @mnt: mount of the parent, write access to it taken
 * @dentry: negative dentry of the name
 * @saved: credentials to go back to
 * @di: a delegation to be broken before trying again
 */
struct vhost_fs_create {
	struct vfsmount *mnt;
	struct dentry *dentry;
	const struct cred *saved;
	struct delegated_inode di;
};

int vhost_fs_create(struct vhost_fs_req *req,
		    int (*make)(struct vhost_fs_req *req,
				struct vhost_fs_create *c),
		    struct path *path);

#endif /* VHOST_FS_NAMEI_H */
