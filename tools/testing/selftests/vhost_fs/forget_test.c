// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lookup counts: what FORGET and BATCH_FORGET take away, and that a guest's
 * arithmetic can't do harm.
 */
#include "bed.h"
#include "harness.h"

#include <errno.h>
#include <fcntl.h>

#define ROOT FUSE_ROOT_ID

FIXTURE(forget) {
	struct bed bed;
	struct fuse *f;
};

FIXTURE_SETUP(forget)
{
	struct bed_config config = { 0 };

	ASSERT_EQ(0, bed_open(&self->bed, &config));
	self->f = &self->bed.fuse;
	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "data", 4, 0644));
	ASSERT_EQ(0, bed_write_file(&self->bed, "other", "data", 4, 0644));
}

FIXTURE_TEARDOWN(forget)
{
	bed_close(&self->bed);
}

/* Looks @name up @n times. */
static uint64_t lookup_times(struct fuse *f, const char *name, int n)
{
	uint64_t node = 0;

	while (n--)
		node = bed_lookup(f, name);
	return node;
}

TEST_F(forget, once)
{
	uint64_t node = bed_lookup(self->f, "file");

	ASSERT_EQ(0, fuse_getattr(self->f, node, NULL));
	ASSERT_EQ(0, fuse_forget(self->f, node, 1));
	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, node, NULL));
}

TEST_F(forget, exact_count)
{
	uint64_t node = lookup_times(self->f, "file", 10);

	ASSERT_EQ(0, fuse_forget(self->f, node, 4));
	EXPECT_EQ(0, fuse_getattr(self->f, node, NULL));
	ASSERT_EQ(0, fuse_forget(self->f, node, 5));
	EXPECT_EQ(0, fuse_getattr(self->f, node, NULL));
	ASSERT_EQ(0, fuse_forget(self->f, node, 1));
	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, node, NULL));
}

TEST_F(forget, looked_up_again)
{
	uint64_t before = bed_lookup(self->f, "file"), after;

	ASSERT_EQ(0, fuse_forget(self->f, before, 1));
	after = bed_lookup(self->f, "file");
	EXPECT_EQ(0, fuse_getattr(self->f, after, NULL));
	/* A node that pins nothing may come back as it was. */
	if (getenv("VHOST_FS_TEST_HANDLES"))
		return;
	EXPECT_NE(before, after);
	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, before, NULL));
}

/* Everything that gives an entry counts as a lookup. */
TEST_F(forget, entries_count)
{
	struct fuse_entry_out e;
	struct fuse_open_out open;
	uint64_t node;

	ASSERT_EQ(0, fuse_mkdir(self->f, ROOT, "d", 0755, 0, &e));
	ASSERT_EQ(0, fuse_forget(self->f, e.nodeid, 1));
	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, e.nodeid, NULL));
	ASSERT_EQ(0, fuse_mknod(self->f, ROOT, "n", S_IFREG | 0600, 0, 0, &e));
	ASSERT_EQ(0, fuse_forget(self->f, e.nodeid, 1));
	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, e.nodeid, NULL));
	ASSERT_EQ(0, fuse_symlink(self->f, ROOT, "s", "x", &e));
	ASSERT_EQ(0, fuse_forget(self->f, e.nodeid, 1));
	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, e.nodeid, NULL));
	node = bed_lookup(self->f, "file");
	ASSERT_EQ(0, fuse_link(self->f, node, ROOT, "l", &e));
	ASSERT_EQ(0, fuse_forget(self->f, node, 1));
	EXPECT_EQ(0, fuse_getattr(self->f, node, NULL));
	ASSERT_EQ(0, fuse_forget(self->f, node, 1));
	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, node, NULL));
	ASSERT_EQ(0, fuse_create(self->f, ROOT, "c", O_RDWR | O_CREAT,
				 S_IFREG | 0600, 0, &e, &open));
	ASSERT_EQ(0, fuse_release(self->f, e.nodeid, open.fh));
	ASSERT_EQ(0, fuse_forget(self->f, e.nodeid, 1));
	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, e.nodeid, NULL));
}

/* A failed request counts for nothing. */
TEST_F(forget, errors_do_not_count)
{
	uint64_t node = bed_lookup(self->f, "file");
	struct fuse_entry_out e;

	EXPECT_EQ(-EEXIST, fuse_mkdir(self->f, ROOT, "file", 0755, 0, &e));
	EXPECT_EQ(-EEXIST, fuse_link(self->f, node, ROOT, "other", &e));
	ASSERT_EQ(0, fuse_forget(self->f, node, 1));
	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, node, NULL));
}

/* An entry that had no room in the reply was never given. */
TEST_F(forget, unsent_entry_does_not_count)
{
	struct fuse_entry_out e;
	struct fuse_call c = {
		.opcode = FUSE_LOOKUP, .nodeid = ROOT,
		.in = { { "file", 5 } }, .nr_in = 1,
		.out = &e, .out_size = sizeof(e) - 1,
	};
	uint64_t node;

	EXPECT_EQ(-EIO, fuse_call(self->f, &c));
	node = bed_lookup(self->f, "file");
	ASSERT_EQ(0, fuse_forget(self->f, node, 1));
	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, node, NULL));
}

/* More than was ever given takes what there is, and nothing wraps. */
TEST_F(forget, too_much)
{
	static const uint64_t counts[] = {
		4, 5, 1000, 1ULL << 31, 1ULL << 32, 1ULL << 63, ~0ULL,
		~0ULL - 3,
	};
	uint64_t node;
	int i;

	for (i = 0; i < 8; i++) {
		node = lookup_times(self->f, "file", 3);
		ASSERT_EQ(0, fuse_forget(self->f, node, counts[i]));
		EXPECT_EQ(-ESTALE, fuse_getattr(self->f, node, NULL)) {
			TH_LOG("forgot 0x%llx",
			       (unsigned long long)counts[i]);
		}
		ASSERT_EQ(0, fuse_forget(self->f, node, 1));
	}
	node = lookup_times(self->f, "file", 2);
	ASSERT_EQ(0, fuse_forget(self->f, node, 1));
	EXPECT_EQ(0, fuse_getattr(self->f, node, NULL));
}

TEST_F(forget, nothing)
{
	uint64_t node = bed_lookup(self->f, "file");

	ASSERT_EQ(0, fuse_forget(self->f, node, 0));
	EXPECT_EQ(0, fuse_getattr(self->f, node, NULL));
}

TEST_F(forget, unknown_nodes)
{
	static const uint64_t nodes[] = { 0, 2, 1000000, 1ULL << 32, ~0ULL };
	uint64_t node = bed_lookup(self->f, "file");
	int i;

	for (i = 0; i < 5; i++)
		if (nodes[i] != node)
			ASSERT_EQ(0, fuse_forget(self->f, nodes[i], 1));
	ASSERT_EQ(0, fuse_forget(self->f, node, 1));
	ASSERT_EQ(0, fuse_forget(self->f, node, 1));
	EXPECT_EQ(0, fuse_getattr(self->f, ROOT, NULL));
}

TEST_F(forget, root_stays)
{
	ASSERT_EQ(0, fuse_forget(self->f, ROOT, 1));
	ASSERT_EQ(0, fuse_forget(self->f, ROOT, ~0ULL));
	EXPECT_EQ(0, fuse_getattr(self->f, ROOT, NULL));
	EXPECT_NE(0, bed_lookup(self->f, "file"));
}

TEST_F(forget, batch)
{
	uint64_t file = lookup_times(self->f, "file", 3);
	uint64_t other = lookup_times(self->f, "other", 1);
	struct fuse_forget_one list[] = {
		{ file, 1 }, { 777777, 1 }, { other, 1 }, { ROOT, 5 },
		{ file, 1 }, { other, 1 }, { 0, 0 },
	};

	ASSERT_EQ(0, fuse_batch_forget(self->f, list, 7));
	EXPECT_EQ(0, fuse_getattr(self->f, file, NULL));
	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, other, NULL));
	EXPECT_EQ(0, fuse_getattr(self->f, ROOT, NULL));
	list[0] = (struct fuse_forget_one){ file, 1 };
	ASSERT_EQ(0, fuse_batch_forget(self->f, list, 1));
	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, file, NULL));
	ASSERT_EQ(0, fuse_batch_forget(self->f, list, 0));
}

TEST_F_TIMEOUT(forget, large_batch, 120)
{
	enum { NR = 600 };
	struct fuse_forget_one *list = calloc(NR, sizeof(*list));
	struct fuse_entry_out e;
	char name[32];
	int i;

	for (i = 0; i < NR; i++) {
		snprintf(name, sizeof(name), "file%d", i);
		ASSERT_EQ(0, fuse_mknod(self->f, ROOT, name, S_IFREG, 0, 0, &e));
		list[i] = (struct fuse_forget_one){ e.nodeid, 1 };
	}
	ASSERT_EQ(0, fuse_batch_forget(self->f, list, NR));
	for (i = 0; i < NR; i++)
		ASSERT_EQ(-ESTALE, fuse_getattr(self->f, list[i].nodeid, NULL));
	free(list);
}

/* A count that the bytes don't bear out. */
/* One that would go on for ever ends where no driver's does. */
TEST_F_TIMEOUT(forget, batch_beyond_the_limit, 120)
{
	enum { MOST = (1 << 20) / sizeof(struct fuse_forget_one) };
	struct fuse_forget_one *list = calloc(MOST + 1, sizeof(*list));
	uint64_t first = lookup_times(self->f, "file", 1);
	uint64_t beyond = lookup_times(self->f, "other", 1);
	int i;

	for (i = 0; i < MOST; i++)
		list[i] = (struct fuse_forget_one){ 777777, 1 };
	list[MOST - 1] = (struct fuse_forget_one){ first, 1 };
	list[MOST] = (struct fuse_forget_one){ beyond, 1 };
	ASSERT_EQ(0, fuse_batch_forget(self->f, list, MOST + 1));
	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, first, NULL));
	EXPECT_EQ(0, fuse_getattr(self->f, beyond, NULL));
	free(list);
}

TEST_F(forget, batch_count_lies)
{
	static const uint32_t counts[] = { 0, 3, 1000, 1U << 28, ~0U };
	struct fuse_batch_forget_in in;
	struct fuse_forget_one one = { .nlookup = 1 };
	struct fuse_call c = {
		.opcode = FUSE_BATCH_FORGET,
		.in = { { &in, sizeof(in) }, { &one, sizeof(one) } }, .nr_in = 2,
	};
	int i;

	one.nodeid = bed_lookup(self->f, "file");
	for (i = 0; i < 5; i++) {
		in = (struct fuse_batch_forget_in){ .count = counts[i] };
		/* No room for a reply, so none can come; it must not hang. */
		EXPECT_EQ(FUSE_NO_REPLY, fuse_call(self->f, &c));
	}
	EXPECT_EQ(0, fuse_getattr(self->f, ROOT, NULL));
}

/* As the Linux driver does it: on the queue that nothing else delays. */
TEST_F(forget, on_the_hiprio_queue)
{
	uint64_t node = bed_lookup(self->f, "file");
	struct fuse hiprio;

	fuse_session(&hiprio, &self->bed.dev, RING_HIPRIO);
	ASSERT_EQ(0, fuse_forget(&hiprio, node, 1));
	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, node, NULL));
}

/* With room for a reply all the same: none comes. */
TEST_F(forget, has_no_reply)
{
	struct fuse_forget_in in = { .nlookup = 1 };
	struct fuse_interrupt_in interrupt = { .unique = 4 };
	struct fuse_call forget = {
		.opcode = FUSE_FORGET, .nodeid = bed_lookup(self->f, "file"),
		.in = { { &in, sizeof(in) } }, .nr_in = 1, .out_size = 64,
	};
	struct fuse_call intr = {
		.opcode = FUSE_INTERRUPT,
		.in = { { &interrupt, sizeof(interrupt) } }, .nr_in = 1,
		.out_size = 64,
	};

	EXPECT_EQ(FUSE_NO_REPLY, fuse_call(self->f, &forget));
	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, forget.nodeid, NULL));
	EXPECT_EQ(FUSE_NO_REPLY, fuse_call(self->f, &intr));
}

FIXTURE(limit) {
	struct bed bed;
};

FIXTURE_SETUP(limit)
{
	struct bed_config config = { .max_nodes = 20 };
	char name[16];
	int i;

	ASSERT_EQ(0, bed_open(&self->bed, &config));
	for (i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "file%d", i);
		ASSERT_EQ(0, bed_write_file(&self->bed, name, "", 0, 0644));
	}
}

FIXTURE_TEARDOWN(limit)
{
	bed_close(&self->bed);
}

/* Looks files up until one is refused; how many were not. */
static int fill_up(struct __test_metadata *_metadata, struct fuse *f,
		   uint64_t *nodes)
{
	struct fuse_entry_out e;
	char name[16];
	int i, ret;

	for (i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "file%d", i);
		ret = fuse_lookup(f, ROOT, name, &e);
		if (ret) {
			EXPECT_TRUE(ret == -ENFILE || ret == -ENOMEM);
			break;
		}
		nodes[i] = e.nodeid;
	}
	return i;
}

/* A CREATE that has no node left to give truncates nothing. */
TEST_F(limit, create_of_what_exists)
{
	struct fuse *f = &self->bed.fuse;
	struct fuse_entry_out e;
	struct fuse_open_out out;
	uint64_t nodes[50];
	struct stat st;
	int filled;

	ASSERT_EQ(0, bed_write_file(&self->bed, "full", "data", 4, 0644));
	filled = fill_up(_metadata, f, nodes);
	ASSERT_TRUE(filled > 0 && filled < 50);
	EXPECT_EQ(-ENFILE, fuse_create(f, ROOT, "full", O_RDWR | O_CREAT | O_TRUNC,
				       S_IFREG | 0600, 0, &e, &out));
	ASSERT_EQ(0, bed_stat(&self->bed, "full", &st));
	EXPECT_EQ(4, st.st_size);

	/* What the guest knows already takes no new node. */
	EXPECT_EQ(0, fuse_create(f, ROOT, "file0", O_RDWR | O_CREAT | O_TRUNC,
				 S_IFREG | 0600, 0, &e, &out));
	EXPECT_EQ(nodes[0], e.nodeid);
}

TEST_F(limit, nodes)
{
	struct fuse *f = &self->bed.fuse, other;
	struct bed_config config = { 0 };
	struct fuse_entry_out e;
	uint64_t nodes[50], more[50];
	struct ring_dev dev;
	struct stat st;
	int nr, i;

	nr = fill_up(_metadata, f, nodes);
	EXPECT_LE(19, nr);
	EXPECT_GE(20, nr);
	/* What is known already can be had, and nothing is made in vain. */
	EXPECT_EQ(nodes[0], bed_lookup(f, "file0"));
	EXPECT_GT(0, fuse_mkdir(f, ROOT, "dir", 0755, 0, &e));
	EXPECT_EQ(-ENOENT, bed_stat(&self->bed, "dir", &st));
	/* Another guest has its own allowance. */
	ASSERT_EQ(0, bed_open_device(&self->bed, &dev, &other, &config));
	EXPECT_EQ(nr, fill_up(_metadata, &other, more));
	ring_close(&dev);
	for (i = 1; i < nr; i++)
		ASSERT_EQ(0, fuse_forget(f, nodes[i], 1));
	EXPECT_EQ(0, fuse_lookup(f, ROOT, "file49", &e));
}

TEST_HARNESS_MAIN
