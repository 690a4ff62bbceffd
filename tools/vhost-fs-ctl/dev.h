/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /dev/vhost-fs. Functions that fail have printed why, in one line.
 */
#ifndef CTL_DEV_H
#define CTL_DEV_H

#include <linux/vhost_fs.h>

/* Returns a descriptor that is closed on exec, or -1. */
int dev_open(void);

/* Each returns 0 or an exit status. */
int dev_add_share(int fd, struct vhost_fs_add_share *share);
/* Goes without file handles, and says so, if they are preferred and may not be had. */
int dev_add_share_anyhow(int fd, struct vhost_fs_add_share *share);
int dev_set_share(int fd, struct vhost_fs_set_share *set);
int dev_remove_share(int fd, const char *name);
int dev_attach_share(int fd, const char *name);
/* Leaves a device that has an owner as it is. */
int dev_set_owner(int fd);
/*
 * Has the kernel write the device's state to @file, or read it from there, as
 * @direction says, and waits for the end. What came of it, good or bad, is in
 * @result; only if it couldn't begin, an exit status is returned.
 */
int dev_move_state(int fd, enum vhost_fs_state_direction direction, int file,
		   struct vhost_fs_device_state_result *result);

#endif /* CTL_DEV_H */
