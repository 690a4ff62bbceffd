// SPDX-License-Identifier: GPL-2.0-only
/*
 * User and group ids, as the guest and as the host see them.
 *
 * A guest's id is first translated by the share's rules and then meant in the
 * user namespace of the share's owner; the host's takes the same way back. All
 * ids that requests bring and replies carry pass through here.
 */
#include <linux/bsearch.h>
#include <linux/fuse.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>

#include "cred.h"
#include "idmap.h"
#include "request.h"
#include "share.h"

/* The id that means none; ranges end before it. */
#define VHOST_FS_NO_ID	U32_MAX

static bool rule_from_host(const struct vhost_fs_id_rule *rule)
{
	return rule->action == VHOST_FS_ID_HOST ||
	       rule->action == VHOST_FS_ID_SQUASH_HOST;
}

static bool range_ok(u32 first, u32 count)
{
	return count && count <= VHOST_FS_NO_ID - first;
}

static bool rule_ok(const struct vhost_fs_id_rule *rule)
{
	switch (rule->action) {
	case VHOST_FS_ID_GUEST:
	case VHOST_FS_ID_HOST:
		return range_ok(rule->from, rule->count) &&
		       range_ok(rule->to, rule->count);
	case VHOST_FS_ID_SQUASH_GUEST:
	case VHOST_FS_ID_SQUASH_HOST:
		return range_ok(rule->from, rule->count) &&
		       range_ok(rule->to, 1);
	case VHOST_FS_ID_FORBID_GUEST:
		return range_ok(rule->from, rule->count) && !rule->to;
	default:
		return false;
	}
}

static int rule_cmp(const void *a, const void *b)
{
	const struct vhost_fs_id_rule *one = a, *other = b;
	int dir = rule_from_host(one) - rule_from_host(other);

	return dir ?: (one->from > other->from) - (one->from < other->from);
}

/* Sort, so that a rule can be found by halving; neighbours tell of overlaps. */
static int idmap_check(struct vhost_fs_idmap *map)
{
	struct vhost_fs_id_rule *rule;
	u32 i;

	for (i = 0; i < map->nr; i++)
		if (!rule_ok(&map->rules[i]))
			return -EINVAL;
	sort(map->rules, map->nr, sizeof(*map->rules), rule_cmp, NULL);
	for (i = 0; i < map->nr; i++) {
		rule = &map->rules[i];
		if (!rule_from_host(rule))
			map->nr_guest = i + 1;
		if (i && rule_from_host(rule) == rule_from_host(rule - 1) &&
		    rule->from - rule[-1].from < rule[-1].count)
			return -EINVAL;
	}
	return 0;
}

/**
 * vhost_fs_idmap_copy - take rules from userspace
 * @map: filled in; zero before
 * @rules: their address
 * @nr: how many there are; already checked to be not too many
 *
 * Return: 0; -EFAULT, -ENOMEM, or -EINVAL if a rule is wrong.
 */
int vhost_fs_idmap_copy(struct vhost_fs_idmap *map, u64 rules, u32 nr)
{
	size_t size = nr * sizeof(*map->rules);

	if (!nr)
		return 0;
	map->rules = kvmalloc(size, GFP_KERNEL_ACCOUNT);
	if (!map->rules)
		return -ENOMEM;
	map->nr = nr;
	if (copy_from_user(map->rules, u64_to_user_ptr(rules), size))
		return -EFAULT;
	return idmap_check(map);
}

/**
 * vhost_fs_idmap_free - free the rules
 * @map: the map
 */
void vhost_fs_idmap_free(struct vhost_fs_idmap *map)
{
	kvfree(map->rules);
}

static int id_cmp(const void *key, const void *elt)
{
	const struct vhost_fs_id_rule *rule = elt;
	u32 id = *(const u32 *)key;

	if (id < rule->from)
		return -1;
	return id - rule->from >= rule->count;
}

/* What the rule of an id makes of it; without a rule it stays as it is. */
static int idmap_apply(const struct vhost_fs_id_rule *rules, u32 nr, u32 id,
		       u32 *result)
{
	const struct vhost_fs_id_rule *rule;

	*result = id;
	if (!nr)
		return 0;
	rule = bsearch(&id, rules, nr, sizeof(*rules), id_cmp);
	if (!rule)
		return 0;
	switch (rule->action) {
	case VHOST_FS_ID_FORBID_GUEST:
		return -EPERM;
	case VHOST_FS_ID_SQUASH_GUEST:
	case VHOST_FS_ID_SQUASH_HOST:
		*result = rule->to;
		return 0;
	default:
		*result = rule->to + (id - rule->from);
		return 0;
	}
}

static int id_to_host(const struct vhost_fs_idmap *map, u32 id, u32 *host)
{
	return idmap_apply(map->rules, map->nr_guest, id, host);
}

static u32 id_to_guest(const struct vhost_fs_idmap *map, u32 id)
{
	u32 guest;

	if (likely(!map->nr))
		return id;
	/* No rule of this direction forbids. */
	idmap_apply(map->rules + map->nr_guest, map->nr - map->nr_guest, id,
		    &guest);
	return guest;
}

/**
 * vhost_fs_uid_in - the host's user that a guest means
 * @req: the request
 * @id: the guest's user id
 * @uid: set to the host's
 *
 * Return: 0; -EPERM if the share forbids the id, -EINVAL if it means nobody on
 * the host.
 */
int vhost_fs_uid_in(const struct vhost_fs_req *req, u32 id, kuid_t *uid)
{
	u32 host;
	int err = id_to_host(&req->share->uids, id, &host);

	if (err)
		return err;
	*uid = make_kuid(vhost_fs_user_ns(req), host);
	return uid_valid(*uid) ? 0 : -EINVAL;
}

/**
 * vhost_fs_gid_in - the host's group that a guest means
 * @req: the request
 * @id: the guest's group id
 * @gid: set to the host's
 *
 * Return: as vhost_fs_uid_in().
 */
int vhost_fs_gid_in(const struct vhost_fs_req *req, u32 id, kgid_t *gid)
{
	u32 host;
	int err = id_to_host(&req->share->gids, id, &host);

	if (err)
		return err;
	*gid = make_kgid(vhost_fs_user_ns(req), host);
	return gid_valid(*gid) ? 0 : -EINVAL;
}

/* In the first user namespace, where most shares are made, ids are themselves. */
static u32 uid_number(struct user_namespace *ns, kuid_t uid)
{
	if (ns == &init_user_ns && uid_valid(uid))
		return __kuid_val(uid);
	return from_kuid_munged(ns, uid);
}

static u32 gid_number(struct user_namespace *ns, kgid_t gid)
{
	if (ns == &init_user_ns && gid_valid(gid))
		return __kgid_val(gid);
	return from_kgid_munged(ns, gid);
}

/**
 * vhost_fs_uid_out - what a guest is told of a user of the host
 * @req: the request
 * @uid: the user, as the mount shows it
 *
 * Return: the guest's user id; one that is nobody there gives the host's
 * overflow id, as it does for a process of the share.
 */
u32 vhost_fs_uid_out(const struct vhost_fs_req *req, kuid_t uid)
{
	return id_to_guest(&req->share->uids,
			   uid_number(vhost_fs_user_ns(req), uid));
}

/**
 * vhost_fs_gid_out - what a guest is told of a group of the host
 * @req: the request
 * @gid: the group, as the mount shows it
 *
 * Return: the guest's group id, as vhost_fs_uid_out().
 */
u32 vhost_fs_gid_out(const struct vhost_fs_req *req, kgid_t gid)
{
	return id_to_guest(&req->share->gids,
			   gid_number(vhost_fs_user_ns(req), gid));
}
