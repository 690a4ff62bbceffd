// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way between a file and the share's root, as a device's state has it: by
 * parents and names where it is saved, by names where it is loaded.
 */
#include <linux/dcache.h>
#include <linux/mount.h>
#include <linux/namei.h>

#include "lookup.h"
#include "request.h"
#include "share.h"
#include "state.h"

/* From what is mounted to what it is mounted on, until there is a parent. */
static int path_climb(const struct path *root, struct path *path)
{
	while (path->dentry == path->mnt->mnt_root) {
		if (path->mnt == root->mnt || !follow_up(path))
			return -ESTALE;
	}
	return 0;
}

/**
 * vhost_fs_state_path_up - go to the directory that has a file
 * @root: the share's root
 * @path: a path inside the share that isn't the root; set to the directory
 * @name: set to the file's name there; to be put by release_dentry_name_snapshot()
 *
 * Name and directory are those of one moment, whatever the host renames.
 *
 * Return: 0; -ESTALE, with @name not set, if it is not inside any more.
 *
 * Context: process context.
 */
int vhost_fs_state_path_up(const struct path *root, struct path *path,
			   struct name_snapshot *name)
{
	struct dentry *parent;
	unsigned int seq;
	int err;

	err = path_climb(root, path);
	if (err)
		return err;
	for (;;) {
		seq = read_seqbegin(&rename_lock);
		take_dentry_name_snapshot(name, path->dentry);
		parent = dget_parent(path->dentry);
		if (!read_seqretry(&rename_lock, seq))
			break;
		dput(parent);
		release_dentry_name_snapshot(name);
	}
	if (parent == path->dentry) {
		/* It hangs nowhere. */
		dput(parent);
		release_dentry_name_snapshot(name);
		return -ESTALE;
	}
	dput(path->dentry);
	path->dentry = parent;
	return 0;
}

/**
 * vhost_fs_state_path_text - the way from the share's root to a path
 * @root: the share's root
 * @path: a path inside the share
 * @buf: room for VHOST_FS_STATE_PATH_MAX bytes
 * @text: set to the names with slashes between them, in @buf, or to "."
 *
 * Return: 0; -ENAMETOOLONG; -ESTALE if it is not inside; -EILSEQ if it can't be
 * in a stream.
 *
 * Context: process context.
 */
int vhost_fs_state_path_text(const struct path *root, const struct path *path,
			     u8 *buf, struct vhost_fs_state_bytes *text)
{
	u8 *at = buf + VHOST_FS_STATE_PATH_MAX, *end = at;
	struct name_snapshot name;
	struct path p = *path;
	int err = 0;

	path_get(&p);
	while (!err && !path_equal(&p, root)) {
		err = vhost_fs_state_path_up(root, &p, &name);
		if (err)
			break;
		if (name.name.len > VHOST_FS_STATE_NAME_MAX)
			err = -EILSEQ;
		if (at != end)
			*--at = '/';
		/* There is always room for one more slash. */
		if (at - buf > name.name.len)
			at -= name.name.len;
		else
			err = err ?: -ENAMETOOLONG;
		if (!err)
			memcpy(at, name.name.name, name.name.len);
		release_dentry_name_snapshot(&name);
	}
	path_put(&p);
	if (err)
		return err;
	if (at == end)
		*--at = '.';
	text->data = at;
	text->len = end - at;
	return vhost_fs_state_is_utf8(text->data, text->len) ? 0 : -EILSEQ;
}

/**
 * vhost_fs_state_path_down - go to a file by its name
 * @req: whoever asks; may block
 * @path: a directory inside the share; set to the file
 * @name: one name that a stream may have
 *
 * Return: 0 or an errno, and then @path is as it was.
 *
 * Context: under the share's credentials.
 */
int vhost_fs_state_path_down(struct vhost_fs_req *req, struct path *path,
			     const struct vhost_fs_state_bytes *name)
{
	struct qstr qstr = QSTR_INIT(name->data, name->len);
	struct path child;
	int err;

	err = vhost_fs_lookup_child(req, path, &qstr, &child);
	if (err)
		return err;
	path_put(path);
	*path = child;
	return 0;
}

/**
 * vhost_fs_state_path_walk - go to a file by its path
 * @req: whoever asks; may block
 * @text: relative to the share's root, or "."
 * @path: set to the file; to be put by path_put()
 *
 * Return: 0 or an errno.
 *
 * Context: under the share's credentials.
 */
int vhost_fs_state_path_walk(struct vhost_fs_req *req,
			     const struct vhost_fs_state_bytes *text,
			     struct path *path)
{
	const u8 *at = text->data, *end = at + text->len;
	struct vhost_fs_state_bytes name;
	int err = 0;

	*path = req->share->root;
	path_get(path);
	if (text->len == 1 && *at == '.')
		return 0;
	while (at < end && !err) {
		name.data = at;
		name.len = (const u8 *)(memchr(at, '/', end - at) ?:
					(void *)end) - at;
		at += name.len + 1;
		err = vhost_fs_state_path_down(req, path, &name);
	}
	if (err)
		path_put(path);
	return err;
}
