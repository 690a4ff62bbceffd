// SPDX-License-Identifier: GPL-2.0-only
/*
 * What no guest driver sends: every opcode with every wrong length, name, node
 * and handle. Each gets an errno, while another device goes on.
 */
#include "bed.h"
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>

#define ROOT FUSE_ROOT_ID
#define PAGE 4096UL
#define HEADER sizeof(struct fuse_in_header)
#define OUT_HEADER sizeof(struct fuse_out_header)

/* What the kernel's table says, said once more by somebody else. */
#define NO_REPLY	1	/* never a reply */
#define NEEDS_NODE	2	/* the header names a node */
#define NEEDS_FILE	4	/* the arguments begin with a file's handle */
#define NEEDS_DIR	8	/* ... or a directory's */
#define UNSERVED	16	/* ENOSYS */
#define HAS_TARGET	32	/* the last name is a symlink's target */
#define ENDS_SESSION	64	/* not to be sent whole in the middle of a test */

struct op {
	uint32_t opcode;
	const char *name;
	size_t args;	/* bytes */
	int names;
	size_t data;	/* bytes */
	size_t reply;	/* least room for the body */
	int flags;
};

#define ENTRY sizeof(struct fuse_entry_out)
#define OPENED sizeof(struct fuse_open_out)
#define ATTR sizeof(struct fuse_attr_out)
#define A(type) sizeof(struct type)

static const struct op ops[] = {
	{ 0, "0", 0, 0, 0, 0, UNSERVED },
	{ FUSE_LOOKUP, "LOOKUP", 0, 1, 0, ENTRY, NEEDS_NODE },
	{ FUSE_FORGET, "FORGET", A(fuse_forget_in), 0, 0, 0, NO_REPLY },
	{ FUSE_GETATTR, "GETATTR", A(fuse_getattr_in), 0, 0, ATTR, NEEDS_NODE },
	{ FUSE_SETATTR, "SETATTR", A(fuse_setattr_in), 0, 0, ATTR, NEEDS_NODE },
	{ FUSE_READLINK, "READLINK", 0, 0, 0, 0, NEEDS_NODE },
	{ FUSE_SYMLINK, "SYMLINK", 0, 2, 0, ENTRY, NEEDS_NODE | HAS_TARGET },
	{ 7, "7", 0, 0, 0, 0, UNSERVED },
	{ FUSE_MKNOD, "MKNOD", A(fuse_mknod_in), 1, 0, ENTRY, NEEDS_NODE },
	{ FUSE_MKDIR, "MKDIR", A(fuse_mkdir_in), 1, 0, ENTRY, NEEDS_NODE },
	{ FUSE_UNLINK, "UNLINK", 0, 1, 0, 0, NEEDS_NODE },
	{ FUSE_RMDIR, "RMDIR", 0, 1, 0, 0, NEEDS_NODE },
	{ FUSE_RENAME, "RENAME", A(fuse_rename_in), 2, 0, 0, NEEDS_NODE },
	{ FUSE_LINK, "LINK", A(fuse_link_in), 1, 0, ENTRY, NEEDS_NODE },
	{ FUSE_OPEN, "OPEN", A(fuse_open_in), 0, 0, OPENED, NEEDS_NODE },
	{ FUSE_READ, "READ", A(fuse_read_in), 0, 0, 0, NEEDS_FILE },
	{ FUSE_WRITE, "WRITE", A(fuse_write_in), 0, 16, A(fuse_write_out),
	  NEEDS_FILE },
	{ FUSE_STATFS, "STATFS", 0, 0, 0, A(fuse_statfs_out), NEEDS_NODE },
	{ FUSE_RELEASE, "RELEASE", A(fuse_release_in), 0, 0, 0, NEEDS_FILE },
	{ 19, "19", 0, 0, 0, 0, UNSERVED },
	{ FUSE_FSYNC, "FSYNC", A(fuse_fsync_in), 0, 0, 0, NEEDS_FILE },
	{ FUSE_SETXATTR, "SETXATTR", A(fuse_setxattr_in), 1, 8, 0, UNSERVED },
	{ FUSE_GETXATTR, "GETXATTR", A(fuse_getxattr_in), 1, 0, 0, UNSERVED },
	{ FUSE_LISTXATTR, "LISTXATTR", A(fuse_getxattr_in), 0, 0, 0, UNSERVED },
	{ FUSE_REMOVEXATTR, "REMOVEXATTR", 0, 1, 0, 0, UNSERVED },
	{ FUSE_FLUSH, "FLUSH", A(fuse_flush_in), 0, 0, 0, NEEDS_FILE },
	{ FUSE_INIT, "INIT", 16, 0, 0, A(fuse_init_out), ENDS_SESSION },
	{ FUSE_OPENDIR, "OPENDIR", A(fuse_open_in), 0, 0, OPENED, NEEDS_NODE },
	{ FUSE_READDIR, "READDIR", A(fuse_read_in), 0, 0, 0, NEEDS_DIR },
	{ FUSE_RELEASEDIR, "RELEASEDIR", A(fuse_release_in), 0, 0, 0, NEEDS_DIR },
	{ FUSE_FSYNCDIR, "FSYNCDIR", A(fuse_fsync_in), 0, 0, 0, NEEDS_DIR },
	{ FUSE_GETLK, "GETLK", A(fuse_lk_in), 0, 0, A(fuse_lk_out), UNSERVED },
	{ FUSE_SETLK, "SETLK", A(fuse_lk_in), 0, 0, 0, UNSERVED },
	{ FUSE_SETLKW, "SETLKW", A(fuse_lk_in), 0, 0, 0, UNSERVED },
	{ FUSE_ACCESS, "ACCESS", A(fuse_access_in), 0, 0, 0, NEEDS_NODE },
	{ FUSE_CREATE, "CREATE", A(fuse_create_in), 1, 0, ENTRY + OPENED,
	  NEEDS_NODE },
	{ FUSE_INTERRUPT, "INTERRUPT", A(fuse_interrupt_in), 0, 0, 0, NO_REPLY },
	{ FUSE_BMAP, "BMAP", A(fuse_bmap_in), 0, 0, A(fuse_bmap_out),
	  NEEDS_NODE },
	{ FUSE_DESTROY, "DESTROY", 0, 0, 0, 0, ENDS_SESSION },
	{ FUSE_IOCTL, "IOCTL", A(fuse_ioctl_in), 0, 0, A(fuse_ioctl_out),
	  NEEDS_NODE },
	{ FUSE_POLL, "POLL", A(fuse_poll_in), 0, 0, 0, UNSERVED },
	{ FUSE_NOTIFY_REPLY, "NOTIFY_REPLY", 0, 0, 0, 0, UNSERVED },
	{ FUSE_BATCH_FORGET, "BATCH_FORGET", A(fuse_batch_forget_in), 0, 16, 0,
	  NO_REPLY },
	{ FUSE_FALLOCATE, "FALLOCATE", A(fuse_fallocate_in), 0, 0, 0,
	  NEEDS_FILE },
	{ FUSE_READDIRPLUS, "READDIRPLUS", A(fuse_read_in), 0, 0, 0, NEEDS_DIR },
	{ FUSE_RENAME2, "RENAME2", A(fuse_rename2_in), 2, 0, 0, NEEDS_NODE },
	{ FUSE_LSEEK, "LSEEK", A(fuse_lseek_in), 0, 0, A(fuse_lseek_out),
	  NEEDS_FILE },
	{ FUSE_COPY_FILE_RANGE, "COPY_FILE_RANGE", A(fuse_copy_file_range_in), 0,
	  0, A(fuse_write_out), NEEDS_FILE },
	{ FUSE_SETUPMAPPING, "SETUPMAPPING", A(fuse_setupmapping_in), 0, 0, 0,
	  UNSERVED },
	{ FUSE_REMOVEMAPPING, "REMOVEMAPPING", A(fuse_removemapping_in), 0, 16,
	  0, UNSERVED },
	{ FUSE_SYNCFS, "SYNCFS", A(fuse_syncfs_in), 0, 0, 0, NEEDS_NODE },
	{ FUSE_TMPFILE, "TMPFILE", A(fuse_create_in), 1, 0, ENTRY + OPENED,
	  NEEDS_NODE | HAS_TARGET },
	{ FUSE_STATX, "STATX", A(fuse_statx_in), 0, 0, A(fuse_statx_out),
	  NEEDS_NODE },
	{ FUSE_COPY_FILE_RANGE_64, "COPY_FILE_RANGE_64",
	  A(fuse_copy_file_range_in), 0, 0, A(fuse_copy_file_range_out),
	  NEEDS_FILE },
	{ 54, "54", 16, 0, 0, 0, UNSERVED },
	{ 63, "63", 0, 0, 0, 0, UNSERVED },
	{ 64, "64", 0, 0, 0, 0, UNSERVED },
	{ 65, "65", 0, 0, 0, 0, UNSERVED },
	{ 4096, "CUSE_INIT", 16, 0, 0, 0, UNSERVED },
	{ 1U << 31, "1 << 31", 0, 0, 0, 0, UNSERVED },
	{ ~0U, "~0", 0, 0, 0, 0, UNSERVED },
};

#define NR_OPS (sizeof(ops) / sizeof(ops[0]))
#define for_each_op(op) for (op = ops; op < ops + NR_OPS; op++)

FIXTURE(malformed) {
	struct bed bed;
	struct fuse *f;
	struct ring_dev *dev;
	struct ring_dev other;		/* must go on, whatever happens here */
	struct fuse other_fuse;
	uint64_t file, file_fh;
	uint64_t dir_fh;		/* of the root */
	char *out, *in;			/* guest memory for requests, replies */
	const char *names[2];
	int entries;			/* in the shared directory */
};

#define BUF_SIZE (4 * PAGE)

/* A session with what requests need to be good. */
static int open_session(FIXTURE_DATA(malformed) *self)
{
	struct fuse_open_out open;
	int ret = fuse_init(self->f);

	if (ret)
		return ret;
	self->file = bed_lookup(self->f, "file");
	ret = fuse_open(self->f, self->file, O_RDWR, &open);
	self->file_fh = open.fh;
	if (!ret)
		ret = fuse_opendir(self->f, ROOT, &open);
	self->dir_fh = open.fh;
	return ret;
}

FIXTURE_SETUP(malformed)
{
	struct bed_config config = { .ring.queue_size = 64 };

	ASSERT_EQ(0, bed_open(&self->bed, &config));
	ASSERT_EQ(0, bed_open_device(&self->bed, &self->other, &self->other_fuse,
				     &config));
	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "data", 4, 0644));
	self->entries = bed_count(&self->bed);
	self->f = &self->bed.fuse;
	self->dev = &self->bed.dev;
	self->out = ring_alloc(self->dev, BUF_SIZE);
	self->in = ring_alloc(self->dev, BUF_SIZE);
	self->names[0] = "name-that-is-not-there";
	self->names[1] = "nor-this";
	ASSERT_EQ(0, open_session(self));
}

FIXTURE_TEARDOWN(malformed)
{
	ring_close(&self->other);
	bed_close(&self->bed);
}

/* A good request in self->out, of which the result is the length. */
static size_t build(FIXTURE_DATA(malformed) *self, const struct op *op)
{
	struct fuse_in_header *h = (struct fuse_in_header *)self->out;
	char *p = self->out + HEADER;
	uint64_t fh = op->flags & NEEDS_FILE ? self->file_fh : self->dir_fh;
	uint64_t node = op->flags & NEEDS_FILE ? self->file : ROOT;
	uint32_t size = op->data;
	int i;

	memset(self->out, 0, BUF_SIZE);
	if (op->flags & (NEEDS_FILE | NEEDS_DIR))
		memcpy(p, &fh, sizeof(fh));
	if (op->opcode == FUSE_WRITE)
		memcpy(p + offsetof(struct fuse_write_in, size), &size, 4);
	p += op->args;
	for (i = 0; i < op->names; i++)
		p = stpcpy(p, self->names[i]) + 1;
	p += op->data;
	fuse_header(self->f, h, op->opcode, node,
		    p - self->out - sizeof(*h));
	return p - self->out;
}

static void set_len(FIXTURE_DATA(malformed) *self, uint32_t len)
{
	memcpy(self->out, &len, sizeof(len));
}

/*
 * Sends @out_len bytes of self->out with @in_len bytes of room: an errno, or
 * one of fuse_call()'s results.
 */
static int send_raw(FIXTURE_DATA(malformed) *self, size_t out_len,
		    size_t in_len)
{
	struct iovec out = { self->out, out_len }, in = { self->in, in_len };
	struct fuse_call c = {
		.unique = ((struct fuse_in_header *)self->out)->unique,
		.reply = self->in,
		.out_size = in_len > OUT_HEADER ? in_len - OUT_HEADER : 0,
	};
	uint32_t len = ~0U;
	int head;

	memset(self->in, 0xee, BUF_SIZE);
	/* A chain has one descriptor at least, if an empty one. */
	head = ring_submit(self->f->q, &out, out_len || !in_len, &in, !!in_len);
	if (head < 0)
		return FUSE_NO_ROOM;
	head = ring_wait(self->f->q, &len);
	if (head < 0)
		return head == -ETIME ? FUSE_TIMEOUT : FUSE_BROKEN;
	return fuse_take_reply(&c, len);
}

/* Nothing was done to the share, and both devices answer. */
static void expect_unharmed(struct __test_metadata *_metadata,
			    FIXTURE_DATA(malformed) *self, const char *what)
{
	char buf[8] = { 0 };

	EXPECT_EQ(self->entries, bed_count(&self->bed)) {
		TH_LOG("after %s", what);
	}
	EXPECT_EQ(4, bed_read_file(&self->bed, "file", buf, sizeof(buf)));
	EXPECT_STREQ("data", buf);
	EXPECT_EQ(0, fuse_getattr(self->f, ROOT, NULL)) {
		TH_LOG("after %s", what);
	}
	EXPECT_EQ(0, fuse_getattr(&self->other_fuse, ROOT, NULL));
}

/* What a request of @len out of @full bytes must get. */
static int expected(const struct op *op, size_t len, bool honest)
{
	if (len < HEADER || op->flags & NO_REPLY)
		return FUSE_NO_REPLY;
	return honest && op->flags & UNSERVED ? -ENOSYS : -EINVAL;
}

TEST_F_TIMEOUT(malformed, every_truncated_length, 300)
{
	const struct op *op;
	size_t full, len;
	int ret;

	for_each_op(op) {
		full = build(self, op);
		for (len = 0; len < full; len++) {
			set_len(self, len);
			ret = send_raw(self, len, PAGE);
			ASSERT_EQ(expected(op, len, true), ret) {
				TH_LOG("%s: %zu of %zu bytes", op->name, len,
				       full);
			}
			/* The same, with a header that speaks of more. */
			set_len(self, full);
			ret = send_raw(self, len, PAGE);
			ASSERT_EQ(expected(op, len, false), ret) {
				TH_LOG("%s: %zu of %zu bytes, says %zu",
				       op->name, len, full, full);
			}
		}
		expect_unharmed(_metadata, self, op->name);
	}
}

TEST_F_TIMEOUT(malformed, wrong_stated_length, 120)
{
	const struct op *op;
	int i;

	for_each_op(op) {
		size_t full = build(self, op);
		uint32_t lies[] = {
			0, 1, HEADER - 1, full - 1, full + 1, full + PAGE,
			1U << 31, ~0U,
		};

		for (i = 0; i < 8; i++) {
			set_len(self, lies[i]);
			EXPECT_EQ(expected(op, full, false),
				  send_raw(self, full, PAGE)) {
				TH_LOG("%s: %zu bytes, says %u", op->name, full,
				       lies[i]);
			}
		}
		expect_unharmed(_metadata, self, op->name);
	}
}

TEST_F(malformed, unserved_opcodes)
{
	const struct op *op;

	for_each_op(op) {
		if (!(op->flags & UNSERVED))
			continue;
		EXPECT_EQ(-ENOSYS, send_raw(self, build(self, op), PAGE)) {
			TH_LOG("%s", op->name);
		}
	}
}

TEST_F_TIMEOUT(malformed, unknown_nodes, 120)
{
	static const uint64_t nodes[] = {
		0, 77777, 1ULL << 32, 1ULL << 63, ~0ULL,
	};
	struct fuse_in_header *h = (struct fuse_in_header *)self->out;
	const struct op *op;
	size_t full;
	int i, want;

	for_each_op(op) {
		if (!(op->flags & (NEEDS_NODE | NEEDS_FILE | NEEDS_DIR)))
			continue;
		want = op->flags & NEEDS_NODE ? -ESTALE : -EBADF;
		for (i = 0; i < 5; i++) {
			full = build(self, op);
			h->nodeid = nodes[i];
			EXPECT_EQ(want, send_raw(self, full, PAGE)) {
				TH_LOG("%s on node %llu", op->name,
				       (unsigned long long)nodes[i]);
			}
		}
		expect_unharmed(_metadata, self, op->name);
	}
}

TEST_F(malformed, unknown_handles)
{
	const struct op *op;
	size_t full;
	int i;

	for_each_op(op) {
		uint64_t bad[] = {
			op->flags & NEEDS_FILE ? self->dir_fh : self->file_fh,
			88888, 1ULL << 32, 1ULL << 63, ~0ULL,
		};

		if (!(op->flags & (NEEDS_FILE | NEEDS_DIR)))
			continue;
		for (i = 0; i < 5; i++) {
			full = build(self, op);
			memcpy(self->out + HEADER, &bad[i], sizeof(bad[i]));
			EXPECT_EQ(-EBADF, send_raw(self, full, PAGE)) {
				TH_LOG("%s on handle %llu", op->name,
				       (unsigned long long)bad[i]);
			}
		}
		expect_unharmed(_metadata, self, op->name);
	}
}

/* Sends @op with its name number @which as @name. */
static int send_name(FIXTURE_DATA(malformed) *self, const struct op *op,
		     int which, const char *name)
{
	const char *good = self->names[which];
	int ret;

	self->names[which] = name;
	ret = send_raw(self, build(self, op), PAGE);
	self->names[which] = good;
	return ret;
}

static int nr_file_names(const struct op *op)
{
	if (op->flags & UNSERVED)
		return 0;
	return op->names - !!(op->flags & HAS_TARGET);
}

TEST_F_TIMEOUT(malformed, bad_names, 120)
{
	/* The last two are good for a lookup. */
	static const char *const bad[] = {
		"", "/", "//", "a/b", "/etc", "a/", "../x", "./x", ".", "..",
	};
	char name[300];
	const struct op *op;
	int i, n, which;

	memset(name, 'n', sizeof(name));
	for_each_op(op) {
		for (which = 0; which < nr_file_names(op); which++) {
			n = op->opcode == FUSE_LOOKUP ? 8 : 10;
			for (i = 0; i < n; i++) {
				EXPECT_EQ(-EINVAL, send_name(self, op, which,
							     bad[i])) {
					TH_LOG("%s '%s'", op->name, bad[i]);
				}
			}
			name[256] = '\0';
			EXPECT_EQ(-ENAMETOOLONG,
				  send_name(self, op, which, name)) {
				TH_LOG("%s", op->name);
			}
		}
		expect_unharmed(_metadata, self, op->name);
	}
}

/* Names that end too early, too late, or not at all. */
TEST_F(malformed, misplaced_nuls)
{
	const struct op *op;
	size_t full;

	for_each_op(op) {
		if (!op->names || op->flags & UNSERVED)
			continue;
		full = build(self, op);
		self->out[full - 1] = 'x';
		EXPECT_EQ(-EINVAL, send_raw(self, full, PAGE)) {
			TH_LOG("%s without the last NUL", op->name);
		}
		full = build(self, op);
		self->out[full - 3] = '\0';
		EXPECT_EQ(-EINVAL, send_raw(self, full, PAGE)) {
			TH_LOG("%s with a NUL too many", op->name);
		}
		full = build(self, op);
		set_len(self, full + 1);
		EXPECT_EQ(-EINVAL, send_raw(self, full + 1, PAGE)) {
			TH_LOG("%s and another NUL", op->name);
		}
		full = build(self, op);
		memset(self->out + HEADER + op->args, 'x',
		       full - HEADER - op->args);
		EXPECT_EQ(-EINVAL, send_raw(self, full, PAGE)) {
			TH_LOG("%s without any NUL", op->name);
		}
		expect_unharmed(_metadata, self, op->name);
	}
}

/* Wherever in a name, and however long that is: names aren't looked at byte by byte. */
TEST_F_TIMEOUT(malformed, slash_or_nul_anywhere, 120)
{
	enum { LONGEST = 26 };
	const struct op *lookup = &ops[1];
	char name[LONGEST + 1] = "";
	size_t len, at, full;

	ASSERT_EQ((uint32_t)FUSE_LOOKUP, lookup->opcode);
	for (len = 1; len <= LONGEST; len++) {
		name[len - 1] = 'n';
		EXPECT_EQ(-ENOENT, send_name(self, lookup, 0, name));
		for (at = 0; at < len; at++) {
			name[at] = '/';
			EXPECT_EQ(-EINVAL, send_name(self, lookup, 0, name)) {
				TH_LOG("slash at %zu of %zu", at, len);
			}
			name[at] = 'n';
			self->names[0] = name;
			full = build(self, lookup);
			self->out[HEADER + at] = '\0';
			EXPECT_EQ(-EINVAL, send_raw(self, full, PAGE)) {
				TH_LOG("NUL at %zu of %zu", at, len);
			}
		}
	}
}

/* More than a name can be, to the end of what one request can hold. */
TEST_F(malformed, endless_names)
{
	static const size_t sizes[] = { 257, 4096, 5000, 8000, 16000 };
	const struct op *op;
	size_t full;
	int i, ret;

	for_each_op(op) {
		if (!op->names || op->flags & UNSERVED)
			continue;
		for (i = 0; i < 5; i++) {
			build(self, op);
			full = HEADER + op->args + sizes[i];
			memset(self->out + HEADER + op->args, 'x', sizes[i]);
			set_len(self, full);
			ret = send_raw(self, full, PAGE);
			EXPECT_TRUE(ret == -ENAMETOOLONG || ret == -EINVAL) {
				TH_LOG("%s with %zu bytes: %d", op->name,
				       sizes[i], ret);
			}
		}
		expect_unharmed(_metadata, self, op->name);
	}
}

/* A reply that can't be given: not even begun to be carried out. */
TEST_F_TIMEOUT(malformed, too_little_room, 300)
{
	const struct op *op;
	size_t room, full;

	for_each_op(op) {
		for (room = 0; room < OUT_HEADER + op->reply; room++) {
			int want = op->flags & UNSERVED ? -ENOSYS : -EIO;

			if (room < OUT_HEADER || op->flags & NO_REPLY)
				want = FUSE_NO_REPLY;
			/* What has no reply, or an empty one, would be done. */
			if (!op->reply && !(op->flags & UNSERVED))
				break;
			full = build(self, op);
			ASSERT_EQ(want, send_raw(self, full, room)) {
				TH_LOG("%s with room for %zu", op->name, room);
			}
		}
		expect_unharmed(_metadata, self, op->name);
	}
}

/* No room at all, for every request: it is used with length 0. */
TEST_F(malformed, no_room)
{
	const struct op *op;

	for_each_op(op) {
		EXPECT_EQ(FUSE_NO_REPLY, send_raw(self, build(self, op), 0)) {
			TH_LOG("%s", op->name);
		}
		expect_unharmed(_metadata, self, op->name);
	}
}

TEST_F(malformed, empty_descriptors)
{
	struct fuse_in_header *h = (struct fuse_in_header *)self->out;
	struct iovec out[] = {
		{ self->out, 0 }, { self->out, HEADER }, { self->out, 0 },
		{ self->out + HEADER, sizeof(struct fuse_getattr_in) },
		{ self->out, 0 },
	};
	struct iovec in[] = {
		{ self->in, 0 }, { self->in, 8 }, { self->in, 0 },
		{ self->in + 8, 8 }, { self->in + OUT_HEADER, ATTR },
		{ self->in, 0 },
	};
	uint32_t len;
	int head;

	memset(self->out, 0, BUF_SIZE);
	fuse_header(self->f, h, FUSE_GETATTR, ROOT,
		    sizeof(struct fuse_getattr_in));
	head = ring_submit(self->f->q, out, 5, in, 6);
	ASSERT_LE(0, head);
	ASSERT_EQ(head, ring_wait(self->f->q, &len));
	EXPECT_EQ(OUT_HEADER + ATTR, len);
	EXPECT_EQ(0, ((struct fuse_out_header *)self->in)->error);
	/* Nothing but an empty one. */
	ASSERT_LE(0, ring_submit(self->f->q, out, 1, NULL, 0));
	ASSERT_LE(0, ring_wait(self->f->q, &len));
	EXPECT_EQ(0, len);
	expect_unharmed(_metadata, self, "empty descriptors");
}

/* Deterministic, so that what fails can be run again. */
static uint32_t random_next(uint64_t *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return *state >> 33;
}

/* Good requests with a few bytes changed at random. */
TEST_F_TIMEOUT(malformed, random_requests, 300)
{
	uint64_t seed = 1;
	const struct op *op;
	size_t full, room;
	int i, j, ret;

	for (i = 0; i < test_rounds(10000); i++) {
		op = &ops[random_next(&seed) % NR_OPS];
		full = build(self, op);
		for (j = random_next(&seed) % 4; j > 0; j--)
			self->out[4 + random_next(&seed) % (full - 4)] =
				random_next(&seed);
		/* Nor is the host's memory to be filled up. */
		if (((struct fuse_in_header *)self->out)->opcode ==
		    FUSE_FALLOCATE)
			continue;
		room = random_next(&seed) % 3 ? PAGE : random_next(&seed) % 300;
		if (random_next(&seed) % 8 == 0)
			full = random_next(&seed) % (full + 1);
		set_len(self, full);
		ret = send_raw(self, full, room);
		ASSERT_LE(FUSE_BAD_REPLY, ret) {
			TH_LOG("request %d: %s", i, op->name);
		}
	}
	EXPECT_EQ(0, fuse_init(self->f));
	EXPECT_EQ(0, fuse_getattr(self->f, ROOT, NULL));
	EXPECT_EQ(0, fuse_getattr(&self->other_fuse, ROOT, NULL));
}

static bool scribbling;

/*
 * A guest that changes requests while they are looked at. FALLOCATE is left
 * out, since it could fill up the host's memory.
 */
static void *scribble(void *arg)
{
	uint32_t *p = arg, *arg_word, opcode;
	uint64_t seed = 3;

	while (__atomic_load_n(&scribbling, __ATOMIC_RELAXED)) {
		opcode = random_next(&seed) % 54;
		if (opcode == FUSE_FALLOCATE)
			opcode = 0;
		arg_word = &p[HEADER / 4 + random_next(&seed) % 16];
		__atomic_store_n(&p[0], random_next(&seed) % 200,
				 __ATOMIC_RELAXED);
		__atomic_store_n(&p[1], opcode, __ATOMIC_RELAXED);
		__atomic_store_n(arg_word, random_next(&seed), __ATOMIC_RELAXED);
		if (seed % 64 == 0)
			sched_yield();
	}
	return NULL;
}

TEST_F_TIMEOUT(malformed, changed_while_read, 300)
{
	const struct op *op;
	pthread_t thread;
	uint32_t len;
	size_t full;
	int i;

	__atomic_store_n(&scribbling, true, __ATOMIC_RELAXED);
	ASSERT_EQ(0, pthread_create(&thread, NULL, scribble, self->out));
	for (i = 0; i < test_rounds(2000); i++) {
		struct iovec out, in = { self->in, PAGE };

		op = &ops[i % NR_OPS];
		if (op->opcode == FUSE_FALLOCATE)
			continue;
		full = build(self, op);
		out = (struct iovec){ self->out, full };
		ASSERT_LE(0, ring_submit(self->f->q, &out, 1, &in, 1));
		ASSERT_LE(0, ring_wait(self->f->q, &len));
		ASSERT_LE(len, PAGE);
	}
	__atomic_store_n(&scribbling, false, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, fuse_init(self->f));
	EXPECT_EQ(0, fuse_getattr(&self->other_fuse, ROOT, NULL));
}

TEST_HARNESS_MAIN
