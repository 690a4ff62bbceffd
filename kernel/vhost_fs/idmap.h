/* SPDX-License-Identifier: GPL-2.0-only */
/* What guest ids are on the host, and the other way round. */
#ifndef VHOST_FS_IDMAP_H
#define VHOST_FS_IDMAP_H

#include <linux/types.h>
#include <linux/uidgid.h>
#include <linux/vhost_fs.h>

struct vhost_fs_req;

/**
 * struct vhost_fs_idmap - how user or group ids are translated
 * @rules: those for guest ids, then those for host ids, each in their ids'
 *	order and not overlapping; NULL if there are none
 * @nr: entries of @rules
 * @nr_guest: those of them that are for guest ids
 */
struct vhost_fs_idmap {
	struct vhost_fs_id_rule *rules;
	u32 nr;
	u32 nr_guest;
};

int vhost_fs_idmap_copy(struct vhost_fs_idmap *map, u64 rules, u32 nr);
void vhost_fs_idmap_free(struct vhost_fs_idmap *map);
int vhost_fs_uid_in(const struct vhost_fs_req *req, u32 id, kuid_t *uid);
int vhost_fs_gid_in(const struct vhost_fs_req *req, u32 id, kgid_t *gid);
u32 vhost_fs_uid_out(const struct vhost_fs_req *req, kuid_t uid);
u32 vhost_fs_gid_out(const struct vhost_fs_req *req, kgid_t gid);

#endif /* VHOST_FS_IDMAP_H */
