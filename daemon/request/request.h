/* SPDX-License-Identifier: MIT */
/*
 * Requests: what a well-formed message asks for, and the answer. A table says who handles what;
 * handlers check ranges, then rights, then act. Questions about pools, clients and the daemon are
 * answered in introspect.c.
 */
#ifndef MP_DAEMON_REQUEST_H
#define MP_DAEMON_REQUEST_H

#include "daemon/store/registry.h"
#include "lib/wire/message.h"

struct pool;
struct session;

/* Handles one message. Returns 0, or -errno when the session must be closed. */
int request_handle(struct session *session, const union wire_message *message);

/*
 * The LIVE pool a request names; refused when there is none, and then @result says how that went.
 */
struct pool *request_find_pool(struct session *session, uint32_t serial, const char *name,
			       int *result);

/*
 * Seats the session's process in the pool and sends it the descriptors, or says why not. Returns 0
 * when it did either, or -errno when the session must be closed; then it has no seat. @attached may
 * be NULL, else it says whether there is a seat.
 */
int request_attach(struct session *session, uint32_t serial, struct pool *pool,
		   enum wire_access access, bool *attached);

#endif
