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
const char *parse_handles(const char *text, uint32_t *handles);
const char *parse_locks(const char *text, uint32_t *locks);
const char *parse_seconds(const char *text, uint64_t *ns);
const char *parse_limit(const char *text, uint64_t *limit);
const char *parse_blocked(const char *text, uint64_t *limit);
const char *parse_fd(const char *text, int *fd);
const char *parse_user(const char *text, uint32_t *uid);
const char *parse_group(const char *text, uint32_t *gid);

/* The words for a cache policy and so on, or NULL. */
const char *cache_word(uint32_t policy);
const char *handles_word(uint32_t handles);
const char *locks_word(uint32_t locks);

#endif /* CTL_PARSE_H */
