// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device file: every ioctl, right and wrong, in every order; start, stop
 * and restart; several devices; the dirty log.
 */
#include "bed.h"
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define ROOT FUSE_ROOT_ID
#define PAGE 4096UL

static int open_dev(void)
{
	return open("/dev/vhost-fs", O_RDWR | O_CLOEXEC);
}

/* Our own ioctls, with an argument that each of them accepts or refuses. */
static const struct {
	const char *name;
	unsigned long request;
	uint32_t size;
	int result;	/* of a zeroed argument, on a device without anything */
} own[] = {
	{ "GET_INFO", VHOST_FS_GET_INFO, sizeof(struct vhost_fs_info), 0 },
	{ "ADD_SHARE", VHOST_FS_ADD_SHARE, sizeof(struct vhost_fs_add_share),
	  -EINVAL },
	{ "REMOVE_SHARE", VHOST_FS_REMOVE_SHARE,
	  sizeof(struct vhost_fs_share_name), -EINVAL },
	{ "ATTACH_SHARE", VHOST_FS_ATTACH_SHARE,
	  sizeof(struct vhost_fs_share_name), -EINVAL },
	{ "SET_RUNNING", VHOST_FS_SET_RUNNING, sizeof(struct vhost_fs_running),
	  0 },
};

#define NR_OWN 5

FIXTURE(ioctls) {
	int fd;
	char *arg;	/* a page, with nothing behind it */
};

FIXTURE_SETUP(ioctls)
{
	self->fd = open_dev();
	ASSERT_LE(0, self->fd);
	self->arg = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->arg);
	ASSERT_EQ(0, munmap(self->arg + PAGE, PAGE));
}

FIXTURE_TEARDOWN(ioctls)
{
	close(self->fd);
}

static void set_size(FIXTURE_DATA(ioctls) *self, uint32_t size)
{
	memset(self->arg, 0, PAGE);
	memcpy(self->arg, &size, sizeof(size));
}

TEST_F(ioctls, exact_size)
{
	int i;

	for (i = 0; i < NR_OWN; i++) {
		set_size(self, own[i].size);
		EXPECT_EQ(own[i].result,
			  ring_ioctl(self->fd, own[i].request, self->arg)) {
			TH_LOG("%s", own[i].name);
		}
	}
}

TEST_F(ioctls, too_small)
{
	uint32_t size;
	int i;

	for (i = 0; i < NR_OWN; i++) {
		for (size = 0; size < own[i].size; size++) {
			set_size(self, size);
			EXPECT_EQ(-EINVAL, ring_ioctl(self->fd, own[i].request,
						      self->arg)) {
				TH_LOG("%s size %u", own[i].name, size);
			}
		}
	}
}

/* A caller that knows more than the kernel, and asks for none of it. */
TEST_F(ioctls, larger_with_zero_tail)
{
	static const uint32_t more[] = { 1, 4, 8, 100, 1000 };
	int i, j;

	for (i = 0; i < NR_OWN; i++) {
		for (j = 0; j < 5; j++) {
			set_size(self, own[i].size + more[j]);
			EXPECT_EQ(own[i].result,
				  ring_ioctl(self->fd, own[i].request,
					     self->arg)) {
				TH_LOG("%s and %u more", own[i].name, more[j]);
			}
		}
	}
}

TEST_F(ioctls, larger_with_something_in_the_tail)
{
	int i;

	for (i = 0; i < NR_OWN; i++) {
		set_size(self, own[i].size + 16);
		self->arg[own[i].size] = 1;
		EXPECT_EQ(-E2BIG, ring_ioctl(self->fd, own[i].request, self->arg));
		set_size(self, own[i].size + 16);
		self->arg[own[i].size + 15] = 1;
		EXPECT_EQ(-E2BIG, ring_ioctl(self->fd, own[i].request, self->arg));
	}
}

TEST_F(ioctls, bad_pointers)
{
	char *end = self->arg + PAGE;
	uint32_t size;
	int i;

	for (i = 0; i < NR_OWN; i++) {
		EXPECT_EQ(-EFAULT, ring_ioctl(self->fd, own[i].request, NULL));
		EXPECT_EQ(-EFAULT, ring_ioctl(self->fd, own[i].request, end));
		EXPECT_EQ(-EFAULT, ring_ioctl(self->fd, own[i].request, end - 2));
		EXPECT_EQ(-EFAULT, ring_ioctl(self->fd, own[i].request,
					      (void *)-4096L));
		/* The size can be read, the rest not. */
		size = own[i].size;
		memcpy(end - 4, &size, sizeof(size));
		EXPECT_EQ(-EFAULT, ring_ioctl(self->fd, own[i].request, end - 4));
		/* A tail that ends nowhere. */
		set_size(self, ~0U);
		EXPECT_GT(0, ring_ioctl(self->fd, own[i].request, self->arg));
	}
}

TEST_F(ioctls, info)
{
	struct vhost_fs_info info;

	memset(&info, 0xff, sizeof(info));
	info.size = sizeof(info);
	ASSERT_EQ(0, ring_ioctl(self->fd, VHOST_FS_GET_INFO, &info));
	EXPECT_EQ(sizeof(info), info.size);
	EXPECT_EQ(VHOST_FS_ABI_VERSION, info.abi_version);
	EXPECT_EQ(0, info.features);
	EXPECT_EQ(VHOST_FS_MAX_REQUEST_QUEUES, info.max_request_queues);
	EXPECT_LE(1024, info.max_queue_size);
	EXPECT_EQ(FUSE_MAX_WRITE, info.max_write);
	EXPECT_EQ(7, info.fuse_major);
	EXPECT_LE(31, info.fuse_minor);
	EXPECT_EQ(0, info.__reserved);
}

TEST_F(ioctls, unknown)
{
	EXPECT_EQ(-ENOTTY, ring_ioctl(self->fd, _IO(VHOST_VIRTIO, 0x8f), NULL));
	EXPECT_EQ(-ENOTTY, ring_ioctl(self->fd, _IO(VHOST_VIRTIO, 0xff), NULL));
	EXPECT_EQ(-ENOTTY, ring_ioctl(self->fd, _IO('x', 0x90), NULL));
	EXPECT_EQ(-ENOTTY, ring_ioctl(self->fd, 0, NULL));
	EXPECT_EQ(-ENOTTY, ring_ioctl(self->fd, TCGETS, self->arg));
}

static char *map(int fd, size_t size, int flags, off_t offset)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, offset);
}

TEST_F(ioctls, no_data)
{
	char buf[8];

	EXPECT_EQ(-1, read(self->fd, buf, sizeof(buf)));
	EXPECT_EQ(-1, write(self->fd, buf, sizeof(buf)));
}

/* One page, shared, and nothing in it that anybody else has written. */
TEST_F(ioctls, mapping)
{
	char *page = map(self->fd, PAGE, MAP_SHARED, 0), *other;

	EXPECT_EQ(MAP_FAILED, map(self->fd, PAGE, MAP_PRIVATE, 0));
	EXPECT_EQ(MAP_FAILED, map(self->fd, PAGE, MAP_SHARED, PAGE));
	EXPECT_EQ(MAP_FAILED, map(self->fd, 2 * PAGE, MAP_SHARED, 0));
	ASSERT_NE(MAP_FAILED, page);
	EXPECT_EQ(0, page[0]);
	page[PAGE - 1] = 1;
	other = map(self->fd, PAGE, MAP_SHARED, 0);
	ASSERT_NE(MAP_FAILED, other);
	EXPECT_EQ(0, other[PAGE - 1]);
	munmap(page, PAGE);
	munmap(other, PAGE);
}

TEST_F(ioctls, features)
{
	uint64_t features, want = RING_F_VERSION_1 | RING_F_INDIRECT |
				  RING_F_EVENT_IDX | 1ULL << VHOST_F_LOG_ALL;
	unsigned int bit;

	ASSERT_EQ(0, ring_ioctl(self->fd, VHOST_GET_FEATURES, &features));
	EXPECT_EQ(want, features & want);
	/* What the core can't do over a packed ring or an IOMMU. */
	EXPECT_EQ(0, features & 1ULL << VIRTIO_F_RING_PACKED);
	EXPECT_EQ(-EFAULT, ring_ioctl(self->fd, VHOST_GET_FEATURES, NULL));
	ASSERT_EQ(0, ring_ioctl(self->fd, VHOST_SET_OWNER, NULL));
	for (bit = 0; bit < 64; bit++) {
		want = 1ULL << bit;
		if (want & features)
			continue;
		EXPECT_EQ(-EOPNOTSUPP, ring_ioctl(self->fd, VHOST_SET_FEATURES,
						  &want)) {
			TH_LOG("bit %u", bit);
		}
	}
	want = RING_F_VERSION_1;
	EXPECT_EQ(0, ring_ioctl(self->fd, VHOST_SET_FEATURES, &want));
	EXPECT_EQ(-EFAULT, ring_ioctl(self->fd, VHOST_SET_FEATURES, NULL));
}

static int vring_state(int fd, unsigned long request, unsigned int index,
		       unsigned int num)
{
	struct vhost_vring_state state = { .index = index, .num = num };

	return ring_ioctl(fd, request, &state);
}

TEST_F(ioctls, ring_sizes)
{
	static const unsigned int bad[] = { 0, 3, 127, 65536, 1U << 31, ~0U };
	int i;

	ASSERT_EQ(0, ring_ioctl(self->fd, VHOST_SET_OWNER, NULL));
	for (i = 0; i < 6; i++)
		EXPECT_EQ(-EINVAL, vring_state(self->fd, VHOST_SET_VRING_NUM, 1,
					       bad[i]));
	for (i = 1; i <= 1024; i *= 2)
		EXPECT_EQ(0, vring_state(self->fd, VHOST_SET_VRING_NUM, 1, i));
	EXPECT_EQ(-EINVAL, vring_state(self->fd, VHOST_SET_VRING_BASE, 1, 65536));
	EXPECT_EQ(0, vring_state(self->fd, VHOST_SET_VRING_BASE, 1, 65535));
}

TEST_F(ioctls, ring_numbers)
{
	static const unsigned int bad[] = {
		RING_MAX_QUEUES, RING_MAX_QUEUES + 1, 1000, 1U << 31, ~0U,
	};
	struct vhost_vring_file file = { .fd = -1 };
	struct vhost_vring_addr addr = { 0 };
	int i;

	ASSERT_EQ(0, ring_ioctl(self->fd, VHOST_SET_OWNER, NULL));
	for (i = 0; i < 5; i++) {
		file.index = bad[i];
		addr.index = bad[i];
		EXPECT_EQ(-ENOBUFS, vring_state(self->fd, VHOST_SET_VRING_NUM,
						bad[i], 128));
		EXPECT_EQ(-ENOBUFS, vring_state(self->fd, VHOST_GET_VRING_BASE,
						bad[i], 0));
		EXPECT_EQ(-ENOBUFS, ring_ioctl(self->fd, VHOST_SET_VRING_ADDR,
					       &addr));
		EXPECT_EQ(-ENOBUFS, ring_ioctl(self->fd, VHOST_SET_VRING_KICK,
					       &file));
	}
	EXPECT_EQ(0, vring_state(self->fd, VHOST_SET_VRING_NUM,
				 RING_MAX_QUEUES - 1, 128));
}

TEST_F(ioctls, nothing_before_an_owner)
{
	struct vhost_memory memory = { 0 };
	struct vhost_fs_running running = {
		.size = sizeof(running), .running = 1,
	};

	EXPECT_EQ(-EPERM, vring_state(self->fd, VHOST_SET_VRING_NUM, 1, 128));
	EXPECT_EQ(-EPERM, ring_ioctl(self->fd, VHOST_SET_MEM_TABLE, &memory));
	EXPECT_EQ(-EPERM, ring_ioctl(self->fd, VHOST_FS_SET_RUNNING, &running));
	ASSERT_EQ(0, ring_ioctl(self->fd, VHOST_SET_OWNER, NULL));
	EXPECT_EQ(-EBUSY, ring_ioctl(self->fd, VHOST_SET_OWNER, NULL));
	EXPECT_EQ(0, ring_ioctl(self->fd, VHOST_SET_MEM_TABLE, &memory));
}

TEST_F(ioctls, bad_memory_tables)
{
	struct {
		struct vhost_memory head;
		struct vhost_memory_region region;
	} table = { .head = { .nregions = 1 } };

	ASSERT_EQ(0, ring_ioctl(self->fd, VHOST_SET_OWNER, NULL));
	EXPECT_EQ(-EFAULT, ring_ioctl(self->fd, VHOST_SET_MEM_TABLE, NULL));
	table.head.padding = 1;
	EXPECT_EQ(-EOPNOTSUPP, ring_ioctl(self->fd, VHOST_SET_MEM_TABLE, &table));
	table.head.padding = 0;
	table.head.nregions = ~0U;
	EXPECT_EQ(-E2BIG, ring_ioctl(self->fd, VHOST_SET_MEM_TABLE, &table));
}

FIXTURE(dev) {
	struct bed bed;
	struct ring_dev *dev;
	struct fuse *f;
};

/* A share and a device with rings, neither attached nor running. */
FIXTURE_SETUP(dev)
{
	struct bed_config config = { 0 };

	ASSERT_EQ(0, bed_open_share(&self->bed, &config));
	self->dev = &self->bed.dev;
	self->f = &self->bed.fuse;
	ASSERT_EQ(0, ring_open(self->dev, &config.ring));
	fuse_session(self->f, self->dev, RING_REQUEST);
	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "data", 4, 0644));
}

FIXTURE_TEARDOWN(dev)
{
	bed_close(&self->bed);
}

static void start(struct __test_metadata *_metadata, FIXTURE_DATA(dev) *self)
{
	ASSERT_EQ(0, ring_attach(self->dev, self->bed.share));
	ASSERT_EQ(0, ring_set_running(self->dev, true));
	ASSERT_EQ(0, fuse_init(self->f));
}

TEST_F(dev, start_needs_a_share)
{
	EXPECT_EQ(-ENODEV, ring_set_running(self->dev, true));
	EXPECT_EQ(-ENOENT, ring_attach(self->dev, "no-such-share"));
	EXPECT_EQ(-EINVAL, ring_attach(self->dev, ""));
	ASSERT_EQ(0, ring_attach(self->dev, self->bed.share));
	EXPECT_EQ(-EBUSY, ring_attach(self->dev, self->bed.share));
	EXPECT_EQ(0, ring_set_running(self->dev, true));
	EXPECT_EQ(-EBUSY, ring_attach(self->dev, self->bed.share));
}

TEST_F(dev, start_and_stop_twice)
{
	EXPECT_EQ(0, ring_set_running(self->dev, false));
	ASSERT_EQ(0, ring_attach(self->dev, self->bed.share));
	ASSERT_EQ(0, ring_set_running(self->dev, true));
	EXPECT_EQ(-EBUSY, ring_set_running(self->dev, true));
	EXPECT_EQ(0, fuse_init(self->f));
	EXPECT_EQ(0, ring_set_running(self->dev, false));
	EXPECT_EQ(0, ring_set_running(self->dev, false));
}

TEST_F(dev, running_is_a_bool)
{
	struct vhost_fs_running arg = { .size = sizeof(arg), .running = 2 };

	EXPECT_EQ(-EINVAL, ring_ioctl(self->dev->fd, VHOST_FS_SET_RUNNING, &arg));
	arg.running = ~0U;
	EXPECT_EQ(-EINVAL, ring_ioctl(self->dev->fd, VHOST_FS_SET_RUNNING, &arg));
}

static int set_memory(struct ring_dev *dev)
{
	struct {
		struct vhost_memory head;
		struct vhost_memory_region region;
	} table = {
		.head.nregions = 1,
		.region = {
			.guest_phys_addr = RING_GUEST_BASE,
			.memory_size = dev->mem_size,
			.userspace_addr = (uintptr_t)dev->mem,
		},
	};

	return ring_ioctl(dev->fd, VHOST_SET_MEM_TABLE, &table);
}

/* Starts a device that was told of its memory and rings only in part. */
static int start_with(struct bed *bed, bool hiprio, bool request, bool memory)
{
	struct ring_config config = { 0 };
	uint64_t features = RING_F_VERSION_1;
	struct ring_dev dev;
	int ret = ring_open(&dev, &config);

	if (ret)
		return ret;
	/* The rings stay; the device behind them is a new one. */
	close(dev.fd);
	dev.fd = open_dev();
	ring_ioctl(dev.fd, VHOST_SET_OWNER, NULL);
	ring_ioctl(dev.fd, VHOST_SET_FEATURES, &features);
	if (memory)
		set_memory(&dev);
	if (hiprio)
		ring_setup_queue(&dev.queues[RING_HIPRIO]);
	if (request)
		ring_setup_queue(&dev.queues[RING_REQUEST]);
	ret = ring_attach(&dev, bed->share);
	if (!ret)
		ret = ring_set_running(&dev, true);
	ring_close(&dev);
	return ret;
}

TEST_F(dev, start_needs_rings_and_memory)
{
	EXPECT_EQ(-EINVAL, start_with(&self->bed, false, false, true));
	EXPECT_EQ(-EINVAL, start_with(&self->bed, true, false, true));
	EXPECT_EQ(-EINVAL, start_with(&self->bed, false, true, true));
	EXPECT_EQ(-EFAULT, start_with(&self->bed, true, true, false));
	EXPECT_EQ(0, start_with(&self->bed, true, true, true));
}

/* Rings where nothing is, and in the kernel's half of the address space. */
TEST_F(dev, ring_addresses)
{
	static const uint64_t bad[] = { 0x1000, 0xffff888000000000, ~0ULL << 12 };
	struct vhost_vring_addr addr = { .index = 1 };
	int i, ret;

	ASSERT_EQ(0, ring_attach(self->dev, self->bed.share));
	for (i = 0; i < 3; i++) {
		addr.desc_user_addr = bad[i];
		addr.avail_user_addr = bad[i];
		addr.used_user_addr = bad[i];
		ret = ring_ioctl(self->dev->fd, VHOST_SET_VRING_ADDR, &addr);
		if (!ret)
			ret = ring_set_running(self->dev, true);
		EXPECT_EQ(-EFAULT, ret) {
			TH_LOG("rings at 0x%llx", (unsigned long long)bad[i]);
		}
	}
	addr.desc_user_addr = (uintptr_t)self->dev->queues[1].desc;
	addr.avail_user_addr = (uintptr_t)self->dev->queues[1].avail + 1;
	addr.used_user_addr = (uintptr_t)self->dev->queues[1].used;
	EXPECT_EQ(-EINVAL, ring_ioctl(self->dev->fd, VHOST_SET_VRING_ADDR, &addr));
	ASSERT_EQ(0, ring_setup_queue(&self->dev->queues[1]));
	ASSERT_EQ(0, ring_set_running(self->dev, true));
	EXPECT_EQ(0, fuse_init(self->f));
}

TEST_F(dev, rings_are_fixed_while_running)
{
	start(_metadata, self);
	EXPECT_EQ(-EBUSY, vring_state(self->dev->fd, VHOST_SET_VRING_NUM, 1, 64));
	EXPECT_EQ(-EBUSY, vring_state(self->dev->fd, VHOST_SET_VRING_BASE, 1, 0));
	EXPECT_EQ(0, fuse_getattr(self->f, ROOT, NULL));
}

/* Runs @fn in a child, and returns what it returned (0 to 255). */
static int in_child(int (*fn)(struct ring_dev *dev), struct ring_dev *dev)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(-fn(dev));
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static int stranger_stops(struct ring_dev *dev)
{
	return ring_set_running(dev, false);
}

static int stranger_starts(struct ring_dev *dev)
{
	return ring_set_running(dev, true);
}

static int stranger_sets_ring(struct ring_dev *dev)
{
	return ring_setup_queue(&dev->queues[1]);
}

/* What the device logs, it writes to its owner's memory. */
static int stranger_sets_features(struct ring_dev *dev)
{
	uint64_t features = dev->features | 1ULL << VHOST_F_LOG_ALL;

	return ring_ioctl(dev->fd, VHOST_SET_FEATURES, &features);
}

static int stranger_owns(struct ring_dev *dev)
{
	return ring_ioctl(dev->fd, VHOST_SET_OWNER, NULL);
}

/* Another process has the descriptor, but another memory. */
TEST_F(dev, only_the_owner)
{
	start(_metadata, self);
	EXPECT_EQ(EPERM, in_child(stranger_stops, self->dev));
	EXPECT_EQ(EPERM, in_child(stranger_sets_ring, self->dev));
	EXPECT_EQ(EPERM, in_child(stranger_sets_features, self->dev));
	EXPECT_EQ(EBUSY, in_child(stranger_owns, self->dev));
	EXPECT_EQ(0, fuse_getattr(self->f, ROOT, NULL));
	ASSERT_EQ(0, ring_set_running(self->dev, false));
	EXPECT_EQ(EPERM, in_child(stranger_starts, self->dev));
}

TEST_F(dev, base_tells_the_truth)
{
	int i;

	start(_metadata, self);
	for (i = 0; i < 20; i++)
		ASSERT_EQ(0, fuse_getattr(self->f, ROOT, NULL));
	ASSERT_EQ(0, ring_set_running(self->dev, false));
	EXPECT_EQ(21, ring_get_base(self->f->q));
	EXPECT_EQ(0, ring_get_base(&self->dev->queues[RING_HIPRIO]));
	ASSERT_EQ(0, ring_setup_queue(self->f->q));
	EXPECT_EQ(21, ring_get_base(self->f->q));
}

/* What was looked up and opened is still there; so is what waits in a ring. */
TEST_F(dev, restart)
{
	struct fuse_call c = {
		.opcode = FUSE_STATFS, .nodeid = ROOT,
		.out_size = sizeof(struct fuse_statfs_out),
	};
	struct fuse_open_out open;
	uint64_t node;
	char buf[8];
	int i;

	start(_metadata, self);
	node = bed_lookup(self->f, "file");
	ASSERT_EQ(0, fuse_open(self->f, node, O_RDONLY, &open));
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, ring_set_running(self->dev, false));
		ASSERT_EQ(0, fuse_start(self->f, &c));
		ring_kick_always(self->f->q);
		EXPECT_FALSE(ring_has_used(self->f->q));
		ASSERT_EQ(0, ring_set_running(self->dev, true));
		ASSERT_EQ(0, fuse_finish(self->f, &c));
		ASSERT_EQ(4, fuse_read(self->f, node, open.fh, 0, buf, 8));
	}
}

TEST_F(dev, stopped_takes_nothing)
{
	struct fuse_call c = {
		.opcode = FUSE_STATFS, .nodeid = ROOT,
		.out_size = sizeof(struct fuse_statfs_out),
	};
	uint32_t len;

	start(_metadata, self);
	ASSERT_EQ(0, ring_set_running(self->dev, false));
	ASSERT_EQ(0, fuse_start(self->f, &c));
	ring_kick_always(self->f->q);
	EXPECT_EQ(-ETIME, ring_wait_for(self->f->q, &len, 100));
	EXPECT_EQ(1, ring_get_base(self->f->q));
}

/* The guest filled its rings before the device was started, and won't kick. */
TEST_F(dev, filled_before_start)
{
	struct fuse_init_in in = { .major = 7, .minor = 31 };
	struct fuse_call c = {
		.opcode = FUSE_INIT, .in = { { &in, sizeof(in) } }, .nr_in = 1,
		.out_size = sizeof(struct fuse_init_out),
	};
	uint64_t count;

	ASSERT_EQ(0, ring_attach(self->dev, self->bed.share));
	ASSERT_EQ(0, fuse_start(self->f, &c));
	ASSERT_EQ(sizeof(count), read(self->f->q->kick, &count, sizeof(count)));
	ASSERT_EQ(0, ring_set_running(self->dev, true));
	EXPECT_EQ(0, fuse_finish(self->f, &c));
}

static int set_vring_file(struct ring_queue *q, unsigned long request, int fd)
{
	struct vhost_vring_file file = { .index = q->index, .fd = fd };

	return ring_ioctl(q->dev->fd, request, &file);
}

TEST_F(dev, eventfds_change_while_running)
{
	struct ring_queue *q = self->f->q;
	int i;

	start(_metadata, self);
	for (i = 0; i < 20; i++) {
		close(q->kick);
		q->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		ASSERT_EQ(0, set_vring_file(q, VHOST_SET_VRING_KICK, q->kick));
		ASSERT_EQ(0, fuse_getattr(self->f, ROOT, NULL));
		close(q->call);
		q->call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		ASSERT_EQ(0, set_vring_file(q, VHOST_SET_VRING_CALL, q->call));
		ASSERT_EQ(0, fuse_getattr(self->f, ROOT, NULL));
	}
	EXPECT_EQ(-EBADF, set_vring_file(q, VHOST_SET_VRING_KICK, 9999));
	EXPECT_EQ(-EINVAL, set_vring_file(q, VHOST_SET_VRING_CALL, self->bed.fd));
}

/* Nobody heard the last call, and the guest won't be called for that again. */
TEST_F(dev, new_eventfd_is_called)
{
	struct ring_queue *q = self->f->q;
	int heard_by_nobody = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct fuse_call c = {
		.opcode = FUSE_STATFS, .nodeid = ROOT,
		.out_size = sizeof(struct fuse_statfs_out),
	};
	uint64_t count;

	start(_metadata, self);
	ASSERT_EQ(0, set_vring_file(q, VHOST_SET_VRING_CALL, heard_by_nobody));
	ASSERT_EQ(0, fuse_start(self->f, &c));
	while (!ring_has_used(q))
		sched_yield();
	ASSERT_EQ(0, fuse_finish(self->f, &c));
	while (read(q->call, &count, sizeof(count)) > 0)
		;
	ASSERT_EQ(0, set_vring_file(q, VHOST_SET_VRING_CALL, q->call));
	EXPECT_EQ(sizeof(count), read(q->call, &count, sizeof(count)));
	close(heard_by_nobody);
}

TEST_F(dev, memory_table_changes_while_running)
{
	struct {
		struct vhost_memory head;
		struct vhost_memory_region region[2];
	} table = {
		.head.nregions = 2,
		.region = {
			{
				.guest_phys_addr = RING_GUEST_BASE,
				.memory_size = self->dev->mem_size,
				.userspace_addr = (uintptr_t)self->dev->mem,
			}, {
				.guest_phys_addr = 2 * RING_GUEST_BASE,
				.memory_size = PAGE,
				.userspace_addr = (uintptr_t)self->dev->mem,
			},
		},
	};
	int i;

	start(_metadata, self);
	for (i = 0; i < 20; i++) {
		table.head.nregions = 1 + i % 2;
		ASSERT_EQ(0, ring_ioctl(self->dev->fd, VHOST_SET_MEM_TABLE,
					&table));
		ASSERT_EQ(0, fuse_getattr(self->f, ROOT, NULL));
	}
}

TEST_F(dev, several_devices)
{
	enum { NR = 8 };
	struct bed_config config = { .ring.memory = 2 << 20 };
	struct ring_dev *dev = calloc(NR, sizeof(*dev));
	struct fuse *f = calloc(NR, sizeof(*f));
	uint64_t node;
	int i, j;

	for (i = 0; i < NR; i++)
		ASSERT_EQ(0, bed_open_device(&self->bed, &dev[i], &f[i], &config));
	for (j = 0; j < 10; j++)
		for (i = 0; i < NR; i++)
			ASSERT_EQ(0, fuse_getattr(&f[i], ROOT, NULL));
	/* One guest's numbers mean nothing to another. */
	node = bed_lookup(&f[0], "file");
	ASSERT_NE(0, node);
	EXPECT_EQ(-ESTALE, fuse_getattr(&f[1], node, NULL));
	for (i = 0; i < NR; i += 2)
		ring_close(&dev[i]);
	for (i = 1; i < NR; i += 2) {
		EXPECT_EQ(0, fuse_getattr(&f[i], ROOT, NULL));
		ring_close(&dev[i]);
	}
	free(dev);
	free(f);
}

TEST_F(dev, all_queues)
{
	struct bed_config config = {
		.ring.request_queues = VHOST_FS_MAX_REQUEST_QUEUES,
		.ring.queue_size = 16,
	};
	struct ring_dev dev;
	struct fuse f;
	unsigned int i;

	ASSERT_EQ(0, bed_open_device(&self->bed, &dev, &f, &config));
	for (i = 0; i <= VHOST_FS_MAX_REQUEST_QUEUES; i++) {
		fuse_session(&f, &dev, i);
		EXPECT_EQ(0, fuse_getattr(&f, ROOT, NULL));
	}
	ring_close(&dev);
}

TEST_F(dev, queue_sizes)
{
	struct bed_config config = { .ring.features = RING_F_INDIRECT };
	struct ring_dev dev;
	struct fuse f;
	unsigned int size;
	int i;

	for (size = 1; size <= 1024; size *= 2) {
		config.ring.queue_size = size;
		ASSERT_EQ(0, bed_open_device(&self->bed, &dev, &f, &config));
		for (i = 0; i < 5; i++)
			EXPECT_EQ(0, fuse_getattr(&f, ROOT, NULL));
		ring_close(&dev);
	}
}

FIXTURE(log) {
	struct bed bed;
	uint8_t *log;
};

#define LOG_SIZE ((RING_GUEST_BASE + (16UL << 20)) / PAGE / 8)

FIXTURE_SETUP(log)
{
	struct bed_config config = { 0 };
	uint64_t addr;

	ASSERT_EQ(0, bed_open(&self->bed, &config));
	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "data", 4, 0644));
	self->log = mmap(NULL, LOG_SIZE, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->log);
	addr = (uintptr_t)self->log;
	ASSERT_EQ(0, ring_ioctl(self->bed.dev.fd, VHOST_SET_LOG_BASE, &addr));
}

FIXTURE_TEARDOWN(log)
{
	bed_close(&self->bed);
}

static bool is_logged(FIXTURE_DATA(log) *self, const void *p)
{
	uint64_t page = ring_guest_addr(&self->bed.dev, p) / PAGE;

	return self->log[page / 8] & 1 << page % 8;
}

/* Every write to guest memory, while the log is on: replies and used rings. */
TEST_F(log, replies_and_used_ring)
{
	struct fuse *f = &self->bed.fuse;
	struct ring_queue *q = f->q;
	struct vhost_vring_addr addr = {
		.index = q->index, .flags = 1 << VHOST_VRING_F_LOG,
		.desc_user_addr = (uintptr_t)q->desc,
		.avail_user_addr = (uintptr_t)q->avail,
		.used_user_addr = (uintptr_t)q->used,
		.log_guest_addr = ring_guest_addr(&self->bed.dev, q->used),
	};
	uint64_t features = RING_F_VERSION_1 | 1ULL << VHOST_F_LOG_ALL;
	uint64_t node = bed_lookup(f, "file");
	struct fuse_read_in in = { .size = 4096 };
	struct fuse_call c = {
		.opcode = FUSE_READ, .nodeid = node,
		.in = { { &in, sizeof(in) } }, .nr_in = 1, .out_size = 3 * PAGE,
	};
	struct fuse_open_out open;

	ASSERT_EQ(0, fuse_open(f, node, O_RDONLY, &open));
	in.fh = open.fh;
	ASSERT_EQ(0, ring_set_running(&self->bed.dev, false));
	ASSERT_EQ(0, ring_ioctl(self->bed.dev.fd, VHOST_SET_FEATURES, &features));
	ASSERT_EQ(0, ring_setup_queue(q));
	ASSERT_EQ(0, ring_ioctl(self->bed.dev.fd, VHOST_SET_VRING_ADDR, &addr));
	ASSERT_EQ(0, ring_set_running(&self->bed.dev, true));
	memset(self->log, 0, LOG_SIZE);
	/* The reply begins on a page of its own. */
	ring_alloc(&self->bed.dev, 4 * PAGE);
	ASSERT_EQ(0, fuse_start(f, &c));
	ASSERT_EQ(0, fuse_finish(f, &c));
	EXPECT_EQ(4, c.out_len);
	EXPECT_TRUE(is_logged(self, c.reply));
	EXPECT_TRUE(is_logged(self, q->used));
	EXPECT_FALSE(is_logged(self, (char *)c.reply + 2 * PAGE));
	EXPECT_FALSE(is_logged(self, q->desc));
}

TEST_F(log, off_logs_nothing)
{
	size_t i;

	ASSERT_EQ(0, fuse_getattr(&self->bed.fuse, ROOT, NULL));
	for (i = 0; i < LOG_SIZE; i++)
		if (self->log[i])
			break;
	EXPECT_EQ(LOG_SIZE, i);
}

TEST_HARNESS_MAIN
