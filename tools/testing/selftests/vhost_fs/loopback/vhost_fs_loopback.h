/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interface between vhost_fs_loopback.ko and loopbackd. Both come from the same
 * tree, so it has no version.
 *
 * Each open of /dev/vhost-fs-loopback can make one virtio-fs device in this
 * very kernel. The file is readable (poll) while the state that the driver
 * wants differs from the one that the daemon has acknowledged. Its mapping at
 * offset X is physical memory at X.
 */
#ifndef VHOST_FS_LOOPBACK_H
#define VHOST_FS_LOOPBACK_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define LOOPBACK_TAG_LEN	36
#define LOOPBACK_MAX_QUEUES	17	/* hiprio, and 16 request queues */

/**
 * struct loopback_create - ioctl(LOOPBACK_CREATE)
 * @tag: name to mount by, padded with NULs
 * @num_request_queues: request queues, next to the hiprio queue
 * @queue_size: entries of each queue, a power of two
 * @kick: eventfds, signalled when the driver has queued something
 * @call: eventfds, to be signalled when something has been used
 */
struct loopback_create {
	__u8 tag[LOOPBACK_TAG_LEN];
	__u32 num_request_queues;
	__u32 queue_size;
	__s32 kick[LOOPBACK_MAX_QUEUES];
	__s32 call[LOOPBACK_MAX_QUEUES];
};

/* What the daemon has to bring about. */
enum loopback_wanted {
	LOOPBACK_STOPPED,	/* leave the rings alone */
	LOOPBACK_RUNNING,	/* serve the rings */
	LOOPBACK_GONE,		/* the device doesn't exist any more */
};

struct loopback_ring {
	__u64 desc;
	__u64 avail;
	__u64 used;
	__u32 size;
	__u32 pad;
};

/**
 * struct loopback_state - ioctl(LOOPBACK_GET_STATE)
 * @wanted: enum loopback_wanted
 * @generation: to be handed to LOOPBACK_ACK once that is so
 * @features: what the driver has accepted
 * @rings: physical addresses, when @wanted is LOOPBACK_RUNNING; size 0 where the
 *	driver has no use for the ring, having fewer processors than queues
 */
struct loopback_state {
	__u32 wanted;
	__u32 generation;
	__u64 features;
	struct loopback_ring rings[LOOPBACK_MAX_QUEUES];
};

#define LOOPBACK_CREATE		_IOW('L', 0, struct loopback_create)
#define LOOPBACK_GET_STATE	_IOR('L', 1, struct loopback_state)
#define LOOPBACK_ACK		_IOW('L', 2, __u32)
/* Returns at once; LOOPBACK_GONE follows when the driver has let go. */
#define LOOPBACK_DESTROY	_IO('L', 3)

#endif /* VHOST_FS_LOOPBACK_H */
