// SPDX-License-Identifier: GPL-2.0-only
/*
 * An owner that dies while the device's state is being saved, by a thread that can't
 * be interrupted, since it writes to a file system that is frozen.
 */
#include "bed.h"
#include "harness.h"
#include "state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <linux/fs.h>

FIXTURE(owner) {
	struct bed bed;
	struct ring_dev dev;
	struct fuse f;
	int file;		/* where the state goes to */
	int say;		/* where an owner says that it is one */
	pid_t pid;		/* the owner */
};

/* Takes the device, and serves or saves; waits to be killed. */
static void be_owner(FIXTURE_DATA(owner) *self, bool serve, int fd)
{
	int ret = ring_take_over(&self->dev, true);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!ret)
		ret = serve ? ring_set_running(&self->dev, true) :
			state_begin(&self->dev, VHOST_FS_STATE_SAVE, self->file, 0);
	if (ret || write(fd, "r", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

static int start_owner(FIXTURE_DATA(owner) *self, bool serve)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	self->say = fds[0];
	self->pid = fork();
	if (!self->pid)
		be_owner(self, serve, fds[1]);
	close(fds[1]);
	return 0;
}

/* Waits until the owner is one. */
static int hear(FIXTURE_DATA(owner) *self)
{
	struct pollfd p = { .fd = self->say, .events = POLLIN };
	char byte;

	return poll(&p, 1, RING_TIMEOUT_MS) == 1 && read(p.fd, &byte, 1) == 1 ? 0 : -EPIPE;
}

static void kill_owner(FIXTURE_DATA(owner) *self)
{
	kill(self->pid, SIGKILL);
	close(self->say);
}

/* Has the owner a thread that waits for what no signal interrupts? */
static bool waits(FIXTURE_DATA(owner) *self)
{
	char name[300], state = 0, line[200];
	struct dirent *entry;
	DIR *tasks;
	FILE *f;

	snprintf(name, sizeof(name), "/proc/%d/task", self->pid);
	tasks = opendir(name);
	while (tasks && state != 'D' && (entry = readdir(tasks))) {
		snprintf(name, sizeof(name), "/proc/%d/task/%s/stat", self->pid, entry->d_name);
		f = fopen(name, "re");
		if (!f)
			continue;
		if (!fgets(line, sizeof(line), f) ||
		    sscanf(line, "%*d (%*[^)]) %c", &state) != 1)
			state = 0;
		fclose(f);
	}
	if (tasks)
		closedir(tasks);
	return state == 'D';
}

static int wait_until_it_waits(FIXTURE_DATA(owner) *self)
{
	int i;

	for (i = 0; i < RING_TIMEOUT_MS / 10 && !waits(self); i++)
		poll(NULL, 0, 10);
	return waits(self) ? 0 : -ETIME;
}

/* One that stays is no reason to leave the file system frozen. */
static int wait_for_its_end(FIXTURE_DATA(owner) *self)
{
	int i;

	for (i = 0; i < RING_TIMEOUT_MS / 10; i++) {
		if (waitpid(self->pid, NULL, WNOHANG) == self->pid)
			return 0;
		poll(NULL, 0, 10);
	}
	return -ETIME;
}

FIXTURE_SETUP(owner)
{
	struct ring_config ring = { .shared = true };
	struct bed_config config = { .disk = true };

	ASSERT_EQ(0, bed_open_share(&self->bed, &config));
	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "data", 4, 0644));
	self->file = openat(self->bed.fd, "state", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ASSERT_LE(0, self->file);
	ASSERT_EQ(0, ring_make(&self->dev, &ring));
	self->dev.fd = open("/dev/vhost-fs", O_RDWR | O_CLOEXEC);
	fuse_session(&self->f, &self->dev, RING_REQUEST);
	ASSERT_EQ(0, ring_attach(&self->dev, self->bed.share));
	ASSERT_EQ(0, start_owner(self, true));
	ASSERT_EQ(0, hear(self));
	ASSERT_EQ(0, fuse_init(&self->f));
}

FIXTURE_TEARDOWN(owner)
{
	kill_owner(self);
	while (wait(NULL) > 0)
		;
	close(self->file);
	ring_close(&self->dev);
	bed_close(&self->bed);
}

/* The next owner can be killed, though it waits for that; the third one goes on. */
TEST_F_TIMEOUT(owner, killed_while_waiting, 60)
{
	uint64_t node = bed_lookup(&self->f, "file");

	kill_owner(self);
	ASSERT_EQ(self->pid, waitpid(self->pid, NULL, 0));
	ASSERT_EQ(0, ioctl(self->bed.fd, FIFREEZE, 0));
	EXPECT_EQ(0, start_owner(self, false));
	EXPECT_EQ(0, hear(self));
	EXPECT_EQ(0, wait_until_it_waits(self));
	kill_owner(self);
	EXPECT_EQ(0, start_owner(self, true));
	EXPECT_EQ(0, wait_until_it_waits(self));
	kill_owner(self);
	EXPECT_EQ(0, wait_for_its_end(self));
	EXPECT_EQ(0, start_owner(self, true));
	ASSERT_EQ(0, ioctl(self->bed.fd, FITHAW, 0));
	ASSERT_EQ(0, hear(self));
	EXPECT_EQ(0, fuse_getattr(&self->f, node, NULL));
}

TEST_HARNESS_MAIN
