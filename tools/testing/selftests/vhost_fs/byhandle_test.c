// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest that exports its mount: open_by_handle_at(2) on the stock guest
 * driver, after the guest's cache has gone.
 *
 *	byhandle_test SHAREDIR MOUNT
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "harness.h"

static const char *share_dir, *mount_dir;

/* Room for the handles of any file system. */
struct handle {
	struct file_handle fh;
	unsigned char bytes[MAX_HANDLE_SZ];
};

FIXTURE(byhandle) {
	int host, guest;	/* both of SHAREDIR/byhandle */
	int mount;
};

FIXTURE_SETUP(byhandle)
{
	int top = open(share_dir, O_RDONLY | O_DIRECTORY), fd;

	self->mount = open(mount_dir, O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, top);
	ASSERT_LE(0, self->mount);
	mkdirat(top, "byhandle", 0755);
	self->host = openat(top, "byhandle", O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, self->host);
	mkdirat(self->host, "dir", 0755);
	fd = openat(self->host, "dir/file", O_WRONLY | O_CREAT | O_TRUNC, 0644);
	ASSERT_EQ(4, write(fd, "data", 4));
	close(fd);
	self->guest = openat(self->mount, "byhandle", O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, self->guest);
	close(top);
}

FIXTURE_TEARDOWN(byhandle)
{
	close(self->guest);
	close(self->host);
	close(self->mount);
}

static int handle_of(int dir, const char *name, struct handle *h)
{
	int id;

	h->fh.handle_bytes = sizeof(h->bytes);
	return name_to_handle_at(dir, name, &h->fh, &id, 0);
}

static void drop_caches(struct __test_metadata *_metadata)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);

	ASSERT_LE(0, fd);
	ASSERT_EQ(1, write(fd, "2", 1));
	close(fd);
}

TEST_F(byhandle, file)
{
	struct handle h;
	char buf[8];
	int fd;

	ASSERT_EQ(0, handle_of(self->guest, "dir/file", &h));
	drop_caches(_metadata);
	fd = open_by_handle_at(self->mount, &h.fh, O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_EQ(4, read(fd, buf, sizeof(buf)));
	EXPECT_EQ(0, memcmp(buf, "data", 4));
	close(fd);
}

/* A directory comes back with its place in the tree. */
TEST_F(byhandle, directory)
{
	char link[32], path[PATH_MAX], want[PATH_MAX];
	struct stat st, by_name;
	struct handle h;
	ssize_t len;
	int fd;

	ASSERT_EQ(0, handle_of(self->guest, "dir", &h));
	drop_caches(_metadata);
	fd = open_by_handle_at(self->mount, &h.fh, O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fstat(fd, &st));
	ASSERT_EQ(0, fstatat(self->guest, "dir", &by_name, 0));
	EXPECT_EQ(by_name.st_ino, st.st_ino);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - 1);
	ASSERT_LT(0, len);
	path[len] = '\0';
	snprintf(want, sizeof(want), "%s/byhandle/dir", mount_dir);
	EXPECT_EQ(0, strcmp(want, path));
	/* And can be left upwards, as far as the mount's root. */
	ASSERT_EQ(0, fstatat(fd, "../../..", &st, 0));
	EXPECT_NE(0, st.st_ino);
	EXPECT_EQ(0, faccessat(fd, "../dir/file", R_OK, 0));
	close(fd);
}

TEST_F(byhandle, deleted)
{
	struct handle h;

	ASSERT_EQ(0, handle_of(self->guest, "dir/file", &h));
	drop_caches(_metadata);
	ASSERT_EQ(0, unlinkat(self->host, "dir/file", 0));
	EXPECT_EQ(-1, open_by_handle_at(self->mount, &h.fh, O_RDONLY));
	EXPECT_EQ(ESTALE, errno);
}

int main(int argc, char **argv)
{
	if (argc < 3 || argv[1][0] != '/' || argv[2][0] != '/') {
		fprintf(stderr,
			"usage: byhandle_test SHAREDIR MOUNT [TEST]...; both absolute\n");
		return 2;
	}
	share_dir = argv[1];
	mount_dir = argv[2];
	return test_harness_run(argc - 2, argv + 2);
}
