// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test only: puts a virtio-fs device into the same kernel that serves it, so
 * that the stock guest driver mounts a share without a nested VM. Physical
 * memory plays the guest's memory; loopbackd maps it and sets up the server.
 *
 * A struct loopback belongs to one open file and to the virtio device that this
 * file made; it is freed when both are gone. The device is unregistered by a
 * work item, never by the daemon's own thread: the driver waits for requests in
 * flight, and for the daemon to stop the server, before it lets go.
 *
 * A daemon that dies leaves requests that nobody will answer. The file's last
 * reference is in the mappings, so when it is released the daemon's mm is gone,
 * and with it every thread that served in it: what is available and not used by
 * then was never taken, and is answered with ENOTCONN here.
 */
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/fuse.h>
#include <linux/io.h>
#include <linux/kref.h>
#include <linux/log2.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <linux/virtio_fs.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "vhost_fs_loopback.h"

/* Larger than any memory: who maps the file may check its size first. */
#define LOOPBACK_FILE_SIZE	BIT_ULL(52)

/*
 * @call_wqh's lock guards @vq against the interrupt, which arrives as a wake-up
 * of @call under that lock.
 */
struct loopback_queue {
	struct virtqueue *vq;
	struct eventfd_ctx *kick;
	struct eventfd_ctx *call;
	wait_queue_head_t *call_wqh;
	wait_queue_entry_t call_wait;
	poll_table call_poll;
};

struct loopback {
	struct virtio_device vdev;
	struct kref kref;
	struct virtio_fs_config config;
	u32 nqueues;
	u32 queue_size;
	u8 status;
	struct mutex lock;		/* @created, @leaving */
	bool created;
	bool leaving;
	spinlock_t state_lock;		/* @wanted, @generation, @acked */
	enum loopback_wanted wanted;
	u32 generation;
	u32 acked;
	bool dead;			/* set once, when the file is released */
	wait_queue_head_t wait;
	struct work_struct leave_work;
	struct work_struct refuse_work;
	struct completion released;	/* the device's last reference is gone */
	struct loopback_queue queues[LOOPBACK_MAX_QUEUES];
};

/* Holds what outlives the file: unregistering, and refusing meanwhile. */
static struct workqueue_struct *loopback_wq;
static struct miscdevice loopback_misc;

static struct loopback *to_loopback(struct virtio_device *vdev)
{
	return container_of(vdev, struct loopback, vdev);
}

static void loopback_free(struct kref *kref)
{
	struct loopback *lb = container_of(kref, struct loopback, kref);
	struct loopback_queue *queue;

	/* loopback_release() may ask for it when the rings are long gone. */
	cancel_work_sync(&lb->refuse_work);
	for (queue = lb->queues; queue < lb->queues + lb->nqueues; queue++) {
		u64 count;

		if (queue->call_wqh)
			eventfd_ctx_remove_wait_queue(queue->call, &queue->call_wait, &count);
		if (queue->call)
			eventfd_ctx_put(queue->call);
		if (queue->kick)
			eventfd_ctx_put(queue->kick);
	}
	kfree(lb);
}

/* What the driver wants */

static void loopback_want(struct loopback *lb, enum loopback_wanted wanted)
{
	spin_lock(&lb->state_lock);
	lb->wanted = wanted;
	lb->generation++;
	spin_unlock(&lb->state_lock);
	wake_up_all(&lb->wait);
}

static bool loopback_acked(struct loopback *lb)
{
	bool acked;

	spin_lock(&lb->state_lock);
	acked = lb->acked == lb->generation;
	spin_unlock(&lb->state_lock);
	return acked;
}

/* Requests that nobody serves */

static struct loopback_queue *loopback_queue_of(struct virtqueue *vq)
{
	return &to_loopback(vq->vdev)->queues[vq->index];
}

/*
 * Writes the answer to a chain into its first writable descriptor; returns the
 * length for the used element. FORGETs have none.
 */
static u32 loopback_refuse_chain(struct virtio_device *vdev, const struct vring_desc *desc,
				 unsigned int n, unsigned int i)
{
	const struct fuse_in_header *in = phys_to_virt(virtio64_to_cpu(vdev, desc[i].addr));
	unsigned int left;

	for (left = n; left && i < n; left--) {
		u16 flags = virtio16_to_cpu(vdev, desc[i].flags);

		if (flags & VRING_DESC_F_WRITE) {
			struct fuse_out_header *out =
				phys_to_virt(virtio64_to_cpu(vdev, desc[i].addr));

			out->len = sizeof(*out);
			out->error = -ENOTCONN;
			out->unique = in->unique;
			return sizeof(*out);
		}
		if (!(flags & VRING_DESC_F_NEXT))
			break;
		i = virtio16_to_cpu(vdev, desc[i].next);
	}
	return 0;
}

static u32 loopback_refuse_head(struct virtio_device *vdev, const struct vring *vr, u16 head)
{
	const struct vring_desc *desc = &vr->desc[head % vr->num];

	if (virtio16_to_cpu(vdev, desc->flags) & VRING_DESC_F_INDIRECT) {
		u32 n = virtio32_to_cpu(vdev, desc->len) / sizeof(*desc);

		return loopback_refuse_chain(vdev, phys_to_virt(virtio64_to_cpu(vdev, desc->addr)),
					     n, 0);
	}
	return loopback_refuse_chain(vdev, vr->desc, vr->num, head % vr->num);
}

/* Until the driver's next kick, which the last store asks for. */
static void loopback_refuse_queue(struct virtio_device *vdev, struct virtqueue *vq)
{
	const struct vring *vr = virtqueue_get_vring(vq);
	u16 used = virtio16_to_cpu(vdev, vr->used->idx);

	do {
		while (used != virtio16_to_cpu(vdev, READ_ONCE(vr->avail->idx))) {
			struct vring_used_elem *elem = &vr->used->ring[used % vr->num];
			u16 head;

			smp_rmb(); /* the entry was written before the index */
			head = virtio16_to_cpu(vdev, vr->avail->ring[used % vr->num]);
			elem->id = cpu_to_virtio32(vdev, head);
			elem->len = cpu_to_virtio32(vdev, loopback_refuse_head(vdev, vr, head));
			smp_wmb(); /* the element before the index */
			vr->used->idx = cpu_to_virtio16(vdev, ++used);
		}
		vr->used->flags = 0;
		vring_avail_event(vr) = cpu_to_virtio16(vdev, used);
		smp_mb(); /* the driver kicks, or we see what it added */
	} while (used != virtio16_to_cpu(vdev, READ_ONCE(vr->avail->idx)));
	vring_interrupt(0, vq);
}

/* One instance runs at a time, being one work item; del_vqs() waits for it. */
static void loopback_refuse_work(struct work_struct *work)
{
	struct loopback *lb = container_of(work, struct loopback, refuse_work);
	unsigned int i;

	for (i = 0; i < lb->nqueues; i++)
		if (lb->queues[i].vq)
			loopback_refuse_queue(&lb->vdev, lb->queues[i].vq);
}

/* The device as its driver sees it */

static bool loopback_notify(struct virtqueue *vq)
{
	struct loopback *lb = to_loopback(vq->vdev);

	/* pairs with loopback_release(): no server looks at the rings any more */
	if (smp_load_acquire(&lb->dead))
		queue_work(loopback_wq, &lb->refuse_work);
	else
		eventfd_signal(loopback_queue_of(vq)->kick);
	return true;
}

/* Interrupt: the server has signalled the call eventfd. */
static int loopback_called(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
	struct loopback_queue *queue = container_of(wait, struct loopback_queue, call_wait);
	u64 count;

	if (!(key_to_poll(key) & EPOLLIN))
		return 0;
	eventfd_ctx_do_read(queue->call, &count);
	if (queue->vq)
		vring_interrupt(0, queue->vq);
	return 0;
}

static void loopback_set_vq(struct loopback_queue *queue, struct virtqueue *vq)
{
	spin_lock_irq(&queue->call_wqh->lock);
	queue->vq = vq;
	spin_unlock_irq(&queue->call_wqh->lock);
}

static void loopback_del_vqs(struct virtio_device *vdev)
{
	struct loopback *lb = to_loopback(vdev);
	struct virtqueue *vq, *next;

	cancel_work_sync(&lb->refuse_work);
	list_for_each_entry_safe(vq, next, &vdev->vqs, list) {
		loopback_set_vq(loopback_queue_of(vq), NULL);
		vring_del_virtqueue(vq);
	}
}

static int loopback_find_vqs(struct virtio_device *vdev, unsigned int nvqs,
			     struct virtqueue *vqs[], struct virtqueue_info info[],
			     struct irq_affinity *desc)
{
	struct loopback *lb = to_loopback(vdev);
	unsigned int i;

	if (nvqs > lb->nqueues)
		return -EINVAL;
	for (i = 0; i < nvqs; i++) {
		vqs[i] = vring_create_virtqueue(i, lb->queue_size, PAGE_SIZE, vdev, true, false,
						info[i].ctx, loopback_notify, info[i].callback,
						info[i].name);
		if (!vqs[i]) {
			loopback_del_vqs(vdev);
			return -ENOMEM;
		}
		loopback_set_vq(&lb->queues[i], vqs[i]);
	}
	return 0;
}

static void loopback_get_config(struct virtio_device *vdev, unsigned int offset, void *buf,
				unsigned int len)
{
	struct loopback *lb = to_loopback(vdev);

	memset(buf, 0, len);
	if (offset < sizeof(lb->config))
		memcpy(buf, (u8 *)&lb->config + offset,
		       min_t(size_t, len, sizeof(lb->config) - offset));
}

static u8 loopback_get_status(struct virtio_device *vdev)
{
	return to_loopback(vdev)->status;
}

static void loopback_set_status(struct virtio_device *vdev, u8 status)
{
	struct loopback *lb = to_loopback(vdev);
	u8 added = status & ~lb->status;

	lb->status = status;
	if (added & VIRTIO_CONFIG_S_DRIVER_OK)
		loopback_want(lb, LOOPBACK_RUNNING);
}

/* The driver frees the rings next, so the server must have let go of them. */
static void loopback_reset(struct virtio_device *vdev)
{
	struct loopback *lb = to_loopback(vdev);

	lb->status = 0;
	if (lb->wanted != LOOPBACK_RUNNING)
		return;
	loopback_want(lb, LOOPBACK_STOPPED);
	wait_event(lb->wait, loopback_acked(lb) || READ_ONCE(lb->dead));
}

static u64 loopback_get_features(struct virtio_device *vdev)
{
	return BIT_ULL(VIRTIO_F_VERSION_1) | BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC) |
	       BIT_ULL(VIRTIO_RING_F_EVENT_IDX);
}

static int loopback_finalize_features(struct virtio_device *vdev)
{
	vring_transport_features(vdev);
	return 0;
}

static const char *loopback_bus_name(struct virtio_device *vdev)
{
	return "vhost-fs-loopback";
}

static const struct virtio_config_ops loopback_config_ops = {
	.get			= loopback_get_config,
	.get_status		= loopback_get_status,
	.set_status		= loopback_set_status,
	.reset			= loopback_reset,
	.find_vqs		= loopback_find_vqs,
	.del_vqs		= loopback_del_vqs,
	.get_features		= loopback_get_features,
	.finalize_features	= loopback_finalize_features,
	.bus_name		= loopback_bus_name,
};

/* Making and unmaking */

static void loopback_dev_release(struct device *dev)
{
	complete(&to_loopback(dev_to_virtio(dev))->released);
}

static void loopback_leave_work(struct work_struct *work)
{
	struct loopback *lb = container_of(work, struct loopback, leave_work);

	unregister_virtio_device(&lb->vdev);
	wait_for_completion(&lb->released);
	loopback_want(lb, LOOPBACK_GONE);
	kref_put(&lb->kref, loopback_free);
}

static void loopback_leave(struct loopback *lb)
{
	mutex_lock(&lb->lock);
	if (lb->created && !lb->leaving) {
		lb->leaving = true;
		queue_work(loopback_wq, &lb->leave_work);
	}
	mutex_unlock(&lb->lock);
}

static void loopback_queue_call(struct file *file, wait_queue_head_t *wqh, poll_table *pt)
{
	struct loopback_queue *queue = container_of(pt, struct loopback_queue, call_poll);

	queue->call_wqh = wqh;
	add_wait_queue(wqh, &queue->call_wait);
}

static int loopback_set_call(struct loopback_queue *queue, int fd)
{
	struct file *file = fget(fd);

	if (!file)
		return -EBADF;
	queue->call = eventfd_ctx_fileget(file);
	if (IS_ERR(queue->call)) {
		int err = PTR_ERR(queue->call);

		queue->call = NULL;
		fput(file);
		return err;
	}
	init_waitqueue_func_entry(&queue->call_wait, loopback_called);
	init_poll_funcptr(&queue->call_poll, loopback_queue_call);
	vfs_poll(file, &queue->call_poll);
	fput(file);
	return 0;
}

static int loopback_set_eventfds(struct loopback *lb, const struct loopback_create *arg)
{
	unsigned int i;
	int err;

	for (i = 0; i < arg->num_request_queues + 1; i++) {
		struct eventfd_ctx *kick = eventfd_ctx_fdget(arg->kick[i]);

		if (IS_ERR(kick))
			return PTR_ERR(kick);
		lb->queues[i].kick = kick;
		lb->nqueues = i + 1;
		err = loopback_set_call(&lb->queues[i], arg->call[i]);
		if (err)
			return err;
	}
	return 0;
}

/* Called once per file, so what fails here stays as it is until the release. */
static int loopback_register(struct loopback *lb, const struct loopback_create *arg)
{
	int err;

	err = loopback_set_eventfds(lb, arg);
	if (err)
		return err;
	memcpy(lb->config.tag, arg->tag, sizeof(lb->config.tag));
	lb->config.num_request_queues = cpu_to_le32(arg->num_request_queues);
	lb->queue_size = arg->queue_size;
	lb->vdev.id.device = VIRTIO_ID_FS;
	lb->vdev.id.vendor = VIRTIO_DEV_ANY_ID;
	lb->vdev.config = &loopback_config_ops;
	lb->vdev.dev.parent = loopback_misc.this_device;
	lb->vdev.dev.release = loopback_dev_release;
	err = register_virtio_device(&lb->vdev);
	if (err) {
		put_device(&lb->vdev.dev);
		return err;
	}
	kref_get(&lb->kref);
	return 0;
}

static int loopback_create(struct loopback *lb, const struct loopback_create __user *uarg)
{
	struct loopback_create *arg = memdup_user(uarg, sizeof(*arg));
	int err = -EINVAL;

	if (IS_ERR(arg))
		return PTR_ERR(arg);
	mutex_lock(&lb->lock);
	if (lb->created || lb->nqueues)
		err = -EBUSY;
	else if (arg->num_request_queues && arg->num_request_queues < LOOPBACK_MAX_QUEUES &&
		 is_power_of_2(arg->queue_size) && arg->queue_size <= 1024)
		err = loopback_register(lb, arg);
	lb->created |= !err;
	mutex_unlock(&lb->lock);
	kfree(arg);
	return err;
}

/* The file */

static void loopback_get_rings(struct loopback *lb, struct loopback_state *state)
{
	unsigned int i;

	state->features = lb->vdev.features;
	for (i = 0; i < lb->nqueues; i++) {
		struct virtqueue *vq = lb->queues[i].vq;

		if (!vq)
			continue;
		state->rings[i].desc = virtqueue_get_desc_addr(vq);
		state->rings[i].avail = virtqueue_get_avail_addr(vq);
		state->rings[i].used = virtqueue_get_used_addr(vq);
		state->rings[i].size = virtqueue_get_vring_size(vq);
	}
}

/* The rings stay while running is wanted and the daemon hasn't acknowledged. */
static int loopback_get_state(struct loopback *lb, struct loopback_state __user *uarg)
{
	struct loopback_state *state = kzalloc(sizeof(*state), GFP_KERNEL);
	int err;

	if (!state)
		return -ENOMEM;
	spin_lock(&lb->state_lock);
	state->wanted = lb->wanted;
	state->generation = lb->generation;
	if (lb->wanted == LOOPBACK_RUNNING)
		loopback_get_rings(lb, state);
	spin_unlock(&lb->state_lock);
	err = copy_to_user(uarg, state, sizeof(*state)) ? -EFAULT : 0;
	kfree(state);
	return err;
}

static int loopback_ack(struct loopback *lb, const __u32 __user *uarg)
{
	u32 generation;

	if (get_user(generation, uarg))
		return -EFAULT;
	spin_lock(&lb->state_lock);
	lb->acked = generation;
	spin_unlock(&lb->state_lock);
	wake_up_all(&lb->wait);
	return 0;
}

static long loopback_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct loopback *lb = file->private_data;

	switch (cmd) {
	case LOOPBACK_CREATE:
		return loopback_create(lb, (void __user *)arg);
	case LOOPBACK_GET_STATE:
		return loopback_get_state(lb, (void __user *)arg);
	case LOOPBACK_ACK:
		return loopback_ack(lb, (void __user *)arg);
	case LOOPBACK_DESTROY:
		loopback_leave(lb);
		return 0;
	default:
		return -ENOTTY;
	}
}

static __poll_t loopback_poll(struct file *file, poll_table *pt)
{
	struct loopback *lb = file->private_data;

	poll_wait(file, &lb->wait, pt);
	return loopback_acked(lb) ? 0 : EPOLLIN;
}

/*
 * No check of who maps: the server can be a process without capabilities, which
 * got the file from one that had them.
 */
static int loopback_mmap(struct file *file, struct vm_area_struct *vma)
{
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	return remap_pfn_range(vma, vma->vm_start, vma->vm_pgoff, vma->vm_end - vma->vm_start,
			       vma->vm_page_prot);
}

static loff_t loopback_llseek(struct file *file, loff_t offset, int whence)
{
	return fixed_size_llseek(file, offset, whence, LOOPBACK_FILE_SIZE);
}

static int loopback_open(struct inode *inode, struct file *file)
{
	struct loopback *lb;

	if (!capable(CAP_SYS_RAWIO))
		return -EPERM;
	lb = kzalloc(sizeof(*lb), GFP_KERNEL);
	if (!lb)
		return -ENOMEM;
	kref_init(&lb->kref);
	mutex_init(&lb->lock);
	spin_lock_init(&lb->state_lock);
	init_waitqueue_head(&lb->wait);
	init_completion(&lb->released);
	INIT_WORK(&lb->leave_work, loopback_leave_work);
	INIT_WORK(&lb->refuse_work, loopback_refuse_work);
	file->private_data = lb;
	return 0;
}

static int loopback_release(struct inode *inode, struct file *file)
{
	struct loopback *lb = file->private_data;

	smp_store_release(&lb->dead, true); /* pairs with loopback_notify() */
	wake_up_all(&lb->wait);
	if (lb->created)
		queue_work(loopback_wq, &lb->refuse_work);
	loopback_leave(lb);
	kref_put(&lb->kref, loopback_free);
	return 0;
}

static const struct file_operations loopback_fops = {
	.owner		= THIS_MODULE,
	.open		= loopback_open,
	.release	= loopback_release,
	.unlocked_ioctl	= loopback_ioctl,
	.poll		= loopback_poll,
	.mmap		= loopback_mmap,
	.llseek		= loopback_llseek,
};

static struct miscdevice loopback_misc = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "vhost-fs-loopback",
	.fops	= &loopback_fops,
	.mode	= 0600,
};

static int __init loopback_init(void)
{
	int err;

	/* Refusing must go on while leaving waits for what is refused. */
	loopback_wq = alloc_workqueue("vhost-fs-loopback", WQ_UNBOUND, 0);
	if (!loopback_wq)
		return -ENOMEM;
	err = misc_register(&loopback_misc);
	if (err)
		destroy_workqueue(loopback_wq);
	return err;
}

static void __exit loopback_exit(void)
{
	misc_deregister(&loopback_misc);
	destroy_workqueue(loopback_wq);
}

module_init(loopback_init);
module_exit(loopback_exit);

MODULE_DESCRIPTION("virtio-fs device served by the same kernel (test only)");
MODULE_LICENSE("GPL");
