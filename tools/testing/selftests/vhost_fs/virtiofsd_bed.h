/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What tests of moving a guest from and to virtiofsd stand on: a directory tree, a
 * guest that works in it, and servers of it: virtiofsd, whose path is in VIRTIOFSD
 * (the default is Debian's), and vhost_fs. It takes root, for mounts of its own.
 * virtiofsd is silent, since some of what it is asked is to fail; another option is
 * taken from VIRTIOFSD_LOG.
 */
#ifndef VHOST_FS_VIRTIOFSD_BED_H
#define VHOST_FS_VIRTIOFSD_BED_H

#include <stdbool.h>
#include <stdint.h>

#include "front_end.h"
#include "fuse.h"
#include "ring.h"
#include "state_codec.h"

#define ROOT FUSE_ROOT_ID
#define STREAM_MAX 16384
/* No UTF-8: virtiofsd has nothing to write it as. */
#define ODD_NAME "o\377d"

/* A directory on file systems of its own, which last as long as the test. */
struct tree {
	char top[64];
	char dir[80];
	int fd;
};

/* A server, with its guest. */
struct side {
	struct fe_back_end be;
	struct ring_dev dev;
	struct fuse f;
	int fd;			/* of the connection to virtiofsd */
	char share[32];		/* of vhost_fs; "" if it is virtiofsd */
};

/* What the guest knows. */
struct guest {
	uint64_t a, b, c, file, sym, gone, name, odd, sub, in, moved;
	uint64_t file_fh, gone_fh, a_fh;
	uint64_t next_node, next_fh;	/* not lower than these */
};

struct stream {
	u8 data[STREAM_MAX];
	size_t len;
	struct vhost_fs_state st;
};

/* All that return an int give 0 or a negative errno, if nothing else is said. */

int tree_make(struct tree *tree);
void tree_remove(struct tree *tree);

/* virtiofsd with these options; it has memory, but no rings yet. */
int side_open(struct side *side, const struct tree *tree, const char *name,
	      const char *const *options);
/* vhost_fs, likewise; @migration as in struct vhost_fs_add_share. */
int side_open_kernel(struct side *side, const struct tree *tree, const char *name,
		     uint32_t migration);
int side_start(struct side *side);
int side_stop(struct side *side);
void side_close(struct side *side);
/* -EIO if virtiofsd says that it failed. */
int side_save(struct side *side, struct stream *s);
int side_load(struct side *side, const struct stream *s);
/* The guest of @from goes on at @to. */
void side_take_guest(struct side *to, const struct side *from);

/* What the guest does first. */
int guest_work(struct fuse *f, struct guest *g);
/* Is all there, and do new things get new numbers? 0, or the line that says no. */
int guest_check(struct fuse *f, struct guest *g);
/* Are lookups counted right? Ends with the guest having forgotten some. */
int guest_forget(struct fuse *f, const struct guest *g);

#endif /* VHOST_FS_VIRTIOFSD_BED_H */
