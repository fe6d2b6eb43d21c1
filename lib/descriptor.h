/* SPDX-License-Identifier: MIT */
/*
 * Descriptors for event loops: what the bells (bell.h) of channels and pools ring for, and when
 * their takers settle them.
 *
 *	of		due				word	  settled when
 *	a receiver	a token, or the end		hungry	  a receive leaves nothing
 *	a sender	room, or nobody receives	crowded	  a send leaves no room
 *	a pool		a block that a get would find	pressure  a get finds none
 * Besides, something is due while the pool is broken: a call then says so.
 *
 * A pool's ringer sleeps as a getter that waits does (lib/core/pressure.h): it raises the pressure,
 * so that whoever puts gives what it has cached to the depot, and wakes it. It looks by a census
 * (lib/core/census.h), as it is not to get anything. A block in the cache of a thread that is
 * inside a call counts when the thread has left, and as that wakes nobody, the ringer looks again
 * soon.
 *
 * It raises the pressure only while the bell is ARMED and there is nothing, and calms it when it
 * has rung. So a program that does not look at its descriptor costs the others one flush. Until
 * then getters with empty hands let the ringer go first; else the thread that has put would often
 * have the block again before the program that polls is awake.
 */
#ifndef MP_DESCRIPTOR_H
#define MP_DESCRIPTOR_H

#include "lib/end.h"

/*
 * The end of a call that asked for @n, of a handle whose bell is started. The bell is settled when
 * nothing is left, and when the caller may think so, as it got or sent less than it asked for.
 */
void descriptor_settle_channel(struct mempool_channel *channel, ssize_t result, uint32_t n);

/* After a get that said @error. */
void descriptor_settle_pool(struct mempool *pool, int error);

/* Stops the pool's bell, if it was started. */
void descriptor_stop_pool(struct mempool *pool);

#endif
