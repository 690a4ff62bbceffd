/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between the kernels vhost_fs is built for. The module is
 * written for the newest kernel's names; this file gives them to older ones
 * and is the only place with version checks.
 */
#ifndef VHOST_FS_KCOMPAT_H
#define VHOST_FS_KCOMPAT_H

#include <linux/cred.h>
#include <linux/filelock.h>
#include <linux/fs.h>
#include <linux/mm_types.h>
#include <linux/namei.h>
#include <linux/security.h>
#include <linux/version.h>
#include <linux/fuse.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)

/* In 6.13 these two stopped taking a reference, and so needing one. */
static inline const struct cred *kc_override_creds(const struct cred *cred)
{
	return rcu_replace_pointer(current->cred, cred, 1);
}

static inline const struct cred *kc_revert_creds(const struct cred *cred)
{
	return rcu_replace_pointer(current->cred, cred, 1);
}

#define override_creds kc_override_creds
#define revert_creds kc_revert_creds

#endif /* < 6.13 */

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 14, 0)

/* What a security module knows of somebody, and how it writes that down. */
struct lsm_prop {
	u32 secid;
};

struct lsm_context {
	char *context;
	u32 len;
};

static inline void security_current_getlsmprop_subj(struct lsm_prop *prop)
{
	security_current_getsecid_subj(&prop->secid);
}

static inline int security_lsmprop_to_secctx(struct lsm_prop *prop,
					     struct lsm_context *cp, int lsmid)
{
	return security_secid_to_secctx(prop->secid, &cp->context, &cp->len);
}

static inline void kc_security_release_secctx(struct lsm_context *cp)
{
	security_release_secctx(cp->context, cp->len);
}

#define security_release_secctx kc_security_release_secctx

#endif /* < 6.14 */

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)

#define vfs_mmap call_mmap

#endif /* < 6.17 */

#ifndef EMPTY_VMA_FLAGS
/* For shmem_file_setup(), where it takes an integer. */
#define EMPTY_VMA_FLAGS 0
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 19, 0)

/* Directory operations that lock, look up and check permission in one call. */
#define VHOST_FS_KCOMPAT_DIROPS

struct delegated_inode {
	struct inode *di_inode;
};

static inline bool is_delegated(struct delegated_inode *di)
{
	return di->di_inode;
}

static inline int kc_break_deleg_wait(struct delegated_inode *di)
{
	return break_deleg_wait(&di->di_inode);
}

struct kc_renamedata {
	struct mnt_idmap *mnt_idmap;
	struct dentry *old_parent;
	struct dentry *old_dentry;
	struct dentry *new_parent;
	struct dentry *new_dentry;
	struct delegated_inode *delegated_inode;
	unsigned int flags;
};

static inline struct dentry *kc_lookup_one(struct mnt_idmap *idmap,
					   struct qstr *name,
					   struct dentry *base)
{
	return lookup_one(idmap, name->name, base, name->len);
}

struct dentry *kc_lookup_one_unlocked(struct mnt_idmap *idmap,
				      struct qstr *name, struct dentry *base);
struct dentry *kc_start_creating(struct mnt_idmap *idmap,
				 struct dentry *parent, struct qstr *name);
struct dentry *kc_start_removing(struct mnt_idmap *idmap,
				 struct dentry *parent, struct qstr *name);
void kc_end_dirop(struct dentry *child);
int kc_start_renaming(struct kc_renamedata *rd, int lookup_flags,
		      struct qstr *old_last, struct qstr *new_last);
void kc_end_renaming(struct kc_renamedata *rd);
int kc_vfs_rename(struct kc_renamedata *rd);
struct dentry *kc_vfs_mkdir(struct mnt_idmap *idmap, struct inode *dir,
			    struct dentry *dentry, umode_t mode,
			    struct delegated_inode *di);

static inline int kc_vfs_create(struct mnt_idmap *idmap, struct dentry *dentry,
				umode_t mode, struct delegated_inode *di)
{
	return vfs_create(idmap, d_inode(dentry->d_parent), dentry, mode, true);
}

static inline int kc_vfs_mknod(struct mnt_idmap *idmap, struct inode *dir,
			       struct dentry *dentry, umode_t mode, dev_t dev,
			       struct delegated_inode *di)
{
	return vfs_mknod(idmap, dir, dentry, mode, dev);
}

static inline int kc_vfs_symlink(struct mnt_idmap *idmap, struct inode *dir,
				 struct dentry *dentry, const char *target,
				 struct delegated_inode *di)
{
	return vfs_symlink(idmap, dir, dentry, target);
}

static inline int kc_vfs_rmdir(struct mnt_idmap *idmap, struct inode *dir,
			       struct dentry *dentry,
			       struct delegated_inode *di)
{
	return vfs_rmdir(idmap, dir, dentry);
}

static inline int kc_vfs_unlink(struct mnt_idmap *idmap, struct inode *dir,
				struct dentry *dentry,
				struct delegated_inode *di)
{
	return vfs_unlink(idmap, dir, dentry, &di->di_inode);
}

static inline int kc_vfs_link(struct dentry *old, struct mnt_idmap *idmap,
			      struct inode *dir, struct dentry *new,
			      struct delegated_inode *di)
{
	return vfs_link(old, idmap, dir, new, &di->di_inode);
}

static inline int kc_notify_change(struct mnt_idmap *idmap,
				   struct dentry *dentry, struct iattr *attr,
				   struct delegated_inode *di)
{
	return notify_change(idmap, dentry, attr, &di->di_inode);
}

#ifndef VHOST_FS_KCOMPAT_IMPL
#define break_deleg_wait kc_break_deleg_wait
#define renamedata kc_renamedata
#define lookup_one kc_lookup_one
#define lookup_one_unlocked kc_lookup_one_unlocked
#define start_creating kc_start_creating
#define start_removing kc_start_removing
#define end_creating kc_end_dirop
#define end_removing kc_end_dirop
#define start_renaming kc_start_renaming
#define end_renaming kc_end_renaming
#define vfs_rename kc_vfs_rename
#define vfs_create kc_vfs_create
#define vfs_mkdir kc_vfs_mkdir
#define vfs_mknod kc_vfs_mknod
#define vfs_symlink kc_vfs_symlink
#define vfs_rmdir kc_vfs_rmdir
#define vfs_unlink kc_vfs_unlink
#define vfs_link kc_vfs_link
#define notify_change kc_notify_change
#endif

#endif /* < 6.19 */

#if FUSE_KERNEL_MINOR_VERSION < 45

#define FUSE_COPY_FILE_RANGE_64 53

struct fuse_copy_file_range_out {
	uint64_t bytes_copied;
};

#endif /* < 7.45 */

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
#define file_kattr fileattr
/* Nothing is refused, nor dropped, before the file system sees it. */
#define FS_XFLAGS_MASK (~0U)
#define FS_XFLAG_RDONLY_MASK 0U
#endif

#ifndef RENAME_VALID
#define RENAME_VALID (RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT)
#endif

#endif /* VHOST_FS_KCOMPAT_H */
