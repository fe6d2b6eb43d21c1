/* SPDX-License-Identifier: MIT */
/*
 * GROW: checks whether the session may let the pool grow, begins the growth, and owes the reply.
 */
#ifndef MP_DAEMON_GROW_H
#define MP_DAEMON_GROW_H

#include "lib/wire/message.h"

struct session;

/* Handles the message; returns as request_handle(). */
int handle_grow(struct session *session, const union wire_message *message);

#endif
