/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * loopbackd's parts: the memory that plays the guest's, and the two kinds of
 * servers that can be behind the device.
 */
#ifndef LOOPBACKD_H
#define LOOPBACKD_H

#include <stdbool.h>
#include <stdint.h>

#include "vhost_fs_loopback.h"

/* More than any machine under test has ranges of RAM; virtiofsd takes 32. */
#define MAX_REGIONS	32

/* One range of RAM: physical addresses, and where it is mapped. */
struct region {
	uint64_t phys;
	uint64_t size;
	void *virt;
};

struct memory {
	int fd;			/* the loopback module's file */
	unsigned int n;
	struct region regions[MAX_REGIONS];
};

void memory_map(struct memory *memory, int fd);
uint64_t memory_virt(const struct memory *memory, uint64_t phys);

struct server {
	const struct server_ops *ops;
	const char *name;	/* of the share, or the socket's path */
	const struct memory *memory;
	unsigned int nqueues;	/* hiprio included */
	int kick[LOOPBACK_MAX_QUEUES];
	int call[LOOPBACK_MAX_QUEUES];
	int fd;
	int error_fd;		/* readable when the server has failed */
	unsigned int busyloop_us;	/* how long rings are polled; 0: as the device does */
	bool keeps;		/* another one can go on with what this one was doing */
	int kept;		/* by this, of that size; or -1 */
	uint64_t kept_size;
};

/**
 * struct server_ops - a kind of server
 * @open: connects; sets @fd and @error_fd
 * @start: hands it the rings; returns once it looks at them
 * @again: the same as @start, with the next server, after the last one has gone;
 *	NULL, or returns false, if that can't be
 * @stop: returns once it has let go of the rings
 *
 * What fails ends the process: its device then refuses all requests.
 */
struct server_ops {
	void (*open)(struct server *server);
	void (*start)(struct server *server, const struct loopback_state *state);
	bool (*again)(struct server *server, const struct loopback_state *state);
	void (*stop)(struct server *server);
};

extern const struct server_ops vhost_ops;
extern const struct server_ops vhost_user_ops;

#endif /* LOOPBACKD_H */
