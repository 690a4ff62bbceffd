// SPDX-License-Identifier: GPL-2.0-only
/*
 * The calls that steps are made of.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "differential.h"

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

#define BUFFER	65536

/* What the calls below are short for. */
#define P0	(s->path[0])
#define P1	(s->path[1])
#define A(n)	(s->arg[n])
#define FD(n)	(w->slot[s->arg[n]])

#define CALL(name, expression) \
	static long call_##name(struct world *w __attribute__((unused)), \
				const struct step *s __attribute__((unused)), \
				struct result *r __attribute__((unused))) \
	{ \
		return expression; \
	}

/* The same bytes for the same step. */
static const void *bytes(const struct step *s)
{
	static unsigned char buf[BUFFER];
	unsigned int i, first = s->arg[0] * 7 + s->arg[1];

	for (i = 0; i < sizeof(buf); i++)
		buf[i] = first + i * 13 + (i >> 8);
	return buf;
}

static size_t room(int64_t len)
{
	return len < 0 || len > BUFFER ? 0 : len;
}

/* Keeps a new open file in place of an old one. */
static long keep(struct world *w, int64_t slot, int fd)
{
	if (fd < 0)
		return -1;
	if (w->slot[slot] >= 0)
		close(w->slot[slot]);
	w->slot[slot] = fd;
	return 0;
}

static long close_slot(struct world *w, int64_t slot)
{
	int fd = w->slot[slot];

	w->slot[slot] = -1;
	return close(fd);
}

/* --- names --------------------------------------------------------------------- */

CALL(open, keep(w, A(0), open(P0, A(1) | O_CLOEXEC, A(2))))
CALL(create, keep(w, A(0), open(P0, O_CREAT | O_RDWR | O_CLOEXEC, A(1))))
CALL(tmpfile, keep(w, A(0), open(P0, O_TMPFILE | O_RDWR | O_CLOEXEC, A(1))))
CALL(close, close_slot(w, A(0)))
CALL(mkdir, mkdir(P0, A(0)))
CALL(mknod, mknod(P0, A(0) | A(1), A(2) % 3 ? makedev(500, A(2)) : 0))
CALL(symlink, symlink(P1, P0))
CALL(link, link(P0, P1))
CALL(link_follow, linkat(AT_FDCWD, P0, AT_FDCWD, P1, AT_SYMLINK_FOLLOW))
CALL(unlink, unlink(P0))
CALL(rmdir, rmdir(P0))
CALL(rename, rename(P0, P1))
CALL(renameat2, renameat2(AT_FDCWD, P0, AT_FDCWD, P1, A(0)))
CALL(umask, ({
	mode_t old = w->umask;

	w->umask = A(0) & 0777;
	old;
}))

static long call_link_file(struct world *w, const struct step *s,
			   struct result *r)
{
	char path[64];

	(void)r;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", FD(0));
	return linkat(AT_FDCWD, path, AT_FDCWD, P0, AT_SYMLINK_FOLLOW);
}

static long call_readlink(struct world *w, const struct step *s,
			  struct result *r)
{
	char target[PATH_MAX];
	ssize_t n = readlink(P0, target, room(A(0)) < PATH_MAX ? room(A(0)) :
			     PATH_MAX);

	(void)w;
	if (n > 0)
		say_data(r, target, n);
	return n;
}

/* --- attributes -------------------------------------------------------------------- */

CALL(chmod, chmod(P0, A(0)))
CALL(fchmod, fchmod(FD(0), A(1)))
CALL(lchmod, syscall(SYS_fchmodat2, AT_FDCWD, P0, A(0), AT_SYMLINK_NOFOLLOW))
CALL(chown, chown(P0, A(0), A(1)))
CALL(lchown, lchown(P0, A(0), A(1)))
CALL(fchown, fchown(FD(0), A(1), A(2)))
CALL(access, access(P0, A(0)))
CALL(eaccess, syscall(SYS_faccessat2, AT_FDCWD, P0, A(0), AT_EACCESS | A(1)))

static struct timespec time_of(int64_t arg)
{
	struct timespec t = { .tv_nsec = arg };

	if (arg == UTIME_NOW || arg == UTIME_OMIT)
		return t;
	t.tv_sec = arg;
	t.tv_nsec = arg == 1000000000 ? 999999999 : 0;
	return t;
}

/* A guest that collects writes doesn't know where the host's times begin. */
static long long seconds(struct timespec t)
{
	return t.tv_sec < INT32_MIN ? INT32_MIN : t.tv_sec;
}

/* What was set can be compared; what is now can't. */
static void say_times(const struct world *w, struct result *r, const struct stat *st)
{
	if (!w->no_atime &&
	    (st->st_atim.tv_sec < 1690000000 || st->st_atim.tv_sec == 1700000000))
		say(r, "accessed %lld.%09ld ", seconds(st->st_atim),
		    st->st_atim.tv_nsec);
	if (st->st_mtim.tv_sec < 1690000000 || st->st_mtim.tv_sec == 1700000000)
		say(r, "modified %lld.%09ld ", seconds(st->st_mtim),
		    st->st_mtim.tv_nsec);
}

static long call_utimensat(struct world *w, const struct step *s,
			   struct result *r)
{
	struct timespec t[2] = { time_of(A(0)), time_of(A(1)) };
	long ret = utimensat(AT_FDCWD, P0, t, A(2));
	struct stat st;
	int error = errno;

	if (!ret && !lstat(P0, &st))
		say_times(w, r, &st);
	errno = error;
	return ret;
}

static long call_futimens(struct world *w, const struct step *s,
			  struct result *r)
{
	struct timespec t[2] = { time_of(A(1)), time_of(A(2)) };
	struct stat st;

	if (futimens(FD(0), t))
		return -1;
	if (!fstat(FD(0), &st))
		say_times(w, r, &st);
	return 0;
}

static long call_stat(struct world *w, const struct step *s, struct result *r)
{
	struct stat st;

	(void)w;
	if (fstatat(AT_FDCWD, P0, &st, A(0)))
		return -1;
	say(r, "%o %u", plain_mode(st.st_mode), (unsigned int)st.st_nlink);
	if (!S_ISDIR(st.st_mode))
		say(r, " %lld", (long long)st.st_size);
	return 0;
}

static long call_statx(struct world *w, const struct step *s, struct result *r)
{
	struct statx st;

	(void)w;
	if (statx(AT_FDCWD, P0, AT_SYMLINK_NOFOLLOW | AT_STATX_FORCE_SYNC,
		  STATX_BASIC_STATS | STATX_BTIME, &st))
		return -1;
	say(r, "%o %u", plain_mode(st.stx_mode), st.stx_nlink);
	return 0;
}

static long call_statfs(struct world *w, const struct step *s, struct result *r)
{
	struct statfs st;

	(void)w;
	if (statfs(P0, &st))
		return -1;
	say(r, "%ld %ld %ld", st.f_namelen, st.f_bsize, st.f_frsize);
	return 0;
}

static long call_getflags(struct world *w, const struct step *s,
			  struct result *r)
{
	long flags = 0;

	if (ioctl(FD(0), FS_IOC_GETFLAGS, &flags))
		return -1;
	say(r, "flags %lx ", flags);
	return 0;
}

CALL(setflags, ({
	long flags = 0;

	ioctl(FD(0), FS_IOC_GETFLAGS, &flags);
	flags &= ~(FS_APPEND_FL | FS_IMMUTABLE_FL | FS_NODUMP_FL |
		   FS_NOATIME_FL);
	flags |= A(1);
	ioctl(FD(0), FS_IOC_SETFLAGS, &flags);
}))

/* --- data --------------------------------------------------------------------------- */

static char buffer[BUFFER];

static long say_read(struct result *r, ssize_t n)
{
	if (n > 0)
		say_data(r, buffer, n);
	return n;
}

static struct iovec *vec(const void *data, size_t len)
{
	static struct iovec v[2];

	v[0].iov_base = (void *)data;
	v[0].iov_len = len / 3;
	v[1].iov_base = (char *)data + len / 3;
	v[1].iov_len = len - len / 3;
	return v;
}

CALL(read, say_read(r, read(FD(0), buffer, room(A(1)))))
CALL(pread, say_read(r, pread(FD(0), buffer, room(A(1)), A(2))))
CALL(preadv2, say_read(r, preadv2(FD(0), vec(buffer, room(A(1))), 2, A(2),
				  A(3) & 8 ? 0 : A(3) & 0x800)))
CALL(write, write(FD(0), bytes(s), room(A(1))))
CALL(pwrite, pwrite(FD(0), bytes(s), room(A(1)), A(2)))
CALL(pwritev2, pwritev2(FD(0), vec(bytes(s), room(A(1))), 2, A(2),
			A(3) == 8 ? 0 : A(3)))
CALL(truncate, truncate(P0, A(0)))
CALL(ftruncate, ftruncate(FD(0), A(1)))
CALL(fallocate, fallocate(FD(0), A(1), A(2), A(3)))
CALL(posix_fallocate, -((errno = posix_fallocate(FD(0), A(1), A(2))) != 0))
CALL(fsync, A(1) ? fsync(FD(0)) : fdatasync(FD(0)))
CALL(syncfs, syncfs(FD(0)))
CALL(advise, posix_fadvise(FD(0), A(1), A(2), POSIX_FADV_DONTNEED))
/* That a file is append-only, and not to be opened otherwise, the guest ignores. */
CALL(set_status, ({
	long flags = 0;

	ioctl(FD(0), FS_IOC_GETFLAGS, &flags);
	flags & FS_APPEND_FL ? 0 : fcntl(FD(0), F_SETFL, A(1));
}))
CALL(get_status, fcntl(FD(0), F_GETFL) & (O_ACCMODE | O_APPEND | O_NOATIME))
CALL(lock, flock(FD(0), (A(1) ? A(1) == 1 ? LOCK_SH : LOCK_EX : LOCK_UN) |
		 LOCK_NB))

/* Of a directory, only its beginning is a position that all know. */
static long call_lseek(struct world *w, const struct step *s, struct result *r)
{
	struct stat st;

	(void)r;
	if (!fstat(FD(0), &st) && S_ISDIR(st.st_mode))
		return lseek(FD(0), 0, SEEK_SET);
	/* Where a hole begins may depend on what has been written back. */
	if (A(2) == SEEK_DATA || A(2) == SEEK_HOLE)
		fsync(FD(0));
	return lseek(FD(0), A(1), A(2));
}

static long call_copy(struct world *w, const struct step *s, struct result *r)
{
	loff_t from = A(2), to = A(3);

	(void)r;
	return copy_file_range(FD(0), &from, FD(1), &to, room(A(4)), 0);
}

CALL(sendfile, ({
	off_t from = A(2);

	sendfile(FD(1), FD(0), &from, room(A(3)));
}))

static long call_fcntl_lock(struct world *w, const struct step *s,
			    struct result *r)
{
	struct flock lock = {
		.l_type = A(1) ? A(1) == 1 ? F_RDLCK : F_WRLCK : F_UNLCK,
		.l_start = A(2), .l_len = A(3),
	};

	(void)r;
	return fcntl(FD(0), F_SETLK, &lock);
}

static sigjmp_buf no_page;

static void on_bus(int sig)
{
	siglongjmp(no_page, sig);
}

static long mapped(int fd, const struct step *s, struct result *r, int prot,
		   int flags)
{
	size_t len = room(A(1)) ?: 1, off = A(2) & 0x3f000;
	volatile char *map;
	unsigned int i;

	map = mmap(NULL, len, prot, flags, fd, off);
	if (map == MAP_FAILED)
		return -1;
	signal(SIGBUS, on_bus);
	if (sigsetjmp(no_page, 1)) {
		say(r, "no page ");
	} else {
		for (i = 0; i < len; i += 1000)
			if (prot & PROT_WRITE)
				map[i] = A(2) + i;
		for (i = 0; i < len; i += 100)
			buffer[i / 100] = map[i];
		say_data(r, buffer, (len + 99) / 100);
	}
	signal(SIGBUS, SIG_DFL);
	return munmap((void *)map, len);
}

CALL(map_read, mapped(FD(0), s, r, PROT_READ, MAP_SHARED))
CALL(map_write, mapped(FD(0), s, r, PROT_READ | PROT_WRITE, MAP_SHARED))
CALL(map_private, mapped(FD(0), s, r, PROT_READ | PROT_WRITE, MAP_PRIVATE))

/* --- directories ------------------------------------------------------------------------ */

static int entry_order(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static long call_list(struct world *w, const struct step *s, struct result *r)
{
	struct dirent **entries;
	int i, n = scandir(P0, &entries, NULL, entry_order);

	(void)w;
	for (i = 0; i < n; i++) {
		say(r, "%.20s %d ", entries[i]->d_name, entries[i]->d_type);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return n;
}

/* How many entries are left; their order is the file system's. */
static long call_getdents(struct world *w, const struct step *s,
			  struct result *r)
{
	long n, total = 0;

	(void)r;
	if (A(1) & 1)
		lseek(FD(0), 0, SEEK_SET);
	while ((n = syscall(SYS_getdents64, FD(0), buffer, 4096)) > 0) {
		struct dirent64 *entry;
		long pos;

		for (pos = 0; pos < n; pos += entry->d_reclen, total++)
			entry = (struct dirent64 *)(buffer + pos);
	}
	return n < 0 ? n : total;
}

/* --- extended attributes ------------------------------------------------------------------- */

static const char *attr_name(int64_t arg)
{
	static const char * const names[] = {
		"user.a", "user.b", "user.c", "user.a", "user.b", "user.long",
		"trusted.a", "trusted.b", "user.", "user", "", "none.a",
		"system.none", "trusted.", "user.a", "user.b",
	};
	static char name[300];

	if (arg < 60)
		return names[arg % 16];
	/* As long as may be, and longer. */
	memset(name, 'n', sizeof(name));
	memcpy(name, "user.", 5);
	name[arg == 60 ? 256 : 255] = '\0';
	return name;
}

CALL(setxattr, setxattr(P0, attr_name(A(0)), bytes(s), A(1), A(2)))
CALL(lsetxattr, lsetxattr(P0, attr_name(A(0)), bytes(s), A(1), A(2)))
CALL(fsetxattr, fsetxattr(FD(0), attr_name(A(1)), bytes(s), A(2), A(3)))
CALL(getxattr, say_read(r, getxattr(P0, attr_name(A(0)), buffer,
				    room(A(1)))) > 0)
CALL(lgetxattr, say_read(r, lgetxattr(P0, attr_name(A(0)), buffer, BUFFER)))
CALL(fgetxattr, say_read(r, fgetxattr(FD(0), attr_name(A(1)), buffer, BUFFER)))
CALL(removexattr, removexattr(P0, attr_name(A(0))))
CALL(lremovexattr, lremovexattr(P0, attr_name(A(0))))

/* A guest's kernel shows names of "trusted" to those too who may not read them. */
static long say_list(const struct step *s, struct result *r, ssize_t n)
{
	char *attrs[MAX_ATTRS];
	size_t i, nr, len = 0;

	if (n < 0)
		return n;
	nr = attrs_in(buffer, n, attrs);
	for (i = 0; i < nr; i++) {
		if (s->user && !strncmp(attrs[i], "trusted.", 8))
			continue;
		say(r, "%.20s ", attrs[i]);
		len += strlen(attrs[i]) + 1;
	}
	return len;
}

CALL(listxattr, say_list(s, r, listxattr(P0, buffer, room(A(0)) ?: BUFFER)))
CALL(llistxattr, say_list(s, r, llistxattr(P0, buffer, BUFFER)))

/* --- ACLs ------------------------------------------------------------------------------------ */

struct acl_entry {
	uint16_t tag, perm;
	uint32_t id;
};

struct acl {
	uint32_t version;
	struct acl_entry entry[7];
};

enum { USER_OBJ = 1, USER = 2, GROUP_OBJ = 4, GROUP = 8, MASK = 16, OTHER = 32 };

/* An ACL made of the bits of a number, sometimes not a valid one. */
static size_t acl_fill(struct acl *acl, uint64_t bits)
{
	static const uint16_t tags[] = {
		USER_OBJ, USER, USER, GROUP_OBJ, GROUP, MASK, OTHER
	};
	unsigned int i, n = 0;

	acl->version = 2;
	for (i = 0; i < 7; i++) {
		struct acl_entry e = { .tag = tags[i], .id = -1 };

		e.perm = bits & 7;
		bits >>= 3;
		if (i == 1 || i == 2)
			e.id = 3000 + i + (bits & 1);
		else if (i == 4)
			e.id = bits & 1 ? 3100 : 3001;
		/* Leaves entries out, of those that must be there rarely. */
		if ((bits & (tags[i] & (USER | GROUP) ? 2 : 0x1e)) == 0)
			continue;
		acl->entry[n++] = e;
		bits >>= 2;
	}
	return 4 + n * sizeof(struct acl_entry);
}

static const char *acl_name(int64_t arg)
{
	return (uint64_t)arg >> 62 & 1 ? "system.posix_acl_default" :
		"system.posix_acl_access";
}

static long call_set_acl(struct world *w, const struct step *s,
			 struct result *r)
{
	struct acl acl;
	size_t size = acl_fill(&acl, A(0));

	(void)w;
	(void)r;
	return setxattr(P0, acl_name(A(0)), &acl, size, 0);
}

CALL(get_acl, say_read(r, getxattr(P0, acl_name(A(0)), buffer, BUFFER)))

/*
 * A file has no default ACL to be removed, which a guest says without asking the
 * host, who may have more against it.
 */
static long call_remove_acl(struct world *w, const struct step *s,
			    struct result *r)
{
	struct stat st;

	(void)w;
	(void)r;
	return removexattr(P0, stat(P0, &st) || S_ISDIR(st.st_mode) ?
			   acl_name(A(0)) : acl_name(0));
}

/* --------------------------------------------------------------------------------------------- */

#define PATHS(id, w, n, ...) \
	{ .name = #id, .weight = w, .paths = n, .args = { __VA_ARGS__ }, \
	  .run = call_##id }
#define FILES(id, w, n, ...) \
	{ .name = #id, .weight = w, .fds = n, .args = { __VA_ARGS__ }, \
	  .run = call_##id }
#define NEEDY(id, w, n, kind, ...) \
	{ .name = #id, .weight = w, .paths = n, .need = NEEDS_##kind, \
	  .args = { __VA_ARGS__ }, .run = call_##id }

const struct call calls[] = {
	PATHS(open, 14, 1, SLOT, OPEN_FLAGS, MODE),
	PATHS(create, 10, 1, SLOT, MODE),
	PATHS(tmpfile, 2, 1, SLOT, MODE),
	FILES(close, 4, 0, SLOT),
	PATHS(mkdir, 8, 1, MODE),
	PATHS(mknod, 4, 1, KIND, MODE, UID),
	{ .name = "symlink", .weight = 5, .paths = 2, .targets = true,
	  .run = call_symlink },
	NEEDY(link, 5, 2, LINKS),
	NEEDY(link_follow, 2, 2, LINKS),
	{ .name = "link_file", .weight = 3, .paths = 1, .fds = 1,
	  .need = NEEDS_LINKS, .args = { SLOT }, .run = call_link_file },
	PATHS(unlink, 6, 1),
	PATHS(rmdir, 4, 1),
	PATHS(rename, 7, 2),
	PATHS(renameat2, 7, 2, RENAME_FLAGS),
	PATHS(umask, 2, 0, MODE),
	PATHS(readlink, 3, 1, LENGTH),

	PATHS(chmod, 6, 1, MODE),
	FILES(fchmod, 3, 1, SLOT, MODE),
	PATHS(lchmod, 2, 1, MODE),
	PATHS(chown, 6, 1, UID, GID),
	PATHS(lchown, 3, 1, UID, GID),
	FILES(fchown, 3, 1, SLOT, UID, GID),
	PATHS(access, 4, 1, ACCESS_MODE),
	PATHS(eaccess, 4, 1, ACCESS_MODE, STAT_FLAGS),
	PATHS(utimensat, 6, 1, TIME, TIME, STAT_FLAGS),
	FILES(futimens, 3, 1, SLOT, TIME, TIME),
	PATHS(stat, 3, 1, STAT_FLAGS),
	PATHS(statx, 3, 1),
	PATHS(statfs, 1, 1),

	FILES(read, 4, 1, SLOT, LENGTH),
	FILES(pread, 5, 1, SLOT, LENGTH, OFFSET),
	FILES(preadv2, 2, 1, SLOT, LENGTH, OFFSET, RWF),
	FILES(write, 6, 1, SLOT, LENGTH),
	FILES(pwrite, 6, 1, SLOT, LENGTH, OFFSET),
	FILES(pwritev2, 3, 1, SLOT, LENGTH, OFFSET, RWF),
	FILES(lseek, 5, 1, SLOT, OFFSET, WHENCE),
	PATHS(truncate, 4, 1, OFFSET),
	FILES(ftruncate, 4, 1, SLOT, OFFSET),
	FILES(fallocate, 6, 1, SLOT, FALLOC_MODE, OFFSET, LENGTH),
	FILES(posix_fallocate, 2, 1, SLOT, OFFSET, LENGTH),
	FILES(fsync, 1, 1, SLOT, LOCK),
	FILES(syncfs, 1, 1, SLOT),
	FILES(advise, 2, 1, SLOT, OFFSET, LENGTH),
	FILES(set_status, 2, 1, SLOT, STATUS_FLAGS),
	FILES(get_status, 1, 1, SLOT),
	FILES(lock, 2, 1, SLOT, LOCK),
	FILES(fcntl_lock, 2, 1, SLOT, LOCK, OFFSET, LENGTH),
	FILES(copy, 5, 2, SLOT, SLOT, OFFSET, OFFSET, LENGTH),
	FILES(sendfile, 2, 2, SLOT, SLOT, OFFSET, LENGTH),
	FILES(map_read, 2, 1, SLOT, LENGTH, OFFSET),
	FILES(map_write, 3, 1, SLOT, LENGTH, OFFSET),
	FILES(map_private, 1, 1, SLOT, LENGTH, OFFSET),

	PATHS(list, 4, 1),
	FILES(getdents, 3, 1, SLOT, LOCK),

	{ .name = "getflags", .weight = 2, .fds = 1, .need = NEEDS_INODE_FLAGS,
	  .args = { SLOT }, .run = call_getflags },
	{ .name = "setflags", .weight = 3, .fds = 1, .need = NEEDS_INODE_FLAGS,
	  .args = { SLOT, INODE_FLAGS }, .run = call_setflags },

	NEEDY(setxattr, 6, 1, XATTR, ATTR_NAME, ATTR_SIZE, ATTR_FLAGS),
	NEEDY(lsetxattr, 3, 1, XATTR, ATTR_NAME, ATTR_SIZE, ATTR_FLAGS),
	{ .name = "fsetxattr", .weight = 3, .fds = 1, .need = NEEDS_XATTR,
	  .args = { SLOT, ATTR_NAME, ATTR_SIZE, ATTR_FLAGS },
	  .run = call_fsetxattr },
	NEEDY(getxattr, 4, 1, XATTR, ATTR_NAME, ATTR_SIZE),
	NEEDY(lgetxattr, 2, 1, XATTR, ATTR_NAME),
	{ .name = "fgetxattr", .weight = 2, .fds = 1, .need = NEEDS_XATTR,
	  .args = { SLOT, ATTR_NAME }, .run = call_fgetxattr },
	NEEDY(removexattr, 3, 1, XATTR, ATTR_NAME),
	NEEDY(lremovexattr, 2, 1, XATTR, ATTR_NAME),
	NEEDY(listxattr, 3, 1, XATTR, ATTR_SIZE),
	NEEDY(llistxattr, 2, 1, XATTR),
	NEEDY(set_acl, 10, 1, ACL, ACL),
	NEEDY(get_acl, 3, 1, ACL, ACL),
	NEEDY(remove_acl, 2, 1, ACL, ACL),
};

const size_t nr_calls = sizeof(calls) / sizeof(*calls);
