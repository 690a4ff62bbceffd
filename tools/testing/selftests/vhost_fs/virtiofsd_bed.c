// SPDX-License-Identifier: GPL-2.0-only
/*
 * Servers and a guest that moves between them; see virtiofsd_bed.h.
 */
#include "virtiofsd_bed.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bed.h"
#include "state.h"

#define NR_ARGS 16

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

int tree_make(struct tree *tree)
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

void tree_remove(struct tree *tree)
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
		program(), "--sandbox=none", "--inode-file-handles=prefer",
		getenv("VIRTIOFSD_LOG") ?: "--log-level=off",
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

int side_open(struct side *side, const struct tree *tree, const char *name,
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

int side_open_kernel(struct side *side, const struct tree *tree, const char *name,
		     uint32_t migration)
{
	struct vhost_fs_add_share share = {
		.size = sizeof(share), .root_fd = tree->fd, .migration = migration,
	};
	const struct ring_config config = { };
	int ret;

	snprintf(side->share, sizeof(side->share), "%s.%d", name, getpid());
	snprintf((char *)share.name, sizeof(share.name), "%s", side->share);
	ret = share_add(&share) ?: ring_open(&side->dev, &config) ?:
	      ring_attach(&side->dev, side->share);
	if (!ret)
		fuse_session(&side->f, &side->dev, RING_REQUEST);
	return ret;
}

int side_start(struct side *side)
{
	if (side->share[0])
		return ring_set_running(&side->dev, true);
	return fe_set_ring(side->fd, &side->dev.queues[0]) ?:
	       fe_set_ring(side->fd, &side->dev.queues[1]);
}

int side_stop(struct side *side)
{
	int hiprio, request;

	if (side->share[0])
		return ring_set_running(&side->dev, false);
	hiprio = fe_stop_ring(side->fd, 0);
	request = fe_stop_ring(side->fd, 1);
	return hiprio < 0 ? hiprio : request < 0 ? request : 0;
}

/* virtiofsd ends when its front end does. */
void side_close(struct side *side)
{
	if (side->share[0])
		share_remove(side->share);
	if (side->be.pid > 0) {
		close(side->fd);
		fe_end(&side->be, 0);
	}
	if (side->dev.mem)
		ring_close(&side->dev);
	*side = (struct side){ .dev.fd = -1 };
}

void side_take_guest(struct side *to, const struct side *from)
{
	to->f.init = from->f.init;
	to->f.unique = from->f.unique;
}

static int read_all(int fd, struct stream *s)
{
	ssize_t got;

	s->len = 0;
	while ((got = read(fd, s->data + s->len, sizeof(s->data) - s->len))) {
		if (got < 0)
			return -errno;
		s->len += got;
	}
	return 0;
}

static int save_kernel(struct side *side, struct stream *s)
{
	struct vhost_fs_device_state_result result;
	int fd = state_save(&side->dev, &result), ret;

	if (fd < 0)
		return fd;
	ret = read_all(fd, s);
	close(fd);
	return ret;
}

int side_save(struct side *side, struct stream *s)
{
	int ends[2], ret;

	if (side->share[0])
		return save_kernel(side, s);
	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	ret = fe_set_device_state_fd(side->fd, FE_STATE_SAVE, ends[1]);
	close(ends[1]);
	ret = ret ?: read_all(ends[0], s);
	close(ends[0]);
	return ret ?: fe_check_device_state(side->fd);
}

static int load_kernel(struct side *side, const struct stream *s)
{
	struct vhost_fs_device_state_result result;
	int fd = state_file(s->data, s->len);
	int ret = state_move(&side->dev, VHOST_FS_STATE_LOAD, fd, &result);

	close(fd);
	if (ret > 0)
		fprintf(stderr, "# loading: error %d reason %u object %llu\n", ret,
			result.reason, (unsigned long long)result.object);
	return ret > 0 ? -ret : ret;
}

int side_load(struct side *side, const struct stream *s)
{
	int ends[2], ret;

	if (side->share[0])
		return load_kernel(side, s);
	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	ret = fe_set_device_state_fd(side->fd, FE_STATE_LOAD, ends[0]);
	close(ends[0]);
	if (!ret && write(ends[1], s->data, s->len) != (ssize_t)s->len)
		ret = -EIO;
	close(ends[1]);
	return ret ?: fe_check_device_state(side->fd);
}

/* The nodes and files that the guest has. The file with two names has two lookups. */
int guest_work(struct fuse *f, struct guest *g)
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
	g->next_node = g->moved + 1;
	g->next_fh = g->a_fh + 1;
	return ret ?: fuse_rename(f, ROOT, "from", g->a, "to");
}

/* To find the line that failed, without a test's macros. */
#define CHECK(what) do { \
	if (!(what)) \
		return __LINE__; \
} while (0)

/* A new file has a new number, and when it is forgotten again nothing is left of it. */
static int check_new(struct fuse *f, struct guest *g)
{
	struct fuse_entry_out entry;
	struct fuse_open_out out;

	CHECK(!fuse_create(f, g->sub, "new", O_RDWR, 0644, 0, &entry, &out));
	CHECK(entry.nodeid >= g->next_node && out.fh >= g->next_fh);
	g->next_node = entry.nodeid + 1;
	g->next_fh = out.fh + 1;
	CHECK(!fuse_unlink(f, g->sub, "new"));
	CHECK(!fuse_release(f, entry.nodeid, out.fh));
	CHECK(!fuse_forget(f, entry.nodeid, 1));
	CHECK(fuse_getattr(f, entry.nodeid, NULL));
	return 0;
}

int guest_check(struct fuse *f, struct guest *g)
{
	struct fuse_entry_out entry;
	struct fuse_attr attr;
	char buf[4096];

	CHECK(!fuse_getattr(f, g->c, &attr) && attr.size == 5);
	CHECK(!fuse_getattr(f, g->in, &attr) && attr.size == 7);
	CHECK(!fuse_getattr(f, g->moved, NULL) && !fuse_getattr(f, g->name, NULL));
	CHECK(fuse_readlink(f, g->sym, buf, sizeof(buf)) == 4);
	CHECK(fuse_read(f, g->file, g->file_fh, 0, buf, sizeof(buf)) == 5);
	CHECK(!memcmp(buf, "hello", 5));
	CHECK(fuse_write(f, g->file, g->file_fh, 0, "h", 1) == 1);
	CHECK(fuse_readdir(f, g->a, g->a_fh, 0, buf, sizeof(buf)) > 0);
	/* What it knows has the number it had, by whatever name. */
	CHECK(!fuse_lookup(f, ROOT, "file", &entry) && entry.nodeid == g->file);
	CHECK(!fuse_forget(f, g->file, 1));
	return check_new(f, g);
}

int guest_forget(struct fuse *f, const struct guest *g)
{
	CHECK(!fuse_forget(f, g->c, 1) && fuse_getattr(f, g->c, NULL));
	CHECK(!fuse_forget(f, g->b, 1) && !fuse_getattr(f, g->b, NULL));
	CHECK(!fuse_forget(f, g->b, 1) && fuse_getattr(f, g->b, NULL));
	CHECK(!fuse_forget(f, g->file, 1) && !fuse_getattr(f, g->file, NULL));
	CHECK(!fuse_getattr(f, g->a, NULL) && !fuse_getattr(f, ROOT, NULL));
	return 0;
}
