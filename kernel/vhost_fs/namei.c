// SPDX-License-Identifier: GPL-2.0-only
/*
 * Changes to directories: MKNOD, MKDIR, SYMLINK, LINK, UNLINK, RMDIR, RENAME;
 * and READLINK. Parent directories are locked here and nowhere else; CREATE
 * (open.c) goes through vhost_fs_create().
 *
 * Names are looked up on the parent's own mount. What is mounted on a name
 * hides it: removing or renaming a mount point is refused, since it would take
 * the host's mount away.
 *
 * Security modules that go by path are asked where the kernel exports the hook:
 * for mknod, mkdir, unlink and rename. Of the hooks for open files the one for
 * ioctls is exported, and used, and the one for locks is not.
 */
#include <linux/fuse.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/security.h>

#include "cred.h"
#include "ext.h"
#include "kcompat.h"
#include "lookup.h"
#include "namei.h"
#include "node.h"
#include "op.h"
#include "reply.h"
#include "request.h"
#include "vq.h"

/*
 * Programs can have delegations on file systems that live in memory, too, and
 * are given time to return them.
 */
static int wait_for_delegation(struct vhost_fs_req *req,
			       struct delegated_inode *di)
{
	vhost_fs_may_block(req);
	return break_deleg_wait(di);
}

static int create_begin(struct vhost_fs_req *req, struct vhost_fs_create *c)
{
	struct dentry *parent = req->path.dentry;
	int err, write_err;

	c->mnt = req->path.mnt;
	/* That a name exists is told even where it could not be made. */
	write_err = vhost_fs_want_write(req, c->mnt);
	c->dentry = start_creating(mnt_idmap(c->mnt), parent, &req->name[0]);
	err = PTR_ERR_OR_ZERO(c->dentry);
	if (err)
		goto drop_write;
	err = d_is_positive(c->dentry) ? -EEXIST : write_err;
	if (!err)
		err = vhost_fs_node_reserve(req);
	if (!err)
		err = vhost_fs_cred_create(req, &c->saved);
	if (!err)
		return 0;

	end_creating(c->dentry);
drop_write:
	if (!write_err)
		mnt_drop_write(c->mnt);
	return err;
}

static void create_end(struct vhost_fs_create *c)
{
	vhost_fs_cred_restore(c->saved);
	end_creating(c->dentry);
	mnt_drop_write(c->mnt);
}

/* Take away again what nobody has been told of. */
static void create_undo(struct vhost_fs_req *req, struct vhost_fs_create *c)
{
	struct mnt_idmap *idmap = mnt_idmap(c->mnt);
	struct inode *parent = d_inode(req->path.dentry);
	struct delegated_inode di = { };

	if (d_is_dir(c->dentry))
		vfs_rmdir(idmap, parent, c->dentry, &di);
	else
		vfs_unlink(idmap, parent, c->dentry, &di);
	/* Somebody has already opened it, and it stays. */
	if (is_delegated(&di))
		iput(di.di_inode);
}

/*
 * The guest that asks hears of the name when it has its label, and holds other
 * users of its own off meanwhile. No call that makes a name takes an attribute,
 * so whoever else looks just now, on the host or in another guest, can see it
 * without.
 */
static int create_label(struct vhost_fs_req *req, struct vhost_fs_create *c)
{
	struct path path = { .mnt = c->mnt, .dentry = c->dentry };
	int err = vhost_fs_ext_label(req, &path);

	if (err)
		create_undo(req, c);
	return err;
}

/*
 * A file system may make the name and have its file found by the next lookup
 * only. Nobody may see what is left in the dcache by then.
 */
static int create_find(struct vhost_fs_req *req, struct vhost_fs_create *c)
{
	struct dentry *found;

	if (likely(d_is_positive(c->dentry)))
		return 0;
	req->changed = true;
	d_drop(c->dentry);
	found = lookup_one(mnt_idmap(c->mnt), &req->name[0], req->path.dentry);
	if (IS_ERR(found))
		return PTR_ERR(found);
	dput(c->dentry);
	c->dentry = found;
	return d_is_positive(found) ? 0 : -ENOENT;
}

static int create_once(struct vhost_fs_req *req, struct vhost_fs_create *c,
		       int (*make)(struct vhost_fs_req *req,
				   struct vhost_fs_create *c),
		       struct path *path)
{
	int err;

	err = create_begin(req, c);
	if (err)
		return err;
	err = make(req, c);
	if (!err)
		err = create_find(req, c);
	if (!err)
		err = create_label(req, c);
	if (!err) {
		req->changed = true;
		path->mnt = mntget(c->mnt);
		path->dentry = dget(c->dentry);
	}
	create_end(c);
	return err;
}

/**
 * vhost_fs_create - make the first name that a request gives
 * @req: the request; @path is the directory; may block
 * @make: makes it, with the directory locked, under the guest user's ids
 * @path: set to the path of what was made; to be put by path_put()
 *
 * Return: 0; -EEXIST, and nothing else, if the name exists; -EROFS; -ENFILE at
 * the share's limit; or another errno, with nothing made, or with nothing found
 * of what was.
 */
int vhost_fs_create(struct vhost_fs_req *req,
		    int (*make)(struct vhost_fs_req *req,
				struct vhost_fs_create *c),
		    struct path *path)
{
	struct vhost_fs_create c = { };
	int err;

	if (!d_can_lookup(req->path.dentry))
		return -ENOTDIR;
	vhost_fs_may_sleep_on(req, req->path.dentry);
	do {
		err = create_once(req, &c, make, path);
	} while (is_delegated(&c.di) &&
		 !(err = wait_for_delegation(req, &c.di)));
	return err;
}

static int create_entry(struct vhost_fs_req *req,
			int (*make)(struct vhost_fs_req *req,
				    struct vhost_fs_create *c))
{
	struct path path;
	int err;

	err = vhost_fs_create(req, make, &path);
	if (err)
		return err;
	err = vhost_fs_entry_reply(req, &path);
	path_put(&path);
	return err;
}

static int make_node(struct vhost_fs_req *req, struct vhost_fs_create *c)
{
	const struct fuse_mknod_in *in = req->arg;
	umode_t mode = vhost_fs_cred_mode(req, in->mode & (S_IFMT | S_IALLUGO),
					  in->umask);
	int err;

	err = security_path_mknod(&req->path, c->dentry, mode, in->rdev);
	if (err)
		return err;
	if (S_ISREG(mode))
		return vfs_create(mnt_idmap(c->mnt), c->dentry, mode, &c->di);
	return vfs_mknod(mnt_idmap(c->mnt), d_inode(req->path.dentry),
			 c->dentry, mode, new_decode_dev(in->rdev), &c->di);
}

/**
 * vhost_fs_op_mknod - FUSE_MKNOD
 * @req: the request
 *
 * Return: 0 or an errno.
 */
int vhost_fs_op_mknod(struct vhost_fs_req *req)
{
	const struct fuse_mknod_in *in = req->arg;

	switch (in->mode & S_IFMT) {
	case S_IFREG:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		return create_entry(req, make_node);
	case S_IFDIR:
		return -EPERM;
	default:
		return -EINVAL;
	}
}

static int make_dir(struct vhost_fs_req *req, struct vhost_fs_create *c)
{
	const struct fuse_mkdir_in *in = req->arg;
	umode_t mode = vhost_fs_cred_mode(req, in->mode & S_IALLUGO, in->umask);
	int err;

	err = security_path_mkdir(&req->path, c->dentry, mode);
	if (err)
		return err;
	/* An error unlocks the parent, and create_end() does nothing more. */
	c->dentry = vfs_mkdir(mnt_idmap(c->mnt), d_inode(req->path.dentry),
			      c->dentry, mode, &c->di);
	return PTR_ERR_OR_ZERO(c->dentry);
}

/**
 * vhost_fs_op_mkdir - FUSE_MKDIR
 * @req: the request
 *
 * Return: 0 or an errno.
 */
int vhost_fs_op_mkdir(struct vhost_fs_req *req)
{
	return create_entry(req, make_dir);
}

static int make_symlink(struct vhost_fs_req *req, struct vhost_fs_create *c)
{
	return vfs_symlink(mnt_idmap(c->mnt), d_inode(req->path.dentry),
			   c->dentry, req->name[1].name, &c->di);
}

/**
 * vhost_fs_op_symlink - FUSE_SYMLINK
 * @req: the request
 *
 * Return: 0 or an errno.
 */
int vhost_fs_op_symlink(struct vhost_fs_req *req)
{
	return create_entry(req, make_symlink);
}

/*
 * The file by its new name; by its old one, if the file system has the new one
 * found by the next lookup only.
 */
static struct dentry *link_find(struct dentry *child, struct dentry *old)
{
	if (likely(d_is_positive(child)))
		return child;
	d_drop(child);
	return old;
}

static int link_once(struct vhost_fs_req *req, struct dentry *old,
		     struct path *new, struct delegated_inode *di)
{
	struct dentry *parent = req->path.dentry, *child;
	int err, write_err;

	new->mnt = req->path.mnt;
	write_err = vhost_fs_want_write(req, new->mnt);
	child = start_creating(mnt_idmap(new->mnt), parent, &req->name[0]);
	err = PTR_ERR_OR_ZERO(child);
	if (err)
		goto drop_write;
	err = d_is_positive(child) ? -EEXIST : write_err;
	if (!err)
		err = vfs_link(old, mnt_idmap(new->mnt), d_inode(parent),
			       child, di);
	if (!err) {
		req->changed = true;
		new->dentry = dget(link_find(child, old));
	}
	end_creating(child);
drop_write:
	if (!write_err)
		mnt_drop_write(new->mnt);
	return err;
}

/*
 * What linkat(2) asks of its caller where fs.protected_hardlinks is set, which a
 * module can't see: who doesn't own a file gives it another name only if it is
 * harmless and he may read and write it.
 */
static int may_link(const struct path *old)
{
	struct mnt_idmap *idmap = mnt_idmap(old->mnt);
	struct inode *inode = d_inode(old->dentry);
	umode_t mode = inode->i_mode;

	if (inode_owner_or_capable(idmap, inode))
		return 0;
	if (!S_ISREG(mode) || (mode & S_ISUID) ||
	    (mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
		return -EPERM;
	return inode_permission(idmap, inode, MAY_READ | MAY_WRITE) ?
		-EPERM : 0;
}

static int link_path(struct vhost_fs_req *req, const struct path *old)
{
	struct delegated_inode di = { };
	struct path new;
	int err;

	if (old->mnt != req->path.mnt)
		return -EXDEV;
	if (!d_can_lookup(req->path.dentry))
		return -ENOTDIR;
	vhost_fs_may_sleep_on(req, old->dentry);
	err = may_link(old);
	if (err)
		return err;
	do {
		err = link_once(req, old->dentry, &new, &di);
	} while (is_delegated(&di) && !(err = wait_for_delegation(req, &di)));
	if (err)
		return err;
	err = vhost_fs_entry_reply(req, &new);
	dput(new.dentry);
	return err;
}

/**
 * vhost_fs_op_link - FUSE_LINK
 * @req: the request; the header names the directory
 *
 * Return: 0 or an errno.
 */
int vhost_fs_op_link(struct vhost_fs_req *req)
{
	const struct fuse_link_in *in = req->arg;
	struct vhost_fs_node *node;
	struct path old;
	int err;

	err = vhost_fs_lookup_second(req, in->oldnodeid, &node, &old);
	if (err)
		return err;
	err = link_path(req, &old);
	path_put(&old);
	vhost_fs_node_put(node);
	return err;
}

static int remove_once(struct vhost_fs_req *req, bool dir,
		       struct delegated_inode *di)
{
	struct mnt_idmap *idmap = mnt_idmap(req->path.mnt);
	struct inode *parent = d_inode(req->path.dentry);
	struct inode *inode;
	struct dentry *child;
	int err;

	child = start_removing(idmap, req->path.dentry, &req->name[0]);
	if (IS_ERR(child))
		return PTR_ERR(child);
	/* The end of a large file must not be waited for under the lock. */
	inode = d_inode(child);
	ihold(inode);
	err = d_mountpoint(child) ? -EBUSY : 0;
	if (!err && !dir)
		err = security_path_unlink(&req->path, child);
	if (!err)
		err = dir ? vfs_rmdir(idmap, parent, child, di) :
			    vfs_unlink(idmap, parent, child, di);
	end_removing(child);
	iput(inode);
	return err;
}

static int remove_name(struct vhost_fs_req *req, bool dir)
{
	struct delegated_inode di = { };
	int err;

	if (!d_can_lookup(req->path.dentry))
		return -ENOTDIR;
	vhost_fs_may_sleep_on(req, req->path.dentry);
	err = vhost_fs_want_write(req, req->path.mnt);
	if (err)
		return err;
	do {
		err = remove_once(req, dir, &di);
	} while (is_delegated(&di) && !(err = wait_for_delegation(req, &di)));
	mnt_drop_write(req->path.mnt);
	return err;
}

/**
 * vhost_fs_op_unlink - FUSE_UNLINK
 * @req: the request
 *
 * Return: 0 or an errno.
 */
int vhost_fs_op_unlink(struct vhost_fs_req *req)
{
	return remove_name(req, false);
}

/**
 * vhost_fs_op_rmdir - FUSE_RMDIR
 * @req: the request
 *
 * Return: 0 or an errno.
 */
int vhost_fs_op_rmdir(struct vhost_fs_req *req)
{
	return remove_name(req, true);
}

/* What RENAME_WHITEOUT leaves behind belongs to the guest's user. */
static int rename_as_user(struct vhost_fs_req *req, struct renamedata *rd)
{
	const struct cred *saved;
	int err;

	err = vhost_fs_cred_create(req, &saved);
	if (err)
		return err;
	err = vfs_rename(rd);
	vhost_fs_cred_restore(saved);
	return err;
}

/* Nodes that know their file's parent have to learn of the new one. */
static void rename_tell(struct vhost_fs_req *req, const struct path moved[2])
{
	vhost_fs_node_moved(req, &moved[0]);
	if (moved[1].dentry)
		vhost_fs_node_moved(req, &moved[1]);
}

static int rename_once(struct vhost_fs_req *req, const struct path *newdir,
		       unsigned int flags, struct delegated_inode *di)
{
	struct renamedata rd = {
		.mnt_idmap = mnt_idmap(newdir->mnt),
		.old_parent = req->path.dentry,
		.new_parent = newdir->dentry,
		.delegated_inode = di,
		.flags = flags,
	};
	struct path moved[2] = {
		{ .mnt = newdir->mnt }, { .mnt = newdir->mnt },
	};
	int err;

	err = start_renaming(&rd, 0, &req->name[0], &req->name[1]);
	if (err)
		return err;
	if (d_mountpoint(rd.old_dentry) || d_mountpoint(rd.new_dentry))
		err = -EBUSY;
	else
		err = security_path_rename(&req->path, rd.old_dentry, newdir,
					   rd.new_dentry, flags);
	if (!err)
		err = flags & RENAME_WHITEOUT ? rename_as_user(req, &rd) :
						vfs_rename(&rd);
	/* An exchange moves both. */
	moved[0].dentry = dget(rd.old_dentry);
	moved[1].dentry = flags & RENAME_EXCHANGE ? dget(rd.new_dentry) : NULL;
	end_renaming(&rd);
	if (!err)
		rename_tell(req, moved);
	dput(moved[0].dentry);
	dput(moved[1].dentry);
	return err;
}

static int rename_between(struct vhost_fs_req *req, const struct path *newdir,
			  unsigned int flags)
{
	struct delegated_inode di = { };
	int err;

	if (req->path.mnt != newdir->mnt)
		return -EXDEV;
	if (!d_can_lookup(req->path.dentry) || !d_can_lookup(newdir->dentry))
		return -ENOTDIR;
	vhost_fs_may_sleep_on(req, newdir->dentry);
	err = vhost_fs_want_write(req, newdir->mnt);
	if (err)
		return err;
	do {
		err = rename_once(req, newdir, flags, &di);
	} while (is_delegated(&di) && !(err = wait_for_delegation(req, &di)));
	mnt_drop_write(newdir->mnt);
	return err;
}

static int rename_to(struct vhost_fs_req *req, u64 newdir_id, u32 flags)
{
	struct vhost_fs_node *node;
	struct path newdir;
	int err;

	if (flags & ~(u32)RENAME_VALID)
		return -EINVAL;
	if ((flags & RENAME_EXCHANGE) && flags != RENAME_EXCHANGE)
		return -EINVAL;
	err = vhost_fs_lookup_second(req, newdir_id, &node, &newdir);
	if (err)
		return err;
	err = rename_between(req, &newdir, flags);
	path_put(&newdir);
	vhost_fs_node_put(node);
	return err;
}

/**
 * vhost_fs_op_rename - FUSE_RENAME
 * @req: the request
 *
 * Return: 0 or an errno.
 */
int vhost_fs_op_rename(struct vhost_fs_req *req)
{
	const struct fuse_rename_in *in = req->arg;

	return rename_to(req, in->newdir, 0);
}

/**
 * vhost_fs_op_rename2 - FUSE_RENAME2
 * @req: the request
 *
 * Return: 0 or an errno.
 */
int vhost_fs_op_rename2(struct vhost_fs_req *req)
{
	const struct fuse_rename2_in *in = req->arg;

	return rename_to(req, in->newdir, in->flags);
}

static int readlink_reply(struct vhost_fs_req *req, const char *target)
{
	size_t len = strnlen(target, PATH_MAX - 1);
	char *buf = vhost_fs_req_buf(req, PATH_MAX);

	if (!buf)
		return -ENOMEM;
	if (len > vhost_fs_reply_room(req))
		return -EIO;
	memcpy(buf, target, len);
	vhost_fs_reply_buf(req, buf, len);
	return 0;
}

/**
 * vhost_fs_op_readlink - FUSE_READLINK
 * @req: the request
 *
 * A magic link, which leads to an object and not along a path, can't be read
 * from the kernel and would lead out of the share.
 *
 * Return: 0; -EINVAL if it isn't a symbolic link, -ELOOP for a magic one; or
 * another errno.
 */
int vhost_fs_op_readlink(struct vhost_fs_req *req)
{
	struct dentry *dentry = req->path.dentry;
	DEFINE_DELAYED_CALL(done);
	const char *target;
	int err;

	if (!d_is_symlink(dentry))
		return -EINVAL;
	if (d_inode(dentry)->i_op->readlink)
		return -ELOOP;
	vhost_fs_may_block_on(req, dentry);
	target = vfs_get_link(dentry, &done);
	if (IS_ERR(target))
		return PTR_ERR(target);
	touch_atime(&req->path);
	err = readlink_reply(req, target);
	do_delayed_call(&done);
	return err;
}
