// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stopping a device in good order: what was on the rings is answered, and the guest
 * kicks for what comes next, so that a server which looks at a ring only when it is
 * kicked can go on with it. No guest can hold that up.
 */
#include "bed.h"
#include "harness.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define ROOT FUSE_ROOT_ID
#define PAGE 4096UL
#define NR 32
#define MEMORY (16UL << 20)
#define LOG_SIZE ((RING_GUEST_BASE + MEMORY) / PAGE / 8)

FIXTURE(stop) {
	struct bed bed;
	struct ring_dev *dev;
	struct fuse *f;
	struct ring_queue *q;
};

FIXTURE_VARIANT(stop) {
	uint64_t features;
};

FIXTURE_VARIANT_ADD(stop, plain) {
	.features = 0,
};

FIXTURE_VARIANT_ADD(stop, event_idx) {
	.features = RING_F_EVENT_IDX | RING_F_INDIRECT,
};

FIXTURE_SETUP(stop)
{
	struct bed_config config = {
		.ring.features = variant->features, .ring.memory = MEMORY,
	};

	ASSERT_EQ(0, bed_open(&self->bed, &config));
	self->dev = &self->bed.dev;
	self->f = &self->bed.fuse;
	self->q = self->f->q;
}

FIXTURE_TEARDOWN(stop)
{
	bed_close(&self->bed);
}

/* A GETATTR, or a FORGET of nothing, with no kick; its reply goes to @reply. */
static int add(struct fuse *f, uint32_t opcode, void *reply)
{
	size_t args = opcode == FUSE_GETATTR ? sizeof(struct fuse_getattr_in) :
					       sizeof(struct fuse_forget_in);
	struct fuse_in_header *h = ring_alloc(f->q->dev, sizeof(*h) + args);
	struct iovec out = { h, sizeof(*h) + args };
	struct iovec in = { reply, sizeof(struct fuse_out_header) +
				   sizeof(struct fuse_attr_out) };

	memset(h, 0, sizeof(*h) + args);
	fuse_header(f, h, opcode, ROOT, args);
	return ring_add(f->q, &out, 1, &in, !!reply);
}

/* Nobody looks at the ring before it is kicked. */
static bool is_watched(struct ring_queue *q)
{
	uint16_t event = __atomic_load_n((uint16_t *)&q->used->ring[q->num],
					 __ATOMIC_SEQ_CST);

	if (q->dev->features & RING_F_EVENT_IDX)
		return event == q->avail->idx;
	return !(__atomic_load_n(&q->used->flags, __ATOMIC_SEQ_CST) &
		 VRING_USED_F_NO_NOTIFY);
}

static void wait_watched(struct ring_queue *q)
{
	while (!is_watched(q))
		sched_yield();
}

static bool wants_kick(struct ring_queue *q)
{
	/* It hasn't been told of anything yet. */
	q->kicked = q->avail->idx - 1;
	return ring_kick(q);
}

/* The look at a ring that a start gives it is over, as one request shows. */
static int has_looked(struct fuse *hiprio)
{
	uint32_t len;
	int ret = add(hiprio, FUSE_FORGET, NULL);

	if (ret < 0)
		return ret;
	ring_kick_always(hiprio->q);
	ret = ring_wait(hiprio->q, &len);
	return ret < 0 ? ret : 0;
}

TEST_F(stop, serves_what_is_there)
{
	struct fuse_out_header *reply[NR];
	struct fuse hiprio;
	uint32_t len;
	int i;

	fuse_session(&hiprio, self->dev, RING_HIPRIO);
	ASSERT_EQ(0, has_looked(&hiprio));
	wait_watched(self->q);
	wait_watched(hiprio.q);
	for (i = 0; i < NR; i++) {
		reply[i] = ring_alloc(self->dev, 256);
		ASSERT_LE(0, add(self->f, FUSE_GETATTR, reply[i]));
		ASSERT_LE(0, add(&hiprio, FUSE_FORGET, NULL));
	}
	ASSERT_EQ(0, ring_set_running(self->dev, false));
	EXPECT_EQ(self->q->avail->idx, ring_get_base(self->q));
	EXPECT_EQ(self->q->avail->idx, self->q->used->idx);
	EXPECT_EQ(hiprio.q->avail->idx, ring_get_base(hiprio.q));
	EXPECT_EQ(hiprio.q->avail->idx, hiprio.q->used->idx);
	for (i = 0; i < NR; i++) {
		ASSERT_TRUE(ring_has_used(self->q));
		ASSERT_LE(0, ring_take(self->q, &len));
		EXPECT_EQ(reply[i]->len, len);
		EXPECT_EQ(0, reply[i]->error);
	}
	EXPECT_FALSE(ring_has_used(self->q));
	/* Once. */
	ASSERT_EQ(0, ring_set_running(self->dev, true));
	EXPECT_EQ(0, fuse_getattr(self->f, ROOT, NULL));
	EXPECT_FALSE(ring_has_used(self->q));
}

/* The VMM sends pages on until the device has stopped. */
TEST_F(stop, logs_what_it_serves)
{
	uint64_t features = self->dev->features | 1ULL << VHOST_F_LOG_ALL, addr, page;
	struct fuse_out_header *reply;
	uint8_t *log;

	log = mmap(NULL, LOG_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, log);
	addr = (uintptr_t)log;
	ASSERT_EQ(0, ring_ioctl(self->dev->fd, VHOST_SET_LOG_BASE, &addr));
	ASSERT_EQ(0, ring_ioctl(self->dev->fd, VHOST_SET_FEATURES, &features));
	ring_align(self->dev);
	reply = ring_alloc(self->dev, PAGE);
	/* The setting had it look at the ring. */
	ASSERT_EQ(0, fuse_getattr(self->f, ROOT, NULL));
	wait_watched(self->q);
	ASSERT_LE(0, add(self->f, FUSE_GETATTR, reply));
	ASSERT_EQ(0, ring_set_running(self->dev, false));
	ASSERT_TRUE(ring_has_used(self->q));
	page = ring_guest_addr(self->dev, reply) / PAGE;
	EXPECT_TRUE(log[page / 8] & 1 << page % 8);
}

struct stopper {
	struct ring_dev *dev;
	pid_t tid;
	int ret;
};

static void *stop_device(void *arg)
{
	struct stopper *s = arg;

	__atomic_store_n(&s->tid, syscall(SYS_gettid), __ATOMIC_SEQ_CST);
	s->ret = ring_set_running(s->dev, false);
	return NULL;
}

/* Waits until who has that file in /proc sleeps where nothing but its end interrupts it. */
static int wait_state(const char *path)
{
	char state = 0;
	FILE *f;

	while (state != 'D') {
		f = fopen(path, "re");
		if (!f)
			return -errno;
		if (fscanf(f, "%*d %*s %c", &state) != 1)
			state = 'Z';
		fclose(f);
		if (state == 'Z')
			return -ESRCH;
	}
	return 0;
}

static int wait_asleep(pid_t *tid)
{
	char path[64];

	while (!__atomic_load_n(tid, __ATOMIC_SEQ_CST))
		sched_yield();
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", *tid);
	return wait_state(path);
}

/*
 * A request that waits for the guest's memory keeps the look at its ring, on which
 * the device then isn't told of anything. Returns what holds it up, -ENOSYS if the
 * kernel can't do this.
 */
static int hold_look(struct fuse *f)
{
	struct pollfd somebody = { .events = POLLIN };
	char *reply;

	ring_align(f->q->dev);
	reply = ring_alloc(f->q->dev, PAGE);
	somebody.fd = ring_hold_pages(reply, PAGE);
	if (somebody.fd < 0)
		return somebody.fd;
	wait_watched(f->q);
	if (add(f, FUSE_GETATTR, reply) < 0)
		return -ENOSPC;
	ring_kick_always(f->q);
	return poll(&somebody, 1, RING_TIMEOUT_MS) == 1 ? somebody.fd : -ETIME;
}

TEST_F(stop, guest_kicks_for_the_next)
{
	struct stopper s = { .dev = self->dev };
	int held = hold_look(self->f);
	pthread_t thread;
	uint32_t len;

	if (held == -ENOSYS)
		SKIP(return, "the kernel has no userfaultfd");
	ASSERT_LE(0, held);
	EXPECT_FALSE(is_watched(self->q));
	ASSERT_EQ(0, pthread_create(&thread, NULL, stop_device, &s));
	EXPECT_EQ(0, wait_asleep(&s.tid));
	close(held);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, s.ret);
	ASSERT_LE(0, ring_wait(self->q, &len));
	EXPECT_TRUE(is_watched(self->q));
	ASSERT_LE(0, add(self->f, FUSE_GETATTR, ring_alloc(self->dev, 256)));
	EXPECT_TRUE(wants_kick(self->q));
}

/* What the stop waits for is there no more, once somebody can look. */
TEST_F(stop, guest_takes_back)
{
	struct stopper s = { .dev = self->dev };
	int i, held = hold_look(self->f);
	pthread_t thread;
	uint32_t len;

	if (held == -ENOSYS)
		SKIP(return, "the kernel has no userfaultfd");
	ASSERT_LE(0, held);
	for (i = 0; i < NR; i++)
		ASSERT_LE(0, add(self->f, FUSE_GETATTR, ring_alloc(self->dev, 256)));
	ASSERT_EQ(0, pthread_create(&thread, NULL, stop_device, &s));
	EXPECT_EQ(0, wait_asleep(&s.tid));
	__atomic_store_n(&self->q->avail->idx, self->q->avail->idx - NR, __ATOMIC_SEQ_CST);
	close(held);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, s.ret);
	ASSERT_LE(0, ring_wait(self->q, &len));
	EXPECT_FALSE(ring_has_used(self->q));
	EXPECT_FALSE(ring_is_broken(self->q));
	EXPECT_EQ(self->q->avail->idx, ring_get_base(self->q));
}

/* A guest that goes on while it is stopped, as none does whose processors are. */
struct guest {
	struct ring_queue *q;
	uint16_t head;		/* of a chain that is made available again and again */
	bool done;
};

static void *keep_adding(void *arg)
{
	struct guest *g = arg;
	struct ring_queue *q = g->q;

	while (!__atomic_load_n(&g->done, __ATOMIC_ACQUIRE)) {
		uint16_t used = __atomic_load_n(&q->used->idx, __ATOMIC_ACQUIRE);

		if ((uint16_t)(q->avail->idx - used) < q->num)
			ring_push_avail(q, g->head);
		else
			sched_yield();
	}
	return NULL;
}

TEST_F(stop, guest_that_adds_for_ever)
{
	struct ring_queue *q = self->q;
	struct guest g = { .q = q };
	pthread_t thread;
	int i;

	g.head = add(self->f, FUSE_GETATTR, ring_alloc(self->dev, 256));
	for (i = 0; i < test_rounds(100); i++) {
		g.done = false;
		ASSERT_EQ(0, pthread_create(&thread, NULL, keep_adding, &g));
		EXPECT_EQ(0, ring_set_running(self->dev, false));
		__atomic_store_n(&g.done, true, __ATOMIC_RELEASE);
		pthread_join(thread, NULL);
		EXPECT_EQ(q->used->idx, ring_get_base(q));
		EXPECT_FALSE(ring_is_broken(q));
		q->last_used = q->used->idx;
		q->avail->idx = q->last_used;
		ASSERT_EQ(0, ring_setup_queue(q));
		ASSERT_EQ(0, ring_set_running(self->dev, true));
	}
}

/* A device that is held up. */
FIXTURE(held) {
	struct bed bed;
	struct fuse *f;
	struct ring_queue *q;
	struct stopper stopper;
	int by;
};

FIXTURE_SETUP(held)
{
	struct bed_config config = { .ring.memory = MEMORY };

	ASSERT_EQ(0, bed_open(&self->bed, &config));
	self->f = &self->bed.fuse;
	self->q = self->f->q;
	self->stopper.dev = &self->bed.dev;
	self->by = hold_look(self->f);
	if (self->by == -ENOSYS)
		SKIP(return, "the kernel has no userfaultfd");
	ASSERT_LE(0, self->by);
}

FIXTURE_TEARDOWN(held)
{
	bed_close(&self->bed);
}

/* What nobody serves is left where it is, for whoever goes on. */
TEST_F_TIMEOUT(held, not_for_ever, 60)
{
	uint16_t first = self->q->avail->idx;
	pthread_t thread;
	uint32_t len;
	int i;

	for (i = 0; i < NR; i++)
		ASSERT_LE(0, add(self->f, FUSE_GETATTR, ring_alloc(&self->bed.dev, 256)));
	ASSERT_EQ(0, pthread_create(&thread, NULL, stop_device, &self->stopper));
	/* That it is stopped shows by this. */
	for (i = 0; !is_watched(self->q) && i < 3 * RING_TIMEOUT_MS / 10; i++)
		poll(NULL, 0, 10);
	EXPECT_TRUE(is_watched(self->q));
	close(self->by);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, self->stopper.ret);
	EXPECT_EQ(first, ring_get_base(self->q));
	EXPECT_EQ(first, self->q->used->idx);
	ASSERT_LE(0, ring_wait(self->q, &len));
	ASSERT_EQ(0, ring_set_running(&self->bed.dev, true));
	for (i = 0; i < NR; i++)
		ASSERT_LE(0, ring_wait(self->q, &len));
}

static struct vhost_fs_running stop_call = { .size = sizeof(stop_call) };
static struct vhost_fs_share_name attach_call = { .size = sizeof(attach_call) };
static struct vhost_fs_device_state_fd begin_call = { .size = sizeof(begin_call) };
static struct vhost_fs_device_state_fd cancel_call = { .size = sizeof(cancel_call), .fd = -1 };
static struct vhost_fs_device_state_result check_call = { .size = sizeof(check_call) };
static struct vhost_vring_state base_call;

static const struct {
	unsigned long request;
	void *arg;
} waiting_calls[] = {
	{ VHOST_FS_SET_RUNNING, &stop_call },
	{ VHOST_FS_ATTACH_SHARE, &attach_call },
	{ VHOST_FS_SET_DEVICE_STATE_FD, &begin_call },
	{ VHOST_FS_SET_DEVICE_STATE_FD, &cancel_call },
	{ VHOST_FS_CHECK_DEVICE_STATE, &check_call },
	{ VHOST_GET_VRING_BASE, &base_call },
	{ VHOST_RESET_OWNER, NULL },
};

/* Another process makes call number @i, which has to wait, and is killed. */
static int kill_who_calls(FIXTURE_DATA(held) *self, int i)
{
	char path[64];
	pid_t pid = fork();
	int tries = RING_TIMEOUT_MS / 10, ret;

	if (!pid) {
		close(self->by);
		ioctl(self->bed.dev.fd, waiting_calls[i].request, waiting_calls[i].arg);
		_exit(0);
	}
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	ret = wait_state(path);
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, WNOHANG) != pid && tries--)
		poll(NULL, 0, 10);
	return tries < 0 ? -ETIME : ret;
}

/* Whoever waits for a stop that itself waits can be killed, and so isn't taken for stuck. */
TEST_F_TIMEOUT(held, others_can_be_killed, 60)
{
	pthread_t thread;
	int i;

	ASSERT_EQ(0, pthread_create(&thread, NULL, stop_device, &self->stopper));
	EXPECT_EQ(0, wait_asleep(&self->stopper.tid));
	for (i = 0; i < sizeof(waiting_calls) / sizeof(waiting_calls[0]); i++)
		EXPECT_EQ(0, kill_who_calls(self, i)) {
			TH_LOG("call %d", i);
		}
	close(self->by);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, self->stopper.ret);
}

TEST_HARNESS_MAIN
