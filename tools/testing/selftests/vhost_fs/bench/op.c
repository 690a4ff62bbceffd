// SPDX-License-Identifier: GPL-2.0-only
/*
 * The operations: what a guest driver sends for each, step by step, and the
 * system calls that do the same on the host.
 */
#include "bench.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* No server knows this opcode: what is left is the ring's cost. */
#define OPCODE_NULL	4000

static void *begin(struct slot *slot, uint32_t opcode, uint64_t nodeid,
		   size_t args)
{
	struct fuse_in_header *hdr = (void *)slot->in;

	hdr->opcode = opcode;
	hdr->nodeid = nodeid;
	slot->in_len = sizeof(*hdr) + args;
	slot->reply_len = sizeof(struct fuse_out_header);
	slot->data_out = 0;
	slot->data_in = 0;
	return memset(slot->in + SLOT_ARGS, 0, args);
}

static void *reply_args(const struct slot *slot)
{
	return slot->reply + SLOT_ARGS;
}

/* Adds a name to the arguments. */
static void add_name(struct slot *slot, const char *name)
{
	size_t len = strlen(name) + 1;
	size_t at = slot->in_len - sizeof(struct fuse_in_header);

	memcpy(slot->in + SLOT_ARGS + at, name, len);
	slot->in_len += len;
}

static void expect(struct slot *slot, size_t body)
{
	slot->reply_len += body;
}

static bool ask_null(const struct bench_op *op, struct slot *slot,
		     const struct bench_files *files)
{
	(void)op;
	(void)files;
	begin(slot, OPCODE_NULL, FUSE_ROOT_ID, 0);
	return slot->step == 0;
}

static void native_null(const struct bench_op *op, int dirfd, int fd,
			unsigned int i, void *data)
{
	(void)op;
	(void)dirfd;
	(void)fd;
	(void)i;
	(void)data;
	getppid();
}

static bool ask_getattr(const struct bench_op *op, struct slot *slot,
			const struct bench_files *files)
{
	(void)op;
	begin(slot, FUSE_GETATTR, files->file, sizeof(struct fuse_getattr_in));
	expect(slot, sizeof(struct fuse_attr_out));
	return slot->step == 0;
}

static void native_getattr(const struct bench_op *op, int dirfd, int fd,
			   unsigned int i, void *data)
{
	struct statx st;

	(void)op;
	(void)dirfd;
	(void)i;
	(void)data;
	statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &st);
}

static bool ask_lookup(const struct bench_op *op, struct slot *slot,
		       const struct bench_files *files)
{
	(void)op;
	(void)files;
	begin(slot, FUSE_LOOKUP, FUSE_ROOT_ID, 0);
	add_name(slot, BENCH_FILE);
	expect(slot, sizeof(struct fuse_entry_out));
	return slot->step == 0;
}

/* What a server of any kind has to do: find it and tell its attributes. */
static void native_lookup(const struct bench_op *op, int dirfd, int fd,
			  unsigned int i, void *data)
{
	struct statx st;
	int child;

	(void)op;
	(void)fd;
	(void)i;
	(void)data;
	child = openat(dirfd, BENCH_FILE, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	statx(child, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &st);
	close(child);
}

/*
 * Where the @i-th read or write goes. Sizes are powers of two and the factor is
 * odd: all blocks are visited, in an order that no readahead sees through.
 */
uint64_t block_offset(const struct bench_op *op, uint64_t i)
{
	return i * 2654435761U % (BENCH_FILE_SIZE / op->size) * op->size;
}

static uint64_t next_offset(const struct bench_op *op, struct slot *slot)
{
	uint64_t i = slot->turn;

	slot->turn += slot->stride;
	return block_offset(op, i);
}

static bool ask_read(const struct bench_op *op, struct slot *slot,
		     const struct bench_files *files)
{
	struct fuse_read_in *in = begin(slot, FUSE_READ, files->file,
					sizeof(*in));

	if (slot->step)
		return false;
	in->fh = files->file_fh;
	in->offset = next_offset(op, slot);
	in->size = op->size;
	in->flags = files->flags;
	slot->data_in = op->size;
	return true;
}

static void native_read(const struct bench_op *op, int dirfd, int fd,
			unsigned int i, void *data)
{
	(void)dirfd;
	if (pread(fd, data, op->size, block_offset(op, i)) < 0)
		perror("pread");
}

static bool ask_write(const struct bench_op *op, struct slot *slot,
		      const struct bench_files *files)
{
	struct fuse_write_in *in = begin(slot, FUSE_WRITE, files->file,
					 sizeof(*in));

	if (slot->step)
		return false;
	in->fh = files->file_fh;
	in->offset = next_offset(op, slot);
	in->size = op->size;
	in->flags = files->flags;
	slot->data_out = op->size;
	expect(slot, sizeof(struct fuse_write_out));
	return true;
}

static void native_write(const struct bench_op *op, int dirfd, int fd,
			 unsigned int i, void *data)
{
	(void)dirfd;
	if (pwrite(fd, data, op->size, block_offset(op, i)) < 0)
		perror("pwrite");
}

static void ask_open_file(struct slot *slot, const struct bench_files *files)
{
	struct fuse_open_in *in = begin(slot, FUSE_OPEN, files->file,
					sizeof(*in));

	in->flags = O_RDONLY;
	expect(slot, sizeof(struct fuse_open_out));
}

static void ask_release(struct slot *slot, uint64_t node)
{
	struct fuse_open_out *opened = reply_args(slot);
	uint64_t fh = opened->fh;
	struct fuse_release_in *in = begin(slot, FUSE_RELEASE, node,
					   sizeof(*in));

	in->fh = fh;
}

static bool ask_open(const struct bench_op *op, struct slot *slot,
		     const struct bench_files *files)
{
	(void)op;
	if (slot->step == 0)
		ask_open_file(slot, files);
	else if (slot->step == 1)
		ask_release(slot, files->file);
	return slot->step < 2;
}

static void native_open(const struct bench_op *op, int dirfd, int fd,
			unsigned int i, void *data)
{
	(void)op;
	(void)fd;
	(void)i;
	(void)data;
	close(openat(dirfd, BENCH_FILE, O_RDONLY | O_CLOEXEC));
}

/* What CREATE's reply holds: an entry, then what was opened. */
static void keep_created(struct slot *slot)
{
	struct fuse_entry_out *entry = reply_args(slot);
	struct fuse_open_out *opened = (void *)(entry + 1);

	slot->node = entry->nodeid;
	slot->fh = opened->fh;
}

static void ask_create_file(struct slot *slot)
{
	struct fuse_create_in *in = begin(slot, FUSE_CREATE, FUSE_ROOT_ID,
					  sizeof(*in));

	in->flags = O_RDWR | O_CREAT | O_EXCL;
	in->mode = S_IFREG | 0644;
	add_name(slot, slot->name);
	expect(slot, sizeof(struct fuse_entry_out) +
		     sizeof(struct fuse_open_out));
}

/* As a guest driver does it: the node is forgotten when its name has gone. */
static bool ask_create(const struct bench_op *op, struct slot *slot,
		       const struct bench_files *files)
{
	struct fuse_release_in *release;
	struct fuse_forget_in *forget;

	(void)op;
	(void)files;
	switch (slot->step) {
	case 0:
		ask_create_file(slot);
		return true;
	case 1:
		keep_created(slot);
		release = begin(slot, FUSE_RELEASE, slot->node,
				sizeof(*release));
		release->fh = slot->fh;
		return true;
	case 2:
		begin(slot, FUSE_UNLINK, FUSE_ROOT_ID, 0);
		add_name(slot, slot->name);
		return true;
	case 3:
		forget = begin(slot, FUSE_FORGET, slot->node, sizeof(*forget));
		forget->nlookup = 1;
		slot->reply_len = 0;
		return true;
	default:
		return false;
	}
}

static void native_create(const struct bench_op *op, int dirfd, int fd,
			  unsigned int i, void *data)
{
	(void)op;
	(void)fd;
	(void)i;
	(void)data;
	close(openat(dirfd, "bench-slot-0", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
	unlinkat(dirfd, "bench-slot-0", 0);
}

static bool ask_mkdir(const struct bench_op *op, struct slot *slot,
		      const struct bench_files *files)
{
	struct fuse_entry_out *entry = reply_args(slot);
	struct fuse_forget_in *forget;
	struct fuse_mkdir_in *in;

	(void)op;
	(void)files;
	switch (slot->step) {
	case 0:
		in = begin(slot, FUSE_MKDIR, FUSE_ROOT_ID, sizeof(*in));
		in->mode = 0755;
		add_name(slot, slot->name);
		expect(slot, sizeof(*entry));
		return true;
	case 1:
		slot->node = entry->nodeid;
		begin(slot, FUSE_RMDIR, FUSE_ROOT_ID, 0);
		add_name(slot, slot->name);
		return true;
	case 2:
		forget = begin(slot, FUSE_FORGET, slot->node, sizeof(*forget));
		forget->nlookup = 1;
		slot->reply_len = 0;
		return true;
	default:
		return false;
	}
}

static void native_mkdir(const struct bench_op *op, int dirfd, int fd,
			 unsigned int i, void *data)
{
	(void)op;
	(void)fd;
	(void)i;
	(void)data;
	mkdirat(dirfd, "bench-slot-0", 0755);
	unlinkat(dirfd, "bench-slot-0", AT_REMOVEDIR);
}

/* A whole listing of BENCH_DIR, which fits in one reply. */
static bool ask_readdir(const struct bench_op *op, struct slot *slot,
			const struct bench_files *files)
{
	struct fuse_read_in *in;

	if (slot->step)
		return false;
	in = begin(slot, strcmp(op->name, "readdir") ? FUSE_READDIRPLUS : FUSE_READDIR,
		   files->dir, sizeof(*in));
	in->fh = files->dir_fh;
	in->size = 32768;
	slot->data_in = in->size;
	return true;
}

static void native_readdir(const struct bench_op *op, int dirfd, int fd,
			   unsigned int i, void *data)
{
	(void)op;
	(void)fd;
	(void)i;
	int dir = openat(dirfd, BENCH_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	while (getdents64(dir, data, 32768) > 0)
		;
	close(dir);
}

static void native_readdirplus(const struct bench_op *op, int dirfd, int fd,
			       unsigned int i, void *data)
{
	int dir = openat(dirfd, BENCH_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct dirent64 *entry;
	struct statx st;
	ssize_t len, at;

	(void)op;
	(void)fd;
	(void)i;
	while ((len = getdents64(dir, data, 32768)) > 0) {
		for (at = 0; at < len; at += entry->d_reclen) {
			entry = (void *)((char *)data + at);
			statx(dir, entry->d_name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &st);
		}
	}
	close(dir);
}

#define DATA_OPS(_size)							\
	{ .name = "read", .size = _size, .reads = true, .ask = ask_read,		\
	  .native = native_read },					\
	{ .name = "write", .size = _size, .ask = ask_write,		\
	  .native = native_write }

const struct bench_op bench_ops[] = {
	{ .name = "null", .error = -ENOSYS, .ask = ask_null, .native = native_null },
	{ .name = "getattr", .ask = ask_getattr, .native = native_getattr },
	{ .name = "lookup", .ask = ask_lookup, .native = native_lookup },
	{ .name = "open", .ask = ask_open, .native = native_open },
	{ .name = "create", .ask = ask_create, .native = native_create },
	{ .name = "mkdir", .ask = ask_mkdir, .native = native_mkdir },
	{ .name = "readdir", .ask = ask_readdir, .native = native_readdir },
	{ .name = "readdirplus", .ask = ask_readdir, .native = native_readdirplus },
	DATA_OPS(4096),
	DATA_OPS(128 << 10),
	DATA_OPS(1 << 20),
	{ }
};

const struct bench_op *op_find(const char *name, uint32_t size)
{
	const struct bench_op *op;

	for (op = bench_ops; op->name; op++)
		if (!strcmp(op->name, name) && op->size == size)
			return op;
	return NULL;
}
