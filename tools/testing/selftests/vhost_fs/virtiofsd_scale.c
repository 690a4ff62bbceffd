// SPDX-License-Identifier: GPL-2.0-only
/*
 * scale NODES HANDLES: how long a guest with so many nodes and open files is
 * stopped when it moves: the time from the begin of saving to the end, and of
 * loading, of vhost_fs and of virtiofsd, with the same tree on a tmpfs. A line of
 * JSON for each. Nothing here is a test.
 *
 * virtiofsd looks its files' paths up while the guest still runs, if the guest's
 * memory is logged before; here it does so after the stop, and "save_ms" has that
 * in it.
 */
#include "virtiofsd_bed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "state.h"

#define PER_DIR 1000

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void need(int ret, const char *what)
{
	if (!ret)
		return;
	fprintf(stderr, "scale: %s: %s\n", what, ret < 0 ? strerror(-ret) : "failed");
	exit(1);
}

static void make_tree(const struct tree *tree, long nodes)
{
	char name[64];
	long i;
	int fd;

	for (i = 0; i < nodes; i++) {
		snprintf(name, sizeof(name), "d%ld", i / PER_DIR);
		if (i % PER_DIR == 0)
			need(mkdirat(tree->fd, name, 0755), "mkdir");
		snprintf(name, sizeof(name), "d%ld/file%ld", i / PER_DIR, i);
		fd = openat(tree->fd, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
		need(fd < 0, "create");
		close(fd);
	}
}

/* Forgets nothing, so each directory is known too. */
static void look_up(struct fuse *f, long nodes, long handles)
{
	struct fuse_entry_out dir = { 0 }, file;
	struct fuse_open_out open;
	char name[64];
	long i;

	for (i = 0; i < nodes; i++) {
		if (i % PER_DIR == 0) {
			snprintf(name, sizeof(name), "d%ld", i / PER_DIR);
			need(fuse_lookup(f, ROOT, name, &dir), "lookup");
		}
		snprintf(name, sizeof(name), "file%ld", i);
		need(fuse_lookup(f, dir.nodeid, name, &file), "lookup");
		if (i < handles)
			need(fuse_open(f, file.nodeid, O_RDONLY, &open), "open");
	}
}

/* Either end of a transfer is a file in memory, so nothing else takes time. */
static double transfer(struct side *side, uint32_t direction, int fd)
{
	struct vhost_fs_device_state_result result;
	double begin;

	lseek(fd, 0, SEEK_SET);
	begin = now_ms();
	if (side->share[0]) {
		need(state_move(&side->dev, direction, fd, &result), "transfer");
	} else {
		need(fe_set_device_state_fd(side->fd, direction, fd), "transfer");
		need(fe_check_device_state(side->fd), "transfer");
	}
	return now_ms() - begin;
}

static void open_side(struct side *side, const struct tree *tree, const char *name, bool daemon)
{
	const char *const options[] = { "--rlimit-nofile=1048576", NULL };

	need(daemon ? side_open(side, tree, name, options) :
		      side_open_kernel(side, tree, name, 0), name);
}

static void measure(const struct tree *tree, bool daemon, long nodes, long handles)
{
	struct side from = { .dev.fd = -1 }, to = { .dev.fd = -1 };
	int fd = memfd_create("state", MFD_CLOEXEC);
	double save, load;
	struct stat st;

	open_side(&from, tree, "from", daemon);
	need(side_start(&from), "start");
	need(fuse_init(&from.f), "INIT");
	look_up(&from.f, nodes, handles);
	need(side_stop(&from), "stop");
	save = transfer(&from, VHOST_FS_STATE_SAVE, fd);
	open_side(&to, tree, "to", daemon);
	load = transfer(&to, VHOST_FS_STATE_LOAD, fd);
	need(fstat(fd, &st), "state");
	printf("{\"server\": \"%s\", \"nodes\": %ld, \"handles\": %ld, \"bytes\": %lld, "
	       "\"save_ms\": %.1f, \"load_ms\": %.1f}\n", daemon ? "virtiofsd" : "vhost_fs",
	       nodes, handles, (long long)st.st_size, save, load);
	fflush(stdout);
	side_close(&from);
	side_close(&to);
	close(fd);
}

int main(int argc, char **argv)
{
	long nodes = argc > 1 ? atol(argv[1]) : 10000;
	long handles = argc > 2 ? atol(argv[2]) : nodes / 10;
	struct tree tree = { 0 };

	/* It is measured how long the answer takes. */
	fe_timeout_ms = -1;
	need(tree_make(&tree), "tree");
	make_tree(&tree, nodes);
	measure(&tree, false, nodes, handles);
	measure(&tree, true, nodes, handles);
	tree_remove(&tree);
	return 0;
}
