// SPDX-License-Identifier: GPL-2.0-only
/*
 * What every call that takes a path must answer to a bad one, and the errors
 * that each call has of its own.
 */
#include <sys/file.h>
#include <sys/xattr.h>

#include "posix.h"

/* A call reduced to its path. */
struct path_call {
	const char *name;
	int (*fn)(const char *path);
	bool makes;	/* @path is a new name */
	bool replaces;	/* or an old one, which goes */
	bool nofollow;	/* looks at a last symbolic link itself */
	bool dir;	/* only for directories */
};

static const struct timespec now2[2] = {
	{ 0, UTIME_NOW }, { 0, UTIME_NOW }
};

#define CALL(name, call) \
	static int call_##name(const char *p) { return call; }

CALL(open, opens(p, O_RDONLY))
CALL(open_write, opens(p, O_WRONLY))
CALL(open_path, opens(p, O_PATH))
CALL(open_trunc, opens(p, O_RDWR | O_TRUNC))
CALL(open_dir, opens(p, O_RDONLY | O_DIRECTORY))
CALL(creat, touch(p, 0644))
CALL(mkdir, mkdir(p, 0755))
CALL(mkfifo, mkfifo(p, 0644))
CALL(mknod, mknod(p, S_IFREG | 0644, 0))
CALL(symlink, symlink("x", p))
CALL(link_to, link("source", p))
CALL(rename_to, rename("source", p))
CALL(stat, ({ struct stat st; stat(p, &st); }))
CALL(lstat, ({ struct stat st; lstat(p, &st); }))
CALL(statx, ({ struct statx st; statx(AT_FDCWD, p, 0, STATX_ALL, &st); }))
CALL(statfs, ({ struct statfs st; statfs(p, &st); }))
CALL(access, access(p, F_OK))
CALL(chmod, chmod(p, 0700))
CALL(chown, chown(p, 0, 0))
CALL(lchown, lchown(p, 0, 0))
CALL(truncate, truncate(p, 0))
CALL(utimensat, utimensat(AT_FDCWD, p, now2, 0))
CALL(lutimensat, utimensat(AT_FDCWD, p, now2, AT_SYMLINK_NOFOLLOW))
CALL(readlink, ({ char b[8]; readlink(p, b, sizeof(b)); }))
CALL(unlink, unlink(p))
CALL(rmdir, rmdir(p))
CALL(link_from, link(p, "made"))
CALL(rename_from, rename(p, "made"))
CALL(exchange, renameat2(AT_FDCWD, p, AT_FDCWD, "source", RENAME_EXCHANGE))
CALL(chdir, ({
	int back = open(".", O_PATH | O_DIRECTORY);
	int ret = chdir(p), err = errno;

	if (fchdir(back))
		_exit(1);
	close(back);
	errno = err;
	ret;
}))
CALL(getxattr, ({
	int ret = getxattr(p, "user.none", NULL, 0);

	/* Without such an attribute, or any, the path was good. */
	ret < 0 && (errno == ENODATA || errno == ENOTSUP) ? 0 : ret;
}))

#define ROW(id, ...) { .name = #id, .fn = call_##id, __VA_ARGS__ }

static const struct path_call calls[] = {
	ROW(open), ROW(open_write), ROW(open_path), ROW(open_trunc),
	ROW(open_dir, .dir = true),
	ROW(creat, .makes = true), ROW(mkdir, .makes = true),
	ROW(mkfifo, .makes = true), ROW(mknod, .makes = true),
	ROW(symlink, .makes = true), ROW(link_to, .makes = true),
	ROW(rename_to, .makes = true, .replaces = true),
	ROW(stat), ROW(lstat, .nofollow = true), ROW(statx), ROW(statfs),
	ROW(access), ROW(chmod), ROW(chown), ROW(lchown, .nofollow = true),
	ROW(truncate), ROW(utimensat), ROW(lutimensat, .nofollow = true),
	ROW(readlink, .nofollow = true), ROW(unlink, .nofollow = true),
	ROW(rmdir, .nofollow = true, .dir = true),
	ROW(link_from, .nofollow = true), ROW(rename_from, .nofollow = true),
	ROW(exchange, .nofollow = true),
	ROW(chdir, .dir = true), ROW(getxattr),
};

#define NR_CALLS (sizeof(calls) / sizeof(*calls))

/* @error for all calls, or for those of which @only says so. */
static void all_say(struct __test_metadata *_metadata, const char *path,
		    int error, bool (*only)(const struct path_call *c))
{
	const struct path_call *c;
	int ret;

	for (c = calls; c < calls + NR_CALLS; c++) {
		if (only && !only(c))
			continue;
		errno = 0;
		ret = c->fn(path);
		EXPECT_EQ(error, ret < 0 ? errno : 0) {
			TH_LOG("%s of %.40s: %s", c->name, path,
			       ret < 0 ? strerror(errno) : "done");
		}
	}
}

static bool is_old(const struct path_call *c)
{
	return !c->makes;
}

static bool must_be_new(const struct path_call *c)
{
	return c->makes && !c->replaces;
}

static bool follows(const struct path_call *c)
{
	return !c->makes && !c->nofollow;
}

static bool takes_files(const struct path_call *c)
{
	return !c->makes && !c->dir;
}

static bool takes_dirs_only(const struct path_call *c)
{
	return c->dir;
}

TEST_F(posix, missing_names)
{
	OK(touch("source", 0644));
	all_say(_metadata, "none", ENOENT, is_old);
	all_say(_metadata, "none/none", ENOENT, NULL);
	all_say(_metadata, "", ENOENT, NULL);
	OK(symlink("none", "dangling"));
	all_say(_metadata, "dangling", ENOENT, follows);
	all_say(_metadata, "dangling/x", ENOENT, NULL);
	EXPECT_FALSE(exists("made"));
}

TEST_F(posix, path_through_a_file)
{
	OK(touch("source", 0644));
	OK(touch("file", 0644));
	OK(symlink("file", "to_file"));
	OK(mkfifo("fifo", 0644));
	all_say(_metadata, "file/x", ENOTDIR, NULL);
	all_say(_metadata, "file/.", ENOTDIR, is_old);
	all_say(_metadata, "to_file/x", ENOTDIR, NULL);
	all_say(_metadata, "fifo/x", ENOTDIR, NULL);
	all_say(_metadata, "file", ENOTDIR, takes_dirs_only);
	EXPECT_TRUE(S_ISREG(stat_of("file").st_mode));
}

TEST_F(posix, trailing_slashes)
{
	OK(touch("source", 0644));
	OK(touch("file", 0644));
	all_say(_metadata, "file/", ENOTDIR, takes_files);
	FAILS_OR(EISDIR, ENOTDIR, opens("file/", O_RDONLY | O_CREAT));
	FAILS(EISDIR, opens("new/", O_RDWR | O_CREAT));
	FAILS(ENOENT, mknod("new/", S_IFREG | 0644, 0));
	FAILS(ENOENT, symlink("x", "new/"));
	FAILS(ENOENT, link("source", "new/"));
	FAILS(ENOTDIR, rename("source", "new/"));
	OK(mkdir("new/", 0755));
	OK(rename("new/", "newer///"));
	OK(rmdir("newer//"));
	OK(mkdir("dir", 0755));
	OK(symlink("dir", "to_dir"));
	EXPECT_FALSE(S_ISLNK(stat_of("to_dir/").st_mode));
	FAILS(ENOTDIR, rmdir("to_dir"));
	FAILS(ENOTDIR, rmdir("to_dir/"));
	FAILS(ENOTDIR, unlink("to_dir/"));
	FAILS(EISDIR, unlink("dir/"));
}

TEST_F(posix, names_too_long)
{
	char path[PATH_MAX + 600];

	OK(touch("source", 0644));
	all_say(_metadata, name_of(256), ENAMETOOLONG, NULL);
	snprintf(path, sizeof(path), "%s/x", name_of(256));
	all_say(_metadata, path, ENAMETOOLONG, NULL);
	all_say(_metadata, name_of(255), ENOENT, is_old);
	OK(touch(name_of(255), 0644));
	EXPECT_TRUE(exists(name_of(255)));
	all_say(_metadata, name_of(255), EEXIST, must_be_new);
}

TEST_F(posix, paths_too_long)
{
	char path[2 * PATH_MAX];

	OK(touch("source", 0644));
	all_say(_metadata, path_of(PATH_MAX), ENAMETOOLONG, NULL);
	snprintf(path, sizeof(path), "%sx", path_of(PATH_MAX - 1));
	all_say(_metadata, path, ENAMETOOLONG, NULL);
	snprintf(path, sizeof(path), "%sx", path_of(PATH_MAX - 2));
	all_say(_metadata, path, ENOENT, is_old);
	OK(mkdir(path, 0755));
	EXPECT_TRUE(exists("x"));
}

/* Where no path leads, names still do. */
TEST_F(posix, deeper_than_a_path)
{
	char path[2 * PATH_MAX];
	struct stat st, top = stat_of(".");
	int i, dirs[20];

	for (i = 0; i < 20; i++) {
		MUST(mkdir(name_of(255 - i), 0755));
		MUST(chdir(name_of(255 - i)));
		dirs[i] = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	FAILS(ENAMETOOLONG, syscall(SYS_getcwd, path, sizeof(path)));
	OK(put("f", "deep"));
	EXPECT_TRUE(holds("f", "deep"));
	OK(mkdir("d", 0755));
	OK(rename("f", "d/g"));
	OK(link("d/g", "../h"));
	EXPECT_EQ(2, nlink_of("d/g"));
	OK(symlink("../h", "l"));
	EXPECT_TRUE(holds("l", "deep"));
	OK(fstatat(dirs[0], "..", &st, 0));
	EXPECT_EQ(top.st_ino, st.st_ino);
	/* To the top in one step, and back one by one. */
	OK(renameat(AT_FDCWD, "d", dirs[0], "d"));
	OK(chdir(here));
	for (i = 0; i < 20; i++) {
		OK(chdir(name_of(255 - i)));
		EXPECT_EQ(i == 0, exists("d"));
		close(dirs[i]);
	}
	EXPECT_TRUE(holds("../h", "deep"));
}

TEST_F(posix, loops)
{
	char name[16], target[16] = "end";
	int i;

	OK(touch("source", 0644));
	OK(symlink("self", "self"));
	OK(symlink("b", "a"));
	OK(symlink("a", "b"));
	all_say(_metadata, "self", ELOOP, follows);
	all_say(_metadata, "a/x", ELOOP, NULL);
	FAILS(ELOOP, opens("self", O_RDONLY | O_NOFOLLOW));
	FAILS(ELOOP, opens("self", O_RDWR | O_CREAT));
	/* Forty links are followed, and no more. */
	OK(mkdir("end", 0755));
	for (i = 1; i <= 41; i++) {
		snprintf(name, sizeof(name), "l%d", i);
		MUST(symlink(target, name));
		strcpy(target, name);
	}
	OK(opens("l40", O_RDONLY));
	FAILS(ELOOP, opens("l41", O_RDONLY));
}

TEST_F(posix, bad_pointers)
{
	char * volatile bad = (char *)1;
	char *wild = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	int fd;

	OK(touch("source", 0644));
	all_say(_metadata, bad, EFAULT, NULL);
	all_say(_metadata, wild, EFAULT, NULL);
	OK(put("f", "text"));
	fd = open("f", O_RDWR);
	FAILS(EFAULT, read(fd, bad, 4));
	FAILS(EFAULT, write(fd, wild, 4));
	FAILS(EFAULT, syscall(SYS_newfstatat, AT_FDCWD, "f", wild, 0));
	OK(symlink("target", "l"));
	FAILS(EFAULT, readlink("l", wild, 6));
	EXPECT_EQ(4, size_of("f"));
}

TEST_F(posix, existing_names)
{
	static const char * const names[] = {
		"file", "dir", "link", "dangling", "fifo"
	};
	size_t i;

	OK(mkdir("source", 0755));
	OK(touch("file", 0644));
	OK(mkdir("dir", 0755));
	OK(symlink("file", "link"));
	OK(symlink("none", "dangling"));
	OK(mkfifo("fifo", 0644));
	for (i = 0; i < 5; i++) {
		FAILS(EEXIST, touch(names[i], 0644));
		FAILS(EEXIST, mkdir(names[i], 0755));
		FAILS(EEXIST, mkfifo(names[i], 0644));
		FAILS(EEXIST, mknod(names[i], S_IFREG, 0));
		FAILS(EEXIST, mknod(names[i], S_IFCHR, makedev(1, 3)));
		FAILS(EEXIST, symlink("x", names[i]));
		FAILS(EEXIST, link("file", names[i]));
		FAILS(EEXIST, renameat2(AT_FDCWD, "source", AT_FDCWD, names[i],
					RENAME_NOREPLACE));
	}
	EXPECT_FALSE(exists("none"));
}

TEST_F(posix, dot_names)
{
	OK(mkdir("d", 0755));
	OK(mkdir("d/e", 0755));
	OK(touch("f", 0644));
	FAILS(EINVAL, rmdir("d/."));
	FAILS(ENOTEMPTY, rmdir("d/e/.."));
	FAILS(EEXIST, mkdir(".", 0755));
	FAILS(EEXIST, mkdir("d/..", 0755));
	FAILS(EISDIR, unlink("."));
	FAILS(EISDIR, unlink("d/.."));
	FAILS(EBUSY, rename("d/.", "x"));
	FAILS(EBUSY, rename("d/e/..", "x"));
	FAILS(EBUSY, rename("d", "d/e/.."));
	FAILS(EBUSY, rename("d", "."));
	FAILS(EEXIST, link("f", "."));
	FAILS(EEXIST, symlink("f", "d/.."));
	FAILS(EISDIR, opens(".", O_RDWR));
	FAILS(EISDIR, opens("d/..", O_WRONLY));
	FAILS(EEXIST, opens(".", O_CREAT | O_EXCL | O_RDONLY));
}

TEST_F(posix, open_flags)
{
	OK(mkdir("d", 0755));
	OK(touch("f", 0644));
	OK(symlink("f", "to_f"));
	OK(symlink("d", "to_d"));
	OK(symlink("none", "dangling"));
	FAILS(EISDIR, opens("d", O_WRONLY));
	FAILS(EISDIR, opens("d", O_RDWR));
	FAILS(EISDIR, opens("d", O_RDONLY | O_CREAT));
	FAILS(EISDIR, opens("d", O_RDONLY | O_TRUNC));
	FAILS(ENOTDIR, opens("f", O_RDONLY | O_DIRECTORY));
	FAILS(ENOTDIR, opens("to_f", O_RDONLY | O_DIRECTORY));
	FAILS(ELOOP, opens("to_f", O_RDONLY | O_NOFOLLOW));
	FAILS(ENOTDIR, opens("to_d", O_RDONLY | O_NOFOLLOW | O_DIRECTORY));
	OK(opens("to_d", O_RDONLY | O_DIRECTORY));
	OK(opens("to_f", O_PATH | O_NOFOLLOW));
	FAILS(EEXIST, opens("to_f", O_RDONLY | O_CREAT | O_EXCL));
	FAILS(EEXIST, opens("dangling", O_RDONLY | O_CREAT | O_EXCL));
	OK(opens("dangling", O_RDONLY | O_CREAT));
	EXPECT_TRUE(exists("none"));
	FAILS(ENXIO, (mkfifo("p", 0644), opens("p", O_WRONLY | O_NONBLOCK)));
	OK(opens("p", O_RDONLY | O_NONBLOCK));
	OK(opens("d", O_RDONLY | O_NOATIME));
	FAILS(EINVAL, opens("d", O_RDONLY | O_DIRECTORY | O_CREAT));
}

TEST_F(posix, descriptors)
{
	int file = open("f", O_CREAT | O_RDWR, 0644);
	int rd = open("f", O_RDONLY), wr = open("f", O_WRONLY);
	int dir = open(".", O_RDONLY), path = open("f", O_PATH);
	struct timespec times[2] = { };
	char buf[8];

	FAILS(EBADF, write(rd, "x", 1));
	FAILS(EBADF, read(wr, buf, 1));
	FAILS(EISDIR, read(dir, buf, 1));
	FAILS(EBADF, write(dir, buf, 1));
	FAILS(EINVAL, ftruncate(rd, 0));
	FAILS(EINVAL, ftruncate(dir, 0));
	FAILS(EINVAL, ftruncate(file, -1));
	FAILS(EBADF, fallocate(rd, 0, 0, 1));
	FAILS(EBADF, fallocate(dir, 0, 0, 1));
	FAILS(ENOTDIR, mkdirat(file, "x", 0755));
	FAILS(ENOTDIR, fchdir(file));
	FAILS(EBADF, read(path, buf, 1));
	FAILS(EBADF, fchmod(path, 0600));
	FAILS(EBADF, fchown(path, 0, 0));
	FAILS(EBADF, ftruncate(path, 0));
	FAILS(EBADF, fsync(path));
	FAILS(EINVAL, pread(file, buf, 1, -1));
	FAILS(EINVAL, pwrite(file, buf, 1, -1));
	FAILS(EINVAL, lseek(file, -1, SEEK_SET));
	FAILS(EINVAL, lseek(file, -1, SEEK_END));
	FAILS(EINVAL, lseek(file, 0, 99));
	FAILS(EINVAL, openat(AT_FDCWD, "f", O_RDONLY | O_TMPFILE));
	FAILS(EINVAL, utimensat(AT_FDCWD, "f", times, ~0));
	times[0].tv_nsec = 1000000000;
	FAILS(EINVAL, utimensat(AT_FDCWD, "f", times, 0));
	times[0].tv_nsec = -1;
	FAILS(EINVAL, futimens(file, times));
	OK(fsync(rd));
	OK(fsync(dir));
	OK(fdatasync(dir));
	OK(syncfs(dir));
	OK(fchmod(rd, 0600));
	OK(fchown(rd, 1, 1));
	close(file);
	FAILS(EBADF, fsync(file));
}

TEST_F(posix, kinds_of_removal)
{
	OK(mkdir("d", 0755));
	OK(touch("f", 0644));
	OK(symlink("d", "l"));
	FAILS(EISDIR, unlink("d"));
	FAILS(ENOTDIR, rmdir("f"));
	FAILS(ENOTDIR, rmdir("l"));
	OK(touch("d/f", 0644));
	FAILS(ENOTEMPTY, rmdir("d"));
	OK(unlink("d/f"));
	OK(mkdir("d/.hidden", 0755));
	FAILS(ENOTEMPTY, rmdir("d"));
	OK(rmdir("d/.hidden"));
	OK(rmdir("d"));
	FAILS(ENOENT, rmdir("d"));
	OK(unlink("l"));
	FAILS(EINVAL, unlinkat(AT_FDCWD, "f", 0x8000));
	FAILS(EINVAL, linkat(AT_FDCWD, "f", AT_FDCWD, "g", 0x8000));
	FAILS(EINVAL, renameat2(AT_FDCWD, "f", AT_FDCWD, "g", 0x80));
	FAILS(EINVAL, renameat2(AT_FDCWD, "f", AT_FDCWD, "g",
				RENAME_EXCHANGE | RENAME_NOREPLACE));
	FAILS(EINVAL, renameat2(AT_FDCWD, "f", AT_FDCWD, "g",
				RENAME_EXCHANGE | RENAME_WHITEOUT));
	OK(unlink("f"));
}

TEST_F(posix, mknod_kinds)
{
	static const struct {
		mode_t type;
		unsigned int major, minor;
	} kinds[] = {
		{ S_IFREG, 0, 0 }, { S_IFIFO, 0, 0 }, { S_IFSOCK, 0, 0 },
		{ S_IFCHR, 1, 3 }, { S_IFCHR, 500, 200000 },
		{ S_IFBLK, 7, 255 }, { S_IFBLK, 256, 256 }, { 0, 0, 0 },
	};
	struct stat st;
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		OK(mknod("n", kinds[i].type | 0604,
			 makedev(kinds[i].major, kinds[i].minor)));
		st = stat_of("n");
		EXPECT_EQ((kinds[i].type ?: S_IFREG) | 0604, st.st_mode);
		if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) {
			EXPECT_EQ(kinds[i].major, major(st.st_rdev));
			EXPECT_EQ(kinds[i].minor, minor(st.st_rdev));
		}
		EXPECT_EQ(1, st.st_nlink);
		OK(unlink("n"));
	}
	FAILS(EPERM, mknod("n", S_IFDIR | 0755, 0));
	FAILS(EINVAL, mknod("n", S_IFLNK | 0755, 0));
	OK(mknod("null", S_IFCHR | 0666, makedev(1, 3)));
	OK(put("null", "gone"));
	OK(chmod(".", 0755));
	as_user(ALICE, ALICE, 0);
	FAILS(EACCES, mknod("p", S_IFIFO | 0644, 0));
	FAILS_OR(EPERM, EACCES, mknod("x", S_IFCHR | 0666, makedev(1, 3)));
	as_root();
	OK(chmod(".", 0777));
	as_user(ALICE, ALICE, 0);
	OK(mknod("p", S_IFIFO | 0644, 0));
	FAILS(EPERM, mknod("n", S_IFCHR | 0666, makedev(1, 3)));
	FAILS(EPERM, mknod("n", S_IFBLK | 0666, makedev(1, 3)));
}

TEST_F(posix, symlink_targets)
{
	char buf[PATH_MAX + 1];
	int i, lengths[] = { 1, 59, 60, 61, 255, 256, 1000, 1022, 1023,
		/* xfs and btrfs have a limit of their own. */
		1024, 3000, PATH_MAX - 2, PATH_MAX - 1 };
	int nr = stored_on(EXT4_SUPER_MAGIC) || stored_on(TMPFS_MAGIC) ? 13 : 9;

	for (i = 0; i < nr; i++) {
		OK(symlink(path_of(lengths[i]), "l"));
		EXPECT_EQ(lengths[i], size_of("l"));
		EXPECT_EQ(lengths[i], readlink("l", buf, sizeof(buf)));
		EXPECT_EQ(0, memcmp(buf, path_of(lengths[i]), lengths[i]));
		OK(unlink("l"));
	}
	FAILS(ENAMETOOLONG, symlink(path_of(PATH_MAX), "l"));
	if (stored_on(XFS_SUPER_MAGIC))
		FAILS(ENAMETOOLONG, symlink(path_of(1024), "l"));
	FAILS(ENOENT, symlink("", "l"));
	OK(symlink("abcdef", "l"));
	EXPECT_EQ(3, readlink("l", buf, 3));
	EXPECT_EQ(0, memcmp(buf, "abc", 3));
	FAILS(EINVAL, readlink("l", buf, 0));
	FAILS(EINVAL, readlink(".", buf, 8));
	EXPECT_EQ(0777, mode_of("l"));
}

POSIX_MAIN
