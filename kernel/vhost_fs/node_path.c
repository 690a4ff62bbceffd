// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a node stands for: its key in the table of files, and the way from the
 * node to a path. See node.c for the two kinds of nodes.
 *
 * A node's dentry is one of the inode's names. When that name has gone and a
 * lookup comes in by another, the node takes over the other; a node's handle is
 * likewise exchanged when the file is found in another directory. Requests
 * therefore work on a path of their own (vhost_fs_node_borrow_path()).
 *
 * The host may move what the guest holds out of the share. Every request on a
 * node checks that its dentry still lies below the share's root; as long as
 * nothing on the host was renamed since the last check, a glance at rename_lock
 * is enough. The dentry that a handle leads to is checked each time.
 */
#include <linux/dcache.h>
#include <linux/hash.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>

#include "fh.h"
#include "mount.h"
#include "node.h"
#include "request.h"
#include "share.h"
#include "vq.h"

/* While a node that pins its file may forget and find it, within this time. */
#define VHOST_FS_NODE_FRESH	HZ

static u32 node_key_hash(const void *data, u32 len, u32 seed)
{
	const struct vhost_fs_node_key *key = data;

	if (key->fh)
		return vhost_fs_fh_hash(key->fh, seed ^ hash32_ptr(key->mount));
	/* The guest doesn't choose where the host's inodes are. */
	return hash_ptr(key->inode, 32) ^ hash_ptr(key->mnt, 32) ^ seed;
}

/**
 * vhost_fs_node_key_of - the key of a node
 * @node: the node
 * @key: filled in, without references
 *
 * Context: in an RCU read section, or nobody else knows the node yet.
 */
void vhost_fs_node_key_of(const struct vhost_fs_node *node,
			  struct vhost_fs_node_key *key)
{
	*key = (struct vhost_fs_node_key) { };
	if (node->by_handle) {
		key->fh = rcu_dereference_raw(node->fh);
		key->mount = node->mount;
	} else {
		key->inode = node->inode;
		key->mnt = node->mnt;
	}
}

static u32 node_hash(const void *data, u32 len, u32 seed)
{
	struct vhost_fs_node_key key;

	vhost_fs_node_key_of(data, &key);
	return node_key_hash(&key, len, seed);
}

static int node_cmp(struct rhashtable_compare_arg *arg, const void *obj)
{
	const struct vhost_fs_node_key *key = arg->key;
	struct vhost_fs_node_key its;

	vhost_fs_node_key_of(obj, &its);
	if (its.inode != key->inode || its.mnt != key->mnt ||
	    its.mount != key->mount || !its.fh != !key->fh)
		return 1;
	return key->fh && !vhost_fs_fh_same_inode(key->fh, its.fh);
}

const struct rhashtable_params vhost_fs_node_params = {
	.key_len = sizeof(struct vhost_fs_node_key),
	.head_offset = offsetof(struct vhost_fs_node, hash),
	.hashfn = node_key_hash,
	.obj_hashfn = node_hash,
	.obj_cmpfn = node_cmp,
	.min_size = 256,
	.automatic_shrinking = true,
};

/**
 * vhost_fs_node_stand_for - give a new node what it stands for
 * @node: the node, which nobody can find yet
 * @key: key of the path
 * @path: the path
 */
void vhost_fs_node_stand_for(struct vhost_fs_node *node,
			     const struct vhost_fs_node_key *key,
			     const struct path *path)
{
	struct vhost_fs_fh *fh;

	if (!key->fh) {
		node->inode = d_inode(path->dentry);
		node->mnt = mntget(path->mnt);
		node->dentry = dget(path->dentry);
		return;
	}
	/*
	 * The file may just have been made, and it is too late to fail. It is one
	 * handle, of MAX_HANDLE_SZ at most, for a node that is there already.
	 */
	fh = vhost_fs_fh_dup(key->fh, GFP_KERNEL_ACCOUNT | __GFP_NOFAIL);
	RCU_INIT_POINTER(node->fh, fh);
	node->mount = key->mount;
	if (node->mount)
		refcount_inc(&node->mount->ref);
	node->seen = jiffies;
	node->by_handle = true;
}

/**
 * vhost_fs_node_let_go - drop what a node pins
 * @node: a node that nobody uses any more
 *
 * Context: process context.
 */
void vhost_fs_node_let_go(struct vhost_fs_node *node)
{
	if (node->by_handle) {
		vhost_fs_mount_put(node->mount);
	} else {
		/* None of both if the file is lost. */
		dput(node->dentry);
		mntput(node->mnt);
	}
}

static void node_copy_fh(struct vhost_fs_node *node,
			 struct vhost_fs_fh_buf *buf)
{
	const struct vhost_fs_fh *fh;

	rcu_read_lock();
	fh = rcu_dereference(node->fh);
	memcpy(buf, fh, vhost_fs_fh_size(fh));
	rcu_read_unlock();
}

/*
 * An inode that was in use lately will still be in memory; any other may have
 * to be read.
 */
static void node_may_block(struct vhost_fs_req *req, struct vhost_fs_node *node,
			   const struct path *root)
{
	if (time_after(jiffies, READ_ONCE(node->seen) + VHOST_FS_NODE_FRESH))
		vhost_fs_may_block_on(req, root->dentry);
}

/* The path of a node that is found by its handle. */
static int node_find_path(struct vhost_fs_req *req, struct vhost_fs_node *node,
			  struct path *path)
{
	unsigned int seq = read_seqbegin(&rename_lock);
	struct vhost_fs_fh_buf buf;
	struct dentry *dentry;
	int err;

	err = vhost_fs_mount_root(req->share, node->mount, path);
	if (err)
		return err;
	node_may_block(req, node, path);
	node_copy_fh(node, &buf);
	dentry = vhost_fs_fh_decode(&buf.fh, path,
				    READ_ONCE(node->reach_seq) == seq);
	if (IS_ERR(dentry)) {
		path_put(path);
		return PTR_ERR(dentry);
	}
	dput(path->dentry);
	path->dentry = dentry;
	/* A rename since then makes the next request check again. */
	WRITE_ONCE(node->reach_seq, seq);
	WRITE_ONCE(node->seen, jiffies);
	return 0;
}

/*
 * A file that was found by its handle, and whose name the host doesn't know:
 * it is inside if the share is all of the file system.
 */
static bool path_hangs_in(const struct path *path, const struct path *root)
{
	const struct dentry *dentry = path->dentry;

	return IS_ROOT(dentry) &&
	       (READ_ONCE(dentry->d_flags) & DCACHE_DISCONNECTED) &&
	       !d_is_dir(dentry) && root->dentry == dentry->d_sb->s_root;
}

/**
 * vhost_fs_path_inside - does a path lie inside a share?
 * @path: the path
 * @root: the share's root
 *
 * path_is_under() asks of what is mounted below the share only where that is.
 * A bind mount shows part of a file system, and a rename through another mount
 * takes a file out of that part, with all of the file system above it. So here
 * the way up is gone, and each mount asked whether it shows what is on the way.
 *
 * Return: whether it does.
 *
 * Context: process context.
 */
bool vhost_fs_path_inside(const struct path *path, const struct path *root)
{
	struct path at = *path;
	bool inside;

	if (likely(path->mnt == root->mnt))
		return is_subdir(path->dentry, root->dentry) ||
		       path_hangs_in(path, root);
	path_get(&at);
	do {
		inside = is_subdir(at.dentry, at.mnt->mnt_root);
	} while (inside && follow_up(&at) && at.mnt != root->mnt);
	inside = inside && at.mnt == root->mnt &&
		 is_subdir(at.dentry, root->dentry);
	path_put(&at);
	return inside;
}

/* Does the dentry of a node still lie inside the share? */
static bool node_reachable(struct vhost_fs_node *node, const struct path *path,
			   const struct path *root)
{
	unsigned int seq;

	if (node->id == FUSE_ROOT_ID)
		return true;
	seq = read_seqbegin(&rename_lock);
	if (likely(READ_ONCE(node->reach_seq) == seq))
		return true;
	if (!vhost_fs_path_inside(path, root))
		return false;
	/* A rename since then makes the next request check again. */
	WRITE_ONCE(node->reach_seq, seq);
	return true;
}

/*
 * The path of a node that keeps a dentry, wherever it is; with a reference to the
 * dentry only, since the mount is the node's for as long as there is the node.
 */
static void node_any_path(struct vhost_fs_node *node, struct path *path)
{
	path->mnt = node->mnt;
	spin_lock(&node->lock);
	path->dentry = dget(node->dentry);
	spin_unlock(&node->lock);
}

/* The same, if it lies inside the share. */
static int node_kept_path(struct vhost_fs_node *node, struct path *path,
			  const struct path *root)
{
	if (!node->inode)
		return -ESTALE;
	node_any_path(node, path);
	if (node_reachable(node, path, root))
		return 0;
	dput(path->dentry);
	return -ESTALE;
}

/**
 * vhost_fs_node_borrow_path - the path that a node stands for now
 * @req: the request; may block
 * @node: the node, to which the caller has a reference
 * @path: set to the path, for vhost_fs_node_return_path() as long as the caller has
 *	that reference; empty after an error
 *
 * A file that was deleted still lies where it was, as long as it exists.
 *
 * Return: 0; -ESTALE if it is no more, or no longer lies inside the share;
 * -ENOMEM.
 */
int vhost_fs_node_borrow_path(struct vhost_fs_req *req,
			      struct vhost_fs_node *node, struct path *path)
{
	int err;

	err = node->by_handle ? node_find_path(req, node, path) :
				node_kept_path(node, path, &req->share->root);
	if (err)
		*path = (struct path) { };
	return err;
}

/**
 * vhost_fs_node_return_path - undo vhost_fs_node_borrow_path()
 * @node: the node
 * @path: its path, or an empty one
 *
 * Context: process context; may be the end of a deleted file.
 */
void vhost_fs_node_return_path(struct vhost_fs_node *node, struct path *path)
{
	dput(path->dentry);
	if (node->by_handle)
		mntput(path->mnt);
}

/**
 * vhost_fs_node_path - the path that a node stands for now, to be kept
 * @req: the request; may block
 * @node: the node, to which the caller has a reference
 * @path: set to the path; to be put by path_put(); empty after an error
 *
 * Return: as vhost_fs_node_borrow_path().
 */
int vhost_fs_node_path(struct vhost_fs_req *req, struct vhost_fs_node *node,
		       struct path *path)
{
	int err = vhost_fs_node_borrow_path(req, node, path);

	if (!err && !node->by_handle)
		mntget(path->mnt);
	return err;
}

/* Let a node whose name has gone stand for the name just looked up. */
static void node_refresh_dentry(struct vhost_fs_req *req,
				struct vhost_fs_node *node,
				const struct path *path)
{
	struct dentry *old = NULL;
	struct path now;

	/* Both are pinned, so if they are equal they are the same. */
	if (likely(READ_ONCE(node->dentry) == path->dentry))
		return;
	node_any_path(node, &now);
	if (!d_unhashed(now.dentry) &&
	    node_reachable(node, &now, &req->share->root))
		goto out;
	spin_lock(&node->lock);
	if (node->dentry == now.dentry) {
		old = node->dentry;
		WRITE_ONCE(node->dentry, dget(path->dentry));
		/* An odd count never equals rename_lock's: check again. */
		WRITE_ONCE(node->reach_seq, 1);
	}
	spin_unlock(&node->lock);
out:
	dput(old);
	dput(now.dentry);
}

/* Let a node know the directory where its file was just found. */
static void node_refresh_fh(struct vhost_fs_node *node,
			    const struct vhost_fs_fh *now)
{
	struct vhost_fs_fh *fh, *old;
	bool same;

	WRITE_ONCE(node->seen, jiffies);
	rcu_read_lock();
	same = vhost_fs_fh_equal(rcu_dereference(node->fh), now);
	rcu_read_unlock();
	/* A handle without a parent knows less. */
	if (same || now->type == now->key_type)
		return;
	fh = vhost_fs_fh_dup(now, GFP_KERNEL_ACCOUNT);
	if (!fh)
		return;
	spin_lock(&node->lock);
	old = rcu_replace_pointer(node->fh, fh, lockdep_is_held(&node->lock));
	spin_unlock(&node->lock);
	kfree_rcu_mightsleep(old);
}

/*
 * A node that was just found by name lies inside its mount: remember when, for
 * the time when the name has left the dcache.
 */
static void node_see_inside(struct vhost_fs_req *req,
			    struct vhost_fs_node *node, const struct path *path)
{
	const struct path *root = &req->share->root;
	unsigned int seq = read_seqbegin(&rename_lock);

	if (READ_ONCE(node->reach_seq) != seq &&
	    is_subdir(path->dentry, path->mnt == root->mnt ?
		      root->dentry : path->mnt->mnt_root))
		WRITE_ONCE(node->reach_seq, seq);
}

/**
 * vhost_fs_node_refresh - a file was found by name
 * @req: the request
 * @node: its node
 * @key: its key
 * @path: where it was found, inside the share
 */
void vhost_fs_node_refresh(struct vhost_fs_req *req, struct vhost_fs_node *node,
			   const struct vhost_fs_node_key *key,
			   const struct path *path)
{
	if (!node->by_handle) {
		node_refresh_dentry(req, node, path);
		return;
	}
	node_refresh_fh(node, key->fh);
	node_see_inside(req, node, path);
}

/**
 * vhost_fs_node_key_kept - the key of a path whose node keeps a dentry
 * @path: a path inside the share, with a positive dentry
 * @key: filled in, without references
 */
void vhost_fs_node_key_kept(const struct path *path,
			    struct vhost_fs_node_key *key)
{
	*key = (struct vhost_fs_node_key) {
		.inode = d_inode(path->dentry),
		.mnt = path->mnt,
	};
}

/**
 * vhost_fs_node_key - the key of a path
 * @req: the request
 * @path: a path inside the share, with a positive dentry
 * @buf: room for a handle
 * @key: filled in; its mount is to be put by vhost_fs_mount_put()
 *
 * Return: 0; -EOPNOTSUPP if the file has no handle and must have one; -ESTALE
 * if it was just unmounted; -ENOMEM.
 */
int vhost_fs_node_key(struct vhost_fs_req *req, const struct path *path,
		      struct vhost_fs_fh_buf *buf, struct vhost_fs_node_key *key)
{
	u32 handles = req->share->inode_file_handles;
	int err;

	*key = (struct vhost_fs_node_key) { };
	if (handles == VHOST_FS_HANDLES_NEVER ||
	    path_equal(path, &req->share->root))
		goto keep;
	err = vhost_fs_fh_encode(buf, path->dentry);
	if (!err)
		err = vhost_fs_mount_get(req, path, &key->mount);
	if (!err)
		key->fh = &buf->fh;
	if (err != -EOPNOTSUPP || handles == VHOST_FS_HANDLES_MANDATORY)
		return err;
keep:
	vhost_fs_node_key_kept(path, key);
	return 0;
}

