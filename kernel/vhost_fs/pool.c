// SPDX-License-Identifier: GPL-2.0-only
/*
 * The threads of a device.
 *
 * They are vhost_tasks: threads of the VMM, with its memory and its cgroups.
 * A thread is idle (on the pool's idle list, asleep), or it has a queue and
 * serves it (vq.c). It never waits for another one. Whoever holds a queue's
 * look (vhost_fs_queue.looking) and can't look himself submits the queue here:
 * an idle thread is woken for it, or the first that becomes free takes it.
 *
 * No more threads are active at a time than there are processors for them: more
 * would only take them from each other. A thread that is about to block doesn't
 * count. One that sleeps although it said nothing (the guest's memory may have
 * to be read from disk) holds up the other queues for three ticks at most; and its own
 * queue too, if it has offered that (vhost_fs_pool_offer()), to take it back when
 * it hasn't slept.
 *
 * A thread is made by SET_RUNNING, or by one that has a request when none is
 * left idle: only a thread of the VMM can make another. It dies when the device
 * is stopped, when it has long been idle, or with the VMM. It is freed only by
 * vhost_task_stop(), which waits for its end; a wake-up therefore happens
 * inside the lock that guards the idle list, since outside of it the thread may
 * be gone.
 */
#include <linux/fs_struct.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/task_work.h>

#include "dev.h"
#include "kcompat.h"
#include "keep.h"
#include "pool.h"
#include "request.h"
#include "vq.h"

/* After a failure, no thread is made for this long. */
#define VHOST_FS_RETRY_DELAY	(HZ / 10)

/* How often to look for queues that wait for long; a timer adds a part of a tick. */
#define VHOST_FS_RESCUE_DELAY	1

/*
 * A queue is on offer for at least a tick before it is taken, and waits as long for an
 * active thread before an idle one is woken in spite of those. Else threads that wait for
 * the same lock would be joined by one more at each tick, and take the processors from who
 * has it; and so would those that merely have many queues. With VHOST_FS_RESCUE_DELAY it
 * is three ticks at most.
 */
#define VHOST_FS_QUEUE_AGE	2

/* An idle thread is stopped after this long, as long as one is left. */
#define VHOST_FS_IDLE_TIMEOUT	(10 * HZ)

/**
 * struct vhost_fs_worker - a thread
 * @fs: its device; constant
 * @task: its vhost_task; constant
 * @req: the request it serves; its own
 * @entry: place in the pool's list of threads; under the pool's lock
 * @idle: place in the pool's list of idle threads; under the pool's lock
 * @next: queue it was woken for; under the pool's lock
 * @idle_since: jiffies; under the pool's lock
 * @self: the thread, known once it has been idle; under the pool's lock
 * @has_run: it isn't counted in the pool's nr_new any more; under the pool's lock
 * @active: it has a queue, or is woken for one, and doesn't block; under the
 *	pool's lock
 * @ready: it has its own fs_struct; its own
 */
struct vhost_fs_worker {
	struct vhost_fs_dev *fs;
	struct vhost_task *task;
	struct vhost_fs_req *req;
	struct list_head entry;
	struct list_head idle;
	struct vhost_fs_queue *next;
	unsigned long idle_since;
	struct task_struct *self;
	bool has_run;
	bool active;
	bool ready;
};

static void worker_set_idle(struct vhost_fs_pool *pool,
			    struct vhost_fs_worker *w)
{
	lockdep_assert_held(&pool->lock);

	/* One that is being stopped may be woken by a signal before that. */
	if (!list_empty(&w->idle) || list_empty(&w->entry))
		return;
	list_add(&w->idle, &pool->idle);
	WRITE_ONCE(pool->nr_idle, pool->nr_idle + 1);
	w->idle_since = jiffies;
	w->self = current;
}

static void worker_clear_idle(struct vhost_fs_pool *pool,
			      struct vhost_fs_worker *w)
{
	lockdep_assert_held(&pool->lock);

	if (list_empty(&w->idle))
		return;
	list_del_init(&w->idle);
	WRITE_ONCE(pool->nr_idle, pool->nr_idle - 1);
}

static void worker_set_active(struct vhost_fs_pool *pool,
			      struct vhost_fs_worker *w, bool active)
{
	lockdep_assert_held(&pool->lock);

	if (w->active == active)
		return;
	w->active = active;
	pool->nr_active += active ? 1 : -1;
}

static void worker_set_has_run(struct vhost_fs_pool *pool, struct vhost_fs_worker *w)
{
	lockdep_assert_held(&pool->lock);

	if (w->has_run)
		return;
	w->has_run = true;
	WRITE_ONCE(pool->nr_new, pool->nr_new - 1);
}

/* Wake an idle thread for a queue. */
static void worker_wake(struct vhost_fs_pool *pool, struct vhost_fs_worker *w,
			struct vhost_fs_queue *q)
{
	lockdep_assert_held(&pool->lock);

	worker_clear_idle(pool, w);
	worker_set_active(pool, w, true);
	w->next = q;
	vhost_task_wake(w->task);
}

/* The first queue of a list, if there is one. */
static struct vhost_fs_queue *pool_take(struct vhost_fs_pool *pool,
					struct list_head *list)
{
	struct vhost_fs_queue *q;

	lockdep_assert_held(&pool->lock);

	q = list_first_entry_or_null(list, struct vhost_fs_queue, pending);
	if (q)
		list_del_init(&q->pending);
	return q;
}

/*
 * Have the timer wake an idle thread, should a queue still wait then. What is offered
 * waits from then on, whether or not a thread is idle.
 */
static void pool_set_rescue(struct vhost_fs_pool *pool)
{
	lockdep_assert_held(&pool->lock);

	if (pool->running && !timer_pending(&pool->rescue) &&
	    ((pool->nr_idle && !list_empty(&pool->pending)) ||
	     !list_empty(&pool->offered)))
		mod_timer(&pool->rescue, jiffies + VHOST_FS_RESCUE_DELAY);
}

/* Of the processors that there are, how many may the calling thread use? */
static unsigned int nr_processors(void)
{
	return min_t(unsigned int, current->nr_cpus_allowed, num_online_cpus());
}

/* The queue to serve next; without one the thread is put on the idle list. */
static struct vhost_fs_queue *worker_next(struct vhost_fs_worker *w)
{
	struct vhost_fs_pool *pool = &w->fs->pool;
	struct vhost_fs_queue *q;
	unsigned long flags;

	spin_lock_irqsave(&pool->lock, flags);
	worker_set_has_run(pool, w);
	pool->max_active = nr_processors();
	q = w->next;
	w->next = NULL;
	/* One that is being stopped has somebody waiting for its end. */
	if (!q && !list_empty(&w->entry))
		q = pool_take(pool, &pool->pending);
	if (q) {
		worker_clear_idle(pool, w);
	} else {
		worker_set_idle(pool, w);
		pool_set_rescue(pool);
	}
	worker_set_active(pool, w, q);
	spin_unlock_irqrestore(&pool->lock, flags);
	return q;
}

/*
 * CLONE_FS gave the thread the VMM's umask, which must not touch what guests
 * create.
 */
static bool worker_get_ready(struct vhost_fs_worker *w)
{
	if (w->ready)
		return true;
	if (unshare_fs_struct())
		return false;
	current->fs->umask = 0;
	w->ready = true;
	return true;
}

/*
 * Called by the vhost_task again and again, with the task's state already
 * TASK_INTERRUPTIBLE; false lets it sleep.
 */
static bool worker_fn(void *data)
{
	struct vhost_fs_worker *w = data;
	struct vhost_fs_queue *q = worker_next(w);

	if (!q)
		return false;
	__set_current_state(TASK_RUNNING);

	if (worker_get_ready(w)) {
		kcov_remote_start_common(w->fs->pool.kcov_handle);
		vhost_fs_vq_serve(q, w->req);
		kcov_remote_stop();
	} else {
		vhost_fs_pool_submit(q);
		cond_resched();
	}

	/*
	 * Files and mounts that somebody else's fput() or mntput() left to
	 * this task are put when it handles a signal. Only here, since a
	 * pending signal would interrupt the VFS calls of a request.
	 */
	if (task_work_pending(current))
		set_thread_flag(TIF_NOTIFY_SIGNAL);
	return true;
}

/* The VMM is being killed: this thread takes no more work. */
static void worker_killed(void *data)
{
	struct vhost_fs_worker *w = data;
	struct vhost_fs_pool *pool = &w->fs->pool;
	unsigned long flags;

	spin_lock_irqsave(&pool->lock, flags);
	worker_clear_idle(pool, w);
	worker_set_active(pool, w, false);
	WRITE_ONCE(pool->running, false);
	spin_unlock_irqrestore(&pool->lock, flags);
	wake_up_all(&w->fs->idle_wq);
}

static void worker_free(struct vhost_fs_worker *w)
{
	if (w->req && w->req->keep)
		vhost_fs_keep_list(w->req);
	else
		vhost_fs_req_free(w->req);
	kfree(w);
}

/*
 * The caller has counted the new thread in pool->nr and pool->nr_new. It is a copy of the
 * calling thread and so must not get the credentials that a request runs
 * under.
 */
static int worker_create(struct vhost_fs_dev *fs)
{
	struct vhost_fs_pool *pool = &fs->pool;
	struct vhost_fs_worker *w;
	const struct cred *saved;
	unsigned long flags;
	char name[TASK_COMM_LEN];

	w = kzalloc(sizeof(*w), GFP_KERNEL_ACCOUNT);
	if (!w)
		return -ENOMEM;
	w->fs = fs;
	INIT_LIST_HEAD(&w->idle);
	w->req = vhost_fs_req_alloc(fs);
	if (!w->req) {
		kfree(w);
		return -ENOMEM;
	}
	w->req->worker = w;

	snprintf(name, sizeof(name), "vhost-fs-%d", current->tgid);
	saved = override_creds(rcu_dereference_protected(current->real_cred, 1));
	w->task = vhost_task_create(worker_fn, worker_killed, w, name);
	revert_creds(saved);
	if (IS_ERR(w->task)) {
		int err = PTR_ERR(w->task);

		worker_free(w);
		return err;
	}

	spin_lock_irqsave(&pool->lock, flags);
	list_add_tail(&w->entry, &pool->workers);
	spin_unlock_irqrestore(&pool->lock, flags);
	vhost_task_start(w->task);
	return 0;
}

static void worker_stop(struct vhost_fs_worker *w)
{
	vhost_task_stop(w->task);
	worker_free(w);
}

/* Take a thread to be stopped off both lists. */
static void worker_unlist(struct vhost_fs_pool *pool, struct vhost_fs_worker *w)
{
	lockdep_assert_held(&pool->lock);

	worker_clear_idle(pool, w);
	list_del_init(&w->entry);
	WRITE_ONCE(pool->nr, pool->nr - 1);
}

/*
 * A thread that SIGSTOP or the freezer holds can't end before it is let go, and
 * nobody is to wait for that.
 */
static bool worker_is_stale(const struct vhost_fs_worker *w)
{
	return time_after_eq(jiffies, w->idle_since + VHOST_FS_IDLE_TIMEOUT) &&
	       READ_ONCE(w->self->__state) == TASK_INTERRUPTIBLE;
}

/* The longest idle thread, if it has been so for long and isn't the last. */
static struct vhost_fs_worker *pool_take_stale(struct vhost_fs_pool *pool)
{
	struct vhost_fs_worker *w = NULL;
	unsigned long flags;

	spin_lock_irqsave(&pool->lock, flags);
	if (pool->running && pool->nr_idle > 1) {
		w = list_last_entry(&pool->idle, struct vhost_fs_worker, idle);
		if (worker_is_stale(w))
			worker_unlist(pool, w);
		else
			w = NULL;
	}
	spin_unlock_irqrestore(&pool->lock, flags);
	return w;
}

static void pool_shrink(struct work_struct *work)
{
	struct vhost_fs_pool *pool = container_of(to_delayed_work(work),
						  struct vhost_fs_pool, shrink);
	struct vhost_fs_worker *w;

	while ((w = pool_take_stale(pool)))
		worker_stop(w);
	schedule_delayed_work(&pool->shrink, VHOST_FS_IDLE_TIMEOUT);
}

static struct vhost_fs_worker *pool_idle(struct vhost_fs_pool *pool)
{
	lockdep_assert_held(&pool->lock);

	return list_first_entry_or_null(&pool->idle, struct vhost_fs_worker,
					idle);
}

/* An idle thread, if one more may be active. */
static struct vhost_fs_worker *pool_spare(struct vhost_fs_pool *pool)
{
	lockdep_assert_held(&pool->lock);

	if (pool->nr_active >= pool->max_active)
		return NULL;
	return pool_idle(pool);
}

static void pool_wake_for_pending(struct vhost_fs_pool *pool,
				  struct vhost_fs_worker *w)
{
	struct vhost_fs_queue *q;

	lockdep_assert_held(&pool->lock);

	if (!w || !pool->running)
		return;
	q = pool_take(pool, &pool->pending);
	if (q)
		worker_wake(pool, w, q);
}

static bool queue_is_old(const struct vhost_fs_queue *q)
{
	return time_after_eq(jiffies, q->queued_at + VHOST_FS_QUEUE_AGE);
}

/* Who offered a queue a whole tick ago sleeps; the list is in that order. */
static void pool_take_offers(struct vhost_fs_pool *pool)
{
	struct vhost_fs_queue *q, *tmp;

	lockdep_assert_held(&pool->lock);

	list_for_each_entry_safe(q, tmp, &pool->offered, pending) {
		if (!queue_is_old(q))
			break;
		worker_set_active(pool, q->offered_by, false);
		list_move_tail(&q->pending, &pool->pending);
	}
}

/*
 * While active threads take one queue after another, none that waits gets old. When one
 * does, they may all sleep, so that a thread is woken in any case; and as many more as
 * there are processors without one.
 */
static void pool_rescue(struct timer_list *timer)
{
	struct vhost_fs_pool *pool = container_of(timer, struct vhost_fs_pool,
						  rescue);
	struct vhost_fs_queue *q;
	unsigned long flags;

	spin_lock_irqsave(&pool->lock, flags);
	if (pool->running) {
		pool_take_offers(pool);
		q = list_first_entry_or_null(&pool->pending, struct vhost_fs_queue, pending);
		if (q && queue_is_old(q))
			pool_wake_for_pending(pool, pool_idle(pool));
		while (!list_empty(&pool->pending) && pool_spare(pool))
			pool_wake_for_pending(pool, pool_spare(pool));
		pool_set_rescue(pool);
	}
	spin_unlock_irqrestore(&pool->lock, flags);
}

/**
 * vhost_fs_pool_init - make a pool without threads
 * @fs: the device
 */
void vhost_fs_pool_init(struct vhost_fs_dev *fs)
{
	struct vhost_fs_pool *pool = &fs->pool;

	spin_lock_init(&pool->lock);
	INIT_LIST_HEAD(&pool->workers);
	INIT_LIST_HEAD(&pool->idle);
	INIT_LIST_HEAD(&pool->pending);
	INIT_LIST_HEAD(&pool->offered);
	INIT_DELAYED_WORK(&pool->shrink, pool_shrink);
	timer_setup(&pool->rescue, pool_rescue, 0);
}

static bool pool_count_one_more(struct vhost_fs_pool *pool, unsigned int max_idle)
{
	unsigned long flags;
	bool more;

	spin_lock_irqsave(&pool->lock, flags);
	more = pool->running && pool->nr < VHOST_FS_MAX_THREADS &&
	       pool->nr_idle + pool->nr_new < max_idle &&
	       time_after_eq(jiffies, pool->no_thread_until);
	if (more) {
		WRITE_ONCE(pool->nr, pool->nr + 1);
		WRITE_ONCE(pool->nr_new, pool->nr_new + 1);
	}
	spin_unlock_irqrestore(&pool->lock, flags);
	return more;
}

static int pool_grow(struct vhost_fs_dev *fs, unsigned int max_idle)
{
	struct vhost_fs_pool *pool = &fs->pool;
	unsigned long flags;
	int err;

	if (!pool_count_one_more(pool, max_idle))
		return 0;
	err = worker_create(fs);
	WRITE_ONCE(pool->refused, err);
	if (err) {
		spin_lock_irqsave(&pool->lock, flags);
		WRITE_ONCE(pool->nr, pool->nr - 1);
		WRITE_ONCE(pool->nr_new, pool->nr_new - 1);
		pool->no_thread_until = jiffies + VHOST_FS_RETRY_DELAY;
		spin_unlock_irqrestore(&pool->lock, flags);
	}
	return err;
}

/**
 * vhost_fs_pool_reserve - see that an idle thread is left when this one blocks
 * @fs: the device
 *
 * Failure is no error: then the queues wait until a thread is free.
 *
 * Context: a thread of the pool with a request in flight, which is what keeps
 * vhost_fs_pool_stop() from missing the new thread; no locks held.
 */
void vhost_fs_pool_reserve(struct vhost_fs_dev *fs)
{
	/* A new one waits for a processor, which its maker may have for long. */
	if (!READ_ONCE(fs->pool.nr_idle) && !READ_ONCE(fs->pool.nr_new))
		pool_grow(fs, 1);
}

/**
 * vhost_fs_pool_block - a thread may sleep for long
 * @req: the request that it serves
 *
 * Another one may be active meanwhile.
 *
 * Context: the request's thread.
 */
void vhost_fs_pool_block(struct vhost_fs_req *req)
{
	struct vhost_fs_pool *pool = &req->fs->pool;
	unsigned long flags;

	spin_lock_irqsave(&pool->lock, flags);
	worker_set_active(pool, req->worker, false);
	pool_wake_for_pending(pool, pool_spare(pool));
	spin_unlock_irqrestore(&pool->lock, flags);
}

/**
 * vhost_fs_pool_unblock - a thread goes on after vhost_fs_pool_block()
 * @req: the request that it has served
 *
 * Context: the request's thread.
 */
void vhost_fs_pool_unblock(struct vhost_fs_req *req)
{
	struct vhost_fs_pool *pool = &req->fs->pool;
	unsigned long flags;

	spin_lock_irqsave(&pool->lock, flags);
	worker_set_active(pool, req->worker, true);
	spin_unlock_irqrestore(&pool->lock, flags);
}

/**
 * vhost_fs_pool_submit - promise the look at a queue to a thread
 * @q: the queue, whose look the caller holds and gives away
 *
 * Context: any, interrupts off included.
 */
void vhost_fs_pool_submit(struct vhost_fs_queue *q)
{
	struct vhost_fs_pool *pool = &q->fs->pool;
	struct vhost_fs_worker *w;
	unsigned long flags;

	spin_lock_irqsave(&pool->lock, flags);
	if (!pool->running) {
		/* Starting looks at every queue. */
		atomic_set(&q->looking, 0);
		goto unlock;
	}
	/* The caller took the look before the last stop; it was given since. */
	if (!list_empty(&q->pending))
		goto unlock;
	w = pool_spare(pool);
	if (w) {
		worker_wake(pool, w, q);
	} else {
		q->queued_at = jiffies;
		list_add_tail(&q->pending, &pool->pending);
		pool_set_rescue(pool);
	}
unlock:
	spin_unlock_irqrestore(&pool->lock, flags);
}

/**
 * vhost_fs_pool_is_short - may there be no thread for what is offered now?
 * @fs: the device
 *
 * The last idle one may be woken for another queue, and none be made in its place.
 *
 * Return: a hint.
 */
bool vhost_fs_pool_is_short(struct vhost_fs_dev *fs)
{
	const struct vhost_fs_pool *pool = &fs->pool;

	return READ_ONCE(pool->nr_idle) < 2 &&
	       (READ_ONCE(pool->nr) >= VHOST_FS_MAX_THREADS || READ_ONCE(pool->refused));
}

/**
 * vhost_fs_pool_offer - let others have the look at a queue, for the time being
 * @req: the request of the thread that holds the look
 *
 * An idle thread is woken for it if it is still there after up to three ticks.
 *
 * Return: whether it is on offer; else nobody could be woken.
 *
 * Context: the request's thread.
 */
bool vhost_fs_pool_offer(struct vhost_fs_req *req)
{
	struct vhost_fs_pool *pool = &req->fs->pool;
	struct vhost_fs_queue *q = req->q;
	unsigned long flags;
	bool offered;

	spin_lock_irqsave(&pool->lock, flags);
	offered = pool->running && pool->nr_idle && list_empty(&q->pending);
	if (offered) {
		list_add_tail(&q->pending, &pool->offered);
		q->offered_by = req->worker;
		q->queued_at = jiffies;
		pool_set_rescue(pool);
	}
	spin_unlock_irqrestore(&pool->lock, flags);
	return offered;
}

/**
 * vhost_fs_pool_take_back - have the look again after vhost_fs_pool_offer()
 * @req: the request
 *
 * By now it may be there since another thread has given it away, which is as good;
 * and the caller may have been taken for asleep.
 *
 * Return: whether the caller has it; else somebody else has or will.
 *
 * Context: the request's thread.
 */
bool vhost_fs_pool_take_back(struct vhost_fs_req *req)
{
	struct vhost_fs_pool *pool = &req->fs->pool;
	struct vhost_fs_queue *q = req->q;
	unsigned long flags;
	bool taken;

	spin_lock_irqsave(&pool->lock, flags);
	taken = !list_empty(&q->pending);
	list_del_init(&q->pending);
	if (taken)
		worker_set_active(pool, req->worker, true);
	spin_unlock_irqrestore(&pool->lock, flags);
	return taken;
}

/**
 * vhost_fs_pool_has_pending - does another queue wait for a thread?
 * @fs: the device
 *
 * Return: a hint.
 */
bool vhost_fs_pool_has_pending(struct vhost_fs_dev *fs)
{
	/* The list is changed plainly, under its lock. */
	return !data_race(list_empty_careful(&fs->pool.pending));
}

/**
 * vhost_fs_pool_start - make the first threads
 * @fs: the device, whose owner is the caller
 * @nr_queues: how many will be served
 *
 * Return: 0, or an error of vhost_task_create() with no thread left;
 * -ERESTARTNOINTR among them, so nothing may have been changed before.
 *
 * Context: process context of the owner, vdev.mutex held.
 */
int vhost_fs_pool_start(struct vhost_fs_dev *fs, unsigned int nr_queues)
{
	unsigned int nr = 1 + min(nr_queues, nr_processors());
	int err;

	lockdep_assert_held(&fs->vdev.mutex);

	fs->pool.kcov_handle = kcov_common_handle();
	/* Kicks may come already. */
	spin_lock_irq(&fs->pool.lock);
	WRITE_ONCE(fs->pool.running, true);
	fs->pool.max_active = nr_processors();
	fs->pool.no_thread_until = jiffies;
	WRITE_ONCE(fs->pool.refused, false);
	spin_unlock_irq(&fs->pool.lock);
	while (nr--) {
		err = pool_grow(fs, UINT_MAX);
		if (err) {
			vhost_fs_pool_stop(fs);
			return err;
		}
	}
	schedule_delayed_work(&fs->pool.shrink, VHOST_FS_IDLE_TIMEOUT);
	return 0;
}

/**
 * vhost_fs_pool_stop - end all threads
 * @fs: the device, with no request in flight
 *
 * Every look that was promised is given back.
 *
 * Context: process context, vdev.mutex held or the last reference to @fs.
 */
void vhost_fs_pool_stop(struct vhost_fs_dev *fs)
{
	struct vhost_fs_pool *pool = &fs->pool;
	struct vhost_fs_worker *w, *tmp;
	LIST_HEAD(workers);
	unsigned int i;

	spin_lock_irq(&pool->lock);
	WRITE_ONCE(pool->running, false);
	spin_unlock_irq(&pool->lock);
	cancel_delayed_work_sync(&pool->shrink);
	timer_delete_sync(&pool->rescue);

	spin_lock_irq(&pool->lock);
	list_splice_init(&pool->workers, &workers);
	spin_unlock_irq(&pool->lock);
	list_for_each_entry_safe(w, tmp, &workers, entry)
		vhost_task_stop(w->task);

	/* Now none of them can use the lists or be woken any more. */
	spin_lock_irq(&pool->lock);
	list_for_each_entry(w, &workers, entry)
		worker_clear_idle(pool, w);
	WRITE_ONCE(pool->nr, 0);
	WRITE_ONCE(pool->nr_new, 0);
	pool->nr_active = 0;
	for (i = 0; i < VHOST_FS_NVQS; i++) {
		list_del_init(&fs->queues[i].pending);
		atomic_set(&fs->queues[i].looking, 0);
	}
	spin_unlock_irq(&pool->lock);

	list_for_each_entry_safe(w, tmp, &workers, entry)
		worker_free(w);
}
