// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device states of virtiofsd's: what it writes is what the codec reads, and what
 * the codec writes is what it takes.
 *
 * With a directory in STATE_CAPTURE, the streams are left there: see
 * unit/streams/README.
 */
#include "harness.h"
#include "virtiofsd_bed.h"

#include <errno.h>
#include <fcntl.h>

FIXTURE(virtiofsd) {
	struct tree tree;
	struct side source, dest;
	struct guest guest;
	struct stream stream;
};

FIXTURE_VARIANT(virtiofsd) {
	const char *name;	/* of the captured stream */
	const char *mode;
	bool verify;
};

FIXTURE_VARIANT_ADD(virtiofsd, find_paths) {
	.name = "paths", .mode = "find-paths",
};

FIXTURE_VARIANT_ADD(virtiofsd, find_paths_verified) {
	.name = "paths-verified", .mode = "find-paths", .verify = true,
};

FIXTURE_VARIANT_ADD(virtiofsd, file_handles) {
	.name = "handles", .mode = "file-handles",
};

/* What is known of a node, apart from how virtiofsd finds it. */
struct known {
	uint64_t id, parent;
	const char *name;
	const char *path;
	uint64_t lookups;
	bool lost;		/* no name leads there that a stream could have */
};

#define NR_KNOWN 11

/* Parents come before what is in them. */
static void know(const struct guest *g, struct known *known)
{
	const struct known all[NR_KNOWN] = {
		{ g->a, ROOT, "a", "a", 3, false },
		{ g->b, g->a, "b", "a/b", 2, false },
		{ g->c, g->b, "c", "a/b/c", 1, false },
		{ g->file, ROOT, "link", "link", 2, false },
		{ g->sym, ROOT, "sym", "sym", 1, false },
		{ g->gone, 0, NULL, NULL, 1, true },
		{ g->name, ROOT, "n\u00e4me", "n\u00e4me", 1, false },
		{ g->odd, 0, NULL, ODD_NAME, 1, true },
		{ g->sub, ROOT, "sub", "sub", 2, false },
		{ g->in, g->sub, "in", "sub/in", 1, false },
		{ g->moved, g->a, "to", "a/to", 1, false },
	};

	memcpy(known, all, sizeof(all));
}

/* Each node that is found by its parent counts once for that. */
static uint64_t children(const struct known *known, uint64_t id)
{
	uint64_t n = 0;
	int i;

	for (i = 0; i < NR_KNOWN; i++)
		n += !known[i].lost && known[i].parent == id;
	return n;
}

/* Leaves the stream where the person who runs this wants it. */
static void capture(const struct stream *s, const char *name)
{
	const char *dir = getenv("STATE_CAPTURE");
	char path[256];
	int fd;

	if (!dir)
		return;
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, s->data, s->len) != (ssize_t)s->len)
		fprintf(stderr, "# can't write %s: %s\n", path, strerror(errno));
	close(fd);
}

FIXTURE_SETUP(virtiofsd)
{
	char mode[64];
	const char *options[] = {
		mode, variant->verify ? "--migration-verify-handles" : NULL, NULL,
	};

	snprintf(mode, sizeof(mode), "--migration-mode=%s", variant->mode);
	ASSERT_EQ(0, tree_make(&self->tree));
	ASSERT_EQ(0, side_open(&self->source, &self->tree, "source", options));
	ASSERT_EQ(0, side_start(&self->source));
	ASSERT_EQ(0, guest_work(&self->source.f, &self->guest));
	ASSERT_EQ(0, side_stop(&self->source));
	ASSERT_EQ(0, side_save(&self->source, &self->stream));
	capture(&self->stream, variant->name);
	ASSERT_EQ(0, vhost_fs_state_parse(&self->stream.st, self->stream.data,
					  self->stream.len)) {
		TH_LOG("at %zu: expected %s", self->stream.st.error_at, self->stream.st.error);
	}
}

FIXTURE_TEARDOWN(virtiofsd)
{
	side_close(&self->source);
	side_close(&self->dest);
	tree_remove(&self->tree);
}

static bool is_name(const struct vhost_fs_state_bytes *bytes, const char *name)
{
	return bytes->len == strlen(name) && !memcmp(bytes->data, name, bytes->len);
}

static void check_place(struct __test_metadata *_metadata, const struct vhost_fs_state_node *node,
			const struct known *known)
{
	ASSERT_EQ(known->lost ? VHOST_FS_STATE_INVALID : VHOST_FS_STATE_PATH, node->location);
	if (known->lost)
		return;
	ASSERT_EQ(known->parent, node->parent);
	/* A file may be found by any of its names. */
	ASSERT_TRUE(is_name(&node->name, known->name) ||
		    (!strcmp(known->name, "link") && is_name(&node->name, "file")));
}

/* The nodes, in any order, but each of them. */
TEST_F(virtiofsd, nodes)
{
	const bool handles = !strcmp(variant->mode, "file-handles");
	struct vhost_fs_state_node node;
	struct known known[NR_KNOWN], *k;
	size_t at = 0, found = 0;

	know(&self->guest, known);
	ASSERT_EQ(2, self->stream.st.version);
	ASSERT_EQ(1 + NR_KNOWN, self->stream.st.nr_nodes);
	while (vhost_fs_state_next_node(&self->stream.st, &at, &node)) {
		uint64_t held = handles ? 0 : children(known, node.id);

		ASSERT_EQ(variant->verify && node.location != VHOST_FS_STATE_INVALID,
			  node.has_verify);
		if (node.id == ROOT) {
			ASSERT_EQ(VHOST_FS_STATE_ROOT, node.location);
			ASSERT_EQ(2 + held, node.refcount);
			continue;
		}
		for (k = known; k < known + NR_KNOWN && k->id != node.id; k++)
			;
		ASSERT_NE(known + NR_KNOWN, k);
		ASSERT_EQ(k->lookups + held, node.refcount);
		found++;
		if (handles) {
			ASSERT_EQ(VHOST_FS_STATE_FILE_HANDLE, node.location);
		} else {
			check_place(_metadata, &node, k);
		}
	}
	ASSERT_EQ(NR_KNOWN, found);
	ASSERT_EQ(self->guest.moved + 1, self->stream.st.next_node);
}

TEST_F(virtiofsd, rest)
{
	const bool handles = !strcmp(variant->mode, "file-handles");
	struct vhost_fs_state_handle handle;
	struct vhost_fs_state_mount mount;
	const struct guest *g = &self->guest;
	const struct vhost_fs_state *st = &self->stream.st;
	size_t at = 0, roots = 0;

	ASSERT_EQ(3, st->nr_handles);
	ASSERT_TRUE(vhost_fs_state_next_handle(st, &at, &handle));
	ASSERT_EQ(g->file_fh, handle.id);
	ASSERT_EQ(g->file, handle.node);
	/* Whether to append is said with each write. */
	ASSERT_EQ(O_RDWR, handle.flags);
	ASSERT_TRUE(vhost_fs_state_next_handle(st, &at, &handle));
	ASSERT_EQ(g->gone, handle.node);
	ASSERT_EQ(O_RDONLY, handle.flags);
	ASSERT_TRUE(vhost_fs_state_next_handle(st, &at, &handle));
	ASSERT_EQ(g->a, handle.node);
	ASSERT_EQ(O_DIRECTORY, handle.flags);
	ASSERT_EQ(g->a_fh + 1, st->next_handle);
	ASSERT_TRUE(st->opts.announce_submounts && st->opts.sup_group_extension);
	ASSERT_FALSE(st->opts.writeback || st->opts.posix_acl);
	ASSERT_EQ(handles ? 2 : 0, st->nr_mounts);
	for (at = 0; vhost_fs_state_next_mount(st, &at, &mount);) {
		roots += is_name(&mount.path, ".");
		ASSERT_TRUE(is_name(&mount.path, ".") || is_name(&mount.path, "sub"));
	}
	ASSERT_EQ(handles, roots);
}

/* Written again by us, it is the same: nothing was lost. */
TEST_F(virtiofsd, written_again)
{
	const struct vhost_fs_state *st = &self->stream.st;
	struct stream *again = calloc(1, sizeof(*again));
	struct vhost_fs_state_handle handle;
	struct vhost_fs_state_mount mount;
	struct vhost_fs_state_node node;
	size_t at;

	again->len = vhost_fs_state_put_begin(again->data, st->nr_nodes);
	for (at = 0; vhost_fs_state_next_node(st, &at, &node);)
		again->len += vhost_fs_state_put_node(again->data + again->len, &node);
	again->len += vhost_fs_state_put_middle(again->data + again->len, st->next_node,
						st->nr_handles);
	for (at = 0; vhost_fs_state_next_handle(st, &at, &handle);)
		again->len += vhost_fs_state_put_handle(again->data + again->len, &handle);
	again->len += vhost_fs_state_put_end(again->data + again->len, st->next_handle,
					     &st->opts, st->nr_mounts);
	for (at = 0; vhost_fs_state_next_mount(st, &at, &mount);)
		again->len += vhost_fs_state_put_mount(again->data + again->len, &mount);
	ASSERT_EQ(self->stream.len, again->len);
	ASSERT_EQ(0, memcmp(again->data, self->stream.data, again->len));
	free(again);
}

/*
 * What we make of the same guest, without anything that virtiofsd wrote. The file
 * handles are of the test's own mounts, where virtiofsd's share is, too.
 */

struct own_fh {
	struct file_handle fh;
	u8 bytes[VHOST_FS_STATE_FH_MAX];
};

static int get_fh(struct tree *tree, const char *path, struct own_fh *own,
		  struct vhost_fs_state_fh *fh)
{
	int mount_id;

	own->fh.handle_bytes = sizeof(own->bytes);
	if (name_to_handle_at(tree->fd, path, &own->fh, &mount_id, *path ? 0 : AT_EMPTY_PATH))
		return -errno;
	fh->mount_id = mount_id;
	fh->type = own->fh.handle_type;
	fh->handle = (struct vhost_fs_state_bytes){ own->fh.f_handle, own->fh.handle_bytes };
	return 0;
}

static struct vhost_fs_state_bytes text(const char *string)
{
	return (struct vhost_fs_state_bytes){ (const u8 *)string, strlen(string) };
}

static void put_root(struct stream *s, const struct known *known, bool handles)
{
	struct vhost_fs_state_node node = {
		.id = ROOT, .location = VHOST_FS_STATE_ROOT,
		.refcount = 2 + (handles ? 0 : children(known, ROOT)),
	};

	s->len += vhost_fs_state_put_node(s->data + s->len, &node);
}

static int put_by_handle(struct stream *s, struct tree *tree, const struct known *k)
{
	struct vhost_fs_state_node node = { .id = k->id, .refcount = k->lookups };
	struct own_fh own;
	int ret = 0;

	node.location = k->path ? VHOST_FS_STATE_FILE_HANDLE : VHOST_FS_STATE_INVALID;
	if (k->path)
		ret = get_fh(tree, k->path, &own, &node.fh);
	s->len += vhost_fs_state_put_node(s->data + s->len, &node);
	return ret;
}

static int put_by_name(struct stream *s, struct tree *tree, const struct known *known,
		       const struct known *k, bool verify)
{
	struct vhost_fs_state_node node = {
		.id = k->id, .refcount = k->lookups + children(known, k->id),
		.location = VHOST_FS_STATE_INVALID,
	};
	struct own_fh own;
	int ret = 0;

	if (!k->lost) {
		node.location = VHOST_FS_STATE_PATH;
		node.parent = k->parent;
		node.name = text(k->name);
		node.has_verify = verify;
	}
	if (node.has_verify)
		ret = get_fh(tree, k->path, &own, &node.verify);
	s->len += vhost_fs_state_put_node(s->data + s->len, &node);
	return ret;
}

static void put_handle(struct stream *s, uint64_t id, uint64_t node, int flags)
{
	const struct vhost_fs_state_handle handle = { id, node, flags };

	s->len += vhost_fs_state_put_handle(s->data + s->len, &handle);
}

static int put_mount(struct stream *s, struct tree *tree, const char *root, const char *path)
{
	struct vhost_fs_state_mount mount = { .path = text(path) };
	struct vhost_fs_state_fh fh = { };
	struct own_fh own;
	int ret = get_fh(tree, root, &own, &fh);

	mount.id = fh.mount_id;
	s->len += vhost_fs_state_put_mount(s->data + s->len, &mount);
	return ret;
}

/* @handles: nodes are found by file handles; else by names, which are verified or not. */
static int write_own(struct stream *s, struct tree *tree, const struct guest *g, bool handles,
		     bool verify)
{
	const struct vhost_fs_state_opts opts = {
		.announce_submounts = true, .sup_group_extension = true,
	};
	struct known known[NR_KNOWN];
	int i, ret = 0;

	know(g, known);
	s->len = vhost_fs_state_put_begin(s->data, 1 + NR_KNOWN);
	put_root(s, known, handles);
	for (i = 0; !ret && i < NR_KNOWN; i++)
		ret = handles ? put_by_handle(s, tree, &known[i]) :
				put_by_name(s, tree, known, &known[i], verify);
	s->len += vhost_fs_state_put_middle(s->data + s->len, g->moved + 1, 3);
	put_handle(s, g->file_fh, g->file, O_RDWR);
	put_handle(s, g->gone_fh, g->gone, O_RDONLY);
	put_handle(s, g->a_fh, g->a, O_DIRECTORY);
	s->len += vhost_fs_state_put_end(s->data + s->len, g->a_fh + 1, &opts, handles ? 2 : 0);
	if (!ret && handles)
		ret = put_mount(s, tree, "", ".") ?: put_mount(s, tree, "sub/in", "sub");
	return ret;
}

static const char *const not_all[] = { "--migration-on-error=guest-error", NULL };

/* The guest of the source goes on. */
static int move_guest(struct side *to, const struct side *from, const struct tree *tree,
		      const struct stream *s)
{
	int ret = side_open(to, tree, "dest", not_all) ?: side_load(to, s) ?: side_start(to);

	side_take_guest(to, from);
	return ret;
}

TEST_F(virtiofsd, takes_ours)
{
	const bool handles = !strcmp(variant->mode, "file-handles");
	struct stream *own = calloc(1, sizeof(*own));
	struct guest *g = &self->guest;
	struct fuse_attr attr;

	ASSERT_EQ(0, write_own(own, &self->tree, g, handles, variant->verify));
	ASSERT_EQ(0, vhost_fs_state_parse(&own->st, own->data, own->len));
	ASSERT_EQ(0, move_guest(&self->dest, &self->source, &self->tree, own));
	ASSERT_EQ(0, guest_check(&self->dest.f, g));
	/* What no name led to was lost, but for a file handle. */
	ASSERT_EQ(handles, !fuse_getattr(&self->dest.f, g->odd, &attr));
	ASSERT_GT(0, fuse_getattr(&self->dest.f, g->gone, &attr));
	ASSERT_EQ(0, guest_forget(&self->dest.f, g));
	free(own);
}

/* Its own stream too, where file handles lead to what has no name any more. */
TEST_F(virtiofsd, takes_its_own)
{
	const bool handles = !strcmp(variant->mode, "file-handles");
	struct guest *g = &self->guest;
	struct fuse *f = &self->dest.f;
	char buf[64];

	ASSERT_EQ(0, move_guest(&self->dest, &self->source, &self->tree, &self->stream));
	ASSERT_EQ(0, guest_check(f, g));
	ASSERT_EQ(handles ? 10 : -EIO, fuse_read(f, g->gone, g->gone_fh, 0, buf, sizeof(buf)));
	ASSERT_EQ(0, guest_forget(f, g));
}

TEST_F(virtiofsd, takes_a_full_path)
{
	const struct vhost_fs_state_opts opts = { .announce_submounts = true };
	struct vhost_fs_state_node root = { .id = ROOT, .refcount = 2 };
	struct vhost_fs_state_node node = {
		.id = 300, .refcount = 1, .location = VHOST_FS_STATE_FULL_PATH,
		.name = text("sub/in"),
	};
	struct stream *own = calloc(1, sizeof(*own));
	char buf[64];

	own->len = vhost_fs_state_put_begin(own->data, 2);
	own->len += vhost_fs_state_put_node(own->data + own->len, &root);
	own->len += vhost_fs_state_put_node(own->data + own->len, &node);
	own->len += vhost_fs_state_put_middle(own->data + own->len, 301, 1);
	put_handle(own, 7, 300, O_RDONLY);
	own->len += vhost_fs_state_put_end(own->data + own->len, 8, &opts, 0);
	ASSERT_EQ(0, move_guest(&self->dest, &self->source, &self->tree, own));
	ASSERT_EQ(7, fuse_read(&self->dest.f, 300, 7, 0, buf, sizeof(buf)));
	free(own);
}

/* A stream that is cut short is refused by both, wherever that is. */
TEST_F(virtiofsd, refuses_what_we_refuse)
{
	struct stream *cut = calloc(1, sizeof(*cut));

	*cut = self->stream;
	cut->len--;
	ASSERT_EQ(-EBADMSG, vhost_fs_state_parse(&cut->st, cut->data, cut->len));
	ASSERT_EQ(-EIO, move_guest(&self->dest, &self->source, &self->tree, cut));
	free(cut);
}

TEST_HARNESS_MAIN
