// SPDX-License-Identifier: GPL-2.0-only
/*
 * Credentials. Every request runs under its share's, which request.c puts on;
 * what a guest user creates is created under a copy of those with the user's
 * ids. This is the only file that makes credentials, and the only one that
 * decides whether a request may write.
 */
#include <linux/cred.h>
#include <linux/fs_struct.h>
#include <linux/fuse.h>
#include <linux/mount.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

#include "cred.h"
#include "dev.h"
#include "idmap.h"
#include "kcompat.h"
#include "request.h"
#include "share.h"
#include "vq.h"

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

/* These supplementary groups instead of the share's own. */
static int cred_set_groups(struct cred *cred, const kgid_t *groups, u32 nr)
{
	struct group_info *info = groups_alloc(nr);

	if (!info)
		return -ENOMEM;
	memcpy(info->gid, groups, nr * sizeof(*groups));
	groups_sort(info);
	set_groups(cred, info);
	put_group_info(info);
	return 0;
}

/*
 * Could the share's owner have called setgroups(2)? Where that is denied, groups
 * are not to be lost either: there are files that a group may not touch and
 * everybody else may.
 */
static bool cred_may_set_groups(const struct cred *cred)
{
	return cap_raised(cred->cap_effective, CAP_SETGID) &&
	       (READ_ONCE(cred->user_ns->flags) & USERNS_SETGROUPS_ALLOWED);
}

static int cred_drop_groups(struct cred *cred)
{
	return cred_set_groups(cred, NULL, 0);
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

/*
 * A guest that tells which groups matter leaves it to the host to decide
 * whether a file in a set-group-ID directory may keep its own such bit.
 */
static bool guest_tells_groups(const struct vhost_fs_req *req)
{
	return vhost_fs_req_has(req, FUSE_CREATE_SUPP_GROUP);
}

/*
 * Whom the request creates for. A share that could not have taken on groups by
 * itself keeps its own, and what the guest says of them counts for nothing: so
 * the host would treat the share's owner.
 */
static int creator_fill(const struct vhost_fs_req *req,
			struct vhost_fs_creator *who)
{
	kgid_t gid;
	int err;
	u32 i;

	memset(who, 0, offsetof(struct vhost_fs_creator, groups));
	err = cred_ids(req, &who->uid, &who->gid);
	if (err)
		return err;
	who->fsetid = !guest_tells_groups(req) || !req->hdr->uid;
	who->host_groups = !guest_tells_groups(req) ||
		!cred_may_set_groups(req->share->cred);
	if (who->host_groups)
		return 0;
	/* One that means nobody here, or is forbidden, gives no rights. */
	for (i = 0; i < req->ext.nr_groups; i++)
		if (!vhost_fs_gid_in(req, req->ext.groups[i], &gid))
			who->groups[who->nr_groups++] = gid;
	return 0;
}

/* What counts of it. */
static size_t creator_size(const struct vhost_fs_creator *who)
{
	return offsetof(struct vhost_fs_creator, groups) +
	       who->nr_groups * sizeof(who->groups[0]);
}

static struct cred *cred_for_creator(struct vhost_fs_req *req,
				     const struct vhost_fs_creator *who)
{
	struct cred *cred = cred_for_user(req, who->uid, who->gid);

	if (!cred)
		return NULL;
	if (!who->fsetid)
		cap_lower(cred->cap_effective, CAP_FSETID);
	if (!who->host_groups &&
	    cred_set_groups(cred, who->groups, who->nr_groups)) {
		put_cred(cred);
		return NULL;
	}
	return cred;
}

/**
 * vhost_fs_cred_create - take on the guest user's ids to create something
 * @req: the request
 * @saved: for vhost_fs_cred_restore()
 *
 * The share's capabilities stay, but for CAP_FSETID: the guest has already
 * decided whether its user may, by rules (supplementary groups, the guest's own
 * root) that the host doesn't know. Each thread keeps the last user's
 * credentials, since requests of one user come in rows.
 *
 * Return: 0; -EINVAL if the ids mean nobody on the host, -EPERM if the share
 * forbids them or may not take them on, -ENOMEM.
 *
 * Context: a thread of the pool, under the share's credentials.
 */
int vhost_fs_cred_create(struct vhost_fs_req *req, const struct cred **saved)
{
	struct cred *cred = req->create_cred;
	struct vhost_fs_creator who;
	int err;

	err = creator_fill(req, &who);
	if (err)
		return err;
	if (!cred || memcmp(&who, &req->creator, creator_size(&who))) {
		if (!cred_may_become(req->share->cred, who.uid, who.gid))
			return -EPERM;
		cred = cred_for_creator(req, &who);
		if (!cred)
			return -ENOMEM;
		if (req->create_cred)
			put_cred(req->create_cred);
		req->create_cred = cred;
		memcpy(&req->creator, &who, creator_size(&who));
	}
	*saved = override_creds(cred);
	return 0;
}

/**
 * vhost_fs_cred_mode - take on the guest user's umask to create something
 * @req: the request, after vhost_fs_cred_create()
 * @mode: mode that the guest asks for
 * @umask: its user's umask
 *
 * Where the directory has a default ACL, that counts and not the umask; so the
 * file system has to apply it, if the guest hasn't already.
 *
 * Return: mode to create with.
 */
umode_t vhost_fs_cred_mode(struct vhost_fs_req *req, umode_t mode, u32 umask)
{
	umask &= 0777;
	if (!vhost_fs_req_has(req, FUSE_DONT_MASK))
		return mode & ~umask;
	/* The thread's own, see vhost_fs_pool. */
	current->fs->umask = umask;
	return mode;
}

/**
 * vhost_fs_cred_access - may the guest user do this to a file?
 * @req: the request
 * @path: the file
 * @mask: of MAY_READ, MAY_WRITE and MAY_EXEC
 *
 * Answers as the host would to a process with the user's ids, no other groups,
 * and, if it is the guest's root, the share's capabilities. It is only an answer:
 * what the guest then does, it does by the share's own rights.
 *
 * Return: 0 or -EACCES; -EINVAL, -EPERM and -ENOMEM as
 * vhost_fs_cred_create().
 */
int vhost_fs_cred_access(struct vhost_fs_req *req, const struct path *path,
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
		err = inode_permission(mnt_idmap(path->mnt),
				       d_inode(path->dentry),
				       mask | MAY_ACCESS);
		revert_creds(saved);
	}
	put_cred(cred);
	return err;
}

static int cred_add_group(struct cred *cred, kgid_t gid)
{
	const struct group_info *old = cred->group_info;
	struct group_info *all = groups_alloc(old->ngroups + 1);

	if (!all)
		return -ENOMEM;
	memcpy(all->gid, old->gid, old->ngroups * sizeof(gid));
	all->gid[old->ngroups] = gid;
	groups_sort(all);
	set_groups(cred, all);
	put_group_info(all);
	return 0;
}

/*
 * The group that the guest user is known to be in. A guest that knows of
 * idmapped mounts doesn't tell with such requests; then only what anybody loses
 * is to go, so the user is taken to be in the file's group.
 */
static int fsetid_group(struct vhost_fs_req *req, const struct path *path,
			kgid_t *gid)
{
	struct inode *inode = d_inode(path->dentry);

	if (req->hdr->gid != FUSE_INVALID_UIDGID)
		return vhost_fs_gid_in(req, req->hdr->gid, gid);
	*gid = vfsgid_into_kgid(i_gid_into_vfsgid(mnt_idmap(path->mnt), inode));
	/* CAP_SETGID is good for no others. */
	return gid_valid(*gid) && kgid_has_mapping(vhost_fs_user_ns(req), *gid) ?
		0 : -EINVAL;
}

/*
 * May the guest user's group be added? Not if it would let the share change what
 * it couldn't otherwise.
 */
static bool may_add_group(const struct path *path)
{
	return cap_raised(current_cred()->cap_effective, CAP_SETGID) &&
	       !inode_permission(mnt_idmap(path->mnt), d_inode(path->dentry),
				 MAY_WRITE);
}

/*
 * The share's, as it would be without CAP_FSETID. A set-group-ID bit that the
 * group can't execute stays if the caller is in the file's group.
 */
static struct cred *cred_without_fsetid(struct vhost_fs_req *req,
					const struct path *path)
{
	struct cred *cred = prepare_creds();
	kgid_t gid;

	if (!cred)
		return NULL;
	cap_lower(cred->cap_effective, CAP_FSETID);
	if (!may_add_group(path) || fsetid_group(req, path, &gid))
		return cred;
	if (cred_add_group(cred, gid)) {
		put_cred(cred);
		return NULL;
	}
	return cred;
}

/**
 * vhost_fs_cred_drop_fsetid - change a file for one who may not keep its
 *	set-ID bits
 * @req: the request; may block
 * @path: the file
 * @saved: for vhost_fs_cred_discard(); NULL if it has no such bits
 *
 * The VFS takes the bits away, together with the change and under its locks,
 * when whoever makes it lacks CAP_FSETID, which a privileged share has.
 *
 * Return: 0 or -ENOMEM.
 *
 * Context: a thread of the pool, under the share's credentials.
 */
int vhost_fs_cred_drop_fsetid(struct vhost_fs_req *req, const struct path *path,
			      const struct cred **saved)
{
	umode_t mode = READ_ONCE(d_inode(path->dentry)->i_mode);
	struct cred *cred;

	*saved = NULL;
	if (!(mode & (S_ISUID | S_ISGID)))
		return 0;
	/* A thread made for the ring would keep these credentials. */
	vhost_fs_may_block(req);
	cred = cred_without_fsetid(req, path);
	if (!cred)
		return -ENOMEM;
	*saved = override_creds(cred);
	return 0;
}

/**
 * vhost_fs_cred_restore - back to the share's credentials, and no umask
 * @saved: what vhost_fs_cred_create() gave
 */
void vhost_fs_cred_restore(const struct cred *saved)
{
	current->fs->umask = 0;
	revert_creds(saved);
}

/**
 * vhost_fs_cred_outsider - become someone who belongs to no group
 * @req: the request
 * @saved: for vhost_fs_cred_discard()
 *
 * The share's credentials without CAP_FSETID and without groups: who changes
 * what a file's group may do under these takes the file's set-group-ID bit
 * away. Only for what the file's owner alone may do: there belonging to no group
 * gives nobody a right.
 *
 * Return: 0 or -ENOMEM.
 *
 * Context: a thread of the pool, under the share's credentials.
 */
int vhost_fs_cred_outsider(struct vhost_fs_req *req, const struct cred **saved)
{
	struct cred *cred = cred_for_user(req, current_fsuid(), INVALID_GID);

	if (!cred)
		return -ENOMEM;
	cap_lower(cred->cap_effective, CAP_FSETID);
	if (cred_drop_groups(cred)) {
		put_cred(cred);
		return -ENOMEM;
	}
	*saved = override_creds(cred);
	return 0;
}

/**
 * vhost_fs_cred_discard - back to the share's credentials, for good
 * @saved: what vhost_fs_cred_outsider() or vhost_fs_cred_drop_fsetid() gave, or
 *	NULL
 */
void vhost_fs_cred_discard(const struct cred *saved)
{
	if (saved)
		put_cred(revert_creds(saved));
}

/**
 * vhost_fs_is_readonly - is nothing to be written, whoever asks?
 * @req: the request
 * @mnt: the mount
 *
 * Return: true if the share, the mount or its file system is read-only.
 */
bool vhost_fs_is_readonly(const struct vhost_fs_req *req, struct vfsmount *mnt)
{
	return vhost_fs_share_readonly(req->share) || __mnt_is_readonly(mnt);
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
