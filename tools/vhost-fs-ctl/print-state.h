/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The printers of device states; each writes what it was given, in its order.
 */
#ifndef CTL_PRINT_STATE_H
#define CTL_PRINT_STATE_H

#include <stdio.h>

#include "state_codec.h"

/* For people: a line for each node, open file and mount. */
void print_state_text(FILE *out, const struct vhost_fs_state *st);

/*
 * One object, whose members are called as in state_codec.h. Node ids and the like
 * are numbers of up to 64 bits; file handles are strings of hexadecimal digits.
 */
void print_state_json(FILE *out, const struct vhost_fs_state *st);

#endif /* CTL_PRINT_STATE_H */
