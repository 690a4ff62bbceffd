// SPDX-License-Identifier: GPL-2.0-only
/*
 * User and group ids that are not the same in the guest and on the host: by the
 * share's own rules, and by mounts with mapped ids.
 */
#include "bed.h"
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define ROOT FUSE_ROOT_ID

FIXTURE(idmap) {
	struct bed bed;
	struct fuse *f;
};

/*
 * Guest ids 0 to 9 and host ids 1000 to 1009 are the same; guest ids from 100
 * on are one, and so are host ids from 2000 on; the guest may not use 50.
 */
static const struct vhost_fs_id_rule rules[] = {
	{ VHOST_FS_ID_GUEST, 0, 1000, 10 },
	{ VHOST_FS_ID_FORBID_GUEST, 50, 0, 1 },
	{ VHOST_FS_ID_SQUASH_HOST, 2000, 77, 100000 },
	{ VHOST_FS_ID_HOST, 1000, 0, 10 },
	{ VHOST_FS_ID_SQUASH_GUEST, 100, 65534, 900 },
};

FIXTURE_SETUP(idmap)
{
	struct bed_config config = {
		.options.uid_rules = (uintptr_t)rules,
		.options.nr_uid_rules = 5,
		.options.gid_rules = (uintptr_t)rules,
		.options.nr_gid_rules = 5,
	};

	ASSERT_EQ(0, bed_open(&self->bed, &config));
	self->f = &self->bed.fuse;
}

FIXTURE_TEARDOWN(idmap)
{
	bed_close(&self->bed);
}

/* Guest ids, and what they are on the host. */
static const struct {
	uint32_t guest;
	uint32_t host;
} to_host[] = {
	{ 0, 1000 }, { 9, 1009 }, { 10, 10 }, { 49, 49 }, { 51, 51 }, { 99, 99 },
	{ 100, 65534 }, { 555, 65534 }, { 999, 65534 }, { 1000, 1000 },
	{ 4294967294U, 4294967294U },
};

TEST_F(idmap, made_by_guest_users)
{
	struct fuse_entry_out entry;
	struct fuse_open_out open;
	struct stat st;
	char name[16];
	int i;

	for (i = 0; i < 11; i++) {
		self->f->uid = to_host[i].guest;
		self->f->gid = to_host[10 - i].guest;
		snprintf(name, sizeof(name), "file-%d", i);
		ASSERT_EQ(0, fuse_create(self->f, ROOT, name, O_RDWR, 0644, 0,
					 &entry, &open));
		ASSERT_EQ(0, bed_stat(&self->bed, name, &st));
		EXPECT_EQ(to_host[i].host, st.st_uid);
		EXPECT_EQ(to_host[10 - i].host, st.st_gid);
		snprintf(name, sizeof(name), "dir-%d", i);
		ASSERT_EQ(0, fuse_mkdir(self->f, ROOT, name, 0755, 0, &entry));
		ASSERT_EQ(0, bed_stat(&self->bed, name, &st));
		EXPECT_EQ(to_host[i].host, st.st_uid);
		snprintf(name, sizeof(name), "link-%d", i);
		ASSERT_EQ(0, fuse_symlink(self->f, ROOT, name, "x", &entry));
		ASSERT_EQ(0, bed_stat(&self->bed, name, &st));
		EXPECT_EQ(to_host[i].host, st.st_uid);
	}
}

TEST_F(idmap, changed_owner)
{
	struct fuse_setattr_in in = { .valid = FATTR_UID | FATTR_GID };
	struct fuse_attr attr;
	struct stat st;
	uint64_t file;
	int i;

	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "", 0, 0644));
	file = bed_lookup(self->f, "file");
	for (i = 0; i < 11; i++) {
		in.uid = to_host[i].guest;
		in.gid = to_host[10 - i].guest;
		ASSERT_EQ(0, fuse_setattr(self->f, file, &in, &attr));
		ASSERT_EQ(0, bed_stat(&self->bed, "file", &st));
		EXPECT_EQ(to_host[i].host, st.st_uid);
		EXPECT_EQ(to_host[10 - i].host, st.st_gid);
	}
}

/* Nothing is made, and nothing is changed. */
TEST_F(idmap, forbidden_ids)
{
	struct fuse_setattr_in in = { .valid = FATTR_UID, .uid = 50 };
	struct fuse_entry_out entry;
	struct fuse_open_out open;
	struct stat st;
	uint64_t file;

	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "", 0, 0644));
	file = bed_lookup(self->f, "file");
	EXPECT_EQ(-EPERM, fuse_setattr(self->f, file, &in, NULL));
	in = (struct fuse_setattr_in){ .valid = FATTR_GID, .gid = 50 };
	EXPECT_EQ(-EPERM, fuse_setattr(self->f, file, &in, NULL));
	ASSERT_EQ(0, bed_stat(&self->bed, "file", &st));
	EXPECT_EQ(0, st.st_uid);
	EXPECT_EQ(0, st.st_gid);
	self->f->uid = 50;
	EXPECT_EQ(-EPERM, fuse_create(self->f, ROOT, "new", O_RDWR, 0644, 0,
				      &entry, &open));
	EXPECT_EQ(-EPERM, fuse_mkdir(self->f, ROOT, "new", 0755, 0, &entry));
	EXPECT_EQ(-EPERM, fuse_access(self->f, file, R_OK));
	self->f->uid = 0;
	self->f->gid = 50;
	EXPECT_EQ(-EPERM, fuse_mknod(self->f, ROOT, "new", S_IFREG | 0644, 0, 0,
				     &entry));
	EXPECT_EQ(-ENOENT, bed_stat(&self->bed, "new", &st));
	/* What creates nothing is for the guest to decide. */
	EXPECT_EQ(0, fuse_open(self->f, file, O_RDWR, &open));
	EXPECT_EQ(2, fuse_write(self->f, file, open.fh, 0, "ab", 2));
}

/* Host ids, and what the guest is told of them. */
static const struct {
	uint32_t host;
	uint32_t guest;
} to_guest[] = {
	{ 0, 0 }, { 999, 999 }, { 1000, 0 }, { 1009, 9 }, { 1010, 1010 },
	{ 1999, 1999 }, { 2000, 77 }, { 101999, 77 }, { 102000, 102000 },
	{ 4294967294U, 4294967294U },
};

TEST_F(idmap, shown_to_the_guest)
{
	struct fuse_entry_out entry;
	struct fuse_statx stx;
	struct fuse_attr attr;
	int i;

	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "", 0, 0644));
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, fchownat(self->bed.fd, "file", to_guest[i].host,
				      to_guest[9 - i].host, 0));
		ASSERT_EQ(0, fuse_lookup(self->f, ROOT, "file", &entry));
		EXPECT_EQ(to_guest[i].guest, entry.attr.uid);
		EXPECT_EQ(to_guest[9 - i].guest, entry.attr.gid);
		ASSERT_EQ(0, fuse_getattr(self->f, entry.nodeid, &attr));
		EXPECT_EQ(to_guest[i].guest, attr.uid);
		EXPECT_EQ(to_guest[9 - i].guest, attr.gid);
		ASSERT_EQ(0, fuse_statx(self->f, entry.nodeid, 0xfff, &stx));
		EXPECT_EQ(to_guest[i].guest, stx.uid);
		EXPECT_EQ(to_guest[9 - i].guest, stx.gid);
	}
}

TEST_F(idmap, in_listings)
{
	struct fuse_open_out open;
	char buf[4096] __attribute__((aligned(8)));
	int size, pos, seen = 0;

	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "", 0, 0644));
	ASSERT_EQ(0, fchownat(self->bed.fd, "file", 1005, 2222, 0));
	ASSERT_EQ(0, fuse_opendir(self->f, ROOT, &open));
	size = fuse_readdirplus(self->f, ROOT, open.fh, 0, buf, sizeof(buf));
	for (pos = 0; pos < size;) {
		struct fuse_direntplus *dp = (void *)(buf + pos);

		if (dp->dirent.namelen == 4) {
			EXPECT_EQ(5, dp->entry_out.attr.uid);
			EXPECT_EQ(77, dp->entry_out.attr.gid);
			seen++;
		}
		pos += FUSE_DIRENTPLUS_SIZE(dp);
	}
	EXPECT_EQ(1, seen);
}

/* Permission is that of the host's user. */
TEST_F(idmap, access)
{
	uint64_t file;

	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "", 0, 0600));
	ASSERT_EQ(0, fchownat(self->bed.fd, "file", 1005, 1005, 0));
	file = bed_lookup(self->f, "file");
	self->f->uid = 5;
	EXPECT_EQ(0, fuse_access(self->f, file, R_OK | W_OK));
	self->f->uid = 1005;
	EXPECT_EQ(0, fuse_access(self->f, file, R_OK | W_OK));
	self->f->uid = 6;
	EXPECT_EQ(-EACCES, fuse_access(self->f, file, R_OK));
	ASSERT_EQ(0, fchmodat(self->bed.fd, "file", 0060, 0));
	self->f->gid = 5;
	EXPECT_EQ(0, fuse_access(self->f, file, R_OK | W_OK));
	self->f->gid = 6;
	EXPECT_EQ(-EACCES, fuse_access(self->f, file, R_OK));
}

FIXTURE(rules) {
	struct bed bed;
	struct vhost_fs_add_share add;
};

FIXTURE_SETUP(rules)
{
	struct bed_config config = { 0 };

	ASSERT_EQ(0, bed_open_share(&self->bed, &config));
	self->add = (struct vhost_fs_add_share){
		.size = sizeof(self->add), .root_fd = self->bed.fd,
	};
	snprintf((char *)self->add.name, sizeof(self->add.name), "%.60s-2",
		 self->bed.share);
}

FIXTURE_TEARDOWN(rules)
{
	bed_close(&self->bed);
}

/* Adds a share with these rules for users, and then for groups. */
static int add_with(FIXTURE_DATA(rules) *self, const void *rules, uint32_t nr)
{
	struct vhost_fs_add_share users = self->add, groups = self->add;
	int ret, other;

	users.uid_rules = (uintptr_t)rules;
	users.nr_uid_rules = nr;
	ret = share_add(&users);
	if (!ret)
		share_remove((char *)users.name);
	groups.gid_rules = (uintptr_t)rules;
	groups.nr_gid_rules = nr;
	other = share_add(&groups);
	if (!other)
		share_remove((char *)groups.name);
	return ret == other ? ret : -1000;
}

TEST_F(rules, single)
{
	static const struct {
		int ret;
		struct vhost_fs_id_rule rule;
	} rows[] = {
		{ 0, { VHOST_FS_ID_GUEST, 0, 0, 1 } },
		{ 0, { VHOST_FS_ID_GUEST, 0, 0, 4294967295U } },
		{ 0, { VHOST_FS_ID_HOST, 4294967294U, 0, 1 } },
		{ 0, { VHOST_FS_ID_SQUASH_GUEST, 0, 4294967294U, 4294967295U } },
		{ 0, { VHOST_FS_ID_SQUASH_HOST, 5, 4294967294U, 7 } },
		{ 0, { VHOST_FS_ID_FORBID_GUEST, 4294967294U, 0, 1 } },
		{ -EINVAL, { VHOST_FS_ID_GUEST, 0, 0, 0 } },
		{ -EINVAL, { VHOST_FS_ID_GUEST, 4294967295U, 0, 1 } },
		{ -EINVAL, { VHOST_FS_ID_GUEST, 1, 0, 4294967295U } },
		{ -EINVAL, { VHOST_FS_ID_GUEST, 0, 1, 4294967295U } },
		{ -EINVAL, { VHOST_FS_ID_HOST, 0, 4294967295U, 1 } },
		{ -EINVAL, { VHOST_FS_ID_HOST, 4294967294U, 0, 2 } },
		{ -EINVAL, { VHOST_FS_ID_SQUASH_GUEST, 0, 4294967295U, 1 } },
		{ -EINVAL, { VHOST_FS_ID_SQUASH_HOST, 4294967295U, 0, 1 } },
		{ -EINVAL, { VHOST_FS_ID_FORBID_GUEST, 0, 1, 1 } },
		{ -EINVAL, { VHOST_FS_ID_FORBID_GUEST, 0, 0, 0 } },
		{ -EINVAL, { VHOST_FS_ID_FORBID_GUEST + 1, 0, 0, 1 } },
		{ -EINVAL, { 4294967295U, 0, 0, 1 } },
	};
	int i;

	for (i = 0; i < 18; i++) {
		EXPECT_EQ(rows[i].ret, add_with(self, &rows[i].rule, 1)) {
			TH_LOG("row %d", i);
		}
	}
}

TEST_F(rules, overlapping)
{
	static const struct {
		int ret;
		struct vhost_fs_id_rule rules[2];
	} rows[] = {
		{ 0, { { VHOST_FS_ID_GUEST, 0, 0, 10 },
		       { VHOST_FS_ID_GUEST, 10, 0, 10 } } },
		{ 0, { { VHOST_FS_ID_GUEST, 0, 0, 10 },
		       { VHOST_FS_ID_HOST, 5, 0, 10 } } },
		{ -EINVAL, { { VHOST_FS_ID_GUEST, 0, 0, 10 },
			     { VHOST_FS_ID_GUEST, 9, 100, 10 } } },
		{ -EINVAL, { { VHOST_FS_ID_SQUASH_GUEST, 9, 0, 1 },
			     { VHOST_FS_ID_GUEST, 0, 100, 10 } } },
		{ -EINVAL, { { VHOST_FS_ID_FORBID_GUEST, 0, 0, 4294967295U },
			     { VHOST_FS_ID_GUEST, 4294967294U, 0, 1 } } },
		{ -EINVAL, { { VHOST_FS_ID_HOST, 7, 0, 1 },
			     { VHOST_FS_ID_SQUASH_HOST, 7, 0, 1 } } },
	};
	int i;

	for (i = 0; i < 6; i++) {
		EXPECT_EQ(rows[i].ret, add_with(self, rows[i].rules, 2)) {
			TH_LOG("row %d", i);
		}
	}
}

TEST_F(rules, number_and_place)
{
	static struct vhost_fs_id_rule many[VHOST_FS_MAX_ID_RULES + 1];
	int i;

	for (i = 0; i <= VHOST_FS_MAX_ID_RULES; i++)
		many[i] = (struct vhost_fs_id_rule){
			VHOST_FS_ID_GUEST, 2 * (VHOST_FS_MAX_ID_RULES - i), 0, 2,
		};
	EXPECT_EQ(0, add_with(self, many, VHOST_FS_MAX_ID_RULES));
	EXPECT_EQ(-EINVAL, add_with(self, many, VHOST_FS_MAX_ID_RULES + 1));
	EXPECT_EQ(-EINVAL, add_with(self, many, ~0U));
	EXPECT_EQ(-EFAULT, add_with(self, NULL, 1));
	EXPECT_EQ(0, add_with(self, NULL, 0));
}

/* Mounts: ids from 0 to 999 of the guest are those from 100000 on, on disk. */
FIXTURE(mapped) {
	struct bed bed;
	struct fuse *f;
};

static int write_map(pid_t pid, const char *name)
{
	const char *map = "100000 0 1000\n";
	char path[64];
	int fd, ret = -1;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		ret = write(fd, map, strlen(map));
		close(fd);
	}
	return ret;
}

/* A user namespace with such maps. */
static int open_user_ns(void)
{
	int up[2], fd = -1;
	char path[64], c;
	pid_t pid;

	if (pipe2(up, O_CLOEXEC))
		return -1;
	pid = fork();
	if (pid == 0) {
		c = unshare(CLONE_NEWUSER) ? 1 : 0;
		if (write(up[1], &c, 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	if (read(up[0], &c, 1) == 1 && !c && write_map(pid, "uid_map") > 0 &&
	    write_map(pid, "gid_map") > 0) {
		snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return fd;
}

FIXTURE_SETUP(mapped)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP };
	struct bed_config config = { 0 };
	int tree, user_ns;

	ASSERT_EQ(0, bed_open_share(&self->bed, &config));
	ASSERT_EQ(0, fchown(self->bed.fd, 100000, 100000));
	tree = syscall(SYS_open_tree, self->bed.fd, "",
		       OPEN_TREE_CLONE | AT_EMPTY_PATH | O_CLOEXEC);
	ASSERT_LE(0, tree);
	user_ns = open_user_ns();
	ASSERT_LE(0, user_ns);
	attr.userns_fd = user_ns;
	ASSERT_EQ(0, syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr,
			     sizeof(attr)));
	close(user_ns);
	ASSERT_EQ(0, share_remove(self->bed.share));
	ASSERT_EQ(0, share_add_fd(self->bed.share, tree));
	close(tree);
	ASSERT_EQ(0, bed_open_device(&self->bed, &self->bed.dev,
				     &self->bed.fuse, &config));
	self->f = &self->bed.fuse;
}

FIXTURE_TEARDOWN(mapped)
{
	bed_close(&self->bed);
}

TEST_F(mapped, made_by_guest_users)
{
	struct fuse_entry_out entry;
	struct fuse_open_out open;
	struct stat st;

	self->f->uid = 5;
	self->f->gid = 999;
	ASSERT_EQ(0, fuse_create(self->f, ROOT, "file", O_RDWR, 0640, 0, &entry,
				 &open));
	EXPECT_EQ(5, entry.attr.uid);
	EXPECT_EQ(999, entry.attr.gid);
	ASSERT_EQ(0, bed_stat(&self->bed, "file", &st));
	EXPECT_EQ(100005, st.st_uid);
	EXPECT_EQ(100999, st.st_gid);
	EXPECT_EQ(2, fuse_write(self->f, entry.nodeid, open.fh, 0, "ab", 2));
	ASSERT_EQ(0, fuse_mkdir(self->f, ROOT, "dir", 0755, 0, &entry));
	ASSERT_EQ(0, fuse_symlink(self->f, ROOT, "link", "x", &entry));
	ASSERT_EQ(0, fuse_mknod(self->f, ROOT, "fifo", S_IFIFO | 0600, 0, 0,
				&entry));
	EXPECT_EQ(5, entry.attr.uid);
	ASSERT_EQ(0, bed_stat(&self->bed, "fifo", &st));
	EXPECT_EQ(100005, st.st_uid);
}

TEST_F(mapped, changed_owner)
{
	struct fuse_setattr_in in = {
		.valid = FATTR_UID | FATTR_GID, .uid = 7, .gid = 8,
	};
	struct fuse_attr attr;
	struct stat st;
	uint64_t file;

	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "", 0, 0640));
	ASSERT_EQ(0, fchownat(self->bed.fd, "file", 100001, 100002, 0));
	file = bed_lookup(self->f, "file");
	ASSERT_EQ(0, fuse_getattr(self->f, file, &attr));
	EXPECT_EQ(1, attr.uid);
	EXPECT_EQ(2, attr.gid);
	ASSERT_EQ(0, fuse_setattr(self->f, file, &in, &attr));
	EXPECT_EQ(7, attr.uid);
	EXPECT_EQ(8, attr.gid);
	ASSERT_EQ(0, bed_stat(&self->bed, "file", &st));
	EXPECT_EQ(100007, st.st_uid);
	EXPECT_EQ(100008, st.st_gid);
}

/* As a process on the host sees of such a mount. */
TEST_F(mapped, ids_without_a_counterpart)
{
	struct fuse_setattr_in in = { .valid = FATTR_UID, .uid = 1000 };
	struct fuse_entry_out entry;
	struct fuse_open_out open;
	struct fuse_attr attr;
	struct stat st;
	uint64_t file;

	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "", 0, 0666));
	ASSERT_EQ(0, fchownat(self->bed.fd, "file", 5, 100002, 0));
	file = bed_lookup(self->f, "file");
	ASSERT_EQ(0, fuse_getattr(self->f, file, &attr));
	EXPECT_EQ(65534, attr.uid);
	EXPECT_EQ(2, attr.gid);
	EXPECT_EQ(0, fuse_open(self->f, file, O_RDONLY, &open));
	EXPECT_EQ(-EACCES, fuse_open(self->f, file, O_WRONLY, &open));
	EXPECT_EQ(-EOVERFLOW, fuse_setattr(self->f, file, &in, NULL));
	in = (struct fuse_setattr_in){ .valid = FATTR_MODE, .mode = 0600 };
	EXPECT_GT(0, fuse_setattr(self->f, file, &in, NULL));
	ASSERT_EQ(0, bed_stat(&self->bed, "file", &st));
	EXPECT_EQ(0666, st.st_mode & 07777);
	self->f->uid = 1000;
	EXPECT_EQ(-EOVERFLOW, fuse_create(self->f, ROOT, "new", O_RDWR, 0600, 0,
					  &entry, &open));
	EXPECT_EQ(-EOVERFLOW, fuse_mkdir(self->f, ROOT, "new", 0700, 0, &entry));
	EXPECT_EQ(-ENOENT, bed_stat(&self->bed, "new", &st));
}

TEST_F(mapped, access)
{
	uint64_t file;

	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "", 0, 0600));
	ASSERT_EQ(0, fchownat(self->bed.fd, "file", 100005, 100005, 0));
	file = bed_lookup(self->f, "file");
	self->f->uid = 5;
	EXPECT_EQ(0, fuse_access(self->f, file, R_OK | W_OK));
	self->f->uid = 6;
	EXPECT_EQ(-EACCES, fuse_access(self->f, file, R_OK));
	self->f->uid = 100005;
	EXPECT_EQ(-EACCES, fuse_access(self->f, file, R_OK));
}

TEST_HARNESS_MAIN
