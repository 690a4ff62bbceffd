// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nodes: the files and directories that the guest knows by number.
 *
 * A node binds a node id to an inode on a mount. It does so in one of two ways:
 * by a dentry, which pins the inode and the mount, or by a file handle (fh.c),
 * which pins nothing, and by which each request finds the file anew. The share's
 * options say which; its root is always kept by its dentry. The key (inode,
 * mount) or (handle, mount) makes hard links one node. Its lookup count
 * is what the guest has been given in replies and has yet to FORGET. While the
 * count is above zero the node is in both tables and holds one reference to
 * itself; the FORGET that brings the count to zero takes the node out of both
 * and drops that reference. The count never leaves zero again: a lookup that
 * finds such a node puts a new one, with a new number, in its place. Requests
 * that use a node hold a reference and no count, so a FORGET doesn't pull it
 * away under them.
 *
 * A node is made before what it is to stand for, so that later nothing can fail.
 * Until then it is in the table of numbers alone, and nobody can get a reference.
 *
 * A guest that exports the share (by NFS, or to open_by_handle_at(2)) comes back
 * with a number that it has forgotten long ago. So a node that pins nothing
 * stays in the tables when it is forgotten, as dormant, until too many others
 * are. It can't be used, but looking it up, by name or by its number and ".",
 * wakes it.
 *
 * A node that came with a device's state has the number it had there. If its
 * file wasn't found it is lost: it stands for nothing, is in the table of numbers
 * alone, and waits to be forgotten.
 *
 * What a node stands for, and the way from it to a path, is in node_path.c.
 */
#include <linux/dcache.h>
#include <linux/mount.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>

#include "dev.h"
#include "fh.h"
#include "mount.h"
#include "node.h"
#include "request.h"
#include "session.h"
#include "share.h"
#include "vq.h"

static struct kmem_cache *node_cache;

/* How often a lookup tries to get past a node that is being forgotten. */
#define VHOST_FS_NODE_RETRIES	1000

/* Forgotten nodes that one session keeps for a guest that exports the share. */
#define VHOST_FS_MAX_DORMANT	65536

/* The root's lookup count: FORGET ignores the root. */
#define VHOST_FS_ROOT_NLOOKUP	2

/**
 * vhost_fs_node_cache_create - for module init
 *
 * Return: 0 or -ENOMEM.
 */
int vhost_fs_node_cache_create(void)
{
	node_cache = kmem_cache_create("vhost_fs_node",
				       sizeof(struct vhost_fs_node), 0,
				       SLAB_ACCOUNT | SLAB_NO_MERGE, NULL);
	return node_cache ? 0 : -ENOMEM;
}

static void node_free_rcu(struct rcu_head *rcu)
{
	struct vhost_fs_node *node = container_of(rcu, struct vhost_fs_node,
						  rcu);

	if (node->by_handle)
		kfree(rcu_dereference_raw(node->fh));
	kmem_cache_free(node_cache, node);
}

/**
 * vhost_fs_node_cache_destroy - for module exit
 */
void vhost_fs_node_cache_destroy(void)
{
	rcu_barrier();
	kmem_cache_destroy(node_cache);
}

/**
 * vhost_fs_node_get_any - find a node by its number, be it forgotten
 * @s: the session
 * @id: the number
 *
 * Return: the node, with a reference, or NULL.
 */
struct vhost_fs_node *vhost_fs_node_get_any(struct vhost_fs_session *s, u64 id)
{
	struct vhost_fs_node *node;

	rcu_read_lock();
	node = xa_load(&s->nodes, id);
	if (node && !vhost_fs_ref_get(&node->ref))
		node = NULL;
	rcu_read_unlock();
	return node;
}

/**
 * vhost_fs_node_get - find a node by its number
 * @s: the session
 * @id: the number
 *
 * Return: the node, with a reference, or NULL.
 */
struct vhost_fs_node *vhost_fs_node_get(struct vhost_fs_session *s, u64 id)
{
	struct vhost_fs_node *node = vhost_fs_node_get_any(s, id);

	if (node && unlikely(!atomic64_read(&node->nlookup))) {
		vhost_fs_node_put(node);
		node = NULL;
	}
	return node;
}

/**
 * vhost_fs_node_put - drop a reference
 * @node: the node
 *
 * Context: process context; may be the end of a deleted file.
 */
void vhost_fs_node_put(struct vhost_fs_node *node)
{
	if (!refcount_dec_and_test(&node->ref))
		return;
	vhost_fs_node_let_go(node);
	call_rcu(&node->rcu, node_free_rcu);
}

/* Memory, a number, and a place in the count; no path and no reference yet. */
static struct vhost_fs_node *node_alloc(struct vhost_fs_session *s, u64 id)
{
	struct vhost_fs_node *node;

	node = kmem_cache_alloc(node_cache, GFP_KERNEL);
	if (!node)
		return NULL;
	*node = (struct vhost_fs_node) { .id = id, .reach_seq = 1 };
	spin_lock_init(&node->lock);
	if (xa_insert(&s->nodes, id, node, GFP_KERNEL)) {
		kmem_cache_free(node_cache, node);
		return NULL;
	}
	return node;
}

/* Undo node_alloc(), of a node that was not put into both tables. */
static void node_discard(struct vhost_fs_session *s, struct vhost_fs_node *node)
{
	xa_erase(&s->nodes, node->id);
	atomic64_dec(&s->nr_nodes);
	vhost_fs_node_let_go(node);
	call_rcu(&node->rcu, node_free_rcu);
}

/**
 * vhost_fs_node_reserve - make the node of a file before the file is made
 * @req: the request
 *
 * So that a guest at its limit, or memory that is short, leaves no file behind
 * that the guest wasn't told of. vhost_fs_node_lookup() uses it; what it didn't
 * use goes with the request.
 *
 * Return: 0; -ENFILE at the share's limit; -ENOMEM.
 */
int vhost_fs_node_reserve(struct vhost_fs_req *req)
{
	struct vhost_fs_session *s = &req->fs->session;

	if (req->spare_node)
		return 0;
	if (!vhost_fs_count_up(&s->nr_nodes, READ_ONCE(req->share->max_nodes)))
		return -ENFILE;
	req->spare_node = node_alloc(s, atomic64_inc_return(&s->next_node));
	if (req->spare_node)
		return 0;
	atomic64_dec(&s->nr_nodes);
	return -ENOMEM;
}

/**
 * vhost_fs_node_unreserve - undo vhost_fs_node_reserve()
 * @req: the request, whose reserved node was not used
 */
void vhost_fs_node_unreserve(struct vhost_fs_req *req)
{
	node_discard(&req->fs->session, req->spare_node);
	req->spare_node = NULL;
}

/* Listed, not dormant, and with a lookup count of 0. */
static bool node_is_forgotten(struct vhost_fs_session *s,
			      struct vhost_fs_node *node)
{
	lockdep_assert_held(&s->nodes.xa_lock);

	return !atomic64_read(&node->nlookup) && !node->dormant && node->listed;
}

/* Dormant nodes are not among those that the share's limit is for. */
static bool node_leave_dormant(struct vhost_fs_session *s,
			       struct vhost_fs_node *node)
{
	lockdep_assert_held(&s->nodes.xa_lock);

	if (!node->dormant)
		return false;
	node->dormant = false;
	list_del(&node->idle);
	s->nr_dormant--;
	atomic64_inc(&s->nr_nodes);
	return true;
}

/* A lookup has found a forgotten node; false if it can't be had back. */
static bool node_wake(struct vhost_fs_session *s, struct vhost_fs_node *node)
{
	bool woken;

	xa_lock(&s->nodes);
	woken = node_leave_dormant(s, node);
	if (woken)
		atomic64_set(&node->nlookup, 1);
	xa_unlock(&s->nodes);
	return woken;
}

/*
 * Take a node whose lookup count is 0 out of the tables: whoever brought it
 * there does, or a lookup that is faster. The lock waits for node_insert() to
 * be through, which may have raised the count that a lookup saw as 0.
 */
static void node_unlist(struct vhost_fs_session *s, struct vhost_fs_node *node)
{
	bool listed;

	xa_lock(&s->nodes);
	listed = node_is_forgotten(s, node);
	if (listed) {
		node->listed = false;
		rhashtable_remove_fast(&s->inodes, &node->hash,
				       vhost_fs_node_params);
		__xa_erase(&s->nodes, node->id);
	}
	xa_unlock(&s->nodes);
	if (!listed)
		return;
	atomic64_dec(&s->nr_nodes);
	vhost_fs_node_put(node);
}

/* The one that is dormant for the longest, with a reference, if there are many. */
static struct vhost_fs_node *node_oldest_dormant(struct vhost_fs_session *s)
{
	struct vhost_fs_node *oldest;

	if (s->nr_dormant <= VHOST_FS_MAX_DORMANT)
		return NULL;
	oldest = list_first_entry(&s->dormant, struct vhost_fs_node, idle);
	refcount_inc(&oldest->ref);
	node_leave_dormant(s, oldest);
	return oldest;
}

/* What a node that was just forgotten becomes. */
static void node_retire(struct vhost_fs_session *s, struct vhost_fs_node *node)
{
	struct vhost_fs_node *oldest = NULL;

	if (!node->by_handle ||
	    !(READ_ONCE(s->flags) & FUSE_EXPORT_SUPPORT)) {
		node_unlist(s, node);
		return;
	}
	xa_lock(&s->nodes);
	if (node_is_forgotten(s, node)) {
		node->dormant = true;
		list_add_tail(&node->idle, &s->dormant);
		s->nr_dormant++;
		atomic64_dec(&s->nr_nodes);
		oldest = node_oldest_dormant(s);
	}
	xa_unlock(&s->nodes);
	if (oldest) {
		node_unlist(s, oldest);
		vhost_fs_node_put(oldest);
	}
}

/* Count one more lookup; fails for a node that is being forgotten. */
static bool node_count_lookup(struct vhost_fs_node *node)
{
	s64 old = atomic64_read(&node->nlookup);

	do {
		if (!old)
			return false;
		/* At the top it stays, and so does the node. */
		if (old == S64_MAX)
			return true;
	} while (!atomic64_try_cmpxchg(&node->nlookup, &old, old + 1));
	return true;
}

/*
 * Put a new node into the table of files, too, or find the one that was faster.
 * It gets @refs references and its lookup count only then, so that neither a
 * FORGET that guesses the number nor a lookup uses it before. Returns NULL if
 * @node was put in, or the other one with a reference, or an ERR_PTR: -EAGAIN if
 * the other one is being forgotten, -ENOMEM or -EBUSY if the table can't take more
 * yet.
 */
static struct vhost_fs_node *node_try_insert(struct vhost_fs_session *s,
					     struct vhost_fs_node *node,
					     u64 nlookup, int refs)
{
	struct vhost_fs_node *old;
	struct vhost_fs_node_key key;

	rcu_read_lock();
	vhost_fs_node_key_of(node, &key);
	xa_lock(&s->nodes);
	old = rhashtable_lookup_get_insert_key(&s->inodes, &key, &node->hash,
					       vhost_fs_node_params);
	if (!old) {
		node->listed = true;
		atomic64_set(&node->nlookup, nlookup);
		vhost_fs_ref_first(&node->ref, refs);
	}
	xa_unlock(&s->nodes);
	if (!IS_ERR_OR_NULL(old) && !vhost_fs_ref_get(&old->ref))
		old = ERR_PTR(-EAGAIN);
	rcu_read_unlock();
	return old;
}

/*
 * As node_try_insert(). What the node stands for may just have been made, so it is
 * too late to fail: where the table is full and there is no memory at once, it is
 * already about to be made larger by who can wait.
 */
static struct vhost_fs_node *node_insert(struct vhost_fs_session *s,
					 struct vhost_fs_node *node,
					 u64 nlookup, int refs)
{
	struct vhost_fs_node *old;

	for (;;) {
		old = node_try_insert(s, node, nlookup, refs);
		if (old != ERR_PTR(-ENOMEM) && old != ERR_PTR(-EBUSY))
			return old;
		if (fatal_signal_pending(current))
			return old;
		schedule_timeout_uninterruptible(1);
	}
}

/* A new node with a count of 1, or the one that was faster with its own. */
static struct vhost_fs_node *node_new(struct vhost_fs_req *req,
				      const struct vhost_fs_node_key *key,
				      const struct path *path, bool *fresh)
{
	struct vhost_fs_session *s = &req->fs->session;
	struct vhost_fs_node *node, *old;
	int err;

	err = vhost_fs_node_reserve(req);
	if (err)
		return ERR_PTR(err);
	node = req->spare_node;
	vhost_fs_node_stand_for(node, key, path);
	req->spare_node = NULL;
	/* The number's reference and the caller's. */
	old = node_insert(s, node, 1, 2);
	if (!old) {
		*fresh = true;
		return node;
	}
	node_discard(s, node);
	return old;
}

static struct vhost_fs_node *node_find(struct vhost_fs_session *s,
				       const struct vhost_fs_node_key *key)
{
	struct vhost_fs_node *node;

	rcu_read_lock();
	node = rhashtable_lookup(&s->inodes, key, vhost_fs_node_params);
	if (node && !vhost_fs_ref_get(&node->ref))
		node = NULL;
	rcu_read_unlock();
	return node;
}

/**
 * vhost_fs_node_peek - the node of a path, if the guest knows it
 * @req: whoever asks; may block
 * @path: a path inside the share, with a positive dentry
 *
 * Return: the node, with a reference; NULL if there is none; an ERR_PTR as
 * vhost_fs_node_lookup().
 */
struct vhost_fs_node *vhost_fs_node_peek(struct vhost_fs_req *req,
					 const struct path *path)
{
	struct vhost_fs_fh_buf buf;
	struct vhost_fs_node *node;
	struct vhost_fs_node_key key;
	int err;

	err = vhost_fs_node_key(req, path, &buf, &key);
	if (err)
		return ERR_PTR(err);
	node = node_find(&req->fs->session, &key);
	vhost_fs_mount_put(key.mount);
	return node;
}

/**
 * vhost_fs_node_prepare - see that a lookup of a path won't fail
 * @req: the request
 * @path: a path inside the share, with a positive dentry
 *
 * For what must not happen if the guest can't be told of it.
 *
 * Return: 0 if the guest knows the node, else as vhost_fs_node_reserve() or
 * vhost_fs_node_lookup().
 */
int vhost_fs_node_prepare(struct vhost_fs_req *req, const struct path *path)
{
	struct vhost_fs_node *node = vhost_fs_node_peek(req, path);

	if (IS_ERR(node))
		return PTR_ERR(node);
	if (!node)
		return vhost_fs_node_reserve(req);
	vhost_fs_node_put(node);
	return 0;
}

static struct vhost_fs_node *node_lookup(struct vhost_fs_req *req,
					 const struct vhost_fs_node_key *key,
					 const struct path *path)
{
	struct vhost_fs_session *s = &req->fs->session;
	struct vhost_fs_node *node;
	bool fresh = false;
	unsigned int i;

	for (i = 0; i < VHOST_FS_NODE_RETRIES; i++) {
		node = node_find(s, key);
		if (!node) {
			node = node_new(req, key, path, &fresh);
			if (node == ERR_PTR(-EAGAIN))
				continue;
			if (IS_ERR(node))
				return node;
		}
		if (fresh || node_count_lookup(node) || node_wake(s, node)) {
			vhost_fs_node_refresh(req, node, key, path);
			return node;
		}
		/* Its forgetter may not run for long; make way for a new one. */
		node_unlist(s, node);
		vhost_fs_node_put(node);
		cond_resched();
	}
	return ERR_PTR(-ENOMEM);
}

static noinline struct vhost_fs_node *
node_lookup_by_handle(struct vhost_fs_req *req, const struct path *path)
{
	struct vhost_fs_fh_buf buf;
	struct vhost_fs_node *node;
	struct vhost_fs_node_key key;
	int err;

	err = vhost_fs_node_key(req, path, &buf, &key);
	if (err)
		return ERR_PTR(err);
	node = node_lookup(req, &key, path);
	vhost_fs_mount_put(key.mount);
	return node;
}

/**
 * vhost_fs_node_lookup - the node of a path, whose lookup count goes up by one
 * @req: the request
 * @path: a path inside the share, with a positive dentry
 *
 * Return: the node, with a reference; -ENFILE at the share's limit;
 * -EOPNOTSUPP if the file has no handle and must have one; -ESTALE if it was
 * just unmounted; -ENOMEM. If the guest isn't told its number, the count has to
 * be taken back by vhost_fs_node_forget().
 */
struct vhost_fs_node *vhost_fs_node_lookup(struct vhost_fs_req *req,
					   const struct path *path)
{
	struct vhost_fs_node_key key;

	/* Most shares want no handles, and no room for one cleared. */
	if (req->share->inode_file_handles != VHOST_FS_HANDLES_NEVER)
		return node_lookup_by_handle(req, path);
	vhost_fs_node_key_kept(path, &key);
	return node_lookup(req, &key, path);
}

/**
 * vhost_fs_node_moved - the guest has given a file another parent
 * @req: the request
 * @path: where the file is now
 *
 * Saves the guest the lookup that a node found by its handle would need once
 * the file has left the host's memory.
 */
void vhost_fs_node_moved(struct vhost_fs_req *req, const struct path *path)
{
	struct vhost_fs_fh_buf buf;
	struct vhost_fs_node *node;
	struct vhost_fs_node_key key;

	if (req->share->inode_file_handles == VHOST_FS_HANDLES_NEVER ||
	    d_is_dir(path->dentry) || vhost_fs_node_key(req, path, &buf, &key))
		return;
	node = node_find(&req->fs->session, &key);
	if (node) {
		vhost_fs_node_refresh(req, node, &key, path);
		vhost_fs_node_put(node);
	}
	vhost_fs_mount_put(key.mount);
}

/**
 * vhost_fs_node_forget - the guest gives lookups back
 * @req: the request; @bad is set if there is no such node or it had fewer
 * @id: number of the node
 * @nlookup: how many; more than it has is all it has
 *
 * Context: process context; may be the end of a deleted file, and then blocks.
 */
void vhost_fs_node_forget(struct vhost_fs_req *req, u64 id, u64 nlookup)
{
	struct vhost_fs_session *s = &req->fs->session;
	struct vhost_fs_node *node;
	s64 old, new;

	if (id == FUSE_ROOT_ID)
		return;
	node = vhost_fs_node_get(s, id);
	if (!node) {
		req->bad = true;
		return;
	}
	old = atomic64_read(&node->nlookup);
	do {
		if (old == S64_MAX)
			break;
		new = old - min_t(u64, old, nlookup);
	} while (!atomic64_try_cmpxchg(&node->nlookup, &old, new));
	if (nlookup > old)
		req->bad = true;
	if (old && old != S64_MAX && !new) {
		/* A late lookup may be changing @dentry; the mount stays. */
		if (!node->by_handle && node->inode && !node->inode->i_nlink)
			vhost_fs_may_sleep_on(req, node->mnt->mnt_root);
		node_retire(s, node);
	}
	vhost_fs_node_put(node);
}

/**
 * vhost_fs_node_add_root - make the root node of a new session
 * @fs: the device, whose tables are empty
 *
 * Return: 0; -ENOMEM; -EAGAIN if a request of the old session has just found
 * the root, and the tables must be emptied once more.
 */
int vhost_fs_node_add_root(struct vhost_fs_dev *fs)
{
	const struct vhost_fs_node_key by_dentry = { };
	struct vhost_fs_session *s = &fs->session;
	struct vhost_fs_node *root, *old;

	root = node_alloc(s, FUSE_ROOT_ID);
	if (!root)
		return -ENOMEM;
	vhost_fs_node_stand_for(root, &by_dentry, &fs->share->root);
	atomic64_inc(&s->nr_nodes);
	old = node_insert(s, root, VHOST_FS_ROOT_NLOOKUP, 1);
	if (!old)
		return 0;

	if (!IS_ERR(old))
		vhost_fs_node_put(old);
	node_discard(s, root);
	return IS_ERR(old) ? PTR_ERR(old) : -EAGAIN;
}

/* It stays in the table of numbers alone; nobody else uses the session. */
static void node_use_number(struct vhost_fs_node *node, u64 nlookup)
{
	node->listed = true;
	atomic64_set(&node->nlookup, nlookup);
	vhost_fs_ref_first(&node->ref, 1);
}

/* What a node that is made anew stands for. */
static int node_restore_as(struct vhost_fs_req *req, struct vhost_fs_node *node,
			   const struct path *path)
{
	struct vhost_fs_node_key key;
	struct vhost_fs_fh_buf buf;
	int err;

	if (!path)
		return 0;
	err = vhost_fs_node_key(req, path, &buf, &key);
	if (err)
		return err;
	vhost_fs_node_stand_for(node, &key, path);
	vhost_fs_mount_put(key.mount);
	return 0;
}

/**
 * vhost_fs_node_restore - make a node of which only the number is new here
 * @req: whoever asks; may block
 * @id: the number, not the root's
 * @path: a path inside the share, with a positive dentry; NULL if the file is
 *	lost
 * @seq: rename_lock's count before it was seen to lie inside the share
 * @nlookup: its lookup count, at least 1
 *
 * Two numbers for one file, which the guest then takes for two, are possible; a
 * lookup gives it the first.
 *
 * Return: 0; -EEXIST if the number is taken; -ENFILE at the share's limit;
 * -EOPNOTSUPP, -ESTALE and -ENOMEM as vhost_fs_node_lookup().
 *
 * Context: nobody else uses the session.
 */
int vhost_fs_node_restore(struct vhost_fs_req *req, u64 id,
			  const struct path *path, unsigned int seq,
			  u64 nlookup)
{
	struct vhost_fs_session *s = &req->fs->session;
	struct vhost_fs_node *node, *old = NULL;
	int err = -ENOMEM;

	if (xa_load(&s->nodes, id))
		return -EEXIST;
	if (!vhost_fs_count_up(&s->nr_nodes, READ_ONCE(req->share->max_nodes)))
		return -ENFILE;
	node = node_alloc(s, id);
	if (!node)
		goto err_count;
	node->reach_seq = seq;
	err = node_restore_as(req, node, path);
	if (err)
		goto err_node;
	nlookup = min_t(u64, nlookup, S64_MAX);
	if (path)
		old = node_insert(s, node, nlookup, 1);
	if (IS_ERR(old)) {
		err = PTR_ERR(old);
		goto err_node;
	}
	if (old)
		vhost_fs_node_put(old);
	if (!path || old)
		node_use_number(node, nlookup);
	return 0;

err_node:
	node_discard(s, node);
	return err;
err_count:
	atomic64_dec(&s->nr_nodes);
	return err;
}

/**
 * vhost_fs_node_drop_all - forget every node, the root included
 * @s: the session
 */
void vhost_fs_node_drop_all(struct vhost_fs_session *s)
{
	struct vhost_fs_node *node;
	unsigned long id;

	xa_for_each(&s->nodes, id, node) {
		node = vhost_fs_node_get_any(s, id);
		if (!node)
			continue;
		xa_lock(&s->nodes);
		node_leave_dormant(s, node);
		xa_unlock(&s->nodes);
		atomic64_set(&node->nlookup, 0);
		node_unlist(s, node);
		vhost_fs_node_put(node);
		cond_resched();
	}
}
