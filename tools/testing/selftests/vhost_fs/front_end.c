// SPDX-License-Identifier: GPL-2.0-only
/*
 * The front end's side of vhost-user; see front_end.h.
 */
#include "front_end.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vu-upgrade.h"

int fe_timeout_ms = FE_TIMEOUT_MS;

#define PROTOCOL (VU_PROTOCOL_MQ | VU_PROTOCOL_REPLY_ACK | VU_PROTOCOL_LOG_SHMFD |	\
		  VU_PROTOCOL_MEM_SLOTS | VU_PROTOCOL_RESET_DEVICE |			\
		  VU_PROTOCOL_BACKEND_REQ)

static bool wait_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, fe_timeout_ms) > 0;
}

/* What vu_serve() is told by a command line otherwise. */
#define PATH_VARIABLE "FE_PATH"
#define SHARE_VARIABLE "FE_SHARE"
#define PROGRAM_VARIABLE "FE_PROGRAM"

static void leave_in_environment(const struct vu_service *service)
{
	setenv(SHARE_VARIABLE, service->share, 1);
	if (service->path)
		setenv(PATH_VARIABLE, service->path, 1);
	if (service->program)
		setenv(PROGRAM_VARIABLE, service->program, 1);
}

void fe_go_on(void)
{
	struct vu_service service = {
		.share = getenv(SHARE_VARIABLE), .path = getenv(PATH_VARIABLE),
		.program = getenv(PROGRAM_VARIABLE), .device = -1,
	};

	if (vu_upgrade_is_next())
		exit(vu_serve(&service));
}

int fe_start(struct fe_back_end *be, struct bed *bed, const struct vu_service *service)
{
	struct vu_service mine = *service;
	int log[2];

	if (service->path)
		snprintf(be->path, sizeof(be->path), "%s", service->path);
	else
		snprintf(be->path, sizeof(be->path), "%s/sock", bed->top);
	mine.path = mine.fd ? NULL : be->path;
	mine.share = bed->share;
	mine.device = mine.device ?: -1;
	if (pipe2(log, O_CLOEXEC))
		return -errno;
	be->killed = 0;
	be->pid = fork();
	if (!be->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(log[1], STDERR_FILENO);
		leave_in_environment(&mine);
		_exit(vu_serve(&mine));
	}
	close(log[1]);
	be->log = log[0];
	return be->pid < 0 ? -errno : 0;
}

int fe_end(struct fe_back_end *be, int signal)
{
	int status;

	if (signal)
		kill(be->pid, signal);
	if (waitpid(be->pid, &status, 0) != be->pid)
		return -ECHILD;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* The parent of a process that lives, or 0. */
static pid_t parent_of(pid_t pid)
{
	char path[64], state = 'Z';
	pid_t parent = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%*d (%*[^)]) %c %d", &state, &parent) != 2)
		parent = 0;
	fclose(file);
	return state == 'Z' || state == 'X' ? 0 : parent;
}

static pid_t find_server(const struct fe_back_end *be)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	pid_t pid, found = 0;

	while (dir && !found && (entry = readdir(dir))) {
		pid = atoi(entry->d_name);
		if (pid > 0 && pid != be->killed && parent_of(pid) == be->pid)
			found = pid;
	}
	if (dir)
		closedir(dir);
	return found;
}

static pid_t wait_for_server(const struct fe_back_end *be)
{
	pid_t pid = 0;
	int i;

	for (i = 0; i < FE_TIMEOUT_MS && !pid; i++) {
		pid = find_server(be);
		if (!pid)
			usleep(1000);
	}
	return pid;
}

int fe_server_files(const struct fe_back_end *be, const char *name)
{
	char path[64], target[256];
	struct dirent *entry;
	int nr = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)wait_for_server(be));
	dir = opendir(path);
	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		ssize_t len = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);

		target[len < 0 ? 0 : len] = '\0';
		nr += !!strstr(target, name);
	}
	closedir(dir);
	return nr;
}

int fe_signal_server(struct fe_back_end *be, int signal)
{
	pid_t pid;

	/* The one that was found may have ended to make place for another. */
	do {
		pid = wait_for_server(be);
		if (!pid)
			return -ESRCH;
	} while (kill(pid, signal) && errno == ESRCH);
	be->killed = pid;
	return 0;
}

int fe_kill_server(struct fe_back_end *be)
{
	return fe_signal_server(be, SIGKILL);
}

int fe_kill(struct fe_back_end *be)
{
	int ret = fe_end(be, SIGKILL);

	close(be->log);
	return ret == -SIGKILL ? 0 : ret < 0 ? ret : -EPROTO;
}

int fe_upgrade(struct fe_back_end *be)
{
	const char *line;

	if (kill(be->pid, SIGUSR2))
		return -errno;
	do {
		line = fe_log_line(be);
		if (strstr(line, "this one goes on"))
			return 0;
	} while (*line && !strstr(line, "not upgraded"));
	fprintf(stderr, "# back end: %s\n", line);
	return -EPROTO;
}

const char *fe_log_line(struct fe_back_end *be)
{
	static char line[512];
	size_t len = 0;

	while (len < sizeof(line) - 1 && wait_readable(be->log) &&
	       read(be->log, line + len, 1) == 1 && line[len] != '\n')
		len++;
	line[len] = '\0';
	return line;
}

bool fe_has_log(struct fe_back_end *be)
{
	struct pollfd p = { .fd = be->log, .events = POLLIN };

	return poll(&p, 1, 0) > 0 && (p.revents & POLLIN);
}

int fe_connect_once(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

/* A back end that has just been started may not be there yet. */
int fe_connect(const char *path)
{
	int i, fd = -ETIME;

	for (i = 0; i < FE_TIMEOUT_MS; i++) {
		fd = fe_connect_once(path);
		if (fd != -ENOENT && fd != -ECONNREFUSED)
			break;
		usleep(1000);
	}
	return fd;
}

int fe_send_raw(int fd, const void *bytes, size_t size, const int *fds, unsigned int nr_fds)
{
	char control[CMSG_SPACE(sizeof(int) * 64)] __attribute__((aligned(8))) = { };
	struct iovec iov = { (void *)bytes, size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (nr_fds) {
		struct cmsghdr *cmsg;

		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * nr_fds);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int) * nr_fds);
		memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * nr_fds);
	}
	if (sendmsg(fd, &msg, MSG_NOSIGNAL) != (ssize_t)size)
		return -errno;
	return 0;
}

int fe_send(int fd, uint32_t request, uint32_t flags, const void *payload, size_t size,
	    const int *fds, unsigned int nr_fds)
{
	char bytes[VU_MESSAGE_MAX] = { };
	struct vu_header header = { request, VU_VERSION | flags, size };

	memcpy(bytes, &header, sizeof(header));
	if (size)
		memcpy(bytes + sizeof(header), payload, size);
	return fe_send_raw(fd, bytes, sizeof(header) + size, fds, nr_fds);
}

static int receive_all(int fd, void *buf, size_t size, int *passed)
{
	char control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8)));
	struct cmsghdr *cmsg;
	size_t have = 0;

	while (have < size) {
		struct iovec iov = { (char *)buf + have, size - have };
		struct msghdr msg = {
			.msg_iov = &iov, .msg_iovlen = 1,
			.msg_control = control, .msg_controllen = sizeof(control),
		};
		ssize_t got;

		if (!wait_readable(fd))
			return -ETIME;
		got = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
		if (got <= 0)
			return got && errno != ECONNRESET ? -errno : -EPIPE;
		have += got;
		cmsg = CMSG_FIRSTHDR(&msg);
		if (cmsg && passed)
			memcpy(passed, CMSG_DATA(cmsg), sizeof(*passed));
	}
	return 0;
}

int fe_receive(int fd, uint32_t request, void *payload, size_t max, int *passed)
{
	struct vu_header header;
	int ret = receive_all(fd, &header, sizeof(header), passed);

	if (ret)
		return ret;
	if (header.request != request || header.flags != (VU_VERSION | VU_FLAG_REPLY) ||
	    header.size > max)
		return -EPROTO;
	ret = receive_all(fd, payload, header.size, passed);
	return ret ? ret : (int)header.size;
}

int fe_get(int fd, uint32_t request, uint64_t *number)
{
	int ret = fe_send(fd, request, 0, NULL, 0, NULL, 0);

	if (!ret)
		ret = fe_receive(fd, request, number, sizeof(*number), NULL);
	if (ret < 0)
		return ret;
	return ret == sizeof(*number) ? 0 : -EPROTO;
}

/* -EIO if it is refused. */
static int acknowledged(int fd, uint32_t request)
{
	uint64_t number = 1;
	int ret = fe_receive(fd, request, &number, sizeof(number), NULL);

	if (ret < 0)
		return ret;
	if (ret != sizeof(number))
		return -EPROTO;
	return number ? -EIO : 0;
}

static int set_with(int fd, uint32_t request, const void *payload, size_t size, const int *fds,
		    unsigned int nr_fds)
{
	int ret = fe_send(fd, request, VU_FLAG_NEED_REPLY, payload, size, fds, nr_fds);

	return ret ? ret : acknowledged(fd, request);
}

int fe_set(int fd, uint32_t request, uint64_t number)
{
	return set_with(fd, request, &number, sizeof(number), NULL, 0);
}

int fe_set_state(int fd, uint32_t request, unsigned int ring, uint32_t num)
{
	struct vhost_vring_state state = { .index = ring, .num = num };

	return set_with(fd, request, &state, sizeof(state), NULL, 0);
}

int fe_set_ring_fd(int fd, uint32_t request, unsigned int ring, int ring_fd)
{
	uint64_t number = ring | (ring_fd < 0 ? VU_VRING_NO_FD : 0);

	return set_with(fd, request, &number, sizeof(number), &ring_fd, ring_fd >= 0);
}

int fe_add_region(int fd, uint32_t request, const struct vu_region *region, int memory)
{
	struct vu_slot slot = { .region = *region };

	return set_with(fd, request, &slot, sizeof(slot), &memory, memory >= 0);
}

bool fe_is_closed(int fd)
{
	char bytes[256];
	ssize_t got;

	while (wait_readable(fd)) {
		got = recv(fd, bytes, sizeof(bytes), 0);
		if (got <= 0)
			return !got || errno == ECONNRESET;
	}
	return false;
}

bool fe_is_alive(int fd)
{
	uint64_t features;

	return !fe_get(fd, VU_GET_FEATURES, &features);
}

int fe_negotiate(int fd, uint64_t protocol)
{
	uint64_t features = RING_F_VERSION_1 | VU_F_PROTOCOL, offered;
	int ret = fe_get(fd, VU_GET_FEATURES, &offered);

	if (!ret && !(offered & VU_F_PROTOCOL))
		ret = -EPROTO;
	if (!ret)
		ret = fe_get(fd, VU_GET_PROTOCOL_FEATURES, &offered);
	protocol |= PROTOCOL;
	if (!ret)
		ret = fe_send(fd, VU_SET_PROTOCOL_FEATURES, 0, &protocol, sizeof(protocol),
			      NULL, 0);
	if (!ret)
		ret = set_with(fd, VU_SET_OWNER, NULL, 0, NULL, 0);
	return ret ? ret : fe_set(fd, VU_SET_FEATURES, features);
}

int fe_set_memory(int fd, struct ring_dev *dev)
{
	struct vu_table table = {
		.nr = 1,
		.regions[0] = {
			.guest = RING_GUEST_BASE,
			.size = dev->mem_size,
			.user = (uintptr_t)dev->mem,
			.offset = RING_GUEST_BASE,
		},
	};

	return set_with(fd, VU_SET_MEM_TABLE, &table, offsetof(struct vu_table, regions[1]),
			&dev->mem_fd, 1);
}

int fe_set_addr(int fd, struct ring_queue *q, uint32_t flags)
{
	struct vhost_vring_addr addr = {
		.index = q->index,
		.flags = flags,
		.desc_user_addr = (uintptr_t)q->desc,
		.avail_user_addr = (uintptr_t)q->avail,
		.used_user_addr = (uintptr_t)q->used,
		.log_guest_addr = ring_guest_addr(q->dev, q->used),
	};

	return set_with(fd, VU_SET_VRING_ADDR, &addr, sizeof(addr), NULL, 0);
}

int fe_set_ring(int fd, struct ring_queue *q)
{
	int ret = fe_set_state(fd, VU_SET_VRING_NUM, q->index, q->num);

	if (!ret)
		ret = fe_set_state(fd, VU_SET_VRING_BASE, q->index, q->last_used);
	if (!ret)
		ret = fe_set_addr(fd, q, 0);
	if (!ret)
		ret = fe_set_ring_fd(fd, VU_SET_VRING_CALL, q->index, q->call);
	if (!ret)
		ret = fe_set_ring_fd(fd, VU_SET_VRING_ERR, q->index, q->err);
	if (!ret)
		ret = fe_set_ring_fd(fd, VU_SET_VRING_KICK, q->index, q->kick);
	return ret ? ret : fe_set_state(fd, VU_SET_VRING_ENABLE, q->index, 1);
}

int fe_set_up(int fd, struct ring_dev *dev)
{
	int ret = fe_negotiate(fd, 0);
	unsigned int i;

	if (!ret)
		ret = fe_set_memory(fd, dev);
	for (i = 0; !ret && i < dev->nr_queues; i++)
		ret = fe_set_ring(fd, &dev->queues[i]);
	return ret;
}

int fe_stop_ring(int fd, unsigned int ring)
{
	struct vhost_vring_state state = { .index = ring };
	int ret = fe_send(fd, VU_GET_VRING_BASE, 0, &state, sizeof(state), NULL, 0);

	if (!ret)
		ret = fe_receive(fd, VU_GET_VRING_BASE, &state, sizeof(state), NULL);
	if (ret < 0)
		return ret;
	return ret == sizeof(state) && state.index == ring ? (int)state.num : -EPROTO;
}

int fe_get_inflight(int fd, struct ring_dev *dev, struct vu_inflight *inflight, int *region)
{
	struct vu_inflight wanted = {
		.rings = dev->nr_queues, .ring_size = dev->queues[0].num,
	};
	int ret = fe_send(fd, VU_GET_INFLIGHT_FD, 0, &wanted, sizeof(wanted), NULL, 0);

	*region = -1;
	if (!ret)
		ret = fe_receive(fd, VU_GET_INFLIGHT_FD, inflight, sizeof(*inflight), region);
	if (ret < 0)
		return ret;
	return ret == sizeof(*inflight) && *region >= 0 ? 0 : -EPROTO;
}

int fe_set_inflight(int fd, const struct vu_inflight *inflight, int region)
{
	return set_with(fd, VU_SET_INFLIGHT_FD, inflight, sizeof(*inflight), &region, 1);
}

int fe_start_load(struct fuse *f, struct fe_load *l, unsigned int *made)
{
	*l = (struct fe_load){
		.c.opcode = FUSE_MKDIR, .c.nodeid = FUSE_ROOT_ID,
		.c.in = { { &l->in, sizeof(l->in) } }, .c.nr_in = 2,
		.c.out_size = sizeof(struct fuse_entry_out),
		.in.mode = 0755,
	};
	snprintf(l->name, sizeof(l->name), "d%u", (*made)++);
	l->c.in[1] = (struct iovec){ l->name, strlen(l->name) + 1 };
	return fuse_start(f, &l->c);
}

int fe_make_one(struct fuse *f, unsigned int *made)
{
	struct fuse_entry_out entry;
	char name[16];

	snprintf(name, sizeof(name), "d%u", (*made)++);
	return fuse_mkdir(f, FUSE_ROOT_ID, name, 0755, 0, &entry);
}

#define SET_DEVICE_STATE_FD 42
#define CHECK_DEVICE_STATE 43
/* Of the answer to the first: the back end has no descriptor of its own to give. */
#define STATE_NO_FD (1ULL << 8)

int fe_set_device_state_fd(int fd, uint32_t direction, int pipe)
{
	struct {
		uint32_t direction;
		uint32_t phase;
	} transfer = { .direction = direction };
	uint64_t number;
	int ret = fe_send(fd, SET_DEVICE_STATE_FD, 0, &transfer, sizeof(transfer), &pipe, 1);

	if (!ret)
		ret = fe_receive(fd, SET_DEVICE_STATE_FD, &number, sizeof(number), NULL);
	if (ret < 0)
		return ret;
	return number == STATE_NO_FD ? 0 : -EIO;
}

int fe_check_device_state(int fd)
{
	uint64_t number;
	int ret = fe_get(fd, CHECK_DEVICE_STATE, &number);

	return ret ? ret : number ? -EIO : 0;
}
