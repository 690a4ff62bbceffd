// SPDX-License-Identifier: GPL-2.0-only
/*
 * A session: what the guest was given between FUSE_INIT and FUSE_DESTROY.
 *
 * The tables live as long as the device, and node and handle ids go on
 * counting, so that a number from an old session never means something in a
 * new one. A guest that is reset sends INIT again without DESTROY; that ends
 * the old session first. A request that still runs then keeps what it uses by
 * its own references.
 */
#include <linux/fuse.h>
#include <linux/rhashtable.h>

#include "dev.h"
#include "handle.h"
#include "node.h"
#include "session.h"

/**
 * vhost_fs_session_init - make empty tables
 * @s: zeroed memory
 *
 * Return: 0 or -ENOMEM.
 */
int vhost_fs_session_init(struct vhost_fs_session *s)
{
	mutex_init(&s->lock);
	INIT_LIST_HEAD(&s->dormant);
	mutex_init(&s->mount_lock);
	INIT_LIST_HEAD(&s->mounts);
	xa_init_flags(&s->nodes, XA_FLAGS_ACCOUNT);
	xa_init_flags(&s->handles, XA_FLAGS_ACCOUNT);
	/* The root is number 1 in every session. */
	atomic64_set(&s->next_node, FUSE_ROOT_ID);
	return rhashtable_init(&s->inodes, &vhost_fs_node_params);
}

static void session_drop_all(struct vhost_fs_session *s)
{
	vhost_fs_handle_drop_all(s);
	vhost_fs_node_drop_all(s);
}

/**
 * vhost_fs_session_exit - drop everything
 * @s: the session of a device that has no request in flight
 */
void vhost_fs_session_exit(struct vhost_fs_session *s)
{
	session_drop_all(s);
	rhashtable_destroy(&s->inodes);
	xa_destroy(&s->nodes);
	xa_destroy(&s->handles);
}

/**
 * vhost_fs_session_begin - FUSE_INIT
 * @fs: the device, which has a share
 * @minor: protocol minor agreed on; 0 to serve nothing yet
 * @flags: features agreed on
 *
 * Return: 0; -ENOMEM; -EINTR if the owner is being killed, with nothing done.
 */
int vhost_fs_session_begin(struct vhost_fs_dev *fs, u32 minor, u64 flags)
{
	struct vhost_fs_session *s = &fs->session;
	int err;

	/* Its holder may be closing files of a server that is away. */
	if (mutex_lock_killable(&s->lock))
		return -EINTR;
	WRITE_ONCE(s->minor, 0);
	WRITE_ONCE(fs->locks.session, fs->locks.session + 1);
	do {
		session_drop_all(s);
		err = vhost_fs_node_add_root(fs);
	} while (err == -EAGAIN);
	if (!err) {
		WRITE_ONCE(s->flags, flags);
		WRITE_ONCE(s->minor, minor);
	}
	mutex_unlock(&s->lock);
	return err;
}

/**
 * vhost_fs_session_restore - a session has come with a device's state
 * @fs: the device, whose tables are filled
 * @minor: protocol minor agreed on
 * @last_node: highest node id in use
 * @last_handle: highest handle id in use
 */
void vhost_fs_session_restore(struct vhost_fs_dev *fs, u32 minor, u64 last_node,
			      u64 last_handle)
{
	struct vhost_fs_session *s = &fs->session;

	mutex_lock(&s->lock);
	if (atomic64_read(&s->next_node) < last_node)
		atomic64_set(&s->next_node, last_node);
	if (atomic64_read(&s->next_handle) < last_handle)
		atomic64_set(&s->next_handle, last_handle);
	WRITE_ONCE(s->minor, minor);
	mutex_unlock(&s->lock);
}

/**
 * vhost_fs_session_end - FUSE_DESTROY
 * @fs: the device
 *
 * Return: 0; -EINTR if the owner is being killed, with nothing done.
 */
int vhost_fs_session_end(struct vhost_fs_dev *fs)
{
	struct vhost_fs_session *s = &fs->session;

	if (mutex_lock_killable(&s->lock))
		return -EINTR;
	WRITE_ONCE(s->minor, 0);
	session_drop_all(s);
	mutex_unlock(&s->lock);
	return 0;
}
