/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a test stands on: a fresh host directory, a share of it, a device that
 * is attached and runs, and a FUSE session. Each step can be had alone.
 */
#ifndef VHOST_FS_BED_H
#define VHOST_FS_BED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "fuse.h"
#include "ring.h"

struct bed_config {
	struct ring_config ring;
	uint32_t flags;			/* VHOST_FS_SHARE_* */
	uint32_t cache;			/* enum vhost_fs_cache_policy */
	uint64_t max_nodes;
	uint64_t max_handles;
	bool no_init;			/* leave INIT to the test */
	bool disk;			/* on an ext4 */
	/* Other options; what is set above counts more. */
	struct vhost_fs_add_share options;
};

struct bed {
	char top[64];		/* a directory of the test's own */
	char dir[80];		/* the shared directory in it */
	int fd;			/* of the shared directory, for *at() calls */
	char share[VHOST_FS_SHARE_NAME_MAX + 1];	/* "" if there is none */
	struct ring_dev dev;
	struct fuse fuse;
};

/* 0 or a negative errno, which is also explained on stderr. */
int bed_open(struct bed *bed, const struct bed_config *config);
void bed_close(struct bed *bed);

/* Parts of bed_open(): the directory and its share, ... */
int bed_open_share(struct bed *bed, const struct bed_config *config);
/* ... and a running device with a session on that share. */
int bed_open_device(struct bed *bed, struct ring_dev *dev, struct fuse *f,
		    const struct bed_config *config);

/* ioctls on a device that is opened for just that. */
int share_add(struct vhost_fs_add_share *arg);
int share_add_fd(const char *name, int root_fd);
int share_remove(const char *name);

/* A file of the shared directory with @size bytes of @data. */
int bed_write_file(struct bed *bed, const char *name, const void *data,
		   size_t size, mode_t mode);
/* Reads it: the number of bytes, or a negative errno. */
ssize_t bed_read_file(struct bed *bed, const char *name, void *buf,
		      size_t size);
/* lstat() in the shared directory. */
int bed_stat(struct bed *bed, const char *name, struct stat *st);
/* Its mode, 0 if there is no such file. */
mode_t bed_mode(struct bed *bed, const char *name);
/* Entries of the shared directory, "." and ".." included; -1 on failure. */
int bed_count(struct bed *bed);
/*
 * Looks up @path name by name, from the root: a node id, or 0, which no request
 * accepts.
 */
uint64_t bed_lookup(struct fuse *f, const char *path);
/* Bytes that depend on their position and @seed, to find misplaced ones. */
void bed_pattern(void *buf, size_t size, uint64_t offset, unsigned int seed);

#endif /* VHOST_FS_BED_H */
