/* SPDX-License-Identifier: MIT */
/*
 * A reply that is owed: the answer to a CREATE or GROW, which takes its time, or to an OPEN of a
 * pool that is being made. The session is BUILDING until the answer, and hears now and then how far
 * the work is. When the session ends first, the reply is owed to nobody.
 */
#ifndef MP_DAEMON_REPLY_H
#define MP_DAEMON_REPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/session/session.h"

/*
 * Owes this READY session the answer to its request @serial; makes it BUILDING. Keeps what
 * @reply->forgotten is, and sets the rest.
 */
void reply_assign(struct reply *reply, struct session *session, uint32_t serial);

/* Whether a session waits for the reply. */
bool reply_is_owed(const struct reply *reply);

/* Tells the session that waits how much is done, ten times a second at most. */
void reply_progress(struct reply *reply, uint64_t done, uint64_t total);

/* Call it with the answer at hand: makes the waiting session READY; returns it, or NULL. */
struct session *reply_take(struct reply *reply);

#endif
