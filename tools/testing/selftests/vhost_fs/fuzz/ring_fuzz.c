// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzz target: rings, descriptors and memory tables that are anything, and that change
 * while the device uses them: by the steps of the input, and by a second thread that
 * goes on writing while requests are served.
 */
#include <errno.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "coverage.h"
#include "guest.h"

#define MAX_STEPS	64

struct step {
	uint8_t what;
	uint8_t where;
	uint16_t at;
	uint64_t value;
} __attribute__((packed));

/* What the second thread writes, to and fro; NULL for nothing. */
static _Atomic(uint16_t *) target;
static _Atomic uint16_t target_value;

void guest_answer(struct guest *g, const struct guest_call *call, uint32_t len)
{
	(void)g;
	(void)call;
	(void)len;
}

static void *scribble(void *unused)
{
	uint16_t *at;

	(void)unused;
	for (;;) {
		at = atomic_load(&target);
		if (at)
			__atomic_fetch_xor(at, atomic_load(&target_value), __ATOMIC_SEQ_CST);
		sched_yield();
	}
	return NULL;
}

/* A place in guest memory: of a ring, or where requests lie. */
static void *place(struct guest *g, const struct step *s)
{
	struct ring_queue *q = &g->bed.dev.queues[s->where & 1];

	switch (s->where >> 1 & 7) {
	case 0:
	case 1:
		return (char *)q->desc + (s->at & ~1) % (q->num * sizeof(*q->desc) - 8);
	case 2:
		return (char *)q->avail + (s->at & ~1) % (6 + q->num * 2 - 8);
	case 3:
		return (char *)q->used + (s->at & ~1) % (6 + q->num * 8 - 8);
	case 4:
	case 5:
		return (char *)q->indirect + (s->at & ~1) % 4096;
	default:
		return (char *)g->bed.dev.mem + g->mark + (s->at & ~1) % 8192;
	}
}

static void set_memory(struct ring_dev *dev, const struct step *s)
{
	struct {
		struct vhost_memory head;
		struct vhost_memory_region regions[3];
	} table = { .head.nregions = s->value % 4 };
	uint64_t size = dev->mem_size, first = s->at * 4096ULL % size;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		table.regions[i].guest_phys_addr = RING_GUEST_BASE + (i ? first : 0);
		table.regions[i].userspace_addr = (uintptr_t)dev->mem + (i ? first : 0);
		table.regions[i].memory_size = i ? size - first : first;
		if (s->value >> 8 & 1 << i)
			table.regions[i].guest_phys_addr += s->value >> 16;
	}
	ring_ioctl(dev->fd, VHOST_SET_MEM_TABLE, &table);
}

static void restore_memory(struct ring_dev *dev)
{
	struct step all = { .value = 3 };

	all.at = 1;
	ring_set_running(dev, false);
	set_memory(dev, &all);
}

static void set_ring(struct ring_dev *dev, const struct step *s)
{
	struct vhost_vring_state state = { .index = s->where % 3, .num = s->value & 0xffff };
	static const unsigned long numbers[] = {
		VHOST_SET_VRING_NUM, VHOST_SET_VRING_BASE, VHOST_GET_VRING_BASE,
		VHOST_SET_VRING_BUSYLOOP_TIMEOUT,
	};

	ring_ioctl(dev->fd, numbers[s->at % 4], &state);
	if (s->at % 4 == 3) {
		state.num = 0;
		ring_ioctl(dev->fd, VHOST_SET_VRING_BUSYLOOP_TIMEOUT, &state);
	}
}

/* A sound request; what is written meanwhile may make it another. */
static void add_request(struct guest *g, const struct step *s)
{
	struct ring_dev *dev = &g->bed.dev;
	struct {
		struct fuse_in_header h;
		uint64_t args[8];
	} *r = ring_alloc(dev, sizeof(*r));
	struct iovec out = { .iov_base = r, .iov_len = sizeof(r->h) + 16 };
	struct iovec in = { .iov_base = ring_alloc(dev, 4096), .iov_len = 4096 };

	memset(r, 0, sizeof(*r));
	r->h.len = out.iov_len;
	r->h.opcode = s->at % 2 ? FUSE_GETATTR : FUSE_OPENDIR;
	r->h.unique = 1;
	r->h.nodeid = FUSE_ROOT_ID;
	ring_add(&dev->queues[RING_REQUEST], &out, 1, &in, 1);
}

static void run_step(struct guest *g, const struct step *s)
{
	struct ring_dev *dev = &g->bed.dev;
	struct ring_queue *q = &dev->queues[s->where & 1];
	void *at = place(g, s);
	unsigned int i;

	switch (s->what % 11) {
	case 0:
		memcpy(at, &s->value, 2);
		break;
	case 1:
		memcpy(at, &s->value, 4);
		break;
	case 2:
		memcpy(at, &s->value, 8);
		break;
	case 3:
		ring_push_avail(q, s->value);
		break;
	case 4:
	case 5:
		ring_kick_always(q);
		for (i = 0; i < (s->at & 3); i++)
			sched_yield();
		break;
	case 6:
		add_request(g, s);
		break;
	case 7:
		set_memory(dev, s);
		break;
	case 8:
		ring_set_running(dev, s->value & 1);
		break;
	case 9:
		atomic_store(&target_value, s->value);
		atomic_store(&target, s->value ? at : NULL);
		break;
	default:
		set_ring(dev, s);
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	pthread_t thread;

	(void)argc;
	(void)argv;
	coverage_begin();
	guests_open();
	if (pthread_create(&thread, NULL, scribble, NULL))
		coverage_fail("no thread");
	return 0;
}

static void drain(struct ring_queue *q)
{
	uint64_t count;

	/* Both are to say nothing of what is over. */
	if (read(q->call, &count, sizeof(count)) < 0 || read(q->err, &count, sizeof(count)) < 0)
		return;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct guest *g;
	struct step s;
	size_t at;

	if (!size)
		return 0;
	g = guest_begin(data[0]);
	for (at = 1; at + sizeof(s) <= size && at < 1 + MAX_STEPS * sizeof(s); at += sizeof(s)) {
		memcpy(&s, data + at, sizeof(s));
		run_step(g, &s);
	}
	atomic_store(&target, NULL);
	restore_memory(&g->bed.dev);
	memset(g->bed.dev.queues[0].desc, 0, 16 * g->bed.dev.queues[0].num);
	memset(g->bed.dev.queues[1].desc, 0, 16 * g->bed.dev.queues[1].num);
	guest_restart(g);
	drain(&g->bed.dev.queues[0]);
	drain(&g->bed.dev.queues[1]);
	guest_end(g);
	coverage_take();
	return 0;
}
