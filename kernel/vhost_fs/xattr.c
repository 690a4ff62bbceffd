// SPDX-License-Identifier: GPL-2.0-only
/*
 * Extended attributes: SETXATTR, GETXATTR, LISTXATTR, REMOVEXATTR.
 */
#include <linux/fuse.h>

#include "internal.h"

/**
 * vhost_fs_xattr_served - does a share have extended attributes?
 * @share: the share
 *
 * If not, the guest must hear ENOSYS: then it stops asking. ENODATA would make
 * it ask for security.capability before every write.
 *
 * Return: whether the four opcodes are served.
 */
bool vhost_fs_xattr_served(const struct vhost_fs_share *share)
{
	return share->flags & VHOST_FS_SHARE_XATTR;
}

/**
 * vhost_fs_op_setxattr - FUSE_SETXATTR
 * @req: the request
 *
 * Return: 0 or an errno.
 */
int vhost_fs_op_setxattr(struct vhost_fs_req *req)
{
	return -ENOSYS;
}

/**
 * vhost_fs_op_getxattr - FUSE_GETXATTR
 * @req: the request
 *
 * Return: 0 or an errno.
 */
int vhost_fs_op_getxattr(struct vhost_fs_req *req)
{
	return -ENOSYS;
}

/**
 * vhost_fs_op_listxattr - FUSE_LISTXATTR
 * @req: the request
 *
 * Return: 0 or an errno.
 */
int vhost_fs_op_listxattr(struct vhost_fs_req *req)
{
	return -ENOSYS;
}

/**
 * vhost_fs_op_removexattr - FUSE_REMOVEXATTR
 * @req: the request
 *
 * Return: 0 or an errno.
 */
int vhost_fs_op_removexattr(struct vhost_fs_req *req)
{
	return -ENOSYS;
}
