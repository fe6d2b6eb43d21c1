/* SPDX-License-Identifier: MIT */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <mempool/mempool.h>

#include "tests/crash/soaker.h"
#include "tests/support/service.h"

#define HELD 100 /* blocks a worker has at most */
#define BULK 32
#define LOANS 8 /* blocks a worker has borrowed at most */
#define MS 1000000ull
#define CONNECT_MS HANG_MS

#define load(p) __atomic_load_n((p), __ATOMIC_SEQ_CST)
#define store(p, v) __atomic_store_n((p), (v), __ATOMIC_SEQ_CST)
#define add(p, v) __atomic_add_fetch((p), (v), __ATOMIC_SEQ_CST)
#define swap(p, v) __atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST)

const char *const deed_names[DEEDS] = {
	"get",     "put",     "bulk",  "give",       "take",      "flush",  "wait",
	"send",    "receive", "job",   "work",       "broadcast", "listen", "threads",
	"cancels", "reopens", "forks", "closefroms", "execs",
};

static struct soak_ledger *ledger;
static const char *ledger_path;
static uint32_t me, my_seat;
static struct mempool_conn *conn;
static struct mempool *pool;
static void *blocks[HELD + BULK];
static size_t n;
static unsigned seed;

struct soak_ledger *soak_ledger(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, sizeof(struct soak_ledger)) != 0) {
		err(99, "%s", path);
	}
	void *p = mmap(NULL, sizeof(struct soak_ledger), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (p == MAP_FAILED) {
		err(99, "%s", path);
	}
	return p;
}

static unsigned soaker_pick(unsigned below)
{
	return (unsigned)rand_r(&seed) % below;
}

/* ---- the ledger ---- */

static void soaker_keep(void *block)
{
	uint32_t was = swap(&ledger->owner[mempool_block_index(pool, block)], me + 1);

	if (was && !load(&ledger->worker[was - 1].doomed)) {
		add(&ledger->duplicated, 1);
	}
	blocks[n++] = block;
}

/* Strikes the last @many blocks out of the ledger; the caller is about to let them go. */
static void **soaker_let_go(size_t many)
{
	n -= many;
	for (size_t i = 0; i < many; i++) {
		store(&ledger->owner[mempool_block_index(pool, blocks[n + i])], 0);
	}
	return blocks + n;
}

static void soaker_must(bool good)
{
	if (!good) {
		add(&ledger->refused, 1);
	}
}

/* Notes when a deed begins, so that the director sees a call that does not return. */
static void soaker_begin(uint64_t extra_ms)
{
	store(&ledger->worker[me].extra, extra_ms * MS);
	store(&ledger->worker[me].began, (uint64_t)now_ns());
}

static void soaker_end(enum deed deed)
{
	uint64_t began = swap(&ledger->worker[me].began, 0), extra = ledger->worker[me].extra;
	uint64_t took = (uint64_t)now_ns() - began;

	took = took > extra ? took - extra : 0;
	if (took > load(&ledger->worst_ns)) {
		store(&ledger->worst_ns, took);
	}
	add(&ledger->done[deed], 1);
}

/* ---- deeds ---- */

static void do_get(void)
{
	void *block = n < HELD ? mempool_get(pool) : NULL;

	if (block) {
		soaker_keep(block);
	}
}

static void do_put(void)
{
	if (n > 0) {
		soaker_must(mempool_put(pool, *soaker_let_go(1)) == 0);
	}
}

static void do_bulk(void)
{
	void *some[BULK];
	size_t many = 1 + soaker_pick(BULK);

	if (n < HELD && soaker_pick(2) && mempool_get_bulk(pool, some, many) == 0) {
		for (size_t i = 0; i < many; i++) {
			soaker_keep(some[i]);
		}
	} else if (n >= many) {
		soaker_must(mempool_put_bulk(pool, soaker_let_go(many), many) == 0);
	}
}

static void soaker_take(uint64_t token)
{
	void *block = token ? mempool_take(pool, (struct mempool_token){token}) : NULL;

	if (block) {
		soaker_keep(block);
	}
}

/* Puts a token into a place of the mail, and takes the gift whose token is there already. */
static void do_give(void)
{
	if (n > 0) {
		struct mempool_token token = mempool_give(pool, *soaker_let_go(1));
		soaker_must(token.v != 0);
		soaker_take(swap(&ledger->mail[soaker_pick(SOAK_MAIL)], token.v));
	}
}

static void do_take(void)
{
	if (n < HELD) {
		soaker_take(swap(&ledger->mail[soaker_pick(SOAK_MAIL)], 0));
	}
}

static void do_flush(void)
{
	soaker_must(mempool_flush(pool) == 0);
}

static void do_wait(void)
{
	void *block = n < HELD ? mempool_get_wait(pool, 5) : NULL;

	if (block) {
		soaker_keep(block);
	}
}

/* Whether it is sent. */
static bool soaker_send(struct mempool_channel *channel)
{
	void *block = *soaker_let_go(1);

	if (mempool_channel_send(channel, block, 2) == 0) {
		return true;
	}
	soaker_keep(block);
	return false;
}

static void do_send(void)
{
	struct mempool_channel *channel;

	if (n > 0 && mempool_channel_open(pool, soaker_pick(SOAK_QUEUES), 0, &channel) == 0) {
		soaker_send(channel);
		mempool_channel_close(channel);
	}
}

static void do_receive(void)
{
	struct mempool_channel *channel;
	void *block;

	if (mempool_channel_open(pool, soaker_pick(SOAK_QUEUES), MEMPOOL_CHANNEL_RECEIVE,
				 &channel) == 0) {
		while (n < HELD && (block = mempool_channel_receive(channel, 2))) {
			soaker_keep(block);
		}
		mempool_channel_close(channel);
	}
}

/* ---- work and broadcasts ---- */

/* What is written into a block that is sent. */
struct message {
	uint32_t from, number;
	uint32_t done; /* of a job */
};

/* Sends the last block, with the next number, by a channel of that kind. */
static void soaker_say(uint32_t number, unsigned kind)
{
	static uint32_t said[SOAK_CHANNELS];
	struct mempool_channel *channel;

	if (n > 0 && mempool_channel_open(pool, number, kind, &channel) == 0) {
		*(struct message *)blocks[n - 1] = (struct message){me, said[number] + 1, 0};
		said[number] += soaker_send(channel);
		mempool_channel_close(channel);
	}
}

static void do_job(void)
{
	soaker_say(SOAK_WORK, MEMPOOL_CHANNEL_WORK);
}

static void do_work(void)
{
	struct mempool_channel *channel;
	struct message *job;

	if (mempool_channel_open(pool, SOAK_WORK, MEMPOOL_CHANNEL_RECEIVE | MEMPOOL_CHANNEL_WORK,
				 &channel) != 0) {
		return;
	}
	for (int i = 0; i < 4 && n < HELD && (job = mempool_channel_receive(channel, 2)); i++) {
		soaker_keep(job);
		if (swap(&job->done, 1)) {
			add(&ledger->twice, 1);
		}
	}
	mempool_channel_close(channel);
}

static void do_broadcast(void)
{
	soaker_say(SOAK_BROADCAST, MEMPOOL_CHANNEL_BROADCAST);
}

/* A subscriber, which stays so for many deeds. */
static struct {
	struct mempool_channel *channel; /* NULL: there is none */
	bool lossy;
	size_t n;
	const void *borrowed[LOANS];
	uint64_t gaps;
	uint32_t heard[SOAK_WORKERS]; /* the last number of each */
} ear;

static void soaker_hear(const struct message *m)
{
	uint32_t *last = &ear.heard[m->from % SOAK_WORKERS];

	if (*last != 0 && m->number <= *last) {
		add(&ledger->missed, 1);
	} else if (*last != 0) {
		ear.gaps += m->number - *last - 1;
	}
	*last = m->number;
}

/* What was lost, the subscriber says; without that nothing may be missing. */
static void soaker_compare_gaps(void)
{
	struct mempool_channel_stats stats = {.size = sizeof stats};

	if (ear.gaps > 0) {
		soaker_must(mempool_channel_stat(ear.channel, &stats) == 0);
		if (!ear.lossy || ear.gaps > stats.lost) {
			add(&ledger->missed, 1);
			ear.gaps = 0;
		}
	}
}

/* Returns all but the first @many; or owns what nobody else has. */
static void soaker_return(size_t many)
{
	while (ear.n > many) {
		const void *block = ear.borrowed[--ear.n];
		void *own = n < HELD && soaker_pick(4) == 0
				    ? mempool_channel_own(ear.channel, block)
				    : NULL;
		if (own) {
			soaker_keep(own);
		} else {
			soaker_must(mempool_channel_return(ear.channel, block) == 0);
		}
	}
}

static void soaker_subscribe(void)
{
	unsigned flags = MEMPOOL_CHANNEL_RECEIVE | MEMPOOL_CHANNEL_BROADCAST;

	memset(&ear, 0, sizeof ear);
	ear.lossy = soaker_pick(2);
	flags |= ear.lossy ? MEMPOOL_CHANNEL_LOSSY : 0;
	if (mempool_channel_open(pool, SOAK_BROADCAST, flags, &ear.channel) != 0) {
		ear.channel = NULL; /* the dead have all seats */
	}
}

static void soaker_unsubscribe(void)
{
	if (ear.channel) {
		soaker_return(0);
		soaker_must(mempool_channel_close(ear.channel) == 0);
		ear.channel = NULL;
	}
}

static void do_listen(void)
{
	if (!ear.channel) {
		soaker_subscribe();
	}
	if (!ear.channel) {
		return;
	}
	soaker_return(soaker_pick(4));
	ssize_t got =
		mempool_channel_borrow_bulk(ear.channel, ear.borrowed + ear.n, LOANS - ear.n, 2);
	for (ssize_t i = 0; i < got; i++) {
		soaker_hear(ear.borrowed[ear.n++]);
	}
	soaker_compare_gaps();
	if (soaker_pick(50) == 0) {
		soaker_unsubscribe();
	}
}

/* ---- threads and processes ---- */

/* A thread that ends with blocks in its cache; or is cancelled in a call. */
static void *soaker_be_thread(void *forever)
{
	do {
		void *block = mempool_get(pool);
		if (block) {
			mempool_put(pool, block);
		}
		pthread_testcancel();
	} while (forever);
	return NULL;
}

static void soaker_run_thread(bool cancel)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, soaker_be_thread, cancel ? &me : NULL) == 0) {
		if (cancel) {
			pthread_cancel(thread);
		}
		pthread_join(thread, NULL);
	}
}

static void do_thread(void)
{
	soaker_run_thread(false);
}

static void do_cancel(void)
{
	soaker_run_thread(true);
}

static void soaker_attach(void)
{
	for (int64_t end_ms = now_ms() + CONNECT_MS; now_ms() < end_ms; sleep_ms(1)) {
		if (!conn && mempool_connect(&conn, ledger->socket) != 0) {
			conn = NULL;
		} else if (mempool_open(conn, SOAK_POOL, 0, &pool) == 0) {
			return;
		}
	}
	errx(98, "worker %u: %s", me, mempool_errmsg());
}

/* Closes by force, with blocks in hand, cached and given, and opens again. */
static void do_reopen(void)
{
	soaker_let_go(n);
	ear.channel = NULL;
	if (mempool_close_force(pool) == 0) {
		soaker_attach();
	} else {
		soaker_must(false);
	}
}

static void do_fork(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		bool good = !mempool_get(pool) && errno == ECHILD;
		add(&ledger->wrong, !good);
		sleep_ms(soaker_pick(30)); /* the child may outlive its parent */
		_exit(0);
	}
}

static void do_closefrom(void)
{
	closefrom(3);
}

static void do_exec(void)
{
	char id[20], seat[20];

	snprintf(id, sizeof id, "%u", add(&ledger->next_id, 1) - 1);
	snprintf(seat, sizeof seat, "%u", my_seat);
	add(&ledger->done[DEED_EXEC], 1);
	store(&ledger->worker[me].doomed, 1);
	execl("/proc/self/exe", "soak", "--worker", ledger_path, id, seat, (char *)NULL);
	err(98, "exec");
}

static const struct {
	void (*act)(void);
	unsigned weight;
	unsigned extra_ms; /* how long the deed itself may wait */
} deeds[DEEDS] = {
	[DEED_GET] = {do_get, 4000, 0},
	[DEED_PUT] = {do_put, 3700, 0},
	[DEED_BULK] = {do_bulk, 1500, 0},
	[DEED_GIVE] = {do_give, 400, 0},
	[DEED_TAKE] = {do_take, 400, 0},
	[DEED_FLUSH] = {do_flush, 40, 0},
	[DEED_WAIT] = {do_wait, 100, 5},
	[DEED_SEND] = {do_send, 60, 2},
	[DEED_RECEIVE] = {do_receive, 20, HELD * 2},
	[DEED_JOB] = {do_job, 80, 2},
	[DEED_WORK] = {do_work, 30, 8},
	[DEED_BROADCAST] = {do_broadcast, 200, 2},
	[DEED_LISTEN] = {do_listen, 100, 2},
	[DEED_THREAD] = {do_thread, 10, 0},
	[DEED_CANCEL] = {do_cancel, 5, 0},
	[DEED_REOPEN] = {do_reopen, 2, CONNECT_MS},
	[DEED_FORK] = {do_fork, 2, 0},
	[DEED_CLOSEFROM] = {do_closefrom, 1, 0},
	[DEED_EXEC] = {do_exec, 1, CONNECT_MS},
};

static enum deed soaker_choose(void)
{
	unsigned total = 0;

	for (int d = 0; d < DEEDS; d++) {
		total += deeds[d].weight;
	}
	unsigned r = soaker_pick(total);
	for (int d = 0; d < DEEDS; d++) {
		if (r < deeds[d].weight) {
			return (enum deed)d;
		}
		r -= deeds[d].weight;
	}
	return DEED_GET;
}

/* Withdraws all own gifts: who had their tokens may have been killed before it took them. */
static void soaker_withdraw_gifts(void)
{
	struct mempool_token tokens[HELD];
	void *back[HELD];
	ssize_t all, had = 1;

	while (had > 0 && (all = mempool_gifts(pool, tokens, HELD)) > 0) {
		size_t many = all < HELD ? (size_t)all : HELD;
		had = mempool_withdraw_bulk(pool, tokens, back, many);
		for (size_t i = 0; i < many; i++) {
			soaker_must(!back[i] || mempool_put(pool, back[i]) == 0);
		}
	}
}

/* Puts everything back, and waits until the pause is over. */
static void soaker_park(void)
{
	soaker_unsubscribe();
	while (n > 0) {
		do_put();
	}
	soaker_withdraw_gifts();
	mempool_flush(pool);
	store(&ledger->worker[me].parked, 1);
	while (load(&ledger->pause)) {
		sleep_ms(1);
	}
	store(&ledger->worker[me].parked, 0);
}

_Noreturn void soaker_run(const char *path, uint32_t id, uint32_t seat)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGCHLD, SIG_IGN);
	ledger_path = path;
	ledger = soak_ledger(path);
	me = id;
	my_seat = seat;
	store(&ledger->at[seat], id);
	seed = ledger->seed + id * 7919;
	soaker_attach();
	for (;;) {
		enum deed deed = soaker_choose();
		soaker_begin(deeds[deed].extra_ms);
		deeds[deed].act();
		soaker_end(deed);
		if (load(&ledger->pause)) {
			soaker_park();
		}
	}
}
