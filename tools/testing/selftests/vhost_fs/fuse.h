/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * FUSE requests over a ring, as a guest's file system driver makes them.
 *
 * Every reply is held to the protocol before a test sees it: the unique id, an
 * error between -511 and 0, no body after an error, and a length that agrees
 * with the used element. A reply that fails this is FUSE_BAD_REPLY.
 */
#ifndef VHOST_FS_FUSE_H
#define VHOST_FS_FUSE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <linux/fuse.h>

#include "ring.h"

/* What a header older than protocol 7.39 lacks. */
#if FUSE_KERNEL_MINOR_VERSION < 39
#define FUSE_STATX 52
#define FUSE_PASSTHROUGH (1ULL << 37)

struct fuse_sx_time {
	int64_t tv_sec;
	uint32_t tv_nsec;
	int32_t __reserved;
};

struct fuse_statx {
	uint32_t mask;
	uint32_t blksize;
	uint64_t attributes;
	uint32_t nlink;
	uint32_t uid;
	uint32_t gid;
	uint16_t mode;
	uint16_t __spare0[1];
	uint64_t ino;
	uint64_t size;
	uint64_t blocks;
	uint64_t attributes_mask;
	struct fuse_sx_time atime;
	struct fuse_sx_time btime;
	struct fuse_sx_time ctime;
	struct fuse_sx_time mtime;
	uint32_t rdev_major;
	uint32_t rdev_minor;
	uint32_t dev_major;
	uint32_t dev_minor;
	uint64_t __spare2[14];
};

struct fuse_statx_in {
	uint32_t getattr_flags;
	uint32_t reserved;
	uint64_t fh;
	uint32_t sx_flags;
	uint32_t sx_mask;
};

struct fuse_statx_out {
	uint64_t attr_valid;
	uint32_t attr_valid_nsec;
	uint32_t flags;
	uint64_t spare[2];
	struct fuse_statx stat;
};
#endif

#if FUSE_KERNEL_MINOR_VERSION < 37
#define FUSE_TMPFILE 51
#endif

#if FUSE_KERNEL_MINOR_VERSION < 45
#define FUSE_COPY_FILE_RANGE_64 53

struct fuse_copy_file_range_out {
	uint64_t bytes_copied;
};
#endif

/* Results that are no errno. */
#define FUSE_NO_REPLY	(-10000)	/* used with length 0 */
#define FUSE_BAD_REPLY	(-10001)	/* against the protocol */
#define FUSE_TIMEOUT	(-10002)	/* nothing in time */
#define FUSE_BROKEN	(-10003)	/* the queue reported an error */
#define FUSE_NO_ROOM	(-10004)	/* the ring is full */

/* Every flag that INIT can carry, but for the one that is reserved. */
#define FUSE_ALL_FLAGS	(~0ULL & ~(1ULL << 31))

#define FUSE_MAX_WRITE	(1U << 20)
#define FUSE_MAX_INFLIGHT 1024

/**
 * struct fuse_call - one request
 * @opcode: FUSE_*
 * @nodeid: node it is about
 * @in: arguments after the header; each gets a buffer of its own
 * @nr_in: number of @in
 * @extlen: 8-byte units at the end of @in that are extensions
 * @out: where the reply's body goes, may be NULL
 * @out_size: room for the body in the chain
 * @error: result: 0, a negative errno, or one of the results above
 * @out_len: result: bytes of body
 */
struct fuse_call {
	uint32_t opcode;
	uint64_t nodeid;
	struct iovec in[4];
	int nr_in;
	uint16_t extlen;
	void *out;
	size_t out_size;

	int error;
	size_t out_len;

	/* between fuse_start() and the answer */
	bool done;
	uint64_t unique;
	void *reply;
};

/* A session on one request queue. Several can share a device. */
struct fuse {
	struct ring_queue *q;
	uint64_t unique;
	uint32_t uid, gid, pid;		/* the guest's process */
	struct fuse_init_out init;
	struct fuse_call *inflight[FUSE_MAX_INFLIGHT];
};

void fuse_session(struct fuse *f, struct ring_dev *dev, unsigned int queue);

/* Sends @c and waits for its reply. */
int fuse_call(struct fuse *f, struct fuse_call *c);
/*
 * Sends @c only. Its buffers are guest memory from ring_alloc(), which the
 * caller takes back by ring_release(), and @c must stay until it is done.
 */
int fuse_start(struct fuse *f, struct fuse_call *c);
/* Waits for any request in flight; NULL on failure, with *@error set. */
struct fuse_call *fuse_next(struct fuse *f, int *error);
/* Waits for @c. */
int fuse_finish(struct fuse *f, struct fuse_call *c);
/* Checks the reply to @c, @len bytes long, and copies its body. */
int fuse_take_reply(struct fuse_call *c, uint32_t len);
void fuse_header(struct fuse *f, struct fuse_in_header *h, uint32_t opcode,
		 uint64_t nodeid, size_t args);

/* One for each opcode. The result is 0, or negative like fuse_call::error. */
int fuse_init_with(struct fuse *f, const struct fuse_init_in *in, size_t size,
		   struct fuse_init_out *out);
/* Asks for these flags; fuse_init() for all that there are. */
int fuse_init_flags(struct fuse *f, uint64_t flags);
int fuse_init(struct fuse *f);
int fuse_destroy(struct fuse *f);
int fuse_lookup(struct fuse *f, uint64_t parent, const char *name,
		struct fuse_entry_out *out);
int fuse_forget(struct fuse *f, uint64_t nodeid, uint64_t count);
int fuse_batch_forget(struct fuse *f, const struct fuse_forget_one *list,
		      uint32_t count);
int fuse_getattr(struct fuse *f, uint64_t nodeid, struct fuse_attr *out);
/* Only adds that to the ring, for whom many at once matter; its head. */
int fuse_add_getattr(struct fuse *f, uint64_t nodeid);
int fuse_setattr(struct fuse *f, uint64_t nodeid,
		 const struct fuse_setattr_in *in, struct fuse_attr *out);
int fuse_statx(struct fuse *f, uint64_t nodeid, uint32_t mask,
	       struct fuse_statx *out);
int fuse_access(struct fuse *f, uint64_t nodeid, uint32_t mask);
int fuse_statfs(struct fuse *f, uint64_t nodeid, struct fuse_kstatfs *out);
int fuse_syncfs(struct fuse *f, uint64_t nodeid);

int fuse_mkdir(struct fuse *f, uint64_t parent, const char *name,
	       uint32_t mode, uint32_t umask, struct fuse_entry_out *out);
int fuse_mknod(struct fuse *f, uint64_t parent, const char *name,
	       uint32_t mode, uint32_t rdev, uint32_t umask,
	       struct fuse_entry_out *out);
int fuse_symlink(struct fuse *f, uint64_t parent, const char *name,
		 const char *target, struct fuse_entry_out *out);
int fuse_link(struct fuse *f, uint64_t nodeid, uint64_t parent,
	      const char *name, struct fuse_entry_out *out);
int fuse_unlink(struct fuse *f, uint64_t parent, const char *name);
int fuse_rmdir(struct fuse *f, uint64_t parent, const char *name);
int fuse_rename(struct fuse *f, uint64_t parent, const char *name,
		uint64_t newparent, const char *newname);
int fuse_rename2(struct fuse *f, uint64_t parent, const char *name,
		 uint64_t newparent, const char *newname, uint32_t flags);
/* The target gets a NUL; the result is its length. */
int fuse_readlink(struct fuse *f, uint64_t nodeid, char *target, size_t size);

int fuse_open(struct fuse *f, uint64_t nodeid, uint32_t flags,
	      struct fuse_open_out *out);
/* With FUSE_OPEN_* flags. */
int fuse_open_with(struct fuse *f, uint64_t nodeid, uint32_t flags,
		   uint32_t open_flags, struct fuse_open_out *out);
int fuse_opendir(struct fuse *f, uint64_t nodeid, struct fuse_open_out *out);
int fuse_create(struct fuse *f, uint64_t parent, const char *name,
		uint32_t flags, uint32_t mode, uint32_t umask,
		struct fuse_entry_out *entry, struct fuse_open_out *out);
int fuse_release(struct fuse *f, uint64_t nodeid, uint64_t fh);
int fuse_releasedir(struct fuse *f, uint64_t nodeid, uint64_t fh);
int fuse_flush(struct fuse *f, uint64_t nodeid, uint64_t fh);
int fuse_fsync(struct fuse *f, uint64_t nodeid, uint64_t fh, uint32_t flags);
int fuse_fsyncdir(struct fuse *f, uint64_t nodeid, uint64_t fh, uint32_t flags);
/* The result is the number of bytes. */
int fuse_read(struct fuse *f, uint64_t nodeid, uint64_t fh, uint64_t offset,
	      void *buf, uint32_t size);
int fuse_write(struct fuse *f, uint64_t nodeid, uint64_t fh, uint64_t offset,
	       const void *buf, uint32_t size);
/* With the guest's open flags, and FUSE_WRITE_* flags. */
int fuse_write_with(struct fuse *f, uint64_t nodeid, uint64_t fh,
		    uint64_t offset, const void *buf, uint32_t size,
		    uint32_t flags, uint32_t write_flags);
int fuse_readdir(struct fuse *f, uint64_t nodeid, uint64_t fh, uint64_t offset,
		 void *buf, uint32_t size);
int fuse_readdirplus(struct fuse *f, uint64_t nodeid, uint64_t fh,
		     uint64_t offset, void *buf, uint32_t size);
int fuse_lseek(struct fuse *f, uint64_t nodeid, uint64_t fh, uint64_t offset,
	       uint32_t whence, uint64_t *out);
int fuse_fallocate(struct fuse *f, uint64_t nodeid, uint64_t fh,
		   uint64_t offset, uint64_t length, uint32_t mode);
/* The session's INIT says which of two layouts the arguments have. */
int fuse_setxattr(struct fuse *f, uint64_t nodeid, const char *name,
		  const void *value, uint32_t size, uint32_t flags,
		  uint32_t setxattr_flags);
/* With @size 0 the result is the length there is, else what there was of it. */
int fuse_getxattr(struct fuse *f, uint64_t nodeid, const char *name,
		  void *value, uint32_t size);
int fuse_listxattr(struct fuse *f, uint64_t nodeid, void *list, uint32_t size);
int fuse_removexattr(struct fuse *f, uint64_t nodeid, const char *name);
/* The result is the number of bytes. */
int64_t fuse_copy_range(struct fuse *f, uint32_t opcode,
			const struct fuse_copy_file_range_in *in,
			uint64_t node_in);
int fuse_tmpfile(struct fuse *f, uint64_t parent, uint32_t flags, uint32_t mode,
		 uint32_t umask, struct fuse_entry_out *entry,
		 struct fuse_open_out *out);
/*
 * The arguments are @in, with @arg of @in->in_size bytes behind it; what comes
 * back is put at @arg too. The result is its length.
 */
int fuse_ioctl(struct fuse *f, uint64_t nodeid, const struct fuse_ioctl_in *in,
	       void *arg);
/* GETLK puts what it finds into @in too. */
int fuse_lk(struct fuse *f, uint32_t opcode, uint64_t nodeid,
	    struct fuse_lk_in *in);
int fuse_interrupt(struct fuse *f, uint64_t unique);
/* An opcode with @in of @size bytes and no body in its reply. */
int fuse_simple(struct fuse *f, uint32_t opcode, uint64_t nodeid,
		const void *in, size_t size);

/**
 * struct fuse_started_open - an OPEN in flight, with its buffers
 * @c: it
 * @in: its argument
 * @out: its answer
 */
struct fuse_started_open {
	struct fuse_call c;
	struct fuse_open_in in;
	struct fuse_open_out out;
};

/* Begins to open a file for writing, which waits if somebody has a lease on it. */
int fuse_start_open(struct fuse *f, uint64_t node, struct fuse_started_open *o);

#endif /* VHOST_FS_FUSE_H */
