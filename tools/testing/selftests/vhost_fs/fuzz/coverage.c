// SPDX-License-Identifier: GPL-2.0-only
/*
 * KCOV for libFuzzer; see coverage.h.
 *
 * One KCOV file follows the device's threads, by a handle that they inherit from
 * the thread which starts them, and another one the thread of coverage_call(): a
 * thread can't do both.
 */
#include "coverage.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kcov.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "life.h"

/* Places that one input may run through, as often as it does. */
#define AREA_WORDS	(1U << 18)
#define MAX_TEXT	(1U << 22)
#define NR_COUNTERS	(1U << 15)
#define HANDLE		0x7668

/* What the kernel has to say takes a while to read. */
#define TAINTED_EVERY	16
#define LOCKDEP_EVERY	4096

/* libFuzzer takes all of this section for counters. */
__attribute__((section("__libfuzzer_extra_counters")))
static uint8_t counters[NR_COUNTERS];

static bool seen[MAX_TEXT];		/* by offset in the module's text */
static unsigned int nr_seen;
static unsigned long text;

static uint64_t *remote, *local;
static int tainted_fd;
static char tainted[32];

static struct {
	sem_t go, done;
	void (*fn)(void *arg);
	void *arg;
} caller;

void coverage_fail(const char *format, ...)
{
	va_list args;

	fputs("FINDING: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	abort();
}

static void find_text(void)
{
	FILE *file = fopen("/sys/module/vhost_fs/sections/.text", "r");

	if (!file || fscanf(file, "%lx", &text) != 1)
		err(1, "the module's place");
	fclose(file);
}

static int kcov_open(uint64_t **area)
{
	int fd = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, KCOV_INIT_TRACE, AREA_WORDS))
		err(1, "kcov");
	*area = mmap(NULL, AREA_WORDS * sizeof(**area), PROT_READ | PROT_WRITE,
		     MAP_SHARED, fd, 0);
	if (*area == MAP_FAILED)
		err(1, "kcov");
	return fd;
}

static void *caller_main(void *unused)
{
	(void)unused;
	if (ioctl(kcov_open(&local), KCOV_ENABLE, KCOV_TRACE_PC))
		err(1, "KCOV_ENABLE");
	sem_post(&caller.done);
	for (;;) {
		while (sem_wait(&caller.go))
			;
		caller.fn(caller.arg);
		sem_post(&caller.done);
	}
	return NULL;
}

void coverage_call(void (*fn)(void *arg), void *arg)
{
	caller.fn = fn;
	caller.arg = arg;
	sem_post(&caller.go);
	while (sem_wait(&caller.done))
		;
}

static void report(void)
{
	const char *name = getenv("FUZZ_COVERED");
	FILE *file = name ? fopen(name, "w") : NULL;
	unsigned int i;

	for (i = 0; file && i < MAX_TEXT; i++)
		if (seen[i])
			fprintf(file, "%x\n", i);
	if (file)
		fclose(file);
	fprintf(stderr, "COVERED: %u\nSTEPS: %lu\n", nr_seen, life_steps);
}

static ssize_t read_tainted(char to[sizeof(tainted)])
{
	memset(to, 0, sizeof(tainted));
	return pread(tainted_fd, to, sizeof(tainted) - 1, 0);
}

void coverage_begin(void)
{
	struct kcov_remote_arg arg = {
		.trace_mode = KCOV_TRACE_PC, .area_size = AREA_WORDS,
		.common_handle = kcov_remote_handle(KCOV_SUBSYSTEM_COMMON, HANDLE),
	};
	pthread_t thread;

	find_text();
	if (ioctl(kcov_open(&remote), KCOV_REMOTE_ENABLE, &arg))
		err(1, "KCOV_REMOTE_ENABLE");
	sem_init(&caller.go, 0, 0);
	sem_init(&caller.done, 0, 0);
	if (pthread_create(&thread, NULL, caller_main, NULL))
		errx(1, "no thread");
	while (sem_wait(&caller.done))
		;
	tainted_fd = open("/proc/sys/kernel/tainted", O_RDONLY | O_CLOEXEC);
	if (read_tainted(tainted) <= 0)
		err(1, "/proc/sys/kernel/tainted");
	atexit(report);
}

static void count_place(uint64_t offset)
{
	/* Places are some bytes apart, and counters need not be exact. */
	uint8_t *counter = &counters[offset * 0x9e3779b97f4a7c15ULL >> 49];

	if (offset >= MAX_TEXT)
		return;
	if (*counter < UINT8_MAX)
		++*counter;
	nr_seen += !seen[offset];
	seen[offset] = true;
}

static void take_area(uint64_t *area)
{
	uint64_t i, nr = __atomic_load_n(&area[0], __ATOMIC_RELAXED);

	for (i = 1; i <= nr && i < AREA_WORDS; i++)
		count_place(area[i] - text);
	__atomic_store_n(&area[0], 0, __ATOMIC_RELAXED);
}

/* It stops looking at the first thing that is wrong. */
static bool lockdep_is_off(void)
{
	FILE *file;
	char line[256];
	bool off = false;

	file = fopen("/proc/lockdep_stats", "r");
	if (!file)
		return false;
	while (fgets(line, sizeof(line), file))
		if (strstr(line, "debug_locks:"))
			off = !strchr(line, '1');
	fclose(file);
	return off;
}

unsigned int coverage_take(void)
{
	unsigned int before = nr_seen;
	static unsigned int turn;
	char now[sizeof(tainted)];

	take_area(remote);
	take_area(local);
	turn++;
	if (turn % TAINTED_EVERY == 0 && read_tainted(now) > 0 && strcmp(now, tainted))
		coverage_fail("the kernel is tainted: %.20s, was %.20s", now, tainted);
	if (turn % LOCKDEP_EVERY == 0 && lockdep_is_off())
		coverage_fail("lockdep has found something");
	return nr_seen - before;
}
