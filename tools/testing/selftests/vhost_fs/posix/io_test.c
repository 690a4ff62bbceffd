// SPDX-License-Identifier: GPL-2.0-only
/*
 * What files hold: reading, writing, appending, holes, allocation, copying,
 * limits, and what an open file is after its name has gone.
 */
#include <signal.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "posix.h"

#define MB (1024 * 1024)

static int file(const char *path, int flags)
{
	return open(path, O_RDWR | O_CREAT | O_CLOEXEC | flags, 0644);
}

static char byte_at(off_t pos)
{
	return 'a' + pos % 23 + (pos >> 12) % 3;
}

static ssize_t write_pattern(int fd, off_t pos, size_t len)
{
	char *buf = malloc(len);
	ssize_t ret;
	size_t i;

	for (i = 0; i < len; i++)
		buf[i] = byte_at(pos + i);
	ret = pwrite(fd, buf, len, pos);
	free(buf);
	return ret;
}

/* The first byte in the range that isn't the pattern's, or zero if @hole. */
static off_t first_wrong(int fd, off_t pos, size_t len, bool hole)
{
	char *buf = malloc(len);
	ssize_t n = pread(fd, buf, len, pos);
	off_t wrong = -1;
	size_t i;

	for (i = 0; i < len && wrong < 0; i++)
		if (i >= (size_t)n || buf[i] != (hole ? 0 : byte_at(pos + i)))
			wrong = pos + i;
	free(buf);
	return wrong;
}

TEST_F(posix, ends_and_holes)
{
	int fd = file("f", 0);
	char buf[16] = "xxxxxxxx";

	EXPECT_EQ(0, read(fd, buf, 8));
	EXPECT_EQ(5, pwrite(fd, "hello", 5, 3));
	EXPECT_EQ(8, pread(fd, buf, 16, 0));
	EXPECT_EQ(0, memcmp(buf, "\0\0\0hello", 8));
	EXPECT_EQ(0, pread(fd, buf, 8, 8));
	EXPECT_EQ(0, pread(fd, buf, 8, 1000000));
	EXPECT_EQ(2, pread(fd, buf, 8, 6));
	EXPECT_EQ(0, lseek(fd, 0, SEEK_CUR));
	EXPECT_EQ(8, lseek(fd, 0, SEEK_END));
	EXPECT_EQ(100, lseek(fd, 92, SEEK_CUR));
	EXPECT_EQ(1, write(fd, "!", 1));
	EXPECT_EQ(101, size_of("f"));
	OK(ftruncate(fd, 5));
	OK(ftruncate(fd, 10));
	EXPECT_EQ(10, pread(fd, buf, 16, 0));
	EXPECT_EQ(0, memcmp(buf, "\0\0\0he\0\0\0\0\0", 10));
	/* What was cut off stays off, wherever the page ends. */
	EXPECT_EQ(9000, write_pattern(fd, 0, 9000));
	OK(ftruncate(fd, 4097));
	OK(ftruncate(fd, 20000));
	EXPECT_EQ(-1, first_wrong(fd, 0, 4097, false));
	EXPECT_EQ(-1, first_wrong(fd, 4097, 20000 - 4097, true));
	OK(truncate("f", 0));
	EXPECT_EQ(0, lseek(fd, 0, SEEK_END));
	EXPECT_EQ(0, stat_of("f").st_blocks);
}

TEST_F(posix, far_away)
{
	off_t far = (1ULL << 42) + 12345;
	int fd = file("f", 0);
	char buf[4];

	EXPECT_EQ(4, pwrite(fd, "here", 4, far));
	EXPECT_EQ(far + 4, size_of("f"));
	EXPECT_EQ(4, pread(fd, buf, 4, far));
	EXPECT_EQ(0, memcmp(buf, "here", 4));
	EXPECT_GT(1000, stat_of("f").st_blocks);
	EXPECT_EQ(far + 4, lseek(fd, 0, SEEK_END));
	if (stored_on(EXT4_SUPER_MAGIC)) {
		FAILS(EFBIG, pwrite(fd, "x", 1, LLONG_MAX - 1));
		FAILS(EFBIG, ftruncate(fd, LLONG_MAX));
	}
	FAILS(EINVAL, pwrite(fd, "xx", 2, LLONG_MAX));
}

TEST_F(posix, data_and_holes)
{
	int fd = file("f", 0);
	off_t data, hole;

	OK(ftruncate(fd, 4 * MB));
	FAILS(ENXIO, lseek(fd, 4 * MB, SEEK_DATA));
	FAILS(ENXIO, lseek(fd, 4 * MB, SEEK_HOLE));
	FAILS(ENXIO, lseek(fd, 0, SEEK_DATA));
	EXPECT_EQ(0, lseek(fd, 0, SEEK_HOLE));
	EXPECT_EQ(65536, write_pattern(fd, MB, 65536));
	OK(fsync(fd));
	data = lseek(fd, 0, SEEK_DATA);
	EXPECT_EQ(MB, data);
	EXPECT_EQ(data + 100, lseek(fd, data + 100, SEEK_DATA));
	hole = lseek(fd, data, SEEK_HOLE);
	EXPECT_LE(MB + 65536, hole);
	EXPECT_GT(4 * MB, hole);
	EXPECT_EQ(4 * MB, lseek(fd, 4 * MB - 1, SEEK_HOLE) + 1);
	FAILS(ENXIO, lseek(fd, hole, SEEK_DATA));
	FAILS(ENXIO, lseek(fd, -1, SEEK_DATA));
}

/* Modes of fallocate(2): errno or 0 on each file system, and what is there. */
static int allocate(int fd, int mode, off_t from, off_t len)
{
	return fallocate(fd, mode, from, len) ? errno : 0;
}

TEST_F(posix, allocation)
{
	int fd = file("f", 0);
	int rare = stored_on(TMPFS_MAGIC) || stored_on(BTRFS_SUPER_MAGIC) ||
		   through_fuse() ? EOPNOTSUPP : 0;

	EXPECT_EQ(0, allocate(fd, 0, 0, 100000));
	EXPECT_EQ(100000, size_of("f"));
	EXPECT_LE(100000 / 512, stat_of("f").st_blocks);
	EXPECT_EQ(-1, first_wrong(fd, 0, 100000, true));
	EXPECT_EQ(100000, write_pattern(fd, 0, 100000));
	EXPECT_EQ(0, allocate(fd, 0, 50000, 10000));
	EXPECT_EQ(-1, first_wrong(fd, 0, 100000, false));
	EXPECT_EQ(0, allocate(fd, FALLOC_FL_KEEP_SIZE, 100000, 100000));
	EXPECT_EQ(100000, size_of("f"));
	EXPECT_EQ(0, allocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			      10000, 30000));
	EXPECT_EQ(-1, first_wrong(fd, 0, 10000, false));
	EXPECT_EQ(-1, first_wrong(fd, 10000, 30000, true));
	EXPECT_EQ(-1, first_wrong(fd, 40000, 60000, false));
	EXPECT_EQ(EINVAL, allocate(fd, 0, 0, 0));
	EXPECT_EQ(EINVAL, allocate(fd, 0, -1, 10));
	EXPECT_EQ(EINVAL, allocate(fd, 0, 0, -10));
	EXPECT_EQ(EFBIG, allocate(fd, 0, LLONG_MAX - 10, 100));
	EXPECT_EQ(EOPNOTSUPP, allocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 4096));
	EXPECT_EQ(EOPNOTSUPP, allocate(fd, 0x1000, 0, 4096));
	EXPECT_EQ(rare, allocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, 4096));
	EXPECT_EQ(rare, allocate(fd, FALLOC_FL_INSERT_RANGE, 0, 4096));
	FAILS(ESPIPE, ({ int p[2]; OK(pipe(p)); fallocate(p[1], 0, 0, 1); }));
}

TEST_F(posix, zeroed_ranges)
{
	int fd = file("f", 0);

	if (stored_on(TMPFS_MAGIC)) {
		EXPECT_EQ(EOPNOTSUPP, allocate(fd, FALLOC_FL_ZERO_RANGE, 0, 4));
		return;
	}
	EXPECT_EQ(100000, write_pattern(fd, 0, 100000));
	EXPECT_EQ(0, allocate(fd, FALLOC_FL_ZERO_RANGE, 5000, 60000));
	EXPECT_EQ(-1, first_wrong(fd, 0, 5000, false));
	EXPECT_EQ(-1, first_wrong(fd, 5000, 60000, true));
	EXPECT_EQ(-1, first_wrong(fd, 65000, 35000, false));
	EXPECT_EQ(0, allocate(fd, FALLOC_FL_ZERO_RANGE, 90000, 60000));
	EXPECT_EQ(150000, size_of("f"));
	EXPECT_EQ(0, allocate(fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
			      140000, 60000));
	EXPECT_EQ(150000, size_of("f"));
	EXPECT_EQ(-1, first_wrong(fd, 90000, 60000, true));
}

TEST_F(posix, appending)
{
	int a = file("f", O_APPEND), b = file("f", O_APPEND), c = file("f", 0);
	struct iovec iov[2] = { { "ab", 2 }, { "cd", 2 } };
	char buf[32] = "";

	EXPECT_EQ(3, write(a, "111", 3));
	EXPECT_EQ(3, write(b, "222", 3));
	EXPECT_EQ(0, lseek(a, 0, SEEK_SET));
	EXPECT_EQ(2, write(a, "33", 2));
	EXPECT_EQ(8, lseek(a, 0, SEEK_CUR));
	/* Linux appends whatever the offset is. */
	EXPECT_EQ(1, pwrite(b, "4", 1, 0));
	EXPECT_EQ(4, writev(a, iov, 2));
	EXPECT_EQ(13, pread(c, buf, 32, 0));
	EXPECT_STREQ("111222334abcd", buf);
	OK(ftruncate(a, 3));
	EXPECT_EQ(1, write(b, "x", 1));
	EXPECT_EQ(4, size_of("f"));
	/* The flag can be set and taken away. */
	OK(fcntl(c, F_SETFL, O_APPEND));
	EXPECT_EQ(1, write(c, "y", 1));
	OK(fcntl(c, F_SETFL, 0));
	EXPECT_EQ(1, pwrite(c, "z", 1, 0));
	EXPECT_TRUE(holds("f", "z11xy"));
}

#define WRITERS 4
#define RECORDS 150

static void append_records(int writer)
{
	int fd = file("log", O_APPEND), i;
	char record[64];

	for (i = 0; i < RECORDS; i++) {
		snprintf(record, sizeof(record), "%d:%03d:%050d;\n", writer, i,
			 i);
		if (write(fd, record, strlen(record)) != strlen(record))
			_exit(1);
	}
	_exit(0);
}

/* The last of the writers works on the other side. */
TEST_F_TIMEOUT(posix, appending_together, LONG)
{
	int i, status, writer, nr, next[WRITERS] = { 0 };
	pid_t pids[WRITERS];
	char line[128];
	FILE *f;

	OK(put("log", ""));
	for (i = 0; i < WRITERS; i++) {
		pids[i] = fork();
		if (!pids[i]) {
			if (i == WRITERS - 1 && chdir(other))
				_exit(2);
			append_records(i);
		}
	}
	for (i = 0; i < WRITERS; i++) {
		ASSERT_EQ(pids[i], waitpid(pids[i], &status, 0));
		EXPECT_EQ(0, status);
	}
	OK(chdir(through_fuse() ? other : here));
	EXPECT_EQ(WRITERS * RECORDS * 58, size_of("log"));
	f = fopen("log", "r");
	while (fgets(line, sizeof(line), f)) {
		ASSERT_EQ(2, sscanf(line, "%d:%d", &writer, &nr));
		ASSERT_EQ(58, strlen(line));
		ASSERT_EQ(next[writer]++, nr);
	}
	fclose(f);
}

TEST_F(posix, vectors)
{
	struct iovec iov[IOV_MAX + 1];
	int fd = file("f", 0), i;
	char data[IOV_MAX], back[IOV_MAX];

	for (i = 0; i < IOV_MAX; i++) {
		data[i] = byte_at(i);
		iov[i] = (struct iovec) { data + i, 1 };
	}
	EXPECT_EQ(IOV_MAX, writev(fd, iov, IOV_MAX));
	FAILS(EINVAL, writev(fd, iov, IOV_MAX + 1));
	for (i = 0; i < IOV_MAX; i++)
		iov[i].iov_base = back + IOV_MAX - 1 - i;
	EXPECT_EQ(IOV_MAX, preadv(fd, iov, IOV_MAX, 0));
	EXPECT_EQ(data[0], back[IOV_MAX - 1]);
	EXPECT_EQ(data[1000], back[23]);
	EXPECT_EQ(0, writev(fd, iov, 0));
	EXPECT_EQ(4, pwritev2(fd, &(struct iovec) { "sync", 4 }, 1, 0,
			      RWF_DSYNC));
	EXPECT_EQ(3, pwritev2(fd, &(struct iovec) { "end", 3 }, 1, 0,
			      RWF_APPEND));
	EXPECT_EQ(IOV_MAX + 3, size_of("f"));
}

TEST_F(posix, synchronous_flags)
{
	static const int flags[] = { O_SYNC, O_DSYNC, O_NONBLOCK, O_NOATIME };
	int fd, i;

	for (i = 0; i < 4; i++) {
		fd = file("f", flags[i]);
		EXPECT_EQ(flags[i], fcntl(fd, F_GETFL) & flags[i]);
		EXPECT_EQ(100000, write_pattern(fd, 0, 100000));
		EXPECT_EQ(-1, first_wrong(fd, 0, 100000, false));
		close(fd);
	}
}

TEST_F(posix, direct)
{
	int fd = file("f", O_DIRECT), plain = file("f", 0), i;
	char *buf = aligned_alloc(4096, 2 * MB);

	ASSERT_LE(0, fd);
	for (i = 0; i < 2 * MB; i++)
		buf[i] = byte_at(i);
	EXPECT_EQ(2 * MB, pwrite(fd, buf, 2 * MB, 0));
	EXPECT_EQ(-1, first_wrong(plain, 0, 2 * MB, false));
	memset(buf, 0, 2 * MB);
	EXPECT_EQ(MB, pread(fd, buf, MB, MB));
	EXPECT_EQ(byte_at(MB + 77), buf[77]);
	EXPECT_EQ(0, pread(fd, buf, 4096, 2 * MB));
	/* What the cache has and what goes past it agree. */
	EXPECT_EQ(8192, write_pattern(plain, 0, 8192));
	EXPECT_EQ(8192, pread(fd, buf, 8192, 0));
	EXPECT_EQ(byte_at(8000), buf[8000]);
	memset(buf, 'z', 4096);
	EXPECT_EQ(4096, pwrite(fd, buf, 4096, 4096));
	EXPECT_EQ(1, pread(plain, buf, 1, 5000));
	EXPECT_EQ('z', buf[0]);
	EXPECT_EQ(4096, pread(fd, buf, 8192, 2 * MB - 4096));
}

TEST_F(posix, limit_of_file_size)
{
	struct rlimit old, limit;
	int fd = file("f", 0), over = file("g", 0);

	ASSERT_EQ(0, getrlimit(RLIMIT_FSIZE, &old));
	EXPECT_EQ(20000, write_pattern(over, 0, 20000));
	signal(SIGXFSZ, SIG_IGN);
	limit = old;
	limit.rlim_cur = 10000;
	ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &limit));
	EXPECT_EQ(9000, write_pattern(fd, 0, 9000));
	EXPECT_EQ(1000, write_pattern(fd, 9000, 5000));
	FAILS(EFBIG, write_pattern(fd, 10000, 1));
	FAILS(EFBIG, ftruncate(fd, 10001));
	FAILS(EFBIG, fallocate(fd, 0, 0, 10001));
	FAILS(EFBIG, truncate("f", 20000));
	OK(ftruncate(fd, 10000));
	EXPECT_EQ(100, write_pattern(over, 0, 100));
	OK(ftruncate(over, 15000));
	ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &old));
	EXPECT_EQ(10000, size_of("f"));
}

TEST_F(posix, copying_in_the_kernel)
{
	int in = file("in", 0), out = file("out", 0), rd;
	off_t from = 1000, to = 77, n;

	EXPECT_EQ(300000, write_pattern(in, 0, 300000));
	for (n = 0; n < 200000;) {
		ssize_t got = copy_file_range(in, &from, out, &to,
					      200000 - n, 0);

		ASSERT_LT(0, got);
		n += got;
	}
	EXPECT_EQ(201000, from);
	EXPECT_EQ(200077, to);
	EXPECT_EQ(200077, size_of("out"));
	EXPECT_EQ(-1, first_wrong(out, 0, 77, true));
	OK(copy_file_range(in, &(off_t) { 77 }, out, &(off_t) { 77 }, 100, 0));
	EXPECT_EQ(-1, first_wrong(out, 77, 100, false));
	EXPECT_EQ(0, copy_file_range(in, &(off_t) { 300000 }, out, &to, 10, 0));
	/* One file, two places; but not over itself. */
	OK(copy_file_range(in, &(off_t) { 0 }, in, &(off_t) { 300000 }, 23, 0));
	EXPECT_EQ(300023, size_of("in"));
	FAILS(EINVAL, copy_file_range(in, &(off_t) { 0 }, in, &(off_t) { 50 },
				      100, 0));
	FAILS(EINVAL, copy_file_range(in, &from, out, &to, 1, 1));
	rd = open("out", O_RDONLY);
	FAILS(EBADF, copy_file_range(in, &from, rd, &to, 1, 0));
	OK(fcntl(out, F_SETFL, O_APPEND));
	FAILS(EBADF, copy_file_range(in, &from, out, &to, 1, 0));
	FAILS(EISDIR, copy_file_range(open(".", O_RDONLY), NULL, in, NULL, 1,
				      0));
	FAILS(EINVAL, copy_file_range(({ int p[2]; OK(pipe(p)); p[0]; }), NULL,
				      in, NULL, 1, 0));
}

static bool try_to_link(int fd, const char *name, int dir, const char *to)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return !linkat(AT_FDCWD, name ?: path, dir, to, AT_SYMLINK_FOLLOW);
}

TEST_F(posix, nameless_from_the_start)
{
	int fd = open(".", O_TMPFILE | O_RDWR, 0640), excl;
	struct stat st;

	OK(fd);
	EXPECT_EQ(4, write(fd, "text", 4));
	OK(fstat(fd, &st));
	EXPECT_EQ(0, st.st_nlink);
	EXPECT_EQ(S_IFREG | 0640, st.st_mode);
	EXPECT_TRUE(try_to_link(fd, NULL, AT_FDCWD, "f"));
	EXPECT_TRUE(holds("f", "text"));
	EXPECT_EQ(1, nlink_of("f"));
	excl = open(".", O_TMPFILE | O_WRONLY | O_EXCL, 0600);
	OK(excl);
	EXPECT_FALSE(try_to_link(excl, NULL, AT_FDCWD, "g"));
	FAILS(EINVAL, open(".", O_TMPFILE | O_RDONLY, 0600));
	FAILS(ENOTDIR, open("f", O_TMPFILE | O_RDWR, 0600));
	FAILS(ENOENT, open("none", O_TMPFILE | O_RDWR, 0600));
	OK(chmod(".", 0755));
	as_user(ALICE, ALICE, 0);
	FAILS(EACCES, open(".", O_TMPFILE | O_RDWR, 0600));
	as_root();
	OK(make_dir("d", 0, CLUB, 02777));
	as_user(ALICE, ALICE, 0);
	umask(027);
	fd = open("d", O_TMPFILE | O_RDWR, 0666);
	OK(fd);
	OK(fstat(fd, &st));
	EXPECT_EQ(ALICE, st.st_uid);
	EXPECT_EQ(CLUB, st.st_gid);
	EXPECT_EQ(0640, st.st_mode & 07777);
}

TEST_F(posix, nameless_later)
{
	int fd = file("f", 0), again;
	char path[64], buf[16];
	struct stat st;

	EXPECT_EQ(5, write(fd, "12345", 5));
	OK(link("f", "g"));
	OK(unlink("f"));
	OK(fstat(fd, &st));
	EXPECT_EQ(1, st.st_nlink);
	OK(unlink("g"));
	OK(fstat(fd, &st));
	EXPECT_EQ(0, st.st_nlink);
	EXPECT_EQ(5, st.st_size);
	EXPECT_EQ(3, pwrite(fd, "678", 3, 5));
	OK(ftruncate(fd, 7));
	OK(fchmod(fd, 0604));
	OK(fchown(fd, ALICE, BOB));
	OK(futimens(fd, (struct timespec[2]) { { 1, 2 }, { 3, 4 } }));
	OK(fsync(fd));
	OK(fallocate(fd, 0, 0, 100));
	OK(fstat(fd, &st));
	EXPECT_EQ(0604, st.st_mode & 07777);
	EXPECT_EQ(ALICE, st.st_uid);
	EXPECT_EQ(1, st.st_atim.tv_sec);
	EXPECT_EQ(100, st.st_size);
	EXPECT_EQ(7, pread(fd, buf, 7, 0));
	EXPECT_EQ(0, memcmp(buf, "1234567", 7));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDWR);
	OK(again);
	EXPECT_EQ(7, pread(again, buf, 7, 0));
	FAILS(ENOENT, try_to_link(fd, NULL, AT_FDCWD, "h") ? 0 : -1);
	/* A new file of the old name is another one. */
	OK(put("f", "new"));
	EXPECT_NE(stat_of("f").st_ino, st.st_ino);
	EXPECT_EQ(1, pread(fd, buf, 1, 0));
	EXPECT_EQ('1', buf[0]);
	EXPECT_EQ(100, lseek(fd, 0, SEEK_END));
}

TEST_F(posix, replaced_while_open)
{
	int fd;
	char buf[4];

	OK(put("old", "old"));
	OK(put("new", "new"));
	fd = open("old", O_RDWR);
	OK(rename("new", "old"));
	EXPECT_EQ(3, read(fd, buf, 4));
	EXPECT_EQ(0, memcmp(buf, "old", 3));
	EXPECT_EQ(3, pwrite(fd, "xxx", 3, 0));
	EXPECT_TRUE(holds("old", "new"));
}

/* What one side writes the other reads, once it opens the file. */
TEST_F(posix, both_sides)
{
	char buf[8];
	int fd, there;

	fd = file("f", 0);
	EXPECT_EQ(3, write(fd, "one", 3));
	there = open(over_there("f"), O_RDWR);
	EXPECT_EQ(3, read(there, buf, 8));
	EXPECT_EQ(0, memcmp(buf, "one", 3));
	EXPECT_EQ(6, pwrite(there, "longer", 6, 0));
	close(there);
	close(fd);
	EXPECT_TRUE(holds("f", "longer"));
	OK(truncate(over_there("f"), 4));
	EXPECT_TRUE(holds("f", "long"));
}

POSIX_MAIN
