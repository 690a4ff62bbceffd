// SPDX-License-Identifier: GPL-2.0-only
/*
 * The inputs of a life are kept in the file that FUZZ_LIFE names, which is to outlive
 * the kernel: four letters, and then the inputs, each with its size before it. Given as
 * an input itself, such a file is lived again.
 */
#include "life.h"

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
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

/*
 * Those by which @places were reached first, in a directory that FUZZ_FIRST names. In
 * the file's name is how many, so that one can choose.
 */
static void keep_first(const uint8_t *data, size_t size, unsigned int places)
{
	const char *dir = getenv("FUZZ_FIRST");
	static unsigned int number;
	char name[256];
	int fd;

	if (!dir)
		return;
	snprintf(name, sizeof(name), "%s/%03u-%u", dir, number++, places);
	fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, data, size) < 0)
		err(1, "%s", name);
	close(fd);
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
	unsigned int places;

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
	places = coverage_take();
	if (places)
		keep_first(data, size, places);
	return 0;
}
