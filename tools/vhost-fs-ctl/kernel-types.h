/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What sources that the tools share with the module need of the kernel's types.
 */
#ifndef VHOST_FS_CTL_KERNEL_TYPES_H
#define VHOST_FS_CTL_KERNEL_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint32_t u32;
typedef int32_t s32;
typedef uint64_t u64;

#endif /* VHOST_FS_CTL_KERNEL_TYPES_H */
