/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every unit test includes first; cmocka wants these headers before its
 * own.
 */
#ifndef VHOST_FS_UNIT_H
#define VHOST_FS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif /* VHOST_FS_UNIT_H */
