// SPDX-License-Identifier: GPL-2.0-only
/*
 * POSIX and flock() locks: GETLK, SETLK, SETLKW.
 *
 * The locks are the host's own, on the file that the guest's handle stands for;
 * so they hold among guests and against the host's processes. A flock() lock
 * belongs to the open file, as everywhere, a POSIX lock to an owner,
 * lock_owner.c.
 *
 * A closed handle takes its locks with it. So nothing is left when a session
 * ends or a device is closed, whatever the guest forgot to unlock.
 *
 * Requests that have to wait are park.c's.
 */
#include <linux/filelock.h>
#include <linux/fs.h>
#include <linux/fuse.h>
#include <linux/module.h>
#include <linux/sched.h>

#include "dev.h"
#include "handle.h"
#include "lock.h"
#include "lock_owner.h"
#include "op.h"
#include "park.h"
#include "reply.h"
#include "request.h"
#include "share.h"
#include "vq.h"

/* Far from where the count of a device's locks would overflow. */
static int set_limit(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 1, 1 << 24);
}

static const struct kernel_param_ops limit_ops = {
	.set = set_limit,
	.get = param_get_uint,
};

/* Twice as many when it unlocks, which may cut one lock in two. */
static unsigned int max_locks = 65536;
module_param_cb(max_locks, &limit_ops, &max_locks, 0644);
MODULE_PARM_DESC(max_locks,
		 "Locks that one device may hold: memory that is charged to nobody (65536)");

/*
 * Again twice as many when it unlocks. The lock manager keeps those of a file in
 * a list that it walks with a spinlock held, once for each owner whose locks go
 * with a handle.
 */
static unsigned int max_file_locks = 8192;
module_param_cb(max_file_locks, &limit_ops, &max_file_locks, 0644);
MODULE_PARM_DESC(max_file_locks,
		 "POSIX locks that one device may hold on one file (8192)");

/* What fcntl() checks of a lock, and what a guest's kernel has checked. */
static int lock_check(struct vhost_fs_req *req)
{
	const struct fuse_lk_in *in = req->arg;

	if ((in->lk_flags & ~FUSE_LK_FLOCK) ||
	    (in->lk.type != F_RDLCK && in->lk.type != F_WRLCK &&
	     in->lk.type != F_UNLCK))
		return -EINVAL;
	if (in->lk_flags & FUSE_LK_FLOCK)
		return 0;
	return in->lk.start <= in->lk.end && in->lk.end <= OFFSET_MAX ?
		0 : -EINVAL;
}

static int lock_check_mode(struct vhost_fs_req *req)
{
	const struct fuse_lk_in *in = req->arg;
	fmode_t mode = req->handle->file->f_mode;

	if (in->lk_flags & FUSE_LK_FLOCK)
		return 0;
	if ((in->lk.type == F_RDLCK && !(mode & FMODE_READ)) ||
	    (in->lk.type == F_WRLCK && !(mode & FMODE_WRITE)))
		return -EBADF;
	return 0;
}

static bool posix_is_ours(const struct file_lock *fl,
			  const struct vhost_fs_lock_space *space)
{
	const struct vhost_fs_lock_owner *owner = fl->c.flc_owner;

	return fl->fl_lmops == &vhost_fs_lock_posix_ops && owner->key.space == space;
}

/* Does the file system keep locks itself? */
static bool is_remote(const struct file *file)
{
	return file->f_op->lock;
}

/*
 * A device that has few locks has few on this file. On a remote one, locks of
 * the VMM are the guest's, or as good as that.
 */
static bool file_is_full(struct file *file, struct vhost_fs_lock_space *space,
			 int max)
{
	struct file_lock_context *ctx = locks_inode_context(file_inode(file));
	bool remote = is_remote(file);
	struct file_lock *fl;
	int nr = 0;

	if (!ctx || atomic_read(&space->nr) < max)
		return false;
	spin_lock(&ctx->flc_lock);
	for_each_file_lock(fl, &ctx->flc_posix)
		nr += remote ? fl->c.flc_pid == current->tgid :
			       posix_is_ours(fl, space);
	spin_unlock(&ctx->flc_lock);
	return nr >= max;
}

static int lock_check_limit(struct vhost_fs_req *req)
{
	const struct fuse_lk_in *in = req->arg;
	struct vhost_fs_lock_space *space = req->fs->locks.space;
	int times = in->lk.type == F_UNLCK ? 2 : 1;

	if (atomic_read(&space->nr) >= times * READ_ONCE(max_locks))
		return -ENOLCK;
	if (!(in->lk_flags & FUSE_LK_FLOCK) &&
	    file_is_full(req->handle->file, space,
			 times * READ_ONCE(max_file_locks)))
		return -ENOLCK;
	return 0;
}

static void flock_make(struct file_lock *fl, struct file *file, int type)
{
	locks_init_lock(fl);
	fl->c.flc_flags = FL_FLOCK;
	fl->c.flc_type = type;
	fl->c.flc_owner = file;
	fl->c.flc_pid = current->tgid;
	fl->c.flc_file = file;
	fl->fl_end = OFFSET_MAX;
}

/*
 * The host's tools see the VMM as the holder, which is what the administrator
 * can do something about.
 */
static void posix_make(struct file_lock *fl, struct vhost_fs_req *req)
{
	const struct fuse_lk_in *in = req->arg;

	locks_init_lock(fl);
	fl->c.flc_flags = FL_POSIX;
	fl->c.flc_type = in->lk.type;
	fl->c.flc_pid = current->tgid;
	fl->c.flc_file = req->handle->file;
	fl->fl_start = in->lk.start;
	fl->fl_end = in->lk.end;
}

/* The lock that a request wants; for vhost_fs_lock_drop(). */
static int lock_make(struct file_lock *fl, struct vhost_fs_req *req)
{
	const struct fuse_lk_in *in = req->arg;
	struct vhost_fs_lock_owner *owner;

	if (in->lk_flags & FUSE_LK_FLOCK) {
		flock_make(fl, req->handle->file, in->lk.type);
		return 0;
	}
	owner = vhost_fs_lock_owner_get(req->fs, in->owner);
	if (!owner)
		return -ENOLCK;
	WRITE_ONCE(owner->pid, in->lk.pid);
	posix_make(fl, req);
	fl->c.flc_owner = owner;
	if (!is_remote(req->handle->file))
		fl->fl_lmops = &vhost_fs_lock_posix_ops;
	return 0;
}

/**
 * vhost_fs_lock_copy - a second one of a lock that is wanted
 * @new: set to the lock; for vhost_fs_lock_drop()
 * @fl: the lock
 */
void vhost_fs_lock_copy(struct file_lock *new, struct file_lock *fl)
{
	locks_init_lock(new);
	locks_copy_lock(new, fl);
	/* Without a lock manager nobody has done it. */
	if ((fl->c.flc_flags & FL_POSIX) && !fl->fl_lmops)
		vhost_fs_lock_owner_dup(fl->c.flc_owner);
}

/**
 * vhost_fs_lock_drop - a lock is wanted no more, or the kernel has it
 * @fl: the lock
 */
void vhost_fs_lock_drop(struct file_lock *fl)
{
	struct vhost_fs_lock_owner *owner = NULL;

	if ((fl->c.flc_flags & FL_POSIX) && !fl->fl_lmops)
		owner = fl->c.flc_owner;
	locks_release_private(fl);
	if (owner)
		vhost_fs_lock_owner_put(owner);
}

/*
 * A file system that locks only on its server, as FUSE may, leaves nothing that
 * keeps the owner; its address would be somebody else's before the lock is
 * dropped, if ever. So such locks are given back.
 */
static int remote_apply(struct file *file, struct file_lock *fl)
{
	bool unlock = fl->c.flc_type == F_UNLCK;
	struct vhost_fs_remote *new = NULL;
	int err;

	if (!unlock) {
		new = vhost_fs_remote_alloc(fl->c.flc_owner, file_inode(file));
		if (!new)
			return -ENOLCK;
	}
	err = vfs_lock_file(file, F_SETLK, fl, NULL);
	if (vhost_fs_remote_settle(file_inode(file), fl->c.flc_owner, new) || err || unlock)
		return err;
	fl->c.flc_type = F_UNLCK;
	vfs_lock_file(file, F_SETLK, fl, NULL);
	return -ENOLCK;
}

/**
 * vhost_fs_lock_apply - take or drop a lock
 * @fl: the lock; with FL_SLEEP its place among the waiters is kept
 *
 * Return: 0; FILE_LOCK_DEFERRED with FL_SLEEP if the lock isn't free, and
 * vhost_fs_park_notify() will be called; -EAGAIN without; -ENOLCK where POSIX
 * locks are known to a server only; another errno.
 *
 * Context: process context; a file system on a network asks its server.
 */
int vhost_fs_lock_apply(struct file_lock *fl)
{
	struct file *file = fl->c.flc_file;

	if (fl->c.flc_flags & FL_POSIX)
		return is_remote(file) ? remote_apply(file, fl) :
					 vfs_lock_file(file, F_SETLK, fl, NULL);
	if (file->f_op->flock)
		return file->f_op->flock(file, F_SETLK, fl);
	return locks_lock_file_wait(file, fl);
}

/* Locks that the file system keeps itself may be kept far away. */
static void lock_may_block(struct vhost_fs_req *req)
{
	const struct file_operations *f_op = req->handle->file->f_op;

	if (f_op->lock || f_op->flock)
		vhost_fs_may_block(req);
}

/*
 * Somebody may wait for a flock() lock that was just dropped or weakened. One
 * that can't be had for writing has dropped what the file had for reading.
 */
static void lock_wake(const struct file_lock *fl, int err)
{
	if ((fl->c.flc_flags & FL_FLOCK) && (fl->c.flc_type != F_WRLCK || err))
		vhost_fs_park_wake_inode(file_inode(fl->c.flc_file));
}

/* Try once; with @wait, a request that has to wait is parked. */
static int set_lock(struct vhost_fs_req *req, bool wait)
{
	struct file_lock fl;
	int err;

	err = lock_check(req) ?: lock_check_mode(req) ?: lock_check_limit(req);
	if (!err)
		err = lock_make(&fl, req);
	if (err)
		return err;
	lock_may_block(req);
	err = vhost_fs_lock_apply(&fl);
	lock_wake(&fl, err);
	if (err == -EAGAIN && wait)
		err = vhost_fs_park(req, &fl);
	vhost_fs_lock_drop(&fl);
	return err;
}

/**
 * vhost_fs_op_setlk - FUSE_SETLK
 * @req: the request
 *
 * Return: 0 or an errno; -EAGAIN if somebody else has the lock.
 */
int vhost_fs_op_setlk(struct vhost_fs_req *req)
{
	return set_lock(req, false);
}

/**
 * vhost_fs_op_setlkw - FUSE_SETLKW
 * @req: the request
 *
 * Return: 0, VHOST_FS_PARKED or an errno; -EDEADLK if the holder waits for
 * this owner, -ENOLCK if too many requests wait already.
 */
int vhost_fs_op_setlkw(struct vhost_fs_req *req)
{
	const struct fuse_lk_in *in = req->arg;

	return set_lock(req, in->lk.type != F_UNLCK);
}

/*
 * The guest's own processes have numbers; others are 0, nobody's. What a server
 * knows of leaves @asker, in whose name it was asked, as the owner.
 */
static u32 holder_pid(struct vhost_fs_req *req, const struct file_lock *fl,
		      const void *asker)
{
	const struct vhost_fs_lock_owner *owner = fl->c.flc_owner;

	if (posix_is_ours(fl, req->fs->locks.space))
		return READ_ONCE(owner->pid);
	if (!is_remote(req->handle->file) || owner == asker)
		return 0;
	return vhost_fs_remote_pid(req->fs->locks.space, owner);
}

static void getlk_reply(struct vhost_fs_req *req, const struct file_lock *fl,
			const void *asker)
{
	struct fuse_lk_out *out = vhost_fs_reply_arg(req, sizeof(*out));

	out->lk.type = fl->c.flc_type;
	if (fl->c.flc_type == F_UNLCK)
		return;
	out->lk.start = fl->fl_start;
	out->lk.end = fl->fl_end;
	out->lk.pid = holder_pid(req, fl, asker);
}

/**
 * vhost_fs_op_getlk - FUSE_GETLK
 * @req: the request
 *
 * Return: 0 or an errno.
 */
int vhost_fs_op_getlk(struct vhost_fs_req *req)
{
	const struct fuse_lk_in *in = req->arg;
	struct vhost_fs_lock_owner *owner;
	struct file_lock fl;
	int err = lock_check(req);

	if (err || (in->lk_flags & FUSE_LK_FLOCK))
		return err ?: -EINVAL;
	lock_may_block(req);
	owner = vhost_fs_lock_owner_find(req->fs, in->owner);
	posix_make(&fl, req);
	/* Without an owner nothing is its own; and nothing has this address. */
	fl.c.flc_owner = owner ?: (void *)&fl;
	err = vfs_test_lock(fl.c.flc_file, &fl);
	if (!err)
		getlk_reply(req, &fl, owner ?: (void *)&fl);
	locks_release_private(&fl);
	if (owner)
		vhost_fs_lock_owner_put(owner);
	return err;
}

static void remove_posix(struct file *file, struct vhost_fs_lock_owner *owner)
{
	locks_remove_posix(file, owner);
	if (is_remote(file))
		vhost_fs_remote_settle(file_inode(file), owner, NULL);
}

/**
 * vhost_fs_lock_flush - a process of the guest has closed a file
 * @req: the request, with a handle
 * @id: the process, as an owner of locks
 */
void vhost_fs_lock_flush(struct vhost_fs_req *req, u64 id)
{
	struct vhost_fs_lock_owner *owner;

	if (!vhost_fs_lock_served(req->share))
		return;
	owner = vhost_fs_lock_owner_find(req->fs, id);
	if (!owner)
		return;
	lock_may_block(req);
	remove_posix(req->handle->file, owner);
	vhost_fs_lock_owner_put(owner);
}

/* Dropping the locks of many owners takes a while. */
static void close_may_block(struct vhost_fs_req *req)
{
	struct file_lock_context *ctx =
		locks_inode_context(file_inode(req->handle->file));

	if (ctx && !list_empty_careful(&ctx->flc_posix))
		vhost_fs_may_block(req);
}

/**
 * vhost_fs_lock_release - RELEASE, with what it says of locks
 * @req: the request, with a handle
 *
 * What it doesn't name goes when the handle goes, vhost_fs_lock_close().
 */
void vhost_fs_lock_release(struct vhost_fs_req *req)
{
	const struct fuse_release_in *in = req->arg;
	struct file_lock fl;

	if (!vhost_fs_lock_served(req->share))
		return;
	close_may_block(req);
	if (in->release_flags & FUSE_RELEASE_FLUSH)
		vhost_fs_lock_flush(req, in->lock_owner);
	if (!(in->release_flags & FUSE_RELEASE_FLOCK_UNLOCK))
		return;
	flock_make(&fl, req->handle->file, F_UNLCK);
	lock_may_block(req);
	vhost_fs_lock_apply(&fl);
	lock_wake(&fl, 0);
	locks_release_private(&fl);
}

/* Any owner of POSIX locks that came by way of this file, with a reference. */
static struct vhost_fs_lock_owner *owner_by_file(struct file_lock_context *ctx,
						 struct file *file)
{
	struct vhost_fs_lock_owner *owner = NULL;
	struct file_lock *fl;

	spin_lock(&ctx->flc_lock);
	for_each_file_lock(fl, &ctx->flc_posix) {
		if (fl->c.flc_file == file &&
		    (fl->fl_lmops == &vhost_fs_lock_posix_ops || is_remote(file))) {
			owner = vhost_fs_lock_owner_dup(fl->c.flc_owner);
			break;
		}
	}
	spin_unlock(&ctx->flc_lock);
	return owner;
}

/**
 * vhost_fs_lock_held - does the guest hold a lock by way of an open file?
 * @file: the file
 *
 * Return: whether it does, on the host.
 *
 * Context: process context.
 */
bool vhost_fs_lock_held(struct file *file)
{
	struct file_lock_context *ctx = locks_inode_context(file_inode(file));
	struct file_lock *fl;
	bool held = false;

	if (!ctx)
		return false;
	spin_lock(&ctx->flc_lock);
	for_each_file_lock(fl, &ctx->flc_posix)
		held |= fl->c.flc_file == file &&
			(fl->fl_lmops == &vhost_fs_lock_posix_ops || is_remote(file));
	for_each_file_lock(fl, &ctx->flc_flock)
		held |= fl->c.flc_file == file;
	spin_unlock(&ctx->flc_lock);
	return held;
}

/*
 * A file system may fail to drop its lock, and then ours stays, with a file that
 * is about to go. All of a file's range needs no memory.
 */
static void close_forget(struct file *file, struct vhost_fs_lock_owner *owner)
{
	struct file_lock fl;

	locks_init_lock(&fl);
	fl.c.flc_flags = FL_POSIX | FL_CLOSE;
	fl.c.flc_type = F_UNLCK;
	fl.c.flc_pid = current->tgid;
	fl.c.flc_file = file;
	fl.c.flc_owner = owner;
	fl.fl_end = OFFSET_MAX;
	posix_lock_file(file, &fl, NULL);
}

/**
 * vhost_fs_lock_close - drop the locks of a file that is about to be closed
 * @file: the file
 *
 * A flock() lock goes with the file; POSIX locks would stay, and the host's
 * lock manager has no use for a lock whose file has gone.
 *
 * Return: whether somebody may wait for a flock() lock that goes.
 *
 * Context: process context.
 */
bool vhost_fs_lock_close(struct file *file)
{
	struct file_lock_context *ctx = locks_inode_context(file_inode(file));
	struct vhost_fs_lock_owner *owner, *last = NULL;

	if (!ctx)
		return false;
	while ((owner = owner_by_file(ctx, file))) {
		if (owner == last)
			close_forget(file, owner);
		remove_posix(file, owner);
		last = owner;
		vhost_fs_lock_owner_put(owner);
		cond_resched();
	}
	return !list_empty_careful(&ctx->flc_flock);
}
