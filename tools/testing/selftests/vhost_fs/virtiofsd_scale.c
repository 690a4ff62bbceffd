// SPDX-License-Identifier: GPL-2.0-only
/*
 * scale NODES HANDLES [SERVER...]: how long a guest with so many nodes and open
 * files is stopped when it moves, and what that takes of memory, with the same tree
 * on a tmpfs. A line of JSON for each server; nothing here is a test. Servers are
 * vhost_fs and virtiofsd, and with ":handles" behind the name, the same with
 * --migration-mode file-handles. With ":stay" the guest doesn't move, and only what
 * its nodes and then its handles take is told: by the control group, which misses
 * tables that nobody is charged for, and by all memory that the machine uses but for
 * its page cache.
 *
 * Times are milliseconds, of saving and loading alone, and of all from the request
 * to stop to where the other device is started; memory is what the servers' control
 * group has (cgroup v2) without guest's memory and the state itself, in bytes: of
 * the guest's nodes and handles at the source, and at the destination, and what
 * saving and loading take besides at their peak.
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
#include <sys/mount.h>
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

	need(mount(NULL, tree->top, NULL, MS_REMOUNT, "nr_inodes=0") ? -errno : 0, "tmpfs");
	for (i = 0; i < nodes; i++) {
		snprintf(name, sizeof(name), "d%ld", i / PER_DIR);
		if (i % PER_DIR == 0)
			need(mkdirat(tree->fd, name, 0755) ? -errno : 0, "mkdir");
		snprintf(name, sizeof(name), "d%ld/file%ld", i / PER_DIR, i);
		need(mknodat(tree->fd, name, S_IFREG | 0644, 0) ? -errno : 0, "mknod");
	}
}

/* Some entries of a directory: each that is told has been looked up. */
static uint64_t take_entries(struct fuse *f, const char *buf, int size, long *handles)
{
	const struct fuse_direntplus *entry;
	struct fuse_open_out open;
	uint64_t offset = 0;
	int at;

	for (at = 0; at < size; at += FUSE_DIRENTPLUS_SIZE(entry)) {
		entry = (const void *)(buf + at);
		offset = entry->dirent.off;
		if (!entry->entry_out.nodeid || !S_ISREG(entry->entry_out.attr.mode) ||
		    *handles == 0)
			continue;
		need(fuse_open(f, entry->entry_out.nodeid, O_RDONLY, &open), "open");
		--*handles;
	}
	return offset;
}

/* Forgets nothing, so each directory is known too. */
static void look_up(struct fuse *f, long nodes, long handles)
{
	static char buf[65536];
	struct fuse_entry_out dir;
	struct fuse_open_out open;
	uint64_t offset;
	char name[64];
	long i;
	int n;

	for (i = 0; i * PER_DIR < nodes; i++) {
		snprintf(name, sizeof(name), "d%ld", i);
		need(fuse_lookup(f, ROOT, name, &dir), "lookup");
		need(fuse_opendir(f, dir.nodeid, &open), "opendir");
		offset = 0;
		while ((n = fuse_readdirplus(f, dir.nodeid, open.fh, offset, buf,
					     sizeof(buf))) > 0)
			offset = take_entries(f, buf, n, &handles);
		need(n, "readdirplus");
		need(fuse_releasedir(f, dir.nodeid, open.fh), "releasedir");
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

/* A control group of our own, into which everything started later is born. */
#define GROUP "/sys/fs/cgroup/vhost_fs_scale"

static void group_write(const char *file, const char *text)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), GROUP "/%s", file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	need(fd < 0 || write(fd, text, strlen(text)) < 0, path);
	close(fd);
}

static void group_enter(void)
{
	int fd = open("/sys/fs/cgroup/cgroup.subtree_control", O_WRONLY | O_CLOEXEC);

	need(fd < 0 || write(fd, "+memory", 7) < 0, "cgroup v2's memory controller");
	close(fd);
	need(mkdir(GROUP, 0755) && errno != EEXIST, GROUP);
	group_write("cgroup.procs", "0");
}

static long group_current(void)
{
	FILE *f = fopen(GROUP "/memory.current", "re");
	long bytes = -1;

	need(!f || fscanf(f, "%ld", &bytes) != 1, "memory.current");
	fclose(f);
	return bytes;
}

/* Whoever writes to it is told the highest since; each reader for himself. */
static int peak_begin(void)
{
	int fd = open(GROUP "/memory.peak", O_RDWR | O_CLOEXEC);

	need(fd < 0 || write(fd, "r", 1) != 1, "memory.peak");
	return fd;
}

static long peak_end(int fd)
{
	char text[32] = "";

	need(pread(fd, text, sizeof(text) - 1, 0) <= 0, "memory.peak");
	close(fd);
	return atol(text);
}

/* What a line of the output has. */
struct figures {
	double save_ms, load_ms, pause_ms;
	long source, saving, destination, loading;
	off_t bytes;
};

/* virtiofsd may want a descriptor for each of @files. */
static void open_side(struct side *side, const struct tree *tree, const char *name,
		      const char *server, long files)
{
	char limit[64] = "--rlimit-nofile=1048576";
	const char *options[] = { limit, NULL, NULL };
	bool handles = strstr(server, ":handles");

	if (files > 1000000)
		snprintf(limit, sizeof(limit), "--rlimit-nofile=%ld", files + 10000);
	if (handles)
		options[1] = "--migration-mode=file-handles";
	need(strncmp(server, "virtiofsd", 9) ?
	     side_open_kernel(side, tree, name,
			      handles ? VHOST_FS_MIGRATION_FILE_HANDLES : 0) :
	     side_open(side, tree, name, options), name);
}

/* From the source, which runs, to the destination, which then does. */
static void move(struct side *from, struct side *to, int fd, struct figures *is)
{
	double begin = now_ms();
	long before;
	struct stat st;
	int peak;

	need(side_stop(from), "stop");
	before = group_current();
	peak = peak_begin();
	is->save_ms = transfer(from, VHOST_FS_STATE_SAVE, fd);
	need(fstat(fd, &st), "state");
	is->bytes = st.st_size;
	is->saving = peak_end(peak) - before - is->bytes;
	before = group_current();
	peak = peak_begin();
	is->load_ms = transfer(to, VHOST_FS_STATE_LOAD, fd);
	is->destination = group_current() - before;
	is->loading = peak_end(peak) - before - is->destination;
	need(side_start(to), "start at the destination");
	is->pause_ms = now_ms() - begin;
}

/* What is used, in bytes; only differences mean something. */
struct used {
	long group, machine;
};

static struct used used_now(void)
{
	struct used used = { .group = group_current() };
	FILE *f = fopen("/proc/meminfo", "re");
	char name[32];
	long kib;

	need(!f, "/proc/meminfo");
	while (fscanf(f, "%31[^:]: %ld%*[^\n]\n", name, &kib) == 2) {
		if (!strcmp(name, "MemTotal"))
			used.machine += kib * 1024;
		if (!strcmp(name, "MemFree") || !strcmp(name, "Buffers") ||
		    !strcmp(name, "Cached"))
			used.machine -= kib * 1024;
	}
	fclose(f);
	return used;
}

static void measure_stay(const struct tree *tree, const char *server, long nodes,
			 long handles)
{
	struct side side = { .dev.fd = -1 };
	struct used empty, known, open;

	open_side(&side, tree, "stay", server, nodes + handles);
	need(side_start(&side), "start");
	need(fuse_init(&side.f), "INIT");
	empty = used_now();
	look_up(&side.f, nodes, 0);
	known = used_now();
	look_up(&side.f, handles, handles);
	open = used_now();
	printf("{\"server\": \"%s\", \"nodes\": %ld, \"handles\": %ld, "
	       "\"nodes_group\": %ld, \"nodes_machine\": %ld, "
	       "\"handles_group\": %ld, \"handles_machine\": %ld}\n", server, nodes, handles,
	       known.group - empty.group, known.machine - empty.machine,
	       open.group - known.group, open.machine - known.machine);
	fflush(stdout);
	side_close(&side);
}

static void measure(const struct tree *tree, const char *server, long nodes, long handles)
{
	struct side from = { .dev.fd = -1 }, to = { .dev.fd = -1 };
	int fd = memfd_create("state", MFD_CLOEXEC);
	struct figures is;

	open_side(&from, tree, "from", server, nodes + handles);
	open_side(&to, tree, "to", server, nodes + handles);
	need(side_start(&from), "start");
	need(fuse_init(&from.f), "INIT");
	is.source = -group_current();
	look_up(&from.f, nodes, handles);
	is.source += group_current();
	move(&from, &to, fd, &is);
	printf("{\"server\": \"%s\", \"nodes\": %ld, \"handles\": %ld, \"bytes\": %lld, "
	       "\"save_ms\": %.1f, \"load_ms\": %.1f, \"pause_ms\": %.1f, "
	       "\"source\": %ld, \"saving\": %ld, \"destination\": %ld, "
	       "\"loading\": %ld}\n", server, nodes, handles, (long long)is.bytes,
	       is.save_ms, is.load_ms, is.pause_ms, is.source, is.saving, is.destination,
	       is.loading);
	fflush(stdout);
	side_close(&from);
	side_close(&to);
	close(fd);
}

int main(int argc, char **argv)
{
	static const char *const all[] = { "vhost_fs", "virtiofsd", NULL };
	const char *const *server = argc > 3 ? (const char *const *)argv + 3 : all;
	long nodes = argc > 1 ? atol(argv[1]) : 10000;
	long handles = argc > 2 ? atol(argv[2]) : nodes / 10;
	struct tree tree = { 0 };

	/* It is measured how long the answer takes. */
	fe_timeout_ms = -1;
	need(tree_make(&tree), "tree");
	make_tree(&tree, nodes);
	group_enter();
	for (; *server; server++) {
		if (strstr(*server, ":stay"))
			measure_stay(&tree, *server, nodes, handles);
		else
			measure(&tree, *server, nodes, handles);
	}
	tree_remove(&tree);
	return 0;
}
