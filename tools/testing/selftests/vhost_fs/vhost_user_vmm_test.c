// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMMs that are not to be had from Debian, by the messages that they send: Cloud
 * Hypervisor's vu_common_ctrl.rs and fs.rs, crosvm's vhost_user_frontend. Each has an
 * order of its own, and habits that QEMU hasn't.
 */
#include "front_end.h"
#include "fuse.h"
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define PAGE 4096ULL
#define DEPTH 8
#define TAG "shared"

/* What the guest may agree on, which Cloud Hypervisor's DEFAULT_VIRTIO_FEATURES has too. */
#define FEATURES (RING_F_VERSION_1 | RING_F_INDIRECT | RING_F_EVENT_IDX | VU_F_PROTOCOL)
#define LOG_ALL (1ULL << VHOST_F_LOG_ALL)
#define CH_PROTOCOL                                                                       \
	(VU_PROTOCOL_MQ | VU_PROTOCOL_MEM_SLOTS | VU_PROTOCOL_REPLY_ACK |                 \
	 VU_PROTOCOL_INFLIGHT_SHMFD | VU_PROTOCOL_LOG_SHMFD)
#define CROSVM_PROTOCOL (VU_PROTOCOL_CONFIG | VU_PROTOCOL_MQ | VU_PROTOCOL_BACKEND_REQ)

FIXTURE(vmm) {
	struct bed bed;
	struct fe_back_end be;
	struct ring_dev dev;
	struct fuse fuse;
	unsigned int made;
	int fd;
	bool acks;
	struct vu_inflight inflight;
	int region;
};

static const struct ring_config rings = {
	.shared = true, .features = RING_F_INDIRECT | RING_F_EVENT_IDX,
};

static int start(FIXTURE_DATA(vmm) *self)
{
	struct vu_service service = { .tag = TAG };

	self->acks = false;
	return fe_start(&self->be, &self->bed, &service);
}

FIXTURE_SETUP(vmm)
{
	struct bed_config config = { };

	ASSERT_EQ(0, bed_open_share(&self->bed, &config));
	ASSERT_EQ(0, ring_make(&self->dev, &rings));
	fuse_session(&self->fuse, &self->dev, RING_REQUEST);
	ASSERT_EQ(0, start(self));
	self->fd = fe_connect(self->be.path);
	ASSERT_LE(0, self->fd);
	self->region = -1;
}

FIXTURE_TEARDOWN(vmm)
{
	EXPECT_FALSE(fe_has_log(&self->be));
	EXPECT_EQ(0, fe_end(&self->be, SIGTERM));
	close(self->fd);
	close(self->region);
	ring_close(&self->dev);
	bed_close(&self->bed);
}

/* The flag is on whatever is sent once acknowledgements are agreed on, or on nothing. */
static int tell(FIXTURE_DATA(vmm) *self, uint32_t request, const void *payload, size_t size,
		int passed)
{
	uint32_t flags = self->acks ? VU_FLAG_NEED_REPLY : 0;
	uint64_t failed = 0;
	int ret = fe_send(self->fd, request, flags, payload, size, &passed, passed >= 0);

	if (!ret && self->acks)
		ret = fe_receive(self->fd, request, &failed, sizeof(failed), NULL);
	return ret < 0 ? ret : failed ? -EIO : 0;
}

static int tell_number(FIXTURE_DATA(vmm) *self, uint32_t request, uint64_t number)
{
	return tell(self, request, &number, sizeof(number), -1);
}

static int tell_ring(FIXTURE_DATA(vmm) *self, uint32_t request, unsigned int ring, uint32_t num)
{
	struct vhost_vring_state state = { .index = ring, .num = num };

	return tell(self, request, &state, sizeof(state), -1);
}

static int tell_ring_fd(FIXTURE_DATA(vmm) *self, uint32_t request, uint64_t ring, int fd)
{
	return tell(self, request, &ring, sizeof(ring), fd);
}

/* A request with an answer has that, and no acknowledgement besides. */
static int ask(FIXTURE_DATA(vmm) *self, uint32_t request, void *payload, size_t size,
	       size_t max, int *passed)
{
	uint32_t flags = self->acks ? VU_FLAG_NEED_REPLY : 0;
	int ret = fe_send(self->fd, request, flags, payload, size, NULL, 0);

	return ret ? ret : fe_receive(self->fd, request, payload, max, passed);
}

static int ask_number(FIXTURE_DATA(vmm) *self, uint32_t request, uint64_t *number)
{
	int ret = ask(self, request, number, 0, sizeof(*number), NULL);

	return ret < 0 ? ret : ret == sizeof(*number) ? 0 : -EPROTO;
}

static int stop_ring(FIXTURE_DATA(vmm) *self, unsigned int ring)
{
	struct vhost_vring_state state = { .index = ring };
	int ret = tell_ring(self, VU_SET_VRING_ENABLE, ring, 0);

	if (!ret)
		ret = ask(self, VU_GET_VRING_BASE, &state, sizeof(state), sizeof(state), NULL);
	return ret < 0 ? ret : ret == sizeof(state) && state.index == ring ? 0 : -EPROTO;
}

static int tell_memory(FIXTURE_DATA(vmm) *self)
{
	struct vu_table table = {
		.nr = 1,
		.regions[0] = {
			.guest = RING_GUEST_BASE, .size = self->dev.mem_size,
			.user = (uintptr_t)self->dev.mem, .offset = RING_GUEST_BASE,
		},
	};

	return tell(self, VU_SET_MEM_TABLE, &table, offsetof(struct vu_table, regions[1]),
		    self->dev.mem_fd);
}

static int tell_addr(FIXTURE_DATA(vmm) *self, struct ring_queue *q, bool log)
{
	struct vhost_vring_addr addr = {
		.index = q->index,
		.flags = log << VHOST_VRING_F_LOG,
		.desc_user_addr = (uintptr_t)q->desc,
		.avail_user_addr = (uintptr_t)q->avail,
		.used_user_addr = (uintptr_t)q->used,
		.log_guest_addr = log ? ring_guest_addr(&self->dev, q->used) : 0,
	};

	return tell(self, VU_SET_VRING_ADDR, &addr, sizeof(addr), -1);
}

/* Addresses to kick, as both do it; neither gives an error eventfd. */
static int tell_place(FIXTURE_DATA(vmm) *self, struct ring_queue *q, uint16_t base)
{
	int ret = tell_addr(self, q, false);

	if (!ret)
		ret = tell_ring(self, VU_SET_VRING_BASE, q->index, base);
	if (!ret)
		ret = tell_ring_fd(self, VU_SET_VRING_CALL, q->index, q->call);
	return ret ? ret : tell_ring_fd(self, VU_SET_VRING_KICK, q->index, q->kick);
}

static int enable(FIXTURE_DATA(vmm) *self, bool on)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < self->dev.nr_queues; i++)
		ret = tell_ring(self, VU_SET_VRING_ENABLE, i, on);
	return ret;
}

/* The guest's driver begins anew, with rings of its own. */
static int new_driver(FIXTURE_DATA(vmm) *self)
{
	ring_close(&self->dev);
	if (ring_make(&self->dev, &rings))
		return -ENOMEM;
	fuse_session(&self->fuse, &self->dev, RING_REQUEST);
	return 0;
}

/* negotiate_features_vhost_user(), and get_queue_num() */
static int ch_negotiate(FIXTURE_DATA(vmm) *self)
{
	uint64_t number;
	int ret = tell(self, VU_SET_OWNER, NULL, 0, -1);

	if (!ret)
		ret = ask_number(self, VU_GET_FEATURES, &number);
	if (!ret && (number & FEATURES) != FEATURES)
		ret = -EPROTO;
	if (!ret)
		ret = ask_number(self, VU_GET_PROTOCOL_FEATURES, &number);
	if (!ret && (number & CH_PROTOCOL) != CH_PROTOCOL)
		ret = -EPROTO;
	if (!ret)
		ret = tell_number(self, VU_SET_PROTOCOL_FEATURES, CH_PROTOCOL);
	self->acks = true;
	if (!ret)
		ret = ask_number(self, VU_GET_QUEUE_NUM, &number);
	return ret ? ret : number < self->dev.nr_queues ? -EPROTO : 0;
}

static int ch_ask_inflight(FIXTURE_DATA(vmm) *self)
{
	size_t size = offsetof(struct vu_inflight, padding);
	int ret;

	self->inflight = (struct vu_inflight){
		.rings = self->dev.nr_queues, .ring_size = self->dev.queues[0].num,
	};
	ret = ask(self, VU_GET_INFLIGHT_FD, &self->inflight, size, size, &self->region);
	return ret < 0 ? ret : self->region >= 0 ? 0 : -EPROTO;
}

/* setup_vhost_user(): each ring is said to stand where the guest does. */
static int ch_set_up(FIXTURE_DATA(vmm) *self)
{
	unsigned int i;
	int ret = tell_number(self, VU_SET_FEATURES, FEATURES);

	if (!ret)
		ret = tell_memory(self);
	for (i = 0; !ret && i < self->dev.nr_queues; i++)
		ret = tell_ring(self, VU_SET_VRING_NUM, i, self->dev.queues[i].num);
	if (!ret && self->region < 0)
		ret = ch_ask_inflight(self);
	if (!ret)
		ret = tell(self, VU_SET_INFLIGHT_FD, &self->inflight,
			   offsetof(struct vu_inflight, padding), self->region);
	for (i = 0; !ret && i < self->dev.nr_queues; i++)
		ret = tell_place(self, &self->dev.queues[i], self->dev.queues[i].avail->idx);
	return ret ? ret : enable(self, true);
}

static int ch_begin(FIXTURE_DATA(vmm) *self)
{
	int ret = ch_negotiate(self);

	if (!ret)
		ret = ch_set_up(self);
	return ret ? ret : fuse_init(&self->fuse);
}

/* Paused, rings are disabled, and nothing more; what was asked meanwhile is answered. */
TEST_F(vmm, cloud_hypervisor_pauses)
{
	struct fe_load load;

	ASSERT_EQ(0, ch_begin(self));
	ASSERT_EQ(0, fe_make_one(&self->fuse, &self->made));
	ASSERT_EQ(0, enable(self, false));
	ASSERT_EQ(0, fe_start_load(&self->fuse, &load, &self->made));
	ASSERT_EQ(0, enable(self, true));
	ASSERT_EQ(0, fuse_finish(&self->fuse, &load.c));
}

/* reset_vhost_user(), and another driver, on the same connection */
TEST_F(vmm, cloud_hypervisor_resets)
{
	unsigned int i, round;

	ASSERT_EQ(0, ch_begin(self));
	for (round = 0; round < 3; round++) {
		ASSERT_EQ(0, fe_make_one(&self->fuse, &self->made));
		for (i = 0; i < self->dev.nr_queues; i++)
			ASSERT_EQ(0, stop_ring(self, i));
		close(self->region);
		self->region = -1;
		ASSERT_EQ(0, new_driver(self));
		ASSERT_EQ(0, ch_set_up(self));
		ASSERT_EQ(0, fuse_init(&self->fuse));
	}
	ASSERT_EQ(0, fe_make_one(&self->fuse, &self->made));
}

/*
 * reinitialize_vhost_user(): protocol features are not asked for again, and the base is
 * the guest's, not where the device was: what was in flight is answered nevertheless.
 */
TEST_F(vmm, cloud_hypervisor_reconnects)
{
	struct fe_load load[DEPTH];
	uint64_t number;
	unsigned int i;

	ASSERT_EQ(0, ch_begin(self));
	for (i = 0; i < DEPTH / 2; i++)
		ASSERT_EQ(0, fe_start_load(&self->fuse, &load[i], &self->made));
	ASSERT_EQ(0, fe_kill(&self->be));
	close(self->fd);
	for (; i < DEPTH; i++)
		ASSERT_EQ(0, fe_start_load(&self->fuse, &load[i], &self->made));
	ASSERT_EQ(0, start(self));
	self->fd = fe_connect(self->be.path);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, tell(self, VU_SET_OWNER, NULL, 0, -1));
	ASSERT_EQ(0, ask_number(self, VU_GET_FEATURES, &number));
	ASSERT_EQ(0, tell_number(self, VU_SET_PROTOCOL_FEATURES, CH_PROTOCOL));
	self->acks = true;
	ASSERT_EQ(0, ch_set_up(self));
	for (i = 0; i < DEPTH; i++)
		ASSERT_EQ(0, fuse_finish(&self->fuse, &load[i].c));
}

/* update_log_base(): a sealed file of as many bytes as there must be */
static unsigned char *ch_new_log(FIXTURE_DATA(vmm) *self)
{
	uint64_t last = RING_GUEST_BASE + self->dev.mem_size - 1;
	struct vu_log log = { .size = last / (PAGE * 8) + 1 };
	int file = memfd_create("vhost_user_dirty_log", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	unsigned char *bits = MAP_FAILED;

	if (!ftruncate(file, log.size) &&
	    !fcntl(file, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) &&
	    !tell(self, VU_SET_LOG_BASE, &log, sizeof(log), file))
		bits = mmap(NULL, log.size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	close(file);
	return bits;
}

static int ch_log_rings(FIXTURE_DATA(vmm) *self, bool on)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < self->dev.nr_queues; i++)
		ret = tell_addr(self, &self->dev.queues[i], on);
	return ret;
}

/* start_dirty_log(), a new log for each look at it, stop_dirty_log(); while served */
TEST_F(vmm, cloud_hypervisor_logs)
{
	uint64_t page = ring_guest_addr(&self->dev, self->fuse.q->used) / PAGE;
	unsigned char *bits;
	unsigned int round;

	ASSERT_EQ(0, ch_begin(self));
	bits = ch_new_log(self);
	ASSERT_NE(MAP_FAILED, bits);
	ASSERT_EQ(0, tell_number(self, VU_SET_FEATURES, FEATURES | LOG_ALL));
	ASSERT_EQ(0, ch_log_rings(self, true));
	for (round = 0; round < 3; round++) {
		ASSERT_EQ(0, fe_make_one(&self->fuse, &self->made));
		ASSERT_TRUE(bits[page / 8] & 1 << page % 8);
		bits = ch_new_log(self);
		ASSERT_NE(MAP_FAILED, bits);
	}
	ASSERT_EQ(0, ch_log_rings(self, false));
	ASSERT_EQ(0, tell_number(self, VU_SET_FEATURES, FEATURES));
	bits[page / 8] = 0;
	ASSERT_EQ(0, fe_make_one(&self->fuse, &self->made));
	ASSERT_EQ(0, bits[page / 8]);
}

/* VhostUserFrontend::new_internal(): features are set before there is a guest. */
static int crosvm_begin(FIXTURE_DATA(vmm) *self, int backend_req)
{
	uint64_t number;
	int ret = tell(self, VU_SET_OWNER, NULL, 0, -1);

	if (!ret)
		ret = ask_number(self, VU_GET_FEATURES, &number);
	if (!ret)
		ret = tell_number(self, VU_SET_FEATURES, VU_F_PROTOCOL);
	if (!ret)
		ret = ask_number(self, VU_GET_PROTOCOL_FEATURES, &number);
	if (!ret && (number & CROSVM_PROTOCOL) != CROSVM_PROTOCOL)
		ret = -EPROTO;
	if (!ret)
		ret = tell_number(self, VU_SET_PROTOCOL_FEATURES, CROSVM_PROTOCOL);
	if (!ret)
		ret = tell(self, VU_SET_BACKEND_REQ_FD, NULL, 0, backend_req);
	if (!ret)
		ret = ask_number(self, VU_GET_QUEUE_NUM, &number);
	return ret ? ret : number < self->dev.nr_queues ? -EPROTO : (int)number;
}

/* activate(), which agrees on nothing that would be acknowledged */
static int crosvm_activate(FIXTURE_DATA(vmm) *self)
{
	unsigned int i;
	int ret = tell_number(self, VU_SET_FEATURES, FEATURES);

	if (!ret)
		ret = tell_memory(self);
	for (i = 0; !ret && i < self->dev.nr_queues; i++) {
		ret = tell_ring(self, VU_SET_VRING_NUM, i, self->dev.queues[i].num);
		if (!ret)
			ret = tell_place(self, &self->dev.queues[i], 0);
		if (!ret)
			ret = tell_ring(self, VU_SET_VRING_ENABLE, i, 1);
	}
	return ret;
}

/* It has as many rings as the back end could serve, and resets those it never used, too. */
TEST_F(vmm, crosvm_resets)
{
	unsigned int round;
	int sockets[2], i, nr;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets));
	nr = crosvm_begin(self, sockets[0]);
	close(sockets[0]);
	ASSERT_LT(0, nr);
	for (round = 0; round < 3; round++) {
		ASSERT_EQ(0, crosvm_activate(self));
		ASSERT_EQ(0, fuse_init(&self->fuse));
		ASSERT_EQ(0, fe_make_one(&self->fuse, &self->made));
		for (i = 0; i < nr; i++)
			ASSERT_EQ(0, stop_ring(self, i));
		ASSERT_EQ(0, new_driver(self));
	}
	close(sockets[1]);
}

/* Without a tag of its own it asks for the back end's, which it sends room for. */
TEST_F(vmm, crosvm_asks_for_the_tag)
{
	const uint32_t part = 36 + 4, header = offsetof(struct vu_config, bytes);
	struct vu_config config = { .size = part, .flags = 1 };
	int sockets[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets));
	ASSERT_LT(0, crosvm_begin(self, sockets[0]));
	ASSERT_EQ(header + part, ask(self, VU_GET_CONFIG, &config, header + part,
				     sizeof(config), NULL));
	ASSERT_EQ(part, config.size);
	ASSERT_EQ(0, memcmp(config.bytes, TAG, sizeof(TAG)));
	close(sockets[0]);
	close(sockets[1]);
}

TEST_HARNESS_MAIN
