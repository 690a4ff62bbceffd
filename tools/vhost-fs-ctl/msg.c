// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages to the person who runs vhost-fs-ctl.
 */
#include "msg.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * Messages repeat what was typed, and whoever reads them (a log, a management
 * tool) counts on one line each, so control characters are not passed on.
 */
static void say(const char *fmt, va_list args)
{
	char *line, *c;

	if (vasprintf(&line, fmt, args) < 0) {
		fputs("vhost-fs-ctl: out of memory\n", stderr);
		return;
	}
	for (c = line; *c; c++)
		if (iscntrl((unsigned char)*c))
			*c = '?';
	fprintf(stderr, "vhost-fs-ctl: %s\n", line);
	free(line);
}

int usage_error(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(fmt, args);
	va_end(args);
	return EXIT_USAGE;
}

int refused(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(fmt, args);
	va_end(args);
	return EXIT_REFUSED;
}

void notice(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(fmt, args);
	va_end(args);
}

void *grow_array(void *array, size_t members, size_t size)
{
	void *grown = reallocarray(array, members, size);

	if (!grown)
		exit(refused("out of memory"));
	return grown;
}
