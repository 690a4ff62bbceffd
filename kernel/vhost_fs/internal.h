/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of vhost_fs share: its objects, and the calls between files,
 * grouped by the file that owns them.
 *
 * Locks, outermost first:
 *
 *	vhost_dev.mutex			device set-up; ioctls
 *	vhost_fs_session.lock		INIT and DESTROY
 *	vhost_virtqueue.mutex		one ring
 *	vhost_fs_pool.lock		threads and waiting queues; taken with
 *					interrupts off, from a kick
 *	vhost_fs_session.mount_lock	which mounts have been crossed into
 *	vhost_fs_node.lock		which dentry a node stands for, or by
 *					which handle it is found
 *
 *	vhost_fs_lock_space.remote_lock	who has locks on files that keep them
 *	the lock manager's own		vhost_fs_park_notify() is called under
 *					them
 *	park_polled.lock		parked requests that are polled
 *	vhost_fs_lock_state.lock		parked requests; vhost_fs_pool.lock is
 *					inside
 *
 * No VFS call is made with a virtqueue's mutex held.
 */
#ifndef VHOST_FS_INTERNAL_H
#define VHOST_FS_INTERNAL_H

#include <linux/atomic.h>
#include <linux/exportfs.h>
#include <linux/fsnotify_backend.h>
#include <linux/kcov.h>
#include <linux/list.h>
#include <linux/magic.h>
#include <linux/overflow.h>
#include <linux/refcount.h>
#include <linux/rhashtable-types.h>
#include <linux/sizes.h>
#include <linux/timer.h>
#include <linux/types.h>
#include <linux/uio.h>
#include <linux/workqueue.h>
#include <uapi/linux/limits.h>
#include <linux/xarray.h>

#include "kcompat.h"
#include "vhost_core.h"

#include <linux/vhost_fs.h>

/* Ring 0 is the hiprio queue, the others are request queues. */
#define VHOST_FS_NVQS		(1 + VHOST_FS_MAX_REQUEST_QUEUES)

/* Largest FUSE_READ and FUSE_WRITE. */
#define VHOST_FS_MAX_WRITE	SZ_1M

/* The opcode table has a row for each number below this. */
#define VHOST_FS_NR_OPS		64

/* Header, arguments and names of any request, the longest being a SYMLINK. */
#define VHOST_FS_IN_BUF		(SZ_4K + SZ_1K)

/* Header and arguments of any reply that is not file data or a listing. */
#define VHOST_FS_OUT_BUF	512

/*
 * Newest FUSE protocol minor that is spoken: the one with
 * FUSE_COPY_FILE_RANGE_64. What else came since FUSE_STATX (7.39) are features
 * that INIT has to offer first, and notifications.
 */
#define VHOST_FS_FUSE_MINOR	45

/* A guest that speaks less than this predates the virtiofs driver. */
#define VHOST_FS_FUSE_MINOR_MIN	27

/* Threads that one device may have. */
#define VHOST_FS_MAX_THREADS	64

/* Defaults of a share's limits, for each device attached to it. */
#define VHOST_FS_DEFAULT_MAX_NODES	(16ULL * 1024 * 1024)
#define VHOST_FS_DEFAULT_MAX_HANDLES	(1024ULL * 1024)
#define VHOST_FS_DEFAULT_MAX_BLOCKED	64
static_assert(VHOST_FS_DEFAULT_MAX_BLOCKED <= VHOST_FS_MAX_BLOCKED);

struct vhost_fs_dev;
struct vhost_fs_handle;
struct vhost_fs_lock_space;
struct vhost_fs_parked;
struct vhost_fs_req;
struct vhost_fs_transfer;
struct vhost_fs_worker;

/* A handler's result: the request waits, and is answered later. */
#define VHOST_FS_PARKED		1

/* ---- idmap.c ---------------------------------------------------------- */

/**
 * struct vhost_fs_idmap - how user or group ids are translated
 * @rules: those for guest ids, then those for host ids, each in their ids'
 *	order and not overlapping; NULL if there are none
 * @nr: entries of @rules
 * @nr_guest: those of them that are for guest ids
 */
struct vhost_fs_idmap {
	struct vhost_fs_id_rule *rules;
	u32 nr;
	u32 nr_guest;
};

int vhost_fs_idmap_copy(struct vhost_fs_idmap *map, u64 rules, u32 nr);
void vhost_fs_idmap_free(struct vhost_fs_idmap *map);
int vhost_fs_uid_in(const struct vhost_fs_req *req, u32 id, kuid_t *uid);
int vhost_fs_gid_in(const struct vhost_fs_req *req, u32 id, kgid_t *gid);
u32 vhost_fs_uid_out(const struct vhost_fs_req *req, kuid_t uid);
u32 vhost_fs_gid_out(const struct vhost_fs_req *req, kgid_t gid);

/* ---- share.c ---------------------------------------------------------- */

/**
 * struct vhost_fs_share - a directory offered to guests
 * @ref: one for the name, one for each attached device
 * @entry: place in the list of shares; under shares_lock
 * @id: number that orders the list; constant
 * @name: constant
 * @root_file: keeps a detached mount tree alive; constant
 * @root: what the guest sees as its root directory; constant
 * @cred: what every request runs under; constant
 * @flags: VHOST_FS_SHARE_*; constant
 * @cache: enum vhost_fs_cache_policy; constant
 * @inode_file_handles: enum vhost_fs_inode_file_handles; constant
 * @locks: enum vhost_fs_locks; constant
 * @migration: VHOST_FS_MIGRATION_*; constant
 * @max_nodes: limit of each device; read and written without a lock
 * @max_handles: likewise
 * @max_blocked: likewise
 * @entry_timeout_ns: how long a guest may believe a name; read and written
 *	without a lock
 * @attr_timeout_ns: how long a guest may believe attributes; likewise
 * @negative_timeout_ns: how long a guest may believe that there is no such
 *	name; likewise
 * @xattr_rules: how names of extended attributes are mapped; constant
 * @nr_xattr_rules: entries of @xattr_rules; constant
 * @uids: how user ids are translated; constant
 * @gids: how group ids are translated; constant
 * @nr_users: entries of @users; constant
 * @nr_groups: entries of @groups; constant
 * @users: may attach, next to the owner; constant
 * @groups: may attach; constant
 * @devices: attached devices
 */
struct vhost_fs_share {
	refcount_t ref;
	struct list_head entry;
	u32 id;
	char name[VHOST_FS_SHARE_NAME_MAX + 1];
	struct file *root_file;
	struct path root;
	const struct cred *cred;
	u32 flags;
	u32 cache;
	u32 inode_file_handles;
	u32 locks;
	u32 migration;
	u64 max_nodes;
	u64 max_handles;
	u64 max_blocked;
	u64 entry_timeout_ns;
	u64 attr_timeout_ns;
	u64 negative_timeout_ns;
	struct vhost_fs_xattr_rule *xattr_rules;
	u32 nr_xattr_rules;
	struct vhost_fs_idmap uids;
	struct vhost_fs_idmap gids;
	u32 nr_users;
	u32 nr_groups;
	kuid_t *users;
	kgid_t *groups;
	atomic_t devices;
};

int vhost_fs_share_add(const struct vhost_fs_add_share *arg);
int vhost_fs_share_remove(const struct vhost_fs_share_name *arg);
struct vhost_fs_share *vhost_fs_share_attach(const struct vhost_fs_share_name *arg);
void vhost_fs_share_detach(struct vhost_fs_share *share);
struct vhost_fs_share *vhost_fs_share_next(u32 id);
void vhost_fs_share_put(struct vhost_fs_share *share);
bool vhost_fs_share_is_admin(const struct vhost_fs_share *share);
bool vhost_fs_share_may_attach(const struct vhost_fs_share *share);
void vhost_fs_share_remove_all(void);

int vhost_fs_share_set(const struct vhost_fs_set_share *arg);

static inline bool vhost_fs_share_readonly(const struct vhost_fs_share *share)
{
	return share->flags & VHOST_FS_SHARE_READONLY;
}

/* Else each guest keeps its locks to itself. */
static inline bool vhost_fs_lock_served(const struct vhost_fs_share *share)
{
	return share->locks == VHOST_FS_LOCKS_REMOTE;
}

/* ---- stats.c ---------------------------------------------------------- */

/**
 * struct vhost_fs_stats - what one queue has served
 * @requests: by opcode; the last entry counts all unknown opcodes
 * @errors: those answered with an errno
 * @bytes_read: file data sent to the guest
 * @bytes_written: file data taken from the guest
 * @bad: malformed requests, and those that named what does not exist
 *
 * Written under the queue's mutex, read without.
 */
struct vhost_fs_stats {
	u64 requests[VHOST_FS_NR_OPS];
	u64 errors[VHOST_FS_NR_OPS];
	u64 bytes_read;
	u64 bytes_written;
	u64 bad;
};

void vhost_fs_stats_count(struct vhost_fs_stats *stats,
			  const struct vhost_fs_req *req);
void vhost_fs_stats_sum(struct vhost_fs_dev *fs, struct vhost_fs_stats *sum);

/* ---- pool.c ----------------------------------------------------------- */

/**
 * struct vhost_fs_pool - the threads of one device
 * @lock: guards the rest, save what says otherwise; taken in kicks
 * @workers: all threads; changed by the owner of vhost_dev.mutex, by @shrink
 *	and by threads that create another
 * @idle: threads without work, the last to become idle first
 * @pending: queues whose look is promised to the next thread that is free
 * @nr: threads, those being created included
 * @nr_idle: entries of @idle
 * @nr_active: threads that have work and don't block
 * @no_thread_until: jiffies; one could not be made lately
 * @running: threads exist and take work
 * @kcov_handle: whose coverage the threads' is; written while there are none
 * @shrink: stops threads that have long been idle
 * @rescue: wakes an idle thread if active ones turn out to sleep
 */
struct vhost_fs_pool {
	spinlock_t lock;
	struct list_head workers;
	struct list_head idle;
	struct list_head pending;
	unsigned int nr;
	unsigned int nr_idle;
	unsigned int nr_active;
	unsigned long no_thread_until;
	bool running;
	typeof(kcov_common_handle()) kcov_handle;
	struct delayed_work shrink;
	struct timer_list rescue;
};

/* ---- vq.c ------------------------------------------------------------- */

/**
 * struct vhost_fs_region - guest memory that is one piece in the VMM
 * @first: its first guest address; above @last for none
 * @last: its last
 * @offset: what makes a guest address one in the VMM when added
 */
struct vhost_fs_region {
	u64 first;
	u64 last;
	u64 offset;
};

/**
 * struct vhost_fs_queue - one ring
 * @vq: the vhost core's part
 * @fs: the device; constant
 * @looking: 1 while somebody has promised to look at the ring: the token that
 *	a kick takes and a thread gives back when the ring is watched
 * @pending: place in the pool's list; under the pool's lock
 * @inflight: requests taken from the ring and not yet answered; under
 *	vq.mutex
 * @paused: take nothing from the ring; under vq.mutex
 * @broken: this ring, or another of the device, was not valid; take nothing from
 *	it until it is started anew; under vq.mutex
 * @ready: parked requests to be tried again; under vhost_fs_lock_state.lock
 * @kept: requests that the last owner's end interrupted, to be taken first; under
 *	vq.mutex
 * @parked_descs: descriptors that parked requests hold; under
 *	vhost_fs_lock_state.lock
 * @resumed: what was taken last was a parked request; under vq.mutex
 * @stopping: stopped, and not yet drained; under vq.mutex
 * @stop_num: size of the ring when it was stopped; under vq.mutex
 * @stop_avail: where chains were to be taken on; under vq.mutex
 * @stop_used: where used elements were to be put on; under vq.mutex
 * @poll_ns: how long to poll before sleeping; only for the holder of @looking
 * @stay: how many times not to give way to others; as @poll_ns
 * @stay_next: what to set it to when that was of no use; as @poll_ns
 * @unsignalled: answers the guest hasn't been called for; under vq.mutex
 * @unsignalled_since: jiffies at the first of them; under vq.mutex
 * @region: of the memory table, used last; under vq.mutex
 * @stats: under vq.mutex
 */
struct vhost_fs_queue {
	struct vhost_virtqueue vq;
	struct vhost_fs_dev *fs;
	atomic_t looking;
	struct list_head pending;
	unsigned int inflight;
	bool paused;
	bool broken;
	struct list_head ready;
	struct list_head kept;
	unsigned int parked_descs;
	bool resumed;
	bool stopping;
	unsigned int stop_num;
	u16 stop_avail;
	u16 stop_used;
	u32 poll_ns;
	unsigned int stay;
	unsigned int stay_next;
	unsigned int unsignalled;
	unsigned long unsignalled_since;
	struct vhost_fs_region region;
	struct vhost_fs_stats stats;
};

void vhost_fs_vq_init(struct vhost_fs_dev *fs, struct vhost_fs_queue *q);
int vhost_fs_vq_start(struct vhost_fs_queue *q);
void vhost_fs_vq_stop(struct vhost_fs_queue *q);
int vhost_fs_vq_pause_all(struct vhost_fs_dev *fs);
void vhost_fs_vq_resume_all(struct vhost_fs_dev *fs);
void vhost_fs_vq_drain(struct vhost_fs_queue *q);
void vhost_fs_vq_kick(struct vhost_fs_queue *q);
void vhost_fs_vq_serve(struct vhost_fs_queue *q, struct vhost_fs_req *req);
void vhost_fs_may_block(struct vhost_fs_req *req);

void vhost_fs_pool_init(struct vhost_fs_dev *fs);
/*
 * vhost_fs_may_block_on - as vhost_fs_may_block(), before work on a file system
 *
 * One that lives in memory makes nobody wait, and handing the ring over would
 * only cost; unless somebody else has the inode's lock, who may sleep.
 */
static inline void vhost_fs_may_block_on(struct vhost_fs_req *req,
					 const struct dentry *dentry)
{
	unsigned long magic = dentry->d_sb->s_magic;
	struct inode *inode = d_inode(dentry);

	if ((magic != TMPFS_MAGIC && magic != RAMFS_MAGIC) ||
	    (inode && inode_is_locked(inode)))
		vhost_fs_may_block(req);
}

int vhost_fs_pool_start(struct vhost_fs_dev *fs, unsigned int nr_queues);
void vhost_fs_pool_stop(struct vhost_fs_dev *fs);
void vhost_fs_pool_submit(struct vhost_fs_queue *q);
void vhost_fs_pool_reserve(struct vhost_fs_dev *fs);
void vhost_fs_pool_block(struct vhost_fs_req *req);
void vhost_fs_pool_unblock(struct vhost_fs_req *req);
bool vhost_fs_pool_has_pending(struct vhost_fs_dev *fs);

/* ---- keep.c ----------------------------------------------------------- */

/**
 * enum vhost_fs_keep - what is left to do of a request
 * @VHOST_FS_KEEP_NOT: nothing
 * @VHOST_FS_KEEP_ALL: it is to be served again
 * @VHOST_FS_KEEP_REPLY: its reply is to be sent
 */
enum vhost_fs_keep {
	VHOST_FS_KEEP_NOT,
	VHOST_FS_KEEP_ALL,
	VHOST_FS_KEEP_REPLY,
};

bool vhost_fs_keep_wants(int err);
void vhost_fs_keep(struct vhost_fs_req *req);
void vhost_fs_keep_list(struct vhost_fs_req *req);
void vhost_fs_keep_take(struct vhost_fs_queue *q, struct vhost_fs_req *req);
void vhost_fs_keep_drop(struct vhost_fs_queue *q);
bool vhost_fs_keep_any(struct vhost_fs_dev *fs);
int vhost_fs_keep_settle(struct vhost_fs_dev *fs);

/* ---- chain.c ---------------------------------------------------------- */

int vhost_fs_chain_take(struct vhost_fs_queue *q, struct vhost_fs_req *req);
int vhost_fs_chain_put(struct vhost_fs_queue *q, unsigned int head, u32 len);
void vhost_fs_chain_forget(struct vhost_fs_queue *q);

/* ---- fh.c ------------------------------------------------------------- */

/**
 * struct vhost_fs_fh - what a file system finds an inode by
 * @key_type: type of the handle of the inode alone
 * @type: type of the handle that is decoded, which may name the parent too
 * @key_words: length of the former, at the beginning of @data
 * @words: length of the latter
 * @start: where in @data the latter begins: 0 if it begins with the former
 * @data: both
 *
 * Constant once a node has it.
 */
struct vhost_fs_fh {
	u8 key_type;
	u8 type;
	u8 key_words;
	u8 words;
	u8 start;
	u32 data[];
};

/* The same with room for any handle. */
struct vhost_fs_fh_buf {
	union {
		struct vhost_fs_fh fh;
		u8 room[sizeof(struct vhost_fs_fh) + 2 * MAX_HANDLE_SZ];
	};
};

static inline size_t vhost_fs_fh_size(const struct vhost_fs_fh *fh)
{
	return struct_size(fh, data, fh->start + fh->words);
}

int vhost_fs_fh_encode(struct vhost_fs_fh_buf *buf, struct dentry *dentry);
struct vhost_fs_fh *vhost_fs_fh_dup(const struct vhost_fs_fh *fh, gfp_t gfp);
u32 vhost_fs_fh_hash(const struct vhost_fs_fh *fh, u32 seed);
bool vhost_fs_fh_same_inode(const struct vhost_fs_fh *a,
			    const struct vhost_fs_fh *b);
bool vhost_fs_fh_equal(const struct vhost_fs_fh *a, const struct vhost_fs_fh *b);
struct dentry *vhost_fs_fh_decode(const struct vhost_fs_fh *fh,
				  const struct path *top, bool still);
bool vhost_fs_fh_may(const struct super_block *sb);
int vhost_fs_fh_check_root(const struct path *root);

/* ---- mount.c ---------------------------------------------------------- */

/**
 * struct vhost_fs_mount - a mount below the share's own that nodes lie in
 * @mark: dies with the mount, and so tells it from a later one
 * @ref: one for each node, and for each mount on this one
 * @entry: place in vhost_fs_session.mounts; under mount_lock
 * @s: whose; constant
 * @mnt: not pinned: only to be compared with; constant
 * @on: the mount it is mounted on, pinned; NULL if that is the share's own;
 *	constant
 * @fh: of the mount point there; constant
 * @depth: mounts between this one and the share's own; constant
 */
struct vhost_fs_mount {
	struct fsnotify_mark mark;
	refcount_t ref;
	struct list_head entry;
	struct vhost_fs_session *s;
	struct vfsmount *mnt;
	struct vhost_fs_mount *on;
	struct vhost_fs_fh *fh;
	unsigned int depth;
};

int vhost_fs_mount_get(struct vhost_fs_req *req, const struct path *path,
		       struct vhost_fs_mount **mount);
void vhost_fs_mount_put(struct vhost_fs_mount *mount);
int vhost_fs_mount_root(const struct vhost_fs_share *share,
			struct vhost_fs_mount *mount, struct path *root);
int vhost_fs_mount_init(void);
void vhost_fs_mount_exit(void);

/* ---- session.c, node.c, handle.c -------------------------------------- */

/**
 * struct vhost_fs_session - what one guest mount has been given
 * @lock: INIT against DESTROY, and against each other
 * @minor: FUSE protocol minor in use, 0 when there is no session; written
 *	under @lock
 * @flags: features agreed on with the guest; written under @lock
 * @nodes: node id to struct vhost_fs_node; its own lock for changes, RCU to
 *	read
 * @inodes: (inode, mount) or (file handle, mount) to struct vhost_fs_node;
 *	RCU to read
 * @handles: handle id to struct vhost_fs_handle; as @nodes
 * @next_node: last node id given out; never goes back while the device is open
 * @next_handle: last handle id given out; likewise
 * @nr_nodes: entries of @nodes
 * @nr_handles: entries of @handles
 * @dormant: forgotten nodes, the one that was forgotten first at the head;
 *	under the lock of @nodes
 * @nr_dormant: entries of @dormant; likewise
 * @mount_lock: guards @mounts
 * @mounts: mounts below the share's own that nodes with file handles lie in
 */
struct vhost_fs_session {
	struct mutex lock;
	u32 minor;
	u64 flags;
	struct xarray nodes;
	struct rhashtable inodes;
	struct xarray handles;
	atomic64_t next_node;
	atomic64_t next_handle;
	atomic64_t nr_nodes;
	atomic64_t nr_handles;
	struct list_head dormant;
	unsigned int nr_dormant;
	struct mutex mount_lock;
	struct list_head mounts;
};

/*
 * vhost_fs_count_up - count one more, unless a limit is reached
 *
 * The limit can have been lowered since, to less than there are.
 */
static inline bool vhost_fs_count_up(atomic64_t *nr, u64 limit)
{
	s64 old = atomic64_read(nr);

	do {
		if ((u64)old >= limit)
			return false;
	} while (!atomic64_try_cmpxchg(nr, &old, old + 1));
	return true;
}

int vhost_fs_session_init(struct vhost_fs_session *s);
void vhost_fs_session_exit(struct vhost_fs_session *s);
int vhost_fs_session_begin(struct vhost_fs_dev *fs, u32 minor, u64 flags);
void vhost_fs_session_end(struct vhost_fs_dev *fs);
void vhost_fs_session_restore(struct vhost_fs_dev *fs, u32 minor, u64 last_node,
			      u64 last_handle);

/**
 * struct vhost_fs_node - a file or directory that the guest knows by number
 * @id: the number; constant
 * @ref: one while the guest may use @id, one for each request that does
 * @lock: guards @dentry and changes of @fh
 * @nlookup: what the guest has still to forget; once 0 it stays 0, unless it is
 *	@dormant
 * @hash: place in vhost_fs_session.inodes
 * @by_handle: which of both it stands for a file by; constant
 * @inode: with @mnt the key of that table; constant, pinned by @dentry; NULL if
 *	the file is lost
 * @mnt: constant, pinned
 * @dentry: a name of the inode; another one when this has gone; pinned
 * @mount: with @fh the key of that table; constant, pinned; NULL for the
 *	share's own
 * @fh: finds the inode, which is not pinned; another one for the same inode
 *	when it has another parent; RCU to read
 * @seen: when it was last found so, in jiffies; no lock
 * @reach_seq: rename_lock's count when the node was last seen inside the share
 * @dormant: forgotten, and kept; under the lock of vhost_fs_session.nodes
 * @idle: place in vhost_fs_session.dormant; likewise
 * @rcu: frees it
 */
struct vhost_fs_node {
	u64 id;
	refcount_t ref;
	spinlock_t lock;
	atomic64_t nlookup;
	struct rhash_head hash;
	union {
		struct {
			struct inode *inode;
			struct vfsmount *mnt;
			struct dentry *dentry;
		};
		struct {
			struct vhost_fs_mount *mount;
			struct vhost_fs_fh __rcu *fh;
			unsigned long seen;
		};
	};
	unsigned int reach_seq;
	bool by_handle;
	bool dormant;
	union {
		struct list_head idle;
		struct rcu_head rcu;
	};
};

/**
 * struct vhost_fs_node_key - what makes a path's node
 * @inode: of the path; NULL if it is found by a handle
 * @mnt: mount of the path; NULL likewise
 * @fh: the handle, or NULL
 * @mount: the mount, for a handle; pinned
 */
struct vhost_fs_node_key {
	struct inode *inode;
	struct vfsmount *mnt;
	const struct vhost_fs_fh *fh;
	struct vhost_fs_mount *mount;
};

int vhost_fs_node_key(struct vhost_fs_req *req, const struct path *path,
		      struct vhost_fs_fh_buf *buf,
		      struct vhost_fs_node_key *key);
void vhost_fs_node_key_of(const struct vhost_fs_node *node,
			  struct vhost_fs_node_key *key);
void vhost_fs_node_stand_for(struct vhost_fs_node *node,
			     const struct vhost_fs_node_key *key,
			     const struct path *path);
void vhost_fs_node_let_go(struct vhost_fs_node *node);
void vhost_fs_node_refresh(struct vhost_fs_req *req, struct vhost_fs_node *node,
			   const struct vhost_fs_node_key *key,
			   const struct path *path);
extern const struct rhashtable_params vhost_fs_node_params;

struct vhost_fs_node *vhost_fs_node_get(struct vhost_fs_session *s, u64 id);
struct vhost_fs_node *vhost_fs_node_get_any(struct vhost_fs_session *s, u64 id);
void vhost_fs_node_put(struct vhost_fs_node *node);
bool vhost_fs_path_inside(const struct path *path, const struct path *root);
int vhost_fs_node_path(struct vhost_fs_req *req, struct vhost_fs_node *node,
		       struct path *path);
int vhost_fs_node_reserve(struct vhost_fs_req *req);
int vhost_fs_node_prepare(struct vhost_fs_req *req, const struct path *path);
void vhost_fs_node_unreserve(struct vhost_fs_req *req);
struct vhost_fs_node *vhost_fs_node_lookup(struct vhost_fs_req *req,
					   const struct path *path);
void vhost_fs_node_moved(struct vhost_fs_req *req, const struct path *path);
struct vhost_fs_node *vhost_fs_node_peek(struct vhost_fs_req *req,
					 const struct path *path);
int vhost_fs_node_restore(struct vhost_fs_req *req, u64 id,
			  const struct path *path, unsigned int seq,
			  u64 nlookup);
void vhost_fs_node_forget(struct vhost_fs_req *req, u64 id, u64 nlookup);
int vhost_fs_node_add_root(struct vhost_fs_dev *fs);
void vhost_fs_node_drop_all(struct vhost_fs_session *s);
int vhost_fs_node_cache_create(void);
void vhost_fs_node_cache_destroy(void);

/**
 * struct vhost_fs_handle - a file or directory that the guest holds open
 * @id: number that the guest knows it by; constant
 * @ref: one until RELEASE, one for each request that uses it
 * @file: constant; NULL if it could not be opened again where the device's
 *	state was loaded
 * @node: what was opened; pinned; constant
 * @dir: opened by OPENDIR; constant
 * @released: the guest has given it back; under vhost_fs_lock_state.lock, written
 *	only where locks are served
 * @rcu: frees it
 */
struct vhost_fs_handle {
	u64 id;
	refcount_t ref;
	bool dir;
	bool released;
	struct file *file;
	struct vhost_fs_node *node;
	struct rcu_head rcu;
};

struct vhost_fs_handle *vhost_fs_handle_reserve(struct vhost_fs_dev *fs);
void vhost_fs_handle_unreserve(struct vhost_fs_dev *fs,
			       struct vhost_fs_handle *handle);
void vhost_fs_handle_publish(struct vhost_fs_dev *fs,
			     struct vhost_fs_handle *handle,
			     struct vhost_fs_node *node, struct file *file,
			     bool dir);
struct vhost_fs_handle *vhost_fs_handle_get(struct vhost_fs_session *s, u64 id);
void vhost_fs_handle_put(struct vhost_fs_handle *handle);
int vhost_fs_handle_restore(struct vhost_fs_dev *fs, u64 id,
			    struct vhost_fs_node *node, struct file *file,
			    bool dir);
int vhost_fs_handle_release(struct vhost_fs_session *s, u64 id, bool dir);
void vhost_fs_handle_drop_all(struct vhost_fs_session *s);
int vhost_fs_handle_cache_create(void);
void vhost_fs_handle_cache_destroy(void);

/* ---- lock.c, park.c --------------------------------------------------- */

/**
 * struct vhost_fs_lock_state - what a device's guest locks and waits for
 * @lock: guards parked requests and what says so
 * @parked: requests that wait; under @lock
 * @nr: entries of @parked; written under @lock, read without
 * @closed: the tick does nothing any more; under @lock
 * @tick_at: when the tick is due, in jiffies; under @lock
 * @tick: polls, and lets others pass those that don't get on
 * @space: owners of the guest's POSIX locks; constant
 * @session: number of the FUSE session; written under vhost_fs_session.lock
 */
struct vhost_fs_lock_state {
	spinlock_t lock;
	struct list_head parked;
	unsigned int nr;
	bool closed;
	unsigned long tick_at;
	struct delayed_work tick;
	struct vhost_fs_lock_space *space;
	u64 session;
};

int vhost_fs_lock_init(void);
void vhost_fs_lock_exit(void);
struct vhost_fs_lock_space *vhost_fs_lock_space_alloc(void);
void vhost_fs_lock_space_put(struct vhost_fs_lock_space *space);
void vhost_fs_lock_space_close(struct vhost_fs_lock_space *space);
void vhost_fs_lock_copy(struct file_lock *new, struct file_lock *fl);
void vhost_fs_lock_drop(struct file_lock *fl);
int vhost_fs_lock_apply(struct file_lock *fl);
void vhost_fs_lock_flush(struct vhost_fs_req *req, u64 id);
void vhost_fs_lock_release(struct vhost_fs_req *req);
bool vhost_fs_lock_close(struct file *file);
bool vhost_fs_lock_held(struct file *file);

void vhost_fs_park_module_init(void);
int vhost_fs_park_init(struct vhost_fs_dev *fs);
void vhost_fs_park_exit(struct vhost_fs_dev *fs);
int vhost_fs_park(struct vhost_fs_req *req, struct file_lock *fl);

/*
 * vhost_fs_park_ready - is there something to be tried again?
 *
 * A hint; after a full barrier that pairs with a kick's, the truth.
 */
static inline bool vhost_fs_park_ready(const struct vhost_fs_queue *q)
{
	return !list_empty_careful(&q->ready);
}

struct vhost_fs_parked *vhost_fs_park_take(struct vhost_fs_queue *q);
void vhost_fs_park_fill(struct vhost_fs_req *req, struct fuse_in_header *hdr);
int vhost_fs_park_resume(struct vhost_fs_req *req);
void vhost_fs_park_notify(struct file_lock *fl);
void vhost_fs_park_wake_inode(struct inode *inode);
void vhost_fs_park_interrupt(struct vhost_fs_dev *fs, u64 unique);
void vhost_fs_park_release(struct vhost_fs_dev *fs,
			   struct vhost_fs_handle *handle);
void vhost_fs_park_drop(struct vhost_fs_dev *fs, struct vhost_fs_queue *q);
void vhost_fs_park_stopped(struct vhost_fs_queue *q);
bool vhost_fs_park_same_place(struct vhost_fs_queue *q);

/* ---- dev.c ------------------------------------------------------------ */

/**
 * struct vhost_fs_dev - an open /dev/vhost-fs
 * @vdev: the vhost core's part; its mutex guards what says so
 * @vqs: pointers into @queues, for the core
 * @queues: hiprio queue first
 * @entry: place in the list of devices; under devices_lock
 * @id: number that orders the list; constant
 * @owner: thread group that set itself owner, or NULL; written under
 *	vdev.mutex; RCU to read
 * @share: NULL until attached, then constant; written under vdev.mutex
 * @running: serving; under vdev.mutex
 * @nr_request_queues: request queues that are served; under vdev.mutex
 * @pool: threads
 * @session: nodes and handles
 * @locks: locks, and requests that wait for them
 * @transfer: its state's on the way, or how that ended; under vdev.mutex
 * @idle_wq: woken when a queue has no request in flight
 */
struct vhost_fs_dev {
	struct vhost_dev vdev;
	struct vhost_virtqueue *vqs[VHOST_FS_NVQS];
	struct vhost_fs_queue *queues;
	struct list_head entry;
	u32 id;
	struct pid __rcu *owner;
	struct vhost_fs_share *share;
	bool running;
	unsigned int nr_request_queues;
	struct vhost_fs_pool pool;
	struct vhost_fs_session session;
	struct vhost_fs_lock_state locks;
	struct vhost_fs_transfer *transfer;
	wait_queue_head_t idle_wq;
};

extern const struct file_operations vhost_fs_fops;

int vhost_fs_dev_check_owner(struct vhost_fs_dev *fs);

int vhost_fs_dev_for_each(u32 from,
			  int (*fn)(struct vhost_fs_dev *fs, void *arg),
			  void *arg);

/* ---- request.c, reply.c, opdef.c -------------------------------------- */

/* The request has data after its arguments and names; see req->data. */
#define VHOST_FS_OP_DATA	BIT(0)
/* There is no reply. */
#define VHOST_FS_OP_NO_REPLY	BIT(1)
/* Served without a session. */
#define VHOST_FS_OP_NO_SESSION	BIT(2)
/* The header names no node. */
#define VHOST_FS_OP_NO_NODE	BIT(3)
/* The arguments' @fh names an open file. */
#define VHOST_FS_OP_FILE	BIT(4)
/* The arguments' @fh names an open directory. */
#define VHOST_FS_OP_DIR		BIT(5)
/* Waits for the disk or for a lock as a rule. */
#define VHOST_FS_OP_BLOCKS	BIT(6)
/* The last name is not a file name but any non-empty path. */
#define VHOST_FS_OP_TARGET	BIT(7)
/* May use an open file instead of the node's path; the handler checks which. */
#define VHOST_FS_OP_MAYBE_FH	BIT(8)
/* The last name is not a file name but an extended attribute's. */
#define VHOST_FS_OP_ATTR_NAME	BIT(9)
/* Creates something; extensions may follow the names. */
#define VHOST_FS_OP_EXT		BIT(10)
/* The name may be "." and "..", if the guest was told so. */
#define VHOST_FS_OP_DOTS	BIT(11)
/* The handle may be one whose file is lost. */
#define VHOST_FS_OP_LOST	BIT(12)

/**
 * struct vhost_fs_op - row of the opcode table
 * @name: lower case, without FUSE_
 * @fn: serves a decoded request; returns 0 or an errno; NULL for ENOSYS
 * @served: false if it is ENOSYS on a share, whatever the request says; NULL
 *	for all shares
 * @in_size: bytes of arguments between header and names
 * @in_grown: the same in a session that has @grown_by; 0 if none grows it
 * @grown_by: FUSE_* flag of INIT
 * @out_size: bytes that a successful reply has at least after its header
 * @names: NUL-terminated strings after the arguments
 * @fh_offset: where a __u64 handle is in the arguments
 * @flags: VHOST_FS_OP_*
 */
struct vhost_fs_op {
	const char *name;
	int (*fn)(struct vhost_fs_req *req);
	bool (*served)(const struct vhost_fs_share *share);
	u64 grown_by;
	u16 in_size;
	u16 in_grown;
	u16 out_size;
	u8 names;
	u8 fh_offset;
	u16 flags;
};

const struct vhost_fs_op *vhost_fs_op(u32 opcode);

/* Supplementary groups that a request may bring. */
#define VHOST_FS_MAX_SUPP_GROUPS	32

/**
 * struct vhost_fs_ext - what a request brings for what it creates
 * @label_name: attribute that its security label is; NULL for none
 * @label: the label
 * @label_size: bytes of @label
 * @groups: supplementary groups of the guest's user, as the guest knows them
 * @nr_groups: entries of @groups
 */
struct vhost_fs_ext {
	const char *label_name;
	const void *label;
	size_t label_size;
	const u32 *groups;
	u32 nr_groups;
};

/**
 * struct vhost_fs_creator - for whom something is created
 * @uid: the host's user id
 * @gid: the host's group id
 * @host_groups: keep the share's supplementary groups; no others are given
 * @fsetid: keep CAP_FSETID
 * @nr_groups: entries of @groups
 * @groups: supplementary groups
 *
 * Compared as bytes, so what isn't used is zero.
 */
struct vhost_fs_creator {
	kuid_t uid;
	kgid_t gid;
	u32 host_groups;
	u32 fsetid;
	u32 nr_groups;
	kgid_t groups[VHOST_FS_MAX_SUPP_GROUPS];
};

/**
 * struct vhost_fs_req - a request, from ring to used element
 * @fs: its device
 * @worker: the thread that it belongs to
 * @q: its queue
 * @share: the device's share
 * @session_flags: features agreed on with the guest when the request was taken:
 *	another INIT may agree on others meanwhile
 * @op: its row, NULL if it never got that far
 * @head: descriptor index, for the used element
 * @iov: guest memory: @out_num readable pieces, then @in_num writable ones
 * @out_num: pieces from the guest
 * @in_num: pieces to the guest
 * @out_len: bytes from the guest
 * @in_len: bytes to the guest
 * @data: what of the guest's bytes follows arguments and names; see
 *	vhost_fs_req_data()
 * @taken: bytes of the guest's that came before @data
 * @hdr: header, copied once
 * @arg: arguments, copied once
 * @arg_len: their length, names included; at least the row's in_size
 * @name: names, copied once and checked
 * @node: node that the header names
 * @path: its path, with references of its own; empty if an open file is used
 *	that the row says there must be
 * @handle: handle that the arguments name
 * @spare_node: memory for a node, made before what it is to stand for
 * @payload: what follows the reply's header
 * @payload_len: its length
 * @data_in: file data taken from the guest
 * @data_out: file data put behind the reply's header
 * @written: bytes for the used element
 * @error: what the guest was told
 * @handed_off: another thread may be at the queue
 * @bad: malformed, or names what does not exist
 * @parked: not new from the ring, but goes on after a wait; else NULL
 * @put_off: waits now, and so is not to be completed
 * @keep: what the next owner's thread has to do of it; what this one has, when
 *	it is taken
 * @kept: place in vhost_fs_queue.kept
 * @done: how much of it an earlier owner's thread has done; and this one, if it
 *	has to be kept
 * @changed: a name was made, or a wait has ended, so it can't be served again
 * @log_num: entries of @log
 * @log: what of guest memory to mark dirty, NULL while nothing is logged
 * @buf: scratch memory of @buf_size bytes, for listings
 * @buf_size: see @buf
 * @ext: extensions
 * @create_cred: credentials for the last guest user that made something
 * @creator: whose those are
 * @in: header, arguments and names
 * @out: header of the reply, and the payload if it is small
 *
 * One belongs to each thread and is used for one request after another, so
 * that serving allocates nothing.
 */
struct vhost_fs_req {
	struct vhost_fs_dev *fs;
	struct vhost_fs_worker *worker;
	struct vhost_fs_queue *q;
	struct vhost_fs_share *share;
	u64 session_flags;
	const struct vhost_fs_op *op;
	int head;
	unsigned int out_num;
	unsigned int in_num;
	size_t out_len;
	size_t in_len;
	struct iov_iter data;
	size_t taken;
	const struct fuse_in_header *hdr;
	const void *arg;
	size_t arg_len;
	struct qstr name[2];
	struct vhost_fs_node *node;
	struct path path;
	struct vhost_fs_handle *handle;
	struct vhost_fs_node *spare_node;
	const void *payload;
	size_t payload_len;
	size_t data_in;
	size_t data_out;
	u32 written;
	int error;
	bool handed_off;
	bool bad;
	struct vhost_fs_parked *parked;
	bool put_off;
	bool changed;
	enum vhost_fs_keep keep;
	struct list_head kept;
	size_t done;
	unsigned int log_num;
	struct vhost_log *log;
	void *buf;
	size_t buf_size;
	struct vhost_fs_ext ext;
	struct cred *create_cred;
	struct vhost_fs_creator creator;
	u8 in[VHOST_FS_IN_BUF] __aligned(8);
	struct {
		struct fuse_out_header hdr;
		u8 payload[VHOST_FS_OUT_BUF];
	} out __aligned(8);
	struct iovec iov[UIO_MAXIOV];
};

/* Did INIT agree on a FUSE_* feature? The same from a request's begin to end. */
static inline bool vhost_fs_req_has(const struct vhost_fs_req *req, u64 flag)
{
	return req->session_flags & flag;
}

struct vhost_fs_req *vhost_fs_req_alloc(struct vhost_fs_dev *fs);
void vhost_fs_req_free(struct vhost_fs_req *req);
void vhost_fs_req_run(struct vhost_fs_req *req);
void *vhost_fs_req_buf(struct vhost_fs_req *req, size_t size);
int vhost_fs_req_handle(struct vhost_fs_req *req, u64 fh, bool dir);
int vhost_fs_req_maybe_handle(struct vhost_fs_req *req, bool has_fh, u64 fh);

void vhost_fs_req_data(struct vhost_fs_req *req);

void vhost_fs_reply_buf(struct vhost_fs_req *req, const void *buf, size_t len);
size_t vhost_fs_reply_room(const struct vhost_fs_req *req);
void vhost_fs_reply_data(const struct vhost_fs_req *req, struct iov_iter *to,
			 size_t len);
void vhost_fs_reply_send(struct vhost_fs_req *req, int err);
void vhost_fs_reply_resend(struct vhost_fs_req *req);

/*
 * vhost_fs_reply_arg - room for a reply of fixed size, zeroed
 *
 * At most VHOST_FS_OUT_BUF; the request's row says that the guest has room for
 * it. Sent if the handler returns 0. Inline, since to zero what has a constant
 * size takes a few words.
 */
static inline void *vhost_fs_reply_arg(struct vhost_fs_req *req, size_t size)
{
	memset(req->out.payload, 0, size);
	vhost_fs_reply_buf(req, req->out.payload, size);
	return req->out.payload;
}

/* ---- guestmem.c ------------------------------------------------------- */

bool vhost_fs_guest_addr(struct vhost_dev *vdev, u64 user, u64 *addr);
unsigned int vhost_fs_guest_pieces(struct vhost_fs_req *req, unsigned int at,
				   u64 addr, size_t len, u8 perm);
bool vhost_fs_guest_read(const struct vhost_fs_req *req, void *to, size_t skip,
			 size_t len);
bool vhost_fs_guest_write(const struct vhost_fs_req *req, size_t skip,
			  const void *from, size_t len);

/* ---- cred.c ----------------------------------------------------------- */

int vhost_fs_cred_create(struct vhost_fs_req *req, const struct cred **saved);
int vhost_fs_cred_access(struct vhost_fs_req *req, const struct path *path,
			 int mask);
umode_t vhost_fs_cred_mode(struct vhost_fs_req *req, umode_t mode, u32 umask);
void vhost_fs_cred_restore(const struct cred *saved);
int vhost_fs_cred_outsider(struct vhost_fs_req *req, const struct cred **saved);
void vhost_fs_cred_discard(const struct cred *saved);
int vhost_fs_cred_drop_fsetid(struct vhost_fs_req *req, const struct path *path,
			      const struct cred **saved);
struct user_namespace *vhost_fs_user_ns(const struct vhost_fs_req *req);
bool vhost_fs_is_readonly(const struct vhost_fs_req *req, struct vfsmount *mnt);
int vhost_fs_want_write(struct vhost_fs_req *req, struct vfsmount *mnt);

/* ---- lookup.c --------------------------------------------------------- */

bool vhost_fs_name_is_dot(const struct qstr *name);
bool vhost_fs_name_is_dotdot(const struct qstr *name);
int vhost_fs_lookup_child(struct vhost_fs_req *req, const struct path *dir,
			  struct qstr *name, struct path *child);
int vhost_fs_lookup_child_quietly(struct vhost_fs_req *req,
				  const struct path *dir, struct qstr *name,
				  struct path *child);
int vhost_fs_lookup_second(struct vhost_fs_req *req, u64 id,
			   struct vhost_fs_node **node, struct path *path);
struct vhost_fs_node *vhost_fs_entry_add(struct vhost_fs_req *req,
					 const struct path *path,
					 struct fuse_entry_out *out);
int vhost_fs_entry_reply(struct vhost_fs_req *req, const struct path *path);

/* ---- namei.c ---------------------------------------------------------- */

/**
 * struct vhost_fs_create - a name about to be made, its parent locked
 * @mnt: mount of the parent, write access to it taken
 * @dentry: negative dentry of the name
 * @saved: credentials to go back to
 * @di: a delegation to be broken before trying again
 */
struct vhost_fs_create {
	struct vfsmount *mnt;
	struct dentry *dentry;
	const struct cred *saved;
	struct delegated_inode di;
};

int vhost_fs_create(struct vhost_fs_req *req,
		    int (*make)(struct vhost_fs_req *req,
				struct vhost_fs_create *c),
		    struct path *path);

/* ---- attr.c ----------------------------------------------------------- */

int vhost_fs_attr_get(struct vhost_fs_req *req, const struct path *path,
		      struct fuse_attr *attr);
void vhost_fs_attr_timeout(const struct vhost_fs_share *share, u64 *sec,
			   u32 *nsec);
int vhost_fs_truncate_file(struct vhost_fs_req *req, struct file *file,
			   loff_t size, unsigned int valid);

/* ---- the operations, for opdef.c -------------------------------------- */

int vhost_fs_op_init(struct vhost_fs_req *req);
int vhost_fs_op_destroy(struct vhost_fs_req *req);
int vhost_fs_op_interrupt(struct vhost_fs_req *req);
int vhost_fs_op_lookup(struct vhost_fs_req *req);
int vhost_fs_op_forget(struct vhost_fs_req *req);
int vhost_fs_op_batch_forget(struct vhost_fs_req *req);
int vhost_fs_op_getattr(struct vhost_fs_req *req);
int vhost_fs_op_setattr(struct vhost_fs_req *req);
int vhost_fs_op_statx(struct vhost_fs_req *req);
int vhost_fs_op_statfs(struct vhost_fs_req *req);
int vhost_fs_op_access(struct vhost_fs_req *req);
int vhost_fs_op_readlink(struct vhost_fs_req *req);
int vhost_fs_op_symlink(struct vhost_fs_req *req);
int vhost_fs_op_mknod(struct vhost_fs_req *req);
int vhost_fs_op_mkdir(struct vhost_fs_req *req);
int vhost_fs_op_unlink(struct vhost_fs_req *req);
int vhost_fs_op_rmdir(struct vhost_fs_req *req);
int vhost_fs_op_rename(struct vhost_fs_req *req);
int vhost_fs_op_rename2(struct vhost_fs_req *req);
int vhost_fs_op_link(struct vhost_fs_req *req);
int vhost_fs_op_open(struct vhost_fs_req *req);
int vhost_fs_op_create(struct vhost_fs_req *req);
int vhost_fs_op_release(struct vhost_fs_req *req);
int vhost_fs_op_flush(struct vhost_fs_req *req);
int vhost_fs_op_fsync(struct vhost_fs_req *req);
int vhost_fs_op_syncfs(struct vhost_fs_req *req);
int vhost_fs_op_opendir(struct vhost_fs_req *req);
int vhost_fs_op_releasedir(struct vhost_fs_req *req);
int vhost_fs_op_read(struct vhost_fs_req *req);
int vhost_fs_op_write(struct vhost_fs_req *req);
int vhost_fs_op_lseek(struct vhost_fs_req *req);
int vhost_fs_op_fallocate(struct vhost_fs_req *req);
int vhost_fs_op_readdir(struct vhost_fs_req *req);
int vhost_fs_op_readdirplus(struct vhost_fs_req *req);

int vhost_fs_op_setxattr(struct vhost_fs_req *req);
int vhost_fs_op_getxattr(struct vhost_fs_req *req);
int vhost_fs_op_listxattr(struct vhost_fs_req *req);
int vhost_fs_op_removexattr(struct vhost_fs_req *req);
int vhost_fs_op_getlk(struct vhost_fs_req *req);
int vhost_fs_op_setlk(struct vhost_fs_req *req);
int vhost_fs_op_setlkw(struct vhost_fs_req *req);
int vhost_fs_op_bmap(struct vhost_fs_req *req);
int vhost_fs_op_ioctl(struct vhost_fs_req *req);
int vhost_fs_op_copy_file_range(struct vhost_fs_req *req);
int vhost_fs_op_copy_file_range_64(struct vhost_fs_req *req);
int vhost_fs_op_tmpfile(struct vhost_fs_req *req);

/* ---- ext.c ------------------------------------------------------------ */

size_t vhost_fs_ext_len(const struct vhost_fs_req *req);
int vhost_fs_ext_parse(struct vhost_fs_req *req);
int vhost_fs_ext_label(struct vhost_fs_req *req, const struct path *path);

/* ---- xattr.c, xattrmap.c, acl.c --------------------------------------- */

bool vhost_fs_xattr_served(const struct vhost_fs_share *share);
int vhost_fs_xattr_set(struct vhost_fs_req *req, const struct path *path,
		       const char *name, const void *value, size_t size,
		       int flags);

int vhost_fs_xattrmap_copy(struct vhost_fs_share *share,
			   const struct vhost_fs_add_share *arg);
int vhost_fs_xattrmap_to_host(const struct vhost_fs_share *share,
			      const char *name, char host[XATTR_NAME_MAX + 1]);
const char *vhost_fs_xattrmap_to_guest(const struct vhost_fs_share *share,
				       const char *host);

int vhost_fs_acl_set(struct vhost_fs_req *req, const struct path *path,
		     const char *name, const void *value, size_t size);
ssize_t vhost_fs_acl_get(struct vhost_fs_req *req, const struct path *path,
			 const char *name, void *buf, size_t size);

/* ---- init.c ----------------------------------------------------------- */

u64 vhost_fs_init_missing(const struct vhost_fs_share *share, u64 flags);
u64 vhost_fs_init_allowed(const struct vhost_fs_share *share, u64 flags);

/* ---- open.c ----------------------------------------------------------- */

struct file *vhost_fs_open_again(struct vhost_fs_req *req,
				 const struct path *path, u32 flags);

/* ---- state.c ---------------------------------------------------------- */

int vhost_fs_transfer_set_fd(struct vhost_fs_dev *fs,
			     const struct vhost_fs_device_state_fd *arg);
int vhost_fs_transfer_check(struct vhost_fs_dev *fs,
			    struct vhost_fs_device_state_result *result);
bool vhost_fs_transfer_busy(const struct vhost_fs_dev *fs);
void vhost_fs_transfer_reap(struct vhost_fs_dev *fs);
void vhost_fs_transfer_end(struct vhost_fs_dev *fs);

/* ---- netlink.c -------------------------------------------------------- */

int vhost_fs_netlink_init(void);
void vhost_fs_netlink_exit(void);

#endif /* VHOST_FS_INTERNAL_H */
