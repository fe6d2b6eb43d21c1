/* SPDX-License-Identifier: MIT */
#include "tests/support/arena.h"
#include "tests/unit/suite.h"

static struct arena arena;
static struct member member;

static void begin(void)
{
	arena_make(&arena, (struct mp_shape){.blocks = 64, .capacity = 8, .n_caches = 1});
	arena_seat(&arena, 0, &member);
}

/* A magazine of ours with what a peer may write into it between two looks of ours. */
static struct mp_magazine *scribbled(uint32_t count, uint32_t entry)
{
	struct mp_magazine *m = mp_magazine(&member.pool, member.local.loaded.index);

	for (uint32_t i = 0; i < member.pool.shape.capacity; i++) {
		mp_store(&m->entry[i], entry);
	}
	mp_store(&m->count, count);
	return m;
}

/* The sanitizers would say so, or the neighbour whose holder is written over. */
START_TEST(nothing_beside_it_is_touched_when_it_is_scribbled_on)
{
	static const uint32_t values[] = {0, 7, 8, 9, 1000000, UINT32_MAX};
	uint32_t index;

	begin();
	ck_assert_int_eq(member_get(&member, &index), 0);
	void *blocks[] = {mp_pool_address(&member.pool, index)};
	uint32_t free = member.local.loaded.free;
	struct mp_magazine *next = mp_magazine(&member.pool, (member.local.loaded.index + 1) %
								     member.pool.shape.n_magazines);
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		uint64_t holder = mp_load(&next->holder);
		uint32_t count = mp_load(&next->count);
		mp_magazine_unpush(&member.pool, scribbled(values[i], UINT32_MAX), 3);
		mp_magazine_unpop(&member.pool, scribbled(values[i], UINT32_MAX), free, 3);
		mp_magazine_push(&member.pool, scribbled(values[i], 0), free, index);
		mp_store(&member.pool.words[index].low, member.pool.used);
		mp_magazine_push_bulk(&member.pool, scribbled(values[i], 0), free, blocks, 1);
		mp_store(&member.pool.words[index].low, member.pool.used);
		ck_assert_uint_eq(mp_load(&next->holder), holder);
		ck_assert_uint_eq(mp_load(&next->count), count);
	}
	arena_free(&arena);
}
END_TEST

SUITE("magazine", nothing_beside_it_is_touched_when_it_is_scribbled_on)
