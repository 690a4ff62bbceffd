// SPDX-License-Identifier: GPL-2.0-only
/*
 * What one process tells the next one of a session; see vu-record.h.
 */
#include "vu-record.h"

#include <stdlib.h>
#include <string.h>

#include "vu-socket.h"

/* Descriptors that came after the fork, by our number. */
static int *noted;
static int nr_noted;

bool vu_note_kept(int fd, int kept)
{
	if (fd >= nr_noted) {
		int nr = fd + 64, i;
		int *more = reallocarray(noted, nr, sizeof(*noted));

		if (!more)
			return false;
		for (i = nr_noted; i < nr; i++)
			more[i] = i;
		noted = more;
		nr_noted = nr;
	}
	noted[fd] = kept;
	return true;
}

/* What was there when we began has the same number there. */
int vu_kept(int fd)
{
	return fd >= 0 && fd < nr_noted ? noted[fd] : fd;
}

void vu_record_init(struct vu_record *record, int device)
{
	unsigned int i;

	memset(record, 0, sizeof(*record));
	record->device = device;
	record->log.fd = -1;
	record->log_call = -1;
	record->backend_req = -1;
	for (i = 0; i < VU_MAX_RINGS; i++)
		record->rings[i] = (struct vu_ring){ .kick = -1, .call = -1, .err = -1 };
}

static void save_ring(struct vu_ring *record, const struct vu_ring *ring)
{
	*record = *ring;
	record->kick = vu_kept(ring->kick);
	record->call = vu_kept(ring->call);
	record->err = vu_kept(ring->err);
	record->served = false;
}

void vu_record_save(struct vu_record *record, const struct vu_session *session)
{
	const struct vu_memory *memory = &session->memory;
	unsigned int i;

	vu_record_init(record, vu_kept(session->rings.fd));
	record->agreed = session->agreed;
	record->owned = session->owned;
	record->moving = session->moving;
	record->complaints = session->complaints;
	record->log_all = session->rings.log_all;
	if (session->log.base)
		record->log = (struct vu_kept_map){
			session->log.kept, session->log.offset, session->log.size,
		};
	record->log_call = session->log_call;
	record->backend_req = session->backend_req;
	record->nr_regions = memory->nr;
	for (i = 0; i < memory->nr; i++) {
		record->regions[i] = memory->regions[i];
		record->region_fds[i] = memory->maps[i].kept;
	}
	for (i = 0; i < VU_MAX_RINGS; i++)
		save_ring(&record->rings[i], &session->rings.rings[i]);
}

void vu_record_restore(const struct vu_record *record, struct vu_session *session)
{
	session->agreed = record->agreed;
	session->owned = record->owned;
	session->moving = record->moving;
	session->complaints = record->complaints;
	session->rings.log_all = record->log_all;
	session->rings.log_size = record->log.size;
	session->log_call = record->log_call;
	session->backend_req = record->backend_req;
	memcpy(session->rings.rings, record->rings, sizeof(record->rings));
}

static void add_fd(int fds[VU_RECORD_FDS], unsigned int *nr, int fd)
{
	if (fd >= 0)
		fds[(*nr)++] = fd;
}

unsigned int vu_record_fds(const struct vu_record *record, int fds[VU_RECORD_FDS])
{
	unsigned int nr = 0, i;

	add_fd(fds, &nr, record->device);
	add_fd(fds, &nr, record->log.fd);
	add_fd(fds, &nr, record->log_call);
	add_fd(fds, &nr, record->backend_req);
	for (i = 0; i < record->nr_regions; i++)
		add_fd(fds, &nr, record->region_fds[i]);
	for (i = 0; i < VU_MAX_RINGS; i++) {
		add_fd(fds, &nr, record->rings[i].kick);
		add_fd(fds, &nr, record->rings[i].call);
		add_fd(fds, &nr, record->rings[i].err);
	}
	return nr;
}

bool vu_record_has(const struct vu_record *record, int fd)
{
	int fds[VU_RECORD_FDS];
	unsigned int i, nr = vu_record_fds(record, fds);

	for (i = 0; i < nr; i++)
		if (fds[i] == fd)
			return true;
	return false;
}

void vu_record_close_other(const struct vu_record *record, const struct vu_record *now)
{
	int fds[VU_RECORD_FDS];
	unsigned int i, nr = vu_record_fds(record, fds);

	for (i = 0; i < nr; i++)
		if (!vu_record_has(now, fds[i]))
			vu_close(fds[i]);
}
