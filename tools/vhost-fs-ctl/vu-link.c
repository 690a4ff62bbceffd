// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packets between the keeper of a connection and its server; see vu-link.h.
 */
#include "vu-link.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "msg.h"
#include "vu-socket.h"

int vu_link_open(int pair[2])
{
	/* A packet is charged as a whole, and for more than it holds. */
	int size = 4 * sizeof(struct vu_result), i;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	for (i = 0; i < 2; i++)
		setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return 0;
}

static bool send_packet(int link, const void *packet, size_t size, const int *fds,
			unsigned int nr_fds)
{
	char control[CMSG_SPACE(sizeof(int) * VU_MAX_FDS)]
		__attribute__((aligned(__alignof__(struct cmsghdr)))) = { };
	struct iovec iov = { (void *)packet, size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t sent;

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
	do {
		sent = sendmsg(link, &msg, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	return sent == (ssize_t)size;
}

/* @fds has room for VU_MAX_FDS; returns how many came, or -1. */
static int receive_packet(int link, void *packet, size_t size, int *fds)
{
	char control[CMSG_SPACE(sizeof(int) * VU_MAX_FDS)]
		__attribute__((aligned(__alignof__(struct cmsghdr))));
	struct iovec iov = { packet, size };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg;
	ssize_t got;
	size_t nr;

	do {
		got = recvmsg(link, &msg, MSG_CMSG_CLOEXEC);
	} while (got < 0 && errno == EINTR);
	if (got != (ssize_t)size)
		return -1;
	cmsg = CMSG_FIRSTHDR(&msg);
	if (!cmsg)
		return 0;
	nr = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fds, CMSG_DATA(cmsg), nr * sizeof(int));
	return nr;
}

bool vu_link_send_task(int link, const struct vu_connection *conn)
{
	struct vu_task task = { .have = conn->have, .nr_fds = conn->nr_fds };

	memcpy(task.kept, conn->fds, sizeof(conn->fds));
	memcpy(task.bytes, conn->buf, conn->have);
	return send_packet(link, &task, sizeof(task), conn->fds, conn->nr_fds);
}

bool vu_link_receive_task(int link, struct vu_connection *conn)
{
	struct vu_task task;
	unsigned int i;
	int nr = receive_packet(link, &task, sizeof(task), conn->fds);

	if (nr < 0)
		return false;
	conn->nr_fds = nr;
	conn->have = task.have;
	memcpy(conn->buf, task.bytes, task.have);
	if (conn->nr_fds != task.nr_fds)
		return false;
	for (i = 0; i < conn->nr_fds; i++)
		if (!vu_note_kept(conn->fds[i], task.kept[i]))
			return false;
	return true;
}

bool vu_link_send_result(int link, const struct vu_result *result)
{
	return send_packet(link, result, sizeof(*result), &result->fd, result->fd >= 0);
}

/* What a server says may be the guest's words, if its VMM has got hold of it. */
static bool is_sound(const struct vu_result *result)
{
	return result->size <= sizeof(result->payload) &&
	       result->record.nr_regions <= VU_MAX_REGIONS;
}

/* One request is answered with a descriptor; no other one is passed on. */
static int take_fd(const struct vu_result *result, const int *fds, int nr)
{
	bool wanted = nr && result->answers && result->request == VU_GET_INFLIGHT_FD;
	int i;

	for (i = wanted; i < nr; i++)
		close(fds[i]);
	return wanted ? fds[0] : -1;
}

bool vu_link_receive_result(int link, struct vu_result *result)
{
	int fds[VU_MAX_FDS], nr = receive_packet(link, result, sizeof(*result), fds);

	if (nr < 0)
		return false;
	result->fd = take_fd(result, fds, nr);
	if (!result->status && !is_sound(result))
		result->status = refused("the server's answer makes no sense");
	return true;
}
