// SPDX-License-Identifier: GPL-2.0-only
/*
 * The server is vhost_fs.ko: /dev/vhost-fs, driven as a VMM does.
 */
#include <err.h>
#include <fcntl.h>
#include <linux/vhost.h>
#include <linux/vhost_fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include "loopbackd.h"

static void call(struct server *server, unsigned long request, void *arg, const char *what)
{
	if (ioctl(server->fd, request, arg))
		err(1, "%s", what);
}

static void set_memory(struct server *server)
{
	const struct memory *memory = server->memory;
	struct vhost_memory *table;
	unsigned int i;

	table = calloc(1, sizeof(*table) + memory->n * sizeof(table->regions[0]));
	if (!table)
		errx(1, "out of memory");
	table->nregions = memory->n;
	for (i = 0; i < memory->n; i++) {
		table->regions[i].guest_phys_addr = memory->regions[i].phys;
		table->regions[i].memory_size = memory->regions[i].size;
		table->regions[i].userspace_addr = (uintptr_t)memory->regions[i].virt;
	}
	call(server, VHOST_SET_MEM_TABLE, table, "VHOST_SET_MEM_TABLE");
	free(table);
}

static void take_share(struct server *server)
{
	struct vhost_fs_share_name share = { .size = sizeof(share) };

	if (strlen(server->name) > VHOST_FS_SHARE_NAME_MAX)
		errx(1, "share name '%s' is longer than %d", server->name, VHOST_FS_SHARE_NAME_MAX);
	memcpy(share.name, server->name, strlen(server->name));
	call(server, VHOST_FS_ATTACH_SHARE, &share, "can't attach the share");
}

static void vhost_open(struct server *server)
{
	server->fd = open("/dev/vhost-fs", O_RDWR | O_CLOEXEC);
	if (server->fd < 0)
		err(1, "can't open /dev/vhost-fs");
	server->error_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (server->error_fd < 0)
		err(1, "eventfd");
	take_share(server);
	call(server, VHOST_SET_OWNER, NULL, "VHOST_SET_OWNER");
	set_memory(server);
}

static void set_ring(struct server *server, unsigned int i, const struct loopback_ring *ring)
{
	struct vhost_vring_state num = { .index = i, .num = ring->size };
	struct vhost_vring_state base = { .index = i };
	struct vhost_vring_file kick = { .index = i, .fd = server->kick[i] };
	struct vhost_vring_file used = { .index = i, .fd = server->call[i] };
	struct vhost_vring_file error = { .index = i, .fd = server->error_fd };
	struct vhost_vring_state busyloop = { .index = i, .num = server->busyloop_us };
	struct vhost_vring_addr addr = {
		.index = i,
		.desc_user_addr = memory_virt(server->memory, ring->desc),
		.avail_user_addr = memory_virt(server->memory, ring->avail),
		.used_user_addr = memory_virt(server->memory, ring->used),
	};

	call(server, VHOST_SET_VRING_NUM, &num, "VHOST_SET_VRING_NUM");
	call(server, VHOST_SET_VRING_BASE, &base, "VHOST_SET_VRING_BASE");
	call(server, VHOST_SET_VRING_ADDR, &addr, "VHOST_SET_VRING_ADDR");
	call(server, VHOST_SET_VRING_ERR, &error, "VHOST_SET_VRING_ERR");
	call(server, VHOST_SET_VRING_CALL, &used, "VHOST_SET_VRING_CALL");
	call(server, VHOST_SET_VRING_KICK, &kick, "VHOST_SET_VRING_KICK");
	if (server->busyloop_us)
		call(server, VHOST_SET_VRING_BUSYLOOP_TIMEOUT, &busyloop,
		     "VHOST_SET_VRING_BUSYLOOP_TIMEOUT");
}

static void set_running(struct server *server, unsigned int running)
{
	struct vhost_fs_running arg = { .size = sizeof(arg), .running = running };

	call(server, VHOST_FS_SET_RUNNING, &arg, "VHOST_FS_SET_RUNNING");
}

static void vhost_start(struct server *server, const struct loopback_state *state)
{
	uint64_t features = state->features;
	unsigned int i;

	call(server, VHOST_SET_FEATURES, &features, "VHOST_SET_FEATURES");
	for (i = 0; i < server->nqueues; i++)
		if (state->rings[i].size)
			set_ring(server, i, &state->rings[i]);
	set_running(server, 1);
}

static void vhost_stop(struct server *server)
{
	set_running(server, 0);
}

const struct server_ops vhost_ops = {
	.open = vhost_open,
	.start = vhost_start,
	.stop = vhost_stop,
};
