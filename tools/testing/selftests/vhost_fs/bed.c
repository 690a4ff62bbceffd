// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes and removes what a test stands on; see bed.h.
 */
#include "bed.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int explain(const char *what, int error)
{
	if (error)
		fprintf(stderr, "# %s: %s\n", what,
			error > -1000 ? strerror(-error) : "no sound reply");
	return error;
}

static int on_control(unsigned long request, void *arg)
{
	int fd = open("/dev/vhost-fs", O_RDWR | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	ret = ring_ioctl(fd, request, arg);
	close(fd);
	return ret;
}

int share_add(struct vhost_fs_add_share *arg)
{
	return on_control(VHOST_FS_ADD_SHARE, arg);
}

int share_add_fd(const char *name, int root_fd)
{
	struct vhost_fs_add_share arg = {
		.size = sizeof(arg), .root_fd = root_fd,
	};

	snprintf((char *)arg.name, sizeof(arg.name), "%s", name);
	return share_add(&arg);
}

int share_remove(const char *name)
{
	struct vhost_fs_share_name arg = { .size = sizeof(arg) };

	snprintf((char *)arg.name, sizeof(arg.name), "%s", name);
	return on_control(VHOST_FS_REMOVE_SHARE, &arg);
}

static int make_dir(struct bed *bed, bool disk)
{
	const char *tmp = getenv(disk ? "VHOST_FS_TEST_DISK" : "TMPDIR");

	if (disk && !tmp) {
		fprintf(stderr, "# no VHOST_FS_TEST_DISK; \"run\" makes one\n");
		return -ENODEV;
	}
	snprintf(bed->top, sizeof(bed->top), "%.40s/vhost_fs.XXXXXX",
		 tmp ? tmp : "/tmp");
	if (!mkdtemp(bed->top)) {
		bed->top[0] = '\0';
		return -errno;
	}
	snprintf(bed->dir, sizeof(bed->dir), "%s/share", bed->top);
	if (chmod(bed->top, 0755) || mkdir(bed->dir, 0755))
		return -errno;
	bed->fd = open(bed->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return bed->fd < 0 ? -errno : 0;
}

static int add_share(struct bed *bed, const struct bed_config *config)
{
	struct vhost_fs_add_share arg = config->options;
	int ret;

	arg.size = sizeof(arg);
	arg.flags |= config->flags;
	arg.root_fd = bed->fd;
	arg.cache = config->cache ?: arg.cache;
	arg.max_nodes = config->max_nodes ?: arg.max_nodes;
	arg.max_handles = config->max_handles ?: arg.max_handles;
	/* So that whole programs can be run with nodes of the other kind. */
	if (!arg.inode_file_handles && getenv("VHOST_FS_TEST_HANDLES"))
		arg.inode_file_handles = VHOST_FS_HANDLES_PREFER;

	/* The directory's random part makes the name unique. */
	snprintf(bed->share, sizeof(bed->share), "test-%d-%.6s", getpid(),
		 bed->top + strlen(bed->top) - 6);
	memcpy(arg.name, bed->share, sizeof(arg.name));
	ret = share_add(&arg);
	if (ret)
		bed->share[0] = '\0';
	return ret;
}

int bed_open_share(struct bed *bed, const struct bed_config *config)
{
	int ret;

	*bed = (struct bed){ .fd = -1, .dev.fd = -1 };
	umask(0);
	ret = explain("directory for the test", make_dir(bed, config->disk));
	if (!ret)
		ret = explain("VHOST_FS_ADD_SHARE", add_share(bed, config));
	if (ret)
		bed_close(bed);
	return ret;
}

int bed_open_device(struct bed *bed, struct ring_dev *dev, struct fuse *f,
		    const struct bed_config *config)
{
	int ret = explain("device and rings", ring_open(dev, &config->ring));

	if (ret)
		return ret;
	fuse_session(f, dev, RING_REQUEST);
	ret = explain("VHOST_FS_ATTACH_SHARE", ring_attach(dev, bed->share));
	if (!ret)
		ret = explain("VHOST_FS_SET_RUNNING", ring_set_running(dev, true));
	if (!ret && !config->no_init)
		ret = explain("FUSE_INIT", fuse_init(f));
	if (ret)
		ring_close(dev);
	return ret;
}

int bed_open(struct bed *bed, const struct bed_config *config)
{
	int ret = bed_open_share(bed, config);

	if (ret)
		return ret;
	ret = bed_open_device(bed, &bed->dev, &bed->fuse, config);
	if (ret)
		bed_close(bed);
	return ret;
}

static int remove_entry(const char *path, const struct stat *st, int type,
			struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	remove(path);
	return 0;
}

void bed_close(struct bed *bed)
{
	if (bed->dev.mem || bed->dev.fd >= 0)
		ring_close(&bed->dev);
	bed->dev.fd = -1;
	if (bed->share[0])
		share_remove(bed->share);
	bed->share[0] = '\0';
	if (bed->fd >= 0)
		close(bed->fd);
	bed->fd = -1;
	if (bed->top[0])
		nftw(bed->top, remove_entry, 16,
		     FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	bed->top[0] = '\0';
}

int bed_write_file(struct bed *bed, const char *name, const void *data,
		   size_t size, mode_t mode)
{
	int fd = openat(bed->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
			mode);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, data, size) != (ssize_t)size)
		ret = -EIO;
	close(fd);
	return ret;
}

ssize_t bed_read_file(struct bed *bed, const char *name, void *buf,
		      size_t size)
{
	int fd = openat(bed->fd, name, O_RDONLY | O_CLOEXEC);
	ssize_t ret;

	if (fd < 0)
		return -errno;
	ret = pread(fd, buf, size, 0);
	if (ret < 0)
		ret = -errno;
	close(fd);
	return ret;
}

int bed_stat(struct bed *bed, const char *name, struct stat *st)
{
	return fstatat(bed->fd, name, st, AT_SYMLINK_NOFOLLOW) ? -errno : 0;
}

mode_t bed_mode(struct bed *bed, const char *name)
{
	struct stat st;

	return bed_stat(bed, name, &st) ? 0 : st.st_mode;
}

int bed_count(struct bed *bed)
{
	DIR *dir = opendir(bed->dir);
	int nr = 0;

	if (!dir)
		return -1;
	while (readdir(dir))
		nr++;
	closedir(dir);
	return nr;
}

uint64_t bed_lookup(struct fuse *f, const char *path)
{
	struct fuse_entry_out entry = { .nodeid = FUSE_ROOT_ID };
	char *copy = strdup(path), *rest = copy, *name;

	while ((name = strsep(&rest, "/")))
		if (explain(path, fuse_lookup(f, entry.nodeid, name, &entry)))
			entry.nodeid = 0;
	free(copy);
	return entry.nodeid;
}

void bed_pattern(void *buf, size_t size, uint64_t offset, unsigned int seed)
{
	unsigned char *p = buf;
	uint64_t x;
	size_t i;

	for (i = 0; i < size; i++) {
		x = (offset + i) * 2654435761u + seed * 40503u;
		p[i] = x ^ x >> 11 ^ x >> 23;
	}
}
