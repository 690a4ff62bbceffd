// SPDX-License-Identifier: GPL-2.0-only
/*
 * POSIX and flock() locks: GETLK, SETLK, SETLKW.
 */
#include <linux/fuse.h>

#include "internal.h"

/**
 * vhost_fs_op_getlk - FUSE_GETLK
 * @req: the request
 *
 * Return: 0 or an errno.
 */
int vhost_fs_op_getlk(struct vhost_fs_req *req)
{
	return -ENOSYS;
}

/**
 * vhost_fs_op_setlk - FUSE_SETLK
 * @req: the request
 *
 * Return: 0 or an errno.
 */
int vhost_fs_op_setlk(struct vhost_fs_req *req)
{
	return -ENOSYS;
}

/**
 * vhost_fs_op_setlkw - FUSE_SETLKW
 * @req: the request
 *
 * Return: 0 or an errno.
 */
int vhost_fs_op_setlkw(struct vhost_fs_req *req)
{
	return -ENOSYS;
}
