// SPDX-License-Identifier: GPL-2.0-only
/*
 * What of the guest's open flags reaches the host's file, and when: O_APPEND,
 * O_DSYNC, O_DIRECT, O_NOATIME, and all of them for a guest that collects
 * writes.
 */
#include "bed.h"
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>

#define ROOT FUSE_ROOT_ID
#define PAGE 4096

FIXTURE(flags) {
	struct bed bed;
	struct fuse *f;
	uint64_t file;
	struct fuse_open_out open;
};

FIXTURE_VARIANT(flags) {
	uint32_t share;
};

FIXTURE_VARIANT_ADD(flags, none) { .share = 0 };
FIXTURE_VARIANT_ADD(flags, writeback) { .share = VHOST_FS_SHARE_WRITEBACK };
FIXTURE_VARIANT_ADD(flags, direct) { .share = VHOST_FS_SHARE_DIRECT_IO };
FIXTURE_VARIANT_ADD(flags, noatime) { .share = VHOST_FS_SHARE_NOATIME };
FIXTURE_VARIANT_ADD(flags, all) {
	.share = VHOST_FS_SHARE_WRITEBACK | VHOST_FS_SHARE_DIRECT_IO |
		 VHOST_FS_SHARE_NOATIME,
};

FIXTURE_SETUP(flags)
{
	struct bed_config config = { .flags = variant->share };

	ASSERT_EQ(0, bed_open(&self->bed, &config));
	self->f = &self->bed.fuse;
	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "0123456789", 10, 0600));
	self->file = bed_lookup(self->f, "file");
	ASSERT_NE(0, self->file);
}

FIXTURE_TEARDOWN(flags)
{
	bed_close(&self->bed);
}

static bool has(const FIXTURE_VARIANT(flags) *variant, uint32_t flag)
{
	return variant->share & flag;
}

TEST_F(flags, offered_in_init)
{
	EXPECT_EQ(has(variant, VHOST_FS_SHARE_WRITEBACK),
		  !!(self->f->init.flags & FUSE_WRITEBACK_CACHE));
	EXPECT_EQ(0, self->f->init.flags2 & (FUSE_DIRECT_IO_ALLOW_MMAP >> 32));
	EXPECT_EQ(0, self->f->init.flags & FUSE_HANDLE_KILLPRIV_V2);
}

/* Only one who collects writes reads what is around them. */
TEST_F(flags, reading_a_file_open_for_writing)
{
	char buf[4];

	ASSERT_EQ(0, fuse_open(self->f, self->file, O_WRONLY, &self->open));
	EXPECT_EQ(has(variant, VHOST_FS_SHARE_WRITEBACK) ? 4 : -EBADF,
		  fuse_read(self->f, self->file, self->open.fh, 2, buf, 4));
	if (has(variant, VHOST_FS_SHARE_WRITEBACK))
		EXPECT_EQ(0, memcmp(buf, "2345", 4));
	ASSERT_EQ(0, fuse_open(self->f, self->file, O_RDONLY, &self->open));
	EXPECT_EQ(-EBADF, fuse_write(self->f, self->file, self->open.fh, 0, "x", 1));
}

TEST_F(flags, reading_a_made_file_open_for_writing)
{
	struct fuse_entry_out entry;
	char buf[4];

	ASSERT_EQ(0, fuse_create(self->f, ROOT, "made", O_WRONLY, 0200, 0, &entry,
				 &self->open));
	ASSERT_EQ(2, fuse_write(self->f, entry.nodeid, self->open.fh, 0, "ab", 2));
	EXPECT_EQ(has(variant, VHOST_FS_SHARE_WRITEBACK) ? 2 : -EBADF,
		  fuse_read(self->f, entry.nodeid, self->open.fh, 0, buf, 4));
}

/* Nothing to do when a descriptor is closed, unless writes are left in the guest's cache. */
TEST_F(flags, closing)
{
	uint32_t none = has(variant, VHOST_FS_SHARE_WRITEBACK) ? 0 : FOPEN_NOFLUSH;
	struct fuse_entry_out entry;

	ASSERT_EQ(0, fuse_open(self->f, self->file, O_RDONLY, &self->open));
	EXPECT_EQ(none, self->open.open_flags & FOPEN_NOFLUSH);
	ASSERT_EQ(0, fuse_open(self->f, self->file, O_WRONLY, &self->open));
	EXPECT_EQ(none, self->open.open_flags & FOPEN_NOFLUSH);
	ASSERT_EQ(0, fuse_open(self->f, self->file, O_RDWR, &self->open));
	EXPECT_EQ(0, self->open.open_flags & FOPEN_NOFLUSH);
	ASSERT_EQ(0, fuse_create(self->f, ROOT, "made", O_WRONLY, 0200, 0, &entry,
				 &self->open));
	EXPECT_EQ(none, self->open.open_flags & FOPEN_NOFLUSH);
	ASSERT_EQ(0, fuse_create(self->f, ROOT, "made too", O_RDWR, 0200, 0, &entry,
				 &self->open));
	EXPECT_EQ(0, self->open.open_flags & FOPEN_NOFLUSH);
	ASSERT_EQ(0, fuse_opendir(self->f, ROOT, &self->open));
	EXPECT_EQ(0, self->open.open_flags & FOPEN_NOFLUSH);
}

/* By what each request says, since fcntl(2) changes it on an open file. */
TEST_F(flags, appending)
{
	bool writeback = has(variant, VHOST_FS_SHARE_WRITEBACK);
	char buf[32] = "";

	ASSERT_EQ(0, fuse_open(self->f, self->file, O_WRONLY | O_APPEND,
			       &self->open));
	ASSERT_EQ(2, fuse_write_with(self->f, self->file, self->open.fh, 1, "AB",
				     2, O_WRONLY | O_APPEND, 0));
	ASSERT_EQ(2, fuse_write_with(self->f, self->file, self->open.fh, 4, "CD",
				     2, O_WRONLY, 0));
	bed_read_file(&self->bed, "file", buf, sizeof(buf));
	EXPECT_STREQ(writeback ? "0AB3CD6789" : "0123CD6789AB", buf);
	ASSERT_EQ(0, fuse_open(self->f, self->file, O_WRONLY, &self->open));
	ASSERT_EQ(2, fuse_write_with(self->f, self->file, self->open.fh, 0, "EF",
				     2, O_WRONLY | O_APPEND, 0));
	bed_read_file(&self->bed, "file", buf, sizeof(buf));
	EXPECT_STREQ(writeback ? "EFB3CD6789" : "0123CD6789ABEF", buf);
}

/* Pages from the guest's cache, by a file that appends. */
TEST_F(flags, cached_page_of_appended_file)
{
	char buf[32] = "";

	ASSERT_EQ(0, fuse_open(self->f, self->file, O_RDWR | O_APPEND,
			       &self->open));
	ASSERT_EQ(12, fuse_write_with(self->f, self->file, self->open.fh, 0,
				      "abcdefghijkl", 12, O_RDWR | O_APPEND,
				      FUSE_WRITE_CACHE));
	bed_read_file(&self->bed, "file", buf, sizeof(buf));
	EXPECT_STREQ("abcdefghijkl", buf);
}

static int set_append_only(struct bed *bed, bool on)
{
	int fd = openat(bed->fd, "file", O_RDONLY | O_CLOEXEC);
	int flags = on ? FS_APPEND_FL : 0;
	int ret = ioctl(fd, FS_IOC_SETFLAGS, &flags) ? -errno : 0;

	close(fd);
	return ret;
}

/* What an append-only file has already stays, and nothing is added twice. */
TEST_F(flags, append_only_file)
{
	bool writeback = has(variant, VHOST_FS_SHARE_WRITEBACK);
	char buf[32] = "";
	int ret = set_append_only(&self->bed, true);

	if (ret == -ENOTTY || ret == -EOPNOTSUPP)
		SKIP(return, "no append-only files on this file system");
	ASSERT_EQ(0, ret);
	EXPECT_EQ(-EPERM, fuse_open(self->f, self->file, O_WRONLY, &self->open));
	ASSERT_EQ(0, fuse_open(self->f, self->file, O_WRONLY | O_APPEND,
			       &self->open));
	EXPECT_EQ(writeback ? 12 : -EPERM,
		  fuse_write_with(self->f, self->file, self->open.fh, 0,
				  "abcdefghijKL", 12, O_WRONLY, FUSE_WRITE_CACHE));
	EXPECT_EQ(-EPERM, fuse_write_with(self->f, self->file, self->open.fh, 100,
					  "x", 1, O_WRONLY, FUSE_WRITE_CACHE));
	EXPECT_EQ(2, fuse_write_with(self->f, self->file, self->open.fh, 0, "MN",
				     2, O_WRONLY | O_APPEND, 0));
	bed_read_file(&self->bed, "file", buf, sizeof(buf));
	EXPECT_STREQ(writeback ? "0123456789KLMN" : "0123456789MN", buf);
	ASSERT_EQ(0, set_append_only(&self->bed, false));
}

/* The same for a file that becomes append-only while it is open. */
TEST_F(flags, append_only_since_opened)
{
	bool writeback = has(variant, VHOST_FS_SHARE_WRITEBACK);
	char buf[32] = "";
	int ret;

	ASSERT_EQ(0, fuse_open(self->f, self->file, O_RDWR | O_APPEND,
			       &self->open));
	ret = set_append_only(&self->bed, true);
	if (ret == -ENOTTY || ret == -EOPNOTSUPP)
		SKIP(return, "no append-only files on this file system");
	ASSERT_EQ(0, ret);
	EXPECT_EQ(writeback ? 12 : -EPERM,
		  fuse_write_with(self->f, self->file, self->open.fh, 0,
				  "abcdefghijKL", 12, O_RDWR, FUSE_WRITE_CACHE));
	bed_read_file(&self->bed, "file", buf, sizeof(buf));
	EXPECT_STREQ(writeback ? "0123456789KL" : "0123456789", buf);
	ASSERT_EQ(0, set_append_only(&self->bed, false));
}

/* A descriptor of the host's with O_DIRECT takes a write like this, or not. */
static int direct_write(struct bed *bed, const void *data, size_t size)
{
	int fd = openat(bed->fd, "other", O_CREAT | O_RDWR | O_DIRECT, 0600);
	int ret;

	if (fd < 0)
		return -errno;
	ret = pwrite(fd, data, size, 0) < 0 ? -errno : size;
	close(fd);
	return ret;
}

TEST_F(flags, direct_odd_sizes)
{
	static char page[PAGE] __attribute__((aligned(PAGE)));
	uint32_t flags = O_RDWR | O_DIRECT;
	int odd = direct_write(&self->bed, page, 10);
	int even = direct_write(&self->bed, page, PAGE);

	if (even < 0)
		SKIP(return, "no O_DIRECT on this file system");
	if (!has(variant, VHOST_FS_SHARE_DIRECT_IO))
		odd = 10;
	memset(page, 'x', PAGE);
	ASSERT_EQ(0, fuse_open(self->f, self->file, flags, &self->open));
	EXPECT_EQ(odd, fuse_write_with(self->f, self->file, self->open.fh, 0,
				       page, 10, flags, 0));
	/* Without it, as fcntl(2) can make it; and a page of the cache. */
	EXPECT_EQ(10, fuse_write_with(self->f, self->file, self->open.fh, 0,
				      page, 10, O_RDWR, 0));
	EXPECT_EQ(10, fuse_write_with(self->f, self->file, self->open.fh, 0,
				      page, 10, flags, FUSE_WRITE_CACHE));
	ASSERT_EQ(0, fuse_open(self->f, self->file, O_RDWR, &self->open));
	EXPECT_EQ(odd, fuse_write_with(self->f, self->file, self->open.fh, 0,
				       page, 10, flags, 0));
}

/* Whole pages, in memory that a guest's driver would have taken. */
static int call_pages(struct fuse *f, uint32_t opcode, uint64_t node, uint64_t fh,
		      char *page)
{
	struct fuse_write_in wr = { .fh = fh, .size = PAGE, .flags = O_DIRECT };
	struct fuse_read_in rd = { .fh = fh, .size = PAGE, .flags = O_DIRECT };
	struct ring_dev *dev = f->q->dev;
	struct fuse_in_header *h = ring_alloc(dev, sizeof(*h));
	struct fuse_out_header *oh = ring_alloc(dev, sizeof(*oh) + 64);
	bool write = opcode == FUSE_WRITE;
	void *arg = ring_alloc(dev, sizeof(wr));
	size_t size = write ? sizeof(wr) : sizeof(rd);
	struct iovec out[3] = { { h, sizeof(*h) }, { arg, size }, { page, PAGE } };
	struct iovec in[2] = { { oh, sizeof(*oh) } };
	uint32_t len;

	memcpy(arg, write ? (void *)&wr : (void *)&rd, size);
	fuse_header(f, h, opcode, node, size + (write ? PAGE : 0));
	in[1].iov_base = write ? (char *)(oh + 1) : page;
	in[1].iov_len = write ? sizeof(struct fuse_write_out) : PAGE;
	if (ring_submit(f->q, out, write ? 3 : 2, in, 2) < 0 ||
	    ring_wait(f->q, &len) < 0)
		return -1000;
	return oh->error ?: (int)(len - sizeof(*oh));
}

TEST_F(flags, direct_pages)
{
	size_t mark = ring_mark(&self->bed.dev);
	char *raw = ring_alloc(&self->bed.dev, 2 * PAGE);
	char *page = (char *)(((uintptr_t)raw + PAGE - 1) & ~(PAGE - 1UL));
	static char check[PAGE];

	bed_pattern(page, PAGE, 0, 5);
	ASSERT_EQ(0, fuse_open(self->f, self->file, O_RDWR, &self->open));
	ASSERT_EQ(sizeof(struct fuse_write_out),
		  call_pages(self->f, FUSE_WRITE, self->file, self->open.fh, page));
	ASSERT_EQ(PAGE, bed_read_file(&self->bed, "file", check, PAGE));
	EXPECT_EQ(0, memcmp(page, check, PAGE));
	memset(page, 0, PAGE);
	ASSERT_EQ(PAGE, call_pages(self->f, FUSE_READ, self->file, self->open.fh,
				   page));
	EXPECT_EQ(0, memcmp(page, check, PAGE));
	ring_release(&self->bed.dev, mark);
}

static bool read_touches(FIXTURE_DATA(flags) *self, uint32_t flags)
{
	struct timespec old[2] = { { 1000, 0 }, { 2000, 0 } };
	struct stat st;
	char c;

	utimensat(self->bed.fd, "file", old, 0);
	if (fuse_open(self->f, self->file, flags, &self->open) ||
	    fuse_read(self->f, self->file, self->open.fh, 0, &c, 1) != 1 ||
	    bed_stat(&self->bed, "file", &st))
		return false;
	return st.st_atim.tv_sec != 1000;
}

TEST_F(flags, access_time)
{
	EXPECT_TRUE(read_touches(self, O_RDONLY));
	EXPECT_EQ(!has(variant, VHOST_FS_SHARE_NOATIME),
		  read_touches(self, O_RDONLY | O_NOATIME));
}

/* The time of change is the host's; that of modification the guest's. */
TEST_F(flags, times_from_the_guest)
{
	struct fuse_setattr_in in = {
		.valid = FATTR_MTIME | FATTR_CTIME, .mtime = 1234, .mtimensec = 5,
		.ctime = 4321, .ctimensec = 6,
	};
	struct stat before, st;

	ASSERT_EQ(0, bed_stat(&self->bed, "file", &before));
	ASSERT_EQ(0, fuse_setattr(self->f, self->file, &in, NULL));
	ASSERT_EQ(0, bed_stat(&self->bed, "file", &st));
	EXPECT_EQ(1234, st.st_mtim.tv_sec);
	EXPECT_EQ(5, st.st_mtim.tv_nsec);
	EXPECT_LE(before.st_ctim.tv_sec, st.st_ctim.tv_sec);
	/* By itself it is a touch, as of a chown() that changes nothing. */
	in.valid = FATTR_CTIME;
	ASSERT_EQ(0, fuse_setattr(self->f, self->file, &in, NULL));
	before = st;
	ASSERT_EQ(0, bed_stat(&self->bed, "file", &st));
	EXPECT_LE(before.st_ctim.tv_sec, st.st_ctim.tv_sec);
	EXPECT_NE(4321, st.st_ctim.tv_sec);
	EXPECT_EQ(1234, st.st_mtim.tv_sec);
}

TEST_HARNESS_MAIN
