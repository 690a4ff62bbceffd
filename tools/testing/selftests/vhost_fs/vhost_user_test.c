// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest that is served through vhost-user: from the first message to the end
 * of the connection, with what a front end may do in between.
 */
#include "front_end.h"
#include "fuse.h"
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define ROOT FUSE_ROOT_ID
#define PAGE 4096UL

FIXTURE(vu) {
	struct bed bed;
	struct fe_back_end be;
	struct ring_dev dev;
	struct fuse fuse;
	int fd;
};

FIXTURE_SETUP(vu)
{
	struct bed_config config = { .options.locks = VHOST_FS_LOCKS_REMOTE };
	struct ring_config ring = { .shared = true, .request_queues = 2 };
	struct vu_service service = { };

	ASSERT_EQ(0, bed_open_share(&self->bed, &config));
	ASSERT_EQ(0, ring_make(&self->dev, &ring));
	fuse_session(&self->fuse, &self->dev, RING_REQUEST);
	ASSERT_EQ(0, fe_start(&self->be, &self->bed, &service));
	self->fd = fe_connect(self->be.path);
	ASSERT_LE(0, self->fd);
}

/* Whatever happened, the back end ends when it is told to, and cleans up. */
FIXTURE_TEARDOWN(vu)
{
	if (self->be.pid > 0)
		EXPECT_EQ(0, fe_end(&self->be, SIGTERM));
	close(self->fd);
	ring_close(&self->dev);
	bed_close(&self->bed);
}

static int work(struct fuse *f, const char *name)
{
	struct fuse_entry_out entry;
	int ret = fuse_mkdir(f, ROOT, name, 0755, 0, &entry);

	return ret ? ret : fuse_lookup(f, ROOT, name, &entry);
}

static int restart(int fd, struct ring_dev *dev)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < dev->nr_queues; i++)
		ret = fe_set_ring(fd, &dev->queues[i]);
	return ret;
}

TEST_F(vu, serves)
{
	struct fuse_attr attr;

	ASSERT_EQ(0, fe_set_up(self->fd, &self->dev));
	ASSERT_EQ(0, fuse_init(&self->fuse));
	ASSERT_EQ(0, work(&self->fuse, "made"));
	ASSERT_EQ(S_IFDIR | 0755, bed_mode(&self->bed, "made"));
	fuse_session(&self->fuse, &self->dev, RING_REQUEST + 1);
	ASSERT_EQ(0, fuse_getattr(&self->fuse, ROOT, &attr));
	ASSERT_FALSE(fe_has_log(&self->be));
}

TEST_F(vu, offers)
{
	uint64_t number;

	ASSERT_EQ(0, fe_negotiate(self->fd, 0));
	ASSERT_EQ(0, fe_get(self->fd, VU_GET_QUEUE_NUM, &number));
	ASSERT_EQ(1 + VHOST_FS_MAX_REQUEST_QUEUES, number);
	ASSERT_EQ(0, fe_get(self->fd, VU_GET_MAX_MEM_SLOTS, &number));
	ASSERT_LE(32, number);
	/* Nobody has named a tag. */
	ASSERT_EQ(0, fe_get(self->fd, VU_GET_PROTOCOL_FEATURES, &number));
	ASSERT_EQ(0, number & VU_PROTOCOL_CONFIG);
	ASSERT_EQ(0, fe_get(self->fd, VU_GET_FEATURES, &number));
	ASSERT_EQ(1ULL << VHOST_F_LOG_ALL, number & (1ULL << VHOST_F_LOG_ALL));
}

/* A guest leaves by one connection and arrives by another. */
TEST_F(vu, moves)
{
	struct fuse_entry_out entry;
	int state = memfd_create("state", MFD_CLOEXEC);
	unsigned int i;

	ASSERT_EQ(0, fe_negotiate(self->fd, FE_PROTOCOL_DEVICE_STATE));
	ASSERT_EQ(0, fe_set_memory(self->fd, &self->dev));
	for (i = 0; i < self->dev.nr_queues; i++)
		ASSERT_EQ(0, fe_set_ring(self->fd, &self->dev.queues[i]));
	ASSERT_EQ(0, fuse_init(&self->fuse));
	ASSERT_EQ(0, fuse_mkdir(&self->fuse, ROOT, "made", 0755, 0, &entry));
	/* Not while it is served. */
	EXPECT_EQ(-EIO, fe_set_device_state_fd(self->fd, FE_STATE_SAVE, state));
	EXPECT_EQ(-EIO, fe_check_device_state(self->fd));
	for (i = 0; i < self->dev.nr_queues; i++)
		ASSERT_LE(0, fe_stop_ring(self->fd, i));
	ASSERT_EQ(0, fe_set_device_state_fd(self->fd, FE_STATE_SAVE, state));
	ASSERT_EQ(0, fe_check_device_state(self->fd));
	close(self->fd);

	lseek(state, 0, SEEK_SET);
	self->fd = fe_connect(self->be.path);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, fe_negotiate(self->fd, FE_PROTOCOL_DEVICE_STATE));
	ASSERT_EQ(0, fe_set_device_state_fd(self->fd, FE_STATE_LOAD, state));
	ASSERT_EQ(0, fe_check_device_state(self->fd));
	ASSERT_EQ(0, fe_set_memory(self->fd, &self->dev));
	for (i = 0; i < self->dev.nr_queues; i++)
		ASSERT_EQ(0, fe_set_ring(self->fd, &self->dev.queues[i]));
	EXPECT_EQ(0, fuse_getattr(&self->fuse, entry.nodeid, NULL));
	close(state);
}

/* Saves, with the rings stopped and then served again. */
static int try_to_leave(int fd, struct ring_dev *dev)
{
	int state = memfd_create("state", MFD_CLOEXEC), ret = 0;
	unsigned int i;

	for (i = 0; ret >= 0 && i < dev->nr_queues; i++)
		ret = fe_stop_ring(fd, i);
	if (ret >= 0)
		ret = fe_set_device_state_fd(fd, FE_STATE_SAVE, state);
	close(state);
	if (!ret)
		ret = fe_check_device_state(fd);
	restart(fd, dev);
	return ret;
}

/* A guest that holds a lock of the host's can't leave, and the log says that. */
TEST_F(vu, stays_with_locks)
{
	struct fuse_lk_in in = { .owner = 7, .lk = { .end = LLONG_MAX, .type = F_WRLCK } };
	struct fuse_entry_out entry;
	struct fuse_open_out open;

	ASSERT_EQ(0, fe_negotiate(self->fd, FE_PROTOCOL_DEVICE_STATE));
	ASSERT_EQ(0, fe_set_memory(self->fd, &self->dev));
	ASSERT_EQ(0, restart(self->fd, &self->dev));
	ASSERT_EQ(0, fuse_init(&self->fuse));
	ASSERT_EQ(0, fuse_create(&self->fuse, ROOT, "file", O_RDWR, 0644, 0, &entry, &open));
	in.fh = open.fh;
	ASSERT_EQ(0, fuse_lk(&self->fuse, FUSE_SETLK, entry.nodeid, &in));
	EXPECT_EQ(-EIO, try_to_leave(self->fd, &self->dev));
	EXPECT_NE(NULL, strstr(fe_log_line(&self->be),
			       "CHECK_DEVICE_STATE: the guest holds locks, or waits for some: "));
	ASSERT_EQ(0, work(&self->fuse, "made"));
	in.lk.type = F_UNLCK;
	ASSERT_EQ(0, fuse_lk(&self->fuse, FUSE_SETLK, entry.nodeid, &in));
	EXPECT_EQ(0, try_to_leave(self->fd, &self->dev));
	ASSERT_EQ(0, work(&self->fuse, "again"));
	EXPECT_FALSE(fe_has_log(&self->be));
}

/* As a VMM does around a pause of its guest. */
TEST_F(vu, stops_and_goes_on)
{
	unsigned int round, i;
	char name[16];

	ASSERT_EQ(0, fe_set_up(self->fd, &self->dev));
	ASSERT_EQ(0, fuse_init(&self->fuse));
	for (round = 0; round < 5; round++) {
		snprintf(name, sizeof(name), "made%u", round);
		ASSERT_EQ(0, work(&self->fuse, name));
		for (i = 0; i < self->dev.nr_queues; i++) {
			ASSERT_EQ(0, fe_set_state(self->fd, VU_SET_VRING_ENABLE, i, 0));
			ASSERT_EQ(self->dev.queues[i].last_used, fe_stop_ring(self->fd, i));
		}
		ASSERT_EQ(0, restart(self->fd, &self->dev));
	}
}

/* What is queued meanwhile waits, and is served then. */
TEST_F(vu, disabled_ring_waits)
{
	struct fuse_getattr_in in = { };
	struct fuse_attr_out out;
	struct fuse_call call = {
		.opcode = FUSE_GETATTR, .nodeid = ROOT, .in = { { &in, sizeof(in) } },
		.nr_in = 1, .out = &out, .out_size = sizeof(out),
	};
	struct fuse other;

	ASSERT_EQ(0, fe_set_up(self->fd, &self->dev));
	ASSERT_EQ(0, fuse_init(&self->fuse));
	ASSERT_EQ(0, fe_set_state(self->fd, VU_SET_VRING_ENABLE, RING_REQUEST, 0));
	ASSERT_EQ(0, fuse_start(&self->fuse, &call));
	ASSERT_TRUE(fe_is_alive(self->fd));
	/* The other ring is served all the while. */
	fuse_session(&other, &self->dev, RING_REQUEST + 1);
	ASSERT_EQ(0, work(&other, "made"));
	ASSERT_FALSE(ring_has_used(self->fuse.q));
	ASSERT_EQ(0, fe_set_state(self->fd, VU_SET_VRING_ENABLE, RING_REQUEST, 1));
	ASSERT_EQ(0, fuse_finish(&self->fuse, &call));
}

TEST_F(vu, new_eventfds_while_served)
{
	struct ring_queue *q = &self->dev.queues[RING_REQUEST];

	ASSERT_EQ(0, fe_set_up(self->fd, &self->dev));
	ASSERT_EQ(0, fuse_init(&self->fuse));
	close(q->call);
	q->call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ASSERT_EQ(0, fe_set_ring_fd(self->fd, VU_SET_VRING_CALL, RING_REQUEST, q->call));
	ASSERT_EQ(0, work(&self->fuse, "one"));
	close(q->kick);
	q->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ASSERT_EQ(0, fe_set_ring_fd(self->fd, VU_SET_VRING_KICK, RING_REQUEST, q->kick));
	ASSERT_EQ(0, work(&self->fuse, "two"));
}

/* The same memory once more, and then the same in two pieces. */
TEST_F(vu, new_table_while_served)
{
	uint64_t half = self->dev.mem_size / 2;
	struct vu_table table = {
		.nr = 2,
		.regions = {
			{ RING_GUEST_BASE, half, (uintptr_t)self->dev.mem, RING_GUEST_BASE },
			{ RING_GUEST_BASE + half, half, (uintptr_t)self->dev.mem + half,
			  RING_GUEST_BASE + half },
		},
	};
	int fds[] = { self->dev.mem_fd, self->dev.mem_fd };

	ASSERT_EQ(0, fe_set_up(self->fd, &self->dev));
	ASSERT_EQ(0, fuse_init(&self->fuse));
	ASSERT_EQ(0, fe_set_memory(self->fd, &self->dev));
	ASSERT_EQ(0, work(&self->fuse, "one"));
	ASSERT_EQ(0, fe_send(self->fd, VU_SET_MEM_TABLE, 0, &table,
			     offsetof(struct vu_table, regions[2]), fds, 2));
	ASSERT_EQ(0, work(&self->fuse, "two"));
	ASSERT_TRUE(fe_is_alive(self->fd));
}

/* Memory comes and goes while the guest works, and what came can be used. */
TEST_F(vu, hot_plug)
{
	int memory = memfd_create("more", MFD_CLOEXEC);
	struct vu_region region = {
		.guest = RING_GUEST_BASE + (1ULL << 40), .size = 16 * PAGE, .user = 0x10000,
	};
	struct fuse_in_header hdr;
	struct ring_queue *q = &self->dev.queues[RING_REQUEST];
	struct fuse_out_header *reply = ring_alloc(&self->dev, 256);
	struct vring_desc desc;
	int head[2], i;
	uint32_t len;
	char *mem;

	ASSERT_EQ(0, ftruncate(memory, region.size));
	mem = mmap(NULL, region.size, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	ASSERT_NE(MAP_FAILED, mem);
	ASSERT_EQ(0, fe_set_up(self->fd, &self->dev));
	ASSERT_EQ(0, fuse_init(&self->fuse));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, fe_add_region(self->fd, VU_ADD_MEM_REG, &region, memory));
		/* A request that lies in the new memory. */
		fuse_header(&self->fuse, &hdr, FUSE_GETATTR, ROOT, sizeof(struct fuse_getattr_in));
		memcpy(mem, &hdr, sizeof(hdr));
		head[0] = ring_take_desc(q);
		head[1] = ring_take_desc(q);
		ring_set_desc(q, &q->desc[head[1]], reply, 256, VRING_DESC_F_WRITE, 0);
		desc = (struct vring_desc) {
			.addr = region.guest,
			.len = sizeof(hdr) + sizeof(struct fuse_getattr_in),
			.flags = VRING_DESC_F_NEXT, .next = head[1],
		};
		q->desc[head[0]] = desc;
		ring_push_avail(q, head[0]);
		ring_kick(q);
		ASSERT_EQ(head[0], ring_wait(q, &len));
		ASSERT_EQ(sizeof(*reply) + sizeof(struct fuse_attr_out), len);
		ASSERT_EQ(0, reply->error);
		ASSERT_EQ(hdr.unique, reply->unique);
		ASSERT_EQ(0, fe_add_region(self->fd, VU_REM_MEM_REG, &region, -1));
		ASSERT_EQ(0, work(&self->fuse, (char[]){ 'a' + i, 0 }));
	}
	/* What isn't there can't go, nor what a ring is in: told, not punished. */
	ASSERT_EQ(-EIO, fe_add_region(self->fd, VU_REM_MEM_REG, &region, -1));
	region = (struct vu_region) {
		RING_GUEST_BASE, self->dev.mem_size, (uintptr_t)self->dev.mem, RING_GUEST_BASE,
	};
	ASSERT_EQ(-EIO, fe_add_region(self->fd, VU_REM_MEM_REG, &region, -1));
	ASSERT_EQ(-EIO, fe_add_region(self->fd, VU_ADD_MEM_REG, &region, self->dev.mem_fd));
	ASSERT_EQ(0, work(&self->fuse, "still"));
	munmap(mem, 16 * PAGE);
	close(memory);
}

/* A front end that goes on asking for the impossible doesn't fill the log. */
TEST_F(vu, complaints_are_few)
{
	struct vu_region region = { .guest = PAGE, .size = PAGE, .user = PAGE };
	int i;

	ASSERT_EQ(0, fe_negotiate(self->fd, 0));
	for (i = 0; i < 40; i++)
		ASSERT_EQ(-EIO, fe_add_region(self->fd, VU_REM_MEM_REG, &region, -1));
	for (i = 0; i < 16; i++)
		ASSERT_NE(NULL, strstr(fe_log_line(&self->be), "REM_MEM_REG: there is no such"));
	ASSERT_FALSE(fe_has_log(&self->be));
}

static bool is_logged(const unsigned char *log, uint64_t guest)
{
	return log[guest / PAGE / 8] & (1 << (guest / PAGE % 8));
}

#define LOGGING (RING_F_VERSION_1 | VU_F_PROTOCOL | (1ULL << VHOST_F_LOG_ALL))

static size_t log_size(const struct ring_dev *dev)
{
	return (RING_GUEST_BASE + dev->mem_size + 8 * PAGE - 1) / PAGE / 8;
}

static int set_log(int fd, int file, uint64_t size)
{
	struct vu_log log = { .size = size };
	uint64_t number;
	int ret = fe_send(fd, VU_SET_LOG_BASE, 0, &log, sizeof(log), &file, 1);

	if (!ret)
		ret = fe_receive(fd, VU_SET_LOG_BASE, &number, sizeof(number), NULL);
	return ret < 0 ? ret : ret == sizeof(number) && !number ? 0 : -EPROTO;
}

/* The pages that the device writes to, and no others, get dirty. */
TEST_F(vu, dirty_log)
{
	size_t size = log_size(&self->dev);
	int file = memfd_create("log", MFD_CLOEXEC);
	struct ring_queue *q = &self->dev.queues[RING_REQUEST];
	struct fuse_attr attr;
	unsigned char *bits;

	ASSERT_EQ(0, ftruncate(file, size));
	bits = mmap(NULL, size, PROT_READ, MAP_SHARED, file, 0);
	ASSERT_NE(MAP_FAILED, bits);
	ASSERT_EQ(0, fe_set_up(self->fd, &self->dev));
	ASSERT_EQ(0, fuse_init(&self->fuse));
	ASSERT_FALSE(is_logged(bits, ring_guest_addr(&self->dev, q->used)));
	ASSERT_EQ(0, set_log(self->fd, file, size));
	ASSERT_EQ(0, fe_set(self->fd, VU_SET_FEATURES, LOGGING));
	ASSERT_EQ(0, fe_set_addr(self->fd, q, 1 << VHOST_VRING_F_LOG));
	ASSERT_EQ(0, fuse_getattr(&self->fuse, ROOT, &attr));
	ASSERT_TRUE(is_logged(bits, ring_guest_addr(&self->dev, q->used)));
	ASSERT_FALSE(is_logged(bits, ring_guest_addr(&self->dev, q->avail)));
	munmap(bits, size);
	close(file);
}

/* As QEMU does when a guest that is being migrated begins anew. */
TEST_F(vu, log_comes_after_features)
{
	int file = memfd_create("log", MFD_CLOEXEC);
	size_t size = log_size(&self->dev);
	unsigned int i;

	ASSERT_EQ(0, ftruncate(file, size));
	ASSERT_EQ(0, fe_set_up(self->fd, &self->dev));
	for (i = 0; i < self->dev.nr_queues; i++)
		ASSERT_EQ(0, fe_set_state(self->fd, VU_SET_VRING_ENABLE, i, 0));
	ASSERT_EQ(0, fe_set(self->fd, VU_SET_FEATURES, LOGGING));
	for (i = 0; i < self->dev.nr_queues; i++)
		ASSERT_EQ(0, fe_set_addr(self->fd, &self->dev.queues[i], 1 << VHOST_VRING_F_LOG));
	ASSERT_EQ(0, set_log(self->fd, file, size));
	for (i = 0; i < self->dev.nr_queues; i++)
		ASSERT_EQ(0, fe_set_state(self->fd, VU_SET_VRING_ENABLE, i, 1));
	ASSERT_EQ(0, fuse_init(&self->fuse));
	ASSERT_EQ(0, work(&self->fuse, "made"));
	close(file);
}

/* A log for all but the end of guest memory, on a connection that serves. */
static int serve_with_short_log(FIXTURE_DATA(vu) *self)
{
	int file = memfd_create("log", MFD_CLOEXEC);
	size_t size = log_size(&self->dev);
	int ret;

	close(self->fd);
	self->fd = fe_connect(self->be.path);
	ret = ftruncate(file, size);
	if (!ret)
		ret = fe_set_up(self->fd, &self->dev);
	if (!ret)
		ret = set_log(self->fd, file, size - 1);
	close(file);
	return ret;
}

/* Whatever begins to log then is refused, and the connection closed. */
TEST_F(vu, log_is_too_short)
{
	struct ring_queue *q = &self->dev.queues[RING_REQUEST];
	static const char why[] = "the log doesn't cover guest memory; connection closed";

	ASSERT_EQ(0, fe_set_up(self->fd, &self->dev));
	ASSERT_EQ(-EPIPE, fe_set(self->fd, VU_SET_FEATURES, LOGGING));
	ASSERT_NE(NULL, strstr(fe_log_line(&self->be), why));
	ASSERT_EQ(0, serve_with_short_log(self));
	ASSERT_EQ(-EPIPE, fe_set(self->fd, VU_SET_FEATURES, LOGGING));
	ASSERT_NE(NULL, strstr(fe_log_line(&self->be), why));
	ASSERT_EQ(0, serve_with_short_log(self));
	ASSERT_EQ(-EPIPE, fe_set_addr(self->fd, q, 1 << VHOST_VRING_F_LOG));
	ASSERT_NE(NULL, strstr(fe_log_line(&self->be), why));
	/* So is a ring that would be started. */
	ASSERT_EQ(0, serve_with_short_log(self));
	ASSERT_EQ(0, fe_set_state(self->fd, VU_SET_VRING_ENABLE, RING_HIPRIO, 0));
	ASSERT_EQ(0, fe_set(self->fd, VU_SET_FEATURES, LOGGING));
	ASSERT_EQ(-EPIPE, fe_set_state(self->fd, VU_SET_VRING_ENABLE, RING_HIPRIO, 1));
	ASSERT_NE(NULL, strstr(fe_log_line(&self->be), why));
}

/* While all is logged, the log can't become too short, nor memory too large. */
TEST_F(vu, log_stays_long_enough)
{
	struct vu_region region = {
		.guest = RING_GUEST_BASE + (1ULL << 40), .size = PAGE, .user = 0x10000,
	};
	int file = memfd_create("log", MFD_CLOEXEC), memory = memfd_create("more", MFD_CLOEXEC);
	size_t size = log_size(&self->dev);

	ASSERT_EQ(0, ftruncate(file, size));
	ASSERT_EQ(0, ftruncate(memory, PAGE));
	ASSERT_EQ(0, fe_set_up(self->fd, &self->dev));
	ASSERT_EQ(0, fuse_init(&self->fuse));
	ASSERT_EQ(0, set_log(self->fd, file, size));
	ASSERT_EQ(0, fe_set(self->fd, VU_SET_FEATURES, LOGGING));
	ASSERT_EQ(-EIO, fe_add_region(self->fd, VU_ADD_MEM_REG, &region, memory));
	ASSERT_EQ(0, work(&self->fuse, "made"));
	ASSERT_EQ(-EPIPE, set_log(self->fd, file, size - 1));
	close(file);
	close(memory);
}

/* Where a front end says that the used ring is logged makes no difference. */
TEST_F(vu, used_ring_is_logged_where_it_is)
{
	struct ring_queue *q = &self->dev.queues[RING_REQUEST];
	struct vhost_vring_addr addr = {
		.index = q->index,
		.flags = 1 << VHOST_VRING_F_LOG,
		.desc_user_addr = (uintptr_t)q->desc,
		.avail_user_addr = (uintptr_t)q->avail,
		.used_user_addr = (uintptr_t)q->used,
		.log_guest_addr = 1ULL << 50,
	};
	int file = memfd_create("log", MFD_CLOEXEC);
	size_t size = log_size(&self->dev);
	struct fuse_attr attr;
	unsigned char *bits;

	ASSERT_EQ(0, ftruncate(file, size));
	bits = mmap(NULL, size, PROT_READ, MAP_SHARED, file, 0);
	ASSERT_NE(MAP_FAILED, bits);
	ASSERT_EQ(0, fe_set_up(self->fd, &self->dev));
	ASSERT_EQ(0, fuse_init(&self->fuse));
	ASSERT_EQ(0, set_log(self->fd, file, size));
	ASSERT_EQ(0, fe_send(self->fd, VU_SET_VRING_ADDR, 0, &addr, sizeof(addr), NULL, 0));
	/* Messages are answered in order. */
	ASSERT_TRUE(fe_is_alive(self->fd));
	ASSERT_EQ(0, fuse_getattr(&self->fuse, ROOT, &attr));
	ASSERT_TRUE(is_logged(bits, ring_guest_addr(&self->dev, q->used)));
	munmap(bits, size);
	close(file);
}

TEST_F(vu, reset)
{
	uint64_t number = 1;

	ASSERT_EQ(0, fe_set_up(self->fd, &self->dev));
	ASSERT_EQ(0, fuse_init(&self->fuse));
	ASSERT_EQ(0, work(&self->fuse, "one"));
	ASSERT_EQ(0, fe_send(self->fd, VU_RESET_DEVICE, VU_FLAG_NEED_REPLY, NULL, 0, NULL, 0));
	ASSERT_EQ(8, fe_receive(self->fd, VU_RESET_DEVICE, &number, sizeof(number), NULL));
	ASSERT_EQ(0, number);
	/* Memory and owner stay; features and rings have to be set again. */
	ASSERT_EQ(0, fe_set(self->fd, VU_SET_FEATURES, RING_F_VERSION_1 | VU_F_PROTOCOL));
	ASSERT_EQ(0, restart(self->fd, &self->dev));
	ASSERT_EQ(0, fuse_init(&self->fuse));
	ASSERT_EQ(0, work(&self->fuse, "two"));
}

TEST_F(vu, broken_ring)
{
	struct ring_queue *q = &self->dev.queues[RING_REQUEST];

	ASSERT_EQ(0, fe_set_up(self->fd, &self->dev));
	ring_push_avail(q, q->num);
	ring_kick(q);
	ASSERT_EQ(0, ring_wait_error(q));
	ASSERT_TRUE(fe_is_alive(self->fd));
	ASSERT_FALSE(fe_has_log(&self->be));
}

/* A front end that doesn't want to know leaves it to the log. */
TEST_F(vu, broken_ring_without_eventfd)
{
	struct ring_queue *q = &self->dev.queues[RING_REQUEST];

	ASSERT_EQ(0, fe_set_up(self->fd, &self->dev));
	ASSERT_EQ(0, fe_set_ring_fd(self->fd, VU_SET_VRING_ERR, RING_REQUEST, -1));
	ring_push_avail(q, q->num);
	ring_kick(q);
	ASSERT_NE(NULL, strstr(fe_log_line(&self->be), "the guest has broken a ring"));
	ASSERT_TRUE(fe_is_alive(self->fd));
}

/* What the kernel can't raise isn't taken while the ring is served. */
TEST_F(vu, error_goes_to_eventfds_only)
{
	int pipes[2];

	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(0, fe_set_up(self->fd, &self->dev));
	ASSERT_EQ(-EPIPE, fe_set_ring_fd(self->fd, VU_SET_VRING_ERR, RING_REQUEST, pipes[1]));
	ASSERT_NE(NULL, strstr(fe_log_line(&self->be), "SET_VRING_ERR: "));
	close(pipes[0]);
	close(pipes[1]);
}

/* One VMM after the other, the first with requests in flight. */
TEST_F(vu, next_connection)
{
	struct fuse_getattr_in in = { };
	struct fuse_call call = {
		.opcode = FUSE_GETATTR, .nodeid = ROOT, .in = { { &in, sizeof(in) } },
		.nr_in = 1, .out_size = sizeof(struct fuse_attr_out),
	};
	struct ring_config ring = { .shared = true };

	ASSERT_EQ(0, fe_set_up(self->fd, &self->dev));
	ASSERT_EQ(0, fuse_init(&self->fuse));
	ASSERT_EQ(0, fuse_start(&self->fuse, &call));
	close(self->fd);
	ring_close(&self->dev);
	self->fd = fe_connect(self->be.path);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, ring_make(&self->dev, &ring));
	fuse_session(&self->fuse, &self->dev, RING_REQUEST);
	ASSERT_EQ(0, fe_set_up(self->fd, &self->dev));
	ASSERT_EQ(0, fuse_init(&self->fuse));
	ASSERT_EQ(0, work(&self->fuse, "made"));
}

TEST_F(vu, socket_has_one_server)
{
	struct vu_service service = { };
	struct fe_back_end other;
	struct stat st;

	ASSERT_TRUE(fe_is_alive(self->fd));
	ASSERT_EQ(0, stat(self->be.path, &st));
	ASSERT_EQ(S_IFSOCK | 0700, st.st_mode);
	ASSERT_EQ(0, fe_start(&other, &self->bed, &service));
	ASSERT_EQ(1, fe_end(&other, 0));
	ASSERT_NE(NULL, strstr(fe_log_line(&other), "another process serves this socket"));
	ASSERT_TRUE(fe_is_alive(self->fd));
	ASSERT_EQ(0, fe_end(&self->be, SIGTERM));
	self->be.pid = 0;
	ASSERT_EQ(-1, stat(self->be.path, &st));
	/* The lock went with it. */
	ASSERT_EQ(0, fe_start(&self->be, &self->bed, &service));
	close(self->fd);
	self->fd = fe_connect(self->be.path);
	ASSERT_TRUE(fe_is_alive(self->fd));
}

/* A killed one leaves its socket, which is no hindrance to the next. */
TEST_F(vu, stale_socket)
{
	struct vu_service service = { };

	ASSERT_TRUE(fe_is_alive(self->fd));
	ASSERT_EQ(-SIGKILL, fe_end(&self->be, SIGKILL));
	ASSERT_TRUE(fe_is_closed(self->fd));
	close(self->fd);
	ASSERT_EQ(0, fe_start(&self->be, &self->bed, &service));
	self->fd = fe_connect(self->be.path);
	ASSERT_TRUE(fe_is_alive(self->fd));
}

static int listen_at(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 1))
		return -1;
	return fd;
}

/* A socket that was inherited; a tag to tell; an end with the connection. */
TEST_F(vu, inherited_socket_once)
{
	struct vu_service service = { .once = true, .tag = "the tag" };
	struct fe_back_end other;
	struct vu_config asked = { .size = 44 };
	char path[100];
	uint64_t number;
	int fd;

	snprintf(path, sizeof(path), "%s/inherited", self->bed.top);
	service.fd = listen_at(path);
	ASSERT_LE(0, service.fd);
	ASSERT_EQ(0, fe_start(&other, &self->bed, &service));
	close(service.fd);
	fd = fe_connect(path);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fe_negotiate(fd, VU_PROTOCOL_CONFIG));
	ASSERT_EQ(0, fe_send(fd, VU_GET_CONFIG, 0, &asked, 12 + 44, NULL, 0));
	ASSERT_EQ(12 + 44, fe_receive(fd, VU_GET_CONFIG, &asked, sizeof(asked), NULL));
	ASSERT_STREQ("the tag", (char *)asked.bytes);
	/* Beyond its end there is nothing, and nothing can be written. */
	asked.offset = 40;
	ASSERT_EQ(0, fe_send(fd, VU_GET_CONFIG, 0, &asked, 12 + 44, NULL, 0));
	ASSERT_EQ(0, fe_receive(fd, VU_GET_CONFIG, &asked, sizeof(asked), NULL));
	ASSERT_EQ(0, fe_send(fd, VU_SET_CONFIG, VU_FLAG_NEED_REPLY, &asked, 12 + 44, NULL, 0));
	ASSERT_EQ(8, fe_receive(fd, VU_SET_CONFIG, &number, sizeof(number), NULL));
	ASSERT_EQ(1, number);
	close(fd);
	ASSERT_EQ(0, fe_end(&other, 0));
}

TEST_HARNESS_MAIN
