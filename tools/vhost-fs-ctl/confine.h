/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Giving up what a process that only serves a socket has no use for.
 */
#ifndef CTL_CONFINE_H
#define CTL_CONFINE_H

/*
 * Namespaces of its own where that is allowed, no capabilities, no new
 * privileges. Returns 0, or an exit status after an error was printed.
 */
int confine(void);

#endif /* CTL_CONFINE_H */
