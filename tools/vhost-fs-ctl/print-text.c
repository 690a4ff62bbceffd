// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lists for people: a line for each share or device, then indented lines with
 * the rest. Not for scripts, which have JSON.
 */
#include "print.h"

#include <ctype.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <sys/sysmacros.h>

#include "caps.h"
#include "id-rules.h"
#include "parse.h"
#include "xattrmap.h"

static void plural(FILE *out, uint64_t number, const char *noun)
{
	fprintf(out, "%" PRIu64 " %s%s", number, noun, number == 1 ? "" : "s");
}

static void show_user(FILE *out, uint32_t uid)
{
	const struct passwd *entry = getpwuid(uid);

	if (entry)
		fputs(entry->pw_name, out);
	else
		fprintf(out, "%" PRIu32, uid);
}

static void show_group(FILE *out, uint32_t gid)
{
	const struct group *entry = getgrgid(gid);

	if (entry)
		fputs(entry->gr_name, out);
	else
		fprintf(out, "%" PRIu32, gid);
}

static void show_ids(FILE *out, const char *title, const struct id_list *list,
		     void (*show)(FILE *out, uint32_t id))
{
	size_t i;

	if (list->nr)
		fprintf(out, "    %s", title);
	for (i = 0; i < list->nr; i++) {
		fputc(' ', out);
		show(out, list->ids[i]);
	}
	if (list->nr)
		fputc('\n', out);
}

static void show_flags(FILE *out, uint32_t set)
{
	unsigned int bit;

	for (bit = 0; bit < 32; bit++) {
		if (!(set >> bit & 1))
			continue;
		if (share_flag_word(bit))
			fprintf(out, ", %s", share_flag_word(bit));
		else
			fprintf(out, ", flag %u", bit);
	}
}

static void show_migration(FILE *out, uint32_t set)
{
	const char *separator = "";
	unsigned int bit;

	if (!set)
		return;
	fputs("    migration ", out);
	for (bit = 0; bit < 32; bit++, set >>= 1) {
		if (!(set & 1))
			continue;
		fputs(separator, out);
		if (migration_word(bit))
			fputs(migration_word(bit), out);
		else
			fprintf(out, "flag %u", bit);
		separator = ", ";
	}
	fputc('\n', out);
}

static void show_capabilities(FILE *out, uint64_t set)
{
	unsigned int bit;

	fputs("    capabilities", out);
	for (bit = 0; bit < 64; bit++)
		if (set >> bit & 1)
			fprintf(out, " %s", caps_name(bit));
	fputs(set ? "\n" : " none\n", out);
}

/* Nobody's terminal is to obey what a file is called. */
static void show_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (iscntrl((unsigned char)*text))
			fprintf(out, "\\%03o", (unsigned char)*text);
		else
			fputc(*text, out);
	}
}

/* Nanoseconds as seconds, without the zeros at the end. */
static void show_seconds(FILE *out, const char *title, uint64_t ns)
{
	uint64_t rest = ns % 1000000000;
	int digits = 9;

	fprintf(out, "%s %" PRIu64, title, ns / 1000000000);
	for (; rest && rest % 10 == 0; rest /= 10)
		digits--;
	if (rest)
		fprintf(out, ".%0*" PRIu64, digits, rest);
	fputs(" s", out);
}

static void show_timeouts(FILE *out, const struct share_info *share)
{
	show_seconds(out, "    guests may believe names for", share->entry_timeout);
	show_seconds(out, ", attributes for", share->attr_timeout);
	show_seconds(out, ", missing names for", share->negative_timeout);
	fputc('\n', out);
}

static void show_choice(FILE *out, const char *title, uint32_t value,
			const char *(*word)(uint32_t value))
{
	if (word(value))
		fprintf(out, "%s %s", title, word(value));
	else
		fprintf(out, "%s %" PRIu32, title, value);
}

static void show_rules(FILE *out, const char *title, const struct rule_list *list)
{
	const struct vhost_fs_id_rule *rule;
	size_t i;

	for (i = 0; i < list->nr; i++) {
		rule = &list->rules[i];
		show_choice(out, "   ", rule->action, id_action_word);
		fprintf(out, " %s %" PRIu32 " +%" PRIu32, title, rule->from, rule->count);
		if (rule->action != VHOST_FS_ID_FORBID_GUEST)
			fprintf(out, " to %" PRIu32, rule->to);
		fputc('\n', out);
	}
}

/* As they are typed, but for separators that a name may have in it. */
static void show_xattr_rules(FILE *out, const struct xattr_rule_list *list)
{
	const struct vhost_fs_xattr_rule *rule;
	size_t i;

	for (i = 0; i < list->nr; i++) {
		rule = &list->rules[i];
		show_choice(out, "    attributes", rule->action, xattr_action_word);
		show_choice(out, "", rule->scope, xattr_scope_word);
		fputs(" \"", out);
		show_text(out, (const char *)rule->key);
		fputs("\" \"", out);
		show_text(out, (const char *)rule->prepend);
		fputs("\"\n", out);
	}
}

static void show_root(FILE *out, const struct share_info *share)
{
	fputs("    root is ", out);
	if (share->root_path) {
		show_text(out, share->root_path);
		fputs(", ", out);
	}
	fprintf(out, "inode %" PRIu64 " of file system %u:%u%s\n", share->root_ino,
		major(share->fs_id), minor(share->fs_id),
		share->private_mount ? ", in mounts of its own" : "");
}

static void share_lines(FILE *out, const struct share_info *share)
{
	fprintf(out, "%s: owner ", share->name);
	show_user(out, share->owner_uid);
	show_choice(out, ", cache", share->cache, cache_word);
	show_flags(out, share->flags);
	fputs(", ", out);
	plural(out, share->devices, "device");
	fputc('\n', out);
	show_root(out, share);
	show_ids(out, "users", &share->user, show_user);
	show_ids(out, "groups", &share->group, show_group);
	fprintf(out, "    each device may hold %" PRIu64 " nodes, %" PRIu64 " handles and %" PRIu64
		" blocked requests\n", share->max_nodes, share->max_handles, share->max_blocked);
	show_choice(out, "    inode file handles", share->inode_file_handles, handles_word);
	show_choice(out, ", locks", share->locks, locks_word);
	fputs(share->mapped_mount ? ", mounted with mapped ids\n" : "\n", out);
	show_timeouts(out, share);
	show_migration(out, share->migration);
	show_rules(out, "uids", &share->uid_rule);
	show_rules(out, "gids", &share->gid_rule);
	show_xattr_rules(out, &share->xattr_rule);
	fputs("    serves with group ", out);
	show_group(out, share->owner_gid);
	fputc('\n', out);
	show_ids(out, "serves with groups", &share->supplementary_group, show_group);
	show_capabilities(out, share->capabilities);
	if (share->label) {
		fputs("    label ", out);
		show_text(out, share->label);
		fputc('\n', out);
	}
}

void print_shares_text(FILE *out, const struct share_list *list)
{
	size_t i;

	for (i = 0; i < list->nr; i++)
		share_lines(out, &list->shares[i]);
}

static void device_state(FILE *out, const struct device_info *device)
{
	fprintf(out, "%" PRIu32 ": ", device->id);
	if (*device->share)
		fprintf(out, "share %s", device->share);
	else
		fputs("no share", out);
	fputs(device->running ? ", running" : ", stopped", out);
	if (device->broken)
		fputs(", broken", out);
	if (device->session)
		fprintf(out, ", session of FUSE minor %" PRIu32, device->fuse_minor);
	if (device->owner_pid)
		fprintf(out, ", owner pid %" PRIu32, device->owner_pid);
	fputc('\n', out);
}

static void device_counts(FILE *out, const struct device_info *device)
{
	fputs("    ", out);
	plural(out, device->request_queues, "request queue");
	fputs(", ", out);
	plural(out, device->threads, "thread");
	fputs(", ", out);
	plural(out, device->nodes, "node");
	fputs(", ", out);
	plural(out, device->handles, "handle");
	fputs(", ", out);
	plural(out, device->blocked, "blocked request");
	fprintf(out, "\n    %" PRIu64 " bytes read, %" PRIu64 " bytes written, ",
		device->bytes_read, device->bytes_written);
	plural(out, device->bad_requests, "bad request");
	fputc('\n', out);
}

static void device_opcodes(FILE *out, const struct device_info *device)
{
	const struct opcode_info *opcode;
	size_t i;

	for (i = 0; i < device->nr_opcodes; i++) {
		opcode = &device->opcodes[i];
		fprintf(out, "    %s: ", opcode->name);
		plural(out, opcode->requests, "request");
		fputs(", ", out);
		plural(out, opcode->errors, "error");
		fputc('\n', out);
	}
}

void print_devices_text(FILE *out, const struct device_list *list)
{
	size_t i;

	for (i = 0; i < list->nr; i++) {
		device_state(out, &list->devices[i]);
		device_counts(out, &list->devices[i]);
		device_opcodes(out, &list->devices[i]);
	}
}
