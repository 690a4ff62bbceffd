/* SPDX-License-Identifier: GPL-2.0-only */
/* Opening again what a device whose state was loaded had open. */
#ifndef VHOST_FS_OPEN_H
#define VHOST_FS_OPEN_H

#include <linux/types.h>

struct file;
struct path;
struct vhost_fs_req;

struct file *vhost_fs_open_again(struct vhost_fs_req *req,
				 const struct path *path, u32 flags);

#endif /* VHOST_FS_OPEN_H */
