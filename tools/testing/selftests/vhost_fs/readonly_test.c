// SPDX-License-Identifier: GPL-2.0-only
/*
 * What programs of a guest are told that try to change a read-only share:
 *
 *	readonly_test SHAREDIR MOUNT
 *
 * MOUNT is a virtiofs mount, in this very kernel, of SHAREDIR shared with
 * --readonly and --xattr. Each call is made on it and on a read-only mount that
 * the host itself makes of SHAREDIR, and must fail the same. The guest's kernel
 * doesn't know that the share is read-only and looks at names and rights before
 * it asks; what that changes is said where the call is.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/fs.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/xattr.h>

#include "harness.h"

#define USER 1000

static const char *share_dir, *mount_dir;

/* Calls; each returns 0 or a positive errno. */

static int result(int ret)
{
	return ret < 0 ? errno : 0;
}

static int opens(int dir, const char *name, int flags)
{
	int fd = openat(dir, name, flags | O_CLOEXEC, 0600);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int truncates(int dir, const char *name)
{
	return fchdir(dir) ? -1 : result(truncate(name, 0));
}

static int renames(int dir, const char *from, const char *to, int flags)
{
	return result(syscall(SYS_renameat2, dir, from, dir, to, flags));
}

static int touches(int dir, const char *name, const struct timespec *times)
{
	return result(utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW));
}

static int binds(int dir, const char *name)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_STREAM, 0), ret;

	if (fchdir(dir))
		return -1;
	strcpy(addr.sun_path, name);
	ret = result(bind(sock, (struct sockaddr *)&addr, sizeof(addr)));
	close(sock);
	return ret;
}

static int sets_xattr(int dir, const char *name)
{
	return fchdir(dir) ? -1 : result(setxattr(name, "user.new", "x", 1, 0));
}

static int removes_xattr(int dir, const char *name, const char *attr)
{
	return fchdir(dir) ? -1 : result(removexattr(name, attr));
}

static int gets_xattr(int dir, const char *name)
{
	char value[8];

	return fchdir(dir) ? -1 :
	       result(getxattr(name, "user.old", value, sizeof(value)));
}

/* Calls on a file that is open for reading. */
static int by_descriptor(int dir, const char *name, int (*call)(int fd))
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return -1;
	ret = result(call(fd));
	close(fd);
	return ret;
}

static int fd_chmod(int fd)
{
	return fchmod(fd, 0600);
}

static int fd_chown(int fd)
{
	return fchown(fd, geteuid(), getegid());
}

static int fd_times(int fd)
{
	return futimens(fd, NULL);
}

static int fd_truncate(int fd)
{
	return ftruncate(fd, 0);
}

static int fd_allocate(int fd)
{
	return fallocate(fd, 0, 0, 4096);
}

static int fd_write(int fd)
{
	return write(fd, "x", 1);
}

static int fd_set_xattr(int fd)
{
	return fsetxattr(fd, "user.new", "x", 1, 0);
}

static int fd_remove_xattr(int fd)
{
	return fremovexattr(fd, "user.old");
}

static int fd_copy(int fd)
{
	return copy_file_range(fd, NULL, fd, NULL, 1, 0);
}

static int fd_sync(int fd)
{
	return fsync(fd);
}

static int fd_sync_fs(int fd)
{
	return syncfs(fd);
}

static int fd_lock(int fd)
{
	struct flock lock = { .l_type = F_RDLCK };

	return fcntl(fd, F_SETLK, &lock);
}

static const struct timespec now[] = {
	{ .tv_nsec = UTIME_NOW }, { .tv_nsec = UTIME_NOW },
};
static const struct timespec omit[] = {
	{ .tv_nsec = UTIME_OMIT }, { .tv_nsec = UTIME_OMIT },
};
static const struct timespec then[] = { { 1, 1 }, { 1, 1 } };

/* Calls that fail, or succeed, just as they do on the host's mount. */
#define SAME_CALLS(X) \
	X(opens(d, "file", O_RDONLY)) \
	X(opens(d, "file", O_WRONLY)) \
	X(opens(d, "file", O_RDWR)) \
	X(opens(d, "file", O_RDWR | O_APPEND)) \
	X(opens(d, "file", O_RDONLY | O_TRUNC)) \
	X(opens(d, "file", O_WRONLY | O_TRUNC)) \
	X(opens(d, "file", O_RDONLY | O_CREAT)) \
	X(opens(d, "file", O_WRONLY | O_CREAT)) \
	X(opens(d, "file", O_RDONLY | O_CREAT | O_TRUNC)) \
	X(opens(d, "file", O_RDONLY | O_CREAT | O_EXCL)) \
	X(opens(d, "file", O_RDWR | O_CREAT | O_EXCL)) \
	X(opens(d, "file", O_RDONLY | O_DIRECTORY)) \
	X(opens(d, "new", O_RDONLY)) \
	X(opens(d, "new", O_WRONLY)) \
	X(opens(d, "new", O_WRONLY | O_TRUNC)) \
	X(opens(d, "new", O_RDONLY | O_CREAT)) \
	X(opens(d, "new", O_RDWR | O_CREAT | O_TRUNC)) \
	X(opens(d, "new", O_RDWR | O_CREAT | O_EXCL)) \
	X(opens(d, "none/new", O_RDWR | O_CREAT)) \
	X(opens(d, "file/new", O_RDWR | O_CREAT)) \
	X(opens(d, "dir", O_RDONLY)) \
	X(opens(d, "dir", O_WRONLY)) \
	X(opens(d, "dir", O_RDONLY | O_CREAT)) \
	X(opens(d, "link", O_RDONLY)) \
	X(opens(d, "link", O_RDWR)) \
	X(opens(d, "link", O_RDWR | O_NOFOLLOW)) \
	X(opens(d, "link", O_RDWR | O_CREAT | O_EXCL)) \
	X(opens(d, "dangling", O_RDWR | O_CREAT)) \
	X(opens(d, "fifo", O_RDWR | O_NONBLOCK)) \
	X(result(mkdirat(d, "new", 0755))) \
	X(result(mkdirat(d, "dir", 0755))) \
	X(result(mkdirat(d, "file", 0755))) \
	X(result(mkdirat(d, "none/new", 0755))) \
	X(result(mknodat(d, "new", S_IFREG | 0600, 0))) \
	X(result(mknodat(d, "new", S_IFIFO | 0600, 0))) \
	X(result(mknodat(d, "file", S_IFREG | 0600, 0))) \
	X(result(mknodat(d, "file", S_IFIFO | 0600, 0))) \
	X(binds(d, "new")) \
	X(result(symlinkat("x", d, "new"))) \
	X(result(symlinkat("x", d, "link"))) \
	X(result(symlinkat("x", d, "file"))) \
	X(result(linkat(d, "file", d, "new", 0))) \
	X(result(linkat(d, "file", d, "other", 0))) \
	X(result(linkat(d, "none", d, "new", 0))) \
	X(result(linkat(d, "file", d, "none/new", 0))) \
	X(result(unlinkat(d, "file", 0))) \
	X(result(unlinkat(d, "empty", AT_REMOVEDIR))) \
	X(result(unlinkat(d, "none/x", 0))) \
	X(renames(d, "file", "new", 0)) \
	X(renames(d, "file", "other", 0)) \
	X(renames(d, "file", "other", RENAME_EXCHANGE)) \
	X(renames(d, "file", "new", RENAME_NOREPLACE)) \
	X(renames(d, "dir", "new", 0)) \
	X(result(fchmodat(d, "file", 0600, 0))) \
	X(result(fchmodat(d, "dir", 0700, 0))) \
	X(result(fchmodat(d, "none", 0700, 0))) \
	X(result(fchownat(d, "file", -1, -1, 0))) \
	X(result(fchownat(d, "file", USER, USER, 0))) \
	X(result(fchownat(d, "link", USER, USER, AT_SYMLINK_NOFOLLOW))) \
	X(touches(d, "file", NULL)) \
	X(touches(d, "file", now)) \
	X(touches(d, "file", then)) \
	X(touches(d, "file", omit)) \
	X(touches(d, "link", then)) \
	X(truncates(d, "file")) \
	X(truncates(d, "dir")) \
	X(truncates(d, "none")) \
	X(sets_xattr(d, "file")) \
	X(removes_xattr(d, "file", "user.old")) \
	X(gets_xattr(d, "file")) \
	X(by_descriptor(d, "file", fd_chmod)) \
	X(by_descriptor(d, "file", fd_chown)) \
	X(by_descriptor(d, "dir", fd_chmod)) \
	X(by_descriptor(d, "file", fd_times)) \
	X(by_descriptor(d, "file", fd_truncate)) \
	X(by_descriptor(d, "file", fd_allocate)) \
	X(by_descriptor(d, "file", fd_write)) \
	X(by_descriptor(d, "file", fd_set_xattr)) \
	X(by_descriptor(d, "file", fd_remove_xattr)) \
	X(by_descriptor(d, "file", fd_copy)) \
	X(by_descriptor(d, "file", fd_sync)) \
	X(by_descriptor(d, "file", fd_sync_fs)) \
	X(by_descriptor(d, "file", fd_lock)) \
	X(result(faccessat(d, "file", R_OK, 0))) \
	X(result(faccessat(d, "fifo", W_OK, 0))) \
	X(result(faccessat(d, "none", W_OK, 0)))

/*
 * Calls that the guest's kernel answers by itself: it looks for the name before
 * it asks for it to be removed, and asks nobody whether one may write.
 */
#define OTHER_CALLS(X) \
	X(ENOENT, EROFS, result(unlinkat(d, "none", 0))) \
	X(EISDIR, EROFS, result(unlinkat(d, "dir", 0))) \
	X(ENOENT, EROFS, result(unlinkat(d, "none", AT_REMOVEDIR))) \
	X(ENOTDIR, EROFS, result(unlinkat(d, "file", AT_REMOVEDIR))) \
	X(ENOENT, EROFS, renames(d, "none", "new", 0)) \
	X(EEXIST, EROFS, renames(d, "file", "other", RENAME_NOREPLACE)) \
	X(ENOTDIR, EROFS, renames(d, "dir", "file", 0)) \
	X(EISDIR, EROFS, renames(d, "file", "dir", 0)) \
	X(0, EROFS, result(faccessat(d, "file", W_OK, 0))) \
	X(0, EROFS, result(faccessat(d, "dir", W_OK, 0)))

FIXTURE(readonly) {
	char name[32];
	int host;
	int native;
	int guest;
};

FIXTURE_VARIANT(readonly) {
	uid_t uid;
};

FIXTURE_VARIANT_ADD(readonly, root) { .uid = 0 };
FIXTURE_VARIANT_ADD(readonly, owner) { .uid = USER };

static int make(int dir)
{
	int fd = openat(dir, "file", O_CREAT | O_RDWR, 0644);

	return fd < 0 || write(fd, "0123456789", 10) != 10 ||
	       fsetxattr(fd, "user.old", "x", 1, 0) || close(fd) ||
	       mkdirat(dir, "dir", 0755) || mkdirat(dir, "empty", 0755) ||
	       mknodat(dir, "dir/in", S_IFREG | 0644, 0) ||
	       mknodat(dir, "other", S_IFREG | 0644, 0) ||
	       mknodat(dir, "fifo", S_IFIFO | 0644, 0) ||
	       symlinkat("file", dir, "link") ||
	       symlinkat("none", dir, "dangling");
}

static int give(int dir, uid_t uid)
{
	static const char *const names[] = {
		".", "file", "dir", "empty", "dir/in", "other", "fifo", "link",
		"dangling",
	};
	int i, ret = 0;

	for (i = 0; i < 9; i++)
		ret |= fchownat(dir, names[i], uid, uid, AT_SYMLINK_NOFOLLOW);
	return ret;
}

/* What the host's "mount -o bind,ro" makes, without a place in the tree. */
static int mount_readonly(int dir)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	int tree = syscall(SYS_open_tree, dir, "",
			   OPEN_TREE_CLONE | AT_EMPTY_PATH | O_CLOEXEC);

	if (tree < 0 || syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr,
				sizeof(attr)))
		return -1;
	return tree;
}

FIXTURE_SETUP(readonly)
{
	char path[200];

	umask(0);
	snprintf(self->name, sizeof(self->name), "readonly-%d", getpid());
	snprintf(path, sizeof(path), "%s/%s", share_dir, self->name);
	ASSERT_EQ(0, mkdir(path, 0755));
	self->host = open(path, O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, self->host);
	ASSERT_EQ(0, make(self->host));
	ASSERT_EQ(0, give(self->host, variant->uid));
	self->native = mount_readonly(self->host);
	ASSERT_LE(0, self->native);
	snprintf(path, sizeof(path), "%s/%s", mount_dir, self->name);
	self->guest = open(path, O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, self->guest);
	ASSERT_EQ(0, setgroups(0, NULL));
	ASSERT_EQ(0, setresgid(variant->uid, variant->uid, variant->uid));
	ASSERT_EQ(0, setresuid(variant->uid, variant->uid, variant->uid));
}

FIXTURE_TEARDOWN(readonly)
{
	/* The share's directory is removed by whoever made it. */
}

static int native_result, guest_result;

#define BOTH(call) do { \
	int d = self->native; \
	native_result = call; \
	d = self->guest; \
	guest_result = call; \
} while (0)

#define BOTH_ONLY(call) BOTH(call);
#define BOTH_OTHER(guest, native, call) BOTH(call);

#define SAME(call) do { \
	BOTH(call); \
	EXPECT_EQ(native_result, guest_result) { \
		TH_LOG("%s: %s, not %s", #call, strerror(guest_result), \
		       strerror(native_result)); \
	} \
} while (0);

#define OTHER(guest, native, call) do { \
	BOTH(call); \
	EXPECT_EQ(guest, guest_result) { \
		TH_LOG("%s: guest", #call); \
	} \
	EXPECT_EQ(native, native_result) { \
		TH_LOG("%s: native", #call); \
	} \
} while (0);

TEST_F(readonly, same_as_on_the_host)
{
	SAME_CALLS(SAME)
}

TEST_F(readonly, answered_by_the_guest)
{
	OTHER_CALLS(OTHER)
}

/* Whatever was tried, and whoever tried it. */
TEST_F(readonly, nothing_has_changed)
{
	struct stat before, after;

	ASSERT_EQ(0, fstatat(self->host, "file", &before, 0));
	SAME_CALLS(BOTH_ONLY)
	OTHER_CALLS(BOTH_OTHER)
	ASSERT_EQ(0, fstatat(self->host, "file", &after, 0));
	EXPECT_EQ(before.st_ino, after.st_ino);
	EXPECT_EQ(before.st_size, after.st_size);
	EXPECT_EQ(before.st_mode, after.st_mode);
	EXPECT_EQ(before.st_uid, after.st_uid);
	EXPECT_EQ(before.st_nlink, after.st_nlink);
	EXPECT_EQ(before.st_ctim.tv_sec, after.st_ctim.tv_sec);
	EXPECT_EQ(before.st_ctim.tv_nsec, after.st_ctim.tv_nsec);
	EXPECT_EQ(-1, faccessat(self->host, "new", F_OK, 0));
}

int main(int argc, char **argv)
{
	if (argc != 3 || argv[1][0] != '/' || argv[2][0] != '/') {
		fprintf(stderr,
			"usage: readonly_test SHAREDIR MOUNT; both absolute\n");
		return 2;
	}
	share_dir = argv[1];
	mount_dir = argv[2];
	return test_harness_run(1, argv);
}
