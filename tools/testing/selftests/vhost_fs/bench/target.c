// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who answers: vhost_fs.ko, or a server behind a vhost-user socket. Both get
 * the same memory, which is a file since a vhost-user server has to map it, and
 * the same rings, by the code that the loopback device's daemon uses.
 */
#include "bench.h"

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MEMORY		(256UL << 20)

static void describe_rings(struct target *t, struct loopback_state *state)
{
	unsigned int i;

	state->features = t->dev.features;
	for (i = 0; i < t->dev.nr_queues; i++) {
		struct ring_queue *q = &t->dev.queues[i];

		state->rings[i] = (struct loopback_ring) {
			.desc = ring_guest_addr(&t->dev, q->desc),
			.avail = ring_guest_addr(&t->dev, q->avail),
			.used = ring_guest_addr(&t->dev, q->used),
			.size = q->num,
		};
		t->server.kick[i] = q->kick;
		t->server.call[i] = q->call;
		/* Lanes sleep by reading it. */
		if (fcntl(q->call, F_SETFL, O_RDWR) < 0)
			err(1, "eventfd");
	}
}

void target_open(struct target *t, const struct server_ops *ops, const char *name,
		 unsigned int queues, unsigned int busyloop_us)
{
	const struct ring_config config = {
		.features = RING_F_INDIRECT | RING_F_EVENT_IDX,
		.request_queues = queues,
		.queue_size = BENCH_QUEUE_SIZE,
		.indirect_num = 4 + BENCH_MAX_DATA / 4096,
		.memory = MEMORY,
		.shared = true,
	};
	struct loopback_state state = { };

	memset(t, 0, sizeof(*t));
	if (ring_make(&t->dev, &config))
		errx(1, "no memory for a guest");
	t->memory = (struct memory) {
		.fd = t->dev.mem_fd, .n = 1,
		.regions = { { RING_GUEST_BASE, t->dev.mem_size, t->dev.mem } },
	};
	t->server = (struct server) {
		.ops = ops, .name = name, .memory = &t->memory,
		.nqueues = t->dev.nr_queues,
		.busyloop_us = busyloop_us,
	};
	describe_rings(t, &state);
	if (!ops)
		return;
	ops->open(&t->server);
	ops->start(&t->server, &state);
}

/* The features that a Linux guest asks for and that change how it is served. */
void target_mount(struct target *t)
{
	struct fuse f;

	fuse_session(&f, &t->dev, RING_REQUEST);
	if (fuse_init(&f))
		errx(1, "INIT failed");
	t->minor = f.init.minor;
}

static void make_file(int dir, const char *name, size_t size)
{
	static char block[1 << 16];
	int fd = openat(dir, name, O_CREAT | O_RDWR | O_TRUNC | O_CLOEXEC, 0644);
	size_t done;

	if (fd < 0)
		err(1, "can't make %s", name);
	memset(block, 0x5a, sizeof(block));
	for (done = 0; done < size; done += sizeof(block))
		if (write(fd, block, sizeof(block)) != sizeof(block))
			err(1, "can't fill %s", name);
	close(fd);
}

void files_make(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char name[32];
	unsigned int i;
	int sub;

	if (fd < 0)
		err(1, "can't open %s", dir);
	make_file(fd, BENCH_FILE, BENCH_FILE_SIZE);
	if (mkdirat(fd, BENCH_DIR, 0755))
		err(1, "can't make %s", BENCH_DIR);
	sub = openat(fd, BENCH_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (i = 0; i < BENCH_DIR_FILES; i++) {
		snprintf(name, sizeof(name), "file-%03u", i);
		make_file(sub, name, 0);
	}
	close(sub);
	close(fd);
}

void files_open(struct target *t, struct bench_files *files, int flags)
{
	struct fuse_entry_out entry;
	struct fuse_open_out out;
	struct fuse f;

	fuse_session(&f, &t->dev, RING_REQUEST);
	if (fuse_lookup(&f, FUSE_ROOT_ID, BENCH_FILE, &entry))
		errx(1, "LOOKUP of %s failed", BENCH_FILE);
	files->file = entry.nodeid;
	if (fuse_open(&f, files->file, O_RDWR | flags, &out))
		errx(1, "OPEN of %s failed", BENCH_FILE);
	files->file_fh = out.fh;
	files->flags = O_RDWR | flags;
	if (fuse_lookup(&f, FUSE_ROOT_ID, BENCH_DIR, &entry))
		errx(1, "LOOKUP of %s failed", BENCH_DIR);
	files->dir = entry.nodeid;
	if (fuse_opendir(&f, files->dir, &out))
		errx(1, "OPENDIR of %s failed", BENCH_DIR);
	files->dir_fh = out.fh;
}
