// SPDX-License-Identifier: GPL-2.0-only
/*
 * Moving a device's state to another device: what the guest has goes on working
 * there under its numbers, and what can't be moved is said.
 */
#include "bed.h"
#include "harness.h"
#include "state.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define ROOT FUSE_ROOT_ID

FIXTURE(state) {
	struct bed bed;
	struct fuse *f;
	struct ring_dev to;		/* where the state goes */
	struct fuse g;			/* the same session there */
	struct vhost_fs_device_state_result result;
};

FIXTURE_SETUP(state)
{
	struct bed_config config = { 0 };

	ASSERT_EQ(0, bed_open(&self->bed, &config));
	self->f = &self->bed.fuse;
	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "data", 4, 0644));
	ASSERT_EQ(0, mkdirat(self->bed.fd, "dir", 0755));
	ASSERT_EQ(0, bed_write_file(&self->bed, "dir/inner", "inner", 5, 0644));
	self->to.fd = -1;
}

FIXTURE_TEARDOWN(state)
{
	if (self->to.fd >= 0)
		ring_close(&self->to);
	bed_close(&self->bed);
}

/* Stops the source, and has its state loaded into a new device that runs. */
static int move_to(struct bed *bed, struct ring_dev *to, struct fuse *g,
		   struct vhost_fs_device_state_result *result)
{
	int err, fd;

	err = ring_set_running(&bed->dev, false);
	if (err)
		return err;
	fd = state_save(&bed->dev, result);
	if (fd < 0)
		return fd;
	err = state_open(bed, to);
	if (!err)
		err = state_move(to, VHOST_FS_STATE_LOAD, fd, result);
	close(fd);
	if (!err)
		err = ring_set_running(to, true);
	fuse_session(g, to, RING_REQUEST);
	g->init = bed->fuse.init;
	return err;
}

#define MOVE() \
	ASSERT_EQ(0, move_to(&self->bed, &self->to, &self->g, &self->result)) { \
		TH_LOG("error %d reason %u object %llu", self->result.error, \
		       self->result.reason, \
		       (unsigned long long)self->result.object); \
	}

TEST_F(state, nodes_and_handles)
{
	uint64_t file = bed_lookup(self->f, "file");
	uint64_t inner = bed_lookup(self->f, "dir/inner");
	struct fuse_attr before, after;
	struct fuse_open_out open, open_inner;
	char buf[8];

	ASSERT_EQ(0, fuse_getattr(self->f, inner, &before));
	ASSERT_EQ(0, fuse_open(self->f, file, O_RDWR, &open));
	ASSERT_EQ(0, fuse_open(self->f, inner, O_RDONLY, &open_inner));
	MOVE();
	ASSERT_EQ(0, fuse_getattr(&self->g, inner, &after));
	EXPECT_EQ(before.ino, after.ino);
	EXPECT_EQ(4, fuse_read(&self->g, file, open.fh, 0, buf, sizeof(buf)));
	EXPECT_EQ(3, fuse_write(&self->g, file, open.fh, 1, "xyz", 3));
	EXPECT_EQ(4, bed_read_file(&self->bed, "file", buf, sizeof(buf)));
	EXPECT_EQ(0, memcmp(buf, "dxyz", 4));
	EXPECT_EQ(5, fuse_read(&self->g, inner, open_inner.fh, 0, buf, 8));
	/* It was opened for reading alone. */
	EXPECT_EQ(-EBADF, fuse_write(&self->g, inner, open_inner.fh, 0, "x", 1));
	EXPECT_EQ(0, fuse_release(&self->g, file, open.fh));
	EXPECT_EQ(-EBADF, fuse_read(&self->g, file, open.fh, 0, buf, 8));
}

/* Each lookup is one to forget there, and the parents' are no more than before. */
TEST_F(state, lookup_counts)
{
	uint64_t dir = bed_lookup(self->f, "dir"), inner;

	bed_lookup(self->f, "dir/inner");
	inner = bed_lookup(self->f, "dir/inner");
	/* dir: once by itself, twice on the way; inner: twice. */
	MOVE();
	ASSERT_EQ(0, fuse_forget(&self->g, inner, 1));
	EXPECT_EQ(0, fuse_getattr(&self->g, inner, NULL));
	ASSERT_EQ(0, fuse_forget(&self->g, inner, 1));
	EXPECT_EQ(-ESTALE, fuse_getattr(&self->g, inner, NULL));
	ASSERT_EQ(0, fuse_forget(&self->g, dir, 2));
	EXPECT_EQ(0, fuse_getattr(&self->g, dir, NULL));
	ASSERT_EQ(0, fuse_forget(&self->g, dir, 1));
	EXPECT_EQ(-ESTALE, fuse_getattr(&self->g, dir, NULL));
}

/* The guest has forgotten the directory, and then the state has no number for it. */
TEST_F(state, parent_is_forgotten)
{
	uint64_t dir = bed_lookup(self->f, "dir");
	uint64_t inner = bed_lookup(self->f, "dir/inner");

	ASSERT_EQ(0, fuse_forget(self->f, dir, 2));
	MOVE();
	EXPECT_EQ(0, fuse_getattr(&self->g, inner, NULL));
	EXPECT_EQ(-ESTALE, fuse_getattr(&self->g, dir, NULL));
}

/* New numbers are above all old ones, of the forgotten too. */
TEST_F(state, new_numbers)
{
	uint64_t dir = bed_lookup(self->f, "dir"), file, old;
	struct fuse_open_out open, again;

	file = bed_lookup(self->f, "file");
	ASSERT_EQ(0, fuse_open(self->f, file, O_RDONLY, &open));
	ASSERT_EQ(0, fuse_release(self->f, file, open.fh));
	old = bed_lookup(self->f, "dir/inner");
	ASSERT_EQ(0, fuse_forget(self->f, old, 1));
	MOVE();
	EXPECT_LT(old, bed_lookup(&self->g, "dir/inner"));
	ASSERT_EQ(0, fuse_open(&self->g, file, O_RDONLY, &again));
	EXPECT_LT(open.fh, again.fh);
	EXPECT_EQ(dir, bed_lookup(&self->g, "dir"));
}

/* The host renames up to the last moment, files and the directories above. */
TEST_F(state, renamed_on_the_host)
{
	uint64_t inner = bed_lookup(self->f, "dir/inner");
	uint64_t file = bed_lookup(self->f, "file");
	struct fuse_open_out open;
	char buf[8];

	ASSERT_EQ(0, fuse_open(self->f, inner, O_RDONLY, &open));
	ASSERT_EQ(0, renameat(self->bed.fd, "dir", self->bed.fd, "moved"));
	ASSERT_EQ(0, renameat(self->bed.fd, "moved/inner", self->bed.fd, "in"));
	ASSERT_EQ(0, renameat(self->bed.fd, "file", self->bed.fd, "moved/f"));
	MOVE();
	EXPECT_EQ(0, fuse_getattr(&self->g, inner, NULL));
	EXPECT_EQ(0, fuse_getattr(&self->g, file, NULL));
	EXPECT_EQ(5, fuse_read(&self->g, inner, open.fh, 0, buf, sizeof(buf)));
}

/* A file of several names, of which the one that was looked up is gone. */
TEST_F(state, other_name)
{
	struct fuse_entry_out e;
	uint64_t file = bed_lookup(self->f, "file");

	ASSERT_EQ(0, fuse_link(self->f, file, ROOT, "other", &e));
	ASSERT_EQ(0, fuse_unlink(self->f, ROOT, "file"));
	MOVE();
	EXPECT_EQ(0, fuse_getattr(&self->g, file, NULL));
}

/* All file types are moved: what isn't opened is only looked up. */
TEST_F(state, types)
{
	struct fuse_entry_out link, fifo;
	char target[16];

	ASSERT_EQ(0, fuse_symlink(self->f, ROOT, "link", "nowhere", &link));
	ASSERT_EQ(0, fuse_mknod(self->f, ROOT, "fifo", S_IFIFO | 0600, 0, 0,
				&fifo));
	MOVE();
	EXPECT_EQ(7, fuse_readlink(&self->g, link.nodeid, target,
				   sizeof(target)));
	EXPECT_EQ(0, fuse_getattr(&self->g, fifo.nodeid, NULL));
}

/* A directory half read goes on where it was. */
TEST_F(state, directory_stream)
{
	uint64_t dir = bed_lookup(self->f, "dir");
	struct fuse_dirent *entry;
	struct fuse_open_out open;
	char buf[512];
	int n;

	ASSERT_EQ(0, fuse_opendir(self->f, dir, &open));
	n = fuse_readdir(self->f, dir, open.fh, 0, buf, sizeof(buf));
	ASSERT_LT(0, n);
	entry = (void *)buf;
	MOVE();
	EXPECT_LT(0, fuse_readdir(&self->g, dir, open.fh, entry->off, buf,
				  sizeof(buf)));
	EXPECT_EQ(0, fuse_releasedir(&self->g, dir, open.fh));
}

/* What was agreed with the guest is what it was: here, how SETXATTR looks. */
TEST_F(state, features)
{
	struct bed_config config = {
		.flags = VHOST_FS_SHARE_XATTR | VHOST_FS_SHARE_POSIX_ACL,
	};
	struct vhost_fs_device_state_result result;
	struct ring_dev to;
	struct bed other;
	struct fuse g;
	char value[8];

	ASSERT_EQ(0, bed_open(&other, &config));
	ASSERT_NE(0, other.fuse.init.flags & FUSE_SETXATTR_EXT);
	ASSERT_EQ(0, move_to(&other, &to, &g, &result));
	EXPECT_EQ(0, fuse_setxattr(&g, ROOT, "user.x", "value", 5, 0, 0));
	EXPECT_EQ(5, fuse_getxattr(&g, ROOT, "user.x", value, sizeof(value)));
	ring_close(&to);
	bed_close(&other);
}

/* A guest that has nothing leaves nothing to be moved, and can begin there. */
TEST_F(state, no_session)
{
	ASSERT_EQ(0, fuse_destroy(self->f));
	MOVE();
	EXPECT_EQ(-EIO, fuse_getattr(&self->g, ROOT, NULL));
	ASSERT_EQ(0, fuse_init(&self->g));
	EXPECT_NE(0, bed_lookup(&self->g, "file"));
}

/* Saving takes nothing from the source, which goes on; and can be done again. */
TEST_F(state, source_goes_on)
{
	uint64_t inner = bed_lookup(self->f, "dir/inner");
	struct fuse_open_out open;
	char buf[8];
	int fd;

	ASSERT_EQ(0, fuse_open(self->f, inner, O_RDONLY, &open));
	ASSERT_EQ(0, ring_set_running(&self->bed.dev, false));
	fd = state_save(&self->bed.dev, &self->result);
	ASSERT_LE(0, fd);
	close(fd);
	ASSERT_EQ(0, ring_set_running(&self->bed.dev, true));
	EXPECT_EQ(5, fuse_read(self->f, inner, open.fh, 0, buf, sizeof(buf)));
	MOVE();
	EXPECT_EQ(5, fuse_read(&self->g, inner, open.fh, 0, buf, sizeof(buf)));
}

/* There and back, ten times. */
TEST_F(state, there_and_back)
{
	uint64_t inner = bed_lookup(self->f, "dir/inner");
	struct ring_dev next;
	struct fuse_open_out open;
	char buf[8];
	int fd, i;

	ASSERT_EQ(0, fuse_open(self->f, inner, O_RDONLY, &open));
	MOVE();
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, ring_set_running(&self->to, false));
		fd = state_save(&self->to, &self->result);
		ASSERT_LE(0, fd);
		ring_close(&self->to);
		self->to.fd = -1;
		ASSERT_EQ(0, state_open(&self->bed, &next));
		self->to = next;
		for (unsigned int q = 0; q < next.nr_queues; q++)
			self->to.queues[q].dev = &self->to;
		ASSERT_EQ(0, state_move(&self->to, VHOST_FS_STATE_LOAD, fd,
					&self->result));
		close(fd);
		ASSERT_EQ(0, ring_set_running(&self->to, true));
		fuse_session(&self->g, &self->to, RING_REQUEST);
		EXPECT_EQ(5, fuse_read(&self->g, inner, open.fh, 0, buf, 8));
	}
	ASSERT_EQ(0, fuse_release(&self->g, inner, open.fh));
	ASSERT_EQ(0, fuse_forget(&self->g, inner, 1));
	EXPECT_EQ(-ESTALE, fuse_getattr(&self->g, inner, NULL));
}

/* ---- files that can't be found ------------------------------------------ */

/* A file that is gone where the state is loaded: refused, and nothing is left. */
TEST_F(state, gone_aborts)
{
	uint64_t file = bed_lookup(self->f, "file");
	int fd;

	ASSERT_EQ(0, ring_set_running(&self->bed.dev, false));
	fd = state_save(&self->bed.dev, &self->result);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, unlinkat(self->bed.fd, "file", 0));
	ASSERT_EQ(0, state_open(&self->bed, &self->to));
	EXPECT_EQ(ENOENT, state_move(&self->to, VHOST_FS_STATE_LOAD, fd,
				     &self->result));
	EXPECT_EQ(VHOST_FS_STATE_ERR_NODE, self->result.reason);
	EXPECT_EQ(file, self->result.object);
	ASSERT_EQ(0, ring_set_running(&self->to, true));
	fuse_session(&self->g, &self->to, RING_REQUEST);
	EXPECT_EQ(-EIO, fuse_getattr(&self->g, ROOT, NULL));
	/* The file is there again, and so a second attempt works. */
	ASSERT_EQ(0, ring_set_running(&self->to, false));
	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "again", 5, 0644));
	lseek(fd, 0, SEEK_SET);
	EXPECT_EQ(0, state_move(&self->to, VHOST_FS_STATE_LOAD, fd,
				&self->result));
	ASSERT_EQ(0, ring_set_running(&self->to, true));
	fuse_session(&self->g, &self->to, RING_REQUEST);
	EXPECT_EQ(0, fuse_getattr(&self->g, file, NULL));
	close(fd);
}

/*
 * An open file without a name, and one whose name no stream can have, go on where
 * the file system has handles, if the share's owner allows that.
 */
static int open_nameless(struct fuse *f, uint64_t *gone, uint64_t *gone_fh,
			 uint64_t *odd, uint64_t *odd_fh)
{
	struct fuse_entry_out e;
	struct fuse_open_out open;
	int err;

	err = fuse_create(f, ROOT, "gone", O_RDWR | O_CREAT, S_IFREG | 0600, 0,
			  &e, &open);
	*gone = e.nodeid;
	*gone_fh = open.fh;
	if (!err && fuse_write(f, *gone, *gone_fh, 0, "data", 4) != 4)
		err = -EIO;
	if (!err)
		err = fuse_unlink(f, ROOT, "gone");
	if (!err)
		err = fuse_create(f, ROOT, "\xff\xfe", O_RDWR | O_CREAT,
				  S_IFREG | 0600, 0, &e, &open);
	*odd = e.nodeid;
	*odd_fh = open.fh;
	return err;
}

FIXTURE(nameless) {
	struct bed bed;
	struct ring_dev to;
	struct fuse g;
	struct vhost_fs_device_state_result result;
	uint64_t gone, gone_fh, odd, odd_fh;
};

FIXTURE_VARIANT(nameless) {
	struct vhost_fs_add_share options;
};

FIXTURE_VARIANT_ADD(nameless, by_migration_mode) {
	.options.migration = VHOST_FS_MIGRATION_FILE_HANDLES,
};

FIXTURE_VARIANT_ADD(nameless, by_inode_file_handles) {
	.options.inode_file_handles = VHOST_FS_HANDLES_PREFER,
};

FIXTURE_SETUP(nameless)
{
	struct bed_config config = { .options = variant->options };

	ASSERT_EQ(0, bed_open(&self->bed, &config));
	ASSERT_EQ(0, open_nameless(&self->bed.fuse, &self->gone, &self->gone_fh,
				   &self->odd, &self->odd_fh));
	ASSERT_EQ(0, move_to(&self->bed, &self->to, &self->g, &self->result));
}

FIXTURE_TEARDOWN(nameless)
{
	ring_close(&self->to);
	bed_close(&self->bed);
}

TEST_F(nameless, go_on)
{
	struct fuse *g = &self->g;
	char buf[8];

	EXPECT_EQ(0, self->result.lost_nodes);
	EXPECT_EQ(4, fuse_read(g, self->gone, self->gone_fh, 0, buf, 8));
	EXPECT_EQ(3, fuse_write(g, self->gone, self->gone_fh, 0, "new", 3));
	EXPECT_EQ(0, fuse_getattr(g, self->odd, NULL));
	EXPECT_EQ(1, fuse_write(g, self->odd, self->odd_fh, 0, "x", 1));
}

/* A VMM could make handles up. */
TEST_F(state, handles_are_not_taken)
{
	uint64_t gone, gone_fh, odd, odd_fh;
	int fd;

	/* Whoever runs the tests with handles has allowed them. */
	if (getenv("VHOST_FS_TEST_HANDLES"))
		return;
	ASSERT_EQ(0, open_nameless(self->f, &gone, &gone_fh, &odd, &odd_fh));
	ASSERT_EQ(0, ring_set_running(&self->bed.dev, false));
	fd = state_save(&self->bed.dev, &self->result);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, self->result.lost_nodes);
	ASSERT_EQ(0, state_open(&self->bed, &self->to));
	EXPECT_EQ(EPERM, state_move(&self->to, VHOST_FS_STATE_LOAD, fd,
				    &self->result));
	EXPECT_EQ(VHOST_FS_STATE_ERR_NODE, self->result.reason);
	close(fd);
}

FIXTURE(lenient) {
	struct bed bed;
};

FIXTURE_SETUP(lenient)
{
	struct bed_config config = {
		.options.migration = VHOST_FS_MIGRATION_GUEST_ERROR,
	};

	ASSERT_EQ(0, bed_open(&self->bed, &config));
}

FIXTURE_TEARDOWN(lenient)
{
	bed_close(&self->bed);
}

/* What is lost gives errors until it is given back; the rest is as it was. */
TEST_F(lenient, loses_what_is_gone)
{
	struct vhost_fs_device_state_result result;
	struct bed *bed = &self->bed;
	struct fuse_copy_file_range_in copy;
	struct fuse *f = &bed->fuse;
	struct fuse_open_out open, kept;
	uint64_t file, other;
	struct ring_dev to;
	struct fuse g;
	char buf[8];
	int fd;

	ASSERT_EQ(0, bed_write_file(bed, "file", "data", 4, 0644));
	ASSERT_EQ(0, bed_write_file(bed, "other", "data", 4, 0644));
	file = bed_lookup(f, "file");
	other = bed_lookup(f, "other");
	ASSERT_EQ(0, fuse_open(f, file, O_RDWR, &open));
	ASSERT_EQ(0, ring_set_running(&bed->dev, false));
	fd = state_save(&bed->dev, &result);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, unlinkat(bed->fd, "file", 0));
	ASSERT_EQ(0, state_open(bed, &to));
	ASSERT_EQ(0, state_move(&to, VHOST_FS_STATE_LOAD, fd, &result));
	EXPECT_EQ(1, result.lost_nodes);
	EXPECT_EQ(1, result.lost_handles);
	ASSERT_EQ(0, ring_set_running(&to, true));
	fuse_session(&g, &to, RING_REQUEST);
	EXPECT_EQ(0, fuse_getattr(&g, other, NULL));
	EXPECT_EQ(-ESTALE, fuse_getattr(&g, file, NULL));
	EXPECT_EQ(-EIO, fuse_read(&g, file, open.fh, 0, buf, sizeof(buf)));
	EXPECT_EQ(-EIO, fuse_fsync(&g, file, open.fh, 0));
	ASSERT_EQ(0, fuse_open(&g, other, O_RDWR, &kept));
	copy = (struct fuse_copy_file_range_in) {
		.fh_in = kept.fh, .nodeid_out = file, .fh_out = open.fh, .len = 4,
	};
	EXPECT_EQ(-EIO, fuse_copy_range(&g, FUSE_COPY_FILE_RANGE, &copy, other));
	copy.fh_in = open.fh;
	copy.nodeid_out = other;
	copy.fh_out = kept.fh;
	EXPECT_EQ(-EIO, fuse_copy_range(&g, FUSE_COPY_FILE_RANGE, &copy, file));
	EXPECT_EQ(0, fuse_release(&g, file, open.fh));
	EXPECT_EQ(-EBADF, fuse_read(&g, file, open.fh, 0, buf, sizeof(buf)));
	EXPECT_EQ(0, fuse_forget(&g, file, 1));
	/* The name, found anew, is another file. */
	ASSERT_EQ(0, bed_write_file(bed, "file", "again", 5, 0644));
	EXPECT_LT(other, bed_lookup(&g, "file"));
	close(fd);
	ring_close(&to);
}

/* What the host has moved out of the share is lost at the source already. */
TEST_F(state, moved_out_aborts)
{
	char out[96];
	int fd;

	bed_lookup(self->f, "file");
	snprintf(out, sizeof(out), "%s/out", self->bed.top);
	ASSERT_EQ(0, renameat(self->bed.fd, "file", AT_FDCWD, out));
	ASSERT_EQ(0, ring_set_running(&self->bed.dev, false));
	fd = state_save(&self->bed.dev, &self->result);
	ASSERT_LE(0, fd);
	EXPECT_EQ(1, self->result.lost_nodes);
	ASSERT_EQ(0, state_open(&self->bed, &self->to));
	EXPECT_EQ(ENOENT, state_move(&self->to, VHOST_FS_STATE_LOAD, fd,
				     &self->result));
	EXPECT_EQ(VHOST_FS_STATE_ERR_NODE, self->result.reason);
	close(fd);
	unlink(out);
}

/* ---- rules -------------------------------------------------------------- */

TEST_F(state, rules)
{
	struct ring_dev *dev = &self->bed.dev;
	struct vhost_fs_device_state_fd arg = {
		.size = sizeof(arg), .fd = -1,
	};
	int fds[2], sockets[2], fd = memfd_create("state", MFD_CLOEXEC);

	ASSERT_EQ(0, pipe(fds));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	EXPECT_EQ(-EBUSY, state_begin(dev, VHOST_FS_STATE_SAVE, fd, 0));
	EXPECT_EQ(-EINVAL, state_check(dev, &self->result));
	ASSERT_EQ(0, ring_set_running(dev, false));
	EXPECT_EQ(-EBADF, state_begin(dev, VHOST_FS_STATE_SAVE, 9999, 0));
	EXPECT_EQ(-EBADF, state_begin(dev, VHOST_FS_STATE_SAVE, fds[0], 0));
	EXPECT_EQ(-EBADF, state_begin(dev, VHOST_FS_STATE_LOAD, fds[1], 0));
	EXPECT_EQ(-EINVAL, state_begin(dev, VHOST_FS_STATE_SAVE, sockets[0], 0));
	EXPECT_EQ(-EINVAL, state_begin(dev, VHOST_FS_STATE_LOAD + 1, fd, 0));
	arg.flags = 1;
	EXPECT_EQ(-EINVAL, ring_ioctl(dev->fd, VHOST_FS_SET_DEVICE_STATE_FD,
				      &arg));
	arg.flags = 0;
	arg.phase = 1;
	EXPECT_EQ(-EINVAL, ring_ioctl(dev->fd, VHOST_FS_SET_DEVICE_STATE_FD,
				      &arg));
	EXPECT_EQ(0, state_cancel(dev));
	EXPECT_EQ(-EINVAL, state_check(dev, &self->result));
	ASSERT_EQ(0, ring_set_running(dev, true));
	EXPECT_EQ(0, fuse_getattr(self->f, ROOT, NULL));
	close(fd);
	close(fds[0]);
	close(fds[1]);
	close(sockets[0]);
	close(sockets[1]);
}

TEST_F(state, needs_owner_and_share)
{
	int fd = memfd_create("state", MFD_CLOEXEC);
	struct ring_dev dev = { 0 };
	struct ring_config config = { 0 };

	dev.fd = open("/dev/vhost-fs", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, dev.fd);
	EXPECT_EQ(-EPERM, state_begin(&dev, VHOST_FS_STATE_LOAD, fd, 0));
	close(dev.fd);
	ASSERT_EQ(0, ring_open(&dev, &config));
	EXPECT_EQ(-ENODEV, state_begin(&dev, VHOST_FS_STATE_LOAD, fd, 0));
	ring_close(&dev);
	close(fd);
}

static int try_both(void *arg)
{
	struct ring_dev *dev = arg;
	int fd = memfd_create("state", MFD_CLOEXEC);

	return ring_set_running(dev, true) == -EPERM &&
	       state_begin(dev, VHOST_FS_STATE_SAVE, fd, 0) == -EPERM ? 0 : 1;
}

/*
 * A process that has the owner's memory isn't the owner: the device's threads
 * would be its own, and not end with the owner.
 */
TEST_F(state, other_process_with_the_memory)
{
	static char stack[64 << 10] __attribute__((aligned(16)));
	int status = -1;
	pid_t pid;

	ASSERT_EQ(0, ring_set_running(&self->bed.dev, false));
	pid = clone(try_both, stack + sizeof(stack), CLONE_VM | SIGCHLD,
		    &self->bed.dev);
	ASSERT_LT(0, pid);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, ring_set_running(&self->bed.dev, true));
}

/* While a pipe's other end stalls, the device can't be started; then it can. */
TEST_F(state, stalled_source)
{
	int fds[2];

	ASSERT_EQ(0, pipe(fds));
	ASSERT_EQ(0, state_open(&self->bed, &self->to));
	ASSERT_EQ(0, state_begin(&self->to, VHOST_FS_STATE_LOAD, fds[0], 0));
	EXPECT_EQ(-EBUSY, ring_set_running(&self->to, true));
	EXPECT_EQ(-EBUSY, state_begin(&self->to, VHOST_FS_STATE_LOAD, fds[0],
				      0));
	ASSERT_EQ(1, write(fds[1], "\1", 1));
	ASSERT_EQ(0, state_cancel(&self->to));
	ASSERT_EQ(0, state_check(&self->to, &self->result));
	EXPECT_EQ(ECANCELED, self->result.error);
	EXPECT_EQ(VHOST_FS_STATE_ERR_CANCELLED, self->result.reason);
	EXPECT_EQ(-EINVAL, state_check(&self->to, &self->result));
	EXPECT_EQ(0, ring_set_running(&self->to, true));
	close(fds[0]);
	close(fds[1]);
}

TEST_F(state, out_of_time)
{
	int fds[2];

	ASSERT_EQ(0, pipe(fds));
	ASSERT_EQ(0, state_open(&self->bed, &self->to));
	ASSERT_EQ(0, state_begin(&self->to, VHOST_FS_STATE_LOAD, fds[0], 20));
	ASSERT_EQ(0, state_check(&self->to, &self->result));
	EXPECT_EQ(ETIMEDOUT, self->result.error);
	EXPECT_EQ(VHOST_FS_STATE_ERR_CANCELLED, self->result.reason);
	close(fds[0]);
	close(fds[1]);
}

/* A sink that takes a little at a time, and one that goes away. */
TEST_F(state, slow_sink)
{
	struct fuse_entry_out e;
	char name[200], buf[64];
	int fds[2], i;
	ssize_t n;
	size_t total = 0;

	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = 0;
	for (i = 0; i < 600; i++) {
		snprintf(name, 8, "%07d", i);
		name[7] = 'n';
		ASSERT_EQ(0, fuse_mknod(self->f, ROOT, name, S_IFREG | 0600, 0,
					0, &e));
	}
	ASSERT_EQ(0, ring_set_running(&self->bed.dev, false));
	ASSERT_EQ(0, pipe(fds));
	ASSERT_EQ(0, state_begin(&self->bed.dev, VHOST_FS_STATE_SAVE, fds[1],
				 0));
	close(fds[1]);
	while ((n = read(fds[0], buf, sizeof(buf))) > 0)
		total += n;
	EXPECT_EQ(0, n);
	close(fds[0]);
	ASSERT_EQ(0, state_check(&self->bed.dev, &self->result));
	EXPECT_EQ(0, self->result.error);
	EXPECT_EQ(total, self->result.bytes);
	/* More than a pipe holds. */
	EXPECT_LT(100000, total);

	ASSERT_EQ(0, pipe(fds));
	ASSERT_EQ(0, state_begin(&self->bed.dev, VHOST_FS_STATE_SAVE, fds[1],
				 0));
	close(fds[1]);
	ASSERT_EQ(1, read(fds[0], buf, 1));
	close(fds[0]);
	ASSERT_EQ(0, state_check(&self->bed.dev, &self->result));
	EXPECT_EQ(EPIPE, self->result.error);
	EXPECT_EQ(VHOST_FS_STATE_ERR_IO, self->result.reason);
	EXPECT_EQ(0, ring_set_running(&self->bed.dev, true));
	EXPECT_EQ(0, fuse_getattr(self->f, ROOT, NULL));
}

/* Closing the device ends what is under way. */
TEST_F(state, closed_meanwhile)
{
	int fds[2];

	ASSERT_EQ(0, pipe(fds));
	ASSERT_EQ(0, state_open(&self->bed, &self->to));
	ASSERT_EQ(0, state_begin(&self->to, VHOST_FS_STATE_LOAD, fds[0], 0));
	ring_close(&self->to);
	self->to.fd = -1;
	/* Nobody else has the other end any more. */
	close(fds[0]);
	signal(SIGPIPE, SIG_IGN);
	EXPECT_EQ(-1, write(fds[1], "x", 1));
	EXPECT_EQ(EPIPE, errno);
	close(fds[1]);
}

/* So does the owner's death, whoever else has the device open. */
TEST_F(state, owner_killed)
{
	int fds[2], ready[2];
	pid_t pid;
	char c;

	ASSERT_EQ(0, pipe(fds));
	ASSERT_EQ(0, pipe(ready));
	pid = fork();
	if (!pid) {
		struct ring_dev dev;

		if (state_open(&self->bed, &dev) ||
		    state_begin(&dev, VHOST_FS_STATE_LOAD, fds[0], 0) ||
		    write(ready[1], "x", 1) != 1)
			_exit(1);
		pause();
	}
	close(fds[0]);
	ASSERT_EQ(1, read(ready[0], &c, 1));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	close(ready[0]);
	close(ready[1]);
	close(fds[1]);
}

/* ---- options ------------------------------------------------------------ */

/* What was agreed with the guest must be what the other share would agree to. */
TEST_F(state, share_lacks_an_option)
{
	struct bed_config config = { .flags = VHOST_FS_SHARE_WRITEBACK };
	struct bed other = { 0 };
	int fd;

	ASSERT_EQ(0, bed_open(&other, &config));
	ASSERT_EQ(0, ring_set_running(&other.dev, false));
	fd = state_save(&other.dev, &self->result);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, state_open(&self->bed, &self->to));
	EXPECT_EQ(EOPNOTSUPP, state_move(&self->to, VHOST_FS_STATE_LOAD, fd,
					 &self->result));
	EXPECT_EQ(VHOST_FS_STATE_ERR_OPTION, self->result.reason);
	EXPECT_EQ(FUSE_WRITEBACK_CACHE, self->result.object);
	close(fd);
	bed_close(&other);
}

/* ---- locks -------------------------------------------------------------- */

FIXTURE(locked) {
	struct bed bed;
	struct fuse *f;
	uint64_t file, fh;
	struct vhost_fs_device_state_result result;
	int host;
};

FIXTURE_SETUP(locked)
{
	struct bed_config config = { .options.locks = VHOST_FS_LOCKS_REMOTE };
	struct fuse_open_out out;

	ASSERT_EQ(0, bed_open(&self->bed, &config));
	self->f = &self->bed.fuse;
	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "data", 4, 0644));
	self->file = bed_lookup(self->f, "file");
	ASSERT_EQ(0, fuse_open(self->f, self->file, O_RDWR, &out));
	ASSERT_EQ(0, fuse_open(self->f, self->file, O_RDWR, &out));
	self->fh = out.fh;
	self->host = openat(self->bed.fd, "file", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->host);
}

FIXTURE_TEARDOWN(locked)
{
	close(self->host);
	bed_close(&self->bed);
}

static int set_lock(FIXTURE_DATA(locked) *self, uint32_t type, uint32_t lk_flags)
{
	struct fuse_lk_in in = {
		.fh = self->fh, .owner = 7, .lk_flags = lk_flags,
		.lk = { .end = LLONG_MAX, .type = type },
	};

	return fuse_lk(self->f, FUSE_SETLK, self->file, &in);
}

/* The state is asked for, with the device stopped; then the guest goes on. */
static int try_to_save(FIXTURE_DATA(locked) *self)
{
	int ret = ring_set_running(&self->bed.dev, false), fd;

	if (ret)
		return ret;
	fd = state_save(&self->bed.dev, &self->result);
	if (fd >= 0)
		close(fd);
	ret = ring_set_running(&self->bed.dev, true);
	return ret ? ret : fd < 0 ? fd : 0;
}

/* A guest with locks of the host's stays where it is, with its locks. */
TEST_F(locked, stays)
{
	uint32_t kinds[] = { 0, FUSE_LK_FLOCK };
	struct flock fl = { .l_type = F_WRLCK };
	unsigned int i;

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, set_lock(self, F_WRLCK, kinds[i]));
		EXPECT_EQ(-EBUSY, try_to_save(self));
		EXPECT_EQ(VHOST_FS_STATE_ERR_LOCKS, self->result.reason);
		EXPECT_EQ(self->fh, self->result.object);
		EXPECT_EQ(kinds[i] ? 0 : -1, fcntl(self->host, F_OFD_SETLK, &fl));
		ASSERT_EQ(0, set_lock(self, F_UNLCK, kinds[i]));
		EXPECT_EQ(0, try_to_save(self));
	}
}

/* So does one that waits for a lock; when it has got it and let it go, it can go. */
TEST_F(locked, waits)
{
	struct flock fl = { .l_type = F_WRLCK };
	struct fuse_lk_in in = {
		.fh = self->fh, .owner = 7,
		.lk = { .end = LLONG_MAX, .type = F_WRLCK },
	};
	struct fuse_call c = {
		.opcode = FUSE_SETLKW, .nodeid = self->file,
		.in = { { &in, sizeof(in) } }, .nr_in = 1,
	};

	ASSERT_EQ(0, fcntl(self->host, F_OFD_SETLK, &fl));
	ASSERT_EQ(0, fuse_start(self->f, &c));
	ASSERT_EQ(0, fuse_getattr(self->f, ROOT, NULL));
	EXPECT_EQ(-EBUSY, try_to_save(self));
	EXPECT_EQ(VHOST_FS_STATE_ERR_LOCKS, self->result.reason);
	fl.l_type = F_UNLCK;
	ASSERT_EQ(0, fcntl(self->host, F_OFD_SETLK, &fl));
	ASSERT_EQ(0, fuse_finish(self->f, &c));
	EXPECT_EQ(-EBUSY, try_to_save(self));
	ASSERT_EQ(0, set_lock(self, F_UNLCK, 0));
	EXPECT_EQ(0, try_to_save(self));
}

/* Interrupted while it couldn't go, it hasn't got the lock, and goes. */
TEST_F(locked, interrupted)
{
	struct flock fl = { .l_type = F_WRLCK };
	struct fuse_lk_in in = {
		.fh = self->fh, .owner = 7, .lk = { .end = LLONG_MAX, .type = F_WRLCK },
	};
	struct fuse_call wait = {
		.opcode = FUSE_SETLKW, .nodeid = self->file,
		.in = { { &in, sizeof(in) } }, .nr_in = 1,
	};
	struct fuse_interrupt_in unique;
	struct fuse_call interrupt = {
		.opcode = FUSE_INTERRUPT, .in = { { &unique, sizeof(unique) } }, .nr_in = 1,
	};
	struct fuse hiprio;
	int fd;

	fuse_session(&hiprio, &self->bed.dev, RING_HIPRIO);
	ASSERT_EQ(0, fcntl(self->host, F_OFD_SETLK, &fl));
	ASSERT_EQ(0, fuse_start(self->f, &wait));
	ASSERT_EQ(0, fuse_getattr(self->f, ROOT, NULL));
	unique.unique = wait.unique;
	ASSERT_EQ(0, ring_set_running(&self->bed.dev, false));
	ASSERT_EQ(0, fuse_start(&hiprio, &interrupt));
	fd = state_save(&self->bed.dev, &self->result);
	EXPECT_EQ(-EBUSY, fd);
	EXPECT_EQ(VHOST_FS_STATE_ERR_LOCKS, self->result.reason);
	ASSERT_EQ(0, ring_set_running(&self->bed.dev, true));
	EXPECT_EQ(FUSE_NO_REPLY, fuse_finish(&hiprio, &interrupt));
	EXPECT_EQ(-EINTR, fuse_finish(self->f, &wait));
	fl.l_type = F_UNLCK;
	ASSERT_EQ(0, fcntl(self->host, F_OFD_SETLK, &fl));
	EXPECT_EQ(0, try_to_save(self));
	fl.l_type = F_WRLCK;
	EXPECT_EQ(0, fcntl(self->host, F_OFD_SETLK, &fl));
}

TEST_HARNESS_MAIN
