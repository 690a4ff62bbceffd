/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The load generator at the level of rings: who answers (target.c), what is
 * asked (op.c), and the loop that keeps so many requests going (main.c).
 */
#ifndef VHOST_FS_BENCH_H
#define VHOST_FS_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include "../fuse.h"
#include "../loopback/loopbackd.h"
#include "../ring.h"

/* Largest read and write. */
#define BENCH_MAX_DATA	(1U << 20)

/* Files that the operations use, in the shared directory's root. */
#define BENCH_FILE	"bench-file"
#define BENCH_FILE_SIZE	(64U << 20)
#define BENCH_DIR	"bench-dir"
#define BENCH_DIR_FILES	100

/**
 * struct target - who answers the requests
 * @dev: memory and rings
 * @memory: the same, as the server's code wants it
 * @server: vhost-fs or a vhost-user server
 * @minor: FUSE protocol minor agreed on
 */
struct target {
	struct ring_dev dev;
	struct memory memory;
	struct server server;
	uint32_t minor;
};

/* Ends the program with a message if it can't. @name: a share, or a socket. */
void target_open(struct target *t, const struct server_ops *ops,
		 const char *name, unsigned int queues);
/* As a guest that mounts: INIT, asking for what a guest driver asks for. */
void target_mount(struct target *t);

/* What has been found out about the shared directory. */
struct bench_files {
	uint64_t file, dir;		/* nodes */
	uint64_t file_fh, dir_fh;
};

void files_make(const char *dir);
void files_open(struct target *t, struct bench_files *files);

/**
 * struct slot - one of the requests that are kept going
 * @q: ring it goes through
 * @number: tells slots apart
 * @step: which request of the operation comes next
 * @in: header and arguments of the request
 * @in_len: their length
 * @reply: header and arguments of the reply
 * @reply_len: room for them
 * @data: of reads and writes
 * @data_out: bytes to send from @data
 * @data_in: room for data in the reply
 * @node: what the last entry named
 * @fh: what was opened last
 * @offset: where the next read or write goes
 */
struct slot {
	struct ring_queue *q;
	unsigned int number;
	unsigned int step;
	void *in;
	uint32_t in_len;
	void *reply;
	uint32_t reply_len;
	void *data;
	uint32_t data_out;
	uint32_t data_in;
	uint64_t node;
	uint64_t fh;
	uint64_t offset;
};

/**
 * struct bench_op - an operation
 * @name: as in the results
 * @size: bytes of data, 0 if it has none
 * @ask: fills in the request of slot->step; returns false when the operation
 *	is complete
 * @native: the same by system calls, in the shared directory @dirfd or on
 *	BENCH_FILE, open as @fd, for the @i-th time
 */
struct bench_op {
	const char *name;
	uint32_t size;
	bool (*ask)(const struct bench_op *op, struct slot *slot,
		    const struct bench_files *files);
	void (*native)(const struct bench_op *op, int dirfd, int fd,
		       unsigned int i, void *data);
};

extern const struct bench_op bench_ops[];
const struct bench_op *op_find(const char *name, uint32_t size);

/* What the errno of a reply may be, for operations that are meant to fail. */
bool op_error_ok(const struct bench_op *op, int error);

#endif /* VHOST_FS_BENCH_H */
