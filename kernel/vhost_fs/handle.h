/* SPDX-License-Identifier: GPL-2.0-only */
/* A file or directory that the guest holds open. */
#ifndef VHOST_FS_HANDLE_H
#define VHOST_FS_HANDLE_H

#include <linux/refcount.h>
#include <linux/types.h>

struct file;
struct vhost_fs_dev;
struct vhost_fs_node;
struct vhost_fs_session;

/**
 * struct vhost_fs_handle - a file or directory that the guest holds open
 * @id: number that the guest knows it by; constant
 * @ref: one until RELEASE, one for each request that uses it
 * @file: constant; NULL if it could not be opened again where the device's
 *	state was loaded
 * @node: what was opened; pinned; constant
 * @dir: opened by OPENDIR; constant
 * @released: the guest has given it back; under vhost_fs_lock_state.lock, written
 *	only where locks are served
 * @rcu: frees it
 */
struct vhost_fs_handle {
	u64 id;
	refcount_t ref;
	bool dir;
	bool released;
	struct file *file;
	struct vhost_fs_node *node;
	struct rcu_head rcu;
};

struct vhost_fs_handle *vhost_fs_handle_reserve(struct vhost_fs_dev *fs);
void vhost_fs_handle_unreserve(struct vhost_fs_dev *fs,
			       struct vhost_fs_handle *handle);
void vhost_fs_handle_publish(struct vhost_fs_dev *fs,
			     struct vhost_fs_handle *handle,
			     struct vhost_fs_node *node, struct file *file,
			     bool dir);
struct vhost_fs_handle *vhost_fs_handle_get(struct vhost_fs_session *s, u64 id);
void vhost_fs_handle_put(struct vhost_fs_handle *handle);
int vhost_fs_handle_restore(struct vhost_fs_dev *fs, u64 id,
			    struct vhost_fs_node *node, struct file *file,
			    bool dir);
int vhost_fs_handle_release(struct vhost_fs_session *s,
			    struct vhost_fs_handle *handle);
void vhost_fs_handle_drop_all(struct vhost_fs_session *s);
int vhost_fs_handle_cache_create(void);
void vhost_fs_handle_cache_destroy(void);

#endif /* VHOST_FS_HANDLE_H */
