/* SPDX-License-Identifier: GPL-2.0-only */
/* What is agreed on with the guest by INIT. */
#ifndef VHOST_FS_INIT_H
#define VHOST_FS_INIT_H

#include <linux/types.h>

struct vhost_fs_share;

/*
 * Newest FUSE protocol minor that is spoken: the one with
 * FUSE_COPY_FILE_RANGE_64. What else came since FUSE_STATX (7.39) are features
 * that INIT has to offer first, and notifications.
 */
#define VHOST_FS_FUSE_MINOR	45

/* A guest that speaks less than this predates the virtiofs driver. */
#define VHOST_FS_FUSE_MINOR_MIN	27

u64 vhost_fs_init_missing(const struct vhost_fs_share *share, u64 flags);
u64 vhost_fs_init_allowed(const struct vhost_fs_share *share, u64 flags);

#endif /* VHOST_FS_INIT_H */
