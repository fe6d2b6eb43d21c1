/* SPDX-License-Identifier: MIT */
#include "lib/transfer.h"

#include "lib/call.h"
#include "lib/cancel.h"
#include "lib/core/futex.h"
#include "lib/core/quota.h"
#include "lib/descriptor.h"
#include "lib/export.h"
#include "lib/kind.h"
#include "lib/poison.h"

#define SPINS 100 /* tries before a call sleeps: some microseconds, less than a sleep and a wake */

__attribute__((noinline, cold)) int transfer_why(const struct mempool_channel *channel, int error,
						 enum why_kind kind, uint64_t b)
{
	return why(channel->pool, error, kind, channel_number(channel), b, 0);
}

/* ---- whether a call may be made ---- */

static __attribute__((noinline, cold)) int transfer_refuse(const struct mempool_channel *channel)
{
	if (pool_is_foreign(channel->pool)) {
		return why_not_begun(channel->pool, -ECHILD);
	}
	return why(channel->pool, -EINVAL, WHY_TIMEOUT, 0, 0, 0);
}

static bool transfer_is_of(const struct mempool_channel *channel, enum mp_channel_kind kind)
{
	return channel->kind->which == kind;
}

#define OTHERWISE 1 /* it may, but not by the fast path */

/* The same, of a handle that cannot go by the fast path. */
static __attribute__((noinline)) int transfer_check_other(const struct mempool_channel *channel,
							  bool receives, int timeout_ms)
{
	if (receives != channel->receives) {
		return transfer_why(channel, -EBADF, receives ? WHY_SENDS : WHY_RECEIVES, 0);
	}
	if (timeout_ms < -1) {
		return transfer_refuse(channel);
	}
	if (receives) {
		return transfer_is_of(channel, MP_CHANNEL_BROADCAST)
			       ? transfer_why(channel, -EPROTOTYPE, WHY_BORROWS, 0)
			       : OTHERWISE;
	}
	return channel->ends && mp_ends_is_deserted(&channel->pool->core, channel->core,
						    channel->ends)
		       ? transfer_why(channel, -EPIPE, WHY_DESERTED, 0)
		       : OTHERWISE;
}

/*
 * Whether this handle may send, or receive: 0, by the fast path; OTHERWISE; or a negative errno
 * with its sentence.
 */
static inline int transfer_check(const struct mempool_channel *channel, bool receives,
				 int timeout_ms)
{
	if (unlikely(pool_is_foreign(channel->pool))) {
		return transfer_refuse(channel);
	}
	if (unlikely(mp_load(&channel->way) != (receives ? CHANNEL_RECEIVES : CHANNEL_SENDS))) {
		return transfer_check_other(channel, receives, timeout_ms);
	}
	return likely(timeout_ms >= -1) ? 0 : transfer_refuse(channel);
}

int transfer_check_wait(const struct mempool_channel *channel, int timeout_ms)
{
	return pool_is_foreign(channel->pool) || timeout_ms < -1 ? transfer_refuse(channel) : 0;
}

int transfer_check_borrower(const struct mempool_channel *channel)
{
	int error = transfer_check_wait(channel, 0);
	if (error) {
		return error;
	}
	if (!channel->receives) {
		return transfer_why(channel, -EBADF, WHY_SENDS, 0);
	}
	return transfer_is_of(channel, MP_CHANNEL_BROADCAST)
		       ? 0
		       : transfer_why(channel, -EPROTOTYPE, WHY_NO_BROADCAST, 0);
}

/* Whether the other end has come and gone, of a handle that is to be told. */
static bool transfer_has_lost_other(const struct mempool_channel *channel)
{
	return channel->receives
		       ? channel->kind->is_over(channel)
		       : mp_ends_is_deserted(&channel->pool->core, channel->core, channel->ends);
}

/*
 * Why a call that found no room, or no token, must return: a negative errno with its sentence. 0:
 * it may sleep.
 */
static int transfer_must_end(const struct mempool_channel *channel, int timeout_ms,
			     const struct mp_wait *wait)
{
	bool receives = channel->receives;

	if (mp_load(&channel->pool->core.header->broken)) {
		return transfer_why(channel, -EIO, WHY_BROKEN, 0);
	}
	if (channel->ends && transfer_has_lost_other(channel)) {
		return transfer_why(channel, -EPIPE, receives ? WHY_OVER : WHY_DESERTED, 0);
	}
	if (timeout_ms == 0) {
		return transfer_why(channel, -EAGAIN, receives ? WHY_EMPTY : WHY_FULL,
				    channel->pool->core.shape.depth);
	}
	int error = cancel_check(channel, wait);
	if (error) {
		return error;
	}
	if (mp_is_late(wait->deadline)) {
		return transfer_why(channel, -ETIMEDOUT, receives ? WHY_LATE_BLOCK : WHY_LATE_ROOM,
				    (uint64_t)timeout_ms);
	}
	return 0;
}

/* ---- sending ---- */

static uint32_t transfer_to_queue(struct mempool_channel *channel, void *const *blocks, uint32_t n,
				  int *error)
{
	return mp_channel_send(&channel->pool->core, channel->core, blocks, n, error);
}

/* Why the first block was not sent; what transfer_must_end() has said stands. Returns @error. */
static __attribute__((noinline, cold)) int transfer_not_sent(const struct mempool_channel *channel,
							     void *const *blocks, int error)
{
	switch (error) {
	case 0:
	case -EAGAIN:
	case -ETIMEDOUT:
	case -EIO:
	case -EPIPE:
	case -EINTR:
	case -ECANCELED:
		return error;
	case -ENOTCONN:
		return channel->ends && transfer_has_lost_other(channel)
			       ? transfer_why(channel, -EPIPE, WHY_DESERTED, 0)
			       : transfer_why(channel, -ENOTCONN, WHY_NOBODY, 0);
	default:
		return why_refused(channel->pool, blocks[0], error);
	}
}

/* The rest of a send that found the channel full: tries some times, then sleeps. */
static __attribute__((noinline)) ssize_t transfer_send_later(struct mempool_channel *channel,
							     void *const *blocks, uint32_t n,
							     int timeout_ms)
{
	struct mp_wait wait = cancel_begin(channel);
	struct timespec deadline;
	uint32_t sent = 0;
	int error = transfer_must_end(channel, timeout_ms, &wait);

	for (int i = 0; error == 0 && i < SPINS; i++) {
		mp_pause();
		sent = channel->kind->send(channel, blocks, n, &error);
		error = sent == 0 && error == -EAGAIN ? 0 : error;
		if (sent > 0) {
			return sent;
		}
	}
	if (error) {
		return transfer_not_sent(channel, blocks, error);
	}
	mp_deadline(&deadline, timeout_ms);
	wait.deadline = timeout_ms < 0 ? NULL : &deadline;
	mp_add(&channel->sleepers, 1);
	while ((error = transfer_must_end(channel, timeout_ms, &wait)) == 0) {
		channel->kind->await_room(channel, &wait);
		sent = channel->kind->send(channel, blocks, n, &error);
		if (sent > 0 || error != -EAGAIN) {
			break;
		}
	}
	mp_add(&channel->sleepers, -1);
	return sent > 0 ? (ssize_t)sent : transfer_not_sent(channel, blocks, error);
}

/* Sends by that function, of a handle that may. */
static inline ssize_t
transfer_send_by(struct mempool_channel *channel, void *const *blocks, uint32_t n, int timeout_ms,
		 uint32_t (*send)(struct mempool_channel *, void *const *, uint32_t, int *))
{
	int error;

	poison_hide_all(channel->pool, blocks, n);
	ssize_t sent = send(channel, blocks, n, &error);
	if (unlikely(sent == 0 && error == -EAGAIN)) {
		sent = transfer_send_later(channel, blocks, n, timeout_ms);
	} else if (unlikely(sent == 0)) {
		sent = transfer_not_sent(channel, blocks, error);
	}
	uint32_t gone = sent > 0 ? (uint32_t)sent : 0;
	poison_show_all(channel->pool, blocks + gone, n - gone, true);
	if (gone > 0) {
		mp_quota_return(&channel->pool->core, gone);
	}
	return sent;
}

static __attribute__((noinline)) ssize_t transfer_send_otherwise(struct mempool_channel *channel,
								 void *const *blocks, uint32_t n,
								 int timeout_ms)
{
	ssize_t sent = transfer_send_by(channel, blocks, n, timeout_ms, channel->kind->send);

	if (bell_is_started(&channel->bell)) {
		descriptor_settle_channel(channel, sent, n);
	}
	return sent;
}

static inline ssize_t transfer_send(struct mempool_channel *channel, void *const *blocks,
				    uint32_t n, int timeout_ms)
{
	int way = transfer_check(channel, false, timeout_ms);
	if (unlikely(way)) {
		return way < 0 ? way : transfer_send_otherwise(channel, blocks, n, timeout_ms);
	}
	return transfer_send_by(channel, blocks, n, timeout_ms, transfer_to_queue);
}

static uint32_t transfer_at_most(size_t n)
{
	return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

EXPORT int mempool_channel_send(struct mempool_channel *channel, void *block, int timeout_ms)
{
	ssize_t sent = transfer_send(channel, &block, 1, timeout_ms);

	return sent > 0 ? 0 : (int)sent;
}

EXPORT ssize_t mempool_channel_send_bulk(struct mempool_channel *channel, void *const *blocks,
					 size_t n, int timeout_ms)
{
	return transfer_send(channel, blocks, transfer_at_most(n), timeout_ms);
}

/* ---- receiving ---- */

static uint32_t transfer_from_queue(struct mempool_channel *channel, void **blocks, uint32_t n,
				    int *error)
{
	return mp_channel_receive(&channel->pool->core, channel->core, blocks, n, error);
}

/* One try, by that function. Returns how many came, or a negative errno. */
static inline ssize_t
transfer_receive_once(struct mempool_channel *channel, void **blocks, uint32_t n,
		      uint32_t (*receive)(struct mempool_channel *, void **, uint32_t, int *))
{
	struct mp_pool *core = &channel->pool->core;
	int error;

	uint32_t most = mp_quota_charge_some(core, n);
	if (unlikely(most == 0 && n > 0)) {
		return why_not_got(channel->pool, n, -EDQUOT);
	}
	uint32_t got = receive(channel, blocks, most, &error);
	if (unlikely(got < most)) {
		mp_quota_return(core, most - got);
	}
	if (unlikely(got == 0 && error)) {
		return transfer_why(channel, error, WHY_SCRIBBLED, 0);
	}
	return got;
}

/* The rest of a receive that found nothing: tries some times, then sleeps. */
static __attribute__((noinline)) ssize_t
transfer_receive_later(struct mempool_channel *channel, void **blocks, uint32_t n, int timeout_ms)
{
	const struct kind *kind = channel->kind;
	struct mp_wait wait = cancel_begin(channel);
	struct timespec deadline;
	int error = transfer_must_end(channel, timeout_ms, &wait);
	ssize_t got = 0;

	for (int i = 0; error == 0 && got == 0 && i < SPINS; i++) {
		mp_pause();
		got = transfer_receive_once(channel, blocks, n, kind->receive);
	}
	if (error || got) {
		return error ? error : got;
	}
	mp_deadline(&deadline, timeout_ms);
	wait.deadline = timeout_ms < 0 ? NULL : &deadline;
	while (got == 0 && (error = transfer_must_end(channel, timeout_ms, &wait)) == 0) {
		kind->await_token(channel, &wait);
		got = transfer_receive_once(channel, blocks, n, kind->receive);
	}
	return got ? got : error;
}

/* Receives by that function, of a handle that may. */
static inline ssize_t
transfer_receive_by(struct mempool_channel *channel, void **blocks, uint32_t n, int timeout_ms,
		    uint32_t (*receive)(struct mempool_channel *, void **, uint32_t, int *))
{
	ssize_t got = transfer_receive_once(channel, blocks, n, receive);

	if (unlikely(got == 0 && n > 0)) {
		got = transfer_receive_later(channel, blocks, n, timeout_ms);
	}
	if (unlikely(bell_is_started(&channel->bell))) {
		descriptor_settle_channel(channel, got, n);
	}
	return got;
}

/* The same, where one thread at a time may. */
static inline ssize_t
transfer_receive_alone(struct mempool_channel *channel, void **blocks, uint32_t n, int timeout_ms,
		       uint32_t (*receive)(struct mempool_channel *, void **, uint32_t, int *))
{
	if (unlikely(mp_load(&channel->busy))) {
		return transfer_why(channel, -EDEADLK, WHY_RECEIVING, 0);
	}
	mp_store(&channel->busy, 1);
	mp_compiler_fence();
	ssize_t got = transfer_receive_by(channel, blocks, n, timeout_ms, receive);
	mp_store_release(&channel->busy, 0);
	return got;
}

/* From work. */
static __attribute__((noinline)) ssize_t transfer_receive_otherwise(struct mempool_channel *channel,
								    void **blocks, uint32_t n,
								    int timeout_ms)
{
	mp_add(&channel->sleepers, 1);
	ssize_t got = transfer_receive_by(channel, blocks, n, timeout_ms, channel->kind->receive);
	mp_add(&channel->sleepers, -1);
	return got;
}

static inline ssize_t transfer_receive(struct mempool_channel *channel, void **blocks, uint32_t n,
				       int timeout_ms)
{
	const struct mempool *pool = channel->pool; /* after the call the handle may be closed */
	int way = transfer_check(channel, true, timeout_ms);
	if (unlikely(way < 0)) {
		return way;
	}
	ssize_t got = likely(way == 0) ? transfer_receive_alone(channel, blocks, n, timeout_ms,
								transfer_from_queue)
				       : transfer_receive_otherwise(channel, blocks, n, timeout_ms);
	poison_show_all(pool, blocks, got > 0 ? (size_t)got : 0, true);
	return got;
}

EXPORT void *mempool_channel_receive(struct mempool_channel *channel, int timeout_ms)
{
	void *block;

	ssize_t got = transfer_receive(channel, &block, 1, timeout_ms);
	return likely(got > 0) ? block : call_nothing((int)got);
}

EXPORT ssize_t mempool_channel_receive_bulk(struct mempool_channel *channel, void **blocks,
					    size_t n, int timeout_ms)
{
	return transfer_receive(channel, blocks, transfer_at_most(n), timeout_ms);
}

/* ---- borrowing ---- */

ssize_t transfer_borrow(struct mempool_channel *channel, const void **blocks, size_t n,
			int timeout_ms)
{
	int error = transfer_check_wait(channel, timeout_ms);
	if (error) {
		return error;
	}
	return transfer_receive_alone(channel, (void **)blocks, transfer_at_most(n), timeout_ms,
				      channel->kind->receive);
}
