/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one process must tell the next one that goes on with its session: the
 * front end has said all of it, and says nothing twice.
 *
 * Two processes know of a session. The keeper has the connection and each
 * descriptor that came with it, and does nothing with them. The server, its child,
 * does what the messages say, and owns the device; guest memory is mapped there,
 * and the threads that serve the guest are its threads. The server can die at any
 * moment, and the keeper makes another one. To the keeper a message is either done,
 * and then the record says what followed from it, or it isn't, and then the next
 * server does it, from its beginning.
 *
 * Descriptors in a record are the keeper's numbers, which a new server has too. For
 * those that come later, the server has numbers of its own.
 */
#ifndef CTL_VU_RECORD_H
#define CTL_VU_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "vhost-user.h"

/**
 * struct vu_kept_map - part of a file
 * @fd: the file, or -1
 * @offset: where it begins
 * @size: its bytes
 */
struct vu_kept_map {
	int fd;
	uint64_t offset;
	uint64_t size;
};

/**
 * struct vu_record - a session between two messages
 * @device: /dev/vhost-fs
 * @agreed: what has been negotiated
 * @owned: SET_OWNER has come
 * @moving: a transfer of the device's state was begun, and not asked about yet
 * @complaints: lines about what didn't end the connection
 * @log_all: what is written to guest memory is to be logged
 * @log: dirty log
 * @log_call: eventfd for it, or -1
 * @backend_req: descriptor for requests to the front end, or -1
 * @nr_regions: entries of @regions and @region_fds
 * @regions: guest memory
 * @region_fds: its files
 * @rings: as the front end described them; none is served
 * @resetting: the message that is being done again resets them
 */
struct vu_record {
	int device;
	struct vu_agreed agreed;
	bool owned;
	bool moving;
	unsigned int complaints;
	bool log_all;
	struct vu_kept_map log;
	int log_call;
	int backend_req;
	unsigned int nr_regions;
	struct vu_region regions[VU_MAX_REGIONS];
	int region_fds[VU_MAX_REGIONS];
	struct vu_ring rings[VU_MAX_RINGS];
	bool resetting;
};

/**
 * struct vu_task - what the keeper sends: a message of the front end's
 * @have: bytes of @bytes
 * @nr_fds: descriptors that go with it
 * @kept: their numbers
 * @bytes: the message
 */
struct vu_task {
	size_t have;
	unsigned int nr_fds;
	int kept[VU_MAX_FDS];
	char bytes[VU_MESSAGE_MAX];
};

/**
 * struct vu_result - what the server answers
 * @status: exit status, if it can't serve at all; a line has been printed
 * @over: the connection is to be closed; a line has been printed
 * @answers: the front end gets an answer
 * @request: to which request
 * @size: bytes of @payload
 * @payload: the answer
 * @fd: goes with it, or -1
 * @record: what the next server has to know
 */
struct vu_result {
	int status;
	bool over;
	bool answers;
	enum vu_request request;
	size_t size;
	union vu_payload payload;
	int fd;
	struct vu_record record;
};

/* Most descriptors that a record has. */
#define VU_RECORD_FDS (4 + VU_MAX_REGIONS + 3 * VU_MAX_RINGS)

/* A session by @device that has just begun. */
void vu_record_init(struct vu_record *record, int device);

void vu_record_save(struct vu_record *record, const struct vu_session *session);
/* All but what has to be done with the device and with memory. */
void vu_record_restore(const struct vu_record *record, struct vu_session *session);

/* Fills @fds with those that it has; returns how many. */
unsigned int vu_record_fds(const struct vu_record *record, int fds[VU_RECORD_FDS]);

/* Closes what one of the records has, and @now doesn't. */
void vu_record_close_other(const struct vu_record *record, const struct vu_record *now);
bool vu_record_has(const struct vu_record *record, int fd);

/* The keeper's number for a descriptor of ours; and notes it. */
int vu_kept(int fd);
bool vu_note_kept(int fd, int kept);

#endif /* CTL_VU_RECORD_H */
