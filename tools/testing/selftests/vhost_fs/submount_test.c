// SPDX-License-Identifier: GPL-2.0-only
/*
 * Other mounts in the share: how the guest is told of them, and what becomes of
 * nodes there when the host mounts, moves and unmounts.
 */
#include "bed.h"
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mount.h>

#define ROOT FUSE_ROOT_ID

FIXTURE(submount) {
	struct bed bed;
	struct fuse *f;
	struct fuse_entry_out entry;
};

FIXTURE_VARIANT(submount) {
	uint32_t handles;
};

FIXTURE_VARIANT_ADD(submount, dentries) { .handles = VHOST_FS_HANDLES_NEVER };
FIXTURE_VARIANT_ADD(submount, handles) { .handles = VHOST_FS_HANDLES_PREFER };

static char *in_share(struct bed *bed, const char *name)
{
	static char path[2][160];
	static int n;

	n = !n;
	snprintf(path[n], sizeof(path[n]), "%s/%s", bed->dir, name);
	return path[n];
}

static int mount_tmpfs(struct bed *bed, const char *name)
{
	return mount("tmpfs", in_share(bed, name), "tmpfs", 0, NULL) ?
		-errno : 0;
}

static int bind(struct bed *bed, const char *from, const char *to)
{
	return mount(in_share(bed, from), in_share(bed, to), NULL, MS_BIND,
		     NULL) ? -errno : 0;
}

static int unmount(struct bed *bed, const char *name, int flags)
{
	return umount2(in_share(bed, name), flags) ? -errno : 0;
}

/* In the share: dir, other, and a tmpfs on sub with sub/file and sub/in. */
FIXTURE_SETUP(submount)
{
	struct bed_config config = { .options.inode_file_handles = variant->handles };

	ASSERT_EQ(0, unshare(CLONE_NEWNS));
	ASSERT_EQ(0, mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	ASSERT_EQ(0, bed_open(&self->bed, &config));
	self->f = &self->bed.fuse;
	ASSERT_EQ(0, mkdirat(self->bed.fd, "dir", 0755));
	ASSERT_EQ(0, mkdirat(self->bed.fd, "other", 0755));
	ASSERT_EQ(0, mkdirat(self->bed.fd, "sub", 0755));
	ASSERT_EQ(0, mount_tmpfs(&self->bed, "sub"));
	ASSERT_EQ(0, bed_write_file(&self->bed, "sub/file", "data", 4, 0644));
	ASSERT_EQ(0, mkdirat(self->bed.fd, "sub/in", 0755));
}

FIXTURE_TEARDOWN(submount)
{
	while (!unmount(&self->bed, "sub/in", MNT_DETACH))
		;
	while (!unmount(&self->bed, "sub", MNT_DETACH))
		;
	bed_close(&self->bed);
}

TEST_F(submount, is_announced)
{
	struct fuse_attr attr;
	uint64_t sub;

	ASSERT_EQ(0, fuse_lookup(self->f, ROOT, "sub", &self->entry));
	sub = self->entry.nodeid;
	EXPECT_EQ(FUSE_ATTR_SUBMOUNT, self->entry.attr.flags);
	ASSERT_EQ(0, fuse_getattr(self->f, sub, &attr));
	EXPECT_EQ(FUSE_ATTR_SUBMOUNT, attr.flags);
	ASSERT_EQ(0, fuse_lookup(self->f, sub, "file", &self->entry));
	EXPECT_EQ(0, self->entry.attr.flags);
	ASSERT_EQ(0, fuse_lookup(self->f, ROOT, "dir", &self->entry));
	EXPECT_EQ(0, self->entry.attr.flags);
	ASSERT_EQ(0, fuse_getattr(self->f, ROOT, &attr));
	EXPECT_EQ(0, attr.flags);
}

/* The listing of the parent, too, gives what is mounted, not what it hides. */
TEST_F(submount, is_announced_in_listings)
{
	struct fuse_open_out open;
	char buf[4096];
	bool seen = false;
	uint64_t offset = 0;
	int len, pos;

	ASSERT_EQ(0, fuse_opendir(self->f, ROOT, &open));
	while ((len = fuse_readdirplus(self->f, ROOT, open.fh, offset, buf,
				       sizeof(buf))) > 0) {
		for (pos = 0; pos < len;) {
			struct fuse_direntplus *dp = (void *)(buf + pos);

			pos += FUSE_DIRENTPLUS_SIZE(dp);
			offset = dp->dirent.off;
			if (dp->dirent.namelen != 3 ||
			    memcmp(dp->dirent.name, "sub", 3))
				continue;
			seen = true;
			EXPECT_EQ(bed_lookup(self->f, "sub"),
				  dp->entry_out.nodeid);
			EXPECT_EQ(FUSE_ATTR_SUBMOUNT, dp->entry_out.attr.flags);
		}
	}
	EXPECT_EQ(0, len);
	EXPECT_TRUE(seen);
	EXPECT_EQ(0, fuse_releasedir(self->f, ROOT, open.fh));
}

TEST_F(submount, statx_tells_of_the_mount)
{
	struct fuse_statx st, root;

	ASSERT_EQ(0, fuse_statx(self->f, ROOT, 0x7ff, &root));
	ASSERT_EQ(0, fuse_statx(self->f, bed_lookup(self->f, "sub"), 0x7ff,
				&st));
	EXPECT_TRUE(st.attributes_mask & STATX_ATTR_MOUNT_ROOT);
	EXPECT_TRUE(st.attributes & STATX_ATTR_MOUNT_ROOT);
	EXPECT_TRUE(st.dev_minor != root.dev_minor ||
		    st.dev_major != root.dev_major);
	ASSERT_EQ(0, fuse_statx(self->f, bed_lookup(self->f, "sub/file"), 0x7ff,
				&st));
	EXPECT_FALSE(st.attributes & STATX_ATTR_MOUNT_ROOT);
	ASSERT_EQ(0, fuse_statx(self->f, ROOT, 0x7ff, &root));
	EXPECT_TRUE(root.attributes & STATX_ATTR_MOUNT_ROOT);
}

TEST_F(submount, mounted_later)
{
	uint64_t under = bed_lookup(self->f, "dir"), dir;

	ASSERT_EQ(0, bed_write_file(&self->bed, "dir/hidden", "x", 1, 0644));
	ASSERT_EQ(0, mount_tmpfs(&self->bed, "dir"));
	dir = bed_lookup(self->f, "dir");
	EXPECT_NE(0, dir);
	EXPECT_NE(under, dir);
	EXPECT_EQ(-ENOENT, fuse_lookup(self->f, dir, "hidden", &self->entry));
	EXPECT_EQ(0, unmount(&self->bed, "dir", MNT_DETACH));
	EXPECT_EQ(under, bed_lookup(self->f, "dir"));
}

/* A file system that is mounted twice gives two nodes for each file. */
TEST_F(submount, bound_twice)
{
	uint64_t one, two;

	ASSERT_EQ(0, bind(&self->bed, "sub", "dir"));
	one = bed_lookup(self->f, "sub/file");
	two = bed_lookup(self->f, "dir/file");
	EXPECT_NE(0, one);
	EXPECT_NE(0, two);
	EXPECT_NE(one, two);
	EXPECT_EQ(-EXDEV, fuse_link(self->f, one, bed_lookup(self->f, "dir"),
				    "link", &self->entry));
	EXPECT_EQ(-EXDEV, fuse_rename(self->f, bed_lookup(self->f, "sub"), "file",
				      bed_lookup(self->f, "dir"), "other"));
	EXPECT_EQ(0, unmount(&self->bed, "dir", MNT_DETACH));
}

/* Nor is it the same node when the share's own file system is bound inside. */
TEST_F(submount, own_file_system_bound)
{
	uint64_t one, two;

	ASSERT_EQ(0, bed_write_file(&self->bed, "other/f", "data", 4, 0644));
	ASSERT_EQ(0, bind(&self->bed, "other", "dir"));
	one = bed_lookup(self->f, "other/f");
	two = bed_lookup(self->f, "dir/f");
	EXPECT_NE(0, two);
	EXPECT_NE(one, two);
	EXPECT_EQ(0, fuse_getattr(self->f, two, NULL));
	EXPECT_EQ(0, unmount(&self->bed, "dir", MNT_DETACH));
	EXPECT_EQ(0, fuse_getattr(self->f, one, NULL));
}

/* Nothing of a directory is to be had, not what it holds nor what is above. */
static void expect_lost(struct __test_metadata *_metadata,
			FIXTURE_DATA(submount) *self, uint64_t dir)
{
	struct fuse_open_out open;

	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, dir, NULL));
	EXPECT_EQ(-ESTALE, fuse_lookup(self->f, dir, "..", &self->entry));
	EXPECT_EQ(-ESTALE, fuse_lookup(self->f, dir, "file", &self->entry));
	EXPECT_EQ(-ESTALE, fuse_opendir(self->f, dir, &open));
	EXPECT_EQ(-ESTALE, fuse_mkdir(self->f, dir, "x", 0755, 0,
				      &self->entry));
}

/*
 * On "other" is a bind mount of "dir". What is moved out of "dir" elsewhere in
 * the file system doesn't lie below "other" any more; the way up from there
 * would lead to all of the file system.
 */
TEST_F(submount, moved_out_of_a_bind_mount)
{
	uint64_t c, d, file;
	int i;

	ASSERT_EQ(0, mkdirat(self->bed.fd, "dir/c", 0755));
	ASSERT_EQ(0, mkdirat(self->bed.fd, "dir/c/d", 0755));
	ASSERT_EQ(0, bed_write_file(&self->bed, "dir/c/d/file", "x", 1, 0644));
	ASSERT_EQ(0, bind(&self->bed, "dir", "other"));
	c = bed_lookup(self->f, "other/c");
	d = bed_lookup(self->f, "other/c/d");
	file = bed_lookup(self->f, "other/c/d/file");
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, fuse_getattr(self->f, file, NULL));
		ASSERT_EQ(0, fuse_lookup(self->f, c, "..", &self->entry));
		EXPECT_EQ(bed_lookup(self->f, "other"), self->entry.nodeid);
		/* By the host, and by the guest. */
		ASSERT_EQ(0, i ? fuse_rename(self->f, bed_lookup(self->f, "dir"),
					     "c", ROOT, "c") :
				 renameat(self->bed.fd, "dir/c", self->bed.fd,
					  "c"));
		expect_lost(_metadata, self, c);
		expect_lost(_metadata, self, d);
		EXPECT_EQ(-ESTALE, fuse_getattr(self->f, file, NULL));
		EXPECT_NE(0, bed_lookup(self->f, "c/d/file"));
		ASSERT_EQ(0, renameat(self->bed.fd, "c", self->bed.fd, "dir/c"));
	}
	EXPECT_EQ(0, fuse_getattr(self->f, file, NULL));
	EXPECT_EQ(0, unmount(&self->bed, "other", MNT_DETACH));
}

/* Nor does what is mounted there. */
TEST_F(submount, mount_moved_out_of_a_bind_mount)
{
	uint64_t in;

	ASSERT_EQ(0, mkdirat(self->bed.fd, "dir/c", 0755));
	ASSERT_EQ(0, mkdirat(self->bed.fd, "dir/c/point", 0755));
	ASSERT_EQ(0, bind(&self->bed, "dir", "other"));
	ASSERT_EQ(0, bind(&self->bed, "sub", "other/c/point"));
	in = bed_lookup(self->f, "other/c/point/in");
	ASSERT_EQ(0, fuse_getattr(self->f, in, NULL));
	ASSERT_EQ(0, renameat(self->bed.fd, "dir/c", self->bed.fd, "c"));
	expect_lost(_metadata, self, in);
	ASSERT_EQ(0, renameat(self->bed.fd, "c", self->bed.fd, "dir/c"));
	EXPECT_EQ(0, fuse_getattr(self->f, in, NULL));
	EXPECT_EQ(0, unmount(&self->bed, "other", MNT_DETACH));
}

struct mover {
	int fd;
	bool stop;
	unsigned int rounds;
};

static void *move_to_and_fro(void *arg)
{
	struct mover *m = arg;

	while (!__atomic_load_n(&m->stop, __ATOMIC_RELAXED)) {
		if (renameat(m->fd, "dir/c", m->fd, "c") ||
		    renameat(m->fd, "c", m->fd, "dir/c"))
			break;
		m->rounds++;
	}
	return NULL;
}

TEST_F_TIMEOUT(submount, moved_out_while_looked_up, 300)
{
	struct mover m = { .fd = self->bed.fd };
	uint64_t c, other;
	pthread_t thread;
	int i, ret;

	ASSERT_EQ(0, mkdirat(self->bed.fd, "dir/c", 0755));
	ASSERT_EQ(0, bind(&self->bed, "dir", "other"));
	other = bed_lookup(self->f, "other");
	c = bed_lookup(self->f, "other/c");
	ASSERT_EQ(0, pthread_create(&thread, NULL, move_to_and_fro, &m));
	for (i = 0; i < test_rounds(500); i++) {
		ret = fuse_lookup(self->f, c, "..", &self->entry);
		EXPECT_TRUE(ret == -ESTALE ||
			    (!ret && self->entry.nodeid == other));
	}
	__atomic_store_n(&m.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	EXPECT_LT(0, m.rounds);
	EXPECT_EQ(0, unmount(&self->bed, "other", MNT_DETACH));
}

/* A mount of a file on a file. */
TEST_F(submount, file_on_file)
{
	struct fuse_open_out open;
	uint64_t file;
	char buf[8];

	ASSERT_EQ(0, bed_write_file(&self->bed, "point", "", 0, 0644));
	ASSERT_EQ(0, bind(&self->bed, "sub/file", "point"));
	file = bed_lookup(self->f, "point");
	ASSERT_EQ(0, fuse_open(self->f, file, O_RDONLY, &open));
	EXPECT_EQ(4, fuse_read(self->f, file, open.fh, 0, buf, sizeof(buf)));
	EXPECT_EQ(0, fuse_release(self->f, file, open.fh));
	EXPECT_EQ(0, fuse_getattr(self->f, file, NULL));
	EXPECT_EQ(0, unmount(&self->bed, "point", MNT_DETACH));
}

TEST_F(submount, mount_point_is_in_use)
{
	EXPECT_EQ(-EBUSY, fuse_rmdir(self->f, ROOT, "sub"));
	EXPECT_EQ(-EBUSY, fuse_rename(self->f, ROOT, "sub", ROOT, "x"));
	EXPECT_EQ(0, unmount(&self->bed, "sub", MNT_DETACH));
	EXPECT_EQ(0, fuse_rmdir(self->f, ROOT, "sub"));
}

FIXTURE(handles) {
	struct bed bed;
	struct fuse *f;
	struct fuse_entry_out entry;
};

FIXTURE_SETUP(handles)
{
	const FIXTURE_VARIANT(submount) v = {
		.handles = VHOST_FS_HANDLES_PREFER,
	};

	submount_setup(_metadata, (FIXTURE_DATA(submount) *)self, &v);
}

FIXTURE_TEARDOWN(handles)
{
	submount_teardown(_metadata, (FIXTURE_DATA(submount) *)self, NULL);
}

/* What the guest only looked at, the host can unmount. */
TEST_F(handles, unmount)
{
	uint64_t under, sub = bed_lookup(self->f, "sub");
	uint64_t file = bed_lookup(self->f, "sub/file");
	struct fuse_open_out open;

	ASSERT_NE(0, file);
	ASSERT_EQ(0, fuse_getattr(self->f, file, NULL));
	ASSERT_EQ(0, unmount(&self->bed, "sub", 0));
	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, sub, NULL));
	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, file, NULL));
	EXPECT_EQ(-ESTALE, fuse_open(self->f, file, O_RDONLY, &open));
	EXPECT_EQ(-ESTALE, fuse_lookup(self->f, sub, "file", &self->entry));
	under = bed_lookup(self->f, "sub");
	EXPECT_NE(0, under);
	EXPECT_NE(sub, under);
	EXPECT_EQ(0, fuse_getattr(self->f, under, NULL));
}

TEST_F(handles, open_file_keeps_the_mount)
{
	uint64_t file = bed_lookup(self->f, "sub/file");
	struct fuse_open_out open;
	char buf[8];

	ASSERT_EQ(0, fuse_open(self->f, file, O_RDONLY, &open));
	EXPECT_EQ(-EBUSY, unmount(&self->bed, "sub", 0));
	ASSERT_EQ(0, unmount(&self->bed, "sub", MNT_DETACH));
	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, file, NULL));
	EXPECT_EQ(4, fuse_read(self->f, file, open.fh, 0, buf, sizeof(buf)));
	EXPECT_EQ(0, fuse_release(self->f, file, open.fh));
}

/* The same files at the same place, but by another mount. */
TEST_F(handles, mounted_anew)
{
	uint64_t file, i;

	ASSERT_EQ(0, bind(&self->bed, "sub", "dir"));
	file = bed_lookup(self->f, "dir/file");
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, unmount(&self->bed, "dir", 0));
		ASSERT_EQ(0, bind(&self->bed, "sub", "dir"));
		EXPECT_EQ(-ESTALE, fuse_getattr(self->f, file, NULL));
		EXPECT_NE(file, bed_lookup(self->f, "dir/file"));
		EXPECT_EQ(-ESTALE, fuse_getattr(self->f, file, NULL));
	}
	EXPECT_EQ(0, unmount(&self->bed, "dir", 0));
}

/* Something else is mounted over it: neither is what the other was. */
TEST_F(handles, mounted_over)
{
	uint64_t lower = bed_lookup(self->f, "sub/file"), upper;

	ASSERT_EQ(0, mount_tmpfs(&self->bed, "sub"));
	ASSERT_EQ(0, bed_write_file(&self->bed, "sub/file", "upper", 5, 0644));
	upper = bed_lookup(self->f, "sub/file");
	ASSERT_NE(0, upper);
	EXPECT_NE(lower, upper);
	EXPECT_EQ(0, fuse_getattr(self->f, upper, NULL));
	EXPECT_EQ(0, fuse_getattr(self->f, lower, NULL));
	ASSERT_EQ(0, unmount(&self->bed, "sub", 0));
	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, upper, NULL));
	EXPECT_EQ(0, fuse_getattr(self->f, lower, NULL));
	EXPECT_EQ(lower, bed_lookup(self->f, "sub/file"));
}

TEST_F(handles, nested)
{
	uint64_t outer = bed_lookup(self->f, "sub/file"), inner;

	ASSERT_EQ(0, mount_tmpfs(&self->bed, "sub/in"));
	ASSERT_EQ(0, bed_write_file(&self->bed, "sub/in/f", "data", 4, 0644));
	inner = bed_lookup(self->f, "sub/in/f");
	ASSERT_NE(0, inner);
	EXPECT_EQ(0, fuse_getattr(self->f, inner, NULL));
	/* With the outer one unmounted, the inner one isn't found either. */
	ASSERT_EQ(0, unmount(&self->bed, "sub/in", 0));
	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, inner, NULL));
	EXPECT_EQ(0, fuse_getattr(self->f, outer, NULL));
	ASSERT_EQ(0, mount_tmpfs(&self->bed, "sub/in"));
	ASSERT_EQ(0, bed_write_file(&self->bed, "sub/in/f", "data", 4, 0644));
	inner = bed_lookup(self->f, "sub/in/f");
	ASSERT_EQ(0, unmount(&self->bed, "sub", MNT_DETACH));
	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, inner, NULL));
	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, outer, NULL));
}

/* Deeper than the way to a mount is remembered: kept the other way. */
TEST_F(handles, nested_deeply)
{
	char name[128] = "sub/in";
	uint64_t node;
	int i;

	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, mount_tmpfs(&self->bed, name));
		strcat(name, "/d");
		ASSERT_EQ(0, mkdirat(self->bed.fd, name, 0755));
	}
	node = bed_lookup(self->f, name);
	ASSERT_NE(0, node);
	EXPECT_EQ(0, fuse_getattr(self->f, node, NULL));
	EXPECT_EQ(node, bed_lookup(self->f, name));
	EXPECT_EQ(0, fuse_forget(self->f, node, 2));
	ASSERT_EQ(0, unmount(&self->bed, "sub/in", MNT_DETACH));
}

TEST_F(handles, moved_mount)
{
	uint64_t file = bed_lookup(self->f, "sub/file"), moved;

	ASSERT_EQ(0, mount(in_share(&self->bed, "sub"),
			   in_share(&self->bed, "dir"), NULL, MS_MOVE, NULL));
	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, file, NULL));
	moved = bed_lookup(self->f, "dir/file");
	ASSERT_NE(0, moved);
	EXPECT_EQ(0, fuse_getattr(self->f, moved, NULL));
	EXPECT_EQ(moved, bed_lookup(self->f, "dir/file"));
	ASSERT_EQ(0, unmount(&self->bed, "dir", 0));
	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, moved, NULL));
}

/* A mount point moves with the directories above it. */
TEST_F(handles, directory_above_is_moved)
{
	char out[128];
	uint64_t file;

	ASSERT_EQ(0, mkdirat(self->bed.fd, "dir/point", 0755));
	ASSERT_EQ(0, mount_tmpfs(&self->bed, "dir/point"));
	ASSERT_EQ(0, bed_write_file(&self->bed, "dir/point/f", "x", 1, 0644));
	file = bed_lookup(self->f, "dir/point/f");
	ASSERT_EQ(0, renameat(self->bed.fd, "dir", self->bed.fd, "other/dir"));
	EXPECT_EQ(0, fuse_getattr(self->f, file, NULL));
	EXPECT_EQ(file, bed_lookup(self->f, "other/dir/point/f"));
	/* Out of the share, its mount isn't in the share either. */
	snprintf(out, sizeof(out), "%s/out", self->bed.top);
	ASSERT_EQ(0, renameat(self->bed.fd, "other/dir", AT_FDCWD, out));
	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, file, NULL));
	strcat(out, "/point");
	EXPECT_EQ(0, umount2(out, MNT_DETACH));
}

/* What has no handles is kept by its dentry, and so is its mount. */
TEST_F(handles, file_system_without_handles)
{
	uint64_t node;

	ASSERT_EQ(0, mount("proc", in_share(&self->bed, "dir"), "proc", 0, NULL));
	node = bed_lookup(self->f, "dir/filesystems");
	ASSERT_NE(0, node);
	EXPECT_EQ(0, fuse_getattr(self->f, node, NULL));
	EXPECT_EQ(-EBUSY, unmount(&self->bed, "dir", 0));
	EXPECT_EQ(0, unmount(&self->bed, "dir", MNT_DETACH));
}

TEST_F(handles, mandatory_without_handles)
{
	struct bed_config config = {
		.options.inode_file_handles = VHOST_FS_HANDLES_MANDATORY,
	};
	struct bed bed;

	ASSERT_EQ(0, bed_open(&bed, &config));
	ASSERT_EQ(0, mkdirat(bed.fd, "proc", 0755));
	ASSERT_EQ(0, mkdirat(bed.fd, "tmp", 0755));
	ASSERT_EQ(0, mount("proc", in_share(&bed, "proc"), "proc", 0, NULL));
	ASSERT_EQ(0, mount_tmpfs(&bed, "tmp"));
	EXPECT_EQ(-EOPNOTSUPP, fuse_lookup(&bed.fuse, ROOT, "proc",
					   &self->entry));
	EXPECT_EQ(0, fuse_lookup(&bed.fuse, ROOT, "tmp", &self->entry));
	EXPECT_EQ(0, unmount(&bed, "tmp", 0));
	EXPECT_EQ(0, unmount(&bed, "proc", 0));
	bed_close(&bed);
}

/* Mounts and unmounts on "sub" until told to stop. */
struct mounter {
	struct bed *bed;
	bool stop;
	unsigned int rounds;
};

static void *mount_to_and_fro(void *arg)
{
	struct mounter *m = arg;
	char path[128];

	snprintf(path, sizeof(path), "%s/sub", m->bed->dir);
	while (!__atomic_load_n(&m->stop, __ATOMIC_RELAXED)) {
		if (mount("tmpfs", path, "tmpfs", 0, NULL))
			break;
		bed_write_file(m->bed, "sub/file", "data", 4, 0644);
		sched_yield();
		/* A request may be at work there. */
		if (umount2(path, m->rounds & 1 ? 0 : MNT_DETACH))
			umount2(path, MNT_DETACH);
		m->rounds++;
	}
	return NULL;
}

TEST_F_TIMEOUT(submount, mounted_while_used, 300)
{
	struct mounter m = { .bed = &self->bed };
	struct fuse_open_out open;
	pthread_t thread;
	int i, ret;

	ASSERT_EQ(0, unmount(&self->bed, "sub", MNT_DETACH));
	ASSERT_EQ(0, pthread_create(&thread, NULL, mount_to_and_fro, &m));
	for (i = 0; i < test_rounds(500); i++) {
		ASSERT_EQ(0, fuse_lookup(self->f, ROOT, "dir", &self->entry));
		ret = fuse_lookup(self->f, ROOT, "sub", &self->entry);
		EXPECT_TRUE(ret == 0 || ret == -ESTALE);
		if (ret)
			continue;
		ret = fuse_lookup(self->f, self->entry.nodeid, "file",
				  &self->entry);
		EXPECT_TRUE(ret == 0 || ret == -ENOENT || ret == -ESTALE);
		if (ret)
			continue;
		ret = fuse_open(self->f, self->entry.nodeid, O_RDONLY, &open);
		EXPECT_TRUE(ret == 0 || ret == -ESTALE);
		if (!ret)
			fuse_release(self->f, self->entry.nodeid, open.fh);
		if (i % 3)
			fuse_forget(self->f, self->entry.nodeid, 1);
	}
	__atomic_store_n(&m.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	EXPECT_LT(0, m.rounds);
	EXPECT_EQ(0, fuse_lookup(self->f, ROOT, "sub", &self->entry));
	EXPECT_EQ(0, self->entry.attr.flags);
}

TEST_HARNESS_MAIN
