/* SPDX-License-Identifier: MIT */
/*
 * Lookup finds the pool that a request names, or refuses the request and says why.
 */
#ifndef MP_DAEMON_LOOKUP_H
#define MP_DAEMON_LOOKUP_H

#include <stdint.h>

struct pool;
struct session;

/* Returns 0 when a pool can have that name; else refuses, and returns as session_refuse(). */
int lookup_check_name(struct session *session, uint32_t serial, const char *name);

/* Refuses, as no pool has that name. Returns as session_refuse(). */
int lookup_refuse_unknown(struct session *session, uint32_t serial, const char *name);

/* Finds the pool of that name, LIVE or BUILDING, or refuses. Returns as lookup_pool(). */
int lookup_holder(struct session *session, uint32_t serial, const char *name, struct pool **pool);

/* Finds the LIVE pool of that name, or refuses. Returns 0, or as session_refuse(). */
int lookup_pool(struct session *session, uint32_t serial, const char *name, struct pool **pool);

#endif
