// SPDX-License-Identifier: GPL-2.0-only
/*
 * The socket that a VMM connects to, and messages over the connection. Nothing
 * here waits for the other side: a message may come in pieces, and who doesn't
 * read its answers is sent none.
 */
#include "vu-socket.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "msg.h"
#include "parse.h"

/* Room for a process id and a line feed. */
#define PID_TEXT 16

static int write_pid(int fd)
{
	char text[PID_TEXT];
	int len = snprintf(text, sizeof(text), "%d\n", (int)getpid());

	return ftruncate(fd, 0) < 0 || pwrite(fd, text, len, 0) != len ? -1 : 0;
}

/* Holds PATH.pid locked; whoever else wants the socket can't have it. */
static int lock_path(const char *path)
{
	char *name;
	int fd;

	if (asprintf(&name, "%s.pid", path) < 0)
		return -1;
	fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		refused("can't open \"%s\": %s", name, strerror(errno));
	} else if (flock(fd, LOCK_EX | LOCK_NB) < 0 || write_pid(fd) < 0) {
		refused("can't lock \"%s\": %s", name, errno == EWOULDBLOCK ?
			"another process serves this socket" : strerror(errno));
		close(fd);
		fd = -1;
	}
	free(name);
	return fd;
}

/*
 * A path with our lock beside it is free, whatever is left of earlier ones. It
 * fits into an address.
 */
static int bind_path(int fd, const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct stat st;

	memcpy(addr.sun_path, path, strlen(path));
	if (!lstat(path, &st) && S_ISSOCK(st.st_mode))
		unlink(path);
	return bind(fd, (struct sockaddr *)&addr, sizeof(addr));
}

static int make_socket(const char *path, mode_t mask)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t old;
	int err;

	if (fd < 0)
		return -1;
	old = umask(mask);
	err = bind_path(fd, path);
	umask(old);
	if (!err && listen(fd, 1) < 0) {
		err = -errno;
		unlink(path);
		errno = -err;
	}
	if (err) {
		close(fd);
		return -1;
	}
	return fd;
}

int vu_listen(struct vu_listener *listener, const char *path, const char *group)
{
	uint32_t gid = 0;

	_Static_assert(VU_PATH_MAX == sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1,
		       "VU_PATH_MAX isn't this system's");

	/* An empty one would name a socket in no directory, open to everybody. */
	if (!*path || strlen(path) > VU_PATH_MAX)
		return refused("can't make the socket \"%s\": accepted is a path of 1 to %d bytes",
			       path, VU_PATH_MAX);
	if (group && parse_group(group, &gid))
		return refused("there is no group \"%s\"", group);
	listener->lock = lock_path(path);
	if (listener->lock < 0)
		return EXIT_REFUSED;
	listener->fd = make_socket(path, group ? 0007 : 0077);
	if (listener->fd < 0)
		return refused("can't make the socket \"%s\": %s", path, strerror(errno));
	listener->path = path;
	if (group && lchown(path, -1, gid) < 0) {
		vu_listener_close(listener);
		return refused("can't give the socket \"%s\" to group \"%s\": %s", path, group,
			       strerror(errno));
	}
	return 0;
}

int vu_listen_fd(struct vu_listener *listener, int fd)
{
	int listening = 0;
	socklen_t len = sizeof(listening);

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) < 0 || !listening)
		return refused("descriptor %d is not a listening socket", fd);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	listener->fd = fd;
	listener->path = NULL;
	listener->lock = -1;
	return 0;
}

/*
 * PATH.pid stays, without a process that a signal could be meant for: taking it away
 * would let two processes hold locks on two files of that name.
 */
void vu_listener_close(struct vu_listener *listener)
{
	if (listener->path)
		unlink(listener->path);
	if (listener->fd >= 0)
		close(listener->fd);
	if (listener->lock >= 0) {
		if (ftruncate(listener->lock, 0) < 0)
			notice("a process id that is no more is left: %s", strerror(errno));
		close(listener->lock);
	}
	listener->fd = -1;
	listener->lock = -1;
	listener->path = NULL;
}

void vu_close(int fd)
{
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 0 }, sizeof(struct linger));
	close(fd);
}

/* Descriptors that came with a piece of the message. */
static const char *take_control(struct vu_connection *conn, struct msghdr *msg)
{
	const char *why = msg->msg_flags & MSG_CTRUNC ? "too many descriptors" : NULL;
	struct cmsghdr *cmsg;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		const int *fds = (const int *)CMSG_DATA(cmsg);
		size_t i, nr = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		for (i = 0; i < nr; i++) {
			if (conn->nr_fds < VU_MAX_FDS) {
				conn->fds[conn->nr_fds++] = fds[i];
				continue;
			}
			vu_close(fds[i]);
			why = "too many descriptors";
		}
	}
	return why;
}

/* Returns as vu_receive() does, and 1 when @want bytes are there. */
static int receive_until(struct vu_connection *conn, size_t want, const char **why)
{
	char control[CMSG_SPACE(sizeof(int) * VU_MAX_FDS)]
		__attribute__((aligned(__alignof__(struct cmsghdr))));

	while (conn->have < want) {
		struct iovec iov = { conn->buf + conn->have, want - conn->have };
		struct msghdr msg = {
			.msg_iov = &iov, .msg_iovlen = 1,
			.msg_control = control, .msg_controllen = sizeof(control),
		};
		ssize_t got = recvmsg(conn->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			return 0;
		if (got < 0 && errno != ECONNRESET) {
			*why = strerror(errno);
			return -2;
		}
		if (got <= 0 && !conn->have)
			return -1;
		if (got <= 0) {
			*why = "the connection ended within a message";
			return -2;
		}
		conn->have += got;
		*why = take_control(conn, &msg);
		if (*why)
			return -2;
	}
	return 1;
}

int vu_receive(struct vu_connection *conn, const char **why)
{
	int ret = receive_until(conn, sizeof(conn->header), why);

	if (ret <= 0)
		return ret;
	*why = vu_header_check(&conn->header);
	if (*why)
		return -2;
	return receive_until(conn, sizeof(conn->header) + conn->header.size, why);
}

void vu_next(struct vu_connection *conn)
{
	while (conn->nr_fds) {
		int fd = conn->fds[--conn->nr_fds];

		if (fd >= 0)
			vu_close(fd);
	}
	conn->have = 0;
}

int vu_take_fd(struct vu_connection *conn)
{
	int fd;

	if (!conn->nr_fds)
		return -1;
	fd = conn->fds[0];
	conn->fds[0] = -1;
	return fd;
}

bool vu_reply(struct vu_connection *conn, enum vu_request request, const void *payload,
	      size_t size, int fd)
{
	struct vu_header header = { request, VU_VERSION | VU_FLAG_REPLY, size };
	char control[CMSG_SPACE(sizeof(int))]
		__attribute__((aligned(__alignof__(struct cmsghdr)))) = { };
	struct iovec iov[] = { { &header, sizeof(header) }, { (void *)payload, size } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	if (fd >= 0) {
		struct cmsghdr *cmsg;

		msg.msg_control = control;
		msg.msg_controllen = sizeof(control);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	}
	return sendmsg(conn->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) ==
	       (ssize_t)(sizeof(header) + size);
}
