/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * virtiofsd's command line: what a management tool that knows nothing of the
 * module starts a server with.
 */
#ifndef CTL_VIRTIOFSD_OPTIONS_H
#define CTL_VIRTIOFSD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "share-options.h"
#include "syscalls.h"

enum virtiofsd_sandbox {
	VIRTIOFSD_NAMESPACE,
	VIRTIOFSD_CHROOT,
	VIRTIOFSD_NONE,
};

/* When the guest must know a feature. */
enum virtiofsd_mode {
	VIRTIOFSD_NEVER,
	VIRTIOFSD_AUTO,
	VIRTIOFSD_ALWAYS,
};

/**
 * struct virtiofsd_options - a command line
 * @share: the share to make; its name, path, process and sandbox are filled in
 *	as far as the options say
 * @socket: where to make the socket, or NULL
 * @group: whose members may connect, or NULL
 * @fd: listening socket, if @has_fd
 * @has_fd: --fd was given
 * @tag: to tell VMMs that ask, or NULL
 * @sandbox: mode
 * @seccomp: what becomes of system calls that this process has no use for
 * @posix_acl: mode
 * @security_label: mode
 * @modcaps: changes of the capabilities, unparsed, or NULL
 * @rlimit_nofile: limit of open files, if @has_rlimit
 * @has_rlimit: --rlimit-nofile was given
 * @log_level: LOG_* of syslog(3), or -1 for nothing at all
 * @syslog: say it to syslog, not to stderr
 * @print_capabilities: and do nothing else
 * @compat: -o was used
 * @late: what is wrong with ids of several options, or NULL
 * @ignored: options that mean nothing to the kernel
 * @nr_ignored: entries of @ignored
 */
struct virtiofsd_options {
	struct share_request share;
	const char *socket;
	const char *group;
	int fd;
	bool has_fd;
	const char *tag;
	enum virtiofsd_sandbox sandbox;
	enum seccomp_action seccomp;
	enum virtiofsd_mode posix_acl;
	enum virtiofsd_mode security_label;
	const char *modcaps;
	uint64_t rlimit_nofile;
	bool has_rlimit;
	int log_level;
	bool syslog;
	bool print_capabilities;
	bool compat;
	const char *late;
	const char *ignored[8];
	unsigned int nr_ignored;
};

/*
 * Reads the command line into the zeroed @options. Returns 0, or an exit status
 * after an error was printed; ARGS_DONE when help or the version was asked for
 * and printed.
 */
int virtiofsd_options_parse(struct virtiofsd_options *options, int argc, char **argv);

/*
 * Do they go together, and do the values make sense that virtiofsd looks at
 * only when it starts? Returns 0, or an exit status after an error.
 */
int virtiofsd_options_check(struct virtiofsd_options *options);

#endif /* CTL_VIRTIOFSD_OPTIONS_H */
