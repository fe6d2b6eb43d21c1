/* SPDX-License-Identifier: MIT */
/*
 * OPEN and OPEN_OR_CREATE: check whether the session may open the pool, and attach its process; or
 * have it wait while the pool is being made.
 *
 * OPEN_OR_CREATE is one request, so that of programs that start together one makes the pool and the
 * others get it. Of a pool that is there it wants what would harm its sender if it were otherwise:
 * blocks of that size, aligned like that or better, the schema if it names one, huge pages and
 * prefault if it requires them. The rest, such as the number of blocks, is left as it is.
 */
#ifndef MP_DAEMON_OPEN_H
#define MP_DAEMON_OPEN_H

#include "lib/wire/message.h"

struct session;

/* Handle the message; return as request_handle(). */
int handle_open(struct session *session, const union wire_message *message);
int handle_open_or_create(struct session *session, const union wire_message *message);

#endif
