/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guests for a fuzzer: devices on shares of several kinds, each with a session and a
 * small tree of files, which are made anew for each life (life.h).
 */
#ifndef VHOST_FS_FUZZ_GUEST_H
#define VHOST_FS_FUZZ_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "../bed.h"

/* Node and handle numbers that are remembered, the newest first. */
#define GUEST_SLOTS	16
#define GUEST_PENDING	64

/**
 * struct guest_call - a request whose answer is awaited
 * @used: this entry is
 * @head: its first descriptor
 * @opcode: its opcode
 * @unique: its number
 * @reply: where its answer goes
 * @room: how much of that there is
 */
struct guest_call {
	bool used;
	int head;
	uint32_t opcode;
	uint64_t unique;
	void *reply;
	size_t room;
};

/**
 * struct guest - a device, and what its guest knows
 * @bed: device, share and session
 * @nodes: node numbers that were given out, and @nr_nodes how many, ever
 * @handles: likewise
 * @calls: requests without an answer, and @nr_calls how many
 * @changed: names or attributes of files have been, by this input
 * @stale: the tree isn't what it is to be at the beginning of a life
 * @renew: the session has ended, or is another one
 * @stopped: the device is
 * @inputs: since the session began
 * @life: number of the life in which that was
 * @filled: requests that may have changed what is in files
 * @mark: where the memory of one input begins
 */
struct guest {
	struct bed bed;
	uint64_t nodes[GUEST_SLOTS];
	uint64_t handles[GUEST_SLOTS];
	unsigned int nr_nodes;
	unsigned int nr_handles;
	struct guest_call calls[GUEST_PENDING];
	unsigned int nr_calls;
	bool changed;
	bool stale;
	bool renew;
	bool stopped;
	unsigned int inputs;
	unsigned int life;
	unsigned int filled;
	size_t mark;
};

/* Makes all of them; ends the program if that fails. */
void guests_open(void);
/* One of them, with a session. */
struct guest *guest_begin(unsigned int kind);
/* Ends what is still waited for, and puts back files that are gone. */
void guest_end(struct guest *g);
/* Stops the device until the next call, or the next session. */
void guest_stop(struct guest *g);
/* Stops the device, and starts it with empty rings. */
void guest_restart(struct guest *g);

/* The @back newest number; the root, or a number that never was, beyond those. */
uint64_t guest_node(const struct guest *g, unsigned int back);
uint64_t guest_handle(const struct guest *g, unsigned int back);
void guest_add_node(struct guest *g, uint64_t id);
void guest_add_handle(struct guest *g, uint64_t id);

/*
 * Sends a request whose pieces are guest memory. The answer lies at @call->reply,
 * and the other members are filled in here.
 */
int guest_send(struct guest *g, unsigned int queue, const struct guest_call *call,
	       const struct iovec *out, int nr_out, const struct iovec *in, int nr_in);
/* Takes answers: until @unique's is there, or those that are if that is 0. */
void guest_wait(struct guest *g, unsigned int queue, uint64_t unique);

/* What the answers are shown to, once they have been found sound. */
void guest_answer(struct guest *g, const struct guest_call *call, uint32_t len);

#endif /* VHOST_FS_FUZZ_GUEST_H */
