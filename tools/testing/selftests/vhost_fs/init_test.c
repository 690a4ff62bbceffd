// SPDX-License-Identifier: GPL-2.0-only
/*
 * The session: INIT and DESTROY, what is negotiated, and what is answered
 * outside a session.
 */
#include "bed.h"
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>

FIXTURE(init) {
	struct bed bed;
	struct fuse *f;
};

FIXTURE_SETUP(init)
{
	struct bed_config config = { .no_init = true };

	ASSERT_EQ(0, bed_open(&self->bed, &config));
	self->f = &self->bed.fuse;
	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "data", 4, 0644));
}

FIXTURE_TEARDOWN(init)
{
	bed_close(&self->bed);
}

static struct fuse_init_in make_init(uint32_t major, uint32_t minor,
				     uint64_t flags)
{
	return (struct fuse_init_in){
		.major = major, .minor = minor, .max_readahead = 65536,
		.flags = flags, .flags2 = flags >> 32,
	};
}

static int init(struct fuse *f, uint32_t major, uint32_t minor, uint64_t flags,
		struct fuse_init_out *out)
{
	struct fuse_init_in in = make_init(major, minor, flags);

	return fuse_init_with(f, &in, sizeof(in), out);
}

static uint64_t flags_of(const struct fuse_init_out *out)
{
	return out->flags | (uint64_t)out->flags2 << 32;
}

TEST_F(init, nothing_before_it)
{
	struct fuse_entry_out entry;
	struct fuse_open_out open;
	struct fuse_kstatfs st;

	EXPECT_EQ(-EIO, fuse_lookup(self->f, FUSE_ROOT_ID, "file", &entry));
	EXPECT_EQ(-EIO, fuse_getattr(self->f, FUSE_ROOT_ID, NULL));
	EXPECT_EQ(-EIO, fuse_opendir(self->f, FUSE_ROOT_ID, &open));
	EXPECT_EQ(-EIO, fuse_statfs(self->f, FUSE_ROOT_ID, &st));
	EXPECT_EQ(-EIO, fuse_unlink(self->f, FUSE_ROOT_ID, "file"));
	EXPECT_EQ(-EIO, fuse_destroy(self->f));
	EXPECT_EQ(0, fuse_forget(self->f, FUSE_ROOT_ID, 1));
	ASSERT_EQ(0, fuse_init(self->f));
	EXPECT_EQ(0, fuse_lookup(self->f, FUSE_ROOT_ID, "file", &entry));
}

TEST_F(init, reply)
{
	struct vhost_fs_info info = { .size = sizeof(info) };
	struct fuse_init_out out;
	uint64_t flags;

	ASSERT_EQ(0, ring_ioctl(self->bed.dev.fd, VHOST_FS_GET_INFO, &info));
	ASSERT_EQ(0, init(self->f, 7, 41, FUSE_ALL_FLAGS, &out));
	EXPECT_EQ(7, out.major);
	EXPECT_EQ(info.fuse_major, out.major);
	EXPECT_LE(27, out.minor);
	EXPECT_LE(out.minor, info.fuse_minor);
	EXPECT_LE(out.max_readahead, 65536);
	EXPECT_EQ(FUSE_MAX_WRITE, out.max_write);
	EXPECT_EQ(256, out.max_pages);
	EXPECT_EQ(1, out.time_gran);
	EXPECT_NE(0, out.max_background);
	flags = flags_of(&out);
	EXPECT_EQ(flags & FUSE_BIG_WRITES, FUSE_BIG_WRITES);
	EXPECT_EQ(flags & FUSE_MAX_PAGES, FUSE_MAX_PAGES);
	EXPECT_EQ(flags & FUSE_ATOMIC_O_TRUNC, FUSE_ATOMIC_O_TRUNC);
	EXPECT_EQ(flags & FUSE_PARALLEL_DIROPS, FUSE_PARALLEL_DIROPS);
	EXPECT_EQ(flags & FUSE_ASYNC_READ, FUSE_ASYNC_READ);
	EXPECT_EQ(flags & FUSE_DO_READDIRPLUS, FUSE_DO_READDIRPLUS);
	EXPECT_EQ(flags & FUSE_SUBMOUNTS, FUSE_SUBMOUNTS);
	EXPECT_EQ(flags & FUSE_EXPORT_SUPPORT, FUSE_EXPORT_SUPPORT);
	EXPECT_EQ(flags & FUSE_CACHE_SYMLINKS, FUSE_CACHE_SYMLINKS);
}

/* What isn't served must not be promised. */
TEST_F(init, promises_nothing_unserved)
{
	struct fuse_init_out out;
	uint64_t flags;

	ASSERT_EQ(0, init(self->f, 7, 41, FUSE_ALL_FLAGS, &out));
	flags = flags_of(&out);
	EXPECT_EQ(0, flags & FUSE_POSIX_LOCKS);
	EXPECT_EQ(0, flags & FUSE_FLOCK_LOCKS);
	EXPECT_EQ(0, flags & FUSE_POSIX_ACL);
	EXPECT_EQ(0, flags & FUSE_HAS_INODE_DAX);
	EXPECT_EQ(0, flags & FUSE_MAP_ALIGNMENT);
	EXPECT_EQ(0, flags & FUSE_SECURITY_CTX);
	EXPECT_EQ(0, flags & FUSE_NO_OPEN_SUPPORT);
	EXPECT_EQ(0, flags & FUSE_NO_OPENDIR_SUPPORT);
	EXPECT_EQ(0, flags & FUSE_PASSTHROUGH);
}

TEST_F(init, only_what_is_offered)
{
	struct fuse_init_out out;
	unsigned int bit;
	uint64_t offered;

	ASSERT_EQ(0, init(self->f, 7, 41, 0, &out));
	EXPECT_EQ(0, flags_of(&out));
	for (bit = 0; bit < 64; bit++) {
		/* The upper half counts only under FUSE_INIT_EXT. */
		offered = 1ULL << bit | (bit > 31 ? FUSE_INIT_EXT : 0);
		ASSERT_EQ(0, init(self->f, 7, 41, offered, &out));
		EXPECT_EQ(0, flags_of(&out) & ~offered) {
			TH_LOG("offered 0x%llx", (unsigned long long)offered);
		}
	}
}

TEST_F(init, upper_flags_need_ext)
{
	struct fuse_init_out out;

	ASSERT_EQ(0, init(self->f, 7, 41, FUSE_ALL_FLAGS & ~FUSE_INIT_EXT, &out));
	EXPECT_EQ(0, out.flags2);
	EXPECT_EQ(0, out.flags & FUSE_INIT_EXT);
}

/* A guest older than FUSE_INIT_EXT sends 16 bytes. */
TEST_F(init, short_request)
{
	struct fuse_init_in in = make_init(7, 31, FUSE_BIG_WRITES);
	struct fuse_init_out out;

	ASSERT_EQ(0, fuse_init_with(self->f, &in, 16, &out));
	EXPECT_EQ(7, out.major);
	EXPECT_EQ(FUSE_BIG_WRITES, out.flags & FUSE_BIG_WRITES);
	EXPECT_EQ(0, fuse_getattr(self->f, FUSE_ROOT_ID, NULL));
}

TEST_F(init, minor_too_old)
{
	struct fuse_init_out out;

	EXPECT_EQ(-EPROTO, init(self->f, 7, 26, FUSE_ALL_FLAGS, &out));
	EXPECT_EQ(-EPROTO, init(self->f, 7, 0, FUSE_ALL_FLAGS, &out));
	EXPECT_EQ(-EIO, fuse_getattr(self->f, FUSE_ROOT_ID, NULL));
	EXPECT_EQ(0, init(self->f, 7, 27, FUSE_ALL_FLAGS, &out));
	EXPECT_EQ(0, fuse_getattr(self->f, FUSE_ROOT_ID, NULL));
}

TEST_F(init, minor_newer_than_ours)
{
	struct vhost_fs_info info = { .size = sizeof(info) };
	struct fuse_init_out out;

	ASSERT_EQ(0, ring_ioctl(self->bed.dev.fd, VHOST_FS_GET_INFO, &info));
	ASSERT_EQ(0, init(self->f, 7, 9999, FUSE_ALL_FLAGS, &out));
	EXPECT_EQ(info.fuse_minor, out.minor);
	EXPECT_EQ(0, fuse_getattr(self->f, FUSE_ROOT_ID, NULL));
}

TEST_F(init, major_too_old)
{
	struct fuse_init_out out;

	EXPECT_EQ(-EPROTO, init(self->f, 6, 41, FUSE_ALL_FLAGS, &out));
	EXPECT_EQ(-EIO, fuse_getattr(self->f, FUSE_ROOT_ID, NULL));
}

/* The guest learns our major from the reply, and tries again with it. */
TEST_F(init, major_too_new)
{
	struct fuse_init_in in = make_init(8, 0, FUSE_ALL_FLAGS);
	struct fuse_init_out out = { 0 };
	struct fuse_call c = {
		.opcode = FUSE_INIT, .in = { { &in, sizeof(in) } }, .nr_in = 1,
		.out = &out, .out_size = sizeof(out),
	};

	ASSERT_EQ(0, fuse_call(self->f, &c));
	EXPECT_LE(8, c.out_len);
	EXPECT_EQ(7, out.major);
	EXPECT_EQ(-EIO, fuse_getattr(self->f, FUSE_ROOT_ID, NULL));
	ASSERT_EQ(0, init(self->f, 7, 41, FUSE_ALL_FLAGS, &out));
	EXPECT_EQ(0, fuse_getattr(self->f, FUSE_ROOT_ID, NULL));
}

/* Looks a file up and opens it, to see what a new session leaves of them. */
static void leave_something(struct __test_metadata *_metadata, struct fuse *f,
			    uint64_t *nodeid, uint64_t *fh)
{
	struct fuse_entry_out entry;
	struct fuse_open_out open;

	ASSERT_EQ(0, fuse_lookup(f, FUSE_ROOT_ID, "file", &entry));
	ASSERT_EQ(0, fuse_open(f, entry.nodeid, O_RDONLY, &open));
	*nodeid = entry.nodeid;
	*fh = open.fh;
}

/* A guest that was reset knows nothing of an earlier session. */
TEST_F(init, second_begins_anew)
{
	uint64_t nodeid, fh;
	char buf[16];

	ASSERT_EQ(0, fuse_init(self->f));
	leave_something(_metadata, self->f, &nodeid, &fh);
	ASSERT_EQ(0, fuse_init(self->f));
	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, nodeid, NULL));
	EXPECT_GT(0, fuse_read(self->f, nodeid, fh, 0, buf, sizeof(buf)));
	EXPECT_EQ(0, fuse_getattr(self->f, FUSE_ROOT_ID, NULL));
}

TEST_F(init, destroy_and_again)
{
	uint64_t nodeid, fh;

	ASSERT_EQ(0, fuse_init(self->f));
	leave_something(_metadata, self->f, &nodeid, &fh);
	ASSERT_EQ(0, fuse_destroy(self->f));
	EXPECT_EQ(-EIO, fuse_getattr(self->f, FUSE_ROOT_ID, NULL));
	EXPECT_EQ(-EIO, fuse_destroy(self->f));
	ASSERT_EQ(0, fuse_init(self->f));
	EXPECT_EQ(0, fuse_getattr(self->f, FUSE_ROOT_ID, NULL));
	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, nodeid, NULL));
	EXPECT_EQ(-EBADF, fuse_release(self->f, nodeid, fh));
}

/* An id that a guest may still know must not come to mean another file. */
TEST_F(init, node_ids_are_not_reused)
{
	uint64_t before, after, fh;

	ASSERT_EQ(0, fuse_init(self->f));
	leave_something(_metadata, self->f, &before, &fh);
	ASSERT_EQ(0, fuse_destroy(self->f));
	ASSERT_EQ(0, fuse_init(self->f));
	leave_something(_metadata, self->f, &after, &fh);
	EXPECT_NE(before, after);
}

TEST_F(init, many_sessions)
{
	uint64_t nodeid, fh;
	int i;

	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, fuse_init(self->f));
		leave_something(_metadata, self->f, &nodeid, &fh);
		if (i % 2)
			ASSERT_EQ(0, fuse_destroy(self->f));
	}
}

FIXTURE(policy) {
	struct bed bed;
};

FIXTURE_VARIANT(policy) {
	uint32_t flags;
	uint32_t cache;
	bool readdirplus;
};

FIXTURE_VARIANT_ADD(policy, auto) {
	.cache = VHOST_FS_CACHE_AUTO, .readdirplus = true,
};

FIXTURE_VARIANT_ADD(policy, always) {
	.cache = VHOST_FS_CACHE_ALWAYS, .readdirplus = true,
};

FIXTURE_VARIANT_ADD(policy, metadata) {
	.cache = VHOST_FS_CACHE_METADATA, .readdirplus = true,
};

FIXTURE_VARIANT_ADD(policy, never) {
	.cache = VHOST_FS_CACHE_NEVER, .readdirplus = false,
};

FIXTURE_VARIANT_ADD(policy, no_readdirplus) {
	.flags = VHOST_FS_SHARE_NO_READDIRPLUS, .readdirplus = false,
};

FIXTURE_VARIANT_ADD(policy, readonly) {
	.flags = VHOST_FS_SHARE_READONLY, .readdirplus = true,
};

FIXTURE_SETUP(policy)
{
	struct bed_config config = {
		.flags = variant->flags, .cache = variant->cache,
	};

	ASSERT_EQ(0, bed_open(&self->bed, &config));
}

FIXTURE_TEARDOWN(policy)
{
	bed_close(&self->bed);
}

TEST_F(policy, offers_readdirplus)
{
	uint32_t flags = self->bed.fuse.init.flags;

	EXPECT_EQ(variant->readdirplus, !!(flags & FUSE_DO_READDIRPLUS));
	EXPECT_EQ(variant->readdirplus, !!(flags & FUSE_READDIRPLUS_AUTO));
}

FIXTURE(submounts) {
	struct bed bed;
};

FIXTURE_SETUP(submounts)
{
	struct bed_config config = { .flags = VHOST_FS_SHARE_NO_SUBMOUNTS };

	ASSERT_EQ(0, bed_open(&self->bed, &config));
}

FIXTURE_TEARDOWN(submounts)
{
	bed_close(&self->bed);
}

TEST_F(submounts, not_announced)
{
	EXPECT_EQ(0, self->bed.fuse.init.flags & FUSE_SUBMOUNTS);
}

/* Mapped ids are offered, unless the guest is to say who asks. */
TEST(idmapped_mounts)
{
	struct bed_config config = { 0 };
	struct bed bed;

	ASSERT_EQ(0, bed_open(&bed, &config));
	EXPECT_NE(0, bed.fuse.init.flags2 & (FUSE_ALLOW_IDMAP >> 32));
	bed_close(&bed);
	config.flags = VHOST_FS_SHARE_NO_IDMAP;
	ASSERT_EQ(0, bed_open(&bed, &config));
	EXPECT_EQ(0, bed.fuse.init.flags2 & (FUSE_ALLOW_IDMAP >> 32));
	EXPECT_NE(0, bed.fuse.init.flags2 & (FUSE_CREATE_SUPP_GROUP >> 32));
	bed_close(&bed);
}

TEST_HARNESS_MAIN
