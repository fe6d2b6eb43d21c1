/* SPDX-License-Identifier: MIT */
/*
 * Pools whose structs and free blocks the program has written, pools that were unregistered, and
 * many of them: what is refused stays refused, and no block is given twice.
 */
#include "tests/unit/os_pool.h"
#include "tests/unit/suite.h"

/* Gets until there is none; how many there were. mp_num_free says beforehand if there is one. */
static int drain(struct os_mempool *mp)
{
	int n = 0;
	for (;;) {
		bool is_said = mp->mp_num_free > 0;
		void *block = os_memblock_get(mp);
		ck_assert_int_eq(block != NULL, is_said);
		if (!block) {
			return n;
		}
		n++;
	}
}

/* Wherever a free block's link is written to: what mp_num_free says can be had, and no more. */
START_TEST(the_count_is_of_blocks_that_can_be_had)
{
	for (size_t at = 0; at < sizeof(void *); at++) {
		for (int i = 0; i < N; i++) {
			begin();
			block_at(i)[at] ^= 0x15;
			ck_assert(!os_mempool_is_sane(&pool));
			int n = drain(&pool);
			ck_assert_int_eq(n, i + 1);
			ck_assert_uint_eq(pool.mp_num_free, 0);
			ck_assert_uint_eq(pool.mp_min_free, 0);
			ck_assert_int_eq(os_memblock_put(&pool, block_at(0)), OS_OK);
			ck_assert_int_eq(os_memblock_put(&pool, block_at(0)), OS_EINVAL);
			ck_assert_int_eq(drain(&pool), 1);
			ck_assert(!os_mempool_is_sane(&pool)); /* free blocks are lost */
			ck_assert_int_eq(os_mempool_clear(&pool), OS_OK);
			ck_assert(os_mempool_is_sane(&pool));
			ck_assert_int_eq(drain(&pool), N);
		}
	}
}
END_TEST

/* A link to another free block, as a program may write that keeps pointers to blocks. */
START_TEST(a_link_to_another_free_block_gives_no_block_twice)
{
	for (int to = 0; to < N; to++) {
		bool seen[N] = {false};
		char *block;
		begin();
		SLIST_NEXT(SLIST_FIRST(&pool), mb_next) = (void *)block_at(to);
		while ((block = os_memblock_get(&pool))) {
			int i = (int)((block - block_at(0)) / SIZE);
			ck_assert(!seen[i]);
			seen[i] = true;
		}
		ck_assert_uint_eq(pool.mp_num_free, 0);
	}
}
END_TEST

/* --- structs that the program has written ------------------------------------------------- */

START_TEST(a_struct_that_was_copied_is_a_pool)
{
	begin();
	struct os_mempool copy = pool;
	void *a = os_memblock_get(&copy), *b = os_memblock_get(&copy);
	ck_assert_ptr_eq(a, block_at(0));
	ck_assert_int_eq(os_memblock_put(&copy, b), OS_OK);
	ck_assert_int_eq(os_memblock_put(&copy, b), OS_EINVAL);
	ck_assert_int_eq(os_memblock_put(&copy, (char *)b + 8), OS_INVALID_PARM);
	ck_assert_uint_eq(copy.mp_num_free, N - 1);
	ck_assert(os_mempool_is_sane(&copy));
	ck_assert_int_eq(os_mempool_unregister(&copy), OS_INVALID_PARM);
	ck_assert_ptr_eq(os_memblock_get(&copy), b);
	block_at(3)[0] ^= 1; /* the link of the second that is next */
	ck_assert_int_eq(drain(&copy), 2);
}
END_TEST

START_TEST(a_struct_that_was_copied_over_another_is_the_others_pool)
{
	static struct os_mempool other;
	static os_membuf_t other_buffer[OS_MEMPOOL_SIZE(3, 16)];
	begin();
	ck_assert_int_eq(os_mempool_init(&other, 3, 16, other_buffer, "other"), OS_OK);
	void *mine = os_memblock_get(&pool);
	pool = other;
	ck_assert_ptr_eq(os_memblock_get(&pool), other_buffer);
	ck_assert_int_eq(os_memblock_put(&pool, mine), OS_INVALID_PARM);
	ck_assert_int_eq(os_memblock_put(&pool, other_buffer), OS_OK);
	ck_assert_int_eq(os_memblock_put(&pool, other_buffer), OS_EINVAL);
	ck_assert_int_eq(drain(&pool), 3);
}
END_TEST

START_TEST(a_struct_that_was_zeroed_has_no_blocks)
{
	begin();
	void *a = os_memblock_get(&pool);
	memset(&pool, 0, sizeof pool);
	ck_assert_ptr_null(os_memblock_get(&pool));
	ck_assert_int_eq(os_memblock_put(&pool, a), OS_INVALID_PARM);
	ck_assert_int_eq(os_memblock_from(&pool, a), 0);
	ck_assert_ptr_null(os_memblock_get(&pool));
	begin();
	ck_assert_int_eq(drain(&pool), N);
}
END_TEST

/* The first free block of the copy is somebody's by now, with anything in it. */
START_TEST(a_struct_that_was_set_back_gives_no_block_twice)
{
	void *first_words[] = {NULL, block_at(3), (void *)1, (void *)3};
	for (size_t i = 0; i < sizeof first_words / sizeof *first_words; i++) {
		begin();
		struct os_mempool before = pool;
		void **a = os_memblock_get(&pool);
		*a = first_words[i];
		pool = before;
		ck_assert_ptr_null(os_memblock_get(&pool));
		ck_assert_uint_eq(pool.mp_num_free, 0);
		ck_assert_int_eq(os_memblock_put(&pool, a), OS_OK);
		ck_assert_ptr_eq(os_memblock_get(&pool), a);
	}
}
END_TEST

START_TEST(fields_full_of_anything_harm_nobody)
{
	for (int fill = 0; fill < 256; fill += 5) {
		begin();
		void *a = os_memblock_get(&pool);
		memset(&pool, fill & ~OS_MEMPOOL_OPT_CHECK, sizeof pool);
		pool.mp_flags = 0;
		os_memblock_put(&pool, a);
		os_memblock_from(&pool, a);
		pool.mp_membuf_addr = (uintptr_t)buffer;
		os_memblock_get(&pool);
		os_memblock_put(&pool, a);
		os_memblock_get(&pool);
	}
}
END_TEST

/* --- many pools, and pools that were unregistered ------------------------------------------ */

#define MANY 3000

START_TEST(many_pools_are_each_found)
{
	static struct os_mempool pools[MANY];
	static os_membuf_t memory[MANY][OS_MEMPOOL_SIZE(2, 16)];
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < MANY; i++) {
			ck_assert_int_eq(os_mempool_init(&pools[i], 2, 16, memory[i], "one"),
					 OS_OK);
		}
		for (int i = 0; i < MANY; i++) {
			void *a = os_memblock_get(&pools[i]);
			ck_assert_ptr_eq(a, memory[i]);
			ck_assert_int_eq(os_memblock_put(&pools[MANY - 1 - i], a),
					 i == MANY - 1 - i ? OS_OK : OS_INVALID_PARM);
			ck_assert_int_eq(os_memblock_put(&pools[i], a), OS_OK);
			ck_assert_int_eq(os_memblock_put(&pools[i], a), OS_EINVAL);
		}
		for (int i = round; i < MANY; i += 2) {
			ck_assert_int_eq(os_mempool_unregister(&pools[i]), OS_OK);
		}
	}
}
END_TEST

/* Two blocks of the list change places: only who has notes on the pool can tell. */
static bool is_noted(void)
{
	struct os_memblock *a = SLIST_FIRST(&pool), *b = SLIST_NEXT(a, mb_next),
			   *c = SLIST_NEXT(b, mb_next), *rest = SLIST_NEXT(c, mb_next);
	SLIST_NEXT(a, mb_next) = c;
	SLIST_NEXT(c, mb_next) = b;
	SLIST_NEXT(b, mb_next) = rest;
	bool is_sane = os_mempool_is_sane(&pool);
	SLIST_NEXT(a, mb_next) = b;
	SLIST_NEXT(b, mb_next) = c;
	SLIST_NEXT(c, mb_next) = rest;
	return !is_sane;
}

START_TEST(an_unregistered_pool_works_on_with_notes_and_without)
{
	static os_membuf_t memory[OS_MEMPOOL_SIZE(60000, 8)];
	static struct os_mempool large[10];
	begin();
	void *a = os_memblock_get(&pool), *b = os_memblock_get(&pool);
	ck_assert_int_eq(os_mempool_unregister(&pool), OS_OK);
	ck_assert_int_eq(os_mempool_unregister(&pool), OS_INVALID_PARM);
	ck_assert_int_eq(os_memblock_put(&pool, a), OS_OK);
	ck_assert_int_eq(os_memblock_put(&pool, a), OS_EINVAL);
	ck_assert(is_noted());
	for (int i = 0; i < 10; i++) { /* some 100 kB of notes each, or more */
		ck_assert_int_eq(os_mempool_init(&large[i], 60000, 8, memory, "large"), OS_OK);
		ck_assert_int_eq(os_mempool_unregister(&large[i]), OS_OK);
	}
	ck_assert(!is_noted());
	ck_assert(os_mempool_is_sane(&pool));
	ck_assert_int_eq(os_memblock_put(&pool, a), OS_EINVAL);
	ck_assert_int_eq(os_memblock_put(&pool, b), OS_OK);
	ck_assert_int_eq(os_memblock_put(&pool, b), OS_EINVAL);
	ck_assert_int_eq(drain(&pool), N);
}
END_TEST

START_TEST(module_init_empties_the_list_and_does_nothing_else)
{
	begin();
	struct os_mempool before = pool;
	void *a = os_memblock_get(&pool), *b = os_memblock_get(&pool);
	os_mempool_module_init();
	ck_assert_ptr_null(os_mempool_info_get_next(NULL, NULL));
	ck_assert_ptr_null(os_mempool_info_get_next(&pool, NULL));
	ck_assert_ptr_null(os_mempool_get("unit", NULL));
	ck_assert_int_eq(os_memblock_put(&pool, a), OS_OK);
	ck_assert_int_eq(os_memblock_put(&pool, a), OS_EINVAL);
	ck_assert_int_eq(os_memblock_put(&pool, b), OS_OK);
	ck_assert_uint_eq(pool.mp_num_free, N);
	ck_assert_ptr_eq(pool.name, before.name);
	SLIST_NEXT(SLIST_FIRST(&pool), mb_next) = SLIST_FIRST(&pool);
	ck_assert(!os_mempool_is_sane(&pool));
	ck_assert_int_eq(drain(&pool), 1);
	ck_assert_int_eq(os_mempool_unregister(&pool), OS_INVALID_PARM);
	begin();
	ck_assert_ptr_eq(os_mempool_info_get_next(NULL, NULL), &pool);
}
END_TEST

SUITE("os_mempool_faults", the_count_is_of_blocks_that_can_be_had,
      a_link_to_another_free_block_gives_no_block_twice, a_struct_that_was_copied_is_a_pool,
      a_struct_that_was_copied_over_another_is_the_others_pool,
      a_struct_that_was_zeroed_has_no_blocks, a_struct_that_was_set_back_gives_no_block_twice,
      fields_full_of_anything_harm_nobody, many_pools_are_each_found,
      an_unregistered_pool_works_on_with_notes_and_without,
      module_init_empties_the_list_and_does_nothing_else)
