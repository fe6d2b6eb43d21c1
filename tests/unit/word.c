/* SPDX-License-Identifier: MIT */
/* Gifts: one taker, once; stale and forged tokens open nothing. */
#include "tests/support/arena.h"
#include "tests/unit/suite.h"

static struct arena arena;
static struct member giver, taker;
static uint32_t block;
static uint64_t token;

static void begin(void)
{
	arena_make(&arena, (struct mp_shape){.blocks = 100, .n_caches = 4});
	arena_seat(&arena, 0, &giver);
	arena_seat(&arena, 1, &taker);
	ck_assert_int_eq(member_get(&giver, &block), 0);
	ck_assert_int_eq(mp_word_give(&giver.pool, block, &token), 0);
}

START_TEST(a_gift_is_taken_once)
{
	begin();
	ck_assert_int_eq(mp_word_take(&taker.pool, token, false), block);
	ck_assert_int_eq(mp_word_take(&taker.pool, token, false), -ESTALE);
	ck_assert_int_eq(mp_word_take(&giver.pool, token, true), -ESTALE);
	ck_assert_int_eq(member_put(&giver, block), -EPERM);
	ck_assert_int_eq(member_put(&taker, block), 0);
}
END_TEST

START_TEST(an_old_token_is_stale_after_another_gift)
{
	begin();
	uint64_t second;
	ck_assert_int_eq(mp_word_take(&giver.pool, token, true), block);
	ck_assert_int_eq(mp_word_give(&giver.pool, block, &second), 0);
	ck_assert_int_eq(mp_word_take(&taker.pool, token, false), -ESTALE);
	ck_assert_int_eq(mp_word_take(&taker.pool, second, false), block);
}
END_TEST

START_TEST(forged_tokens_are_stale)
{
	begin();
	ck_assert_int_eq(mp_word_take(&taker.pool, 0, false), -ESTALE);
	ck_assert_int_eq(mp_word_take(&taker.pool, block, false), -ESTALE);
	ck_assert_int_eq(mp_word_take(&taker.pool, token + 1, false), -ESTALE);
	ck_assert_int_eq(mp_word_take(&taker.pool, token + (1ull << 32), false), -ESTALE);
	ck_assert_int_eq(mp_word_take(&taker.pool, UINT64_MAX, false), -ESTALE);
}
END_TEST

START_TEST(only_the_giver_withdraws)
{
	begin();
	ck_assert_int_eq(mp_word_take(&taker.pool, token, true), -EPERM);
	ck_assert_int_eq(mp_word_take(&giver.pool, token, true), block);
}
END_TEST

START_TEST(what_is_not_ours_cannot_be_given)
{
	begin();
	uint64_t none;
	ck_assert_int_eq(mp_word_give(&giver.pool, block, &none), -EPERM);
	ck_assert_int_eq(mp_word_give(&giver.pool, 100, &none), -EINVAL);
	ck_assert_int_eq(mp_word_give(&giver.pool, 99, &none), -EALREADY);
}
END_TEST

START_TEST(generation_zero_is_never_used)
{
	ck_assert_uint_eq(mp_generation_next(UINT32_MAX), 1);
	ck_assert_uint_eq(mp_generation_next(1), 2);
}
END_TEST

static mp_atomic64 *word(void)
{
	return &giver.pool.words[block].whole;
}

START_TEST(what_a_channel_has_is_taken_by_anybody_and_not_withdrawn)
{
	begin();
	ck_assert(mp_word_move(word(), mp_load(word()), mp_word_sent(63)));
	ck_assert_uint_eq(mp_word_channel(mp_load(word())), 63);
	ck_assert_int_eq(mp_word_state(mp_load(word())), MP_MOVING);
	ck_assert_int_eq(mp_word_take(&giver.pool, token, true), -EPERM);
	ck_assert_int_eq(mp_word_take(&taker.pool, token, false), block);
	ck_assert_uint_eq(mp_word_channel(mp_load(word())), MP_NONE);
}
END_TEST

START_TEST(a_slot_is_no_channel)
{
	ck_assert_uint_eq(mp_word_channel(mp_word_low(MP_MOVING, MP_SLOTS_MAX - 1)), MP_NONE);
	ck_assert_uint_eq(mp_word_channel(mp_word_low(MP_MOVING, MP_SLOTS_MAX)), 0);
	ck_assert_uint_eq(mp_word_channel(mp_word_low(MP_USED, MP_SLOTS_MAX)), MP_NONE);
}
END_TEST

/* Each part at its largest reaches no other. */
START_TEST(a_share_says_its_channel_and_who_is_to_have_it)
{
	const uint32_t all = (1u << MP_SEATS_MAX) - 1, last = MP_BROADCASTS_MAX - 1;
	static const uint32_t parts[][3] = {{0, 0, 0}, {1, 2, 4}, {0, 0, 0}, {0, 0, 0}, {0, 0, 0}};
	for (uint32_t i = 0; i < 5; i++) {
		uint32_t channel = i == 2 ? last : parts[i][0];
		uint32_t pending = i == 3 ? all : parts[i][1], held = i == 4 ? all : parts[i][2];
		uint64_t share =
			mp_word_with(7ull << 32 | 9, mp_word_shared(channel, pending, held));
		ck_assert_int_eq(mp_word_state(share), MP_SHARED);
		ck_assert_uint_eq(mp_word_generation(share), 7);
		ck_assert_uint_eq(mp_share_channel(share), channel);
		ck_assert_uint_eq(mp_share_pending(share), pending);
		ck_assert_uint_eq(mp_share_held(share), held);
		ck_assert_uint_eq(mp_word_channel(share), MP_NONE);
	}
}
END_TEST

START_TEST(what_is_shared_is_no_gift_and_nobodys)
{
	begin();
	uint64_t none;
	ck_assert(mp_word_move(word(), mp_load(word()), mp_word_shared(2, 1, 2)));
	ck_assert_int_eq(mp_word_take(&taker.pool, token, false), -ESTALE);
	ck_assert_int_eq(mp_word_take(&giver.pool, token, true), -ESTALE);
	ck_assert_int_eq(mp_word_give(&giver.pool, block, &none), -EPERM);
	ck_assert_int_eq(member_put(&giver, block), -EPERM);
	ck_assert_int_eq(member_put(&taker, block), -EPERM);
}
END_TEST

SUITE("word", a_gift_is_taken_once, an_old_token_is_stale_after_another_gift,
      forged_tokens_are_stale, only_the_giver_withdraws, what_is_not_ours_cannot_be_given,
      generation_zero_is_never_used, what_a_channel_has_is_taken_by_anybody_and_not_withdrawn,
      a_slot_is_no_channel, a_share_says_its_channel_and_who_is_to_have_it,
      what_is_shared_is_no_gift_and_nobodys)
