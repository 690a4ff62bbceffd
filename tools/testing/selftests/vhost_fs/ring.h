/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A vhost device and its rings, driven from userspace: this process is the
 * VMM, and its anonymous memory the guest's RAM, so no virtual machine is
 * needed. The well-behaved calls come first; everything that they use is in
 * the structures, for tests that mean to behave badly.
 */
#ifndef VHOST_FS_RING_H
#define VHOST_FS_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include <linux/vhost_fs.h>

#define RING_HIPRIO 0		/* number of the hiprio queue */
#define RING_REQUEST 1		/* number of the first request queue */
#define RING_MAX_QUEUES (1 + VHOST_FS_MAX_REQUEST_QUEUES)

/* Guest addresses begin here, so that small ones are outside guest memory. */
#define RING_GUEST_BASE 0x100000000ULL

/* Longest wait for an answer, in milliseconds; longer is a failure. */
#define RING_TIMEOUT_MS 10000

/* Features that a test chooses from; VIRTIO_F_VERSION_1 is always on. */
#define RING_F_INDIRECT (1ULL << VIRTIO_RING_F_INDIRECT_DESC)
#define RING_F_EVENT_IDX (1ULL << VIRTIO_RING_F_EVENT_IDX)
#define RING_F_VERSION_1 (1ULL << VIRTIO_F_VERSION_1)

struct ring_config {
	uint64_t features;	/* RING_F_* */
	unsigned int request_queues;	/* 0 means 1 */
	unsigned int queue_size;	/* 0 means 128 */
	unsigned int indirect_num;	/* of each chain's table, 0 means 32 */
	uint16_t first_index;	/* of the rings; late ones wrap early */
	size_t memory;		/* bytes of guest memory, 0 means 16 MiB */
	bool shared;		/* guest memory is a file, ring_dev.mem_fd */
};

/**
 * struct ring_queue - one virtqueue
 * @dev: its device
 * @index: its number
 * @num: its size
 * @desc: descriptor table, and @avail, @used the rings
 * @kick: eventfd that the device waits for
 * @call: eventfd by which the device tells of used buffers
 * @err: eventfd by which the device tells that the queue is broken
 * @last_used: index of the next used element to look at
 * @kicked: avail index at the last kick, for EVENT_IDX
 * @free: stack of @nr_free free descriptors
 * @indirect: indirect tables of @indirect_num entries, one for each descriptor
 */
struct ring_queue {
	struct ring_dev *dev;
	unsigned int index;
	unsigned int num;
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	int kick;
	int call;
	int err;
	uint16_t last_used;
	uint16_t kicked;
	uint16_t *free;
	unsigned int nr_free;
	struct vring_desc *indirect;
	unsigned int indirect_num;
};

struct ring_dev {
	int fd;
	int mem_fd;		/* guest address X is its byte X; else -1 */
	uint64_t features;
	unsigned int nr_queues;	/* with the hiprio queue */
	struct ring_queue queues[RING_MAX_QUEUES];
	void *mem;
	size_t mem_size;
	size_t brk;		/* memory handed out so far */
};

/* All of these return 0 or more, or a negative errno. */

/* Opens the device and does all but attaching a share and starting. */
int ring_open(struct ring_dev *dev, const struct ring_config *config);
/* The same on a descriptor that is open already; it becomes @dev's. */
int ring_open_fd(struct ring_dev *dev, int fd, const struct ring_config *config);
/* Memory and rings without a device: somebody else is told where they are. */
int ring_make(struct ring_dev *dev, const struct ring_config *config);
void ring_close(struct ring_dev *dev);

int ring_attach(struct ring_dev *dev, const char *share);
int ring_set_running(struct ring_dev *dev, bool running);
/* Tells the device of the rings; again after a stop too. */
int ring_setup_queue(struct ring_queue *q);
int ring_get_base(struct ring_queue *q);
/*
 * Makes the caller owner of a device that may have had another one, and tells it of
 * memory and rings. If they are to go on where they were, @dev is of no use for
 * taking answers any more.
 */
int ring_take_over(struct ring_dev *dev, bool on);

/*
 * Has whoever touches pages of private guest memory wait until the result, a
 * descriptor, is closed, and then find them empty, or until ring_give_page()
 * fills one. The descriptor can be read when somebody waits. -ENOSYS if the
 * kernel can't do this.
 */
int ring_hold_pages(void *at, size_t size);
int ring_give_page(int fd, void *at, const void *page);

/* Guest memory: ring_alloc() hands out, ring_release() takes back to a mark. */
void *ring_alloc(struct ring_dev *dev, size_t size);
/* What is handed out next begins a page. */
void ring_align(struct ring_dev *dev);
size_t ring_mark(struct ring_dev *dev);
void ring_release(struct ring_dev *dev, size_t mark);
uint64_t ring_guest_addr(struct ring_dev *dev, const void *p);

/*
 * Makes a chain available, and returns its head. The buffers must lie in guest
 * memory. ring_add() leaves out the kick.
 */
int ring_add(struct ring_queue *q, const struct iovec *out, int nr_out,
	     const struct iovec *in, int nr_in);
int ring_submit(struct ring_queue *q, const struct iovec *out, int nr_out,
		const struct iovec *in, int nr_in);
/* Kicks if the device wants to be told; returns whether it did. */
int ring_kick(struct ring_queue *q);
void ring_kick_always(struct ring_queue *q);

/*
 * Waits for the next used chain: its head is returned, and *@len is the number
 * of bytes written to it. ETIME after RING_TIMEOUT_MS, EPIPE when the error
 * eventfd was raised. ring_wait_for() has a limit of its own.
 */
int ring_wait(struct ring_queue *q, uint32_t *len);
int ring_wait_for(struct ring_queue *q, uint32_t *len, int timeout_ms);
/* Takes the next used chain, which is there; as ring_wait() otherwise. */
int ring_take(struct ring_queue *q, uint32_t *len);
/* Asks for a call at the next used chain; returns whether it is there already. */
bool ring_arm(struct ring_queue *q);
/* Waits for the error eventfd. */
int ring_wait_error(struct ring_queue *q);
/* Whether a used chain is there, or the error eventfd raised, without waiting. */
bool ring_has_used(struct ring_queue *q);
bool ring_is_broken(struct ring_queue *q);

/* Below: the parts, for tests that corrupt things. */

/* Publishes @head as it is. */
void ring_push_avail(struct ring_queue *q, uint16_t head);
/* Takes a descriptor off the free stack, or ENOSPC. */
int ring_take_desc(struct ring_queue *q);
void ring_set_desc(struct ring_queue *q, struct vring_desc *desc,
		   const void *p, uint32_t len, uint16_t flags, uint16_t next);

/* Calls an ioctl: 0 or a negative errno. */
int ring_ioctl(int fd, unsigned long request, void *arg);

#endif /* VHOST_FS_RING_H */
