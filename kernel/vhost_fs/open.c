// SPDX-License-Identifier: GPL-2.0-only
/*
 * Opening and closing: OPEN, CREATE, TMPFILE, OPENDIR, RELEASE, RELEASEDIR,
 * FLUSH, FSYNC, FSYNCDIR, SYNCFS.
 *
 * Only regular files and directories are opened. A device node, FIFO or socket
 * in the share is the guest's to interpret by its own drivers; opening it here
 * would open the host's.
 */
#include <linux/file.h>
#include <linux/fuse.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/security.h>

#include "attr.h"
#include "cred.h"
#include "dev.h"
#include "ext.h"
#include "handle.h"
#include "kcompat.h"
#include "lock.h"
#include "lookup.h"
#include "namei.h"
#include "node.h"
#include "op.h"
#include "open.h"
#include "reply.h"
#include "request.h"
#include "share.h"
#include "vq.h"

/* What of a guest's open flags reaches the host's file in every share. */
#define VHOST_FS_OPEN_FLAGS	(O_ACCMODE | O_APPEND | O_DSYNC | __O_SYNC)

/* How often CREATE tries to be neither too late nor too early. */
#define VHOST_FS_CREATE_RETRIES	16

/* What the guest's cache may do with a file's data. */
static u32 open_flags_file(const struct vhost_fs_share *share)
{
	switch (share->cache) {
	case VHOST_FS_CACHE_ALWAYS:
		return FOPEN_KEEP_CACHE;
	case VHOST_FS_CACHE_AUTO:
		return 0;
	default:
		return FOPEN_DIRECT_IO;
	}
}

/*
 * FUSE_FLUSH is of no use if nothing is to be done when the guest closes a
 * descriptor: the host's file system neither writes nor reports anything then, there
 * is no lock to drop, and nothing was done by this descriptor that the host hasn't.
 * What was stored through a mapping is such a thing, and it is a close that tells a
 * program that it was lost; only a file that is open to read and to write can be
 * mapped so.
 */
static u32 open_flags_close(struct vhost_fs_req *req, const struct file *file)
{
	const fmode_t both = FMODE_READ | FMODE_WRITE;

	if (file->f_op->flush || vhost_fs_lock_served(req->share) ||
	    vhost_fs_req_has(req, FUSE_WRITEBACK_CACHE) ||
	    (file->f_mode & both) == both)
		return 0;
	return FOPEN_NOFLUSH;
}

static u32 open_flags_dir(const struct vhost_fs_share *share)
{
	switch (share->cache) {
	case VHOST_FS_CACHE_ALWAYS:
	case VHOST_FS_CACHE_METADATA:
		return FOPEN_CACHE_DIR | FOPEN_KEEP_CACHE;
	default:
		return 0;
	}
}

static int open_check_type(const struct inode *inode)
{
	switch (inode->i_mode & S_IFMT) {
	case S_IFREG:
		return 0;
	case S_IFDIR:
		return -EISDIR;
	case S_IFLNK:
		return -ELOOP;
	default:
		return -ENXIO;
	}
}

/* Linux knows a fourth way to open, for neither, that takes the rights to both. */
static int open_mask(u32 flags)
{
	static const int masks[] = {
		[O_RDONLY] = MAY_READ,
		[O_WRONLY] = MAY_WRITE,
		[O_RDWR] = MAY_READ | MAY_WRITE,
		[O_ACCMODE] = MAY_READ | MAY_WRITE,
	};
	int mask = masks[flags & O_ACCMODE];

	return flags & O_TRUNC ? mask | MAY_WRITE : mask;
}

/* The checks of open(2) that dentry_open() leaves to its caller. */
static int open_check(struct vhost_fs_req *req, const struct path *path,
		      u32 flags)
{
	struct inode *inode = d_inode(path->dentry);
	int mask = open_mask(flags);
	bool readonly;
	int err;

	err = open_check_type(inode);
	if (err)
		return err;
	readonly = vhost_fs_is_readonly(req, path->mnt);
	if (readonly && (flags & O_TRUNC))
		return -EROFS;
	err = inode_permission(mnt_idmap(path->mnt), inode, mask | MAY_OPEN);
	if (err)
		return err;
	if (readonly && (mask & MAY_WRITE))
		return -EROFS;
	if (IS_APPEND(inode) && (mask & MAY_WRITE) &&
	    (!(flags & O_APPEND) || (flags & O_TRUNC)))
		return -EPERM;
	return 0;
}

/* Opening may have to wait for the holder of a lease, or for a server. */
static void open_may_block(struct vhost_fs_req *req, const struct path *path,
			   u32 flags)
{
	struct dentry *dentry = path->dentry;

	if (!(dentry->d_sb->s_type->fs_flags & FS_REQUIRES_DEV))
		vhost_fs_may_block_on(req, dentry);
	if (break_lease(d_inode(dentry), flags | O_NONBLOCK))
		vhost_fs_may_block(req);
}

/*
 * A guest that collects writes reads what surrounds them, by the file it
 * writes to, and knows itself where the file ends. Whoever made a file may read
 * it, whatever its mode.
 */
static u32 open_flags_writeback(const struct path *path, u32 flags, bool made)
{
	struct inode *inode = path ? d_inode(path->dentry) : NULL;

	if ((flags & O_ACCMODE) == O_WRONLY &&
	    (made || !inode_permission(mnt_idmap(path->mnt), inode, MAY_READ)))
		flags = (flags & ~O_ACCMODE) | O_RDWR;
	return inode && IS_APPEND(inode) ? flags : flags & ~O_APPEND;
}

/*
 * What the host's file is opened with. One that has no path, since it is yet to
 * be made, is its maker's and no other's.
 */
static u32 open_flags_host(struct vhost_fs_req *req, const struct path *path,
			   u32 flags, bool made)
{
	const u32 share_flags = req->share->flags;
	u32 keep = VHOST_FS_OPEN_FLAGS;

	if (share_flags & VHOST_FS_SHARE_DIRECT_IO)
		keep |= O_DIRECT;
	if ((share_flags & VHOST_FS_SHARE_NOATIME) &&
	    (!path || inode_owner_or_capable(mnt_idmap(path->mnt),
					     d_inode(path->dentry))))
		keep |= O_NOATIME;
	flags &= keep;
	if (vhost_fs_req_has(req, FUSE_WRITEBACK_CACHE))
		flags = open_flags_writeback(path, flags, made);
	return flags | O_LARGEFILE;
}

/*
 * What open(2) does for a file that it doesn't get to by name: a file system
 * with a server asks that whether the file has been changed since its last
 * close elsewhere.
 */
static int open_revalidate(struct dentry *dentry)
{
	int ret;

	if (likely(!(dentry->d_flags & DCACHE_OP_WEAK_REVALIDATE)))
		return 0;
	ret = dentry->d_op->d_weak_revalidate(dentry, LOOKUP_OPEN);
	return ret ? min(ret, 0) : -EOPENSTALE;
}

static struct file *open_file(struct vhost_fs_req *req, const struct path *path,
			      u32 flags, bool made)
{
	u32 host_flags = open_flags_host(req, path, flags, made);
	int err;

	open_may_block(req, path, host_flags);
	err = open_revalidate(path->dentry);
	if (err)
		return ERR_PTR(err);
	return dentry_open(path, host_flags, current_cred());
}

/*
 * Does O_TRUNC clear set-ID bits? A guest that wasn't asked to tell lets the
 * mode of a file be changed after all else that clears them, but not after
 * this. Its root keeps them; but one that knows of idmapped mounts tells the
 * user only with what creates, and then it may be anyone.
 */
static bool open_kills(const struct vhost_fs_req *req, u32 fuse_flags)
{
	if (vhost_fs_req_has(req, FUSE_HANDLE_KILLPRIV_V2))
		return fuse_flags & FUSE_OPEN_KILL_SUIDGID;
	return req->hdr->uid;
}

static int open_truncate(struct vhost_fs_req *req, struct file *file, bool kill)
{
	struct inode *inode = file_inode(file);
	const struct cred *saved = NULL;
	int err = get_write_access(inode);

	if (err)
		return err;
	if (kill)
		err = vhost_fs_cred_drop_fsetid(req, &file->f_path, &saved);
	if (!err)
		err = vhost_fs_truncate_file(req, file, 0, true);
	vhost_fs_cred_discard(saved);
	put_write_access(inode);
	return err;
}

static struct file *open_path(struct vhost_fs_req *req, const struct path *path,
			      u32 flags, u32 fuse_flags)
{
	struct file *file;
	int err;

	err = open_check(req, path, flags);
	if (err)
		return ERR_PTR(err);
	file = open_file(req, path, flags, false);
	if (IS_ERR(file) || !(flags & O_TRUNC))
		return file;
	err = open_truncate(req, file, open_kills(req, fuse_flags));
	if (err) {
		__fput_sync(file);
		return ERR_PTR(err);
	}
	return file;
}

/* What the guest is told of a handle that is to be that of @file. */
static void open_fill(struct vhost_fs_req *req,
		      const struct vhost_fs_handle *handle,
		      const struct file *file, bool dir,
		      struct fuse_open_out *out)
{
	out->fh = handle->id;
	out->open_flags = dir ? open_flags_dir(req->share) :
				open_flags_file(req->share) |
				open_flags_close(req, file);
}

static struct file *open_dir(struct vhost_fs_req *req, const struct path *path)
{
	struct inode *inode = d_inode(path->dentry);
	int err;

	if (!S_ISDIR(inode->i_mode))
		return ERR_PTR(-ENOTDIR);
	err = inode_permission(mnt_idmap(path->mnt), inode,
			       MAY_READ | MAY_OPEN);
	return err ? ERR_PTR(err) : open_file(req, path, O_RDONLY, false);
}

/**
 * vhost_fs_open_again - open what the guest had open elsewhere
 * @req: whoever asks; may block
 * @path: the file or directory
 * @flags: what it was opened with; O_DIRECTORY if as a directory
 *
 * Takes the same rights as opening it for the first time.
 *
 * Return: the file, or an ERR_PTR.
 *
 * Context: under the share's credentials.
 */
struct file *vhost_fs_open_again(struct vhost_fs_req *req,
				 const struct path *path, u32 flags)
{
	struct file *file;

	if (flags & O_DIRECTORY)
		return open_dir(req, path);
	flags &= ~(O_CREAT | O_EXCL | O_TRUNC);
	file = open_path(req, path, flags, 0);
	/* See open_flags_writeback(): the guest may have asked for less. */
	if (file == ERR_PTR(-EACCES) && (flags & O_ACCMODE) == O_RDWR &&
	    vhost_fs_req_has(req, FUSE_WRITEBACK_CACHE))
		file = open_path(req, path, (flags & ~O_ACCMODE) | O_WRONLY, 0);
	return file;
}

static int open_node(struct vhost_fs_req *req, bool dir)
{
	const struct fuse_open_in *in = req->arg;
	struct vhost_fs_handle *handle;
	struct file *file;

	handle = vhost_fs_handle_reserve(req->fs);
	if (IS_ERR(handle))
		return PTR_ERR(handle);
	file = dir ? open_dir(req, &req->path) :
		     open_path(req, &req->path, in->flags, in->open_flags);
	if (IS_ERR(file)) {
		vhost_fs_handle_unreserve(req->fs, handle);
		return PTR_ERR(file);
	}
	open_fill(req, handle, file, dir,
		  vhost_fs_reply_arg(req, sizeof(struct fuse_open_out)));
	vhost_fs_handle_publish(req->fs, handle, req->node, file, dir);
	return 0;
}

/**
 * vhost_fs_op_open - FUSE_OPEN
 * @req: the request
 *
 * Return: 0 or an errno.
 */
int vhost_fs_op_open(struct vhost_fs_req *req)
{
	return open_node(req, false);
}

/**
 * vhost_fs_op_opendir - FUSE_OPENDIR
 * @req: the request
 *
 * Return: 0 or an errno.
 */
int vhost_fs_op_opendir(struct vhost_fs_req *req)
{
	return open_node(req, true);
}

static int make_file(struct vhost_fs_req *req, struct vhost_fs_create *c)
{
	const struct fuse_create_in *in = req->arg;
	umode_t mode = S_IFREG | vhost_fs_cred_mode(req, in->mode & S_IALLUGO,
						    in->umask);
	int err;

	err = security_path_mknod(&req->path, c->dentry, mode, 0);
	if (err)
		return err;
	return vfs_create(mnt_idmap(c->mnt), c->dentry, mode, &c->di);
}

static struct file *create_once(struct vhost_fs_req *req, struct path *path)
{
	const struct fuse_create_in *in = req->arg;
	struct file *file;
	int err;

	err = vhost_fs_create(req, make_file, path);
	if (!err) {
		/* A server may have another's by that name, if it was asked again. */
		err = open_check_type(d_inode(path->dentry));
		/* Whoever made it may open it, whatever its mode. */
		file = err ? ERR_PTR(err) :
			     open_file(req, path, in->flags, true);
	} else if (err == -EEXIST && !(in->flags & O_EXCL)) {
		err = vhost_fs_lookup_child(req, &req->path, &req->name[0],
					    path);
		if (err)
			return ERR_PTR(err);
		err = vhost_fs_node_prepare(req, path);
		file = err ? ERR_PTR(err) : open_path(req, path, in->flags,
						     in->open_flags);
	} else {
		return ERR_PTR(err);
	}
	if (IS_ERR(file))
		path_put(path);
	return file;
}

/* The file, made or found, opened. */
static struct file *create_file(struct vhost_fs_req *req, struct path *path)
{
	struct file *file = NULL;
	unsigned int i;

	/* The host, or a server, may remove what was there before it is opened. */
	for (i = 0; i < VHOST_FS_CREATE_RETRIES; i++) {
		file = create_once(req, path);
		if ((file != ERR_PTR(-ENOENT) &&
		     file != ERR_PTR(-EOPENSTALE)) ||
		    IS_DEADDIR(d_inode(req->path.dentry)))
			break;
	}
	return file;
}

static int create_reply(struct vhost_fs_req *req, const struct path *path,
			struct file *file, struct vhost_fs_handle *handle)
{
	struct {
		struct fuse_entry_out entry;
		struct fuse_open_out open;
	} *out = vhost_fs_reply_arg(req, sizeof(*out));
	struct vhost_fs_node *node;

	node = vhost_fs_entry_add(req, path, &out->entry);
	if (IS_ERR(node))
		return PTR_ERR(node);
	open_fill(req, handle, file, false, &out->open);
	vhost_fs_handle_publish(req->fs, handle, node, file, false);
	vhost_fs_node_put(node);
	return 0;
}

/**
 * vhost_fs_op_create - FUSE_CREATE
 * @req: the request
 *
 * Return: 0 or an errno.
 */
int vhost_fs_op_create(struct vhost_fs_req *req)
{
	struct vhost_fs_handle *handle;
	struct path path;
	struct file *file;
	int err;

	handle = vhost_fs_handle_reserve(req->fs);
	if (IS_ERR(handle))
		return PTR_ERR(handle);
	file = create_file(req, &path);
	err = PTR_ERR_OR_ZERO(file);
	if (err)
		goto err_handle;
	err = create_reply(req, &path, file, handle);
	path_put(&path);
	if (!err)
		return 0;

	__fput_sync(file);
err_handle:
	vhost_fs_handle_unreserve(req->fs, handle);
	return err;
}

/* The request's own reference closes the file, before the guest is told. */
static int release(struct vhost_fs_req *req, bool dir)
{
	struct file *file = req->handle->file;

	if (!dir && file)
		vhost_fs_lock_release(req);
	if (file && ((file->f_mode & FMODE_WRITE) || !file_inode(file)->i_nlink))
		vhost_fs_may_sleep_on(req, file_dentry(file));
	return vhost_fs_handle_release(&req->fs->session, req->handle);
}

/**
 * vhost_fs_op_release - FUSE_RELEASE
 * @req: the request
 *
 * Return: 0 or -EBADF.
 */
int vhost_fs_op_release(struct vhost_fs_req *req)
{
	return release(req, false);
}

/**
 * vhost_fs_op_releasedir - FUSE_RELEASEDIR
 * @req: the request
 *
 * Return: 0 or -EBADF.
 */
int vhost_fs_op_releasedir(struct vhost_fs_req *req)
{
	return release(req, true);
}

/**
 * vhost_fs_op_flush - FUSE_FLUSH: a descriptor of the file was closed
 * @req: the request
 *
 * Return: 0 or an errno.
 */
int vhost_fs_op_flush(struct vhost_fs_req *req)
{
	const struct fuse_flush_in *in = req->arg;
	struct file *file = req->handle->file;

	vhost_fs_lock_flush(req, in->lock_owner);
	if (!file->f_op->flush)
		return 0;
	vhost_fs_may_block(req);
	return file->f_op->flush(file, NULL);
}

/**
 * vhost_fs_op_fsync - FUSE_FSYNC and FUSE_FSYNCDIR
 * @req: the request
 *
 * Return: 0 or an errno.
 */
int vhost_fs_op_fsync(struct vhost_fs_req *req)
{
	const struct fuse_fsync_in *in = req->arg;

	return vfs_fsync_range(req->handle->file, 0, LLONG_MAX,
			       in->fsync_flags & FUSE_FSYNC_FDATASYNC);
}

/**
 * vhost_fs_op_syncfs - FUSE_SYNCFS
 * @req: the request
 *
 * Return: 0 or an errno; what could not be written back earlier was told then.
 */
int vhost_fs_op_syncfs(struct vhost_fs_req *req)
{
	struct super_block *sb = req->path.dentry->d_sb;
	errseq_t since = errseq_sample(&sb->s_wb_err);
	int err;

	if (vhost_fs_share_readonly(req->share))
		return 0;
	down_read(&sb->s_umount);
	err = sync_filesystem(sb);
	up_read(&sb->s_umount);
	return err ?: errseq_check(&sb->s_wb_err, since);
}

/*
 * Files made in this way don't count against fs.file-max; the share's limit of
 * handles bounds them, and their memory is charged to the VMM.
 */
static struct file *tmpfile_make(struct vhost_fs_req *req)
{
	const struct fuse_create_in *in = req->arg;
	u32 flags = open_flags_host(req, NULL, in->flags, true);
	const struct cred *saved;
	struct file *file;
	umode_t mode;
	int err;

	err = vhost_fs_cred_create(req, &saved);
	if (err)
		return ERR_PTR(err);
	mode = vhost_fs_cred_mode(req, in->mode & S_IALLUGO, in->umask);
	file = kernel_tmpfile_open(mnt_idmap(req->path.mnt), &req->path,
				   S_IFREG | mode, flags | (in->flags & O_EXCL),
				   current_cred());
	err = IS_ERR(file) ? 0 : vhost_fs_ext_label(req, &file->f_path);
	vhost_fs_cred_restore(saved);
	if (err) {
		__fput_sync(file);
		return ERR_PTR(err);
	}
	return file;
}

/* As open() checks what it makes O_TMPFILE of. */
static int tmpfile_check(struct vhost_fs_req *req)
{
	const struct fuse_create_in *in = req->arg;

	if (!(open_mask(in->flags) & MAY_WRITE))
		return -EINVAL;
	return d_is_dir(req->path.dentry) ? 0 : -ENOTDIR;
}

static struct file *tmpfile_open(struct vhost_fs_req *req)
{
	struct file *file;
	int err;

	err = tmpfile_check(req);
	if (!err)
		err = vhost_fs_node_reserve(req);
	if (err)
		return ERR_PTR(err);
	vhost_fs_may_sleep_on(req, req->path.dentry);
	err = vhost_fs_want_write(req, req->path.mnt);
	if (err)
		return ERR_PTR(err);
	file = tmpfile_make(req);
	mnt_drop_write(req->path.mnt);
	return file;
}

/**
 * vhost_fs_op_tmpfile - FUSE_TMPFILE
 * @req: the request; the header names the directory
 *
 * With O_EXCL the file can never be given a name; without, LINK gives it one.
 *
 * Return: 0 or an errno; -EOPNOTSUPP where the host's file system can't.
 */
int vhost_fs_op_tmpfile(struct vhost_fs_req *req)
{
	struct vhost_fs_handle *handle;
	struct file *file;
	int err;

	handle = vhost_fs_handle_reserve(req->fs);
	if (IS_ERR(handle))
		return PTR_ERR(handle);
	file = tmpfile_open(req);
	err = PTR_ERR_OR_ZERO(file);
	if (err)
		goto err_handle;
	err = create_reply(req, &file->f_path, file, handle);
	if (!err)
		return 0;

	__fput_sync(file);
err_handle:
	vhost_fs_handle_unreserve(req->fs, handle);
	return err;
}
