// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names: LOOKUP, MKDIR, MKNOD, SYMLINK, READLINK, LINK, UNLINK, RMDIR, RENAME
 * and RENAME2.
 */
#include "bed.h"
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/mount.h>
#include <sched.h>
#include <sys/sysmacros.h>

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#define RENAME_EXCHANGE 2
#endif

#ifndef RENAME_WHITEOUT
#define RENAME_WHITEOUT 4
#endif

#define ROOT FUSE_ROOT_ID

FIXTURE(namei) {
	struct bed bed;
	struct fuse *f;
	int fd;
	struct fuse_entry_out entry;
};

FIXTURE_SETUP(namei)
{
	struct bed_config config = { 0 };

	/* Mounts that a test makes end with it. */
	ASSERT_EQ(0, unshare(CLONE_NEWNS));
	ASSERT_EQ(0, mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	ASSERT_EQ(0, bed_open(&self->bed, &config));
	self->f = &self->bed.fuse;
	self->fd = self->bed.fd;
	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "data", 4, 0644));
	ASSERT_EQ(0, mkdirat(self->fd, "dir", 0755));
}

FIXTURE_TEARDOWN(namei)
{
	bed_close(&self->bed);
}

static bool exists(FIXTURE_DATA(namei) *self, const char *name)
{
	struct stat st;

	return bed_stat(&self->bed, name, &st) == 0;
}

TEST_F(namei, lookup)
{
	struct fuse_entry_out again;
	struct stat st;

	ASSERT_EQ(0, fuse_lookup(self->f, ROOT, "file", &self->entry));
	ASSERT_EQ(0, bed_stat(&self->bed, "file", &st));
	EXPECT_LT(ROOT, self->entry.nodeid);
	EXPECT_EQ(st.st_ino, self->entry.attr.ino);
	EXPECT_EQ(st.st_mode, self->entry.attr.mode);
	EXPECT_EQ(st.st_size, self->entry.attr.size);
	EXPECT_EQ(st.st_nlink, self->entry.attr.nlink);
	ASSERT_EQ(0, fuse_lookup(self->f, ROOT, "file", &again));
	EXPECT_EQ(self->entry.nodeid, again.nodeid);
	EXPECT_EQ(self->entry.generation, again.generation);
	EXPECT_EQ(-ENOENT, fuse_lookup(self->f, ROOT, "missing", &again));
	EXPECT_EQ(-ENOTDIR, fuse_lookup(self->f, self->entry.nodeid, "x", &again));
	EXPECT_EQ(-ESTALE, fuse_lookup(self->f, 0, "file", &again));
	EXPECT_EQ(-ESTALE, fuse_lookup(self->f, 123456, "file", &again));
	EXPECT_EQ(-ESTALE, fuse_lookup(self->f, ~0ULL, "file", &again));
}

TEST_F(namei, bad_names)
{
	char name[300];

	EXPECT_EQ(-EINVAL, fuse_lookup(self->f, ROOT, "", &self->entry));
	EXPECT_EQ(-EINVAL, fuse_mkdir(self->f, ROOT, ".", 0755, 0,
				      &self->entry));
	EXPECT_EQ(-EINVAL, fuse_mkdir(self->f, ROOT, "..", 0755, 0,
				      &self->entry));
	EXPECT_EQ(-EINVAL, fuse_lookup(self->f, ROOT, "/", &self->entry));
	EXPECT_EQ(-EINVAL, fuse_lookup(self->f, ROOT, "dir/x", &self->entry));
	EXPECT_EQ(-EINVAL, fuse_lookup(self->f, ROOT, "file/", &self->entry));
	EXPECT_EQ(-ENOENT, fuse_lookup(self->f, ROOT, "...", &self->entry));
	EXPECT_EQ(-ENOENT, fuse_lookup(self->f, ROOT, " ", &self->entry));
	memset(name, 'n', sizeof(name));
	name[256] = '\0';
	EXPECT_EQ(-ENAMETOOLONG, fuse_lookup(self->f, ROOT, name, &self->entry));
	EXPECT_EQ(-ENAMETOOLONG, fuse_unlink(self->f, ROOT, name));
	name[255] = '\0';
	EXPECT_EQ(-ENOENT, fuse_lookup(self->f, ROOT, name, &self->entry));
	EXPECT_EQ(0, fuse_mkdir(self->f, ROOT, name, 0755, 0, &self->entry));
	EXPECT_TRUE(exists(self, name));
}

TEST_F(namei, any_bytes_in_names)
{
	char name[2] = { 0 };
	int c;

	for (c = 1; c < 256; c++) {
		name[0] = c;
		if (c == '.' || c == '/')
			continue;
		ASSERT_EQ(0, fuse_mknod(self->f, ROOT, name, S_IFREG | 0600, 0, 0,
					&self->entry));
		ASSERT_TRUE(exists(self, name));
	}
}

TEST_F(namei, replaced_file_is_another_node)
{
	uint64_t before = bed_lookup(self->f, "file"), after;
	struct fuse_attr attr;

	ASSERT_EQ(0, bed_write_file(&self->bed, "other", "longer", 6, 0600));
	ASSERT_EQ(0, renameat(self->fd, "other", self->fd, "file"));
	after = bed_lookup(self->f, "file");
	EXPECT_NE(before, after);
	ASSERT_EQ(0, fuse_getattr(self->f, after, &attr));
	EXPECT_EQ(6, attr.size);
}

TEST_F(namei, hard_links_are_one_node)
{
	ASSERT_EQ(0, linkat(self->fd, "file", self->fd, "dir/link", 0));
	EXPECT_EQ(bed_lookup(self->f, "file"), bed_lookup(self->f, "dir/link"));
}

TEST_F(namei, deep_tree)
{
	uint64_t node = ROOT;
	struct stat st;
	int i;

	for (i = 0; i < 60; i++) {
		ASSERT_EQ(0, fuse_mkdir(self->f, node, "d", 0755, 0, &self->entry));
		node = self->entry.nodeid;
	}
	ASSERT_EQ(0, bed_stat(&self->bed, "d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d", &st));
	EXPECT_EQ(0, fuse_getattr(self->f, node, NULL));
}

TEST_F(namei, mkdir)
{
	struct stat st;

	self->f->uid = 1000;
	self->f->gid = 2000;
	ASSERT_EQ(0, fuse_mkdir(self->f, ROOT, "new", 0777, 0022, &self->entry));
	ASSERT_EQ(0, bed_stat(&self->bed, "new", &st));
	EXPECT_EQ(S_IFDIR | 0755, st.st_mode);
	EXPECT_EQ(1000, st.st_uid);
	EXPECT_EQ(2000, st.st_gid);
	EXPECT_EQ(st.st_ino, self->entry.attr.ino);
	EXPECT_EQ(S_IFDIR | 0755, self->entry.attr.mode);
	EXPECT_EQ(self->entry.nodeid, bed_lookup(self->f, "new"));
	ASSERT_EQ(0, fuse_mkdir(self->f, self->entry.nodeid, "sticky", 01777, 0,
				&self->entry));
	ASSERT_EQ(0, bed_stat(&self->bed, "new/sticky", &st));
	EXPECT_EQ(S_IFDIR | 01777, st.st_mode);
	EXPECT_EQ(-EEXIST, fuse_mkdir(self->f, ROOT, "new", 0755, 0, &self->entry));
	EXPECT_EQ(-EEXIST, fuse_mkdir(self->f, ROOT, "file", 0755, 0,
				      &self->entry));
	EXPECT_EQ(-ENOTDIR, fuse_mkdir(self->f, bed_lookup(self->f, "file"), "x",
				       0755, 0, &self->entry));
}

/* As on a local file system: the group comes from a set-group-id directory. */
TEST_F(namei, set_group_id_directory)
{
	struct stat st;

	ASSERT_EQ(0, fchownat(self->fd, "dir", 0, 777, 0));
	ASSERT_EQ(0, fchmodat(self->fd, "dir", 02755, 0));
	self->f->uid = 1000;
	self->f->gid = 2000;
	ASSERT_EQ(0, fuse_mkdir(self->f, bed_lookup(self->f, "dir"), "sub", 0755,
				0, &self->entry));
	ASSERT_EQ(0, bed_stat(&self->bed, "dir/sub", &st));
	EXPECT_EQ(1000, st.st_uid);
	EXPECT_EQ(777, st.st_gid);
	EXPECT_EQ(02755, st.st_mode & 07777);
}

/* The identity that makes one object must not stick to the next. */
TEST_F(namei, each_with_its_own_identity)
{
	char name[16];
	struct stat st;
	uint32_t id;

	for (id = 0; id < 200; id++) {
		snprintf(name, sizeof(name), "user%u", id);
		self->f->uid = id % 3 ? id : 0;
		self->f->gid = id % 2 ? 65000 - id : 0;
		ASSERT_EQ(0, fuse_mknod(self->f, ROOT, name, S_IFREG | 0600, 0, 0,
					&self->entry));
		ASSERT_EQ(0, bed_stat(&self->bed, name, &st));
		ASSERT_EQ(self->f->uid, st.st_uid);
		ASSERT_EQ(self->f->gid, st.st_gid);
	}
}

TEST_F(namei, mknod)
{
	static const struct {
		const char *name;
		uint32_t mode;
		uint32_t rdev;
	} nodes[] = {
		{ "reg", S_IFREG | 0644, 0 },
		{ "fifo", S_IFIFO | 0600, 0 },
		{ "sock", S_IFSOCK | 0600, 0 },
		{ "chr", S_IFCHR | 0600, 0x103 },
		{ "blk", S_IFBLK | 0660, 0x700 },
		{ "chr-large", S_IFCHR | 0600, 0x12345678 },
	};
	struct stat st;
	uint32_t rdev;
	int i;

	self->f->uid = 5;
	for (i = 0; i < 6; i++) {
		ASSERT_EQ(0, fuse_mknod(self->f, ROOT, nodes[i].name,
					nodes[i].mode, nodes[i].rdev, 0,
					&self->entry));
		ASSERT_EQ(0, bed_stat(&self->bed, nodes[i].name, &st));
		EXPECT_EQ(nodes[i].mode, st.st_mode);
		EXPECT_EQ(5, st.st_uid);
		EXPECT_EQ(nodes[i].rdev, self->entry.attr.rdev);
		rdev = (minor(st.st_rdev) & 0xff) | major(st.st_rdev) << 8 |
		       (minor(st.st_rdev) & ~0xff) << 12;
		EXPECT_EQ(nodes[i].rdev, rdev);
	}
	EXPECT_EQ(-EEXIST, fuse_mknod(self->f, ROOT, "reg", S_IFREG | 0600, 0, 0,
				      &self->entry));
	EXPECT_GT(0, fuse_mknod(self->f, ROOT, "d", S_IFDIR | 0700, 0, 0,
				&self->entry));
	EXPECT_GT(0, fuse_mknod(self->f, ROOT, "l", S_IFLNK | 0777, 0, 0,
				&self->entry));
	EXPECT_GT(0, fuse_mknod(self->f, ROOT, "x", 0170000, 0, 0, &self->entry));
	EXPECT_FALSE(exists(self, "d"));
	EXPECT_FALSE(exists(self, "l"));
	EXPECT_FALSE(exists(self, "x"));
}

TEST_F(namei, mknod_masks)
{
	struct stat st;

	ASSERT_EQ(0, fuse_mknod(self->f, ROOT, "masked", S_IFREG | 0666, 0, 0137,
				&self->entry));
	ASSERT_EQ(0, bed_stat(&self->bed, "masked", &st));
	EXPECT_EQ(0640, st.st_mode & 07777);
}

TEST_F(namei, symlink_and_readlink)
{
	char target[PATH_MAX + 16], buf[PATH_MAX + 16];
	struct stat st;

	self->f->uid = 11;
	ASSERT_EQ(0, fuse_symlink(self->f, ROOT, "link", "../../etc/passwd",
				  &self->entry));
	EXPECT_EQ(S_IFLNK, self->entry.attr.mode & S_IFMT);
	ASSERT_EQ(0, bed_stat(&self->bed, "link", &st));
	EXPECT_TRUE(S_ISLNK(st.st_mode));
	EXPECT_EQ(11, st.st_uid);
	EXPECT_EQ(16, fuse_readlink(self->f, self->entry.nodeid, buf, sizeof(buf)));
	EXPECT_STREQ("../../etc/passwd", buf);
	EXPECT_EQ(16, readlinkat(self->fd, "link", buf, sizeof(buf)));

	memset(target, 't', sizeof(target));
	target[PATH_MAX - 1] = '\0';
	ASSERT_EQ(0, fuse_symlink(self->f, ROOT, "long", target, &self->entry));
	EXPECT_EQ(PATH_MAX - 1, fuse_readlink(self->f, self->entry.nodeid, buf,
					      sizeof(buf)));
	EXPECT_STREQ(target, buf);
	/* A buffer that is too small can't be answered with half a path. */
	EXPECT_EQ(-EIO, fuse_readlink(self->f, self->entry.nodeid, buf, 100));
	target[PATH_MAX - 1] = 't';
	target[PATH_MAX] = '\0';
	EXPECT_EQ(-ENAMETOOLONG, fuse_symlink(self->f, ROOT, "longer", target,
					      &self->entry));
	EXPECT_GT(0, fuse_symlink(self->f, ROOT, "empty", "", &self->entry));
	EXPECT_EQ(-EEXIST, fuse_symlink(self->f, ROOT, "file", "x", &self->entry));
	EXPECT_EQ(-EINVAL, fuse_readlink(self->f, bed_lookup(self->f, "file"), buf,
					 sizeof(buf)));
	EXPECT_EQ(-EINVAL, fuse_readlink(self->f, ROOT, buf, sizeof(buf)));
}

TEST_F(namei, link)
{
	uint64_t file = bed_lookup(self->f, "file");
	uint64_t dir = bed_lookup(self->f, "dir");
	struct stat st;

	ASSERT_EQ(0, fuse_link(self->f, file, dir, "hard", &self->entry));
	EXPECT_EQ(file, self->entry.nodeid);
	EXPECT_EQ(2, self->entry.attr.nlink);
	ASSERT_EQ(0, bed_stat(&self->bed, "dir/hard", &st));
	EXPECT_EQ(self->entry.attr.ino, st.st_ino);
	EXPECT_EQ(2, st.st_nlink);
	EXPECT_EQ(-EEXIST, fuse_link(self->f, file, dir, "hard", &self->entry));
	EXPECT_EQ(-EPERM, fuse_link(self->f, dir, ROOT, "dirlink", &self->entry));
	EXPECT_EQ(-ESTALE, fuse_link(self->f, 999999, ROOT, "x", &self->entry));
	EXPECT_EQ(-ESTALE, fuse_link(self->f, file, 999999, "x", &self->entry));
	EXPECT_EQ(-ENOTDIR, fuse_link(self->f, file, file, "x", &self->entry));
}

/* A link to a symlink is a second symlink, not one to where that leads. */
TEST_F(namei, link_does_not_follow)
{
	struct stat st;

	ASSERT_EQ(0, symlinkat("file", self->fd, "symlink"));
	ASSERT_EQ(0, fuse_link(self->f, bed_lookup(self->f, "symlink"), ROOT,
			       "second", &self->entry));
	ASSERT_EQ(0, bed_stat(&self->bed, "second", &st));
	EXPECT_TRUE(S_ISLNK(st.st_mode));
}

TEST_F(namei, unlink)
{
	uint64_t file = bed_lookup(self->f, "file");

	EXPECT_EQ(-ENOENT, fuse_unlink(self->f, ROOT, "missing"));
	EXPECT_EQ(-EISDIR, fuse_unlink(self->f, ROOT, "dir"));
	EXPECT_EQ(-ENOTDIR, fuse_unlink(self->f, file, "x"));
	ASSERT_EQ(0, fuse_unlink(self->f, ROOT, "file"));
	EXPECT_FALSE(exists(self, "file"));
	EXPECT_EQ(-ENOENT, fuse_lookup(self->f, ROOT, "file", &self->entry));
	EXPECT_EQ(-ENOENT, fuse_unlink(self->f, ROOT, "file"));
}

TEST_F(namei, unlink_does_not_follow)
{
	ASSERT_EQ(0, symlinkat("file", self->fd, "symlink"));
	ASSERT_EQ(0, symlinkat("dir", self->fd, "dirlink"));
	ASSERT_EQ(0, fuse_unlink(self->f, ROOT, "symlink"));
	EXPECT_EQ(-ENOTDIR, fuse_rmdir(self->f, ROOT, "dirlink"));
	EXPECT_TRUE(exists(self, "file"));
	EXPECT_TRUE(exists(self, "dir"));
}

TEST_F(namei, rmdir)
{
	ASSERT_EQ(0, bed_write_file(&self->bed, "dir/x", "", 0, 0600));
	EXPECT_EQ(-ENOTEMPTY, fuse_rmdir(self->f, ROOT, "dir"));
	EXPECT_EQ(-ENOTDIR, fuse_rmdir(self->f, ROOT, "file"));
	EXPECT_EQ(-ENOENT, fuse_rmdir(self->f, ROOT, "missing"));
	ASSERT_EQ(0, fuse_unlink(self->f, bed_lookup(self->f, "dir"), "x"));
	ASSERT_EQ(0, fuse_rmdir(self->f, ROOT, "dir"));
	EXPECT_FALSE(exists(self, "dir"));
}

TEST_F(namei, removed_directory_takes_nothing)
{
	uint64_t dir = bed_lookup(self->f, "dir");

	ASSERT_EQ(0, fuse_rmdir(self->f, ROOT, "dir"));
	EXPECT_GT(0, fuse_mkdir(self->f, dir, "x", 0755, 0, &self->entry));
	EXPECT_GT(0, fuse_mknod(self->f, dir, "x", S_IFREG, 0, 0, &self->entry));
	EXPECT_GT(0, fuse_lookup(self->f, dir, "x", &self->entry));
}

TEST_F(namei, rename)
{
	uint64_t file = bed_lookup(self->f, "file");
	uint64_t dir = bed_lookup(self->f, "dir");

	ASSERT_EQ(0, fuse_rename(self->f, ROOT, "file", ROOT, "moved"));
	EXPECT_FALSE(exists(self, "file"));
	EXPECT_TRUE(exists(self, "moved"));
	EXPECT_EQ(file, bed_lookup(self->f, "moved"));
	ASSERT_EQ(0, fuse_rename(self->f, ROOT, "moved", dir, "moved"));
	EXPECT_TRUE(exists(self, "dir/moved"));
	EXPECT_EQ(file, bed_lookup(self->f, "dir/moved"));
	EXPECT_EQ(0, fuse_getattr(self->f, file, NULL));
	ASSERT_EQ(0, fuse_rename(self->f, dir, "moved", dir, "moved"));
	EXPECT_TRUE(exists(self, "dir/moved"));
	EXPECT_EQ(-ENOENT, fuse_rename(self->f, ROOT, "missing", ROOT, "x"));
	EXPECT_EQ(-ESTALE, fuse_rename(self->f, ROOT, "dir", 999999, "x"));
	EXPECT_EQ(-ENOTDIR, fuse_rename(self->f, ROOT, "dir", file, "x"));
	EXPECT_EQ(-ENOTDIR, fuse_rename(self->f, file, "dir", ROOT, "x"));
}

TEST_F(namei, rename_over)
{
	char buf[8];

	ASSERT_EQ(0, bed_write_file(&self->bed, "other", "other", 5, 0644));
	ASSERT_EQ(0, mkdirat(self->fd, "empty", 0755));
	ASSERT_EQ(0, mkdirat(self->fd, "dir/sub", 0755));
	ASSERT_EQ(0, fuse_rename(self->f, ROOT, "other", ROOT, "file"));
	EXPECT_EQ(5, bed_read_file(&self->bed, "file", buf, sizeof(buf)));
	EXPECT_EQ(-EISDIR, fuse_rename(self->f, ROOT, "file", ROOT, "dir"));
	EXPECT_EQ(-ENOTDIR, fuse_rename(self->f, ROOT, "dir", ROOT, "file"));
	EXPECT_EQ(-ENOTEMPTY, fuse_rename(self->f, ROOT, "empty", ROOT, "dir"));
	EXPECT_EQ(0, fuse_rename(self->f, ROOT, "dir", ROOT, "empty"));
	EXPECT_TRUE(exists(self, "empty/sub"));
}

TEST_F(namei, rename_into_itself)
{
	uint64_t dir, sub;

	ASSERT_EQ(0, mkdirat(self->fd, "dir/sub", 0755));
	dir = bed_lookup(self->f, "dir");
	sub = bed_lookup(self->f, "dir/sub");
	EXPECT_EQ(-EINVAL, fuse_rename(self->f, ROOT, "dir", dir, "x"));
	EXPECT_EQ(-EINVAL, fuse_rename(self->f, ROOT, "dir", sub, "x"));
	EXPECT_GT(0, fuse_rename(self->f, dir, "sub", ROOT, "dir"));
}

TEST_F(namei, rename2)
{
	uint64_t file = bed_lookup(self->f, "file");
	uint64_t dir = bed_lookup(self->f, "dir");

	EXPECT_EQ(-EEXIST, fuse_rename2(self->f, ROOT, "file", ROOT, "dir",
					RENAME_NOREPLACE));
	ASSERT_EQ(0, fuse_rename2(self->f, ROOT, "file", ROOT, "moved",
				  RENAME_NOREPLACE));
	ASSERT_EQ(0, fuse_rename2(self->f, ROOT, "moved", ROOT, "dir",
				  RENAME_EXCHANGE));
	EXPECT_EQ(file, bed_lookup(self->f, "dir"));
	EXPECT_EQ(dir, bed_lookup(self->f, "moved"));
	EXPECT_EQ(-ENOENT, fuse_rename2(self->f, ROOT, "moved", ROOT, "missing",
					RENAME_EXCHANGE));
	EXPECT_EQ(-EINVAL, fuse_rename2(self->f, ROOT, "moved", ROOT, "x",
					RENAME_EXCHANGE | RENAME_NOREPLACE));
	EXPECT_EQ(-EINVAL, fuse_rename2(self->f, ROOT, "moved", ROOT, "x", 0x80));
	EXPECT_EQ(0, fuse_rename2(self->f, ROOT, "moved", ROOT, "x", 0));
}

TEST_F(namei, whiteout_is_the_user_s)
{
	struct stat st;

	self->f->uid = 3001;
	self->f->gid = 3002;
	ASSERT_EQ(0, fuse_rename2(self->f, ROOT, "file", ROOT, "moved",
				  RENAME_WHITEOUT));
	ASSERT_EQ(0, bed_stat(&self->bed, "file", &st));
	EXPECT_TRUE(S_ISCHR(st.st_mode));
	EXPECT_EQ(0, st.st_rdev);
	EXPECT_EQ(3001, st.st_uid);
	EXPECT_EQ(3002, st.st_gid);
	ASSERT_EQ(0, bed_stat(&self->bed, "moved", &st));
	EXPECT_EQ(0, st.st_uid);
	self->f->uid = ~0U;
	EXPECT_EQ(-EINVAL, fuse_rename2(self->f, ROOT, "moved", ROOT, "x",
					RENAME_WHITEOUT));
	EXPECT_EQ(0, fuse_rename2(self->f, ROOT, "moved", ROOT, "x", 0));
}

/* A rename by the host is one that the guest's nodes follow. */
TEST_F(namei, host_renames)
{
	uint64_t file = bed_lookup(self->f, "file");
	uint64_t dir = bed_lookup(self->f, "dir");

	ASSERT_EQ(0, renameat(self->fd, "file", self->fd, "dir/elsewhere"));
	ASSERT_EQ(0, renameat(self->fd, "dir", self->fd, "renamed"));
	EXPECT_EQ(0, fuse_getattr(self->f, file, NULL));
	EXPECT_EQ(file, bed_lookup(self->f, "renamed/elsewhere"));
	ASSERT_EQ(0, fuse_mkdir(self->f, dir, "sub", 0755, 0, &self->entry));
	EXPECT_TRUE(exists(self, "renamed/sub"));
}

/* One of two names goes: the node goes on under the other. */
TEST_F(namei, host_unlinks_one_name)
{
	uint64_t file = bed_lookup(self->f, "file");
	struct fuse_attr attr;

	ASSERT_EQ(0, linkat(self->fd, "file", self->fd, "dir/link", 0));
	ASSERT_EQ(0, unlinkat(self->fd, "file", 0));
	ASSERT_EQ(file, bed_lookup(self->f, "dir/link"));
	ASSERT_EQ(0, fuse_getattr(self->f, file, &attr));
	EXPECT_EQ(1, attr.nlink);
}

/* A mount inside the share is seen, and not the directory underneath. */
TEST_F(namei, crosses_mounts)
{
	uint64_t under = bed_lookup(self->f, "dir"), mounted;
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s/dir", self->bed.dir);
	ASSERT_EQ(0, mount("none", path, "tmpfs", 0, "size=1m"));
	ASSERT_EQ(0, bed_write_file(&self->bed, "dir/inside", "x", 1, 0644));
	ASSERT_EQ(0, bed_stat(&self->bed, "dir", &st));
	ASSERT_EQ(0, fuse_lookup(self->f, ROOT, "dir", &self->entry));
	mounted = self->entry.nodeid;
	EXPECT_NE(under, mounted);
	EXPECT_EQ(st.st_ino, self->entry.attr.ino);
	EXPECT_EQ(FUSE_ATTR_SUBMOUNT, self->entry.attr.flags & FUSE_ATTR_SUBMOUNT);
	EXPECT_EQ(0, fuse_lookup(self->f, mounted, "inside", &self->entry));
	EXPECT_EQ(0, self->entry.attr.flags & FUSE_ATTR_SUBMOUNT);
	EXPECT_EQ(0, fuse_mkdir(self->f, mounted, "made", 0755, 0, &self->entry));
	EXPECT_TRUE(exists(self, "dir/made"));
	EXPECT_EQ(-EXDEV, fuse_rename(self->f, ROOT, "file", mounted, "file"));
	EXPECT_EQ(-EXDEV, fuse_link(self->f, bed_lookup(self->f, "file"), mounted,
				    "hard", &self->entry));
	EXPECT_EQ(-EBUSY, fuse_rmdir(self->f, ROOT, "dir"));
	ASSERT_EQ(0, umount2(path, MNT_DETACH));
}

FIXTURE(readonly) {
	struct bed bed;
	struct fuse *f;
	struct fuse_entry_out entry;
};

FIXTURE_SETUP(readonly)
{
	struct bed_config config = { .flags = VHOST_FS_SHARE_READONLY };

	ASSERT_EQ(0, bed_open(&self->bed, &config));
	self->f = &self->bed.fuse;
	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "data", 4, 0644));
	ASSERT_EQ(0, mkdirat(self->bed.fd, "dir", 0755));
}

FIXTURE_TEARDOWN(readonly)
{
	bed_close(&self->bed);
}

TEST_F(readonly, nothing_changes)
{
	struct fuse *f = self->f;
	struct fuse_entry_out *e = &self->entry;
	uint64_t file = bed_lookup(f, "file");

	EXPECT_EQ(-EROFS, fuse_mkdir(f, ROOT, "new", 0755, 0, e));
	EXPECT_EQ(-EROFS, fuse_mknod(f, ROOT, "new", S_IFREG | 0600, 0, 0, e));
	EXPECT_EQ(-EROFS, fuse_symlink(f, ROOT, "new", "x", e));
	EXPECT_EQ(-EROFS, fuse_link(f, file, ROOT, "new", e));
	EXPECT_EQ(-EROFS, fuse_unlink(f, ROOT, "file"));
	EXPECT_EQ(-EROFS, fuse_rmdir(f, ROOT, "dir"));
	EXPECT_EQ(-EROFS, fuse_rename(f, ROOT, "file", ROOT, "new"));
	EXPECT_EQ(-EROFS, fuse_rename2(f, ROOT, "file", ROOT, "dir",
				       RENAME_EXCHANGE));
	EXPECT_EQ(-ENOENT, fuse_lookup(f, ROOT, "new", e));
	EXPECT_EQ(file, bed_lookup(f, "file"));
}

TEST_F(readonly, existing_names_come_first)
{
	struct fuse *f = self->f;
	struct fuse_entry_out *e = &self->entry;

	EXPECT_EQ(-EEXIST, fuse_mkdir(f, ROOT, "dir", 0755, 0, e));
	EXPECT_EQ(-EEXIST, fuse_mknod(f, ROOT, "file", S_IFREG | 0600, 0, 0, e));
	EXPECT_EQ(-EEXIST, fuse_symlink(f, ROOT, "file", "x", e));
	EXPECT_EQ(-EEXIST, fuse_link(f, bed_lookup(f, "file"), ROOT, "dir", e));
}

TEST_HARNESS_MAIN
