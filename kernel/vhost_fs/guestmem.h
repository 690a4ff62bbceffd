/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory of the guest's, as the owner has it mapped. */
#ifndef VHOST_FS_GUESTMEM_H
#define VHOST_FS_GUESTMEM_H

#include <linux/types.h>

struct vhost_dev;
struct vhost_fs_req;

bool vhost_fs_guest_addr(struct vhost_dev *vdev, u64 user, u64 *addr);
unsigned int vhost_fs_guest_pieces(struct vhost_fs_req *req, unsigned int at,
				   u64 addr, size_t len, u8 perm);
bool vhost_fs_guest_read(const struct vhost_fs_req *req, void *to, size_t skip,
			 size_t len);
bool vhost_fs_guest_write(const struct vhost_fs_req *req, size_t skip,
			  const void *from, size_t len);

#endif /* VHOST_FS_GUESTMEM_H */
