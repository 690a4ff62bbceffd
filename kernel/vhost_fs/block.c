// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which file systems make who works on them wait, and for how long: whether a request
 * gives its ring away before, offers it, or keeps it (vq.c).
 */
#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/magic.h>

#include "vq.h"

/**
 * vhost_fs_in_memory - does a file system live in memory alone?
 * @sb: the file system
 *
 * Return: whether it does, so that it makes nobody wait.
 */
bool vhost_fs_in_memory(const struct super_block *sb)
{
	return sb->s_magic == TMPFS_MAGIC || sb->s_magic == RAMFS_MAGIC;
}

/*
 * On a disk, what is changed is in memory by then as a rule, and written later; unless it
 * is to be there at once, or somebody's program decides.
 */
static bool hardly_sleeps(const struct dentry *dentry)
{
	const struct super_block *sb = dentry->d_sb;
	struct inode *inode = d_inode(dentry);

	return (sb->s_type->fs_flags & FS_REQUIRES_DEV) &&
	       sb->s_magic != FUSE_SUPER_MAGIC &&
	       !(inode && (IS_SYNC(inode) || IS_DIRSYNC(inode)));
}

/*
 * Somebody else has it, who may sleep; in memory most likely another of this guest's
 * requests, which doesn't. A guest that was called each time would have its requests
 * answered, and be woken, one by one: hence vhost_fs_may_sleep() without @call.
 */
static bool is_locked(const struct dentry *dentry)
{
	struct inode *inode = d_inode(dentry);

	return inode && inode_is_locked(inode);
}

/**
 * vhost_fs_may_block_on - as vhost_fs_may_block(), before work on a file system
 * @req: the request
 * @dentry: what it works on
 *
 * A file system that lives in memory makes nobody wait, and handing the ring over
 * would only cost.
 *
 * Context: as vhost_fs_may_block().
 */
void vhost_fs_may_block_on(struct vhost_fs_req *req, const struct dentry *dentry)
{
	if (!vhost_fs_in_memory(dentry->d_sb))
		vhost_fs_may_block(req);
	else if (is_locked(dentry))
		vhost_fs_may_sleep(req, false);
}

/**
 * vhost_fs_may_sleep_on - as vhost_fs_may_sleep(), before work on a file system
 * @req: the request
 * @dentry: a directory in which a name is, or a file
 *
 * Context: as vhost_fs_may_block().
 */
void vhost_fs_may_sleep_on(struct vhost_fs_req *req, const struct dentry *dentry)
{
	bool memory = vhost_fs_in_memory(dentry->d_sb);

	if (memory ? is_locked(dentry) : hardly_sleeps(dentry))
		vhost_fs_may_sleep(req, !memory);
	else if (!memory)
		vhost_fs_may_block(req);
}
