// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kept requests: those that the end of the device's owner interrupted.
 *
 * The threads that serve are threads of the owner, and SIGKILL ends what they
 * wait for. The guest is not to blame and may outlive the owner, whose place
 * another process can take (VHOST_RESET_OWNER); so the errno that a fatal signal
 * made is never an answer. The request stays what it is, in its dead thread's
 * struct vhost_fs_req, for which no memory has to be found; when the threads have
 * been stopped it goes to its queue's list, and is what a thread of the next owner
 * takes first, if the ring is started where it was stopped.
 *
 * What had been done decides how it goes on:
 *
 *	VHOST_FS_KEEP_ALL	nothing was done, or what was done can be done once
 *				more: it is decoded and served again. Those of which
 *				some was done that can't (data appended, nodes
 *				forgotten) say how much in @done
 *	VHOST_FS_KEEP_REPLY	all was done, but the answer didn't get to the guest:
 *				only that is sent again
 *
 * Its pieces of memory are remembered as guest addresses, since the next owner
 * maps the guest's memory elsewhere.
 */
#include <linux/errno.h>
#include <linux/fuse.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/vhost_iotlb.h>

#include "dev.h"
#include "guestmem.h"
#include "keep.h"
#include "request.h"
#include "vq.h"

/**
 * vhost_fs_keep_wants - was it only the owner's end that made this error?
 * @err: what a request or a part of it came to
 *
 * A dying thread gets no lock that it has to wait for, no page that isn't
 * there, and maybe no memory.
 *
 * Return: whether the next owner's thread may have more luck.
 *
 * Context: a thread of the pool.
 */
bool vhost_fs_keep_wants(int err)
{
	switch (err) {
	case -EINTR:
	case -ERESTARTSYS:
	case -ERESTARTNOINTR:
	case -ERESTARTNOHAND:
	case -ERESTART_RESTARTBLOCK:
	case -EFAULT:
	case -ENOMEM:
		return fatal_signal_pending(current);
	default:
		return false;
	}
}

/* Pieces in the owner's memory become pieces in the guest's. */
static bool keep_pieces(struct vhost_fs_req *req)
{
	unsigned int i, nr = req->out_num + req->in_num;
	u64 addr;

	for (i = 0; i < nr; i++) {
		if (!vhost_fs_guest_addr(&req->fs->vdev,
					 (uintptr_t)req->iov[i].iov_base,
					 &addr))
			return false;
		req->iov[i].iov_base = u64_to_user_ptr(addr);
	}
	return true;
}

/**
 * vhost_fs_keep - a request is not answered by this owner any more
 * @req: the request, with @keep set, still in flight
 *
 * Context: its thread, which is being killed and serves no other; the queue's
 * mutex held.
 */
void vhost_fs_keep(struct vhost_fs_req *req)
{
	lockdep_assert_held(&req->q->vq.mutex);

	req->parked = NULL;
	if (!keep_pieces(req))
		req->keep = VHOST_FS_KEEP_NOT;
}

/**
 * vhost_fs_keep_list - a thread has ended and leaves a request
 * @req: the request, with @keep set; now the queue's
 *
 * Context: process context, no thread left.
 */
void vhost_fs_keep_list(struct vhost_fs_req *req)
{
	struct vhost_fs_queue *q = req->q;

	mutex_lock(&q->vq.mutex);
	req->worker = NULL;
	list_add_tail(&req->kept, &q->kept);
	mutex_unlock(&q->vq.mutex);
}

/* The guest's addresses in the memory table of now; no pieces if one has gone. */
static void keep_fill_iov(struct vhost_fs_req *req,
			  const struct vhost_fs_req *kept)
{
	unsigned int i, n, nr = 0;

	req->out_num = 0;
	req->in_num = 0;
	req->log_num = 0;
	for (i = 0; i < kept->out_num + kept->in_num; i++) {
		const struct iovec *piece = &kept->iov[i];
		bool in = i >= kept->out_num;

		n = vhost_fs_guest_pieces(req, nr, (uintptr_t)piece->iov_base,
					  piece->iov_len,
					  in ? VHOST_MAP_WO : VHOST_MAP_RO);
		if (!n) {
			req->out_num = 0;
			req->in_num = 0;
			return;
		}
		nr += n;
		if (!in) {
			req->out_num = nr;
			continue;
		}
		req->in_num = nr - req->out_num;
		if (!vhost_has_feature(&req->q->vq, VHOST_F_LOG_ALL))
			continue;
		req->log[req->log_num].addr = (uintptr_t)piece->iov_base;
		req->log[req->log_num++].len = piece->iov_len;
	}
}

/* What only has to be sent: header and payload, wherever they are. */
static void keep_take_reply(struct vhost_fs_req *req, struct vhost_fs_req *kept)
{
	memcpy(req->in, kept->in, sizeof(struct fuse_in_header));
	memcpy(&req->out, &kept->out, sizeof(req->out));
	req->hdr = (const void *)req->in;
	req->op = kept->op;
	req->error = kept->error;
	req->bad = kept->bad;
	req->data_in = kept->data_in;
	req->data_out = kept->data_out;
	req->payload = req->out.payload;
	req->payload_len = kept->payload_len;
	if (kept->payload != kept->out.payload) {
		swap(req->buf, kept->buf);
		swap(req->buf_size, kept->buf_size);
		req->payload = req->buf;
	}
}

/**
 * vhost_fs_keep_take - go on with a kept request
 * @q: the queue; @kept isn't empty
 * @req: becomes that request; @q is set
 *
 * Context: the queue's mutex held.
 */
void vhost_fs_keep_take(struct vhost_fs_queue *q, struct vhost_fs_req *req)
{
	struct vhost_fs_req *kept;

	lockdep_assert_held(&q->vq.mutex);

	kept = list_first_entry(&q->kept, struct vhost_fs_req, kept);
	list_del(&kept->kept);
	/* For vhost_fs_keep_settle(). */
	if (list_empty(&q->kept))
		wake_up_all(&q->fs->idle_wq);
	req->parked = NULL;
	req->head = kept->head;
	req->keep = kept->keep;
	req->done = kept->done;
	keep_fill_iov(req, kept);
	vhost_fs_req_measure(req);
	if (kept->keep == VHOST_FS_KEEP_REPLY)
		keep_take_reply(req, kept);
	vhost_fs_req_free(kept);
}

/**
 * vhost_fs_keep_drop - forget what was kept, with no answer
 * @q: the queue
 *
 * Context: process context.
 */
void vhost_fs_keep_drop(struct vhost_fs_queue *q)
{
	struct vhost_fs_req *kept, *tmp;
	LIST_HEAD(list);

	mutex_lock(&q->vq.mutex);
	list_splice_init(&q->kept, &list);
	mutex_unlock(&q->vq.mutex);
	list_for_each_entry_safe(kept, tmp, &list, kept)
		vhost_fs_req_free(kept);
}

/**
 * vhost_fs_keep_any - is there a kept request?
 * @fs: a device that is stopped
 *
 * Return: whether there is.
 *
 * Context: vdev.mutex held.
 */
bool vhost_fs_keep_any(struct vhost_fs_dev *fs)
{
	unsigned int i;

	for (i = 0; i < VHOST_FS_NVQS; i++)
		if (!list_empty(&fs->queues[i].kept))
			return true;
	return false;
}

static bool keep_is_settled(struct vhost_fs_dev *fs)
{
	unsigned int i;

	if (!READ_ONCE(fs->pool.running))
		return true;
	for (i = 0; i < VHOST_FS_NVQS; i++) {
		struct vhost_fs_queue *q = &fs->queues[i];

		/* The list is changed plainly, under vq.mutex. */
		if (vhost_vq_get_backend(&q->vq) && !READ_ONCE(q->broken) &&
		    !data_race(list_empty_careful(&q->kept)))
			return false;
	}
	return true;
}

/**
 * vhost_fs_keep_settle - wait until all that was kept has been taken
 * @fs: the device
 *
 * Before a stop by which the rings may move to where nobody knows of it.
 *
 * Return: 0, or -EINTR when killed meanwhile.
 *
 * Context: process context, vdev.mutex held.
 */
int vhost_fs_keep_settle(struct vhost_fs_dev *fs)
{
	return wait_event_state(fs->idle_wq, keep_is_settled(fs),
				VHOST_FS_WAIT_KILLABLE) ? -EINTR : 0;
}
