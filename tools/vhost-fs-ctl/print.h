/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The printers: commands gather, these write.
 */
#ifndef CTL_PRINT_H
#define CTL_PRINT_H

#include <stdio.h>

#include "info.h"

void print_shares_text(FILE *out, const struct share_list *list);
void print_shares_json(FILE *out, const struct share_list *list);
void print_devices_text(FILE *out, const struct device_list *list);
void print_devices_json(FILE *out, const struct device_list *list);

/* Writes @text as a JSON string, quotes included. */
void print_json_string(FILE *out, const char *text);

#endif /* CTL_PRINT_H */
