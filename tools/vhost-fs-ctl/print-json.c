// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lists as JSON: an array with one object for each share or device, whose
 * members are the attributes of the netlink family with underscores for
 * hyphens. What the kernel leaves out is left out.
 */
#include "print.h"

#include <inttypes.h>

#include "caps.h"
#include "id-rules.h"
#include "parse.h"
#include "xattrmap.h"

/*
 * Bytes above 0x7f are taken for Latin-1, so that the output is valid whatever
 * they were meant to be; the kernel's names have none.
 */
void print_json_string(FILE *out, const char *text)
{
	const unsigned char *c;

	fputc('"', out);
	for (c = (const unsigned char *)text; *c; c++) {
		if (*c == '"' || *c == '\\')
			fprintf(out, "\\%c", *c);
		else if (*c < 0x20 || *c > 0x7e)
			fprintf(out, "\\u%04x", *c);
		else
			fputc(*c, out);
	}
	fputc('"', out);
}

/* Before every element but the first, which has *nr zero. */
static void comma(FILE *out, size_t *nr, const char *text)
{
	if ((*nr)++)
		fputs(text, out);
}

static void number(FILE *out, const char *key, uint64_t value)
{
	fprintf(out, ", \"%s\": %" PRIu64, key, value);
}

static void boolean(FILE *out, const char *key, bool value)
{
	fprintf(out, ", \"%s\": %s", key, value ? "true" : "false");
}

static void string(FILE *out, const char *key, const char *value)
{
	fprintf(out, ", \"%s\": ", key);
	print_json_string(out, value);
}

static void ids(FILE *out, const char *key, const struct id_list *list)
{
	size_t i, nr = 0;

	fprintf(out, ", \"%s\": [", key);
	for (i = 0; i < list->nr; i++) {
		comma(out, &nr, ", ");
		fprintf(out, "%" PRIu32, list->ids[i]);
	}
	fputc(']', out);
}

/* A bit that this tool doesn't know is shown as its number. */
static void bits(FILE *out, const char *key, uint64_t set,
		 const char *(*word)(unsigned int bit))
{
	unsigned int bit;
	size_t nr = 0;

	fprintf(out, ", \"%s\": [", key);
	for (bit = 0; bit < 64; bit++) {
		if (!(set >> bit & 1))
			continue;
		comma(out, &nr, ", ");
		if (word(bit))
			print_json_string(out, word(bit));
		else
			fprintf(out, "%u", bit);
	}
	fputc(']', out);
}

/* A value that this tool doesn't know is shown as its number. */
static void choice(FILE *out, const char *key, uint32_t value, const char *(*word)(uint32_t value))
{
	if (word(value))
		string(out, key, word(value));
	else
		number(out, key, value);
}

static void rule_object(FILE *out, const struct vhost_fs_id_rule *rule)
{
	const char *word = id_action_word(rule->action);

	fputs("{\"action\": ", out);
	if (word)
		print_json_string(out, word);
	else
		fprintf(out, "%" PRIu32, rule->action);
	number(out, "from", rule->from);
	number(out, "to", rule->to);
	number(out, "count", rule->count);
	fputc('}', out);
}

static void rules(FILE *out, const char *key, const struct rule_list *list)
{
	size_t i, nr = 0;

	fprintf(out, ", \"%s\": [", key);
	for (i = 0; i < list->nr; i++) {
		comma(out, &nr, ", ");
		rule_object(out, &list->rules[i]);
	}
	fputc(']', out);
}

static void xattr_rule_object(FILE *out, const struct vhost_fs_xattr_rule *rule)
{
	fputs("{\"key\": ", out);
	print_json_string(out, (const char *)rule->key);
	string(out, "prepend", (const char *)rule->prepend);
	choice(out, "scope", rule->scope, xattr_scope_word);
	choice(out, "action", rule->action, xattr_action_word);
	fputc('}', out);
}

static void xattr_rules(FILE *out, const char *key, const struct xattr_rule_list *list)
{
	size_t i, nr = 0;

	fprintf(out, ", \"%s\": [", key);
	for (i = 0; i < list->nr; i++) {
		comma(out, &nr, ", ");
		xattr_rule_object(out, &list->rules[i]);
	}
	fputc(']', out);
}

static void share_object(FILE *out, const struct share_info *share)
{
	fputs("{\"name\": ", out);
	print_json_string(out, share->name);
	number(out, "owner_uid", share->owner_uid);
	number(out, "owner_gid", share->owner_gid);
	bits(out, "flags", share->flags, share_flag_word);
	choice(out, "cache", share->cache, cache_word);
	choice(out, "inode_file_handles", share->inode_file_handles, handles_word);
	choice(out, "locks", share->locks, locks_word);
	bits(out, "migration", share->migration, migration_word);
	number(out, "devices", share->devices);
	number(out, "max_nodes", share->max_nodes);
	number(out, "max_handles", share->max_handles);
	number(out, "max_blocked", share->max_blocked);
	number(out, "entry_timeout", share->entry_timeout);
	number(out, "attr_timeout", share->attr_timeout);
	number(out, "negative_timeout", share->negative_timeout);
	ids(out, "user", &share->user);
	ids(out, "group", &share->group);
	ids(out, "supplementary_group", &share->supplementary_group);
	rules(out, "uid_rule", &share->uid_rule);
	rules(out, "gid_rule", &share->gid_rule);
	xattr_rules(out, "xattr_rule", &share->xattr_rule);
	boolean(out, "mapped_mount", share->mapped_mount);
	boolean(out, "private_mount", share->private_mount);
	number(out, "fs_id", share->fs_id);
	number(out, "root_ino", share->root_ino);
	if (share->root_path)
		string(out, "root_path", share->root_path);
	bits(out, "capabilities", share->capabilities, caps_name);
	if (share->label)
		string(out, "label", share->label);
	fputc('}', out);
}

void print_shares_json(FILE *out, const struct share_list *list)
{
	size_t i, nr = 0;

	fputc('[', out);
	for (i = 0; i < list->nr; i++) {
		comma(out, &nr, ",\n ");
		share_object(out, &list->shares[i]);
	}
	fputs("]\n", out);
}

static void opcodes(FILE *out, const struct device_info *device)
{
	const struct opcode_info *opcode;
	size_t i, nr = 0;

	fputs(", \"opcode\": [", out);
	for (i = 0; i < device->nr_opcodes; i++) {
		opcode = &device->opcodes[i];
		comma(out, &nr, ", ");
		fputs("{\"name\": ", out);
		print_json_string(out, opcode->name);
		if (opcode->number)
			number(out, "number", opcode->number);
		number(out, "requests", opcode->requests);
		number(out, "errors", opcode->errors);
		fputc('}', out);
	}
	fputc(']', out);
}

static void device_object(FILE *out, const struct device_info *device)
{
	fprintf(out, "{\"id\": %" PRIu32, device->id);
	if (*device->share)
		string(out, "share", device->share);
	if (device->owner_pid)
		number(out, "owner_pid", device->owner_pid);
	boolean(out, "running", device->running);
	boolean(out, "broken", device->broken);
	boolean(out, "session", device->session);
	if (device->session)
		number(out, "fuse_minor", device->fuse_minor);
	number(out, "request_queues", device->request_queues);
	number(out, "threads", device->threads);
	number(out, "nodes", device->nodes);
	number(out, "handles", device->handles);
	number(out, "blocked", device->blocked);
	number(out, "bytes_read", device->bytes_read);
	number(out, "bytes_written", device->bytes_written);
	number(out, "bad_requests", device->bad_requests);
	opcodes(out, device);
	fputc('}', out);
}

void print_devices_json(FILE *out, const struct device_list *list)
{
	size_t i, nr = 0;

	fputc('[', out);
	for (i = 0; i < list->nr; i++) {
		comma(out, &nr, ",\n ");
		device_object(out, &list->devices[i]);
	}
	fputs("]\n", out);
}
