// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a vhost-user back end ends: it does so when it is told to, whatever its front
 * end does or has handed over, and only by signals that whoever started it left it.
 */
#include "front_end.h"
#include "fuse.h"
#include "harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <net/if.h>

#define PAGE 4096UL
/* As vu-serve.c's MAX_DEATHS. */
#define DEATHS 5

FIXTURE(end) {
	struct bed bed;
	struct fe_back_end be;
	struct ring_dev dev;
	int fd;
};

static int start_once(FIXTURE_DATA(end) *self, bool once)
{
	struct vu_service service = { .once = once };
	int ret = fe_start(&self->be, &self->bed, &service);

	if (ret)
		return ret;
	self->fd = fe_connect(self->be.path);
	return self->fd < 0 ? self->fd : 0;
}

static int start(FIXTURE_DATA(end) *self)
{
	return start_once(self, false);
}

FIXTURE_SETUP(end)
{
	struct bed_config config = { };
	struct ring_config ring = { .shared = true };

	ASSERT_EQ(0, bed_open_share(&self->bed, &config));
	ASSERT_EQ(0, ring_make(&self->dev, &ring));
}

FIXTURE_TEARDOWN(end)
{
	close(self->fd);
	ring_close(&self->dev);
	bed_close(&self->bed);
}

/* It looks for signals between two messages, though there is always another one. */
TEST_F(end, in_a_flood)
{
	uint64_t number;
	pid_t pid;
	int i;

	ASSERT_EQ(0, start(self));
	ASSERT_EQ(0, fe_set_up(self->fd, &self->dev));
	pid = fork();
	if (!pid)
		while (!fe_send(self->fd, VU_SET_VRING_ENABLE, 0,
				&(struct vhost_vring_state){ .index = 1, .num = 1 },
				sizeof(struct vhost_vring_state), NULL, 0))
			;
	if (!pid)
		_exit(0);
	/* Answers come between the others', so it is being flooded. */
	for (i = 0; i < 10; i++)
		ASSERT_EQ(0, fe_get(self->fd, VU_GET_FEATURES, &number));
	ASSERT_EQ(0, fe_end(&self->be, SIGTERM));
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
}

/* A socket whose last close() waits until the other side has read everything. */
static int lingering_socket(int *listener)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };
	struct linger linger = { .l_onoff = 1, .l_linger = 1000 };
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	socklen_t len = sizeof(addr);
	char data[4096] = { };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	*listener = socket(AF_INET, SOCK_STREAM, 0);
	if (ioctl(fd, SIOCSIFFLAGS, &lo) || bind(*listener, (void *)&addr, sizeof(addr)) ||
	    listen(*listener, 1) || getsockname(*listener, (void *)&addr, &len) ||
	    connect(fd, (void *)&addr, sizeof(addr)) ||
	    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)))
		return -1;
	while (send(fd, data, sizeof(data), MSG_DONTWAIT) > 0)
		;
	return fd;
}

/* In the record until the end, or never taken up, or replaced. */
TEST_F(end, with_a_lingering_socket)
{
	int listener, fd, i;

	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0 && errno == EAFNOSUPPORT)
		SKIP(return, "this kernel knows no sockets that linger");
	close(fd);
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	fd = lingering_socket(&listener);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, start(self));
	ASSERT_EQ(0, fe_set_up(self->fd, &self->dev));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, fe_send(self->fd, VU_SET_BACKEND_REQ_FD, 0, NULL, 0, &fd, 1));
	ASSERT_TRUE(fe_is_alive(self->fd));
	/* Ours isn't the last one, nor does it wait. */
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 0 }, sizeof(struct linger));
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 1000 }, sizeof(struct linger));
	close(fd);
	ASSERT_EQ(0, fe_end(&self->be, SIGTERM));
	close(listener);
}

TEST_F(end, by_signals_blocked_before)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	ASSERT_EQ(0, sigprocmask(SIG_BLOCK, &set, NULL));
	ASSERT_EQ(0, start(self));
	ASSERT_TRUE(fe_is_alive(self->fd));
	ASSERT_EQ(0, fe_end(&self->be, SIGTERM));
}

/* As nohup(1) has it. */
TEST_F(end, not_by_signals_ignored_before)
{
	signal(SIGHUP, SIG_IGN);
	ASSERT_EQ(0, start(self));
	ASSERT_TRUE(fe_is_alive(self->fd));
	ASSERT_EQ(0, kill(self->be.pid, SIGHUP));
	ASSERT_TRUE(fe_is_alive(self->fd));
	ASSERT_EQ(0, fe_end(&self->be, SIGINT));
}

static void answer(int fd, uint64_t unique, int error, const void *data, size_t size)
{
	struct fuse_out_header out = { sizeof(out) + size, error, unique };
	struct iovec iov[] = { { &out, sizeof(out) }, { (void *)data, size } };

	if (writev(fd, iov, 2) < 0)
		_exit(1);
}

/* Serves a directory until somebody looks for a name in it; then it does nothing more. */
static void serve_files(int fd, int asked)
{
	static const struct fuse_init_out init = { .major = 7, .minor = 31 };
	static const struct fuse_attr_out root = {
		.attr = { .ino = 1, .mode = S_IFDIR | 0755, .nlink = 2 },
	};
	static char buf[1 << 17];
	struct fuse_in_header *in = (void *)buf;

	while (read(fd, buf, sizeof(buf)) > 0) {
		if (in->opcode == FUSE_INIT)
			answer(fd, in->unique, 0, &init, sizeof(init));
		else if (in->opcode == FUSE_GETATTR)
			answer(fd, in->unique, 0, &root, sizeof(root));
		else if (in->opcode != FUSE_LOOKUP)
			answer(fd, in->unique, -ENOSYS, NULL, 0);
		else if (write(asked, "", 1) == 1)
			pause();
	}
	_exit(0);
}

/* The bed's share is one of a file system whose server is dead; returns its pid. */
static pid_t share_dead_files(FIXTURE_DATA(end) *self, const char *path, int *asked)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC), ends[2], root;
	char options[80];
	pid_t pid;

	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	if (fd < 0 || mkdir(path, 0755) || mount("dead", path, "fuse", 0, options) ||
	    pipe2(ends, O_CLOEXEC))
		return -1;
	pid = fork();
	if (!pid)
		serve_files(fd, ends[1]);
	close(fd);
	close(ends[1]);
	*asked = ends[0];
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (share_remove(self->bed.share) || share_add_fd(self->bed.share, root))
		return -1;
	close(root);
	return pid;
}

/* A server that was killed can't end, and nobody waits for it for good. */
TEST_F(end, with_a_dead_file_server)
{
	struct fuse_call call = {
		.opcode = FUSE_LOOKUP, .nodeid = FUSE_ROOT_ID, .in = { { "name", 5 } },
		.nr_in = 1, .out_size = sizeof(struct fuse_entry_out),
	};
	struct fuse f;
	char path[100], byte;
	int asked;
	pid_t pid;

	ASSERT_EQ(0, unshare(CLONE_NEWNS));
	ASSERT_EQ(0, mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	snprintf(path, sizeof(path), "%s/dead", self->bed.top);
	pid = share_dead_files(self, path, &asked);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, start(self));
	ASSERT_EQ(0, fe_set_up(self->fd, &self->dev));
	fuse_session(&f, &self->dev, RING_REQUEST);
	ASSERT_EQ(0, fuse_init(&f));
	ASSERT_EQ(0, fuse_start(&f, &call));
	ASSERT_EQ(1, read(asked, &byte, 1));
	ASSERT_EQ(0, fe_kill_server(&self->be));
	ASSERT_EQ(0, fe_end(&self->be, SIGTERM));
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	ASSERT_EQ(0, umount2(path, MNT_DETACH));
	close(asked);
}

/* One region too many is refused, and all is as it was. */
TEST_F(end, not_by_the_limit_of_regions)
{
	struct vu_region region = { .size = PAGE };
	int memory = memfd_create("more", MFD_CLOEXEC);
	uint64_t limit, i;

	ASSERT_EQ(0, ftruncate(memory, PAGE));
	ASSERT_EQ(0, start(self));
	ASSERT_EQ(0, fe_set_up(self->fd, &self->dev));
	ASSERT_EQ(0, fe_get(self->fd, VU_GET_MAX_MEM_SLOTS, &limit));
	for (i = 1; i <= limit; i++) {
		region.guest = RING_GUEST_BASE + (1ULL << 40) + i * PAGE;
		region.user = i * PAGE;
		ASSERT_EQ(i < limit ? 0 : -EIO,
			  fe_add_region(self->fd, VU_ADD_MEM_REG, &region, memory));
	}
	ASSERT_TRUE(fe_is_alive(self->fd));
	region.guest -= PAGE;
	region.user -= PAGE;
	ASSERT_EQ(0, fe_add_region(self->fd, VU_REM_MEM_REG, &region, -1));
	ASSERT_EQ(0, fe_add_region(self->fd, VU_ADD_MEM_REG, &region, memory));
	ASSERT_EQ(0, fe_end(&self->be, SIGTERM));
	close(memory);
}

/* Puts a request on a ring that is served when it is kicked, and doesn't kick it. */
static int start_untold(struct fuse *f, struct fe_load *load, unsigned int *made)
{
	int ret, kick = f->q->kick, nobody = eventfd(0, EFD_CLOEXEC);

	while (__atomic_load_n(&f->q->used->flags, __ATOMIC_SEQ_CST) & VRING_USED_F_NO_NOTIFY)
		sched_yield();
	f->q->kick = nobody;
	ret = fe_start_load(f, load, made);
	f->q->kick = kick;
	close(nobody);
	return ret;
}

/* What it has left on a ring, and told nobody of, is of no use to anybody. */
TEST_F(end, not_serving_for_who_is_gone)
{
	unsigned int made = 0;
	struct fe_load load;
	struct fuse f;

	ASSERT_EQ(0, start(self));
	ASSERT_EQ(0, fe_set_up(self->fd, &self->dev));
	fuse_session(&f, &self->dev, RING_REQUEST);
	ASSERT_EQ(0, fuse_init(&f));
	ASSERT_EQ(0, fe_make_one(&f, &made));
	ASSERT_EQ(0, start_untold(&f, &load, &made));
	/* The next one is served when the first has ended. */
	close(self->fd);
	self->fd = fe_connect(self->be.path);
	ASSERT_TRUE(fe_is_alive(self->fd));
	EXPECT_FALSE(ring_has_used(f.q));
	EXPECT_EQ(3, bed_count(&self->bed));
	ASSERT_EQ(0, fe_end(&self->be, SIGTERM));
}

/* Nor is what a guest had asked for that is reset; the next one finds all as it was. */
TEST_F(end, not_serving_for_who_is_reset)
{
	struct ring_dev *dev = &self->dev;
	unsigned int made = 0;
	uint64_t number = 1;
	struct fe_load load;
	struct fuse f;

	ASSERT_EQ(0, start(self));
	ASSERT_EQ(0, fe_set_up(self->fd, dev));
	fuse_session(&f, dev, RING_REQUEST);
	ASSERT_EQ(0, fuse_init(&f));
	ASSERT_EQ(0, fe_make_one(&f, &made));
	ASSERT_EQ(0, start_untold(&f, &load, &made));
	ASSERT_EQ(0, fe_send(self->fd, VU_RESET_DEVICE, VU_FLAG_NEED_REPLY, NULL, 0, NULL, 0));
	ASSERT_EQ(8, fe_receive(self->fd, VU_RESET_DEVICE, &number, sizeof(number), NULL));
	ASSERT_EQ(0, number);
	EXPECT_FALSE(ring_has_used(f.q));
	EXPECT_EQ(3, bed_count(&self->bed));
	/* Served as it stands, which no driver would: so it was the reset that did nothing. */
	ASSERT_EQ(0, fe_set(self->fd, VU_SET_FEATURES, RING_F_VERSION_1 | VU_F_PROTOCOL));
	ASSERT_EQ(0, fe_set_ring(self->fd, &dev->queues[RING_HIPRIO]));
	ASSERT_EQ(0, fe_set_ring(self->fd, f.q));
	ASSERT_EQ(0, fuse_finish(&f, &load.c));
	EXPECT_EQ(4, bed_count(&self->bed));
	ASSERT_EQ(0, fe_end(&self->be, SIGTERM));
}

/* Of servers that die of what they are given; not of those that somebody kills. */
static int kill_each(FIXTURE_DATA(end) *self)
{
	int i, ret = 0;

	for (i = 0; !ret && i < DEATHS; i++)
		ret = fe_kill_server(&self->be);
	if (!ret && !fe_is_alive(self->fd))
		ret = -EPIPE;
	for (i = 0; !ret && i < DEATHS; i++)
		ret = fe_signal_server(&self->be, SIGUSR1);
	return ret;
}

static bool was_told(struct fe_back_end *be, const char *what)
{
	const char *line;

	do {
		line = fe_log_line(be);
	} while (*line && !strstr(line, what));
	return *line;
}

/* That ends the connection, and the next one is served. */
TEST_F(end, of_servers_that_die_each_time)
{
	ASSERT_EQ(0, start(self));
	ASSERT_TRUE(fe_is_alive(self->fd));
	ASSERT_EQ(0, kill_each(self));
	ASSERT_TRUE(fe_is_closed(self->fd));
	ASSERT_TRUE(was_told(&self->be, "the server died of signal 10 each time"));
	close(self->fd);
	self->fd = fe_connect(self->be.path);
	ASSERT_TRUE(fe_is_alive(self->fd));
	ASSERT_EQ(0, fe_end(&self->be, SIGTERM));
}

/* Unless there is none: who waits for the end of the one that there was hears why. */
TEST_F(end, status_of_the_only_connection)
{
	ASSERT_EQ(0, start_once(self, true));
	ASSERT_EQ(0, kill_each(self));
	ASSERT_TRUE(fe_is_closed(self->fd));
	ASSERT_EQ(1, fe_end(&self->be, 0));
	close(self->fd);
	ASSERT_EQ(0, start_once(self, true));
	ASSERT_TRUE(fe_is_alive(self->fd));
	close(self->fd);
	self->fd = -1;
	ASSERT_EQ(0, fe_end(&self->be, 0));
	/* A front end that breaks the protocol is no failure of who serves. */
	ASSERT_EQ(0, start_once(self, true));
	ASSERT_EQ(0, fe_send(self->fd, 1000, 0, NULL, 0, NULL, 0));
	ASSERT_TRUE(fe_is_closed(self->fd));
	ASSERT_EQ(0, fe_end(&self->be, 0));
}

TEST_HARNESS_MAIN
