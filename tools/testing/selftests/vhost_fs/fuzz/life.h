/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lives: what a target does with an input depends on what earlier ones have left, up to
 * a point where all begins anew. To make things anew takes longer than most inputs do.
 */
#ifndef VHOST_FS_FUZZ_LIFE_H
#define VHOST_FS_FUZZ_LIFE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of the life that is lived; the first is 1. */
extern unsigned int life_number;

/* What has been asked of the module: requests, calls, writes to a ring. */
extern unsigned long life_steps;

/* The target: an input, whose life has the number @life_number. */
void target_input(const uint8_t *data, size_t size);

#endif /* VHOST_FS_FUZZ_LIFE_H */
