/* SPDX-License-Identifier: MIT */
#include "lib/call.h"
#include "lib/cancel.h"
#include "lib/core/pressure.h"
#include "lib/export.h"
#include "lib/why.h"

int cancel_check(const struct mempool_channel *channel, const struct mp_wait *wait)
{
	if (mp_wait_is_cancelled(wait)) {
		return why(channel->pool, -ECANCELED, WHY_CHANNEL_CANCELLED,
			   channel_number(channel), 0, 0);
	}
	if (wait->is_interrupted && channel->heeds_signals) {
		return why(channel->pool, -EINTR, WHY_CHANNEL_SIGNAL, channel_number(channel), 0,
			   0);
	}
	return 0;
}

/* Has whoever sleeps on the word look again. */
static void cancel_stir(mp_atomic32 *word)
{
	if (mp_load(word) & MP_FUTEX_ASLEEP) {
		mp_futex_stir(word);
	}
}

static void cancel_stir_channel(struct mp_channel *channel)
{
	cancel_stir(&channel->hungry);
	cancel_stir(&channel->crowded);
}

EXPORT int mempool_channel_cancel(struct mempool_channel *channel)
{
	int error = call_check_own(channel->pool);
	if (error) {
		return error;
	}
	mp_store_release(&channel->cancelled, 1);
	mp_fence();
	cancel_stir_channel(channel->core);
	return 0;
}

EXPORT int mempool_cancel(struct mempool *pool)
{
	int error = call_check(pool);
	if (error) {
		return error;
	}
	mp_store_release(&pool->cancelled, 1);
	mp_fence();
	mp_pressure_stir(&pool->core);
	for (uint32_t i = 0; i < pool->core.shape.n_channels; i++) {
		cancel_stir_channel(mp_pool_channel(&pool->core, i));
	}
	return 0;
}
