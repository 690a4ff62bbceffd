// SPDX-License-Identifier: GPL-2.0-only
/*
 * Set-user-ID, set-group-ID and sticky bits: who inherits them, who may set
 * them, and which calls take them away.
 */
#include "posix.h"

static int write_to(const char *path)
{
	int fd = open(path, O_WRONLY);
	int ret = write(fd, "x", 1);

	close(fd);
	return ret;
}

static int write_nothing(const char *path)
{
	int fd = open(path, O_WRONLY);
	int ret = write(fd, "x", 0);

	close(fd);
	return ret;
}

static int append_to(const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND);
	int ret = write(fd, "x", 1);

	close(fd);
	return ret;
}

static int write_direct(const char *path)
{
	int fd = open(path, O_WRONLY | O_DIRECT);
	char *buf = aligned_alloc(4096, 4096);
	int ret;

	memset(buf, 'x', 4096);
	ret = write(fd, buf, 4096);
	free(buf);
	close(fd);
	return ret;
}

static int write_mapped(const char *path)
{
	int fd = open(path, O_RDWR);
	char *map = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED)
		return -1;
	*map = 'x';
	msync(map, 1, MS_SYNC);
	munmap(map, 1);
	return close(fd);
}

static int truncate_fd(const char *path)
{
	int fd = open(path, O_WRONLY);
	int ret = ftruncate(fd, 1);

	close(fd);
	return ret;
}

static int truncate_same(const char *path)
{
	return truncate(path, stat_of(path).st_size);
}

static int truncate_path(const char *path)
{
	return truncate(path, 0);
}

static int truncate_open(const char *path)
{
	return opens(path, O_WRONLY | O_TRUNC);
}

static int allocate(const char *path)
{
	int fd = open(path, O_WRONLY);
	int ret = fallocate(fd, 0, 0, 10000);

	close(fd);
	return ret;
}

static int copy_into(const char *path)
{
	int fd = open(path, O_WRONLY), in = open("source", O_RDONLY);
	int ret = copy_file_range(in, NULL, fd, NULL, 3, 0);

	close(in);
	close(fd);
	return ret;
}

static int chown_self(const char *path)
{
	return chown(path, geteuid(), -1);
}

static int chown_nothing(const char *path)
{
	return chown(path, -1, -1);
}

static int chgrp_self(const char *path)
{
	return chown(path, -1, getegid());
}

static int only_read(const char *path)
{
	return opens(path, O_RDONLY);
}

static int rename_it(const char *path)
{
	return rename(path, "moved") || rename("moved", path);
}

static int touch_it(const char *path)
{
	return utimensat(AT_FDCWD, path, NULL, 0);
}

/* A call on a file 6777, and the mode after it, by the owner and by root. */
static const struct {
	const char *name;
	int (*fn)(const char *path);
	mode_t owner, root;
	bool fuse_clears;	/* the host isn't told that it is root */
} clearing[] = {
	{ "write", write_to, 0777, 06777 },
	{ "write nothing", write_nothing, 06777, 06777 },
	{ "append", append_to, 0777, 06777 },
	{ "write, O_DIRECT", write_direct, 0777, 06777 },
	{ "ftruncate", truncate_fd, 0777, 06777 },
	{ "truncate", truncate_path, 0777, 06777 },
	{ "truncate to its size", truncate_same, 0777, 06777 },
	{ "O_TRUNC", truncate_open, 0777, 06777, .fuse_clears = true },
	{ "copy_file_range", copy_into, 0777, 06777 },
	{ "chown", chown_self, 0777, 0777 },
	{ "chown to nobody else", chown_nothing, 0777, 0777 },
	{ "chgrp", chgrp_self, 0777, 0777 },
	{ "open", only_read, 06777, 06777 },
	{ "rename", rename_it, 06777, 06777 },
	{ "utimensat", touch_it, 06777, 06777 },
};

static mode_t mode_after(int row, uid_t uid)
{
	mode_t mode;

	unlink("f");
	if (put("f", "text") || give("f", uid, uid, 06777))
		return 1;
	as_user(uid, uid, 0);
	if (clearing[row].fn("f") < 0)
		perror(clearing[row].name);
	as_root();
	mode = mode_of("f");
	/* It isn't only the mount's opinion. */
	return mode == (stat_of(over_there("f")).st_mode & 07777) ||
	       !through_fuse() ? mode : 2;
}

TEST_F_TIMEOUT(posix, calls_that_clear, LONG)
{
	size_t i;

	OK(put("source", "123"));
	OK(chmod(".", 0777));
	for (i = 0; i < sizeof(clearing) / sizeof(*clearing); i++) {
		if (clearing[i].fn == write_direct &&
		    stored_on(TMPFS_MAGIC) && !through_fuse())
			continue;
		EXPECT_EQ(clearing[i].owner, mode_after(i, ALICE)) {
			TH_LOG("%s, by the owner", clearing[i].name);
		}
		EXPECT_EQ(clearing[i].fuse_clears && through_fuse() ? 0777 :
			  clearing[i].root, mode_after(i, 0)) {
			TH_LOG("%s, by root", clearing[i].name);
		}
	}
}

/* Allocation: ext4 and xfs clear since 6.0; the bits never survive a change. */
TEST_F(posix, allocation_clears)
{
	OK(put("f", "text"));
	OK(give("f", ALICE, ALICE, 06777));
	as_user(ALICE, ALICE, 0);
	if (stored_on(EXT4_SUPER_MAGIC) || stored_on(XFS_SUPER_MAGIC)) {
		OK(allocate("f"));
		EXPECT_EQ(0777, mode_of("f"));
	}
	as_root();
	OK(chmod("f", 06777));
	as_user(ALICE, ALICE, 0);
	OK(write_mapped("f"));
	EXPECT_TRUE(holds("f", "xext") || size_of("f") == 10000);
}

/*
 * A group bit on a file that the group can't execute is no set-group-ID; it
 * stays, unless the writer isn't in the group.
 */
TEST_F(posix, group_bit_without_execution)
{
	OK(put("f", "text"));
	OK(give("f", ALICE, CLUB, 02666));
	as_user(ALICE, ALICE, CLUB);
	OK(write_to("f"));
	EXPECT_EQ(02666, mode_of("f"));
	as_root();
	OK(chmod("f", 04666));
	as_user(ALICE, ALICE, 0);
	OK(write_to("f"));
	EXPECT_EQ(0666, mode_of("f"));
}

TEST_F(posix, chmod_of_group_bit)
{
	OK(make_file("own", ALICE, ALICE, 0755));
	OK(make_file("club", ALICE, CLUB, 0755));
	OK(make_file("bob", ALICE, BOB, 0755));
	OK(make_dir("dir", ALICE, BOB, 0755));
	OK(make_file("other", BOB, ALICE, 0755));
	as_user(ALICE, ALICE, CLUB);
	OK(chmod("own", 02755));
	EXPECT_EQ(02755, mode_of("own"));
	OK(chmod("own", 06755));
	EXPECT_EQ(06755, mode_of("own"));
	OK(chmod("club", 02755));
	EXPECT_EQ(02755, mode_of("club"));
	OK(chmod("bob", 06755));
	EXPECT_EQ(04755, mode_of("bob"));
	OK(chmod("dir", 02755));
	EXPECT_EQ(0755, mode_of("dir"));
	OK(chmod("dir", 01755));
	EXPECT_EQ(01755, mode_of("dir"));
	OK(chmod("own", 07777));
	EXPECT_EQ(07777, mode_of("own"));
	FAILS(EPERM, chmod("other", 0755));
	as_root();
	OK(chmod("bob", 06755));
	EXPECT_EQ(06755, mode_of("bob"));
}

TEST_F(posix, inherited_group)
{
	OK(make_dir("d", 0, CLUB, 02777));
	OK(make_dir("plain", 0, CLUB, 0777));
	as_user(ALICE, ALICE, 0);
	OK(touch("d/f", 0755));
	OK(mkdir("d/d", 0755));
	OK(mkfifo("d/p", 0644));
	OK(symlink("x", "d/l"));
	EXPECT_EQ(CLUB, stat_of("d/f").st_gid);
	EXPECT_EQ(ALICE, stat_of("d/f").st_uid);
	EXPECT_EQ(0755, mode_of("d/f"));
	EXPECT_EQ(CLUB, stat_of("d/d").st_gid);
	EXPECT_EQ(02755, mode_of("d/d"));
	EXPECT_EQ(CLUB, stat_of("d/p").st_gid);
	EXPECT_EQ(CLUB, stat_of("d/l").st_gid);
	OK(mkdir("d/d/e", 0700));
	EXPECT_EQ(02700, mode_of("d/d/e"));
	EXPECT_EQ(CLUB, stat_of("d/d/e").st_gid);
	OK(touch("plain/f", 0644));
	EXPECT_EQ(ALICE, stat_of("plain/f").st_gid);
	OK(mkdir("plain/d", 0755));
	EXPECT_EQ(0755, mode_of("plain/d"));
	/* Who isn't in the group makes no program of it. */
	OK(touch("d/g", 02755));
	EXPECT_EQ(0755, mode_of("d/g"));
	OK(touch("d/h", 02644));
	EXPECT_EQ(02644, mode_of("d/h"));
	OK(mknod("d/n", S_IFREG | 02755, 0));
	EXPECT_EQ(0755, mode_of("d/n"));
	as_user(ALICE, ALICE, CLUB);
	OK(touch("d/mine", 02755));
	EXPECT_EQ(02755, mode_of("d/mine"));
	as_root();
	OK(touch("d/root", 06755));
	EXPECT_EQ(06755, mode_of("d/root"));
	OK(touch("plain/suid", 04755));
	EXPECT_EQ(04755, mode_of("plain/suid"));
}

/* What each may do with a file of ALICE's in a sticky directory. */
TEST_F(posix, sticky_directory)
{
	OK(make_dir("s", BOB, BOB, 01777));
	OK(make_dir("open", BOB, BOB, 0777));
	OK(make_file("s/f", ALICE, ALICE, 0666));
	OK(make_file("s/g", 0, 0, 0666));
	OK(make_dir("s/d", ALICE, ALICE, 0777));
	OK(make_file("open/f", ALICE, ALICE, 0666));
	as_user(CLUB, CLUB, 0);
	FAILS(EPERM, unlink("s/f"));
	FAILS(EPERM, rmdir("s/d"));
	FAILS(EPERM, rename("s/f", "open/x"));
	FAILS(EPERM, rename("s/f", "s/x"));
	FAILS(EPERM, rename("open/f", "s/g"));
	FAILS(EPERM, renameat2(AT_FDCWD, "open/f", AT_FDCWD, "s/f",
			       RENAME_EXCHANGE));
	OK(touch("s/mine", 0644));
	OK(rename("s/mine", "s/mine2"));
	FAILS(EPERM, rename("s/mine2", "s/f"));
	OK(rename("s/mine2", "open/mine"));
	OK(unlink("open/f"));
	OK(unlink("open/mine"));
	as_user(ALICE, ALICE, 0);
	OK(rename("s/f", "s/f2"));
	OK(rename("s/f2", "s/f"));
	OK(rmdir("s/d"));
	FAILS(EPERM, unlink("s/g"));
	as_user(BOB, BOB, 0);
	OK(unlink("s/g"));
	OK(rename("s/f", "s/x"));
	OK(unlink("s/x"));
}

/* A directory that changes its parent must be writable: its ".." changes. */
TEST_F(posix, moving_a_directory)
{
	OK(make_dir("from", ALICE, ALICE, 0755));
	OK(make_dir("to", ALICE, ALICE, 0755));
	OK(make_dir("from/d", BOB, BOB, 0755));
	OK(make_dir("from/e", ALICE, ALICE, 0555));
	OK(make_file("from/f", BOB, BOB, 0400));
	as_user(ALICE, ALICE, 0);
	FAILS(EACCES, rename("from/d", "to/d"));
	OK(rename("from/d", "from/d2"));
	FAILS(EACCES, rename("from/e", "to/e"));
	OK(rename("from/f", "to/f"));
	OK(chmod("from/e", 0755));
	OK(rename("from/e", "to/e"));
}

TEST_F(posix, who_may_chown)
{
	OK(make_file("f", ALICE, ALICE, 0644));
	as_user(ALICE, ALICE, CLUB);
	FAILS(EPERM, chown("f", BOB, -1));
	FAILS(EPERM, chown("f", -1, BOB));
	FAILS(EPERM, chown("f", BOB, CLUB));
	FAILS(EPERM, chown("f", 0, 0));
	OK(chown("f", -1, CLUB));
	EXPECT_EQ(CLUB, stat_of("f").st_gid);
	OK(chown("f", ALICE, ALICE));
	OK(chown("f", -1, -1));
	as_user(BOB, BOB, CLUB);
	FAILS(EPERM, chown("f", BOB, -1));
	FAILS(EPERM, chown("f", -1, CLUB));
	FAILS(EPERM, chown("f", ALICE, ALICE));
	OK(chown("f", -1, -1));
	as_root();
	OK(chown("f", BOB, CLUB));
	EXPECT_EQ(BOB, stat_of("f").st_uid);
	OK(symlink("f", "l"));
	OK(lchown("l", ALICE, ALICE));
	EXPECT_EQ(BOB, stat_of("f").st_uid);
	EXPECT_EQ(ALICE, stat_of("l").st_uid);
	OK(chown("l", 0, 0));
	EXPECT_EQ(0, stat_of("f").st_uid);
	OK(chown("f", 4000000000U, 4000000001U));
	EXPECT_EQ(4000000000U, stat_of("f").st_uid);
	EXPECT_EQ(4000000001U, stat_of("f").st_gid);
}

TEST_F(posix, directories_keep_their_bits)
{
	OK(make_dir("d", ALICE, CLUB, 06777));
	EXPECT_EQ(06777, mode_of("d"));
	as_user(ALICE, ALICE, CLUB);
	OK(chown("d", ALICE, ALICE));
	EXPECT_EQ(06777, mode_of("d"));
	OK(touch("d/f", 0644));
	EXPECT_EQ(06777, mode_of("d"));
}

POSIX_MAIN
