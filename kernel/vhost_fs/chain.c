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

static bool read_u16(u16 *to, const __virtio16 __user *from)
{
	if (!user_read_access_begin(from, sizeof(*from)))
		return false;
	unsafe_get_user(*to, (const u16 __user *)from, fault);
	user_read_access_end();
	return true;

fault:
	user_read_access_end();
	return false;
}

/* A descriptor of the ring. */
static bool read_desc(const struct vring_desc __user *desc, u64 *addr, u32 *len,
		      u16 *flags)
{
	if (!user_read_access_begin(desc, sizeof(*desc)))
		return false;
	unsafe_get_user(*addr, (const u64 __user *)&desc->addr, fault);
	unsafe_get_user(*len, (const u32 __user *)&desc->len, fault);
	unsafe_get_user(*flags, (const u16 __user *)&desc->flags, fault);
	user_read_access_end();
	return true;

fault:
	user_read_access_end();
	return false;
}

/*
 * Copy a table of at most @n descriptors, each the next one's predecessor, with
 * guest addresses. Returns how many there are, 0 if they are not like that.
 */
static unsigned int read_table(struct vhost_fs_req *req,
			       const struct vring_desc __user *table,
			       unsigned int n)
{
	struct iovec *iov = req->iov;
	unsigned int i = 0, nr_in = 0;
	u16 flags, next;
	u64 addr;
	u32 len;

	if (!user_read_access_begin(table, n * sizeof(*table)))
		return 0;
	do {
		unsafe_get_user(addr, (const u64 __user *)&table[i].addr, odd);
		unsafe_get_user(len, (const u32 __user *)&table[i].len, odd);
		unsafe_get_user(flags, (const u16 __user *)&table[i].flags, odd);
		unsafe_get_user(next, (const u16 __user *)&table[i].next, odd);
		if (flags & VRING_DESC_F_WRITE)
			nr_in++;
		else if (nr_in)
			goto odd;
		if (flags & VRING_DESC_F_INDIRECT)
			goto odd;
		iov[i].iov_base = (void __user *)(uintptr_t)addr;
		iov[i].iov_len = len;
		i++;
		if (!(flags & VRING_DESC_F_NEXT)) {
			user_read_access_end();
			req->out_num = i - nr_in;
			req->in_num = nr_in;
			return i;
		}
	} while (next == i && i < n);
odd:
	user_read_access_end();
	return 0;
}

/* Remember the region that guest memory from @addr to @last lies in. */
static bool find_region(struct vhost_fs_queue *q, u64 addr, u64 last)
{
	struct vhost_iotlb_map *map;

	map = vhost_iotlb_itree_first(q->fs->vdev.umem, addr, last);
	if (!map || map->perm != VHOST_ACCESS_RW)
		return false;
	q->region = (struct vhost_fs_region) {
		.first = map->start,
		.last = map->last,
		.offset = map->addr - map->start,
	};
	return addr >= map->start && last <= map->last;
}

/* Make a guest address one of the VMM; false if it isn't in one region. */
static __always_inline bool translate(struct vhost_fs_queue *q, u64 *addr,
				      size_t len)
{
	u64 last = *addr + len - 1;

	/* An empty buffer, or one that wraps round, ends before it begins. */
	if (unlikely(last < *addr))
		return false;
	if (unlikely(*addr < q->region.first || last > q->region.last) &&
	    !find_region(q, *addr, last))
		return false;
	*addr += q->region.offset;
	return true;
}

/*
 * Give @n pieces the VMM's addresses. What a guest cuts at each page becomes one
 * piece again within a region: file systems look at each piece, and some at all that
 * are left again and again. Returns false if one isn't in a region.
 */
static bool place(struct vhost_fs_queue *q, struct vhost_fs_req *req,
		  unsigned int n)
{
	unsigned int i, out = req->out_num;
	struct iovec *to = req->iov - 1;
	u64 guest, addr, end = 0;
	size_t len;

	for (i = 0; i < n; i++) {
		guest = (uintptr_t)req->iov[i].iov_base;
		addr = guest;
		len = req->iov[i].iov_len;
		if (!translate(q, &addr, len))
			return false;
		if (i == out)
			req->out_num = to + 1 - req->iov;
		/* The byte before is in the same region, which translate() has found. */
		if (i && i != out && guest == end && guest > q->region.first)
			to->iov_len += len;
		else
			*++to = (struct iovec){ u64_to_user_ptr(addr), len };
		end = guest + len;
	}
	n = to + 1 - req->iov;
	if (out == i)
		req->out_num = n;
	req->in_num = n - req->out_num;
	return true;
}

static bool take_table(struct vhost_fs_queue *q, struct vhost_fs_req *req,
		       u64 addr, u32 len)
{
	unsigned int n = len / sizeof(struct vring_desc);

	if (len % sizeof(struct vring_desc) || n - 1 >= ARRAY_SIZE(req->iov) ||
	    !IS_ALIGNED(addr, sizeof(addr)) || !translate(q, &addr, len))
		return false;
	n = read_table(req, u64_to_user_ptr(addr), n);
	return n && place(q, req, n);
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
	return true;
}

static bool take_chain(struct vhost_fs_queue *q, struct vhost_fs_req *req,
		       u16 head)
{
	u64 addr;
	u32 len;
	u16 flags;

	if (!read_desc(q->vq.desc + head, &addr, &len, &flags))
		return false;
	if (flags == VRING_DESC_F_INDIRECT)
		return take_table(q, req, addr, len);
	return !flags && take_one(q, req, addr, len);
}

/* Is there a chain? Returns -EAGAIN if the core is to say what is wrong. */
static int next_head(struct vhost_virtqueue *vq, u16 *head)
{
	u16 idx;

	if (vq->avail_idx == vq->last_avail_idx) {
		if (!read_u16(&idx, &vq->avail->idx) ||
		    (u16)(idx - vq->last_avail_idx) > vq->num)
			return -EAGAIN;
		if (idx == vq->avail_idx)
			return 0;
		vq->avail_idx = idx;
		/* The guest wrote the chain before the index. */
		smp_rmb();
	}
	idx = vq->last_avail_idx & (vq->num - 1);
	if (!read_u16(head, &vq->avail->ring[idx]) || *head >= vq->num)
		return -EAGAIN;
	return 1;
}

/**
 * vhost_fs_chain_take - take the next chain off a ring, if it is an easy one
 * @q: the queue, which keeps no dirty log
 * @req: its @head, @iov, @out_num and @in_num are set
 *
 * Return: 1; 0 if there is no chain; -EAGAIN if vhost_get_vq_desc() must do it,
 * with the ring as it was.
 *
 * Context: the queue's mutex held.
 */
int vhost_fs_chain_take(struct vhost_fs_queue *q, struct vhost_fs_req *req)
{
	struct vhost_virtqueue *vq = &q->vq;
	u16 head;
	int ret;

	lockdep_assert_held(&vq->mutex);

	if (!is_plain(vq))
		return -EAGAIN;
	ret = next_head(vq, &head);
	if (ret <= 0)
		return ret;
	if (!take_chain(q, req, head))
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
