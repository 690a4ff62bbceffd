// SPDX-License-Identifier: GPL-2.0-only
/*
 * Inputs for state_codec_fuzz.c: a few of each kind of item, in a stream of which
 * now and then a byte is changed or the end is missing.
 */
#include <string.h>

#include "fuzz.h"
#include "state_codec.h"

/* Texts that are good somewhere, and some that are good nowhere. */
static struct vhost_fs_state_bytes make_text(void)
{
	static const char *const texts[] = {
		"a", "a.txt", "n\303\244me", "..a", ".", "a/b", "d/e/f", "\360\237\230\200",
		"", "..", "a/../b", "/a", "a/", "a//b", "\377", "\300\200", "\355\240\200",
	};
	static uint8_t longest[VHOST_FS_STATE_PATH_MAX + 1];
	static const uint32_t lengths[] = { 127, 128, 255, 256, 4095, 4096 };
	const char *text = texts[fuzz_next(fuzz_next(4) ? 8 : sizeof(texts) / sizeof(texts[0]))];

	if (fuzz_next(64))
		return (struct vhost_fs_state_bytes){ (const u8 *)text, strlen(text) };
	memset(longest, 'x', sizeof(longest));
	longest[200] = '/';
	return (struct vhost_fs_state_bytes){ longest, lengths[fuzz_next(6)] };
}

static struct vhost_fs_state_fh make_fh(void)
{
	static const u8 bytes[VHOST_FS_STATE_FH_MAX + 1];
	static const uint32_t lengths[] = { 0, 8, 12, 20, 127, 128, 128, 128, 129 };

	return (struct vhost_fs_state_fh) {
		fuzz_interesting(), (s32)fuzz_interesting(), { bytes, lengths[fuzz_next(9)] },
	};
}

static size_t make_node(uint8_t *out)
{
	struct vhost_fs_state_node node = {
		.id = fuzz_interesting(), .refcount = fuzz_interesting(),
		.location = fuzz_next(VHOST_FS_STATE_FILE_HANDLE + 1),
		.parent = fuzz_interesting(), .name = make_text(), .fh = make_fh(),
		.has_verify = fuzz_next(2), .verify = make_fh(),
	};

	return vhost_fs_state_put_node(out, &node);
}

static size_t make_handle(uint8_t *out)
{
	const struct vhost_fs_state_handle handle = {
		fuzz_interesting(), fuzz_interesting(), (s32)fuzz_interesting(),
	};

	return vhost_fs_state_put_handle(out, &handle);
}

static size_t make_mount(uint8_t *out)
{
	const struct vhost_fs_state_mount mount = { fuzz_interesting(), make_text() };

	return vhost_fs_state_put_mount(out, &mount);
}

static size_t make_way(uint8_t *out)
{
	const struct vhost_fs_state_fh fh = make_fh();
	const struct vhost_fs_state_way way = { fuzz_interesting(), fh.type, fh.handle };

	return vhost_fs_state_put_way(out, &way);
}

/* What only vhost_fs has, with something of a later version now and then. */
static size_t make_own(uint8_t *out)
{
	const struct vhost_fs_state_session session = {
		.minor = (u32)fuzz_interesting(), .flags = fuzz_interesting(),
	};
	uint8_t ways[3 * VHOST_FS_STATE_ITEM_MAX];
	uint32_t nr = fuzz_next(3), i;
	size_t len = 0, begin;

	for (i = 0; i < nr; i++)
		len += make_way(ways + len);
	if (!fuzz_next(4))
		ways[len++] = fuzz_next(256);
	begin = vhost_fs_state_put_session(out, &session, nr, len);
	memcpy(out + begin, ways, len);
	return begin + len;
}

static size_t make_stream(uint8_t *out)
{
	const struct vhost_fs_state_opts opts = {
		fuzz_next(2), fuzz_next(2), fuzz_next(2), fuzz_next(2),
	};
	uint32_t nodes = fuzz_next(3), handles = fuzz_next(3), mounts = fuzz_next(2), i;
	size_t len = vhost_fs_state_put_begin(out, nodes);

	for (i = 0; i < nodes; i++)
		len += make_node(out + len);
	len += vhost_fs_state_put_middle(out + len, fuzz_interesting(), handles);
	for (i = 0; i < handles; i++)
		len += make_handle(out + len);
	len += vhost_fs_state_put_end(out + len, fuzz_interesting(), &opts, mounts);
	for (i = 0; i < mounts; i++)
		len += make_mount(out + len);
	return fuzz_next(4) ? len : len + make_own(out + len);
}

size_t fuzz_make(uint8_t *out)
{
	size_t len = make_stream(out);

	if (!fuzz_next(3))
		out[fuzz_next(len)] = fuzz_next(2) ? fuzz_next(256) : fuzz_interesting();
	if (!fuzz_next(8))
		len -= fuzz_next(len);
	if (!fuzz_next(32))
		out[0] = 0;
	return len;
}
