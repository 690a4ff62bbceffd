// SPDX-License-Identifier: GPL-2.0-only
/*
 * An open /dev/vhost-fs: a virtio-fs device whose driver is in a guest.
 *
 * The device lives from open() to the last close(). In between it is given an
 * owner (VHOST_SET_OWNER), a share, a memory table and rings in any order, and
 * is then started and stopped any number of times. It has threads only while
 * it runs (pool.c); they are the owner's, and die with it. Then whoever else has
 * it open can give it another owner (VHOST_RESET_OWNER). What the guest has
 * looked up and opened (session.c) survives a stop and an owner, and dies with
 * the device or with the guest's next session.
 *
 * The last user of the VMM's memory can be one of the device's own threads, so
 * no mapping may hold the device: its end would run vhost_fs_release() in a thread
 * that it waits for. What is mapped is another file.
 */
#include <linux/compat.h>
#include <linux/fuse.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>

#include "dev.h"
#include "init.h"
#include "kcompat.h"
#include "keep.h"
#include "lock_owner.h"
#include "park.h"
#include "pool.h"
#include "request.h"
#include "session.h"
#include "share.h"
#include "state.h"
#include "vq.h"

/* vhost_exceeds_weight() isn't used (vq.c has its own bound). */
#define VHOST_FS_CORE_WEIGHT	0x80000

static const u64 vhost_fs_features =
	BIT_ULL(VIRTIO_F_NOTIFY_ON_EMPTY) |
	BIT_ULL(VIRTIO_F_ANY_LAYOUT) |
	BIT_ULL(VIRTIO_F_VERSION_1) |
	BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC) |
	BIT_ULL(VIRTIO_RING_F_EVENT_IDX) |
	BIT_ULL(VHOST_F_LOG_ALL);

static LIST_HEAD(devices);
static u32 last_device_id;
/* Guards the list of devices and last_device_id; vdev.mutex is inside it. */
static DEFINE_MUTEX(devices_lock);

/**
 * vhost_fs_dev_for_each - visit the open devices
 * @from: first id to visit
 * @fn: called with the list of devices locked, so that the device stays; may
 *	sleep; non-zero ends the walk
 * @arg: for @fn
 *
 * Return: what @fn returned last, or 0.
 */
int vhost_fs_dev_for_each(u32 from,
			  int (*fn)(struct vhost_fs_dev *fs, void *arg),
			  void *arg)
{
	struct vhost_fs_dev *fs;
	int ret = 0;

	mutex_lock(&devices_lock);
	list_for_each_entry(fs, &devices, entry) {
		if (fs->id < from)
			continue;
		ret = fn(fs, arg);
		if (ret)
			break;
	}
	mutex_unlock(&devices_lock);
	return ret;
}

static void dev_publish(struct vhost_fs_dev *fs)
{
	mutex_lock(&devices_lock);
	fs->id = ++last_device_id;
	list_add_tail(&fs->entry, &devices);
	mutex_unlock(&devices_lock);
}

static void dev_unpublish(struct vhost_fs_dev *fs)
{
	mutex_lock(&devices_lock);
	list_del(&fs->entry);
	mutex_unlock(&devices_lock);
}

static void dev_init_queues(struct vhost_fs_dev *fs)
{
	unsigned int i;

	for (i = 0; i < VHOST_FS_NVQS; i++) {
		vhost_fs_vq_init(fs, &fs->queues[i]);
		fs->vqs[i] = &fs->queues[i].vq;
	}
	vhost_dev_init(&fs->vdev, fs->vqs, VHOST_FS_NVQS, UIO_MAXIOV,
		       VHOST_FS_CORE_WEIGHT, 0, false, NULL);
}

static int vhost_fs_open(struct inode *inode, struct file *file)
{
	struct vhost_fs_dev *fs;
	int err;

	fs = kzalloc(sizeof(*fs), GFP_KERNEL_ACCOUNT);
	if (!fs)
		return -ENOMEM;
	err = -ENOMEM;
	fs->queues = kvcalloc(VHOST_FS_NVQS, sizeof(*fs->queues),
			      GFP_KERNEL_ACCOUNT);
	if (!fs->queues)
		goto err_free;
	err = vhost_fs_session_init(&fs->session);
	if (err)
		goto err_queues;
	err = vhost_fs_park_init(fs);
	if (err)
		goto err_session;

	init_waitqueue_head(&fs->idle_wq);
	vhost_fs_pool_init(fs);
	dev_init_queues(fs);
	dev_publish(fs);
	file->private_data = fs;
	return 0;

err_session:
	vhost_fs_session_exit(&fs->session);
err_queues:
	kvfree(fs->queues);
err_free:
	kfree(fs);
	return err;
}

/* Stop serving, with vdev.mutex held or nobody else left. */
static void dev_stop(struct vhost_fs_dev *fs)
{
	unsigned int i;

	for (i = 0; i < VHOST_FS_NVQS; i++)
		vhost_fs_vq_stop(&fs->queues[i]);
	for (i = 0; i < VHOST_FS_NVQS; i++)
		vhost_fs_vq_drain(&fs->queues[i]);
	vhost_fs_pool_stop(fs);
	WRITE_ONCE(fs->running, false);
	WRITE_ONCE(fs->nr_request_queues, 0);
}

static int vhost_fs_release(struct inode *inode, struct file *file)
{
	struct vhost_fs_dev *fs = file->private_data;
	unsigned int i;

	dev_unpublish(fs);
	vhost_fs_transfer_end(fs);
	dev_stop(fs);
	vhost_fs_park_exit(fs);
	for (i = 0; i < VHOST_FS_NVQS; i++)
		vhost_fs_keep_drop(&fs->queues[i]);
	vhost_dev_stop(&fs->vdev);
	vhost_dev_cleanup(&fs->vdev);
	vhost_fs_session_exit(&fs->session);
	vhost_fs_lock_space_close(fs->locks.space);
	if (fs->share)
		vhost_fs_share_detach(fs->share);
	put_pid(rcu_access_pointer(fs->owner));
	kvfree(fs->queues);
	kfree(fs);
	return 0;
}

static bool queue_has_addresses(const struct vhost_fs_queue *q)
{
	return q->vq.desc && q->vq.avail && q->vq.used;
}

/**
 * vhost_fs_dev_check_owner - is the caller the owner?
 * @fs: the device
 *
 * Another process may have the owner's memory, and would lend the device threads
 * that don't end with the owner.
 *
 * Return: 0 or -EPERM.
 *
 * Context: vdev.mutex held.
 */
int vhost_fs_dev_check_owner(struct vhost_fs_dev *fs)
{
	int err = vhost_dev_check_owner(&fs->vdev);

	if (err)
		return err;
	return rcu_access_pointer(fs->owner) == task_tgid(current) ? 0 : -EPERM;
}

static int dev_check_startable(struct vhost_fs_dev *fs)
{
	int err = vhost_fs_dev_check_owner(fs);
	unsigned int i;

	if (err)
		return err;
	if (fs->running || vhost_fs_transfer_busy(fs))
		return -EBUSY;
	if (!fs->share)
		return -ENODEV;
	if (!queue_has_addresses(&fs->queues[0]))
		return -EINVAL;
	for (i = 1; i < VHOST_FS_NVQS; i++)
		if (queue_has_addresses(&fs->queues[i]))
			return 0;
	return -EINVAL;
}

static int dev_start_queues(struct vhost_fs_dev *fs)
{
	unsigned int i;
	int err;

	WRITE_ONCE(fs->nr_request_queues, 0);
	for (i = 0; i < VHOST_FS_NVQS; i++) {
		if (!queue_has_addresses(&fs->queues[i]))
			continue;
		err = vhost_fs_vq_start(&fs->queues[i]);
		if (err)
			return err;
		if (i > 0)
			WRITE_ONCE(fs->nr_request_queues, fs->nr_request_queues + 1);
	}
	return 0;
}

static int dev_start(struct vhost_fs_dev *fs)
{
	unsigned int i;
	int err;

	lockdep_assert_held(&fs->vdev.mutex);

	err = dev_check_startable(fs);
	if (err)
		return err;
	err = vhost_fs_pool_start(fs, VHOST_FS_NVQS);
	if (err)
		return err;
	err = dev_start_queues(fs);
	if (err) {
		dev_stop(fs);
		return err;
	}
	WRITE_ONCE(fs->running, true);
	/* The guest may have filled the rings before. */
	for (i = 0; i < VHOST_FS_NVQS; i++)
		vhost_fs_vq_kick(&fs->queues[i]);
	return 0;
}

static int ioctl_set_running(struct vhost_fs_dev *fs, void *arg)
{
	const struct vhost_fs_running *r = arg;
	int err = 0;

	if (r->running > 1)
		return -EINVAL;
	if (mutex_lock_killable(&fs->vdev.mutex))
		return -EINTR;
	if (r->running)
		err = dev_start(fs);
	else if (vhost_dev_has_owner(&fs->vdev))
		err = vhost_dev_check_owner(&fs->vdev);
	if (!err && !r->running)
		err = vhost_fs_keep_settle(fs);
	if (!err && !r->running)
		err = vhost_fs_vq_serve_due(fs);
	if (!err && !r->running)
		dev_stop(fs);
	mutex_unlock(&fs->vdev.mutex);
	return err;
}

static int ioctl_get_info(struct vhost_fs_dev *fs, void *arg)
{
	struct vhost_fs_info *info = arg;
	u32 size = info->size;

	*info = (struct vhost_fs_info) {
		.size = size,
		.abi_version = VHOST_FS_ABI_VERSION,
		.max_request_queues = VHOST_FS_MAX_REQUEST_QUEUES,
		.max_queue_size = SZ_32K,
		.max_write = VHOST_FS_MAX_WRITE,
		.fuse_major = FUSE_KERNEL_VERSION,
		.fuse_minor = VHOST_FS_FUSE_MINOR,
	};
	return 0;
}

/*
 * A device with a share may be in the hands of a VMM that couldn't have opened it,
 * and which is not to take names.
 */
static int ioctl_add_share(struct vhost_fs_dev *fs, void *arg)
{
	return READ_ONCE(fs->share) ? -EBUSY : vhost_fs_share_add(arg);
}

static int ioctl_remove_share(struct vhost_fs_dev *fs, void *arg)
{
	return vhost_fs_share_remove(arg);
}

static int ioctl_set_share(struct vhost_fs_dev *fs, void *arg)
{
	return vhost_fs_share_set(arg);
}

static int ioctl_attach_share(struct vhost_fs_dev *fs, void *arg)
{
	struct vhost_fs_share *share;
	int err = -EBUSY;

	if (mutex_lock_killable(&fs->vdev.mutex))
		return -EINTR;
	if (fs->share)
		goto unlock;
	share = vhost_fs_share_attach(arg);
	err = PTR_ERR_OR_ZERO(share);
	if (!err)
		/* Netlink reads it without the mutex. */
		smp_store_release(&fs->share, share);
unlock:
	mutex_unlock(&fs->vdev.mutex);
	return err;
}

static int ioctl_set_state_fd(struct vhost_fs_dev *fs, void *arg)
{
	return vhost_fs_transfer_set_fd(fs, arg);
}

static int ioctl_check_state(struct vhost_fs_dev *fs, void *arg)
{
	return vhost_fs_transfer_check(fs, arg);
}

/* Any of the structures an ioctl takes. */
union dev_ioctl_arg {
	u32 size;
	struct vhost_fs_info info;
	struct vhost_fs_add_share add_share;
	struct vhost_fs_share_name share_name;
	struct vhost_fs_running running;
	struct vhost_fs_set_share set_share;
	struct vhost_fs_device_state_fd state_fd;
	struct vhost_fs_device_state_result state_result;
};

/**
 * struct dev_ioctl - row of the table of our own ioctls
 * @cmd: number, with size and direction
 * @min_size: size of the structure in the first version of the interface
 * @size: size now
 * @fn: does it; gets a copy of the structure
 */
struct dev_ioctl {
	unsigned int cmd;
	u32 min_size;
	u32 size;
	int (*fn)(struct vhost_fs_dev *fs, void *arg);
};

#define DEV_IOCTL(_cmd, _struct, _last, _fn)			\
	{							\
		.cmd = _cmd,					\
		.min_size = offsetofend(struct _struct, _last),	\
		.size = sizeof(struct _struct),			\
		.fn = _fn,					\
	}

static const struct dev_ioctl dev_ioctls[] = {
	DEV_IOCTL(VHOST_FS_GET_INFO, vhost_fs_info, __reserved, ioctl_get_info),
	DEV_IOCTL(VHOST_FS_ADD_SHARE, vhost_fs_add_share, max_handles,
		  ioctl_add_share),
	DEV_IOCTL(VHOST_FS_REMOVE_SHARE, vhost_fs_share_name, name,
		  ioctl_remove_share),
	DEV_IOCTL(VHOST_FS_ATTACH_SHARE, vhost_fs_share_name, name,
		  ioctl_attach_share),
	DEV_IOCTL(VHOST_FS_SET_RUNNING, vhost_fs_running, running,
		  ioctl_set_running),
	DEV_IOCTL(VHOST_FS_SET_SHARE, vhost_fs_set_share, negative_timeout_ns,
		  ioctl_set_share),
	DEV_IOCTL(VHOST_FS_SET_DEVICE_STATE_FD, vhost_fs_device_state_fd,
		  timeout_ms, ioctl_set_state_fd),
	DEV_IOCTL(VHOST_FS_CHECK_DEVICE_STATE, vhost_fs_device_state_result,
		  lost_handles, ioctl_check_state),
};

static const struct dev_ioctl *dev_find_ioctl(unsigned int cmd)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(dev_ioctls); i++)
		if (_IOC_TYPE(cmd) == _IOC_TYPE(dev_ioctls[i].cmd) &&
		    _IOC_NR(cmd) == _IOC_NR(dev_ioctls[i].cmd))
			return &dev_ioctls[i];
	return NULL;
}

/* One of our own: copy the structure in, do it, copy it back if it tells. */
static long dev_own_ioctl(struct vhost_fs_dev *fs, const struct dev_ioctl *row,
			  void __user *argp)
{
	union dev_ioctl_arg arg;
	u32 size;
	int err;

	if (get_user(size, (u32 __user *)argp))
		return -EFAULT;
	if (size < row->min_size)
		return -EINVAL;
	memset(&arg, 0, sizeof(arg));
	err = copy_struct_from_user(&arg, row->size, argp, size);
	if (err)
		return err;
	/* The size that was checked, whatever the second read gave. */
	arg.size = size;
	err = row->fn(fs, &arg);
	if (err || !(_IOC_DIR(row->cmd) & _IOC_READ))
		return err;
	return copy_to_user(argp, &arg, min(size, row->size)) ? -EFAULT : 0;
}

static int dev_set_features(struct vhost_fs_dev *fs, u64 features)
{
	unsigned int i;

	if (features & ~vhost_fs_features)
		return -EOPNOTSUPP;
	if ((features & BIT_ULL(VHOST_F_LOG_ALL)) &&
	    !vhost_log_access_ok(&fs->vdev))
		return -EFAULT;
	for (i = 0; i < VHOST_FS_NVQS; i++) {
		struct vhost_virtqueue *vq = &fs->queues[i].vq;

		mutex_lock(&vq->mutex);
		vq->acked_features = features;
		mutex_unlock(&vq->mutex);
	}
	return 0;
}

/*
 * An ioctl that requests in flight must not notice. What is logged is written to the
 * owner's memory, so features too are for the owner to set.
 */
static long dev_paused_ioctl(struct vhost_fs_dev *fs, unsigned int cmd,
			     void __user *argp)
{
	u64 features;
	long ret = vhost_dev_check_owner(&fs->vdev);

	if (ret)
		return ret;
	if (cmd == VHOST_SET_FEATURES &&
	    copy_from_user(&features, argp, sizeof(features)))
		return -EFAULT;
	ret = vhost_fs_vq_pause_all(fs);
	if (ret)
		return ret;
	if (cmd == VHOST_SET_FEATURES)
		ret = dev_set_features(fs, features);
	else
		ret = vhost_dev_ioctl(&fs->vdev, cmd, argp);
	vhost_fs_vq_resume_all(fs);
	return ret;
}

static long dev_set_owner(struct vhost_fs_dev *fs)
{
	long ret = vhost_dev_ioctl(&fs->vdev, VHOST_SET_OWNER, NULL);

	if (!ret)
		rcu_assign_pointer(fs->owner, get_pid(task_tgid(current)));
	return ret;
}

/*
 * Has the owner ended, or does it end and nothing can stop that? Then nobody
 * uses its memory, or will. It may live on and have changed it by execve().
 */
static bool dev_owner_is_gone(struct vhost_fs_dev *fs)
{
	struct task_struct *leader;
	bool gone;

	rcu_read_lock();
	leader = pid_task(rcu_dereference(fs->owner), PIDTYPE_TGID);
	gone = !leader || (READ_ONCE(leader->signal->flags) & SIGNAL_GROUP_EXIT);
	rcu_read_unlock();
	return gone || !atomic_read(&fs->vdev.mm->mm_users);
}

static void dev_forget_owner(struct vhost_fs_dev *fs)
{
	struct pid *owner = rcu_replace_pointer(fs->owner, NULL,
						lockdep_is_held(&fs->vdev.mutex));

	/* Netlink may be looking at it. */
	synchronize_rcu();
	put_pid(owner);
}

/* The core forgets where rings stood, and the next owner wants to know. */
static void dev_reset_core(struct vhost_fs_dev *fs)
{
	u16 at[VHOST_FS_NVQS];
	unsigned int i;

	for (i = 0; i < VHOST_FS_NVQS; i++)
		at[i] = fs->queues[i].vq.last_avail_idx;
	vhost_dev_stop(&fs->vdev);
	vhost_dev_reset_owner(&fs->vdev, NULL);
	for (i = 0; i < VHOST_FS_NVQS; i++) {
		struct vhost_virtqueue *vq = &fs->queues[i].vq;

		mutex_lock(&vq->mutex);
		vq->last_avail_idx = at[i];
		vq->avail_idx = at[i];
		mutex_unlock(&vq->mutex);
	}
}

/* Share and session stay, and so do requests that wait or were interrupted. */
static long dev_reset_owner(struct vhost_fs_dev *fs)
{
	int err;

	lockdep_assert_held(&fs->vdev.mutex);

	if (!vhost_dev_has_owner(&fs->vdev))
		return 0;
	if (vhost_dev_check_owner(&fs->vdev) && !dev_owner_is_gone(fs))
		return -EBUSY;
	/*
	 * Its thread is the owner's, too. What can't be interrupted must not make
	 * the caller so, either.
	 */
	if (vhost_fs_transfer_busy(fs)) {
		err = vhost_fs_transfer_stop(fs);
		if (err)
			return err;
		vhost_fs_transfer_end(fs);
	} else {
		vhost_fs_transfer_reap(fs);
	}
	err = vhost_fs_vq_pause_all(fs);
	if (err)
		return err;
	dev_stop(fs);
	vhost_fs_vq_resume_all(fs);
	dev_reset_core(fs);
	dev_forget_owner(fs);
	return 0;
}

/*
 * A VMM that has the guest called by its own eventfd until the device runs, and by
 * the guest's only then (QEMU's vhost-user-fs does), doesn't pass on what it has got.
 */
static void dev_call_set(struct vhost_fs_dev *fs, void __user *argp)
{
	u32 index;

	if (!get_user(index, (u32 __user *)argp) && index < VHOST_FS_NVQS)
		vhost_fs_vq_call(&fs->queues[array_index_nospec(index, VHOST_FS_NVQS)]);
}

static long dev_vhost_ioctl(struct vhost_fs_dev *fs, unsigned int cmd,
			    void __user *argp)
{
	long ret;

	lockdep_assert_held(&fs->vdev.mutex);

	switch (cmd) {
	case VHOST_SET_OWNER:
		return dev_set_owner(fs);
	case VHOST_RESET_OWNER:
		return dev_reset_owner(fs);
	case VHOST_SET_FEATURES:
	case VHOST_SET_MEM_TABLE:
	case VHOST_SET_LOG_BASE:
		return dev_paused_ioctl(fs, cmd, argp);
	case VHOST_SET_LOG_FD:
		return vhost_dev_ioctl(&fs->vdev, cmd, argp);
	case VHOST_SET_VRING_NUM:
	case VHOST_SET_VRING_ADDR:
	case VHOST_SET_VRING_BASE:
	case VHOST_GET_VRING_BASE:
	case VHOST_SET_VRING_KICK:
	case VHOST_SET_VRING_CALL:
	case VHOST_SET_VRING_ERR:
	case VHOST_SET_VRING_ENDIAN:
	case VHOST_GET_VRING_ENDIAN:
	case VHOST_SET_VRING_BUSYLOOP_TIMEOUT:
	case VHOST_GET_VRING_BUSYLOOP_TIMEOUT:
		ret = vhost_dev_check_owner(&fs->vdev);
		if (!ret)
			ret = vhost_vring_ioctl(&fs->vdev, cmd, argp);
		if (!ret && cmd == VHOST_SET_VRING_CALL)
			dev_call_set(fs, argp);
		return ret == -ENOIOCTLCMD ? -ENOTTY : ret;
	default:
		return -ENOTTY;
	}
}

static long vhost_fs_ioctl(struct file *file, unsigned int cmd,
			   unsigned long arg)
{
	struct vhost_fs_dev *fs = file->private_data;
	void __user *argp = (void __user *)arg;
	const struct dev_ioctl *row = dev_find_ioctl(cmd);
	long ret;

	if (row)
		return dev_own_ioctl(fs, row, argp);
	if (_IOC_TYPE(cmd) != VHOST_VIRTIO)
		return -ENOTTY;
	if (cmd == VHOST_GET_FEATURES)
		return copy_to_user(argp, &vhost_fs_features,
				    sizeof(vhost_fs_features)) ? -EFAULT : 0;

	/* Another thread may have it, and wait for a file server that is away. */
	if (mutex_lock_killable(&fs->vdev.mutex))
		return -EINTR;
	ret = dev_vhost_ioctl(fs, cmd, argp);
	mutex_unlock(&fs->vdev.mutex);
	return ret;
}

/* For whoever maps what it keeps a device by: there is nothing in it. */
static int vhost_fs_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct file *page;

	/* Not VM_SHARED, which a descriptor for reading doesn't get. */
	if (!(vma->vm_flags & VM_MAYSHARE) || vma->vm_pgoff ||
	    vma_pages(vma) != 1)
		return -EINVAL;
	page = shmem_file_setup("vhost-fs", PAGE_SIZE, EMPTY_VMA_FLAGS);
	if (IS_ERR(page))
		return PTR_ERR(page);
	vma_set_file(vma, page);
	fput(page);
	return vfs_mmap(vma->vm_file, vma);
}

const struct file_operations vhost_fs_fops = {
	.owner = THIS_MODULE,
	.open = vhost_fs_open,
	.release = vhost_fs_release,
	.unlocked_ioctl = vhost_fs_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = vhost_fs_mmap,
	.llseek = noop_llseek,
};
