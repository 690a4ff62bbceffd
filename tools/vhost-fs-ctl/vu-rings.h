/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rings of a vhost-user session and the device that serves them.
 *
 * The protocol starts and stops each ring by itself; the device starts and stops
 * as a whole. So what the front end wants is noted for each ring, and the device
 * is stopped and started again when the set of rings to be served has changed.
 * It begins with the hiprio ring and at least one other.
 *
 * Where a ring stands, only the device knows: it goes on counting whatever becomes
 * of this process.
 */
#ifndef CTL_VU_RINGS_H
#define CTL_VU_RINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "vu-memory.h"
#include "vu-message.h"

/**
 * struct vu_ring - a ring, as the front end describes it
 * @num: its size, or 0
 * @has_addr: @addr counts
 * @addr: where it is, in the front end's addresses
 * @kick: eventfd to wait for, or -1
 * @call: eventfd to raise, or -1
 * @err: eventfd to raise when the ring is broken, or -1
 * @started: it has been given @kick since it was stopped
 * @enabled: it may be served
 * @served: the device serves it
 * @stands: it is served from where the device has it, whatever base is set
 */
struct vu_ring {
	uint32_t num;
	bool has_addr;
	struct vhost_vring_addr addr;
	int kick;
	int call;
	int err;
	bool started;
	bool enabled;
	bool served;
	bool stands;
};

/**
 * struct vu_rings - all rings, and their device
 * @fd: /dev/vhost-fs
 * @broken: eventfd that the device raises when a ring without @err breaks the rules
 * @running: the device serves those with @served
 * @log_all: it is to log what it writes to guest memory
 * @log_size: bytes of the dirty log; 0 without one
 * @rings: the rings
 */
struct vu_rings {
	int fd;
	int broken;
	bool running;
	bool log_all;
	uint64_t log_size;
	struct vu_ring rings[VU_MAX_RINGS];
};

/* Rings that nobody has described, of the device @fd. False without memory. */
bool vu_rings_init(struct vu_rings *rings, int fd);

/*
 * Stops the device and forgets all that the front end has said. Returns NULL, or
 * what is wrong.
 */
const char *vu_rings_reset(struct vu_rings *rings);

/* The same, and closes what vu_rings_init() opened. */
void vu_rings_exit(struct vu_rings *rings);

/*
 * Has the device serve the rings that are to be served now. Returns NULL, or
 * what is wrong.
 */
const char *vu_rings_update(struct vu_rings *rings, const struct vu_memory *memory);

/* Has it serve none, until the next vu_rings_update(). */
const char *vu_rings_stop(struct vu_rings *rings);

/*
 * The kernel writes to the log wherever a guest address says, and knows nothing
 * of the log's end; so while anything is logged, the log must cover all of
 * guest memory. Returns NULL, or what is wrong.
 */
const char *vu_rings_check_log(const struct vu_rings *rings, const struct vu_memory *memory);

/*
 * Where is @ring to be found? What it says of the log counts for nothing: the
 * used ring is where it is. Returns NULL, or what is wrong.
 */
const char *vu_ring_locate(const struct vu_ring *ring, const struct vu_memory *memory,
			   struct vhost_vring_addr *addr);

/* Takes an address, a call, a kick or an error eventfd on while the ring is served, too. */
const char *vu_ring_set_addr(struct vu_rings *rings, unsigned int index,
			     const struct vhost_vring_addr *addr,
			     const struct vu_memory *memory);
const char *vu_ring_set_call(struct vu_rings *rings, unsigned int index, int fd);
const char *vu_ring_set_err(struct vu_rings *rings, unsigned int index, int fd);
const char *vu_ring_set_kick(struct vu_rings *rings, unsigned int index, int fd);

/*
 * Has the rings served by @fd, another device, which knows where each stands. None is
 * served now.
 */
void vu_rings_use(struct vu_rings *rings, int fd);

/* Has any been given a kick eventfd since it was stopped? */
bool vu_rings_any_started(const struct vu_rings *rings);

/* The front end knows itself from where it wants each served. */
void vu_rings_forget_base(struct vu_rings *rings);

/* Where a ring that isn't served is to be served from, and where it stands. */
const char *vu_ring_set_base(struct vu_rings *rings, unsigned int index, uint32_t base);
const char *vu_ring_get_base(struct vu_rings *rings, unsigned int index, uint32_t *base);

/* The ring isn't to be served until it gets a kick eventfd again. */
void vu_ring_forget_kick(struct vu_ring *ring);

/* After @broken was raised: makes ready for the next time. */
void vu_rings_clear_broken(struct vu_rings *rings);

#endif /* CTL_VU_RINGS_H */
