// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMM dies by SIGKILL at any moment under load. Nothing of it may stay: no
 * node or handle, no thread, no reference to a mount, no deleted file; and the
 * share serves the next VMM.
 *
 * The share is a file system of its own, which can be unmounted at the end only
 * if nobody holds anything in it, and which counts its inodes.
 */
#include "bed.h"
#include "harness.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

#define ROOT FUSE_ROOT_ID
#define QUEUES 2
#define DEPTH 16
#define KILLS 200

/* Things of which there must be as many afterwards as before. */
struct census {
	long nodes;
	long handles;
	long devices;		/* references to the module */
	long threads;		/* of devices */
	long inodes;		/* in use in the share */
};

FIXTURE(kill) {
	struct bed bed;
	struct bed_config config;
	char mnt[96];
	struct census before;
	uint64_t seed;
};

static uint32_t random_next(uint64_t *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return *state >> 33;
}

/* The number that a file begins with, or -1. */
static long read_number(const char *path)
{
	FILE *file = fopen(path, "r");
	long number = -1;

	if (!file)
		return -1;
	if (fscanf(file, "%ld", &number) != 1)
		number = -1;
	fclose(file);
	return number;
}

/* Objects in use of one of the module's caches. */
static long cache_objects(const char *cache)
{
	char path[128];
	FILE *file;

	/* Empty slabs are given back first; objects in them would count. */
	snprintf(path, sizeof(path), "/sys/kernel/slab/%s/shrink", cache);
	file = fopen(path, "w");
	if (file) {
		fputs("1", file);
		fclose(file);
	}
	snprintf(path, sizeof(path), "/sys/kernel/slab/%s/objects", cache);
	return read_number(path);
}

static bool is_device_thread(const char *pid, const char *tid)
{
	char path[600], comm[64] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%s/task/%s/comm", pid, tid);
	file = fopen(path, "r");
	if (!file)
		return false;
	if (!fgets(comm, sizeof(comm), file))
		comm[0] = '\0';
	fclose(file);
	return !strncmp(comm, "vhost-fs-", 9);
}

static long count_threads_of(const char *pid)
{
	char path[300];
	struct dirent *task;
	long nr = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/task", pid);
	dir = opendir(path);
	if (!dir)
		return 0;
	while ((task = readdir(dir)))
		nr += task->d_name[0] != '.' &&
		      is_device_thread(pid, task->d_name);
	closedir(dir);
	return nr;
}

static long count_threads(void)
{
	struct dirent *process;
	DIR *dir = opendir("/proc");
	long nr = 0;

	if (!dir)
		return -1;
	while ((process = readdir(dir)))
		if (process->d_name[0] >= '1' && process->d_name[0] <= '9')
			nr += count_threads_of(process->d_name);
	closedir(dir);
	return nr;
}

static struct census take_census(FIXTURE_DATA(kill) *self)
{
	struct statvfs st = { 0 };

	fstatvfs(self->bed.fd, &st);
	return (struct census){
		.nodes = cache_objects("vhost_fs_node"),
		.handles = cache_objects("vhost_fs_handle"),
		.devices = read_number("/sys/module/vhost_fs/refcnt"),
		.threads = count_threads(),
		.inodes = st.f_files - st.f_ffree,
	};
}

/* What another test left to the next grace period may go meanwhile. */
static bool same(const struct census *a, const struct census *b)
{
	return a->nodes <= b->nodes && a->handles <= b->handles &&
	       a->devices == b->devices && a->threads == b->threads &&
	       a->inodes == b->inodes;
}

/* What is freed after a grace period takes its time; but not for ever. */
static void expect_census(struct __test_metadata *_metadata,
			  FIXTURE_DATA(kill) *self)
{
	struct census now = { 0 };
	int i;

	for (i = 0; i < 200; i++) {
		now = take_census(self);
		if (same(&now, &self->before))
			return;
		poll(NULL, 0, 50);
	}
	EXPECT_GE(self->before.nodes, now.nodes);
	EXPECT_GE(self->before.handles, now.handles);
	EXPECT_EQ(self->before.devices, now.devices);
	EXPECT_EQ(self->before.threads, now.threads);
	EXPECT_EQ(self->before.inodes, now.inodes);
}

FIXTURE_SETUP(kill)
{
	int i;

	self->seed = 4;
	self->config = (struct bed_config){
		.ring.request_queues = QUEUES, .ring.memory = 8 << 20,
	};
	signal(SIGIO, SIG_IGN);
	ASSERT_EQ(0, unshare(CLONE_NEWNS));
	ASSERT_EQ(0, mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	ASSERT_EQ(0, bed_open_share(&self->bed, &self->config));
	snprintf(self->mnt, sizeof(self->mnt), "%s/mnt", self->bed.top);
	ASSERT_EQ(0, mkdir(self->mnt, 0755));
	ASSERT_EQ(0, mount("none", self->mnt, "tmpfs", 0, "size=32m"));
	/* The share that was made becomes one of the new file system. */
	ASSERT_EQ(0, share_remove(self->bed.share));
	close(self->bed.fd);
	self->bed.fd = open(self->mnt, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ASSERT_LE(0, self->bed.fd);
	ASSERT_EQ(0, share_add_fd(self->bed.share, self->bed.fd));
	for (i = 0; i < 20; i++) {
		char name[16], data[8192];

		snprintf(name, sizeof(name), "file%d", i);
		bed_pattern(data, sizeof(data), 0, i);
		ASSERT_EQ(0, bed_write_file(&self->bed, name, data, sizeof(data),
					    0644));
	}
	self->before = take_census(self);
	ASSERT_LE(0, self->before.nodes);
	ASSERT_LE(0, self->before.handles);
	ASSERT_EQ(0, self->before.threads);
}

FIXTURE_TEARDOWN(kill)
{
	bed_close(&self->bed);
	umount2(self->mnt, MNT_DETACH);
	rmdir(self->mnt);
	rmdir(self->bed.top);
}

/* One request of a load that has some of everything. */
struct load {
	struct fuse_call c;
	union {
		struct fuse_read_in read;
		struct fuse_create_in create;
		struct fuse_getattr_in getattr;
		struct fuse_open_in open;
	} in;
	char name[16];
};

static int start_load(struct fuse *f, struct load *l, uint32_t what,
		      uint64_t node, uint64_t fh)
{
	l->c = (struct fuse_call){ .nodeid = ROOT, .out_size = 8192 };
	memset(&l->in, 0, sizeof(l->in));
	snprintf(l->name, sizeof(l->name), "file%u", what % 20);
	l->c.in[0] = (struct iovec){ &l->in, 0 };
	l->c.nr_in = 1;
	switch (what % 5) {
	case 0:
		l->c.opcode = FUSE_LOOKUP;
		l->c.in[0] = (struct iovec){ l->name, strlen(l->name) + 1 };
		break;
	case 1:
		l->c.opcode = FUSE_READ;
		l->c.nodeid = node;
		l->in.read = (struct fuse_read_in){ .fh = fh, .size = 8192 };
		l->c.in[0].iov_len = sizeof(l->in.read);
		break;
	case 2:
		/* Opened and never released: the session's end has to. */
		l->c.opcode = FUSE_OPEN;
		l->c.nodeid = node;
		l->c.in[0].iov_len = sizeof(l->in.open);
		break;
	case 3:
		l->c.opcode = FUSE_CREATE;
		l->in.create = (struct fuse_create_in){
			.flags = O_RDWR | O_CREAT, .mode = S_IFREG | 0600,
		};
		snprintf(l->name, sizeof(l->name), "new%u", what % 8);
		l->c.in[0].iov_len = sizeof(l->in.create);
		l->c.in[1] = (struct iovec){ l->name, strlen(l->name) + 1 };
		l->c.nr_in = 2;
		break;
	case 4:
		l->c.opcode = FUSE_UNLINK;
		snprintf(l->name, sizeof(l->name), "new%u", what % 8);
		l->c.in[0] = (struct iovec){ l->name, strlen(l->name) + 1 };
		break;
	}
	return fuse_start(f, &l->c);
}

/* A VMM under load, which says so on @pipe after each round, until it dies. */
static void run_load(FIXTURE_DATA(kill) *self, int pipe, uint64_t seed)
{
	struct load l[QUEUES][DEPTH];
	struct fuse f[QUEUES];
	struct fuse_open_out open;
	struct ring_dev dev;
	uint64_t node;
	int i, q;

	if (bed_open_device(&self->bed, &dev, &f[0], &self->config))
		_exit(1);
	fuse_session(&f[1], &dev, RING_REQUEST + 1);
	node = bed_lookup(&f[0], "file0");
	if (fuse_open(&f[0], node, O_RDONLY, &open))
		_exit(1);
	for (;;) {
		size_t mark = ring_mark(&dev);

		for (i = 0; i < DEPTH; i++)
			for (q = 0; q < QUEUES; q++)
				if (start_load(&f[q], &l[q][i],
					       random_next(&seed), node, open.fh))
					_exit(1);
		if (write(pipe, "x", 1) != 1)
			_exit(1);
		for (i = 0; i < DEPTH; i++)
			for (q = 0; q < QUEUES; q++)
				if (fuse_finish(&f[q], &l[q][i].c) < -511)
					_exit(1);
		ring_release(&dev, mark);
	}
}

/* Starts a VMM that dies after some rounds; how it ended. */
static int run_and_kill(FIXTURE_DATA(kill) *self, unsigned int rounds)
{
	uint64_t seed = self->seed;
	int fds[2], status = -1;
	char byte;
	pid_t pid;

	random_next(&self->seed);
	if (pipe(fds))
		return -1;
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		run_load(self, fds[1], seed);
	}
	close(fds[1]);
	while (rounds-- && read(fds[0], &byte, 1) == 1)
		;
	kill(pid, SIGKILL);
	close(fds[0]);
	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return status;
}

/* What the loads made and didn't unlink. */
static void remove_new(FIXTURE_DATA(kill) *self)
{
	char name[16];
	int i;

	for (i = 0; i < 8; i++) {
		snprintf(name, sizeof(name), "new%d", i);
		unlinkat(self->bed.fd, name, 0);
	}
}

/* A new VMM on the same share, which sees what it should. */
static void expect_service(struct __test_metadata *_metadata,
			   FIXTURE_DATA(kill) *self)
{
	struct fuse_open_out open;
	char got[8192], want[8192];
	struct ring_dev dev;
	struct fuse f;
	uint64_t node;

	ASSERT_EQ(0, bed_open_device(&self->bed, &dev, &f, &self->config));
	node = bed_lookup(&f, "file7");
	ASSERT_EQ(0, fuse_open(&f, node, O_RDONLY, &open));
	ASSERT_EQ(8192, fuse_read(&f, node, open.fh, 0, got, sizeof(got)));
	bed_pattern(want, sizeof(want), 0, 7);
	EXPECT_EQ(0, memcmp(want, got, sizeof(got)));
	ring_close(&dev);
}

TEST_F_TIMEOUT(kill, two_hundred_times, 900)
{
	int i, status;

	for (i = 0; i < test_rounds(KILLS); i++) {
		status = run_and_kill(self, random_next(&self->seed) % 8);
		ASSERT_TRUE(WIFSIGNALED(status)) {
			TH_LOG("run %d ended by itself: 0x%x", i, status);
		}
	}
	remove_new(self);
	expect_service(_metadata, self);
	expect_census(_metadata, self);
	/* Nobody holds anything of the file system but its name. */
	ASSERT_EQ(0, share_remove(self->bed.share));
	self->bed.share[0] = '\0';
	close(self->bed.fd);
	self->bed.fd = -1;
	for (i = 0; i < 200 && umount(self->mnt); i++)
		poll(NULL, 0, 50);
	EXPECT_NE(200, i);
}

/* A VMM that ends in an orderly way leaves as little. */
TEST_F_TIMEOUT(kill, closed_fifty_times, 120)
{
	struct fuse_entry_out entry;
	struct fuse_open_out open;
	struct ring_dev dev;
	struct fuse f;
	char name[16];
	int i, j;

	for (i = 0; i < test_rounds(50); i++) {
		ASSERT_EQ(0, bed_open_device(&self->bed, &dev, &f, &self->config));
		for (j = 0; j < 20; j++) {
			snprintf(name, sizeof(name), "file%d", j);
			ASSERT_EQ(0, fuse_open(&f, bed_lookup(&f, name), O_RDWR,
					       &open));
		}
		ASSERT_EQ(0, fuse_create(&f, ROOT, "new0", O_RDWR | O_CREAT,
					 S_IFREG | 0600, 0, &entry, &open));
		ASSERT_EQ(0, fuse_unlink(&f, ROOT, "new0"));
		ring_close(&dev);
	}
	expect_census(_metadata, self);
}

/* A file that is unlinked and forgotten is gone while the VMM goes on. */
TEST_F(kill, unlinked_files_are_freed)
{
	struct fuse_entry_out entry;
	struct fuse_open_out open;
	struct statvfs st;
	struct ring_dev dev;
	struct fuse f;
	long used;
	int i;

	ASSERT_EQ(0, bed_open_device(&self->bed, &dev, &f, &self->config));
	for (i = 0; i < test_rounds(500); i++) {
		ASSERT_EQ(0, fuse_create(&f, ROOT, "new0", O_RDWR | O_CREAT,
					 S_IFREG | 0600, 0, &entry, &open));
		ASSERT_EQ(4, fuse_write(&f, entry.nodeid, open.fh, 0, "data", 4));
		ASSERT_EQ(0, fuse_unlink(&f, ROOT, "new0"));
		ASSERT_EQ(0, fuse_release(&f, entry.nodeid, open.fh));
		ASSERT_EQ(0, fuse_forget(&f, entry.nodeid, 1));
	}
	for (i = 0; i < 200; i++) {
		ASSERT_EQ(0, fstatvfs(self->bed.fd, &st));
		used = st.f_files - st.f_ffree;
		if (used <= self->before.inodes)
			break;
		poll(NULL, 0, 50);
	}
	EXPECT_EQ(self->before.inodes, used);
	ring_close(&dev);
}

/* Opens a leased file and waits, so that it is killed while it is blocked. */
static void run_blocked(FIXTURE_DATA(kill) *self, int pipe)
{
	struct fuse_open_in in = { .flags = O_WRONLY };
	struct fuse_call c = {
		.opcode = FUSE_OPEN, .in = { { &in, sizeof(in) } }, .nr_in = 1,
		.out_size = sizeof(struct fuse_open_out),
	};
	struct ring_dev dev;
	struct fuse f;
	int i, error;

	if (bed_open_device(&self->bed, &dev, &f, &self->config))
		_exit(1);
	c.nodeid = bed_lookup(&f, "file1");
	for (i = 0; i < 5; i++)
		if (fuse_start(&f, &c))
			_exit(1);
	if (fuse_getattr(&f, ROOT, NULL) || write(pipe, "x", 1) != 1)
		_exit(1);
	for (;;)
		fuse_next(&f, &error);
}

/* SIGKILL ends a VMM whose requests wait for what may never come. */
TEST_F_TIMEOUT(kill, while_blocked, 60)
{
	int lease = openat(self->bed.fd, "file1", O_RDONLY | O_CLOEXEC);
	int fds[2], status, i;
	char byte;
	pid_t pid;

	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, fcntl(lease, F_SETLEASE, F_RDLCK));
		ASSERT_EQ(0, pipe(fds));
		pid = fork();
		if (pid == 0) {
			close(lease);
			run_blocked(self, fds[1]);
		}
		close(fds[1]);
		ASSERT_EQ(1, read(fds[0], &byte, 1));
		close(fds[0]);
		ASSERT_EQ(0, kill(pid, SIGKILL));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_TRUE(WIFSIGNALED(status));
		ASSERT_EQ(0, fcntl(lease, F_SETLEASE, F_UNLCK));
	}
	close(lease);
	expect_service(_metadata, self);
	expect_census(_metadata, self);
}

/* The VMM dies, but somebody else still has its descriptor. */
TEST_F_TIMEOUT(kill, descriptor_survives, 60)
{
	struct ring_dev dev;
	struct fuse f;
	int fds[2], status, fd, i;
	char byte;
	pid_t pid;

	for (i = 0; i < 20; i++) {
		fd = open("/dev/vhost-fs", O_RDWR | O_CLOEXEC);
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, pipe(fds));
		pid = fork();
		if (pid == 0) {
			if (ring_open_fd(&dev, fd, &self->config.ring) ||
			    ring_attach(&dev, self->bed.share) ||
			    ring_set_running(&dev, true))
				_exit(1);
			fuse_session(&f, &dev, RING_REQUEST);
			if (fuse_init(&f) || write(fds[1], "x", 1) != 1)
				_exit(1);
			for (;;)
				fuse_getattr(&f, ROOT, NULL);
		}
		close(fds[1]);
		ASSERT_EQ(1, read(fds[0], &byte, 1));
		close(fds[0]);
		ASSERT_EQ(0, kill(pid, SIGKILL));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_TRUE(WIFSIGNALED(status));
		/* It can do nothing with it but close it. */
		dev.fd = fd;
		EXPECT_EQ(-EPERM, ring_set_running(&dev, true));
		ASSERT_EQ(0, close(fd));
	}
	expect_service(_metadata, self);
	expect_census(_metadata, self);
}

/* Stopped and continued in the middle of the load, as a debugger does. */
TEST_F_TIMEOUT(kill, stopped_and_continued, 120)
{
	int fds[2], status, i;
	char byte;
	pid_t pid;

	ASSERT_EQ(0, pipe(fds));
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		run_load(self, fds[1], 5);
	}
	close(fds[1]);
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(1, read(fds[0], &byte, 1));
		ASSERT_EQ(0, kill(pid, SIGSTOP));
		ASSERT_EQ(pid, waitpid(pid, &status, WUNTRACED));
		ASSERT_TRUE(WIFSTOPPED(status));
		ASSERT_EQ(0, kill(pid, SIGCONT));
		ASSERT_EQ(1, read(fds[0], &byte, 1));
	}
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	close(fds[0]);
	remove_new(self);
	expect_census(_metadata, self);
}

TEST_HARNESS_MAIN
