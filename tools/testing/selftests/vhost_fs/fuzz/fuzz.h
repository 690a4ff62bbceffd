/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inputs without libFuzzer: what fuzz_main.c has for the files *_make.c, each of
 * which makes inputs for one target.
 */
#ifndef VHOST_FS_FUZZ_H
#define VHOST_FS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#define FUZZ_INPUT_MAX 16384

/* The target itself, as libFuzzer wants it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Writes an input, most of the time one that is nearly right; returns its size. */
size_t fuzz_make(uint8_t *out);

/* A random number below @below, which isn't 0. */
uint32_t fuzz_next(uint32_t below);
/* A number on which something may turn. */
uint64_t fuzz_interesting(void);

#endif /* VHOST_FS_FUZZ_H */
