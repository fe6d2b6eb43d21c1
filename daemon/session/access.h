/* SPDX-License-Identifier: MIT */
/*
 * Access: who may do what. The kernel gives the credentials of a session; root and the daemon's own
 * user may do anything. Access rules of mempoold.conf (config/rule.h) decide first; where none
 * does:
 *
 *	pool's mode	0400 0040 0004	open as reader or observer: owner, group, others
 *			0200 0020 0002	open as writer
 *	owner		destroy, let it grow
 *	anybody		create
 *
 * By a rule, the right to write implies the right to read; either implies the right to observe.
 */
#ifndef MP_DAEMON_ACCESS_H
#define MP_DAEMON_ACCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "daemon/config/rule.h"
#include "daemon/store/registry.h"

struct session;

/* Whether the session may open the pool, create it or destroy it: see above. */
bool access_may_open(const struct session *session, const struct registry_pool *pool,
		     enum wire_access access);

/*
 * Whether the session may open the pool only if memfds back it: one in /dev/shm it could truncate,
 * though it belongs to another user.
 */
bool access_needs_memfd(const struct session *session, const struct registry_pool *pool,
			enum wire_access access);

bool access_may_destroy(const struct session *session, const struct registry_pool *pool);
bool access_may_create(const struct session *session, const char *pool);

/* Whether the session may create a pool that belongs to that user and group. */
bool access_may_assign(const struct session *session, uid_t uid, gid_t gid);

/* How to end a refusal: a clause that names mempoold.conf if a rule there decided, or "". */
const char *access_hint(const struct session *session, const char *pool, enum rule_action action);

#endif
