// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device states as text and as JSON.
 */
#include "print-state.h"

#include <fcntl.h>
#include <inttypes.h>

/* What the guest has agreed to, by name. */
struct opt {
	const char *name;
	bool on;
};

#define NR_OPTS 4

static void list_opts(const struct vhost_fs_state_opts *opts, struct opt *list)
{
	list[0] = (struct opt){ "writeback", opts->writeback };
	list[1] = (struct opt){ "announce_submounts", opts->announce_submounts };
	list[2] = (struct opt){ "posix_acl", opts->posix_acl };
	list[3] = (struct opt){ "sup_group_extension", opts->sup_group_extension };
}

/*
 * UTF-8 as it is, as JSON has it too, but for control characters: no terminal is
 * to obey what a file is called. Those of U+0080 to U+009F are c2 and a byte
 * below a0.
 */
static void quoted(FILE *out, const struct vhost_fs_state_bytes *bytes)
{
	uint32_t i;

	fputc('"', out);
	for (i = 0; i < bytes->len; i++) {
		u8 c = bytes->data[i];

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			fprintf(out, "\\u%04x", c);
		else if (c == 0xc2 && bytes->data[i + 1] < 0xa0)
			fprintf(out, "\\u%04x", bytes->data[++i]);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

static void hex(FILE *out, const struct vhost_fs_state_bytes *bytes)
{
	uint32_t i;

	for (i = 0; i < bytes->len; i++)
		fprintf(out, "%02x", bytes->data[i]);
}

static void show_opts(FILE *out, const struct vhost_fs_state *st)
{
	struct opt opts[NR_OPTS];
	int i, nr = 0;

	list_opts(&st->opts, opts);
	fputs("agreed with the guest:", out);
	for (i = 0; i < NR_OPTS; i++)
		if (opts[i].on)
			fprintf(out, "%s %s", nr++ ? "," : "", opts[i].name);
	fputs(nr ? "\n" : " nothing\n", out);
	if (st->session.known)
		fprintf(out, "FUSE 7.%" PRIu32 ", flags 0x%" PRIx64 "\n", st->session.minor,
			st->session.flags);
}

static void show_fh(FILE *out, const struct vhost_fs_state_fh *fh)
{
	fprintf(out, "handle %" PRId32 ":", fh->type);
	hex(out, &fh->handle);
	fprintf(out, " on mount %" PRIu64, fh->mount_id);
}

static void show_location(FILE *out, const struct vhost_fs_state_node *node)
{
	switch (node->location) {
	case VHOST_FS_STATE_ROOT:
		fputs("the share's root", out);
		break;
	case VHOST_FS_STATE_PATH:
		quoted(out, &node->name);
		fprintf(out, " in %" PRIu64, node->parent);
		break;
	case VHOST_FS_STATE_FULL_PATH:
		fputs("path ", out);
		quoted(out, &node->name);
		break;
	case VHOST_FS_STATE_FILE_HANDLE:
		show_fh(out, &node->fh);
		break;
	default:
		fputs("lost", out);
		break;
	}
}

static void show_node(FILE *out, const struct vhost_fs_state_node *node)
{
	fprintf(out, "    %" PRIu64 ": %" PRIu64 " reference%s, ", node->id, node->refcount,
		node->refcount == 1 ? "" : "s");
	show_location(out, node);
	if (node->has_verify) {
		fputs(", must have ", out);
		show_fh(out, &node->verify);
	}
	fputc('\n', out);
}

static void show_handle(FILE *out, const struct vhost_fs_state_handle *handle)
{
	static const char *const modes[] = { "O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE" };

	fprintf(out, "    %" PRIu64 ": node %" PRIu64 ", %s", handle->id, handle->node,
		modes[handle->flags & O_ACCMODE]);
	if (handle->flags & ~O_ACCMODE)
		fprintf(out, " and flags 0%o", (uint32_t)(handle->flags & ~O_ACCMODE));
	fputc('\n', out);
}

static void show_ways(FILE *out, const struct vhost_fs_state *st)
{
	struct vhost_fs_state_way way;
	size_t at = 0;

	if (st->session.known)
		fprintf(out, "handles with directories: %" PRIu64 "\n", st->nr_ways);
	while (vhost_fs_state_next_way(st, &at, &way)) {
		fprintf(out, "    node %" PRIu64 ": handle %" PRId32 ":", way.node, way.type);
		hex(out, &way.handle);
		fputc('\n', out);
	}
	if (st->skipped)
		fprintf(out, "%zu more bytes, of a later version of vhost_fs\n", st->skipped);
}

void print_state_text(FILE *out, const struct vhost_fs_state *st)
{
	struct vhost_fs_state_handle handle;
	struct vhost_fs_state_mount mount;
	struct vhost_fs_state_node node;
	size_t at;

	fprintf(out, "version %" PRIu32 ", %zu bytes\n", st->version, st->len);
	show_opts(out, st);
	fprintf(out, "nodes: %" PRIu64 ", the next will be %" PRIu64 "\n", st->nr_nodes,
		st->next_node);
	for (at = 0; vhost_fs_state_next_node(st, &at, &node); )
		show_node(out, &node);
	fprintf(out, "open files: %" PRIu64 ", the next will be %" PRIu64 "\n", st->nr_handles,
		st->next_handle);
	for (at = 0; vhost_fs_state_next_handle(st, &at, &handle); )
		show_handle(out, &handle);
	fprintf(out, "mounts: %" PRIu64 "\n", st->nr_mounts);
	for (at = 0; vhost_fs_state_next_mount(st, &at, &mount); ) {
		fprintf(out, "    %" PRIu64 ": ", mount.id);
		quoted(out, &mount.path);
		fputc('\n', out);
	}
	show_ways(out, st);
}

/* --- JSON -------------------------------------------------------------------- */

static void opts_object(FILE *out, const struct vhost_fs_state_opts *which)
{
	struct opt opts[NR_OPTS];
	int i;

	list_opts(which, opts);
	for (i = 0; i < NR_OPTS; i++)
		fprintf(out, "%s\"%s\": %s", i ? ", " : "{", opts[i].name,
			opts[i].on ? "true" : "false");
	fputc('}', out);
}

static void fh_object(FILE *out, const char *key, const struct vhost_fs_state_fh *fh)
{
	fprintf(out, ", \"%s\": {\"mount_id\": %" PRIu64 ", \"type\": %" PRId32
		", \"handle\": \"", key, fh->mount_id, fh->type);
	hex(out, &fh->handle);
	fputs("\"}", out);
}

static void node_object(FILE *out, const struct vhost_fs_state_node *node)
{
	static const char *const locations[] = {
		[VHOST_FS_STATE_ROOT] = "root",
		[VHOST_FS_STATE_PATH] = "path",
		[VHOST_FS_STATE_INVALID] = "invalid",
		[VHOST_FS_STATE_FULL_PATH] = "full_path",
		[VHOST_FS_STATE_FILE_HANDLE] = "file_handle",
	};

	fprintf(out, "{\"id\": %" PRIu64 ", \"refcount\": %" PRIu64 ", \"location\": \"%s\"",
		node->id, node->refcount, locations[node->location]);
	if (node->location == VHOST_FS_STATE_PATH)
		fprintf(out, ", \"parent\": %" PRIu64, node->parent);
	if (node->name.len) {
		fputs(", \"name\": ", out);
		quoted(out, &node->name);
	}
	if (node->location == VHOST_FS_STATE_FILE_HANDLE)
		fh_object(out, "fh", &node->fh);
	if (node->has_verify)
		fh_object(out, "verify", &node->verify);
	fputc('}', out);
}

/* What goes between the items of a list, @n of which were printed. */
static const char *between(size_t n)
{
	return n ? ",\n  " : "\n  ";
}

static void nodes_array(FILE *out, const struct vhost_fs_state *st)
{
	struct vhost_fs_state_node node;
	size_t at, n;

	fputs(" \"nodes\": [", out);
	for (at = n = 0; vhost_fs_state_next_node(st, &at, &node); n++) {
		fputs(between(n), out);
		node_object(out, &node);
	}
	fputs("],\n", out);
}

static void handles_array(FILE *out, const struct vhost_fs_state *st)
{
	struct vhost_fs_state_handle handle;
	size_t at, n;

	fputs(" \"handles\": [", out);
	for (at = n = 0; vhost_fs_state_next_handle(st, &at, &handle); n++)
		fprintf(out, "%s{\"id\": %" PRIu64 ", \"node\": %" PRIu64 ", \"flags\": %" PRId32
			"}", between(n), handle.id, handle.node, handle.flags);
	fputs("],\n", out);
}

static void mounts_array(FILE *out, const struct vhost_fs_state *st)
{
	struct vhost_fs_state_mount mount;
	size_t at, n;

	fputs(" \"mounts\": [", out);
	for (at = n = 0; vhost_fs_state_next_mount(st, &at, &mount); n++) {
		fprintf(out, "%s{\"id\": %" PRIu64 ", \"path\": ", between(n), mount.id);
		quoted(out, &mount.path);
		fputc('}', out);
	}
	fputs("]", out);
}

static void ways_array(FILE *out, const struct vhost_fs_state *st)
{
	struct vhost_fs_state_way way;
	size_t at, n;

	fputs(",\n \"ways\": [", out);
	for (at = n = 0; vhost_fs_state_next_way(st, &at, &way); n++) {
		fprintf(out, "%s{\"node\": %" PRIu64 ", \"type\": %" PRId32 ", \"handle\": \"",
			between(n), way.node, way.type);
		hex(out, &way.handle);
		fputs("\"}", out);
	}
	fputs("]", out);
}

void print_state_json(FILE *out, const struct vhost_fs_state *st)
{
	fprintf(out, "{\"version\": %" PRIu32 ", \"bytes\": %zu, \"next_node\": %" PRIu64
		", \"next_handle\": %" PRIu64 ",\n \"opts\": ", st->version, st->len,
		st->next_node, st->next_handle);
	opts_object(out, &st->opts);
	if (st->session.known)
		fprintf(out, ",\n \"session\": {\"minor\": %" PRIu32 ", \"flags\": %" PRIu64 "}",
			st->session.minor, st->session.flags);
	fputs(",\n", out);
	nodes_array(out, st);
	handles_array(out, st);
	mounts_array(out, st);
	if (st->session.known)
		ways_array(out, st);
	if (st->skipped)
		fprintf(out, ",\n \"skipped\": %zu", st->skipped);
	fputs("}\n", out);
}
