/* SPDX-License-Identifier: MIT */
/* Mynewt's calls on a pool of the service: one init line is other, the rest stays. */
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <os/os_mempool.h>

#include "tests/system/story.h"

#define N 20

static struct os_mempool shared;

static void begin_shared(void)
{
	begin();
	memset(&shared, 0xa5, sizeof shared);
	ck_assert_int_eq(os_mempool_open_shared(&shared, "packets", N, 200), OS_OK);
}

static void end_shared(void)
{
	ck_assert_int_eq(os_mempool_unregister(&shared), OS_OK);
	ck_assert_int_eq(mempool_destroy(conn, "packets"), 0);
	end();
}

START_TEST(the_fields_tell_of_the_pool)
{
	begin_shared();
	ck_assert_uint_eq(shared.mp_block_size, 200);
	ck_assert_uint_eq(shared.mp_num_blocks, N);
	ck_assert_uint_eq(shared.mp_num_free, N);
	ck_assert_uint_eq(shared.mp_min_free, N);
	ck_assert_uint_eq(shared.mp_flags, OS_MEMPOOL_F_SHARED);
	ck_assert_str_eq(shared.name, "packets");
	ck_assert_ptr_null(SLIST_FIRST(&shared));
	ck_assert_int_eq(os_memblock_from(&shared, (void *)shared.mp_membuf_addr), 1);
	ck_assert_int_eq(os_memblock_from(&shared, (char *)shared.mp_membuf_addr + 8), 0);
	ck_assert_int_eq(os_memblock_from(&shared, &shared), 0);
	ck_assert(os_mempool_is_sane(&shared));
	end_shared();
}
END_TEST

START_TEST(the_counts_follow_gets_and_puts)
{
	begin_shared();
	void *blocks[N];
	for (int i = 0; i < N; i++) {
		blocks[i] = os_memblock_get(&shared);
		ck_assert_ptr_nonnull(blocks[i]);
		ck_assert_uint_eq(shared.mp_num_free, N - 1 - i);
	}
	ck_assert_ptr_null(os_memblock_get(&shared));
	ck_assert_uint_eq(shared.mp_min_free, 0);
	for (int i = 0; i < N; i++) {
		ck_assert_int_eq(os_memblock_put(&shared, blocks[i]), OS_OK);
		ck_assert_uint_eq(shared.mp_num_free, i + 1);
	}
	end_shared();
}
END_TEST

START_TEST(another_process_sees_the_same_pool)
{
	begin_shared();
	struct os_mempool_info info;
	struct actor a;
	actor_start(&a);
	ck_assert_int_eq(actor_ask(&a, "open packets"), 0);
	ck_assert_int_eq(actor_ask(&a, "get %d", 5), 0);
	ck_assert_ptr_eq(os_mempool_info_get_next(NULL, &info), &shared);
	ck_assert_int_eq(info.omi_num_free, N - 5);
	ck_assert_int_eq(info.omi_min_free, N - 5);
	ck_assert_str_eq(info.omi_name, "packets");
	actor_kill(&a);
	end_shared();
}
END_TEST

static bool is_all_free(void *unused)
{
	(void)unused;
	struct os_mempool_info info;
	return os_mempool_get("packets", &info) && info.omi_num_free == N;
}

START_TEST(blocks_of_the_dead_come_back)
{
	begin_shared();
	struct actor a;
	actor_start(&a);
	ck_assert_int_eq(actor_ask(&a, "open packets"), 0);
	ck_assert_int_eq(actor_ask(&a, "get %d", N), 0);
	ck_assert_ptr_null(os_memblock_get(&shared));
	ck_assert_uint_eq(shared.mp_num_free, 0);
	actor_kill(&a);
	ck_assert(wait_until(is_all_free, NULL, HANG_MS));
	end_shared();
}
END_TEST

static bool sees_what_others_have(void *unused)
{
	(void)unused;
	void *block = os_memblock_get(&shared);
	return os_memblock_put(&shared, block) == OS_OK && shared.mp_num_free == N - 5;
}

START_TEST(own_calls_show_soon_what_others_have)
{
	begin_shared();
	struct actor a;
	actor_start(&a);
	ck_assert_int_eq(actor_ask(&a, "open packets"), 0);
	ck_assert_int_eq(actor_ask(&a, "get %d", 5), 0);
	ck_assert(wait_until(sees_what_others_have, NULL, HANG_MS));
	ck_assert_uint_eq(shared.mp_min_free, N - 6);
	actor_kill(&a);
	end_shared();
}
END_TEST

START_TEST(a_burst_of_calls_does_not_blind_the_counts)
{
	begin_shared();
	struct actor a;
	int pairs = 0;
	actor_start(&a);
	ck_assert_int_eq(actor_ask(&a, "open packets"), 0);
	for (int i = 0; i < 10000; i++) {
		ck_assert_int_eq(os_memblock_put(&shared, os_memblock_get(&shared)), OS_OK);
	}
	ck_assert_int_eq(actor_ask(&a, "get %d", 5), 0);
	sleep_ms(30);
	do {
		ck_assert_int_eq(os_memblock_put(&shared, os_memblock_get(&shared)), OS_OK);
		pairs++;
	} while (shared.mp_num_free != N - 5 && pairs < 100);
	ck_assert_int_le(pairs, 16);
	actor_kill(&a);
	end_shared();
}
END_TEST

START_TEST(wrong_puts_are_refused)
{
	begin_shared();
	char *block = os_memblock_get(&shared);
	ck_assert_int_eq(os_memblock_put(&shared, block + 8), OS_INVALID_PARM);
	ck_assert_int_eq(os_memblock_put(&shared, &shared), OS_INVALID_PARM);
	ck_assert_int_eq(os_memblock_put(&shared, block), OS_OK);
	ck_assert_int_eq(os_memblock_put(&shared, block), OS_EINVAL);
	ck_assert_uint_eq(shared.mp_num_free, N);
	end_shared();
}
END_TEST

START_TEST(clear_and_options_are_refused)
{
	begin_shared();
	void *block = os_memblock_get(&shared);
	ck_assert_int_eq(os_mempool_clear(&shared), OS_EINVAL);
	ck_assert_int_eq(os_mempool_set_options(&shared, OS_MEMPOOL_OPT_CHECK), OS_EINVAL);
	ck_assert_int_eq(os_memblock_put(&shared, block), OS_OK);
	end_shared();
}
END_TEST

START_TEST(a_pool_in_use_stays_open)
{
	begin_shared();
	void *block = os_memblock_get(&shared);
	ck_assert_int_eq(os_mempool_unregister(&shared), OS_EBUSY);
	ck_assert_ptr_eq(os_mempool_get("packets", NULL), &shared);
	ck_assert_int_eq(os_memblock_put(&shared, block), OS_OK);
	end_shared();
	ck_assert_ptr_null(os_memblock_get(&shared));
	ck_assert_int_eq(os_memblock_put(&shared, block), OS_INVALID_PARM);
	ck_assert_int_eq(os_memblock_from(&shared, block), 0);
	ck_assert(!os_mempool_is_sane(&shared));
}
END_TEST

START_TEST(module_init_empties_the_list_and_leaves_pools_open)
{
	begin_shared();
	void *block = os_memblock_get(&shared);
	os_mempool_module_init();
	ck_assert_ptr_null(os_mempool_get("packets", NULL));
	ck_assert_int_eq(os_mempool_unregister(&shared), OS_EBUSY);
	ck_assert_int_eq(os_memblock_put(&shared, block), OS_OK);
	ck_assert_ptr_nonnull(block = os_memblock_get(&shared));
	ck_assert_int_eq(os_memblock_put(&shared, block), OS_OK);
	end_shared();
	ck_assert_ptr_null(os_memblock_get(&shared));
}
END_TEST

START_TEST(a_pool_in_use_is_not_opened_anew)
{
	begin_shared();
	void *block = os_memblock_get(&shared);
	ck_assert_int_eq(os_mempool_open_shared(&shared, "packets", N, 200), OS_EBUSY);
	ck_assert_int_eq(os_mempool_open_shared(&shared, "others", N, 200), OS_EBUSY);
	ck_assert_int_eq(mempool_destroy(conn, "others"), -ENOENT);
	ck_assert_int_eq(os_memblock_put(&shared, block), OS_OK);
	ck_assert_uint_eq(shared.mp_num_free, N);
	ck_assert_int_eq(os_mempool_open_shared(&shared, "packets", N, 200), OS_OK);
	ck_assert_ptr_nonnull(block = os_memblock_get(&shared));
	ck_assert_int_eq(os_memblock_put(&shared, block), OS_OK);
	end_shared();
}
END_TEST

START_TEST(another_handle_of_the_pool_hides_no_block)
{
	begin_shared();
	struct os_mempool other;
	ck_assert_int_eq(os_mempool_open_shared(&other, "packets", N, 200), OS_OK);
	void *block = os_memblock_get(&shared);
	ck_assert_int_eq(os_mempool_unregister(&shared), OS_EBUSY);
	ck_assert_int_eq(os_memblock_put(&other, block), OS_OK);
	ck_assert_int_eq(os_mempool_unregister(&other), OS_OK);
	end_shared();
}
END_TEST

START_TEST(what_cannot_be_opened_says_why)
{
	begin_shared();
	struct os_mempool other;
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	struct mempool *large;
	attr.block_size = 16;
	attr.blocks = 65536;
	ck_assert_int_eq(mempool_create(conn, "large", &attr, &large), 0);
	ck_assert_int_eq(os_mempool_open_shared(&other, "large", 5, 16), OS_INVALID_PARM);
	ck_assert_int_eq(mempool_close(large), 0);
	ck_assert_int_eq(mempool_destroy(conn, "large"), 0);
	ck_assert_int_eq(os_mempool_open_shared(NULL, "x", 5, 16), OS_INVALID_PARM);
	ck_assert_int_eq(os_mempool_open_shared(&other, NULL, 5, 16), OS_INVALID_PARM);
	ck_assert_int_eq(os_mempool_open_shared(&other, "Wrong", 5, 16), OS_INVALID_PARM);
	ck_assert_int_eq(os_mempool_open_shared(&other, "x", 65536, 16), OS_INVALID_PARM);
	ck_assert_int_eq(os_mempool_open_shared(&other, "x", 0, 16), OS_INVALID_PARM);
	ck_assert_int_eq(os_mempool_open_shared(&other, "x", 5, 0), OS_INVALID_PARM);
	ck_assert_int_eq(os_mempool_open_shared(&other, "packets", N, 201), OS_EINVAL);
	ck_assert_int_eq(os_mempool_open_shared(&other, "packets", N + 1, 200), OS_EINVAL);
	ck_assert_int_eq(os_mempool_open_shared(&other, "packets", 1, 1), OS_OK);
	ck_assert_uint_eq(other.mp_num_blocks, N);
	ck_assert_int_eq(os_mempool_unregister(&other), OS_OK);
	end_shared();
}
END_TEST

START_TEST(without_a_daemon_it_is_not_started)
{
	setenv("MEMPOOL_SOCKET", "/nowhere/socket", 1);
	ck_assert_int_eq(os_mempool_open_shared(&shared, "x", 5, 16), OS_NOT_STARTED);
	ck_assert_ptr_null(os_mempool_info_get_next(NULL, NULL));
}
END_TEST

START_TEST(a_shared_pool_may_become_a_plain_one)
{
	begin_shared();
	static os_membuf_t buffer[OS_MEMPOOL_SIZE(2, 32)];
	void *block = os_memblock_get(&shared);
	ck_assert_int_eq(os_mempool_init(&shared, 2, 32, buffer, "plain"), OS_EBUSY);
	ck_assert_int_eq(os_memblock_put(&shared, block), OS_OK);
	ck_assert_int_eq(os_mempool_init(&shared, 2, 32, buffer, "plain"), OS_OK);
	ck_assert_ptr_eq(os_memblock_get(&shared), buffer);
	ck_assert_uint_eq(shared.mp_flags, 0);
	end_shared();
}
END_TEST

static int n_calls;

static os_error_t count(struct os_mempool_ext *mpe, void *data, void *arg)
{
	(void)arg;
	n_calls++;
	return os_memblock_put_from_cb(&mpe->mpe_mp, data);
}

START_TEST(a_callback_is_called_for_right_puts_only)
{
	begin();
	struct os_mempool_ext ext;
	ck_assert_int_eq(os_mempool_ext_open_shared(&ext, "packets", N, 200), OS_OK);
	ck_assert_ptr_null(ext.mpe_put_cb);
	ext.mpe_put_cb = count;
	char *block = os_memblock_get(&ext.mpe_mp);
	ck_assert_int_eq(os_memblock_put(&ext.mpe_mp, block + 8), OS_INVALID_PARM);
	ck_assert_int_eq(os_memblock_put(&ext.mpe_mp, block), OS_OK);
	ck_assert_int_eq(os_memblock_put(&ext.mpe_mp, block), OS_EINVAL);
	ck_assert_int_eq(n_calls, 1);
	ck_assert_int_eq(os_mempool_unregister(&ext.mpe_mp), OS_OK);
	ck_assert_int_eq(mempool_destroy(conn, "packets"), 0);
	end();
}
END_TEST

static os_error_t keep(struct os_mempool_ext *mpe, void *data, void *arg)
{
	(void)mpe, (void)data, (void)arg;
	n_calls++;
	return n_calls == 1 ? OS_EBUSY : OS_OK;
}

START_TEST(a_callback_that_keeps_its_block_sees_it_once)
{
	begin();
	struct os_mempool_ext ext;
	ck_assert_int_eq(os_mempool_ext_open_shared(&ext, "packets", N, 200), OS_OK);
	ext.mpe_put_cb = keep;
	void *block = os_memblock_get(&ext.mpe_mp);
	ck_assert_int_eq(os_memblock_put(&ext.mpe_mp, block), OS_EBUSY); /* not taken */
	ck_assert_int_eq(os_memblock_put(&ext.mpe_mp, block), OS_OK);
	ck_assert_int_eq(os_memblock_put(&ext.mpe_mp, block), OS_EINVAL);
	ck_assert_int_eq(n_calls, 2);
	ck_assert_int_eq(os_memblock_put_from_cb(&ext.mpe_mp, block), OS_OK);
	ck_assert_uint_eq(ext.mpe_mp.mp_num_free, N);
	ck_assert_ptr_eq(os_memblock_get(&ext.mpe_mp), block);
	ck_assert_int_eq(os_memblock_put(&ext.mpe_mp, block), OS_OK); /* a new owner's */
	ck_assert_int_eq(n_calls, 3);
	ck_assert_int_eq(os_memblock_put_from_cb(&ext.mpe_mp, block), OS_OK);
	ck_assert_int_eq(os_mempool_unregister(&ext.mpe_mp), OS_OK);
	ck_assert_int_eq(mempool_destroy(conn, "packets"), 0);
	end();
}
END_TEST

START_TEST(a_forked_child_opens_for_itself)
{
	begin_shared();
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		bool right = !os_memblock_get(&shared) &&
			     os_mempool_open_shared(&shared, "packets", N, 200) == OS_OK &&
			     os_memblock_get(&shared);
		_exit(right ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert(wait_until(is_all_free, NULL, HANG_MS));
	end_shared();
}
END_TEST

static void *get_and_put(void *failures)
{
	for (int i = 0; i < 5000; i++) {
		void *block = os_memblock_get(&shared);
		*(int *)failures += block && os_memblock_put(&shared, block) != OS_OK;
	}
	return NULL;
}

START_TEST(threads_may_use_it)
{
	begin_shared();
	pthread_t threads[3];
	int failures[3] = {0};
	for (int i = 0; i < 3; i++) {
		pthread_create(&threads[i], NULL, get_and_put, &failures[i]);
	}
	for (int i = 0; i < 3; i++) {
		pthread_join(threads[i], NULL);
		ck_assert_int_eq(failures[i], 0);
	}
	ck_assert(is_all_free(NULL));
	end_shared();
}
END_TEST

SUITE("os_shared", the_fields_tell_of_the_pool, the_counts_follow_gets_and_puts,
      another_process_sees_the_same_pool, own_calls_show_soon_what_others_have,
      a_burst_of_calls_does_not_blind_the_counts, blocks_of_the_dead_come_back,
      wrong_puts_are_refused, clear_and_options_are_refused, a_pool_in_use_stays_open,
      module_init_empties_the_list_and_leaves_pools_open, a_pool_in_use_is_not_opened_anew,
      another_handle_of_the_pool_hides_no_block, what_cannot_be_opened_says_why,
      without_a_daemon_it_is_not_started, a_shared_pool_may_become_a_plain_one,
      a_callback_is_called_for_right_puts_only, a_callback_that_keeps_its_block_sees_it_once,
      a_forked_child_opens_for_itself, threads_may_use_it)
