// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mapped files: what mappings, reads and writes of one file see of each other,
 * here and on the other side.
 */
#include <setjmp.h>
#include <sys/wait.h>

#include "posix.h"

#define PAGE 4096

static int file(const char *path, off_t size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	return fd < 0 || ftruncate(fd, size) ? -1 : fd;
}

static char *map(int fd, size_t len, int prot, int flags)
{
	return mmap(NULL, len, prot, flags, fd, 0);
}

#define RW (PROT_READ | PROT_WRITE)

TEST_F(posix, shared)
{
	int fd = file("f", 3 * PAGE), fd2 = open("f", O_RDWR);
	char *a = map(fd, 3 * PAGE, RW, MAP_SHARED);
	char *b = map(fd2, 3 * PAGE, PROT_READ, MAP_SHARED);
	char buf[8] = "";

	ASSERT_NE(MAP_FAILED, (void *)a);
	ASSERT_NE(MAP_FAILED, (void *)b);
	strcpy(a + PAGE, "mapped");
	EXPECT_STREQ("mapped", b + PAGE);
	EXPECT_EQ(6, pread(fd2, buf, 6, PAGE));
	EXPECT_STREQ("mapped", buf);
	EXPECT_EQ(7, pwrite(fd, "written", 7, PAGE));
	EXPECT_STREQ("written", b + PAGE);
	close(fd);
	a[0] = 'x';
	EXPECT_EQ(1, pread(fd2, buf, 1, 0));
	EXPECT_EQ('x', buf[0]);
	OK(unlink("f"));
	a[2 * PAGE] = 'y';
	EXPECT_EQ('y', b[2 * PAGE]);
}

TEST_F(posix, private)
{
	int fd = file("f", 2 * PAGE);
	char *a, buf[8] = "";

	EXPECT_EQ(4, pwrite(fd, "file", 4, 0));
	a = map(fd, 2 * PAGE, RW, MAP_PRIVATE);
	ASSERT_NE(MAP_FAILED, (void *)a);
	EXPECT_EQ(0, memcmp(a, "file", 4));
	memcpy(a, "mine", 4);
	EXPECT_EQ(4, pread(fd, buf, 4, 0));
	EXPECT_STREQ("file", buf);
	OK(msync(a, PAGE, MS_SYNC));
	EXPECT_EQ(4, pread(fd, buf, 4, 0));
	EXPECT_STREQ("file", buf);
	EXPECT_EQ(1, pwrite(fd, "z", 1, PAGE));
	EXPECT_EQ('z', a[PAGE]);
}

TEST_F(posix, other_side)
{
	int fd = file("f", 4 * PAGE), there = open(over_there("f"), O_RDWR);
	char *a = map(fd, 4 * PAGE, RW, MAP_SHARED), buf[8] = "";

	ASSERT_LE(0, there);
	strcpy(a + PAGE + 10, "here");
	OK(msync(a, 4 * PAGE, MS_SYNC));
	EXPECT_EQ(4, pread(there, buf, 4, PAGE + 10));
	EXPECT_STREQ("here", buf);
	/* Through what is open anew: the cache is dropped then. */
	OK(munmap(a, 4 * PAGE));
	close(fd);
	EXPECT_EQ(5, pwrite(there, "there", 5, PAGE + 10));
	close(there);
	fd = open("f", O_RDWR);
	a = map(fd, 4 * PAGE, RW, MAP_SHARED);
	EXPECT_STREQ("there", a + PAGE + 10);
	/* Written back without being asked to. */
	a[3 * PAGE] = 'w';
	OK(munmap(a, 4 * PAGE));
	OK(fsync(fd));
	close(fd);
	there = open(over_there("f"), O_RDONLY);
	EXPECT_EQ(1, pread(there, buf, 1, 3 * PAGE));
	EXPECT_EQ('w', buf[0]);
}

static sigjmp_buf hit;

static void on_bus(int signal)
{
	siglongjmp(hit, signal);
}

/* The signal that touching @p gives, or 0. */
static __attribute__((noinline)) int touched(volatile char *p, bool write)
{
	int signal = sigsetjmp(hit, 1);

	if (signal)
		return signal;
	if (write)
		*p = 1;
	else
		(void)*p;
	return 0;
}

/* Beyond the last page there is nothing; in it, zeroes. */
TEST_F(posix, beyond_the_end)
{
	int fd = file("f", PAGE + 100);
	char *a = map(fd, 4 * PAGE, RW, MAP_SHARED);

	signal(SIGBUS, on_bus);
	EXPECT_EQ(0, a[PAGE + 100]);
	/* tmpfs has nowhere to write it to, and keeps it. */
	if (!stored_on(TMPFS_MAGIC))
		a[PAGE + 200] = 'x';
	EXPECT_EQ(SIGBUS, touched(a + 2 * PAGE, false));
	OK(msync(a, 2 * PAGE, MS_SYNC));
	/* What was written behind the end is no part of the file. */
	OK(ftruncate(fd, 3 * PAGE));
	OK(munmap(a, 4 * PAGE));
	a = map(fd, 4 * PAGE, RW, MAP_SHARED);
	EXPECT_EQ(0, a[PAGE + 200]);
	EXPECT_EQ(0, a[2 * PAGE]);
	OK(ftruncate(fd, 0));
	EXPECT_EQ(SIGBUS, touched(a, true));
	EXPECT_EQ(0, size_of("f"));
}

TEST_F(posix, errors)
{
	int rd, wr, fd = file("f", PAGE);

	rd = open("f", O_RDONLY);
	wr = open("f", O_WRONLY);
	FAILS(EACCES, map(rd, PAGE, RW, MAP_SHARED));
	FAILS(EACCES, map(wr, PAGE, PROT_READ, MAP_SHARED));
	FAILS(EACCES, map(wr, PAGE, PROT_WRITE, MAP_SHARED));
	FAILS(ENODEV, map(open(".", O_RDONLY), PAGE, PROT_READ, MAP_SHARED));
	FAILS(EINVAL, map(fd, 0, PROT_READ, MAP_SHARED));
	EXPECT_NE(MAP_FAILED, (void *)map(rd, PAGE, RW, MAP_PRIVATE));
	EXPECT_NE(MAP_FAILED, (void *)map(rd, PAGE, PROT_READ, MAP_SHARED));
	EXPECT_NE(MAP_FAILED, (void *)map(fd, PAGE, PROT_EXEC, MAP_PRIVATE));
}

/* Times change when what was written by a mapping is written back. */
TEST_F(posix, modification_time)
{
	struct timespec old[2] = { { 1000, 0 }, { 1000, 0 } };
	int fd = file("f", PAGE);
	char *a = map(fd, PAGE, RW, MAP_SHARED);

	OK(futimens(fd, old));
	a[0] = 'x';
	OK(msync(a, PAGE, MS_SYNC));
	EXPECT_LT(1000, stat_of("f").st_mtim.tv_sec);
	OK(munmap(a, PAGE));
	close(fd);
	EXPECT_LT(1000, stat_of(over_there("f")).st_mtim.tv_sec);
}

#define ROUNDS 200

/* Counts up a word of a page that several processes have mapped. */
static void count(char *path, int word)
{
	int fd = open(path, O_RDWR), i;
	unsigned int *a = (void *)map(fd, PAGE, RW, MAP_SHARED);

	if ((void *)a == MAP_FAILED)
		_exit(1);
	for (i = 0; i < ROUNDS; i++) {
		__atomic_add_fetch(&a[word], 1, __ATOMIC_SEQ_CST);
		__atomic_add_fetch(&a[100], 1, __ATOMIC_SEQ_CST);
		if (i % 50 == 0 && msync(a, PAGE, MS_SYNC))
			_exit(2);
	}
	_exit(0);
}

TEST_F_TIMEOUT(posix, several_processes, LONG)
{
	unsigned int words[128];
	int fd = file("f", PAGE), i, status;
	pid_t pids[4];

	for (i = 0; i < 4; i++) {
		pids[i] = fork();
		if (!pids[i])
			count("f", i);
	}
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(pids[i], waitpid(pids[i], &status, 0));
		EXPECT_EQ(0, status);
	}
	EXPECT_EQ(sizeof(words), pread(fd, words, sizeof(words), 0));
	for (i = 0; i < 4; i++)
		EXPECT_EQ(ROUNDS, words[i]);
	EXPECT_EQ(4 * ROUNDS, words[100]);
}

/* A copy from a mapping of the very file into it, over page boundaries. */
TEST_F(posix, writing_from_a_mapping)
{
	int fd = file("f", 8 * PAGE), i;
	char *a = map(fd, 8 * PAGE, RW, MAP_SHARED);

	for (i = 0; i < 4 * PAGE; i++)
		a[i] = i * 7 >> 3;
	EXPECT_EQ(3 * PAGE, pwrite(fd, a + 100, 3 * PAGE, 4 * PAGE + 11));
	EXPECT_EQ(0, memcmp(a + 100, a + 4 * PAGE + 11, 3 * PAGE));
	EXPECT_EQ(2 * PAGE, pread(fd, a + 5, 2 * PAGE, 4 * PAGE + 11));
	EXPECT_EQ(0, memcmp(a + 5, a + 4 * PAGE + 11, 2 * PAGE));
}

TEST_F(posix, holes)
{
	int fd = file("f", 64 * PAGE), i;
	char *a = map(fd, 64 * PAGE, RW, MAP_SHARED);

	for (i = 0; i < 64; i += 3)
		a[i * PAGE + i] = i + 1;
	OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		     30 * PAGE + 17, 10 * PAGE));
	for (i = 0; i < 64; i++)
		EXPECT_EQ(i % 3 || (i > 30 && i < 40) || (i == 30) ?
			  (i == 30) * a[i * PAGE + i] : i + 1,
			  a[i * PAGE + i]);
	OK(msync(a, 64 * PAGE, MS_SYNC));
	EXPECT_EQ(64 * PAGE, size_of("f"));
}

POSIX_MAIN
