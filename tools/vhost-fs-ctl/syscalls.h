/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which system calls a process that talks to a VMM may still make.
 */
#ifndef CTL_SYSCALLS_H
#define CTL_SYSCALLS_H

#include <stdbool.h>

/**
 * enum seccomp_action - what becomes of a system call that isn't on the list
 * @SECCOMP_KILL: it ends the process; what is not said otherwise
 * @SECCOMP_NONE: there is no list
 * @SECCOMP_LOG: it is done, and the kernel logs it
 * @SECCOMP_TRAP: it raises SIGSYS
 */
enum seccomp_action {
	SECCOMP_KILL,
	SECCOMP_NONE,
	SECCOMP_LOG,
	SECCOMP_TRAP,
};

/*
 * Each returns 0, or an exit status after an error was printed; a server is confined
 * as its keeper, and then further: nobody makes a network connection, opens a file
 * to write, or changes who he is; and a server starts no process and no program. @syslog says that
 * lines go to syslog(3), for which alone sockets are made. On machines other than x86-64
 * and aarch64 there is no list, and the keeper says so.
 */
int seccomp_confine_keeper(enum seccomp_action action, bool syslog);
int seccomp_confine_server(enum seccomp_action action, bool syslog);

#endif /* CTL_SYSCALLS_H */
