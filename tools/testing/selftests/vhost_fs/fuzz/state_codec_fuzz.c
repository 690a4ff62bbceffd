// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzz target of the codec for device states: whatever bytes come, a stream that
 * is found good says only what it may, and says the same when it is written and
 * read again.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "state_codec.h"

static void check(int good)
{
	if (!good)
		abort();
}

static void check_name(const u8 *name, size_t len)
{
	check(len >= 1 && len <= VHOST_FS_STATE_NAME_MAX);
	check(!memchr(name, '/', len) && !memchr(name, '\0', len));
	check(!(len == 1 && name[0] == '.') && !(len == 2 && !memcmp(name, "..", 2)));
}

static void check_path(const struct vhost_fs_state_bytes *path)
{
	const u8 *name = path->data, *end = path->data + path->len, *slash;

	check(path->len <= VHOST_FS_STATE_PATH_MAX);
	for (;;) {
		slash = memchr(name, '/', end - name);
		check_name(name, (slash ? slash : end) - name);
		if (!slash)
			break;
		name = slash + 1;
	}
}

static void check_node(const struct vhost_fs_state_node *node)
{
	check(node->location <= VHOST_FS_STATE_FILE_HANDLE);
	if (node->location == VHOST_FS_STATE_PATH)
		check_name(node->name.data, node->name.len);
	if (node->location == VHOST_FS_STATE_FULL_PATH)
		check_path(&node->name);
	check(vhost_fs_state_is_utf8(node->name.data, node->name.len));
	check(node->fh.handle.len <= VHOST_FS_STATE_FH_MAX);
	check(node->verify.handle.len <= VHOST_FS_STATE_FH_MAX);
}

/* Each item's bytes count, whoever wrote them: some varints were too long. */
static size_t rewrite_nodes(const struct vhost_fs_state *st, u8 *out)
{
	struct vhost_fs_state_node node, again;
	size_t at = 0, len = vhost_fs_state_put_begin(out, st->nr_nodes), here, n;
	uint64_t nr = 0;

	while (vhost_fs_state_next_node(st, &at, &node)) {
		check_node(&node);
		n = vhost_fs_state_put_node(out + len, &node);
		check(n <= VHOST_FS_STATE_ITEM_MAX);
		here = len;
		len += n;
		check(vhost_fs_state_get_node(out, len, &here, &again) && here == len);
		check(again.id == node.id && again.refcount == node.refcount &&
		      again.parent == node.parent && again.has_verify == node.has_verify);
		nr++;
	}
	check(nr == st->nr_nodes && (!nr || at == st->nodes_end));
	return len;
}

/* Written twice, as what comes before says how long it is. */
static size_t rewrite_own(const struct vhost_fs_state *st, u8 *out)
{
	struct vhost_fs_state_way way;
	u8 buf[VHOST_FS_STATE_ITEM_MAX];
	size_t at, len, ways_len = 0;
	uint64_t nr = 0;

	for (at = 0; vhost_fs_state_next_way(st, &at, &way); nr++)
		ways_len += vhost_fs_state_put_way(buf, &way);
	check(nr == st->nr_ways);
	if (!st->session.known)
		return 0;
	len = vhost_fs_state_put_session(out, &st->session, nr, ways_len);
	for (at = 0; vhost_fs_state_next_way(st, &at, &way); )
		len += vhost_fs_state_put_way(out + len, &way);
	return len;
}

static size_t rewrite(const struct vhost_fs_state *st, u8 *out)
{
	struct vhost_fs_state_handle handle;
	struct vhost_fs_state_mount mount;
	size_t at, len = rewrite_nodes(st, out);
	uint64_t nr;

	len += vhost_fs_state_put_middle(out + len, st->next_node, st->nr_handles);
	for (at = 0, nr = 0; vhost_fs_state_next_handle(st, &at, &handle); nr++)
		len += vhost_fs_state_put_handle(out + len, &handle);
	check(nr == st->nr_handles);
	len += vhost_fs_state_put_end(out + len, st->next_handle, &st->opts, st->nr_mounts);
	for (at = 0, nr = 0; vhost_fs_state_next_mount(st, &at, &mount); nr++) {
		if (mount.path.len != 1 || mount.path.data[0] != '.')
			check_path(&mount.path);
		len += vhost_fs_state_put_mount(out + len, &mount);
	}
	check(nr == st->nr_mounts);
	return len + rewrite_own(st, out + len);
}

static void check_good(const struct vhost_fs_state *st)
{
	/* What is written is as short as can be; a version 1 has no count of mounts. */
	size_t room = st->len + 1, len;
	u8 *one = malloc(room), *two = malloc(room);
	struct vhost_fs_state again;

	check(one && two);
	len = rewrite(st, one);
	check(!vhost_fs_state_parse(&again, one, len) && again.version == 2);
	check(again.nr_nodes == st->nr_nodes && again.next_node == st->next_node &&
	      again.nr_handles == st->nr_handles && again.next_handle == st->next_handle &&
	      again.nr_mounts == st->nr_mounts);
	check(!memcmp(&again.opts, &st->opts, sizeof(again.opts)));
	check(again.session.known == st->session.known && again.nr_ways == st->nr_ways &&
	      again.session.flags == st->session.flags && !again.skipped);
	check(rewrite(&again, two) == len && !memcmp(one, two, len));
	if (len == st->len && st->version == 2)
		check(!memcmp(one, st->data, len));
	free(one);
	free(two);
}

static void check_bad(const struct vhost_fs_state *st)
{
	check(st->error && st->error_at <= st->len);
	check(!st->nodes_at || st->nodes_at <= st->error_at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vhost_fs_state st;
	/* Of its own size, so that a byte too far is noticed. */
	u8 *bytes = malloc(size ? size : 1);

	check(!!bytes);
	memcpy(bytes, data, size);
	if (vhost_fs_state_parse(&st, bytes, size))
		check_bad(&st);
	else
		check_good(&st);
	free(bytes);
	return 0;
}
