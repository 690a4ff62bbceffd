/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The root directory of a share, cut off from the host's mounts.
 */
#ifndef CTL_SANDBOX_H
#define CTL_SANDBOX_H

#include <stdbool.h>

/*
 * Returns a descriptor of the directory @path for VHOST_FS_ADD_SHARE, or -1
 * after an error was printed.
 */
int sandbox_open(const char *path, bool readonly);

#endif /* CTL_SANDBOX_H */
