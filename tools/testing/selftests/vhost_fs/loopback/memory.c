// SPDX-License-Identifier: GPL-2.0-only
/*
 * Physical memory as the guest's memory: every range that /proc/iomem calls
 * System RAM, mapped through the loopback module's file.
 */
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "loopbackd.h"

static void map_region(struct memory *memory, uint64_t first, uint64_t end)
{
	struct region *region = &memory->regions[memory->n];

	if (memory->n++ == MAX_REGIONS)
		errx(1, "more than %d ranges of memory", MAX_REGIONS);
	region->phys = first;
	region->size = end - first;
	region->virt = mmap(NULL, region->size, PROT_READ | PROT_WRITE, MAP_SHARED, memory->fd,
			    first);
	if (region->virt == MAP_FAILED)
		err(1, "can't map memory at %#llx", (unsigned long long)first);
}

/* Only whole pages, and only the outermost ranges, which aren't indented. */
static void map_line(struct memory *memory, const char *line)
{
	uint64_t page = sysconf(_SC_PAGESIZE);
	unsigned long long first, last;

	if (line[0] == ' ' || !strstr(line, " : System RAM") ||
	    sscanf(line, "%llx-%llx", &first, &last) != 2)
		return;
	first = (first + page - 1) & ~(page - 1);
	last = (last + 1) & ~(page - 1);
	if (first < last)
		map_region(memory, first, last);
}

void memory_map(struct memory *memory, int fd)
{
	FILE *iomem = fopen("/proc/iomem", "r");
	char line[256];

	if (!iomem)
		err(1, "can't read /proc/iomem");
	memory->fd = fd;
	while (fgets(line, sizeof(line), iomem))
		map_line(memory, line);
	fclose(iomem);
	if (!memory->n)
		errx(1, "/proc/iomem shows no System RAM");
}

uint64_t memory_virt(const struct memory *memory, uint64_t phys)
{
	const struct region *region;

	for (region = memory->regions; region < memory->regions + memory->n; region++)
		if (phys - region->phys < region->size)
			return (uintptr_t)region->virt + (phys - region->phys);
	errx(1, "a ring at %#llx is outside of memory", (unsigned long long)phys);
}
