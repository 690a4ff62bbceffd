/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The share of one vhost-fs-virtiofsd.
 */
#ifndef CTL_VIRTIOFSD_SHARE_H
#define CTL_VIRTIOFSD_SHARE_H

#include "virtiofsd-options.h"

/*
 * Makes the share and attaches @device to it. It has no name afterwards, and
 * goes with the device. Returns 0, or an exit status after an error was printed.
 */
int virtiofsd_make_share(struct virtiofsd_options *options, int device);

#endif /* CTL_VIRTIOFSD_SHARE_H */
