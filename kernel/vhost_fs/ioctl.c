// SPDX-License-Identifier: GPL-2.0-only
/*
 * IOCTL, by a table of the few that make sense on a shared file, and BMAP.
 *
 * An ioctl's number says little about what it reads and writes, so a guest's
 * ioctl is never handed to the host's file system as it came. Its row says how
 * much is copied in and out; the guest's own sizes must agree. What the VFS
 * has a function for is done by that. The rest needs a structure in user
 * memory, and can't get it in the guest's: the guest could change it after it
 * was checked, and pointers in it would reach the VMM's memory. It gets pages
 * of its own in the VMM's address space for as long as the call takes.
 */
#include <linux/fs.h>
/* Needs that one. */
#include <linux/fileattr.h>
#include <linux/fsverity.h>
#include <linux/fuse.h>
#include <linux/mman.h>
#include <linux/mount.h>
#include <linux/security.h>

#include "cred.h"
#include "handle.h"
#include "kcompat.h"
#include "node.h"
#include "op.h"
#include "reply.h"
#include "request.h"
#include "share.h"

/* Most that the host takes; what its own header keeps to itself. */
#define VERITY_MAX_SIGNATURE_SIZE \
	(FS_VERITY_MAX_DESCRIPTOR_SIZE - sizeof(struct fsverity_descriptor))
#define VERITY_MAX_SALT_SIZE 32

/* What a 32-bit program on a 64-bit guest, and a 32-bit guest, may say. */
#define IOCTL_FLAGS \
	(FUSE_IOCTL_COMPAT | FUSE_IOCTL_32BIT | FUSE_IOCTL_DIR | \
	 FUSE_IOCTL_COMPAT_X32)

/* Largest argument, but for what ENABLE_VERITY has behind its own. */
union ioctl_arg {
	u32 flags;
	struct fsxattr xattr;
	struct fsverity_enable_arg enable;
	struct {
		struct fsverity_digest head;
		u8 digest[FS_VERITY_MAX_DIGEST_SIZE];
	} measure;
};

/**
 * struct ioctl_call - a guest's ioctl
 * @req: its request
 * @path: the file or directory
 * @file: open file; NULL if the guest opens without telling
 * @arg: what the guest gave, then what it gets
 * @arg_size: bytes that it gets, at first those of the row
 */
struct ioctl_call {
	struct vhost_fs_req *req;
	const struct path *path;
	struct file *file;
	union ioctl_arg arg;
	size_t arg_size;
};

/**
 * struct ioctl_row - an ioctl that is served
 * @cmd: number
 * @cmd32: number that 32-bit programs use for the same; or 0
 * @size: bytes of the argument; the guest may give as many as the number says
 *	instead, which are more where it says "long" and means "int"
 * @more: bytes that may follow the argument on its way in
 * @in: the guest gives the argument
 * @out: the guest gets the argument
 * @fn: does it
 */
struct ioctl_row {
	u32 cmd;
	u32 cmd32;
	u16 size;
	u16 more;
	bool in;
	bool out;
	int (*fn)(struct ioctl_call *call);
};

static int attr_get(struct ioctl_call *call, struct file_kattr *fa)
{
	return vfs_fileattr_get(call->path->dentry, fa);
}

/*
 * The guest's VFS has asked for the file's owner and CAP_LINUX_IMMUTABLE before
 * its driver sees the call; the host's asks the same of the share.
 */
static int attr_set(struct ioctl_call *call, struct file_kattr *fa)
{
	struct vfsmount *mnt = call->path->mnt;
	int err = vhost_fs_want_write(call->req, mnt);

	if (err)
		return err;
	err = vfs_fileattr_set(mnt_idmap(mnt), call->path->dentry, fa);
	mnt_drop_write(mnt);
	return err;
}

static int get_flags(struct ioctl_call *call)
{
	struct file_kattr fa = { .flags_valid = true };
	int err = attr_get(call, &fa);

	call->arg.flags = fa.flags;
	return err;
}

static int set_flags(struct ioctl_call *call)
{
	struct file_kattr fa = { };

	fileattr_fill_flags(&fa, call->arg.flags);
	return attr_set(call, &fa);
}

static int get_xattr(struct ioctl_call *call)
{
	struct file_kattr fa = { .fsx_valid = true };
	int err = attr_get(call, &fa);

	call->arg.xattr = (struct fsxattr) {
		.fsx_xflags = fa.fsx_xflags & FS_XFLAGS_MASK,
		.fsx_extsize = fa.fsx_extsize,
		.fsx_nextents = fa.fsx_nextents,
		.fsx_projid = fa.fsx_projid,
		.fsx_cowextsize = fa.fsx_cowextsize,
	};
	return err;
}

static int set_xattr(struct ioctl_call *call)
{
	const struct fsxattr *arg = &call->arg.xattr;
	struct file_kattr fa = { };

	if (arg->fsx_xflags & ~FS_XFLAGS_MASK)
		return -EOPNOTSUPP;
	fileattr_fill_xflags(&fa, arg->fsx_xflags & ~FS_XFLAG_RDONLY_MASK);
	fa.fsx_extsize = arg->fsx_extsize;
	fa.fsx_nextents = arg->fsx_nextents;
	fa.fsx_projid = arg->fsx_projid;
	fa.fsx_cowextsize = arg->fsx_cowextsize;
	return attr_set(call, &fa);
}

/* The file system's own ioctl, on memory that the guest can't reach. */
static int host_ioctl(struct ioctl_call *call, u32 cmd, void __user *arg)
{
	struct file *file = call->file;

	if (!file)
		return -EBADF;
	if (!file->f_op->unlocked_ioctl)
		return -ENOTTY;
	return file->f_op->unlocked_ioctl(file, cmd, (unsigned long)arg);
}

/*
 * An address, or an error that looks like one. The VMM may put something else
 * there before the pages are given back, and loses that: its own loss.
 */
static unsigned long user_pages_get(size_t size)
{
	return vm_mmap(NULL, 0, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, 0);
}

/* The number says "long", and every file system gives an int. */
static int get_version(struct ioctl_call *call)
{
	unsigned long addr = user_pages_get(PAGE_SIZE);
	void __user *pages = (void __user *)addr;
	int err;

	if (IS_ERR_VALUE(addr))
		return addr;
	err = host_ioctl(call, FS_IOC_GETVERSION, pages);
	if (!err && copy_from_user(&call->arg.flags, pages,
				   sizeof(call->arg.flags)))
		err = -EFAULT;
	vm_munmap(addr, PAGE_SIZE);
	return err;
}

/* An address at which nothing is: the answer comes before it is looked at. */
static int no_digest(struct ioctl_call *call)
{
	return host_ioctl(call, FS_IOC_MEASURE_VERITY, (void __user *)-1UL);
}

static int measure_verity(struct ioctl_call *call)
{
	u16 room = call->arg.measure.head.digest_size;
	enum hash_algo halg;
	int size = 0;
	u8 alg = 0;

	if (call->file)
		size = fsverity_get_digest(file_inode(call->file),
					   call->arg.measure.digest, &alg,
					   &halg);
	if (!size)
		return no_digest(call) ?: -ENODATA;
	if (room < size)
		return -EOVERFLOW;
	call->arg.measure.head.digest_algorithm = alg;
	call->arg.measure.head.digest_size = size;
	call->arg_size = sizeof(struct fsverity_digest) + size;
	return 0;
}

/* The argument as the host wants it, salt and signature behind it. */
static int enable_fill(struct ioctl_call *call, void __user *pages, size_t more)
{
	struct fsverity_enable_arg arg = call->arg.enable;
	void __user *to = pages + sizeof(arg);
	void *buf = vhost_fs_req_buf(call->req, more);

	if (more && !buf)
		return -ENOMEM;
	if (copy_from_iter(buf, more, &call->req->data) != more)
		return -EFAULT;
	arg.salt_ptr = (unsigned long)to;
	arg.sig_ptr = (unsigned long)to + arg.salt_size;
	if (copy_to_user(pages, &arg, sizeof(arg)) ||
	    copy_to_user(to, buf, more))
		return -EFAULT;
	return 0;
}

/*
 * The guest's driver lets anybody do this who may read the file, and leaves it
 * to us to ask for more. One who isn't named may not.
 */
static int enable_allowed(struct ioctl_call *call)
{
	struct vhost_fs_req *req = call->req;

	if (vhost_fs_share_readonly(req->share))
		return -EROFS;
	if (req->hdr->uid == FUSE_INVALID_UIDGID)
		return -EPERM;
	return vhost_fs_cred_access(req, call->path, MAY_WRITE);
}

static int enable_verity(struct ioctl_call *call)
{
	const struct fsverity_enable_arg *arg = &call->arg.enable;
	size_t more = iov_iter_count(&call->req->data);
	size_t size = PAGE_ALIGN(sizeof(*arg) + more);
	unsigned long addr;
	int err;

	if (arg->salt_size > VERITY_MAX_SALT_SIZE ||
	    arg->sig_size > VERITY_MAX_SIGNATURE_SIZE)
		return -EMSGSIZE;
	if (arg->salt_size + arg->sig_size != more)
		return -EINVAL;
	err = enable_allowed(call);
	if (err)
		return err;
	addr = user_pages_get(size);
	if (IS_ERR_VALUE(addr))
		return addr;
	err = enable_fill(call, (void __user *)addr, more);
	if (!err)
		err = host_ioctl(call, FS_IOC_ENABLE_VERITY,
				 (void __user *)addr);
	vm_munmap(addr, size);
	return err;
}

/* Discarding a disk's free blocks is for the host to do. */
static int refuse(struct ioctl_call *call)
{
	return -EPERM;
}

static const struct ioctl_row rows[] = {
	{
		.cmd = FS_IOC_GETFLAGS, .cmd32 = FS_IOC32_GETFLAGS,
		.size = sizeof(u32), .out = true, .fn = get_flags,
	}, {
		.cmd = FS_IOC_SETFLAGS, .cmd32 = FS_IOC32_SETFLAGS,
		.size = sizeof(u32), .in = true, .fn = set_flags,
	}, {
		.cmd = FS_IOC_FSGETXATTR, .size = sizeof(struct fsxattr),
		.out = true, .fn = get_xattr,
	}, {
		.cmd = FS_IOC_FSSETXATTR, .size = sizeof(struct fsxattr),
		.in = true, .fn = set_xattr,
	}, {
		.cmd = FS_IOC_GETVERSION, .cmd32 = FS_IOC32_GETVERSION,
		.size = sizeof(u32), .out = true, .fn = get_version,
	}, {
		.cmd = FS_IOC_ENABLE_VERITY,
		.size = sizeof(struct fsverity_enable_arg),
		.more = VERITY_MAX_SALT_SIZE + VERITY_MAX_SIGNATURE_SIZE,
		.in = true, .fn = enable_verity,
	}, {
		.cmd = FS_IOC_MEASURE_VERITY,
		.size = sizeof(struct fsverity_digest), .more = U16_MAX,
		.in = true, .out = true, .fn = measure_verity,
	}, {
		.cmd = FITRIM, .size = sizeof(struct fstrim_range),
		.in = true, .out = true, .fn = refuse,
	},
};

static const struct ioctl_row *ioctl_find(u32 cmd)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].cmd == cmd || (rows[i].cmd32 && rows[i].cmd32 == cmd))
			return &rows[i];
	return NULL;
}

/* May @size bytes be there for an argument of this row? */
static bool size_fits(const struct ioctl_row *row, u32 cmd, bool wanted,
		      u32 size)
{
	if (!wanted)
		return !size;
	return size == _IOC_SIZE(cmd) ||
	       (size >= row->size && size <= row->size + row->more);
}

static int ioctl_check(struct vhost_fs_req *req, const struct ioctl_row *row)
{
	const struct fuse_ioctl_in *in = req->arg;
	size_t room = vhost_fs_reply_room(req) - sizeof(struct fuse_ioctl_out);

	if (in->in_size == iov_iter_count(&req->data) &&
	    in->out_size <= room &&
	    size_fits(row, in->cmd, row->in, in->in_size) &&
	    size_fits(row, in->cmd, row->out, in->out_size))
		return 0;
	req->bad = true;
	return -EINVAL;
}

/* The open file, or else the node, of a guest that opens without telling. */
static int ioctl_find_file(struct ioctl_call *call)
{
	struct vhost_fs_req *req = call->req;
	const struct fuse_ioctl_in *in = req->arg;
	bool dir = in->flags & FUSE_IOCTL_DIR;
	u64 no_open = dir ? FUSE_NO_OPENDIR_SUPPORT : FUSE_NO_OPEN_SUPPORT;
	int err;

	if (!in->fh && vhost_fs_req_has(req, no_open)) {
		call->path = &req->path;
		return vhost_fs_req_maybe_handle(req, false, 0);
	}
	err = vhost_fs_req_handle(req, in->fh, dir);
	if (err)
		return err;
	call->file = req->handle->file;
	call->path = &call->file->f_path;
	return 0;
}

static int ioctl_reply(struct ioctl_call *call, const struct ioctl_row *row)
{
	struct vhost_fs_req *req = call->req;
	const struct fuse_ioctl_in *in = req->arg;
	size_t size = row->out ? call->arg_size : 0;
	struct fuse_ioctl_out *out;

	if (size > in->out_size)
		return -EOVERFLOW;
	out = vhost_fs_reply_arg(req, sizeof(*out) + size);
	memcpy(out + 1, &call->arg, size);
	return 0;
}

static int ioctl_run(struct ioctl_call *call, const struct ioctl_row *row)
{
	int err = ioctl_find_file(call);

	if (err)
		return err;
	call->arg_size = row->size;
	if (row->in &&
	    copy_from_iter(&call->arg, row->size, &call->req->data) != row->size)
		return -EFAULT;
	if (call->file)
		err = security_file_ioctl(call->file, row->cmd, 0);
	if (!err)
		err = row->fn(call);
	/* Two names for a file system that has no such ioctl. */
	if (err == -ENOIOCTLCMD || err == -ENOSYS)
		return -ENOTTY;
	return err ?: ioctl_reply(call, row);
}

/**
 * vhost_fs_op_ioctl - FUSE_IOCTL
 * @req: the request
 *
 * FUSE_IOCTL_UNRESTRICTED, by which the host would tell the guest what of a
 * process's memory to send, is refused.
 *
 * Return: 0 or an errno; -ENOTTY for what no row names.
 */
int vhost_fs_op_ioctl(struct vhost_fs_req *req)
{
	const struct fuse_ioctl_in *in = req->arg;
	const struct ioctl_row *row = ioctl_find(in->cmd);
	struct ioctl_call call = { .req = req };
	int err;

	if (in->flags & ~IOCTL_FLAGS)
		return -EINVAL;
	if (!row)
		return -ENOTTY;
	err = ioctl_check(req, row);
	return err ?: ioctl_run(&call, row);
}

/**
 * vhost_fs_op_bmap - FUSE_BMAP
 * @req: the request
 *
 * This is FIBMAP, and as on the host it takes CAP_SYS_RAWIO: where on a disk a
 * file lies is nobody's business who can't get at the disk. A guest on
 * virtio-fs has no disk under its mount and never asks.
 *
 * Return: 0; -EPERM without the capability; -EINVAL where there is no such
 * block, or files have none.
 */
int vhost_fs_op_bmap(struct vhost_fs_req *req)
{
	const struct fuse_bmap_in *in = req->arg;
	struct inode *inode = d_inode(req->path.dentry);
	struct fuse_bmap_out *out;
	sector_t block = in->block;
	int err;

	if (!capable(CAP_SYS_RAWIO))
		return -EPERM;
	if (!S_ISREG(inode->i_mode) || in->blocksize != i_blocksize(inode) ||
	    in->block > S64_MAX >> inode->i_blkbits)
		return -EINVAL;
	err = bmap(inode, &block);
	if (err)
		return err;
	out = vhost_fs_reply_arg(req, sizeof(*out));
	out->block = block;
	return 0;
}
