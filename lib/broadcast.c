/* SPDX-License-Identifier: MIT */
/*
 * What a subscriber does with the blocks of a broadcast: it borrows and returns them. See
 * lib/core/broadcast.h.
 */
#include "lib/call.h"
#include "lib/core/quota.h"
#include "lib/export.h"
#include "lib/poison.h"
#include "lib/transfer.h"

EXPORT ssize_t mempool_channel_borrow_bulk(struct mempool_channel *channel, const void **blocks,
					   size_t n, int timeout_ms)
{
	int error = transfer_check_borrower(channel);
	if (error) {
		return error;
	}
	ssize_t got = transfer_borrow(channel, blocks, n, timeout_ms);
	for (ssize_t i = 0; i < got && unlikely(channel->pool->poisoned); i++) {
		poison_show_shared(channel->pool, blocks[i]);
	}
	return got;
}

EXPORT const void *mempool_channel_borrow(struct mempool_channel *channel, int timeout_ms)
{
	const void *block;

	ssize_t got = mempool_channel_borrow_bulk(channel, &block, 1, timeout_ms);
	return likely(got > 0) ? block : call_nothing((int)got);
}

/* Why a block cannot be returned, or owned. Returns @error. */
static __attribute__((noinline, cold)) int broadcast_refuse(const struct mempool_channel *channel,
							    const void *block, int error)
{
	const struct mempool *pool = channel->pool;
	uint64_t index = mp_pool_index(&pool->core, block);

	if (error == -EINVAL) {
		return why_refused(pool, block, error);
	}
	return why(pool, error, error == -EBUSY ? WHY_SHARED_ON : WHY_NOT_BORROWED, index,
		   channel_number(channel), 0);
}

EXPORT int mempool_channel_return(struct mempool_channel *channel, const void *block)
{
	struct mempool *pool = channel->pool;

	int error = transfer_check_borrower(channel);
	if (error) {
		return error;
	}
	uint64_t index = mp_pool_index(&pool->core, block);
	if (unlikely(pool->poisoned) &&
	    mp_broadcast_is_held_once(&pool->core, &channel->subscriber, index)) {
		poison_hide_shared(pool, block);
	}
	error = mp_broadcast_return(&pool->core, call_find_local(pool), &channel->subscriber,
				    index);
	if (unlikely(error)) {
		return broadcast_refuse(channel, block, error);
	}
	mp_quota_return(&pool->core, 1);
	mp_add(&channel->held, -1);
	return 0;
}

/* Owns the block: 0, or a negative errno with its sentence. */
static int broadcast_own(struct mempool_channel *channel, const void *block)
{
	struct mempool *pool = channel->pool;

	int error = transfer_check_borrower(channel);
	if (error) {
		return error;
	}
	error = mp_broadcast_own(&pool->core, &channel->subscriber,
				 mp_pool_index(&pool->core, block));
	if (unlikely(error)) {
		return broadcast_refuse(channel, block, error);
	}
	mp_add(&channel->held, -1); /* the charge stays */
	return 0;
}

EXPORT void *mempool_channel_own(struct mempool_channel *channel, const void *block)
{
	struct mempool *pool = channel->pool;

	int error = broadcast_own(channel, block);
	if (error) {
		return call_nothing(error);
	}
	void *own = mp_pool_address(&pool->core, mp_pool_index(&pool->core, block));
	poison_show_all(pool, &own, 1, true);
	return own;
}
