// SPDX-License-Identifier: GPL-2.0-only
/*
 * POSIX and flock() locks: GETLK, SETLK, SETLKW.
 *
 * The locks are the host's own, on the file that the guest's handle stands for;
 * so they hold among guests and against the host's processes. A flock() lock
 * belongs to the open file, as everywhere. A POSIX lock belongs to an owner,
 * which is a number that the guest gives and which means something in its
 * session only: struct vhost_fs_lock_owner stands for it, and its address is
 * what the host's lock manager compares. Each lock that is held or waited for
 * has a reference to its owner, by way of lm_get_owner and lm_put_owner; the
 * last one to go frees it. That may be somebody else's, who has copied a lock
 * to tell who holds it, after the device has been closed; an owner therefore
 * depends on nothing but the module.
 *
 * A file system that keeps locks itself, as NFS does, copies them without putting
 * what it got, and may do so long after. There, locks have no lock manager, and
 * struct remote_owner keeps the owner while the kernel knows of a lock of his.
 *
 * A closed handle takes its locks with it. So nothing is left when a session
 * ends or a device is closed, whatever the guest forgot to unlock.
 *
 * Requests that have to wait are park.c's.
 */
#include <linux/filelock.h>
#include <linux/fs.h>
#include <linux/fuse.h>
#include <linux/hashtable.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/rhashtable.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "dev.h"
#include "handle.h"
#include "lock.h"
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

#define REMOTE_OWNERS_BITS	6

/**
 * struct vhost_fs_lock_space - whose owners belong together
 * @ref: one for the device, one for each owner
 * @nr: references to owners, and locks on remote files, so about as many locks
 * @remote_lock: guards @remote; the lock manager's are inside
 * @remote: struct remote_owner, by owner
 */
struct vhost_fs_lock_space {
	refcount_t ref;
	atomic_t nr;
	spinlock_t remote_lock;
	DECLARE_HASHTABLE(remote, REMOTE_OWNERS_BITS);
};

struct owner_key {
	struct vhost_fs_lock_space *space;
	u64 session;
	u64 id;
};

/**
 * struct vhost_fs_lock_owner - who holds POSIX locks, in the guest's terms
 * @key: device, session and the guest's number; constant
 * @ref: one for each lock, held or wanted
 * @pid: the guest's process that locked last; read and written without a lock
 * @hash: place in owners; under owners_lock, RCU to read
 * @rcu: frees it
 */
struct vhost_fs_lock_owner {
	struct owner_key key;
	refcount_t ref;
	u32 pid;
	struct rhash_head hash;
	struct rcu_head rcu;
};

/**
 * struct remote_owner - who has POSIX locks on a file that keeps them itself
 * @owner: the owner; a reference
 * @inode: the file; only compared
 * @nr: locks, as counted in the owner's space; under @remote_lock
 * @hash: place in the space's @remote; under @remote_lock
 */
struct remote_owner {
	struct vhost_fs_lock_owner *owner;
	const struct inode *inode;
	unsigned int nr;
	struct hlist_node hash;
};

static const struct rhashtable_params owner_params = {
	.key_len = sizeof(struct owner_key),
	.key_offset = offsetof(struct vhost_fs_lock_owner, key),
	.head_offset = offsetof(struct vhost_fs_lock_owner, hash),
	.automatic_shrinking = true,
};

static struct rhashtable owners;
/* Makes the end of an owner and its removal from the table one step. */
static DEFINE_SPINLOCK(owners_lock);

/**
 * vhost_fs_lock_init - for module init
 *
 * Return: 0 or -ENOMEM.
 */
int vhost_fs_lock_init(void)
{
	return rhashtable_init(&owners, &owner_params);
}

/**
 * vhost_fs_lock_exit - for module exit
 *
 * Owners have kept the module; but whoever dropped the last reference to one may
 * have been interrupted on the way back from here.
 */
void vhost_fs_lock_exit(void)
{
	synchronize_rcu_tasks();
	rhashtable_destroy(&owners);
}

/**
 * vhost_fs_lock_space_alloc - for a device that is opened
 *
 * Return: the device's owners, none, or NULL.
 */
struct vhost_fs_lock_space *vhost_fs_lock_space_alloc(void)
{
	struct vhost_fs_lock_space *space;

	space = kzalloc(sizeof(*space), GFP_KERNEL_ACCOUNT);
	if (!space)
		return NULL;
	refcount_set(&space->ref, 1);
	spin_lock_init(&space->remote_lock);
	hash_init(space->remote);
	return space;
}

/**
 * vhost_fs_lock_space_put - drop a reference
 * @space: the owners of a device
 */
void vhost_fs_lock_space_put(struct vhost_fs_lock_space *space)
{
	if (refcount_dec_and_test(&space->ref))
		kfree(space);
}

static struct owner_key owner_key(struct vhost_fs_dev *fs, u64 id)
{
	return (struct owner_key) {
		.space = fs->locks.space,
		.session = READ_ONCE(fs->locks.session),
		.id = id,
	};
}

/* An owner that is there already, with a reference, or NULL. */
static struct vhost_fs_lock_owner *owner_find(struct vhost_fs_dev *fs, u64 id)
{
	struct owner_key key = owner_key(fs, id);
	struct vhost_fs_lock_owner *owner;

	rcu_read_lock();
	owner = rhashtable_lookup(&owners, &key, owner_params);
	if (owner && !refcount_inc_not_zero(&owner->ref))
		owner = NULL;
	rcu_read_unlock();
	if (owner)
		atomic_inc(&owner->key.space->nr);
	return owner;
}

/*
 * Put a new owner into the table, or find the one that was faster. No owner in
 * the table is without references while the lock is held.
 */
static struct vhost_fs_lock_owner *owner_insert(struct vhost_fs_lock_owner *new)
{
	struct vhost_fs_lock_owner *owner;

	spin_lock(&owners_lock);
	owner = rhashtable_lookup_get_insert_fast(&owners, &new->hash,
						  owner_params);
	if (!IS_ERR_OR_NULL(owner))
		refcount_inc(&owner->ref);
	spin_unlock(&owners_lock);
	return owner;
}

/* The owner of that number, with a reference, or NULL when memory is short. */
static struct vhost_fs_lock_owner *owner_get(struct vhost_fs_dev *fs, u64 id)
{
	struct vhost_fs_lock_owner *owner = owner_find(fs, id), *new;

	if (owner)
		return owner;
	new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	if (!new)
		return NULL;
	new->key = owner_key(fs, id);
	refcount_set(&new->ref, 1);
	owner = owner_insert(new);
	if (owner) {
		kfree(new);
		if (IS_ERR(owner))
			return NULL;
	} else {
		owner = new;
		refcount_inc(&owner->key.space->ref);
		__module_get(THIS_MODULE);
	}
	atomic_inc(&owner->key.space->nr);
	return owner;
}

static void owner_put(struct vhost_fs_lock_owner *owner)
{
	struct vhost_fs_lock_space *space = owner->key.space;
	bool last;

	atomic_dec(&space->nr);
	if (refcount_dec_not_one(&owner->ref))
		return;
	spin_lock(&owners_lock);
	last = refcount_dec_and_test(&owner->ref);
	if (last)
		rhashtable_remove_fast(&owners, &owner->hash, owner_params);
	spin_unlock(&owners_lock);
	if (!last)
		return;
	kfree_rcu(owner, rcu);
	vhost_fs_lock_space_put(space);
	module_put(THIS_MODULE);
}

/* A lock is copied, under spinlocks. */
static fl_owner_t lm_get_owner(fl_owner_t fl_owner)
{
	struct vhost_fs_lock_owner *owner = fl_owner;

	refcount_inc(&owner->ref);
	atomic_inc(&owner->key.space->nr);
	return owner;
}

static void lm_put_owner(fl_owner_t fl_owner)
{
	owner_put(fl_owner);
}

static const struct lock_manager_operations posix_lmops = {
	.lm_mod_owner = THIS_MODULE,
	.lm_get_owner = lm_get_owner,
	.lm_put_owner = lm_put_owner,
	.lm_notify = vhost_fs_park_notify,
};

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

	return fl->fl_lmops == &posix_lmops && owner->key.space == space;
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
	owner = owner_get(req->fs, in->owner);
	if (!owner)
		return -ENOLCK;
	WRITE_ONCE(owner->pid, in->lk.pid);
	posix_make(fl, req);
	fl->c.flc_owner = owner;
	if (!is_remote(req->handle->file))
		fl->fl_lmops = &posix_lmops;
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
		lm_get_owner(fl->c.flc_owner);
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
		owner_put(owner);
}

/* How many locks of this owner on the file does the kernel know of? */
static unsigned int posix_count(struct inode *inode, fl_owner_t owner)
{
	struct file_lock_context *ctx = locks_inode_context(inode);
	struct file_lock *fl;
	unsigned int nr = 0;

	if (!ctx)
		return 0;
	spin_lock(&ctx->flc_lock);
	for_each_file_lock(fl, &ctx->flc_posix)
		nr += fl->c.flc_owner == owner;
	spin_unlock(&ctx->flc_lock);
	return nr;
}

/* Of any file if @inode is NULL. */
static struct remote_owner *remote_find(struct vhost_fs_lock_space *space,
					const void *owner,
					const struct inode *inode)
{
	struct remote_owner *r;

	lockdep_assert_held(&space->remote_lock);

	hash_for_each_possible(space->remote, r, hash, (unsigned long)owner)
		if (r->owner == owner && (!inode || r->inode == inode))
			return r;
	return NULL;
}

static void remote_add(struct remote_owner *r)
{
	struct vhost_fs_lock_space *space = r->owner->key.space;

	lockdep_assert_held(&space->remote_lock);

	lm_get_owner(r->owner);
	hash_add(space->remote, &r->hash, (unsigned long)r->owner);
}

static void remote_count(struct remote_owner *r, unsigned int nr)
{
	atomic_add((int)(nr - r->nr), &r->owner->key.space->nr);
	r->nr = nr;
}

/*
 * After a lock was taken or dropped, or wasn't: keep the owner if there is a
 * lock of his, with @new, if he isn't kept yet; else let him go. What the kernel
 * knows is looked at under the lock, so that whoever comes last is right.
 *
 * Returns whether there is one.
 */
static bool remote_settle(struct inode *inode, struct vhost_fs_lock_owner *owner,
			  struct remote_owner *new)
{
	struct vhost_fs_lock_space *space = owner->key.space;
	struct remote_owner *r, *gone = NULL;
	unsigned int nr;

	spin_lock(&space->remote_lock);
	nr = posix_count(inode, owner);
	r = remote_find(space, owner, inode);
	if (nr && !r && new) {
		remote_add(new);
		r = new;
		new = NULL;
	}
	if (r)
		remote_count(r, nr);
	if (r && !nr) {
		hash_del(&r->hash);
		gone = r;
	}
	spin_unlock(&space->remote_lock);
	kfree(new);
	if (gone)
		owner_put(gone->owner);
	kfree(gone);
	return nr;
}

/* Of files whose locks a file system has dropped by itself. */
static void remote_forget(struct vhost_fs_lock_space *space)
{
	struct hlist_node *next;
	struct remote_owner *r;
	int i;

	hash_for_each_safe(space->remote, i, next, r, hash) {
		remote_count(r, 0);
		hash_del(&r->hash);
		owner_put(r->owner);
		kfree(r);
	}
}

/**
 * vhost_fs_lock_space_close - for a device that is closed
 * @space: the owners of the device, which has no open files
 */
void vhost_fs_lock_space_close(struct vhost_fs_lock_space *space)
{
	remote_forget(space);
	vhost_fs_lock_space_put(space);
}

/*
 * A file system that locks only on its server, as FUSE may, leaves nothing that
 * keeps the owner; its address would be somebody else's before the lock is
 * dropped, if ever. So such locks are given back.
 */
static int remote_apply(struct file *file, struct file_lock *fl)
{
	bool unlock = fl->c.flc_type == F_UNLCK;
	struct remote_owner *new = NULL;
	int err;

	if (!unlock) {
		new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
		if (!new)
			return -ENOLCK;
		new->owner = fl->c.flc_owner;
		new->inode = file_inode(file);
	}
	err = vfs_lock_file(file, F_SETLK, fl, NULL);
	if (remote_settle(file_inode(file), fl->c.flc_owner, new) || err || unlock)
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

/* Where a lock doesn't tell whose it is, its owner is known or isn't. */
static u32 remote_pid(struct vhost_fs_lock_space *space, const void *owner)
{
	struct remote_owner *r;
	u32 pid;

	spin_lock(&space->remote_lock);
	r = remote_find(space, owner, NULL);
	pid = r ? READ_ONCE(r->owner->pid) : 0;
	spin_unlock(&space->remote_lock);
	return pid;
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
	return remote_pid(req->fs->locks.space, owner);
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
	owner = owner_find(req->fs, in->owner);
	posix_make(&fl, req);
	/* Without an owner nothing is its own; and nothing has this address. */
	fl.c.flc_owner = owner ?: (void *)&fl;
	err = vfs_test_lock(fl.c.flc_file, &fl);
	if (!err)
		getlk_reply(req, &fl, owner ?: (void *)&fl);
	locks_release_private(&fl);
	if (owner)
		owner_put(owner);
	return err;
}

static void remove_posix(struct file *file, struct vhost_fs_lock_owner *owner)
{
	locks_remove_posix(file, owner);
	if (is_remote(file))
		remote_settle(file_inode(file), owner, NULL);
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
	owner = owner_find(req->fs, id);
	if (!owner)
		return;
	lock_may_block(req);
	remove_posix(req->handle->file, owner);
	owner_put(owner);
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
		    (fl->fl_lmops == &posix_lmops || is_remote(file))) {
			owner = lm_get_owner(fl->c.flc_owner);
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
			(fl->fl_lmops == &posix_lmops || is_remote(file));
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
		owner_put(owner);
		cond_resched();
	}
	return !list_empty_careful(&ctx->flc_flock);
}
