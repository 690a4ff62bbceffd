/* SPDX-License-Identifier: GPL-2.0-only */
/* Attributes. */
#ifndef VHOST_FS_ATTR_H
#define VHOST_FS_ATTR_H

#include <linux/types.h>

struct file;
struct fuse_attr;
struct path;
struct vhost_fs_req;
struct vhost_fs_share;

int vhost_fs_attr_get(struct vhost_fs_req *req, const struct path *path,
		      struct fuse_attr *attr);
void vhost_fs_attr_timeout(const struct vhost_fs_share *share, u64 *sec,
			   u32 *nsec);
int vhost_fs_truncate_file(struct vhost_fs_req *req, struct file *file,
			   loff_t size, bool opening);

#endif /* VHOST_FS_ATTR_H */
