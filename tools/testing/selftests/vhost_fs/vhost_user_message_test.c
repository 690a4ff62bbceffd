// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each message of vhost-user to a back end: as it should be, twice, cut short,
 * too long, with descriptors missing or too many, with flags that mean nothing,
 * before what it needs; and with contents that are wrong. What is wrong ends the
 * connection with one line, and the next connection is served.
 */
#include "front_end.h"
#include "harness.h"

#include <errno.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096UL
#define USER 0x7000000000ULL
#define GUEST 0x100000ULL
#define SIZE (64 * PAGE)

/**
 * struct message - a message as it should be, after setting up
 * @request: enum vu_request
 * @size: bytes of payload
 * @nr_fds: descriptors with it
 * @answers: payload of its answer, if it has one by itself
 * @once: may not come a second time
 * @needs: protocol features that it needs
 * @other_size: another length that is right, or 0
 * @other_fds: another number of descriptors that is right
 * @payload: what it says
 */
struct message {
	uint32_t request;
	uint32_t size;
	unsigned int nr_fds;
	unsigned int answers;
	bool once;
	uint64_t needs;
	uint32_t other_size;
	unsigned int other_fds;
	union vu_payload payload;
};

#define STATE(ring, value) .size = 8, .payload.state = { ring, value }
#define NUMBER(value) .size = 8, .payload.u64 = value

/* In an order in which they could come. */
static const struct message messages[] = {
	{ VU_GET_FEATURES, .answers = 8 },
	{ VU_GET_PROTOCOL_FEATURES, .answers = 8 },
	{ VU_SET_PROTOCOL_FEATURES,
	  NUMBER(VU_PROTOCOL_MQ | VU_PROTOCOL_REPLY_ACK | VU_PROTOCOL_LOG_SHMFD |
		 VU_PROTOCOL_MEM_SLOTS | VU_PROTOCOL_RESET_DEVICE |
		 VU_PROTOCOL_BACKEND_REQ | VU_PROTOCOL_CONFIG |
		 VU_PROTOCOL_DEVICE_STATE) },
	{ VU_GET_QUEUE_NUM, .answers = 8, .needs = VU_PROTOCOL_MQ },
	{ VU_GET_MAX_MEM_SLOTS, .answers = 8, .needs = VU_PROTOCOL_MEM_SLOTS },
	{ VU_SET_OWNER, .size = 0, .once = true },
	{ VU_SET_FEATURES, NUMBER(RING_F_VERSION_1 | VU_F_PROTOCOL) },
	{ VU_SET_BACKEND_REQ_FD, .nr_fds = 1, .needs = VU_PROTOCOL_BACKEND_REQ },
	{ VU_SET_MEM_TABLE, .size = 40, .nr_fds = 1,
	  .payload.table = { .nr = 1, .regions = { { GUEST, SIZE, USER, 0 } } } },
	{ VU_ADD_MEM_REG, .size = 40, .nr_fds = 1, .once = true, .needs = VU_PROTOCOL_MEM_SLOTS,
	  .payload.slot.region = { GUEST + SIZE, SIZE, USER + SIZE, 0 } },
	{ VU_SET_LOG_BASE, .size = 16, .nr_fds = 1, .answers = 8, .needs = VU_PROTOCOL_LOG_SHMFD,
	  .payload.log = { .size = PAGE } },
	{ VU_SET_LOG_FD, .nr_fds = 1, .other_size = 8 },
	{ VU_SET_VRING_NUM, STATE(0, 64) },
	{ VU_SET_VRING_BASE, STATE(0, 1000) },
	{ VU_SET_VRING_ADDR, .size = 40,
	  .payload.addr = { .desc_user_addr = USER, .avail_user_addr = USER + PAGE,
			    .used_user_addr = USER + 2 * PAGE } },
	{ VU_SET_VRING_CALL, NUMBER(0), .nr_fds = 1 },
	{ VU_SET_VRING_ERR, NUMBER(0), .nr_fds = 1 },
	{ VU_SET_VRING_KICK, NUMBER(0), .nr_fds = 1 },
	{ VU_SET_VRING_ENABLE, STATE(0, 1) },
	{ VU_GET_VRING_BASE, STATE(0, 0), .answers = 8 },
	{ VU_REM_MEM_REG, .size = 40, .once = true, .other_fds = 1,
	  .needs = VU_PROTOCOL_MEM_SLOTS,
	  .payload.slot.region = { GUEST + SIZE, SIZE, USER + SIZE, 0 } },
	{ VU_GET_CONFIG, .size = 12 + 36, .answers = 12 + 36, .needs = VU_PROTOCOL_CONFIG,
	  .payload.config.size = 36 },
	{ VU_SET_DEVICE_STATE_FD, .size = 8, .nr_fds = 1, .answers = 8,
	  .needs = VU_PROTOCOL_DEVICE_STATE },
	{ VU_CHECK_DEVICE_STATE, .answers = 8, .needs = VU_PROTOCOL_DEVICE_STATE },
	{ VU_RESET_OWNER, .size = 0 },
	{ VU_RESET_DEVICE, .needs = VU_PROTOCOL_RESET_DEVICE },
};

#define NR ((int)(sizeof(messages) / sizeof(messages[0])))

FIXTURE(vu_message) {
	struct bed bed;
	struct fe_back_end be;
	int file;
	int events;
	int fd;
};

FIXTURE_SETUP(vu_message)
{
	struct bed_config config = { };
	struct vu_service service = { .tag = "tag" };

	ASSERT_EQ(0, bed_open_share(&self->bed, &config));
	self->file = memfd_create("memory", MFD_CLOEXEC);
	ASSERT_EQ(0, ftruncate(self->file, SIZE));
	self->events = eventfd(0, EFD_CLOEXEC);
	ASSERT_EQ(0, fe_start(&self->be, &self->bed, &service));
	self->fd = -1;
}

/* However it was treated, it serves on until it is told to end. */
FIXTURE_TEARDOWN(vu_message)
{
	close(self->fd);
	if (self->be.pid > 0) {
		self->fd = fe_connect(self->be.path);
		EXPECT_TRUE(fe_is_alive(self->fd));
		close(self->fd);
		EXPECT_EQ(0, fe_end(&self->be, SIGTERM));
	}
	close(self->file);
	close(self->events);
	bed_close(&self->bed);
}

/* Sends @m with another size and number of descriptors than its own. */
static int send_as(FIXTURE_DATA(vu_message) *self, const struct message *m, uint32_t size,
		   unsigned int nr_fds, uint32_t flags)
{
	bool is_memory = m->size == 40 || m->request == VU_SET_LOG_BASE ||
			 m->request == VU_SET_DEVICE_STATE_FD;
	int fds[64], i;

	for (i = 0; i < 64; i++)
		fds[i] = is_memory ? self->file : self->events;
	return fe_send(self->fd, m->request, flags, &m->payload, size, fds, nr_fds);
}

/* Sends @m as it is and takes the answer; 0 if all is well. */
static int do_message(FIXTURE_DATA(vu_message) *self, const struct message *m)
{
	char answer[512];
	int ret = send_as(self, m, m->size, m->nr_fds, 0);

	if (ret || !m->answers)
		return ret;
	ret = fe_receive(self->fd, m->request, answer, sizeof(answer), NULL);
	return ret == (int)m->answers ? 0 : -EPROTO;
}

/* A connection on which the messages before @end have been sent. */
static int prepare(FIXTURE_DATA(vu_message) *self, int end)
{
	int i, ret = 0;

	close(self->fd);
	self->fd = fe_connect(self->be.path);
	for (i = 0; !ret && i < end; i++)
		ret = do_message(self, &messages[i]);
	if (!ret && !fe_is_alive(self->fd))
		ret = -EPIPE;
	return ret;
}

static const char *name_of(const struct message *m)
{
	static char name[16];

	snprintf(name, sizeof(name), "request %u", m->request);
	return name;
}

/* Is the connection over, and has exactly one line been said about it? */
#define EXPECT_PUNISHED(m, what) do { \
	EXPECT_TRUE(fe_is_closed(self->fd)) { \
		TH_LOG("%s %s", name_of(m), what); \
	} \
	EXPECT_NE(NULL, strstr(fe_log_line(&self->be), "; connection closed")) { \
		TH_LOG("%s %s", name_of(m), what); \
	} \
	EXPECT_FALSE(fe_has_log(&self->be)); \
} while (0)

TEST_F(vu_message, well_formed_all_in_order)
{
	ASSERT_EQ(0, prepare(self, NR));
	ASSERT_FALSE(fe_has_log(&self->be));
}

TEST_F(vu_message, repeated)
{
	int i;

	for (i = 0; i < NR; i++) {
		const struct message *m = &messages[i];

		ASSERT_EQ(0, prepare(self, i + 1));
		if (m->once) {
			ASSERT_EQ(0, send_as(self, m, m->size, m->nr_fds, 0));
			EXPECT_PUNISHED(m, "twice");
			continue;
		}
		EXPECT_EQ(0, do_message(self, m)) {
			TH_LOG("%s twice", name_of(m));
		}
		EXPECT_TRUE(fe_is_alive(self->fd));
	}
}

TEST_F(vu_message, truncated_or_too_long)
{
	int i;

	for (i = 0; i < NR; i++) {
		const struct message *m = &messages[i];

		if (m->size) {
			ASSERT_EQ(0, prepare(self, i));
			ASSERT_EQ(0, send_as(self, m, m->size - 1, m->nr_fds, 0));
			EXPECT_PUNISHED(m, "truncated");
		}
		ASSERT_EQ(0, prepare(self, i));
		ASSERT_EQ(0, send_as(self, m, m->size + 1, m->nr_fds, 0));
		EXPECT_PUNISHED(m, "too long");
		if (m->other_size) {
			ASSERT_EQ(0, prepare(self, i));
			ASSERT_EQ(0, send_as(self, m, m->other_size, m->nr_fds, 0));
			EXPECT_TRUE(fe_is_alive(self->fd));
		}
	}
}

TEST_F(vu_message, ends_within)
{
	struct vu_header header = { VU_SET_FEATURES, VU_VERSION, 8 };
	unsigned int size;

	for (size = 1; size < sizeof(header) + 8; size += 5) {
		char bytes[sizeof(header) + 8] = { };

		memcpy(bytes, &header, sizeof(header));
		ASSERT_EQ(0, prepare(self, 0));
		ASSERT_EQ(0, fe_send_raw(self->fd, bytes, size, NULL, 0));
		shutdown(self->fd, SHUT_WR);
		EXPECT_PUNISHED(&messages[0], "cut off");
	}
}

TEST_F(vu_message, wrong_descriptors)
{
	int i;

	for (i = 0; i < NR; i++) {
		const struct message *m = &messages[i];

		if (m->nr_fds) {
			ASSERT_EQ(0, prepare(self, i));
			ASSERT_EQ(0, send_as(self, m, m->size, 0, 0));
			EXPECT_PUNISHED(m, "without descriptor");
		}
		ASSERT_EQ(0, prepare(self, i));
		ASSERT_EQ(0, send_as(self, m, m->size, m->nr_fds + 1, 0));
		if (m->nr_fds + 1 == m->other_fds) {
			EXPECT_TRUE(fe_is_alive(self->fd));
			continue;
		}
		EXPECT_PUNISHED(m, "with a descriptor too many");
	}
	ASSERT_EQ(0, prepare(self, 0));
	ASSERT_EQ(0, send_as(self, &messages[0], 0, 64, 0));
	EXPECT_PUNISHED(&messages[0], "with 64 descriptors");
}

TEST_F(vu_message, wrong_flags)
{
	static const uint32_t wrong[] = { 0x1 ^ 0x2, 0x3 ^ 0x1, VU_FLAG_REPLY, 0x10, 0x80000000 };
	unsigned int i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct vu_header header = { VU_GET_FEATURES, VU_VERSION ^ wrong[i], 0 };

		ASSERT_EQ(0, prepare(self, 0));
		ASSERT_EQ(0, fe_send_raw(self->fd, &header, sizeof(header), NULL, 0));
		EXPECT_PUNISHED(&messages[0], "with wrong flags");
	}
	/* Acknowledgements have to be negotiated. */
	ASSERT_EQ(0, prepare(self, 2));
	ASSERT_EQ(0, fe_send(self->fd, VU_SET_OWNER, VU_FLAG_NEED_REPLY, NULL, 0, NULL, 0));
	EXPECT_PUNISHED(&messages[5], "asking for an acknowledgement");
}

TEST_F(vu_message, not_negotiated)
{
	int i;

	for (i = 0; i < NR; i++) {
		const struct message *m = &messages[i];

		if (!m->needs)
			continue;
		ASSERT_EQ(0, prepare(self, 0));
		ASSERT_EQ(0, send_as(self, m, m->size, m->nr_fds, 0));
		EXPECT_PUNISHED(m, "without its feature");
	}
	ASSERT_EQ(0, prepare(self, 6));
	ASSERT_EQ(0, fe_send(self->fd, VU_SET_VRING_ENABLE, 0,
			     &(struct vhost_vring_state){ 0, 1 }, 8, NULL, 0));
	EXPECT_PUNISHED(&messages[5], "before its feature");
}

TEST_F(vu_message, unknown_requests)
{
	static const uint32_t unknown[] = { 0, 19, 20, 22, 23, 26, 28, 33, 35, 39, 40, 41, 44, 1000,
					    0xffffffff };
	unsigned int i;

	for (i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		ASSERT_EQ(0, prepare(self, 7));
		ASSERT_EQ(0, fe_send(self->fd, unknown[i], 0, NULL, 0, NULL, 0));
		EXPECT_PUNISHED(&messages[0], "that doesn't exist");
	}
}

/* What may not come before something else, each on a connection of its own. */
TEST_F(vu_message, out_of_order)
{
	static const uint32_t before_memory[] = { VU_SET_VRING_ADDR, VU_SET_VRING_KICK };
	int i, j;

	for (i = 0; i < 2; i++) {
		for (j = 0; messages[j].request != before_memory[i];)
			j++;
		ASSERT_EQ(0, prepare(self, 8));
		ASSERT_EQ(0, send_as(self, &messages[j], messages[j].size, messages[j].nr_fds, 0));
		EXPECT_PUNISHED(&messages[j], "before memory");
	}
	/* A ring that has been started keeps its size and base. */
	for (i = 0; messages[i].request != VU_SET_VRING_ENABLE;)
		i++;
	for (j = 0; messages[j].request != VU_SET_VRING_NUM;)
		j++;
	ASSERT_EQ(0, prepare(self, i));
	ASSERT_EQ(0, do_message(self, &messages[j]));
	EXPECT_PUNISHED(&messages[j], "of a started ring");
	ASSERT_EQ(0, prepare(self, i));
	ASSERT_EQ(0, do_message(self, &messages[j + 1]));
	EXPECT_PUNISHED(&messages[j + 1], "of a started ring");
}

struct content {
	uint32_t request;
	uint32_t size;
	unsigned int nr_fds;
	union vu_payload payload;
};

#define TABLE(n, ...) { VU_SET_MEM_TABLE, 8 + 32 * (n), n, \
	.payload.table = { .nr = n, .regions = { __VA_ARGS__ } } }
#define REGION(...) { VU_ADD_MEM_REG, 40, 1, .payload.slot.region = __VA_ARGS__ }
#define RING_STATE(r, ring, value) { r, 8, 0, .payload.state = { ring, value } }
#define RING_FD(r, n, value) { r, 8, n, .payload.u64 = value }
#define ADDR(f, d, a, u) { VU_SET_VRING_ADDR, 40, 0, .payload.addr = { \
	.flags = f, .desc_user_addr = d, .avail_user_addr = a, .used_user_addr = u } }
#define OK_A (USER + PAGE)
#define OK_U (USER + 2 * PAGE)

/* After the first table and the ring's size; each is wrong in one way. */
static const struct content wrong[] = {
	{ VU_SET_FEATURES, 8, 0, .payload.u64 = 1ULL << 34 },
	{ VU_SET_FEATURES, 8, 0, .payload.u64 = 1ULL << 63 },
	{ VU_SET_PROTOCOL_FEATURES, 8, 0, .payload.u64 = 1ULL << 63 },
	TABLE(1, { GUEST, 0, USER, 0 }),
	TABLE(1, { ~0ULL - PAGE, 2 * PAGE, USER, 0 }),
	TABLE(1, { GUEST, 2 * PAGE, ~0ULL - PAGE, 0 }),
	TABLE(1, { GUEST, ~0ULL, USER, 0 }),
	TABLE(1, { GUEST, SIZE, USER, 1ULL << 63 }),
	TABLE(1, { GUEST, SIZE, USER, PAGE }),			/* beyond the file */
	TABLE(2, { GUEST, SIZE, USER, 0 }, { GUEST, SIZE, USER + SIZE, 0 }),
	TABLE(2, { GUEST, SIZE, USER, 0 }, { GUEST + SIZE - 1, SIZE, USER + SIZE, 0 }),
	TABLE(2, { GUEST, SIZE, USER, 0 }, { GUEST + SIZE, SIZE, USER + PAGE, 0 }),
	TABLE(2, { GUEST + PAGE, PAGE, USER, 0 }, { GUEST, SIZE, USER + SIZE, 0 }),
	{ VU_SET_MEM_TABLE, 40, 1, .payload.table.nr = 0 },
	{ VU_SET_MEM_TABLE, 40, 1, .payload.table = { 2, .regions = { { GUEST, PAGE, USER, 0 } } } },
	{ VU_SET_MEM_TABLE, 72, 1, .payload.table = { 1, .regions = { { GUEST, PAGE, USER, 0 } } } },
	{ VU_SET_MEM_TABLE, 8, 0, .payload.table.nr = 0 },
	{ VU_SET_MEM_TABLE, 8, 0, .payload.table.nr = 0xffffffff },
	REGION({ GUEST, SIZE, USER + SIZE, 0 }),		/* overlaps the first */
	REGION({ GUEST + SIZE, SIZE, USER, 0 }),
	REGION({ GUEST + SIZE, 0, USER + SIZE, 0 }),
	REGION({ ~0ULL, SIZE, USER + SIZE, 0 }),
	REGION({ GUEST + SIZE, SIZE + PAGE, USER + SIZE, 0 }),
	{ VU_REM_MEM_REG, 40, 0, .payload.slot.region = { GUEST, SIZE - PAGE, USER, 0 } },
	{ VU_SET_LOG_BASE, 16, 1, .payload.log = { 0, 0 } },
	{ VU_SET_LOG_BASE, 16, 1, .payload.log = { PAGE, SIZE } },
	{ VU_SET_LOG_BASE, 16, 1, .payload.log = { ~0ULL, PAGE } },
	{ VU_SET_DEVICE_STATE_FD, 8, 1, .payload.transfer = { 2, 0 } },
	{ VU_SET_DEVICE_STATE_FD, 8, 1, .payload.transfer = { 0, 1 } },
	RING_STATE(VU_SET_VRING_NUM, 17, 64),
	RING_STATE(VU_SET_VRING_NUM, 0xffffffff, 64),
	RING_STATE(VU_SET_VRING_NUM, 0, 0),
	RING_STATE(VU_SET_VRING_NUM, 0, 100),
	RING_STATE(VU_SET_VRING_NUM, 0, 65536),
	RING_STATE(VU_SET_VRING_BASE, 17, 0),
	RING_STATE(VU_SET_VRING_BASE, 0, 65536),
	RING_STATE(VU_GET_VRING_BASE, 17, 0),
	RING_STATE(VU_SET_VRING_ENABLE, 17, 1),
	RING_STATE(VU_SET_VRING_ENABLE, 0, 2),
	RING_FD(VU_SET_VRING_KICK, 1, 17),
	RING_FD(VU_SET_VRING_KICK, 1, 0x100),
	RING_FD(VU_SET_VRING_KICK, 0, 0),
	RING_FD(VU_SET_VRING_KICK, 0, 0x100),			/* to be polled */
	RING_FD(VU_SET_VRING_KICK, 1, 1),			/* not described */
	RING_FD(VU_SET_VRING_CALL, 1, 0x200),
	RING_FD(VU_SET_VRING_CALL, 1, 0x100000000),
	RING_FD(VU_SET_VRING_ERR, 0, 0),
	ADDR(2, USER, OK_A, OK_U),
	ADDR(0, 0, OK_A, OK_U),
	ADDR(0, USER + 8, OK_A, OK_U),
	ADDR(0, USER, OK_A + 1, OK_U),
	ADDR(0, USER, OK_A, OK_U + 2),
	ADDR(0, USER - PAGE, OK_A, OK_U),
	ADDR(0, USER + SIZE, OK_A, OK_U),
	ADDR(0, USER + SIZE - 16 * 64 + 16, OK_A, OK_U),	/* its end */
	ADDR(0, USER, USER + SIZE - 130, OK_U),
	ADDR(0, USER, OK_A, USER + SIZE - 512),
	{ VU_GET_CONFIG, 12 + 8, 0, .payload.config = { .size = 9 } },
	{ VU_GET_CONFIG, 12 + 8, 0, .payload.config = { .offset = 250, .size = 8 } },
	{ VU_GET_CONFIG, 12 + 8, 0, .payload.config = { .offset = -4u, .size = 8 } },
	{ VU_GET_CONFIG, 12 + 8, 0, .payload.config = { .size = 8, .flags = 8 } },
	{ VU_SET_CONFIG, 12 + 8, 0, .payload.config = { .size = 8 } },
};

TEST_F(vu_message, wrong_contents)
{
	unsigned int i;
	char which[32];

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const struct content *c = &wrong[i];
		struct message m = {
			.request = c->request, .size = c->size, .payload = c->payload,
		};
		int fds[64], j;

		ASSERT_EQ(0, prepare(self, 9));
		ASSERT_EQ(0, fe_send(self->fd, VU_SET_VRING_NUM, 0,
				     &(struct vhost_vring_state){ 0, 64 }, 8, NULL, 0));
		for (j = 0; j < 64; j++)
			fds[j] = c->size > 8 ? self->file : self->events;
		ASSERT_EQ(0, fe_send(self->fd, c->request, 0, &c->payload, c->size, fds,
				     c->nr_fds));
		snprintf(which, sizeof(which), "with contents %u", i);
		EXPECT_PUNISHED(&m, which);
	}
}

/* Descriptors that aren't what they should be. */
TEST_F(vu_message, wrong_files)
{
	int i, pipes[2];

	ASSERT_EQ(0, pipe(pipes));
	for (i = 0; messages[i].request != VU_SET_MEM_TABLE;)
		i++;
	ASSERT_EQ(0, prepare(self, i));
	ASSERT_EQ(0, fe_send(self->fd, VU_SET_MEM_TABLE, 0, &messages[i].payload, 40, pipes, 1));
	EXPECT_PUNISHED(&messages[i], "with a pipe");
	ASSERT_EQ(0, prepare(self, i));
	ASSERT_EQ(0, fe_send(self->fd, VU_SET_LOG_FD, 0, NULL, 0, pipes, 1));
	EXPECT_PUNISHED(&messages[i], "with a pipe");
	close(pipes[0]);
	close(pipes[1]);
}

/* Who doesn't read what he asked for doesn't make the back end wait. */
TEST_F(vu_message, unread_answers)
{
	int i;

	ASSERT_EQ(0, prepare(self, 0));
	for (i = 0; i < 100000; i++)
		if (fe_send(self->fd, VU_GET_FEATURES, 0, NULL, 0, NULL, 0))
			break;
	ASSERT_LT(i, 100000);
	EXPECT_PUNISHED(&messages[0], "without reading the answers");
}

/* Sends and reads as fast as it can, until there is nobody on the other side. */
static void flood(int fd)
{
	char answers[4096];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		if (fe_send(fd, VU_GET_FEATURES, 0, NULL, 0, NULL, 0))
			_exit(0);
		while (recv(fd, answers, sizeof(answers), MSG_DONTWAIT) > 0)
			;
	}
}

/* Who never stops asking doesn't keep the back end from ending. */
TEST_F(vu_message, endless_requests)
{
	pid_t pid[4];
	int i;

	ASSERT_EQ(0, prepare(self, 0));
	for (i = 0; i < 4; i++) {
		pid[i] = fork();
		ASSERT_LE(0, pid[i]);
		if (!pid[i])
			flood(self->fd);
	}
	ASSERT_EQ(0, fe_end(&self->be, SIGTERM));
	self->be.pid = 0;
	for (i = 0; i < 4; i++)
		ASSERT_EQ(pid[i], waitpid(pid[i], NULL, 0));
}

TEST_HARNESS_MAIN
