/* SPDX-License-Identifier: GPL-2.0-only */
/* The threads of one device. */
#ifndef VHOST_FS_POOL_H
#define VHOST_FS_POOL_H

#include <linux/kcov.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/workqueue.h>

struct vhost_fs_dev;
struct vhost_fs_queue;
struct vhost_fs_req;

/* Threads that one device may have. */
#define VHOST_FS_MAX_THREADS	64

/**
 * struct vhost_fs_pool - the threads of one device
 * @lock: guards the rest, save what says otherwise; taken in kicks
 * @workers: all threads; changed by the owner of vhost_dev.mutex, by @shrink
 *	and by threads that create another
 * @idle: threads without work, the last to become idle first
 * @pending: queues whose look is promised to the next thread that is free
 * @offered: queues whose look somebody has who may sleep, and then can't use it
 * @nr: threads, those being created included
 * @nr_idle: entries of @idle
 * @nr_new: threads that are being made, or haven't run yet; each asks for work when it
 *	does
 * @nr_active: threads that have work and don't block
 * @max_active: how many of them there may be: the processors that the thread may use
 *	which was idle or done last
 * @no_thread_until: jiffies; one could not be made lately
 * @refused: the last one that was to be made could not be
 * @running: threads exist and take work
 * @kcov_handle: whose coverage the threads' is; written while there are none
 * @shrink: stops threads that have long been idle
 * @rescue: wakes an idle thread if active ones turn out to sleep
 */
struct vhost_fs_pool {
	spinlock_t lock;
	struct list_head workers;
	struct list_head idle;
	struct list_head pending;
	struct list_head offered;
	unsigned int nr;
	unsigned int nr_idle;
	unsigned int nr_new;
	unsigned int nr_active;
	unsigned int max_active;
	unsigned long no_thread_until;
	bool refused;
	bool running;
	typeof(kcov_common_handle()) kcov_handle;
	struct delayed_work shrink;
	struct timer_list rescue;
};

void vhost_fs_pool_init(struct vhost_fs_dev *fs);

int vhost_fs_pool_start(struct vhost_fs_dev *fs, unsigned int nr_queues);
void vhost_fs_pool_stop(struct vhost_fs_dev *fs);
void vhost_fs_pool_submit(struct vhost_fs_queue *q);
void vhost_fs_pool_reserve(struct vhost_fs_dev *fs);
bool vhost_fs_pool_is_short(struct vhost_fs_dev *fs);
bool vhost_fs_pool_offer(struct vhost_fs_req *req);
bool vhost_fs_pool_take_back(struct vhost_fs_req *req);
void vhost_fs_pool_block(struct vhost_fs_req *req);
void vhost_fs_pool_unblock(struct vhost_fs_req *req);
bool vhost_fs_pool_has_pending(struct vhost_fs_dev *fs);

#endif /* VHOST_FS_POOL_H */
