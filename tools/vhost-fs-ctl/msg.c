// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages to the person who runs this program, or to syslog.
 */
#include "msg.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>

static const char *name = "vhost-fs-ctl";
static int gravest = LOG_DEBUG;
static bool syslogs;

void msg_use(const char *program, int level, bool to_syslog)
{
	name = program;
	gravest = level;
	syslogs = to_syslog;
	if (to_syslog)
		openlog(program, LOG_PID, LOG_DAEMON);
}

/*
 * Messages repeat what was typed, and whoever reads them (a log, a management
 * tool) counts on one line each, so control characters are not passed on.
 */
static void say(int level, const char *fmt, va_list args)
{
	char *line, *c;

	if (level > gravest)
		return;
	if (vasprintf(&line, fmt, args) < 0) {
		fprintf(stderr, "%s: out of memory\n", name);
		return;
	}
	for (c = line; *c; c++)
		if (iscntrl((unsigned char)*c))
			*c = '?';
	if (syslogs)
		syslog(level, "%s", line);
	else
		fprintf(stderr, "%s: %s\n", name, line);
	free(line);
}

int usage_error(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(LOG_ERR, fmt, args);
	va_end(args);
	return EXIT_USAGE;
}

int refused(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(LOG_ERR, fmt, args);
	va_end(args);
	return EXIT_REFUSED;
}

void notice(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(LOG_INFO, fmt, args);
	va_end(args);
}

void *grow_array(void *array, size_t members, size_t size)
{
	void *grown = reallocarray(array, members, size);

	if (!grown)
		exit(refused("out of memory"));
	return grown;
}
