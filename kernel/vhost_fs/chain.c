// SPDX-License-Identifier: GPL-2.0-only
/*
 * A chain of descriptors, from the ring to pieces of memory.
 *
 * Guest drivers put a request into a table of descriptors, one behind the
 * other, or, if it has but one, into the ring itself, each buffer inside one
 * region of the memory table. Such a chain is taken here, at a fifth of what it
 * costs by the vhost core, which copies descriptors one by one and searches the
 * memory table for each.
 *
 * Whatever is not like that stays on the ring as it is, and the core takes it or
 * finds what is wrong with it: longer chains in the ring itself, buffers over two
 * regions, broken ones, a dirty log to be kept, a virtual IOMMU. So nothing is
 * refused here, and the core's checks aren't repeated.
 */
#include <linux/nospec.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "dev.h"
#include "request.h"
#include "vq.h"

/**
 * vhost_fs_chain_forget - the memory table is about to change
 * @q: the queue
 *
 * Context: the queue's mutex held, nothing in flight until the change is over.
 */
void vhost_fs_chain_forget(struct vhost_fs_queue *q)
{
	lockdep_assert_held(&q->vq.mutex);

	q->region = (struct vhost_fs_region) { .first = 1 };
}

/* Rings in the host's own byte order, at addresses of this process. */
static bool is_plain(const struct vhost_virtqueue *vq)
{
	return !vq->iotlb && vq->is_le == virtio_legacy_is_little_endian();
}

/* Not an empty buffer, or one that wraps round: they end before they begin. */
static __always_inline bool in_region(const struct vhost_fs_queue *q, u64 addr,
				      u32 len)
{
	u64 last = addr + len - 1;

	return addr >= q->region.first && last <= q->region.last && last >= addr;
}

/* Remember the region that guest memory lies in; false if it isn't in one. */
static bool find_region(struct vhost_fs_queue *q, u64 addr, u32 len)
{
	u64 last = addr + len - 1;
	struct vhost_iotlb_map *map;

	if (last < addr)
		return false;
	map = vhost_iotlb_itree_first(q->fs->vdev.umem, addr, last);
	if (!map || map->perm != VHOST_ACCESS_RW)
		return false;
	q->region = (struct vhost_fs_region) {
		.first = map->start,
		.last = map->last,
		.offset = map->addr - map->start,
	};
	return in_region(q, addr, len);
}

/* Make a guest address one of the VMM; false if it isn't in one region. */
static bool translate(struct vhost_fs_queue *q, u64 *addr, u32 len)
{
	if (unlikely(!in_region(q, *addr, len)) && !find_region(q, *addr, len))
		return false;
	*addr += q->region.offset;
	return true;
}

/*
 * One more piece of guest memory, in q->region. What a guest cuts at each page becomes
 * one piece again: file systems look at each piece, and some at all that are left
 * again and again. @end is where the last one ends, if it may grow, else 0.
 */
static __always_inline struct iovec *add_piece(const struct vhost_fs_queue *q,
					       struct iovec *last, u64 end,
					       u64 addr, u32 len)
{
	if (end && addr == end)
		last->iov_len += len;
	else
		*++last = (struct iovec) {
			u64_to_user_ptr(addr + q->region.offset), len
		};
	return last;
}

/*
 * Make pieces of a table of at most @n descriptors, each the next one's predecessor,
 * those to be read before those to be written. Each is read once. Returns false if
 * they are not like that.
 */
static bool read_table(struct vhost_fs_queue *q, struct vhost_fs_req *req,
		       const struct vring_desc __user *table, unsigned int n)
{
	struct iovec *last = req->iov - 1, *last_out = NULL;
	u64 addr, end = 0, sum = 0, sum_out = 0;
	unsigned int i = 0;
	u16 flags, next;
	u32 len;

	if (!user_read_access_begin(table, n * sizeof(*table)))
		return false;
	do {
		unsafe_get_user(addr, (const u64 __user *)&table[i].addr, odd);
		unsafe_get_user(len, (const u32 __user *)&table[i].len, odd);
		unsafe_get_user(flags, (const u16 __user *)&table[i].flags, odd);
		unsafe_get_user(next, (const u16 __user *)&table[i].next, odd);
		if ((flags & VRING_DESC_F_INDIRECT) ||
		    (last_out && !(flags & VRING_DESC_F_WRITE)))
			goto odd;
		if ((flags & VRING_DESC_F_WRITE) && !last_out) {
			last_out = last;
			sum_out = sum;
			end = 0;
		}
		if (unlikely(!in_region(q, addr, len))) {
			/* Pieces of two regions stay apart. */
			end = 0;
			user_read_access_end();
			if (!find_region(q, addr, len) ||
			    !user_read_access_begin(table, n * sizeof(*table)))
				return false;
		}
		last = add_piece(q, last, end, addr, len);
		end = addr + len;
		sum += len;
		i++;
	} while ((flags & VRING_DESC_F_NEXT) && next == i && i < n);
	if (flags & VRING_DESC_F_NEXT)
		goto odd;
	user_read_access_end();
	if (!last_out) {
		last_out = last;
		sum_out = sum;
	}
	req->out_num = last_out + 1 - req->iov;
	req->in_num = last - last_out;
	req->out_len = sum_out;
	req->in_len = sum - sum_out;
	return true;

odd:
	user_read_access_end();
	return false;
}

static bool take_table(struct vhost_fs_queue *q, struct vhost_fs_req *req,
		       u64 addr, u32 len)
{
	unsigned int n = len / sizeof(struct vring_desc);

	if (len % sizeof(struct vring_desc) || n - 1 >= ARRAY_SIZE(req->iov) ||
	    !IS_ALIGNED(addr, sizeof(addr)) || !translate(q, &addr, len))
		return false;
	return read_table(q, req, u64_to_user_ptr(addr), n);
}

/* A request that is all there is of its chain: a FORGET. */
static bool take_one(struct vhost_fs_queue *q, struct vhost_fs_req *req,
		     u64 addr, u32 len)
{
	if (!translate(q, &addr, len))
		return false;
	req->iov[0].iov_base = u64_to_user_ptr(addr);
	req->iov[0].iov_len = len;
	req->out_num = 1;
	req->in_num = 0;
	req->out_len = len;
	req->in_len = 0;
	return true;
}

/*
 * Is there a chain, and which is its first descriptor? Returns 1; 0 if there is none;
 * -EAGAIN if the core is to say what is wrong.
 */
static int read_ring(struct vhost_virtqueue *vq, u16 *head, struct vring_desc *first)
{
	const struct vring_avail __user *avail = vq->avail;
	const struct vring_desc __user *desc;
	u16 idx;

	if (!access_ok(vq->desc, vq->num * sizeof(*desc)) ||
	    !user_read_access_begin(avail, struct_size(avail, ring, vq->num)))
		return -EAGAIN;
	if (vq->avail_idx == vq->last_avail_idx) {
		unsafe_get_user(idx, (const u16 __user *)&avail->idx, odd);
		if ((u16)(idx - vq->last_avail_idx) > vq->num)
			goto odd;
		if (idx == vq->avail_idx) {
			user_read_access_end();
			return 0;
		}
		vq->avail_idx = idx;
		/* The guest wrote the chain before the index. */
		smp_rmb();
	}
	idx = vq->last_avail_idx & (vq->num - 1);
	unsafe_get_user(*head, (const u16 __user *)&avail->ring[idx], odd);
	if (*head >= vq->num)
		goto odd;
	desc = vq->desc + array_index_nospec(*head, vq->num);
	unsafe_get_user(first->addr, &desc->addr, odd);
	unsafe_get_user(first->len, &desc->len, odd);
	unsafe_get_user(first->flags, &desc->flags, odd);
	user_read_access_end();
	return 1;

odd:
	user_read_access_end();
	return -EAGAIN;
}

static bool take_chain(struct vhost_fs_queue *q, struct vhost_fs_req *req,
		       const struct vring_desc *first)
{
	u64 addr = (__force u64)first->addr;
	u32 len = (__force u32)first->len;

	switch ((__force u16)first->flags) {
	case VRING_DESC_F_INDIRECT:
		return take_table(q, req, addr, len);
	case 0:
		return take_one(q, req, addr, len);
	default:
		return false;
	}
}

/**
 * vhost_fs_chain_take - take the next chain off a ring, if it is an easy one
 * @q: the queue, which keeps no dirty log
 * @req: its @head, @iov, and how much of that there is, are set
 *
 * Return: 1; 0 if there is no chain; -EAGAIN if vhost_get_vq_desc() must do it,
 * with the ring as it was.
 *
 * Context: the queue's mutex held.
 */
int vhost_fs_chain_take(struct vhost_fs_queue *q, struct vhost_fs_req *req)
{
	struct vhost_virtqueue *vq = &q->vq;
	struct vring_desc first __uninitialized;
	u16 head;
	int ret;

	lockdep_assert_held(&vq->mutex);

	if (!is_plain(vq))
		return -EAGAIN;
	ret = read_ring(vq, &head, &first);
	if (ret <= 0)
		return ret;
	if (!take_chain(q, req, &first))
		return -EAGAIN;
	req->head = head;
	vq->last_avail_idx++;
	return 1;
}

static bool write_used(struct vhost_virtqueue *vq, u32 head, u32 len)
{
	struct vring_used_elem __user *elem =
		&vq->used->ring[vq->last_used_idx & (vq->num - 1)];

	if (!user_write_access_begin(vq->used,
				     struct_size(vq->used, ring, vq->num)))
		return false;
	unsafe_put_user(head, (u32 __user *)&elem->id, fault);
	unsafe_put_user(len, (u32 __user *)&elem->len, fault);
	/* The guest believes what is before the index. */
	smp_wmb();
	unsafe_put_user((u16)(vq->last_used_idx + 1),
			(u16 __user *)&vq->used->idx, fault);
	user_write_access_end();
	return true;

fault:
	user_write_access_end();
	return false;
}

/**
 * vhost_fs_chain_put - put a chain on the used ring
 * @q: the queue
 * @head: the chain's first descriptor
 * @len: bytes that were written to it
 *
 * Return: 0, or an error if the ring isn't there any more.
 *
 * Context: the queue's mutex held.
 */
int vhost_fs_chain_put(struct vhost_fs_queue *q, unsigned int head, u32 len)
{
	struct vhost_virtqueue *vq = &q->vq;

	lockdep_assert_held(&vq->mutex);

	if (!is_plain(vq) || vq->log_used)
		return vhost_add_used(vq, head, len);
	if (!write_used(vq, head, len)) {
		/* It isn't the ring's fault, and nobody is to be told that it is. */
		if (fatal_signal_pending(current))
			return -EFAULT;
		return vhost_add_used(vq, head, len);
	}
	vq->last_used_idx++;
	/* Not called in a whole round: who knows what for the last time was. */
	if (unlikely(vq->last_used_idx == vq->signalled_used))
		vq->signalled_used_valid = false;
	return 0;
}
