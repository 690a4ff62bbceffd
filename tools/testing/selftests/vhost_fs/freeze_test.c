// SPDX-License-Identifier: GPL-2.0-only
/*
 * A host that is to be suspended, or a VMM whose cgroup is frozen: who waits for threads
 * of the device, which may be frozen before, can be frozen, too, and goes on afterwards as
 * though nothing had been. By the freezer of cgroups of version 1, which is the one that
 * suspends a host, for one thread at a time.
 */
#include "bed.h"
#include "harness.h"
#include "state.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define NR 32

FIXTURE(freeze) {
	char top[32];		/* where the freezer's groups are */
	struct bed bed;
	struct ring_dev *dev;
	struct fuse *f;
};

FIXTURE_SETUP(freeze)
{
	struct bed_config config = { 0 };

	ASSERT_EQ(0, unshare(CLONE_NEWNS));
	ASSERT_EQ(0, mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	snprintf(self->top, sizeof(self->top), "/tmp/vhost-fs-freezerXXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->top));
	if (mount("freezer", self->top, "cgroup", 0, "freezer")) {
		rmdir(self->top);
		SKIP(return, "the kernel has no freezer of cgroups");
	}
	ASSERT_EQ(0, bed_open(&self->bed, &config));
	self->dev = &self->bed.dev;
	self->f = &self->bed.fuse;
}

FIXTURE_TEARDOWN(freeze)
{
	bed_close(&self->bed);
	umount(self->top);
	rmdir(self->top);
}

/* A group of threads of this process, "" for that of all others. */
static int write_group(FIXTURE_DATA(freeze) *self, const char *group, const char *file,
		       const char *text)
{
	char path[100];
	int ret = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s/%s", self->top, group, file);
	f = fopen(path, "we");
	if (!f || fputs(text, f) < 0)
		ret = -errno;
	if (f && fclose(f))
		ret = -errno;
	return ret;
}

static int make_group(FIXTURE_DATA(freeze) *self, const char *group)
{
	char path[100];

	snprintf(path, sizeof(path), "%s/%s", self->top, group);
	return mkdir(path, 0700) ? -errno : 0;
}

static int add_thread(FIXTURE_DATA(freeze) *self, const char *group, pid_t tid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", tid);
	return write_group(self, group, "tasks", text);
}

/* Those that serve the device. */
static int add_workers(FIXTURE_DATA(freeze) *self, const char *group)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *entry;
	int ret = -ESRCH;

	while ((entry = readdir(tasks))) {
		pid_t tid = atoi(entry->d_name);

		if (tid <= 0 || tid == gettid())
			continue;
		ret = add_thread(self, group, tid);
		if (ret)
			break;
	}
	closedir(tasks);
	return ret;
}

static bool is_frozen(FIXTURE_DATA(freeze) *self, const char *group)
{
	char path[100], state[16] = "";
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s/freezer.state", self->top, group);
	f = fopen(path, "re");
	if (!f || !fgets(state, sizeof(state), f))
		return false;
	fclose(f);
	return !strcmp(state, "FROZEN\n");
}

/* All of a group's threads; -ETIME if one of them can't be. */
static int freeze(FIXTURE_DATA(freeze) *self, const char *group)
{
	int ret = write_group(self, group, "freezer.state", "FROZEN");
	int i;

	for (i = 0; !ret && !is_frozen(self, group) && i < RING_TIMEOUT_MS / 10; i++)
		poll(NULL, 0, 10);
	return ret ? ret : is_frozen(self, group) ? 0 : -ETIME;
}

static int thaw(FIXTURE_DATA(freeze) *self, const char *group)
{
	return write_group(self, group, "freezer.state", "THAWED");
}

/* A group can go once it is empty. */
static int end_group(FIXTURE_DATA(freeze) *self, const char *group)
{
	char path[100];
	int i, ret;

	snprintf(path, sizeof(path), "%s/%s", self->top, group);
	for (i = 0; (ret = rmdir(path)) && errno == EBUSY && i < RING_TIMEOUT_MS / 10; i++)
		poll(NULL, 0, 10);
	return ret ? -errno : 0;
}

struct waiter {
	struct ring_dev *dev;
	unsigned long call;
	struct vhost_fs_device_state_result result;
	pid_t tid;
	bool done;
	int ret;
};

/* Waits until a thread sleeps in that state. */
static void wait_state(struct waiter *w, char wanted)
{
	char path[64], state = 0;
	FILE *f;

	while (!__atomic_load_n(&w->tid, __ATOMIC_SEQ_CST))
		sched_yield();
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", w->tid);
	while (state != wanted && (f = fopen(path, "re"))) {
		if (fscanf(f, "%*d %*s %c", &state) != 1)
			state = wanted;
		fclose(f);
	}
}

static void begin_wait(struct waiter *w)
{
	__atomic_store_n(&w->tid, gettid(), __ATOMIC_SEQ_CST);
}

static void end_wait(struct waiter *w, int ret)
{
	w->ret = ret;
	__atomic_store_n(&w->done, true, __ATOMIC_SEQ_CST);
}

static void *stop_device(void *arg)
{
	struct waiter *w = arg;

	begin_wait(w);
	end_wait(w, ring_set_running(w->dev, false));
	return NULL;
}

/* While what is on the rings is still to be served. */
TEST_F_TIMEOUT(freeze, stop, 60)
{
	struct waiter w = { .dev = self->dev };
	struct fuse_call call[NR];
	pthread_t thread;
	int i;

	ASSERT_EQ(0, make_group(self, "workers"));
	ASSERT_EQ(0, make_group(self, "stopper"));
	ASSERT_EQ(0, add_workers(self, "workers"));
	ASSERT_EQ(0, freeze(self, "workers"));
	for (i = 0; i < NR; i++) {
		call[i] = (struct fuse_call) {
			.opcode = FUSE_STATFS, .nodeid = FUSE_ROOT_ID,
			.out_size = sizeof(struct fuse_statfs_out),
		};
		ASSERT_EQ(0, fuse_start(self->f, &call[i]));
	}
	ASSERT_EQ(0, pthread_create(&thread, NULL, stop_device, &w));
	wait_state(&w, 'D');
	EXPECT_EQ(0, add_thread(self, "stopper", w.tid));
	EXPECT_EQ(0, freeze(self, "stopper"));
	EXPECT_EQ(0, thaw(self, "workers"));
	for (i = 0; i < NR; i++)
		EXPECT_EQ(0, fuse_finish(self->f, &call[i]));
	EXPECT_FALSE(__atomic_load_n(&w.done, __ATOMIC_SEQ_CST));
	EXPECT_EQ(0, thaw(self, "stopper"));
	pthread_join(thread, NULL);
	EXPECT_EQ(0, w.ret);
	EXPECT_EQ(0, end_group(self, "workers"));
	EXPECT_EQ(0, end_group(self, "stopper"));
}

static const unsigned long waiting_calls[] = {
	VHOST_SET_FEATURES, VHOST_FS_SET_RUNNING, VHOST_RESET_OWNER,
};

static void *call_device(void *arg)
{
	struct waiter *w = arg;
	uint64_t features = w->dev->features;

	begin_wait(w);
	if (w->call == VHOST_FS_SET_RUNNING)
		end_wait(w, ring_set_running(w->dev, false));
	else
		end_wait(w, ring_ioctl(w->dev->fd, w->call,
				       w->call == VHOST_SET_FEATURES ? &features : NULL));
	return NULL;
}

/* A file, and a request that waits to open it; what it waits for. */
static int start_open(FIXTURE_DATA(freeze) *self, const char *name, struct fuse_started_open *o)
{
	int lease, ret = bed_write_file(&self->bed, name, "", 0, 0644);

	lease = openat(self->bed.fd, name, O_RDONLY | O_CLOEXEC);
	if (!ret && fcntl(lease, F_SETLEASE, F_RDLCK))
		ret = -errno;
	if (!ret)
		ret = fuse_start_open(self->f, bed_lookup(self->f, name), o);
	/* It has handed over the ring. */
	if (!ret)
		ret = fuse_getattr(self->f, FUSE_ROOT_ID, NULL);
	return ret ? ret : lease;
}

/* While a request is being served for as long as somebody likes. */
TEST_F_TIMEOUT(freeze, request_in_flight, 60)
{
	struct fuse_started_open o;
	pthread_t thread;
	char name[16];
	int i, lease;

	signal(SIGIO, SIG_IGN);
	ASSERT_EQ(0, make_group(self, "waiter"));
	for (i = 0; i < sizeof(waiting_calls) / sizeof(waiting_calls[0]); i++) {
		struct waiter w = { .dev = self->dev, .call = waiting_calls[i] };

		snprintf(name, sizeof(name), "file%d", i);
		lease = start_open(self, name, &o);
		ASSERT_LE(0, lease);
		ASSERT_EQ(0, pthread_create(&thread, NULL, call_device, &w));
		wait_state(&w, 'D');
		EXPECT_EQ(0, add_thread(self, "waiter", w.tid));
		EXPECT_EQ(0, freeze(self, "waiter"));
		EXPECT_EQ(0, thaw(self, "waiter"));
		close(lease);
		EXPECT_EQ(0, fuse_finish(self->f, &o.c));
		pthread_join(thread, NULL);
		EXPECT_EQ(0, w.ret);
		if (w.call == VHOST_FS_SET_RUNNING)
			ASSERT_EQ(0, ring_set_running(self->dev, true));
	}
	EXPECT_EQ(0, end_group(self, "waiter"));
}

static void *check_state(void *arg)
{
	struct waiter *w = arg;

	begin_wait(w);
	end_wait(w, state_check(w->dev, &w->result));
	return NULL;
}

/* Nobody reads the state before, and who waits for that isn't told of any signal. */
TEST_F_TIMEOUT(freeze, state, 60)
{
	struct waiter w = { .dev = self->dev };
	pthread_t thread;
	char data[4096];
	ssize_t n;
	int ends[2];

	ASSERT_EQ(0, ring_set_running(self->dev, false));
	ASSERT_EQ(0, make_group(self, "checker"));
	ASSERT_EQ(0, pipe2(ends, O_CLOEXEC | O_NONBLOCK));
	while (write(ends[1], data, sizeof(data)) > 0)
		;
	ASSERT_EQ(0, state_begin(self->dev, VHOST_FS_STATE_SAVE, ends[1], 0));
	ASSERT_EQ(0, pthread_create(&thread, NULL, check_state, &w));
	wait_state(&w, 'S');
	EXPECT_EQ(0, add_thread(self, "checker", w.tid));
	EXPECT_EQ(0, freeze(self, "checker"));
	EXPECT_EQ(0, thaw(self, "checker"));
	close(ends[1]);
	while ((n = read(ends[0], data, sizeof(data))) > 0 || (n < 0 && errno == EAGAIN))
		sched_yield();
	pthread_join(thread, NULL);
	EXPECT_EQ(0, w.ret);
	EXPECT_EQ(0, w.result.error);
	EXPECT_EQ(0, end_group(self, "checker"));
	close(ends[0]);
}

TEST_HARNESS_MAIN
