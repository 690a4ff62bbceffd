/* SPDX-License-Identifier: GPL-2.0-only */
/* A request, from ring to used element. */
#ifndef VHOST_FS_REQUEST_H
#define VHOST_FS_REQUEST_H

#include <linux/dcache.h>
#include <linux/fuse.h>
#include <linux/path.h>
#include <linux/sizes.h>
#include <linux/uio.h>

#include "cred.h"
#include "ext.h"
#include "keep.h"

struct cred;
struct fuse_in_header;
struct vhost_fs_dev;
struct vhost_fs_handle;
struct vhost_fs_node;
struct vhost_fs_op;
struct vhost_fs_parked;
struct vhost_fs_queue;
struct vhost_fs_share;
struct vhost_fs_worker;
struct vhost_log;

/* Largest FUSE_READ and FUSE_WRITE. */
#define VHOST_FS_MAX_WRITE	SZ_1M

/* Header, arguments and names of any request, the longest being a SYMLINK. */
#define VHOST_FS_IN_BUF		(SZ_4K + SZ_1K)

/* Header and arguments of any reply that is not file data or a listing. */
#define VHOST_FS_OUT_BUF	512

/**
 * struct vhost_fs_req - a request, from ring to used element
 * @fs: its device
 * @worker: the thread that it belongs to
 * @q: its queue
 * @share: the device's share
 * @session_flags: features agreed on with the guest when the request was taken:
 *	another INIT may agree on others meanwhile
 * @op: its row, NULL if it never got that far
 * @head: descriptor index, for the used element
 * @iov: guest memory: @out_num readable pieces, then @in_num writable ones
 * @out_num: pieces from the guest
 * @in_num: pieces to the guest
 * @out_len: bytes from the guest
 * @in_len: bytes to the guest
 * @data: what of the guest's bytes follows arguments and names; see
 *	vhost_fs_req_data()
 * @taken: bytes of the guest's that came before @data
 * @hdr: header, copied once
 * @arg: arguments, copied once
 * @arg_len: their length, names included; at least the row's in_size
 * @name: names, copied once and checked
 * @node: node that the header names
 * @path: its path, borrowed from it; if there is @handle, that one's, or empty if
 *	the row says that there must be an open file
 * @handle: handle that the arguments name
 * @spare_node: memory for a node, made before what it is to stand for
 * @payload: what follows the reply's header
 * @payload_len: its length
 * @data_in: file data taken from the guest
 * @data_out: file data put behind the reply's header
 * @written: bytes for the used element
 * @error: what the guest was told
 * @handed_off: another thread may be at the queue
 * @offered: another thread may be at the queue, if this one has slept since
 * @bad: malformed, or names what does not exist
 * @parked: not new from the ring, but goes on after a wait; else NULL
 * @put_off: waits now, and so is not to be completed
 * @keep: what the next owner's thread has to do of it; what this one has, when
 *	it is taken
 * @kept: place in vhost_fs_queue.kept
 * @done: how much of it an earlier owner's thread has done; and this one, if it
 *	has to be kept
 * @changed: a name was made, or a wait has ended, so it can't be served again
 * @log_num: entries of @log
 * @log: what of guest memory to mark dirty, NULL while nothing is logged
 * @buf: scratch memory of @buf_size bytes, for listings
 * @buf_size: see @buf
 * @ext: extensions
 * @create_cred: credentials for the last guest user that made something
 * @creator: whose those are
 * @in: header, arguments and names
 * @out: header of the reply, and the payload if it is small
 *
 * One belongs to each thread and is used for one request after another, so
 * that serving allocates nothing.
 */
struct vhost_fs_req {
	struct vhost_fs_dev *fs;
	struct vhost_fs_worker *worker;
	struct vhost_fs_queue *q;
	struct vhost_fs_share *share;
	u64 session_flags;
	const struct vhost_fs_op *op;
	int head;
	unsigned int out_num;
	unsigned int in_num;
	size_t out_len;
	size_t in_len;
	struct iov_iter data;
	size_t taken;
	const struct fuse_in_header *hdr;
	const void *arg;
	size_t arg_len;
	struct qstr name[2];
	struct vhost_fs_node *node;
	struct path path;
	struct vhost_fs_handle *handle;
	struct vhost_fs_node *spare_node;
	const void *payload;
	size_t payload_len;
	size_t data_in;
	size_t data_out;
	u32 written;
	int error;
	bool handed_off;
	bool offered;
	bool bad;
	struct vhost_fs_parked *parked;
	bool put_off;
	bool changed;
	enum vhost_fs_keep keep;
	struct list_head kept;
	size_t done;
	unsigned int log_num;
	struct vhost_log *log;
	void *buf;
	size_t buf_size;
	struct vhost_fs_ext ext;
	struct cred *create_cred;
	struct vhost_fs_creator creator;
	u8 in[VHOST_FS_IN_BUF] __aligned(8);
	struct {
		struct fuse_out_header hdr;
		u8 payload[VHOST_FS_OUT_BUF];
	} out __aligned(8);
	struct iovec iov[UIO_MAXIOV];
};

/* Did INIT agree on a FUSE_* feature? The same from a request's begin to end. */
static inline bool vhost_fs_req_has(const struct vhost_fs_req *req, u64 flag)
{
	return req->session_flags & flag;
}

/* After a change of @iov, @out_num and @in_num. */
static inline void vhost_fs_req_measure(struct vhost_fs_req *req)
{
	req->out_len = iov_length(req->iov, req->out_num);
	req->in_len = iov_length(req->iov + req->out_num, req->in_num);
}

struct vhost_fs_req *vhost_fs_req_alloc(struct vhost_fs_dev *fs);
void vhost_fs_req_free(struct vhost_fs_req *req);
void vhost_fs_req_run(struct vhost_fs_req *req);
void *vhost_fs_req_buf(struct vhost_fs_req *req, size_t size);
int vhost_fs_req_handle(struct vhost_fs_req *req, u64 fh, bool dir);
int vhost_fs_req_maybe_handle(struct vhost_fs_req *req, bool has_fh, u64 fh);

void vhost_fs_req_data(struct vhost_fs_req *req);

#endif /* VHOST_FS_REQUEST_H */
