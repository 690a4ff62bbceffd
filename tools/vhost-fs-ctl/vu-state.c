// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vhost-user session's device state, which the kernel reads and writes.
 */
#include "vu-state.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/vhost_fs.h>

#include "state-result.h"

const char *vu_state_begin(int device, const struct vu_transfer *transfer, int fd)
{
	struct vhost_fs_device_state_fd arg = {
		.size = sizeof(arg),
		.direction = transfer->direction,
		.phase = transfer->phase,
		.fd = fd,
	};

	return ioctl(device, VHOST_FS_SET_DEVICE_STATE_FD, &arg) < 0 ? strerror(errno) : NULL;
}

const char *vu_state_check(int device)
{
	struct vhost_fs_device_state_result result = { .size = sizeof(result) };
	static char text[STATE_RESULT_MAX];
	int err;

	do
		err = ioctl(device, VHOST_FS_CHECK_DEVICE_STATE, &result) < 0 ? errno : 0;
	while (err == EINTR);
	if (err)
		return strerror(err);
	return result.error ? state_result_text(&result, text) : NULL;
}
