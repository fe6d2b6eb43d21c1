/* SPDX-License-Identifier: MIT */
/*
 * Lookup: the pool that a request names, or a refusal that says why there is none.
 */
#ifndef MP_DAEMON_LOOKUP_H
#define MP_DAEMON_LOOKUP_H

#include <stdint.h>

struct pool;
struct session;

/* Whether a pool can have that name. Returns 0, or as session_refuse(). */
int lookup_check_name(struct session *session, uint32_t serial, const char *name);

/* There is no pool of that name: refuses. */
int lookup_refuse_unknown(struct session *session, uint32_t serial, const char *name);

/* Finds the LIVE pool of that name. Returns 0, or as session_refuse(). */
int lookup_pool(struct session *session, uint32_t serial, const char *name, struct pool **pool);

#endif
