// SPDX-License-Identifier: GPL-2.0-only
/*
 * Data: READ, WRITE, LSEEK and FALLOCATE, each under every way in which a ring
 * can describe and announce buffers.
 */
#include "bed.h"
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/falloc.h>
#include <sys/mman.h>

FIXTURE(rw) {
	struct bed bed;
	struct fuse *f;
	uint64_t node;
	uint64_t fh;
	char *buf;
	char *want;
};

FIXTURE_VARIANT(rw) {
	uint64_t features;
};

FIXTURE_VARIANT_ADD(rw, plain) {
	.features = 0,
};

FIXTURE_VARIANT_ADD(rw, indirect) {
	.features = RING_F_INDIRECT,
};

FIXTURE_VARIANT_ADD(rw, event_idx) {
	.features = RING_F_EVENT_IDX,
};

FIXTURE_VARIANT_ADD(rw, indirect_event_idx) {
	.features = RING_F_INDIRECT | RING_F_EVENT_IDX,
};

#define BUF_SIZE (2U << 20)

FIXTURE_SETUP(rw)
{
	struct bed_config config = { .ring.features = variant->features };
	struct fuse_entry_out entry;
	struct fuse_open_out out;

	ASSERT_EQ(0, bed_open(&self->bed, &config));
	self->f = &self->bed.fuse;
	self->buf = malloc(BUF_SIZE);
	self->want = malloc(BUF_SIZE);
	ASSERT_EQ(0, fuse_create(self->f, FUSE_ROOT_ID, "file",
				 O_RDWR | O_CREAT, S_IFREG | 0644, 0, &entry,
				 &out));
	self->node = entry.nodeid;
	self->fh = out.fh;
}

FIXTURE_TEARDOWN(rw)
{
	bed_close(&self->bed);
	free(self->buf);
	free(self->want);
}

static int do_read(FIXTURE_DATA(rw) *self, uint64_t offset, uint32_t size)
{
	memset(self->buf, 0xee, BUF_SIZE);
	return fuse_read(self->f, self->node, self->fh, offset, self->buf, size);
}

static int do_write(FIXTURE_DATA(rw) *self, uint64_t offset, const void *data,
		    uint32_t size)
{
	return fuse_write(self->f, self->node, self->fh, offset, data, size);
}

/* Reads until @size bytes are there or the file ends: a reply may be shorter. */
static int read_all(FIXTURE_DATA(rw) *self, uint64_t offset, uint32_t size)
{
	uint32_t done = 0;
	int ret;

	memset(self->buf, 0xee, BUF_SIZE);
	do {
		ret = fuse_read(self->f, self->node, self->fh, offset + done,
				self->buf + done, size - done);
		if (ret < 0)
			return ret;
		done += ret;
	} while (ret && done < size);
	return done;
}

/* Fills the file with @size bytes of pattern on the host's side. */
static void fill(struct __test_metadata *_metadata, FIXTURE_DATA(rw) *self,
		 uint32_t size)
{
	bed_pattern(self->want, size, 0, 7);
	ASSERT_EQ(0, bed_write_file(&self->bed, "file", self->want, size, 0));
}

static const uint32_t sizes[] = {
	1, 2, 511, 512, 513, 4095, 4096, 4097, 8192, 65535, 65536, 65537,
	131072, 507904, 1048575, 1048576,
};

#define NR_SIZES (sizeof(sizes) / sizeof(sizes[0]))

TEST_F(rw, write_sizes)
{
	unsigned int i;

	for (i = 0; i < NR_SIZES; i++) {
		bed_pattern(self->want, sizes[i], 0, i);
		ASSERT_EQ(sizes[i], do_write(self, 0, self->want, sizes[i]));
		ASSERT_EQ(sizes[i], bed_read_file(&self->bed, "file", self->buf,
						  BUF_SIZE));
		ASSERT_EQ(0, memcmp(self->buf, self->want, sizes[i]));
	}
}

TEST_F(rw, read_sizes)
{
	unsigned int i;

	fill(_metadata, self, BUF_SIZE);
	for (i = 0; i < NR_SIZES; i++) {
		ASSERT_EQ(sizes[i], read_all(self, 0, sizes[i]));
		ASSERT_EQ(0, memcmp(self->buf, self->want, sizes[i]));
		ASSERT_EQ(sizes[i], read_all(self, 12345, sizes[i]));
		ASSERT_EQ(0, memcmp(self->buf, self->want + 12345, sizes[i]));
	}
}

TEST_F(rw, end_of_file)
{
	fill(_metadata, self, 10000);
	EXPECT_EQ(10000, read_all(self, 0, 20000));
	EXPECT_EQ(0, memcmp(self->buf, self->want, 10000));
	EXPECT_EQ(1, do_read(self, 9999, 4096));
	EXPECT_EQ(self->want[9999], self->buf[0]);
	EXPECT_EQ(0, do_read(self, 10000, 4096));
	EXPECT_EQ(0, do_read(self, 1ULL << 40, 4096));
	EXPECT_EQ(0, do_read(self, 0, 0));
}

TEST_F(rw, nothing_behind_the_reply)
{
	fill(_metadata, self, 100);
	ASSERT_EQ(100, do_read(self, 0, 4096));
	/* fuse_read() copies what the device says; the rest stays as it was. */
	EXPECT_EQ((char)0xee, self->buf[100]);
}

TEST_F(rw, sparse)
{
	unsigned int i;

	bed_pattern(self->want, 5000, 0, 3);
	ASSERT_EQ(5000, do_write(self, 1000003, self->want, 5000));
	ASSERT_EQ(1000000, read_all(self, 0, 1000000));
	for (i = 0; i < 1000000; i++)
		if (self->buf[i])
			break;
	EXPECT_EQ(1000000, i);
	ASSERT_EQ(5003, read_all(self, 1000000, 8192));
	EXPECT_EQ(0, memcmp(self->buf + 3, self->want, 5000));
}

TEST_F(rw, overlapping_writes)
{
	char *whole = calloc(1, 300000);
	unsigned int i, offset, size;

	for (i = 0; i < 50; i++) {
		offset = i * 7919 % 200000;
		size = 1 + i * 104729 % 90000;
		bed_pattern(self->want, size, offset, i);
		memcpy(whole + offset, self->want, size);
		ASSERT_EQ(size, do_write(self, offset, self->want, size));
	}
	size = bed_read_file(&self->bed, "file", self->buf, BUF_SIZE);
	ASSERT_LE(200000, size);
	EXPECT_EQ(0, memcmp(self->buf, whole, size));
	ASSERT_EQ(size, read_all(self, 0, size));
	EXPECT_EQ(0, memcmp(self->buf, whole, size));
	free(whole);
}

TEST_F(rw, large_read_is_cut_short)
{
	int ret;

	fill(_metadata, self, BUF_SIZE);
	ret = do_read(self, 0, BUF_SIZE);
	ASSERT_LT(0, ret);
	EXPECT_LE(ret, FUSE_MAX_WRITE);
	EXPECT_EQ(0, memcmp(self->buf, self->want, ret));
}

TEST_F(rw, large_write_is_refused)
{
	struct stat st;

	memset(self->want, 'x', BUF_SIZE);
	EXPECT_EQ(-EINVAL, do_write(self, 0, self->want, FUSE_MAX_WRITE + 1));
	EXPECT_EQ(-EINVAL, do_write(self, 0, self->want, BUF_SIZE));
	ASSERT_EQ(0, bed_stat(&self->bed, "file", &st));
	EXPECT_EQ(0, st.st_size);
}

/* The size that a WRITE states and the bytes that come with it. */
TEST_F(rw, write_size_must_agree)
{
	static const uint32_t stated[] = { 0, 1, 99, 101, 4096, 0x7fffffff, ~0U };
	struct fuse_write_in in = { .fh = self->fh };
	struct fuse_write_out out;
	struct fuse_call c = {
		.opcode = FUSE_WRITE, .nodeid = self->node,
		.in = { { &in, sizeof(in) }, { self->want, 100 } }, .nr_in = 2,
		.out = &out, .out_size = sizeof(out),
	};
	struct stat st;
	int i;

	memset(self->want, 'x', 100);
	for (i = 0; i < 7; i++) {
		in.size = stated[i];
		EXPECT_EQ(-EINVAL, fuse_call(self->f, &c)) {
			TH_LOG("stated %u of 100", stated[i]);
		}
	}
	ASSERT_EQ(0, bed_stat(&self->bed, "file", &st));
	EXPECT_EQ(0, st.st_size);
}

TEST_F(rw, write_nothing)
{
	struct stat st;

	EXPECT_EQ(0, do_write(self, 0, "", 0));
	EXPECT_EQ(0, do_write(self, 5000, "", 0));
	ASSERT_EQ(0, bed_stat(&self->bed, "file", &st));
	EXPECT_EQ(0, st.st_size);
}

/* READ whose buffer is smaller than the size it asks for, or larger. */
TEST_F(rw, read_size_against_buffer)
{
	struct fuse_read_in in = { .fh = self->fh, .size = 4096 };
	struct fuse_call c = {
		.opcode = FUSE_READ, .nodeid = self->node,
		.in = { { &in, sizeof(in) } }, .nr_in = 1,
		.out = self->buf, .out_size = 100,
	};
	int ret;

	fill(_metadata, self, 10000);
	ret = fuse_call(self->f, &c);
	EXPECT_TRUE(ret == -EIO || (ret == 0 && c.out_len <= 100)) {
		TH_LOG("error %d, %zu bytes", ret, c.out_len);
	}
	c.out_size = 8192;
	ASSERT_EQ(0, fuse_call(self->f, &c));
	EXPECT_EQ(4096, c.out_len);
	c.out_size = 0;
	EXPECT_GE(0, fuse_call(self->f, &c));
	EXPECT_EQ(0, c.out_len);
}

TEST_F(rw, extreme_offsets)
{
	static const uint64_t offsets[] = {
		LLONG_MAX, LLONG_MAX - 4095, 1ULL << 63, ~0ULL, ~0ULL - 4096,
	};
	struct stat st;
	int i, ret;

	fill(_metadata, self, 10000);
	for (i = 0; i < 5; i++) {
		ret = do_read(self, offsets[i], 4096);
		EXPECT_TRUE(ret == 0 || ret == -EINVAL || ret == -EOVERFLOW ||
			    ret == -EFBIG) {
			TH_LOG("read at 0x%llx: %d",
			       (unsigned long long)offsets[i], ret);
		}
		ret = do_write(self, offsets[i], self->want, 4096);
		EXPECT_TRUE(ret == -EFBIG || ret == -EINVAL || ret == -EOVERFLOW) {
			TH_LOG("write at 0x%llx: %d",
			       (unsigned long long)offsets[i], ret);
		}
	}
	ASSERT_EQ(0, bed_stat(&self->bed, "file", &st));
	EXPECT_EQ(10000, st.st_size);
}

/* Cuts @size bytes at @p into @n pieces of different sizes. */
static int cut(struct iovec *iov, int n, void *p, size_t size)
{
	size_t left = size, piece;
	int i;

	for (i = 0; i < n && left; i++) {
		piece = i == n - 1 ? left : 1 + (i * 37 % 97) % left;
		iov[i].iov_base = (char *)p + (size - left);
		iov[i].iov_len = piece;
		left -= piece;
	}
	return i;
}

/* Sends a chain whose both parts are cut anywhere, and takes the reply. */
static int send_cut(FIXTURE_DATA(rw) *self, void *out, size_t out_size,
		    void *in, size_t in_size, int pieces)
{
	struct iovec a[64], b[64];
	int nr_out = cut(a, pieces, out, out_size);
	int nr_in = cut(b, pieces, in, in_size);
	uint32_t len = 0;
	int head = ring_submit(self->f->q, a, nr_out, b, nr_in);

	if (head < 0 || ring_wait(self->f->q, &len) != head)
		return -1;
	return len;
}

TEST_F(rw, scattered_write)
{
	struct {
		struct fuse_in_header h;
		struct fuse_write_in in;
		char data[30000];
	} *out;
	struct {
		struct fuse_out_header h;
		struct fuse_write_out out;
	} *in;
	int pieces;

	out = ring_alloc(&self->bed.dev, sizeof(*out));
	in = ring_alloc(&self->bed.dev, sizeof(*in));
	for (pieces = 1; pieces <= 60; pieces++) {
		memset(in, 0xff, sizeof(*in));
		fuse_header(self->f, &out->h, FUSE_WRITE, self->node,
			    sizeof(out->in) + sizeof(out->data));
		out->in = (struct fuse_write_in){
			.fh = self->fh, .size = sizeof(out->data),
		};
		bed_pattern(out->data, sizeof(out->data), 0, pieces);
		ASSERT_EQ(sizeof(*in),
			  send_cut(self, out, sizeof(out->h) + sizeof(out->in) +
				   sizeof(out->data), in, sizeof(*in), pieces));
		ASSERT_EQ(0, in->h.error);
		ASSERT_EQ(out->h.unique, in->h.unique);
		ASSERT_EQ(sizeof(out->data), in->out.size);
		ASSERT_EQ(sizeof(out->data),
			  bed_read_file(&self->bed, "file", self->buf, BUF_SIZE));
		ASSERT_EQ(0, memcmp(self->buf, out->data, sizeof(out->data)));
	}
}

TEST_F(rw, scattered_read)
{
	struct {
		struct fuse_in_header h;
		struct fuse_read_in in;
	} *out;
	struct {
		struct fuse_out_header h;
		char data[30000];
	} *in;
	int pieces;

	out = ring_alloc(&self->bed.dev, sizeof(*out));
	in = ring_alloc(&self->bed.dev, sizeof(*in));
	fill(_metadata, self, sizeof(in->data));
	for (pieces = 1; pieces <= 60; pieces++) {
		memset(in, 0xff, sizeof(*in));
		fuse_header(self->f, &out->h, FUSE_READ, self->node,
			    sizeof(out->in));
		out->in = (struct fuse_read_in){
			.fh = self->fh, .size = sizeof(in->data),
		};
		ASSERT_EQ(sizeof(in->h) + sizeof(in->data),
			  send_cut(self, out, sizeof(*out), in,
				   sizeof(in->h) + sizeof(in->data), pieces));
		ASSERT_EQ(0, in->h.error);
		ASSERT_EQ(out->h.unique, in->h.unique);
		ASSERT_EQ(sizeof(in->h) + sizeof(in->data), in->h.len);
		ASSERT_EQ(0, memcmp(in->data, self->want, sizeof(in->data)));
	}
}

/* Data in pieces: threes that touch each other, and the threes in reverse order. */
#define PAGE 4096U
#define SCATTERED_PIECES 24
#define SCATTERED_SIZE (4 * PAGE)

struct scattered {
	struct fuse_in_header in_hdr;
	union {
		struct fuse_write_in write;
		struct fuse_read_in read;
	};
	struct fuse_out_header out_hdr;
	struct fuse_write_out written;
	char area[2 * SCATTERED_SIZE];
	struct iovec iov[1 + SCATTERED_PIECES];
};

/* Pieces behind the first, of @size bytes; returns how many. */
static int scatter(struct scattered *s, size_t size)
{
	char *end = s->area + sizeof(s->area), *at;
	size_t lens[3], len;
	int n = 1, i;

	while (size && n < SCATTERED_PIECES) {
		for (i = 0, len = 0; i < 3; i++) {
			lens[i] = 1 + (n + i) * 411 % 1499;
			if (n + i == SCATTERED_PIECES || lens[i] > size - len)
				lens[i] = size - len;
			len += lens[i];
		}
		size -= len;
		end -= len + 17;
		for (i = 0, at = end; i < 3 && lens[i]; at += lens[i], i++)
			s->iov[n++] = (struct iovec) { at, lens[i] };
	}
	return n;
}

static size_t scattered_size(const struct scattered *s, int n)
{
	size_t size = 0;
	int i;

	for (i = 1; i < n; i++)
		size += s->iov[i].iov_len;
	return size;
}

TEST_F(rw, shuffled_write)
{
	struct scattered *s = ring_alloc(&self->bed.dev, sizeof(*s));
	struct iovec reply = { &s->out_hdr, sizeof(s->out_hdr) + sizeof(s->written) };
	int n = scatter(s, SCATTERED_SIZE), i, head;
	size_t at = 0, size = scattered_size(s, n);
	uint32_t len;

	ASSERT_EQ(SCATTERED_SIZE, size);
	bed_pattern(self->want, size, 0, 11);
	memset(s->area, 0xee, sizeof(s->area));
	for (i = 1; i < n; at += s->iov[i++].iov_len)
		memcpy(s->iov[i].iov_base, self->want + at, s->iov[i].iov_len);
	fuse_header(self->f, &s->in_hdr, FUSE_WRITE, self->node, sizeof(s->write) + size);
	s->write = (struct fuse_write_in) { .fh = self->fh, .size = size };
	s->iov[0] = (struct iovec) { &s->in_hdr, sizeof(s->in_hdr) + sizeof(s->write) };
	head = ring_submit(self->f->q, s->iov, n, &reply, 1);
	ASSERT_EQ(head, ring_wait(self->f->q, &len));
	ASSERT_EQ(0, s->out_hdr.error);
	EXPECT_EQ(size, s->written.size);
	ASSERT_EQ(size, bed_read_file(&self->bed, "file", self->buf, BUF_SIZE));
	EXPECT_EQ(0, memcmp(self->buf, self->want, size));
}

TEST_F(rw, shuffled_read)
{
	struct scattered *s = ring_alloc(&self->bed.dev, sizeof(*s));
	struct iovec ask = { &s->in_hdr, sizeof(s->in_hdr) + sizeof(s->read) };
	int n = scatter(s, SCATTERED_SIZE), i, head;
	size_t at = 0, left = 0, size = scattered_size(s, n);
	uint32_t len;

	fill(_metadata, self, size);
	memset(s->area, 0xee, sizeof(s->area));
	fuse_header(self->f, &s->in_hdr, FUSE_READ, self->node, sizeof(s->read));
	s->read = (struct fuse_read_in) { .fh = self->fh, .size = size };
	s->iov[0] = (struct iovec) { &s->out_hdr, sizeof(s->out_hdr) };
	head = ring_submit(self->f->q, &ask, 1, s->iov, n);
	ASSERT_EQ(head, ring_wait(self->f->q, &len));
	ASSERT_EQ(0, s->out_hdr.error);
	ASSERT_EQ(sizeof(s->out_hdr) + size, len);
	for (i = 1; i < n; at += s->iov[i++].iov_len)
		EXPECT_EQ(0, memcmp(s->iov[i].iov_base, self->want + at, s->iov[i].iov_len));
	/* Nothing between the pieces. */
	for (at = 0; at < sizeof(s->area); at++)
		left += (unsigned char)s->area[at] == 0xee;
	for (at = 0; at < size; at++)
		left -= (unsigned char)self->want[at] == 0xee;
	EXPECT_EQ(sizeof(s->area) - size, left);
}

/* A WRITE of @pages, of which one goes away before, in a piece for each. */
static int write_torn(FIXTURE_DATA(rw) *self, char *data, unsigned int pages,
		      unsigned int gone, uint32_t *size)
{
	struct scattered *s = ring_alloc(&self->bed.dev, sizeof(*s));
	struct iovec reply = { &s->out_hdr, sizeof(s->out_hdr) + sizeof(s->written) };
	uint32_t len;
	unsigned int i;
	int head;

	fuse_header(self->f, &s->in_hdr, FUSE_WRITE, self->node,
		    sizeof(s->write) + pages * PAGE);
	s->write = (struct fuse_write_in) { .fh = self->fh, .size = pages * PAGE };
	s->iov[0] = (struct iovec) { &s->in_hdr, sizeof(s->in_hdr) + sizeof(s->write) };
	for (i = 0; i < pages; i++)
		s->iov[1 + i] = (struct iovec) { data + i * PAGE, PAGE };
	if (munmap(data + gone * PAGE, PAGE))
		return -errno;
	head = ring_submit(self->f->q, s->iov, 1 + pages, &reply, 1);
	if (head < 0 || ring_wait(self->f->q, &len) != head)
		return -EPROTO;
	*size = s->written.size;
	return s->out_hdr.error;
}

/* What lies before it is written, if anything does; and the ring goes on. */
TEST_F(rw, memory_goes_away)
{
	enum { PAGES = 8 };
	unsigned int gone;
	uint32_t size = 0;
	char *data;
	int ret;

	ring_align(&self->bed.dev);
	data = ring_alloc(&self->bed.dev, PAGES * PAGE);
	for (gone = 0; gone < PAGES; gone++) {
		bed_pattern(data, PAGES * PAGE, 0, 5);
		ASSERT_EQ(0, bed_write_file(&self->bed, "file", "", 0, 0));
		ret = write_torn(self, data, PAGES, gone, &size);
		ASSERT_EQ(gone ? 0 : -EFAULT, ret);
		if (gone)
			EXPECT_EQ(gone * PAGE, size);
		ASSERT_EQ(gone * PAGE, bed_read_file(&self->bed, "file", self->buf, BUF_SIZE));
		EXPECT_EQ(0, memcmp(self->buf, data, gone * PAGE));
		ASSERT_EQ(data + gone * PAGE,
			  mmap(data + gone * PAGE, PAGE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	}
	ASSERT_EQ((int)(PAGES * PAGE), do_write(self, 0, data, PAGES * PAGE));
}

TEST_F(rw, lseek)
{
	struct fuse *f = self->f;
	uint64_t where;

	ASSERT_EQ(4096, do_write(self, 0, self->want, 4096));
	ASSERT_EQ(4096, do_write(self, 1 << 20, self->want, 4096));
	ASSERT_EQ(0, fuse_lseek(f, self->node, self->fh, 0, SEEK_DATA, &where));
	EXPECT_EQ(0, where);
	ASSERT_EQ(0, fuse_lseek(f, self->node, self->fh, 0, SEEK_HOLE, &where));
	EXPECT_LE(4096, where);
	EXPECT_LT(where, 1 << 20);
	ASSERT_EQ(0, fuse_lseek(f, self->node, self->fh, where, SEEK_DATA, &where));
	EXPECT_EQ(1 << 20, where);
	ASSERT_EQ(0, fuse_lseek(f, self->node, self->fh, where, SEEK_HOLE, &where));
	EXPECT_EQ((1 << 20) + 4096, where);
	EXPECT_EQ(-ENXIO, fuse_lseek(f, self->node, self->fh, where, SEEK_DATA,
				     &where));
	EXPECT_EQ(-EINVAL, fuse_lseek(f, self->node, self->fh, 0, 99, &where));
	EXPECT_GT(0, fuse_lseek(f, self->node, self->fh, ~0ULL, SEEK_DATA,
				&where));
}

TEST_F(rw, fallocate)
{
	struct fuse *f = self->f;
	struct stat st;

	ASSERT_EQ(0, fuse_fallocate(f, self->node, self->fh, 0, 65536, 0));
	ASSERT_EQ(0, bed_stat(&self->bed, "file", &st));
	EXPECT_EQ(65536, st.st_size);
	EXPECT_LE(65536 / 512, st.st_blocks);
	ASSERT_EQ(0, fuse_fallocate(f, self->node, self->fh, 65536, 65536,
				    FALLOC_FL_KEEP_SIZE));
	ASSERT_EQ(0, bed_stat(&self->bed, "file", &st));
	EXPECT_EQ(65536, st.st_size);
	memset(self->want, 'x', 65536);
	ASSERT_EQ(65536, do_write(self, 0, self->want, 65536));
	ASSERT_EQ(0, fuse_fallocate(f, self->node, self->fh, 4096, 8192,
				    FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE));
	memset(self->want + 4096, 0, 8192);
	ASSERT_EQ(65536, read_all(self, 0, 65536));
	EXPECT_EQ(0, memcmp(self->buf, self->want, 65536));
}

TEST_F(rw, fallocate_refuses)
{
	struct fuse *f = self->f;
	uint64_t node = self->node, fh = self->fh;

	EXPECT_EQ(-EINVAL, fuse_fallocate(f, node, fh, 0, 0, 0));
	EXPECT_EQ(-EINVAL, fuse_fallocate(f, node, fh, ~0ULL, 4096, 0));
	EXPECT_EQ(-EINVAL, fuse_fallocate(f, node, fh, 0, ~0ULL, 0));
	EXPECT_EQ(-EFBIG, fuse_fallocate(f, node, fh, LLONG_MAX - 1, 4096, 0));
	EXPECT_EQ(-EOPNOTSUPP, fuse_fallocate(f, node, fh, 0, 4096, 0x40000000));
	EXPECT_EQ(-EOPNOTSUPP, fuse_fallocate(f, node, fh, 0, 4096,
					      FALLOC_FL_PUNCH_HOLE));
}

/* The rings' 16-bit indexes run over their end. */
TEST_F(rw, indexes_wrap)
{
	struct bed_config config = {
		.ring.features = variant->features, .ring.first_index = 65436,
		.ring.queue_size = 16,
	};
	struct fuse_entry_out entry;
	struct fuse_open_out out;
	struct ring_dev dev;
	struct fuse f;
	int i;

	ASSERT_EQ(0, bed_open_device(&self->bed, &dev, &f, &config));
	ASSERT_EQ(0, fuse_lookup(&f, FUSE_ROOT_ID, "file", &entry));
	ASSERT_EQ(0, fuse_open(&f, entry.nodeid, O_RDWR, &out));
	for (i = 0; i < 300; i++) {
		ASSERT_EQ(4, fuse_write(&f, entry.nodeid, out.fh, i * 4, &i, 4));
		ASSERT_EQ(4, fuse_read(&f, entry.nodeid, out.fh, i * 4,
				       self->buf, 4));
		ASSERT_EQ(0, memcmp(self->buf, &i, 4));
	}
	EXPECT_GT(1000, f.q->last_used);
	ring_close(&dev);
}

TEST_HARNESS_MAIN
