// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shares: directories that guests may mount.
 *
 * A share binds a root directory to the credentials of the process that made
 * it, and to options. It has one reference for its name, which removing it
 * drops, and one for each device attached to it; it dies with the last. The
 * root is held by its open file and not only by its path, since a mount tree
 * made by open_tree() is dissolved when that file is closed.
 *
 * Nothing in a share changes once it is in the list, save limits and timeouts,
 * so whoever has a reference reads it without a lock.
 */
#include <linux/ctype.h>
#include <linux/file.h>
#include <linux/namei.h>
#include <linux/slab.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>

#include "fh.h"
#include "idmap.h"
#include "share.h"
#include "xattr.h"

static LIST_HEAD(shares);
static u32 last_share_id;
/* Guards the list of shares and last_share_id. */
static DEFINE_MUTEX(shares_lock);

#define VHOST_FS_MIGRATION_ALL	(VHOST_FS_MIGRATION_FILE_HANDLES |	\
				 VHOST_FS_MIGRATION_VERIFY_HANDLES |	\
				 VHOST_FS_MIGRATION_CONFIRM_PATHS |	\
				 VHOST_FS_MIGRATION_GUEST_ERROR)

#define VHOST_FS_SHARE_FLAGS_ALL	(VHOST_FS_SHARE_READONLY |	\
					 VHOST_FS_SHARE_NO_SUBMOUNTS |	\
					 VHOST_FS_SHARE_NO_READDIRPLUS | \
					 VHOST_FS_SHARE_XATTR |		\
					 VHOST_FS_SHARE_POSIX_ACL |	\
					 VHOST_FS_SHARE_SECURITY_LABEL | \
					 VHOST_FS_SHARE_WRITEBACK |	\
					 VHOST_FS_SHARE_DIRECT_IO |	\
					 VHOST_FS_SHARE_MMAP |		\
					 VHOST_FS_SHARE_KILLPRIV_V2 |	\
					 VHOST_FS_SHARE_NOATIME |	\
					 VHOST_FS_SHARE_ENTRY_TIMEOUT |	\
					 VHOST_FS_SHARE_ATTR_TIMEOUT |	\
					 VHOST_FS_SHARE_NO_IDMAP |	\
					 VHOST_FS_SHARE_POSIX_ACL_AUTO | \
					 VHOST_FS_SHARE_SECURITY_LABEL_AUTO)

/* How long a guest may keep what the policy lets it keep "for good". */
#define VHOST_FS_LONG_TIMEOUT_NS	(86400ULL * NSEC_PER_SEC)

static bool name_char_ok(u8 c)
{
	return (isascii(c) && isalnum(c)) || c == '.' || c == '_' || c == '-';
}

/* 1 to VHOST_FS_SHARE_NAME_MAX good characters, then nothing but NULs. */
static bool name_ok(const u8 name[VHOST_FS_SHARE_NAME_MAX + 1])
{
	unsigned int len = strnlen(name, VHOST_FS_SHARE_NAME_MAX + 1);
	unsigned int i;

	if (!len || len > VHOST_FS_SHARE_NAME_MAX)
		return false;
	if (name[0] == '.' || name[0] == '-')
		return false;
	for (i = 0; i < len; i++)
		if (!name_char_ok(name[i]))
			return false;
	return !memchr_inv(name + len, 0, VHOST_FS_SHARE_NAME_MAX + 1 - len);
}

static struct vhost_fs_share *share_find(const char *name,
					 const struct user_namespace *ns)
{
	struct vhost_fs_share *share;

	lockdep_assert_held(&shares_lock);

	list_for_each_entry(share, &shares, entry)
		if (share->cred->user_ns == ns && !strcmp(share->name, name))
			return share;
	return NULL;
}

static void share_free(struct vhost_fs_share *share)
{
	if (share->root_file)
		fput(share->root_file);
	put_cred(share->cred);
	kvfree(share->users);
	kvfree(share->groups);
	kvfree(share->xattr_rules);
	vhost_fs_idmap_free(&share->uids);
	vhost_fs_idmap_free(&share->gids);
	kfree(share);
}

/**
 * vhost_fs_share_put - drop a reference
 * @share: the share
 *
 * Context: process context; may close the root directory.
 */
void vhost_fs_share_put(struct vhost_fs_share *share)
{
	if (refcount_dec_and_test(&share->ref))
		share_free(share);
}

static int share_copy_users(struct vhost_fs_share *share,
			    const struct vhost_fs_add_share *arg)
{
	const u32 __user *ids = u64_to_user_ptr(arg->users);
	u32 i, id;

	if (!arg->nr_users)
		return 0;
	share->users = kvcalloc(arg->nr_users, sizeof(*share->users),
				GFP_KERNEL_ACCOUNT);
	if (!share->users)
		return -ENOMEM;
	for (i = 0; i < arg->nr_users; i++) {
		if (get_user(id, ids + i))
			return -EFAULT;
		share->users[i] = make_kuid(current_user_ns(), id);
		if (!uid_valid(share->users[i]))
			return -EINVAL;
	}
	share->nr_users = arg->nr_users;
	return 0;
}

static int share_copy_groups(struct vhost_fs_share *share,
			     const struct vhost_fs_add_share *arg)
{
	const u32 __user *ids = u64_to_user_ptr(arg->groups);
	u32 i, id;

	if (!arg->nr_groups)
		return 0;
	share->groups = kvcalloc(arg->nr_groups, sizeof(*share->groups),
				 GFP_KERNEL_ACCOUNT);
	if (!share->groups)
		return -ENOMEM;
	for (i = 0; i < arg->nr_groups; i++) {
		if (get_user(id, ids + i))
			return -EFAULT;
		share->groups[i] = make_kgid(current_user_ns(), id);
		if (!gid_valid(share->groups[i]))
			return -EINVAL;
	}
	share->nr_groups = arg->nr_groups;
	return 0;
}

static int share_set_root(struct vhost_fs_share *share, int fd)
{
	/* O_PATH descriptors are as good as others. */
	struct file *file = fget_raw(fd);

	if (!file)
		return -EBADF;
	share->root_file = file;
	share->root = file->f_path;
	return d_is_dir(share->root.dentry) ? 0 : -ENOTDIR;
}

static u64 cache_timeout(u32 cache)
{
	switch (cache) {
	case VHOST_FS_CACHE_AUTO:
		return NSEC_PER_SEC;
	case VHOST_FS_CACHE_ALWAYS:
	case VHOST_FS_CACHE_METADATA:
		return VHOST_FS_LONG_TIMEOUT_NS;
	default:
		return 0;
	}
}

static void share_set_timeouts(struct vhost_fs_share *share,
			       const struct vhost_fs_add_share *arg)
{
	u64 timeout = cache_timeout(arg->cache);

	share->entry_timeout_ns = arg->flags & VHOST_FS_SHARE_ENTRY_TIMEOUT ?
		arg->entry_timeout_ns : timeout;
	share->attr_timeout_ns = arg->flags & VHOST_FS_SHARE_ATTR_TIMEOUT ?
		arg->attr_timeout_ns : timeout;
	share->negative_timeout_ns = arg->negative_timeout_ns;
}

static void share_set_limits(struct vhost_fs_share *share,
			     const struct vhost_fs_add_share *arg)
{
	share->max_nodes = arg->max_nodes ?: VHOST_FS_DEFAULT_MAX_NODES;
	share->max_handles = arg->max_handles ?: VHOST_FS_DEFAULT_MAX_HANDLES;
	share->max_blocked = arg->max_blocked ?: VHOST_FS_DEFAULT_MAX_BLOCKED;
}

/* By a handle could be reached what the share's owner can't reach by name. */
static int share_check_handles(const struct vhost_fs_share *share)
{
	if (share->inode_file_handles == VHOST_FS_HANDLES_NEVER)
		return 0;
	if (!ns_capable(share->root.mnt->mnt_sb->s_user_ns,
			CAP_DAC_READ_SEARCH))
		return -EPERM;
	if (share->inode_file_handles == VHOST_FS_HANDLES_PREFER)
		return 0;
	return vhost_fs_fh_check_root(&share->root);
}

/* What userspace passes by address. */
static int share_copy_arrays(struct vhost_fs_share *share,
			     const struct vhost_fs_add_share *arg)
{
	int err;

	err = share_copy_users(share, arg);
	if (!err)
		err = share_copy_groups(share, arg);
	if (!err)
		err = vhost_fs_xattrmap_copy(share, arg);
	if (!err)
		err = vhost_fs_idmap_copy(&share->uids, arg->uid_rules,
					  arg->nr_uid_rules);
	if (!err)
		err = vhost_fs_idmap_copy(&share->gids, arg->gid_rules,
					  arg->nr_gid_rules);
	return err;
}

static int share_fill(struct vhost_fs_share *share,
		      const struct vhost_fs_add_share *arg)
{
	int err;

	refcount_set(&share->ref, 1);
	strscpy(share->name, arg->name, sizeof(share->name));
	share->cred = get_current_cred();
	share->flags = arg->flags;
	share->cache = arg->cache;
	share->inode_file_handles = arg->inode_file_handles;
	share->locks = arg->locks;
	share->migration = arg->migration;
	share_set_limits(share, arg);
	share_set_timeouts(share, arg);
	err = share_set_root(share, arg->root_fd);
	if (!err)
		err = share_check_handles(share);
	return err ?: share_copy_arrays(share, arg);
}

static int share_publish(struct vhost_fs_share *share)
{
	int err = -EEXIST;

	mutex_lock(&shares_lock);
	if (!share_find(share->name, share->cred->user_ns)) {
		share->id = ++last_share_id;
		list_add_tail(&share->entry, &shares);
		err = 0;
	}
	mutex_unlock(&shares_lock);
	return err;
}

/* Flags that say something of what another flag asks for. */
static bool flags_ok(u32 flags)
{
	static const struct {
		u32 flag;
		u32 needs;
	} rows[] = {
		{ VHOST_FS_SHARE_POSIX_ACL, VHOST_FS_SHARE_XATTR },
		{ VHOST_FS_SHARE_SECURITY_LABEL, VHOST_FS_SHARE_XATTR },
		{ VHOST_FS_SHARE_POSIX_ACL_AUTO, VHOST_FS_SHARE_POSIX_ACL },
		{ VHOST_FS_SHARE_SECURITY_LABEL_AUTO,
		  VHOST_FS_SHARE_SECURITY_LABEL },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if ((flags & rows[i].flag) && !(flags & rows[i].needs))
			return false;
	return !(flags & ~VHOST_FS_SHARE_FLAGS_ALL);
}

/* A handle that finds a file is never wrong, so there is nothing to confirm. */
static bool migration_ok(u32 migration)
{
	if (migration & ~VHOST_FS_MIGRATION_ALL)
		return false;
	return !(migration & VHOST_FS_MIGRATION_CONFIRM_PATHS) ||
	       !(migration & VHOST_FS_MIGRATION_FILE_HANDLES);
}

/* No bits and numbers that mean nothing, and no options without what they need. */
static bool options_ok(const struct vhost_fs_add_share *arg)
{
	if (!flags_ok(arg->flags) || !migration_ok(arg->migration))
		return false;
	if (arg->cache > VHOST_FS_CACHE_NEVER ||
	    arg->inode_file_handles > VHOST_FS_HANDLES_MANDATORY ||
	    arg->locks > VHOST_FS_LOCKS_REMOTE ||
	    arg->max_blocked > VHOST_FS_MAX_BLOCKED)
		return false;
	if (arg->nr_users > VHOST_FS_MAX_ALLOWED_IDS ||
	    arg->nr_groups > VHOST_FS_MAX_ALLOWED_IDS ||
	    arg->nr_xattr_rules > VHOST_FS_MAX_XATTR_RULES ||
	    arg->nr_uid_rules > VHOST_FS_MAX_ID_RULES ||
	    arg->nr_gid_rules > VHOST_FS_MAX_ID_RULES)
		return false;
	if (arg->entry_timeout_ns && !(arg->flags & VHOST_FS_SHARE_ENTRY_TIMEOUT))
		return false;
	if (arg->attr_timeout_ns && !(arg->flags & VHOST_FS_SHARE_ATTR_TIMEOUT))
		return false;
	return !arg->nr_xattr_rules || (arg->flags & VHOST_FS_SHARE_XATTR);
}

/**
 * vhost_fs_share_add - VHOST_FS_ADD_SHARE
 * @arg: copy of its argument, not yet checked
 *
 * Return: 0 or an errno as the interface says.
 *
 * Context: the process whose credentials the share is to have.
 */
int vhost_fs_share_add(const struct vhost_fs_add_share *arg)
{
	struct vhost_fs_share *share;
	int err;

	if (!name_ok(arg->name) || !options_ok(arg))
		return -EINVAL;

	share = kzalloc(sizeof(*share), GFP_KERNEL_ACCOUNT);
	if (!share)
		return -ENOMEM;
	err = share_fill(share, arg);
	if (!err)
		err = share_publish(share);
	if (err)
		share_free(share);
	return err;
}

/**
 * vhost_fs_share_is_admin - may the caller change and remove a share?
 * @share: the share
 *
 * Return: whether the caller is its owner, or privileged over the owner's user
 * namespace.
 */
bool vhost_fs_share_is_admin(const struct vhost_fs_share *share)
{
	return uid_eq(current_euid(), share->cred->euid) ||
	       ns_capable(share->cred->user_ns, CAP_SYS_ADMIN);
}

/**
 * vhost_fs_share_may_attach - may the caller attach devices?
 * @share: the share
 *
 * Return: whether the caller is the share's owner, one of the users and groups
 * it names, or privileged over the owner's user namespace.
 */
bool vhost_fs_share_may_attach(const struct vhost_fs_share *share)
{
	u32 i;

	for (i = 0; i < share->nr_users; i++)
		if (uid_eq(current_euid(), share->users[i]))
			return true;
	for (i = 0; i < share->nr_groups; i++)
		if (in_egroup_p(share->groups[i]))
			return true;
	return vhost_fs_share_is_admin(share);
}

/**
 * vhost_fs_share_remove - VHOST_FS_REMOVE_SHARE
 * @arg: copy of its argument, not yet checked
 *
 * Return: 0 or an errno as the interface says.
 */
int vhost_fs_share_remove(const struct vhost_fs_share_name *arg)
{
	struct vhost_fs_share *share;
	int err = 0;

	if (arg->flags || !name_ok(arg->name))
		return -EINVAL;

	mutex_lock(&shares_lock);
	share = share_find(arg->name, current_user_ns());
	if (!share)
		err = -ENOENT;
	else if (!vhost_fs_share_is_admin(share))
		err = -EPERM;
	else
		list_del_init(&share->entry);
	mutex_unlock(&shares_lock);
	if (!err)
		vhost_fs_share_put(share);
	return err;
}

static bool set_ok(const struct vhost_fs_set_share *arg)
{
	const u32 all = VHOST_FS_SET_MAX_NODES | VHOST_FS_SET_MAX_HANDLES |
			VHOST_FS_SET_MAX_BLOCKED | VHOST_FS_SET_ENTRY_TIMEOUT |
			VHOST_FS_SET_ATTR_TIMEOUT | VHOST_FS_SET_NEGATIVE_TIMEOUT;
	u32 without = 0;

	without |= arg->max_nodes ? VHOST_FS_SET_MAX_NODES : 0;
	without |= arg->max_handles ? VHOST_FS_SET_MAX_HANDLES : 0;
	without |= arg->max_blocked ? VHOST_FS_SET_MAX_BLOCKED : 0;
	without |= arg->entry_timeout_ns ? VHOST_FS_SET_ENTRY_TIMEOUT : 0;
	without |= arg->attr_timeout_ns ? VHOST_FS_SET_ATTR_TIMEOUT : 0;
	without |= arg->negative_timeout_ns ? VHOST_FS_SET_NEGATIVE_TIMEOUT : 0;
	if (arg->max_blocked > VHOST_FS_MAX_BLOCKED)
		return false;
	return arg->flags && !(arg->flags & ~all) && !(without & ~arg->flags);
}

/* Requests read these at any moment. */
static void share_change(struct vhost_fs_share *share,
			 const struct vhost_fs_set_share *arg)
{
	if (arg->flags & VHOST_FS_SET_MAX_NODES)
		WRITE_ONCE(share->max_nodes,
			   arg->max_nodes ?: VHOST_FS_DEFAULT_MAX_NODES);
	if (arg->flags & VHOST_FS_SET_MAX_HANDLES)
		WRITE_ONCE(share->max_handles,
			   arg->max_handles ?: VHOST_FS_DEFAULT_MAX_HANDLES);
	if (arg->flags & VHOST_FS_SET_MAX_BLOCKED)
		WRITE_ONCE(share->max_blocked,
			   arg->max_blocked ?: VHOST_FS_DEFAULT_MAX_BLOCKED);
	if (arg->flags & VHOST_FS_SET_ENTRY_TIMEOUT)
		WRITE_ONCE(share->entry_timeout_ns, arg->entry_timeout_ns);
	if (arg->flags & VHOST_FS_SET_ATTR_TIMEOUT)
		WRITE_ONCE(share->attr_timeout_ns, arg->attr_timeout_ns);
	if (arg->flags & VHOST_FS_SET_NEGATIVE_TIMEOUT)
		WRITE_ONCE(share->negative_timeout_ns,
			   arg->negative_timeout_ns);
}

/**
 * vhost_fs_share_set - VHOST_FS_SET_SHARE
 * @arg: copy of its argument, not yet checked
 *
 * Return: 0 or an errno as the interface says.
 */
int vhost_fs_share_set(const struct vhost_fs_set_share *arg)
{
	struct vhost_fs_share *share;
	int err = 0;

	if (!name_ok(arg->name) || !set_ok(arg))
		return -EINVAL;

	mutex_lock(&shares_lock);
	share = share_find(arg->name, current_user_ns());
	if (!share)
		err = -ENOENT;
	else if (!vhost_fs_share_is_admin(share))
		err = -EPERM;
	else
		share_change(share, arg);
	mutex_unlock(&shares_lock);
	return err;
}

/**
 * vhost_fs_share_attach - VHOST_FS_ATTACH_SHARE
 * @arg: copy of its argument, not yet checked
 *
 * Return: the share, with a reference for the device that is to be given back
 * by vhost_fs_share_detach(); or an ERR_PTR as the interface says.
 */
struct vhost_fs_share *
vhost_fs_share_attach(const struct vhost_fs_share_name *arg)
{
	struct vhost_fs_share *share;

	if (arg->flags || !name_ok(arg->name))
		return ERR_PTR(-EINVAL);

	mutex_lock(&shares_lock);
	share = share_find(arg->name, current_user_ns());
	if (!share) {
		share = ERR_PTR(-ENOENT);
	} else if (!vhost_fs_share_may_attach(share)) {
		share = ERR_PTR(-EACCES);
	} else {
		refcount_inc(&share->ref);
		atomic_inc(&share->devices);
	}
	mutex_unlock(&shares_lock);
	return share;
}

/**
 * vhost_fs_share_detach - a device no longer uses its share
 * @share: what vhost_fs_share_attach() gave
 */
void vhost_fs_share_detach(struct vhost_fs_share *share)
{
	atomic_dec(&share->devices);
	vhost_fs_share_put(share);
}

/**
 * vhost_fs_share_next - walk the list of shares
 * @id: id of the last one seen, or 0
 *
 * Return: the share with the next id, with a reference, or NULL.
 */
struct vhost_fs_share *vhost_fs_share_next(u32 id)
{
	struct vhost_fs_share *share, *next = NULL;

	mutex_lock(&shares_lock);
	list_for_each_entry(share, &shares, entry) {
		if (share->id > id) {
			refcount_inc(&share->ref);
			next = share;
			break;
		}
	}
	mutex_unlock(&shares_lock);
	return next;
}

/**
 * vhost_fs_share_remove_all - take all names away
 *
 * Context: module exit; no device is open.
 */
void vhost_fs_share_remove_all(void)
{
	struct vhost_fs_share *share, *tmp;

	list_for_each_entry_safe(share, tmp, &shares, entry) {
		list_del_init(&share->entry);
		vhost_fs_share_put(share);
	}
}
