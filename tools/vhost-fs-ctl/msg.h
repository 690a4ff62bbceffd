/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages to the person who runs vhost-fs-ctl, and the exit status that goes
 * with each kind.
 */
#ifndef CTL_MSG_H
#define CTL_MSG_H

#include <stdbool.h>
#include <stddef.h>

#define __printf(format, arguments) __attribute__((__format__(printf, format, arguments)))

enum {
	EXIT_REFUSED = 1,	/* the system said no */
	EXIT_USAGE = 2,		/* what was asked for is not valid */
};

/* Each prints one line to stderr; the first two return their exit status. */
int usage_error(const char *fmt, ...) __printf(1, 2);
int refused(const char *fmt, ...) __printf(1, 2);
void notice(const char *fmt, ...) __printf(1, 2);

/*
 * Says everything as @program from now on: to syslog or to stderr, and only what
 * is at least as grave as @level: LOG_ERR for what usage_error() and refused()
 * say, LOG_INFO for notice(); -1 for nothing at all.
 */
void msg_use(const char *program, int level, bool to_syslog);

/* realloc() of an array that ends the process when memory is short. */
void *grow_array(void *array, size_t members, size_t size);

#endif /* CTL_MSG_H */
