// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading a device's state: the nodes and handles of a stream are made anew, with
 * their numbers, from the share that is here.
 *
 * The stream is the VMM's and may say anything. It is read whole and checked by
 * the codec first; then each file is looked up by name below the share's root,
 * and each is opened with the same rights as the guest would need: so a stream
 * reaches nothing that a guest couldn't reach. File handles, which a VMM could
 * make up, are taken only if the share's owner has said so; their files must be
 * shown to lie in the share, and not below what is mounted on it.
 *
 * What a guest has just removed may still be in a stream by its handle, as the guest's
 * FORGET was on the way when the source stopped. Such a file is no reason to refuse
 * the guest: the source had nothing more of it. But handles that don't fit the file
 * system at all look the same; so at least one on the same mount must be right.
 *
 * A node needs its parent first. Streams have parents before children as a rule;
 * where not, an index of all nodes is made, and what is needed is loaded out of
 * turn. Each node that names a parent gives back one of the parent's lookups,
 * which the source has added for that.
 */
#include <linux/fuse.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "dev.h"
#include "fh.h"
#include "handle.h"
#include "init.h"
#include "node.h"
#include "open.h"
#include "request.h"
#include "session.h"
#include "share.h"
#include "state.h"

/* What virtiofsd, whose streams don't say it, speaks. */
#define VIRTIOFSD_FUSE_MINOR	38

/* Mounts that file handles may be on. */
#define LOAD_MAX_MOUNTS		1024

/* In the index: a node is about to be loaded, after its parent. */
#define INDEX_WAITS		XA_MARK_0

/**
 * struct load_mount - a mount that file handles name
 * @top: the topmost directory of it that belongs to the share
 * @all: that is all of the file system, and all of it can be seen
 * @found: a file was found on it by its handle
 * @gone: a node whose file is no more, 0 if there is none
 */
struct load_mount {
	struct path top;
	bool all;
	bool found;
	u64 gone;
};

/**
 * struct loader - a state that is being loaded
 * @req: what the file system is asked by
 * @s: the session
 * @io: where from
 * @report: what went wrong
 * @blob: the stream
 * @st: the same, parsed
 * @last_node: highest number of a node
 * @last_handle: highest number of a handle
 * @mounts: by the source's id, struct load_mount
 * @index: by number, offset in the stream of each node not loaded yet; in use
 *	if there is @stack
 * @stack: offsets of nodes that wait for their parents; NULL until needed
 * @way: the next handle with a directory; in use if there is @has_way
 * @way_at: offset behind it
 * @has_way: there is one
 * @out_of_turn: nodes are loaded because others need them as parents
 * @fh: a file handle
 */
struct loader {
	struct vhost_fs_req *req;
	struct vhost_fs_session *s;
	struct vhost_fs_state_io *io;
	struct vhost_fs_state_report *report;
	struct vhost_fs_state_blob blob;
	struct vhost_fs_state st;
	u64 last_node;
	u64 last_handle;
	struct xarray mounts;
	struct xarray index;
	size_t *stack;
	struct vhost_fs_state_way way;
	size_t way_at;
	bool has_way;
	bool out_of_turn;
	struct vhost_fs_fh_buf fh;
};

static int load_fail(struct loader *ld, int err, u32 reason, u64 object)
{
	return vhost_fs_state_fail(ld->report, err, reason, object);
}

static int load_bad(struct loader *ld, size_t at)
{
	return load_fail(ld, -EBADMSG, VHOST_FS_STATE_ERR_STREAM, at);
}

/* Errors that say nothing of the file that was looked for. */
static bool load_must_end(int err)
{
	return err == -ENOMEM || err == -ENFILE || err == -EMFILE ||
	       err == -EINTR || signal_pending(current);
}

/* Before each item: some may wait for long. */
static int load_look(struct loader *ld)
{
	int err = vhost_fs_state_io_over(ld->io);

	cond_resched();
	return err ? load_fail(ld, err, VHOST_FS_STATE_ERR_CANCELLED, 0) : 0;
}

/* ---- reading ---------------------------------------------------------- */

static int load_read(struct loader *ld)
{
	size_t room;
	ssize_t n;
	void *at;
	int err;

	for (;;) {
		err = vhost_fs_state_blob_room(&ld->blob, &at, &room);
		if (err)
			return load_fail(ld, err, VHOST_FS_STATE_ERR_LIMIT, 0);
		n = vhost_fs_state_io_read(ld->io, at, room);
		if (n < 0)
			return load_fail(ld, n, VHOST_FS_STATE_ERR_IO, 0);
		if (!n)
			return 0;
		ld->blob.len += n;
		cond_resched();
	}
}

static int load_parse(struct loader *ld)
{
	const void *data = vhost_fs_state_blob_map(&ld->blob);
	int err;

	if (!data)
		return load_fail(ld, -ENOMEM, VHOST_FS_STATE_ERR_MEMORY, 0);
	err = vhost_fs_state_parse(&ld->st, data, ld->blob.len);
	if (err)
		return load_fail(ld, err,
				 ld->st.is_later ? VHOST_FS_STATE_ERR_VERSION :
						   VHOST_FS_STATE_ERR_STREAM,
				 ld->st.error_at);
	ld->has_way = vhost_fs_state_next_way(&ld->st, &ld->way_at, &ld->way);
	return 0;
}

/* ---- what was agreed on ----------------------------------------------- */

/* virtiofsd agrees on the rest with every guest, or as its options say. */
static u64 load_guess_flags(const struct loader *ld)
{
	const struct vhost_fs_state_opts *opts = &ld->st.opts;
	u32 share = ld->req->share->flags;
	u64 flags = 0;

	if (opts->writeback)
		flags |= FUSE_WRITEBACK_CACHE;
	if (opts->announce_submounts)
		flags |= FUSE_SUBMOUNTS;
	if (opts->posix_acl)
		flags |= FUSE_POSIX_ACL | FUSE_DONT_MASK | FUSE_SETXATTR_EXT;
	if (opts->sup_group_extension)
		flags |= FUSE_CREATE_SUPP_GROUP;
	if (share & VHOST_FS_SHARE_SECURITY_LABEL)
		flags |= FUSE_SECURITY_CTX;
	if (share & VHOST_FS_SHARE_KILLPRIV_V2)
		flags |= FUSE_HANDLE_KILLPRIV_V2;
	return flags;
}

static int load_agree(struct loader *ld)
{
	const struct vhost_fs_state_session *session = &ld->st.session;
	u64 flags = session->known ? session->flags : load_guess_flags(ld);
	u64 missing = vhost_fs_init_missing(ld->req->share, flags);
	int err;

	if (ld->st.nr_nodes > READ_ONCE(ld->req->share->max_nodes))
		return load_fail(ld, -ENFILE, VHOST_FS_STATE_ERR_LIMIT, 0);
	/* They are skipped without a look at whether somebody waits for the end. */
	if (ld->st.nr_ways > ld->st.nr_nodes)
		return load_bad(ld, ld->st.ways_at);
	if (missing)
		return load_fail(ld, -EOPNOTSUPP, VHOST_FS_STATE_ERR_OPTION,
				 missing);
	flags = vhost_fs_init_allowed(ld->req->share, flags);
	err = vhost_fs_session_begin(ld->req->fs, 0, flags);
	if (err)
		return load_fail(ld, err, VHOST_FS_STATE_ERR_MEMORY, 0);
	ld->req->session_flags = flags;
	return 0;
}

/* ---- mounts ----------------------------------------------------------- */

/* A path may lead into the midst of a mount. */
static int load_find_mount(struct loader *ld,
			   const struct vhost_fs_state_bytes *text,
			   struct load_mount *m)
{
	const struct path *root = &ld->req->share->root;
	struct dentry *top;
	int err;

	err = vhost_fs_state_path_walk(ld->req, text, &m->top);
	if (err)
		return err;
	top = m->top.mnt == root->mnt ? root->dentry : m->top.mnt->mnt_root;
	dget(top);
	dput(m->top.dentry);
	m->top.dentry = top;
	m->all = top == top->d_sb->s_root && !path_has_submounts(&m->top);
	return 0;
}

static int load_mount(struct loader *ld, const struct vhost_fs_state_mount *mount)
{
	struct load_mount *m = kzalloc(sizeof(*m), GFP_KERNEL_ACCOUNT);
	int err;

	if (!m)
		return -ENOMEM;
	err = load_find_mount(ld, &mount->path, m);
	if (err) {
		kfree(m);
		/* Only what lies there is lost. */
		return load_must_end(err) ? err : 0;
	}
	err = xa_insert(&ld->mounts, mount->id, m, GFP_KERNEL);
	if (err) {
		path_put(&m->top);
		kfree(m);
	}
	return err;
}

static int load_mounts(struct loader *ld)
{
	struct vhost_fs_state_mount mount;
	size_t at = 0;
	int err;

	if (ld->st.nr_mounts > LOAD_MAX_MOUNTS)
		return load_fail(ld, -EOVERFLOW, VHOST_FS_STATE_ERR_LIMIT, 0);
	while (vhost_fs_state_next_mount(&ld->st, &at, &mount)) {
		err = load_look(ld);
		if (err)
			return err;
		err = load_mount(ld, &mount);
		if (err == -EBUSY)
			return load_bad(ld, at);
		if (err)
			return load_fail(ld, err, VHOST_FS_STATE_ERR_MEMORY, 0);
	}
	return 0;
}

static void load_put_mounts(struct loader *ld)
{
	struct load_mount *m;
	unsigned long id;

	xa_for_each(&ld->mounts, id, m) {
		path_put(&m->top);
		kfree(m);
	}
	xa_destroy(&ld->mounts);
}

/* ---- where a node is -------------------------------------------------- */

/* As vhost_fs_fh_encode() would have it; only to be decoded. */
static int load_fh(struct vhost_fs_fh *fh, s32 type,
		   const struct vhost_fs_state_bytes *handle)
{
	u32 words = handle->len / sizeof(u32);

	if (type < 1 || type >= FILEID_INVALID || !words ||
	    handle->len % sizeof(u32))
		return -ESTALE;
	memset(fh, 0, sizeof(*fh));
	fh->key_type = type;
	fh->type = type;
	fh->key_words = words;
	fh->words = words;
	memcpy(fh->data, handle->data, handle->len);
	return 0;
}

/*
 * The handle with a directory, if the node has one. They are in the order of the
 * nodes; where a stream has that otherwise, it is missed, and does without. A node
 * out of turn is a parent, a directory, for which none is made; and those of the
 * files before it are still to come.
 */
static bool load_way(struct loader *ld, u64 node)
{
	if (ld->out_of_turn)
		return false;
	while (ld->has_way && ld->way.node < node) {
		ld->has_way = vhost_fs_state_next_way(&ld->st, &ld->way_at,
						      &ld->way);
		cond_resched();
	}
	return ld->has_way && ld->way.node == node;
}

/* Did the share's owner say that files are found by their handles? */
static bool load_may_by_handle(const struct vhost_fs_share *share)
{
	return (share->migration & VHOST_FS_MIGRATION_FILE_HANDLES) ||
	       share->inode_file_handles != VHOST_FS_HANDLES_NEVER;
}

/* Is something mounted on a file, or on a directory above it? */
static bool load_is_covered(const struct path *top, struct dentry *dentry)
{
	struct path at = { .mnt = top->mnt, .dentry = dentry };
	struct dentry *parent;
	bool covered = false;

	path_get(&at);
	while (!covered && at.dentry != top->dentry && !IS_ROOT(at.dentry)) {
		if (d_mountpoint(at.dentry)) {
			struct path on = at;

			path_get(&on);
			covered = follow_down_one(&on);
			path_put(&on);
		}
		parent = dget_parent(at.dentry);
		dput(at.dentry);
		at.dentry = parent;
	}
	path_put(&at);
	return covered;
}

/*
 * A handle says nothing of where its file lies. A file whose name isn't known to
 * the host at the moment can't be shown to lie in the share, unless the share is
 * all of the file system.
 */
static int load_by_handle(struct loader *ld,
			  const struct vhost_fs_state_node *node,
			  struct path *path)
{
	struct load_mount *m = xa_load(&ld->mounts, node->fh.mount_id);
	struct dentry *dentry;
	int err;

	if (!m)
		return -ENOENT;
	if (!load_may_by_handle(ld->req->share) ||
	    !vhost_fs_fh_may(m->top.mnt->mnt_sb))
		return -EPERM;
	if (load_way(ld, node->id))
		err = load_fh(&ld->fh.fh, ld->way.type, &ld->way.handle);
	else
		err = load_fh(&ld->fh.fh, node->fh.type, &node->fh.handle);
	if (err)
		return err;
	dentry = vhost_fs_fh_decode(&ld->fh.fh, &m->top, m->all);
	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	if (load_is_covered(&m->top, dentry)) {
		dput(dentry);
		return -ESTALE;
	}
	path->mnt = mntget(m->top.mnt);
	path->dentry = dentry;
	m->found = true;
	return 0;
}

static bool load_is_gone(struct loader *ld, const struct vhost_fs_state_node *node,
			 int err)
{
	struct load_mount *m;

	if (err != -ESTALE || node->location != VHOST_FS_STATE_FILE_HANDLE)
		return false;
	m = xa_load(&ld->mounts, node->fh.mount_id);
	if (load_fh(&ld->fh.fh, node->fh.type, &node->fh.handle) ||
	    !vhost_fs_fh_gone(&ld->fh.fh, m->top.mnt))
		return false;
	if (!m->gone)
		m->gone = node->id;
	return true;
}

static int load_by_name(struct loader *ld, const struct vhost_fs_state_node *node,
			struct path *path)
{
	struct vhost_fs_node *parent = vhost_fs_node_get(ld->s, node->parent);
	int err;

	if (!parent)
		return -ENOENT;
	err = vhost_fs_node_path(ld->req, parent, path);
	vhost_fs_node_put(parent);
	if (err)
		return err;
	err = vhost_fs_state_path_down(ld->req, path, &node->name);
	if (err)
		path_put(path);
	return err;
}

/* Is it the file that the source meant? */
static int load_verify(struct loader *ld, const struct vhost_fs_state_node *node,
		       const struct path *path)
{
	const struct vhost_fs_fh *fh = &ld->fh.fh;
	int err;

	if (!node->has_verify)
		return 0;
	err = vhost_fs_fh_encode(&ld->fh, path->dentry);
	if (err)
		return err;
	if (fh->key_type == node->verify.type &&
	    fh->key_words * sizeof(u32) == node->verify.handle.len &&
	    !memcmp(fh->data, node->verify.handle.data, node->verify.handle.len))
		return 0;
	return -ESTALE;
}

static int load_find(struct loader *ld, const struct vhost_fs_state_node *node,
		     struct path *path)
{
	int err = -ENOENT;

	switch (node->location) {
	case VHOST_FS_STATE_PATH:
		err = load_by_name(ld, node, path);
		break;
	case VHOST_FS_STATE_FULL_PATH:
		err = vhost_fs_state_path_walk(ld->req, &node->name, path);
		break;
	case VHOST_FS_STATE_FILE_HANDLE:
		err = load_by_handle(ld, node, path);
		break;
	}
	if (err)
		return err;
	err = load_verify(ld, node, path);
	if (err)
		path_put(path);
	return err;
}

/* ---- nodes ------------------------------------------------------------ */

/* A file that isn't there: what then, is the share's owner's to say. */
static int load_lose(struct loader *ld, int err, u32 reason, u64 object)
{
	if (load_must_end(err) ||
	    !(ld->req->share->migration & VHOST_FS_MIGRATION_GUEST_ERROR))
		return load_fail(ld, err, reason, object);
	return 0;
}

static int load_root(struct loader *ld, const struct vhost_fs_state_node *node)
{
	int err = load_verify(ld, node, &ld->req->share->root);

	/* Nothing of a share can be right if its root is wrong. */
	return err ? load_fail(ld, err, VHOST_FS_STATE_ERR_NODE, node->id) : 0;
}

static int load_other(struct loader *ld, const struct vhost_fs_state_node *node)
{
	unsigned int seq = read_seqbegin(&rename_lock);
	struct path path;
	int err;

	err = load_find(ld, node, &path);
	if (!err) {
		err = vhost_fs_node_restore(ld->req, node->id, &path, seq,
					    node->refcount);
		path_put(&path);
	}
	if (err) {
		if (!load_is_gone(ld, node, err)) {
			err = load_lose(ld, err, VHOST_FS_STATE_ERR_NODE, node->id);
			if (err)
				return err;
		}
		ld->report->lost_nodes++;
		err = vhost_fs_node_restore(ld->req, node->id, NULL, seq,
					    node->refcount);
		if (err)
			return load_fail(ld, err, VHOST_FS_STATE_ERR_NODE,
					 node->id);
	}
	/* For this the source has counted one more lookup of the parent. */
	if (node->location == VHOST_FS_STATE_PATH)
		vhost_fs_node_forget(ld->req, node->parent, 1);
	return 0;
}

/* A node whose parent, if it has one, is there. */
static int load_one(struct loader *ld, const struct vhost_fs_state_node *node,
		    size_t at)
{
	bool says_root = node->location == VHOST_FS_STATE_ROOT;
	bool is_root = node->id == FUSE_ROOT_ID;

	if (!node->id || node->id > LONG_MAX || !node->refcount ||
	    is_root != says_root ||
	    (!is_root && xa_load(&ld->s->nodes, node->id)))
		return load_bad(ld, at);
	ld->last_node = max(ld->last_node, node->id);
	return is_root ? load_root(ld, node) : load_other(ld, node);
}

static bool load_has_parent(const struct loader *ld,
			    const struct vhost_fs_state_node *node)
{
	return node->location != VHOST_FS_STATE_PATH ||
	       xa_load(&ld->s->nodes, node->parent);
}

/* The node at an offset of the stream; the offset moves behind it. */
static void load_decode(const struct loader *ld, size_t *at,
			struct vhost_fs_state_node *node)
{
	vhost_fs_state_next_node(&ld->st, at, node);
}

/* Index all nodes from this one on: those before are loaded. */
static int load_make_index(struct loader *ld, size_t at)
{
	struct vhost_fs_state_node node;
	size_t next = at;
	int err;

	ld->stack = kvmalloc_array(ld->st.nr_nodes, sizeof(*ld->stack),
				   GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!ld->stack)
		return load_fail(ld, -ENOMEM, VHOST_FS_STATE_ERR_MEMORY, 0);
	for (; vhost_fs_state_next_node(&ld->st, &next, &node); at = next) {
		err = xa_insert(&ld->index, node.id, xa_mk_value(at),
				GFP_KERNEL);
		if (err == -EBUSY)
			return load_bad(ld, at);
		if (err)
			return load_fail(ld, err, VHOST_FS_STATE_ERR_MEMORY, 0);
		err = load_look(ld);
		if (err)
			return err;
	}
	return 0;
}

/* Put a node, its parent, and so on, on the stack. */
static int load_push_parents(struct loader *ld, size_t at, size_t *depth)
{
	struct vhost_fs_state_node node;
	size_t next;
	void *entry;

	for (*depth = 0; ; at = xa_to_value(entry)) {
		if (load_look(ld))
			return ld->report->error;
		next = at;
		load_decode(ld, &next, &node);
		/* One that is waiting already waits for itself. */
		if (xa_get_mark(&ld->index, node.id, INDEX_WAITS))
			return load_bad(ld, at);
		xa_set_mark(&ld->index, node.id, INDEX_WAITS);
		ld->stack[(*depth)++] = at;
		if (load_has_parent(ld, &node))
			return 0;
		entry = xa_load(&ld->index, node.parent);
		if (!entry)
			return load_bad(ld, at);
	}
}

static int load_with_parents(struct loader *ld, size_t at)
{
	struct vhost_fs_state_node node;
	size_t depth, next;
	int err = 0;

	if (!ld->stack)
		err = load_make_index(ld, at);
	if (!err)
		err = load_push_parents(ld, at, &depth);
	ld->out_of_turn = true;
	while (!err && depth) {
		at = ld->stack[--depth];
		next = at;
		load_decode(ld, &next, &node);
		xa_erase(&ld->index, node.id);
		err = load_look(ld);
		if (!err)
			err = load_one(ld, &node, at);
	}
	ld->out_of_turn = false;
	return err;
}

/* A node at its turn: it may have been loaded before. */
static int load_next(struct loader *ld, const struct vhost_fs_state_node *node,
		     size_t at)
{
	if (ld->stack && !xa_load(&ld->index, node->id))
		return 0;
	if (!load_has_parent(ld, node))
		return load_with_parents(ld, at);
	if (ld->stack)
		xa_erase(&ld->index, node->id);
	return load_one(ld, node, at);
}

/* Were those handles good whose files are no more? */
static int load_check_gone(struct loader *ld)
{
	struct load_mount *m;
	unsigned long id;
	int err;

	xa_for_each(&ld->mounts, id, m) {
		if (!m->gone || m->found)
			continue;
		err = load_lose(ld, -ESTALE, VHOST_FS_STATE_ERR_NODE, m->gone);
		if (err)
			return err;
	}
	return 0;
}

static int load_nodes(struct loader *ld)
{
	struct vhost_fs_state_node node;
	size_t at = ld->st.nodes_at, next = at;
	int err;

	for (; vhost_fs_state_next_node(&ld->st, &next, &node); at = next) {
		err = load_look(ld);
		if (!err)
			err = load_next(ld, &node, at);
		if (err)
			return err;
	}
	return load_check_gone(ld);
}

/* ---- handles ---------------------------------------------------------- */

static struct file *load_open(struct loader *ld, struct vhost_fs_node *node,
			      u32 flags)
{
	struct path path;
	struct file *file;
	int err;

	err = vhost_fs_node_path(ld->req, node, &path);
	if (err)
		return ERR_PTR(err);
	file = vhost_fs_open_again(ld->req, &path, flags);
	path_put(&path);
	return file;
}

static int load_handle(struct loader *ld,
		       const struct vhost_fs_state_handle *handle,
		       struct vhost_fs_node *node, size_t at)
{
	bool dir = handle->flags & O_DIRECTORY;
	struct file *file;
	int err;

	file = load_open(ld, node, handle->flags);
	if (IS_ERR(file)) {
		err = load_lose(ld, PTR_ERR(file), VHOST_FS_STATE_ERR_HANDLE,
				handle->id);
		if (err)
			return err;
		ld->report->lost_handles++;
		file = NULL;
	}
	err = vhost_fs_handle_restore(ld->req->fs, handle->id, node, file, dir);
	if (!err)
		return 0;
	if (file)
		__fput_sync(file);
	if (err == -EEXIST)
		return load_bad(ld, at);
	return load_fail(ld, err, VHOST_FS_STATE_ERR_HANDLE, handle->id);
}

static int load_handles(struct loader *ld)
{
	struct vhost_fs_state_handle handle;
	size_t at = ld->st.handles_at, next = at;
	struct vhost_fs_node *node;
	int err;

	for (; vhost_fs_state_next_handle(&ld->st, &next, &handle); at = next) {
		err = load_look(ld);
		if (err)
			return err;
		node = vhost_fs_node_get(ld->s, handle.node);
		if (!node || handle.id > LONG_MAX) {
			if (node)
				vhost_fs_node_put(node);
			return load_bad(ld, at);
		}
		err = load_handle(ld, &handle, node, at);
		vhost_fs_node_put(node);
		if (err)
			return err;
		ld->last_handle = max(ld->last_handle, handle.id);
	}
	return 0;
}

/* ---- the whole -------------------------------------------------------- */

/* The next numbers are above all that are there, whatever the stream says. */
static int load_finish(struct loader *ld)
{
	const struct vhost_fs_state *st = &ld->st;
	u32 minor = st->session.known ? st->session.minor : VIRTIOFSD_FUSE_MINOR;

	if (minor < VHOST_FS_FUSE_MINOR_MIN || minor > VHOST_FS_FUSE_MINOR)
		return load_bad(ld, st->mounts_end);
	if (st->next_node > LONG_MAX || st->next_handle > LONG_MAX)
		return load_bad(ld, st->nodes_end);
	if (st->next_node)
		ld->last_node = max(ld->last_node, st->next_node - 1);
	if (st->next_handle)
		ld->last_handle = max(ld->last_handle, st->next_handle - 1);
	vhost_fs_session_restore(ld->req->fs, minor, ld->last_node,
				 ld->last_handle);
	return 0;
}

/* A guest that hasn't mounted the share yet, or not any more, has nothing. */
static bool load_is_empty(const struct loader *ld)
{
	return !ld->st.nr_nodes && !ld->st.nr_handles;
}

static int load_all(struct loader *ld)
{
	int err = load_read(ld);

	if (!err)
		err = load_parse(ld);
	if (err)
		return err;
	if (load_is_empty(ld)) {
		err = vhost_fs_session_end(ld->req->fs);
		return err ? load_fail(ld, err, VHOST_FS_STATE_ERR_CANCELLED, 0) : 0;
	}
	err = load_agree(ld);
	if (!err)
		err = load_mounts(ld);
	if (!err)
		err = load_nodes(ld);
	if (!err)
		err = load_handles(ld);
	if (!err)
		err = load_finish(ld);
	if (err)
		vhost_fs_session_end(ld->req->fs);
	return err;
}

/**
 * vhost_fs_state_load - read a device's state, in place of what there was
 * @req: what the file system is asked by; belongs to a stopped device
 * @io: where from
 * @report: filled in
 *
 * Return: 0 or an errno, which @report has too; then nothing is loaded.
 *
 * Context: a transfer's thread, under the share's credentials.
 */
int vhost_fs_state_load(struct vhost_fs_req *req, struct vhost_fs_state_io *io,
			struct vhost_fs_state_report *report)
{
	struct loader *ld = kvzalloc(sizeof(*ld), GFP_KERNEL_ACCOUNT);
	int err;

	if (!ld)
		return vhost_fs_state_fail(report, -ENOMEM,
					   VHOST_FS_STATE_ERR_MEMORY, 0);
	ld->req = req;
	ld->s = &req->fs->session;
	ld->io = io;
	ld->report = report;
	xa_init_flags(&ld->mounts, XA_FLAGS_ACCOUNT);
	xa_init_flags(&ld->index, XA_FLAGS_ACCOUNT);
	err = load_all(ld);
	load_put_mounts(ld);
	xa_destroy(&ld->index);
	kvfree(ld->stack);
	vhost_fs_state_blob_free(&ld->blob);
	kvfree(ld);
	return err;
}
