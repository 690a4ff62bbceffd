/* SPDX-License-Identifier: GPL-2.0-only */
/* What one guest mount has been given. */
#ifndef VHOST_FS_SESSION_H
#define VHOST_FS_SESSION_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/rhashtable-types.h>
#include <linux/xarray.h>

struct vhost_fs_dev;

/**
 * struct vhost_fs_session - what one guest mount has been given
 * @lock: INIT against DESTROY, and against each other
 * @minor: FUSE protocol minor in use, 0 when there is no session; written
 *	under @lock
 * @flags: features agreed on with the guest; written under @lock
 * @nodes: node id to struct vhost_fs_node; its own lock for changes, RCU to
 *	read
 * @inodes: (inode, mount) or (file handle, mount) to struct vhost_fs_node;
 *	RCU to read
 * @handles: handle id to struct vhost_fs_handle; as @nodes
 * @next_node: last node id given out; never goes back while the device is open
 * @next_handle: last handle id given out; likewise
 * @nr_nodes: entries of @nodes
 * @nr_handles: entries of @handles
 * @dormant: forgotten nodes, the one that was forgotten first at the head;
 *	under the lock of @nodes
 * @nr_dormant: entries of @dormant; likewise
 * @mount_lock: guards @mounts
 * @mounts: mounts below the share's own that nodes with file handles lie in
 */
struct vhost_fs_session {
	struct mutex lock;
	u32 minor;
	u64 flags;
	struct xarray nodes;
	struct rhashtable inodes;
	struct xarray handles;
	atomic64_t next_node;
	atomic64_t next_handle;
	atomic64_t nr_nodes;
	atomic64_t nr_handles;
	struct list_head dormant;
	unsigned int nr_dormant;
	struct mutex mount_lock;
	struct list_head mounts;
};

/*
 * vhost_fs_count_up - count one more, unless a limit is reached
 *
 * The limit can have been lowered since, to less than there are.
 */
static inline bool vhost_fs_count_up(atomic64_t *nr, u64 limit)
{
	s64 old = atomic64_read(nr);

	do {
		if ((u64)old >= limit)
			return false;
	} while (!atomic64_try_cmpxchg(nr, &old, old + 1));
	return true;
}

/*
 * vhost_fs_ref_first - let others take references
 *
 * What is in a table already, with no reference, is complete now.
 */
static inline void vhost_fs_ref_first(refcount_t *ref, int n)
{
	/* Pairs with vhost_fs_ref_get(): who has a reference sees all of it. */
	smp_wmb();
	refcount_set(ref, n);
}

/* vhost_fs_ref_get - take one, unless there is none yet, or none any more */
static inline bool vhost_fs_ref_get(refcount_t *ref)
{
	if (!refcount_inc_not_zero(ref))
		return false;
	smp_acquire__after_ctrl_dep();
	return true;
}

int vhost_fs_session_init(struct vhost_fs_session *s);
void vhost_fs_session_exit(struct vhost_fs_session *s);
int vhost_fs_session_begin(struct vhost_fs_dev *fs, u32 minor, u64 flags);
int vhost_fs_session_end(struct vhost_fs_dev *fs);
void vhost_fs_session_restore(struct vhost_fs_dev *fs, u32 minor, u64 last_node,
			      u64 last_handle);

#endif /* VHOST_FS_SESSION_H */
