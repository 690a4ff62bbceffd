/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What tests of a device's state share: moving it from and to a device, by way
 * of a file in memory.
 */
#ifndef VHOST_FS_TEST_STATE_H
#define VHOST_FS_TEST_STATE_H

#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/vhost_fs.h>

#include "bed.h"
#include "ring.h"

static inline int state_begin(struct ring_dev *dev, uint32_t direction, int fd,
			      uint32_t timeout_ms)
{
	struct vhost_fs_device_state_fd arg = {
		.size = sizeof(arg),
		.direction = direction,
		.fd = fd,
		.timeout_ms = timeout_ms,
	};

	return ring_ioctl(dev->fd, VHOST_FS_SET_DEVICE_STATE_FD, &arg);
}

static inline int state_cancel(struct ring_dev *dev)
{
	return state_begin(dev, VHOST_FS_STATE_SAVE, -1, 0);
}

static inline int state_check(struct ring_dev *dev,
			      struct vhost_fs_device_state_result *result)
{
	*result = (struct vhost_fs_device_state_result) {
		.size = sizeof(*result),
	};
	return ring_ioctl(dev->fd, VHOST_FS_CHECK_DEVICE_STATE, result);
}

/* The whole of one way; a negative errno is an ioctl's, a positive the result's. */
static inline int state_move(struct ring_dev *dev, uint32_t direction, int fd,
			     struct vhost_fs_device_state_result *result)
{
	int err = state_begin(dev, direction, fd, 0);

	if (!err)
		err = state_check(dev, result);
	return err ? err : result->error;
}

/* Saves into a new file in memory, from its begin; the descriptor. */
static inline int state_save(struct ring_dev *dev,
			     struct vhost_fs_device_state_result *result)
{
	int fd = memfd_create("state", MFD_CLOEXEC), err;

	err = state_move(dev, VHOST_FS_STATE_SAVE, fd, result);
	if (err) {
		close(fd);
		return err < 0 ? err : -err;
	}
	lseek(fd, 0, SEEK_SET);
	return fd;
}

/* A descriptor of a file in memory that has these bytes. */
static inline int state_file(const void *data, size_t size)
{
	int fd = memfd_create("state", MFD_CLOEXEC);

	if (write(fd, data, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* A device with an owner, rings and the bed's share, that was never started. */
static inline int state_open(struct bed *bed, struct ring_dev *dev)
{
	struct ring_config config = { 0 };
	int err = ring_open(dev, &config);

	return err ? err : ring_attach(dev, bed->share);
}

#endif /* VHOST_FS_TEST_STATE_H */
