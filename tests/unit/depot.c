/* SPDX-License-Identifier: MIT */
/* The depot: shards whose locks are held by the dead or the stopped, partial magazines, minimum. */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/core/cache.h"
#include "lib/core/depot.h"
#include "lib/core/futex.h"
#include "tests/support/arena.h"
#include "tests/unit/suite.h"

#define BLOCKS 400

static struct arena arena;
static struct member me, other;
static unsigned char owners[BLOCKS];

static void begin(uint32_t n_shards)
{
	arena_make(&arena,
		   (struct mp_shape){.blocks = BLOCKS, .n_caches = 4, .n_shards = n_shards});
	arena_seat(&arena, 0, &me);
	arena_seat(&arena, 1, &other);
}

/* Another process that dies with the shard's lock, having spoilt its lists. */
static void die_with_lock(uint32_t shard)
{
	pid_t pid = fork();
	if (pid == 0) {
		struct mp_shard *s = &arena.daemon.shards[shard];
		pthread_mutex_lock(&s->lock);
		s->full = s->empty = s->partial = 0;
		mp_store(&s->n_free, 12345);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

START_TEST(a_dead_owners_shard_is_rebuilt)
{
	begin(1);
	die_with_lock(0);
	ck_assert_uint_eq(member_drain(&me, owners, 1), BLOCKS);
	ck_assert_uint_eq(mp_load(&arena.daemon.header->repairs), 1);
	ck_assert_ptr_null(arena_audit(&arena));
}
END_TEST

START_TEST(shards_are_tried_in_turn)
{
	begin(4);
	for (uint32_t s = 0; s < 4; s++) {
		die_with_lock(s);
	}
	ck_assert_uint_eq(member_drain(&me, owners, 1), BLOCKS);
	ck_assert_ptr_null(arena_audit(&arena));
}
END_TEST

/* A thread of this process holds the lock and does not go on, as if it were stopped. */
START_TEST(a_stopped_owner_costs_its_shard_and_no_more)
{
	begin(2);
	uint32_t index;
	pthread_mutex_lock(&arena.daemon.shards[0].lock);
	size_t n = member_drain(&me, owners, 1);
	ck_assert_uint_gt(n, 0);
	ck_assert_uint_lt(n, BLOCKS);
	ck_assert_int_eq(member_get(&me, &index), -EAGAIN);
	pthread_mutex_unlock(&arena.daemon.shards[0].lock);
	ck_assert_uint_eq(n + member_drain(&me, owners, 1), BLOCKS);
}
END_TEST

#define TRIES 100 /* on a busy machine many a one is late; what waits for too long always is */

/* With @n_caches, of which the other has the first. */
static void expect_short_waits(uint32_t n_caches)
{
	struct timespec end;
	uint32_t index;
	bool late = true;

	arena_make(&arena,
		   (struct mp_shape){.blocks = BLOCKS, .n_caches = n_caches, .n_shards = 1});
	arena_seat(&arena, 1, &other);
	arena_seat(&arena, 0, &me);
	pthread_mutex_lock(&arena.daemon.shards[0].lock);
	mp_store(&me.local.waiting, MP_WAITING_SOON);
	for (int i = 0; late && i < TRIES; i++) {
		mp_deadline(&end, 15);
		ck_assert_int_eq(member_get(&me, &index), -EAGAIN);
		late = mp_is_late(&end);
	}
	mp_store(&me.local.waiting, MP_NOT_WAITING);
	pthread_mutex_unlock(&arena.daemon.shards[0].lock);
	ck_assert(!late);
	arena_free(&arena);
}

START_TEST(a_get_that_waits_elsewhere_hardly_waits_for_a_lock)
{
	expect_short_waits(2);
	expect_short_waits(1);
}
END_TEST

/* One wait for many blocks, not one for each: they come to 400 ms. */
START_TEST(a_bulk_put_does_not_wait_for_a_lock_block_by_block)
{
	static void *blocks[BLOCKS];
	struct timespec end;
	bool late = true;

	begin(1);
	for (int i = 0; late && i < TRIES; i++) {
		ck_assert_int_eq(member_get_bulk(&me, blocks, BLOCKS), 0);
		pthread_mutex_lock(&arena.daemon.shards[0].lock);
		mp_deadline(&end, BLOCKS / 2);
		ck_assert_int_eq(mp_put_each(&me.pool, &me.local, blocks, BLOCKS), 0);
		late = mp_is_late(&end);
		pthread_mutex_unlock(&arena.daemon.shards[0].lock);
	}
	ck_assert(!late);
	ck_assert_uint_eq(member_drain(&me, owners, 1), BLOCKS);
	ck_assert_ptr_null(arena_audit(&arena));
}
END_TEST

START_TEST(put_never_fails_for_want_of_a_lock)
{
	begin(1);
	ck_assert_uint_eq(member_drain(&me, owners, 1), BLOCKS);
	pthread_mutex_lock(&arena.daemon.shards[0].lock);
	for (uint32_t i = 0; i < BLOCKS; i++) {
		ck_assert_int_eq(member_put(&me, i), 0);
	}
	pthread_mutex_unlock(&arena.daemon.shards[0].lock);
	ck_assert(mp_collect_pending(&me.pool));
	memset(owners, 0, sizeof owners);
	ck_assert_uint_eq(member_drain(&me, owners, 1), BLOCKS);
	ck_assert_ptr_null(arena_audit(&arena));
}
END_TEST

START_TEST(get_finds_loose_blocks_even_without_a_lock)
{
	begin(1);
	uint32_t index;
	ck_assert_uint_eq(member_drain(&me, owners, 1), BLOCKS);
	pthread_mutex_lock(&arena.daemon.shards[0].lock);
	for (uint32_t i = 0; i < BLOCKS; i++) {
		ck_assert_int_eq(member_put(&me, i), 0);
	}
	for (int i = 0; i < 5; i++) {
		ck_assert_int_eq(member_get(&other, &index), 0);
	}
	pthread_mutex_unlock(&arena.daemon.shards[0].lock);
}
END_TEST

START_TEST(flush_without_a_lock_orphans_and_loses_nothing)
{
	begin(1);
	uint32_t index;
	ck_assert_int_eq(member_get(&me, &index), 0);
	ck_assert_int_eq(member_put(&me, index), 0);
	pthread_mutex_lock(&arena.daemon.shards[0].lock);
	member_flush(&me);
	pthread_mutex_unlock(&arena.daemon.shards[0].lock);
	ck_assert_uint_eq(member_drain(&other, owners, 1), BLOCKS);
	ck_assert_ptr_null(arena_audit(&arena));
}
END_TEST

static uint32_t count_list(uint32_t head)
{
	uint32_t n = 0;
	for (; head != MP_NONE; head = mp_magazine(&arena.daemon, head)->next) {
		n++;
	}
	return n;
}

/* Many threads come and go, each leaving a magazine begun. */
START_TEST(partial_magazines_are_merged)
{
	begin(1);
	uint32_t index;
	for (int i = 0; i < 40; i++) {
		struct member m;
		arena_thread(&me, &m);
		ck_assert_int_eq(member_get(&m, &index), 0);
		mp_local_finish(&m.pool, &m.local);
	}
	ck_assert_uint_le(count_list(arena.daemon.shards[0].partial), 1);
	ck_assert_ptr_null(arena_audit(&arena));
}
END_TEST

START_TEST(the_lowest_fill_is_remembered)
{
	begin(1);
	ck_assert_uint_eq(mp_load(&arena.daemon.header->min_free), BLOCKS);
	member_drain(&me, owners, 1);
	ck_assert_uint_eq(mp_load(&arena.daemon.header->min_free), 0);
}
END_TEST

/* Links that lead in circles or nowhere, as only a hostile or wild writer leaves them. */
START_TEST(spoilt_lists_end)
{
	begin(1);
	struct mp_shard *s = &arena.daemon.shards[0];
	mp_store(&mp_magazine(&arena.daemon, s->full)->holder, 0);
	mp_magazine(&arena.daemon, s->full)->next = s->full;
	s->partial = 0xfffffff0;
	uint32_t index;
	/* The shard still counts blocks that its lists do not have. */
	int error = member_get(&me, &index);
	ck_assert(error == 0 || error == -ENOMEM || error == -EAGAIN);
}
END_TEST

SUITE("depot", a_dead_owners_shard_is_rebuilt, shards_are_tried_in_turn,
      a_stopped_owner_costs_its_shard_and_no_more,
      a_get_that_waits_elsewhere_hardly_waits_for_a_lock,
      a_bulk_put_does_not_wait_for_a_lock_block_by_block, put_never_fails_for_want_of_a_lock,
      get_finds_loose_blocks_even_without_a_lock, flush_without_a_lock_orphans_and_loses_nothing,
      partial_magazines_are_merged, the_lowest_fill_is_remembered, spoilt_lists_end)
