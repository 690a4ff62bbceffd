/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A vhost-user session's device state, which the kernel reads and writes.
 */
#ifndef CTL_VU_STATE_H
#define CTL_VU_STATE_H

#include "vu-message.h"

/*
 * Has the kernel begin to read or write @device's state, by @fd, which is the
 * caller's to close. Returns NULL, or why it didn't.
 */
const char *vu_state_begin(int device, const struct vu_transfer *transfer, int fd);

/* Waits for the end. Returns NULL, or how it failed, until the next call. */
const char *vu_state_check(int device);

#endif /* CTL_VU_STATE_H */
