/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Serving a share to VMMs that speak vhost-user, one after the other.
 */
#ifndef CTL_VU_SERVE_H
#define CTL_VU_SERVE_H

#include <stdbool.h>

/* Longest tag, without a NUL. */
#define VU_TAG_MAX 36

/**
 * struct vu_service - what to serve, and where
 * @share: name of the share
 * @path: where to make the socket, or NULL
 * @group: whose members may connect, or NULL
 * @fd: listening socket, if @path is NULL
 * @tag: what to tell VMMs that ask for the tag, or NULL
 * @once: end with the first connection
 * @device: a /dev/vhost-fs that is attached already, or -1
 * @talks: say when a VMM connects and disconnects
 * @signal_status: exit status after a signal
 * @program: what to become on SIGUSR2, or NULL: what is found where this program was
 * @ready: called with @ctx once the socket is there, if not NULL; what isn't 0 ends
 *	it all, as exit status
 * @confine: called with @ctx by each process that reads what VMMs send, likewise
 * @ctx: for those two
 */
struct vu_service {
	const char *share;
	const char *path;
	const char *group;
	int fd;
	const char *tag;
	bool once;
	int device;
	bool talks;
	int signal_status;
	const char *program;
	int (*ready)(const void *ctx);
	int (*confine)(const void *ctx);
	const void *ctx;
};

/*
 * Serves until SIGTERM, SIGINT or SIGHUP; or goes on with what another program did
 * before this process became this one, by SIGUSR2 (vu-upgrade.h). Returns the exit status, after an
 * error was printed if it isn't 0.
 */
int vu_serve(const struct vu_service *service);

#endif /* CTL_VU_SERVE_H */
