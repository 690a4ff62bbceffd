// SPDX-License-Identifier: GPL-2.0-only
/*
 * Making names: what is made is there at once, for whoever made it and for the
 * next who looks, though some file systems (hostfs, CIFS) make the name and have
 * the file found by the next lookup only. Where such a one is at hand, TMPDIR is
 * on it.
 */
#include "bed.h"
#include "harness.h"

#include <errno.h>
#include <fcntl.h>

#define ROOT FUSE_ROOT_ID

FIXTURE(made) {
	struct bed bed;
	struct fuse *f;
	struct fuse_entry_out entry;
};

FIXTURE_SETUP(made)
{
	struct bed_config config = { };

	ASSERT_EQ(0, bed_open(&self->bed, &config));
	self->f = &self->bed.fuse;
}

FIXTURE_TEARDOWN(made)
{
	bed_close(&self->bed);
}

/* The guest, and the host, see the same file by that name. */
static bool is_there(FIXTURE_DATA(made) *self, const char *name, mode_t type)
{
	struct fuse_entry_out found;
	struct stat st;

	return (self->entry.attr.mode & S_IFMT) == type &&
	       !fuse_lookup(self->f, ROOT, name, &found) &&
	       found.nodeid == self->entry.nodeid &&
	       found.attr.ino == self->entry.attr.ino &&
	       !bed_stat(&self->bed, name, &st) &&
	       (st.st_mode & S_IFMT) == type;
}

TEST_F(made, directory)
{
	struct fuse_entry_out below;

	ASSERT_EQ(0, fuse_mkdir(self->f, ROOT, "d", 0755, 0, &self->entry));
	EXPECT_TRUE(is_there(self, "d", S_IFDIR));
	EXPECT_EQ(0, fuse_mkdir(self->f, self->entry.nodeid, "e", 0755, 0,
				&below));
	EXPECT_EQ(-EEXIST, fuse_mkdir(self->f, ROOT, "d", 0755, 0, &below));
}

TEST_F(made, symlink)
{
	char target[16] = "";

	ASSERT_EQ(0, fuse_symlink(self->f, ROOT, "s", "target", &self->entry));
	EXPECT_TRUE(is_there(self, "s", S_IFLNK));
	EXPECT_EQ(6, fuse_readlink(self->f, self->entry.nodeid, target,
				   sizeof(target)));
	EXPECT_STREQ("target", target);
}

TEST_F(made, fifo)
{
	ASSERT_EQ(0, fuse_mknod(self->f, ROOT, "p", S_IFIFO | 0644, 0, 0,
				&self->entry));
	EXPECT_TRUE(is_there(self, "p", S_IFIFO));
}

TEST_F(made, file)
{
	struct fuse_open_out out;
	char buf[8];

	ASSERT_EQ(0, fuse_create(self->f, ROOT, "f", O_RDWR | O_EXCL, 0644, 0,
				 &self->entry, &out));
	EXPECT_TRUE(is_there(self, "f", S_IFREG));
	EXPECT_EQ(4, fuse_write(self->f, self->entry.nodeid, out.fh, 0, "data",
				4));
	EXPECT_EQ(4, bed_read_file(&self->bed, "f", buf, sizeof(buf)));
}

TEST_F(made, link)
{
	struct fuse_entry_out old;
	struct stat st;

	ASSERT_EQ(0, fuse_mknod(self->f, ROOT, "old", S_IFREG | 0644, 0, 0,
				&old));
	ASSERT_EQ(0, fuse_link(self->f, old.nodeid, ROOT, "new", &self->entry));
	EXPECT_EQ(old.nodeid, self->entry.nodeid);
	EXPECT_TRUE(is_there(self, "new", S_IFREG));
	ASSERT_EQ(0, bed_stat(&self->bed, "new", &st));
	EXPECT_EQ(2, st.st_nlink);
}

TEST_HARNESS_MAIN
