// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random calls on one file, against a model of it in memory: reads, writes,
 * mappings, truncation, holes, allocation and copies, on one side or on both in
 * turn. A seed repeats a sequence; POSIX_SEED sets another one, POSIX_STEPS the
 * length.
 */
#define POSIX_OWN_FIXTURE
#include "posix.h"

#define LIMIT (192 * 1024)
#define PAGE 4096

FIXTURE(exercise)
{
	unsigned char *model, *buf;
	off_t size;
	int fd, step;
	uint64_t random;
	const char *op;
	off_t from, len;
};

FIXTURE_VARIANT(exercise)
{
	uint64_t seed;
	int flags;
	bool both_sides;
	bool mapped;
};

FIXTURE_VARIANT_ADD(exercise, plain) { .seed = 1, .mapped = true };
FIXTURE_VARIANT_ADD(exercise, unmapped) { .seed = 2 };
FIXTURE_VARIANT_ADD(exercise, direct) { .seed = 3, .flags = O_DIRECT };
FIXTURE_VARIANT_ADD(exercise, synchronous) {
	.seed = 4, .flags = O_SYNC, .mapped = true
};
FIXTURE_VARIANT_ADD(exercise, both_sides) {
	.seed = 5, .both_sides = true, .mapped = true
};

static unsigned int dice(FIXTURE_DATA(exercise) *self, unsigned int sides)
{
	self->random = self->random * 6364136223846793005ULL +
		       1442695040888963407ULL;
	return (self->random >> 33) % sides;
}

static uint64_t setting(const char *name, uint64_t value)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : value;
}

FIXTURE_SETUP(exercise)
{
	enter_directory(_metadata);
	self->model = calloc(1, 2 * LIMIT);
	self->buf = aligned_alloc(PAGE, 2 * LIMIT);
	self->random = setting("POSIX_SEED", variant->seed);
	self->fd = open("f", O_CREAT | O_RDWR | variant->flags, 0644);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(exercise)
{
	if (_metadata->exit_code)
		TH_LOG("step %d: %s %ld+%ld", self->step, self->op,
		       self->from, self->len);
	leave_directory(_metadata);
}

static off_t min_of(off_t a, off_t b)
{
	return a < b ? a : b;
}

/* A range; whole pages for O_DIRECT. */
static void pick(FIXTURE_DATA(exercise) *self, bool aligned)
{
	self->from = dice(self, LIMIT - 70000);
	self->len = 1 + (dice(self, 3) ? dice(self, 9000) : dice(self, 65536));
	if (aligned) {
		self->from &= ~(off_t)(PAGE - 1);
		self->len = (self->len + PAGE - 1) & ~(off_t)(PAGE - 1);
	}
}

static void grow(FIXTURE_DATA(exercise) *self, off_t end)
{
	if (end > self->size)
		self->size = end;
}

static void random_bytes(FIXTURE_DATA(exercise) *self)
{
	unsigned int seed = dice(self, 1 << 20);
	off_t i;

	for (i = 0; i < self->len; i++)
		self->buf[i] = (seed += 2654435761U) >> 23;
}

static void check(struct __test_metadata *_metadata,
		  FIXTURE_DATA(exercise) *self, off_t from, off_t n)
{
	off_t i;

	for (i = 0; i < n; i++)
		ASSERT_EQ(self->model[from + i], self->buf[i]) {
			TH_LOG("at %ld", from + i);
		}
}

static void do_read(struct __test_metadata *_metadata,
		    FIXTURE_DATA(exercise) *self)
{
	off_t want = self->from >= self->size ? 0 :
		     min_of(self->len, self->size - self->from);

	ASSERT_EQ(want, pread(self->fd, self->buf, self->len, self->from));
	check(_metadata, self, self->from, want);
}

static void do_write(struct __test_metadata *_metadata,
		     FIXTURE_DATA(exercise) *self)
{
	random_bytes(self);
	ASSERT_EQ(self->len, pwrite(self->fd, self->buf, self->len,
				    self->from));
	memcpy(self->model + self->from, self->buf, self->len);
	grow(self, self->from + self->len);
}

static void do_truncate(struct __test_metadata *_metadata,
			FIXTURE_DATA(exercise) *self)
{
	MUST(dice(self, 2) ? ftruncate(self->fd, self->from) :
	     truncate("f", self->from));
	if (self->from < self->size)
		memset(self->model + self->from, 0, self->size - self->from);
	self->size = self->from;
}

static void do_punch(struct __test_metadata *_metadata,
		     FIXTURE_DATA(exercise) *self)
{
	MUST(fallocate(self->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		       self->from, self->len));
	memset(self->model + self->from, 0, self->len);
}

static void do_allocate(struct __test_metadata *_metadata,
			FIXTURE_DATA(exercise) *self)
{
	bool keep = dice(self, 2);

	MUST(fallocate(self->fd, keep ? FALLOC_FL_KEEP_SIZE : 0, self->from,
		       self->len));
	if (!keep)
		grow(self, self->from + self->len);
}

static void do_zero(struct __test_metadata *_metadata,
		    FIXTURE_DATA(exercise) *self)
{
	if (stored_on(TMPFS_MAGIC)) {
		do_punch(_metadata, self);
		return;
	}
	MUST(fallocate(self->fd, FALLOC_FL_ZERO_RANGE, self->from, self->len));
	memset(self->model + self->from, 0, self->len);
	grow(self, self->from + self->len);
}

/* Within the file, from before the range to it. */
static void do_copy(struct __test_metadata *_metadata,
		    FIXTURE_DATA(exercise) *self)
{
	off_t in = 0, out = self->from, n;
	ssize_t ret;

	n = min_of(self->len, min_of(self->size, self->from));
	if (n <= 0)
		return;
	self->len = n;
	while (n > 0) {
		ret = copy_file_range(self->fd, &in, self->fd, &out, n, 0);
		ASSERT_LT(0, ret) {
			TH_LOG("%s", strerror(errno));
		}
		n -= ret;
	}
	memcpy(self->model + self->from, self->model, self->len);
	grow(self, self->from + self->len);
}

static void do_map(struct __test_metadata *_metadata,
		   FIXTURE_DATA(exercise) *self)
{
	bool write = dice(self, 2);
	unsigned char *map;
	off_t n = min_of(self->len, self->size - self->from);

	if (n <= 0)
		return;
	map = mmap(NULL, self->size, write ? PROT_READ | PROT_WRITE : PROT_READ,
		   MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, (void *)map);
	memcpy(self->buf, map + self->from, n);
	check(_metadata, self, self->from, n);
	if (write) {
		self->len = n;
		random_bytes(self);
		memcpy(map + self->from, self->buf, n);
		memcpy(self->model + self->from, self->buf, n);
		MUST(msync(map, self->size, MS_SYNC));
	}
	MUST(munmap(map, self->size));
}

/* Where data ends and holes begin may be told late, but never wrongly. */
static void do_seek(struct __test_metadata *_metadata,
		    FIXTURE_DATA(exercise) *self)
{
	off_t data = lseek(self->fd, self->from, SEEK_DATA), i;

	if (data < 0) {
		ASSERT_EQ(ENXIO, errno);
		data = self->size;
	}
	for (i = self->from; i < data && i < self->size; i++)
		ASSERT_EQ(0, self->model[i]);
}

static void reopen(struct __test_metadata *_metadata,
		   FIXTURE_DATA(exercise) *self, int flags, bool there)
{
	struct statx st;

	MUST(close(self->fd));
	MUST(chdir(there ? other : here));
	self->fd = open("f", O_RDWR | flags);
	ASSERT_LE(0, self->fd);
	/* What the mount knows of the size may be a second old. */
	MUST(statx(self->fd, "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC,
		   STATX_SIZE, &st));
	ASSERT_EQ(self->size, st.stx_size);
}

static const struct {
	const char *name;
	void (*fn)(struct __test_metadata *_metadata,
		   FIXTURE_DATA(exercise) *self);
	bool map;
} ops[] = {
	{ "read", do_read },
	{ "write", do_write },
	{ "write", do_write },
	{ "truncate", do_truncate },
	{ "punch", do_punch },
	{ "allocate", do_allocate },
	{ "zero", do_zero },
	{ "copy", do_copy },
	{ "map", do_map, .map = true },
	{ "map", do_map, .map = true },
	{ "seek", do_seek },
};

#define NR_OPS (sizeof(ops) / sizeof(*ops))

TEST_F_TIMEOUT(exercise, random_calls, LONG)
{
	int steps = setting("POSIX_STEPS", 600), op;
	bool there = false;

	for (self->step = 0; self->step < steps; self->step++) {
		op = dice(self, NR_OPS);
		if (ops[op].map && !variant->mapped)
			op = 0;
		self->op = ops[op].name;
		pick(self, variant->flags & O_DIRECT);
		ops[op].fn(_metadata, self);
		if (dice(self, variant->both_sides ? 8 : 60))
			continue;
		there = variant->both_sides && !there;
		self->op = "reopen";
		reopen(_metadata, self, variant->flags, there);
	}
	reopen(_metadata, self, 0, !there);
	self->op = "final read";
	ASSERT_EQ(self->size, pread(self->fd, self->buf, 2 * LIMIT, 0));
	check(_metadata, self, 0, self->size);
}

POSIX_MAIN
