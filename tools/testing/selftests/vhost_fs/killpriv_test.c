// SPDX-License-Identifier: GPL-2.0-only
/*
 * Set-user-ID and set-group-ID bits, and file capabilities, which go when a
 * file is changed: each change is made twice, by a process of the host and by
 * the request that a guest's driver makes of such a call, and must leave the
 * same. The guest's driver says in the request when the bits must go.
 */
#include "bed.h"
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#define ROOT FUSE_ROOT_ID
#define USER 1000
#define OTHER_GROUP 2000

/* What old headers lack. */
#ifndef FATTR_KILL_SUIDGID
#define FATTR_KILL_SUIDGID	(1 << 11)
#define FUSE_WRITE_KILL_SUIDGID	(1 << 2)
#define FUSE_OPEN_KILL_SUIDGID	(1 << 0)
#endif

enum change {
	WRITE, WRITE_APPEND, TRUNCATE, FTRUNCATE, OPEN_TRUNC, CREATE_TRUNC,
	FALLOCATE, COPY, CHOWN, CHGRP, CHMOD, READ, NR_CHANGES
};

static const char *const change_names[] = {
	"write", "append", "truncate", "ftruncate", "open", "create", "fallocate", "copy",
	"chown", "chgrp", "chmod", "read",
};

static const mode_t modes[] = {
	0755, 04755, 02755, 06755, 04744, 02744, 06744, 06711, 01755,
};

#define NR_MODES 9

FIXTURE(killpriv) {
	struct bed bed;
	struct fuse *f;
	uint64_t node;
};

FIXTURE_VARIANT(killpriv) {
	uid_t uid;
	gid_t group;	/* of the file */
	bool unknown;	/* the guest doesn't tell who asks */
};

FIXTURE_VARIANT_ADD(killpriv, root) { .uid = 0, .group = USER };
FIXTURE_VARIANT_ADD(killpriv, user) { .uid = USER, .group = USER };
FIXTURE_VARIANT_ADD(killpriv, user_not_in_group) {
	.uid = USER, .group = OTHER_GROUP,
};

/* So do guests that know of idmapped mounts, but with what creates. */
FIXTURE_VARIANT_ADD(killpriv, user_unknown) {
	.uid = USER, .group = USER, .unknown = true,
};

FIXTURE_SETUP(killpriv)
{
	struct bed_config config = { .flags = VHOST_FS_SHARE_KILLPRIV_V2 };

	ASSERT_EQ(0, bed_open(&self->bed, &config));
	self->f = &self->bed.fuse;
	ASSERT_EQ(FUSE_HANDLE_KILLPRIV_V2,
		  self->f->init.flags & FUSE_HANDLE_KILLPRIV_V2);
	self->f->uid = variant->unknown ? ~0U : variant->uid;
	self->f->gid = variant->unknown ? ~0U : variant->uid;
}

FIXTURE_TEARDOWN(killpriv)
{
	bed_close(&self->bed);
}

/* CAP_NET_BIND_SERVICE, effective. */
static const struct vfs_cap_data caps = {
	.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
	.data[0].permitted = 1 << CAP_NET_BIND_SERVICE,
};

static int prepare(struct bed *bed, const char *name, gid_t group, mode_t mode)
{
	int fd, ret;

	unlinkat(bed->fd, name, 0);
	ret = bed_write_file(bed, name, "0123456789", 10, 0600);
	if (ret)
		return ret;
	fd = openat(bed->fd, name, O_RDWR | O_CLOEXEC);
	if (fchown(fd, USER, group) ||
	    fsetxattr(fd, "security.capability", &caps, XATTR_CAPS_SZ_2, 0) ||
	    fchmod(fd, mode))
		ret = -errno;
	close(fd);
	return ret;
}

static int native_change(int dir, const char *name, enum change change)
{
	int fd = openat(dir, name, O_RDWR | (change == WRITE_APPEND ? O_APPEND : 0));
	loff_t from;
	char c;

	switch (change) {
	case WRITE:
	case WRITE_APPEND:
		return write(fd, "x", 1) == 1 ? 0 : errno;
	case TRUNCATE:
		return fchdir(dir) || truncate(name, 5) ? errno : 0;
	case FTRUNCATE:
		return ftruncate(fd, 5) ? errno : 0;
	case OPEN_TRUNC:
		return openat(dir, name, O_WRONLY | O_TRUNC) < 0 ? errno : 0;
	case CREATE_TRUNC:
		return openat(dir, name, O_CREAT | O_WRONLY | O_TRUNC, 0600) < 0 ?
		       errno : 0;
	case FALLOCATE:
		return fallocate(fd, 0, 0, 100) ? errno : 0;
	case COPY:
		from = 5;
		return copy_file_range(fd, NULL, fd, &from, 2, 0) == 2 ? 0 : errno;
	case CHOWN:
		return fchown(fd, USER, -1) ? errno : 0;
	case CHGRP:
		return fchown(fd, -1, USER) ? errno : 0;
	case CHMOD:
		return fchmod(fd, 06775) ? errno : 0;
	default:
		return read(fd, &c, 1) == 1 ? 0 : errno;
	}
}

/* In a child that has the ids. */
static int by_host(struct bed *bed, const char *name, uid_t uid,
		   enum change change)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (setgroups(0, NULL) || setresgid(uid, uid, uid) ||
		    setresuid(uid, uid, uid))
			_exit(255);
		_exit(native_change(bed->fd, name, change));
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -1000;
}

static int setattr(struct fuse *f, uint64_t node, struct fuse_setattr_in in)
{
	return fuse_setattr(f, node, &in, NULL);
}

/* As the driver does: CREATE for a name that it doesn't know. */
static int create_trunc(struct fuse *f, const char *name, uint32_t open_flags)
{
	struct fuse_create_in in = {
		.flags = O_CREAT | O_WRONLY | O_TRUNC, .mode = S_IFREG | 0600,
		.open_flags = open_flags,
	};
	struct {
		struct fuse_entry_out entry;
		struct fuse_open_out open;
	} out;
	struct fuse_call c = {
		.opcode = FUSE_CREATE, .nodeid = ROOT,
		.in = { { &in, sizeof(in) }, { (void *)name, strlen(name) + 1 } },
		.nr_in = 2, .out = &out, .out_size = sizeof(out),
	};

	return fuse_call(f, &c);
}

/* Within one file. */
static int copy(struct fuse *f, uint64_t node, uint64_t fh)
{
	struct fuse_copy_file_range_in in = {
		.fh_in = fh, .fh_out = fh, .nodeid_out = node, .off_out = 5,
		.len = 2,
	};
	struct fuse_write_out out;
	struct fuse_call c = {
		.opcode = FUSE_COPY_FILE_RANGE, .nodeid = node,
		.in = { { &in, sizeof(in) } }, .nr_in = 1,
		.out = &out, .out_size = sizeof(out),
	};

	return fuse_call(f, &c);
}

/*
 * A guest's driver leaves it to the host to clear bits before it has something
 * changed by which it can't ask for that.
 */
static int touch_first(struct fuse *f, uint64_t node)
{
	return f->uid == ~0U ? setattr(f, node, (struct fuse_setattr_in){ }) : 0;
}

/* Only who lacks CAP_FSETID asks for the bits to go, but for a new owner. */
static int by_guest(struct fuse *f, const char *name, enum change change)
{
	uint64_t node = bed_lookup(f, name);
	bool kill = f->uid;
	struct fuse_open_out open, trunc;
	char c;
	int ret;

	ret = fuse_open(f, node, O_RDWR, &open);
	if (ret)
		return ret;
	switch (change) {
	case WRITE:
	case WRITE_APPEND:
		ret = fuse_write_with(f, node, open.fh, 0, "x", 1,
				      change == WRITE_APPEND ? O_APPEND : 0,
				      kill ? FUSE_WRITE_KILL_SUIDGID : 0);
		return ret == 1 ? 0 : ret;
	case TRUNCATE:
		return setattr(f, node, (struct fuse_setattr_in){
			.valid = FATTR_SIZE | (kill ? FATTR_KILL_SUIDGID : 0),
			.size = 5 });
	case FTRUNCATE:
		return setattr(f, node, (struct fuse_setattr_in){
			.valid = FATTR_SIZE | FATTR_FH |
				 (kill ? FATTR_KILL_SUIDGID : 0),
			.size = 5, .fh = open.fh });
	case OPEN_TRUNC:
		return fuse_open_with(f, node, O_WRONLY | O_TRUNC,
				      kill ? FUSE_OPEN_KILL_SUIDGID : 0, &trunc);
	case CREATE_TRUNC:
		return create_trunc(f, name, kill ? FUSE_OPEN_KILL_SUIDGID : 0);
	case FALLOCATE:
		ret = touch_first(f, node);
		return ret ?: fuse_fallocate(f, node, open.fh, 0, 100, 0);
	case COPY:
		ret = touch_first(f, node);
		return ret ?: copy(f, node, open.fh);
	case CHOWN:
		return setattr(f, node, (struct fuse_setattr_in){
			.valid = FATTR_UID | FATTR_KILL_SUIDGID, .uid = USER });
	case CHGRP:
		return setattr(f, node, (struct fuse_setattr_in){
			.valid = FATTR_GID | FATTR_KILL_SUIDGID, .gid = USER });
	case CHMOD:
		/* The guest's own kernel has looked at the group. */
		return setattr(f, node, (struct fuse_setattr_in){
			.valid = FATTR_MODE, .mode = S_IFREG | 06775 });
	default:
		ret = fuse_read(f, node, open.fh, 0, &c, 1);
		return ret == 1 ? 0 : ret;
	}
}

static bool has_caps(struct bed *bed, const char *name)
{
	int fd = openat(bed->fd, name, O_RDONLY | O_CLOEXEC);
	ssize_t size = fgetxattr(fd, "security.capability", NULL, 0);

	close(fd);
	return size > 0;
}

/* A touch can't tell whether a member of the file's group makes it. */
static bool is_touched_first(enum change change)
{
	return change == FALLOCATE || change == COPY;
}

TEST_F(killpriv, as_on_the_host)
{
	struct bed *bed = &self->bed;
	struct stat native, served;
	int change, i, expected;

	for (change = 0; change < NR_CHANGES; change++) {
		if (change == CHMOD && variant->group == OTHER_GROUP)
			continue;
		for (i = 0; i < NR_MODES; i++) {
			ASSERT_EQ(0, prepare(bed, "native", variant->group,
					     modes[i]));
			ASSERT_EQ(0, prepare(bed, "served", variant->group,
					     modes[i]));
			expected = by_host(bed, "native", variant->uid, change);
			EXPECT_EQ(expected, by_guest(self->f, "served", change)) {
				TH_LOG("%s, mode %o", change_names[change],
				       modes[i]);
			}
			ASSERT_EQ(0, bed_stat(bed, "native", &native));
			ASSERT_EQ(0, bed_stat(bed, "served", &served));
			if (variant->unknown && is_touched_first(change))
				native.st_mode &= ~S_ISGID;
			EXPECT_EQ(native.st_mode, served.st_mode) {
				TH_LOG("%s, mode %o becomes %o, not %o",
				       change_names[change], modes[i],
				       served.st_mode, native.st_mode);
			}
			EXPECT_EQ(has_caps(bed, "native"), has_caps(bed, "served")) {
				TH_LOG("%s: capabilities", change_names[change]);
			}
		}
	}
}

/* The kernel takes only one of both, and would not survive both. */
TEST_F(killpriv, owner_and_mode_at_once)
{
	struct stat st;
	uint64_t node;

	ASSERT_EQ(0, prepare(&self->bed, "file", USER, 06755));
	node = bed_lookup(self->f, "file");
	ASSERT_EQ(0, setattr(self->f, node, (struct fuse_setattr_in){
		.valid = FATTR_UID | FATTR_GID | FATTR_MODE | FATTR_SIZE |
			 FATTR_KILL_SUIDGID,
		.uid = USER, .gid = USER, .mode = S_IFREG | 04711, .size = 3 }));
	ASSERT_EQ(0, bed_stat(&self->bed, "file", &st));
	EXPECT_EQ(S_IFREG | 04711, st.st_mode);
	EXPECT_EQ(3, st.st_size);
}

TEST_F(killpriv, directories_keep_theirs)
{
	struct stat st;
	uint64_t node;

	ASSERT_EQ(0, mkdirat(self->bed.fd, "dir", 0755));
	ASSERT_EQ(0, fchownat(self->bed.fd, "dir", USER, USER, 0));
	ASSERT_EQ(0, fchmodat(self->bed.fd, "dir", 06775, 0));
	node = bed_lookup(self->f, "dir");
	ASSERT_EQ(0, setattr(self->f, node, (struct fuse_setattr_in){
		.valid = FATTR_GID | FATTR_KILL_SUIDGID, .gid = USER }));
	ASSERT_EQ(0, bed_stat(&self->bed, "dir", &st));
	EXPECT_EQ(S_IFDIR | 06775, st.st_mode);
}

/* Without the agreement the bits are the guest's to take away; capabilities go. */
TEST(left_to_the_guest)
{
	struct bed_config config = { 0 };
	struct fuse_open_out open;
	struct stat st;
	struct bed bed;
	uint64_t node;

	ASSERT_EQ(0, bed_open(&bed, &config));
	EXPECT_EQ(0, bed.fuse.init.flags & FUSE_HANDLE_KILLPRIV_V2);
	ASSERT_EQ(0, prepare(&bed, "file", USER, 06755));
	bed.fuse.uid = USER;
	node = bed_lookup(&bed.fuse, "file");
	ASSERT_EQ(0, fuse_open(&bed.fuse, node, O_RDWR, &open));
	EXPECT_EQ(1, fuse_write(&bed.fuse, node, open.fh, 0, "x", 1));
	EXPECT_EQ(0, fuse_fallocate(&bed.fuse, node, open.fh, 0, 100, 0));
	/* Nor does it count if the guest asks all the same. */
	EXPECT_EQ(0, setattr(&bed.fuse, node, (struct fuse_setattr_in){
		.valid = FATTR_SIZE | FATTR_KILL_SUIDGID, .size = 5 }));
	ASSERT_EQ(0, bed_stat(&bed, "file", &st));
	EXPECT_EQ(S_IFREG | 06755, st.st_mode);
	EXPECT_FALSE(has_caps(&bed, "file"));
	bed_close(&bed);
}

TEST_HARNESS_MAIN
