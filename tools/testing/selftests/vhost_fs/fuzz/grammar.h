/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What requests look like: a row for each opcode, and for each thing that a host
 * does meanwhile.
 */
#ifndef VHOST_FS_FUZZ_GRAMMAR_H
#define VHOST_FS_FUZZ_GRAMMAR_H

#include <stdint.h>

/* What follows arguments and names. */
enum grammar_data {
	DATA_NONE,
	DATA_BYTES,	/* any */
	DATA_FORGETS,	/* nodes and counts */
	DATA_VALUE,	/* of an attribute */
};

/* What an answer brings. */
#define BRINGS_NODE	1
#define BRINGS_HANDLE	2
#define CHANGES		4	/* names or attributes, if there is no error */
#define FILLS		8	/* files */
#define WAITS		16	/* for a lock, maybe */

/**
 * struct grammar_op - a row
 * @opcode: FUSE_*
 * @fields: a letter for each member of the arguments:
 *	n node, h handle, o offset, t any 64 bits; s size, f any 32 bits, m mode,
 *	O open flags, u user, c the ioctl's number, d length of the data, z zero
 * @names: names after that
 * @data: enum grammar_data
 * @flags: see above
 */
struct grammar_op {
	uint8_t opcode;
	const char *fields;
	uint8_t names;
	uint8_t data;
	uint8_t flags;
};

extern const struct grammar_op grammar[];
extern const unsigned int grammar_size;

/* A name of a file or an attribute, or something like it. */
const char *grammar_name(unsigned int number);

#endif /* VHOST_FS_FUZZ_GRAMMAR_H */
