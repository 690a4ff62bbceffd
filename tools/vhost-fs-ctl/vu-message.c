// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finds out whether a message of the vhost-user protocol is valid: length,
 * descriptors, flags, and whatever its numbers show by themselves. Bytes go in,
 * a checked structure comes out; nothing else happens here.
 */
#include "vu-message.h"

#include <string.h>

#define U64		sizeof(uint64_t)
#define STATE		sizeof(struct vhost_vring_state)
#define TABLE_HEADER	offsetof(struct vu_table, regions)
#define CONFIG_HEADER	offsetof(struct vu_config, bytes)
/* Without the padding, that front ends send and the protocol doesn't know. */
#define INFLIGHT_MIN	offsetof(struct vu_inflight, padding)

/**
 * struct vu_row - what the protocol says of a request
 * @name: without the prefix
 * @min: fewest bytes of payload
 * @max: most
 * @min_fds: fewest descriptors
 * @max_fds: most
 * @needs: protocol feature without which it may not come
 * @needs_f: feature, likewise
 * @ring: the payload is a struct vhost_vring_state or _addr, of a ring
 * @check: looks at the rest; NULL if there is no more to see
 */
struct vu_row {
	const char *name;
	uint16_t min;
	uint16_t max;
	uint8_t min_fds;
	uint8_t max_fds;
	uint64_t needs;
	uint64_t needs_f;
	bool ring;
	const char *(*check)(struct vu_message *message, unsigned int nr_fds);
};

static const char *check_region(const struct vu_region *region)
{
	uint64_t last = region->size - 1;

	if (!region->size)
		return "a region is empty";
	if (region->guest + last < region->guest || region->user + last < region->user)
		return "a region wraps around";
	if (region->offset > INT64_MAX || region->size > INT64_MAX - region->offset)
		return "a region lies beyond the end of any file";
	return NULL;
}

static bool overlap(uint64_t one, uint64_t one_size, uint64_t other, uint64_t other_size)
{
	return one - other < other_size || other - one < one_size;
}

static const char *check_table(struct vu_message *message, unsigned int nr_fds)
{
	const struct vu_table *table = &message->payload.table;
	unsigned int i, j;

	if (!table->nr || table->nr > VU_MAX_TABLE)
		return "the number of regions is not 1 to 32";
	if (message->size != TABLE_HEADER + table->nr * sizeof(struct vu_region))
		return "the length doesn't fit the number of regions";
	if (nr_fds != table->nr)
		return "there isn't one descriptor for each region";
	for (i = 0; i < table->nr; i++) {
		const struct vu_region *a = &table->regions[i];
		const char *why = check_region(a);

		if (why)
			return why;
		for (j = 0; j < i; j++) {
			const struct vu_region *b = &table->regions[j];

			if (overlap(a->guest, a->size, b->guest, b->size) ||
			    overlap(a->user, a->size, b->user, b->size))
				return "regions overlap";
		}
	}
	return NULL;
}

static const char *check_slot(struct vu_message *message, unsigned int nr_fds)
{
	(void)nr_fds;
	return check_region(&message->payload.slot.region);
}

static const char *check_log(struct vu_message *message, unsigned int nr_fds)
{
	const struct vu_log *log = &message->payload.log;

	(void)nr_fds;
	if (!log->size)
		return "the log is empty";
	if (log->offset > INT64_MAX || log->size > INT64_MAX - log->offset)
		return "the log lies beyond the end of any file";
	return NULL;
}

/* The protocol gives it no payload; some front ends send a number. */
static const char *check_log_fd(struct vu_message *message, unsigned int nr_fds)
{
	(void)nr_fds;
	return message->size && message->size != U64 ? "the length is neither 0 nor 8" : NULL;
}

static bool is_power_of_two(uint32_t n)
{
	return n && !(n & (n - 1));
}

static const char *check_ring_size(struct vu_message *message, unsigned int nr_fds)
{
	uint32_t num = message->payload.state.num;

	(void)nr_fds;
	if (num > VU_MAX_RING_SIZE || !is_power_of_two(num))
		return "the ring's size is not a power of two up to 32768";
	return NULL;
}

static const char *check_base(struct vu_message *message, unsigned int nr_fds)
{
	(void)nr_fds;
	return message->payload.state.num > UINT16_MAX ? "the index is above 65535" : NULL;
}

static const char *check_enable(struct vu_message *message, unsigned int nr_fds)
{
	(void)nr_fds;
	return message->payload.state.num > 1 ? "the state is neither 0 nor 1" : NULL;
}

static const char *check_addr(struct vu_message *message, unsigned int nr_fds)
{
	const struct vhost_vring_addr *addr = &message->payload.addr;

	(void)nr_fds;
	if (addr->flags & ~(1u << VHOST_VRING_F_LOG))
		return "an unknown flag is set";
	if (addr->desc_user_addr % 16 || addr->avail_user_addr % 2 || addr->used_user_addr % 4)
		return "an address is not aligned";
	if (!addr->desc_user_addr || !addr->avail_user_addr || !addr->used_user_addr)
		return "an address is null";
	return NULL;
}

/* The number holds a ring's index, and whether a descriptor comes with it. */
static const char *check_ring_fd(struct vu_message *message, unsigned int nr_fds)
{
	uint64_t number = message->payload.u64;

	if (number & ~(uint64_t)(VU_VRING_INDEX | VU_VRING_NO_FD))
		return "an unknown bit is set";
	if (nr_fds != !(number & VU_VRING_NO_FD))
		return "the descriptor is not as announced";
	message->ring = number & VU_VRING_INDEX;
	return message->ring < VU_MAX_RINGS ? NULL : "there is no such ring";
}

static const char *check_config(struct vu_message *message, unsigned int nr_fds)
{
	const struct vu_config *config = &message->payload.config;

	(void)nr_fds;
	if (message->size != CONFIG_HEADER + config->size)
		return "the length doesn't fit the size inside";
	if (config->offset > VU_CONFIG_MAX || config->size > VU_CONFIG_MAX - config->offset)
		return "it lies outside of the configuration space";
	if (config->flags & ~1u)
		return "an unknown flag is set";
	return NULL;
}

static const char *check_inflight(struct vu_message *message, unsigned int nr_fds)
{
	const struct vu_inflight *inflight = &message->payload.inflight;

	(void)nr_fds;
	if (message->size != INFLIGHT_MIN && message->size != sizeof(*inflight))
		return "the length is neither 20 nor 24";
	if (!inflight->rings || inflight->rings > VU_MAX_RINGS)
		return "there can't be that many rings";
	if (inflight->ring_size > VU_MAX_RING_SIZE || !is_power_of_two(inflight->ring_size))
		return "the rings' size is not a power of two up to 32768";
	return NULL;
}

static const char *check_transfer(struct vu_message *message, unsigned int nr_fds)
{
	const struct vu_transfer *transfer = &message->payload.transfer;

	(void)nr_fds;
	if (transfer->direction > 1)
		return "the direction is neither 0 nor 1";
	return transfer->phase ? "the phase is not 0" : NULL;
}

static const struct vu_row rows[VU_NR_REQUESTS] = {
	[VU_GET_FEATURES] = { .name = "GET_FEATURES" },
	[VU_SET_FEATURES] = { .name = "SET_FEATURES", .min = U64, .max = U64 },
	[VU_SET_OWNER] = { .name = "SET_OWNER" },
	[VU_RESET_OWNER] = { .name = "RESET_OWNER" },
	[VU_SET_MEM_TABLE] = {
		.name = "SET_MEM_TABLE", .min = TABLE_HEADER, .max = sizeof(struct vu_table),
		.max_fds = VU_MAX_TABLE, .check = check_table,
	},
	[VU_SET_LOG_BASE] = {
		.name = "SET_LOG_BASE", .min = sizeof(struct vu_log), .max = sizeof(struct vu_log),
		.min_fds = 1, .max_fds = 1, .needs = VU_PROTOCOL_LOG_SHMFD, .check = check_log,
	},
	[VU_SET_LOG_FD] = {
		.name = "SET_LOG_FD", .max = U64, .min_fds = 1, .max_fds = 1,
		.check = check_log_fd,
	},
	[VU_SET_VRING_NUM] = {
		.name = "SET_VRING_NUM", .min = STATE, .max = STATE, .ring = true,
		.check = check_ring_size,
	},
	[VU_SET_VRING_ADDR] = {
		.name = "SET_VRING_ADDR", .min = sizeof(struct vhost_vring_addr),
		.max = sizeof(struct vhost_vring_addr), .ring = true, .check = check_addr,
	},
	[VU_SET_VRING_BASE] = {
		.name = "SET_VRING_BASE", .min = STATE, .max = STATE, .ring = true,
		.check = check_base,
	},
	[VU_GET_VRING_BASE] = {
		.name = "GET_VRING_BASE", .min = STATE, .max = STATE, .ring = true,
	},
	[VU_SET_VRING_KICK] = {
		.name = "SET_VRING_KICK", .min = U64, .max = U64, .max_fds = 1,
		.check = check_ring_fd,
	},
	[VU_SET_VRING_CALL] = {
		.name = "SET_VRING_CALL", .min = U64, .max = U64, .max_fds = 1,
		.check = check_ring_fd,
	},
	[VU_SET_VRING_ERR] = {
		.name = "SET_VRING_ERR", .min = U64, .max = U64, .max_fds = 1,
		.check = check_ring_fd,
	},
	[VU_GET_PROTOCOL_FEATURES] = { .name = "GET_PROTOCOL_FEATURES" },
	[VU_SET_PROTOCOL_FEATURES] = { .name = "SET_PROTOCOL_FEATURES", .min = U64, .max = U64 },
	[VU_GET_QUEUE_NUM] = { .name = "GET_QUEUE_NUM", .needs = VU_PROTOCOL_MQ },
	[VU_SET_VRING_ENABLE] = {
		.name = "SET_VRING_ENABLE", .min = STATE, .max = STATE, .ring = true,
		.needs_f = VU_F_PROTOCOL, .check = check_enable,
	},
	[VU_SET_BACKEND_REQ_FD] = {
		.name = "SET_BACKEND_REQ_FD", .min_fds = 1, .max_fds = 1,
		.needs = VU_PROTOCOL_BACKEND_REQ,
	},
	[VU_GET_CONFIG] = {
		.name = "GET_CONFIG", .min = CONFIG_HEADER, .max = sizeof(struct vu_config),
		.needs = VU_PROTOCOL_CONFIG, .check = check_config,
	},
	[VU_SET_CONFIG] = {
		.name = "SET_CONFIG", .min = CONFIG_HEADER, .max = sizeof(struct vu_config),
		.needs = VU_PROTOCOL_CONFIG, .check = check_config,
	},
	[VU_GET_INFLIGHT_FD] = {
		.name = "GET_INFLIGHT_FD", .min = INFLIGHT_MIN, .max = sizeof(struct vu_inflight),
		.needs = VU_PROTOCOL_INFLIGHT_SHMFD, .check = check_inflight,
	},
	[VU_SET_INFLIGHT_FD] = {
		.name = "SET_INFLIGHT_FD", .min = INFLIGHT_MIN, .max = sizeof(struct vu_inflight),
		.min_fds = 1, .max_fds = 1, .needs = VU_PROTOCOL_INFLIGHT_SHMFD,
		.check = check_inflight,
	},
	[VU_RESET_DEVICE] = { .name = "RESET_DEVICE", .needs = VU_PROTOCOL_RESET_DEVICE },
	[VU_GET_MAX_MEM_SLOTS] = { .name = "GET_MAX_MEM_SLOTS", .needs = VU_PROTOCOL_MEM_SLOTS },
	[VU_ADD_MEM_REG] = {
		.name = "ADD_MEM_REG", .min = sizeof(struct vu_slot),
		.max = sizeof(struct vu_slot), .min_fds = 1, .max_fds = 1,
		.needs = VU_PROTOCOL_MEM_SLOTS, .check = check_slot,
	},
	/* Some front ends send the region's descriptor once more. */
	[VU_REM_MEM_REG] = {
		.name = "REM_MEM_REG", .min = sizeof(struct vu_slot),
		.max = sizeof(struct vu_slot), .max_fds = 1,
		.needs = VU_PROTOCOL_MEM_SLOTS, .check = check_slot,
	},
	[VU_SET_DEVICE_STATE_FD] = {
		.name = "SET_DEVICE_STATE_FD", .min = sizeof(struct vu_transfer),
		.max = sizeof(struct vu_transfer), .min_fds = 1, .max_fds = 1,
		.needs = VU_PROTOCOL_DEVICE_STATE, .check = check_transfer,
	},
	[VU_CHECK_DEVICE_STATE] = {
		.name = "CHECK_DEVICE_STATE", .needs = VU_PROTOCOL_DEVICE_STATE,
	},
};

static const struct vu_row *find_row(uint32_t request)
{
	return request < VU_NR_REQUESTS && rows[request].name ? &rows[request] : NULL;
}

const char *vu_header_check(const struct vu_header *header)
{
	const struct vu_row *row = find_row(header->request);

	if (!row)
		return "the request is not served";
	if ((header->flags & VU_VERSION_MASK) != VU_VERSION)
		return "the protocol's version is not 1";
	if (header->flags & ~(VU_VERSION_MASK | VU_FLAG_NEED_REPLY))
		return "a flag is set that no request has";
	if (header->size < row->min || header->size > row->max)
		return "the length is wrong";
	return NULL;
}

static const char *check_agreed(const struct vu_row *row, const struct vu_agreed *agreed,
				uint32_t flags)
{
	if (row->needs & ~agreed->protocol || row->needs_f & ~agreed->features)
		return "that feature was not negotiated";
	if (flags & VU_FLAG_NEED_REPLY && !(agreed->protocol & VU_PROTOCOL_REPLY_ACK))
		return "acknowledgements were not negotiated";
	return NULL;
}

const char *vu_message_parse(const void *bytes, size_t len, unsigned int nr_fds,
			     const struct vu_agreed *agreed, struct vu_message *message)
{
	struct vu_header header;
	const struct vu_row *row;
	const char *why;

	memset(message, 0, sizeof(*message));
	message->name = "a message";
	if (len < sizeof(header))
		return "the length is wrong";
	memcpy(&header, bytes, sizeof(header));
	row = find_row(header.request);
	if (row)
		message->name = row->name;
	why = vu_header_check(&header);
	if (why)
		return why;
	if (len != sizeof(header) + header.size)
		return "the length is wrong";
	why = check_agreed(row, agreed, header.flags);
	if (why)
		return why;
	if (nr_fds < row->min_fds || nr_fds > row->max_fds)
		return "the number of descriptors is wrong";
	message->request = header.request;
	message->wants_ack = header.flags & VU_FLAG_NEED_REPLY;
	message->size = header.size;
	memcpy(&message->payload, (const char *)bytes + sizeof(header), header.size);
	if (row->ring) {
		message->ring = message->payload.state.index;
		if (message->ring >= VU_MAX_RINGS)
			return "there is no such ring";
	}
	return row->check ? row->check(message, nr_fds) : NULL;
}
