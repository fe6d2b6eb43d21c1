/* SPDX-License-Identifier: MIT */
/*
 * CREATE: checks whether the session may create such a pool, and begins the build. OPEN_OR_CREATE
 * (open.h) makes pools by the same functions.
 */
#ifndef MP_DAEMON_CREATE_H
#define MP_DAEMON_CREATE_H

#include <stdbool.h>

#include "daemon/store/registry.h"
#include "lib/core/layout.h"
#include "lib/wire/message.h"

struct config;
struct pool;
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

/* Refuses a shape that no pool can have. Returns 0, or as session_refuse(). */
int create_check_shape(struct session *session, const struct wire_create *create);

/* Begins to make a pool whose name is free. Returns as request_handle(). */
int create_begin(struct session *session, const struct wire_create *create);

/* Whether the pool is there, or is being made, because of this request, which is sent again. */
bool create_is_of(const struct session *session, const struct wire_create *create,
		  const struct pool *pool);

/* Answers such a request. Returns as request_handle(). */
int create_again(struct session *session, const struct wire_create *create, struct pool *pool);

/* Handles the message; returns as request_handle(). */
int handle_create(struct session *session, const union wire_message *message);

#endif
