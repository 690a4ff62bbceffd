// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many processes that change one tree at random, here and on the other side;
 * then both sides must see the same tree. Calls may fail, as they would
 * anywhere where others work too, but only with what POSIX has for it.
 */
#include <sys/wait.h>

#include "posix.h"

#define PROCESSES 6
#define NAMES 12

static unsigned int seed;

static unsigned int dice(unsigned int sides)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 8) % sides;
}

/* A path of up to three names of a few. */
static const char *any_path(void)
{
	static char paths[4][64];
	static int next;
	char *path = paths[next++ % 4];
	int len = sprintf(path, "n%u", dice(NAMES)), depth = dice(3);

	while (depth--)
		len += sprintf(path + len, "/n%u", dice(NAMES));
	return path;
}

static int write_some(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_NONBLOCK, 0644), err;
	ssize_t ret;

	if (fd < 0)
		return -1;
	ret = pwrite(fd, "0123456789abcdef", 1 + dice(16), dice(9000));
	err = errno;
	close(fd);
	errno = err;
	return ret < 0 && err != ESPIPE ? -1 : 0;
}

static int read_some(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK), err;
	char buf[512];
	ssize_t ret;

	if (fd < 0)
		return -1;
	ret = pread(fd, buf, sizeof(buf), dice(9000));
	err = errno;
	close(fd);
	errno = err;
	return ret < 0 && err != EISDIR && err != ESPIPE ? -1 : 0;
}

static int list(const char *path)
{
	DIR *d = opendir(path);

	if (!d)
		return -1;
	while (readdir(d))
		;
	return closedir(d);
}

static int one_call(void)
{
	const char *a = any_path(), *b = any_path();
	struct stat st;

	switch (dice(16)) {
	case 0: case 1: return mkdir(a, 0755);
	case 2: return rmdir(a);
	case 3: return unlink(a);
	case 4: case 5: return rename(a, b);
	case 6: return renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
	case 7: return link(a, b);
	case 8: return symlink(b, a);
	case 9: return stat(a, &st);
	case 10: return chmod(a, 0700 | dice(0100));
	case 11: return truncate(a, dice(20000));
	case 12: return list(a);
	case 13: return read_some(a);
	case 14: return mknod(a, S_IFIFO | 0644, 0) || unlink(a);
	default: return write_some(a);
	}
}

static bool expected(int error)
{
	switch (error) {
	case EEXIST: case ENOENT: case ENOTDIR: case EISDIR: case ENOTEMPTY:
	case EINVAL: case ELOOP: case EPERM: case ENXIO: case ENAMETOOLONG:
	case EBUSY:
		return true;
	/* The mount had a name's file, and the other side replaced it. */
	case ESTALE:
		return true;
	}
	return false;
}

static void work(int nr)
{
	int i;

	seed = nr * 7919 + 1;
	for (i = 0; i < 250; i++) {
		if (!one_call() || expected(errno))
			continue;
		perror("stress");
		_exit(1);
	}
	_exit(0);
}

static void same_entry(struct __test_metadata *_metadata, const char *path,
		       const struct stat *a, const struct stat *b)
{
	char x[PATH_MAX] = "", y[PATH_MAX] = "";

	if (a->st_ino != b->st_ino || a->st_mode != b->st_mode ||
	    a->st_nlink != b->st_nlink || a->st_size != b->st_size ||
	    a->st_mtim.tv_nsec != b->st_mtim.tv_nsec) {
		EXPECT_STREQ("alike", path);
	}
	if (!S_ISLNK(a->st_mode))
		return;
	OK(readlink(path, x, sizeof(x) - 1));
	OK(readlink(over_there(path), y, sizeof(y) - 1));
	EXPECT_STREQ(y, x);
}

/* Forces what the mount knows to be what the host says. */
static int fresh(const char *path, struct stat *st)
{
	struct statx stx;

	return statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_STATX_FORCE_SYNC,
		     STATX_BASIC_STATS, &stx) || lstat(path, st) ? -1 : 0;
}

static int same_tree(struct __test_metadata *_metadata, const char *path)
{
	char child[PATH_MAX];
	struct dirent *de;
	struct stat a, b;
	int n = 0;
	DIR *d = opendir(path);

	ASSERT_NE(NULL, (void *)d);
	while ((de = readdir(d))) {
		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		snprintf(child, sizeof(child), "%s/%s", path, de->d_name);
		OK(fresh(child, &a));
		OK(fresh(over_there(child), &b));
		same_entry(_metadata, child, &a, &b);
		n++;
		if (S_ISDIR(a.st_mode))
			n += same_tree(_metadata, child);
	}
	closedir(d);
	return n;
}

static int count_tree(const char *path)
{
	char command[PATH_MAX + 64];
	int n = -1;
	FILE *f;

	snprintf(command, sizeof(command), "find '%s' -mindepth 1 | wc -l",
		 path);
	f = popen(command, "r");
	if (!f || fscanf(f, "%d", &n) != 1)
		n = -1;
	if (f)
		pclose(f);
	return n;
}

static void stress(struct __test_metadata *_metadata, bool both_sides)
{
	pid_t pids[PROCESSES];
	int i, status;

	for (i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		if (!pids[i]) {
			if (both_sides && i % 2 && chdir(other))
				_exit(1);
			work(i);
		}
	}
	for (i = 0; i < PROCESSES; i++) {
		ASSERT_EQ(pids[i], waitpid(pids[i], &status, 0));
		EXPECT_EQ(0, status);
	}
	/* Names that the mount believes in for a second are asked for anew. */
	EXPECT_EQ(count_tree(other), same_tree(_metadata, "."));
}

TEST_F_TIMEOUT(posix, one_side, LONG)
{
	stress(_metadata, false);
}

TEST_F_TIMEOUT(posix, both_sides, LONG)
{
	stress(_metadata, true);
}

POSIX_MAIN
