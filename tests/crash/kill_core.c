/* SPDX-License-Identifier: MIT */
/*
 * Kills a process at instructions of every operation of the engine, lets the daemon's pass and a
 * survivor recover, and counts all blocks. The ledger is the survivor's: it gets everything that
 * can be got, notes each block it gets outside the pool, and none may be missing or come twice.
 *
 *	kill_core              every instruction of the short operations, samples of the long ones
 *	kill_core --all        every instruction of all
 *	kill_core --only NAME  one operation
 *
 * Prints for each operation how many instructions it has and at how many of them it was killed.
 */
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/crash/step.h"
#include "tests/support/arena.h"

#define BLOCKS 64
#define CAPACITY 8
#define DEPTH 8    /* of a channel */
#define POINTS 200 /* of an operation, unless --all */
#define TAIL 150   /* its last instructions, all of them: there it lets go of things */

enum { VICTIM, SURVIVOR, THIRD };

/* What an operation works on; made afresh for each kill. */
struct scene {
	struct arena arena;
	struct member victim, survivor;
	void *blocks[BLOCKS];
	uint32_t n;     /* blocks of the victim, before the operation */
	uint64_t token; /* of a gift */
	pid_t locker;   /* a process that holds the lock of the one shard, and is stopped */
};

struct operation {
	const char *name;
	void (*arrange)(struct scene *scene);
	void (*act)(void *scene);
	bool timed; /* waits for a lock: never twice as many instructions */
};

/* ---- scenes ---- */

static void get_some(struct scene *s, uint32_t n)
{
	uint32_t index;

	while (s->n < n && member_get(&s->victim, &index) == 0) {
		s->blocks[s->n++] = mp_pool_address(&s->victim.pool, index);
	}
}

static void put_some(struct scene *s, uint32_t n)
{
	while (n-- > 0) {
		const void *block = s->blocks[--s->n];
		member_put(&s->victim, (uint32_t)mp_pool_index(&s->victim.pool, block));
	}
}

static void nothing(struct scene *s)
{
	(void)s;
}

static void with_loaded(struct scene *s)
{
	get_some(s, 3);
}

/* Both magazines full: the next put changes one for an empty one. */
static void with_both_full(struct scene *s)
{
	get_some(s, 3 * CAPACITY);
	put_some(s, 2 * CAPACITY);
}

/* A magazine with less room than a bulk needs. */
static void with_little_room(struct scene *s)
{
	get_some(s, 3 * CAPACITY);
	put_some(s, CAPACITY + 3);
}

/* The depot has a partial magazine already: the one that comes is merged into it. */
static void with_partial_in_depot(struct scene *s)
{
	get_some(s, 3);
	member_flush(&s->victim);
	get_some(s, 5);
}

static void with_all(struct scene *s)
{
	get_some(s, BLOCKS);
}

static void with_gift_of_survivor(struct scene *s)
{
	uint32_t index;

	member_get(&s->survivor, &index);
	mp_word_give(&s->survivor.pool, index, &s->token);
}

static void with_own_gift(struct scene *s)
{
	get_some(s, 1);
	mp_word_give(&s->victim.pool, mp_pool_index(&s->victim.pool, s->blocks[0]), &s->token);
	s->n = 0;
}

/* The depot is empty; the survivor, idle, has blocks in its cache. */
static void with_idle_survivor(struct scene *s)
{
	uint32_t index;

	member_get(&s->survivor, &index);
	member_put(&s->survivor, index);
	get_some(s, BLOCKS - CAPACITY);
}

/* The survivor has stolen the victim's magazine, which the victim does not know yet. */
static void with_stolen_cache(struct scene *s)
{
	uint32_t index;

	get_some(s, BLOCKS);
	put_some(s, 2);
	member_get(&s->survivor, &index);
	member_put(&s->survivor, index);
}

static struct mp_channel *channel_of(const struct scene *s)
{
	return mp_pool_channel(&s->arena.daemon, 0);
}

/* Five blocks of the survivor's are under way to the victim, who has the seat. */
static void with_blocks_under_way(struct scene *s)
{
	void *blocks[5];
	int error;

	member_get_bulk(&s->survivor, blocks, 5);
	mp_channel_send(&s->survivor.pool, channel_of(s), blocks, 5, &error);
	mp_channel_claim(&s->victim.pool, channel_of(s));
}

/* More than a channel can hold. */
static void with_more_than_fits(struct scene *s)
{
	get_some(s, DEPTH + 2);
}

/* The survivor waits for a block. */
static void with_a_waiter(struct scene *s)
{
	with_both_full(s);
	mp_pressure_raise(&s->survivor.pool);
}

/* The survivor was woken and has not come. */
static void with_a_woken_waiter(struct scene *s)
{
	mp_pressure_raise(&s->survivor.pool);
	mp_pressure_wake(&s->survivor.pool);
}

/* A third process died with blocks in hand and magazines half used: there is much to collect. */
static void with_dead_third(struct scene *s)
{
	struct member third;
	uint32_t index;

	arena_seat(&s->arena, THIRD, &third);
	for (int i = 0; i < 2 * CAPACITY + 3; i++) {
		member_get(&third, &index);
	}
	member_put(&third, index);
	arena_bury(&s->arena, THIRD, true);
}

/* A third process died holding the lock of the depot's one shard. */
static void with_dead_locker(struct scene *s)
{
	pid_t pid = fork();
	if (pid == 0) {
		pthread_mutex_lock(&s->victim.pool.shards[0].lock);
		s->victim.pool.shards[0].full = 3; /* and left the lists in a mess */
		s->victim.pool.shards[0].empty = 3;
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

/* A third process is stopped with the lock of the one shard: nothing can go to the depot. */
static void stop_with_lock(struct scene *s)
{
	int ready[2];
	char byte;

	if (pipe(ready) != 0) {
		err(99, "pipe");
	}
	s->locker = fork();
	if (s->locker == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pthread_mutex_lock(&s->victim.pool.shards[0].lock);
		(void)!write(ready[1], "", 1);
		pause();
	}
	close(ready[1]);
	(void)!read(ready[0], &byte, 1);
	close(ready[0]);
}

/* The victim has one magazine and nothing else: dead, it leaves only what it has left before. */
static void with_stopped_locker(struct scene *s)
{
	get_some(s, 1);
	put_some(s, 1);
	stop_with_lock(s);
}

/* The victim has one block and nothing else, not even a cache. */
static void with_one_block(struct scene *s)
{
	struct member *m = &s->victim;

	mp_local_finish(&m->pool, &m->local);
	m->pool.shape.n_caches = 0;
	mp_local_init(&m->pool, &m->local);
	get_some(s, 1);
	stop_with_lock(s);
}

/* ---- operations ---- */

static void act_get(void *data)
{
	struct scene *s = data;
	uint32_t index;

	member_get(&s->victim, &index);
}

static void act_put(void *data)
{
	struct scene *s = data;

	member_put(&s->victim, (uint32_t)mp_pool_index(&s->victim.pool, s->blocks[0]));
}

static void act_get_bulk(void *data)
{
	struct scene *s = data;

	member_get_bulk(&s->victim, s->blocks, CAPACITY + 2);
}

static void act_put_bulk(void *data)
{
	struct scene *s = data;

	member_put_bulk(&s->victim, s->blocks, CAPACITY);
}

static void act_get_few(void *data)
{
	struct scene *s = data;

	member_get_bulk(&s->victim, s->blocks + s->n, 5);
}

static void act_put_few(void *data)
{
	struct scene *s = data;

	member_put_bulk(&s->victim, s->blocks, 3);
}

/* The last is named twice: the others are taken back out of the magazine. */
static void act_put_bulk_twice(void *data)
{
	struct scene *s = data;
	void *blocks[] = {s->blocks[0], s->blocks[1], s->blocks[2], s->blocks[0]};

	member_put_bulk(&s->victim, blocks, 4);
}

static void act_flush(void *data)
{
	struct scene *s = data;

	member_flush(&s->victim);
}

static void act_thread_exit(void *data)
{
	struct scene *s = data;

	mp_local_finish(&s->victim.pool, &s->victim.local);
}

static void act_thread_begin(void *data)
{
	struct scene *s = data;
	struct member sibling;
	uint32_t index;

	arena_thread(&s->victim, &sibling);
	member_get(&sibling, &index);
}

static void act_give(void *data)
{
	struct scene *s = data;
	uint64_t index = mp_pool_index(&s->victim.pool, s->blocks[0]);

	mp_word_give(&s->victim.pool, index, &s->token);
}

static void act_take(void *data)
{
	struct scene *s = data;

	mp_word_take(&s->victim.pool, s->token, false);
}

static void act_withdraw(void *data)
{
	struct scene *s = data;

	mp_word_take(&s->victim.pool, s->token, true);
}

static void act_collect(void *data)
{
	struct scene *s = data;

	mp_enter(s->victim.local.cache);
	mp_collect(&s->victim.pool, &s->victim.local, 0);
	mp_leave(s->victim.local.cache);
}

/* A thread that has no record, as all are taken. */
static void act_uncached(void *data)
{
	struct scene *s = data;
	struct member *m = &s->victim;
	uint32_t index;

	mp_local_finish(&m->pool, &m->local);
	m->pool.shape.n_caches = 0;
	mp_local_init(&m->pool, &m->local);
	member_get(m, &index);
	member_put(m, index);
}

static void act_send(void *data)
{
	struct scene *s = data;
	int error;

	mp_channel_send(&s->victim.pool, channel_of(s), s->blocks, s->n, &error);
}

static void act_receive(void *data)
{
	struct scene *s = data;
	void *blocks[DEPTH];
	int error;

	mp_channel_receive(&s->victim.pool, channel_of(s), blocks, 3, &error);
	mp_channel_receive(&s->victim.pool, channel_of(s), blocks, DEPTH, &error);
}

static void act_sit(void *data)
{
	struct scene *s = data;

	mp_channel_leave(channel_of(s), mp_channel_claim(&s->victim.pool, channel_of(s)));
}

static void act_wait(void *data)
{
	struct scene *s = data;
	uint32_t index;

	mp_pressure_raise(&s->victim.pool);
	member_get(&s->victim, &index);
	mp_pressure_calm(&s->victim.pool);
}

static const struct operation operations[] = {
	{"get", with_loaded, act_get, false},
	{"get first", nothing, act_get, false},
	{"get of nothing", with_all, act_get, false},
	{"get with a dead lock", with_dead_locker, act_get, false},
	{"put", with_loaded, act_put, false},
	{"put into empty", with_both_full, act_put, false},
	{"get bulk", with_loaded, act_get_bulk, false},
	{"get bulk, in hand", with_both_full, act_get_few, false},
	{"put bulk", with_both_full, act_put_bulk, false},
	{"put bulk, in hand", with_loaded, act_put_few, false},
	{"put bulk, two magazines", with_little_room, act_put_bulk, false},
	{"put bulk, refused", with_loaded, act_put_bulk_twice, false},
	{"steal", with_idle_survivor, act_get, false},
	{"get, stolen from", with_stolen_cache, act_get, false},
	{"put, stolen from", with_stolen_cache, act_put, false},
	{"flush", with_little_room, act_flush, false},
	{"flush, merged", with_partial_in_depot, act_flush, false},
	{"thread exit", with_little_room, act_thread_exit, false},
	{"thread begin", with_loaded, act_thread_begin, false},
	{"flush, no lock to be had", with_stopped_locker, act_flush, true},
	{"thread exit, no lock", with_stopped_locker, act_thread_exit, true},
	{"put, no lock to be had", with_one_block, act_put, true},
	{"give", with_loaded, act_give, false},
	{"take", with_gift_of_survivor, act_take, false},
	{"withdraw", with_own_gift, act_withdraw, false},
	{"send", with_loaded, act_send, false},
	{"send, full", with_more_than_fits, act_send, false},
	{"receive", with_blocks_under_way, act_receive, false},
	{"consumer's seat", nothing, act_sit, false},
	{"wait", with_loaded, act_wait, false},
	{"put, somebody waits", with_a_waiter, act_put, false},
	{"get, somebody was woken", with_a_woken_waiter, act_get, true},
	{"collect", with_dead_third, act_collect, false},
	{"get and put without cache", with_loaded, act_uncached, false},
};

/* ---- the kill ---- */

static void scene_make(struct scene *s, const struct operation *op)
{
	struct mp_shape wish = {.blocks = BLOCKS,
				.capacity = CAPACITY,
				.n_caches = 4,
				.n_slots = 4,
				.depth = DEPTH};

	*s = (struct scene){0};
	arena_make(&s->arena, wish);
	arena_seat(&s->arena, SURVIVOR, &s->survivor);
	arena_seat(&s->arena, VICTIM, &s->victim);
	op->arrange(s);
}

/* Runs the operation in a child, to be killed at @k. Returns whether it was. */
static bool run(struct scene *s, const struct operation *op, unsigned long k, unsigned long *had)
{
	int status, pipe_fds[2];

	if (pipe(pipe_fds) != 0) {
		err(99, "pipe");
	}
	pid_t pid = fork();
	if (pid == 0) {
		unsigned long n = step(op->act, s, k);
		(void)!write(pipe_fds[1], &n, sizeof n);
		_exit(0);
	}
	close(pipe_fds[1]);
	if (read(pipe_fds[0], had, sizeof *had) != sizeof *had) {
		*had = 0;
	}
	close(pipe_fds[0]);
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

/* Within the grace of what the victim has sent. SIZE_MAX: a block came that the survivor has. */
static size_t receive_all(struct scene *s, unsigned char *owners)
{
	void *blocks[DEPTH];
	size_t n = 0;
	int error;

	if (!mp_channel_claim(&s->survivor.pool, channel_of(s))) {
		errx(1, "the consumer's seat is lost");
	}
	uint32_t got = mp_channel_receive(&s->survivor.pool, channel_of(s), blocks, DEPTH, &error);
	for (uint32_t i = 0; i < got; i++) {
		uint64_t index = mp_pool_index(&s->survivor.pool, blocks[i]);
		if (owners[index]) {
			return SIZE_MAX;
		}
		owners[index] = 1;
		n++;
	}
	return n;
}

/* What the survivor finds. NULL: every block, once. */
static const char *recover(struct scene *s)
{
	static char text[128];
	unsigned char owners[BLOCKS] = {0};

	if (s->locker) {
		kill(s->locker, SIGKILL);
		waitpid(s->locker, NULL, 0);
	}
	/* With a gift of the survivor untaken, the survivor has it back. */
	int64_t own = s->token ? mp_word_take(&s->survivor.pool, s->token, true) : -1;
	if (own >= 0) {
		owners[own] = 1;
	}
	arena_bury(&s->arena, VICTIM, false);
	size_t received = receive_all(s, owners);
	arena_bury(&s->arena, VICTIM, true);
	size_t n = received > BLOCKS ? received : member_drain(&s->survivor, owners, 1);
	if (n == SIZE_MAX) {
		return "a block was handed out twice";
	}
	n += received + (own >= 0);
	if (n != BLOCKS) {
		snprintf(text, sizeof text, "%zu of %d blocks", n, BLOCKS);
		return text;
	}
	return arena_audit(&s->arena);
}

static const char *kill_at(const struct operation *op, unsigned long k, unsigned long *kills)
{
	struct scene s;
	unsigned long had;

	scene_make(&s, op);
	bool killed = run(&s, op, k, &had);
	*kills += killed;
	/* 2 s for the survivor, who must not hang. */
	alarm(2);
	const char *fault = killed || op->timed ? recover(&s) : "was not killed";
	alarm(0);
	arena_free(&s.arena);
	return fault;
}

static unsigned long count_instructions(const struct operation *op)
{
	struct scene s;
	unsigned long had = 0;

	scene_make(&s, op);
	run(&s, op, 0, &had);
	recover(&s);
	arena_free(&s.arena);
	return had;
}

/* Every instruction, or about POINTS of them, spread by an odd stride, and the TAIL. */
static unsigned long test(const struct operation *op, bool all, unsigned long *faults)
{
	unsigned long had = count_instructions(op) + (op->timed ? TAIL : 0), points = 0;
	unsigned long stride = all || had <= POINTS ? 1 : had / POINTS | 1;

	if (had == 0) {
		errx(1, "%s: no instruction was counted", op->name);
	}
	for (unsigned long k = 1; k <= had;) {
		const char *fault = kill_at(op, k, &points);
		if (fault && ++*faults <= 10) {
			fprintf(stderr, "%s: killed at instruction %lu of %lu: %s\n", op->name, k,
				had, fault);
		}
		k += had - k > 2 * TAIL ? stride : 1;
	}
	printf("  %-28s %6lu instructions, killed at %6lu, %lu faults\n", op->name, had, points,
	       *faults);
	fflush(stdout);
	return points;
}

static void on_alarm(int signal)
{
	static const char text[] = "a survivor hung for 2 s\n";

	(void)signal;
	(void)!write(2, text, sizeof text - 1);
	_exit(1);
}

int main(int argc, char **argv)
{
	bool all = false;
	const char *only = NULL;
	unsigned long points = 0, faults = 0;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--all")) {
			all = true;
		} else if (!strcmp(argv[i], "--only") && i + 1 < argc) {
			only = argv[++i];
		} else {
			errx(2, "usage: kill_core [--all] [--only OPERATION]");
		}
	}
	if (!step_possible()) {
		puts("this machine cannot be stepped by the trap flag");
		return 77;
	}
	signal(SIGALRM, on_alarm);
	for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
		unsigned long faults_here = 0;
		if (!only || !strcmp(only, operations[i].name)) {
			points += test(&operations[i], all, &faults_here);
			faults += faults_here;
		}
	}
	printf("%lu kills, %lu faults\n", points, faults);
	return faults ? 1 : points ? 0 : 2;
}
