// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/vhost-fs: the only file that opens it and issues the ioctls about shares,
 * and that says what an errno of theirs means for the person who asked. Memory
 * and rings are vu-memory.c's and vu-rings.c's.
 */
#include "dev.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/vhost.h>

#include "msg.h"

#define DEV_PATH "/dev/vhost-fs"

/* What an errno of one ioctl means; the tables end with an errno of 0. */
struct meaning {
	int err;
	const char *text;
};

static const struct meaning open_meanings[] = {
	{ ENOENT, "is the vhost_fs module loaded?" },
	{ ENODEV, "is the vhost_fs module loaded?" },
	{ ENXIO, "is the vhost_fs module loaded?" },
	{ EACCES, "you must be root or in the group of the device (kvm, as packaged)" },
	{ EPERM, "the device cgroup or a security module forbids it" },
	{ }
};

static const struct meaning add_meanings[] = {
	{ EEXIST, "a share of that name exists; remove it first, or choose another name" },
	{ EINVAL, "the vhost_fs module doesn't know an option, or finds a limit too large" },
	{ EPERM, "inode file handles need CAP_DAC_READ_SEARCH over the directory's file system" },
	{ EOPNOTSUPP, "the directory's file system has no file handles" },
	{ E2BIG, "the vhost_fs module is older than this tool and doesn't know an option" },
	{ ENOTTY, "the vhost_fs module is of another version than this tool" },
	{ }
};

static const struct meaning set_meanings[] = {
	{ ENOENT, "there is no share of that name" },
	{ EPERM, "only its owner and root may change it" },
	{ EINVAL, "the vhost_fs module finds a value too large" },
	{ ENOTTY, "the vhost_fs module is of another version than this tool" },
	{ }
};

static const struct meaning remove_meanings[] = {
	{ ENOENT, "there is no share of that name" },
	{ EPERM, "only its owner and root may remove it" },
	{ ENOTTY, "the vhost_fs module is of another version than this tool" },
	{ }
};

static const struct meaning attach_meanings[] = {
	{ ENOENT, "there is no share of that name" },
	{ EACCES, "you may not use it; whoever adds it must name you with --user or --group" },
	{ ENOTTY, "the vhost_fs module is of another version than this tool" },
	{ }
};

static const struct meaning state_meanings[] = {
	{ EPERM, "only the process that owns it can, which is the VMM it serves" },
	{ ENODEV, "no share is attached to it" },
	{ EBUSY, "it runs, or has been used, or its state is being moved" },
	{ EINVAL, "the kernel takes pipes and regular files only" },
	{ ENOTTY, "the vhost_fs module is of another version than this tool" },
	{ }
};

/* errno in the words of @table, or of the C library when it has none. */
static const char *meaning_of(const struct meaning *table)
{
	for (; table->err; table++)
		if (table->err == errno)
			return table->text;
	return strerror(errno);
}

int dev_open(void)
{
	int fd = open(DEV_PATH, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		refused("%s: %s", DEV_PATH, meaning_of(open_meanings));
	return fd;
}

static int add_ioctl(int fd, struct vhost_fs_add_share *share)
{
	share->size = sizeof(*share);
	return ioctl(fd, VHOST_FS_ADD_SHARE, share);
}

int dev_add_share(int fd, struct vhost_fs_add_share *share)
{
	if (add_ioctl(fd, share) < 0)
		return refused("can't add share \"%s\": %s", (const char *)share->name,
			       meaning_of(add_meanings));
	return 0;
}

int dev_add_share_anyhow(int fd, struct vhost_fs_add_share *share)
{
	if (share->inode_file_handles == VHOST_FS_HANDLES_PREFER) {
		if (!add_ioctl(fd, share))
			return 0;
		if (errno == EPERM) {
			notice("without inode file handles: %s", meaning_of(add_meanings));
			share->inode_file_handles = VHOST_FS_HANDLES_NEVER;
		}
	}
	return dev_add_share(fd, share);
}

int dev_set_share(int fd, struct vhost_fs_set_share *set)
{
	set->size = sizeof(*set);
	if (ioctl(fd, VHOST_FS_SET_SHARE, set) < 0)
		return refused("can't change share \"%s\": %s", (const char *)set->name,
			       meaning_of(set_meanings));
	return 0;
}

static int name_ioctl(int fd, unsigned long request, const char *name)
{
	struct vhost_fs_share_name arg = { .size = sizeof(arg) };

	memcpy(arg.name, name, strnlen(name, VHOST_FS_SHARE_NAME_MAX));
	return ioctl(fd, request, &arg);
}

int dev_remove_share(int fd, const char *name)
{
	if (name_ioctl(fd, VHOST_FS_REMOVE_SHARE, name) < 0)
		return refused("can't remove share \"%s\": %s", name,
			       meaning_of(remove_meanings));
	return 0;
}

int dev_attach_share(int fd, const char *name)
{
	if (name_ioctl(fd, VHOST_FS_ATTACH_SHARE, name) < 0)
		return refused("can't attach share \"%s\": %s", name,
			       meaning_of(attach_meanings));
	return 0;
}

int dev_set_owner(int fd)
{
	if (ioctl(fd, VHOST_SET_OWNER) < 0 && errno != EBUSY)
		return refused("can't own the device: %s", strerror(errno));
	return 0;
}

int dev_move_state(int fd, enum vhost_fs_state_direction direction, int file,
		   struct vhost_fs_device_state_result *result)
{
	struct vhost_fs_device_state_fd arg = {
		.size = sizeof(arg), .direction = direction, .fd = file,
	};
	int ret = ioctl(fd, VHOST_FS_SET_DEVICE_STATE_FD, &arg);

	*result = (struct vhost_fs_device_state_result){ .size = sizeof(*result) };
	while (!ret) {
		ret = ioctl(fd, VHOST_FS_CHECK_DEVICE_STATE, result);
		if (!ret || errno != EINTR)
			break;
		ret = 0;
	}
	if (ret < 0)
		return refused("can't %s the device's state: %s",
			       direction == VHOST_FS_STATE_SAVE ? "save" : "load",
			       meaning_of(state_meanings));
	return 0;
}
