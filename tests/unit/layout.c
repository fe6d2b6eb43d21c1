/* SPDX-License-Identifier: MIT */
/* The shape of pools: limits, defaults, exact division, what a segment must look like. */
#include <string.h>
#include <unistd.h>

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

/* Each number at its limit, and one step beyond. */
START_TEST(every_limit_is_reached_and_not_passed)
{
	static const struct {
		size_t at;
		uint32_t most, beyond;
	} limits[] = {
		{offsetof(struct mp_shape, blocks), MP_BLOCKS_MAX, MP_BLOCKS_MAX + 1},
		{offsetof(struct mp_shape, max_blocks), MP_BLOCKS_MAX, MP_BLOCKS_MAX + 1},
		{offsetof(struct mp_shape, alignment), MP_ALIGNMENT_MAX, 2 * MP_ALIGNMENT_MAX},
		{offsetof(struct mp_shape, alignment), MP_ALIGNMENT_MIN, MP_ALIGNMENT_MIN / 2},
		{offsetof(struct mp_shape, capacity), MP_CAPACITY_MAX, MP_CAPACITY_MAX + 16},
		{offsetof(struct mp_shape, capacity), MP_CAPACITY_MIN, MP_CAPACITY_MIN - 1},
		{offsetof(struct mp_shape, n_caches), MP_CACHES_MAX, MP_CACHES_MAX + 1},
		{offsetof(struct mp_shape, n_slots), MP_SLOTS_MAX, MP_SLOTS_MAX + 1},
		{offsetof(struct mp_shape, n_shards), MP_SHARDS_MAX, 2 * MP_SHARDS_MAX},
		{offsetof(struct mp_shape, n_channels), MP_CHANNELS_MAX, MP_CHANNELS_MAX + 1},
		{offsetof(struct mp_shape, depth), MP_DEPTH_MAX, 2 * MP_DEPTH_MAX},
		{offsetof(struct mp_shape, depth), MP_DEPTH_MIN, MP_DEPTH_MIN / 2},
	};

	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		struct mp_shape s = shape(64, 10);
		memcpy((char *)&s + limits[i].at, &limits[i].most, sizeof(uint32_t));
		ck_assert_msg(!mp_shape_resolve(&s, 2), "line %zu: its limit is refused", i);
		s = shape(64, 10);
		memcpy((char *)&s + limits[i].at, &limits[i].beyond, sizeof(uint32_t));
		ck_assert_msg(mp_shape_resolve(&s, 2), "line %zu: beyond it is allowed", i);
	}
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

/* Where magazines become bigger, most is taken beside the blocks. */
START_TEST(by_default_bookkeeping_is_at_most_16_bytes_a_block_and_512_kb)
{
	static const uint32_t sizes[] = {1,     2,     64,    200,   511,    512,     2047,
					 2048,  4095,  4096,  4097,  8191,   10000,   1 << 14,
					 50000, 65535, 65536, 65537, 100000, 1 << 20, 1 << 26};

	for (unsigned cpus = 1; cpus <= 64; cpus *= 2) {
		for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
			struct mp_shape s = shape(64, sizes[i]);
			s.n_caches = mp_caches_default(0);
			ck_assert_ptr_null(mp_shape_resolve(&s, cpus));
			ck_assert_uint_le(s.control_size, 16ull * sizes[i] + 512 * 1024);
		}
	}
}
END_TEST

/* Each process that may come can have a thread with a cache. */
START_TEST(by_default_there_are_as_many_caches_as_processes)
{
	struct mp_shape s = shape(64, 10);
	ck_assert_ptr_null(mp_shape_resolve(&s, 2));
	ck_assert_uint_eq(mp_caches_default(0), s.n_slots);
	ck_assert_uint_eq(mp_caches_default(MP_SLOTS_MAX), MP_SLOTS_MAX);
	/* So that it is the processes that are found to be too many. */
	ck_assert_uint_eq(mp_caches_default(MP_SLOTS_MAX + 1), MP_CACHES_MAX);
	ck_assert_uint_eq(mp_caches_default(65), 65);
	ck_assert_uint_eq(mp_caches_default(1), 64);
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

/*
 * Where pages are larger than 4 KiB, segments that were not whole pages could not be reserved or
 * given back by parts.
 */
START_TEST(segments_are_whole_pages_and_lie_alike_whatever_a_page_is)
{
	for (uint32_t blocks = 1; blocks < 100000; blocks = blocks * 3 + 1) {
		struct mp_shape small = shape(100, blocks);
		ck_assert_ptr_null(mp_shape_resolve(&small, 8));
		for (uint32_t page = 4096; page <= 65536; page *= 4) {
			struct mp_shape s = shape(100, blocks);
			s.page = page;
			ck_assert_ptr_null(mp_shape_resolve(&s, 8));
			uint64_t end = s.magazines_at + (uint64_t)s.n_magazines * s.magazine_size;
			uint64_t half = mp_shape_data(&s, blocks / 2);
			ck_assert_uint_eq(s.control_size % page, 0);
			ck_assert_uint_eq(s.data_size % page, 0);
			ck_assert_uint_eq(half % page, 0);
			ck_assert_uint_lt(s.control_size - end, page);
			ck_assert_uint_lt(s.data_size - s.stride * blocks, page);
			ck_assert_uint_lt(half - s.stride * (blocks / 2), page);
			ck_assert_uint_eq(s.shards_at, small.shards_at);
			ck_assert_uint_eq(s.magazines_at, small.magazines_at);
		}
	}
}
END_TEST

START_TEST(a_page_is_the_machines_unless_it_is_said)
{
	struct mp_shape s = shape(64, 100);
	ck_assert_ptr_null(mp_shape_resolve(&s, 2));
	ck_assert_uint_eq(s.page, sysconf(_SC_PAGESIZE));
	s.page = 5000;
	ck_assert_ptr_nonnull(mp_shape_resolve(&s, 2));
	s.page = 2048;
	ck_assert_ptr_nonnull(mp_shape_resolve(&s, 2));
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

SUITE("layout", limits_are_kept, every_limit_is_reached_and_not_passed,
      what_no_process_could_map_is_refused, extremes_are_possible,
      bookkeeping_is_at_most_16_bytes_a_block,
      by_default_bookkeeping_is_at_most_16_bytes_a_block_and_512_kb,
      by_default_there_are_as_many_caches_as_processes, regions_do_not_overlap,
      segments_are_whole_pages_and_lie_alike_whatever_a_page_is,
      a_page_is_the_machines_unless_it_is_said, only_a_blocks_address_has_an_index,
      a_fresh_pool_is_sound_and_recognised, blocks_come_in_address_order_at_first)
