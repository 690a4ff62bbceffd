// SPDX-License-Identifier: GPL-2.0-only
/*
 * Data and names of a share, as programs of a guest find them.
 */
#include "files.h"

/* Where data and holes begin, as the mount and the host tell it. */
static void same_holes(struct __test_metadata *_metadata, int a, int b)
{
	static const int whences[] = { SEEK_DATA, SEEK_HOLE };
	off_t pos, pos_a, pos_b;
	int i, err;

	for (pos = 0; pos < (9 << 20); pos += 123456) {
		for (i = 0; i < 2; i++) {
			pos_a = lseek(a, pos, whences[i]);
			err = errno;
			pos_b = lseek(b, pos, whences[i]);
			ASSERT_EQ(pos_a, pos_b);
			if (pos_a < 0)
				ASSERT_EQ(err, errno);
		}
	}
}

TEST_F(files, holes)
{
	int fd = openat(self->guest, "f", O_CREAT | O_RDWR, 0600);
	int host = openat(self->host, "f", O_RDONLY);
	char data[5000];

	ASSERT_LE(0, fd);
	ASSERT_LE(0, host);
	memset(data, 'x', sizeof(data));
	ASSERT_EQ(0, ftruncate(fd, 8 << 20));
	ASSERT_EQ(sizeof(data), pwrite(fd, data, sizeof(data), 1 << 20));
	ASSERT_EQ(sizeof(data), pwrite(fd, data, sizeof(data), 5000000));
	ASSERT_EQ(0, fsync(fd));
	EXPECT_EQ(1 << 20, lseek(fd, 0, SEEK_DATA));
	EXPECT_LT(lseek(fd, 1 << 20, SEEK_HOLE), (1 << 20) + 65536);
	same_holes(_metadata, fd, host);
	ASSERT_EQ(0, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			       1 << 20, 1 << 20));
	ASSERT_EQ(sizeof(data), pread(fd, data, sizeof(data), 1 << 20));
	EXPECT_EQ('\0', data[0]);
	EXPECT_EQ('\0', data[sizeof(data) - 1]);
	same_holes(_metadata, fd, host);
	same_contents(_metadata, self->guest, self->host, "f");
}

static char pattern(size_t pos, int seed)
{
	return (pos * 2654435761u >> 13) + pos + seed;
}

static void fill(char *buf, size_t len, int seed)
{
	size_t i;

	for (i = 0; i < len; i++)
		buf[i] = pattern(i, seed);
}

TEST_F_TIMEOUT(files, large_transfers, LONG)
{
	int fd = openat(self->guest, "f", O_CREAT | O_RDWR, 0600);
	int host = openat(self->host, "f", O_RDWR);
	char *a = malloc(BIG), *b = malloc(BIG);

	fill(a, BIG, 1);
	ASSERT_EQ(BIG, pwrite(fd, a, BIG, 777));
	ASSERT_EQ(BIG, pread(host, b, BIG, 777));
	EXPECT_EQ(0, memcmp(a, b, BIG));
	memset(b, 0, BIG);
	ASSERT_EQ(BIG, pread(fd, b, BIG, 777));
	EXPECT_EQ(0, memcmp(a, b, BIG));
	/* Another one opens the file: what its cache had is dropped. */
	fill(a, BIG, 2);
	ASSERT_EQ(BIG, pwrite(host, a, BIG, 777));
	close(fd);
	fd = openat(self->guest, "f", O_RDONLY);
	memset(b, 0, BIG);
	ASSERT_EQ(BIG, pread(fd, b, BIG, 777));
	EXPECT_EQ(0, memcmp(a, b, BIG));
	EXPECT_EQ(0, pread(fd, b, BIG, 777 + BIG));
	EXPECT_EQ(1, pread(fd, b, BIG, 776 + BIG));
}

TEST_F(files, direct_io)
{
	int fd = openat(self->guest, "f", O_CREAT | O_RDWR | O_DIRECT, 0600);
	size_t len = 2 << 20;
	char *a = aligned_alloc(4096, len), *b = aligned_alloc(4096, len);

	ASSERT_LE(0, fd);
	fill(a, len, 3);
	ASSERT_EQ(len, pwrite(fd, a, len, 4096));
	ASSERT_EQ(len, pread(fd, b, len, 4096));
	EXPECT_EQ(0, memcmp(a, b, len));
	same_contents(_metadata, self->guest, self->host, "f");
}

TEST_F(files, shared_mapping)
{
	int fd = openat(self->guest, "f", O_CREAT | O_RDWR, 0600);
	int host = openat(self->host, "f", O_RDWR);
	size_t len = 1 << 20;
	char *map, *b = malloc(len);

	ASSERT_EQ(0, ftruncate(fd, len));
	map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, (void *)map);
	fill(map, len, 4);
	ASSERT_EQ(0, msync(map, len, MS_SYNC));
	ASSERT_EQ(len, pread(host, b, len, 0));
	EXPECT_EQ(0, memcmp(map, b, len));
	/* Written by the mapping alone, and read by its last user's end. */
	map[4097] ^= 0x55;
	ASSERT_EQ(0, munmap(map, len));
	close(fd);
	ASSERT_EQ(1, pread(host, b, 1, 4097));
	EXPECT_EQ((char)(pattern(4097, 4) ^ 0x55), b[0]);
}

/* Pages are written back where they belong, though by a file that appends. */
TEST_F(files, mapping_of_appended_file)
{
	int fd = openat(self->guest, "f", O_CREAT | O_RDWR | O_APPEND, 0600);
	char *map, data[8] = "";

	ASSERT_EQ(0, ftruncate(fd, 10000));
	map = mmap(NULL, 10000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, (void *)map);
	memcpy(map + 5000, "mapped", 6);
	ASSERT_EQ(0, msync(map, 10000, MS_SYNC));
	EXPECT_EQ(10000, size_of(self->host, "f"));
	ASSERT_EQ(5, write(fd, "added", 5));
	EXPECT_EQ(10005, size_of(self->host, "f"));
	ASSERT_EQ(6, pread(openat(self->host, "f", O_RDONLY), data, 6, 5000));
	EXPECT_STREQ("mapped", data);
}

/* Lines from several processes, of which the last writes on the host. */
#define WRITERS 3
#define LINES 100

static void append_lines(int dir, int writer)
{
	int fd = openat(dir, "log", O_WRONLY | O_APPEND);
	char line[32];
	int i;

	for (i = 0; i < LINES; i++) {
		snprintf(line, sizeof(line), "%d %020d end\n", writer, i);
		if (write(fd, line, strlen(line)) != strlen(line))
			_exit(1);
	}
	_exit(0);
}

static void check_lines(struct __test_metadata *_metadata, int dir)
{
	FILE *f = fdopen(openat(dir, "log", O_RDONLY), "r");
	int next[WRITERS] = { 0 };
	int writer, nr, lines = 0, end;
	char line[64];

	while (fgets(line, sizeof(line), f)) {
		end = 0;
		ASSERT_EQ(2, sscanf(line, "%d %d end%n", &writer, &nr, &end));
		ASSERT_EQ(strlen(line) - 1, end);
		ASSERT_EQ(next[writer], nr);
		next[writer]++;
		lines++;
	}
	EXPECT_EQ(WRITERS * LINES, lines);
	fclose(f);
}

TEST_F_TIMEOUT(files, append_from_processes, LONG)
{
	pid_t pids[WRITERS];
	int i, status;

	ASSERT_EQ(0, touch(self->guest, "log", O_CREAT | O_WRONLY, 0600));
	for (i = 0; i < WRITERS; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			append_lines(i < WRITERS - 1 ? self->guest : self->host,
				     i);
	}
	for (i = 0; i < WRITERS; i++) {
		ASSERT_EQ(pids[i], waitpid(pids[i], &status, 0));
		EXPECT_EQ(0, status);
	}
	check_lines(_metadata, self->host);
}

TEST_F(files, open_and_unlinked)
{
	int fd = openat(self->guest, "f", O_CREAT | O_RDWR, 0600);
	char path[64], data[8] = "";
	struct stat st;
	int again;

	ASSERT_EQ(5, write(fd, "12345", 5));
	ASSERT_EQ(0, unlinkat(self->guest, "f", 0));
	EXPECT_EQ(-1, fstatat(self->host, "f", &st, 0));
	ASSERT_EQ(3, write(fd, "678", 3));
	ASSERT_EQ(8, pread(fd, data, 8, 0));
	EXPECT_EQ(0, memcmp(data, "12345678", 8));
	EXPECT_EQ(0, fchmod(fd, 0640));
	EXPECT_EQ(0, ftruncate(fd, 6));
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(0, st.st_nlink);
	EXPECT_EQ(6, st.st_size);
	EXPECT_EQ(0640, st.st_mode & 07777);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDONLY);
	ASSERT_LE(0, again);
	EXPECT_EQ(6, read(again, data, 8));
	/* A new file of that name is another one. */
	ASSERT_EQ(1, put(self->guest, "f", O_CREAT | O_EXCL, "n"));
	EXPECT_EQ(6, pread(fd, data, 8, 0));
	EXPECT_EQ(-1, linkat(AT_FDCWD, path, self->guest, "g",
			     AT_SYMLINK_FOLLOW));
}

TEST_F(files, rename_over_open_file)
{
	int old, new;
	char data[8];
	struct stat st;

	ASSERT_EQ(3, put(self->guest, "old", O_CREAT, "old"));
	ASSERT_EQ(3, put(self->guest, "new", O_CREAT, "new"));
	old = openat(self->guest, "old", O_RDWR);
	new = openat(self->guest, "new", O_RDWR);
	ASSERT_EQ(0, rename_at(self->guest, "new", "old", 0));
	ASSERT_EQ(3, pread(old, data, 8, 0));
	EXPECT_EQ(0, memcmp(data, "old", 3));
	ASSERT_EQ(3, pread(new, data, 8, 0));
	EXPECT_EQ(0, memcmp(data, "new", 3));
	ASSERT_EQ(4, pwrite(old, "gone", 4, 0));
	ASSERT_EQ(0, fstat(old, &st));
	EXPECT_EQ(0, st.st_nlink);
	ASSERT_EQ(0, fstat(new, &st));
	EXPECT_EQ(1, st.st_nlink);
	EXPECT_EQ(3, size_of(self->host, "old"));
	EXPECT_EQ(-1, size_of(self->host, "new"));
}

TEST_F(files, hard_links_are_one_file)
{
	struct stat a, b, c;

	ASSERT_EQ(0, mkdirat(self->guest, "d", 0700));
	ASSERT_EQ(1, put(self->guest, "a", O_CREAT, "1"));
	ASSERT_EQ(0, linkat(self->guest, "a", self->guest, "d/b", 0));
	ASSERT_EQ(0, fstatat(self->guest, "a", &a, 0));
	ASSERT_EQ(0, fstatat(self->guest, "d/b", &b, 0));
	ASSERT_EQ(0, fstatat(self->host, "d/b", &c, 0));
	EXPECT_EQ(a.st_ino, b.st_ino);
	EXPECT_EQ(a.st_ino, c.st_ino);
	EXPECT_EQ(2, a.st_nlink);
	EXPECT_EQ(2, put(self->guest, "d/b", 0, "22"));
	EXPECT_EQ(2, size_of(self->guest, "a"));
	/* The name by which it became known goes; the other one stays good. */
	ASSERT_EQ(0, unlinkat(self->guest, "a", 0));
	EXPECT_EQ(1, links_of(self->guest, "d/b"));
	EXPECT_EQ(3, put(self->guest, "d/b", O_TRUNC, "333"));
	EXPECT_EQ(3, size_of(self->host, "d/b"));
	ASSERT_EQ(0, linkat(self->guest, "d/b", self->guest, "a", 0));
	ASSERT_EQ(0, rename_at(self->guest, "d/b", "b", 0));
	EXPECT_EQ(2, links_of(self->host, "a"));
}

/* Deeper than any path can name. */
#define DEPTH 60

TEST_F_TIMEOUT(files, deep_directories, LONG)
{
	char name[201];
	int dirs[DEPTH + 1], i;

	memset(name, 'd', 200);
	name[200] = '\0';
	dirs[0] = self->guest;
	for (i = 0; i < DEPTH; i++) {
		ASSERT_EQ(0, mkdirat(dirs[i], name, 0755));
		dirs[i + 1] = openat(dirs[i], name, O_RDONLY | O_DIRECTORY);
		ASSERT_LE(0, dirs[i + 1]);
	}
	ASSERT_EQ(4, put(dirs[DEPTH], "file", O_CREAT, "deep"));
	EXPECT_EQ(4, size_of(dirs[DEPTH], "file"));
	ASSERT_EQ(0, fchdir(dirs[DEPTH]));
	for (i = 0; i < DEPTH; i++)
		ASSERT_EQ(0, chdir(".."));
	EXPECT_EQ(0, faccessat(AT_FDCWD, name, F_OK, 0));
	ASSERT_EQ(0, unlinkat(dirs[DEPTH], "file", 0));
	for (i = DEPTH; i > 0; i--)
		ASSERT_EQ(0, unlinkat(dirs[i - 1], name, AT_REMOVEDIR));
}

#define MANY 400

TEST_F_TIMEOUT(files, seek_in_directory, LONG)
{
	int dir, i, seen = 0;
	char name[32], first[NAME_MAX + 1];
	struct dirent *de;
	long pos = -1;
	DIR *d;

	ASSERT_EQ(0, mkdirat(self->guest, "many", 0755));
	dir = openat(self->guest, "many", O_RDONLY | O_DIRECTORY);
	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "entry-%d", i);
		ASSERT_EQ(0, touch(dir, name, O_CREAT | O_WRONLY, 0600));
	}
	d = fdopendir(dir);
	for (i = 0; i < 300; i++) {
		pos = telldir(d);
		ASSERT_NE(NULL, (void *)(de = readdir(d)));
		snprintf(first, sizeof(first), "%s", de->d_name);
	}
	while (readdir(d))
		seen++;
	EXPECT_EQ(MANY + 2 - 300, seen);
	seekdir(d, pos);
	de = readdir(d);
	ASSERT_NE(NULL, (void *)de);
	EXPECT_STREQ(first, de->d_name);
	/* Everything is removed while it is listed. */
	rewinddir(d);
	while ((de = readdir(d)))
		if (de->d_name[0] == 'e')
			ASSERT_EQ(0, unlinkat(dir, de->d_name, 0));
	rewinddir(d);
	for (seen = 0; readdir(d); seen++)
		;
	EXPECT_EQ(2, seen);
	EXPECT_EQ(0, unlinkat(self->guest, "many", AT_REMOVEDIR));
}

TEST_F(files, statfs_is_the_host_s)
{
	struct statvfs a, b;

	ASSERT_EQ(0, fstatvfs(self->guest, &a));
	ASSERT_EQ(0, fstatvfs(self->host, &b));
	EXPECT_EQ(a.f_blocks, b.f_blocks);
	EXPECT_EQ(a.f_frsize, b.f_frsize);
	EXPECT_EQ(a.f_namemax, b.f_namemax);
	EXPECT_EQ(a.f_files, b.f_files);
}

/* A FIFO and a socket connect processes of the guest. */
TEST_F(files, fifo_and_socket)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd, server, client;
	char data[4] = "";

	ASSERT_EQ(0, mknodat(self->guest, "p", S_IFIFO | 0600, 0));
	fd = openat(self->guest, "p", O_RDWR | O_NONBLOCK);
	ASSERT_LE(0, fd);
	ASSERT_EQ(3, write(fd, "abc", 3));
	ASSERT_EQ(3, read(fd, data, 4));
	ASSERT_EQ(0, fchdir(self->guest));
	strcpy(addr.sun_path, "s");
	server = socket(AF_UNIX, SOCK_STREAM, 0);
	ASSERT_EQ(0, bind(server, (void *)&addr, sizeof(addr)));
	ASSERT_EQ(0, listen(server, 1));
	client = socket(AF_UNIX, SOCK_STREAM, 0);
	EXPECT_EQ(0, connect(client, (void *)&addr, sizeof(addr)));
}

TEST_F(files, locks)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int a = openat(self->guest, "f", O_CREAT | O_RDWR, 0600);
	int b = openat(self->guest, "f", O_RDWR);

	ASSERT_EQ(0, flock(a, LOCK_EX));
	EXPECT_EQ(-1, flock(b, LOCK_EX | LOCK_NB));
	EXPECT_EQ(EWOULDBLOCK, errno);
	EXPECT_EQ(0, fcntl(a, F_OFD_SETLK, &lock));
	EXPECT_EQ(-1, fcntl(b, F_OFD_SETLK, &lock));
	close(a);
	EXPECT_EQ(0, flock(b, LOCK_EX | LOCK_NB));
	EXPECT_EQ(0, fcntl(b, F_OFD_SETLK, &lock));
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
