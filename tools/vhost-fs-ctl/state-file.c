// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads a device state, and says where and why it is none.
 */
#include "state-file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/vhost_fs.h>

#include "msg.h"

#define CHUNK (1UL << 16)

/* One byte more than may be is read, to see that there is one. */
static int read_all(struct state_file *file, int fd)
{
	size_t room = 0;
	ssize_t got;

	do {
		if (file->len == room) {
			room = room ? 2 * room : CHUNK;
			file->data = grow_array(file->data, room, 1);
		}
		got = read(fd, file->data + file->len, room - file->len);
		if (got < 0 && errno != EINTR)
			return refused("can't read %s: %s", file->name, strerror(errno));
		if (got > 0)
			file->len += got;
	} while (got && file->len <= VHOST_FS_STATE_MAX);
	if (file->len > VHOST_FS_STATE_MAX)
		return usage_error("%s: not a device state: longer than %lu bytes", file->name,
				   VHOST_FS_STATE_MAX);
	return 0;
}

static int read_path(struct state_file *file, const char *path)
{
	int fd, err;

	if (!strcmp(path, "-")) {
		file->name = "standard input";
		return read_all(file, STDIN_FILENO);
	}
	file->name = path;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return refused("can't open %s: %s", path, strerror(errno));
	err = read_all(file, fd);
	close(fd);
	return err;
}

/* " (node 3 of 7)", for an error within a list; else empty. */
static void describe_item(const struct vhost_fs_state *st, char *text, size_t size)
{
	const char *what = NULL;
	uint64_t of = 0;

	if (st->nodes_at && !st->nodes_end) {
		what = "node";
		of = st->nr_nodes;
	} else if (st->handles_at && !st->handles_end) {
		what = "open file";
		of = st->nr_handles;
	} else if (st->mounts_at && !st->mounts_end) {
		what = "mount";
		of = st->nr_mounts;
	} else if (st->ways_at && !st->ways_end) {
		what = "handle with a directory";
		of = st->nr_ways;
	}
	*text = '\0';
	if (what)
		snprintf(text, size, " (%s %" PRIu64 " of %" PRIu64 ")", what,
			 st->error_item + 1, of);
}

static int bad_stream(const struct state_file *file)
{
	const struct vhost_fs_state *st = &file->st;
	char item[80];

	if (st->is_later)
		return usage_error("%s: a device state of a later version of vhost_fs: at offset "
				   "%zu (0x%02x); expected %s", file->name, st->error_at,
				   file->data[st->error_at], st->error);
	describe_item(st, item, sizeof(item));
	if (st->error_at == file->len)
		return usage_error("%s: not a device state: it ends after %zu bytes; expected %s%s",
				   file->name, file->len, st->error, item);
	return usage_error("%s: not a device state: wrong at offset %zu (0x%02x); expected %s%s",
			   file->name, st->error_at, file->data[st->error_at], st->error, item);
}

int state_file_read(struct state_file *file, const char *path)
{
	int err = read_path(file, path);

	if (!err && vhost_fs_state_parse(&file->st, file->data, file->len))
		err = bad_stream(file);
	return err;
}

void state_file_free(struct state_file *file)
{
	free(file->data);
	*file = (struct state_file){ };
}
