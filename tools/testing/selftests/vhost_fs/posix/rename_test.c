// SPDX-License-Identifier: GPL-2.0-only
/*
 * rename(2), renameat2(2) and link(2): which names replace which, what stays,
 * and what is refused.
 */
#include <sys/wait.h>

#include "posix.h"

static int rename2(const char *from, const char *to, unsigned int flags)
{
	return renameat2(AT_FDCWD, from, AT_FDCWD, to, flags);
}

/* One of each kind, and the errno of renaming the row's over the column's. */
static const char * const kinds[] = {
	"file", "link", "fifo", "empty", "full"
};

static const int over[5][5] = {
	/*	     file     link     fifo     empty    full */
	/* file */ { 0,       0,       0,       EISDIR,  EISDIR },
	/* link */ { 0,       0,       0,       EISDIR,  EISDIR },
	/* fifo */ { 0,       0,       0,       EISDIR,  EISDIR },
	/* empty */{ ENOTDIR, ENOTDIR, ENOTDIR, 0,       ENOTEMPTY },
	/* full */ { ENOTDIR, ENOTDIR, ENOTDIR, 0,       ENOTEMPTY },
};

static void make_kind(struct __test_metadata *_metadata, const char *kind,
		      const char *path)
{
	char inner[64];

	if (!strcmp(kind, "file"))
		MUST(put(path, path));
	else if (!strcmp(kind, "link"))
		MUST(symlink("nowhere", path));
	else if (!strcmp(kind, "fifo"))
		MUST(mkfifo(path, 0644));
	else
		MUST(mkdir(path, 0755));
	if (!strcmp(kind, "full")) {
		snprintf(inner, sizeof(inner), "%s/inner", path);
		MUST(put(inner, "x"));
	}
}

/* What is to be renamed, and over what, in a new directory. */
static void make_pair(struct __test_metadata *_metadata, int from, int to,
		      const char *target)
{
	static int pairs;
	char name[32];

	MUST(chdir(here));
	snprintf(name, sizeof(name), "pair-%d", pairs++);
	MUST(mkdir(name, 0755));
	MUST(chdir(name));
	MUST(mkdir("dir", 0755));
	make_kind(_metadata, kinds[from], "from");
	make_kind(_metadata, kinds[to], target);
}

static void check_pair(struct __test_metadata *_metadata, int from, int to,
		       bool between_dirs)
{
	const char *target = between_dirs ? "dir/to" : "to";
	struct stat before, replaced, after;

	make_pair(_metadata, from, to, target);
	before = stat_of("from");
	replaced = stat_of(target);
	if (over[from][to]) {
		FAILS_OR(over[from][to], over[from][to] == ENOTEMPTY ? EEXIST :
			 over[from][to], rename("from", target));
		EXPECT_EQ(before.st_ino, stat_of("from").st_ino);
		EXPECT_EQ(replaced.st_ino, stat_of(target).st_ino);
	} else {
		OK(rename("from", target));
		after = stat_of(target);
		EXPECT_EQ(before.st_ino, after.st_ino);
		EXPECT_EQ(before.st_mode, after.st_mode);
		EXPECT_EQ(before.st_nlink, after.st_nlink);
		EXPECT_FALSE(exists("from"));
	}
	if (_metadata->exit_code)
		TH_LOG("renaming %s to %s", kinds[from], kinds[to]);
	/* With RENAME_EXCHANGE any two kinds change places. */
	make_pair(_metadata, from, to, target);
	before = stat_of("from");
	replaced = stat_of(target);
	OK(rename2("from", target, RENAME_EXCHANGE));
	EXPECT_EQ(before.st_ino, stat_of(target).st_ino);
	EXPECT_EQ(replaced.st_ino, stat_of("from").st_ino);
	FAILS(EEXIST, rename2("from", target, RENAME_NOREPLACE));
}

TEST_F_TIMEOUT(posix, every_kind_over_every_kind, LONG)
{
	int i;

	for (i = 0; i < 50; i++)
		check_pair(_metadata, i / 5 % 5, i % 5, i >= 25);
}

TEST_F(posix, onto_itself)
{
	ino_t ino;

	OK(put("a", "1"));
	OK(link("a", "b"));
	OK(mkdir("d", 0755));
	ino = stat_of("a").st_ino;
	OK(rename("a", "a"));
	/* Two names of one file: nothing happens, and both stay. */
	OK(rename("a", "b"));
	EXPECT_EQ(ino, stat_of("a").st_ino);
	EXPECT_EQ(ino, stat_of("b").st_ino);
	EXPECT_EQ(2, nlink_of("a"));
	OK(link("a", "d/c"));
	OK(rename("d/c", "a"));
	EXPECT_EQ(3, nlink_of("d/c"));
	OK(rename2("a", "b", RENAME_EXCHANGE));
	EXPECT_EQ(3, nlink_of("a"));
	FAILS(EEXIST, rename2("a", "a", RENAME_NOREPLACE));
	OK(rename("d", "d"));
	OK(rename("d/", "d"));
	FAILS(ENOTDIR, rename("a/", "b"));
	FAILS(ENOTDIR, rename("a", "x/"));
	FAILS(ENOENT, rename("none", "none"));
}

TEST_F(posix, directories_and_their_children)
{
	OK(mkdir("d", 0755));
	OK(mkdir("d/e", 0755));
	OK(mkdir("d/e/f", 0755));
	FAILS(EINVAL, rename("d", "d/x"));
	FAILS(EINVAL, rename("d", "d/e"));
	FAILS(EINVAL, rename("d", "d/e/f/x"));
	FAILS(ENOTEMPTY, rename("d/e", "d"));
	FAILS(ENOTEMPTY, rename("d/e/f", "d"));
	FAILS(EINVAL, rename2("d", "d/e", RENAME_EXCHANGE));
	FAILS(EINVAL, rename2("d/e/f", "d", RENAME_EXCHANGE));
	EXPECT_EQ(3, nlink_of("d"));
	EXPECT_EQ(3, nlink_of("d/e"));
	OK(mkdir("top", 0755));
	EXPECT_EQ(2, nlink_of("top"));
	OK(rename("d/e", "top/e"));
	EXPECT_EQ(2, nlink_of("d"));
	EXPECT_EQ(3, nlink_of("top"));
	EXPECT_EQ(stat_of("top").st_ino, stat_of("top/e/..").st_ino);
	OK(rename2("d", "top/e/f", RENAME_EXCHANGE));
	EXPECT_EQ(stat_of("top/e").st_ino, stat_of("top/e/f/..").st_ino);
	OK(rename("top/e/f", "d"));
	OK(rename("d", "top/e/f"));
	EXPECT_EQ(3, nlink_of("top/e"));
}

static void swap_dirs(const char *a, const char *b)
{
	int i;

	for (i = 0; i < 150; i++)
		if (rename(a, b) && errno != EINVAL && errno != ENOENT &&
		    errno != ENOTEMPTY && errno != EEXIST)
			_exit(errno);
	_exit(0);
}

/* Whoever wins, no directory becomes its own child. */
TEST_F_TIMEOUT(posix, crossing_renames, LONG)
{
	static const char * const pairs[][2] = {
		{ "a", "b/a" }, { "b", "a/b" }, { "a/b", "b" }, { "b/a", "a" },
	};
	pid_t pids[4];
	int i, status;

	OK(mkdir("a", 0755));
	OK(mkdir("b", 0755));
	for (i = 0; i < 4; i++) {
		pids[i] = fork();
		if (!pids[i])
			swap_dirs(pairs[i][0], pairs[i][1]);
	}
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(pids[i], waitpid(pids[i], &status, 0));
		EXPECT_EQ(0, status);
	}
	EXPECT_TRUE(exists("a") || exists("b"));
	EXPECT_TRUE(exists("a") || exists("b/a"));
	EXPECT_TRUE(exists("b") || exists("a/b"));
}

TEST_F(posix, whiteout)
{
	struct stat st;

	OK(put("f", "1"));
	OK(rename2("f", "g", RENAME_WHITEOUT));
	st = stat_of("f");
	EXPECT_TRUE(S_ISCHR(st.st_mode));
	EXPECT_EQ(0, st.st_rdev);
	EXPECT_TRUE(holds("g", "1"));
	OK(put("h", "2"));
	FAILS(EEXIST, rename2("g", "h", RENAME_WHITEOUT | RENAME_NOREPLACE));
	OK(rename2("g", "i", RENAME_WHITEOUT | RENAME_NOREPLACE));
	EXPECT_TRUE(S_ISCHR(stat_of("g").st_mode));
	/* It takes no privilege, and belongs to who made it. */
	OK(give("i", ALICE, ALICE, 0644));
	as_user(ALICE, ALICE, 0);
	OK(rename2("i", "j", RENAME_WHITEOUT));
	EXPECT_TRUE(S_ISCHR(stat_of("i").st_mode));
	EXPECT_EQ(ALICE, stat_of("i").st_uid);
	EXPECT_EQ(ALICE, stat_of("i").st_gid);
}

TEST_F(posix, hard_links)
{
	struct stat a, b;

	OK(put("a", "1"));
	OK(link("a", "b"));
	a = stat_of("a");
	b = stat_of("b");
	EXPECT_EQ(a.st_ino, b.st_ino);
	EXPECT_EQ(2, a.st_nlink);
	OK(chmod("a", 0604));
	EXPECT_EQ(0604, mode_of("b"));
	OK(chown("b", ALICE, BOB));
	EXPECT_EQ(BOB, stat_of("a").st_gid);
	OK(put("b", "longer"));
	EXPECT_EQ(6, size_of("a"));
	OK(unlink("a"));
	EXPECT_EQ(1, nlink_of("b"));
	EXPECT_TRUE(holds("b", "longer"));
	OK(mkdir("d", 0755));
	FAILS(EPERM, link("d", "e"));
	FAILS(EPERM, link(".", "e"));
	FAILS(ENOENT, link("none", "e"));
	OK(symlink("b", "l"));
	OK(link("l", "m"));
	EXPECT_TRUE(S_ISLNK(stat_of("m").st_mode));
	EXPECT_EQ(2, nlink_of("l"));
	OK(linkat(AT_FDCWD, "l", AT_FDCWD, "n", AT_SYMLINK_FOLLOW));
	EXPECT_EQ(stat_of("b").st_ino, stat_of("n").st_ino);
	OK(mkfifo("p", 0644));
	OK(link("p", "q"));
	EXPECT_EQ(2, nlink_of("q"));
	OK(symlink("dangling", "o"));
	OK(link("o", "o2"));
	FAILS(EXDEV, link("/proc/self/stat", "x"));
	FAILS(EXDEV, rename("b", "/proc/x"));
}

/* On ext4 the fixture has a file with nearly as many links as can be. */
TEST_F(posix, as_many_links_as_there_may_be)
{
	char source[PATH_MAX], name[32];
	int i, limit;

	snprintf(source, sizeof(source), "%s/many-links", base_dir);
	if (!stored_on(EXT4_SUPER_MAGIC))
		OK(make_file(source, 0, 0, 0644));
	limit = nlink_of(source) + 20;
	for (i = nlink_of(source); i < limit; i++) {
		snprintf(name, sizeof(name), "l%d", i);
		OK(link(source, name));
	}
	EXPECT_EQ(limit, nlink_of(source));
	if (stored_on(EXT4_SUPER_MAGIC)) {
		EXPECT_EQ(65000, limit);
		FAILS(EMLINK, link(source, "one_more"));
		FAILS(EMLINK, link(name, "one_more"));
	}
	OK(unlink(name));
	OK(link(source, "one_more"));
	EXPECT_EQ(limit, nlink_of("one_more"));
	EXPECT_FALSE(exists(name));
	if (!stored_on(EXT4_SUPER_MAGIC))
		OK(unlink(source));
}

/* Another process never finds the name missing. */
TEST_F_TIMEOUT(posix, replacing_is_atomic, LONG)
{
	int i, status, fd;
	char buf[8];
	pid_t pid;

	OK(put("f", "old"));
	pid = fork();
	if (!pid) {
		for (i = 0; i < 300; i++)
			if (put("new", "new") || rename("new", "f"))
				_exit(1);
		_exit(0);
	}
	while (!waitpid(pid, &status, WNOHANG)) {
		fd = open("f", O_RDONLY);
		ASSERT_LE(0, fd) {
			TH_LOG("%s", strerror(errno));
		}
		EXPECT_EQ(3, read(fd, buf, 8));
		close(fd);
	}
	EXPECT_EQ(0, status);
}

TEST_F(posix, open_files_keep_their_names)
{
	char path[PATH_MAX], want[PATH_MAX];
	int fd, dir;

	OK(mkdir("d", 0755));
	OK(mkdir("e", 0755));
	OK(put("d/f", "1"));
	fd = open("d/f", O_RDWR);
	dir = open("d", O_RDONLY);
	OK(chdir("d"));
	OK(rename("../d", "../e/moved"));
	EXPECT_NE(NULL, (void *)getcwd(path, sizeof(path)));
	snprintf(want, sizeof(want), "%s/e/moved", here);
	EXPECT_STREQ(want, path);
	OK(put("g", "2"));
	OK(unlinkat(dir, "f", 0));
	OK(write(fd, "23", 2));
	OK(chdir(here));
	EXPECT_TRUE(holds("e/moved/g", "2"));
	EXPECT_EQ(0, faccessat(dir, "../../e", F_OK, 0));
}

/* What is replaced has one link less, for those who have it open. */
TEST_F(posix, replaced_files)
{
	struct stat st;
	int fd, dir;

	OK(put("new", "new"));
	OK(put("old", "old"));
	OK(mkdir("full", 0755));
	OK(mkdir("empty", 0755));
	OK(touch("full/f", 0644));
	fd = open("old", O_RDONLY);
	dir = open("empty", O_RDONLY | O_DIRECTORY);
	OK(rename("new", "old"));
	OK(fstat(fd, &st));
	EXPECT_EQ(0, st.st_nlink);
	OK(rename("full", "empty"));
	OK(fstat(dir, &st));
	EXPECT_EQ(0, st.st_nlink);
	FAILS(ENOENT, openat(dir, "f", O_RDONLY));
	FAILS(ENOENT, openat(dir, "g", O_CREAT | O_WRONLY, 0644));
	EXPECT_TRUE(exists("empty/f"));
	close(fd);
	close(dir);
	/* One of two names. */
	OK(link("old", "second"));
	OK(put("third", "3"));
	OK(rename("third", "old"));
	EXPECT_EQ(1, nlink_of("second"));
	EXPECT_TRUE(holds("second", "new"));
}

TEST_F(posix, removed_current_directory)
{
	char path[PATH_MAX];
	int dir;

	OK(mkdir("d", 0755));
	OK(chdir("d"));
	dir = open(".", O_RDONLY);
	OK(rmdir("../d"));
	FAILS(ENOENT, touch("f", 0644));
	FAILS(ENOENT, mkdir("e", 0755));
	FAILS(ENOENT, symlink("x", "l"));
	FAILS(ENOENT, mkfifo("p", 0644));
	FAILS(ENOENT, syscall(SYS_getcwd, path, sizeof(path)));
	OK(opens(".", O_RDONLY));
	EXPECT_EQ(0, nlink_of("."));
	FAILS(ENOENT, openat(dir, "x", O_CREAT | O_RDWR, 0644));
	OK(chdir(".."));
	EXPECT_EQ(stat_of(here).st_ino, stat_of(".").st_ino);
}

TEST_F(posix, times_of_renaming)
{
	struct timespec old[2] = { { 1000, 1 }, { 1000, 1 } };
	struct stat st;

	OK(put("f", "1"));
	OK(mkdir("a", 0755));
	OK(mkdir("b", 0755));
	OK(rename("f", "a/f"));
	OK(utimensat(AT_FDCWD, "a", old, 0));
	OK(utimensat(AT_FDCWD, "b", old, 0));
	OK(utimensat(AT_FDCWD, "a/f", old, 0));
	OK(rename("a/f", "b/g"));
	EXPECT_LT(1000, stat_of("a").st_mtim.tv_sec);
	EXPECT_LT(1000, stat_of("b").st_mtim.tv_sec);
	st = stat_of("b/g");
	EXPECT_EQ(1000, st.st_mtim.tv_sec);
	EXPECT_EQ(1000, st.st_atim.tv_sec);
}

POSIX_MAIN
