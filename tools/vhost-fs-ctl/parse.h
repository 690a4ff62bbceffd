/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What people type, turned into values. Every function returns NULL when the
 * text is good, or else one line that says what is accepted.
 */
#ifndef CTL_PARSE_H
#define CTL_PARSE_H

#include <stdint.h>

const char *parse_share_name(const char *text);
const char *parse_cache(const char *text, uint32_t *policy);
const char *parse_limit(const char *text, uint64_t *limit);
const char *parse_fd(const char *text, int *fd);
const char *parse_user(const char *text, uint32_t *uid);
const char *parse_group(const char *text, uint32_t *gid);

/* The word for a cache policy, or NULL. */
const char *cache_word(uint32_t policy);

#endif /* CTL_PARSE_H */
