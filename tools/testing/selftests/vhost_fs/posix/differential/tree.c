// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whole directory trees: saying what is in one, and getting rid of it.
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "differential.h"

static void say_contents(int dir, const char *name, struct result *r)
{
	static char buf[1 << 18];
	int fd = openat(dir, name, O_RDONLY | O_NOATIME | O_CLOEXEC);
	ssize_t n;
	int i;

	/* What lies far out is data, too, but not read. */
	for (i = 0; fd >= 0 && i < 4; i++) {
		n = read(fd, buf, sizeof(buf));
		if (n <= 0)
			break;
		say_data(r, buf, n);
	}
	if (fd < 0)
		say(r, " %s", strerror(errno));
	close(fd);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in a directory but for dots, sorted; returns how many. */
static size_t names_in(int dir, char ***names)
{
	DIR *d = fdopendir(dup(dir));
	struct dirent *entry;
	size_t n = 0;

	*names = NULL;
	if (!d)
		return 0;
	rewinddir(d);
	while ((entry = readdir(d))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		*names = realloc(*names, (n + 1) * sizeof(**names));
		(*names)[n++] = strdup(entry->d_name);
	}
	closedir(d);
	qsort(*names, n, sizeof(**names), by_name);
	return n;
}

static void free_names(char **names, size_t n)
{
	while (n--)
		free(names[n]);
	free(names);
}

size_t attrs_in(char *list, ssize_t len, char *attrs[MAX_ATTRS])
{
	char *attr;
	size_t nr = 0;

	for (attr = list; attr < list + len && nr < MAX_ATTRS;
	     attr += strlen(attr) + 1)
		if (strncmp(attr, "security.", 9))
			attrs[nr++] = attr;
	qsort(attrs, nr, sizeof(*attrs), by_name);
	return nr;
}

static void say_attrs(int dir, const char *name, struct result *r)
{
	char path[PATH_MAX], list[4096], value[4096], *attrs[MAX_ATTRS];
	ssize_t n;
	size_t i, nr;

	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir, name);
	nr = attrs_in(list, llistxattr(path, list, sizeof(list)), attrs);
	for (i = 0; i < nr; i++) {
		n = lgetxattr(path, attrs[i], value, sizeof(value));
		say(r, " %s", attrs[i]);
		say_data(r, value, n < 0 ? 0 : n);
	}
}

static void say_below(int dir, const char *prefix, struct result *r,
		      bool inodes);

static void say_one(int dir, const char *prefix, const char *name,
		    struct result *r, bool inodes)
{
	char path[PATH_MAX], target[PATH_MAX];
	struct stat st;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%.20s", prefix, name);
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW)) {
		say(r, "%s: %s\n", path, strerror(errno));
		return;
	}
	say(r, "%s: %o %u %u:%u", path, plain_mode(st.st_mode), (unsigned int)st.st_nlink,
	    st.st_uid, st.st_gid);
	if (inodes)
		say(r, " inode %llu", (unsigned long long)st.st_ino);
	if (!S_ISDIR(st.st_mode))
		say(r, " size %lld", (long long)st.st_size);
	if (S_ISREG(st.st_mode))
		say_contents(dir, name, r);
	n = readlinkat(dir, name, target, sizeof(target));
	if (n >= 0)
		say_data(r, target, n);
	say_attrs(dir, name, r);
	say(r, "\n");
	if (!S_ISDIR(st.st_mode))
		return;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		say(r, "%s: %s\n", path, strerror(errno));
	else
		say_below(fd, path, r, inodes);
	close(fd);
}

static void say_below(int dir, const char *prefix, struct result *r,
		      bool inodes)
{
	char **names;
	size_t i, n = names_in(dir, &names);

	for (i = 0; i < n; i++)
		say_one(dir, prefix, names[i], r, inodes);
	free_names(names, n);
}

void tree_say(const char *top, struct result *r, bool inodes)
{
	int fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		err(1, "%s", top);
	say_below(fd, "", r, inodes);
	close(fd);
}

/* Flags that forbid removal. */
static void unlock(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	long none = 0;

	if (fd < 0)
		return;
	ioctl(fd, FS_IOC_SETFLAGS, &none);
	close(fd);
}

static void remove_one(int dir, const char *name)
{
	int fd, flags = 0;

	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0) {
		tree_remove(fd);
		close(fd);
		flags = AT_REMOVEDIR;
	}
	if (!unlinkat(dir, name, flags))
		return;
	unlock(dir, name);
	if (unlinkat(dir, name, flags))
		err(1, "can't remove %s", name);
}

void tree_remove(int dir)
{
	char **names;
	size_t i, n = names_in(dir, &names);
	long none = 0;
	struct stat st;

	if (n && !fstat(dir, &st))
		ioctl(dir, FS_IOC_SETFLAGS, &none);
	for (i = 0; i < n; i++)
		remove_one(dir, names[i]);
	free_names(names, n);
}
