// SPDX-License-Identifier: GPL-2.0-only
/*
 * Inputs for vu_message_fuzz.c: a number of descriptors, and a message of about
 * the size that its request has.
 */
#include <string.h>

#include "fuzz.h"
#include "vu-message.h"

static uint32_t likely_size(uint32_t request)
{
	static const uint32_t sizes[] = { 0, 8, 8, 8, 16, 20, 24, 40, 40 };

	if (request == VU_SET_MEM_TABLE)
		return 8 + 32 * fuzz_next(34);
	if (request == VU_GET_CONFIG || request == VU_SET_CONFIG)
		return 12 + fuzz_next(258);
	return sizes[fuzz_next(sizeof(sizes) / sizeof(sizes[0]))];
}

size_t fuzz_make(uint8_t *out)
{
	struct vu_header header = { fuzz_next(VU_NR_REQUESTS + 1), VU_VERSION, 0 };
	uint8_t payload[1100];
	uint32_t i;

	header.size = likely_size(header.request);
	if (!fuzz_next(8))
		header.flags = fuzz_interesting();
	for (i = 0; i < sizeof(payload); i += 4) {
		uint64_t number = fuzz_interesting();

		memcpy(payload + i, &number, 4);
	}
	if (header.request == VU_SET_MEM_TABLE && header.size >= 8) {
		uint32_t nr = (header.size - 8) / 32;

		memcpy(payload, &nr, sizeof(nr));
		out[0] = nr;
	} else {
		out[0] = fuzz_next(3);
	}
	memcpy(out + 1, &header, sizeof(header));
	memcpy(out + 1 + sizeof(header), payload, sizeof(payload));
	return 1 + sizeof(header) + header.size - (fuzz_next(16) ? 0 : 1);
}
