// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtiofsd's command line, as its version 1.14 takes it. Its parser's habits
 * are part of that: options aren't abbreviated, the last of several counts, a
 * value that is a word of its own doesn't begin with a hyphen.
 *
 * What is wrong with a word by itself is exit status 2; what turns out to be
 * wrong when the server starts is 1.
 */
#include "virtiofsd-options.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <syslog.h>

#include "args.h"
#include "msg.h"
#include "parse.h"

/* Longest tag, without a NUL. */
#define TAG_MAX 36

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/**
 * enum kind - how an option takes its value
 * @FLAG: it has none
 * @VALUE: the next word, or what follows "="
 * @EQUALS: only what follows "="
 * @MAYBE: what follows "=", or none
 */
enum kind {
	FLAG,
	VALUE,
	EQUALS,
	MAYBE,
};

/**
 * struct row - one option
 * @name: long name, or NULL
 * @letter: short name, or 0
 * @kind: see there
 * @value: what help calls the value
 * @help: one line
 * @take: notes it; @value is NULL if there is none. Returns NULL, or what is
 *	accepted
 * @bits: for @take
 */
struct row {
	const char *name;
	char letter;
	enum kind kind;
	const char *value;
	const char *help;
	const char *(*take)(struct virtiofsd_options *o, const struct row *row,
			    const char *value);
	unsigned int bits;
};

/* Like isalpha() and so on, a table looks a word up; -1 if it isn't there. */
static int find_word(const char *const *words, size_t nr, const char *word, bool fold)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (fold ? !strcasecmp(words[i], word) : !strcmp(words[i], word))
			return i;
	return -1;
}

static const char *take_share_flag(struct virtiofsd_options *o, const struct row *row,
				   const char *value)
{
	(void)value;
	o->share.share.flags |= row->bits;
	return NULL;
}

static const char *take_share_unflag(struct virtiofsd_options *o, const struct row *row,
				     const char *value)
{
	(void)value;
	o->share.share.flags &= ~row->bits;
	return NULL;
}

static const char *take_path(struct virtiofsd_options *o, const struct row *row,
			     const char *value)
{
	(void)row;
	o->share.path = value;
	return NULL;
}

static const char *take_socket(struct virtiofsd_options *o, const struct row *row,
			       const char *value)
{
	(void)row;
	o->socket = value;
	return NULL;
}

static const char *take_group(struct virtiofsd_options *o, const struct row *row,
			      const char *value)
{
	(void)row;
	o->group = value;
	return NULL;
}

/* A number in decimal, with no more than its digits. */
static bool number_of(const char *text, uint64_t *number)
{
	char *end;

	if (!isdigit((unsigned char)*text) && *text != '+')
		return false;
	errno = 0;
	*number = strtoull(text, &end, 10);
	return !errno && !*end && end > text;
}

static const char *take_fd(struct virtiofsd_options *o, const struct row *row, const char *value)
{
	uint64_t number;

	(void)row;
	if (!number_of(value + (*value == '-'), &number) ||
	    number > (uint64_t)INT32_MAX + (*value == '-'))
		return "accepted is the number of a descriptor";
	o->fd = *value == '-' ? (int)-(int64_t)number : (int)number;
	o->has_fd = true;
	return NULL;
}

static bool is_utf8(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;

	while (*c) {
		int more = *c < 0x80 ? 0 : *c >= 0xc2 && *c < 0xe0 ? 1 :
			   *c >= 0xe0 && *c < 0xf0 ? 2 : *c >= 0xf0 && *c < 0xf5 ? 3 : -1;

		if (more < 0)
			return false;
		for (c++; more; more--, c++)
			if ((*c & 0xc0) != 0x80)
				return false;
	}
	return true;
}

static const char *take_tag(struct virtiofsd_options *o, const struct row *row, const char *value)
{
	(void)row;
	if (!*value || strlen(value) > TAG_MAX || !is_utf8(value))
		return "accepted are 1 to 36 bytes of UTF-8";
	o->tag = value;
	return NULL;
}

static const char *const modes[] = { "never", "auto", "always" };

static const char *take_mode(enum virtiofsd_mode *mode, const char *value)
{
	int found = value ? find_word(modes, ARRAY_SIZE(modes), value, false) : VIRTIOFSD_ALWAYS;

	if (found < 0)
		return "accepted are never, auto and always";
	*mode = found;
	return NULL;
}

static const char *take_acl(struct virtiofsd_options *o, const struct row *row, const char *value)
{
	(void)row;
	return take_mode(&o->posix_acl, value);
}

static const char *take_label(struct virtiofsd_options *o, const struct row *row,
			      const char *value)
{
	(void)row;
	return take_mode(&o->security_label, value);
}

static const char *take_xattrmap(struct virtiofsd_options *o, const struct row *row,
				 const char *value)
{
	(void)row;
	memset(&o->share.xattrmap, 0, sizeof(o->share.xattrmap));
	o->share.share.flags |= VHOST_FS_SHARE_XATTR;
	return parse_xattrmap(value, &o->share.xattrmap);
}

static const char *const sandboxes[] = { "namespace", "chroot", "none" };

static const char *take_sandbox(struct virtiofsd_options *o, const struct row *row,
				const char *value)
{
	int found = find_word(sandboxes, ARRAY_SIZE(sandboxes), value, true);

	(void)row;
	if (found < 0)
		return "accepted are namespace, chroot and none";
	o->sandbox = found;
	return NULL;
}

static void ignore(struct virtiofsd_options *o, const struct row *row)
{
	unsigned int i;

	for (i = 0; i < o->nr_ignored; i++)
		if (!strcmp(o->ignored[i], row->name))
			return;
	if (o->nr_ignored < ARRAY_SIZE(o->ignored))
		o->ignored[o->nr_ignored++] = row->name;
}

static const char *take_seccomp(struct virtiofsd_options *o, const struct row *row,
				const char *value)
{
	static const char *const actions[] = {
		[SECCOMP_KILL] = "kill", [SECCOMP_NONE] = "none", [SECCOMP_LOG] = "log",
		[SECCOMP_TRAP] = "trap",
	};
	int action = find_word(actions, ARRAY_SIZE(actions), value, false);

	(void)row;
	if (action < 0)
		return "accepted are none, kill, log and trap";
	o->seccomp = action;
	return NULL;
}

static const char *take_handles(struct virtiofsd_options *o, const struct row *row,
				const char *value)
{
	(void)row;
	if (!strcmp(value, "fallback"))
		value = "prefer";
	return parse_handles(value, &o->share.share.inode_file_handles);
}

static const char *take_cache(struct virtiofsd_options *o, const struct row *row,
			      const char *value)
{
	char lower[16];
	size_t i;

	(void)row;
	for (i = 0; value[i] && i < sizeof(lower) - 1; i++)
		lower[i] = tolower((unsigned char)value[i]);
	lower[i] = '\0';
	return parse_cache(lower, &o->share.share.cache);
}

static const char *take_modcaps(struct virtiofsd_options *o, const struct row *row,
				const char *value)
{
	(void)row;
	o->modcaps = value;
	return NULL;
}

static const char *const levels[] = { "off", "error", "warn", "info", "debug", "trace" };

static const int level_numbers[] = {
	-1, LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG, LOG_DEBUG
};

static const char *take_level(struct virtiofsd_options *o, const struct row *row,
			      const char *value)
{
	int found = find_word(levels, ARRAY_SIZE(levels), value, true);

	(void)row;
	if (found < 0)
		return "accepted are error, warn, info, debug, trace and off";
	o->log_level = level_numbers[found];
	return NULL;
}

static const char *take_debug(struct virtiofsd_options *o, const struct row *row,
			      const char *value)
{
	(void)row;
	(void)value;
	o->log_level = LOG_DEBUG;
	return NULL;
}

static const char *take_syslog(struct virtiofsd_options *o, const struct row *row,
			       const char *value)
{
	(void)row;
	(void)value;
	o->syslog = true;
	return NULL;
}

static const char *take_rlimit(struct virtiofsd_options *o, const struct row *row,
			       const char *value)
{
	(void)row;
	if (!number_of(value, &o->rlimit_nofile))
		return "accepted is a number";
	o->has_rlimit = true;
	return NULL;
}

static const char *take_pool(struct virtiofsd_options *o, const struct row *row,
			     const char *value)
{
	uint64_t number;

	if (!number_of(value, &number))
		return "accepted is a number";
	ignore(o, row);
	return NULL;
}

static const char *take_nothing(struct virtiofsd_options *o, const struct row *row,
				const char *value)
{
	(void)o;
	(void)row;
	(void)value;
	return NULL;
}

static const char *take_print(struct virtiofsd_options *o, const struct row *row,
			      const char *value)
{
	(void)row;
	(void)value;
	o->print_capabilities = true;
	return NULL;
}

/*
 * Whether a value is right by itself is known before it is put with the others,
 * which it may be at odds with: virtiofsd finds that out only when it starts.
 */
static const char *take_id_map(struct virtiofsd_options *o, const char *value,
			       struct id_map *map)
{
	struct id_map alone = { };
	const char *why = parse_id_map(value, &alone);

	if (!why)
		o->late = parse_id_map(value, map) ?: o->late;
	return why;
}

static const char *take_id_rule(struct virtiofsd_options *o, const char *value,
				struct id_rules *rules)
{
	struct id_rules alone = { };
	const char *why = parse_id_rule(value, &alone);

	if (!why)
		o->late = parse_id_rule(value, rules) ?: o->late;
	return why;
}

static const char *take_uid_map(struct virtiofsd_options *o, const struct row *row,
				const char *value)
{
	(void)row;
	return take_id_map(o, value, &o->share.sandbox.uids);
}

static const char *take_gid_map(struct virtiofsd_options *o, const struct row *row,
				const char *value)
{
	(void)row;
	return take_id_map(o, value, &o->share.sandbox.gids);
}

static const char *take_translate_uid(struct virtiofsd_options *o, const struct row *row,
				      const char *value)
{
	(void)row;
	return take_id_rule(o, value, &o->share.uid_rules);
}

static const char *take_translate_gid(struct virtiofsd_options *o, const struct row *row,
				      const char *value)
{
	(void)row;
	return take_id_rule(o, value, &o->share.gid_rules);
}

/* The second word sets the row's bit. */
static const char *take_migration_mode(struct virtiofsd_options *o, const struct row *row,
				       const char *value)
{
	static const char *const words[] = { "find-paths", "file-handles" };
	int found = find_word(words, ARRAY_SIZE(words), value, false);

	if (found < 0)
		return "accepted are find-paths and file-handles";
	o->share.share.migration &= ~row->bits;
	o->share.share.migration |= found ? row->bits : 0;
	return NULL;
}

static const char *take_on_error(struct virtiofsd_options *o, const struct row *row,
				 const char *value)
{
	static const char *const words[] = { "abort", "guest-error" };
	int found = find_word(words, ARRAY_SIZE(words), value, false);

	if (found < 0)
		return "accepted are abort and guest-error";
	o->share.share.migration &= ~row->bits;
	o->share.share.migration |= found ? row->bits : 0;
	return NULL;
}

static const char *take_migration_flag(struct virtiofsd_options *o, const struct row *row,
				       const char *value)
{
	(void)value;
	o->share.share.migration |= row->bits;
	return NULL;
}

/* The flags of -o, with what they do to the share's. */
static const struct compat_flag {
	const char *name;
	unsigned int set;
	unsigned int clear;
} compat_flags[] = {
	{ "xattr", VHOST_FS_SHARE_XATTR, 0 },
	{ "no_xattr", 0, VHOST_FS_SHARE_XATTR },
	{ "readdirplus", 0, VHOST_FS_SHARE_NO_READDIRPLUS },
	{ "no_readdirplus", VHOST_FS_SHARE_NO_READDIRPLUS, 0 },
	{ "writeback", VHOST_FS_SHARE_WRITEBACK, 0 },
	{ "no_writeback", 0, VHOST_FS_SHARE_WRITEBACK },
	{ "allow_direct_io", VHOST_FS_SHARE_DIRECT_IO, 0 },
	{ "no_allow_direct_io", 0, VHOST_FS_SHARE_DIRECT_IO },
	{ "announce_submounts", 0, VHOST_FS_SHARE_NO_SUBMOUNTS },
	{ "killpriv_v2", VHOST_FS_SHARE_KILLPRIV_V2, 0 },
	{ "no_killpriv_v2", 0, VHOST_FS_SHARE_KILLPRIV_V2 },
	{ "no_posix_lock", 0, 0 },
	{ "no_flock", 0, 0 },
};

static bool take_compat_mode(struct virtiofsd_options *o, const char *word)
{
	bool off = !strncmp(word, "no_", 3);
	const char *name = word + (off ? 3 : 0);

	if (!strcmp(name, "posix_acl"))
		o->posix_acl = off ? VIRTIOFSD_NEVER : VIRTIOFSD_ALWAYS;
	else if (!strcmp(name, "security_label"))
		o->security_label = off ? VIRTIOFSD_NEVER : VIRTIOFSD_ALWAYS;
	else
		return false;
	return true;
}

static bool take_compat_flag(struct virtiofsd_options *o, const char *word)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(compat_flags); i++) {
		const struct compat_flag *flag = &compat_flags[i];

		if (strcmp(flag->name, word))
			continue;
		o->share.share.flags |= flag->set;
		o->share.share.flags &= ~flag->clear;
		return true;
	}
	return take_compat_mode(o, word);
}

static bool take_compat_level(struct virtiofsd_options *o, const char *value)
{
	static const char *const words[] = { "debug", "info", "warn", "err" };
	static const int numbers[] = { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERR };
	int found = find_word(words, ARRAY_SIZE(words), value, false);

	if (found >= 0)
		o->log_level = numbers[found];
	return found >= 0;
}

/* The words of -o are fewer than those of the options they are now. */
static bool take_compat_value(struct virtiofsd_options *o, const char *key, const char *value)
{
	static const char *const caches[] = { "auto", "always", "none", "metadata" };
	int found;

	if (!strcmp(key, "source"))
		return !take_path(o, NULL, value);
	if (!strcmp(key, "xattrmap"))
		return !take_xattrmap(o, NULL, value);
	if (!strcmp(key, "modcaps"))
		return !take_modcaps(o, NULL, value);
	if (!strcmp(key, "loglevel"))
		return take_compat_level(o, value);
	if (!strcmp(key, "sandbox")) {
		found = find_word(sandboxes, 2, value, false);
		o->sandbox = found;
		return found >= 0;
	}
	if (strcmp(key, "cache"))
		return false;
	found = find_word(caches, ARRAY_SIZE(caches), value, false);
	return found >= 0 && !take_cache(o, NULL, found == 2 ? "never" : value);
}

static const char *take_compat(struct virtiofsd_options *o, const struct row *row,
			       const char *value)
{
	char *list = strdup(value), *rest = list, *word;

	(void)row;
	if (!list)
		return "out of memory";
	o->compat = true;
	/* Values point into the list, which therefore stays. */
	while ((word = strsep(&rest, ","))) {
		char *equals = strchr(word, '=');

		if (equals)
			*equals++ = '\0';
		if (equals ? !take_compat_value(o, word, equals) : !take_compat_flag(o, word))
			return "accepted is a list of virtiofsd's old options";
	}
	return NULL;
}

static const struct row rows[] = {
	{ "shared-dir", 0, VALUE, "DIR", "the directory to share", take_path, 0 },
	{ "tag", 0, VALUE, "TAG", "tell the VMM the tag", take_tag, 0 },
	{ "socket", 0, VALUE, "PATH", "as --socket-path [deprecated]", take_socket, 0 },
	{ "socket-path", 0, VALUE, "PATH", "make a socket there", take_socket, 0 },
	{ "socket-group", 0, VALUE, "GROUP", "whose members may connect", take_group, 0 },
	{ "fd", 0, VALUE, "N", "use this listening socket", take_fd, 0 },
	{ "thread-pool-size", 0, VALUE, "N", "ignored", take_pool, 0 },
	{ "xattr", 0, FLAG, NULL, "serve extended attributes", take_share_flag,
	  VHOST_FS_SHARE_XATTR },
	{ "posix-acl", 0, MAYBE, "never|auto|always", "serve POSIX ACLs", take_acl, 0 },
	{ "xattrmap", 0, VALUE, "RULES", "map names of extended attributes", take_xattrmap, 0 },
	{ "sandbox", 0, VALUE, "MODE", "namespace, chroot or none", take_sandbox, 0 },
	{ "readonly", 0, FLAG, NULL, "no guest may change anything", take_share_flag,
	  VHOST_FS_SHARE_READONLY },
	{ "seccomp", 0, VALUE, "ACTION",
	  "for system calls this process has no use for: kill, log, trap, none", take_seccomp, 0 },
	{ "announce-submounts", 0, FLAG, NULL, "tell the guest of mounts [default]",
	  take_share_unflag, VHOST_FS_SHARE_NO_SUBMOUNTS },
	{ "no-announce-submounts", 0, FLAG, NULL, "don't", take_share_flag,
	  VHOST_FS_SHARE_NO_SUBMOUNTS },
	{ "inode-file-handles", 0, EQUALS, "WHEN", "never, prefer or mandatory", take_handles, 0 },
	{ "cache", 0, VALUE, "POLICY", "auto, always, never or metadata", take_cache, 0 },
	{ "allow-mmap", 0, FLAG, NULL, "shared mappings where no data is cached", take_share_flag,
	  VHOST_FS_SHARE_MMAP },
	{ "no-readdirplus", 0, FLAG, NULL, "list without attributes", take_share_flag,
	  VHOST_FS_SHARE_NO_READDIRPLUS },
	{ "writeback", 0, FLAG, NULL, "the guest collects writes", take_share_flag,
	  VHOST_FS_SHARE_WRITEBACK },
	{ "allow-direct-io", 0, FLAG, NULL, "O_DIRECT is O_DIRECT", take_share_flag,
	  VHOST_FS_SHARE_DIRECT_IO },
	{ "print-capabilities", 0, FLAG, NULL, "print JSON and exit", take_print, 0 },
	{ "modcaps", 0, VALUE, "+CAP:-CAP...", "change the capabilities", take_modcaps, 0 },
	{ "log-level", 0, VALUE, "LEVEL", "error, warn, info, debug, trace or off", take_level, 0 },
	{ "syslog", 0, FLAG, NULL, "log to syslog", take_syslog, 0 },
	{ "rlimit-nofile", 0, VALUE, "N", "limit of open files", take_rlimit, 0 },
	{ NULL, 'o', VALUE, "LIST", "old options [deprecated]", take_compat, 0 },
	{ NULL, 'd', FLAG, NULL, "as --log-level debug [deprecated]", take_debug, 0 },
	{ NULL, 'f', FLAG, NULL, "ignored [deprecated]", take_nothing, 0 },
	{ "killpriv-v2", 0, FLAG, NULL, "set-ID bits go when the guest says", take_share_flag,
	  VHOST_FS_SHARE_KILLPRIV_V2 },
	{ "no-killpriv-v2", 0, FLAG, NULL, "don't [default]", take_share_unflag,
	  VHOST_FS_SHARE_KILLPRIV_V2 },
	{ "security-label", 0, MAYBE, "never|auto|always", "guests label what they make",
	  take_label, 0 },
	{ "uid-map", 0, VALUE, ":INSIDE:HOST:COUNT:", "user ids of the namespace",
	  take_uid_map, 0 },
	{ "gid-map", 0, VALUE, ":INSIDE:HOST:COUNT:", "group ids of the namespace",
	  take_gid_map, 0 },
	{ "translate-uid", 0, VALUE, "RULE", "translate user ids", take_translate_uid, 0 },
	{ "translate-gid", 0, VALUE, "RULE", "translate group ids", take_translate_gid, 0 },
	{ "preserve-noatime", 0, FLAG, NULL, "O_NOATIME is O_NOATIME", take_share_flag,
	  VHOST_FS_SHARE_NOATIME },
	{ "migration-mode", 0, VALUE, "MODE", "find-paths [default] or file-handles",
	  take_migration_mode, VHOST_FS_MIGRATION_FILE_HANDLES },
	{ "migration-on-error", 0, VALUE, "WHAT", "abort [default] or guest-error",
	  take_on_error, VHOST_FS_MIGRATION_GUEST_ERROR },
	{ "migration-verify-handles", 0, FLAG, NULL, "a guest that leaves takes handles to compare",
	  take_migration_flag, VHOST_FS_MIGRATION_VERIFY_HANDLES },
	{ "migration-confirm-paths", 0, FLAG, NULL, "look again where its files are",
	  take_migration_flag, VHOST_FS_MIGRATION_CONFIRM_PATHS },
};

static void print_help(void)
{
	char left[64];
	size_t i;

	puts("usage: vhost-fs-virtiofsd --shared-dir DIR --socket-path PATH [OPTION]...\n"
	     "Serves a directory to one VMM that speaks vhost-user, as virtiofsd does, but has\n"
	     "the kernel's vhost_fs module answer the guest.\n\nOptions:");
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];

		if (row->name)
			snprintf(left, sizeof(left), "--%s%s%s%s", row->name,
				 row->kind == MAYBE ? "[=" : row->kind == EQUALS ? "=" :
				 row->value ? " " : "", row->value ? row->value : "",
				 row->kind == MAYBE ? "]" : "");
		else
			snprintf(left, sizeof(left), "-%c%s%s", row->letter,
				 row->value ? " " : "", row->value ? row->value : "");
		printf("  %-38s %s\n", left, row->help);
	}
	puts("  -h, --help                             print this\n"
	     "  -V, --version                          print the version");
}

static int special_word(const char *name)
{
	if (!strcmp(name, "help"))
		print_help();
	else if (!strcmp(name, "version"))
		puts("vhost-fs-virtiofsd " VERSION);
	else
		return 0;
	return ARGS_DONE;
}

static const struct row *find_long(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].name && strlen(rows[i].name) == len &&
		    !memcmp(rows[i].name, name, len))
			return &rows[i];
	return NULL;
}

static const struct row *find_short(char letter)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].letter == letter)
			return &rows[i];
	return NULL;
}

/* @value is what came with the option's own word; else it may be the next. */
static int take(struct virtiofsd_options *o, const struct row *row, const char *word,
		const char *value, int argc, char **argv, int *at)
{
	const char *why;

	if (row->kind == FLAG && value)
		return usage_error("%s: takes no value", word);
	if (row->kind == EQUALS && !value)
		return usage_error("%s: accepted is %s=VALUE", word, word);
	if (row->kind == VALUE && !value) {
		if (*at + 1 >= argc || (argv[*at + 1][0] == '-' && argv[*at + 1][1]))
			return usage_error("%s: needs %s", word, row->value);
		value = argv[++*at];
	}
	why = row->take(o, row, value);
	return why ? usage_error("%s \"%s\": %s", word, value ? value : "", why) : 0;
}

static int take_long(struct virtiofsd_options *o, int argc, char **argv, int *at)
{
	const char *name = argv[*at] + 2, *equals = strchrnul(name, '=');
	const struct row *row = find_long(name, equals - name);
	char word[48];

	if (!row)
		return special_word(name) ? ARGS_DONE :
		       usage_error("unknown option \"%s\"; --help lists them", argv[*at]);
	snprintf(word, sizeof(word), "--%s", row->name);
	return take(o, row, word, *equals ? equals + 1 : NULL, argc, argv, at);
}

/* Several letters can share a word; the first that takes a value has the rest. */
static int take_short(struct virtiofsd_options *o, int argc, char **argv, int *at)
{
	const char *letters = argv[*at] + 1;
	int err = 0;

	for (; *letters && !err; letters++) {
		const struct row *row = find_short(*letters);
		char word[3] = { '-', *letters };

		if (*letters == 'h' || *letters == 'V')
			return special_word(*letters == 'h' ? "help" : "version");
		if (!row)
			return usage_error("unknown option \"%s\"; --help lists them", word);
		if (row->kind != VALUE) {
			err = take(o, row, word, NULL, argc, argv, at);
			continue;
		}
		letters++;
		letters += *letters == '=';
		return take(o, row, word, *letters ? letters : NULL, argc, argv, at);
	}
	return err;
}

static int check_conflicts(const struct virtiofsd_options *o)
{
	if (o->has_fd && o->socket)
		return usage_error("--fd and --socket-path exclude each other");
	if (o->has_fd && o->group)
		return usage_error("--fd and --socket-group exclude each other");
	if (o->print_capabilities && o->group)
		return usage_error("--print-capabilities and --socket-group exclude each other");
	if (o->print_capabilities)
		return 0;
	if (!o->share.path)
		return usage_error("--shared-dir DIR is missing");
	if (!o->has_fd && !o->socket)
		return usage_error("--socket-path PATH is missing");
	return 0;
}

int virtiofsd_options_parse(struct virtiofsd_options *o, int argc, char **argv)
{
	int at, err;

	o->log_level = LOG_INFO;
	o->share.share.inode_file_handles = VHOST_FS_HANDLES_PREFER;
	if (argc < 2)
		return usage_error("--shared-dir and --socket-path are missing; see --help");
	for (at = 1; at < argc; at++) {
		const char *word = argv[at];

		if (!strcmp(word, "--") && at + 1 == argc)
			break;
		if (word[0] != '-' || !word[1] || !strcmp(word, "--"))
			return usage_error("unexpected \"%s\"", word);
		if (word[1] == '-')
			err = take_long(o, argc, argv, &at);
		else
			err = take_short(o, argc, argv, &at);
		if (err)
			return err;
	}
	return check_conflicts(o);
}

int virtiofsd_options_check(struct virtiofsd_options *o)
{
	struct share_request *share = &o->share;
	bool translates = share->uid_rules.nr || share->gid_rules.nr;
	const char *why;

	if (o->late)
		return refused("ids: %s", o->late);
	if (translates && o->posix_acl != VIRTIOFSD_NEVER)
		return refused("--translate-uid and --translate-gid exclude --posix-acl");
	if ((share->sandbox.uids.nr || share->sandbox.gids.nr) &&
	    o->sandbox != VIRTIOFSD_NAMESPACE)
		return refused("--uid-map and --gid-map need --sandbox namespace");
	if (share->share.migration & VHOST_FS_MIGRATION_FILE_HANDLES &&
	    share->share.migration & (VHOST_FS_MIGRATION_VERIFY_HANDLES |
				      VHOST_FS_MIGRATION_CONFIRM_PATHS))
		return refused("--migration-verify-handles and --migration-confirm-paths go with --migration-mode find-paths only");
	if (o->modcaps) {
		why = caps_parse(o->modcaps, &share->process.add, &share->process.drop);
		if (why)
			return refused("--modcaps \"%s\": %s", o->modcaps, why);
	}
	if (o->posix_acl != VIRTIOFSD_NEVER)
		share->share.flags |= VHOST_FS_SHARE_XATTR | VHOST_FS_SHARE_POSIX_ACL;
	if (o->posix_acl == VIRTIOFSD_AUTO)
		share->share.flags |= VHOST_FS_SHARE_POSIX_ACL_AUTO;
	if (o->security_label != VIRTIOFSD_NEVER)
		share->share.flags |= VHOST_FS_SHARE_XATTR | VHOST_FS_SHARE_SECURITY_LABEL;
	if (o->security_label == VIRTIOFSD_AUTO)
		share->share.flags |= VHOST_FS_SHARE_SECURITY_LABEL_AUTO;
	if (share->xattrmap.nr)
		share->share.flags |= VHOST_FS_SHARE_XATTR;
	share->sandbox.mode = o->sandbox == VIRTIOFSD_NONE ? SANDBOX_NONE : SANDBOX_MOUNT;
	share->sandbox.readonly = share->share.flags & VHOST_FS_SHARE_READONLY;
	return 0;
}
