/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The vhost core as an out-of-tree module sees it.
 *
 * drivers/vhost/vhost.h is in no headers package. The structures come from the
 * BTF of the vhost.ko this module will be linked with (vhost-btf.sh), or, when
 * the build was given VHOST_SRC, from that kernel's own header. The functions'
 * prototypes are written down here; only those that vhost_fs calls.
 */
#ifndef VHOST_FS_VHOST_CORE_H
#define VHOST_FS_VHOST_CORE_H

#include <linux/build_bug.h>
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/irqbypass.h>
#include <linux/llist.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/sched/vhost_task.h>
#include <linux/uio.h>
#include <linux/vhost.h>
#include <linux/vhost_iotlb.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <linux/wait.h>
#include <linux/xarray.h>

#ifdef VHOST_FS_VHOST_SRC
#include "vhost.h"
#else

struct vhost_dev;
struct vhost_virtqueue;
struct vhost_work;
struct vhost_worker;
typedef void (*vhost_work_fn_t)(struct vhost_work *work);

#include "vhost_btf.h"

static inline void vhost_vq_set_backend(struct vhost_virtqueue *vq, void *data)
{
	vq->private_data = data;
}

static inline void *vhost_vq_get_backend(struct vhost_virtqueue *vq)
{
	return vq->private_data;
}

static inline bool vhost_has_feature(struct vhost_virtqueue *vq, int bit)
{
	return vq->acked_features & BIT_ULL(bit);
}

#endif /* !VHOST_FS_VHOST_SRC */

/* Where vhost.h is there as well, the compiler holds these against it. */
void vhost_dev_init(struct vhost_dev *dev, struct vhost_virtqueue **vqs,
		    int nvqs, int iov_limit, int weight, int byte_weight,
		    bool use_worker,
		    int (*msg_handler)(struct vhost_dev *dev, u32 asid,
				       struct vhost_iotlb_msg *msg));
bool vhost_dev_has_owner(struct vhost_dev *dev);
long vhost_dev_check_owner(struct vhost_dev *dev);
void vhost_dev_cleanup(struct vhost_dev *dev);
void vhost_dev_stop(struct vhost_dev *dev);
void vhost_dev_reset_owner(struct vhost_dev *dev, struct vhost_iotlb *iotlb);
long vhost_dev_ioctl(struct vhost_dev *dev, unsigned int ioctl,
		     void __user *argp);
long vhost_vring_ioctl(struct vhost_dev *dev, unsigned int ioctl,
		       void __user *argp);
bool vhost_vq_access_ok(struct vhost_virtqueue *vq);
bool vhost_log_access_ok(struct vhost_dev *dev);
int vhost_vq_init_access(struct vhost_virtqueue *vq);
int vhost_get_vq_desc(struct vhost_virtqueue *vq, struct iovec iov[],
		      unsigned int iov_size, unsigned int *out_num,
		      unsigned int *in_num, struct vhost_log *log,
		      unsigned int *log_num);
int vhost_add_used(struct vhost_virtqueue *vq, unsigned int head, int len);
void vhost_signal(struct vhost_dev *dev, struct vhost_virtqueue *vq);
void vhost_disable_notify(struct vhost_dev *dev, struct vhost_virtqueue *vq);
bool vhost_enable_notify(struct vhost_dev *dev, struct vhost_virtqueue *vq);
int vhost_log_write(struct vhost_virtqueue *vq, struct vhost_log *log,
		    unsigned int log_num, u64 len, struct iovec *iov,
		    int count);

#endif /* VHOST_FS_VHOST_CORE_H */
