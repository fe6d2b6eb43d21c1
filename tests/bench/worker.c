/* SPDX-License-Identifier: MIT */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/core/atomic.h"
#include "tests/bench/worker.h"

#define WARM_NS 3000000u
#define MEET_NS 2000000000u /* how long to wait for the other */

const uint32_t bench_sizes[BENCH_SIZES] = {64, 256, 2048};
const uint32_t bench_bulks[BENCH_BULKS] = {1, 8, 32};

struct worker {
	const struct peer *peer;
	int line;
	unsigned seat;
	unsigned cpu;
	bool prepared;
	mp_atomic32 *arrived; /* shared by the two */
	void *pools[BENCH_SIZES];
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Waits until both have arrived for the round-th time. */
static bool meet(mp_atomic32 *arrived, uint32_t round)
{
	uint64_t deadline = now_ns() + MEET_NS;

	mp_add(arrived, 1);
	while (mp_load_acquire(arrived) < 2 * round) {
		if (now_ns() > deadline) {
			return false;
		}
	}
	return true;
}

/* Runs for @ns; returns ns a block, 0 when a call failed. */
static double run_for(const struct peer *peer, void *pool, uint32_t bulk, uint64_t ns)
{
	uint64_t begin = now_ns();
	uint64_t end = begin + ns;
	uint64_t now;
	uint64_t blocks = 0;

	do {
		if (!peer->run(pool, bulk)) {
			return 0;
		}
		blocks += BENCH_BATCH;
		now = now_ns();
	} while (now < end);
	return (double)(now - begin) / (double)blocks;
}

/*
 * Runs with some blocks held beside. What a call costs depends on how full the thread's cache
 * happens to be: a bulk may fit into it, or hit its end in every call.
 */
static double run_held(const struct peer *peer, void *pool, const struct slice *slice)
{
	void *held[BENCH_HELD];
	double ns = 0;

	if (!peer->hold(pool, held, slice->held)) {
		return 0;
	}
	if (run_for(peer, pool, slice->bulk, WARM_NS) > 0) {
		ns = run_for(peer, pool, slice->bulk, slice->ns);
	}
	peer->drop(pool, held, slice->held);
	return ns;
}

/* This worker's part of handing so many blocks on; ns a block. The first ones are not timed. */
static double run_relay(const struct worker *worker, void *end, const struct slice *slice)
{
	const struct peer *peer = worker->peer;
	uint64_t warm = slice->blocks / 8 / slice->bulk * slice->bulk;

	if (!peer->relay(end, slice->kind, slice->bulk, warm)) {
		return 0;
	}
	uint64_t begin = now_ns();
	if (!peer->relay(end, slice->kind, slice->bulk, slice->blocks)) {
		return 0;
	}
	return (double)(now_ns() - begin) / (double)slice->blocks;
}

static double run_slice(struct worker *worker, const struct slice *slice, char why[BENCH_WHY])
{
	const struct peer *peer = worker->peer;
	void **pool = &worker->pools[slice->size];

	if (*pool == NULL) {
		*pool = peer->open(slice->size, why);
	}
	if (slice->round != 0 && !meet(worker->arrived, slice->round)) {
		snprintf(why, BENCH_WHY, "the other process did not arrive");
		return 0;
	}
	if (*pool == NULL) {
		return 0;
	}
	return slice->blocks != 0 ? run_relay(worker, *pool, slice) : run_held(peer, *pool, slice);
}

static void serve(struct worker *worker, const char *reason)
{
	struct slice slice;

	while (recv(worker->line, &slice, sizeof slice, 0) == sizeof slice) {
		struct result result = {0};
		if (worker->prepared && slice.size < BENCH_SIZES && slice.held < BENCH_HELD) {
			result.ns = run_slice(worker, &slice, result.why);
		}
		if (result.ns == 0 && result.why[0] == '\0') {
			snprintf(result.why, sizeof result.why, "%s",
				 worker->prepared ? "a call failed" : reason);
		}
		if (send(worker->line, &result, sizeof result, MSG_NOSIGNAL) < 0) {
			return;
		}
	}
}

static void enter(struct worker *worker)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(worker->cpu, &set);
	if (sched_setaffinity(0, sizeof set, &set) < 0) {
		perror("sched_setaffinity");
	}
	if (worker->prepared && worker->peer->enter != NULL) {
		worker->peer->enter(worker->seat);
	}
}

void worker_pair(const struct peer *peer, const int lines[2], const unsigned cpus[2])
{
	char why[BENCH_WHY] = "";
	struct worker worker = {.peer = peer};

	signal(SIGINT, SIG_IGN); /* the driver's affair */
	worker.arrived = mmap(NULL, sizeof *worker.arrived, PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (worker.arrived == MAP_FAILED) {
		perror("mmap");
		return;
	}
	worker.prepared = peer->prepare == NULL || peer->prepare(why);
	pid_t first = getpid();
	pid_t second = fork();
	if (second < 0) {
		perror("fork");
		return;
	}
	worker.seat = second == 0;
	if (second == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != first) {
			return;
		}
	}
	worker.line = lines[worker.seat];
	worker.cpu = cpus[worker.seat];
	close(lines[!worker.seat]);
	enter(&worker);
	serve(&worker, why);
}
