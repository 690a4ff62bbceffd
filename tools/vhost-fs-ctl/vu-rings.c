// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rings of a vhost-user session: what the front end wants of each, and how
 * the device comes to serve just those.
 */
#include "vu-rings.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/vhost.h>
#include <linux/vhost_fs.h>
#include <linux/virtio_ring.h>

#include "vu-socket.h"

static void replace_fd(int *place, int fd)
{
	if (*place >= 0)
		vu_close(*place);
	*place = fd;
}

bool vu_rings_init(struct vu_rings *rings, int fd)
{
	unsigned int i;

	memset(rings, 0, sizeof(*rings));
	rings->fd = fd;
	for (i = 0; i < VU_MAX_RINGS; i++) {
		rings->rings[i].kick = -1;
		rings->rings[i].call = -1;
		rings->rings[i].err = -1;
	}
	rings->broken = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return rings->broken >= 0;
}

const char *vu_rings_reset(struct vu_rings *rings)
{
	const char *why = vu_rings_stop(rings), *error;
	unsigned int i;

	for (i = 0; i < VU_MAX_RINGS; i++) {
		struct vu_ring *ring = &rings->rings[i];

		replace_fd(&ring->kick, -1);
		replace_fd(&ring->call, -1);
		replace_fd(&ring->err, -1);
		*ring = (struct vu_ring) { .kick = -1, .call = -1, .err = -1 };
		error = vu_ring_set_base(rings, i, 0);
		why = why ? why : error;
	}
	return why;
}

void vu_rings_exit(struct vu_rings *rings)
{
	vu_rings_reset(rings);
	close(rings->broken);
}

/* Sizes of the three parts of a ring; the two event indexes are included. */
static uint64_t desc_size(uint32_t num)
{
	return (uint64_t)num * sizeof(struct vring_desc);
}

static uint64_t avail_size(uint32_t num)
{
	return sizeof(uint16_t) * (3 + (uint64_t)num);
}

static uint64_t used_size(uint32_t num)
{
	return sizeof(uint16_t) * 3 + num * (uint64_t)sizeof(struct vring_used_elem);
}

const char *vu_ring_locate(const struct vu_ring *ring, const struct vu_memory *memory,
			   struct vhost_vring_addr *addr)
{
	*addr = ring->addr;
	addr->desc_user_addr = vu_memory_find(memory, ring->addr.desc_user_addr,
					      desc_size(ring->num));
	addr->avail_user_addr = vu_memory_find(memory, ring->addr.avail_user_addr,
					       avail_size(ring->num));
	addr->used_user_addr = vu_memory_find(memory, ring->addr.used_user_addr,
					      used_size(ring->num));
	if (!addr->desc_user_addr || !addr->avail_user_addr || !addr->used_user_addr)
		return "a ring lies outside of guest memory";
	addr->log_guest_addr = vu_memory_guest(memory, ring->addr.used_user_addr);
	return NULL;
}

static bool is_logged(const struct vu_ring *ring)
{
	return ring->has_addr && ring->addr.flags & (1u << VHOST_VRING_F_LOG);
}

const char *vu_rings_check_log(const struct vu_rings *rings, const struct vu_memory *memory)
{
	bool logs = rings->log_all;
	unsigned int i;

	for (i = 0; i < VU_MAX_RINGS && !logs; i++)
		logs = is_logged(&rings->rings[i]);
	if (logs && !vu_memory_fits_log(memory, rings->log_size))
		return "the log doesn't cover guest memory";
	return NULL;
}

static int set_file(int device, unsigned long request, unsigned int index, int fd)
{
	struct vhost_vring_file file = { .index = index, .fd = fd };

	return ioctl(device, request, &file);
}

static int set_state(int device, unsigned long request, unsigned int index, uint32_t num)
{
	struct vhost_vring_state state = { .index = index, .num = num };

	return ioctl(device, request, &state);
}

/*
 * The kernel raises it, and takes eventfds only: whatever else it may be, this
 * process would wait for it, or write to it, with rights of its own.
 */
static int set_err(const struct vu_rings *rings, unsigned int index)
{
	int err = rings->rings[index].err;

	return set_file(rings->fd, VHOST_SET_VRING_ERR, index, err >= 0 ? err : rings->broken);
}

static const char *hand_over(struct vu_rings *rings, unsigned int index,
			     const struct vu_memory *memory)
{
	const struct vu_ring *ring = &rings->rings[index];
	struct vhost_vring_addr addr;
	const char *why;

	why = vu_ring_locate(ring, memory, &addr);
	if (why)
		return why;
	addr.index = index;
	if (set_state(rings->fd, VHOST_SET_VRING_NUM, index, ring->num) < 0 ||
	    ioctl(rings->fd, VHOST_SET_VRING_ADDR, &addr) < 0 ||
	    set_file(rings->fd, VHOST_SET_VRING_CALL, index, ring->call) < 0 ||
	    set_err(rings, index) < 0 ||
	    set_file(rings->fd, VHOST_SET_VRING_KICK, index, ring->kick) < 0)
		return strerror(errno);
	return NULL;
}

/* A ring without addresses is one that the device doesn't serve. */
static const char *take_back(struct vu_rings *rings, unsigned int index)
{
	struct vhost_vring_addr none = { .index = index };

	if (set_file(rings->fd, VHOST_SET_VRING_KICK, index, -1) < 0 ||
	    ioctl(rings->fd, VHOST_SET_VRING_ADDR, &none) < 0)
		return strerror(errno);
	return NULL;
}

static int set_running(struct vu_rings *rings, bool running)
{
	struct vhost_fs_running arg = { .size = sizeof(arg), .running = running };

	if (ioctl(rings->fd, VHOST_FS_SET_RUNNING, &arg) < 0)
		return -1;
	rings->running = running;
	return 0;
}

const char *vu_rings_stop(struct vu_rings *rings)
{
	const char *why = NULL;
	unsigned int i;

	if (rings->running && set_running(rings, false) < 0)
		return strerror(errno);
	for (i = 0; i < VU_MAX_RINGS; i++) {
		const char *error;

		if (!rings->rings[i].served)
			continue;
		error = take_back(rings, i);
		why = why ? why : error;
		rings->rings[i].served = false;
	}
	return why;
}

static bool is_wanted(const struct vu_ring *ring)
{
	return ring->num && ring->has_addr && ring->started && ring->enabled;
}

/* Returns whether there is enough to start with. */
static bool choose(const struct vu_rings *rings, bool wanted[VU_MAX_RINGS])
{
	unsigned int i, requests = 0;

	for (i = 0; i < VU_MAX_RINGS; i++) {
		wanted[i] = is_wanted(&rings->rings[i]);
		requests += i && wanted[i];
	}
	return wanted[0] && requests;
}

static bool are_served(const struct vu_rings *rings, const bool wanted[VU_MAX_RINGS])
{
	unsigned int i;

	for (i = 0; i < VU_MAX_RINGS; i++)
		if (rings->rings[i].served != wanted[i])
			return false;
	return true;
}

const char *vu_rings_update(struct vu_rings *rings, const struct vu_memory *memory)
{
	bool wanted[VU_MAX_RINGS], enough = choose(rings, wanted);
	const char *why;
	unsigned int i;

	if (rings->running == enough && (!enough || are_served(rings, wanted)))
		return NULL;
	why = vu_rings_stop(rings);
	if (why || !enough)
		return why;
	why = vu_rings_check_log(rings, memory);
	if (why)
		return why;
	for (i = 0; i < VU_MAX_RINGS; i++) {
		if (!wanted[i])
			continue;
		why = hand_over(rings, i, memory);
		if (why)
			return why;
		rings->rings[i].served = true;
	}
	return set_running(rings, true) < 0 ? strerror(errno) : NULL;
}

const char *vu_ring_set_addr(struct vu_rings *rings, unsigned int index,
			     const struct vhost_vring_addr *addr,
			     const struct vu_memory *memory)
{
	struct vu_ring *ring = &rings->rings[index];
	struct vu_ring before = *ring;
	struct vhost_vring_addr here;
	const char *why;

	ring->addr = *addr;
	ring->has_addr = true;
	why = vu_ring_locate(ring, memory, &here);
	if (!why && rings->running)
		why = vu_rings_check_log(rings, memory);
	here.index = index;
	if (!why && ring->served && ioctl(rings->fd, VHOST_SET_VRING_ADDR, &here) < 0)
		why = strerror(errno);
	if (why)
		*ring = before;
	return why;
}

const char *vu_ring_set_call(struct vu_rings *rings, unsigned int index, int fd)
{
	struct vu_ring *ring = &rings->rings[index];

	replace_fd(&ring->call, fd);
	if (ring->served && set_file(rings->fd, VHOST_SET_VRING_CALL, index, fd) < 0)
		return strerror(errno);
	return NULL;
}

const char *vu_ring_set_err(struct vu_rings *rings, unsigned int index, int fd)
{
	struct vu_ring *ring = &rings->rings[index];

	replace_fd(&ring->err, fd);
	return ring->served && set_err(rings, index) < 0 ? strerror(errno) : NULL;
}

const char *vu_ring_set_kick(struct vu_rings *rings, unsigned int index, int fd)
{
	struct vu_ring *ring = &rings->rings[index];

	replace_fd(&ring->kick, fd);
	ring->started = true;
	if (ring->served && set_file(rings->fd, VHOST_SET_VRING_KICK, index, fd) < 0)
		return strerror(errno);
	return NULL;
}

void vu_rings_use(struct vu_rings *rings, int fd)
{
	unsigned int i;

	/* Others may hold it, and it is to be nobody's then. */
	ioctl(rings->fd, VHOST_RESET_OWNER);
	vu_close(rings->fd);
	rings->fd = fd;
	for (i = 0; i < VU_MAX_RINGS; i++)
		rings->rings[i].stands = true;
}

bool vu_rings_any_started(const struct vu_rings *rings)
{
	unsigned int i;

	for (i = 0; i < VU_MAX_RINGS; i++)
		if (rings->rings[i].started)
			return true;
	return false;
}

void vu_rings_forget_base(struct vu_rings *rings)
{
	unsigned int i;

	for (i = 0; i < VU_MAX_RINGS; i++)
		rings->rings[i].stands = false;
}

const char *vu_ring_set_base(struct vu_rings *rings, unsigned int index, uint32_t base)
{
	if (rings->rings[index].stands)
		return NULL;
	return set_state(rings->fd, VHOST_SET_VRING_BASE, index, base) < 0 ?
	       strerror(errno) : NULL;
}

const char *vu_ring_get_base(struct vu_rings *rings, unsigned int index, uint32_t *base)
{
	struct vhost_vring_state state = { .index = index };

	if (ioctl(rings->fd, VHOST_GET_VRING_BASE, &state) < 0)
		return strerror(errno);
	*base = state.num;
	rings->rings[index].stands = false;
	return NULL;
}

void vu_ring_forget_kick(struct vu_ring *ring)
{
	replace_fd(&ring->kick, -1);
	ring->started = false;
}

void vu_rings_clear_broken(struct vu_rings *rings)
{
	eventfd_t count;

	eventfd_read(rings->broken, &count);
}
