/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An open /dev/vhost-fs.
 *
 * Locks, outermost first:
 *
 *	vhost_dev.mutex			device set-up; ioctls
 *	vhost_fs_session.lock		INIT and DESTROY
 *	vhost_virtqueue.mutex		one ring
 *	vhost_fs_pool.lock		threads and waiting queues; taken with
 *					interrupts off, from a kick
 *	vhost_fs_session.mount_lock	which mounts have been crossed into
 *	vhost_fs_node.lock		which dentry a node stands for, or by
 *					which handle it is found
 *
 *	vhost_fs_lock_space.remote_lock	who has locks on files that keep them
 *	the lock manager's own		vhost_fs_park_notify() is called under
 *					them
 *	park_polled.lock		parked requests that are polled
 *	vhost_fs_lock_state.lock		parked requests; vhost_fs_pool.lock is
 *					inside
 *
 * No VFS call is made with a virtqueue's mutex held.
 */
#ifndef VHOST_FS_DEV_H
#define VHOST_FS_DEV_H

#include <linux/fs.h>
#include <linux/list.h>
#include <linux/sched.h>
#include <linux/vhost_fs.h>
#include <linux/wait.h>

#include "lock.h"
#include "pool.h"
#include "session.h"
#include "vhost_core.h"

struct vhost_fs_queue;
struct vhost_fs_share;
struct vhost_fs_transfer;

/* Ring 0 is the hiprio queue, the others are request queues. */
#define VHOST_FS_NVQS		(1 + VHOST_FS_MAX_REQUEST_QUEUES)

/*
 * How to wait for what a guest or a file server keeps busy: who waits isn't taken for
 * stuck, can be killed but where nobody else would go on, and doesn't keep the host from
 * being suspended, as what he waits for may be frozen before him. That he has vdev.mutex
 * meanwhile can hold up no other process's being frozen but one that uses the same device.
 */
#define VHOST_FS_WAIT_KILLABLE	(TASK_KILLABLE | TASK_FREEZABLE_UNSAFE)
#define VHOST_FS_WAIT_IDLE	(TASK_IDLE | TASK_FREEZABLE_UNSAFE)

/**
 * struct vhost_fs_dev - an open /dev/vhost-fs
 * @vdev: the vhost core's part; its mutex guards what says so
 * @vqs: pointers into @queues, for the core
 * @queues: hiprio queue first
 * @entry: place in the list of devices; under devices_lock
 * @id: number that orders the list; constant
 * @owner: thread group that set itself owner, or NULL; written under
 *	vdev.mutex; RCU to read
 * @share: NULL until attached, then constant; written under vdev.mutex
 * @running: serving; under vdev.mutex
 * @nr_request_queues: request queues that are served; under vdev.mutex
 * @pool: threads
 * @session: nodes and handles
 * @locks: locks, and requests that wait for them
 * @transfer: its state's on the way, or how that ended; under vdev.mutex
 * @idle_wq: woken when a queue has no request in flight
 */
struct vhost_fs_dev {
	struct vhost_dev vdev;
	struct vhost_virtqueue *vqs[VHOST_FS_NVQS];
	struct vhost_fs_queue *queues;
	struct list_head entry;
	u32 id;
	struct pid __rcu *owner;
	struct vhost_fs_share *share;
	bool running;
	unsigned int nr_request_queues;
	struct vhost_fs_pool pool;
	struct vhost_fs_session session;
	struct vhost_fs_lock_state locks;
	struct vhost_fs_transfer *transfer;
	wait_queue_head_t idle_wq;
};

extern const struct file_operations vhost_fs_fops;

int vhost_fs_dev_check_owner(struct vhost_fs_dev *fs);

int vhost_fs_dev_for_each(u32 from,
			  int (*fn)(struct vhost_fs_dev *fs, void *arg),
			  void *arg);

#endif /* VHOST_FS_DEV_H */
