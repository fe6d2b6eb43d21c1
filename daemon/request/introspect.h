/* SPDX-License-Identifier: MIT */
/*
 * Answers to questions: which pools there are, who has them open, how the daemon is. Anybody who is
 * connected may ask.
 *
 * Cursors. Of pools: index of the record + 1. Of clients: (index of the record * REGISTRY_SLOTS +
 * slot) + 1. They stay meaningful while pools and clients come and go.
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
