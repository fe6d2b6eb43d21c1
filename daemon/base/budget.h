/* SPDX-License-Identifier: MIT */
/*
 * Budget: how many log lines users may cause. Each user has some at once, and a few a second; all
 * users but root together have some, too, as one may have many names. What is left out is counted,
 * by user, until it is told.
 *
 * There are accounts for the users of late. When all are in use, who comes then shares one.
 */
#ifndef MP_DAEMON_BUDGET_H
#define MP_DAEMON_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

enum {
	BUDGET_BURST = 40,   /* lines of a user at once */
	BUDGET_RATE = 20,    /* and a second */
	BUDGET_TOGETHER = 5, /* times as much all users but root have */
	BUDGET_ACCOUNTS = 64,
	BUDGET_TELL_S = 10, /* what is left out is told when it has ended, or so often */
};

#define BUDGET_OTHERS UINT32_MAX /* the user of the account that several share */

struct budget_account {
	uint32_t uid;
	unsigned n_left_out;
	uint64_t full_ns;  /* when it has all its lines again */
	uint64_t since_ns; /* of the first that was left out */
};

struct budget {
	struct budget_account of[BUDGET_ACCOUNTS + 1]; /* the last: the others' */
	uint64_t full_ns;                              /* of all together */
	unsigned n_owed;                               /* accounts with lines left out */
};

/* Whether the user may cause one more line; if not, that is counted. */
bool budget_admit(struct budget *budget, uint32_t uid, uint64_t now_ns);

/* Whether there is anything left out that is to be told later. */
bool budget_owes(const struct budget *budget);

/* An account of which it is time to tell, or NULL. */
const struct budget_account *budget_due(const struct budget *budget, uint64_t now_ns);

/* It was told. */
void budget_settle(struct budget *budget, const struct budget_account *account);

/*
 * The user a log line is about: "uid N, pid N" did something, or else "of uid N" whose pool it is.
 * False: it is about none.
 */
bool budget_read_user(const char *line, uint32_t *uid);

#endif
