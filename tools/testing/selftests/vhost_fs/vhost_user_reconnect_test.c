// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vhost-user back end is killed as a whole, or loses its connection, under a front
 * end that has kept what GET_INFLIGHT_FD gave it: another back end goes on by that,
 * with the guest's session, and each request is answered once.
 */
#include "front_end.h"
#include "fuse.h"
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#define ROOT FUSE_ROOT_ID
#define PAGE 4096UL
#define KILLS 20
#define DEPTH 24

FIXTURE(reconnect) {
	struct bed bed;
	struct fe_back_end be;
	struct ring_dev dev;
	struct fuse fuse;
	struct vu_inflight inflight;
	int region;
	int fd;
	unsigned int made;
};

/* Connects, up to where rings are described. */
static int begin(FIXTURE_DATA(reconnect) *self)
{
	int ret;

	self->fd = fe_connect(self->be.path);
	if (self->fd < 0)
		return self->fd;
	ret = fe_negotiate(self->fd, VU_PROTOCOL_INFLIGHT_SHMFD);
	if (!ret)
		ret = fe_set(self->fd, VU_SET_FEATURES, self->dev.features | VU_F_PROTOCOL);
	return ret ? ret : fe_set_memory(self->fd, &self->dev);
}

static int set_rings(FIXTURE_DATA(reconnect) *self)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < self->dev.nr_queues; i++)
		ret = fe_set_ring(self->fd, &self->dev.queues[i]);
	return ret;
}

static int come_back(FIXTURE_DATA(reconnect) *self)
{
	int ret = begin(self);

	if (!ret)
		ret = fe_set_inflight(self->fd, &self->inflight, self->region);
	return ret ? ret : set_rings(self);
}

static int start(FIXTURE_DATA(reconnect) *self)
{
	struct vu_service service = { };

	return fe_start(&self->be, &self->bed, &service);
}

FIXTURE_SETUP(reconnect)
{
	struct bed_config config = { };
	struct ring_config ring = {
		.shared = true, .request_queues = 2,
		.features = RING_F_INDIRECT | RING_F_EVENT_IDX,
	};

	ASSERT_EQ(0, bed_open_share(&self->bed, &config));
	ASSERT_EQ(0, ring_make(&self->dev, &ring));
	fuse_session(&self->fuse, &self->dev, RING_REQUEST);
	ASSERT_EQ(0, start(self));
	ASSERT_EQ(0, begin(self));
	ASSERT_EQ(0, fe_get_inflight(self->fd, &self->dev, &self->inflight, &self->region));
	/* Some front ends bring it back at once. */
	ASSERT_EQ(0, fe_set_inflight(self->fd, &self->inflight, self->region));
	ASSERT_EQ(0, set_rings(self));
	ASSERT_EQ(0, fuse_init(&self->fuse));
}

FIXTURE_TEARDOWN(reconnect)
{
	EXPECT_EQ(0, fe_end(&self->be, SIGTERM));
	close(self->fd);
	close(self->region);
	ring_close(&self->dev);
	bed_close(&self->bed);
}

static int kill_all(FIXTURE_DATA(reconnect) *self)
{
	int ret = fe_kill(&self->be);

	close(self->fd);
	return ret ? ret : start(self);
}

/* What was asked while nobody served is answered, too, whatever base is set. */
TEST_F_TIMEOUT(reconnect, under_load, 300)
{
	unsigned int i, round, rounds = test_rounds(KILLS);
	struct fe_load l[DEPTH];

	for (round = 0; round < rounds; round++) {
		size_t mark = ring_mark(&self->dev);

		for (i = 0; i < DEPTH - 4; i++)
			ASSERT_EQ(0, fe_start_load(&self->fuse, &l[i], &self->made));
		ASSERT_EQ(0, kill_all(self));
		for (; i < DEPTH; i++)
			ASSERT_EQ(0, fe_start_load(&self->fuse, &l[i], &self->made));
		ASSERT_EQ(0, come_back(self));
		for (i = 0; i < DEPTH; i++)
			ASSERT_EQ(0, fuse_finish(&self->fuse, &l[i].c));
		ring_release(&self->dev, mark);
	}
	ASSERT_EQ(self->made + 2, bed_count(&self->bed));
}

/* Who sees the connection's end connects to nobody that is about to end. */
TEST_F(reconnect, at_once)
{
	unsigned int round, rounds = test_rounds(KILLS / 2);

	for (round = 0; round < rounds; round++) {
		ASSERT_EQ(0, kill(self->be.pid, SIGKILL));
		ASSERT_TRUE(fe_is_closed(self->fd));
		ASSERT_EQ(-ECONNREFUSED, fe_connect_once(self->be.path));
		ASSERT_EQ(0, kill_all(self));
		ASSERT_EQ(0, come_back(self));
	}
}

/* What the guest has looked up and opened is there, and its locks are. */
TEST_F(reconnect, same_session)
{
	struct fuse_entry_out entry;
	struct fuse_open_out open;
	char data[4];

	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "data", 4, 0644));
	ASSERT_EQ(0, fuse_lookup(&self->fuse, ROOT, "file", &entry));
	ASSERT_EQ(0, fuse_open(&self->fuse, entry.nodeid, O_RDONLY, &open));
	ASSERT_EQ(0, kill_all(self));
	ASSERT_EQ(0, come_back(self));
	ASSERT_EQ(4, fuse_read(&self->fuse, entry.nodeid, open.fh, 0, data, 4));
	ASSERT_EQ(0, memcmp(data, "data", 4));
}

/* Not killed, but left: the same back end serves on by another connection. */
TEST_F(reconnect, after_a_disconnection)
{
	struct fe_load l[DEPTH];
	unsigned int i;

	for (i = 0; i < DEPTH; i++)
		ASSERT_EQ(0, fe_start_load(&self->fuse, &l[i], &self->made));
	close(self->fd);
	ASSERT_EQ(0, come_back(self));
	for (i = 0; i < DEPTH; i++)
		ASSERT_EQ(0, fuse_finish(&self->fuse, &l[i].c));
	ASSERT_EQ(0, fe_make_one(&self->fuse, &self->made));
}

/* The one that serves may die after that as before. */
TEST_F(reconnect, and_a_killed_server)
{
	ASSERT_EQ(0, kill_all(self));
	ASSERT_EQ(0, come_back(self));
	ASSERT_EQ(0, fe_make_one(&self->fuse, &self->made));
	ASSERT_EQ(0, fe_kill_server(&self->be));
	ASSERT_EQ(0, fe_make_one(&self->fuse, &self->made));
	ASSERT_EQ(0, kill_all(self));
	ASSERT_EQ(0, come_back(self));
	ASSERT_EQ(0, fe_make_one(&self->fuse, &self->made));
}

/* Front ends map it, and some read it when they migrate. */
TEST_F(reconnect, can_be_mapped)
{
	char *page;

	EXPECT_EQ(PAGE, self->inflight.size);
	EXPECT_EQ(0, self->inflight.offset);
	EXPECT_EQ(self->dev.nr_queues, self->inflight.rings);
	EXPECT_EQ(self->dev.queues[0].num, self->inflight.ring_size);
	page = mmap(NULL, self->inflight.size, PROT_READ | PROT_WRITE, MAP_SHARED, self->region,
		    self->inflight.offset);
	ASSERT_NE(MAP_FAILED, page);
	EXPECT_EQ(0, page[PAGE - 1]);
	memset(page, 1, PAGE);
	munmap(page, PAGE);
	ASSERT_EQ(0, fe_make_one(&self->fuse, &self->made));
}

/* Where a ring stands is the front end's word again once it has been told. */
TEST_F(reconnect, base_of_a_ring)
{
	int at = self->fuse.q->last_used, ring = self->fuse.q->index;

	ASSERT_EQ(0, kill_all(self));
	ASSERT_EQ(0, begin(self));
	ASSERT_EQ(0, fe_set_inflight(self->fd, &self->inflight, self->region));
	ASSERT_EQ(0, fe_set_state(self->fd, VU_SET_VRING_BASE, ring, at + 5));
	ASSERT_EQ(at, fe_stop_ring(self->fd, ring));
	ASSERT_EQ(0, fe_set_state(self->fd, VU_SET_VRING_BASE, ring, at + 5));
	ASSERT_EQ(at + 5, fe_stop_ring(self->fd, ring));
	/* And of all rings when it asks for what it will keep of new ones. */
	close(self->fd);
	ASSERT_EQ(0, begin(self));
	ASSERT_EQ(0, fe_set_inflight(self->fd, &self->inflight, self->region));
	close(self->region);
	ASSERT_EQ(0, fe_get_inflight(self->fd, &self->dev, &self->inflight, &self->region));
	ASSERT_EQ(0, fe_set_state(self->fd, VU_SET_VRING_BASE, ring, at));
	ASSERT_EQ(at, fe_stop_ring(self->fd, ring));
	ASSERT_EQ(0, set_rings(self));
	ASSERT_EQ(0, fe_make_one(&self->fuse, &self->made));
}

/* Also of one that was never started, once none is any more. */
TEST_F(reconnect, base_of_a_ring_that_was_not_started)
{
	int one = RING_REQUEST, other = RING_REQUEST + 1;

	ASSERT_EQ(0, kill_all(self));
	ASSERT_EQ(0, come_back(self));
	ASSERT_EQ(0, fe_set_state(self->fd, VU_SET_VRING_BASE, 5, 7));
	ASSERT_LE(0, fe_stop_ring(self->fd, 0));
	ASSERT_LE(0, fe_stop_ring(self->fd, one));
	ASSERT_EQ(0, fe_set_state(self->fd, VU_SET_VRING_BASE, 5, 7));
	ASSERT_EQ(0, fe_stop_ring(self->fd, 5));
	ASSERT_LE(0, fe_stop_ring(self->fd, other));
	ASSERT_EQ(0, fe_set_state(self->fd, VU_SET_VRING_BASE, 6, 7));
	ASSERT_EQ(7, fe_stop_ring(self->fd, 6));
	close(self->fd);
	ASSERT_EQ(0, begin(self));
	ASSERT_EQ(0, fe_set_inflight(self->fd, &self->inflight, self->region));
	ASSERT_EQ(0, fe_send(self->fd, VU_RESET_OWNER, 0, NULL, 0, NULL, 0));
	ASSERT_EQ(0, fe_set_state(self->fd, VU_SET_VRING_BASE, 7, 9));
	ASSERT_EQ(9, fe_stop_ring(self->fd, 7));
}

/* The connection is closed, with a line, and whoever serves goes on. */
static void is_refused(struct __test_metadata *_metadata, FIXTURE_DATA(reconnect) *self,
		       int region, const char *why)
{
	ASSERT_EQ(-EPIPE, fe_set_inflight(self->fd, &self->inflight, region));
	ASSERT_NE(NULL, strstr(fe_log_line(&self->be), why));
	close(self->fd);
}

TEST_F(reconnect, with_something_else)
{
	const int others[] = {
		memfd_create("region", MFD_CLOEXEC), eventfd(0, EFD_CLOEXEC),
		open("/dev/null", O_RDWR | O_CLOEXEC), open("/", O_PATH | O_CLOEXEC),
	};
	unsigned int i;

	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		close(self->fd);
		ASSERT_EQ(0, begin(self));
		is_refused(_metadata, self, others[i],
			   "it is nothing that GET_INFLIGHT_FD has given");
		close(others[i]);
		self->fd = -1;
	}
	ASSERT_EQ(0, come_back(self));
	ASSERT_EQ(0, fe_make_one(&self->fuse, &self->made));
}

/* Nobody takes it from one that lives. */
TEST_F(reconnect, while_it_is_served)
{
	struct fe_back_end first = self->be;
	int connection = self->fd;
	char path[100];
	struct vu_service service = { .path = path };

	snprintf(path, sizeof(path), "%s/other", self->bed.top);
	ASSERT_EQ(0, fe_start(&self->be, &self->bed, &service));
	ASSERT_EQ(0, begin(self));
	is_refused(_metadata, self, self->region, "another process serves it");
	self->fd = connection;
	ASSERT_EQ(0, fe_make_one(&self->fuse, &self->made));
	ASSERT_EQ(0, fe_kill(&first));
	close(self->fd);
	ASSERT_EQ(0, come_back(self));
	ASSERT_EQ(0, fe_make_one(&self->fuse, &self->made));
}

/* What is served is what was brought last, whatever was before. */
TEST_F(reconnect, with_one_after_the_other)
{
	struct vu_inflight inflight;
	int region;

	ASSERT_EQ(0, kill_all(self));
	ASSERT_EQ(0, begin(self));
	ASSERT_EQ(0, fe_get_inflight(self->fd, &self->dev, &inflight, &region));
	ASSERT_EQ(0, fe_set_inflight(self->fd, &self->inflight, self->region));
	ASSERT_EQ(0, fe_set_inflight(self->fd, &inflight, region));
	ASSERT_EQ(0, fe_set_inflight(self->fd, &self->inflight, self->region));
	close(region);
	ASSERT_EQ(0, set_rings(self));
	ASSERT_EQ(0, fe_make_one(&self->fuse, &self->made));
}

TEST_F(reconnect, while_a_state_is_moved)
{
	int pipe_fds[2];

	close(self->fd);
	ASSERT_EQ(0, pipe2(pipe_fds, O_CLOEXEC));
	self->fd = fe_connect(self->be.path);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, fe_negotiate(self->fd, VU_PROTOCOL_INFLIGHT_SHMFD |
					    FE_PROTOCOL_DEVICE_STATE));
	ASSERT_EQ(0, fe_set_device_state_fd(self->fd, FE_STATE_SAVE, pipe_fds[1]));
	close(pipe_fds[1]);
	is_refused(_metadata, self, self->region, "the device's state is being moved");
	close(pipe_fds[0]);
	ASSERT_EQ(0, come_back(self));
	ASSERT_EQ(0, fe_make_one(&self->fuse, &self->made));
}

TEST_F(reconnect, too_late)
{
	struct ring_dev *dev = &self->dev;
	unsigned int i;

	ASSERT_EQ(0, kill_all(self));
	ASSERT_EQ(0, begin(self));
	/* New rings in their place, which a new device serves. */
	for (i = 0; i < dev->nr_queues; i++)
		ASSERT_EQ(0, fe_set_ring(self->fd, &dev->queues[i]));
	is_refused(_metadata, self, self->region, "it comes too late");
	ASSERT_EQ(0, come_back(self));
	ASSERT_EQ(0, fe_make_one(&self->fuse, &self->made));
}

TEST_HARNESS_MAIN
