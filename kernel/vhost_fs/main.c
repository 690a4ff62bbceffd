// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading and unloading of vhost_fs, and its device node.
 */
#include <linux/miscdevice.h>
#include <linux/module.h>

#include "dev.h"
#include "handle.h"
#include "lock_owner.h"
#include "mount.h"
#include "netlink.h"
#include "node.h"
#include "park.h"
#include "share.h"

static struct miscdevice vhost_fs_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "vhost-fs",
	.fops = &vhost_fs_fops,
	.mode = 0660,
};

static int __init vhost_fs_init(void)
{
	int err;

	vhost_fs_park_module_init();
	err = vhost_fs_node_cache_create();
	if (err)
		return err;
	err = vhost_fs_handle_cache_create();
	if (err)
		goto err_node_cache;
	err = vhost_fs_mount_init();
	if (err)
		goto err_handle_cache;
	err = vhost_fs_lock_init();
	if (err)
		goto err_mount;
	err = vhost_fs_netlink_init();
	if (err)
		goto err_lock;
	err = misc_register(&vhost_fs_misc);
	if (err)
		goto err_netlink;
	return 0;

err_netlink:
	vhost_fs_netlink_exit();
err_lock:
	vhost_fs_lock_exit();
err_mount:
	vhost_fs_mount_exit();
err_handle_cache:
	vhost_fs_handle_cache_destroy();
err_node_cache:
	vhost_fs_node_cache_destroy();
	return err;
}

static void __exit vhost_fs_exit(void)
{
	misc_deregister(&vhost_fs_misc);
	vhost_fs_netlink_exit();
	vhost_fs_share_remove_all();
	vhost_fs_lock_exit();
	vhost_fs_mount_exit();
	vhost_fs_handle_cache_destroy();
	vhost_fs_node_cache_destroy();
}

module_init(vhost_fs_init);
module_exit(vhost_fs_exit);

MODULE_DESCRIPTION("virtio-fs devices served by the host kernel");
MODULE_AUTHOR("The vhost-fs developers");
MODULE_LICENSE("GPL");
