// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who may do what to a file and in a directory, by owner, group, supplementary
 * group, and none of these.
 */
#include <sys/fsuid.h>
#include <sys/wait.h>

#include "posix.h"

enum who { OWNER, GROUP, MORE, STRANGER, ROOT, NR_WHO };

static const struct {
	const char *name;
	uid_t uid;
	gid_t gid, more;
	int shift;	/* of the mode's bits that hold for him; -1: none do */
} who[NR_WHO] = {
	[OWNER] = { "owner", ALICE, ALICE, 0, 6 },
	[GROUP] = { "group", BOB, CLUB, 0, 3 },
	[MORE] = { "supplementary group", BOB, BOB, CLUB, 3 },
	[STRANGER] = { "other", BOB, BOB, 0, 0 },
	[ROOT] = { "root", 0, 0, 0, -1 },
};

static void become(enum who w)
{
	as_user(who[w].uid, who[w].gid, who[w].more);
}

/* The rwx bits of @mode that @w has, on a file of ALICE's and CLUB's. */
static int rights(enum who w, mode_t mode)
{
	if (who[w].shift < 0)
		return 6 | (mode & 0111 ? 1 : 0);
	return mode >> who[w].shift & 7;
}

static int verdict(int have, int need)
{
	return (have & need) == need ? 0 : EACCES;
}

static const mode_t modes[] = {
	0000, 0400, 0200, 0100, 0600, 0500, 0700, 0040, 0020, 0010, 0070,
	0004, 0002, 0001, 0007, 0770, 0707, 0077, 0755, 0644, 0551, 0777,
};

#define NR_MODES (sizeof(modes) / sizeof(*modes))

static void check_file(struct __test_metadata *_metadata, enum who w, int have)
{
	FAILS(verdict(have, 4), opens("f", O_RDONLY));
	FAILS(verdict(have, 2), opens("f", O_WRONLY));
	FAILS(verdict(have, 6), opens("f", O_RDWR));
	FAILS(verdict(have, 6), opens("f", O_RDONLY | O_TRUNC));
	FAILS(verdict(have, 2), truncate("f", 0));
	FAILS(verdict(have, 4), faccessat(AT_FDCWD, "f", R_OK, AT_EACCESS));
	FAILS(verdict(have, 2), faccessat(AT_FDCWD, "f", W_OK, AT_EACCESS));
	FAILS(verdict(have, 1), faccessat(AT_FDCWD, "f", X_OK, AT_EACCESS));
	FAILS(verdict(have, 7), faccessat(AT_FDCWD, "f", 7, AT_EACCESS));
	FAILS(w == OWNER || w == ROOT ? 0 : verdict(have, 2),
	      utimensat(AT_FDCWD, "f", NULL, 0));
	FAILS(verdict(have, 4) ?: (w == OWNER || w == ROOT ? 0 : EPERM),
	      opens("f", O_RDONLY | O_NOATIME));
	OK(opens("f", O_PATH));
	EXPECT_TRUE(exists("f"));
}

TEST_F_TIMEOUT(posix, files, LONG)
{
	enum who w;
	size_t i;

	OK(make_file("f", ALICE, CLUB, 0600));
	for (i = 0; i < NR_MODES; i++) {
		OK(chmod("f", modes[i]));
		for (w = 0; w < NR_WHO; w++) {
			become(w);
			check_file(_metadata, w, rights(w, modes[i]));
			as_root();
			ASSERT_EQ(0, _metadata->exit_code) {
				TH_LOG("%s with mode %o", who[w].name,
				       modes[i]);
			}
		}
	}
}

static int list(const char *path)
{
	DIR *d = opendir(path);

	return d ? closedir(d) : -1;
}

/* In a directory; "d/f" is ALICE's and open to all. */
static void check_dir(struct __test_metadata *_metadata, int have)
{
	int search = verdict(have, 1), change = verdict(have, 3);
	/* What could not be made isn't there, if that may be known. */
	int gone = change ? search ?: ENOENT : 0;
	struct stat st;

	FAILS(verdict(have, 4), list("d"));
	FAILS(search, stat("d/f", &st));
	FAILS(search, opens("d/f", O_RDONLY));
	FAILS(search, opens("d/f", O_RDWR | O_CREAT));
	FAILS(search ?: ENOENT, opens("d/none", O_RDONLY));
	FAILS(search ?: EEXIST, mkdir("d/f", 0755));
	FAILS(search, chdir("d"));
	OK(chdir(here));
	FAILS(change, touch("d/new", 0644));
	FAILS(gone, unlink("d/new"));
	FAILS(change, mkdir("d/new", 0755));
	FAILS(gone, rename("d/new", "d/new2"));
	FAILS(gone, rmdir("d/new2"));
	FAILS(change, symlink("x", "d/new"));
	FAILS(gone, unlink("d/new"));
	FAILS(change, mkfifo("d/new", 0644));
	FAILS(gone, rename("d/new", "open/new"));
	OK(!change ? rename("open/new", "d/new") : 0);
	FAILS(gone, unlink("d/new"));
	FAILS(change, link("own", "d/new"));
	FAILS(gone, unlink("d/new"));
}

TEST_F_TIMEOUT(posix, directories, LONG)
{
	enum who w;
	size_t i;

	OK(make_dir("d", ALICE, CLUB, 0700));
	OK(make_dir("open", 0, 0, 0777));
	OK(make_file("d/f", ALICE, CLUB, 0777));
	for (w = 0; w < NR_WHO; w++) {
		OK(make_file("own", who[w].uid, who[w].gid, 0666));
		for (i = 0; i < NR_MODES; i++) {
			OK(chmod("d", modes[i]));
			become(w);
			/* Nobody keeps root from a directory. */
			check_dir(_metadata, w == ROOT ? 7 :
				  rights(w, modes[i]));
			as_root();
			ASSERT_EQ(0, _metadata->exit_code) {
				TH_LOG("%s with mode %o", who[w].name,
				       modes[i]);
			}
		}
		OK(unlink("own"));
	}
}

/* Only the owner changes what a file is. */
TEST_F(posix, owners_only)
{
	enum who w;
	int error;

	OK(make_file("f", ALICE, CLUB, 0777));
	OK(make_dir("d", ALICE, CLUB, 0777));
	for (w = 0; w < NR_WHO; w++) {
		error = w == OWNER || w == ROOT ? 0 : EPERM;
		become(w);
		FAILS(error, chmod("f", 0777));
		FAILS(error, chmod("d", 0777));
		FAILS(error, chown("f", ALICE, -1));
		FAILS(error, utimensat(AT_FDCWD, "f", (struct timespec[2]) {
			{ 1, 1 }, { 1, 1 } }, 0));
		OK(utimensat(AT_FDCWD, "f", NULL, 0));
		OK(truncate("f", 1));
		as_root();
	}
}

/* access(2) asks for the real user, everything else for the effective one. */
TEST_F(posix, real_and_effective)
{
	pid_t pid;
	int status;

	OK(make_file("f", ALICE, ALICE, 0600));
	OK(make_file("x", 0, 0, 0755));
	pid = fork();
	if (!pid) {
		if (setresgid(BOB, ALICE, 0) || setresuid(BOB, ALICE, 0))
			_exit(1);
		FAILS(EACCES, access("f", R_OK));
		OK(faccessat(AT_FDCWD, "f", R_OK | W_OK, AT_EACCESS));
		OK(opens("f", O_RDWR));
		OK(access("x", R_OK | X_OK));
		FAILS(EACCES, access("x", W_OK));
		_exit(_metadata->exit_code);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_F(posix, setfsuid)
{
	OK(make_file("f", ALICE, ALICE, 0600));
	OK(make_dir("d", 0, 0, 0777));
	setfsgid(BOB);
	setfsuid(BOB);
	FAILS(EACCES, opens("f", O_RDONLY));
	OK(touch("d/f", 0644));
	setfsuid(0);
	setfsgid(0);
	EXPECT_EQ(BOB, stat_of("d/f").st_uid);
	EXPECT_EQ(BOB, stat_of("d/f").st_gid);
}

/* What is made belongs to whoever makes it, with the mode less the umask. */
TEST_F(posix, what_is_made)
{
	static const mode_t masks[] = { 0, 022, 077, 0777, 0137 };
	int fd;
	size_t i;

	OK(chmod(".", 0777));
	as_user(ALICE, BOB, CLUB);
	for (i = 0; i < sizeof(masks) / sizeof(*masks); i++) {
		umask(masks[i]);
		OK(touch("f", 0666));
		OK(mkdir("d", 0777));
		OK(mkfifo("p", 0666));
		OK(mknod("n", S_IFREG | 0777, 0));
		OK(symlink("x", "l"));
		fd = open("e", O_CREAT | O_RDWR, 0777);
		EXPECT_EQ(0666 & ~masks[i], mode_of("f"));
		EXPECT_EQ(0777 & ~masks[i], mode_of("d"));
		EXPECT_EQ(0666 & ~masks[i], mode_of("p"));
		EXPECT_EQ(0777 & ~masks[i], mode_of("n"));
		EXPECT_EQ(0777 & ~masks[i], mode_of("e"));
		EXPECT_EQ(0777, mode_of("l"));
		EXPECT_EQ(ALICE, stat_of("d").st_uid);
		EXPECT_EQ(BOB, stat_of("f").st_gid);
		EXPECT_EQ(BOB, stat_of("l").st_gid);
		/* Who made it may write to it, whatever its mode. */
		EXPECT_EQ(1, write(fd, "x", 1));
		close(fd);
		OK(unlink("f"));
		OK(rmdir("d"));
		OK(unlink("p"));
		OK(unlink("n"));
		OK(unlink("l"));
		OK(unlink("e"));
	}
	/* The right to open is looked at once. */
	umask(0);
	fd = open("f", O_CREAT | O_RDWR, 0000);
	OK(fd);
	FAILS(EACCES, opens("f", O_RDONLY));
	EXPECT_EQ(2, write(fd, "ab", 2));
	OK(ftruncate(fd, 1));
	OK(fchmod(fd, 0400));
	OK(opens("f", O_RDONLY));
	FAILS(EACCES, opens("f", O_WRONLY));
}

/* A descriptor goes on working for whoever has it. */
TEST_F(posix, descriptors_outlive_rights)
{
	char buf[4];
	int fd;

	OK(put("f", "text"));
	OK(give("f", ALICE, ALICE, 0600));
	as_user(ALICE, ALICE, 0);
	fd = open("f", O_RDWR);
	OK(fd);
	as_root();
	OK(give("f", 0, 0, 0));
	as_user(BOB, BOB, 0);
	EXPECT_EQ(4, pread(fd, buf, 4, 0));
	EXPECT_EQ(4, pwrite(fd, "TEXT", 4, 0));
	OK(ftruncate(fd, 8));
	OK(fsync(fd));
	FAILS(EPERM, fchmod(fd, 0777));
	FAILS(EPERM, fchown(fd, BOB, BOB));
	FAILS(EPERM, futimens(fd, (struct timespec[2]) { { 1, 1 }, { 1, 1 } }));
	FAILS(EACCES, futimens(fd, NULL));
	FAILS(EACCES, opens("f", O_RDONLY));
}

TEST_F(posix, every_part_of_a_path_is_searched)
{
	OK(mkdir("a", 0755));
	OK(mkdir("a/b", 0755));
	OK(mkdir("a/b/c", 0777));
	OK(make_file("a/b/c/f", ALICE, ALICE, 0666));
	OK(symlink("a/b/c/f", "l"));
	as_user(BOB, BOB, 0);
	OK(opens("l", O_RDWR));
	as_root();
	OK(chmod("a/b", 0600));
	as_user(BOB, BOB, 0);
	FAILS(EACCES, opens("l", O_RDWR));
	FAILS(EACCES, opens("a/b/c/f", O_RDONLY));
	FAILS(EACCES, mkdir("a/b/c/d", 0755));
	FAILS(EACCES, rename("a/b/c/f", "a/b/c/g"));
	FAILS(EACCES, chdir("a/b/c"));
	FAILS(EACCES, access("a/b/c/f", F_OK));
	FAILS(EACCES, unlink("a/b/none"));
	as_root();
	OK(chmod("a/b", 0711));
	as_user(BOB, BOB, 0);
	OK(opens("l", O_RDWR));
	FAILS(EACCES, list("a/b"));
}

POSIX_MAIN
