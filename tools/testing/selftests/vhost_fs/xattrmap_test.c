// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rules that map names of extended attributes: what the ioctl takes, and what
 * the rules do to names from the guest and from the host.
 */
#include "bed.h"
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <sys/xattr.h>

#define CLIENT VHOST_FS_XATTR_CLIENT
#define SERVER VHOST_FS_XATTR_SERVER
#define ALL (CLIENT | SERVER)
#define PREFIX VHOST_FS_XATTR_PREFIX
#define OK VHOST_FS_XATTR_OK
#define BAD VHOST_FS_XATTR_BAD
#define UNSUPPORTED VHOST_FS_XATTR_UNSUPPORTED

/* A share with these rules, and in it an empty file, looked up. */
struct mapped {
	struct bed bed;
	struct fuse *f;
	uint64_t file;
	char list[4096];
};

static int mapped_open(struct mapped *m, const struct vhost_fs_xattr_rule *rules,
		       uint32_t nr, uint32_t flags)
{
	struct bed_config config = {
		.flags = VHOST_FS_SHARE_XATTR | flags,
		.options.xattr_rules = (uintptr_t)rules,
		.options.nr_xattr_rules = nr,
	};
	int ret = bed_open(&m->bed, &config);

	if (ret)
		return ret;
	m->f = &m->bed.fuse;
	ret = bed_write_file(&m->bed, "file", "", 0, 0644);
	m->file = bed_lookup(m->f, "file");
	return ret;
}

static const char *host_path(struct mapped *m)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/file", m->bed.dir);
	return path;
}

static int host_set(struct mapped *m, const char *name, const char *value)
{
	return lsetxattr(host_path(m), name, value, strlen(value), 0) ?
		-errno : 0;
}

static int host_get(struct mapped *m, const char *name)
{
	char value[256];
	int len = lgetxattr(host_path(m), name, value, sizeof(value));

	return len < 0 ? -errno : len;
}

static int guest_set(struct mapped *m, const char *name, const char *value)
{
	return fuse_setxattr(m->f, m->file, name, value, strlen(value), 0, 0);
}

static int guest_get(struct mapped *m, const char *name)
{
	char value[256];

	return fuse_getxattr(m->f, m->file, name, value, sizeof(value));
}

/* Does the guest's list hold @name? -1 if its length isn't what was told. */
static int lists(struct mapped *m, const char *name)
{
	int len = fuse_listxattr(m->f, m->file, NULL, 0), at;

	if (len != fuse_listxattr(m->f, m->file, m->list, sizeof(m->list)))
		return -1;
	/* Just this much room is enough, too. */
	if (len && len != fuse_listxattr(m->f, m->file, m->list, len))
		return -1;
	for (at = 0; at < len; at += strlen(m->list + at) + 1)
		if (!strcmp(m->list + at, name))
			return 1;
	return 0;
}

/* :map::user.guest.: - everything gets a prefix, nothing else is seen. */
TEST(everything_prefixed)
{
	static const struct vhost_fs_xattr_rule rules[] = {
		{ ALL, PREFIX, "", "user.guest." },
		{ ALL, BAD, "", "" },
	};
	struct mapped m;

	ASSERT_EQ(0, mapped_open(&m, rules, 2, 0));
	ASSERT_EQ(0, host_set(&m, "user.own", "o"));
	ASSERT_EQ(0, host_set(&m, "user.guest.", "empty"));
	EXPECT_EQ(0, fuse_listxattr(m.f, m.file, NULL, 0));
	EXPECT_EQ(0, fuse_listxattr(m.f, m.file, m.list, 100));
	EXPECT_EQ(0, guest_set(&m, "trusted.v", "12"));
	EXPECT_EQ(0, guest_set(&m, "security.selinux", "label"));
	EXPECT_EQ(0, guest_set(&m, "user.own", "guest's"));
	EXPECT_EQ(2, host_get(&m, "user.guest.trusted.v"));
	EXPECT_EQ(-ENODATA, host_get(&m, "trusted.v"));
	EXPECT_EQ(5, host_get(&m, "user.guest.security.selinux"));
	EXPECT_EQ(1, host_get(&m, "user.own"));
	EXPECT_EQ(7, host_get(&m, "user.guest.user.own"));
	EXPECT_EQ(2, guest_get(&m, "trusted.v"));
	EXPECT_EQ(7, guest_get(&m, "user.own"));
	EXPECT_EQ(-ENODATA, guest_get(&m, "user.guest.trusted.v"));
	EXPECT_EQ(1, lists(&m, "trusted.v"));
	EXPECT_EQ(1, lists(&m, "security.selinux"));
	EXPECT_EQ(1, lists(&m, "user.own"));
	EXPECT_EQ(0, lists(&m, "user.guest.trusted.v"));
	EXPECT_EQ(10 + 17 + 9, fuse_listxattr(m.f, m.file, NULL, 0));
	EXPECT_EQ(-ERANGE, fuse_listxattr(m.f, m.file, m.list, 35));
	EXPECT_EQ(0, fuse_removexattr(m.f, m.file, "user.own"));
	EXPECT_EQ(-ENODATA, fuse_removexattr(m.f, m.file, "user.own"));
	EXPECT_EQ(1, host_get(&m, "user.own"));
	bed_close(&m.bed);
}

/* :map:trusted.:user.guest.: - others stay, what would be ambiguous doesn't. */
TEST(some_prefixed)
{
	static const struct vhost_fs_xattr_rule rules[] = {
		{ ALL, PREFIX, "trusted.", "user.guest." },
		{ ALL, BAD, "user.guest.", "trusted." },
		{ ALL, OK, "", "" },
	};
	struct mapped m;

	ASSERT_EQ(0, mapped_open(&m, rules, 3, 0));
	ASSERT_EQ(0, host_set(&m, "trusted.own", "o"));
	EXPECT_EQ(0, guest_set(&m, "trusted.v", "12"));
	EXPECT_EQ(0, guest_set(&m, "user.v", "123"));
	EXPECT_EQ(2, host_get(&m, "user.guest.trusted.v"));
	EXPECT_EQ(3, host_get(&m, "user.v"));
	EXPECT_EQ(-EPERM, guest_set(&m, "user.guest.trusted.v", "x"));
	EXPECT_EQ(-ENODATA, guest_get(&m, "user.guest.trusted.v"));
	EXPECT_EQ(-EPERM, fuse_removexattr(m.f, m.file, "user.guest.trusted.v"));
	EXPECT_EQ(-ENODATA, guest_get(&m, "trusted.own"));
	EXPECT_EQ(1, lists(&m, "trusted.v"));
	EXPECT_EQ(1, lists(&m, "user.v"));
	EXPECT_EQ(0, lists(&m, "trusted.own"));
	EXPECT_EQ(10 + 7, fuse_listxattr(m.f, m.file, NULL, 0));
	bed_close(&m.bed);
}

/* Each action, from each side; the first rule that matches decides. */
TEST(actions_and_order)
{
	static const struct vhost_fs_xattr_rule rules[] = {
		{ CLIENT, BAD, "user.bad", "user.seen" },
		{ SERVER, BAD, "user.v", "user.hid" },
		{ CLIENT, UNSUPPORTED, "user.un", "" },
		{ SERVER, UNSUPPORTED, "", "user.un" },
		{ CLIENT, OK, "user.ok", "user.x" },
		{ CLIENT, BAD, "user.ok", "" },
		{ SERVER, OK, "user.y", "user.seen" },
		{ SERVER, PREFIX, "", "user.p." },
		{ SERVER, OK, "", "user.p.x" },
		{ CLIENT, PREFIX, "user.pre", "user.p." },
	};
	static const char *const own[] = {
		"user.seen", "user.hidden", "user.unseen", "user.p.x", "user.p.",
		"user.rest",
	};
	struct mapped m;
	int i;

	ASSERT_EQ(0, mapped_open(&m, rules, 10, 0));
	for (i = 0; i < 6; i++)
		ASSERT_EQ(0, host_set(&m, own[i], "v"));
	EXPECT_EQ(-EPERM, guest_set(&m, "user.bad", "v"));
	EXPECT_EQ(-ENODATA, guest_get(&m, "user.bad"));
	EXPECT_EQ(-EPERM, fuse_removexattr(m.f, m.file, "user.badder"));
	EXPECT_EQ(-EOPNOTSUPP, guest_set(&m, "user.un", "v"));
	EXPECT_EQ(-EOPNOTSUPP, guest_get(&m, "user.unseen"));
	EXPECT_EQ(-EOPNOTSUPP, fuse_removexattr(m.f, m.file, "user.unseen"));
	EXPECT_EQ(0, guest_set(&m, "user.ok", "12"));
	EXPECT_EQ(2, host_get(&m, "user.ok"));
	EXPECT_EQ(0, guest_set(&m, "user.pre", "123"));
	EXPECT_EQ(3, host_get(&m, "user.p.user.pre"));
	/* Unmatched: the host's own rules are for others. */
	EXPECT_EQ(-EPERM, guest_set(&m, "user.rest", "v"));
	EXPECT_EQ(-ENODATA, guest_get(&m, "user.rest"));
	EXPECT_EQ(-EPERM, fuse_removexattr(m.f, m.file, "user.rest"));
	EXPECT_EQ(-EPERM, guest_set(&m, "user.seen", "v"));

	EXPECT_EQ(1, lists(&m, "user.seen"));
	EXPECT_EQ(0, lists(&m, "user.hidden"));
	EXPECT_EQ(0, lists(&m, "user.unseen"));
	EXPECT_EQ(1, lists(&m, "x"));
	EXPECT_EQ(0, lists(&m, "user.p.x"));
	EXPECT_EQ(1, lists(&m, "user.pre"));
	EXPECT_EQ(0, lists(&m, "user.rest"));
	EXPECT_EQ(0, lists(&m, ""));
	EXPECT_EQ(10 + 2 + 9, fuse_listxattr(m.f, m.file, NULL, 0));
	bed_close(&m.bed);
}

/* Room for the prefix has to be found within the longest name there is. */
TEST(longest_names)
{
	static const struct vhost_fs_xattr_rule rules[] = {
		{ ALL, PREFIX, "", "user.guest." },
	};
	char name[XATTR_NAME_MAX + 1], host[XATTR_NAME_MAX + 1];
	struct mapped m;

	ASSERT_EQ(0, mapped_open(&m, rules, 1, 0));
	memset(name, 'n', sizeof(name));
	name[XATTR_NAME_MAX - 11] = '\0';
	snprintf(host, sizeof(host), "user.guest.%s", name);
	EXPECT_EQ(0, guest_set(&m, name, "v"));
	EXPECT_EQ(1, host_get(&m, host));
	EXPECT_EQ(1, guest_get(&m, name));
	EXPECT_EQ(1, lists(&m, name));
	EXPECT_EQ(0, fuse_removexattr(m.f, m.file, name));
	name[XATTR_NAME_MAX - 11] = 'n';
	name[XATTR_NAME_MAX - 10] = '\0';
	EXPECT_EQ(-ENAMETOOLONG, guest_set(&m, name, "v"));
	EXPECT_EQ(-ENAMETOOLONG, guest_get(&m, name));
	EXPECT_EQ(-ENAMETOOLONG, fuse_removexattr(m.f, m.file, name));
	name[XATTR_NAME_MAX - 10] = 'n';
	name[XATTR_NAME_MAX] = '\0';
	EXPECT_EQ(-ENAMETOOLONG, guest_set(&m, name, "v"));
	bed_close(&m.bed);
}

/* ACLs that nobody serves can't be had by way of another name, or stored. */
TEST(acl_names)
{
	static const struct vhost_fs_xattr_rule rules[] = {
		{ ALL, PREFIX, "posix_acl", "system." },
		{ ALL, PREFIX, "", "user.guest." },
	};
	/* Little-endian: u::rwx u:1234:rwx g::r-x m::rwx o::--- */
	static const uint32_t acl[] = {
		2, 7 << 16 | 1, ~0U, 7 << 16 | 2, 1234, 5 << 16 | 4, ~0U,
		7 << 16 | 16, ~0U, 32, ~0U,
	};
	struct mapped m;

	ASSERT_EQ(0, mapped_open(&m, rules, 2, 0));
	ASSERT_EQ(0, lsetxattr(host_path(&m), "system.posix_acl_access", acl,
			       sizeof(acl), 0));
	EXPECT_EQ(0, fuse_listxattr(m.f, m.file, NULL, 0));
	EXPECT_EQ(-EOPNOTSUPP, guest_set(&m, "posix_acl_access", "v"));
	EXPECT_EQ(-EOPNOTSUPP, guest_get(&m, "posix_acl_default"));
	EXPECT_EQ(-EOPNOTSUPP, guest_set(&m, "system.posix_acl_access", "v"));
	EXPECT_EQ(-ENODATA, host_get(&m, "user.guest.system.posix_acl_access"));
	ASSERT_EQ(0, host_set(&m, "user.guest.system.posix_acl_access", "v"));
	EXPECT_EQ(0, lists(&m, "system.posix_acl_access"));
	/* Names that are only like those are names like any other. */
	EXPECT_EQ(0, guest_set(&m, "system.posix_acl_acces", "v"));
	EXPECT_EQ(1, guest_get(&m, "system.posix_acl_acces"));
	EXPECT_EQ(0, guest_set(&m, "system.posix_acl_access2", "v"));
	EXPECT_EQ(0, guest_set(&m, "s", "v"));
	EXPECT_EQ(1, lists(&m, "system.posix_acl_acces"));
	EXPECT_EQ(1, lists(&m, "system.posix_acl_access2"));
	EXPECT_EQ(1, lists(&m, "s"));
	bed_close(&m.bed);
}

/* With ACLs, rules can store what the host doesn't act on. */
TEST(acl_is_stored)
{
	static const struct vhost_fs_xattr_rule rules[] = {
		{ ALL, PREFIX, "", "user.guest." },
	};
	struct mapped m;

	ASSERT_EQ(0, mapped_open(&m, rules, 1, VHOST_FS_SHARE_POSIX_ACL));
	EXPECT_EQ(0, guest_set(&m, "system.posix_acl_access", "anything"));
	EXPECT_EQ(8, host_get(&m, "user.guest.system.posix_acl_access"));
	EXPECT_EQ(8, guest_get(&m, "system.posix_acl_access"));
	bed_close(&m.bed);
}

static int add_rules(const struct vhost_fs_xattr_rule *rules, uint32_t nr,
		     uint32_t flags)
{
	struct bed_config config = {
		.flags = flags, .options.xattr_rules = (uintptr_t)rules,
		.options.nr_xattr_rules = nr,
	};
	struct bed bed;
	int ret = bed_open_share(&bed, &config);

	if (!ret)
		bed_close(&bed);
	return ret;
}

TEST(what_the_ioctl_takes)
{
	static const struct vhost_fs_xattr_rule good = {
		ALL, PREFIX, "key", "prepend",
	};
	static struct vhost_fs_xattr_rule many[VHOST_FS_MAX_XATTR_RULES + 1];
	struct vhost_fs_xattr_rule bad;
	int i;

	EXPECT_EQ(0, add_rules(&good, 1, VHOST_FS_SHARE_XATTR));
	EXPECT_EQ(-EINVAL, add_rules(&good, 1, 0));
	EXPECT_EQ(-EFAULT, add_rules(NULL, 1, VHOST_FS_SHARE_XATTR));
	bad = good;
	bad.scope = 0;
	EXPECT_EQ(-EINVAL, add_rules(&bad, 1, VHOST_FS_SHARE_XATTR));
	bad.scope = 4;
	EXPECT_EQ(-EINVAL, add_rules(&bad, 1, VHOST_FS_SHARE_XATTR));
	bad.scope = 5;
	EXPECT_EQ(-EINVAL, add_rules(&bad, 1, VHOST_FS_SHARE_XATTR));
	bad = good;
	bad.action = 4;
	EXPECT_EQ(-EINVAL, add_rules(&bad, 1, VHOST_FS_SHARE_XATTR));
	bad = good;
	bad.key[255] = 'x';
	EXPECT_EQ(-EINVAL, add_rules(&bad, 1, VHOST_FS_SHARE_XATTR));
	bad = good;
	bad.prepend[9] = 'x';
	EXPECT_EQ(-EINVAL, add_rules(&bad, 1, VHOST_FS_SHARE_XATTR));
	memset(bad.prepend, 'x', sizeof(bad.prepend));
	EXPECT_EQ(-EINVAL, add_rules(&bad, 1, VHOST_FS_SHARE_XATTR));
	bad.prepend[255] = '\0';
	EXPECT_EQ(0, add_rules(&bad, 1, VHOST_FS_SHARE_XATTR));

	for (i = 0; i <= VHOST_FS_MAX_XATTR_RULES; i++)
		many[i] = good;
	EXPECT_EQ(0, add_rules(many, VHOST_FS_MAX_XATTR_RULES,
			       VHOST_FS_SHARE_XATTR));
	EXPECT_EQ(-EINVAL, add_rules(many, VHOST_FS_MAX_XATTR_RULES + 1,
				     VHOST_FS_SHARE_XATTR));
	many[VHOST_FS_MAX_XATTR_RULES - 1].scope = 0;
	EXPECT_EQ(-EINVAL, add_rules(many, VHOST_FS_MAX_XATTR_RULES,
				     VHOST_FS_SHARE_XATTR));
}

/*
 * The host clears a file's capabilities when somebody writes, but not what it is called
 * something else: a guest that was told so would let its users keep them.
 */
TEST(renamed_capabilities_are_the_guests_to_clear)
{
	static const struct {
		struct vhost_fs_xattr_rule rules[2];
		bool clears;
	} maps[] = {
		{ { { ALL, PREFIX, "security.capability", "user.guest." },
		    { ALL, OK, "", "" } }, false },
		{ { { ALL, PREFIX, "", "user.guest." }, { ALL, BAD, "", "" } }, false },
		{ { { ALL, PREFIX, "security.selinux", "user.guest." },
		    { ALL, OK, "", "" } }, true },
		{ { { ALL, BAD, "security.capability", "" }, { ALL, OK, "", "" } }, true },
	};
	struct mapped m;
	unsigned int i;

	for (i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
		ASSERT_EQ(0, mapped_open(&m, maps[i].rules, 2, VHOST_FS_SHARE_KILLPRIV_V2));
		EXPECT_EQ(maps[i].clears, !!(m.f->init.flags & FUSE_HANDLE_KILLPRIV_V2)) {
			TH_LOG("map %u", i);
		}
		bed_close(&m.bed);
	}
}

TEST_HARNESS_MAIN
