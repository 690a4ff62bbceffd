// SPDX-License-Identifier: GPL-2.0-only
/*
 * An owner that dies while it puts an answer on a used ring whose memory isn't
 * there: the next one puts it there, and does nothing twice. What is asked for here
 * is to forget, which has no answer but that. Or while it looks for requests where
 * there is no memory, or says where there is none whether it wants to be kicked:
 * nobody is told that the ring is broken, since it isn't.
 */
#include "bed.h"
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define ROOT FUSE_ROOT_ID
#define PAGE 4096UL
#define NR 10

FIXTURE(ring) {
	struct bed bed;
	struct ring_dev dev;
	struct fuse f;
	char ring[PAGE];	/* what the ring was when it went */
	int say;		/* where the owner speaks */
	pid_t pid;		/* the owner */
};

FIXTURE_VARIANT(ring) {
	uint64_t features;
};

FIXTURE_VARIANT_ADD(ring, plain) {
	.features = RING_F_INDIRECT,
};

FIXTURE_VARIANT_ADD(ring, event_idx) {
	.features = RING_F_INDIRECT | RING_F_EVENT_IDX,
};

static void say(int fd, char what)
{
	if (write(fd, &what, 1) != 1)
		_exit(1);
}

static char hear(FIXTURE_DATA(ring) *self)
{
	struct pollfd p = { .fd = self->say, .events = POLLIN };
	char what;

	return poll(&p, 1, RING_TIMEOUT_MS) == 1 && read(p.fd, &what, 1) == 1 ? what : 0;
}

/* Serves; at a signal a ring goes, and whoever touches it waits for good. */
static void be_owner(FIXTURE_DATA(ring) *self, int fd)
{
	struct pollfd held = { .events = POLLIN };
	sigset_t set;
	void *ring;
	int sig;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (ring_take_over(&self->dev, true) || ring_set_running(&self->dev, true))
		_exit(1);
	say(fd, 'r');
	sigwait(&set, &sig);
	ring = sig == SIGUSR1 ? (void *)self->f.q->used : (void *)self->f.q->avail;
	held.fd = ring_hold_pages(ring, PAGE);
	if (held.fd < 0 || madvise(ring, PAGE, MADV_REMOVE))
		_exit(1);
	say(fd, 'h');
	if (poll(&held, 1, -1) == 1)
		say(fd, 'w');
	for (;;)
		pause();
}

static int start_owner(FIXTURE_DATA(ring) *self)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	self->say = fds[0];
	self->pid = fork();
	if (!self->pid)
		be_owner(self, fds[1]);
	close(fds[1]);
	return hear(self) == 'r' ? 0 : -EPIPE;
}

static void end_owner(FIXTURE_DATA(ring) *self)
{
	kill(self->pid, SIGKILL);
	waitpid(self->pid, NULL, 0);
	close(self->say);
}

/* Nobody touches the ring before the next kick. */
static void wait_watched(struct ring_queue *q)
{
	bool events = q->dev->features & RING_F_EVENT_IDX;
	uint16_t *at = events ? (uint16_t *)&q->used->ring[q->num] : &q->used->flags;

	while (__atomic_load_n(at, __ATOMIC_SEQ_CST) != (events ? q->avail->idx : 0))
		sched_yield();
}

FIXTURE_SETUP(ring)
{
	struct ring_config ring = {
		.features = variant->features, .shared = true,
	};
	struct bed_config config = { };

	ASSERT_EQ(0, bed_open_share(&self->bed, &config));
	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "data", 4, 0644));
	ASSERT_EQ(0, ring_make(&self->dev, &ring));
	self->dev.fd = open("/dev/vhost-fs", O_RDWR | O_CLOEXEC);
	fuse_session(&self->f, &self->dev, RING_REQUEST);
	ASSERT_EQ(0, ring_attach(&self->dev, self->bed.share));
	ASSERT_EQ(0, start_owner(self));
	ASSERT_EQ(0, fuse_init(&self->f));
}

FIXTURE_TEARDOWN(ring)
{
	end_owner(self);
	ring_close(&self->dev);
	bed_close(&self->bed);
}

/* A list with a count that is true, or larger than what there is. */
static void forget_untold(struct __test_metadata *_metadata, FIXTURE_DATA(ring) *self,
			  uint32_t count)
{
	struct {
		struct fuse_in_header hdr;
		struct fuse_batch_forget_in in;
		struct fuse_forget_one one[NR];
	} *request = ring_alloc(&self->dev, sizeof(*request));
	struct iovec out = { request, sizeof(*request) };
	struct ring_queue *q = self->f.q;
	struct fuse_entry_out entry;
	int head, i;
	uint32_t len;

	for (i = 0; i < NR + 2; i++)
		ASSERT_EQ(0, fuse_lookup(&self->f, ROOT, "file", &entry));
	memset(request, 0, sizeof(*request));
	fuse_header(&self->f, &request->hdr, FUSE_BATCH_FORGET, 0,
		    sizeof(*request) - sizeof(request->hdr));
	request->in.count = count;
	for (i = 0; i < NR; i++)
		request->one[i] = (struct fuse_forget_one){ entry.nodeid, 1 };
	wait_watched(q);
	memcpy(self->ring, q->used, PAGE);
	kill(self->pid, SIGUSR1);
	ASSERT_EQ('h', hear(self));
	head = ring_add(q, &out, 1, NULL, 0);
	ring_kick_always(q);
	ASSERT_EQ('w', hear(self));
	end_owner(self);
	memcpy(q->used, self->ring, PAGE);
	ASSERT_EQ(0, start_owner(self));
	ASSERT_EQ(head, ring_wait(q, &len));
	ASSERT_EQ(0, len);
	/* Two lookups are left. */
	ASSERT_EQ(0, fuse_forget(&self->f, entry.nodeid, 1));
	ASSERT_EQ(0, fuse_getattr(&self->f, entry.nodeid, NULL));
	ASSERT_EQ(0, fuse_forget(&self->f, entry.nodeid, 1));
	ASSERT_EQ(-ESTALE, fuse_getattr(&self->f, entry.nodeid, NULL));
	ASSERT_FALSE(ring_has_used(q));
}

TEST_F(ring, forget_untold)
{
	forget_untold(_metadata, self, NR);
}

TEST_F(ring, forget_untold_of_too_many)
{
	forget_untold(_metadata, self, 1000);
}

/* What was in @page is taken at @signal, and the owner killed when it wants that. */
static void lose_ring(struct __test_metadata *_metadata, FIXTURE_DATA(ring) *self,
		      void *page, int signal)
{
	struct ring_queue *q = self->f.q;
	struct pollfd error = { .fd = q->err, .events = POLLIN };

	wait_watched(q);
	memcpy(self->ring, page, PAGE);
	kill(self->pid, signal);
	ASSERT_EQ('h', hear(self));
	/* ring_kick() would look at the ring, and there would be one. */
	ASSERT_EQ(0, eventfd_write(q->kick, 1));
	ASSERT_EQ('w', hear(self));
	end_owner(self);
	memcpy(page, self->ring, PAGE);
	ASSERT_EQ(0, start_owner(self));
	EXPECT_EQ(0, poll(&error, 1, 0));
	EXPECT_EQ(0, fuse_getattr(&self->f, ROOT, NULL));
}

TEST_F(ring, nothing_to_read)
{
	lose_ring(_metadata, self, self->f.q->avail, SIGUSR2);
}

TEST_F(ring, nothing_to_write)
{
	lose_ring(_metadata, self, self->f.q->used, SIGUSR1);
}

TEST_HARNESS_MAIN
