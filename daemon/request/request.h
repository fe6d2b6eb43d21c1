/* SPDX-License-Identifier: MIT */
/*
 * Requests: what a well-formed message asks for, and the answer. A table has the handler of each
 * type; handlers check ranges, then rights, then act.
 *
 * A function that may refuse returns 0 to go on, SESSION_REFUSED when it told the session why not,
 * or -errno when the session must be closed; its caller says `if (r) return r`.
 */
#ifndef MP_DAEMON_REQUEST_H
#define MP_DAEMON_REQUEST_H

#include "lib/wire/message.h"

struct session;

/* Handles one message. Returns 0, SESSION_REFUSED, or -errno when the session must be closed. */
int request_handle(struct session *session, const union wire_message *message);

#endif
