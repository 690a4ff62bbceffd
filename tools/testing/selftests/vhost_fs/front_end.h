/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The front end's side of vhost-user, and a back end to talk to: the program's
 * own, in a process of its own. Guest memory and rings are ring.h's.
 */
#ifndef VHOST_FS_FRONT_END_H
#define VHOST_FS_FRONT_END_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bed.h"
#include "fuse.h"
#include "ring.h"
#include "vu-message.h"
#include "vu-serve.h"

/* Longest wait for an answer or an end, in milliseconds. */
#define FE_TIMEOUT_MS 10000
/* The same, for answers; -1 waits for good. */
extern int fe_timeout_ms;

/**
 * struct fe_back_end - a back end
 * @pid: its process
 * @log: what it prints, from this descriptor
 * @path: its socket
 * @killed: the server that was killed last
 */
struct fe_back_end {
	pid_t pid;
	pid_t killed;
	int log;
	char path[100];
};

/* Starts one that serves the bed's share; what @service has besides counts too. */
int fe_start(struct fe_back_end *be, struct bed *bed, const struct vu_service *service);
/*
 * For programs that are what a back end becomes: to be called first in main(). Serves
 * if this process has been one; fe_start() has left in the environment what.
 */
void fe_go_on(void);
/* Sends a signal if @signal isn't 0, and returns the exit status, or -signal. */
int fe_end(struct fe_back_end *be, int signal);
/*
 * Kills the process that serves, which that of @be replaces; one that hasn't been
 * killed before. 0, or -ESRCH if there is none.
 */
int fe_kill_server(struct fe_back_end *be);
/* The same by a signal of which it dies, as if by its own fault. */
int fe_signal_server(struct fe_back_end *be, int signal);
/* How many open files of that name the process that serves has; or a negative errno. */
int fe_server_files(const struct fe_back_end *be, const char *name);
/* Kills the back end as a whole: 0, or a negative errno. */
int fe_kill(struct fe_back_end *be);
/* Has it become another program; what it prints then is left to be read. */
int fe_upgrade(struct fe_back_end *be);
/* Reads a line that it has printed, or "" if none comes in time. */
const char *fe_log_line(struct fe_back_end *be);
/* Has it printed anything that nobody has read? */
bool fe_has_log(struct fe_back_end *be);

/*
 * Each returns the connection, or a negative errno; the first waits for a back end that
 * has just been started.
 */
int fe_connect(const char *path);
int fe_connect_once(const char *path);

/* Sends a message as it is; 0 or a negative errno. */
int fe_send_raw(int fd, const void *bytes, size_t size, const int *fds, unsigned int nr_fds);
int fe_send(int fd, uint32_t request, uint32_t flags, const void *payload, size_t size,
	    const int *fds, unsigned int nr_fds);
/*
 * Waits for the answer to @request, of at most @max bytes of payload: their
 * number, or a negative errno; EPIPE if the connection is closed instead.
 */
int fe_receive(int fd, uint32_t request, void *payload, size_t max, int *passed);

/* The usual kinds. Those that set something wait for the acknowledgement. */
int fe_get(int fd, uint32_t request, uint64_t *number);
int fe_set(int fd, uint32_t request, uint64_t number);
int fe_set_state(int fd, uint32_t request, unsigned int ring, uint32_t num);
int fe_set_ring_fd(int fd, uint32_t request, unsigned int ring, int ring_fd);
int fe_add_region(int fd, uint32_t request, const struct vu_region *region, int memory);

/* Has the other side closed the connection, or does it within the limit? */
bool fe_is_closed(int fd);
/* Does it still answer? */
bool fe_is_alive(int fd);

/* Features, owner; acknowledgements are on afterwards. */
int fe_negotiate(int fd, uint64_t protocol);
/* The guest's memory as one table. */
int fe_set_memory(int fd, struct ring_dev *dev);
int fe_set_ring(int fd, struct ring_queue *q);
int fe_set_addr(int fd, struct ring_queue *q, uint32_t flags);
/* All of it: from the beginning to rings that are served. */
int fe_set_up(int fd, struct ring_dev *dev);
/* What is to be kept of a device, and to be brought back; 0 or a negative errno. */
int fe_get_inflight(int fd, struct ring_dev *dev, struct vu_inflight *inflight, int *region);
int fe_set_inflight(int fd, const struct vu_inflight *inflight, int region);
/* Stops a ring and returns its base. */
int fe_stop_ring(int fd, unsigned int ring);

/**
 * struct fe_load - a request that can be done once only, for who is interrupted
 * @c: it
 * @in: its argument
 * @name: of the directory that is made
 */
struct fe_load {
	struct fuse_call c;
	struct fuse_mkdir_in in;
	char name[16];
};

/* Begins to make the next directory, *@made counts them; or makes it. */
int fe_start_load(struct fuse *f, struct fe_load *l, unsigned int *made);
int fe_make_one(struct fuse *f, unsigned int *made);

/* The device's state, through a pipe; -EIO if the back end says that it failed. */
#define FE_PROTOCOL_DEVICE_STATE (1ULL << 19)
#define FE_STATE_SAVE 0
#define FE_STATE_LOAD 1

int fe_set_device_state_fd(int fd, uint32_t direction, int pipe);
int fe_check_device_state(int fd);

#endif /* VHOST_FS_FRONT_END_H */
