// SPDX-License-Identifier: GPL-2.0-only
/*
 * What lies outside of a share, for programs of a guest.
 */
#include "files.h"

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

TEST_F(files, symlinks_are_the_guest_s)
{
	struct stat etc, here, root;

	ASSERT_EQ(0, symlinkat("/etc", self->host, "absolute"));
	ASSERT_EQ(0, symlinkat("../..", self->host, "up"));
	ASSERT_EQ(0, stat("/etc", &etc));
	ASSERT_EQ(0, fstatat(self->guest, "absolute", &here, 0));
	EXPECT_TRUE(same_file(&etc, &here));
	/* Above the mount is what the guest has there, not the host. */
	ASSERT_EQ(0, fstatat(self->root, "..", &root, 0));
	ASSERT_EQ(0, fstatat(self->guest, "up", &here, 0));
	EXPECT_TRUE(same_file(&root, &here));
}

TEST_F(files, dotdot_of_the_root)
{
	struct stat above;
	struct dirent *de;
	char path[PATH_MAX];
	DIR *d = fdopendir(dup(self->root));

	snprintf(path, sizeof(path), "%s/..", share_dir);
	ASSERT_EQ(0, stat(path, &above));
	ASSERT_NE(NULL, (void *)d);
	rewinddir(d);
	while ((de = readdir(d)))
		if (!strcmp(de->d_name, ".."))
			EXPECT_NE(above.st_ino, de->d_ino);
	closedir(d);
}

/* Outside of the share, in the same file system. */
static void outside(FIXTURE_DATA(files) *self, char *path, size_t size)
{
	snprintf(path, size, "%s.%s", share_dir, self->name);
}

/* The host renames, whoever the guest's user is. */
static int host_rename(struct __test_metadata *_metadata, int from_dir,
		       const char *from, int to_dir, const char *to)
{
	uid_t uid = geteuid();
	int ret;

	become(_metadata, 0);
	ret = renameat(from_dir, from, to_dir, to);
	become(_metadata, uid);
	return ret;
}

TEST_F(files, moved_out_by_the_host)
{
	char out[PATH_MAX], data[4];
	int fd;

	outside(self, out, sizeof(out));
	ASSERT_EQ(0, mkdirat(self->guest, "d", 0777));
	ASSERT_EQ(0, mkdirat(self->guest, "d/e", 0777));
	ASSERT_EQ(1, put(self->guest, "d/e/f", O_CREAT, "1"));
	fd = openat(self->guest, "d/e/f", O_RDONLY);
	ASSERT_EQ(0, fchdir(openat(self->guest, "d/e", O_RDONLY)));
	ASSERT_EQ(0, host_rename(_metadata, self->host, "d", AT_FDCWD, out));

	EXPECT_EQ(-1, open("f", O_RDONLY));
	EXPECT_EQ(ESTALE, errno);
	EXPECT_EQ(-1, mkdir("new", 0700));
	EXPECT_EQ(ESTALE, errno);
	EXPECT_EQ(-1, open("new", O_CREAT | O_WRONLY, 0600));
	EXPECT_EQ(ESTALE, errno);
	EXPECT_EQ(-1, unlink("f"));
	EXPECT_EQ(ESTALE, errno);
	EXPECT_EQ(-1, open(".", O_RDONLY));
	EXPECT_EQ(-1, link("f", "g"));
	EXPECT_EQ(-1, chmod("f", 0777));
	/* What was open may be read on. */
	EXPECT_EQ(1, pread(fd, data, 4, 0));

	ASSERT_EQ(0, host_rename(_metadata, AT_FDCWD, out, self->host, "d"));
	EXPECT_EQ(1, size_of(self->guest, "d/e/f"));
	EXPECT_EQ(-1, faccessat(self->guest, "d/e/new", F_OK, 0));
	EXPECT_EQ(0, mkdirat(self->guest, "d/e/new", 0700));
}

/* Is a name gone, once the guest's cache has expired? */
static bool vanishes(int dir, const char *name)
{
	int i;

	for (i = 0; i < 400; i++) {
		if (faccessat(dir, name, F_OK, 0))
			return errno == ENOENT;
		usleep(50000);
	}
	return false;
}

/* A file is reached by the name that is left in the share. */
TEST_F(files, one_of_two_links_moved_out)
{
	char out[PATH_MAX];

	outside(self, out, sizeof(out));
	ASSERT_EQ(1, put(self->guest, "a", O_CREAT, "1"));
	ASSERT_EQ(0, linkat(self->guest, "a", self->guest, "b", 0));
	ASSERT_EQ(0, host_rename(_metadata, self->host, "a", AT_FDCWD, out));
	EXPECT_EQ(2, put(self->guest, "b", 0, "22"));
	EXPECT_EQ(2, size_of(self->host, "b"));
	EXPECT_TRUE(vanishes(self->guest, "a"));
	become(_metadata, 0);
	EXPECT_EQ(0, unlink(out));
}

/* Each call finds the directory inside or refuses; nothing else happens. */
static void work_in_moving(struct __test_metadata *_metadata, int dir)
{
	struct stat st;

	if (touch(dir, "made", O_CREAT | O_WRONLY, 0600))
		ASSERT_TRUE(errno == ESTALE || errno == ENOENT);
	if (fstatat(dir, "made", &st, 0))
		ASSERT_TRUE(errno == ESTALE || errno == ENOENT);
	if (unlinkat(dir, "made", 0))
		ASSERT_TRUE(errno == ESTALE || errno == ENOENT);
}

TEST_F_TIMEOUT(files, moved_out_and_back_under_load, LONG)
{
	char out[PATH_MAX];
	int i, dir;
	pid_t pid;

	outside(self, out, sizeof(out));
	ASSERT_EQ(0, mkdirat(self->guest, "d", 0777));
	ASSERT_EQ(0, mkdirat(self->guest, "d/e", 0777));
	dir = openat(self->guest, "d/e", O_RDONLY | O_DIRECTORY);
	become(_metadata, 0);
	pid = fork();
	if (pid == 0) {
		for (i = 0; i < 200; i++) {
			if (renameat(self->host, "d", AT_FDCWD, out) ||
			    renameat(AT_FDCWD, out, self->host, "d"))
				_exit(1);
		}
		_exit(0);
	}
	become(_metadata, variant->uid);
	while (waitpid(pid, &i, WNOHANG) == 0)
		work_in_moving(_metadata, dir);
	EXPECT_EQ(0, i);
	become(_metadata, 0);
	EXPECT_EQ(-1, access(out, F_OK));
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
