/* SPDX-License-Identifier: MIT */
/*
 * OPEN: checks whether the session may open the pool, and attaches its process; or has it wait
 * while the pool is being made.
 */
#ifndef MP_DAEMON_OPEN_H
#define MP_DAEMON_OPEN_H

#include "lib/wire/message.h"

struct session;

/* Handles the message; returns as request_handle(). */
int handle_open(struct session *session, const union wire_message *message);

#endif
