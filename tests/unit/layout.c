/* SPDX-License-Identifier: MIT */
/* The shape of pools: limits, defaults, exact division, what a segment must look like. */
#include <string.h>

#include "tests/support/arena.h"
#include "tests/unit/suite.h"

static struct mp_shape shape(uint64_t size, uint32_t blocks)
{
	return (struct mp_shape){.block_size = size, .blocks = blocks, .n_caches = 64};
}

START_TEST(limits_are_kept)
{
	struct mp_shape s = shape(15, 1);
	ck_assert_ptr_nonnull(mp_shape_resolve(&s, 2));
	s = shape((1 << 30) + 1, 1);
	ck_assert_ptr_nonnull(mp_shape_resolve(&s, 2));
	s = shape(16, 0);
	ck_assert_ptr_nonnull(mp_shape_resolve(&s, 2));
	s = shape(16, (1 << 26) + 1);
	ck_assert_ptr_nonnull(mp_shape_resolve(&s, 2));
	s = shape(64, 10);
	s.alignment = 48;
	ck_assert_ptr_nonnull(mp_shape_resolve(&s, 2));
}
END_TEST

/* A process has 128 TiB of addresses. Such a pool could be made, and nobody could open it. */
START_TEST(what_no_process_could_map_is_refused)
{
	struct mp_shape s = shape(1 << 30, 1);
	s.max_blocks = 1 << 16;
	ck_assert_ptr_null(mp_shape_resolve(&s, 2));
	s = shape(1 << 30, 1);
	s.max_blocks = (1 << 16) + 1;
	ck_assert_ptr_nonnull(mp_shape_resolve(&s, 2));
	s = shape((1 << 29) + 1, 1);
	s.max_blocks = 1 << 17;
	ck_assert_ptr_nonnull(mp_shape_resolve(&s, 2));
}
END_TEST

START_TEST(extremes_are_possible)
{
	struct mp_shape s = shape(16, 1);
	ck_assert_ptr_null(mp_shape_resolve(&s, 1));
	s = shape(1 << 30, 1);
	ck_assert_ptr_null(mp_shape_resolve(&s, 1));
	s = shape(16, 1 << 26);
	ck_assert_ptr_null(mp_shape_resolve(&s, 64));
	ck_assert_uint_eq(s.n_shards, 8);
}
END_TEST

START_TEST(bookkeeping_is_at_most_16_bytes_a_block)
{
	for (uint32_t blocks = 1; blocks <= 1 << 26; blocks = blocks * 3 + 1) {
		struct mp_shape s = shape(64, blocks);
		ck_assert_ptr_null(mp_shape_resolve(&s, 2));
		ck_assert_uint_le(s.control_size, 16ull * blocks + 256 * 1024);
	}
}
END_TEST

START_TEST(regions_do_not_overlap)
{
	for (uint32_t blocks = 1; blocks < 100000; blocks = blocks * 3 + 1) {
		struct mp_shape s = shape(64, blocks);
		ck_assert_ptr_null(mp_shape_resolve(&s, 8));
		ck_assert_uint_ge(s.shards_at, sizeof(struct mp_header));
		ck_assert_uint_ge(s.slots_at, s.shards_at + s.n_shards * sizeof(struct mp_shard));
		ck_assert_uint_ge(s.caches_at, s.slots_at + s.n_slots * sizeof(struct mp_slot));
		ck_assert_uint_ge(s.words_at, s.caches_at + s.n_caches * sizeof(struct mp_cache));
		ck_assert_uint_ge(s.magazines_at, s.words_at + 8ull * blocks);
		ck_assert_uint_ge(s.control_size,
				  s.magazines_at + (uint64_t)s.n_magazines * s.magazine_size);
	}
}
END_TEST

/* Every stride from 16 up to some odd thousand, at the ends and in the middle of blocks. */
START_TEST(only_a_blocks_address_has_an_index)
{
	static unsigned char base[1];
	for (uint32_t size = 16; size < 3000; size += 7) {
		struct mp_shape s = shape(size, 1000);
		s.alignment = 8;
		ck_assert_ptr_null(mp_shape_resolve(&s, 1));
		struct mp_pool pool;
		mp_pool_bind(&pool, &s, base, base, 0);
		for (uint64_t i = 0; i < 1000; i += 111) {
			unsigned char *block = mp_pool_address(&pool, i);
			ck_assert_uint_eq(mp_pool_index(&pool, block), i);
			ck_assert_uint_ge(mp_pool_index(&pool, block + 1), 1000);
			ck_assert_uint_ge(mp_pool_index(&pool, block + 8), 1000);
			ck_assert_uint_ge(mp_pool_index(&pool, block - 1), 1000);
		}
		ck_assert_uint_ge(mp_pool_index(&pool, mp_pool_address(&pool, 1000)), 1000);
		ck_assert_uint_ge(mp_pool_index(&pool, base - s.stride), 1000);
		ck_assert_uint_ge(mp_pool_index(&pool, NULL), 1000);
	}
}
END_TEST

START_TEST(a_fresh_pool_is_sound_and_recognised)
{
	struct arena a;
	arena_make(&a, (struct mp_shape){.blocks = 1000, .n_caches = 4});
	ck_assert_ptr_null(arena_audit(&a));
	ck_assert(mp_layout_matches(a.daemon.header, &a.daemon.shape, 1));
	ck_assert(!mp_layout_matches(a.daemon.header, &a.daemon.shape, 2));
	a.daemon.header->signature ^= 1;
	ck_assert(!mp_layout_matches(a.daemon.header, &a.daemon.shape, 1));
}
END_TEST

START_TEST(blocks_come_in_address_order_at_first)
{
	struct arena a;
	struct member m;
	uint32_t index;
	arena_make(&a, (struct mp_shape){.blocks = 30, .n_caches = 1});
	arena_seat(&a, 0, &m);
	for (uint32_t i = 0; i < 8; i++) {
		ck_assert_int_eq(member_get(&m, &index), 0);
		ck_assert_uint_eq(index, i);
	}
}
END_TEST

SUITE("layout", limits_are_kept, what_no_process_could_map_is_refused, extremes_are_possible,
      bookkeeping_is_at_most_16_bytes_a_block, regions_do_not_overlap,
      only_a_blocks_address_has_an_index, a_fresh_pool_is_sound_and_recognised,
      blocks_come_in_address_order_at_first)
