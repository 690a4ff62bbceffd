// SPDX-License-Identifier: GPL-2.0-only
/*
 * System calls on a share, as programs of a guest make them: what they return,
 * and what they leave.
 */
#include "files.h"

/*
 * Calls whose results must be the host's own, in this order: name, call on the
 * directory d.
 */
#define CALLS(X) \
	X(create, touch(d, "f", O_CREAT | O_WRONLY, 0640)) \
	X(create_excl, touch(d, "f", O_CREAT | O_EXCL | O_WRONLY, 0640)) \
	X(create_again, touch(d, "f", O_CREAT | O_RDWR, 0777)) \
	X(create_sealed, touch(d, "sealed", O_CREAT | O_RDWR, 0)) \
	X(create_setid, touch(d, "setid", O_CREAT | O_RDWR, 06777)) \
	X(create_in_missing, touch(d, "none/f", O_CREAT | O_RDWR, 0600)) \
	X(create_in_file, touch(d, "f/f", O_CREAT | O_RDWR, 0600)) \
	X(create_in_locked, touch(d, "locked/f", O_CREAT | O_RDWR, 0600)) \
	X(create_in_group, touch(d, "group/f", O_CREAT | O_RDWR, 0664)) \
	X(create_setid_in_group, \
	  touch(d, "group/s", O_CREAT | O_RDWR, 02775)) \
	X(create_over_dir, touch(d, "sticky", O_CREAT | O_RDWR, 0664)) \
	X(create_long, touch(d, long_name(255), O_CREAT | O_RDWR, 0600)) \
	X(create_too_long, touch(d, long_name(256), O_CREAT | O_RDWR, 0600)) \
	X(open_missing, touch(d, "none", O_RDONLY, 0)) \
	X(open_dir_write, touch(d, "sticky", O_RDWR, 0)) \
	X(open_as_dir, touch(d, "f", O_RDONLY | O_DIRECTORY, 0)) \
	X(open_slash, touch(d, "f/", O_RDONLY, 0)) \
	X(open_sealed, touch(d, "sealed", O_RDONLY, 0)) \
	X(open_secret, touch(d, "secret", O_RDONLY, 0)) \
	X(open_secret_write, touch(d, "secret", O_WRONLY, 0)) \
	X(open_other, touch(d, "other", O_RDONLY, 0)) \
	X(open_other_trunc, touch(d, "other", O_RDONLY | O_TRUNC, 0)) \
	X(open_other_write, touch(d, "other", O_WRONLY, 0)) \
	X(open_locked, touch(d, "locked/file", O_RDONLY, 0)) \
	X(list_locked, touch(d, "locked", O_RDONLY | O_DIRECTORY, 0)) \
	X(access_secret, faccessat(d, "secret", R_OK, AT_EACCESS)) \
	X(access_other, faccessat(d, "other", R_OK | W_OK, AT_EACCESS)) \
	X(access_exec, faccessat(d, "other", X_OK, AT_EACCESS)) \
	X(write, put(d, "f", 0, "0123456789")) \
	X(write_append, put(d, "f", O_APPEND, "abc")) \
	X(write_trunc, put(d, "f", O_TRUNC, "new")) \
	X(write_setid, put(d, "setid", 0, "x")) \
	X(write_shared_setid, put(d, "shared", 0, "x")) \
	X(write_secret, put(d, "secret", 0, "x")) \
	X(append_dir, put(d, "sticky", O_APPEND, "x")) \
	X(truncate, truncate_at(d, "f", 1)) \
	X(truncate_longer, truncate_at(d, "f", 70000)) \
	X(truncate_negative, truncate_at(d, "f", -1)) \
	X(size, size_of(d, "f")) \
	X(allocate, allocate(d, "f", 0, 0, 200000)) \
	X(size_allocated, size_of(d, "f")) \
	X(allocate_keep, \
	  allocate(d, "f", FALLOC_FL_KEEP_SIZE, 200000, 100000)) \
	X(size_kept, size_of(d, "f")) \
	X(punch, allocate(d, "f", FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, \
			  4096, 8192)) \
	X(punch_alone, allocate(d, "f", FALLOC_FL_PUNCH_HOLE, 0, 4096)) \
	X(allocate_nothing, allocate(d, "f", 0, 0, 0)) \
	X(allocate_too_far, allocate(d, "f", 0, LLONG_MAX, 1)) \
	X(mkdir, mkdirat(d, "dir", 0755)) \
	X(mkdir_again, mkdirat(d, "dir", 0700)) \
	X(mkdir_over_file, mkdirat(d, "f", 0700)) \
	X(mkdir_bits, mkdirat(d, "bits", 07777)) \
	X(mkdir_in_group, mkdirat(d, "group/dir", 0775)) \
	X(mkdir_in_locked, mkdirat(d, "locked/dir", 0775)) \
	X(mkdir_slash, mkdirat(d, "slash/", 0711)) \
	X(mkdir_dot, mkdirat(d, ".", 0711)) \
	X(mkdir_inside, mkdirat(d, "dir/dir", 0711)) \
	X(rmdir_full, unlinkat(d, "dir", AT_REMOVEDIR)) \
	X(rmdir_file, unlinkat(d, "f", AT_REMOVEDIR)) \
	X(rmdir_missing, unlinkat(d, "none", AT_REMOVEDIR)) \
	X(rmdir_dot, unlinkat(d, "dir/.", AT_REMOVEDIR)) \
	X(rmdir, unlinkat(d, "slash", AT_REMOVEDIR)) \
	X(unlink_dir, unlinkat(d, "dir", 0)) \
	X(unlink_missing, unlinkat(d, "none", 0)) \
	X(unlink_locked, unlinkat(d, "locked/file", 0)) \
	X(unlink_sticky, unlinkat(d, "sticky/other", 0)) \
	X(rename_sticky, rename_at(d, "sticky/other", "mine", 0)) \
	X(create_sticky, touch(d, "sticky/mine", O_CREAT | O_RDWR, 0644)) \
	X(unlink_sticky_mine, unlinkat(d, "sticky/mine", 0)) \
	X(symlink, symlinkat("../some/where", d, "link")) \
	X(symlink_again, symlinkat("x", d, "link")) \
	X(symlink_empty, symlinkat("", d, "empty")) \
	X(symlink_long, symlinkat(long_target(1000), d, "long")) \
	X(symlink_longest, symlinkat(long_target(4095), d, "longest")) \
	X(readlink, link_target_length(d, "link")) \
	X(readlink_long, link_target_length(d, "long")) \
	X(readlink_file, link_target_length(d, "f")) \
	X(open_symlink, touch(d, "link", O_RDONLY | O_NOFOLLOW, 0)) \
	X(open_dangling, touch(d, "link", O_RDONLY, 0)) \
	X(loop, symlinkat("loop", d, "loop")) \
	X(open_loop, touch(d, "loop", O_RDONLY, 0)) \
	X(fifo, mknodat(d, "fifo", S_IFIFO | 0640, 0)) \
	X(socket, mknodat(d, "socket", S_IFSOCK | 0640, 0)) \
	X(open_socket, touch(d, "socket", O_RDONLY, 0)) \
	X(node_file, mknodat(d, "node", S_IFREG | 0640, 0)) \
	X(null, mknodat(d, "null", S_IFCHR | 0666, makedev(1, 3))) \
	X(null_write, put(d, "null", 0, "gone")) \
	X(block, mknodat(d, "block", S_IFBLK | 0600, makedev(700, 99999))) \
	X(node_dir, mknodat(d, "x", S_IFDIR | 0666, 0)) \
	X(link, linkat(d, "f", d, "g", 0)) \
	X(link_again, linkat(d, "f", d, "g", 0)) \
	X(link_dir, linkat(d, "dir", d, "dirlink", 0)) \
	X(link_missing, linkat(d, "none", d, "x", 0)) \
	X(link_symlink, linkat(d, "link", d, "link2", 0)) \
	X(link_into_locked, linkat(d, "f", d, "locked/f", 0)) \
	X(links, links_of(d, "f")) \
	X(rename, rename_at(d, "g", "h", 0)) \
	X(rename_same, rename_at(d, "h", "f", 0)) \
	X(rename_missing, rename_at(d, "none", "x", 0)) \
	X(rename_noreplace, rename_at(d, "h", "f", RENAME_NOREPLACE)) \
	X(rename_exchange, rename_at(d, "dir", "h", RENAME_EXCHANGE)) \
	X(rename_exchange_missing, \
	  rename_at(d, "dir", "none", RENAME_EXCHANGE)) \
	X(rename_back, rename_at(d, "dir", "h", RENAME_EXCHANGE)) \
	X(rename_both_flags, rename_at(d, "dir", "h", RENAME_EXCHANGE | \
				       RENAME_NOREPLACE)) \
	X(rename_file_over_dir, rename_at(d, "h", "dir", 0)) \
	X(rename_dir_over_file, rename_at(d, "dir", "h", 0)) \
	X(rename_dir_over_full, rename_at(d, "bits", "dir", 0)) \
	X(rename_into_itself, rename_at(d, "dir", "dir/dir/dir", 0)) \
	X(rename_over_empty, rename_at(d, "bits", "dir/dir", 0)) \
	X(rename_into_locked, rename_at(d, "h", "locked/h", 0)) \
	X(rename_over, rename_at(d, "setid", "h", 0)) \
	X(chmod, chmod_at(d, "f", 0604)) \
	X(chmod_setgid, chmod_at(d, "group/f", 02775)) \
	X(chmod_setuid, chmod_at(d, "f", 04711)) \
	X(chmod_other, chmod_at(d, "other", 0777)) \
	X(chmod_missing, chmod_at(d, "none", 0777)) \
	X(chown_same, chown_at(d, "f", geteuid(), getegid())) \
	X(chown_other, chown_at(d, "f", OTHER, -1)) \
	X(chgrp_other, chown_at(d, "f", -1, OTHER)) \
	X(chown_symlink, chown_at(d, "link", OTHER, OTHER)) \
	X(chown_nothing, chown_at(d, "shared", -1, -1)) \
	X(times, set_times(d, "f", 1234567890, 123456789)) \
	X(times_other, set_times(d, "other", 1, 1)) \
	X(times_symlink, set_times(d, "link", 3, 5)) \
	X(times_invalid, set_times(d, "f", 1, 1000000000)) \
	X(times_now, utimensat(d, "shared", NULL, 0)) \
	X(times_now_other, utimensat(d, "other", NULL, 0)) \
	X(copy, copy_range(d, "other", "copy")) \
	X(size_copied, size_of(d, "copy")) \
	X(size_dangling, size_of(d, "none/none"))

#define CALL_FUNCTION(name, call) \
	static int call_##name(int d) { return call; }
CALLS(CALL_FUNCTION)

#define CALL_ROW(name, call) { #name, call_##name },
static const struct {
	const char *name;
	int (*fn)(int dir);
} calls[] = {
	CALLS(CALL_ROW)
};

/* For each call: what it returns, or the errno as a negative number. */
static int result_of(int (*fn)(int dir), int dir)
{
	int ret;

	errno = 0;
	ret = fn(dir);
	return ret < 0 ? -errno : ret;
}

TEST_F_TIMEOUT(files, calls_like_the_host, LONG)
{
	size_t i;
	int here, there;

	umask(022);
	for (i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		there = result_of(calls[i].fn, self->twin);
		here = result_of(calls[i].fn, self->guest);
		EXPECT_EQ(there, here) {
			TH_LOG("%s: %s on the host, %s on the mount",
			       calls[i].name, strerror(there < 0 ? -there : 0),
			       strerror(here < 0 ? -here : 0));
		}
	}
	compare_all(_metadata, self);
}

static void create_kinds(struct __test_metadata *_metadata, int dir, int mask,
			 mode_t mode)
{
	char name[64];

	snprintf(name, sizeof(name), "file-%o-%o", mask, mode);
	ASSERT_EQ(0, touch(dir, name, O_CREAT | O_WRONLY, mode));
	snprintf(name, sizeof(name), "dir-%o-%o", mask, mode);
	ASSERT_EQ(0, mkdirat(dir, name, mode));
	snprintf(name, sizeof(name), "fifo-%o-%o", mask, mode);
	ASSERT_EQ(0, mknodat(dir, name, S_IFIFO | mode, 0));
	snprintf(name, sizeof(name), "node-%o-%o", mask, mode);
	ASSERT_EQ(0, mknodat(dir, name, S_IFREG | mode, 0));
}

TEST_F_TIMEOUT(files, umask_exact, LONG)
{
	static const mode_t modes[] = {
		0, 0600, 0644, 0666, 0755, 0777, 01777, 02755, 04711, 07777
	};
	static const int masks[] = { 0, 022, 027, 077, 0137, 0777 };
	size_t i, j;

	for (i = 0; i < sizeof(masks) / sizeof(*masks); i++) {
		umask(masks[i]);
		for (j = 0; j < sizeof(modes) / sizeof(*modes); j++) {
			create_kinds(_metadata, self->twin, masks[i], modes[j]);
			create_kinds(_metadata, self->guest, masks[i],
				     modes[j]);
		}
	}
	compare_all(_metadata, self);
}

TEST_F_TIMEOUT(files, chmod_exact, LONG)
{
	struct stat st;
	mode_t mode;

	ASSERT_EQ(0, touch(self->guest, "f", O_CREAT | O_WRONLY, 0));
	for (mode = 0; mode <= 07777; mode += 61) {
		ASSERT_EQ(0, chmod_at(self->guest, "f", mode));
		ASSERT_EQ(0, fstatat(self->host, "f", &st, 0));
		ASSERT_EQ(mode, st.st_mode & 07777);
		ASSERT_EQ(0, fstatat(self->guest, "f", &st, 0));
		ASSERT_EQ(mode, st.st_mode & 07777);
	}
}

static void check_times(struct __test_metadata *_metadata, int dir,
			const char *name, time_t sec, long nsec)
{
	struct stat st;

	ASSERT_EQ(0, fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW));
	EXPECT_EQ(sec, st.st_atim.tv_sec);
	EXPECT_EQ(nsec, st.st_atim.tv_nsec);
	EXPECT_EQ(sec + 1, st.st_mtim.tv_sec);
	EXPECT_EQ(nsec / 2, st.st_mtim.tv_nsec);
}

TEST_F(files, times_exact)
{
	static const time_t seconds[] = {
		-86400, -1, 0, 1, 1000000000, 0x7fffffff, 0x80000000LL,
		5000000000LL
	};
	static const char * const names[] = { "f", "d", "l" };
	size_t i, j;

	ASSERT_EQ(0, touch(self->guest, "f", O_CREAT | O_WRONLY, 0600));
	ASSERT_EQ(0, mkdirat(self->guest, "d", 0700));
	ASSERT_EQ(0, symlinkat("x", self->guest, "l"));
	for (i = 0; i < sizeof(seconds) / sizeof(*seconds); i++) {
		for (j = 0; j < 3; j++) {
			ASSERT_EQ(0, set_times(self->guest, names[j],
					       seconds[i], 123456789 + j));
			check_times(_metadata, self->guest, names[j],
				    seconds[i], 123456789 + j);
			check_times(_metadata, self->host, names[j],
				    seconds[i], 123456789 + j);
		}
	}
}

TEST_F(files, times_omitted_and_now)
{
	struct timespec only_access[2] = { { 77, 7 }, { 0, UTIME_OMIT } };
	struct timespec now[2] = { { 0, UTIME_NOW }, { 0, UTIME_NOW } };
	struct stat st;

	ASSERT_EQ(0, touch(self->guest, "f", O_CREAT | O_WRONLY, 0600));
	ASSERT_EQ(0, set_times(self->guest, "f", 10, 10));
	ASSERT_EQ(0, utimensat(self->guest, "f", only_access, 0));
	ASSERT_EQ(0, fstatat(self->host, "f", &st, 0));
	EXPECT_EQ(77, st.st_atim.tv_sec);
	EXPECT_EQ(11, st.st_mtim.tv_sec);
	ASSERT_EQ(0, utimensat(self->guest, "f", now, 0));
	ASSERT_EQ(0, fstatat(self->host, "f", &st, 0));
	EXPECT_LT(1000000, st.st_atim.tv_sec);
	EXPECT_LT(1000000, st.st_mtim.tv_sec);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
