/* SPDX-License-Identifier: GPL-2.0-only */
/* Requests that wait without a thread. */
#ifndef VHOST_FS_PARK_H
#define VHOST_FS_PARK_H

#include <linux/list.h>

#include "vq.h"

struct file_lock;
struct fuse_in_header;
struct inode;
struct vhost_fs_dev;
struct vhost_fs_handle;
struct vhost_fs_parked;
struct vhost_fs_req;

void vhost_fs_park_module_init(void);
int vhost_fs_park_init(struct vhost_fs_dev *fs);
void vhost_fs_park_exit(struct vhost_fs_dev *fs);
int vhost_fs_park(struct vhost_fs_req *req, struct file_lock *fl);

/*
 * vhost_fs_park_ready - is there something to be tried again?
 *
 * A hint; after a full barrier that pairs with a kick's, the truth.
 */
static inline bool vhost_fs_park_ready(const struct vhost_fs_queue *q)
{
	/* The list is changed plainly, under its lock. */
	return !data_race(list_empty_careful(&q->ready));
}

struct vhost_fs_parked *vhost_fs_park_take(struct vhost_fs_queue *q);
void vhost_fs_park_fill(struct vhost_fs_req *req, struct fuse_in_header *hdr);
int vhost_fs_park_resume(struct vhost_fs_req *req);
void vhost_fs_park_notify(struct file_lock *fl);
void vhost_fs_park_wake_inode(struct inode *inode);
void vhost_fs_park_interrupt(struct vhost_fs_dev *fs, u64 unique);
void vhost_fs_park_release(struct vhost_fs_dev *fs,
			   struct vhost_fs_handle *handle);
void vhost_fs_park_drop(struct vhost_fs_dev *fs, struct vhost_fs_queue *q);
void vhost_fs_park_stopped(struct vhost_fs_queue *q);
bool vhost_fs_park_same_place(struct vhost_fs_queue *q);

#endif /* VHOST_FS_PARK_H */
