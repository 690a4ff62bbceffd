// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel tells about shares and devices: words and memory.
 */
#include "info.h"

#include <assert.h>
#include <stdlib.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

const char *share_flag_word(unsigned int bit)
{
	static const char *const words[] = {
		"readonly", "no_submounts", "no_readdirplus", "xattr", "posix_acl",
		"security_label", "writeback", "direct_io", "mmap", "killpriv_v2", "noatime",
		"entry_timeout", "attr_timeout", "no_idmap", "posix_acl_auto",
		"security_label_auto",
	};

	static_assert(VHOST_FS_SHARE_SECURITY_LABEL_AUTO == 1U << (ARRAY_SIZE(words) - 1),
		      "the words are in the order of the flags");
	return bit < ARRAY_SIZE(words) ? words[bit] : NULL;
}

const char *migration_word(unsigned int bit)
{
	static const char *const words[] = {
		"file_handles", "verify_handles", "confirm_paths", "guest_error",
	};

	static_assert(VHOST_FS_MIGRATION_GUEST_ERROR == 1U << (ARRAY_SIZE(words) - 1),
		      "the words are in the order of the flags");
	return bit < ARRAY_SIZE(words) ? words[bit] : NULL;
}

void share_list_free(struct share_list *list)
{
	struct share_info *share;
	size_t i;

	for (i = 0; i < list->nr; i++) {
		share = &list->shares[i];
		free(share->user.ids);
		free(share->group.ids);
		free(share->supplementary_group.ids);
		free(share->uid_rule.rules);
		free(share->gid_rule.rules);
		free(share->xattr_rule.rules);
		free(share->root_path);
		free(share->label);
	}
	free(list->shares);
	*list = (struct share_list){ };
}

void device_list_free(struct device_list *list)
{
	size_t i;

	for (i = 0; i < list->nr; i++)
		free(list->devices[i].opcodes);
	free(list->devices);
	*list = (struct device_list){ };
}
