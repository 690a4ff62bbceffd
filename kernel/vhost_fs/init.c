// SPDX-License-Identifier: GPL-2.0-only
/*
 * INIT, DESTROY and INTERRUPT.
 */
#include <linux/fuse.h>
#include <linux/mm.h>
#include <linux/xattr.h>

#include "init.h"
#include "op.h"
#include "park.h"
#include "reply.h"
#include "request.h"
#include "session.h"
#include "share.h"
#include "xattr.h"

/*
 * Requests that a guest may have in flight in the background. The ring is the
 * real bound.
 */
#define VHOST_FS_MAX_BACKGROUND	65535

/*
 * What any guest may have if it asks. Requests overlap and are answered in any
 * order; a write of any size is one request; O_TRUNC is done by OPEN; directories
 * have ioctls as files do.
 */
static const u64 flags_always =
	FUSE_ASYNC_READ | FUSE_BIG_WRITES | FUSE_ATOMIC_O_TRUNC |
	FUSE_PARALLEL_DIROPS | FUSE_ASYNC_DIO | FUSE_MAX_PAGES |
	FUSE_AUTO_INVAL_DATA | FUSE_INIT_EXT |
	FUSE_CREATE_SUPP_GROUP | FUSE_HAS_IOCTL_DIR | FUSE_EXPORT_SUPPORT;

/* Access control lists take all of these, or there are none. */
static const u64 flags_acl =
	FUSE_POSIX_ACL | FUSE_DONT_MASK | FUSE_SETXATTR_EXT;

/* What the share's options ask of guests. */
static u64 flags_wanted(const struct vhost_fs_share *share)
{
	u64 flags = 0;

	if (share->flags & VHOST_FS_SHARE_POSIX_ACL)
		flags |= flags_acl;
	if (share->flags & VHOST_FS_SHARE_SECURITY_LABEL)
		flags |= FUSE_SECURITY_CTX;
	return flags;
}

/*
 * What of that they can't do without. Access rights that the guest doesn't know
 * of would be believed in and not be there, and so would labels; unless the
 * share's owner has said not to care.
 */
static u64 flags_needed(const struct vhost_fs_share *share)
{
	u64 flags = flags_wanted(share);

	if (share->flags & VHOST_FS_SHARE_POSIX_ACL_AUTO)
		flags &= ~flags_acl;
	if (share->flags & VHOST_FS_SHARE_SECURITY_LABEL_AUTO)
		flags &= ~FUSE_SECURITY_CTX;
	return flags;
}

/*
 * Does the host clear a file's capabilities when it clears set-ID bits? Not those that
 * the guest keeps under another name: for them it has to look itself.
 */
static bool clears_capabilities(const struct vhost_fs_share *share)
{
	char name[XATTR_NAME_MAX + 1];

	return vhost_fs_xattrmap_to_host(share, XATTR_NAME_CAPS, name) ||
	       !strcmp(name, XATTR_NAME_CAPS);
}

static u64 flags_offered(const struct vhost_fs_share *share)
{
	u64 flags = flags_always | flags_wanted(share);

	/* A symbolic link's target never changes: another one is another node. */
	if (share->cache != VHOST_FS_CACHE_NEVER)
		flags |= FUSE_CACHE_SYMLINKS;
	if (share->cache != VHOST_FS_CACHE_NEVER &&
	    !(share->flags & VHOST_FS_SHARE_NO_READDIRPLUS))
		flags |= FUSE_DO_READDIRPLUS | FUSE_READDIRPLUS_AUTO;
	/* With it a guest leaves out who asks, but for requests that create. */
	if (!(share->flags & VHOST_FS_SHARE_NO_IDMAP))
		flags |= FUSE_ALLOW_IDMAP;
	if (!(share->flags & VHOST_FS_SHARE_NO_SUBMOUNTS))
		flags |= FUSE_SUBMOUNTS;
	if (share->flags & VHOST_FS_SHARE_WRITEBACK)
		flags |= FUSE_WRITEBACK_CACHE;
	if (share->flags & VHOST_FS_SHARE_MMAP)
		flags |= FUSE_DIRECT_IO_ALLOW_MMAP;
	if ((share->flags & VHOST_FS_SHARE_KILLPRIV_V2) &&
	    clears_capabilities(share))
		flags |= FUSE_HANDLE_KILLPRIV_V2;
	if (vhost_fs_lock_served(share))
		flags |= FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS;
	return flags;
}

/*
 * What the guest will ask of us because it was agreed on. What else there is is
 * the guest's own business, or served to anybody.
 */
#define FLAGS_RELIED_ON	(FUSE_WRITEBACK_CACHE | FUSE_SUBMOUNTS |	\
			 FUSE_POSIX_ACL | FUSE_DONT_MASK |		\
			 FUSE_SETXATTR_EXT | FUSE_SECURITY_CTX |	\
			 FUSE_HANDLE_KILLPRIV_V2 | FUSE_POSIX_LOCKS |	\
			 FUSE_FLOCK_LOCKS)

/* All that any share agrees on. */
static const u64 flags_known =
	FUSE_ASYNC_READ | FUSE_BIG_WRITES | FUSE_ATOMIC_O_TRUNC |
	FUSE_PARALLEL_DIROPS | FUSE_ASYNC_DIO | FUSE_MAX_PAGES |
	FUSE_AUTO_INVAL_DATA | FUSE_INIT_EXT | FUSE_CREATE_SUPP_GROUP |
	FUSE_HAS_IOCTL_DIR | FUSE_EXPORT_SUPPORT | FUSE_CACHE_SYMLINKS |
	FUSE_DO_READDIRPLUS | FUSE_READDIRPLUS_AUTO | FUSE_ALLOW_IDMAP |
	FUSE_DIRECT_IO_ALLOW_MMAP | FLAGS_RELIED_ON;

/**
 * vhost_fs_init_allowed - what of features agreed on elsewhere counts here
 * @share: the share
 * @flags: FUSE_* flags of INIT, of which none is missing
 *
 * Return: those that the share agrees on.
 */
u64 vhost_fs_init_allowed(const struct vhost_fs_share *share, u64 flags)
{
	return flags & flags_offered(share);
}

/**
 * vhost_fs_init_missing - could a guest have agreed on its features here?
 * @share: the share
 * @flags: FUSE_* flags of INIT that a guest agreed on elsewhere
 *
 * Return: those that the share would not have agreed on, and those that it would
 * have insisted on.
 */
u64 vhost_fs_init_missing(const struct vhost_fs_share *share, u64 flags)
{
	u64 asked = flags & (FLAGS_RELIED_ON | ~flags_known);

	return (asked & ~flags_offered(share)) | (flags_needed(share) & ~flags);
}

static u64 flags_asked(const struct vhost_fs_req *req)
{
	const struct fuse_init_in *in = req->arg;
	u64 flags = in->flags;

	if ((flags & FUSE_INIT_EXT) &&
	    req->arg_len >= offsetofend(struct fuse_init_in, flags2))
		flags |= (u64)in->flags2 << 32;
	return flags;
}

static void init_reply(struct vhost_fs_req *req, u32 minor, u32 max_readahead,
		       u64 flags)
{
	struct fuse_init_out *out = vhost_fs_reply_arg(req, sizeof(*out));

	out->major = FUSE_KERNEL_VERSION;
	out->minor = minor;
	out->max_readahead = max_readahead;
	out->flags = lower_32_bits(flags);
	out->flags2 = upper_32_bits(flags);
	out->max_background = VHOST_FS_MAX_BACKGROUND;
	out->congestion_threshold = VHOST_FS_MAX_BACKGROUND / 4 * 3;
	out->max_write = VHOST_FS_MAX_WRITE;
	out->time_gran = 1;
	out->max_pages = VHOST_FS_MAX_WRITE / SZ_4K;
}

/**
 * vhost_fs_op_init - FUSE_INIT
 * @req: the request
 *
 * Begins a new session; what was left of an old one is forgotten. A guest that
 * speaks a later major version is told ours and asks again.
 *
 * Return: 0; -EPROTO if the guest's version is too old, or lacks what the
 * share's options need; -ENOMEM.
 */
int vhost_fs_op_init(struct vhost_fs_req *req)
{
	const struct fuse_init_in *in = req->arg;
	u64 flags;
	u32 minor;
	int err;

	if (in->major > FUSE_KERNEL_VERSION) {
		init_reply(req, VHOST_FS_FUSE_MINOR, 0, 0);
		return 0;
	}
	if (in->major < FUSE_KERNEL_VERSION ||
	    in->minor < VHOST_FS_FUSE_MINOR_MIN)
		return -EPROTO;

	minor = min(in->minor, VHOST_FS_FUSE_MINOR);
	flags = flags_asked(req) & flags_offered(req->share);
	if ((flags & flags_acl) != flags_acl)
		flags &= ~flags_acl;
	if (flags_needed(req->share) & ~flags)
		return -EPROTO;
	err = vhost_fs_session_begin(req->fs, minor, flags);
	if (err)
		return err;
	init_reply(req, minor, in->max_readahead, flags);
	return 0;
}

/**
 * vhost_fs_op_destroy - FUSE_DESTROY
 * @req: the request
 *
 * Return: 0; -EINTR if the owner is being killed.
 */
int vhost_fs_op_destroy(struct vhost_fs_req *req)
{
	return vhost_fs_session_end(req->fs);
}

/**
 * vhost_fs_op_interrupt - FUSE_INTERRUPT
 * @req: the request
 *
 * Ends the wait of a request for a lock. Whatever else is served ends by
 * itself, and one that isn't there, or not yet, can't be told.
 *
 * Return: 0.
 */
int vhost_fs_op_interrupt(struct vhost_fs_req *req)
{
	const struct fuse_interrupt_in *in = req->arg;

	vhost_fs_park_interrupt(req->fs, in->unique);
	return 0;
}
