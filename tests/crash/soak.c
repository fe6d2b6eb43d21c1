/* SPDX-License-Identifier: MIT */
/*
 * Everything at once, for a given time. Workers use a pool and channels of all kinds in every way,
 * exec, fork, close all descriptors and end threads. The director kills workers, stops them and
 * lets them go on, aborts them with a core dump, makes the pool grow, and kills the daemon.
 *
 *	soak [--seconds N] [--seed N]
 *
 * Every two seconds all workers put what they have; then the director must get every block once,
 * and the pool must be sound. A call hangs when it has not returned five seconds after its own
 * deadline; while a worker is stopped its time does not count. The seed decides what happens, but
 * not when.
 */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mempool/admin.h>

#include "tests/crash/soaker.h"
#include "tests/support/service.h"

#define MS 1000000ll
#define HUNG_MS 5000
#define ROUND_MS 2000
#define START_MS HANG_MS
#define GRACE_MS 100

#define load(p) __atomic_load_n((p), __ATOMIC_SEQ_CST)
#define store(p, v) __atomic_store_n((p), (v), __ATOMIC_SEQ_CST)

struct worker {
	pid_t pid;
	bool stopped;
	int64_t since; /* ns; a call's time counts from here on: before, it stood still */
};

static struct service service;
static struct mempool_conn *conn;
static struct mempool *pool;
static struct soak_ledger *ledger;
static char ledger_path[120];
static struct worker workers[SOAK_SEATS];
static unsigned seed;
static struct {
	unsigned kills, stops, aborts, daemons, rounds;
	unsigned long lost, hung, unsound, crashed;
} count;

static unsigned soak_pick(unsigned below)
{
	return (unsigned)rand_r(&seed) % below;
}

/* ---- workers ---- */

static void soak_start(unsigned seat)
{
	struct worker *w = &workers[seat];
	char id[20], at[20];
	uint32_t n = __atomic_fetch_add(&ledger->next_id, 1, __ATOMIC_SEQ_CST);

	if (n >= SOAK_WORKERS - SOAK_SEATS) {
		errx(99, "a soak has %d workers", SOAK_WORKERS);
	}
	snprintf(id, sizeof id, "%u", n);
	snprintf(at, sizeof at, "%u", seat);
	store(&ledger->at[seat], n);
	*w = (struct worker){.pid = fork(), .since = now_ns()};
	if (w->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)!chdir(service.dir); /* for core dumps */
		execl("/proc/self/exe", "soak", "--worker", ledger_path, id, at, (char *)NULL);
		_exit(99);
	}
}

/* Ends a worker by @signal. */
static void soak_end(unsigned seat, int signal)
{
	struct worker *w = &workers[seat];
	int status;

	store(&ledger->worker[load(&ledger->at[seat])].doomed, 1);
	kill(w->pid, signal);
	if (w->stopped) {
		kill(w->pid, SIGCONT);
	}
	waitpid(w->pid, &status, 0);
	/* It may have exec'd meanwhile, and so have another number. */
	store(&ledger->worker[load(&ledger->at[seat])].doomed, 1);
}

static void soak_replace(unsigned seat, int signal)
{
	soak_end(seat, signal);
	soak_start(seat);
}

static void soak_resume(unsigned seat)
{
	workers[seat].stopped = false;
	workers[seat].since = now_ns();
	kill(workers[seat].pid, SIGCONT);
}

/* Notices a worker that hangs, and one that died by itself. */
static void soak_look_after(unsigned seat)
{
	struct worker *w = &workers[seat];
	uint32_t id = load(&ledger->at[seat]);
	int64_t began = (int64_t)load(&ledger->worker[id].began), now = now_ns();
	int status;

	if (waitpid(w->pid, &status, WNOHANG) == w->pid) {
		count.crashed++;
		fprintf(stderr, "worker %u ended by itself: status %#x\n", id, status);
		store(&ledger->worker[id].doomed, 1);
		soak_start(seat);
		return;
	}
	if (w->stopped || began == 0) {
		return;
	}
	began = began > w->since ? began : w->since;
	if (now - began > (int64_t)load(&ledger->worker[id].extra) + HUNG_MS * MS) {
		count.hung++;
		fprintf(stderr, "worker %u hangs\n", id);
		soak_replace(seat, SIGKILL);
	}
}

/* Sleeps. If that took much too long, the machine stood still for the workers too. */
static void soak_take_a_breath(long ms)
{
	int64_t before = now_ms();

	sleep_ms(ms);
	bool starved = now_ms() - before > ms + HUNG_MS / 4;
	for (unsigned i = 0; i < SOAK_SEATS; i++) {
		if (starved) {
			workers[i].since = now_ns();
		}
		soak_look_after(i);
	}
}

/* ---- what the director does ---- */

static void soak_kill_daemon(void)
{
	service_kill(&service);
	soak_take_a_breath(soak_pick(30));
	if (soak_pick(2)) {
		count.kills++;
		soak_replace(soak_pick(SOAK_SEATS), SIGKILL);
	}
	service_restart(&service);
	count.daemons++;
}

static void soak_act(void)
{
	unsigned what = soak_pick(100), seat = soak_pick(SOAK_SEATS);
	struct worker *w = &workers[seat];

	if (w->stopped) {
		if (what < 60) {
			soak_resume(seat);
		} else {
			count.kills++;
			soak_replace(seat, SIGKILL);
		}
	} else if (what < 55) {
		count.kills++;
		soak_replace(seat, SIGKILL);
	} else if (what < 60) {
		for (unsigned i = 0; i < SOAK_SEATS; i++) {
			count.kills++;
			soak_replace(i, SIGKILL);
		}
	} else if (what < 90) {
		kill(w->pid, SIGSTOP);
		w->stopped = true;
		count.stops++;
	} else if (what < 94) {
		count.aborts++;
		soak_replace(seat, soak_pick(2) ? SIGABRT : SIGSEGV);
	} else if (what < 97) {
		soak_kill_daemon();
	} else {
		mempool_grow(conn, SOAK_POOL, mempool_blocks(pool) + 100);
	}
}

/* ---- counting ---- */

static bool soak_is_parked(unsigned seat)
{
	return load(&ledger->worker[load(&ledger->at[seat])].parked);
}

/* Waits until all workers have put what they had. One that has not is starting, or hangs. */
static void soak_stop_work(void)
{
	int64_t end_ms = now_ms() + START_MS;
	unsigned n = 0;

	store(&ledger->pause, 1);
	for (unsigned i = 0; i < SOAK_SEATS; i++) {
		if (workers[i].stopped) {
			soak_resume(i);
		}
	}
	while (n < SOAK_SEATS && now_ms() < end_ms) {
		soak_take_a_breath(1);
		for (n = 0; n < SOAK_SEATS && soak_is_parked(n); n++) {
		}
	}
	if (n < SOAK_SEATS) {
		count.hung++;
		fprintf(stderr, "worker %u does not come to rest\n", load(&ledger->at[n]));
	}
}

/* Takes the gifts and blocks that are under way. Returns how many. */
static size_t soak_take_mail(void **blocks)
{
	struct mempool_channel *channel;
	size_t n = 0;

	for (int i = 0; i < SOAK_MAIL; i++) {
		uint64_t token = __atomic_exchange_n(&ledger->mail[i], 0, __ATOMIC_SEQ_CST);
		void *block = token ? mempool_take(pool, (struct mempool_token){token}) : NULL;
		if (block) {
			blocks[n++] = block;
		}
	}
	for (unsigned i = 0; i <= SOAK_WORK; i++) {
		unsigned kind = i == SOAK_WORK ? MEMPOOL_CHANNEL_WORK : 0;
		if (mempool_channel_open(pool, i, MEMPOOL_CHANNEL_RECEIVE | kind, &channel) == 0) {
			while (n < SOAK_MOST && (blocks[n] = mempool_channel_receive(channel, 0))) {
				n++;
			}
			mempool_channel_close(channel);
		}
	}
	return n;
}

/* Says where the blocks are that the director did not get. */
static void soak_tell_lost(const bool *seen, size_t born)
{
	static const char *const states[] = {"none",   "free",      "cached", "used",
					     "moving", "reclaimed", "shared"};
	struct mempool_block block;

	for (uint32_t i = 0, told = 0; i < born && told < 5; i++) {
		if (!seen[i] && mempool_block(pool, i, &block) == 0) {
			fprintf(stderr, "round %u: block %u did not come: %s, slot %u\n",
				count.rounds, i, states[block.state], block.slot);
			told++;
		}
	}
}

static void soak_count_blocks(void)
{
	static void *blocks[SOAK_MOST + 1];
	static bool seen[SOAK_MOST];
	struct mempool_report report;
	size_t n = soak_take_mail(blocks), born = mempool_blocks(pool);
	int64_t end_ms = now_ms() + HANG_MS;

	memset(seen, 0, sizeof seen);
	while (n <= born && now_ms() < end_ms) {
		if ((blocks[n] = mempool_get(pool))) {
			n++;
		} else if (n == born) {
			break;
		}
	}
	count.lost += n < born ? born - n : 0;
	for (size_t i = 0; i < n; i++) {
		bool *s = &seen[mempool_block_index(pool, blocks[i])];
		__atomic_add_fetch(&ledger->duplicated, *s, __ATOMIC_SEQ_CST);
		*s = true;
	}
	soak_tell_lost(seen, born);
	if (mempool_check(pool, &report) != 0) {
		count.unsound++;
		fprintf(stderr, "round %u: %s\n", count.rounds, report.first);
	}
	if (mempool_put_bulk(pool, blocks, n) != 0 || mempool_flush(pool) != 0) {
		count.unsound++;
	}
}

static void soak_end_round(void)
{
	soak_stop_work();
	soak_count_blocks();
	store(&ledger->pause, 0);
	for (unsigned i = 0; i < SOAK_SEATS; i++) {
		workers[i].since = now_ns();
	}
	count.rounds++;
}

/* ---- the whole ---- */

static void soak_make_pool(void)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;

	attr.block_size = 64;
	attr.blocks = SOAK_BLOCKS;
	attr.max_blocks = SOAK_MOST;
	attr.channels = SOAK_CHANNELS;
	attr.gift_grace_ms = GRACE_MS;
	conn = service_connect();
	if (mempool_create(conn, SOAK_POOL, &attr, &pool) != 0) {
		errx(99, "%s", mempool_errmsg());
	}
}

static void soak_prepare(unsigned first)
{
	struct rlimit cores;

	if (getrlimit(RLIMIT_CORE, &cores) == 0) {
		cores.rlim_cur = cores.rlim_max;
		setrlimit(RLIMIT_CORE, &cores);
	}
	service_start(&service);
	snprintf(ledger_path, sizeof ledger_path, "%s/ledger", service.dir);
	ledger = soak_ledger(ledger_path);
	ledger->seed = first;
	snprintf(ledger->socket, sizeof ledger->socket, "%s", service.socket);
	soak_make_pool();
	for (unsigned i = 0; i < SOAK_SEATS; i++) {
		soak_start(i);
	}
}

static int soak_report(unsigned first, long seconds)
{
	uint64_t operations = 0;

	printf("seed %u, %ld s, %u rounds, pool grown to %u\n", first, seconds, count.rounds,
	       mempool_blocks(pool));
	for (int i = 0; i < DEEDS; i++) {
		operations += ledger->done[i];
		printf("%s%lu %s", i ? ", " : "  ", (unsigned long)ledger->done[i], deed_names[i]);
	}
	printf("\n  %u kills, %u stops, %u core dumps, %u daemons killed, %lu operations\n",
	       count.kills, count.stops, count.aborts, count.daemons, (unsigned long)operations);
	printf("  %lu lost, %lu duplicated, %lu hung, %lu unsound, %lu refused, %lu crashed, "
	       "%lu forks not refused, %lu jobs done twice, %lu broadcasts missed; "
	       "worst stall %.1f ms\n",
	       count.lost, (unsigned long)ledger->duplicated, count.hung, count.unsound,
	       (unsigned long)ledger->refused, count.crashed, (unsigned long)ledger->wrong,
	       (unsigned long)ledger->twice, (unsigned long)ledger->missed,
	       (double)ledger->worst_ns / 1e6);
	return count.lost || ledger->duplicated || count.hung || count.unsound || ledger->refused ||
	       count.crashed || ledger->wrong || ledger->twice || ledger->missed ||
	       count.kills == 0;
}

static int soak_run(long seconds, unsigned first)
{
	seed = first;
	printf("seed %u\n", first);
	fflush(stdout);
	soak_prepare(first);
	for (int64_t begun = now_ms(); now_ms() - begun < seconds * 1000;) {
		for (int64_t end_ms = now_ms() + ROUND_MS; now_ms() < end_ms;) {
			soak_take_a_breath(soak_pick(20));
			soak_act();
		}
		soak_end_round();
		if (isatty(1)) {
			printf("\r%3ld s, %u kills ", (long)(now_ms() - begun) / 1000, count.kills);
			fflush(stdout);
		}
	}
	int failed = soak_report(first, seconds);
	for (unsigned i = 0; i < SOAK_SEATS; i++) {
		soak_end(i, SIGKILL);
	}
	mempool_close_force(pool);
	mempool_destroy(conn, SOAK_POOL);
	mempool_disconnect(conn);
	unsigned left = service_stop(&service);
	if (left) {
		printf("%u objects were left in /dev/shm\n", left);
	}
	return failed || left;
}

int main(int argc, char **argv)
{
	unsigned first = (unsigned)now_ns();
	long seconds = 15;

	if (argc == 5 && !strcmp(argv[1], "--worker")) {
		soaker_run(argv[2], (uint32_t)strtoul(argv[3], NULL, 10),
			   (uint32_t)strtoul(argv[4], NULL, 10));
	}
	for (int i = 1; i < argc; i += 2) {
		if (i + 1 < argc && !strcmp(argv[i], "--seconds") && atol(argv[i + 1]) > 0) {
			seconds = atol(argv[i + 1]);
		} else if (i + 1 < argc && !strcmp(argv[i], "--seed")) {
			first = (unsigned)strtoul(argv[i + 1], NULL, 10);
		} else {
			errx(2, "usage: soak [--seconds N] [--seed N]");
		}
	}
	return soak_run(seconds, first);
}
