// SPDX-License-Identifier: GPL-2.0-only
/*
 * POSIX ACLs: VHOST_FS_SHARE_POSIX_ACL, what INIT says of it, ACLs as
 * attributes, and what a directory's default ACL does to what is made in it;
 * all as the host does it.
 */
#include "bed.h"
#include "harness.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#define ROOT FUSE_ROOT_ID
#define ACCESS "system.posix_acl_access"
#define DEFAULT "system.posix_acl_default"

#define ACL_FLAGS (FUSE_POSIX_ACL | FUSE_DONT_MASK | FUSE_SETXATTR_EXT)

/* What the attributes hold, all little-endian. */
struct entry {
	uint16_t tag;
	uint16_t perm;
	uint32_t id;
};

struct acl {
	uint32_t version;
	struct entry entry[8];
};

#define ACL_SIZE(nr) (sizeof(uint32_t) + (nr) * sizeof(struct entry))
#define USER_OBJ 1
#define USER 2
#define GROUP_OBJ 4
#define GROUP 8
#define MASK 16
#define OTHER 32
#define NO_ID UINT32_MAX

/* user::rwx user:1234:rwx group::r-x group:5678:rw- mask::rwx other::--- */
static const struct acl full = {
	.version = 2,
	.entry = {
		{ USER_OBJ, 7, NO_ID }, { USER, 7, 1234 },
		{ GROUP_OBJ, 5, NO_ID }, { GROUP, 6, 5678 },
		{ MASK, 7, NO_ID }, { OTHER, 0, NO_ID },
	},
};

#define FULL_SIZE ACL_SIZE(6)

FIXTURE(acl) {
	struct bed bed;
	struct fuse *f;
	uint64_t file;
	char buf[4096], other[4096];
};

FIXTURE_SETUP(acl)
{
	struct bed_config config = {
		.flags = VHOST_FS_SHARE_XATTR | VHOST_FS_SHARE_POSIX_ACL,
	};

	ASSERT_EQ(1, htole16(1));
	ASSERT_EQ(0, bed_open(&self->bed, &config));
	self->f = &self->bed.fuse;
	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "", 0, 0640));
	self->file = bed_lookup(self->f, "file");
}

FIXTURE_TEARDOWN(acl)
{
	bed_close(&self->bed);
}

static const char *host_path(struct bed *bed, const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", bed->dir, name);
	return path;
}

static int host_get(struct bed *bed, const char *file, const char *name,
		    void *value, size_t size)
{
	int len = lgetxattr(host_path(bed, file), name, value, size);

	return len < 0 ? -errno : len;
}

static int host_set(struct bed *bed, const char *file, const char *name,
		    const void *value, size_t size)
{
	return lsetxattr(host_path(bed, file), name, value, size, 0) ?
		-errno : 0;
}

TEST_F(acl, init)
{
	static const uint64_t needed[] = {
		FUSE_POSIX_ACL, FUSE_DONT_MASK, FUSE_SETXATTR_EXT,
	};
	int i;

	EXPECT_EQ(ACL_FLAGS, self->f->init.flags & ACL_FLAGS);
	ASSERT_EQ(0, fuse_destroy(self->f));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(-EPROTO,
			  fuse_init_flags(self->f, FUSE_ALL_FLAGS & ~needed[i]));
		/* No session has begun. */
		EXPECT_EQ(-EIO, fuse_getattr(self->f, ROOT, NULL));
	}
	EXPECT_EQ(-EPROTO, fuse_init_flags(self->f, 0));
	EXPECT_EQ(-EIO, fuse_getattr(self->f, ROOT, NULL));
	EXPECT_EQ(0, fuse_init_flags(self->f, ACL_FLAGS));
	EXPECT_EQ(0, fuse_getattr(self->f, ROOT, NULL));
	/* One that is refused ends nothing. */
	EXPECT_EQ(-EPROTO, fuse_init_flags(self->f, 0));
	EXPECT_EQ(0, fuse_getattr(self->f, ROOT, NULL));
}

/* On a share that doesn't insist, who lacks one of the flags has no ACLs. */
TEST(acl_auto)
{
	static const uint64_t needed[] = {
		FUSE_POSIX_ACL, FUSE_DONT_MASK, FUSE_SETXATTR_EXT, ACL_FLAGS,
	};
	struct bed_config config = {
		.flags = VHOST_FS_SHARE_XATTR | VHOST_FS_SHARE_POSIX_ACL |
			 VHOST_FS_SHARE_POSIX_ACL_AUTO,
	};
	uint64_t file;
	char buf[256];
	struct bed bed;
	unsigned int i;

	ASSERT_EQ(0, bed_open(&bed, &config));
	ASSERT_EQ(0, bed_write_file(&bed, "file", "", 0, 0640));
	ASSERT_EQ(0, host_set(&bed, "file", ACCESS, &full, FULL_SIZE));
	EXPECT_EQ(ACL_FLAGS, bed.fuse.init.flags & ACL_FLAGS);
	file = bed_lookup(&bed.fuse, "file");
	EXPECT_EQ(FULL_SIZE, fuse_getxattr(&bed.fuse, file, ACCESS, buf, 256));
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, fuse_init_flags(&bed.fuse, FUSE_ALL_FLAGS & ~needed[i]));
		EXPECT_EQ(0, bed.fuse.init.flags & ACL_FLAGS);
		file = bed_lookup(&bed.fuse, "file");
		EXPECT_EQ(-EOPNOTSUPP,
			  fuse_getxattr(&bed.fuse, file, ACCESS, buf, 256));
		EXPECT_EQ(-EOPNOTSUPP, fuse_setxattr(&bed.fuse, file, ACCESS,
						     &full, FULL_SIZE, 0, 0));
		EXPECT_EQ(0, fuse_listxattr(&bed.fuse, file, buf, 256));
	}
	EXPECT_EQ(FULL_SIZE, host_get(&bed, "file", ACCESS, buf, 256));
	bed_close(&bed);
}

TEST_F(acl, access)
{
	ASSERT_EQ(0, fuse_setxattr(self->f, self->file, ACCESS, &full,
				   FULL_SIZE, 0, 0));
	EXPECT_EQ(FULL_SIZE, host_get(&self->bed, "file", ACCESS, self->buf,
				      4096));
	EXPECT_EQ(0, memcmp(self->buf, &full, FULL_SIZE));
	EXPECT_EQ(S_IFREG | 0770, bed_mode(&self->bed, "file"));

	EXPECT_EQ(FULL_SIZE, fuse_getxattr(self->f, self->file, ACCESS, NULL,
					   0));
	EXPECT_EQ(FULL_SIZE, fuse_getxattr(self->f, self->file, ACCESS,
					   self->other, FULL_SIZE));
	EXPECT_EQ(0, memcmp(self->other, &full, FULL_SIZE));
	EXPECT_EQ(-ERANGE, fuse_getxattr(self->f, self->file, ACCESS,
					 self->other, FULL_SIZE - 1));
	EXPECT_EQ(host_get(&self->bed, "file", DEFAULT, self->buf, 10),
		  fuse_getxattr(self->f, self->file, DEFAULT, NULL, 0));
	EXPECT_EQ(sizeof(ACCESS), fuse_listxattr(self->f, self->file,
						 self->other, 4096));
	EXPECT_STREQ(ACCESS, self->other);

	EXPECT_EQ(0, fuse_removexattr(self->f, self->file, ACCESS));
	EXPECT_EQ(-ENODATA, host_get(&self->bed, "file", ACCESS, self->buf, 10));
	EXPECT_EQ(-ENODATA, fuse_getxattr(self->f, self->file, ACCESS, NULL, 0));
	EXPECT_EQ(0, fuse_listxattr(self->f, self->file, NULL, 0));
	/* No value at all removes it too. */
	ASSERT_EQ(0, fuse_setxattr(self->f, self->file, ACCESS, &full,
				   FULL_SIZE, 0, 0));
	EXPECT_EQ(0, fuse_setxattr(self->f, self->file, ACCESS, NULL, 0, 0, 0));
	EXPECT_EQ(-ENODATA, host_get(&self->bed, "file", ACCESS, self->buf, 10));
}

/* What is no ACL is refused in the host's words. */
TEST_F(acl, malformed)
{
	struct acl bad;
	int size, i;

	ASSERT_EQ(0, bed_write_file(&self->bed, "twin", "", 0, 0640));
	for (size = 1; size < FULL_SIZE + 4; size++)
		EXPECT_EQ(host_set(&self->bed, "twin", ACCESS, &full, size),
			  fuse_setxattr(self->f, self->file, ACCESS, &full,
					size, 0, 0)) {
			TH_LOG("%d bytes", size);
		}
	for (i = 0; i < FULL_SIZE * 8; i++) {
		bad = full;
		((char *)&bad)[i / 8] ^= 1 << i % 8;
		EXPECT_EQ(host_set(&self->bed, "twin", ACCESS, &bad, FULL_SIZE),
			  fuse_setxattr(self->f, self->file, ACCESS, &bad,
					FULL_SIZE, 0, 0)) {
			TH_LOG("bit %d", i);
		}
	}
	EXPECT_EQ(host_set(&self->bed, "twin", DEFAULT, &full, FULL_SIZE),
		  fuse_setxattr(self->f, self->file, DEFAULT, &full, FULL_SIZE,
				0, 0));
	ASSERT_EQ(0, symlinkat("file", self->bed.fd, "link"));
	EXPECT_EQ(host_set(&self->bed, "link", ACCESS, &full, FULL_SIZE),
		  fuse_setxattr(self->f, bed_lookup(self->f, "link"), ACCESS,
				&full, FULL_SIZE, 0, 0));
	EXPECT_EQ(host_get(&self->bed, "link", ACCESS, self->buf, 10),
		  fuse_getxattr(self->f, bed_lookup(self->f, "link"), ACCESS,
				NULL, 0));
}

/* The layout that INIT agreed on is the only one, whole or cut short. */
TEST_F(acl, layout)
{
	struct fuse_setxattr_in in = { .size = 1 };
	struct fuse_call c = {
		.opcode = FUSE_SETXATTR, .nodeid = self->file,
		.in = { { &in, 0 }, { "user.v", 7 }, { "v", 1 } }, .nr_in = 3,
	};
	size_t *len = &c.in[0].iov_len;

	for (*len = 1; *len < sizeof(in); ++*len)
		EXPECT_GT(0, fuse_call(self->f, &c)) {
			TH_LOG("%zu bytes", *len);
		}
	EXPECT_EQ(-ENODATA, host_get(&self->bed, "file", "user.v", NULL, 0));
	EXPECT_EQ(0, fuse_call(self->f, &c));
	EXPECT_EQ(1, host_get(&self->bed, "file", "user.v", NULL, 0));
}

/*
 * Makes a file, a directory and a FIFO in "dir" through the guest, and their
 * twins in "twin" through the host, both with @umask.
 */
static void make_twins(struct __test_metadata *_metadata, struct bed *bed,
		       uint32_t umask_bits)
{
	struct fuse *f = &bed->fuse;
	uint64_t dir = bed_lookup(f, "dir");
	struct fuse_entry_out entry;
	struct fuse_open_out open;

	ASSERT_EQ(0, fuse_create(f, dir, "file", O_RDWR, 0666, umask_bits,
				 &entry, &open));
	ASSERT_EQ(0, fuse_mkdir(f, dir, "dir", 0777, umask_bits, &entry));
	ASSERT_EQ(0, fuse_mknod(f, dir, "fifo", S_IFIFO | 0666, 0, umask_bits,
				&entry));
	ASSERT_EQ(0, fuse_mknod(f, dir, "node", S_IFREG | 0751, 0, umask_bits,
				&entry));
	umask(umask_bits);
	ASSERT_EQ(0, bed_write_file(bed, "twin/file", "", 0, 0666));
	ASSERT_EQ(0, mkdirat(bed->fd, "twin/dir", 0777));
	ASSERT_EQ(0, mkfifoat(bed->fd, "twin/fifo", 0666));
	ASSERT_EQ(0, mknodat(bed->fd, "twin/node", S_IFREG | 0751, 0));
	umask(0);
}

static void expect_twins(struct __test_metadata *_metadata, struct bed *bed)
{
	static const char *const names[] = { "file", "dir", "fifo", "node" };
	char path[32], twin[32], buf[512], other[512];
	int i, want;

	for (i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "dir/%s", names[i]);
		snprintf(twin, sizeof(twin), "twin/%s", names[i]);
		EXPECT_EQ(bed_mode(bed, twin), bed_mode(bed, path)) {
			TH_LOG("%s", names[i]);
		}
		want = host_get(bed, twin, ACCESS, buf, sizeof(buf));
		EXPECT_EQ(want, host_get(bed, path, ACCESS, other,
					 sizeof(other)));
		if (want > 0)
			EXPECT_EQ(0, memcmp(buf, other, want));
		want = host_get(bed, twin, DEFAULT, buf, sizeof(buf));
		EXPECT_EQ(want, host_get(bed, path, DEFAULT, other,
					 sizeof(other)));
		if (want > 0)
			EXPECT_EQ(0, memcmp(buf, other, want));
	}
}

/* With a default ACL that counts, and the umask doesn't. */
TEST_F(acl, default_is_inherited)
{
	uint64_t dir;

	ASSERT_EQ(0, mkdirat(self->bed.fd, "dir", 0755));
	ASSERT_EQ(0, mkdirat(self->bed.fd, "twin", 0755));
	dir = bed_lookup(self->f, "dir");
	ASSERT_EQ(0, fuse_setxattr(self->f, dir, DEFAULT, &full, FULL_SIZE, 0,
				   0));
	ASSERT_EQ(0, host_set(&self->bed, "twin", DEFAULT, &full, FULL_SIZE));
	make_twins(_metadata, &self->bed, 0077);
	expect_twins(_metadata, &self->bed);
	/* The mask entry, which shows as the group's rights. */
	EXPECT_EQ(S_IFREG | 0660, bed_mode(&self->bed, "dir/file"));
	EXPECT_EQ(0, fuse_removexattr(self->f, dir, DEFAULT));
}

/* Without one the umask does, and is forgotten afterwards. */
TEST_F(acl, umask_without_default)
{
	struct fuse_entry_out entry;

	ASSERT_EQ(0, mkdirat(self->bed.fd, "dir", 0755));
	ASSERT_EQ(0, mkdirat(self->bed.fd, "twin", 0755));
	make_twins(_metadata, &self->bed, 0027);
	expect_twins(_metadata, &self->bed);
	EXPECT_EQ(S_IFREG | 0640, bed_mode(&self->bed, "dir/file"));
	EXPECT_EQ(S_IFDIR | 0750, bed_mode(&self->bed, "dir/dir"));
	ASSERT_EQ(0, fuse_symlink(self->f, ROOT, "link", "x", &entry));
	EXPECT_EQ(S_IFLNK | 0777, bed_mode(&self->bed, "link"));
	ASSERT_EQ(0, fuse_mkdir(self->f, ROOT, "after", 0777, 0, &entry));
	EXPECT_EQ(S_IFDIR | 0777, bed_mode(&self->bed, "after"));
	ASSERT_EQ(0, fuse_mkdir(self->f, ROOT, "all", 0777, ~0U, &entry));
	EXPECT_EQ(S_IFDIR, bed_mode(&self->bed, "all"));
}

/*
 * A guest without the option has masked the mode itself, and can't do so twice;
 * the host's default ACL holds all the same.
 */
TEST(default_without_option)
{
	struct bed_config config = { .flags = VHOST_FS_SHARE_XATTR };
	struct fuse_entry_out entry;
	struct bed bed;

	ASSERT_EQ(0, bed_open(&bed, &config));
	EXPECT_EQ(0, bed.fuse.init.flags & ACL_FLAGS);
	ASSERT_EQ(0, mkdirat(bed.fd, "dir", 0755));
	ASSERT_EQ(0, host_set(&bed, "dir", DEFAULT, &full, FULL_SIZE));
	ASSERT_EQ(0, fuse_mknod(&bed.fuse, bed_lookup(&bed.fuse, "dir"), "new",
				S_IFREG | 0640, 0, 0027, &entry));
	EXPECT_EQ(S_IFREG | 0640, bed_mode(&bed, "dir/new"));
	EXPECT_EQ(FULL_SIZE, host_get(&bed, "dir/new", ACCESS, NULL, 0));
	bed_close(&bed);
}

/* Exactly these two names are gone; the rest of the host's stays. */
TEST(names_without_option)
{
	struct bed_config config = { .flags = VHOST_FS_SHARE_XATTR };
	char list[256];
	struct bed bed;
	uint64_t dir;

	ASSERT_EQ(0, bed_open(&bed, &config));
	ASSERT_EQ(0, mkdirat(bed.fd, "dir", 0755));
	ASSERT_EQ(0, host_set(&bed, "dir", ACCESS, &full, FULL_SIZE));
	ASSERT_EQ(0, host_set(&bed, "dir", DEFAULT, &full, FULL_SIZE));
	ASSERT_EQ(0, host_set(&bed, "dir", "user.v", "v", 1));
	dir = bed_lookup(&bed.fuse, "dir");
	EXPECT_EQ(-EOPNOTSUPP, fuse_getxattr(&bed.fuse, dir, ACCESS, NULL, 0));
	EXPECT_EQ(-EOPNOTSUPP, fuse_getxattr(&bed.fuse, dir, DEFAULT, NULL, 0));
	EXPECT_EQ(-EOPNOTSUPP, fuse_setxattr(&bed.fuse, dir, ACCESS, &full,
					     FULL_SIZE, 0, 0));
	EXPECT_EQ(-EOPNOTSUPP, fuse_setxattr(&bed.fuse, dir, DEFAULT, NULL, 0,
					     0, 0));
	EXPECT_EQ(-EOPNOTSUPP, fuse_removexattr(&bed.fuse, dir, ACCESS));
	EXPECT_EQ(-EOPNOTSUPP, fuse_removexattr(&bed.fuse, dir, DEFAULT));
	EXPECT_EQ(7, fuse_listxattr(&bed.fuse, dir, NULL, 0));
	EXPECT_EQ(7, fuse_listxattr(&bed.fuse, dir, list, 7));
	EXPECT_STREQ("user.v", list);
	EXPECT_EQ(FULL_SIZE, host_get(&bed, "dir", DEFAULT, NULL, 0));
	bed_close(&bed);
}

/* Who isn't in the file's group loses its set-group-ID bit with the ACL. */
TEST_F(acl, kill_sgid)
{
	int fd = self->bed.fd;

	ASSERT_EQ(0, fchmodat(fd, "file", 02750, 0));
	ASSERT_EQ(0, fuse_setxattr(self->f, self->file, ACCESS, &full,
				   FULL_SIZE, 0, 0));
	EXPECT_EQ(S_IFREG | 02770, bed_mode(&self->bed, "file"));
	ASSERT_EQ(0, fuse_setxattr(self->f, self->file, ACCESS, &full,
				   FULL_SIZE, 0, FUSE_SETXATTR_ACL_KILL_SGID));
	EXPECT_EQ(S_IFREG | 0770, bed_mode(&self->bed, "file"));
	/* The share's own group is no other. */
	ASSERT_EQ(0, fchownat(fd, "file", 1000, 2000, 0));
	ASSERT_EQ(0, fchmodat(fd, "file", 02750, 0));
	ASSERT_EQ(0, fuse_setxattr(self->f, self->file, ACCESS, &full,
				   FULL_SIZE, 0, FUSE_SETXATTR_ACL_KILL_SGID));
	EXPECT_EQ(S_IFREG | 0770, bed_mode(&self->bed, "file"));
	/* For other attributes it means nothing. */
	ASSERT_EQ(0, fchmodat(fd, "file", 02770, 0));
	ASSERT_EQ(0, fuse_setxattr(self->f, self->file, "user.v", "v", 1, 0,
				   FUSE_SETXATTR_ACL_KILL_SGID));
	EXPECT_EQ(S_IFREG | 02770, bed_mode(&self->bed, "file"));
	EXPECT_EQ(-EINVAL, fuse_setxattr(self->f, self->file, "user.v", "v", 1,
					 0, 2));
}

/* A user namespace whose id 0 is host id 100000, and so on for 65536 ids. */
static int mapped_namespace(void)
{
	const char *map = "0 100000 65536\n";
	int ready[2], fd, file;
	char path[64];
	pid_t pid;

	if (pipe(ready))
		return -1;
	pid = fork();
	if (!pid) {
		if (unshare(CLONE_NEWUSER))
			_exit(1);
		if (write(ready[1], "x", 1) == 1)
			pause();
		_exit(0);
	}
	if (read(ready[0], path, 1) != 1)
		return -1;
	snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	file = open(path, O_WRONLY);
	fd = write(file, map, strlen(map)) < 0 ? -1 : 0;
	close(file);
	snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
	file = open(path, O_WRONLY);
	fd = fd || write(file, map, strlen(map)) < 0 ? -1 : 0;
	close(file);
	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	if (!fd)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return fd;
}

/* The shared directory again, its ids shifted by a mount: 0 there is 100000. */
static int share_idmapped(struct bed *bed, uint32_t flags)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP };
	struct vhost_fs_add_share arg = {
		.size = sizeof(arg), .flags = flags,
	};
	int ret;

	arg.root_fd = syscall(SYS_open_tree, bed->fd, "",
			      AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	attr.userns_fd = mapped_namespace();
	if (arg.root_fd < 0 || (int)attr.userns_fd < 0)
		return -1;
	ret = syscall(SYS_mount_setattr, arg.root_fd, "", AT_EMPTY_PATH, &attr,
		      sizeof(attr));
	close(attr.userns_fd);
	if (!ret)
		ret = share_remove(bed->share);
	memcpy(arg.name, bed->share, sizeof(arg.name));
	if (!ret)
		ret = share_add(&arg);
	close(arg.root_fd);
	return ret;
}

TEST(idmapped_mount)
{
	struct bed_config config = {
		.flags = VHOST_FS_SHARE_XATTR | VHOST_FS_SHARE_POSIX_ACL,
	};
	struct acl shifted = full;
	struct bed bed;
	uint64_t file;
	char buf[512];

	shifted.entry[1].id += 100000;
	shifted.entry[3].id += 100000;
	ASSERT_EQ(0, bed_open_share(&bed, &config));
	ASSERT_EQ(0, share_idmapped(&bed, config.flags));
	ASSERT_EQ(0, bed_open_device(&bed, &bed.dev, &bed.fuse, &config));
	ASSERT_EQ(0, bed_write_file(&bed, "file", "", 0, 0640));
	file = bed_lookup(&bed.fuse, "file");
	/* The file system has what the mount makes of the guest's ids. */
	ASSERT_EQ(0, fuse_setxattr(&bed.fuse, file, ACCESS, &shifted, FULL_SIZE,
				   0, 0));
	ASSERT_EQ(FULL_SIZE, host_get(&bed, "file", ACCESS, buf, sizeof(buf)));
	EXPECT_EQ(0, memcmp(buf, &full, FULL_SIZE));
	ASSERT_EQ(FULL_SIZE, fuse_getxattr(&bed.fuse, file, ACCESS, buf, 512));
	EXPECT_EQ(0, memcmp(buf, &shifted, FULL_SIZE));
	/* An id that the mount has nothing for. */
	EXPECT_GT(0, fuse_setxattr(&bed.fuse, file, ACCESS, &full, FULL_SIZE, 0,
				   0));
	bed_close(&bed);
}

/* Ids in ACLs are the guest's, as those of files are. */
TEST(translated_ids)
{
	static const struct vhost_fs_id_rule rules[] = {
		{ VHOST_FS_ID_GUEST, 1000, 5000, 1000 },
		{ VHOST_FS_ID_HOST, 5000, 1000, 1000 },
		{ VHOST_FS_ID_FORBID_GUEST, 9000, 0, 1 },
	};
	struct bed_config config = {
		.flags = VHOST_FS_SHARE_XATTR | VHOST_FS_SHARE_POSIX_ACL,
		.options.uid_rules = (uintptr_t)rules,
		.options.nr_uid_rules = 3,
		.options.gid_rules = (uintptr_t)rules,
		.options.nr_gid_rules = 3,
	};
	struct acl want = full, forbidden = full;
	struct bed bed;
	uint64_t file;
	char buf[512];

	want.entry[1].id = 5234;
	ASSERT_EQ(0, bed_open(&bed, &config));
	ASSERT_EQ(0, bed_write_file(&bed, "file", "", 0, 0640));
	file = bed_lookup(&bed.fuse, "file");
	ASSERT_EQ(0, fuse_setxattr(&bed.fuse, file, ACCESS, &full, FULL_SIZE, 0,
				   0));
	ASSERT_EQ(FULL_SIZE, host_get(&bed, "file", ACCESS, buf, sizeof(buf)));
	EXPECT_EQ(0, memcmp(buf, &want, FULL_SIZE));
	/* Group 5678 is host's 5678, which the guest knows as 1678. */
	want = full;
	want.entry[3].id = 1678;
	ASSERT_EQ(FULL_SIZE, fuse_getxattr(&bed.fuse, file, ACCESS, buf, 512));
	EXPECT_EQ(0, memcmp(buf, &want, FULL_SIZE));
	forbidden.entry[1].id = 9000;
	EXPECT_EQ(-EPERM, fuse_setxattr(&bed.fuse, file, ACCESS, &forbidden,
					FULL_SIZE, 0, 0));
	forbidden = full;
	forbidden.entry[3].id = 9000;
	EXPECT_EQ(-EPERM, fuse_setxattr(&bed.fuse, file, ACCESS, &forbidden,
					FULL_SIZE, 0, 0));
	ASSERT_EQ(FULL_SIZE, fuse_getxattr(&bed.fuse, file, ACCESS, buf, 512));
	EXPECT_EQ(0, memcmp(buf, &want, FULL_SIZE));
	bed_close(&bed);
}

TEST(needs_xattr)
{
	struct bed_config config = { .flags = VHOST_FS_SHARE_POSIX_ACL };
	struct bed bed;

	EXPECT_EQ(-EINVAL, bed_open_share(&bed, &config));
}

TEST_HARNESS_MAIN
