// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every operation against every other on the same names, node and handles, and each
 * against what the owner, the host and the next session do meanwhile. Each request
 * is answered, by success or an errno that one of the two explains; the device then
 * does what it always does.
 */
#include "bed.h"
#include "harness.h"
#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/mount.h>

#define ROOT FUSE_ROOT_ID
#define DEPTH 4			/* requests of each side */
#define ROUNDS 5			/* of each pair */

/* What a session has that operations are about. */
struct target {
	uint64_t dir, file;
	uint64_t dir_fh, file_fh;
};

/* Arguments of any operation; the handle comes first where there is one. */
union args {
	uint64_t fh;
	struct fuse_forget_in forget;
	struct fuse_getattr_in getattr;
	struct fuse_setattr_in setattr;
	struct fuse_mknod_in mknod;
	struct fuse_mkdir_in mkdir;
	struct fuse_rename2_in rename;
	struct fuse_link_in link;
	struct fuse_open_in open;
	struct fuse_create_in create;
	struct fuse_read_in read;
	struct fuse_write_in write;
	struct fuse_release_in release;
	struct fuse_fsync_in fsync;
	struct fuse_flush_in flush;
	struct fuse_setxattr_in setxattr;
	struct fuse_getxattr_in getxattr;
	struct fuse_lk_in lk;
	struct fuse_access_in access;
	struct fuse_fallocate_in fallocate;
	struct fuse_lseek_in lseek;
	struct fuse_copy_file_range_in copy;
	struct fuse_statx_in statx;
	struct fuse_ioctl_in ioctl;
	struct fuse_interrupt_in interrupt;
};

enum on { ON_ROOT, ON_DIR, ON_FILE };
enum with { WITH_NOTHING, WITH_FILE, WITH_DIR };

/*
 * An operation: which node its header names, which handle it begins with, how many
 * bytes of arguments, which names or data follow, how much room the answer has.
 */
static const struct op {
	const char *name;
	uint32_t opcode;
	enum on on;
	enum with with;
	size_t args;
	const char *names[2];
	size_t data, room;
	bool silent;
	union args in;
} ops[] = {
	{ "lookup", FUSE_LOOKUP, ON_DIR, .names = { "a" }, .room = 256 },
	{ "lookup of the file", FUSE_LOOKUP, ON_ROOT, .names = { "file" }, .room = 256 },
	{ "forget", FUSE_FORGET, ON_FILE, .args = sizeof(struct fuse_forget_in), .silent = true,
	  .in.forget.nlookup = 1 },
	{ "getattr", FUSE_GETATTR, ON_FILE, .args = sizeof(struct fuse_getattr_in),
	  .room = 256 },
	{ "chmod", FUSE_SETATTR, ON_FILE, .args = sizeof(struct fuse_setattr_in), .room = 256,
	  .in.setattr = { .valid = FATTR_MODE, .mode = S_IFREG | 0640 } },
	{ "truncate", FUSE_SETATTR, ON_FILE, .args = sizeof(struct fuse_setattr_in), .room = 256,
	  .in.setattr = { .valid = FATTR_SIZE, .size = 3 } },
	{ "symlink", FUSE_SYMLINK, ON_DIR, .names = { "a", "target" }, .room = 256 },
	{ "mknod", FUSE_MKNOD, ON_DIR, .args = sizeof(struct fuse_mknod_in), .names = { "a" },
	  .room = 256, .in.mknod.mode = S_IFREG | 0600 },
	{ "mkdir", FUSE_MKDIR, ON_DIR, .args = sizeof(struct fuse_mkdir_in), .names = { "a" },
	  .room = 256, .in.mkdir.mode = 0700 },
	{ "unlink", FUSE_UNLINK, ON_DIR, .names = { "a" } },
	{ "rmdir", FUSE_RMDIR, ON_DIR, .names = { "a" } },
	{ "rename", FUSE_RENAME2, ON_DIR, .args = sizeof(struct fuse_rename2_in),
	  .names = { "a", "b" } },
	{ "rename back", FUSE_RENAME2, ON_DIR, .args = sizeof(struct fuse_rename2_in),
	  .names = { "b", "a" } },
	{ "exchange", FUSE_RENAME2, ON_DIR, .args = sizeof(struct fuse_rename2_in),
	  .names = { "a", "b" }, .in.rename.flags = RENAME_EXCHANGE },
	{ "link", FUSE_LINK, ON_DIR, .args = sizeof(struct fuse_link_in), .names = { "b" },
	  .room = 256 },
	{ "open", FUSE_OPEN, ON_FILE, .args = sizeof(struct fuse_open_in), .room = 64,
	  .in.open.flags = O_RDWR },
	{ "create", FUSE_CREATE, ON_DIR, .args = sizeof(struct fuse_create_in), .names = { "b" },
	  .room = 256, .in.create = { .flags = O_RDWR | O_CREAT, .mode = S_IFREG | 0600 } },
	{ "tmpfile", FUSE_TMPFILE, ON_DIR, .args = sizeof(struct fuse_create_in),
	  .names = { "/" }, .room = 256, .in.create = { .flags = O_RDWR,
	  .mode = S_IFREG | 0600 } },
	{ "read", FUSE_READ, ON_FILE, .with = WITH_FILE, .args = sizeof(struct fuse_read_in),
	  .room = 64, .in.read.size = 64 },
	{ "write", FUSE_WRITE, ON_FILE, .with = WITH_FILE, .args = sizeof(struct fuse_write_in),
	  .data = 16, .room = sizeof(struct fuse_write_out), .in.write.size = 16 },
	{ "statfs", FUSE_STATFS, ON_DIR, .room = 256 },
	{ "release", FUSE_RELEASE, ON_FILE, .with = WITH_FILE,
	  .args = sizeof(struct fuse_release_in) },
	{ "fsync", FUSE_FSYNC, ON_FILE, .with = WITH_FILE,
	  .args = sizeof(struct fuse_fsync_in) },
	{ "flush", FUSE_FLUSH, ON_FILE, .with = WITH_FILE,
	  .args = sizeof(struct fuse_flush_in) },
	{ "removexattr", FUSE_REMOVEXATTR, ON_FILE, .names = { "user.a" } },
	{ "getxattr", FUSE_GETXATTR, ON_FILE, .args = sizeof(struct fuse_getxattr_in),
	  .names = { "user.a" }, .room = 64, .in.getxattr.size = 64 },
	{ "listxattr", FUSE_LISTXATTR, ON_FILE, .args = sizeof(struct fuse_getxattr_in),
	  .room = 64, .in.getxattr.size = 64 },
	{ "opendir", FUSE_OPENDIR, ON_DIR, .args = sizeof(struct fuse_open_in), .room = 64 },
	{ "readdir", FUSE_READDIR, ON_DIR, .with = WITH_DIR, .args = sizeof(struct fuse_read_in),
	  .room = 1024, .in.read.size = 1024 },
	{ "readdirplus", FUSE_READDIRPLUS, ON_DIR, .with = WITH_DIR,
	  .args = sizeof(struct fuse_read_in), .room = 1024, .in.read.size = 1024 },
	{ "releasedir", FUSE_RELEASEDIR, ON_DIR, .with = WITH_DIR,
	  .args = sizeof(struct fuse_release_in) },
	{ "fsyncdir", FUSE_FSYNCDIR, ON_DIR, .with = WITH_DIR,
	  .args = sizeof(struct fuse_fsync_in) },
	{ "getlk", FUSE_GETLK, ON_FILE, .with = WITH_FILE, .args = sizeof(struct fuse_lk_in),
	  .room = 64, .in.lk = { .owner = 1, .lk = { .end = 7, .type = F_WRLCK } } },
	{ "setlk", FUSE_SETLK, ON_FILE, .with = WITH_FILE, .args = sizeof(struct fuse_lk_in),
	  .in.lk = { .owner = 2, .lk = { .end = 7, .type = F_WRLCK } } },
	{ "unlock", FUSE_SETLK, ON_FILE, .with = WITH_FILE, .args = sizeof(struct fuse_lk_in),
	  .in.lk = { .owner = 2, .lk = { .end = 7, .type = F_UNLCK } } },
	{ "access", FUSE_ACCESS, ON_FILE, .args = sizeof(struct fuse_access_in),
	  .in.access.mask = R_OK },
	{ "interrupt", FUSE_INTERRUPT, ON_ROOT, .args = sizeof(struct fuse_interrupt_in),
	  .silent = true, .in.interrupt.unique = 8 },
	{ "fallocate", FUSE_FALLOCATE, ON_FILE, .with = WITH_FILE,
	  .args = sizeof(struct fuse_fallocate_in), .in.fallocate.length = 100 },
	{ "lseek", FUSE_LSEEK, ON_FILE, .with = WITH_FILE, .args = sizeof(struct fuse_lseek_in),
	  .room = 8, .in.lseek.whence = SEEK_DATA },
	{ "copy", FUSE_COPY_FILE_RANGE, ON_FILE, .with = WITH_FILE,
	  .args = sizeof(struct fuse_copy_file_range_in), .room = 8,
	  .in.copy = { .off_out = 4096, .len = 2 } },
	{ "syncfs", FUSE_SYNCFS, ON_ROOT, .args = sizeof(struct fuse_syncfs_in) },
	{ "statx", FUSE_STATX, ON_FILE, .args = sizeof(struct fuse_statx_in), .room = 512,
	  .in.statx.sx_mask = STATX_BASIC_STATS },
	{ "getflags", FUSE_IOCTL, ON_FILE, .with = WITH_FILE,
	  .args = sizeof(struct fuse_ioctl_in), .room = 64, .in.ioctl = { .cmd = FS_IOC_GETFLAGS,
	  .out_size = 8 } },
	{ "destroy", FUSE_DESTROY, .on = ON_ROOT },
};

#define NR_OPS (sizeof(ops) / sizeof(ops[0]))
#define NR_PAIRS (NR_OPS * (NR_OPS + 1) / 2)

/* Room of the largest answer. */
struct request {
	struct fuse_call c;
	union args args;
	char out[1024];
};

FIXTURE(races) {
	struct bed bed;
	struct fuse *f, other;		/* two queues of one device */
	struct target t;
	struct request requests[2][DEPTH];
};

FIXTURE_SETUP(races)
{
	struct bed_config config = {
		.ring.request_queues = 2,
		.flags = VHOST_FS_SHARE_XATTR,
		.options.locks = VHOST_FS_LOCKS_REMOTE,
	};

	ASSERT_EQ(0, bed_open(&self->bed, &config));
	self->f = &self->bed.fuse;
	fuse_session(&self->other, &self->bed.dev, RING_REQUEST + 1);
	ASSERT_EQ(0, mkdirat(self->bed.fd, "dir", 0755));
}

FIXTURE_TEARDOWN(races)
{
	bed_close(&self->bed);
}

/* A new session, and what operations are about in it. */
static int begin(FIXTURE_DATA(races) *self)
{
	struct fuse_open_out file, dir;
	struct target *t = &self->t;
	int ret = bed_write_file(&self->bed, "file", "data", 4, 0644);

	/* There may be none to end. */
	fuse_destroy(self->f);
	if (!ret)
		ret = fuse_init(self->f);
	if (ret)
		return ret;
	t->dir = bed_lookup(self->f, "dir");
	t->file = bed_lookup(self->f, "file");
	ret = fuse_open(self->f, t->file, O_RDWR, &file);
	if (!ret)
		ret = fuse_opendir(self->f, t->dir, &dir);
	t->file_fh = file.fh;
	t->dir_fh = dir.fh;
	return ret;
}

static int start(FIXTURE_DATA(races) *self, struct fuse *f, const struct op *op,
		 struct request *r)
{
	static const char data[64];
	struct target *t = &self->t;
	struct fuse_call *c = &r->c;
	int i;

	r->args = op->in;
	if (op->with)
		r->args.fh = op->with == WITH_FILE ? t->file_fh : t->dir_fh;
	if (op->opcode == FUSE_LINK)
		r->args.link.oldnodeid = t->file;
	if (op->opcode == FUSE_RENAME2)
		r->args.rename.newdir = t->dir;
	if (op->opcode == FUSE_COPY_FILE_RANGE) {
		r->args.copy.fh_out = t->file_fh;
		r->args.copy.nodeid_out = t->file;
	}
	*c = (struct fuse_call){
		.opcode = op->opcode, .out = r->out, .out_size = op->room,
		.nodeid = op->on == ON_ROOT ? ROOT : op->on == ON_DIR ? t->dir : t->file,
	};
	if (op->args)
		c->in[c->nr_in++] = (struct iovec){ &r->args, op->args };
	for (i = 0; i < 2 && op->names[i]; i++)
		c->in[c->nr_in++] = (struct iovec){ (void *)op->names[i],
						    strlen(op->names[i]) + 1 };
	if (op->data)
		c->in[c->nr_in++] = (struct iovec){ (void *)data, op->data };
	return fuse_start(f, c);
}

/*
 * What another operation, or the host, can be the reason of; EIO is for who has no
 * session any more.
 */
static bool explained(int error, bool session_ends)
{
	static const int errors[] = {
		0, ENOENT, EEXIST, ENOTEMPTY, ENOTDIR, EISDIR, ELOOP, ESTALE, EBADF,
		EAGAIN, ENODATA, ENXIO, EXDEV, EBUSY,
	};
	size_t i;

	if (error == -EIO)
		return session_ends;
	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (error == -errors[i])
			return true;
	return false;
}

/* All answers of one side; the first that nothing explains, or 0. */
static int finish(struct fuse *f, const struct op *op, struct request *r, bool session_ends)
{
	int i, error, ret = 0;

	for (i = 0; i < DEPTH; i++) {
		error = fuse_finish(f, &r[i].c);
		if (op->silent ? error != FUSE_NO_REPLY : !explained(error, session_ends))
			ret = error ?: FUSE_BAD_REPLY;
	}
	return ret;
}

static void expect_answered(struct __test_metadata *_metadata, struct fuse *f,
			    const struct op *op, struct request *r, const char *against,
			    bool session_ends)
{
	EXPECT_EQ(0, finish(f, op, r, session_ends)) {
		TH_LOG("%s against %s", op->name, against);
	}
}

static void clean(struct bed *bed)
{
	static const char * const names[] = { "dir/a", "dir/b" };
	int i;

	for (i = 0; i < 2; i++)
		if (unlinkat(bed->fd, names[i], 0) && errno == EISDIR)
			unlinkat(bed->fd, names[i], AT_REMOVEDIR);
}

TEST_F_TIMEOUT(races, all_pairs, 900)
{
	size_t mark = ring_mark(&self->bed.dev);
	const struct op *a, *b;
	int i, round;

	for (a = ops; a < ops + NR_OPS; a++) {
		for (b = a; b < ops + NR_OPS; b++) {
			bool ends = a->opcode == FUSE_DESTROY || b->opcode == FUSE_DESTROY;

			for (round = 0; round < test_rounds(ROUNDS); round++) {
				ASSERT_EQ(0, begin(self));
				for (i = 0; i < DEPTH; i++) {
					ASSERT_EQ(0, start(self, self->f, a,
							   &self->requests[0][i]));
					ASSERT_EQ(0, start(self, &self->other, b,
							   &self->requests[1][i]));
				}
				expect_answered(_metadata, self->f, a, self->requests[0],
						b->name, ends);
				expect_answered(_metadata, &self->other, b,
						self->requests[1], a->name, ends);
				ring_release(&self->bed.dev, mark);
			}
			clean(&self->bed);
		}
	}
	TH_LOG("%zu pairs of operations, %d times, %d of each side at a time", NR_PAIRS,
	       test_rounds(ROUNDS), DEPTH);
}

/* --- what others do meanwhile; each undoes it before it returns ---------------------- */

static int stop_and_go(FIXTURE_DATA(races) *self)
{
	return ring_set_running(&self->bed.dev, false) ?:
		ring_set_running(&self->bed.dev, true);
}

/* Files that are open and have no name can't be moved from every file system. */
static int save(FIXTURE_DATA(races) *self)
{
	struct vhost_fs_device_state_result result;
	int fd, ret = ring_set_running(&self->bed.dev, false);

	if (ret)
		return ret;
	fd = state_save(&self->bed.dev, &result);
	if (fd >= 0)
		close(fd);
	return ring_set_running(&self->bed.dev, true);
}

static int move_directory(FIXTURE_DATA(races) *self)
{
	int fd = self->bed.fd;

	return renameat(fd, "dir", fd, "moved") || renameat(fd, "moved", fd, "dir");
}

/* Out of the share, and in again. */
static int move_file_out(FIXTURE_DATA(races) *self)
{
	char out[96];

	snprintf(out, sizeof(out), "%s/out", self->bed.top);
	return renameat(self->bed.fd, "file", AT_FDCWD, out) ||
		renameat(AT_FDCWD, out, self->bed.fd, "file");
}

static int replace_file(FIXTURE_DATA(races) *self)
{
	return unlinkat(self->bed.fd, "file", 0) ?:
		bed_write_file(&self->bed, "file", "new", 3, 0644);
}

static int mount_over(FIXTURE_DATA(races) *self)
{
	char dir[96];

	snprintf(dir, sizeof(dir), "%s/dir", self->bed.dir);
	return mount("races", dir, "tmpfs", 0, "") || umount2(dir, MNT_DETACH);
}

static int remove_share(FIXTURE_DATA(races) *self)
{
	return share_remove(self->bed.share) ?: share_add_fd(self->bed.share, self->bed.fd);
}

static int new_session(FIXTURE_DATA(races) *self)
{
	fuse_destroy(self->f);
	return fuse_init(self->f);
}

static const struct {
	const char *name;
	int (*run)(FIXTURE_DATA(races) *self);
} others[] = {
	{ "a stop", stop_and_go },
	{ "a save", save },
	{ "a directory that moves", move_directory },
	{ "a file that leaves and comes back", move_file_out },
	{ "a file that is another", replace_file },
	{ "a mount", mount_over },
	{ "a share that is removed", remove_share },
	{ "a new session", new_session },
};

#define NR_OTHERS (sizeof(others) / sizeof(others[0]))

TEST_F_TIMEOUT(races, against_others, 900)
{
	size_t mark = ring_mark(&self->bed.dev), n;
	const struct op *op;
	int i, round;

	for (n = 0; n < NR_OTHERS; n++) {
		for (op = ops; op < ops + NR_OPS; op++) {
			for (round = 0; round < test_rounds(ROUNDS); round++) {
				ASSERT_EQ(0, begin(self));
				for (i = 0; i < DEPTH; i++)
					ASSERT_EQ(0, start(self, &self->other, op,
							   &self->requests[0][i]));
				ASSERT_EQ(0, others[n].run(self)) {
					TH_LOG("%s, %s", others[n].name, op->name);
				}
				expect_answered(_metadata, &self->other, op,
						self->requests[0], others[n].name,
						op->opcode == FUSE_DESTROY ||
						others[n].run == new_session);
				ring_release(&self->bed.dev, mark);
			}
			clean(&self->bed);
		}
	}
	ASSERT_EQ(0, begin(self));
	EXPECT_EQ(0, fuse_getattr(self->f, self->t.file, NULL));
	TH_LOG("%zu operations, %d times against each of %zu", NR_OPS, test_rounds(ROUNDS),
	       NR_OTHERS);
}

TEST_HARNESS_MAIN
