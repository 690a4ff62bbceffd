/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: a request begins, is about to block, ends.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vhost_fs

#if !defined(VHOST_FS_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define VHOST_FS_TRACE_H

#include <linux/tracepoint.h>

#include "dev.h"
#include "request.h"

DECLARE_EVENT_CLASS(vhost_fs_request,
	TP_PROTO(const struct vhost_fs_req *req),
	TP_ARGS(req),
	TP_STRUCT__entry(
		__field(u32, device)
		__field(u32, queue)
		__field(u32, opcode)
		__field(u64, unique)
		__field(u64, nodeid)
	),
	TP_fast_assign(
		__entry->device = req->fs->id;
		__entry->queue = req->q - req->fs->queues;
		__entry->opcode = req->hdr ? req->hdr->opcode : 0;
		__entry->unique = req->hdr ? req->hdr->unique : 0;
		__entry->nodeid = req->hdr ? req->hdr->nodeid : 0;
	),
	TP_printk("device=%u queue=%u opcode=%u unique=%llu nodeid=%llu",
		  __entry->device, __entry->queue, __entry->opcode,
		  __entry->unique, __entry->nodeid)
);

DEFINE_EVENT(vhost_fs_request, vhost_fs_request_begin,
	TP_PROTO(const struct vhost_fs_req *req),
	TP_ARGS(req)
);

DEFINE_EVENT(vhost_fs_request, vhost_fs_request_block,
	TP_PROTO(const struct vhost_fs_req *req),
	TP_ARGS(req)
);

TRACE_EVENT(vhost_fs_request_end,
	TP_PROTO(const struct vhost_fs_req *req),
	TP_ARGS(req),
	TP_STRUCT__entry(
		__field(u32, device)
		__field(u32, queue)
		__field(u32, opcode)
		__field(u64, unique)
		__field(int, error)
		__field(u32, written)
		__field(bool, handed_off)
	),
	TP_fast_assign(
		__entry->device = req->fs->id;
		__entry->queue = req->q - req->fs->queues;
		__entry->opcode = req->hdr ? req->hdr->opcode : 0;
		__entry->unique = req->hdr ? req->hdr->unique : 0;
		__entry->error = req->error;
		__entry->written = req->written;
		__entry->handed_off = req->handed_off;
	),
	TP_printk("device=%u queue=%u opcode=%u unique=%llu error=%d written=%u blocked=%d",
		  __entry->device, __entry->queue, __entry->opcode,
		  __entry->unique, __entry->error, __entry->written,
		  __entry->handed_off)
);

#endif /* VHOST_FS_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
