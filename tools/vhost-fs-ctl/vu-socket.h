/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The socket that a VMM connects to, and messages over the connection.
 * Functions that return an exit status or -1 have printed why, in one line.
 */
#ifndef CTL_VU_SOCKET_H
#define CTL_VU_SOCKET_H

#include <stdbool.h>

#include "vu-message.h"

/* Longest path of a socket, without a NUL. */
#define VU_PATH_MAX 107

/**
 * struct vu_listener - a socket that VMMs connect to
 * @fd: the socket, or -1
 * @path: where it is, if we made it; else NULL
 * @lock: descriptor of PATH.pid, which is locked while we live, or -1
 */
struct vu_listener {
	int fd;
	const char *path;
	int lock;
};

/*
 * Makes the socket; @group is NULL, or whose members may connect. PATH.pid is
 * locked, so that nobody takes the path of a process that is alive. Returns 0
 * or an exit status.
 */
int vu_listen(struct vu_listener *listener, const char *path, const char *group);

/* The same with a listening socket that was inherited. */
int vu_listen_fd(struct vu_listener *listener, int fd);

/* Takes the path away, too. */
void vu_listener_close(struct vu_listener *listener);

/**
 * struct vu_connection - a connection and the message that is coming in
 * @fd: the connection
 * @have: bytes of @buf that are there
 * @nr_fds: entries of @fds; whoever takes one out puts -1 there
 * @fds: descriptors that came with the message
 * @buf: the message
 */
struct vu_connection {
	int fd;
	size_t have;
	unsigned int nr_fds;
	int fds[VU_MAX_FDS];
	union {
		struct vu_header header;
		char buf[VU_MESSAGE_MAX];
	};
};

/*
 * Reads what is there. Returns 1 when a message is complete, 0 when it isn't
 * yet, -1 when the other side has closed, -2 when what it sent makes no sense,
 * and *@why says what.
 */
int vu_receive(struct vu_connection *conn, const char **why);

/* Makes room for the next message, and closes descriptors nobody took. */
void vu_next(struct vu_connection *conn);

/*
 * Closes a descriptor that came, which may be a socket whose sender wants
 * whoever closes it to wait.
 */
void vu_close(int fd);

/* Takes the first descriptor that came, or -1. */
int vu_take_fd(struct vu_connection *conn);

/* Answers @request; @fd is -1, or goes with it. False if that isn't possible. */
bool vu_reply(struct vu_connection *conn, enum vu_request request, const void *payload,
	      size_t size, int fd);

#endif /* CTL_VU_SOCKET_H */
