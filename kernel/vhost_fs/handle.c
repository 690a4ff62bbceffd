// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handles: what the guest holds open.
 *
 * A handle binds a number to an open file and to the node that was opened. It
 * is found by number under RCU, belongs to the guest until RELEASE (or the end
 * of the session), and lives on while requests use it. Files are closed by
 * __fput_sync(), because the threads that serve requests run fput()'s deferred
 * work only now and then.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/slab.h>

#include "internal.h"

static struct kmem_cache *handle_cache;

/**
 * vhost_fs_handle_cache_create - for module init
 *
 * Return: 0 or -ENOMEM.
 */
int vhost_fs_handle_cache_create(void)
{
	handle_cache = kmem_cache_create("vhost_fs_handle",
					 sizeof(struct vhost_fs_handle), 0,
					 SLAB_ACCOUNT, NULL);
	return handle_cache ? 0 : -ENOMEM;
}

static void handle_free_rcu(struct rcu_head *rcu)
{
	kmem_cache_free(handle_cache,
			container_of(rcu, struct vhost_fs_handle, rcu));
}

/**
 * vhost_fs_handle_cache_destroy - for module exit
 */
void vhost_fs_handle_cache_destroy(void)
{
	rcu_barrier();
	kmem_cache_destroy(handle_cache);
}

static bool session_count(atomic64_t *nr, u64 max)
{
	return atomic64_add_unless(nr, 1, min_t(u64, max, S64_MAX));
}

/**
 * vhost_fs_handle_add - give the guest a number for an open file
 * @fs: the device
 * @node: what was opened
 * @file: the file; belongs to the handle on success
 * @dir: whether it was opened as a directory
 * @id: set to the number
 *
 * Return: 0, -EMFILE at the share's limit, -ENOMEM.
 */
int vhost_fs_handle_add(struct vhost_fs_dev *fs, struct vhost_fs_node *node,
			struct file *file, bool dir, u64 *id)
{
	struct vhost_fs_session *s = &fs->session;
	struct vhost_fs_handle *handle;
	int err = -ENOMEM;

	if (!session_count(&s->nr_handles, fs->share->max_handles))
		return -EMFILE;
	handle = kmem_cache_zalloc(handle_cache, GFP_KERNEL);
	if (!handle)
		goto err_count;
	refcount_set(&handle->ref, 1);
	handle->dir = dir;
	handle->file = file;
	handle->node = node;
	handle->id = atomic64_inc_return(&s->next_handle);
	*id = handle->id;
	refcount_inc(&node->ref);
	/* From here on a guest that guesses the number may release it. */
	err = xa_err(xa_store(&s->handles, handle->id, handle, GFP_KERNEL));
	if (!err)
		return 0;

	vhost_fs_node_put(node);
	kmem_cache_free(handle_cache, handle);
err_count:
	atomic64_dec(&s->nr_handles);
	return err;
}

/**
 * vhost_fs_handle_get - find a handle by its number
 * @s: the session
 * @id: the number
 *
 * Return: the handle, with a reference, or NULL.
 */
struct vhost_fs_handle *vhost_fs_handle_get(struct vhost_fs_session *s, u64 id)
{
	struct vhost_fs_handle *handle;

	rcu_read_lock();
	handle = xa_load(&s->handles, id);
	if (handle && !refcount_inc_not_zero(&handle->ref))
		handle = NULL;
	rcu_read_unlock();
	return handle;
}

/**
 * vhost_fs_handle_put - drop a reference
 * @handle: the handle
 *
 * Context: process context; may close the file.
 */
void vhost_fs_handle_put(struct vhost_fs_handle *handle)
{
	if (!refcount_dec_and_test(&handle->ref))
		return;
	__fput_sync(handle->file);
	vhost_fs_node_put(handle->node);
	call_rcu(&handle->rcu, handle_free_rcu);
}

/* The number's own reference; whoever erased the entry may call this once. */
static void handle_unlist(struct vhost_fs_session *s,
			  struct vhost_fs_handle *handle)
{
	atomic64_dec(&s->nr_handles);
	vhost_fs_handle_put(handle);
}

/**
 * vhost_fs_handle_release - RELEASE and RELEASEDIR
 * @s: the session
 * @id: number of the handle
 * @dir: which of both
 *
 * Return: 0, or -EBADF if the guest holds no such handle of that kind.
 */
int vhost_fs_handle_release(struct vhost_fs_session *s, u64 id, bool dir)
{
	struct vhost_fs_handle *handle = vhost_fs_handle_get(s, id);
	int err = -EBADF;

	if (!handle)
		return -EBADF;
	if (handle->dir == dir &&
	    xa_cmpxchg(&s->handles, id, handle, NULL, 0) == handle) {
		handle_unlist(s, handle);
		err = 0;
	}
	vhost_fs_handle_put(handle);
	return err;
}

/**
 * vhost_fs_handle_drop_all - release every handle
 * @s: the session
 */
void vhost_fs_handle_drop_all(struct vhost_fs_session *s)
{
	struct vhost_fs_handle *handle;
	unsigned long id;

	xa_for_each(&s->handles, id, handle) {
		if (xa_cmpxchg(&s->handles, id, handle, NULL, 0) == handle)
			handle_unlist(s, handle);
		cond_resched();
	}
}
