/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of opcodes, and what serves each. */
#ifndef VHOST_FS_OP_H
#define VHOST_FS_OP_H

#include <linux/bits.h>
#include <linux/types.h>

struct vhost_fs_req;
struct vhost_fs_share;

/* The opcode table has a row for each number below this. */
#define VHOST_FS_NR_OPS		64

/* A handler's result: the request waits, and is answered later. */
#define VHOST_FS_PARKED		1

/* The request has data after its arguments and names; see req->data. */
#define VHOST_FS_OP_DATA	BIT(0)
/* There is no reply. */
#define VHOST_FS_OP_NO_REPLY	BIT(1)
/* Served without a session. */
#define VHOST_FS_OP_NO_SESSION	BIT(2)
/* The header names no node. */
#define VHOST_FS_OP_NO_NODE	BIT(3)
/* The arguments' @fh names an open file. */
#define VHOST_FS_OP_FILE	BIT(4)
/* The arguments' @fh names an open directory. */
#define VHOST_FS_OP_DIR		BIT(5)
/* Waits for the disk or for a lock as a rule. */
#define VHOST_FS_OP_BLOCKS	BIT(6)
/* The last name is not a file name but any non-empty path. */
#define VHOST_FS_OP_TARGET	BIT(7)
/* May use an open file instead of the node's path; the handler checks which. */
#define VHOST_FS_OP_MAYBE_FH	BIT(8)
/* The last name is not a file name but an extended attribute's. */
#define VHOST_FS_OP_ATTR_NAME	BIT(9)
/* Creates something; extensions may follow the names. */
#define VHOST_FS_OP_EXT		BIT(10)
/* The name may be "." and "..", if the guest was told so. */
#define VHOST_FS_OP_DOTS	BIT(11)
/* The handle may be one whose file is lost. */
#define VHOST_FS_OP_LOST	BIT(12)

/**
 * struct vhost_fs_op - row of the opcode table
 * @name: lower case, without FUSE_
 * @fn: serves a decoded request; returns 0 or an errno; NULL for ENOSYS
 * @served: false if it is ENOSYS on a share, whatever the request says; NULL
 *	for all shares
 * @in_size: bytes of arguments between header and names
 * @in_grown: the same in a session that has @grown_by; 0 if none grows it
 * @grown_by: FUSE_* flag of INIT
 * @out_size: bytes that a successful reply has at least after its header
 * @names: NUL-terminated strings after the arguments
 * @fh_offset: where a __u64 handle is in the arguments
 * @flags: VHOST_FS_OP_*
 */
struct vhost_fs_op {
	const char *name;
	int (*fn)(struct vhost_fs_req *req);
	bool (*served)(const struct vhost_fs_share *share);
	u64 grown_by;
	u16 in_size;
	u16 in_grown;
	u16 out_size;
	u8 names;
	u8 fh_offset;
	u16 flags;
};

const struct vhost_fs_op *vhost_fs_op(u32 opcode);

int vhost_fs_op_init(struct vhost_fs_req *req);
int vhost_fs_op_destroy(struct vhost_fs_req *req);
int vhost_fs_op_interrupt(struct vhost_fs_req *req);
int vhost_fs_op_lookup(struct vhost_fs_req *req);
int vhost_fs_op_forget(struct vhost_fs_req *req);
int vhost_fs_op_batch_forget(struct vhost_fs_req *req);
int vhost_fs_op_getattr(struct vhost_fs_req *req);
int vhost_fs_op_setattr(struct vhost_fs_req *req);
int vhost_fs_op_statx(struct vhost_fs_req *req);
int vhost_fs_op_statfs(struct vhost_fs_req *req);
int vhost_fs_op_access(struct vhost_fs_req *req);
int vhost_fs_op_readlink(struct vhost_fs_req *req);
int vhost_fs_op_symlink(struct vhost_fs_req *req);
int vhost_fs_op_mknod(struct vhost_fs_req *req);
int vhost_fs_op_mkdir(struct vhost_fs_req *req);
int vhost_fs_op_unlink(struct vhost_fs_req *req);
int vhost_fs_op_rmdir(struct vhost_fs_req *req);
int vhost_fs_op_rename(struct vhost_fs_req *req);
int vhost_fs_op_rename2(struct vhost_fs_req *req);
int vhost_fs_op_link(struct vhost_fs_req *req);
int vhost_fs_op_open(struct vhost_fs_req *req);
int vhost_fs_op_create(struct vhost_fs_req *req);
int vhost_fs_op_release(struct vhost_fs_req *req);
int vhost_fs_op_flush(struct vhost_fs_req *req);
int vhost_fs_op_fsync(struct vhost_fs_req *req);
int vhost_fs_op_syncfs(struct vhost_fs_req *req);
int vhost_fs_op_opendir(struct vhost_fs_req *req);
int vhost_fs_op_releasedir(struct vhost_fs_req *req);
int vhost_fs_op_read(struct vhost_fs_req *req);
int vhost_fs_op_write(struct vhost_fs_req *req);
int vhost_fs_op_lseek(struct vhost_fs_req *req);
int vhost_fs_op_fallocate(struct vhost_fs_req *req);
int vhost_fs_op_readdir(struct vhost_fs_req *req);
int vhost_fs_op_readdirplus(struct vhost_fs_req *req);

int vhost_fs_op_setxattr(struct vhost_fs_req *req);
int vhost_fs_op_getxattr(struct vhost_fs_req *req);
int vhost_fs_op_listxattr(struct vhost_fs_req *req);
int vhost_fs_op_removexattr(struct vhost_fs_req *req);
int vhost_fs_op_getlk(struct vhost_fs_req *req);
int vhost_fs_op_setlk(struct vhost_fs_req *req);
int vhost_fs_op_setlkw(struct vhost_fs_req *req);
int vhost_fs_op_bmap(struct vhost_fs_req *req);
int vhost_fs_op_ioctl(struct vhost_fs_req *req);
int vhost_fs_op_copy_file_range(struct vhost_fs_req *req);
int vhost_fs_op_copy_file_range_64(struct vhost_fs_req *req);
int vhost_fs_op_tmpfile(struct vhost_fs_req *req);

#endif /* VHOST_FS_OP_H */
