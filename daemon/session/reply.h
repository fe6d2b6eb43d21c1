/* SPDX-License-Identifier: MIT */
/*
 * A reply that is owed: the answer to a request that takes its time, as one for a pool being made.
 * The session is BUILDING until then, and hears now and then how far it is. When the session ends
 * first, the reply is owed to nobody.
 */
#ifndef MP_DAEMON_REPLY_H
#define MP_DAEMON_REPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/session/session.h"

/* The answer to the request @serial goes to this READY session, and no longer to another. */
void reply_assign(struct reply *reply, struct session *session, uint32_t serial);

/* Whether somebody waits for it. */
bool reply_is_owed(const struct reply *reply);

/* Tells the session how far it is, ten times a second at most. */
void reply_progress(struct reply *reply, uint64_t done, uint64_t total);

/* The answer is there: the session that waits for it, READY again; or NULL. It is owed no more. */
struct session *reply_take(struct reply *reply);

#endif
