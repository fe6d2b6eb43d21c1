/* SPDX-License-Identifier: MIT */
/*
 * Attaching: a session's process gets a slot of a pool, and the descriptors to map it.
 */
#ifndef MP_DAEMON_ATTACH_H
#define MP_DAEMON_ATTACH_H

#include <stdint.h>

#include "lib/wire/protocol.h"

struct pool;
struct session;

/* The name of the access: "writer", "reader" or "observer". */
const char *attach_name(enum wire_access access);

/*
 * Attaches the session's process to the pool and sends it the descriptors. Returns 0 when it is
 * attached, SESSION_REFUSED when it was told why not, or -errno when the session must be closed.
 */
int attach_session(struct session *session, uint32_t serial, struct pool *pool,
		   enum wire_access access);

#endif
