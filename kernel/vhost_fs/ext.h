/* SPDX-License-Identifier: GPL-2.0-only */
/* Extensions: what a request brings for what it creates. */
#ifndef VHOST_FS_EXT_H
#define VHOST_FS_EXT_H

#include <linux/types.h>

struct path;
struct vhost_fs_req;

/**
 * struct vhost_fs_ext - what a request brings for what it creates
 * @label_name: attribute that its security label is; NULL for none
 * @label: the label
 * @label_size: bytes of @label
 * @groups: supplementary groups of the guest's user, as the guest knows them
 * @nr_groups: entries of @groups
 */
struct vhost_fs_ext {
	const char *label_name;
	const void *label;
	size_t label_size;
	const u32 *groups;
	u32 nr_groups;
};

size_t vhost_fs_ext_len(const struct vhost_fs_req *req);
int vhost_fs_ext_parse(struct vhost_fs_req *req);
int vhost_fs_ext_label(struct vhost_fs_req *req, const struct path *path);

#endif /* VHOST_FS_EXT_H */
