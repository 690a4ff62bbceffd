// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes FUSE requests and checks their replies; see fuse.h.
 */
#include "fuse.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#define ARG(p) { .iov_base = (void *)(p), .iov_len = sizeof(*(p)) }
#define STR(s) { .iov_base = (void *)(s), .iov_len = strlen(s) + 1 }

void fuse_session(struct fuse *f, struct ring_dev *dev, unsigned int queue)
{
	*f = (struct fuse){ .q = &dev->queues[queue], .unique = 2, .pid = 1 };
}

void fuse_header(struct fuse *f, struct fuse_in_header *h, uint32_t opcode,
		 uint64_t nodeid, size_t args)
{
	*h = (struct fuse_in_header){
		.len = sizeof(*h) + args, .opcode = opcode,
		.unique = f->unique += 2, .nodeid = nodeid,
		.uid = f->uid, .gid = f->gid, .pid = f->pid,
	};
}

int fuse_start(struct fuse *f, struct fuse_call *c)
{
	struct ring_dev *dev = f->q->dev;
	struct fuse_in_header *h = ring_alloc(dev, sizeof(*h));
	struct iovec out[5] = { ARG(h) }, in[2];
	size_t args = 0;
	int i, head;

	for (i = 0; i < c->nr_in; i++) {
		out[i + 1].iov_len = c->in[i].iov_len;
		out[i + 1].iov_base = ring_alloc(dev, c->in[i].iov_len);
		memcpy(out[i + 1].iov_base, c->in[i].iov_base, c->in[i].iov_len);
		args += c->in[i].iov_len;
	}
	fuse_header(f, h, c->opcode, c->nodeid, args);
	h->total_extlen = c->extlen;
	/* In one piece here, in two in the chain, as the Linux driver has it. */
	c->reply = ring_alloc(dev, sizeof(struct fuse_out_header) + c->out_size);
	in[0].iov_base = c->reply;
	in[0].iov_len = sizeof(struct fuse_out_header);
	in[1].iov_base = (char *)c->reply + sizeof(struct fuse_out_header);
	in[1].iov_len = c->out_size;
	c->unique = h->unique;
	c->done = false;
	head = ring_submit(f->q, out, 1 + c->nr_in, in, c->out_size ? 2 : 1);
	if (head < 0)
		return FUSE_NO_ROOM;
	f->inflight[head] = c;
	return 0;
}

int fuse_take_reply(struct fuse_call *c, uint32_t len)
{
	struct fuse_out_header h;

	c->out_len = 0;
	if (len == 0)
		return FUSE_NO_REPLY;
	if (len < sizeof(h) || len > sizeof(h) + c->out_size)
		return FUSE_BAD_REPLY;
	memcpy(&h, c->reply, sizeof(h));
	if (h.len != len || h.unique != c->unique || h.error > 0 ||
	    h.error < -511 || (h.error && len != sizeof(h)))
		return FUSE_BAD_REPLY;
	c->out_len = len - sizeof(h);
	if (c->out)
		memcpy(c->out, (char *)c->reply + sizeof(h), c->out_len);
	return h.error;
}

struct fuse_call *fuse_next(struct fuse *f, int *error)
{
	struct fuse_call *c;
	uint32_t len;
	int head = ring_wait(f->q, &len);

	if (head < 0 || !f->inflight[head]) {
		*error = head == -ETIME ? FUSE_TIMEOUT :
			 head == -EPIPE ? FUSE_BROKEN : FUSE_BAD_REPLY;
		return NULL;
	}
	c = f->inflight[head];
	f->inflight[head] = NULL;
	c->error = fuse_take_reply(c, len);
	c->done = true;
	return c;
}

int fuse_finish(struct fuse *f, struct fuse_call *c)
{
	int error;

	while (!c->done)
		if (!fuse_next(f, &error))
			return c->error = error;
	return c->error;
}

int fuse_call(struct fuse *f, struct fuse_call *c)
{
	size_t mark = ring_mark(f->q->dev);

	c->error = fuse_start(f, c);
	if (!c->error)
		fuse_finish(f, c);
	ring_release(f->q->dev, mark);
	return c->error;
}

/* A reply whose body always has the same size. */
static int call_fixed(struct fuse *f, struct fuse_call *c)
{
	int error = fuse_call(f, c);

	if (!error && c->out_len != c->out_size)
		return FUSE_BAD_REPLY;
	return error;
}

/* A reply whose size is the result. */
static int call_sized(struct fuse *f, struct fuse_call *c)
{
	int error = fuse_call(f, c);

	return error ? error : (int)c->out_len;
}

int fuse_simple(struct fuse *f, uint32_t opcode, uint64_t nodeid,
		const void *in, size_t size)
{
	struct fuse_call c = {
		.opcode = opcode, .nodeid = nodeid,
		.in = { { .iov_base = (void *)in, .iov_len = size } },
		.nr_in = size ? 1 : 0,
	};

	return call_fixed(f, &c);
}

int fuse_init_with(struct fuse *f, const struct fuse_init_in *in, size_t size,
		   struct fuse_init_out *out)
{
	struct fuse_call c = {
		.opcode = FUSE_INIT,
		.in = { { .iov_base = (void *)in, .iov_len = size } },
		.nr_in = 1, .out = out, .out_size = sizeof(*out),
	};

	return call_fixed(f, &c);
}

int fuse_init_flags(struct fuse *f, uint64_t flags)
{
	struct fuse_init_in in = {
		.major = FUSE_KERNEL_VERSION,
		.minor = FUSE_KERNEL_MINOR_VERSION,
		.max_readahead = 131072,
		.flags = (uint32_t)flags, .flags2 = flags >> 32,
	};

	return fuse_init_with(f, &in, sizeof(in), &f->init);
}

int fuse_init(struct fuse *f)
{
	return fuse_init_flags(f, FUSE_ALL_FLAGS);
}

int fuse_destroy(struct fuse *f)
{
	return fuse_simple(f, FUSE_DESTROY, 0, NULL, 0);
}

int fuse_lookup(struct fuse *f, uint64_t parent, const char *name,
		struct fuse_entry_out *out)
{
	struct fuse_call c = {
		.opcode = FUSE_LOOKUP, .nodeid = parent,
		.in = { STR(name) }, .nr_in = 1,
		.out = out, .out_size = sizeof(*out),
	};

	return call_fixed(f, &c);
}

/* FORGET goes without a reply, and without room for one. */
static int call_forget(struct fuse *f, struct fuse_call *c)
{
	int error = fuse_call(f, c);

	return error == FUSE_NO_REPLY ? 0 : error ? error : FUSE_BAD_REPLY;
}

int fuse_forget(struct fuse *f, uint64_t nodeid, uint64_t count)
{
	struct fuse_forget_in in = { .nlookup = count };
	struct fuse_call c = {
		.opcode = FUSE_FORGET, .nodeid = nodeid,
		.in = { ARG(&in) }, .nr_in = 1,
	};

	return call_forget(f, &c);
}

int fuse_batch_forget(struct fuse *f, const struct fuse_forget_one *list,
		      uint32_t count)
{
	struct fuse_batch_forget_in in = { .count = count };
	struct fuse_call c = {
		.opcode = FUSE_BATCH_FORGET,
		.in = { ARG(&in), { .iov_base = (void *)list,
				    .iov_len = count * sizeof(*list) } },
		.nr_in = count ? 2 : 1,
	};

	return call_forget(f, &c);
}

int fuse_getattr(struct fuse *f, uint64_t nodeid, struct fuse_attr *out)
{
	struct fuse_getattr_in in = { 0 };
	struct fuse_attr_out reply;
	struct fuse_call c = {
		.opcode = FUSE_GETATTR, .nodeid = nodeid,
		.in = { ARG(&in) }, .nr_in = 1,
		.out = &reply, .out_size = sizeof(reply),
	};
	int error = call_fixed(f, &c);

	if (!error && out)
		*out = reply.attr;
	return error;
}

int fuse_add_getattr(struct fuse *f, uint64_t nodeid)
{
	struct {
		struct fuse_in_header hdr;
		struct fuse_getattr_in in;
		struct fuse_out_header reply;
		struct fuse_attr_out out;
	} *ask = ring_alloc(f->q->dev, sizeof(*ask));
	struct iovec out = { ask, sizeof(ask->hdr) + sizeof(ask->in) };
	struct iovec in = { &ask->reply, sizeof(ask->reply) + sizeof(ask->out) };

	ask->in = (struct fuse_getattr_in){ };
	fuse_header(f, &ask->hdr, FUSE_GETATTR, nodeid, sizeof(ask->in));
	return ring_add(f->q, &out, 1, &in, 1);
}

int fuse_setattr(struct fuse *f, uint64_t nodeid,
		 const struct fuse_setattr_in *in, struct fuse_attr *out)
{
	struct fuse_attr_out reply;
	struct fuse_call c = {
		.opcode = FUSE_SETATTR, .nodeid = nodeid,
		.in = { ARG(in) }, .nr_in = 1,
		.out = &reply, .out_size = sizeof(reply),
	};
	int error = call_fixed(f, &c);

	if (!error && out)
		*out = reply.attr;
	return error;
}

int fuse_statx(struct fuse *f, uint64_t nodeid, uint32_t mask,
	       struct fuse_statx *out)
{
	struct fuse_statx_in in = { .sx_mask = mask };
	struct fuse_statx_out reply;
	struct fuse_call c = {
		.opcode = FUSE_STATX, .nodeid = nodeid,
		.in = { ARG(&in) }, .nr_in = 1,
		.out = &reply, .out_size = sizeof(reply),
	};
	int error = call_fixed(f, &c);

	if (!error)
		*out = reply.stat;
	return error;
}

int fuse_access(struct fuse *f, uint64_t nodeid, uint32_t mask)
{
	struct fuse_access_in in = { .mask = mask };

	return fuse_simple(f, FUSE_ACCESS, nodeid, &in, sizeof(in));
}

int fuse_statfs(struct fuse *f, uint64_t nodeid, struct fuse_kstatfs *out)
{
	struct fuse_call c = {
		.opcode = FUSE_STATFS, .nodeid = nodeid,
		.out = out, .out_size = sizeof(*out),
	};

	return call_fixed(f, &c);
}

int fuse_syncfs(struct fuse *f, uint64_t nodeid)
{
	struct fuse_syncfs_in in = { 0 };

	return fuse_simple(f, FUSE_SYNCFS, nodeid, &in, sizeof(in));
}

int fuse_mkdir(struct fuse *f, uint64_t parent, const char *name,
	       uint32_t mode, uint32_t umask, struct fuse_entry_out *out)
{
	struct fuse_mkdir_in in = { .mode = mode, .umask = umask };
	struct fuse_call c = {
		.opcode = FUSE_MKDIR, .nodeid = parent,
		.in = { ARG(&in), STR(name) }, .nr_in = 2,
		.out = out, .out_size = sizeof(*out),
	};

	return call_fixed(f, &c);
}

int fuse_mknod(struct fuse *f, uint64_t parent, const char *name,
	       uint32_t mode, uint32_t rdev, uint32_t umask,
	       struct fuse_entry_out *out)
{
	struct fuse_mknod_in in = { .mode = mode, .rdev = rdev, .umask = umask };
	struct fuse_call c = {
		.opcode = FUSE_MKNOD, .nodeid = parent,
		.in = { ARG(&in), STR(name) }, .nr_in = 2,
		.out = out, .out_size = sizeof(*out),
	};

	return call_fixed(f, &c);
}

int fuse_symlink(struct fuse *f, uint64_t parent, const char *name,
		 const char *target, struct fuse_entry_out *out)
{
	struct fuse_call c = {
		.opcode = FUSE_SYMLINK, .nodeid = parent,
		.in = { STR(name), STR(target) }, .nr_in = 2,
		.out = out, .out_size = sizeof(*out),
	};

	return call_fixed(f, &c);
}

int fuse_link(struct fuse *f, uint64_t nodeid, uint64_t parent,
	      const char *name, struct fuse_entry_out *out)
{
	struct fuse_link_in in = { .oldnodeid = nodeid };
	struct fuse_call c = {
		.opcode = FUSE_LINK, .nodeid = parent,
		.in = { ARG(&in), STR(name) }, .nr_in = 2,
		.out = out, .out_size = sizeof(*out),
	};

	return call_fixed(f, &c);
}

int fuse_unlink(struct fuse *f, uint64_t parent, const char *name)
{
	return fuse_simple(f, FUSE_UNLINK, parent, name, strlen(name) + 1);
}

int fuse_rmdir(struct fuse *f, uint64_t parent, const char *name)
{
	return fuse_simple(f, FUSE_RMDIR, parent, name, strlen(name) + 1);
}

int fuse_rename(struct fuse *f, uint64_t parent, const char *name,
		uint64_t newparent, const char *newname)
{
	struct fuse_rename_in in = { .newdir = newparent };
	struct fuse_call c = {
		.opcode = FUSE_RENAME, .nodeid = parent,
		.in = { ARG(&in), STR(name), STR(newname) }, .nr_in = 3,
	};

	return call_fixed(f, &c);
}

int fuse_rename2(struct fuse *f, uint64_t parent, const char *name,
		 uint64_t newparent, const char *newname, uint32_t flags)
{
	struct fuse_rename2_in in = { .newdir = newparent, .flags = flags };
	struct fuse_call c = {
		.opcode = FUSE_RENAME2, .nodeid = parent,
		.in = { ARG(&in), STR(name), STR(newname) }, .nr_in = 3,
	};

	return call_fixed(f, &c);
}

int fuse_readlink(struct fuse *f, uint64_t nodeid, char *target, size_t size)
{
	struct fuse_call c = {
		.opcode = FUSE_READLINK, .nodeid = nodeid,
		.out = target, .out_size = size - 1,
	};
	int len = call_sized(f, &c);

	target[len < 0 ? 0 : len] = '\0';
	return len;
}

static int call_open(struct fuse *f, uint32_t opcode, uint64_t nodeid,
		     uint32_t flags, uint32_t open_flags,
		     struct fuse_open_out *out)
{
	struct fuse_open_in in = { .flags = flags, .open_flags = open_flags };
	struct fuse_call c = {
		.opcode = opcode, .nodeid = nodeid,
		.in = { ARG(&in) }, .nr_in = 1,
		.out = out, .out_size = sizeof(*out),
	};

	return call_fixed(f, &c);
}

int fuse_open(struct fuse *f, uint64_t nodeid, uint32_t flags,
	      struct fuse_open_out *out)
{
	return call_open(f, FUSE_OPEN, nodeid, flags, 0, out);
}

int fuse_open_with(struct fuse *f, uint64_t nodeid, uint32_t flags,
		   uint32_t open_flags, struct fuse_open_out *out)
{
	return call_open(f, FUSE_OPEN, nodeid, flags, open_flags, out);
}

int fuse_opendir(struct fuse *f, uint64_t nodeid, struct fuse_open_out *out)
{
	return call_open(f, FUSE_OPENDIR, nodeid, 0, 0, out);
}

static int call_create(struct fuse *f, uint32_t opcode, uint64_t parent,
		       const char *name, const struct fuse_create_in *in,
		       struct fuse_entry_out *entry, struct fuse_open_out *out)
{
	struct {
		struct fuse_entry_out entry;
		struct fuse_open_out open;
	} reply;
	struct fuse_call c = {
		.opcode = opcode, .nodeid = parent,
		.in = { ARG(in), STR(name) }, .nr_in = 2,
		.out = &reply, .out_size = sizeof(reply),
	};
	int error = call_fixed(f, &c);

	if (!error) {
		*entry = reply.entry;
		*out = reply.open;
	}
	return error;
}

int fuse_create(struct fuse *f, uint64_t parent, const char *name,
		uint32_t flags, uint32_t mode, uint32_t umask,
		struct fuse_entry_out *entry, struct fuse_open_out *out)
{
	struct fuse_create_in in = {
		.flags = flags, .mode = mode, .umask = umask,
	};

	return call_create(f, FUSE_CREATE, parent, name, &in, entry, out);
}

int fuse_tmpfile(struct fuse *f, uint64_t parent, uint32_t flags, uint32_t mode,
		 uint32_t umask, struct fuse_entry_out *entry,
		 struct fuse_open_out *out)
{
	struct fuse_create_in in = {
		.flags = flags, .mode = mode, .umask = umask,
	};

	/* The name that Linux gives it. */
	return call_create(f, FUSE_TMPFILE, parent, "/", &in, entry, out);
}

int fuse_release(struct fuse *f, uint64_t nodeid, uint64_t fh)
{
	struct fuse_release_in in = { .fh = fh };

	return fuse_simple(f, FUSE_RELEASE, nodeid, &in, sizeof(in));
}

int fuse_releasedir(struct fuse *f, uint64_t nodeid, uint64_t fh)
{
	struct fuse_release_in in = { .fh = fh };

	return fuse_simple(f, FUSE_RELEASEDIR, nodeid, &in, sizeof(in));
}

int fuse_flush(struct fuse *f, uint64_t nodeid, uint64_t fh)
{
	struct fuse_flush_in in = { .fh = fh };

	return fuse_simple(f, FUSE_FLUSH, nodeid, &in, sizeof(in));
}

int fuse_fsync(struct fuse *f, uint64_t nodeid, uint64_t fh, uint32_t flags)
{
	struct fuse_fsync_in in = { .fh = fh, .fsync_flags = flags };

	return fuse_simple(f, FUSE_FSYNC, nodeid, &in, sizeof(in));
}

int fuse_fsyncdir(struct fuse *f, uint64_t nodeid, uint64_t fh, uint32_t flags)
{
	struct fuse_fsync_in in = { .fh = fh, .fsync_flags = flags };

	return fuse_simple(f, FUSE_FSYNCDIR, nodeid, &in, sizeof(in));
}

static int call_read(struct fuse *f, uint32_t opcode, uint64_t nodeid,
		     uint64_t fh, uint64_t offset, void *buf, uint32_t size)
{
	struct fuse_read_in in = { .fh = fh, .offset = offset, .size = size };
	struct fuse_call c = {
		.opcode = opcode, .nodeid = nodeid,
		.in = { ARG(&in) }, .nr_in = 1,
		.out = buf, .out_size = size,
	};

	return call_sized(f, &c);
}

int fuse_read(struct fuse *f, uint64_t nodeid, uint64_t fh, uint64_t offset,
	      void *buf, uint32_t size)
{
	return call_read(f, FUSE_READ, nodeid, fh, offset, buf, size);
}

int fuse_readdir(struct fuse *f, uint64_t nodeid, uint64_t fh, uint64_t offset,
		 void *buf, uint32_t size)
{
	return call_read(f, FUSE_READDIR, nodeid, fh, offset, buf, size);
}

int fuse_readdirplus(struct fuse *f, uint64_t nodeid, uint64_t fh,
		     uint64_t offset, void *buf, uint32_t size)
{
	return call_read(f, FUSE_READDIRPLUS, nodeid, fh, offset, buf, size);
}

int fuse_write_with(struct fuse *f, uint64_t nodeid, uint64_t fh,
		    uint64_t offset, const void *buf, uint32_t size,
		    uint32_t flags, uint32_t write_flags)
{
	struct fuse_write_in in = {
		.fh = fh, .offset = offset, .size = size, .flags = flags,
		.write_flags = write_flags,
	};
	struct fuse_write_out out;
	struct fuse_call c = {
		.opcode = FUSE_WRITE, .nodeid = nodeid,
		.in = { ARG(&in), { .iov_base = (void *)buf, .iov_len = size } },
		.nr_in = size ? 2 : 1,
		.out = &out, .out_size = sizeof(out),
	};
	int error = call_fixed(f, &c);

	return error ? error : (int)out.size;
}

int fuse_write(struct fuse *f, uint64_t nodeid, uint64_t fh, uint64_t offset,
	       const void *buf, uint32_t size)
{
	return fuse_write_with(f, nodeid, fh, offset, buf, size, 0, 0);
}

int fuse_lseek(struct fuse *f, uint64_t nodeid, uint64_t fh, uint64_t offset,
	       uint32_t whence, uint64_t *out)
{
	struct fuse_lseek_in in = {
		.fh = fh, .offset = offset, .whence = whence,
	};
	struct fuse_lseek_out reply;
	struct fuse_call c = {
		.opcode = FUSE_LSEEK, .nodeid = nodeid,
		.in = { ARG(&in) }, .nr_in = 1,
		.out = &reply, .out_size = sizeof(reply),
	};
	int error = call_fixed(f, &c);

	if (!error)
		*out = reply.offset;
	return error;
}

int fuse_fallocate(struct fuse *f, uint64_t nodeid, uint64_t fh,
		   uint64_t offset, uint64_t length, uint32_t mode)
{
	struct fuse_fallocate_in in = {
		.fh = fh, .offset = offset, .length = length, .mode = mode,
	};

	return fuse_simple(f, FUSE_FALLOCATE, nodeid, &in, sizeof(in));
}

int fuse_setxattr(struct fuse *f, uint64_t nodeid, const char *name,
		  const void *value, uint32_t size, uint32_t flags,
		  uint32_t setxattr_flags)
{
	struct fuse_setxattr_in in = {
		.size = size, .flags = flags, .setxattr_flags = setxattr_flags,
	};
	bool ext = f->init.flags & FUSE_SETXATTR_EXT;
	struct fuse_call c = {
		.opcode = FUSE_SETXATTR, .nodeid = nodeid,
		.in = { { .iov_base = &in, .iov_len = ext ? sizeof(in) :
					   FUSE_COMPAT_SETXATTR_IN_SIZE },
			STR(name),
			{ .iov_base = (void *)value, .iov_len = size } },
		.nr_in = size ? 3 : 2,
	};

	return call_fixed(f, &c);
}

static int call_getxattr(struct fuse *f, struct fuse_call *c, void *buf,
			 uint32_t size)
{
	struct fuse_getxattr_out out;
	int error;

	c->out = size ? buf : &out;
	c->out_size = size ? size : sizeof(out);
	if (size)
		return call_sized(f, c);
	error = call_fixed(f, c);
	return error ? error : (int)out.size;
}

int fuse_getxattr(struct fuse *f, uint64_t nodeid, const char *name,
		  void *value, uint32_t size)
{
	struct fuse_getxattr_in in = { .size = size };
	struct fuse_call c = {
		.opcode = FUSE_GETXATTR, .nodeid = nodeid,
		.in = { ARG(&in), STR(name) }, .nr_in = 2,
	};

	return call_getxattr(f, &c, value, size);
}

int fuse_listxattr(struct fuse *f, uint64_t nodeid, void *list, uint32_t size)
{
	struct fuse_getxattr_in in = { .size = size };
	struct fuse_call c = {
		.opcode = FUSE_LISTXATTR, .nodeid = nodeid,
		.in = { ARG(&in) }, .nr_in = 1,
	};

	return call_getxattr(f, &c, list, size);
}

int fuse_removexattr(struct fuse *f, uint64_t nodeid, const char *name)
{
	return fuse_simple(f, FUSE_REMOVEXATTR, nodeid, name, strlen(name) + 1);
}

int64_t fuse_copy_range(struct fuse *f, uint32_t opcode,
			const struct fuse_copy_file_range_in *in,
			uint64_t node_in)
{
	bool old = opcode == FUSE_COPY_FILE_RANGE;
	union {
		struct fuse_write_out old;
		struct fuse_copy_file_range_out new;
	} out;
	struct fuse_call c = {
		.opcode = opcode, .nodeid = node_in,
		.in = { ARG(in) }, .nr_in = 1, .out = &out,
		.out_size = old ? sizeof(out.old) : sizeof(out.new),
	};
	int error = call_fixed(f, &c);

	if (error)
		return error;
	return old ? out.old.size : (int64_t)out.new.bytes_copied;
}

int fuse_ioctl(struct fuse *f, uint64_t nodeid, const struct fuse_ioctl_in *in,
	       void *arg)
{
	struct {
		struct fuse_ioctl_out head;
		char arg[32768];
	} out;
	struct fuse_call c = {
		.opcode = FUSE_IOCTL, .nodeid = nodeid,
		.in = { ARG(in), { .iov_base = arg, .iov_len = in->in_size } },
		.nr_in = in->in_size ? 2 : 1,
		.out = &out, .out_size = sizeof(out.head) + in->out_size,
	};
	int len = call_sized(f, &c) - (int)sizeof(out.head);

	if (c.error)
		return c.error;
	if (len < 0 || out.head.result || out.head.flags)
		return FUSE_BAD_REPLY;
	memcpy(arg, out.arg, len);
	return len;
}

int fuse_lk(struct fuse *f, uint32_t opcode, uint64_t nodeid,
	    struct fuse_lk_in *in)
{
	struct fuse_lk_out out;
	struct fuse_call c = {
		.opcode = opcode, .nodeid = nodeid,
		.in = { ARG(in) }, .nr_in = 1,
		.out = &out, .out_size = opcode == FUSE_GETLK ? sizeof(out) : 0,
	};
	int error = call_fixed(f, &c);

	if (!error && opcode == FUSE_GETLK)
		in->lk = out.lk;
	return error;
}

int fuse_interrupt(struct fuse *f, uint64_t unique)
{
	struct fuse_interrupt_in in = { .unique = unique };
	struct fuse_call c = {
		.opcode = FUSE_INTERRUPT, .in = { ARG(&in) }, .nr_in = 1,
	};

	return call_forget(f, &c);
}

int fuse_start_open(struct fuse *f, uint64_t node,
		    struct fuse_started_open *o)
{
	o->in = (struct fuse_open_in){ .flags = O_WRONLY };
	o->c = (struct fuse_call){
		.opcode = FUSE_OPEN, .nodeid = node,
		.in = { { &o->in, sizeof(o->in) } }, .nr_in = 1,
		.out = &o->out, .out_size = sizeof(o->out),
	};
	return fuse_start(f, &o->c);
}
