/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which of the module's code an input has made run: KCOV's places become counters
 * of libFuzzer, one for each place that the compiler has instrumented.
 */
#ifndef VHOST_FS_FUZZ_COVERAGE_H
#define VHOST_FS_FUZZ_COVERAGE_H

/*
 * The calling thread makes the devices: from now on their threads are followed. What
 * the caller itself does in the module isn't, but what coverage_call() does is. At the
 * program's end, FUZZ_COVERED, if that is set, is written: the offset in the module's
 * text of each place that ran.
 */
void coverage_begin(void);

/*
 * Calls @fn in a thread whose own system calls are followed, and waits for its end.
 */
void coverage_call(void (*fn)(void *arg), void *arg);

/*
 * Counts what has run since the last time, and returns how many places had never run
 * before. Now and then ends the program, so that the inputs are kept, if the kernel has
 * complained.
 */
unsigned int coverage_take(void);

/* Says on stderr why the input is to be kept, and ends the program. */
void coverage_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif /* VHOST_FS_FUZZ_COVERAGE_H */
