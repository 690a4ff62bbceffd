// SPDX-License-Identifier: GPL-2.0-only
/*
 * The server is virtiofsd, or anything else behind a vhost-user socket: the
 * front-end side of that protocol.
 */
#include <err.h>
#include <errno.h>
#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "loopbackd.h"

enum request {
	GET_FEATURES = 1,
	SET_FEATURES = 2,
	SET_OWNER = 3,
	SET_MEM_TABLE = 5,
	SET_VRING_NUM = 8,
	SET_VRING_ADDR = 9,
	SET_VRING_BASE = 10,
	GET_VRING_BASE = 11,
	SET_VRING_KICK = 12,
	SET_VRING_CALL = 13,
	GET_PROTOCOL_FEATURES = 15,
	SET_PROTOCOL_FEATURES = 16,
	GET_QUEUE_NUM = 17,
	SET_VRING_ENABLE = 18,
	GET_INFLIGHT_FD = 31,
	SET_INFLIGHT_FD = 32,
};

#define VERSION			0x1u
#define REPLY			0x4u
#define F_PROTOCOL_FEATURES	0x40000000ull
#define PROTOCOL_F_MQ		0x1ull
#define PROTOCOL_F_INFLIGHT	0x1000ull

/* So often a server that has gone is looked for, and how long to wait in between. */
#define TRIES			3000
#define TRY_US			10000

/* As on the wire: the payload follows three 32-bit words. */
#pragma pack(push, 4)
struct message {
	uint32_t request;
	uint32_t flags;
	uint32_t size;
	union {
		uint64_t u64;
		struct vhost_vring_state state;
		struct vhost_vring_addr addr;
		struct {
			uint32_t n;
			uint32_t pad;
			struct {
				uint64_t phys;
				uint64_t size;
				uint64_t virt;
				uint64_t offset;
			} regions[MAX_REGIONS];
		} table;
		struct {
			uint64_t size;
			uint64_t offset;
			uint16_t rings;
			uint16_t ring_size;
		} inflight;
	};
};

#pragma pack(pop)

#define HEADER_SIZE	offsetof(struct message, u64)

/* Sends @message with @nfds copies of @fd. */
static void send_message(struct server *server, struct message *message, size_t size, int fd,
			 unsigned int nfds)
{
	char control[CMSG_SPACE(sizeof(int) * MAX_REGIONS)] = {};
	struct iovec iov = { message, HEADER_SIZE + size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	unsigned int i;

	message->flags = VERSION;
	message->size = size;
	if (nfds) {
		struct cmsghdr *cmsg;

		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
		for (i = 0; i < nfds; i++)
			memcpy(CMSG_DATA(cmsg) + i * sizeof(int), &fd, sizeof(fd));
	}
	if (sendmsg(server->fd, &msg, MSG_NOSIGNAL) != (ssize_t)iov.iov_len)
		err(1, "vhost-user: can't send request %u", message->request);
}

/* What comes with it, if anything, is in *@fd. */
static void receive_reply_with(struct server *server, struct message *message, size_t size,
			       int *fd)
{
	char control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8)));
	struct message reply;
	struct iovec iov = { &reply, HEADER_SIZE + size };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	ssize_t got = recvmsg(server->fd, &msg, MSG_WAITALL | MSG_CMSG_CLOEXEC);

	if (got > 0 && CMSG_FIRSTHDR(&msg))
		memcpy(fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(*fd));
	if (got != (ssize_t)(HEADER_SIZE + size) || reply.request != message->request ||
	    !(reply.flags & REPLY) || reply.size != size)
		errx(1, "vhost-user: no proper reply to request %u", message->request);
	memcpy(message, &reply, got);
}

static void receive_reply(struct server *server, struct message *message, size_t size)
{
	int none;

	receive_reply_with(server, message, size, &none);
}

static uint64_t get_u64(struct server *server, enum request request)
{
	struct message message = { .request = request };

	send_message(server, &message, 0, -1, 0);
	receive_reply(server, &message, sizeof(message.u64));
	return message.u64;
}

static void set_u64(struct server *server, enum request request, uint64_t value)
{
	struct message message = { .request = request, .u64 = value };

	send_message(server, &message, sizeof(message.u64), -1, 0);
}

static void set_state(struct server *server, enum request request, uint32_t index, uint32_t num)
{
	struct message message = { .request = request, .state = { .index = index, .num = num } };

	send_message(server, &message, sizeof(message.state), -1, 0);
}

static void set_memory(struct server *server)
{
	const struct memory *memory = server->memory;
	struct message message = { .request = SET_MEM_TABLE, .table.n = memory->n };
	unsigned int i;

	for (i = 0; i < memory->n; i++) {
		message.table.regions[i].phys = memory->regions[i].phys;
		message.table.regions[i].size = memory->regions[i].size;
		message.table.regions[i].virt = (uintptr_t)memory->regions[i].virt;
		message.table.regions[i].offset = memory->regions[i].phys;
	}
	send_message(server, &message, 8 + memory->n * sizeof(message.table.regions[0]),
		     memory->fd, memory->n);
}

static void connect_socket(struct server *server, unsigned int tries)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	if (strlen(server->name) >= sizeof(addr.sun_path))
		errx(1, "socket path '%s' is too long", server->name);
	memcpy(addr.sun_path, server->name, strlen(server->name));
	server->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (server->fd < 0)
		err(1, "socket");
	while (connect(server->fd, (struct sockaddr *)&addr, sizeof(addr))) {
		if (!--tries || (errno != ENOENT && errno != ECONNREFUSED))
			err(1, "can't connect to %s", server->name);
		usleep(TRY_US);
	}
	/* Between requests, the server has nothing to say but its end. */
	server->error_fd = server->fd;
}

static void greet(struct server *server)
{
	uint64_t queues, features;

	if (!(get_u64(server, GET_FEATURES) & F_PROTOCOL_FEATURES))
		errx(1, "vhost-user: the server knows no protocol features");
	features = get_u64(server, GET_PROTOCOL_FEATURES) & (PROTOCOL_F_MQ | PROTOCOL_F_INFLIGHT);
	set_u64(server, SET_PROTOCOL_FEATURES, features);
	server->keeps = features & PROTOCOL_F_INFLIGHT;
	queues = get_u64(server, GET_QUEUE_NUM);
	if (queues < server->nqueues)
		errx(1, "vhost-user: the server has only %llu request queues",
		     (unsigned long long)queues - 1);

	struct message owner = { .request = SET_OWNER };

	send_message(server, &owner, 0, -1, 0);
	set_memory(server);
}

static void vhost_user_open(struct server *server)
{
	server->kept = -1;
	connect_socket(server, 1);
	greet(server);
}

static void set_ring(struct server *server, unsigned int i, const struct loopback_ring *ring)
{
	struct message addr = { .request = SET_VRING_ADDR, .addr = {
		.index = i,
		.desc_user_addr = memory_virt(server->memory, ring->desc),
		.avail_user_addr = memory_virt(server->memory, ring->avail),
		.used_user_addr = memory_virt(server->memory, ring->used),
	} };
	struct message kick = { .request = SET_VRING_KICK, .u64 = i };
	struct message used = { .request = SET_VRING_CALL, .u64 = i };

	set_state(server, SET_VRING_NUM, i, ring->size);
	set_state(server, SET_VRING_BASE, i, 0);
	send_message(server, &addr, sizeof(addr.addr), -1, 0);
	send_message(server, &used, sizeof(used.u64), server->call[i], 1);
	send_message(server, &kick, sizeof(kick.u64), server->kick[i], 1);
	set_state(server, SET_VRING_ENABLE, i, 1);
}

static void get_kept(struct server *server, const struct loopback_state *state)
{
	struct message message = { .request = GET_INFLIGHT_FD, .inflight = {
		.rings = server->nqueues, .ring_size = state->rings[0].size,
	} };

	if (server->kept >= 0)
		close(server->kept);
	send_message(server, &message, sizeof(message.inflight), -1, 0);
	receive_reply_with(server, &message, sizeof(message.inflight), &server->kept);
	server->kept_size = message.inflight.size;
}

static void set_kept(struct server *server, const struct loopback_state *state)
{
	struct message message = { .request = SET_INFLIGHT_FD, .inflight = {
		.rings = server->nqueues, .ring_size = state->rings[0].size,
		.size = server->kept_size,
	} };

	send_message(server, &message, sizeof(message.inflight), server->kept, 1);
}

static void start_rings(struct server *server, const struct loopback_state *state)
{
	unsigned int i;

	for (i = 0; i < server->nqueues; i++)
		if (state->rings[i].size)
			set_ring(server, i, &state->rings[i]);
	/* A kick is lost until the ring is enabled: wait for that. */
	get_u64(server, GET_FEATURES);
}

static void vhost_user_start(struct server *server, const struct loopback_state *state)
{
	set_u64(server, SET_FEATURES, state->features | F_PROTOCOL_FEATURES);
	if (server->keeps)
		get_kept(server, state);
	start_rings(server, state);
}

/* The next server is given what the last one gave us to keep. */
static bool vhost_user_again(struct server *server, const struct loopback_state *state)
{
	if (server->kept < 0)
		return false;
	close(server->fd);
	connect_socket(server, TRIES);
	greet(server);
	set_u64(server, SET_FEATURES, state->features | F_PROTOCOL_FEATURES);
	set_kept(server, state);
	start_rings(server, state);
	return true;
}

static void vhost_user_stop(struct server *server)
{
	unsigned int i;

	for (i = 0; i < server->nqueues; i++) {
		struct message base = { .request = GET_VRING_BASE, .state = { .index = i } };

		set_state(server, SET_VRING_ENABLE, i, 0);
		send_message(server, &base, sizeof(base.state), -1, 0);
		receive_reply(server, &base, sizeof(base.state));
	}
}

const struct server_ops vhost_user_ops = {
	.open = vhost_user_open,
	.start = vhost_user_start,
	.again = vhost_user_again,
	.stop = vhost_user_stop,
};
