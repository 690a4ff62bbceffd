/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * PCI bindings of the virtio file system device that the host kernel serves
 */

#include "vhost-fs-compat.h"
#include "hw/virtio/vhost-fs.h"
#include "hw/virtio/virtio-pci.h"
#include "qemu/module.h"
#include "qom/object.h"

typedef struct VHostFSPCI VHostFSPCI;

#define TYPE_VHOST_FS_PCI "vhost-fs-pci-base"
DECLARE_INSTANCE_CHECKER(VHostFSPCI, VHOST_FS_PCI, TYPE_VHOST_FS_PCI)

struct VHostFSPCI {
    VirtIOPCIProxy parent_obj;
    VHostFS vdev;
};

static const Property vhost_fs_pci_properties[] = {
    DEFINE_PROP_UINT32("vectors", VirtIOPCIProxy, nvectors,
                       DEV_NVECTORS_UNSPECIFIED),
};

static void vhost_fs_pci_realize(VirtIOPCIProxy *vpci_dev, Error **errp)
{
    VHostFSPCI *dev = VHOST_FS_PCI(vpci_dev);

    if (vpci_dev->nvectors == DEV_NVECTORS_UNSPECIFIED) {
        /* One for changes of the configuration, one for the hiprio queue */
        vpci_dev->nvectors = dev->vdev.conf.num_request_queues + 2;
    }

    qdev_realize(DEVICE(&dev->vdev), BUS(&vpci_dev->bus), errp);
}

static void vhost_fs_pci_class_init(ObjectClass *klass, VHostFSClassData *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    VirtioPCIClass *k = VIRTIO_PCI_CLASS(klass);
    PCIDeviceClass *pcidev_k = PCI_DEVICE_CLASS(klass);

    k->realize = vhost_fs_pci_realize;
    set_bit(DEVICE_CATEGORY_STORAGE, dc->categories);
    dc->desc = "virtio file system served by the host kernel";
    device_class_set_props(dc, vhost_fs_pci_properties);
    pcidev_k->vendor_id = PCI_VENDOR_ID_REDHAT_QUMRANET;
    pcidev_k->device_id = 0; /* virtio-pci derives it from the virtio id */
    pcidev_k->revision = 0x00;
    pcidev_k->class_id = PCI_CLASS_STORAGE_OTHER;
}

static void vhost_fs_pci_instance_init(Object *obj)
{
    VHostFSPCI *dev = VHOST_FS_PCI(obj);

    virtio_instance_init_common(obj, &dev->vdev, sizeof(dev->vdev),
                                TYPE_VHOST_FS);
    object_property_add_alias(obj, "bootindex", OBJECT(&dev->vdev),
                              "bootindex");
}

static const VirtioPCIDeviceTypeInfo vhost_fs_pci_info = {
    .base_name             = TYPE_VHOST_FS_PCI,
    .non_transitional_name = "vhost-fs-pci",
    .instance_size         = sizeof(VHostFSPCI),
    .instance_init         = vhost_fs_pci_instance_init,
    .class_init            = vhost_fs_pci_class_init,
};

static void vhost_fs_pci_register(void)
{
    virtio_pci_types_register(&vhost_fs_pci_info);
}

type_init(vhost_fs_pci_register)
