// SPDX-License-Identifier: GPL-2.0-only
/*
 * ring_bench: what one operation costs, at the level of rings.
 *
 *	ring_bench --target TARGET [--queues N] [--poll|--eager] [--cold] [--direct]
 *		[--latency PAUSE] [--busyloop US] CASE...
 *	ring_bench --make DIR
 *
 * TARGET is vhost-fs:SHARE, vhost-user:SOCKET, native:DIR for the same by system
 * calls (by io_uring, for reads of --cold and --direct), or self: for the load
 * generator alone, which then answers itself. CASE is OP[:SIZE]@DEPTH*COUNT:
 * COUNT operations, DEPTH of them kept going. For each case a line is printed: a
 * JSON object with "op", "size", "depth", "queues" and per operation "ns", the
 * time (under QEMU's -icount a nanosecond is an instruction), "requests",
 * "kicks" and "sleeps". --make makes the files that operations use. The guest
 * that is played sleeps until it is called; --poll and --eager are others: see
 * lane.c. --cold empties the page cache before each case, --direct uses O_DIRECT.
 * With --latency each task waits PAUSE microseconds before a request, and "p50"
 * and "p99" tell in which time half of the first lane's requests were answered,
 * and 99 of 100. --busyloop has vhost-fs wait for so long for the next request
 * before it sleeps, where it would have done so for 50.
 */
#include "bench.h"
#include "marker.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Requests whose time isn't taken, before those whose time is. */
#define WARM_UP(count)	((count) / 8 + 4)

struct bench_case {
	const struct bench_op *op;
	unsigned int depth;
	unsigned int count;
};

/* What is used by all lanes of a run, and the lanes. */
struct run {
	struct target *t;
	const struct bench_files *files;
	unsigned int mode;
	struct forgets forgets;
	struct lane lanes[VHOST_FS_MAX_REQUEST_QUEUES];
};

/**
 * struct way - how cases are measured
 * @mode: LANE_* of all lanes
 * @open_flags: for BENCH_FILE
 * @cold: nothing of it is in the page cache when a case begins
 * @latency: take the time of each request, after a pause of @pause_us
 * @busyloop_us: how long vhost-fs polls; 0 for its own choice
 */
struct way {
	unsigned int mode;
	int open_flags;
	bool cold;
	bool latency;
	unsigned int pause_us;
	unsigned int busyloop_us;
};

struct lane_thread {
	pthread_t id;
	struct lane *lane;
	pthread_barrier_t *start;
	unsigned int warm_up;
	unsigned int count;
};

/*
 * Time of all operations of a case, and what was sent for them; of which half of
 * the requests were answered within @p50, and of a hundred all but one within @p99.
 */
struct result {
	uint64_t ns;
	uint64_t p50;
	uint64_t p99;
	struct tally tally;
};

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* What lies between them is measured, by time and by who watches the processor. */
static uint64_t begin_measure(void)
{
	MARK(MARKER_BEGIN);
	return now_ns();
}

static uint64_t end_measure(uint64_t begin)
{
	uint64_t ns = now_ns() - begin;

	MARK(MARKER_END);
	return ns;
}

static void make_slots(struct lane *lane, const struct bench_op *op, struct target *t)
{
	size_t size = op->size > 32768 ? op->size : 32768;
	struct slot *slot;

	for (slot = lane->slots; slot < lane->slots + lane->nr_slots; slot++) {
		slot->op = op;
		snprintf(slot->name, sizeof(slot->name), "bench-slot-%u", slot->number);
		slot->in = ring_alloc(&t->dev, 4096);
		slot->reply = ring_alloc(&t->dev, 4096);
		ring_align(&t->dev);
		slot->data = ring_alloc(&t->dev, size);
		slot->turn = slot->number;
		/* The memory may have been another case's. */
		memset(slot->in, 0, 4096);
		memset(slot->data, 0x5a, size);
	}
}

static void make_forgets(struct forgets *forgets, struct target *t)
{
	pthread_mutex_init(&forgets->lock, NULL);
	forgets->q = &t->dev.queues[RING_HIPRIO];
	forgets->nr_free = 0;
	while (forgets->nr_free < FORGETS)
		forgets->free[forgets->nr_free++] =
			ring_alloc(&t->dev, sizeof(struct forget_message));
}

/* Slots are dealt out to the queues in turn; returns how many got one. */
static unsigned int make_lanes(struct run *run, const struct bench_case *c)
{
	struct target *t = run->t;
	unsigned int i, queues = t->dev.nr_queues - RING_REQUEST;
	unsigned int n = c->depth < queues ? c->depth : queues;
	struct lane *lane;

	for (i = 0; i < c->depth; i++) {
		lane = &run->lanes[i % n];
		lane->slots[lane->nr_slots].number = i;
		lane->slots[lane->nr_slots++].stride = c->depth;
	}
	for (i = 0; i < n; i++) {
		lane = &run->lanes[i];
		lane->q = &t->dev.queues[RING_REQUEST + i];
		lane->forgets = &run->forgets;
		lane->files = run->files;
		lane->mode = run->mode;
		lane->unique = (i + 1ULL) << 40;
		make_slots(lane, c->op, t);
	}
	return n;
}

/* How many of @count operations lane @i of @n does. */
static unsigned int part(unsigned int count, unsigned int i, unsigned int n)
{
	return count / n + (i < count % n);
}

static void *run_lane(void *arg)
{
	struct lane_thread *thread = arg;
	struct lane *lane = thread->lane;

	lane_run(lane, thread->warm_up);
	pthread_barrier_wait(thread->start);
	lane->tally = (struct tally) { };
	lane_run(lane, thread->count);
	return NULL;
}

/* The first lane runs here, the others in threads. */
static uint64_t run_lanes(struct run *run, unsigned int n, unsigned int count)
{
	struct lane_thread threads[RING_MAX_QUEUES];
	pthread_barrier_t barrier;
	uint64_t start;
	unsigned int i;

	pthread_barrier_init(&barrier, NULL, n);
	for (i = 0; i < n; i++) {
		threads[i] = (struct lane_thread) {
			.lane = &run->lanes[i], .start = &barrier,
			.warm_up = part(WARM_UP(count), i, n),
			.count = part(count, i, n),
		};
		if (i && pthread_create(&threads[i].id, NULL, run_lane, &threads[i]))
			errx(1, "can't start a thread");
	}
	lane_run(threads[0].lane, threads[0].warm_up);
	lane_finish_forgets(threads[0].lane);
	pthread_barrier_wait(&barrier);
	start = begin_measure();
	threads[0].lane->tally = (struct tally) { };
	threads[0].lane->nr_latencies = 0;
	threads[0].lane->nr_stamps = 0;
	threads[0].lane->completed = 0;
	lane_run(threads[0].lane, threads[0].count);
	for (i = 1; i < n; i++)
		pthread_join(threads[i].id, NULL);
	lane_finish_forgets(threads[0].lane);
	start = end_measure(start);
	pthread_barrier_destroy(&barrier);
	return start;
}

/*
 * What disturbs a run, such as an idle moment in which the emulator's clock jumps
 * to the next timer, disturbs a part of it: the median of the parts counts. Slots
 * are done in bursts, so a part is a multiple of their number; or there is one only.
 * Of several lanes, one may run while others don't, and the whole run counts.
 */
#define PARTS	8

static void want_stamps(struct lane *lane, const struct bench_case *c)
{
	unsigned int size = c->count / PARTS;

	size -= size % lane->nr_slots;
	lane->batch = size >= 4 * lane->nr_slots ? size : 0;
}

static int compare_times(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Time of all @count operations. */
static uint64_t steady_time(struct lane *lane, unsigned int count)
{
	uint64_t times[LANE_MAX_STAMPS];
	unsigned int i, parts = lane->nr_stamps - 1;

	for (i = 0; i < parts; i++)
		times[i] = lane->stamps[i + 1] - lane->stamps[i];
	qsort(times, parts, sizeof(times[0]), compare_times);
	return times[parts / 2] * count / lane->batch;
}

static void find_percentiles(struct lane *lane, struct result *result)
{
	size_t n = lane->nr_latencies;

	qsort(lane->latencies, n, sizeof(lane->latencies[0]), compare_times);
	result->p50 = lane->latencies[n / 2];
	result->p99 = lane->latencies[n - 1 - n / 100];
	free(lane->latencies);
}

/* A chain of requests has no more than four. */
static void want_latencies(struct lane *lane, const struct bench_case *c,
			   const struct way *way)
{
	lane->pause_us = way->pause_us;
	lane->latencies = calloc(4 * (size_t)(c->count + WARM_UP(c->count)),
				 sizeof(lane->latencies[0]));
	if (!lane->latencies)
		errx(1, "out of memory");
}

static void run_ring(struct target *t, const struct bench_files *files,
		     const struct bench_case *c, const struct way *way,
		     unsigned int mode, struct result *result)
{
	struct run *run = calloc(1, sizeof(*run));
	size_t mark = ring_mark(&t->dev);
	unsigned int i, n;

	if (!run)
		errx(1, "out of memory");
	run->t = t;
	run->files = files;
	run->mode = mode;
	make_forgets(&run->forgets, t);
	n = make_lanes(run, c);
	if (n == 1)
		want_stamps(&run->lanes[0], c);
	if (way->latency)
		want_latencies(&run->lanes[0], c, way);
	result->ns = run_lanes(run, n, c->count);
	if (run->lanes[0].nr_stamps > 2)
		result->ns = steady_time(&run->lanes[0], c->count);
	for (i = 0; i < n; i++) {
		result->tally.requests += run->lanes[i].tally.requests;
		result->tally.kicks += run->lanes[i].tally.kicks;
		result->tally.sleeps += run->lanes[i].tally.sleeps;
	}
	if (way->latency)
		find_percentiles(&run->lanes[0], result);
	ring_release(&t->dev, mark);
	free(run);
}

/* The ways of doing it without a guest: a system call for each, ... */
static uint64_t run_calls(const struct bench_case *c, int dirfd, int fd, char *data)
{
	unsigned int i, first = WARM_UP(c->count);
	uint64_t start;

	for (i = 0; i < first; i++)
		c->op->native(c->op, dirfd, fd, i, data);
	start = begin_measure();
	for (i = first; i < first + c->count; i++)
		c->op->native(c->op, dirfd, fd, i, data);
	return end_measure(start);
}

/* ... or, where there is something to wait for, io_uring. */
static uint64_t run_uring(const struct bench_case *c, int fd, char *data)
{
	struct uring_reads reads = {
		.op = c->op, .fd = fd, .depth = c->depth, .data = data,
	};
	uint64_t start;

	uring_read(&reads, WARM_UP(c->count));
	start = begin_measure();
	uring_read(&reads, c->count);
	return end_measure(start);
}

static void run_native(const char *dir, const struct bench_case *c,
		       const struct way *way, struct result *result)
{
	char *data = aligned_alloc(4096, (size_t)BENCH_MAX_DATA * c->depth);
	int dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = openat(dirfd, BENCH_FILE, O_RDWR | way->open_flags | O_CLOEXEC);

	if (!data || dirfd < 0 || fd < 0)
		err(1, "can't open %s/%s", dir, BENCH_FILE);
	if (c->op->reads && (way->cold || way->open_flags))
		result->ns = run_uring(c, fd, data);
	else
		result->ns = run_calls(c, dirfd, fd, data);
	close(fd);
	close(dirfd);
	free(data);
}

static void forget_pages(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);

	sync();
	if (fd < 0 || write(fd, "1", 1) != 1)
		err(1, "can't empty the page cache");
	close(fd);
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
	if (!c->depth || c->depth > LANE_MAX_SLOTS || !c->count)
		errx(2, "case '%s': depth 1 to %d, count 1 or more", word, LANE_MAX_SLOTS);
}

static void print_case(const struct bench_case *c, unsigned int queues,
		       const struct result *result)
{
	const struct tally *tally = &result->tally;
	double count = c->count;

	printf("{\"op\": \"%s\", \"size\": %u, \"depth\": %u, \"queues\": %u, ",
	       c->op->name, c->op->size, c->depth, queues);
	if (result->p99)
		printf("\"p50\": %ju, \"p99\": %ju, ", (uintmax_t)result->p50,
		       (uintmax_t)result->p99);
	printf("\"ns\": %.1f, \"requests\": %.2f, \"kicks\": %.3f, \"sleeps\": %.3f}\n",
	       result->ns / count, tally->requests / count, tally->kicks / count,
	       tally->sleeps / count);
	fflush(stdout);
}

static const char *after(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(text, prefix, len) ? NULL : text + len;
}

/* How TARGETs begin, and who serves them. */
static const struct kind {
	const char *prefix;
	const struct server_ops *ops;
	unsigned int mode;
	bool native;
} kinds[] = {
	{ .prefix = "vhost-fs:", .ops = &vhost_ops },
	{ .prefix = "vhost-user:", .ops = &vhost_user_ops },
	{ .prefix = "native:", .native = true },
	{ .prefix = "self:", .mode = LANE_SELF },
};

static const struct kind *find_kind(const char *target)
{
	unsigned int i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (after(target, kinds[i].prefix))
			return &kinds[i];
	errx(2, "target '%s' isn't vhost-fs:SHARE, vhost-user:SOCKET, native:DIR or self:",
	     target);
}

static void run_cases(const char *target, unsigned int queues,
		      const struct way *way, char **words)
{
	const struct kind *kind = find_kind(target);
	const char *name = after(target, kind->prefix);
	struct bench_files files = { };
	struct result result;
	struct bench_case c;
	struct target t;

	if (!kind->native)
		target_open(&t, kind->ops, name, queues, way->busyloop_us);
	if (kind->ops) {
		target_mount(&t);
		files_open(&t, &files, way->open_flags);
	}
	for (; *words; words++) {
		parse_case(*words, &c);
		result = (struct result) { };
		if (way->cold)
			forget_pages();
		if (kind->native)
			run_native(name, &c, way, &result);
		else
			run_ring(&t, &files, &c, way, way->mode | kind->mode, &result);
		print_case(&c, queues, &result);
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "target", required_argument, NULL, 't' },
		{ "queues", required_argument, NULL, 'q' },
		{ "poll", no_argument, NULL, 'p' },
		{ "eager", no_argument, NULL, 'e' },
		{ "cold", no_argument, NULL, 'c' },
		{ "direct", no_argument, NULL, 'd' },
		{ "latency", required_argument, NULL, 'l' },
		{ "busyloop", required_argument, NULL, 'b' },
		{ "make", required_argument, NULL, 'm' },
		{ }
	};
	const char *target = NULL;
	unsigned int queues = 1;
	struct way way = { };
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 't':
			target = optarg;
			break;
		case 'q':
			queues = atoi(optarg);
			break;
		case 'p':
			way.mode |= LANE_POLL;
			break;
		case 'e':
			way.mode |= LANE_EAGER;
			break;
		case 'c':
			way.cold = true;
			break;
		case 'd':
			way.open_flags |= O_DIRECT;
			break;
		case 'l':
			way.latency = true;
			way.pause_us = atoi(optarg);
			break;
		case 'b':
			way.busyloop_us = atoi(optarg);
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
	run_cases(target, queues, &way, argv + optind);
	return 0;
}
