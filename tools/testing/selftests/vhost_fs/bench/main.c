// SPDX-License-Identifier: GPL-2.0-only
/*
 * ring_bench: what one operation costs, at the level of rings.
 *
 *	ring_bench --target TARGET [--queues N] [--spin] CASE...
 *	ring_bench --make DIR
 *
 * TARGET is vhost-fs:SHARE, vhost-user:SOCKET, or native:DIR for the same by
 * system calls. CASE is OP[:SIZE]@DEPTH*COUNT: COUNT operations, DEPTH of them
 * kept going. For each case a line is printed: a JSON object with "op", "size",
 * "depth", "queues" and "ns", the mean time per operation; under QEMU's -icount
 * a nanosecond is an instruction. --make makes the files that operations use.
 *
 * One thread plays all of the guest's processors. Like a guest driver it fills
 * the ring, kicks if the device wants to be told, and sleeps until it is called;
 * --spin has it look all the time instead.
 */
#include "bench.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Requests whose time isn't taken, before those whose time is. */
#define WARM_UP(count)	((count) / 8 + 4)

#define MAX_SLOTS	64

struct bench_case {
	const struct bench_op *op;
	unsigned int depth;
	unsigned int count;
};

/* The state of a run: slots by the head of the chain they wait for. */
struct run {
	struct target *t;
	const struct bench_op *op;
	const struct bench_files *files;
	bool spin;
	uint64_t unique;
	unsigned int to_start;
	unsigned int running;
	struct slot slots[MAX_SLOTS];
	struct slot *waiting[RING_MAX_QUEUES][128];
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* Header, arguments and data as the buffers that a Linux guest makes of them. */
static void send_slot(struct run *run, struct slot *slot)
{
	struct fuse_in_header *hdr = slot->in;
	struct iovec out[3], in[3];
	int nr_out = 0, nr_in = 0, head;

	hdr->len = slot->in_len + slot->data_out;
	hdr->unique = run->unique += 2;
	out[nr_out++] = (struct iovec) { hdr, sizeof(*hdr) };
	if (slot->in_len > sizeof(*hdr))
		out[nr_out++] = (struct iovec) { hdr + 1, slot->in_len - sizeof(*hdr) };
	if (slot->data_out)
		out[nr_out++] = (struct iovec) { slot->data, slot->data_out };
	if (slot->reply_len)
		in[nr_in++] = (struct iovec) { slot->reply, sizeof(struct fuse_out_header) };
	if (slot->reply_len > sizeof(struct fuse_out_header))
		in[nr_in++] = (struct iovec) {
			(struct fuse_out_header *)slot->reply + 1,
			slot->reply_len - sizeof(struct fuse_out_header),
		};
	if (slot->data_in)
		in[nr_in++] = (struct iovec) { slot->data, slot->data_in };
	head = ring_add(slot->q, out, nr_out, in, nr_in);
	if (head < 0)
		errx(1, "the ring is full");
	run->waiting[slot->q->index][head] = slot;
}

/* Starts the slot's next operation, if there is one to start. */
static void start_slot(struct run *run, struct slot *slot)
{
	if (!run->to_start)
		return;
	run->to_start--;
	run->running++;
	slot->step = 0;
	run->op->ask(run->op, slot, run->files);
	send_slot(run, slot);
}

static void check_reply(struct run *run, struct slot *slot, uint32_t len)
{
	struct fuse_out_header *hdr = slot->reply;

	if (!slot->reply_len)
		return;
	if (len < sizeof(*hdr) || !op_error_ok(run->op, hdr->error))
		errx(1, "%s: step %u was answered with %d", run->op->name,
		     slot->step, len < sizeof(*hdr) ? -EPROTO : hdr->error);
}

static void finish_slot(struct run *run, struct slot *slot, uint32_t len)
{
	check_reply(run, slot, len);
	slot->step++;
	if (run->op->ask(run->op, slot, run->files)) {
		send_slot(run, slot);
		return;
	}
	run->running--;
	start_slot(run, slot);
}

/* Takes what is done and sends what comes next; returns whether there was any. */
static bool serve_queue(struct run *run, struct ring_queue *q)
{
	bool any = false;
	uint32_t len;
	int head;

	while (ring_has_used(q)) {
		head = ring_take(q, &len);
		if (head < 0)
			errx(1, "the device used a chain that there isn't");
		finish_slot(run, run->waiting[q->index][head], len);
		any = true;
	}
	if (any)
		ring_kick(q);
	return any;
}

static bool serve_all(struct run *run)
{
	struct target *t = run->t;
	bool any = false;
	unsigned int i;

	for (i = RING_REQUEST; i < t->dev.nr_queues; i++)
		any |= serve_queue(run, &t->dev.queues[i]);
	return any;
}

static bool arm_all(struct target *t)
{
	bool any = false;
	unsigned int i;

	for (i = RING_REQUEST; i < t->dev.nr_queues; i++)
		any |= ring_arm(&t->dev.queues[i]);
	return any;
}

/* As an interrupt: sleeps until one of the queues has something. */
static void wait_for_call(struct target *t)
{
	struct pollfd pfd[RING_MAX_QUEUES];
	unsigned int i, n = t->dev.nr_queues - RING_REQUEST;
	uint64_t count;

	for (i = 0; i < n; i++)
		pfd[i] = (struct pollfd) {
			.fd = t->dev.queues[RING_REQUEST + i].call,
			.events = POLLIN,
		};
	if (poll(pfd, n, RING_TIMEOUT_MS) <= 0)
		errx(1, "no answer within %d ms", RING_TIMEOUT_MS);
	for (i = 0; i < n; i++)
		if (pfd[i].revents && read(pfd[i].fd, &count, sizeof(count)) < 0 &&
		    errno != EAGAIN)
			err(1, "eventfd");
}

static void run_count(struct run *run, unsigned int depth, unsigned int count)
{
	unsigned int i;

	run->to_start = count;
	for (i = 0; i < depth; i++)
		start_slot(run, &run->slots[i]);
	for (i = RING_REQUEST; i < run->t->dev.nr_queues; i++)
		ring_kick(&run->t->dev.queues[i]);
	while (run->running) {
		if (serve_all(run))
			continue;
		if (run->spin)
			sched_yield();
		else if (!arm_all(run->t))
			wait_for_call(run->t);
	}
}

static void make_slots(struct run *run, unsigned int depth)
{
	struct target *t = run->t;
	unsigned int i, queues = t->dev.nr_queues - RING_REQUEST;
	size_t size = run->op->size > 32768 ? run->op->size : 32768;

	for (i = 0; i < depth; i++)
		run->slots[i] = (struct slot) {
			.q = &t->dev.queues[RING_REQUEST + i % queues],
			.number = i,
			.in = ring_alloc(&t->dev, 4096),
			.reply = ring_alloc(&t->dev, 4096),
			.data = ring_alloc(&t->dev, size),
			.offset = (uint64_t)i * run->op->size,
		};
}

static uint64_t run_ring(struct target *t, const struct bench_files *files,
			 const struct bench_case *c, bool spin)
{
	struct run *run = calloc(1, sizeof(*run));
	size_t mark = ring_mark(&t->dev);
	uint64_t start;

	run->t = t;
	run->op = c->op;
	run->files = files;
	run->spin = spin;
	run->unique = 1U << 20;
	make_slots(run, c->depth);
	run_count(run, c->depth, WARM_UP(c->count));
	start = now_ns();
	run_count(run, c->depth, c->count);
	start = now_ns() - start;
	ring_release(&t->dev, mark);
	free(run);
	return start;
}

static uint64_t run_native(const char *dir, const struct bench_case *c)
{
	static char data[BENCH_MAX_DATA];
	int dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = openat(dirfd, BENCH_FILE, O_RDWR | O_CLOEXEC);
	unsigned int i;
	uint64_t start;

	if (dirfd < 0 || fd < 0)
		err(1, "can't open %s/%s", dir, BENCH_FILE);
	for (i = 0; i < WARM_UP(c->count); i++)
		c->op->native(c->op, dirfd, fd, i, data);
	start = now_ns();
	for (i = 0; i < c->count; i++)
		c->op->native(c->op, dirfd, fd, i, data);
	start = now_ns() - start;
	close(fd);
	close(dirfd);
	return start;
}

static void parse_case(const char *word, struct bench_case *c)
{
	char name[32];
	uint32_t size = 0;

	if (sscanf(word, "%31[a-z]:%u@%u*%u", name, &size, &c->depth, &c->count) != 4 &&
	    sscanf(word, "%31[a-z]@%u*%u", name, &c->depth, &c->count) != 3)
		errx(2, "case '%s' is not OP[:SIZE]@DEPTH*COUNT", word);
	c->op = op_find(name, size);
	if (!c->op)
		errx(2, "no operation '%s' with size %u", name, size);
	if (!c->depth || c->depth > MAX_SLOTS || !c->count)
		errx(2, "case '%s': depth 1 to %d, count 1 or more", word, MAX_SLOTS);
}

static void print_case(const struct bench_case *c, unsigned int queues, uint64_t ns)
{
	printf("{\"op\": \"%s\", \"size\": %u, \"depth\": %u, \"queues\": %u, \"ns\": %.1f}\n",
	       c->op->name, c->op->size, c->depth, queues, (double)ns / c->count);
	fflush(stdout);
}

static const char *after(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(text, prefix, len) ? NULL : text + len;
}

static void run_cases(const char *target, unsigned int queues, bool spin, char **words)
{
	const char *share = after(target, "vhost-fs:");
	const char *socket = after(target, "vhost-user:");
	const char *dir = after(target, "native:");
	struct bench_files files;
	struct bench_case c;
	struct target t;

	if (!share && !socket && !dir)
		errx(2, "target '%s' is not vhost-fs:SHARE, vhost-user:SOCKET or native:DIR",
		     target);
	if (!dir) {
		target_open(&t, share ? &vhost_ops : &vhost_user_ops,
			    share ? share : socket, queues);
		target_mount(&t);
		files_open(&t, &files);
	}
	for (; *words; words++) {
		parse_case(*words, &c);
		print_case(&c, queues, dir ? run_native(dir, &c) :
				       run_ring(&t, &files, &c, spin));
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "target", required_argument, NULL, 't' },
		{ "queues", required_argument, NULL, 'q' },
		{ "spin", no_argument, NULL, 's' },
		{ "make", required_argument, NULL, 'm' },
		{ }
	};
	const char *target = NULL;
	unsigned int queues = 1;
	bool spin = false;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 't':
			target = optarg;
			break;
		case 'q':
			queues = atoi(optarg);
			break;
		case 's':
			spin = true;
			break;
		case 'm':
			files_make(optarg);
			return 0;
		default:
			return 2;
		}
	}
	if (!target || !queues || queues > VHOST_FS_MAX_REQUEST_QUEUES)
		errx(2, "--target and --queues 1 to %d are needed", VHOST_FS_MAX_REQUEST_QUEUES);
	run_cases(target, queues, spin, argv + optind);
	return 0;
}
