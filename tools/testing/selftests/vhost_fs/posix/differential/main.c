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
 *	--apart		the directories are not two faces of one share
 *	--trace		say each step and what it gave
 *
 * HOST-DIR and MOUNT are the two faces of one share, or, with --apart, what should
 * behave alike. A sequence is the same
 * each time for a given number, on every file system; where it first differs it
 * is given up and said. Root makes the steps as several users. Prints TAP; exit
 * status 0 if nothing differed, 1 if something did, 2 for a wrong argument.
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
#include <unistd.h>

#include "differential.h"

/* Steps before the one that differs that are shown. */
#define SHOWN	12

/* Symbolic links to ".." shall not lead out of a world. */
#define DEPTH	8

static struct {
	uint64_t seed, sequences, steps;
	bool have[NR_NEEDS];
	bool apart, trace;
	const char *host, *mount;
} option = {
	.seed = 1, .sequences = 40, .steps = 250,
	.have = { [NEEDS_NOTHING] = true, [NEEDS_LINKS] = true },
};

static void world_open(struct world *w, const char *name, const char *dir,
		       const char *as, uint64_t seed)
{
	mode_t mode = (mode_t []){ 0777, 01777, 02777, 0755 }[seed % 4];
	char path[PATH_MAX];
	int i, len;

	w->name = name;
	umask(0);
	len = snprintf(w->top, sizeof(w->top), "%s/%s", dir, as);
	if (len >= sizeof(w->top) - 2 * DEPTH - 2 || mkdir(w->top, 0777))
		err(1, "can't make %s", w->top);
	strcpy(path, w->top);
	for (i = 0; i < DEPTH; i++) {
		strcat(path, "/w");
		if (mkdir(path, 0777))
			err(1, "can't make %s", path);
	}
	w->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* A group to inherit. */
	if (w->root < 0 || fchown(w->root, 0, 3100) || fchmod(w->root, mode))
		err(1, "can't open %s", path);
	for (i = 0; i < NR_SLOTS; i++)
		w->slot[i] = -1;
	w->umask = 022;
}

static void world_close(struct world *w)
{
	int i, fd;

	become(0);
	if (chdir("/"))
		err(1, "/");
	for (i = 0; i < NR_SLOTS; i++)
		if (w->slot[i] >= 0)
			close(w->slot[i]);
	close(w->root);
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
 * Of an append-only or immutable file the guest's driver knows nothing, and says
 * first what else is wrong. What the file is after that must be the same.
 */
static bool errors_agree(const struct result *host, const struct result *mount)
{
	const char *rest = strchr(host->text, '\n'), *other = strchr(mount->text, '\n');

	return option.have[NEEDS_INODE_FLAGS] && rest && other &&
	       !strncmp(host->text, "= Operation not permitted\n", rest + 1 - host->text) &&
	       !strncmp(mount->text, "= ", 2) && isalpha(mount->text[2]) &&
	       !strcmp(rest, other);
}

static bool step_agrees(struct world *host, struct world *mount,
			const struct step *s)
{
	static struct result a, b;

	a.len = b.len = 0;
	step_run(host, s, &a);
	step_run(mount, s, &b);
	if (option.trace) {
		step_print(s);
		comment("  ", a.text);
	}
	if (!strcmp(a.text, b.text) || errors_agree(&a, &b))
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
		{ "apart", no_argument, NULL, 'p' },
		{ "trace", no_argument, NULL, 't' },
		{ }
	};
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
		case 'p':
			option.apart = true;
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
}

int main(int argc, char **argv)
{
	uint64_t i, differ = 0;

	options(argc, argv);
	setlinebuf(stdout);
	for (i = 0; i < option.sequences; i++)
		differ += !run_sequence(option.seed + i);
	printf("# %llu of %llu sequences of %llu steps differ\n",
	       (unsigned long long)differ, (unsigned long long)i,
	       (unsigned long long)option.steps);
	printf("%sok 1 - differential\n1..1\n", differ ? "not " : "");
	return differ ? 1 : 0;
}
