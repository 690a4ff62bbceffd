// SPDX-License-Identifier: GPL-2.0-only
/*
 * Small copies between the host's memory and the guest's pieces.
 *
 * Header, arguments, names and most replies are a few dozen bytes in two or
 * three pieces. An iov_iter would cost more than the copy; a word at a time, with
 * access to user memory opened once for each piece, does not. File data goes by
 * iov_iter, as file systems want it.
 */
#include <linux/fault-inject-usercopy.h>
#include <linux/uaccess.h>
#include <linux/vhost_iotlb.h>

#include "dev.h"
#include "guestmem.h"
#include "request.h"

/* Longer ones are left to the processor's own way of copying. */
#define VHOST_FS_SMALL_COPY	256

static bool is_small(size_t len)
{
	return IS_ENABLED(CONFIG_HAVE_EFFICIENT_UNALIGNED_ACCESS) &&
	       len <= VHOST_FS_SMALL_COPY;
}

#define GET(_type, _at)							\
	unsafe_get_user(*(_type *)(to + (_at)),				\
			(const _type __user *)(from + (_at)), fault)

#define GET_ALL(_type)							\
	for (; at + sizeof(_type) <= len; at += sizeof(_type))		\
		GET(_type, at)

static bool copy_in(void *to, const void __user *from, size_t len)
{
	size_t at = 0;

	if (!is_small(len))
		return !copy_from_user(to, from, len);
	if (should_fail_usercopy() || !user_read_access_begin(from, len))
		return false;
	for (; at + 32 <= len; at += 32) {
		GET(u64, at);
		GET(u64, at + 8);
		GET(u64, at + 16);
		GET(u64, at + 24);
	}
	GET_ALL(u64);
	GET_ALL(u32);
	GET_ALL(u8);
	user_read_access_end();
	return true;

fault:
	user_read_access_end();
	return false;
}

#define PUT(_type, _at)							\
	unsafe_put_user(*(const _type *)(from + (_at)),			\
			(_type __user *)(to + (_at)), fault)

#define PUT_ALL(_type)							\
	for (; at + sizeof(_type) <= len; at += sizeof(_type))		\
		PUT(_type, at)

static bool copy_out(void __user *to, const void *from, size_t len)
{
	size_t at = 0;

	if (!is_small(len))
		return !copy_to_user(to, from, len);
	if (should_fail_usercopy() || !user_write_access_begin(to, len))
		return false;
	for (; at + 32 <= len; at += 32) {
		PUT(u64, at);
		PUT(u64, at + 8);
		PUT(u64, at + 16);
		PUT(u64, at + 24);
	}
	PUT_ALL(u64);
	PUT_ALL(u32);
	PUT_ALL(u8);
	user_write_access_end();
	return true;

fault:
	user_write_access_end();
	return false;
}

/**
 * vhost_fs_guest_addr - the guest's address of what the table maps to one of ours
 * @vdev: the device, whose memory table stays as it is meanwhile
 * @user: an address of the owner's
 * @addr: set to the guest's
 *
 * Return: false if the table maps nothing there.
 */
bool vhost_fs_guest_addr(struct vhost_dev *vdev, u64 user, u64 *addr)
{
	struct vhost_iotlb_map *map;

	list_for_each_entry(map, &vdev->umem->list, link) {
		if (user - map->addr < map->size) {
			*addr = map->start + (user - map->addr);
			return true;
		}
	}
	return false;
}

/**
 * vhost_fs_guest_pieces - where guest memory is in the owner
 * @req: the request; its memory table stays as it is meanwhile
 * @at: piece of @req->iov to begin with
 * @addr: the guest's address
 * @len: bytes, at least 1
 * @perm: VHOST_MAP_* that the table must allow
 *
 * Return: how many pieces it takes, 0 if it isn't all there.
 */
unsigned int vhost_fs_guest_pieces(struct vhost_fs_req *req, unsigned int at,
				   u64 addr, size_t len, u8 perm)
{
	struct vhost_iotlb_map *map;
	unsigned int n = 0;
	size_t size;

	while (len) {
		map = vhost_iotlb_itree_first(req->fs->vdev.umem, addr,
					      addr + len - 1);
		if (!map || map->start > addr || !(map->perm & perm) ||
		    at + n >= ARRAY_SIZE(req->iov))
			return 0;
		size = min_t(u64, len, map->last - addr + 1);
		req->iov[at + n++] = (struct iovec){
			.iov_base = u64_to_user_ptr(map->addr +
						    (addr - map->start)),
			.iov_len = size,
		};
		addr += size;
		len -= size;
	}
	return n;
}

/**
 * vhost_fs_guest_read - copy from the guest's pieces
 * @req: the request
 * @to: where to
 * @skip: bytes of the pieces to leave out
 * @len: bytes wanted; @skip + @len is at most @req->out_len
 *
 * Each byte is read once.
 *
 * Return: false if the guest's memory isn't there.
 *
 * Context: process context; may fault and sleep.
 */
bool vhost_fs_guest_read(const struct vhost_fs_req *req, void *to, size_t skip,
			 size_t len)
{
	const struct iovec *piece = req->iov;
	size_t n;

	for (; len; piece++) {
		if (skip >= piece->iov_len) {
			skip -= piece->iov_len;
			continue;
		}
		n = min(piece->iov_len - skip, len);
		if (!copy_in(to, piece->iov_base + skip, n))
			return false;
		skip = 0;
		to += n;
		len -= n;
	}
	return true;
}

/**
 * vhost_fs_guest_write - copy to the guest's pieces
 * @req: the request
 * @skip: bytes of the pieces to leave as they are
 * @from: where from
 * @len: how much; @skip + @len is at most @req->in_len
 *
 * Return: false if the guest's memory isn't there.
 *
 * Context: process context; may fault and sleep.
 */
bool vhost_fs_guest_write(const struct vhost_fs_req *req, size_t skip,
			  const void *from, size_t len)
{
	const struct iovec *piece = req->iov + req->out_num;
	const struct iovec *end = piece + req->in_num;
	size_t n;

	for (; len; piece++) {
		if (WARN_ON_ONCE(piece == end))
			return false;
		if (skip >= piece->iov_len) {
			skip -= piece->iov_len;
			continue;
		}
		n = min(piece->iov_len - skip, len);
		if (!copy_out(piece->iov_base + skip, from, n))
			return false;
		skip = 0;
		from += n;
		len -= n;
	}
	return true;
}
