// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading from the generic netlink family "vhost_fs". The only file that uses
 * libnl.
 */
#include "nl.h"

#include <errno.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <string.h>

#include <linux/vhost_fs_netlink.h>

#include "msg.h"

/*
 * A dump during which shares or devices came and went is marked by the kernel,
 * or ended if what came is longer than the kernel has made room for. It is read
 * again, but not for ever on a host where they always do.
 */
#define DUMP_TRIES 10

/* One kind of list: how to ask for it, read a member, and begin anew. */
struct dump {
	uint8_t command;
	int max_attr;
	const struct nla_policy *policy;
	void (*add)(void *list, struct genlmsghdr *msg, struct nlattr **attrs);
	void (*reset)(void *list);
	void *list;
};

static const struct nla_policy share_policy[VHOST_FS_A_SHARE_MAX + 1] = {
	[VHOST_FS_A_SHARE_NAME] = { .type = NLA_STRING },
	[VHOST_FS_A_SHARE_OWNER_UID] = { .type = NLA_U32 },
	[VHOST_FS_A_SHARE_FLAGS] = { .type = NLA_U32 },
	[VHOST_FS_A_SHARE_CACHE] = { .type = NLA_U32 },
	[VHOST_FS_A_SHARE_DEVICES] = { .type = NLA_U32 },
	[VHOST_FS_A_SHARE_MAX_NODES] = { .type = NLA_U64 },
	[VHOST_FS_A_SHARE_MAX_HANDLES] = { .type = NLA_U64 },
	[VHOST_FS_A_SHARE_USER] = { .type = NLA_U32 },
	[VHOST_FS_A_SHARE_GROUP] = { .type = NLA_U32 },
	[VHOST_FS_A_SHARE_FS_ID] = { .type = NLA_U64 },
	[VHOST_FS_A_SHARE_ROOT_INO] = { .type = NLA_U64 },
	[VHOST_FS_A_SHARE_CAPABILITIES] = { .type = NLA_U64 },
	[VHOST_FS_A_SHARE_SUPPLEMENTARY_GROUP] = { .type = NLA_U32 },
	[VHOST_FS_A_SHARE_MAX_BLOCKED] = { .type = NLA_U64 },
	[VHOST_FS_A_SHARE_INODE_FILE_HANDLES] = { .type = NLA_U32 },
	[VHOST_FS_A_SHARE_LOCKS] = { .type = NLA_U32 },
	[VHOST_FS_A_SHARE_ENTRY_TIMEOUT] = { .type = NLA_U64 },
	[VHOST_FS_A_SHARE_ATTR_TIMEOUT] = { .type = NLA_U64 },
	[VHOST_FS_A_SHARE_NEGATIVE_TIMEOUT] = { .type = NLA_U64 },
	[VHOST_FS_A_SHARE_UID_RULE] = { .type = NLA_NESTED },
	[VHOST_FS_A_SHARE_GID_RULE] = { .type = NLA_NESTED },
	[VHOST_FS_A_SHARE_MAPPED_MOUNT] = { .type = NLA_FLAG },
	[VHOST_FS_A_SHARE_XATTR_RULE] = { .type = NLA_NESTED },
	[VHOST_FS_A_SHARE_OWNER_GID] = { .type = NLA_U32 },
	[VHOST_FS_A_SHARE_LABEL] = { .type = NLA_STRING },
	[VHOST_FS_A_SHARE_PRIVATE_MOUNT] = { .type = NLA_FLAG },
	[VHOST_FS_A_SHARE_ROOT_PATH] = { .type = NLA_STRING },
	[VHOST_FS_A_SHARE_MIGRATION] = { .type = NLA_U32 },
};

static const struct nla_policy xattr_rule_policy[VHOST_FS_A_XATTR_RULE_MAX + 1] = {
	[VHOST_FS_A_XATTR_RULE_SCOPE] = { .type = NLA_U32 },
	[VHOST_FS_A_XATTR_RULE_ACTION] = { .type = NLA_U32 },
	[VHOST_FS_A_XATTR_RULE_KEY] = { .type = NLA_STRING },
	[VHOST_FS_A_XATTR_RULE_PREPEND] = { .type = NLA_STRING },
};

static const struct nla_policy id_rule_policy[VHOST_FS_A_ID_RULE_MAX + 1] = {
	[VHOST_FS_A_ID_RULE_ACTION] = { .type = NLA_U32 },
	[VHOST_FS_A_ID_RULE_FROM] = { .type = NLA_U32 },
	[VHOST_FS_A_ID_RULE_TO] = { .type = NLA_U32 },
	[VHOST_FS_A_ID_RULE_COUNT] = { .type = NLA_U32 },
};

static const struct nla_policy device_policy[VHOST_FS_A_DEVICE_MAX + 1] = {
	[VHOST_FS_A_DEVICE_ID] = { .type = NLA_U32 },
	[VHOST_FS_A_DEVICE_SHARE] = { .type = NLA_STRING },
	[VHOST_FS_A_DEVICE_OWNER_PID] = { .type = NLA_U32 },
	[VHOST_FS_A_DEVICE_RUNNING] = { .type = NLA_FLAG },
	[VHOST_FS_A_DEVICE_BROKEN] = { .type = NLA_FLAG },
	[VHOST_FS_A_DEVICE_SESSION] = { .type = NLA_FLAG },
	[VHOST_FS_A_DEVICE_FUSE_MINOR] = { .type = NLA_U32 },
	[VHOST_FS_A_DEVICE_REQUEST_QUEUES] = { .type = NLA_U32 },
	[VHOST_FS_A_DEVICE_THREADS] = { .type = NLA_U32 },
	[VHOST_FS_A_DEVICE_NODES] = { .type = NLA_U64 },
	[VHOST_FS_A_DEVICE_HANDLES] = { .type = NLA_U64 },
	[VHOST_FS_A_DEVICE_BYTES_READ] = { .type = NLA_U64 },
	[VHOST_FS_A_DEVICE_BYTES_WRITTEN] = { .type = NLA_U64 },
	[VHOST_FS_A_DEVICE_BAD_REQUESTS] = { .type = NLA_U64 },
	[VHOST_FS_A_DEVICE_OPCODE] = { .type = NLA_NESTED },
	[VHOST_FS_A_DEVICE_BLOCKED] = { .type = NLA_U64 },
};

static const struct nla_policy opcode_policy[VHOST_FS_A_OPCODE_MAX + 1] = {
	[VHOST_FS_A_OPCODE_NUMBER] = { .type = NLA_U32 },
	[VHOST_FS_A_OPCODE_NAME] = { .type = NLA_STRING },
	[VHOST_FS_A_OPCODE_REQUESTS] = { .type = NLA_U64 },
	[VHOST_FS_A_OPCODE_ERRORS] = { .type = NLA_U64 },
};

static uint32_t get_u32(struct nlattr *attr)
{
	return attr ? nla_get_u32(attr) : 0;
}

static uint64_t get_u64(struct nlattr *attr)
{
	return attr ? nla_get_u64(attr) : 0;
}

static void get_string(char *text, size_t size, struct nlattr *attr)
{
	if (attr)
		nla_strlcpy(text, attr, size);
}

/* NULL for none. */
static char *dup_string(struct nlattr *attr)
{
	char *text = NULL;

	if (attr) {
		text = grow_array(NULL, nla_len(attr) + 1, 1);
		nla_strlcpy(text, attr, nla_len(attr) + 1);
	}
	return text;
}

/*
 * The array of parsed attributes has the last of several of one type, so those
 * that repeat are found by walking the message.
 */
static void get_ids(struct id_list *list, struct genlmsghdr *msg, int type)
{
	struct nlattr *attr;
	int left;

	nla_for_each_attr(attr, genlmsg_attrdata(msg, 0), genlmsg_attrlen(msg, 0), left) {
		if (nla_type(attr) != type)
			continue;
		list->ids = grow_array(list->ids, list->nr + 1, sizeof(*list->ids));
		list->ids[list->nr++] = nla_get_u32(attr);
	}
}

static void add_rule(struct rule_list *list, struct nlattr *nest)
{
	struct nlattr *attrs[VHOST_FS_A_ID_RULE_MAX + 1];

	if (nla_parse_nested(attrs, VHOST_FS_A_ID_RULE_MAX, nest,
			     (struct nla_policy *)id_rule_policy) < 0)
		return;
	list->rules = grow_array(list->rules, list->nr + 1, sizeof(*list->rules));
	list->rules[list->nr++] = (struct vhost_fs_id_rule){
		.action = get_u32(attrs[VHOST_FS_A_ID_RULE_ACTION]),
		.from = get_u32(attrs[VHOST_FS_A_ID_RULE_FROM]),
		.to = get_u32(attrs[VHOST_FS_A_ID_RULE_TO]),
		.count = get_u32(attrs[VHOST_FS_A_ID_RULE_COUNT]),
	};
}

static void get_rules(struct rule_list *list, struct genlmsghdr *msg, int type)
{
	struct nlattr *attr;
	int left;

	nla_for_each_attr(attr, genlmsg_attrdata(msg, 0), genlmsg_attrlen(msg, 0), left)
		if (nla_type(attr) == type)
			add_rule(list, attr);
}

static void add_xattr_rule(struct xattr_rule_list *list, struct nlattr *nest)
{
	struct nlattr *attrs[VHOST_FS_A_XATTR_RULE_MAX + 1];
	struct vhost_fs_xattr_rule *rule;

	if (nla_parse_nested(attrs, VHOST_FS_A_XATTR_RULE_MAX, nest,
			     (struct nla_policy *)xattr_rule_policy) < 0)
		return;
	list->rules = grow_array(list->rules, list->nr + 1, sizeof(*list->rules));
	rule = &list->rules[list->nr++];
	*rule = (struct vhost_fs_xattr_rule){
		.scope = get_u32(attrs[VHOST_FS_A_XATTR_RULE_SCOPE]),
		.action = get_u32(attrs[VHOST_FS_A_XATTR_RULE_ACTION]),
	};
	get_string((char *)rule->key, sizeof(rule->key), attrs[VHOST_FS_A_XATTR_RULE_KEY]);
	get_string((char *)rule->prepend, sizeof(rule->prepend),
		   attrs[VHOST_FS_A_XATTR_RULE_PREPEND]);
}

static void get_xattr_rules(struct xattr_rule_list *list, struct genlmsghdr *msg)
{
	struct nlattr *attr;
	int left;

	nla_for_each_attr(attr, genlmsg_attrdata(msg, 0), genlmsg_attrlen(msg, 0), left)
		if (nla_type(attr) == VHOST_FS_A_SHARE_XATTR_RULE)
			add_xattr_rule(list, attr);
}

static void get_share_lists(struct share_info *share, struct genlmsghdr *msg)
{
	get_ids(&share->user, msg, VHOST_FS_A_SHARE_USER);
	get_ids(&share->group, msg, VHOST_FS_A_SHARE_GROUP);
	get_ids(&share->supplementary_group, msg, VHOST_FS_A_SHARE_SUPPLEMENTARY_GROUP);
	get_rules(&share->uid_rule, msg, VHOST_FS_A_SHARE_UID_RULE);
	get_rules(&share->gid_rule, msg, VHOST_FS_A_SHARE_GID_RULE);
	get_xattr_rules(&share->xattr_rule, msg);
}

static void add_share(void *ctx, struct genlmsghdr *msg, struct nlattr **attrs)
{
	struct share_list *list = ctx;
	struct share_info *share;

	list->shares = grow_array(list->shares, list->nr + 1, sizeof(*share));
	share = &list->shares[list->nr++];
	*share = (struct share_info){
		.owner_uid = get_u32(attrs[VHOST_FS_A_SHARE_OWNER_UID]),
		.owner_gid = get_u32(attrs[VHOST_FS_A_SHARE_OWNER_GID]),
		.flags = get_u32(attrs[VHOST_FS_A_SHARE_FLAGS]),
		.cache = get_u32(attrs[VHOST_FS_A_SHARE_CACHE]),
		.devices = get_u32(attrs[VHOST_FS_A_SHARE_DEVICES]),
		.max_nodes = get_u64(attrs[VHOST_FS_A_SHARE_MAX_NODES]),
		.max_handles = get_u64(attrs[VHOST_FS_A_SHARE_MAX_HANDLES]),
		.max_blocked = get_u64(attrs[VHOST_FS_A_SHARE_MAX_BLOCKED]),
		.inode_file_handles = get_u32(attrs[VHOST_FS_A_SHARE_INODE_FILE_HANDLES]),
		.locks = get_u32(attrs[VHOST_FS_A_SHARE_LOCKS]),
		.migration = get_u32(attrs[VHOST_FS_A_SHARE_MIGRATION]),
		.entry_timeout = get_u64(attrs[VHOST_FS_A_SHARE_ENTRY_TIMEOUT]),
		.attr_timeout = get_u64(attrs[VHOST_FS_A_SHARE_ATTR_TIMEOUT]),
		.negative_timeout = get_u64(attrs[VHOST_FS_A_SHARE_NEGATIVE_TIMEOUT]),
		.mapped_mount = attrs[VHOST_FS_A_SHARE_MAPPED_MOUNT],
		.private_mount = attrs[VHOST_FS_A_SHARE_PRIVATE_MOUNT],
		.fs_id = get_u64(attrs[VHOST_FS_A_SHARE_FS_ID]),
		.root_ino = get_u64(attrs[VHOST_FS_A_SHARE_ROOT_INO]),
		.root_path = dup_string(attrs[VHOST_FS_A_SHARE_ROOT_PATH]),
		.capabilities = get_u64(attrs[VHOST_FS_A_SHARE_CAPABILITIES]),
		.label = dup_string(attrs[VHOST_FS_A_SHARE_LABEL]),
	};
	get_string(share->name, sizeof(share->name), attrs[VHOST_FS_A_SHARE_NAME]);
	get_share_lists(share, msg);
}

static void reset_shares(void *list)
{
	share_list_free(list);
}

static void add_opcode(struct device_info *device, struct nlattr *nest)
{
	struct nlattr *attrs[VHOST_FS_A_OPCODE_MAX + 1];
	struct opcode_info *opcode;

	if (nla_parse_nested(attrs, VHOST_FS_A_OPCODE_MAX, nest,
			     (struct nla_policy *)opcode_policy) < 0)
		return;
	device->opcodes = grow_array(device->opcodes, device->nr_opcodes + 1,
				     sizeof(*opcode));
	opcode = &device->opcodes[device->nr_opcodes++];
	*opcode = (struct opcode_info){
		.number = get_u32(attrs[VHOST_FS_A_OPCODE_NUMBER]),
		.requests = get_u64(attrs[VHOST_FS_A_OPCODE_REQUESTS]),
		.errors = get_u64(attrs[VHOST_FS_A_OPCODE_ERRORS]),
	};
	get_string(opcode->name, sizeof(opcode->name), attrs[VHOST_FS_A_OPCODE_NAME]);
}

static void add_opcodes(struct device_info *device, struct genlmsghdr *msg)
{
	struct nlattr *attr;
	int left;

	nla_for_each_attr(attr, genlmsg_attrdata(msg, 0), genlmsg_attrlen(msg, 0), left)
		if (nla_type(attr) == VHOST_FS_A_DEVICE_OPCODE)
			add_opcode(device, attr);
}

static void add_device(void *ctx, struct genlmsghdr *msg, struct nlattr **attrs)
{
	struct device_list *list = ctx;
	struct device_info *device;

	list->devices = grow_array(list->devices, list->nr + 1, sizeof(*device));
	device = &list->devices[list->nr++];
	*device = (struct device_info){
		.id = get_u32(attrs[VHOST_FS_A_DEVICE_ID]),
		.owner_pid = get_u32(attrs[VHOST_FS_A_DEVICE_OWNER_PID]),
		.running = attrs[VHOST_FS_A_DEVICE_RUNNING],
		.broken = attrs[VHOST_FS_A_DEVICE_BROKEN],
		.session = attrs[VHOST_FS_A_DEVICE_SESSION],
		.fuse_minor = get_u32(attrs[VHOST_FS_A_DEVICE_FUSE_MINOR]),
		.request_queues = get_u32(attrs[VHOST_FS_A_DEVICE_REQUEST_QUEUES]),
		.threads = get_u32(attrs[VHOST_FS_A_DEVICE_THREADS]),
		.nodes = get_u64(attrs[VHOST_FS_A_DEVICE_NODES]),
		.handles = get_u64(attrs[VHOST_FS_A_DEVICE_HANDLES]),
		.blocked = get_u64(attrs[VHOST_FS_A_DEVICE_BLOCKED]),
		.bytes_read = get_u64(attrs[VHOST_FS_A_DEVICE_BYTES_READ]),
		.bytes_written = get_u64(attrs[VHOST_FS_A_DEVICE_BYTES_WRITTEN]),
		.bad_requests = get_u64(attrs[VHOST_FS_A_DEVICE_BAD_REQUESTS]),
	};
	get_string(device->share, sizeof(device->share), attrs[VHOST_FS_A_DEVICE_SHARE]);
	add_opcodes(device, msg);
}

static void reset_devices(void *list)
{
	device_list_free(list);
}

static int read_message(struct nl_msg *msg, void *ctx)
{
	struct nlattr *attrs[VHOST_FS_A_DEVICE_MAX + VHOST_FS_A_SHARE_MAX + 1];
	const struct dump *dump = ctx;
	struct nlmsghdr *header = nlmsg_hdr(msg);

	if (genlmsg_parse(header, 0, attrs, dump->max_attr,
			  (struct nla_policy *)dump->policy) < 0)
		return NL_SKIP;
	dump->add(dump->list, genlmsg_hdr(header), attrs);
	return NL_OK;
}

/* libnl doesn't look at the errno that the last message of a dump has. */
static int read_end(struct nl_msg *msg, void *ctx)
{
	const struct nlmsghdr *header = nlmsg_hdr(msg);
	int err = 0;

	(void)ctx;
	if (nlmsg_datalen(header) >= (int)sizeof(err))
		memcpy(&err, nlmsg_data(header), sizeof(err));
	return err < 0 ? -nl_syserr2nlerr(err) : NL_STOP;
}

static int dump_once(struct nl_sock *sock, int family, const struct dump *dump)
{
	int err;

	err = genl_send_simple(sock, family, dump->command, VHOST_FS_FAMILY_VERSION,
			       NLM_F_DUMP);
	return err < 0 ? err : nl_recvmsgs_default(sock);
}

static int run_dump(struct nl_sock *sock, const struct dump *dump)
{
	int family, tries, err;

	family = genl_ctrl_resolve(sock, VHOST_FS_FAMILY_NAME);
	if (family < 0)
		return refused("no netlink family \"%s\": is the vhost_fs module loaded?",
			       VHOST_FS_FAMILY_NAME);
	for (tries = 0; tries < DUMP_TRIES; tries++) {
		err = dump_once(sock, family, dump);
		if (err != -NLE_DUMP_INTR && err != -nl_syserr2nlerr(EMSGSIZE))
			break;
		dump->reset(dump->list);
	}
	return err < 0 ? refused("can't list: %s", nl_geterror(err)) : 0;
}

static int list(const struct dump *dump)
{
	struct nl_sock *sock = nl_socket_alloc();
	int err;

	if (!sock)
		return refused("out of memory");
	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, read_message, (void *)dump);
	nl_socket_modify_cb(sock, NL_CB_FINISH, NL_CB_CUSTOM, read_end, NULL);
	err = genl_connect(sock);
	if (err < 0)
		err = refused("can't open a netlink socket: %s", nl_geterror(err));
	else
		err = run_dump(sock, dump);
	nl_socket_free(sock);
	return err;
}

int nl_list_shares(struct share_list *shares)
{
	const struct dump dump = {
		.command = VHOST_FS_CMD_SHARE_GET,
		.max_attr = VHOST_FS_A_SHARE_MAX,
		.policy = share_policy,
		.add = add_share,
		.reset = reset_shares,
		.list = shares,
	};

	return list(&dump);
}

int nl_list_devices(struct device_list *devices)
{
	const struct dump dump = {
		.command = VHOST_FS_CMD_DEVICE_GET,
		.max_attr = VHOST_FS_A_DEVICE_MAX,
		.policy = device_policy,
		.add = add_device,
		.reset = reset_devices,
		.list = devices,
	};

	return list(&dump);
}
