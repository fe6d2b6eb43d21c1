/* SPDX-License-Identifier: MIT */
/*
 * CREATE: checks whether the session may create such a pool, and begins the build.
 */
#ifndef MP_DAEMON_CREATE_H
#define MP_DAEMON_CREATE_H

#include "daemon/store/registry.h"
#include "lib/core/layout.h"
#include "lib/wire/message.h"

struct config;
struct session;

/* The owner of a pool when the request names none. */
struct create_owner {
	uint32_t uid, gid;
};

/*
 * Works out record and shape of the pool that @create asks for, with the configuration's defaults.
 * Returns NULL, or what is wrong with the request.
 */
const char *create_record(struct registry_pool *record, struct mp_shape *shape,
			  const struct config *config, const struct wire_create *create,
			  const struct create_owner *owner);

/* Handles the message; returns as request_handle(). */
int handle_create(struct session *session, const union wire_message *message);

#endif
