// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which call changes which of a file's times and its directory's, what
 * utimensat(2) sets, and who may.
 */
#include "posix.h"

/* Every time is set back to this before a call. */
#define LONG_AGO 1000000000

enum {
	ATIME = 1, MTIME = 2, CTIME = 4, CHANGED = MTIME | CTIME,
};

static void age(const char *path)
{
	struct timespec old[2] = { { LONG_AGO, 0 }, { LONG_AGO, 0 } };

	if (utimensat(AT_FDCWD, path, old, AT_SYMLINK_NOFOLLOW))
		perror(path);
}

/* Coarse clocks tick in jiffies; a change must be seen as later. */
static void let_clock_tick(void)
{
	struct timespec begin, now;

	clock_gettime(CLOCK_REALTIME_COARSE, &begin);
	do {
		clock_gettime(CLOCK_REALTIME_COARSE, &now);
	} while (now.tv_sec == begin.tv_sec && now.tv_nsec == begin.tv_nsec);
}

static bool later(struct timespec a, struct timespec b)
{
	return a.tv_sec > b.tv_sec ||
	       (a.tv_sec == b.tv_sec && a.tv_nsec > b.tv_nsec);
}

static int what_changed(const struct stat *before, const struct stat *after)
{
	int changed = 0;

	if (later(after->st_atim, before->st_atim))
		changed |= ATIME;
	if (later(after->st_mtim, before->st_mtim))
		changed |= MTIME;
	if (later(after->st_ctim, before->st_ctim))
		changed |= CTIME;
	return changed;
}

static int write_at(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	int ret = pwrite(fd, text, strlen(text), 0);

	close(fd);
	return ret;
}

static int read_from(const char *path)
{
	int fd = open(path, O_RDONLY);
	char buf[8];
	int ret = read(fd, buf, sizeof(buf));

	close(fd);
	return ret;
}

static int list(const char *path)
{
	DIR *d = opendir(path);
	int n = 0;

	while (d && readdir(d))
		n++;
	closedir(d);
	return n;
}

static int ftruncate_to(const char *path, off_t size)
{
	int fd = open(path, O_WRONLY);
	int ret = ftruncate(fd, size);

	close(fd);
	return ret;
}

static int allocate(const char *path, int mode, off_t from, off_t len)
{
	int fd = open(path, O_WRONLY);
	int ret = fallocate(fd, mode, from, len);

	close(fd);
	return ret;
}

static int reopen(const char *path, int flags)
{
	return opens(path, flags);
}

/*
 * A call, the file that it is about and what must have changed of it, and the
 * same for its directory, which is always "d".
 */
#define CALLS(X) \
	X(write_at("d/f", "x"), "d/f", CHANGED, 0) \
	X(write_at("d/f", ""), "d/f", 0, 0) \
	X(truncate("d/f", 2), "d/f", CHANGED, 0) \
	X(truncate("d/f", 9000), "d/f", CHANGED, 0) \
	X(ftruncate_to("d/f", 9000), "d/f", CHANGED, 0) \
	X(ftruncate_to("d/f", 5), "d/f", CHANGED, 0) \
	X(reopen("d/f", O_WRONLY | O_TRUNC), "d/f", CHANGED, 0) \
	X(reopen("d/f", O_WRONLY | O_TRUNC), "d/f", CHANGED, 0) \
	X(reopen("d/f", O_RDWR | O_CREAT), "d/f", 0, 0) \
	X(allocate("d/f", 0, 0, 9000), "d/f", CHANGED, 0) \
	X(allocate("d/f", FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), \
	  "d/f", CHANGED, 0) \
	X(chmod("d/f", 0640), "d/f", CTIME, 0) \
	X(chown("d/f", ALICE, BOB), "d/f", CTIME, 0) \
	X(lchown("d/l", ALICE, BOB), "d/l", CTIME, 0) \
	X(chmod("d/sub", 0700), "d/sub", CTIME, 0) \
	X(link("d/f", "d/g"), "d/f", CTIME, CHANGED) \
	X(unlink("d/g"), "d/f", CTIME, CHANGED) \
	X(touch("d/new", 0644), "d/f", 0, CHANGED) \
	X(unlink("d/new"), "d/f", 0, CHANGED) \
	X(mkdir("d/new", 0755), "d/f", 0, CHANGED) \
	X(rmdir("d/new"), "d/f", 0, CHANGED) \
	X(symlink("x", "d/new"), "d/f", 0, CHANGED) \
	X(unlink("d/new"), "d/f", 0, CHANGED) \
	X(mkfifo("d/new", 0644), "d/f", 0, CHANGED) \
	X(rename("d/new", "new"), "d/f", 0, CHANGED) \
	X(rename("new", "d/new"), "d/f", 0, CHANGED) \
	X(rename("d/f", "d/new") || rename("d/new", "d/f"), "d/f", CTIME, \
	  CHANGED) \
	X(touch("d/sub/x", 0644), "d/sub", CHANGED, 0) \
	X(stat_of("d/f").st_nlink, "d/f", 0, 0) \
	X(access("d/f", R_OK), "d/f", 0, 0) \
	X(touch("d/f", 0644) ? 0 : -1, "d/f", 0, 0) \
	X(mkdir("d/sub", 0755) ? 0 : -1, "d/sub", 0, 0) \
	X(rmdir("d/sub") ? 0 : -1, "d/sub", 0, 0) \
	X(chmod("d/f/x", 0644) ? 0 : -1, "d/f", 0, 0) \
	X(truncate("d/f", -1) ? 0 : -1, "d/f", 0, 0)

#define CALL_CHECK(call, path, file_changes, dir_changes) do { \
	struct stat file, dir, after; \
	age("d"); \
	age(path); \
	file = stat_of(path); \
	dir = stat_of("d"); \
	let_clock_tick(); \
	OK(call); \
	after = stat_of(path); \
	if (!after.st_mode) \
		after = file; \
	EXPECT_EQ(file_changes, what_changed(&file, &after) & ~ATIME) { \
		TH_LOG("file, by %s", #call); \
	} \
	after = stat_of("d"); \
	EXPECT_EQ(dir_changes, what_changed(&dir, &after) & ~ATIME) { \
		TH_LOG("directory, by %s", #call); \
	} \
} while (0);

TEST_F_TIMEOUT(posix, calls_and_times, LONG)
{
	OK(mkdir("d", 0755));
	OK(mkdir("d/sub", 0755));
	OK(put("d/f", "12345"));
	OK(symlink("f", "d/l"));
	CALLS(CALL_CHECK)
	EXPECT_LT(0, read_from("d/f") + list("d"));
}

TEST_F(posix, reading_is_access)
{
	struct stat before, after;

	OK(mkdir("d", 0755));
	OK(put("d/f", "12345"));
	age("d/f");
	before = stat_of("d/f");
	let_clock_tick();
	EXPECT_EQ(5, read_from("d/f"));
	/* The other side's view, for what the mount's cache may keep. */
	OK(chdir(through_fuse() ? other : here));
	after = stat_of("d/f");
	EXPECT_EQ(ATIME, what_changed(&before, &after));
	age("d");
	before = stat_of("d");
	let_clock_tick();
	OK(chdir(here));
	EXPECT_EQ(3, list("d"));
	OK(chdir(through_fuse() ? other : here));
	after = stat_of("d");
	EXPECT_EQ(ATIME, what_changed(&before, &after));
}

TEST_F(posix, birth)
{
	struct statx before, after;

	OK(touch("f", 0644));
	OK(statx(AT_FDCWD, "f", 0, STATX_BTIME, &before));
	EXPECT_TRUE(before.stx_mask & STATX_BTIME);
	let_clock_tick();
	OK(put("f", "new"));
	OK(chmod("f", 0600));
	OK(rename("f", "g"));
	OK(statx(AT_FDCWD, "g", 0, STATX_BTIME | STATX_CTIME, &after));
	EXPECT_EQ(before.stx_btime.tv_sec, after.stx_btime.tv_sec);
	EXPECT_EQ(before.stx_btime.tv_nsec, after.stx_btime.tv_nsec);
	EXPECT_TRUE(after.stx_ctime.tv_sec > after.stx_btime.tv_sec ||
		    after.stx_ctime.tv_nsec > after.stx_btime.tv_nsec);
}

static const struct {
	const char *name;
	struct timespec times[2];	/* none: NULL is given */
	bool null;
	int owner, writer, stranger;	/* errno that each gets */
} may_set[] = {
	{ "null", .null = true, .owner = 0, .writer = 0, .stranger = EACCES },
	{ "now", { { 0, UTIME_NOW }, { 0, UTIME_NOW } },
	  .owner = 0, .writer = 0, .stranger = EACCES },
	{ "omit", { { 0, UTIME_OMIT }, { 0, UTIME_OMIT } },
	  .owner = 0, .writer = 0, .stranger = 0 },
	{ "set", { { 5, 6 }, { 7, 8 } },
	  .owner = 0, .writer = EPERM, .stranger = EPERM },
	{ "now, omit", { { 0, UTIME_NOW }, { 0, UTIME_OMIT } },
	  .owner = 0, .writer = EPERM, .stranger = EPERM },
	{ "omit, now", { { 0, UTIME_OMIT }, { 0, UTIME_NOW } },
	  .owner = 0, .writer = EPERM, .stranger = EPERM },
	{ "now, set", { { 0, UTIME_NOW }, { 7, 8 } },
	  .owner = 0, .writer = EPERM, .stranger = EPERM },
	{ "set, now", { { 5, 6 }, { 0, UTIME_NOW } },
	  .owner = 0, .writer = EPERM, .stranger = EPERM },
	{ "omit, set", { { 0, UTIME_OMIT }, { 7, 8 } },
	  .owner = 0, .writer = EPERM, .stranger = EPERM },
};

static int set_by(uid_t uid, gid_t gid, int row, const char *path, bool by_fd)
{
	const struct timespec *times = may_set[row].null ? NULL :
						  may_set[row].times;
	int ret, err, fd = open(path, O_RDONLY);

	as_user(uid, uid, gid);
	errno = 0;
	ret = by_fd ? futimens(fd, times) : utimensat(AT_FDCWD, path, times, 0);
	err = ret ? errno : 0;
	as_root();
	close(fd);
	return err;
}

TEST_F_TIMEOUT(posix, who_may_set_times, LONG)
{
	int i, fd;

	OK(make_file("f", ALICE, CLUB, 0464));
	for (i = 0; i < sizeof(may_set) / sizeof(*may_set); i++) {
		for (fd = 0; fd < 2; fd++) {
			EXPECT_EQ(may_set[i].owner,
				  set_by(ALICE, 0, i, "f", fd));
			EXPECT_EQ(may_set[i].writer,
				  set_by(BOB, CLUB, i, "f", fd));
			EXPECT_EQ(may_set[i].stranger,
				  set_by(BOB, 0, i, "f", fd));
			EXPECT_EQ(0, set_by(0, 0, i, "f", fd));
			if (_metadata->exit_code)
				TH_LOG("at \"%s\", or before",
				       may_set[i].name);
		}
	}
}

static void check_set(struct __test_metadata *_metadata, const char *path,
		      struct timespec a, struct timespec m, struct timespec ra,
		      struct timespec rm)
{
	struct timespec times[2] = { a, m };
	struct stat st;

	OK(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW));
	st = stat_of(path);
	EXPECT_EQ(ra.tv_sec, st.st_atim.tv_sec);
	EXPECT_EQ(ra.tv_nsec, st.st_atim.tv_nsec);
	EXPECT_EQ(rm.tv_sec, st.st_mtim.tv_sec);
	EXPECT_EQ(rm.tv_nsec, st.st_mtim.tv_nsec);
}

TEST_F(posix, what_is_set)
{
	static const char * const names[] = { "f", "d", "l", "p", "c" };
	static const time_t seconds[] = {
		0, 1, 0x7fffffff, 0x80000000L, 4000000000L, -1, -1000000
	};
	struct timespec omit = { 0, UTIME_OMIT };
	int i, j;

	OK(touch("f", 0644));
	OK(mkdir("d", 0755));
	OK(symlink("none", "l"));
	OK(mkfifo("p", 0644));
	OK(mknod("c", S_IFCHR | 0644, makedev(1, 3)));
	for (i = 0; i < 5; i++) {
		for (j = 0; j < 7; j++) {
			struct timespec a = { seconds[j], 999999999 };
			struct timespec m = { seconds[6 - j], 1 };

			check_set(_metadata, names[i], a, m, a, m);
			check_set(_metadata, names[i], omit, a, a, a);
			check_set(_metadata, names[i], m, omit, m, a);
			check_set(_metadata, names[i], omit, omit, m, a);
		}
	}
	OK(symlink("f", "to_f"));
	OK(utimensat(AT_FDCWD, "to_f", NULL, 0));
	EXPECT_LT(4000000000L / 4, stat_of("f").st_mtim.tv_sec);
}

/* Setting the time of day is setting it now, by this kernel's clock. */
TEST_F(posix, now_is_now)
{
	struct timespec before, after, now[2] = {
		{ 0, UTIME_NOW }, { 0, UTIME_NOW }
	};
	struct stat st;

	OK(touch("f", 0644));
	age("f");
	clock_gettime(CLOCK_REALTIME_COARSE, &before);
	let_clock_tick();
	OK(utimensat(AT_FDCWD, "f", now, 0));
	let_clock_tick();
	clock_gettime(CLOCK_REALTIME_COARSE, &after);
	st = stat_of("f");
	EXPECT_TRUE(later(st.st_mtim, before));
	EXPECT_TRUE(later(after, st.st_mtim));
	EXPECT_EQ(st.st_mtim.tv_sec, st.st_atim.tv_sec);
	EXPECT_EQ(st.st_mtim.tv_nsec, st.st_atim.tv_nsec);
	EXPECT_FALSE(later(st.st_mtim, st.st_ctim));
}

/* A file without a name changes no directory, until it has one. */
TEST_F(posix, nameless_files)
{
	struct stat before, after;
	char path[64];
	int fd;

	OK(mkdir("d", 0755));
	age("d");
	before = stat_of("d");
	let_clock_tick();
	fd = open("d", O_TMPFILE | O_RDWR, 0600);
	OK(fd);
	after = stat_of("d");
	EXPECT_EQ(0, what_changed(&before, &after) & ~ATIME);
	OK(fstat(fd, &before));
	let_clock_tick();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	OK(linkat(AT_FDCWD, path, AT_FDCWD, "d/f", AT_SYMLINK_FOLLOW));
	OK(fstat(fd, &after));
	EXPECT_EQ(CTIME, what_changed(&before, &after) & ~ATIME);
	EXPECT_EQ(1, after.st_nlink);
	EXPECT_LT(LONG_AGO, stat_of("d").st_mtim.tv_sec);
	close(fd);
}

/* Copying in the kernel is reading and writing. */
TEST_F(posix, copies)
{
	struct stat before, after;
	int in, out;

	OK(put("in", "12345"));
	OK(put("out", ""));
	age("in");
	age("out");
	in = open("in", O_RDONLY);
	out = open("out", O_WRONLY);
	before = stat_of("out");
	let_clock_tick();
	EXPECT_EQ(5, copy_file_range(in, NULL, out, NULL, 9, 0));
	after = stat_of("out");
	EXPECT_EQ(CHANGED, what_changed(&before, &after) & ~ATIME);
	EXPECT_EQ(LONG_AGO, stat_of("in").st_mtim.tv_sec);
	/* At its end there is nothing to copy, and nothing changes. */
	age("out");
	before = stat_of("out");
	let_clock_tick();
	EXPECT_EQ(0, copy_file_range(in, NULL, out, NULL, 9, 0));
	after = stat_of("out");
	EXPECT_EQ(0, what_changed(&before, &after) & ~ATIME);
	close(in);
	close(out);
}

/* What is seen through the mount is what the host keeps. */
TEST_F(posix, both_sides_agree)
{
	struct stat a, b;
	int fd;

	OK(put("f", "1"));
	fd = open("f", O_WRONLY);
	let_clock_tick();
	EXPECT_EQ(1, write(fd, "2", 1));
	a = stat_of("f");
	OK(fstat(fd, &b));
	EXPECT_EQ(a.st_mtim.tv_nsec, b.st_mtim.tv_nsec);
	close(fd);
	OK(chdir(through_fuse() ? other : here));
	b = stat_of("f");
	EXPECT_EQ(a.st_mtim.tv_sec, b.st_mtim.tv_sec);
	EXPECT_EQ(a.st_mtim.tv_nsec, b.st_mtim.tv_nsec);
	EXPECT_EQ(a.st_ctim.tv_nsec, b.st_ctim.tv_nsec);
}

POSIX_MAIN
