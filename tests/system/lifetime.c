/* SPDX-License-Identifier: MIT */
/* Pools come and go: create, open, close, destroy, by whom and how often. */
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "tests/system/raw.h"

/* Whether nothing is left of it: the objects of the instance are those of the other pool. */
static bool is_wide_removed(void *unused)
{
	(void)unused;
	return service_objects(&service) == 4; /* registry, control, data, liveness */
}

START_TEST(a_fresh_pool_is_as_it_was_asked_for)
{
	begin();
	ck_assert_uint_eq(mempool_block_size(pool), 100);
	ck_assert_uint_eq(mempool_stride(pool), 128);
	ck_assert_uint_eq(mempool_blocks(pool), BLOCKS);
	ck_assert_uint_eq(stats().free, BLOCKS);
	ck_assert(is_sound());
	end();
}
END_TEST

START_TEST(blocks_do_not_overlap_and_keep_what_is_written)
{
	begin();
	unsigned char *blocks[BLOCKS];
	for (size_t i = 0; i < BLOCKS; i++) {
		blocks[i] = mempool_get(pool);
		ck_assert_ptr_nonnull(blocks[i]);
		ck_assert_uint_eq((uintptr_t)blocks[i] % 64, 0);
		memset(blocks[i], (int)i, 100);
	}
	for (size_t i = 0; i < BLOCKS; i++) {
		ck_assert_uint_eq(blocks[i][0], i & 255);
		ck_assert_uint_eq(blocks[i][99], i & 255);
		ck_assert_int_eq(mempool_put(pool, blocks[i]), 0);
	}
	end();
}
END_TEST

START_TEST(a_name_is_taken_once)
{
	begin();
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	struct mempool *other;
	attr.block_size = 64;
	attr.blocks = 10;
	ck_assert_int_eq(mempool_create(conn, "frames", &attr, &other), -EEXIST);
	ck_assert_ptr_nonnull(strstr(mempool_errmsg(), "frames"));
	end();
}
END_TEST

START_TEST(opening_twice_is_one_handle)
{
	begin();
	struct mempool *again, *seen;
	ck_assert_int_eq(mempool_open(conn, "frames", 0, &again), 0);
	ck_assert_ptr_eq(again, pool);
	ck_assert_int_eq(mempool_open(conn, "frames", MEMPOOL_RDONLY, &seen), -EBUSY);
	ck_assert_int_eq(mempool_close(again), 0);
	ck_assert_ptr_nonnull(mempool_get(pool));
	end();
}
END_TEST

START_TEST(close_is_refused_while_blocks_are_held)
{
	begin();
	void *block = mempool_get(pool);
	ck_assert_int_eq(mempool_close(pool), -EBUSY);
	struct mempool_token token = mempool_give(pool, block);
	ck_assert_int_eq(mempool_close(pool), -EBUSY);
	ck_assert_ptr_eq(mempool_withdraw(pool, token), block);
	ck_assert_int_eq(mempool_put(pool, block), 0);
	ck_assert_int_eq(mempool_close(pool), 0);
	ck_assert_int_eq(mempool_open(conn, "frames", 0, &pool), 0);
	end();
}
END_TEST

static void *close_elsewhere(void *result)
{
	*(int *)result = mempool_close(pool);
	return NULL;
}

/* Its first call: there is no room yet for the sentence that goes with the failure. */
START_TEST(close_is_refused_to_a_thread_that_did_nothing_before)
{
	begin();
	pthread_t thread;
	int result = 0;
	void *block = mempool_get(pool);
	pthread_create(&thread, NULL, close_elsewhere, &result);
	pthread_join(thread, NULL);
	ck_assert_int_eq(result, -EBUSY);
	ck_assert_int_eq(mempool_put(pool, block), 0);
	end();
}
END_TEST

START_TEST(a_forced_close_gives_all_back)
{
	begin();
	struct actor a = holder(100);
	ck_assert_int_eq(actor_ask(&a, "close"), -EBUSY);
	ck_assert_int_eq(actor_ask(&a, "force"), 0);
	ck_assert(wait_until(is_alone, NULL, HANG_MS));
	ck_assert_uint_eq(obtainable(), BLOCKS);
	actor_kill(&a);
	end();
}
END_TEST

START_TEST(a_destroyed_pool_lives_as_long_as_its_users)
{
	begin();
	struct mempool *next;
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	attr.block_size = 64;
	attr.blocks = 10;
	ck_assert_int_eq(mempool_destroy(conn, "frames"), 0);
	ck_assert_uint_eq(obtainable(), BLOCKS);
	ck_assert_int_eq(mempool_destroy(conn, "frames"), -ENOENT);
	ck_assert_int_eq(mempool_create(conn, "frames", &attr, &next), 0);
	ck_assert_uint_eq(mempool_blocks(next), 10);
	ck_assert_int_eq(mempool_close(pool), 0);
	pool = next;
	end();
}
END_TEST

START_TEST(a_reader_takes_and_puts_but_cannot_write)
{
	begin();
	struct actor a;
	actor_start(&a);
	ck_assert_int_eq(actor_ask(&a, "open frames reader"), 0);
	struct mempool_token token = mempool_give(pool, mempool_get(pool));
	ck_assert_int_eq(actor_ask(&a, "take %ld", (long)token.v), 0);
	ck_assert_int_eq(actor_ask(&a, "put 1"), 0);
	ck_assert_int_eq(actor_ask(&a, "get 1"), 0);
	ck_assert_int_eq(actor_ask(&a, "write"), INT64_MIN);
	actor_kill(&a);
	ck_assert(wait_until(is_all_obtainable, NULL, HANG_MS));
	end();
}
END_TEST

START_TEST(an_observer_sees_and_touches_nothing)
{
	begin();
	struct mempool *seen;
	void *block = mempool_get(pool);
	ck_assert_int_eq(mempool_open(conn, "frames", MEMPOOL_OBSERVE, &seen), 0);
	ck_assert_ptr_null(mempool_get(seen));
	ck_assert_int_eq(errno, EACCES);
	void *same = mempool_block_at(seen, (uint32_t)mempool_block_index(pool, block));
	ck_assert_int_eq(mempool_put(seen, same), -EACCES);
	ck_assert_uint_eq(mempool_give(seen, same).v, 0);
	ck_assert_int_eq(mempool_slot(seen), -EACCES);
	struct mempool_stats s;
	ck_assert_int_eq(mempool_stat(seen, &s), 0);
	ck_assert_uint_eq(s.used, 1);
	ck_assert_uint_eq(count_clients(), 1);
	ck_assert_int_eq(mempool_close(seen), 0);
	end();
}
END_TEST

START_TEST(numbers_add_up_at_rest)
{
	begin();
	struct actor a = holder(10);
	struct mempool_token token = mempool_give(pool, mempool_get(pool));
	ck_assert_uint_ne(token.v, 0);
	struct mempool_stats s = stats();
	ck_assert_uint_eq(s.used, 10);
	ck_assert_uint_eq(s.moving, 1);
	ck_assert_uint_eq(s.used + s.cached + s.free + s.moving + s.shared + s.reclaimed, BLOCKS);
	ck_assert_uint_eq(s.gets, 11);
	actor_kill(&a);
	end();
}
END_TEST

START_TEST(clients_are_named_with_what_they_have)
{
	begin();
	struct actor a = holder(7);
	struct mempool_client c;
	struct mempool_usage usage[256];
	uint32_t cursor = 0;
	unsigned seen = 0;
	ck_assert_int_eq(mempool_census(pool, NULL, usage, 256), 0);
	while (mempool_next_client(conn, "frames", &cursor, &c) == 1) {
		if (c.pid == a.pid) {
			seen++;
			ck_assert_str_eq(c.comm, "actor");
			ck_assert_uint_eq(c.uid, getuid());
			ck_assert_uint_eq(usage[c.slot].used, 7);
			ck_assert_uint_eq(usage[c.slot].gets, 7);
		}
	}
	ck_assert_uint_eq(seen, 1);
	ck_assert_uint_eq(count_clients(), 2);
	actor_kill(&a);
	end();
}
END_TEST

START_TEST(as_many_as_allowed_and_no_more)
{
	begin();
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	struct mempool *small;
	struct actor a, b;
	attr.block_size = 64;
	attr.blocks = 10;
	attr.processes = 2;
	ck_assert_int_eq(mempool_create(conn, "small", &attr, &small), 0);
	actor_start(&a);
	actor_start(&b);
	ck_assert_int_eq(actor_ask(&a, "open small"), 0);
	ck_assert_int_eq(actor_ask(&b, "open small"), -EUSERS);
	ck_assert_int_eq(actor_ask(&a, "close"), 0);
	ck_assert_int_eq(mempool_close(small), 0);
	actor_kill(&a);
	actor_kill(&b);
	ck_assert_int_eq(mempool_destroy(conn, "small"), 0);
	end();
}
END_TEST

/* Alignment, odd sizes, one block, and a pool without caches. */
START_TEST(pools_of_all_shapes_work)
{
	static const struct {
		uint64_t size;
		uint32_t blocks, alignment, cache;
	} shapes[] = {{16, 1, 16, 0},
		      {17, 3, 8, 0},
		      {1000, 50, 4096, 0},
		      {1 << 20, 2, 64, 0},
		      {64, 5000, 64, MEMPOOL_NO_CACHE},
		      {48, 70000, 16, 16}};
	begin();
	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
		struct mempool_attr attr = MEMPOOL_ATTR_INIT;
		struct mempool *p;
		attr.block_size = shapes[i].size;
		attr.blocks = shapes[i].blocks;
		attr.alignment = shapes[i].alignment;
		attr.thread_cache = shapes[i].cache;
		ck_assert_int_eq(mempool_create(conn, "shape", &attr, &p), 0);
		uint32_t n = 0;
		for (char *b; (b = mempool_get(p)); n++) {
			ck_assert_uint_eq((uintptr_t)b % shapes[i].alignment, 0);
			b[0] = b[shapes[i].size - 1] = 1;
		}
		ck_assert_uint_eq(n, shapes[i].blocks);
		ck_assert_int_eq(mempool_close_force(p), 0);
		ck_assert_int_eq(mempool_destroy(conn, "shape"), 0);
	}
	end();
}
END_TEST

/* Removing it went by what the pool might have grown to: a core was busy for hours. */
START_TEST(removing_a_pool_costs_what_it_had_and_not_what_it_might_have_grown_to)
{
	begin();
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	struct mempool *wide;
	attr.block_size = 1 << 30;
	attr.blocks = 1;
	/* AddressSanitizer marks every address that is mapped. */
	attr.max_blocks = TEST_IS_SANITIZED ? 2 : 1 << 16;
	ck_assert_int_eq(mempool_create(conn, "wide", &attr, &wide), 0);
	ck_assert_int_eq(mempool_close(wide), 0);
	uint64_t before = daemon_ns();
	ck_assert_int_eq(mempool_destroy(conn, "wide"), 0);
	ck_assert(wait_until(is_wide_removed, NULL, HANG_MS));
	ck_assert_uint_lt(daemon_ns() - before, 3000000000u);
	attr.max_blocks = (1 << 16) + 1;
	ck_assert_int_eq(mempool_create(conn, "wide", &attr, &wide), -EINVAL);
	ck_assert_ptr_nonnull(strstr(mempool_errmsg(), "64 TiB"));
	end();
}
END_TEST

SUITE("lifetime", a_fresh_pool_is_as_it_was_asked_for,
      blocks_do_not_overlap_and_keep_what_is_written, a_name_is_taken_once,
      opening_twice_is_one_handle, close_is_refused_while_blocks_are_held,
      close_is_refused_to_a_thread_that_did_nothing_before, a_forced_close_gives_all_back,
      a_destroyed_pool_lives_as_long_as_its_users, a_reader_takes_and_puts_but_cannot_write,
      an_observer_sees_and_touches_nothing, numbers_add_up_at_rest,
      clients_are_named_with_what_they_have, as_many_as_allowed_and_no_more,
      pools_of_all_shapes_work,
      removing_a_pool_costs_what_it_had_and_not_what_it_might_have_grown_to)
