// SPDX-License-Identifier: GPL-2.0-only
/*
 * Moving a device's state: what its guest has been given goes to another host,
 * or comes from there.
 *
 * A transfer binds a stopped device to a descriptor for as long as it takes. It
 * has a thread of its own, a vhost_task: so memory is charged to the VMM, and the
 * VMM can read the other end of a pipe while the state is written. The device
 * can't be started before the transfer is through, so nobody else uses the
 * session meanwhile, and saving needs no locks on it. The transfer lives on
 * until its end was asked for, the next one is begun, or the device is closed.
 */
#include <linux/completion.h>
#include <linux/kref.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/task_work.h>

#include "dev.h"
#include "kcompat.h"
#include "keep.h"
#include "request.h"
#include "share.h"
#include "state.h"

/**
 * struct vhost_fs_transfer - a device's state on its way
 * @ref: one for the device, one for each who waits for the end
 * @fs: the device; constant
 * @direction: enum vhost_fs_state_direction; constant
 * @req: what the file system is asked by; the thread's own
 * @io: the other end; the thread's own, but for cancelling
 * @task: the thread; NULL once it is known to be through and has been stopped;
 *	under vdev.mutex
 * @report: how it ended; the thread's own until @done
 * @begun: the thread has begun; its own
 * @kcov_handle: whose coverage the thread's is; constant
 * @done: it is through
 */
struct vhost_fs_transfer {
	struct kref ref;
	struct vhost_fs_dev *fs;
	u32 direction;
	struct vhost_fs_req *req;
	struct vhost_fs_state_io io;
	struct vhost_task *task;
	struct vhost_fs_state_report report;
	bool begun;
	typeof(kcov_common_handle()) kcov_handle;
	struct completion done;
};

static void transfer_release(struct kref *ref)
{
	kfree(container_of(ref, struct vhost_fs_transfer, ref));
}

/* The share's credentials, as for any request; nothing here is the guest's. */
static void transfer_run(struct vhost_fs_transfer *t)
{
	struct vhost_fs_req *req = t->req;
	const struct cred *saved;

	req->share = t->fs->share;
	req->session_flags = t->fs->session.flags;
	/* There is no ring to give away. */
	req->handed_off = true;
	saved = override_creds(req->share->cred);
	if (t->direction == VHOST_FS_STATE_SAVE)
		vhost_fs_state_save(req, &t->io, &t->report);
	else
		vhost_fs_state_load(req, &t->io, &t->report);
	revert_creds(saved);
}

static void transfer_finish(struct vhost_fs_transfer *t)
{
	vhost_fs_state_io_close(&t->io);
	complete_all(&t->done);
}

/* Called by the vhost_task again and again; false lets it sleep. */
static bool transfer_fn(void *data)
{
	struct vhost_fs_transfer *t = data;

	if (t->begun)
		return false;
	__set_current_state(TASK_RUNNING);
	t->begun = true;
	/* Over before the end is told, so that who was told has the coverage. */
	kcov_remote_start_common(t->kcov_handle);
	transfer_run(t);
	kcov_remote_stop();
	transfer_finish(t);
	/* Files and mounts that somebody else's fput() left to this task. */
	if (task_work_pending(current))
		set_thread_flag(TIF_NOTIFY_SIGNAL);
	return true;
}

/* The VMM is being killed; perhaps before the thread has begun. */
static void transfer_killed(void *data)
{
	struct vhost_fs_transfer *t = data;

	if (t->begun)
		return;
	vhost_fs_state_fail(&t->report, -EINTR, VHOST_FS_STATE_ERR_CANCELLED, 0);
	transfer_finish(t);
}

static struct vhost_fs_transfer *
transfer_alloc(struct vhost_fs_dev *fs,
	       const struct vhost_fs_device_state_fd *arg)
{
	struct vhost_fs_transfer *t = kzalloc(sizeof(*t), GFP_KERNEL_ACCOUNT);
	int err = -ENOMEM;

	if (!t)
		return ERR_PTR(-ENOMEM);
	kref_init(&t->ref);
	init_completion(&t->done);
	t->fs = fs;
	t->direction = arg->direction;
	t->kcov_handle = kcov_common_handle();
	t->req = vhost_fs_req_alloc(fs);
	if (!t->req)
		goto err_free;
	err = vhost_fs_state_io_open(&t->io, arg->fd, arg->direction,
				     arg->timeout_ms);
	if (err)
		goto err_req;
	return t;

err_req:
	vhost_fs_req_free(t->req);
err_free:
	kfree(t);
	return ERR_PTR(err);
}

/* Neither is used by anybody but the thread, which is gone. */
static void transfer_free(struct vhost_fs_transfer *t)
{
	vhost_fs_state_io_close(&t->io);
	vhost_fs_req_free(t->req);
	kref_put(&t->ref, transfer_release);
}

/**
 * vhost_fs_transfer_stop - have what is under way end
 * @fs: the device
 *
 * What holds it up may be a file server, or a frozen file system, for which no
 * caller that can do without needs to wait.
 *
 * Return: 0, or -EINTR if the caller was killed before.
 *
 * Context: process context, vdev.mutex held.
 */
int vhost_fs_transfer_stop(struct vhost_fs_dev *fs)
{
	struct vhost_fs_transfer *t = fs->transfer;

	lockdep_assert_held(&fs->vdev.mutex);

	if (!t)
		return 0;
	vhost_fs_state_io_cancel(&t->io);
	return wait_for_completion_state(&t->done, VHOST_FS_WAIT_KILLABLE) ?
		-EINTR : 0;
}

/**
 * vhost_fs_transfer_end - end what is under way, and forget how it ended
 * @fs: the device
 *
 * Context: process context; vdev.mutex held, or the last reference to @fs.
 */
void vhost_fs_transfer_end(struct vhost_fs_dev *fs)
{
	struct vhost_fs_transfer *t = fs->transfer;

	if (!t)
		return;
	fs->transfer = NULL;
	vhost_fs_state_io_cancel(&t->io);
	/* It may be held up as a request can be, and stopping it waits otherwise. */
	wait_for_completion_state(&t->done, VHOST_FS_WAIT_IDLE);
	if (t->task)
		vhost_task_stop(t->task);
	transfer_free(t);
}

/**
 * vhost_fs_transfer_reap - end the thread of a transfer that is through
 * @fs: the device, whose transfer is through, or that has none
 *
 * How it ended can still be asked.
 *
 * Context: process context, vdev.mutex held.
 */
void vhost_fs_transfer_reap(struct vhost_fs_dev *fs)
{
	struct vhost_fs_transfer *t = fs->transfer;

	lockdep_assert_held(&fs->vdev.mutex);

	if (!t || !t->task)
		return;
	vhost_task_stop(t->task);
	t->task = NULL;
}

/**
 * vhost_fs_transfer_busy - is the device's state on its way?
 * @fs: the device
 *
 * Return: whether it is.
 *
 * Context: vdev.mutex held.
 */
bool vhost_fs_transfer_busy(const struct vhost_fs_dev *fs)
{
	lockdep_assert_held(&fs->vdev.mutex);

	return fs->transfer && !completion_done(&fs->transfer->done);
}

/* The device's transfer, with a reference; NULL if there is none, or -EINTR. */
static struct vhost_fs_transfer *transfer_get(struct vhost_fs_dev *fs)
{
	struct vhost_fs_transfer *t;

	if (mutex_lock_killable(&fs->vdev.mutex))
		return ERR_PTR(-EINTR);
	t = fs->transfer;
	if (t)
		kref_get(&t->ref);
	mutex_unlock(&fs->vdev.mutex);
	return t;
}

/* Suspending the host is no reason to give up, as a signal is. */
static int transfer_wait(struct vhost_fs_transfer *t)
{
	return wait_for_completion_state(&t->done, TASK_INTERRUPTIBLE | TASK_FREEZABLE) ?
		-EINTR : 0;
}

static int transfer_may_begin(struct vhost_fs_dev *fs, u32 direction)
{
	int err = vhost_fs_dev_check_owner(fs);

	if (err)
		return err;
	if (!fs->share)
		return -ENODEV;
	if (fs->running || vhost_fs_transfer_busy(fs))
		return -EBUSY;
	/* They are this device's to answer. */
	if (direction == VHOST_FS_STATE_SAVE && vhost_fs_keep_any(fs))
		return -EBUSY;
	return 0;
}

static int transfer_begin(struct vhost_fs_dev *fs,
			  const struct vhost_fs_device_state_fd *arg)
{
	struct vhost_fs_transfer *t;
	int err;

	lockdep_assert_held(&fs->vdev.mutex);

	err = transfer_may_begin(fs, arg->direction);
	if (err)
		return err;
	t = transfer_alloc(fs, arg);
	if (IS_ERR(t))
		return PTR_ERR(t);
	t->task = vhost_task_create(transfer_fn, transfer_killed, t,
				    "vhost-fs-state");
	if (IS_ERR(t->task)) {
		err = PTR_ERR(t->task);
		transfer_free(t);
		return err;
	}
	vhost_fs_transfer_end(fs);
	fs->transfer = t;
	vhost_task_start(t->task);
	return 0;
}

/* How it ended is left for the owner to ask. */
static int transfer_cancel(struct vhost_fs_dev *fs)
{
	struct vhost_fs_transfer *t;
	int err;

	if (mutex_lock_killable(&fs->vdev.mutex))
		return -EINTR;
	err = vhost_dev_check_owner(&fs->vdev);
	mutex_unlock(&fs->vdev.mutex);
	if (err)
		return err;
	t = transfer_get(fs);
	if (IS_ERR_OR_NULL(t))
		return PTR_ERR(t);
	vhost_fs_state_io_cancel(&t->io);
	err = transfer_wait(t);
	kref_put(&t->ref, transfer_release);
	return err;
}

/**
 * vhost_fs_transfer_set_fd - VHOST_FS_SET_DEVICE_STATE_FD
 * @fs: the device
 * @arg: copy of its argument, not yet checked
 *
 * Return: 0 or an errno as the interface says.
 *
 * Context: process context of the owner.
 */
int vhost_fs_transfer_set_fd(struct vhost_fs_dev *fs,
			     const struct vhost_fs_device_state_fd *arg)
{
	int err;

	if (arg->flags || arg->phase || arg->direction > VHOST_FS_STATE_LOAD)
		return -EINVAL;
	if (arg->fd == -1)
		return transfer_cancel(fs);
	if (mutex_lock_killable(&fs->vdev.mutex))
		return -EINTR;
	err = transfer_begin(fs, arg);
	mutex_unlock(&fs->vdev.mutex);
	return err;
}

static void transfer_tell(const struct vhost_fs_transfer *t,
			  struct vhost_fs_device_state_result *result)
{
	const struct vhost_fs_state_report *report = &t->report;

	result->error = -report->error;
	result->reason = report->reason;
	result->object = report->object;
	result->bytes = t->io.bytes;
	result->lost_nodes = report->lost_nodes;
	result->lost_handles = report->lost_handles;
}

/* Told once: the next who asks is to ask about the next transfer. */
static int transfer_forget(struct vhost_fs_dev *fs,
			   const struct vhost_fs_transfer *t)
{
	if (mutex_lock_killable(&fs->vdev.mutex))
		return -EINTR;
	if (fs->transfer == t)
		vhost_fs_transfer_end(fs);
	mutex_unlock(&fs->vdev.mutex);
	return 0;
}

/**
 * vhost_fs_transfer_check - VHOST_FS_CHECK_DEVICE_STATE
 * @fs: the device
 * @result: filled in
 *
 * Return: 0; -EINVAL if there is nothing to tell; -EINTR.
 *
 * Context: process context; the transfer can be cancelled meanwhile.
 */
int vhost_fs_transfer_check(struct vhost_fs_dev *fs,
			    struct vhost_fs_device_state_result *result)
{
	struct vhost_fs_transfer *t;
	int err;

	if (result->flags)
		return -EINVAL;
	t = transfer_get(fs);
	if (IS_ERR_OR_NULL(t))
		return t ? PTR_ERR(t) : -EINVAL;
	err = transfer_wait(t);
	if (!err) {
		transfer_tell(t, result);
		err = transfer_forget(fs, t);
	}
	kref_put(&t->ref, transfer_release);
	return err;
}
