/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of the differential test share.
 *
 * A step is one call with its arguments, drawn by chance; a world is a directory
 * in which steps are made, and what a program has there: open files. The same
 * steps in two worlds must give the same results, which are lines of text.
 */
#ifndef VHOST_FS_DIFFERENTIAL_H
#define VHOST_FS_DIFFERENTIAL_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#define NR_SLOTS	6	/* open files of a world */
#define NR_ARGS		6
#define NR_PATHS	2
#define NR_USERS	4
#define MAX_ATTRS	64	/* extended attributes of a file */

struct step;
struct world;
struct result;

/* Where an argument comes from. */
enum draw {
	NOTHING, SLOT, OPEN_FLAGS, MODE, UID, GID, OFFSET, LENGTH, WHENCE,
	STAT_FLAGS, FALLOC_MODE, TIME, RENAME_FLAGS, ACCESS_MODE, KIND,
	ATTR_NAME, ATTR_FLAGS, ATTR_SIZE, ACL, INODE_FLAGS, RWF, STATUS_FLAGS,
	LOCK,
	NR_DRAWS
};

/* What a call needs besides what every share has. */
enum need {
	NEEDS_NOTHING, NEEDS_LINKS, NEEDS_XATTR, NEEDS_ACL, NEEDS_INODE_FLAGS,
	NR_NEEDS
};

/**
 * struct call - a system call, or a way to use one
 * @name: its name
 * @weight: how often it is drawn
 * @paths: how many names it takes
 * @targets: the second is what a symbolic link says
 * @fds: whether arguments begin with that many open files
 * @need: what it needs
 * @args: its arguments
 * @run: makes the call; returns what it returned
 */
struct call {
	const char *name;
	int weight;
	int paths;
	bool targets;
	int fds;
	enum need need;
	enum draw args[NR_ARGS];
	long (*run)(struct world *w, const struct step *s, struct result *r);
};

extern const struct call calls[];
extern const size_t nr_calls;

struct step {
	const struct call *call;
	int user;
	char path[NR_PATHS][PATH_MAX];
	int64_t arg[NR_ARGS];
	bool look;	/* at the files of the step afterwards */
	bool times;	/* and which of their times it changed */
};

struct world {
	const char *name;
	char top[PATH_MAX];	/* what is compared in the end */
	int root;		/* where steps are made, further down */
	int slot[NR_SLOTS];
	mode_t umask;
	bool no_atime;		/* nobody says when a file was read */
	struct timespec start;	/* of the step */
};

struct result {
	size_t len;
	char text[65536];
};

/* Appends a line, or part of one. */
void say(struct result *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Appends what stands for so many bytes of data. */
void say_data(struct result *r, const void *data, size_t len);

/* Random numbers: the same seed gives the same ones. */
struct chance {
	uint64_t state;
};

uint64_t draw(struct chance *c);
uint64_t below(struct chance *c, uint64_t limit);

/* Draws a step; @have says which needs are met. */
void step_draw(struct chance *c, struct step *s, const bool have[NR_NEEDS]);
/* Says it as a person would write it down. */
void step_say(const struct step *s, struct result *r);
/* Makes it. */
void step_run(struct world *w, const struct step *s, struct result *r);

mode_t plain_mode(mode_t mode);
void become(int user);

/* Everything below @top, with contents, as root sees it. */
void tree_say(const char *top, struct result *r, bool inodes);
/*
 * The names in a list of extended attributes, sorted, since each file keeps an
 * order of its own; without labels, which are the host's alone. Returns how many.
 */
size_t attrs_in(char *list, ssize_t len, char *attrs[MAX_ATTRS]);
/* Removes everything in a directory, whatever stands in the way. */
void tree_remove(int dir);

#endif /* VHOST_FS_DIFFERENTIAL_H */
