/* SPDX-License-Identifier: GPL-2.0-only */
/* Locks of the guest's on files. */
#ifndef VHOST_FS_LOCK_H
#define VHOST_FS_LOCK_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

struct file;
struct file_lock;
struct vhost_fs_lock_space;
struct vhost_fs_req;

/**
 * struct vhost_fs_lock_state - what a device's guest locks and waits for
 * @lock: guards parked requests and what says so
 * @parked: requests that wait; under @lock
 * @nr: entries of @parked; written under @lock, read without
 * @closed: the tick does nothing any more; under @lock
 * @tick_at: when the tick is due, in jiffies; under @lock
 * @tick: polls, and lets others pass those that don't get on
 * @space: owners of the guest's POSIX locks; constant
 * @session: number of the FUSE session; written under vhost_fs_session.lock
 */
struct vhost_fs_lock_state {
	spinlock_t lock;
	struct list_head parked;
	unsigned int nr;
	bool closed;
	unsigned long tick_at;
	struct delayed_work tick;
	struct vhost_fs_lock_space *space;
	u64 session;
};

void vhost_fs_lock_copy(struct file_lock *new, struct file_lock *fl);
void vhost_fs_lock_drop(struct file_lock *fl);
int vhost_fs_lock_apply(struct file_lock *fl);
void vhost_fs_lock_flush(struct vhost_fs_req *req, u64 id);
void vhost_fs_lock_release(struct vhost_fs_req *req);
bool vhost_fs_lock_close(struct file *file);
bool vhost_fs_lock_held(struct file *file);

#endif /* VHOST_FS_LOCK_H */
