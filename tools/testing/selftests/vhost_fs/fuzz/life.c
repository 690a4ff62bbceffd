// SPDX-License-Identifier: GPL-2.0-only
/*
 * The inputs of a life are kept in the file that FUZZ_LIFE names, which is to outlive
 * the kernel: four letters, and then the inputs, each with its size before it. Given as
 * an input itself, such a file is lived again.
 */
#include "life.h"

#include <err.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "coverage.h"

#define LIFE_INPUTS	256

static const char magic[4] = { 'L', 'I', 'F', 'E' };

unsigned int life_number;
unsigned long life_steps;

static unsigned int nr_inputs = LIFE_INPUTS;
static int file = -1;

static void begin(void)
{
	const char *name = getenv("FUZZ_LIFE");

	if (!life_number++ && name) {
		file = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
		if (file < 0)
			err(1, "%s", name);
	}
	nr_inputs = 0;
	if (file >= 0 && (ftruncate(file, 0) || write(file, magic, sizeof(magic)) < 0))
		err(1, "%s", name);
}

static void keep(const uint8_t *data, size_t size)
{
	uint32_t length = size;
	const struct iovec iov[] = {
		{ &length, sizeof(length) }, { (void *)data, size },
	};

	if (file >= 0 && writev(file, iov, 2) < 0)
		err(1, "what was done");
}

static void live_again(const uint8_t *data, size_t size)
{
	size_t at = sizeof(magic);
	uint32_t length;

	life_number++;
	while (at + sizeof(length) <= size) {
		memcpy(&length, data + at, sizeof(length));
		at += sizeof(length);
		if (length > size - at)
			break;
		target_input(data + at, length);
		at += length;
		coverage_take();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > sizeof(magic) && !memcmp(data, magic, sizeof(magic))) {
		live_again(data, size);
		return 0;
	}
	if (!size)
		return 0;
	if (nr_inputs++ == LIFE_INPUTS)
		begin();
	keep(data, size);
	target_input(data, size);
	coverage_take();
	return 0;
}
