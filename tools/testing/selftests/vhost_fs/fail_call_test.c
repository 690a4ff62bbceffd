// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each memory allocation and each copy from or to the caller fails once, for every
 * call that a device's owner, a share's owner or somebody who lists them can make: the
 * n-th that it comes to, for n from 1 on until it is done without having come to it. The
 * call says an errno then, and has done nothing: the same call works when it is made
 * again, and the device serves after it. What the device's threads do is
 * fail_nth_test.c's, and what those that move its state do, state_fail_test.c's.
 */
#include "bed.h"
#include "dump.h"
#include "faults.h"
#include "harness.h"
#include "state.h"

#include <dirent.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#define ROOT FUSE_ROOT_ID
#define PAGE 4096
/* What a log of all of the guest's memory takes, one bit for a page. */
#define LOG_SIZE (((RING_GUEST_BASE + (16 << 20)) / PAGE + 7) / 8)

FIXTURE(fail_call) {
	struct bed bed;
	char name[VHOST_FS_SHARE_NAME_MAX + 1];	/* of another share */
	struct ring_dev dev;
	struct fuse f;
	bool open;
	int knob;
	int socket, family;
	struct dump dump;
	void *page, *log;
	int fd;
};

typedef FIXTURE_DATA(fail_call) fail;

FIXTURE_SETUP(fail_call)
{
	struct bed_config config = { 0 };

	if (!faults_exist())
		SKIP(return, "no faults on demand (CONFIG_FAULT_INJECTION)");
	self->fd = -1;
	self->page = MAP_FAILED;
	ASSERT_EQ(0, faults_allow(true));
	ASSERT_EQ(0, bed_open_share(&self->bed, &config));
	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "data", 4, 0644));
	snprintf(self->name, sizeof(self->name), "other-%d", getpid());
	self->knob = faults_open();
	ASSERT_LE(0, self->knob);
}

/* Threads of devices and transfers that this process has. */
static int count_threads(void)
{
	char name[64], comm[32] = "";
	struct dirent *task;
	int nr = 0, fd;
	DIR *tasks;

	tasks = opendir("/proc/self/task");
	while ((task = readdir(tasks))) {
		snprintf(name, sizeof(name), "/proc/self/task/%.20s/comm", task->d_name);
		fd = open(name, O_RDONLY | O_CLOEXEC);
		if (fd >= 0 && read(fd, comm, sizeof(comm) - 1) > 0)
			nr += !strncmp(comm, "vhost-fs", 8);
		close(fd);
	}
	closedir(tasks);
	return nr;
}

/* One that was told to end is still seen for a moment. */
static int wait_for_threads(void)
{
	int i;

	for (i = 0; count_threads() && i < RING_TIMEOUT_MS; i++)
		poll(NULL, 0, 1);
	return count_threads();
}

static int close_device(fail *self)
{
	if (self->open)
		ring_close(&self->dev);
	self->open = false;
	return 0;
}

/* Neither faults nor threads outlive the test; a share in use would stay. */
FIXTURE_TEARDOWN(fail_call)
{
	if (!faults_exist())
		return;
	close_device(self);
	EXPECT_EQ(0, wait_for_threads());
	share_remove(self->name);
	bed_close(&self->bed);
	EXPECT_EQ(0, faults_allow(false));
}

/**
 * struct call - what is to fail
 * @run: makes it; 0 or a negative errno
 * @before: makes what it needs
 * @works: whether it has done what it is for
 * @undo: takes that away again
 * @changes: it has done something when it fails: only @undo makes good for that
 */
struct call {
	int (*run)(fail *self);
	int (*before)(fail *self);
	bool (*works)(fail *self);
	int (*undo)(fail *self);
	bool changes;
};

/* What those say who have no memory, of a file system, or can't copy. */
static bool is_failure(int error)
{
	return error == -ENOMEM || error == -EFAULT || error == -ENOBUFS ||
	       error == -EAGAIN || error == -ENOSPC;
}

/* Makes the call, whose @nth step is to fail; whether one did. */
static bool fail_once(struct __test_metadata *_metadata, fail *self,
		      const struct call *call, unsigned int nth)
{
	bool fired;
	int error;

	if (call->before)
		ASSERT_EQ(0, call->before(self));
	ASSERT_EQ(0, faults_arm(self->knob, nth));
	error = call->run(self);
	fired = faults_disarm(self->knob) && nth;
	EXPECT_TRUE(!error || (fired && is_failure(error)));
	if (error && call->changes)
		EXPECT_EQ(0, call->undo(self));
	if (error && call->changes && call->before)
		EXPECT_EQ(0, call->before(self));
	if (error)
		EXPECT_EQ(0, call->run(self));
	if (call->works)
		EXPECT_TRUE(call->works(self));
	if (call->undo)
		EXPECT_EQ(0, call->undo(self));
	if (_metadata->exit_code)
		TH_LOG("step %u, result %d", nth, error);
	ASSERT_EQ(0, _metadata->exit_code);
	return fired;
}

/* What is made once for all may be made in the first one. */
static void sweep(struct __test_metadata *_metadata, fail *self, const struct call *call)
{
	unsigned int nth;

	ASSERT_EQ(0, fail_once(_metadata, self, call, 0));
	for (nth = 1; nth < FAULTS_MAX; nth++)
		if (!fail_once(_metadata, self, call, nth))
			break;
	/* Each copies something, or allocates. */
	EXPECT_LT(1, nth);
	EXPECT_LT(nth, FAULTS_MAX);
}

#define FAILS(_name, ...) \
	TEST_F_TIMEOUT(fail_call, _name, 120) \
	{ \
		static const struct call call = { .run = run_##_name, __VA_ARGS__ }; \
		sweep(_metadata, self, &call); \
	}

#define RUN(_name) static int run_##_name(fail *self)

/* ---- the device ------------------------------------------------------------- */

static int open_device(fail *self)
{
	struct ring_config config = { 0 };
	int err;

	close_device(self);
	err = ring_open(&self->dev, &config);
	self->open = !err;
	return err;
}

static int open_attached(fail *self)
{
	int err = open_device(self);

	return err ?: ring_attach(&self->dev, self->bed.share);
}

static bool serves(fail *self)
{
	fuse_session(&self->f, &self->dev, RING_REQUEST);
	return !fuse_init(&self->f) && !fuse_getattr(&self->f, ROOT, NULL) &&
	       bed_lookup(&self->f, "file");
}

static bool starts_and_serves(fail *self)
{
	return !ring_set_running(&self->dev, true) && serves(self) &&
	       !ring_set_running(&self->dev, false);
}

/* Opening, owner, features, memory, rings, and what of them is there closed again. */
RUN(set_up)
{
	return open_device(self);
}

static bool attaches_and_serves(fail *self)
{
	return !ring_attach(&self->dev, self->bed.share) && starts_and_serves(self);
}

FAILS(set_up, .works = attaches_and_serves, .undo = close_device)

/* The same for a device that had an owner, and whose session goes on. */
RUN(take_over)
{
	return ring_take_over(&self->dev, true);
}

FAILS(take_over, .before = open_attached, .works = starts_and_serves)

RUN(attach)
{
	return ring_attach(&self->dev, self->bed.share);
}

FAILS(attach, .before = open_device, .works = starts_and_serves)

RUN(start)
{
	return ring_set_running(&self->dev, true);
}

static int stop(fail *self)
{
	int err = ring_set_running(&self->dev, false);

	return err ?: wait_for_threads();
}

FAILS(start, .before = open_attached, .works = serves, .undo = stop)

RUN(stop)
{
	return ring_set_running(&self->dev, false);
}

static int open_running(fail *self)
{
	int err = open_attached(self);

	return err ?: ring_set_running(&self->dev, true);
}

static bool is_stopped(fail *self)
{
	return !wait_for_threads() && starts_and_serves(self);
}

FAILS(stop, .before = open_running, .works = is_stopped)

/* Closing can't fail. */
RUN(close)
{
	return close_device(self);
}

static bool has_ended(fail *self)
{
	return !self->open && !wait_for_threads();
}

TEST_F_TIMEOUT(fail_call, close, 120)
{
	static const struct call call = {
		.run = run_close, .before = open_running, .works = has_ended,
	};
	unsigned int nth;

	for (nth = 1; nth < FAULTS_MAX; nth++)
		if (!fail_once(_metadata, self, &call, nth))
			break;
	EXPECT_LT(nth, FAULTS_MAX);
}

/* While it runs, as a front end does it that begins to move. */
RUN(log)
{
	uint64_t features = self->dev.features | 1ULL << VHOST_F_LOG_ALL;
	uint64_t base = (uintptr_t)self->log;
	int event = self->fd, err;

	err = ring_ioctl(self->dev.fd, VHOST_SET_LOG_BASE, &base);
	if (!err)
		err = ring_ioctl(self->dev.fd, VHOST_SET_LOG_FD, &event);
	if (!err)
		err = ring_ioctl(self->dev.fd, VHOST_SET_FEATURES, &features);
	return err;
}

static int open_with_log(fail *self)
{
	if (!self->log) {
		self->log = mmap(NULL, LOG_SIZE, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		self->fd = eventfd(0, EFD_CLOEXEC);
	}
	return open_running(self);
}

FAILS(log, .before = open_with_log, .works = serves)

RUN(rings)
{
	return ring_setup_queue(&self->dev.queues[RING_REQUEST]);
}

FAILS(rings, .before = open_attached, .works = starts_and_serves)

RUN(base)
{
	int base = ring_get_base(&self->dev.queues[RING_REQUEST]);

	return base < 0 ? base : 0;
}

FAILS(base, .before = open_attached, .works = starts_and_serves)

RUN(info)
{
	struct vhost_fs_info info = { .size = sizeof(info) };
	int err = ring_ioctl(self->dev.fd, VHOST_FS_GET_INFO, &info);

	return err ?: info.abi_version == VHOST_FS_ABI_VERSION ? 0 : -EPROTO;
}

FAILS(info, .before = open_attached, .works = starts_and_serves)

RUN(map)
{
	self->page = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, self->dev.fd, 0);
	return self->page == MAP_FAILED ? -errno : 0;
}

static int unmap(fail *self)
{
	return munmap(self->page, PAGE);
}

FAILS(map, .before = open_attached, .works = starts_and_serves, .undo = unmap)

/* What it tells is told once, so the result that could not be copied is gone. */
RUN(check_state)
{
	struct vhost_fs_device_state_result result;

	return state_check(&self->dev, &result);
}

static int begin_saving(fail *self)
{
	int err = open_attached(self), fd = memfd_create("state", MFD_CLOEXEC);

	err = err ?: state_begin(&self->dev, VHOST_FS_STATE_SAVE, fd, 0);
	close(fd);
	return err;
}

FAILS(check_state, .before = begin_saving, .works = starts_and_serves,
      .undo = close_device, .changes = true)

RUN(cancel)
{
	return state_cancel(&self->dev);
}

FAILS(cancel, .before = begin_saving, .works = starts_and_serves)

/* ---- shares ------------------------------------------------------------------- */

static const struct vhost_fs_id_rule id_rules[] = {
	{ VHOST_FS_ID_GUEST, 0, 100, 10 }, { VHOST_FS_ID_HOST, 100, 0, 10 },
};

static const struct vhost_fs_xattr_rule xattr_rules[] = {
	{ VHOST_FS_XATTR_CLIENT, VHOST_FS_XATTR_PREFIX, "", "user.guest." },
	{ VHOST_FS_XATTR_SERVER, VHOST_FS_XATTR_PREFIX, "", "user.guest." },
};

/* With each array that there is. */
RUN(add_share)
{
	static const uint32_t ids[] = { 5, 6, 7 };
	struct vhost_fs_add_share arg = {
		.size = sizeof(arg), .flags = VHOST_FS_SHARE_XATTR,
		.root_fd = self->bed.fd, .inode_file_handles = VHOST_FS_HANDLES_PREFER,
		.users = (uintptr_t)ids, .nr_users = 3,
		.groups = (uintptr_t)ids, .nr_groups = 3,
		.uid_rules = (uintptr_t)id_rules, .nr_uid_rules = 2,
		.gid_rules = (uintptr_t)id_rules, .nr_gid_rules = 2,
		.xattr_rules = (uintptr_t)xattr_rules, .nr_xattr_rules = 2,
	};

	memcpy(arg.name, self->name, sizeof(arg.name));
	return share_add(&arg);
}

static int remove_share(fail *self)
{
	return share_remove(self->name);
}

FAILS(add_share, .undo = remove_share)

RUN(remove_share)
{
	return remove_share(self);
}

FAILS(remove_share, .before = run_add_share)

RUN(set_share)
{
	struct vhost_fs_set_share arg = {
		.size = sizeof(arg), .flags = VHOST_FS_SET_MAX_NODES, .max_nodes = 7,
	};

	memcpy(arg.name, self->bed.share, sizeof(arg.name));
	return ring_ioctl(self->dev.fd, VHOST_FS_SET_SHARE, &arg);
}

FAILS(set_share, .before = open_attached, .works = starts_and_serves)

/* ---- lists ---------------------------------------------------------------------- */

static int open_socket(fail *self)
{
	int err = self->open ? 0 : open_running(self);

	self->socket = nl_socket();
	self->family = self->socket < 0 ? -1 : family(self->socket);
	return err ?: self->family < 0 ? -EIO : 0;
}

/* A list that broke off is no list: it is asked for anew, at a new socket. */
static int list(fail *self, int command)
{
	dump_ask(&self->dump, self->socket, self->family, command);
	dump_finish(&self->dump);
	return self->dump.error;
}

static int close_socket(fail *self)
{
	return close(self->socket);
}

static bool is_listed(fail *self)
{
	return count_share(&self->dump, self->bed.share) == 1;
}

RUN(list_shares)
{
	return list(self, VHOST_FS_CMD_SHARE_GET);
}

FAILS(list_shares, .before = open_socket, .works = is_listed, .undo = close_socket,
      .changes = true)

static bool is_served(fail *self)
{
	int i, nr = 0;

	for (i = 0; i < self->dump.nr; i++)
		nr += !strcmp(get_string(&self->dump.records[i], VHOST_FS_A_DEVICE_SHARE),
			      self->bed.share);
	return nr == 1;
}

RUN(list_devices)
{
	return list(self, VHOST_FS_CMD_DEVICE_GET);
}

FAILS(list_devices, .before = open_socket, .works = is_served, .undo = close_socket,
      .changes = true)

TEST_HARNESS_MAIN
