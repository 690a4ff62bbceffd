// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mutations of steps; see steps.h.
 */
#include "steps.h"

#include <stdlib.h>
#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

uint64_t steps_number(void)
{
	static const uint64_t numbers[] = {
		0, 1, 2, 3, 7, 8, 0x1000, 0x1fff, 0x8000, 0xffff, 0x10000, 1ULL << 31,
		UINT32_MAX, 1ULL << 60, INT64_MAX, 1ULL << 63, UINT64_MAX - 4095, UINT64_MAX,
	};
	const unsigned int nr = sizeof(numbers) / sizeof(numbers[0]);
	unsigned int pick = rand() % (nr + 6);

	if (pick < nr)
		return numbers[pick];
	return pick & 1 ? 1ULL << rand() % 64 : (unsigned int)rand() % 256;
}

size_t steps_mutate(const struct steps *k, uint8_t *data, size_t size, size_t max,
		    unsigned int seed)
{
	size_t n = size > k->head ? (size - k->head) / k->size : 0, at, room;
	uint8_t *steps = data + k->head;

	srand(seed);
	if (size < k->head)
		data[0] = rand();
	room = (max - k->head) / k->size;
	if (room > k->max)
		room = k->max;
	if (n > room)
		n = room;
	at = rand() % (n + 1);
	switch (rand() % 8) {
	case 0:
	case 1:
		if (n == room)
			break;
		memmove(steps + (at + 1) * k->size, steps + at * k->size, (n - at) * k->size);
		k->make(steps + at * k->size);
		return k->head + (n + 1) * k->size;
	case 2:
		if (!n || n == room)
			break;
		memcpy(steps + n * k->size, steps + rand() % n * k->size, k->size);
		k->change(steps + n * k->size);
		return k->head + (n + 1) * k->size;
	case 3:
		if (n < 2 || at == n)
			break;
		memmove(steps + at * k->size, steps + (at + 1) * k->size,
			(n - at - 1) * k->size);
		return k->head + (n - 1) * k->size;
	case 4:
		if (k->head && rand() % 4 == 0)
			data[0] = rand() % 8;
		break;
	case 5:
		return LLVMFuzzerMutate(data, size, max);
	}
	if (n)
		k->change(steps + rand() % n * k->size);
	return k->head + n * k->size;
}
