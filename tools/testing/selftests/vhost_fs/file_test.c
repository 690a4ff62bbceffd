// SPDX-License-Identifier: GPL-2.0-only
/*
 * What programs of a guest see of a share, and what they leave on the host:
 *
 *	file_test SHAREDIR MOUNT [TEST|FIXTURE]...
 *
 * MOUNT is a virtiofs mount of SHAREDIR in this very kernel, so both views are
 * at hand. Most checks are differential: the same calls are made on the mount
 * and in a twin directory of the host's own, and must have the same results and
 * leave the same tree. Without names the fixture "files" runs; "readonly" is
 * for a share with --readonly.
 */
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

#define NOBODY	65534
#define OTHER	3000

/* For tests that wait on a slow machine. */
#define LONG	240

#define BIG	(3 * 1024 * 1024 + 12345)

static const char *share_dir, *mount_dir;

/* Calls that tests are made of; all return 0 or a number, or -1 and errno. */

static int touch(int dir, const char *name, int flags, mode_t mode)
{
	int fd = openat(dir, name, flags | O_CLOEXEC, mode);

	return fd < 0 ? -1 : close(fd);
}

static int put(int dir, const char *name, int flags, const char *text)
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

static int size_of(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) ? -1 : st.st_size;
}

static int links_of(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) ? -1 : st.st_nlink;
}

static int truncate_at(int dir, const char *name, off_t size)
{
	int fd = openat(dir, name, O_WRONLY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -1;
	ret = ftruncate(fd, size);
	close(fd);
	return ret;
}

static int allocate(int dir, const char *name, int mode, off_t from, off_t len)
{
	int fd = openat(dir, name, O_RDWR | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -1;
	ret = fallocate(fd, mode, from, len);
	close(fd);
	return ret;
}

static int chmod_at(int dir, const char *name, mode_t mode)
{
	return fchmodat(dir, name, mode, 0);
}

static int chown_at(int dir, const char *name, uid_t uid, gid_t gid)
{
	return fchownat(dir, name, uid, gid, AT_SYMLINK_NOFOLLOW);
}

static int rename_at(int dir, const char *from, const char *to, int flags)
{
	return renameat2(dir, from, dir, to, flags);
}

static int set_times(int dir, const char *name, time_t sec, long nsec)
{
	struct timespec times[2] = { { sec, nsec }, { sec + 1, nsec / 2 } };

	return utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW);
}

static int link_target_length(int dir, const char *name)
{
	char target[PATH_MAX];

	return readlinkat(dir, name, target, sizeof(target));
}

/* Copies in the kernel, whichever way it finds. */
static int copy_range(int dir, const char *from, const char *to)
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
static const char *long_name(int len)
{
	static char name[NAME_MAX + 2];

	memset(name, 'n', len);
	memcpy(name + len - 6, "\xff\n \t\\\"", 6);
	name[len] = '\0';
	return name;
}

static const char *long_target(int len)
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

static void become(struct __test_metadata *_metadata, uid_t uid)
{
	ASSERT_EQ(0, seteuid(0));
	ASSERT_EQ(0, setgroups(0, NULL));
	ASSERT_EQ(0, setegid(uid));
	ASSERT_EQ(0, seteuid(uid));
}

static int open_dir(const char *base, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", base, name);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* What both sides find: files that aren't the user's. */
static void populate(struct __test_metadata *_metadata, int dir)
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

static void remove_tree(const char *base, const char *name, const char *suffix)
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

static void read_entry(struct __test_metadata *_metadata, int dir,
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

static void same_entry(struct __test_metadata *_metadata, const struct entry *a,
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
static void identical_entry(struct __test_metadata *_metadata,
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

static void same_contents(struct __test_metadata *_metadata, int a, int b,
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

static int count_entries(int dir)
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
static void same_trees(struct __test_metadata *_metadata, int a, int b,
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
static void compare_all(struct __test_metadata *_metadata,
			FIXTURE_DATA(files) *self)
{
	uid_t uid = geteuid();

	become(_metadata, 0);
	same_trees(_metadata, self->host, self->twin, ".", same_entry);
	same_trees(_metadata, self->guest, self->host, ".", identical_entry);
	become(_metadata, uid);
}

/*
 * Calls whose results must be the host's own, in this order: name, call on the
 * directory d.
 */
#define CALLS(X) \
	X(create, touch(d, "f", O_CREAT | O_WRONLY, 0640)) \
	X(create_excl, touch(d, "f", O_CREAT | O_EXCL | O_WRONLY, 0640)) \
	X(create_again, touch(d, "f", O_CREAT | O_RDWR, 0777)) \
	X(create_sealed, touch(d, "sealed", O_CREAT | O_RDWR, 0)) \
	X(create_setid, touch(d, "setid", O_CREAT | O_RDWR, 06777)) \
	X(create_in_missing, touch(d, "none/f", O_CREAT | O_RDWR, 0600)) \
	X(create_in_file, touch(d, "f/f", O_CREAT | O_RDWR, 0600)) \
	X(create_in_locked, touch(d, "locked/f", O_CREAT | O_RDWR, 0600)) \
	X(create_in_group, touch(d, "group/f", O_CREAT | O_RDWR, 0664)) \
	X(create_setid_in_group, \
	  touch(d, "group/s", O_CREAT | O_RDWR, 02775)) \
	X(create_over_dir, touch(d, "sticky", O_CREAT | O_RDWR, 0664)) \
	X(create_long, touch(d, long_name(255), O_CREAT | O_RDWR, 0600)) \
	X(create_too_long, touch(d, long_name(256), O_CREAT | O_RDWR, 0600)) \
	X(open_missing, touch(d, "none", O_RDONLY, 0)) \
	X(open_dir_write, touch(d, "sticky", O_RDWR, 0)) \
	X(open_as_dir, touch(d, "f", O_RDONLY | O_DIRECTORY, 0)) \
	X(open_slash, touch(d, "f/", O_RDONLY, 0)) \
	X(open_sealed, touch(d, "sealed", O_RDONLY, 0)) \
	X(open_secret, touch(d, "secret", O_RDONLY, 0)) \
	X(open_secret_write, touch(d, "secret", O_WRONLY, 0)) \
	X(open_other, touch(d, "other", O_RDONLY, 0)) \
	X(open_other_trunc, touch(d, "other", O_RDONLY | O_TRUNC, 0)) \
	X(open_other_write, touch(d, "other", O_WRONLY, 0)) \
	X(open_locked, touch(d, "locked/file", O_RDONLY, 0)) \
	X(list_locked, touch(d, "locked", O_RDONLY | O_DIRECTORY, 0)) \
	X(access_secret, faccessat(d, "secret", R_OK, AT_EACCESS)) \
	X(access_other, faccessat(d, "other", R_OK | W_OK, AT_EACCESS)) \
	X(access_exec, faccessat(d, "other", X_OK, AT_EACCESS)) \
	X(write, put(d, "f", 0, "0123456789")) \
	X(write_append, put(d, "f", O_APPEND, "abc")) \
	X(write_trunc, put(d, "f", O_TRUNC, "new")) \
	X(write_setid, put(d, "setid", 0, "x")) \
	X(write_shared_setid, put(d, "shared", 0, "x")) \
	X(write_secret, put(d, "secret", 0, "x")) \
	X(append_dir, put(d, "sticky", O_APPEND, "x")) \
	X(truncate, truncate_at(d, "f", 1)) \
	X(truncate_longer, truncate_at(d, "f", 70000)) \
	X(truncate_negative, truncate_at(d, "f", -1)) \
	X(size, size_of(d, "f")) \
	X(allocate, allocate(d, "f", 0, 0, 200000)) \
	X(size_allocated, size_of(d, "f")) \
	X(allocate_keep, \
	  allocate(d, "f", FALLOC_FL_KEEP_SIZE, 200000, 100000)) \
	X(size_kept, size_of(d, "f")) \
	X(punch, allocate(d, "f", FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, \
			  4096, 8192)) \
	X(punch_alone, allocate(d, "f", FALLOC_FL_PUNCH_HOLE, 0, 4096)) \
	X(allocate_nothing, allocate(d, "f", 0, 0, 0)) \
	X(allocate_too_far, allocate(d, "f", 0, LLONG_MAX, 1)) \
	X(mkdir, mkdirat(d, "dir", 0755)) \
	X(mkdir_again, mkdirat(d, "dir", 0700)) \
	X(mkdir_over_file, mkdirat(d, "f", 0700)) \
	X(mkdir_bits, mkdirat(d, "bits", 07777)) \
	X(mkdir_in_group, mkdirat(d, "group/dir", 0775)) \
	X(mkdir_in_locked, mkdirat(d, "locked/dir", 0775)) \
	X(mkdir_slash, mkdirat(d, "slash/", 0711)) \
	X(mkdir_dot, mkdirat(d, ".", 0711)) \
	X(mkdir_inside, mkdirat(d, "dir/dir", 0711)) \
	X(rmdir_full, unlinkat(d, "dir", AT_REMOVEDIR)) \
	X(rmdir_file, unlinkat(d, "f", AT_REMOVEDIR)) \
	X(rmdir_missing, unlinkat(d, "none", AT_REMOVEDIR)) \
	X(rmdir_dot, unlinkat(d, "dir/.", AT_REMOVEDIR)) \
	X(rmdir, unlinkat(d, "slash", AT_REMOVEDIR)) \
	X(unlink_dir, unlinkat(d, "dir", 0)) \
	X(unlink_missing, unlinkat(d, "none", 0)) \
	X(unlink_locked, unlinkat(d, "locked/file", 0)) \
	X(unlink_sticky, unlinkat(d, "sticky/other", 0)) \
	X(rename_sticky, rename_at(d, "sticky/other", "mine", 0)) \
	X(create_sticky, touch(d, "sticky/mine", O_CREAT | O_RDWR, 0644)) \
	X(unlink_sticky_mine, unlinkat(d, "sticky/mine", 0)) \
	X(symlink, symlinkat("../some/where", d, "link")) \
	X(symlink_again, symlinkat("x", d, "link")) \
	X(symlink_empty, symlinkat("", d, "empty")) \
	X(symlink_long, symlinkat(long_target(1000), d, "long")) \
	X(symlink_longest, symlinkat(long_target(4095), d, "longest")) \
	X(readlink, link_target_length(d, "link")) \
	X(readlink_long, link_target_length(d, "long")) \
	X(readlink_file, link_target_length(d, "f")) \
	X(open_symlink, touch(d, "link", O_RDONLY | O_NOFOLLOW, 0)) \
	X(open_dangling, touch(d, "link", O_RDONLY, 0)) \
	X(loop, symlinkat("loop", d, "loop")) \
	X(open_loop, touch(d, "loop", O_RDONLY, 0)) \
	X(fifo, mknodat(d, "fifo", S_IFIFO | 0640, 0)) \
	X(socket, mknodat(d, "socket", S_IFSOCK | 0640, 0)) \
	X(open_socket, touch(d, "socket", O_RDONLY, 0)) \
	X(node_file, mknodat(d, "node", S_IFREG | 0640, 0)) \
	X(null, mknodat(d, "null", S_IFCHR | 0666, makedev(1, 3))) \
	X(null_write, put(d, "null", 0, "gone")) \
	X(block, mknodat(d, "block", S_IFBLK | 0600, makedev(700, 99999))) \
	X(node_dir, mknodat(d, "x", S_IFDIR | 0666, 0)) \
	X(link, linkat(d, "f", d, "g", 0)) \
	X(link_again, linkat(d, "f", d, "g", 0)) \
	X(link_dir, linkat(d, "dir", d, "dirlink", 0)) \
	X(link_missing, linkat(d, "none", d, "x", 0)) \
	X(link_symlink, linkat(d, "link", d, "link2", 0)) \
	X(link_into_locked, linkat(d, "f", d, "locked/f", 0)) \
	X(links, links_of(d, "f")) \
	X(rename, rename_at(d, "g", "h", 0)) \
	X(rename_same, rename_at(d, "h", "f", 0)) \
	X(rename_missing, rename_at(d, "none", "x", 0)) \
	X(rename_noreplace, rename_at(d, "h", "f", RENAME_NOREPLACE)) \
	X(rename_exchange, rename_at(d, "dir", "h", RENAME_EXCHANGE)) \
	X(rename_exchange_missing, \
	  rename_at(d, "dir", "none", RENAME_EXCHANGE)) \
	X(rename_back, rename_at(d, "dir", "h", RENAME_EXCHANGE)) \
	X(rename_both_flags, rename_at(d, "dir", "h", RENAME_EXCHANGE | \
				       RENAME_NOREPLACE)) \
	X(rename_file_over_dir, rename_at(d, "h", "dir", 0)) \
	X(rename_dir_over_file, rename_at(d, "dir", "h", 0)) \
	X(rename_dir_over_full, rename_at(d, "bits", "dir", 0)) \
	X(rename_into_itself, rename_at(d, "dir", "dir/dir/dir", 0)) \
	X(rename_over_empty, rename_at(d, "bits", "dir/dir", 0)) \
	X(rename_into_locked, rename_at(d, "h", "locked/h", 0)) \
	X(rename_over, rename_at(d, "setid", "h", 0)) \
	X(chmod, chmod_at(d, "f", 0604)) \
	X(chmod_setgid, chmod_at(d, "group/f", 02775)) \
	X(chmod_setuid, chmod_at(d, "f", 04711)) \
	X(chmod_other, chmod_at(d, "other", 0777)) \
	X(chmod_missing, chmod_at(d, "none", 0777)) \
	X(chown_same, chown_at(d, "f", geteuid(), getegid())) \
	X(chown_other, chown_at(d, "f", OTHER, -1)) \
	X(chgrp_other, chown_at(d, "f", -1, OTHER)) \
	X(chown_symlink, chown_at(d, "link", OTHER, OTHER)) \
	X(chown_nothing, chown_at(d, "shared", -1, -1)) \
	X(times, set_times(d, "f", 1234567890, 123456789)) \
	X(times_other, set_times(d, "other", 1, 1)) \
	X(times_symlink, set_times(d, "link", 3, 5)) \
	X(times_invalid, set_times(d, "f", 1, 1000000000)) \
	X(times_now, utimensat(d, "shared", NULL, 0)) \
	X(times_now_other, utimensat(d, "other", NULL, 0)) \
	X(copy, copy_range(d, "other", "copy")) \
	X(size_copied, size_of(d, "copy")) \
	X(size_dangling, size_of(d, "none/none"))

#define CALL_FUNCTION(name, call) \
	static int call_##name(int d) { return call; }
CALLS(CALL_FUNCTION)

#define CALL_ROW(name, call) { #name, call_##name },
static const struct {
	const char *name;
	int (*fn)(int dir);
} calls[] = {
	CALLS(CALL_ROW)
};

/* For each call: what it returns, or the errno as a negative number. */
static int result_of(int (*fn)(int dir), int dir)
{
	int ret;

	errno = 0;
	ret = fn(dir);
	return ret < 0 ? -errno : ret;
}

TEST_F_TIMEOUT(files, calls_like_the_host, LONG)
{
	size_t i;
	int here, there;

	umask(022);
	for (i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		there = result_of(calls[i].fn, self->twin);
		here = result_of(calls[i].fn, self->guest);
		EXPECT_EQ(there, here) {
			TH_LOG("%s: %s on the host, %s on the mount",
			       calls[i].name, strerror(there < 0 ? -there : 0),
			       strerror(here < 0 ? -here : 0));
		}
	}
	compare_all(_metadata, self);
}

static void create_kinds(struct __test_metadata *_metadata, int dir, int mask,
			 mode_t mode)
{
	char name[64];

	snprintf(name, sizeof(name), "file-%o-%o", mask, mode);
	ASSERT_EQ(0, touch(dir, name, O_CREAT | O_WRONLY, mode));
	snprintf(name, sizeof(name), "dir-%o-%o", mask, mode);
	ASSERT_EQ(0, mkdirat(dir, name, mode));
	snprintf(name, sizeof(name), "fifo-%o-%o", mask, mode);
	ASSERT_EQ(0, mknodat(dir, name, S_IFIFO | mode, 0));
	snprintf(name, sizeof(name), "node-%o-%o", mask, mode);
	ASSERT_EQ(0, mknodat(dir, name, S_IFREG | mode, 0));
}

TEST_F_TIMEOUT(files, umask_exact, LONG)
{
	static const mode_t modes[] = {
		0, 0600, 0644, 0666, 0755, 0777, 01777, 02755, 04711, 07777
	};
	static const int masks[] = { 0, 022, 027, 077, 0137, 0777 };
	size_t i, j;

	for (i = 0; i < sizeof(masks) / sizeof(*masks); i++) {
		umask(masks[i]);
		for (j = 0; j < sizeof(modes) / sizeof(*modes); j++) {
			create_kinds(_metadata, self->twin, masks[i], modes[j]);
			create_kinds(_metadata, self->guest, masks[i],
				     modes[j]);
		}
	}
	compare_all(_metadata, self);
}

TEST_F_TIMEOUT(files, chmod_exact, LONG)
{
	struct stat st;
	mode_t mode;

	ASSERT_EQ(0, touch(self->guest, "f", O_CREAT | O_WRONLY, 0));
	for (mode = 0; mode <= 07777; mode += 61) {
		ASSERT_EQ(0, chmod_at(self->guest, "f", mode));
		ASSERT_EQ(0, fstatat(self->host, "f", &st, 0));
		ASSERT_EQ(mode, st.st_mode & 07777);
		ASSERT_EQ(0, fstatat(self->guest, "f", &st, 0));
		ASSERT_EQ(mode, st.st_mode & 07777);
	}
}

static void check_times(struct __test_metadata *_metadata, int dir,
			const char *name, time_t sec, long nsec)
{
	struct stat st;

	ASSERT_EQ(0, fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW));
	EXPECT_EQ(sec, st.st_atim.tv_sec);
	EXPECT_EQ(nsec, st.st_atim.tv_nsec);
	EXPECT_EQ(sec + 1, st.st_mtim.tv_sec);
	EXPECT_EQ(nsec / 2, st.st_mtim.tv_nsec);
}

TEST_F(files, times_exact)
{
	static const time_t seconds[] = {
		-86400, -1, 0, 1, 1000000000, 0x7fffffff, 0x80000000LL,
		5000000000LL
	};
	static const char * const names[] = { "f", "d", "l" };
	size_t i, j;

	ASSERT_EQ(0, touch(self->guest, "f", O_CREAT | O_WRONLY, 0600));
	ASSERT_EQ(0, mkdirat(self->guest, "d", 0700));
	ASSERT_EQ(0, symlinkat("x", self->guest, "l"));
	for (i = 0; i < sizeof(seconds) / sizeof(*seconds); i++) {
		for (j = 0; j < 3; j++) {
			ASSERT_EQ(0, set_times(self->guest, names[j],
					       seconds[i], 123456789 + j));
			check_times(_metadata, self->guest, names[j],
				    seconds[i], 123456789 + j);
			check_times(_metadata, self->host, names[j],
				    seconds[i], 123456789 + j);
		}
	}
}

TEST_F(files, times_omitted_and_now)
{
	struct timespec only_access[2] = { { 77, 7 }, { 0, UTIME_OMIT } };
	struct timespec now[2] = { { 0, UTIME_NOW }, { 0, UTIME_NOW } };
	struct stat st;

	ASSERT_EQ(0, touch(self->guest, "f", O_CREAT | O_WRONLY, 0600));
	ASSERT_EQ(0, set_times(self->guest, "f", 10, 10));
	ASSERT_EQ(0, utimensat(self->guest, "f", only_access, 0));
	ASSERT_EQ(0, fstatat(self->host, "f", &st, 0));
	EXPECT_EQ(77, st.st_atim.tv_sec);
	EXPECT_EQ(11, st.st_mtim.tv_sec);
	ASSERT_EQ(0, utimensat(self->guest, "f", now, 0));
	ASSERT_EQ(0, fstatat(self->host, "f", &st, 0));
	EXPECT_LT(1000000, st.st_atim.tv_sec);
	EXPECT_LT(1000000, st.st_mtim.tv_sec);
}

/* Where data and holes begin, as the mount and the host tell it. */
static void same_holes(struct __test_metadata *_metadata, int a, int b)
{
	static const int whences[] = { SEEK_DATA, SEEK_HOLE };
	off_t pos, pos_a, pos_b;
	int i, err;

	for (pos = 0; pos < (9 << 20); pos += 123456) {
		for (i = 0; i < 2; i++) {
			pos_a = lseek(a, pos, whences[i]);
			err = errno;
			pos_b = lseek(b, pos, whences[i]);
			ASSERT_EQ(pos_a, pos_b);
			if (pos_a < 0)
				ASSERT_EQ(err, errno);
		}
	}
}

TEST_F(files, holes)
{
	int fd = openat(self->guest, "f", O_CREAT | O_RDWR, 0600);
	int host = openat(self->host, "f", O_RDONLY);
	char data[5000];

	ASSERT_LE(0, fd);
	ASSERT_LE(0, host);
	memset(data, 'x', sizeof(data));
	ASSERT_EQ(0, ftruncate(fd, 8 << 20));
	ASSERT_EQ(sizeof(data), pwrite(fd, data, sizeof(data), 1 << 20));
	ASSERT_EQ(sizeof(data), pwrite(fd, data, sizeof(data), 5000000));
	ASSERT_EQ(0, fsync(fd));
	EXPECT_EQ(1 << 20, lseek(fd, 0, SEEK_DATA));
	EXPECT_LT(lseek(fd, 1 << 20, SEEK_HOLE), (1 << 20) + 65536);
	same_holes(_metadata, fd, host);
	ASSERT_EQ(0, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			       1 << 20, 1 << 20));
	ASSERT_EQ(sizeof(data), pread(fd, data, sizeof(data), 1 << 20));
	EXPECT_EQ('\0', data[0]);
	EXPECT_EQ('\0', data[sizeof(data) - 1]);
	same_holes(_metadata, fd, host);
	same_contents(_metadata, self->guest, self->host, "f");
}

static char pattern(size_t pos, int seed)
{
	return (pos * 2654435761u >> 13) + pos + seed;
}

static void fill(char *buf, size_t len, int seed)
{
	size_t i;

	for (i = 0; i < len; i++)
		buf[i] = pattern(i, seed);
}

TEST_F_TIMEOUT(files, large_transfers, LONG)
{
	int fd = openat(self->guest, "f", O_CREAT | O_RDWR, 0600);
	int host = openat(self->host, "f", O_RDWR);
	char *a = malloc(BIG), *b = malloc(BIG);

	fill(a, BIG, 1);
	ASSERT_EQ(BIG, pwrite(fd, a, BIG, 777));
	ASSERT_EQ(BIG, pread(host, b, BIG, 777));
	EXPECT_EQ(0, memcmp(a, b, BIG));
	memset(b, 0, BIG);
	ASSERT_EQ(BIG, pread(fd, b, BIG, 777));
	EXPECT_EQ(0, memcmp(a, b, BIG));
	/* Another one opens the file: what its cache had is dropped. */
	fill(a, BIG, 2);
	ASSERT_EQ(BIG, pwrite(host, a, BIG, 777));
	close(fd);
	fd = openat(self->guest, "f", O_RDONLY);
	memset(b, 0, BIG);
	ASSERT_EQ(BIG, pread(fd, b, BIG, 777));
	EXPECT_EQ(0, memcmp(a, b, BIG));
	EXPECT_EQ(0, pread(fd, b, BIG, 777 + BIG));
	EXPECT_EQ(1, pread(fd, b, BIG, 776 + BIG));
}

TEST_F(files, direct_io)
{
	int fd = openat(self->guest, "f", O_CREAT | O_RDWR | O_DIRECT, 0600);
	size_t len = 2 << 20;
	char *a = aligned_alloc(4096, len), *b = aligned_alloc(4096, len);

	ASSERT_LE(0, fd);
	fill(a, len, 3);
	ASSERT_EQ(len, pwrite(fd, a, len, 4096));
	ASSERT_EQ(len, pread(fd, b, len, 4096));
	EXPECT_EQ(0, memcmp(a, b, len));
	same_contents(_metadata, self->guest, self->host, "f");
}

TEST_F(files, shared_mapping)
{
	int fd = openat(self->guest, "f", O_CREAT | O_RDWR, 0600);
	int host = openat(self->host, "f", O_RDWR);
	size_t len = 1 << 20;
	char *map, *b = malloc(len);

	ASSERT_EQ(0, ftruncate(fd, len));
	map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, (void *)map);
	fill(map, len, 4);
	ASSERT_EQ(0, msync(map, len, MS_SYNC));
	ASSERT_EQ(len, pread(host, b, len, 0));
	EXPECT_EQ(0, memcmp(map, b, len));
	/* Written by the mapping alone, and read by its last user's end. */
	map[4097] ^= 0x55;
	ASSERT_EQ(0, munmap(map, len));
	close(fd);
	ASSERT_EQ(1, pread(host, b, 1, 4097));
	EXPECT_EQ((char)(pattern(4097, 4) ^ 0x55), b[0]);
}

/* Pages are written back where they belong, though by a file that appends. */
TEST_F(files, mapping_of_appended_file)
{
	int fd = openat(self->guest, "f", O_CREAT | O_RDWR | O_APPEND, 0600);
	char *map, data[8] = "";

	ASSERT_EQ(0, ftruncate(fd, 10000));
	map = mmap(NULL, 10000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, (void *)map);
	memcpy(map + 5000, "mapped", 6);
	ASSERT_EQ(0, msync(map, 10000, MS_SYNC));
	EXPECT_EQ(10000, size_of(self->host, "f"));
	ASSERT_EQ(5, write(fd, "added", 5));
	EXPECT_EQ(10005, size_of(self->host, "f"));
	ASSERT_EQ(6, pread(openat(self->host, "f", O_RDONLY), data, 6, 5000));
	EXPECT_STREQ("mapped", data);
}

/* Lines from several processes, of which the last writes on the host. */
#define WRITERS 3
#define LINES 100

static void append_lines(int dir, int writer)
{
	int fd = openat(dir, "log", O_WRONLY | O_APPEND);
	char line[32];
	int i;

	for (i = 0; i < LINES; i++) {
		snprintf(line, sizeof(line), "%d %020d end\n", writer, i);
		if (write(fd, line, strlen(line)) != strlen(line))
			_exit(1);
	}
	_exit(0);
}

static void check_lines(struct __test_metadata *_metadata, int dir)
{
	FILE *f = fdopen(openat(dir, "log", O_RDONLY), "r");
	int next[WRITERS] = { 0 };
	int writer, nr, lines = 0, end;
	char line[64];

	while (fgets(line, sizeof(line), f)) {
		end = 0;
		ASSERT_EQ(2, sscanf(line, "%d %d end%n", &writer, &nr, &end));
		ASSERT_EQ(strlen(line) - 1, end);
		ASSERT_EQ(next[writer], nr);
		next[writer]++;
		lines++;
	}
	EXPECT_EQ(WRITERS * LINES, lines);
	fclose(f);
}

TEST_F_TIMEOUT(files, append_from_processes, LONG)
{
	pid_t pids[WRITERS];
	int i, status;

	ASSERT_EQ(0, touch(self->guest, "log", O_CREAT | O_WRONLY, 0600));
	for (i = 0; i < WRITERS; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			append_lines(i < WRITERS - 1 ? self->guest : self->host,
				     i);
	}
	for (i = 0; i < WRITERS; i++) {
		ASSERT_EQ(pids[i], waitpid(pids[i], &status, 0));
		EXPECT_EQ(0, status);
	}
	check_lines(_metadata, self->host);
}

TEST_F(files, open_and_unlinked)
{
	int fd = openat(self->guest, "f", O_CREAT | O_RDWR, 0600);
	char path[64], data[8] = "";
	struct stat st;
	int again;

	ASSERT_EQ(5, write(fd, "12345", 5));
	ASSERT_EQ(0, unlinkat(self->guest, "f", 0));
	EXPECT_EQ(-1, fstatat(self->host, "f", &st, 0));
	ASSERT_EQ(3, write(fd, "678", 3));
	ASSERT_EQ(8, pread(fd, data, 8, 0));
	EXPECT_EQ(0, memcmp(data, "12345678", 8));
	EXPECT_EQ(0, fchmod(fd, 0640));
	EXPECT_EQ(0, ftruncate(fd, 6));
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(0, st.st_nlink);
	EXPECT_EQ(6, st.st_size);
	EXPECT_EQ(0640, st.st_mode & 07777);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDONLY);
	ASSERT_LE(0, again);
	EXPECT_EQ(6, read(again, data, 8));
	/* A new file of that name is another one. */
	ASSERT_EQ(1, put(self->guest, "f", O_CREAT | O_EXCL, "n"));
	EXPECT_EQ(6, pread(fd, data, 8, 0));
	EXPECT_EQ(-1, linkat(AT_FDCWD, path, self->guest, "g",
			     AT_SYMLINK_FOLLOW));
}

TEST_F(files, rename_over_open_file)
{
	int old, new;
	char data[8];
	struct stat st;

	ASSERT_EQ(3, put(self->guest, "old", O_CREAT, "old"));
	ASSERT_EQ(3, put(self->guest, "new", O_CREAT, "new"));
	old = openat(self->guest, "old", O_RDWR);
	new = openat(self->guest, "new", O_RDWR);
	ASSERT_EQ(0, rename_at(self->guest, "new", "old", 0));
	ASSERT_EQ(3, pread(old, data, 8, 0));
	EXPECT_EQ(0, memcmp(data, "old", 3));
	ASSERT_EQ(3, pread(new, data, 8, 0));
	EXPECT_EQ(0, memcmp(data, "new", 3));
	ASSERT_EQ(4, pwrite(old, "gone", 4, 0));
	ASSERT_EQ(0, fstat(old, &st));
	EXPECT_EQ(0, st.st_nlink);
	ASSERT_EQ(0, fstat(new, &st));
	EXPECT_EQ(1, st.st_nlink);
	EXPECT_EQ(3, size_of(self->host, "old"));
	EXPECT_EQ(-1, size_of(self->host, "new"));
}

TEST_F(files, hard_links_are_one_file)
{
	struct stat a, b, c;

	ASSERT_EQ(0, mkdirat(self->guest, "d", 0700));
	ASSERT_EQ(1, put(self->guest, "a", O_CREAT, "1"));
	ASSERT_EQ(0, linkat(self->guest, "a", self->guest, "d/b", 0));
	ASSERT_EQ(0, fstatat(self->guest, "a", &a, 0));
	ASSERT_EQ(0, fstatat(self->guest, "d/b", &b, 0));
	ASSERT_EQ(0, fstatat(self->host, "d/b", &c, 0));
	EXPECT_EQ(a.st_ino, b.st_ino);
	EXPECT_EQ(a.st_ino, c.st_ino);
	EXPECT_EQ(2, a.st_nlink);
	EXPECT_EQ(2, put(self->guest, "d/b", 0, "22"));
	EXPECT_EQ(2, size_of(self->guest, "a"));
	/* The name by which it became known goes; the other one stays good. */
	ASSERT_EQ(0, unlinkat(self->guest, "a", 0));
	EXPECT_EQ(1, links_of(self->guest, "d/b"));
	EXPECT_EQ(3, put(self->guest, "d/b", O_TRUNC, "333"));
	EXPECT_EQ(3, size_of(self->host, "d/b"));
	ASSERT_EQ(0, linkat(self->guest, "d/b", self->guest, "a", 0));
	ASSERT_EQ(0, rename_at(self->guest, "d/b", "b", 0));
	EXPECT_EQ(2, links_of(self->host, "a"));
}

/* Deeper than any path can name. */
#define DEPTH 60

TEST_F_TIMEOUT(files, deep_directories, LONG)
{
	char name[201];
	int dirs[DEPTH + 1], i;

	memset(name, 'd', 200);
	name[200] = '\0';
	dirs[0] = self->guest;
	for (i = 0; i < DEPTH; i++) {
		ASSERT_EQ(0, mkdirat(dirs[i], name, 0755));
		dirs[i + 1] = openat(dirs[i], name, O_RDONLY | O_DIRECTORY);
		ASSERT_LE(0, dirs[i + 1]);
	}
	ASSERT_EQ(4, put(dirs[DEPTH], "file", O_CREAT, "deep"));
	EXPECT_EQ(4, size_of(dirs[DEPTH], "file"));
	ASSERT_EQ(0, fchdir(dirs[DEPTH]));
	for (i = 0; i < DEPTH; i++)
		ASSERT_EQ(0, chdir(".."));
	EXPECT_EQ(0, faccessat(AT_FDCWD, name, F_OK, 0));
	ASSERT_EQ(0, unlinkat(dirs[DEPTH], "file", 0));
	for (i = DEPTH; i > 0; i--)
		ASSERT_EQ(0, unlinkat(dirs[i - 1], name, AT_REMOVEDIR));
}

#define MANY 400

TEST_F_TIMEOUT(files, seek_in_directory, LONG)
{
	int dir, i, seen = 0;
	char name[32], first[NAME_MAX + 1];
	struct dirent *de;
	long pos = -1;
	DIR *d;

	ASSERT_EQ(0, mkdirat(self->guest, "many", 0755));
	dir = openat(self->guest, "many", O_RDONLY | O_DIRECTORY);
	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "entry-%d", i);
		ASSERT_EQ(0, touch(dir, name, O_CREAT | O_WRONLY, 0600));
	}
	d = fdopendir(dir);
	for (i = 0; i < 300; i++) {
		pos = telldir(d);
		ASSERT_NE(NULL, (void *)(de = readdir(d)));
		snprintf(first, sizeof(first), "%s", de->d_name);
	}
	while (readdir(d))
		seen++;
	EXPECT_EQ(MANY + 2 - 300, seen);
	seekdir(d, pos);
	de = readdir(d);
	ASSERT_NE(NULL, (void *)de);
	EXPECT_STREQ(first, de->d_name);
	/* Everything is removed while it is listed. */
	rewinddir(d);
	while ((de = readdir(d)))
		if (de->d_name[0] == 'e')
			ASSERT_EQ(0, unlinkat(dir, de->d_name, 0));
	rewinddir(d);
	for (seen = 0; readdir(d); seen++)
		;
	EXPECT_EQ(2, seen);
	EXPECT_EQ(0, unlinkat(self->guest, "many", AT_REMOVEDIR));
}

TEST_F(files, statfs_is_the_host_s)
{
	struct statvfs a, b;

	ASSERT_EQ(0, fstatvfs(self->guest, &a));
	ASSERT_EQ(0, fstatvfs(self->host, &b));
	EXPECT_EQ(a.f_blocks, b.f_blocks);
	EXPECT_EQ(a.f_frsize, b.f_frsize);
	EXPECT_EQ(a.f_namemax, b.f_namemax);
	EXPECT_EQ(a.f_files, b.f_files);
}

/* A FIFO and a socket connect processes of the guest. */
TEST_F(files, fifo_and_socket)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd, server, client;
	char data[4] = "";

	ASSERT_EQ(0, mknodat(self->guest, "p", S_IFIFO | 0600, 0));
	fd = openat(self->guest, "p", O_RDWR | O_NONBLOCK);
	ASSERT_LE(0, fd);
	ASSERT_EQ(3, write(fd, "abc", 3));
	ASSERT_EQ(3, read(fd, data, 4));
	ASSERT_EQ(0, fchdir(self->guest));
	strcpy(addr.sun_path, "s");
	server = socket(AF_UNIX, SOCK_STREAM, 0);
	ASSERT_EQ(0, bind(server, (void *)&addr, sizeof(addr)));
	ASSERT_EQ(0, listen(server, 1));
	client = socket(AF_UNIX, SOCK_STREAM, 0);
	EXPECT_EQ(0, connect(client, (void *)&addr, sizeof(addr)));
}

TEST_F(files, locks)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int a = openat(self->guest, "f", O_CREAT | O_RDWR, 0600);
	int b = openat(self->guest, "f", O_RDWR);

	ASSERT_EQ(0, flock(a, LOCK_EX));
	EXPECT_EQ(-1, flock(b, LOCK_EX | LOCK_NB));
	EXPECT_EQ(EWOULDBLOCK, errno);
	EXPECT_EQ(0, fcntl(a, F_OFD_SETLK, &lock));
	EXPECT_EQ(-1, fcntl(b, F_OFD_SETLK, &lock));
	close(a);
	EXPECT_EQ(0, flock(b, LOCK_EX | LOCK_NB));
	EXPECT_EQ(0, fcntl(b, F_OFD_SETLK, &lock));
}

/* Escapes */

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

TEST_F(files, symlinks_are_the_guest_s)
{
	struct stat etc, here, root;

	ASSERT_EQ(0, symlinkat("/etc", self->host, "absolute"));
	ASSERT_EQ(0, symlinkat("../..", self->host, "up"));
	ASSERT_EQ(0, stat("/etc", &etc));
	ASSERT_EQ(0, fstatat(self->guest, "absolute", &here, 0));
	EXPECT_TRUE(same_file(&etc, &here));
	/* Above the mount is what the guest has there, not the host. */
	ASSERT_EQ(0, fstatat(self->root, "..", &root, 0));
	ASSERT_EQ(0, fstatat(self->guest, "up", &here, 0));
	EXPECT_TRUE(same_file(&root, &here));
}

TEST_F(files, dotdot_of_the_root)
{
	struct stat above;
	struct dirent *de;
	char path[PATH_MAX];
	DIR *d = fdopendir(dup(self->root));

	snprintf(path, sizeof(path), "%s/..", share_dir);
	ASSERT_EQ(0, stat(path, &above));
	ASSERT_NE(NULL, (void *)d);
	rewinddir(d);
	while ((de = readdir(d)))
		if (!strcmp(de->d_name, ".."))
			EXPECT_NE(above.st_ino, de->d_ino);
	closedir(d);
}

/* Outside of the share, in the same file system. */
static void outside(FIXTURE_DATA(files) *self, char *path, size_t size)
{
	snprintf(path, size, "%s.%s", share_dir, self->name);
}

/* The host renames, whoever the guest's user is. */
static int host_rename(struct __test_metadata *_metadata, int from_dir,
		       const char *from, int to_dir, const char *to)
{
	uid_t uid = geteuid();
	int ret;

	become(_metadata, 0);
	ret = renameat(from_dir, from, to_dir, to);
	become(_metadata, uid);
	return ret;
}

TEST_F(files, moved_out_by_the_host)
{
	char out[PATH_MAX], data[4];
	int fd;

	outside(self, out, sizeof(out));
	ASSERT_EQ(0, mkdirat(self->guest, "d", 0777));
	ASSERT_EQ(0, mkdirat(self->guest, "d/e", 0777));
	ASSERT_EQ(1, put(self->guest, "d/e/f", O_CREAT, "1"));
	fd = openat(self->guest, "d/e/f", O_RDONLY);
	ASSERT_EQ(0, fchdir(openat(self->guest, "d/e", O_RDONLY)));
	ASSERT_EQ(0, host_rename(_metadata, self->host, "d", AT_FDCWD, out));

	EXPECT_EQ(-1, open("f", O_RDONLY));
	EXPECT_EQ(ESTALE, errno);
	EXPECT_EQ(-1, mkdir("new", 0700));
	EXPECT_EQ(ESTALE, errno);
	EXPECT_EQ(-1, open("new", O_CREAT | O_WRONLY, 0600));
	EXPECT_EQ(ESTALE, errno);
	EXPECT_EQ(-1, unlink("f"));
	EXPECT_EQ(ESTALE, errno);
	EXPECT_EQ(-1, open(".", O_RDONLY));
	EXPECT_EQ(-1, link("f", "g"));
	EXPECT_EQ(-1, chmod("f", 0777));
	/* What was open may be read on. */
	EXPECT_EQ(1, pread(fd, data, 4, 0));

	ASSERT_EQ(0, host_rename(_metadata, AT_FDCWD, out, self->host, "d"));
	EXPECT_EQ(1, size_of(self->guest, "d/e/f"));
	EXPECT_EQ(-1, faccessat(self->guest, "d/e/new", F_OK, 0));
	EXPECT_EQ(0, mkdirat(self->guest, "d/e/new", 0700));
}

/* Is a name gone, once the guest's cache has expired? */
static bool vanishes(int dir, const char *name)
{
	int i;

	for (i = 0; i < 400; i++) {
		if (faccessat(dir, name, F_OK, 0))
			return errno == ENOENT;
		usleep(50000);
	}
	return false;
}

/* A file is reached by the name that is left in the share. */
TEST_F(files, one_of_two_links_moved_out)
{
	char out[PATH_MAX];

	outside(self, out, sizeof(out));
	ASSERT_EQ(1, put(self->guest, "a", O_CREAT, "1"));
	ASSERT_EQ(0, linkat(self->guest, "a", self->guest, "b", 0));
	ASSERT_EQ(0, host_rename(_metadata, self->host, "a", AT_FDCWD, out));
	EXPECT_EQ(2, put(self->guest, "b", 0, "22"));
	EXPECT_EQ(2, size_of(self->host, "b"));
	EXPECT_TRUE(vanishes(self->guest, "a"));
	become(_metadata, 0);
	EXPECT_EQ(0, unlink(out));
}

/* Each call finds the directory inside or refuses; nothing else happens. */
static void work_in_moving(struct __test_metadata *_metadata, int dir)
{
	struct stat st;

	if (touch(dir, "made", O_CREAT | O_WRONLY, 0600))
		ASSERT_TRUE(errno == ESTALE || errno == ENOENT);
	if (fstatat(dir, "made", &st, 0))
		ASSERT_TRUE(errno == ESTALE || errno == ENOENT);
	if (unlinkat(dir, "made", 0))
		ASSERT_TRUE(errno == ESTALE || errno == ENOENT);
}

TEST_F_TIMEOUT(files, moved_out_and_back_under_load, LONG)
{
	char out[PATH_MAX];
	int i, dir;
	pid_t pid;

	outside(self, out, sizeof(out));
	ASSERT_EQ(0, mkdirat(self->guest, "d", 0777));
	ASSERT_EQ(0, mkdirat(self->guest, "d/e", 0777));
	dir = openat(self->guest, "d/e", O_RDONLY | O_DIRECTORY);
	become(_metadata, 0);
	pid = fork();
	if (pid == 0) {
		for (i = 0; i < 200; i++) {
			if (renameat(self->host, "d", AT_FDCWD, out) ||
			    renameat(AT_FDCWD, out, self->host, "d"))
				_exit(1);
		}
		_exit(0);
	}
	become(_metadata, variant->uid);
	while (waitpid(pid, &i, WNOHANG) == 0)
		work_in_moving(_metadata, dir);
	EXPECT_EQ(0, i);
	become(_metadata, 0);
	EXPECT_EQ(-1, access(out, F_OK));
}

/* A share with --readonly */

FIXTURE(readonly)
{
	int guest;
	char name[64];
};

FIXTURE_SETUP(readonly)
{
	char path[PATH_MAX];
	int host;

	umask(0);
	snprintf(self->name, sizeof(self->name), "readonly-%d", getpid());
	snprintf(path, sizeof(path), "%s/%s", share_dir, self->name);
	ASSERT_EQ(0, mkdir(path, 0777));
	host = open_dir(share_dir, self->name);
	ASSERT_LE(0, host);
	populate(_metadata, host);
	ASSERT_EQ(0, symlinkat("x", host, "link"));
	ASSERT_EQ(0, mkdirat(host, "empty", 0755));
	self->guest = open_dir(mount_dir, self->name);
	ASSERT_LE(0, self->guest);
	close(host);
}

FIXTURE_TEARDOWN(readonly)
{
	ASSERT_EQ(0, chdir("/"));
	remove_tree(share_dir, self->name, "");
}

#define EROFS_CALLS(X) \
	X(EROFS, touch(d, "shared", O_WRONLY, 0)) \
	X(EROFS, touch(d, "shared", O_RDWR, 0)) \
	X(EROFS, touch(d, "shared", O_RDONLY | O_TRUNC, 0)) \
	X(EROFS, touch(d, "shared", O_CREAT | O_RDWR, 0600)) \
	X(0, touch(d, "shared", O_CREAT | O_RDONLY, 0600)) \
	X(0, touch(d, "shared", O_RDONLY, 0)) \
	X(EEXIST, touch(d, "shared", O_CREAT | O_EXCL | O_RDWR, 0600)) \
	X(EROFS, touch(d, "new", O_CREAT | O_RDONLY, 0600)) \
	X(EROFS, touch(d, "new", O_CREAT | O_EXCL | O_RDWR, 0600)) \
	X(ENOENT, touch(d, "new", O_RDWR, 0600)) \
	X(EEXIST, mkdirat(d, "locked", 0755)) \
	X(EEXIST, mkdirat(d, "shared", 0755)) \
	X(EROFS, mkdirat(d, "new", 0755)) \
	X(EEXIST, mknodat(d, "shared", S_IFIFO, 0)) \
	X(EROFS, mknodat(d, "new", S_IFIFO, 0)) \
	X(EEXIST, symlinkat("x", d, "link")) \
	X(EROFS, symlinkat("x", d, "new")) \
	X(EEXIST, linkat(d, "shared", d, "other", 0)) \
	X(EROFS, linkat(d, "shared", d, "new", 0)) \
	X(EROFS, unlinkat(d, "shared", 0)) \
	X(ENOENT, unlinkat(d, "none", 0)) \
	X(EROFS, unlinkat(d, "empty", AT_REMOVEDIR)) \
	X(EROFS, rename_at(d, "shared", "new", 0)) \
	X(EROFS, rename_at(d, "shared", "other", 0)) \
	X(EROFS, rename_at(d, "shared", "other", RENAME_EXCHANGE)) \
	X(EROFS, chmod_at(d, "shared", 0600)) \
	X(EROFS, chown_at(d, "shared", 1, 1)) \
	X(EROFS, chown_at(d, "link", 1, 1)) \
	X(EROFS, set_times(d, "shared", 1, 1)) \
	X(EROFS, utimensat(d, "shared", NULL, 0)) \
	X(EROFS, truncate_at(d, "shared", 0)) \
	X(0, faccessat(d, "shared", R_OK, 0)) \
	X(1, link_target_length(d, "link")) \
	X(1, size_of(d, "shared"))

#define EROFS_CHECK(expected, call) do { \
	int ret; \
	errno = 0; \
	ret = call; \
	EXPECT_EQ(expected, ret < 0 ? errno : ret) { \
		TH_LOG("%s: %s", #call, strerror(errno)); \
	} \
} while (0);

TEST_F(readonly, calls)
{
	int d = self->guest;

	EROFS_CALLS(EROFS_CHECK)
}

TEST_F(readonly, truncate_by_path)
{
	ASSERT_EQ(0, fchdir(self->guest));
	EXPECT_EQ(-1, truncate("shared", 0));
	EXPECT_EQ(EROFS, errno);
}

static char *default_tests[] = { "file_test", "files" };

int main(int argc, char **argv)
{
	if (argc < 3 || argv[1][0] != '/' || argv[2][0] != '/') {
		fprintf(stderr,
			"usage: file_test SHAREDIR MOUNT [TEST]...; both absolute\n");
		return 2;
	}
	share_dir = argv[1];
	mount_dir = argv[2];
	if (argc == 3)
		return test_harness_run(2, default_tests);
	return test_harness_run(argc - 2, argv + 2);
}
