// SPDX-License-Identifier: GPL-2.0-only
/*
 * GETLK and SETLK: the host's own locks, among owners of one guest, between two
 * guests, and between a guest and the host. What waits for a lock is
 * park_test.c's.
 */
#include "bed.h"
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>

#define ROOT FUSE_ROOT_ID
#define END ((uint64_t)LLONG_MAX)
/* What these tests set the limits to, so as to come to them soon. */
#define MAX_LOCKS 2048
#define MAX_FILE_LOCKS 512

struct guest {
	struct fuse *f;
	uint64_t node, fh;
};

FIXTURE(lock) {
	struct bed bed;
	struct ring_dev other;
	struct fuse other_fuse;
	struct guest a, b;
	int host;
};

static int open_file(struct guest *g, const char *name, uint32_t flags)
{
	struct fuse_open_out out;
	int error;

	g->node = bed_lookup(g->f, name);
	error = fuse_open(g->f, g->node, flags, &out);
	g->fh = out.fh;
	return error;
}

FIXTURE_SETUP(lock)
{
	struct bed_config config = { .options.locks = VHOST_FS_LOCKS_REMOTE };

	self->other.fd = -1;
	ASSERT_EQ(0, bed_open(&self->bed, &config));
	ASSERT_EQ(0, bed_open_device(&self->bed, &self->other,
				     &self->other_fuse, &config));
	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "data", 4, 0644));
	self->a.f = &self->bed.fuse;
	self->b.f = &self->other_fuse;
	ASSERT_EQ(0, open_file(&self->a, "file", O_RDWR));
	ASSERT_EQ(0, open_file(&self->b, "file", O_RDWR));
	self->host = openat(self->bed.fd, "file", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->host);
}

FIXTURE_TEARDOWN(lock)
{
	close(self->host);
	if (self->other.fd >= 0)
		ring_close(&self->other);
	bed_close(&self->bed);
}

static int set_lock(struct guest *g, uint64_t owner, uint32_t type,
		    uint64_t start, uint64_t end)
{
	struct fuse_lk_in in = {
		.fh = g->fh, .owner = owner,
		.lk = { .start = start, .end = end, .type = type,
			.pid = 1000 + owner },
	};

	return fuse_lk(g->f, FUSE_SETLK, g->node, &in);
}

static int set_flock(struct guest *g, uint32_t type)
{
	struct fuse_lk_in in = {
		.fh = g->fh, .owner = 1, .lk_flags = FUSE_LK_FLOCK,
		.lk = { .end = END, .type = type },
	};

	return fuse_lk(g->f, FUSE_SETLK, g->node, &in);
}

static int get_lock_to(struct guest *g, uint64_t owner, uint32_t type,
		       uint64_t end, struct fuse_file_lock *lk)
{
	struct fuse_lk_in in = {
		.fh = g->fh, .owner = owner,
		.lk = { .end = end, .type = type },
	};
	int error = fuse_lk(g->f, FUSE_GETLK, g->node, &in);

	*lk = in.lk;
	return error;
}

static int get_lock(struct guest *g, uint64_t owner, uint32_t type,
		    struct fuse_file_lock *lk)
{
	return get_lock_to(g, owner, type, END, lk);
}

/* By an open file of the host, whichever process has it. */
static int host_lock(int fd, short type, off_t start, off_t len)
{
	struct flock fl = {
		.l_type = type, .l_start = start, .l_len = len,
	};

	return fcntl(fd, F_OFD_SETLK, &fl) ? -errno : 0;
}

static int host_flock(int fd, int op)
{
	return flock(fd, op | LOCK_NB) ? -errno : 0;
}

TEST_F(lock, offered_by_the_option)
{
	struct bed_config config = { 0 };
	uint64_t flags = FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS;
	struct fuse_file_lock lk;

	EXPECT_EQ(flags, self->a.f->init.flags & flags);
	close(self->host);
	self->host = -1;
	bed_close(&self->bed);
	ASSERT_EQ(0, bed_open(&self->bed, &config));
	EXPECT_EQ(0, self->a.f->init.flags & flags);
	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "data", 4, 0644));
	ASSERT_EQ(0, open_file(&self->a, "file", O_RDWR));
	EXPECT_EQ(-ENOSYS, get_lock(&self->a, 1, F_WRLCK, &lk));
	EXPECT_EQ(-ENOSYS, set_lock(&self->a, 1, F_WRLCK, 0, END));
	EXPECT_EQ(-ENOSYS, set_flock(&self->a, F_WRLCK));
	EXPECT_EQ(0, fuse_flush(self->a.f, self->a.node, self->a.fh));
}

TEST_F(lock, excludes_other_owners)
{
	ASSERT_EQ(0, set_lock(&self->a, 1, F_WRLCK, 10, 19));
	EXPECT_EQ(-EAGAIN, set_lock(&self->a, 2, F_RDLCK, 0, 10));
	EXPECT_EQ(-EAGAIN, set_lock(&self->a, 2, F_WRLCK, 19, END));
	EXPECT_EQ(0, set_lock(&self->a, 2, F_WRLCK, 0, 9));
	EXPECT_EQ(0, set_lock(&self->a, 2, F_WRLCK, 20, END));
	EXPECT_EQ(0, set_lock(&self->a, 1, F_RDLCK, 10, 19));
	EXPECT_EQ(0, set_lock(&self->a, 3, F_RDLCK, 10, 19));
	EXPECT_EQ(-EAGAIN, set_lock(&self->a, 1, F_WRLCK, 10, 19));
}

/* One number is two owners in two guests. */
TEST_F(lock, excludes_other_guests)
{
	ASSERT_EQ(0, set_lock(&self->a, 1, F_WRLCK, 0, 9));
	EXPECT_EQ(-EAGAIN, set_lock(&self->b, 1, F_WRLCK, 0, 9));
	EXPECT_EQ(0, set_lock(&self->b, 1, F_UNLCK, 0, END));
	EXPECT_EQ(-EAGAIN, set_lock(&self->b, 1, F_WRLCK, 0, 9));
	EXPECT_EQ(0, set_lock(&self->a, 1, F_UNLCK, 0, END));
	EXPECT_EQ(0, set_lock(&self->b, 1, F_WRLCK, 0, 9));
	EXPECT_EQ(-EAGAIN, set_lock(&self->a, 1, F_WRLCK, 0, 9));
}

TEST_F(lock, excludes_the_host)
{
	struct flock fl = { .l_type = F_WRLCK };
	pid_t pid;
	int status;

	ASSERT_EQ(0, set_lock(&self->a, 1, F_WRLCK, 5, 9));
	EXPECT_EQ(-EAGAIN, host_lock(self->host, F_WRLCK, 9, 1));
	EXPECT_EQ(0, host_lock(self->host, F_WRLCK, 10, 1));
	/* Somebody else sees the VMM as the holder. */
	pid = fork();
	if (!pid)
		_exit(fcntl(self->host, F_GETLK, &fl) || fl.l_type != F_WRLCK ||
		      fl.l_start != 5 || fl.l_len != 5 ||
		      fl.l_pid != getppid());
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(-EAGAIN, set_lock(&self->a, 1, F_RDLCK, 10, 10));
	EXPECT_EQ(0, host_lock(self->host, F_UNLCK, 0, 0));
	EXPECT_EQ(0, set_lock(&self->a, 1, F_WRLCK, 10, 10));
}

TEST_F(lock, getlk)
{
	struct fuse_file_lock lk;

	ASSERT_EQ(0, get_lock(&self->a, 1, F_WRLCK, &lk));
	EXPECT_EQ(F_UNLCK, lk.type);
	ASSERT_EQ(0, set_lock(&self->a, 1, F_RDLCK, 7, 8));
	ASSERT_EQ(0, get_lock(&self->a, 1, F_WRLCK, &lk));
	EXPECT_EQ(F_UNLCK, lk.type);
	ASSERT_EQ(0, get_lock(&self->a, 2, F_RDLCK, &lk));
	EXPECT_EQ(F_UNLCK, lk.type);
	/* The guest's own process has a number ... */
	ASSERT_EQ(0, get_lock(&self->a, 2, F_WRLCK, &lk));
	EXPECT_EQ(F_RDLCK, lk.type);
	EXPECT_EQ(7, lk.start);
	EXPECT_EQ(8, lk.end);
	EXPECT_EQ(1001, lk.pid);
	/* ... which means nothing to another. */
	ASSERT_EQ(0, get_lock(&self->b, 1, F_WRLCK, &lk));
	EXPECT_EQ(F_RDLCK, lk.type);
	EXPECT_EQ(0, lk.pid);
	ASSERT_EQ(0, host_lock(self->host, F_RDLCK, 0, 1));
	ASSERT_EQ(0, get_lock_to(&self->b, 1, F_WRLCK, 5, &lk));
	EXPECT_EQ(F_RDLCK, lk.type);
	EXPECT_EQ(0, lk.start);
	EXPECT_EQ(0, lk.end);
	EXPECT_EQ(0, lk.pid);
}

TEST_F(lock, parts_of_ranges)
{
	ASSERT_EQ(0, set_lock(&self->a, 1, F_WRLCK, 0, 49));
	ASSERT_EQ(0, set_lock(&self->a, 1, F_WRLCK, 50, 99));
	ASSERT_EQ(0, set_lock(&self->a, 1, F_UNLCK, 40, 59));
	EXPECT_EQ(0, set_lock(&self->b, 1, F_WRLCK, 40, 59));
	EXPECT_EQ(-EAGAIN, set_lock(&self->b, 1, F_WRLCK, 39, 39));
	EXPECT_EQ(-EAGAIN, set_lock(&self->b, 1, F_WRLCK, 60, 60));
	EXPECT_EQ(0, set_lock(&self->b, 1, F_WRLCK, 100, END));
}

TEST_F(lock, bad_arguments)
{
	struct fuse_lk_in in;
	uint32_t op;

	for (op = FUSE_GETLK; op <= FUSE_SETLKW; op++) {
		in = (struct fuse_lk_in){ .fh = self->a.fh, .lk.end = END };
		in.lk.start = 1;
		in.lk.end = 0;
		EXPECT_EQ(-EINVAL, fuse_lk(self->a.f, op, self->a.node, &in));
		in.lk.start = 0;
		in.lk.end = END + 1;
		EXPECT_EQ(-EINVAL, fuse_lk(self->a.f, op, self->a.node, &in));
		in.lk.start = ~0ULL;
		in.lk.end = ~0ULL;
		EXPECT_EQ(-EINVAL, fuse_lk(self->a.f, op, self->a.node, &in));
		in.lk.start = 0;
		in.lk.end = END;
		in.lk.type = 3;
		EXPECT_EQ(-EINVAL, fuse_lk(self->a.f, op, self->a.node, &in));
		in.lk.type = ~0U;
		EXPECT_EQ(-EINVAL, fuse_lk(self->a.f, op, self->a.node, &in));
		in.lk.type = F_RDLCK;
		in.lk_flags = 2;
		EXPECT_EQ(-EINVAL, fuse_lk(self->a.f, op, self->a.node, &in));
		in.lk_flags = 0;
		in.fh = 99;
		EXPECT_EQ(-EBADF, fuse_lk(self->a.f, op, self->a.node, &in));
		in.fh = self->a.fh;
		EXPECT_EQ(-EBADF, fuse_lk(self->a.f, op, ROOT, &in));
	}
	in.lk_flags = FUSE_LK_FLOCK;
	EXPECT_EQ(-EINVAL, fuse_lk(self->a.f, FUSE_GETLK, self->a.node, &in));
}

TEST_F(lock, modes_of_opening)
{
	ASSERT_EQ(0, open_file(&self->a, "file", O_RDONLY));
	EXPECT_EQ(-EBADF, set_lock(&self->a, 1, F_WRLCK, 0, 0));
	EXPECT_EQ(0, set_lock(&self->a, 1, F_RDLCK, 0, 0));
	EXPECT_EQ(0, set_flock(&self->a, F_WRLCK));
	ASSERT_EQ(0, open_file(&self->b, "file", O_WRONLY));
	EXPECT_EQ(-EBADF, set_lock(&self->b, 1, F_RDLCK, 1, 1));
	EXPECT_EQ(0, set_lock(&self->b, 1, F_WRLCK, 1, 1));
}

TEST_F(lock, flock_excludes)
{
	struct guest second = self->a;

	ASSERT_EQ(0, open_file(&second, "file", O_RDONLY));
	ASSERT_EQ(0, set_flock(&self->a, F_WRLCK));
	EXPECT_EQ(-EAGAIN, set_flock(&second, F_RDLCK));
	EXPECT_EQ(-EAGAIN, set_flock(&self->b, F_WRLCK));
	EXPECT_EQ(-EAGAIN, host_flock(self->host, LOCK_SH));
	ASSERT_EQ(0, set_flock(&self->a, F_RDLCK));
	EXPECT_EQ(0, set_flock(&second, F_RDLCK));
	EXPECT_EQ(0, set_flock(&self->b, F_RDLCK));
	EXPECT_EQ(0, host_flock(self->host, LOCK_SH));
	EXPECT_EQ(-EAGAIN, set_flock(&self->a, F_WRLCK));
	EXPECT_EQ(0, set_flock(&second, F_UNLCK));
	EXPECT_EQ(0, set_flock(&self->b, F_UNLCK));
	EXPECT_EQ(-EAGAIN, set_flock(&self->b, F_WRLCK));
	EXPECT_EQ(0, host_flock(self->host, LOCK_UN));
	EXPECT_EQ(0, set_flock(&self->b, F_WRLCK));
	EXPECT_EQ(-EAGAIN, host_flock(self->host, LOCK_SH));
	/* The two kinds of locks know nothing of each other. */
	EXPECT_EQ(0, set_lock(&self->a, 1, F_WRLCK, 0, END));
}

static int flush(struct guest *g, uint64_t owner)
{
	struct fuse_flush_in in = { .fh = g->fh, .lock_owner = owner };

	return fuse_simple(g->f, FUSE_FLUSH, g->node, &in, sizeof(in));
}

TEST_F(lock, flush_is_asked_for)
{
	struct fuse_open_out out;

	ASSERT_EQ(0, fuse_open(self->a.f, self->a.node, O_RDONLY, &out));
	EXPECT_EQ(0, out.open_flags & FOPEN_NOFLUSH);
}

/* As on the host: the close of any descriptor, by whatever handle. */
TEST_F(lock, flush_drops_the_owners)
{
	struct guest second = self->a;

	ASSERT_EQ(0, open_file(&second, "file", O_RDONLY));
	ASSERT_EQ(0, set_lock(&self->a, 1, F_WRLCK, 0, 9));
	ASSERT_EQ(0, set_lock(&self->a, 2, F_WRLCK, 10, 19));
	ASSERT_EQ(0, set_flock(&self->a, F_WRLCK));
	ASSERT_EQ(0, flush(&second, 3));
	ASSERT_EQ(0, flush(&self->b, 1));
	EXPECT_EQ(-EAGAIN, set_lock(&self->b, 1, F_WRLCK, 0, 9));
	ASSERT_EQ(0, flush(&second, 1));
	EXPECT_EQ(0, set_lock(&self->b, 1, F_WRLCK, 0, 9));
	EXPECT_EQ(-EAGAIN, set_lock(&self->b, 1, F_WRLCK, 10, 19));
	EXPECT_EQ(-EAGAIN, set_flock(&self->b, F_WRLCK));
}

/* What was not unlocked goes with the handle, whoever owned it. */
TEST_F(lock, release_drops_what_is_left)
{
	uint64_t owner;

	for (owner = 1; owner <= 20; owner++)
		ASSERT_EQ(0, set_lock(&self->a, owner, F_WRLCK, owner * 10,
				      owner * 10 + 5));
	ASSERT_EQ(0, set_flock(&self->a, F_WRLCK));
	ASSERT_EQ(0, fuse_release(self->a.f, self->a.node, self->a.fh));
	EXPECT_EQ(0, set_lock(&self->b, 1, F_WRLCK, 0, END));
	EXPECT_EQ(0, set_flock(&self->b, F_WRLCK));
}

TEST_F(lock, release_flags)
{
	struct fuse_release_in in = {
		.fh = self->a.fh, .lock_owner = 1,
		.release_flags = FUSE_RELEASE_FLOCK_UNLOCK | FUSE_RELEASE_FLUSH,
	};
	struct guest second = self->a;

	/* The owner's lock came by another handle, which stays. */
	ASSERT_EQ(0, open_file(&second, "file", O_RDWR));
	ASSERT_EQ(0, set_lock(&second, 1, F_WRLCK, 0, END));
	ASSERT_EQ(0, set_flock(&self->a, F_WRLCK));
	ASSERT_EQ(0, fuse_simple(self->a.f, FUSE_RELEASE, self->a.node, &in,
				 sizeof(in)));
	EXPECT_EQ(0, set_lock(&self->b, 1, F_WRLCK, 0, END));
	EXPECT_EQ(0, set_flock(&self->b, F_WRLCK));
}

TEST_F(lock, release_of_another_handle)
{
	struct guest second = self->a;

	ASSERT_EQ(0, open_file(&second, "file", O_RDWR));
	ASSERT_EQ(0, set_lock(&self->a, 1, F_WRLCK, 0, END));
	ASSERT_EQ(0, set_flock(&self->a, F_WRLCK));
	ASSERT_EQ(0, fuse_release(self->a.f, second.node, second.fh));
	EXPECT_EQ(-EAGAIN, set_lock(&self->b, 1, F_WRLCK, 0, END));
	EXPECT_EQ(-EAGAIN, set_flock(&self->b, F_WRLCK));
}

TEST_F(lock, session_end_drops_all)
{
	ASSERT_EQ(0, set_lock(&self->a, 1, F_WRLCK, 0, END));
	ASSERT_EQ(0, set_flock(&self->a, F_WRLCK));
	ASSERT_EQ(0, fuse_destroy(self->a.f));
	EXPECT_EQ(0, set_lock(&self->b, 1, F_WRLCK, 0, END));
	EXPECT_EQ(0, set_flock(&self->b, F_WRLCK));
}

TEST_F(lock, new_session_drops_all)
{
	ASSERT_EQ(0, set_lock(&self->a, 1, F_WRLCK, 0, END));
	ASSERT_EQ(0, set_flock(&self->a, F_WRLCK));
	ASSERT_EQ(0, fuse_init(self->a.f));
	EXPECT_EQ(0, set_lock(&self->b, 1, F_WRLCK, 0, END));
	EXPECT_EQ(0, set_flock(&self->b, F_WRLCK));
}

TEST_F(lock, close_of_the_device_drops_all)
{
	ASSERT_EQ(0, set_lock(&self->b, 1, F_WRLCK, 0, END));
	ASSERT_EQ(0, set_flock(&self->b, F_WRLCK));
	ring_close(&self->other);
	self->other.fd = -1;
	EXPECT_EQ(0, host_lock(self->host, F_WRLCK, 0, 0));
	EXPECT_EQ(0, host_flock(self->host, LOCK_EX));
}

TEST_F(lock, deleted_file)
{
	ASSERT_EQ(0, unlinkat(self->bed.fd, "file", 0));
	ASSERT_EQ(0, set_lock(&self->a, 1, F_WRLCK, 0, END));
	EXPECT_EQ(-EAGAIN, set_lock(&self->b, 1, F_WRLCK, 0, END));
	ASSERT_EQ(0, fuse_release(self->a.f, self->a.node, self->a.fh));
	EXPECT_EQ(0, set_lock(&self->b, 1, F_WRLCK, 0, END));
}

TEST_F(lock, read_only_share)
{
	struct bed_config config = {
		.flags = VHOST_FS_SHARE_READONLY,
		.options.locks = VHOST_FS_LOCKS_REMOTE,
	};

	close(self->host);
	self->host = -1;
	bed_close(&self->bed);
	ASSERT_EQ(0, bed_open_share(&self->bed, &config));
	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "data", 4, 0644));
	ASSERT_EQ(0, bed_open_device(&self->bed, &self->bed.dev,
				     &self->bed.fuse, &config));
	ASSERT_EQ(0, open_file(&self->a, "file", O_RDONLY));
	self->host = openat(self->bed.fd, "file", O_RDWR | O_CLOEXEC);
	EXPECT_EQ(0, set_lock(&self->a, 1, F_RDLCK, 0, END));
	EXPECT_EQ(-EAGAIN, host_lock(self->host, F_WRLCK, 0, 0));
	EXPECT_EQ(0, set_flock(&self->a, F_WRLCK));
	EXPECT_EQ(-EAGAIN, host_flock(self->host, LOCK_SH));
}

#define BATCH 32

/* Takes @nr locks that don't touch, many at a time; the number of failures. */
static int take_locks(struct guest *g, int nr)
{
	struct ring_dev *dev = g->f->q->dev;
	struct fuse_lk_in in[BATCH];
	struct fuse_call c[BATCH];
	int i, j, failed = 0;

	for (i = 0; i < nr; i += BATCH) {
		size_t mark = ring_mark(dev);

		for (j = 0; j < BATCH; j++) {
			uint64_t at = 3 * (nr - i - j);

			in[j] = (struct fuse_lk_in){
				.fh = g->fh, .owner = 1,
				.lk = { .start = at, .end = at + 1,
					.type = F_WRLCK },
			};
			c[j] = (struct fuse_call){
				.opcode = FUSE_SETLK, .nodeid = g->node,
				.in = { { &in[j], sizeof(in[j]) } }, .nr_in = 1,
			};
			failed += !!fuse_start(g->f, &c[j]);
		}
		for (j = 0; j < BATCH; j++)
			failed += !!fuse_finish(g->f, &c[j]);
		ring_release(dev, mark);
	}
	return failed;
}

/* Sets a parameter of the module; what it was, or an error. */
static int set_parameter(const char *name, int value)
{
	char path[128];
	FILE *f;
	int was;

	snprintf(path, sizeof(path), "/sys/module/vhost_fs/parameters/%s", name);
	f = fopen(path, "r+");
	if (!f)
		return -errno;
	if (fscanf(f, "%d", &was) != 1)
		was = -EIO;
	rewind(f);
	fprintf(f, "%d", value);
	return fclose(f) ? -errno : was;
}

FIXTURE(limit) {
	struct bed bed;
	struct ring_dev other;
	struct fuse other_fuse;
	struct guest a, b;
	int max_locks, max_file_locks;
};

FIXTURE_SETUP(limit)
{
	struct bed_config config = { .options.locks = VHOST_FS_LOCKS_REMOTE };

	self->max_locks = set_parameter("max_locks", MAX_LOCKS);
	self->max_file_locks = set_parameter("max_file_locks", MAX_FILE_LOCKS);
	ASSERT_EQ(0, bed_open(&self->bed, &config));
	ASSERT_EQ(0, bed_open_device(&self->bed, &self->other,
				     &self->other_fuse, &config));
	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "data", 4, 0644));
	self->a.f = &self->bed.fuse;
	self->b.f = &self->other_fuse;
	ASSERT_EQ(0, open_file(&self->a, "file", O_RDWR));
	ASSERT_EQ(0, open_file(&self->b, "file", O_RDWR));
}

FIXTURE_TEARDOWN(limit)
{
	set_parameter("max_locks", self->max_locks);
	set_parameter("max_file_locks", self->max_file_locks);
	ring_close(&self->other);
	bed_close(&self->bed);
}

TEST_F(limit, unless_told_otherwise)
{
	EXPECT_EQ(65536, self->max_locks);
	EXPECT_EQ(8192, self->max_file_locks);
	EXPECT_EQ(-EINVAL, set_parameter("max_locks", 0));
	EXPECT_EQ(-EINVAL, set_parameter("max_file_locks", 1 << 30));
	EXPECT_EQ(MAX_LOCKS, set_parameter("max_locks", MAX_LOCKS));
	EXPECT_EQ(MAX_FILE_LOCKS,
		  set_parameter("max_file_locks", MAX_FILE_LOCKS));
}

/* Many on one file would make work for everybody who locks it. */
TEST_F(limit, of_a_file)
{
	struct guest other = self->a;

	ASSERT_EQ(0, bed_write_file(&self->bed, "other", "x", 1, 0644));
	ASSERT_EQ(0, open_file(&other, "other", O_RDWR));
	ASSERT_EQ(0, take_locks(&self->a, MAX_FILE_LOCKS));
	EXPECT_EQ(-ENOLCK, set_lock(&self->a, 1, F_WRLCK, 50000, 50000));
	EXPECT_EQ(0, set_lock(&self->b, 1, F_WRLCK, 50000, 50000));
	EXPECT_EQ(0, set_lock(&other, 1, F_WRLCK, 50000, 50000));
	EXPECT_EQ(0, flush(&self->a, 1));
	EXPECT_EQ(0, set_lock(&self->a, 1, F_WRLCK, 60000, 60000));
}

/* Several files, none of which is full. */
TEST_F(limit, of_a_device)
{
	struct guest last = { 0 };
	char name[16];
	int i;

	for (i = 0; i < 8; i++) {
		snprintf(name, sizeof(name), "file%d", i);
		ASSERT_EQ(0, bed_write_file(&self->bed, name, "x", 1, 0644));
		last = self->a;
		ASSERT_EQ(0, open_file(&last, name, O_RDWR));
		ASSERT_EQ(0, take_locks(&last, MAX_LOCKS / 8));
	}
	EXPECT_EQ(-ENOLCK, set_lock(&last, 1, F_WRLCK, 5000, 5000));
	EXPECT_EQ(0, set_lock(&self->b, 1, F_WRLCK, 5000, 5000));
	/* There is room to unlock a part, but not to lock more. */
	EXPECT_EQ(0, set_lock(&last, 1, F_UNLCK, 3, 3));
	EXPECT_EQ(-ENOLCK, set_lock(&last, 1, F_WRLCK, 5000, 5000));
	EXPECT_EQ(0, flush(&last, 1));
	EXPECT_EQ(0, set_lock(&last, 1, F_WRLCK, 5000, 5000));
}

TEST_HARNESS_MAIN
