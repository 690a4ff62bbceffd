// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parked requests: those that wait for a lock.
 *
 * A lock may stay held for days, so a request that waits for one holds no
 * thread and isn't in flight: it is taken apart into a struct vhost_fs_parked,
 * which keeps the lock, the handle, the request's header, its place in the ring
 * (the head of its chain) and, in guest addresses, where its reply goes. When
 * the lock manager says that the lock may be free (vhost_fs_park_notify()), the
 * parked request is put on its queue's list of ready ones, and the queue is
 * kicked; a thread takes it from there as it takes chains off the ring, puts it
 * together again and tries once more.
 *
 * States, under vhost_fs_lock_state.lock:
 *
 *	RUNNING		somebody owns it: the thread that parks it or tries
 *			again, or the tick; whatever happens is noted (@again)
 *	WAITING		among the waiters of a lock, or polled
 *	READY		on its queue's list
 *
 * Not every lock has a place for waiters that don't sleep: there is none for
 * flock(), nor where a file system keeps locks itself. Such requests are polled:
 * when a device of ours drops a flock() lock on the file, and by the tick.
 *
 * Nothing is granted while a ring is stopped, since a request gets its lock
 * only when it is tried again. Stopped requests stay parked if the ring is
 * started where it stopped; if not, the guest has forgotten them, and so do we.
 * Others may have queued up behind a waiter of ours, host processes among them:
 * one that has been told that the lock may be free, and isn't tried again soon
 * because its ring is stopped, or the VMM killed, is taken out of their way by
 * the tick.
 */
#include <linux/filelock.h>
#include <linux/fs.h>
#include <linux/fuse.h>
#include <linux/hash.h>
#include <linux/slab.h>
#include <linux/vhost_iotlb.h>

#include "dev.h"
#include "guestmem.h"
#include "handle.h"
#include "keep.h"
#include "lock.h"
#include "lock_owner.h"
#include "op.h"
#include "park.h"
#include "request.h"
#include "share.h"
#include "vq.h"

/* How long a request may be ready before it must let others pass. */
#define VHOST_FS_PARK_PASS	(HZ / 10)

/* Polling begins at once and becomes slower, up to this. */
#define VHOST_FS_PARK_POLL_MAX	(HZ / 4)

enum park_state {
	PARK_RUNNING,
	PARK_WAITING,
	PARK_READY,
};

/**
 * struct park_piece - guest memory for a piece of a reply
 * @addr: guest address
 * @len: bytes, at least 1
 */
struct park_piece {
	u64 addr;
	u32 len;
};

/* Of a reply that is but a header, each byte may lie elsewhere. */
#define PARK_PIECES sizeof(struct fuse_out_header)

/**
 * struct vhost_fs_parked - a request that waits for a lock
 * @q: its queue; constant
 * @entry: place in the device's list; under vhost_fs_lock_state.lock
 * @ready: place in the queue's list when READY; under vhost_fs_lock_state.lock
 * @polled: place in its file's list of polled requests, or empty; under that
 *	list's lock
 * @state: enum park_state; under vhost_fs_lock_state.lock
 * @again: something happened while it was RUNNING; under vhost_fs_lock_state.lock
 * @poll_delay: jiffies between two polls; under vhost_fs_lock_state.lock
 * @poll_at: when the next one is due; under vhost_fs_lock_state.lock
 * @passed: others have been let pass; under vhost_fs_lock_state.lock
 * @result: what to answer without trying again, or 0; under
 *	vhost_fs_lock_state.lock
 * @fl: the lock; owned as the state says
 * @handle: whose file is locked; constant
 * @hdr: header of the request; constant
 * @head: head of its chain; constant
 * @descs: descriptors of the ring that it holds; constant
 * @nr: entries of @pieces; constant
 * @pieces: where the reply's header goes; constant
 */
struct vhost_fs_parked {
	struct vhost_fs_queue *q;
	struct list_head entry;
	struct list_head ready;
	struct list_head polled;
	enum park_state state;
	bool again;
	bool passed;
	unsigned long poll_delay;
	unsigned long poll_at;
	int result;
	struct file_lock fl;
	struct vhost_fs_handle *handle;
	struct fuse_in_header hdr;
	int head;
	unsigned int descs;
	unsigned int nr;
	struct park_piece pieces[PARK_PIECES];
};

/**
 * struct park_polled - polled requests of all devices, for some of the files
 * @lock: guards the list; vhost_fs_lock_state.lock is inside
 * @list: entries are struct vhost_fs_parked
 */
struct park_polled {
	spinlock_t lock;
	struct list_head list;
};

/* By file, so that what waits for one costs those little who drop others. */
#define PARK_POLLED_BITS 8
static struct park_polled polled[1 << PARK_POLLED_BITS];

static struct vhost_fs_lock_state *park_locks(struct vhost_fs_parked *p)
{
	return &p->q->fs->locks;
}

static struct park_polled *park_polled(const struct inode *inode)
{
	return &polled[hash_ptr(inode, PARK_POLLED_BITS)];
}

/* Try it again as soon as a thread can. */
static void park_wake(struct vhost_fs_parked *p)
{
	lockdep_assert_held(&park_locks(p)->lock);

	if (p->state == PARK_RUNNING) {
		p->again = true;
		return;
	}
	if (p->state == PARK_WAITING) {
		p->state = PARK_READY;
		list_add_tail(&p->ready, &p->q->ready);
	}
	vhost_fs_vq_kick(p->q);
}

/* A tick is due in @delay jiffies, if none is before that. */
static void park_tick_in(struct vhost_fs_lock_state *locks, unsigned long delay)
{
	unsigned long at = jiffies + delay;

	lockdep_assert_held(&locks->lock);

	if (locks->closed)
		return;
	if (delayed_work_pending(&locks->tick) &&
	    time_before_eq(locks->tick_at, at))
		return;
	locks->tick_at = at;
	/* Armed under the lock only, so nothing comes between these two. */
	cancel_delayed_work(&locks->tick);
	schedule_delayed_work(&locks->tick, delay);
}

/**
 * vhost_fs_park_notify - the lock manager says that a lock may be free
 * @fl: the lock that was waited for; nobody waits for it now
 *
 * Context: spinlocks of the lock manager held.
 */
void vhost_fs_park_notify(struct file_lock *fl)
{
	struct vhost_fs_parked *p = container_of(fl, struct vhost_fs_parked, fl);
	struct vhost_fs_lock_state *locks = park_locks(p);

	spin_lock(&locks->lock);
	park_wake(p);
	park_tick_in(locks, VHOST_FS_PARK_PASS);
	spin_unlock(&locks->lock);
}

/**
 * vhost_fs_park_wake_inode - a flock() lock on a file may be free
 * @inode: the file
 *
 * Context: process context.
 */
void vhost_fs_park_wake_inode(struct inode *inode)
{
	struct park_polled *of_file = park_polled(inode);
	struct vhost_fs_parked *p;

	/* The list is changed plainly, under its lock. */
	if (data_race(list_empty_careful(&of_file->list)))
		return;
	spin_lock(&of_file->lock);
	list_for_each_entry(p, &of_file->list, polled) {
		if (file_inode(p->fl.c.flc_file) != inode)
			continue;
		spin_lock(&park_locks(p)->lock);
		park_wake(p);
		spin_unlock(&park_locks(p)->lock);
	}
	spin_unlock(&of_file->lock);
}

/* Is there a place among the waiters that needs no thread? */
static bool park_needs_poll(const struct file_lock *fl)
{
	return (fl->c.flc_flags & FL_FLOCK) || fl->c.flc_file->f_op->lock;
}

static void park_start_poll(struct vhost_fs_parked *p)
{
	struct park_polled *of_file = park_polled(file_inode(p->fl.c.flc_file));

	p->poll_delay = 1;
	spin_lock(&of_file->lock);
	list_add_tail(&p->polled, &of_file->list);
	spin_unlock(&of_file->lock);
}

static void park_stop_poll(struct vhost_fs_parked *p)
{
	struct park_polled *of_file = park_polled(file_inode(p->fl.c.flc_file));

	if (list_empty(&p->polled))
		return;
	spin_lock(&of_file->lock);
	list_del_init(&p->polled);
	spin_unlock(&of_file->lock);
}

/* Note where the reply's header goes; the decoder has seen that it fits. */
static int park_save_pieces(struct vhost_fs_req *req, struct vhost_fs_parked *p)
{
	const struct iovec *iov = req->iov + req->out_num;
	u32 left = sizeof(struct fuse_out_header);
	unsigned int i;

	for (i = 0; left && i < req->in_num; i++) {
		u32 len = min_t(size_t, left, iov[i].iov_len);
		struct park_piece *piece = &p->pieces[p->nr];

		if (!len)
			continue;
		if (!vhost_fs_guest_addr(&req->fs->vdev,
					 (uintptr_t)iov[i].iov_base,
					 &piece->addr))
			return -EFAULT;
		piece->len = len;
		p->nr++;
		left -= len;
	}
	return left ? -EFAULT : 0;
}

/* An indirect chain takes one descriptor of the ring. */
static unsigned int park_count_descs(struct vhost_fs_req *req)
{
	if (vhost_has_feature(&req->q->vq, VIRTIO_RING_F_INDIRECT_DESC))
		return 1;
	return req->out_num + req->in_num;
}

static struct vhost_fs_parked *park_alloc(struct vhost_fs_req *req,
					  struct file_lock *fl)
{
	struct vhost_fs_parked *p = kzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);

	if (!p)
		return NULL;
	p->q = req->q;
	p->head = req->head;
	p->hdr = *req->hdr;
	p->handle = req->handle;
	p->descs = park_count_descs(req);
	INIT_LIST_HEAD(&p->ready);
	INIT_LIST_HEAD(&p->polled);
	if (park_save_pieces(req, p)) {
		kfree(p);
		return NULL;
	}
	refcount_inc(&p->handle->ref);
	vhost_fs_lock_copy(&p->fl, fl);
	if (!park_needs_poll(fl))
		p->fl.c.flc_flags |= FL_SLEEP;
	return p;
}

static void park_free(struct vhost_fs_parked *p)
{
	/* After this the lock manager knows it no more. */
	locks_delete_block(&p->fl);
	park_stop_poll(p);
	vhost_fs_lock_drop(&p->fl);
	vhost_fs_handle_put(p->handle);
	kfree(p);
}

/*
 * Half of a ring's descriptors stay free of waiting requests, or the guest
 * could not send the one that unlocks.
 */
static int park_list(struct vhost_fs_parked *p, u64 max)
{
	struct vhost_fs_lock_state *locks = park_locks(p);
	struct vhost_fs_queue *q = p->q;
	int err = 0;

	spin_lock(&locks->lock);
	if (p->handle->released) {
		err = -EBADF;
	} else if (locks->nr >= max || q->parked_descs + p->descs > q->vq.num / 2) {
		err = -ENOLCK;
	} else {
		WRITE_ONCE(locks->nr, locks->nr + 1);
		q->parked_descs += p->descs;
		list_add_tail(&p->entry, &locks->parked);
	}
	spin_unlock(&locks->lock);
	return err;
}

/* Take it off the device's list; it is RUNNING. */
static void park_unlist(struct vhost_fs_parked *p)
{
	struct vhost_fs_lock_state *locks = park_locks(p);

	lockdep_assert_held(&locks->lock);

	list_del(&p->entry);
	p->q->parked_descs -= p->descs;
	WRITE_ONCE(locks->nr, locks->nr - 1);
}

static void park_end(struct vhost_fs_parked *p)
{
	struct vhost_fs_lock_state *locks = park_locks(p);

	spin_lock(&locks->lock);
	park_unlist(p);
	spin_unlock(&locks->lock);
	park_free(p);
}

/* It has to wait; or to be tried again, if something happened meanwhile. */
static void park_wait(struct vhost_fs_parked *p)
{
	struct vhost_fs_lock_state *locks = park_locks(p);

	spin_lock(&locks->lock);
	p->state = PARK_WAITING;
	if (p->again) {
		p->again = false;
		park_wake(p);
	} else if (!list_empty(&p->polled)) {
		p->poll_at = jiffies + p->poll_delay;
		park_tick_in(locks, p->poll_delay);
	}
	spin_unlock(&locks->lock);
}

static void park_again(struct vhost_fs_parked *p)
{
	struct vhost_fs_lock_state *locks = park_locks(p);

	spin_lock(&locks->lock);
	p->again = true;
	spin_unlock(&locks->lock);
}

/* Returns VHOST_FS_PARKED if it isn't to be answered yet. */
static int park_try(struct vhost_fs_parked *p)
{
	struct vhost_fs_lock_state *locks = park_locks(p);
	int err;

	spin_lock(&locks->lock);
	err = p->result;
	spin_unlock(&locks->lock);
	if (err)
		return err;
	err = vhost_fs_lock_apply(&p->fl);
	/* The owner is being killed, and the next one's thread tries again. */
	if (vhost_fs_keep_wants(err)) {
		park_again(p);
		err = -EAGAIN;
	}
	if (err == FILE_LOCK_DEFERRED || err == -EAGAIN) {
		park_wait(p);
		return VHOST_FS_PARKED;
	}
	return err;
}

/* What isn't to wait is answered, be its thread killed: see keep.c. */
static int park_finish(struct vhost_fs_req *req, struct vhost_fs_parked *p)
{
	int err = park_try(p);

	if (err == VHOST_FS_PARKED)
		return err;
	req->changed = true;
	park_end(p);
	return err;
}

/**
 * vhost_fs_park - have a request wait for a lock
 * @req: the request, with a handle
 * @fl: the lock, which wasn't free; copied
 *
 * Return: VHOST_FS_PARKED, and the request's thread must do no more with it;
 * 0 if the lock was free now; -EDEADLK; -ENOLCK if too many wait; another
 * errno.
 *
 * Context: a thread of the pool, no locks held.
 */
int vhost_fs_park(struct vhost_fs_req *req, struct file_lock *fl)
{
	struct vhost_fs_parked *p = park_alloc(req, fl);
	int err;

	if (!p)
		return fatal_signal_pending(current) ? -ENOMEM : -ENOLCK;
	err = park_list(p, READ_ONCE(req->share->max_blocked));
	if (err) {
		park_free(p);
		return err;
	}
	if (park_needs_poll(fl))
		park_start_poll(p);
	return park_finish(req, p);
}

/**
 * vhost_fs_park_take - take the request that has been ready for longest
 * @q: the queue
 *
 * Return: the request, for vhost_fs_park_resume(), or NULL.
 *
 * Context: the queue's mutex held.
 */
struct vhost_fs_parked *vhost_fs_park_take(struct vhost_fs_queue *q)
{
	struct vhost_fs_lock_state *locks = &q->fs->locks;
	struct vhost_fs_parked *p;

	spin_lock(&locks->lock);
	p = list_first_entry_or_null(&q->ready, struct vhost_fs_parked, ready);
	if (p) {
		list_del_init(&p->ready);
		p->state = PARK_RUNNING;
		p->passed = false;
	}
	spin_unlock(&locks->lock);
	return p;
}

/* The memory table may be another one than when the request was parked. */
static bool park_add_piece(struct vhost_fs_req *req, struct park_piece piece)
{
	unsigned int n = vhost_fs_guest_pieces(req, req->in_num, piece.addr,
					       piece.len, VHOST_MAP_WO);

	req->in_num += n;
	return n;
}

/* Room for a header's reply, or none if the guest's memory has gone. */
static void park_fill_iov(struct vhost_fs_req *req, struct vhost_fs_parked *p)
{
	unsigned int i;

	req->out_num = 0;
	req->in_num = 0;
	for (i = 0; i < p->nr; i++) {
		if (!park_add_piece(req, p->pieces[i])) {
			req->in_num = 0;
			break;
		}
		if (req->log) {
			req->log[i].addr = p->pieces[i].addr;
			req->log[i].len = p->pieces[i].len;
		}
	}
	if (vhost_has_feature(&req->q->vq, VHOST_F_LOG_ALL))
		req->log_num = p->nr;
}

/**
 * vhost_fs_park_fill - put a request together again
 * @req: the thread's request, with @parked set; it gets head, pieces of memory
 *	and what to log
 * @hdr: gets the header
 */
void vhost_fs_park_fill(struct vhost_fs_req *req, struct fuse_in_header *hdr)
{
	struct vhost_fs_parked *p = req->parked;

	req->head = p->head;
	*hdr = p->hdr;
	park_fill_iov(req, p);
	vhost_fs_req_measure(req);
}

/**
 * vhost_fs_park_resume - try again
 * @req: the request, as vhost_fs_park_fill() left it
 *
 * Return: VHOST_FS_PARKED if it is to wait on, and @parked belongs to others;
 * else what to answer, and @parked has gone.
 *
 * Context: a thread of the pool, no locks held.
 */
int vhost_fs_park_resume(struct vhost_fs_req *req)
{
	struct vhost_fs_parked *p = req->parked;

	if (p->fl.c.flc_file->f_op->lock || p->fl.c.flc_file->f_op->flock)
		vhost_fs_may_block(req);
	return park_finish(req, p);
}

static void park_cancel(struct vhost_fs_parked *p)
{
	if (!p->result)
		p->result = -EINTR;
	park_wake(p);
}

/**
 * vhost_fs_park_interrupt - FUSE_INTERRUPT
 * @fs: the device
 * @unique: what the guest called the request
 */
void vhost_fs_park_interrupt(struct vhost_fs_dev *fs, u64 unique)
{
	struct vhost_fs_parked *p;

	spin_lock(&fs->locks.lock);
	list_for_each_entry(p, &fs->locks.parked, entry)
		if (p->hdr.unique == unique)
			park_cancel(p);
	spin_unlock(&fs->locks.lock);
}

/**
 * vhost_fs_park_release - nothing waits for a lock on this handle any more
 * @fs: the device
 * @handle: the handle, which the guest has given back
 */
void vhost_fs_park_release(struct vhost_fs_dev *fs,
			   struct vhost_fs_handle *handle)
{
	struct vhost_fs_parked *p;

	spin_lock(&fs->locks.lock);
	handle->released = true;
	list_for_each_entry(p, &fs->locks.parked, entry)
		if (p->handle == handle)
			park_cancel(p);
	spin_unlock(&fs->locks.lock);
}

/* A request that has been ready for a while and let nobody pass, RUNNING. */
static struct vhost_fs_parked *park_take_late(struct vhost_fs_lock_state *locks)
{
	struct vhost_fs_parked *p;

	lockdep_assert_held(&locks->lock);

	list_for_each_entry(p, &locks->parked, entry) {
		if (p->state != PARK_READY || p->passed)
			continue;
		list_del_init(&p->ready);
		p->state = PARK_RUNNING;
		p->passed = true;
		return p;
	}
	return NULL;
}

/* Wake those who queued up behind requests of ours that don't get on. */
static void park_let_pass(struct vhost_fs_lock_state *locks)
{
	struct vhost_fs_parked *p;

	spin_lock(&locks->lock);
	while ((p = park_take_late(locks))) {
		spin_unlock(&locks->lock);
		locks_delete_block(&p->fl);
		spin_lock(&locks->lock);
		p->state = PARK_WAITING;
		p->again = false;
		park_wake(p);
	}
	spin_unlock(&locks->lock);
}

/* Poll one if it is time, or see that there is a tick when it is. */
static void park_poll_one(struct vhost_fs_lock_state *locks,
			  struct vhost_fs_parked *p)
{
	lockdep_assert_held(&locks->lock);

	if (time_before(jiffies, p->poll_at)) {
		park_tick_in(locks, p->poll_at - jiffies);
		return;
	}
	p->poll_delay = min_t(unsigned long, 2 * p->poll_delay,
			      VHOST_FS_PARK_POLL_MAX);
	park_wake(p);
}

static void park_poll(struct vhost_fs_lock_state *locks)
{
	struct vhost_fs_parked *p;

	spin_lock(&locks->lock);
	list_for_each_entry(p, &locks->parked, entry)
		if (p->state == PARK_WAITING && !list_empty(&p->polled))
			park_poll_one(locks, p);
	spin_unlock(&locks->lock);
}

static void park_tick(struct work_struct *work)
{
	struct vhost_fs_lock_state *locks =
		container_of(to_delayed_work(work), struct vhost_fs_lock_state, tick);

	park_let_pass(locks);
	park_poll(locks);
}

/**
 * vhost_fs_park_module_init - for module init
 */
void vhost_fs_park_module_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(polled); i++) {
		spin_lock_init(&polled[i].lock);
		INIT_LIST_HEAD(&polled[i].list);
	}
}

/**
 * vhost_fs_park_init - for a device that is opened
 * @fs: the device
 *
 * Return: 0 or -ENOMEM.
 */
int vhost_fs_park_init(struct vhost_fs_dev *fs)
{
	struct vhost_fs_lock_state *locks = &fs->locks;

	spin_lock_init(&locks->lock);
	INIT_LIST_HEAD(&locks->parked);
	INIT_DELAYED_WORK(&locks->tick, park_tick);
	locks->space = vhost_fs_lock_space_alloc();
	return locks->space ? 0 : -ENOMEM;
}

/*
 * A request of one queue, or of any, taken off all lists. One that the tick
 * owns is given back at once; -EAGAIN if there is but such.
 */
static struct vhost_fs_parked *park_grab(struct vhost_fs_lock_state *locks,
					 struct vhost_fs_queue *q)
{
	struct vhost_fs_parked *p, *busy = NULL;

	spin_lock(&locks->lock);
	list_for_each_entry(p, &locks->parked, entry) {
		if (q && p->q != q)
			continue;
		if (p->state == PARK_RUNNING) {
			busy = ERR_PTR(-EAGAIN);
			continue;
		}
		list_del_init(&p->ready);
		p->state = PARK_RUNNING;
		park_unlist(p);
		spin_unlock(&locks->lock);
		return p;
	}
	spin_unlock(&locks->lock);
	return busy;
}

/**
 * vhost_fs_park_drop - forget what waits, with no answer
 * @fs: the device
 * @q: a queue with no request in flight, or NULL for all of them
 */
void vhost_fs_park_drop(struct vhost_fs_dev *fs, struct vhost_fs_queue *q)
{
	struct vhost_fs_parked *p;

	while ((p = park_grab(&fs->locks, q))) {
		if (IS_ERR(p))
			flush_delayed_work(&fs->locks.tick);
		else
			park_free(p);
	}
}

/**
 * vhost_fs_park_exit - for a device that is closed
 * @fs: the device, with no request in flight
 *
 * The owners of locks stay until vhost_fs_lock_space_close().
 */
void vhost_fs_park_exit(struct vhost_fs_dev *fs)
{
	spin_lock(&fs->locks.lock);
	fs->locks.closed = true;
	spin_unlock(&fs->locks.lock);
	cancel_delayed_work_sync(&fs->locks.tick);
	vhost_fs_park_drop(fs, NULL);
}

/**
 * vhost_fs_park_stopped - remember where a ring was stopped
 * @q: the queue, with no request in flight
 *
 * Context: the queue's mutex held.
 */
void vhost_fs_park_stopped(struct vhost_fs_queue *q)
{
	lockdep_assert_held(&q->vq.mutex);

	q->stop_num = q->vq.num;
	q->stop_avail = q->vq.last_avail_idx;
	q->stop_used = q->vq.last_used_idx;
}

/**
 * vhost_fs_park_same_place - is a ring started where it was stopped?
 * @q: the queue
 *
 * A guest that has reset the device begins with rings where the used index has
 * caught up with the other, which they never have while a request waits.
 *
 * Return: whether what waits still means something to the guest.
 *
 * Context: the queue's mutex held.
 */
bool vhost_fs_park_same_place(struct vhost_fs_queue *q)
{
	lockdep_assert_held(&q->vq.mutex);

	return q->stop_num == q->vq.num &&
	       q->stop_avail == q->vq.last_avail_idx &&
	       q->stop_used == q->vq.last_used_idx;
}
