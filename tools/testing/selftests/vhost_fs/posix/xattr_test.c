// SPDX-License-Identifier: GPL-2.0-only
/*
 * Extended attributes: flags, sizes, lists, kinds of files, and who may. On a
 * share they need --xattr, and those of "trusted" CAP_SYS_ADMIN.
 */
#include <sys/xattr.h>

#include "posix.h"

static int set_attr(const char *path, const char *name, const char *value, int flags)
{
	return setxattr(path, name, value, strlen(value), flags);
}

/* A long name, or one that is too long. */
static const char *long_attr(int len)
{
	static char name[300];

	memset(name, 'n', sizeof(name));
	memcpy(name, "user.", 5);
	name[len] = '\0';
	return name;
}

static bool has(const char *path, const char *name, const char *value)
{
	char buf[256];
	ssize_t n = lgetxattr(path, name, buf, sizeof(buf));

	return n == (ssize_t)strlen(value) && !memcmp(buf, value, n);
}

/* Is @name listed? The host's labels may be, too. */
static bool lists(const char *path, const char *name)
{
	char buf[4096], *at;
	ssize_t n = llistxattr(path, buf, sizeof(buf));

	for (at = buf; n > 0 && at < buf + n; at += strlen(at) + 1)
		if (!strcmp(at, name))
			return true;
	return false;
}

TEST_F(posix, set_and_get)
{
	char buf[16];

	OK(touch("f", 0644));
	OK(set_attr("f", "user.a", "value", 0));
	EXPECT_TRUE(has("f", "user.a", "value"));
	EXPECT_EQ(5, getxattr("f", "user.a", NULL, 0));
	EXPECT_EQ(5, getxattr("f", "user.a", buf, 5));
	FAILS(ERANGE, getxattr("f", "user.a", buf, 4));
	FAILS(ENODATA, getxattr("f", "user.b", buf, 16));
	OK(set_attr("f", "user.a", "", 0));
	EXPECT_EQ(0, getxattr("f", "user.a", buf, 16));
	EXPECT_TRUE(lists("f", "user.a"));
	OK(removexattr("f", "user.a"));
	FAILS(ENODATA, removexattr("f", "user.a"));
	EXPECT_FALSE(lists("f", "user.a"));
	OK(mkdir("d", 0755));
	OK(set_attr("d", "user.a", "dir", 0));
	EXPECT_TRUE(has("d", "user.a", "dir"));
}

TEST_F(posix, creating_and_replacing)
{
	OK(touch("f", 0644));
	FAILS(ENODATA, set_attr("f", "user.a", "1", XATTR_REPLACE));
	OK(set_attr("f", "user.a", "1", XATTR_CREATE));
	FAILS(EEXIST, set_attr("f", "user.a", "2", XATTR_CREATE));
	OK(set_attr("f", "user.a", "3", XATTR_REPLACE));
	EXPECT_TRUE(has("f", "user.a", "3"));
	FAILS(EINVAL, set_attr("f", "user.a", "4", 4));
	FAILS(EINVAL, set_attr("f", "user.a", "4", ~0));
}

TEST_F(posix, attribute_names)
{
	char * volatile bad = (char *)1;

	OK(touch("f", 0644));
	OK(set_attr("f", long_attr(255), "x", 0));
	EXPECT_TRUE(has("f", long_attr(255), "x"));
	FAILS(ERANGE, set_attr("f", long_attr(256), "x", 0));
	FAILS(ERANGE, set_attr("f", "", "x", 0));
	FAILS(ERANGE, getxattr("f", "", NULL, 0));
	FAILS(EINVAL, set_attr("f", "user.", "x", 0));
	FAILS(ENOTSUP, set_attr("f", "user", "x", 0));
	FAILS(ENOTSUP, set_attr("f", "none.a", "x", 0));
	FAILS(ENOTSUP, getxattr("f", "none.a", NULL, 0));
	FAILS(ENOTSUP, removexattr("f", "none.a"));
	FAILS(EFAULT, setxattr("f", "user.a", bad, 5, 0));
}

TEST_F(posix, attribute_sizes)
{
	static char out[65537], in[65537];
	int sizes[] = { 1, 100, 1000, 3000 };
	size_t i;

	OK(touch("f", 0644));
	for (i = 0; i < sizeof(out); i++)
		out[i] = i * 7 + (i >> 8);
	for (i = 0; i < 4; i++) {
		OK(setxattr("f", "user.a", out, sizes[i], 0));
		EXPECT_EQ(sizes[i], getxattr("f", "user.a", in, sizeof(in)));
		EXPECT_EQ(0, memcmp(in, out, sizes[i]));
	}
	FAILS(E2BIG, setxattr("f", "user.a", out, 65537, 0));
	/* What takes the largest, and what has no room for it. */
	if (!setxattr("f", "user.b", out, 65536, 0)) {
		EXPECT_EQ(65536, getxattr("f", "user.b", in, sizeof(in)));
		EXPECT_EQ(0, memcmp(in, out, 65536));
		EXPECT_EQ(65536, getxattr("f", "user.b", NULL, 0));
		FAILS(ERANGE, getxattr("f", "user.b", in, 65535));
	} else {
		FAILS(ENOSPC, setxattr("f", "user.b", out, 65536, 0));
	}
	EXPECT_EQ(3000, getxattr("f", "user.a", in, 3000));
}

TEST_F(posix, attribute_lists)
{
	char name[64], list[8192];
	ssize_t empty, n;
	int i;

	OK(touch("f", 0644));
	empty = listxattr("f", NULL, 0);
	for (i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "user.quite-a-long-name-%03d", i);
		MUST(setxattr("f", name, &i, sizeof(i), 0));
	}
	n = listxattr("f", NULL, 0);
	EXPECT_EQ(empty + 40 * 27, n);
	EXPECT_EQ(n, listxattr("f", list, n));
	EXPECT_EQ(n, listxattr("f", list, sizeof(list)));
	FAILS(ERANGE, listxattr("f", list, n - 1));
	FAILS(ERANGE, listxattr("f", list, 1));
	for (i = 0; i < 40; i += 2) {
		snprintf(name, sizeof(name), "user.quite-a-long-name-%03d", i);
		EXPECT_TRUE(lists("f", name));
		OK(removexattr("f", name));
	}
	EXPECT_EQ(empty + 20 * 27, listxattr("f", NULL, 0));
}

TEST_F(posix, kinds_of_files)
{
	static const char * const names[] = { "link", "fifo", "null", "socket" };
	int i;

	OK(symlink("f", "link"));
	OK(mkfifo("fifo", 0666));
	OK(mknod("null", S_IFCHR | 0666, makedev(1, 3)));
	OK(mknod("socket", S_IFSOCK | 0666, 0));
	for (i = 0; i < 4; i++) {
		FAILS(EPERM, lsetxattr(names[i], "user.a", "x", 1, 0));
		FAILS(ENODATA, lgetxattr(names[i], "user.a", NULL, 0));
		FAILS(EPERM, lremovexattr(names[i], "user.a"));
		OK(lsetxattr(names[i], "trusted.a", "x", 1, 0));
		EXPECT_TRUE(has(names[i], "trusted.a", "x"));
		EXPECT_TRUE(lists(names[i], "trusted.a"));
		OK(lremovexattr(names[i], "trusted.a"));
	}
	FAILS(ENOENT, set_attr("link", "user.a", "x", 0));
	OK(touch("f", 0644));
	OK(set_attr("link", "user.a", "x", 0));
	EXPECT_TRUE(has("f", "user.a", "x"));
}

TEST_F(posix, who_may_use_attributes)
{
	OK(make_file("f", ALICE, CLUB, 0640));
	OK(set_attr("f", "user.a", "x", 0));
	OK(set_attr("f", "trusted.a", "x", 0));
	as_user(ALICE, ALICE, 0);
	OK(set_attr("f", "user.b", "y", 0));
	FAILS(EPERM, set_attr("f", "trusted.b", "y", 0));
	FAILS(ENODATA, getxattr("f", "trusted.a", NULL, 0));
	FAILS(EPERM, removexattr("f", "trusted.a"));
	FAILS(EPERM, set_attr("f", "security.x", "y", 0));
	as_user(BOB, CLUB, 0);
	EXPECT_TRUE(has("f", "user.b", "y"));
	FAILS(EACCES, set_attr("f", "user.b", "z", 0));
	FAILS(EACCES, removexattr("f", "user.b"));
	as_user(BOB, BOB, 0);
	FAILS(EACCES, getxattr("f", "user.a", NULL, 0));
	/* Names are no secret. */
	EXPECT_TRUE(lists("f", "user.a"));
	as_root();
	EXPECT_TRUE(has("f", "trusted.a", "x"));
}

TEST_F(posix, sticky_directories)
{
	OK(make_dir("d", ALICE, ALICE, 01777));
	as_user(BOB, BOB, 0);
	FAILS(EPERM, set_attr("d", "user.a", "x", 0));
	as_user(ALICE, ALICE, 0);
	OK(set_attr("d", "user.a", "x", 0));
	as_user(BOB, BOB, 0);
	EXPECT_TRUE(has("d", "user.a", "x"));
}

TEST_F(posix, attributes_of_open_files)
{
	int rd, path;

	OK(touch("f", 0644));
	rd = open("f", O_RDONLY | O_CLOEXEC);
	path = open("f", O_PATH | O_CLOEXEC);
	OK(fsetxattr(rd, "user.a", "x", 1, 0));
	EXPECT_EQ(1, fgetxattr(rd, "user.a", NULL, 0));
	FAILS(EBADF, fsetxattr(path, "user.a", "y", 1, 0));
	FAILS(EBADF, fgetxattr(path, "user.a", NULL, 0));
	FAILS(EBADF, flistxattr(path, NULL, 0));
	OK(unlink("f"));
	OK(fsetxattr(rd, "user.b", "xy", 2, 0));
	EXPECT_EQ(2, fgetxattr(rd, "user.b", NULL, 0));
	OK(fremovexattr(rd, "user.a"));
}

TEST_F(posix, attributes_stay)
{
	OK(touch("f", 0644));
	OK(set_attr("f", "user.a", "x", 0));
	OK(link("f", "g"));
	OK(rename("f", "h"));
	EXPECT_TRUE(has("g", "user.a", "x"));
	EXPECT_TRUE(has("h", "user.a", "x"));
	EXPECT_TRUE(has(over_there("h"), "user.a", "x"));
	OK(set_attr(over_there("h"), "user.a", "changed", 0));
	EXPECT_TRUE(has("g", "user.a", "changed"));
	OK(truncate("g", 10));
	OK(chmod("g", 0600));
	EXPECT_TRUE(has("g", "user.a", "changed"));
}

/* The attributes count as the inode's, not as the data. */
TEST_F(posix, attributes_and_times)
{
	struct timespec now;
	struct stat st;

	OK(touch("f", 0644));
	st = stat_of("f");
	do {
		clock_gettime(CLOCK_REALTIME_COARSE, &now);
	} while (now.tv_sec == st.st_ctim.tv_sec &&
		 now.tv_nsec <= st.st_ctim.tv_nsec);
	OK(set_attr("f", "user.a", "x", 0));
	EXPECT_NE(st.st_ctim.tv_nsec, stat_of("f").st_ctim.tv_nsec);
	EXPECT_EQ(st.st_mtim.tv_nsec, stat_of("f").st_mtim.tv_nsec);
}

POSIX_MAIN
