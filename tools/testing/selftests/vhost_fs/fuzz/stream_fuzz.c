// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzz target: a stream that is loaded as a device's state, by a guest of each kind,
 * who then uses what came of it, and saves it again.
 *
 * An input is the kind of guest and the stream. New ones are made of what such a guest
 * has saved.
 */
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "coverage.h"
#include "guest.h"
#include "life.h"

#define NR_KINDS	5
#define MAX_STREAM	8192

static struct {
	uint8_t bytes[MAX_STREAM];
	size_t size;
} saved[NR_KINDS];

static int stream;

void guest_answer(struct guest *g, const struct guest_call *call, uint32_t len)
{
	(void)g;
	(void)call;
	(void)len;
}

/* 0, an errno of the ioctls, or a positive one of the transfer. */
static int move(struct guest *g, uint32_t direction, int fd)
{
	struct vhost_fs_device_state_result result = { .size = sizeof(result) };
	struct vhost_fs_device_state_fd arg = {
		.size = sizeof(arg), .direction = direction, .fd = fd,
	};
	int ret = ring_ioctl(g->bed.dev.fd, VHOST_FS_SET_DEVICE_STATE_FD, &arg);

	if (!ret)
		ret = ring_ioctl(g->bed.dev.fd, VHOST_FS_CHECK_DEVICE_STATE, &result);
	return ret ? ret : result.error;
}

static void use(struct guest *g)
{
	struct fuse_attr attr;
	char buf[256];
	uint64_t id;

	for (id = 1; id < 8; id++) {
		fuse_getattr(&g->bed.fuse, id, &attr);
		fuse_read(&g->bed.fuse, id, id, 0, buf, sizeof(buf));
		fuse_readdir(&g->bed.fuse, id, id, 0, buf, sizeof(buf));
	}
}

/* Most streams are refused, and for those the device isn't started. */
static void load(struct guest *g, const uint8_t *data, size_t size)
{
	life_steps++;
	if (pwrite(stream, data, size, 0) != (ssize_t)size || ftruncate(stream, size) ||
	    lseek(stream, 0, SEEK_SET))
		coverage_fail("no file for the stream");
	guest_stop(g);
	if (move(g, VHOST_FS_STATE_LOAD, stream))
		return;
	if (ftruncate(stream, 0) || lseek(stream, 0, SEEK_SET))
		coverage_fail("no file for the stream");
	move(g, VHOST_FS_STATE_SAVE, stream);
	guest_restart(g);
	use(g);
	/* With other nodes than another stream should find. */
	g->renew = true;
}

static void save_one(unsigned int kind)
{
	struct guest *g = guest_begin(kind);
	int fd = memfd_create("state", MFD_CLOEXEC);
	struct fuse_open_out open;
	ssize_t size;
	uint64_t id;

	id = bed_lookup(&g->bed.fuse, "f");
	fuse_open(&g->bed.fuse, id, O_RDONLY, &open);
	id = bed_lookup(&g->bed.fuse, "d/f");
	fuse_open(&g->bed.fuse, id, O_RDONLY, &open);
	id = bed_lookup(&g->bed.fuse, "d");
	fuse_opendir(&g->bed.fuse, id, &open);
	ring_set_running(&g->bed.dev, false);
	if (move(g, VHOST_FS_STATE_SAVE, fd))
		coverage_fail("guest %u can't be saved", kind);
	size = pread(fd, saved[kind].bytes, MAX_STREAM, 0);
	saved[kind].size = size < 0 ? 0 : size;
	close(fd);
	guest_restart(g);
	guest_end(g);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	unsigned int kind;

	(void)argc;
	(void)argv;
	coverage_begin();
	guests_open();
	stream = memfd_create("state", MFD_CLOEXEC);
	for (kind = 0; kind < NR_KINDS; kind++)
		save_one(kind);
	return 0;
}

void target_input(const uint8_t *data, size_t size)
{
	struct guest *g = guest_begin(data[0]);

	load(g, data + 1, size - 1);
	guest_end(g);
}

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
	unsigned int kind;

	srand(seed);
	if (size < 16 || rand() % 16 == 0) {
		kind = rand() % NR_KINDS;
		if (saved[kind].size + 1 > max)
			return LLVMFuzzerMutate(data, size, max);
		data[0] = kind;
		memcpy(data + 1, saved[kind].bytes, saved[kind].size);
		size = saved[kind].size + 1;
	}
	return 1 + LLVMFuzzerMutate(data + 1, size - 1, max - 1);
}
