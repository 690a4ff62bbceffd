// SPDX-License-Identifier: GPL-2.0-only
/*
 * So many reads kept going by io_uring: what the host can do with a file that is
 * not in its page cache, without any guest. Its format is <linux/io_uring.h>.
 */
#include "bench.h"

#include <err.h>
#include <errno.h>
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/**
 * struct uring - an io_uring
 * @fd: its descriptor
 * @sq_tail: of the ring of submissions, and the rest of that ring
 * @cq_head: of the ring of completions, and the rest of that ring
 */
struct uring {
	int fd;
	unsigned int *sq_tail;
	unsigned int sq_mask;
	unsigned int *sq_array;
	struct io_uring_sqe *sqes;
	unsigned int *cq_head;
	unsigned int *cq_tail;
	unsigned int cq_mask;
	struct io_uring_cqe *cqes;
};

static void *map_ring(int fd, uint64_t offset, size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
			fd, offset);

	if (at == MAP_FAILED)
		err(1, "can't map an io_uring");
	return at;
}

static void open_ring(struct uring *u, unsigned int entries)
{
	struct io_uring_params p = { };
	char *sq, *cq;

	u->fd = syscall(SYS_io_uring_setup, entries, &p);
	if (u->fd < 0)
		err(1, "io_uring_setup");
	sq = map_ring(u->fd, IORING_OFF_SQ_RING, p.sq_off.array + p.sq_entries * 4);
	cq = map_ring(u->fd, IORING_OFF_CQ_RING,
		      p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe));
	u->sqes = map_ring(u->fd, IORING_OFF_SQES, p.sq_entries * sizeof(*u->sqes));
	u->sq_tail = (void *)(sq + p.sq_off.tail);
	u->sq_mask = *(unsigned int *)(sq + p.sq_off.ring_mask);
	u->sq_array = (void *)(sq + p.sq_off.array);
	u->cq_head = (void *)(cq + p.cq_off.head);
	u->cq_tail = (void *)(cq + p.cq_off.tail);
	u->cq_mask = *(unsigned int *)(cq + p.cq_off.ring_mask);
	u->cqes = (void *)(cq + p.cq_off.cqes);
}

static void add_read(struct uring *u, const struct uring_reads *reads,
		     unsigned int slot, uint64_t turn)
{
	unsigned int tail = *u->sq_tail, at = tail & u->sq_mask;

	u->sqes[at] = (struct io_uring_sqe) {
		.opcode = IORING_OP_READ, .fd = reads->fd,
		.off = block_offset(reads->op, turn), .len = reads->op->size,
		.addr = (uintptr_t)reads->data + (uint64_t)slot * reads->op->size,
		.user_data = slot,
	};
	u->sq_array[at] = at;
	__atomic_store_n(u->sq_tail, tail + 1, __ATOMIC_RELEASE);
}

/* Submits @n reads, and waits for one to be complete. */
static void enter(struct uring *u, unsigned int n)
{
	while (syscall(SYS_io_uring_enter, u->fd, n, 1, IORING_ENTER_GETEVENTS,
		       NULL, 0) < 0)
		if (errno != EINTR)
			err(1, "io_uring_enter");
}

void uring_read(struct uring_reads *reads, unsigned int count)
{
	unsigned int head, started = 0, done = 0, n = 0;
	const struct io_uring_cqe *cqe;
	struct uring u;

	open_ring(&u, LANE_MAX_SLOTS);
	for (; started < count && started < reads->depth; started++, n++)
		add_read(&u, reads, started, reads->turn++);
	while (done < count) {
		enter(&u, n);
		n = 0;
		head = *u.cq_head;
		for (; head != __atomic_load_n(u.cq_tail, __ATOMIC_ACQUIRE); head++) {
			cqe = &u.cqes[head & u.cq_mask];
			if (cqe->res != (int)reads->op->size)
				errx(1, "io_uring: a read ended with %d", cqe->res);
			done++;
			if (started < count) {
				add_read(&u, reads, cqe->user_data, reads->turn++);
				started++;
				n++;
			}
		}
		__atomic_store_n(u.cq_head, head, __ATOMIC_RELEASE);
	}
	close(u.fd);
}
