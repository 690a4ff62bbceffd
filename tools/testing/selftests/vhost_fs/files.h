/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of files have in common:
 *
 *	PROGRAM SHAREDIR MOUNT [TEST]...
 *
 * MOUNT is a virtiofs mount of SHAREDIR in this very kernel, so both views are
 * at hand. Most checks are differential: the same calls are made on the mount
 * and in a twin directory of the host's own, and must have the same results and
 * leave the same tree.
 */
#ifndef VHOST_FS_FILES_H
#define VHOST_FS_FILES_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "harness.h"

#define __maybe_unused __attribute__((unused))

#define NOBODY	65534
#define OTHER	3000

/* For tests that wait on a slow machine. */
#define LONG	240

#define BIG	(3 * 1024 * 1024 + 12345)

static const char *share_dir, *mount_dir;

/* Calls that tests are made of; all return 0 or a number, or -1 and errno. */

static __maybe_unused int touch(int dir, const char *name, int flags, mode_t mode)
{
	int fd = openat(dir, name, flags | O_CLOEXEC, mode);

	return fd < 0 ? -1 : close(fd);
}

static __maybe_unused int put(int dir, const char *name, int flags, const char *text)
{
	int fd = openat(dir, name, flags | O_WRONLY | O_CLOEXEC, 0666);
	ssize_t ret;
	int err;

	if (fd < 0)
		return -1;
	ret = write(fd, text, strlen(text));
	err = errno;
	close(fd);
	errno = err;
	return ret;
}

static __maybe_unused int size_of(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) ? -1 : st.st_size;
}

static __maybe_unused int links_of(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) ? -1 : st.st_nlink;
}

static __maybe_unused int truncate_at(int dir, const char *name, off_t size)
{
	int fd = openat(dir, name, O_WRONLY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -1;
	ret = ftruncate(fd, size);
	close(fd);
	return ret;
}

static __maybe_unused int allocate(int dir, const char *name, int mode, off_t from, off_t len)
{
	int fd = openat(dir, name, O_RDWR | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -1;
	ret = fallocate(fd, mode, from, len);
	close(fd);
	return ret;
}

static __maybe_unused int chmod_at(int dir, const char *name, mode_t mode)
{
	return fchmodat(dir, name, mode, 0);
}

static __maybe_unused int chown_at(int dir, const char *name, uid_t uid, gid_t gid)
{
	return fchownat(dir, name, uid, gid, AT_SYMLINK_NOFOLLOW);
}

static __maybe_unused int rename_at(int dir, const char *from, const char *to, int flags)
{
	return renameat2(dir, from, dir, to, flags);
}

static __maybe_unused int set_times(int dir, const char *name, time_t sec, long nsec)
{
	struct timespec times[2] = { { sec, nsec }, { sec + 1, nsec / 2 } };

	return utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW);
}

static __maybe_unused int link_target_length(int dir, const char *name)
{
	char target[PATH_MAX];

	return readlinkat(dir, name, target, sizeof(target));
}

/* Copies in the kernel, whichever way it finds. */
static __maybe_unused int copy_range(int dir, const char *from, const char *to)
{
	int in = openat(dir, from, O_RDONLY | O_CLOEXEC);
	int out = openat(dir, to, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	int ret = -1;

	if (in >= 0 && out >= 0)
		ret = copy_file_range(in, NULL, out, NULL, 1 << 20, 0);
	close(in);
	close(out);
	return ret;
}

/* A name of @len bytes, the last of which are odd. */
static __maybe_unused const char *long_name(int len)
{
	static char name[NAME_MAX + 2];

	memset(name, 'n', len);
	memcpy(name + len - 6, "\xff\n \t\\\"", 6);
	name[len] = '\0';
	return name;
}

static __maybe_unused const char *long_target(int len)
{
	static char target[PATH_MAX];

	memset(target, '/', len);
	target[len] = '\0';
	return target;
}

FIXTURE(files)
{
	int guest;	/* a directory through the mount */
	int host;	/* the same one on the host */
	int twin;	/* another one on the host */
	int root;	/* the mount */
	char name[64];
};

FIXTURE_VARIANT(files)
{
	uid_t uid;
};

FIXTURE_VARIANT_ADD(files, root) { .uid = 0 };
FIXTURE_VARIANT_ADD(files, nobody) { .uid = NOBODY };

static __maybe_unused void become(struct __test_metadata *_metadata, uid_t uid)
{
	ASSERT_EQ(0, seteuid(0));
	ASSERT_EQ(0, setgroups(0, NULL));
	ASSERT_EQ(0, setegid(uid));
	ASSERT_EQ(0, seteuid(uid));
}

static __maybe_unused int open_dir(const char *base, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", base, name);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* What both sides find: files that aren't the user's. */
static __maybe_unused void populate(struct __test_metadata *_metadata, int dir)
{
	ASSERT_EQ(0, mkdirat(dir, "locked", 0700));
	ASSERT_EQ(1, put(dir, "locked/file", O_CREAT, "1"));
	ASSERT_EQ(0, mkdirat(dir, "sticky", 01777));
	ASSERT_EQ(1, put(dir, "sticky/other", O_CREAT, "1"));
	ASSERT_EQ(0, chown_at(dir, "sticky/other", OTHER, OTHER));
	ASSERT_EQ(0, mkdirat(dir, "group", 0777));
	ASSERT_EQ(0, chown_at(dir, "group", OTHER, OTHER));
	ASSERT_EQ(0, chmod_at(dir, "group", 02777));
	ASSERT_EQ(4, put(dir, "other", O_CREAT, "1234"));
	ASSERT_EQ(0, chown_at(dir, "other", OTHER, OTHER));
	ASSERT_EQ(0, chmod_at(dir, "other", 0644));
	ASSERT_EQ(1, put(dir, "secret", O_CREAT, "1"));
	ASSERT_EQ(0, chmod_at(dir, "secret", 0600));
	ASSERT_EQ(1, put(dir, "shared", O_CREAT, "1"));
	ASSERT_EQ(0, chmod_at(dir, "shared", 06777));
}

FIXTURE_SETUP(files)
{
	char twin[80];
	int share = open(share_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	umask(0);
	self->root = open(mount_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ASSERT_LE(0, share);
	ASSERT_LE(0, self->root);
	snprintf(self->name, sizeof(self->name), "file_test-%d", getpid());
	snprintf(twin, sizeof(twin), "%s.twin", self->name);
	ASSERT_EQ(0, mkdirat(self->root, self->name, 0777));
	ASSERT_EQ(0, mkdirat(share, twin, 0777));
	self->guest = open_dir(mount_dir, self->name);
	self->host = open_dir(share_dir, self->name);
	self->twin = open_dir(share_dir, twin);
	ASSERT_LE(0, self->guest);
	ASSERT_LE(0, self->host);
	ASSERT_LE(0, self->twin);
	populate(_metadata, self->guest);
	populate(_metadata, self->twin);
	close(share);
	become(_metadata, variant->uid);
}

static __maybe_unused void remove_tree(const char *base, const char *name, const char *suffix)
{
	char command[PATH_MAX];

	snprintf(command, sizeof(command), "rm -rf '%s/%s%s'", base, name,
		 suffix);
	if (system(command))
		fprintf(stderr, "# %s failed\n", command);
}

FIXTURE_TEARDOWN(files)
{
	become(_metadata, 0);
	ASSERT_EQ(0, chdir("/"));
	remove_tree(mount_dir, self->name, "");
	remove_tree(share_dir, self->name, ".twin");
}

/* Comparing */

struct entry {
	char path[PATH_MAX];
	struct stat st;
	char target[PATH_MAX];
};

static __maybe_unused void read_entry(struct __test_metadata *_metadata, int dir,
		       const char *path, struct entry *e)
{
	ssize_t len;

	snprintf(e->path, sizeof(e->path), "%s", path);
	ASSERT_EQ(0, fstatat(dir, path, &e->st, AT_SYMLINK_NOFOLLOW)) {
		TH_LOG("stat of %s: %s", path, strerror(errno));
	}
	e->target[0] = '\0';
	if (S_ISLNK(e->st.st_mode)) {
		len = readlinkat(dir, path, e->target, sizeof(e->target) - 1);
		ASSERT_LT(0, len);
		e->target[len] = '\0';
	}
}

static __maybe_unused void same_entry(struct __test_metadata *_metadata, const struct entry *a,
		       const struct entry *b)
{
	EXPECT_EQ(a->st.st_mode, b->st.st_mode);
	EXPECT_EQ(a->st.st_uid, b->st.st_uid);
	EXPECT_EQ(a->st.st_gid, b->st.st_gid);
	EXPECT_EQ(a->st.st_nlink, b->st.st_nlink);
	EXPECT_EQ(a->st.st_rdev, b->st.st_rdev);
	if (!S_ISDIR(a->st.st_mode))
		EXPECT_EQ(a->st.st_size, b->st.st_size);
	EXPECT_STREQ(a->target, b->target);
}

/* Two views of one file. */
static __maybe_unused void identical_entry(struct __test_metadata *_metadata,
			    const struct entry *a, const struct entry *b)
{
	same_entry(_metadata, a, b);
	EXPECT_EQ(a->st.st_ino, b->st.st_ino);
	EXPECT_EQ(a->st.st_size, b->st.st_size);
	EXPECT_EQ(a->st.st_mtim.tv_sec, b->st.st_mtim.tv_sec);
	EXPECT_EQ(a->st.st_mtim.tv_nsec, b->st.st_mtim.tv_nsec);
	EXPECT_EQ(a->st.st_ctim.tv_sec, b->st.st_ctim.tv_sec);
	EXPECT_EQ(a->st.st_ctim.tv_nsec, b->st.st_ctim.tv_nsec);
}

static __maybe_unused void same_contents(struct __test_metadata *_metadata, int a, int b,
			  const char *path)
{
	int fd_a = openat(a, path, O_RDONLY | O_CLOEXEC);
	int fd_b = openat(b, path, O_RDONLY | O_CLOEXEC);
	static char buf_a[65536], buf_b[65536];
	ssize_t n;

	ASSERT_LE(0, fd_a);
	ASSERT_LE(0, fd_b);
	do {
		n = read(fd_a, buf_a, sizeof(buf_a));
		ASSERT_LE(0, n);
		ASSERT_EQ(n, read(fd_b, buf_b, sizeof(buf_b)));
		ASSERT_EQ(0, memcmp(buf_a, buf_b, n)) {
			TH_LOG("contents of %s", path);
		}
	} while (n);
	close(fd_a);
	close(fd_b);
}

static __maybe_unused int count_entries(int dir)
{
	DIR *d = fdopendir(openat(dir, ".", O_RDONLY | O_DIRECTORY));
	int n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

/* Walks @a, whose entries must all be in @b, which has no others. */
static __maybe_unused void same_trees(struct __test_metadata *_metadata, int a, int b,
		       const char *path,
		       void (*same)(struct __test_metadata *_metadata,
				    const struct entry *a,
				    const struct entry *b))
{
	int dir_a = openat(a, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int dir_b = openat(b, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct entry *e = calloc(2, sizeof(*e));
	struct dirent *de;
	DIR *d;

	ASSERT_LE(0, dir_a);
	ASSERT_LE(0, dir_b);
	EXPECT_EQ(count_entries(dir_a), count_entries(dir_b)) {
		TH_LOG("entries of %s", path);
	}
	d = fdopendir(dir_a);
	while ((de = readdir(d))) {
		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		read_entry(_metadata, dirfd(d), de->d_name, &e[0]);
		read_entry(_metadata, dir_b, de->d_name, &e[1]);
		same(_metadata, &e[0], &e[1]);
		if (_metadata->exit_code)
			TH_LOG("in %s, or before: %s", path, de->d_name);
		if (S_ISREG(e[0].st.st_mode))
			same_contents(_metadata, dirfd(d), dir_b, de->d_name);
		if (S_ISDIR(e[0].st.st_mode))
			same_trees(_metadata, dirfd(d), dir_b, de->d_name,
				   same);
	}
	closedir(d);
	close(dir_b);
	free(e);
}

/* The twin is like the host's directory, and that like the guest's view. */
static __maybe_unused void compare_all(struct __test_metadata *_metadata,
			FIXTURE_DATA(files) *self)
{
	uid_t uid = geteuid();

	become(_metadata, 0);
	same_trees(_metadata, self->host, self->twin, ".", same_entry);
	same_trees(_metadata, self->guest, self->host, ".", identical_entry);
	become(_metadata, uid);
}

static int run_tests(int argc, char **argv)
{
	if (argc < 3 || argv[1][0] != '/' || argv[2][0] != '/') {
		fprintf(stderr, "usage: %s SHAREDIR MOUNT [TEST]...; both absolute\n",
			argv[0]);
		return 2;
	}
	share_dir = argv[1];
	mount_dir = argv[2];
	return test_harness_run(argc - 2, argv + 2);
}

#endif /* VHOST_FS_FILES_H */
