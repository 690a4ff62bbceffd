/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files that move a device's state share: the descriptor at the other
 * end (state_io.c), memory that grows (state_blob.c), saving and loading
 * (state_save.c, state_load.c), and the transfer that does either (state.c).
 */
#ifndef VHOST_FS_STATE_H
#define VHOST_FS_STATE_H

#include <linux/dcache.h>
#include <linux/path.h>
#include <linux/poll.h>
#include <linux/vhost_fs.h>
#include <linux/wait.h>

#include "state_codec.h"

struct vhost_fs_dev;
struct vhost_fs_req;

/* Wait queues that a descriptor may have its events on. */
#define VHOST_FS_STATE_POLLS	2

/**
 * struct vhost_fs_state_io - the descriptor that state is written to or read from
 * @file: the descriptor's file
 * @pos: place in a regular file
 * @bytes: moved so far
 * @deadline: jiffies, when to give up; counts if @timed
 * @timed: see @deadline
 * @pollable: it says when it is ready, and is not to be waited for otherwise
 * @event: something has happened at @file since this was cleared
 * @cancelled: give up at once
 * @wait: woken for @event and @cancelled
 * @nr_polls: entries of @polls in use
 * @polls: places in the wait queues of @file
 * @table: how they come to be there
 *
 * Belongs to the thread of a transfer; others only set @cancelled and wake.
 */
struct vhost_fs_state_io {
	struct file *file;
	loff_t pos;
	u64 bytes;
	unsigned long deadline;
	bool timed;
	bool pollable;
	bool event;
	bool cancelled;
	wait_queue_head_t wait;
	unsigned int nr_polls;
	struct vhost_fs_state_poll {
		struct vhost_fs_state_io *io;
		wait_queue_head_t *head;
		wait_queue_entry_t entry;
	} polls[VHOST_FS_STATE_POLLS];
	poll_table table;
};

int vhost_fs_state_io_open(struct vhost_fs_state_io *io, int fd, u32 direction,
			   u32 timeout_ms);
void vhost_fs_state_io_close(struct vhost_fs_state_io *io);
void vhost_fs_state_io_cancel(struct vhost_fs_state_io *io);
int vhost_fs_state_io_over(const struct vhost_fs_state_io *io);
ssize_t vhost_fs_state_io_read(struct vhost_fs_state_io *io, void *buf,
			       size_t len);
int vhost_fs_state_io_write(struct vhost_fs_state_io *io, const void *buf,
			    size_t len);

/**
 * struct vhost_fs_state_blob - bytes that are appended to, and then read
 * @pages: where they are
 * @nr_pages: entries of @pages
 * @room: entries that @pages has memory for
 * @len: bytes
 * @map: all of them in one piece, once asked for
 */
struct vhost_fs_state_blob {
	struct page **pages;
	size_t nr_pages;
	size_t room;
	size_t len;
	void *map;
};

int vhost_fs_state_blob_room(struct vhost_fs_state_blob *blob, void **at,
			     size_t *room);
int vhost_fs_state_blob_append(struct vhost_fs_state_blob *blob,
			       const void *data, size_t len);
const void *vhost_fs_state_blob_map(struct vhost_fs_state_blob *blob);
void vhost_fs_state_blob_free(struct vhost_fs_state_blob *blob);

int vhost_fs_state_path_up(const struct path *root, struct path *path,
			   struct name_snapshot *name);
int vhost_fs_state_path_text(const struct path *root, const struct path *path,
			     u8 *buf, struct vhost_fs_state_bytes *text);
int vhost_fs_state_path_down(struct vhost_fs_req *req, struct path *path,
			     const struct vhost_fs_state_bytes *name);
int vhost_fs_state_path_walk(struct vhost_fs_req *req,
			     const struct vhost_fs_state_bytes *text,
			     struct path *path);

/**
 * struct vhost_fs_state_report - how a transfer ended
 * @error: 0 or a negative errno
 * @reason: enum vhost_fs_state_reason
 * @object: what the reason is about
 * @lost_nodes: nodes whose files were not found
 * @lost_handles: handles whose files could not be opened again
 */
struct vhost_fs_state_report {
	int error;
	u32 reason;
	u64 object;
	u64 lost_nodes;
	u64 lost_handles;
};

/*
 * vhost_fs_state_fail - note the first thing that went wrong
 *
 * Memory that is short, and a limit, are reasons of their own, whatever they
 * were met at. Returns the error.
 */
static inline int vhost_fs_state_fail(struct vhost_fs_state_report *report,
				      int err, u32 reason, u64 object)
{
	if (report->error)
		return report->error;
	/* Errors that no program is to see are of waits that a signal ended. */
	if (err <= -ERESTARTSYS)
		err = -EINTR;
	if (err == -ENOMEM)
		reason = VHOST_FS_STATE_ERR_MEMORY;
	else if (err == -ENFILE || err == -EMFILE || err == -EOVERFLOW)
		reason = VHOST_FS_STATE_ERR_LIMIT;
	else if (err == -ECANCELED || err == -ETIMEDOUT || err == -EINTR)
		reason = VHOST_FS_STATE_ERR_CANCELLED;
	report->error = err;
	report->reason = reason;
	report->object = object;
	return err;
}

int vhost_fs_state_save(struct vhost_fs_req *req, struct vhost_fs_state_io *io,
			struct vhost_fs_state_report *report);
int vhost_fs_state_load(struct vhost_fs_req *req, struct vhost_fs_state_io *io,
			struct vhost_fs_state_report *report);

int vhost_fs_transfer_set_fd(struct vhost_fs_dev *fs,
			     const struct vhost_fs_device_state_fd *arg);
int vhost_fs_transfer_check(struct vhost_fs_dev *fs,
			    struct vhost_fs_device_state_result *result);
bool vhost_fs_transfer_busy(const struct vhost_fs_dev *fs);
void vhost_fs_transfer_reap(struct vhost_fs_dev *fs);
int vhost_fs_transfer_stop(struct vhost_fs_dev *fs);
void vhost_fs_transfer_end(struct vhost_fs_dev *fs);

#endif /* VHOST_FS_STATE_H */
