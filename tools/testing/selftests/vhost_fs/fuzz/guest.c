// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guests for a fuzzer; see guest.h.
 */
#include "guest.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "coverage.h"
#include "life.h"

/* An answer that takes longer than this waits for a lock, or never comes. */
#define WAIT_MS		50

/* As often the processor is given away before an answer is slept for. */
#define MAX_YIELDS	4

/* Of a session whose share has low limits; soon there is room for nothing more. */
#define FEW_INPUTS	4

/* To make the tree again takes longer than most inputs do. */
#define MAX_FILLED	100

static const struct vhost_fs_xattr_rule xattr_rules[] = {
	{ .scope = VHOST_FS_XATTR_CLIENT | VHOST_FS_XATTR_SERVER,
	  .action = VHOST_FS_XATTR_PREFIX, .key = "trusted.", .prepend = "user.g." },
	{ .scope = VHOST_FS_XATTR_CLIENT, .action = VHOST_FS_XATTR_BAD, .key = "security." },
	{ .scope = VHOST_FS_XATTR_CLIENT | VHOST_FS_XATTR_SERVER,
	  .action = VHOST_FS_XATTR_OK, .key = "" },
};

static const struct vhost_fs_id_rule id_rules[] = {
	{ .action = VHOST_FS_ID_GUEST, .from = 0, .to = 1000, .count = 10 },
	{ .action = VHOST_FS_ID_HOST, .from = 1000, .to = 0, .count = 10 },
	{ .action = VHOST_FS_ID_SQUASH_GUEST, .from = 100, .to = 2000, .count = 10 },
	{ .action = VHOST_FS_ID_FORBID_GUEST, .from = 200, .count = 10 },
};

static const struct bed_config kinds[] = {
	{ .ring.features = RING_F_INDIRECT | RING_F_EVENT_IDX },
	{ .ring.features = RING_F_INDIRECT | RING_F_EVENT_IDX,
	  .flags = VHOST_FS_SHARE_XATTR | VHOST_FS_SHARE_POSIX_ACL,
	  .options = { .inode_file_handles = VHOST_FS_HANDLES_PREFER,
		       .locks = VHOST_FS_LOCKS_REMOTE } },
	{ .flags = VHOST_FS_SHARE_XATTR, .cache = VHOST_FS_CACHE_NEVER,
	  .max_nodes = 6, .max_handles = 3,
	  .options = { .max_blocked = 1, .locks = VHOST_FS_LOCKS_REMOTE,
		       .xattr_rules = (uintptr_t)xattr_rules, .nr_xattr_rules = 3,
		       .uid_rules = (uintptr_t)id_rules, .nr_uid_rules = 4,
		       .gid_rules = (uintptr_t)id_rules, .nr_gid_rules = 4 } },
	{ .ring.features = RING_F_INDIRECT, .flags = VHOST_FS_SHARE_READONLY },
	{ .ring.features = RING_F_INDIRECT, .disk = true,
	  .flags = VHOST_FS_SHARE_XATTR | VHOST_FS_SHARE_POSIX_ACL,
	  .options = { .inode_file_handles = VHOST_FS_HANDLES_PREFER,
		       .migration = VHOST_FS_MIGRATION_FILE_HANDLES } },
};

#define NR_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static struct guest guests[NR_KINDS];

static int make_file(int dir, const char *name, mode_t mode, size_t size)
{
	static const char data[8192];
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, mode), ret = 0;

	if (fd < 0)
		return -1;
	if (write(fd, data, size) != (ssize_t)size || fchmod(fd, mode))
		ret = -1;
	close(fd);
	return ret;
}

static const struct {
	const char *name;
	unsigned char type;
} entries[] = {
	{ "f", DT_REG }, { "x", DT_REG }, { "d", DT_DIR }, { "l", DT_LNK },
	{ "out", DT_LNK }, { "p", DT_FIFO },
};

#define NR_ENTRIES (sizeof(entries) / sizeof(entries[0]))

static int make_entry(int dir, unsigned int i)
{
	const char *name = entries[i].name;

	switch (entries[i].type) {
	case DT_REG:
		return make_file(dir, name, i ? 06755 : 0644, i ? 10 : 5000);
	case DT_DIR:
		return mkdirat(dir, name, 0777) ?: make_file(dir, "d/f", 0600, 100);
	case DT_LNK:
		return symlinkat(name[0] == 'l' ? "f" : "/etc", dir, name);
	default:
		return mkfifoat(dir, name, 0666);
	}
}

static int make_tree(struct guest *g)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < NR_ENTRIES; i++)
		ret = make_entry(g->bed.fd, i);
	g->stale = false;
	g->filled = 0;
	return ret ?: fsetxattr(g->bed.fd, "user.x", "1", 1, 0);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	if (ftw->level && remove(path) && type == FTW_DP && rmdir(path))
		err(1, "%s", path);
	return 0;
}

static void empty_tree(struct guest *g)
{
	if (nftw(g->bed.dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT))
		err(1, "%s", g->bed.dir);
	fremovexattr(g->bed.fd, "system.posix_acl_access");
	fremovexattr(g->bed.fd, "system.posix_acl_default");
	if (fchown(g->bed.fd, 0, 0) || fchmod(g->bed.fd, 0755))
		err(1, "%s", g->bed.dir);
}

static void remake_tree(struct guest *g)
{
	unsigned int i;

	empty_tree(g);
	if (!make_tree(g))
		return;
	/* What others have filled may be all that there is. */
	for (i = 0; i < NR_KINDS; i++)
		empty_tree(&guests[i]);
	for (i = 0; i < NR_KINDS; i++)
		if (make_tree(&guests[i]))
			err(1, "tree");
}

static bool is_dot(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

/* Removes what is no entry of the tree; returns those that are there. */
static unsigned int remove_others(struct guest *g, const char *at, const char *end)
{
	unsigned int seen = 0, i;

	for (; at < end; at += ((const struct dirent64 *)at)->d_reclen) {
		const struct dirent64 *d = (const void *)at;

		for (i = 0; i < NR_ENTRIES; i++)
			if (d->d_type == entries[i].type && !strcmp(d->d_name, entries[i].name))
				break;
		if (i < NR_ENTRIES)
			seen |= 1 << i;
		else if (!is_dot(d->d_name) &&
			 unlinkat(g->bed.fd, d->d_name,
				  d->d_type == DT_DIR ? AT_REMOVEDIR : 0))
			g->filled = MAX_FILLED + 1;
	}
	return seen;
}

/* The names alone, which takes much less time than all. */
static void repair_tree(struct guest *g)
{
	static char buf[8192];
	unsigned int seen = 0, i;
	ssize_t size;

	g->stale = true;
	lseek(g->bed.fd, 0, SEEK_SET);
	while ((size = syscall(SYS_getdents64, g->bed.fd, buf, sizeof(buf))) > 0)
		seen |= remove_others(g, buf, buf + size);
	for (i = 0; i < NR_ENTRIES && g->filled <= MAX_FILLED; i++)
		if (!(seen & 1 << i) && make_entry(g->bed.fd, i))
			g->filled = MAX_FILLED + 1;
	g->changed = false;
}

/* Shares outlive who made them. */
static void guests_close(void)
{
	unsigned int i;

	for (i = 0; i < NR_KINDS; i++)
		bed_close(&guests[i].bed);
}

void guests_open(void)
{
	unsigned int i;

	atexit(guests_close);

	for (i = 0; i < NR_KINDS; i++) {
		struct bed_config config = kinds[i];

		config.no_init = true;
		if (bed_open(&guests[i].bed, &config))
			errx(1, "no guest %u", i);
		guests[i].mark = ring_mark(&guests[i].bed.dev);
		if (make_tree(&guests[i]))
			err(1, "tree");
	}
}

static void renew(struct guest *g)
{
	int ret;

	if (g->stopped)
		guest_restart(g);
	ret = fuse_destroy(&g->bed.fuse);
	/* A session that an input has ended can't be ended again. */
	if (ret && ret != -EIO)
		coverage_fail("DESTROY: %d", ret);
	ret = fuse_init(&g->bed.fuse);
	if (ret)
		coverage_fail("INIT: %d", ret);
	if (g->stale && g->life != life_number)
		remake_tree(g);
	g->nr_nodes = 0;
	g->nr_handles = 0;
	g->inputs = 0;
	g->life = life_number;
	g->renew = false;
}

struct guest *guest_begin(unsigned int kind)
{
	struct guest *g = &guests[kind % NR_KINDS];

	if (g->life != life_number)
		g->renew = true;
	else if (kinds[kind % NR_KINDS].max_nodes && g->inputs >= FEW_INPUTS)
		g->renew = true;
	if (g->renew)
		renew(g);
	g->inputs++;
	return g;
}

static void empty_queue(struct ring_queue *q)
{
	unsigned int i;
	/* Not where it was: what waits is to be forgotten. */
	uint16_t at = q->avail->idx + 3;

	q->avail->idx = at;
	q->used->idx = at;
	q->last_used = at;
	q->kicked = at;
	q->avail->flags = 0;
	q->used->flags = 0;
	for (i = 0; i < q->num; i++)
		q->free[i] = q->num - 1 - i;
	q->nr_free = q->num;
}

void guest_stop(struct guest *g)
{
	int ret = g->stopped ? 0 : ring_set_running(&g->bed.dev, false);

	if (ret)
		coverage_fail("stop: %d", ret);
	g->stopped = true;
}

void guest_restart(struct guest *g)
{
	struct ring_dev *dev = &g->bed.dev;
	unsigned int i;
	int ret;

	ret = ring_set_running(dev, false);
	for (i = 0; !ret && i < dev->nr_queues; i++) {
		empty_queue(&dev->queues[i]);
		ret = ring_setup_queue(&dev->queues[i]);
	}
	if (!ret)
		ret = ring_set_running(dev, true);
	if (ret)
		coverage_fail("start: %d", ret);
	memset(g->calls, 0, sizeof(g->calls));
	g->nr_calls = 0;
	g->stopped = false;
}

void guest_end(struct guest *g)
{
	guest_wait(g, RING_REQUEST, 0);
	guest_wait(g, RING_HIPRIO, 0);
	if (g->nr_calls)
		guest_restart(g);
	ring_release(&g->bed.dev, g->mark);
	if (g->changed)
		repair_tree(g);
	if (g->filled > MAX_FILLED)
		remake_tree(g);
}

static uint64_t newest(const uint64_t *slots, unsigned int nr, unsigned int back)
{
	return slots[(nr - 1 - back) % GUEST_SLOTS];
}

uint64_t guest_node(const struct guest *g, unsigned int back)
{
	if (!back)
		return FUSE_ROOT_ID;
	if (back > GUEST_SLOTS || back > g->nr_nodes)
		return back > 100 ? UINT64_MAX - back : FUSE_ROOT_ID;
	return newest(g->nodes, g->nr_nodes, back - 1);
}

uint64_t guest_handle(const struct guest *g, unsigned int back)
{
	if (back >= GUEST_SLOTS || back >= g->nr_handles)
		return back > 100 ? UINT64_MAX - back : 0;
	return newest(g->handles, g->nr_handles, back);
}

void guest_add_node(struct guest *g, uint64_t id)
{
	g->nodes[g->nr_nodes++ % GUEST_SLOTS] = id;
}

void guest_add_handle(struct guest *g, uint64_t id)
{
	g->handles[g->nr_handles++ % GUEST_SLOTS] = id;
}

int guest_send(struct guest *g, unsigned int queue, const struct guest_call *call,
	       const struct iovec *out, int nr_out, const struct iovec *in, int nr_in)
{
	int i, head = ring_submit(&g->bed.dev.queues[queue], out, nr_out, in, nr_in);

	if (head < 0)
		return head;
	/* Heads of both queues may be the same. */
	for (i = 0; i < GUEST_PENDING; i++)
		if (!g->calls[i].used)
			break;
	if (i == GUEST_PENDING)
		coverage_fail("more requests than there may be");
	g->calls[i] = *call;
	g->calls[i].used = true;
	g->calls[i].head = head | queue << 16;
	g->nr_calls++;
	return 0;
}

static void check_answer(const struct guest_call *call, uint32_t len)
{
	const struct fuse_out_header *h = call->reply;

	if (!len)
		return;
	if (len < sizeof(*h) || len > call->room || h->len != len)
		coverage_fail("opcode %u: length %u of %zu, header says %u", call->opcode,
			      len, call->room, h->len);
	if (h->error > 0 || h->error < -511 || (h->error && len != sizeof(*h)))
		coverage_fail("opcode %u: error %d, length %u", call->opcode, h->error, len);
	if (h->unique != call->unique)
		coverage_fail("opcode %u: an answer to another request", call->opcode);
}

/* Returns the number of the request that was answered. */
static uint64_t take_answer(struct guest *g, unsigned int queue, int head, uint32_t len)
{
	struct guest_call *call;

	head |= queue << 16;
	for (call = g->calls; call < g->calls + GUEST_PENDING; call++)
		if (call->used && call->head == head)
			break;
	if (call == g->calls + GUEST_PENDING)
		coverage_fail("an answer to no request");
	call->used = false;
	g->nr_calls--;
	check_answer(call, len);
	guest_answer(g, call, len);
	return call->unique;
}

/* Few system calls if the answer comes soon. */
static int wait_for(struct ring_queue *q, uint32_t *len)
{
	unsigned int i;

	for (i = 0; i < MAX_YIELDS; i++) {
		if (ring_has_used(q))
			return ring_take(q, len);
		sched_yield();
	}
	return ring_wait_for(q, len, WAIT_MS);
}

void guest_wait(struct guest *g, unsigned int queue, uint64_t unique)
{
	struct ring_queue *q = &g->bed.dev.queues[queue];
	uint32_t len;
	int head;

	while (unique ? g->nr_calls : ring_has_used(q)) {
		head = wait_for(q, &len);
		if (head == -ETIME)
			return;
		if (head < 0)
			coverage_fail("the ring is broken: %d", head);
		if (take_answer(g, queue, head, len) == unique)
			return;
	}
}
