/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The root directory of a share, cut off from the host's mounts.
 */
#ifndef CTL_SANDBOX_H
#define CTL_SANDBOX_H

#include <stdbool.h>

#include "id-rules.h"

/**
 * enum sandbox_mode - whose mounts a share has
 * @SANDBOX_AUTO: its own if the caller can have them cloned, else the host's
 * @SANDBOX_MOUNT: its own
 * @SANDBOX_NONE: the host's
 */
enum sandbox_mode {
	SANDBOX_AUTO,
	SANDBOX_MOUNT,
	SANDBOX_NONE,
};

/**
 * struct sandbox_request - what to make of a directory's mounts
 * @mode: whose mounts to take
 * @readonly: nothing can be written through them
 * @uids: guest's user ids and what they are on disk; empty: the same
 * @gids: group ids, likewise
 */
struct sandbox_request {
	enum sandbox_mode mode;
	bool readonly;
	struct id_map uids;
	struct id_map gids;
};

/*
 * Returns a descriptor of the directory @path for VHOST_FS_ADD_SHARE, or -1
 * after an error was printed.
 */
int sandbox_open(const char *path, const struct sandbox_request *request);

#endif /* CTL_SANDBOX_H */
