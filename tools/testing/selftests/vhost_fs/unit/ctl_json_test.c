// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unit tests of vhost-fs-ctl's print-json.c.
 */
#include "unit.h"

#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "print.h"

/* Memory that a printer writes to; text is valid after capture_end(). */
struct capture {
	FILE *out;
	char *text;
	size_t size;
};

static FILE *capture_begin(struct capture *capture)
{
	capture->out = open_memstream(&capture->text, &capture->size);
	assert_non_null(capture->out);
	return capture->out;
}

static void capture_is(struct capture *capture, const char *expected)
{
	assert_int_equal(fclose(capture->out), 0);
	assert_string_equal(capture->text, expected);
	free(capture->text);
}

static void string_is(const char *text, const char *expected)
{
	struct capture capture;

	print_json_string(capture_begin(&capture), text);
	capture_is(&capture, expected);
}

static void strings(void **state)
{
	(void)state;
	string_is("", "\"\"");
	string_is("plain/text, {with} [marks]", "\"plain/text, {with} [marks]\"");
	string_is("a\"b\\c", "\"a\\\"b\\\\c\"");
	string_is("\n\t\r\b\f", "\"\\u000a\\u0009\\u000d\\u0008\\u000c\"");
	string_is("\001\037\177", "\"\\u0001\\u001f\\u007f\"");
	string_is("\200\344\377", "\"\\u0080\\u00e4\\u00ff\"");
}

static void no_shares(void **state)
{
	const struct share_list list = { };
	struct capture capture;

	(void)state;
	print_shares_json(capture_begin(&capture), &list);
	capture_is(&capture, "[]\n");
}

static void two_shares(void **state)
{
	uint32_t users[] = { 0, 4294967294U }, groups[] = { 7 };
	struct vhost_fs_id_rule rules[] = {
		{ VHOST_FS_ID_GUEST, 1, 2, 3 },
		{ VHOST_FS_ID_FORBID_GUEST, 4294967294U, 0, 1 },
		{ 99, 0, 0, 0 },
	};
	struct vhost_fs_xattr_rule xattr_rules[] = {
		{ .scope = VHOST_FS_XATTR_CLIENT | VHOST_FS_XATTR_SERVER,
		  .action = VHOST_FS_XATTR_PREFIX, .key = "", .prepend = "user.\"x\"" },
		{ .scope = 8, .action = 9, .key = "trusted." },
	};
	struct share_info shares[] = {
		{
			.name = "a", .owner_uid = 1000, .owner_gid = 100, .devices = 2,
			.cache = VHOST_FS_CACHE_METADATA,
			.flags = VHOST_FS_SHARE_READONLY | VHOST_FS_SHARE_NO_SUBMOUNTS |
				 VHOST_FS_SHARE_NO_READDIRPLUS,
			.max_nodes = UINT64_MAX, .max_handles = 1,
			.max_blocked = 5, .inode_file_handles = VHOST_FS_HANDLES_MANDATORY,
			.locks = VHOST_FS_LOCKS_REMOTE,
			.migration = VHOST_FS_MIGRATION_FILE_HANDLES | VHOST_FS_MIGRATION_GUEST_ERROR,
			.entry_timeout = 1500000000,
			.attr_timeout = 1, .negative_timeout = UINT64_MAX,
			.user = { users, 2 }, .supplementary_group = { groups, 1 },
			.uid_rule = { rules, 2 }, .gid_rule = { &rules[2], 1 },
			.xattr_rule = { xattr_rules, 2 },
			.mapped_mount = true, .private_mount = true,
			.root_path = "/srv/a", .label = "system_u:object_r:svirt_t:s0",
			.fs_id = 65024, .root_ino = 9007199254740993ULL,
			.capabilities = 1ULL << CAP_CHOWN | 1ULL << CAP_SETFCAP,
		},
		{ .name = "b", .cache = 9, .inode_file_handles = 8, .locks = 7, .flags = 1U << 31, .capabilities = 1ULL << 63 },
	};
	const struct share_list list = { shares, 2 };
	struct capture capture;

	(void)state;
	print_shares_json(capture_begin(&capture), &list);
	capture_is(&capture,
		   "[{\"name\": \"a\", \"owner_uid\": 1000, \"owner_gid\": 100, "
		   "\"flags\": [\"readonly\", \"no_submounts\", \"no_readdirplus\"], "
		   "\"cache\": \"metadata\", \"inode_file_handles\": \"mandatory\", "
		   "\"locks\": \"remote\", \"migration\": [\"file_handles\", \"guest_error\"], \"devices\": 2, "
		   "\"max_nodes\": 18446744073709551615, \"max_handles\": 1, "
		   "\"max_blocked\": 5, \"entry_timeout\": 1500000000, "
		   "\"attr_timeout\": 1, \"negative_timeout\": 18446744073709551615, "
		   "\"user\": [0, 4294967294], \"group\": [], "
		   "\"supplementary_group\": [7], \"uid_rule\": ["
		   "{\"action\": \"guest\", \"from\": 1, \"to\": 2, \"count\": 3}, "
		   "{\"action\": \"forbid-guest\", \"from\": 4294967294, \"to\": 0, \"count\": 1}], "
		   "\"gid_rule\": [{\"action\": 99, \"from\": 0, \"to\": 0, \"count\": 0}], "
		   "\"xattr_rule\": [{\"key\": \"\", \"prepend\": \"user.\\\"x\\\"\", "
		   "\"scope\": \"all\", \"action\": \"prefix\"}, {\"key\": \"trusted.\", "
		   "\"prepend\": \"\", \"scope\": 8, \"action\": 9}], "
		   "\"mapped_mount\": true, \"private_mount\": true, "
		   "\"fs_id\": 65024, \"root_ino\": 9007199254740993, "
		   "\"root_path\": \"/srv/a\", "
		   "\"capabilities\": [\"cap_chown\", \"cap_setfcap\"], "
		   "\"label\": \"system_u:object_r:svirt_t:s0\"},\n"
		   " {\"name\": \"b\", \"owner_uid\": 0, \"owner_gid\": 0, \"flags\": [31], \"cache\": 9, "
		   "\"inode_file_handles\": 8, \"locks\": 7, \"migration\": [], "
		   "\"devices\": 0, \"max_nodes\": 0, \"max_handles\": 0, "
		   "\"max_blocked\": 0, \"entry_timeout\": 0, \"attr_timeout\": 0, "
		   "\"negative_timeout\": 0, \"user\": [], \"group\": [], "
		   "\"supplementary_group\": [], \"uid_rule\": [], \"gid_rule\": [], "
		   "\"xattr_rule\": [], \"mapped_mount\": false, \"private_mount\": false, \"fs_id\": 0, \"root_ino\": 0, "
		   "\"capabilities\": [\"cap_63\"]}]\n");
}

/* Each flag that there is has a word of its own. */
static void flag_words(void **state)
{
	unsigned int bit, other;

	(void)state;
	for (bit = 0; 1U << bit <= VHOST_FS_SHARE_SECURITY_LABEL_AUTO; bit++) {
		assert_non_null(share_flag_word(bit));
		for (other = 0; other < bit; other++)
			assert_string_not_equal(share_flag_word(bit), share_flag_word(other));
	}
	assert_null(share_flag_word(bit));
}

static void idle_device(void **state)
{
	struct device_info device = { .id = 4294967295U };
	const struct device_list list = { &device, 1 };
	struct capture capture;

	(void)state;
	print_devices_json(capture_begin(&capture), &list);
	capture_is(&capture,
		   "[{\"id\": 4294967295, \"running\": false, \"broken\": false, "
		   "\"session\": false, \"request_queues\": 0, \"threads\": 0, "
		   "\"nodes\": 0, \"handles\": 0, \"blocked\": 0, \"bytes_read\": 0, \"bytes_written\": 0, "
		   "\"bad_requests\": 0, \"opcode\": []}]\n");
}

static void busy_device(void **state)
{
	struct opcode_info opcodes[] = {
		{ 1, "lookup", 10, 2 },
		{ 0, "unknown", 1, 1 },
	};
	struct device_info device = {
		.id = 3, .share = "data", .owner_pid = 77, .running = true, .broken = true,
		.session = true, .fuse_minor = 41, .request_queues = 1, .threads = 4,
		.nodes = 5, .handles = 6, .blocked = 7, .bytes_read = UINT64_MAX, .bytes_written = 8,
		.bad_requests = 9, .opcodes = opcodes, .nr_opcodes = 2,
	};
	const struct device_list list = { &device, 1 };
	struct capture capture;

	(void)state;
	print_devices_json(capture_begin(&capture), &list);
	capture_is(&capture,
		   "[{\"id\": 3, \"share\": \"data\", \"owner_pid\": 77, \"running\": true, "
		   "\"broken\": true, \"session\": true, \"fuse_minor\": 41, "
		   "\"request_queues\": 1, \"threads\": 4, \"nodes\": 5, \"handles\": 6, \"blocked\": 7, "
		   "\"bytes_read\": 18446744073709551615, \"bytes_written\": 8, "
		   "\"bad_requests\": 9, \"opcode\": ["
		   "{\"name\": \"lookup\", \"number\": 1, \"requests\": 10, \"errors\": 2}, "
		   "{\"name\": \"unknown\", \"requests\": 1, \"errors\": 1}]}]\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings),
		cmocka_unit_test(no_shares),
		cmocka_unit_test(two_shares),
		cmocka_unit_test(flag_words),
		cmocka_unit_test(idle_device),
		cmocka_unit_test(busy_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
