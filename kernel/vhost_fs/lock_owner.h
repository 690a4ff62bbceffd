/* SPDX-License-Identifier: GPL-2.0-only */
/* Who holds POSIX locks. */
#ifndef VHOST_FS_LOCK_OWNER_H
#define VHOST_FS_LOCK_OWNER_H

#include <linux/atomic.h>
#include <linux/filelock.h>
#include <linux/hashtable.h>
#include <linux/refcount.h>
#include <linux/rhashtable.h>
#include <linux/spinlock.h>

struct inode;
struct vhost_fs_dev;
struct vhost_fs_remote;

#define VHOST_FS_REMOTE_BITS	6

/**
 * struct vhost_fs_lock_space - whose owners belong together
 * @ref: one for the device, one for each owner
 * @nr: references to owners, and locks on remote files, so about as many locks
 * @remote_lock: guards @remote; the lock manager's are inside
 * @remote: struct vhost_fs_remote, by owner
 */
struct vhost_fs_lock_space {
	refcount_t ref;
	atomic_t nr;
	spinlock_t remote_lock;
	DECLARE_HASHTABLE(remote, VHOST_FS_REMOTE_BITS);
};

/**
 * struct vhost_fs_lock_key - what makes an owner
 * @space: of the device
 * @session: number of the FUSE session
 * @id: the guest's number
 */
struct vhost_fs_lock_key {
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
	struct vhost_fs_lock_key key;
	refcount_t ref;
	u32 pid;
	struct rhash_head hash;
	struct rcu_head rcu;
};

extern const struct lock_manager_operations vhost_fs_lock_posix_ops;

int vhost_fs_lock_init(void);
void vhost_fs_lock_exit(void);
struct vhost_fs_lock_space *vhost_fs_lock_space_alloc(void);
void vhost_fs_lock_space_put(struct vhost_fs_lock_space *space);
void vhost_fs_lock_space_close(struct vhost_fs_lock_space *space);
struct vhost_fs_lock_owner *vhost_fs_lock_owner_find(struct vhost_fs_dev *fs,
						     u64 id);
struct vhost_fs_lock_owner *vhost_fs_lock_owner_get(struct vhost_fs_dev *fs,
						    u64 id);
struct vhost_fs_lock_owner *
vhost_fs_lock_owner_dup(struct vhost_fs_lock_owner *owner);
void vhost_fs_lock_owner_put(struct vhost_fs_lock_owner *owner);

struct vhost_fs_remote *
vhost_fs_remote_alloc(struct vhost_fs_lock_owner *owner,
		      const struct inode *inode);
bool vhost_fs_remote_settle(struct inode *inode,
			    struct vhost_fs_lock_owner *owner,
			    struct vhost_fs_remote *new);
u32 vhost_fs_remote_pid(struct vhost_fs_lock_space *space, const void *owner);

#endif /* VHOST_FS_LOCK_OWNER_H */
