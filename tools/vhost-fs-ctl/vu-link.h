/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between the keeper of a connection and the server, its child: one packet with a
 * message there, one with what came of it back. A packet arrives whole or not at
 * all, whoever dies meanwhile.
 */
#ifndef CTL_VU_LINK_H
#define CTL_VU_LINK_H

#include <stdbool.h>

#include "vu-record.h"

/* A pair of sockets for packets as large as these; 0, or -1 with errno. */
int vu_link_open(int pair[2]);

/* Each returns whether the packet was sent. */
bool vu_link_send_task(int link, const struct vu_connection *conn);
bool vu_link_send_result(int link, const struct vu_result *result);

/*
 * Waits for a packet. Returns false if there won't be any more: the other side has
 * ended. Descriptors are new, and closed on execve(); those of a task are put into
 * @conn, as if they had come by it. A result that makes no sense has a status, and a line
 * has been printed.
 */
bool vu_link_receive_task(int link, struct vu_connection *conn);
bool vu_link_receive_result(int link, struct vu_result *result);

#endif /* CTL_VU_LINK_H */
