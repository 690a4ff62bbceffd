// SPDX-License-Identifier: GPL-2.0-only
/*
 * The load: so many requests kept going, the way Linux's driver does it.
 *
 * A lane is one of the guest's processors with its own request queue, and a
 * slot is a task on it that waits for one request at a time. What a server is
 * made to do by a guest depends on how the guest uses the ring, so the model is
 * fs/fuse/virtio_fs.c and drivers/virtio/virtio_ring.c:
 *
 * - A request is one chain with an indirect table: header, arguments and pages
 *   of data, each a descriptor of its own (virtio_fs_enqueue_req()).
 * - The ring is kicked after each single request, if the device's avail event
 *   says so (virtqueue_kick_prepare()); requests aren't gathered.
 * - A call has all used chains taken, with calls off, and calls enabled again
 *   after a last look (virtio_fs_requests_done_work()). After a call the used
 *   event isn't written to disable others: they can't come any more
 *   (event_triggered in virtqueue_disable_cb_split()).
 * - Only then do the tasks whose requests are complete go on, one after the
 *   other; each makes its next request. Calls are enabled meanwhile, and one
 *   that comes is seen when the tasks that were ready have run, as a processor
 *   runs its ready tasks in turn. LANE_EAGER has it seen at once, as if another
 *   processor took it.
 * - With nothing to run the processor sleeps: a read of the call eventfd, which
 *   stands for the halt and the interrupt that ends it. LANE_POLL is a guest
 *   that never asks to be called and looks at the ring all the time.
 * - FORGETs go through the hiprio queue, each in a single descriptor, and nobody
 *   waits for them.
 *
 * A lane's own work is the same whoever serves it, and is kept small: what the
 * guest's VFS and scheduler would add is left out, and LANE_SELF measures what
 * is left in, by answering the requests itself.
 */
#include "bench.h"

#include <err.h>
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#define PAGE	4096U

/* Header, arguments, their answers, and the pages. */
#define MAX_SEGMENTS	(4 + BENCH_MAX_DATA / PAGE)

static unsigned int add_pages(struct iovec *iov, char *data, uint32_t size)
{
	unsigned int n = 0;
	uint32_t at, len;

	for (at = 0; at < size; at += len) {
		len = size - at < PAGE ? size - at : PAGE;
		iov[n++] = (struct iovec) { data + at, len };
	}
	return n;
}

/* Header and arguments as the two buffers that the driver makes of them. */
static unsigned int add_message(struct iovec *iov, char *message, uint32_t hdr,
				uint32_t len)
{
	if (!len)
		return 0;
	iov[0] = (struct iovec) { message, hdr };
	if (len == hdr)
		return 1;
	iov[1] = (struct iovec) { message + SLOT_ARGS, len - hdr };
	return 2;
}

static int add_request(struct ring_queue *q, struct slot *slot)
{
	struct iovec iov[MAX_SEGMENTS], *in;
	unsigned int nr_out, nr_in;

	nr_out = add_message(iov, slot->in, sizeof(struct fuse_in_header),
			     slot->in_len);
	nr_out += add_pages(iov + nr_out, slot->data, slot->data_out);
	in = iov + nr_out;
	nr_in = add_message(in, slot->reply, sizeof(struct fuse_out_header),
			    slot->reply_len);
	nr_in += add_pages(in + nr_in, slot->data, slot->data_in);
	return ring_add(q, iov, nr_out, in, nr_in);
}

/* The answer that LANE_SELF gives: what is expected, and no more. */
static void answer(struct ring_queue *q, struct slot *slot, int head)
{
	struct fuse_out_header *hdr = slot ? (void *)slot->reply : NULL;
	uint16_t idx = q->used->idx;

	if (hdr)
		hdr->error = slot->op->error;
	q->used->ring[idx % q->num] = (struct vring_used_elem) {
		.id = head, .len = slot ? slot->reply_len + slot->data_in : 0,
	};
	__atomic_store_n(&q->used->idx, idx + 1, __ATOMIC_RELEASE);
}

static void kick(struct lane *lane, struct ring_queue *q, struct slot *slot,
		 int head)
{
	if (lane->mode & LANE_SELF)
		answer(q, slot, head);
	else
		lane->tally.kicks += ring_kick(q);
}

static void wait_for_call(struct ring_queue *q)
{
	uint64_t count;

	while (read(q->call, &count, sizeof(count)) < 0)
		if (errno != EINTR)
			err(1, "eventfd");
}

/*
 * The hiprio queue's messages are done with as soon as they are used. The lanes
 * share it, and so does its lock.
 */
static void reap_forgets(struct forgets *forgets)
{
	struct ring_queue *q = forgets->q;
	uint32_t len;
	int head;

	do {
		while (ring_has_used(q)) {
			head = ring_take(q, &len);
			if (head < 0)
				errx(1, "the device used a FORGET that there isn't");
			forgets->free[forgets->nr_free++] = forgets->sent[head];
		}
	} while (ring_arm(q));
}

static void send_forget(struct lane *lane, struct slot *slot)
{
	struct forgets *forgets = lane->forgets;
	struct forget_message *message;
	struct iovec iov;
	int head;

	pthread_mutex_lock(&forgets->lock);
	reap_forgets(forgets);
	while (!forgets->nr_free) {
		wait_for_call(forgets->q);
		reap_forgets(forgets);
	}
	message = forgets->free[--forgets->nr_free];
	memcpy(&message->header, slot->in, sizeof(message->header));
	memcpy(&message->arg, slot->in + SLOT_ARGS, sizeof(message->arg));
	iov = (struct iovec) { message, sizeof(*message) };
	head = ring_add(forgets->q, &iov, 1, NULL, 0);
	if (head < 0)
		errx(1, "the hiprio ring is full");
	forgets->sent[head] = message;
	kick(lane, forgets->q, NULL, head);
	pthread_mutex_unlock(&forgets->lock);
}

/* Until the server has had all of them: they are part of what is measured. */
void lane_finish_forgets(struct lane *lane)
{
	struct forgets *forgets = lane->forgets;

	pthread_mutex_lock(&forgets->lock);
	reap_forgets(forgets);
	while (forgets->nr_free < FORGETS) {
		wait_for_call(forgets->q);
		reap_forgets(forgets);
	}
	pthread_mutex_unlock(&forgets->lock);
}

static void send_slot(struct lane *lane, struct slot *slot)
{
	struct fuse_in_header *hdr = (void *)slot->in;
	int head;

	hdr->len = slot->in_len + slot->data_out;
	hdr->unique = lane->unique += 2;
	if (lane->pause_us)
		usleep(lane->pause_us);
	if (lane->latencies)
		slot->sent = now_ns();
	if (hdr->opcode == FUSE_FORGET) {
		send_forget(lane, slot);
		return;
	}
	head = add_request(lane->q, slot);
	if (head < 0)
		errx(1, "the ring is full");
	lane->waiting[head] = slot;
	lane->tally.requests++;
	kick(lane, lane->q, slot, head);
}

static void count_operation(struct lane *lane)
{
	if (lane->batch && ++lane->completed % lane->batch == 0 &&
	    lane->nr_stamps < LANE_MAX_STAMPS)
		lane->stamps[lane->nr_stamps++] = now_ns();
}

/* Has the slot's task make its next request; false when it has no more to do. */
static bool run_slot(struct lane *lane, struct slot *slot)
{
	for (;;) {
		if (!slot->op->ask(slot->op, slot, lane->files)) {
			slot->step = 0;
			count_operation(lane);
			if (!lane->to_start)
				return false;
			lane->to_start--;
			continue;
		}
		slot->step++;
		send_slot(lane, slot);
		if (slot->reply_len)
			return true;
	}
}

static void check_reply(const struct slot *slot, uint32_t len)
{
	const struct fuse_out_header *hdr = (const void *)slot->reply;

	if (len < sizeof(*hdr) || hdr->error != slot->op->error)
		errx(1, "%s: request %u was answered with %d", slot->op->name,
		     slot->step, len < sizeof(*hdr) ? -EPROTO : hdr->error);
}

/* Takes all that is used: their tasks are ready to run. */
static void take_used(struct lane *lane)
{
	struct ring_queue *q = lane->q;
	struct slot *slot;
	uint32_t len;
	int head;

	while (ring_has_used(q)) {
		head = ring_take(q, &len);
		if (head < 0)
			errx(1, "the device used a chain that there isn't");
		slot = lane->waiting[head];
		check_reply(slot, len);
		if (lane->latencies)
			lane->latencies[lane->nr_latencies++] = now_ns() - slot->sent;
		lane->ready[lane->nr_ready++] = slot;
	}
}

static void disable_calls(struct lane *lane)
{
	struct ring_queue *q = lane->q;

	if (!lane->called)
		__atomic_store_n(&q->avail->ring[q->num], 0, __ATOMIC_RELAXED);
	lane->called = false;
}

static void take_call(struct lane *lane)
{
	do {
		disable_calls(lane);
		take_used(lane);
	} while (ring_arm(lane->q));
}

static void sleep_until_called(struct lane *lane)
{
	wait_for_call(lane->q);
	lane->tally.sleeps++;
	lane->called = true;
}

/* Nothing is ready: waits until something may be. */
static void idle(struct lane *lane)
{
	if (lane->mode & (LANE_POLL | LANE_SELF)) {
		if (!ring_has_used(lane->q))
			sched_yield();
		take_used(lane);
		return;
	}
	sleep_until_called(lane);
	take_call(lane);
}

/* Runs each task that was ready when this was called. */
static void run_ready(struct lane *lane)
{
	unsigned int i, n = lane->nr_ready;
	struct slot *slots[LANE_MAX_SLOTS];

	memcpy(slots, lane->ready, n * sizeof(slots[0]));
	lane->nr_ready = 0;
	for (i = 0; i < n; i++) {
		if (!run_slot(lane, slots[i]))
			lane->running--;
		if (lane->mode & LANE_EAGER && ring_has_used(lane->q)) {
			lane->called = true;
			take_call(lane);
		}
	}
}

void lane_run(struct lane *lane, unsigned int count)
{
	unsigned int i;

	lane->nr_ready = 0;
	for (i = 0; i < lane->nr_slots && count; i++, count--)
		lane->ready[lane->nr_ready++] = &lane->slots[i];
	lane->running = lane->nr_ready;
	lane->to_start = count;
	if (lane->mode & LANE_POLL)
		__atomic_store_n(&lane->q->avail->ring[lane->q->num],
				 lane->q->last_used - 1, __ATOMIC_RELAXED);
	else
		ring_arm(lane->q);
	for (;;) {
		run_ready(lane);
		if (!lane->running)
			return;
		if (!lane->nr_ready)
			idle(lane);
	}
}
