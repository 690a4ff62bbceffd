/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Translation of user and group ids, as typed: rules for the module
 * (--translate-uid) and maps for mounts (--uid-map). Functions return NULL when
 * the text is good, or else one line that says what is accepted.
 */
#ifndef CTL_ID_RULES_H
#define CTL_ID_RULES_H

#include <stddef.h>
#include <stdint.h>

#include <linux/vhost_fs.h>

struct id_rules {
	struct vhost_fs_id_rule rules[VHOST_FS_MAX_ID_RULES];
	uint32_t nr;
};

/* The kernel takes a user namespace's map as one write of less than 4 KiB. */
#define ID_MAP_MAX 120

/**
 * struct id_map - ids of the guest and what they are on disk
 * @rows: ranges
 * @nr: entries of @rows
 */
struct id_map {
	struct {
		uint32_t guest;
		uint32_t host;
		uint32_t count;
	} rows[ID_MAP_MAX];
	size_t nr;
};

/* Adds what a value of --translate-uid says: one rule, or two for "map". */
const char *parse_id_rule(const char *text, struct id_rules *rules);

/* Adds what a value of --uid-map says. */
const char *parse_id_map(const char *text, struct id_map *map);

/* The word for an enum vhost_fs_id_action, or NULL. */
const char *id_action_word(uint32_t action);

#endif /* CTL_ID_RULES_H */
