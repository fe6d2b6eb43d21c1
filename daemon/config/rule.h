/* SPDX-License-Identifier: MIT */
/*
 * Access rules: who may do what with pools of which names, as mempoold.conf says.
 *
 *	[access camera.*]	pools whose names begin so; without the *, the pool of that name
 *	create = @video 1000	users by name or number, groups behind an @; * is anybody
 *
 * For each action one rule decides alone: of the rules that match the pool and have a list for the
 * action, the one with the longest pattern; a name goes before a prefix of its length. Where there
 * is no such rule, session/access.h says who may.
 */
#ifndef MP_DAEMON_RULE_H
#define MP_DAEMON_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/wire/protocol.h"

enum rule_action {
	RULE_WRITE = WIRE_WRITER,
	RULE_READ = WIRE_READER,
	RULE_OBSERVE = WIRE_OBSERVER,
	RULE_CREATE,
	RULE_DESTROY, /* also lets the pool grow */
	RULE_ACTIONS,
};

enum rule_kind {
	RULE_USER,
	RULE_GROUP,
	RULE_ANYBODY,
};

struct rule_party {
	enum rule_kind kind;
	uint32_t id;
};

struct rule_list {
	struct rule_party *parties;
	size_t n;
	bool said; /* the rule has this list, so it decides; an empty one admits nobody */
};

struct rule {
	char pattern[WIRE_NAME]; /* as the file has it */
	size_t n_fixed;          /* characters at the start that a pool's name must have, too */
	bool is_prefix;          /* the pattern ends with a * */
	struct rule_list lists[RULE_ACTIONS];
};

struct rules {
	struct rule *rules;
	size_t n;
};

/* The key of an action: "create". */
const char *rule_action_name(enum rule_action action);

/* The action with that key, or RULE_ACTIONS. */
enum rule_action rule_action_of(const char *name);

/* The rule with that pattern, added if need be. NULL: it is no pattern, or there is no memory. */
struct rule *rules_get(struct rules *rules, const char *pattern);

/*
 * Adds the users and groups named in @text to the action's list. Returns true, or false with a
 * sentence in @why.
 */
bool rule_add(struct rule *rule, enum rule_action action, const char *text, char *why, size_t size);

/* The rule that decides on the action for that pool, or NULL. */
const struct rule *rules_find(const struct rules *rules, const char *pool, enum rule_action action);

/* Whether the list admits that user. @is_member says whether the user is in a group. */
bool rule_lists(const struct rule *rule, enum rule_action action, uint32_t uid,
		bool (*is_member)(const void *arg, uint32_t gid), const void *arg);

/*
 * Whether the user is root or the daemon's own, whom neither rules nor modes of pools nor limits
 * per user bind.
 */
bool rule_is_free(uint32_t uid);

void rules_finish(struct rules *rules);

/*
 * Users and groups by name or number. False: there is none. These ask the user database, which may
 * be a directory server that takes its time: they are for where files are read, never for the loop.
 */
bool rule_find_user(const char *text, uint32_t *uid);
bool rule_find_group(const char *text, uint32_t *gid);

/* The first group of a user. False: there is no such user. */
bool rule_find_group_of(uint32_t uid, uint32_t *gid);

#endif
