/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel tells about shares and devices, as nl.c reads it and the
 * printers show it. Members are named as the attributes of the netlink family
 * (Documentation/netlink/specs/vhost_fs.yaml).
 */
#ifndef CTL_INFO_H
#define CTL_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/vhost_fs.h>

#define OPCODE_NAME_MAX 31

struct id_list {
	uint32_t *ids;
	size_t nr;
};

struct rule_list {
	struct vhost_fs_id_rule *rules;
	size_t nr;
};

struct xattr_rule_list {
	struct vhost_fs_xattr_rule *rules;
	size_t nr;
};

struct share_info {
	char name[VHOST_FS_SHARE_NAME_MAX + 1];
	uint32_t owner_uid;
	uint32_t owner_gid;
	uint32_t flags;
	uint32_t cache;
	uint32_t devices;
	uint64_t max_nodes;
	uint64_t max_handles;
	uint64_t max_blocked;
	uint32_t inode_file_handles;
	uint32_t locks;
	uint32_t migration;
	uint64_t entry_timeout;				/* these three in ns */
	uint64_t attr_timeout;
	uint64_t negative_timeout;
	struct id_list user;
	struct id_list group;
	struct id_list supplementary_group;
	struct rule_list uid_rule;
	struct rule_list gid_rule;
	struct xattr_rule_list xattr_rule;
	bool mapped_mount;
	bool private_mount;
	uint64_t fs_id;
	uint64_t root_ino;
	char *root_path;				/* NULL: not told */
	uint64_t capabilities;
	char *label;					/* NULL: none */
};

struct share_list {
	struct share_info *shares;
	size_t nr;
};

struct opcode_info {
	uint32_t number;				/* 0: all unknown ones */
	char name[OPCODE_NAME_MAX + 1];
	uint64_t requests;
	uint64_t errors;
};

struct device_info {
	uint32_t id;
	char share[VHOST_FS_SHARE_NAME_MAX + 1];	/* empty: none attached */
	uint32_t owner_pid;				/* 0: no owner */
	bool running;
	bool broken;
	bool session;
	uint32_t fuse_minor;				/* 0: no session */
	uint32_t request_queues;
	uint32_t threads;
	uint64_t nodes;
	uint64_t handles;
	uint64_t blocked;
	uint64_t bytes_read;
	uint64_t bytes_written;
	uint64_t bad_requests;
	struct opcode_info *opcodes;
	size_t nr_opcodes;
};

struct device_list {
	struct device_info *devices;
	size_t nr;
};

/* The word for bit @bit of share_info.flags, or NULL; shared by the printers. */
const char *share_flag_word(unsigned int bit);
/* The same for share_info.migration. */
const char *migration_word(unsigned int bit);

void share_list_free(struct share_list *list);
void device_list_free(struct device_list *list);

#endif /* CTL_INFO_H */
