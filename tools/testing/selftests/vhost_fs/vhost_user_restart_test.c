// SPDX-License-Identifier: GPL-2.0-only
/*
 * The process that serves a vhost-user connection is killed, at any moment: between
 * requests and during them, between messages and during them. The guest gets each
 * answer once, the VMM each acknowledgement, and nobody has to begin anew.
 */
#include "front_end.h"
#include "fuse.h"
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#define ROOT FUSE_ROOT_ID
#define PAGE 4096UL
#define KILLS 50
#define DEPTH 24
#define NR_MESSAGES 5

FIXTURE(restart) {
	struct bed bed;
	struct fe_back_end be;
	struct ring_dev dev;
	struct fuse fuse;
	int fd;
	uint64_t seed;
	unsigned int made;
};

FIXTURE_SETUP(restart)
{
	struct bed_config config = { };
	struct ring_config ring = {
		.shared = true, .request_queues = 2,
		.features = RING_F_INDIRECT | RING_F_EVENT_IDX,
	};
	struct vu_service service = { };

	self->seed = 3;
	ASSERT_EQ(0, bed_open_share(&self->bed, &config));
	ASSERT_EQ(0, ring_make(&self->dev, &ring));
	fuse_session(&self->fuse, &self->dev, RING_REQUEST);
	ASSERT_EQ(0, fe_start(&self->be, &self->bed, &service));
	self->fd = fe_connect(self->be.path);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, fe_set_up(self->fd, &self->dev));
	ASSERT_EQ(0, fe_set(self->fd, VU_SET_FEATURES, self->dev.features | VU_F_PROTOCOL));
	ASSERT_EQ(0, fuse_init(&self->fuse));
}

FIXTURE_TEARDOWN(restart)
{
	EXPECT_EQ(0, fe_end(&self->be, SIGTERM));
	close(self->fd);
	ring_close(&self->dev);
	bed_close(&self->bed);
}

static unsigned int random_next(FIXTURE_DATA(restart) *self)
{
	self->seed = self->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return self->seed >> 33;
}

/* A moment that is another one each time. */
static void wait_a_little(FIXTURE_DATA(restart) *self)
{
	volatile unsigned int n = random_next(self) % 200000;

	while (n--)
		;
}

TEST_F_TIMEOUT(restart, under_load, 300)
{
	struct fe_load l[DEPTH];
	unsigned int i, round, rounds = test_rounds(KILLS);

	for (round = 0; round < rounds; round++) {
		size_t mark = ring_mark(&self->dev);

		for (i = 0; i < DEPTH; i++)
			ASSERT_EQ(0, fe_start_load(&self->fuse, &l[i], &self->made));
		wait_a_little(self);
		ASSERT_EQ(0, fe_kill_server(&self->be));
		for (i = 0; i < DEPTH; i++)
			ASSERT_EQ(0, fuse_finish(&self->fuse, &l[i].c));
		ring_release(&self->dev, mark);
	}
	ASSERT_EQ(self->made + 2, bed_count(&self->bed));
}

static int send_table(FIXTURE_DATA(restart) *self)
{
	return fe_set_memory(self->fd, &self->dev);
}

static int send_rings(FIXTURE_DATA(restart) *self)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < self->dev.nr_queues && !ret; i++) {
		struct ring_queue *q = &self->dev.queues[i];

		ret = fe_stop_ring(self->fd, i);
		ret = ret == q->last_used ? 0 : ret < 0 ? ret : -ESPIPE;
		if (!ret)
			ret = fe_set_ring(self->fd, q);
	}
	return ret;
}

static int send_call(FIXTURE_DATA(restart) *self)
{
	struct ring_queue *q = self->fuse.q;

	close(q->call);
	q->call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return fe_set_ring_fd(self->fd, VU_SET_VRING_CALL, q->index, q->call);
}

static int send_region(FIXTURE_DATA(restart) *self)
{
	struct vu_region region = {
		.guest = RING_GUEST_BASE + (1ULL << 40), .size = 16 * PAGE, .user = 0x10000,
	};
	int memory = memfd_create("more", MFD_CLOEXEC), ret;

	if (ftruncate(memory, region.size))
		return -errno;
	ret = fe_add_region(self->fd, VU_ADD_MEM_REG, &region, memory);
	close(memory);
	return ret ? ret : fe_add_region(self->fd, VU_REM_MEM_REG, &region, -1);
}

static int send_question(FIXTURE_DATA(restart) *self)
{
	uint64_t number;
	int ret = fe_get(self->fd, VU_GET_QUEUE_NUM, &number);

	return ret ? ret : number == 1 + VHOST_FS_MAX_REQUEST_QUEUES ? 0 : -EPROTO;
}

/* Kills the server again and again, until it is told to end. */
static void keep_killing(FIXTURE_DATA(restart) *self, int until)
{
	struct pollfd p = { .fd = until, .events = POLLIN };

	while (!poll(&p, 1, 0)) {
		if (fe_kill_server(&self->be))
			_exit(1);
		wait_a_little(self);
	}
	_exit(0);
}

/* Each message, with servers that die wherever they are with it. */
TEST_F_TIMEOUT(restart, during_messages, 300)
{
	int (*const messages[NR_MESSAGES])(FIXTURE_DATA(restart) *) = {
		send_table, send_rings, send_call, send_region, send_question,
	};
	unsigned int round, rounds = test_rounds(2 * KILLS);
	int end[2], status;
	pid_t killer;

	ASSERT_EQ(0, pipe2(end, O_CLOEXEC));
	killer = fork();
	if (!killer) {
		close(end[1]);
		keep_killing(self, end[0]);
	}
	close(end[0]);
	for (round = 0; round < rounds; round++) {
		ASSERT_EQ(0, messages[round % NR_MESSAGES](self)) {
			TH_LOG("round %u", round);
		}
		ASSERT_EQ(0, fe_make_one(&self->fuse, &self->made));
	}
	close(end[1]);
	ASSERT_EQ(killer, waitpid(killer, &status, 0));
	ASSERT_EQ(0, status);
}

/* What was plugged in before can be used, and taken out, afterwards. */
TEST_F(restart, memory_stays)
{
	int memory = memfd_create("more", MFD_CLOEXEC);
	struct vu_region region = {
		.guest = RING_GUEST_BASE + (1ULL << 40), .size = 16 * PAGE, .user = 0x10000,
	};
	struct ring_queue *q = self->fuse.q;
	struct fuse_in_header *hdr = ring_alloc(&self->dev, sizeof(*hdr));
	struct fuse_out_header *out;
	int head, in;
	uint32_t len;

	ASSERT_EQ(0, ftruncate(memory, region.size));
	out = mmap(NULL, region.size, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	ASSERT_NE(MAP_FAILED, out);
	ASSERT_EQ(0, fe_add_region(self->fd, VU_ADD_MEM_REG, &region, memory));
	close(memory);
	ASSERT_EQ(0, fe_kill_server(&self->be));
	head = ring_take_desc(q);
	in = ring_take_desc(q);
	fuse_header(&self->fuse, hdr, FUSE_STATFS, ROOT, 0);
	ring_set_desc(q, &q->desc[head], hdr, sizeof(*hdr), VRING_DESC_F_NEXT, in);
	q->desc[in] = (struct vring_desc){
		.addr = region.guest, .len = 256, .flags = VRING_DESC_F_WRITE,
	};
	ring_push_avail(q, head);
	ring_kick_always(q);
	ASSERT_EQ(head, ring_wait(q, &len));
	ASSERT_EQ(hdr->unique, out->unique);
	ASSERT_EQ(0, out->error);
	ASSERT_EQ(0, fe_kill_server(&self->be));
	/* What is taken out then, nobody holds. */
	ASSERT_TRUE(fe_is_alive(self->fd));
	ASSERT_EQ(0, fe_server_files(&self->be, "memfd:more"));
	ASSERT_EQ(0, fe_add_region(self->fd, VU_REM_MEM_REG, &region, -1));
	ASSERT_EQ(-EIO, fe_add_region(self->fd, VU_REM_MEM_REG, &region, -1));
	munmap(out, region.size);
}

/*
 * A reset that its server didn't end is done again by the next one, which serves
 * nothing before: not even what waits for a lease that nobody gives back.
 */
TEST_F(restart, reset_is_done_again)
{
	struct fuse_open_in in = { .flags = O_WRONLY };
	struct fuse_call call = {
		.opcode = FUSE_OPEN, .in = { { &in, sizeof(in) } }, .nr_in = 1,
		.out_size = sizeof(struct fuse_open_out),
	};
	uint64_t number = 1;
	int lease;

	signal(SIGIO, SIG_IGN);
	ASSERT_EQ(0, bed_write_file(&self->bed, "leased", "", 0, 0644));
	lease = openat(self->bed.fd, "leased", O_RDONLY | O_CLOEXEC);
	ASSERT_EQ(0, fcntl(lease, F_SETLEASE, F_RDLCK));
	call.nodeid = bed_lookup(&self->fuse, "leased");
	ASSERT_EQ(0, fuse_start(&self->fuse, &call));
	ASSERT_EQ(0, fuse_getattr(&self->fuse, ROOT, NULL));
	ASSERT_EQ(0, fe_send(self->fd, VU_RESET_DEVICE, VU_FLAG_NEED_REPLY, NULL, 0, NULL, 0));
	ASSERT_EQ(0, fe_kill_server(&self->be));
	ASSERT_EQ(8, fe_receive(self->fd, VU_RESET_DEVICE, &number, sizeof(number), NULL));
	EXPECT_EQ(0, number);
	EXPECT_FALSE(ring_has_used(self->fuse.q));
	close(lease);
	/* Rings that begin anew, with a guest that knows of nothing. */
	ring_close(&self->dev);
	ASSERT_EQ(0, ring_make(&self->dev, &(struct ring_config){ .shared = true }));
	fuse_session(&self->fuse, &self->dev, RING_REQUEST);
	ASSERT_EQ(0, fe_set(self->fd, VU_SET_FEATURES, RING_F_VERSION_1 | VU_F_PROTOCOL));
	ASSERT_EQ(0, fe_set_memory(self->fd, &self->dev));
	ASSERT_EQ(0, fe_set_ring(self->fd, &self->dev.queues[RING_HIPRIO]));
	ASSERT_EQ(0, fe_set_ring(self->fd, self->fuse.q));
	ASSERT_EQ(0, fuse_init(&self->fuse));
	ASSERT_EQ(0, fe_make_one(&self->fuse, &self->made));
	EXPECT_FALSE(ring_has_used(self->fuse.q));
}

/* A guest that is being migrated goes on being logged. */
TEST_F(restart, log_stays)
{
	size_t size = (RING_GUEST_BASE + self->dev.mem_size) / PAGE / 8 + 1;
	int file = memfd_create("log", MFD_CLOEXEC);
	struct vu_log log = { .size = size };
	uint64_t page, number;
	unsigned char *bits;
	struct fuse_attr attr;

	ASSERT_EQ(0, ftruncate(file, size));
	bits = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	ASSERT_NE(MAP_FAILED, bits);
	ASSERT_EQ(0, fe_send(self->fd, VU_SET_LOG_BASE, 0, &log, sizeof(log), &file, 1));
	ASSERT_EQ(8, fe_receive(self->fd, VU_SET_LOG_BASE, &number, sizeof(number), NULL));
	ASSERT_EQ(0, fe_set(self->fd, VU_SET_FEATURES,
			    self->dev.features | VU_F_PROTOCOL | 1ULL << VHOST_F_LOG_ALL));
	ASSERT_EQ(0, fe_set_addr(self->fd, self->fuse.q, 1 << VHOST_VRING_F_LOG));
	ASSERT_EQ(0, fe_kill_server(&self->be));
	/* Only what the next one serves is looked for. */
	ASSERT_TRUE(fe_is_alive(self->fd));
	memset(bits, 0, size);
	ASSERT_EQ(0, fuse_getattr(&self->fuse, ROOT, &attr));
	page = ring_guest_addr(&self->dev, self->fuse.q->used) / PAGE;
	ASSERT_TRUE(bits[page / 8] & 1 << page % 8);
	munmap(bits, size);
	close(file);
}

/* One line tells of each, and the one who keeps it all ends as ever. */
TEST_F(restart, is_told)
{
	ASSERT_EQ(0, fe_kill_server(&self->be));
	ASSERT_TRUE(fe_is_alive(self->fd));
	ASSERT_NE(NULL, strstr(fe_log_line(&self->be),
			       "the server was killed by signal 9; another one goes on"));
	ASSERT_FALSE(fe_has_log(&self->be));
	ASSERT_EQ(0, fe_make_one(&self->fuse, &self->made));
}

/* The VMM goes while nobody serves: so does all that it had. */
TEST_F(restart, end_of_the_connection)
{
	struct fe_load l[DEPTH];
	unsigned int i;

	for (i = 0; i < DEPTH; i++)
		ASSERT_EQ(0, fe_start_load(&self->fuse, &l[i], &self->made));
	ASSERT_EQ(0, fe_kill_server(&self->be));
	close(self->fd);
	self->fd = fe_connect(self->be.path);
	ASSERT_LE(0, self->fd);
	ASSERT_TRUE(fe_is_alive(self->fd));
}

/* Another front end, with a guest of its own. */
static int renew(FIXTURE_DATA(restart) *self)
{
	int ret;

	close(self->fd);
	ring_close(&self->dev);
	ret = ring_make(&self->dev, &(struct ring_config){ .shared = true });
	if (ret)
		return ret;
	fuse_session(&self->fuse, &self->dev, RING_REQUEST);
	self->fd = fe_connect(self->be.path);
	if (self->fd < 0)
		return self->fd;
	ret = fe_set_up(self->fd, &self->dev);
	return ret ? ret : fuse_init(&self->fuse);
}

/* Who makes it impossible to go on loses his connection, and others are served. */
TEST_F(restart, of_memory_that_was_cut_short)
{
	ASSERT_EQ(0, ftruncate(self->dev.mem_fd, 0));
	ASSERT_EQ(0, fe_kill_server(&self->be));
	ASSERT_TRUE(fe_is_closed(self->fd));
	ASSERT_EQ(0, renew(self));
	ASSERT_EQ(0, fe_make_one(&self->fuse, &self->made));
}

/* Who starts a back end may have no interest in his children. */
TEST_F(restart, with_children_ignored)
{
	struct vu_service service = { };

	ASSERT_EQ(0, fe_end(&self->be, SIGTERM));
	signal(SIGCHLD, SIG_IGN);
	ASSERT_EQ(0, fe_start(&self->be, &self->bed, &service));
	signal(SIGCHLD, SIG_DFL);
	ASSERT_EQ(0, renew(self));
	ASSERT_EQ(0, fe_kill_server(&self->be));
	ASSERT_EQ(0, fe_make_one(&self->fuse, &self->made));
}

TEST_HARNESS_MAIN
