/* SPDX-License-Identifier: GPL-2.0-only */
/* Mounts below the share's own, for nodes that are found by file handles. */
#ifndef VHOST_FS_MOUNT_H
#define VHOST_FS_MOUNT_H

#include <linux/fsnotify_backend.h>
#include <linux/list.h>
#include <linux/refcount.h>

#include "fh.h"

struct path;
struct vfsmount;
struct vhost_fs_req;
struct vhost_fs_session;
struct vhost_fs_share;

/**
 * struct vhost_fs_mount - a mount below the share's own that nodes lie in
 * @mark: dies with the mount, and so tells it from a later one
 * @ref: one for each node, and for each mount on this one
 * @entry: place in vhost_fs_session.mounts; under mount_lock
 * @s: whose; constant
 * @mnt: not pinned: only to be compared with; constant
 * @on: the mount it is mounted on, pinned; NULL if that is the share's own;
 *	constant
 * @fh: of the mount point there; constant
 * @depth: mounts between this one and the share's own; constant
 */
struct vhost_fs_mount {
	struct fsnotify_mark mark;
	refcount_t ref;
	struct list_head entry;
	struct vhost_fs_session *s;
	struct vfsmount *mnt;
	struct vhost_fs_mount *on;
	struct vhost_fs_fh *fh;
	unsigned int depth;
};

int vhost_fs_mount_get(struct vhost_fs_req *req, const struct path *path,
		       struct vhost_fs_mount **mount);
void vhost_fs_mount_put(struct vhost_fs_mount *mount);
int vhost_fs_mount_root(const struct vhost_fs_share *share,
			struct vhost_fs_mount *mount, struct path *root);
int vhost_fs_mount_init(void);
void vhost_fs_mount_exit(void);

#endif /* VHOST_FS_MOUNT_H */
