// SPDX-License-Identifier: GPL-2.0-only
/*
 * A request: decoding, and the one door to nodes and handles.
 *
 * Everything here is the guest's and may be a lie, and may change at any time.
 * Header, arguments and names are copied into the host's memory once, byte for
 * byte, and only the copy is checked and used. The opcode's row (opdef.c) says
 * what must be there; a handler runs only when all of it was, and sees guest
 * memory only as the iterators for file data.
 */
#include <linux/fuse.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/unaligned.h>
#include <linux/xattr.h>
#include <asm/word-at-a-time.h>

#include "dev.h"
#include "ext.h"
#include "guestmem.h"
#include "handle.h"
#include "kcompat.h"
#include "keep.h"
#include "lookup.h"
#include "node.h"
#include "op.h"
#include "park.h"
#include "reply.h"
#include "request.h"
#include "session.h"
#include "share.h"
#include "vq.h"
#include "trace.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/*
 * The first copy takes this much, which is all there is of most requests, and
 * header and arguments of a WRITE.
 */
#define VHOST_FS_FIRST_COPY \
	(sizeof(struct fuse_in_header) + sizeof(struct fuse_write_in))

/**
 * vhost_fs_req_alloc - memory for a thread's requests
 * @fs: its device
 *
 * Return: a request, or NULL.
 */
struct vhost_fs_req *vhost_fs_req_alloc(struct vhost_fs_dev *fs)
{
	struct vhost_fs_req *req = kvzalloc(sizeof(*req), GFP_KERNEL_ACCOUNT);

	if (req)
		req->fs = fs;
	return req;
}

/**
 * vhost_fs_req_free - undo vhost_fs_req_alloc()
 * @req: the request, not in flight, or NULL
 */
void vhost_fs_req_free(struct vhost_fs_req *req)
{
	if (!req)
		return;
	if (req->create_cred)
		put_cred(req->create_cred);
	kvfree(req->buf);
	kvfree(req->log);
	kvfree(req);
}

/**
 * vhost_fs_req_buf - scratch memory for the running request
 * @req: the request
 * @size: bytes wanted
 *
 * Return: memory that stays valid until the next call, or NULL.
 */
void *vhost_fs_req_buf(struct vhost_fs_req *req, size_t size)
{
	if (req->buf_size < size) {
		kvfree(req->buf);
		req->buf_size = 0;
		/* Zeroed, lest a file system that fills too little leak. */
		req->buf = kvzalloc(size, GFP_KERNEL_ACCOUNT);
		if (req->buf)
			req->buf_size = size;
	}
	return req->buf;
}

/* Copy on from where the last copy ended; false if the memory isn't there. */
static bool req_copy(struct vhost_fs_req *req, size_t have, size_t want)
{
	return want <= have ||
	       vhost_fs_guest_read(req, req->in + have, have, want - have);
}

/**
 * vhost_fs_req_data - get at what follows arguments and names
 * @req: the request; @data is set
 *
 * Done for opcodes with data; others need it for extensions only.
 */
void vhost_fs_req_data(struct vhost_fs_req *req)
{
	iov_iter_init(&req->data, ITER_SOURCE, req->iov, req->out_num,
		      req->out_len);
	iov_iter_advance(&req->data, req->taken);
}

/* How many bytes at the beginning are neither a NUL nor a slash: whole words of them. */
static size_t plain_words(const u8 *start, const u8 *end)
{
	const struct word_at_a_time each = WORD_AT_A_TIME_CONSTANTS;
	unsigned long word, nul, slash;
	const u8 *at;

	for (at = start; end - at >= (ptrdiff_t)sizeof(word); at += sizeof(word)) {
		word = get_unaligned((const unsigned long *)at);
		if (has_zero(word, &nul, &each) ||
		    has_zero(word ^ REPEAT_BYTE('/'), &slash, &each))
			break;
	}
	return at - start;
}

/* Where the string at @start ends, at a NUL before @end; NULL if there is none. */
static const u8 *find_nul(const u8 *start, const u8 *end, bool *slash)
{
	const u8 *at;

	*slash = false;
	for (at = start + plain_words(start, end); at < end; at++) {
		if (!*at)
			return at;
		if (*at == '/')
			*slash = true;
	}
	return NULL;
}

/**
 * vhost_fs_name_is_dot - is it "."?
 * @name: the name
 *
 * Return: whether it is.
 */
bool vhost_fs_name_is_dot(const struct qstr *name)
{
	return name->len == 1 && name->name[0] == '.';
}

/**
 * vhost_fs_name_is_dotdot - is it ".."?
 * @name: the name
 *
 * Return: whether it is.
 */
bool vhost_fs_name_is_dotdot(const struct qstr *name)
{
	return name->len == 2 && name->name[0] == '.' && name->name[1] == '.';
}

static bool may_be_dots(const struct vhost_fs_req *req)
{
	return (req->op->flags & VHOST_FS_OP_DOTS) &&
	       vhost_fs_req_has(req, FUSE_EXPORT_SUPPORT);
}

static int check_name(const struct vhost_fs_req *req, const struct qstr *name,
		      bool slash)
{
	if (name->len > NAME_MAX)
		return -ENAMETOOLONG;
	if (!name->len || slash)
		return -EINVAL;
	if (vhost_fs_name_is_dot(name) || vhost_fs_name_is_dotdot(name))
		return may_be_dots(req) ? 0 : -EINVAL;
	return 0;
}

/* What a symbolic link points to. */
static int check_target(const struct qstr *name)
{
	if (name->len >= PATH_MAX)
		return -ENAMETOOLONG;
	return name->len ? 0 : -EINVAL;
}

/* As a system call checks the name of an extended attribute. */
static int check_attr_name(const struct qstr *name)
{
	return name->len && name->len <= XATTR_NAME_MAX ? 0 : -ERANGE;
}

static int check_last_name(const struct vhost_fs_req *req,
			   const struct qstr *name, bool slash)
{
	const struct vhost_fs_op *op = req->op;

	if (op->flags & VHOST_FS_OP_TARGET)
		return check_target(name);
	if (op->flags & VHOST_FS_OP_ATTR_NAME)
		return check_attr_name(name);
	return check_name(req, name, slash);
}

/* There is no NUL in the last @len bytes. */
static int no_nul(const struct vhost_fs_op *op, size_t len)
{
	if (len <= NAME_MAX)
		return -EINVAL;
	return op->flags & VHOST_FS_OP_ATTR_NAME ? -ERANGE : -ENAMETOOLONG;
}

/*
 * Cut the names out of the copy. They must fill it to its last byte, unless
 * data follows.
 */
static int req_decode_names(struct vhost_fs_req *req, size_t start, size_t end)
{
	const struct vhost_fs_op *op = req->op;
	unsigned int i;
	int err;

	for (i = 0; i < op->names; i++) {
		struct qstr *name = &req->name[i];
		const u8 *nul;
		bool slash;

		nul = find_nul(req->in + start, req->in + end, &slash);
		if (!nul)
			return no_nul(op, end - start);
		name->name = req->in + start;
		name->len = nul - name->name;
		name->hash = 0;
		start += name->len + 1;
		err = i == op->names - 1 ? check_last_name(req, name, slash) :
					   check_name(req, name, slash);
		if (err)
			return err;
	}
	if (!(op->flags & VHOST_FS_OP_DATA) && start != end)
		return -EINVAL;
	req->taken = start;
	return 0;
}

/* Header and arguments, in the session's version. */
static size_t req_args_end(const struct vhost_fs_req *req)
{
	const struct vhost_fs_op *op = req->op;
	bool grown = vhost_fs_req_has(req, op->grown_by);

	return sizeof(struct fuse_in_header) +
	       (grown ? op->in_grown : op->in_size);
}

/*
 * What to copy: all but the extensions, and but the data, whose begin only the
 * names tell.
 */
static size_t req_copy_end(const struct vhost_fs_req *req, size_t args)
{
	const struct vhost_fs_op *op = req->op;

	if (!(op->flags & VHOST_FS_OP_DATA))
		return req->out_len - vhost_fs_ext_len(req);
	return min(req->out_len, args + op->names * (NAME_MAX + 1));
}

/* Arguments and names, for an opcode whose row is known. */
static int req_decode_args(struct vhost_fs_req *req, size_t have)
{
	const struct vhost_fs_op *op = req->op;
	size_t args = req_args_end(req);
	size_t want;
	int err;

	if (req->out_len < args + vhost_fs_ext_len(req))
		return -EINVAL;
	want = req_copy_end(req, args);
	if (want < args)
		return -EINVAL;
	if (want > sizeof(req->in))
		return op->names ? -ENAMETOOLONG : -EINVAL;
	if (!req_copy(req, have, want))
		return -EFAULT;
	/* More than in_size if the guest's structure has grown since. */
	req->arg_len = want - sizeof(struct fuse_in_header);
	req->arg = req->in + sizeof(struct fuse_in_header);
	req->taken = want;
	err = op->names ? req_decode_names(req, args, want) : 0;
	if (!err && (op->flags & VHOST_FS_OP_DATA))
		vhost_fs_req_data(req);
	return err;
}

/* Header, opcode, arguments, names; an error here is the guest's fault. */
static int req_decode(struct vhost_fs_req *req)
{
	const struct vhost_fs_op *op;
	size_t have = min(req->out_len, VHOST_FS_FIRST_COPY);
	int err;

	if (req->out_len < sizeof(struct fuse_in_header))
		return -EINVAL;
	if (!req_copy(req, 0, have))
		return -EFAULT;
	req->hdr = (const void *)req->in;
	op = vhost_fs_op(req->hdr->opcode);
	/* Before anything is refused, since some opcodes have no reply. */
	req->op = op;
	if (req->hdr->len != req->out_len)
		return -EINVAL;
	if (!op || !op->fn || (op->served && !op->served(req->share)))
		return -ENOSYS;
	err = req_decode_args(req, have);
	if (err)
		return err;
	if (op->flags & VHOST_FS_OP_NO_REPLY)
		return 0;
	return req->in_len < sizeof(struct fuse_out_header) + op->out_size ?
		-EIO : 0;
}

/**
 * vhost_fs_req_handle - find the handle that a request names
 * @req: the request; @handle is set
 * @fh: the handle's number
 * @dir: whether it must be a directory's
 *
 * Return: 0; -EBADF if there is none, or not of the node that the header names;
 * -EIO if its file is lost, and the operation needs it.
 */
int vhost_fs_req_handle(struct vhost_fs_req *req, u64 fh, bool dir)
{
	struct vhost_fs_handle *handle;

	handle = vhost_fs_handle_get(&req->fs->session, fh);
	if (!handle)
		goto bad;
	if ((handle->file && handle->dir != dir) ||
	    handle->node->id != req->hdr->nodeid) {
		vhost_fs_handle_put(handle);
		goto bad;
	}
	req->handle = handle;
	/* Nobody is to blame for a file that is lost; it can be given back. */
	return handle->file || (req->op->flags & VHOST_FS_OP_LOST) ? 0 : -EIO;

bad:
	req->bad = true;
	return -EBADF;
}

/* The node that the header names; only "." may name a forgotten one. */
static int req_find_node(struct vhost_fs_req *req)
{
	struct vhost_fs_session *s = &req->fs->session;

	if ((req->op->flags & VHOST_FS_OP_DOTS) &&
	    vhost_fs_name_is_dot(&req->name[0]))
		req->node = vhost_fs_node_get_any(s, req->hdr->nodeid);
	else
		req->node = vhost_fs_node_get(s, req->hdr->nodeid);
	if (!req->node) {
		req->bad = true;
		return -ESTALE;
	}
	return 0;
}

/* An open file, which pins its path, may be used wherever the host has moved it. */
static int req_find_handle(struct vhost_fs_req *req, u64 fh)
{
	struct vhost_fs_handle *handle;

	handle = vhost_fs_handle_get(&req->fs->session, fh);
	if (!handle || handle->node != req->node) {
		if (handle)
			vhost_fs_handle_put(handle);
		req->bad = true;
		return -EBADF;
	}
	req->handle = handle;
	if (!handle->file)
		return -EIO;
	req->path = handle->file->f_path;
	return 0;
}

/**
 * vhost_fs_req_maybe_handle - find what a VHOST_FS_OP_MAYBE_FH request works on
 * @req: the request; @path is set, and @handle if there is one
 * @has_fh: whether the request names an open file
 * @fh: the handle's number if it does
 *
 * Return: 0; -EBADF if there is no such handle of the node; without one, as
 * vhost_fs_node_borrow_path().
 */
int vhost_fs_req_maybe_handle(struct vhost_fs_req *req, bool has_fh, u64 fh)
{
	if (has_fh)
		return req_find_handle(req, fh);
	return vhost_fs_node_borrow_path(req, req->node, &req->path);
}

static int req_find_objects(struct vhost_fs_req *req)
{
	const struct vhost_fs_op *op = req->op;
	int err;

	if (op->flags & (VHOST_FS_OP_FILE | VHOST_FS_OP_DIR)) {
		u64 fh = *(const u64 *)(req->arg + op->fh_offset);

		/* An open file goes on working wherever it was moved to. */
		return vhost_fs_req_handle(req, fh, op->flags & VHOST_FS_OP_DIR);
	}
	if (op->flags & VHOST_FS_OP_NO_NODE)
		return 0;
	err = req_find_node(req);
	if (err || (op->flags & VHOST_FS_OP_MAYBE_FH))
		return err;
	return vhost_fs_node_borrow_path(req, req->node, &req->path);
}

/* Find what the request is about, and do it. */
static int req_execute(struct vhost_fs_req *req)
{
	const struct vhost_fs_op *op = req->op;
	const struct cred *saved;
	int err;

	if (!(op->flags & VHOST_FS_OP_NO_SESSION) &&
	    !READ_ONCE(req->fs->session.minor))
		return -EIO;
	if (op->flags & VHOST_FS_OP_BLOCKS)
		vhost_fs_may_block(req);
	saved = override_creds(req->share->cred);
	err = req_find_objects(req);
	if (!err && (op->flags & VHOST_FS_OP_EXT))
		err = vhost_fs_ext_parse(req);
	if (!err)
		err = op->fn(req);
	revert_creds(saved);
	return err;
}

static void req_release(struct vhost_fs_req *req)
{
	if (req->handle)
		vhost_fs_handle_put(req->handle);
	else if (req->node)
		vhost_fs_node_return_path(req->node, &req->path);
	if (req->node)
		vhost_fs_node_put(req->node);
	if (req->spare_node)
		vhost_fs_node_unreserve(req);
}

static void req_prepare(struct vhost_fs_req *req)
{
	req->share = req->fs->share;
	req->session_flags = READ_ONCE(req->fs->session.flags);
	req->op = NULL;
	req->hdr = NULL;
	req->arg = NULL;
	req->arg_len = 0;
	req->node = NULL;
	req->path = (struct path) { };
	req->handle = NULL;
	req->spare_node = NULL;
	req->ext = (struct vhost_fs_ext){ };
	req->payload = NULL;
	req->payload_len = 0;
	req->data_in = 0;
	req->data_out = 0;
	req->written = 0;
	req->bad = false;
	req->changed = false;
}

/* Serve, up to the reply, what is new from the ring. */
static int req_serve(struct vhost_fs_req *req)
{
	int err;

	req_prepare(req);
	err = req_decode(req);
	trace_vhost_fs_request_begin(req);
	if (!err)
		return req_execute(req);
	if (err != -ENOSYS)
		req->bad = true;
	return err;
}

/* Go on with what has waited. */
static int req_resume(struct vhost_fs_req *req)
{
	const struct cred *saved;
	int err;

	vhost_fs_park_fill(req, (struct fuse_in_header *)req->in);
	req_prepare(req);
	req->hdr = (const void *)req->in;
	req->op = vhost_fs_op(req->hdr->opcode);
	saved = override_creds(req->share->cred);
	err = vhost_fs_park_resume(req);
	revert_creds(saved);
	return err;
}

/* Nothing is left to do but to say so. */
static void req_resend(struct vhost_fs_req *req)
{
	req->share = req->fs->share;
	req->written = 0;
	vhost_fs_reply_resend(req);
	trace_vhost_fs_request_end(req);
}

/* Is it for the next owner's thread? */
static bool req_is_kept(const struct vhost_fs_req *req, int err)
{
	return err && vhost_fs_keep_wants(err) && !req->changed;
}

/**
 * vhost_fs_req_run - serve a chain that has been taken off a ring
 * @req: the request; its queue is set, and pieces of memory or @parked, and @keep
 *
 * Afterwards @written is what the used element must say, unless @put_off or
 * @keep.
 *
 * Context: a thread of the pool, no locks held.
 */
void vhost_fs_req_run(struct vhost_fs_req *req)
{
	enum vhost_fs_keep kept = req->keep;
	int err;

	req->keep = VHOST_FS_KEEP_NOT;
	if (kept == VHOST_FS_KEEP_REPLY) {
		req_resend(req);
		return;
	}
	err = req->parked ? req_resume(req) : req_serve(req);
	if (err == VHOST_FS_PARKED) {
		req->put_off = true;
	} else if (req_is_kept(req, err)) {
		req->keep = VHOST_FS_KEEP_ALL;
	} else {
		vhost_fs_reply_send(req, err);
		trace_vhost_fs_request_end(req);
	}
	req_release(req);
}
