/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vhost-fs-virtiofsd: this program by its other name.
 */
#ifndef CTL_VIRTIOFSD_H
#define CTL_VIRTIOFSD_H

/* Returns the exit status, or ARGS_DONE. */
int virtiofsd_main(int argc, char **argv);

#endif /* CTL_VIRTIOFSD_H */
