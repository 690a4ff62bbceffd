// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzz target: sequences of FUSE requests, of a guest that has nodes and handles,
 * had some, and makes some up, while the host changes files too.
 *
 * An input is the kind of guest, and then steps of one size each, so that changing
 * one of them leaves the others what they are.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fuse.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "coverage.h"
#include "grammar.h"
#include "guest.h"
#include "life.h"
#include "steps.h"

#define MAX_STEPS	36
#define MAX_REQUEST	20000
#define MAX_REPLY	9000
#define NR_VALUES	6

/* What is wrong with a request, or unusual. */
#define ODD_LENGTH	1	/* the header's */
#define ODD_SHORT	2	/* arguments end too early */
#define ODD_LONG	4	/* something follows */
#define ODD_GROUPS	8	/* an extension */
#define ODD_LABEL	16	/* another one */
#define ODD_USER	32	/* not root */
#define ODD_HIPRIO	64	/* the other queue */
#define ODD_NO_WAIT	128	/* the next request follows at once */

/**
 * struct step - a request, or something that the host does
 * @op: row of the grammar, or, above those, what the host does
 * @node: whom it is about
 * @name: first name, and @name2 the second one
 * @room: for the answer; 0 for enough
 * @layout: pieces of the chain
 * @odd: see above
 * @fill: byte that data is made of
 * @values: what the arguments are made of, in turn
 */
struct step {
	uint8_t op;
	uint8_t node;
	uint8_t name;
	uint8_t name2;
	uint8_t room;
	uint8_t layout;
	uint8_t odd;
	uint8_t fill;
	uint64_t values[NR_VALUES];
} __attribute__((packed));

/* A request as it is put together. */
struct request {
	uint8_t bytes[MAX_REQUEST];
	size_t size;
	size_t data;	/* length of what follows arguments and names */
};

static bool is_raw(uint64_t value)
{
	return value >> 60;
}

static uint64_t wide_field(const struct guest *g, char type, uint64_t value)
{
	switch (type) {
	case 'n':
		return guest_node(g, value & 0xff);
	case 'h':
		return guest_handle(g, value & 0xff);
	case 'o':
		return is_raw(value) ? value : value & 0x3fff;
	default:
		return value;
	}
}

static uint32_t ioctl_number(uint64_t value)
{
	static const uint32_t numbers[] = {
		0x80086601, 0x40086602, 0x801c581f, 0x401c5820, 0x80047601, 0x40047602,
		0x40806685, 0xc0046686, 0x40049409, 0x4020940d, 0xc018937e, 0x5421,
	};

	return is_raw(value) ? value : numbers[value % (sizeof(numbers) / sizeof(numbers[0]))];
}

static uint32_t narrow_field(char type, uint64_t value, size_t data)
{
	switch (type) {
	case 's':
		return is_raw(value) ? value : value & 0x1fff;
	case 'd':
		return is_raw(value) ? value : data;
	case 'O':
		return is_raw(value) ? value : value & (O_ACCMODE | O_CREAT | O_EXCL | O_TRUNC |
						       O_APPEND | O_DIRECT | O_DIRECTORY |
						       O_NOFOLLOW | O_SYNC | O_NOATIME | O_PATH);
	case 'c':
		return ioctl_number(value);
	case 'z':
		return is_raw(value) ? value : 0;
	default:
		return value;
	}
}

static void put(struct request *r, const void *from, size_t size)
{
	if (r->size + size > sizeof(r->bytes))
		size = sizeof(r->bytes) - r->size;
	memcpy(r->bytes + r->size, from, size);
	r->size += size;
}

static void put_fields(struct request *r, const struct guest *g, const struct step *s,
		       const char *fields)
{
	unsigned int i;

	for (i = 0; fields[i]; i++) {
		uint64_t value = s->values[i % NR_VALUES];
		uint64_t wide = wide_field(g, fields[i], value);
		uint32_t narrow = narrow_field(fields[i], value, r->data);

		if (strchr("nhot", fields[i]))
			put(r, &wide, sizeof(wide));
		else
			put(r, &narrow, sizeof(narrow));
	}
}

static void put_forgets(struct request *r, const struct guest *g, const struct step *s,
			unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		struct fuse_forget_one one = {
			.nodeid = guest_node(g, (s->node + i) & 0xff),
			.nlookup = s->values[i % NR_VALUES],
		};

		put(r, &one, sizeof(one));
	}
}

/* An access control list, capabilities, or any bytes. */
static void put_value(struct request *r, const struct step *s, size_t size)
{
	static const struct {
		uint32_t version;
		struct { uint16_t tag, perm; uint32_t id; } entries[4];
	} acl = { 2, { { 1, 7, -1 }, { 4, 5, -1 }, { 16, 5, -1 }, { 32, 5, -1 } } };
	static const uint32_t capabilities[] = { 0x02000001, 1, 0, 0, 0 };
	uint8_t byte = s->fill;
	size_t i;

	if (s->fill == 1)
		put(r, &acl, size < sizeof(acl) ? size : sizeof(acl));
	else if (s->fill == 2)
		put(r, capabilities, size < 20 ? size : 20);
	else
		for (i = 0; i < size; i++)
			put(r, &byte, 1);
}

static size_t data_size(const struct grammar_op *op, const struct step *s)
{
	switch (op->data) {
	case DATA_BYTES:
		return s->values[5] & 0x1fff;
	case DATA_FORGETS:
		return s->values[5] & 0xf;
	case DATA_VALUE:
		return s->fill == 1 ? 36 : s->fill == 2 ? 20 : s->values[5] & 0xff;
	default:
		return 0;
	}
}

static void put_data(struct request *r, const struct guest *g, const struct step *s,
		     const struct grammar_op *op)
{
	static uint8_t bytes[0x2000];

	switch (op->data) {
	case DATA_BYTES:
		memset(bytes, s->fill, r->data);
		memcpy(bytes, s->values, r->data < sizeof(s->values) ? r->data :
		       sizeof(s->values));
		put(r, bytes, r->data);
		break;
	case DATA_FORGETS:
		put_forgets(r, g, s, r->data);
		break;
	case DATA_VALUE:
		put_value(r, s, r->data);
		break;
	}
}

/* In units of 8 bytes, as the header says it. */
static unsigned int put_extensions(struct request *r, const struct step *s)
{
	size_t start;
	uint32_t words[8] = { 24, 31, s->values[0], s->values[1], 1000, 0 };
	struct {
		uint32_t size, type, total, nr;
		uint32_t label_size, padding;
		char text[40];
	} label = { sizeof(label), 0, sizeof(label) - 8, 1, 4, 0, "security.selinux\0lab" };

	while (r->size % 8)
		put(r, "", 1);
	start = r->size;
	if (s->odd & ODD_GROUPS) {
		words[2] = s->values[0] & 3;
		put(r, words, 24);
	}
	if (s->odd & ODD_LABEL) {
		label.label_size = s->values[2] & 0x1f;
		label.type = s->values[3] & 0xff;
		put(r, &label, sizeof(label));
	}
	return (r->size - start) / 8;
}

static void put_request(struct request *r, struct guest *g, const struct step *s,
			const struct grammar_op *op, uint64_t unique)
{
	struct fuse_in_header h = {
		.opcode = op->opcode, .unique = unique, .pid = 1,
		.nodeid = guest_node(g, s->node),
	};

	r->size = 0;
	r->data = data_size(op, s);
	put(r, &h, sizeof(h));
	put_fields(r, g, s, op->fields);
	if (op->names > 0)
		put(r, grammar_name(s->name), strlen(grammar_name(s->name)) + 1);
	if (op->names > 1)
		put(r, grammar_name(s->name2), strlen(grammar_name(s->name2)) + 1);
	put_data(r, g, s, op);
	if (s->odd & (ODD_GROUPS | ODD_LABEL))
		h.total_extlen = put_extensions(r, s);
	if (s->odd & ODD_LONG)
		put(r, s->values, s->values[4] & 0x1f);
	if (s->odd & ODD_SHORT && r->size > sizeof(h))
		r->size -= s->values[4] % (r->size - sizeof(h) + 1);
	h.len = r->size + (s->odd & ODD_LENGTH ? (int8_t)s->values[3] : 0);
	if (s->odd & ODD_USER) {
		h.uid = s->values[4] >> 8 & 0xffff;
		h.gid = s->values[4] >> 24 & 0xffff;
	}
	memcpy(r->bytes, &h, sizeof(h));
}

/* The same bytes in up to eight pieces. */
static int cut(struct iovec *iov, void *base, size_t size, unsigned int pieces)
{
	size_t each = size / pieces, at = 0;
	unsigned int i, n = 0;

	for (i = 0; i < pieces; i++) {
		size_t len = i == pieces - 1 ? size - at : each;

		if (!len)
			continue;
		iov[n].iov_base = (char *)base + at;
		iov[n++].iov_len = len;
		at += len;
	}
	return n;
}

static void run_request(struct guest *g, const struct step *s, const struct grammar_op *op)
{
	struct ring_dev *dev = &g->bed.dev;
	unsigned int queue = s->odd & ODD_HIPRIO ? RING_HIPRIO : RING_REQUEST;
	struct iovec out[8], in[8];
	static struct request r;
	struct guest_call call = {
		.opcode = op->opcode, .unique = g->bed.fuse.unique += 2,
		.room = s->room ? (s->room & 0x7f) * 8 : MAX_REPLY,
	};
	int nr_out, nr_in;
	void *bytes;

	put_request(&r, g, s, op, call.unique);
	bytes = ring_alloc(dev, r.size);
	memcpy(bytes, r.bytes, r.size);
	call.reply = ring_alloc(dev, call.room);
	memset(call.reply, 0, call.room < 256 ? call.room : 256);
	nr_out = cut(out, bytes, r.size, 1 + (s->layout & 7));
	nr_in = cut(in, call.reply, call.room, 1 + (s->layout >> 3 & 7));
	life_steps++;
	if (op->flags & FILLS)
		g->filled++;
	if (op->opcode == FUSE_INIT || op->opcode == FUSE_DESTROY)
		g->renew = true;
	if (guest_send(g, queue, &call, out, nr_out, in, nr_in))
		return;
	if (!(s->odd & ODD_NO_WAIT) && !(op->flags & WAITS))
		guest_wait(g, queue, call.unique);
}

static const struct grammar_op *row_of(uint32_t opcode)
{
	unsigned int i;

	for (i = 0; i < grammar_size; i++)
		if (grammar[i].opcode == opcode)
			return &grammar[i];
	return NULL;
}

void guest_answer(struct guest *g, const struct guest_call *call, uint32_t len)
{
	const struct grammar_op *op = row_of(call->opcode);
	const struct fuse_out_header *h = call->reply;
	const char *body = (const char *)(h + 1);
	size_t size = len - sizeof(struct fuse_out_header);
	struct fuse_direntplus plus;
	uint64_t number;

	if (!op || len < sizeof(struct fuse_out_header) || h->error)
		return;
	if (op->flags & CHANGES)
		g->changed = true;
	if (call->opcode == FUSE_READDIRPLUS && size >= sizeof(plus)) {
		memcpy(&plus, body, sizeof(plus));
		if (plus.entry_out.nodeid)
			guest_add_node(g, plus.entry_out.nodeid);
		return;
	}
	if (op->flags & BRINGS_NODE && size >= sizeof(struct fuse_entry_out)) {
		memcpy(&number, body, sizeof(number));
		if (number)
			guest_add_node(g, number);
		body += sizeof(struct fuse_entry_out);
		size -= sizeof(struct fuse_entry_out);
	}
	if (op->flags & BRINGS_HANDLE && size >= sizeof(number)) {
		memcpy(&number, body, sizeof(number));
		guest_add_handle(g, number);
	}
}

/* What it has now is taken from it, and given back. */
static void save_and_load(struct guest *g)
{
	struct vhost_fs_device_state_result result = { .size = sizeof(result) };
	struct vhost_fs_device_state_fd arg = {
		.size = sizeof(arg), .direction = VHOST_FS_STATE_SAVE,
		.fd = memfd_create("state", MFD_CLOEXEC),
	};
	int fd = g->bed.dev.fd;

	if (!ring_set_running(&g->bed.dev, false) &&
	    !ring_ioctl(fd, VHOST_FS_SET_DEVICE_STATE_FD, &arg) &&
	    !ring_ioctl(fd, VHOST_FS_CHECK_DEVICE_STATE, &result) && !result.error) {
		lseek(arg.fd, 0, SEEK_SET);
		arg.direction = VHOST_FS_STATE_LOAD;
		if (!ring_ioctl(fd, VHOST_FS_SET_DEVICE_STATE_FD, &arg))
			ring_ioctl(fd, VHOST_FS_CHECK_DEVICE_STATE, &result);
	}
	close(arg.fd);
	guest_restart(g);
}

static void set_limits(struct guest *g, const struct step *s)
{
	struct vhost_fs_set_share arg = {
		.size = sizeof(arg), .flags = s->values[0] & 0x3f,
		.max_nodes = s->values[1], .max_handles = s->values[2],
		.max_blocked = s->values[3], .entry_timeout_ns = s->values[4],
		.attr_timeout_ns = s->values[4], .negative_timeout_ns = s->values[5],
	};
	const struct vhost_fs_set_share all = {
		.size = sizeof(arg), .flags = 7, .max_nodes = 1000, .max_handles = 1000,
		.max_blocked = 8,
	};

	memcpy(arg.name, g->bed.share, sizeof(arg.name));
	if (!ring_ioctl(g->bed.dev.fd, VHOST_FS_SET_SHARE, &arg)) {
		/* For the next input. */
		arg = all;
		memcpy(arg.name, g->bed.share, sizeof(arg.name));
		ring_ioctl(g->bed.dev.fd, VHOST_FS_SET_SHARE, &arg);
	}
}

static int host_truncate(int dir, const char *name, off_t size)
{
	int fd = openat(dir, name, O_RDWR | O_CREAT | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC, 0644);
	int ret = fd < 0 ? -1 : ftruncate(fd, size);

	if (fd >= 0)
		close(fd);
	return ret;
}

static void run_host(struct guest *g, const struct step *s, unsigned int what)
{
	const char *name = grammar_name(s->name % 9), *name2 = grammar_name(s->name2 % 9);
	int dir = g->bed.fd, ret = -1;

	switch (what % 9) {
	case 0:
		ret = renameat2(dir, name, dir, name2, s->values[0] & 3);
		break;
	case 1:
		ret = unlinkat(dir, name, s->values[0] & 1 ? AT_REMOVEDIR : 0);
		break;
	case 2:
		ret = mkdirat(dir, name, 0777);
		break;
	case 3:
		ret = symlinkat(name2, dir, name);
		break;
	case 4:
		ret = host_truncate(dir, name, s->values[0] & 0x3fff);
		break;
	case 5:
		ret = linkat(dir, name, dir, name2, 0);
		break;
	case 6:
		guest_restart(g);
		break;
	case 7:
		save_and_load(g);
		break;
	default:
		set_limits(g, s);
	}
	if (!ret)
		g->changed = true;
}

static void run_step(struct guest *g, const struct step *s)
{
	unsigned int row = s->op;

	if (row < grammar_size)
		run_request(g, s, &grammar[row]);
	else
		run_host(g, s, row - grammar_size);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	coverage_begin();
	guests_open();
	return 0;
}

void target_input(const uint8_t *data, size_t size)
{
	struct guest *g = guest_begin(data[0]);
	struct step s;
	size_t at;

	for (at = 1; at + sizeof(s) <= size && at < 1 + MAX_STEPS * sizeof(s); at += sizeof(s)) {
		memcpy(&s, data + at, sizeof(s));
		run_step(g, &s);
	}
	guest_end(g);
}

/* Mutations that know what a step is. */

static void random_step(void *step)
{
	struct step *s = step;
	unsigned int i;

	memset(s, 0, sizeof(*s));
	/* The host's doings and the odd ones seldom. */
	s->op = rand() % (rand() % 8 ? grammar_size : grammar_size + 9);
	s->node = rand() % 2 ? 0 : rand() % 5;
	s->name = rand() % 9;
	s->name2 = rand() % 9;
	s->fill = rand() % 4;
	if (rand() % 8 == 0)
		s->odd = 1 << rand() % 8;
	if (rand() % 8 == 0)
		s->layout = rand();
	for (i = 0; i < NR_VALUES; i++)
		s->values[i] = rand() % 2 ? 0 : steps_number();
}

static void change_step(void *step)
{
	struct step *s = step;

	switch (rand() % 8) {
	case 0:
		s->op = rand() % (grammar_size + 9);
		break;
	case 1:
		s->node = rand() % 8 ? rand() % 6 : rand();
		break;
	case 2:
		s->name = rand() % 30;
		s->name2 = rand() % 30;
		break;
	case 3:
		s->odd ^= 1 << rand() % 8;
		break;
	case 4:
		s->room = rand() % 2 ? 0 : rand();
		s->layout = rand();
		break;
	case 5:
		s->fill = rand() % 4;
		break;
	default:
		s->values[rand() % NR_VALUES] = steps_number();
	}
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
	static const struct steps steps = {
		1, sizeof(struct step), MAX_STEPS, random_step, change_step,
	};

	return steps_mutate(&steps, data, size, max, seed);
}
