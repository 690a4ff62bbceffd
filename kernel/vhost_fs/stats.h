/* SPDX-License-Identifier: GPL-2.0-only */
/* What a queue has served. */
#ifndef VHOST_FS_STATS_H
#define VHOST_FS_STATS_H

#include <linux/types.h>

#include "op.h"

struct vhost_fs_dev;
struct vhost_fs_req;

/**
 * struct vhost_fs_stats - what one queue has served
 * @requests: by opcode; the last entry counts all unknown opcodes
 * @errors: those answered with an errno
 * @bytes_read: file data sent to the guest
 * @bytes_written: file data taken from the guest
 * @bad: malformed requests, and those that named what does not exist
 *
 * Written under the queue's mutex, read without.
 */
struct vhost_fs_stats {
	u64 requests[VHOST_FS_NR_OPS];
	u64 errors[VHOST_FS_NR_OPS];
	u64 bytes_read;
	u64 bytes_written;
	u64 bad;
};

void vhost_fs_stats_count(struct vhost_fs_stats *stats,
			  const struct vhost_fs_req *req);
void vhost_fs_stats_sum(struct vhost_fs_dev *fs, struct vhost_fs_stats *sum);

#endif /* VHOST_FS_STATS_H */
