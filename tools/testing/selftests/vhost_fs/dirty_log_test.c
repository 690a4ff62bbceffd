// SPDX-License-Identifier: GPL-2.0-only
/*
 * The dirty log while a guest that is being moved works on: whatever of its memory
 * is written after the log was switched on is in the log, switched on at whatever
 * moment. dev_test.c has the log of a device at rest.
 */
#include "bed.h"
#include "harness.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>

#define PAGE 4096UL
#define NR_INFLIGHT 16
#define NR_BUFFERS 512		/* of two pages each: a header, and data */
#define FILE_SIZE (4UL << 20)
#define READ_SIZE 5000		/* on either page */
#define MEMORY (16UL << 20)
#define LOG_SIZE ((RING_GUEST_BASE + MEMORY) / PAGE / 8)
#define NR_READS 2000
#define LOGGING (RING_F_VERSION_1 | 1ULL << VHOST_F_LOG_ALL)

FIXTURE(dirty) {
	struct bed bed;
	struct fuse *f;
	uint8_t *log;
	uint8_t *buffers;
	uint8_t *before;
	struct fuse_in_header *requests;
	uint64_t node, fh;
	unsigned int sent, taken;
};

FIXTURE_SETUP(dirty)
{
	struct bed_config config = { .ring.memory = MEMORY };
	uint8_t *data = malloc(FILE_SIZE);
	struct fuse_open_out open;
	uint64_t addr;

	ASSERT_EQ(0, bed_open(&self->bed, &config));
	self->f = &self->bed.fuse;
	bed_pattern(data, FILE_SIZE, 0, 1);
	ASSERT_EQ(0, bed_write_file(&self->bed, "file", data, FILE_SIZE, 0644));
	free(data);
	self->node = bed_lookup(self->f, "file");
	ASSERT_EQ(0, fuse_open(self->f, self->node, O_RDONLY, &open));
	self->fh = open.fh;
	self->log = mmap(NULL, LOG_SIZE, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->log);
	addr = (uintptr_t)self->log;
	ASSERT_EQ(0, ring_ioctl(self->bed.dev.fd, VHOST_SET_LOG_BASE, &addr));
	self->requests = ring_alloc(&self->bed.dev, NR_INFLIGHT * 256);
	/* What the device writes, and nobody else, on pages of its own. */
	ring_align(&self->bed.dev);
	self->buffers = ring_alloc(&self->bed.dev, NR_BUFFERS * 2 * PAGE);
	self->before = malloc(NR_BUFFERS * 2 * PAGE);
	self->sent = 0;
	self->taken = 0;
}

FIXTURE_TEARDOWN(dirty)
{
	free(self->before);
	bed_close(&self->bed);
}

/* Each reads other bytes than the last one into that buffer. */
static int send_read(FIXTURE_DATA(dirty) *self)
{
	struct {
		struct fuse_in_header hdr;
		struct fuse_read_in in;
	} *request = (void *)((char *)self->requests +
			      self->sent % NR_INFLIGHT * 256);
	uint8_t *buffer = self->buffers + self->sent % NR_BUFFERS * 2 * PAGE;
	struct iovec out = { request, sizeof(*request) };
	struct iovec in[2] = {
		{ buffer, sizeof(struct fuse_out_header) },
		{ buffer + sizeof(struct fuse_out_header), READ_SIZE },
	};

	memset(request, 0, sizeof(*request));
	fuse_header(self->f, &request->hdr, FUSE_READ, self->node,
		    sizeof(request->in));
	request->in.fh = self->fh;
	request->in.size = READ_SIZE;
	request->in.offset = self->sent * 977UL % (FILE_SIZE - READ_SIZE);
	self->sent++;
	return ring_submit(self->f->q, &out, 1, in, 2);
}

static int take_one(FIXTURE_DATA(dirty) *self)
{
	uint32_t len;
	int head = ring_wait(self->f->q, &len);

	if (head < 0 || len != sizeof(struct fuse_out_header) + READ_SIZE)
		return -1;
	self->taken++;
	return 0;
}

/* Answered in order or not: a slot is used again when all have come. */
static int reads(FIXTURE_DATA(dirty) *self, unsigned int nr)
{
	while (nr--) {
		if (self->sent - self->taken == NR_INFLIGHT)
			while (self->taken != self->sent)
				if (take_one(self))
					return -1;
		if (send_read(self) < 0)
			return -1;
	}
	return 0;
}

static int drain(FIXTURE_DATA(dirty) *self)
{
	while (self->taken != self->sent)
		if (take_one(self))
			return -1;
	return 0;
}

static bool is_logged(FIXTURE_DATA(dirty) *self, const void *p)
{
	uint64_t page = ring_guest_addr(&self->bed.dev, p) / PAGE;

	return self->log[page / 8] & 1 << page % 8;
}

/* As QEMU does it, with the device running. */
static int switch_log(FIXTURE_DATA(dirty) *self, bool on)
{
	struct ring_queue *q = self->f->q;
	struct vhost_vring_addr addr = {
		.index = q->index,
		.flags = on ? 1 << VHOST_VRING_F_LOG : 0,
		.desc_user_addr = (uintptr_t)q->desc,
		.avail_user_addr = (uintptr_t)q->avail,
		.used_user_addr = (uintptr_t)q->used,
		.log_guest_addr = ring_guest_addr(&self->bed.dev, q->used),
	};
	uint64_t features = on ? LOGGING : RING_F_VERSION_1;
	int err;

	err = ring_ioctl(self->bed.dev.fd, VHOST_SET_FEATURES, &features);
	if (!err)
		err = ring_ioctl(self->bed.dev.fd, VHOST_SET_VRING_ADDR, &addr);
	return err;
}

TEST_F(dirty, no_page_is_lost)
{
	size_t i, changed = 0, lost = 0;
	unsigned int round;

	for (round = 0; round < 5; round++) {
		/* Some are on their way while the log is switched on. */
		ASSERT_EQ(0, reads(self, NR_READS + round));
		ASSERT_EQ(0, switch_log(self, true));
		memcpy(self->before, self->buffers, NR_BUFFERS * 2 * PAGE);
		ASSERT_EQ(0, reads(self, NR_READS));
		ASSERT_EQ(0, drain(self));
		for (i = 0; i < 2 * NR_BUFFERS; i++) {
			if (!memcmp(self->before + i * PAGE,
				    self->buffers + i * PAGE, PAGE))
				continue;
			changed++;
			lost += !is_logged(self, self->buffers + i * PAGE);
		}
		EXPECT_EQ(0, lost);
		EXPECT_TRUE(is_logged(self, self->f->q->used));
		EXPECT_FALSE(is_logged(self, self->requests));
		ASSERT_EQ(0, switch_log(self, false));
		memset(self->log, 0, LOG_SIZE);
	}
	EXPECT_LT(NR_BUFFERS, changed);
	/* Off is off. */
	ASSERT_EQ(0, reads(self, NR_READS));
	ASSERT_EQ(0, drain(self));
	for (i = 0; i < LOG_SIZE; i++)
		if (self->log[i])
			break;
	EXPECT_EQ(LOG_SIZE, i);
}

TEST_HARNESS_MAIN
