// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel tells about shares and devices: words and memory.
 */
#include "info.h"

#include <stdlib.h>

const char *share_flag_word(unsigned int bit)
{
	switch (1U << bit) {
	case VHOST_FS_SHARE_READONLY:
		return "readonly";
	case VHOST_FS_SHARE_NO_SUBMOUNTS:
		return "no_submounts";
	case VHOST_FS_SHARE_NO_READDIRPLUS:
		return "no_readdirplus";
	}
	return NULL;
}

void share_list_free(struct share_list *list)
{
	size_t i;

	for (i = 0; i < list->nr; i++) {
		free(list->shares[i].user.ids);
		free(list->shares[i].group.ids);
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
