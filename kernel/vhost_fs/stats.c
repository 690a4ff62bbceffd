// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a device has served. Each queue counts for itself, under the mutex that
 * it holds anyway when a request ends; readers add the queues up.
 */
#include "internal.h"

/**
 * vhost_fs_stats_count - count a request that has ended
 * @stats: its queue's counters
 * @req: the request
 *
 * Context: the queue's mutex held.
 */
void vhost_fs_stats_count(struct vhost_fs_stats *stats,
			  const struct vhost_fs_req *req)
{
	u32 opcode = VHOST_FS_NR_OPS - 1;

	lockdep_assert_held(&req->q->vq.mutex);

	if (req->bad)
		stats->bad++;
	if (!req->hdr)
		return;
	if (req->op)
		opcode = req->hdr->opcode;
	stats->requests[opcode]++;
	if (req->error)
		stats->errors[opcode]++;
	stats->bytes_read += req->data_out;
	stats->bytes_written += req->data_in;
}

static void stats_add(struct vhost_fs_stats *sum,
		      const struct vhost_fs_stats *stats)
{
	unsigned int i;

	for (i = 0; i < VHOST_FS_NR_OPS; i++) {
		sum->requests[i] += stats->requests[i];
		sum->errors[i] += stats->errors[i];
	}
	sum->bytes_read += stats->bytes_read;
	sum->bytes_written += stats->bytes_written;
	sum->bad += stats->bad;
}

/**
 * vhost_fs_stats_sum - add up what a device has served
 * @fs: the device
 * @sum: set to the sum over its queues
 *
 * Context: process context; takes each queue's mutex in turn.
 */
void vhost_fs_stats_sum(struct vhost_fs_dev *fs, struct vhost_fs_stats *sum)
{
	unsigned int i;

	memset(sum, 0, sizeof(*sum));
	for (i = 0; i < VHOST_FS_NVQS; i++) {
		struct vhost_fs_queue *q = &fs->queues[i];

		mutex_lock(&q->vq.mutex);
		stats_add(sum, &q->stats);
		mutex_unlock(&q->vq.mutex);
	}
}
