/* SPDX-License-Identifier: MIT */
/* Stealing from idle threads: no free block is out of reach, and none is handed out twice. */
#include <string.h>

#include "tests/support/arena.h"
#include "tests/unit/suite.h"

#define BLOCKS 400
#define MEMBERS 60
#define RECORDS 64

static struct arena arena;
static struct member me, idle;
static unsigned char owners[BLOCKS];

/* One block of @member's, and a begun magazine in its cache. */
static uint32_t begin_caching(struct member *member)
{
	uint32_t index;
	ck_assert_int_eq(member_get(member, &index), 0);
	return index;
}

static void begin(void)
{
	arena_make(&arena, (struct mp_shape){.blocks = BLOCKS, .n_caches = RECORDS});
	arena_seat(&arena, 0, &me);
	arena_seat(&arena, 1, &idle);
	owners[begin_caching(&idle)] = 2;
}

START_TEST(every_free_block_is_had_from_sixty_idle_threads)
{
	begin();
	static struct member others[MEMBERS];
	size_t held = 1;
	for (int i = 0; i < MEMBERS; i++) {
		uint32_t index;
		arena_thread(&idle, &others[i]);
		if (member_get(&others[i], &index) == 0) {
			owners[index] = 3;
			held++;
		}
	}
	ck_assert_uint_eq(member_drain(&me, owners, 1), BLOCKS - held);
	ck_assert_ptr_null(arena_audit(&arena));
}
END_TEST

START_TEST(who_was_stolen_from_goes_on)
{
	begin();
	size_t mine = member_drain(&me, owners, 1);
	ck_assert_uint_eq(mine, BLOCKS - 1);
	uint32_t index;
	ck_assert_int_eq(member_get(&idle, &index), -ENOMEM);
	for (uint32_t i = 0; i < BLOCKS; i++) {
		ck_assert_int_eq(member_put(owners[i] == 1 ? &me : &idle, i), 0);
	}
	memset(owners, 0, sizeof owners);
	ck_assert_uint_eq(member_drain(&idle, owners, 2), BLOCKS);
	ck_assert_ptr_null(arena_audit(&arena));
}
END_TEST

START_TEST(a_thread_inside_a_call_is_not_stolen_from)
{
	uint32_t index;

	begin();
	uint32_t cached = mp_load(&idle.local.loaded.magazine->count);
	ck_assert(mp_enter(idle.local.cache));
	ck_assert_uint_eq(member_drain(&me, owners, 1), BLOCKS - 1 - cached);
	ck_assert_int_eq(member_get(&me, &index), -EAGAIN);
	mp_leave(idle.local.cache);
	ck_assert_uint_eq(member_drain(&me, owners, 1), cached);
}
END_TEST

/* Makes the member's process one whose sandbox refuses membarrier; its thread begins anew. */
static void refuse_barrier(struct member *member)
{
	mp_local_finish(&member->pool, &member->local);
	member->pool.fenced = true;
	mp_local_init(&member->pool, &member->local);
	owners[begin_caching(member)] = 2;
}

START_TEST(a_process_without_membarrier_is_stolen_from)
{
	begin();
	refuse_barrier(&idle);
	ck_assert_uint_eq(member_drain(&me, owners, 1), BLOCKS - 2);
}
END_TEST

static bool daemon_is_there;
static int asked;

static bool ask_daemon(const struct mp_pool *pool)
{
	(void)pool;
	asked++;
	return daemon_is_there && mp_barrier();
}

/* It needs one for threads that do not fence. Without, a block may be free, it says. */
START_TEST(a_process_without_membarrier_asks_the_daemon_for_one)
{
	static struct member other;
	uint32_t index;

	begin();
	arena_seat(&arena, 2, &other);
	refuse_barrier(&other);
	refuse_barrier(&me);
	uint32_t cached = mp_load(&idle.local.loaded.magazine->count);
	ck_assert_uint_gt(cached, 0);
	ck_assert_uint_eq(member_drain(&me, owners, 1), BLOCKS - 3 - cached);
	ck_assert_int_eq(member_get(&me, &index), -EAGAIN);
	me.pool.ask_barrier = ask_daemon;
	ck_assert_int_eq(member_get(&me, &index), -EAGAIN);
	ck_assert_int_gt(asked, 0);
	daemon_is_there = true;
	ck_assert_uint_eq(member_drain(&me, owners, 1), cached);
	ck_assert_int_eq(member_get(&me, &index), -ENOMEM);
}
END_TEST

/* A member whose thread finds all records taken. */
static void begin_without_record(struct member *member)
{
	static struct member others[RECORDS];

	for (int i = 0; i < RECORDS; i++) {
		arena_thread(&idle, &others[i]);
	}
	arena_thread(&me, member);
	ck_assert_uint_eq(member->local.record, MP_NONE);
}

START_TEST(a_thread_without_a_record_steals_too)
{
	static struct member bare;

	begin();
	begin_without_record(&bare);
	ck_assert_uint_eq(member_drain(&bare, owners, 3), BLOCKS - 1);
	ck_assert_ptr_null(arena_audit(&arena));
}
END_TEST

/* Another thief without a record, in the same process, has announced itself since. */
START_TEST(thieves_without_a_record_have_names_of_their_own)
{
	static struct member bare;
	struct mp_cache *victim;

	begin();
	begin_without_record(&bare);
	victim = idle.local.cache;
	member_drain(&bare, owners, 3);
	uint64_t name = mp_load(&victim->steal);
	ck_assert_uint_eq(name >> 32, mp_thread_number());
	ck_assert_uint_eq(name & 0x7fffffff, bare.pool.slot); /* the number may be another's, too */
	for (uint32_t r = 0; r < arena.daemon.shape.n_caches; r++) {
		ck_assert_uint_ne((uint32_t)name, r + 1);
	}
}
END_TEST

/* A thief announced itself, looked, and was slow: its CAS comes after the owner's next call. */
START_TEST(a_slow_thief_gets_nothing)
{
	begin();
	struct mp_magazine *m = idle.local.loaded.magazine;
	uint64_t seen = mp_load(&m->holder);
	uint32_t index;
	mp_store(&idle.local.cache->steal, 77);
	ck_assert_int_eq(member_get(&idle, &index), 0);
	ck_assert_uint_eq(mp_load(&idle.local.cache->steal), 0);
	ck_assert(
		!mp_cas(&m->holder, seen, mp_holder_after(seen, MP_HOLDER_CACHE, me.local.record)));
	ck_assert_ptr_eq(idle.local.loaded.magazine, m);
}
END_TEST

START_TEST(bulk_calls_and_flush_settle_too)
{
	for (int call = 0; call < 3; call++) {
		begin();
		memset(owners, 0, sizeof owners);
		void *blocks[4] = {0};
		ck_assert_int_eq(member_get_bulk(&idle, blocks, 4), 0);
		ck_assert_uint_eq(member_drain(&me, owners, 1), BLOCKS - 5);
		ck_assert_uint_ne(mp_load(&idle.local.cache->steal), 0);
		int result = call == 0   ? member_get_bulk(&idle, blocks, 1)
			     : call == 1 ? member_put_bulk(&idle, blocks, 4)
					 : (member_flush(&idle), 0);
		ck_assert_int_eq(result, call == 0 ? -ENOMEM : 0);
		ck_assert_uint_eq(mp_load(&idle.local.cache->steal), 0);
		ck_assert_ptr_null(arena_audit(&arena));
		arena_free(&arena);
	}
}
END_TEST

SUITE("steal", every_free_block_is_had_from_sixty_idle_threads, who_was_stolen_from_goes_on,
      a_thread_inside_a_call_is_not_stolen_from, a_process_without_membarrier_is_stolen_from,
      a_process_without_membarrier_asks_the_daemon_for_one, a_thread_without_a_record_steals_too,
      thieves_without_a_record_have_names_of_their_own, a_slow_thief_gets_nothing,
      bulk_calls_and_flush_settle_too)
