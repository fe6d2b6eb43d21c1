/* SPDX-License-Identifier: MIT */
/*
 * Work: rings of tokens (ring.h) from many producers to many receivers; each block goes to one of
 * them. Producers send, and all sleep, as by a queue (channel.h).
 *
 * Order of stores, and what is true if the process dies after each:
 *	receive	1 cell at p = head, head + 1 ...: a token; a look
 *		2 word: MOVING -> USED(q), CAS	q's, and reclaimed with q: the job is gone
 *		3 cell: token -> empty(lap + 1), CAS, by who has taken the block and by everybody
 *		  who comes to a stale token	the next one does it, and passes over it
 *		4 head: raised to p, CAS, once for all that was walked over	the next one does
 * A token is posted once, as its generation is, so 3 hits no later lap. So nobody waits for who is
 * dead or stopped: between 2 and 3 the token is stale, and whoever comes empties the cell.
 *
 * All stores are CAS, so who sleeps needs no barrier but its own.
 */
#ifndef MP_CORE_WORK_H
#define MP_CORE_WORK_H

#include "lib/core/layout.h"

/*
 * Receives up to @n blocks. Any number of threads may at once. Returns how many; fewer than @n when
 * there are no more, or with *@error -EIO when somebody has scribbled on the channel.
 */
uint32_t mp_work_receive(struct mp_pool *pool, struct mp_channel *channel, void **blocks,
			 uint32_t n, int *error);

#endif
