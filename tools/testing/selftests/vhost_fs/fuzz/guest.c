// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guests for a fuzzer; see guest.h.
 */
#include "guest.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "coverage.h"

/* An answer that takes longer than this waits for a lock, or never comes. */
#define WAIT_MS		50

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

static void make_file(int dir, const char *name, mode_t mode, size_t size)
{
	static const char data[8192];
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, mode);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size || fchmod(fd, mode))
		err(1, "%s", name);
	close(fd);
}

static void make_tree(struct guest *g)
{
	int dir = g->bed.fd;

	make_file(dir, "f", 0644, 5000);
	make_file(dir, "x", 06755, 10);
	if (mkdirat(dir, "d", 0777) || symlinkat("f", dir, "l") ||
	    symlinkat("/etc", dir, "out") || mkfifoat(dir, "p", 0666))
		err(1, "tree");
	make_file(dir, "d/f", 0600, 100);
	if (fsetxattr(dir, "user.x", "1", 1, 0))
		err(1, "attribute");
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	if (ftw->level && remove(path) && type == FTW_DP && rmdir(path))
		err(1, "%s", path);
	return 0;
}

static void remake_tree(struct guest *g)
{
	if (nftw(g->bed.dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT))
		err(1, "%s", g->bed.dir);
	fremovexattr(g->bed.fd, "system.posix_acl_access");
	fremovexattr(g->bed.fd, "system.posix_acl_default");
	if (fchown(g->bed.fd, 0, 0) || fchmod(g->bed.fd, 0755))
		err(1, "%s", g->bed.dir);
	make_tree(g);
	g->changed = false;
	g->filled = 0;
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
		make_tree(&guests[i]);
	}
}

struct guest *guest_begin(unsigned int kind)
{
	struct guest *g = &guests[kind % NR_KINDS];
	int ret;

	g->nr_nodes = 0;
	g->nr_handles = 0;
	ret = fuse_init(&g->bed.fuse);
	if (ret)
		coverage_fail("INIT: %d", ret);
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
}

void guest_end(struct guest *g)
{
	int ret;

	guest_wait(g, RING_REQUEST, 0);
	guest_wait(g, RING_HIPRIO, 0);
	if (g->nr_calls)
		guest_restart(g);
	ret = fuse_destroy(&g->bed.fuse);
	/* A session that an input has ended can't be ended again. */
	if (ret && ret != -EIO)
		coverage_fail("DESTROY: %d", ret);
	ring_release(&g->bed.dev, g->mark);
	if (g->changed || g->filled > MAX_FILLED)
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

void guest_wait(struct guest *g, unsigned int queue, uint64_t unique)
{
	struct ring_queue *q = &g->bed.dev.queues[queue];
	uint32_t len;
	int head;

	while (unique ? g->nr_calls : ring_has_used(q)) {
		head = ring_wait_for(q, &len, WAIT_MS);
		if (head == -ETIME)
			return;
		if (head < 0)
			coverage_fail("the ring is broken: %d", head);
		if (take_answer(g, queue, head, len) == unique)
			return;
	}
}
