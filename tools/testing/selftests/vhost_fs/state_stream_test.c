// SPDX-License-Identifier: GPL-2.0-only
/*
 * Streams that lie: whatever a state says, loading it reaches nothing outside the
 * share, hangs nowhere, and leaves nothing when it fails.
 */
#include "bed.h"
#include "harness.h"
#include "state.h"
#include "state_codec.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>

#define ROOT FUSE_ROOT_ID
#define STREAM_ROOM (1 << 20)

/* A stream that is put together: nodes, then handles, then the rest. */
struct stream {
	uint8_t data[STREAM_ROOM];
	size_t len;
};

FIXTURE(stream) {
	struct bed bed;
	struct ring_dev to;
	struct fuse g;
	struct stream *s;
	struct vhost_fs_device_state_result result;
};

FIXTURE_SETUP(stream)
{
	struct bed_config config = { 0 };

	ASSERT_EQ(0, bed_open_share(&self->bed, &config));
	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "data", 4, 0644));
	ASSERT_EQ(0, mkdirat(self->bed.fd, "dir", 0755));
	ASSERT_EQ(0, bed_write_file(&self->bed, "dir/inner", "inner", 5, 0644));
	self->s = malloc(sizeof(*self->s));
	ASSERT_NE(NULL, self->s);
	ASSERT_EQ(0, state_open(&self->bed, &self->to));
}

FIXTURE_TEARDOWN(stream)
{
	ring_close(&self->to);
	free(self->s);
	bed_close(&self->bed);
}

static void begin(struct stream *s, uint64_t nr_nodes)
{
	s->len = vhost_fs_state_put_begin(s->data, nr_nodes);
}

static void node(struct stream *s, const struct vhost_fs_state_node *node)
{
	s->len += vhost_fs_state_put_node(s->data + s->len, node);
}

static void root(struct stream *s)
{
	const struct vhost_fs_state_node n = {
		.id = ROOT, .refcount = 2, .location = VHOST_FS_STATE_ROOT,
	};

	node(s, &n);
}

static struct vhost_fs_state_bytes bytes(const char *text)
{
	return (struct vhost_fs_state_bytes) {
		.data = (const uint8_t *)text, .len = strlen(text),
	};
}

static void child(struct stream *s, uint64_t id, uint64_t refcount,
		  uint64_t parent, const char *name)
{
	const struct vhost_fs_state_node n = {
		.id = id, .refcount = refcount,
		.location = VHOST_FS_STATE_PATH, .parent = parent,
		.name = bytes(name),
	};

	node(s, &n);
}

static void full(struct stream *s, uint64_t id, const char *path)
{
	const struct vhost_fs_state_node n = {
		.id = id, .refcount = 1, .location = VHOST_FS_STATE_FULL_PATH,
		.name = bytes(path),
	};

	node(s, &n);
}

static void middle(struct stream *s, uint64_t next_node, uint64_t nr_handles)
{
	s->len += vhost_fs_state_put_middle(s->data + s->len, next_node,
					    nr_handles);
}

static void handle(struct stream *s, uint64_t id, uint64_t of, int32_t flags)
{
	const struct vhost_fs_state_handle h = {
		.id = id, .node = of, .flags = flags,
	};

	s->len += vhost_fs_state_put_handle(s->data + s->len, &h);
}

static void end(struct stream *s, uint64_t next_handle)
{
	const struct vhost_fs_state_opts opts = { .sup_group_extension = true };

	s->len += vhost_fs_state_put_end(s->data + s->len, next_handle, &opts,
					 0);
}

static int load(struct ring_dev *to, const struct stream *s,
		struct vhost_fs_device_state_result *result)
{
	int fd = state_file(s->data, s->len), err;

	err = state_move(to, VHOST_FS_STATE_LOAD, fd, result);
	close(fd);
	return err;
}

/* Starts the device that was loaded into. */
static int start(struct ring_dev *to, struct fuse *g)
{
	int err = ring_set_running(to, true);

	fuse_session(g, to, RING_REQUEST);
	return err;
}

#define LOAD() load(&self->to, self->s, &self->result)
/* A block may follow, for what to say. */
#define EXPECT_BAD() \
	EXPECT_EQ(-VHOST_FS_STATE_ERR_STREAM, \
		  LOAD() == EBADMSG ? -(int)self->result.reason : 0)

/* What a stream of virtiofsd's looks like, with a file that is open. */
static void good(struct stream *s)
{
	begin(s, 4);
	root(s);
	child(s, 5, 2, ROOT, "dir");
	child(s, 6, 1, 5, "inner");
	child(s, 300, 1, ROOT, "file");
	middle(s, 301, 1);
	handle(s, 0, 300, O_RDWR);
	end(s, 1);
}

TEST_F(stream, of_virtiofsd)
{
	struct fuse_open_out open;
	char buf[8];

	good(self->s);
	ASSERT_EQ(0, LOAD());
	ASSERT_EQ(0, start(&self->to, &self->g));
	EXPECT_EQ(0, fuse_getattr(&self->g, 6, NULL));
	EXPECT_EQ(4, fuse_read(&self->g, 300, 0, 0, buf, sizeof(buf)));
	/* One of its two lookups was for the child. */
	ASSERT_EQ(0, fuse_forget(&self->g, 5, 1));
	EXPECT_EQ(-ESTALE, fuse_getattr(&self->g, 5, NULL));
	EXPECT_EQ(301, bed_lookup(&self->g, "dir"));
	ASSERT_EQ(0, fuse_open(&self->g, 6, O_RDONLY, &open));
	EXPECT_EQ(1, open.fh);
}

/* Cut after each byte: refused, and the device takes the whole one afterwards. */
TEST_F(stream, cut)
{
	size_t len;

	good(self->s);
	len = self->s->len;
	for (self->s->len = 0; self->s->len < len; self->s->len++) {
		EXPECT_BAD() {
			TH_LOG("after %zu bytes", self->s->len);
		}
		EXPECT_EQ(self->s->len, self->result.object);
	}
	EXPECT_EQ(0, LOAD());
}

/* Each byte another one: never worse than an error. */
TEST_F(stream, damaged)
{
	size_t i;
	int bit, err;

	good(self->s);
	for (i = 0; i < self->s->len; i++) {
		for (bit = 0; bit < 8; bit++) {
			self->s->data[i] ^= 1 << bit;
			err = LOAD();
			EXPECT_LE(0, err);
			EXPECT_EQ(!err, !self->result.reason);
			self->s->data[i] ^= 1 << bit;
		}
	}
	EXPECT_EQ(0, LOAD());
}

/* Children before their parents, as a chain as long as there are nodes. */
TEST_F(stream, parents_come_last)
{
	char path[512], *at = path;
	int i;

	at += sprintf(at, "d");
	ASSERT_EQ(0, mkdirat(self->bed.fd, path, 0755));
	for (i = 0; i < 99; i++) {
		at += sprintf(at, "/d");
		ASSERT_EQ(0, mkdirat(self->bed.fd, path, 0755));
	}
	begin(self->s, 101);
	for (i = 101; i > 1; i--)
		child(self->s, i, i < 101 ? 2 : 1, i - 1, "d");
	root(self->s);
	middle(self->s, 102, 0);
	end(self->s, 0);
	ASSERT_EQ(0, LOAD());
	ASSERT_EQ(0, start(&self->to, &self->g));
	EXPECT_EQ(101, bed_lookup(&self->g, path));
	ASSERT_EQ(0, fuse_forget(&self->g, 50, 2));
	EXPECT_EQ(-ESTALE, fuse_getattr(&self->g, 50, NULL));
}

TEST_F(stream, parents_in_a_circle)
{
	begin(self->s, 4);
	root(self->s);
	child(self->s, 2, 2, 3, "dir");
	child(self->s, 3, 2, 4, "dir");
	child(self->s, 4, 2, 2, "dir");
	middle(self->s, 5, 0);
	end(self->s, 0);
	EXPECT_BAD();
	begin(self->s, 2);
	root(self->s);
	child(self->s, 2, 2, 2, "dir");
	middle(self->s, 5, 0);
	end(self->s, 0);
	EXPECT_BAD();
}

TEST_F(stream, no_such_parent)
{
	begin(self->s, 2);
	root(self->s);
	child(self->s, 2, 1, 9, "file");
	middle(self->s, 3, 0);
	end(self->s, 0);
	EXPECT_BAD();
}

/* The parent of two says one: it is given back, and the second finds none. */
TEST_F(stream, parent_counts_too_few)
{
	begin(self->s, 4);
	root(self->s);
	child(self->s, 2, 1, ROOT, "dir");
	child(self->s, 3, 1, 2, "inner");
	child(self->s, 4, 1, 2, "inner");
	middle(self->s, 5, 0);
	end(self->s, 0);
	EXPECT_BAD();
}

TEST_F(stream, numbers)
{
	static const struct {
		uint64_t id, refcount, next_node, handle_id, next_handle;
	} rows[] = {
		{ 0, 1, 3, 0, 1 },
		{ ROOT, 1, 3, 0, 1 },
		{ 1ULL << 63, 1, 3, 0, 1 },
		{ ~0ULL, 1, 3, 0, 1 },
		{ 2, 0, 3, 0, 1 },
		{ 2, 1, 1ULL << 63, 0, 1 },
		{ 2, 1, 3, 1ULL << 63, 1 },
		{ 2, 1, 3, 0, ~0ULL },
	};
	unsigned int i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin(self->s, 2);
		root(self->s);
		child(self->s, rows[i].id, rows[i].refcount, ROOT, "file");
		middle(self->s, rows[i].next_node, 1);
		handle(self->s, rows[i].handle_id, rows[i].id, O_RDONLY);
		end(self->s, rows[i].next_handle);
		EXPECT_BAD() {
			TH_LOG("row %u", i);
		}
	}
}

/* The next numbers are below what is there: new ones are above it anyway. */
TEST_F(stream, next_numbers_lie)
{
	struct fuse_open_out open;

	begin(self->s, 2);
	root(self->s);
	child(self->s, 1000, 1, ROOT, "file");
	middle(self->s, 2, 1);
	handle(self->s, 77, 1000, O_RDONLY);
	end(self->s, 0);
	ASSERT_EQ(0, LOAD());
	ASSERT_EQ(0, start(&self->to, &self->g));
	EXPECT_EQ(1001, bed_lookup(&self->g, "dir"));
	ASSERT_EQ(0, fuse_open(&self->g, 1000, O_RDONLY, &open));
	EXPECT_EQ(78, open.fh);
}

TEST_F(stream, twice_the_same)
{
	begin(self->s, 3);
	root(self->s);
	child(self->s, 2, 1, ROOT, "file");
	child(self->s, 2, 1, ROOT, "dir");
	middle(self->s, 3, 0);
	end(self->s, 0);
	EXPECT_BAD();
	begin(self->s, 2);
	root(self->s);
	child(self->s, 2, 1, ROOT, "file");
	middle(self->s, 3, 2);
	handle(self->s, 1, 2, O_RDONLY);
	handle(self->s, 1, 2, O_RDONLY);
	end(self->s, 2);
	EXPECT_BAD();
}

/* Two numbers for one file are two for the guest, and both can be forgotten. */
TEST_F(stream, two_numbers_for_a_file)
{
	begin(self->s, 3);
	root(self->s);
	child(self->s, 2, 1, ROOT, "file");
	child(self->s, 3, 2, ROOT, "file");
	middle(self->s, 4, 0);
	end(self->s, 0);
	ASSERT_EQ(0, LOAD());
	ASSERT_EQ(0, start(&self->to, &self->g));
	EXPECT_EQ(0, fuse_getattr(&self->g, 2, NULL));
	EXPECT_EQ(0, fuse_getattr(&self->g, 3, NULL));
	EXPECT_EQ(2, bed_lookup(&self->g, "file"));
	ASSERT_EQ(0, fuse_forget(&self->g, 3, 2));
	EXPECT_EQ(-ESTALE, fuse_getattr(&self->g, 3, NULL));
	ASSERT_EQ(0, fuse_forget(&self->g, 2, 2));
	EXPECT_EQ(-ESTALE, fuse_getattr(&self->g, 2, NULL));
	EXPECT_EQ(4, bed_lookup(&self->g, "file"));
}

/* Links are the guest's to follow, also on a stream's paths. */
TEST_F(stream, links_are_not_followed)
{
	struct fuse_attr attr;

	ASSERT_EQ(0, symlinkat("/etc", self->bed.fd, "out"));
	begin(self->s, 2);
	root(self->s);
	full(self->s, 2, "out/passwd");
	middle(self->s, 3, 0);
	end(self->s, 0);
	EXPECT_EQ(ENOTDIR, LOAD());
	EXPECT_EQ(VHOST_FS_STATE_ERR_NODE, self->result.reason);
	begin(self->s, 3);
	root(self->s);
	child(self->s, 2, 2, ROOT, "out");
	child(self->s, 3, 1, 2, "passwd");
	middle(self->s, 4, 0);
	end(self->s, 0);
	EXPECT_EQ(ENOTDIR, LOAD());
	begin(self->s, 2);
	root(self->s);
	full(self->s, 2, "out");
	middle(self->s, 3, 0);
	end(self->s, 0);
	ASSERT_EQ(0, LOAD());
	ASSERT_EQ(0, start(&self->to, &self->g));
	ASSERT_EQ(0, fuse_getattr(&self->g, 2, &attr));
	EXPECT_EQ(S_IFLNK, attr.mode & S_IFMT);
}

/* Features that nobody here agrees on, or in a protocol that nobody speaks. */
TEST_F(stream, session)
{
	static const struct {
		uint32_t minor;
		uint64_t flags;
		int error;
	} rows[] = {
		{ 31, 0, 0 },
		{ 0, 0, EBADMSG },
		{ 26, 0, EBADMSG },
		{ 1000, 0, EBADMSG },
		{ 31, FUSE_NO_OPEN_SUPPORT, EOPNOTSUPP },
		{ 31, 1ULL << 63, EOPNOTSUPP },
		{ 31, FUSE_POSIX_LOCKS, EOPNOTSUPP },
	};
	struct vhost_fs_state_session session;
	size_t len;
	unsigned int i;

	good(self->s);
	len = self->s->len;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		session.minor = rows[i].minor;
		session.flags = rows[i].flags;
		self->s->len = len + vhost_fs_state_put_session(self->s->data + len, &session,
								0, 0);
		EXPECT_EQ(rows[i].error, LOAD()) {
			TH_LOG("row %u", i);
		}
		if (rows[i].error == EOPNOTSUPP)
			EXPECT_EQ(rows[i].flags, self->result.object);
	}
}

/* What a later vhost_fs adds is skipped; what can't be done without it is told. */
TEST_F(stream, of_a_later_vhost_fs)
{
	const struct vhost_fs_state_session session = { .minor = 31 };
	size_t len, version;

	good(self->s);
	len = self->s->len;
	version = len + strlen("vhost-fs");
	self->s->len = len + vhost_fs_state_put_session(self->s->data + len, &session, 0, 1);
	EXPECT_BAD();
	self->s->data[self->s->len++] = 0xff;
	EXPECT_EQ(0, LOAD());
	self->s->data[version]++;
	EXPECT_EQ(EPROTONOSUPPORT, LOAD());
	EXPECT_EQ(VHOST_FS_STATE_ERR_VERSION, self->result.reason);
	EXPECT_EQ(version, self->result.object);
}

/* What can't be opened by a guest can't be by a stream. */
TEST_F(stream, opens_files_only)
{
	ASSERT_EQ(0, mkfifoat(self->bed.fd, "fifo", 0600));
	begin(self->s, 2);
	root(self->s);
	child(self->s, 2, 1, ROOT, "fifo");
	middle(self->s, 3, 1);
	handle(self->s, 7, 2, O_RDONLY);
	end(self->s, 8);
	EXPECT_EQ(ENXIO, LOAD());
	EXPECT_EQ(VHOST_FS_STATE_ERR_HANDLE, self->result.reason);
	EXPECT_EQ(7, self->result.object);
}

/* Flags that create or truncate have had their effect already. */
TEST_F(stream, opens_what_is_there)
{
	struct fuse_attr attr;

	begin(self->s, 2);
	root(self->s);
	child(self->s, 2, 1, ROOT, "file");
	middle(self->s, 3, 1);
	handle(self->s, 7, 2, O_RDWR | O_CREAT | O_EXCL | O_TRUNC);
	end(self->s, 8);
	ASSERT_EQ(0, LOAD());
	ASSERT_EQ(0, start(&self->to, &self->g));
	ASSERT_EQ(0, fuse_getattr(&self->g, 2, &attr));
	EXPECT_EQ(4, attr.size);
}

/* ---- file handles that a VMM has made up ---------------------------------- */

FIXTURE(handles) {
	struct bed bed;
	struct ring_dev to;
	struct stream *s;
	struct vhost_fs_device_state_result result;
	struct {
		struct file_handle head;
		unsigned char bytes[MAX_HANDLE_SZ];
	} fh;
};

FIXTURE_SETUP(handles)
{
	struct bed_config config = {
		.options.migration = VHOST_FS_MIGRATION_FILE_HANDLES,
	};
	int mount_id;

	ASSERT_EQ(0, bed_open_share(&self->bed, &config));
	ASSERT_EQ(0, mkdirat(self->bed.fd, "dir", 0755));
	ASSERT_EQ(0, bed_write_file(&self->bed, "dir/secret", "secret", 6, 0600));
	self->fh.head.handle_bytes = MAX_HANDLE_SZ;
	ASSERT_EQ(0, name_to_handle_at(self->bed.fd, "dir/secret",
				       &self->fh.head, &mount_id, 0));
	self->s = malloc(sizeof(*self->s));
	ASSERT_NE(NULL, self->s);
	ASSERT_EQ(0, state_open(&self->bed, &self->to));
}

FIXTURE_TEARDOWN(handles)
{
	ring_close(&self->to);
	free(self->s);
	bed_close(&self->bed);
}

static void by_handle(struct stream *s, const struct file_handle *fh,
		      const char *mount_path)
{
	const struct vhost_fs_state_opts opts = { 0 };
	const struct vhost_fs_state_mount mount = {
		.id = 7, .path = bytes(mount_path),
	};
	struct vhost_fs_state_node n = {
		.id = 2, .refcount = 1, .location = VHOST_FS_STATE_FILE_HANDLE,
	};

	n.fh.mount_id = 7;
	n.fh.type = fh->handle_type;
	n.fh.handle.data = fh->f_handle;
	n.fh.handle.len = fh->handle_bytes;
	begin(s, 2);
	root(s);
	node(s, &n);
	middle(s, 3, 0);
	s->len += vhost_fs_state_put_end(s->data + s->len, 0, &opts, 1);
	s->len += vhost_fs_state_put_mount(s->data + s->len, &mount);
}

TEST_F(handles, of_the_share)
{
	by_handle(self->s, &self->fh.head, ".");
	EXPECT_EQ(0, LOAD());
	/* A directory of the mount says which mount it is. */
	by_handle(self->s, &self->fh.head, "dir");
	EXPECT_EQ(0, LOAD());
	by_handle(self->s, &self->fh.head, "nowhere");
	EXPECT_EQ(ENOENT, LOAD());
}

/* What something is mounted on can't be had by name, so neither by handle. */
TEST_F(handles, below_a_mount)
{
	char at[96];

	snprintf(at, sizeof(at), "%s/dir", self->bed.dir);
	ASSERT_EQ(0, mount("vhost_fs_test", at, "tmpfs", 0, NULL));
	by_handle(self->s, &self->fh.head, ".");
	EXPECT_EQ(ESTALE, LOAD());
	EXPECT_EQ(VHOST_FS_STATE_ERR_NODE, self->result.reason);
	ASSERT_EQ(0, umount(at));
	EXPECT_EQ(0, LOAD());
}

/* Outside of the share, on the same file system. */
TEST_F(handles, outside)
{
	char out[96];

	snprintf(out, sizeof(out), "%s/out", self->bed.top);
	ASSERT_EQ(0, renameat(self->bed.fd, "dir/secret", AT_FDCWD, out));
	by_handle(self->s, &self->fh.head, ".");
	EXPECT_EQ(ESTALE, LOAD());
	unlink(out);
}

/* Nonsense in every field of it. */
TEST_F(handles, damaged)
{
	struct file_handle *fh = &self->fh.head;
	unsigned int i, bytes = fh->handle_bytes;
	int type = fh->handle_type;

	for (i = 0; i <= MAX_HANDLE_SZ; i++) {
		fh->handle_bytes = i;
		by_handle(self->s, fh, ".");
		EXPECT_LE(0, LOAD());
	}
	fh->handle_bytes = bytes;
	for (i = 0; i < 300; i++) {
		fh->handle_type = i - 2;
		by_handle(self->s, fh, ".");
		EXPECT_LE(0, LOAD());
	}
	fh->handle_type = type;
	for (i = 0; i < 8 * bytes; i++) {
		fh->f_handle[i / 8] ^= 1 << i % 8;
		by_handle(self->s, fh, ".");
		EXPECT_LE(0, LOAD());
		fh->f_handle[i / 8] ^= 1 << i % 8;
	}
}

static void node_by_handle(struct stream *s, uint64_t id, uint64_t refcount,
			   const struct file_handle *fh)
{
	const struct vhost_fs_state_node n = {
		.id = id, .refcount = refcount, .location = VHOST_FS_STATE_FILE_HANDLE,
		.fh.mount_id = 7, .fh.type = fh->handle_type,
		.fh.handle = { .data = fh->f_handle, .len = fh->handle_bytes },
	};

	node(s, &n);
}

/* Two files, of which one is open. */
static void two_by_handle(struct stream *s, const struct file_handle *a,
			  const struct file_handle *b, uint64_t opened)
{
	const struct vhost_fs_state_mount mount = { .id = 7, .path = bytes(".") };
	const struct vhost_fs_state_opts opts = { 0 };

	begin(s, 3);
	root(s);
	node_by_handle(s, 2, 1, a);
	node_by_handle(s, 3, 1, b);
	middle(s, 4, 1);
	handle(s, 9, opened, O_RDONLY);
	s->len += vhost_fs_state_put_end(s->data + s->len, 10, &opts, 1);
	s->len += vhost_fs_state_put_mount(s->data + s->len, &mount);
}

/*
 * The guest has removed a file, and its FORGET was still on the way. Not if no handle is
 * right, if what is removed was open, or if the file is there but can't be had.
 */
TEST_F(handles, removed)
{
	struct {
		struct file_handle head;
		unsigned char bytes[MAX_HANDLE_SZ];
	} other = { .head.handle_bytes = MAX_HANDLE_SZ };
	char out[96];
	struct fuse g;
	int mount_id;

	snprintf(out, sizeof(out), "%s/out", self->bed.top);
	ASSERT_EQ(0, bed_write_file(&self->bed, "dir/other", "", 0, 0600));
	ASSERT_EQ(0, name_to_handle_at(self->bed.fd, "dir/other", &other.head, &mount_id, 0));
	two_by_handle(self->s, &self->fh.head, &other.head, 3);
	ASSERT_EQ(0, renameat(self->bed.fd, "dir/secret", AT_FDCWD, out));
	EXPECT_EQ(ESTALE, LOAD());
	ASSERT_EQ(0, unlink(out));
	ASSERT_EQ(0, LOAD());
	EXPECT_EQ(1, self->result.lost_nodes);
	EXPECT_EQ(0, self->result.lost_handles);
	ASSERT_EQ(0, start(&self->to, &g));
	EXPECT_EQ(-ESTALE, fuse_getattr(&g, 2, NULL));
	EXPECT_EQ(0, fuse_getattr(&g, 3, NULL));
	EXPECT_EQ(0, fuse_forget(&g, 2, 1));
	ASSERT_EQ(0, ring_set_running(&self->to, false));

	two_by_handle(self->s, &self->fh.head, &other.head, 2);
	EXPECT_EQ(ESTALE, LOAD());
	EXPECT_EQ(VHOST_FS_STATE_ERR_HANDLE, self->result.reason);
	EXPECT_EQ(9, self->result.object);
	ASSERT_EQ(0, unlinkat(self->bed.fd, "dir/other", 0));
	two_by_handle(self->s, &self->fh.head, &other.head, 3);
	EXPECT_EQ(ESTALE, LOAD());
	EXPECT_EQ(VHOST_FS_STATE_ERR_NODE, self->result.reason);
	EXPECT_EQ(2, self->result.object);
}

/* The end, with so many ways, each of which is the one to node 7. */
static void end_with_ways(struct stream *s, const struct vhost_fs_state_way *way,
			  unsigned int nr)
{
	const struct vhost_fs_state_opts opts = { 0 };
	const struct vhost_fs_state_mount mount = { .id = 7, .path = bytes(".") };
	const struct vhost_fs_state_session session = { .minor = 31 };
	u8 item[VHOST_FS_STATE_ITEM_MAX];
	unsigned int i;

	s->len += vhost_fs_state_put_end(s->data + s->len, 0, &opts, 1);
	s->len += vhost_fs_state_put_mount(s->data + s->len, &mount);
	s->len += vhost_fs_state_put_session(s->data + s->len, &session, nr,
					     nr * vhost_fs_state_put_way(item, way));
	for (i = 0; i < nr; i++)
		s->len += vhost_fs_state_put_way(s->data + s->len, way);
}

/*
 * A directory with a higher number than a file in it, as guests that move files
 * have it: loading it before its turn leaves the ways of others alone. The one here
 * is the only way, as the file's own handle is wrong.
 */
TEST_F(handles, ways_of_those_before_a_parent)
{
	struct {
		struct file_handle head;
		unsigned char bytes[MAX_HANDLE_SZ];
	} dir = { .head.handle_bytes = MAX_HANDLE_SZ }, wrong;
	struct file_handle *fh = &self->fh.head;
	struct vhost_fs_state_way way = {
		.node = 7, .type = fh->handle_type,
		.handle = { .data = fh->f_handle, .len = fh->handle_bytes },
	};
	struct fuse_attr attr;
	struct fuse g;
	int mount_id;
	unsigned int nr;

	ASSERT_EQ(0, bed_write_file(&self->bed, "dir/moved", "", 0, 0600));
	ASSERT_EQ(0, name_to_handle_at(self->bed.fd, "dir", &dir.head, &mount_id, 0));
	memcpy(&wrong, &self->fh, sizeof(wrong));
	wrong.bytes[fh->handle_bytes - 1] ^= 0xff;
	for (nr = 0; nr < 2; nr++) {
		begin(self->s, 4);
		root(self->s);
		child(self->s, 5, 1, 9, "moved");
		node_by_handle(self->s, 7, 1, &wrong.head);
		node_by_handle(self->s, 9, 2, &dir.head);
		middle(self->s, 10, 0);
		end_with_ways(self->s, &way, nr);
		ASSERT_EQ(0, LOAD());
		ASSERT_EQ(!nr, self->result.lost_nodes);
	}
	ASSERT_EQ(0, start(&self->to, &g));
	ASSERT_EQ(0, fuse_getattr(&g, 7, &attr));
	EXPECT_EQ(6, attr.size);
	EXPECT_EQ(0, fuse_getattr(&g, 5, NULL));
}

TEST_F(handles, more_ways_than_nodes)
{
	struct file_handle *fh = &self->fh.head;
	struct vhost_fs_state_way way = {
		.node = 7, .type = fh->handle_type,
		.handle = { .data = fh->f_handle, .len = fh->handle_bytes },
	};
	unsigned int nr;

	for (nr = 2; nr < 4; nr++) {
		begin(self->s, 2);
		root(self->s);
		node_by_handle(self->s, 7, 1, fh);
		middle(self->s, 8, 0);
		end_with_ways(self->s, &way, nr);
		EXPECT_EQ(nr > 2 ? EBADMSG : 0, LOAD());
	}
	EXPECT_EQ(VHOST_FS_STATE_ERR_STREAM, self->result.reason);
}

/* The node that a stream has by this number. */
static bool find_node(const struct vhost_fs_state *st, uint64_t id,
		      struct vhost_fs_state_node *node)
{
	size_t at = 0;

	while (vhost_fs_state_next_node(st, &at, node))
		if (node->id == id)
			return true;
	return false;
}

/*
 * virtiofsd compares a file's handle with what it was told, so that must be what it
 * makes itself; the directory, by which another host finds the way to the file, is
 * told besides, and of that host's caches nothing is needed.
 */
TEST(handles_are_those_of_virtiofsd)
{
	struct bed_config config = {
		.disk = true, .options.migration = VHOST_FS_MIGRATION_FILE_HANDLES,
	};
	struct {
		struct file_handle head;
		unsigned char bytes[MAX_HANDLE_SZ];
	} fh = { .head.handle_bytes = MAX_HANDLE_SZ };
	struct vhost_fs_device_state_result result;
	struct vhost_fs_state_node node;
	struct vhost_fs_state_way way;
	struct vhost_fs_state st;
	static uint8_t data[4096];
	struct bed bed;
	struct fuse g;
	struct ring_dev to;
	int state, mount_id, caches;
	uint64_t id;
	size_t at = 0;

	ASSERT_EQ(0, bed_open(&bed, &config));
	ASSERT_EQ(0, mkdirat(bed.fd, "dir", 0755));
	ASSERT_EQ(0, bed_write_file(&bed, "dir/file", "data", 4, 0644));
	id = bed_lookup(&bed.fuse, "dir/file");
	ASSERT_EQ(0, name_to_handle_at(bed.fd, "dir/file", &fh.head, &mount_id, 0));
	ASSERT_EQ(0, ring_set_running(&bed.dev, false));
	state = state_save(&bed.dev, &result);
	ASSERT_LE(0, state);
	ASSERT_EQ(0, vhost_fs_state_parse(&st, data, read(state, data, sizeof(data))));
	ASSERT_TRUE(find_node(&st, id, &node));
	EXPECT_EQ(VHOST_FS_STATE_FILE_HANDLE, node.location);
	EXPECT_EQ(fh.head.handle_type, node.fh.type);
	ASSERT_EQ(fh.head.handle_bytes, node.fh.handle.len);
	EXPECT_EQ(0, memcmp(fh.head.f_handle, node.fh.handle.data, node.fh.handle.len));
	ASSERT_EQ(1, st.nr_ways);
	ASSERT_TRUE(vhost_fs_state_next_way(&st, &at, &way));
	EXPECT_EQ(id, way.node);
	EXPECT_LT(node.fh.handle.len, way.handle.len);
	/* On another host, as it were. */
	ring_close(&bed.dev);
	caches = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);
	ASSERT_EQ(1, write(caches, "3", 1));
	close(caches);
	ASSERT_EQ(0, state_open(&bed, &to));
	lseek(state, 0, SEEK_SET);
	EXPECT_EQ(0, state_move(&to, VHOST_FS_STATE_LOAD, state, &result));
	ASSERT_EQ(0, start(&to, &g));
	EXPECT_EQ(0, fuse_getattr(&g, id, NULL));
	EXPECT_EQ(id, bed_lookup(&g, "dir/file"));
	close(state);
	ring_close(&to);
	bed_close(&bed);
}

TEST_HARNESS_MAIN
