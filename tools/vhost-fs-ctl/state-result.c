// SPDX-License-Identifier: GPL-2.0-only
/*
 * How the move of a device's state ended, in words.
 */
#include "state-result.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What @object is the number of. */
static const struct {
	const char *text;
	const char *object;
} reasons[] = {
	[VHOST_FS_STATE_ERR_IO] = { "reading or writing it failed", NULL },
	[VHOST_FS_STATE_ERR_STREAM] = { "not a device state", "offset" },
	[VHOST_FS_STATE_ERR_OPTION] = { "the share doesn't allow what the guest agreed on",
					"FUSE flags" },
	[VHOST_FS_STATE_ERR_NODE] = { "a file can't be found", "node" },
	[VHOST_FS_STATE_ERR_HANDLE] = { "an open file can't be opened again", "open file" },
	[VHOST_FS_STATE_ERR_LOCKS] = { "the guest holds locks, or waits for some", "open file" },
	[VHOST_FS_STATE_ERR_LIMIT] = { "it is beyond the share's limits", NULL },
	[VHOST_FS_STATE_ERR_MEMORY] = { "memory is short", NULL },
	[VHOST_FS_STATE_ERR_CANCELLED] = { "cancelled", NULL },
	[VHOST_FS_STATE_ERR_VERSION] = { "of a later version of vhost_fs", "offset" },
};

const char *state_result_text(const struct vhost_fs_device_state_result *result, char *text)
{
	const char *why = strerror(result->error < 0 ? -result->error : result->error);
	const char *reason = "unknown reason", *object = NULL;

	if (result->reason < sizeof(reasons) / sizeof(reasons[0]) &&
	    reasons[result->reason].text) {
		reason = reasons[result->reason].text;
		object = reasons[result->reason].object;
	}
	if (object)
		snprintf(text, STATE_RESULT_MAX, "%s: %s (%s 0x%" PRIx64 ")", reason, why, object,
			 (uint64_t)result->object);
	else
		snprintf(text, STATE_RESULT_MAX, "%s: %s", reason, why);
	return text;
}
