// SPDX-License-Identifier: GPL-2.0-only
/*
 * Credentials. Every request runs under its share's, which request.c puts on;
 * what a guest user creates is created under a copy of those with the user's
 * ids. This is the only file that makes credentials, and the only one that
 * decides whether a request may write.
 */
#include <linux/cred.h>
#include <linux/mount.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

#include "internal.h"

/**
 * vhost_fs_user_ns - the user namespace in which a guest's ids are meant
 * @req: the request
 *
 * Return: the share's, with no reference.
 */
struct user_namespace *vhost_fs_user_ns(const struct vhost_fs_req *req)
{
	return req->share->cred->user_ns;
}

/* The ids on the host of the guest user who asks. */
static int cred_ids(const struct vhost_fs_req *req, kuid_t *uid, kgid_t *gid)
{
	int err = vhost_fs_uid_in(req, req->hdr->uid, uid);

	return err ?: vhost_fs_gid_in(req, req->hdr->gid, gid);
}

/* Could the share's owner have taken on these ids by itself? */
static bool cred_may_become(const struct cred *cred, kuid_t uid, kgid_t gid)
{
	if (!uid_eq(uid, cred->fsuid) &&
	    !cap_raised(cred->cap_effective, CAP_SETUID))
		return false;
	return gid_eq(gid, cred->fsgid) ||
	       cap_raised(cred->cap_effective, CAP_SETGID);
}

/* Without the share's own supplementary groups. */
static int cred_drop_groups(struct cred *cred)
{
	struct group_info *none = groups_alloc(0);

	if (!none)
		return -ENOMEM;
	set_groups(cred, none);
	put_group_info(none);
	return 0;
}

static struct cred *cred_for_user(struct vhost_fs_req *req, kuid_t uid,
				  kgid_t gid)
{
	struct cred *cred;

	/* Current are the share's credentials. */
	cred = prepare_creds();
	if (!cred)
		return NULL;
	cred->fsuid = uid;
	cred->fsgid = gid;
	return cred;
}

/**
 * vhost_fs_cred_create - take on the guest user's ids to create something
 * @req: the request
 * @saved: for vhost_fs_cred_restore()
 *
 * The share's capabilities stay: the guest has already decided whether its user
 * may, by rules (supplementary groups, the guest's own root) that the host
 * doesn't know. Each thread keeps the last user's credentials, since requests
 * of one user come in rows.
 *
 * Return: 0; -EINVAL if the ids mean nobody on the host, -EPERM if the share
 * forbids them or may not take them on, -ENOMEM.
 *
 * Context: a thread of the pool, under the share's credentials.
 */
int vhost_fs_cred_create(struct vhost_fs_req *req, const struct cred **saved)
{
	struct cred *cred = req->create_cred;
	kuid_t uid;
	kgid_t gid;
	int err;

	err = cred_ids(req, &uid, &gid);
	if (err)
		return err;
	if (!cred || !uid_eq(uid, req->create_uid) ||
	    !gid_eq(gid, req->create_gid)) {
		if (!cred_may_become(req->share->cred, uid, gid))
			return -EPERM;
		cred = cred_for_user(req, uid, gid);
		if (!cred)
			return -ENOMEM;
		if (req->create_cred)
			put_cred(req->create_cred);
		req->create_cred = cred;
		req->create_uid = uid;
		req->create_gid = gid;
	}
	*saved = override_creds(cred);
	return 0;
}

/**
 * vhost_fs_cred_access - may the guest user do this to a file?
 * @req: the request
 * @inode: the file's inode, on a mount of req->path
 * @mask: of MAY_READ, MAY_WRITE and MAY_EXEC
 *
 * Answers as the host would to a process with the user's ids, no other groups,
 * and, if it is the guest's root, the share's capabilities.
 *
 * Return: 0 or -EACCES; -EINVAL, -EPERM and -ENOMEM as
 * vhost_fs_cred_create().
 */
int vhost_fs_cred_access(struct vhost_fs_req *req, struct inode *inode,
			 int mask)
{
	const struct cred *saved;
	struct cred *cred;
	kuid_t uid;
	kgid_t gid;
	int err;

	err = cred_ids(req, &uid, &gid);
	if (err)
		return err;
	if (!cred_may_become(req->share->cred, uid, gid))
		return -EPERM;
	cred = cred_for_user(req, uid, gid);
	if (!cred)
		return -ENOMEM;
	if (req->hdr->uid)
		cap_clear(cred->cap_effective);
	err = cred_drop_groups(cred);
	if (!err) {
		saved = override_creds(cred);
		err = inode_permission(mnt_idmap(req->path.mnt), inode,
				       mask | MAY_ACCESS);
		revert_creds(saved);
	}
	put_cred(cred);
	return err;
}

/**
 * vhost_fs_cred_restore - back to the share's credentials
 * @saved: what vhost_fs_cred_create() gave
 */
void vhost_fs_cred_restore(const struct cred *saved)
{
	revert_creds(saved);
}

/**
 * vhost_fs_want_write - begin to write to a mount
 * @req: the request
 * @mnt: the mount; on success to be given to mnt_drop_write()
 *
 * Return: 0, or -EROFS if the share or the mount is read-only.
 */
int vhost_fs_want_write(struct vhost_fs_req *req, struct vfsmount *mnt)
{
	if (vhost_fs_share_readonly(req->share))
		return -EROFS;
	return mnt_want_write(mnt);
}
