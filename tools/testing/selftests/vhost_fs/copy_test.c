// SPDX-License-Identifier: GPL-2.0-only
/*
 * COPY_FILE_RANGE, in both of its forms: the same bytes, the same errnos.
 */
#include "bed.h"
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <sys/mount.h>

#define ROOT FUSE_ROOT_ID
#define SIZE 300000

FIXTURE(copy) {
	struct bed bed;
	struct fuse *f;
	uint32_t opcode;
	uint64_t src, dst;		/* nodes */
	uint64_t src_fh, dst_fh;
	char *want, *got;
};

FIXTURE_VARIANT(copy) {
	uint32_t opcode;
};

FIXTURE_VARIANT_ADD(copy, 32) {
	.opcode = FUSE_COPY_FILE_RANGE,
};

FIXTURE_VARIANT_ADD(copy, 64) {
	.opcode = FUSE_COPY_FILE_RANGE_64,
};

static int open_file(FIXTURE_DATA(copy) *self, const char *name, uint32_t flags,
		     uint64_t *node, uint64_t *fh)
{
	struct fuse_open_out out;
	int error;

	*node = bed_lookup(self->f, name);
	error = fuse_open(self->f, *node, flags, &out);
	*fh = out.fh;
	return error;
}

FIXTURE_SETUP(copy)
{
	struct bed_config config = { 0 };

	self->opcode = variant->opcode;
	self->want = malloc(SIZE);
	self->got = malloc(2 * SIZE);
	bed_pattern(self->want, SIZE, 0, 1);
	ASSERT_EQ(0, bed_open(&self->bed, &config));
	self->f = &self->bed.fuse;
	ASSERT_EQ(0, bed_write_file(&self->bed, "src", self->want, SIZE, 0644));
	ASSERT_EQ(0, bed_write_file(&self->bed, "dst", "old", 3, 0644));
	ASSERT_EQ(0, open_file(self, "src", O_RDONLY, &self->src,
			       &self->src_fh));
	ASSERT_EQ(0, open_file(self, "dst", O_RDWR, &self->dst, &self->dst_fh));
}

FIXTURE_TEARDOWN(copy)
{
	bed_close(&self->bed);
	free(self->want);
	free(self->got);
}

static struct fuse_copy_file_range_in args(FIXTURE_DATA(copy) *self)
{
	return (struct fuse_copy_file_range_in){
		.fh_in = self->src_fh, .nodeid_out = self->dst,
		.fh_out = self->dst_fh, .len = SIZE,
	};
}

static int64_t copy(FIXTURE_DATA(copy) *self,
		    const struct fuse_copy_file_range_in *in)
{
	return fuse_copy_range(self->f, self->opcode, in, self->src);
}

TEST_F(copy, whole_file)
{
	struct fuse_copy_file_range_in in = args(self);

	ASSERT_EQ(SIZE, copy(self, &in));
	ASSERT_EQ(SIZE, bed_read_file(&self->bed, "dst", self->got, 2 * SIZE));
	ASSERT_EQ(0, memcmp(self->got, self->want, SIZE));
}

TEST_F(copy, part_to_another_place)
{
	struct fuse_copy_file_range_in in = args(self);

	in.off_in = 1001;
	in.off_out = 5;
	in.len = 70000;
	ASSERT_EQ(70000, copy(self, &in));
	ASSERT_EQ(70005, bed_read_file(&self->bed, "dst", self->got, 2 * SIZE));
	ASSERT_EQ(0, memcmp(self->got, "old\0\0", 5));
	ASSERT_EQ(0, memcmp(self->got + 5, self->want + 1001, 70000));
}

/* A length that no reply of 32 bits can hold is no error. */
TEST_F(copy, ends_with_the_file)
{
	struct fuse_copy_file_range_in in = args(self);

	in.off_in = SIZE - 10;
	in.len = 1ULL << 40;
	ASSERT_EQ(10, copy(self, &in));
	in.off_in = SIZE;
	ASSERT_EQ(0, copy(self, &in));
	in.off_in = SIZE + 1;
	ASSERT_EQ(0, copy(self, &in));
	in.off_in = 0;
	in.len = 0;
	ASSERT_EQ(0, copy(self, &in));
}

TEST_F(copy, within_a_file)
{
	struct fuse_copy_file_range_in in = args(self);

	ASSERT_EQ(0, open_file(self, "src", O_RDWR, &self->src, &self->src_fh));
	in.fh_in = self->src_fh;
	in.nodeid_out = self->src;
	in.fh_out = self->src_fh;
	in.off_out = SIZE;
	ASSERT_EQ(SIZE, copy(self, &in));
	ASSERT_EQ(2 * SIZE, bed_read_file(&self->bed, "src", self->got,
					  2 * SIZE));
	ASSERT_EQ(0, memcmp(self->got + SIZE, self->want, SIZE));
	in.off_out = 10;
	ASSERT_EQ(-EINVAL, copy(self, &in));
}

TEST_F(copy, flags_and_offsets)
{
	struct fuse_copy_file_range_in in = args(self);
	int i;

	/* The kernel's own flag among them, that copies across file systems. */
	for (i = 0; i < 64; i++) {
		in.flags = 1ULL << i;
		EXPECT_EQ(-EINVAL, copy(self, &in));
	}
	in = args(self);
	in.off_in = 1ULL << 63;
	EXPECT_EQ(-EINVAL, copy(self, &in));
	in = args(self);
	in.off_out = ~0ULL;
	EXPECT_EQ(-EINVAL, copy(self, &in));
	ASSERT_EQ(3, bed_read_file(&self->bed, "dst", self->got, SIZE));
}

TEST_F(copy, handles_of_other_nodes)
{
	struct fuse_copy_file_range_in in = args(self);
	struct fuse_open_out dir;

	in.nodeid_out = self->src;
	EXPECT_EQ(-EBADF, copy(self, &in));
	in = args(self);
	in.fh_out = 12345;
	EXPECT_EQ(-EBADF, copy(self, &in));
	in = args(self);
	in.fh_in = self->dst_fh;
	EXPECT_EQ(-EBADF, copy(self, &in));
	in = args(self);
	ASSERT_EQ(0, fuse_opendir(self->f, ROOT, &dir));
	in.nodeid_out = ROOT;
	in.fh_out = dir.fh;
	EXPECT_EQ(-EBADF, copy(self, &in));
	ASSERT_EQ(3, bed_read_file(&self->bed, "dst", self->got, SIZE));
}

TEST_F(copy, needs_the_right_modes)
{
	struct fuse_copy_file_range_in in = args(self);
	uint64_t node;

	ASSERT_EQ(0, open_file(self, "dst", O_RDONLY, &node, &in.fh_out));
	EXPECT_EQ(-EBADF, copy(self, &in));
	ASSERT_EQ(0, open_file(self, "dst", O_WRONLY | O_APPEND, &node,
			       &in.fh_out));
	EXPECT_EQ(-EBADF, copy(self, &in));
	in = args(self);
	ASSERT_EQ(0, open_file(self, "src", O_WRONLY, &node, &in.fh_in));
	EXPECT_EQ(-EBADF, copy(self, &in));
}

/* The guest then copies by itself. */
TEST_F(copy, across_file_systems)
{
	struct fuse_copy_file_range_in in = args(self);
	char path[128];

	ASSERT_EQ(0, unshare(CLONE_NEWNS));
	ASSERT_EQ(0, mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	bed_close(&self->bed);
	ASSERT_EQ(0, bed_open_share(&self->bed, &(struct bed_config){ 0 }));
	ASSERT_EQ(0, share_remove(self->bed.share));
	ASSERT_EQ(0, bed_write_file(&self->bed, "src", "src", 3, 0644));
	snprintf(path, sizeof(path), "%s/sub", self->bed.dir);
	ASSERT_EQ(0, mkdir(path, 0755));
	ASSERT_EQ(0, mount("none", path, "ramfs", 0, NULL));
	ASSERT_EQ(0, bed_write_file(&self->bed, "sub/dst", "dst", 3, 0644));
	ASSERT_EQ(0, share_add_fd(self->bed.share, self->bed.fd));
	ASSERT_EQ(0, bed_open_device(&self->bed, &self->bed.dev,
				     &self->bed.fuse,
				     &(struct bed_config){ 0 }));
	ASSERT_EQ(0, open_file(self, "src", O_RDONLY, &self->src,
			       &in.fh_in));
	ASSERT_EQ(0, open_file(self, "sub/dst", O_WRONLY, &in.nodeid_out,
			       &in.fh_out));
	EXPECT_EQ(-EXDEV, copy(self, &in));
	ring_close(&self->bed.dev);
	self->bed.dev.fd = -1;
	ASSERT_EQ(0, umount2(path, MNT_DETACH));
}

TEST_HARNESS_MAIN
