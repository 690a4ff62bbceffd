// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest that takes all it is given, and asks for more, and another one of the same
 * share, which is left what it would have had alone. What of that is memory, input and
 * output, and time, chaos_test.sh sees by the cgroups of two VMMs.
 */
#include "bed.h"
#include "dump.h"
#include "harness.h"
#include "state.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#define ROOT FUSE_ROOT_ID
#define QUEUES 4
#define FILES 60
#define MAX_NODES 50
#define MAX_HANDLES 20
/* Threads that a device may have. */
#define MAX_THREADS 64
/* More than that. */
#define BLOCKED 150

FIXTURE(isolation) {
	struct bed bed;			/* the greedy guest's */
	struct fuse queue[QUEUES];
	struct ring_dev other;
	struct fuse f;
	struct dump dump;
};

FIXTURE_SETUP(isolation)
{
	struct bed_config config = {
		.ring.request_queues = QUEUES, .ring.queue_size = 512,
		.max_nodes = MAX_NODES, .max_handles = MAX_HANDLES,
	};
	struct bed_config small = { 0 };
	char name[16];
	int i;

	/* The kernel tells by SIGIO that somebody waits for a lease. */
	signal(SIGIO, SIG_IGN);
	ASSERT_EQ(0, bed_open(&self->bed, &config));
	for (i = 0; i < QUEUES; i++)
		fuse_session(&self->queue[i], &self->bed.dev, RING_REQUEST + i);
	ASSERT_EQ(0, bed_open_device(&self->bed, &self->other, &self->f, &small));
	for (i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "file%d", i);
		ASSERT_EQ(0, bed_write_file(&self->bed, name, "data", 4, 0644));
	}
}

FIXTURE_TEARDOWN(isolation)
{
	ring_close(&self->other);
	bed_close(&self->bed);
}

/* What is told of the share's device number @nr, 0 for the greedy guest's. */
static int64_t device_has(FIXTURE_DATA(isolation) *self, int nr, int attribute)
{
	int i;

	dump_all(&self->dump, VHOST_FS_CMD_DEVICE_GET);
	for (i = 0; i < self->dump.nr; i++)
		if (!strcmp(get_string(&self->dump.records[i], VHOST_FS_A_DEVICE_SHARE),
			    self->bed.share) && !nr--)
			return get(&self->dump.records[i], attribute);
	return -1;
}

/* Looks up names until that is refused; how many it was given. */
static int take_nodes(struct fuse *f, int *error)
{
	struct fuse_entry_out entry;
	char name[16];
	int i;

	for (*error = i = 0; i < FILES && !*error; i++) {
		snprintf(name, sizeof(name), "file%d", i);
		*error = fuse_lookup(f, ROOT, name, &entry);
	}
	return *error ? i - 1 : i;
}

static int take_handles(struct fuse *f, int *error)
{
	struct fuse_open_out out;
	int i;

	for (*error = i = 0; i <= MAX_HANDLES && !*error; i++)
		*error = fuse_opendir(f, ROOT, &out);
	return *error ? i - 1 : i;
}

/* The root is one of the nodes. */
TEST_F(isolation, nodes_and_handles)
{
	struct fuse *guests[] = { &self->queue[0], &self->f };
	int i, error;

	for (i = 0; i < 2; i++) {
		EXPECT_EQ(MAX_NODES - 1, take_nodes(guests[i], &error));
		EXPECT_EQ(-ENFILE, error);
		EXPECT_EQ(MAX_HANDLES, take_handles(guests[i], &error));
		EXPECT_EQ(-EMFILE, error);
		EXPECT_EQ(MAX_NODES, device_has(self, i, VHOST_FS_A_DEVICE_NODES));
		EXPECT_EQ(MAX_HANDLES, device_has(self, i, VHOST_FS_A_DEVICE_HANDLES));
	}
}

/* Until each thread that may be has a request that waits. */
static bool all_threads_wait(FIXTURE_DATA(isolation) *self)
{
	int64_t threads = 0;
	int i;

	for (i = 0; i < RING_TIMEOUT_MS / 10; i++) {
		threads = device_has(self, 0, VHOST_FS_A_DEVICE_THREADS);
		if (threads >= MAX_THREADS)
			return threads == MAX_THREADS;
		poll(NULL, 0, 10);
	}
	return false;
}

static int set_max_handles(struct bed *bed, uint64_t max)
{
	struct vhost_fs_set_share arg = {
		.size = sizeof(arg), .flags = VHOST_FS_SET_MAX_HANDLES, .max_handles = max,
	};

	memcpy(arg.name, bed->share, sizeof(arg.name));
	return ring_ioctl(bed->dev.fd, VHOST_FS_SET_SHARE, &arg);
}

/* All of a guest's threads wait: there are no more, and another's aren't its. */
TEST_F_TIMEOUT(isolation, blocked_threads, 60)
{
	struct fuse_started_open *o = calloc(BLOCKED, sizeof(*o));
	uint64_t node = bed_lookup(&self->queue[0], "file0");
	int lease = openat(self->bed.fd, "file0", O_RDONLY | O_CLOEXEC), i, opened = 0;
	int64_t threads = device_has(self, 1, VHOST_FS_A_DEVICE_THREADS);

	/* A handle is taken before the file is opened. */
	ASSERT_EQ(0, set_max_handles(&self->bed, BLOCKED));
	ASSERT_EQ(0, fcntl(lease, F_SETLEASE, F_RDLCK));
	for (i = 0; i < BLOCKED; i++)
		ASSERT_EQ(0, fuse_start_open(&self->queue[i % QUEUES], node, &o[i]));
	EXPECT_TRUE(all_threads_wait(self));
	for (i = 0; i < FILES; i++)
		EXPECT_EQ(0, fuse_getattr(&self->f, ROOT, NULL));
	EXPECT_EQ(MAX_THREADS, device_has(self, 0, VHOST_FS_A_DEVICE_THREADS));
	EXPECT_GE(threads, device_has(self, 1, VHOST_FS_A_DEVICE_THREADS));
	ASSERT_EQ(0, fcntl(lease, F_SETLEASE, F_UNLCK));
	for (i = 0; i < BLOCKED; i++)
		opened += !fuse_finish(&self->queue[i % QUEUES], &o[i].c);
	EXPECT_EQ(BLOCKED, opened);
	close(lease);
	free(o);
}

/*
 * Starts the device's threads on one processor, which each of them has until it sleeps.
 * What this one is itself changes only for that.
 */
static int start_unyielding(struct ring_dev *dev)
{
	struct sched_param first = { .sched_priority = 1 }, none = { };
	cpu_set_t one, all;
	int ret = ring_set_running(dev, false);

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	if (ret)
		return ret;
	if (sched_getaffinity(0, sizeof(all), &all) || sched_setaffinity(0, sizeof(one), &one) ||
	    sched_setscheduler(0, SCHED_FIFO, &first))
		return -errno;
	ret = ring_set_running(dev, true);
	if (sched_setscheduler(0, SCHED_OTHER, &none) || sched_setaffinity(0, sizeof(all), &all))
		return -errno;
	return ret;
}

/*
 * One thread waits, another serves, and a third is ready should that one wait, too: no
 * more are made, however many requests come before the third has had the processor.
 */
TEST_F(isolation, one_thread_more)
{
	struct fuse *f = &self->queue[0];
	uint64_t node = bed_lookup(f, "file0");
	int lease = openat(self->bed.fd, "file0", O_RDONLY | O_CLOEXEC), i;
	struct fuse_started_open o;
	int64_t threads;
	uint32_t len;

	ASSERT_EQ(0, start_unyielding(&self->bed.dev));
	threads = device_has(self, 0, VHOST_FS_A_DEVICE_THREADS);
	ASSERT_EQ(0, fcntl(lease, F_SETLEASE, F_RDLCK));
	ASSERT_EQ(0, fuse_start_open(f, node, &o));
	for (i = 0; i < BLOCKED; i++)
		ASSERT_LE(0, fuse_add_getattr(f, ROOT));
	ring_kick(f->q);
	for (i = 0; i < BLOCKED; i++)
		ASSERT_LE(0, ring_wait(f->q, &len));
	EXPECT_FALSE(o.c.done);
	EXPECT_GE(threads + 1, device_has(self, 0, VHOST_FS_A_DEVICE_THREADS));
	ASSERT_EQ(0, fcntl(lease, F_SETLEASE, F_UNLCK));
	EXPECT_EQ(0, fuse_finish(f, &o.c));
	close(lease);
}

/* The kernel's thread that looks for tasks which hang: how often it has looked. */
static long hung_task_looks(void)
{
	struct dirent *entry;
	char name[300], line[80];
	DIR *proc = opendir("/proc");
	long looks = -1;
	FILE *f;

	while (looks < 0 && (entry = readdir(proc))) {
		snprintf(name, sizeof(name), "/proc/%s/status", entry->d_name);
		f = fopen(name, "re");
		if (!f)
			continue;
		if (fgets(line, sizeof(line), f) && !strcmp(line, "Name:\tkhungtaskd\n"))
			while (fgets(line, sizeof(line), f))
				sscanf(line, "voluntary_ctxt_switches: %ld", &looks);
		fclose(f);
	}
	closedir(proc);
	return looks;
}

#define HUNG_TASK "/proc/sys/kernel/hung_task_timeout_secs"

/* Lets it look often enough to find whoever hangs now. */
static bool look_for_hung_tasks(void)
{
	FILE *f = fopen(HUNG_TASK, "r+e");
	long looks = hung_task_looks();
	char old[16] = "";
	int i;

	if (looks < 0 || !f || !fgets(old, sizeof(old), f))
		return false;
	rewind(f);
	fputs("1\n", f);
	fflush(f);
	for (i = 0; hung_task_looks() < looks + 4 && i < 3000; i++)
		poll(NULL, 0, 10);
	rewind(f);
	fputs(old, f);
	fclose(f);
	return hung_task_looks() >= looks + 4;
}

/* Which of these does one of the messages since then say to hang? 0 if none. */
static pid_t said_to_hang(int kmsg, const pid_t tids[2])
{
	char text[1024], want[64];
	pid_t found = 0;
	ssize_t n;
	int i;

	while ((n = read(kmsg, text, sizeof(text) - 1)) > 0 || errno == EPIPE) {
		text[n > 0 ? n : 0] = '\0';
		for (i = 0; i < 2; i++) {
			snprintf(want, sizeof(want), ":%d blocked for more than", tids[i]);
			if (strstr(text, want))
				found = tids[i];
		}
	}
	return found;
}

static void *give_back_later(void *arg)
{
	int *lease = arg;

	*lease = look_for_hung_tasks() ? fcntl(*lease, F_SETLEASE, F_UNLCK) : -1;
	return NULL;
}

/* The state of the greedy guest's device, with file0 open for writing; its descriptor. */
static int save_open_file(FIXTURE_DATA(isolation) *self)
{
	struct vhost_fs_device_state_result result;
	struct fuse *f = &self->queue[0];
	struct fuse_open_out out;
	int state, ret = fuse_open(f, bed_lookup(f, "file0"), O_WRONLY, &out);

	if (!ret)
		ret = ring_set_running(&self->bed.dev, false);
	if (ret)
		return ret;
	state = state_save(&self->bed.dev, &result);
	ret = ring_set_running(&self->bed.dev, true);
	if (!ret)
		ret = fuse_release(f, bed_lookup(f, "file0"), out.fh);
	return ret ? ret : state;
}

/* Another device, whose state is being loaded and waits for the lease. */
static int begin_load(FIXTURE_DATA(isolation) *self, struct ring_dev *dev, int state, int lease)
{
	int i, ret = state_open(&self->bed, dev);

	if (!ret)
		ret = state_begin(dev, VHOST_FS_STATE_LOAD, state, 0);
	for (i = 0; fcntl(lease, F_GETLEASE) != F_UNLCK && i < RING_TIMEOUT_MS / 10; i++)
		poll(NULL, 0, 10);
	return ret ? ret : fcntl(lease, F_GETLEASE) == F_UNLCK ? 0 : -ETIME;
}

struct closer {
	struct ring_dev dev;
	pid_t tid;
};

static void *close_device(void *arg)
{
	struct closer *c = arg;

	c->tid = gettid();
	ring_close(&c->dev);
	return NULL;
}

/*
 * Whoever stops a guest whose file server or lease holder takes its time, or closes a
 * device whose state is being loaded, isn't taken for stuck, for which a host may be set
 * up to end.
 */
TEST_F_TIMEOUT(isolation, stopped_while_held_up, 60)
{
	int state = save_open_file(self);
	uint64_t node = bed_lookup(&self->queue[0], "file0");
	int lease = openat(self->bed.fd, "file0", O_RDONLY | O_CLOEXEC), fd = lease;
	int kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct fuse_started_open o;
	struct closer closer;
	pthread_t thread, close_thread;

	if (access(HUNG_TASK, F_OK))
		SKIP(return, "the kernel doesn't look for tasks that hang");
	ASSERT_LE(0, state);
	ASSERT_LE(0, kmsg);
	ASSERT_EQ(0, lseek(kmsg, 0, SEEK_END));
	ASSERT_EQ(0, fcntl(lease, F_SETLEASE, F_RDLCK));
	ASSERT_EQ(0, begin_load(self, &closer.dev, state, lease));
	ASSERT_EQ(0, fuse_start_open(&self->queue[0], node, &o));
	ASSERT_EQ(0, fuse_getattr(&self->queue[0], ROOT, NULL));
	ASSERT_EQ(0, pthread_create(&close_thread, NULL, close_device, &closer));
	ASSERT_EQ(0, pthread_create(&thread, NULL, give_back_later, &lease));
	EXPECT_EQ(0, ring_set_running(&self->bed.dev, false));
	pthread_join(thread, NULL);
	pthread_join(close_thread, NULL);
	EXPECT_EQ(0, lease);
	EXPECT_EQ(0, said_to_hang(kmsg, (pid_t[]){ gettid(), closer.tid }));
	EXPECT_EQ(0, fuse_finish(&self->queue[0], &o.c));
	close(state);
	close(kmsg);
	close(fd);
}

TEST_HARNESS_MAIN
