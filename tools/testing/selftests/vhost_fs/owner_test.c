// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device whose owner dies and gets another one: the guest, which is this
 * process, notices nothing. Each request is answered once, and is done once,
 * wherever the old owner's threads were with it.
 *
 * Owners are processes that share the guest's memory and have it each at another
 * address. They set the device up, say so, and wait to be killed.
 */
#include "bed.h"
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <linux/fs.h>

#define ROOT FUSE_ROOT_ID
#define PAGE 4096UL
#define QUEUES 2
#define DEPTH 16

/**
 * struct owner - a process that has the device
 * @pid: it
 * @say: what it has to say, one int after the other
 */
struct owner {
	pid_t pid;
	int say;
};

FIXTURE(owner) {
	struct bed bed;
	struct bed_config config;
	struct ring_dev dev;
	struct fuse f;
	struct owner owner;
	void *held;		/* guest memory that owners wait for, if not NULL */
	size_t held_size;
};

FIXTURE_VARIANT(owner) {
	uint64_t features;
};

FIXTURE_VARIANT_ADD(owner, indirect) {
	.features = RING_F_INDIRECT | RING_F_EVENT_IDX,
};

FIXTURE_VARIANT_ADD(owner, direct) {
	.features = 0,
};

/* Moves the guest's memory, and says where the rings are now. */
static int move_memory(struct ring_dev *dev)
{
	size_t size = dev->mem_size;
	char *to = mmap(NULL, size + (getpid() % 64 + 1) * PAGE, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ptrdiff_t by = to - (char *)dev->mem;
	unsigned int i;

	if (to == MAP_FAILED || mremap(dev->mem, size, size,
				       MREMAP_MAYMOVE | MREMAP_FIXED, to) != to)
		return -errno;
	dev->mem = to;
	for (i = 0; i < dev->nr_queues; i++) {
		struct ring_queue *q = &dev->queues[i];

		q->desc = (void *)((char *)q->desc + by);
		q->avail = (void *)((char *)q->avail + by);
		q->used = (void *)((char *)q->used + by);
	}
	return 0;
}

static void say(int fd, int what)
{
	if (write(fd, &what, sizeof(what)) != sizeof(what))
		_exit(1);
}

/* What an owner does; it never returns. */
static void be_owner(FIXTURE_DATA(owner) *self, int fd)
{
	struct pollfd held = { .fd = -1, .events = POLLIN };
	size_t at = (char *)self->held - (char *)self->dev.mem;
	int ret;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	ret = move_memory(&self->dev);
	if (!ret && self->held) {
		held.fd = ring_hold_pages((char *)self->dev.mem + at, self->held_size);
		ret = held.fd < 0 ? held.fd : 0;
	}
	if (!ret)
		ret = ring_take_over(&self->dev, true);
	if (!ret)
		ret = ring_set_running(&self->dev, true);
	say(fd, ret);
	if (held.fd >= 0 && poll(&held, 1, -1) == 1)
		say(fd, 1);
	for (;;)
		pause();
}

/* Another owner is to be; whether it is one, hear() tells. */
static int start_owner(FIXTURE_DATA(owner) *self)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	self->owner.pid = fork();
	if (!self->owner.pid) {
		close(fds[0]);
		be_owner(self, fds[1]);
	}
	close(fds[1]);
	self->owner.say = fds[0];
	return self->owner.pid < 0 ? -errno : 0;
}

/* What the owner says next: 0 when it serves, 1 when it waits for memory. */
static int hear(FIXTURE_DATA(owner) *self)
{
	struct pollfd p = { .fd = self->owner.say, .events = POLLIN };
	int what;

	if (poll(&p, 1, RING_TIMEOUT_MS) != 1)
		return -ETIME;
	return read(p.fd, &what, sizeof(what)) == sizeof(what) ? what : -EPIPE;
}

static int new_owner(FIXTURE_DATA(owner) *self)
{
	int ret = start_owner(self);

	return ret ? ret : hear(self);
}

/* It may take its time to end, if it waits for what can't be interrupted. */
static void kill_owner(FIXTURE_DATA(owner) *self)
{
	kill(self->owner.pid, SIGKILL);
	close(self->owner.say);
}

/* Kills it and waits for its end. */
static int end_owner(FIXTURE_DATA(owner) *self)
{
	kill_owner(self);
	self->held = NULL;
	return waitpid(self->owner.pid, NULL, 0) == self->owner.pid ? 0 : -errno;
}

/* Kills it, and has another one. */
static int change_owner(FIXTURE_DATA(owner) *self)
{
	kill_owner(self);
	self->held = NULL;
	return new_owner(self);
}

static int open_device(FIXTURE_DATA(owner) *self)
{
	int fd = open("/dev/vhost-fs", O_RDWR | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = ring_make(&self->dev, &self->config.ring);
	if (ret) {
		close(fd);
		return ret;
	}
	self->dev.fd = fd;
	fuse_session(&self->f, &self->dev, RING_REQUEST);
	return ring_attach(&self->dev, self->bed.share);
}

FIXTURE_SETUP(owner)
{
	self->config = (struct bed_config){
		.ring.features = variant->features,
		.ring.request_queues = QUEUES,
		.ring.shared = true,
		.disk = true,
		.options.locks = VHOST_FS_LOCKS_REMOTE,
	};
	signal(SIGIO, SIG_IGN);
	ASSERT_EQ(0, bed_open_share(&self->bed, &self->config));
	ASSERT_EQ(0, open_device(self));
	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "data", 4, 0644));
	ASSERT_EQ(0, new_owner(self));
	ASSERT_EQ(0, fuse_init(&self->f));
}

FIXTURE_TEARDOWN(owner)
{
	kill_owner(self);
	while (wait(NULL) > 0)
		;
	ring_close(&self->dev);
	bed_close(&self->bed);
}

TEST_F(owner, session_goes_on)
{
	struct fuse_entry_out entry;
	struct fuse_open_out open;
	uint64_t node = bed_lookup(&self->f, "file");
	char data[4];
	int i;

	ASSERT_EQ(0, fuse_open(&self->f, node, O_RDWR, &open));
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, change_owner(self));
		ASSERT_EQ(4, fuse_read(&self->f, node, open.fh, 0, data, 4));
		ASSERT_EQ(0, memcmp(data, "data", 4));
		ASSERT_EQ(0, fuse_lookup(&self->f, ROOT, "file", &entry));
		ASSERT_EQ(node, entry.nodeid);
	}
	ASSERT_EQ(0, fuse_release(&self->f, node, open.fh));
}

/* What the guest asks while nobody serves waits, kicked or not. */
TEST_F(owner, asked_in_between)
{
	struct fuse_getattr_in in = { };
	struct fuse_call call = {
		.opcode = FUSE_GETATTR, .nodeid = ROOT, .in = { { &in, sizeof(in) } },
		.nr_in = 1, .out_size = sizeof(struct fuse_attr_out),
	};

	ASSERT_EQ(0, end_owner(self));
	ASSERT_EQ(0, fuse_start(&self->f, &call));
	ASSERT_EQ(0, new_owner(self));
	ASSERT_EQ(0, fuse_finish(&self->f, &call));
}

static int simple_ioctl(FIXTURE_DATA(owner) *self, unsigned long request)
{
	return ring_ioctl(self->dev.fd, request, NULL);
}

TEST_F(owner, whose_it_is)
{
	/* It lives, and is somebody else. */
	ASSERT_EQ(-EBUSY, simple_ioctl(self, VHOST_RESET_OWNER));
	ASSERT_EQ(-EBUSY, simple_ioctl(self, VHOST_SET_OWNER));
	ASSERT_EQ(0, fuse_getattr(&self->f, ROOT, NULL));
	kill_owner(self);
	ASSERT_EQ(0, simple_ioctl(self, VHOST_RESET_OWNER));
	/* Nobody's. */
	ASSERT_EQ(0, simple_ioctl(self, VHOST_RESET_OWNER));
	ASSERT_EQ(-EPERM, ring_get_base(&self->dev.queues[RING_REQUEST]));
	ASSERT_EQ(0, simple_ioctl(self, VHOST_SET_OWNER));
	ASSERT_EQ(self->dev.queues[RING_REQUEST].avail->idx,
		  ring_get_base(&self->dev.queues[RING_REQUEST]));
	/* An owner may give it back. */
	ASSERT_EQ(0, ring_take_over(&self->dev, false));
	ASSERT_EQ(0, ring_set_running(&self->dev, true));
	ASSERT_EQ(0, fuse_getattr(&self->f, ROOT, NULL));
	ASSERT_EQ(0, simple_ioctl(self, VHOST_RESET_OWNER));
	ASSERT_EQ(-EPERM, ring_set_running(&self->dev, true));
	ASSERT_EQ(0, new_owner(self));
	ASSERT_EQ(0, fuse_getattr(&self->f, ROOT, NULL));
}

/* An owner that becomes another program is none any more. */
TEST_F(owner, execve)
{
	int go[2], status, up[2];
	char byte;
	pid_t pid;

	ASSERT_EQ(0, pipe(go));
	ASSERT_EQ(0, pipe2(up, O_CLOEXEC));
	kill_owner(self);
	pid = fork();
	if (!pid) {
		if (ring_take_over(&self->dev, true) || ring_set_running(&self->dev, true))
			_exit(1);
		dup2(go[0], STDIN_FILENO);
		close(go[0]);
		close(go[1]);
		execl("/bin/cat", "cat", NULL);
		_exit(1);
	}
	close(up[1]);
	/* Its end of the pipe is closed by execve(). */
	ASSERT_EQ(0, read(up[0], &byte, 1));
	ASSERT_EQ(0, waitpid(pid, &status, WNOHANG));
	ASSERT_EQ(0, new_owner(self));
	ASSERT_EQ(0, fuse_getattr(&self->f, ROOT, NULL));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFSIGNALED(status));
	close(go[0]);
	close(go[1]);
	close(up[0]);
}

/* A chain of the test's own, with memory where it wants it. */
struct own {
	struct fuse_in_header *hdr;
	void *args;
	struct fuse_out_header *out;
	struct iovec data;
};

static int start_own(FIXTURE_DATA(owner) *self, struct own *o, uint32_t opcode,
		     uint64_t node, const void *args, size_t size, size_t room)
{
	struct ring_dev *dev = &self->dev;
	struct iovec out[3], in;

	o->hdr = ring_alloc(dev, sizeof(*o->hdr));
	o->args = ring_alloc(dev, size);
	memcpy(o->args, args, size);
	fuse_header(&self->f, o->hdr, opcode, node, size + o->data.iov_len);
	if (!o->out)
		o->out = ring_alloc(dev, sizeof(*o->out) + room);
	out[0] = (struct iovec){ o->hdr, sizeof(*o->hdr) };
	out[1] = (struct iovec){ o->args, size };
	out[2] = o->data;
	in = (struct iovec){ o->out, sizeof(*o->out) + room };
	return ring_submit(self->f.q, out, o->data.iov_len ? 3 : 2, &in, 1);
}

/* Its answer, which is the only one: another request has its own behind it. */
static int finish_own(FIXTURE_DATA(owner) *self, struct own *o, int head)
{
	uint32_t len;
	int ret = ring_wait(self->f.q, &len);

	if (ret != head)
		return ret < 0 ? ret : FUSE_BAD_REPLY;
	if (len != o->out->len || o->out->unique != o->hdr->unique)
		return FUSE_BAD_REPLY;
	ret = fuse_getattr(&self->f, ROOT, NULL);
	return ret ? ret : o->out->error;
}

/* What is handed out next has never been used, not even for a moment. */
static void use_fresh_memory(FIXTURE_DATA(owner) *self)
{
	ring_alloc(&self->dev, 1 << 20);
	ring_align(&self->dev);
}

/* Guest memory that no owner can touch before change_owner(). */
static void *hold(FIXTURE_DATA(owner) *self, size_t size)
{
	ring_align(&self->dev);
	self->held = ring_alloc(&self->dev, size);
	ring_align(&self->dev);
	self->held_size = (size + PAGE - 1) & ~(PAGE - 1);
	kill_owner(self);
	return self->held;
}

static int lease(FIXTURE_DATA(owner) *self)
{
	int fd = openat(self->bed.fd, "file", O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && fcntl(fd, F_SETLEASE, F_RDLCK)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* A thread that sleeps in the middle of a request is interrupted, and nothing done. */
TEST_F_TIMEOUT(owner, interrupted, 60)
{
	struct fuse_open_in in = { .flags = O_RDWR };
	struct fuse_open_out out = { };
	struct fuse_call call[3];
	uint64_t node = bed_lookup(&self->f, "file");
	int fd = lease(self), i;

	ASSERT_LE(0, fd);
	for (i = 0; i < 3; i++) {
		call[i] = (struct fuse_call){
			.opcode = FUSE_OPEN, .nodeid = node,
			.in = { { &in, sizeof(in) } }, .nr_in = 1,
			.out = &out, .out_size = sizeof(out),
		};
		ASSERT_EQ(0, fuse_start(&self->f, &call[i]));
	}
	/* Whoever was before it waits. */
	ASSERT_EQ(0, fuse_getattr(&self->f, ROOT, NULL));
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, change_owner(self));
		ASSERT_EQ(0, fuse_getattr(&self->f, ROOT, NULL));
		ASSERT_FALSE(call[0].done || call[1].done || call[2].done);
	}
	ASSERT_EQ(0, fcntl(fd, F_SETLEASE, F_UNLCK));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, fuse_finish(&self->f, &call[i]));
	EXPECT_EQ(0, fuse_write(&self->f, node, out.fh, 0, "DATA", 4) - 4);
	close(fd);
}

/* Nobody else could answer it. */
TEST_F_TIMEOUT(owner, interrupted_and_not_saved, 60)
{
	struct vhost_fs_device_state_fd arg = {
		.size = sizeof(arg), .direction = VHOST_FS_STATE_SAVE,
	};
	struct fuse_open_in in = { .flags = O_RDWR };
	struct fuse_call call = {
		.opcode = FUSE_OPEN, .nodeid = bed_lookup(&self->f, "file"),
		.in = { { &in, sizeof(in) } }, .nr_in = 1,
		.out_size = sizeof(struct fuse_open_out),
	};
	int fd = lease(self);

	arg.fd = memfd_create("state", MFD_CLOEXEC);
	ASSERT_EQ(0, fuse_start(&self->f, &call));
	ASSERT_EQ(0, fuse_getattr(&self->f, ROOT, NULL));
	kill_owner(self);
	ASSERT_EQ(0, ring_ioctl(self->dev.fd, VHOST_RESET_OWNER, NULL));
	ASSERT_EQ(0, ring_ioctl(self->dev.fd, VHOST_SET_OWNER, NULL));
	ASSERT_EQ(-EBUSY, ring_ioctl(self->dev.fd, VHOST_FS_SET_DEVICE_STATE_FD, &arg));
	close(fd);
	ASSERT_EQ(0, ring_ioctl(self->dev.fd, VHOST_RESET_OWNER, NULL));
	ASSERT_EQ(0, new_owner(self));
	ASSERT_EQ(0, fuse_finish(&self->f, &call));
	close(arg.fd);
}

/* Rings that begin anew know nothing of what was asked before. */
TEST_F_TIMEOUT(owner, interrupted_and_forgotten, 60)
{
	struct fuse_open_in in = { .flags = O_RDWR };
	struct fuse_call call = {
		.opcode = FUSE_OPEN, .nodeid = bed_lookup(&self->f, "file"),
		.in = { { &in, sizeof(in) } }, .nr_in = 1,
		.out_size = sizeof(struct fuse_open_out),
	};
	struct ring_config config = self->config.ring;
	int fd = lease(self), device = dup(self->dev.fd);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fuse_start(&self->f, &call));
	ASSERT_EQ(0, fuse_getattr(&self->f, ROOT, NULL));
	kill_owner(self);
	ring_close(&self->dev);
	config.first_index = 100;
	ASSERT_EQ(0, ring_make(&self->dev, &config));
	self->dev.fd = device;
	fuse_session(&self->f, &self->dev, RING_REQUEST);
	ASSERT_EQ(0, ring_take_over(&self->dev, false));
	ASSERT_EQ(0, ring_set_running(&self->dev, true));
	close(fd);
	ASSERT_EQ(0, fuse_init(&self->f));
	ASSERT_EQ(0, fuse_getattr(&self->f, ROOT, NULL));
	EXPECT_FALSE(ring_has_used(self->f.q));
}

/* What a thread can't be woken from, it finishes: the answer is the old owner's. */
TEST_F_TIMEOUT(owner, finished_meanwhile, 60)
{
	struct fuse_mkdir_in in = { .mode = 0755 };
	struct fuse_call call = {
		.opcode = FUSE_MKDIR, .nodeid = ROOT,
		.in = { { &in, sizeof(in) }, { "made", 5 } }, .nr_in = 2,
		.out_size = sizeof(struct fuse_entry_out),
	};

	ASSERT_EQ(0, ioctl(self->bed.fd, FIFREEZE, 0));
	ASSERT_EQ(0, fuse_start(&self->f, &call));
	ASSERT_EQ(0, fuse_statfs(&self->f, ROOT, &(struct fuse_kstatfs){ }));
	kill_owner(self);
	EXPECT_EQ(0, start_owner(self));
	/* The next one has to wait for it. */
	EXPECT_FALSE(ring_has_used(self->f.q));
	ASSERT_EQ(0, ioctl(self->bed.fd, FITHAW, 0));
	ASSERT_EQ(0, hear(self));
	EXPECT_EQ(0, fuse_finish(&self->f, &call));
	EXPECT_EQ(S_IFDIR | 0755, bed_mode(&self->bed, "made"));
}

/* One that waits for the old owner's end can be killed, and the third one goes on. */
TEST_F_TIMEOUT(owner, killed_while_waiting, 60)
{
	struct fuse_mkdir_in in = { .mode = 0755 };
	struct fuse_call call = {
		.opcode = FUSE_MKDIR, .nodeid = ROOT,
		.in = { { &in, sizeof(in) }, { "made", 5 } }, .nr_in = 2,
		.out_size = sizeof(struct fuse_entry_out),
	};

	ASSERT_EQ(0, ioctl(self->bed.fd, FIFREEZE, 0));
	ASSERT_EQ(0, fuse_start(&self->f, &call));
	ASSERT_EQ(0, fuse_statfs(&self->f, ROOT, &(struct fuse_kstatfs){ }));
	kill_owner(self);
	EXPECT_EQ(0, start_owner(self));
	kill_owner(self);
	EXPECT_EQ(self->owner.pid, waitpid(self->owner.pid, NULL, 0));
	EXPECT_EQ(0, start_owner(self));
	ASSERT_EQ(0, ioctl(self->bed.fd, FITHAW, 0));
	ASSERT_EQ(0, hear(self));
	EXPECT_EQ(0, fuse_finish(&self->f, &call));
}

/* All is done, but the guest's memory for the answer isn't there. */
TEST_F(owner, reply_interrupted)
{
	struct {
		struct fuse_mkdir_in in;
		char name[5];
	} args = { { .mode = 0755 }, "made" };
	struct fuse_entry_out entry;
	struct own o = { };
	int head;

	use_fresh_memory(self);
	o.out = hold(self, PAGE);
	ASSERT_EQ(0, new_owner(self));
	head = start_own(self, &o, FUSE_MKDIR, ROOT, &args,
			 offsetof(typeof(args), name) + 5, sizeof(entry));
	ASSERT_LE(0, head);
	ASSERT_EQ(1, hear(self));
	ASSERT_EQ(S_IFDIR | 0755, bed_mode(&self->bed, "made"));
	ASSERT_EQ(0, change_owner(self));
	ASSERT_EQ(0, finish_own(self, &o, head));
	memcpy(&entry, o.out + 1, sizeof(entry));
	ASSERT_EQ(0, fuse_getattr(&self->f, entry.nodeid, NULL));
	/* It counts as one lookup, no more and no less. */
	ASSERT_EQ(0, fuse_forget(&self->f, entry.nodeid, 1));
	ASSERT_EQ(-ESTALE, fuse_getattr(&self->f, entry.nodeid, NULL));
}

/* A list of names, all of which have been looked up. */
TEST_F(owner, listing_interrupted)
{
	struct fuse_read_in args = { .size = PAGE };
	struct fuse_direntplus *entry;
	struct fuse_open_out open;
	struct own o = { };
	int head;

	use_fresh_memory(self);
	o.out = hold(self, 2 * PAGE);
	ASSERT_EQ(0, new_owner(self));
	ASSERT_EQ(0, fuse_opendir(&self->f, ROOT, &open));
	args.fh = open.fh;
	head = start_own(self, &o, FUSE_READDIRPLUS, ROOT, &args, sizeof(args), PAGE);
	ASSERT_LE(0, head);
	ASSERT_EQ(1, hear(self));
	ASSERT_EQ(0, change_owner(self));
	ASSERT_EQ(0, finish_own(self, &o, head));
	entry = (void *)(o.out + 1);
	while (entry->dirent.namelen != 4 || memcmp(entry->dirent.name, "file", 4)) {
		ASSERT_LT((char *)entry, (char *)o.out + o.out->len);
		entry = (void *)((char *)entry + FUSE_DIRENTPLUS_SIZE(entry));
	}
	ASSERT_EQ(0, fuse_forget(&self->f, entry->entry_out.nodeid, 1));
	ASSERT_EQ(-ESTALE, fuse_getattr(&self->f, entry->entry_out.nodeid, NULL));
}

static void expect_file(struct __test_metadata *_metadata, FIXTURE_DATA(owner) *self,
			const void *want, size_t size)
{
	char *got = malloc(size + 1);

	ASSERT_EQ(size, bed_read_file(&self->bed, "file", got, size + 1));
	EXPECT_EQ(0, memcmp(want, got, size));
	free(got);
}

/* Some of the data has been written when the rest isn't there. */
static void cut_write(struct __test_metadata *_metadata, FIXTURE_DATA(owner) *self,
		      uint32_t flags)
{
	const size_t there = 16 * PAGE, size = 24 * PAGE;
	struct fuse_write_in args = { .size = size, .flags = flags };
	struct own o = { };
	struct fuse_write_out out;
	struct fuse_open_out open;
	uint64_t node = bed_lookup(&self->f, "file");
	char *data;
	int head;

	use_fresh_memory(self);
	data = ring_alloc(&self->dev, there);
	ASSERT_EQ((void *)(data + there), hold(self, size - there));
	o.data = (struct iovec){ data, size };
	bed_pattern(data, there, 0, 1);
	ASSERT_EQ(0, new_owner(self));
	ASSERT_EQ(0, fuse_open(&self->f, node, O_WRONLY | O_TRUNC | flags, &open));
	args.fh = open.fh;
	head = start_own(self, &o, FUSE_WRITE, node, &args, sizeof(args), sizeof(out));
	ASSERT_LE(0, head);
	ASSERT_EQ(1, hear(self));
	ASSERT_EQ(0, end_owner(self));
	bed_pattern(data + there, size - there, there, 1);
	ASSERT_EQ(0, new_owner(self));
	ASSERT_EQ(0, finish_own(self, &o, head));
	memcpy(&out, o.out + 1, sizeof(out));
	ASSERT_EQ(size, out.size);
	expect_file(_metadata, self, data, size);
}

TEST_F(owner, write_interrupted)
{
	cut_write(_metadata, self, 0);
}

TEST_F(owner, append_interrupted)
{
	cut_write(_metadata, self, O_APPEND);
}

/* Half of a list of what to forget; each counts once. */
TEST_F(owner, forget_interrupted)
{
	const unsigned int nr = 2 * PAGE / sizeof(struct fuse_forget_one);
	struct fuse_batch_forget_in args = { .count = nr };
	struct fuse_forget_one *list;
	struct fuse_entry_out entry;
	struct own o = { };
	unsigned int i;
	uint32_t len;
	int head;

	for (i = 0; i < nr + 2; i++)
		ASSERT_EQ(0, fuse_lookup(&self->f, ROOT, "file", &entry));
	use_fresh_memory(self);
	list = ring_alloc(&self->dev, PAGE);
	ASSERT_EQ((void *)list + PAGE, hold(self, PAGE));
	o.data = (struct iovec){ list, 2 * PAGE };
	for (i = 0; i < nr / 2; i++)
		list[i] = (struct fuse_forget_one){ entry.nodeid, 1 };
	ASSERT_EQ(0, new_owner(self));
	head = start_own(self, &o, FUSE_BATCH_FORGET, 0, &args, sizeof(args), 0);
	ASSERT_LE(0, head);
	ASSERT_EQ(1, hear(self));
	ASSERT_EQ(0, end_owner(self));
	for (i = nr / 2; i < nr; i++)
		list[i] = (struct fuse_forget_one){ entry.nodeid, 1 };
	ASSERT_EQ(0, new_owner(self));
	ASSERT_EQ(head, ring_wait(self->f.q, &len));
	ASSERT_EQ(0, len);
	ASSERT_EQ(0, fuse_forget(&self->f, entry.nodeid, 1));
	ASSERT_EQ(0, fuse_getattr(&self->f, entry.nodeid, NULL));
	ASSERT_EQ(0, fuse_forget(&self->f, entry.nodeid, 1));
	ASSERT_EQ(-ESTALE, fuse_getattr(&self->f, entry.nodeid, NULL));
}

static int set_lock(FIXTURE_DATA(owner) *self, uint64_t node, uint64_t fh, uint64_t who,
		    uint32_t type)
{
	struct fuse_lk_in in = {
		.fh = fh, .owner = who, .lk = { .end = LLONG_MAX, .type = type },
	};

	return fuse_lk(&self->f, FUSE_SETLK, node, &in);
}

/* Locks are the guest's, and so is the wait for one. */
TEST_F(owner, locks_and_waits_stay)
{
	struct fuse_lk_in in = { .owner = 2, .lk = { .end = LLONG_MAX, .type = F_WRLCK } };
	uint64_t node = bed_lookup(&self->f, "file");
	struct flock theirs = { .l_type = F_WRLCK };
	int fd = openat(self->bed.fd, "file", O_RDWR | O_CLOEXEC), i;
	struct fuse_open_out open;
	struct fuse_call call = {
		.opcode = FUSE_SETLKW, .nodeid = node,
		.in = { { &in, sizeof(in) } }, .nr_in = 1,
	};

	ASSERT_EQ(0, fuse_open(&self->f, node, O_RDWR, &open));
	in.fh = open.fh;
	ASSERT_EQ(0, set_lock(self, node, open.fh, 1, F_WRLCK));
	ASSERT_EQ(0, fuse_start(&self->f, &call));
	ASSERT_EQ(0, fuse_getattr(&self->f, ROOT, NULL));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, change_owner(self));
		ASSERT_EQ(0, fuse_getattr(&self->f, ROOT, NULL));
		ASSERT_FALSE(call.done);
		ASSERT_EQ(-1, fcntl(fd, F_OFD_SETLK, &theirs));
		ASSERT_EQ(EAGAIN, errno);
	}
	ASSERT_EQ(0, set_lock(self, node, open.fh, 1, F_UNLCK));
	ASSERT_EQ(0, fuse_finish(&self->f, &call));
	ASSERT_EQ(-1, fcntl(fd, F_OFD_SETLK, &theirs));
	close(fd);
}

/* The guest may sleep, and was not called for what was answered last. */
TEST_F(owner, calls_once_more)
{
	struct ring_queue *q = self->f.q;
	uint64_t count;

	ASSERT_EQ(0, fuse_getattr(&self->f, ROOT, NULL));
	ASSERT_EQ(0, end_owner(self));
	while (read(q->call, &count, sizeof(count)) == sizeof(count))
		;
	ASSERT_EQ(0, new_owner(self));
	ASSERT_EQ(1, poll(&(struct pollfd){ .fd = q->call, .events = POLLIN }, 1,
			  RING_TIMEOUT_MS));
}

/*
 * Requests that each can be done once only: a name that may not be there yet, one
 * that must be there, a record at the end of a file, a lookup that counts.
 */
struct load {
	struct fuse_call c;
	union {
		struct fuse_mkdir_in mkdir;
		struct fuse_write_in write;
	} in;
	char name[16];
	char record[64];
};

#define LOAD_KINDS 4

static int start_load(struct fuse *f, struct load *l, unsigned int n, uint64_t node,
		      uint64_t fh)
{
	*l = (struct load){ .c.nodeid = ROOT };
	switch (n % LOAD_KINDS) {
	case 0:
		l->c.opcode = FUSE_MKDIR;
		l->in.mkdir.mode = 0755;
		snprintf(l->name, sizeof(l->name), "d%u", n);
		l->c.in[0] = (struct iovec){ &l->in.mkdir, sizeof(l->in.mkdir) };
		l->c.in[1] = (struct iovec){ l->name, strlen(l->name) + 1 };
		l->c.nr_in = 2;
		l->c.out_size = sizeof(struct fuse_entry_out);
		break;
	case 1:
		/* Made by the round before. */
		l->c.opcode = FUSE_RMDIR;
		snprintf(l->name, sizeof(l->name), "d%u", n - 1 - QUEUES * DEPTH);
		l->c.in[0] = (struct iovec){ l->name, strlen(l->name) + 1 };
		l->c.nr_in = 1;
		break;
	case 2:
		l->c.opcode = FUSE_WRITE;
		l->c.nodeid = node;
		l->in.write = (struct fuse_write_in){
			.fh = fh, .size = sizeof(l->record), .flags = O_APPEND,
		};
		snprintf(l->record, sizeof(l->record), "%u", n);
		l->c.in[0] = (struct iovec){ &l->in.write, sizeof(l->in.write) };
		l->c.in[1] = (struct iovec){ l->record, sizeof(l->record) };
		l->c.nr_in = 2;
		l->c.out_size = sizeof(struct fuse_write_out);
		break;
	default:
		l->c.opcode = FUSE_LOOKUP;
		l->c.in[0] = (struct iovec){ "other", 6 };
		l->c.nr_in = 1;
		l->c.out_size = sizeof(struct fuse_entry_out);
		break;
	}
	return fuse_start(f, &l->c);
}

static uint32_t random_next(uint64_t *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return *state >> 33;
}

/* Every record once, whatever their order. */
static void expect_records(struct __test_metadata *_metadata, FIXTURE_DATA(owner) *self,
			   unsigned int rounds)
{
	const unsigned int nr = rounds * QUEUES * DEPTH;
	char *seen = calloc(1, nr), record[64];
	int fd = openat(self->bed.fd, "file", O_RDONLY | O_CLOEXEC);
	unsigned int i, n, all = 0;

	while (read(fd, record, sizeof(record)) == sizeof(record)) {
		n = atoi(record);
		ASSERT_GT(nr, n);
		EXPECT_EQ(0, seen[n]++);
		all++;
	}
	EXPECT_EQ(nr / LOAD_KINDS, all);
	for (i = 0; i < nr; i++)
		EXPECT_EQ(i % LOAD_KINDS == 2, seen[i]);
	close(fd);
	free(seen);
}

/* Owners that live for a moment, and not even a round. */
TEST_F_TIMEOUT(owner, fifty_under_load, 300)
{
	const unsigned int rounds = test_rounds(50) + 2;
	static struct load l[QUEUES][DEPTH];
	struct fuse_entry_out other;
	struct fuse_open_out open;
	struct fuse f[QUEUES];
	uint64_t node, seed = 1;
	unsigned int round, n = 0, wait;
	int i, q;

	fuse_session(&f[0], &self->dev, RING_REQUEST);
	fuse_session(&f[1], &self->dev, RING_REQUEST + 1);
	node = bed_lookup(&f[0], "file");
	ASSERT_EQ(0, fuse_open(&f[0], node, O_WRONLY | O_APPEND | O_TRUNC, &open));
	ASSERT_EQ(0, bed_write_file(&self->bed, "other", "", 0, 0644));
	ASSERT_EQ(0, fuse_lookup(&f[0], ROOT, "other", &other));
	for (round = 0; round < rounds; round++) {
		size_t mark = ring_mark(&self->dev);

		for (i = 0; i < DEPTH; i++)
			for (q = 0; q < QUEUES; q++)
				ASSERT_EQ(0, start_load(&f[q], &l[q][i], n++, node,
							open.fh));
		/* Each round has it killed elsewhere: by now, or some answers later. */
		for (wait = random_next(&seed) % DEPTH; wait; wait--)
			fuse_finish(&f[0], &l[0][wait - 1].c);
		if (round < rounds - 2) {
			kill_owner(self);
			ASSERT_EQ(0, start_owner(self));
		}
		for (i = 0; i < DEPTH; i++)
			for (q = 0; q < QUEUES; q++) {
				int want = round == 0 && l[q][i].c.opcode == FUSE_RMDIR ?
					   -ENOENT : 0;

				ASSERT_EQ(want, fuse_finish(&f[q], &l[q][i].c)) {
					TH_LOG("round %u, request %d of queue %d", round, i, q);
				}
			}
		if (round < rounds - 2)
			ASSERT_EQ(0, hear(self));
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		ring_release(&self->dev, mark);
	}
	expect_records(_metadata, self, rounds);
	/* As often as it was looked up, and the first time. */
	ASSERT_EQ(0, fuse_forget(&f[0], other.nodeid, n / LOAD_KINDS));
	ASSERT_EQ(0, fuse_getattr(&f[0], other.nodeid, NULL));
	ASSERT_EQ(0, fuse_forget(&f[0], other.nodeid, 1));
	ASSERT_EQ(-ESTALE, fuse_getattr(&f[0], other.nodeid, NULL));
}

TEST_HARNESS_MAIN
