// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest stays inside its share, by whatever names, links, renames and nodes
 * it tries to leave, and whatever the host does to the tree meanwhile.
 */
#include "bed.h"
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>

#define ROOT FUSE_ROOT_ID

FIXTURE(escape) {
	struct bed bed;
	struct fuse *f;
	int top;		/* the directory around the share */
	struct fuse_entry_out entry;
};

/*
 * Beside the share lies a directory "outside" with a file "secret", which no
 * guest must see. In the share are dir/sub/file.
 */
FIXTURE_SETUP(escape)
{
	struct bed_config config = { 0 };
	int fd;

	ASSERT_EQ(0, unshare(CLONE_NEWNS));
	ASSERT_EQ(0, mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	ASSERT_EQ(0, bed_open(&self->bed, &config));
	self->f = &self->bed.fuse;
	self->top = open(self->bed.top, O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, self->top);
	ASSERT_EQ(0, mkdirat(self->top, "outside", 0755));
	fd = openat(self->top, "outside/secret", O_WRONLY | O_CREAT, 0644);
	ASSERT_EQ(6, write(fd, "secret", 6));
	close(fd);
	ASSERT_EQ(0, mkdirat(self->bed.fd, "dir", 0755));
	ASSERT_EQ(0, mkdirat(self->bed.fd, "dir/sub", 0755));
	ASSERT_EQ(0, bed_write_file(&self->bed, "dir/sub/file", "data", 4, 0644));
}

FIXTURE_TEARDOWN(escape)
{
	close(self->top);
	bed_close(&self->bed);
}

static bool outside_is_untouched(FIXTURE_DATA(escape) *self)
{
	struct stat st;
	char buf[8] = "";
	int fd = openat(self->top, "outside/secret", O_RDONLY);
	bool same = fd >= 0 && read(fd, buf, sizeof(buf)) == 6 &&
		    !memcmp(buf, "secret", 6) && !fstat(fd, &st) &&
		    st.st_nlink == 1 && (st.st_mode & 07777) == 0644;

	if (fd >= 0)
		close(fd);
	return same;
}

/* Symlinks are the guest's to follow, in its own tree. */
TEST_F(escape, symlinks)
{
	static const char *const targets[] = {
		"../outside", "/etc", "/", "..", "../outside/secret",
		"/proc/self/root", "/dev/null",
	};
	struct fuse_open_out open;
	char name[16], buf[64];
	uint64_t node;
	int i;

	for (i = 0; i < 7; i++) {
		snprintf(name, sizeof(name), "link%d", i);
		ASSERT_EQ(0, symlinkat(targets[i], self->bed.fd, name));
		ASSERT_EQ(0, fuse_lookup(self->f, ROOT, name, &self->entry));
		EXPECT_TRUE(S_ISLNK(self->entry.attr.mode));
		node = self->entry.nodeid;
		EXPECT_EQ(-ENOTDIR, fuse_lookup(self->f, node, "secret",
						&self->entry));
		EXPECT_EQ(-ENOTDIR, fuse_mkdir(self->f, node, "x", 0755, 0,
					       &self->entry));
		EXPECT_EQ(-ELOOP, fuse_open(self->f, node, O_RDONLY, &open));
		EXPECT_EQ(-ENOTDIR, fuse_opendir(self->f, node, &open));
		EXPECT_EQ(strlen(targets[i]),
			  fuse_readlink(self->f, node, buf, sizeof(buf)));
	}
	EXPECT_TRUE(outside_is_untouched(self));
}

TEST_F(escape, names_that_lead_up)
{
	static const char *const names[] = {
		"..", "../outside", "../outside/secret", "dir/../../outside",
		"/", "/etc/passwd", ".", "./..",
	};
	uint64_t file = bed_lookup(self->f, "dir/sub/file");
	struct fuse_open_out open;
	bool dots;
	int i, ret;

	for (i = 0; i < 8; i++) {
		/* The root's parent is the root. */
		ret = fuse_lookup(self->f, ROOT, names[i], &self->entry);
		dots = !strcmp(names[i], ".") || !strcmp(names[i], "..");
		EXPECT_EQ(dots ? 0 : -EINVAL, ret);
		EXPECT_TRUE(ret || self->entry.nodeid == ROOT);
		EXPECT_EQ(-EINVAL, fuse_mkdir(self->f, ROOT, names[i], 0755, 0,
					      &self->entry));
		EXPECT_EQ(-EINVAL, fuse_create(self->f, ROOT, names[i],
					       O_RDWR | O_CREAT, S_IFREG | 0600,
					       0, &self->entry, &open));
		EXPECT_EQ(-EINVAL, fuse_symlink(self->f, ROOT, names[i], "x",
						&self->entry));
		EXPECT_EQ(-EINVAL, fuse_link(self->f, file, ROOT, names[i],
					     &self->entry));
		EXPECT_EQ(-EINVAL, fuse_unlink(self->f, ROOT, names[i]));
		EXPECT_EQ(-EINVAL, fuse_rmdir(self->f, ROOT, names[i]));
		EXPECT_EQ(-EINVAL, fuse_rename(self->f, ROOT, "dir", ROOT,
					       names[i]));
		EXPECT_EQ(-EINVAL, fuse_rename(self->f, ROOT, names[i], ROOT,
					       "x"));
	}
	EXPECT_TRUE(outside_is_untouched(self));
}

/* Everything that a guest could do with a directory node is refused. */
static void expect_lost_directory(struct __test_metadata *_metadata,
				  FIXTURE_DATA(escape) *self, uint64_t dir)
{
	struct fuse_open_out open;
	struct fuse_kstatfs st;

	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, dir, NULL));
	EXPECT_EQ(-ESTALE, fuse_lookup(self->f, dir, "file", &self->entry));
	EXPECT_EQ(-ESTALE, fuse_lookup(self->f, dir, "secret", &self->entry));
	EXPECT_EQ(-ESTALE, fuse_opendir(self->f, dir, &open));
	EXPECT_EQ(-ESTALE, fuse_mkdir(self->f, dir, "x", 0755, 0, &self->entry));
	EXPECT_EQ(-ESTALE, fuse_mknod(self->f, dir, "x", S_IFREG, 0, 0,
				      &self->entry));
	EXPECT_EQ(-ESTALE, fuse_symlink(self->f, dir, "x", "y", &self->entry));
	EXPECT_EQ(-ESTALE, fuse_create(self->f, dir, "x", O_RDWR | O_CREAT,
				       S_IFREG | 0600, 0, &self->entry, &open));
	EXPECT_EQ(-ESTALE, fuse_unlink(self->f, dir, "file"));
	EXPECT_EQ(-ESTALE, fuse_rmdir(self->f, dir, "sub"));
	EXPECT_EQ(-ESTALE, fuse_statfs(self->f, dir, &st));
	/* As the other end of an operation that begins inside. */
	EXPECT_EQ(-ESTALE, fuse_rename(self->f, ROOT, "still-here", dir, "x"));
	EXPECT_EQ(-ESTALE, fuse_rename2(self->f, ROOT, "still-here", dir, "x", 1));
}

TEST_F(escape, directory_moved_out)
{
	uint64_t dir = bed_lookup(self->f, "dir");
	uint64_t sub = bed_lookup(self->f, "dir/sub");
	uint64_t file = bed_lookup(self->f, "dir/sub/file");
	struct fuse_open_out open;

	ASSERT_EQ(0, bed_write_file(&self->bed, "still-here", "x", 1, 0644));
	ASSERT_EQ(0, renameat(self->bed.fd, "dir", self->top, "outside/dir"));
	expect_lost_directory(_metadata, self, dir);
	expect_lost_directory(_metadata, self, sub);
	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, file, NULL));
	EXPECT_EQ(-ESTALE, fuse_open(self->f, file, O_RDONLY, &open));
	EXPECT_EQ(-ESTALE, fuse_link(self->f, file, ROOT, "x", &self->entry));
	EXPECT_TRUE(outside_is_untouched(self));
	/* Back again, as if nothing had been. */
	ASSERT_EQ(0, renameat(self->top, "outside/dir", self->bed.fd, "back"));
	EXPECT_EQ(0, fuse_getattr(self->f, dir, NULL));
	EXPECT_EQ(0, fuse_lookup(self->f, sub, "file", &self->entry));
	EXPECT_EQ(file, self->entry.nodeid);
}

TEST_F(escape, file_moved_out)
{
	uint64_t file = bed_lookup(self->f, "dir/sub/file");
	struct fuse_setattr_in in = { .valid = FATTR_SIZE };
	struct fuse_open_out open;
	struct stat st;

	ASSERT_EQ(0, renameat(self->bed.fd, "dir/sub/file", self->top,
			      "outside/file"));
	EXPECT_EQ(-ESTALE, fuse_getattr(self->f, file, NULL));
	EXPECT_EQ(-ESTALE, fuse_open(self->f, file, O_RDWR, &open));
	EXPECT_EQ(-ESTALE, fuse_setattr(self->f, file, &in, NULL));
	EXPECT_EQ(-ESTALE, fuse_link(self->f, file, ROOT, "x", &self->entry));
	ASSERT_EQ(0, fstatat(self->top, "outside/file", &st, 0));
	EXPECT_EQ(4, st.st_size);
	EXPECT_EQ(1, st.st_nlink);
}

/* As with a local open file: what is open stays usable where it was moved. */
TEST_F(escape, open_file_moved_out)
{
	uint64_t file = bed_lookup(self->f, "dir/sub/file");
	struct fuse_open_out open;
	char buf[8];

	ASSERT_EQ(0, fuse_open(self->f, file, O_RDONLY, &open));
	ASSERT_EQ(0, renameat(self->bed.fd, "dir/sub/file", self->top,
			      "outside/file"));
	EXPECT_EQ(4, fuse_read(self->f, file, open.fh, 0, buf, sizeof(buf)));
	EXPECT_EQ(0, fuse_release(self->f, file, open.fh));
}

/* A name of a file that is outside too: the share's name is good enough. */
TEST_F(escape, hard_link_across)
{
	struct fuse_open_out open;
	uint64_t node;
	char buf[8];

	ASSERT_EQ(0, linkat(self->top, "outside/secret", self->bed.fd, "shared",
			    0));
	node = bed_lookup(self->f, "shared");
	ASSERT_EQ(0, fuse_open(self->f, node, O_RDONLY, &open));
	EXPECT_EQ(6, fuse_read(self->f, node, open.fh, 0, buf, sizeof(buf)));
	ASSERT_EQ(0, unlinkat(self->bed.fd, "shared", 0));
	EXPECT_EQ(-ENOENT, fuse_lookup(self->f, ROOT, "shared", &self->entry));
	EXPECT_TRUE(outside_is_untouched(self));
}

/* Two names, of which the one that the guest used is moved out. */
TEST_F(escape, other_name_still_inside)
{
	uint64_t file = bed_lookup(self->f, "dir/sub/file");
	int ret;

	ASSERT_EQ(0, linkat(self->bed.fd, "dir/sub/file", self->bed.fd, "second",
			    0));
	ASSERT_EQ(0, renameat(self->bed.fd, "dir/sub/file", self->top,
			      "outside/file"));
	/* A node that has no dentry of its own may find the other by itself. */
	ret = fuse_getattr(self->f, file, NULL);
	EXPECT_TRUE(ret == -ESTALE || ret == 0);
	EXPECT_EQ(file, bed_lookup(self->f, "second"));
	EXPECT_EQ(0, fuse_getattr(self->f, file, NULL));
}

/* The root may be moved: it is what is shared, not its name. */
TEST_F(escape, root_moved)
{
	ASSERT_EQ(0, renameat(self->top, "share", self->top, "outside/share"));
	EXPECT_EQ(0, fuse_getattr(self->f, ROOT, NULL));
	EXPECT_NE(0, bed_lookup(self->f, "dir/sub/file"));
	ASSERT_EQ(0, fuse_lookup(self->f, ROOT, "..", &self->entry));
	EXPECT_EQ(ROOT, self->entry.nodeid);
	ASSERT_EQ(0, renameat(self->top, "outside/share", self->top, "share"));
}

/* The host's devices and pipes have attributes, but are not opened. */
TEST_F(escape, special_files)
{
	static const char *const names[] = { "null", "zero", "disk", "fifo" };
	struct fuse_setattr_in in = { .valid = FATTR_SIZE };
	struct fuse_open_out open;
	uint64_t node;
	int i;

	ASSERT_EQ(0, mknodat(self->bed.fd, "null", S_IFCHR | 0666,
			     makedev(1, 3)));
	ASSERT_EQ(0, mknodat(self->bed.fd, "zero", S_IFCHR | 0666,
			     makedev(1, 5)));
	ASSERT_EQ(0, mknodat(self->bed.fd, "disk", S_IFBLK | 0666,
			     makedev(7, 0)));
	ASSERT_EQ(0, mkfifoat(self->bed.fd, "fifo", 0666));
	for (i = 0; i < 4; i++) {
		node = bed_lookup(self->f, names[i]);
		EXPECT_EQ(0, fuse_getattr(self->f, node, NULL));
		EXPECT_EQ(-ENXIO, fuse_open(self->f, node, O_RDONLY, &open));
		EXPECT_EQ(-ENXIO, fuse_open(self->f, node, O_WRONLY, &open));
		EXPECT_EQ(-ENXIO, fuse_open(self->f, node, O_RDWR | O_TRUNC,
					    &open));
		EXPECT_EQ(-ENXIO, fuse_create(self->f, ROOT, names[i],
					      O_RDWR | O_CREAT, S_IFREG | 0600,
					      0, &self->entry, &open));
		EXPECT_GT(0, fuse_setattr(self->f, node, &in, NULL));
	}
}

/* What a guest makes itself is no way out either. */
TEST_F(escape, own_special_files)
{
	struct fuse_open_out open;

	ASSERT_EQ(0, fuse_mknod(self->f, ROOT, "mine", S_IFBLK | 0666, 0x700, 0,
				&self->entry));
	EXPECT_EQ(-ENXIO, fuse_open(self->f, self->entry.nodeid, O_RDWR, &open));
	ASSERT_EQ(0, fuse_symlink(self->f, ROOT, "out", "/proc/1/root",
				  &self->entry));
	EXPECT_EQ(-ELOOP, fuse_open(self->f, self->entry.nodeid, O_RDWR, &open));
}

/* Magic links lead elsewhere without a name; they are not followed either. */
TEST_F(escape, magic_links)
{
	static const char *const names[] = { "root", "cwd", "exe" };
	struct fuse_open_out open;
	uint64_t parent, node;
	char path[128];
	int i;

	ASSERT_EQ(0, mkdirat(self->bed.fd, "proc", 0755));
	snprintf(path, sizeof(path), "%s/proc", self->bed.dir);
	ASSERT_EQ(0, mount("proc", path, "proc", 0, NULL));
	parent = bed_lookup(self->f, "proc/1");
	ASSERT_NE(0, parent);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, fuse_lookup(self->f, parent, names[i], &self->entry));
		node = self->entry.nodeid;
		EXPECT_EQ(-ELOOP, fuse_open(self->f, node, O_RDONLY, &open));
		EXPECT_EQ(-ENOTDIR, fuse_opendir(self->f, node, &open));
		EXPECT_EQ(-ENOTDIR, fuse_lookup(self->f, node, "etc",
						&self->entry));
	}
	node = bed_lookup(self->f, "proc/self");
	EXPECT_EQ(-ENOTDIR, fuse_lookup(self->f, node, "root", &self->entry));
	EXPECT_EQ(0, umount2(path, MNT_DETACH));
}

/* Moves a directory out of the share and back, as fast as it can. */
struct mover {
	int inside, outside;
	bool stop;
	unsigned int moves;
};

static void *move_to_and_fro(void *arg)
{
	struct mover *m = arg;

	while (!__atomic_load_n(&m->stop, __ATOMIC_RELAXED)) {
		renameat(m->inside, "dir", m->outside, "dir");
		renameat(m->outside, "dir", m->inside, "dir");
		m->moves++;
		/* There may be only one processor. */
		sched_yield();
	}
	return NULL;
}

/* At each moment the guest finds what is in the share, or nothing. */
TEST_F_TIMEOUT(escape, moved_while_walked, 300)
{
	struct mover m = { .inside = self->bed.fd };
	uint64_t dir = bed_lookup(self->f, "dir");
	uint64_t sub = bed_lookup(self->f, "dir/sub");
	struct fuse_open_out open;
	pthread_t thread;
	char buf[8];
	int i, ret;

	m.outside = openat(self->top, "outside", O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, m.outside);
	ASSERT_EQ(0, pthread_create(&thread, NULL, move_to_and_fro, &m));
	for (i = 0; i < test_rounds(500); i++) {
		ret = fuse_lookup(self->f, sub, "file", &self->entry);
		EXPECT_TRUE(ret == 0 || ret == -ESTALE);
		if (!ret) {
			uint64_t file = self->entry.nodeid;

			ret = fuse_open(self->f, file, O_RDONLY, &open);
			EXPECT_TRUE(ret == 0 || ret == -ESTALE);
			if (!ret) {
				EXPECT_EQ(4, fuse_read(self->f, file, open.fh,
						       0, buf, 8));
				fuse_release(self->f, file, open.fh);
			}
		}
		ret = fuse_lookup(self->f, dir, "secret", &self->entry);
		EXPECT_TRUE(ret == -ENOENT || ret == -ESTALE);
		ret = fuse_lookup(self->f, dir, "..", &self->entry);
		EXPECT_TRUE(ret == -ESTALE ||
			    (!ret && self->entry.nodeid == ROOT));
	}
	__atomic_store_n(&m.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	close(m.outside);
	EXPECT_LT(0, m.moves);
	EXPECT_TRUE(outside_is_untouched(self));
	EXPECT_EQ(0, fuse_lookup(self->f, sub, "file", &self->entry));
}

/* Files whose nodes are checked one after the other while their directory moves. */
#define NR_CHECKED	16

struct checked {
	struct fuse_call call;
	struct fuse_getattr_in in;
	struct fuse_attr_out out;
	uint64_t node;
};

/* Moves the directory out once, after having counted to @moves. */
static void *move_out_once(void *arg)
{
	struct mover *m = arg;
	unsigned int i;

	for (i = __atomic_load_n(&m->moves, __ATOMIC_RELAXED); i; i--)
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
	return (void *)(long)renameat(m->inside, "dir", m->outside, "dir");
}

static void check_all(struct fuse *f, struct checked *checked)
{
	int i;

	for (i = 0; i < NR_CHECKED; i++) {
		struct checked *c = &checked[i];

		c->call = (struct fuse_call){
			.opcode = FUSE_GETATTR, .nodeid = c->node,
			.in = { { &c->in, sizeof(c->in) } }, .nr_in = 1,
			.out = &c->out, .out_size = sizeof(c->out),
		};
		if (fuse_start(f, &c->call))
			c->call.error = -ENOMEM;
	}
	for (i = 0; i < NR_CHECKED; i++)
		fuse_finish(f, &checked[i].call);
}

/* Whatever was found inside just before the directory left isn't taken for it since. */
TEST_F_TIMEOUT(escape, moved_while_checked, 300)
{
	struct mover m = { .inside = self->bed.fd };
	size_t mark = ring_mark(&self->bed.dev);
	struct checked checked[NR_CHECKED] = { 0 };
	char name[32];
	int i, round;

	m.outside = openat(self->top, "outside", O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, m.outside);
	for (i = 0; i < NR_CHECKED; i++) {
		snprintf(name, sizeof(name), "dir/%d", i);
		ASSERT_EQ(0, bed_write_file(&self->bed, name, "", 0, 0644));
		checked[i].node = bed_lookup(self->f, name);
	}
	for (round = 0; round < test_rounds(200); round++) {
		pthread_t thread;
		void *ret;

		/* Each time a little later, up to about when all are checked. */
		m.moves = round % 100 * 1000;
		ASSERT_EQ(0, pthread_create(&thread, NULL, move_out_once, &m));
		check_all(self->f, checked);
		pthread_join(thread, &ret);
		ASSERT_EQ(NULL, ret);
		for (i = 0; i < NR_CHECKED; i++)
			EXPECT_EQ(-ESTALE, fuse_getattr(self->f, checked[i].node, NULL));
		ASSERT_EQ(0, renameat(m.outside, "dir", m.inside, "dir"));
		ring_release(&self->bed.dev, mark);
	}
	close(m.outside);
}

/* Swaps a directory for a symlink that leads out. */
static void *swap(void *arg)
{
	struct mover *m = arg;

	while (!__atomic_load_n(&m->stop, __ATOMIC_RELAXED)) {
		renameat2(m->inside, "dir", m->inside, "link", RENAME_EXCHANGE);
		m->moves++;
		/* There may be only one processor. */
		sched_yield();
	}
	return NULL;
}

TEST_F_TIMEOUT(escape, swapped_while_walked, 300)
{
	struct mover m = { .inside = self->bed.fd };
	pthread_t thread;
	int i, ret;

	ASSERT_EQ(0, symlinkat("../outside", self->bed.fd, "link"));
	ASSERT_EQ(0, pthread_create(&thread, NULL, swap, &m));
	for (i = 0; i < test_rounds(500); i++) {
		ASSERT_EQ(0, fuse_lookup(self->f, ROOT, "dir", &self->entry));
		ret = fuse_lookup(self->f, self->entry.nodeid, "secret",
				  &self->entry);
		EXPECT_TRUE(ret == -ENOENT || ret == -ENOTDIR);
		ret = fuse_mkdir(self->f, bed_lookup(self->f, "link"), "made",
				 0755, 0, &self->entry);
		EXPECT_TRUE(ret == 0 || ret == -EEXIST || ret == -ENOTDIR);
	}
	__atomic_store_n(&m.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	EXPECT_LT(0, m.moves);
	EXPECT_TRUE(outside_is_untouched(self));
	EXPECT_EQ(-1, faccessat(self->top, "outside/made", F_OK, 0));
}

TEST_HARNESS_MAIN
