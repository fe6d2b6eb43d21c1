/* SPDX-License-Identifier: MIT */
/* Pools in memory of the caller's, with Mynewt's interface: one case per promise. */
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <os/os_mempool.h>

#include "tests/unit/os_pool.h"
#include "tests/unit/suite.h"

START_TEST(blocks_are_linked_in_order_of_address)
{
	begin();
	int i = 0;
	struct os_memblock *at;
	SLIST_FOREACH(at, &pool, mb_next)
	{
		ck_assert_ptr_eq(at, block_at(i++));
	}
	ck_assert_int_eq(i, N);
	for (i = 0; i < N; i++) {
		ck_assert_ptr_eq(os_memblock_get(&pool), block_at(i));
	}
	ck_assert_ptr_null(os_memblock_get(&pool));
}
END_TEST

START_TEST(the_fields_lie_where_mynewt_has_them)
{
#if UINTPTR_MAX > 0xffffffffu
	enum { MEMBUF = 16, LIST = 24, FIRST = 32, NAME = 40, SIZE_OF = 48, CB = 48, ARG = 56 };
#else
	enum { MEMBUF = 12, LIST = 16, FIRST = 20, NAME = 24, SIZE_OF = 28, CB = 28, ARG = 32 };
#endif
	ck_assert_uint_eq(offsetof(struct os_mempool, mp_block_size), 0);
	ck_assert_uint_eq(offsetof(struct os_mempool, mp_num_blocks), 4);
	ck_assert_uint_eq(offsetof(struct os_mempool, mp_num_free), 6);
	ck_assert_uint_eq(offsetof(struct os_mempool, mp_min_free), 8);
	ck_assert_uint_eq(offsetof(struct os_mempool, mp_flags), 10);
	ck_assert_uint_eq(offsetof(struct os_mempool, mp_membuf_addr), MEMBUF);
	ck_assert_uint_eq(offsetof(struct os_mempool, mp_list), LIST);
	ck_assert_uint_eq(offsetof(struct os_mempool, slh_first), FIRST);
	ck_assert_uint_eq(offsetof(struct os_mempool, name), NAME);
	ck_assert_uint_eq(sizeof(struct os_mempool), SIZE_OF);
	ck_assert_uint_eq(offsetof(struct os_mempool_ext, mpe_mp), 0);
	ck_assert_uint_eq(offsetof(struct os_mempool_ext, mpe_put_cb), CB);
	ck_assert_uint_eq(offsetof(struct os_mempool_ext, mpe_put_arg), ARG);
	ck_assert_uint_eq(sizeof(struct os_mempool_ext), ARG + sizeof(void *));
	ck_assert_uint_eq(offsetof(struct os_mempool_info, omi_block_size), 0);
	ck_assert_uint_eq(offsetof(struct os_mempool_info, omi_num_blocks), 4);
	ck_assert_uint_eq(offsetof(struct os_mempool_info, omi_num_free), 8);
	ck_assert_uint_eq(offsetof(struct os_mempool_info, omi_min_free), 12);
	ck_assert_uint_eq(offsetof(struct os_mempool_info, omi_name), 16);
	ck_assert_uint_eq(sizeof(struct os_mempool_info), 48);
	ck_assert_uint_eq(offsetof(struct os_memblock, mb_next), 0);
}
END_TEST

START_TEST(the_fields_say_what_mynewt_says)
{
	begin();
	ck_assert_uint_eq(pool.mp_block_size, SIZE);
	ck_assert_uint_eq(pool.mp_num_blocks, N);
	ck_assert_uint_eq(pool.mp_num_free, N);
	ck_assert_uint_eq(pool.mp_min_free, N);
	ck_assert_uint_eq(pool.mp_flags, 0);
	ck_assert_uint_eq(pool.mp_membuf_addr, (uintptr_t)buffer);
	ck_assert_str_eq(pool.name, "unit");
	ck_assert_ptr_eq(SLIST_FIRST(&pool), (void *)buffer);
}
END_TEST

START_TEST(a_plain_pool_has_no_flags_at_any_alignment)
{
	static __attribute__((aligned(16))) char memory[4 * 32];
	for (unsigned alignment = 4; alignment <= 16; alignment *= 2) {
		ck_assert_int_eq(os_mempool_init_as(&pool, 4, 20, memory, "flags", sizeof memory,
						    alignment, 0),
				 OS_OK);
		ck_assert_uint_eq(pool.mp_flags, 0);
		char *a = os_memblock_get(&pool), *b = os_memblock_get(&pool);
		ck_assert_int_eq(b - a, alignment == 16 ? 32 : alignment == 8 ? 24 : 20);
		ck_assert_int_eq(os_mempool_clear(&pool), OS_OK);
		ck_assert_uint_eq(pool.mp_flags, 0);
	}
}
END_TEST

START_TEST(the_block_put_last_is_got_first)
{
	begin();
	void *a = os_memblock_get(&pool), *b = os_memblock_get(&pool);
	ck_assert_int_eq(os_memblock_put(&pool, a), OS_OK);
	ck_assert_int_eq(os_memblock_put(&pool, b), OS_OK);
	ck_assert_ptr_eq(os_memblock_get(&pool), b);
	ck_assert_ptr_eq(os_memblock_get(&pool), a);
}
END_TEST

START_TEST(the_low_water_mark_stays_until_clear)
{
	begin();
	void *a = os_memblock_get(&pool), *b = os_memblock_get(&pool);
	os_memblock_put(&pool, a);
	os_memblock_put(&pool, b);
	ck_assert_uint_eq(pool.mp_num_free, N);
	ck_assert_uint_eq(pool.mp_min_free, N - 2);
	ck_assert_int_eq(os_mempool_clear(&pool), OS_OK);
	ck_assert_uint_eq(pool.mp_min_free, N);
}
END_TEST

START_TEST(clear_takes_all_blocks_back_in_order)
{
	begin();
	void *lost = os_memblock_get(&pool);
	os_memblock_put(&pool, os_memblock_get(&pool));
	ck_assert_int_eq(os_mempool_clear(&pool), OS_OK);
	ck_assert(os_mempool_is_sane(&pool));
	ck_assert_int_eq(os_memblock_put(&pool, lost), OS_EINVAL);
	for (int i = 0; i < N; i++) {
		ck_assert_ptr_eq(os_memblock_get(&pool), block_at(i));
	}
	ck_assert_int_eq(os_mempool_clear(NULL), OS_INVALID_PARM);
}
END_TEST

START_TEST(put_twice_is_refused)
{
	begin();
	void *a = os_memblock_get(&pool), *b = os_memblock_get(&pool);
	ck_assert_int_eq(os_memblock_put(&pool, a), OS_OK);
	ck_assert_int_eq(os_memblock_put(&pool, a), OS_EINVAL);
	ck_assert_int_eq(os_memblock_put(&pool, b), OS_OK);
	ck_assert_int_eq(os_memblock_put(&pool, a), OS_EINVAL);
	ck_assert_uint_eq(pool.mp_num_free, N);
	ck_assert(os_mempool_is_sane(&pool));
}
END_TEST

START_TEST(put_twice_is_refused_without_registration_too)
{
	begin();
	void *a = os_memblock_get(&pool);
	os_memblock_get(&pool);
	ck_assert_int_eq(os_mempool_unregister(&pool), OS_OK);
	ck_assert_int_eq(os_memblock_put(&pool, a), OS_OK);
	ck_assert_int_eq(os_memblock_put(&pool, a), OS_EINVAL);
	ck_assert_uint_eq(pool.mp_num_free, N - 1);
	ck_assert_ptr_eq(os_memblock_get(&pool), a);
}
END_TEST

START_TEST(an_address_that_is_no_block_is_refused)
{
	begin();
	char *a = os_memblock_get(&pool), *before = (char *)(pool.mp_membuf_addr - SIZE);
	char elsewhere[SIZE];
	ck_assert_int_eq(os_memblock_put(&pool, a + 1), OS_INVALID_PARM);
	ck_assert_int_eq(os_memblock_put(&pool, a + 8), OS_INVALID_PARM);
	ck_assert_int_eq(os_memblock_put(&pool, before), OS_INVALID_PARM);
	ck_assert_int_eq(os_memblock_put(&pool, block_at(N)), OS_INVALID_PARM);
	ck_assert_int_eq(os_memblock_put(&pool, elsewhere), OS_INVALID_PARM);
	ck_assert_int_eq(os_memblock_put(&pool, NULL), OS_INVALID_PARM);
	ck_assert_int_eq(os_memblock_put(NULL, a), OS_INVALID_PARM);
	ck_assert_int_eq(os_memblock_put_from_cb(&pool, a + 8), OS_INVALID_PARM);
	ck_assert_uint_eq(pool.mp_num_free, N - 1);
	ck_assert(os_mempool_is_sane(&pool));
}
END_TEST

START_TEST(from_tells_blocks_from_other_addresses)
{
	begin();
	ck_assert_int_eq(os_memblock_from(&pool, block_at(0)), 1);
	ck_assert_int_eq(os_memblock_from(&pool, block_at(N - 1)), 1);
	ck_assert_int_eq(os_memblock_from(&pool, block_at(N)), 0);
	ck_assert_int_eq(os_memblock_from(&pool, block_at(1) + 8), 0);
	ck_assert_int_eq(os_memblock_from(&pool, NULL), 0);
	ck_assert_int_eq(os_memblock_from(NULL, block_at(0)), 0);
}
END_TEST

START_TEST(wrong_arguments_of_init_change_nothing)
{
	begin();
	struct os_mempool before = pool;
	ck_assert_int_eq(os_mempool_init(NULL, N, SIZE, buffer, "x"), OS_INVALID_PARM);
	ck_assert_int_eq(os_mempool_init(&pool, -1, SIZE, buffer, "x"), OS_INVALID_PARM);
	ck_assert_int_eq(os_mempool_init(&pool, 65536, SIZE, buffer, "x"), OS_INVALID_PARM);
	ck_assert_int_eq(os_mempool_init(&pool, N, 0, buffer, "x"), OS_INVALID_PARM);
	ck_assert_int_eq(os_mempool_init(&pool, N, -5, buffer, "x"), OS_INVALID_PARM);
	ck_assert_int_eq(os_mempool_init(&pool, N, INT64_MAX, buffer, "x"), OS_INVALID_PARM);
	ck_assert_int_eq(os_mempool_init(&pool, N, SIZE, NULL, "x"), OS_INVALID_PARM);
	ck_assert_int_eq(os_mempool_init(&pool, N, SIZE, (char *)buffer + 4, "x"),
			 OS_MEM_NOT_ALIGNED);
	ck_assert_int_eq(memcmp(&before, &pool, sizeof pool), 0);
	ck_assert_int_eq(n_pools(), 1);
	ck_assert_ptr_eq(os_memblock_get(&pool), block_at(0));
}
END_TEST

START_TEST(a_buffer_that_is_known_to_be_short_is_refused)
{
	begin();
	ck_assert_int_eq(os_mempool_init(&pool, N + 1, SIZE, buffer, "x"), OS_INVALID_PARM);
	ck_assert_int_eq(os_mempool_init(&pool, N, SIZE + 1, buffer, "x"), OS_INVALID_PARM);
	ck_assert_int_eq(os_mempool_init(&pool, N - 1, SIZE, buffer + 4, "x"), OS_OK);
	ck_assert_int_eq(os_mempool_init(&pool, N, SIZE, buffer + 4, "x"), OS_INVALID_PARM);
}
END_TEST

START_TEST(a_buffer_at_the_end_of_memory_is_refused)
{
	void *end = (void *)(UINTPTR_MAX - 63);
	ck_assert_int_eq(os_mempool_init_as(&pool, 3, 32, end, "x", SIZE_MAX, 8, 0),
			 OS_INVALID_PARM);
	ck_assert_int_eq(
		os_mempool_init_as(&pool, UINT16_MAX, UINT32_MAX, buffer, "x", 1 << 20, 8, 0),
		OS_INVALID_PARM);
	ck_assert_int_eq(os_mempool_init_as(&pool, 1, 32, buffer, "x", SIZE_MAX, 32, 0),
			 OS_INVALID_PARM);
	ck_assert_int_eq(os_mempool_init_as(&pool, 1, 32, buffer, "x", SIZE_MAX, 8, 1),
			 OS_INVALID_PARM);
	ck_assert_int_eq(os_mempool_init_as(&pool, 1, 4, buffer, "x", SIZE_MAX, 4, 0),
			 OS_INVALID_PARM);
}
END_TEST

START_TEST(a_pool_may_have_no_blocks)
{
	ck_assert_int_eq(os_mempool_init(&pool, 0, SIZE, NULL, "none"), OS_OK);
	ck_assert_ptr_null(os_memblock_get(&pool));
	ck_assert_int_eq(os_memblock_put(&pool, buffer), OS_INVALID_PARM);
	ck_assert_int_eq(os_mempool_clear(&pool), OS_OK);
	ck_assert(os_mempool_is_sane(&pool));
	ck_assert_int_eq(os_mempool_init(&pool, 0, SIZE, buffer, "none"), OS_OK);
	ck_assert_ptr_null(os_memblock_get(&pool));
	ck_assert(os_mempool_is_sane(&pool));
}
END_TEST

START_TEST(init_of_a_registered_pool_starts_afresh)
{
	static struct os_mempool other;
	static os_membuf_t other_buffer[OS_MEMPOOL_SIZE(2, 16)];
	begin();
	ck_assert_int_eq(os_mempool_init(&other, 2, 16, other_buffer, "other"), OS_OK);
	os_memblock_get(&pool);
	for (int i = 0; i < 3; i++) {
		memset(&pool, i, sizeof pool);
		ck_assert_int_eq(os_mempool_init(&pool, 5, 16, buffer, "again"), OS_OK);
	}
	ck_assert_int_eq(n_pools(), 2);
	ck_assert_uint_eq(pool.mp_num_free, 5);
	ck_assert_ptr_eq(os_mempool_info_get_next(NULL, NULL), &other);
	ck_assert_ptr_eq(os_mempool_info_get_next(&other, NULL), &pool);
	ck_assert_ptr_eq(STAILQ_NEXT(&other, mp_list), &pool);
	ck_assert_ptr_null(STAILQ_NEXT(&pool, mp_list));
}
END_TEST

START_TEST(a_list_that_runs_in_a_circle_is_found)
{
	begin();
	struct os_memblock *a = SLIST_FIRST(&pool), *b = SLIST_NEXT(a, mb_next);
	ck_assert(os_mempool_is_sane(&pool));
	SLIST_NEXT(b, mb_next) = a;
	ck_assert(!os_mempool_is_sane(&pool));
	ck_assert_ptr_eq(os_memblock_get(&pool), a);
	ck_assert_ptr_eq(os_memblock_get(&pool), b);
	ck_assert_ptr_null(os_memblock_get(&pool));
}
END_TEST

START_TEST(a_list_that_leaves_the_pool_is_found)
{
	begin();
	struct os_memblock *a = SLIST_FIRST(&pool);
	void *wild[] = {(void *)8, block_at(N), block_at(1) + 4, NULL};
	for (size_t i = 0; i < sizeof wild / sizeof *wild; i++) {
		os_mempool_clear(&pool);
		SLIST_NEXT(a, mb_next) = wild[i];
		ck_assert(!os_mempool_is_sane(&pool));
		ck_assert_ptr_eq(os_memblock_get(&pool), a);
		ck_assert_ptr_null(os_memblock_get(&pool));
	}
	ck_assert(!os_mempool_is_sane(NULL));
}
END_TEST

START_TEST(a_circle_in_an_unregistered_pool_ends_too)
{
	begin();
	struct os_memblock *a = os_memblock_get(&pool), *b = SLIST_FIRST(&pool);
	os_mempool_unregister(&pool);
	SLIST_NEXT(b, mb_next) = b;
	ck_assert(!os_mempool_is_sane(&pool));
	ck_assert_int_eq(os_memblock_put(&pool, a), OS_OK);
	for (int i = 0; i < N; i++) {
		os_memblock_get(&pool);
	}
	ck_assert_ptr_null(os_memblock_get(&pool));
}
END_TEST

START_TEST(pools_are_listed_in_order_with_their_numbers)
{
	static struct os_mempool other;
	struct os_mempool_info info;
	begin();
	os_mempool_init(&other, 0, 8, NULL, "a name of more than thirty-one characters");
	os_memblock_get(&pool);
	ck_assert_ptr_eq(os_mempool_info_get_next(NULL, &info), &pool);
	ck_assert_int_eq(info.omi_block_size, SIZE);
	ck_assert_int_eq(info.omi_num_blocks, N);
	ck_assert_int_eq(info.omi_num_free, N - 1);
	ck_assert_int_eq(info.omi_min_free, N - 1);
	ck_assert_str_eq(info.omi_name, "unit");
	ck_assert_ptr_eq(os_mempool_info_get_next(&pool, &info), &other);
	ck_assert_str_eq(info.omi_name, "a name of more than thirty-one ");
	ck_assert_ptr_null(os_mempool_info_get_next(&other, &info));
}
END_TEST

START_TEST(a_pool_is_found_by_name)
{
	struct os_mempool_info info;
	begin();
	ck_assert_ptr_eq(os_mempool_get("unit", NULL), &pool);
	ck_assert_ptr_eq(os_mempool_get("unit", &info), &pool);
	ck_assert_int_eq(info.omi_num_blocks, N);
	ck_assert_ptr_null(os_mempool_get("uni", &info));
	ck_assert_ptr_null(os_mempool_get(NULL, &info));
}
END_TEST

START_TEST(a_pool_without_a_name_is_harmless)
{
	static struct os_mempool nameless;
	struct os_mempool_info info;
	ck_assert_int_eq(os_mempool_init(&nameless, 0, 8, NULL, NULL), OS_OK);
	begin();
	ck_assert_ptr_eq(os_mempool_info_get_next(NULL, &info), &nameless);
	ck_assert_str_eq(info.omi_name, "");
	ck_assert_ptr_eq(os_mempool_get("unit", NULL), &pool);
	ck_assert_ptr_null(os_mempool_get("", NULL));
}
END_TEST

START_TEST(unregister_takes_a_pool_off_the_list)
{
	static struct os_mempool a, b, c;
	os_mempool_init(&a, 0, 8, NULL, "a");
	os_mempool_init(&b, 0, 8, NULL, "b");
	os_mempool_init(&c, 0, 8, NULL, "c");
	ck_assert_int_eq(os_mempool_unregister(&b), OS_OK);
	ck_assert_int_eq(os_mempool_unregister(&b), OS_INVALID_PARM);
	ck_assert_int_eq(os_mempool_unregister(NULL), OS_INVALID_PARM);
	ck_assert_ptr_eq(os_mempool_info_get_next(&a, NULL), &c);
	ck_assert_ptr_eq(STAILQ_NEXT(&a, mp_list), &c);
	ck_assert_ptr_null(os_mempool_info_get_next(&b, NULL));
	ck_assert_ptr_null(os_mempool_get("b", NULL));
	os_mempool_module_init();
	ck_assert_ptr_null(os_mempool_info_get_next(NULL, NULL));
}
END_TEST

/* --- callbacks --------------------------------------------------------------------------- */

static struct os_mempool_ext ext;
static int n_calls;

static os_error_t pass_on(struct os_mempool_ext *mpe, void *data, void *arg)
{
	ck_assert_ptr_eq(arg, &n_calls);
	if (++n_calls == 1) {
		void *another = os_memblock_get(&mpe->mpe_mp);
		ck_assert_ptr_nonnull(another);
		ck_assert_int_eq(os_memblock_put(&mpe->mpe_mp, another), OS_OK);
	}
	return os_memblock_put_from_cb(&mpe->mpe_mp, data);
}

static os_error_t refuse(struct os_mempool_ext *mpe, void *data, void *arg)
{
	(void)mpe, (void)data, (void)arg;
	n_calls++;
	return OS_EBUSY;
}

static void begin_ext(os_mempool_put_fn *put)
{
	memset(&ext, 0xa5, sizeof ext);
	ck_assert_int_eq(os_mempool_ext_init(&ext, N, SIZE, buffer, "ext"), OS_OK);
	ck_assert_ptr_null(ext.mpe_put_cb);
	ck_assert_ptr_null(ext.mpe_put_arg);
	ck_assert_uint_eq(ext.mpe_mp.mp_flags, OS_MEMPOOL_F_EXT);
	ext.mpe_put_cb = put;
	ext.mpe_put_arg = &n_calls;
}

START_TEST(a_callback_may_get_and_put)
{
	begin_ext(pass_on);
	void *a = os_memblock_get(&ext.mpe_mp);
	ck_assert_int_eq(os_memblock_put(&ext.mpe_mp, a), OS_OK);
	ck_assert_int_eq(n_calls, 2);
	ck_assert_uint_eq(ext.mpe_mp.mp_num_free, N);
}
END_TEST

START_TEST(a_pool_with_no_callback_set_frees_at_once)
{
	begin_ext(NULL);
	ck_assert_int_eq(os_memblock_put(&ext.mpe_mp, os_memblock_get(&ext.mpe_mp)), OS_OK);
	ck_assert_uint_eq(ext.mpe_mp.mp_num_free, N);
}
END_TEST

START_TEST(a_callback_that_fails_loses_no_block)
{
	begin_ext(refuse);
	void *a = os_memblock_get(&ext.mpe_mp);
	ck_assert_int_eq(os_memblock_put(&ext.mpe_mp, a), OS_EBUSY);
	ck_assert_uint_eq(ext.mpe_mp.mp_num_free, N - 1);
	ck_assert(os_mempool_is_sane(&ext.mpe_mp));
	ext.mpe_put_cb = NULL;
	ck_assert_int_eq(os_memblock_put(&ext.mpe_mp, a), OS_OK);
	ck_assert_uint_eq(ext.mpe_mp.mp_num_free, N);
}
END_TEST

START_TEST(a_callback_sees_no_wrong_put)
{
	begin_ext(refuse);
	char *a = os_memblock_get(&ext.mpe_mp);
	ck_assert_int_eq(os_memblock_put_from_cb(&ext.mpe_mp, a), OS_OK);
	ck_assert_int_eq(os_memblock_put(&ext.mpe_mp, a), OS_EINVAL);
	ck_assert_int_eq(os_memblock_put(&ext.mpe_mp, a + 8), OS_INVALID_PARM);
	ck_assert_int_eq(n_calls, 0);
}
END_TEST

static void *kept;

static os_error_t keep(struct os_mempool_ext *mpe, void *data, void *arg)
{
	(void)mpe, (void)arg;
	n_calls++;
	kept = data;
	return OS_OK;
}

START_TEST(a_block_that_the_callback_keeps_is_not_put_again)
{
	begin_ext(keep);
	struct os_mempool *mp = &ext.mpe_mp;
	void *a = os_memblock_get(mp);
	for (int i = 1; i <= 2; i++) {
		ck_assert_int_eq(os_memblock_put(mp, a), OS_OK);
		ck_assert_int_eq(os_memblock_put(mp, a), OS_EINVAL);
		ck_assert_int_eq(os_memblock_put(mp, a), OS_EINVAL);
		ck_assert_int_eq(n_calls, i);
		ck_assert_uint_eq(mp->mp_num_free, N - 1);
		ck_assert_int_eq(os_memblock_put_from_cb(mp, kept), OS_OK);
		ck_assert_int_eq(os_memblock_put_from_cb(mp, kept), OS_EINVAL);
		ck_assert_uint_eq(mp->mp_num_free, N);
		ck_assert_ptr_eq(os_memblock_get(mp), a); /* a new owner's, who may put it */
	}
	ck_assert_int_eq(os_memblock_put(mp, a), OS_OK);
	ck_assert_int_eq(os_mempool_clear(mp), OS_OK);
	ck_assert_ptr_eq(os_memblock_get(mp), a);
	ck_assert_int_eq(os_memblock_put(mp, a), OS_OK);
}
END_TEST

static os_error_t put_again(struct os_mempool_ext *mpe, void *data, void *arg)
{
	(void)arg;
	n_calls++;
	ck_assert_int_eq(os_memblock_put(&mpe->mpe_mp, data), OS_EINVAL);
	return os_memblock_put_from_cb(&mpe->mpe_mp, data);
}

START_TEST(a_callback_that_puts_its_block_again_is_not_called_again)
{
	begin_ext(put_again);
	ck_assert_int_eq(os_memblock_put(&ext.mpe_mp, os_memblock_get(&ext.mpe_mp)), OS_OK);
	ck_assert_int_eq(n_calls, 1);
	ck_assert_uint_eq(ext.mpe_mp.mp_num_free, N);
}
END_TEST

START_TEST(ext_clear_takes_the_callback_away)
{
	begin_ext(refuse);
	os_memblock_get(&ext.mpe_mp);
	ck_assert_int_eq(os_mempool_ext_clear(&ext), OS_OK);
	ck_assert_ptr_null(ext.mpe_put_cb);
	ck_assert_ptr_null(ext.mpe_put_arg);
	ck_assert_uint_eq(ext.mpe_mp.mp_num_free, N);
	ck_assert_int_eq(os_mempool_ext_clear(NULL), OS_INVALID_PARM);
	ck_assert_int_eq(os_mempool_ext_init(NULL, N, SIZE, buffer, "x"), OS_INVALID_PARM);
}
END_TEST

/* --- options ----------------------------------------------------------------------------- */

/* Whether the act ends a child by SIGABRT. */
static bool aborts(void (*act)(void))
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		close(2);
		act();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void put_twice(void)
{
	void *a = os_memblock_get(&pool);
	os_memblock_put(&pool, a);
	os_memblock_put(&pool, a);
}

static void put_elsewhere(void)
{
	os_memblock_put(&pool, &pool);
}

static void write_while_free(void)
{
	void *a = os_memblock_get(&pool);
	os_memblock_put(&pool, a);
	((char *)a)[SIZE - 1] = 1;
	os_memblock_get(&pool);
}

static void write_past_the_end(void)
{
	char *a = os_memblock_get(&pool);
	a[SIZE] = 1;
	os_memblock_put(&pool, a);
}

static void use_well(void)
{
	void *blocks[N];
	for (int i = 0; i < N; i++) {
		blocks[i] = os_memblock_get(&pool);
		memset(blocks[i], 1, SIZE);
	}
	for (int i = 0; i < N; i++) {
		os_memblock_put(&pool, blocks[i]);
	}
	ck_assert(os_mempool_is_sane(&pool));
}

START_TEST(check_ends_the_program_at_a_wrong_put)
{
	begin();
	ck_assert(!aborts(put_twice));
	ck_assert_int_eq(os_mempool_set_options(&pool, OS_MEMPOOL_OPT_CHECK), OS_OK);
	ck_assert(aborts(put_twice));
	ck_assert(aborts(put_elsewhere));
	ck_assert(!aborts(use_well));
	use_well();
}
END_TEST

START_TEST(poison_finds_writes_to_free_blocks)
{
	begin();
	ck_assert(!aborts(write_while_free));
	ck_assert_int_eq(os_mempool_set_options(&pool, OS_MEMPOOL_OPT_POISON), OS_OK);
	ck_assert(aborts(write_while_free));
	use_well();
	block_at(3)[SIZE - 1] = 0;
	ck_assert(!os_mempool_is_sane(&pool));
}
END_TEST

static size_t write_at;
static unsigned options;

static void write_a_byte_while_free(void)
{
	ck_assert_int_eq(os_mempool_set_options(&pool, options), OS_OK);
	char *a = os_memblock_get(&pool);
	os_memblock_put(&pool, a);
	a[write_at] ^= (char)0x80;
	os_memblock_get(&pool);
}

START_TEST(poison_and_check_find_writes_to_each_byte_of_a_link)
{
	const unsigned all[] = {OS_MEMPOOL_OPT_CHECK, OS_MEMPOOL_OPT_POISON,
				OS_MEMPOOL_OPT_CHECK | OS_MEMPOOL_OPT_POISON};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		for (write_at = 0; write_at < sizeof(void *); write_at++) {
			options = all[i];
			begin();
			ck_assert(aborts(write_a_byte_while_free));
			options = 0;
			ck_assert(!aborts(write_a_byte_while_free));
		}
	}
}
END_TEST

START_TEST(guard_finds_writes_past_the_end)
{
	static os_membuf_t larger[OS_MEMPOOL_GUARD_SIZE(N, SIZE)];
	begin();
	ck_assert_int_eq(os_mempool_set_options(&pool, OS_MEMPOOL_OPT_GUARD), OS_INVALID_PARM);
	use_well();
	ck_assert_int_eq(os_mempool_init(&pool, N, SIZE, larger, "guarded"), OS_OK);
	ck_assert_int_eq(os_mempool_set_options(&pool, OS_MEMPOOL_OPT_GUARD), OS_OK);
	ck_assert(aborts(write_past_the_end));
	use_well();
	((char *)larger)[SIZE] = 1;
	ck_assert(!os_mempool_is_sane(&pool));
}
END_TEST

START_TEST(options_are_for_pools_at_rest)
{
	begin();
	void *a = os_memblock_get(&pool);
	ck_assert_int_eq(os_mempool_set_options(&pool, OS_MEMPOOL_OPT_POISON), OS_EBUSY);
	os_memblock_put(&pool, a);
	ck_assert_int_eq(os_mempool_set_options(&pool, 1), OS_INVALID_PARM);
	ck_assert_int_eq(os_mempool_set_options(NULL, 0), OS_INVALID_PARM);
	ck_assert_int_eq(os_mempool_set_options(&pool, OS_MEMPOOL_OPT_POISON), OS_OK);
	ck_assert_uint_eq(pool.mp_min_free, N - 1);
	ck_assert_int_eq(os_mempool_set_options(&pool, 0), OS_OK);
	ck_assert_uint_eq(pool.mp_flags, 0);
}
END_TEST

/* --- fork -------------------------------------------------------------------------------- */

START_TEST(a_forked_child_has_a_copy)
{
	begin();
	pthread_t thread;
	int failures = 0, status;
	pthread_create(&thread, NULL, get_and_put, &failures);
	for (int i = 0; i < 100; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			_exit(os_memblock_get(&pool) && n_pools() == 1 ? 0 : 1);
		}
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert_int_eq(status, 0);
	}
	pthread_join(thread, NULL);
	ck_assert_int_eq(failures, 0);
}
END_TEST

SUITE("os_mempool", blocks_are_linked_in_order_of_address, the_fields_lie_where_mynewt_has_them,
      the_fields_say_what_mynewt_says, a_plain_pool_has_no_flags_at_any_alignment,
      the_block_put_last_is_got_first, the_low_water_mark_stays_until_clear,
      clear_takes_all_blocks_back_in_order, put_twice_is_refused,
      put_twice_is_refused_without_registration_too, an_address_that_is_no_block_is_refused,
      from_tells_blocks_from_other_addresses, wrong_arguments_of_init_change_nothing,
      a_buffer_that_is_known_to_be_short_is_refused, a_buffer_at_the_end_of_memory_is_refused,
      a_pool_may_have_no_blocks, init_of_a_registered_pool_starts_afresh,
      a_list_that_runs_in_a_circle_is_found, a_list_that_leaves_the_pool_is_found,
      a_circle_in_an_unregistered_pool_ends_too, pools_are_listed_in_order_with_their_numbers,
      a_pool_is_found_by_name, a_pool_without_a_name_is_harmless,
      unregister_takes_a_pool_off_the_list, a_callback_may_get_and_put,
      a_pool_with_no_callback_set_frees_at_once, a_callback_that_fails_loses_no_block,
      a_callback_sees_no_wrong_put, a_block_that_the_callback_keeps_is_not_put_again,
      a_callback_that_puts_its_block_again_is_not_called_again, ext_clear_takes_the_callback_away,
      check_ends_the_program_at_a_wrong_put, poison_finds_writes_to_free_blocks,
      poison_and_check_find_writes_to_each_byte_of_a_link, guard_finds_writes_past_the_end,
      options_are_for_pools_at_rest, a_forked_child_has_a_copy)
