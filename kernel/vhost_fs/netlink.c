// SPDX-License-Identifier: GPL-2.0-only
/*
 * Listing of shares and devices by generic netlink. The attributes are those
 * of Documentation/netlink/specs/vhost_fs.yaml. Nothing is changed from here.
 *
 * A dump spans as many messages as it takes. Between them only the id of the
 * last share or device shown is kept: ids grow and the lists are in their
 * order, so what stays is shown exactly once whatever comes and goes.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kdev_t.h>
#include <linux/module.h>
#include <linux/pid_namespace.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/stat.h>
#include <linux/user_namespace.h>
#include <linux/vhost_fs_netlink.h>
#include <net/genetlink.h>
#include <net/netlink.h>
#include <net/sock.h>

#include "dev.h"
#include "idmap.h"
#include "kcompat.h"
#include "netlink.h"
#include "op.h"
#include "session.h"
#include "share.h"
#include "stats.h"
#include "vq.h"

/* Of a share's supplementary groups so many are shown. */
#define NL_MAX_GROUPS	VHOST_FS_MAX_ALLOWED_IDS

/* A nest of four numbers. */
#define NL_ID_RULE_ROOM	nla_total_size(4 * nla_total_size(sizeof(u32)))

/* A nest of two numbers and two strings. */
#define NL_XATTR_RULE_ROOM						\
	nla_total_size(2 * nla_total_size(sizeof(u32)) +		\
		       2 * nla_total_size(VHOST_FS_XATTR_STRING_MAX + 1))

/* What all shares have, label and path as long as they can be. */
#define NL_SHARE_ROOM	(2 * SZ_4K + PATH_MAX)

static struct genl_family vhost_fs_nl_family;

/* Where a dump is, in netlink_callback.ctx, which starts zeroed. */
struct nl_cursor {
	u32 last_id;
};

static struct nl_cursor *nl_cursor(struct netlink_callback *cb)
{
	static_assert(sizeof(struct nl_cursor) <= sizeof(cb->ctx));
	return (struct nl_cursor *)cb->ctx;
}

static struct file *nl_socket_file(struct netlink_callback *cb)
{
	return NETLINK_CB(cb->skb).sk->sk_socket->file;
}

/*
 * Both the opener of the socket and the reader must have a right to a share:
 * a socket can be handed to a privileged process, which then writes or reads
 * without knowing what it does.
 */
static bool nl_may(struct netlink_callback *cb,
		   const struct vhost_fs_share *share,
		   bool (*right)(const struct vhost_fs_share *share))
{
	const struct cred *saved;
	bool may;

	if (!right(share))
		return false;
	saved = override_creds(nl_socket_file(cb)->f_cred);
	may = right(share);
	revert_creds(saved);
	return may;
}

static bool nl_may_see(struct netlink_callback *cb,
		       const struct vhost_fs_share *share)
{
	return nl_may(cb, share, vhost_fs_share_may_attach);
}

static void *nl_start_record(struct sk_buff *skb, struct netlink_callback *cb,
			     u8 cmd)
{
	return genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
			   &vhost_fs_nl_family, NLM_F_MULTI, cmd);
}

/* Without the padding to 8 bytes: the family has no attribute for it. */
static int nl_put_u64(struct sk_buff *skb, int type, u64 value)
{
	return nla_put(skb, type, sizeof(value), &value);
}

static int nl_put_users(struct sk_buff *skb, const struct vhost_fs_share *share)
{
	u32 i, id;

	for (i = 0; i < share->nr_users; i++) {
		id = from_kuid_munged(current_user_ns(), share->users[i]);
		if (nla_put_u32(skb, VHOST_FS_A_SHARE_USER, id))
			return -EMSGSIZE;
	}
	return 0;
}

static int nl_put_groups(struct sk_buff *skb,
			 const struct vhost_fs_share *share)
{
	u32 i, id;

	for (i = 0; i < share->nr_groups; i++) {
		id = from_kgid_munged(current_user_ns(), share->groups[i]);
		if (nla_put_u32(skb, VHOST_FS_A_SHARE_GROUP, id))
			return -EMSGSIZE;
	}
	return 0;
}

static int nl_put_supplementary_groups(struct sk_buff *skb,
				       const struct vhost_fs_share *share)
{
	const struct group_info *groups = share->cred->group_info;
	u32 i, nr = min_t(u32, groups->ngroups, NL_MAX_GROUPS), id;

	for (i = 0; i < nr; i++) {
		id = from_kgid_munged(current_user_ns(), groups->gid[i]);
		if (nla_put_u32(skb, VHOST_FS_A_SHARE_SUPPLEMENTARY_GROUP, id))
			return -EMSGSIZE;
	}
	return 0;
}

static int nl_put_id_rule(struct sk_buff *skb, int type,
			  const struct vhost_fs_id_rule *rule)
{
	struct nlattr *nest = nla_nest_start(skb, type);

	if (!nest)
		return -EMSGSIZE;
	if (nla_put_u32(skb, VHOST_FS_A_ID_RULE_ACTION, rule->action) ||
	    nla_put_u32(skb, VHOST_FS_A_ID_RULE_FROM, rule->from) ||
	    nla_put_u32(skb, VHOST_FS_A_ID_RULE_TO, rule->to) ||
	    nla_put_u32(skb, VHOST_FS_A_ID_RULE_COUNT, rule->count)) {
		nla_nest_cancel(skb, nest);
		return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	return 0;
}

static int nl_put_idmap(struct sk_buff *skb, int type,
			const struct vhost_fs_idmap *map)
{
	int err = 0;
	u32 i;

	for (i = 0; !err && i < map->nr; i++)
		err = nl_put_id_rule(skb, type, &map->rules[i]);
	return err;
}

/* How ids look to the guest. */
static int nl_put_ids(struct sk_buff *skb, const struct vhost_fs_share *share)
{
	int err;

	err = nl_put_idmap(skb, VHOST_FS_A_SHARE_UID_RULE, &share->uids);
	if (!err)
		err = nl_put_idmap(skb, VHOST_FS_A_SHARE_GID_RULE,
				   &share->gids);
	if (!err && is_idmapped_mnt(share->root.mnt))
		err = nla_put_flag(skb, VHOST_FS_A_SHARE_MAPPED_MOUNT);
	return err;
}

static int nl_put_xattr_rule(struct sk_buff *skb,
			     const struct vhost_fs_xattr_rule *rule)
{
	struct nlattr *nest = nla_nest_start(skb, VHOST_FS_A_SHARE_XATTR_RULE);

	if (!nest)
		return -EMSGSIZE;
	if (nla_put_u32(skb, VHOST_FS_A_XATTR_RULE_SCOPE, rule->scope) ||
	    nla_put_u32(skb, VHOST_FS_A_XATTR_RULE_ACTION, rule->action) ||
	    nla_put_string(skb, VHOST_FS_A_XATTR_RULE_KEY, rule->key) ||
	    nla_put_string(skb, VHOST_FS_A_XATTR_RULE_PREPEND, rule->prepend)) {
		nla_nest_cancel(skb, nest);
		return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	return 0;
}

static int nl_put_xattr_rules(struct sk_buff *skb,
			      const struct vhost_fs_share *share)
{
	int err = 0;
	u32 i;

	for (i = 0; !err && i < share->nr_xattr_rules; i++)
		err = nl_put_xattr_rule(skb, &share->xattr_rules[i]);
	return err;
}

/* Some modules count a NUL at the end, some don't. */
static int nl_put_context(struct sk_buff *skb, const struct lsm_context *cp)
{
	size_t len = strnlen(cp->context, cp->len);
	struct nlattr *attr;

	attr = nla_reserve(skb, VHOST_FS_A_SHARE_LABEL, len + 1);
	if (!attr)
		return -EMSGSIZE;
	memcpy(nla_data(attr), cp->context, len);
	((char *)nla_data(attr))[len] = '\0';
	return 0;
}

/* Without a security module that has such, or if it can't say, there is none. */
static int nl_put_label(struct sk_buff *skb, const struct vhost_fs_share *share)
{
	struct lsm_context context = { };
	struct lsm_prop prop = { };
	const struct cred *saved;
	int err;

	/* Not every module can be asked about credentials that are not current. */
	saved = override_creds(share->cred);
	security_current_getlsmprop_subj(&prop);
	revert_creds(saved);
	err = security_lsmprop_to_secctx(&prop, &context, LSM_ID_UNDEF);
	if (err < 0 || !context.context)
		return 0;
	err = nl_put_context(skb, &context);
	security_release_secctx(&context);
	return err;
}

/* With whose rights the share serves. */
static int nl_put_cred(struct sk_buff *skb, const struct vhost_fs_share *share)
{
	const struct cred *cred = share->cred;
	struct user_namespace *ns = current_user_ns();

	if (nla_put_u32(skb, VHOST_FS_A_SHARE_OWNER_UID,
			from_kuid_munged(ns, cred->euid)) ||
	    nla_put_u32(skb, VHOST_FS_A_SHARE_OWNER_GID,
			from_kgid_munged(ns, cred->egid)) ||
	    nl_put_supplementary_groups(skb, share) ||
	    nl_put_u64(skb, VHOST_FS_A_SHARE_CAPABILITIES,
		       cred->cap_effective.val))
		return -EMSGSIZE;
	return nl_put_label(skb, share);
}

/* What VHOST_FS_SET_SHARE may change at this moment. */
static int nl_put_limits(struct sk_buff *skb,
			 const struct vhost_fs_share *share)
{
	if (nl_put_u64(skb, VHOST_FS_A_SHARE_MAX_NODES,
		       READ_ONCE(share->max_nodes)) ||
	    nl_put_u64(skb, VHOST_FS_A_SHARE_MAX_HANDLES,
		       READ_ONCE(share->max_handles)) ||
	    nl_put_u64(skb, VHOST_FS_A_SHARE_MAX_BLOCKED,
		       READ_ONCE(share->max_blocked)) ||
	    nl_put_u64(skb, VHOST_FS_A_SHARE_ENTRY_TIMEOUT,
		       READ_ONCE(share->entry_timeout_ns)) ||
	    nl_put_u64(skb, VHOST_FS_A_SHARE_ATTR_TIMEOUT,
		       READ_ONCE(share->attr_timeout_ns)) ||
	    nl_put_u64(skb, VHOST_FS_A_SHARE_NEGATIVE_TIMEOUT,
		       READ_ONCE(share->negative_timeout_ns)))
		return -EMSGSIZE;
	return 0;
}

/* What is known without asking a server, which could keep the reader waiting. */
static int nl_put_root(struct sk_buff *skb, const struct vhost_fs_share *share)
{
	struct kstat stat;
	int err;

	err = vfs_getattr_nosec(&share->root, &stat, STATX_INO,
				AT_STATX_DONT_SYNC);
	if (err)
		return 0;
	if (nl_put_u64(skb, VHOST_FS_A_SHARE_FS_ID, new_encode_dev(stat.dev)) ||
	    nl_put_u64(skb, VHOST_FS_A_SHARE_ROOT_INO, stat.ino))
		return -EMSGSIZE;
	/* A mount that exists only for this file goes with it. */
	if (share->root_file->f_mode & FMODE_NEED_UNMOUNT)
		return nla_put_flag(skb, VHOST_FS_A_SHARE_PRIVATE_MOUNT);
	return 0;
}

/*
 * Who may attach needn't be able to reach the directory, so its place is
 * told only to those who could have added the share.
 */
static int nl_put_root_path(struct sk_buff *skb, struct netlink_callback *cb,
			    const struct vhost_fs_share *share)
{
	char *buf, *path;
	int err = 0;

	if (!nl_may(cb, share, vhost_fs_share_is_admin))
		return 0;
	buf = kmalloc(PATH_MAX, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	path = dentry_path_raw(share->root.dentry, buf, PATH_MAX);
	/* One that is too long can't be said. */
	if (!IS_ERR(path))
		err = nla_put_string(skb, VHOST_FS_A_SHARE_ROOT_PATH, path);
	kfree(buf);
	return err;
}

static int nl_put_share_attrs(struct sk_buff *skb,
			      const struct vhost_fs_share *share)
{
	if (nla_put_string(skb, VHOST_FS_A_SHARE_NAME, share->name) ||
	    nla_put_u32(skb, VHOST_FS_A_SHARE_FLAGS, share->flags) ||
	    nla_put_u32(skb, VHOST_FS_A_SHARE_CACHE, share->cache) ||
	    nla_put_u32(skb, VHOST_FS_A_SHARE_DEVICES,
			atomic_read(&share->devices)) ||
	    nla_put_u32(skb, VHOST_FS_A_SHARE_INODE_FILE_HANDLES,
			share->inode_file_handles) ||
	    nla_put_u32(skb, VHOST_FS_A_SHARE_LOCKS, share->locks) ||
	    nla_put_u32(skb, VHOST_FS_A_SHARE_MIGRATION, share->migration) ||
	    nl_put_limits(skb, share) ||
	    nl_put_users(skb, share) ||
	    nl_put_groups(skb, share) ||
	    nl_put_ids(skb, share) ||
	    nl_put_xattr_rules(skb, share) ||
	    nl_put_cred(skb, share) ||
	    nl_put_root(skb, share))
		return -EMSGSIZE;
	return 0;
}

static int nl_put_share(struct sk_buff *skb, struct netlink_callback *cb,
			const struct vhost_fs_share *share)
{
	void *hdr;
	int err;

	if (!nl_may_see(cb, share))
		return 0;
	hdr = nl_start_record(skb, cb, VHOST_FS_CMD_SHARE_GET);
	if (!hdr)
		return -EMSGSIZE;
	err = nl_put_share_attrs(skb, share);
	if (!err)
		err = nl_put_root_path(skb, cb, share);
	if (err)
		genlmsg_cancel(skb, hdr);
	else
		genlmsg_end(skb, hdr);
	return err;
}

/* No less than what its record takes. */
static size_t nl_share_room(const struct vhost_fs_share *share)
{
	const struct group_info *groups = share->cred->group_info;
	u32 ids = share->nr_users + share->nr_groups +
		  min_t(u32, groups->ngroups, NL_MAX_GROUPS);

	return NL_SHARE_ROOM + ids * nla_total_size(sizeof(u32)) +
	       (share->uids.nr + share->gids.nr) * NL_ID_RULE_ROOM +
	       share->nr_xattr_rules * NL_XATTR_RULE_ROOM;
}

/*
 * A record can't be split, so the longest must fit in one message. One can be
 * 200 KiB long, which is no amount to ask for where all are short. A longer one
 * that is added meanwhile ends the dump with EMSGSIZE.
 */
static int vhost_fs_nl_share_start(struct netlink_callback *cb)
{
	struct vhost_fs_share *share;
	size_t room = NL_SHARE_ROOM;
	u32 id = 0;

	while ((share = vhost_fs_share_next(id))) {
		id = share->id;
		if (nl_may_see(cb, share))
			room = max(room, nl_share_room(share));
		vhost_fs_share_put(share);
	}
	cb->min_dump_alloc = room;
	return 0;
}

static int vhost_fs_nl_share_dump(struct sk_buff *skb,
				  struct netlink_callback *cb)
{
	struct nl_cursor *cursor = nl_cursor(cb);
	struct vhost_fs_share *share;
	int err = 0;

	while (!err && (share = vhost_fs_share_next(cursor->last_id))) {
		err = nl_put_share(skb, cb, share);
		if (!err)
			cursor->last_id = share->id;
		vhost_fs_share_put(share);
	}
	return err;
}

/* What visiting one device needs. */
struct nl_device_dump {
	struct sk_buff *skb;
	struct netlink_callback *cb;
	struct vhost_fs_stats *stats;
};

static int nl_put_opcode(struct sk_buff *skb, u32 opcode,
			 const struct vhost_fs_stats *stats)
{
	const struct vhost_fs_op *op = vhost_fs_op(opcode);
	struct nlattr *nest;

	nest = nla_nest_start(skb, VHOST_FS_A_DEVICE_OPCODE);
	if (!nest)
		return -EMSGSIZE;
	/* The last entry counts all those without a row, so has no number. */
	if ((op && nla_put_u32(skb, VHOST_FS_A_OPCODE_NUMBER, opcode)) ||
	    nla_put_string(skb, VHOST_FS_A_OPCODE_NAME,
			   op ? op->name : "unknown") ||
	    nl_put_u64(skb, VHOST_FS_A_OPCODE_REQUESTS,
		       stats->requests[opcode]) ||
	    nl_put_u64(skb, VHOST_FS_A_OPCODE_ERRORS, stats->errors[opcode])) {
		nla_nest_cancel(skb, nest);
		return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	return 0;
}

static int nl_put_stats(struct sk_buff *skb, const struct vhost_fs_stats *stats)
{
	u32 opcode;
	int err = 0;

	if (nl_put_u64(skb, VHOST_FS_A_DEVICE_BYTES_READ, stats->bytes_read) ||
	    nl_put_u64(skb, VHOST_FS_A_DEVICE_BYTES_WRITTEN,
		       stats->bytes_written) ||
	    nl_put_u64(skb, VHOST_FS_A_DEVICE_BAD_REQUESTS, stats->bad))
		return -EMSGSIZE;
	for (opcode = 0; !err && opcode < VHOST_FS_NR_OPS; opcode++)
		if (stats->requests[opcode])
			err = nl_put_opcode(skb, opcode, stats);
	return err;
}

static bool nl_device_broken(const struct vhost_fs_dev *fs)
{
	unsigned int i;

	for (i = 0; i < VHOST_FS_NVQS; i++)
		if (READ_ONCE(fs->queues[i].broken))
			return true;
	return false;
}

/* Flags are absent or present, and so is the minor. */
static int nl_put_device_state(struct sk_buff *skb,
			       const struct vhost_fs_dev *fs)
{
	u32 minor = READ_ONCE(fs->session.minor);

	if (READ_ONCE(fs->running) &&
	    nla_put_flag(skb, VHOST_FS_A_DEVICE_RUNNING))
		return -EMSGSIZE;
	if (nl_device_broken(fs) && nla_put_flag(skb, VHOST_FS_A_DEVICE_BROKEN))
		return -EMSGSIZE;
	if (!minor)
		return 0;
	if (nla_put_flag(skb, VHOST_FS_A_DEVICE_SESSION) ||
	    nla_put_u32(skb, VHOST_FS_A_DEVICE_FUSE_MINOR, minor))
		return -EMSGSIZE;
	return 0;
}

/* An owner that the reader's pid namespace can't see is as good as none. */
static int nl_put_device_owner(struct sk_buff *skb,
			       const struct vhost_fs_dev *fs)
{
	pid_t pid;

	rcu_read_lock();
	pid = pid_vnr(rcu_dereference(fs->owner));
	rcu_read_unlock();
	return pid ? nla_put_u32(skb, VHOST_FS_A_DEVICE_OWNER_PID, pid) : 0;
}

static int nl_put_device_attrs(struct sk_buff *skb,
			       const struct vhost_fs_dev *fs,
			       const struct vhost_fs_share *share,
			       const struct vhost_fs_stats *stats)
{
	const struct vhost_fs_session *s = &fs->session;

	if (nla_put_u32(skb, VHOST_FS_A_DEVICE_ID, fs->id) ||
	    (share &&
	     nla_put_string(skb, VHOST_FS_A_DEVICE_SHARE, share->name)) ||
	    nl_put_device_owner(skb, fs) ||
	    nl_put_device_state(skb, fs) ||
	    nla_put_u32(skb, VHOST_FS_A_DEVICE_REQUEST_QUEUES,
			READ_ONCE(fs->nr_request_queues)) ||
	    nla_put_u32(skb, VHOST_FS_A_DEVICE_THREADS,
			READ_ONCE(fs->pool.nr)) ||
	    nl_put_u64(skb, VHOST_FS_A_DEVICE_NODES,
		       atomic64_read(&s->nr_nodes)) ||
	    nl_put_u64(skb, VHOST_FS_A_DEVICE_HANDLES,
		       atomic64_read(&s->nr_handles)) ||
	    nl_put_u64(skb, VHOST_FS_A_DEVICE_BLOCKED,
		       READ_ONCE(fs->locks.nr)) ||
	    nl_put_stats(skb, stats))
		return -EMSGSIZE;
	return 0;
}

/*
 * Called with the device in the list, so with its share and owner, once set,
 * not yet given back. vdev.mutex is not taken: an ioctl holds it as long as a
 * stop takes to drain, and the list is wanted then above all. The rest may be
 * a moment old.
 */
static int nl_put_device(struct vhost_fs_dev *fs, void *arg)
{
	const struct vhost_fs_share *share = READ_ONCE(fs->share);
	struct nl_device_dump *dump = arg;
	struct netlink_callback *cb = dump->cb;
	void *hdr;
	int err;

	if (share ? !nl_may_see(cb, share) :
		    !netlink_capable(cb->skb, CAP_SYS_ADMIN))
		return 0;
	hdr = nl_start_record(dump->skb, cb, VHOST_FS_CMD_DEVICE_GET);
	if (!hdr)
		return -EMSGSIZE;
	vhost_fs_stats_sum(fs, dump->stats);
	err = nl_put_device_attrs(dump->skb, fs, share, dump->stats);
	if (err) {
		genlmsg_cancel(dump->skb, hdr);
		return err;
	}
	genlmsg_end(dump->skb, hdr);
	nl_cursor(cb)->last_id = fs->id;
	return 0;
}

static int vhost_fs_nl_device_dump(struct sk_buff *skb,
				   struct netlink_callback *cb)
{
	struct nl_device_dump dump = { .skb = skb, .cb = cb };
	int err;

	dump.stats = kmalloc(sizeof(*dump.stats), GFP_KERNEL);
	if (!dump.stats)
		return -ENOMEM;
	err = vhost_fs_dev_for_each(nl_cursor(cb)->last_id + 1, nl_put_device,
				    &dump);
	kfree(dump.stats);
	return err;
}

/*
 * No operation takes an attribute, which has to be said: one without a policy
 * ignores them. An array needs an attribute that can be named, 0 can't.
 */
static const struct nla_policy vhost_fs_nl_no_attrs[] = {
	{ .type = NLA_REJECT },
	{ .type = NLA_REJECT },
};

static const struct genl_split_ops vhost_fs_nl_ops[] = {
	{
		.cmd = VHOST_FS_CMD_SHARE_GET,
		.start = vhost_fs_nl_share_start,
		.policy = vhost_fs_nl_no_attrs,
		.maxattr = ARRAY_SIZE(vhost_fs_nl_no_attrs) - 1,
		.dumpit = vhost_fs_nl_share_dump,
		.flags = GENL_CMD_CAP_DUMP,
	},
	{
		.cmd = VHOST_FS_CMD_DEVICE_GET,
		.policy = vhost_fs_nl_no_attrs,
		.maxattr = ARRAY_SIZE(vhost_fs_nl_no_attrs) - 1,
		.dumpit = vhost_fs_nl_device_dump,
		.flags = GENL_CMD_CAP_DUMP,
	},
};

static struct genl_family vhost_fs_nl_family __ro_after_init = {
	.name = VHOST_FS_FAMILY_NAME,
	.version = VHOST_FS_FAMILY_VERSION,
	.netnsok = true,
	.parallel_ops = true,
	.module = THIS_MODULE,
	.split_ops = vhost_fs_nl_ops,
	.n_split_ops = ARRAY_SIZE(vhost_fs_nl_ops),
};

/**
 * vhost_fs_netlink_init - register the netlink family
 *
 * Return: 0 or an errno.
 */
int __init vhost_fs_netlink_init(void)
{
	return genl_register_family(&vhost_fs_nl_family);
}

/**
 * vhost_fs_netlink_exit - take the netlink family away
 *
 * Context: module exit; waits for dumps that are under way.
 */
void vhost_fs_netlink_exit(void)
{
	genl_unregister_family(&vhost_fs_nl_family);
}

MODULE_ALIAS_GENL_FAMILY(VHOST_FS_FAMILY_NAME);
