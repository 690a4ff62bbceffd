// SPDX-License-Identifier: GPL-2.0-only
/*
 * TMPFILE: a file without a name, that LINK can give one, unless it was made
 * with O_EXCL.
 */
#include "bed.h"
#include "harness.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#define ROOT FUSE_ROOT_ID

FIXTURE(tmpfile) {
	struct bed bed;
	struct fuse *f;
	struct fuse_entry_out entry;
	struct fuse_open_out out;
};

FIXTURE_SETUP(tmpfile)
{
	struct bed_config config = { .max_nodes = 8, .max_handles = 4 };

	ASSERT_EQ(0, bed_open(&self->bed, &config));
	self->f = &self->bed.fuse;
}

FIXTURE_TEARDOWN(tmpfile)
{
	bed_close(&self->bed);
}

static int make(FIXTURE_DATA(tmpfile) *self, uint32_t flags)
{
	return fuse_tmpfile(self->f, ROOT, O_TMPFILE | flags, S_IFREG | 0666,
			    022, &self->entry, &self->out);
}

/* Names in the shared directory, but for . and .. */
static int count_names(FIXTURE_DATA(tmpfile) *self)
{
	int fd = openat(self->bed.fd, ".", O_RDONLY | O_DIRECTORY), n = 0;
	DIR *dir = fdopendir(fd);

	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 2;
}

TEST_F(tmpfile, has_no_name)
{
	struct fuse_attr attr;
	char buf[8];

	self->f->uid = 1234;
	self->f->gid = 2345;
	ASSERT_EQ(0, make(self, O_RDWR));
	EXPECT_EQ(0, count_names(self));
	EXPECT_EQ(0, self->entry.attr.nlink);
	EXPECT_EQ(S_IFREG | 0644, self->entry.attr.mode);
	EXPECT_EQ(1234, self->entry.attr.uid);
	EXPECT_EQ(2345, self->entry.attr.gid);
	EXPECT_EQ(4, fuse_write(self->f, self->entry.nodeid, self->out.fh, 0,
				"data", 4));
	EXPECT_EQ(4, fuse_read(self->f, self->entry.nodeid, self->out.fh, 0,
			       buf, sizeof(buf)));
	EXPECT_EQ(0, memcmp(buf, "data", 4));
	EXPECT_EQ(0, fuse_getattr(self->f, self->entry.nodeid, &attr));
	EXPECT_EQ(4, attr.size);
	EXPECT_EQ(0, fuse_release(self->f, self->entry.nodeid, self->out.fh));
	EXPECT_EQ(0, fuse_forget(self->f, self->entry.nodeid, 1));
	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, self->entry.nodeid, &attr));
	EXPECT_EQ(0, count_names(self));
}

TEST_F(tmpfile, is_given_a_name)
{
	struct fuse_entry_out linked, found;
	char buf[8];

	ASSERT_EQ(0, make(self, O_WRONLY));
	ASSERT_EQ(4, fuse_write(self->f, self->entry.nodeid, self->out.fh, 0,
				"data", 4));
	ASSERT_EQ(0, fuse_link(self->f, self->entry.nodeid, ROOT, "name",
			       &linked));
	EXPECT_EQ(self->entry.nodeid, linked.nodeid);
	EXPECT_EQ(1, linked.attr.nlink);
	EXPECT_EQ(4, bed_read_file(&self->bed, "name", buf, sizeof(buf)));
	/* The node stands for its name now. */
	EXPECT_EQ(0, fuse_release(self->f, self->entry.nodeid, self->out.fh));
	EXPECT_EQ(0, fuse_lookup(self->f, ROOT, "name", &found));
	EXPECT_EQ(self->entry.nodeid, found.nodeid);
	EXPECT_EQ(0, fuse_open(self->f, found.nodeid, O_RDONLY, &self->out));
}

TEST_F(tmpfile, excl_never_gets_a_name)
{
	struct fuse_entry_out linked;

	ASSERT_EQ(0, make(self, O_RDWR | O_EXCL));
	EXPECT_EQ(-ENOENT, fuse_link(self->f, self->entry.nodeid, ROOT, "name",
				     &linked));
	EXPECT_EQ(0, count_names(self));
}

TEST_F(tmpfile, modes_of_opening)
{
	EXPECT_EQ(-EINVAL, make(self, O_RDONLY));
	ASSERT_EQ(0, make(self, O_ACCMODE));
	EXPECT_EQ(-EBADF, fuse_write(self->f, self->entry.nodeid, self->out.fh,
				     0, "x", 1));
	ASSERT_EQ(0, make(self, O_WRONLY));
	EXPECT_EQ(-EBADF, fuse_read(self->f, self->entry.nodeid, self->out.fh,
				    0, &self->entry, 8));
}

TEST_F(tmpfile, not_in_a_file)
{
	uint64_t node;

	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "x", 1, 0644));
	node = bed_lookup(self->f, "file");
	EXPECT_EQ(-ENOTDIR, fuse_tmpfile(self->f, node, O_TMPFILE | O_RDWR,
					 0644, 0, &self->entry, &self->out));
}

/* A guest at its limits is told so before anything is made. */
TEST_F(tmpfile, limits)
{
	int i, error = 0;

	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, make(self, O_RDWR));
	EXPECT_EQ(-EMFILE, make(self, O_RDWR));
	ASSERT_EQ(0, fuse_release(self->f, self->entry.nodeid, self->out.fh));
	for (i = 0; !error && i < 8; i++) {
		error = make(self, O_RDWR);
		if (!error)
			ASSERT_EQ(0, fuse_release(self->f, self->entry.nodeid,
						  self->out.fh));
	}
	/* The root is one of the nodes, and four were there. */
	EXPECT_EQ(3, i - 1);
	EXPECT_EQ(-ENFILE, error);
}

TEST_F(tmpfile, read_only_share)
{
	struct bed_config config = { .flags = VHOST_FS_SHARE_READONLY };

	bed_close(&self->bed);
	ASSERT_EQ(0, bed_open(&self->bed, &config));
	EXPECT_EQ(-EROFS, make(self, O_RDWR));
}

TEST_HARNESS_MAIN
