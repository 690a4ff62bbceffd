// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names of extended attributes, as the guest and as the host see them: a
 * share's rules are copied and checked once, and then only read.
 */
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/xattr.h>

#include "share.h"
#include "xattr.h"

static bool string_ok(const u8 s[VHOST_FS_XATTR_STRING_MAX + 1])
{
	const u8 *nul = memchr(s, 0, VHOST_FS_XATTR_STRING_MAX + 1);

	return nul &&
	       !memchr_inv(nul, 0, s + VHOST_FS_XATTR_STRING_MAX + 1 - nul);
}

static bool rule_ok(const struct vhost_fs_xattr_rule *rule)
{
	const u32 scopes = VHOST_FS_XATTR_CLIENT | VHOST_FS_XATTR_SERVER;

	return rule->scope && !(rule->scope & ~scopes) &&
	       rule->action <= VHOST_FS_XATTR_UNSUPPORTED &&
	       string_ok(rule->key) && string_ok(rule->prepend);
}

/**
 * vhost_fs_xattrmap_copy - take a share's rules from userspace
 * @share: the share being made; @xattr_rules is set
 * @arg: how many rules there are, and where
 *
 * Return: 0; -EFAULT, -ENOMEM, or -EINVAL if a rule is wrong.
 */
int vhost_fs_xattrmap_copy(struct vhost_fs_share *share,
			   const struct vhost_fs_add_share *arg)
{
	struct vhost_fs_xattr_rule *rules;
	u32 i;

	if (!arg->nr_xattr_rules)
		return 0;
	rules = kvcalloc(arg->nr_xattr_rules, sizeof(*rules),
			 GFP_KERNEL_ACCOUNT);
	if (!rules)
		return -ENOMEM;
	share->xattr_rules = rules;
	share->nr_xattr_rules = arg->nr_xattr_rules;
	if (copy_from_user(rules, u64_to_user_ptr(arg->xattr_rules),
			   arg->nr_xattr_rules * sizeof(*rules)))
		return -EFAULT;
	for (i = 0; i < arg->nr_xattr_rules; i++)
		if (!rule_ok(&rules[i]))
			return -EINVAL;
	return 0;
}

/* The rule for a name that comes from one side; NULL if none says anything. */
static const struct vhost_fs_xattr_rule *
rule_find(const struct vhost_fs_share *share, u32 scope, const char *name)
{
	const struct vhost_fs_xattr_rule *rule = share->xattr_rules;
	const struct vhost_fs_xattr_rule *end = rule + share->nr_xattr_rules;

	for (; rule < end; rule++) {
		const char *prefix = scope == VHOST_FS_XATTR_CLIENT ?
			rule->key : rule->prepend;

		if ((rule->scope & scope) &&
		    !strncmp(name, prefix, strlen(prefix)))
			return rule;
	}
	return NULL;
}

/**
 * vhost_fs_xattrmap_to_host - map a name that the guest gave
 * @share: the share
 * @name: 1 to XATTR_NAME_MAX bytes and a NUL
 * @host: set to the host's name
 *
 * Return: 0; -EPERM or -EOPNOTSUPP if the rules refuse the name, -ENAMETOOLONG
 * if the host's name would be too long.
 */
int vhost_fs_xattrmap_to_host(const struct vhost_fs_share *share,
			      const char *name, char host[XATTR_NAME_MAX + 1])
{
	const struct vhost_fs_xattr_rule *rule;
	const char *prepend = "";

	if (share->nr_xattr_rules) {
		rule = rule_find(share, VHOST_FS_XATTR_CLIENT, name);
		if (!rule || rule->action == VHOST_FS_XATTR_BAD)
			return -EPERM;
		if (rule->action == VHOST_FS_XATTR_UNSUPPORTED)
			return -EOPNOTSUPP;
		if (rule->action == VHOST_FS_XATTR_PREFIX)
			prepend = rule->prepend;
	}
	return snprintf(host, XATTR_NAME_MAX + 1, "%s%s", prepend, name) >
		XATTR_NAME_MAX ? -ENAMETOOLONG : 0;
}

/**
 * vhost_fs_xattrmap_to_guest - map a name that the host listed
 * @share: the share
 * @host: the name
 *
 * Return: the guest's name, which is @host or a part of its end; NULL if the
 * guest isn't to see it.
 */
const char *vhost_fs_xattrmap_to_guest(const struct vhost_fs_share *share,
				       const char *host)
{
	const struct vhost_fs_xattr_rule *rule;

	if (share->nr_xattr_rules) {
		rule = rule_find(share, VHOST_FS_XATTR_SERVER, host);
		if (!rule || rule->action == VHOST_FS_XATTR_BAD ||
		    rule->action == VHOST_FS_XATTR_UNSUPPORTED)
			return NULL;
		if (rule->action == VHOST_FS_XATTR_PREFIX)
			host += strlen(rule->prepend);
	}
	/* The prefix alone leaves nothing that could be a name. */
	return *host ? host : NULL;
}
