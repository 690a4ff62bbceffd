// SPDX-License-Identifier: GPL-2.0-only
/*
 * Timeouts that a share says itself, instead of its cache policy, and limits
 * and timeouts that change while a guest uses the share.
 */
#include "bed.h"
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#define ROOT FUSE_ROOT_ID
#define SECOND 1000000000ULL

FIXTURE(timeouts) {
	struct bed bed;
	struct fuse *f;
};

FIXTURE_VARIANT(timeouts) {
	uint32_t cache;
	uint32_t flags;
	uint64_t entry_ns, attr_ns;	/* as set */
	uint64_t entry, attr;		/* as told, in ns */
};

FIXTURE_VARIANT_ADD(timeouts, both) {
	.cache = VHOST_FS_CACHE_NEVER,
	.flags = VHOST_FS_SHARE_ENTRY_TIMEOUT | VHOST_FS_SHARE_ATTR_TIMEOUT,
	.entry_ns = 1500000000, .attr_ns = 7, .entry = 1500000000, .attr = 7,
};

FIXTURE_VARIANT_ADD(timeouts, names_only) {
	.cache = VHOST_FS_CACHE_ALWAYS, .flags = VHOST_FS_SHARE_ENTRY_TIMEOUT,
	.entry_ns = 0, .entry = 0, .attr = 86400 * SECOND,
};

FIXTURE_VARIANT_ADD(timeouts, attributes_only) {
	.cache = VHOST_FS_CACHE_AUTO, .flags = VHOST_FS_SHARE_ATTR_TIMEOUT,
	.attr_ns = ~0ULL, .entry = SECOND, .attr = ~0ULL,
};

FIXTURE_SETUP(timeouts)
{
	struct bed_config config = {
		.cache = variant->cache, .flags = variant->flags,
		.options.entry_timeout_ns = variant->entry_ns,
		.options.attr_timeout_ns = variant->attr_ns,
	};

	ASSERT_EQ(0, bed_open(&self->bed, &config));
	self->f = &self->bed.fuse;
	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "data", 4, 0600));
}

FIXTURE_TEARDOWN(timeouts)
{
	bed_close(&self->bed);
}

static void expect_entry(struct __test_metadata *_metadata,
			 const struct fuse_entry_out *entry, uint64_t entry_ns,
			 uint64_t attr_ns)
{
	EXPECT_EQ(entry_ns / SECOND, entry->entry_valid);
	EXPECT_EQ(entry_ns % SECOND, entry->entry_valid_nsec);
	EXPECT_EQ(attr_ns / SECOND, entry->attr_valid);
	EXPECT_EQ(attr_ns % SECOND, entry->attr_valid_nsec);
}

static int getattr(struct fuse *f, uint64_t node, struct fuse_attr_out *out)
{
	struct fuse_getattr_in in = { 0 };
	struct fuse_call c = {
		.opcode = FUSE_GETATTR, .nodeid = node,
		.in = { { &in, sizeof(in) } }, .nr_in = 1,
		.out = out, .out_size = sizeof(*out),
	};

	return fuse_call(f, &c);
}

TEST_F(timeouts, in_every_reply)
{
	struct fuse_entry_out entry;
	struct fuse_attr_out attr;
	struct fuse_open_out open;

	ASSERT_EQ(0, fuse_lookup(self->f, ROOT, "file", &entry));
	expect_entry(_metadata, &entry, variant->entry, variant->attr);
	ASSERT_EQ(0, getattr(self->f, entry.nodeid, &attr));
	EXPECT_EQ(variant->attr / SECOND, attr.attr_valid);
	EXPECT_EQ(variant->attr % SECOND, attr.attr_valid_nsec);
	ASSERT_EQ(0, fuse_mkdir(self->f, ROOT, "dir", 0755, 0, &entry));
	expect_entry(_metadata, &entry, variant->entry, variant->attr);
	ASSERT_EQ(0, fuse_create(self->f, ROOT, "new", O_RDWR, 0600, 0, &entry,
				 &open));
	expect_entry(_metadata, &entry, variant->entry, variant->attr);
}

static int set_share(struct bed *bed, struct vhost_fs_set_share set)
{
	set.size = sizeof(set);
	memcpy(set.name, bed->share, sizeof(set.name));
	return ring_ioctl(bed->dev.fd, VHOST_FS_SET_SHARE, &set);
}

/* From the next reply on. */
TEST_F(timeouts, changed_in_use)
{
	struct fuse_entry_out entry;

	ASSERT_EQ(0, set_share(&self->bed, (struct vhost_fs_set_share){
		.flags = VHOST_FS_SET_ENTRY_TIMEOUT,
		.entry_timeout_ns = 3 * SECOND }));
	ASSERT_EQ(0, fuse_lookup(self->f, ROOT, "file", &entry));
	expect_entry(_metadata, &entry, 3 * SECOND, variant->attr);
	ASSERT_EQ(0, set_share(&self->bed, (struct vhost_fs_set_share){
		.flags = VHOST_FS_SET_ENTRY_TIMEOUT | VHOST_FS_SET_ATTR_TIMEOUT,
		.attr_timeout_ns = 4 * SECOND + 5 }));
	ASSERT_EQ(0, fuse_lookup(self->f, ROOT, "file", &entry));
	expect_entry(_metadata, &entry, 0, 4 * SECOND + 5);
}

/* A limit that falls below what the guest has takes nothing from it. */
TEST_F(timeouts, limits_changed_in_use)
{
	struct fuse_entry_out entry, other;
	struct fuse_open_out open, second;

	ASSERT_EQ(0, bed_write_file(&self->bed, "other", "data", 4, 0600));
	ASSERT_EQ(0, fuse_lookup(self->f, ROOT, "file", &entry));
	ASSERT_EQ(0, fuse_open(self->f, entry.nodeid, O_RDWR, &open));
	ASSERT_EQ(0, set_share(&self->bed, (struct vhost_fs_set_share){
		.flags = VHOST_FS_SET_MAX_NODES | VHOST_FS_SET_MAX_HANDLES,
		.max_nodes = 1, .max_handles = 1 }));
	EXPECT_EQ(-ENFILE, fuse_lookup(self->f, ROOT, "other", &other));
	EXPECT_GT(0, fuse_open(self->f, entry.nodeid, O_RDWR, &second));
	EXPECT_EQ(0, fuse_getattr(self->f, entry.nodeid, NULL));
	EXPECT_EQ(1, fuse_write(self->f, entry.nodeid, open.fh, 0, "x", 1));
	ASSERT_EQ(0, set_share(&self->bed, (struct vhost_fs_set_share){
		.flags = VHOST_FS_SET_MAX_NODES | VHOST_FS_SET_MAX_HANDLES }));
	EXPECT_EQ(0, fuse_lookup(self->f, ROOT, "other", &other));
	EXPECT_EQ(0, fuse_open(self->f, entry.nodeid, O_RDWR, &second));
}

TEST_F(timeouts, bad_changes)
{
	struct vhost_fs_set_share set = { .size = sizeof(set) };

	EXPECT_EQ(-EINVAL, set_share(&self->bed, (struct vhost_fs_set_share){ }));
	EXPECT_EQ(-EINVAL, set_share(&self->bed, (struct vhost_fs_set_share){
		.flags = VHOST_FS_SET_MAX_NODES, .max_handles = 5 }));
	EXPECT_EQ(-EINVAL, set_share(&self->bed, (struct vhost_fs_set_share){
		.flags = VHOST_FS_SET_NEGATIVE_TIMEOUT << 1 }));
	EXPECT_EQ(-EINVAL, set_share(&self->bed, (struct vhost_fs_set_share){
		.flags = VHOST_FS_SET_MAX_BLOCKED,
		.max_blocked = VHOST_FS_MAX_BLOCKED + 1 }));
	EXPECT_EQ(0, set_share(&self->bed, (struct vhost_fs_set_share){
		.flags = VHOST_FS_SET_MAX_BLOCKED,
		.max_blocked = VHOST_FS_MAX_BLOCKED }));
	EXPECT_EQ(-EINVAL, ring_ioctl(self->bed.dev.fd, VHOST_FS_SET_SHARE, &set));
	set.flags = VHOST_FS_SET_MAX_NODES;
	strcpy((char *)set.name, "no-such-share");
	EXPECT_EQ(-ENOENT, ring_ioctl(self->bed.dev.fd, VHOST_FS_SET_SHARE, &set));
}

/* A timeout without its flag, which would count for nothing. */
TEST(timeout_without_flag)
{
	struct bed_config config = { .options.entry_timeout_ns = 1 };
	struct bed bed;

	EXPECT_EQ(-EINVAL, bed_open_share(&bed, &config));
	config = (struct bed_config){ .options.attr_timeout_ns = 1 };
	EXPECT_EQ(-EINVAL, bed_open_share(&bed, &config));
}

TEST_HARNESS_MAIN
