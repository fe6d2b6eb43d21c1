/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/session/access.h"
#include "daemon/server.h"

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

/* Whether the process was in that group, first or supplementary, when it connected. */
static bool in_group(const struct session *session, gid_t gid)
{
	gid_t few[64], *groups = few;
	socklen_t size = sizeof few;
	bool found = false;
	int r;

	if (session->peer.gid == gid) {
		return true;
	}
	r = getsockopt(session->fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size);
	if (r < 0 && errno == ERANGE) {
		groups = malloc(size);
		r = groups ? getsockopt(session->fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) : -1;
	}
	for (size_t i = 0; r == 0 && i < size / sizeof *groups; i++) {
		found = found || groups[i] == gid;
	}
	if (groups != few) {
		free(groups);
	}
	return found;
}

static bool is_member(const void *session, uint32_t gid)
{
	return in_group(session, gid);
}

static const struct rule *find_rule(const struct session *session, const char *pool,
				    enum rule_action action)
{
	return rules_find(&session->server->config.rules, pool, action);
}

/* Whether there is a rule, and it lists the user. */
static bool is_listed(const struct session *session, const char *pool, enum rule_action action)
{
	const struct rule *rule = find_rule(session, pool, action);

	return rule && rule_lists(rule, action, session->peer.uid, is_member, session);
}

const char *access_hint(const struct session *session, const char *pool, enum rule_action action)
{
	return find_rule(session, pool, action) ? ", by the access rules of mempoold.conf" : "";
}

static bool mode_allows(const struct session *session, const struct registry_pool *pool,
			enum wire_access access)
{
	uint32_t wanted = access == WIRE_WRITER ? 2 : 4;
	uint32_t granted;

	if (session->peer.uid == pool->uid) {
		granted = pool->mode >> 6;
	} else if (in_group(session, pool->gid)) {
		granted = pool->mode >> 3;
	} else {
		granted = pool->mode;
	}
	return granted & wanted;
}

bool access_may_open(const struct session *session, const struct registry_pool *pool,
		     enum wire_access access)
{
	if (rule_is_free(session->peer.uid)) {
		return true;
	}
	for (int action = RULE_WRITE; action <= (int)access; action++) {
		if (is_listed(session, pool->name, (enum rule_action)action)) {
			return true;
		}
	}
	return !find_rule(session, pool->name, (enum rule_action)access) &&
	       mode_allows(session, pool, access);
}

bool access_needs_memfd(const struct session *session, const struct registry_pool *pool,
			enum wire_access access)
{
	return session->server->config.require_memfd && pool->terms.backing != WIRE_MEMFD &&
	       access != WIRE_OBSERVER && session->peer.uid != pool->uid &&
	       !rule_is_free(session->peer.uid);
}

bool access_may_destroy(const struct session *session, const struct registry_pool *pool)
{
	if (rule_is_free(session->peer.uid)) {
		return true;
	}
	return find_rule(session, pool->name, RULE_DESTROY)
		       ? is_listed(session, pool->name, RULE_DESTROY)
		       : session->peer.uid == pool->uid;
}

bool access_may_create(const struct session *session, const char *pool)
{
	return rule_is_free(session->peer.uid) || !find_rule(session, pool, RULE_CREATE) ||
	       is_listed(session, pool, RULE_CREATE);
}

bool access_may_assign(const struct session *session, uid_t uid, gid_t gid)
{
	if (rule_is_free(session->peer.uid)) {
		return true;
	}
	return session->peer.uid == uid && in_group(session, gid);
}
