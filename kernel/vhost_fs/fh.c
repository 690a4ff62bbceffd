// SPDX-License-Identifier: GPL-2.0-only
/*
 * File handles: what a file system finds an inode by, without anybody keeping
 * the inode in memory.
 *
 * A handle never leaves the kernel. The guest knows node numbers only, so it
 * can't make up a handle for what it hasn't looked up.
 *
 * What a handle leads to must be shown to lie inside the share each time, since
 * the host may have moved it. For that a dentry is needed that is connected
 * with the root of its file system. exportfs gives such a one for each
 * directory. Any other file that has left the dcache comes back as a dentry
 * that hangs nowhere, and says nothing of where the file lies; so the handle of
 * a file names its parent directory too, where the file system can do that, and
 * exportfs finds the file's name there, at the price of reading the directory.
 * The price is saved while nothing on the host was renamed since the file was
 * last seen inside: then it is still where it was.
 *
 * A file that can be shown to be inside by neither is stale to the guest until
 * it is looked up by name, which any guest does by itself on ESTALE. Such are
 * files that left the dcache and, since then, either got another parent by the
 * host, or lie on a file system that names no parents.
 */
#include <linux/exportfs.h>
#include <linux/fs.h>
#include <linux/jhash.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

#include "fh.h"

#define FH_MAX_WORDS	(MAX_HANDLE_SZ / sizeof(u32))

/**
 * struct fh_place - where what is decoded must lie
 * @top: what it must be, or lie below
 * @still: take a file that hangs nowhere
 */
struct fh_place {
	struct dentry *top;
	bool still;
};

/* One handle of at most FH_MAX_WORDS; returns its type, or 0. */
static u8 fh_encode_one(struct dentry *dentry, u32 *data, u8 *words, int flags)
{
	int len = FH_MAX_WORDS;
	int type = exportfs_encode_fh(dentry, (struct fid *)data, &len, flags);

	if (type <= 0 || type >= FILEID_INVALID || len < 1 ||
	    len > FH_MAX_WORDS)
		return 0;
	*words = len;
	return type;
}

/* A dentry without a parent can't tell which directory the file lies in. */
static bool fh_has_parent(const struct dentry *dentry)
{
	return !d_is_dir(dentry) && !IS_ROOT(dentry) &&
	       dentry->d_sb->s_export_op->fh_to_parent;
}

static void fh_add_parent(struct vhost_fs_fh *fh, struct dentry *dentry)
{
	u32 *second = fh->data + fh->key_words;
	u8 type, words;

	type = fh_encode_one(dentry, second, &words, EXPORT_FH_CONNECTABLE);
	if (!type)
		return;
	fh->type = type;
	fh->words = words;
	if (words >= fh->key_words &&
	    !memcmp(fh->data, second, fh->key_words * sizeof(u32)))
		memmove(fh->data, second, words * sizeof(u32));
	else
		fh->start = fh->key_words;
}

/**
 * vhost_fs_fh_encode - make the handle of a file
 * @buf: filled in
 * @dentry: one of the file's names
 *
 * Return: 0; -EOPNOTSUPP if the file system can't do this, or its handles are
 * too long.
 */
int vhost_fs_fh_encode(struct vhost_fs_fh_buf *buf, struct dentry *dentry)
{
	struct vhost_fs_fh *fh = &buf->fh;

	if (!exportfs_can_decode_fh(dentry->d_sb->s_export_op))
		return -EOPNOTSUPP;
	/* Its padding, too: vhost_fs_fh_equal() compares bytes. */
	memset(fh, 0, sizeof(*fh));
	fh->key_type = fh_encode_one(dentry, fh->data, &fh->key_words, 0);
	if (!fh->key_type)
		return -EOPNOTSUPP;
	fh->type = fh->key_type;
	fh->words = fh->key_words;
	if (fh_has_parent(dentry))
		fh_add_parent(fh, dentry);
	return 0;
}

/**
 * vhost_fs_fh_dup - copy a handle into memory of its size
 * @fh: the handle
 * @gfp: GFP_KERNEL_ACCOUNT, and what else is wanted
 *
 * Return: the copy, to be given to kfree(), or NULL.
 */
struct vhost_fs_fh *vhost_fs_fh_dup(const struct vhost_fs_fh *fh, gfp_t gfp)
{
	return kmemdup(fh, vhost_fs_fh_size(fh), gfp);
}

/**
 * vhost_fs_fh_hash - hash of the inode that a handle is for
 * @fh: the handle
 * @seed: of the table
 *
 * Return: the hash.
 */
u32 vhost_fs_fh_hash(const struct vhost_fs_fh *fh, u32 seed)
{
	return jhash2(fh->data, fh->key_words, seed ^ fh->key_type);
}

/**
 * vhost_fs_fh_same_inode - are two handles of a file system for one inode?
 * @a: the one
 * @b: the other
 *
 * Return: whether they are.
 */
bool vhost_fs_fh_same_inode(const struct vhost_fs_fh *a,
			    const struct vhost_fs_fh *b)
{
	return a->key_type == b->key_type && a->key_words == b->key_words &&
	       !memcmp(a->data, b->data, a->key_words * sizeof(u32));
}

/**
 * vhost_fs_fh_equal - do two handles say the same, the parent included?
 * @a: the one
 * @b: the other
 *
 * Return: whether they do.
 */
bool vhost_fs_fh_equal(const struct vhost_fs_fh *a, const struct vhost_fs_fh *b)
{
	size_t size = vhost_fs_fh_size(a);

	return size == vhost_fs_fh_size(b) && !memcmp(a, b, size);
}

static int fh_acceptable(void *context, struct dentry *dentry)
{
	const struct fh_place *place = context;

	if (is_subdir(dentry, place->top))
		return 1;
	return place->still && !d_is_dir(dentry) && IS_ROOT(dentry) &&
	       (dentry->d_flags & DCACHE_DISCONNECTED);
}

/**
 * vhost_fs_fh_decode - find the file of a handle
 * @fh: the handle
 * @top: of the file's mount: what the file must be, or lie below
 * @still: nothing was renamed since the file was last seen below @top
 *
 * Return: a dentry, with a reference; -ESTALE if the file is no more or can't be
 * shown to lie there; -ENOMEM; -EINTR if the thread is killed.
 *
 * Context: may read from the disk.
 */
struct dentry *vhost_fs_fh_decode(const struct vhost_fs_fh *fh,
				  const struct path *top, bool still)
{
	struct fh_place place = { .top = top->dentry, .still = still };
	struct dentry *dentry;

	dentry = exportfs_decode_fh(top->mnt,
				    (struct fid *)(fh->data + fh->start),
				    fh->words, fh->type, fh_acceptable, &place);
	if (!IS_ERR_OR_NULL(dentry))
		return dentry;
	/* exportfs calls every error but one stale. */
	if (fatal_signal_pending(current))
		return ERR_PTR(-EINTR);
	return dentry ?: ERR_PTR(-ESTALE);
}

/**
 * vhost_fs_fh_gone - does the file system say that a handle's file is no more?
 * @fh: the handle, which couldn't be decoded
 * @mnt: the mount
 *
 * Return: whether it does; not if the file is there, but elsewhere, nor if there was
 * an error of another kind.
 *
 * Context: may read from the disk.
 */
bool vhost_fs_fh_gone(const struct vhost_fs_fh *fh, struct vfsmount *mnt)
{
	struct dentry *dentry;

	dentry = exportfs_decode_fh_raw(mnt, (struct fid *)(fh->data + fh->start),
					fh->words, fh->type, 0, NULL, NULL);
	if (IS_ERR_OR_NULL(dentry))
		return !dentry || dentry == ERR_PTR(-ESTALE);
	dput(dentry);
	return false;
}

/**
 * vhost_fs_fh_may - may the caller find files by their handles?
 * @sb: the file system
 *
 * By a handle could be reached what the share's owner could not reach by name.
 *
 * Return: whether the current credentials say so.
 */
bool vhost_fs_fh_may(const struct super_block *sb)
{
	return ns_capable_noaudit(sb->s_user_ns, CAP_DAC_READ_SEARCH);
}

/**
 * vhost_fs_fh_check_root - can the file system of a share's root do handles?
 * @root: the root
 *
 * Return: 0; -EOPNOTSUPP if it can't make them, or not find its root by one.
 */
int vhost_fs_fh_check_root(const struct path *root)
{
	struct vhost_fs_fh_buf buf;
	struct dentry *found;
	int err;

	err = vhost_fs_fh_encode(&buf, root->dentry);
	if (err)
		return err;
	found = vhost_fs_fh_decode(&buf.fh, root, false);
	if (IS_ERR(found))
		return found == ERR_PTR(-ENOMEM) ? -ENOMEM : -EOPNOTSUPP;
	err = found == root->dentry ? 0 : -EOPNOTSUPP;
	dput(found);
	return err;
}
