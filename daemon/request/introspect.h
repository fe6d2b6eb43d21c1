/* SPDX-License-Identifier: MIT */
/*
 * Introspection answers which pools there are, which clients have them open, and how the daemon is.
 * Every session may ask.
 *
 * The cursor of a pool is the index of its record + 1; of a client, (index of the record *
 * REGISTRY_SLOTS + slot) + 1. So a cursor stays valid while pools and clients come and go.
 */
#ifndef MP_DAEMON_INTROSPECT_H
#define MP_DAEMON_INTROSPECT_H

#include "lib/wire/message.h"

struct session;

/* Each answers one message; returns as request_handle(). */
int handle_find_pool(struct session *session, const union wire_message *message);
int handle_next_pool(struct session *session, const union wire_message *message);
int handle_next_client(struct session *session, const union wire_message *message);
int handle_status(struct session *session, const union wire_message *message);
int handle_daemon(struct session *session, const union wire_message *message);

#endif
