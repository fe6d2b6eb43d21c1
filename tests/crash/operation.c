/* SPDX-License-Identifier: MIT */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/crash/clock.h"
#include "tests/crash/kinds.h"
#include "tests/crash/operation.h"

/* ---- scenes ---- */

static void with_three(struct scene *s)
{
	player_get(&s->a, 3);
}

/* Both of A's magazines are full: its next put exchanges one for an empty one. */
static void with_both_full(struct scene *s)
{
	player_get(&s->a, 3 * SCENE_CAPACITY);
	player_put(&s->a, 2 * SCENE_CAPACITY);
}

/* A's magazine has less room than a bulk put needs. */
static void with_little_room(struct scene *s)
{
	player_get(&s->a, 3 * SCENE_CAPACITY);
	player_put(&s->a, SCENE_CAPACITY + 3);
}

/* The depot has a partial magazine: a flush merges A's into it. */
static void with_partial_in_depot(struct scene *s)
{
	player_get(&s->a, 3);
	member_flush(&s->a.member);
	player_get(&s->a, 5);
}

static void with_all(struct scene *s)
{
	player_get(&s->a, SCENE_BLOCKS);
}

/* @p gives its last block; the scene keeps the token. */
static void player_give_last(struct player *p)
{
	struct mp_pool *pool = &p->member.pool;

	if (p->n > 0 &&
	    mp_word_give(pool, mp_pool_index(pool, p->blocks[p->n - 1]), &p->scene->token) == 0) {
		p->n--;
	}
}

static void with_gift_of_b(struct scene *s)
{
	player_get(&s->b, 1);
	player_give_last(&s->b);
}

static void with_own_gift(struct scene *s)
{
	player_get(&s->a, 1);
	player_give_last(&s->a);
}

/* The depot is empty; B, idle, has blocks in its cache. */
static void with_idle_b(struct scene *s)
{
	player_get(&s->b, 1);
	player_put(&s->b, 1);
	player_get(&s->a, SCENE_BLOCKS - SCENE_CAPACITY);
}

/* B has stolen A's magazine, and A has not noticed yet. */
static void with_stolen_cache(struct scene *s)
{
	player_get(&s->a, SCENE_BLOCKS);
	player_put(&s->a, 2);
	player_get(&s->b, 1);
	player_put(&s->b, 1);
}

/* B has sent five blocks; A has the consumer's seat and has not received them yet. */
static void with_blocks_under_way(struct scene *s)
{
	player_get(&s->b, 5);
	player_send(&s->b, SCENE_QUEUE, 5);
	mp_channel_claim(&s->a.member.pool, player_channel(&s->a, SCENE_QUEUE));
}

/* The same, and B is about to sleep until there is room. */
static void with_a_waiting_sender(struct scene *s)
{
	with_blocks_under_way(s);
	mp_futex_prepare(&player_channel(&s->b, SCENE_QUEUE)->crowded);
}

/* A has sent five blocks, and mailed one. */
static void with_blocks_sent(struct scene *s)
{
	player_get(&s->a, 6);
	player_send(&s->a, SCENE_QUEUE, 5);
	player_give_last(&s->a);
}

/* A has more blocks than a channel can hold. */
static void with_more_than_fits(struct scene *s)
{
	player_get(&s->a, SCENE_DEPTH + 2);
}

/* B waits for a block. */
static void with_a_waiter(struct scene *s)
{
	with_both_full(s);
	mp_pressure_raise(&s->b.member.pool);
}

/* B was woken from its wait and has not got a block yet. */
static void with_a_woken_waiter(struct scene *s)
{
	mp_pressure_raise(&s->b.member.pool);
	mp_pressure_wake(&s->b.member.pool);
}

void arrange_dead_third(struct scene *s)
{
	scene_call_third(s);
	player_get(&s->third, 2 * SCENE_CAPACITY + 3);
	player_send(&s->third, SCENE_QUEUE, 2);
	player_put(&s->third, 1);
	player_give_last(&s->third);
	s->token = 0; /* nobody has the token of its gift */
}

/* A dead third is buried: what it had is there to be collected. */
static void with_buried_third(struct scene *s)
{
	arrange_dead_third(s);
	scene_bury(s, &s->third, true);
}

/* A third process died holding the lock of the depot's one shard. */
static void with_dead_locker(struct scene *s)
{
	struct mp_shard *shard = &s->a.member.pool.shards[0];

	pid_t pid = fork();
	if (pid == 0) {
		pthread_mutex_lock(&shard->lock);
		shard->full = 3; /* and left the lists in a mess */
		shard->empty = 3;
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

/* A third process is stopped while it holds the one shard's lock: the depot takes nothing. */
static void stop_with_lock(struct scene *s)
{
	int ready[2];
	char byte;

	if (pipe(ready) != 0) {
		err(99, "pipe");
	}
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pthread_mutex_lock(&s->a.member.pool.shards[0].lock);
		(void)!write(ready[1], "", 1);
		pause();
	}
	s->locker = pid;
	close(ready[1]);
	(void)!read(ready[0], &byte, 1);
	close(ready[0]);
}

/* A has one magazine and cannot give it to the depot: it can only leave it as an orphan. */
static void with_stopped_locker(struct scene *s)
{
	player_get(&s->a, 1);
	player_put(&s->a, 1);
	stop_with_lock(s);
}

/* As with_idle_b(), in a pool that has more threads than records: A has none. */
static void with_idle_b_and_no_record(struct scene *s)
{
	struct member *a = &s->a.member;
	static struct member others[4];

	with_idle_b(s);
	mp_local_finish(&a->pool, &a->local);
	for (uint32_t i = 0; i + 1 < a->pool.shape.n_caches; i++) {
		arena_thread(&s->b.member, &others[i]);
	}
	mp_local_init(&a->pool, &a->local);
}

/* The kernel refuses the player's process membarrier; its thread begins anew. */
static void player_lose_barrier(struct player *p)
{
	struct member *m = &p->member;

	mp_local_finish(&m->pool, &m->local);
	m->pool.fenced = true;
	mp_local_init(&m->pool, &m->local);
}

static void with_three_fenced(struct scene *s)
{
	player_lose_barrier(&s->a);
	player_get(&s->a, 3);
}

/* As with_idle_b(), and neither has membarrier. */
static void with_idle_b_fenced(struct scene *s)
{
	player_lose_barrier(&s->a);
	player_lose_barrier(&s->b);
	with_idle_b(s);
}

/* All that is left is in the cache of one who died inside a call: A cannot have it yet. */
static void with_unburied(struct scene *s)
{
	scene_call_busy(s);
	player_get(&s->a, SCENE_BLOCKS - SCENE_CAPACITY);
}

/* The same, and A has somewhere else to wait. */
static void with_unburied_in_a_hurry(struct scene *s)
{
	with_unburied(s);
	mp_store(&s->a.member.local.waiting, MP_WAITING_SOON);
}

/* Takes the player's cache record away and lets it find no other. */
static void player_lose_record(struct player *p)
{
	struct member *m = &p->member;

	mp_local_finish(&m->pool, &m->local);
	m->pool.shape.n_caches = 0;
	mp_local_init(&m->pool, &m->local);
}

/* A has one block and no cache, and the depot takes nothing. */
static void with_one_block(struct scene *s)
{
	player_lose_record(&s->a);
	player_get(&s->a, 1);
	stop_with_lock(s);
}

/* ---- what a player does ---- */

static void act_get(void *player)
{
	player_get(player, 1);
}

/* The one inside a call lives after all, and leaves it: what it caches can be had. */
static void leave_call(void *scene)
{
	struct scene *s = scene;

	if (s->unburied.scene) {
		mp_leave(s->unburied.member.local.cache);
	}
}

/* It searches, naps, and searches again. */
static void act_get_again(void *player)
{
	clock_hold(leave_call, ((struct player *)player)->scene);
	player_get(player, 1);
}

static void stay_in_call(void *unused)
{
	(void)unused;
	clock_pass(1);
}

/* It searches, naps, and has no patience any more. */
static void act_get_in_vain(void *player)
{
	clock_hold(stay_in_call, NULL);
	player_get(player, 1);
}

static void act_put(void *player)
{
	player_put(player, 1);
}

static void player_get_bulk(struct player *p, uint32_t n)
{
	if (member_get_bulk(&p->member, p->blocks + p->n, n) == 0) {
		p->n += n;
	}
}

static void act_get_few(void *player)
{
	player_get_bulk(player, 5);
}

static void act_get_bulk(void *player)
{
	player_get_bulk(player, SCENE_CAPACITY + 2);
}

static void player_put_bulk(struct player *p, uint32_t n)
{
	if (p->n >= n && member_put_bulk(&p->member, p->blocks + p->n - n, n) == 0) {
		p->n -= n;
	}
}

static void act_put_few(void *player)
{
	player_put_bulk(player, 3);
}

static void act_put_bulk(void *player)
{
	player_put_bulk(player, SCENE_CAPACITY);
}

/* Names one block twice, so that the engine takes the others back out of the magazine. */
static void act_put_bulk_twice(void *player)
{
	struct player *p = player;
	void *blocks[] = {p->blocks[0], p->blocks[1], p->blocks[2], p->blocks[0]};

	member_put_bulk(&p->member, blocks, 4);
}

static void act_flush(void *player)
{
	struct player *p = player;

	member_flush(&p->member);
}

static void act_thread_exit(void *player)
{
	struct player *p = player;

	mp_local_finish(&p->member.pool, &p->member.local);
}

static void act_thread_begin(void *player)
{
	struct player *p = player;
	struct member sibling;
	uint32_t index;

	arena_thread(&p->member, &sibling);
	if (member_get(&sibling, &index) == 0) {
		p->blocks[p->n++] = mp_pool_address(&p->member.pool, index);
	}
}

static void act_give(void *player)
{
	player_give_last(player);
}

static void player_take(struct player *p, bool own)
{
	int64_t index = mp_word_take(&p->member.pool, p->scene->token, own);

	if (index >= 0) {
		p->blocks[p->n++] = mp_pool_address(&p->member.pool, (uint64_t)index);
	}
}

static void act_take(void *player)
{
	player_take(player, false);
}

static void act_withdraw(void *player)
{
	player_take(player, true);
}

static void act_collect(void *player)
{
	struct member *m = &((struct player *)player)->member;

	mp_enter(m->local.cache);
	mp_collect(&m->pool, &m->local, 0);
	mp_leave(m->local.cache);
}

/* What a thread does that has no cache record, because all are taken. */
static void act_uncached(void *player)
{
	player_lose_record(player);
	player_get(player, 1);
	player_put(player, 1);
}

static void act_send(void *player)
{
	struct player *p = player;

	player_send(p, SCENE_QUEUE, p->n);
}

static void act_receive(void *player)
{
	player_receive(player, 3);
	player_receive(player, SCENE_DEPTH);
}

/* What a process does before it closes the pool. */
static void act_keep(void *player)
{
	struct player *p = player;

	mp_channel_keep_all(&p->member.pool);
}

/* What a handle that sends does to its channel, from open to close. */
static void act_come_and_go(void *player)
{
	struct player *p = player;

	mp_ends_begin(&p->member.pool, player_channel(p, SCENE_QUEUE));
	player_send(p, SCENE_QUEUE, 1);
	mp_ends_stop(&p->member.pool, player_channel(p, SCENE_QUEUE), p->slot);
}

static void act_sit(void *player)
{
	struct player *p = player;
	struct mp_channel *channel = player_channel(p, SCENE_QUEUE);

	mp_channel_leave(channel, mp_channel_claim(&p->member.pool, channel));
}

static void act_wait(void *player)
{
	struct player *p = player;

	mp_pressure_raise(&p->member.pool);
	player_get(p, 1);
	mp_pressure_calm(&p->member.pool);
}

void act_repair(void *player)
{
	player_settle(player);
	player_get(player, 1);
	act_collect(player);
	act_flush(player);
}

void act_pass(void *player)
{
	struct scene *s = ((struct player *)player)->scene;

	arena_bury(&s->arena, s->third.slot, true);
}

const struct operation operations[] = {
	{.name = "get", .arrange = with_three, .act = act_get},
	{.name = "get first", .act = act_get},
	{.name = "get of nothing", .arrange = with_all, .act = act_get},
	{.name = "get with a dead lock",
	 .arrange = with_dead_locker,
	 .act = act_get,
	 .repairs = true},
	{.name = "put", .arrange = with_three, .act = act_put},
	{.name = "put into empty", .arrange = with_both_full, .act = act_put},
	{.name = "get bulk", .arrange = with_three, .act = act_get_bulk},
	{.name = "get bulk, in hand", .arrange = with_both_full, .act = act_get_few},
	{.name = "put bulk", .arrange = with_both_full, .act = act_put_bulk},
	{.name = "put bulk, in hand", .arrange = with_three, .act = act_put_few},
	{.name = "put bulk, two magazines", .arrange = with_little_room, .act = act_put_bulk},
	{.name = "put bulk, refused", .arrange = with_three, .act = act_put_bulk_twice},
	{.name = "steal", .arrange = with_idle_b, .act = act_get},
	{.name = "steal into the depot", .arrange = with_idle_b_and_no_record, .act = act_get},
	{.name = "steal, fenced", .arrange = with_idle_b_fenced, .act = act_get},
	{.name = "get, fenced", .arrange = with_three_fenced, .act = act_get},
	{.name = "put, fenced", .arrange = with_three_fenced, .act = act_put},
	{.name = "get, all others busy",
	 .arrange = with_unburied_in_a_hurry,
	 .act = act_get,
	 .patient = true},
	{.name = "get, searched for again",
	 .arrange = with_unburied,
	 .act = act_get_again,
	 .patient = true},
	{.name = "get, searched for in vain",
	 .arrange = with_unburied,
	 .act = act_get_in_vain,
	 .patient = true},
	{.name = "get, stolen from", .arrange = with_stolen_cache, .act = act_get},
	{.name = "put, stolen from", .arrange = with_stolen_cache, .act = act_put},
	{.name = "flush", .arrange = with_little_room, .act = act_flush},
	{.name = "flush, merged", .arrange = with_partial_in_depot, .act = act_flush},
	{.name = "flush, no lock to be had",
	 .arrange = with_stopped_locker,
	 .act = act_flush,
	 .timed = true},
	{.name = "thread begin", .arrange = with_three, .act = act_thread_begin},
	{.name = "thread exit", .arrange = with_little_room, .act = act_thread_exit},
	{.name = "thread exit, no lock",
	 .arrange = with_stopped_locker,
	 .act = act_thread_exit,
	 .timed = true},
	{.name = "put, no lock to be had",
	 .arrange = with_one_block,
	 .act = act_put,
	 .timed = true},
	{.name = "give", .arrange = with_three, .act = act_give},
	{.name = "take", .arrange = with_gift_of_b, .act = act_take},
	{.name = "withdraw", .arrange = with_own_gift, .act = act_withdraw},
	{.name = "send", .arrange = with_three, .act = act_send},
	{.name = "send, full", .arrange = with_more_than_fits, .act = act_send},
	{.name = "receive", .arrange = with_blocks_under_way, .act = act_receive},
	{.name = "receive, a sender waits", .arrange = with_a_waiting_sender, .act = act_receive},
	{.name = "leave what was sent", .arrange = with_blocks_sent, .act = act_keep},
	{.name = "come to send, and go", .arrange = with_three, .act = act_come_and_go},
	{.name = "consumer's seat", .act = act_sit},
	{.name = "broadcast", .arrange = with_subscribers, .act = act_broadcast},
	{.name = "broadcast, full", .arrange = with_reliable_subscriber, .act = act_broadcast},
	{.name = "broadcast, lossy", .arrange = with_lossy_subscriber, .act = act_broadcast},
	{.name = "broadcast, all returned", .arrange = with_all_returned, .act = act_broadcast},
	{.name = "borrow", .arrange = with_blocks_to_borrow, .act = act_borrow},
	{.name = "borrow, undecided", .arrange = with_undecided, .act = act_borrow},
	{.name = "borrow, lossy", .arrange = with_blocks_to_lose, .act = act_borrow},
	{.name = "return", .arrange = with_blocks_borrowed, .act = act_return},
	{.name = "return, last", .arrange = with_last_shares, .act = act_return},
	{.name = "own", .arrange = with_last_shares, .act = act_own},
	{.name = "own, not alone", .arrange = with_blocks_borrowed, .act = act_own},
	{.name = "join", .act = act_join},
	{.name = "join, late", .arrange = with_blocks_of_the_past, .act = act_join},
	{.name = "leave", .arrange = with_blocks_pending, .act = act_leave},
	{.name = "leave, last", .arrange = with_last_blocks_pending, .act = act_leave},
	{.name = "drain", .arrange = with_undecided, .act = act_look_whether_drained},
	{.name = "drain for nobody", .arrange = with_nobody_there, .act = act_look_whether_drained},
	{.name = "work", .arrange = with_jobs, .act = act_work},
	{.name = "work, stale job", .arrange = with_stale_job, .act = act_work},
	{.name = "leave what all kinds sent", .arrange = with_all_kinds_sent, .act = act_keep},
	{.name = "leave it to nobody", .arrange = with_nobody_there, .act = act_keep},
	{.name = "pass over all kinds",
	 .arrange = with_dead_of_all_kinds,
	 .act = act_pass_over_unburied,
	 .daemon = true},
	{.name = "pass over the last one",
	 .arrange = with_dead_alone,
	 .act = act_pass_over_unburied,
	 .daemon = true},
	{.name = "wait", .arrange = with_three, .act = act_wait},
	{.name = "put, somebody waits", .arrange = with_a_waiter, .act = act_put, .patient = true},
	{.name = "get, somebody was woken",
	 .arrange = with_a_woken_waiter,
	 .act = act_get,
	 .timed = true,
	 .patient = true},
	{.name = "collect", .arrange = with_buried_third, .act = act_collect, .repairs = true},
	{.name = "get and put without cache", .arrange = with_three, .act = act_uncached},
};
const size_t n_operations = sizeof operations / sizeof *operations;

void operation_list(const struct operation *of, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		puts(of[i].name);
	}
}

/* ---- what B does ---- */

void act_drain(void *player)
{
	player_get(player, SCENE_BLOCKS);
}

static void act_get_and_flush(void *player)
{
	player_get(player, 2 * SCENE_CAPACITY + 1);
	player_put(player, SCENE_CAPACITY);
	act_flush(player);
}

void act_sit_and_receive(void *player)
{
	struct player *p = player;

	if (mp_channel_claim(&p->member.pool, player_channel(p, SCENE_QUEUE))) {
		player_receive(p, SCENE_DEPTH);
	}
}

static void act_send_one(void *player)
{
	player_send(player, SCENE_QUEUE, 1);
}

const struct operation meetings[] = {
	{.name = "get", .act = act_get},
	{.name = "put", .act = act_put},
	{.name = "get few", .act = act_get_few},
	{.name = "put few", .act = act_put_few},
	{.name = "get all", .act = act_drain},
	{.name = "get, put, flush", .act = act_get_and_flush},
	{.name = "collect", .act = act_collect},
	{.name = "take", .act = act_take},
	{.name = "withdraw", .act = act_withdraw},
	{.name = "send", .act = act_send_one},
	{.name = "receive", .act = act_sit_and_receive},
	{.name = "leave what was sent", .act = act_keep},
	{.name = "thread begin", .act = act_thread_begin},
	{.name = "broadcast", .act = act_broadcast_one},
	{.name = "broadcast for long", .act = act_broadcast_for_long},
	{.name = "borrow and return", .act = act_borrow_and_return},
	{.name = "join and leave", .act = act_join_and_leave},
	{.name = "work", .act = act_work_for_long},
	{.name = "pass over who is dead", .act = act_pass_over_unburied},
};
const size_t n_meetings = sizeof meetings / sizeof *meetings;
