// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names to nodes, and back: LOOKUP, FORGET, BATCH_FORGET, and the entries that
 * other replies carry.
 *
 * A name is looked up in one directory, never along a path; symbolic links are
 * the guest's to follow. What is mounted on the result is crossed into. What is
 * mounted only when somebody needs it (autofs, NFS) is mounted by a LOOKUP and
 * not by a listing, which would mount everything at once.
 */
#include <linux/dcache.h>
#include <linux/fuse.h>
#include <linux/magic.h>
#include <linux/math64.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/sched/signal.h>

#include "attr.h"
#include "dev.h"
#include "kcompat.h"
#include "keep.h"
#include "lookup.h"
#include "node.h"
#include "op.h"
#include "reply.h"
#include "request.h"
#include "share.h"
#include "vq.h"

/* Lookups to forget that are copied in at a time. */
#define VHOST_FS_FORGET_BATCH	32

/* Most in one request: what fits into the largest WRITE. */
#define VHOST_FS_MAX_FORGETS	(VHOST_FS_MAX_WRITE / sizeof(struct fuse_forget_one))

/*
 * One name may be written in several ways there, of which the guest's cache
 * knows nothing: it would keep one when the file goes by another.
 */
static bool names_are_folded(const struct dentry *dentry)
{
	return dentry->d_flags & (DCACHE_OP_HASH | DCACHE_OP_COMPARE);
}

static void entry_timeout(const struct vhost_fs_share *share,
			  const struct path *path, struct fuse_entry_out *out)
{
	vhost_fs_attr_timeout(share, &out->attr_valid, &out->attr_valid_nsec);
	if (names_are_folded(path->dentry))
		return;
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
	entry_timeout(req->share, path, out);
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

/* A file system that is mounted when somebody needs it, and isn't yet. */
static bool is_trigger(const struct dentry *dentry)
{
	return dentry->d_flags & DCACHE_NEED_AUTOMOUNT;
}

/*
 * Have it mounted. follow_down() would ask autofs time and again if its daemon
 * mounts where the share, a private copy of the host's mounts, doesn't see it;
 * so autofs is asked once. Others mount on the very path.
 */
static int trigger(struct path *path)
{
	struct vfsmount *mnt;

	if (path->dentry->d_sb->s_magic != AUTOFS_SUPER_MAGIC)
		return follow_down(path, LOOKUP_AUTOMOUNT);
	mnt = path->dentry->d_op->d_automount(path);
	if (IS_ERR(mnt))
		return PTR_ERR(mnt) == -EISDIR ? 0 : PTR_ERR(mnt);
	/* autofs leaves mounting, and making a directory to do it, to its daemon. */
	if (d_is_negative(path->dentry))
		return -ENOENT;
	return WARN_ON_ONCE(mnt) ? -EIO : follow_down(path, 0);
}

/* Cross into what is mounted on a path, or, if asked to, would be. */
static int cross(struct vhost_fs_req *req, struct path *path, bool automount)
{
	int err;

	if (likely(!d_managed(path->dentry)))
		return 0;
	vhost_fs_may_block(req);
	/* There, follow_down() would do what it does when asked to. */
	err = d_is_negative(path->dentry) ? 0 : follow_down(path, 0);
	if (err < 0 || !is_trigger(path->dentry))
		return min(err, 0);
	return automount ? min(trigger(path), 0) : -EREMOTE;
}

static int lookup_child(struct vhost_fs_req *req, const struct path *dir,
			struct qstr *name, struct path *child, bool automount)
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
	/* autofs has a directory for a name once somebody has wanted it. */
	if (d_is_negative(dentry) && !is_trigger(dentry)) {
		dput(dentry);
		return -ENOENT;
	}
	child->mnt = mntget(dir->mnt);
	child->dentry = dentry;
	err = cross(req, child, automount);
	if (err)
		path_put(child);
	return err;
}

/**
 * vhost_fs_lookup_child - look a name up in a directory
 * @req: the request, which may block
 * @dir: the directory
 * @name: checked name
 * @child: set to a path with a positive dentry; to be put by path_put()
 *
 * What is to be mounted there when it is needed gets mounted.
 *
 * Return: 0 or an errno; -ENOENT if there is no such name.
 */
int vhost_fs_lookup_child(struct vhost_fs_req *req, const struct path *dir,
			  struct qstr *name, struct path *child)
{
	return lookup_child(req, dir, name, child, true);
}

/**
 * vhost_fs_lookup_child_quietly - look a name up, and have nothing mounted
 * @req: as for vhost_fs_lookup_child()
 * @dir: likewise
 * @name: likewise
 * @child: likewise
 *
 * Return: as vhost_fs_lookup_child(); -EREMOTE if something would have to be
 * mounted first.
 */
int vhost_fs_lookup_child_quietly(struct vhost_fs_req *req,
				  const struct path *dir, struct qstr *name,
				  struct path *child)
{
	return lookup_child(req, dir, name, child, false);
}

/* Up over mounts, until there is a parent; never above the share's root. */
static int climb(struct vhost_fs_req *req, struct path *path)
{
	while (path->dentry == path->mnt->mnt_root) {
		if (path_equal(path, &req->share->root))
			return 0;
		if (!follow_up(path))
			return -ESTALE;
	}
	return 0;
}

/*
 * The host may move the directory out of the share between the check of it and
 * the step up, so what is found is checked again.
 */
static int lookup_parent(struct vhost_fs_req *req, struct path *path)
{
	const struct path *root = &req->share->root;
	struct dentry *parent;
	int err;

	if (!d_is_dir(path->dentry))
		return -ENOTDIR;
	err = inode_permission(mnt_idmap(path->mnt), d_inode(path->dentry),
			       MAY_EXEC);
	if (!err)
		err = climb(req, path);
	if (err || path_equal(path, root))
		return err;
	parent = dget_parent(path->dentry);
	dput(path->dentry);
	path->dentry = parent;
	if (!vhost_fs_path_inside(path, root))
		return -ESTALE;
	return cross(req, path, false);
}

/* "." and "..", of guests that have only a node's number. */
static int lookup_dots(struct vhost_fs_req *req)
{
	struct path path = req->path;
	int err = 0;

	path_get(&path);
	if (vhost_fs_name_is_dotdot(&req->name[0]))
		err = lookup_parent(req, &path);
	if (!err)
		err = vhost_fs_entry_reply(req, &path);
	path_put(&path);
	return err;
}

/*
 * That a name doesn't exist may be believed for a while; but not where it may
 * come to exist by being made in another spelling.
 */
static int lookup_negative(struct vhost_fs_req *req)
{
	u64 timeout = READ_ONCE(req->share->negative_timeout_ns);
	struct fuse_entry_out *out;

	if (!timeout || names_are_folded(req->path.dentry))
		return -ENOENT;
	out = vhost_fs_reply_arg(req, sizeof(*out));
	out->entry_valid = div_u64_rem(timeout, NSEC_PER_SEC,
				       &out->entry_valid_nsec);
	return 0;
}

/**
 * vhost_fs_op_lookup - FUSE_LOOKUP
 * @req: the request
 *
 * Return: 0 or an errno.
 */
int vhost_fs_op_lookup(struct vhost_fs_req *req)
{
	struct qstr *name = &req->name[0];
	struct path child;
	int err;

	if (vhost_fs_name_is_dot(name) || vhost_fs_name_is_dotdot(name))
		return lookup_dots(req);
	err = vhost_fs_lookup_child(req, &req->path, name, &child);
	if (err == -ENOENT)
		return lookup_negative(req);
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
 * A count that the request's length doesn't bear out is cut down to it, and one
 * that no guest driver needs to VHOST_FS_MAX_FORGETS.
 *
 * Return: 0, or -EINTR if the owner is being killed meanwhile.
 */
int vhost_fs_op_batch_forget(struct vhost_fs_req *req)
{
	const struct fuse_batch_forget_in *in = req->arg;
	struct fuse_forget_one one[VHOST_FS_FORGET_BATCH];
	size_t left = min_t(u32, in->count, VHOST_FS_MAX_FORGETS), n, i;

	/* What was forgotten for an earlier owner is not forgotten twice. */
	n = min(req->done, left);
	iov_iter_advance(&req->data,
			 min(n * sizeof(*one), iov_iter_count(&req->data)));
	left -= n;
	while (left) {
		if (fatal_signal_pending(current))
			return -EINTR;
		n = min_t(size_t, left, ARRAY_SIZE(one));
		n = copy_from_iter(one, n * sizeof(*one), &req->data) /
		    sizeof(*one);
		if (!n && vhost_fs_keep_wants(-EFAULT))
			return -EFAULT;
		if (!n) {
			req->bad = true;
			break;
		}
		for (i = 0; i < n; i++)
			vhost_fs_node_forget(req, one[i].nodeid,
					     one[i].nlookup);
		left -= n;
		req->done += n;
		cond_resched();
	}
	return 0;
}
