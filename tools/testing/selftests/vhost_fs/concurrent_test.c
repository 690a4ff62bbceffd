// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many requests at once, on several queues; requests that block while others
 * go on; and stopping or closing the device in the middle of it.
 *
 * What blocks is an OPEN for writing of a file on which this process has a read
 * lease: it waits until the lease is given back, which the test decides.
 */
#include "bed.h"
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>

#define ROOT FUSE_ROOT_ID
#define QUEUES 4
#define DEPTH 64

/* What headers older than Linux 6.19 lack. */
#ifndef F_SETDELEG
#define F_SETDELEG 1040
#endif

FIXTURE(concurrent) {
	struct bed bed;
	struct fuse *f;			/* on the first request queue */
	struct fuse queue[QUEUES];
};

FIXTURE_VARIANT(concurrent) {
	uint64_t features;
};

FIXTURE_VARIANT_ADD(concurrent, plain) {
	.features = 0,
};

FIXTURE_VARIANT_ADD(concurrent, event_idx) {
	.features = RING_F_EVENT_IDX | RING_F_INDIRECT,
};

FIXTURE_SETUP(concurrent)
{
	struct bed_config config = {
		.ring.features = variant->features,
		.ring.request_queues = QUEUES, .ring.queue_size = 512,
		.ring.memory = 64 << 20,
	};
	int i;

	/* The kernel tells by SIGIO that somebody waits for a lease. */
	signal(SIGIO, SIG_IGN);
	ASSERT_EQ(0, bed_open(&self->bed, &config));
	self->f = &self->bed.fuse;
	for (i = 0; i < QUEUES; i++)
		fuse_session(&self->queue[i], &self->bed.dev, RING_REQUEST + i);
	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "data", 4, 0644));
}

FIXTURE_TEARDOWN(concurrent)
{
	bed_close(&self->bed);
}

/* A file with a lease on it: the descriptor that holds the lease. */
static int make_leased(struct bed *bed, const char *name)
{
	int fd;

	if (bed_write_file(bed, name, "data", 4, 0644))
		return -1;
	fd = openat(bed->fd, name, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && fcntl(fd, F_SETLEASE, F_RDLCK)) {
		close(fd);
		return -1;
	}
	return fd;
}

static void give_back(int lease)
{
	fcntl(lease, F_SETLEASE, F_UNLCK);
	close(lease);
}

TEST_F(concurrent, blocked_request_delays_nobody)
{
	int lease = make_leased(&self->bed, "leased"), i, j;
	struct fuse_started_open o;

	ASSERT_LE(0, lease);
	ASSERT_EQ(0, fuse_start_open(&self->queue[0], bed_lookup(self->f, "leased"),
				     &o));
	/* On its own queue, and on the others. */
	for (i = 0; i < 100; i++)
		for (j = 0; j < QUEUES; j++)
			ASSERT_EQ(0, fuse_getattr(&self->queue[j], ROOT, NULL));
	EXPECT_FALSE(o.c.done);
	give_back(lease);
	EXPECT_EQ(0, fuse_finish(&self->queue[0], &o.c));
	EXPECT_EQ(0, fuse_release(self->f, o.c.nodeid, o.out.fh));
}

/* A delegation of what @fd is open on, as NFS servers have them for clients. */
static int set_delegation(int fd, uint16_t type)
{
	struct {
		uint32_t flags;
		uint16_t type;
		uint16_t pad;
	} arg = { .type = type };

	return fcntl(fd, F_SETDELEG, &arg) ? -errno : 0;
}

static int start_change(struct fuse *f, int kind, uint64_t node,
			struct fuse_call *c)
{
	static const uint32_t opcodes[] = {
		FUSE_UNLINK, FUSE_RENAME, FUSE_LINK, FUSE_MKNOD,
	};
	static const struct fuse_rename_in rename = { .newdir = ROOT };
	static const struct fuse_mknod_in mknod = { .mode = S_IFREG | 0644 };
	const struct fuse_link_in link = { .oldnodeid = node };
	static struct fuse_entry_out out;

	*c = (struct fuse_call){ .opcode = opcodes[kind], .nodeid = ROOT };
	if (kind == 1)
		c->in[c->nr_in++] = (struct iovec){ (void *)&rename,
						    sizeof(rename) };
	if (kind == 2)
		c->in[c->nr_in++] = (struct iovec){ (void *)&link,
						    sizeof(link) };
	if (kind == 3)
		c->in[c->nr_in++] = (struct iovec){ (void *)&mknod,
						    sizeof(mknod) };
	if (kind < 2)
		c->in[c->nr_in++] = (struct iovec){ "delegated", 10 };
	if (kind > 0)
		c->in[c->nr_in++] = (struct iovec){ "new", 4 };
	if (kind > 1) {
		c->out = &out;
		c->out_size = sizeof(out);
	}
	return fuse_start(f, c);
}

/* What changes names waits for delegations, on any file system. */
TEST_F(concurrent, delegations_delay_nobody)
{
	struct fuse_call c;
	int kind, fd, i, j;

	for (kind = 0; kind < 4; kind++) {
		ASSERT_EQ(0, bed_write_file(&self->bed, "delegated", "", 0, 0644));
		fd = openat(self->bed.fd, kind == 3 ? "." : "delegated",
			    O_RDONLY | O_CLOEXEC);
		ASSERT_LE(0, fd);
		i = set_delegation(fd, F_RDLCK);
		if (i == -EINVAL)
			SKIP(return, "the kernel gives programs no delegations");
		ASSERT_EQ(0, i);
		ASSERT_EQ(0, start_change(&self->queue[0], kind,
					  bed_lookup(self->f, "delegated"), &c));
		for (i = 0; i < 100; i++)
			for (j = 0; j < QUEUES; j++)
				ASSERT_EQ(0, fuse_getattr(&self->queue[j], ROOT,
							  NULL));
		EXPECT_FALSE(c.done);
		ASSERT_EQ(0, set_delegation(fd, F_UNLCK));
		EXPECT_EQ(0, fuse_finish(&self->queue[0], &c));
		close(fd);
		unlinkat(self->bed.fd, "delegated", 0);
		unlinkat(self->bed.fd, "new", 0);
	}
}

#define MANY 40

TEST_F(concurrent, many_blocked_requests)
{
	struct fuse_started_open o[MANY];
	int lease[MANY], i, j;
	char name[16];

	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "leased%d", i);
		lease[i] = make_leased(&self->bed, name);
		ASSERT_LE(0, lease[i]);
		ASSERT_EQ(0, fuse_start_open(&self->queue[i % QUEUES],
					     bed_lookup(&self->queue[i % QUEUES], name),
					&o[i]));
		for (j = 0; j < QUEUES; j++)
			ASSERT_EQ(0, fuse_getattr(&self->queue[j], ROOT, NULL)) {
				TH_LOG("%d blocked", i + 1);
			}
	}
	/* In another order than they came. */
	for (i = MANY - 1; i >= 0; i--) {
		EXPECT_FALSE(o[i].c.done);
		give_back(lease[i]);
		EXPECT_EQ(0, fuse_finish(&self->queue[i % QUEUES], &o[i].c));
	}
}

/* More than there may be threads: all are served in the end. */
TEST_F_TIMEOUT(concurrent, more_blocked_requests_than_threads, 120)
{
	enum { NR = 150 };
	struct fuse_started_open *o = calloc(NR, sizeof(*o));
	int lease = make_leased(&self->bed, "leased"), i;
	uint64_t node = bed_lookup(self->f, "leased");

	ASSERT_LE(0, lease);
	for (i = 0; i < NR; i++)
		ASSERT_EQ(0, fuse_start_open(&self->queue[i % QUEUES], node, &o[i]));
	give_back(lease);
	for (i = 0; i < NR; i++)
		ASSERT_EQ(0, fuse_finish(&self->queue[i % QUEUES], &o[i].c));
	for (i = 0; i < QUEUES; i++)
		EXPECT_EQ(0, fuse_getattr(&self->queue[i], ROOT, NULL));
	free(o);
}

/* FORGETs get through on their own queue, whatever the others wait for. */
TEST_F(concurrent, hiprio_while_blocked)
{
	int lease = make_leased(&self->bed, "leased"), i;
	uint64_t node = bed_lookup(self->f, "file");
	struct fuse_started_open o[QUEUES];
	struct fuse hiprio;

	ASSERT_LE(0, lease);
	fuse_session(&hiprio, &self->bed.dev, RING_HIPRIO);
	for (i = 0; i < QUEUES; i++)
		ASSERT_EQ(0, fuse_start_open(&self->queue[i],
					     bed_lookup(&self->queue[i], "leased"),
					&o[i]));
	ASSERT_EQ(0, fuse_forget(&hiprio, node, 1));
	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, node, NULL));
	give_back(lease);
	for (i = 0; i < QUEUES; i++)
		EXPECT_EQ(0, fuse_finish(&self->queue[i], &o[i].c));
}

/*
 * Threads that wait for the guest's own memory, which nobody can know before,
 * on all queues but one. That one goes on, however few processors there are.
 */
TEST_F(concurrent, missing_memory_delays_nobody_else)
{
	enum { PAGE = 4096, STUCK = QUEUES - 1 };
	struct ring_dev *dev = &self->bed.dev;
	struct fuse *last = &self->queue[STUCK];
	struct iovec out, in;
	char *page, *request;
	uint32_t len;
	int held, i;

	ring_align(dev);
	page = ring_alloc(dev, PAGE);
	request = ring_alloc(dev, STUCK * 128);
	held = ring_hold_pages(page, PAGE);
	if (held == -ENOSYS)
		SKIP(return, "the kernel has no userfaultfd");
	ASSERT_LE(0, held);
	for (i = 0; i < STUCK; i++) {
		out.iov_base = request + i * 128;
		out.iov_len = sizeof(struct fuse_in_header) + sizeof(struct fuse_getattr_in);
		in = (struct iovec){ page + i * 256, 256 };
		memset(out.iov_base, 0, 128);
		fuse_header(&self->queue[i], out.iov_base, FUSE_GETATTR, ROOT,
			    sizeof(struct fuse_getattr_in));
		ASSERT_LE(0, ring_submit(self->queue[i].q, &out, 1, &in, 1));
	}
	for (i = 0; i < 10; i++)
		ASSERT_EQ(0, fuse_getattr(last, ROOT, NULL));
	for (i = 0; i < STUCK; i++)
		EXPECT_FALSE(ring_has_used(self->queue[i].q));
	close(held);
	for (i = 0; i < STUCK; i++)
		EXPECT_LE(0, ring_wait(self->queue[i].q, &len));
}

/* A WRITE in flight, with its buffers. */
struct pending_write {
	struct fuse_call c;
	struct fuse_write_in in;
	struct fuse_write_out out;
};

/* Waits to be called for the next answer; the first call may be an earlier one's. */
static bool is_called(struct ring_queue *q)
{
	struct pollfd call = { .fd = q->call, .events = POLLIN };
	eventfd_t calls;

	do {
		if (poll(&call, 1, RING_TIMEOUT_MS) != 1)
			return false;
		eventfd_read(q->call, &calls);
	} while (!ring_has_used(q));
	return true;
}

static int start_write_of_4(struct fuse *f, struct pending_write *w, uint64_t node,
			    uint64_t fh)
{
	w->in = (struct fuse_write_in){ .fh = fh, .size = 4 };
	w->c = (struct fuse_call){
		.opcode = FUSE_WRITE, .nodeid = node,
		.in = { { &w->in, sizeof(w->in) }, { "data", 4 } }, .nr_in = 2,
		.out = &w->out, .out_size = sizeof(w->out),
	};
	return fuse_start(f, &w->c);
}

/*
 * A file that somebody writes to who waits for memory: who wants to write to it too
 * waits for him, and the ring of that one goes on. The guest is called for what was
 * answered before, though all that it asks for then has to wait.
 */
TEST_F(concurrent, locked_file_delays_nobody)
{
	enum { PAGE = 4096, NR = 12 };
	struct ring_dev *dev = &self->bed.dev;
	struct fuse *writer = &self->queue[0], *other = &self->queue[1];
	struct pending_write w[NR];
	struct {
		struct fuse_in_header hdr;
		struct fuse_write_in in;
		struct fuse_out_header reply;
		struct fuse_write_out out;
	} *first;
	struct fuse_entry_out entry;
	struct fuse_open_out opened;
	struct iovec out[2], in;
	struct pollfd waits;
	uint32_t len;
	char *page;
	int head, i;

	ASSERT_EQ(0, fuse_create(self->f, ROOT, "file", O_RDWR | O_CREAT, S_IFREG | 0644, 0,
				 &entry, &opened));
	ring_align(dev);
	page = ring_alloc(dev, PAGE);
	first = ring_alloc(dev, sizeof(*first));
	waits = (struct pollfd){ .fd = ring_hold_pages(page, PAGE), .events = POLLIN };
	if (waits.fd == -ENOSYS)
		SKIP(return, "the kernel has no userfaultfd");
	ASSERT_LE(0, waits.fd);

	fuse_header(other, &first->hdr, FUSE_WRITE, entry.nodeid, sizeof(first->in) + PAGE);
	first->in = (struct fuse_write_in){ .fh = opened.fh, .size = PAGE };
	out[0] = (struct iovec){ first, sizeof(first->hdr) + sizeof(first->in) };
	out[1] = (struct iovec){ page, PAGE };
	in = (struct iovec){ &first->reply, sizeof(first->reply) + sizeof(first->out) };
	ASSERT_LE(0, ring_submit(other->q, out, 2, &in, 1));
	ASSERT_EQ(1, poll(&waits, 1, RING_TIMEOUT_MS));

	ASSERT_FALSE(ring_arm(writer->q));
	head = fuse_add_getattr(writer, ROOT);
	ASSERT_LE(0, head);
	for (i = 0; i < NR; i++)
		ASSERT_EQ(0, start_write_of_4(writer, &w[i], entry.nodeid, opened.fh));
	ASSERT_TRUE(is_called(writer->q));
	EXPECT_EQ(head, ring_take(writer->q, &len));
	for (i = 0; i < 10; i++)
		ASSERT_EQ(0, fuse_getattr(writer, ROOT, NULL));
	for (i = 0; i < NR; i++)
		EXPECT_FALSE(w[i].c.done);
	EXPECT_FALSE(ring_has_used(other->q));
	close(waits.fd);
	for (i = 0; i < NR; i++) {
		EXPECT_EQ(0, fuse_finish(writer, &w[i].c));
		EXPECT_EQ(4, w[i].out.size);
	}
	EXPECT_LE(0, ring_wait(other->q, &len));
	EXPECT_EQ(0, first->reply.error);
}

/* INTERRUPT has no reply, and harms neither its target nor anybody else. */
TEST_F(concurrent, interrupt)
{
	int lease = make_leased(&self->bed, "leased"), ret;
	struct fuse_interrupt_in in;
	struct fuse_call c = {
		.opcode = FUSE_INTERRUPT,
		.in = { { &in, sizeof(in) } }, .nr_in = 1,
	};
	struct fuse_started_open o;
	struct fuse hiprio;

	ASSERT_LE(0, lease);
	fuse_session(&hiprio, &self->bed.dev, RING_HIPRIO);
	ASSERT_EQ(0, fuse_start_open(self->f, bed_lookup(self->f, "leased"), &o));
	in.unique = o.c.unique;
	EXPECT_EQ(FUSE_NO_REPLY, fuse_call(&hiprio, &c));
	in.unique = 123456789;
	EXPECT_EQ(FUSE_NO_REPLY, fuse_call(&hiprio, &c));
	EXPECT_EQ(0, fuse_getattr(self->f, ROOT, NULL));
	give_back(lease);
	ret = fuse_finish(self->f, &o.c);
	EXPECT_TRUE(ret == 0 || ret == -EINTR);
}

/* What a thread is to do to the device, and what came of it. */
struct helper {
	struct ring_dev *dev;
	int ret;
};

static void *stop_device(void *arg)
{
	struct helper *h = arg;

	h->ret = ring_set_running(h->dev, false);
	return NULL;
}

static void *close_device(void *arg)
{
	struct helper *h = arg;

	h->ret = close(h->dev->fd);
	h->dev->fd = -1;
	return NULL;
}

/* Stopping waits for the blocked request, whose answer is in the ring then. */
TEST_F(concurrent, stop_drains)
{
	int lease = make_leased(&self->bed, "leased");
	struct helper h = { .dev = &self->bed.dev };
	struct fuse_started_open o;
	pthread_t thread;
	int ret;

	ASSERT_LE(0, lease);
	ASSERT_EQ(0, fuse_start_open(self->f, bed_lookup(self->f, "leased"), &o));
	ASSERT_EQ(0, fuse_getattr(self->f, ROOT, NULL));
	ASSERT_EQ(0, pthread_create(&thread, NULL, stop_device, &h));
	give_back(lease);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, h.ret);
	ASSERT_TRUE(o.c.done || ring_has_used(self->f->q));
	ret = fuse_finish(self->f, &o.c);
	EXPECT_TRUE(ret == 0 || ret == -EINTR);
	EXPECT_EQ(self->f->q->avail->idx, ring_get_base(self->f->q));
	ASSERT_EQ(0, ring_set_running(&self->bed.dev, true));
	EXPECT_EQ(0, fuse_getattr(self->f, ROOT, NULL));
}

TEST_F(concurrent, close_drains)
{
	int lease = make_leased(&self->bed, "leased");
	struct helper h = { .dev = &self->bed.dev };
	struct bed_config config = { 0 };
	struct fuse_started_open o;
	struct ring_dev dev;
	pthread_t thread;
	struct fuse f;

	ASSERT_LE(0, lease);
	ASSERT_EQ(0, fuse_start_open(self->f, bed_lookup(self->f, "leased"), &o));
	ASSERT_EQ(0, fuse_getattr(self->f, ROOT, NULL));
	ASSERT_EQ(0, pthread_create(&thread, NULL, close_device, &h));
	give_back(lease);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, h.ret);
	ASSERT_EQ(0, bed_open_device(&self->bed, &dev, &f, &config));
	EXPECT_EQ(0, fuse_getattr(&f, ROOT, NULL));
	ring_close(&dev);
}

/* The stop comes while requests stream in; none is lost or done twice. */
TEST_F_TIMEOUT(concurrent, stop_under_load, 120)
{
	struct fuse_call c[DEPTH];
	int i, round;

	for (round = 0; round < test_rounds(100); round++) {
		size_t mark = ring_mark(&self->bed.dev);

		for (i = 0; i < DEPTH; i++) {
			c[i] = (struct fuse_call){
				.opcode = FUSE_STATFS, .nodeid = ROOT,
				.out_size = sizeof(struct fuse_statfs_out),
			};
			ASSERT_EQ(0, fuse_start(&self->queue[i % QUEUES], &c[i]));
		}
		ASSERT_EQ(0, ring_set_running(&self->bed.dev, false));
		ASSERT_EQ(0, ring_set_running(&self->bed.dev, true));
		for (i = 0; i < DEPTH; i++)
			ASSERT_EQ(0, fuse_finish(&self->queue[i % QUEUES], &c[i]));
		for (i = 0; i < QUEUES; i++)
			ASSERT_FALSE(ring_has_used(self->queue[i].q));
		ring_release(&self->bed.dev, mark);
	}
}

TEST_F_TIMEOUT(concurrent, close_under_load, 120)
{
	struct bed_config config = {
		.ring.features = variant->features, .ring.request_queues = 2,
		.ring.queue_size = 512,
	};
	struct fuse_call c[DEPTH];
	struct ring_dev dev;
	struct fuse f;
	int i, round;

	for (round = 0; round < test_rounds(30); round++) {
		ASSERT_EQ(0, bed_open_device(&self->bed, &dev, &f, &config));
		for (i = 0; i < DEPTH; i++) {
			c[i] = (struct fuse_call){
				.opcode = FUSE_STATFS, .nodeid = ROOT,
				.out_size = sizeof(struct fuse_statfs_out),
			};
			ASSERT_EQ(0, fuse_start(&f, &c[i]));
		}
		ring_close(&dev);
	}
	EXPECT_EQ(0, fuse_getattr(self->f, ROOT, NULL));
}

#define CHUNK 8192

/* A READ or WRITE of one chunk, in flight. */
struct io {
	struct fuse_call c;
	union {
		struct fuse_read_in read;
		struct fuse_write_in write;
	} in;
	struct fuse_write_out out;
	char data[CHUNK];
};

static int start_write(struct fuse *f, struct io *io, uint64_t node,
		       uint64_t fh, uint64_t offset, unsigned int seed)
{
	bed_pattern(io->data, CHUNK, offset, seed);
	io->in.write = (struct fuse_write_in){
		.fh = fh, .offset = offset, .size = CHUNK,
	};
	io->c = (struct fuse_call){
		.opcode = FUSE_WRITE, .nodeid = node,
		.in = { { &io->in.write, sizeof(io->in.write) },
			{ io->data, CHUNK } }, .nr_in = 2,
		.out = &io->out, .out_size = sizeof(io->out),
	};
	return fuse_start(f, &io->c);
}

static int start_read(struct fuse *f, struct io *io, uint64_t node, uint64_t fh,
		      uint64_t offset)
{
	memset(io->data, 0xee, CHUNK);
	io->in.read = (struct fuse_read_in){
		.fh = fh, .offset = offset, .size = CHUNK,
	};
	io->c = (struct fuse_call){
		.opcode = FUSE_READ, .nodeid = node,
		.in = { { &io->in.read, sizeof(io->in.read) } }, .nr_in = 1,
		.out = io->data, .out_size = CHUNK,
	};
	return fuse_start(f, &io->c);
}

/* Each request its own chunk, all in flight at once, on all queues. */
TEST_F_TIMEOUT(concurrent, data_is_right_at_depth_64, 300)
{
	enum { NR = QUEUES * DEPTH };
	struct io *io = calloc(NR, sizeof(*io));
	char want[CHUNK];
	struct fuse_entry_out entry;
	struct fuse_open_out open;
	int i, round;

	ASSERT_EQ(0, fuse_create(self->f, ROOT, "data", O_RDWR | O_CREAT,
				 S_IFREG | 0600, 0, &entry, &open));
	for (round = 0; round < test_rounds(10); round++) {
		size_t mark = ring_mark(&self->bed.dev);

		for (i = 0; i < NR; i++)
			ASSERT_EQ(0, start_write(&self->queue[i % QUEUES], &io[i],
						 entry.nodeid, open.fh,
						 (uint64_t)i * CHUNK, round));
		for (i = 0; i < NR; i++) {
			ASSERT_EQ(0, fuse_finish(&self->queue[i % QUEUES],
						 &io[i].c));
			ASSERT_EQ(CHUNK, io[i].out.size);
		}
		for (i = 0; i < NR; i++)
			ASSERT_EQ(0, start_read(&self->queue[i % QUEUES], &io[i],
						entry.nodeid, open.fh,
						(uint64_t)i * CHUNK));
		for (i = 0; i < NR; i++) {
			ASSERT_EQ(0, fuse_finish(&self->queue[i % QUEUES],
						 &io[i].c));
			ASSERT_EQ(CHUNK, io[i].c.out_len);
			bed_pattern(want, CHUNK, (uint64_t)i * CHUNK, round);
			ASSERT_EQ(0, memcmp(want, io[i].data, CHUNK));
		}
		ring_release(&self->bed.dev, mark);
	}
	free(io);
}

/* The same name looked up on all queues at once: one node, each one counted. */
TEST_F_TIMEOUT(concurrent, lookups_are_counted, 120)
{
	enum { NR = QUEUES * DEPTH };
	struct fuse_call *c = calloc(NR, sizeof(*c));
	struct fuse_entry_out *entry = calloc(NR, sizeof(*entry));
	int i, round;

	for (round = 0; round < test_rounds(20); round++) {
		size_t mark = ring_mark(&self->bed.dev);

		for (i = 0; i < NR; i++) {
			c[i] = (struct fuse_call){
				.opcode = FUSE_LOOKUP, .nodeid = ROOT,
				.in = { { "file", 5 } }, .nr_in = 1,
				.out = &entry[i], .out_size = sizeof(entry[i]),
			};
			ASSERT_EQ(0, fuse_start(&self->queue[i % QUEUES], &c[i]));
		}
		for (i = 0; i < NR; i++) {
			ASSERT_EQ(0, fuse_finish(&self->queue[i % QUEUES], &c[i]));
			ASSERT_EQ(entry[0].nodeid, entry[i].nodeid);
		}
		ASSERT_EQ(0, fuse_forget(self->f, entry[0].nodeid, NR - 1));
		EXPECT_EQ(0, fuse_getattr(self->f, entry[0].nodeid, NULL));
		ASSERT_EQ(0, fuse_forget(self->f, entry[0].nodeid, 1));
		EXPECT_EQ(-ESTALE, fuse_getattr(self->f, entry[0].nodeid, NULL));
		ring_release(&self->bed.dev, mark);
	}
	free(entry);
	free(c);
}

/* Lookups and forgets of one name against each other. */
TEST_F_TIMEOUT(concurrent, lookup_against_forget, 120)
{
	struct fuse_forget_in in = { .nlookup = 1 };
	struct fuse_call look[DEPTH], forget[DEPTH];
	struct fuse_entry_out entry[DEPTH];
	uint64_t node = bed_lookup(self->f, "file");
	int i, round;

	for (round = 0; round < test_rounds(50); round++) {
		size_t mark = ring_mark(&self->bed.dev);

		for (i = 0; i < DEPTH; i++) {
			look[i] = (struct fuse_call){
				.opcode = FUSE_LOOKUP, .nodeid = ROOT,
				.in = { { "file", 5 } }, .nr_in = 1,
				.out = &entry[i], .out_size = sizeof(entry[i]),
			};
			forget[i] = (struct fuse_call){
				.opcode = FUSE_FORGET, .nodeid = node,
				.in = { { &in, sizeof(in) } }, .nr_in = 1,
			};
			ASSERT_EQ(0, fuse_start(&self->queue[0], &look[i]));
			ASSERT_EQ(0, fuse_start(&self->queue[1], &forget[i]));
		}
		for (i = 0; i < DEPTH; i++) {
			ASSERT_EQ(0, fuse_finish(&self->queue[0], &look[i]));
			ASSERT_EQ(FUSE_NO_REPLY, fuse_finish(&self->queue[1],
							     &forget[i]));
		}
		node = bed_lookup(self->f, "file");
		EXPECT_EQ(0, fuse_getattr(self->f, node, NULL));
		ring_release(&self->bed.dev, mark);
	}
}

/* RELEASE while the handle is in use: each READ gets data or EBADF. */
TEST_F_TIMEOUT(concurrent, release_against_read, 120)
{
	uint64_t node = bed_lookup(self->f, "file");
	struct io *io = calloc(DEPTH, sizeof(*io));
	struct fuse_open_out open;
	int i, round, ret;

	for (round = 0; round < test_rounds(50); round++) {
		size_t mark = ring_mark(&self->bed.dev);

		ASSERT_EQ(0, fuse_open(self->f, node, O_RDONLY, &open));
		for (i = 0; i < DEPTH; i++)
			ASSERT_EQ(0, start_read(&self->queue[1], &io[i], node,
						open.fh, 0));
		ASSERT_EQ(0, fuse_release(self->f, node, open.fh));
		for (i = 0; i < DEPTH; i++) {
			ret = fuse_finish(&self->queue[1], &io[i].c);
			EXPECT_TRUE(ret == -EBADF ||
				    (ret == 0 && io[i].c.out_len == 4));
		}
		ring_release(&self->bed.dev, mark);
	}
	free(io);
}

/* A new session begins while the old one's requests are under way. */
TEST_F_TIMEOUT(concurrent, init_under_load, 120)
{
	struct fuse_getattr_in in = { 0 };
	struct fuse_call c[DEPTH];
	uint64_t node;
	int i, round, ret;

	for (round = 0; round < test_rounds(50); round++) {
		size_t mark = ring_mark(&self->bed.dev);

		node = bed_lookup(self->f, "file");
		for (i = 0; i < DEPTH; i++) {
			c[i] = (struct fuse_call){
				.opcode = FUSE_GETATTR,
				.nodeid = i % 2 ? node : ROOT,
				.in = { { &in, sizeof(in) } }, .nr_in = 1,
				.out_size = sizeof(struct fuse_attr_out),
			};
			ASSERT_EQ(0, fuse_start(&self->queue[1 + i % 3], &c[i]));
		}
		if (round % 2)
			ASSERT_EQ(0, fuse_destroy(self->f));
		ASSERT_EQ(0, fuse_init(self->f));
		for (i = 0; i < DEPTH; i++) {
			ret = fuse_finish(&self->queue[1 + i % 3], &c[i]);
			EXPECT_TRUE(ret == 0 || ret == -EIO || ret == -ESTALE);
		}
		ring_release(&self->bed.dev, mark);
	}
	EXPECT_EQ(0, fuse_getattr(self->f, ROOT, NULL));
}

/* Files come and go in one directory, from all queues. */
TEST_F_TIMEOUT(concurrent, create_and_unlink, 120)
{
	struct fuse_create_in in = {
		.flags = O_RDWR | O_CREAT, .mode = S_IFREG | 0600,
	};
	struct {
		struct fuse_entry_out entry;
		struct fuse_open_out open;
	} out[DEPTH];
	struct fuse_call c[DEPTH];
	char name[DEPTH][16];
	struct stat st;
	int i, round;

	for (round = 0; round < test_rounds(20); round++) {
		size_t mark = ring_mark(&self->bed.dev);

		for (i = 0; i < DEPTH; i++) {
			snprintf(name[i], sizeof(name[i]), "f%d-%d", round, i);
			c[i] = (struct fuse_call){
				.opcode = FUSE_CREATE, .nodeid = ROOT,
				.in = { { &in, sizeof(in) },
					{ name[i], strlen(name[i]) + 1 } },
				.nr_in = 2,
				.out = &out[i], .out_size = sizeof(out[i]),
			};
			ASSERT_EQ(0, fuse_start(&self->queue[i % QUEUES], &c[i]));
		}
		for (i = 0; i < DEPTH; i++)
			ASSERT_EQ(0, fuse_finish(&self->queue[i % QUEUES], &c[i]));
		for (i = 0; i < DEPTH; i++) {
			c[i] = (struct fuse_call){
				.opcode = FUSE_UNLINK, .nodeid = ROOT,
				.in = { { name[i], strlen(name[i]) + 1 } },
				.nr_in = 1,
			};
			ASSERT_EQ(0, fuse_start(&self->queue[i % QUEUES], &c[i]));
		}
		for (i = 0; i < DEPTH; i++)
			ASSERT_EQ(0, fuse_finish(&self->queue[i % QUEUES], &c[i]));
		for (i = 0; i < DEPTH; i++) {
			ASSERT_EQ(0, fuse_release(self->f, out[i].entry.nodeid,
						  out[i].open.fh));
			ASSERT_EQ(-ENOENT, bed_stat(&self->bed, name[i], &st));
		}
		ring_release(&self->bed.dev, mark);
	}
}

TEST_HARNESS_MAIN
