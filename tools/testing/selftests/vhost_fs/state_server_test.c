// SPDX-License-Identifier: GPL-2.0-only
/*
 * A state is saved of a share that a file server has: what the guest has written is
 * there before anybody else goes on with it. TMPDIR is a mount of NFS that nothing
 * else writes to; nor does the host by itself (vm.dirty_writeback_centisecs is 0).
 */
#include "bed.h"
#include "harness.h"
#include "state.h"

#include <stdio.h>

/* How many WRITEs the host has sent its file servers; -1 if that can't be known. */
static long nr_writes(void)
{
	FILE *stats = fopen("/proc/self/mountstats", "re");
	char line[4096];
	long n, sum = -1;

	if (!stats)
		return -1;
	while (fgets(line, sizeof(line), stats))
		if (sscanf(line, " WRITE: %ld", &n) == 1)
			sum = (sum < 0 ? 0 : sum) + n;
	fclose(stats);
	return sum;
}

TEST(what_was_written_is_on_the_server)
{
	struct vhost_fs_device_state_result result;
	struct bed_config config = { 0 };
	struct fuse_open_out open;
	struct bed bed;
	uint64_t file;
	long before;
	int fd;

	ASSERT_EQ(0, bed_open(&bed, &config));
	ASSERT_EQ(0, bed_write_file(&bed, "file", "data", 4, 0644));
	file = bed_lookup(&bed.fuse, "file");
	ASSERT_EQ(0, fuse_open(&bed.fuse, file, O_RDWR, &open));
	ASSERT_EQ(4, fuse_write(&bed.fuse, file, open.fh, 0, "more", 4));
	ASSERT_EQ(0, ring_set_running(&bed.dev, false));
	before = nr_writes();
	ASSERT_LE(0, before);
	fd = state_save(&bed.dev, &result);
	ASSERT_LE(0, fd);
	EXPECT_EQ(before + 1, nr_writes());
	close(fd);
	bed_close(&bed);
}

TEST_HARNESS_MAIN
