/* SPDX-License-Identifier: GPL-2.0-only */
/* Requests that an owner's end interrupted, for the next owner's threads. */
#ifndef VHOST_FS_KEEP_H
#define VHOST_FS_KEEP_H

#include <linux/types.h>

struct vhost_fs_dev;
struct vhost_fs_queue;
struct vhost_fs_req;

/**
 * enum vhost_fs_keep - what is left to do of a request
 * @VHOST_FS_KEEP_NOT: nothing
 * @VHOST_FS_KEEP_ALL: it is to be served again
 * @VHOST_FS_KEEP_REPLY: its reply is to be sent
 */
enum vhost_fs_keep {
	VHOST_FS_KEEP_NOT,
	VHOST_FS_KEEP_ALL,
	VHOST_FS_KEEP_REPLY,
};

bool vhost_fs_keep_wants(int err);
void vhost_fs_keep(struct vhost_fs_req *req);
void vhost_fs_keep_list(struct vhost_fs_req *req);
void vhost_fs_keep_take(struct vhost_fs_queue *q, struct vhost_fs_req *req);
void vhost_fs_keep_drop(struct vhost_fs_queue *q);
bool vhost_fs_keep_any(struct vhost_fs_dev *fs);
int vhost_fs_keep_settle(struct vhost_fs_dev *fs);

#endif /* VHOST_FS_KEEP_H */
