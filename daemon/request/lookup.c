/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "daemon/pool/pool.h"
#include "daemon/request/lookup.h"
#include "daemon/session/session.h"

int lookup_check_name(struct session *session, uint32_t serial, const char *name)
{
	return wire_name_valid(name)
		       ? 0
		       : session_refuse(session, serial, EINVAL,
					"a pool's name is [a-z0-9._-]{1,64}; this one is not");
}

int lookup_refuse_unknown(struct session *session, uint32_t serial, const char *name)
{
	return session_refuse(session, serial, ENOENT,
			      "pool '%s' does not exist; `mempoolctl list` shows those that do",
			      name);
}

int lookup_holder(struct session *session, uint32_t serial, const char *name, struct pool **pool)
{
	int r = lookup_check_name(session, serial, name);

	if (r) {
		return r;
	}
	*pool = pool_find_holder(session->sessions->pools, name);
	return *pool ? 0 : lookup_refuse_unknown(session, serial, name);
}

int lookup_pool(struct session *session, uint32_t serial, const char *name, struct pool **pool)
{
	int r = lookup_holder(session, serial, name, pool);

	if (r == 0 && (*pool)->build) {
		r = session_refuse(session, serial, ENOENT,
				   "pool '%s' is being made, and not there yet; an open waits for "
				   "it",
				   name);
	}
	return r;
}
