/* SPDX-License-Identifier: GPL-2.0-only */
/* Under whose credentials the file system is asked, and who may write. */
#ifndef VHOST_FS_CRED_H
#define VHOST_FS_CRED_H

#include <linux/types.h>
#include <linux/uidgid.h>

struct cred;
struct path;
struct user_namespace;
struct vfsmount;
struct vhost_fs_req;

/* Supplementary groups that a request may bring. */
#define VHOST_FS_MAX_SUPP_GROUPS	32

/**
 * struct vhost_fs_creator - for whom something is created
 * @uid: the host's user id
 * @gid: the host's group id
 * @host_groups: keep the share's supplementary groups; no others are given
 * @fsetid: keep CAP_FSETID
 * @nr_groups: entries of @groups
 * @groups: supplementary groups
 *
 * Compared as bytes, up to the last of @groups.
 */
struct vhost_fs_creator {
	kuid_t uid;
	kgid_t gid;
	u32 host_groups;
	u32 fsetid;
	u32 nr_groups;
	kgid_t groups[VHOST_FS_MAX_SUPP_GROUPS];
};

int vhost_fs_cred_create(struct vhost_fs_req *req, const struct cred **saved);
int vhost_fs_cred_access(struct vhost_fs_req *req, const struct path *path,
			 int mask);
umode_t vhost_fs_cred_mode(struct vhost_fs_req *req, umode_t mode, u32 umask);
void vhost_fs_cred_restore(const struct cred *saved);
int vhost_fs_cred_outsider(struct vhost_fs_req *req, const struct cred **saved);
void vhost_fs_cred_discard(const struct cred *saved);
int vhost_fs_cred_drop_fsetid(struct vhost_fs_req *req, const struct path *path,
			      const struct cred **saved);
struct user_namespace *vhost_fs_user_ns(const struct vhost_fs_req *req);
bool vhost_fs_is_readonly(const struct vhost_fs_req *req, struct vfsmount *mnt);
int vhost_fs_want_write(struct vhost_fs_req *req, struct vfsmount *mnt);

#endif /* VHOST_FS_CRED_H */
