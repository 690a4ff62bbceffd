// SPDX-License-Identifier: GPL-2.0-only
/*
 * A plugin of QEMU's that counts which code a benchmark makes the emulated
 * processor run. Counting is exact: each block of translated code adds up its
 * instructions as it is run.
 *
 *	-plugin count-plugin.so,out=FILE
 *
 * The benchmark marks what is measured (marker.h). At the end of the N-th stretch,
 * from 0 on, FILE.N gets a line for each block that ran: its address and how many
 * instructions were run in it.
 */
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <qemu-plugin.h>

#include "marker.h"

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

/* Blocks are there for good once they are translated; @lock guards the table. */
static struct {
	GMutex lock;
	GHashTable *blocks;
	char *out;
	unsigned int stretch;
} state;

struct block {
	uint64_t address;
	uint64_t length;
	qemu_plugin_u64 count;
};

static guint block_hash(gconstpointer p)
{
	const struct block *block = p;
	uint64_t key = block->address ^ block->length << 48;

	return g_int64_hash(&key);
}

static gboolean block_equal(gconstpointer a, gconstpointer b)
{
	const struct block *x = a, *y = b;

	return x->address == y->address && x->length == y->length;
}

/* The same code may be translated again: its count goes on. */
static struct block *find_block(uint64_t address, uint64_t length)
{
	struct block key = { .address = address, .length = length };
	struct block *block = g_hash_table_lookup(state.blocks, &key);

	if (block)
		return block;
	block = g_new(struct block, 1);
	*block = key;
	block->count = qemu_plugin_scoreboard_u64(qemu_plugin_scoreboard_new(sizeof(uint64_t)));
	g_hash_table_add(state.blocks, block);
	return block;
}

static void begin(unsigned int vcpu, void *data)
{
	GHashTableIter iter;
	gpointer block;

	(void)data;
	g_mutex_lock(&state.lock);
	g_hash_table_iter_init(&iter, state.blocks);
	while (g_hash_table_iter_next(&iter, &block, NULL))
		qemu_plugin_u64_set(((struct block *)block)->count, vcpu, 0);
	g_mutex_unlock(&state.lock);
}

static void write_counts(FILE *f)
{
	GHashTableIter iter;
	gpointer p;

	g_hash_table_iter_init(&iter, state.blocks);
	while (g_hash_table_iter_next(&iter, &p, NULL)) {
		struct block *block = p;
		uint64_t sum = qemu_plugin_u64_sum(block->count);

		if (sum)
			fprintf(f, "%" PRIx64 " %" PRIu64 "\n", block->address, sum);
	}
}

static void end(unsigned int vcpu, void *data)
{
	char *name;
	FILE *f;

	(void)vcpu;
	(void)data;
	g_mutex_lock(&state.lock);
	name = g_strdup_printf("%s.%u", state.out, state.stretch++);
	f = fopen(name, "w");
	if (f) {
		write_counts(f);
		fclose(f);
	}
	g_free(name);
	g_mutex_unlock(&state.lock);
}

/* Does something at the marker whose operand this is, if it is one. */
static void watch_marker(struct qemu_plugin_insn *insn)
{
	unsigned char code[MARKER_LENGTH];
	uint32_t operand;

	if (qemu_plugin_insn_data(insn, code, sizeof(code)) != sizeof(code) ||
	    memcmp(code, MARKER_OPCODE, sizeof(MARKER_OPCODE) - 1))
		return;
	memcpy(&operand, code + sizeof(MARKER_OPCODE) - 1, sizeof(operand));
	if (operand == MARKER_BEGIN)
		qemu_plugin_register_vcpu_insn_exec_cb(insn, begin, QEMU_PLUGIN_CB_NO_REGS, NULL);
	else if (operand == MARKER_END)
		qemu_plugin_register_vcpu_insn_exec_cb(insn, end, QEMU_PLUGIN_CB_NO_REGS, NULL);
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t i, n = qemu_plugin_tb_n_insns(tb);
	struct block *block;

	(void)id;
	g_mutex_lock(&state.lock);
	block = find_block(qemu_plugin_tb_vaddr(tb), n);
	g_mutex_unlock(&state.lock);
	qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(tb, QEMU_PLUGIN_INLINE_ADD_U64,
							  block->count, n);
	for (i = 0; i < n; i++)
		watch_marker(qemu_plugin_tb_get_insn(tb, i));
}

QEMU_PLUGIN_EXPORT
int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
	(void)info;
	if (argc != 1 || strncmp(argv[0], "out=", 4)) {
		fprintf(stderr, "count-plugin: out=FILE is needed, and nothing else\n");
		return -1;
	}
	state.out = g_strdup(argv[0] + 4);
	state.blocks = g_hash_table_new(block_hash, block_equal);
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
