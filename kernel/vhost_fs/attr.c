// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attributes: GETATTR, SETATTR, STATX, STATFS, ACCESS.
 */
#include <linux/fuse.h>
#include <linux/math64.h>
#include <linux/mount.h>
#include <linux/stat.h>
#include <linux/statfs.h>

#include "attr.h"
#include "cred.h"
#include "handle.h"
#include "idmap.h"
#include "kcompat.h"
#include "node.h"
#include "op.h"
#include "reply.h"
#include "request.h"
#include "share.h"
#include "vq.h"

/* What FUSE_STATX may ask for. */
#define VHOST_FS_STATX_MASK	(STATX_BASIC_STATS | STATX_BTIME)

/* FATTR_* that change something. */
#define VHOST_FS_FATTR_CHANGES	(FATTR_MODE | FATTR_UID | FATTR_GID |	\
				 FATTR_SIZE | FATTR_ATIME | FATTR_MTIME)

/**
 * vhost_fs_attr_timeout - how long the guest may keep attributes
 * @share: the share
 * @sec: set to seconds
 * @nsec: set to nanoseconds
 */
void vhost_fs_attr_timeout(const struct vhost_fs_share *share, u64 *sec,
			   u32 *nsec)
{
	*sec = div_u64_rem(READ_ONCE(share->attr_timeout_ns), NSEC_PER_SEC,
			   nsec);
}

/*
 * btrfs is one file system with a device number, and inode numbers, for each
 * subvolume. Others have the number of their superblock, at little cost.
 */
static noinline bool is_subvolume(const struct path *path,
				  const struct kstat *st)
{
	struct path parent = { .mnt = path->mnt };
	struct kstat up;
	int err;

	parent.dentry = dget_parent(path->dentry);
	err = vfs_getattr(&parent, &up, STATX_TYPE, AT_STATX_DONT_SYNC);
	dput(parent.dentry);
	return !err && up.dev != st->dev;
}

static bool is_submount(const struct vhost_fs_req *req, const struct path *path,
			const struct kstat *st)
{
	if (!vhost_fs_req_has(req, FUSE_SUBMOUNTS) ||
	    path_equal(path, &req->share->root))
		return false;
	if (path->dentry == path->mnt->mnt_root)
		return path->mnt != req->share->root.mnt;
	return S_ISDIR(st->mode) && st->dev != path->dentry->d_sb->s_dev &&
	       !IS_ROOT(path->dentry) && is_subvolume(path, st);
}

/* A file system that has names checked with its server asks for these too. */
static int attr_stat(struct vhost_fs_req *req, const struct path *path,
		     struct kstat *st, u32 mask, unsigned int flags)
{
	if (path->dentry->d_flags &
	    (DCACHE_OP_REVALIDATE | DCACHE_OP_WEAK_REVALIDATE))
		vhost_fs_may_block(req);
	return vfs_getattr(path, st, mask, flags);
}

/**
 * vhost_fs_attr_get - attributes of a path
 * @req: the request; may block
 * @path: the path
 * @attr: filled in
 *
 * Return: 0 or an errno.
 */
int vhost_fs_attr_get(struct vhost_fs_req *req, const struct path *path,
		      struct fuse_attr *attr)
{
	struct kstat st __uninitialized;
	u32 uid, gid, flags;
	int err;

	err = attr_stat(req, path, &st, STATX_BASIC_STATS,
			AT_STATX_SYNC_AS_STAT);
	if (err)
		return err;
	/* Calls first, then nothing of @st is to be saved across them. */
	uid = vhost_fs_uid_out(req, st.uid);
	gid = vhost_fs_gid_out(req, st.gid);
	flags = is_submount(req, path, &st) ? FUSE_ATTR_SUBMOUNT : 0;
	*attr = (struct fuse_attr) {
		.ino = st.ino,
		.size = st.size,
		.blocks = st.blocks,
		.atime = st.atime.tv_sec,
		.mtime = st.mtime.tv_sec,
		.ctime = st.ctime.tv_sec,
		.atimensec = st.atime.tv_nsec,
		.mtimensec = st.mtime.tv_nsec,
		.ctimensec = st.ctime.tv_nsec,
		.mode = st.mode,
		.nlink = st.nlink,
		.uid = uid,
		.gid = gid,
		.rdev = new_encode_dev(st.rdev),
		.blksize = st.blksize,
		.flags = flags,
	};
	return 0;
}

static int attr_reply(struct vhost_fs_req *req)
{
	struct fuse_attr_out *out = vhost_fs_reply_arg(req, sizeof(*out));

	vhost_fs_attr_timeout(req->share, &out->attr_valid,
			      &out->attr_valid_nsec);
	return vhost_fs_attr_get(req, &req->path, &out->attr);
}

/**
 * vhost_fs_op_getattr - FUSE_GETATTR
 * @req: the request
 *
 * Return: 0 or an errno.
 */
int vhost_fs_op_getattr(struct vhost_fs_req *req)
{
	const struct fuse_getattr_in *in = req->arg;
	int err;

	err = vhost_fs_req_maybe_handle(req,
					in->getattr_flags & FUSE_GETATTR_FH,
					in->fh);
	return err ?: attr_reply(req);
}

static struct fuse_sx_time sx_time(const struct timespec64 *t)
{
	return (struct fuse_sx_time) {
		.tv_sec = t->tv_sec,
		.tv_nsec = t->tv_nsec,
	};
}

static void statx_fill(struct vhost_fs_req *req, const struct kstat *st,
		       struct fuse_statx *out)
{
	*out = (struct fuse_statx) {
		.mask = st->result_mask & VHOST_FS_STATX_MASK,
		.blksize = st->blksize,
		.attributes = st->attributes,
		.nlink = st->nlink,
		.uid = vhost_fs_uid_out(req, st->uid),
		.gid = vhost_fs_gid_out(req, st->gid),
		.mode = st->mode,
		.ino = st->ino,
		.size = st->size,
		.blocks = st->blocks,
		.attributes_mask = st->attributes_mask,
		.atime = sx_time(&st->atime),
		.btime = sx_time(&st->btime),
		.ctime = sx_time(&st->ctime),
		.mtime = sx_time(&st->mtime),
		.rdev_major = MAJOR(st->rdev),
		.rdev_minor = MINOR(st->rdev),
		.dev_major = MAJOR(st->dev),
		.dev_minor = MINOR(st->dev),
	};
}

/*
 * What statx(2) adds to what the file system says. To the guest, the share's
 * root is that of a mount, whatever it is here.
 */
static void statx_add_mount(const struct vhost_fs_req *req, struct kstat *st)
{
	const struct path *path = &req->path;

	st->attributes_mask |= STATX_ATTR_MOUNT_ROOT;
	if (path->dentry == path->mnt->mnt_root ||
	    path_equal(path, &req->share->root))
		st->attributes |= STATX_ATTR_MOUNT_ROOT;
}

/**
 * vhost_fs_op_statx - FUSE_STATX
 * @req: the request
 *
 * Return: 0 or an errno.
 */
int vhost_fs_op_statx(struct vhost_fs_req *req)
{
	const struct fuse_statx_in *in = req->arg;
	struct fuse_statx_out *out;
	struct kstat st;
	int err;

	err = vhost_fs_req_maybe_handle(req,
					in->getattr_flags & FUSE_GETATTR_FH,
					in->fh);
	if (err)
		return err;
	err = attr_stat(req, &req->path, &st, in->sx_mask & VHOST_FS_STATX_MASK,
			in->sx_flags & AT_STATX_SYNC_TYPE);
	if (err)
		return err;
	out = vhost_fs_reply_arg(req, sizeof(*out));
	vhost_fs_attr_timeout(req->share, &out->attr_valid,
			      &out->attr_valid_nsec);
	statx_add_mount(req, &st);
	statx_fill(req, &st, &out->stat);
	return 0;
}

/* What truncate(2) takes away from a file besides its data. */
static unsigned int truncate_kills(struct file *file)
{
	int kill = setattr_should_drop_suidgid(file_mnt_idmap(file),
					       file_inode(file));

	return ATTR_KILL_PRIV | (kill ? kill | ATTR_FORCE : 0);
}

/**
 * vhost_fs_truncate_file - change the length of an open file
 * @req: the request; may block
 * @file: the file
 * @size: new length
 * @opening: is it for O_TRUNC?
 *
 * A file system that hears of ATTR_OPEN may take it that it has truncated the
 * file already, when it was told O_TRUNC; it hasn't been. Nor does the file that
 * is being opened help: it need not be open for writing.
 *
 * Return: 0 or an errno.
 */
int vhost_fs_truncate_file(struct vhost_fs_req *req, struct file *file,
			   loff_t size, bool opening)
{
	struct inode *inode = file_inode(file);
	struct iattr attr = {
		.ia_valid = ATTR_SIZE | ATTR_MTIME | ATTR_CTIME |
			    (opening ? 0 : ATTR_FILE) | truncate_kills(file),
		.ia_size = size,
		.ia_file = file,
	};
	int err;

	if (size < 0 || !S_ISREG(inode->i_mode))
		return -EINVAL;
	if (IS_APPEND(inode))
		return -EPERM;
	vhost_fs_may_block(req);
	err = mnt_want_write_file(file);
	if (err)
		return err;
	inode_lock(inode);
	err = notify_change(file_mnt_idmap(file), file_dentry(file), &attr,
			    NULL);
	inode_unlock(inode);
	mnt_drop_write_file(file);
	return err;
}

static int setattr_truncate(struct vhost_fs_req *req, loff_t size)
{
	struct file *file = req->handle ? req->handle->file : NULL;

	if (!file) {
		vhost_fs_may_block(req);
		return size < 0 ? -EINVAL : vfs_truncate(&req->path, size);
	}
	if (!(file->f_mode & FMODE_WRITE))
		return -EINVAL;
	return vhost_fs_truncate_file(req, file, size, false);
}

/* Nobody asks for this before it was agreed on. */
static bool setattr_kills(const struct vhost_fs_req *req)
{
	const struct fuse_setattr_in *in = req->arg;

	return (in->valid & FATTR_KILL_SUIDGID) &&
	       vhost_fs_req_has(req, FUSE_HANDLE_KILLPRIV_V2);
}

static int setattr_size(struct vhost_fs_req *req)
{
	const struct fuse_setattr_in *in = req->arg;
	const struct cred *saved = NULL;
	int err = 0;

	if (setattr_kills(req))
		err = vhost_fs_cred_drop_fsetid(req, &req->path, &saved);
	if (err)
		return err;
	err = setattr_truncate(req, in->size);
	vhost_fs_cred_discard(saved);
	return err;
}

/*
 * A guest that names no change either lets someone write to a file, at the cost
 * of set-ID bits that it leaves to the host or doesn't know how to clear; or it
 * was asked by chown(2) for neither an owner nor a group, with the same result.
 */
static bool setattr_touches(const struct vhost_fs_req *req)
{
	const struct fuse_setattr_in *in = req->arg;

	return !(in->valid & VHOST_FS_FATTR_CHANGES);
}

static int setattr_owner(struct vhost_fs_req *req, struct iattr *attr)
{
	const struct fuse_setattr_in *in = req->arg;
	kuid_t uid;
	kgid_t gid;
	int err;

	if (in->valid & FATTR_UID) {
		err = vhost_fs_uid_in(req, in->uid, &uid);
		if (err)
			return err;
		attr->ia_valid |= ATTR_UID;
		attr->ia_vfsuid = VFSUIDT_INIT(uid);
	}
	if (in->valid & FATTR_GID) {
		err = vhost_fs_gid_in(req, in->gid, &gid);
		if (err)
			return err;
		attr->ia_valid |= ATTR_GID;
		attr->ia_vfsgid = VFSGIDT_INIT(gid);
	}
	if (((in->valid & (FATTR_UID | FATTR_GID)) || setattr_touches(req)) &&
	    !d_is_dir(req->path.dentry))
		attr->ia_valid |= ATTR_KILL_PRIV;
	return 0;
}

static int setattr_time(u32 valid, u32 set, u32 now, u64 sec, u32 nsec,
			struct timespec64 *time, unsigned int attr_time,
			unsigned int attr_set, struct iattr *attr)
{
	if (!(valid & set))
		return 0;
	attr->ia_valid |= attr_time;
	if (valid & now)
		return 0;
	if (nsec >= NSEC_PER_SEC)
		return -EINVAL;
	attr->ia_valid |= attr_set;
	time->tv_sec = sec;
	time->tv_nsec = nsec;
	return 0;
}

/*
 * Whether the caller may depends on this: setting the time of day for both
 * times takes what writing takes, anything else the owner.
 */
static void setattr_time_rule(struct iattr *attr)
{
	unsigned int times = attr->ia_valid & (ATTR_ATIME | ATTR_MTIME);

	if (!times)
		return;
	if (times == (ATTR_ATIME | ATTR_MTIME) &&
	    !(attr->ia_valid & (ATTR_ATIME_SET | ATTR_MTIME_SET)))
		attr->ia_valid |= ATTR_TOUCH;
	else
		attr->ia_valid |= ATTR_TIMES_SET;
}

/* Everything but the size, which has rules of its own. */
static int setattr_decode(struct vhost_fs_req *req, struct iattr *attr)
{
	const struct fuse_setattr_in *in = req->arg;
	int err;

	memset(attr, 0, sizeof(*attr));
	if (in->valid & FATTR_MODE) {
		attr->ia_valid |= ATTR_MODE;
		attr->ia_mode = (in->mode & S_IALLUGO) |
			(d_inode(req->path.dentry)->i_mode & S_IFMT);
	}
	err = setattr_owner(req, attr);
	if (!err)
		err = setattr_time(in->valid, FATTR_ATIME, FATTR_ATIME_NOW,
				   in->atime, in->atimensec, &attr->ia_atime,
				   ATTR_ATIME, ATTR_ATIME_SET, attr);
	if (!err)
		err = setattr_time(in->valid, FATTR_MTIME, FATTR_MTIME_NOW,
				   in->mtime, in->mtimensec, &attr->ia_mtime,
				   ATTR_MTIME, ATTR_MTIME_SET, attr);
	if (!err)
		setattr_time_rule(attr);
	return err;
}

/*
 * What chown(2) takes away from a file besides its owner. A guest that didn't
 * agree on it sends the mode itself; notify_change() takes only one of both.
 * A touch takes it away if it may, and is no reason to fail.
 */
static unsigned int chown_kills(const struct vhost_fs_req *req,
				unsigned int valid, struct inode *inode)
{
	struct mnt_idmap *idmap = mnt_idmap(req->path.mnt);
	bool chown = setattr_kills(req) && (valid & (ATTR_UID | ATTR_GID)) &&
		     !(valid & ATTR_MODE);

	if (S_ISDIR(inode->i_mode) ||
	    !(chown || (setattr_touches(req) &&
			inode_owner_or_capable(idmap, inode))))
		return 0;
	return ATTR_KILL_SUID | setattr_should_drop_sgid(idmap, inode);
}

static int setattr_notify(struct vhost_fs_req *req, struct iattr *attr)
{
	struct inode *inode = d_inode(req->path.dentry);
	struct delegated_inode di = { };
	unsigned int valid = attr->ia_valid | ATTR_CTIME;
	int err;

	do {
		/* notify_change() leaves its mark there. */
		attr->ia_valid = valid;
		inode_lock(inode);
		attr->ia_valid |= chown_kills(req, valid, inode);
		err = notify_change(mnt_idmap(req->path.mnt), req->path.dentry,
				    attr, &di);
		inode_unlock(inode);
	} while (is_delegated(&di) && !(err = break_deleg_wait(&di)));
	return err;
}

static int setattr_apply(struct vhost_fs_req *req, struct iattr *attr)
{
	const struct cred *saved = NULL;
	int err = 0;

	/* Its root, or the file's group, may keep a bit that nobody can execute. */
	if (setattr_touches(req))
		err = vhost_fs_cred_outsider(req, &saved);
	else if (setattr_kills(req) && req->hdr->uid &&
		 req->hdr->uid != FUSE_INVALID_UIDGID)
		err = vhost_fs_cred_drop_fsetid(req, &req->path, &saved);
	if (err)
		return err;
	err = setattr_notify(req, attr);
	vhost_fs_cred_discard(saved);
	return err;
}

static int setattr_change(struct vhost_fs_req *req)
{
	const struct fuse_setattr_in *in = req->arg;
	struct iattr attr;
	int err;

	err = setattr_decode(req, &attr);
	if (err)
		return err;
	if (in->valid & FATTR_SIZE) {
		err = setattr_size(req);
		if (err || !attr.ia_valid)
			return err;
	}
	vhost_fs_may_block(req);
	err = vhost_fs_want_write(req, req->path.mnt);
	if (err)
		return err;
	err = setattr_apply(req, &attr);
	mnt_drop_write(req->path.mnt);
	return err;
}

/**
 * vhost_fs_op_setattr - FUSE_SETATTR
 * @req: the request
 *
 * Return: 0 or an errno.
 */
int vhost_fs_op_setattr(struct vhost_fs_req *req)
{
	const struct fuse_setattr_in *in = req->arg;
	int err;

	err = vhost_fs_req_maybe_handle(req, in->valid & FATTR_FH, in->fh);
	if (err)
		return err;
	if (vhost_fs_is_readonly(req, req->path.mnt))
		return -EROFS;
	err = setattr_change(req);
	return err ?: attr_reply(req);
}

/**
 * vhost_fs_op_statfs - FUSE_STATFS
 * @req: the request
 *
 * Return: 0 or an errno.
 */
int vhost_fs_op_statfs(struct vhost_fs_req *req)
{
	struct fuse_statfs_out *out;
	struct kstatfs st;
	int err;

	err = vfs_statfs(&req->path, &st);
	if (err)
		return err;
	out = vhost_fs_reply_arg(req, sizeof(*out));
	out->st = (struct fuse_kstatfs) {
		.blocks = st.f_blocks,
		.bfree = st.f_bfree,
		.bavail = st.f_bavail,
		.files = st.f_files,
		.ffree = st.f_ffree,
		.bsize = st.f_bsize,
		.namelen = st.f_namelen,
		.frsize = st.f_frsize,
	};
	return 0;
}

/**
 * vhost_fs_op_access - FUSE_ACCESS
 * @req: the request
 *
 * Return: 0 or an errno.
 */
int vhost_fs_op_access(struct vhost_fs_req *req)
{
	const struct fuse_access_in *in = req->arg;
	struct inode *inode = d_inode(req->path.dentry);
	int err;

	if (in->mask & ~(MAY_READ | MAY_WRITE | MAY_EXEC))
		return -EINVAL;
	err = vhost_fs_cred_access(req, &req->path, in->mask);
	/* A device or FIFO is written to without writing to the file system. */
	if (!err && (in->mask & MAY_WRITE) && !special_file(inode->i_mode) &&
	    vhost_fs_is_readonly(req, req->path.mnt))
		return -EROFS;
	return err;
}
