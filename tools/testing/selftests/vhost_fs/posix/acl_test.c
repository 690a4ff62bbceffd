// SPDX-License-Identifier: GPL-2.0-only
/*
 * POSIX ACLs: whom they let do what, what new files inherit, and what chmod(2)
 * does to them. On a share they need --posix-acl.
 */
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <sys/xattr.h>

#include "posix.h"

#define ACCESS	"system.posix_acl_access"
#define DEFAULT	"system.posix_acl_default"

struct acl {
	union {
		struct {
			struct posix_acl_xattr_header header;
			struct posix_acl_xattr_entry entry[8];
		};
		char value[sizeof(struct posix_acl_xattr_header) +
			   8 * sizeof(struct posix_acl_xattr_entry)];
	};
	size_t size;
};

static void add(struct acl *acl, int tag, int perm, int id)
{
	acl->entry[(acl->size - 4) / 8] = (struct posix_acl_xattr_entry){
		tag, perm, id
	};
	acl->size += 8;
}

/*
 * "u=rw ALICE=r g=r CLUB=w m=rw o=" in numbers: what is -1 isn't there, but for
 * those that must be.
 */
static struct acl make_acl(int owner, int alice, int bob, int group, int club,
			   int mask, int other)
{
	struct acl acl = { .header.a_version = POSIX_ACL_XATTR_VERSION,
			   .size = 4 };

	add(&acl, ACL_USER_OBJ, owner, -1);
	if (alice >= 0)
		add(&acl, ACL_USER, alice, ALICE);
	if (bob >= 0)
		add(&acl, ACL_USER, bob, BOB);
	add(&acl, ACL_GROUP_OBJ, group, -1);
	if (club >= 0)
		add(&acl, ACL_GROUP, club, CLUB);
	if (mask >= 0)
		add(&acl, ACL_MASK, mask, -1);
	add(&acl, ACL_OTHER, other, -1);
	return acl;
}

static int set_acl(const char *path, const char *name, struct acl acl)
{
	return setxattr(path, name, acl.value, acl.size, 0);
}

/* Exactly this one. */
static bool has_acl(const char *path, const char *name, struct acl acl)
{
	struct acl is = { };

	return getxattr(path, name, is.value, sizeof(is.value)) ==
		       (ssize_t)acl.size &&
	       !memcmp(is.value, acl.value, acl.size);
}

static int may(const char *path, uid_t uid, gid_t gid, gid_t more)
{
	int mask = 0;

	as_user(uid, gid, more);
	if (!opens(path, O_RDONLY))
		mask |= 4;
	if (!opens(path, O_WRONLY))
		mask |= 2;
	if (!faccessat(AT_FDCWD, path, X_OK, AT_EACCESS))
		mask |= 1;
	as_root();
	return mask;
}

TEST_F(posix, set_and_get)
{
	struct acl acl = make_acl(6, 4, 6, 4, 6, 6, 0);

	OK(touch("f", 0644));
	FAILS(ENODATA, getxattr("f", ACCESS, NULL, 0));
	OK(set_acl("f", ACCESS, acl));
	EXPECT_TRUE(has_acl("f", ACCESS, acl));
	EXPECT_TRUE(has_acl(over_there("f"), ACCESS, acl));
	EXPECT_EQ(acl.size, getxattr("f", ACCESS, NULL, 0));
	FAILS(ERANGE, getxattr("f", ACCESS, acl.value, 8));
	EXPECT_EQ(0660, mode_of("f"));
	OK(removexattr("f", ACCESS));
	FAILS(ENODATA, getxattr("f", ACCESS, NULL, 0));
}

TEST_F(posix, plain_acl_is_a_mode)
{
	OK(touch("f", 0600));
	OK(set_acl("f", ACCESS, make_acl(7, -1, -1, 5, -1, -1, 1)));
	EXPECT_EQ(0751, mode_of("f"));
	FAILS(ENODATA, getxattr("f", ACCESS, NULL, 0));
}

TEST_F(posix, bad_acls)
{
	struct acl acl = make_acl(6, 4, -1, 4, -1, 6, 0);

	OK(touch("f", 0644));
	OK(symlink("f", "l"));
	/* Without a mask, out of order, of another version, cut short. */
	FAILS(EINVAL, set_acl("f", ACCESS, make_acl(6, 4, -1, 4, -1, -1, 0)));
	acl.entry[0].e_tag = ACL_OTHER;
	FAILS(EINVAL, set_acl("f", ACCESS, acl));
	acl = make_acl(6, 4, -1, 4, -1, 6, 0);
	acl.entry[1].e_perm = 8;
	FAILS(EINVAL, set_acl("f", ACCESS, acl));
	acl.entry[1].e_perm = 4;
	acl.size--;
	FAILS(EINVAL, set_acl("f", ACCESS, acl));
	acl.size++;
	acl.header.a_version = 3;
	FAILS_OR(EOPNOTSUPP, EINVAL, set_acl("f", ACCESS, acl));
	acl.header.a_version = POSIX_ACL_XATTR_VERSION;
	FAILS(EACCES, set_acl("f", DEFAULT, acl));
	FAILS(EOPNOTSUPP, lsetxattr("l", ACCESS, acl.value, acl.size, 0));
	as_user(ALICE, ALICE, 0);
	FAILS(EPERM, set_acl("f", ACCESS, acl));
	as_root();
	EXPECT_EQ(0644, mode_of("f"));
}

TEST_F(posix, who_may_what)
{
	OK(make_file("f", 0, 0, 0600));
	OK(set_acl("f", ACCESS, make_acl(6, 4, 7, 2, 5, 7, 1)));
	EXPECT_EQ(4, may("f", ALICE, ALICE, 0));
	/* A named user is neither of the group nor of a named one. */
	EXPECT_EQ(4, may("f", ALICE, CLUB, 0));
	EXPECT_EQ(7, may("f", BOB, BOB, 0));
	EXPECT_EQ(5, may("f", 3003, CLUB, 0));
	EXPECT_EQ(5, may("f", 3003, 3003, CLUB));
	EXPECT_EQ(2, may("f", 3003, 0, 0));
	/* Of several groups, one that gives all that is wanted. */
	EXPECT_EQ(7, may("f", 3003, 0, CLUB));
	EXPECT_EQ(1, may("f", 3003, 3003, 0));
	/* The mask limits all but the owner and others. */
	OK(set_acl("f", ACCESS, make_acl(6, 4, 7, 2, 5, 1, 7)));
	EXPECT_EQ(0, may("f", ALICE, ALICE, 0));
	EXPECT_EQ(1, may("f", BOB, BOB, 0));
	EXPECT_EQ(1, may("f", 3003, CLUB, 0));
	EXPECT_EQ(7, may("f", 3003, 3003, 0));
	OK(chown("f", 3003, 0));
	EXPECT_EQ(6, may("f", 3003, CLUB, 0));
}

TEST_F(posix, searching_directories)
{
	OK(make_dir("d", 0, 0, 0700));
	OK(make_file("d/f", 0, 0, 0666));
	OK(set_acl("d", ACCESS, make_acl(7, 1, 5, 0, 7, 7, 0)));
	as_user(ALICE, ALICE, 0);
	OK(opens("d/f", O_RDWR));
	FAILS(EACCES, opens("d", O_RDONLY));
	FAILS(EACCES, touch("d/g", 0600));
	as_user(BOB, BOB, 0);
	OK(opens("d", O_RDONLY));
	FAILS(EACCES, unlink("d/f"));
	as_user(3003, CLUB, 0);
	OK(touch("d/g", 0600));
	OK(rename("d/g", "d/h"));
	as_user(3004, 3004, 0);
	FAILS(EACCES, opens("d/f", O_RDONLY));
}

TEST_F(posix, chmod_sets_the_mask)
{
	OK(touch("f", 0600));
	OK(set_acl("f", ACCESS, make_acl(6, 6, -1, 4, -1, 6, 0)));
	OK(chmod("f", 0741));
	EXPECT_TRUE(has_acl("f", ACCESS, make_acl(7, 6, -1, 4, -1, 4, 1)));
	EXPECT_EQ(0741, mode_of("f"));
	EXPECT_EQ(4, may("f", ALICE, ALICE, 0));
	OK(chmod("f", 0600));
	EXPECT_EQ(0, may("f", ALICE, ALICE, 0));
	OK(chmod("f", 0660));
	EXPECT_EQ(6, may("f", ALICE, ALICE, 0));
	/* Without the ACL, the group has what the mask left it. */
	OK(removexattr("f", ACCESS));
	EXPECT_EQ(0, may("f", ALICE, ALICE, 0));
}

TEST_F(posix, inheritance)
{
	struct acl acl = make_acl(7, 6, -1, 5, 7, 7, 4);
	int fd;

	OK(mkdir("d", 0777));
	OK(set_acl("d", DEFAULT, acl));
	EXPECT_EQ(0755, mode_of("d"));
	/* The mode that is asked for limits it, and the umask doesn't. */
	umask(077);
	OK(touch("d/file", 0666));
	OK(mknod("d/node", S_IFREG | 0640, 0));
	OK(mkfifo("d/fifo", 0660));
	OK(mkdir("d/dir", 0777));
	OK(mkdir("d/closed", 0700));
	OK(symlink("file", "d/link"));
	fd = open("d", O_TMPFILE | O_RDWR, 0664);
	umask(022);
	EXPECT_EQ(0664, mode_of("d/file"));
	EXPECT_TRUE(has_acl("d/file", ACCESS, make_acl(6, 6, -1, 5, 7, 6, 4)));
	EXPECT_EQ(0640, mode_of("d/node"));
	EXPECT_TRUE(has_acl("d/node", ACCESS, make_acl(6, 6, -1, 5, 7, 4, 0)));
	EXPECT_EQ(0660, mode_of("d/fifo"));
	EXPECT_EQ(0774, mode_of("d/dir"));
	EXPECT_TRUE(has_acl("d/dir", DEFAULT, acl));
	EXPECT_TRUE(has_acl("d/dir", ACCESS, acl));
	EXPECT_EQ(0700, mode_of("d/closed"));
	EXPECT_TRUE(has_acl("d/closed", DEFAULT, acl));
	EXPECT_EQ(0777, mode_of("d/link"));
	FAILS(ENODATA, getxattr("d/file", DEFAULT, NULL, 0));
	/* ext4 and others make such a file's ACL as any other's. */
	if (fd >= 0) {
		struct stat st;

		OK(fstat(fd, &st));
		EXPECT_EQ(0664, st.st_mode & 07777);
		close(fd);
	}
	/* Without a default ACL, the umask counts again. */
	OK(removexattr("d", DEFAULT));
	OK(touch("d/plain", 0666));
	EXPECT_EQ(0644, mode_of("d/plain"));
	FAILS(ENODATA, getxattr("d/plain", ACCESS, NULL, 0));
	EXPECT_TRUE(has_acl("d/dir", DEFAULT, acl));
}

TEST_F(posix, a_default_that_is_a_mode)
{
	OK(mkdir("d", 0777));
	OK(set_acl("d", DEFAULT, make_acl(7, -1, -1, 2, -1, -1, 1)));
	OK(touch("d/file", 0666));
	OK(mkdir("d/dir", 0777));
	EXPECT_EQ(0620, mode_of("d/file"));
	EXPECT_EQ(0721, mode_of("d/dir"));
	FAILS(ENODATA, getxattr("d/file", ACCESS, NULL, 0));
}

/* Who is not in the file's group loses its set-group-ID bit. */
TEST_F(posix, acl_and_group_bit)
{
	OK(make_file("f", ALICE, CLUB, 02775));
	OK(make_file("g", ALICE, CLUB, 02775));
	as_user(ALICE, ALICE, 0);
	OK(set_acl("f", ACCESS, make_acl(7, -1, 6, 5, -1, 7, 0)));
	as_user(ALICE, ALICE, CLUB);
	OK(set_acl("g", ACCESS, make_acl(7, -1, 6, 5, -1, 7, 0)));
	as_root();
	EXPECT_EQ(0770, mode_of("f"));
	EXPECT_EQ(02770, mode_of("g"));
}

TEST_F(posix, others_changes_are_seen)
{
	OK(make_file("f", 0, 0, 0600));
	EXPECT_EQ(0, may("f", ALICE, ALICE, 0));
	OK(set_acl("f", ACCESS, make_acl(6, 4, -1, 0, -1, 4, 0)));
	EXPECT_EQ(4, may("f", ALICE, ALICE, 0));
	OK(link("f", "g"));
	EXPECT_EQ(4, may("g", ALICE, ALICE, 0));
	OK(set_acl("g", ACCESS, make_acl(6, 2, -1, 0, -1, 6, 0)));
	EXPECT_EQ(2, may("f", ALICE, ALICE, 0));
	OK(removexattr("f", ACCESS));
	EXPECT_EQ(0, may("g", ALICE, ALICE, 0));
}

POSIX_MAIN
