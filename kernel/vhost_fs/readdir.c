// SPDX-License-Identifier: GPL-2.0-only
/*
 * Directory listings: READDIR and READDIRPLUS.
 *
 * The file system hands out entries with its directory's lock held, so they are
 * first collected in a buffer of ours; READDIRPLUS then looks each name up,
 * without that lock, and fills in the room left for it.
 */
#include <linux/fs.h>
#include <linux/fuse.h>

#include "handle.h"
#include "lookup.h"
#include "node.h"
#include "op.h"
#include "reply.h"
#include "request.h"
#include "vq.h"

/* A listing is sent in pieces of at most this. */
#define VHOST_FS_READDIR_MAX	SZ_128K

/**
 * struct readdir_ctx - a listing being collected
 * @ctx: for iterate_dir()
 * @req: the request
 * @buf: where entries go
 * @size: its length
 * @used: bytes of it that are filled
 * @last: the last entry, whose offset isn't known until the next comes
 * @plus: room left before each entry for its attributes
 * @err: why nothing was collected
 */
struct readdir_ctx {
	struct dir_context ctx;
	struct vhost_fs_req *req;
	u8 *buf;
	size_t size;
	size_t used;
	struct fuse_dirent *last;
	size_t plus;
	int err;
};

static bool is_dotdot(const char *name, int len)
{
	return len == 2 && name[0] == '.' && name[1] == '.';
}

static bool is_dot_or_dotdot(const char *name, int len)
{
	return (len == 1 && name[0] == '.') || is_dotdot(name, len);
}

/* The parent of the share's root is no business of the guest's. */
static u64 entry_ino(struct vhost_fs_req *req, const char *name, int len,
		     u64 ino)
{
	if (is_dotdot(name, len) && req->handle->node->id == FUSE_ROOT_ID)
		return file_inode(req->handle->file)->i_ino;
	return ino;
}

static bool readdir_fill(struct dir_context *ctx, const char *name, int len,
			 loff_t offset, u64 ino, unsigned int type)
{
	struct readdir_ctx *rd = container_of(ctx, struct readdir_ctx, ctx);
	size_t need = rd->plus + FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + len);
	struct fuse_dirent *de;

	if (rd->last)
		rd->last->off = offset;
	if (need > rd->size - rd->used) {
		if (!rd->last)
			rd->err = -EINVAL;
		return false;
	}
	memset(rd->buf + rd->used, 0, need);
	de = (struct fuse_dirent *)(rd->buf + rd->used + rd->plus);
	de->ino = entry_ino(rd->req, name, len, ino);
	de->namelen = len;
	de->type = type;
	memcpy(de->name, name, len);
	rd->last = de;
	rd->used += need;
	return true;
}

static int readdir_collect(struct readdir_ctx *rd, loff_t offset)
{
	struct file *file = rd->req->handle->file;
	loff_t pos;
	int err;

	mutex_lock(&file->f_pos_lock);
	if (offset != file->f_pos) {
		pos = vfs_llseek(file, offset, SEEK_SET);
		if (pos < 0) {
			mutex_unlock(&file->f_pos_lock);
			return pos;
		}
	}
	err = iterate_dir(file, &rd->ctx);
	mutex_unlock(&file->f_pos_lock);
	if (rd->last)
		rd->last->off = rd->last->off ?: rd->ctx.pos;
	return err ?: rd->err;
}

/* An entry without a node number only names the file. */
static void plus_fill_one(struct vhost_fs_req *req, const struct path *dir,
			  struct fuse_direntplus *dp)
{
	struct qstr name = QSTR_INIT(dp->dirent.name, dp->dirent.namelen);
	struct vhost_fs_node *node;
	struct path child;

	if (is_dot_or_dotdot(dp->dirent.name, dp->dirent.namelen))
		return;
	if (vhost_fs_lookup_child_quietly(req, dir, &name, &child))
		return;
	node = vhost_fs_entry_add(req, &child, &dp->entry_out);
	if (IS_ERR(node))
		memset(&dp->entry_out, 0, sizeof(dp->entry_out));
	else
		vhost_fs_node_put(node);
	path_put(&child);
}

static void plus_fill(struct vhost_fs_req *req, u8 *buf, size_t used)
{
	struct path path;
	size_t pos = 0;

	/* An open directory can be listed wherever it is, but not entered. */
	if (vhost_fs_node_path(req, req->handle->node, &path))
		return;
	while (pos < used) {
		struct fuse_direntplus *dp = (void *)(buf + pos);

		plus_fill_one(req, &path, dp);
		pos += FUSE_DIRENTPLUS_SIZE(dp);
		cond_resched();
	}
	path_put(&path);
}

static int readdir(struct vhost_fs_req *req, bool plus)
{
	const struct fuse_read_in *in = req->arg;
	struct readdir_ctx rd = {
		.ctx.actor = readdir_fill,
		.req = req,
		.size = min3((size_t)in->size, (size_t)VHOST_FS_READDIR_MAX,
			     vhost_fs_reply_room(req)),
		.plus = plus ? FUSE_NAME_OFFSET_DIRENTPLUS - FUSE_NAME_OFFSET :
			       0,
	};
	int err;

	if (!rd.size)
		return -EINVAL;
	rd.buf = vhost_fs_req_buf(req, rd.size);
	if (!rd.buf)
		return -ENOMEM;
	vhost_fs_may_block_on(req, file_dentry(req->handle->file));
	err = readdir_collect(&rd, in->offset);
	if (err && !rd.used)
		return err;
	if (plus)
		plus_fill(req, rd.buf, rd.used);
	vhost_fs_reply_buf(req, rd.buf, rd.used);
	return 0;
}

/**
 * vhost_fs_op_readdir - FUSE_READDIR
 * @req: the request
 *
 * Return: 0; -EINVAL if not even one entry fits; or another errno.
 */
int vhost_fs_op_readdir(struct vhost_fs_req *req)
{
	return readdir(req, false);
}

/**
 * vhost_fs_op_readdirplus - FUSE_READDIRPLUS
 * @req: the request
 *
 * Return: as vhost_fs_op_readdir().
 */
int vhost_fs_op_readdirplus(struct vhost_fs_req *req)
{
	return readdir(req, true);
}
