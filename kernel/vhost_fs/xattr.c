// SPDX-License-Identifier: GPL-2.0-only
/*
 * Extended attributes: SETXATTR, GETXATTR, LISTXATTR, REMOVEXATTR.
 */
#include <linux/fuse.h>

#include "internal.h"

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
