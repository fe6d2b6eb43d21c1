/* SPDX-License-Identifier: MIT */
/* What one user does is that user's alone: the others, and root, get their part of everything. */
#include "tests/system/configured.h"

#define ANOTHER 65533 /* user, beside OTHER */

/* ---- slots ---- */

/* A pool of that many slots, which root owns and everybody may read. */
static void make_readable(uint32_t n_slots)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	struct mempool *made;

	attr.block_size = 64;
	attr.blocks = 10;
	attr.processes = n_slots;
	attr.mode = 0644;
	ck_assert_int_eq(mempool_create(conn, "shared", &attr, &made), 0);
	ck_assert_int_eq(mempool_close(made), 0);
}

/* Starts @n clients of the user that open the pool; the last hears @answer, the others 0. */
static void crowd(struct actor *actors, unsigned n, uid_t uid, int64_t answer)
{
	for (unsigned i = 0; i < n; i++) {
		actor_start_as(&actors[i], uid);
		ck_assert_int_eq(actor_ask(&actors[i], "open shared reader"),
				 i + 1 < n ? 0 : answer);
	}
}

static void disperse(struct actor *actors, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		actor_kill(&actors[i]);
	}
}

/* Of ten slots one user has five and no more, all of them nine; root has the tenth. */
START_TEST(readers_leave_slots_to_others_and_to_root)
{
	struct actor first[6], second[5], owner[2];

	if (getuid() != 0) {
		return;
	}
	prepare("");
	start();
	make_readable(10);
	crowd(first, 6, OTHER, -EUSERS);
	expect_log("pool 'shared', uid 65534, pid ");
	expect_log("`pool_seats_per_user` allows no more");
	crowd(second, 5, ANOTHER, -EUSERS);
	expect_log("`pool_seats_kept` allows no more");
	crowd(owner, 2, 0, -EUSERS);
	/* What one of them gives back is another's. */
	ck_assert_int_eq(actor_ask(&first[0], "close"), 0);
	ck_assert_int_eq(actor_ask(&second[4], "open shared reader"), 0);
	ck_assert_int_eq(actor_ask(&first[5], "open shared reader"), -EUSERS);
	disperse(first, 6);
	disperse(second, 5);
	disperse(owner, 2);
	destroy("shared");
	stop();
}
END_TEST

/* The owner is no "other": it has all the slots that are free. */
START_TEST(an_owner_has_all_the_slots_of_its_pool)
{
	struct actor own[5];

	if (getuid() != 0) {
		return;
	}
	prepare("");
	put("pools.d/shared.pool",
	    "[pool]\nblock_size = 64\nblocks = 10\nuser = 65534\nprocesses = 4\n");
	start();
	crowd(own, 5, OTHER, -EUSERS);
	disperse(own, 5);
	destroy("shared");
	stop();
}
END_TEST

/* The smallest pools: of two slots one is kept, of one none. */
START_TEST(the_last_slot_of_two_is_kept)
{
	struct actor a[2];

	if (getuid() != 0) {
		return;
	}
	prepare("[limits]\npool_seats_per_user = 100%\n");
	start();
	make_readable(2);
	crowd(a, 2, OTHER, -EUSERS);
	expect_log("`pool_seats_kept` allows no more");
	disperse(a, 2);
	destroy("shared");
	make_readable(1);
	crowd(a, 1, OTHER, 0);
	disperse(a, 1);
	destroy("shared");
	stop();
}
END_TEST

START_TEST(who_configures_shares_decides_them)
{
	struct actor a[5];

	if (getuid() != 0) {
		return;
	}
	prepare("[limits]\npool_seats_per_user = 100%\npool_seats_kept = 0%\n");
	start();
	make_readable(4);
	crowd(a, 5, OTHER, -EUSERS);
	disperse(a, 5);
	destroy("shared");
	stop();
}
END_TEST

/* ---- the log ---- */

static unsigned lines_with(const char *text)
{
	unsigned n = 0;

	log_has((void *)(uintptr_t)text);
	for (const char *at = said; (at = strstr(at, text)) != NULL; at++) {
		n++;
	}
	return n;
}

/* It makes and destroys pools in a loop, 240 lines at least. Others' lines are written. */
START_TEST(a_user_cannot_fill_the_log)
{
	struct actor a, b;

	if (getuid() != 0) {
		return;
	}
	prepare("");
	start();
	actor_start_as(&a, OTHER);
	actor_start_as(&b, ANOTHER);
	forget_log();
	int64_t begun = now_ms();
	for (int i = 0; i < 120; i++) {
		ck_assert_int_eq(actor_ask(&a, "make loop"), 0);
		ck_assert_int_eq(actor_ask(&a, "force"), 0);
		ck_assert_int_eq(actor_ask(&a, "destroy loop"), 0);
	}
	ck_assert_uint_le(lines_with(" of uid 65534"), 41 + (now_ms() - begun) * 20 / 1000);
	ck_assert_int_eq(actor_ask(&b, "make quiet"), 0);
	expect_log("pool 'quiet' of uid 65533 made by uid 65533, pid ");
	/* Nothing happens any more, and what was left out is told. */
	expect_log("warning: uid 65534: ");
	expect_log(" lines left out, as it caused more than 20 a second");
	actor_kill(&a);
	actor_kill(&b);
	destroy("quiet");
	stop();
}
END_TEST

SUITE("limits", readers_leave_slots_to_others_and_to_root, an_owner_has_all_the_slots_of_its_pool,
      the_last_slot_of_two_is_kept, who_configures_shares_decides_them, a_user_cannot_fill_the_log)
