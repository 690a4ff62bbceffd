// SPDX-License-Identifier: GPL-2.0-only
/*
 * Listing directories: each entry once, positions that stay good, and
 * directories that change meanwhile.
 */
#include <sys/wait.h>

#include "posix.h"

#define MANY 400
/*
 * Made by the host, where that takes no disk or POSIX_HUGE is in the
 * environment; more than any buffer takes.
 */
#define HUGE 100000
#define LARGE 4000
/* Of those, how many stay while the others go. */
#define STAY 1000

static int touch_in(int dir, const char *format, int nr)
{
	char name[NAME_MAX + 1];
	int fd;

	snprintf(name, sizeof(name), format, nr);
	fd = openat(dir, name, O_CREAT | O_EXCL | O_WRONLY, 0644);
	return fd < 0 ? -1 : close(fd);
}

static int unlink_in(int dir, const char *format, int nr)
{
	char name[NAME_MAX + 1];

	snprintf(name, sizeof(name), format, nr);
	return unlinkat(dir, name, 0);
}

static int dir_with(const char *path, int nr)
{
	int dir, i;

	if (mkdir(path, 0755))
		return -1;
	dir = open(path, O_RDONLY | O_DIRECTORY);
	for (i = 0; i < nr; i++)
		if (touch_in(dir, "e%d", i))
			return -1;
	return dir;
}

/* Counts in @seen how often each "eN" is listed; the rest is the result. */
static int list(DIR *d, unsigned char *seen, int nr)
{
	struct dirent *de;
	int others = 0;

	while ((de = readdir(d))) {
		int i = de->d_name[0] == 'e' ? atoi(de->d_name + 1) : -1;

		if (i >= 0 && i < nr && seen[i] < 255)
			seen[i]++;
		else
			others++;
	}
	return others;
}

static int count_not(const unsigned char *seen, int from, int to, int times)
{
	int i, wrong = 0;

	for (i = from; i < to; i++)
		wrong += seen[i] != times;
	return wrong;
}

TEST_F_TIMEOUT(posix, each_once, LONG)
{
	unsigned char seen[MANY] = { 0 };
	DIR *d = fdopendir(dir_with("d", MANY));

	ASSERT_NE(NULL, (void *)d);
	EXPECT_EQ(2, list(d, seen, MANY));
	EXPECT_EQ(0, count_not(seen, 0, MANY, 1));
	EXPECT_EQ(0, list(d, seen, MANY));
	rewinddir(d);
	EXPECT_EQ(2, list(d, seen, MANY));
	EXPECT_EQ(0, count_not(seen, 0, MANY, 2));
	closedir(d);
}

/* What readdir says of an entry is what stat says of it. */
TEST_F(posix, types_and_numbers)
{
	static const int types[] = {
		DT_REG, DT_DIR, DT_LNK, DT_FIFO, DT_SOCK, DT_CHR, DT_BLK
	};
	struct dirent *de;
	char name[8];
	struct stat st;
	int i, n = 0;
	DIR *d;

	for (i = 0; i < 7; i++) {
		snprintf(name, sizeof(name), "%d", i);
		if (types[i] == DT_DIR)
			OK(mkdir(name, 0755));
		else if (types[i] == DT_LNK)
			OK(symlink("x", name));
		else
			OK(mknod(name, DTTOIF(types[i]) | 0644, makedev(1, 3)));
	}
	d = opendir(".");
	while ((de = readdir(d))) {
		OK(lstat(de->d_name, &st));
		EXPECT_EQ(IFTODT(st.st_mode), de->d_type);
		if (strcmp(de->d_name, ".."))
			EXPECT_EQ(st.st_ino, de->d_ino);
		n++;
	}
	EXPECT_EQ(9, n);
	closedir(d);
}

TEST_F_TIMEOUT(posix, positions, LONG)
{
	static char names[MANY + 3][16];
	static long at[MANY + 3];
	DIR *d = fdopendir(dir_with("d", MANY));
	struct dirent *de;
	int i, n, pos;

	for (n = 0; n < MANY + 2; n++) {
		at[n] = telldir(d);
		de = readdir(d);
		ASSERT_NE(NULL, (void *)de);
		snprintf(names[n], 16, "%.15s", de->d_name);
	}
	at[n] = telldir(d);
	EXPECT_EQ(NULL, (void *)readdir(d));
	for (i = 0; i < 200; i++) {
		pos = i * 7919 % n;
		seekdir(d, at[pos]);
		EXPECT_EQ(at[pos], telldir(d));
		de = readdir(d);
		ASSERT_NE(NULL, (void *)de);
		EXPECT_STREQ(names[pos], de->d_name);
	}
	seekdir(d, at[n]);
	EXPECT_EQ(NULL, (void *)readdir(d));
	/* Another stream on the directory finds the same places. */
	closedir(d);
	d = opendir("d");
	seekdir(d, at[MANY / 2]);
	de = readdir(d);
	ASSERT_NE(NULL, (void *)de);
	EXPECT_STREQ(names[MANY / 2], de->d_name);
	closedir(d);
}

/* Removing what has been listed makes none of the rest vanish. */
TEST_F_TIMEOUT(posix, removal_while_listing, LONG)
{
	int dir = dir_with("d", MANY), removed = 0;
	DIR *d = fdopendir(dup(dir));
	struct dirent *de;

	while ((de = readdir(d))) {
		if (de->d_name[0] != 'e')
			continue;
		OK(unlinkat(dir, de->d_name, 0));
		removed++;
	}
	EXPECT_EQ(MANY, removed);
	closedir(d);
	OK(rmdir("d"));
	FAILS(ENOENT, opens("d", O_RDONLY));
}

/* What is listed gets another name and its own again: the listing still ends. */
TEST_F_TIMEOUT(posix, renaming_while_listing, LONG)
{
	unsigned char seen[MANY] = { 0 };
	int dir = dir_with("d", MANY), listed = 0;
	DIR *d = fdopendir(dup(dir));
	struct dirent *de;

	while ((de = readdir(d)) && listed < 3 * MANY) {
		if (de->d_name[0] != 'e')
			continue;
		seen[atoi(de->d_name + 1)]++;
		OK(renameat(dir, de->d_name, dir, "other"));
		OK(renameat(dir, "other", dir, de->d_name));
		listed++;
	}
	EXPECT_EQ(NULL, (void *)de);
	for (listed = 0; listed < MANY; listed++)
		EXPECT_LT(0, seen[listed]);
	closedir(d);
	close(dir);
}

/* A descriptor of a directory and its copies have one position. */
TEST_F_TIMEOUT(posix, shared_position, LONG)
{
	unsigned char seen[MANY] = { 0 };
	int dir = dir_with("d", MANY), copy = dup(dir), n, i, total = 0;
	static char buf[1024];

	for (i = 0; (n = syscall(SYS_getdents64, i % 2 ? copy : dir, buf, sizeof(buf))) > 0; i++) {
		struct dirent64 *de;
		int at;

		for (at = 0; at < n; at += de->d_reclen, total++) {
			de = (struct dirent64 *)(buf + at);
			if (de->d_name[0] == 'e')
				seen[atoi(de->d_name + 1)]++;
		}
	}
	EXPECT_EQ(0, n);
	EXPECT_EQ(MANY + 2, total);
	EXPECT_EQ(0, count_not(seen, 0, MANY, 1));
	close(copy);
	close(dir);
}

/* A position stays good when others go and come. */
TEST_F_TIMEOUT(posix, positions_after_changes, LONG)
{
	int dir = dir_with("d", MANY), i;
	unsigned char seen[MANY] = { 0 };
	DIR *d = fdopendir(dup(dir));
	char passed[MANY] = { 0 };
	struct dirent *de;
	long pos;

	for (i = 0; i < MANY / 2; i++) {
		de = readdir(d);
		ASSERT_NE(NULL, (void *)de);
		if (de->d_name[0] == 'e')
			passed[atoi(de->d_name + 1)] = 1;
	}
	pos = telldir(d);
	for (i = 0; i < MANY; i += 3)
		if (passed[i])
			OK(unlink_in(dir, "e%d", i));
	for (i = 0; i < 100; i++)
		OK(touch_in(dir, "new%d", i));
	seekdir(d, pos);
	list(d, seen, MANY);
	for (i = 0; i < MANY; i++)
		EXPECT_EQ(!passed[i], seen[i]);
	closedir(d);
	close(dir);
}

/* Makes and removes names other than those that are looked for. */
static void churn(const char *path, int writer)
{
	int dir = open(path, O_RDONLY | O_DIRECTORY), i;

	for (i = 0; i < 150; i++)
		if (touch_in(dir, writer ? "x%d" : "a-longer-name-%d", i) ||
		    (i >= 20 &&
		     unlink_in(dir, writer ? "x%d" : "a-longer-name-%d",
			       i - 20)))
			_exit(1);
	_exit(0);
}

TEST_F_TIMEOUT(posix, what_stays_is_seen, LONG)
{
	unsigned char seen[MANY];
	int dir = dir_with("d", MANY), i, status;
	pid_t pids[2];

	ASSERT_LE(0, dir);
	for (i = 0; i < 2; i++) {
		pids[i] = fork();
		if (!pids[i])
			churn(i ? over_there("d") : "d", i);
	}
	do {
		DIR *d = opendir("d");

		memset(seen, 0, sizeof(seen));
		list(d, seen, MANY);
		closedir(d);
		EXPECT_EQ(0, count_not(seen, 0, MANY, 1));
	} while (!waitpid(pids[0], &status, WNOHANG));
	EXPECT_EQ(0, status);
	ASSERT_EQ(pids[1], waitpid(pids[1], &status, 0));
	EXPECT_EQ(0, status);
	close(dir);
}

static void remove_half(const char *path, int nr)
{
	int dir = open(path, O_RDONLY | O_DIRECTORY), i;

	for (i = nr - 1; i >= STAY; i -= 2)
		if (unlink_in(dir, "e%d", i))
			_exit(1);
	_exit(0);
}

/*
 * Those that were made first stay: tmpfs lists the newest first, and a listing
 * whose place and all before it has gone begins anew.
 */
TEST_F_TIMEOUT(posix, huge_directory, 600)
{
	bool huge = stored_on(TMPFS_MAGIC) || getenv("POSIX_HUGE");
	int i, dir, status, nr = huge ? test_rounds(HUGE) : LARGE;
	static unsigned char seen[HUGE];
	char host[PATH_MAX];
	pid_t pid;
	DIR *d;

	OK(mkdir("d", 0755));
	snprintf(host, sizeof(host), "%s/d", through_fuse() ? other : here);
	dir = open(host, O_RDONLY | O_DIRECTORY);
	for (i = 0; i < nr; i++)
		MUST(touch_in(dir, "e%d", i));
	pid = fork();
	if (!pid)
		remove_half(host, nr);
	d = opendir("d");
	ASSERT_NE(NULL, (void *)d);
	EXPECT_EQ(2, list(d, seen, nr));
	EXPECT_EQ(0, count_not(seen, 0, STAY, 1));
	for (i = STAY; i < nr; i++)
		ASSERT_GE(1, seen[i]);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	rewinddir(d);
	memset(seen, 0, sizeof(seen));
	EXPECT_EQ(2, list(d, seen, nr));
	EXPECT_EQ(0, count_not(seen, 0, STAY, 1));
	for (i = STAY; i < nr; i++)
		ASSERT_EQ(i % 2 == 0, seen[i]);
	closedir(d);
	/* The host tidies up: it is faster. */
	for (i = 0; i < nr; i++)
		unlink_in(dir, "e%d", i);
	close(dir);
}

TEST_F(posix, long_and_odd_names)
{
	static const char * const odd[] = {
		"...", " ", "\n", "\xff\xfe", "a\tb", "-rf", "*", "\xc3\xa4",
		"\x01", ".hidden", "a\\b", "\"",
	};
	struct dirent *de;
	int i, n = 0, found = 0;
	DIR *d;

	for (i = 0; i < 12; i++)
		OK(put(odd[i], "x"));
	for (i = 250; i <= 255; i++)
		OK(touch(name_of(i), 0644));
	d = opendir(".");
	while ((de = readdir(d))) {
		n++;
		for (i = 0; i < 12; i++)
			found += !strcmp(odd[i], de->d_name);
		if (strlen(de->d_name) >= 250)
			found += !strcmp(de->d_name,
					 name_of(strlen(de->d_name)));
	}
	EXPECT_EQ(20, n);
	EXPECT_EQ(18, found);
	closedir(d);
}

TEST_F(posix, removed_directory)
{
	struct dirent *de;
	int n = 0;
	DIR *d;

	OK(mkdir("d", 0755));
	d = opendir("d");
	OK(rmdir("d"));
	while ((de = readdir(d)))
		n += de->d_name[0] != '.';
	EXPECT_EQ(0, n);
	FAILS(ENOENT, opens("d", O_RDONLY));
	closedir(d);
}

TEST_F(posix, small_buffers)
{
	char buf[4096];
	int dir = dir_with("d", 50), n = 0, got;

	FAILS(EINVAL, syscall(SYS_getdents64, dir, buf, 8));
	while ((got = syscall(SYS_getdents64, dir, buf, 40)) > 0)
		n += got / 24;
	EXPECT_EQ(0, got);
	EXPECT_EQ(52, n);
	EXPECT_EQ(0, lseek(dir, 0, SEEK_SET));
	EXPECT_LT(24, syscall(SYS_getdents64, dir, buf, sizeof(buf)));
	FAILS(ENOTDIR, syscall(SYS_getdents64, open("d/e1", O_RDONLY), buf,
			       4096));
	close(dir);
}

POSIX_MAIN
