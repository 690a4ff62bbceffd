/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The credentials of this process, which a share serves with.
 */
#ifndef CTL_CAPS_H
#define CTL_CAPS_H

/*
 * Gives up, for good, every privilege that a share has no use for. Returns 0,
 * or an exit status after an error was printed.
 */
int caps_limit_to_share(void);

/* "cap_chown" for 0 and so on; the buffer of unknown ones is reused. */
const char *caps_name(unsigned int capability);

#endif /* CTL_CAPS_H */
