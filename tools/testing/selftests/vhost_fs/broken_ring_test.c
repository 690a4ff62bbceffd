// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rings that are no rings, and guest memory that isn't there. The queue uses the
 * chain for what it is worth, or the device stops with the error eventfd raised,
 * while another device goes on.
 */
#include "bed.h"
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#define ROOT FUSE_ROOT_ID
#define PAGE 4096UL
#define HEADER sizeof(struct fuse_in_header)
#define OUT_HEADER sizeof(struct fuse_out_header)
#define BUF_SIZE (4 * PAGE)

FIXTURE(broken) {
	struct bed bed;
	struct fuse *f;
	struct ring_dev *dev;
	struct ring_dev other;		/* must go on, whatever happens here */
	struct fuse other_fuse;
	uint64_t file, file_fh;
	char *out, *in;			/* guest memory for requests, replies */
	int entries;			/* in the shared directory */
};

FIXTURE_SETUP(broken)
{
	struct bed_config config = { .ring.queue_size = 64 };
	struct fuse_open_out open;

	ASSERT_EQ(0, bed_open(&self->bed, &config));
	ASSERT_EQ(0, bed_open_device(&self->bed, &self->other, &self->other_fuse,
				     &config));
	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "data", 4, 0644));
	self->entries = bed_count(&self->bed);
	self->f = &self->bed.fuse;
	self->dev = &self->bed.dev;
	self->out = ring_alloc(self->dev, BUF_SIZE);
	self->in = ring_alloc(self->dev, BUF_SIZE);
	self->file = bed_lookup(self->f, "file");
	ASSERT_EQ(0, fuse_open(self->f, self->file, O_RDWR, &open));
	self->file_fh = open.fh;
}

FIXTURE_TEARDOWN(broken)
{
	ring_close(&self->other);
	bed_close(&self->bed);
}

/* Nothing was done to the share, and both devices answer. */
static void expect_unharmed(struct __test_metadata *_metadata,
			    FIXTURE_DATA(broken) *self)
{
	char buf[8] = { 0 };

	EXPECT_EQ(self->entries, bed_count(&self->bed));
	EXPECT_EQ(4, bed_read_file(&self->bed, "file", buf, sizeof(buf)));
	EXPECT_STREQ("data", buf);
	EXPECT_EQ(0, fuse_getattr(self->f, ROOT, NULL));
	EXPECT_EQ(0, fuse_getattr(&self->other_fuse, ROOT, NULL));
}

/* A good GETATTR in descriptors 0 and 1. */
static void good_chain(FIXTURE_DATA(broken) *self)
{
	struct ring_queue *q = self->f->q;
	struct fuse_in_header *h = (struct fuse_in_header *)self->out;
	size_t args = sizeof(struct fuse_getattr_in);

	memset(self->out, 0, BUF_SIZE);
	fuse_header(self->f, h, FUSE_GETATTR, ROOT, args);
	ring_set_desc(q, &q->desc[0], self->out, HEADER + args,
		      VRING_DESC_F_NEXT, 1);
	ring_set_desc(q, &q->desc[1], self->in, PAGE, VRING_DESC_F_WRITE, 0);
}

/*
 * A case makes descriptors and an available entry that mean nothing; afterwards
 * the queue has either used the chain or raised its error eventfd.
 */
struct ring_case {
	const char *name;
	void (*corrupt)(struct ring_queue *q, void *page);
	uint16_t head;
	bool may_be_served;	/* it isn't wrong to make the best of it */
};

static void index_too_large(struct ring_queue *q, void *page)
{
	(void)q;
	(void)page;
}

static void next_too_large(struct ring_queue *q, void *page)
{
	(void)page;
	q->desc[0].next = q->num;
}

static void next_far_too_large(struct ring_queue *q, void *page)
{
	(void)page;
	q->desc[0].next = 0xffff;
}

static void loop_of_one(struct ring_queue *q, void *page)
{
	(void)page;
	q->desc[0].next = 0;
}

static void loop_of_two(struct ring_queue *q, void *page)
{
	(void)page;
	q->desc[1].flags = VRING_DESC_F_NEXT;
	q->desc[1].next = 0;
}

static void loop_of_writable(struct ring_queue *q, void *page)
{
	(void)page;
	q->desc[1].flags |= VRING_DESC_F_NEXT;
	q->desc[1].next = 1;
}

static void loop_of_empty(struct ring_queue *q, void *page)
{
	(void)page;
	q->desc[0].len = 0;
	q->desc[0].next = 0;
}

static void in_before_out(struct ring_queue *q, void *page)
{
	(void)page;
	q->desc[0].flags |= VRING_DESC_F_WRITE;
	q->desc[1].flags = 0;
}

static void out_address_outside(struct ring_queue *q, void *page)
{
	(void)page;
	q->desc[0].addr = 0x1000;
}

static void in_address_outside(struct ring_queue *q, void *page)
{
	(void)page;
	q->desc[1].addr = RING_GUEST_BASE + q->dev->mem_size;
}

static void address_of_the_host(struct ring_queue *q, void *page)
{
	q->desc[1].addr = (uintptr_t)page;
}

static void address_wraps(struct ring_queue *q, void *page)
{
	(void)page;
	q->desc[1].addr = ~0ULL - 16;
}

static void address_at_the_top(struct ring_queue *q, void *page)
{
	(void)page;
	q->desc[0].addr = ~0ULL;
	q->desc[0].len = ~0U;
}

static void length_beyond_memory(struct ring_queue *q, void *page)
{
	(void)page;
	q->desc[1].len = q->dev->mem_size;
}

static void length_of_4g(struct ring_queue *q, void *page)
{
	(void)page;
	q->desc[1].len = ~0U;
}

/* Makes descriptor 0 an indirect table of @len bytes in @page. */
static struct vring_desc *indirect(struct ring_queue *q, void *page,
				   uint32_t len)
{
	struct vring_desc *table = page;

	memset(table, 0, PAGE);
	table[0] = q->desc[0];
	table[1] = q->desc[1];
	ring_set_desc(q, &q->desc[0], table, len, VRING_DESC_F_INDIRECT, 0);
	return table;
}

static void indirect_odd_length(struct ring_queue *q, void *page)
{
	indirect(q, page, 2 * sizeof(struct vring_desc) + 1);
}

static void indirect_empty(struct ring_queue *q, void *page)
{
	indirect(q, page, 0);
}

static void indirect_huge(struct ring_queue *q, void *page)
{
	indirect(q, page, ~15U);
}

static void indirect_nested(struct ring_queue *q, void *page)
{
	struct vring_desc *table = indirect(q, page, 32);

	table[1] = q->desc[0];
}

static void indirect_of_itself(struct ring_queue *q, void *page)
{
	(void)page;
	ring_set_desc(q, &q->desc[0], q->desc, 32, VRING_DESC_F_INDIRECT, 0);
}

static void indirect_outside(struct ring_queue *q, void *page)
{
	indirect(q, page, 32);
	q->desc[0].addr = 0;
}

static void indirect_next_outside(struct ring_queue *q, void *page)
{
	indirect(q, page, 32)[0].next = 2;
}

static void indirect_loop(struct ring_queue *q, void *page)
{
	indirect(q, page, 32)[0].next = 0;
}

static void indirect_in_before_out(struct ring_queue *q, void *page)
{
	struct vring_desc *table = indirect(q, page, 32);

	table[0].flags |= VRING_DESC_F_WRITE;
	table[1].flags = 0;
}

static void index_jumps(struct ring_queue *q, void *page)
{
	(void)page;
	q->avail->idx += q->num + 1;
}

static void index_jumps_far(struct ring_queue *q, void *page)
{
	(void)page;
	q->avail->idx += 0x8000;
}

static void indirect_and_next(struct ring_queue *q, void *page)
{
	indirect(q, page, 32);
	q->desc[0].flags |= VRING_DESC_F_NEXT;
	q->desc[0].next = 1;
}

static void unknown_flags(struct ring_queue *q, void *page)
{
	(void)page;
	q->desc[0].flags |= 0xfff8;
}

static const struct ring_case ring_cases[] = {
	{ "head is num", index_too_large, 64, false },
	{ "head is 0xffff", index_too_large, 0xffff, false },
	{ "next is num", next_too_large, 0, false },
	{ "next is 0xffff", next_far_too_large, 0, false },
	{ "loop of one", loop_of_one, 0, false },
	{ "loop of two", loop_of_two, 0, false },
	{ "loop of writable", loop_of_writable, 0, false },
	{ "loop of empty", loop_of_empty, 0, false },
	{ "in before out", in_before_out, 0, false },
	{ "request outside memory", out_address_outside, 0, false },
	{ "reply outside memory", in_address_outside, 0, false },
	{ "a host address", address_of_the_host, 0, false },
	{ "address wraps", address_wraps, 0, false },
	{ "address at the top", address_at_the_top, 0, false },
	{ "longer than memory", length_beyond_memory, 0, false },
	{ "length of 4 GiB", length_of_4g, 0, false },
	{ "indirect of odd length", indirect_odd_length, 0, false },
	{ "indirect, empty", indirect_empty, 0, false },
	{ "indirect, huge", indirect_huge, 0, false },
	{ "indirect, nested", indirect_nested, 0, false },
	{ "indirect of itself", indirect_of_itself, 0, false },
	{ "indirect outside memory", indirect_outside, 0, false },
	/* The core takes indirect tables in their order, whatever next says. */
	{ "indirect, next outside", indirect_next_outside, 0, true },
	{ "indirect loop", indirect_loop, 0, true },
	{ "indirect, in before out", indirect_in_before_out, 0, false },
	{ "index jumps", index_jumps, 0, false },
	{ "index jumps far", index_jumps_far, 0, false },
	{ "indirect and next", indirect_and_next, 0, true },
	{ "unknown flags", unknown_flags, 0, true },
};

#define NR_RING_CASES (sizeof(ring_cases) / sizeof(ring_cases[0]))

/* Chains made by hand are not taken off the stack of free descriptors. */
static void all_descriptors_are_free(struct ring_queue *q)
{
	unsigned int i;

	for (i = 0; i < q->num; i++)
		q->free[i] = q->num - 1 - i;
	q->nr_free = q->num;
}

/* Stops the device, and starts it with empty rings. */
static int restart(FIXTURE_DATA(broken) *self)
{
	struct ring_queue *q = self->f->q;
	uint64_t count;
	int ret = ring_set_running(self->dev, false);

	q->avail->idx = 0;
	q->used->idx = 0;
	q->last_used = 0;
	q->kicked = 0;
	all_descriptors_are_free(q);
	while (read(q->err, &count, sizeof(count)) > 0)
		;
	while (read(q->call, &count, sizeof(count)) > 0)
		;
	if (!ret)
		ret = ring_setup_queue(q);
	return ret ? ret : ring_set_running(self->dev, true);
}

TEST_F(broken, rings)
{
	const struct ring_case *c;
	struct ring_queue *q = self->f->q;
	void *page = ring_alloc(self->dev, PAGE);
	uint32_t len;
	int ret;

	for (c = ring_cases; c < ring_cases + NR_RING_CASES; c++) {
		ASSERT_EQ(0, restart(self)) {
			TH_LOG("before %s", c->name);
		}
		ASSERT_EQ(0, fuse_getattr(self->f, ROOT, NULL));
		good_chain(self);
		c->corrupt(q, page);
		ring_push_avail(q, c->head);
		ring_kick_always(q);
		ret = ring_wait(q, &len);
		if (!c->may_be_served) {
			EXPECT_EQ(-EPIPE, ret) {
				TH_LOG("%s", c->name);
			}
		} else {
			EXPECT_NE(-ETIME, ret) {
				TH_LOG("%s", c->name);
			}
		}
		EXPECT_EQ(0, fuse_getattr(&self->other_fuse, ROOT, NULL));
	}
	ASSERT_EQ(0, restart(self));
	expect_unharmed(_metadata, self);
}

/* All of a broken device stops, and it can be closed like any other. */
TEST_F(broken, closed)
{
	struct ring_queue *q = self->f->q;

	good_chain(self);
	ring_push_avail(q, 9999);
	ring_kick_always(q);
	ASSERT_EQ(0, ring_wait_error(q));
	good_chain(self);
	ring_push_avail(q, 0);
	ring_kick_always(q);
	EXPECT_EQ(0, fuse_getattr(&self->other_fuse, ROOT, NULL));
	EXPECT_FALSE(ring_has_used(q));
	ring_close(self->dev);
	EXPECT_EQ(0, fuse_getattr(&self->other_fuse, ROOT, NULL));
}

/* More pieces than a chain may have. */
TEST_F(broken, endless_indirect_table)
{
	enum { NR = 3000 };
	struct ring_queue *q = self->f->q;
	struct vring_desc *table = ring_alloc(self->dev, NR * sizeof(*table));
	uint32_t len;
	int i, ret;

	for (i = 0; i < NR; i++)
		ring_set_desc(q, &table[i], self->out, 1,
			      i + 1 < NR ? VRING_DESC_F_NEXT : 0, i + 1);
	ring_set_desc(q, &q->desc[0], table, NR * sizeof(*table),
		      VRING_DESC_F_INDIRECT, 0);
	ring_push_avail(q, 0);
	ring_kick_always(q);
	ret = ring_wait(q, &len);
	EXPECT_TRUE(ret == -EPIPE || (ret == 0 && len == 0));
	EXPECT_EQ(0, fuse_getattr(&self->other_fuse, ROOT, NULL));
}

/* Puts nothing in a page's place. */
static int take_away(void *page)
{
	return mmap(page, PAGE, PROT_NONE,
		    MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == page ?
		0 : -errno;
}

/* Guest memory that the VMM has taken away under the device. */
TEST_F(broken, memory_goes_away)
{
	struct ring_queue *q = self->f->q;
	char *hole = ring_alloc(self->dev, 3 * PAGE);
	uint32_t len;

	hole = (char *)(((uintptr_t)hole + PAGE - 1) & ~(PAGE - 1));
	ASSERT_EQ(0, take_away(hole));
	good_chain(self);
	q->desc[0].addr = ring_guest_addr(self->dev, hole);
	ring_push_avail(q, 0);
	ring_kick_always(q);
	ASSERT_EQ(0, ring_wait(q, &len));
	EXPECT_EQ(0, len);
	/* The header can be read, the arguments not. */
	good_chain(self);
	ring_set_desc(q, &q->desc[2], hole, sizeof(struct fuse_getattr_in),
		      VRING_DESC_F_NEXT, 1);
	q->desc[0].len = HEADER;
	q->desc[0].next = 2;
	ring_push_avail(q, 0);
	ring_kick_always(q);
	ASSERT_EQ(0, ring_wait(q, &len));
	EXPECT_TRUE(len == 0 || len == OUT_HEADER);
	/* The reply can't be written. */
	good_chain(self);
	q->desc[1].addr = ring_guest_addr(self->dev, hole);
	ring_push_avail(q, 0);
	ring_kick_always(q);
	ASSERT_EQ(0, ring_wait(q, &len));
	EXPECT_EQ(0, len);
	all_descriptors_are_free(q);
	expect_unharmed(_metadata, self);
	/* The ring itself. */
	ASSERT_EQ(0, mprotect(q->used, PAGE, PROT_READ));
	good_chain(self);
	ring_push_avail(q, 0);
	ring_kick_always(q);
	EXPECT_EQ(0, ring_wait_error(q));
	EXPECT_EQ(0, fuse_getattr(&self->other_fuse, ROOT, NULL));
}

TEST_F(broken, ring_goes_away)
{
	struct ring_queue *q = self->f->q;
	uint64_t one = 1;

	ASSERT_EQ(0, take_away(q->avail));
	ASSERT_EQ(sizeof(one), write(q->kick, &one, sizeof(one)));
	EXPECT_EQ(0, ring_wait_error(q));
	EXPECT_EQ(0, fuse_getattr(&self->other_fuse, ROOT, NULL));
}

/* READ into memory that ends in the middle of the data. */
TEST_F(broken, data_into_a_hole)
{
	struct ring_queue *q = self->f->q;
	struct fuse_in_header *h = (struct fuse_in_header *)self->out;
	struct fuse_read_in *read = (struct fuse_read_in *)(h + 1);
	char *hole = ring_alloc(self->dev, 4 * PAGE), *large = malloc(3 * PAGE);
	uint32_t len;

	memset(large, 'x', 3 * PAGE);
	ASSERT_EQ(0, bed_write_file(&self->bed, "file", large, 3 * PAGE, 0));
	free(large);
	hole = (char *)(((uintptr_t)hole + PAGE - 1) & ~(PAGE - 1));
	ASSERT_EQ(0, take_away(hole + PAGE));
	memset(self->out, 0, BUF_SIZE);
	fuse_header(self->f, h, FUSE_READ, self->file, sizeof(*read));
	read->fh = self->file_fh;
	read->size = 2 * PAGE;
	ring_set_desc(q, &q->desc[0], self->out, HEADER + sizeof(*read),
		      VRING_DESC_F_NEXT, 1);
	ring_set_desc(q, &q->desc[1], hole, 2 * PAGE, VRING_DESC_F_WRITE, 0);
	ring_push_avail(q, 0);
	ring_kick_always(q);
	ASSERT_EQ(0, ring_wait(q, &len));
	EXPECT_LE(OUT_HEADER, len);
	EXPECT_GE(PAGE, len);
	EXPECT_EQ(len, ((struct fuse_out_header *)hole)->len);
	all_descriptors_are_free(q);
	EXPECT_EQ(0, fuse_getattr(self->f, ROOT, NULL));
}

/* Deterministic, so that what fails can be run again. */
static uint32_t random_next(uint64_t *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return *state >> 33;
}

TEST_F_TIMEOUT(broken, random_rings, 300)
{
	struct ring_queue *q = self->f->q;
	uint64_t seed = 2;
	unsigned int i, j;
	uint32_t len;
	int ret;

	for (i = 0; i < (unsigned int)test_rounds(500); i++) {
		ASSERT_EQ(0, restart(self));
		for (j = 0; j < q->num; j++) {
			ring_set_desc(q, &q->desc[j],
				      self->out + random_next(&seed) % PAGE,
				      random_next(&seed) % 200,
				      random_next(&seed) % 8,
				      random_next(&seed) % (q->num + 4));
			if (random_next(&seed) % 16 == 0)
				q->desc[j].addr = (uint64_t)random_next(&seed) << 20;
		}
		good_chain(self);
		for (j = 0; j < 8; j++)
			q->avail->ring[j] = random_next(&seed) % (q->num + 2);
		__atomic_store_n(&q->avail->idx, random_next(&seed) % 66 + 1,
				 __ATOMIC_RELEASE);
		ring_kick_always(q);
		/* Something comes of it; what, is for the ring to say. */
		ret = ring_wait(q, &len);
		ASSERT_NE(-ETIME, ret) {
			TH_LOG("ring %u", i);
		}
	}
	EXPECT_EQ(0, fuse_getattr(&self->other_fuse, ROOT, NULL));
	ASSERT_EQ(0, restart(self));
	EXPECT_EQ(0, fuse_init(self->f));
}

TEST_HARNESS_MAIN
