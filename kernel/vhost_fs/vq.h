/* SPDX-License-Identifier: GPL-2.0-only */
/* One ring: looking at it, starting and stopping it, taking and answering chains. */
#ifndef VHOST_FS_VQ_H
#define VHOST_FS_VQ_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/uaccess.h>

#include "stats.h"
#include "vhost_core.h"

struct dentry;
struct super_block;
struct vhost_fs_dev;
struct vhost_fs_req;
struct vhost_fs_worker;

/**
 * struct vhost_fs_region - guest memory that is one piece in the VMM
 * @first: its first guest address; above @last for none
 * @last: its last
 * @offset: what makes a guest address one in the VMM when added
 */
struct vhost_fs_region {
	u64 first;
	u64 last;
	u64 offset;
};

/**
 * struct vhost_fs_queue - one ring
 * @vq: the vhost core's part
 * @fs: the device; constant
 * @looking: 1 while somebody has promised to look at the ring: the token that
 *	a kick takes and a thread gives back when the ring is watched
 * @pending: place in one of the pool's lists; under the pool's lock
 * @offered_by: whose request may sleep, if it is in that list; likewise
 * @queued_at: jiffies, since when it waits in one of those lists; likewise
 * @inflight: requests taken from the ring and not yet answered; under
 *	vq.mutex
 * @paused: take nothing from the ring; under vq.mutex
 * @broken: this ring, or another of the device, was not valid; take nothing from
 *	it until it is started anew; under vq.mutex
 * @ready: parked requests to be tried again; under vhost_fs_lock_state.lock
 * @kept: requests that the last owner's end interrupted, to be taken first; under
 *	vq.mutex
 * @parked_descs: descriptors that parked requests hold; under
 *	vhost_fs_lock_state.lock
 * @resumed: what was taken last was a parked request; under vq.mutex
 * @stopping: stopped, and not yet drained; under vq.mutex
 * @due: chains that a stop waits for to be taken; under vq.mutex
 * @stop_num: size of the ring when it was stopped; under vq.mutex
 * @stop_avail: where chains were to be taken on; under vq.mutex
 * @stop_used: where used elements were to be put on; under vq.mutex
 * @poll_ns: how long to poll before sleeping; only for the holder of @looking
 * @stay: how many times not to give way to others; as @poll_ns
 * @stay_next: what to set it to when that was of no use; as @poll_ns
 * @unsignalled: answers the guest hasn't been called for; under vq.mutex
 * @unsignalled_since: jiffies at the first of them; under vq.mutex
 * @region: of the memory table, used last; under vq.mutex
 * @stats: under vq.mutex
 */
struct vhost_fs_queue {
	struct vhost_virtqueue vq;
	struct vhost_fs_dev *fs;
	atomic_t looking;
	struct list_head pending;
	struct vhost_fs_worker *offered_by;
	unsigned long queued_at;
	unsigned int inflight;
	bool paused;
	bool broken;
	struct list_head ready;
	struct list_head kept;
	unsigned int parked_descs;
	bool resumed;
	bool stopping;
	u16 due;
	unsigned int stop_num;
	u16 stop_avail;
	u16 stop_used;
	u32 poll_ns;
	unsigned int stay;
	unsigned int stay_next;
	unsigned int unsignalled;
	unsigned long unsignalled_since;
	struct vhost_fs_region region;
	struct vhost_fs_stats stats;
};

/**
 * vhost_fs_vq_active - may chains be taken off a ring?
 * @q: the queue
 *
 * Return: whether they may.
 *
 * Context: vq.mutex held.
 */
static inline bool vhost_fs_vq_active(struct vhost_fs_queue *q)
{
	lockdep_assert_held(&q->vq.mutex);

	return vhost_vq_get_backend(&q->vq) && !q->paused && !q->broken;
}

/**
 * vhost_fs_vq_read_avail - how far has the guest filled a ring?
 * @vq: the core's part of the queue
 * @to: the index at which the next chain will be put
 *
 * Return: whether that could be read.
 *
 * Context: a task with the owner's memory.
 */
static inline bool vhost_fs_vq_read_avail(struct vhost_virtqueue *vq, u16 *to)
{
	vring_avail_t __user *avail = READ_ONCE(vq->avail);
	__virtio16 idx;

	if (!avail || get_user(idx, &avail->idx))
		return false;
	*to = __virtio16_to_cpu(vq->is_le, idx);
	return true;
}

int vhost_fs_vq_start(struct vhost_fs_queue *q);
int vhost_fs_vq_serve_due(struct vhost_fs_dev *fs);
void vhost_fs_vq_stop(struct vhost_fs_queue *q);
int vhost_fs_vq_pause_all(struct vhost_fs_dev *fs);
void vhost_fs_vq_resume_all(struct vhost_fs_dev *fs);
void vhost_fs_vq_drain(struct vhost_fs_queue *q);

void vhost_fs_vq_init(struct vhost_fs_dev *fs, struct vhost_fs_queue *q);
void vhost_fs_vq_kick(struct vhost_fs_queue *q);
void vhost_fs_vq_call(struct vhost_fs_queue *q);
void vhost_fs_vq_serve(struct vhost_fs_queue *q, struct vhost_fs_req *req);
void vhost_fs_may_block(struct vhost_fs_req *req);
void vhost_fs_may_sleep(struct vhost_fs_req *req, bool call);

bool vhost_fs_in_memory(const struct super_block *sb);
void vhost_fs_may_block_on(struct vhost_fs_req *req, const struct dentry *dentry);
void vhost_fs_may_sleep_on(struct vhost_fs_req *req, const struct dentry *dentry);

int vhost_fs_chain_take(struct vhost_fs_queue *q, struct vhost_fs_req *req);
int vhost_fs_chain_put(struct vhost_fs_queue *q, unsigned int head, u32 len);
void vhost_fs_chain_forget(struct vhost_fs_queue *q);

#endif /* VHOST_FS_VQ_H */
