/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How the move of a device's state ended, in words.
 */
#ifndef CTL_STATE_RESULT_H
#define CTL_STATE_RESULT_H

#include <stddef.h>

#include <linux/vhost_fs.h>

/* Longest text, with its NUL. */
#define STATE_RESULT_MAX 160

/* Writes why @result is no success to @text, of STATE_RESULT_MAX bytes; returns @text. */
const char *state_result_text(const struct vhost_fs_device_state_result *result, char *text);

#endif /* CTL_STATE_RESULT_H */
