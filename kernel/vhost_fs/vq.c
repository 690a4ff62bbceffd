// SPDX-License-Identifier: GPL-2.0-only
/*
 * A ring: from the guest's kick to the used element.
 *
 * One thread at a time looks at a ring. The look is a token, q->looking: a kick
 * takes it and gives it to a thread (pool.c); the thread takes chains off the
 * ring and serves them, one after another, until the ring is empty. A kick that
 * finds the token taken does nothing, because whoever has it will look again
 * before he gives it back:
 *
 *	thread				guest and kick
 *	looking = 0			avail index is moved on
 *	full barrier			full barrier
 *	watch the ring, read the	xchg(looking, 1); the look is the
 *	avail index once more		kick's if it was 0
 *
 * A thread that is about to block gives the token away first
 * (vhost_fs_may_block()), so the ring is always either watched or promised to
 * somebody who doesn't sleep. It goes on looking afterwards if it can get the
 * token back. So chains are taken in order and finish in any order. One that may
 * sleep, but as a rule doesn't, only offers it (vhost_fs_may_sleep()).
 *
 * Whether a ring is served at all is vq_run.c's.
 */
#include <linux/pagemap.h>
#include <linux/sched/clock.h>
#include <linux/sched/signal.h>
#include <linux/sched/stat.h>
#include <linux/task_work.h>

#include "dev.h"
#include "keep.h"
#include "park.h"
#include "pool.h"
#include "request.h"
#include "stats.h"
#include "vq.h"
#include "trace.h"

/*
 * Requests of one ring that a thread serves before another ring that waits for
 * a thread gets its turn.
 */
#define VHOST_FS_WEIGHT		64

/*
 * How long to poll a ring before sleeping, unless
 * VHOST_SET_VRING_BUSYLOOP_TIMEOUT says otherwise. A request that follows the
 * last reply within this time costs no kick and no wake-up.
 */
#define VHOST_FS_POLL_NS	50000
#define VHOST_FS_POLL_NS_MIN	2000

/*
 * Where giving way to others was of no use, how many times it isn't done any
 * more: twice as many each time, up to a limit. Of use it was if the next request
 * was there soon. Linux's driver needs two turns for that: a work item takes the
 * answer and wakes the task that waits for it; and whoever else is woken has one.
 */
#define VHOST_FS_GIVE_WAY_NS	NSEC_PER_MSEC
#define VHOST_FS_GIVE_WAY_TURNS	3
#define VHOST_FS_STAY_MIN	32
#define VHOST_FS_STAY_MAX	1024

/*
 * The guest is called for several answers at once, as long as more requests are
 * there: for this many, for one that carries this much data and so has taken its
 * time, and at each tick.
 */
#define VHOST_FS_SIGNAL_BATCH	16
#define VHOST_FS_SIGNAL_BYTES	SZ_16K

static void vq_kick(struct vhost_work *work)
{
	struct vhost_poll *poll = container_of(work, struct vhost_poll, work);

	vhost_fs_vq_kick(container_of(poll->vq, struct vhost_fs_queue, vq));
}

/**
 * vhost_fs_vq_kick - have a thread look at a ring
 * @q: the queue
 *
 * Context: any, interrupts off included.
 */
void vhost_fs_vq_kick(struct vhost_fs_queue *q)
{
	if (!atomic_xchg(&q->looking, 1))
		vhost_fs_pool_submit(q);
}

/**
 * vhost_fs_vq_init - prepare a queue for vhost_dev_init()
 * @fs: its device
 * @q: the queue, zeroed
 */
void vhost_fs_vq_init(struct vhost_fs_dev *fs, struct vhost_fs_queue *q)
{
	q->fs = fs;
	q->vq.handle_kick = vq_kick;
	INIT_LIST_HEAD(&q->pending);
	INIT_LIST_HEAD(&q->ready);
	INIT_LIST_HEAD(&q->kept);
	q->poll_ns = VHOST_FS_POLL_NS;
	q->stay_next = VHOST_FS_STAY_MIN;
	q->region.first = 1;
}

static void vq_set_broken(struct vhost_fs_queue *q)
{
	mutex_lock(&q->vq.mutex);
	if (vhost_vq_get_backend(&q->vq))
		WRITE_ONCE(q->broken, true);
	mutex_unlock(&q->vq.mutex);
}

/*
 * The guest has broken the ring's rules: nothing more is taken from any ring of
 * the device. The core has raised the ring's error eventfd in most cases, and
 * raising it twice does no harm.
 *
 * The rings keep their backends until they are stopped and drained: the core
 * lets the addresses of a ring without one be set to anything, unchecked, and
 * requests in flight have yet to write to the used ring.
 */
static void vq_break(struct vhost_fs_queue *q)
{
	struct vhost_fs_dev *fs = q->fs;
	unsigned int i;

	mutex_lock(&q->vq.mutex);
	WRITE_ONCE(q->broken, true);
	if (q->vq.error_ctx)
		eventfd_signal(q->vq.error_ctx);
	mutex_unlock(&q->vq.mutex);
	for (i = 0; i < VHOST_FS_NVQS; i++)
		vq_set_broken(&fs->queues[i]);
	/* vhost_fs_keep_settle() need not wait any more. */
	wake_up_all(&fs->idle_wq);
}

/* Taken from the ring, or from those who waited, and not yet answered. */
static void vq_set_inflight(struct vhost_fs_queue *q, struct vhost_fs_req *req)
{
	lockdep_assert_held(&q->vq.mutex);

	req->q = q;
	req->handed_off = false;
	req->offered = false;
	req->put_off = false;
	req->keep = VHOST_FS_KEEP_NOT;
	req->done = 0;
	WRITE_ONCE(q->inflight, q->inflight + 1);
}

/* Any chain, by the core. */
static int vq_fetch_slow(struct vhost_fs_queue *q, struct vhost_fs_req *req,
			 bool logged)
{
	struct vhost_virtqueue *vq = &q->vq;
	int head;

	lockdep_assert_held(&vq->mutex);

	head = vhost_get_vq_desc(vq, req->iov, ARRAY_SIZE(req->iov),
				 &req->out_num, &req->in_num,
				 logged ? req->log : NULL, &req->log_num);
	if (head < 0)
		return head;
	if (head == vq->num)
		return 0;
	req->head = head;
	vhost_fs_req_measure(req);
	return 1;
}

/*
 * One of the chains that a stop waits for was taken, or there are none: a guest
 * that takes back what it had put there holds nobody up.
 */
static void vq_less_due(struct vhost_fs_queue *q, bool taken)
{
	lockdep_assert_held(&q->vq.mutex);

	WRITE_ONCE(q->due, taken ? q->due - 1 : 0);
	if (!q->due)
		wake_up_all(&q->fs->idle_wq);
}

static int vq_fetch_chain(struct vhost_fs_queue *q, struct vhost_fs_req *req,
			  bool logged)
{
	int ret = -EAGAIN;

	lockdep_assert_held(&q->vq.mutex);

	q->resumed = false;
	req->parked = NULL;
	if (!logged)
		ret = vhost_fs_chain_take(q, req);
	/* Memory that goes with its owner is no reason to call the ring broken. */
	if (ret == -EAGAIN)
		ret = fatal_signal_pending(current) ? -EFAULT :
			vq_fetch_slow(q, req, logged);
	if (ret > 0)
		vq_set_inflight(q, req);
	if (unlikely(q->due))
		vq_less_due(q, ret > 0);
	return ret;
}

static bool vq_fetch_parked(struct vhost_fs_queue *q, struct vhost_fs_req *req)
{
	lockdep_assert_held(&q->vq.mutex);

	req->parked = vhost_fs_park_take(q);
	if (!req->parked)
		return false;
	q->resumed = true;
	vq_set_inflight(q, req);
	return true;
}

static bool vq_fetch_kept(struct vhost_fs_queue *q, struct vhost_fs_req *req)
{
	lockdep_assert_held(&q->vq.mutex);

	if (likely(list_empty(&q->kept)))
		return false;
	vq_set_inflight(q, req);
	vhost_fs_keep_take(q, req);
	return true;
}

/*
 * Before the core writes whether the guest is to kick: if it can't, it calls the ring
 * broken, which is no word for memory that goes with its owner. Whoever waits here for
 * that memory is let go by the same signal.
 */
static bool vq_owner_dies(struct vhost_fs_queue *q)
{
	struct vhost_virtqueue *vq = &q->vq;
	const void __user *at = &vq->used->flags;

	if (vhost_has_feature(vq, VIRTIO_RING_F_EVENT_IDX))
		at = &vq->used->ring[vq->num];
	return (fatal_signal_pending(current) || fault_in_readable(at, sizeof(__virtio16))) &&
	       fatal_signal_pending(current);
}

/*
 * Take the next chain, or a request that has waited; in turn, if there are
 * both. Returns 1 and @req is in flight; 0 if there is nothing; -ESHUTDOWN if
 * nothing may be taken; another error if the ring is not valid.
 */
static int vq_fetch(struct vhost_fs_queue *q, struct vhost_fs_req *req)
{
	bool logged = vhost_has_feature(&q->vq, VHOST_F_LOG_ALL);
	bool parked;
	int ret;

	lockdep_assert_held(&q->vq.mutex);

	if (!vhost_fs_vq_active(q) || fatal_signal_pending(current))
		return -ESHUTDOWN;
	if (!(q->vq.used_flags & VRING_USED_F_NO_NOTIFY) && vq_owner_dies(q))
		return -ESHUTDOWN;
	/* For a parked request too: else vq_park() would think nobody looked. */
	vhost_disable_notify(&q->fs->vdev, &q->vq);
	req->log_num = 0;
	if (logged && !req->log)
		req->log = kvmalloc_array(UIO_MAXIOV, sizeof(*req->log),
					  GFP_KERNEL_ACCOUNT | __GFP_NOFAIL);
	if (vq_fetch_kept(q, req))
		return 1;
	parked = vhost_fs_park_ready(q);
	if (unlikely(parked) && !q->resumed && vq_fetch_parked(q, req))
		return 1;
	ret = vq_fetch_chain(q, req, logged);
	if (!ret && unlikely(parked) && vq_fetch_parked(q, req))
		return 1;
	return ret;
}

/*
 * Call the guest for what has been answered, if it wants that. For an owner that
 * is dying the next one does, which can read what the guest wants.
 */
static void vq_signal(struct vhost_fs_queue *q)
{
	lockdep_assert_held(&q->vq.mutex);

	if (!q->unsignalled || fatal_signal_pending(current))
		return;
	WRITE_ONCE(q->unsignalled, 0);
	vhost_signal(&q->fs->vdev, &q->vq);
}

/**
 * vhost_fs_vq_call - call the guest, whether or not it has been
 * @q: the queue
 *
 * When the eventfd for that is another one: nobody may have heard the last.
 *
 * Context: process context of the owner.
 */
void vhost_fs_vq_call(struct vhost_fs_queue *q)
{
	mutex_lock(&q->vq.mutex);
	if (vhost_vq_get_backend(&q->vq) && !q->broken) {
		q->vq.signalled_used_valid = false;
		WRITE_ONCE(q->unsignalled, 1);
		vq_signal(q);
	}
	mutex_unlock(&q->vq.mutex);
}

/*
 * Put an answered request on the used ring, where a guest that polls sees it at
 * once. The caller calls the others.
 */
static int vq_push_used(struct vhost_fs_queue *q, struct vhost_fs_req *req)
{
	struct vhost_virtqueue *vq = &q->vq;
	u16 used = vq->last_used_idx;
	int err;

	lockdep_assert_held(&vq->mutex);

	if (req->log_num && req->written)
		vhost_log_write(vq, req->log, req->log_num, req->written,
				req->iov + req->out_num, req->in_num);
	/* First, so that who has seen the answer finds it counted. */
	vhost_fs_stats_count(&q->stats, req);
	err = vhost_fs_chain_put(q, req->head, req->written);
	if (err && vhost_fs_keep_wants(err)) {
		/* The guest has not seen it. */
		vq->last_used_idx = used;
		req->keep = VHOST_FS_KEEP_REPLY;
		return 0;
	}
	if (err)
		return err;
	if (!q->unsignalled)
		WRITE_ONCE(q->unsignalled_since, jiffies);
	WRITE_ONCE(q->unsignalled, q->unsignalled + 1);
	return 0;
}

/* A request is not in flight any more: it is answered, or waits, or is kept. */
static int vq_complete(struct vhost_fs_queue *q, struct vhost_fs_req *req)
{
	int err = 0;

	lockdep_assert_held(&q->vq.mutex);

	if (!req->put_off && !req->keep)
		err = vq_push_used(q, req);
	if (req->keep)
		vhost_fs_keep(req);
	/* Without the look, or the processor, nobody may come by for long. */
	if (req->handed_off || need_resched() ||
	    q->unsignalled >= VHOST_FS_SIGNAL_BATCH ||
	    time_after(jiffies, q->unsignalled_since) ||
	    req->data_in + req->written >= VHOST_FS_SIGNAL_BYTES)
		vq_signal(q);
	WRITE_ONCE(q->inflight, q->inflight - 1);
	if (!q->inflight && wq_has_sleeper(&q->fs->idle_wq))
		wake_up_all(&q->fs->idle_wq);
	return err;
}

static bool vq_take_look(struct vhost_fs_queue *q)
{
	return !atomic_read(&q->looking) && !atomic_xchg(&q->looking, 1);
}

/*
 * Have the guest kick from now on, and give the look back. Returns false if
 * there is more on the ring and the look is still the caller's.
 */
static bool vq_park(struct vhost_fs_queue *q)
{
	struct vhost_virtqueue *vq = &q->vq;

	lockdep_assert_held(&vq->mutex);

	/* vhost_enable_notify() only tells of what is new since it last read. */
	if (vq->avail_idx != vq->last_avail_idx || !list_empty(&q->kept))
		return false;
	/* vq_fetch() gives it back then. */
	if (vq_owner_dies(q))
		return false;
	atomic_set(&q->looking, 0);
	/* Pairs with the xchg() of a kick: it finds 0, or we find its chain. */
	smp_mb();
	if (!vhost_enable_notify(&q->fs->vdev, vq) && !vhost_fs_park_ready(q)) {
		if (unlikely(q->due))
			vq_less_due(q, false);
		return true;
	}
	/* A kick that came in between has the look, and somebody looking. */
	vhost_disable_notify(&q->fs->vdev, vq);
	return !vq_take_look(q);
}

static bool vq_avail_moved(struct vhost_virtqueue *vq, u16 last)
{
	u16 idx;

	return !vhost_fs_vq_read_avail(vq, &idx) || idx != last;
}

/* Is there something to do: a chain, or a lock that can be tried again? */
static bool vq_has_more(struct vhost_fs_queue *q, u16 last)
{
	return vq_avail_moved(&q->vq, last) || vhost_fs_park_ready(q);
}

/*
 * Others want this processor. One of them is likely to be the guest that was just
 * called, whose next request then costs it no kick and nobody a wake-up, since
 * this thread doesn't sleep. But nobody kicks either if it is others who keep the
 * processor, and a thread that is woken is preferred to one that has given way; and
 * what giving way means to a thread that isn't an ordinary one is no help here.
 * Returns whether there is something to do.
 */
static bool vq_give_way(struct vhost_fs_queue *q, u16 last)
{
	unsigned int turns = 0;
	bool more, soon;
	u64 start;

	if (current->policy != SCHED_NORMAL)
		return false;
	if (q->stay) {
		q->stay--;
		return false;
	}
	start = local_clock();
	do {
		yield();
		more = vq_has_more(q, last);
		soon = local_clock() - start < VHOST_FS_GIVE_WAY_NS;
	} while (!more && soon && ++turns < VHOST_FS_GIVE_WAY_TURNS &&
		 !single_task_running() && !vhost_fs_pool_has_pending(q->fs));
	if (more && soon) {
		q->stay_next = VHOST_FS_STAY_MIN;
	} else {
		q->stay = q->stay_next;
		q->stay_next = min(2 * q->stay_next, VHOST_FS_STAY_MAX);
	}
	return more;
}

static u64 vq_poll_limit(const struct vhost_fs_queue *q)
{
	u64 limit = READ_ONCE(q->vq.busyloop_timeout) * (u64)NSEC_PER_USEC;

	/* q->poll_ns has 32 bits, and is doubled. */
	return min_t(u64, limit, NSEC_PER_SEC) ?: VHOST_FS_POLL_NS;
}

/*
 * Wait a moment for the ring to fill, without its mutex. The time halves when
 * waiting was of no use and doubles when it was. The clock is read only if there
 * is nothing else to do than to wait.
 */
static bool vq_poll(struct vhost_fs_queue *q, u16 last)
{
	u64 end = 0, limit = vq_poll_limit(q);

	do {
		if (vq_has_more(q, last)) {
			q->poll_ns = min_t(u64, limit, 2 * q->poll_ns);
			return true;
		}
		if (signal_pending(current) || vhost_fs_pool_has_pending(q->fs))
			return false;
		/* The latter also where RCU waits for this processor. */
		if (!single_task_running() || need_resched())
			return vq_give_way(q, last);
		cpu_relax();
		if (!end)
			end = local_clock() + min_t(u64, limit, q->poll_ns);
	} while (local_clock() < end);
	q->poll_ns = max(q->poll_ns / 2, VHOST_FS_POLL_NS_MIN);
	return false;
}

/* An empty ring: returns true when the look has been given back. */
static bool vq_wait(struct vhost_fs_queue *q)
{
	u16 last = q->vq.last_avail_idx;
	bool more;

	lockdep_assert_held(&q->vq.mutex);

	vq_signal(q);
	mutex_unlock(&q->vq.mutex);
	/* Who was called may come first, and ask for more. */
	more = cond_resched() || vq_poll(q, last);
	mutex_lock(&q->vq.mutex);
	return !more && vhost_fs_vq_active(q) && vq_park(q);
}

/*
 * The ring has had its share: shall another one be served first, or the thread
 * do what only a return to its main loop lets it do?
 */
static bool vq_yield(struct vhost_fs_queue *q)
{
	if (signal_pending(current) || task_work_pending(current) ||
	    vhost_fs_pool_has_pending(q->fs)) {
		vhost_fs_pool_submit(q);
		return true;
	}
	cond_resched();
	return false;
}

/* The look that a request has offered; if it has gone, so be it. */
static void vq_take_back(struct vhost_fs_req *req)
{
	if (req->offered && !vhost_fs_pool_take_back(req))
		req->handed_off = true;
	req->offered = false;
}

/*
 * Serve up to VHOST_FS_WEIGHT chains, each wait for one counted as one.
 * Returns 1 if there may be more and the look is still the caller's, 0 if it
 * has been given away, an error if the ring is not valid.
 */
static int vq_serve_some(struct vhost_fs_queue *q, struct vhost_fs_req *req)
{
	struct vhost_virtqueue *vq = &q->vq;
	unsigned int n = 0;
	bool look = true;
	int ret = 1;

	mutex_lock(&vq->mutex);
	while (n < VHOST_FS_WEIGHT) {
		ret = vq_fetch(q, req);
		if (ret < 0)
			break;
		if (!ret) {
			if (vq_wait(q))
				break;
			/* A guest may move the index to and fro for ever. */
			ret = 1;
			n++;
			continue;
		}
		mutex_unlock(&vq->mutex);
		/* Should this one sleep unforeseen, another is there. */
		vhost_fs_pool_reserve(q->fs);
		vhost_fs_req_run(req);
		vq_take_back(req);
		if (req->handed_off)
			vhost_fs_pool_unblock(req);
		mutex_lock(&vq->mutex);
		ret = vq_complete(q, req);
		look = !req->handed_off || vq_take_look(q);
		if (ret || !look)
			break;
		ret = 1;
		n++;
		if (signal_pending(current))
			break;
	}
	vq_signal(q);
	/* It may be but the owner's end by which the ring couldn't be read. */
	if (ret < 0 && fatal_signal_pending(current))
		ret = -ESHUTDOWN;
	if (ret < 0 && ret != -ESHUTDOWN)
		WRITE_ONCE(q->broken, true);
	/* Not if the look has gone to another thread: it is for that to give. */
	if (ret < 0 && look)
		atomic_set(&q->looking, 0);
	mutex_unlock(&vq->mutex);
	return ret;
}

/**
 * vhost_fs_vq_serve - serve a ring until it is empty or must be given away
 * @q: the queue, whose look the caller holds and gives away
 * @req: the calling thread's request
 *
 * Context: a thread of the pool.
 */
void vhost_fs_vq_serve(struct vhost_fs_queue *q, struct vhost_fs_req *req)
{
	int ret;

	do {
		ret = vq_serve_some(q, req);
	} while (ret > 0 && !vq_yield(q));

	if (ret < 0 && ret != -ESHUTDOWN)
		vq_break(q);
}

/**
 * vhost_fs_may_block - the request is about to do what may sleep for long
 * @req: the request
 *
 * Gives the look at the ring away, so that no other request has to wait.
 * Cheap when called again.
 *
 * Context: the request's thread, no locks held.
 */
void vhost_fs_may_block(struct vhost_fs_req *req)
{
	struct vhost_fs_queue *q = req->q;
	bool parked, offered = req->offered;

	vq_take_back(req);
	if (req->handed_off) {
		if (offered)
			vhost_fs_pool_block(req);
		return;
	}
	req->handed_off = true;
	trace_vhost_fs_request_block(req);
	vhost_fs_pool_block(req);
	vhost_fs_pool_reserve(req->fs);

	mutex_lock(&q->vq.mutex);
	vq_signal(q);
	parked = vhost_fs_vq_active(q) && vq_park(q);
	mutex_unlock(&q->vq.mutex);
	if (!parked)
		vhost_fs_pool_submit(q);
}

/**
 * vhost_fs_may_sleep - the request may sleep for long, but as a rule doesn't
 * @req: the request
 * @call: whether to call the guest for the answers that are there already
 *
 * Costs a tenth of what vhost_fs_may_block() does, and the requests behind this
 * one up to three ticks if it does sleep; those answers, too, without @call. What
 * is older than a tick isn't left to the next thread: that may come to the same lock.
 *
 * Context: the request's thread, no locks held.
 */
void vhost_fs_may_sleep(struct vhost_fs_req *req, bool call)
{
	struct vhost_fs_queue *q = req->q;

	if (req->handed_off || req->offered)
		return;
	if (READ_ONCE(q->unsignalled) &&
	    (call || time_after(jiffies, READ_ONCE(q->unsignalled_since)) ||
	     vhost_fs_pool_is_short(req->fs))) {
		mutex_lock(&q->vq.mutex);
		vq_signal(q);
		mutex_unlock(&q->vq.mutex);
	}
	req->offered = vhost_fs_pool_offer(req);
	if (!req->offered)
		vhost_fs_may_block(req);
}
