// SPDX-License-Identifier: GPL-2.0-only
/*
 * File data: READ, WRITE, LSEEK, FALLOCATE, COPY_FILE_RANGE.
 *
 * Data moves between the page cache and the guest's memory in one copy, by the
 * file's own read_iter and write_iter on the guest's pieces of memory. What can
 * be done without waiting is done first; only then the ring is handed over.
 */
#include <linux/fs.h>
#include <linux/fuse.h>
#include <linux/sched/signal.h>
#include <linux/uio.h>

#include "cred.h"
#include "dev.h"
#include "handle.h"
#include "kcompat.h"
#include "keep.h"
#include "node.h"
#include "op.h"
#include "reply.h"
#include "request.h"
#include "share.h"
#include "vq.h"

/* A WRITE of more than this takes its time. */
#define VHOST_FS_LONG_WRITE	SZ_64K

/*
 * As much as there is without waiting. A file that never makes anybody wait is
 * read to the end.
 */
static ssize_t read_nowait(struct file *file, struct kiocb *iocb,
			   struct iov_iter *to)
{
	ssize_t ret;

	if (vhost_fs_in_memory(file_inode(file)->i_sb))
		return vfs_iocb_iter_read(file, iocb, to);
	/* O_DIRECT waits for the disk even so. */
	if (!(file->f_mode & FMODE_NOWAIT) || (iocb->ki_flags & IOCB_DIRECT))
		return -EAGAIN;
	iocb->ki_flags |= IOCB_NOWAIT | IOCB_NOIO;
	ret = vfs_iocb_iter_read(file, iocb, to);
	iocb->ki_flags &= ~(IOCB_NOWAIT | IOCB_NOIO);
	return ret == -EOPNOTSUPP ? -EAGAIN : ret;
}

/* O_DIRECT as the guest's file has it now, which may not be as it was opened. */
static void iocb_set_direct(const struct vhost_fs_req *req, struct kiocb *iocb,
			    bool direct)
{
	if (!(req->share->flags & VHOST_FS_SHARE_DIRECT_IO) ||
	    !(iocb->ki_filp->f_mode & FMODE_CAN_ODIRECT))
		return;
	iocb->ki_flags &= ~IOCB_DIRECT;
	if (direct)
		iocb->ki_flags |= IOCB_DIRECT;
}

static ssize_t read_file(struct vhost_fs_req *req, struct file *file,
			 loff_t pos, struct iov_iter *to)
{
	const struct fuse_read_in *in = req->arg;
	struct kiocb iocb;
	ssize_t ret, more;

	init_sync_kiocb(&iocb, file);
	iocb.ki_pos = pos;
	iocb_set_direct(req, &iocb, in->flags & O_DIRECT);
	ret = read_nowait(file, &iocb, to);
	if (ret < 0 && ret != -EAGAIN)
		return ret;
	if (ret < 0)
		ret = 0;
	else if (!iov_iter_count(to) || vhost_fs_in_memory(file_inode(file)->i_sb) ||
		 iocb.ki_pos >= i_size_read(file_inode(file)))
		return ret;

	vhost_fs_may_block(req);
	more = vfs_iocb_iter_read(file, &iocb, to);
	if (more < 0)
		return ret ?: more;
	return ret + more;
}

/**
 * vhost_fs_op_read - FUSE_READ
 * @req: the request
 *
 * Return: 0 or an errno.
 */
int vhost_fs_op_read(struct vhost_fs_req *req)
{
	const struct fuse_read_in *in = req->arg;
	struct file *file = req->handle->file;
	struct iov_iter to;
	ssize_t ret;

	if (!(file->f_mode & FMODE_READ))
		return -EBADF;
	if (in->offset > LLONG_MAX)
		return -EINVAL;
	vhost_fs_reply_data(req, &to, min3((size_t)in->size,
					   (size_t)VHOST_FS_MAX_WRITE,
					   vhost_fs_reply_room(req)));
	ret = read_file(req, file, in->offset, &to);
	if (ret < 0)
		return ret;
	/* What there is more of, the next owner's thread reads. */
	if (iov_iter_count(&to) && fatal_signal_pending(current))
		return -EINTR;
	req->data_out = ret;
	return 0;
}

/*
 * A page of the guest's cache goes where it was mapped, by whichever of the
 * guest's open files happens to be at hand; that may be one that appends, or
 * one with O_DIRECT, for which a last page is too short.
 *
 * A guest that collects writes adds to an append-only file in this way too. It
 * sends the page from its beginning: what the file has already is left out.
 */
static int write_from_cache(struct vhost_fs_req *req, struct kiocb *iocb,
			    struct iov_iter *from)
{
	struct inode *inode = file_inode(iocb->ki_filp);
	loff_t size = i_size_read(inode);

	iocb_set_direct(req, iocb, false);
	if (!IS_APPEND(inode)) {
		iocb->ki_flags &= ~IOCB_APPEND;
		return 0;
	}
	if (!vhost_fs_req_has(req, FUSE_WRITEBACK_CACHE) ||
	    iocb->ki_pos > size)
		return -EPERM;
	iov_iter_advance(from, min_t(u64, size - iocb->ki_pos,
				     iov_iter_count(from)));
	/* The rest goes to the end, though it was opened before it became so. */
	iocb->ki_flags |= IOCB_APPEND;
	return 0;
}

/*
 * As the guest's file is set now, which may not be as it was opened, and as this
 * one write asks. A guest that collects writes knows where the file ends.
 */
static void write_set_flags(struct vhost_fs_req *req, struct kiocb *iocb)
{
	const struct fuse_write_in *in = req->arg;

	if (!IS_APPEND(file_inode(iocb->ki_filp)))
		iocb->ki_flags &= ~IOCB_APPEND;
	if ((in->flags & O_APPEND) &&
	    !vhost_fs_req_has(req, FUSE_WRITEBACK_CACHE))
		iocb->ki_flags |= IOCB_APPEND;
	iocb_set_direct(req, iocb, in->flags & O_DIRECT);
	if (in->flags & O_DSYNC)
		iocb->ki_flags |= IOCB_DSYNC;
	if (in->flags & __O_SYNC)
		iocb->ki_flags |= IOCB_SYNC;
}

/*
 * What is written to memory waits for nobody as a rule. While much is, another
 * processor can take the next request.
 */
static void write_may_block(struct vhost_fs_req *req, const struct kiocb *iocb,
			    size_t size)
{
	struct dentry *dentry = file_dentry(iocb->ki_filp);

	if (size > VHOST_FS_LONG_WRITE ||
	    (iocb->ki_flags & IOCB_DIRECT) || iocb_is_dsync(iocb))
		vhost_fs_may_block_on(req, dentry);
	else
		vhost_fs_may_sleep_on(req, dentry);
}

static ssize_t write_iter(struct vhost_fs_req *req, struct kiocb *iocb,
			  struct iov_iter *from)
{
	const struct fuse_write_in *in = req->arg;
	const struct cred *saved = NULL;
	struct file *file = iocb->ki_filp;
	ssize_t ret = 0;

	if (in->write_flags & FUSE_WRITE_KILL_SUIDGID)
		ret = vhost_fs_cred_drop_fsetid(req, &file->f_path, &saved);
	if (ret)
		return ret;
	write_may_block(req, iocb, iov_iter_count(from));
	ret = vfs_iocb_iter_write(file, iocb, from);
	vhost_fs_cred_discard(saved);
	return ret;
}

/*
 * The owner's end cut it short: the next owner's thread writes the rest. What
 * comes from a guest's cache has a place of its own, and is written once more.
 */
static ssize_t write_keep(struct vhost_fs_req *req, size_t done)
{
	const struct fuse_write_in *in = req->arg;

	req->done = in->write_flags & FUSE_WRITE_CACHE ? 0 : done;
	return -EINTR;
}

static ssize_t write_file(struct vhost_fs_req *req, struct file *file,
			  struct iov_iter *from)
{
	const struct fuse_write_in *in = req->arg;
	size_t size = iov_iter_count(from), left_out;
	struct kiocb iocb;
	ssize_t ret;
	int err;

	init_sync_kiocb(&iocb, file);
	iov_iter_advance(from, min(req->done, size));
	iocb.ki_pos = in->offset + (size - iov_iter_count(from));
	write_set_flags(req, &iocb);
	if (in->write_flags & FUSE_WRITE_CACHE) {
		err = write_from_cache(req, &iocb, from);
		if (err)
			return err;
	}
	left_out = size - iov_iter_count(from);
	ret = write_iter(req, &iocb, from);
	if (ret < 0)
		return req->done && !vhost_fs_keep_wants(ret) ? left_out : ret;
	if (left_out + ret < size && fatal_signal_pending(current))
		return write_keep(req, left_out + ret);
	return left_out + ret;
}

/**
 * vhost_fs_op_write - FUSE_WRITE
 * @req: the request
 *
 * Return: 0 or an errno.
 */
int vhost_fs_op_write(struct vhost_fs_req *req)
{
	const struct fuse_write_in *in = req->arg;
	struct file *file = req->handle->file;
	struct fuse_write_out *out;
	ssize_t ret;

	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	if (in->offset > LLONG_MAX || in->size > VHOST_FS_MAX_WRITE ||
	    in->size != iov_iter_count(&req->data)) {
		req->bad = true;
		return -EINVAL;
	}
	ret = write_file(req, file, &req->data);
	if (ret < 0)
		return ret;
	req->data_in = ret;
	out = vhost_fs_reply_arg(req, sizeof(*out));
	out->size = ret;
	return 0;
}

/**
 * vhost_fs_op_lseek - FUSE_LSEEK
 * @req: the request
 *
 * Return: 0 or an errno.
 */
int vhost_fs_op_lseek(struct vhost_fs_req *req)
{
	const struct fuse_lseek_in *in = req->arg;
	struct file *file = req->handle->file;
	struct fuse_lseek_out *out;
	loff_t ret;

	switch (in->whence) {
	case SEEK_DATA:
	case SEEK_HOLE:
		break;
	default:
		/* The guest keeps the position. */
		return -EINVAL;
	}
	vhost_fs_may_block_on(req, file_dentry(file));
	ret = vfs_llseek(file, in->offset, in->whence);
	if (ret < 0)
		return ret;
	out = vhost_fs_reply_arg(req, sizeof(*out));
	out->offset = ret;
	return 0;
}

/*
 * Requests without a flag that tells whether set-ID bits must go: the guest's
 * root may keep them, and nobody else. A guest that names nobody has had them
 * cleared before (see setattr_touches()), if need be.
 */
static int drop_fsetid_unless_root(struct vhost_fs_req *req, struct file *file,
				   const struct cred **saved)
{
	*saved = NULL;
	if (!req->hdr->uid || req->hdr->uid == FUSE_INVALID_UIDGID ||
	    !vhost_fs_req_has(req, FUSE_HANDLE_KILLPRIV_V2))
		return 0;
	return vhost_fs_cred_drop_fsetid(req, &file->f_path, saved);
}

/**
 * vhost_fs_op_fallocate - FUSE_FALLOCATE
 * @req: the request
 *
 * Return: 0 or an errno.
 */
int vhost_fs_op_fallocate(struct vhost_fs_req *req)
{
	const struct fuse_fallocate_in *in = req->arg;
	struct file *file = req->handle->file;
	const struct cred *saved;
	int err;

	err = drop_fsetid_unless_root(req, file, &saved);
	if (err)
		return err;
	err = vfs_fallocate(file, in->mode, in->offset, in->length);
	vhost_fs_cred_discard(saved);
	return err;
}

/* The handle that is written to, which must be of the node that goes with it. */
static struct vhost_fs_handle *copy_target(struct vhost_fs_req *req)
{
	const struct fuse_copy_file_range_in *in = req->arg;
	struct vhost_fs_handle *out;
	int err = -EBADF;

	out = vhost_fs_handle_get(&req->fs->session, in->fh_out);
	if (out && !out->dir && out->node->id == in->nodeid_out) {
		if (out->file)
			return out;
		/* Lost in a move. */
		err = -EIO;
	}
	if (out)
		vhost_fs_handle_put(out);
	req->bad = err == -EBADF;
	return ERR_PTR(err);
}

/* Flags are none of the guest's: the kernel has some of its own. */
static int copy_check(const struct fuse_copy_file_range_in *in)
{
	if (in->flags || in->off_in > LLONG_MAX || in->off_out > LLONG_MAX)
		return -EINVAL;
	return 0;
}

/*
 * Files of different file systems give EXDEV, and the guest copies by reading
 * and writing.
 */
static ssize_t copy_range(struct vhost_fs_req *req, u64 max)
{
	const struct fuse_copy_file_range_in *in = req->arg;
	struct vhost_fs_handle *out;
	const struct cred *saved;
	ssize_t ret = copy_check(in);

	if (ret)
		return ret;
	out = copy_target(req);
	if (IS_ERR(out))
		return PTR_ERR(out);
	ret = drop_fsetid_unless_root(req, out->file, &saved);
	if (!ret)
		ret = vfs_copy_file_range(req->handle->file, in->off_in,
					  out->file, in->off_out,
					  min(in->len, max), 0);
	vhost_fs_cred_discard(saved);
	vhost_fs_handle_put(out);
	return ret;
}

/**
 * vhost_fs_op_copy_file_range - FUSE_COPY_FILE_RANGE
 * @req: the request
 *
 * Return: 0 or an errno.
 */
int vhost_fs_op_copy_file_range(struct vhost_fs_req *req)
{
	struct fuse_write_out *out;
	/* What the reply can tell, and still begins a page. */
	ssize_t ret = copy_range(req, round_down(U32_MAX, SZ_4K));

	if (ret < 0)
		return ret;
	out = vhost_fs_reply_arg(req, sizeof(*out));
	out->size = ret;
	return 0;
}

/**
 * vhost_fs_op_copy_file_range_64 - FUSE_COPY_FILE_RANGE_64
 * @req: the request
 *
 * Return: 0 or an errno.
 */
int vhost_fs_op_copy_file_range_64(struct vhost_fs_req *req)
{
	struct fuse_copy_file_range_out *out;
	ssize_t ret = copy_range(req, MAX_LFS_FILESIZE);

	if (ret < 0)
		return ret;
	out = vhost_fs_reply_arg(req, sizeof(*out));
	out->bytes_copied = ret;
	return 0;
}
