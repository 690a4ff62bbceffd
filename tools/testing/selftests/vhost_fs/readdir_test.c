// SPDX-License-Identifier: GPL-2.0-only
/*
 * Listings: READDIR and READDIRPLUS, in pieces of every size, and the lookups
 * that READDIRPLUS counts.
 */
#include "bed.h"
#include "harness.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#define ROOT FUSE_ROOT_ID
#define MAX_ENTRIES 4096

/* What a listing gave. */
struct listing {
	unsigned int nr;
	struct {
		char name[256];
		uint64_t ino;
		uint64_t off;
		uint32_t type;
		struct fuse_entry_out plus;
	} entry[MAX_ENTRIES];
};

FIXTURE(readdir) {
	struct bed bed;
	struct fuse *f;
	uint64_t fh;
	struct listing *list;
};

FIXTURE_VARIANT(readdir) {
	bool plus;
};

FIXTURE_VARIANT_ADD(readdir, simple) {
	.plus = false,
};

FIXTURE_VARIANT_ADD(readdir, plus) {
	.plus = true,
};

FIXTURE_SETUP(readdir)
{
	struct bed_config config = { 0 };

	ASSERT_EQ(0, bed_open(&self->bed, &config));
	self->f = &self->bed.fuse;
	self->list = calloc(1, sizeof(*self->list));
}

FIXTURE_TEARDOWN(readdir)
{
	bed_close(&self->bed);
	free(self->list);
}

/* One reply's bytes, added to @list: 0, or -1 if they make no sense. */
static int parse(struct listing *list, const char *buf, int len, bool plus)
{
	size_t head = plus ? FUSE_NAME_OFFSET_DIRENTPLUS : FUSE_NAME_OFFSET;
	const struct fuse_dirent *d;
	size_t size;

	while (len > 0) {
		if ((size_t)len < head || list->nr == MAX_ENTRIES)
			return -1;
		d = plus ? &((const struct fuse_direntplus *)buf)->dirent :
			   (const struct fuse_dirent *)buf;
		size = FUSE_REC_ALIGN(head + d->namelen);
		if (!d->namelen || d->namelen > 255 || size > (size_t)len)
			return -1;
		memcpy(list->entry[list->nr].name, d->name, d->namelen);
		list->entry[list->nr].name[d->namelen] = '\0';
		list->entry[list->nr].ino = d->ino;
		list->entry[list->nr].off = d->off;
		list->entry[list->nr].type = d->type;
		if (plus)
			list->entry[list->nr].plus =
				((const struct fuse_direntplus *)buf)->entry_out;
		list->nr++;
		buf += size;
		len -= size;
	}
	return 0;
}

/*
 * Lists the directory @node from @offset on, in replies of @size bytes at most:
 * the number of replies that weren't empty, or an error.
 */
static int list_from(FIXTURE_DATA(readdir) *self, bool plus, uint64_t node,
		     uint64_t fh, uint64_t offset, uint32_t size)
{
	char *buf = malloc(size);
	int replies = 0, ret;

	self->list->nr = 0;
	for (;;) {
		ret = plus ? fuse_readdirplus(self->f, node, fh, offset, buf, size) :
			     fuse_readdir(self->f, node, fh, offset, buf, size);
		if (ret <= 0)
			break;
		if (parse(self->list, buf, ret, plus) || ++replies > MAX_ENTRIES) {
			ret = FUSE_BAD_REPLY;
			break;
		}
		offset = self->list->entry[self->list->nr - 1].off;
	}
	free(buf);
	return ret < 0 ? ret : replies;
}

static int list_root(FIXTURE_DATA(readdir) *self, bool plus, uint32_t size)
{
	struct fuse_open_out open;
	int ret = fuse_opendir(self->f, ROOT, &open);

	if (ret)
		return ret;
	ret = list_from(self, plus, ROOT, open.fh, 0, size);
	fuse_releasedir(self->f, ROOT, open.fh);
	return ret;
}

static int find(struct listing *list, const char *name)
{
	unsigned int i;
	int found = -1;

	for (i = 0; i < list->nr; i++) {
		if (strcmp(list->entry[i].name, name))
			continue;
		if (found >= 0)
			return -2;
		found = i;
	}
	return found;
}

/* @nr files of names with different lengths. */
static void make_files(struct __test_metadata *_metadata,
		       FIXTURE_DATA(readdir) *self, int nr)
{
	char name[256];
	int i;

	for (i = 0; i < nr; i++) {
		snprintf(name, sizeof(name), "%d-%.*s", i, i * 7 % 60,
			 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz01234567");
		ASSERT_EQ(0, bed_write_file(&self->bed, name, "", 0, 0644));
	}
}

/* Each of @nr files and the two dots, once. */
static void expect_files(struct __test_metadata *_metadata,
			 FIXTURE_DATA(readdir) *self, int nr)
{
	char name[256];
	int i;

	EXPECT_EQ(nr + 2, self->list->nr);
	EXPECT_LE(0, find(self->list, "."));
	EXPECT_LE(0, find(self->list, ".."));
	for (i = 0; i < nr; i++) {
		snprintf(name, sizeof(name), "%d-%.*s", i, i * 7 % 60,
			 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz01234567");
		EXPECT_LE(0, find(self->list, name)) {
			TH_LOG("%s: %d", name, find(self->list, name));
		}
	}
}

TEST_F(readdir, empty_directory)
{
	ASSERT_LE(0, list_root(self, variant->plus, 4096));
	expect_files(_metadata, self, 0);
}

TEST_F(readdir, types_and_inodes)
{
	static const struct {
		const char *name;
		uint32_t type;
	} want[] = {
		{ "file", DT_REG }, { "dir", DT_DIR }, { "symlink", DT_LNK },
		{ "fifo", DT_FIFO }, { ".hidden", DT_REG },
	};
	int fd = self->bed.fd, i, at;
	struct stat st;

	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "data", 4, 0644));
	ASSERT_EQ(0, bed_write_file(&self->bed, ".hidden", "", 0, 0644));
	ASSERT_EQ(0, mkdirat(fd, "dir", 0755));
	ASSERT_EQ(0, symlinkat("nowhere", fd, "symlink"));
	ASSERT_EQ(0, mkfifoat(fd, "fifo", 0600));
	ASSERT_LE(1, list_root(self, variant->plus, 65536));
	EXPECT_EQ(7, self->list->nr);
	for (i = 0; i < 5; i++) {
		at = find(self->list, want[i].name);
		ASSERT_LE(0, at);
		ASSERT_EQ(0, bed_stat(&self->bed, want[i].name, &st));
		EXPECT_EQ(want[i].type, self->list->entry[at].type);
		EXPECT_EQ(st.st_ino, self->list->entry[at].ino);
	}
}

TEST_F(readdir, every_buffer_size)
{
	static const uint32_t sizes[] = {
		512, 520, 600, 777, 1024, 4095, 4096, 4097, 65536, 1048576,
	};
	int i;

	make_files(_metadata, self, 150);
	for (i = 0; i < 10; i++) {
		ASSERT_LE(1, list_root(self, variant->plus, sizes[i])) {
			TH_LOG("size %u", sizes[i]);
		}
		expect_files(_metadata, self, 150);
	}
}

TEST_F_TIMEOUT(readdir, many_files, 120)
{
	make_files(_metadata, self, 700);
	ASSERT_LE(2, list_root(self, variant->plus, 8192));
	expect_files(_metadata, self, 700);
}

TEST_F(readdir, resumes_at_any_entry)
{
	struct listing *whole = malloc(sizeof(*whole));
	struct fuse_open_out open;
	unsigned int i, rest;

	make_files(_metadata, self, 40);
	ASSERT_EQ(0, fuse_opendir(self->f, ROOT, &open));
	ASSERT_LE(1, list_from(self, variant->plus, ROOT, open.fh, 0, 65536));
	*whole = *self->list;
	for (i = 0; i < whole->nr; i++) {
		ASSERT_LE(0, list_from(self, variant->plus, ROOT, open.fh,
				       whole->entry[i].off, 65536));
		rest = whole->nr - 1 - i;
		ASSERT_EQ(rest, self->list->nr);
		if (rest)
			ASSERT_STREQ(whole->entry[i + 1].name,
				     self->list->entry[0].name);
	}
	/* And back to the beginning. */
	ASSERT_LE(1, list_from(self, variant->plus, ROOT, open.fh, 0, 65536));
	EXPECT_EQ(whole->nr, self->list->nr);
	free(whole);
}

/* A buffer too small for one entry must not look like the end. */
TEST_F(readdir, tiny_buffers)
{
	struct fuse_open_out open;
	char buf[64];
	uint32_t size;

	make_files(_metadata, self, 3);
	ASSERT_EQ(0, fuse_opendir(self->f, ROOT, &open));
	for (size = 0; size <= 24; size++) {
		EXPECT_EQ(-EINVAL, variant->plus ?
			  fuse_readdirplus(self->f, ROOT, open.fh, 0, buf, size) :
			  fuse_readdir(self->f, ROOT, open.fh, 0, buf, size)) {
			TH_LOG("size %u", size);
		}
	}
	ASSERT_LE(1, list_from(self, variant->plus, ROOT, open.fh, 0, 4096));
	expect_files(_metadata, self, 3);
}

TEST_F(readdir, longest_name)
{
	char name[256];

	memset(name, 'x', 255);
	name[255] = '\0';
	ASSERT_EQ(0, bed_write_file(&self->bed, name, "", 0, 0644));
	ASSERT_LE(1, list_root(self, variant->plus, 512));
	EXPECT_LE(0, find(self->list, name));
}

TEST_F(readdir, strange_offsets)
{
	static const uint64_t offsets[] = { ~0ULL, 1ULL << 63, 1ULL << 40, 999 };
	struct fuse_open_out open;
	char buf[4096];
	int i, ret;

	make_files(_metadata, self, 3);
	ASSERT_EQ(0, fuse_opendir(self->f, ROOT, &open));
	for (i = 0; i < 4; i++) {
		ret = variant->plus ?
		      fuse_readdirplus(self->f, ROOT, open.fh, offsets[i], buf,
				       sizeof(buf)) :
		      fuse_readdir(self->f, ROOT, open.fh, offsets[i], buf,
				   sizeof(buf));
		EXPECT_LE(-511, ret);
	}
	ASSERT_LE(1, list_from(self, variant->plus, ROOT, open.fh, 0, 4096));
	expect_files(_metadata, self, 3);
}

TEST_F(readdir, sees_changes_when_opened_again)
{
	make_files(_metadata, self, 3);
	ASSERT_LE(1, list_root(self, variant->plus, 4096));
	expect_files(_metadata, self, 3);
	ASSERT_EQ(0, bed_write_file(&self->bed, "late", "", 0, 0644));
	ASSERT_LE(1, list_root(self, variant->plus, 4096));
	EXPECT_LE(0, find(self->list, "late"));
	ASSERT_EQ(0, unlinkat(self->bed.fd, "late", 0));
	ASSERT_LE(1, list_root(self, variant->plus, 4096));
	EXPECT_EQ(-1, find(self->list, "late"));
}

TEST_F(readdir, removed_directory)
{
	struct fuse_open_out open;
	uint64_t dir;
	char buf[4096];

	ASSERT_EQ(0, mkdirat(self->bed.fd, "dir", 0755));
	dir = bed_lookup(self->f, "dir");
	ASSERT_EQ(0, fuse_opendir(self->f, dir, &open));
	ASSERT_EQ(0, unlinkat(self->bed.fd, "dir", AT_REMOVEDIR));
	EXPECT_LE(-511, variant->plus ?
		  fuse_readdirplus(self->f, dir, open.fh, 0, buf, sizeof(buf)) :
		  fuse_readdir(self->f, dir, open.fh, 0, buf, sizeof(buf)));
	EXPECT_EQ(0, fuse_releasedir(self->f, dir, open.fh));
}

FIXTURE(plus) {
	struct bed bed;
	struct fuse *f;
	struct listing *list;
};

FIXTURE_SETUP(plus)
{
	struct bed_config config = { 0 };

	ASSERT_EQ(0, bed_open(&self->bed, &config));
	self->f = &self->bed.fuse;
	self->list = calloc(1, sizeof(*self->list));
}

FIXTURE_TEARDOWN(plus)
{
	bed_close(&self->bed);
	free(self->list);
}

/* Lists the whole root in replies of @size bytes at most. */
static int list_plus(FIXTURE_DATA(plus) *self, uint32_t size)
{
	FIXTURE_DATA(readdir) r = { .f = self->f, .list = self->list };

	return list_root(&r, true, size);
}

TEST_F(plus, entries_are_lookups)
{
	struct stat st;
	int at;

	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "data", 4, 0644));
	ASSERT_LE(1, list_plus(self, 4096));
	at = find(self->list, "file");
	ASSERT_LE(0, at);
	ASSERT_EQ(0, bed_stat(&self->bed, "file", &st));
	EXPECT_EQ(st.st_ino, self->list->entry[at].plus.attr.ino);
	EXPECT_EQ(st.st_mode, self->list->entry[at].plus.attr.mode);
	EXPECT_EQ(st.st_size, self->list->entry[at].plus.attr.size);
	EXPECT_EQ(1, self->list->entry[at].plus.entry_valid);
	EXPECT_EQ(0, fuse_getattr(self->f, self->list->entry[at].plus.nodeid,
				  NULL));
	EXPECT_EQ(self->list->entry[at].plus.nodeid, bed_lookup(self->f, "file"));
}

TEST_F(plus, dots_are_no_lookups)
{
	ASSERT_LE(1, list_plus(self, 4096));
	EXPECT_EQ(0, self->list->entry[find(self->list, ".")].plus.nodeid);
	EXPECT_EQ(0, self->list->entry[find(self->list, "..")].plus.nodeid);
}

/*
 * One lookup for each entry that the guest was told, none for one that did not
 * fit: a FORGET of 1 then makes each node unknown.
 */
TEST_F(plus, lookup_counts)
{
	static const uint32_t sizes[] = { 512, 1000, 4096, 65536 };
	unsigned int i, j;
	uint64_t node;
	char name[32];

	for (i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "file%u", i);
		ASSERT_EQ(0, bed_write_file(&self->bed, name, "", 0, 0644));
	}
	for (i = 0; i < 4; i++) {
		ASSERT_LE(1, list_plus(self, sizes[i]));
		ASSERT_EQ(52, self->list->nr);
		for (j = 0; j < self->list->nr; j++) {
			node = self->list->entry[j].plus.nodeid;
			if (!node)
				continue;
			EXPECT_EQ(0, fuse_getattr(self->f, node, NULL));
			EXPECT_EQ(0, fuse_forget(self->f, node, 1));
			EXPECT_EQ(-ESTALE, fuse_getattr(self->f, node, NULL));
		}
	}
}

FIXTURE(limit) {
	struct bed bed;
};

FIXTURE_SETUP(limit)
{
	struct bed_config config = { .max_nodes = 10 };
	char name[16];
	int i;

	ASSERT_EQ(0, bed_open(&self->bed, &config));
	for (i = 0; i < 30; i++) {
		snprintf(name, sizeof(name), "file%d", i);
		ASSERT_EQ(0, bed_write_file(&self->bed, name, "", 0, 0644));
	}
}

FIXTURE_TEARDOWN(limit)
{
	bed_close(&self->bed);
}

/* Names that can't be looked up any more can still be listed. */
TEST_F(limit, plus_at_the_limit)
{
	struct listing *list = calloc(1, sizeof(*list));
	FIXTURE_DATA(readdir) r = { .f = &self->bed.fuse, .list = list };
	unsigned int i, known = 0;
	int ret;

	ret = list_root(&r, true, 65536);
	if (ret < 0) {
		EXPECT_TRUE(ret == -ENFILE || ret == -ENOMEM);
	} else {
		EXPECT_EQ(32, list->nr);
		for (i = 0; i < list->nr; i++)
			known += !!list->entry[i].plus.nodeid;
		EXPECT_GE(10, known);
	}
	ASSERT_LE(1, list_root(&r, false, 65536));
	EXPECT_EQ(32, list->nr);
	free(list);
}

TEST_HARNESS_MAIN
