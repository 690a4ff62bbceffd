// SPDX-License-Identifier: GPL-2.0-only
/*
 * POSIX ACLs, as the attributes by which guests know them.
 *
 * The user and group ids inside are the guest's: the share's rules and its user
 * namespace say whom they mean on the host. What the mount's idmap makes of them
 * on the way to the file system is undone on the way back.
 */
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>

#include "idmap.h"
#include "request.h"
#include "xattr.h"

/* Ids that were read as they are become those that the guest means. */
static int acl_ids_in(const struct vhost_fs_req *req, struct posix_acl *acl)
{
	struct posix_acl_entry *entry;
	unsigned int i;
	int err = 0;

	for (i = 0; i < acl->a_count && !err; i++) {
		entry = &acl->a_entries[i];
		if (entry->e_tag == ACL_USER)
			err = vhost_fs_uid_in(req, __kuid_val(entry->e_uid),
					      &entry->e_uid);
		else if (entry->e_tag == ACL_GROUP)
			err = vhost_fs_gid_in(req, __kgid_val(entry->e_gid),
					      &entry->e_gid);
	}
	return err;
}

/**
 * vhost_fs_acl_set - set or remove a POSIX ACL
 * @req: the request
 * @path: what to set it on; write access to its mount is held
 * @name: XATTR_NAME_POSIX_ACL_ACCESS or XATTR_NAME_POSIX_ACL_DEFAULT
 * @value: what setxattr(2) takes
 * @size: bytes of @value; 0 removes the ACL
 *
 * Return: 0 or an errno.
 */
int vhost_fs_acl_set(struct vhost_fs_req *req, const struct path *path,
		     const char *name, const void *value, size_t size)
{
	struct posix_acl *acl = NULL;
	int err = 0;

	if (size) {
		acl = posix_acl_from_xattr(&init_user_ns, value, size);
		if (IS_ERR(acl))
			return PTR_ERR(acl);
	}
	if (acl)
		err = acl_ids_in(req, acl);
	if (!err)
		err = vfs_set_acl(mnt_idmap(path->mnt), path->dentry, name,
				  acl);
	posix_acl_release(acl);
	return err;
}

/* The id of an entry, as the guest knows it. */
static u32 entry_id(const struct vhost_fs_req *req, const struct path *path,
		    const struct posix_acl_entry *entry)
{
	struct mnt_idmap *idmap = mnt_idmap(path->mnt);
	struct user_namespace *fs_ns = i_user_ns(d_inode(path->dentry));
	vfsuid_t uid;
	vfsgid_t gid;

	switch (entry->e_tag) {
	case ACL_USER:
		uid = make_vfsuid(idmap, fs_ns, entry->e_uid);
		return vhost_fs_uid_out(req, vfsuid_into_kuid(uid));
	case ACL_GROUP:
		gid = make_vfsgid(idmap, fs_ns, entry->e_gid);
		return vhost_fs_gid_out(req, vfsgid_into_kgid(gid));
	default:
		return ACL_UNDEFINED_ID;
	}
}

static void acl_fill(const struct vhost_fs_req *req, const struct path *path,
		     const struct posix_acl *acl,
		     struct posix_acl_xattr_header *header)
{
	struct posix_acl_xattr_entry *out = (void *)(header + 1);
	unsigned int i;

	header->a_version = cpu_to_le32(POSIX_ACL_XATTR_VERSION);
	for (i = 0; i < acl->a_count; i++) {
		const struct posix_acl_entry *entry = &acl->a_entries[i];

		out[i].e_tag = cpu_to_le16(entry->e_tag);
		out[i].e_perm = cpu_to_le16(entry->e_perm);
		out[i].e_id = cpu_to_le32(entry_id(req, path, entry));
	}
}

/**
 * vhost_fs_acl_get - read a POSIX ACL
 * @req: the request
 * @path: what has it
 * @name: XATTR_NAME_POSIX_ACL_ACCESS or XATTR_NAME_POSIX_ACL_DEFAULT
 * @buf: filled in as by getxattr(2)
 * @size: bytes of @buf; 0 asks for the length only
 *
 * Return: length of the value, or an errno.
 */
ssize_t vhost_fs_acl_get(struct vhost_fs_req *req, const struct path *path,
			 const char *name, void *buf, size_t size)
{
	struct posix_acl *acl;
	ssize_t len;

	acl = vfs_get_acl(mnt_idmap(path->mnt), path->dentry, name);
	if (IS_ERR(acl))
		return PTR_ERR(acl);
	len = posix_acl_xattr_size(acl->a_count);
	if (size && len > size)
		len = -ERANGE;
	else if (size)
		acl_fill(req, path, acl, buf);
	posix_acl_release(acl);
	return len;
}
