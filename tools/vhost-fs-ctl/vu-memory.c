// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's memory: maps the files of a vhost-user front end and tells the
 * device of them.
 */
#include "vu-memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>
#include <linux/vhost.h>

#include "vu-record.h"

#define LIMIT_PATH "/sys/module/vhost/parameters/max_mem_regions"
/* What the vhost core takes where it doesn't say. */
#define LIMIT_DEFAULT 64

/* Guest memory that one bit of a dirty log is about, whatever a page is here. */
#define LOG_PAGE 4096

unsigned int vu_memory_limit(void)
{
	FILE *file = fopen(LIMIT_PATH, "re");
	unsigned int limit = LIMIT_DEFAULT;

	if (file) {
		if (fscanf(file, "%u", &limit) != 1)
			limit = LIMIT_DEFAULT;
		fclose(file);
	}
	return limit < VU_MAX_REGIONS ? limit : VU_MAX_REGIONS;
}

/* Files of huge pages are mapped by huge pages only. */
static uint64_t map_unit(int fd)
{
	struct statfs fs;

	if (!fstatfs(fd, &fs) && fs.f_type == HUGETLBFS_MAGIC)
		return fs.f_bsize;
	return sysconf(_SC_PAGESIZE);
}

const char *vu_map(struct vu_map *map, int fd, uint64_t offset, uint64_t size)
{
	uint64_t unit = map_unit(fd);
	uint64_t before = offset & (unit - 1);
	struct stat st;
	void *base;

	if (fstat(fd, &st) < 0)
		return strerror(errno);
	if (S_ISREG(st.st_mode) && offset + size > (uint64_t)st.st_size)
		return "its file is too short";
	map->length = (before + size + unit - 1) & ~(unit - 1);
	base = mmap(NULL, map->length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd,
		    offset - before);
	if (base == MAP_FAILED)
		return strerror(errno);
	/* A fork, to be a daemon for instance, must not copy the guest. */
	madvise(base, map->length, MADV_DONTFORK);
	map->base = base;
	map->at = (uintptr_t)base + before;
	map->kept = vu_kept(fd);
	map->offset = offset;
	map->size = size;
	return NULL;
}

void vu_unmap(struct vu_map *map)
{
	if (map->base)
		munmap(map->base, map->length);
	map->base = NULL;
}

static bool overlap(uint64_t one, uint64_t one_size, uint64_t other, uint64_t other_size)
{
	return one - other < other_size || other - one < one_size;
}

const char *vu_memory_add(struct vu_memory *memory, const struct vu_region *region, int fd)
{
	const char *why;
	unsigned int i;

	if (memory->nr >= memory->limit)
		return "the kernel takes no more regions";
	for (i = 0; i < memory->nr; i++) {
		const struct vu_region *other = &memory->regions[i];

		if (overlap(region->guest, region->size, other->guest, other->size) ||
		    overlap(region->user, region->size, other->user, other->size))
			return "regions overlap";
	}
	why = vu_map(&memory->maps[memory->nr], fd, region->offset, region->size);
	if (!why)
		memory->regions[memory->nr++] = *region;
	return why;
}

const char *vu_memory_remove(struct vu_memory *memory, const struct vu_region *region,
			     struct vu_map *map)
{
	unsigned int i;

	for (i = 0; i < memory->nr; i++)
		if (memory->regions[i].guest == region->guest &&
		    memory->regions[i].user == region->user &&
		    memory->regions[i].size == region->size)
			break;
	if (i == memory->nr)
		return "there is no such region";
	*map = memory->maps[i];
	memory->nr--;
	memory->regions[i] = memory->regions[memory->nr];
	memory->maps[i] = memory->maps[memory->nr];
	return NULL;
}

void vu_memory_clear(struct vu_memory *memory)
{
	while (memory->nr)
		vu_unmap(&memory->maps[--memory->nr]);
}

uint64_t vu_memory_find(const struct vu_memory *memory, uint64_t user, uint64_t size)
{
	unsigned int i;

	for (i = 0; i < memory->nr; i++) {
		uint64_t at = user - memory->regions[i].user;

		if (at < memory->regions[i].size && size <= memory->regions[i].size - at)
			return memory->maps[i].at + at;
	}
	return 0;
}

uint64_t vu_memory_guest(const struct vu_memory *memory, uint64_t user)
{
	unsigned int i;

	for (i = 0; i < memory->nr; i++) {
		uint64_t at = user - memory->regions[i].user;

		if (at < memory->regions[i].size)
			return memory->regions[i].guest + at;
	}
	return 0;
}

bool vu_memory_fits_log(const struct vu_memory *memory, uint64_t size)
{
	unsigned int i;

	for (i = 0; i < memory->nr; i++) {
		const struct vu_region *region = &memory->regions[i];

		if ((region->guest + region->size - 1) / LOG_PAGE / 8 >= size)
			return false;
	}
	return true;
}

int vu_memory_set(const struct vu_memory *memory, int fd)
{
	struct vhost_memory *table;
	unsigned int i;
	int err;

	table = calloc(1, sizeof(*table) + memory->nr * sizeof(table->regions[0]));
	if (!table)
		return -1;
	table->nregions = memory->nr;
	for (i = 0; i < memory->nr; i++) {
		table->regions[i].guest_phys_addr = memory->regions[i].guest;
		table->regions[i].memory_size = memory->regions[i].size;
		table->regions[i].userspace_addr = memory->maps[i].at;
	}
	err = ioctl(fd, VHOST_SET_MEM_TABLE, table);
	free(table);
	return err;
}
