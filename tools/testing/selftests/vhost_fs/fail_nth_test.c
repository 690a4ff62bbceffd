// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each memory allocation, each copy from or to the guest and each read of a block
 * device fails once, for every opcode: the n-th that a thread comes to, for n from 1 on
 * until the work is done without having come to it. Whatever it is that fails, the
 * answer is an errno, what was begun is undone, counts are exact, and the device goes
 * on. The limits of the share are so low that a leak is soon noticed. What of that the
 * owner's calls do is fail_call_test.c's.
 */
#include "bed.h"
#include "faults.h"
#include "harness.h"
#include "state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#define ROOT FUSE_ROOT_ID

/* More than a device has. */
#define VHOST_FS_TEST_THREADS 70

static int read_number(const char *name)
{
	char text[16] = "";
	int fd = open(name, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	return text[0] ? atoi(text) : -1;
}

static bool is_ours(const char *task)
{
	char name[300], comm[32] = "";
	int fd;

	snprintf(name, sizeof(name), "/proc/self/task/%s/comm", task);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && read(fd, comm, sizeof(comm) - 1) < 0)
		comm[0] = '\0';
	close(fd);
	return !strncmp(comm, "vhost-fs", 8);
}

/* Threads whose n-th step is to fail. */
static struct {
	char fail_nth[64];
} armed[VHOST_FS_TEST_THREADS];
static unsigned int nr_armed;

/* Has the n-th step of each of the device's threads fail. */
static void arm(unsigned int nth)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *task;
	char text[16];

	snprintf(text, sizeof(text), "%u", nth);
	nr_armed = 0;
	while ((task = readdir(tasks))) {
		if (!is_ours(task->d_name) || nr_armed == VHOST_FS_TEST_THREADS)
			continue;
		snprintf(armed[nr_armed].fail_nth, sizeof(armed[0].fail_nth),
			 "/proc/self/task/%.20s/fail-nth", task->d_name);
		faults_write(armed[nr_armed++].fail_nth, text);
	}
	closedir(tasks);
}

/* From now on none does; whether one did. */
static bool disarm(void)
{
	bool fired = false;
	unsigned int i;

	for (i = 0; i < nr_armed; i++) {
		fired |= read_number(armed[i].fail_nth) == 0;
		faults_write(armed[i].fail_nth, "0");
	}
	return fired;
}

FIXTURE(fail_nth) {
	struct bed bed;
	bool open;
	int stride;
	char disk[32];			/* a file system with a disk of its own; or "" */
	uint64_t file, dir, link;
	struct fuse_open_out fh, dirfh;
	/* What a request has brought. */
	struct fuse_entry_out entry;
	struct fuse_open_out opened;
	char buf[4096];
};

FIXTURE_VARIANT(fail_nth) {
	bool disk;
	bool dies;		/* the disk, instead of one step */
	uint32_t handles;
};

FIXTURE_VARIANT_ADD(fail_nth, tmpfs) { };
FIXTURE_VARIANT_ADD(fail_nth, ext4) { .disk = true, .handles = VHOST_FS_HANDLES_PREFER };
FIXTURE_VARIANT_ADD(fail_nth, dead_disk) { .disk = true, .dies = true };

typedef FIXTURE_DATA(fail_nth) fail;

static struct bed_config config_of(const FIXTURE_VARIANT(fail_nth) *variant)
{
	return (struct bed_config) {
		.disk = variant->disk, .max_nodes = 12, .max_handles = 4,
		.flags = VHOST_FS_SHARE_XATTR | VHOST_FS_SHARE_POSIX_ACL,
		.ring.features = RING_F_INDIRECT | RING_F_EVENT_IDX,
		.options = { .inode_file_handles = variant->handles,
			     .locks = VHOST_FS_LOCKS_REMOTE },
	};
}

/* Whether all that the disk is asked for fails from now on. */
static int set_disk_dead(fail *self, bool dead)
{
	char knob[80];
	struct stat st;
	int ret;

	if (stat(self->disk, &st))
		return -errno;
	snprintf(knob, sizeof(knob), "/sys/dev/block/%u:%u/make-it-fail",
		 major(st.st_dev), minor(st.st_dev));
	ret = faults_write(knob, dead ? "1" : "0");
	ret = ret ?: faults_write(FAULTS_DIR "fail_make_request/times", dead ? "-1" : "1");
	return ret ?: faults_write(FAULTS_DIR "fail_make_request/probability",
				   dead ? "100" : "0");
}

/* Mounts an ext4 on a disk of its own, where bed.h makes its directory then. */
static int make_disk(fail *self)
{
	const char *tmp = getenv("TMPDIR");
	char command[256];

	snprintf(self->disk, sizeof(self->disk), "%.18s/disk.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(self->disk))
		return -errno;
	snprintf(command, sizeof(command), "truncate -s 32M %s.image &&"
		 "mke2fs -q -t ext4 -b 4096 %s.image && mount -o loop %s.image %s",
		 self->disk, self->disk, self->disk, self->disk);
	return system(command) ? -EIO : setenv("VHOST_FS_TEST_DISK", self->disk, 1);
}

/* It can be unmounted if no node, handle or request has been lost. */
static int end_disk(fail *self)
{
	char image[64];
	int tries = 100;

	snprintf(image, sizeof(image), "%s.image", self->disk);
	if (set_disk_dead(self, false))
		return -EIO;
	/* Whoever was told to close it may take a moment. */
	while (umount(self->disk) && --tries)
		poll(NULL, 0, 50);
	return rmdir(self->disk) || unlink(image);
}

FIXTURE_SETUP(fail_nth)
{
	struct bed_config config = config_of(variant);

	ASSERT_EQ(0, faults_allow(true));
	if (variant->dies)
		ASSERT_EQ(0, make_disk(self));
	ASSERT_EQ(0, bed_open_share(&self->bed, &config));
	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "data", 4, 0644));
	ASSERT_EQ(0, mkdirat(self->bed.fd, "dir", 0755));
	ASSERT_EQ(0, bed_write_file(&self->bed, "dir/inner", "data", 4, 0644));
	ASSERT_EQ(0, symlinkat("file", self->bed.fd, "link"));
	self->stride = test_rounds(100) < 100 ? 10 : 1;
}

FIXTURE_TEARDOWN(fail_nth)
{
	if (self->open)
		ring_close(&self->bed.dev);
	self->bed.dev = (struct ring_dev){ .fd = -1 };
	bed_close(&self->bed);
	if (self->disk[0])
		EXPECT_EQ(0, end_disk(self));
}

/* A device with what the requests need: three nodes and two handles. */
static int open_device(fail *self, const FIXTURE_VARIANT(fail_nth) *variant)
{
	struct bed_config config = config_of(variant);
	struct fuse *f = &self->bed.fuse;

	if (bed_open_device(&self->bed, &self->bed.dev, f, &config))
		return -EIO;
	self->open = true;
	self->file = bed_lookup(f, "file");
	self->dir = bed_lookup(f, "dir");
	self->link = bed_lookup(f, "link");
	if (!self->file || !self->dir || !self->link)
		return -EIO;
	if (fuse_open(f, self->file, O_RDWR, &self->fh))
		return -EIO;
	return fuse_opendir(f, self->dir, &self->dirfh);
}

/**
 * struct row - a request that is to fail
 * @run: makes it; what it brings goes to @entry and @opened
 * @before: makes what it needs
 * @after: undoes the rest, given its result
 * @makes: name that isn't there after an error
 * @takes: name that is
 * @may_stay: the name may be there: making it is one thing, opening it another
 * @brings: the entry counts
 * @opens: there is a handle of the entry's node, or of the file
 * @opens_dir: there is one of the directory
 * @reads_disk: can't be served from memory
 */
struct row {
	int (*run)(fail *self, struct fuse *f);
	int (*before)(fail *self, struct fuse *f);
	void (*after)(fail *self, struct fuse *f, int error);
	const char *makes;
	const char *takes;
	bool may_stay;
	bool brings;
	bool opens;
	bool opens_dir;
	bool reads_disk;
};

/* The name is there for what takes it, and isn't for what makes it. */
static void prepare(fail *self, const struct row *row)
{
	if (row->makes) {
		unlinkat(self->bed.fd, row->makes, 0);
		unlinkat(self->bed.fd, row->makes, AT_REMOVEDIR);
	}
	if (row->takes) {
		unlinkat(self->bed.fd, row->takes, 0);
		unlinkat(self->bed.fd, row->takes, AT_REMOVEDIR);
		if (strstr(row->takes, "dir"))
			mkdirat(self->bed.fd, row->takes, 0755);
		else
			bed_write_file(&self->bed, row->takes, "data", 4, 0644);
	}
}

static bool is_there(fail *self, const char *name)
{
	struct stat st;

	return !bed_stat(&self->bed, name, &st);
}

/* One count of the entry's node, and not one more, is the guest's. */
static void check_count(struct __test_metadata *_metadata, fail *self, uint64_t node)
{
	struct fuse *f = &self->bed.fuse;
	struct fuse_attr attr;

	EXPECT_EQ(0, fuse_getattr(f, node, &attr));
	EXPECT_EQ(0, fuse_forget(f, node, 1));
	EXPECT_EQ(-ESTALE, fuse_getattr(f, node, &attr));
}

static void check_success(struct __test_metadata *_metadata, fail *self,
			  const struct row *row)
{
	struct fuse *f = &self->bed.fuse;
	uint64_t node = row->brings ? self->entry.nodeid : self->file;

	if (row->makes)
		EXPECT_TRUE(is_there(self, row->makes));
	if (row->takes)
		EXPECT_FALSE(is_there(self, row->takes));
	if (row->opens_dir)
		EXPECT_EQ(0, fuse_releasedir(f, self->dir, self->opened.fh));
	if (row->brings)
		check_count(_metadata, self, node);
	/* Last: a file without a name is gone with it. */
	if (row->opens)
		EXPECT_EQ(0, fuse_release(f, node, self->opened.fh));
}

static void check_failure(struct __test_metadata *_metadata, fail *self,
			  const struct row *row)
{
	struct fuse *f = &self->bed.fuse;

	if (row->makes && !row->may_stay)
		EXPECT_FALSE(is_there(self, row->makes));
	if (row->takes)
		EXPECT_TRUE(is_there(self, row->takes));
	/* Had the failed one counted, this would not be the only one. */
	if (row->brings && !row->makes) {
		ASSERT_EQ(0, fuse_lookup(f, self->dir, "inner", &self->entry));
		check_count(_metadata, self, self->entry.nodeid);
	}
}

/*
 * Makes the request once, whose @nth step is to fail. Returns whether one did. Where the
 * guest's memory can't be read or written, the ring is broken, or there is no answer; what
 * was served is not known then, and the device has to be closed.
 */
static bool fail_once(struct __test_metadata *_metadata, fail *self,
		      const FIXTURE_VARIANT(fail_nth) *variant, const struct row *row,
		      unsigned int nth)
{
	struct fuse_attr attr;
	bool fired;
	int error;

	if (!self->open)
		ASSERT_EQ(0, open_device(self, variant));
	prepare(self, row);
	if (row->before)
		ASSERT_EQ(0, row->before(self, &self->bed.fuse));
	arm(nth);
	error = row->run(self, &self->bed.fuse);
	fired = nth && disarm();
	if (fired && (error == FUSE_BROKEN || error == FUSE_NO_REPLY)) {
		ring_close(&self->bed.dev);
		self->open = false;
		return true;
	}
	/* An errno, after something failed. */
	EXPECT_LE(-511, error);
	EXPECT_TRUE(error >= 0 || fired);
	if (error < 0)
		check_failure(_metadata, self, row);
	else
		check_success(_metadata, self, row);
	if (row->after)
		row->after(self, &self->bed.fuse, error);
	EXPECT_EQ(0, fuse_getattr(&self->bed.fuse, self->file, &attr));
	if (_metadata->exit_code)
		TH_LOG("step %u, result %d", nth, error);
	ASSERT_EQ(0, _metadata->exit_code);
	return fired;
}

/* What a disk says that doesn't answer, and a file system that has given it up. */
static bool is_disk_error(int error)
{
	return error >= 0 || error == -EIO || error == -EROFS || error == -EUCLEAN ||
	       error == -EBADMSG || error == -ENOSPC;
}

/*
 * What the journal has is written to its place, and what the disk's cache has is let go,
 * or either would stay in memory.
 */
static int forget_disk(fail *self)
{
	char name[32];
	struct stat st;
	int fd, ret;

	if (ioctl(self->bed.fd, FIFREEZE, 0) || ioctl(self->bed.fd, FITHAW, 0) ||
	    stat(self->disk, &st))
		return -errno;
	ret = faults_write("/proc/sys/vm/drop_caches", "3");
	snprintf(name, sizeof(name), "/dev/loop%u", minor(st.st_dev));
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (!ret && (fd < 0 || ioctl(fd, BLKFLSBUF, 0)))
		ret = -errno;
	close(fd);
	return ret;
}

/*
 * Makes the request when nothing but nodes and handles is left in memory, and the disk
 * has died; what is in memory still is served on.
 */
static void on_dead_disk(struct __test_metadata *_metadata, fail *self,
			 const FIXTURE_VARIANT(fail_nth) *variant, const struct row *row)
{
	struct fuse *f = &self->bed.fuse;
	struct fuse_attr attr;
	int error;

	ASSERT_EQ(0, open_device(self, variant));
	prepare(self, row);
	if (row->before)
		ASSERT_EQ(0, row->before(self, f));
	ASSERT_EQ(0, forget_disk(self));
	ASSERT_EQ(0, set_disk_dead(self, true));
	error = row->run(self, f);
	EXPECT_TRUE(is_disk_error(error));
	if (row->reads_disk)
		EXPECT_GT(0, error);
	if (row->after)
		row->after(self, f, error);
	EXPECT_EQ(0, fuse_getattr(f, self->file, &attr));
	ASSERT_EQ(0, set_disk_dead(self, false));
	TH_LOG("result %d", error);
}

static void sweep(struct __test_metadata *_metadata, fail *self,
		  const FIXTURE_VARIANT(fail_nth) *variant, const struct row *row)
{
	unsigned int nth, failed = 0;

	if (variant->dies) {
		on_dead_disk(_metadata, self, variant, row);
		return;
	}

	/* What is made once for all may be made in the first one. */
	fail_once(_metadata, self, variant, row, 0);
	ASSERT_TRUE(self->open);
	for (nth = 1; nth < FAULTS_MAX; nth += self->stride) {
		if (!fail_once(_metadata, self, variant, row, nth))
			break;
		failed++;
	}
	EXPECT_LT(nth, FAULTS_MAX);
	/* Each copies its header from the guest's memory. */
	EXPECT_LT(0, failed);
}

#define FAILS(_name, ...) \
	TEST_F_TIMEOUT(fail_nth, _name, 120) \
	{ \
		static const struct row row = { .run = run_##_name, __VA_ARGS__ }; \
		sweep(_metadata, self, variant, &row); \
	}

#define RUN(_name) static int run_##_name(fail *self __UNUSED, struct fuse *f)

RUN(lookup)
{
	return fuse_lookup(f, self->dir, "inner", &self->entry);
}

FAILS(lookup, .brings = true, .reads_disk = true)

RUN(getattr)
{
	struct fuse_attr attr;

	return fuse_getattr(f, self->dir, &attr);
}

FAILS(getattr)

RUN(setattr)
{
	struct fuse_setattr_in in = {
		.valid = FATTR_MODE | FATTR_UID | FATTR_SIZE | FATTR_MTIME, .mode = 0640,
		.uid = 5, .size = 1234,
	};
	struct fuse_attr attr;

	return fuse_setattr(f, self->file, &in, &attr);
}

FAILS(setattr)

RUN(statx)
{
	struct fuse_statx stx;

	return fuse_statx(f, self->file, STATX_BASIC_STATS, &stx);
}

FAILS(statx)

RUN(access)
{
	return fuse_access(f, self->file, R_OK);
}

FAILS(access)

RUN(statfs)
{
	struct fuse_kstatfs st;

	return fuse_statfs(f, self->file, &st);
}

FAILS(statfs)

RUN(syncfs)
{
	return fuse_syncfs(f, ROOT);
}

FAILS(syncfs)

RUN(readlink)
{
	return fuse_readlink(f, self->link, self->buf, sizeof(self->buf));
}

FAILS(readlink)

RUN(mkdir)
{
	return fuse_mkdir(f, ROOT, "new", 0755, 0, &self->entry);
}

FAILS(mkdir, .makes = "new", .brings = true, .reads_disk = true)

RUN(mknod)
{
	return fuse_mknod(f, ROOT, "new", S_IFREG | 0644, 0, 0, &self->entry);
}

FAILS(mknod, .makes = "new", .brings = true, .reads_disk = true)

RUN(symlink)
{
	return fuse_symlink(f, ROOT, "new", "target", &self->entry);
}

FAILS(symlink, .makes = "new", .brings = true, .reads_disk = true)

RUN(link)
{
	return fuse_link(f, self->file, ROOT, "new", &self->entry);
}

/* Counted once more, of a node that is known already. */
static void after_link(fail *self, struct fuse *f, int error)
{
	if (!error)
		fuse_forget(f, self->file, 1);
}

FAILS(link, .makes = "new", .after = after_link, .reads_disk = true)

RUN(create)
{
	return fuse_create(f, ROOT, "new", O_RDWR, 0644, 0, &self->entry, &self->opened);
}

FAILS(create, .makes = "new", .may_stay = true, .brings = true, .opens = true, .reads_disk = true)

RUN(tmpfile)
{
	return fuse_tmpfile(f, self->dir, O_RDWR, 0644, 0, &self->entry, &self->opened);
}

FAILS(tmpfile, .brings = true, .opens = true)

RUN(unlink)
{
	return fuse_unlink(f, ROOT, "victim");
}

FAILS(unlink, .takes = "victim", .reads_disk = true)

RUN(rmdir)
{
	return fuse_rmdir(f, ROOT, "victim-dir");
}

FAILS(rmdir, .takes = "victim-dir", .reads_disk = true)

RUN(rename)
{
	return fuse_rename(f, ROOT, "victim", self->dir, "new");
}

FAILS(rename, .takes = "victim", .makes = "dir/new", .reads_disk = true)

RUN(rename2)
{
	return fuse_rename2(f, ROOT, "victim", self->dir, "new", 1);
}

FAILS(rename2, .takes = "victim", .makes = "dir/new", .reads_disk = true)

RUN(open)
{
	return fuse_open(f, self->file, O_RDWR, &self->opened);
}

FAILS(open, .opens = true)

RUN(opendir)
{
	return fuse_opendir(f, self->dir, &self->opened);
}

FAILS(opendir, .opens_dir = true)

RUN(release)
{
	return fuse_release(f, self->file, self->opened.fh);
}

/* Whatever failed, handles are given back: more than the limit are opened. */
static int before_release(fail *self, struct fuse *f)
{
	return fuse_open(f, self->file, O_RDONLY, &self->opened);
}

FAILS(release, .before = before_release)

RUN(flush)
{
	return fuse_flush(f, self->file, self->fh.fh);
}

FAILS(flush)

RUN(fsync)
{
	return fuse_fsync(f, self->file, self->fh.fh, 0);
}

FAILS(fsync)

RUN(fsyncdir)
{
	return fuse_fsyncdir(f, self->dir, self->dirfh.fh, 0);
}

FAILS(fsyncdir)

RUN(read)
{
	return fuse_read(f, self->file, self->fh.fh, 0, self->buf, sizeof(self->buf));
}

FAILS(read, .reads_disk = true)

RUN(write)
{
	return fuse_write(f, self->file, self->fh.fh, 0, self->buf, sizeof(self->buf));
}

FAILS(write)

RUN(fallocate)
{
	return fuse_fallocate(f, self->file, self->fh.fh, 0, 16384, 0);
}

FAILS(fallocate)

RUN(lseek)
{
	uint64_t at;

	return fuse_lseek(f, self->file, self->fh.fh, 0, SEEK_DATA, &at);
}

FAILS(lseek)

RUN(copy_range)
{
	struct fuse_copy_file_range_in in = {
		.fh_in = self->fh.fh, .fh_out = self->fh.fh, .nodeid_out = self->file,
		.off_out = 8192, .len = 2,
	};

	return fuse_copy_range(f, FUSE_COPY_FILE_RANGE, &in, self->file);
}

FAILS(copy_range)

RUN(readdir)
{
	return fuse_readdir(f, self->dir, self->dirfh.fh, 0, self->buf, sizeof(self->buf));
}

FAILS(readdir, .reads_disk = true)

RUN(readdirplus)
{
	return fuse_readdirplus(f, self->dir, self->dirfh.fh, 0, self->buf,
				sizeof(self->buf));
}

/* An entry whose node can't be made is listed without, or ends the list. */
static void after_readdirplus(fail *self, struct fuse *f, int size)
{
	struct fuse_direntplus *plus;
	int at;

	for (at = 0; at < size; at += FUSE_DIRENTPLUS_SIZE(plus)) {
		plus = (void *)(self->buf + at);
		if (plus->entry_out.nodeid)
			fuse_forget(f, plus->entry_out.nodeid, 1);
	}
}

RUN(setxattr)
{
	return fuse_setxattr(f, self->file, "user.new", "value", 5, 0, 0);
}

FAILS(setxattr)

RUN(getxattr)
{
	return fuse_getxattr(f, self->file, "user.new", self->buf, 256);
}

RUN(listxattr)
{
	return fuse_listxattr(f, self->file, self->buf, 1024);
}

FAILS(listxattr)

RUN(removexattr)
{
	return fuse_removexattr(f, ROOT, "user.victim");
}

static int before_removexattr(fail *self, struct fuse *f __UNUSED)
{
	return fsetxattr(self->bed.fd, "user.victim", "1", 1, 0);
}

FAILS(removexattr, .before = before_removexattr)

static int lock(fail *self, struct fuse *f, uint32_t opcode, uint32_t type)
{
	struct fuse_lk_in in = {
		.fh = self->fh.fh, .owner = 7, .lk = { .start = 0, .end = 9, .type = type },
	};

	return fuse_lk(f, opcode, self->file, &in);
}

RUN(setlk)
{
	return lock(self, f, FUSE_SETLK, F_WRLCK);
}

FAILS(setlk)

RUN(setlkw)
{
	return lock(self, f, FUSE_SETLKW, F_WRLCK);
}

FAILS(setlkw)

RUN(getlk)
{
	return lock(self, f, FUSE_GETLK, F_RDLCK);
}

FAILS(getlk)

RUN(ioctl)
{
	struct fuse_ioctl_in in = {
		.fh = self->fh.fh, .cmd = 0x80086601, .out_size = 8,	/* FS_IOC_GETFLAGS */
	};

	return fuse_ioctl(f, self->file, &in, self->buf);
}

FAILS(ioctl)

RUN(forget)
{
	return fuse_forget(f, self->entry.nodeid, 1);
}

static int before_forget(fail *self, struct fuse *f)
{
	return fuse_lookup(f, self->dir, "inner", &self->entry);
}

FAILS(forget, .before = before_forget)

/* Listing by pieces: a success has to be a listing. */
TEST_F_TIMEOUT(fail_nth, readdirplus, 120)
{
	static const struct row row = {
		.run = run_readdirplus, .after = after_readdirplus, .reads_disk = true,
	};

	sweep(_metadata, self, variant, &row);
	/* The limit of nodes has room for them, if none was lost. */
	if (!variant->dies)
		EXPECT_LT(0, run_readdirplus(self, &self->bed.fuse));
}

TEST_F_TIMEOUT(fail_nth, getxattr, 120)
{
	static const struct row row = { .run = run_getxattr };
	char name[200];

	snprintf(name, sizeof(name), "%s/file", self->bed.dir);
	ASSERT_EQ(0, setxattr(name, "user.new", "value", 5, 0));
	sweep(_metadata, self, variant, &row);
}

TEST_HARNESS_MAIN
