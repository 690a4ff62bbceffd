// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who holds POSIX locks.
 *
 * An owner is a number that the guest gives, and which means something in its
 * session only: struct vhost_fs_lock_owner stands for it, and its address is what
 * the host's lock manager compares. Each lock that is held or waited for has a
 * reference to its owner, by way of lm_get_owner and lm_put_owner; the last one to
 * go frees it. That may be somebody else's, who has copied a lock to tell who holds
 * it, after the device has been closed; an owner therefore depends on nothing but
 * the module.
 *
 * A file system that keeps locks itself, as NFS does, copies them without putting
 * what it got, and may do so long after. There, locks have no lock manager, and
 * struct vhost_fs_remote keeps the owner while the kernel knows of a lock of his.
 */
#include <linux/filelock.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "dev.h"
#include "lock_owner.h"
#include "park.h"

/**
 * struct vhost_fs_remote - who has POSIX locks on a file that keeps them itself
 * @owner: the owner; a reference
 * @inode: the file; only compared
 * @nr: locks, as counted in the owner's space; under @remote_lock
 * @hash: place in the space's @remote; under @remote_lock
 */
struct vhost_fs_remote {
	struct vhost_fs_lock_owner *owner;
	const struct inode *inode;
	unsigned int nr;
	struct hlist_node hash;
};

static const struct rhashtable_params owner_params = {
	.key_len = sizeof(struct vhost_fs_lock_key),
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

static struct vhost_fs_lock_key owner_key(struct vhost_fs_dev *fs, u64 id)
{
	return (struct vhost_fs_lock_key) {
		.space = fs->locks.space,
		.session = READ_ONCE(fs->locks.session),
		.id = id,
	};
}

/**
 * vhost_fs_lock_owner_find - find an owner that is there already
 * @fs: the device
 * @id: the guest's number
 *
 * Return: the owner, for vhost_fs_lock_owner_put(), or NULL.
 */
struct vhost_fs_lock_owner *vhost_fs_lock_owner_find(struct vhost_fs_dev *fs,
						     u64 id)
{
	struct vhost_fs_lock_key key = owner_key(fs, id);
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

/**
 * vhost_fs_lock_owner_get - find an owner, or make it
 * @fs: the device
 * @id: the guest's number
 *
 * Return: the owner, for vhost_fs_lock_owner_put(), or NULL when memory is short.
 *
 * Context: process context.
 */
struct vhost_fs_lock_owner *vhost_fs_lock_owner_get(struct vhost_fs_dev *fs,
						    u64 id)
{
	struct vhost_fs_lock_owner *owner = vhost_fs_lock_owner_find(fs, id), *new;

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

/**
 * vhost_fs_lock_owner_put - drop a reference
 * @owner: the owner
 *
 * Context: any in which spinlocks may be taken.
 */
void vhost_fs_lock_owner_put(struct vhost_fs_lock_owner *owner)
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

/**
 * vhost_fs_lock_owner_dup - one more reference
 * @owner: the owner
 *
 * Return: @owner.
 */
struct vhost_fs_lock_owner *
vhost_fs_lock_owner_dup(struct vhost_fs_lock_owner *owner)
{
	refcount_inc(&owner->ref);
	atomic_inc(&owner->key.space->nr);
	return owner;
}

/* A lock is copied, under spinlocks. */
static fl_owner_t lm_get_owner(fl_owner_t fl_owner)
{
	return vhost_fs_lock_owner_dup(fl_owner);
}

static void lm_put_owner(fl_owner_t fl_owner)
{
	vhost_fs_lock_owner_put(fl_owner);
}

/* Of POSIX locks, but for those on files that keep them themselves. */
const struct lock_manager_operations vhost_fs_lock_posix_ops = {
	.lm_mod_owner = THIS_MODULE,
	.lm_get_owner = lm_get_owner,
	.lm_put_owner = lm_put_owner,
	.lm_notify = vhost_fs_park_notify,
};

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
static struct vhost_fs_remote *remote_find(struct vhost_fs_lock_space *space,
					   const void *owner,
					   const struct inode *inode)
{
	struct vhost_fs_remote *r;

	lockdep_assert_held(&space->remote_lock);

	hash_for_each_possible(space->remote, r, hash, (unsigned long)owner)
		if (r->owner == owner && (!inode || r->inode == inode))
			return r;
	return NULL;
}

static void remote_add(struct vhost_fs_remote *r)
{
	struct vhost_fs_lock_space *space = r->owner->key.space;

	lockdep_assert_held(&space->remote_lock);

	vhost_fs_lock_owner_dup(r->owner);
	hash_add(space->remote, &r->hash, (unsigned long)r->owner);
}

static void remote_count(struct vhost_fs_remote *r, unsigned int nr)
{
	atomic_add((int)(nr - r->nr), &r->owner->key.space->nr);
	r->nr = nr;
}

/**
 * vhost_fs_remote_alloc - what will keep an owner of locks on a remote file
 * @owner: the owner
 * @inode: the file
 *
 * Return: for vhost_fs_remote_settle(), or NULL.
 */
struct vhost_fs_remote *
vhost_fs_remote_alloc(struct vhost_fs_lock_owner *owner,
		      const struct inode *inode)
{
	struct vhost_fs_remote *new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);

	if (!new)
		return NULL;
	new->owner = owner;
	new->inode = inode;
	return new;
}

/**
 * vhost_fs_remote_settle - after a lock on a remote file was taken or dropped
 * @inode: the file
 * @owner: whose lock; with a reference of the caller's
 * @new: keeps the owner from now on if nothing has, or is freed; may be NULL
 *
 * The owner is kept if there is a lock of his, and let go else. What the kernel
 * knows is looked at under the lock, so that whoever comes last is right.
 *
 * Return: whether there is a lock of his.
 */
bool vhost_fs_remote_settle(struct inode *inode,
			    struct vhost_fs_lock_owner *owner,
			    struct vhost_fs_remote *new)
{
	struct vhost_fs_lock_space *space = owner->key.space;
	struct vhost_fs_remote *r, *gone = NULL;
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
		vhost_fs_lock_owner_put(gone->owner);
	kfree(gone);
	return nr;
}

/* Of files whose locks a file system has dropped by itself. */
static void remote_forget(struct vhost_fs_lock_space *space)
{
	struct hlist_node *next;
	struct vhost_fs_remote *r;
	int i;

	hash_for_each_safe(space->remote, i, next, r, hash) {
		remote_count(r, 0);
		hash_del(&r->hash);
		vhost_fs_lock_owner_put(r->owner);
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

/**
 * vhost_fs_remote_pid - whose a lock is that doesn't tell
 * @space: the owners that are asked for
 * @owner: the lock's owner, as an address that may be anything
 *
 * Return: the guest's process, or 0 if it is none of these owners'.
 */
u32 vhost_fs_remote_pid(struct vhost_fs_lock_space *space, const void *owner)
{
	struct vhost_fs_remote *r;
	u32 pid;

	spin_lock(&space->remote_lock);
	r = remote_find(space, owner, NULL);
	pid = r ? READ_ONCE(r->owner->pid) : 0;
	spin_unlock(&space->remote_lock);
	return pid;
}

