// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nodes that are found by file handles: they pin nothing on the host, stay what
 * they are, and lead nowhere else.
 */
#include "bed.h"
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#define ROOT FUSE_ROOT_ID

FIXTURE(fh) {
	struct bed bed;
	struct fuse *f;
	int top;		/* the directory around the share */
	struct fuse_entry_out entry;
};

FIXTURE_VARIANT(fh) {
	uint32_t handles;
};

FIXTURE_VARIANT_ADD(fh, prefer) { .handles = VHOST_FS_HANDLES_PREFER };
FIXTURE_VARIANT_ADD(fh, mandatory) { .handles = VHOST_FS_HANDLES_MANDATORY };

static void drop_caches(struct __test_metadata *_metadata)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);

	ASSERT_LE(0, fd);
	ASSERT_EQ(1, write(fd, "2", 1));
	close(fd);
}

/* The host renames something that the guest has nothing to do with. */
static void rename_something(struct __test_metadata *_metadata, int top)
{
	ASSERT_EQ(0, renameat(top, "outside/other", top, "outside/another"));
	ASSERT_EQ(0, renameat(top, "outside/another", top, "outside/other"));
}

/* In the share: a/file, b; beside it: outside/other. */
static void open_bed(struct __test_metadata *_metadata, FIXTURE_DATA(fh) *self,
		     uint32_t handles, bool disk)
{
	struct bed_config config = {
		.options.inode_file_handles = handles, .disk = disk,
	};

	ASSERT_EQ(0, bed_open(&self->bed, &config));
	self->f = &self->bed.fuse;
	self->top = open(self->bed.top, O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, self->top);
	ASSERT_EQ(0, mkdirat(self->top, "outside", 0755));
	ASSERT_EQ(0, mkdirat(self->top, "outside/other", 0755));
	ASSERT_EQ(0, mkdirat(self->bed.fd, "a", 0755));
	ASSERT_EQ(0, mkdirat(self->bed.fd, "b", 0755));
	ASSERT_EQ(0, bed_write_file(&self->bed, "a/file", "data", 4, 0644));
}

static void close_bed(FIXTURE_DATA(fh) *self)
{
	close(self->top);
	bed_close(&self->bed);
}

FIXTURE_SETUP(fh)
{
	ASSERT_EQ(0, unshare(CLONE_NEWNS));
	ASSERT_EQ(0, mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	open_bed(_metadata, self, variant->handles, false);
}

FIXTURE_TEARDOWN(fh)
{
	close_bed(self);
}

static long inodes_in_use(void)
{
	FILE *f = fopen("/proc/sys/fs/inode-nr", "r");
	long all = -1, unused = 0;

	if (f && fscanf(f, "%ld %ld", &all, &unused) != 2)
		all = -1;
	if (f)
		fclose(f);
	return all;
}

/* Room for it; a shorter run makes fewer, though enough for other inodes not to count. */
#define MAX_MANY 10000

static int many(void)
{
	int nr = test_rounds(MAX_MANY);

	return nr < 2000 ? 2000 : nr;
}

static void make_many(struct __test_metadata *_metadata, struct bed *bed)
{
	char name[32];
	int i, fd;

	for (i = 0; i < many(); i++) {
		snprintf(name, sizeof(name), "b/%d", i);
		fd = openat(bed->fd, name, O_WRONLY | O_CREAT, 0644);
		ASSERT_LE(0, fd);
		close(fd);
	}
}

/* Looks up all of "b" by listing it: the number of nodes. */
static int list_many(struct fuse *f, uint64_t dir, uint64_t *nodes)
{
	static char buf[131072];
	struct fuse_open_out open;
	uint64_t offset = 0;
	int n = 0, len, pos;

	if (fuse_opendir(f, dir, &open))
		return -1;
	while ((len = fuse_readdirplus(f, dir, open.fh, offset, buf,
				       sizeof(buf))) > 0) {
		for (pos = 0; pos < len;) {
			struct fuse_direntplus *dp = (void *)(buf + pos);

			pos += FUSE_DIRENTPLUS_SIZE(dp);
			offset = dp->dirent.off;
			if (dp->entry_out.nodeid && n < MAX_MANY)
				nodes[n++] = dp->entry_out.nodeid;
		}
	}
	fuse_releasedir(f, dir, open.fh);
	return n;
}

/* Not on tmpfs, which has nothing but the names in memory. */
TEST_F_TIMEOUT(fh, nodes_let_go_of_inodes, 300)
{
	static uint64_t nodes[MAX_MANY];
	struct fuse_attr attr;
	long before, held;
	uint64_t dir;
	int i, nr = many();

	close_bed(self);
	open_bed(_metadata, self, variant->handles, true);
	dir = bed_lookup(self->f, "b");
	make_many(_metadata, &self->bed);
	sync();
	drop_caches(_metadata);
	before = inodes_in_use();
	ASSERT_LT(0, before);
	ASSERT_EQ(nr, list_many(self->f, dir, nodes));
	held = inodes_in_use() - before;
	EXPECT_LT(nr * 9 / 10, held);
	drop_caches(_metadata);
	held = inodes_in_use() - before;
	EXPECT_GT(nr / 10, held);
	/* And each is still what it was, ... */
	for (i = 0; i < nr; i += nr / 100) {
		ASSERT_EQ(0, fuse_getattr(self->f, nodes[i], &attr));
		EXPECT_TRUE(S_ISREG(attr.mode));
	}
	/* ... even if it must be shown anew that it is inside. */
	rename_something(_metadata, self->top);
	for (i = 1; i < nr; i += nr / 5) {
		ASSERT_EQ(0, fuse_getattr(self->f, nodes[i], &attr));
		EXPECT_TRUE(S_ISREG(attr.mode));
	}
}

TEST_F(fh, deleted_on_the_host)
{
	uint64_t file = bed_lookup(self->f, "a/file"), next;
	struct fuse_open_out open;

	ASSERT_EQ(0, unlinkat(self->bed.fd, "a/file", 0));
	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, file, NULL));
	EXPECT_EQ(-ESTALE, fuse_open(self->f, file, O_RDONLY, &open));
	EXPECT_EQ(-ENOENT, fuse_lookup(self->f, bed_lookup(self->f, "a"), "file",
				       &self->entry));
	/* The next file may get the inode number of the old. */
	ASSERT_EQ(0, bed_write_file(&self->bed, "a/file", "next", 4, 0644));
	next = bed_lookup(self->f, "a/file");
	ASSERT_NE(0, next);
	EXPECT_NE(file, next);
	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, file, NULL));
	EXPECT_EQ(0, fuse_forget(self->f, file, 1));
	EXPECT_EQ(0, fuse_getattr(self->f, next, NULL));
}

TEST_F(fh, directory_removed_on_the_host)
{
	uint64_t dir = bed_lookup(self->f, "b");
	struct fuse_open_out open;

	ASSERT_EQ(0, unlinkat(self->bed.fd, "b", AT_REMOVEDIR));
	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, dir, NULL));
	EXPECT_EQ(-ESTALE, fuse_opendir(self->f, dir, &open));
	EXPECT_EQ(-ESTALE, fuse_mkdir(self->f, dir, "x", 0755, 0, &self->entry));
}

static int getattr_open(struct fuse *f, uint64_t node, uint64_t fh,
			struct fuse_attr *attr)
{
	struct fuse_getattr_in in = {
		.getattr_flags = FUSE_GETATTR_FH, .fh = fh,
	};
	struct fuse_attr_out out;
	struct fuse_call c = {
		.opcode = FUSE_GETATTR, .nodeid = node,
		.in[0] = { &in, sizeof(in) }, .nr_in = 1,
		.out = &out, .out_size = sizeof(out),
	};
	int ret = fuse_call(f, &c);

	*attr = out.attr;
	return ret;
}

/* An open file exists for as long as it is open, by whomever it was deleted. */
TEST_F(fh, unlinked_and_open)
{
	uint64_t dir = bed_lookup(self->f, "a");
	uint64_t file = bed_lookup(self->f, "a/file");
	struct fuse_setattr_in in = { .valid = FATTR_SIZE, .size = 2 };
	struct fuse_open_out open;
	struct fuse_attr attr;
	char buf[8];

	ASSERT_EQ(0, fuse_open(self->f, file, O_RDWR, &open));
	ASSERT_EQ(0, fuse_unlink(self->f, dir, "file"));
	drop_caches(_metadata);
	rename_something(_metadata, self->top);
	EXPECT_EQ(4, fuse_read(self->f, file, open.fh, 0, buf, sizeof(buf)));
	EXPECT_EQ(0, fuse_getattr(self->f, file, &attr));
	EXPECT_EQ(0, attr.nlink);
	EXPECT_EQ(0, getattr_open(self->f, file, open.fh, &attr));
	EXPECT_EQ(0, attr.nlink);
	EXPECT_EQ(0, fuse_setattr(self->f, file, &in, &attr));
	EXPECT_EQ(2, attr.size);
	EXPECT_EQ(0, fuse_release(self->f, file, open.fh));
	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, file, NULL));
}

TEST_F(fh, open_and_moved_out)
{
	uint64_t file = bed_lookup(self->f, "a/file");
	struct fuse_open_out open;
	struct fuse_attr attr;
	char buf[8];

	ASSERT_EQ(0, fuse_open(self->f, file, O_RDONLY, &open));
	ASSERT_EQ(0, renameat(self->bed.fd, "a/file", self->top, "outside/f"));
	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, file, NULL));
	EXPECT_EQ(0, getattr_open(self->f, file, open.fh, &attr));
	EXPECT_EQ(4, fuse_read(self->f, file, open.fh, 0, buf, sizeof(buf)));
	EXPECT_EQ(0, fuse_release(self->f, file, open.fh));
}

TEST_F(fh, hard_links_are_one_node)
{
	uint64_t file = bed_lookup(self->f, "a/file");

	ASSERT_EQ(0, linkat(self->bed.fd, "a/file", self->bed.fd, "b/link", 0));
	EXPECT_EQ(file, bed_lookup(self->f, "b/link"));
	EXPECT_EQ(file, bed_lookup(self->f, "a/file"));
	/* The one it was found by last is deleted, the other is found by name. */
	ASSERT_EQ(0, unlinkat(self->bed.fd, "a/file", 0));
	drop_caches(_metadata);
	rename_something(_metadata, self->top);
	EXPECT_EQ(file, bed_lookup(self->f, "b/link"));
	EXPECT_EQ(0, fuse_getattr(self->f, file, NULL));
	drop_caches(_metadata);
	rename_something(_metadata, self->top);
	EXPECT_EQ(0, fuse_getattr(self->f, file, NULL));
}

TEST_F(fh, moved_inside)
{
	uint64_t file = bed_lookup(self->f, "a/file");
	uint64_t dir = bed_lookup(self->f, "a");

	ASSERT_EQ(0, renameat(self->bed.fd, "a", self->bed.fd, "b/a"));
	EXPECT_EQ(0, fuse_getattr(self->f, file, NULL));
	drop_caches(_metadata);
	rename_something(_metadata, self->top);
	EXPECT_EQ(0, fuse_getattr(self->f, dir, NULL));
	EXPECT_EQ(0, fuse_getattr(self->f, file, NULL));
	EXPECT_EQ(dir, bed_lookup(self->f, "b/a"));
	EXPECT_EQ(file, bed_lookup(self->f, "b/a/file"));
}

/* To another directory: found at once, or when it is looked up there. */
TEST_F(fh, moved_to_another_directory)
{
	uint64_t file = bed_lookup(self->f, "a/file");
	int ret;

	ASSERT_EQ(0, renameat(self->bed.fd, "a/file", self->bed.fd, "b/file"));
	EXPECT_EQ(0, fuse_getattr(self->f, file, NULL));
	drop_caches(_metadata);
	rename_something(_metadata, self->top);
	ret = fuse_getattr(self->f, file, NULL);
	EXPECT_TRUE(ret == 0 || ret == -ESTALE);
	EXPECT_EQ(file, bed_lookup(self->f, "b/file"));
	EXPECT_EQ(0, fuse_getattr(self->f, file, NULL));
	drop_caches(_metadata);
	rename_something(_metadata, self->top);
	EXPECT_EQ(0, fuse_getattr(self->f, file, NULL));
}

/* What the guest moves itself needs no lookup after. */
TEST_F(fh, moved_by_the_guest)
{
	uint64_t file = bed_lookup(self->f, "a/file");
	uint64_t a = bed_lookup(self->f, "a"), b = bed_lookup(self->f, "b");

	ASSERT_EQ(0, fuse_rename(self->f, a, "file", b, "moved"));
	drop_caches(_metadata);
	rename_something(_metadata, self->top);
	EXPECT_EQ(0, fuse_getattr(self->f, file, NULL));
}

TEST_F(fh, file_moved_out)
{
	uint64_t file = bed_lookup(self->f, "a/file");
	struct fuse_open_out open;

	ASSERT_EQ(0, fuse_getattr(self->f, file, NULL));
	ASSERT_EQ(0, renameat(self->bed.fd, "a/file", self->top, "outside/f"));
	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, file, NULL));
	drop_caches(_metadata);
	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, file, NULL));
	EXPECT_EQ(-ESTALE, fuse_open(self->f, file, O_RDONLY, &open));
	EXPECT_EQ(-ESTALE, fuse_link(self->f, file, ROOT, "x", &self->entry));
	ASSERT_EQ(0, renameat(self->top, "outside/f", self->bed.fd, "a/file"));
	EXPECT_EQ(0, fuse_getattr(self->f, file, NULL));
	EXPECT_EQ(file, bed_lookup(self->f, "a/file"));
}

TEST_F(fh, directory_moved_out)
{
	uint64_t dir = bed_lookup(self->f, "a");
	uint64_t file = bed_lookup(self->f, "a/file");

	ASSERT_EQ(0, renameat(self->bed.fd, "a", self->top, "outside/a"));
	drop_caches(_metadata);
	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, file, NULL));
	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, dir, NULL));
	EXPECT_EQ(-ESTALE, fuse_lookup(self->f, dir, "file", &self->entry));
	EXPECT_EQ(-ESTALE, fuse_mkdir(self->f, dir, "x", 0755, 0, &self->entry));
	ASSERT_EQ(0, renameat(self->top, "outside/a", self->bed.fd, "a"));
	EXPECT_EQ(0, fuse_getattr(self->f, dir, NULL));
	EXPECT_EQ(0, fuse_getattr(self->f, file, NULL));
}

/* Out of its reach: a link of a file the guest knew, in what isn't shared. */
TEST_F(fh, only_the_other_link_is_left)
{
	uint64_t file = bed_lookup(self->f, "a/file");

	ASSERT_EQ(0, linkat(self->bed.fd, "a/file", self->top, "outside/f", 0));
	EXPECT_EQ(0, fuse_getattr(self->f, file, NULL));
	ASSERT_EQ(0, unlinkat(self->bed.fd, "a/file", 0));
	drop_caches(_metadata);
	rename_something(_metadata, self->top);
	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, file, NULL));
}

TEST_F(fh, node_limit)
{
	struct bed_config config = {
		.options.inode_file_handles = variant->handles,
		.max_nodes = 3,
	};
	struct bed bed;

	ASSERT_EQ(0, bed_open(&bed, &config));
	ASSERT_EQ(0, mkdirat(bed.fd, "1", 0755));
	ASSERT_EQ(0, mkdirat(bed.fd, "2", 0755));
	ASSERT_EQ(0, mkdirat(bed.fd, "3", 0755));
	EXPECT_NE(0, bed_lookup(&bed.fuse, "1"));
	EXPECT_NE(0, bed_lookup(&bed.fuse, "2"));
	EXPECT_EQ(-ENFILE, fuse_lookup(&bed.fuse, ROOT, "3", &self->entry));
	EXPECT_EQ(-ENFILE, fuse_mkdir(&bed.fuse, ROOT, "4", 0755, 0,
				      &self->entry));
	EXPECT_EQ(-1, faccessat(bed.fd, "4", F_OK, 0));
	bed_close(&bed);
}

static int add_share(const char *dir, uint32_t handles)
{
	struct vhost_fs_add_share arg = {
		.size = sizeof(arg), .name = "node-fh-test",
		.root_fd = open(dir, O_PATH | O_DIRECTORY),
		.inode_file_handles = handles,
	};
	int ret = share_add(&arg);

	if (!ret)
		share_remove("node-fh-test");
	close(arg.root_fd);
	return ret;
}

/* procfs has no file handles. */
TEST(file_system_without_handles)
{
	EXPECT_EQ(0, add_share("/proc", VHOST_FS_HANDLES_NEVER));
	EXPECT_EQ(0, add_share("/proc", VHOST_FS_HANDLES_PREFER));
	EXPECT_EQ(-EOPNOTSUPP, add_share("/proc", VHOST_FS_HANDLES_MANDATORY));
}

static int drop_capability(int cap)
{
	struct __user_cap_header_struct hdr = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &hdr, data))
		return -errno;
	data[CAP_TO_INDEX(cap)].effective &= ~CAP_TO_MASK(cap);
	return syscall(SYS_capset, &hdr, data) ? -errno : 0;
}

TEST(add_share_needs_the_capability)
{
	ASSERT_EQ(0, drop_capability(CAP_DAC_READ_SEARCH));
	EXPECT_EQ(0, add_share("/tmp", VHOST_FS_HANDLES_NEVER));
	EXPECT_EQ(-EPERM, add_share("/tmp", VHOST_FS_HANDLES_PREFER));
	EXPECT_EQ(-EPERM, add_share("/tmp", VHOST_FS_HANDLES_MANDATORY));
}

TEST_HARNESS_MAIN
