/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A session with the front end of a vhost-user connection (the VMM): what it
 * asks for is done with /dev/vhost-fs, and the kernel answers the guest.
 */
#ifndef CTL_VHOST_USER_H
#define CTL_VHOST_USER_H

#include <stdint.h>

#include "vu-memory.h"
#include "vu-message.h"
#include "vu-rings.h"
#include "vu-socket.h"

struct vu_record;
struct vu_result;

/**
 * struct vu_session - a connection from its beginning to its end
 * @conn: the message that is being served; the connection itself is the keeper's
 * @rings: rings, and the device
 * @memory: guest memory
 * @agreed: what has been negotiated
 * @features: feature bits that are offered
 * @tag: for the guest's configuration space, or NULL: the VMM knows it
 * @owned: SET_OWNER has come
 * @moving: a transfer of the device's state was begun, and not asked about yet
 * @log: dirty log, if there is one
 * @log_call: eventfd for the log, as the keeper has it, or -1
 * @complaints: lines about what didn't end the connection
 * @backend_req: descriptor for requests to the front end, likewise; we have none
 */
struct vu_session {
	struct vu_connection conn;
	struct vu_rings rings;
	struct vu_memory memory;
	struct vu_agreed agreed;
	uint64_t features;
	const char *tag;
	bool owned;
	bool moving;
	struct vu_map log;
	int log_call;
	unsigned int complaints;
	int backend_req;
};

/*
 * Begins a session, or goes on with one that another process had begun: @record says
 * how far it was, and with what device. @can_come_back says that the front end may have
 * what it connects again with. Returns 0 or an exit status after an error was
 * printed.
 */
int vu_session_begin(struct vu_session *session, const char *tag, bool can_come_back,
		     const struct vu_record *record);

/*
 * Does what the message in @session->conn asks. If the session is over then, the
 * front end is to blame, and one line has been printed.
 */
void vu_session_serve(struct vu_session *session, struct vu_result *result);

/* A ring was broken whose front end wants no eventfd raised for it: says so. */
void vu_session_broken(struct vu_session *session);

/*
 * Stops the device. The process is to end then, by which all that it has is given
 * back; where the rings stand remains known if the front end may connect again.
 */
void vu_session_end(struct vu_session *session);

#endif /* CTL_VHOST_USER_H */
