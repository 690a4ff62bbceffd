// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzz target of the vhost-user message parser: whatever bytes come, a message
 * that is found valid keeps what the session counts on.
 *
 * Each input is a number of descriptors and a message; the features are all
 * agreed on. Built with clang it is driven by libFuzzer:
 *
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined ...
 *
 * and without, by fuzz_main.c.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "vu-message.h"

static void check(int good)
{
	if (!good)
		abort();
}

static void check_regions(const struct vu_message *m, unsigned int nr_fds)
{
	const struct vu_table *table = &m->payload.table;
	uint32_t i;

	check(table->nr >= 1 && table->nr <= VU_MAX_TABLE && nr_fds == table->nr);
	for (i = 0; i < table->nr; i++) {
		const struct vu_region *r = &table->regions[i];

		check(r->size && r->guest + (r->size - 1) >= r->guest);
		check(r->user + (r->size - 1) >= r->user);
		check(r->offset + r->size > r->offset && r->offset + r->size <= INT64_MAX);
	}
}

static void check_valid(const struct vu_message *m, unsigned int nr_fds)
{
	check(m->request > 0 && m->request < VU_NR_REQUESTS && m->name);
	check(m->size <= sizeof(m->payload) && nr_fds <= VU_MAX_FDS);
	check(m->ring < VU_MAX_RINGS);
	if (m->request == VU_SET_MEM_TABLE)
		check_regions(m, nr_fds);
	if (m->request == VU_SET_VRING_NUM)
		check(m->payload.state.num && m->payload.state.num <= VU_MAX_RING_SIZE);
	if (m->request == VU_GET_CONFIG || m->request == VU_SET_CONFIG)
		check(m->payload.config.offset + m->payload.config.size <= VU_CONFIG_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct vu_agreed all = { ~0ULL, ~0ULL, ~0ULL };
	struct vu_message m;
	char *bytes;

	if (!size)
		return 0;
	/* Of its own size, so that a byte too far is noticed. */
	bytes = malloc(size - 1 ? size - 1 : 1);
	check(!!bytes);
	memcpy(bytes, data + 1, size - 1);
	if (!vu_message_parse(bytes, size - 1, data[0] % 34, &all, &m))
		check_valid(&m, data[0] % 34);
	free(bytes);
	return 0;
}
