// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that grows while a device's state is read or put together, a page at a
 * time, and is then looked at in one piece. It is the VMM's to pay for.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "state.h"

/* Pages that the first array of pages has room for. */
#define BLOB_FIRST_ROOM		64

static int blob_more_room(struct vhost_fs_state_blob *blob)
{
	size_t room = blob->room ? 2 * blob->room : BLOB_FIRST_ROOM;
	struct page **pages;

	pages = kvmalloc_array(room, sizeof(*pages), GFP_KERNEL_ACCOUNT);
	if (!pages)
		return -ENOMEM;
	if (blob->nr_pages)
		memcpy(pages, blob->pages, blob->nr_pages * sizeof(*pages));
	kvfree(blob->pages);
	blob->pages = pages;
	blob->room = room;
	return 0;
}

static int blob_add_page(struct vhost_fs_state_blob *blob)
{
	struct page *page;
	int err = 0;

	if (blob->nr_pages == blob->room)
		err = blob_more_room(blob);
	if (err)
		return err;
	page = alloc_page(GFP_KERNEL_ACCOUNT);
	if (!page)
		return -ENOMEM;
	blob->pages[blob->nr_pages++] = page;
	return 0;
}

/**
 * vhost_fs_state_blob_room - room to put more bytes in
 * @blob: zeroed at first; not mapped yet
 * @at: set to the room; whoever fills it adds to @blob->len
 * @room: set to its bytes, at least 1
 *
 * Return: 0; -ENOMEM; -EOVERFLOW if it is as long as a state may be.
 */
int vhost_fs_state_blob_room(struct vhost_fs_state_blob *blob, void **at,
			     size_t *room)
{
	size_t used = offset_in_page(blob->len);
	int err;

	if (blob->len >= VHOST_FS_STATE_MAX)
		return -EOVERFLOW;
	if (!used) {
		err = blob_add_page(blob);
		if (err)
			return err;
	}
	*at = page_address(blob->pages[blob->nr_pages - 1]) + used;
	*room = PAGE_SIZE - used;
	return 0;
}

/**
 * vhost_fs_state_blob_append - put bytes at the end
 * @blob: zeroed at first; not mapped yet
 * @data: the bytes
 * @len: how many
 *
 * Return: 0 or as vhost_fs_state_blob_room(), and then some may have been put
 * there.
 */
int vhost_fs_state_blob_append(struct vhost_fs_state_blob *blob,
			       const void *data, size_t len)
{
	size_t room;
	void *at;
	int err;

	while (len) {
		err = vhost_fs_state_blob_room(blob, &at, &room);
		if (err)
			return err;
		room = min(room, len);
		memcpy(at, data, room);
		blob->len += room;
		data += room;
		len -= room;
	}
	return 0;
}

/**
 * vhost_fs_state_blob_map - all bytes in one piece
 * @blob: not mapped yet, and not to be appended to any more
 *
 * Return: the bytes; NULL if memory is short. With no bytes, an address that is
 * not to be used.
 */
const void *vhost_fs_state_blob_map(struct vhost_fs_state_blob *blob)
{
	if (!blob->nr_pages)
		return ZERO_SIZE_PTR;
	blob->map = vmap(blob->pages, blob->nr_pages, VM_MAP, PAGE_KERNEL);
	return blob->map;
}

/**
 * vhost_fs_state_blob_free - give the memory back
 * @blob: any
 */
void vhost_fs_state_blob_free(struct vhost_fs_state_blob *blob)
{
	size_t i;

	vunmap(blob->map);
	for (i = 0; i < blob->nr_pages; i++)
		__free_page(blob->pages[i]);
	kvfree(blob->pages);
	*blob = (struct vhost_fs_state_blob) { };
}
