/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What QEMU 10.0 to 11 call differently. The device is written for the newest;
 * this is the only file that looks at versions. Include it first.
 */

#ifndef QEMU_VHOST_FS_COMPAT_H
#define QEMU_VHOST_FS_COMPAT_H

#include "qemu/osdep.h"

/* The qdev headers moved to hw/core/ in 11.0. */
#if __has_include("hw/core/qdev-properties.h")
#include "hw/core/qdev-properties.h"
#include "hw/core/qdev-properties-system.h"
#else
#include "hw/qdev-properties.h"
#include "hw/qdev-properties-system.h"
#endif

/* Since 10.1 class data is const, and set_status can fail. */
#if QEMU_VERSION_MAJOR == 10 && QEMU_VERSION_MINOR == 0
typedef void VHostFSClassData;
typedef void VHostFSStatus;
#define VHOST_FS_STATUS(ret) ((void)(ret))
#else
typedef const void VHostFSClassData;
typedef int VHostFSStatus;
#define VHOST_FS_STATUS(ret) (ret)
#endif

#endif /* QEMU_VHOST_FS_COMPAT_H */
