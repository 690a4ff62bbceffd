/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The server of a connection: a process that owns the device. It may die at any
 * moment; what it has done is told to its parent, the keeper, which makes the next.
 */
#ifndef CTL_VU_SERVER_H
#define CTL_VU_SERVER_H

#include <sys/types.h>

#include "vu-record.h"
#include "vu-serve.h"

/**
 * struct vu_server - a server, as its keeper sees it
 * @pid: the process
 * @link: socket to it (vu-link.h)
 */
struct vu_server {
	pid_t pid;
	int link;
};

/*
 * Starts one, from where @record says; it closes the @nr_close descriptors @close,
 * which are the keeper's alone. Returns 0, or -1 with errno.
 */
int vu_server_start(struct vu_server *server, const struct vu_service *service,
		    const struct vu_record *record, const int *close, unsigned int nr_close);

/* Lets it end when it has stopped the device, or kills it; waits for neither. */
void vu_server_release(struct vu_server *server);
void vu_server_kill(struct vu_server *server);

#endif /* CTL_VU_SERVER_H */
