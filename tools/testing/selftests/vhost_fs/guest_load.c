// SPDX-License-Identifier: GPL-2.0-only
/*
 * guest_load DIR STOP [LOCK]: what a guest does with a share while it is moved from
 * host to host. Holds files open, one of them without a name, a directory half
 * read, a mapping and locks; and makes, writes, reads, renames and removes
 * files all the time, until STOP exists. Everything is compared with what it
 * must be: the first thing that isn't ends the run with a line that says which.
 *
 * With LOCK it has its locks only while that exists.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define NR_NAMES	200	/* of the directory that is half read */
#define NR_FILES	16	/* that are written and compared */
#define SIZE		40000	/* of each: no multiple of a page */
#define MAP_SIZE	65536

static unsigned long rounds;

static void fail(const char *format, ...)
{
	va_list args;

	printf("round %lu: ", rounds);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf(": %s\n", strerror(errno));
	exit(1);
}

static void fill(unsigned char *buf, size_t size, unsigned long seed)
{
	unsigned long x = seed * 2654435761UL + 1;
	size_t i;

	for (i = 0; i < size; i++) {
		x = x * 6364136223846793005UL + 1442695040888963407UL;
		buf[i] = x >> 56;
	}
}

static void write_all(int fd, const unsigned char *buf, size_t size, const char *what)
{
	ssize_t n = pwrite(fd, buf, size, 0);

	if (n != (ssize_t)size)
		fail("%s: wrote %zd of %zu bytes", what, n, size);
}

static void compare(int fd, unsigned long seed, const char *what)
{
	static unsigned char want[SIZE], have[SIZE];
	ssize_t n = pread(fd, have, SIZE, 0);

	fill(want, SIZE, seed);
	if (n != SIZE)
		fail("%s: read %zd of %d bytes", what, n, SIZE);
	errno = 0;
	if (memcmp(want, have, SIZE))
		fail("%s: other bytes than were written", what);
}

static int make(const char *name, int flags, unsigned long seed)
{
	static unsigned char buf[SIZE];
	int fd = open(name, O_RDWR | O_CREAT | flags, 0600);

	if (fd < 0)
		fail("%s: open", name);
	fill(buf, SIZE, seed);
	write_all(fd, buf, SIZE, name);
	return fd;
}

/* What is held open all the time. */
struct held {
	int unlinked;		/* of a file that has no name */
	int reading;		/* opened for reading alone */
	int appending;
	DIR *dir;		/* half read */
	unsigned char seen[NR_NAMES];
	unsigned char *map;	/* of a file */
	int lock;		/* a file, locked by flock(), and a range by fcntl() */
	int locked;
};

static void read_names(struct held *h, int nr)
{
	struct dirent *entry;
	int i;

	while (nr) {
		errno = 0;
		entry = readdir(h->dir);
		if (!entry)
			break;
		if (sscanf(entry->d_name, "name%d", &i) != 1)
			continue;
		if (i < 0 || i >= NR_NAMES || h->seen[i]++)
			fail("readdir: %s again", entry->d_name);
		nr--;
	}
	if (nr && errno)
		fail("readdir");
}

static void hold(struct held *h)
{
	char name[32];
	int i, fd;

	h->unlinked = make("unlinked", 0, 1);
	if (unlink("unlinked"))
		fail("unlink");
	close(make("held", 0, 2));
	h->reading = open("held", O_RDONLY);
	h->appending = open("log", O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (h->reading < 0 || h->appending < 0)
		fail("open");
	if (mkdir("names", 0700))
		fail("mkdir");
	for (i = 0; i < NR_NAMES; i++) {
		sprintf(name, "names/name%d", i);
		if (mknod(name, S_IFREG | 0600, 0))
			fail("mknod");
	}
	h->dir = opendir("names");
	if (!h->dir)
		fail("opendir");
	read_names(h, NR_NAMES / 4);
	fd = open("map", O_RDWR | O_CREAT, 0600);
	if (fd < 0 || ftruncate(fd, MAP_SIZE))
		fail("map");
	h->map = mmap(NULL, MAP_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (h->map == MAP_FAILED)
		fail("mmap");
	h->lock = open("lock", O_RDWR | O_CREAT, 0600);
	if (h->lock < 0)
		fail("lock");
}

/* Waits if somebody on the host has it. */
static void take_locks(struct held *h, int on)
{
	struct flock range = {
		.l_type = on ? F_WRLCK : F_UNLCK, .l_start = 100, .l_len = 100,
	};

	if (h->locked == on)
		return;
	if (flock(h->lock, on ? LOCK_EX : LOCK_UN) ||
	    fcntl(h->lock, F_OFD_SETLK, &range))
		fail("lock: %s", on ? "taken" : "given back");
	h->locked = on;
}

/* They keep others out, who open the file anew. */
static void check_locks(void)
{
	struct flock range = { .l_type = F_WRLCK, .l_start = 150, .l_len = 10 };
	int fd = open("lock", O_RDWR);

	if (fd < 0)
		fail("lock: open");
	if (flock(fd, LOCK_EX | LOCK_NB) != -1 || errno != EWOULDBLOCK)
		fail("flock: somebody else got it");
	if (fcntl(fd, F_OFD_SETLK, &range) != -1 || errno != EAGAIN)
		fail("fcntl: somebody else got it");
	range.l_start = 200;
	if (fcntl(fd, F_OFD_SETLK, &range))
		fail("fcntl: behind the range");
	close(fd);
}

static void check_held(struct held *h)
{
	unsigned long word;
	struct stat st;
	char byte;

	compare(h->unlinked, 1, "the file without a name");
	compare(h->reading, 2, "the file opened for reading");
	if (fstat(h->unlinked, &st) || st.st_nlink)
		fail("links of the file without a name");
	if (write(h->appending, "x", 1) != 1 || fstat(h->appending, &st) ||
	    st.st_size != (off_t)rounds + 1)
		fail("append");
	if (write(h->reading, &byte, 1) != -1 || errno != EBADF)
		fail("wrote what was opened for reading");
	memcpy(&word, h->map, sizeof(word));
	errno = 0;
	if (word != rounds)
		fail("the mapping has %lu", word);
	word++;
	memcpy(h->map, &word, sizeof(word));
	if (msync(h->map, MAP_SIZE, MS_SYNC))
		fail("msync");
}

static void work(void)
{
	unsigned long nr = rounds % NR_FILES;
	char name[32], other[32];
	int fd;

	sprintf(name, "file%lu", nr);
	sprintf(other, "other%lu", nr);
	fd = make(name, O_TRUNC, rounds + 10);
	if (fsync(fd))
		fail("fsync");
	close(fd);
	fd = open(name, O_RDONLY);
	if (fd < 0)
		fail("%s: open to compare", name);
	compare(fd, rounds + 10, name);
	close(fd);
	if (rename(name, other) || link(other, name) || unlink(other))
		fail("rename, link, unlink");
	if (mkdir("d", 0700) || rmdir("d"))
		fail("mkdir, rmdir");
	if (!access("nothing", F_OK) || errno != ENOENT)
		fail("a file that isn't there");
}

int main(int argc, char **argv)
{
	static struct held held;
	int i;

	if (argc != 3 && argc != 4)
		return 2;
	setbuf(stdout, NULL);
	if (chdir(argv[1]) || (mkdir("load", 0700) && errno != EEXIST) || chdir("load"))
		fail("%s", argv[1]);
	hold(&held);
	puts("busy");
	for (; access(argv[2], F_OK); rounds++) {
		check_held(&held);
		take_locks(&held, argc == 3 || !access(argv[3], F_OK));
		if (held.locked)
			check_locks();
		work();
	}
	read_names(&held, NR_NAMES);
	errno = 0;
	for (i = 0; i < NR_NAMES; i++)
		if (!held.seen[i])
			fail("readdir: name%d is missing", i);
	printf("%lu rounds\n", rounds);
	return 0;
}
