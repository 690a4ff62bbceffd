// SPDX-License-Identifier: GPL-2.0-only
/*
 * Steps: how their arguments are drawn, and how they are made and looked at.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "differential.h"

#define CLUB	3100

static const struct {
	const char *name;
	uid_t uid;
	gid_t gid, more;
} users[NR_USERS] = {
	{ "root", 0, 0, 0 },
	{ "alice", 3001, 3001, CLUB },
	{ "bob", 3002, 3002, 0 },
	{ "carol", 3003, CLUB, 3002 },
};

uint64_t draw(struct chance *c)
{
	uint64_t z = c->state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

uint64_t below(struct chance *c, uint64_t limit)
{
	return draw(c) % limit;
}

static bool one_in(struct chance *c, unsigned int n)
{
	return !below(c, n);
}

void say(struct result *r, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(r->text + r->len, sizeof(r->text) - r->len, fmt, args);
	va_end(args);
	r->len += n;
	if (r->len >= sizeof(r->text))
		r->len = sizeof(r->text) - 1;
}

void say_data(struct result *r, const void *data, size_t len)
{
	const unsigned char *p = data;
	uint64_t hash = 14695981039346656037u;
	size_t i;

	for (i = 0; i < len; i++)
		hash = (hash ^ p[i]) * 1099511628211u;
	say(r, " %zu:%016llx", len, (unsigned long long)hash);
}

void become(int user)
{
	gid_t more = users[user].more;

	if (setresuid(0, 0, 0) || setgroups(more ? 1 : 0, &more) ||
	    setresgid(users[user].gid, users[user].gid, 0) ||
	    (users[user].uid &&
	     setresuid(users[user].uid, users[user].uid, 0)))
		err(1, "can't become %s", users[user].name);
}

/* --- drawing ---------------------------------------------------------------- */

#define CHOOSE(c, ...) ({ \
	static const int64_t __values[] = { __VA_ARGS__ }; \
	__values[below(c, sizeof(__values) / sizeof(*__values))]; \
})

static int64_t draw_open_flags(struct chance *c)
{
	static const int more[] = {
		O_CREAT, O_CREAT, O_CREAT, O_EXCL, O_TRUNC, O_TRUNC, O_APPEND,
		O_NOFOLLOW, O_DIRECTORY, O_PATH, O_NOATIME, O_NONBLOCK, O_SYNC,
		O_DSYNC, O_TMPFILE,
	};
	int64_t flags = CHOOSE(c, O_RDONLY, O_WRONLY, O_RDWR, O_RDWR, O_RDWR);
	unsigned int i, n = below(c, 4);

	if (one_in(c, 60))
		flags = O_ACCMODE;
	for (i = 0; i < n; i++)
		flags |= more[below(c, sizeof(more) / sizeof(*more))];
	return flags | O_NONBLOCK;
}

static int64_t draw_mode(struct chance *c)
{
	int64_t mode = CHOOSE(c, 0777, 0755, 0644, 0666, 0600, 0000, 0444, 0222,
			      0770, 0707, 0070, 0007);

	if (one_in(c, 4))
		mode |= CHOOSE(c, S_ISUID, S_ISGID, S_ISVTX, S_ISUID | S_ISGID,
			       S_ISGID | S_ISVTX, 07000);
	return one_in(c, 8) ? (int64_t)below(c, 010000) : mode;
}

static int64_t draw_time(struct chance *c)
{
	return CHOOSE(c, 0, UTIME_NOW, UTIME_OMIT, 1, 1000000000, 1700000000,
		      4000000000, -5, -5000000000);
}

static int64_t draw_offset(struct chance *c)
{
	if (one_in(c, 30))
		return CHOOSE(c, -1, 1ll << 40, (1ll << 40) + 5, LLONG_MIN);
	return one_in(c, 2) ? (int64_t)below(c, 20000) :
		CHOOSE(c, 0, 1, 4095, 4096, 4097, 8192, 12288, 65536, 131072);
}

static int64_t draw_length(struct chance *c)
{
	if (one_in(c, 40))
		return CHOOSE(c, -1, LLONG_MAX, 0);
	return one_in(c, 2) ? (int64_t)below(c, 9000) :
		CHOOSE(c, 0, 1, 10, 4095, 4096, 4097, 8192, 16384, 60000);
}

static int64_t draw_arg(struct chance *c, enum draw kind)
{
	switch (kind) {
	case SLOT:
		return below(c, NR_SLOTS);
	case OPEN_FLAGS:
		return draw_open_flags(c);
	case MODE:
		return draw_mode(c);
	case UID:
		return CHOOSE(c, -1, 0, 3001, 3002, 3003, 3001);
	case GID:
		return CHOOSE(c, -1, 0, 3001, 3002, CLUB, CLUB);
	case OFFSET:
		return draw_offset(c);
	case LENGTH:
		return draw_length(c);
	case WHENCE:
		return CHOOSE(c, SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA,
			      SEEK_HOLE, SEEK_DATA, SEEK_HOLE, 7);
	case STAT_FLAGS:
		return CHOOSE(c, 0, AT_SYMLINK_NOFOLLOW, 0x800000);
	case FALLOC_MODE:
		return CHOOSE(c, 0, 0, FALLOC_FL_KEEP_SIZE,
			      FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			      FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			      FALLOC_FL_ZERO_RANGE,
			      FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
			      FALLOC_FL_PUNCH_HOLE, 0x4000);
	case TIME:
		return draw_time(c);
	case RENAME_FLAGS:
		return CHOOSE(c, 0, RENAME_NOREPLACE, RENAME_EXCHANGE,
			      RENAME_EXCHANGE, RENAME_WHITEOUT,
			      RENAME_EXCHANGE | RENAME_NOREPLACE,
			      RENAME_NOREPLACE | RENAME_WHITEOUT, 8);
	case ACCESS_MODE:
		return below(c, one_in(c, 20) ? 16 : 8);
	case KIND:
		return CHOOSE(c, S_IFREG, S_IFREG, 0, S_IFIFO, S_IFSOCK,
			      S_IFCHR, S_IFBLK, S_IFDIR, S_IFLNK);
	case ATTR_NAME:
		return below(c, 64);
	case ATTR_FLAGS:
		return CHOOSE(c, 0, 0, 0, 1, 2, 3, 4);
	case ATTR_SIZE:
		return CHOOSE(c, 0, 1, 5, 10, 100, 1000, 4000, 65536, 65537);
	case ACL:
		return draw(c) >> 1;
	case INODE_FLAGS:
		return CHOOSE(c, 0, FS_APPEND_FL, FS_IMMUTABLE_FL, FS_NODUMP_FL,
			      FS_NOATIME_FL, FS_APPEND_FL | FS_NODUMP_FL, 0, 0);
	case RWF:
		return CHOOSE(c, 0, 0, 0x10, 0x10, 0x8, 0x2, 0x4, 0x800);
	case STATUS_FLAGS:
		return CHOOSE(c, 0, O_APPEND, O_NOATIME, O_APPEND | O_NONBLOCK);
	case LOCK:
		return below(c, 3);
	default:
		return 0;
	}
}

static void draw_component(struct chance *c, char *path)
{
	size_t len = strlen(path);

	if (one_in(c, 40)) {
		strcat(path, one_in(c, 2) ? ".." : ".");
	} else if (one_in(c, 150)) {
		memset(path + len, 'n', 256);
		path[len + (one_in(c, 2) ? 255 : 256)] = '\0';
	} else {
		path[len] = 'a' + below(c, one_in(c, 4) ? 6 : 3);
		path[len + 1] = '\0';
	}
}

static void draw_path(struct chance *c, char *path)
{
	unsigned int i, depth = 1 + below(c, 3);

	*path = '\0';
	if (one_in(c, 200))
		return;
	for (i = 0; i < depth; i++) {
		if (i)
			strcat(path, "/");
		draw_component(c, path);
	}
	if (one_in(c, 30))
		strcat(path, "/");
}

void step_draw(struct chance *c, struct step *s, const bool have[NR_NEEDS])
{
	int64_t total = 0, at;
	size_t i;

	for (i = 0; i < nr_calls; i++)
		if (have[calls[i].need])
			total += calls[i].weight;
	at = below(c, total);
	for (i = 0; i < nr_calls; i++) {
		if (!have[calls[i].need])
			continue;
		at -= calls[i].weight;
		if (at < 0)
			break;
	}
	s->call = &calls[i];
	s->user = one_in(c, 2) ? 0 : below(c, NR_USERS);
	for (i = 0; i < NR_PATHS; i++)
		draw_path(c, s->path[i]);
	for (i = 0; i < NR_ARGS; i++)
		s->arg[i] = draw_arg(c, s->call->args[i]);
	s->look = !one_in(c, 3);
	/* A guest's driver doesn't expect flags to change times. */
	s->times = s->look && one_in(c, 8) &&
		   s->call->need != NEEDS_INODE_FLAGS;
}

void step_say(const struct step *s, struct result *r)
{
	int i;

	say(r, "%s: %s(", users[s->user].name, s->call->name);
	for (i = 0; i < s->call->paths; i++)
		say(r, "%s\"%.30s\"", i ? ", " : "", s->path[i]);
	for (i = 0; i < NR_ARGS && s->call->args[i]; i++)
		say(r, s->call->args[i] == MODE || s->call->args[i] == KIND ||
		       s->call->args[i] == OPEN_FLAGS ? "%s0%llo" : "%s%lld",
		    i || s->call->paths ? ", " : "", (long long)s->arg[i]);
	say(r, ")");
}

/* --- making ------------------------------------------------------------------ */

static bool earlier(struct timespec a, struct timespec b)
{
	return a.tv_sec < b.tv_sec ||
	       (a.tv_sec == b.tv_sec && a.tv_nsec < b.tv_nsec);
}

/* Waits until the file systems' clock has moved on. */
static struct timespec next_tick(void)
{
	struct timespec start, now;

	clock_gettime(CLOCK_REALTIME_COARSE, &start);
	do {
		clock_gettime(CLOCK_REALTIME_COARSE, &now);
	} while (!earlier(start, now));
	return now;
}

/*
 * What a set-group-ID bit means that the group can't execute, and who may keep
 * it, a guest doesn't know if the host doesn't take care of it.
 */
mode_t plain_mode(mode_t mode)
{
	return S_ISREG(mode) && !(mode & S_IXGRP) ? mode & ~S_ISGID : mode;
}

static void look_at(struct world *w, const struct step *s, struct result *r,
		    const char *what, const struct stat *st)
{
	say(r, "%s: %o %u %u:%u", what, plain_mode(st->st_mode), (unsigned int)st->st_nlink,
	    st->st_uid, st->st_gid);
	if (!S_ISDIR(st->st_mode))
		say(r, " size %lld", (long long)st->st_size);
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
		say(r, " dev %u:%u", major(st->st_rdev), minor(st->st_rdev));
	if (s->times)
		say(r, "%s%s", earlier(st->st_mtim, w->start) ? "" : " modified",
		    earlier(st->st_ctim, w->start) ? "" : " changed");
	say(r, "\n");
}

static void parent_of(const char *path, char *parent)
{
	char *slash;

	strcpy(parent, path);
	while ((slash = strrchr(parent, '/')) && !slash[1])
		*slash = '\0';
	if (slash)
		*slash = '\0';
	else
		strcpy(parent, ".");
}

static void look_at_path(struct world *w, const struct step *s,
			 struct result *r, const char *path)
{
	struct stat st;

	if (fstatat(w->root, path, &st, AT_SYMLINK_NOFOLLOW))
		say(r, "%.30s: %s\n", path, strerror(errno));
	else
		look_at(w, s, r, path, &st);
}

static void look(struct world *w, const struct step *s, struct result *r)
{
	char parent[PATH_MAX];
	struct stat st;
	int i;

	for (i = 0; i < s->call->paths - s->call->targets; i++) {
		parent_of(s->path[i], parent);
		look_at_path(w, s, r, parent);
		look_at_path(w, s, r, s->path[i]);
	}
	for (i = 0; i < s->call->fds; i++)
		if (!fstat(w->slot[s->arg[i]], &st))
			look_at(w, s, r, "open file", &st);
}

void step_run(struct world *w, const struct step *s, struct result *r)
{
	long ret;

	if (fchdir(w->root))
		err(1, "%s", w->name);
	if (s->times)
		w->start = next_tick();
	umask(w->umask);
	become(s->user);
	errno = 0;
	ret = s->call->run(w, s, r);
	if (ret < 0)
		say(r, "= %s\n", strerror(errno));
	else
		say(r, "= %ld\n", ret);
	if (s->user)
		become(0);
	if (s->look)
		look(w, s, r);
}
