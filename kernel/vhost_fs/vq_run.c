// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whether rings are served: starting, pausing and stopping them.
 *
 * Nothing can be in flight, and nothing be taken off a ring, after
 * vhost_fs_vq_stop() and vhost_fs_vq_drain(). An owner that stops the device in
 * good order leaves nothing on the rings that was there before, either
 * (vhost_fs_vq_serve_due()), and the guest kicks for what comes next: whoever goes
 * on with the rings may look at them only when it is kicked.
 *
 * Who waits here waits for what a guest or a file server keeps busy
 * (VHOST_FS_WAIT_KILLABLE).
 */
#include <linux/sched/signal.h>
#include <linux/wait.h>

#include "dev.h"
#include "keep.h"
#include "park.h"
#include "vq.h"

/*
 * How long a stop serves what is on the rings. A VMM that waits for it may hold what
 * all of it needs, and the guest has filled the rings with whatever takes longest.
 */
#define VHOST_FS_SERVE_DUE	(5 * HZ)

static void vq_set_paused(struct vhost_fs_queue *q, bool paused)
{
	mutex_lock(&q->vq.mutex);
	q->paused = paused;
	vhost_fs_chain_forget(q);
	mutex_unlock(&q->vq.mutex);
}

/**
 * vhost_fs_vq_start - begin to serve a ring
 * @q: the queue, whose addresses have been set
 *
 * Return: 0, -EFAULT if the ring or the log lies outside the memory table.
 *
 * Context: the owner, vdev.mutex held; the caller then kicks the queue.
 */
int vhost_fs_vq_start(struct vhost_fs_queue *q)
{
	struct vhost_virtqueue *vq = &q->vq;
	bool fresh = false;
	int err = -EFAULT;

	lockdep_assert_held(&q->fs->vdev.mutex);

	mutex_lock(&vq->mutex);
	if (!vhost_vq_access_ok(vq))
		goto unlock;
	vhost_vq_set_backend(vq, q);
	vhost_fs_chain_forget(q);
	WRITE_ONCE(q->broken, false);
	err = vhost_vq_init_access(vq);
	if (err)
		vhost_vq_set_backend(vq, NULL);
	else
		fresh = !vhost_fs_park_same_place(q);
	q->paused = fresh;
	/* An owner that died may have had no time to call for its last answers. */
	WRITE_ONCE(q->unsignalled, !err && !fresh);
unlock:
	mutex_unlock(&vq->mutex);
	if (fresh) {
		/* The guest knows nothing of what waited on the old ring. */
		vhost_fs_park_drop(q->fs, q);
		vhost_fs_keep_drop(q);
		vq_set_paused(q, false);
	}
	return err;
}

/**
 * vhost_fs_vq_stop - take nothing from a ring any more
 * @q: the queue
 *
 * Requests already taken go on; see vhost_fs_vq_drain().
 */
void vhost_fs_vq_stop(struct vhost_fs_queue *q)
{
	struct vhost_dev *vdev = &q->fs->vdev;

	mutex_lock(&q->vq.mutex);
	if (vhost_vq_get_backend(&q->vq)) {
		q->stopping = true;
		/* Another process has other memory at the ring's addresses. */
		if (!q->broken && !vhost_dev_check_owner(vdev))
			vhost_enable_notify(vdev, &q->vq);
	}
	vhost_vq_set_backend(&q->vq, NULL);
	mutex_unlock(&q->vq.mutex);
}

/**
 * vhost_fs_vq_drain - wait until every request taken has been answered
 * @q: a queue that has been stopped or paused
 */
void vhost_fs_vq_drain(struct vhost_fs_queue *q)
{
	/*
	 * A file server that is away holds a request up for as long as it likes. Who
	 * waits for that is not to be taken for stuck. Killed with the threads that
	 * serve, he has not long to wait; where he only closes what another process
	 * serves with, he waits on.
	 */
	if (wait_event_state(q->fs->idle_wq, !READ_ONCE(q->inflight),
			     VHOST_FS_WAIT_KILLABLE))
		wait_event_state(q->fs->idle_wq, !READ_ONCE(q->inflight),
				 VHOST_FS_WAIT_IDLE);
	/* See what the last one wrote, and let it leave the lock. */
	mutex_lock(&q->vq.mutex);
	if (q->stopping)
		vhost_fs_park_stopped(q);
	q->stopping = false;
	mutex_unlock(&q->vq.mutex);
}

/**
 * vhost_fs_vq_pause_all - let no request be in flight
 * @fs: the device
 *
 * For changes that requests in flight must not see: the memory table, the
 * dirty log, the features.
 *
 * Return: 0 and the caller must vhost_fs_vq_resume_all(), or -EINTR when killed
 * while waiting for a request that blocks, with nothing paused.
 *
 * Context: process context, vdev.mutex held.
 */
int vhost_fs_vq_pause_all(struct vhost_fs_dev *fs)
{
	unsigned int i;

	lockdep_assert_held(&fs->vdev.mutex);

	for (i = 0; i < VHOST_FS_NVQS; i++)
		vq_set_paused(&fs->queues[i], true);
	for (i = 0; i < VHOST_FS_NVQS; i++) {
		struct vhost_fs_queue *q = &fs->queues[i];

		if (wait_event_state(fs->idle_wq, !READ_ONCE(q->inflight),
				     VHOST_FS_WAIT_KILLABLE)) {
			vhost_fs_vq_resume_all(fs);
			return -EINTR;
		}
		vhost_fs_vq_drain(q);
	}
	return 0;
}

/**
 * vhost_fs_vq_resume_all - undo vhost_fs_vq_pause_all()
 * @fs: the device
 *
 * Context: process context, vdev.mutex held.
 */
void vhost_fs_vq_resume_all(struct vhost_fs_dev *fs)
{
	unsigned int i;

	lockdep_assert_held(&fs->vdev.mutex);

	for (i = 0; i < VHOST_FS_NVQS; i++)
		vq_set_paused(&fs->queues[i], false);
	if (!fs->running)
		return;
	for (i = 0; i < VHOST_FS_NVQS; i++)
		vhost_fs_vq_kick(&fs->queues[i]);
}

/* What is on the ring now is to be taken before a stop, and nothing that follows. */
static void vq_set_due(struct vhost_fs_queue *q)
{
	struct vhost_virtqueue *vq = &q->vq;
	bool due;
	u16 idx;

	mutex_lock(&vq->mutex);
	q->due = 0;
	if (vhost_fs_vq_active(q) && vhost_fs_vq_read_avail(vq, &idx))
		q->due = min_t(u16, idx - vq->last_avail_idx, vq->num);
	due = q->due;
	mutex_unlock(&vq->mutex);
	if (due)
		vhost_fs_vq_kick(q);
}

static void vq_set_none_due(struct vhost_fs_queue *q)
{
	mutex_lock(&q->vq.mutex);
	WRITE_ONCE(q->due, 0);
	mutex_unlock(&q->vq.mutex);
}

static bool vq_none_due(struct vhost_fs_dev *fs)
{
	unsigned int i;

	if (!READ_ONCE(fs->pool.running))
		return true;
	for (i = 0; i < VHOST_FS_NVQS; i++) {
		struct vhost_fs_queue *q = &fs->queues[i];

		if (READ_ONCE(q->due) && !READ_ONCE(q->broken))
			return false;
	}
	return true;
}

/**
 * vhost_fs_vq_serve_due - wait until what is on the rings has been taken
 * @fs: the device
 *
 * Before a stop after which another server may go on with the rings. That is not
 * waited for without end: what is still there after some seconds stays on the rings.
 *
 * Return: 0, or -EINTR when killed meanwhile.
 *
 * Context: process context of the owner, vdev.mutex held.
 */
int vhost_fs_vq_serve_due(struct vhost_fs_dev *fs)
{
	unsigned int i;
	long left;

	lockdep_assert_held(&fs->vdev.mutex);

	if (!fs->running)
		return 0;
	for (i = 0; i < VHOST_FS_NVQS; i++)
		vq_set_due(&fs->queues[i]);
	left = ___wait_event(fs->idle_wq, ___wait_cond_timeout(vq_none_due(fs)),
			     VHOST_FS_WAIT_KILLABLE, 0, VHOST_FS_SERVE_DUE,
			     __ret = schedule_timeout(__ret));
	if (left < 0)
		return -EINTR;
	for (i = 0; !left && i < VHOST_FS_NVQS; i++)
		vq_set_none_due(&fs->queues[i]);
	return 0;
}
