// SPDX-License-Identifier: GPL-2.0-only
/*
 * IOCTL and BMAP.
 */
#include <linux/fuse.h>

#include "internal.h"

/**
 * vhost_fs_op_ioctl - FUSE_IOCTL
 * @req: the request
 *
 * Return: 0 or an errno.
 */
int vhost_fs_op_ioctl(struct vhost_fs_req *req)
{
	return -ENOSYS;
}

/**
 * vhost_fs_op_bmap - FUSE_BMAP
 * @req: the request
 *
 * Return: 0 or an errno.
 */
int vhost_fs_op_bmap(struct vhost_fs_req *req)
{
	return -ENOSYS;
}
