// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device states of virtiofsd's: what it writes is what the codec reads, and what
 * the codec writes is what it takes.
 *
 * The program plays the VMM and the guest of a virtiofsd, whose path is in
 * VIRTIOFSD; the default is Debian's. It needs root, for mounts of its own.
 * With a directory in STATE_CAPTURE, the streams are left there: see
 * unit/streams/README.
 */
#include "front_end.h"
#include "fuse.h"
#include "harness.h"
#include "state_codec.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#define ROOT FUSE_ROOT_ID
#define NR_ARGS 16
#define STREAM_MAX 16384
/* No UTF-8: virtiofsd has nothing to write it as. */
#define ODD_NAME "o\377d"

/* A directory on file systems of its own, which last as long as the test. */
struct tree {
	char top[64];
	char dir[80];
	int fd;
};

/* One virtiofsd, with its guest. */
struct side {
	struct fe_back_end be;
	struct ring_dev dev;
	struct fuse f;
	int fd;
};

/* What the guest knows. */
struct guest {
	uint64_t a, b, c, file, sym, gone, name, odd, sub, in, moved;
	uint64_t file_fh, gone_fh, a_fh;
};

struct stream {
	u8 data[STREAM_MAX];
	size_t len;
	struct vhost_fs_state st;
};

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

static const char *program(void)
{
	return getenv("VIRTIOFSD") ?: "/usr/libexec/virtiofsd";
}

static int make_file(struct tree *tree, const char *name, const char *content)
{
	int fd = openat(tree->fd, name, O_CREAT | O_WRONLY | O_EXCL | O_CLOEXEC, 0644);
	int ret = fd < 0 ? -errno : 0;

	if (!ret && write(fd, content, strlen(content)) != (ssize_t)strlen(content))
		ret = -EIO;
	close(fd);
	return ret;
}

static int fill_tree(struct tree *tree)
{
	char sub[96];
	int ret = 0;

	snprintf(sub, sizeof(sub), "%s/sub", tree->dir);
	if (mkdirat(tree->fd, "a", 0755) || mkdirat(tree->fd, "a/b", 0755) ||
	    mkdirat(tree->fd, "sub", 0755) || symlinkat("file", tree->fd, "sym") ||
	    mount("vhost_fs_test", sub, "tmpfs", 0, NULL))
		return -errno;
	ret = ret ?: make_file(tree, "a/b/c", "inner");
	ret = ret ?: make_file(tree, "file", "hello");
	ret = ret ?: make_file(tree, "gone", "still here");
	ret = ret ?: make_file(tree, "n\u00e4me", "");
	ret = ret ?: make_file(tree, ODD_NAME, "");
	ret = ret ?: make_file(tree, "sub/in", "mounted");
	ret = ret ?: make_file(tree, "from", "");
	if (!ret && linkat(tree->fd, "file", tree->fd, "link", 0))
		ret = -errno;
	return ret;
}

static int make_tree(struct tree *tree)
{
	snprintf(tree->top, sizeof(tree->top), "/tmp/vhost_fs.XXXXXX");
	if (!mkdtemp(tree->top)) {
		tree->top[0] = '\0';
		return -errno;
	}
	snprintf(tree->dir, sizeof(tree->dir), "%s/share", tree->top);
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("vhost_fs_test", tree->top, "tmpfs", 0, "mode=0755") ||
	    mkdir(tree->dir, 0755))
		return -errno;
	tree->fd = open(tree->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return tree->fd < 0 ? -errno : fill_tree(tree);
}

static void remove_tree(struct tree *tree)
{
	close(tree->fd);
	if (tree->top[0]) {
		umount2(tree->top, MNT_DETACH);
		rmdir(tree->top);
	}
}

static int spawn(struct side *side, const struct tree *tree, const char *name,
		 const char *const *options)
{
	const char *args[NR_ARGS] = {
		program(), "--sandbox=none", "--log-level=error", "--inode-file-handles=prefer",
		"--socket-path", side->be.path, "--shared-dir", tree->dir,
	};
	int n;

	snprintf(side->be.path, sizeof(side->be.path), "%s/%s.sock", tree->top, name);
	for (n = 0; args[n]; n++)
		;
	while (*options)
		args[n++] = *options++;
	side->be.pid = fork();
	if (!side->be.pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execv(args[0], (char *const *)args);
		_exit(127);
	}
	return side->be.pid < 0 ? -errno : 0;
}

/* A virtiofsd that is connected to and has memory, but no rings yet. */
static int side_open(struct side *side, const struct tree *tree, const char *name,
		     const char *const *options)
{
	const struct ring_config config = { .shared = true };
	int ret = ring_make(&side->dev, &config) ?: spawn(side, tree, name, options);

	if (ret)
		return ret;
	side->fd = fe_connect(side->be.path);
	if (side->fd < 0)
		return side->fd;
	fuse_session(&side->f, &side->dev, RING_REQUEST);
	return fe_negotiate(side->fd, FE_PROTOCOL_DEVICE_STATE) ?:
	       fe_set_memory(side->fd, &side->dev);
}

static int side_start(struct side *side)
{
	return fe_set_ring(side->fd, &side->dev.queues[0]) ?:
	       fe_set_ring(side->fd, &side->dev.queues[1]);
}

static int side_stop(struct side *side)
{
	int hiprio = fe_stop_ring(side->fd, 0);
	int request = fe_stop_ring(side->fd, 1);

	return hiprio < 0 ? hiprio : request < 0 ? request : 0;
}

/* virtiofsd ends when its front end does. */
static void side_close(struct side *side)
{
	if (side->be.pid <= 0)
		return;
	close(side->fd);
	fe_end(&side->be, 0);
	side->be.pid = 0;
	ring_close(&side->dev);
}

/* The nodes and files that the guest has. The file with two names has two lookups. */
static int guest_work(struct fuse *f, struct guest *g)
{
	struct fuse_entry_out entry;
	struct fuse_open_out out;
	int ret = fuse_init(f);

	g->a = bed_lookup(f, "a");
	g->b = bed_lookup(f, "a/b");
	g->c = bed_lookup(f, "a/b/c");
	g->file = bed_lookup(f, "file");
	ret = ret ?: fuse_lookup(f, ROOT, "link", &entry);
	if (!ret && entry.nodeid != g->file)
		return -EXDEV;
	g->sym = bed_lookup(f, "sym");
	g->gone = bed_lookup(f, "gone");
	g->name = bed_lookup(f, "n\u00e4me");
	g->odd = bed_lookup(f, ODD_NAME);
	g->sub = bed_lookup(f, "sub");
	g->in = bed_lookup(f, "sub/in");
	g->moved = bed_lookup(f, "from");
	ret = ret ?: fuse_open(f, g->file, O_RDWR | O_APPEND, &out);
	g->file_fh = out.fh;
	ret = ret ?: fuse_open(f, g->gone, O_RDONLY, &out);
	g->gone_fh = out.fh;
	ret = ret ?: fuse_opendir(f, g->a, &out);
	g->a_fh = out.fh;
	ret = ret ?: fuse_unlink(f, ROOT, "gone");
	return ret ?: fuse_rename(f, ROOT, "from", g->a, "to");
}

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

/* Has virtiofsd write its state; -EIO if it says that it failed. */
static int side_save(struct side *side, struct stream *s)
{
	int ends[2], ret;
	ssize_t got;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	ret = fe_set_device_state_fd(side->fd, FE_STATE_SAVE, ends[1]);
	close(ends[1]);
	s->len = 0;
	while (!ret && (got = read(ends[0], s->data + s->len, sizeof(s->data) - s->len))) {
		if (got < 0)
			ret = -errno;
		else
			s->len += got;
	}
	close(ends[0]);
	return ret ?: fe_check_device_state(side->fd);
}

static int side_load(struct side *side, const struct stream *s)
{
	int ends[2], ret;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	ret = fe_set_device_state_fd(side->fd, FE_STATE_LOAD, ends[0]);
	close(ends[0]);
	if (!ret && write(ends[1], s->data, s->len) != (ssize_t)s->len)
		ret = -EIO;
	close(ends[1]);
	return ret ?: fe_check_device_state(side->fd);
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
	ASSERT_EQ(0, make_tree(&self->tree));
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
	remove_tree(&self->tree);
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

	to->f.init = from->f.init;
	to->f.unique = from->f.unique;
	return ret;
}

/* All that it knew is there. */
static void check_guest(struct __test_metadata *_metadata, struct fuse *f, const struct guest *g)
{
	struct fuse_entry_out entry;
	struct fuse_open_out out;
	struct fuse_attr attr;
	char buf[4096];

	ASSERT_EQ(0, fuse_getattr(f, g->c, &attr));
	ASSERT_EQ(5, attr.size);
	ASSERT_EQ(0, fuse_getattr(f, g->in, &attr));
	ASSERT_EQ(7, attr.size);
	ASSERT_EQ(0, fuse_getattr(f, g->moved, &attr));
	ASSERT_EQ(5, fuse_read(f, g->file, g->file_fh, 0, buf, sizeof(buf)));
	ASSERT_EQ(0, memcmp("hello", buf, 5));
	ASSERT_EQ(1, fuse_write(f, g->file, g->file_fh, 0, "H", 1));
	ASSERT_LT(0, fuse_readdir(f, g->a, g->a_fh, 0, buf, sizeof(buf)));
	/* What it looks up has the numbers it had, and what it makes a new one. */
	ASSERT_EQ(0, fuse_lookup(f, ROOT, "file", &entry));
	ASSERT_EQ(g->file, entry.nodeid);
	ASSERT_EQ(0, fuse_create(f, g->sub, "new", O_RDWR, 0644, 0, &entry, &out));
	ASSERT_EQ(g->moved + 1, entry.nodeid);
	ASSERT_EQ(g->a_fh + 1, out.fh);
	/* The counts were right: what is forgotten is gone, and its parents remain. */
	ASSERT_EQ(0, fuse_forget(f, g->c, 1));
	ASSERT_GT(0, fuse_getattr(f, g->c, &attr));
	ASSERT_EQ(0, fuse_forget(f, g->b, 2));
	ASSERT_GT(0, fuse_getattr(f, g->b, &attr));
	ASSERT_EQ(0, fuse_getattr(f, g->a, &attr));
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
	check_guest(_metadata, &self->dest.f, g);
	/* What no name led to was lost, but for a file handle. */
	ASSERT_EQ(handles, !fuse_getattr(&self->dest.f, g->odd, &attr));
	ASSERT_GT(0, fuse_getattr(&self->dest.f, g->gone, &attr));
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
	check_guest(_metadata, f, g);
	ASSERT_EQ(handles ? 10 : -EIO, fuse_read(f, g->gone, g->gone_fh, 0, buf, sizeof(buf)));
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
