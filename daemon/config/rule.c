/* SPDX-License-Identifier: MIT */
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/config/rule.h"
#include "lib/wire/message.h"

static const char *const names[RULE_ACTIONS] = {
	[RULE_WRITE] = "write",   [RULE_READ] = "read",       [RULE_OBSERVE] = "observe",
	[RULE_CREATE] = "create", [RULE_DESTROY] = "destroy",
};

const char *rule_action_name(enum rule_action action)
{
	return names[action];
}

enum rule_action rule_action_of(const char *name)
{
	int action = 0;

	while (action < RULE_ACTIONS && strcmp(names[action], name) != 0) {
		action++;
	}
	return (enum rule_action)action;
}

/* ---- patterns ---- */

/* Takes the pattern apart. Returns false when it is no pattern. */
static bool rule_parse_pattern(struct rule *rule, const char *pattern)
{
	size_t n = strlen(pattern);

	if (n == 0 || n >= sizeof rule->pattern) {
		return false;
	}
	strcpy(rule->pattern, pattern);
	rule->is_prefix = pattern[n - 1] == '*';
	rule->n_fixed = n - rule->is_prefix;
	rule->pattern[rule->n_fixed] = 0;
	if (rule->n_fixed > 0 && !wire_name_valid(rule->pattern)) {
		return false;
	}
	strcpy(rule->pattern, pattern);
	return true;
}

struct rule *rules_get(struct rules *rules, const char *pattern)
{
	struct rule rule = {.n_fixed = 0};
	struct rule *all;

	if (!rule_parse_pattern(&rule, pattern)) {
		return NULL;
	}
	for (size_t i = 0; i < rules->n; i++) {
		if (!strcmp(rules->rules[i].pattern, pattern)) {
			return &rules->rules[i];
		}
	}
	all = reallocarray(rules->rules, rules->n + 1, sizeof *all);
	if (!all) {
		return NULL;
	}
	all[rules->n] = rule;
	rules->rules = all;
	return &all[rules->n++];
}

static bool rule_matches(const struct rule *rule, const char *pool)
{
	return strncmp(rule->pattern, pool, rule->n_fixed) == 0 &&
	       (rule->is_prefix || pool[rule->n_fixed] == 0);
}

/* Whether @a goes before @b, when both match the same pool. */
static bool rule_goes_before(const struct rule *a, const struct rule *b)
{
	return a->n_fixed > b->n_fixed || (a->n_fixed == b->n_fixed && !a->is_prefix);
}

const struct rule *rules_find(const struct rules *rules, const char *pool, enum rule_action action)
{
	const struct rule *best = NULL;

	for (size_t i = 0; i < rules->n; i++) {
		const struct rule *rule = &rules->rules[i];
		if (rule->lists[action].said && rule_matches(rule, pool) &&
		    (!best || rule_goes_before(rule, best))) {
			best = rule;
		}
	}
	return best;
}

/* ---- users and groups ---- */

/* Refuses UINT32_MAX, which means nobody to the kernel, and the creator to the library. */
static bool rule_parse_id(const char *text, uint32_t *id)
{
	unsigned long long n;

	if (strspn(text, "0123456789") != strlen(text) || strlen(text) > 10) {
		return false;
	}
	n = strtoull(text, NULL, 10);
	*id = (uint32_t)n;
	return *text && n < UINT32_MAX;
}

bool rule_find_user(const char *text, uint32_t *uid)
{
	const struct passwd *user;

	if (rule_parse_id(text, uid)) {
		return true;
	}
	user = getpwnam(text);
	if (user) {
		*uid = user->pw_uid;
	}
	return user;
}

bool rule_find_group(const char *text, uint32_t *gid)
{
	const struct group *group;

	if (rule_parse_id(text, gid)) {
		return true;
	}
	group = getgrnam(text);
	if (group) {
		*gid = group->gr_gid;
	}
	return group;
}

bool rule_find_group_of(uint32_t uid, uint32_t *gid)
{
	const struct passwd *user = getpwuid(uid);

	if (user) {
		*gid = user->pw_gid;
	}
	return user;
}

static bool rule_parse_party(struct rule_party *party, const char *text, char *why, size_t size)
{
	bool found = true;

	if (!strcmp(text, "*")) {
		party->kind = RULE_ANYBODY;
	} else if (*text == '@') {
		party->kind = RULE_GROUP;
		found = rule_find_group(text + 1, &party->id);
	} else {
		party->kind = RULE_USER;
		found = rule_find_user(text, &party->id);
	}
	if (!found) {
		snprintf(why, size, "there is no %s '%.64s': make it, or name another",
			 *text == '@' ? "group" : "user", text + (*text == '@'));
	}
	return found;
}

static bool rule_append(struct rule_list *list, const struct rule_party *party)
{
	struct rule_party *all = reallocarray(list->parties, list->n + 1, sizeof *all);

	if (all) {
		all[list->n++] = *party;
		list->parties = all;
	}
	return all;
}

bool rule_add(struct rule *rule, enum rule_action action, const char *text, char *why, size_t size)
{
	static const char separators[] = " \t,";
	struct rule_list *list = &rule->lists[action];
	char name[256];

	list->said = true;
	for (text += strspn(text, separators); *text; text += strspn(text, separators)) {
		size_t n = strcspn(text, separators);
		struct rule_party party = {.id = 0};
		snprintf(name, sizeof name, "%.*s", (int)n, text);
		if (!rule_parse_party(&party, name, why, size)) {
			return false;
		}
		if (!rule_append(list, &party)) {
			snprintf(why, size, "no memory is left: free some");
			return false;
		}
		text += n;
	}
	return true;
}

bool rule_lists(const struct rule *rule, enum rule_action action, uint32_t uid,
		bool (*is_member)(const void *arg, uint32_t gid), const void *arg)
{
	const struct rule_list *list = &rule->lists[action];

	for (size_t i = 0; i < list->n; i++) {
		const struct rule_party *party = &list->parties[i];
		if (party->kind == RULE_ANYBODY || (party->kind == RULE_USER && party->id == uid) ||
		    (party->kind == RULE_GROUP && is_member(arg, party->id))) {
			return true;
		}
	}
	return false;
}

bool rule_is_free(uint32_t uid)
{
	return uid == 0 || uid == geteuid();
}

void rules_finish(struct rules *rules)
{
	for (size_t i = 0; i < rules->n; i++) {
		for (int action = 0; action < RULE_ACTIONS; action++) {
			free(rules->rules[i].lists[action].parties);
		}
	}
	free(rules->rules);
	*rules = (struct rules){.n = 0};
}
