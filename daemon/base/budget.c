/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/budget.h"

#define SECOND_NS 1000000000u
#define LINE_NS (SECOND_NS / BUDGET_RATE)

/*
 * A budget is the time when it is full: each line puts that off by what it takes to earn it, and
 * there is no line when it would be further away than a burst takes.
 */
static bool budget_has_line(uint64_t full_ns, uint64_t now_ns, uint64_t line_ns)
{
	return full_ns < now_ns + BUDGET_BURST * (uint64_t)LINE_NS - line_ns + 1;
}

static void budget_spend(uint64_t *full_ns, uint64_t now_ns, uint64_t line_ns)
{
	*full_ns = (*full_ns > now_ns ? *full_ns : now_ns) + line_ns;
}

static bool budget_is_idle(const struct budget_account *account, uint64_t now_ns)
{
	return account->n_left_out == 0 && account->full_ns <= now_ns;
}

/* The user's account: the one it has, an idle one, or the one of several. */
static struct budget_account *budget_find(struct budget *budget, uint32_t uid, uint64_t now_ns)
{
	struct budget_account *idle = NULL;

	for (int i = 0; i < BUDGET_ACCOUNTS; i++) {
		struct budget_account *account = &budget->of[i];
		if (budget_is_idle(account, now_ns)) {
			idle = idle ? idle : account;
		} else if (account->uid == uid) {
			return account;
		}
	}
	if (!idle) {
		idle = &budget->of[BUDGET_ACCOUNTS];
		uid = BUDGET_OTHERS;
	}
	idle->uid = uid;
	return idle;
}

bool budget_admit(struct budget *budget, uint32_t uid, uint64_t now_ns)
{
	struct budget_account *account = budget_find(budget, uid, now_ns);
	uint64_t together_ns = uid == 0 ? 0 : LINE_NS / BUDGET_TOGETHER;

	if (budget_has_line(account->full_ns, now_ns, LINE_NS) &&
	    (uid == 0 || budget_has_line(budget->full_ns, now_ns, together_ns))) {
		budget_spend(&account->full_ns, now_ns, LINE_NS);
		budget_spend(&budget->full_ns, now_ns, together_ns);
		return true;
	}
	if (account->n_left_out++ == 0) {
		account->since_ns = now_ns;
		budget->n_owed++;
	}
	return false;
}

bool budget_owes(const struct budget *budget)
{
	return budget->n_owed > 0;
}

const struct budget_account *budget_due(const struct budget *budget, uint64_t now_ns)
{
	for (int i = 0; i <= BUDGET_ACCOUNTS && budget->n_owed > 0; i++) {
		const struct budget_account *account = &budget->of[i];
		if (account->n_left_out > 0 &&
		    (account->full_ns <= now_ns ||
		     now_ns - account->since_ns >= BUDGET_TELL_S * (uint64_t)SECOND_NS)) {
			return account;
		}
	}
	return NULL;
}

void budget_settle(struct budget *budget, const struct budget_account *account)
{
	budget->of[account - budget->of].n_left_out = 0;
	budget->n_owed--;
}

bool budget_read_user(const char *line, uint32_t *uid)
{
	const char *owner = strstr(line, " of uid ");
	int pid;

	for (const char *at = strstr(line, "uid "); at; at = strstr(at + 1, "uid ")) {
		if (sscanf(at, "uid %u, pid %d", uid, &pid) == 2) {
			return true;
		}
	}
	return owner && sscanf(owner, " of uid %u", uid) == 1;
}
