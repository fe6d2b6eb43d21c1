/* SPDX-License-Identifier: MIT */
/*
 * Waiting: a request for a pool that is being made. It becomes an asker of the build. When that has
 * ended, the request is handled as if it came just now, in a task of its own: whoever may not open
 * the pool any more is refused then, and however many wait, the loop is not kept. When the pool was
 * not made, an OPEN is told why; an OPEN_OR_CREATE is told so too, unless it was only that the
 * creator went or that somebody destroyed the pool: then it is handled anew, and makes the pool.
 *
 * A build goes on when its creator has gone, if others wait who want the pool itself: not for
 * observers, and not if the pool would end with its creator. From the build's end until such a
 * waiter is answered it counts as pool->n_promised, so that the pool does not end in between.
 */
#ifndef MP_DAEMON_WAIT_H
#define MP_DAEMON_WAIT_H

#include "lib/wire/message.h"

struct pool;
struct session;

/*
 * Has the session wait until @pool, which is being made, is there; @message, an OPEN or an
 * OPEN_OR_CREATE that may open it, is handled then. Returns as request_handle().
 */
int wait_for_pool(struct session *session, const union wire_message *message, struct pool *pool);

#endif
