/* SPDX-License-Identifier: GPL-2.0-only */
/* From names to paths and nodes. */
#ifndef VHOST_FS_LOOKUP_H
#define VHOST_FS_LOOKUP_H

#include <linux/path.h>

struct fuse_entry_out;
struct qstr;
struct vhost_fs_node;
struct vhost_fs_req;

bool vhost_fs_name_is_dot(const struct qstr *name);
bool vhost_fs_name_is_dotdot(const struct qstr *name);
int vhost_fs_lookup_child(struct vhost_fs_req *req, const struct path *dir,
			  struct qstr *name, struct path *child);
int vhost_fs_lookup_child_quietly(struct vhost_fs_req *req,
				  const struct path *dir, struct qstr *name,
				  struct path *child);
int vhost_fs_lookup_second(struct vhost_fs_req *req, u64 id,
			   struct vhost_fs_node **node, struct path *path);
struct vhost_fs_node *vhost_fs_entry_add(struct vhost_fs_req *req,
					 const struct path *path,
					 struct fuse_entry_out *out);
int vhost_fs_entry_reply(struct vhost_fs_req *req, const struct path *path);

#endif /* VHOST_FS_LOOKUP_H */
