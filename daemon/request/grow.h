/* SPDX-License-Identifier: MIT */
/*
 * GROW: whether a pool may grow, and who waits for it. What comes after that is a growth.
 */
#ifndef MP_DAEMON_GROW_H
#define MP_DAEMON_GROW_H

#include "lib/wire/message.h"

struct session;

/* Handles the message; returns as request_handle(). */
int handle_grow(struct session *session, const union wire_message *message);

#endif
