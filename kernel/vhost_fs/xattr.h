/* SPDX-License-Identifier: GPL-2.0-only */
/* Extended attributes, how their names are mapped, and ACLs. */
#ifndef VHOST_FS_XATTR_H
#define VHOST_FS_XATTR_H

#include <linux/limits.h>
#include <linux/types.h>

struct path;
struct vhost_fs_add_share;
struct vhost_fs_req;
struct vhost_fs_share;

bool vhost_fs_xattr_served(const struct vhost_fs_share *share);
int vhost_fs_xattr_set(struct vhost_fs_req *req, const struct path *path,
		       const char *name, const void *value, size_t size,
		       int flags);

int vhost_fs_xattrmap_copy(struct vhost_fs_share *share,
			   const struct vhost_fs_add_share *arg);
int vhost_fs_xattrmap_to_host(const struct vhost_fs_share *share,
			      const char *name, char host[XATTR_NAME_MAX + 1]);
const char *vhost_fs_xattrmap_to_guest(const struct vhost_fs_share *share,
				       const char *host);

int vhost_fs_acl_set(struct vhost_fs_req *req, const struct path *path,
		     const char *name, const void *value, size_t size);
ssize_t vhost_fs_acl_get(struct vhost_fs_req *req, const struct path *path,
			 const char *name, void *buf, size_t size);

#endif /* VHOST_FS_XATTR_H */
