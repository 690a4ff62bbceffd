/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A user namespace that exists only for its id maps.
 */
#ifndef CTL_USERNS_H
#define CTL_USERNS_H

#include "id-rules.h"

/*
 * Returns a descriptor of a user namespace that has a mount with it show what
 * is on disk as the maps' host ids as their guest ids, or -1 after an error was
 * printed. An empty map is this process's own.
 */
int userns_open(const struct id_map *uids, const struct id_map *gids);

#endif /* CTL_USERNS_H */
