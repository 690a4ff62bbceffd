// SPDX-License-Identifier: GPL-2.0-only
/*
 * The opcodes: the only place that knows all of them. An opcode without a row,
 * or without a handler, is answered with ENOSYS.
 */
#include <linux/fuse.h>
#include <linux/nospec.h>

#include "kcompat.h"
#include "op.h"
#include "request.h"
#include "share.h"
#include "xattr.h"

#define IN(_struct)	.in_size = sizeof(struct _struct)
#define OUT(_struct)	.out_size = sizeof(struct _struct)
#define FH(_struct)	.fh_offset = offsetof(struct _struct, fh)

/* An entry and a handle. */
struct create_out {
	struct fuse_entry_out entry;
	struct fuse_open_out open;
};

static const struct vhost_fs_op ops[VHOST_FS_NR_OPS] = {
	[FUSE_LOOKUP] = {
		.name = "lookup", .fn = vhost_fs_op_lookup,
		.names = 1, OUT(fuse_entry_out), .flags = VHOST_FS_OP_DOTS,
	},
	[FUSE_FORGET] = {
		.name = "forget", .fn = vhost_fs_op_forget,
		IN(fuse_forget_in),
		.flags = VHOST_FS_OP_NO_REPLY | VHOST_FS_OP_NO_NODE,
	},
	[FUSE_GETATTR] = {
		.name = "getattr", .fn = vhost_fs_op_getattr,
		IN(fuse_getattr_in), OUT(fuse_attr_out),
		.flags = VHOST_FS_OP_MAYBE_FH,
	},
	[FUSE_SETATTR] = {
		.name = "setattr", .fn = vhost_fs_op_setattr,
		IN(fuse_setattr_in), OUT(fuse_attr_out),
		.flags = VHOST_FS_OP_MAYBE_FH,
	},
	[FUSE_READLINK] = {
		.name = "readlink", .fn = vhost_fs_op_readlink,
	},
	[FUSE_SYMLINK] = {
		.name = "symlink", .fn = vhost_fs_op_symlink,
		.names = 2, OUT(fuse_entry_out),
		.flags = VHOST_FS_OP_EXT | VHOST_FS_OP_TARGET,
	},
	[FUSE_MKNOD] = {
		.name = "mknod", .fn = vhost_fs_op_mknod,
		IN(fuse_mknod_in), .names = 1, OUT(fuse_entry_out),
		.flags = VHOST_FS_OP_EXT,
	},
	[FUSE_MKDIR] = {
		.name = "mkdir", .fn = vhost_fs_op_mkdir,
		IN(fuse_mkdir_in), .names = 1, OUT(fuse_entry_out),
		.flags = VHOST_FS_OP_EXT,
	},
	[FUSE_UNLINK] = {
		.name = "unlink", .fn = vhost_fs_op_unlink, .names = 1,
	},
	[FUSE_RMDIR] = {
		.name = "rmdir", .fn = vhost_fs_op_rmdir, .names = 1,
	},
	[FUSE_RENAME] = {
		.name = "rename", .fn = vhost_fs_op_rename,
		IN(fuse_rename_in), .names = 2,
	},
	[FUSE_LINK] = {
		.name = "link", .fn = vhost_fs_op_link,
		IN(fuse_link_in), .names = 1, OUT(fuse_entry_out),
	},
	[FUSE_OPEN] = {
		.name = "open", .fn = vhost_fs_op_open,
		IN(fuse_open_in), OUT(fuse_open_out),
	},
	[FUSE_READ] = {
		.name = "read", .fn = vhost_fs_op_read,
		IN(fuse_read_in), FH(fuse_read_in),
		.flags = VHOST_FS_OP_FILE,
	},
	[FUSE_WRITE] = {
		.name = "write", .fn = vhost_fs_op_write,
		IN(fuse_write_in), FH(fuse_write_in), OUT(fuse_write_out),
		.flags = VHOST_FS_OP_FILE | VHOST_FS_OP_DATA,
	},
	[FUSE_STATFS] = {
		.name = "statfs", .fn = vhost_fs_op_statfs,
		OUT(fuse_statfs_out), .flags = VHOST_FS_OP_BLOCKS,
	},
	[FUSE_RELEASE] = {
		.name = "release", .fn = vhost_fs_op_release,
		IN(fuse_release_in), FH(fuse_release_in),
		.flags = VHOST_FS_OP_FILE | VHOST_FS_OP_LOST,
	},
	[FUSE_FSYNC] = {
		.name = "fsync", .fn = vhost_fs_op_fsync,
		IN(fuse_fsync_in), FH(fuse_fsync_in),
		.flags = VHOST_FS_OP_FILE | VHOST_FS_OP_BLOCKS,
	},
	[FUSE_SETXATTR] = {
		.name = "setxattr", .fn = vhost_fs_op_setxattr,
		.served = vhost_fs_xattr_served,
		.in_size = FUSE_COMPAT_SETXATTR_IN_SIZE, .names = 1,
		.in_grown = sizeof(struct fuse_setxattr_in),
		.grown_by = FUSE_SETXATTR_EXT,
		.flags = VHOST_FS_OP_ATTR_NAME | VHOST_FS_OP_DATA |
			 VHOST_FS_OP_BLOCKS,
	},
	[FUSE_GETXATTR] = {
		.name = "getxattr", .fn = vhost_fs_op_getxattr,
		.served = vhost_fs_xattr_served,
		IN(fuse_getxattr_in), .names = 1,
		.flags = VHOST_FS_OP_ATTR_NAME,
	},
	[FUSE_LISTXATTR] = {
		.name = "listxattr", .fn = vhost_fs_op_listxattr,
		.served = vhost_fs_xattr_served,
		IN(fuse_getxattr_in),
	},
	[FUSE_REMOVEXATTR] = {
		.name = "removexattr", .fn = vhost_fs_op_removexattr,
		.served = vhost_fs_xattr_served, .names = 1,
		.flags = VHOST_FS_OP_ATTR_NAME | VHOST_FS_OP_BLOCKS,
	},
	[FUSE_FLUSH] = {
		.name = "flush", .fn = vhost_fs_op_flush,
		IN(fuse_flush_in), FH(fuse_flush_in),
		.flags = VHOST_FS_OP_FILE,
	},
	[FUSE_INIT] = {
		.name = "init", .fn = vhost_fs_op_init,
		.in_size = offsetof(struct fuse_init_in, flags2),
		OUT(fuse_init_out),
		.flags = VHOST_FS_OP_NO_SESSION | VHOST_FS_OP_NO_NODE |
			 VHOST_FS_OP_BLOCKS,
	},
	[FUSE_OPENDIR] = {
		.name = "opendir", .fn = vhost_fs_op_opendir,
		IN(fuse_open_in), OUT(fuse_open_out),
	},
	[FUSE_READDIR] = {
		.name = "readdir", .fn = vhost_fs_op_readdir,
		IN(fuse_read_in), FH(fuse_read_in),
		.flags = VHOST_FS_OP_DIR,
	},
	[FUSE_RELEASEDIR] = {
		.name = "releasedir", .fn = vhost_fs_op_releasedir,
		IN(fuse_release_in), FH(fuse_release_in),
		.flags = VHOST_FS_OP_DIR | VHOST_FS_OP_LOST,
	},
	[FUSE_FSYNCDIR] = {
		.name = "fsyncdir", .fn = vhost_fs_op_fsync,
		IN(fuse_fsync_in), FH(fuse_fsync_in),
		.flags = VHOST_FS_OP_DIR | VHOST_FS_OP_BLOCKS,
	},
	[FUSE_GETLK] = {
		.name = "getlk", .fn = vhost_fs_op_getlk,
		.served = vhost_fs_lock_served,
		IN(fuse_lk_in), FH(fuse_lk_in), OUT(fuse_lk_out),
		.flags = VHOST_FS_OP_FILE,
	},
	[FUSE_SETLK] = {
		.name = "setlk", .fn = vhost_fs_op_setlk,
		.served = vhost_fs_lock_served,
		IN(fuse_lk_in), FH(fuse_lk_in), .flags = VHOST_FS_OP_FILE,
	},
	[FUSE_SETLKW] = {
		.name = "setlkw", .fn = vhost_fs_op_setlkw,
		.served = vhost_fs_lock_served,
		IN(fuse_lk_in), FH(fuse_lk_in), .flags = VHOST_FS_OP_FILE,
	},
	[FUSE_ACCESS] = {
		.name = "access", .fn = vhost_fs_op_access, IN(fuse_access_in),
	},
	[FUSE_CREATE] = {
		.name = "create", .fn = vhost_fs_op_create,
		IN(fuse_create_in), .names = 1, OUT(create_out),
		.flags = VHOST_FS_OP_EXT,
	},
	[FUSE_INTERRUPT] = {
		.name = "interrupt", .fn = vhost_fs_op_interrupt,
		IN(fuse_interrupt_in),
		.flags = VHOST_FS_OP_NO_REPLY | VHOST_FS_OP_NO_NODE,
	},
	[FUSE_BMAP] = {
		.name = "bmap", .fn = vhost_fs_op_bmap,
		IN(fuse_bmap_in), OUT(fuse_bmap_out),
		.flags = VHOST_FS_OP_BLOCKS,
	},
	[FUSE_DESTROY] = {
		.name = "destroy", .fn = vhost_fs_op_destroy,
		.flags = VHOST_FS_OP_NO_NODE | VHOST_FS_OP_BLOCKS,
	},
	[FUSE_IOCTL] = {
		.name = "ioctl", .fn = vhost_fs_op_ioctl,
		IN(fuse_ioctl_in), OUT(fuse_ioctl_out),
		.flags = VHOST_FS_OP_DATA | VHOST_FS_OP_MAYBE_FH |
			 VHOST_FS_OP_BLOCKS,
	},
	[FUSE_POLL] = { .name = "poll" },
	[FUSE_NOTIFY_REPLY] = { .name = "notify_reply" },
	[FUSE_BATCH_FORGET] = {
		.name = "batch_forget", .fn = vhost_fs_op_batch_forget,
		IN(fuse_batch_forget_in),
		.flags = VHOST_FS_OP_NO_REPLY | VHOST_FS_OP_NO_NODE |
			 VHOST_FS_OP_DATA,
	},
	[FUSE_FALLOCATE] = {
		.name = "fallocate", .fn = vhost_fs_op_fallocate,
		IN(fuse_fallocate_in), FH(fuse_fallocate_in),
		.flags = VHOST_FS_OP_FILE | VHOST_FS_OP_BLOCKS,
	},
	[FUSE_READDIRPLUS] = {
		.name = "readdirplus", .fn = vhost_fs_op_readdirplus,
		IN(fuse_read_in), FH(fuse_read_in),
		.flags = VHOST_FS_OP_DIR,
	},
	[FUSE_RENAME2] = {
		.name = "rename2", .fn = vhost_fs_op_rename2,
		IN(fuse_rename2_in), .names = 2,
	},
	[FUSE_LSEEK] = {
		.name = "lseek", .fn = vhost_fs_op_lseek,
		IN(fuse_lseek_in), FH(fuse_lseek_in), OUT(fuse_lseek_out),
		.flags = VHOST_FS_OP_FILE,
	},
	[FUSE_COPY_FILE_RANGE] = {
		.name = "copy_file_range", .fn = vhost_fs_op_copy_file_range,
		IN(fuse_copy_file_range_in), .fh_offset =
			offsetof(struct fuse_copy_file_range_in, fh_in),
		OUT(fuse_write_out),
		.flags = VHOST_FS_OP_FILE | VHOST_FS_OP_BLOCKS,
	},
	[FUSE_COPY_FILE_RANGE_64] = {
		.name = "copy_file_range_64",
		.fn = vhost_fs_op_copy_file_range_64,
		IN(fuse_copy_file_range_in), .fh_offset =
			offsetof(struct fuse_copy_file_range_in, fh_in),
		OUT(fuse_copy_file_range_out),
		.flags = VHOST_FS_OP_FILE | VHOST_FS_OP_BLOCKS,
	},
	[FUSE_SETUPMAPPING] = { .name = "setupmapping" },
	[FUSE_REMOVEMAPPING] = { .name = "removemapping" },
	[FUSE_SYNCFS] = {
		.name = "syncfs", .fn = vhost_fs_op_syncfs, IN(fuse_syncfs_in),
		.flags = VHOST_FS_OP_BLOCKS,
	},
	[FUSE_TMPFILE] = {
		.name = "tmpfile", .fn = vhost_fs_op_tmpfile,
		IN(fuse_create_in), .names = 1, OUT(create_out),
		/* The guest names it "/". */
		.flags = VHOST_FS_OP_EXT | VHOST_FS_OP_TARGET,
	},
	[FUSE_STATX] = {
		.name = "statx", .fn = vhost_fs_op_statx,
		IN(fuse_statx_in), OUT(fuse_statx_out),
		.flags = VHOST_FS_OP_MAYBE_FH,
	},
};

static_assert(FUSE_COPY_FILE_RANGE_64 < VHOST_FS_NR_OPS - 1);
static_assert(sizeof(struct create_out) <= VHOST_FS_OUT_BUF);
static_assert(sizeof(struct fuse_statx_out) <= VHOST_FS_OUT_BUF);

/**
 * vhost_fs_op - find the row of an opcode
 * @opcode: as the guest gave it
 *
 * Return: the row, or NULL if the opcode isn't known.
 */
const struct vhost_fs_op *vhost_fs_op(u32 opcode)
{
	if (opcode >= VHOST_FS_NR_OPS)
		return NULL;
	opcode = array_index_nospec(opcode, VHOST_FS_NR_OPS);
	return ops[opcode].name ? &ops[opcode] : NULL;
}
