// SPDX-License-Identifier: GPL-2.0-only
/*
 * Chains of every shape that a guest may make of one request: as Linux makes
 * them, and as unlike that as the rules allow. All are served alike.
 */
#include "bed.h"
#include "harness.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define ROOT FUSE_ROOT_ID
#define PAGE 4096UL
#define MAX_PIECES 256
#define NR(_array) (sizeof(_array) / sizeof((_array)[0]))

/* Guest memory for a request, its reply, and the table of its descriptors. */
struct place {
	char request[PAGE];
	char reply[PAGE];
	struct vring_desc table[MAX_PIECES];
};

FIXTURE(chain) {
	struct bed bed;
	struct fuse *f;
	struct ring_dev *dev;
	struct ring_queue *q;
	struct place *place;
	size_t out_len, in_len;
};

/* A GETATTR of the root, and room for its reply. */
static void ask(FIXTURE_DATA(chain) *self)
{
	size_t args = sizeof(struct fuse_getattr_in);

	memset(self->place, 0, sizeof(*self->place));
	fuse_header(self->f, (struct fuse_in_header *)self->place->request,
		    FUSE_GETATTR, ROOT, args);
	self->out_len = sizeof(struct fuse_in_header) + args;
	self->in_len = sizeof(struct fuse_out_header) +
		       sizeof(struct fuse_attr_out);
}

FIXTURE_SETUP(chain)
{
	struct bed_config config = { .ring.features = RING_F_INDIRECT };

	ASSERT_EQ(0, bed_open(&self->bed, &config));
	self->f = &self->bed.fuse;
	self->dev = &self->bed.dev;
	self->q = self->f->q;
	ring_align(self->dev);
	self->place = ring_alloc(self->dev, sizeof(*self->place));
	ask(self);
}

FIXTURE_TEARDOWN(chain)
{
	bed_close(&self->bed);
}

/* Descriptors for pieces of @size bytes each; returns how many there are. */
static unsigned int cut(struct ring_queue *q, struct vring_desc *table,
			unsigned int first, char *p, size_t len, size_t size,
			uint16_t flags)
{
	unsigned int n = first;

	for (; len; n++) {
		size_t this = len < size ? len : size;

		ring_set_desc(q, &table[n], p, this, flags | VRING_DESC_F_NEXT, n + 1);
		p += this;
		len -= this;
	}
	return n;
}

/* The whole request in pieces of those sizes. */
static unsigned int cut_all(FIXTURE_DATA(chain) *self, size_t out, size_t in)
{
	struct place *place = self->place;
	unsigned int n;

	n = cut(self->q, place->table, 0, place->request, self->out_len, out, 0);
	n = cut(self->q, place->table, n, place->reply, self->in_len, in,
		VRING_DESC_F_WRITE);
	place->table[n - 1].flags &= ~VRING_DESC_F_NEXT;
	return n;
}

/* Has the device use the table at guest address @addr; the used length. */
static int use_table_at(FIXTURE_DATA(chain) *self, uint64_t addr, unsigned int n)
{
	struct ring_queue *q = self->q;
	int head = ring_take_desc(q), ret;
	uint32_t len;

	q->desc[head] = (struct vring_desc) {
		.addr = addr,
		.len = n * sizeof(struct vring_desc),
		.flags = VRING_DESC_F_INDIRECT,
	};
	ring_push_avail(q, head);
	ring_kick_always(q);
	ret = ring_wait(q, &len);
	if (ret < 0)
		return ret;
	return ret == head ? (int)len : -EPROTO;
}

static int use_table(FIXTURE_DATA(chain) *self, unsigned int n)
{
	return use_table_at(self, ring_guest_addr(self->dev, self->place->table), n);
}

static bool is_answered(const FIXTURE_DATA(chain) *self, const char *reply,
			int len)
{
	struct fuse_out_header hdr;
	struct fuse_attr_out out;

	memcpy(&hdr, reply, sizeof(hdr));
	memcpy(&out, reply + sizeof(hdr), sizeof(out));
	return len == (int)self->in_len && hdr.len == self->in_len && !hdr.error &&
	       S_ISDIR(out.attr.mode);
}

#define EXPECT_ANSWERED(_len)						\
do {									\
	int len_ = _len;						\
									\
	EXPECT_TRUE(is_answered(self, self->place->reply, len_)) {	\
		TH_LOG("used length %d", len_);				\
	}								\
} while (0)

TEST_F(chain, pieces_of_any_size)
{
	static const size_t sizes[] = { 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 39, 40, 41, PAGE };
	unsigned int out, in;

	for (out = 0; out < NR(sizes); out++) {
		for (in = 0; in < NR(sizes); in++) {
			ask(self);
			EXPECT_ANSWERED(use_table(self, cut_all(self, sizes[out], sizes[in])));
		}
	}
}

TEST_F(chain, table_longer_than_the_chain)
{
	unsigned int n = cut_all(self, PAGE, PAGE);

	EXPECT_ANSWERED(use_table(self, n + 5));
}

TEST_F(chain, table_anywhere)
{
	unsigned int n = cut_all(self, 8, 8), shift;
	char *page = ring_alloc(self->dev, 2 * PAGE);
	size_t size = n * sizeof(struct vring_desc);

	for (shift = 0; shift < 16; shift++) {
		memset(self->place->reply, 0, PAGE);
		memcpy(page + shift, self->place->table, size);
		EXPECT_ANSWERED(use_table_at(self, ring_guest_addr(self->dev, page + shift), n));
	}
}

TEST_F(chain, empty_pieces)
{
	struct vring_desc *table = self->place->table;
	unsigned int n = cut_all(self, 16, 16), i;

	/* Make room behind the first, and before the last. */
	memmove(table + 2, table + 1, (n - 1) * sizeof(*table));
	table[1] = (struct vring_desc) { .addr = table[0].addr };
	table[n + 1] = table[n];
	table[n] = (struct vring_desc) { .addr = table[n].addr, .flags = VRING_DESC_F_WRITE };
	n += 2;
	for (i = 0; i < n - 1; i++) {
		table[i].flags |= VRING_DESC_F_NEXT;
		table[i].next = i + 1;
	}
	EXPECT_ANSWERED(use_table(self, n));
}

struct two_regions {
	struct vhost_memory head;
	struct vhost_memory_region region[2];
};

/* The same memory, cut in two at @at. */
static struct two_regions cut_memory(const struct ring_dev *dev, const void *at)
{
	size_t first = (const char *)at - (const char *)dev->mem;

	return (struct two_regions) {
		.head.nregions = 2,
		.region = {
			{
				.guest_phys_addr = RING_GUEST_BASE,
				.memory_size = first,
				.userspace_addr = (uintptr_t)dev->mem,
			}, {
				.guest_phys_addr = RING_GUEST_BASE + first,
				.memory_size = dev->mem_size - first,
				.userspace_addr = (uintptr_t)dev->mem + first,
			},
		},
	};
}

/* At each byte of the request, of the reply, and of the table. */
TEST_F(chain, memory_cut_anywhere)
{
	unsigned int n = cut_all(self, 24, 24), i;
	char *const places[] = {
		self->place->request, self->place->reply, (char *)self->place->table,
	};
	const size_t sizes[] = { self->out_len, self->in_len, n * sizeof(struct vring_desc) };
	struct two_regions memory;
	size_t at;

	for (i = 0; i < NR(places); i++) {
		for (at = 0; at <= sizes[i]; at += 3) {
			memory = cut_memory(self->dev, places[i] + at);
			ASSERT_EQ(0, ring_ioctl(self->dev->fd, VHOST_SET_MEM_TABLE, &memory));
			memset(self->place->reply, 0, PAGE);
			EXPECT_ANSWERED(use_table(self, n));
		}
	}
}

/*
 * From @cut on guest memory is at the same place of @copy, with what was there; what
 * is left here is of no use.
 */
static int move_behind(FIXTURE_DATA(chain) *self, char *cut, char *copy)
{
	struct two_regions memory = cut_memory(self->dev, cut);
	size_t size = (char *)(self->place + 1) - cut;

	copy += memory.region[0].memory_size;
	memcpy(copy, cut, size);
	memset(cut, 0xff, size);
	memory.region[1].userspace_addr = (uintptr_t)copy;
	return ring_ioctl(self->dev->fd, VHOST_SET_MEM_TABLE, &memory);
}

/* Pieces that are neighbours in the guest's memory and nowhere else. */
TEST_F(chain, neighbours_in_the_guest_only)
{
	struct place *place = self->place;
	char *const places[] = { place->request, place->reply };
	const size_t sizes[] = { self->out_len, self->in_len };
	struct two_regions memory = cut_memory(self->dev, place);
	char *copy, *there, *cut;
	unsigned int n, i;
	size_t at;
	int len;

	copy = mmap(NULL, self->dev->mem_size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ASSERT_NE(MAP_FAILED, copy);
	there = copy + (place->reply - (char *)self->dev->mem);
	for (i = 0; i < NR(places); i++) {
		for (at = 0; at < sizes[i]; at += 24) {
			ask(self);
			n = cut_all(self, 24, 24);
			cut = places[i] + at;
			ASSERT_EQ(0, move_behind(self, cut, copy));
			len = use_table(self, n);
			/* What came here, and behind it what came there. */
			if (cut > place->reply)
				memcpy(there, place->reply, at);
			EXPECT_TRUE(is_answered(self, there, len)) {
				TH_LOG("place %u at %zu: used length %d", i, at, len);
			}
			EXPECT_EQ((char)0xff, *cut);
		}
	}
	EXPECT_EQ(0, ring_ioctl(self->dev->fd, VHOST_SET_MEM_TABLE, &memory));
	munmap(copy, self->dev->mem_size);
}

/* The rings stay, but what they point to lies elsewhere in the VMM now. */
TEST_F(chain, memory_moves)
{
	struct {
		struct vhost_memory head;
		struct vhost_memory_region region;
	} memory = {
		.head.nregions = 1,
		.region = {
			.guest_phys_addr = RING_GUEST_BASE,
			.memory_size = self->dev->mem_size,
		},
	};
	size_t at = (char *)self->place - (char *)self->dev->mem;
	unsigned int n = cut_all(self, PAGE, PAGE);
	struct place *moved;
	char *copy;

	EXPECT_ANSWERED(use_table(self, n));
	copy = mmap(NULL, self->dev->mem_size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ASSERT_NE(MAP_FAILED, copy);
	moved = (struct place *)(copy + at);
	memcpy(moved, self->place, sizeof(*moved));
	memset(moved->reply, 0, PAGE);
	memset(self->place, 0xff, sizeof(*self->place));
	memory.region.userspace_addr = (uintptr_t)copy;
	ASSERT_EQ(0, ring_ioctl(self->dev->fd, VHOST_SET_MEM_TABLE, &memory));
	EXPECT_TRUE(is_answered(self, moved->reply, use_table(self, n)));
	EXPECT_EQ((char)0xff, self->place->reply[0]);
	memory.region.userspace_addr = (uintptr_t)self->dev->mem;
	EXPECT_EQ(0, ring_ioctl(self->dev->fd, VHOST_SET_MEM_TABLE, &memory));
	munmap(copy, self->dev->mem_size);
}

/* Answers that the guest hasn't been called for are there for one that looks. */
TEST_F(chain, guest_is_called)
{
	enum { REQUESTS = 60 };
	unsigned int i, n = cut_all(self, PAGE, PAGE);
	struct ring_queue *q = self->q;
	uint32_t len;
	int head;

	for (i = 0; i < REQUESTS; i++) {
		head = ring_take_desc(q);
		ASSERT_LE(0, head);
		ring_set_desc(q, &q->desc[head], self->place->table,
			      n * sizeof(struct vring_desc), VRING_DESC_F_INDIRECT, 0);
		ring_push_avail(q, head);
	}
	ring_kick_always(q);
	/* ring_wait() sleeps on the call eventfd. */
	for (i = 0; i < REQUESTS; i++)
		ASSERT_LE(0, ring_wait(q, &len));
	EXPECT_ANSWERED(len);
}

TEST_HARNESS_MAIN
