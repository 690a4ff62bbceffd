// SPDX-License-Identifier: GPL-2.0-only
/*
 * Moves that fail, at each step at which they can: the source goes on as if
 * nothing had been tried, the destination says why and has nothing, and the
 * second attempt works. What a stream can lie about is state_stream_test.c's.
 */
#include "bed.h"
#include "faults.h"
#include "harness.h"
#include "state.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define ROOT FUSE_ROOT_ID
#define MAKER 1234		/* a user without rights */
#define STATE_MAX (1 << 16)
#define PAGE 4096

/* What is moved, and where it was saved when all was well. */
FIXTURE(fail) {
	struct bed bed;
	struct fuse *f;
	uint64_t file, file_fh, dir, inner, inner_fh;
	struct vhost_fs_device_state_result result;
	char *state;
	size_t len;
	char name[64];		/* of another share, at the destination */
	struct ring_dev to;
	struct fuse g;
};

FIXTURE_VARIANT(fail) {
	uint32_t migration;
};

FIXTURE_VARIANT_ADD(fail, names) {
	.migration = 0,
};

FIXTURE_VARIANT_ADD(fail, verified) {
	.migration = VHOST_FS_MIGRATION_VERIFY_HANDLES |
		     VHOST_FS_MIGRATION_CONFIRM_PATHS,
};

FIXTURE_VARIANT_ADD(fail, handles) {
	.migration = VHOST_FS_MIGRATION_FILE_HANDLES |
		     VHOST_FS_MIGRATION_VERIFY_HANDLES,
};

/* Takes the state of the source, which is stopped, and what was written. */
static int save_all(FIXTURE_DATA(fail) *self, char *state, size_t *len)
{
	int fd = state_save(&self->bed.dev, &self->result);
	ssize_t n;

	if (fd < 0)
		return fd;
	n = read(fd, state, STATE_MAX);
	close(fd);
	*len = n;
	return n < 0 || n == STATE_MAX ? -EFBIG : 0;
}

FIXTURE_SETUP(fail)
{
	struct bed_config config = { .options.migration = variant->migration };
	struct fuse_open_out open;

	self->to.fd = -1;
	ASSERT_EQ(0, bed_open(&self->bed, &config));
	self->f = &self->bed.fuse;
	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "data", 4, 0644));
	ASSERT_EQ(0, mkdirat(self->bed.fd, "dir", 0755));
	ASSERT_EQ(0, bed_write_file(&self->bed, "dir/inner", "inner", 5, 0644));
	self->file = bed_lookup(self->f, "file");
	self->dir = bed_lookup(self->f, "dir");
	self->inner = bed_lookup(self->f, "dir/inner");
	ASSERT_EQ(0, fuse_open(self->f, self->file, O_RDWR, &open));
	self->file_fh = open.fh;
	ASSERT_EQ(0, fuse_open(self->f, self->inner, O_RDONLY, &open));
	self->inner_fh = open.fh;
	self->state = malloc(STATE_MAX);
	ASSERT_NE(NULL, self->state);
	ASSERT_EQ(0, ring_set_running(&self->bed.dev, false));
	ASSERT_EQ(0, save_all(self, self->state, &self->len));
}

static void leave(FIXTURE_DATA(fail) *self)
{
	if (self->to.fd >= 0)
		ring_close(&self->to);
	self->to.fd = -1;
	if (self->name[0])
		share_remove(self->name);
	self->name[0] = 0;
}

FIXTURE_TEARDOWN(fail)
{
	leave(self);
	free(self->state);
	bed_close(&self->bed);
}

static bool works(struct fuse *f, FIXTURE_DATA(fail) *self)
{
	char buf[8];

	return fuse_read(f, self->file, self->file_fh, 0, buf, 8) == 4 &&
	       fuse_write(f, self->file, self->file_fh, 0, "d", 1) == 1 &&
	       fuse_read(f, self->inner, self->inner_fh, 0, buf, 8) == 5 &&
	       !fuse_getattr(f, self->dir, NULL);
}

/* The guest goes on at the source, which is then stopped for the next attempt. */
static bool goes_on(FIXTURE_DATA(fail) *self)
{
	return !ring_set_running(&self->bed.dev, true) && works(self->f, self) &&
	       !ring_set_running(&self->bed.dev, false);
}

/* And what it has is no more and no less than before. */
static bool is_as_it_was(FIXTURE_DATA(fail) *self)
{
	static char again[STATE_MAX];
	size_t len;

	return goes_on(self) && !save_all(self, again, &len) &&
	       len == self->len && !memcmp(self->state, again, len);
}

static int load_into(struct ring_dev *to, FIXTURE_DATA(fail) *self, size_t len)
{
	int fd = state_file(self->state, len), err;

	err = state_move(to, VHOST_FS_STATE_LOAD, fd, &self->result);
	close(fd);
	return err;
}

/* A device that was refused a state has no session. */
static bool has_nothing(FIXTURE_DATA(fail) *self)
{
	if (ring_set_running(&self->to, true))
		return false;
	fuse_session(&self->g, &self->to, RING_REQUEST);
	return fuse_getattr(&self->g, ROOT, NULL) == -EIO &&
	       !ring_set_running(&self->to, false);
}

/* A device of another share, of @root_fd and with these options. */
static int open_other(FIXTURE_DATA(fail) *self, int root_fd,
		      const struct vhost_fs_add_share *options, uid_t uid)
{
	struct ring_config config = { 0 };
	struct vhost_fs_add_share arg = *options;
	int fd = open("/dev/vhost-fs", O_RDWR | O_CLOEXEC), ret;

	arg.size = sizeof(arg);
	arg.root_fd = root_fd;
	snprintf(self->name, sizeof(self->name), "other-%d", getpid());
	memcpy(arg.name, self->name, sizeof(arg.name));
	ret = fd < 0 || seteuid(uid) ? -errno : 0;
	if (!ret)
		ret = ring_ioctl(fd, VHOST_FS_ADD_SHARE, &arg);
	if (seteuid(0))
		return -errno;
	close(fd);
	if (!ret)
		ret = ring_open(&self->to, &config);
	return ret ? ret : ring_attach(&self->to, self->name);
}

/* Loading fails for this reason, and nothing has come of it on either side. */
#define EXPECT_REFUSED(why, number, what) do { \
	EXPECT_EQ(why, load_into(&self->to, self, self->len)); \
	EXPECT_EQ(number, self->result.reason); \
	EXPECT_EQ(what, self->result.object); \
	EXPECT_TRUE(has_nothing(self)); \
	EXPECT_TRUE(is_as_it_was(self)); \
} while (0)

/* The second attempt. */
#define EXPECT_ARRIVES() do { \
	EXPECT_EQ(0, load_into(&self->to, self, self->len)) { \
		TH_LOG("reason %u object %llu", self->result.reason, \
		       (unsigned long long)self->result.object); \
	} \
	EXPECT_EQ(0, self->result.lost_nodes + self->result.lost_handles); \
	EXPECT_EQ(0, ring_set_running(&self->to, true)); \
	fuse_session(&self->g, &self->to, RING_REQUEST); \
	EXPECT_TRUE(works(&self->g, self)); \
	EXPECT_EQ(0, ring_set_running(&self->to, false)); \
} while (0)

/* ---- the share and its options -------------------------------------------- */

TEST_F(fail, no_share)
{
	struct ring_config config = { 0 };

	ASSERT_EQ(0, ring_open(&self->to, &config));
	EXPECT_EQ(-ENOENT, ring_attach(&self->to, "no-such-share"));
	EXPECT_EQ(-ENODEV, load_into(&self->to, self, self->len));
	EXPECT_TRUE(is_as_it_was(self));
	ASSERT_EQ(0, ring_attach(&self->to, self->bed.share));
	EXPECT_ARRIVES();
}

TEST_F(fail, limits)
{
	struct vhost_fs_add_share few_nodes = {
		.migration = variant->migration, .max_nodes = 3,
	};
	struct vhost_fs_add_share few_handles = {
		.migration = variant->migration, .max_handles = 1,
	};

	ASSERT_EQ(0, open_other(self, self->bed.fd, &few_nodes, 0));
	EXPECT_REFUSED(ENFILE, VHOST_FS_STATE_ERR_LIMIT, 0);
	leave(self);
	ASSERT_EQ(0, open_other(self, self->bed.fd, &few_handles, 0));
	EXPECT_REFUSED(EMFILE, VHOST_FS_STATE_ERR_LIMIT, self->inner_fh);
	leave(self);
	ASSERT_EQ(0, state_open(&self->bed, &self->to));
	EXPECT_ARRIVES();
}

/* A guest without labels comes to a share that insists on them. */
TEST_F(fail, share_insists_on_an_option)
{
	struct vhost_fs_add_share options = {
		.flags = VHOST_FS_SHARE_XATTR | VHOST_FS_SHARE_POSIX_ACL,
		.migration = variant->migration,
	};

	ASSERT_EQ(0, open_other(self, self->bed.fd, &options, 0));
	EXPECT_EQ(EOPNOTSUPP, load_into(&self->to, self, self->len));
	EXPECT_EQ(VHOST_FS_STATE_ERR_OPTION, self->result.reason);
	EXPECT_NE(0, self->result.object & FUSE_POSIX_ACL);
	EXPECT_TRUE(has_nothing(self));
	EXPECT_TRUE(is_as_it_was(self));
}

TEST_F(fail, share_is_read_only)
{
	struct vhost_fs_add_share options = {
		.flags = VHOST_FS_SHARE_READONLY, .migration = variant->migration,
	};

	ASSERT_EQ(0, open_other(self, self->bed.fd, &options, 0));
	EXPECT_REFUSED(EROFS, VHOST_FS_STATE_ERR_HANDLE, self->file_fh);
}

TEST_F(fail, mount_is_read_only)
{
	struct vhost_fs_add_share options = { .migration = variant->migration };
	const char *dir = self->bed.dir;
	int fd;

	ASSERT_EQ(0, unshare(CLONE_NEWNS));
	ASSERT_EQ(0, mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	ASSERT_EQ(0, mount(dir, dir, NULL, MS_BIND, NULL));
	ASSERT_EQ(0, mount(NULL, dir, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, open_other(self, fd, &options, 0));
	EXPECT_REFUSED(EROFS, VHOST_FS_STATE_ERR_HANDLE, self->file_fh);
	ASSERT_EQ(0, mount(NULL, dir, NULL, MS_BIND | MS_REMOUNT, NULL));
	EXPECT_ARRIVES();
	close(fd);
}

/* Whom the share there serves for, may less: then more. */
TEST_F(fail, rights_are_missing)
{
	struct vhost_fs_add_share options = { .migration = variant->migration };

	/* Handles are not for those without rights. */
	if (variant->migration & VHOST_FS_MIGRATION_FILE_HANDLES)
		return;
	ASSERT_EQ(0, fchmodat(self->bed.fd, "dir", 0700, 0));
	ASSERT_EQ(0, open_other(self, self->bed.fd, &options, MAKER));
	EXPECT_REFUSED(EACCES, VHOST_FS_STATE_ERR_NODE, self->inner);
	ASSERT_EQ(0, fchmodat(self->bed.fd, "dir", 0755, 0));
	EXPECT_REFUSED(EACCES, VHOST_FS_STATE_ERR_HANDLE, self->file_fh);
	ASSERT_EQ(0, fchmodat(self->bed.fd, "file", 0666, 0));
	EXPECT_ARRIVES();
}

/* ---- the files -------------------------------------------------------------- */

TEST_F(fail, file_is_gone)
{
	struct vhost_fs_add_share options = { .migration = variant->migration };

	/* By its handle it is found wherever the host has it. */
	if (variant->migration & VHOST_FS_MIGRATION_FILE_HANDLES)
		return;
	ASSERT_EQ(0, open_other(self, self->bed.fd, &options, 0));
	ASSERT_EQ(0, renameat(self->bed.fd, "dir/inner", self->bed.fd, "away"));
	EXPECT_EQ(ENOENT, load_into(&self->to, self, self->len));
	EXPECT_EQ(VHOST_FS_STATE_ERR_NODE, self->result.reason);
	EXPECT_EQ(self->inner, self->result.object);
	EXPECT_TRUE(has_nothing(self));
	EXPECT_TRUE(goes_on(self));
	/* A new state has the new name. */
	ASSERT_EQ(0, save_all(self, self->state, &self->len));
	EXPECT_ARRIVES();
}

/* Another file of the same name. */
TEST_F(fail, file_is_replaced)
{
	uint32_t handles = VHOST_FS_MIGRATION_VERIFY_HANDLES |
			   VHOST_FS_MIGRATION_FILE_HANDLES;

	ASSERT_EQ(0, state_open(&self->bed, &self->to));
	ASSERT_EQ(0, renameat(self->bed.fd, "file", self->bed.fd, "away"));
	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "DATA", 4, 0644));
	switch (variant->migration & handles) {
	case 0:
		/* Nobody has asked to look. */
		EXPECT_ARRIVES();
		break;
	case VHOST_FS_MIGRATION_VERIFY_HANDLES:
		EXPECT_EQ(ESTALE, load_into(&self->to, self, self->len));
		EXPECT_EQ(VHOST_FS_STATE_ERR_NODE, self->result.reason);
		EXPECT_EQ(self->file, self->result.object);
		EXPECT_TRUE(has_nothing(self));
		break;
	default:
		/* Found where it is. */
		EXPECT_ARRIVES();
	}
	EXPECT_TRUE(goes_on(self));
	ASSERT_EQ(0, renameat(self->bed.fd, "away", self->bed.fd, "file"));
	EXPECT_TRUE(is_as_it_was(self));
	EXPECT_ARRIVES();
}

/* What was open as a file can't go on as a directory. */
TEST_F(fail, file_is_replaced_by_a_directory)
{
	bool verify = variant->migration & VHOST_FS_MIGRATION_VERIFY_HANDLES;

	if (variant->migration & VHOST_FS_MIGRATION_FILE_HANDLES)
		return;
	ASSERT_EQ(0, state_open(&self->bed, &self->to));
	ASSERT_EQ(0, renameat(self->bed.fd, "file", self->bed.fd, "away"));
	ASSERT_EQ(0, mkdirat(self->bed.fd, "file", 0755));
	EXPECT_EQ(verify ? ESTALE : EISDIR, load_into(&self->to, self, self->len));
	EXPECT_EQ(verify ? VHOST_FS_STATE_ERR_NODE : VHOST_FS_STATE_ERR_HANDLE,
		  self->result.reason);
	EXPECT_EQ(verify ? self->file : self->file_fh, self->result.object);
	EXPECT_TRUE(has_nothing(self));
	EXPECT_TRUE(goes_on(self));
	ASSERT_EQ(0, unlinkat(self->bed.fd, "file", AT_REMOVEDIR));
	ASSERT_EQ(0, renameat(self->bed.fd, "away", self->bed.fd, "file"));
	EXPECT_ARRIVES();
}

/* A directory that has all of it, but is another one. */
TEST_F(fail, root_is_another)
{
	struct vhost_fs_add_share options = { .migration = variant->migration };
	char top[96];
	int fd;

	if (!(variant->migration & VHOST_FS_MIGRATION_VERIFY_HANDLES))
		return;
	snprintf(top, sizeof(top), "%s/other", self->bed.top);
	ASSERT_EQ(0, mkdir(top, 0755));
	fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, open_other(self, fd, &options, 0));
	EXPECT_REFUSED(ESTALE, VHOST_FS_STATE_ERR_NODE, ROOT);
	close(fd);
}

/* ---- the descriptor --------------------------------------------------------- */

/* A file that takes no more than so many bytes, with each number of them. */
TEST_F(fail, sink_is_full)
{
	struct rlimit all, few;
	size_t n;
	int fd;

	ASSERT_EQ(0, getrlimit(RLIMIT_FSIZE, &all));
	few = all;
	for (n = 0; n < self->len; n++) {
		fd = memfd_create("state", MFD_CLOEXEC);
		few.rlim_cur = n;
		ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &few));
		EXPECT_EQ(EFBIG, state_move(&self->bed.dev, VHOST_FS_STATE_SAVE, fd,
					    &self->result));
		ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &all));
		EXPECT_EQ(VHOST_FS_STATE_ERR_IO, self->result.reason);
		EXPECT_EQ(n, self->result.bytes);
		if (n % 16 == 0)
			EXPECT_TRUE(goes_on(self));
		close(fd);
	}
	EXPECT_TRUE(is_as_it_was(self));
	ASSERT_EQ(0, state_open(&self->bed, &self->to));
	EXPECT_ARRIVES();
}

/* Enough nodes that a pipe of a page can't take their state. */
static int make_more(FIXTURE_DATA(fail) *self, int nr)
{
	char name[128];
	int i, err;

	err = ring_set_running(&self->bed.dev, true);
	for (i = 0; i < nr && !err; i++) {
		memset(name, 'n', sizeof(name));
		snprintf(name + 120, 8, "%d", i);
		err = bed_write_file(&self->bed, name, "", 0, 0644);
		if (!err && !bed_lookup(self->f, name))
			err = -ENOENT;
	}
	err = err ?: ring_set_running(&self->bed.dev, false);
	return err ?: save_all(self, self->state, &self->len);
}

/* Saves to a pipe of a page, of which somebody reads @n bytes and goes away. */
static int save_and_read(FIXTURE_DATA(fail) *self, size_t n)
{
	char *buf = malloc(n + 1);
	size_t got = 0;
	ssize_t part;
	int fds[2], err;

	if (pipe2(fds, O_CLOEXEC) || fcntl(fds[1], F_SETPIPE_SZ, PAGE) != PAGE)
		return -errno;
	err = state_begin(&self->bed.dev, VHOST_FS_STATE_SAVE, fds[1], 0);
	close(fds[1]);
	while (!err && got < n) {
		part = read(fds[0], buf + got, n - got);
		if (part <= 0)
			err = -EIO;
		else
			got += part;
	}
	if (!err && memcmp(buf, self->state, n))
		err = -EBADMSG;
	close(fds[0]);
	free(buf);
	return err ?: state_check(&self->bed.dev, &self->result);
}

/*
 * Whoever reads the state goes away after each number of bytes after which some
 * can't have been written.
 */
TEST_F_TIMEOUT(fail, reader_goes_away, 120)
{
	size_t n, step = 100 / test_rounds(100);

	/* A handle is shorter than a name. */
	ASSERT_EQ(0, make_more(self, variant->migration &
			       VHOST_FS_MIGRATION_FILE_HANDLES ? 140 : 40));
	ASSERT_LT(PAGE, self->len);
	for (n = 0; n + PAGE < self->len; n += step) {
		ASSERT_EQ(0, save_and_read(self, n));
		EXPECT_EQ(EPIPE, self->result.error);
		EXPECT_EQ(VHOST_FS_STATE_ERR_IO, self->result.reason);
		EXPECT_GT(self->len, self->result.bytes);
	}
	EXPECT_TRUE(goes_on(self));
	ASSERT_EQ(0, save_and_read(self, self->len));
	EXPECT_EQ(0, self->result.error);
	EXPECT_EQ(self->len, self->result.bytes);
	EXPECT_TRUE(is_as_it_was(self));
}

/* Loads from a pipe, of which somebody writes @n bytes and goes away. */
static int write_and_load(FIXTURE_DATA(fail) *self, size_t n)
{
	int fds[2], err;

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	err = state_begin(&self->to, VHOST_FS_STATE_LOAD, fds[0], 0);
	close(fds[0]);
	if (!err && write(fds[1], self->state, n) != (ssize_t)n)
		err = -EIO;
	close(fds[1]);
	return err ?: state_check(&self->to, &self->result);
}

/* What vhost_fs writes and virtiofsd doesn't know, at the end. */
static size_t own_part(FIXTURE_DATA(fail) *self)
{
	const char *mark = memmem(self->state, self->len, "vhost-fs", 8);

	return mark ? self->state + self->len - mark : 0;
}

/*
 * Whoever writes the state goes away after each number of bytes. A state without
 * the part that is vhost_fs's own is a state of virtiofsd's.
 */
TEST_F(fail, writer_goes_away)
{
	size_t n, whole;

	ASSERT_NE(0, own_part(self));
	whole = self->len - own_part(self);
	ASSERT_EQ(0, state_open(&self->bed, &self->to));
	for (n = 0; n < self->len; n++) {
		ASSERT_EQ(0, write_and_load(self, n));
		if (n == whole) {
			EXPECT_EQ(0, self->result.error);
			leave(self);
			ASSERT_EQ(0, state_open(&self->bed, &self->to));
			continue;
		}
		EXPECT_EQ(EBADMSG, self->result.error);
		EXPECT_EQ(VHOST_FS_STATE_ERR_STREAM, self->result.reason);
		EXPECT_EQ(n, self->result.object);
		if (n % 16 == 0)
			EXPECT_TRUE(has_nothing(self));
	}
	EXPECT_TRUE(is_as_it_was(self));
	EXPECT_ARRIVES();
}

/* The VMM writes its file with its own rights, not the share's. */
TEST_F(fail, rights_to_the_sink)
{
	struct vhost_fs_share_name name = { .size = sizeof(name) };
	int device = open("/dev/vhost-fs", O_RDWR | O_CLOEXEC);
	struct ring_config config = { 0 };
	struct ring_dev dev;
	struct stat st;
	int fd, status;
	char path[96];
	pid_t pid;

	snprintf(path, sizeof(path), "%s/state", self->bed.top);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
	ASSERT_EQ(0, fchown(fd, MAKER, MAKER));
	ASSERT_EQ(0, fchmod(fd, 06755));
	memcpy(name.name, self->bed.share, sizeof(name.name));
	ASSERT_EQ(0, ring_ioctl(device, VHOST_FS_ATTACH_SHARE, &name));
	pid = fork();
	if (!pid) {
		if (setresgid(MAKER, MAKER, MAKER) || setresuid(MAKER, MAKER, MAKER) ||
		    ring_open_fd(&dev, device, &config))
			_exit(1);
		_exit(state_move(&dev, VHOST_FS_STATE_SAVE, fd, &self->result) != 0);
	}
	close(device);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	/* To keep these on writing takes CAP_FSETID. */
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_LT(0, st.st_size);
	EXPECT_EQ(0755, st.st_mode & 07777);
	close(fd);
}

/* ---- memory ----------------------------------------------------------------- */

/* The thread of a transfer, or 0. */
static pid_t find_thread(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	char path[64], comm[32];
	pid_t found = 0;
	FILE *f;

	while (!found && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/self/task/%.12s/comm", entry->d_name);
		f = fopen(path, "re");
		if (!f)
			continue;
		if (fgets(comm, sizeof(comm), f) && !strcmp(comm, "vhost-fs-state\n"))
			found = atoi(entry->d_name);
		fclose(f);
	}
	closedir(dir);
	return found;
}

/*
 * With this a thread that is made doesn't run before its maker sleeps, so that
 * the maker can say which of its allocations is to fail.
 */
static int run_before_children(void)
{
	const struct sched_param param = { .sched_priority = 1 };
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	return sched_setaffinity(0, sizeof(one), &one) ||
	       sched_setscheduler(0, SCHED_FIFO, &param) ? -errno : 0;
}

/* Its maker may have slept all the same: has the thread had the processor? */
static bool has_run(pid_t thread)
{
	unsigned int switches, sum = 0;
	char path[64], line[100];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/status", thread);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "voluntary_ctxt_switches: %u", &switches) == 1 ||
		    sscanf(line, "nonvoluntary_ctxt_switches: %u", &switches) == 1)
			sum += switches;
	if (f)
		fclose(f);
	return sum;
}

/*
 * What is left of the number when the transfer has let its file go; -1 if the thread had
 * begun before it was told.
 */
static int transfer_short_of_memory(struct ring_dev *dev, uint32_t direction,
				    const char *path, unsigned int nth, int *left)
{
	int watch = inotify_init1(IN_CLOEXEC), fd, err;
	char knob[64], text[16] = "";
	struct inotify_event event[8];
	bool too_late = false;
	pid_t thread;

	fd = open(path, O_RDWR | O_CLOEXEC);
	if (watch < 0 || fd < 0 || inotify_add_watch(watch, path, IN_CLOSE) < 0)
		return -errno;
	err = state_begin(dev, direction, fd, 0);
	if (err)
		return err;
	thread = find_thread();
	snprintf(knob, sizeof(knob), "/proc/self/task/%d/fail-nth", thread);
	snprintf(text, sizeof(text), "%u", nth);
	err = faults_write(knob, text);
	if (!err)
		too_late = has_run(thread);
	close(fd);
	if (!err && read(watch, event, sizeof(event)) < 0)
		err = -errno;
	close(watch);
	if (err)
		return err;
	fd = open(knob, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		err = -errno;
	close(fd);
	*left = too_late ? -1 : atoi(text);
	return err;
}

static int write_state(const char *path, const void *state, size_t len)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
	int ret = fd < 0 || write(fd, state, len) != (ssize_t)len ? -EIO : 0;

	close(fd);
	return ret;
}

static bool state_is(const char *path, const void *state, size_t len)
{
	static char have[STATE_MAX];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, have, sizeof(have));

	close(fd);
	return n == (ssize_t)len && !memcmp(have, state, len);
}

/* Skips where the kernel has no faults on demand; the debug kernels have. */
#define NEED_FAULTS() do { \
	if (!faults_exist()) \
		SKIP(return, "no faults on demand (CONFIG_FAULT_INJECTION)"); \
	ASSERT_EQ(0, faults_allow(true)); \
} while (0)

/* Each allocation of saving fails, one at a time. */
TEST_F_TIMEOUT(fail, no_memory_to_save, 120)
{
	unsigned int nth, failed = 0;
	char path[96];
	int left = 0;

	NEED_FAULTS();
	ASSERT_EQ(0, run_before_children());
	snprintf(path, sizeof(path), "%s/state", self->bed.top);
	for (nth = 1; !left; nth++) {
		ASSERT_EQ(0, write_state(path, "", 0));
		ASSERT_EQ(0, transfer_short_of_memory(&self->bed.dev, VHOST_FS_STATE_SAVE,
						      path, nth, &left));
		ASSERT_EQ(0, state_check(&self->bed.dev, &self->result));
		if (left < 0) {
			/* The same again. */
			left = 0;
			nth--;
		}
		EXPECT_TRUE(goes_on(self));
		if (!self->result.error) {
			/* It could be done without. */
			EXPECT_EQ(0, self->result.lost_nodes);
			EXPECT_TRUE(state_is(path, self->state, self->len));
			continue;
		}
		failed++;
		EXPECT_EQ(ENOMEM, self->result.error) {
			TH_LOG("allocation %u: reason %u", nth, self->result.reason);
		}
		EXPECT_EQ(VHOST_FS_STATE_ERR_MEMORY, self->result.reason);
	}
	EXPECT_LT(0, failed);
	EXPECT_TRUE(is_as_it_was(self));
	EXPECT_EQ(0, faults_allow(false));
}

/* Each of loading. */
TEST_F_TIMEOUT(fail, no_memory_to_load, 120)
{
	unsigned int nth, failed = 0;
	char path[96];
	int left = 0;

	NEED_FAULTS();
	ASSERT_EQ(0, run_before_children());
	snprintf(path, sizeof(path), "%s/state", self->bed.top);
	ASSERT_EQ(0, write_state(path, self->state, self->len));
	ASSERT_EQ(0, state_open(&self->bed, &self->to));
	for (nth = 1; !left; nth++) {
		ASSERT_EQ(0, transfer_short_of_memory(&self->to, VHOST_FS_STATE_LOAD,
						      path, nth, &left));
		ASSERT_EQ(0, state_check(&self->to, &self->result));
		if (left < 0) {
			/* The same again. */
			left = 0;
			nth--;
		}
		if (!self->result.error) {
			EXPECT_EQ(0, self->result.lost_nodes + self->result.lost_handles);
			ASSERT_EQ(0, ring_set_running(&self->to, true));
			fuse_session(&self->g, &self->to, RING_REQUEST);
			EXPECT_TRUE(works(&self->g, self));
			leave(self);
			ASSERT_EQ(0, state_open(&self->bed, &self->to));
			continue;
		}
		failed++;
		EXPECT_EQ(ENOMEM, self->result.error) {
			TH_LOG("allocation %u: reason %u object %llu", nth,
			       self->result.reason,
			       (unsigned long long)self->result.object);
		}
		EXPECT_EQ(VHOST_FS_STATE_ERR_MEMORY, self->result.reason);
		EXPECT_TRUE(has_nothing(self));
	}
	/* How many there are depends on what is in the caches. */
	EXPECT_LT(5, failed);
	EXPECT_TRUE(is_as_it_was(self));
	EXPECT_EQ(0, faults_allow(false));
	EXPECT_ARRIVES();
}

/* Each of the call that begins a transfer. */
TEST_F_TIMEOUT(fail, no_memory_to_begin, 60)
{
	int fd = memfd_create("state", MFD_CLOEXEC), knob, err;
	unsigned int nth, failed = 0;
	bool fired = true;

	NEED_FAULTS();
	knob = faults_open();
	ASSERT_LE(0, knob);
	for (nth = 1; fired; nth++) {
		ASSERT_EQ(0, faults_arm(knob, nth));
		err = state_begin(&self->bed.dev, VHOST_FS_STATE_SAVE, fd, 0);
		fired = faults_disarm(knob);
		if (err) {
			failed++;
			EXPECT_TRUE(err == -ENOMEM || err == -EFAULT) {
				TH_LOG("allocation %u: %d", nth, err);
			}
			continue;
		}
		ASSERT_EQ(0, state_check(&self->bed.dev, &self->result));
		EXPECT_EQ(0, self->result.error);
	}
	/* Likewise: three were the least seen. */
	EXPECT_LE(3, failed);
	EXPECT_EQ(0, faults_allow(false));
	EXPECT_TRUE(is_as_it_was(self));
	close(knob);
	close(fd);
}

TEST_HARNESS_MAIN
