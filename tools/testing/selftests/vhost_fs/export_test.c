// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a guest needs to export the share itself, by NFS or to
 * open_by_handle_at(2): nodes that are found by number, parents by "..", and
 * numbers that outlive the guest's cache. And entries for names that don't
 * exist.
 */
#include "bed.h"
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mount.h>

#define ROOT FUSE_ROOT_ID

FIXTURE(export) {
	struct bed bed;
	struct fuse *f;
	struct fuse_entry_out entry;
};

FIXTURE_VARIANT(export) {
	uint32_t handles;
};

FIXTURE_VARIANT_ADD(export, dentries) { .handles = VHOST_FS_HANDLES_NEVER };
FIXTURE_VARIANT_ADD(export, handles) { .handles = VHOST_FS_HANDLES_PREFER };

/* In the share: dir/sub/file, and mnt, on which a tmpfs is, with in/file. */
FIXTURE_SETUP(export)
{
	struct bed_config config = {
		.options.inode_file_handles = variant->handles,
	};
	char path[128];

	ASSERT_EQ(0, unshare(CLONE_NEWNS));
	ASSERT_EQ(0, mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	ASSERT_EQ(0, bed_open(&self->bed, &config));
	self->f = &self->bed.fuse;
	ASSERT_EQ(0, mkdirat(self->bed.fd, "dir", 0755));
	ASSERT_EQ(0, mkdirat(self->bed.fd, "dir/sub", 0755));
	ASSERT_EQ(0, bed_write_file(&self->bed, "dir/sub/file", "data", 4, 0644));
	ASSERT_EQ(0, mkdirat(self->bed.fd, "mnt", 0755));
	snprintf(path, sizeof(path), "%s/mnt", self->bed.dir);
	ASSERT_EQ(0, mount("tmpfs", path, "tmpfs", 0, NULL));
	ASSERT_EQ(0, mkdirat(self->bed.fd, "mnt/in", 0755));
	ASSERT_EQ(0, bed_write_file(&self->bed, "mnt/in/file", "data", 4, 0644));
}

FIXTURE_TEARDOWN(export)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/mnt", self->bed.dir);
	umount2(path, MNT_DETACH);
	bed_close(&self->bed);
}

TEST_F(export, is_offered)
{
	EXPECT_TRUE(self->f->init.flags & FUSE_EXPORT_SUPPORT);
}

TEST_F(export, dot_is_the_node_itself)
{
	static const char *const names[] = { "dir", "dir/sub/file", "mnt" };
	uint64_t node;
	int i;

	for (i = 0; i < 3; i++) {
		node = bed_lookup(self->f, names[i]);
		ASSERT_EQ(0, fuse_lookup(self->f, node, ".", &self->entry));
		EXPECT_EQ(node, self->entry.nodeid);
		EXPECT_EQ(0, self->entry.generation);
		EXPECT_NE(0, self->entry.attr.ino);
		/* It counts as a lookup. */
		ASSERT_EQ(0, fuse_forget(self->f, node, 1));
		EXPECT_EQ(0, fuse_getattr(self->f, node, NULL));
		ASSERT_EQ(0, fuse_forget(self->f, node, 1));
		EXPECT_EQ(-ESTALE, fuse_getattr(self->f, node, NULL));
	}
	ASSERT_EQ(0, fuse_lookup(self->f, ROOT, ".", &self->entry));
	EXPECT_EQ(ROOT, self->entry.nodeid);
}

TEST_F(export, dotdot_is_the_parent)
{
	uint64_t dir = bed_lookup(self->f, "dir");
	uint64_t sub = bed_lookup(self->f, "dir/sub");
	uint64_t file = bed_lookup(self->f, "dir/sub/file");

	ASSERT_EQ(0, fuse_lookup(self->f, sub, "..", &self->entry));
	EXPECT_EQ(dir, self->entry.nodeid);
	ASSERT_EQ(0, fuse_lookup(self->f, dir, "..", &self->entry));
	EXPECT_EQ(ROOT, self->entry.nodeid);
	EXPECT_EQ(-ENOTDIR, fuse_lookup(self->f, file, "..", &self->entry));
}

/* Above the root there is nothing for the guest. */
TEST_F(export, dotdot_of_the_root_is_the_root)
{
	struct stat st;

	ASSERT_EQ(0, fuse_lookup(self->f, ROOT, "..", &self->entry));
	EXPECT_EQ(ROOT, self->entry.nodeid);
	ASSERT_EQ(0, fstat(self->bed.fd, &st));
	EXPECT_EQ(st.st_ino, self->entry.attr.ino);
}

TEST_F(export, dotdot_leaves_a_mount)
{
	uint64_t mnt = bed_lookup(self->f, "mnt");
	uint64_t in = bed_lookup(self->f, "mnt/in");

	ASSERT_EQ(0, fuse_lookup(self->f, in, "..", &self->entry));
	EXPECT_EQ(mnt, self->entry.nodeid);
	ASSERT_EQ(0, fuse_lookup(self->f, mnt, "..", &self->entry));
	EXPECT_EQ(ROOT, self->entry.nodeid);
}

TEST_F(export, moved_out)
{
	uint64_t dir = bed_lookup(self->f, "dir");
	uint64_t sub = bed_lookup(self->f, "dir/sub");
	int top = open(self->bed.top, O_RDONLY | O_DIRECTORY);

	ASSERT_EQ(0, renameat(self->bed.fd, "dir", top, "dir"));
	EXPECT_EQ(-ESTALE, fuse_lookup(self->f, dir, ".", &self->entry));
	EXPECT_EQ(-ESTALE, fuse_lookup(self->f, dir, "..", &self->entry));
	EXPECT_EQ(-ESTALE, fuse_lookup(self->f, sub, "..", &self->entry));
	ASSERT_EQ(0, renameat(top, "dir", self->bed.fd, "dir"));
	EXPECT_EQ(0, fuse_lookup(self->f, sub, "..", &self->entry));
	close(top);
}

/* Only for lookups: nothing is made or removed by these names. */
TEST_F(export, only_lookups)
{
	static const char *const names[] = { ".", ".." };
	struct fuse_open_out open;
	int i;

	for (i = 0; i < 2; i++) {
		EXPECT_EQ(-EINVAL, fuse_mkdir(self->f, ROOT, names[i], 0755, 0,
					      &self->entry));
		EXPECT_EQ(-EINVAL, fuse_rmdir(self->f, ROOT, names[i]));
		EXPECT_EQ(-EINVAL, fuse_create(self->f, ROOT, names[i],
					       O_RDWR | O_CREAT, S_IFREG | 0600,
					       0, &self->entry, &open));
	}
}

TEST_F(export, only_if_asked_for)
{
	ASSERT_EQ(0, fuse_init_flags(self->f,
				     FUSE_ALL_FLAGS & ~FUSE_EXPORT_SUPPORT));
	EXPECT_EQ(-EINVAL, fuse_lookup(self->f, ROOT, ".", &self->entry));
	EXPECT_EQ(-EINVAL, fuse_lookup(self->f, ROOT, "..", &self->entry));
}

static void *move_about(void *arg)
{
	struct bed *bed = arg;
	int top = open(bed->top, O_RDONLY | O_DIRECTORY), i;

	for (i = 0; i < test_rounds(2000); i++) {
		renameat(bed->fd, "dir", top, "dir");
		renameat(top, "dir", bed->fd, "dir");
		sched_yield();
	}
	close(top);
	return NULL;
}

/* At no moment does ".." give what lies around the share. */
TEST_F_TIMEOUT(export, moved_while_climbed, 300)
{
	uint64_t dir = bed_lookup(self->f, "dir");
	pthread_t thread;
	struct stat top;
	int i, ret;

	ASSERT_EQ(0, stat(self->bed.top, &top));
	ASSERT_EQ(0, pthread_create(&thread, NULL, move_about, &self->bed));
	for (i = 0; i < test_rounds(500); i++) {
		ret = fuse_lookup(self->f, dir, "..", &self->entry);
		EXPECT_TRUE(ret == 0 || ret == -ESTALE);
		if (ret)
			continue;
		EXPECT_EQ(ROOT, self->entry.nodeid);
		EXPECT_NE(top.st_ino, self->entry.attr.ino);
	}
	pthread_join(thread, NULL);
}

/* What the guest has forgotten, it may find again by its number. */
TEST_F(export, forgotten)
{
	uint64_t file = bed_lookup(self->f, "dir/sub/file");
	int ret;

	ASSERT_EQ(0, fuse_forget(self->f, file, 1));
	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, file, NULL));
	ret = fuse_lookup(self->f, file, ".", &self->entry);
	if (variant->handles == VHOST_FS_HANDLES_NEVER) {
		/* That would keep the file in the host's memory. */
		EXPECT_EQ(-ESTALE, ret);
		return;
	}
	ASSERT_EQ(0, ret);
	EXPECT_EQ(file, self->entry.nodeid);
	EXPECT_EQ(0, fuse_getattr(self->f, file, NULL));
	/* Found by name, too, it is what it was. */
	ASSERT_EQ(0, fuse_forget(self->f, file, 1));
	EXPECT_EQ(file, bed_lookup(self->f, "dir/sub/file"));
	EXPECT_EQ(0, fuse_getattr(self->f, file, NULL));
	/* Until it is deleted. */
	ASSERT_EQ(0, fuse_forget(self->f, file, 1));
	ASSERT_EQ(0, unlinkat(self->bed.fd, "dir/sub/file", 0));
	EXPECT_EQ(-ESTALE, fuse_lookup(self->f, file, ".", &self->entry));
	/* Numbers that never were are nothing either. */
	EXPECT_EQ(-ESTALE, fuse_lookup(self->f, file + 1000, ".", &self->entry));
	EXPECT_EQ(-ESTALE, fuse_lookup(self->f, 0, ".", &self->entry));
}

/* Forgotten nodes don't count against the limit. */
TEST_F(export, forgotten_and_limit)
{
	struct bed_config config = {
		.options.inode_file_handles = variant->handles, .max_nodes = 2,
	};
	char name[16];
	struct bed bed;
	int i;

	ASSERT_EQ(0, bed_open(&bed, &config));
	for (i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "%d", i);
		ASSERT_EQ(0, mkdirat(bed.fd, name, 0755));
		ASSERT_EQ(0, fuse_lookup(&bed.fuse, ROOT, name, &self->entry));
		EXPECT_EQ(-ENFILE, fuse_mkdir(&bed.fuse, ROOT, "x", 0755, 0,
					      &self->entry));
		ASSERT_EQ(0, fuse_forget(&bed.fuse, bed_lookup(&bed.fuse, name),
					 2));
	}
	bed_close(&bed);
}

/* A session's numbers end with it. */
TEST_F(export, forgotten_in_another_session)
{
	uint64_t file = bed_lookup(self->f, "dir/sub/file");

	ASSERT_EQ(0, fuse_forget(self->f, file, 1));
	ASSERT_EQ(0, fuse_init(self->f));
	EXPECT_EQ(-ESTALE, fuse_lookup(self->f, file, ".", &self->entry));
}

FIXTURE(negative) {
	struct bed bed;
	struct fuse *f;
	struct fuse_entry_out entry;
};

FIXTURE_SETUP(negative)
{
	struct bed_config config = {
		.options.negative_timeout_ns = 3500000000ULL,
	};

	ASSERT_EQ(0, bed_open(&self->bed, &config));
	self->f = &self->bed.fuse;
}

FIXTURE_TEARDOWN(negative)
{
	bed_close(&self->bed);
}

TEST_F(negative, entry)
{
	memset(&self->entry, 0xff, sizeof(self->entry));
	ASSERT_EQ(0, fuse_lookup(self->f, ROOT, "absent", &self->entry));
	EXPECT_EQ(0, self->entry.nodeid);
	EXPECT_EQ(3, self->entry.entry_valid);
	EXPECT_EQ(500000000, self->entry.entry_valid_nsec);
	EXPECT_EQ(0, self->entry.attr.mode);
	/* Nothing to forget. */
	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, 0, NULL));
	/* It was no promise. */
	ASSERT_EQ(0, mkdirat(self->bed.fd, "absent", 0755));
	ASSERT_EQ(0, fuse_lookup(self->f, ROOT, "absent", &self->entry));
	EXPECT_NE(0, self->entry.nodeid);
}

/* Only a missing name is one, and only in a directory that is there. */
TEST_F(negative, other_errors)
{
	uint64_t file, dir;

	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "x", 1, 0644));
	file = bed_lookup(self->f, "file");
	EXPECT_EQ(-ENOTDIR, fuse_lookup(self->f, file, "x", &self->entry));
	EXPECT_EQ(-ENOENT, fuse_unlink(self->f, ROOT, "absent"));
	ASSERT_EQ(0, mkdirat(self->bed.fd, "dir", 0755));
	dir = bed_lookup(self->f, "dir");
	EXPECT_EQ(0, fuse_forget(self->f, dir, 1));
	EXPECT_EQ(-ESTALE, fuse_lookup(self->f, dir, "x", &self->entry));
}

TEST(not_without_a_timeout)
{
	struct bed_config config = { 0 };
	struct fuse_entry_out entry;
	struct bed bed;

	ASSERT_EQ(0, bed_open(&bed, &config));
	EXPECT_EQ(-ENOENT, fuse_lookup(&bed.fuse, ROOT, "absent", &entry));
	bed_close(&bed);
}

TEST_HARNESS_MAIN
