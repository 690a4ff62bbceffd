/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The credentials of this process, which a share serves with.
 */
#ifndef CTL_CAPS_H
#define CTL_CAPS_H

#include <stdint.h>

#include <linux/vhost_fs.h>

/**
 * struct process_request - what this process becomes before it adds a share
 * @add: capabilities to keep besides those that shares have
 * @keep: likewise, but only if this process has them
 * @drop: capabilities not to keep
 * @groups: supplementary groups
 * @nr_groups: entries of @groups
 * @label: security label, or NULL for the one it has
 */
struct process_request {
	uint64_t add;
	uint64_t keep;
	uint64_t drop;
	uint32_t groups[VHOST_FS_MAX_ALLOWED_IDS];
	uint32_t nr_groups;
	const char *label;
};

/*
 * Takes on the groups and the label, and gives up, for good, every privilege
 * that a share has no use for. Returns 0, or an exit status after an error was
 * printed.
 */
int caps_become_share(const struct process_request *request);

/* Gives up all capabilities for good. Returns as above. */
int caps_drop_all(void);

/*
 * Reads "+NAME:-NAME..." into the two sets; the last of several of one name
 * counts. Returns NULL, or one line that says what is accepted.
 */
const char *caps_parse(const char *text, uint64_t *add, uint64_t *drop);

/* "cap_chown" for 0 and so on; the buffer of unknown ones is reused. */
const char *caps_name(unsigned int capability);

#endif /* CTL_CAPS_H */
