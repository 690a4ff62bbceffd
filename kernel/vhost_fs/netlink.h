/* SPDX-License-Identifier: GPL-2.0-only */
/* What is told and asked by netlink. */
#ifndef VHOST_FS_NETLINK_H
#define VHOST_FS_NETLINK_H

int vhost_fs_netlink_init(void);
void vhost_fs_netlink_exit(void);

#endif /* VHOST_FS_NETLINK_H */
