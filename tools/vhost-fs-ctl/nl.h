/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading from the generic netlink family "vhost_fs". Functions return 0, or an
 * exit status after an error was printed; the caller frees the list.
 */
#ifndef CTL_NL_H
#define CTL_NL_H

#include "info.h"

int nl_list_shares(struct share_list *list);
int nl_list_devices(struct device_list *list);

#endif /* CTL_NL_H */
