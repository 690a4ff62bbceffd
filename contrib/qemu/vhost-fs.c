/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Virtio file system device that the host kernel serves
 *
 * QEMU sets up the rings of an open /dev/vhost-fs and from then on only moves
 * interrupts and kicks where no irqfd or ioeventfd can. A descriptor is bound
 * to one share: either by whoever opened it and passes it as "vhostfd", so
 * that QEMU needs no right to the share, or here, by the name in "share".
 */

#include "vhost-fs-compat.h"
#include <sys/ioctl.h>
#include <linux/vhost_fs.h>
#include "standard-headers/linux/virtio_fs.h"
#include "standard-headers/linux/virtio_ids.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "qemu/module.h"
#include "hw/virtio/vhost-fs.h"
#include "hw/virtio/virtio-access.h"
#include "hw/virtio/virtio-bus.h"
#include "migration/vmstate.h"
#include "monitor/monitor.h"
#include "system/system.h"

#define VHOST_FS_DEVICE_PATH "/dev/vhost-fs"

/*
 * The guest's driver limits a request to the queue's size less four pages, so
 * the 128 of vhost-user-fs would cut 1 MiB reads and writes at 496 KiB. A
 * queue costs 26 bytes of guest memory per entry: there is nothing to save.
 */
#define VHOST_FS_QUEUE_SIZE_DEFAULT VIRTQUEUE_MAX_SIZE

/* Bits the guest gets only if the kernel offers them too */
static const int kernel_feature_bits[] = {
    VIRTIO_F_VERSION_1,
    VIRTIO_F_NOTIFY_ON_EMPTY,
    VIRTIO_RING_F_INDIRECT_DESC,
    VIRTIO_RING_F_EVENT_IDX,
    VIRTIO_F_RING_PACKED,
    VIRTIO_F_IOMMU_PLATFORM,
    VIRTIO_F_RING_RESET,
    VIRTIO_F_IN_ORDER,
    VIRTIO_F_NOTIFICATION_DATA,
    VHOST_INVALID_FEATURE_BIT
};

static void vhost_fs_get_config(VirtIODevice *vdev, uint8_t *config)
{
    VHostFS *fs = VHOST_FS(vdev);
    struct virtio_fs_config fscfg = {};

    /* A tag that fills the field has no NUL; the rest of it must be zero. */
    memcpy(fscfg.tag, fs->conf.tag, strlen(fs->conf.tag));
    virtio_stl_p(vdev, &fscfg.num_request_queues, fs->conf.num_request_queues);
    memcpy(config, &fscfg, sizeof(fscfg));
}

static uint64_t vhost_fs_get_features(VirtIODevice *vdev, uint64_t features,
                                      Error **errp)
{
    VHostFS *fs = VHOST_FS(vdev);

    return vhost_get_features(&fs->vhost_dev, kernel_feature_bits, features);
}

static int vhost_fs_set_running(VHostFS *fs, bool running)
{
    struct vhost_fs_running arg = {
        .size = sizeof(arg),
        .running = running,
    };
    int ret = RETRY_ON_EINTR(ioctl(fs->vhostfd, VHOST_FS_SET_RUNNING, &arg));

    return ret < 0 ? -errno : 0;
}

/*
 * The kernel serves every ring whose address it knows, and it keeps addresses
 * over a stop. Take away those of queues that this driver doesn't use: the one
 * before the reset may have used them, and the memory is no ring any more.
 */
static int vhost_fs_forget_unused_rings(VHostFS *fs)
{
    VirtIODevice *vdev = VIRTIO_DEVICE(fs);
    int i;

    for (i = 0; i < fs->vhost_dev.nvqs; i++) {
        struct vhost_vring_addr addr = { .index = i };

        if (virtio_queue_get_desc_addr(vdev, i)) {
            continue;
        }
        if (ioctl(fs->vhostfd, VHOST_SET_VRING_ADDR, &addr) < 0) {
            return -errno;
        }
    }
    return 0;
}

static int vhost_fs_start_backend(VHostFS *fs)
{
    VirtIODevice *vdev = VIRTIO_DEVICE(fs);
    int ret, i;

    ret = vhost_fs_forget_unused_rings(fs);
    if (ret < 0) {
        error_report("vhost-fs: unable to clear unused rings: %s",
                     strerror(-ret));
        return ret;
    }

    fs->vhost_dev.acked_features = vdev->guest_features;
    ret = vhost_dev_start(&fs->vhost_dev, vdev, true);
    if (ret < 0) {
        error_report("vhost-fs: unable to set up the rings: %s",
                     strerror(-ret));
        return ret;
    }

    /* Interrupts have to work before the first reply. */
    for (i = 0; i < fs->vhost_dev.nvqs; i++) {
        vhost_virtqueue_mask(&fs->vhost_dev, vdev, i, false);
    }

    ret = vhost_fs_set_running(fs, true);
    if (ret < 0) {
        error_report("vhost-fs: unable to start: %s", ret == -ENODEV ?
                     "no share is attached to vhostfd" : strerror(-ret));
        vhost_dev_stop(&fs->vhost_dev, vdev, true);
    }
    return ret;
}

static int vhost_fs_start(VirtIODevice *vdev)
{
    VHostFS *fs = VHOST_FS(vdev);
    BusState *qbus = BUS(qdev_get_parent_bus(DEVICE(vdev)));
    VirtioBusClass *k = VIRTIO_BUS_GET_CLASS(qbus);
    int ret;

    if (!k->set_guest_notifiers) {
        error_report("vhost-fs: binding does not support guest notifiers");
        return -ENOSYS;
    }

    ret = vhost_dev_enable_notifiers(&fs->vhost_dev, vdev);
    if (ret < 0) {
        error_report("vhost-fs: unable to enable host notifiers: %s",
                     strerror(-ret));
        return ret;
    }

    ret = k->set_guest_notifiers(qbus->parent, fs->vhost_dev.nvqs, true);
    if (ret < 0) {
        error_report("vhost-fs: unable to bind guest notifiers: %s",
                     strerror(-ret));
        goto err_host_notifiers;
    }

    ret = vhost_fs_start_backend(fs);
    if (ret < 0) {
        goto err_guest_notifiers;
    }
    return 0;

err_guest_notifiers:
    k->set_guest_notifiers(qbus->parent, fs->vhost_dev.nvqs, false);
err_host_notifiers:
    vhost_dev_disable_notifiers(&fs->vhost_dev, vdev);
    return ret;
}

static int vhost_fs_stop(VirtIODevice *vdev)
{
    VHostFS *fs = VHOST_FS(vdev);
    BusState *qbus = BUS(qdev_get_parent_bus(DEVICE(vdev)));
    VirtioBusClass *k = VIRTIO_BUS_GET_CLASS(qbus);
    int ret, ret_notifiers;

    /* Waits for requests in flight. After a failure tear down the same. */
    ret = vhost_fs_set_running(fs, false);
    if (ret < 0) {
        error_report("vhost-fs: unable to stop: %s", strerror(-ret));
    }

    vhost_dev_stop(&fs->vhost_dev, vdev, true);

    ret_notifiers = k->set_guest_notifiers(qbus->parent, fs->vhost_dev.nvqs,
                                           false);
    if (ret_notifiers < 0) {
        error_report("vhost-fs: unable to unbind guest notifiers: %s",
                     strerror(-ret_notifiers));
        return ret_notifiers;
    }

    vhost_dev_disable_notifiers(&fs->vhost_dev, vdev);
    return ret;
}

static VHostFSStatus vhost_fs_set_status(VirtIODevice *vdev, uint8_t status)
{
    VHostFS *fs = VHOST_FS(vdev);
    bool should_start = virtio_device_should_start(vdev, status);
    int ret = 0;

    if (vhost_dev_is_started(&fs->vhost_dev) != should_start) {
        ret = should_start ? vhost_fs_start(vdev) : vhost_fs_stop(vdev);
    }
    return VHOST_FS_STATUS(ret);
}

static void vhost_fs_handle_output(VirtIODevice *vdev, VirtQueue *vq)
{
    /* The kernel has the kicks; virtio's clean-up may still come here. */
}

static void vhost_fs_guest_notifier_mask(VirtIODevice *vdev, int idx, bool mask)
{
    VHostFS *fs = VHOST_FS(vdev);

    /* The configuration never changes, so it has no interrupt to mask. */
    if (idx != VIRTIO_CONFIG_IRQ_IDX) {
        vhost_virtqueue_mask(&fs->vhost_dev, vdev, idx, mask);
    }
}

static bool vhost_fs_guest_notifier_pending(VirtIODevice *vdev, int idx)
{
    VHostFS *fs = VHOST_FS(vdev);

    return idx != VIRTIO_CONFIG_IRQ_IDX &&
           vhost_virtqueue_pending(&fs->vhost_dev, idx);
}

static struct vhost_dev *vhost_fs_get_vhost(VirtIODevice *vdev)
{
    VHostFS *fs = VHOST_FS(vdev);

    return &fs->vhost_dev;
}

static bool vhost_fs_check_tag(const char *tag, Error **errp)
{
    const size_t max = sizeof_field(struct virtio_fs_config, tag);

    if (!tag) {
        error_setg(errp, "vhost-fs: missing 'tag', the name by which the "
                   "guest mounts");
        return false;
    }
    if (strlen(tag) < 1 || strlen(tag) > max) {
        error_setg(errp, "vhost-fs: 'tag' must have 1 to %zu bytes, not %zu",
                   max, strlen(tag));
        return false;
    }
    return true;
}

static bool vhost_fs_check_share(const char *share, Error **errp)
{
    if (strlen(share) < 1 || strlen(share) > VHOST_FS_SHARE_NAME_MAX) {
        error_setg(errp, "vhost-fs: 'share' must have 1 to %d bytes, not %zu",
                   VHOST_FS_SHARE_NAME_MAX, strlen(share));
        return false;
    }
    return true;
}

static bool vhost_fs_check_conf(const VHostFSConf *conf, Error **errp)
{
    if (!conf->vhostfd && !conf->share) {
        error_setg(errp, "vhost-fs: give 'vhostfd' (an open "
                   VHOST_FS_DEVICE_PATH " with a share attached) or 'share' "
                   "(the name of one)");
        return false;
    }
    if (conf->vhostfd && conf->share) {
        error_setg(errp, "vhost-fs: 'vhostfd' and 'share' exclude each other");
        return false;
    }
    if (conf->share && !vhost_fs_check_share(conf->share, errp)) {
        return false;
    }
    return vhost_fs_check_tag(conf->tag, errp);
}

/* The limits are the kernel's to set, so ask it. */
static bool vhost_fs_check_limits(const VHostFSConf *conf, int fd, Error **errp)
{
    struct vhost_fs_info info = { .size = sizeof(info) };
    unsigned int max_size;

    if (ioctl(fd, VHOST_FS_GET_INFO, &info) < 0) {
        error_setg_errno(errp, errno, "vhost-fs: not an open "
                         VHOST_FS_DEVICE_PATH);
        return false;
    }
    if (info.abi_version != VHOST_FS_ABI_VERSION) {
        error_setg(errp, "vhost-fs: the kernel speaks version %u of its "
                   "interface, this QEMU version %u", info.abi_version,
                   VHOST_FS_ABI_VERSION);
        return false;
    }
    if (conf->num_request_queues < 1 ||
        conf->num_request_queues > info.max_request_queues) {
        error_setg(errp, "vhost-fs: 'num-request-queues' must be 1 to %u, "
                   "not %u", info.max_request_queues,
                   conf->num_request_queues);
        return false;
    }
    max_size = MIN(info.max_queue_size, VIRTQUEUE_MAX_SIZE);
    if (!is_power_of_2(conf->queue_size) || conf->queue_size > max_size) {
        error_setg(errp, "vhost-fs: 'queue-size' must be a power of two up to "
                   "%u, not %u", max_size, conf->queue_size);
        return false;
    }
    return true;
}

static int vhost_fs_take_fd(const char *vhostfd, Error **errp)
{
    ERRP_GUARD();
    int fd = monitor_fd_param(monitor_cur(), vhostfd, errp);

    if (fd < 0) {
        error_prepend(errp, "vhost-fs: 'vhostfd' is no descriptor: ");
        return -1;
    }
    return fd;
}

static int vhost_fs_open_share(const char *share, Error **errp)
{
    struct vhost_fs_share_name arg = { .size = sizeof(arg) };
    int fd = open(VHOST_FS_DEVICE_PATH, O_RDWR | O_CLOEXEC);

    if (fd < 0) {
        error_setg_errno(errp, errno, "vhost-fs: unable to open "
                         VHOST_FS_DEVICE_PATH);
        return -1;
    }

    memcpy(arg.name, share, strlen(share));
    if (ioctl(fd, VHOST_FS_ATTACH_SHARE, &arg) < 0) {
        error_setg_errno(errp, errno, "vhost-fs: unable to attach share '%s'",
                         share);
        close(fd);
        return -1;
    }
    return fd;
}

static int vhost_fs_open_backend(const VHostFSConf *conf, Error **errp)
{
    int fd = conf->vhostfd ? vhost_fs_take_fd(conf->vhostfd, errp)
                           : vhost_fs_open_share(conf->share, errp);

    if (fd < 0) {
        return -1;
    }
    if (!vhost_fs_check_limits(conf, fd, errp)) {
        goto err_close;
    }
    /* vhost's IOTLB messages are read until there are no more */
    if (!g_unix_set_fd_nonblocking(fd, true, NULL)) {
        error_setg_errno(errp, errno,
                         "vhost-fs: unable to set non-blocking mode");
        goto err_close;
    }
    return fd;

err_close:
    close(fd);
    return -1;
}

static void vhost_fs_add_queues(VHostFS *fs)
{
    VirtIODevice *vdev = VIRTIO_DEVICE(fs);
    unsigned int nvqs = 1 + fs->conf.num_request_queues;
    unsigned int i;

    virtio_init(vdev, VIRTIO_ID_FS, sizeof(struct virtio_fs_config));

    fs->vqs = g_new(VirtQueue *, nvqs);
    for (i = 0; i < nvqs; i++) {
        fs->vqs[i] = virtio_add_queue(vdev, fs->conf.queue_size,
                                      vhost_fs_handle_output);
    }
    fs->vhost_vqs = g_new0(struct vhost_virtqueue, nvqs);
}

static void vhost_fs_delete_queues(VHostFS *fs)
{
    unsigned int i;

    for (i = 0; i < 1 + fs->conf.num_request_queues; i++) {
        virtio_delete_queue(fs->vqs[i]);
    }
    g_clear_pointer(&fs->vqs, g_free);
    virtio_cleanup(VIRTIO_DEVICE(fs));
    g_clear_pointer(&fs->vhost_vqs, g_free);
}

/*
 * What the guest has looked up and opened lives in the kernel, which writes it
 * to a pipe and reads it from one. vhost has operations for that, which its
 * kernel backend lacks.
 */

static VHostFS *vhost_fs_of(struct vhost_dev *dev)
{
    return container_of(dev, VHostFS, vhost_dev);
}

/* Where the call is known, it is wrong now: no transfer was begun. */
static bool vhost_fs_supports_device_state(struct vhost_dev *dev)
{
    struct vhost_fs_device_state_result result = { .size = sizeof(result) };

    return ioctl(vhost_fs_of(dev)->vhostfd, VHOST_FS_CHECK_DEVICE_STATE,
                 &result) == 0 || errno != ENOTTY;
}

static int vhost_fs_set_device_state_fd(struct vhost_dev *dev,
                                        VhostDeviceStateDirection direction,
                                        VhostDeviceStatePhase phase,
                                        int fd, int *reply_fd, Error **errp)
{
    struct vhost_fs_device_state_fd arg = {
        .size = sizeof(arg),
        .direction = direction == VHOST_TRANSFER_STATE_DIRECTION_SAVE ?
                     VHOST_FS_STATE_SAVE : VHOST_FS_STATE_LOAD,
        .phase = phase,
        .fd = fd,
    };
    int ret = 0;

    *reply_fd = -1;
    if (RETRY_ON_EINTR(ioctl(vhost_fs_of(dev)->vhostfd,
                             VHOST_FS_SET_DEVICE_STATE_FD, &arg)) < 0) {
        ret = -errno;
        error_setg_errno(errp, -ret, "vhost-fs: the kernel doesn't %s the "
                         "device's state",
                         arg.direction == VHOST_FS_STATE_SAVE ? "save" : "load");
    }
    /* The kernel has its own reference, and the pipe's end is to be noticed. */
    close(fd);
    return ret;
}

static const char *vhost_fs_state_reason(uint32_t reason)
{
    static const char *const reasons[] = {
        [VHOST_FS_STATE_ERR_IO] = "the transfer broke off",
        [VHOST_FS_STATE_ERR_STREAM] = "no device state, from this byte on",
        [VHOST_FS_STATE_ERR_OPTION] =
            "the share doesn't allow these FUSE_INIT flags",
        [VHOST_FS_STATE_ERR_NODE] = "the file of this node can't be found",
        [VHOST_FS_STATE_ERR_HANDLE] = "this open file can't be opened again",
        [VHOST_FS_STATE_ERR_LOCKS] =
            "the guest holds locks by this open file, or waits for some",
        [VHOST_FS_STATE_ERR_LIMIT] = "beyond the share's limits",
        [VHOST_FS_STATE_ERR_MEMORY] = "memory is short",
        [VHOST_FS_STATE_ERR_CANCELLED] = "cancelled",
        [VHOST_FS_STATE_ERR_VERSION] =
            "of a later version of vhost_fs, by the number at this byte",
    };

    return reason < ARRAY_SIZE(reasons) && reasons[reason] ? reasons[reason]
                                                           : "unknown reason";
}

static int vhost_fs_check_device_state(struct vhost_dev *dev, Error **errp)
{
    struct vhost_fs_device_state_result result = { .size = sizeof(result) };

    if (RETRY_ON_EINTR(ioctl(vhost_fs_of(dev)->vhostfd,
                             VHOST_FS_CHECK_DEVICE_STATE, &result)) < 0) {
        int ret = -errno;

        error_setg_errno(errp, -ret, "vhost-fs: unable to learn how the "
                         "transfer of the device's state ended");
        return ret;
    }
    if (result.error) {
        error_setg_errno(errp, abs(result.error), "vhost-fs: %s (0x%" PRIx64 ")",
                         vhost_fs_state_reason(result.reason),
                         (uint64_t)result.object);
        return -abs(result.error);
    }
    if (result.lost_nodes || result.lost_handles) {
        warn_report("vhost-fs: the guest has lost %" PRIu64 " files and %" PRIu64
                    " open ones", (uint64_t)result.lost_nodes,
                    (uint64_t)result.lost_handles);
    }
    return 0;
}

/* After vhost_dev_init(), which has chosen the kernel's operations. */
static void vhost_fs_add_ops(VHostFS *fs)
{
    fs->vhost_ops = *fs->vhost_dev.vhost_ops;
    fs->vhost_ops.vhost_supports_device_state = vhost_fs_supports_device_state;
    fs->vhost_ops.vhost_set_device_state_fd = vhost_fs_set_device_state_fd;
    fs->vhost_ops.vhost_check_device_state = vhost_fs_check_device_state;
    fs->vhost_dev.vhost_ops = &fs->vhost_ops;
}

static void vhost_fs_device_realize(DeviceState *dev, Error **errp)
{
    VHostFS *fs = VHOST_FS(dev);

    if (!vhost_fs_check_conf(&fs->conf, errp)) {
        return;
    }
    fs->vhostfd = vhost_fs_open_backend(&fs->conf, errp);
    if (fs->vhostfd < 0) {
        return;
    }

    vhost_fs_add_queues(fs);
    fs->vhost_dev.nvqs = 1 + fs->conf.num_request_queues;
    fs->vhost_dev.vqs = fs->vhost_vqs;
    if (vhost_dev_init(&fs->vhost_dev, (void *)(uintptr_t)fs->vhostfd,
                       VHOST_BACKEND_TYPE_KERNEL, 0, errp) < 0) {
        /* It has closed the descriptor. */
        vhost_fs_delete_queues(fs);
        return;
    }
    vhost_fs_add_ops(fs);
}

static void vhost_fs_device_unrealize(DeviceState *dev)
{
    VHostFS *fs = VHOST_FS(dev);

    /* Stops the kernel if it runs */
    vhost_fs_set_status(VIRTIO_DEVICE(fs), 0);

    /* Closes the descriptor */
    vhost_dev_cleanup(&fs->vhost_dev);
    vhost_fs_delete_queues(fs);
}

static int vhost_fs_state_failed(VHostFS *fs, const char *what, Error *err,
                                 int ret)
{
    VirtIODevice *vdev = VIRTIO_DEVICE(fs);

    error_reportf_err(err, "unable to %s the state of %s (tag \"%s\"): ", what,
                      DEVICE(vdev)->canonical_path, fs->conf.tag);
    return ret;
}

static int vhost_fs_save_state(QEMUFile *f, void *pv, size_t size,
                               const VMStateField *field, JSONWriter *vmdesc)
{
    VHostFS *fs = VHOST_FS(pv);
    Error *err = NULL;
    int ret = vhost_save_backend_state(&fs->vhost_dev, f, &err);

    return ret < 0 ? vhost_fs_state_failed(fs, "save", err, ret) : 0;
}

static int vhost_fs_load_state(QEMUFile *f, void *pv, size_t size,
                               const VMStateField *field)
{
    VHostFS *fs = VHOST_FS(pv);
    Error *err = NULL;
    int ret = vhost_load_backend_state(&fs->vhost_dev, f, &err);

    return ret < 0 ? vhost_fs_state_failed(fs, "load", err, ret) : 0;
}

static int vhost_fs_check_migration(void *opaque)
{
    VHostFS *fs = VHOST_FS(opaque);

    if (vhost_supports_device_state(&fs->vhost_dev)) {
        return 0;
    }
    error_report("vhost-fs: the host kernel can't move the state of a device");
    return -ENOTSUP;
}

static bool vhost_fs_has_state(void *opaque)
{
    return true;
}

/*
 * The names, versions and fields are those of vhost-user-fs, and so is what the
 * kernel writes: a guest can go on with either device on the other host.
 */
static const VMStateDescription vhost_fs_backend_vmstate = {
    .name = "vhost-user-fs-backend",
    .version_id = 0,
    .needed = vhost_fs_has_state,
    .pre_load = vhost_fs_check_migration,
    .pre_save = vhost_fs_check_migration,
    .fields = (const VMStateField[]) {
        {
            .name = "back-end",
            .info = &(const VMStateInfo) {
                .name = "virtio-fs back-end state",
                .get = vhost_fs_load_state,
                .put = vhost_fs_save_state,
            },
        },
        VMSTATE_END_OF_LIST()
    },
};

static const VMStateDescription vhost_fs_vmstate = {
    .name = "vhost-user-fs",
    .version_id = 0,
    .fields = (const VMStateField[]) {
        VMSTATE_VIRTIO_DEVICE,
        VMSTATE_END_OF_LIST()
    },
    .subsections = (const VMStateDescription * const []) {
        &vhost_fs_backend_vmstate,
        NULL,
    }
};

static const Property vhost_fs_properties[] = {
    DEFINE_PROP_STRING("vhostfd", VHostFS, conf.vhostfd),
    DEFINE_PROP_STRING("share", VHostFS, conf.share),
    DEFINE_PROP_STRING("tag", VHostFS, conf.tag),
    DEFINE_PROP_UINT16("num-request-queues", VHostFS,
                       conf.num_request_queues, 1),
    DEFINE_PROP_UINT16("queue-size", VHostFS, conf.queue_size,
                       VHOST_FS_QUEUE_SIZE_DEFAULT),
};

static void vhost_fs_instance_init(Object *obj)
{
    VHostFS *fs = VHOST_FS(obj);

    device_add_bootindex_property(obj, &fs->bootindex, "bootindex",
                                  "/filesystem@0", DEVICE(obj));
}

static void vhost_fs_class_init(ObjectClass *klass, VHostFSClassData *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    VirtioDeviceClass *vdc = VIRTIO_DEVICE_CLASS(klass);

    device_class_set_props(dc, vhost_fs_properties);
    dc->vmsd = &vhost_fs_vmstate;
    set_bit(DEVICE_CATEGORY_STORAGE, dc->categories);
    vdc->realize = vhost_fs_device_realize;
    vdc->unrealize = vhost_fs_device_unrealize;
    vdc->get_features = vhost_fs_get_features;
    vdc->get_config = vhost_fs_get_config;
    vdc->set_status = vhost_fs_set_status;
    vdc->guest_notifier_mask = vhost_fs_guest_notifier_mask;
    vdc->guest_notifier_pending = vhost_fs_guest_notifier_pending;
    vdc->get_vhost = vhost_fs_get_vhost;
}

static const TypeInfo vhost_fs_info = {
    .name          = TYPE_VHOST_FS,
    .parent        = TYPE_VIRTIO_DEVICE,
    .instance_size = sizeof(VHostFS),
    .instance_init = vhost_fs_instance_init,
    .class_init    = vhost_fs_class_init,
};

static void vhost_fs_register_types(void)
{
    type_register_static(&vhost_fs_info);
}

type_init(vhost_fs_register_types)
