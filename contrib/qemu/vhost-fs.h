/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Virtio file system device that the host kernel serves (/dev/vhost-fs)
 */

#ifndef QEMU_VHOST_FS_H
#define QEMU_VHOST_FS_H

#include "hw/virtio/virtio.h"
#include "hw/virtio/vhost.h"
#include "qom/object.h"

#define TYPE_VHOST_FS "vhost-fs-device"
OBJECT_DECLARE_SIMPLE_TYPE(VHostFS, VHOST_FS)

typedef struct {
    char *vhostfd;
    char *share;
    char *tag;
    uint16_t num_request_queues;
    uint16_t queue_size;
} VHostFSConf;

struct VHostFS {
    VirtIODevice parent_obj;

    VHostFSConf conf;
    int32_t bootindex;

    /* Owned by vhost_dev once vhost_dev_init() has taken it */
    int vhostfd;
    struct vhost_dev vhost_dev;
    /* The kernel's, with what moves the device's state */
    VhostOps vhost_ops;
    struct vhost_virtqueue *vhost_vqs;

    /* The hiprio queue, then the request queues */
    VirtQueue **vqs;
};

#endif /* QEMU_VHOST_FS_H */
