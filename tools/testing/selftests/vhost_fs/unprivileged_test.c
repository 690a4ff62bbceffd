// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shares of users without privileges, in user namespaces of their own and
 * without: whoever adds a share can play its guest too, and must not get by it
 * what the host denies him.
 */
#include "bed.h"
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define ROOT FUSE_ROOT_ID
#define MAKER 1234
#define GROUP 5000

/* Where the maker lives. */
enum home {
	HOST,
	UNMAPPED,	/* as in unshare -U */
	MAPPED,		/* as in unshare -Ur: as root, and without setgroups(2) */
};

FIXTURE(unprivileged) {
	struct bed bed;
};

FIXTURE_SETUP(unprivileged)
{
	struct bed_config config = { 0 };

	ASSERT_EQ(0, bed_open_share(&self->bed, &config));
}

FIXTURE_TEARDOWN(unprivileged)
{
	bed_close(&self->bed);
}

struct maker {
	struct bed *bed;
	enum home home;
	bool in_group;		/* GROUP is one of his */
	uint32_t flags;		/* of his share */
	int (*guest)(struct fuse *f);
};

static int write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return ret;
}

static int go_home(enum home home)
{
	char map[32];

	if (home == HOST)
		return 0;
	if (unshare(CLONE_NEWUSER))
		return -errno;
	if (home == UNMAPPED)
		return 0;
	snprintf(map, sizeof(map), "0 %d 1", MAKER);
	/* A process that changed its ids owns its own files in /proc again. */
	if (prctl(PR_SET_DUMPABLE, 1) ||
	    write_to("/proc/self/setgroups", "deny") ||
	    write_to("/proc/self/uid_map", map) ||
	    write_to("/proc/self/gid_map", map))
		return -EIO;
	return 0;
}

/* A share on a device of its own, as whoever runs this. */
static int serve(const struct maker *m, int fd)
{
	struct vhost_fs_add_share add = {
		.size = sizeof(add), .root_fd = m->bed->fd, .flags = m->flags,
	};
	struct vhost_fs_share_name name = { .size = sizeof(name) };
	struct ring_config config = { 0 };
	struct ring_dev dev;
	struct fuse f;
	int ret;

	snprintf((char *)add.name, sizeof(add.name), "maker-%d", getpid());
	memcpy(name.name, add.name, sizeof(name.name));
	ret = ring_ioctl(fd, VHOST_FS_ADD_SHARE, &add);
	if (ret)
		return ret;
	ret = ring_open_fd(&dev, fd, &config);
	if (!ret)
		ret = ring_attach(&dev, (char *)add.name);
	ring_ioctl(fd, VHOST_FS_REMOVE_SHARE, &name);
	if (!ret)
		ret = ring_set_running(&dev, true);
	if (ret)
		return ret;
	fuse_session(&f, &dev, RING_REQUEST);
	ret = fuse_init(&f);
	return ret ? ret : m->guest(&f);
}

/* What the guest's requests returned; EIO if they were never made. */
static int as_maker(const struct maker *m)
{
	int fd = open("/dev/vhost-fs", O_RDWR | O_CLOEXEC);
	gid_t group = GROUP;
	int status, ret;
	pid_t pid;

	pid = fork();
	if (pid == 0) {
		if (setgroups(m->in_group, &group) ||
		    setresgid(MAKER, MAKER, MAKER) ||
		    setresuid(MAKER, MAKER, MAKER) || go_home(m->home))
			_exit(EIO);
		ret = serve(m, fd);
		_exit(ret < -255 ? EIO : -ret);
	}
	close(fd);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -EIO;
	return -WEXITSTATUS(status);
}

/* A file or directory of root's and GROUP's. */
static int of_group(struct bed *bed, const char *name, mode_t mode, bool dir)
{
	int ret = dir ? mkdirat(bed->fd, name, 0700) :
			bed_write_file(bed, name, "0123456789", 10, 0600);

	if (ret || fchownat(bed->fd, name, 0, GROUP, 0) ||
	    fchmodat(bed->fd, name, mode, 0))
		return -EIO;
	return 0;
}

static int truncate_and_kill(struct fuse *f)
{
	struct fuse_setattr_in in = { .valid = FATTR_SIZE | FATTR_KILL_SUIDGID };

	return fuse_setattr(f, bed_lookup(f, "file"), &in, NULL);
}

/* A user whom the guest doesn't name counts as one of the file's group. */
static int truncate_unknown(struct fuse *f)
{
	f->uid = ~0U;
	f->gid = ~0U;
	return truncate_and_kill(f);
}

static int touch_and_kill(struct fuse *f)
{
	struct fuse_setattr_in in = {
		.valid = FATTR_ATIME | FATTR_ATIME_NOW | FATTR_MTIME |
			 FATTR_MTIME_NOW | FATTR_KILL_SUIDGID,
	};

	f->gid = ~0U;
	return fuse_setattr(f, bed_lookup(f, "file"), &in, NULL);
}

/* To be taken to be in a file's group is no right to write to it. */
TEST_F(unprivileged, no_rights_of_the_files_group)
{
	struct maker m = {
		.bed = &self->bed, .flags = VHOST_FS_SHARE_KILLPRIV_V2,
	};
	struct stat st;

	ASSERT_EQ(0, of_group(&self->bed, "file", 02664, false));
	for (m.home = HOST; m.home <= MAPPED; m.home++) {
		m.guest = truncate_unknown;
		EXPECT_EQ(-EACCES, as_maker(&m)) {
			TH_LOG("home %d", m.home);
		}
		m.guest = touch_and_kill;
		EXPECT_GT(0, as_maker(&m)) {
			TH_LOG("home %d", m.home);
		}
		ASSERT_EQ(0, bed_stat(&self->bed, "file", &st));
		EXPECT_EQ(10, st.st_size);
		EXPECT_EQ(S_IFREG | 02664, st.st_mode);
	}
	/* Whoever may write may still. */
	ASSERT_EQ(0, fchmodat(self->bed.fd, "file", 02666, 0));
	m = (struct maker){
		.bed = &self->bed, .flags = VHOST_FS_SHARE_KILLPRIV_V2,
		.home = MAPPED, .guest = truncate_unknown,
	};
	EXPECT_EQ(0, as_maker(&m));
}

static int make_file(struct fuse *f)
{
	struct fuse_entry_out entry;
	struct fuse_open_out open;

	return fuse_create(f, bed_lookup(f, "dir"), "new", O_RDWR, 0644, 0,
			   &entry, &open);
}

static int make_dir(struct fuse *f)
{
	struct fuse_entry_out entry;

	return fuse_mkdir(f, bed_lookup(f, "dir"), "new", 0755, 0, &entry);
}

static int make_tmpfile(struct fuse *f)
{
	struct fuse_entry_out entry;
	struct fuse_open_out open;

	return fuse_tmpfile(f, bed_lookup(f, "dir"), O_TMPFILE | O_RDWR, 0644,
			    0, &entry, &open);
}

/* Where groups can't be dropped, a directory that shuts one out stays shut. */
TEST_F(unprivileged, keeps_groups_that_shut_out)
{
	int (*const guests[])(struct fuse *f) = {
		make_file, make_dir, make_tmpfile,
	};
	struct maker m = {
		.bed = &self->bed, .home = MAPPED, .in_group = true,
	};
	int i;

	ASSERT_EQ(0, of_group(&self->bed, "dir", 0707, true));
	for (i = 0; i < 3; i++) {
		m.guest = guests[i];
		EXPECT_EQ(-EACCES, as_maker(&m)) {
			TH_LOG("request %d", i);
		}
	}
	m.in_group = false;
	m.guest = make_tmpfile;
	EXPECT_EQ(0, as_maker(&m));
}

static int set_attribute(struct fuse *f)
{
	return fuse_setxattr(f, bed_lookup(f, "file"), "user.v", "v", 1, 0,
			     FUSE_SETXATTR_ACL_KILL_SGID);
}

/* So does a file, for all that isn't an ACL. */
TEST_F(unprivileged, attribute_of_a_file_that_shuts_out)
{
	struct maker m = {
		.bed = &self->bed, .in_group = true, .guest = set_attribute,
		.flags = VHOST_FS_SHARE_XATTR | VHOST_FS_SHARE_POSIX_ACL,
	};

	ASSERT_EQ(0, of_group(&self->bed, "file", 0606, false));
	for (m.home = HOST; m.home <= MAPPED; m.home++)
		EXPECT_EQ(-EACCES, as_maker(&m)) {
			TH_LOG("home %d", m.home);
		}
	m.home = HOST;
	m.in_group = false;
	EXPECT_EQ(0, as_maker(&m));
}

/* His own file, in a directory that isn't: reading leaves its time alone. */
static int read_tmpfile(struct fuse *f)
{
	struct fuse_setattr_in in = {
		.valid = FATTR_ATIME | FATTR_MTIME, .atime = 1000, .mtime = 2000,
	};
	struct fuse_entry_out entry;
	struct fuse_open_out open;
	struct fuse_attr attr;
	char buf[4];
	int ret;

	f->uid = f->gid = MAKER;
	ret = fuse_tmpfile(f, bed_lookup(f, "dir"),
			   O_TMPFILE | O_RDWR | O_NOATIME, 0644, 0, &entry,
			   &open);
	if (ret)
		return ret;
	if (fuse_write(f, entry.nodeid, open.fh, 0, "data", 4) != 4 ||
	    fuse_setattr(f, entry.nodeid, &in, NULL) ||
	    fuse_read(f, entry.nodeid, open.fh, 0, buf, 4) != 4 ||
	    fuse_getattr(f, entry.nodeid, &attr))
		return -EIO;
	return attr.atime == 1000 ? 0 : -ETIME;
}

TEST_F(unprivileged, tmpfile_without_atime)
{
	struct maker m = {
		.bed = &self->bed, .flags = VHOST_FS_SHARE_NOATIME,
		.guest = read_tmpfile,
	};

	ASSERT_EQ(0, of_group(&self->bed, "dir", 01777, true));
	EXPECT_EQ(0, as_maker(&m));
}

TEST_HARNESS_MAIN
