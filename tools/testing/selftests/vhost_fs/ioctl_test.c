// SPDX-License-Identifier: GPL-2.0-only
/*
 * IOCTL and BMAP, held against what the same ioctl says when this process, with
 * the share's credentials, makes it on the same file; and the opcodes that are
 * refused.
 */
#include "bed.h"
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/fsverity.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#define ROOT FUSE_ROOT_ID
#define SALT "0123456789"

FIXTURE(ioctl) {
	struct bed bed;
	struct fuse *f;
	uint64_t node, fh;
	uint64_t dir_fh;		/* of the root */
	int host;			/* the same file, opened by us */
};

static void open_bed(struct __test_metadata *_metadata,
		     FIXTURE_DATA(ioctl) *self, uint32_t flags, bool disk)
{
	struct bed_config config = { .flags = flags, .disk = disk };
	struct fuse_open_out out;

	ASSERT_EQ(0, bed_open(&self->bed, &config));
	self->f = &self->bed.fuse;
	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "data", 4, 0644));
	self->host = openat(self->bed.fd, "file", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->host);
	self->node = bed_lookup(self->f, "file");
	ASSERT_EQ(0, fuse_open(self->f, self->node, O_RDONLY, &out));
	self->fh = out.fh;
	ASSERT_EQ(0, fuse_opendir(self->f, ROOT, &out));
	self->dir_fh = out.fh;
}

FIXTURE_SETUP(ioctl)
{
	open_bed(_metadata, self, 0, false);
}

FIXTURE_TEARDOWN(ioctl)
{
	int flags = 0;

	ioctl(self->host, FS_IOC_SETFLAGS, &flags);
	close(self->host);
	bed_close(&self->bed);
}

/* On the file, as the guest's driver sends it for its own use. */
static int on_file(FIXTURE_DATA(ioctl) *self, uint32_t cmd, void *arg,
		   uint32_t in_size, uint32_t out_size)
{
	struct fuse_ioctl_in in = {
		.fh = self->fh, .cmd = cmd,
		.in_size = in_size, .out_size = out_size,
	};

	return fuse_ioctl(self->f, self->node, &in, arg);
}

static int on_root(FIXTURE_DATA(ioctl) *self, uint32_t cmd, void *arg,
		   uint32_t in_size, uint32_t out_size)
{
	struct fuse_ioctl_in in = {
		.fh = self->dir_fh, .cmd = cmd, .flags = FUSE_IOCTL_DIR,
		.in_size = in_size, .out_size = out_size,
	};

	return fuse_ioctl(self->f, ROOT, &in, arg);
}

/* The same by ourselves: @len, or a negative errno. */
static int by_host(int fd, unsigned long cmd, void *arg, int len)
{
	return ioctl(fd, cmd, arg) ? -errno : len;
}

TEST_F(ioctl, flags)
{
	uint32_t flags = FS_NODUMP_FL, got = 1, host = 2;
	int want = by_host(self->host, FS_IOC_SETFLAGS, &flags, 0);

	EXPECT_EQ(want, on_file(self, FS_IOC_SETFLAGS, &flags, 4, 0));
	want = by_host(self->host, FS_IOC_GETFLAGS, &host, 4);
	EXPECT_EQ(want, on_file(self, FS_IOC_GETFLAGS, &got, 0, 4));
	if (want == 4)
		EXPECT_EQ(host, got);
	/* Eight bytes are what the number says, and four what is meant. */
	EXPECT_EQ(want, on_file(self, FS_IOC_GETFLAGS, &got, 0, 8));
	EXPECT_EQ(want, on_file(self, FS_IOC32_GETFLAGS, &got, 0, 4));
	flags = 0;
	want = by_host(self->host, FS_IOC_SETFLAGS, &flags, 0);
	EXPECT_EQ(want, on_file(self, FS_IOC32_SETFLAGS, &flags, 4, 0));
}

TEST_F(ioctl, flags_are_the_files)
{
	uint32_t flags = FS_NODUMP_FL, host = 0;

	if (on_file(self, FS_IOC_SETFLAGS, &flags, 4, 0) == -ENOTTY)
		SKIP(return, "the file system has no flags");
	ASSERT_EQ(0, ioctl(self->host, FS_IOC_GETFLAGS, &host));
	EXPECT_EQ(FS_NODUMP_FL, host & FS_NODUMP_FL);
}

TEST_F(ioctl, directory)
{
	uint32_t got = 1, host = 2;
	int want = by_host(self->bed.fd, FS_IOC_GETFLAGS, &host, 4);

	EXPECT_EQ(want, on_root(self, FS_IOC_GETFLAGS, &got, 0, 4));
	if (want == 4)
		EXPECT_EQ(host, got);
}

TEST_F(ioctl, fsxattr)
{
	struct fsxattr got = { 0 }, host = { 0 };
	int want = by_host(self->host, FS_IOC_FSGETXATTR, &host, sizeof(host));

	EXPECT_EQ(want, on_file(self, FS_IOC_FSGETXATTR, &got, 0, sizeof(got)));
	EXPECT_EQ(0, memcmp(&got, &host, sizeof(got)));
	host.fsx_xflags |= FS_XFLAG_NODUMP;
	got = host;
	want = by_host(self->host, FS_IOC_FSSETXATTR, &host, 0);
	EXPECT_EQ(want, on_file(self, FS_IOC_FSSETXATTR, &got, sizeof(got), 0));
	got.fsx_projid = 77;
	host = got;
	want = on_file(self, FS_IOC_FSSETXATTR, &got, sizeof(got), 0);
	EXPECT_EQ(by_host(self->host, FS_IOC_FSSETXATTR, &host, 0), want);
}

TEST_F(ioctl, version)
{
	uint32_t got = 1, host = 2;
	int want = by_host(self->host, FS_IOC_GETVERSION, &host, 4);

	EXPECT_EQ(want, on_file(self, FS_IOC_GETVERSION, &got, 0, 8));
	if (want == 4)
		EXPECT_EQ(host, got);
	EXPECT_EQ(want, on_file(self, FS_IOC32_GETVERSION, &got, 0, 4));
}

/* Only who may set them on the host may set them from a guest. */
TEST_F(ioctl, immutable_needs_the_capability)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct caps[2], all[2];
	struct vhost_fs_add_share arg = {
		.size = sizeof(arg), .name = "ioctl-test-nocap",
		.root_fd = self->bed.fd,
	};
	struct fuse_open_out out;
	uint32_t flags = 0, immutable;
	struct ring_dev dev;
	struct fuse f;
	int error;

	if (on_file(self, FS_IOC_GETFLAGS, &flags, 0, 4) != 4)
		SKIP(return, "the file system has no flags");
	ASSERT_EQ(0, syscall(SYS_capget, &head, all));
	memcpy(caps, all, sizeof(caps));
	caps[0].effective &= ~(1U << CAP_LINUX_IMMUTABLE);
	ASSERT_EQ(0, syscall(SYS_capset, &head, caps));
	error = share_add(&arg);
	ASSERT_EQ(0, syscall(SYS_capset, &head, all));
	ASSERT_EQ(0, error);
	ASSERT_EQ(0, ring_open(&dev, &(struct ring_config){ 0 }));
	fuse_session(&f, &dev, RING_REQUEST);
	ASSERT_EQ(0, ring_attach(&dev, "ioctl-test-nocap"));
	EXPECT_EQ(0, share_remove("ioctl-test-nocap"));
	ASSERT_EQ(0, ring_set_running(&dev, true));
	ASSERT_EQ(0, fuse_init(&f));
	self->f = &f;
	self->node = bed_lookup(&f, "file");
	ASSERT_EQ(0, fuse_open(&f, self->node, O_RDONLY, &out));
	self->fh = out.fh;

	immutable = flags | FS_IMMUTABLE_FL;
	EXPECT_EQ(-EPERM, on_file(self, FS_IOC_SETFLAGS, &immutable, 4, 0));
	immutable = flags | FS_APPEND_FL;
	EXPECT_EQ(-EPERM, on_file(self, FS_IOC_SETFLAGS, &immutable, 4, 0));
	EXPECT_EQ(0, on_file(self, FS_IOC_SETFLAGS, &flags, 4, 0));
	ring_close(&dev);
}

TEST_F(ioctl, read_only_share)
{
	struct fsverity_enable_arg enable = {
		.version = 1, .hash_algorithm = 1, .block_size = 4096,
	};
	struct fsxattr attr = { 0 };
	uint32_t flags = 0;

	close(self->host);
	bed_close(&self->bed);
	open_bed(_metadata, self, VHOST_FS_SHARE_READONLY, false);
	EXPECT_EQ(-EROFS, on_file(self, FS_IOC_SETFLAGS, &flags, 4, 0));
	EXPECT_EQ(-EROFS, on_file(self, FS_IOC_FSSETXATTR, &attr, sizeof(attr),
				  0));
	EXPECT_EQ(-EROFS, on_file(self, FS_IOC_ENABLE_VERITY, &enable,
				  sizeof(enable), 0));
}

/* Salt and signature lie behind the argument, as the guest's driver puts them. */
static int enable_verity(FIXTURE_DATA(ioctl) *self, uint32_t salt, uint32_t sig,
			 uint32_t more)
{
	struct {
		struct fsverity_enable_arg head;
		char more[20000];
	} arg = {
		.head = {
			.version = 1, .hash_algorithm = FS_VERITY_HASH_ALG_SHA256,
			.block_size = 4096, .salt_size = salt, .sig_size = sig,
			/* The guest's, and not to be believed. */
			.salt_ptr = 0x1000, .sig_ptr = ~0ULL,
		},
		.more = SALT,
	};

	return on_file(self, FS_IOC_ENABLE_VERITY, &arg,
		       sizeof(arg.head) + more, 0);
}

static int enable_by_host(FIXTURE_DATA(ioctl) *self)
{
	struct fsverity_enable_arg arg = {
		.version = 1, .hash_algorithm = FS_VERITY_HASH_ALG_SHA256,
		.block_size = 4096, .salt_size = sizeof(SALT) - 1,
		.salt_ptr = (uintptr_t)SALT,
	};

	return by_host(self->host, FS_IOC_ENABLE_VERITY, &arg, 0);
}

struct digest {
	struct fsverity_digest head;
	uint8_t digest[64];
};

static int measure(FIXTURE_DATA(ioctl) *self, struct digest *d, uint16_t room)
{
	memset(d, 0xee, sizeof(*d));
	d->head.digest_size = room;
	return on_file(self, FS_IOC_MEASURE_VERITY, d,
		       sizeof(d->head) + room, sizeof(d->head) + room);
}

/* Where the file system has none, it says so to both. */
TEST_F(ioctl, no_verity)
{
	struct digest got, host = { .head.digest_size = 64 };
	int want = by_host(self->host, FS_IOC_MEASURE_VERITY, &host, 0);

	EXPECT_GT(0, want);
	EXPECT_EQ(want, measure(self, &got, 64));
	want = enable_by_host(self);
	EXPECT_GT(0, want);
	EXPECT_EQ(want, enable_verity(self, sizeof(SALT) - 1, 0, sizeof(SALT) - 1));
}

static bool kernel_has_verity(void)
{
	return !access("/sys/fs/ext4/features/verity", F_OK);
}

static void on_disk(struct __test_metadata *_metadata, FIXTURE_DATA(ioctl) *self)
{
	close(self->host);
	bed_close(&self->bed);
	open_bed(_metadata, self, 0, true);
}

TEST_F(ioctl, verity)
{
	struct digest got, host = { .head.digest_size = 64 };
	struct fuse_open_out out;
	char buf[8];
	uint16_t size;

	if (!kernel_has_verity())
		SKIP(return, "the kernel has no fs-verity");
	on_disk(_metadata, self);
	EXPECT_EQ(-ENODATA, measure(self, &got, 64));
	EXPECT_EQ(0, enable_verity(self, sizeof(SALT) - 1, 0, sizeof(SALT) - 1));
	EXPECT_EQ(-EEXIST, enable_verity(self, 0, 0, 0));
	ASSERT_EQ(0, ioctl(self->host, FS_IOC_MEASURE_VERITY, &host));
	size = host.head.digest_size;
	EXPECT_EQ(32, size);
	EXPECT_EQ(4 + size, measure(self, &got, 64));
	EXPECT_EQ(0, memcmp(&got, &host, 4 + size));
	EXPECT_EQ(4 + size, measure(self, &got, size));
	EXPECT_EQ(-EOVERFLOW, measure(self, &got, size - 1));
	EXPECT_EQ(-EOVERFLOW, measure(self, &got, 0));
	/* Nobody writes to it any more, and it is read as before. */
	EXPECT_EQ(-EPERM, fuse_open(self->f, self->node, O_RDWR, &out));
	ASSERT_EQ(0, fuse_open(self->f, self->node, O_RDONLY, &out));
	EXPECT_EQ(4, fuse_read(self->f, self->node, out.fh, 0, buf, 8));
	EXPECT_EQ(0, memcmp(buf, "data", 4));
}

/* While somebody can write through an open file, there is nothing to seal. */
TEST_F(ioctl, verity_while_open_for_writing)
{
	struct fuse_open_out out;

	if (!kernel_has_verity())
		SKIP(return, "the kernel has no fs-verity");
	on_disk(_metadata, self);
	ASSERT_EQ(0, fuse_open(self->f, self->node, O_RDWR, &out));
	EXPECT_EQ(-ETXTBSY, enable_verity(self, 0, 0, 0));
	ASSERT_EQ(0, fuse_release(self->f, self->node, out.fh));
	EXPECT_EQ(0, enable_verity(self, 0, 0, 0));
}

/* To read a file is no right to end all writing to it. */
TEST_F(ioctl, verity_takes_a_writer)
{
	struct digest got;

	if (!kernel_has_verity())
		SKIP(return, "the kernel has no fs-verity");
	on_disk(_metadata, self);
	self->f->uid = self->f->gid = 1000;
	EXPECT_EQ(-EACCES, enable_verity(self, 0, 0, 0));
	self->f->uid = self->f->gid = ~0U;
	EXPECT_EQ(-EPERM, enable_verity(self, 0, 0, 0));
	ASSERT_EQ(0, fchmodat(self->bed.fd, "file", 0666, 0));
	/* Whoever it is: one who isn't named has no right by that. */
	EXPECT_EQ(-EPERM, enable_verity(self, 0, 0, 0));
	EXPECT_EQ(-ENODATA, measure(self, &got, 64));
	self->f->uid = self->f->gid = 1000;
	EXPECT_EQ(0, enable_verity(self, 0, 0, 0));
	EXPECT_EQ(36, measure(self, &got, 64));
}

/* The salt that was sent is the one that is used. */
TEST_F(ioctl, verity_salt)
{
	struct digest plain, salted;

	if (!kernel_has_verity())
		SKIP(return, "the kernel has no fs-verity");
	on_disk(_metadata, self);
	ASSERT_EQ(0, enable_verity(self, sizeof(SALT) - 1, 0, sizeof(SALT) - 1));
	ASSERT_EQ(36, measure(self, &salted, 64));
	close(self->host);
	ASSERT_EQ(0, bed_write_file(&self->bed, "other", "data", 4, 0644));
	self->host = openat(self->bed.fd, "other", O_RDONLY | O_CLOEXEC);
	ASSERT_EQ(0, enable_by_host(self));
	plain.head.digest_size = 64;
	ASSERT_EQ(0, ioctl(self->host, FS_IOC_MEASURE_VERITY, &plain));
	EXPECT_EQ(0, memcmp(&plain, &salted, 36));
}

TEST_F(ioctl, verity_lengths)
{
	EXPECT_EQ(-EMSGSIZE, enable_verity(self, 33, 0, 33));
	EXPECT_EQ(-EMSGSIZE, enable_verity(self, 0, 16129, 16129));
	EXPECT_EQ(-EMSGSIZE, enable_verity(self, ~0U, 1, 0));
	EXPECT_EQ(-EINVAL, enable_verity(self, 8, 8, 15));
	EXPECT_EQ(-EINVAL, enable_verity(self, 8, 8, 17));
	EXPECT_EQ(-EINVAL, enable_verity(self, 0, 0, 20000));
}

TEST_F(ioctl, sizes_come_from_the_table)
{
	static const uint32_t cmds[] = {
		FS_IOC_GETFLAGS, FS_IOC_SETFLAGS, FS_IOC_FSGETXATTR,
		FS_IOC_FSSETXATTR, FS_IOC_GETVERSION, FS_IOC_ENABLE_VERITY,
	};
	static const uint32_t sizes[] = { 1, 2, 3, 5, 7, 9, 27, 29, 127, 16300 };
	char arg[32768] = { 0 };
	unsigned int i, j;

	for (i = 0; i < sizeof(cmds) / sizeof(cmds[0]); i++) {
		for (j = 0; j < sizeof(sizes) / sizeof(sizes[0]); j++) {
			EXPECT_EQ(-EINVAL, on_file(self, cmds[i], arg, 0,
						   sizes[j]));
			EXPECT_EQ(-EINVAL, on_file(self, cmds[i], arg, sizes[j],
						   sizes[j]));
		}
	}
	EXPECT_EQ(-EINVAL, on_file(self, FS_IOC_GETFLAGS, arg, 4, 4));
	EXPECT_EQ(-EINVAL, on_file(self, FS_IOC_SETFLAGS, arg, 4, 4));
	EXPECT_EQ(-EINVAL, on_file(self, FS_IOC_SETFLAGS, arg, 0, 0));
}

/* What @in says, and what is there. */
TEST_F(ioctl, size_that_is_a_lie)
{
	struct {
		struct fuse_ioctl_in in;
		char arg[64];
	} arg = {
		.in = {
			.fh = self->fh, .cmd = FS_IOC_SETFLAGS, .in_size = 4,
		},
	};
	char out[64];
	struct fuse_call c = {
		.opcode = FUSE_IOCTL, .nodeid = self->node,
		.in = { { &arg, sizeof(arg.in) } }, .nr_in = 1,
		.out = out, .out_size = sizeof(struct fuse_ioctl_out),
	};

	EXPECT_EQ(-EINVAL, fuse_call(self->f, &c));
	c.in[0].iov_len = sizeof(arg.in) + 8;
	EXPECT_EQ(-EINVAL, fuse_call(self->f, &c));
	/* Less room than it says. */
	arg.in.cmd = FS_IOC_GETFLAGS;
	arg.in.in_size = 0;
	arg.in.out_size = 4;
	c.in[0].iov_len = sizeof(arg.in);
	EXPECT_EQ(-EINVAL, fuse_call(self->f, &c));
}

TEST_F(ioctl, flags_of_the_request)
{
	static const uint32_t good[] = {
		FUSE_IOCTL_32BIT, FUSE_IOCTL_COMPAT | FUSE_IOCTL_32BIT,
		FUSE_IOCTL_COMPAT | FUSE_IOCTL_32BIT | FUSE_IOCTL_COMPAT_X32,
	};
	struct fuse_ioctl_in in = {
		.fh = self->fh, .cmd = FS_IOC_GETFLAGS, .out_size = 4,
	};
	uint32_t got, host;
	int want = by_host(self->host, FS_IOC_GETFLAGS, &host, 4);
	unsigned int i;

	for (i = 0; i < 3; i++) {
		in.flags = good[i];
		EXPECT_EQ(want, fuse_ioctl(self->f, self->node, &in, &got));
	}
	in.flags = FUSE_IOCTL_UNRESTRICTED;
	EXPECT_EQ(-EINVAL, fuse_ioctl(self->f, self->node, &in, &got));
	in.flags = FUSE_IOCTL_RETRY;
	EXPECT_EQ(-EINVAL, fuse_ioctl(self->f, self->node, &in, &got));
	in.flags = 1U << 31;
	EXPECT_EQ(-EINVAL, fuse_ioctl(self->f, self->node, &in, &got));
}

TEST_F(ioctl, handles)
{
	struct fuse_ioctl_in in = {
		.fh = self->fh, .cmd = FS_IOC_GETFLAGS, .out_size = 4,
		.flags = FUSE_IOCTL_DIR,
	};
	uint32_t flags;

	EXPECT_EQ(-EBADF, fuse_ioctl(self->f, self->node, &in, &flags));
	EXPECT_EQ(-EBADF, fuse_ioctl(self->f, ROOT, &in, &flags));
	in.flags = 0;
	EXPECT_EQ(-EBADF, fuse_ioctl(self->f, ROOT, &in, &flags));
	in.fh = self->dir_fh;
	EXPECT_EQ(-EBADF, fuse_ioctl(self->f, ROOT, &in, &flags));
	in.fh = 0;
	EXPECT_EQ(-EBADF, fuse_ioctl(self->f, self->node, &in, &flags));
}

TEST_F(ioctl, everything_else)
{
	static const uint32_t cmds[] = {
		0, ~0U, FS_IOC_SETVERSION, FIFREEZE, FITHAW, FICLONE,
		FIDEDUPERANGE, FIBMAP, FIGETBSZ, FIONREAD, FIOASYNC, BLKDISCARD,
		FS_IOC_GETFSLABEL, FS_IOC_SETFSLABEL, FS_IOC_FIEMAP,
		FS_IOC_READ_VERITY_METADATA,
	};
	char arg[4096] = { 0 };
	unsigned int i;

	for (i = 0; i < sizeof(cmds) / sizeof(cmds[0]); i++)
		EXPECT_EQ(-ENOTTY, on_file(self, cmds[i], arg, 64, 64));
	EXPECT_EQ(-EPERM, on_file(self, FITRIM, arg, sizeof(struct fstrim_range),
				  sizeof(struct fstrim_range)));
	EXPECT_EQ(-EPERM, on_root(self, FITRIM, arg, sizeof(struct fstrim_range),
				  sizeof(struct fstrim_range)));
}

TEST_F(ioctl, bmap)
{
	struct fuse_bmap_in in = { .block = 0 };
	struct fuse_bmap_out out;
	struct fuse_call c = {
		.opcode = FUSE_BMAP, .nodeid = self->node,
		.in = { { &in, sizeof(in) } }, .nr_in = 1,
		.out = &out, .out_size = sizeof(out),
	};
	int block = 0, blocksize, want;

	ASSERT_EQ(0, fsync(self->host));
	want = by_host(self->host, FIBMAP, &block, 0);
	ASSERT_EQ(0, ioctl(self->host, FIGETBSZ, &blocksize));
	in.blocksize = blocksize;
	EXPECT_EQ(want, fuse_call(self->f, &c));
	if (!want)
		EXPECT_EQ(block, (int)out.block);
	in.blocksize = 1;
	EXPECT_EQ(-EINVAL, fuse_call(self->f, &c));
	in.blocksize = blocksize;
	in.block = ~0ULL;
	EXPECT_EQ(-EINVAL, fuse_call(self->f, &c));
	in.block = 0;
	c.nodeid = ROOT;
	EXPECT_EQ(-EINVAL, fuse_call(self->f, &c));
}

/* ENOSYS is what a guest remembers; and the session goes on. */
TEST_F(ioctl, poll_and_notify_reply)
{
	struct fuse_poll_in in = { .fh = self->fh };
	struct fuse_notify_retrieve_in reply = { .size = 4 };
	struct fuse_poll_out out;
	struct fuse_call c = {
		.opcode = FUSE_POLL, .nodeid = self->node,
		.in = { { &in, sizeof(in) } }, .nr_in = 1,
		.out = &out, .out_size = sizeof(out),
	};

	EXPECT_EQ(-ENOSYS, fuse_call(self->f, &c));
	c.opcode = FUSE_NOTIFY_REPLY;
	c.in[0] = (struct iovec){ &reply, sizeof(reply) };
	EXPECT_EQ(-ENOSYS, fuse_call(self->f, &c));
	EXPECT_EQ(0, fuse_getattr(self->f, self->node, NULL));
}

TEST_HARNESS_MAIN
