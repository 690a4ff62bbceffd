// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vhost-user back end becomes another program, at any moment: with requests in
 * flight, between messages, during them, and within them. Neither front end nor guest
 * notice; and a program that can't go on with what there is replaces nothing.
 *
 * The program is this one, which is a back end if it finds itself in one's place.
 */
#include "front_end.h"
#include "fuse.h"
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/sendfile.h>

#define ROOT FUSE_ROOT_ID
#define PAGE 4096UL
#define UPGRADES 10
#define DEPTH 24

FIXTURE(upgrade) {
	struct bed bed;
	struct fe_back_end be;
	struct ring_dev dev;
	struct fuse fuse;
	char program[100];
	int fd;
	unsigned int made;
};

/* Puts a new file in the place of @path, as packages do. */
static int install(const char *from, const char *path)
{
	char new[120];
	int in = open(from, O_RDONLY | O_CLOEXEC), out;
	struct stat st;

	snprintf(new, sizeof(new), "%s.new", path);
	out = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	if (in < 0 || out < 0 || fstat(in, &st) ||
	    sendfile(out, in, NULL, st.st_size) != st.st_size)
		return -errno;
	close(in);
	close(out);
	return rename(new, path) ? -errno : 0;
}

static int set_up(FIXTURE_DATA(upgrade) *self)
{
	self->fd = fe_connect(self->be.path);
	if (self->fd < 0)
		return self->fd;
	return fe_set_up(self->fd, &self->dev);
}

FIXTURE_SETUP(upgrade)
{
	struct bed_config config = { };
	struct ring_config ring = {
		.shared = true, .request_queues = 2,
		.features = RING_F_INDIRECT | RING_F_EVENT_IDX,
	};
	struct vu_service service = { .program = self->program };

	ASSERT_EQ(0, bed_open_share(&self->bed, &config));
	ASSERT_EQ(0, ring_make(&self->dev, &ring));
	snprintf(self->program, sizeof(self->program), "%s/program", self->bed.top);
	ASSERT_EQ(0, install("/proc/self/exe", self->program));
	fuse_session(&self->fuse, &self->dev, RING_REQUEST);
	ASSERT_EQ(0, fe_start(&self->be, &self->bed, &service));
	ASSERT_EQ(0, set_up(self));
	ASSERT_EQ(0, fe_set(self->fd, VU_SET_FEATURES, self->dev.features | VU_F_PROTOCOL));
	ASSERT_EQ(0, fuse_init(&self->fuse));
}

FIXTURE_TEARDOWN(upgrade)
{
	struct stat st = { };
	char pid_path[120];

	EXPECT_EQ(0, fe_end(&self->be, SIGTERM));
	EXPECT_EQ(-1, access(self->be.path, F_OK));
	/* Nobody is killed by what is left of it. */
	snprintf(pid_path, sizeof(pid_path), "%s.pid", self->be.path);
	EXPECT_EQ(0, stat(pid_path, &st));
	EXPECT_EQ(0, st.st_size);
	close(self->fd);
	ring_close(&self->dev);
	bed_close(&self->bed);
}

static ino_t file_of(pid_t pid)
{
	struct stat st = { };
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	stat(path, &st);
	return st.st_ino;
}

/* Each time it is another file. */
TEST_F_TIMEOUT(upgrade, under_load, 300)
{
	unsigned int i, round, rounds = test_rounds(UPGRADES);
	struct fe_load l[DEPTH];
	struct stat st;

	for (round = 0; round < rounds; round++) {
		size_t mark = ring_mark(&self->dev);

		ASSERT_EQ(0, install("/proc/self/exe", self->program));
		for (i = 0; i < DEPTH; i++)
			ASSERT_EQ(0, fe_start_load(&self->fuse, &l[i], &self->made));
		ASSERT_EQ(0, fe_upgrade(&self->be));
		for (i = 0; i < DEPTH; i++)
			ASSERT_EQ(0, fuse_finish(&self->fuse, &l[i].c));
		ASSERT_EQ(0, stat(self->program, &st));
		ASSERT_EQ(st.st_ino, file_of(self->be.pid));
		ring_release(&self->dev, mark);
	}
	ASSERT_EQ(self->made + 2, bed_count(&self->bed));
}

/* The next one has all that the last one was told, and is told more. */
TEST_F_TIMEOUT(upgrade, between_messages, 120)
{
	struct vu_region region = {
		.guest = RING_GUEST_BASE + (1ULL << 40), .size = 16 * PAGE, .user = 0x10000,
	};
	int memory = memfd_create("more", MFD_CLOEXEC);
	unsigned int i;
	int at;

	ASSERT_EQ(0, ftruncate(memory, region.size));
	ASSERT_EQ(0, fe_add_region(self->fd, VU_ADD_MEM_REG, &region, memory));
	close(memory);
	ASSERT_EQ(0, fe_upgrade(&self->be));
	ASSERT_EQ(0, fe_add_region(self->fd, VU_REM_MEM_REG, &region, -1));
	ASSERT_EQ(-EIO, fe_add_region(self->fd, VU_REM_MEM_REG, &region, -1));
	for (i = 0; i < self->dev.nr_queues; i++) {
		struct ring_queue *q = &self->dev.queues[i];

		at = fe_stop_ring(self->fd, i);
		ASSERT_EQ(q->last_used, at);
		close(q->call);
		q->call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		ASSERT_EQ(0, fe_upgrade(&self->be));
		ASSERT_EQ(0, fe_set_ring(self->fd, q));
	}
	ASSERT_EQ(0, fe_make_one(&self->fuse, &self->made));
}

/* Whatever it does when the signal comes, each message is answered once. */
TEST_F_TIMEOUT(upgrade, during_messages, 120)
{
	unsigned int round, rounds = test_rounds(UPGRADES);
	uint64_t number;

	for (round = 0; round < rounds; round++) {
		ASSERT_EQ(0, kill(self->be.pid, SIGUSR2));
		if (round % 3 == 1)
			ASSERT_EQ(0, fe_kill_server(&self->be));
		ASSERT_EQ(0, fe_set_memory(self->fd, &self->dev));
		ASSERT_EQ(0, fe_get(self->fd, VU_GET_QUEUE_NUM, &number));
		ASSERT_EQ(1 + VHOST_FS_MAX_REQUEST_QUEUES, number);
		ASSERT_EQ(0, fe_make_one(&self->fuse, &self->made));
		ASSERT_EQ(0, fe_upgrade(&self->be));
	}
}

/* A message of which a part had come, with its descriptor. */
TEST_F(upgrade, within_a_message)
{
	struct ring_queue *q = self->fuse.q;
	const uint32_t message[] = {
		VU_SET_VRING_CALL, VU_VERSION | VU_FLAG_NEED_REPLY, 8, q->index, 0,
	};
	uint64_t answer = 1;
	int call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	ASSERT_EQ(0, fe_send_raw(self->fd, message, 15, &call, 1));
	ASSERT_EQ(0, fe_upgrade(&self->be));
	ASSERT_EQ(0, fe_send_raw(self->fd, (char *)&message + 15, 5, NULL, 0));
	ASSERT_EQ(8, fe_receive(self->fd, VU_SET_VRING_CALL, &answer, sizeof(answer), NULL));
	ASSERT_EQ(0, answer);
	close(q->call);
	q->call = call;
	ASSERT_EQ(0, fe_make_one(&self->fuse, &self->made));
}

/* Another front end, with memory and a guest of its own. */
static int connect_anew(FIXTURE_DATA(upgrade) *self)
{
	int err;

	ring_close(&self->dev);
	err = ring_make(&self->dev, &(struct ring_config){ .shared = true });
	if (err)
		return err;
	fuse_session(&self->fuse, &self->dev, RING_REQUEST);
	err = set_up(self);
	if (!err)
		err = fuse_init(&self->fuse);
	return err ? err : fe_make_one(&self->fuse, &self->made);
}

/* The path stays locked, and the next connection is served. */
TEST_F(upgrade, while_nobody_is_connected)
{
	struct fe_back_end other;
	struct vu_service service = { };

	close(self->fd);
	ASSERT_EQ(0, fe_upgrade(&self->be));
	ASSERT_EQ(0, fe_start(&other, &self->bed, &service));
	ASSERT_EQ(1, fe_end(&other, 0));
	ASSERT_EQ(0, connect_anew(self));
	ASSERT_EQ(0, fe_upgrade(&self->be));
	ASSERT_EQ(0, fe_make_one(&self->fuse, &self->made));
}

/* The next program's server can't have it any more, which ends this connection alone. */
TEST_F(upgrade, with_memory_that_was_cut_short)
{
	ASSERT_EQ(0, ftruncate(self->dev.mem_fd, 0));
	ASSERT_EQ(0, fe_upgrade(&self->be));
	ASSERT_TRUE(fe_is_closed(self->fd));
	close(self->fd);
	ASSERT_EQ(0, connect_anew(self));
}

static int write_program(FIXTURE_DATA(upgrade) *self, const char *text)
{
	char new[120];
	int fd;

	snprintf(new, sizeof(new), "%s.text", self->bed.top);
	fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	if (fd < 0 || write(fd, text, strlen(text)) != strlen(text) || close(fd))
		return -errno;
	return rename(new, self->program) ? -errno : 0;
}

static bool says(FIXTURE_DATA(upgrade) *self, const char *what)
{
	const char *line = fe_log_line(&self->be);

	if (!strstr(line, what))
		fprintf(stderr, "# back end: %s\n", line);
	return strstr(line, what);
}

TEST_F_TIMEOUT(upgrade, to_what_can_not_go_on, 120)
{
	/* Nothing that can be run; what ends well, or ill, or knows nothing of this. */
	static const char *const programs[] = {
		"text", "#!/nonexistent\n", "#!/bin/sh\nexit 0\n", "#!/bin/sh\nkill -9 $$\n",
	};
	unsigned int i;

	for (i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		ASSERT_EQ(0, write_program(self, programs[i]));
		ASSERT_EQ(0, kill(self->be.pid, SIGUSR2));
		if (i < 2)
			ASSERT_TRUE(says(self, "can't run"));
		ASSERT_TRUE(says(self, "not upgraded: "));
		ASSERT_EQ(0, fe_make_one(&self->fuse, &self->made));
		ASSERT_TRUE(fe_is_alive(self->fd));
	}
	ASSERT_EQ(0, unlink(self->program));
	ASSERT_EQ(0, kill(self->be.pid, SIGUSR2));
	ASSERT_TRUE(says(self, "can't run"));
	ASSERT_TRUE(says(self, "not upgraded: "));
	ASSERT_EQ(0, install("/proc/self/exe", self->program));
	ASSERT_EQ(0, fe_upgrade(&self->be));
	ASSERT_EQ(0, fe_make_one(&self->fuse, &self->made));
}

/* As if a program of another version had written, or one of another kind read. */
TEST_F(upgrade, to_what_reads_another_form)
{
	static const char *const changes[] = {
		"printf '\\377' | dd bs=1 conv=notrunc 2>/dev/null of=", ": >",
	};
	char text[300], exe[100];
	unsigned int i;
	ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	ASSERT_LT(0, len);
	exe[len] = '\0';
	for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		snprintf(text, sizeof(text),
			 "#!/bin/sh\n%s\"/proc/self/fd/$VHOST_FS_HANDOVER\"\nexec %s\n",
			 changes[i], exe);
		ASSERT_EQ(0, write_program(self, text));
		ASSERT_EQ(0, kill(self->be.pid, SIGUSR2));
		ASSERT_TRUE(says(self, "can't go on with what another version"));
		ASSERT_TRUE(says(self, "not upgraded: "));
		ASSERT_EQ(0, fe_make_one(&self->fuse, &self->made));
	}
}

/* It is told to end while it waits for one that doesn't answer. */
TEST_F(upgrade, to_what_does_not_answer)
{
	char text[200], fifo[100], byte;
	int fd;

	snprintf(fifo, sizeof(fifo), "%s/started", self->bed.top);
	ASSERT_EQ(0, mkfifo(fifo, 0600));
	snprintf(text, sizeof(text), "#!/bin/sh\necho >%s\nexec sleep 1000\n", fifo);
	ASSERT_EQ(0, write_program(self, text));
	ASSERT_EQ(0, kill(self->be.pid, SIGUSR2));
	fd = open(fifo, O_RDONLY | O_CLOEXEC);
	ASSERT_EQ(1, read(fd, &byte, 1));
	close(fd);
	ASSERT_EQ(0, fe_make_one(&self->fuse, &self->made));
	/* The teardown ends it. */
}

/* What is in the pipe can't be taken back. */
TEST_F(upgrade, not_while_the_state_is_moved)
{
	int pipe_fds[2];
	char piece[4096];

	close(self->fd);
	ASSERT_EQ(0, pipe2(pipe_fds, O_CLOEXEC));
	self->fd = fe_connect(self->be.path);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, fe_negotiate(self->fd, FE_PROTOCOL_DEVICE_STATE));
	ASSERT_EQ(0, fe_set_device_state_fd(self->fd, FE_STATE_SAVE, pipe_fds[1]));
	close(pipe_fds[1]);
	ASSERT_EQ(0, kill(self->be.pid, SIGUSR2));
	ASSERT_TRUE(says(self, "not upgraded: the device's state is being moved"));
	while (read(pipe_fds[0], piece, sizeof(piece)) > 0)
		;
	fe_check_device_state(self->fd);
	ASSERT_EQ(0, fe_upgrade(&self->be));
	ASSERT_TRUE(fe_is_alive(self->fd));
	close(pipe_fds[0]);
}

int main(int argc, char **argv)
{
	fe_go_on();
	return test_harness_run(argc, argv);
}
