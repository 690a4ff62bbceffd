/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The load generator at the level of rings: who answers (target.c), what is
 * asked (op.c), how a guest keeps so many requests going (lane.c), and what is
 * to be measured (main.c).
 */
#ifndef VHOST_FS_BENCH_H
#define VHOST_FS_BENCH_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "../fuse.h"
#include "../loopback/loopbackd.h"
#include "../ring.h"

/* Entries of each ring: a guest needs as many for its largest requests. */
#define BENCH_QUEUE_SIZE	1024

/* Largest read and write. */
#define BENCH_MAX_DATA	1048576U

/* Files that the operations use, in the shared directory's root. */
#define BENCH_FILE	"bench-file"
#define BENCH_FILE_SIZE	(64 * BENCH_MAX_DATA)
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

/*
 * Ends the program with a message if it can't. @name: a share, or a socket;
 * @busyloop_us: how long vhost-fs polls, 0 for its own choice.
 */
void target_open(struct target *t, const struct server_ops *ops, const char *name,
		 unsigned int queues, unsigned int busyloop_us);
/* As a guest that mounts: INIT, asking for what a guest driver asks for. */
void target_mount(struct target *t);

/* What has been found out about the shared directory. */
struct bench_files {
	uint64_t file, dir;		/* nodes */
	uint64_t file_fh, dir_fh;
	uint32_t flags;			/* of the open file, told with each read */
};

void files_make(const char *dir);
/* @flags: of open(), besides O_RDWR. */
void files_open(struct target *t, struct bench_files *files, int flags);

struct bench_op;

/* The driver has header and arguments in memory of different kinds. */
#define SLOT_ARGS	2048

/**
 * struct slot - one of the requests that are kept going
 * @op: what it is to do
 * @number: tells slots apart
 * @name: of the file that it makes
 * @step: which request of the operation comes next
 * @in: header of the request, and SLOT_ARGS bytes on its arguments
 * @in_len: their length
 * @reply: the same of the reply
 * @reply_len: room for them
 * @data: of reads and writes
 * @data_out: bytes to send from @data
 * @data_in: room for data in the reply
 * @node: what the last entry named
 * @fh: what was opened last
 * @sent: when the request was sent, if that is of interest
 * @turn: of its next read or write, which says where that goes
 * @stride: from there to the next but one: slots take turns
 */
struct slot {
	const struct bench_op *op;
	unsigned int number;
	char name[32];
	unsigned int step;
	char *in;
	uint32_t in_len;
	char *reply;
	uint32_t reply_len;
	void *data;
	uint32_t data_out;
	uint32_t data_in;
	uint64_t node;
	uint64_t fh;
	uint64_t sent;
	uint64_t turn;
	unsigned int stride;
};

/**
 * struct bench_op - an operation
 * @name: as in the results
 * @size: bytes of data, 0 if it has none
 * @error: what it is answered with, 0 or a negative errno
 * @reads: whether it only reads data
 * @ask: fills in the request of slot->step; returns false when the operation
 *	is complete
 * @native: the same by system calls, in the shared directory @dirfd or on
 *	BENCH_FILE, open as @fd, for the @i-th time
 */
struct bench_op {
	const char *name;
	uint32_t size;
	int error;
	bool reads;
	bool (*ask)(const struct bench_op *op, struct slot *slot,
		    const struct bench_files *files);
	void (*native)(const struct bench_op *op, int dirfd, int fd,
		       unsigned int i, void *data);
};

extern const struct bench_op bench_ops[];
const struct bench_op *op_find(const char *name, uint32_t size);

/* Where the @i-th read or write of @op goes: all blocks, in no simple order. */
uint64_t block_offset(const struct bench_op *op, uint64_t i);

/**
 * struct uring_reads - reads by io_uring
 * @op: which
 * @fd: the file
 * @depth: how many at once
 * @turn: of the next, for block_offset()
 * @data: room for all of them
 */
struct uring_reads {
	const struct bench_op *op;
	int fd;
	unsigned int depth;
	uint64_t turn;
	char *data;
};

/* Does @count of them. */
void uring_read(struct uring_reads *reads, unsigned int count);

#define LANE_MAX_SLOTS	64
#define LANE_MAX_STAMPS	16

/* Modes of a lane; lane.c has what they mean. */
#define LANE_POLL	1U
#define LANE_EAGER	2U
#define LANE_SELF	4U

struct forget_message {
	struct fuse_in_header header;
	struct fuse_forget_in arg;
};

#define FORGETS		128U

/**
 * struct forgets - the hiprio queue, which all lanes share
 * @lock: guards all of it
 * @q: the ring
 * @free: stack of @nr_free messages
 * @sent: messages by the head of their chain
 */
struct forgets {
	pthread_mutex_t lock;
	struct ring_queue *q;
	struct forget_message *free[FORGETS];
	unsigned int nr_free;
	struct forget_message *sent[BENCH_QUEUE_SIZE];
};

/* What was sent, and how often the guest kicked and slept for that. */
struct tally {
	uint64_t requests;
	uint64_t kicks;
	uint64_t sleeps;
};

/**
 * struct lane - a processor of the guest, with its own request queue
 * @q: the queue
 * @forgets: the queue for FORGETs
 * @files: what there is to ask for
 * @mode: LANE_*
 * @unique: of the last request
 * @called: whether a call came since calls were enabled
 * @to_start: operations that no slot has begun
 * @running: slots with something to do
 * @slots: the tasks, @nr_slots of them
 * @ready: those whose request is complete, @nr_ready of them
 * @waiting: the others, by the head of the chain they wait for
 * @tally: what the lane did
 * @latencies: room for each request's time in nanoseconds, @nr_latencies of them
 *	taken; or NULL
 * @batch: if not 0, after each so many operations the time is noted in @stamps,
 *	@nr_stamps of them so far
 * @pause_us: how long each task waits before a request
 */
struct lane {
	struct ring_queue *q;
	struct forgets *forgets;
	const struct bench_files *files;
	unsigned int mode;
	uint64_t unique;
	bool called;
	unsigned int to_start;
	unsigned int running;
	struct slot slots[LANE_MAX_SLOTS];
	unsigned int nr_slots;
	struct slot *ready[LANE_MAX_SLOTS];
	unsigned int nr_ready;
	struct slot *waiting[BENCH_QUEUE_SIZE];
	struct tally tally;
	uint64_t *latencies;
	size_t nr_latencies;
	unsigned int batch;
	unsigned int completed;
	uint64_t stamps[LANE_MAX_STAMPS];
	unsigned int nr_stamps;
	unsigned int pause_us;
};

uint64_t now_ns(void);

/* Does @count operations. */
void lane_run(struct lane *lane, unsigned int count);
void lane_finish_forgets(struct lane *lane);

#endif /* VHOST_FS_BENCH_H */
