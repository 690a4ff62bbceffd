// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random calls, made alike on a directory of the host and on one of the same
 * file system seen through a mount, must have the same results:
 *
 *	differential [OPTION]... HOST-DIR MOUNT
 *
 *	--seed N	begin with sequence N (1)
 *	--sequences N	how many (40)
 *	--steps N	of each (250)
 *	--xattr, --acl, --flags
 *			the share has extended attributes, ACLs, CAP_LINUX_IMMUTABLE
 *	--no-links	files have one name each
 *	--btrfs		leave out what btrfs alone does
 *	--apart		the directories are not two faces of one share
 *	--read-only DIR	both are faces of DIR that can't be written to: steps made in
 *			DIR leave what the steps that are compared find
 *	--trace		say each step and what it gave
 *
 * HOST-DIR and MOUNT are the two faces of one share, or, with --apart, what should
 * behave alike. A sequence is the same each time for a given number, on every file
 * system; where it first differs it is given up and said. Root makes the steps as
 * several users. Prints TAP; exit status 0 if nothing differed, 1 if something did,
 * 2 for a wrong argument.
 */
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "differential.h"

/* Steps before the one that differs that are shown. */
#define SHOWN	12

/* Symbolic links to ".." shall not lead out of a world. */
#define DEPTH	8

static struct {
	uint64_t seed, sequences, steps;
	bool have[NR_NEEDS];
	bool apart, btrfs, trace;
	bool guest_knows;	/* that it can't write */
	const char *host, *mount, *writable;
} option = {
	.seed = 1, .sequences = 40, .steps = 250,
	.have = { [NEEDS_NOTHING] = true, [NEEDS_LINKS] = true },
};

/* Where @as, made in some directory, is seen in @dir; it is made there if @fresh. */
static void world_enter(struct world *w, const char *name, const char *dir,
			const char *as, bool fresh)
{
	char path[PATH_MAX];
	int i, len;

	w->name = name;
	umask(0);
	len = snprintf(w->top, sizeof(w->top), "%s/%s", dir, as);
	if (len >= sizeof(w->top) - 2 * DEPTH - 2 || (fresh && mkdir(w->top, 0777)))
		err(1, "can't make %s", w->top);
	strcpy(path, w->top);
	for (i = 0; i < DEPTH; i++) {
		strcat(path, "/w");
		if (fresh && mkdir(path, 0777))
			err(1, "can't make %s", path);
	}
	w->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (w->root < 0)
		err(1, "can't open %s", path);
	for (i = 0; i < NR_SLOTS; i++)
		w->slot[i] = -1;
	w->umask = 022;
	/* An overlay isn't told of what is read from the cache of a guest's files. */
	w->no_atime = option.apart;
}

static void world_open(struct world *w, const char *name, const char *dir,
		       const char *as, uint64_t seed)
{
	mode_t mode = (mode_t []){ 0777, 01777, 02777, 0755 }[seed % 4];

	world_enter(w, name, dir, as, true);
	/* A group to inherit. */
	if (fchown(w->root, 0, 3100) || fchmod(w->root, mode))
		err(1, "can't prepare %s", w->top);
}

static void world_leave(struct world *w)
{
	int i;

	become(0);
	if (chdir("/"))
		err(1, "/");
	for (i = 0; i < NR_SLOTS; i++)
		if (w->slot[i] >= 0)
			close(w->slot[i]);
	close(w->root);
}

static void world_close(struct world *w)
{
	int fd;

	world_leave(w);
	fd = open(w->top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		err(1, "%s", w->top);
	tree_remove(fd);
	close(fd);
	if (rmdir(w->top))
		err(1, "can't remove %s", w->top);
}

static void comment(const char *prefix, const char *text)
{
	const char *end;

	for (; *text; text = *end ? end + 1 : end) {
		end = strchrnul(text, '\n');
		printf("# %s%.*s\n", prefix, (int)(end - text), text);
	}
}

static void step_print(const struct step *s)
{
	static struct result text;

	text.len = 0;
	step_say(s, &text);
	comment("", text.text);
}

/* The lines in which two texts differ. */
static void print_difference(const char *a, const char *b, const char *as,
			     const char *bs)
{
	while (*a || *b) {
		size_t m = strcspn(a, "\n"), n = strcspn(b, "\n");

		if (m != n || memcmp(a, b, n)) {
			printf("#   %-6s %.*s\n", as, (int)m, a);
			printf("#   %-6s %.*s\n", bs, (int)n, b);
		}
		a += m + (a[m] == '\n');
		b += n + (b[n] == '\n');
	}
}

static void print_history(uint64_t seed, uint64_t last)
{
	static struct step s;
	struct chance c = { seed };
	uint64_t i;

	for (i = 0; i <= last; i++) {
		step_draw(&c, &s, option.have);
		if (i + SHOWN > last)
			step_print(&s);
	}
}

/* Whole trees: the host's, the mount's, and what the host has of the latter. */
static bool trees_agree(struct world *host, struct world *mount,
			const char *behind)
{
	static struct result a, b, c, d;
	bool same;

	a.len = b.len = c.len = d.len = 0;
	a.text[0] = b.text[0] = c.text[0] = d.text[0] = '\0';
	tree_say(host->top, &a, false);
	tree_say(mount->top, &b, false);
	if (!option.apart) {
		tree_say(mount->top, &c, true);
		sync();
		tree_say(behind, &d, true);
	}
	same = !strcmp(a.text, b.text) && !strcmp(c.text, d.text);
	if (!same) {
		printf("# the trees differ:\n");
		print_difference(a.text, b.text, "host", "mount");
		print_difference(c.text, d.text, "mount", "behind");
	}
	return same;
}

/*
 * A guest that doesn't know that it can't write looks for names and rights before
 * it asks for a change, and asks nobody whether it may write, nor where there is
 * nothing to change, as when a file is renamed to a name that it has.
 */
static bool finds_out_first(const struct step *s, const char *said)
{
	static const int errors[] = {
		ENOENT, ENOTDIR, EISDIR, EEXIST, ENOTEMPTY, EPERM, EACCES, EBUSY,
		EINVAL, EXDEV, ENOTSUP, ENODATA, ENXIO, EFBIG, ETXTBSY, EMLINK,
		ENAMETOOLONG, ELOOP,
	};
	size_t i, len = strcspn(said, "\n");
	const char *error;

	if (!strncmp(said, "= 0\n", 4))
		return strstr(s->call->name, "access") || !strncmp(s->call->name, "rename", 6);
	for (i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		error = strerror(errors[i]);
		if (len == strlen(error) + 2 && !strncmp(said + 2, error, len - 2))
			return true;
	}
	return false;
}

/*
 * Of an append-only or immutable file the guest's driver knows nothing, and says
 * first what else is wrong. What the file is after that must be the same.
 */
static bool errors_agree(const struct step *s, const struct result *host,
			 const struct result *mount)
{
	const char *rest = strchr(host->text, '\n'), *other = strchr(mount->text, '\n');

	if (option.writable && !option.guest_knows && rest && other &&
	    !strncmp(host->text, "= Read-only file system\n", rest + 1 - host->text) &&
	    !strcmp(rest, other))
		return finds_out_first(s, mount->text);
	return option.have[NEEDS_INODE_FLAGS] && rest && other &&
	       !strncmp(host->text, "= Operation not permitted\n", rest + 1 - host->text) &&
	       !strncmp(mount->text, "= ", 2) && isalpha(mount->text[2]) &&
	       !strcmp(rest, other);
}

/*
 * It leaves the set-ID bits of a file that has a hole already where one is punched,
 * which a guest's driver takes first; and says that a file is modified when a fault
 * behind its end is refused.
 */
static bool is_btrfs_own(const struct world *host, const struct step *s)
{
	struct stat st;

	if (!strcmp(s->call->name, "fallocate"))
		return s->arg[1] & FALLOC_FL_PUNCH_HOLE;
	return !strcmp(s->call->name, "map_write") &&
	       !fstat(host->slot[s->arg[0]], &st) &&
	       (uint64_t)s->arg[1] + s->arg[2] > st.st_size;
}

static bool step_agrees(struct world *host, struct world *mount,
			const struct step *s)
{
	static struct result a, b;

	if (option.btrfs && is_btrfs_own(host, s))
		return true;
	/* What was reserved is data once read, and a guest reads ahead on its own. */
	if (option.apart && !strcmp(s->call->name, "lseek") &&
	    (s->arg[2] == SEEK_DATA || s->arg[2] == SEEK_HOLE))
		return true;
	a.len = b.len = 0;
	step_run(host, s, &a);
	step_run(mount, s, &b);
	if (option.trace) {
		step_print(s);
		comment("  ", a.text);
	}
	if (!strcmp(a.text, b.text) || errors_agree(s, &a, &b))
		return true;
	print_difference(a.text, b.text, "host", "mount");
	return false;
}

static bool run_sequence(uint64_t seed)
{
	static struct world host, mount;
	static struct step s;
	struct chance c = { seed };
	char behind[PATH_MAX];
	uint64_t i;
	bool same = true;

	snprintf(behind, sizeof(behind), "%s/differential-mount", option.host);
	world_open(&host, "host", option.host, "differential-host", seed);
	world_open(&mount, "mount", option.mount, "differential-mount", seed);
	for (i = 0; i < option.steps && same; i++) {
		step_draw(&c, &s, option.have);
		same = step_agrees(&host, &mount, &s);
	}
	if (!same) {
		printf("# sequence %llu, step %llu; before and including it:\n",
		       (unsigned long long)seed, (unsigned long long)i);
		print_history(seed, i - 1);
	} else {
		same = trees_agree(&host, &mount, behind);
		if (!same)
			printf("# sequence %llu\n", (unsigned long long)seed);
	}
	world_close(&host);
	world_close(&mount);
	return same;
}

/* The tree is made and taken away where it can be; in between nothing changes it. */
static bool run_read_only(uint64_t seed)
{
	static struct world maker, host, mount;
	static struct result before, after;
	static struct step s;
	struct chance c = { seed };
	bool same = true;
	char as[64];
	uint64_t i;

	/* Of what went before, under the same name, a guest may remember something. */
	snprintf(as, sizeof(as), "differential-%llu", (unsigned long long)seed);
	world_open(&maker, "maker", option.writable, as, seed);
	for (i = 0; i < option.steps; i++) {
		after.len = 0;
		step_draw(&c, &s, option.have);
		step_run(&maker, &s, &after);
	}
	world_enter(&host, "host", option.host, as, false);
	world_enter(&mount, "mount", option.mount, as, false);
	before.len = 0;
	after.len = 0;
	tree_say(maker.top, &before, true);
	for (i = 0; i < option.steps && same; i++) {
		step_draw(&c, &s, option.have);
		same = step_agrees(&host, &mount, &s);
	}
	tree_say(maker.top, &after, true);
	if (!same) {
		printf("# sequence %llu, step %llu; before and including it:\n",
		       (unsigned long long)seed, (unsigned long long)i);
		print_history(seed, option.steps + i - 1);
	} else if (strcmp(before.text, after.text)) {
		printf("# sequence %llu changed the tree:\n", (unsigned long long)seed);
		print_difference(before.text, after.text, "before", "after");
		same = false;
	}
	world_leave(&host);
	world_leave(&mount);
	world_close(&maker);
	return same;
}

static uint64_t number(const char *text)
{
	char *end;
	uint64_t n = strtoull(text, &end, 10);

	if (!*text || *end || *text == '-')
		errx(2, "'%s' is no number", text);
	return n;
}

static void options(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "sequences", required_argument, NULL, 'n' },
		{ "steps", required_argument, NULL, 'm' },
		{ "xattr", no_argument, NULL, 'x' },
		{ "acl", no_argument, NULL, 'a' },
		{ "flags", no_argument, NULL, 'f' },
		{ "no-links", no_argument, NULL, 'l' },
		{ "btrfs", no_argument, NULL, 'b' },
		{ "apart", no_argument, NULL, 'p' },
		{ "read-only", required_argument, NULL, 'r' },
		{ "trace", no_argument, NULL, 't' },
		{ }
	};
	struct statvfs st;
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 's':
			option.seed = number(optarg);
			break;
		case 'n':
			option.sequences = number(optarg);
			break;
		case 'm':
			option.steps = number(optarg);
			break;
		case 'x':
			option.have[NEEDS_XATTR] = true;
			break;
		case 'a':
			option.have[NEEDS_ACL] = true;
			break;
		case 'f':
			option.have[NEEDS_INODE_FLAGS] = true;
			break;
		case 'l':
			option.have[NEEDS_LINKS] = false;
			break;
		case 'b':
			option.btrfs = true;
			break;
		case 'p':
			option.apart = true;
			break;
		case 'r':
			option.writable = optarg;
			break;
		case 't':
			option.trace = true;
			break;
		default:
			exit(2);
		}
	}
	if (argc - optind != 2)
		errx(2, "two directories are wanted; usage: differential [OPTION]... HOST-DIR MOUNT");
	option.host = argv[optind];
	option.mount = argv[optind + 1];
	if (*option.host != '/' || *option.mount != '/')
		errx(2, "directories must be absolute");
	if (option.writable)
		option.guest_knows = !statvfs(option.mount, &st) && st.f_flag & ST_RDONLY;
}

int main(int argc, char **argv)
{
	uint64_t i, differ = 0;

	options(argc, argv);
	setlinebuf(stdout);
	for (i = 0; i < option.sequences; i++)
		differ += !(option.writable ? run_read_only : run_sequence)(option.seed + i);
	printf("# %llu of %llu sequences of %llu steps differ\n",
	       (unsigned long long)differ, (unsigned long long)i,
	       (unsigned long long)option.steps);
	printf("%sok 1 - differential\n1..1\n", differ ? "not " : "");
	return differ ? 1 : 0;
}
