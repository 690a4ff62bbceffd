// SPDX-License-Identifier: GPL-2.0-only
/*
 * SETLKW: requests that wait for a lock, for as long as it takes, and cost
 * nobody else anything: how they are granted, interrupted, stopped and started,
 * and forgotten.
 *
 * Chains are taken off a ring in order, and these never give the ring away; so
 * when a request that was sent later has been answered, those before it wait.
 */
#include "bed.h"
#include "harness.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>

#define ROOT FUSE_ROOT_ID
#define END ((uint64_t)LLONG_MAX)
#define QUEUE_SIZE 1024
#define MAX_BLOCKED 200

struct guest {
	struct fuse *f;
	uint64_t node, fh;
};

struct wait {
	struct fuse_call c;
	struct fuse_lk_in in;
};

FIXTURE(park) {
	struct bed bed;
	struct bed_config config;
	struct ring_dev other;
	struct fuse other_fuse;
	struct guest a, b;
	int host;
	struct wait waits[MAX_BLOCKED + 1];
};

FIXTURE_VARIANT(park) {
	uint64_t features;
	uint32_t lk_flags;
};

FIXTURE_VARIANT_ADD(park, posix) {
	.features = RING_F_INDIRECT | RING_F_EVENT_IDX,
};

FIXTURE_VARIANT_ADD(park, posix_direct) {
	.features = 0,
};

FIXTURE_VARIANT_ADD(park, flock) {
	.features = RING_F_INDIRECT | RING_F_EVENT_IDX,
	.lk_flags = FUSE_LK_FLOCK,
};

static int open_file(struct guest *g, const char *name)
{
	struct fuse_open_out out;
	int error;

	g->node = bed_lookup(g->f, name);
	error = fuse_open(g->f, g->node, O_RDWR, &out);
	g->fh = out.fh;
	return error;
}

FIXTURE_SETUP(park)
{
	self->config = (struct bed_config){
		.ring.features = variant->features,
		.ring.queue_size = QUEUE_SIZE,
		.options.locks = VHOST_FS_LOCKS_REMOTE,
		.options.max_blocked = MAX_BLOCKED,
	};
	self->other.fd = -1;
	ASSERT_EQ(0, bed_open(&self->bed, &self->config));
	ASSERT_EQ(0, bed_open_device(&self->bed, &self->other,
				     &self->other_fuse, &self->config));
	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "data", 4, 0644));
	ASSERT_EQ(0, bed_write_file(&self->bed, "file2", "data", 4, 0644));
	self->a.f = &self->bed.fuse;
	self->b.f = &self->other_fuse;
	ASSERT_EQ(0, open_file(&self->a, "file"));
	ASSERT_EQ(0, open_file(&self->b, "file"));
	self->host = openat(self->bed.fd, "file", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->host);
}

FIXTURE_TEARDOWN(park)
{
	close(self->host);
	if (self->other.fd >= 0)
		ring_close(&self->other);
	bed_close(&self->bed);
}

static struct fuse_lk_in lk_args(struct guest *g, uint32_t lk_flags,
				 uint64_t owner, uint32_t type)
{
	return (struct fuse_lk_in){
		.fh = g->fh, .owner = owner, .lk_flags = lk_flags,
		.lk = { .end = END, .type = type },
	};
}

static int set_lock(struct guest *g, uint32_t lk_flags, uint64_t owner,
		    uint32_t type)
{
	struct fuse_lk_in in = lk_args(g, lk_flags, owner, type);

	return fuse_lk(g->f, FUSE_SETLK, g->node, &in);
}

static int start_wait(struct wait *w, struct guest *g, uint32_t lk_flags,
		      uint64_t owner, uint32_t type)
{
	w->in = lk_args(g, lk_flags, owner, type);
	w->c = (struct fuse_call){
		.opcode = FUSE_SETLKW, .nodeid = g->node,
		.in = { { &w->in, sizeof(w->in) } }, .nr_in = 1,
	};
	return fuse_start(g->f, &w->c);
}

/* Everything that was sent before has been looked at. */
static int settle(struct guest *g)
{
	return fuse_getattr(g->f, ROOT, NULL);
}

static int host_lock(FIXTURE_DATA(park) *self, uint32_t lk_flags, short type)
{
	struct flock fl = { .l_type = type };

	if (lk_flags)
		return flock(self->host, LOCK_NB | (type == F_UNLCK ? LOCK_UN :
						    LOCK_EX)) ? -errno : 0;
	return fcntl(self->host, F_OFD_SETLK, &fl) ? -errno : 0;
}

/* The lock is the device's that waited, and then may be had again. */
static void expect_held_by_a(struct __test_metadata *_metadata,
			     FIXTURE_DATA(park) *self, uint32_t lk_flags)
{
	EXPECT_EQ(-EAGAIN, host_lock(self, lk_flags, F_WRLCK));
	EXPECT_EQ(0, set_lock(&self->a, lk_flags, 1, F_UNLCK));
	EXPECT_EQ(0, host_lock(self, lk_flags, F_WRLCK));
}

TEST_F(park, behind_another_guest)
{
	struct wait *w = self->waits;

	ASSERT_EQ(0, set_lock(&self->b, variant->lk_flags, 1, F_WRLCK));
	ASSERT_EQ(0, start_wait(w, &self->a, variant->lk_flags, 1, F_WRLCK));
	ASSERT_EQ(0, settle(&self->a));
	EXPECT_FALSE(w->c.done);
	ASSERT_EQ(0, set_lock(&self->b, variant->lk_flags, 1, F_UNLCK));
	EXPECT_EQ(0, fuse_finish(self->a.f, &w->c));
	expect_held_by_a(_metadata, self, variant->lk_flags);
}

TEST_F(park, behind_the_host)
{
	struct wait *w = self->waits;

	ASSERT_EQ(0, host_lock(self, variant->lk_flags, F_WRLCK));
	ASSERT_EQ(0, start_wait(w, &self->a, variant->lk_flags, 1, F_WRLCK));
	ASSERT_EQ(0, settle(&self->a));
	EXPECT_FALSE(w->c.done);
	ASSERT_EQ(0, host_lock(self, variant->lk_flags, F_UNLCK));
	EXPECT_EQ(0, fuse_finish(self->a.f, &w->c));
	expect_held_by_a(_metadata, self, variant->lk_flags);
}

/* The holder's handle goes, and its lock with it. */
TEST_F(park, behind_a_handle_that_is_released)
{
	struct guest second = self->a;
	struct wait *w = self->waits;

	ASSERT_EQ(0, open_file(&second, "file"));
	ASSERT_EQ(0, set_lock(&second, variant->lk_flags, 2, F_WRLCK));
	ASSERT_EQ(0, start_wait(w, &self->a, variant->lk_flags, 1, F_WRLCK));
	ASSERT_EQ(0, settle(&self->a));
	EXPECT_FALSE(w->c.done);
	ASSERT_EQ(0, fuse_release(self->a.f, second.node, second.fh));
	EXPECT_EQ(0, fuse_finish(self->a.f, &w->c));
	expect_held_by_a(_metadata, self, variant->lk_flags);
}

TEST_F(park, free_lock_needs_no_wait)
{
	struct fuse_lk_in in = lk_args(&self->a, variant->lk_flags, 1, F_WRLCK);

	EXPECT_EQ(0, fuse_lk(self->a.f, FUSE_SETLKW, self->a.node, &in));
	in.lk.type = F_UNLCK;
	EXPECT_EQ(0, fuse_lk(self->a.f, FUSE_SETLKW, self->a.node, &in));
	EXPECT_EQ(0, set_lock(&self->b, variant->lk_flags, 1, F_WRLCK));
}

static long count_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *task;
	char path[300], comm[32];
	long nr = 0;
	FILE *file;

	while ((task = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/self/task/%s/comm",
			 task->d_name);
		file = fopen(path, "r");
		if (!file)
			continue;
		nr += fgets(comm, sizeof(comm), file) &&
		      !strncmp(comm, "vhost-fs-", 9);
		fclose(file);
	}
	closedir(dir);
	return nr;
}

/* Far more of them than threads, and others are served as ever. */
TEST_F_TIMEOUT(park, many_hold_no_thread, 120)
{
	struct guest holder = self->a, second[MAX_BLOCKED];
	int i, nr = MAX_BLOCKED;
	long threads;

	/* A ring without indirect chains has room for so many. */
	if (!(variant->features & RING_F_INDIRECT))
		nr = QUEUE_SIZE / 2 / 3;
	ASSERT_EQ(0, open_file(&holder, "file"));
	ASSERT_EQ(0, set_lock(&holder, variant->lk_flags, 9999, F_WRLCK));
	for (i = 0; i < nr; i++) {
		second[i] = self->a;
		ASSERT_EQ(0, open_file(&second[i], "file"));
	}
	ASSERT_EQ(0, settle(&self->a));
	threads = count_threads();
	for (i = 0; i < nr; i++)
		ASSERT_EQ(0, start_wait(&self->waits[i], &second[i],
					variant->lk_flags, i, F_RDLCK));
	ASSERT_EQ(0, settle(&self->a));
	EXPECT_LE(count_threads(), threads + 2);
	for (i = 0; i < nr; i++)
		EXPECT_FALSE(self->waits[i].c.done);
	/* One too many. */
	ASSERT_EQ(0, start_wait(&self->waits[nr], &self->a, variant->lk_flags,
				nr, F_RDLCK));
	EXPECT_EQ(-ENOLCK, fuse_finish(self->a.f, &self->waits[nr].c));
	ASSERT_EQ(0, set_lock(&holder, variant->lk_flags, 9999, F_UNLCK));
	for (i = 0; i < nr; i++)
		EXPECT_EQ(0, fuse_finish(self->a.f, &self->waits[i].c));
	EXPECT_EQ(-EAGAIN, host_lock(self, variant->lk_flags, F_WRLCK));
}

TEST_F(park, limit_is_each_devices)
{
	struct vhost_fs_set_share arg = {
		.size = sizeof(arg), .flags = VHOST_FS_SET_MAX_BLOCKED,
		.max_blocked = 1,
	};
	struct wait *w = self->waits;
	uint32_t lk_flags = variant->lk_flags;

	memcpy(arg.name, self->bed.share, sizeof(arg.name));
	ASSERT_EQ(0, ring_ioctl(self->other.fd, VHOST_FS_SET_SHARE, &arg));
	ASSERT_EQ(0, host_lock(self, lk_flags, F_WRLCK));
	ASSERT_EQ(0, start_wait(&w[0], &self->a, lk_flags, 1, F_RDLCK));
	ASSERT_EQ(0, start_wait(&w[1], &self->a, lk_flags, 2, F_RDLCK));
	EXPECT_EQ(-ENOLCK, fuse_finish(self->a.f, &w[1].c));
	ASSERT_EQ(0, start_wait(&w[2], &self->b, lk_flags, 1, F_RDLCK));
	ASSERT_EQ(0, settle(&self->b));
	EXPECT_FALSE(w[0].c.done || w[2].c.done);
	ASSERT_EQ(0, host_lock(self, lk_flags, F_UNLCK));
	EXPECT_EQ(0, fuse_finish(self->a.f, &w[0].c));
	EXPECT_EQ(0, fuse_finish(self->b.f, &w[2].c));
	/* There is room again. */
	ASSERT_EQ(0, start_wait(&w[0], &self->a, lk_flags, 3, F_WRLCK));
	if (lk_flags)
		ASSERT_EQ(0, set_lock(&self->b, lk_flags, 1, F_UNLCK));
	ASSERT_EQ(0, settle(&self->a));
	ASSERT_EQ(0, set_lock(&self->b, lk_flags, 1, F_UNLCK));
	ASSERT_EQ(0, set_lock(&self->a, 0, 1, F_UNLCK));
	EXPECT_EQ(0, fuse_finish(self->a.f, &w[0].c));
}

/* As on the host, none is told of one that flock() locks make. */
TEST_F(park, deadlock)
{
	struct guest a2 = self->a, b2 = self->b;
	uint32_t lk_flags = variant->lk_flags;
	struct wait *w = self->waits;

	ASSERT_EQ(0, open_file(&a2, "file2"));
	ASSERT_EQ(0, open_file(&b2, "file2"));
	ASSERT_EQ(0, set_lock(&self->a, lk_flags, 1, F_WRLCK));
	ASSERT_EQ(0, set_lock(&b2, lk_flags, 1, F_WRLCK));
	ASSERT_EQ(0, start_wait(&w[0], &a2, lk_flags, 1, F_WRLCK));
	ASSERT_EQ(0, settle(&self->a));
	ASSERT_EQ(0, start_wait(&w[1], &self->b, lk_flags, 1, F_WRLCK));
	if (lk_flags) {
		ASSERT_EQ(0, settle(&self->b));
		EXPECT_FALSE(w[1].c.done);
	} else {
		EXPECT_EQ(-EDEADLK, fuse_finish(self->b.f, &w[1].c));
	}
	EXPECT_FALSE(w[0].c.done);
	ASSERT_EQ(0, set_lock(&b2, lk_flags, 1, F_UNLCK));
	EXPECT_EQ(0, fuse_finish(self->a.f, &w[0].c));
	if (!lk_flags)
		return;
	EXPECT_FALSE(w[1].c.done);
	ASSERT_EQ(0, set_lock(&self->a, lk_flags, 1, F_UNLCK));
	EXPECT_EQ(0, fuse_finish(self->b.f, &w[1].c));
}

TEST_F(park, interrupt)
{
	struct wait *w = self->waits;
	uint32_t lk_flags = variant->lk_flags;
	struct fuse hiprio;

	fuse_session(&hiprio, &self->bed.dev, RING_HIPRIO);
	ASSERT_EQ(0, host_lock(self, lk_flags, F_WRLCK));
	ASSERT_EQ(0, start_wait(&w[0], &self->a, lk_flags, 1, F_WRLCK));
	ASSERT_EQ(0, start_wait(&w[1], &self->a, lk_flags, 2, F_WRLCK));
	ASSERT_EQ(0, settle(&self->a));
	EXPECT_EQ(0, fuse_interrupt(&hiprio, 0x7777777));
	EXPECT_EQ(0, fuse_interrupt(&hiprio, w[0].c.unique));
	EXPECT_EQ(-EINTR, fuse_finish(self->a.f, &w[0].c));
	ASSERT_EQ(0, settle(&self->a));
	EXPECT_FALSE(w[1].c.done);
	ASSERT_EQ(0, host_lock(self, lk_flags, F_UNLCK));
	EXPECT_EQ(0, fuse_finish(self->a.f, &w[1].c));
}

TEST_F(park, release_of_the_handle)
{
	struct guest second = self->a;
	struct wait *w = self->waits;

	ASSERT_EQ(0, open_file(&second, "file"));
	ASSERT_EQ(0, host_lock(self, variant->lk_flags, F_WRLCK));
	ASSERT_EQ(0, start_wait(&w[0], &self->a, variant->lk_flags, 1, F_WRLCK));
	ASSERT_EQ(0, start_wait(&w[1], &second, variant->lk_flags, 2, F_WRLCK));
	ASSERT_EQ(0, settle(&self->a));
	ASSERT_EQ(0, fuse_release(self->a.f, self->a.node, self->a.fh));
	EXPECT_EQ(-EINTR, fuse_finish(self->a.f, &w[0].c));
	ASSERT_EQ(0, settle(&self->a));
	EXPECT_FALSE(w[1].c.done);
	ASSERT_EQ(0, host_lock(self, variant->lk_flags, F_UNLCK));
	EXPECT_EQ(0, fuse_finish(self->a.f, &w[1].c));
}

TEST_F(park, end_of_the_session)
{
	struct wait *w = self->waits;

	ASSERT_EQ(0, host_lock(self, variant->lk_flags, F_WRLCK));
	ASSERT_EQ(0, start_wait(&w[0], &self->a, variant->lk_flags, 1, F_WRLCK));
	ASSERT_EQ(0, fuse_destroy(self->a.f));
	EXPECT_EQ(-EINTR, fuse_finish(self->a.f, &w[0].c));
	ASSERT_EQ(0, fuse_init(self->a.f));
	ASSERT_EQ(0, open_file(&self->a, "file"));
	ASSERT_EQ(0, start_wait(&w[0], &self->a, variant->lk_flags, 1, F_WRLCK));
	ASSERT_EQ(0, fuse_init(self->a.f));
	EXPECT_EQ(-EINTR, fuse_finish(self->a.f, &w[0].c));
	ASSERT_EQ(0, host_lock(self, variant->lk_flags, F_UNLCK));
	EXPECT_EQ(0, set_lock(&self->b, variant->lk_flags, 1, F_WRLCK));
}

TEST_F(park, file_deleted_and_forgotten)
{
	struct wait *w = self->waits;

	ASSERT_EQ(0, host_lock(self, variant->lk_flags, F_WRLCK));
	ASSERT_EQ(0, start_wait(w, &self->a, variant->lk_flags, 1, F_WRLCK));
	ASSERT_EQ(0, settle(&self->a));
	ASSERT_EQ(0, unlinkat(self->bed.fd, "file", 0));
	ASSERT_EQ(0, fuse_forget(self->a.f, self->a.node, 1));
	ASSERT_EQ(0, host_lock(self, variant->lk_flags, F_UNLCK));
	EXPECT_EQ(0, fuse_finish(self->a.f, &w->c));
}

TEST_F(park, close_of_the_device)
{
	struct wait *w = self->waits;

	ASSERT_EQ(0, host_lock(self, variant->lk_flags, F_WRLCK));
	ASSERT_EQ(0, start_wait(w, &self->b, variant->lk_flags, 1, F_WRLCK));
	ASSERT_EQ(0, settle(&self->b));
	ring_close(&self->other);
	self->other.fd = -1;
	ASSERT_EQ(0, host_lock(self, variant->lk_flags, F_UNLCK));
	EXPECT_EQ(0, set_lock(&self->a, variant->lk_flags, 1, F_WRLCK));
}

/* Not a trace of the wait in what the VMM sees; and it goes on after. */
TEST_F(park, survives_stop_and_start)
{
	struct ring_queue *q = self->a.f->q;
	struct wait *w = self->waits;
	uint32_t lk_flags = variant->lk_flags;

	ASSERT_EQ(0, set_lock(&self->b, lk_flags, 1, F_WRLCK));
	ASSERT_EQ(0, start_wait(w, &self->a, lk_flags, 1, F_WRLCK));
	ASSERT_EQ(0, settle(&self->a));
	ASSERT_EQ(0, ring_set_running(&self->bed.dev, false));
	EXPECT_EQ(q->avail->idx, ring_get_base(q));
	EXPECT_FALSE(ring_has_used(q));
	ASSERT_EQ(0, ring_set_running(&self->bed.dev, true));
	ASSERT_EQ(0, settle(&self->a));
	EXPECT_FALSE(w->c.done);
	ASSERT_EQ(0, set_lock(&self->b, lk_flags, 1, F_UNLCK));
	EXPECT_EQ(0, fuse_finish(self->a.f, &w->c));
	expect_held_by_a(_metadata, self, lk_flags);
}

/* A stopped guest takes no lock, and gets it when it is started. */
TEST_F(park, freed_while_stopped)
{
	struct ring_queue *q = self->a.f->q;
	struct wait *w = self->waits;
	uint32_t lk_flags = variant->lk_flags;

	ASSERT_EQ(0, set_lock(&self->b, lk_flags, 1, F_WRLCK));
	ASSERT_EQ(0, start_wait(w, &self->a, lk_flags, 1, F_WRLCK));
	ASSERT_EQ(0, settle(&self->a));
	ASSERT_EQ(0, ring_set_running(&self->bed.dev, false));
	ASSERT_EQ(0, set_lock(&self->b, lk_flags, 1, F_UNLCK));
	EXPECT_EQ(0, host_lock(self, lk_flags, F_WRLCK));
	EXPECT_EQ(0, host_lock(self, lk_flags, F_UNLCK));
	EXPECT_FALSE(ring_has_used(q));
	ASSERT_EQ(0, ring_set_running(&self->bed.dev, true));
	EXPECT_EQ(0, fuse_finish(self->a.f, &w->c));
	expect_held_by_a(_metadata, self, lk_flags);
}

static intptr_t wait_on_host(FIXTURE_DATA(park) *self, bool bsd)
{
	int fd = openat(self->bed.fd, "file", O_RDWR | O_CLOEXEC);
	struct flock fl = { .l_type = F_WRLCK };
	intptr_t error;

	error = (bsd ? flock(fd, LOCK_EX) : fcntl(fd, F_OFD_SETLKW, &fl)) ?
		-errno : 0;
	close(fd);
	return error;
}

static void *host_waits(void *arg)
{
	return (void *)wait_on_host(arg, false);
}

static void *host_waits_flock(void *arg)
{
	return (void *)wait_on_host(arg, true);
}

/* Is somebody of the host waiting? /proc/locks has an arrow for each. */
static int count_waiters(void)
{
	FILE *file = fopen("/proc/locks", "r");
	char line[256];
	int nr = 0;

	while (fgets(line, sizeof(line), file))
		nr += !!strstr(line, "->");
	fclose(file);
	return nr;
}

/* Whoever has queued up behind a stopped guest gets past it. */
TEST_F(park, stopped_guest_holds_nobody_up)
{
	uint32_t lk_flags = variant->lk_flags;
	struct wait *w = self->waits;
	pthread_t thread;
	void *error;
	int before;

	ASSERT_EQ(0, set_lock(&self->b, lk_flags, 1, F_WRLCK));
	ASSERT_EQ(0, start_wait(w, &self->a, lk_flags, 1, F_WRLCK));
	ASSERT_EQ(0, settle(&self->a));
	before = count_waiters();
	ASSERT_EQ(0, pthread_create(&thread, NULL, lk_flags ? host_waits_flock :
				    host_waits, self));
	while (count_waiters() == before)
		sched_yield();
	ASSERT_EQ(0, ring_set_running(&self->bed.dev, false));
	ASSERT_EQ(0, set_lock(&self->b, lk_flags, 1, F_UNLCK));
	ASSERT_EQ(0, pthread_join(thread, &error));
	EXPECT_EQ(NULL, error);
	ASSERT_EQ(0, ring_set_running(&self->bed.dev, true));
	EXPECT_EQ(0, fuse_finish(self->a.f, &w->c));
}

/* The ring's base may be set again to what it was. */
TEST_F(park, base_set_again)
{
	struct ring_queue *q = self->a.f->q;
	struct vhost_vring_state state = { .index = q->index };
	struct wait *w = self->waits;

	ASSERT_EQ(0, set_lock(&self->b, variant->lk_flags, 1, F_WRLCK));
	ASSERT_EQ(0, start_wait(w, &self->a, variant->lk_flags, 1, F_WRLCK));
	ASSERT_EQ(0, settle(&self->a));
	ASSERT_EQ(0, ring_set_running(&self->bed.dev, false));
	state.num = ring_get_base(q);
	ASSERT_EQ(0, ring_ioctl(self->bed.dev.fd, VHOST_SET_VRING_BASE, &state));
	ASSERT_EQ(0, ring_set_running(&self->bed.dev, false));
	ASSERT_EQ(0, ring_set_running(&self->bed.dev, true));
	ASSERT_EQ(0, set_lock(&self->b, variant->lk_flags, 1, F_UNLCK));
	EXPECT_EQ(0, fuse_finish(self->a.f, &w->c));
}

/*
 * Guest memory behind @from gets another place in ours. A running device takes
 * that, and the reply has to go there.
 */
TEST_F(park, memory_moved)
{
	struct ring_dev *dev = &self->bed.dev;
	size_t from = (ring_mark(dev) + 4095) & ~4095UL;
	struct {
		struct vhost_memory head;
		struct vhost_memory_region region[2];
	} table = {
		.head.nregions = 2,
		.region[0] = {
			.guest_phys_addr = RING_GUEST_BASE, .memory_size = from,
			.userspace_addr = (uintptr_t)dev->mem,
		},
		.region[1] = {
			.guest_phys_addr = RING_GUEST_BASE + from,
			.memory_size = dev->mem_size - from,
		},
	};
	struct fuse_out_header *reply;
	struct wait *w = self->waits;
	uint32_t len;
	char *moved;

	moved = mmap(NULL, dev->mem_size - from, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)moved);
	table.region[1].userspace_addr = (uintptr_t)moved;
	ASSERT_EQ(0, set_lock(&self->b, variant->lk_flags, 1, F_WRLCK));
	/* Request and reply lie behind it; the rings do not. */
	ring_alloc(dev, 4096);
	ASSERT_EQ(0, start_wait(w, &self->a, variant->lk_flags, 1, F_WRLCK));
	ASSERT_EQ(0, settle(&self->a));
	ASSERT_EQ(0, ring_ioctl(dev->fd, VHOST_SET_MEM_TABLE, &table));
	ASSERT_EQ(0, set_lock(&self->b, variant->lk_flags, 1, F_UNLCK));
	ASSERT_LE(0, ring_wait(self->a.f->q, &len));
	EXPECT_EQ(sizeof(*reply), len);
	reply = (void *)(moved + ((char *)w->c.reply - (char *)dev->mem - from));
	EXPECT_EQ(w->c.unique, reply->unique);
	EXPECT_EQ(0, reply->error);
	EXPECT_EQ(sizeof(*reply), reply->len);
	munmap(moved, dev->mem_size - from);
}

static void reset_queue(struct ring_queue *q)
{
	unsigned int i;

	q->avail->idx = 0;
	q->used->idx = 0;
	q->last_used = 0;
	q->kicked = 0;
	for (i = 0; i < q->num; i++)
		q->free[i] = q->num - 1 - i;
	q->nr_free = q->num;
}

/* The guest was reset and has forgotten: no answer, and no lock. */
TEST_F(park, forgotten_with_the_ring)
{
	struct ring_queue *q = self->a.f->q;
	struct wait *w = self->waits;
	uint32_t lk_flags = variant->lk_flags;

	ASSERT_EQ(0, set_lock(&self->b, lk_flags, 1, F_WRLCK));
	ASSERT_EQ(0, start_wait(w, &self->a, lk_flags, 1, F_WRLCK));
	ASSERT_EQ(0, settle(&self->a));
	ASSERT_EQ(0, ring_set_running(&self->bed.dev, false));
	reset_queue(q);
	memset(self->a.f->inflight, 0, sizeof(self->a.f->inflight));
	ASSERT_EQ(0, ring_setup_queue(q));
	ASSERT_EQ(0, ring_set_running(&self->bed.dev, true));
	ASSERT_EQ(0, set_lock(&self->b, lk_flags, 1, F_UNLCK));
	ASSERT_EQ(0, fuse_init(self->a.f));
	EXPECT_FALSE(ring_has_used(q));
	EXPECT_EQ(0, host_lock(self, lk_flags, F_WRLCK));
	/* And the next one waits as the first did. */
	ASSERT_EQ(0, open_file(&self->a, "file"));
	ASSERT_EQ(0, start_wait(w, &self->a, lk_flags, 1, F_WRLCK));
	ASSERT_EQ(0, settle(&self->a));
	EXPECT_FALSE(w->c.done);
	ASSERT_EQ(0, host_lock(self, lk_flags, F_UNLCK));
	EXPECT_EQ(0, fuse_finish(self->a.f, &w->c));
}

/* A VMM that holds locks and waits for more, and says when it does. */
static void vmm(FIXTURE_DATA(park) *self, uint32_t lk_flags, int ready)
{
	static struct ring_dev dev;
	static struct fuse f;
	struct guest g = { .f = &f }, g2 = { .f = &f };
	int i;

	if (bed_open_device(&self->bed, &dev, &f, &self->config) ||
	    open_file(&g, "file") || open_file(&g2, "file2") ||
	    set_lock(&g2, lk_flags, 1, F_WRLCK))
		_exit(1);
	for (i = 0; i < 20; i++)
		if (start_wait(&self->waits[i], &g, lk_flags, i, F_WRLCK))
			_exit(1);
	if (settle(&g) || write(ready, "x", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

TEST_F(park, death_of_the_owner)
{
	struct guest a2 = self->a;
	int ready[2], status;
	pid_t pid;
	char c;

	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, host_lock(self, variant->lk_flags, F_WRLCK));
	pid = fork();
	if (!pid)
		vmm(self, variant->lk_flags, ready[1]);
	close(ready[1]);
	ASSERT_EQ(1, read(ready[0], &c, 1));
	ASSERT_EQ(0, open_file(&a2, "file2"));
	EXPECT_EQ(-EAGAIN, set_lock(&a2, variant->lk_flags, 1, F_WRLCK));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	/* What it had and what it wanted. */
	EXPECT_EQ(0, set_lock(&a2, variant->lk_flags, 1, F_WRLCK));
	ASSERT_EQ(0, host_lock(self, variant->lk_flags, F_UNLCK));
	EXPECT_EQ(0, set_lock(&self->a, variant->lk_flags, 1, F_WRLCK));
}

/* Its descriptor survives it in another process: nobody may wait for that. */
TEST_F(park, death_of_the_owner_alone)
{
	uint32_t lk_flags = variant->lk_flags;
	struct wait *w = self->waits;
	int fds[2], status;
	pid_t pid;
	char c;

	ASSERT_EQ(0, pipe(fds));
	ASSERT_EQ(0, host_lock(self, lk_flags, F_WRLCK));
	self->other_fuse.q = NULL;
	ring_close(&self->other);
	self->other.fd = open("/dev/vhost-fs", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->other.fd);
	pid = fork();
	if (!pid) {
		struct guest g = { .f = &self->other_fuse };
		struct ring_dev *dev = &self->other;

		if (ring_open_fd(dev, dev->fd, &self->config.ring) ||
		    ring_attach(dev, self->bed.share) ||
		    ring_set_running(dev, true))
			_exit(1);
		fuse_session(g.f, dev, RING_REQUEST);
		if (fuse_init(g.f) || open_file(&g, "file") ||
		    start_wait(w, &g, lk_flags, 1, F_WRLCK) || settle(&g) ||
		    write(fds[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(fds[1]);
	ASSERT_EQ(1, read(fds[0], &c, 1));
	/* Ours lines up behind the one that will die. */
	ASSERT_EQ(0, start_wait(&w[1], &self->a, lk_flags, 1, F_WRLCK));
	ASSERT_EQ(0, settle(&self->a));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, host_lock(self, lk_flags, F_UNLCK));
	EXPECT_EQ(0, fuse_finish(self->a.f, &w[1].c));
	close(self->other.fd);
	self->other.fd = -1;
}

/* Two that never get along: none is lost, whatever comes when. */
TEST_F_TIMEOUT(park, back_and_forth, 120)
{
	struct wait *w = self->waits;
	uint32_t lk_flags = variant->lk_flags;
	struct guest *g[2] = { &self->a, &self->b };
	int i;

	ASSERT_EQ(0, set_lock(g[0], lk_flags, 1, F_WRLCK));
	for (i = 0; i < test_rounds(300); i++) {
		struct guest *has = g[i % 2], *wants = g[(i + 1) % 2];

		ASSERT_EQ(0, start_wait(w, wants, lk_flags, 1, F_WRLCK));
		if (i % 3)
			ASSERT_EQ(0, settle(wants));
		ASSERT_EQ(0, set_lock(has, lk_flags, 1, F_UNLCK));
		ASSERT_EQ(0, fuse_finish(wants->f, &w->c));
	}
}

TEST_HARNESS_MAIN
