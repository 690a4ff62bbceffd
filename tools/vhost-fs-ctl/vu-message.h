/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages of the vhost-user protocol, as a back end gets them. The formats are
 * those of QEMU's docs/interop/vhost-user.rst; numbers are in the machine's own
 * byte order.
 */
#ifndef CTL_VU_MESSAGE_H
#define CTL_VU_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/vhost.h>

/* Rings that a session can have: hiprio, and VHOST_FS_MAX_REQUEST_QUEUES. */
#define VU_MAX_RINGS		17
#define VU_MAX_RING_SIZE	32768

/* Regions that one SET_MEM_TABLE may bring; front ends bring 8 at most. */
#define VU_MAX_TABLE		32
#define VU_MAX_FDS		VU_MAX_TABLE

#define VU_CONFIG_MAX		256

enum vu_request {
	VU_GET_FEATURES = 1,
	VU_SET_FEATURES = 2,
	VU_SET_OWNER = 3,
	VU_RESET_OWNER = 4,
	VU_SET_MEM_TABLE = 5,
	VU_SET_LOG_BASE = 6,
	VU_SET_LOG_FD = 7,
	VU_SET_VRING_NUM = 8,
	VU_SET_VRING_ADDR = 9,
	VU_SET_VRING_BASE = 10,
	VU_GET_VRING_BASE = 11,
	VU_SET_VRING_KICK = 12,
	VU_SET_VRING_CALL = 13,
	VU_SET_VRING_ERR = 14,
	VU_GET_PROTOCOL_FEATURES = 15,
	VU_SET_PROTOCOL_FEATURES = 16,
	VU_GET_QUEUE_NUM = 17,
	VU_SET_VRING_ENABLE = 18,
	VU_SET_BACKEND_REQ_FD = 21,
	VU_GET_CONFIG = 24,
	VU_SET_CONFIG = 25,
	VU_GET_INFLIGHT_FD = 31,
	VU_SET_INFLIGHT_FD = 32,
	VU_RESET_DEVICE = 34,
	VU_GET_MAX_MEM_SLOTS = 36,
	VU_ADD_MEM_REG = 37,
	VU_REM_MEM_REG = 38,
	VU_SET_DEVICE_STATE_FD = 42,
	VU_CHECK_DEVICE_STATE = 43,
	VU_NR_REQUESTS
};

/* The feature bit that says that there are protocol features. */
#define VU_F_PROTOCOL		(1ULL << 30)

#define VU_PROTOCOL_MQ			(1ULL << 0)
#define VU_PROTOCOL_LOG_SHMFD		(1ULL << 1)
#define VU_PROTOCOL_REPLY_ACK		(1ULL << 3)
#define VU_PROTOCOL_BACKEND_REQ		(1ULL << 5)
#define VU_PROTOCOL_CONFIG		(1ULL << 9)
#define VU_PROTOCOL_BACKEND_SEND_FD	(1ULL << 10)
#define VU_PROTOCOL_INFLIGHT_SHMFD	(1ULL << 12)
#define VU_PROTOCOL_RESET_DEVICE	(1ULL << 13)
#define VU_PROTOCOL_MEM_SLOTS		(1ULL << 15)
#define VU_PROTOCOL_DEVICE_STATE	(1ULL << 19)

#define VU_VERSION		0x1u
#define VU_VERSION_MASK		0x3u
#define VU_FLAG_REPLY		0x4u
#define VU_FLAG_NEED_REPLY	0x8u

/* Of the number that SET_VRING_KICK and the like bring. */
#define VU_VRING_INDEX		0xffu
#define VU_VRING_NO_FD		0x100u

/* Of the answer to SET_DEVICE_STATE_FD: the front end's descriptor is used. */
#define VU_STATE_NO_FD		0x100u

/**
 * struct vu_header - what each message begins with
 * @request: enum vu_request
 * @flags: VU_VERSION and VU_FLAG_*
 * @size: bytes of payload
 */
struct vu_header {
	uint32_t request;
	uint32_t flags;
	uint32_t size;
};

/**
 * struct vu_region - a piece of guest memory
 * @guest: address that the guest knows it by
 * @size: bytes
 * @user: address in the front end, which rings' addresses refer to
 * @offset: where it begins in the file that comes with it
 */
struct vu_region {
	uint64_t guest;
	uint64_t size;
	uint64_t user;
	uint64_t offset;
};

/* struct vhost_vring_addr is the same on the wire. */
struct vu_table {
	uint32_t nr;
	uint32_t padding;
	struct vu_region regions[VU_MAX_TABLE];
};

struct vu_slot {
	uint64_t padding;
	struct vu_region region;
};

struct vu_log {
	uint64_t size;
	uint64_t offset;
};

struct vu_config {
	uint32_t offset;
	uint32_t size;
	uint32_t flags;
	uint8_t bytes[VU_CONFIG_MAX];
};

struct vu_inflight {
	uint64_t size;
	uint64_t offset;
	uint16_t rings;
	uint16_t ring_size;
	uint32_t padding;
};

/* Numbers as in enum vhost_fs_state_direction; the only phase is 0. */
struct vu_transfer {
	uint32_t direction;
	uint32_t phase;
};

union vu_payload {
	uint64_t u64;
	struct vhost_vring_state state;
	struct vhost_vring_addr addr;
	struct vu_table table;
	struct vu_slot slot;
	struct vu_log log;
	struct vu_config config;
	struct vu_inflight inflight;
	struct vu_transfer transfer;
};

#define VU_MESSAGE_MAX (sizeof(struct vu_header) + sizeof(union vu_payload))

/**
 * struct vu_agreed - what a session has agreed on so far
 * @features: feature bits that the front end has set
 * @offered: protocol features that it was offered
 * @protocol: protocol features that it has set
 */
struct vu_agreed {
	uint64_t features;
	uint64_t offered;
	uint64_t protocol;
};

/**
 * struct vu_message - a message that has been found valid in itself
 * @request: what is asked
 * @name: its name in the protocol
 * @wants_ack: a request without an answer of its own is to be acknowledged
 * @size: bytes of @payload that came
 * @ring: which ring it is about, where it is about one
 * @payload: what came; the rest is 0
 */
struct vu_message {
	enum vu_request request;
	const char *name;
	bool wants_ack;
	uint32_t size;
	unsigned int ring;
	union vu_payload payload;
};

/*
 * How many bytes follow this header? Returns NULL, or what is wrong with it.
 */
const char *vu_header_check(const struct vu_header *header);

/*
 * Checks the @len bytes of a message that came with @nr_fds descriptors, and
 * fills @message. Returns NULL, or what is wrong; @message->name is set in any
 * case.
 */
const char *vu_message_parse(const void *bytes, size_t len, unsigned int nr_fds,
			     const struct vu_agreed *agreed, struct vu_message *message);

#endif /* CTL_VU_MESSAGE_H */
