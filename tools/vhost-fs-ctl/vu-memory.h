/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's memory, as a front end hands it over: files that are mapped here,
 * so that the kernel's threads, which have this process's memory, can use it.
 *
 * This process itself never touches it. A front end can cut its files short at
 * any time, which is an error for the kernel and would be a signal for us.
 */
#ifndef CTL_VU_MEMORY_H
#define CTL_VU_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "vu-message.h"

/* Most regions, whatever the kernel's own limit; QEMU knows no more. */
#define VU_MAX_REGIONS 509

/**
 * struct vu_map - a file's part that is mapped
 * @base: where, or NULL
 * @length: bytes from @base on
 * @at: the part that was asked for, somewhere in it
 * @kept: the file, by the number that the keeper has it under (vu-record.h)
 * @offset: where in the file that part begins
 * @size: bytes of it
 */
struct vu_map {
	void *base;
	uint64_t length;
	uint64_t at;
	int kept;
	uint64_t offset;
	uint64_t size;
};

/**
 * struct vu_memory - guest memory
 * @limit: regions that the kernel takes, as vu_memory_limit() said at first
 * @nr: entries of the arrays
 * @regions: as the front end describes them
 * @maps: where they are here
 */
struct vu_memory {
	unsigned int limit;
	unsigned int nr;
	struct vu_region regions[VU_MAX_REGIONS];
	struct vu_map maps[VU_MAX_REGIONS];
};

/* Regions that the kernel takes now, VU_MAX_REGIONS at most. */
unsigned int vu_memory_limit(void);

/*
 * Maps @size bytes of @fd from @offset on. Returns NULL, or what is wrong; the
 * descriptor stays the caller's.
 */
const char *vu_map(struct vu_map *map, int fd, uint64_t offset, uint64_t size);
void vu_unmap(struct vu_map *map);

/* Each returns NULL, or what is wrong, with nothing changed. */
const char *vu_memory_add(struct vu_memory *memory, const struct vu_region *region, int fd);
const char *vu_memory_remove(struct vu_memory *memory, const struct vu_region *region,
			     struct vu_map *map);
void vu_memory_clear(struct vu_memory *memory);

/*
 * Where the front end's address @user is here, if all @size bytes lie in one
 * region; else 0.
 */
uint64_t vu_memory_find(const struct vu_memory *memory, uint64_t user, uint64_t size);

/* Where the guest knows @user, an address in one of the regions; else 0. */
uint64_t vu_memory_guest(const struct vu_memory *memory, uint64_t user);

/* Does a log of @size bytes, a bit for each 4096 of the guest's, cover all of it? */
bool vu_memory_fits_log(const struct vu_memory *memory, uint64_t size);

/* Gives the table to the device @fd; returns 0 or -1 with errno. */
int vu_memory_set(const struct vu_memory *memory, int fd);

#endif /* CTL_VU_MEMORY_H */
