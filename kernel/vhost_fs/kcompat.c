// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parts of kcompat.h that are too long for a header: the directory
 * operations of newer kernels, made from the older calls.
 */
#define VHOST_FS_KCOMPAT_IMPL
#include "kcompat.h"

#ifdef VHOST_FS_KCOMPAT_DIROPS

/**
 * kc_lookup_one_unlocked - lookup_one_unlocked() of 6.16 and later
 * @idmap: idmap of the mount the name is looked up on
 * @name: the name; its hash need not be set
 * @base: directory to look in
 *
 * Return: a dentry, negative if there is no such name, or an ERR_PTR.
 */
struct dentry *kc_lookup_one_unlocked(struct mnt_idmap *idmap,
				      struct qstr *name, struct dentry *base)
{
	return lookup_one_unlocked(idmap, name->name, base, name->len);
}

static struct dentry *kc_start_dirop(struct mnt_idmap *idmap,
				     struct dentry *parent, struct qstr *name)
{
	struct dentry *child;

	inode_lock_nested(d_inode(parent), I_MUTEX_PARENT);
	child = lookup_one(idmap, name->name, parent, name->len);
	if (IS_ERR(child))
		inode_unlock(d_inode(parent));
	return child;
}

/**
 * kc_start_creating - lock a directory and look up a name to be made in it
 * @idmap: idmap of the mount
 * @parent: the directory
 * @name: the name
 *
 * Return: a dentry, positive or negative, with @parent locked until
 * kc_end_dirop(); or an ERR_PTR, with nothing locked.
 */
struct dentry *kc_start_creating(struct mnt_idmap *idmap,
				 struct dentry *parent, struct qstr *name)
{
	return kc_start_dirop(idmap, parent, name);
}

/**
 * kc_start_removing - lock a directory and look up a name to be removed
 * @idmap: idmap of the mount
 * @parent: the directory
 * @name: the name
 *
 * Return: a positive dentry, with @parent locked until kc_end_dirop(); or an
 * ERR_PTR (-ENOENT if there is no such name), with nothing locked.
 */
struct dentry *kc_start_removing(struct mnt_idmap *idmap,
				 struct dentry *parent, struct qstr *name)
{
	struct dentry *child = kc_start_dirop(idmap, parent, name);

	if (!IS_ERR(child) && d_is_negative(child)) {
		kc_end_dirop(child);
		return ERR_PTR(-ENOENT);
	}
	return child;
}

/**
 * kc_end_dirop - undo kc_start_creating() or kc_start_removing()
 * @child: what it returned, or what kc_vfs_mkdir() made of it; errors are
 *	ignored
 */
void kc_end_dirop(struct dentry *child)
{
	if (IS_ERR(child))
		return;
	inode_unlock(d_inode(child->d_parent));
	dput(child);
}

static int kc_lookup_both(struct kc_renamedata *rd, struct qstr *old_last,
			  struct qstr *new_last)
{
	rd->old_dentry = lookup_one(rd->mnt_idmap, old_last->name,
				    rd->old_parent, old_last->len);
	if (IS_ERR(rd->old_dentry))
		return PTR_ERR(rd->old_dentry);
	rd->new_dentry = lookup_one(rd->mnt_idmap, new_last->name,
				    rd->new_parent, new_last->len);
	if (IS_ERR(rd->new_dentry)) {
		dput(rd->old_dentry);
		return PTR_ERR(rd->new_dentry);
	}
	return 0;
}

static int kc_check_both(struct kc_renamedata *rd, struct dentry *trap)
{
	bool exchange = rd->flags & RENAME_EXCHANGE;

	if (d_is_negative(rd->old_dentry))
		return -ENOENT;
	if (exchange && d_is_negative(rd->new_dentry))
		return -ENOENT;
	if ((rd->flags & RENAME_NOREPLACE) && d_is_positive(rd->new_dentry))
		return -EEXIST;
	if (rd->old_dentry == trap)
		return -EINVAL;
	if (rd->new_dentry == trap)
		return exchange ? -EINVAL : -ENOTEMPTY;
	return 0;
}

/**
 * kc_start_renaming - lock two directories and look up a name in each
 * @rd: parents, idmap and flags are given; the dentries are filled in
 * @lookup_flags: 0
 * @old_last: name to rename
 * @new_last: its new name
 *
 * Return: 0, with the directories locked until kc_end_renaming(); or an
 * error, with nothing locked.
 */
int kc_start_renaming(struct kc_renamedata *rd, int lookup_flags,
		      struct qstr *old_last, struct qstr *new_last)
{
	struct dentry *trap = lock_rename(rd->old_parent, rd->new_parent);
	int err;

	if (IS_ERR(trap))
		return PTR_ERR(trap);
	err = kc_lookup_both(rd, old_last, new_last);
	if (err) {
		unlock_rename(rd->old_parent, rd->new_parent);
		return err;
	}
	dget(rd->old_parent);
	err = kc_check_both(rd, trap);
	if (err)
		kc_end_renaming(rd);
	return err;
}

/**
 * kc_end_renaming - undo kc_start_renaming()
 * @rd: what was given to it
 */
void kc_end_renaming(struct kc_renamedata *rd)
{
	unlock_rename(rd->old_parent, rd->new_parent);
	dput(rd->old_dentry);
	dput(rd->new_dentry);
	dput(rd->old_parent);
}

/**
 * kc_vfs_rename - vfs_rename() with the newer renamedata
 * @rd: as kc_start_renaming() left it
 *
 * Return: 0 or an error.
 */
int kc_vfs_rename(struct kc_renamedata *rd)
{
	struct renamedata old = {
		.old_mnt_idmap = rd->mnt_idmap,
		.old_dir = d_inode(rd->old_parent),
		.old_dentry = rd->old_dentry,
		.new_mnt_idmap = rd->mnt_idmap,
		.new_dir = d_inode(rd->new_parent),
		.new_dentry = rd->new_dentry,
		.delegated_inode = &rd->delegated_inode->di_inode,
		.flags = rd->flags,
	};

	return vfs_rename(&old);
}

/**
 * kc_vfs_mkdir - vfs_mkdir() that returns the directory's dentry
 * @idmap: idmap of the mount
 * @dir: parent, locked by kc_start_creating()
 * @dentry: what that returned; used up by an error
 * @mode: permissions
 * @di: unused
 *
 * A file system may leave @dentry negative or unhashed after making the
 * directory; then it is looked up once more.
 *
 * Return: a positive dentry, to be given to kc_end_dirop(), or an ERR_PTR with
 * the parent unlocked.
 */
struct dentry *kc_vfs_mkdir(struct mnt_idmap *idmap, struct inode *dir,
			    struct dentry *dentry, umode_t mode,
			    struct delegated_inode *di)
{
	int err = vfs_mkdir(idmap, dir, dentry, mode);
	struct dentry *found;

	if (!err && unlikely(d_unhashed(dentry) || d_is_negative(dentry))) {
		d_drop(dentry);
		found = lookup_one(idmap, dentry->d_name.name,
				   dentry->d_parent, dentry->d_name.len);
		if (!IS_ERR(found)) {
			dput(dentry);
			dentry = found;
		}
		err = PTR_ERR_OR_ZERO(found);
		if (!err && d_is_negative(dentry))
			err = -ENOENT;
	}
	if (err) {
		kc_end_dirop(dentry);
		return ERR_PTR(err);
	}
	return dentry;
}

#endif /* VHOST_FS_KCOMPAT_DIROPS */
