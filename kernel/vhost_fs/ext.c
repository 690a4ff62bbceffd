// SPDX-License-Identifier: GPL-2.0-only
/*
 * Extensions of requests that create something: the supplementary groups of
 * the guest's user, and the security label for what is made. They lie behind
 * the names, one after the other, each in a whole number of 8-byte units, and
 * only if INIT agreed on them; what INIT did not agree on, or nobody knows, is
 * refused.
 */
#include <linux/fuse.h>
#include <linux/xattr.h>

#include "cred.h"
#include "ext.h"
#include "guestmem.h"
#include "op.h"
#include "request.h"
#include "xattr.h"

/* A label of any size, and groups. */
#define VHOST_FS_EXT_MAX	(XATTR_SIZE_MAX + SZ_4K)

/* What the header counts extensions in. */
#define VHOST_FS_EXT_UNIT	8

/**
 * vhost_fs_ext_len - how much of a request is extensions
 * @req: the request, with its header
 *
 * Return: bytes at its end, which may be more than it has.
 */
size_t vhost_fs_ext_len(const struct vhost_fs_req *req)
{
	if (!(req->op->flags & VHOST_FS_OP_EXT) ||
	    !vhost_fs_req_has(req, FUSE_SECURITY_CTX | FUSE_CREATE_SUPP_GROUP))
		return 0;
	return req->hdr->total_extlen * VHOST_FS_EXT_UNIT;
}

/* One label: its name, a NUL, its value, padding. */
static int parse_label(struct vhost_fs_ext *ext, const void *p, size_t len)
{
	const struct fuse_secctx *ctx = p;
	const char *name = p + sizeof(*ctx);
	size_t name_size;

	if (len < sizeof(*ctx))
		return -EINVAL;
	len -= sizeof(*ctx);
	name_size = strnlen(name, min_t(size_t, len, XATTR_NAME_MAX + 1)) + 1;
	if (name_size == 1 || name_size > XATTR_NAME_MAX + 1 ||
	    name_size > len || ctx->size > len - name_size)
		return -EINVAL;
	if (ctx->size > XATTR_SIZE_MAX)
		return -E2BIG;
	ext->label_name = name;
	ext->label = name + name_size;
	ext->label_size = ctx->size;
	return 0;
}

static int parse_labels(struct vhost_fs_req *req, u32 nr, const void *p,
			size_t len)
{
	if (!vhost_fs_req_has(req, FUSE_SECURITY_CTX))
		return -EINVAL;
	if (!nr)
		return len ? -EINVAL : 0;
	/* Which of two would be the object's? */
	if (nr > 1 || req->ext.label_name)
		return -EINVAL;
	return parse_label(&req->ext, p, len);
}

static int parse_groups(struct vhost_fs_req *req, const void *p, size_t len)
{
	const struct fuse_supp_groups *groups = p;

	if (!vhost_fs_req_has(req, FUSE_CREATE_SUPP_GROUP) || req->ext.groups)
		return -EINVAL;
	if (len < sizeof(*groups) ||
	    groups->nr_groups > VHOST_FS_MAX_SUPP_GROUPS ||
	    len - sizeof(*groups) < groups->nr_groups * sizeof(u32))
		return -EINVAL;
	req->ext.groups = groups->groups;
	req->ext.nr_groups = groups->nr_groups;
	return 0;
}

static int parse_one(struct vhost_fs_req *req, const struct fuse_ext_header *h)
{
	const void *p = h + 1;
	size_t len = h->size - sizeof(*h);

	if (h->type <= FUSE_MAX_NR_SECCTX)
		return parse_labels(req, h->type, p, len);
	if (h->type == FUSE_EXT_GROUPS)
		return parse_groups(req, p, len);
	return -EINVAL;
}

static int parse_all(struct vhost_fs_req *req, const void *p, size_t len)
{
	const struct fuse_ext_header *h;
	int err;

	for (; len; p += h->size, len -= h->size) {
		h = p;
		if (len < sizeof(*h) || h->size < sizeof(*h) ||
		    h->size > len || h->size % VHOST_FS_EXT_UNIT)
			return -EINVAL;
		err = parse_one(req, h);
		if (err)
			return err;
	}
	return 0;
}

/**
 * vhost_fs_ext_parse - take a request's extensions apart
 * @req: the request, of whose data nothing else is left; @ext is filled in
 *
 * They lie in the request's scratch memory, which the handler must leave alone
 * until it has created what it has to.
 *
 * Return: 0; -EINVAL, -E2BIG, -EFAULT or -ENOMEM.
 */
int vhost_fs_ext_parse(struct vhost_fs_req *req)
{
	size_t len = vhost_fs_ext_len(req);
	void *buf;
	int err;

	if (!len)
		return 0;
	if (len > VHOST_FS_EXT_MAX)
		return -E2BIG;
	buf = vhost_fs_req_buf(req, len);
	if (!buf)
		return -ENOMEM;
	if (!vhost_fs_guest_read(req, buf, req->taken, len))
		return -EFAULT;
	err = parse_all(req, buf, len);
	if (err)
		req->bad = true;
	return err;
}

/**
 * vhost_fs_ext_label - give what was made the label the guest wants for it
 * @req: the request
 * @path: what was made; write access to its mount is held
 *
 * The label is an extended attribute and goes the way of all those: through
 * the share's rules, and as far as the share may set it.
 *
 * Return: 0 or an errno.
 */
int vhost_fs_ext_label(struct vhost_fs_req *req, const struct path *path)
{
	const struct vhost_fs_ext *ext = &req->ext;

	if (!ext->label_name)
		return 0;
	return vhost_fs_xattr_set(req, path, ext->label_name, ext->label,
				  ext->label_size, 0);
}
