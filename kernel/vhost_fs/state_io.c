// SPDX-License-Identifier: GPL-2.0-only
/*
 * The descriptor that a device's state is written to or read from: a pipe whose
 * other end may be slow, or stall for good, or a regular file.
 *
 * A thread of the VMM takes no signal but SIGKILL, so nothing could end a wait
 * inside the pipe's own code. Pipes are therefore asked not to block there, and
 * waited for here, where a cancelled transfer and one that is out of time are
 * noticed.
 *
 * The descriptor is the VMM's, and is used with the VMM's credentials: those of
 * the share would let it past quotas, for one.
 */
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/uio.h>

#include "kcompat.h"
#include "state.h"

/* Called by the descriptor's owner, with its wait queue locked. */
static int io_wake(wait_queue_entry_t *entry, unsigned int mode, int sync,
		   void *key)
{
	struct vhost_fs_state_poll *poll =
		container_of(entry, struct vhost_fs_state_poll, entry);

	WRITE_ONCE(poll->io->event, true);
	wake_up(&poll->io->wait);
	return 0;
}

static void io_queue(struct file *file, wait_queue_head_t *head,
		     poll_table *table)
{
	struct vhost_fs_state_io *io =
		container_of(table, struct vhost_fs_state_io, table);
	struct vhost_fs_state_poll *poll;

	if (WARN_ON_ONCE(io->nr_polls == VHOST_FS_STATE_POLLS))
		return;
	poll = &io->polls[io->nr_polls++];
	poll->io = io;
	poll->head = head;
	init_waitqueue_func_entry(&poll->entry, io_wake);
	add_wait_queue(head, &poll->entry);
}

static int io_check(struct vhost_fs_state_io *io, u32 direction)
{
	umode_t mode = file_inode(io->file)->i_mode;
	fmode_t need = direction == VHOST_FS_STATE_LOAD ? FMODE_READ :
							  FMODE_WRITE;

	if (!(io->file->f_mode & need))
		return -EBADF;
	io->pollable = S_ISFIFO(mode);
	return io->pollable || S_ISREG(mode) ? 0 : -EINVAL;
}

/**
 * vhost_fs_state_io_open - take a descriptor for a transfer
 * @io: zeroed memory
 * @fd: the caller's descriptor
 * @direction: enum vhost_fs_state_direction
 * @timeout_ms: for the whole transfer; 0 for none
 *
 * Return: 0; -EBADF if it isn't open in that direction; -EINVAL if it is neither
 * a pipe nor a regular file.
 */
int vhost_fs_state_io_open(struct vhost_fs_state_io *io, int fd, u32 direction,
			   u32 timeout_ms)
{
	int err;

	io->file = fget(fd);
	if (!io->file)
		return -EBADF;
	err = io_check(io, direction);
	if (err) {
		fput(io->file);
		io->file = NULL;
		return err;
	}
	io->pos = io->file->f_pos;
	io->timed = timeout_ms;
	io->deadline = jiffies + msecs_to_jiffies(timeout_ms);
	init_waitqueue_head(&io->wait);
	init_poll_funcptr(&io->table, io_queue);
	return 0;
}

/**
 * vhost_fs_state_io_close - let the descriptor go
 * @io: opened; nothing happens the second time
 *
 * The other end of a pipe sees the end now, not when the thread next runs
 * deferred work.
 */
void vhost_fs_state_io_close(struct vhost_fs_state_io *io)
{
	if (!io->file)
		return;
	while (io->nr_polls--)
		remove_wait_queue(io->polls[io->nr_polls].head,
				  &io->polls[io->nr_polls].entry);
	io->nr_polls = 0;
	__fput_sync(io->file);
	io->file = NULL;
}

/**
 * vhost_fs_state_io_cancel - end a transfer
 * @io: opened
 *
 * Context: any, but for interrupts.
 */
void vhost_fs_state_io_cancel(struct vhost_fs_state_io *io)
{
	WRITE_ONCE(io->cancelled, true);
	wake_up(&io->wait);
}

/**
 * vhost_fs_state_io_over - is there a reason to give up?
 * @io: opened
 *
 * Return: -ECANCELED, -ETIMEDOUT, -EINTR if the owner is killed, or 0.
 */
int vhost_fs_state_io_over(const struct vhost_fs_state_io *io)
{
	if (READ_ONCE(io->cancelled))
		return -ECANCELED;
	if (io->timed && time_after_eq(jiffies, io->deadline))
		return -ETIMEDOUT;
	return fatal_signal_pending(current) ? -EINTR : 0;
}

/* Until something happens at the other end. */
static void io_wait(struct vhost_fs_state_io *io)
{
	long left = MAX_SCHEDULE_TIMEOUT;

	if (!io->nr_polls) {
		/* What happens from now on is noted; what was before, asked. */
		vfs_poll(io->file, &io->table);
		return;
	}
	if (io->timed)
		left = max_t(long, io->deadline - jiffies, 0);
	/* Whoever freezes or suspends the host need not wait for the peer. */
	___wait_event(io->wait,
		      ___wait_cond_timeout(READ_ONCE(io->event) ||
					   READ_ONCE(io->cancelled)),
		      (TASK_KILLABLE | TASK_FREEZABLE), 0, left,
		      __ret = schedule_timeout(__ret));
	/* What happened before this is seen by whoever looks after it. */
	smp_store_mb(io->event, false);
}

static ssize_t io_once(struct vhost_fs_state_io *io, struct iov_iter *iter)
{
	const struct cred *saved;
	struct kiocb kiocb;
	ssize_t n;

	init_sync_kiocb(&kiocb, io->file);
	kiocb.ki_pos = io->pos;
	if (io->pollable)
		kiocb.ki_flags |= IOCB_NOWAIT;
	saved = override_creds(rcu_dereference_protected(current->real_cred, 1));
	n = iov_iter_rw(iter) == READ ?
		vfs_iocb_iter_read(io->file, &kiocb, iter) :
		vfs_iocb_iter_write(io->file, &kiocb, iter);
	revert_creds(saved);
	if (n > 0) {
		io->pos = kiocb.ki_pos;
		io->bytes += n;
	}
	return n;
}

/* Some bytes, as soon as there are some, or room for some. */
static ssize_t io_some(struct vhost_fs_state_io *io, struct iov_iter *iter)
{
	ssize_t n;
	int err;

	for (;;) {
		err = vhost_fs_state_io_over(io);
		if (err)
			return err;
		n = io_once(io, iter);
		if (n != -EAGAIN || !io->pollable)
			return n;
		io_wait(io);
	}
}

/**
 * vhost_fs_state_io_read - read some bytes
 * @io: opened for reading
 * @buf: where to put them
 * @len: how many at most
 *
 * Return: how many; 0 at the end; an errno.
 */
ssize_t vhost_fs_state_io_read(struct vhost_fs_state_io *io, void *buf,
			       size_t len)
{
	struct kvec vec = { .iov_base = buf, .iov_len = len };
	struct iov_iter iter;

	iov_iter_kvec(&iter, ITER_DEST, &vec, 1, len);
	return io_some(io, &iter);
}

/**
 * vhost_fs_state_io_write - write all bytes
 * @io: opened for writing
 * @buf: the bytes
 * @len: how many
 *
 * Return: 0 or an errno.
 */
int vhost_fs_state_io_write(struct vhost_fs_state_io *io, const void *buf,
			    size_t len)
{
	struct kvec vec = { .iov_base = (void *)buf, .iov_len = len };
	struct iov_iter iter;
	ssize_t n;

	while (vec.iov_len) {
		/* Where a file must end, the VFS cuts the iterator as well. */
		iov_iter_kvec(&iter, ITER_SOURCE, &vec, 1, vec.iov_len);
		n = io_some(io, &iter);
		if (n < 0)
			return n;
		if (!n)
			return -EIO;
		vec.iov_base += n;
		vec.iov_len -= n;
	}
	return 0;
}
