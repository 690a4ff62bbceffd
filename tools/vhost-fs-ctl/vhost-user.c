// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vhost-user session: one row for each request, and what is done about it.
 *
 * A message that is wrong, or comes when it may not, ends the connection with
 * one line that says why. What the host refuses (memory that can't be mapped,
 * say) does too, unless the front end asked to be told.
 */
#include "vhost-user.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/vhost.h>
#include <linux/vhost_fs.h>
#include <linux/virtio_fs.h>

#include "msg.h"
#include "vu-record.h"
#include "vu-state.h"

#define PROTOCOL_FEATURES (VU_PROTOCOL_MQ | VU_PROTOCOL_LOG_SHMFD |		\
			   VU_PROTOCOL_REPLY_ACK | VU_PROTOCOL_BACKEND_REQ |	\
			   VU_PROTOCOL_BACKEND_SEND_FD |			\
			   VU_PROTOCOL_INFLIGHT_SHMFD |				\
			   VU_PROTOCOL_RESET_DEVICE | VU_PROTOCOL_MEM_SLOTS |	\
			   VU_PROTOCOL_DEVICE_STATE)

/* Most lines about one connection, besides the one that says why it ends. */
#define MAX_COMPLAINTS 16

/**
 * struct answer - what a handler has to say
 * @size: bytes of @payload
 * @fd: goes with it, and is closed afterwards; -1 for none
 * @payload: the answer
 */
struct answer {
	size_t size;
	int fd;
	union vu_payload payload;
};

/**
 * struct handler - row of a request
 * @fn: does it; returns NULL, or what is wrong
 * @answers: there is an answer, whether or not one was asked for
 * @survivable: failure doesn't end the connection if the front end is told
 */
struct handler {
	const char *(*fn)(struct vu_session *session, const struct vu_message *message,
			  struct answer *answer);
	bool answers;
	bool survivable;
};

/* The log is no place for a front end to fill. */
static bool may_complain(struct vu_session *session)
{
	return session->complaints < MAX_COMPLAINTS && ++session->complaints;
}

static const char *answer_number(struct answer *answer, uint64_t number)
{
	answer->payload.u64 = number;
	answer->size = sizeof(number);
	return NULL;
}

static const char *get_features(struct vu_session *session, const struct vu_message *message,
				struct answer *answer)
{
	(void)message;
	return answer_number(answer, session->features);
}

/* Without protocol features there is no message that enables a ring. */
static void enable_all(struct vu_session *session)
{
	unsigned int i;

	for (i = 0; i < VU_MAX_RINGS; i++)
		session->rings.rings[i].enabled = true;
}

/* The log may come after what is to be logged, but before rings that are served. */
static const char *check_log(const struct vu_session *session)
{
	return session->rings.running ?
	       vu_rings_check_log(&session->rings, &session->memory) : NULL;
}

static const char *set_device_features(struct vu_session *session, uint64_t features)
{
	uint64_t device = features & ~VU_F_PROTOCOL;

	return ioctl(session->rings.fd, VHOST_SET_FEATURES, &device) < 0 ? strerror(errno) : NULL;
}

static const char *set_features(struct vu_session *session, const struct vu_message *message,
				struct answer *answer)
{
	uint64_t wanted = message->payload.u64;
	const char *why;

	(void)answer;
	if (wanted & ~session->features)
		return "a feature was not offered";
	session->rings.log_all = wanted & (1ULL << VHOST_F_LOG_ALL);
	why = check_log(session);
	if (!why)
		why = set_device_features(session, wanted);
	if (why)
		return why;
	session->agreed.features = wanted;
	if (!(wanted & VU_F_PROTOCOL))
		enable_all(session);
	return NULL;
}

/* The device has been ours from the beginning. */
static const char *set_owner(struct vu_session *session, const struct vu_message *message,
			     struct answer *answer)
{
	(void)message;
	(void)answer;
	if (session->owned)
		return "it has come already";
	session->owned = true;
	return NULL;
}

static const char *disable_all(struct vu_session *session, const struct vu_message *message,
			       struct answer *answer)
{
	unsigned int i;

	(void)message;
	(void)answer;
	for (i = 0; i < VU_MAX_RINGS; i++)
		session->rings.rings[i].enabled = false;
	vu_rings_forget_base(&session->rings);
	return vu_rings_update(&session->rings, &session->memory);
}

static const char *set_memory(struct vu_session *session)
{
	return vu_memory_set(&session->memory, session->rings.fd) < 0 ? strerror(errno) : NULL;
}

/* The table the kernel has was made before: the rings' addresses change too. */
static const char *use_memory(struct vu_session *session)
{
	const char *why = set_memory(session);

	return why ? why : vu_rings_update(&session->rings, &session->memory);
}

static const char *set_mem_table(struct vu_session *session, const struct vu_message *message,
				 struct answer *answer)
{
	const struct vu_table *table = &message->payload.table;
	const char *why = vu_rings_stop(&session->rings);
	unsigned int i;

	(void)answer;
	if (why)
		return why;
	vu_memory_clear(&session->memory);
	for (i = 0; i < table->nr; i++) {
		why = vu_memory_add(&session->memory, &table->regions[i], session->conn.fds[i]);
		if (why)
			return why;
	}
	return use_memory(session);
}

static const char *get_max_mem_slots(struct vu_session *session,
				     const struct vu_message *message, struct answer *answer)
{
	(void)message;
	return answer_number(answer, session->memory.limit);
}

static const char *add_mem_reg(struct vu_session *session, const struct vu_message *message,
			       struct answer *answer)
{
	const struct vu_region *region = &message->payload.slot.region;
	struct vu_map map;
	const char *why;

	(void)answer;
	why = vu_memory_add(&session->memory, region, session->conn.fds[0]);
	if (why)
		return why;
	why = check_log(session);
	if (!why)
		why = set_memory(session);
	if (why && !vu_memory_remove(&session->memory, region, &map))
		vu_unmap(&map);
	return why;
}

/* The device forgets the region before it is unmapped. */
static const char *rem_mem_reg(struct vu_session *session, const struct vu_message *message,
			       struct answer *answer)
{
	struct vu_map map;
	struct vhost_vring_addr addr;
	const char *why;
	unsigned int i;

	(void)answer;
	why = vu_memory_remove(&session->memory, &message->payload.slot.region, &map);
	if (why)
		return why;
	for (i = 0; i < VU_MAX_RINGS && !why; i++)
		if (session->rings.rings[i].served)
			why = vu_ring_locate(&session->rings.rings[i], &session->memory, &addr);
	if (!why)
		why = set_memory(session);
	if (why) {
		/* It is among what is to be unmapped at the end, as before. */
		session->memory.regions[session->memory.nr] = message->payload.slot.region;
		session->memory.maps[session->memory.nr++] = map;
		return why;
	}
	vu_unmap(&map);
	return NULL;
}

static const char *set_log_base(struct vu_session *session, const struct vu_message *message,
				struct answer *answer)
{
	const struct vu_log *log = &message->payload.log;
	struct vu_map map, old = session->log;
	const char *why = vu_map(&map, session->conn.fds[0], log->offset, log->size);
	uint64_t at, size = session->rings.log_size;

	if (why)
		return why;
	at = map.at;
	session->rings.log_size = log->size;
	why = check_log(session);
	if (!why && ioctl(session->rings.fd, VHOST_SET_LOG_BASE, &at) < 0)
		why = strerror(errno);
	if (why) {
		session->rings.log_size = size;
		vu_unmap(&map);
		return why;
	}
	session->log = map;
	vu_unmap(&old);
	return answer_number(answer, 0);
}

static const char *set_log_fd(struct vu_session *session, const struct vu_message *message,
			      struct answer *answer)
{
	(void)message;
	(void)answer;
	if (ioctl(session->rings.fd, VHOST_SET_LOG_FD, &session->conn.fds[0]) < 0)
		return strerror(errno);
	session->log_call = vu_kept(session->conn.fds[0]);
	return NULL;
}

static struct vu_ring *ring_of(struct vu_session *session, const struct vu_message *message)
{
	return &session->rings.rings[message->ring];
}

static const char *set_vring_num(struct vu_session *session, const struct vu_message *message,
				 struct answer *answer)
{
	struct vu_ring *ring = ring_of(session, message);

	(void)answer;
	if (ring->started)
		return "the ring has been started";
	ring->num = message->payload.state.num;
	return NULL;
}

static const char *set_vring_base(struct vu_session *session, const struct vu_message *message,
				  struct answer *answer)
{
	struct vu_ring *ring = ring_of(session, message);

	(void)answer;
	if (ring->started)
		return "the ring has been started";
	return vu_ring_set_base(&session->rings, message->ring, message->payload.state.num);
}

static const char *set_vring_addr(struct vu_session *session, const struct vu_message *message,
				  struct answer *answer)
{
	(void)answer;
	return vu_ring_set_addr(&session->rings, message->ring, &message->payload.addr,
				&session->memory);
}

/* This is what stops a ring, for the front end to find out where it is. */
static const char *get_vring_base(struct vu_session *session, const struct vu_message *message,
				  struct answer *answer)
{
	struct vhost_vring_state *state = &answer->payload.state;
	const char *why;

	why = vu_rings_stop(&session->rings);
	if (!why)
		why = vu_ring_get_base(&session->rings, message->ring, &state->num);
	if (why)
		return why;
	vu_ring_forget_kick(ring_of(session, message));
	/* With the last one, what was brought back has been stopped as a whole. */
	if (!vu_rings_any_started(&session->rings))
		vu_rings_forget_base(&session->rings);
	state->index = message->ring;
	answer->size = sizeof(answer->payload.state);
	return vu_rings_update(&session->rings, &session->memory);
}

static const char *set_vring_kick(struct vu_session *session, const struct vu_message *message,
				  struct answer *answer)
{
	struct vu_ring *ring = ring_of(session, message);
	const char *why;

	(void)answer;
	if (message->payload.u64 & VU_VRING_NO_FD)
		return "rings that are to be polled are not served";
	if (!ring->num || !ring->has_addr)
		return "the ring has not been described";
	why = vu_ring_set_kick(&session->rings, message->ring, vu_take_fd(&session->conn));
	return why ? why : vu_rings_update(&session->rings, &session->memory);
}

static const char *set_vring_call(struct vu_session *session, const struct vu_message *message,
				  struct answer *answer)
{
	(void)answer;
	return vu_ring_set_call(&session->rings, message->ring, vu_take_fd(&session->conn));
}

static const char *set_vring_err(struct vu_session *session, const struct vu_message *message,
				 struct answer *answer)
{
	(void)answer;
	return vu_ring_set_err(&session->rings, message->ring, vu_take_fd(&session->conn));
}

static const char *set_vring_enable(struct vu_session *session,
				    const struct vu_message *message, struct answer *answer)
{
	(void)answer;
	ring_of(session, message)->enabled = message->payload.state.num;
	return vu_rings_update(&session->rings, &session->memory);
}

static const char *get_protocol_features(struct vu_session *session,
					 const struct vu_message *message,
					 struct answer *answer)
{
	(void)message;
	return answer_number(answer, session->agreed.offered);
}

static const char *set_protocol_features(struct vu_session *session,
					 const struct vu_message *message,
					 struct answer *answer)
{
	(void)answer;
	if (message->payload.u64 & ~session->agreed.offered)
		return "a feature was not offered";
	session->agreed.protocol = message->payload.u64;
	return NULL;
}

static const char *get_queue_num(struct vu_session *session, const struct vu_message *message,
				 struct answer *answer)
{
	(void)session;
	(void)message;
	return answer_number(answer, VU_MAX_RINGS);
}

/* Taken and kept, though nothing that is done here has a use for it. */
static const char *set_backend_req_fd(struct vu_session *session,
				      const struct vu_message *message, struct answer *answer)
{
	(void)message;
	(void)answer;
	session->backend_req = vu_kept(session->conn.fds[0]);
	return NULL;
}

/* As virtio 1.2 has it; older headers know nothing of notifications. */
struct config_space {
	struct virtio_fs_config fs;
	uint32_t notify_buf_size;
};

/* An answer without a payload says that there is no such part. */
static const char *get_config(struct vu_session *session, const struct vu_message *message,
			      struct answer *answer)
{
	struct config_space space = { .fs.num_request_queues = VHOST_FS_MAX_REQUEST_QUEUES };
	const struct vu_config *asked = &message->payload.config;

	if (asked->offset > sizeof(space) || asked->size > sizeof(space) - asked->offset)
		return NULL;
	memcpy(space.fs.tag, session->tag, strlen(session->tag));
	answer->payload.config = *asked;
	memcpy(answer->payload.config.bytes, (char *)&space + asked->offset, asked->size);
	answer->size = message->size;
	return NULL;
}

static const char *set_config(struct vu_session *session, const struct vu_message *message,
			      struct answer *answer)
{
	(void)session;
	(void)message;
	(void)answer;
	return "nothing in the configuration space can be written";
}

/* The last owner may still be dying, and is waited for. */
static int take_device(int device)
{
	return ioctl(device, VHOST_RESET_OWNER) < 0 || ioctl(device, VHOST_SET_OWNER) < 0 ? -1 : 0;
}

/*
 * Ends serving at once: a stop would serve what is on the rings before. Returns false if
 * the device can't be taken anew; it has no memory and no log then.
 */
static bool abandon_rings(struct vu_session *session)
{
	if (take_device(session->rings.fd) < 0)
		return false;
	session->rings.running = false;
	return true;
}

/* What the device knew of memory and log before it was taken anew. */
static const char *set_memory_and_log(struct vu_session *session)
{
	uint64_t at = session->log.at;

	if (session->memory.nr && vu_memory_set(&session->memory, session->rings.fd) < 0)
		return strerror(errno);
	if (session->log.base && ioctl(session->rings.fd, VHOST_SET_LOG_BASE, &at) < 0)
		return strerror(errno);
	if (session->log_call >= 0 &&
	    ioctl(session->rings.fd, VHOST_SET_LOG_FD, &session->log_call) < 0)
		return strerror(errno);
	return NULL;
}

/*
 * A guest that is reset, which may have crashed, waits for no answers, and what it asked
 * for is not to be done to the next one's files. What it had looked up and opened goes
 * when a driver begins anew.
 */
static const char *reset_device(struct vu_session *session, const struct vu_message *message,
				struct answer *answer)
{
	const char *why = abandon_rings(session) ? NULL : strerror(errno);

	(void)message;
	(void)answer;
	if (!why)
		why = vu_rings_reset(&session->rings);
	/* It is the keeper's, and whoever wants to be told tells so again. */
	session->log_call = -1;
	if (!why)
		why = set_memory_and_log(session);
	if (!why)
		why = set_device_features(session, 0);
	if (why)
		return why;
	session->agreed.features = 0;
	session->rings.log_all = false;
	return NULL;
}

/* A front end is told of failure, and may go on: its guest then stays. */
static const char *set_device_state_fd(struct vu_session *session,
				       const struct vu_message *message, struct answer *answer)
{
	const char *why = vu_state_begin(session->rings.fd, &message->payload.transfer,
					 session->conn.fds[0]);

	if (why && may_complain(session))
		notice("vhost-user: %s: %s", message->name, why);
	session->moving |= !why;
	return answer_number(answer, VU_STATE_NO_FD | !!why);
}

static const char *check_device_state(struct vu_session *session,
				      const struct vu_message *message, struct answer *answer)
{
	const char *why;

	if (!session->moving)
		return answer_number(answer, 1);
	session->moving = false;
	why = vu_state_check(session->rings.fd);
	if (why && may_complain(session))
		notice("vhost-user: %s: %s", message->name, why);
	return answer_number(answer, !!why);
}

/*
 * What requests are in flight, only the device knows, and the guest's session can't be
 * told by memory anyway. So what the front end is given to keep is the device itself, as
 * a VMM has it that needs no server; it can be mapped, as memory could be.
 */
static const char *get_inflight_fd(struct vu_session *session, const struct vu_message *message,
				   struct answer *answer)
{
	answer->fd = fcntl(session->rings.fd, F_DUPFD_CLOEXEC, 0);
	if (answer->fd < 0)
		return strerror(errno);
	answer->payload.inflight = message->payload.inflight;
	answer->payload.inflight.size = sysconf(_SC_PAGESIZE);
	answer->payload.inflight.offset = 0;
	answer->size = message->size;
	/* Who wants a new one begins with rings that are new. */
	vu_rings_forget_base(&session->rings);
	return NULL;
}

static bool is_device(const struct vu_session *session, int fd)
{
	struct stat ours, st;

	return !fstat(session->rings.fd, &ours) && !fstat(fd, &st) && S_ISCHR(st.st_mode) &&
	       st.st_rdev == ours.st_rdev;
}

/* It tells its owner only where a ring stands. */
static bool is_ours(int device)
{
	struct vhost_vring_state state = { };

	return !ioctl(device, VHOST_GET_VRING_BASE, &state);
}

/*
 * By this a front end that has connected again brings back what it kept. An earlier
 * process served by that device; now this one does.
 */
static const char *set_inflight_fd(struct vu_session *session, const struct vu_message *message,
				   struct answer *answer)
{
	int fd = session->conn.fds[0];
	const char *why;

	(void)message;
	(void)answer;
	if (!is_device(session, fd))
		return "it is nothing that GET_INFLIGHT_FD has given";
	if (is_ours(fd))
		return NULL;
	if (session->moving)
		return "the device's state is being moved";
	if (session->rings.running || session->log.base || session->log_call >= 0)
		return "it comes too late";
	if (take_device(fd) < 0)
		return errno == EBUSY ? "another process serves it" : strerror(errno);
	vu_rings_use(&session->rings, vu_take_fd(&session->conn));
	why = session->memory.nr ? set_memory(session) : NULL;
	return why ? why : set_device_features(session, session->agreed.features);
}

static const struct handler handlers[VU_NR_REQUESTS] = {
	[VU_GET_FEATURES] = { .fn = get_features, .answers = true },
	[VU_SET_FEATURES] = { .fn = set_features },
	[VU_SET_OWNER] = { .fn = set_owner },
	[VU_RESET_OWNER] = { .fn = disable_all },
	[VU_SET_MEM_TABLE] = { .fn = set_mem_table },
	[VU_SET_LOG_BASE] = { .fn = set_log_base, .answers = true },
	[VU_SET_LOG_FD] = { .fn = set_log_fd },
	[VU_SET_VRING_NUM] = { .fn = set_vring_num },
	[VU_SET_VRING_ADDR] = { .fn = set_vring_addr },
	[VU_SET_VRING_BASE] = { .fn = set_vring_base },
	[VU_GET_VRING_BASE] = { .fn = get_vring_base, .answers = true },
	[VU_SET_VRING_KICK] = { .fn = set_vring_kick },
	[VU_SET_VRING_CALL] = { .fn = set_vring_call },
	[VU_SET_VRING_ERR] = { .fn = set_vring_err },
	[VU_GET_PROTOCOL_FEATURES] = { .fn = get_protocol_features, .answers = true },
	[VU_SET_PROTOCOL_FEATURES] = { .fn = set_protocol_features },
	[VU_GET_QUEUE_NUM] = { .fn = get_queue_num, .answers = true },
	[VU_SET_VRING_ENABLE] = { .fn = set_vring_enable },
	[VU_SET_BACKEND_REQ_FD] = { .fn = set_backend_req_fd },
	[VU_GET_CONFIG] = { .fn = get_config, .answers = true },
	[VU_SET_CONFIG] = { .fn = set_config, .survivable = true },
	[VU_GET_INFLIGHT_FD] = { .fn = get_inflight_fd, .answers = true },
	[VU_SET_INFLIGHT_FD] = { .fn = set_inflight_fd },
	[VU_RESET_DEVICE] = { .fn = reset_device },
	[VU_GET_MAX_MEM_SLOTS] = { .fn = get_max_mem_slots, .answers = true },
	[VU_ADD_MEM_REG] = { .fn = add_mem_reg, .survivable = true },
	[VU_REM_MEM_REG] = { .fn = rem_mem_reg, .survivable = true },
	[VU_SET_DEVICE_STATE_FD] = { .fn = set_device_state_fd, .answers = true },
	[VU_CHECK_DEVICE_STATE] = { .fn = check_device_state, .answers = true },
};

/*
 * The keeper has these files, and what is mapped needs no descriptor here: one that stayed
 * would keep memory that the front end has taken back.
 */
static void close_mapped(const struct vu_record *record)
{
	unsigned int i;

	for (i = 0; i < record->nr_regions; i++)
		vu_close(record->region_fds[i]);
	if (record->log.fd >= 0)
		vu_close(record->log.fd);
	if (record->log_call >= 0)
		vu_close(record->log_call);
	if (record->backend_req >= 0)
		vu_close(record->backend_req);
}

/* What an earlier process had set up, from what it told of it. */
static const char *restore(struct vu_session *session, const struct vu_record *record)
{
	const struct vu_kept_map *log = &record->log;
	const char *why = NULL;
	unsigned int i;

	for (i = 0; i < record->nr_regions && !why; i++)
		why = vu_memory_add(&session->memory, &record->regions[i],
				    record->region_fds[i]);
	if (!why && log->fd >= 0)
		why = vu_map(&session->log, log->fd, log->offset, log->size);
	if (!why)
		why = set_memory_and_log(session);
	if (why)
		return why;
	close_mapped(record);
	why = set_device_features(session, record->agreed.features);
	/* Some rings may stand at their beginning already, and are not to be served. */
	if (why || record->resetting)
		return why;
	return vu_rings_update(&session->rings, &session->memory);
}

int vu_session_begin(struct vu_session *session, const char *tag, bool can_come_back,
		     const struct vu_record *record)
{
	const char *why;

	memset(session, 0, sizeof(*session));
	session->conn.fd = -1;
	session->tag = tag;
	session->memory.limit = vu_memory_limit();
	if (!vu_rings_init(&session->rings, record->device))
		return refused("can't make an eventfd: %s", strerror(errno));
	if (take_device(record->device) < 0 ||
	    ioctl(record->device, VHOST_GET_FEATURES, &session->features) < 0)
		return refused("can't take /dev/vhost-fs: %s", strerror(errno));
	session->features |= VU_F_PROTOCOL;
	vu_record_restore(record, session);
	session->agreed.offered = PROTOCOL_FEATURES | (tag ? VU_PROTOCOL_CONFIG : 0);
	if (!can_come_back)
		session->agreed.offered &= ~VU_PROTOCOL_INFLIGHT_SHMFD;
	why = restore(session, record);
	return why ? refused("can't take up what was served: %s", why) : 0;
}

static void set_answer(struct vu_result *result, const struct vu_message *message,
		       const struct answer *answer)
{
	result->answers = true;
	result->request = message->request;
	result->size = answer->size;
	result->payload = answer->payload;
	result->fd = answer->fd;
}

/* Returns false when the connection is to be closed. */
static bool handle(struct vu_session *session, const struct vu_message *message,
		   struct vu_result *result)
{
	const struct handler *handler = &handlers[message->request];
	struct answer answer = { .fd = -1 };
	const char *why;

	why = handler->fn(session, message, &answer);
	if (why && !(handler->survivable && message->wants_ack)) {
		notice("vhost-user: %s: %s; connection closed", message->name, why);
		return false;
	}
	if (why && may_complain(session))
		notice("vhost-user: %s: %s", message->name, why);
	if (!handler->answers && message->wants_ack)
		answer_number(&answer, !!why);
	if (handler->answers || message->wants_ack)
		set_answer(result, message, &answer);
	return true;
}

void vu_session_serve(struct vu_session *session, struct vu_result *result)
{
	struct vu_connection *conn = &session->conn;
	struct vu_message message;
	const char *why;

	memset(result, 0, sizeof(*result));
	result->fd = -1;
	why = vu_message_parse(conn->buf, conn->have, conn->nr_fds, &session->agreed, &message);
	if (!why && !handlers[message.request].fn)
		why = "the request is not served";
	if (why)
		notice("vhost-user: %s: %s; connection closed", message.name, why);
	result->over = why || !handle(session, &message, result);
	vu_next(conn);
	vu_record_save(&result->record, session);
}

void vu_session_broken(struct vu_session *session)
{
	if (may_complain(session))
		notice("vhost-user: the guest has broken a ring; nothing is served until it is set up anew");
	vu_rings_clear_broken(&session->rings);
}

void vu_session_end(struct vu_session *session)
{
	abandon_rings(session);
	/* Who keeps the device may come back for it, and it has to know where it stood. */
	if (session->agreed.protocol & VU_PROTOCOL_INFLIGHT_SHMFD)
		vu_rings_stop(&session->rings);
	else
		vu_rings_exit(&session->rings);
	vu_memory_clear(&session->memory);
	vu_unmap(&session->log);
	vu_next(&session->conn);
}
