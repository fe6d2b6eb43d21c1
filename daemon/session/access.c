/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/session/access.h"
#include "daemon/config/config.h"
#include "daemon/session/session.h"

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

/* Whether the process had that group, primary or supplementary, when it connected. */
static bool access_in_group(const struct session *session, gid_t gid)
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

static bool access_is_member(const void *session, uint32_t gid)
{
	return access_in_group(session, gid);
}

static const struct rule *access_find_rule(const struct session *session, const char *pool,
					   enum rule_action action)
{
	return rules_find(&session->sessions->config->rules, pool, action);
}

/* Whether there is a rule for the action, and its list admits the user. */
static bool access_is_listed(const struct session *session, const char *pool,
			     enum rule_action action)
{
	const struct rule *rule = access_find_rule(session, pool, action);

	return rule && rule_lists(rule, action, session->peer.uid, access_is_member, session);
}

const char *access_hint(const struct session *session, const char *pool, enum rule_action action)
{
	return access_find_rule(session, pool, action) ? ", by the access rules of mempoold.conf"
						       : "";
}

static bool access_mode_allows(const struct session *session, const struct registry_pool *pool,
			       enum wire_access access)
{
	uint32_t wanted = access == WIRE_WRITER ? 2 : 4;
	uint32_t granted;

	if (session->peer.uid == pool->uid) {
		granted = pool->mode >> 6;
	} else if (access_in_group(session, pool->gid)) {
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
		if (access_is_listed(session, pool->name, (enum rule_action)action)) {
			return true;
		}
	}
	return !access_find_rule(session, pool->name, (enum rule_action)access) &&
	       access_mode_allows(session, pool, access);
}

bool access_needs_memfd(const struct session *session, const struct registry_pool *pool,
			enum wire_access access)
{
	return session->sessions->config->require_memfd && pool->terms.backing != WIRE_MEMFD &&
	       access != WIRE_OBSERVER && session->peer.uid != pool->uid &&
	       !rule_is_free(session->peer.uid);
}

bool access_may_destroy(const struct session *session, const struct registry_pool *pool)
{
	if (rule_is_free(session->peer.uid)) {
		return true;
	}
	return access_find_rule(session, pool->name, RULE_DESTROY)
		       ? access_is_listed(session, pool->name, RULE_DESTROY)
		       : session->peer.uid == pool->uid;
}

bool access_may_create(const struct session *session, const char *pool)
{
	return rule_is_free(session->peer.uid) || !access_find_rule(session, pool, RULE_CREATE) ||
	       access_is_listed(session, pool, RULE_CREATE);
}

bool access_may_assign(const struct session *session, uid_t uid, gid_t gid)
{
	if (rule_is_free(session->peer.uid)) {
		return true;
	}
	return session->peer.uid == uid && access_in_group(session, gid);
}
