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
#include "life.h"
#include "steps.h"

#define MAX_STEPS	170

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

	life_steps++;
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
	ssize_t unused;

	/* Both are to say nothing of what is over, and either may have nothing to say. */
	unused = read(q->call, &count, sizeof(count));
	unused = read(q->err, &count, sizeof(count));
	(void)unused;
}

static void restart(struct guest *g)
{
	struct ring_dev *dev = &g->bed.dev;
	unsigned int i;

	ring_set_running(dev, false);
	restore_memory(dev);
	for (i = 0; i < 2; i++)
		memset(dev->queues[i].desc, 0, 16 * dev->queues[i].num);
	guest_restart(g);
	for (i = 0; i < 2; i++)
		drain(&dev->queues[i]);
}

void target_input(const uint8_t *data, size_t size)
{
	struct guest *g = guest_begin(data[0]);
	struct step s;
	size_t at;

	for (at = 1; at + sizeof(s) <= size && at < 1 + MAX_STEPS * sizeof(s); at += sizeof(s)) {
		memcpy(&s, data + at, sizeof(s));
		run_step(g, &s);
	}
	atomic_store(&target, NULL);
	restart(g);
	guest_end(g);
}

/* A member of a descriptor or a ring, and what might be in it. */
static void random_write(struct step *s)
{
	static const uint8_t members[] = { 0, 8, 12, 14 };
	unsigned int member = rand() % 4;

	s->what = member ? member == 1 : 2;
	s->where = rand() % 16;
	s->at = rand() % 8 * 16 + members[member];
	switch (member) {
	case 0:
		s->value = RING_GUEST_BASE + (rand() % 2 ? rand() % 0x40000 : steps_number());
		break;
	case 2:
		s->value = rand() % 8;
		break;
	case 3:
		s->value = rand() % 4 ? rand() % 8 : rand();
		break;
	default:
		s->value = steps_number();
	}
}

static void random_step(void *step)
{
	struct step *s = step;

	memset(s, 0, sizeof(*s));
	switch (rand() % 8) {
	case 0:
	case 1:
	case 2:
		random_write(s);
		break;
	case 3:
	case 4:
		/* A sound request, and the kick. */
		s->what = rand() % 2 ? 6 : 4;
		s->where = 1;
		s->at = rand() % 4;
		break;
	default:
		s->what = rand() % 11;
		s->where = rand() % 16;
		s->at = rand() % 2 ? rand() % 64 : rand();
		s->value = rand() % 2 ? rand() % 8 : steps_number();
	}
}

static void change_step(void *step)
{
	struct step *s = step;

	switch (rand() % 4) {
	case 0:
		s->what = rand() % 11;
		break;
	case 1:
		s->where = rand() % 16;
		break;
	case 2:
		s->at = rand() % 2 ? s->at + 2 : rand();
		break;
	default:
		s->value = steps_number();
	}
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
	static const struct steps steps = {
		1, sizeof(struct step), MAX_STEPS, random_step, change_step,
	};

	return steps_mutate(&steps, data, size, max, seed);
}
