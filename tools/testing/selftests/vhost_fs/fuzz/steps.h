/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Mutations of inputs that are steps of one size, perhaps after a byte that says whom
 * they are about: whole steps come, go and are repeated, and what changes in one is a
 * member.
 */
#ifndef VHOST_FS_FUZZ_STEPS_H
#define VHOST_FS_FUZZ_STEPS_H

#include <stddef.h>
#include <stdint.h>

/**
 * struct steps - what a target's inputs are
 * @head: 1 if there is such a byte, or 0
 * @size: of a step
 * @max: steps of an input that are looked at
 * @make: a step from nothing
 * @change: something in a step
 */
struct steps {
	size_t head;
	size_t size;
	size_t max;
	void (*make)(void *step);
	void (*change)(void *step);
};

/* As LLVMFuzzerCustomMutator(). */
size_t steps_mutate(const struct steps *k, uint8_t *data, size_t size, size_t max,
		    unsigned int seed);

/* A number on which something may turn. */
uint64_t steps_number(void);

#endif /* VHOST_FS_FUZZ_STEPS_H */
