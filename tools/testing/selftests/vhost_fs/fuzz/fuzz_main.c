// SPDX-License-Identifier: GPL-2.0-only
/*
 * Drives a libFuzzer target without libFuzzer: with files, if any are given, or
 * else with COUNT messages that are random from the seed on, most of them
 * nearly right.
 *
 *	fuzz_main [-n COUNT] [-s SEED] [FILE]...
 */
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vu-message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t state;

static uint32_t next(uint32_t below)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (state >> 33) % below;
}

/* Numbers on which something may turn. */
static uint64_t interesting(void)
{
	static const uint64_t numbers[] = {
		0, 1, 2, 8, 16, 17, 32, 33, 64, 256, 4096, 32768, 65535, 65536, INT32_MAX,
		UINT32_MAX, 1ULL << 40, INT64_MAX, 1ULL << 63, UINT64_MAX - 4095, UINT64_MAX,
	};

	return numbers[next(sizeof(numbers) / sizeof(numbers[0]))];
}

static uint32_t likely_size(uint32_t request)
{
	static const uint32_t sizes[] = { 0, 8, 8, 8, 16, 20, 24, 40, 40 };

	if (request == VU_SET_MEM_TABLE)
		return 8 + 32 * next(34);
	if (request == VU_GET_CONFIG || request == VU_SET_CONFIG)
		return 12 + next(258);
	return sizes[next(sizeof(sizes) / sizeof(sizes[0]))];
}

static size_t make_message(uint8_t *out)
{
	struct vu_header header = { next(VU_NR_REQUESTS + 1), VU_VERSION, 0 };
	uint8_t payload[1100];
	uint32_t i;

	header.size = likely_size(header.request);
	if (!next(8))
		header.flags = interesting();
	for (i = 0; i < sizeof(payload); i += 4) {
		uint64_t number = interesting();

		memcpy(payload + i, &number, 4);
	}
	if (header.request == VU_SET_MEM_TABLE && header.size >= 8) {
		uint32_t nr = (header.size - 8) / 32;

		memcpy(payload, &nr, sizeof(nr));
		out[0] = nr;
	} else {
		out[0] = next(3);
	}
	memcpy(out + 1, &header, sizeof(header));
	memcpy(out + 1 + sizeof(header), payload, sizeof(payload));
	return 1 + sizeof(header) + header.size - (next(16) ? 0 : 1);
}

static void run_file(const char *name)
{
	static uint8_t data[1 << 16];
	FILE *file = fopen(name, "rb");
	size_t size;

	if (!file)
		err(1, "%s", name);
	size = fread(data, 1, sizeof(data), file);
	fclose(file);
	LLVMFuzzerTestOneInput(data, size);
}

int main(int argc, char **argv)
{
	unsigned long count = 1000000, i;
	uint8_t message[1200];
	int option;

	while ((option = getopt(argc, argv, "n:s:")) != -1) {
		if (option == 'n')
			count = strtoul(optarg, NULL, 10);
		else if (option == 's')
			state = strtoul(optarg, NULL, 10);
		else
			return 2;
	}
	for (i = optind; i < (unsigned long)argc; i++)
		run_file(argv[i]);
	for (i = 0; optind == argc && i < count; i++)
		LLVMFuzzerTestOneInput(message, make_message(message));
	return 0;
}
