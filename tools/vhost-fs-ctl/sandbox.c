// SPDX-License-Identifier: GPL-2.0-only
/*
 * The root directory of a share, cut off from the host's mounts: a private
 * recursive clone of what is mounted there, which lives in no mount namespace.
 * The share keeps it alive through the descriptor's file; what the host mounts
 * or unmounts later doesn't reach it, and it keeps no host file system's
 * set-user-ID bits or device nodes in force. It may show other ids than are on
 * disk. The only file that uses the mount API.
 */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "msg.h"
#include "userns.h"

static int open_directory(const char *path)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		refused("can't open the directory \"%s\": %s", path, strerror(errno));
	return fd;
}

/* EINVAL is what the kernel says of a mount that it will not clone. */
static const char *clone_meaning(void)
{
	switch (errno) {
	case EINVAL:
		return "it is mounted unbindable, or not in this mount namespace";
	case EPERM:
		return "that needs CAP_SYS_ADMIN";
	default:
		return strerror(errno);
	}
}

static int restrict_mounts(int fd, bool readonly)
{
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
		.propagation = MS_PRIVATE,
	};

	if (readonly)
		attr.attr_set |= MOUNT_ATTR_RDONLY;
	return mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr));
}

/* What can't be mounted with mapped ids says EINVAL, without telling which. */
static int map_ids(int fd, const char *path, const struct sandbox_request *request)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP };
	int userns, err;

	userns = userns_open(&request->uids, &request->gids);
	if (userns < 0)
		return -1;
	attr.userns_fd = userns;
	err = mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr));
	if (err < 0)
		refused("can't map the ids of \"%s\": %s", path, errno == EINVAL ?
			"its file system, or one mounted in it, can't be mounted with mapped ids" :
			strerror(errno));
	close(userns);
	return err;
}

static bool maps_ids(const struct sandbox_request *request)
{
	return request->uids.nr || request->gids.nr;
}

static int set_up_clone(int clone, const char *path, const struct sandbox_request *request)
{
	if (restrict_mounts(clone, request->readonly) < 0) {
		refused("can't restrict the mounts of \"%s\": %s", path, strerror(errno));
		return -1;
	}
	return maps_ids(request) ? map_ids(clone, path, request) : 0;
}

/*
 * Cloning needs CAP_SYS_ADMIN over the mount namespace. Who lacks it can still
 * share a directory, with the mounts that are there, unless it was asked for.
 */
int sandbox_open(const char *path, const struct sandbox_request *request)
{
	int dir, clone;

	dir = open_directory(path);
	if (dir < 0 || request->mode == SANDBOX_NONE)
		return dir;
	clone = open_tree(dir, "", AT_EMPTY_PATH | AT_RECURSIVE | OPEN_TREE_CLONE |
				   OPEN_TREE_CLOEXEC);
	if (clone < 0 && errno == EPERM && request->mode == SANDBOX_AUTO && !maps_ids(request)) {
		notice("no mount sandbox without CAP_SYS_ADMIN: the host's mounts are used%s",
		       request->readonly ? "; vhost_fs alone keeps it read-only" : "");
		return dir;
	}
	close(dir);
	if (clone < 0) {
		refused("can't clone the mounts of \"%s\": %s", path, clone_meaning());
		return -1;
	}
	if (set_up_clone(clone, path, request) < 0) {
		close(clone);
		return -1;
	}
	return clone;
}
