/* SPDX-License-Identifier: MIT */
/*
 * Cancelling: the waits of a handle end, those under way and all to come.
 *
 *	who waits				who cancels
 *	word: asleep; reads it			cancelled = 1
 *	finds nothing				a full barrier
 *	cancelled? ends				word asleep? changes it, wakes all
 *	sleeps while the word is as read
 *
 * Either who waits sees cancelled, or it has set asleep before the canceller looks. Then the word
 * changes after it was read, and no sleep on it begins or goes on. So a wait ends at once, whatever
 * it has come to; also when a signal handler cancels that has interrupted the wait itself. Others
 * who sleep on the word look again, and sleep on.
 *
 * A handler that ran, and did not cancel, may have ended a sleep (MEMPOOL_EINTR and
 * MEMPOOL_CHANNEL_EINTR make that the end of the wait). The kernel tells of handlers that ran while
 * the thread slept; one that ran just before is not seen. Hence who wants a wait to end for sure
 * cancels it in the handler.
 *
 * No lock is taken: handles that a pool has are on a list under one, so cancelling a pool looks at
 * the words of all its channels instead.
 */
#ifndef MP_CANCEL_H
#define MP_CANCEL_H

#include "lib/core/futex.h"
#include "lib/end.h"

/* A wait by the channel's handle, as yet without a deadline. */
static inline struct mp_wait cancel_begin(const struct mempool_channel *channel)
{
	return (struct mp_wait){
		.cancelled = &channel->cancelled,
		.all_cancelled = &channel->pool->cancelled,
	};
}

/*
 * Whether the wait was cancelled, or interrupted, of a handle that heeds that: 0, or a negative
 * errno with its sentence. To be asked before each sleep.
 */
int cancel_check(const struct mempool_channel *channel, const struct mp_wait *wait);

#endif
