// SPDX-License-Identifier: GPL-2.0-only
/*
 * vu-message.c: what of a vhost-user message is found right and wrong.
 */
#include <string.h>

#include "unit.h"
#include "vu-message.h"

#define ALL_PROTOCOL (~0ULL)

static const struct vu_agreed all = { ~0ULL, ALL_PROTOCOL, ALL_PROTOCOL };

struct buffer {
	struct vu_header header;
	union vu_payload payload;
};

static const char *parse(struct buffer *b, unsigned int nr_fds, struct vu_message *m)
{
	char bytes[VU_MESSAGE_MAX];

	memcpy(bytes, &b->header, sizeof(b->header));
	memcpy(bytes + sizeof(b->header), &b->payload, sizeof(b->payload));
	return vu_message_parse(bytes, sizeof(b->header) + b->header.size, nr_fds, &all, m);
}

static void test_empty_request(void **state)
{
	struct buffer b = { { VU_GET_FEATURES, VU_VERSION, 0 }, { } };
	struct vu_message m;

	(void)state;
	assert_null(parse(&b, 0, &m));
	assert_int_equal(VU_GET_FEATURES, m.request);
	assert_false(m.wants_ack);
	assert_string_equal("GET_FEATURES", m.name);
	b.header.flags |= VU_FLAG_NEED_REPLY;
	assert_null(parse(&b, 0, &m));
	assert_true(m.wants_ack);
	assert_non_null(parse(&b, 1, &m));
}

/* Every length of every request: exactly those of the protocol are taken. */
static void test_lengths(void **state)
{
	static const struct {
		uint32_t request, from, to;
	} lengths[] = {
		{ VU_GET_FEATURES, 0, 0 }, { VU_SET_FEATURES, 8, 8 }, { VU_SET_OWNER, 0, 0 },
		{ VU_RESET_OWNER, 0, 0 }, { VU_SET_MEM_TABLE, 8, 8 + 32 * 32 },
		{ VU_SET_LOG_BASE, 16, 16 }, { VU_SET_LOG_FD, 0, 8 },
		{ VU_SET_VRING_NUM, 8, 8 }, { VU_SET_VRING_ADDR, 40, 40 },
		{ VU_SET_VRING_BASE, 8, 8 }, { VU_GET_VRING_BASE, 8, 8 },
		{ VU_SET_VRING_KICK, 8, 8 }, { VU_SET_VRING_CALL, 8, 8 },
		{ VU_SET_VRING_ERR, 8, 8 }, { VU_GET_PROTOCOL_FEATURES, 0, 0 },
		{ VU_SET_PROTOCOL_FEATURES, 8, 8 }, { VU_GET_QUEUE_NUM, 0, 0 },
		{ VU_SET_VRING_ENABLE, 8, 8 }, { VU_SET_BACKEND_REQ_FD, 0, 0 },
		{ VU_GET_CONFIG, 12, 12 + 256 }, { VU_SET_CONFIG, 12, 12 + 256 },
		{ VU_GET_INFLIGHT_FD, 20, 24 }, { VU_SET_INFLIGHT_FD, 20, 24 },
		{ VU_RESET_DEVICE, 0, 0 }, { VU_GET_MAX_MEM_SLOTS, 0, 0 },
		{ VU_ADD_MEM_REG, 40, 40 }, { VU_REM_MEM_REG, 40, 40 },
		{ VU_SET_DEVICE_STATE_FD, 8, 8 }, { VU_CHECK_DEVICE_STATE, 0, 0 },
	};
	struct vu_header header = { .flags = VU_VERSION };
	unsigned int i, size, nr = 0;

	(void)state;
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		header.request = lengths[i].request;
		for (size = 0; size < 1100; size++) {
			header.size = size;
			assert_int_equal(size >= lengths[i].from && size <= lengths[i].to,
					 !vu_header_check(&header));
		}
		header.size = UINT32_MAX;
		assert_non_null(vu_header_check(&header));
	}
	/* And no other request is. */
	header.size = 0;
	for (header.request = 0; header.request < 1000; header.request++) {
		bool known = false;

		for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
			known = known || lengths[i].request == header.request;
		nr += known;
		if (!known)
			assert_string_equal("the request is not served", vu_header_check(&header));
	}
	assert_int_equal(sizeof(lengths) / sizeof(lengths[0]), nr);
}

static void test_length_and_bytes_disagree(void **state)
{
	struct vu_header header = { VU_SET_FEATURES, VU_VERSION, 8 };
	char bytes[64] = { };
	struct vu_message m;
	size_t len;

	(void)state;
	memcpy(bytes, &header, sizeof(header));
	for (len = 0; len < sizeof(bytes); len++)
		assert_int_equal(len == sizeof(header) + 8,
				 !vu_message_parse(bytes, len, 0, &all, &m));
}

static void test_negotiation(void **state)
{
	struct vu_header header = { VU_GET_QUEUE_NUM, VU_VERSION, 0 };
	struct vu_agreed agreed = { .protocol = ALL_PROTOCOL & ~VU_PROTOCOL_MQ };
	struct vu_message m;

	(void)state;
	assert_non_null(vu_message_parse(&header, sizeof(header), 0, &agreed, &m));
	agreed.protocol = VU_PROTOCOL_MQ;
	assert_null(vu_message_parse(&header, sizeof(header), 0, &agreed, &m));
	header.flags |= VU_FLAG_NEED_REPLY;
	assert_non_null(vu_message_parse(&header, sizeof(header), 0, &agreed, &m));
	agreed.protocol |= VU_PROTOCOL_REPLY_ACK;
	assert_null(vu_message_parse(&header, sizeof(header), 0, &agreed, &m));
}

static const char *parse_regions(unsigned int nr, const struct vu_region *regions,
				 unsigned int nr_fds)
{
	struct buffer b = { { VU_SET_MEM_TABLE, VU_VERSION, 8 + nr * 32 }, { } };
	struct vu_message m;

	b.payload.table.nr = nr;
	memcpy(b.payload.table.regions, regions, nr * sizeof(*regions));
	return parse(&b, nr_fds, &m);
}

static void test_regions(void **state)
{
	struct vu_region r[VU_MAX_TABLE];
	unsigned int i;

	(void)state;
	for (i = 0; i < VU_MAX_TABLE; i++)
		r[i] = (struct vu_region) { i * 0x1000, 0x1000, 0x100000 + i * 0x1000, 0 };
	assert_null(parse_regions(VU_MAX_TABLE, r, VU_MAX_TABLE));
	assert_non_null(parse_regions(VU_MAX_TABLE, r, VU_MAX_TABLE - 1));
	assert_non_null(parse_regions(0, r, 0));
	/* The last byte of all addresses is one that can be used. */
	r[1] = (struct vu_region) { ~0ULL - 0xfff, 0x1000, ~0ULL - 0xfff, INT64_MAX - 0x1000 };
	assert_null(parse_regions(2, r, 2));
	r[1].size++;
	assert_string_equal("a region wraps around", parse_regions(2, r, 2));
	r[1] = (struct vu_region) { 0x800, 0x1000, 0x800000, 0 };
	assert_string_equal("regions overlap", parse_regions(2, r, 2));
	r[1] = (struct vu_region) { 0x800000, 0x1000, 0x100fff, 0 };
	assert_string_equal("regions overlap", parse_regions(2, r, 2));
}

static void test_ring_numbers(void **state)
{
	struct buffer b = { { VU_SET_VRING_KICK, VU_VERSION, 8 }, { .u64 = 16 } };
	struct vu_message m;

	(void)state;
	assert_null(parse(&b, 1, &m));
	assert_int_equal(16, m.ring);
	assert_non_null(parse(&b, 0, &m));
	b.payload.u64 = 16 | VU_VRING_NO_FD;
	assert_null(parse(&b, 0, &m));
	assert_int_equal(16, m.ring);
	assert_non_null(parse(&b, 1, &m));
	b.payload.u64 = 17;
	assert_string_equal("there is no such ring", parse(&b, 1, &m));
	b.header.request = VU_SET_VRING_NUM;
	b.payload.state = (struct vhost_vring_state) { 16, 32768 };
	assert_null(parse(&b, 0, &m));
	assert_int_equal(16, m.ring);
	b.payload.state.num = 32767;
	assert_non_null(parse(&b, 0, &m));
	b.payload.state = (struct vhost_vring_state) { 17, 1 };
	assert_string_equal("there is no such ring", parse(&b, 0, &m));
}

static void test_inflight(void **state)
{
	struct buffer b = { { VU_GET_INFLIGHT_FD, VU_VERSION, 20 }, { } };
	struct vu_message m;

	(void)state;
	b.payload.inflight.rings = 17;
	b.payload.inflight.ring_size = 1024;
	assert_null(parse(&b, 0, &m));
	b.header.size = 24;
	assert_null(parse(&b, 0, &m));
	b.header.size = 22;
	assert_non_null(parse(&b, 0, &m));
	b.header.size = 24;
	b.payload.inflight.rings = 18;
	assert_non_null(parse(&b, 0, &m));
	b.payload.inflight.rings = 0;
	assert_non_null(parse(&b, 0, &m));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty_request),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_length_and_bytes_disagree),
		cmocka_unit_test(test_negotiation),
		cmocka_unit_test(test_regions),
		cmocka_unit_test(test_ring_numbers),
		cmocka_unit_test(test_inflight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
