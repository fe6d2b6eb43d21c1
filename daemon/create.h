/* SPDX-License-Identifier: MIT */
/*
 * CREATE: whether a pool may be made, and of what. What comes after that is a build.
 */
#ifndef MP_DAEMON_CREATE_H
#define MP_DAEMON_CREATE_H

#include "lib/wire/message.h"

struct session;

/* Handles the message; returns as request_handle(). */
int handle_create(struct session *session, const union wire_message *message);

#endif
