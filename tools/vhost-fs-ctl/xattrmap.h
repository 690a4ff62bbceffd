/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rules for names of extended attributes, as typed (--xattrmap).
 */
#ifndef CTL_XATTRMAP_H
#define CTL_XATTRMAP_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/vhost_fs.h>

/**
 * struct xattrmap - rules for the module
 * @rules: what was parsed
 * @nr: entries of @rules
 * @closed: "map" was there, after which nothing may come
 * @why: what is wrong with the text
 */
struct xattrmap {
	struct vhost_fs_xattr_rule rules[VHOST_FS_MAX_XATTR_RULES];
	uint32_t nr;
	bool closed;
	char why[256];
};

/*
 * Fills the zeroed @map with what a value of --xattrmap says. Returns NULL when
 * the text is good, or else one line (in @map) that says what is wrong.
 */
const char *parse_xattrmap(const char *text, struct xattrmap *map);

/* The word for an enum vhost_fs_xattr_action and for VHOST_FS_XATTR_* bits, or NULL. */
const char *xattr_action_word(uint32_t action);
const char *xattr_scope_word(uint32_t scope);

#endif /* CTL_XATTRMAP_H */
