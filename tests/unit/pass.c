/* SPDX-License-Identifier: MIT */
/* What the daemon takes back from the dead, what it leaves for the grace time, and repeats. */
#include <string.h>

#include "tests/support/arena.h"
#include "tests/unit/suite.h"

#define BLOCKS 300
#define SLOTS 8

static struct arena arena;
static struct member dead, survivor;
static unsigned char owners[BLOCKS];

static void begin(void)
{
	arena_make(&arena, (struct mp_shape){.blocks = BLOCKS, .n_caches = 4, .n_slots = SLOTS});
	arena_seat(&arena, 0, &dead);
	arena_seat(&arena, 1, &survivor);
}

static uint32_t take_some(uint32_t n)
{
	uint32_t index = MP_NONE;
	while (n-- > 0) {
		ck_assert_int_eq(member_get(&dead, &index), 0);
	}
	return index;
}

static uint32_t state(uint32_t slot)
{
	return mp_load(&arena.daemon.slots[slot].state);
}

START_TEST(blocks_and_magazines_of_the_dead_come_back)
{
	begin();
	take_some(20);
	ck_assert_uint_eq(arena_bury(&arena, 0, false), 20);
	ck_assert_uint_eq(state(0), MP_SLOT_FREE);
	ck_assert_uint_eq(member_drain(&survivor, owners, 1), BLOCKS);
	ck_assert(!mp_collect_pending(&survivor.pool));
	ck_assert_ptr_null(arena_audit(&arena));
}
END_TEST

START_TEST(the_living_keep_theirs)
{
	begin();
	uint32_t index;
	ck_assert_int_eq(member_get(&survivor, &index), 0);
	take_some(20);
	arena_bury(&arena, 0, true);
	owners[index] = 7;
	ck_assert_uint_eq(member_drain(&survivor, owners, 1), BLOCKS - 1);
	ck_assert_int_eq(member_put(&survivor, index), 0);
}
END_TEST

START_TEST(a_pass_may_be_begun_again_anywhere)
{
	for (int steps = 0; steps < 400; steps += 13) {
		begin();
		memset(owners, 0, sizeof owners);
		take_some(20);
		struct mp_dead dead_slots[SLOTS] = {{0}};
		struct mp_pass pass;
		mp_slot_bury(&arena.daemon, 0);
		mp_pass_add(dead_slots, 0, true);
		mp_pass_init(&pass, dead_slots);
		for (int i = 0; i < steps && !mp_pass_step(&arena.daemon, &pass, 1); i++) {
		}
		arena_bury(&arena, 0, true);
		ck_assert_uint_eq(member_drain(&survivor, owners, 1), BLOCKS);
		ck_assert_ptr_null(arena_audit(&arena));
		arena_free(&arena);
	}
}
END_TEST

/* One walk serves all: what each held is counted for each, and who has gifts left stays. */
START_TEST(one_pass_serves_all_the_dead)
{
	begin();
	struct member others[4];
	struct mp_dead dead_slots[SLOTS] = {{0}};
	struct mp_pass pass;
	uint32_t index, steps = 0, alone = 0;
	uint64_t gift;
	for (uint32_t i = 0; i < 4; i++) {
		arena_seat(&arena, 2 + i, &others[i]);
		for (uint32_t n = 0; n <= i; n++) {
			ck_assert_int_eq(member_get(&others[i], &index), 0);
		}
	}
	ck_assert_int_eq(mp_word_give(&others[3].pool, index, &gift), 0);
	for (uint32_t slot = 2; slot < 6; slot++) {
		mp_slot_bury(&arena.daemon, slot);
		mp_pass_add(dead_slots, slot, false);
	}
	mp_pass_init(&pass, dead_slots);
	while (!mp_pass_step(&arena.daemon, &pass, 16)) {
		steps++;
	}
	for (uint32_t i = 0; i < 4; i++) {
		ck_assert_uint_eq(dead_slots[2 + i].recovered, i < 3 ? i + 1 : 3);
		ck_assert_uint_eq(dead_slots[2 + i].gifts, i == 3);
		ck_assert_uint_eq(state(2 + i), i == 3 ? MP_SLOT_DEAD : MP_SLOT_FREE);
	}
	ck_assert_uint_eq(mp_load(&arena.daemon.header->recoveries), 4);
	ck_assert_ptr_null(arena_audit(&arena));
	memset(dead_slots, 0, sizeof dead_slots);
	mp_slot_bury(&arena.daemon, 0);
	mp_pass_add(dead_slots, 0, true);
	mp_pass_init(&pass, dead_slots);
	while (!mp_pass_step(&arena.daemon, &pass, 16)) {
		alone++;
	}
	ck_assert_uint_eq(steps, alone);
	ck_assert_uint_eq(arena_bury(&arena, 5, true), 1);
	ck_assert_uint_eq(member_drain(&survivor, owners, 1), BLOCKS);
}
END_TEST

START_TEST(gifts_of_the_dead_have_grace)
{
	begin();
	uint64_t kept, lapsed;
	ck_assert_int_eq(mp_word_give(&dead.pool, take_some(1), &kept), 0);
	ck_assert_int_eq(mp_word_give(&dead.pool, take_some(1), &lapsed), 0);
	arena_bury(&arena, 0, false);
	ck_assert_uint_eq(state(0), MP_SLOT_DEAD);
	int64_t taken = mp_word_take(&survivor.pool, kept, false);
	ck_assert_int_ge(taken, 0);
	ck_assert_uint_eq(arena_bury(&arena, 0, true), 1);
	ck_assert_uint_eq(state(0), MP_SLOT_FREE);
	ck_assert_int_eq(mp_word_take(&survivor.pool, lapsed, false), -ESTALE);
	owners[taken] = 7;
	ck_assert_uint_eq(member_drain(&survivor, owners, 1), BLOCKS - 1);
}
END_TEST

START_TEST(counters_of_the_dead_are_kept)
{
	begin();
	take_some(20);
	arena_bury(&arena, 0, true);
	ck_assert_uint_eq(mp_load(&arena.daemon.header->gets), 20);
	ck_assert_uint_eq(mp_load(&arena.daemon.header->recovered), 20);
	ck_assert_uint_eq(mp_load(&arena.daemon.header->recoveries), 1);
}
END_TEST

START_TEST(a_slot_may_be_seated_again)
{
	begin();
	for (int i = 0; i < 50; i++) {
		take_some(10);
		arena_bury(&arena, 0, true);
		arena_seat(&arena, 0, &dead);
	}
	ck_assert_uint_eq(member_drain(&survivor, owners, 1), BLOCKS);
	ck_assert_ptr_null(arena_audit(&arena));
}
END_TEST

SUITE("pass", blocks_and_magazines_of_the_dead_come_back, the_living_keep_theirs,
      a_pass_may_be_begun_again_anywhere, one_pass_serves_all_the_dead,
      gifts_of_the_dead_have_grace, counters_of_the_dead_are_kept, a_slot_may_be_seated_again)
