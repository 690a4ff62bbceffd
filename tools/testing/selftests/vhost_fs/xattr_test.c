// SPDX-License-Identifier: GPL-2.0-only
/*
 * Extended attributes: SETXATTR, GETXATTR, LISTXATTR and REMOVEXATTR, held
 * against what the host's own system calls say of a twin of each file.
 */
#include "bed.h"
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/limits.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#define ROOT FUSE_ROOT_ID

FIXTURE(xattr) {
	struct bed bed;
	struct fuse *f;
	uint64_t file;
	char buf[XATTR_SIZE_MAX + 2], other[XATTR_SIZE_MAX + 2];
};

FIXTURE_SETUP(xattr)
{
	struct bed_config config = { .flags = VHOST_FS_SHARE_XATTR };

	ASSERT_EQ(0, bed_open(&self->bed, &config));
	self->f = &self->bed.fuse;
	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "", 0, 0640));
	ASSERT_EQ(0, bed_write_file(&self->bed, "twin", "", 0, 0640));
	self->file = bed_lookup(self->f, "file");
}

FIXTURE_TEARDOWN(xattr)
{
	bed_close(&self->bed);
}

/* lsetxattr() and so on of a name in the shared directory, with -errno. */
static const char *host_path(struct bed *bed, const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", bed->dir, name);
	return path;
}

static int host_set(struct bed *bed, const char *file, const char *name,
		    const void *value, size_t size, int flags)
{
	return lsetxattr(host_path(bed, file), name, value, size, flags) ?
		-errno : 0;
}

static int host_get(struct bed *bed, const char *file, const char *name,
		    void *value, size_t size)
{
	int len = lgetxattr(host_path(bed, file), name, value, size);

	return len < 0 ? -errno : len;
}

static int host_remove(struct bed *bed, const char *file, const char *name)
{
	return lremovexattr(host_path(bed, file), name) ? -errno : 0;
}

static int host_list(struct bed *bed, const char *file, char *list, size_t size)
{
	int len = llistxattr(host_path(bed, file), list, size);

	return len < 0 ? -errno : len;
}

/* What the guest sets is what the host has, and the other way round. */
TEST_F(xattr, values)
{
	static const size_t sizes[] = { 0, 1, 7, 255, 256, 3000 };
	unsigned int i;

	for (i = 0; i < 6; i++) {
		int size = sizes[i];

		bed_pattern(self->buf, size, i, 1);
		ASSERT_EQ(0, fuse_setxattr(self->f, self->file, "user.v",
					   self->buf, size, 0, 0)) {
			TH_LOG("%d bytes", size);
		}
		ASSERT_EQ(size, host_get(&self->bed, "file", "user.v",
					 self->other, sizeof(self->other)));
		EXPECT_EQ(0, memcmp(self->buf, self->other, size));

		bed_pattern(self->buf, size, i, 2);
		ASSERT_EQ(0, host_set(&self->bed, "file", "user.v", self->buf,
				      size, XATTR_REPLACE));
		EXPECT_EQ(size, fuse_getxattr(self->f, self->file, "user.v",
					      NULL, 0));
		ASSERT_EQ(size, fuse_getxattr(self->f, self->file, "user.v",
					      self->other, 4096));
		EXPECT_EQ(0, memcmp(self->buf, self->other, size));
	}
}

/* As large as the interface allows: the file system has the last word. */
TEST_F(xattr, largest_value)
{
	int want;

	memset(self->buf, 'x', sizeof(self->buf));
	want = host_set(&self->bed, "twin", "user.v", self->buf, XATTR_SIZE_MAX,
			0);
	EXPECT_EQ(want, fuse_setxattr(self->f, self->file, "user.v", self->buf,
				      XATTR_SIZE_MAX, 0, 0));
	if (!want) {
		EXPECT_EQ(XATTR_SIZE_MAX,
			  fuse_getxattr(self->f, self->file, "user.v",
					self->other, XATTR_SIZE_MAX));
		EXPECT_EQ(0, memcmp(self->buf, self->other, XATTR_SIZE_MAX));
	}
	EXPECT_EQ(-E2BIG, fuse_setxattr(self->f, self->file, "user.w",
					self->buf, XATTR_SIZE_MAX + 1, 0, 0));
	EXPECT_EQ(-ENODATA, fuse_getxattr(self->f, self->file, "user.w", NULL,
					  0));
}

TEST_F(xattr, room_for_value)
{
	ASSERT_EQ(0, host_set(&self->bed, "file", "user.v", "0123456789", 10,
			      0));
	EXPECT_EQ(10, fuse_getxattr(self->f, self->file, "user.v", self->buf,
				    10));
	EXPECT_EQ(-ERANGE, fuse_getxattr(self->f, self->file, "user.v",
					 self->buf, 9));
	EXPECT_EQ(-ERANGE, fuse_getxattr(self->f, self->file, "user.v",
					 self->buf, 1));
	EXPECT_EQ(10, fuse_getxattr(self->f, self->file, "user.v", self->buf,
				    XATTR_SIZE_MAX + 1));
	EXPECT_EQ(-ENODATA, fuse_getxattr(self->f, self->file, "user.w",
					  self->buf, 100));
	EXPECT_EQ(-ENODATA, fuse_getxattr(self->f, self->file, "user.w", NULL,
					  0));
}

/* A reply that has less room than its request says. */
TEST_F(xattr, less_room_than_said)
{
	struct fuse_getxattr_in in = { .size = 10 };
	struct fuse_call c = {
		.opcode = FUSE_GETXATTR, .nodeid = self->file,
		.in = { { &in, sizeof(in) }, { "user.v", 7 } }, .nr_in = 2,
		.out = self->buf,
	};

	ASSERT_EQ(0, host_set(&self->bed, "file", "user.v", "0123456789", 10,
			      0));
	for (c.out_size = 0; c.out_size < 10; c.out_size++)
		EXPECT_EQ(-ERANGE, fuse_call(self->f, &c)) {
			TH_LOG("room for %zu", c.out_size);
		}
	EXPECT_EQ(0, fuse_call(self->f, &c));
	EXPECT_EQ(10, c.out_len);
	in.size = UINT32_MAX;
	EXPECT_EQ(0, fuse_call(self->f, &c));
	EXPECT_EQ(10, c.out_len);
	in.size = 0;
	c.out_size = 7;
	EXPECT_EQ(-EIO, fuse_call(self->f, &c));

	c.opcode = FUSE_LISTXATTR;
	c.nr_in = 1;
	EXPECT_EQ(-EIO, fuse_call(self->f, &c));
	in.size = 100;
	c.out_size = 6;
	EXPECT_EQ(-ERANGE, fuse_call(self->f, &c));
	c.out_size = 100;
	EXPECT_EQ(0, fuse_call(self->f, &c));
	EXPECT_LE(7, c.out_len);
}

TEST_F(xattr, create_and_replace)
{
	struct fuse *f = self->f;
	uint64_t file = self->file;

	EXPECT_EQ(-ENODATA, fuse_setxattr(f, file, "user.v", "a", 1,
					  XATTR_REPLACE, 0));
	EXPECT_EQ(0, fuse_setxattr(f, file, "user.v", "b", 1, XATTR_CREATE, 0));
	EXPECT_EQ(-EEXIST, fuse_setxattr(f, file, "user.v", "c", 1,
					 XATTR_CREATE, 0));
	EXPECT_EQ(0, fuse_setxattr(f, file, "user.v", "d", 1, XATTR_REPLACE, 0));
	EXPECT_EQ(0, fuse_setxattr(f, file, "user.v", "e", 1, 0, 0));
	EXPECT_EQ(1, host_get(&self->bed, "file", "user.v", self->buf, 10));
	EXPECT_EQ('e', self->buf[0]);
	EXPECT_EQ(-EINVAL, fuse_setxattr(f, file, "user.v", "f", 1, 4, 0));
	EXPECT_EQ(-EINVAL, fuse_setxattr(f, file, "user.v", "f", 1, 1U << 31,
					 0));
	EXPECT_EQ(host_set(&self->bed, "twin", "user.v", "f", 1,
			   XATTR_CREATE | XATTR_REPLACE),
		  fuse_setxattr(f, file, "user.w", "f", 1,
				XATTR_CREATE | XATTR_REPLACE, 0));
}

/* The length that the arguments give is that of the data, to the byte. */
TEST_F(xattr, wrong_length)
{
	struct fuse_setxattr_in in = { 0 };
	struct fuse_call c = {
		.opcode = FUSE_SETXATTR, .nodeid = self->file,
		.in = { { &in, FUSE_COMPAT_SETXATTR_IN_SIZE }, { "user.v", 7 },
			{ self->buf, 16 } },
		.nr_in = 3,
	};
	static const uint32_t sizes[] = { 0, 1, 15, 17, 24, 255, 4096 };
	unsigned int i;

	for (i = 0; i < 7; i++) {
		in.size = sizes[i];
		EXPECT_EQ(-EINVAL, fuse_call(self->f, &c)) {
			TH_LOG("%u", in.size);
		}
	}
	in.size = 1;
	c.nr_in = 2;
	EXPECT_EQ(-EINVAL, fuse_call(self->f, &c));
	EXPECT_EQ(-ENODATA, host_get(&self->bed, "file", "user.v", NULL, 0));
	in.size = 16;
	c.nr_in = 3;
	EXPECT_EQ(0, fuse_call(self->f, &c));
	EXPECT_EQ(16, host_get(&self->bed, "file", "user.v", NULL, 0));
	/* No NUL at all behind the name, with little and with much data. */
	c.in[1].iov_len = 6;
	memset(self->buf, 'x', 4096);
	EXPECT_EQ(-EINVAL, fuse_call(self->f, &c));
	c.in[2].iov_len = 4096;
	in.size = 4096;
	EXPECT_EQ(-ERANGE, fuse_call(self->f, &c));
}

/* Every shorter request, and one that is a byte longer. */
static void every_length(struct __test_metadata *_metadata,
			 FIXTURE_DATA(xattr) *self, uint32_t opcode,
			 const char *args, size_t len, size_t room)
{
	struct fuse_call c = {
		.opcode = opcode, .nodeid = self->file, .nr_in = 1,
		.in[0].iov_base = (void *)args, .out = self->other,
	};
	size_t *at = &c.in[0].iov_len;

	for (*at = 0; *at <= len + 1; ++*at) {
		c.out_size = room;
		c.nr_in = !!*at;
		fuse_call(self->f, &c);
		EXPECT_TRUE(*at == len ? !c.error : c.error == -EINVAL ||
						    c.error == -ERANGE) {
			TH_LOG("opcode %u, %zu bytes: %d", opcode, *at, c.error);
		}
	}
}

TEST_F(xattr, every_wrong_length)
{
	static const char set[] = "\5\0\0\0\0\0\0\0user.v\0value!";
	static const char get[] = "\144\0\0\0\0\0\0\0user.v\0!";
	static const char remove[] = "user.v\0!";

	every_length(_metadata, self, FUSE_SETXATTR, set, sizeof(set) - 2, 0);
	every_length(_metadata, self, FUSE_GETXATTR, get, sizeof(get) - 2, 100);
	every_length(_metadata, self, FUSE_REMOVEXATTR, remove,
		     sizeof(remove) - 2, 0);
	EXPECT_EQ(-ENODATA, host_get(&self->bed, "file", "user.v", NULL, 0));
}

static const char *const names[] = {
	"user.v", "user.", "user", "u", ".", "..", "user./", "user.a/b/../c",
	"trusted.v", "trusted.", "security.v", "security.", "system.v",
	"system.", "system.posix_acl", "system.posix_acl_accessx", "none.v",
	"USER.v", "user.\xc3\xa4", "overlay.v", "btrfs.compression", " ",
};

/* Which names there are on which kinds of file, and who may set them. */
static void same_as_host(struct __test_metadata *_metadata, struct bed *bed,
			 const char *file, const char *twin)
{
	uint64_t node = bed_lookup(&bed->fuse, file);
	char buf[16], other[16];
	unsigned int i;
	int want;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *name = names[i];

		want = host_set(bed, twin, name, "value", 5, 0);
		EXPECT_EQ(want, fuse_setxattr(&bed->fuse, node, name, "value", 5,
					      0, 0)) {
			TH_LOG("set %s of %s", name, file);
		}
		want = host_get(bed, twin, name, other, sizeof(other));
		EXPECT_EQ(want, fuse_getxattr(&bed->fuse, node, name, buf,
					      sizeof(buf))) {
			TH_LOG("get %s of %s", name, file);
		}
		want = host_remove(bed, twin, name);
		EXPECT_EQ(want, fuse_removexattr(&bed->fuse, node, name)) {
			TH_LOG("remove %s of %s", name, file);
		}
		want = host_remove(bed, twin, name);
		EXPECT_EQ(want, fuse_removexattr(&bed->fuse, node, name)) {
			TH_LOG("remove %s of %s again", name, file);
		}
	}
}

TEST_F(xattr, names)
{
	int fd = self->bed.fd;

	same_as_host(_metadata, &self->bed, "file", "twin");
	ASSERT_EQ(0, mkdirat(fd, "dir", 0755));
	ASSERT_EQ(0, mkdirat(fd, "dir2", 0755));
	same_as_host(_metadata, &self->bed, "dir", "dir2");
	ASSERT_EQ(0, symlinkat("file", fd, "link"));
	ASSERT_EQ(0, symlinkat("file", fd, "link2"));
	same_as_host(_metadata, &self->bed, "link", "link2");
	ASSERT_EQ(0, mkfifoat(fd, "fifo", 0644));
	ASSERT_EQ(0, mkfifoat(fd, "fifo2", 0644));
	same_as_host(_metadata, &self->bed, "fifo", "fifo2");
}

TEST_F(xattr, long_names)
{
	char name[XATTR_NAME_MAX + 2] = "user.";

	memset(name + 5, 'n', sizeof(name) - 5);
	name[XATTR_NAME_MAX] = '\0';
	EXPECT_EQ(host_set(&self->bed, "twin", name, "v", 1, 0),
		  fuse_setxattr(self->f, self->file, name, "v", 1, 0, 0));
	EXPECT_EQ(1, fuse_getxattr(self->f, self->file, name, NULL, 0));
	EXPECT_EQ(XATTR_NAME_MAX + 1, fuse_listxattr(self->f, self->file,
						     self->buf, 1000));
	EXPECT_STREQ(name, self->buf);
	EXPECT_EQ(0, fuse_removexattr(self->f, self->file, name));

	name[XATTR_NAME_MAX] = 'n';
	name[XATTR_NAME_MAX + 1] = '\0';
	EXPECT_EQ(-ERANGE, fuse_setxattr(self->f, self->file, name, "v", 1, 0,
					 0));
	EXPECT_EQ(-ERANGE, fuse_getxattr(self->f, self->file, name, NULL, 0));
	EXPECT_EQ(-ERANGE, fuse_removexattr(self->f, self->file, name));
	EXPECT_EQ(-ERANGE, fuse_setxattr(self->f, self->file, "", "v", 1, 0, 0));
	EXPECT_EQ(-ERANGE, fuse_getxattr(self->f, self->file, "", NULL, 0));
	EXPECT_EQ(-ERANGE, fuse_removexattr(self->f, self->file, ""));
}

TEST_F(xattr, list)
{
	char name[32];
	int i, want;

	EXPECT_EQ(0, fuse_listxattr(self->f, self->file, NULL, 0));
	EXPECT_EQ(0, fuse_listxattr(self->f, self->file, self->buf, 1));
	for (i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "%s.n%d",
			 i % 2 ? "user" : "trusted", i);
		ASSERT_EQ(0, fuse_setxattr(self->f, self->file, name, "v", 1, 0,
					   0));
	}
	want = host_list(&self->bed, "file", self->other, sizeof(self->other));
	ASSERT_LT(40 * 8, want);
	EXPECT_EQ(want, fuse_listxattr(self->f, self->file, NULL, 0));
	ASSERT_EQ(want, fuse_listxattr(self->f, self->file, self->buf, want));
	EXPECT_EQ(0, memcmp(self->buf, self->other, want));
	EXPECT_EQ(want, fuse_listxattr(self->f, self->file, self->buf,
				       XATTR_LIST_MAX + 1));
	EXPECT_EQ(-ERANGE, fuse_listxattr(self->f, self->file, self->buf,
					  want - 1));
	EXPECT_EQ(-ERANGE, fuse_listxattr(self->f, self->file, self->buf, 1));
}

/* File capabilities, in the form that the host's namespace has. */
TEST_F(xattr, file_capabilities)
{
	struct vfs_cap_data cap = {
		.magic_etc = VFS_CAP_REVISION_2,
		.data[0].permitted = 1 << CAP_NET_RAW,
	};

	ASSERT_EQ(0, fuse_setxattr(self->f, self->file, "security.capability",
				   &cap, sizeof(cap), 0, 0));
	ASSERT_EQ(sizeof(cap), host_get(&self->bed, "file",
					"security.capability", self->buf, 100));
	EXPECT_EQ(0, memcmp(self->buf, &cap, sizeof(cap)));
	EXPECT_EQ(-EINVAL, fuse_setxattr(self->f, self->file,
					 "security.capability", &cap, 3, 0, 0));
	EXPECT_EQ(0, fuse_removexattr(self->f, self->file,
				      "security.capability"));
	EXPECT_EQ(-ENODATA, host_get(&self->bed, "file", "security.capability",
				     NULL, 0));
}

TEST_F(xattr, no_such_node)
{
	EXPECT_EQ(-ESTALE, fuse_setxattr(self->f, 424242, "user.v", "v", 1, 0,
					 0));
	EXPECT_EQ(-ESTALE, fuse_getxattr(self->f, 424242, "user.v", NULL, 0));
	EXPECT_EQ(-ESTALE, fuse_listxattr(self->f, 424242, NULL, 0));
	EXPECT_EQ(-ESTALE, fuse_removexattr(self->f, 424242, "user.v"));
}

/* What the host moves out of the share is out of reach. */
TEST_F(xattr, moved_out)
{
	char out[96];

	ASSERT_EQ(0, fuse_setxattr(self->f, self->file, "user.v", "v", 1, 0, 0));
	snprintf(out, sizeof(out), "%s/out", self->bed.top);
	ASSERT_EQ(0, rename(host_path(&self->bed, "file"), out));
	EXPECT_EQ(-ESTALE, fuse_getxattr(self->f, self->file, "user.v", NULL, 0));
	EXPECT_EQ(-ESTALE, fuse_setxattr(self->f, self->file, "user.v", "w", 1,
					 0, 0));
	EXPECT_EQ(-ESTALE, fuse_listxattr(self->f, self->file, NULL, 0));
	EXPECT_EQ(-ESTALE, fuse_removexattr(self->f, self->file, "user.v"));
}

/* Not the share's layout: its guest was not told of a longer one. */
TEST_F(xattr, layout_not_agreed_on)
{
	struct fuse_setxattr_in in = { .size = 1 };
	struct fuse_call c = {
		.opcode = FUSE_SETXATTR, .nodeid = self->file,
		.in = { { &in, sizeof(in) }, { "user.v", 7 }, { "v", 1 } },
		.nr_in = 3,
	};

	EXPECT_EQ(0, self->f->init.flags & FUSE_SETXATTR_EXT);
	/* Eight zero bytes: an empty name. */
	EXPECT_EQ(-ERANGE, fuse_call(self->f, &c));
}

/* Takes a capability from this process, and so from shares that it makes. */
static int drop_capability(int capability)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		return -errno;
	data[capability / 32].effective &= ~(1U << capability % 32);
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

/* A share whose owner lacks CAP_SYS_ADMIN gets what the owner would get. */
TEST(without_sys_admin)
{
	struct bed_config config = { .flags = VHOST_FS_SHARE_XATTR };
	char list[256], other[256];
	struct bed bed;
	int want;

	ASSERT_EQ(0, drop_capability(CAP_SYS_ADMIN));
	ASSERT_EQ(0, bed_open(&bed, &config));
	ASSERT_EQ(0, bed_write_file(&bed, "file", "", 0, 0640));
	ASSERT_EQ(0, bed_write_file(&bed, "twin", "", 0, 0640));
	same_as_host(_metadata, &bed, "file", "twin");
	EXPECT_EQ(-EPERM, fuse_setxattr(&bed.fuse, bed_lookup(&bed.fuse, "file"),
					"trusted.v", "v", 1, 0, 0));
	EXPECT_EQ(0, host_set(&bed, "file", "user.v", "v", 1, 0));
	want = host_list(&bed, "file", other, sizeof(other));
	EXPECT_EQ(want, fuse_listxattr(&bed.fuse, bed_lookup(&bed.fuse, "file"),
				       list, sizeof(list)));
	EXPECT_EQ(0, memcmp(list, other, want));
	bed_close(&bed);
}

TEST(readonly)
{
	struct bed_config config = {
		.flags = VHOST_FS_SHARE_XATTR | VHOST_FS_SHARE_READONLY,
	};
	struct bed bed;
	uint64_t file;
	char value[8];

	ASSERT_EQ(0, bed_open(&bed, &config));
	ASSERT_EQ(0, bed_write_file(&bed, "file", "", 0, 0640));
	ASSERT_EQ(0, host_set(&bed, "file", "user.v", "value", 5, 0));
	file = bed_lookup(&bed.fuse, "file");
	EXPECT_EQ(-EROFS, fuse_setxattr(&bed.fuse, file, "user.v", "w", 1, 0,
					0));
	EXPECT_EQ(-EROFS, fuse_removexattr(&bed.fuse, file, "user.v"));
	EXPECT_EQ(-EROFS, fuse_removexattr(&bed.fuse, file, "user.w"));
	EXPECT_EQ(5, fuse_getxattr(&bed.fuse, file, "user.v", value, 8));
	EXPECT_EQ(7, fuse_listxattr(&bed.fuse, file, NULL, 0));
	bed_close(&bed);
}

/* ENOSYS, whatever is asked for: then the guest stops asking. */
TEST(switched_off)
{
	struct bed_config config = { };
	struct bed bed;
	uint64_t file;

	ASSERT_EQ(0, bed_open(&bed, &config));
	ASSERT_EQ(0, bed_write_file(&bed, "file", "", 0, 0640));
	ASSERT_EQ(0, host_set(&bed, "file", "user.v", "value", 5, 0));
	file = bed_lookup(&bed.fuse, "file");
	EXPECT_EQ(-ENOSYS, fuse_getxattr(&bed.fuse, file,
					 "security.capability", NULL, 0));
	EXPECT_EQ(-ENOSYS, fuse_getxattr(&bed.fuse, 424242, "", NULL, 0));
	EXPECT_EQ(-ENOSYS, fuse_setxattr(&bed.fuse, file, "user.v", "v",
					 1, 0, 0));
	EXPECT_EQ(-ENOSYS, fuse_setxattr(&bed.fuse, file, "", NULL, 0,
					 ~0U, 0));
	EXPECT_EQ(-ENOSYS, fuse_listxattr(&bed.fuse, file, NULL, 0));
	EXPECT_EQ(-ENOSYS, fuse_removexattr(&bed.fuse, file, "user.v"));
	EXPECT_EQ(-ENOSYS, fuse_simple(&bed.fuse, FUSE_GETXATTR, file,
				       NULL, 0));
	bed_close(&bed);
}

TEST_HARNESS_MAIN
