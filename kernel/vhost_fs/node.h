/* SPDX-License-Identifier: GPL-2.0-only */
/* A file or directory that the guest knows by number. */
#ifndef VHOST_FS_NODE_H
#define VHOST_FS_NODE_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/path.h>
#include <linux/refcount.h>
#include <linux/rhashtable-types.h>
#include <linux/spinlock.h>

struct dentry;
struct inode;
struct vfsmount;
struct vhost_fs_dev;
struct vhost_fs_fh;
struct vhost_fs_fh_buf;
struct vhost_fs_mount;
struct vhost_fs_req;
struct vhost_fs_session;

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
 * @listed: for the guest to use, or @dormant; under the lock of
 *	vhost_fs_session.nodes
 * @dormant: forgotten, and kept; likewise
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
	bool listed;
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

void vhost_fs_node_key_kept(const struct path *path,
			    struct vhost_fs_node_key *key);
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
int vhost_fs_node_borrow_path(struct vhost_fs_req *req,
			      struct vhost_fs_node *node, struct path *path);
void vhost_fs_node_return_path(struct vhost_fs_node *node, struct path *path);
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

#endif /* VHOST_FS_NODE_H */
