// SPDX-License-Identifier: GPL-2.0-only
/*
 * Drives a vhost device's rings from userspace; see ring.h.
 *
 * The split ring's memory is shared with kernel threads, which see it through
 * this process's mm: acquire and release accesses are what a driver's barriers
 * are on real hardware.
 */
#include "ring.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_QUEUE_SIZE 128
#define DEFAULT_MEMORY (16UL << 20)
#define PAGE 4096UL

/* Entries of the indirect table that each descriptor has of its own. */
#define DEFAULT_INDIRECT_NUM 32

int ring_ioctl(int fd, unsigned long request, void *arg)
{
	return ioctl(fd, request, arg) < 0 ? -errno : 0;
}

void *ring_alloc(struct ring_dev *dev, size_t size)
{
	size_t start = (dev->brk + 63) & ~63UL;

	if (start + size > dev->mem_size)
		abort();
	dev->brk = start + size;
	return (char *)dev->mem + start;
}

size_t ring_mark(struct ring_dev *dev)
{
	return dev->brk;
}

void ring_release(struct ring_dev *dev, size_t mark)
{
	dev->brk = mark;
}

uint64_t ring_guest_addr(struct ring_dev *dev, const void *p)
{
	return RING_GUEST_BASE + ((const char *)p - (char *)dev->mem);
}

static int set_mem_table(struct ring_dev *dev)
{
	struct {
		struct vhost_memory head;
		struct vhost_memory_region region;
	} table = {
		.head.nregions = 1,
		.region = {
			.guest_phys_addr = RING_GUEST_BASE,
			.memory_size = dev->mem_size,
			.userspace_addr = (uintptr_t)dev->mem,
		},
	};

	return ring_ioctl(dev->fd, VHOST_SET_MEM_TABLE, &table);
}

void ring_align(struct ring_dev *dev)
{
	dev->brk = (dev->brk + PAGE - 1) & ~(PAGE - 1);
}

static void *alloc_pages(struct ring_dev *dev, size_t size)
{
	ring_align(dev);
	return ring_alloc(dev, size);
}

static void make_queue(struct ring_queue *q, unsigned int num, uint16_t first)
{
	struct ring_dev *dev = q->dev;
	unsigned int i;

	q->num = num;
	q->desc = alloc_pages(dev, num * sizeof(*q->desc));
	q->avail = alloc_pages(dev, 3 * 2 + num * 2);
	q->used = alloc_pages(dev, 3 * 2 + num * 8);
	q->avail->idx = first;
	q->used->idx = first;
	q->last_used = first;
	q->kicked = first;
	q->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	q->call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	q->err = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	q->free = calloc(num, sizeof(*q->free));
	q->indirect = alloc_pages(dev, num * q->indirect_num * sizeof(*q->desc));
	for (i = 0; i < num; i++)
		q->free[i] = num - 1 - i;
	q->nr_free = num;
}

static int set_vring_file(struct ring_queue *q, unsigned long request, int fd)
{
	struct vhost_vring_file file = { .index = q->index, .fd = fd };

	return ring_ioctl(q->dev->fd, request, &file);
}

static int set_vring_state(struct ring_queue *q, unsigned long request,
			   unsigned int num)
{
	struct vhost_vring_state state = { .index = q->index, .num = num };

	return ring_ioctl(q->dev->fd, request, &state);
}

static int set_vring_addr(struct ring_queue *q)
{
	struct vhost_vring_addr addr = {
		.index = q->index,
		.desc_user_addr = (uintptr_t)q->desc,
		.avail_user_addr = (uintptr_t)q->avail,
		.used_user_addr = (uintptr_t)q->used,
	};

	return ring_ioctl(q->dev->fd, VHOST_SET_VRING_ADDR, &addr);
}

int ring_setup_queue(struct ring_queue *q)
{
	int ret;

	ret = set_vring_state(q, VHOST_SET_VRING_NUM, q->num);
	if (!ret)
		ret = set_vring_state(q, VHOST_SET_VRING_BASE, q->last_used);
	if (!ret)
		ret = set_vring_addr(q);
	if (!ret)
		ret = set_vring_file(q, VHOST_SET_VRING_CALL, q->call);
	if (!ret)
		ret = set_vring_file(q, VHOST_SET_VRING_ERR, q->err);
	if (!ret)
		ret = set_vring_file(q, VHOST_SET_VRING_KICK, q->kick);
	return ret;
}

int ring_get_base(struct ring_queue *q)
{
	struct vhost_vring_state state = { .index = q->index };
	int ret = ring_ioctl(q->dev->fd, VHOST_GET_VRING_BASE, &state);

	return ret ? ret : (int)state.num;
}

static void set_defaults(struct ring_dev *dev, const struct ring_config *config)
{
	unsigned int requests = config->request_queues;
	unsigned int i;

	dev->features = config->features | RING_F_VERSION_1;
	dev->nr_queues = 1 + (requests ? requests : 1);
	dev->mem_size = config->memory ? config->memory : DEFAULT_MEMORY;
	for (i = 0; i < RING_MAX_QUEUES; i++)
		dev->queues[i] = (struct ring_queue){
			.dev = dev, .index = i, .kick = -1, .call = -1, .err = -1,
			.indirect_num = config->indirect_num ?
				config->indirect_num : DEFAULT_INDIRECT_NUM,
		};
}

static int setup_device(struct ring_dev *dev)
{
	unsigned int i;
	int ret;

	ret = ring_ioctl(dev->fd, VHOST_SET_OWNER, NULL);
	if (!ret)
		ret = ring_ioctl(dev->fd, VHOST_SET_FEATURES, &dev->features);
	if (!ret)
		ret = set_mem_table(dev);
	for (i = 0; !ret && i < dev->nr_queues; i++)
		ret = ring_setup_queue(&dev->queues[i]);
	return ret;
}

int ring_take_over(struct ring_dev *dev, bool on)
{
	unsigned int i;
	int ret, base;

	ret = ring_ioctl(dev->fd, VHOST_RESET_OWNER, NULL);
	if (!ret)
		ret = ring_ioctl(dev->fd, VHOST_SET_OWNER, NULL);
	if (!ret)
		ret = ring_ioctl(dev->fd, VHOST_SET_FEATURES, &dev->features);
	if (!ret)
		ret = set_mem_table(dev);
	for (i = 0; !ret && i < dev->nr_queues; i++) {
		base = ring_get_base(&dev->queues[i]);
		if (base < 0)
			return base;
		if (on)
			dev->queues[i].last_used = base;
		ret = ring_setup_queue(&dev->queues[i]);
	}
	return ret;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* A file with a hole up to where the guest's addresses begin. */
static void *map_shared(struct ring_dev *dev)
{
	dev->mem_fd = memfd_create("guest", MFD_CLOEXEC);
	if (dev->mem_fd < 0 ||
	    ftruncate(dev->mem_fd, RING_GUEST_BASE + dev->mem_size) < 0)
		return MAP_FAILED;
	return mmap(NULL, dev->mem_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		    dev->mem_fd, RING_GUEST_BASE);
}

static void *map_private(struct ring_dev *dev)
{
	return mmap(NULL, dev->mem_size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

static int make_memory(struct ring_dev *dev, const struct ring_config *config)
{
	unsigned int i;

	dev->mem_fd = -1;
	set_defaults(dev, config);
	dev->mem = config->shared ? map_shared(dev) : map_private(dev);
	if (dev->mem == MAP_FAILED) {
		dev->mem = NULL;
		close_fd(&dev->mem_fd);
		ring_close(dev);
		return -ENOMEM;
	}
	for (i = 0; i < dev->nr_queues; i++)
		make_queue(&dev->queues[i], config->queue_size ?
			   config->queue_size : DEFAULT_QUEUE_SIZE,
			   config->first_index);
	for (i = 0; i < dev->nr_queues; i++)
		if (dev->queues[i].kick < 0 || dev->queues[i].call < 0 ||
		    dev->queues[i].err < 0) {
			ring_close(dev);
			return -ENOMEM;
		}
	return 0;
}

int ring_make(struct ring_dev *dev, const struct ring_config *config)
{
	*dev = (struct ring_dev){ .fd = -1 };
	return make_memory(dev, config);
}

int ring_open_fd(struct ring_dev *dev, int fd, const struct ring_config *config)
{
	int ret;

	*dev = (struct ring_dev){ .fd = fd };
	ret = make_memory(dev, config);
	if (ret)
		return ret;
	ret = setup_device(dev);
	if (ret)
		ring_close(dev);
	return ret;
}

int ring_open(struct ring_dev *dev, const struct ring_config *config)
{
	int fd = open("/dev/vhost-fs", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return ring_open_fd(dev, fd, config);
}

void ring_close(struct ring_dev *dev)
{
	unsigned int i;

	close_fd(&dev->fd);
	for (i = 0; i < dev->nr_queues; i++) {
		close_fd(&dev->queues[i].kick);
		close_fd(&dev->queues[i].call);
		close_fd(&dev->queues[i].err);
		free(dev->queues[i].free);
	}
	dev->nr_queues = 0;
	if (dev->mem) {
		munmap(dev->mem, dev->mem_size);
		close_fd(&dev->mem_fd);
	}
	dev->mem = NULL;
}

int ring_attach(struct ring_dev *dev, const char *share)
{
	struct vhost_fs_share_name arg = { .size = sizeof(arg) };

	snprintf((char *)arg.name, sizeof(arg.name), "%s", share);
	return ring_ioctl(dev->fd, VHOST_FS_ATTACH_SHARE, &arg);
}

int ring_set_running(struct ring_dev *dev, bool running)
{
	struct vhost_fs_running arg = {
		.size = sizeof(arg), .running = running,
	};

	return ring_ioctl(dev->fd, VHOST_FS_SET_RUNNING, &arg);
}

void ring_set_desc(struct ring_queue *q, struct vring_desc *desc,
		   const void *p, uint32_t len, uint16_t flags, uint16_t next)
{
	*desc = (struct vring_desc){
		.addr = ring_guest_addr(q->dev, p), .len = len,
		.flags = flags, .next = next,
	};
}

int ring_take_desc(struct ring_queue *q)
{
	return q->nr_free ? q->free[--q->nr_free] : -ENOSPC;
}

static void put_chain(struct ring_queue *q, uint16_t head)
{
	uint16_t flags;

	do {
		flags = q->desc[head].flags;
		q->free[q->nr_free++] = head;
		head = q->desc[head].next;
	} while (flags & VRING_DESC_F_NEXT && head < q->num &&
		 q->nr_free < q->num);
}

void ring_push_avail(struct ring_queue *q, uint16_t head)
{
	uint16_t idx = q->avail->idx;

	q->avail->ring[idx % q->num] = head;
	__atomic_store_n(&q->avail->idx, idx + 1, __ATOMIC_RELEASE);
}

/* Describes @n buffers in @table from @at on, whose entries are in order. */
static int fill_table(struct ring_queue *q, struct vring_desc *table, int at,
		      int total, const struct iovec *iov, int n, uint16_t flags)
{
	int i;

	for (i = 0; i < n; i++, at++)
		ring_set_desc(q, &table[at], iov[i].iov_base, iov[i].iov_len,
			      flags | (at + 1 < total ? VRING_DESC_F_NEXT : 0),
			      at + 1);
	return at;
}

static int add_indirect(struct ring_queue *q, const struct iovec *out,
			int nr_out, const struct iovec *in, int nr_in)
{
	int head = ring_take_desc(q), total = nr_out + nr_in, at;
	struct vring_desc *table;

	if (head < 0)
		return head;
	if (total > (int)q->indirect_num)
		table = ring_alloc(q->dev, total * sizeof(*table));
	else
		table = q->indirect + head * q->indirect_num;
	at = fill_table(q, table, 0, total, out, nr_out, 0);
	fill_table(q, table, at, total, in, nr_in, VRING_DESC_F_WRITE);
	ring_set_desc(q, &q->desc[head], table, total * sizeof(*table),
		      VRING_DESC_F_INDIRECT, 0);
	return head;
}

static int add_direct(struct ring_queue *q, const struct iovec *out, int nr_out,
		      const struct iovec *in, int nr_in)
{
	int i, desc, prev = -1, head = -1, total = nr_out + nr_in;

	if (total > (int)q->nr_free)
		return -ENOSPC;
	for (i = 0; i < total; i++) {
		const struct iovec *v = i < nr_out ? &out[i] : &in[i - nr_out];

		desc = ring_take_desc(q);
		ring_set_desc(q, &q->desc[desc], v->iov_base, v->iov_len,
			      i < nr_out ? 0 : VRING_DESC_F_WRITE, 0);
		if (prev < 0) {
			head = desc;
		} else {
			q->desc[prev].flags |= VRING_DESC_F_NEXT;
			q->desc[prev].next = desc;
		}
		prev = desc;
	}
	return head;
}

int ring_add(struct ring_queue *q, const struct iovec *out, int nr_out,
	     const struct iovec *in, int nr_in)
{
	int head;

	if (q->dev->features & RING_F_INDIRECT && nr_out + nr_in > 1)
		head = add_indirect(q, out, nr_out, in, nr_in);
	else
		head = add_direct(q, out, nr_out, in, nr_in);
	if (head >= 0)
		ring_push_avail(q, head);
	return head;
}

void ring_kick_always(struct ring_queue *q)
{
	uint64_t one = 1;

	q->kicked = q->avail->idx;
	while (write(q->kick, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

static uint16_t load16(const void *p)
{
	return __atomic_load_n((const uint16_t *)p, __ATOMIC_RELAXED);
}

int ring_kick(struct ring_queue *q)
{
	uint16_t now = q->avail->idx, then = q->kicked, event;
	bool wanted;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (q->dev->features & RING_F_EVENT_IDX) {
		event = load16(&q->used->ring[q->num]);
		wanted = vring_need_event(event, now, then);
		q->kicked = now;
	} else {
		wanted = !(load16(&q->used->flags) & VRING_USED_F_NO_NOTIFY);
	}
	if (wanted)
		ring_kick_always(q);
	return wanted;
}

int ring_submit(struct ring_queue *q, const struct iovec *out, int nr_out,
		const struct iovec *in, int nr_in)
{
	int head = ring_add(q, out, nr_out, in, nr_in);

	if (head >= 0)
		ring_kick(q);
	return head;
}

bool ring_has_used(struct ring_queue *q)
{
	return __atomic_load_n(&q->used->idx, __ATOMIC_ACQUIRE) != q->last_used;
}

bool ring_is_broken(struct ring_queue *q)
{
	struct pollfd pfd = { .fd = q->err, .events = POLLIN };

	return poll(&pfd, 1, 0) == 1;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

bool ring_arm(struct ring_queue *q)
{
	if (q->dev->features & RING_F_EVENT_IDX)
		__atomic_store_n(&q->avail->ring[q->num], q->last_used,
				 __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return ring_has_used(q);
}

int ring_take(struct ring_queue *q, uint32_t *len)
{
	struct vring_used_elem *elem = &q->used->ring[q->last_used % q->num];

	*len = elem->len;
	q->last_used++;
	if (elem->id >= q->num)
		return -EPROTO;
	put_chain(q, elem->id);
	return elem->id;
}

int ring_wait_for(struct ring_queue *q, uint32_t *len, int timeout_ms)
{
	struct pollfd pfd[2] = {
		{ .fd = q->call, .events = POLLIN },
		{ .fd = q->err, .events = POLLIN },
	};
	int64_t end = now_ms() + timeout_ms, left;
	uint64_t count;

	while (!ring_arm(q)) {
		left = end - now_ms();
		if (left <= 0)
			return -ETIME;
		if (poll(pfd, 2, left) < 0 && errno != EINTR)
			return -errno;
		if (pfd[0].revents && read(q->call, &count, sizeof(count)) < 0 &&
		    errno != EAGAIN)
			return -errno;
		if (pfd[1].revents && !ring_has_used(q))
			return -EPIPE;
	}
	return ring_take(q, len);
}

int ring_wait(struct ring_queue *q, uint32_t *len)
{
	return ring_wait_for(q, len, RING_TIMEOUT_MS);
}

int ring_wait_error(struct ring_queue *q)
{
	struct pollfd pfd = { .fd = q->err, .events = POLLIN };

	return poll(&pfd, 1, RING_TIMEOUT_MS) == 1 ? 0 : -ETIME;
}

int ring_hold_pages(void *at, size_t size)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = {
		.range = { .start = (uintptr_t)at, .len = size },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) < 0 ||
	    ioctl(fd, UFFDIO_REGISTER, &range) < 0 ||
	    madvise(at, size, MADV_DONTNEED) < 0)
		return -errno;
	return fd;
}

int ring_give_page(int fd, void *at, const void *page)
{
	struct uffdio_copy copy = {
		.dst = (uintptr_t)at, .src = (uintptr_t)page, .len = 4096,
	};

	return ring_ioctl(fd, UFFDIO_COPY, &copy);
}
