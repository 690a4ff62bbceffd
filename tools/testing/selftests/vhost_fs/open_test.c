// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handles: OPEN, OPENDIR, CREATE, FLUSH, FSYNC, RELEASE, what each refuses, and
 * what the cache policies have them say.
 */
#include "bed.h"
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

FIXTURE(open) {
	struct bed bed;
	struct fuse *f;
	uint64_t file;
};

FIXTURE_SETUP(open)
{
	struct bed_config config = { 0 };

	ASSERT_EQ(0, bed_open(&self->bed, &config));
	self->f = &self->bed.fuse;
	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "0123456789", 10, 0644));
	self->file = bed_lookup(self->f, "file");
}

FIXTURE_TEARDOWN(open)
{
	bed_close(&self->bed);
}

TEST_F(open, modes)
{
	struct fuse_open_out rd, wr, rw;
	char buf[16];

	ASSERT_EQ(0, fuse_open(self->f, self->file, O_RDONLY, &rd));
	ASSERT_EQ(0, fuse_open(self->f, self->file, O_WRONLY, &wr));
	ASSERT_EQ(0, fuse_open(self->f, self->file, O_RDWR, &rw));
	EXPECT_NE(rd.fh, wr.fh);
	EXPECT_NE(wr.fh, rw.fh);
	EXPECT_EQ(10, fuse_read(self->f, self->file, rd.fh, 0, buf, 16));
	EXPECT_EQ(10, fuse_read(self->f, self->file, rw.fh, 0, buf, 16));
	EXPECT_EQ(-EBADF, fuse_read(self->f, self->file, wr.fh, 0, buf, 16));
	EXPECT_EQ(-EBADF, fuse_write(self->f, self->file, rd.fh, 0, "x", 1));
	EXPECT_EQ(1, fuse_write(self->f, self->file, wr.fh, 0, "x", 1));
	EXPECT_EQ(1, fuse_write(self->f, self->file, rw.fh, 1, "y", 1));
	EXPECT_EQ(10, bed_read_file(&self->bed, "file", buf, 16));
	EXPECT_EQ(0, memcmp(buf, "xy23456789", 10));
	EXPECT_EQ(0, fuse_release(self->f, self->file, rd.fh));
	EXPECT_EQ(0, fuse_release(self->f, self->file, wr.fh));
	EXPECT_EQ(0, fuse_release(self->f, self->file, rw.fh));
}

/* Takes the rights to read and to write, and gives neither. */
TEST_F(open, for_neither)
{
	struct fuse_open_out out;
	char c;

	ASSERT_EQ(0, fuse_open(self->f, self->file, O_ACCMODE, &out));
	EXPECT_EQ(-EBADF, fuse_read(self->f, self->file, out.fh, 0, &c, 1));
	EXPECT_EQ(-EBADF, fuse_write(self->f, self->file, out.fh, 0, "x", 1));
	EXPECT_EQ(0, fuse_release(self->f, self->file, out.fh));
}

TEST_F(open, released_handle_is_gone)
{
	struct fuse_open_out out;
	char buf[16];

	ASSERT_EQ(0, fuse_open(self->f, self->file, O_RDWR, &out));
	ASSERT_EQ(0, fuse_release(self->f, self->file, out.fh));
	EXPECT_EQ(-EBADF, fuse_release(self->f, self->file, out.fh));
	EXPECT_EQ(-EBADF, fuse_read(self->f, self->file, out.fh, 0, buf, 16));
	EXPECT_EQ(-EBADF, fuse_write(self->f, self->file, out.fh, 0, "x", 1));
	EXPECT_EQ(-EBADF, fuse_flush(self->f, self->file, out.fh));
	EXPECT_EQ(-EBADF, fuse_fsync(self->f, self->file, out.fh, 0));
}

TEST_F(open, unknown_handles)
{
	static const uint64_t handles[] = {
		0x7fffffff, 1ULL << 32, ~0ULL, ~0ULL - 1, 1ULL << 63,
	};
	char buf[16];
	int i;

	for (i = 0; i < 5; i++) {
		EXPECT_EQ(-EBADF, fuse_read(self->f, self->file, handles[i], 0,
					    buf, sizeof(buf)));
		EXPECT_EQ(-EBADF, fuse_flush(self->f, self->file, handles[i]));
		EXPECT_EQ(-EBADF, fuse_release(self->f, self->file, handles[i]));
		EXPECT_EQ(-EBADF, fuse_readdir(self->f, FUSE_ROOT_ID, handles[i],
					       0, buf, sizeof(buf)));
	}
}

/* A file's handle is no directory's, nor the other way round. */
TEST_F(open, wrong_kind_of_handle)
{
	struct fuse_open_out file, dir;
	uint64_t where;
	char buf[256];

	ASSERT_EQ(0, fuse_open(self->f, self->file, O_RDWR, &file));
	ASSERT_EQ(0, fuse_opendir(self->f, FUSE_ROOT_ID, &dir));
	EXPECT_EQ(-EBADF, fuse_readdir(self->f, self->file, file.fh, 0, buf, 256));
	EXPECT_EQ(-EBADF, fuse_releasedir(self->f, self->file, file.fh));
	EXPECT_EQ(-EBADF, fuse_fsyncdir(self->f, self->file, file.fh, 0));
	EXPECT_EQ(-EBADF, fuse_read(self->f, FUSE_ROOT_ID, dir.fh, 0, buf, 256));
	EXPECT_EQ(-EBADF, fuse_write(self->f, FUSE_ROOT_ID, dir.fh, 0, "x", 1));
	EXPECT_EQ(-EBADF, fuse_fallocate(self->f, FUSE_ROOT_ID, dir.fh, 0, 1, 0));
	EXPECT_EQ(-EBADF, fuse_release(self->f, FUSE_ROOT_ID, dir.fh));
	EXPECT_EQ(-EBADF, fuse_lseek(self->f, FUSE_ROOT_ID, dir.fh, 0, SEEK_DATA,
				     &where));
	EXPECT_EQ(0, fuse_release(self->f, self->file, file.fh));
	EXPECT_EQ(0, fuse_releasedir(self->f, FUSE_ROOT_ID, dir.fh));
}

/* A handle is good only together with the node that it was opened on. */
TEST_F(open, handle_of_another_node)
{
	struct fuse_open_out out;
	uint64_t other;
	char buf[16];

	ASSERT_EQ(0, bed_write_file(&self->bed, "other", "other", 5, 0644));
	other = bed_lookup(self->f, "other");
	ASSERT_EQ(0, fuse_open(self->f, self->file, O_RDWR, &out));
	EXPECT_EQ(-EBADF, fuse_read(self->f, other, out.fh, 0, buf, 16));
	EXPECT_EQ(-EBADF, fuse_read(self->f, 0, out.fh, 0, buf, 16));
	EXPECT_EQ(-EBADF, fuse_write(self->f, other, out.fh, 0, "x", 1));
	EXPECT_EQ(-EBADF, fuse_release(self->f, other, out.fh));
	EXPECT_EQ(10, fuse_read(self->f, self->file, out.fh, 0, buf, 16));
}

static void make_socket(struct __test_metadata *_metadata, struct bed *bed)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	ASSERT_LE(0, fd);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/socket", bed->dir);
	ASSERT_EQ(0, bind(fd, (struct sockaddr *)&addr, sizeof(addr)));
	close(fd);
}

TEST_F(open, only_files_and_directories)
{
	struct bed *bed = &self->bed;
	struct fuse_open_out out;
	uint64_t node;

	ASSERT_EQ(0, mknodat(bed->fd, "null", S_IFCHR | 0666, makedev(1, 3)));
	ASSERT_EQ(0, mknodat(bed->fd, "disk", S_IFBLK | 0666, makedev(7, 0)));
	ASSERT_EQ(0, mkfifoat(bed->fd, "fifo", 0666));
	ASSERT_EQ(0, symlinkat("file", bed->fd, "symlink"));
	ASSERT_EQ(0, mkdirat(bed->fd, "dir", 0755));
	make_socket(_metadata, bed);

	node = bed_lookup(self->f, "null");
	EXPECT_EQ(-ENXIO, fuse_open(self->f, node, O_RDWR, &out));
	EXPECT_EQ(-ENOTDIR, fuse_opendir(self->f, node, &out));
	node = bed_lookup(self->f, "disk");
	EXPECT_EQ(-ENXIO, fuse_open(self->f, node, O_RDONLY, &out));
	node = bed_lookup(self->f, "fifo");
	EXPECT_EQ(-ENXIO, fuse_open(self->f, node, O_RDONLY, &out));
	EXPECT_EQ(-ENXIO, fuse_open(self->f, node, O_RDWR | O_NONBLOCK, &out));
	node = bed_lookup(self->f, "socket");
	EXPECT_EQ(-ENXIO, fuse_open(self->f, node, O_RDWR, &out));
	node = bed_lookup(self->f, "symlink");
	EXPECT_EQ(-ELOOP, fuse_open(self->f, node, O_RDONLY, &out));
	EXPECT_EQ(-ENOTDIR, fuse_opendir(self->f, node, &out));
	node = bed_lookup(self->f, "dir");
	EXPECT_EQ(-EISDIR, fuse_open(self->f, node, O_RDONLY, &out));
	EXPECT_EQ(-ENOTDIR, fuse_opendir(self->f, self->file, &out));
}

TEST_F(open, truncate)
{
	struct fuse_open_out out;
	struct stat st;

	ASSERT_EQ(0, fuse_open(self->f, self->file, O_RDONLY, &out));
	ASSERT_EQ(0, bed_stat(&self->bed, "file", &st));
	EXPECT_EQ(10, st.st_size);
	ASSERT_EQ(0, fuse_open(self->f, self->file, O_WRONLY | O_TRUNC, &out));
	ASSERT_EQ(0, bed_stat(&self->bed, "file", &st));
	EXPECT_EQ(0, st.st_size);
	EXPECT_EQ(3, fuse_write(self->f, self->file, out.fh, 0, "abc", 3));
	ASSERT_EQ(0, bed_stat(&self->bed, "file", &st));
	EXPECT_EQ(3, st.st_size);
}

/* The guest clears set-ID bits itself, but for those that O_TRUNC clears. */
TEST_F(open, truncation_clears_set_id_bits)
{
	static const struct {
		uint32_t uid, flags;
		mode_t before, after;
	} rows[] = {
		{ 3001, O_WRONLY | O_TRUNC, 06755, 0755 },
		{ 3001, O_RDWR | O_CREAT | O_TRUNC, 04711, 0711 },
		{ 3001, O_WRONLY | O_TRUNC, 02644, 02644 },
		{ 3001, O_WRONLY, 06755, 06755 },
		{ 0, O_WRONLY | O_TRUNC, 06755, 06755 },
		/* Not told. */
		{ ~0U, O_WRONLY | O_TRUNC, 06755, 0755 },
	};
	struct fuse_entry_out entry;
	struct fuse_open_out out;
	struct stat st;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		ASSERT_EQ(0, fchmodat(self->bed.fd, "file", rows[i].before, 0));
		self->f->uid = rows[i].uid;
		if (rows[i].flags & O_CREAT) {
			ASSERT_EQ(0, fuse_create(self->f, FUSE_ROOT_ID, "file",
						 rows[i].flags, 0600, 0,
						 &entry, &out));
		} else {
			ASSERT_EQ(0, fuse_open(self->f, self->file,
					       rows[i].flags, &out));
		}
		ASSERT_EQ(0, bed_stat(&self->bed, "file", &st));
		EXPECT_EQ(rows[i].after, st.st_mode & 07777);
	}
}

/* The end is where the host's file ends, wherever the guest believes it. */
TEST_F(open, append)
{
	struct fuse_open_out out;
	char buf[32];

	ASSERT_EQ(0, fuse_open(self->f, self->file, O_WRONLY | O_APPEND, &out));
	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "0123456789AB", 12, 0));
	EXPECT_EQ(2, fuse_write_with(self->f, self->file, out.fh, 10, "xy", 2,
				     O_WRONLY | O_APPEND, 0));
	EXPECT_EQ(14, bed_read_file(&self->bed, "file", buf, sizeof(buf)));
	EXPECT_EQ(0, memcmp(buf, "0123456789ABxy", 14));
}

/* Flags that make sense only in the guest, or nowhere. */
TEST_F(open, strange_flags)
{
	static const uint32_t flags[] = {
		O_CREAT | O_EXCL, O_NOCTTY, O_CLOEXEC, O_NOFOLLOW, O_PATH,
		O_DIRECTORY, O_NOATIME, O_NONBLOCK, 3, 0x40 /* O_TMPFILE's */,
		0xf0000000, ~(uint32_t)O_TRUNC,
	};
	struct fuse_open_out out;
	struct stat st;
	char buf[16];
	int i, ret;

	for (i = 0; i < 12; i++) {
		ret = fuse_open(self->f, self->file, flags[i], &out);
		ASSERT_LE(-511, ret);
		if (ret)
			continue;
		ret = fuse_read(self->f, self->file, out.fh, 0, buf, 16);
		EXPECT_TRUE(ret == 10 || ret == -EBADF);
		EXPECT_EQ(0, fuse_release(self->f, self->file, out.fh));
	}
	ASSERT_EQ(0, bed_stat(&self->bed, "file", &st));
	EXPECT_EQ(10, st.st_size);
}

TEST_F(open, unlinked_file_stays_open)
{
	struct fuse_open_out out;
	char buf[16];

	ASSERT_EQ(0, fuse_open(self->f, self->file, O_RDWR, &out));
	ASSERT_EQ(0, fuse_unlink(self->f, FUSE_ROOT_ID, "file"));
	EXPECT_EQ(10, fuse_read(self->f, self->file, out.fh, 0, buf, 16));
	EXPECT_EQ(4, fuse_write(self->f, self->file, out.fh, 10, "more", 4));
	EXPECT_EQ(14, fuse_read(self->f, self->file, out.fh, 0, buf, 16));
	EXPECT_EQ(0, fuse_release(self->f, self->file, out.fh));
}

/* The handle holds its file even if the node is forgotten first. */
TEST_F(open, handle_outlives_lookup)
{
	struct fuse_open_out out;
	char buf[16];

	ASSERT_EQ(0, fuse_open(self->f, self->file, O_RDONLY, &out));
	ASSERT_EQ(0, fuse_forget(self->f, self->file, 1));
	EXPECT_LE(-511, fuse_read(self->f, self->file, out.fh, 0, buf, 16));
	EXPECT_LE(-511, fuse_release(self->f, self->file, out.fh));
	self->file = bed_lookup(self->f, "file");
	EXPECT_EQ(0, fuse_getattr(self->f, self->file, NULL));
}

TEST_F(open, flush_and_sync)
{
	struct fuse_open_out out, dir;

	ASSERT_EQ(0, fuse_open(self->f, self->file, O_RDWR, &out));
	EXPECT_EQ(5, fuse_write(self->f, self->file, out.fh, 0, "hello", 5));
	EXPECT_EQ(0, fuse_flush(self->f, self->file, out.fh));
	EXPECT_EQ(0, fuse_fsync(self->f, self->file, out.fh, 0));
	EXPECT_EQ(0, fuse_fsync(self->f, self->file, out.fh,
				FUSE_FSYNC_FDATASYNC));
	ASSERT_EQ(0, fuse_opendir(self->f, FUSE_ROOT_ID, &dir));
	EXPECT_EQ(0, fuse_fsyncdir(self->f, FUSE_ROOT_ID, dir.fh, 0));
	EXPECT_EQ(0, fuse_fsyncdir(self->f, FUSE_ROOT_ID, dir.fh,
				   FUSE_FSYNC_FDATASYNC));
}

TEST_F(open, create)
{
	struct fuse_entry_out entry;
	struct fuse_open_out out;
	struct stat st;
	char buf[8];

	self->f->uid = 1234;
	self->f->gid = 4321;
	ASSERT_EQ(0, fuse_create(self->f, FUSE_ROOT_ID, "new", O_RDWR | O_CREAT,
				 S_IFREG | 0666, 0027, &entry, &out));
	EXPECT_NE(0, entry.nodeid);
	EXPECT_NE(FUSE_ROOT_ID, entry.nodeid);
	ASSERT_EQ(0, bed_stat(&self->bed, "new", &st));
	EXPECT_EQ(S_IFREG | 0640, st.st_mode);
	EXPECT_EQ(1234, st.st_uid);
	EXPECT_EQ(4321, st.st_gid);
	EXPECT_EQ(entry.attr.ino, st.st_ino);
	EXPECT_EQ(entry.attr.mode, st.st_mode);
	EXPECT_EQ(1234, entry.attr.uid);
	EXPECT_EQ(4321, entry.attr.gid);
	EXPECT_EQ(3, fuse_write(self->f, entry.nodeid, out.fh, 0, "abc", 3));
	EXPECT_EQ(3, fuse_read(self->f, entry.nodeid, out.fh, 0, buf, 8));
	EXPECT_EQ(0, fuse_release(self->f, entry.nodeid, out.fh));
}

TEST_F(open, create_exact_modes)
{
	static const uint32_t modes[] = {
		0, 0400, 0200, 0600, 0644, 0755, 0777, 01777, 02755, 04755,
	};
	struct fuse_entry_out entry;
	struct fuse_open_out out;
	struct stat st;
	char name[16];
	int i;

	for (i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "mode%d", i);
		ASSERT_EQ(0, fuse_create(self->f, FUSE_ROOT_ID, name,
					 O_RDWR | O_CREAT | O_EXCL,
					 S_IFREG | modes[i], 0, &entry, &out));
		ASSERT_EQ(0, bed_stat(&self->bed, name, &st));
		EXPECT_EQ(modes[i], st.st_mode & 07777);
		/* Whatever the mode, the creator has the file open. */
		EXPECT_EQ(1, fuse_write(self->f, entry.nodeid, out.fh, 0, "x", 1));
	}
}

TEST_F(open, create_where_something_is)
{
	struct fuse_entry_out entry;
	struct fuse_open_out out;
	struct stat st;

	ASSERT_EQ(0, mkdirat(self->bed.fd, "dir", 0755));
	ASSERT_EQ(0, symlinkat("/etc/passwd", self->bed.fd, "symlink"));
	EXPECT_EQ(-EEXIST, fuse_create(self->f, FUSE_ROOT_ID, "file",
				       O_RDWR | O_CREAT | O_EXCL, S_IFREG | 0600,
				       0, &entry, &out));
	ASSERT_EQ(0, fuse_create(self->f, FUSE_ROOT_ID, "file",
				 O_RDWR | O_CREAT, S_IFREG | 0600, 0, &entry,
				 &out));
	EXPECT_EQ(self->file, entry.nodeid);
	EXPECT_EQ(10, entry.attr.size);
	ASSERT_EQ(0, fuse_create(self->f, FUSE_ROOT_ID, "file",
				 O_RDWR | O_CREAT | O_TRUNC, S_IFREG | 0600, 0,
				 &entry, &out));
	EXPECT_EQ(0, entry.attr.size);
	ASSERT_EQ(0, bed_stat(&self->bed, "file", &st));
	EXPECT_EQ(0, st.st_size);
	EXPECT_EQ(0644, st.st_mode & 07777);
	EXPECT_EQ(-EISDIR, fuse_create(self->f, FUSE_ROOT_ID, "dir",
				       O_RDWR | O_CREAT, S_IFREG | 0600, 0,
				       &entry, &out));
	EXPECT_EQ(-ELOOP, fuse_create(self->f, FUSE_ROOT_ID, "symlink",
				      O_RDWR | O_CREAT, S_IFREG | 0600, 0,
				      &entry, &out));
	EXPECT_EQ(-EEXIST, fuse_create(self->f, FUSE_ROOT_ID, "symlink",
				       O_RDWR | O_CREAT | O_EXCL, S_IFREG | 0600,
				       0, &entry, &out));
}

TEST_F(open, create_in_no_directory)
{
	struct fuse_entry_out entry;
	struct fuse_open_out out;

	EXPECT_EQ(-ENOTDIR, fuse_create(self->f, self->file, "x",
					O_RDWR | O_CREAT, S_IFREG | 0600, 0,
					&entry, &out));
	EXPECT_EQ(-ESTALE, fuse_create(self->f, 0xdead, "x", O_RDWR | O_CREAT,
				       S_IFREG | 0600, 0, &entry, &out));
}

FIXTURE(limit) {
	struct bed bed;
};

FIXTURE_SETUP(limit)
{
	struct bed_config config = { .max_handles = 4 };

	ASSERT_EQ(0, bed_open(&self->bed, &config));
	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "data", 4, 0644));
}

FIXTURE_TEARDOWN(limit)
{
	bed_close(&self->bed);
}

static bool is_limit(int error)
{
	return error == -ENFILE || error == -EMFILE;
}

/* The limit binds this guest's handles, and only while it holds them. */
TEST_F(limit, handles)
{
	struct fuse *f = &self->bed.fuse, other;
	struct fuse_entry_out entry;
	struct fuse_open_out out[5];
	struct bed_config config = { 0 };
	struct ring_dev dev;
	struct stat st;
	uint64_t node;
	int i;

	node = bed_lookup(f, "file");
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, fuse_open(f, node, O_RDONLY, &out[i]));
	ASSERT_EQ(0, fuse_opendir(f, FUSE_ROOT_ID, &out[3]));
	EXPECT_TRUE(is_limit(fuse_open(f, node, O_RDONLY, &out[4])));
	EXPECT_TRUE(is_limit(fuse_opendir(f, FUSE_ROOT_ID, &out[4])));
	EXPECT_TRUE(is_limit(fuse_create(f, FUSE_ROOT_ID, "new",
					 O_RDWR | O_CREAT, S_IFREG | 0600, 0,
					 &entry, &out[4])));
	EXPECT_TRUE(is_limit(fuse_open(f, node, O_WRONLY | O_TRUNC, &out[4])));
	ASSERT_EQ(0, bed_stat(&self->bed, "file", &st));
	EXPECT_EQ(4, st.st_size);

	ASSERT_EQ(0, bed_open_device(&self->bed, &dev, &other, &config));
	node = bed_lookup(&other, "file");
	EXPECT_EQ(0, fuse_open(&other, node, O_RDONLY, &out[4]));
	ring_close(&dev);

	node = bed_lookup(f, "file");
	ASSERT_EQ(0, fuse_release(f, node, out[0].fh));
	EXPECT_EQ(0, fuse_open(f, node, O_RDONLY, &out[4]));
}

FIXTURE(readonly) {
	struct bed bed;
};

FIXTURE_SETUP(readonly)
{
	struct bed_config config = { .flags = VHOST_FS_SHARE_READONLY };

	ASSERT_EQ(0, bed_open(&self->bed, &config));
	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "data", 4, 0644));
}

FIXTURE_TEARDOWN(readonly)
{
	bed_close(&self->bed);
}

TEST_F(readonly, opens_only_for_reading)
{
	struct fuse *f = &self->bed.fuse;
	struct fuse_entry_out entry;
	struct fuse_open_out out;
	uint64_t node = bed_lookup(f, "file");
	struct stat st;
	char buf[8];

	EXPECT_EQ(-EROFS, fuse_open(f, node, O_WRONLY, &out));
	EXPECT_EQ(-EROFS, fuse_open(f, node, O_RDWR, &out));
	EXPECT_EQ(-EROFS, fuse_open(f, node, O_RDONLY | O_TRUNC, &out));
	EXPECT_EQ(-EROFS, fuse_create(f, FUSE_ROOT_ID, "new", O_RDWR | O_CREAT,
				      S_IFREG | 0600, 0, &entry, &out));
	EXPECT_EQ(-EEXIST, fuse_create(f, FUSE_ROOT_ID, "file",
				       O_RDWR | O_CREAT | O_EXCL, S_IFREG | 0600,
				       0, &entry, &out));
	ASSERT_EQ(0, fuse_open(f, node, O_RDONLY, &out));
	EXPECT_EQ(4, fuse_read(f, node, out.fh, 0, buf, 8));
	EXPECT_GT(0, fuse_write(f, node, out.fh, 0, "x", 1));
	EXPECT_GT(0, fuse_fallocate(f, node, out.fh, 0, 4096, 0));
	EXPECT_EQ(0, fuse_flush(f, node, out.fh));
	EXPECT_EQ(0, fuse_release(f, node, out.fh));
	EXPECT_EQ(-ENOENT, bed_stat(&self->bed, "new", &st));
	ASSERT_EQ(0, bed_stat(&self->bed, "file", &st));
	EXPECT_EQ(4, st.st_size);
}

FIXTURE(cache) {
	struct bed bed;
};

FIXTURE_VARIANT(cache) {
	uint32_t policy;
	uint32_t file_flags;
	uint32_t dir_flags;
	uint64_t valid;
};

FIXTURE_VARIANT_ADD(cache, auto) {
	.policy = VHOST_FS_CACHE_AUTO, .valid = 1,
};

FIXTURE_VARIANT_ADD(cache, always) {
	.policy = VHOST_FS_CACHE_ALWAYS,
	.file_flags = FOPEN_KEEP_CACHE,
	.dir_flags = FOPEN_KEEP_CACHE | FOPEN_CACHE_DIR,
	.valid = 86400,
};

FIXTURE_VARIANT_ADD(cache, metadata) {
	.policy = VHOST_FS_CACHE_METADATA,
	.file_flags = FOPEN_DIRECT_IO,
	.dir_flags = FOPEN_KEEP_CACHE | FOPEN_CACHE_DIR,
	.valid = 86400,
};

FIXTURE_VARIANT_ADD(cache, never) {
	.policy = VHOST_FS_CACHE_NEVER, .file_flags = FOPEN_DIRECT_IO,
};

FIXTURE_SETUP(cache)
{
	struct bed_config config = { .cache = variant->policy };

	ASSERT_EQ(0, bed_open(&self->bed, &config));
	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "data", 4, 0644));
}

FIXTURE_TEARDOWN(cache)
{
	bed_close(&self->bed);
}

#define POLICY_FLAGS (FOPEN_DIRECT_IO | FOPEN_KEEP_CACHE | FOPEN_CACHE_DIR)

TEST_F(cache, open_flags)
{
	struct fuse *f = &self->bed.fuse;
	struct fuse_entry_out entry;
	struct fuse_open_out out;
	uint64_t node = bed_lookup(f, "file");

	ASSERT_EQ(0, fuse_open(f, node, O_RDONLY, &out));
	EXPECT_EQ(variant->file_flags, out.open_flags & POLICY_FLAGS);
	ASSERT_EQ(0, fuse_opendir(f, FUSE_ROOT_ID, &out));
	EXPECT_EQ(variant->dir_flags, out.open_flags & POLICY_FLAGS);
	ASSERT_EQ(0, fuse_create(f, FUSE_ROOT_ID, "new", O_RDWR | O_CREAT,
				 S_IFREG | 0600, 0, &entry, &out));
	EXPECT_EQ(variant->file_flags, out.open_flags & POLICY_FLAGS);
	EXPECT_EQ(variant->valid, entry.entry_valid);
	EXPECT_EQ(variant->valid, entry.attr_valid);
}

TEST_F(cache, timeouts)
{
	struct fuse_getattr_in in = { 0 };
	struct fuse_attr_out attr;
	struct fuse_call c = {
		.opcode = FUSE_GETATTR, .nodeid = FUSE_ROOT_ID,
		.in = { { &in, sizeof(in) } }, .nr_in = 1,
		.out = &attr, .out_size = sizeof(attr),
	};
	struct fuse_entry_out entry;

	ASSERT_EQ(0, fuse_lookup(&self->bed.fuse, FUSE_ROOT_ID, "file", &entry));
	EXPECT_EQ(variant->valid, entry.entry_valid);
	EXPECT_EQ(variant->valid, entry.attr_valid);
	EXPECT_EQ(0, entry.entry_valid_nsec);
	EXPECT_EQ(0, entry.attr_valid_nsec);
	ASSERT_EQ(0, fuse_call(&self->bed.fuse, &c));
	EXPECT_EQ(variant->valid, attr.attr_valid);
	EXPECT_EQ(0, attr.attr_valid_nsec);
}

TEST_HARNESS_MAIN
