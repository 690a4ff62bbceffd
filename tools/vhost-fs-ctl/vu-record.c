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

void vu_record_init(struct vu_record *record)
{
	unsigned int i;

	memset(record, 0, sizeof(*record));
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

	vu_record_init(record);
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

bool vu_record_has(const struct vu_record *record, int fd)
{
	unsigned int i;

	if (fd == record->log.fd || fd == record->log_call || fd == record->backend_req)
		return true;
	for (i = 0; i < record->nr_regions; i++)
		if (fd == record->region_fds[i])
			return true;
	for (i = 0; i < VU_MAX_RINGS; i++) {
		const struct vu_ring *ring = &record->rings[i];

		if (fd == ring->kick || fd == ring->call || fd == ring->err)
			return true;
	}
	return false;
}

static void close_unless(const struct vu_record *now, int fd)
{
	if (fd >= 0 && !vu_record_has(now, fd))
		vu_close(fd);
}

void vu_record_close_other(const struct vu_record *record, const struct vu_record *now)
{
	unsigned int i;

	close_unless(now, record->log.fd);
	close_unless(now, record->log_call);
	close_unless(now, record->backend_req);
	for (i = 0; i < record->nr_regions; i++)
		close_unless(now, record->region_fds[i]);
	for (i = 0; i < VU_MAX_RINGS; i++) {
		close_unless(now, record->rings[i].kick);
		close_unless(now, record->rings[i].call);
		close_unless(now, record->rings[i].err);
	}
}
