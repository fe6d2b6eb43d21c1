/* SPDX-License-Identifier: MIT */
#include "lib/call.h"
#include "lib/cancel.h"
#include "lib/core/drain.h"
#include "lib/core/futex.h"
#include "lib/export.h"
#include "lib/kind.h"
#include "lib/transfer.h"

/* Why a drain of a channel that is not drained must return; 0: it may sleep. */
static int drain_must_end(const struct mempool_channel *channel, int timeout_ms,
			  const struct mp_wait *wait)
{
	if (mp_load(&channel->pool->core.header->broken)) {
		return transfer_why(channel, -EIO, WHY_BROKEN, 0);
	}
	int error = timeout_ms == 0 ? 0 : cancel_check(channel, wait);
	if (error || (timeout_ms != 0 && !mp_is_late(wait->deadline))) {
		return error;
	}
	error = timeout_ms == 0 ? -EAGAIN : -ETIMEDOUT;
	if (channel->receives && channel->kind->is_filled(channel)) {
		return transfer_why(channel, error, WHY_BEHIND, 0);
	}
	return transfer_why(channel, error, timeout_ms == 0 ? WHY_UNDRAINED : WHY_LATE_DRAIN,
			    (uint64_t)timeout_ms);
}

static int drain_wait(struct mempool_channel *channel, int timeout_ms)
{
	struct mp_pool *core = &channel->pool->core;
	struct mp_local *local = call_find_local(channel->pool);
	struct mp_drain drain = mp_drain_begin(core, channel_number(channel));
	struct mp_wait wait = cancel_begin(channel);
	struct timespec deadline;
	int done, error;

	mp_deadline(&deadline, timeout_ms);
	wait.deadline = timeout_ms < 0 ? NULL : &deadline;
	while ((done = mp_drain_look(core, local, &drain)) == 0) {
		error = drain_must_end(channel, timeout_ms, &wait);
		if (error) {
			return error;
		}
		mp_drain_await(core, local, &drain, &wait);
	}
	return done < 0 ? transfer_why(channel, done, WHY_SCRIBBLED, 0) : 0;
}

EXPORT int mempool_channel_drain(struct mempool_channel *channel, int timeout_ms)
{
	int error = transfer_check_wait(channel, timeout_ms);
	if (error) {
		return error;
	}
	mp_add(&channel->sleepers, 1);
	error = drain_wait(channel, timeout_ms);
	mp_add(&channel->sleepers, -1);
	return error;
}
