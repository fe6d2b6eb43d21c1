/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/party.h"
#include "tests/bench/spread.h"
#include "tests/bench/worker.h"

/* What one process has to say of its part in a round. */
struct part {
	_Alignas(SPREAD_LINE) uint64_t begin, end, cpu; /* ns */
	int64_t blocks;                                 /* -1: it failed */
};

/* Shared by all. */
struct stage {
	sem_t orders[SPREAD_RECEIVERS + 1];               /* by seat: there is something to do */
	pthread_barrier_t meetings[SPREAD_RECEIVERS + 1]; /* of the sender and so many receivers */
	struct slice slice;                               /* which is that, */
	uint64_t rounds, blocks;                          /* so often, with so many blocks each */
	struct part parts[SPREAD_RECEIVERS + 1];
	char whys[SPREAD_RECEIVERS + 1][BENCH_WHY]; /* why it could not open; empty: it could */
};

/* Of all processes, a block. */
struct times {
	double wall, cpu; /* ns */
};

struct player {
	const struct peer *peer;
	struct stage *stage;
	unsigned seat;
	void *end;
};

static uint64_t read_clock(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static struct stage *make_stage(void)
{
	pthread_barrierattr_t attr;
	struct stage *stage = mmap(NULL, sizeof *stage, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (stage == MAP_FAILED) {
		perror("mmap");
		return NULL;
	}
	pthread_barrierattr_init(&attr);
	pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	for (unsigned i = 0; i <= SPREAD_RECEIVERS; i++) {
		pthread_barrier_init(&stage->meetings[i], &attr, i + 1);
		sem_init(&stage->orders[i], 1, 0);
	}
	pthread_barrierattr_destroy(&attr);
	return stage;
}

static void meet(const struct player *player, unsigned receivers)
{
	pthread_barrier_wait(&player->stage->meetings[receivers]);
}

static int64_t spread(const struct player *player, uint64_t blocks)
{
	return player->peer->spread(player->end, &player->stage->slice, player->seat, blocks);
}

static void play_part(const struct player *player)
{
	const uint64_t warm = player->stage->slice.warm;
	struct part *part = &player->stage->parts[player->seat];
	bool is_well = warm == 0 || spread(player, warm) >= 0;

	part->begin = read_clock(CLOCK_MONOTONIC);
	uint64_t cpu = read_clock(CLOCK_THREAD_CPUTIME_ID);
	part->blocks = is_well ? spread(player, player->stage->blocks - warm) : -1;
	part->cpu = read_clock(CLOCK_THREAD_CPUTIME_ID) - cpu;
	part->end = read_clock(CLOCK_MONOTONIC);
}

static void play_round(const struct player *player)
{
	const unsigned receivers = player->stage->slice.receivers;
	const bool is_stream = player->stage->slice.batch == 0;

	if (player->seat != 0 || is_stream) {
		meet(player, receivers);
	}
	play_part(player);
	if (player->seat == 0 && !is_stream) {
		meet(player, receivers);
	}
	meet(player, receivers);
}

/* ---- receivers ---- */

static void obey(const struct player *player)
{
	struct stage *stage = player->stage;

	for (;;) {
		while (sem_wait(&stage->orders[player->seat]) < 0) {
			/* a signal came */
		}
		uint64_t rounds = stage->rounds;
		for (uint64_t i = 0; i < rounds; i++) {
			play_round(player);
		}
	}
}

static void sit_down(struct player *player, unsigned seat, unsigned cpu)
{
	cpu_set_t set;

	player->seat = seat;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof set, &set) < 0) {
		perror("sched_setaffinity");
	}
	if (player->peer->enter != NULL) {
		player->peer->enter(seat);
	}
	player->end = player->peer->open(0, player->stage->whys[seat]);
	meet(player, SPREAD_RECEIVERS);
}

static void be_receiver(struct player *player, unsigned seat, unsigned cpu, pid_t sender)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == sender) {
		sit_down(player, seat, cpu);
		obey(player);
	}
	_exit(0);
}

/* ---- the sender ---- */

/* Adds the times of the round that has just ended. False: somebody failed. */
static bool add_times(const struct stage *stage, struct times *times)
{
	const struct part *sender = &stage->parts[0];
	const bool is_stream = stage->slice.batch == 0;
	uint64_t begin = is_stream ? sender->begin : UINT64_MAX;
	uint64_t end = 0;
	int64_t taken = 0;

	for (unsigned i = 1; i <= stage->slice.receivers; i++) {
		const struct part *part = &stage->parts[i];
		begin = part->begin < begin ? part->begin : begin;
		end = part->end > end ? part->end : end;
		times->cpu += (double)part->cpu;
		taken += part->blocks;
		if (part->blocks < 0) {
			return false;
		}
	}
	times->cpu += (double)sender->cpu;
	times->wall += (double)(end - begin);
	times->wall += is_stream ? 0 : (double)(sender->end - sender->begin);
	int64_t sent = sender->blocks;
	return taken == (stage->slice.kind == SPREAD_WORK ? sent : sent * stage->slice.receivers);
}

/* Has the receivers obey, and plays along. False: somebody failed. */
static bool play(const struct player *player, uint64_t rounds, uint64_t blocks, struct times *times)
{
	struct stage *stage = player->stage;
	bool is_well = true;

	*times = (struct times){0};
	stage->rounds = rounds;
	stage->blocks = blocks;
	for (unsigned i = 1; i <= stage->slice.receivers; i++) {
		sem_post(&stage->orders[i]);
	}
	for (uint64_t i = 0; i < rounds; i++) {
		play_round(player);
		is_well = add_times(stage, times) && is_well;
	}
	double timed = (double)(rounds * (blocks - stage->slice.warm));
	times->wall /= timed;
	times->cpu /= timed;
	return is_well;
}

/* The first rounds, or blocks, are not timed. */
static struct result run_slice(const struct player *player, const struct slice *slice)
{
	struct result result = {0};
	struct times times;
	bool is_stream = slice->batch == 0;
	uint64_t rounds = is_stream ? 1 : slice->blocks / slice->batch + 1;
	uint64_t blocks = is_stream ? slice->blocks : slice->batch;

	player->stage->slice = *slice;
	bool is_well = is_stream ? play(player, 1, blocks / 8 + 1, &times)
				 : play(player, rounds / 8 + 1, blocks, &times);
	if (is_well && play(player, rounds, blocks, &times)) {
		result.ns = times.wall;
		result.cpu_ns = times.cpu;
	} else {
		snprintf(result.why, sizeof result.why, "a call failed");
	}
	return result;
}

/* Why there is nobody to play; NULL: all are there. */
static const char *find_hindrance(const struct stage *stage)
{
	for (unsigned i = 0; i <= SPREAD_RECEIVERS; i++) {
		if (stage->whys[i][0] != '\0') {
			return stage->whys[i];
		}
	}
	return NULL;
}

static void serve(const struct player *player, int line, const char *hindrance)
{
	struct slice slice;

	while (recv(line, &slice, sizeof slice, 0) == sizeof slice) {
		struct result result = {0};
		if (hindrance != NULL) {
			snprintf(result.why, sizeof result.why, "%s", hindrance);
		} else {
			result = run_slice(player, &slice);
		}
		if (send(line, &result, sizeof result, MSG_NOSIGNAL) < 0) {
			return;
		}
	}
}

void party_play(const struct peer *peer, const int lines[2], const unsigned cpus[2])
{
	struct player player = {.peer = peer, .stage = make_stage()};
	char why[BENCH_WHY] = "";

	signal(SIGINT, SIG_IGN); /* the driver's affair */
	close(lines[1]);
	if (player.stage == NULL) {
		return;
	}
	if (peer->prepare != NULL && !peer->prepare(why)) {
		serve(&player, lines[0], why);
		return;
	}
	pid_t sender = getpid();
	for (unsigned i = 1; i <= SPREAD_RECEIVERS; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			close(lines[0]);
			be_receiver(&player, i, cpus[i % 2], sender);
		}
		if (pid < 0) {
			perror("fork");
			return;
		}
	}
	sit_down(&player, 0, cpus[0]);
	serve(&player, lines[0], find_hindrance(player.stage));
}
