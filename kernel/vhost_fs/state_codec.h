/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A device's state as a stream of bytes: what virtiofsd writes and reads when a
 * guest moves. Version 1 is read; version 2, which virtiofsd writes since 1.12,
 * is read and written.
 *
 * Pure functions over memory of the caller, which allocate nothing; the module
 * and the tools are built from the same source. A stream is hostile input: it is
 * checked whole, once, by vhost_fs_state_parse(). After that the iterators can't
 * fail, and what they give points into the stream. What items mean to each other
 * is not the codec's business: that ids occur once, that parents exist.
 */
#ifndef VHOST_FS_STATE_CODEC_H
#define VHOST_FS_STATE_CODEC_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include "kernel-types.h"
#endif

/* How long things may be, in bytes. */
#define VHOST_FS_STATE_NAME_MAX		255	/* NAME_MAX */
#define VHOST_FS_STATE_PATH_MAX		4095	/* PATH_MAX without the NUL */
#define VHOST_FS_STATE_FH_MAX		128	/* MAX_HANDLE_SZ */

/*
 * What no item is longer than, encoded: the longest is a node with a full path
 * and a handle to verify, of 4264 bytes.
 */
#define VHOST_FS_STATE_ITEM_MAX		4352

/* Of vhost_fs's own part; changes with what a reader must not skip. */
#define VHOST_FS_STATE_OWN_VERSION	1

/**
 * enum vhost_fs_state_location - what says where a node is
 * @VHOST_FS_STATE_ROOT: it is the share's root
 * @VHOST_FS_STATE_PATH: it has a parent and a name in it
 * @VHOST_FS_STATE_INVALID: nobody knows
 * @VHOST_FS_STATE_FULL_PATH: its name is a path from the share's root
 * @VHOST_FS_STATE_FILE_HANDLE: it has a file handle
 */
enum vhost_fs_state_location {
	VHOST_FS_STATE_ROOT = 0,
	VHOST_FS_STATE_PATH = 1,
	VHOST_FS_STATE_INVALID = 2,
	VHOST_FS_STATE_FULL_PATH = 3,
	VHOST_FS_STATE_FILE_HANDLE = 4,
};

/**
 * struct vhost_fs_state_bytes - bytes of a stream, or for one
 * @data: the first; no NUL follows the last
 * @len: how many
 */
struct vhost_fs_state_bytes {
	const u8 *data;
	u32 len;
};

/**
 * struct vhost_fs_state_fh - a file handle
 * @mount_id: the mount that it is meant on, by an id of the source
 * @type: what the file system calls its kind
 * @handle: at most VHOST_FS_STATE_FH_MAX bytes
 */
struct vhost_fs_state_fh {
	u64 mount_id;
	s32 type;
	struct vhost_fs_state_bytes handle;
};

/**
 * struct vhost_fs_state_node - what the guest knows by a number
 * @id: the number
 * @refcount: the guest's lookups, and one for each node that has this one as @parent
 * @location: enum vhost_fs_state_location; those members below count that it has
 * @parent: of PATH: the parent's id
 * @name: of PATH: a name; of FULL_PATH: relative, and neither . nor .. in it
 * @fh: of FILE_HANDLE
 * @has_verify: whether there is a @verify
 * @verify: the handle that the node, found at its place, should have
 */
struct vhost_fs_state_node {
	u64 id;
	u64 refcount;
	u32 location;
	u64 parent;
	struct vhost_fs_state_bytes name;
	struct vhost_fs_state_fh fh;
	bool has_verify;
	struct vhost_fs_state_fh verify;
};

/**
 * struct vhost_fs_state_handle - an open file or directory
 * @id: what the guest knows it by
 * @node: of what
 * @flags: the O_ flags it was opened with
 */
struct vhost_fs_state_handle {
	u64 id;
	u64 node;
	s32 flags;
};

/**
 * struct vhost_fs_state_opts - what was agreed with the guest
 * @writeback: the guest caches what it writes
 * @announce_submounts: it is told where mounts begin
 * @posix_acl: access control lists
 * @sup_group_extension: creations come with a supplementary group
 */
struct vhost_fs_state_opts {
	bool writeback;
	bool announce_submounts;
	bool posix_acl;
	bool sup_group_extension;
};

/**
 * struct vhost_fs_state_mount - a mount that file handles name
 * @id: by the source's id
 * @path: where, relative to the share and clean as a node's path is; or "."
 */
struct vhost_fs_state_mount {
	u64 id;
	struct vhost_fs_state_bytes path;
};

/**
 * struct vhost_fs_state_session - what was agreed with the guest, in full
 * @known: the stream says so; virtiofsd's don't
 * @minor: the FUSE protocol's minor version
 * @flags: FUSE_* flags of INIT
 */
struct vhost_fs_state_session {
	bool known;
	u32 minor;
	u64 flags;
};

/**
 * struct vhost_fs_state_way - a file handle that names the directory of its file
 * @node: the file, whose own handle is like those that virtiofsd makes, and
 *	compares: without a directory
 * @type: as of struct vhost_fs_state_fh
 * @handle: likewise
 */
struct vhost_fs_state_way {
	u64 node;
	s32 type;
	struct vhost_fs_state_bytes handle;
};

/**
 * struct vhost_fs_state - a stream that was parsed
 * @data: the stream
 * @len: how many bytes
 * @version: 1 or 2
 * @nr_nodes: how many nodes
 * @next_node: the number for the next node
 * @nr_handles: how many open files and directories
 * @next_handle: the number for the next
 * @nr_mounts: how many mounts; none in version 1
 * @opts: what was agreed with the guest
 * @nodes_at: offset of the first node
 * @nodes_end: offset behind the last
 * @handles_at: offset of the first handle
 * @handles_end: offset behind the last
 * @mounts_at: offset of the first mount
 * @mounts_end: offset behind the last
 * @session: what comes after that
 * @nr_ways: how many handles with directories come with it
 * @ways_at: offset of the first
 * @ways_end: offset behind the last
 * @skipped: bytes behind those, by a later writer, that can be done without
 * @error_at: if it is no good: offset of the first byte that is wrong; @len: one more
 *	byte was expected
 * @error_item: how many nodes, handles, mounts or ways came before the one with the error
 * @error: what was expected there; a constant. NULL if the stream is good
 * @is_later: what is there is the number of a later version of vhost_fs's part
 *
 * Of a stream that is no good, what lies before the error is filled in.
 */
struct vhost_fs_state {
	const u8 *data;
	size_t len;
	u32 version;
	u64 nr_nodes;
	u64 next_node;
	u64 nr_handles;
	u64 next_handle;
	u64 nr_mounts;
	struct vhost_fs_state_opts opts;
	size_t nodes_at;
	size_t nodes_end;
	size_t handles_at;
	size_t handles_end;
	size_t mounts_at;
	size_t mounts_end;
	struct vhost_fs_state_session session;
	u64 nr_ways;
	size_t ways_at;
	size_t ways_end;
	size_t skipped;
	size_t error_at;
	u64 error_item;
	const char *error;
	bool is_later;
};

int vhost_fs_state_parse(struct vhost_fs_state *st, const void *data, size_t len);
bool vhost_fs_state_next_node(const struct vhost_fs_state *st, size_t *at,
			      struct vhost_fs_state_node *node);
bool vhost_fs_state_next_handle(const struct vhost_fs_state *st, size_t *at,
				struct vhost_fs_state_handle *handle);
bool vhost_fs_state_next_mount(const struct vhost_fs_state *st, size_t *at,
			       struct vhost_fs_state_mount *mount);
bool vhost_fs_state_next_way(const struct vhost_fs_state *st, size_t *at,
			     struct vhost_fs_state_way *way);
bool vhost_fs_state_get_node(const u8 *data, size_t len, size_t *at,
			     struct vhost_fs_state_node *node);
bool vhost_fs_state_is_utf8(const u8 *data, size_t len);

/* A stream: begin, its nodes, middle, its handles, end, its mounts, session, its ways. */
size_t vhost_fs_state_put_begin(u8 *buf, u64 nr_nodes);
size_t vhost_fs_state_put_node(u8 *buf, const struct vhost_fs_state_node *node);
size_t vhost_fs_state_put_middle(u8 *buf, u64 next_node, u64 nr_handles);
size_t vhost_fs_state_put_handle(u8 *buf, const struct vhost_fs_state_handle *handle);
size_t vhost_fs_state_put_end(u8 *buf, u64 next_handle,
			      const struct vhost_fs_state_opts *opts, u64 nr_mounts);
size_t vhost_fs_state_put_mount(u8 *buf, const struct vhost_fs_state_mount *mount);
size_t vhost_fs_state_put_session(u8 *buf, const struct vhost_fs_state_session *session,
				  u64 nr_ways, u64 ways_len);
size_t vhost_fs_state_put_way(u8 *buf, const struct vhost_fs_state_way *way);

#endif /* VHOST_FS_STATE_CODEC_H */
