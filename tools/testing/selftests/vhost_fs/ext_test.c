// SPDX-License-Identifier: GPL-2.0-only
/*
 * Extensions of requests that create something: supplementary groups, and the
 * security label of VHOST_FS_SHARE_SECURITY_LABEL; well-formed and not.
 */
#include "bed.h"
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <poll.h>
#include <sys/xattr.h>

#define ROOT FUSE_ROOT_ID
#define LABEL "security.test"

#define EXT_MAX (XATTR_SIZE_MAX + 8192)

/* Extensions being put together; @len is always whole units. */
struct ext {
	size_t len;
	char buf[EXT_MAX] __attribute__((__aligned__(8)));
};

FIXTURE(ext) {
	struct bed bed;
	struct fuse *f;
	struct fuse_entry_out entry;
	struct ext ext;
	char buf[XATTR_SIZE_MAX];
};

FIXTURE_SETUP(ext)
{
	struct bed_config config = {
		.flags = VHOST_FS_SHARE_XATTR | VHOST_FS_SHARE_SECURITY_LABEL,
	};

	ASSERT_EQ(0, bed_open(&self->bed, &config));
	self->f = &self->bed.fuse;
	self->ext.len = 0;
}

FIXTURE_TEARDOWN(ext)
{
	bed_close(&self->bed);
}

/* Room for another extension; the result is what follows its header. */
static void *add_ext(struct ext *ext, uint32_t type, size_t len)
{
	struct fuse_ext_header *h = (void *)(ext->buf + ext->len);
	size_t size = (sizeof(*h) + len + 7) & ~7UL;

	memset(h, 0, size);
	h->size = size;
	h->type = type;
	ext->len += size;
	return h + 1;
}

static void add_groups(struct ext *ext, uint32_t nr, const uint32_t *groups)
{
	struct fuse_supp_groups *sg =
		add_ext(ext, FUSE_EXT_GROUPS, sizeof(*sg) + nr * 4);

	sg->nr_groups = nr;
	memcpy(sg->groups, groups, nr * 4);
}

static void add_label(struct ext *ext, const char *name, const void *value,
		      size_t size)
{
	struct fuse_secctx *ctx =
		add_ext(ext, 1, sizeof(*ctx) + strlen(name) + 1 + size);

	ctx->size = size;
	memcpy(ctx + 1, name, strlen(name) + 1);
	memcpy((char *)(ctx + 1) + strlen(name) + 1, value, size);
}

/* One of the five requests, with the extensions behind its names. */
static int make(FIXTURE_DATA(ext) *self, uint32_t opcode, uint64_t parent,
		const char *name, uint32_t mode)
{
	struct fuse_create_in create = { .flags = O_RDWR, .mode = mode };
	struct fuse_mkdir_in mkdir = { .mode = mode };
	struct fuse_mknod_in mknod = { .mode = mode };
	struct {
		struct fuse_entry_out entry;
		struct fuse_open_out open;
	} out;
	struct fuse_call c = {
		.opcode = opcode, .nodeid = parent, .nr_in = 3,
		.extlen = self->ext.len / 8, .out = &out,
		.out_size = sizeof(out.entry),
	};

	c.in[0].iov_len = 0;
	switch (opcode) {
	case FUSE_CREATE:
		c.in[0] = (struct iovec){ &create, sizeof(create) };
		c.out_size = sizeof(out);
		break;
	case FUSE_MKDIR:
		c.in[0] = (struct iovec){ &mkdir, sizeof(mkdir) };
		break;
	case FUSE_MKNOD:
		c.in[0] = (struct iovec){ &mknod, sizeof(mknod) };
		break;
	case FUSE_SYMLINK:
		c.in[0] = (struct iovec){ (void *)name, strlen(name) + 1 };
		name = "target";
		break;
	}
	c.in[1] = (struct iovec){ (void *)name, strlen(name) + 1 };
	c.in[2] = (struct iovec){ self->ext.buf, self->ext.len };
	if (!self->ext.len)
		c.nr_in = 2;
	fuse_call(self->f, &c);
	if (!c.error)
		self->entry = out.entry;
	return c.error;
}

static const char *host_path(struct bed *bed, const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", bed->dir, name);
	return path;
}

static int host_get(struct bed *bed, const char *file, const char *name,
		    void *value, size_t size)
{
	int len = lgetxattr(host_path(bed, file), name, value, size);

	return len < 0 ? -errno : len;
}

static const struct {
	uint32_t opcode;
	const char *name;
	uint32_t mode;
} makers[] = {
	{ FUSE_CREATE, "file", 0644 },
	{ FUSE_MKDIR, "dir", 0755 },
	{ FUSE_MKNOD, "fifo", S_IFIFO | 0644 },
	{ FUSE_MKNOD, "node", S_IFREG | 0644 },
	{ FUSE_SYMLINK, "link", 0 },
};

#define NR_MAKERS (sizeof(makers) / sizeof(makers[0]))

TEST_F(ext, init)
{
	const uint64_t label = FUSE_SECURITY_CTX;

	EXPECT_EQ(label >> 32, self->f->init.flags2 & (label >> 32));
	ASSERT_EQ(0, fuse_destroy(self->f));
	EXPECT_EQ(-EPROTO, fuse_init_flags(self->f, FUSE_ALL_FLAGS & ~label));
	EXPECT_EQ(-EIO, fuse_getattr(self->f, ROOT, NULL));
	EXPECT_EQ(0, fuse_init_flags(self->f, FUSE_ALL_FLAGS));
}

/* On a share that doesn't insist, who can't label makes without. */
TEST(label_auto)
{
	const uint64_t label = FUSE_SECURITY_CTX;
	struct bed_config config = {
		.flags = VHOST_FS_SHARE_XATTR | VHOST_FS_SHARE_SECURITY_LABEL |
			 VHOST_FS_SHARE_SECURITY_LABEL_AUTO,
	};
	struct fuse_entry_out entry;
	struct bed bed;

	ASSERT_EQ(0, bed_open(&bed, &config));
	EXPECT_EQ(label >> 32, bed.fuse.init.flags2 & (label >> 32));
	ASSERT_EQ(0, fuse_init_flags(&bed.fuse, FUSE_ALL_FLAGS & ~label));
	EXPECT_EQ(0, bed.fuse.init.flags2 & (label >> 32));
	EXPECT_EQ(0, fuse_mkdir(&bed.fuse, ROOT, "dir", 0755, 0, &entry));
	bed_close(&bed);
}

/* Everything that can be made is made with its label. */
TEST_F(ext, labels)
{
	unsigned int i;

	for (i = 0; i < NR_MAKERS; i++) {
		self->ext.len = 0;
		add_label(&self->ext, LABEL, makers[i].name, 4);
		ASSERT_EQ(0, make(self, makers[i].opcode, ROOT, makers[i].name,
				  makers[i].mode)) {
			TH_LOG("%s", makers[i].name);
		}
		EXPECT_EQ(4, host_get(&self->bed, makers[i].name, LABEL,
				      self->buf, 100));
		EXPECT_EQ(0, memcmp(self->buf, makers[i].name, 4));
	}
	/* No label, and no extensions. */
	self->ext.len = 0;
	add_ext(&self->ext, 0, 0);
	EXPECT_EQ(0, make(self, FUSE_MKDIR, ROOT, "none", 0755));
	EXPECT_EQ(-ENODATA, host_get(&self->bed, "none", LABEL, NULL, 0));
	self->ext.len = 0;
	EXPECT_EQ(0, make(self, FUSE_MKDIR, ROOT, "nothing", 0755));
	EXPECT_EQ(-ENODATA, host_get(&self->bed, "nothing", LABEL, NULL, 0));
}

/* Empty and long ones; the longest may be more than the file system takes. */
TEST_F(ext, label_sizes)
{
	static const unsigned int sizes[] = { 0, 1, 7, 8, 9, 3000 };
	char name[16];
	unsigned int i;

	memset(self->buf, 'l', sizeof(self->buf));
	for (i = 0; i < 6; i++) {
		self->ext.len = 0;
		add_label(&self->ext, LABEL, self->buf, sizes[i]);
		snprintf(name, sizeof(name), "d%u", i);
		ASSERT_EQ(0, make(self, FUSE_MKDIR, ROOT, name, 0755));
		EXPECT_EQ(sizes[i], host_get(&self->bed, name, LABEL, NULL, 0));
	}
	ASSERT_EQ(0, mkdirat(self->bed.fd, "twin", 0755));
	i = setxattr(host_path(&self->bed, "twin"), LABEL, self->buf,
		     XATTR_SIZE_MAX, 0) ? errno : 0;
	self->ext.len = 0;
	add_label(&self->ext, LABEL, self->buf, XATTR_SIZE_MAX);
	EXPECT_EQ(-(int)i, make(self, FUSE_MKDIR, ROOT, "largest", 0755));
	EXPECT_EQ(!i, bed_mode(&self->bed, "largest") != 0);
}

/* What can't have its label isn't made. */
TEST_F(ext, label_refused)
{
	unsigned int i;

	for (i = 0; i < NR_MAKERS; i++) {
		self->ext.len = 0;
		add_label(&self->ext, "none.such", "v", 1);
		EXPECT_EQ(-EOPNOTSUPP, make(self, makers[i].opcode, ROOT,
					    makers[i].name, makers[i].mode)) {
			TH_LOG("%s", makers[i].name);
		}
		EXPECT_EQ(0, bed_mode(&self->bed, makers[i].name));
	}
	self->ext.len = 0;
	add_label(&self->ext, "user.v", "v", 1);
	EXPECT_EQ(-EPERM, make(self, FUSE_SYMLINK, ROOT, "link", 0));
	EXPECT_EQ(0, bed_mode(&self->bed, "link"));
	self->ext.len = 0;
	EXPECT_EQ(0, make(self, FUSE_SYMLINK, ROOT, "link", 0));
}

/* CREATE that finds a file is no creation. */
TEST_F(ext, found_is_not_labelled)
{
	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "", 0, 0644));
	add_label(&self->ext, LABEL, "v", 1);
	ASSERT_EQ(0, make(self, FUSE_CREATE, ROOT, "file", 0644));
	EXPECT_EQ(-ENODATA, host_get(&self->bed, "file", LABEL, NULL, 0));
}

/* Labels go through the rules for attributes' names. */
TEST(label_is_mapped)
{
	static const struct vhost_fs_xattr_rule rules[] = {
		{ .scope = VHOST_FS_XATTR_CLIENT | VHOST_FS_XATTR_SERVER,
		  .action = VHOST_FS_XATTR_PREFIX,
		  .key = "security.t", .prepend = "user.guest." },
	};
	struct bed_config config = {
		.flags = VHOST_FS_SHARE_XATTR | VHOST_FS_SHARE_SECURITY_LABEL,
		.options.xattr_rules = (uintptr_t)rules,
		.options.nr_xattr_rules = 1,
	};
	FIXTURE_DATA(ext) *self = calloc(1, sizeof(*self));

	ASSERT_EQ(0, bed_open(&self->bed, &config));
	self->f = &self->bed.fuse;
	add_label(&self->ext, LABEL, "v", 1);
	EXPECT_EQ(0, make(self, FUSE_CREATE, ROOT, "file", 0644));
	EXPECT_EQ(1, host_get(&self->bed, "file", "user.guest." LABEL, NULL, 0));
	EXPECT_EQ(-ENODATA, host_get(&self->bed, "file", LABEL, NULL, 0));
	self->ext.len = 0;
	add_label(&self->ext, "security.other", "v", 1);
	EXPECT_EQ(-EPERM, make(self, FUSE_CREATE, ROOT, "other", 0644));
	EXPECT_EQ(0, bed_mode(&self->bed, "other"));
	bed_close(&self->bed);
	free(self);
}

/* A directory whose group is 5000 and whose set-group-ID bit is set. */
static uint64_t group_dir(FIXTURE_DATA(ext) *self, const char *name)
{
	if (mkdirat(self->bed.fd, name, 0755) ||
	    fchownat(self->bed.fd, name, 0, 5000, 0) ||
	    fchmodat(self->bed.fd, name, 02777, 0))
		return 0;
	return bed_lookup(self->f, name);
}

/* A member's file may have the bit too, anybody else's may not. */
TEST_F(ext, groups)
{
	const uint32_t groups[] = { 4000, 5000, 6000 };
	uint64_t dir = group_dir(self, "dir");

	self->f->uid = self->f->gid = 1000;
	ASSERT_EQ(0, make(self, FUSE_CREATE, dir, "without", 02755));
	EXPECT_EQ(S_IFREG | 0755, self->entry.attr.mode);
	add_groups(&self->ext, 1, &groups[1]);
	ASSERT_EQ(0, make(self, FUSE_CREATE, dir, "with", 02755));
	EXPECT_EQ(S_IFREG | 02755, self->entry.attr.mode);
	EXPECT_EQ(5000, self->entry.attr.gid);
	EXPECT_EQ(1000, self->entry.attr.uid);
	/* The same user without the group, and with others: not what was kept. */
	self->ext.len = 0;
	ASSERT_EQ(0, make(self, FUSE_MKNOD, dir, "again", S_IFREG | 02755));
	EXPECT_EQ(S_IFREG | 0755, self->entry.attr.mode);
	add_groups(&self->ext, 1, &groups[2]);
	ASSERT_EQ(0, make(self, FUSE_MKNOD, dir, "other", S_IFREG | 02755));
	EXPECT_EQ(S_IFREG | 0755, self->entry.attr.mode);
	self->ext.len = 0;
	add_groups(&self->ext, 3, groups);
	ASSERT_EQ(0, make(self, FUSE_MKNOD, dir, "several", S_IFREG | 02755));
	EXPECT_EQ(S_IFREG | 02755, self->entry.attr.mode);
	self->ext.len = 0;
	add_groups(&self->ext, 0, groups);
	ASSERT_EQ(0, make(self, FUSE_MKNOD, dir, "none", S_IFREG | 02755));
	EXPECT_EQ(S_IFREG | 0755, self->entry.attr.mode);
	/* Directories get the bit from their parent. */
	self->ext.len = 0;
	ASSERT_EQ(0, make(self, FUSE_MKDIR, dir, "dir", 0755));
	EXPECT_EQ(S_IFDIR | 02755, self->entry.attr.mode);
	/* The guest's root is above that. */
	self->f->uid = 0;
	ASSERT_EQ(0, make(self, FUSE_CREATE, dir, "root", 02755));
	EXPECT_EQ(S_IFREG | 02755, self->entry.attr.mode);
}

/* As many as there may be, in two extensions of which one is a label. */
TEST_F(ext, most_groups)
{
	uint32_t groups[33], i;

	for (i = 0; i < 33; i++)
		groups[i] = 5031 - i;
	self->f->uid = self->f->gid = 1000;
	add_label(&self->ext, LABEL, "v", 1);
	add_groups(&self->ext, 32, groups);
	ASSERT_EQ(0, make(self, FUSE_CREATE, group_dir(self, "dir"), "file",
			  02755));
	EXPECT_EQ(S_IFREG | 02755, self->entry.attr.mode);
	EXPECT_EQ(1, host_get(&self->bed, "dir/file", LABEL, NULL, 0));
	self->ext.len = 0;
	add_groups(&self->ext, 33, groups);
	EXPECT_EQ(-EINVAL, make(self, FUSE_CREATE, ROOT, "more", 0644));
}

/* A guest that can't tell its groups has decided itself what may stay. */
TEST_F(ext, guest_without_groups)
{
	uint64_t dir;

	ASSERT_EQ(0, fuse_init_flags(self->f,
				     FUSE_ALL_FLAGS & ~FUSE_CREATE_SUPP_GROUP));
	dir = group_dir(self, "dir");
	self->f->uid = self->f->gid = 1000;
	ASSERT_EQ(0, make(self, FUSE_CREATE, dir, "file", 02755));
	EXPECT_EQ(S_IFREG | 02755, self->entry.attr.mode);
}

static int make_any(FIXTURE_DATA(ext) *self)
{
	int ret = make(self, FUSE_MKDIR, ROOT, "new", 0755);

	if (!ret != !!bed_mode(&self->bed, "new"))
		return -10042;
	unlinkat(self->bed.fd, "new", AT_REMOVEDIR);
	return ret;
}

/* What INIT did not agree on is refused, and makes nothing. */
TEST_F(ext, not_agreed_on)
{
	const uint32_t group = 5000;

	ASSERT_EQ(0, fuse_init_flags(self->f,
				     FUSE_ALL_FLAGS & ~FUSE_CREATE_SUPP_GROUP));
	add_groups(&self->ext, 1, &group);
	EXPECT_EQ(-EINVAL, make_any(self));
	bed_close(&self->bed);

	ASSERT_EQ(0, bed_open(&self->bed, &(struct bed_config){ }));
	self->f = &self->bed.fuse;
	EXPECT_EQ(0, make_any(self));
	self->ext.len = 0;
	add_label(&self->ext, LABEL, "v", 1);
	EXPECT_EQ(-EINVAL, make_any(self));
	/* Nothing at all agreed on: then there are only names. */
	ASSERT_EQ(0, fuse_init_flags(self->f, 0));
	EXPECT_EQ(-EINVAL, make_any(self));
}

/* What a MKDIR consists of when its name lies on two pages. */
struct split_mkdir {
	struct {
		struct fuse_in_header h;
		struct fuse_mkdir_in in;
		char name[64];
	} head;
	struct {
		struct fuse_out_header h;
		struct fuse_entry_out entry;
	} reply;
};

/* As long as a first page, and the header counts what is on the second too. */
static int start_split_mkdir(struct fuse *f, struct split_mkdir *m, char *rest,
			     size_t len)
{
	struct iovec out[2] = { { &m->head, sizeof(m->head) }, { rest, len } };
	struct iovec in = { &m->reply, sizeof(m->reply) };

	fuse_header(f, &m->head.h, FUSE_MKDIR, ROOT,
		    sizeof(m->head) - sizeof(m->head.h) + len);
	m->head.h.total_extlen = 1;
	m->head.in = (struct fuse_mkdir_in){ .mode = 0755 };
	memset(m->head.name, 'n', sizeof(m->head.name));
	return ring_submit(f->q, out, 2, &in, 1);
}

/*
 * Another queue's INIT in the middle of a request changes nothing about where
 * its names end, and that there are no extensions.
 */
TEST_F(ext, init_meanwhile)
{
	struct bed_config config = { .ring.request_queues = 2 };
	struct ring_dev *dev = &self->bed.dev;
	struct split_mkdir *m;
	struct fuse other;
	char *rest, page[4096] = "nnnn";
	struct pollfd held;
	uint32_t len;

	bed_close(&self->bed);
	ASSERT_EQ(0, bed_open(&self->bed, &config));
	self->f = &self->bed.fuse;
	fuse_session(&other, dev, RING_REQUEST + 1);
	ASSERT_EQ(0, fuse_init_flags(self->f, 0));
	m = ring_alloc(dev, sizeof(*m));
	rest = ring_alloc(dev, 3 * sizeof(page));
	rest = (char *)(((uintptr_t)rest + sizeof(page)) & -sizeof(page));
	held.fd = ring_hold_pages(rest, sizeof(page));
	if (held.fd == -ENOSYS)
		SKIP(return, "the kernel has no userfaultfd");
	ASSERT_LE(0, held.fd);
	held.events = POLLIN;
	ASSERT_LE(0, start_split_mkdir(self->f, m, rest, 5));
	ASSERT_EQ(1, poll(&held, 1, 10000));
	ASSERT_EQ(0, fuse_init_flags(&other, FUSE_ALL_FLAGS));
	ASSERT_EQ(0, ring_give_page(held.fd, rest, page));
	ASSERT_LE(0, ring_wait(self->f->q, &len));
	EXPECT_EQ(0, m->reply.h.error);
	EXPECT_EQ(sizeof(m->reply), len);
	EXPECT_EQ(S_IFDIR | 0755, m->reply.entry.attr.mode);
	close(held.fd);
}

/* Each number in the headers, wrong in each way. */
TEST_F(ext, malformed_headers)
{
	static const uint32_t wrong[] = {
		0, 1, 7, 9, 12, 15, 17, 20, 23, 25, 40, 4096, 1U << 31, ~7U, ~0U,
	};
	static const uint32_t types[] = { 2, 31, 33, 1000, ~0U };
	struct fuse_ext_header *h = (void *)self->ext.buf;
	const uint32_t group = 5000;
	unsigned int i;

	add_groups(&self->ext, 1, &group);
	ASSERT_EQ(16, h->size);
	EXPECT_EQ(0, make_any(self));
	for (i = 0; i < sizeof(wrong) / 4; i++) {
		h->size = wrong[i];
		EXPECT_EQ(-EINVAL, make_any(self)) {
			TH_LOG("size %u", wrong[i]);
		}
	}
	h->size = 16;
	for (i = 0; i < 5; i++) {
		h->type = types[i];
		EXPECT_EQ(-EINVAL, make_any(self)) {
			TH_LOG("type %u", types[i]);
		}
	}
	h->type = FUSE_EXT_GROUPS;
	for (i = 0; i < sizeof(wrong) / 4; i++) {
		((uint32_t *)(h + 1))[0] = wrong[i];
		EXPECT_EQ(wrong[i] > 1 ? -EINVAL : 0, make_any(self)) {
			TH_LOG("%u groups", wrong[i]);
		}
	}
	/* Eight bytes are an empty header, or the count of labels: none. */
	h->size = 8;
	self->ext.len = 8;
	EXPECT_EQ(-EINVAL, make_any(self));
	h->type = 0;
	EXPECT_EQ(0, make_any(self));
	h->type = 1;
	EXPECT_EQ(-EINVAL, make_any(self));
}

TEST_F(ext, twice)
{
	const uint32_t group = 5000;

	add_groups(&self->ext, 1, &group);
	add_groups(&self->ext, 1, &group);
	EXPECT_EQ(-EINVAL, make_any(self));
	self->ext.len = 0;
	add_label(&self->ext, LABEL, "v", 1);
	add_label(&self->ext, LABEL, "v", 1);
	EXPECT_EQ(-EINVAL, make_any(self));
	self->ext.len = 0;
	add_label(&self->ext, LABEL, "v", 1);
	((struct fuse_ext_header *)self->ext.buf)->type = 2;
	EXPECT_EQ(-EINVAL, make_any(self));
}

TEST_F(ext, malformed_labels)
{
	struct fuse_secctx *ctx = (void *)(self->ext.buf + 8);
	static const uint32_t sizes[] = {
		4, 100, 65536, 65537, 1U << 31, ~0U - 15, ~0U,
	};
	unsigned int i;

	/* 8 + 8 + 14 + 1 is 31: one byte of padding, which may be a value's. */
	add_label(&self->ext, LABEL, "v", 1);
	ASSERT_EQ(32, self->ext.len);
	EXPECT_EQ(0, make_any(self));
	for (i = 0; i < 7; i++) {
		ctx->size = sizes[i];
		EXPECT_EQ(-EINVAL, make_any(self)) {
			TH_LOG("%u bytes", sizes[i]);
		}
	}
	ctx->size = 0;
	*(char *)(ctx + 1) = '\0';
	EXPECT_EQ(-EINVAL, make_any(self));
	memset(ctx + 1, 'n', 16);
	EXPECT_EQ(-EINVAL, make_any(self));

	/* Names of 255 bytes, and of one more. */
	self->ext.len = 0;
	memset(self->buf, 'n', 300);
	memcpy(self->buf, "security.", 9);
	self->buf[255] = '\0';
	add_label(&self->ext, self->buf, "v", 1);
	EXPECT_EQ(0, make_any(self));
	self->ext.len = 0;
	self->buf[255] = 'n';
	self->buf[256] = '\0';
	add_label(&self->ext, self->buf, "v", 1);
	EXPECT_EQ(-EINVAL, make_any(self));
}

/* The header's count against what there is. */
TEST_F(ext, total_length)
{
	struct fuse_mkdir_in in = { .mode = 0755 };
	struct fuse_call c = {
		.opcode = FUSE_MKDIR, .nodeid = ROOT,
		.in = { { &in, sizeof(in) }, { "new", 4 }, { self->ext.buf, 16 } },
		.nr_in = 3, .out = &self->entry, .out_size = sizeof(self->entry),
	};
	const uint32_t group = 5000;
	unsigned int units;

	add_groups(&self->ext, 1, &group);
	for (units = 0; units <= UINT16_MAX; units += units < 10 ? 1 : 9361) {
		c.extlen = units;
		EXPECT_EQ(units == 2 ? 0 : -EINVAL, fuse_call(self->f, &c)) {
			TH_LOG("%u units", units);
		}
	}
	unlinkat(self->bed.fd, "new", AT_REMOVEDIR);
	/* Without a value behind them they mean nothing to other requests. */
	c = (struct fuse_call){
		.opcode = FUSE_STATFS, .nodeid = ROOT, .extlen = 100,
		.out = self->buf, .out_size = sizeof(struct fuse_statfs_out),
	};
	EXPECT_EQ(0, fuse_call(self->f, &c));
}

/* More than a label could ever need. */
TEST_F(ext, too_long)
{
	self->ext.len = XATTR_SIZE_MAX + 4096 + 8;
	EXPECT_EQ(-E2BIG, make_any(self));
	self->ext.len -= 8;
	EXPECT_EQ(-EINVAL, make_any(self));
}

TEST_HARNESS_MAIN
