// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handles: what the guest holds open.
 *
 * A handle binds a number to an open file and to the node that was opened. It
 * is found by number under RCU, belongs to the guest until RELEASE (or the end
 * of the session), and lives on while requests use it. It is in the table before
 * anything is opened, so that later nothing can fail; its reference count is 0
 * until then, and so nobody else gets hold of it. Files are closed by
 * __fput_sync(), because the threads that serve requests run fput()'s deferred
 * work only now and then.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "dev.h"
#include "handle.h"
#include "lock.h"
#include "node.h"
#include "park.h"
#include "session.h"
#include "share.h"

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
					 SLAB_ACCOUNT | SLAB_NO_MERGE, NULL);
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

/* In the table, for nobody to use yet. */
static struct vhost_fs_handle *handle_alloc(struct vhost_fs_session *s, u64 id)
{
	struct vhost_fs_handle *handle;
	int err;

	handle = kmem_cache_alloc(handle_cache, GFP_KERNEL);
	if (!handle)
		return ERR_PTR(-ENOMEM);
	*handle = (struct vhost_fs_handle) { .id = id };
	err = xa_insert(&s->handles, id, handle, GFP_KERNEL);
	if (!err)
		return handle;
	kmem_cache_free(handle_cache, handle);
	return ERR_PTR(err);
}

/**
 * vhost_fs_handle_reserve - make a handle before anything is opened
 * @fs: the device
 *
 * So that a guest at its limit, or memory that is short, leaves no file created
 * or truncated. The handle has its number, and the guest can't use it yet.
 *
 * Return: the handle, for vhost_fs_handle_publish() or
 * vhost_fs_handle_unreserve(); -EMFILE at the share's limit; -ENOMEM.
 */
struct vhost_fs_handle *vhost_fs_handle_reserve(struct vhost_fs_dev *fs)
{
	struct vhost_fs_session *s = &fs->session;
	struct vhost_fs_handle *handle;

	if (!vhost_fs_count_up(&s->nr_handles,
			       READ_ONCE(fs->share->max_handles)))
		return ERR_PTR(-EMFILE);
	handle = handle_alloc(s, atomic64_inc_return(&s->next_handle));
	if (!IS_ERR(handle))
		return handle;
	atomic64_dec(&s->nr_handles);
	return ERR_PTR(-ENOMEM);
}

/**
 * vhost_fs_handle_unreserve - nothing was opened
 * @fs: the device
 * @handle: what vhost_fs_handle_reserve() gave
 */
void vhost_fs_handle_unreserve(struct vhost_fs_dev *fs,
			       struct vhost_fs_handle *handle)
{
	xa_erase(&fs->session.handles, handle->id);
	call_rcu(&handle->rcu, handle_free_rcu);
	atomic64_dec(&fs->session.nr_handles);
}

/**
 * vhost_fs_handle_restore - make a handle of which only the number is new here
 * @fs: the device
 * @id: the number
 * @node: what was opened; gets a reference
 * @file: the file, which belongs to the handle on success; NULL if it is lost
 * @dir: whether it was opened as a directory
 *
 * Return: 0; -EEXIST if the number is taken; -EMFILE at the share's limit;
 * -ENOMEM.
 *
 * Context: nobody else uses the session.
 */
int vhost_fs_handle_restore(struct vhost_fs_dev *fs, u64 id,
			    struct vhost_fs_node *node, struct file *file,
			    bool dir)
{
	struct vhost_fs_session *s = &fs->session;
	struct vhost_fs_handle *handle;

	if (!vhost_fs_count_up(&s->nr_handles, READ_ONCE(fs->share->max_handles)))
		return -EMFILE;
	handle = handle_alloc(s, id);
	if (IS_ERR(handle)) {
		atomic64_dec(&s->nr_handles);
		return handle == ERR_PTR(-EBUSY) ? -EEXIST : PTR_ERR(handle);
	}
	vhost_fs_handle_publish(fs, handle, node, file, dir);
	return 0;
}

/**
 * vhost_fs_handle_publish - let the guest use a handle
 * @fs: the device
 * @handle: what vhost_fs_handle_reserve() gave
 * @node: what was opened; gets a reference
 * @file: the file; belongs to the handle now
 * @dir: whether it was opened as a directory
 *
 * A guest that guesses the number may release the handle at once.
 */
void vhost_fs_handle_publish(struct vhost_fs_dev *fs,
			     struct vhost_fs_handle *handle,
			     struct vhost_fs_node *node, struct file *file,
			     bool dir)
{
	refcount_inc(&node->ref);
	handle->node = node;
	handle->file = file;
	handle->dir = dir;
	vhost_fs_ref_first(&handle->ref, 1);
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
	if (handle && !vhost_fs_ref_get(&handle->ref))
		handle = NULL;
	rcu_read_unlock();
	return handle;
}

/*
 * As close() does: of what the guest has written since FUSE_FLUSH, or without one,
 * some file systems can write nothing back once the file has gone (CIFS). A process
 * that ends isn't held up by a file server that is away, nor is a thread of the
 * kernel's, which closes for all: that writing has begun must do there.
 */
static void handle_flush(struct file *file)
{
	if (likely(!file->f_op->flush) || !(file->f_mode & FMODE_WRITE))
		return;
	if (current->flags & (PF_EXITING | PF_KTHREAD) || fatal_signal_pending(current))
		filemap_flush(file->f_mapping);
	else
		file->f_op->flush(file, NULL);
}

static void handle_close(struct file *file)
{
	struct inode *inode = file_inode(file);
	bool wake;

	handle_flush(file);
	wake = vhost_fs_lock_close(file);
	__fput_sync(file);
	if (wake)
		/* Only compared, so it may have gone. */
		vhost_fs_park_wake_inode(inode);
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
	if (handle->file)
		handle_close(handle->file);
	vhost_fs_node_put(handle->node);
	call_rcu(&handle->rcu, handle_free_rcu);
}

/* The number's own reference; whoever erased the entry may call this once. */
static void handle_unlist(struct vhost_fs_session *s,
			  struct vhost_fs_handle *handle)
{
	struct vhost_fs_dev *fs = container_of(s, struct vhost_fs_dev, session);

	atomic64_dec(&s->nr_handles);
	if (vhost_fs_lock_served(fs->share))
		vhost_fs_park_release(fs, handle);
	vhost_fs_handle_put(handle);
}

/**
 * vhost_fs_handle_release - RELEASE and RELEASEDIR
 * @s: the session
 * @handle: the handle, to which the caller has a reference
 *
 * Return: 0, or -EBADF if the guest has given it back before.
 */
int vhost_fs_handle_release(struct vhost_fs_session *s,
			    struct vhost_fs_handle *handle)
{
	if (xa_cmpxchg(&s->handles, handle->id, handle, NULL, 0) != handle)
		return -EBADF;
	handle_unlist(s, handle);
	return 0;
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
		/* Not what a request of the old session has yet to open. */
		handle = vhost_fs_handle_get(s, id);
		if (!handle)
			continue;
		vhost_fs_handle_release(s, handle);
		vhost_fs_handle_put(handle);
		cond_resched();
	}
}
