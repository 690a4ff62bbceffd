/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of POSIX semantics share:
 *
 *	PROGRAM DIR [--other DIR] [TEST|FIXTURE]...
 *
 * Each test works in a new directory below DIR, which is its current directory,
 * as root; as_user() makes it somebody else for a while. DIR may be on any file
 * system: a test passes on the host's own and through a mount of a share alike.
 * Where the protocol doesn't allow that, the test says so with through_fuse()
 * and Documentation/posix.rst has the reason. --other names the directory that
 * is DIR seen from the other side: the host's for a mount, the mount's for a
 * host's; tests that need both take it as @other.
 */
#ifndef VHOST_FS_POSIX_H
#define VHOST_FS_POSIX_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>

#include "../harness.h"

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif

/* For tests that do much, on a slow machine. */
#define LONG	240

/* Two users who have nothing in common, and a group neither has as his own. */
#define ALICE	3001
#define BOB	3002
#define CLUB	3100

static const char *base_dir, *other_base;
/* The current directory, absolute; and what it is on the other side. */
static char here[PATH_MAX], other[PATH_MAX];

/* A call that must succeed, and one that must fail. */
#define OK(call) do { \
	errno = 0; \
	EXPECT_LE(0, (long)(call)) { \
		TH_LOG("%s: %s", #call, strerror(errno)); \
	} \
} while (0)

#define MUST(call) do { \
	errno = 0; \
	ASSERT_LE(0, (long)(call)) { \
		TH_LOG("%s: %s", #call, strerror(errno)); \
	} \
} while (0)

#define FAILS(error, call) do { \
	long __ret; \
	errno = 0; \
	__ret = (long)(call); \
	EXPECT_EQ(error, __ret < 0 ? errno : 0) { \
		TH_LOG("%s: %ld, %s", #call, __ret, strerror(errno)); \
	} \
} while (0)

/* Where the standard, or the kernel, leaves a choice. */
#define FAILS_OR(error, error2, call) do { \
	long __ret; \
	errno = 0; \
	__ret = (long)(call); \
	if (__ret >= 0 || errno != (error2)) \
		EXPECT_EQ(error, __ret < 0 ? errno : 0) { \
			TH_LOG("%s: %ld, %s", #call, __ret, strerror(errno)); \
		} \
} while (0)

static inline bool on_fs(const char *dir, long magic)
{
	struct statfs st;

	return !statfs(dir, &st) && st.f_type == magic;
}

static inline bool through_fuse(void)
{
	return on_fs(here, FUSE_SUPER_MAGIC);
}

/* The file system that has the data in the end. */
static inline bool stored_on(long magic)
{
	return on_fs(through_fuse() ? other : here, magic);
}

/* Becomes @uid with @gid and one more group (or none, if it is 0). */
static inline void as_user(uid_t uid, gid_t gid, gid_t more)
{
	if (setresuid(-1, 0, 0) || setgroups(more ? 1 : 0, &more) ||
	    setresgid(gid, gid, 0) || setresuid(uid, uid, 0)) {
		perror("as_user");
		_exit(KSFT_FAIL);
	}
}

static inline void as_root(void)
{
	as_user(0, 0, 0);
}

static inline int touch(const char *path, mode_t mode)
{
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, mode);

	return fd < 0 ? -1 : close(fd);
}

/* Opens and closes; for the errno of opening. */
static inline int opens(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0666);

	return fd < 0 ? -1 : close(fd);
}

static inline int put(const char *path, const char *text)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0666);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, text, strlen(text));
	close(fd);
	return n == (ssize_t)strlen(text) ? 0 : -1;
}

/* A file with an owner and a mode. */
static inline int give(const char *path, uid_t uid, gid_t gid, mode_t mode)
{
	return lchown(path, uid, gid) || chmod(path, mode) ? -1 : 0;
}

static inline int make_file(const char *path, uid_t uid, gid_t gid, mode_t mode)
{
	return touch(path, 0600) || give(path, uid, gid, mode) ? -1 : 0;
}

static inline int make_dir(const char *path, uid_t uid, gid_t gid, mode_t mode)
{
	return mkdir(path, 0700) || give(path, uid, gid, mode) ? -1 : 0;
}

static inline struct stat stat_of(const char *path)
{
	struct stat st;

	memset(&st, 0, sizeof(st));
	if (lstat(path, &st))
		st.st_mode = 0;
	return st;
}

static inline int mode_of(const char *path)
{
	return stat_of(path).st_mode & 07777;
}

static inline int nlink_of(const char *path)
{
	return stat_of(path).st_nlink;
}

static inline off_t size_of(const char *path)
{
	return stat_of(path).st_mode ? stat_of(path).st_size : -1;
}

static inline bool exists(const char *path)
{
	return stat_of(path).st_mode;
}

/* @path of the test's directory as the other side has it. */
static inline const char *over_there(const char *path)
{
	static char buf[PATH_MAX];

	snprintf(buf, sizeof(buf), "%s/%s", other, path);
	return buf;
}

static inline const char *name_of(int len)
{
	static char name[PATH_MAX + 256];

	memset(name, 'n', len);
	name[len] = '\0';
	return name;
}

/* A path of @len bytes that leads to the current directory. */
static inline const char *path_of(int len)
{
	static char path[2 * PATH_MAX];
	int i;

	for (i = 0; i < len; i++)
		path[i] = i % 2 ? '/' : '.';
	if (len % 2 == 0)
		path[len - 1] = '/';
	path[len] = '\0';
	return path;
}

/* The bytes at @path are @text. */
static inline bool holds(const char *path, const char *text)
{
	char buf[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf));

	close(fd);
	return n == (ssize_t)strlen(text) && !memcmp(buf, text, n);
}

/* A directory for one test; helpers of fixtures. */
static inline void enter_directory(struct __test_metadata *_metadata)
{
	umask(0);
	snprintf(here, sizeof(here), "%s/posix-%d", base_dir, getpid());
	snprintf(other, sizeof(other), "%s/posix-%d", other_base, getpid());
	ASSERT_EQ(0, mkdir(here, 0777));
	ASSERT_EQ(0, chdir(here));
	umask(022);
}

static inline void leave_directory(struct __test_metadata *_metadata)
{
	char command[PATH_MAX + 16];

	as_root();
	ASSERT_EQ(0, chdir("/"));
	snprintf(command, sizeof(command), "rm -rf '%s'", here);
	ASSERT_EQ(0, system(command));
}

#ifndef POSIX_OWN_FIXTURE
FIXTURE(posix)
{
};

FIXTURE_SETUP(posix)
{
	enter_directory(_metadata);
}

FIXTURE_TEARDOWN(posix)
{
	leave_directory(_metadata);
}
#endif

static inline int posix_main(int argc, char **argv)
{
	char *program = argv[0];
	int used = 2;

	base_dir = argv[1];
	other_base = base_dir;
	if (argc > 3 && !strcmp(argv[2], "--other")) {
		other_base = argv[3];
		used = 4;
	}
	if (argc < 2 || base_dir[0] != '/' || other_base[0] != '/') {
		fprintf(stderr,
			"%s: directories must be absolute; usage: %s DIR [--other DIR] [TEST]...\n",
			program, program);
		return 2;
	}
	argv[used - 1] = program;
	return test_harness_run(argc - used + 1, argv + used - 1);
}

#define POSIX_MAIN \
	int main(int argc, char **argv) \
	{ \
		return posix_main(argc, argv); \
	}

#endif /* VHOST_FS_POSIX_H */
