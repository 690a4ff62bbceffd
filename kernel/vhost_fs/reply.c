// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replies: header, and behind it either a copy of a buffer, or file data that
 * the handler has already put there.
 */
#include <linux/errno.h>
#include <linux/fuse.h>

#include "guestmem.h"
#include "keep.h"
#include "op.h"
#include "reply.h"
#include "request.h"

/**
 * vhost_fs_reply_buf - reply with a buffer
 * @req: the request
 * @buf: sent if the handler returns 0; must outlive the handler
 * @len: its length, at most vhost_fs_reply_room()
 */
void vhost_fs_reply_buf(struct vhost_fs_req *req, const void *buf, size_t len)
{
	req->payload = buf;
	req->payload_len = len;
}

/**
 * vhost_fs_reply_room - what the guest has room for
 * @req: the request
 *
 * Return: bytes that may follow the header.
 */
size_t vhost_fs_reply_room(const struct vhost_fs_req *req)
{
	return req->in_len - sizeof(struct fuse_out_header);
}

/**
 * vhost_fs_reply_data - where file data goes
 * @req: the request
 * @to: set to the guest's memory behind the header
 * @len: bytes of it to use, at most vhost_fs_reply_room()
 *
 * The handler sets req->data_out to what it has put there.
 */
void vhost_fs_reply_data(const struct vhost_fs_req *req, struct iov_iter *to,
			 size_t len)
{
	iov_iter_init(to, ITER_DEST, req->iov + req->out_num, req->in_num,
		      req->in_len);
	iov_iter_advance(to, sizeof(struct fuse_out_header));
	iov_iter_truncate(to, len);
}

/* Header and payload, in one copy where they lie in one piece. */
static bool reply_copy(struct vhost_fs_req *req, size_t payload_len)
{
	size_t len = sizeof(req->out.hdr);

	if (req->payload == req->out.payload) {
		len += payload_len;
		payload_len = 0;
	}
	return vhost_fs_guest_write(req, 0, &req->out, len) &&
	       (!payload_len ||
		vhost_fs_guest_write(req, len, req->payload, payload_len));
}

/*
 * What a guest is told: Linux's errnos, which are the host's own, up to 511.
 * Above are those that the kernel keeps to itself: a system call that a signal
 * wants restarted, and codes that belong to NFS.
 */
static int reply_errno(int err)
{
	switch (err) {
	case -511 ... 0:
		return err;
	case -ERESTARTSYS:
	case -ERESTARTNOINTR:
	case -ERESTARTNOHAND:
	case -ERESTART_RESTARTBLOCK:
		return -EINTR;
	/* On this, who opens looks the name up anew. */
	case -EOPENSTALE:
		return -ESTALE;
	case -ENOTSUPP:
		return -EOPNOTSUPP;
	default:
		return -EIO;
	}
}

/* May what follows the header be sent by another thread, later? */
static bool reply_is_kept(const struct vhost_fs_req *req)
{
	return !req->payload_len || req->payload == req->out.payload ||
	       req->payload == req->buf;
}

/*
 * What the request did can't be done twice, as a rule: a LOOKUP counts, an OPEN
 * gives a number. So if it is for the owner's end that the guest's memory can't
 * be written to, the reply is kept.
 */
static void reply_failed(struct vhost_fs_req *req)
{
	if (vhost_fs_keep_wants(-EFAULT) && reply_is_kept(req))
		req->keep = VHOST_FS_KEEP_REPLY;
	else
		req->bad = true;
}

/**
 * vhost_fs_reply_resend - send a reply that a thread of an earlier owner couldn't
 * @req: the request, with @out and @payload as they were
 *
 * If there was none, only the used element was missing.
 */
void vhost_fs_reply_resend(struct vhost_fs_req *req)
{
	size_t payload_len = req->error ? 0 : req->payload_len;

	req->written = 0;
	if (!req->out.hdr.len)
		return;
	if (req->in_len >= req->out.hdr.len - req->data_out &&
	    reply_copy(req, payload_len))
		req->written = req->out.hdr.len;
	else
		reply_failed(req);
}

/**
 * vhost_fs_reply_send - tell the guest how its request ended
 * @req: the request
 * @err: 0 or an errno
 *
 * Sets @req->error and @req->written. A guest that left no room for a header,
 * or whose memory has gone, gets nothing.
 */
void vhost_fs_reply_send(struct vhost_fs_req *req, int err)
{
	size_t payload_len = err ? 0 : req->payload_len;

	req->error = reply_errno(err);
	/* In case it is kept; the last one's is still there. */
	req->out.hdr.len = 0;
	if (!req->hdr || req->in_len < sizeof(req->out.hdr) ||
	    (req->op && (req->op->flags & VHOST_FS_OP_NO_REPLY)))
		return;
	req->out.hdr.len = sizeof(req->out.hdr) + payload_len;
	if (!err)
		req->out.hdr.len += req->data_out;
	req->out.hdr.error = req->error;
	req->out.hdr.unique = req->hdr->unique;
	if (reply_copy(req, payload_len))
		req->written = req->out.hdr.len;
	else
		reply_failed(req);
}
