// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a device has served. Each queue counts for itself, under the mutex that
 * is held anyway when a request ends. Readers add the queues up without that
 * mutex: its holder may wait for guest memory that never comes.
 */
#include "dev.h"
#include "op.h"
#include "request.h"
#include "stats.h"
#include "vq.h"

static void stats_inc(u64 *counter, u64 n)
{
	WRITE_ONCE(*counter, *counter + n);
}

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
		stats_inc(&stats->bad, 1);
	if (!req->hdr)
		return;
	if (req->op)
		opcode = req->hdr->opcode;
	stats_inc(&stats->requests[opcode], 1);
	if (req->error)
		stats_inc(&stats->errors[opcode], 1);
	stats_inc(&stats->bytes_read, req->data_out);
	stats_inc(&stats->bytes_written, req->data_in);
}

static void stats_add(struct vhost_fs_stats *sum,
		      const struct vhost_fs_stats *stats)
{
	unsigned int i;

	for (i = 0; i < VHOST_FS_NR_OPS; i++) {
		sum->requests[i] += READ_ONCE(stats->requests[i]);
		sum->errors[i] += READ_ONCE(stats->errors[i]);
	}
	sum->bytes_read += READ_ONCE(stats->bytes_read);
	sum->bytes_written += READ_ONCE(stats->bytes_written);
	sum->bad += READ_ONCE(stats->bad);
}

/**
 * vhost_fs_stats_sum - add up what a device has served
 * @fs: the device
 * @sum: set to the sum over its queues; may be a moment old
 *
 * Context: any; takes no lock.
 */
void vhost_fs_stats_sum(struct vhost_fs_dev *fs, struct vhost_fs_stats *sum)
{
	unsigned int i;

	memset(sum, 0, sizeof(*sum));
	for (i = 0; i < VHOST_FS_NVQS; i++)
		stats_add(sum, &fs->queues[i].stats);
}
