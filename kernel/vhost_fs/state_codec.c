// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads and writes the stream of a device's state: see state_codec.h.
 *
 * The encoding is postcard (jamesmunns/postcard, spec/src/wire-format.md) of
 *
 *	stream	enum { 0: V1, 1: V2 }
 *	V1	nodes: node[], next_node: u64, handles: handle[], next_handle: u64,
 *		writeback, announce_submounts, posix_acl, sup_group_extension: bool
 *	V2	V1, mounts: { id: u64, path: string }[]
 *	node	id: u64, refcount: u64, location, verify: option of fh
 *	location enum { 0: root, 1: { parent: u64, name: string }, 2: invalid,
 *		3: { path: string }, 4: fh }
 *	fh	mount_id: u64, type: i32, handle: byte[]
 *	handle	id: u64, node: u64, enum { 0: { flags: i32 } }
 *
 * and of what only vhost_fs writes, behind that:
 *
 *	own	"vhost-fs", version: u32, length: u64, session, ways: way[], any bytes
 *	session	minor: u32, flags: u64
 *	way	node: u64, type: i32, handle: byte[]
 *
 * where the length is that of all that follows it, up to the end of the stream.
 *
 * There are no tags and nothing is padded. Unsigned numbers, counts, lengths and
 * what says which case of an enum follows are LEB128: seven bits to a byte, the
 * lowest first, the top bit set in all but the last; signed ones are turned to
 * unsigned ones first, whose lowest bit is the sign. A bool, and what says
 * whether there is an option, is a byte of 0 or 1. Numbers may be longer than
 * they need be, as long as they have no more bits than their type.
 *
 * virtiofsd doesn't look whether there are bytes behind what it reads, and writes
 * none: a newer layout has another case of the first enum. So there vhost_fs says
 * what else was agreed with the guest, and in what directories files are that have
 * handles: in a node's own handle virtiofsd must find what it makes itself, or it
 * takes the file, looked up, for another one. Any other bytes are refused: a stream that
 * has some is damaged, as by a count that became smaller.
 *
 * That part may grow at its end by what can be done without: it is skipped by who doesn't
 * know it. What can't be done without takes another version, which who doesn't know it
 * refuses.
 */
#include <linux/errno.h>
#include <linux/string.h>
#ifdef __KERNEL__
#include <linux/sched.h>
#endif

#include "state_codec.h"

/* Between two looks whether somebody else should run; each is a few bytes. */
#define RESCHED_ITEMS	1024

#define NR_VERSIONS	2

/* What vhost_fs's own part begins with. */
static const u8 own_mark[] = { 'v', 'h', 'o', 's', 't', '-', 'f', 's' };

/**
 * struct reader - what is left of a stream
 * @data: the stream
 * @len: how many bytes
 * @at: offset of the next
 * @error_at: where the first error is
 * @error: what was expected there, or NULL
 * @is_later: it is the number of a later version
 */
struct reader {
	const u8 *data;
	size_t len;
	size_t at;
	size_t error_at;
	const char *error;
	bool is_later;
};

static bool fail(struct reader *r, size_t at, const char *expected)
{
	r->error_at = at;
	r->error = expected;
	return false;
}

/* A number of so many bits; the byte that has one too many is the wrong one. */
static bool take_bits(struct reader *r, unsigned int bits, u64 *value, const char *what)
{
	unsigned int shift;
	u64 number = 0;
	u8 byte;

	for (shift = 0; ; shift += 7) {
		if (r->at == r->len)
			return fail(r, r->at, what);
		byte = r->data[r->at];
		if (shift + 7 > bits && byte >> (bits - shift))
			return fail(r, r->at, what);
		number |= (u64)(byte & 0x7f) << shift;
		r->at++;
		if (!(byte & 0x80))
			break;
	}
	*value = number;
	return true;
}

static bool take_u64(struct reader *r, u64 *value, const char *what)
{
	return take_bits(r, 64, value, what);
}

static bool take_s32(struct reader *r, s32 *value, const char *what)
{
	u64 number;

	if (!take_bits(r, 32, &number, what))
		return false;
	*value = (s32)((u32)(number >> 1) ^ -(u32)(number & 1));
	return true;
}

/* A number below @cases. */
static bool take_case(struct reader *r, u32 cases, u32 *value, const char *what)
{
	size_t start = r->at;
	u64 number;

	if (!take_bits(r, 32, &number, what))
		return false;
	if (number >= cases)
		return fail(r, start, what);
	*value = number;
	return true;
}

static bool take_bool(struct reader *r, bool *value, const char *what)
{
	if (r->at == r->len || r->data[r->at] > 1)
		return fail(r, r->at, what);
	*value = r->data[r->at++];
	return true;
}

static bool take_bytes(struct reader *r, u32 min, u32 max, struct vhost_fs_state_bytes *bytes,
		       const char *what)
{
	size_t start = r->at;
	u64 len;

	if (!take_u64(r, &len, what))
		return false;
	if (len < min || len > max)
		return fail(r, start, what);
	if (len > r->len - r->at)
		return fail(r, r->len, what);
	bytes->data = r->data + r->at;
	bytes->len = len;
	r->at += len;
	return true;
}

/**
 * struct utf8_form - the characters that begin alike
 * @first: the first of the bytes they begin with
 * @last: the last of these
 * @len: how many bytes each takes
 * @low: the lowest second byte; excludes what could be shorter
 * @high: the highest second byte; excludes surrogates and what is above U+10FFFF
 */
struct utf8_form {
	u8 first;
	u8 last;
	u8 len;
	u8 low;
	u8 high;
};

static const struct utf8_form utf8_forms[] = {
	{ 0x01, 0x7f, 1, 0x00, 0x00 },
	{ 0xc2, 0xdf, 2, 0x80, 0xbf },
	{ 0xe0, 0xe0, 3, 0xa0, 0xbf },
	{ 0xe1, 0xec, 3, 0x80, 0xbf },
	{ 0xed, 0xed, 3, 0x80, 0x9f },
	{ 0xee, 0xef, 3, 0x80, 0xbf },
	{ 0xf0, 0xf0, 4, 0x90, 0xbf },
	{ 0xf1, 0xf3, 4, 0x80, 0xbf },
	{ 0xf4, 0xf4, 4, 0x80, 0x8f },
	{ 0xff, 0xff, 0, 0x00, 0x00 },	/* ends the table: no character */
};

/* How many bytes the character there takes; 0 if it is none. */
static size_t utf8_char(const u8 *data, size_t len)
{
	const struct utf8_form *form = utf8_forms;
	size_t i;

	while (data[0] > form->last)
		form++;
	if (data[0] < form->first || form->len > len)
		return 0;
	if (form->len > 1 && (data[1] < form->low || data[1] > form->high))
		return 0;
	for (i = 2; i < form->len; i++)
		if ((data[i] & 0xc0) != 0x80)
			return 0;
	return form->len;
}

/* How many bytes from the start on are good. */
static size_t utf8_span(const u8 *data, size_t len)
{
	size_t at = 0, n;

	while (at < len) {
		n = utf8_char(data + at, len - at);
		if (!n)
			break;
		at += n;
	}
	return at;
}

/**
 * vhost_fs_state_is_utf8 - may these bytes be a name, or a part of one, in a stream?
 * @data: the bytes
 * @len: how many
 *
 * Context: Any.
 * Return: Whether they are UTF-8 without NUL.
 */
bool vhost_fs_state_is_utf8(const u8 *data, size_t len)
{
	return utf8_span(data, len) == len;
}

static bool take_text(struct reader *r, u32 max, struct vhost_fs_state_bytes *text,
		      const char *what)
{
	size_t good;

	if (!take_bytes(r, 1, max, text, what))
		return false;
	good = utf8_span(text->data, text->len);
	if (good < text->len)
		return fail(r, text->data + good - r->data, "UTF-8 without NUL");
	return true;
}

/* A name, or a component of a path: something below the directory it is meant in. */
static bool check_name(struct reader *r, const u8 *name, size_t len)
{
	size_t at = name - r->data;
	const u8 *slash = memchr(name, '/', len);

	if (slash)
		return fail(r, slash - r->data, "a name without /");
	if (!len || len > VHOST_FS_STATE_NAME_MAX)
		return fail(r, at, "a name of 1 to 255 bytes");
	if (name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')))
		return fail(r, at, "a name other than . and ..");
	return true;
}

static bool take_name(struct reader *r, struct vhost_fs_state_bytes *name)
{
	return take_text(r, VHOST_FS_STATE_NAME_MAX, name, "a name of 1 to 255 bytes") &&
	       check_name(r, name->data, name->len);
}

static bool take_path(struct reader *r, struct vhost_fs_state_bytes *path)
{
	const u8 *name, *slash, *end;

	if (!take_text(r, VHOST_FS_STATE_PATH_MAX, path, "a path of 1 to 4095 bytes"))
		return false;
	end = path->data + path->len;
	for (name = path->data; ; name = slash + 1) {
		slash = memchr(name, '/', end - name);
		if (!check_name(r, name, (slash ?: end) - name))
			return false;
		if (!slash)
			return true;
	}
}

/* A mount may be that of the share itself. */
static bool take_mount_path(struct reader *r, struct vhost_fs_state_bytes *path)
{
	struct reader dot = *r;

	if (take_bytes(&dot, 1, 1, path, "") && path->data[0] == '.') {
		*r = dot;
		return true;
	}
	return take_path(r, path);
}

static bool take_fh(struct reader *r, struct vhost_fs_state_fh *fh)
{
	return take_u64(r, &fh->mount_id, "a file handle's mount id of 64 bits") &&
	       take_s32(r, &fh->type, "a file handle's type of 32 bits") &&
	       take_bytes(r, 0, VHOST_FS_STATE_FH_MAX, &fh->handle,
			  "a file handle of at most 128 bytes");
}

static bool take_location(struct reader *r, struct vhost_fs_state_node *node)
{
	if (!take_case(r, VHOST_FS_STATE_FILE_HANDLE + 1, &node->location,
		       "a node's kind of location, 0 to 4"))
		return false;
	switch (node->location) {
	case VHOST_FS_STATE_PATH:
		return take_u64(r, &node->parent, "a parent's number of 64 bits") &&
		       take_name(r, &node->name);
	case VHOST_FS_STATE_FULL_PATH:
		return take_path(r, &node->name);
	case VHOST_FS_STATE_FILE_HANDLE:
		return take_fh(r, &node->fh);
	default:
		return true;
	}
}

static bool take_node(struct reader *r, struct vhost_fs_state_node *node)
{
	memset(node, 0, sizeof(*node));
	return take_u64(r, &node->id, "a node's number of 64 bits") &&
	       take_u64(r, &node->refcount, "a node's lookup count of 64 bits") &&
	       take_location(r, node) &&
	       take_bool(r, &node->has_verify,
			 "0 or 1, whether a node has a handle to verify") &&
	       (!node->has_verify || take_fh(r, &node->verify));
}

static bool take_handle(struct reader *r, struct vhost_fs_state_handle *handle)
{
	u32 source;

	return take_u64(r, &handle->id, "an open file's number of 64 bits") &&
	       take_u64(r, &handle->node, "an open file's node, 64 bits") &&
	       take_case(r, 1, &source, "an open file's kind, 0") &&
	       take_s32(r, &handle->flags, "an open file's flags of 32 bits");
}

static bool take_mount(struct reader *r, struct vhost_fs_state_mount *mount)
{
	return take_u64(r, &mount->id, "a mount's id of 64 bits") &&
	       take_mount_path(r, &mount->path);
}

static bool take_way(struct reader *r, struct vhost_fs_state_way *way)
{
	return take_u64(r, &way->node, "a node's number of 64 bits") &&
	       take_s32(r, &way->type, "a file handle's type of 32 bits") &&
	       take_bytes(r, 0, VHOST_FS_STATE_FH_MAX, &way->handle,
			  "a file handle of at most 128 bytes");
}

static bool take_opts(struct reader *r, struct vhost_fs_state_opts *opts)
{
	return take_bool(r, &opts->writeback, "0 or 1, whether writeback was agreed on") &&
	       take_bool(r, &opts->announce_submounts,
			 "0 or 1, whether submounts are announced") &&
	       take_bool(r, &opts->posix_acl, "0 or 1, whether ACLs were agreed on") &&
	       take_bool(r, &opts->sup_group_extension,
			 "0 or 1, whether supplementary groups were agreed on");
}

/*
 * The three lists. However large a count is, each item takes some bytes, so
 * there are no more rounds than the stream has bytes.
 */

static void item_done(u64 *nr)
{
#ifdef __KERNEL__
	if (*nr % RESCHED_ITEMS == 0)
		cond_resched();
#endif
	++*nr;
}

static bool parse_nodes(struct reader *r, struct vhost_fs_state *st)
{
	struct vhost_fs_state_node node;

	if (!take_u64(r, &st->nr_nodes, "the number of nodes, 64 bits"))
		return false;
	st->nodes_at = r->at;
	for (st->error_item = 0; st->error_item < st->nr_nodes; item_done(&st->error_item))
		if (!take_node(r, &node))
			return false;
	st->error_item = 0;
	st->nodes_end = r->at;
	return take_u64(r, &st->next_node, "the next node's number of 64 bits");
}

static bool parse_handles(struct reader *r, struct vhost_fs_state *st)
{
	struct vhost_fs_state_handle handle;

	if (!take_u64(r, &st->nr_handles, "the number of open files, 64 bits"))
		return false;
	st->handles_at = r->at;
	for (st->error_item = 0; st->error_item < st->nr_handles; item_done(&st->error_item))
		if (!take_handle(r, &handle))
			return false;
	st->error_item = 0;
	st->handles_end = r->at;
	return take_u64(r, &st->next_handle, "the next open file's number of 64 bits");
}

static bool parse_mounts(struct reader *r, struct vhost_fs_state *st)
{
	struct vhost_fs_state_mount mount;

	if (st->version >= 2 && !take_u64(r, &st->nr_mounts, "the number of mounts, 64 bits"))
		return false;
	st->mounts_at = r->at;
	for (st->error_item = 0; st->error_item < st->nr_mounts; item_done(&st->error_item))
		if (!take_mount(r, &mount))
			return false;
	st->error_item = 0;
	st->mounts_end = r->at;
	return true;
}

/* What a mark that is cut short lacks is its end. */
static bool take_mark(struct reader *r, const u8 *mark, size_t len, const char *what)
{
	size_t left = r->len - r->at, n = left < len ? left : len;

	if (memcmp(r->data + r->at, mark, n))
		return fail(r, r->at, what);
	r->at += n;
	return n == len || fail(r, r->at, what);
}

static bool parse_session(struct reader *r, struct vhost_fs_state *st)
{
	struct vhost_fs_state_session *session = &st->session;
	u64 minor;

	if (!take_bits(r, 32, &minor, "a protocol version of 32 bits") ||
	    !take_u64(r, &session->flags, "a session's flags of 64 bits"))
		return false;
	session->minor = minor;
	session->known = true;
	return true;
}

static bool parse_ways(struct reader *r, struct vhost_fs_state *st)
{
	struct vhost_fs_state_way way;

	if (!take_u64(r, &st->nr_ways, "the number of handles with directories, 64 bits"))
		return false;
	st->ways_at = r->at;
	for (st->error_item = 0; st->error_item < st->nr_ways; item_done(&st->error_item))
		if (!take_way(r, &way))
			return false;
	st->error_item = 0;
	st->ways_end = r->at;
	return true;
}

static bool take_own_version(struct reader *r)
{
	static const char what[] = "the version of what only vhost_fs has: 1";
	size_t start = r->at;
	u64 version;

	if (!take_bits(r, 32, &version, what))
		return false;
	r->is_later = version > VHOST_FS_STATE_OWN_VERSION;
	return version == VHOST_FS_STATE_OWN_VERSION || fail(r, start, what);
}

/* It is as long as it says, so that no later writer's stream can be cut unnoticed. */
static bool take_own_length(struct reader *r)
{
	u64 len;

	if (!take_u64(r, &len, "the length of what follows, 64 bits"))
		return false;
	if (len > r->len - r->at)
		return fail(r, r->len, "more of what only vhost_fs has");
	return len == r->len - r->at || fail(r, r->at + len, "the end of the stream");
}

static bool parse_own(struct reader *r, struct vhost_fs_state *st)
{
	if (r->at == r->len)
		return true;
	if (!take_mark(r, own_mark, sizeof(own_mark),
		       "the end of the stream, or what only vhost_fs has") ||
	    !take_own_version(r) || !take_own_length(r) ||
	    !parse_session(r, st) || !parse_ways(r, st))
		return false;
	st->skipped = r->len - r->at;
	return true;
}

static bool parse_version(struct reader *r, struct vhost_fs_state *st)
{
	if (!take_case(r, NR_VERSIONS, &st->version, "the version: 0 or 1, for V1 or V2"))
		return false;
	st->version++;
	return true;
}

/**
 * vhost_fs_state_parse - check a stream and find its parts
 * @st: filled in; see there for what is known of a stream that is no good
 * @data: the stream; must stay as long as @st and what its iterators give are used
 * @len: how many bytes
 *
 * Context: May sleep, in the kernel. Takes time proportional to @len.
 * Return: 0; -EPROTONOSUPPORT if a later version of vhost_fs has written it; -EBADMSG
 * if it is wrong: @st says where and why.
 */
int vhost_fs_state_parse(struct vhost_fs_state *st, const void *data, size_t len)
{
	struct reader r = { .data = data, .len = len };

	memset(st, 0, sizeof(*st));
	st->data = data;
	st->len = len;
	if (parse_version(&r, st) && parse_nodes(&r, st) && parse_handles(&r, st) &&
	    take_opts(&r, &st->opts) && parse_mounts(&r, st) && parse_own(&r, st))
		return 0;
	st->error_at = r.error_at;
	st->error = r.error;
	st->is_later = r.is_later;
	return r.is_later ? -EPROTONOSUPPORT : -EBADMSG;
}

/* A reader of the part from @start to @end, of which @at is the next item. */
static bool resume(struct reader *r, const struct vhost_fs_state *st, size_t at,
		   size_t start, size_t end)
{
	*r = (struct reader){ .data = st->data, .len = end, .at = at ?: start };
	return r->at < end;
}

/**
 * vhost_fs_state_next_node - the next node of a stream
 * @st: the stream; its parsing succeeded
 * @at: where it is; 0 at first
 * @node: filled in
 *
 * Context: Any.
 * Return: Whether there is one more.
 */
bool vhost_fs_state_next_node(const struct vhost_fs_state *st, size_t *at,
			      struct vhost_fs_state_node *node)
{
	struct reader r;

	if (!resume(&r, st, *at, st->nodes_at, st->nodes_end) || !take_node(&r, node))
		return false;
	*at = r.at;
	return true;
}

/**
 * vhost_fs_state_next_handle - the next open file of a stream
 * @st: the stream; its parsing succeeded
 * @at: where it is; 0 at first
 * @handle: filled in
 *
 * Context: Any.
 * Return: Whether there is one more.
 */
bool vhost_fs_state_next_handle(const struct vhost_fs_state *st, size_t *at,
				struct vhost_fs_state_handle *handle)
{
	struct reader r;

	if (!resume(&r, st, *at, st->handles_at, st->handles_end) || !take_handle(&r, handle))
		return false;
	*at = r.at;
	return true;
}

/**
 * vhost_fs_state_next_mount - the next mount of a stream
 * @st: the stream; its parsing succeeded
 * @at: where it is; 0 at first
 * @mount: filled in
 *
 * Context: Any.
 * Return: Whether there is one more.
 */
bool vhost_fs_state_next_mount(const struct vhost_fs_state *st, size_t *at,
			       struct vhost_fs_state_mount *mount)
{
	struct reader r;

	if (!resume(&r, st, *at, st->mounts_at, st->mounts_end) || !take_mount(&r, mount))
		return false;
	*at = r.at;
	return true;
}

/**
 * vhost_fs_state_next_way - the next handle with a directory of a stream
 * @st: the stream; its parsing succeeded
 * @at: where it is; 0 at first
 * @way: filled in
 *
 * Context: Any.
 * Return: Whether there is one more.
 */
bool vhost_fs_state_next_way(const struct vhost_fs_state *st, size_t *at,
			     struct vhost_fs_state_way *way)
{
	struct reader r;

	if (!resume(&r, st, *at, st->ways_at, st->ways_end) || !take_way(&r, way))
		return false;
	*at = r.at;
	return true;
}

/**
 * vhost_fs_state_get_node - read a node that stands alone
 * @data: what vhost_fs_state_put_node() wrote, as often as it was called
 * @len: how many bytes
 * @at: where the node is; afterwards, behind it
 * @node: filled in; points into @data
 *
 * Context: Any.
 * Return: Whether there is a node.
 */
bool vhost_fs_state_get_node(const u8 *data, size_t len, size_t *at,
			     struct vhost_fs_state_node *node)
{
	struct reader r = { .data = data, .len = len, .at = *at };

	if (!take_node(&r, node))
		return false;
	*at = r.at;
	return true;
}

static size_t put_u64(u8 *buf, u64 value)
{
	size_t n = 0;

	for (; value >= 0x80; value >>= 7)
		buf[n++] = value | 0x80;
	buf[n++] = value;
	return n;
}

static size_t put_s32(u8 *buf, s32 value)
{
	return put_u64(buf, ((u32)value << 1) ^ (value < 0 ? ~(u32)0 : 0));
}

static size_t put_bytes(u8 *buf, const struct vhost_fs_state_bytes *bytes)
{
	size_t n = put_u64(buf, bytes->len);

	if (bytes->len)
		memcpy(buf + n, bytes->data, bytes->len);
	return n + bytes->len;
}

static size_t put_fh(u8 *buf, const struct vhost_fs_state_fh *fh)
{
	size_t n = put_u64(buf, fh->mount_id);

	n += put_s32(buf + n, fh->type);
	return n + put_bytes(buf + n, &fh->handle);
}

static size_t put_location(u8 *buf, const struct vhost_fs_state_node *node)
{
	size_t n = put_u64(buf, node->location);

	switch (node->location) {
	case VHOST_FS_STATE_PATH:
		n += put_u64(buf + n, node->parent);
		return n + put_bytes(buf + n, &node->name);
	case VHOST_FS_STATE_FULL_PATH:
		return n + put_bytes(buf + n, &node->name);
	case VHOST_FS_STATE_FILE_HANDLE:
		return n + put_fh(buf + n, &node->fh);
	default:
		return n;
	}
}

/*
 * Each of these writes what no more than VHOST_FS_STATE_ITEM_MAX bytes hold. The
 * caller gives only what a reader takes: see the members' bounds.
 */

/**
 * vhost_fs_state_put_begin - write what comes before the nodes
 * @buf: has room for VHOST_FS_STATE_ITEM_MAX bytes
 * @nr_nodes: how many follow
 *
 * Context: Any.
 * Return: How many bytes were written.
 */
size_t vhost_fs_state_put_begin(u8 *buf, u64 nr_nodes)
{
	size_t n = put_u64(buf, NR_VERSIONS - 1);

	return n + put_u64(buf + n, nr_nodes);
}

/**
 * vhost_fs_state_put_node - write a node
 * @buf: has room for VHOST_FS_STATE_ITEM_MAX bytes
 * @node: the node
 *
 * Context: Any.
 * Return: How many bytes were written.
 */
size_t vhost_fs_state_put_node(u8 *buf, const struct vhost_fs_state_node *node)
{
	size_t n = put_u64(buf, node->id);

	n += put_u64(buf + n, node->refcount);
	n += put_location(buf + n, node);
	buf[n++] = node->has_verify;
	if (node->has_verify)
		n += put_fh(buf + n, &node->verify);
	return n;
}

/**
 * vhost_fs_state_put_middle - write what lies between the nodes and the handles
 * @buf: has room for VHOST_FS_STATE_ITEM_MAX bytes
 * @next_node: the number for the next node
 * @nr_handles: how many handles follow
 *
 * Context: Any.
 * Return: How many bytes were written.
 */
size_t vhost_fs_state_put_middle(u8 *buf, u64 next_node, u64 nr_handles)
{
	size_t n = put_u64(buf, next_node);

	return n + put_u64(buf + n, nr_handles);
}

/**
 * vhost_fs_state_put_handle - write an open file
 * @buf: has room for VHOST_FS_STATE_ITEM_MAX bytes
 * @handle: the open file
 *
 * Context: Any.
 * Return: How many bytes were written.
 */
size_t vhost_fs_state_put_handle(u8 *buf, const struct vhost_fs_state_handle *handle)
{
	size_t n = put_u64(buf, handle->id);

	n += put_u64(buf + n, handle->node);
	n += put_u64(buf + n, 0);
	return n + put_s32(buf + n, handle->flags);
}

/**
 * vhost_fs_state_put_end - write what comes after the handles
 * @buf: has room for VHOST_FS_STATE_ITEM_MAX bytes
 * @next_handle: the number for the next handle
 * @opts: what was agreed with the guest
 * @nr_mounts: how many mounts follow
 *
 * Context: Any.
 * Return: How many bytes were written.
 */
size_t vhost_fs_state_put_end(u8 *buf, u64 next_handle,
			      const struct vhost_fs_state_opts *opts, u64 nr_mounts)
{
	size_t n = put_u64(buf, next_handle);

	buf[n++] = opts->writeback;
	buf[n++] = opts->announce_submounts;
	buf[n++] = opts->posix_acl;
	buf[n++] = opts->sup_group_extension;
	return n + put_u64(buf + n, nr_mounts);
}

/**
 * vhost_fs_state_put_mount - write a mount
 * @buf: has room for VHOST_FS_STATE_ITEM_MAX bytes
 * @mount: the mount
 *
 * Context: Any.
 * Return: How many bytes were written.
 */
size_t vhost_fs_state_put_mount(u8 *buf, const struct vhost_fs_state_mount *mount)
{
	size_t n = put_u64(buf, mount->id);

	return n + put_bytes(buf + n, &mount->path);
}

static size_t put_agreed(u8 *buf, const struct vhost_fs_state_session *session, u64 nr_ways)
{
	size_t n = put_u64(buf, session->minor);

	n += put_u64(buf + n, session->flags);
	return n + put_u64(buf + n, nr_ways);
}

/**
 * vhost_fs_state_put_session - write what else was agreed with the guest
 * @buf: has room for VHOST_FS_STATE_ITEM_MAX bytes
 * @session: what was agreed
 * @nr_ways: how many handles with directories follow
 * @ways_len: how many bytes these are
 *
 * Context: Any.
 * Return: How many bytes were written.
 */
size_t vhost_fs_state_put_session(u8 *buf, const struct vhost_fs_state_session *session,
				  u64 nr_ways, u64 ways_len)
{
	size_t n = sizeof(own_mark), len = put_agreed(buf, session, nr_ways);

	memcpy(buf, own_mark, n);
	n += put_u64(buf + n, VHOST_FS_STATE_OWN_VERSION);
	n += put_u64(buf + n, len + ways_len);
	return n + put_agreed(buf + n, session, nr_ways);
}

/**
 * vhost_fs_state_put_way - write a handle with a directory
 * @buf: has room for VHOST_FS_STATE_ITEM_MAX bytes
 * @way: the handle
 *
 * Context: Any.
 * Return: How many bytes were written.
 */
size_t vhost_fs_state_put_way(u8 *buf, const struct vhost_fs_state_way *way)
{
	size_t n = put_u64(buf, way->node);

	n += put_s32(buf + n, way->type);
	return n + put_bytes(buf + n, &way->handle);
}
