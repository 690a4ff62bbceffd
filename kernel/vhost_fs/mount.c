// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mounts below the share's own, for nodes that are found by file handles: such
 * a node must find its mount again without keeping it, so that the host can
 * unmount it.
 *
 * A struct vhost_fs_mount binds the mount to the way down to it: the mount it
 * is mounted on, and the handle of the mount point there. Each node that lies in
 * the mount, and each mount on it, holds a reference to the object; none holds
 * one to the mount itself. To use it, the way is gone down from the share's
 * root, whose mount the share keeps: find the mount point by its handle, see
 * what is mounted there, and go on.
 *
 * What is mounted there may be another mount by now, even one whose struct lies
 * at the same address. What tells them apart is a mark, of the kind that
 * fanotify puts on mounts. It holds no reference to the mount; when the mount
 * dies, the kernel detaches the mark before it frees the mount's memory, and
 * never attaches it to another. So if the mount found there, to which we have a
 * reference, lies at the address that the mark was put on, and the mark is
 * still attached, then it is that very mount: had the mount of then died, the
 * mark would be detached; had it not, no other could lie at its address.
 *
 * A mount that was moved isn't found any more by the old way. A lookup that
 * crosses into it makes a new object, and new nodes.
 */
#include <linux/fsnotify_backend.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

#include "dev.h"
#include "fh.h"
#include "mount.h"
#include "request.h"
#include "session.h"
#include "share.h"
#include "vq.h"

/* Mounts on mounts that a node may lie below, the share's own not counted. */
#define VHOST_FS_MOUNT_DEPTH	16

static struct fsnotify_group *mount_group;

static void mount_free_mark(struct fsnotify_mark *mark)
{
	struct vhost_fs_mount *m = container_of(mark, struct vhost_fs_mount,
						mark);

	kfree(m->fh);
	kfree(m);
}

/* The marks ask for no events, so none comes. */
static int mount_handle_event(struct fsnotify_mark *mark, u32 mask,
			      struct inode *inode, struct inode *dir,
			      const struct qstr *name, u32 cookie)
{
	return 0;
}

static const struct fsnotify_ops mount_ops = {
	.handle_inode_event = mount_handle_event,
	.free_mark = mount_free_mark,
};

/**
 * vhost_fs_mount_init - for module init
 *
 * Return: 0 or an errno.
 */
int vhost_fs_mount_init(void)
{
	/* Each session has a mark of its own. */
	mount_group = fsnotify_alloc_group(&mount_ops, FSNOTIFY_GROUP_DUPS);
	return PTR_ERR_OR_ZERO(mount_group);
}

/**
 * vhost_fs_mount_exit - for module exit
 */
void vhost_fs_mount_exit(void)
{
	fsnotify_put_group(mount_group);
	fsnotify_wait_marks_destroyed();
}

/* Is this, to which the caller has a reference, the mount of then? */
static bool mount_is(const struct vhost_fs_mount *m, const struct vfsmount *mnt)
{
	return m->mnt == mnt &&
	       (READ_ONCE(m->mark.flags) & FSNOTIFY_MARK_FLAG_ATTACHED);
}

/* From the root of the mount it is on, to its own; puts the former. */
static int mount_descend(const struct vhost_fs_mount *m, struct path *path)
{
	struct dentry *point = vhost_fs_fh_decode(m->fh, path, false);

	if (IS_ERR(point)) {
		path_put(path);
		return PTR_ERR(point);
	}
	dput(path->dentry);
	path->dentry = point;
	if (follow_down_one(path) && mount_is(m, path->mnt))
		return 0;
	path_put(path);
	return -ESTALE;
}

/**
 * vhost_fs_mount_root - find a mount, and what of it belongs to a share
 * @share: the share
 * @mount: the mount, or NULL for the share's own
 * @root: set to the topmost directory, or a file that is mounted on another;
 *	to be put by path_put()
 *
 * Return: 0; -ESTALE if it is no longer mounted there; -ENOMEM.
 */
int vhost_fs_mount_root(const struct vhost_fs_share *share,
			struct vhost_fs_mount *mount, struct path *root)
{
	struct vhost_fs_mount *way[VHOST_FS_MOUNT_DEPTH];
	unsigned int n = 0;
	int err = 0;

	for (; mount; mount = mount->on)
		way[n++] = mount;
	*root = share->root;
	path_get(root);
	while (n && !err)
		err = mount_descend(way[--n], root);
	return err;
}

/* The last reference also drops that to the mount below, and so on. */
static void mount_put(struct vhost_fs_mount *m)
{
	struct vhost_fs_mount *on;

	while (m && refcount_dec_and_test(&m->ref)) {
		lockdep_assert_held(&m->s->mount_lock);
		on = m->on;
		list_del(&m->entry);
		fsnotify_destroy_mark(&m->mark, mount_group);
		fsnotify_put_mark(&m->mark);
		m = on;
	}
}

/**
 * vhost_fs_mount_put - drop a reference
 * @mount: the mount, or NULL
 *
 * Context: process context.
 */
void vhost_fs_mount_put(struct vhost_fs_mount *mount)
{
	struct vhost_fs_session *s;

	if (!mount || refcount_dec_not_one(&mount->ref))
		return;
	s = mount->s;
	mutex_lock(&s->mount_lock);
	mount_put(mount);
	mutex_unlock(&s->mount_lock);
}

/*
 * The object of a mount, if the way that it knows still leads there; NULL if there is
 * none. Whether it does must not be a question of memory: there would be two for one
 * mount. Returns an ERR_PTR then.
 */
static struct vhost_fs_mount *mount_find(struct vhost_fs_dev *fs,
					 const struct vfsmount *mnt)
{
	struct vhost_fs_mount *m;
	struct path root;
	int err;

	lockdep_assert_held(&fs->session.mount_lock);

	list_for_each_entry(m, &fs->session.mounts, entry) {
		if (!mount_is(m, mnt))
			continue;
		err = vhost_fs_mount_root(fs->share, m, &root);
		if (err == -ENOMEM || err == -EINTR)
			return ERR_PTR(err);
		if (err)
			continue;
		path_put(&root);
		refcount_inc(&m->ref);
		return m;
	}
	return NULL;
}

/* On success takes over the reference to @on. */
static struct vhost_fs_mount *mount_make(struct vhost_fs_session *s,
					 struct vfsmount *mnt,
					 struct vhost_fs_mount *on,
					 const struct vhost_fs_fh *fh)
{
	struct vhost_fs_mount *m = kzalloc(sizeof(*m), GFP_KERNEL_ACCOUNT);
	int err;

	if (!m)
		return ERR_PTR(-ENOMEM);
	m->fh = vhost_fs_fh_dup(fh, GFP_KERNEL_ACCOUNT);
	if (!m->fh) {
		kfree(m);
		return ERR_PTR(-ENOMEM);
	}
	/* From here on, the mark's last reference frees it all. */
	fsnotify_init_mark(&m->mark, mount_group);
	refcount_set(&m->ref, 1);
	m->s = s;
	m->mnt = mnt;
	err = fsnotify_add_mark(&m->mark, mnt, FSNOTIFY_OBJ_TYPE_VFSMOUNT, 0);
	if (err) {
		fsnotify_put_mark(&m->mark);
		return ERR_PTR(err);
	}
	m->on = on;
	m->depth = on ? on->depth + 1 : 0;
	return m;
}

/* Not to be on the stack of mount_get() once for each mount. */
static noinline_for_stack
struct vhost_fs_mount *mount_add(struct vhost_fs_session *s,
				 struct vfsmount *mnt,
				 const struct path *point,
				 struct vhost_fs_mount *on)
{
	struct vhost_fs_fh_buf buf;
	struct vhost_fs_mount *m;
	int err;

	lockdep_assert_held(&s->mount_lock);

	if (on && on->depth + 1 >= VHOST_FS_MOUNT_DEPTH)
		return ERR_PTR(-EOPNOTSUPP);
	err = vhost_fs_fh_encode(&buf, point->dentry);
	if (err)
		return ERR_PTR(err);
	m = mount_make(s, mnt, on, &buf.fh);
	if (!IS_ERR(m))
		list_add(&m->entry, &s->mounts);
	return m;
}

/*
 * The object of a mount, found or made. One that is made needs that of the
 * mount below, so this calls itself, as deep as mounts may lie.
 */
static struct vhost_fs_mount *mount_get(struct vhost_fs_dev *fs,
					struct vfsmount *mnt,
					unsigned int depth)
{
	struct path point = { .mnt = mnt, .dentry = mnt->mnt_root };
	struct vhost_fs_mount *m, *on;

	if (mnt == fs->share->root.mnt)
		return NULL;
	if (!depth || !vhost_fs_fh_may(mnt->mnt_sb))
		return ERR_PTR(-EOPNOTSUPP);
	m = mount_find(fs, mnt);
	if (m)
		return m;

	path_get(&point);
	if (!follow_up(&point)) {
		path_put(&point);
		return ERR_PTR(-ESTALE);
	}
	on = mount_get(fs, point.mnt, depth - 1);
	if (IS_ERR(on)) {
		path_put(&point);
		return on;
	}
	m = mount_add(&fs->session, mnt, &point, on);
	path_put(&point);
	if (IS_ERR(m))
		mount_put(on);
	return m;
}

/**
 * vhost_fs_mount_get - the mount that a path lies in, for a node to keep
 * @req: the request; may block
 * @path: a path inside the share
 * @mount: set to the mount, with a reference; NULL if it is the share's own
 *
 * Return: 0; -EOPNOTSUPP if it could not be found again, or the share's owner
 * may not use handles there; -ESTALE if it is not mounted any more; -ENOMEM.
 *
 * Context: under the share's credentials.
 */
int vhost_fs_mount_get(struct vhost_fs_req *req, const struct path *path,
		       struct vhost_fs_mount **mount)
{
	struct vhost_fs_dev *fs = req->fs;
	struct vhost_fs_session *s = &fs->session;
	struct vhost_fs_mount *m;

	*mount = NULL;
	if (likely(path->mnt == fs->share->root.mnt))
		return 0;
	/* Whoever holds the lock may read mount points from the disk. */
	vhost_fs_may_block(req);
	mutex_lock(&s->mount_lock);
	m = mount_get(fs, path->mnt, VHOST_FS_MOUNT_DEPTH);
	mutex_unlock(&s->mount_lock);
	if (IS_ERR(m))
		return PTR_ERR(m);
	*mount = m;
	return 0;
}
