// SPDX-License-Identifier: GPL-2.0-only
/*
 * Extended attributes: SETXATTR, GETXATTR, LISTXATTR, REMOVEXATTR.
 *
 * Which names there are, and who may use them, is the host's VFS to say: user.*
 * on files and directories only, security.* and trusted.* as the share's
 * capabilities allow. Before it is asked, the name goes through the share's
 * rules (xattrmap.c). POSIX ACLs have attribute names but ways of their own
 * (acl.c); in a session without them neither those names nor names that become
 * them exist.
 */
#include <linux/fs.h>
#include <linux/fuse.h>
#include <linux/mount.h>
#include <linux/posix_acl.h>
#include <linux/xattr.h>

#include "cred.h"
#include "op.h"
#include "reply.h"
#include "request.h"
#include "share.h"
#include "vq.h"
#include "xattr.h"

/* How often a list of names that keeps growing is asked for. */
#define VHOST_FS_LIST_RETRIES	16

/**
 * vhost_fs_xattr_served - does a share have extended attributes?
 * @share: the share
 *
 * If not, the guest must hear ENOSYS: then it stops asking. ENODATA would make
 * it ask for security.capability before every write.
 *
 * Return: whether the four opcodes are served.
 */
bool vhost_fs_xattr_served(const struct vhost_fs_share *share)
{
	return share->flags & VHOST_FS_SHARE_XATTR;
}

static bool is_hidden_acl(const struct vhost_fs_req *req, const char *name)
{
	return is_posix_acl_xattr(name) &&
	       !vhost_fs_req_has(req, FUSE_POSIX_ACL);
}

/* The host's name for a guest's. */
static int host_name(const struct vhost_fs_req *req, const char *name,
		     char host[XATTR_NAME_MAX + 1])
{
	int err;

	if (is_hidden_acl(req, name))
		return -EOPNOTSUPP;
	err = vhost_fs_xattrmap_to_host(req->share, name, host);
	if (err)
		return err;
	return is_hidden_acl(req, host) ? -EOPNOTSUPP : 0;
}

static int set_attr(struct vhost_fs_req *req, const struct path *path,
		    const char *host, const void *value, size_t size, int flags)
{
	if (is_posix_acl_xattr(host))
		return vhost_fs_acl_set(req, path, host, value, size);
	return vfs_setxattr(mnt_idmap(path->mnt), path->dentry, host, value,
			    size, flags);
}

/**
 * vhost_fs_xattr_set - set an extended attribute
 * @req: the request
 * @path: what to set it on; write access to its mount is held
 * @name: the guest's name for it
 * @value: its value
 * @size: bytes of @value, at most XATTR_SIZE_MAX
 * @flags: XATTR_CREATE, XATTR_REPLACE or 0
 *
 * Return: 0 or an errno.
 */
int vhost_fs_xattr_set(struct vhost_fs_req *req, const struct path *path,
		       const char *name, const void *value, size_t size,
		       int flags)
{
	char host[XATTR_NAME_MAX + 1];
	int err = host_name(req, name, host);

	return err ?: set_attr(req, path, host, value, size, flags);
}

/* Arguments that the session's guest didn't send are none. */
static u32 setxattr_flags(const struct vhost_fs_req *req)
{
	const struct fuse_setxattr_in *in = req->arg;

	return (void *)req->name[0].name == in + 1 ? in->setxattr_flags : 0;
}

/*
 * The guest has found that its user is not in the file's group: then the ACL
 * must not be set by someone who, on the host, is.
 */
static int set_acl_as_outsider(struct vhost_fs_req *req, const char *host,
			       const void *value, size_t size)
{
	const struct cred *saved;
	int err;

	err = vhost_fs_cred_outsider(req, &saved);
	if (err)
		return err;
	err = vhost_fs_acl_set(req, &req->path, host, value, size);
	vhost_fs_cred_discard(saved);
	return err;
}

static int set_value(struct vhost_fs_req *req, const void *value)
{
	const struct fuse_setxattr_in *in = req->arg;
	bool kill = setxattr_flags(req) & FUSE_SETXATTR_ACL_KILL_SGID;
	char host[XATTR_NAME_MAX + 1];
	int err;

	err = vhost_fs_want_write(req, req->path.mnt);
	if (err)
		return err;
	err = host_name(req, req->name[0].name, host);
	if (!err && kill && is_posix_acl_xattr(host))
		err = set_acl_as_outsider(req, host, value, in->size);
	else if (!err)
		err = set_attr(req, &req->path, host, value, in->size,
			       in->flags);
	mnt_drop_write(req->path.mnt);
	return err;
}

/**
 * vhost_fs_op_setxattr - FUSE_SETXATTR
 * @req: the request
 *
 * Return: 0 or an errno.
 */
int vhost_fs_op_setxattr(struct vhost_fs_req *req)
{
	const struct fuse_setxattr_in *in = req->arg;
	void *value;

	if (in->flags & ~(XATTR_CREATE | XATTR_REPLACE) ||
	    setxattr_flags(req) & ~FUSE_SETXATTR_ACL_KILL_SGID)
		return -EINVAL;
	if (in->size > XATTR_SIZE_MAX)
		return -E2BIG;
	if (in->size != iov_iter_count(&req->data)) {
		req->bad = true;
		return -EINVAL;
	}
	value = vhost_fs_req_buf(req, max(in->size, 1));
	if (!value)
		return -ENOMEM;
	if (copy_from_iter(value, in->size, &req->data) != in->size)
		return -EFAULT;
	return set_value(req, value);
}

/*
 * Into req->buf, or with @size 0 only its length. The value belongs to someone
 * else, so it is read under the share's credentials, whoever asks.
 */
static ssize_t get_value(struct vhost_fs_req *req, const char *host,
			 size_t size)
{
	const struct path *path = &req->path;
	void *buf = NULL;
	ssize_t len;

	if (size) {
		buf = vhost_fs_req_buf(req, size);
		if (!buf)
			return -ENOMEM;
	}
	if (is_posix_acl_xattr(host))
		len = vhost_fs_acl_get(req, path, host, buf, size);
	else
		len = vfs_getxattr(mnt_idmap(path->mnt), path->dentry, host,
				   buf, size);
	/* More than the interface has room for. */
	return len == -ERANGE && size == XATTR_SIZE_MAX ? -E2BIG : len;
}

static int reply_size(struct vhost_fs_req *req, size_t size)
{
	struct fuse_getxattr_out *out;

	if (vhost_fs_reply_room(req) < sizeof(*out))
		return -EIO;
	out = vhost_fs_reply_arg(req, sizeof(*out));
	out->size = size;
	return 0;
}

/* What fits into the reply of a request that asks for @size bytes. */
static size_t reply_limit(const struct vhost_fs_req *req, u32 size)
{
	return min_t(size_t, size, vhost_fs_reply_room(req));
}

/**
 * vhost_fs_op_getxattr - FUSE_GETXATTR
 * @req: the request
 *
 * Return: 0 or an errno.
 */
int vhost_fs_op_getxattr(struct vhost_fs_req *req)
{
	const struct fuse_getxattr_in *in = req->arg;
	size_t limit = min(reply_limit(req, in->size), XATTR_SIZE_MAX);
	char host[XATTR_NAME_MAX + 1];
	ssize_t len;
	int err;

	err = host_name(req, req->name[0].name, host);
	if (err)
		return err == -EPERM ? -ENODATA : err;
	vhost_fs_may_block_on(req, req->path.dentry);
	len = get_value(req, host, limit);
	if (len < 0)
		return len;
	if (!in->size)
		return reply_size(req, len);
	if (len > limit)
		return -ERANGE;
	vhost_fs_reply_buf(req, req->buf, len);
	return 0;
}

/* The host's names, into req->buf. */
static ssize_t list_names(struct vhost_fs_req *req)
{
	struct dentry *dentry = req->path.dentry;
	ssize_t len = 0;
	unsigned int i;
	char *buf;

	/* Names may be added between asking for the size and for the names. */
	for (i = 0; i < VHOST_FS_LIST_RETRIES; i++) {
		len = vfs_listxattr(dentry, NULL, 0);
		if (len <= 0)
			return len;
		if (len > XATTR_LIST_MAX)
			return -E2BIG;
		buf = vhost_fs_req_buf(req, len);
		if (!buf)
			return -ENOMEM;
		len = vfs_listxattr(dentry, buf, len);
		if (len != -ERANGE)
			break;
	}
	return len;
}

/*
 * Turns the host's names into the guest's, which are never longer, and drops
 * those the guest has none for. Returns the new length.
 */
static size_t map_names(const struct vhost_fs_req *req, char *names, size_t len)
{
	char *end = names + len, *to = names, *host, *next;
	const char *guest;
	size_t size;

	for (host = names; host < end; host = next) {
		next = host + strnlen(host, end - host) + 1;
		if (next > end || is_hidden_acl(req, host))
			continue;
		guest = vhost_fs_xattrmap_to_guest(req->share, host);
		if (!guest || is_hidden_acl(req, guest))
			continue;
		size = next - guest;
		memmove(to, guest, size);
		to += size;
	}
	return to - names;
}

/**
 * vhost_fs_op_listxattr - FUSE_LISTXATTR
 * @req: the request
 *
 * Return: 0 or an errno.
 */
int vhost_fs_op_listxattr(struct vhost_fs_req *req)
{
	const struct fuse_getxattr_in *in = req->arg;
	ssize_t len;

	vhost_fs_may_block_on(req, req->path.dentry);
	len = list_names(req);
	if (len < 0)
		return len;
	if (len)
		len = map_names(req, req->buf, len);
	if (!in->size)
		return reply_size(req, len);
	if (len > reply_limit(req, in->size))
		return -ERANGE;
	vhost_fs_reply_buf(req, req->buf, len);
	return 0;
}

static int remove_attr(struct vhost_fs_req *req, const char *host)
{
	const struct path *path = &req->path;

	if (is_posix_acl_xattr(host))
		return vfs_remove_acl(mnt_idmap(path->mnt), path->dentry, host);
	return vfs_removexattr(mnt_idmap(path->mnt), path->dentry, host);
}

/**
 * vhost_fs_op_removexattr - FUSE_REMOVEXATTR
 * @req: the request
 *
 * Return: 0 or an errno.
 */
int vhost_fs_op_removexattr(struct vhost_fs_req *req)
{
	char host[XATTR_NAME_MAX + 1];
	int err;

	err = vhost_fs_want_write(req, req->path.mnt);
	if (err)
		return err;
	err = host_name(req, req->name[0].name, host);
	if (!err)
		err = remove_attr(req, host);
	mnt_drop_write(req->path.mnt);
	return err;
}
