// SPDX-License-Identifier: GPL-2.0-only
/*
 * Drives a libFuzzer target without libFuzzer: with files, if any are given, or
 * else with COUNT inputs that are random from the seed on, most of them nearly
 * right.
 *
 *	fuzz_main [-n COUNT] [-s SEED] [FILE]...
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fuzz.h"

static uint64_t state;

uint32_t fuzz_next(uint32_t below)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (state >> 33) % below;
}

uint64_t fuzz_interesting(void)
{
	static const uint64_t numbers[] = {
		0, 1, 2, 8, 16, 17, 32, 33, 64, 256, 4096, 32768, 65535, 65536, INT32_MAX,
		UINT32_MAX, 1ULL << 40, INT64_MAX, 1ULL << 63, UINT64_MAX - 4095, UINT64_MAX,
	};

	return numbers[fuzz_next(sizeof(numbers) / sizeof(numbers[0]))];
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
	static uint8_t input[FUZZ_INPUT_MAX];
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
		LLVMFuzzerTestOneInput(input, fuzz_make(input));
	return 0;
}
