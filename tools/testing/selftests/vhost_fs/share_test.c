// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shares: names, options, who may do what, how long they live, and with whose
 * rights they serve.
 */
#include "bed.h"
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#endif
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

#define ROOT FUSE_ROOT_ID

/* Ids that mean nobody in particular. */
#define OWNER 12001
#define FRIEND 12002
#define STRANGER 12003
#define GROUP 13001

FIXTURE(share) {
	struct bed bed;
	struct vhost_fs_add_share add;	/* right in every way */
	char name[64];
};

FIXTURE_SETUP(share)
{
	struct bed_config config = { 0 };

	ASSERT_EQ(0, bed_open_share(&self->bed, &config));
	snprintf(self->name, sizeof(self->name), "share-test-%d", getpid());
	self->add = (struct vhost_fs_add_share){
		.size = sizeof(self->add), .root_fd = self->bed.fd,
	};
	memcpy(self->add.name, self->name, sizeof(self->name));
}

FIXTURE_TEARDOWN(share)
{
	share_remove(self->name);
	bed_close(&self->bed);
}

TEST_F(share, add_and_remove)
{
	EXPECT_EQ(-ENOENT, share_remove(self->name));
	ASSERT_EQ(0, share_add(&self->add));
	EXPECT_EQ(-EEXIST, share_add(&self->add));
	EXPECT_EQ(0, share_remove(self->name));
	EXPECT_EQ(-ENOENT, share_remove(self->name));
	EXPECT_EQ(0, share_add(&self->add));
}

TEST_F(share, good_names)
{
	static const char *const names[] = {
		"a", "Z", "9", "_", "a.b", "a-b", "A_b.C-9", "x..",
		"123456789012345678901234567890123456789012345678901234567890123",
	};
	char *name = (char *)self->add.name;
	int i;

	for (i = 0; i < 9; i++) {
		memset(name, 0, sizeof(self->add.name));
		memcpy(name, names[i], strlen(names[i]));
		EXPECT_EQ(0, share_add(&self->add)) {
			TH_LOG("'%s'", names[i]);
		}
		EXPECT_EQ(0, share_remove(names[i]));
	}
}

TEST_F(share, bad_names)
{
	static const char *const names[] = {
		"", ".", "..", ".a", "-a", "a b", "a/b", "/", "a\n", "\x80",
		"\xc3\xa4", "a:b", "a,b", "a*", "%s", "a\x7f",
	};
	char *name = (char *)self->add.name;
	int i;

	for (i = 0; i < 16; i++) {
		memset(name, 0, sizeof(self->add.name));
		memcpy(name, names[i], strlen(names[i]));
		EXPECT_EQ(-EINVAL, share_add(&self->add)) {
			TH_LOG("'%s'", names[i]);
		}
	}
	memset(name, 'a', sizeof(self->add.name));
	EXPECT_EQ(-EINVAL, share_add(&self->add));
	memset(name, 0, sizeof(self->add.name));
	memcpy(name, "a\0b", 3);
	EXPECT_EQ(-EINVAL, share_add(&self->add));
}

TEST_F(share, bad_options)
{
	struct vhost_fs_add_share arg;
	uint32_t ids[1] = { ~0U };

	arg = self->add;
	arg.flags = 1U << 31;
	EXPECT_EQ(-EINVAL, share_add(&arg));
	arg = self->add;
	arg.cache = VHOST_FS_CACHE_NEVER + 1;
	EXPECT_EQ(-EINVAL, share_add(&arg));
	arg.cache = ~0U;
	EXPECT_EQ(-EINVAL, share_add(&arg));
	arg = self->add;
	arg.nr_users = VHOST_FS_MAX_ALLOWED_IDS + 1;
	EXPECT_EQ(-EINVAL, share_add(&arg));
	arg = self->add;
	arg.nr_groups = ~0U;
	EXPECT_EQ(-EINVAL, share_add(&arg));
	arg = self->add;
	arg.nr_users = 1;
	EXPECT_EQ(-EFAULT, share_add(&arg));
	arg.users = (uintptr_t)ids;
	EXPECT_EQ(-EINVAL, share_add(&arg));
	arg = self->add;
	arg.nr_groups = 1;
	EXPECT_EQ(-EFAULT, share_add(&arg));
	arg.groups = (uintptr_t)ids;
	EXPECT_EQ(-EINVAL, share_add(&arg));
	/* None of them left a share behind. */
	EXPECT_EQ(-ENOENT, share_remove(self->name));
}

/* Values that mean nothing, and options without what they need. */
TEST_F(share, options_that_are_never_right)
{
	static const struct vhost_fs_add_share rows[] = {
		{ .flags = VHOST_FS_SHARE_POSIX_ACL },
		{ .flags = VHOST_FS_SHARE_SECURITY_LABEL },
		{ .flags = VHOST_FS_SHARE_POSIX_ACL_AUTO | VHOST_FS_SHARE_XATTR },
		{ .flags = VHOST_FS_SHARE_SECURITY_LABEL_AUTO |
			   VHOST_FS_SHARE_POSIX_ACL | VHOST_FS_SHARE_XATTR },
		{ .inode_file_handles = VHOST_FS_HANDLES_MANDATORY + 1 },
		{ .locks = VHOST_FS_LOCKS_REMOTE + 1 },
		{ .max_blocked = VHOST_FS_MAX_BLOCKED + 1 },
		{ .max_blocked = ~0ULL },
		{ .entry_timeout_ns = 1 },
		{ .attr_timeout_ns = 1, .flags = VHOST_FS_SHARE_ENTRY_TIMEOUT },
		{ .nr_xattr_rules = 1 },
		{ .nr_xattr_rules = VHOST_FS_MAX_XATTR_RULES + 1,
		  .flags = VHOST_FS_SHARE_XATTR },
		{ .nr_uid_rules = VHOST_FS_MAX_ID_RULES + 1 },
		{ .nr_gid_rules = ~0U },
		{ .migration = 1 << 4 },
		{ .migration = VHOST_FS_MIGRATION_FILE_HANDLES |
			       VHOST_FS_MIGRATION_CONFIRM_PATHS },
	};
	struct vhost_fs_add_share arg;
	unsigned int i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		arg = rows[i];
		arg.size = self->add.size;
		arg.root_fd = self->add.root_fd;
		memcpy(arg.name, self->add.name, sizeof(arg.name));
		EXPECT_EQ(-EINVAL, share_add(&arg)) {
			TH_LOG("row %u", i);
		}
	}
	self->add.max_blocked = VHOST_FS_MAX_BLOCKED;
	EXPECT_EQ(0, share_add(&self->add));
}

TEST_F(share, roots)
{
	int fd;

	self->add.root_fd = -1;
	EXPECT_EQ(-EBADF, share_add(&self->add));
	self->add.root_fd = 9999;
	EXPECT_EQ(-EBADF, share_add(&self->add));
	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "", 0, 0644));
	fd = openat(self->bed.fd, "file", O_RDONLY);
	self->add.root_fd = fd;
	EXPECT_EQ(-ENOTDIR, share_add(&self->add));
	close(fd);
	fd = open("/dev/null", O_RDONLY);
	self->add.root_fd = fd;
	EXPECT_EQ(-ENOTDIR, share_add(&self->add));
	close(fd);
	fd = open(self->bed.dir, O_PATH);
	self->add.root_fd = fd;
	EXPECT_EQ(0, share_add(&self->add));
	close(fd);
}

TEST_F(share, longest_lists)
{
	uint32_t *ids = calloc(VHOST_FS_MAX_ALLOWED_IDS, sizeof(*ids));
	int i;

	for (i = 0; i < VHOST_FS_MAX_ALLOWED_IDS; i++)
		ids[i] = i + 100;
	self->add.users = (uintptr_t)ids;
	self->add.groups = (uintptr_t)ids;
	self->add.nr_users = VHOST_FS_MAX_ALLOWED_IDS;
	self->add.nr_groups = VHOST_FS_MAX_ALLOWED_IDS;
	EXPECT_EQ(0, share_add(&self->add));
	free(ids);
}

TEST_F(share, flags_of_names)
{
	struct vhost_fs_share_name arg = { .size = sizeof(arg), .flags = 1 };
	struct ring_config config = { 0 };
	struct ring_dev dev;

	ASSERT_EQ(0, share_add(&self->add));
	ASSERT_EQ(0, ring_open(&dev, &config));
	memcpy(arg.name, self->name, sizeof(arg.name));
	EXPECT_EQ(-EINVAL, ring_ioctl(dev.fd, VHOST_FS_ATTACH_SHARE, &arg));
	EXPECT_EQ(-EINVAL, ring_ioctl(dev.fd, VHOST_FS_REMOVE_SHARE, &arg));
	arg.flags = 0;
	EXPECT_EQ(0, ring_ioctl(dev.fd, VHOST_FS_ATTACH_SHARE, &arg));
	ring_close(&dev);
}

/* Whoever is given a device to serve can't take names with it. */
TEST_F(share, not_added_by_a_device_with_one)
{
	struct bed_config config = { 0 };

	ASSERT_EQ(0, bed_open_device(&self->bed, &self->bed.dev, &self->bed.fuse, &config));
	EXPECT_EQ(-EBUSY, ring_ioctl(self->bed.dev.fd, VHOST_FS_ADD_SHARE, &self->add));
	EXPECT_EQ(0, share_add(&self->add));
}

/* A device goes on with a share whose name has gone, or means another. */
TEST_F(share, lives_while_it_is_used)
{
	struct bed_config config = { 0 };
	struct bed *bed = &self->bed;
	struct fuse_entry_out entry;
	struct ring_dev second;
	struct fuse f;
	int fd;

	ASSERT_EQ(0, bed_write_file(bed, "old", "", 0, 0644));
	ASSERT_EQ(0, bed_open_device(bed, &bed->dev, &bed->fuse, &config));
	ASSERT_EQ(0, share_remove(bed->share));
	EXPECT_EQ(0, fuse_lookup(&bed->fuse, ROOT, "old", &entry));
	ASSERT_EQ(0, ring_open(&second, &config.ring));
	EXPECT_EQ(-ENOENT, ring_attach(&second, bed->share));
	ring_close(&second);

	ASSERT_EQ(0, mkdirat(bed->fd, "elsewhere", 0755));
	ASSERT_EQ(0, bed_write_file(bed, "elsewhere/new", "", 0, 0644));
	fd = openat(bed->fd, "elsewhere", O_RDONLY | O_DIRECTORY);
	ASSERT_EQ(0, share_add_fd(bed->share, fd));
	close(fd);
	ASSERT_EQ(0, bed_open_device(bed, &second, &f, &config));
	EXPECT_EQ(0, fuse_lookup(&f, ROOT, "new", &entry));
	EXPECT_EQ(-ENOENT, fuse_lookup(&f, ROOT, "old", &entry));
	EXPECT_EQ(0, fuse_lookup(&bed->fuse, ROOT, "old", &entry));
	EXPECT_EQ(-ENOENT, fuse_lookup(&bed->fuse, ROOT, "new", &entry));
	ring_close(&second);
}

/* A mount tree of the share's own, which exists nowhere but in its descriptor. */
TEST_F(share, detached_root)
{
	struct bed_config config = { 0 };
	struct bed *bed = &self->bed;
	struct fuse_entry_out entry;
	struct fuse_open_out open;
	uint64_t file;
	char buf[8];
	int fd;

	ASSERT_EQ(0, mkdirat(bed->fd, "dir", 0755));
	ASSERT_EQ(0, bed_write_file(bed, "dir/file", "data", 4, 0644));
	fd = syscall(SYS_open_tree, bed->fd, "",
		     OPEN_TREE_CLONE | AT_RECURSIVE | AT_EMPTY_PATH | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, share_remove(bed->share));
	ASSERT_EQ(0, share_add_fd(bed->share, fd));
	close(fd);
	ASSERT_EQ(0, bed_open_device(bed, &bed->dev, &bed->fuse, &config));
	file = bed_lookup(&bed->fuse, "dir/file");
	ASSERT_EQ(0, fuse_open(&bed->fuse, file, O_RDWR, &open));
	EXPECT_EQ(4, fuse_read(&bed->fuse, file, open.fh, 0, buf, 8));
	EXPECT_EQ(0, fuse_mkdir(&bed->fuse, ROOT, "made", 0755, 0, &entry));
	ASSERT_EQ(0, share_remove(bed->share));
	EXPECT_EQ(4, fuse_read(&bed->fuse, file, open.fh, 0, buf, 8));
}

/* What a child with other ids does; it gets a device that is open already. */
struct as_user {
	FIXTURE_DATA(share) *self;
	int fd;
	uid_t uid;
	gid_t gid;
	gid_t extra;
	bool user_ns;
};

static int write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return ret;
}

/* In a user namespace of its own, as root there. A chroot can't have one. */
static int enter_user_ns(uid_t uid, gid_t gid)
{
	char map[64];

	if (unshare(CLONE_NEWUSER))
		_exit(ENOSYS);
	snprintf(map, sizeof(map), "0 %u 1", uid);
	/* A process that changed its ids owns its own files in /proc again. */
	if (prctl(PR_SET_DUMPABLE, 1))
		return -errno;
	if (write_to("/proc/self/setgroups", "deny") ||
	    write_to("/proc/self/uid_map", map))
		return -EIO;
	snprintf(map, sizeof(map), "0 %u 1", gid);
	return write_to("/proc/self/gid_map", map);
}

/* Runs @fn with other ids in a child; what it returned, or -EIO. */
static int as_user(struct as_user u, int (*fn)(struct as_user *u))
{
	int status;
	pid_t pid;

	u.fd = open("/dev/vhost-fs", O_RDWR | O_CLOEXEC);
	pid = fork();
	if (pid == 0) {
		if (setgroups(u.extra ? 1 : 0, &u.extra) ||
		    setresgid(u.gid, u.gid, u.gid) ||
		    setresuid(u.uid, u.uid, u.uid) ||
		    (u.user_ns && enter_user_ns(u.uid, u.gid)))
			_exit(EIO);
		_exit(-fn(&u));
	}
	close(u.fd);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -EIO;
	return -WEXITSTATUS(status);
}

static int by_name(struct as_user *u, unsigned long request)
{
	struct vhost_fs_share_name arg = { .size = sizeof(arg) };

	memcpy(arg.name, u->self->name, sizeof(arg.name));
	return ring_ioctl(u->fd, request, &arg);
}

static int attach(struct as_user *u)
{
	return by_name(u, VHOST_FS_ATTACH_SHARE);
}

static int remove_share(struct as_user *u)
{
	return by_name(u, VHOST_FS_REMOVE_SHARE);
}

static int add_share(struct as_user *u)
{
	return ring_ioctl(u->fd, VHOST_FS_ADD_SHARE, &u->self->add);
}

TEST_F(share, only_some_may_attach)
{
	struct as_user u = { .self = self, .uid = STRANGER, .gid = STRANGER };
	uint32_t users[] = { 1, FRIEND, 2 }, groups[] = { 3, GROUP };

	ASSERT_EQ(0, share_add(&self->add));
	EXPECT_EQ(-EACCES, as_user(u, attach));
	EXPECT_EQ(-EPERM, as_user(u, remove_share));
	ASSERT_EQ(0, share_remove(self->name));

	self->add.users = (uintptr_t)users;
	self->add.nr_users = 3;
	self->add.groups = (uintptr_t)groups;
	self->add.nr_groups = 2;
	ASSERT_EQ(0, share_add(&self->add));
	EXPECT_EQ(-EACCES, as_user(u, attach));
	u.uid = FRIEND;
	EXPECT_EQ(0, as_user(u, attach));
	/* To attach is not to own. */
	EXPECT_EQ(-EPERM, as_user(u, remove_share));
	u = (struct as_user){ .self = self, .uid = STRANGER, .gid = GROUP };
	EXPECT_EQ(0, as_user(u, attach));
	EXPECT_EQ(-EPERM, as_user(u, remove_share));
	u = (struct as_user){
		.self = self, .uid = STRANGER, .gid = STRANGER, .extra = GROUP,
	};
	EXPECT_EQ(0, as_user(u, attach));
	u.extra = FRIEND;
	EXPECT_EQ(-EACCES, as_user(u, attach));
}

TEST_F(share, unprivileged_owner)
{
	struct as_user owner = { .self = self, .uid = OWNER, .gid = OWNER };
	struct as_user other = { .self = self, .uid = STRANGER, .gid = STRANGER };
	struct as_user root = { .self = self };

	ASSERT_EQ(0, as_user(owner, add_share));
	EXPECT_EQ(-EEXIST, as_user(other, add_share));
	EXPECT_EQ(0, as_user(owner, attach));
	EXPECT_EQ(-EACCES, as_user(other, attach));
	EXPECT_EQ(0, as_user(root, attach));
	EXPECT_EQ(-EPERM, as_user(other, remove_share));
	EXPECT_EQ(0, as_user(owner, remove_share));
	ASSERT_EQ(0, as_user(owner, add_share));
	EXPECT_EQ(0, as_user(root, remove_share));
}

/* A share does for a guest what its maker could do, and no more. */
TEST_F(share, serves_with_its_makers_rights)
{
	struct as_user owner = { .self = self, .uid = OWNER, .gid = OWNER };
	struct bed_config config = { 0 };
	struct bed *bed = &self->bed;
	struct fuse *f = &bed->fuse;
	struct fuse_setattr_in in = { .valid = FATTR_UID, .uid = STRANGER };
	struct fuse_entry_out entry;
	struct fuse_open_out open;
	struct stat st;

	ASSERT_EQ(0, mkdirat(bed->fd, "own", 0755));
	ASSERT_EQ(0, fchownat(bed->fd, "own", OWNER, OWNER, 0));
	ASSERT_EQ(0, bed_write_file(bed, "secret", "x", 1, 0600));
	ASSERT_EQ(0, bed_write_file(bed, "public", "x", 1, 0644));
	ASSERT_EQ(0, mkdirat(bed->fd, "closed", 0700));
	ASSERT_EQ(0, bed_write_file(bed, "closed/file", "x", 1, 0644));
	ASSERT_EQ(0, as_user(owner, add_share));
	share_remove(bed->share);
	memcpy(bed->share, self->name, sizeof(bed->share));
	ASSERT_EQ(0, bed_open_device(bed, &bed->dev, f, &config));

	EXPECT_EQ(-EACCES, fuse_open(f, bed_lookup(f, "secret"), O_RDONLY, &open));
	EXPECT_EQ(-EACCES, fuse_open(f, bed_lookup(f, "public"), O_RDWR, &open));
	EXPECT_EQ(0, fuse_open(f, bed_lookup(f, "public"), O_RDONLY, &open));
	EXPECT_EQ(-EACCES, fuse_lookup(f, bed_lookup(f, "closed"), "file", &entry));
	EXPECT_EQ(-EACCES, fuse_opendir(f, bed_lookup(f, "closed"), &open));
	f->uid = OWNER;
	f->gid = OWNER;
	EXPECT_EQ(-EACCES, fuse_mkdir(f, ROOT, "x", 0755, 0, &entry));
	EXPECT_EQ(-EACCES, fuse_unlink(f, ROOT, "public"));
	EXPECT_EQ(-EACCES, fuse_rename(f, ROOT, "public", bed_lookup(f, "own"),
				       "x"));
	EXPECT_EQ(-EPERM, fuse_setattr(f, bed_lookup(f, "public"), &in, NULL));
	EXPECT_EQ(0, fuse_mkdir(f, bed_lookup(f, "own"), "x", 0755, 0, &entry));
	ASSERT_EQ(0, bed_stat(bed, "own/x", &st));
	EXPECT_EQ(OWNER, st.st_uid);
	EXPECT_EQ(OWNER, st.st_gid);
	/* Devices are made by CAP_MKNOD, which the maker didn't have. */
	EXPECT_EQ(-EPERM, fuse_mknod(f, bed_lookup(f, "own"), "null",
				     S_IFCHR | 0666, 0x103, 0, &entry));
	/* Nor can it make what belongs to others. */
	f->uid = 0;
	f->gid = 0;
	EXPECT_EQ(-EPERM, fuse_mkdir(f, bed_lookup(f, "own"), "y", 0755, 0,
				     &entry));
	EXPECT_EQ(-ENOENT, bed_stat(bed, "own/y", &st));
}

/* Plays the VMM on a descriptor that was attached by somebody else. */
static int serve_on(struct as_user *u)
{
	struct ring_config config = { 0 };
	struct fuse_entry_out entry;
	struct ring_dev dev;
	struct fuse f;
	int ret = ring_open_fd(&dev, u->fd, &config);

	if (!ret)
		ret = ring_set_running(&dev, true);
	if (ret)
		return ret;
	fuse_session(&f, &dev, RING_REQUEST);
	ret = fuse_init(&f);
	if (!ret)
		ret = fuse_lookup(&f, ROOT, "secret", &entry);
	if (!ret)
		ret = fuse_mkdir(&f, ROOT, "made", 0755, 0, &entry);
	return ret < -255 ? -EIO : ret;
}

/* The VMM needs no right to the tree, nor to the share's name. */
TEST_F(share, attached_descriptor_can_be_handed_over)
{
	struct as_user u = { .self = self, .uid = STRANGER, .gid = STRANGER };
	struct vhost_fs_share_name arg = { .size = sizeof(arg) };
	struct stat st;
	int status, fd;
	pid_t pid;

	ASSERT_EQ(0, bed_write_file(&self->bed, "secret", "x", 1, 0600));
	ASSERT_EQ(0, fchmod(self->bed.fd, 0700));
	ASSERT_EQ(0, share_add(&self->add));
	fd = open("/dev/vhost-fs", O_RDWR | O_CLOEXEC);
	memcpy(arg.name, self->name, sizeof(arg.name));
	ASSERT_EQ(0, ring_ioctl(fd, VHOST_FS_ATTACH_SHARE, &arg));
	u.fd = fd;
	pid = fork();
	if (pid == 0) {
		if (setgroups(0, NULL) || setresgid(u.gid, u.gid, u.gid) ||
		    setresuid(u.uid, u.uid, u.uid))
			_exit(EIO);
		_exit(-serve_on(&u));
	}
	close(fd);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFEXITED(status));
	EXPECT_EQ(0, WEXITSTATUS(status));
	ASSERT_EQ(0, bed_stat(&self->bed, "made", &st));
	EXPECT_EQ(0, st.st_uid);
}

/* Seen from a user namespace, the names outside don't exist. */
static int names_in_user_ns(struct as_user *u)
{
	int ret = attach(u);

	if (ret != -ENOENT)
		return -EPROTO;
	if (remove_share(u) != -ENOENT)
		return -EPROTO;
	ret = add_share(u);
	if (ret)
		return ret;
	if (add_share(u) != -EEXIST)
		return -EPROTO;
	ret = attach(u);
	return ret ? ret : remove_share(u);
}

TEST_F(share, names_are_per_user_namespace)
{
	struct as_user u = {
		.self = self, .uid = OWNER, .gid = OWNER, .user_ns = true,
	};
	struct as_user root = { .self = self };
	int ret;

	ASSERT_EQ(0, share_add(&self->add));
	ret = as_user(u, names_in_user_ns);
	if (ret == -ENOSYS)
		SKIP(return, "no user namespace can be made here");
	EXPECT_EQ(0, ret);
	/* The one outside is untouched. */
	EXPECT_EQ(0, as_user(root, attach));
	EXPECT_EQ(0, share_remove(self->name));
}

TEST_HARNESS_MAIN
