/* SPDX-License-Identifier: GPL-2.0-only */
/* File handles: what a file system finds an inode by. */
#ifndef VHOST_FS_FH_H
#define VHOST_FS_FH_H

#include <linux/exportfs.h>
#include <linux/overflow.h>
#include <linux/path.h>
#include <linux/types.h>

struct dentry;
struct super_block;

/**
 * struct vhost_fs_fh - what a file system finds an inode by
 * @key_type: type of the handle of the inode alone
 * @type: type of the handle that is decoded, which may name the parent too
 * @key_words: length of the former, at the beginning of @data
 * @words: length of the latter
 * @start: where in @data the latter begins: 0 if it begins with the former
 * @data: both
 *
 * Constant once a node has it.
 */
struct vhost_fs_fh {
	u8 key_type;
	u8 type;
	u8 key_words;
	u8 words;
	u8 start;
	u32 data[];
};

/* The same with room for any handle. */
struct vhost_fs_fh_buf {
	union {
		struct vhost_fs_fh fh;
		u8 room[sizeof(struct vhost_fs_fh) + 2 * MAX_HANDLE_SZ];
	};
};

static inline size_t vhost_fs_fh_size(const struct vhost_fs_fh *fh)
{
	return struct_size(fh, data, fh->start + fh->words);
}

int vhost_fs_fh_encode(struct vhost_fs_fh_buf *buf, struct dentry *dentry);
struct vhost_fs_fh *vhost_fs_fh_dup(const struct vhost_fs_fh *fh, gfp_t gfp);
u32 vhost_fs_fh_hash(const struct vhost_fs_fh *fh, u32 seed);
bool vhost_fs_fh_same_inode(const struct vhost_fs_fh *a,
			    const struct vhost_fs_fh *b);
bool vhost_fs_fh_equal(const struct vhost_fs_fh *a, const struct vhost_fs_fh *b);
struct dentry *vhost_fs_fh_decode(const struct vhost_fs_fh *fh,
				  const struct path *top, bool still);
bool vhost_fs_fh_gone(const struct vhost_fs_fh *fh, struct vfsmount *mnt);
bool vhost_fs_fh_may(const struct super_block *sb);
int vhost_fs_fh_check_root(const struct path *root);

#endif /* VHOST_FS_FH_H */
