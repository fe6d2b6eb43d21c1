/* SPDX-License-Identifier: MIT */
/*
 * Channels' handles: opening and closing ends.
 */
#ifndef MP_CHANNEL_H
#define MP_CHANNEL_H

#include "lib/core/local.h"
#include "lib/end.h"

/* Whether a thread is inside a call on it. */
bool channel_is_busy(const struct mempool_channel *channel);

/*
 * Takes this process's mark as a sender, or receiver of work, off, if no other handle of the pool
 * has the channel open so. With process.mutex held; the handle is on no list any more.
 */
void channel_unmark(const struct mempool_channel *channel);

/*
 * Stops the bell and receiving, and frees the handle, which is on no list any more. Of a handle by
 * which blocks are borrowed, the daemon's pass frees the seat.
 */
void channel_free(struct mempool_channel *channel, struct mp_local *local);

#endif
