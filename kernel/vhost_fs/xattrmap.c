// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names of extended attributes, as the guest and as the host see them.
 */
#include <linux/slab.h>

#include "internal.h"

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
	return arg->nr_xattr_rules ? -EINVAL : 0;
}
