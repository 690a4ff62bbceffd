// SPDX-License-Identifier: GPL-2.0-only
/*
 * Saving a device's state: what the guest has been given, as a stream.
 *
 * A node is found again by its parent and its name, of which its dentry knows
 * both, so nothing is prepared and nothing searched; a file handle is its second
 * way, for a file that has no name any more, or one that a stream can't have.
 * The stream begins with the number of nodes, and a node's lookup count has one
 * more for each node that names it as its parent. Neither is known before all
 * nodes have been looked at: so these are put together in memory first, each
 * with its own lookups, and written when their children have been counted.
 *
 * The device is stopped and the transfer keeps it so; what the host does to the
 * files meanwhile is found at one moment or another, node by node.
 */
#include <linux/fuse.h>
#include <linux/mount.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "dev.h"
#include "fh.h"
#include "handle.h"
#include "lock.h"
#include "node.h"
#include "request.h"
#include "session.h"
#include "share.h"
#include "state.h"

/* Written at a time. */
#define SAVE_CHUNK	SZ_64K

/* Mounts that file handles may be on. */
#define SAVE_MAX_MOUNTS	1024

/**
 * struct saver - a state that is being saved
 * @req: what the file system is asked by
 * @s: the session
 * @root: the share's root
 * @migration: VHOST_FS_MIGRATION_*
 * @io: where to
 * @report: what went wrong
 * @nodes: nodes, encoded
 * @nr_nodes: how many
 * @nr_handles: handles to be written
 * @ways: handles with directories, encoded
 * @nr_ways: how many
 * @children: by number of a node, how many name it as their parent
 * @mounts: mounts that file handles are on, pinned
 * @nr_mounts: entries of @mounts
 * @out: SAVE_CHUNK bytes to be written, and room for another item
 * @out_len: bytes of @out
 * @item: room for an item
 * @text: room for a path
 * @fh: a file handle, and one to verify
 */
struct saver {
	struct vhost_fs_req *req;
	struct vhost_fs_session *s;
	const struct path *root;
	u32 migration;
	struct vhost_fs_state_io *io;
	struct vhost_fs_state_report *report;
	struct vhost_fs_state_blob nodes;
	u64 nr_nodes;
	u64 nr_handles;
	struct vhost_fs_state_blob ways;
	u64 nr_ways;
	struct xarray children;
	struct vfsmount **mounts;
	unsigned int nr_mounts;
	u8 *out;
	size_t out_len;
	u8 item[VHOST_FS_STATE_ITEM_MAX];
	u8 text[VHOST_FS_STATE_PATH_MAX];
	struct vhost_fs_fh_buf fh[2];
};

static struct saver *saver_alloc(struct vhost_fs_req *req,
				 struct vhost_fs_state_io *io,
				 struct vhost_fs_state_report *report)
{
	struct saver *sv = kvzalloc(sizeof(*sv), GFP_KERNEL_ACCOUNT);

	if (!sv)
		return NULL;
	sv->req = req;
	sv->s = &req->fs->session;
	sv->root = &req->share->root;
	sv->migration = req->share->migration;
	sv->io = io;
	sv->report = report;
	xa_init_flags(&sv->children, XA_FLAGS_ACCOUNT);
	sv->mounts = kvcalloc(SAVE_MAX_MOUNTS, sizeof(*sv->mounts),
			      GFP_KERNEL_ACCOUNT);
	sv->out = kvmalloc(SAVE_CHUNK + VHOST_FS_STATE_ITEM_MAX,
			   GFP_KERNEL_ACCOUNT);
	return sv;
}

static void saver_free(struct saver *sv)
{
	while (sv->nr_mounts)
		mntput(sv->mounts[--sv->nr_mounts]);
	kvfree(sv->mounts);
	kvfree(sv->out);
	xa_destroy(&sv->children);
	vhost_fs_state_blob_free(&sv->nodes);
	vhost_fs_state_blob_free(&sv->ways);
	kvfree(sv);
}

/* ---- writing ---------------------------------------------------------- */

static int save_flush(struct saver *sv)
{
	size_t len = sv->out_len;
	int err;

	sv->out_len = 0;
	/* Who reads it wants room for a byte more, to see that it ends. */
	if (sv->io->bytes + len >= VHOST_FS_STATE_MAX)
		return -EOVERFLOW;
	err = vhost_fs_state_io_write(sv->io, sv->out, len);
	cond_resched();
	return err;
}

/* The next item was put at save_at(). */
static int save_put(struct saver *sv, size_t len)
{
	sv->out_len += len;
	return sv->out_len < SAVE_CHUNK ? 0 : save_flush(sv);
}

static u8 *save_at(struct saver *sv)
{
	return sv->out + sv->out_len;
}

/* An item that is written later. What can't be written has no memory used up. */
static int save_keep(struct saver *sv, struct vhost_fs_state_blob *blob, size_t len)
{
	if (sv->nodes.len + sv->ways.len + len > VHOST_FS_STATE_MAX)
		return -EOVERFLOW;
	return vhost_fs_state_blob_append(blob, sv->item, len);
}

/* ---- where a node is -------------------------------------------------- */

/* A number for a mount, which says nothing but that. */
static int save_mount_id(struct saver *sv, struct vfsmount *mnt, u64 *id)
{
	unsigned int i;

	for (i = 0; i < sv->nr_mounts; i++)
		if (sv->mounts[i] == mnt)
			break;
	if (i == SAVE_MAX_MOUNTS)
		return -EOVERFLOW;
	if (i == sv->nr_mounts)
		sv->mounts[sv->nr_mounts++] = mntget(mnt);
	*id = i + 1;
	return 0;
}

/* As open_by_handle_at(2) takes it: of the inode alone. */
static int save_fh(const struct path *path, struct vhost_fs_fh_buf *buf,
		   struct vhost_fs_state_fh *fh)
{
	int err = vhost_fs_fh_encode(buf, path->dentry);

	if (err)
		return err;
	fh->type = buf->fh.key_type;
	fh->handle.data = (const u8 *)buf->fh.data;
	fh->handle.len = buf->fh.key_words * sizeof(u32);
	return 0;
}

/*
 * The same with the directory, where the file system can do that: another host
 * then finds the way to the file, which it may not have in its caches.
 */
static int save_way(struct saver *sv, u64 node, const struct vhost_fs_fh *fh)
{
	const struct vhost_fs_state_way way = {
		.node = node,
		.type = fh->type,
		.handle.data = (const u8 *)(fh->data + fh->start),
		.handle.len = fh->words * sizeof(u32),
	};

	if (fh->type == fh->key_type)
		return 0;
	sv->nr_ways++;
	return save_keep(sv, &sv->ways, vhost_fs_state_put_way(sv->item, &way));
}

static int save_by_handle(struct saver *sv, const struct path *path,
			  struct vhost_fs_state_node *node)
{
	int err = save_fh(path, &sv->fh[0], &node->fh);

	if (!err)
		err = save_mount_id(sv, path->mnt, &node->fh.mount_id);
	if (!err)
		err = save_way(sv, node->id, &sv->fh[0].fh);
	if (!err)
		node->location = VHOST_FS_STATE_FILE_HANDLE;
	return err;
}

/* Another name of the file, inside the share, if this one is gone. */
static int save_find_name(struct saver *sv, struct path *path)
{
	struct path other = { .mnt = path->mnt };

	if (!d_unlinked(path->dentry))
		return 0;
	other.dentry = d_find_alias(d_inode(path->dentry));
	if (!other.dentry)
		return -ENOENT;
	if (d_unlinked(other.dentry) || !vhost_fs_path_inside(&other, sv->root)) {
		dput(other.dentry);
		return -ENOENT;
	}
	dput(path->dentry);
	path->dentry = other.dentry;
	return 0;
}

/* Does the file system still find the file by this name? */
static int save_confirm(struct saver *sv, const struct path *dir,
			const struct vhost_fs_state_bytes *name,
			const struct path *path)
{
	struct path found = *dir;
	int err;

	path_get(&found);
	err = vhost_fs_state_path_down(sv->req, &found, name);
	if (!err && (found.mnt != path->mnt ||
		     d_inode(found.dentry) != d_inode(path->dentry)))
		err = -ENOENT;
	path_put(&found);
	return err;
}

/* The number that the guest has for a directory; 0 if it has none. */
static int save_parent(struct saver *sv, const struct path *dir, u64 *id)
{
	struct vhost_fs_node *parent = vhost_fs_node_peek(sv->req, dir);

	*id = 0;
	if (IS_ERR(parent))
		return PTR_ERR(parent) == -ENOMEM ? -ENOMEM : 0;
	if (!parent)
		return 0;
	if (atomic64_read(&parent->nlookup))
		*id = parent->id;
	vhost_fs_node_put(parent);
	return 0;
}

static int save_count_child(struct saver *sv, u64 parent)
{
	void *entry = xa_load(&sv->children, parent);
	unsigned long nr = entry ? xa_to_value(entry) : 0;

	return xa_err(xa_store(&sv->children, parent, xa_mk_value(nr + 1),
			       GFP_KERNEL));
}

static int save_full_path(struct saver *sv, const struct path *path,
			  struct vhost_fs_state_node *node)
{
	int err = vhost_fs_state_path_text(sv->root, path, sv->text,
					   &node->name);

	if (!err)
		node->location = VHOST_FS_STATE_FULL_PATH;
	return err;
}

/* By parent and name; by all names if the guest has forgotten the parent. */
static int save_in_dir(struct saver *sv, const struct path *dir,
		       const struct path *path,
		       struct vhost_fs_state_node *node)
{
	int err;

	/* Some file systems have names longer than any other's. */
	if (node->name.len > VHOST_FS_STATE_NAME_MAX ||
	    !vhost_fs_state_is_utf8(node->name.data, node->name.len))
		return -EILSEQ;
	if (sv->migration & VHOST_FS_MIGRATION_CONFIRM_PATHS) {
		err = save_confirm(sv, dir, &node->name, path);
		if (err)
			return err;
	}
	err = save_parent(sv, dir, &node->parent);
	if (err)
		return err;
	if (!node->parent)
		return save_full_path(sv, path, node);
	memcpy(sv->text, node->name.data, node->name.len);
	node->name.data = sv->text;
	node->location = VHOST_FS_STATE_PATH;
	return save_count_child(sv, node->parent);
}

static int save_by_name(struct saver *sv, struct path *path,
			struct vhost_fs_state_node *node)
{
	struct name_snapshot name;
	struct path dir;
	int err;

	err = save_find_name(sv, path);
	if (err)
		return err;
	dir = *path;
	path_get(&dir);
	err = vhost_fs_state_path_up(sv->root, &dir, &name);
	if (!err) {
		node->name.data = name.name.name;
		node->name.len = name.name.len;
		err = save_in_dir(sv, &dir, path, node);
		release_dentry_name_snapshot(&name);
	}
	path_put(&dir);
	return err;
}

/* By what the share's owner prefers, or else the other way. */
static int save_find(struct saver *sv, struct path *path,
		     struct vhost_fs_state_node *node)
{
	int err;

	if (sv->migration & VHOST_FS_MIGRATION_FILE_HANDLES) {
		err = save_by_handle(sv, path, node);
		return err == -EOPNOTSUPP ? save_by_name(sv, path, node) : err;
	}
	err = save_by_name(sv, path, node);
	return err && err != -ENOMEM ? save_by_handle(sv, path, node) : err;
}

static int save_verify(struct saver *sv, const struct path *path,
		       struct vhost_fs_state_node *node)
{
	int err;

	if (!(sv->migration & VHOST_FS_MIGRATION_VERIFY_HANDLES))
		return 0;
	/* The mount has another number elsewhere, and isn't compared. */
	err = save_fh(path, &sv->fh[1], &node->verify);
	node->has_verify = !err;
	return err == -EOPNOTSUPP ? 0 : err;
}

/* What can't be told of a file, is that it is lost. */
static int save_locate(struct saver *sv, struct vhost_fs_node *from,
		       struct vhost_fs_state_node *node)
{
	struct path path;
	int err;

	if (from->id == FUSE_ROOT_ID) {
		node->location = VHOST_FS_STATE_ROOT;
		return save_verify(sv, sv->root, node);
	}
	err = vhost_fs_node_path(sv->req, from, &path);
	if (!err) {
		err = save_find(sv, &path, node);
		if (!err)
			err = save_verify(sv, &path, node);
		path_put(&path);
	}
	if (err && signal_pending(current))
		err = -EINTR;
	if (!err || err == -ENOMEM || err == -EOVERFLOW || err == -EINTR)
		return err;
	node->location = VHOST_FS_STATE_INVALID;
	sv->report->lost_nodes++;
	return 0;
}

/* ---- nodes ------------------------------------------------------------ */

static int save_node(struct saver *sv, struct vhost_fs_node *from)
{
	struct vhost_fs_state_node node = {
		.id = from->id,
		.refcount = atomic64_read(&from->nlookup),
	};
	int err;

	/* Dormant: what the guest has forgotten need not come along. */
	if (!node.refcount)
		return 0;
	err = save_locate(sv, from, &node);
	if (err)
		return err;
	sv->nr_nodes++;
	return save_keep(sv, &sv->nodes, vhost_fs_state_put_node(sv->item, &node));
}

static int save_collect_nodes(struct saver *sv)
{
	struct vhost_fs_node *node;
	unsigned long id;
	int err;

	xa_for_each(&sv->s->nodes, id, node) {
		err = vhost_fs_state_io_over(sv->io);
		if (!err)
			err = save_node(sv, node);
		if (err)
			return vhost_fs_state_fail(sv->report, err,
						   VHOST_FS_STATE_ERR_NODE, id);
		cond_resched();
	}
	return 0;
}

static int save_write_nodes(struct saver *sv)
{
	const u8 *nodes = vhost_fs_state_blob_map(&sv->nodes);
	struct vhost_fs_state_node node;
	size_t at = 0;
	void *entry;
	u64 i;
	int err;

	if (!nodes)
		return -ENOMEM;
	err = save_put(sv, vhost_fs_state_put_begin(save_at(sv), sv->nr_nodes));
	for (i = 0; i < sv->nr_nodes && !err; i++) {
		if (!vhost_fs_state_get_node(nodes, sv->nodes.len, &at, &node))
			return -EIO;
		entry = xa_load(&sv->children, node.id);
		if (entry)
			node.refcount += xa_to_value(entry);
		err = save_put(sv, vhost_fs_state_put_node(save_at(sv), &node));
	}
	return err;
}

/* ---- handles ---------------------------------------------------------- */

/* Can a handle be opened again: is there a file, and a node that is known? */
static bool save_has_handle(const struct vhost_fs_handle *handle)
{
	return handle->file && atomic64_read(&handle->node->nlookup);
}

/*
 * What the guest has written may still be on its way from this host to a file server
 * of which the next host reads, and must not get there after what that one writes.
 * The others the guest has closed, and they were flushed then. Where that fails the
 * server has what it has, whether or not the guest moves.
 */
static void save_write_back(const struct vhost_fs_handle *handle)
{
	struct file *file = handle->file;

	if (file->f_op->flush && (file->f_mode & FMODE_WRITE))
		file->f_op->flush(file, NULL);
}

/* Locks of the host's are not in a state, and can't be done without. */
static int save_check_handles(struct saver *sv)
{
	struct vhost_fs_handle *handle;
	unsigned long id;
	int err;

	if (READ_ONCE(sv->req->fs->locks.nr))
		return vhost_fs_state_fail(sv->report, -EBUSY,
					   VHOST_FS_STATE_ERR_LOCKS, 0);
	xa_for_each(&sv->s->handles, id, handle) {
		err = vhost_fs_state_io_over(sv->io);
		if (err)
			return vhost_fs_state_fail(sv->report, err,
						   VHOST_FS_STATE_ERR_CANCELLED, 0);
		if (!save_has_handle(handle)) {
			sv->report->lost_handles++;
			continue;
		}
		if (vhost_fs_lock_served(sv->req->share) &&
		    vhost_fs_lock_held(handle->file))
			return vhost_fs_state_fail(sv->report, -EBUSY,
						   VHOST_FS_STATE_ERR_LOCKS, id);
		save_write_back(handle);
		sv->nr_handles++;
		cond_resched();
	}
	return 0;
}

/* What it takes to open the file again, and not what the share's options add. */
static s32 save_flags(const struct vhost_fs_handle *handle)
{
	s32 flags = handle->file->f_flags & ~(O_NOATIME | O_CREAT | O_EXCL |
					      O_TRUNC | O_NOFOLLOW | __O_TMPFILE);

	return handle->dir ? flags | O_DIRECTORY : flags;
}

static int save_write_handles(struct saver *sv)
{
	struct vhost_fs_state_handle out;
	struct vhost_fs_handle *handle;
	unsigned long id;
	int err;

	err = save_put(sv, vhost_fs_state_put_middle(save_at(sv),
						     atomic64_read(&sv->s->next_node) + 1,
						     sv->nr_handles));
	xa_for_each(&sv->s->handles, id, handle) {
		if (err)
			break;
		if (!save_has_handle(handle))
			continue;
		out.id = id;
		out.node = handle->node->id;
		out.flags = save_flags(handle);
		err = save_put(sv, vhost_fs_state_put_handle(save_at(sv), &out));
	}
	return err;
}

/* ---- the rest --------------------------------------------------------- */

/* Where a mount is; the share itself for one that is there no more. */
static int save_write_mount(struct saver *sv, unsigned int i)
{
	struct vhost_fs_state_mount mount = { .id = i + 1 };
	struct path path = { .mnt = sv->mounts[i] };

	path.dentry = path.mnt == sv->root->mnt ? sv->root->dentry :
						  path.mnt->mnt_root;
	if (vhost_fs_state_path_text(sv->root, &path, sv->text, &mount.path)) {
		mount.path.data = ".";
		mount.path.len = 1;
	}
	return save_put(sv, vhost_fs_state_put_mount(save_at(sv), &mount));
}

static int save_write_ways(struct saver *sv)
{
	const u8 *ways = vhost_fs_state_blob_map(&sv->ways);
	size_t at, n;
	int err = ways ? 0 : -ENOMEM;

	for (at = 0; at < sv->ways.len && !err; at += n) {
		n = min_t(size_t, sv->ways.len - at, VHOST_FS_STATE_ITEM_MAX);
		memcpy(save_at(sv), ways + at, n);
		err = save_put(sv, n);
	}
	return err;
}

static int save_write_rest(struct saver *sv)
{
	u64 flags = sv->s->minor ? sv->s->flags : 0;
	const struct vhost_fs_state_session session = {
		.minor = sv->s->minor,
		.flags = flags,
	};
	const struct vhost_fs_state_opts opts = {
		.writeback = flags & FUSE_WRITEBACK_CACHE,
		.announce_submounts = flags & FUSE_SUBMOUNTS,
		.posix_acl = flags & FUSE_POSIX_ACL,
		.sup_group_extension = flags & FUSE_CREATE_SUPP_GROUP,
	};
	unsigned int i;
	int err;

	err = save_put(sv, vhost_fs_state_put_end(save_at(sv),
						  atomic64_read(&sv->s->next_handle) + 1,
						  &opts, sv->nr_mounts));
	for (i = 0; i < sv->nr_mounts && !err; i++)
		err = save_write_mount(sv, i);
	if (!err)
		err = save_put(sv, vhost_fs_state_put_session(save_at(sv), &session,
							      sv->nr_ways,
							      sv->ways.len));
	if (!err)
		err = save_write_ways(sv);
	return err ?: save_flush(sv);
}

static int save_write(struct saver *sv)
{
	int err = save_write_nodes(sv);

	if (!err)
		err = save_write_handles(sv);
	if (!err)
		err = save_write_rest(sv);
	return err ? vhost_fs_state_fail(sv->report, err,
					 VHOST_FS_STATE_ERR_IO, 0) : 0;
}

/**
 * vhost_fs_state_save - write a device's state
 * @req: what the file system is asked by; belongs to a stopped device
 * @io: where to
 * @report: filled in
 *
 * Return: 0 or an errno, which @report has too.
 *
 * Context: a transfer's thread, under the share's credentials.
 */
int vhost_fs_state_save(struct vhost_fs_req *req, struct vhost_fs_state_io *io,
			struct vhost_fs_state_report *report)
{
	struct saver *sv = saver_alloc(req, io, report);
	int err;

	if (!sv)
		return vhost_fs_state_fail(report, -ENOMEM,
					   VHOST_FS_STATE_ERR_MEMORY, 0);
	err = sv->mounts && sv->out ? save_check_handles(sv) :
		vhost_fs_state_fail(report, -ENOMEM, VHOST_FS_STATE_ERR_MEMORY, 0);
	if (!err)
		err = save_collect_nodes(sv);
	if (!err)
		err = save_write(sv);
	saver_free(sv);
	return err;
}
