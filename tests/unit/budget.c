/* SPDX-License-Identifier: MIT */
/* The budget of log lines: so many of a user, so many of all, and none is left out unseen. */
#include "daemon/base/budget.h"
#include "tests/unit/suite.h"

#define SECOND 1000000000ull

static struct budget budget;
static uint64_t now = 5 * SECOND;

/* How many of @n lines of the user are admitted. */
static unsigned admitted(uint32_t uid, unsigned n)
{
	unsigned admitted = 0;

	while (n-- > 0) {
		admitted += budget_admit(&budget, uid, now);
	}
	return admitted;
}

START_TEST(a_user_has_a_burst_and_then_a_few_a_second)
{
	ck_assert_uint_eq(admitted(7, BUDGET_BURST), BUDGET_BURST);
	ck_assert(!budget_owes(&budget));
	ck_assert_uint_eq(admitted(7, 1), 0);
	ck_assert_uint_eq(admitted(8, 1), 1);
	now += SECOND;
	ck_assert_uint_eq(admitted(7, 1000), BUDGET_RATE);
	now += 100 * SECOND;
	ck_assert_uint_eq(admitted(7, 1000), BUDGET_BURST);
}
END_TEST

START_TEST(what_is_left_out_is_told_once_when_it_has_ended)
{
	const struct budget_account *account;

	admitted(7, BUDGET_BURST + 3);
	ck_assert(budget_owes(&budget));
	ck_assert_ptr_null(budget_due(&budget, now));
	now += 2 * SECOND;
	account = budget_due(&budget, now);
	ck_assert_ptr_nonnull(account);
	ck_assert_uint_eq(account->uid, 7);
	ck_assert_uint_eq(account->n_left_out, 3);
	budget_settle(&budget, account);
	ck_assert_ptr_null(budget_due(&budget, now));
	ck_assert(!budget_owes(&budget));
}
END_TEST

START_TEST(what_does_not_end_is_told_from_time_to_time)
{
	unsigned told = 0;

	for (int i = 0; i < 30 * 100; i++, now += SECOND / 100) {
		const struct budget_account *account = budget_due(&budget, now);
		if (account) {
			budget_settle(&budget, account);
			told++;
		}
		admitted(7, 1);
	}
	ck_assert_uint_ge(told, 2);
	ck_assert_uint_le(told, 3);
}
END_TEST

/* One who has many names is held as well; root is heard. */
START_TEST(all_users_together_have_no_end_of_lines_neither)
{
	unsigned n = 0;

	for (uint32_t uid = 1; uid <= 2000; uid++) {
		n += admitted(uid, 10);
	}
	ck_assert_uint_eq(n, BUDGET_TOGETHER * BUDGET_BURST);
	ck_assert_uint_eq(admitted(0, 1), 1);
	now += 3 * SECOND;
	for (n = 0; budget_owes(&budget); n++) {
		const struct budget_account *account = budget_due(&budget, now);
		ck_assert_ptr_nonnull(account);
		budget_settle(&budget, account);
	}
	ck_assert_uint_le(n, BUDGET_ACCOUNTS + 1);
}
END_TEST

START_TEST(a_line_names_its_user)
{
	uint32_t uid = 0;

	ck_assert(budget_read_user("pool 'a' of uid 7 destroyed by uid 8, pid 9; 0 slots", &uid));
	ck_assert_uint_eq(uid, 8);
	ck_assert(budget_read_user("pool 'a' of uid 7 destroyed: its creator has gone", &uid));
	ck_assert_uint_eq(uid, 7);
	ck_assert(budget_read_user("uid 4294967294, pid 9: session closed", &uid));
	ck_assert_uint_eq(uid, 4294967294u);
	ck_assert(!budget_read_user("ready: socket /run/x, instance y", &uid));
}
END_TEST

SUITE("budget", a_user_has_a_burst_and_then_a_few_a_second,
      what_is_left_out_is_told_once_when_it_has_ended, what_does_not_end_is_told_from_time_to_time,
      all_users_together_have_no_end_of_lines_neither, a_line_names_its_user)
