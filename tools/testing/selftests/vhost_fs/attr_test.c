// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attributes: GETATTR, SETATTR, STATX, ACCESS, STATFS and SYNCFS, each held
 * against what the host's own system calls say.
 */
#include "bed.h"
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

#define ROOT FUSE_ROOT_ID

FIXTURE(attr) {
	struct bed bed;
	struct fuse *f;
	uint64_t file;
	struct fuse_attr attr;
	struct stat st;
};

FIXTURE_SETUP(attr)
{
	struct bed_config config = { 0 };

	ASSERT_EQ(0, bed_open(&self->bed, &config));
	self->f = &self->bed.fuse;
	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "0123456789", 10, 0640));
	self->file = bed_lookup(self->f, "file");
}

FIXTURE_TEARDOWN(attr)
{
	bed_close(&self->bed);
}

static void expect_same(struct __test_metadata *_metadata, const char *name,
			const struct fuse_attr *attr, const struct stat *st)
{
	EXPECT_EQ(st->st_ino, attr->ino) {
		TH_LOG("%s", name);
	}
	EXPECT_EQ(st->st_size, attr->size);
	EXPECT_EQ(st->st_blocks, attr->blocks);
	EXPECT_EQ(st->st_mode, attr->mode);
	EXPECT_EQ(st->st_nlink, attr->nlink);
	EXPECT_EQ(st->st_uid, attr->uid);
	EXPECT_EQ(st->st_gid, attr->gid);
	EXPECT_EQ(st->st_rdev, attr->rdev);
	EXPECT_EQ(st->st_blksize, attr->blksize);
	EXPECT_EQ(st->st_atim.tv_sec, attr->atime);
	EXPECT_EQ(st->st_mtim.tv_sec, attr->mtime);
	EXPECT_EQ(st->st_ctim.tv_sec, attr->ctime);
	EXPECT_EQ(st->st_atim.tv_nsec, attr->atimensec);
	EXPECT_EQ(st->st_mtim.tv_nsec, attr->mtimensec);
	EXPECT_EQ(st->st_ctim.tv_nsec, attr->ctimensec);
}

TEST_F(attr, getattr)
{
	static const char *const names[] = {
		"file", "dir", "symlink", "fifo", "null", "suid", "sparse",
	};
	int fd = self->bed.fd, sparse, i;

	ASSERT_EQ(0, mkdirat(fd, "dir", 01755));
	ASSERT_EQ(0, symlinkat("file", fd, "symlink"));
	ASSERT_EQ(0, mkfifoat(fd, "fifo", 0604));
	ASSERT_EQ(0, mknodat(fd, "null", S_IFCHR | 0666, makedev(1, 3)));
	ASSERT_EQ(0, bed_write_file(&self->bed, "suid", "", 0, 0600));
	ASSERT_EQ(0, fchownat(fd, "suid", 70000, 80000, 0));
	ASSERT_EQ(0, fchmodat(fd, "suid", 06751, 0));
	ASSERT_EQ(0, bed_write_file(&self->bed, "sparse", "x", 1, 0600));
	sparse = openat(fd, "sparse", O_WRONLY);
	ASSERT_EQ(0, ftruncate(sparse, 1LL << 33));
	close(sparse);
	for (i = 0; i < 7; i++) {
		uint64_t node = bed_lookup(self->f, names[i]);

		ASSERT_EQ(0, bed_stat(&self->bed, names[i], &self->st));
		ASSERT_EQ(0, fuse_getattr(self->f, node, &self->attr));
		expect_same(_metadata, names[i], &self->attr, &self->st);
	}
	ASSERT_EQ(0, fstat(fd, &self->st));
	ASSERT_EQ(0, fuse_getattr(self->f, ROOT, &self->attr));
	expect_same(_metadata, "root", &self->attr, &self->st);
	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, 0, NULL));
	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, 424242, NULL));
}

/* By handle, which a file has even when it has no name any more. */
TEST_F(attr, getattr_by_handle)
{
	struct fuse_getattr_in in = { .getattr_flags = FUSE_GETATTR_FH };
	struct fuse_attr_out out;
	struct fuse_call c = {
		.opcode = FUSE_GETATTR, .nodeid = self->file,
		.in = { { &in, sizeof(in) } }, .nr_in = 1,
		.out = &out, .out_size = sizeof(out),
	};
	struct fuse_open_out open;

	ASSERT_EQ(0, fuse_open(self->f, self->file, O_RDWR, &open));
	in.fh = open.fh;
	ASSERT_EQ(0, fuse_call(self->f, &c));
	EXPECT_EQ(10, out.attr.size);
	ASSERT_EQ(0, unlinkat(self->bed.fd, "file", 0));
	ASSERT_EQ(0, fuse_call(self->f, &c));
	EXPECT_EQ(10, out.attr.size);
	EXPECT_EQ(0, out.attr.nlink);
	in.fh = open.fh + 1000;
	EXPECT_EQ(-EBADF, fuse_call(self->f, &c));
}

static int setattr(FIXTURE_DATA(attr) *self, struct fuse_setattr_in in)
{
	int ret = fuse_setattr(self->f, self->file, &in, &self->attr);

	bed_stat(&self->bed, "file", &self->st);
	return ret;
}

TEST_F(attr, set_mode)
{
	static const uint32_t modes[] = { 0, 0777, 0600, 01644, 02755, 04755 };
	struct fuse_setattr_in in = { .valid = FATTR_MODE };
	int i;

	for (i = 0; i < 6; i++) {
		in.mode = S_IFREG | modes[i];
		ASSERT_EQ(0, setattr(self, in));
		EXPECT_EQ(S_IFREG | modes[i], self->st.st_mode);
		expect_same(_metadata, "file", &self->attr, &self->st);
	}
	/* The type is not the guest's to change. */
	in.mode = S_IFDIR | 0700;
	if (!setattr(self, in))
		EXPECT_EQ(S_IFREG | 0700, self->st.st_mode);
}

TEST_F(attr, set_owner)
{
	struct fuse_setattr_in in = {
		.valid = FATTR_UID, .uid = 1111, .gid = 2222,
	};

	ASSERT_EQ(0, setattr(self, in));
	EXPECT_EQ(1111, self->st.st_uid);
	EXPECT_EQ(0, self->st.st_gid);
	in.valid = FATTR_GID;
	ASSERT_EQ(0, setattr(self, in));
	EXPECT_EQ(1111, self->st.st_uid);
	EXPECT_EQ(2222, self->st.st_gid);
	expect_same(_metadata, "file", &self->attr, &self->st);
	in = (struct fuse_setattr_in){ .valid = FATTR_UID, .uid = ~0U };
	EXPECT_EQ(-EINVAL, setattr(self, in));
	in = (struct fuse_setattr_in){ .valid = FATTR_GID, .gid = ~0U };
	EXPECT_EQ(-EINVAL, setattr(self, in));
	EXPECT_EQ(1111, self->st.st_uid);
	EXPECT_EQ(2222, self->st.st_gid);
}

TEST_F(attr, set_size)
{
	struct fuse_setattr_in in = { .valid = FATTR_SIZE, .size = 4 };
	char buf[16];

	ASSERT_EQ(0, setattr(self, in));
	EXPECT_EQ(4, self->st.st_size);
	EXPECT_EQ(4, bed_read_file(&self->bed, "file", buf, sizeof(buf)));
	EXPECT_EQ(0, memcmp(buf, "0123", 4));
	in.size = 8;
	ASSERT_EQ(0, setattr(self, in));
	EXPECT_EQ(8, bed_read_file(&self->bed, "file", buf, sizeof(buf)));
	EXPECT_EQ(0, memcmp(buf, "0123\0\0\0\0", 8));
	in.size = 1ULL << 32;
	ASSERT_EQ(0, setattr(self, in));
	EXPECT_EQ(1LL << 32, self->st.st_size);
	in.size = 1ULL << 63;
	EXPECT_GT(0, setattr(self, in));
	in.size = ~0ULL;
	EXPECT_GT(0, setattr(self, in));
	EXPECT_EQ(1LL << 32, self->st.st_size);
	expect_same(_metadata, "file", &self->attr, &self->st);
}

TEST_F(attr, set_size_by_handle)
{
	struct fuse_setattr_in in = { .valid = FATTR_SIZE | FATTR_FH, .size = 3 };
	struct fuse_open_out rd, wr;

	ASSERT_EQ(0, fuse_open(self->f, self->file, O_RDONLY, &rd));
	ASSERT_EQ(0, fuse_open(self->f, self->file, O_WRONLY, &wr));
	in.fh = wr.fh;
	ASSERT_EQ(0, setattr(self, in));
	EXPECT_EQ(3, self->st.st_size);
	in.fh = 0xffffff;
	in.size = 2;
	EXPECT_EQ(-EBADF, setattr(self, in));
	EXPECT_EQ(3, self->st.st_size);
	in.fh = rd.fh;
	EXPECT_LE(-511, setattr(self, in));
}

TEST_F(attr, size_of_what_has_none)
{
	struct fuse_setattr_in in = { .valid = FATTR_SIZE };
	int fd = self->bed.fd;

	ASSERT_EQ(0, mkdirat(fd, "dir", 0755));
	ASSERT_EQ(0, symlinkat("file", fd, "symlink"));
	ASSERT_EQ(0, mkfifoat(fd, "fifo", 0600));
	EXPECT_EQ(-EISDIR, fuse_setattr(self->f, bed_lookup(self->f, "dir"), &in,
					NULL));
	EXPECT_GT(0, fuse_setattr(self->f, bed_lookup(self->f, "symlink"), &in,
				  NULL));
	EXPECT_GT(0, fuse_setattr(self->f, bed_lookup(self->f, "fifo"), &in,
				  NULL));
	ASSERT_EQ(0, bed_stat(&self->bed, "file", &self->st));
	EXPECT_EQ(10, self->st.st_size);
}

TEST_F(attr, set_times)
{
	struct fuse_setattr_in in = {
		.valid = FATTR_ATIME | FATTR_MTIME,
		.atime = 1000000001, .atimensec = 123000000,
		.mtime = 1500000002, .mtimensec = 456000000,
	};

	ASSERT_EQ(0, setattr(self, in));
	EXPECT_EQ(1000000001, self->st.st_atim.tv_sec);
	EXPECT_EQ(123000000, self->st.st_atim.tv_nsec);
	EXPECT_EQ(1500000002, self->st.st_mtim.tv_sec);
	EXPECT_EQ(456000000, self->st.st_mtim.tv_nsec);
	expect_same(_metadata, "file", &self->attr, &self->st);
	/* Only one, and "now", which is after what was just set. */
	in = (struct fuse_setattr_in){ .valid = FATTR_MTIME | FATTR_MTIME_NOW };
	ASSERT_EQ(0, setattr(self, in));
	EXPECT_EQ(1000000001, self->st.st_atim.tv_sec);
	EXPECT_LT(1500000002, self->st.st_mtim.tv_sec);
	in = (struct fuse_setattr_in){ .valid = FATTR_ATIME | FATTR_ATIME_NOW };
	ASSERT_EQ(0, setattr(self, in));
	EXPECT_LT(1500000002, self->st.st_atim.tv_sec);
}

/* Before 1970, and nanoseconds that are none. */
TEST_F(attr, strange_times)
{
	struct fuse_setattr_in in = {
		.valid = FATTR_ATIME | FATTR_MTIME,
		.atime = -1000, .mtime = -2000,
	};
	int ret;

	ASSERT_EQ(0, setattr(self, in));
	EXPECT_EQ(-1000, self->st.st_atim.tv_sec);
	EXPECT_EQ(-2000, self->st.st_mtim.tv_sec);
	in.atimensec = 2000000000;
	in.mtimensec = ~0U;
	ret = setattr(self, in);
	EXPECT_LE(-511, ret);
	EXPECT_GT(1000000000, self->st.st_atim.tv_nsec);
	EXPECT_GT(1000000000, self->st.st_mtim.tv_nsec);
	EXPECT_LE(0, self->st.st_mtim.tv_nsec);
}

TEST_F(attr, set_all_at_once)
{
	struct fuse_setattr_in in = {
		.valid = FATTR_MODE | FATTR_UID | FATTR_GID | FATTR_SIZE |
			 FATTR_ATIME | FATTR_MTIME | FATTR_CTIME,
		.mode = S_IFREG | 0611, .uid = 31, .gid = 32, .size = 5,
		.atime = 1234567890, .mtime = 1234567891,
	};

	ASSERT_EQ(0, setattr(self, in));
	EXPECT_EQ(S_IFREG | 0611, self->st.st_mode);
	EXPECT_EQ(31, self->st.st_uid);
	EXPECT_EQ(32, self->st.st_gid);
	EXPECT_EQ(5, self->st.st_size);
	EXPECT_EQ(1234567890, self->st.st_atim.tv_sec);
	EXPECT_EQ(1234567891, self->st.st_mtim.tv_sec);
	expect_same(_metadata, "file", &self->attr, &self->st);
}

static bool is_later(const struct stat *a, const struct stat *b)
{
	return a->st_ctim.tv_sec > b->st_ctim.tv_sec ||
	       (a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
		a->st_ctim.tv_nsec > b->st_ctim.tv_nsec);
}

/* What chown(2) without a new owner does: the file counts as changed. */
TEST_F(attr, set_nothing)
{
	struct fuse_setattr_in in = { 0 };
	struct stat before, after;

	ASSERT_EQ(0, bed_stat(&self->bed, "file", &before));
	/* The clock of a file system ticks some hundred times a second. */
	do {
		ASSERT_EQ(0, setattr(self, in));
		ASSERT_EQ(0, bed_stat(&self->bed, "file", &after));
	} while (!is_later(&after, &before));
	expect_same(_metadata, "file", &self->attr, &after);
	after.st_ctim = before.st_ctim;
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(after)));
	EXPECT_EQ(-ESTALE, fuse_setattr(self->f, 424242, &in, NULL));
}

/* A touch clears set-ID bits as a write by one who belongs to no group. */
TEST_F(attr, set_nothing_clears)
{
	struct fuse_setattr_in in = { 0 };

	ASSERT_EQ(0, fchmodat(self->bed.fd, "file", 06755, 0));
	ASSERT_EQ(0, setattr(self, in));
	EXPECT_EQ(S_IFREG | 0755, self->attr.mode);
	ASSERT_EQ(0, fchmodat(self->bed.fd, "file", 02644, 0));
	ASSERT_EQ(0, setattr(self, in));
	EXPECT_EQ(S_IFREG | 0644, self->attr.mode);
	ASSERT_EQ(0, mkdirat(self->bed.fd, "dir", 0755));
	ASSERT_EQ(0, fchmodat(self->bed.fd, "dir", 06755, 0));
	ASSERT_EQ(0, fuse_setattr(self->f, bed_lookup(self->f, "dir"), &in,
				  &self->attr));
	EXPECT_EQ(S_IFDIR | 06755, self->attr.mode);
}

/* A symlink's own attributes, never those of what it names. */
TEST_F(attr, symlinks_are_not_followed)
{
	struct fuse_setattr_in in = { .valid = FATTR_UID, .uid = 77 };
	uint64_t node;

	ASSERT_EQ(0, symlinkat("file", self->bed.fd, "symlink"));
	node = bed_lookup(self->f, "symlink");
	ASSERT_EQ(0, fuse_setattr(self->f, node, &in, &self->attr));
	EXPECT_EQ(77, self->attr.uid);
	ASSERT_EQ(0, bed_stat(&self->bed, "symlink", &self->st));
	EXPECT_EQ(77, self->st.st_uid);
	ASSERT_EQ(0, bed_stat(&self->bed, "file", &self->st));
	EXPECT_EQ(0, self->st.st_uid);
	in = (struct fuse_setattr_in){ .valid = FATTR_MODE, .mode = 0123 };
	fuse_setattr(self->f, node, &in, NULL);
	ASSERT_EQ(0, bed_stat(&self->bed, "file", &self->st));
	EXPECT_EQ(0640, self->st.st_mode & 07777);
}

TEST_F(attr, statx)
{
	struct fuse_statx got = { 0 };
	struct statx want;

	ASSERT_EQ(0, statx(self->bed.fd, "file", AT_SYMLINK_NOFOLLOW,
			   STATX_BASIC_STATS | STATX_BTIME, &want));
	ASSERT_EQ(0, fuse_statx(self->f, self->file,
				STATX_BASIC_STATS | STATX_BTIME, &got));
	EXPECT_EQ(STATX_BASIC_STATS, got.mask & STATX_BASIC_STATS);
	EXPECT_EQ(want.stx_mask & STATX_BTIME, got.mask & STATX_BTIME);
	EXPECT_EQ(want.stx_ino, got.ino);
	EXPECT_EQ(want.stx_size, got.size);
	EXPECT_EQ(want.stx_blocks, got.blocks);
	EXPECT_EQ(want.stx_mode, got.mode);
	EXPECT_EQ(want.stx_nlink, got.nlink);
	EXPECT_EQ(want.stx_uid, got.uid);
	EXPECT_EQ(want.stx_gid, got.gid);
	EXPECT_EQ(want.stx_blksize, got.blksize);
	EXPECT_EQ(want.stx_mtime.tv_sec, got.mtime.tv_sec);
	EXPECT_EQ(want.stx_mtime.tv_nsec, got.mtime.tv_nsec);
	EXPECT_EQ(want.stx_ctime.tv_sec, got.ctime.tv_sec);
	if (want.stx_mask & STATX_BTIME) {
		EXPECT_EQ(want.stx_btime.tv_sec, got.btime.tv_sec);
		EXPECT_EQ(want.stx_btime.tv_nsec, got.btime.tv_nsec);
	}
	EXPECT_EQ(-ESTALE, fuse_statx(self->f, 424242, STATX_BASIC_STATS, &got));
	EXPECT_LE(-511, fuse_statx(self->f, self->file, ~0U, &got));
}

TEST_F(attr, access)
{
	EXPECT_EQ(0, fuse_access(self->f, self->file, F_OK));
	EXPECT_EQ(0, fuse_access(self->f, self->file, R_OK | W_OK));
	EXPECT_EQ(-EACCES, fuse_access(self->f, self->file, X_OK));
	EXPECT_EQ(0, fuse_access(self->f, ROOT, R_OK | W_OK | X_OK));
	EXPECT_EQ(-EINVAL, fuse_access(self->f, self->file, 0x100));
	EXPECT_EQ(-ESTALE, fuse_access(self->f, 424242, F_OK));
}

TEST_F(attr, statfs)
{
	struct fuse_kstatfs got;
	struct statvfs want;

	ASSERT_EQ(0, fstatvfs(self->bed.fd, &want));
	ASSERT_EQ(0, fuse_statfs(self->f, ROOT, &got));
	EXPECT_EQ(want.f_blocks, got.blocks);
	EXPECT_EQ(want.f_files, got.files);
	EXPECT_EQ(want.f_bsize, got.bsize);
	EXPECT_EQ(want.f_frsize, got.frsize);
	EXPECT_EQ(want.f_namemax, got.namelen);
	EXPECT_EQ(0, fuse_statfs(self->f, self->file, &got));
	EXPECT_EQ(-ESTALE, fuse_statfs(self->f, 424242, &got));
}

TEST_F(attr, syncfs)
{
	EXPECT_EQ(0, fuse_syncfs(self->f, ROOT));
	EXPECT_EQ(-ESTALE, fuse_syncfs(self->f, 424242));
}

FIXTURE(readonly) {
	struct bed bed;
};

FIXTURE_SETUP(readonly)
{
	struct bed_config config = { .flags = VHOST_FS_SHARE_READONLY };

	ASSERT_EQ(0, bed_open(&self->bed, &config));
	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "data", 4, 0644));
}

FIXTURE_TEARDOWN(readonly)
{
	bed_close(&self->bed);
}

TEST_F(readonly, nothing_changes)
{
	static const uint32_t valid[] = {
		FATTR_MODE, FATTR_UID, FATTR_GID, FATTR_SIZE, FATTR_ATIME,
		FATTR_MTIME, FATTR_MTIME | FATTR_MTIME_NOW,
	};
	struct fuse *f = &self->bed.fuse;
	uint64_t node = bed_lookup(f, "file");
	struct fuse_setattr_in in = { 0 };
	struct stat before, after;
	int i;

	ASSERT_EQ(0, bed_stat(&self->bed, "file", &before));
	for (i = 0; i < 7; i++) {
		in.valid = valid[i];
		EXPECT_EQ(-EROFS, fuse_setattr(f, node, &in, NULL));
	}
	ASSERT_EQ(0, bed_stat(&self->bed, "file", &after));
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
	EXPECT_EQ(-EROFS, fuse_access(f, node, W_OK));
	EXPECT_EQ(0, fuse_access(f, node, R_OK));
}

TEST_HARNESS_MAIN
