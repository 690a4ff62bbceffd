/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Userspace interface of /dev/vhost-fs, the virtio-fs device that the host
 * kernel answers.
 */
#ifndef _UAPI_LINUX_VHOST_FS_H
#define _UAPI_LINUX_VHOST_FS_H

#include <linux/types.h>
#include <linux/vhost.h>

/**
 * DOC: General ioctl format
 *
 * vhost's own ioctls (VHOST_SET_OWNER, VHOST_SET_MEM_TABLE, VHOST_SET_VRING_*
 * and so on, see <linux/vhost.h>) work as they do on every vhost device. Ring 0
 * is the hiprio queue, rings 1 to VHOST_FS_MAX_REQUEST_QUEUES are request
 * queues. VHOST_RESET_OWNER does more than on others: see "A new owner". The
 * ioctls below are added to them. Each takes a pointer to a
 * structure whose first member, a __u32 named size, holds the structure's size
 * as the caller knows it. A caller that knows less than the kernel gets the
 * defaults for the rest (zero); a caller that knows more is refused only if
 * what the kernel doesn't know isn't zero.
 *
 * Errnos have the same meaning everywhere:
 *
 *  - ENOTTY: the ioctl number is not supported
 *  - E2BIG: the structure is larger than the kernel's and the part that the
 *    kernel doesn't know is not all zero
 *  - EINVAL: the structure is too small, or a member has a value that is never
 *    right; unknown flags and non-zero reserved members are EINVAL too
 *  - EFAULT: a pointer doesn't point to memory that can be read or written
 *  - ENOENT: no share of that name is visible to the caller
 *  - EACCES: the caller may not use the share
 *  - EPERM: the caller may not change the share, or doesn't own the device
 *  - EEXIST: a share of that name exists
 *  - EBUSY: the object is in use, or in a state that excludes the request
 *  - ENOMEM: memory is short
 */

/**
 * DOC: A new owner
 *
 * A device serves in the memory, and by threads, of the process that did
 * VHOST_SET_OWNER, and stops serving when that process ends or changes its
 * program. As long as somebody holds a descriptor of the device, nothing is lost
 * by that: VHOST_RESET_OWNER, by the owner itself or by anybody when the owner has
 * ended, waits until nothing of the owner is left (EINTR if the caller is killed
 * meanwhile; EBUSY if the owner lives and isn't the caller) and takes memory table,
 * rings, eventfds, features and dirty log away from the device. The share and what
 * the guest has looked up, opened and locked stay. Without an owner it does nothing.
 *
 * Another process can then do VHOST_SET_OWNER and set up the same guest memory,
 * wherever it has it, and the same rings. VHOST_GET_VRING_BASE tells where each
 * stood, and is what VHOST_SET_VRING_BASE would have to set. VHOST_FS_SET_RUNNING
 * then goes on: a request that was finished has been answered, once; one that the
 * owner's end interrupted is served again, and one that waited for a lock waits on,
 * if the ring is started where it was stopped (same size, base and used index).
 * The guest is called for each ring, for answers it may not have been called for.
 *
 * Whoever is to keep the descriptor may think that it is one of shared memory
 * (vhost-user's INFLIGHT_SHMFD), so its first page can be mapped, shared. Each mapping
 * has a page of its own with nothing in it, and doesn't hold the device.
 *
 * Where the host's file system is itself a client of a server, an operation that
 * the owner's end interrupted may have been done by the server all the same; it is
 * done again.
 */

/* Version of this interface; raised when a documented behaviour changes. */
#define VHOST_FS_ABI_VERSION 1

/* Longest name of a share, without its NUL. */
#define VHOST_FS_SHARE_NAME_MAX 63

/* Request queues that one device can have, next to its hiprio queue. */
#define VHOST_FS_MAX_REQUEST_QUEUES 16

/* Most users and most groups that one share can name. */
#define VHOST_FS_MAX_ALLOWED_IDS 1024

/* Most requests of one device that a share can let wait for locks. */
#define VHOST_FS_MAX_BLOCKED 1024

/**
 * struct vhost_fs_info - ioctl(VHOST_FS_GET_INFO)
 * @size: sizeof(struct vhost_fs_info)
 * @abi_version: out: VHOST_FS_ABI_VERSION of the kernel
 * @features: out: VHOST_FS_FEATURE_* bits, of which none is defined yet
 * @max_request_queues: out: request queues a device can have
 * @max_queue_size: out: largest accepted VHOST_SET_VRING_NUM
 * @max_write: out: largest FUSE_WRITE and FUSE_READ in bytes
 * @fuse_major: out: FUSE protocol major spoken to guests
 * @fuse_minor: out: newest FUSE protocol minor spoken to guests
 * @__reserved: 0
 *
 * Needs no share and no owner.
 */
struct vhost_fs_info {
	__u32 size;
	__u32 abi_version;
	__aligned_u64 features;
	__u32 max_request_queues;
	__u32 max_queue_size;
	__u32 max_write;
	__u32 fuse_major;
	__u32 fuse_minor;
	__u32 __reserved;
};

/**
 * enum vhost_fs_cache_policy - what the guest may keep, and for how long
 * @VHOST_FS_CACHE_AUTO: attributes and names for a second, data until the
 *	file is opened again
 * @VHOST_FS_CACHE_ALWAYS: everything for a day; the guest is the only writer
 * @VHOST_FS_CACHE_METADATA: names, attributes and directories for a day; data
 *	is never cached
 * @VHOST_FS_CACHE_NEVER: nothing
 */
enum vhost_fs_cache_policy {
	VHOST_FS_CACHE_AUTO = 0,
	VHOST_FS_CACHE_ALWAYS = 1,
	VHOST_FS_CACHE_METADATA = 2,
	VHOST_FS_CACHE_NEVER = 3,
};

/**
 * enum vhost_fs_inode_file_handles - what a looked-up file is remembered by
 * @VHOST_FS_HANDLES_NEVER: its place in the host's directory cache, which keeps
 *	it in memory and its file system busy
 * @VHOST_FS_HANDLES_PREFER: its file handle where the file system has such
 * @VHOST_FS_HANDLES_MANDATORY: its file handle; what has none can't be used
 */
enum vhost_fs_inode_file_handles {
	VHOST_FS_HANDLES_NEVER = 0,
	VHOST_FS_HANDLES_PREFER = 1,
	VHOST_FS_HANDLES_MANDATORY = 2,
};

/**
 * enum vhost_fs_locks - whose locks exclude whom
 * @VHOST_FS_LOCKS_NONE: each guest keeps its locks to itself
 * @VHOST_FS_LOCKS_REMOTE: POSIX and flock() locks are taken on the host's
 *	files, so that they hold among guests and against the host
 */
enum vhost_fs_locks {
	VHOST_FS_LOCKS_NONE = 0,
	VHOST_FS_LOCKS_REMOTE = 1,
};

/* No guest may change anything in the share; mutating requests get EROFS. */
#define VHOST_FS_SHARE_READONLY		(1U << 0)
/* Do not tell the guest where another file system is mounted in the share. */
#define VHOST_FS_SHARE_NO_SUBMOUNTS	(1U << 1)
/* Do not offer FUSE_READDIRPLUS. */
#define VHOST_FS_SHARE_NO_READDIRPLUS	(1U << 2)
/* Serve extended attributes; without it the guest is told there are none. */
#define VHOST_FS_SHARE_XATTR		(1U << 3)
/* Serve POSIX access control lists; needs VHOST_FS_SHARE_XATTR. */
#define VHOST_FS_SHARE_POSIX_ACL	(1U << 4)
/*
 * The guest labels what it creates, in one step with creating it; needs
 * VHOST_FS_SHARE_XATTR.
 */
#define VHOST_FS_SHARE_SECURITY_LABEL	(1U << 5)
/* The guest may collect writes; it must be the only writer. */
#define VHOST_FS_SHARE_WRITEBACK	(1U << 6)
/* O_DIRECT of the guest is O_DIRECT on the host. */
#define VHOST_FS_SHARE_DIRECT_IO	(1U << 7)
/* Shared mappings work with cache policies that cache no data. */
#define VHOST_FS_SHARE_MMAP		(1U << 8)
/* Set-ID bits and file capabilities go when the guest says, on the host. */
#define VHOST_FS_SHARE_KILLPRIV_V2	(1U << 9)
/* Reading leaves no access time, where the share's owner may have that. */
#define VHOST_FS_SHARE_NOATIME		(1U << 10)
/* @entry_timeout_ns counts instead of what the cache policy says. */
#define VHOST_FS_SHARE_ENTRY_TIMEOUT	(1U << 11)
/* @attr_timeout_ns counts instead of what the cache policy says. */
#define VHOST_FS_SHARE_ATTR_TIMEOUT	(1U << 12)
/*
 * The guest can't mount the share with mapped ids once more; and so says who
 * asks with every request, which some need to be granted.
 */
#define VHOST_FS_SHARE_NO_IDMAP		(1U << 13)
/*
 * Guests that know no access control lists may mount the share too, without
 * them; needs VHOST_FS_SHARE_POSIX_ACL.
 */
#define VHOST_FS_SHARE_POSIX_ACL_AUTO	(1U << 14)
/*
 * Guests that can't label what they create may mount the share too; needs
 * VHOST_FS_SHARE_SECURITY_LABEL.
 */
#define VHOST_FS_SHARE_SECURITY_LABEL_AUTO	(1U << 15)

/*
 * A device's state says of each file by which handle the file system finds it,
 * instead of where it lies.
 */
#define VHOST_FS_MIGRATION_FILE_HANDLES	(1U << 0)
/*
 * A device's state says so in addition; where it is loaded, a file that has
 * another handle is not the same.
 */
#define VHOST_FS_MIGRATION_VERIFY_HANDLES	(1U << 1)
/*
 * Before a place is written into a device's state, the file system is asked
 * whether the file is still there; not with VHOST_FS_MIGRATION_FILE_HANDLES.
 */
#define VHOST_FS_MIGRATION_CONFIRM_PATHS	(1U << 2)
/*
 * A file that isn't found when a device's state is loaded is lost to the guest,
 * which gets an error when it uses the file; without this, loading fails.
 */
#define VHOST_FS_MIGRATION_GUEST_ERROR	(1U << 3)

/* Most rules that map extended attributes' names, and bytes of each string. */
#define VHOST_FS_MAX_XATTR_RULES	256
#define VHOST_FS_XATTR_STRING_MAX	255

/**
 * enum vhost_fs_xattr_action - what a rule does with an attribute's name
 * @VHOST_FS_XATTR_PREFIX: the host's name is @prepend before the guest's name
 * @VHOST_FS_XATTR_OK: the name is the same on both sides
 * @VHOST_FS_XATTR_BAD: EPERM for the guest (ENODATA when it reads); not listed
 * @VHOST_FS_XATTR_UNSUPPORTED: EOPNOTSUPP for the guest; not listed
 */
enum vhost_fs_xattr_action {
	VHOST_FS_XATTR_PREFIX = 0,
	VHOST_FS_XATTR_OK = 1,
	VHOST_FS_XATTR_BAD = 2,
	VHOST_FS_XATTR_UNSUPPORTED = 3,
};

/* A rule applies to names that come from the guest ... */
#define VHOST_FS_XATTR_CLIENT	(1U << 0)
/* ... and to names that come from the host, in listings. */
#define VHOST_FS_XATTR_SERVER	(1U << 1)

/**
 * struct vhost_fs_xattr_rule - a rule for names of extended attributes
 * @scope: VHOST_FS_XATTR_CLIENT, VHOST_FS_XATTR_SERVER or both
 * @action: enum vhost_fs_xattr_action
 * @key: what the guest's name must begin with; NUL-terminated, all bytes after
 *	the NUL 0
 * @prepend: what the host's name must begin with; likewise
 *
 * The first rule that matches decides. A name that none matches is EPERM for
 * the guest (ENODATA when it reads) and isn't listed.
 */
struct vhost_fs_xattr_rule {
	__u32 scope;
	__u32 action;
	__u8 key[VHOST_FS_XATTR_STRING_MAX + 1];
	__u8 prepend[VHOST_FS_XATTR_STRING_MAX + 1];
};

/* Most rules that translate user ids, and most that translate group ids. */
#define VHOST_FS_MAX_ID_RULES	256

/**
 * enum vhost_fs_id_action - how a range of ids is translated
 * @VHOST_FS_ID_GUEST: guest ids from @from on become host ids from @to on
 * @VHOST_FS_ID_HOST: host ids from @from on become guest ids from @to on
 * @VHOST_FS_ID_SQUASH_GUEST: guest ids from @from on all become host id @to
 * @VHOST_FS_ID_SQUASH_HOST: host ids from @from on all become guest id @to
 * @VHOST_FS_ID_FORBID_GUEST: the guest may not create with, nor change to,
 *	guest ids from @from on: EPERM; @to is 0
 */
enum vhost_fs_id_action {
	VHOST_FS_ID_GUEST = 0,
	VHOST_FS_ID_HOST = 1,
	VHOST_FS_ID_SQUASH_GUEST = 2,
	VHOST_FS_ID_SQUASH_HOST = 3,
	VHOST_FS_ID_FORBID_GUEST = 4,
};

/**
 * struct vhost_fs_id_rule - translation of a range of user or group ids
 * @action: enum vhost_fs_id_action
 * @from: first id of the range
 * @to: what it becomes
 * @count: ids in the range, at least 1; neither range may pass 2^32 - 2
 *
 * Ranges of one direction may not overlap. What no rule names stays as it is.
 */
struct vhost_fs_id_rule {
	__u32 action;
	__u32 from;
	__u32 to;
	__u32 count;
};

/**
 * struct vhost_fs_add_share - ioctl(VHOST_FS_ADD_SHARE)
 * @size: sizeof(struct vhost_fs_add_share)
 * @flags: VHOST_FS_SHARE_* bits
 * @name: NUL-terminated name: 1 to VHOST_FS_SHARE_NAME_MAX of the characters
 *	A-Z a-z 0-9 . _ - and not beginning with a dot or a hyphen; all bytes
 *	after the NUL are 0
 * @root_fd: a directory, opened in any way (O_PATH and open_tree() included);
 *	it becomes the guest's root directory and need not stay open
 * @cache: enum vhost_fs_cache_policy
 * @users: address of @nr_users __u32 user ids (of the caller's user
 *	namespace) that may attach devices, next to the share's owner
 * @groups: address of @nr_groups __u32 group ids, likewise
 * @nr_users: at most VHOST_FS_MAX_ALLOWED_IDS
 * @nr_groups: at most VHOST_FS_MAX_ALLOWED_IDS
 * @max_nodes: most files and directories that one device's guest may hold
 *	looked up; 0 for the default
 * @max_handles: most files and directories that one device's guest may hold
 *	open; 0 for the default
 * @max_blocked: most requests of one device that may wait for a lock, at most
 *	VHOST_FS_MAX_BLOCKED; 0 for the default
 * @inode_file_handles: enum vhost_fs_inode_file_handles
 * @locks: enum vhost_fs_locks
 * @entry_timeout_ns: how long the guest may believe that a name exists; with
 *	VHOST_FS_SHARE_ENTRY_TIMEOUT, else 0
 * @attr_timeout_ns: how long the guest may believe attributes; with
 *	VHOST_FS_SHARE_ATTR_TIMEOUT, else 0
 * @negative_timeout_ns: how long the guest may believe that a name doesn't
 *	exist; 0 for not at all
 * @xattr_rules: address of @nr_xattr_rules struct vhost_fs_xattr_rule; with
 *	none, names are the same on both sides
 * @uid_rules: address of @nr_uid_rules struct vhost_fs_id_rule
 * @gid_rules: address of @nr_gid_rules struct vhost_fs_id_rule
 * @nr_xattr_rules: at most VHOST_FS_MAX_XATTR_RULES
 * @nr_uid_rules: at most VHOST_FS_MAX_ID_RULES
 * @nr_gid_rules: at most VHOST_FS_MAX_ID_RULES
 * @migration: VHOST_FS_MIGRATION_* bits
 *
 * Makes a share that serves with the credentials the caller has at this
 * moment: user and group ids, supplementary groups, capabilities, security
 * label. Needs no privilege; a share can do only what its maker could do.
 * Names are per user namespace.
 *
 * Errors: EBADF if @root_fd isn't open, ENOTDIR if it isn't a directory,
 * EEXIST, EBUSY if the device has a share itself, so that whoever was given it
 * can't add others, and as in "General ioctl format"; EPERM if @inode_file_handles isn't
 * VHOST_FS_HANDLES_NEVER and the caller lacks CAP_DAC_READ_SEARCH over the
 * root directory's file system, EOPNOTSUPP if it is
 * VHOST_FS_HANDLES_MANDATORY and the root directory's file system has no
 * handles.
 */
struct vhost_fs_add_share {
	__u32 size;
	__u32 flags;
	__u8 name[VHOST_FS_SHARE_NAME_MAX + 1];
	__s32 root_fd;
	__u32 cache;
	__aligned_u64 users;
	__aligned_u64 groups;
	__u32 nr_users;
	__u32 nr_groups;
	__aligned_u64 max_nodes;
	__aligned_u64 max_handles;
	__aligned_u64 max_blocked;
	__u32 inode_file_handles;
	__u32 locks;
	__aligned_u64 entry_timeout_ns;
	__aligned_u64 attr_timeout_ns;
	__aligned_u64 negative_timeout_ns;
	__aligned_u64 xattr_rules;
	__aligned_u64 uid_rules;
	__aligned_u64 gid_rules;
	__u32 nr_xattr_rules;
	__u32 nr_uid_rules;
	__u32 nr_gid_rules;
	__u32 migration;
};

/* What of struct vhost_fs_set_share counts. */
#define VHOST_FS_SET_MAX_NODES		(1U << 0)
#define VHOST_FS_SET_MAX_HANDLES	(1U << 1)
#define VHOST_FS_SET_MAX_BLOCKED	(1U << 2)
#define VHOST_FS_SET_ENTRY_TIMEOUT	(1U << 3)
#define VHOST_FS_SET_ATTR_TIMEOUT	(1U << 4)
#define VHOST_FS_SET_NEGATIVE_TIMEOUT	(1U << 5)

/**
 * struct vhost_fs_set_share - ioctl(VHOST_FS_SET_SHARE)
 * @size: sizeof(struct vhost_fs_set_share)
 * @flags: VHOST_FS_SET_* bits: the members that count; the others are 0
 * @name: NUL-terminated name of the share
 * @max_nodes: as in struct vhost_fs_add_share
 * @max_handles: likewise
 * @max_blocked: likewise
 * @entry_timeout_ns: likewise
 * @attr_timeout_ns: likewise
 * @negative_timeout_ns: likewise
 *
 * Changes what is safe to change while guests use the share. A limit below
 * what a guest has already takes nothing away from it; a timeout counts from
 * the next reply on. Only the share's owner and CAP_SYS_ADMIN in the owner's
 * user namespace may (EPERM).
 */
struct vhost_fs_set_share {
	__u32 size;
	__u32 flags;
	__u8 name[VHOST_FS_SHARE_NAME_MAX + 1];
	__aligned_u64 max_nodes;
	__aligned_u64 max_handles;
	__aligned_u64 max_blocked;
	__aligned_u64 entry_timeout_ns;
	__aligned_u64 attr_timeout_ns;
	__aligned_u64 negative_timeout_ns;
};

/**
 * struct vhost_fs_share_name - ioctl(VHOST_FS_REMOVE_SHARE) and
 *	ioctl(VHOST_FS_ATTACH_SHARE)
 * @size: sizeof(struct vhost_fs_share_name)
 * @flags: 0
 * @name: NUL-terminated name of the share
 *
 * REMOVE takes the name away at once; devices that use the share go on, and
 * the share dies with the last of them. Only the share's owner and
 * CAP_SYS_ADMIN in the owner's user namespace may (EPERM).
 *
 * ATTACH binds this device to a share, once (EBUSY when it has one), before it
 * is started. The share's owner, the users and groups it names, and
 * CAP_SYS_ADMIN in the owner's user namespace may (EACCES). An attached
 * descriptor can be handed to a process that may not attach itself.
 */
struct vhost_fs_share_name {
	__u32 size;
	__u32 flags;
	__u8 name[VHOST_FS_SHARE_NAME_MAX + 1];
};

/**
 * struct vhost_fs_running - ioctl(VHOST_FS_SET_RUNNING)
 * @size: sizeof(struct vhost_fs_running)
 * @running: 1 to serve every ring whose addresses have been set and are not
 *	null, 0 to stop
 *
 * Starting needs an owner (VHOST_SET_OWNER, EPERM), a share (ENODEV), a memory
 * table that covers the rings (EFAULT), and the hiprio ring with at least one
 * request ring set up (EINVAL). Starting what runs is EBUSY. Stopping returns
 * when every request has been answered that was on the rings when it was asked
 * for, save those that wait for a lock (EINTR if the caller is killed meanwhile);
 * the guest is then to kick for the next, so that a server which doesn't look at
 * its rings before can go on with them. Stopping what doesn't run does nothing.
 * What is still there after 5 seconds isn't waited for any longer: requests taken by
 * then are answered, and the others stay on the rings for whoever goes on.
 * What the guest has looked up and opened survives a stop.
 *
 * Requests that wait for a lock, and those that an owner's end has interrupted,
 * stay with the device: VHOST_GET_VRING_BASE tells a place after them, and they
 * are granted nothing while the device is stopped. A ring that is started where it
 * was stopped (same size, base and used index) has them wait on, and gets their
 * answers; with a ring that is started elsewhere they are forgotten without an
 * answer. Another device knows nothing of them, so the state of such a device is
 * not saved. The generic netlink family tells how many requests of a device wait.
 */
struct vhost_fs_running {
	__u32 size;
	__u32 running;
};

/**
 * enum vhost_fs_state_direction - which way a device's state goes
 * @VHOST_FS_STATE_SAVE: it is written
 * @VHOST_FS_STATE_LOAD: it is read
 */
enum vhost_fs_state_direction {
	VHOST_FS_STATE_SAVE = 0,
	VHOST_FS_STATE_LOAD = 1,
};

/* The state of a device has less bytes than this. */
#define VHOST_FS_STATE_MAX	(1UL << 30)

/**
 * struct vhost_fs_device_state_fd - ioctl(VHOST_FS_SET_DEVICE_STATE_FD)
 * @size: sizeof(struct vhost_fs_device_state_fd)
 * @flags: 0
 * @direction: enum vhost_fs_state_direction
 * @phase: 0: the device is stopped
 * @fd: a pipe or a regular file, which need not stay open in the caller; or -1,
 *	to cancel what is under way
 * @timeout_ms: when to give up, 0 for never
 *
 * Begins to write what the guest has been given (nodes, open files, features
 * agreed on), or to read it.
 * The format is virtiofsd's, so a guest can come from there and go there.
 * Returns at once; VHOST_FS_CHECK_DEVICE_STATE waits for the end. After writing,
 * the descriptor is closed, so that the reader of a pipe sees the end; reading
 * ends at the end of the file.
 *
 * Needs an owner, who is the caller (EPERM), a share (ENODEV), and a device that
 * is stopped and has no such transfer under way (EBUSY), nor, to be saved, requests
 * that an owner's end has interrupted (EBUSY); until the end it can't be started
 * (EBUSY). EBADF if @fd isn't open in that direction, EINVAL if it is of another
 * kind. A file is read or written from the descriptor's position on, with the
 * caller's credentials.
 *
 * Saving changes nothing, so a device whose state was saved, or not, can be
 * started again. Loading replaces what the guest was given here, and leaves
 * nothing if it fails after the stream was found to be one. Cancelling waits for
 * the end, or for a signal (EINTR); how it ended is then told by
 * VHOST_FS_CHECK_DEVICE_STATE. What waits for a file system that doesn't answer
 * ends when that does.
 */
struct vhost_fs_device_state_fd {
	__u32 size;
	__u32 flags;
	__u32 direction;
	__u32 phase;
	__s32 fd;
	__u32 timeout_ms;
};

/**
 * enum vhost_fs_state_reason - why a device's state was not moved
 * @VHOST_FS_STATE_ERR_NONE: it was
 * @VHOST_FS_STATE_ERR_IO: the descriptor could not be read or written
 * @VHOST_FS_STATE_ERR_STREAM: what was read is no device state; @object is the
 *	offset of the first byte that is wrong
 * @VHOST_FS_STATE_ERR_OPTION: what the guest agreed on where the state comes from,
 *	the share doesn't allow; @object has the FUSE_* flags of INIT that are
 *	missing
 * @VHOST_FS_STATE_ERR_NODE: the file of a node isn't there, can't be reached, or is
 *	another one; @object is the node's number
 * @VHOST_FS_STATE_ERR_HANDLE: a file can't be opened again; @object is the handle's
 *	number
 * @VHOST_FS_STATE_ERR_LOCKS: the guest holds locks, or waits for some, on the
 *	host's files; @object is the handle's number, or 0 for waiting
 * @VHOST_FS_STATE_ERR_LIMIT: longer than VHOST_FS_STATE_MAX, or more than the
 *	share's limits allow
 * @VHOST_FS_STATE_ERR_MEMORY: memory is short
 * @VHOST_FS_STATE_ERR_CANCELLED: cancelled, out of time, or the owner was killed
 * @VHOST_FS_STATE_ERR_VERSION: what was read is of a later version of vhost_fs, and
 *	can't be loaded by this one; @object is the offset of its number
 */
enum vhost_fs_state_reason {
	VHOST_FS_STATE_ERR_NONE = 0,
	VHOST_FS_STATE_ERR_IO = 1,
	VHOST_FS_STATE_ERR_STREAM = 2,
	VHOST_FS_STATE_ERR_OPTION = 3,
	VHOST_FS_STATE_ERR_NODE = 4,
	VHOST_FS_STATE_ERR_HANDLE = 5,
	VHOST_FS_STATE_ERR_LOCKS = 6,
	VHOST_FS_STATE_ERR_LIMIT = 7,
	VHOST_FS_STATE_ERR_MEMORY = 8,
	VHOST_FS_STATE_ERR_CANCELLED = 9,
	VHOST_FS_STATE_ERR_VERSION = 10,
};

/**
 * struct vhost_fs_device_state_result - ioctl(VHOST_FS_CHECK_DEVICE_STATE)
 * @size: sizeof(struct vhost_fs_device_state_result)
 * @flags: 0
 * @error: out: 0, or an errno
 * @reason: out: enum vhost_fs_state_reason
 * @object: out: what the reason is about, else 0
 * @bytes: out: length of the state, as far as it was moved
 * @lost_nodes: out: nodes whose files were not found
 * @lost_handles: out: handles whose files could not be opened again
 *
 * Waits for the end of what VHOST_FS_SET_DEVICE_STATE_FD began, and tells how it
 * ended. EINVAL if nothing was begun since that was told last, EINTR if a signal
 * came first.
 */
struct vhost_fs_device_state_result {
	__u32 size;
	__u32 flags;
	__s32 error;
	__u32 reason;
	__aligned_u64 object;
	__aligned_u64 bytes;
	__aligned_u64 lost_nodes;
	__aligned_u64 lost_handles;
};

#define VHOST_FS_GET_INFO	_IOWR(VHOST_VIRTIO, 0x90, struct vhost_fs_info)
#define VHOST_FS_ADD_SHARE	_IOW(VHOST_VIRTIO, 0x91, struct vhost_fs_add_share)
#define VHOST_FS_REMOVE_SHARE	_IOW(VHOST_VIRTIO, 0x92, struct vhost_fs_share_name)
#define VHOST_FS_ATTACH_SHARE	_IOW(VHOST_VIRTIO, 0x93, struct vhost_fs_share_name)
#define VHOST_FS_SET_RUNNING	_IOW(VHOST_VIRTIO, 0x94, struct vhost_fs_running)
#define VHOST_FS_SET_SHARE	_IOW(VHOST_VIRTIO, 0x95, struct vhost_fs_set_share)
#define VHOST_FS_SET_DEVICE_STATE_FD \
	_IOW(VHOST_VIRTIO, 0x96, struct vhost_fs_device_state_fd)
#define VHOST_FS_CHECK_DEVICE_STATE \
	_IOWR(VHOST_VIRTIO, 0x97, struct vhost_fs_device_state_result)

#endif /* _UAPI_LINUX_VHOST_FS_H */
