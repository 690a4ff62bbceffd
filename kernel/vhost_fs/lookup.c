// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names to nodes, and back: LOOKUP, FORGET, BATCH_FORGET, and the entries that
 * other replies carry.
 *
 * A name is looked up in one directory, never along a path; symbolic links are
 * the guest's to follow. What is mounted on the result is crossed into.
 */
#include <linux/dcache.h>
#include <linux/fuse.h>
#include <linux/math64.h>
#include <linux/mount.h>
#include <linux/namei.h>

#include "internal.h"

/* Lookups to forget that are copied in at a time. */
#define VHOST_FS_FORGET_BATCH	32

static void entry_timeout(const struct vhost_fs_share *share,
			  struct fuse_entry_out *out)
{
	vhost_fs_attr_timeout(share, &out->attr_valid, &out->attr_valid_nsec);
	out->entry_valid = div_u64_rem(READ_ONCE(share->entry_timeout_ns),
				       NSEC_PER_SEC, &out->entry_valid_nsec);
}

/**
 * vhost_fs_entry_add - look up the node of a path for an entry of a reply
 * @req: the request
 * @path: a path inside the share, with a positive dentry
 * @out: filled in
 *
 * Return: the node, with a reference, its lookup count raised by one; or an
 * ERR_PTR.
 */
struct vhost_fs_node *vhost_fs_entry_add(struct vhost_fs_req *req,
					 const struct path *path,
					 struct fuse_entry_out *out)
{
	struct vhost_fs_node *node;
	int err;

	err = vhost_fs_attr_get(req, path, &out->attr);
	if (err)
		return ERR_PTR(err);
	node = vhost_fs_node_lookup(req, path);
	if (IS_ERR(node))
		return node;
	out->nodeid = node->id;
	entry_timeout(req->share, out);
	return node;
}

/**
 * vhost_fs_entry_reply - reply with the entry of a path
 * @req: the request
 * @path: as for vhost_fs_entry_add()
 *
 * Return: 0 or an errno.
 */
int vhost_fs_entry_reply(struct vhost_fs_req *req, const struct path *path)
{
	struct fuse_entry_out *out = vhost_fs_reply_arg(req, sizeof(*out));
	struct vhost_fs_node *node;

	node = vhost_fs_entry_add(req, path, out);
	if (IS_ERR(node))
		return PTR_ERR(node);
	vhost_fs_node_put(node);
	return 0;
}

/**
 * vhost_fs_lookup_second - find the second node that a request names
 * @req: the request
 * @id: its number
 * @node: set to the node, with a reference
 * @path: set to its path; to be put by path_put()
 *
 * Return: 0; -ESTALE if there is no such node, or not inside the share; -ENOMEM.
 */
int vhost_fs_lookup_second(struct vhost_fs_req *req, u64 id,
			   struct vhost_fs_node **node, struct path *path)
{
	int err;

	*node = vhost_fs_node_get(&req->fs->session, id);
	if (!*node) {
		req->bad = true;
		return -ESTALE;
	}
	err = vhost_fs_node_path(req, *node, path);
	if (err)
		vhost_fs_node_put(*node);
	return err;
}

/*
 * Look in the dcache only. Returns NULL if that can't tell: nothing there, or a
 * file system that wants to be asked.
 */
static struct dentry *lookup_cached(const struct path *dir,
				    const struct qstr *name)
{
	struct dentry *parent = dir->dentry, *child;
	struct qstr this = *name;
	int err;

	if (parent->d_flags & DCACHE_OP_REVALIDATE)
		return NULL;
	err = inode_permission(mnt_idmap(dir->mnt), d_inode(parent), MAY_EXEC);
	if (err)
		return ERR_PTR(err);
	this.hash = full_name_hash(parent, this.name, this.len);
	if (parent->d_flags & DCACHE_OP_HASH) {
		err = parent->d_op->d_hash(parent, &this);
		if (err < 0)
			return ERR_PTR(err);
	}
	child = d_lookup(parent, &this);
	if (child && (child->d_flags & DCACHE_OP_REVALIDATE)) {
		dput(child);
		child = NULL;
	}
	return child;
}

/**
 * vhost_fs_lookup_child - look a name up in a directory
 * @req: the request, which may block
 * @dir: the directory
 * @name: checked name
 * @child: set to a path with a positive dentry; to be put by path_put()
 *
 * Return: 0 or an errno; -ENOENT if there is no such name.
 */
int vhost_fs_lookup_child(struct vhost_fs_req *req, const struct path *dir,
			  struct qstr *name, struct path *child)
{
	struct dentry *dentry;
	int err;

	if (!d_can_lookup(dir->dentry))
		return -ENOTDIR;
	dentry = lookup_cached(dir, name);
	if (!dentry) {
		vhost_fs_may_block(req);
		dentry = lookup_one_unlocked(mnt_idmap(dir->mnt), name,
					     dir->dentry);
	}
	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	if (d_is_negative(dentry)) {
		dput(dentry);
		return -ENOENT;
	}

	child->mnt = mntget(dir->mnt);
	child->dentry = dentry;
	if (likely(!d_managed(dentry)))
		return 0;
	vhost_fs_may_block(req);
	err = follow_down(child, 0);
	if (err < 0)
		path_put(child);
	return err < 0 ? err : 0;
}

/**
 * vhost_fs_op_lookup - FUSE_LOOKUP
 * @req: the request
 *
 * Return: 0 or an errno.
 */
int vhost_fs_op_lookup(struct vhost_fs_req *req)
{
	struct path child;
	int err;

	err = vhost_fs_lookup_child(req, &req->path, &req->name[0], &child);
	if (err)
		return err;
	err = vhost_fs_entry_reply(req, &child);
	path_put(&child);
	return err;
}

/**
 * vhost_fs_op_forget - FUSE_FORGET
 * @req: the request
 *
 * Return: 0.
 */
int vhost_fs_op_forget(struct vhost_fs_req *req)
{
	const struct fuse_forget_in *in = req->arg;

	vhost_fs_node_forget(req, req->hdr->nodeid, in->nlookup);
	return 0;
}

/**
 * vhost_fs_op_batch_forget - FUSE_BATCH_FORGET
 * @req: the request
 *
 * A count that the request's length doesn't bear out is cut down to it.
 *
 * Return: 0.
 */
int vhost_fs_op_batch_forget(struct vhost_fs_req *req)
{
	const struct fuse_batch_forget_in *in = req->arg;
	struct fuse_forget_one one[VHOST_FS_FORGET_BATCH];
	size_t left = in->count, n, i;

	while (left) {
		n = min_t(size_t, left, ARRAY_SIZE(one));
		n = copy_from_iter(one, n * sizeof(*one), &req->data) /
		    sizeof(*one);
		if (!n) {
			req->bad = true;
			break;
		}
		for (i = 0; i < n; i++)
			vhost_fs_node_forget(req, one[i].nodeid,
					     one[i].nlookup);
		left -= n;
		cond_resched();
	}
	return 0;
}
