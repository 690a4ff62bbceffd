// SPDX-License-Identifier: GPL-2.0-only
/*
 * Great numbers: devices on one share, lookups of a share, names that one guest
 * knows. All are served, and all is gone with the devices.
 */
#include "bed.h"
#include "harness.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>

#define ROOT FUSE_ROOT_ID
#define DEVICES 2000
#define NODES 1000
#define DEPTH 32
#define LOOKUPS 10000000

static const struct bed_config small = {
	.ring = { .request_queues = 1, .queue_size = 16, .memory = 64 << 10 },
};

static const struct bed_config deep = {
	.ring = { .request_queues = 1, .queue_size = 256, .memory = 8 << 20 },
};

FIXTURE(crowd) {
	struct bed bed;
	uint64_t node[NODES];
};

FIXTURE_SETUP(crowd)
{
	char name[16];
	int i;

	ASSERT_EQ(0, bed_open(&self->bed, &deep));
	for (i = 0; i < NODES; i++) {
		snprintf(name, sizeof(name), "file%d", i);
		ASSERT_EQ(0, bed_write_file(&self->bed, name, "data", 4, 0644));
	}
}

FIXTURE_TEARDOWN(crowd)
{
	bed_close(&self->bed);
}

struct guest {
	struct ring_dev dev;
	struct fuse f;
	uint64_t node;
};

static bool sees_its_file(struct guest *guest)
{
	struct fuse_attr attr;

	return !fuse_getattr(&guest->f, guest->node, &attr) && attr.size == 4;
}

/* A device takes a descriptor, and three for each of its rings. */
TEST_F_TIMEOUT(crowd, devices_on_one_share, 600)
{
	int nr = test_rounds(DEVICES), i;
	struct rlimit files = { nr * 8 + 100, nr * 8 + 100 };
	struct guest *guests = calloc(nr, sizeof(*guests));

	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &files));
	for (i = 0; i < nr; i++) {
		ASSERT_EQ(0, bed_open_device(&self->bed, &guests[i].dev, &guests[i].f, &small));
		guests[i].node = bed_lookup(&guests[i].f, i % 2 ? "file1" : "file2");
		ASSERT_NE(0, guests[i].node);
	}
	for (i = 0; i < nr; i++)
		ASSERT_TRUE(sees_its_file(&guests[i]));
	for (i = 0; i < nr; i += 2)
		ring_close(&guests[i].dev);
	for (i = 1; i < nr; i += 2)
		ASSERT_TRUE(sees_its_file(&guests[i]));
	for (i = 1; i < nr; i += 2)
		ring_close(&guests[i].dev);
	free(guests);
}

struct lookup {
	struct fuse_call c;
	struct fuse_entry_out entry;
	char name[16];
};

static int start_lookup(struct fuse *f, struct lookup *l, int i)
{
	int len = snprintf(l->name, sizeof(l->name), "file%d", i % NODES);

	l->c = (struct fuse_call){
		.opcode = FUSE_LOOKUP, .nodeid = ROOT,
		.in = { { l->name, len + 1 } }, .nr_in = 1,
		.out = &l->entry, .out_size = sizeof(l->entry),
	};
	return fuse_start(f, &l->c);
}

/* The answers that have come; each node is always the same. 0 or an error. */
static int finish_lookups(struct fuse *f, struct lookup *l, uint64_t *node)
{
	int i, n, err;

	for (i = 0; i < DEPTH; i++) {
		err = fuse_finish(f, &l[i].c);
		if (err)
			return err;
		n = atoi(l[i].name + strlen("file"));
		if (!node[n])
			node[n] = l[i].entry.nodeid;
		if (node[n] != l[i].entry.nodeid)
			return -EINVAL;
	}
	return 0;
}

/* Counts are kept exactly: a node goes with the last of its lookups. */
TEST_F_TIMEOUT(crowd, lookups_of_a_share, 900)
{
	uint64_t nr = (uint64_t)LOOKUPS * test_rounds(100) / 100, i, count[NODES] = { };
	struct fuse *f = &self->bed.fuse;
	struct lookup l[DEPTH];
	size_t mark;
	int j;

	nr -= nr % DEPTH;
	for (i = 0; i < nr; i += DEPTH) {
		mark = ring_mark(&self->bed.dev);
		for (j = 0; j < DEPTH; j++) {
			ASSERT_EQ(0, start_lookup(f, &l[j], i + j));
			count[(i + j) % NODES]++;
		}
		ASSERT_EQ(0, finish_lookups(f, l, self->node));
		ring_release(&self->bed.dev, mark);
	}
	for (i = 0; i < NODES; i++) {
		ASSERT_EQ(0, fuse_forget(f, self->node[i], count[i] - 1));
		ASSERT_EQ(0, fuse_getattr(f, self->node[i], NULL));
		ASSERT_EQ(0, fuse_forget(f, self->node[i], 1));
		ASSERT_EQ(-ESTALE, fuse_getattr(f, self->node[i], NULL));
	}
}

TEST_HARNESS_MAIN
