/* SPDX-License-Identifier: GPL-2.0-only */
/* What the guest is answered. */
#ifndef VHOST_FS_REPLY_H
#define VHOST_FS_REPLY_H

#include <linux/string.h>

#include "request.h"

struct iov_iter;

void vhost_fs_reply_buf(struct vhost_fs_req *req, const void *buf, size_t len);
size_t vhost_fs_reply_room(const struct vhost_fs_req *req);
void vhost_fs_reply_data(const struct vhost_fs_req *req, struct iov_iter *to,
			 size_t len);
void vhost_fs_reply_send(struct vhost_fs_req *req, int err);
void vhost_fs_reply_resend(struct vhost_fs_req *req);

/*
 * vhost_fs_reply_arg - room for a reply of fixed size, zeroed
 *
 * At most VHOST_FS_OUT_BUF; the request's row says that the guest has room for
 * it. Sent if the handler returns 0. Inline, since to zero what has a constant
 * size takes a few words.
 */
static inline void *vhost_fs_reply_arg(struct vhost_fs_req *req, size_t size)
{
	memset(req->out.payload, 0, size);
	vhost_fs_reply_buf(req, req->out.payload, size);
	return req->out.payload;
}

#endif /* VHOST_FS_REPLY_H */
