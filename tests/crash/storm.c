/* SPDX-License-Identifier: MIT */
/*
 * Kills two clients at random moments under full load, again and again. After each pair of kills a
 * survivor must be able to get every block of the pool, each once, in half of the rounds within two
 * seconds.
 *
 *	storm [--rounds N] [--blocks N] [--seed N]
 *
 * Prints how many clients were killed, how many blocks were lost and duplicated, and the time from
 * the kernel's notice of the second death until the daemon has taken back every block of the dead;
 * then the survivor gets them all. Ends at once when a call of the survivor does not return.
 */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/crash/crowd.h"
#include "tests/support/service.h"

#define SOON_NS 2000000000

struct storm {
	struct service service;
	struct mempool_conn *conn;
	struct mempool *pool;
	struct crowd crowd;
	void **blocks;
	unsigned rounds;
	uint64_t operations, lost;
	int64_t *took; /* ns, by round */
};

static void storm_on_alarm(int signal)
{
	static const char text[] = "HUNG: a call of the survivor did not return\n";
	(void)signal;
	(void)!write(2, text, sizeof text - 1);
	_exit(1);
}

/* Gets blocks until it has all, or no more come. Returns how many it has. */
static uint32_t storm_get_everything(struct storm *s)
{
	int64_t deadline = now_ms() + HANG_MS;
	uint32_t n = 0;

	while (n < s->crowd.blocks) {
		void *block = mempool_get(s->pool);
		if (block) {
			s->blocks[n++] = block;
		} else if (now_ms() > deadline) {
			break;
		}
	}
	return n;
}

/* Waits until no block in the pool belongs to anybody. */
static void storm_wait_for_release(struct storm *s)
{
	int64_t deadline = now_ms() + HANG_MS;
	struct mempool_stats stats;

	do {
		mempool_stat(s->pool, &stats);
	} while (stats.free + stats.reclaimed < s->crowd.blocks && now_ms() < deadline);
}

/* Counts blocks that the survivor got twice, or that a worker still has. */
static void storm_check_distinct(struct storm *s, uint32_t n)
{
	uint32_t survivor = s->crowd.n_workers;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t *owner =
			&s->crowd.ledger->owner[mempool_block_index(s->pool, s->blocks[i])];
		s->crowd.ledger->duplicated += *owner == survivor + 1;
		*owner = survivor + 1;
	}
	memset(s->crowd.ledger->owner, 0, s->crowd.blocks * sizeof(uint32_t));
}

static void storm_run_round(struct storm *s, unsigned *seed, unsigned round)
{
	struct worker a, b;
	struct mempool_report report;

	crowd_start(&s->crowd, &a);
	crowd_start(&s->crowd, &b);
	usleep(crowd_random(seed, 10000));
	crowd_kill(&s->crowd, &a);
	usleep(crowd_random(seed, 1000));
	int64_t died = crowd_kill(&s->crowd, &b);
	alarm(3 * HANG_MS / 1000);
	storm_wait_for_release(s);
	s->took[round] = now_ns() - died;
	uint32_t n = storm_get_everything(s);
	alarm(0);
	s->operations += crowd_operations(&s->crowd, &a) + crowd_operations(&s->crowd, &b);
	s->lost += s->crowd.blocks - n;
	storm_check_distinct(s, n);
	if (mempool_check(s->pool, &report) != 0) {
		errx(1, "round %u: %s", round, report.first);
	}
	if (mempool_put_bulk(s->pool, s->blocks, n) != 0 || mempool_flush(s->pool) != 0) {
		errx(1, "round %u: the survivor cannot put", round);
	}
}

static int storm_compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return x < y ? -1 : x > y;
}

static int storm_report(struct storm *s, unsigned seed)
{
	const struct ledger *l = s->crowd.ledger;

	qsort(s->took, s->rounds, sizeof *s->took, storm_compare);
	printf("seed %u: %u kills in %lu operations: %lu lost, %lu duplicated, %lu refused, 0 "
	       "hung\n",
	       seed, 2 * s->rounds, (unsigned long)s->operations, (unsigned long)s->lost,
	       (unsigned long)l->duplicated, (unsigned long)l->refused);
	printf("from the notice of death until all %u blocks were obtainable: median %.3f ms, "
	       "p99 %.3f ms\n",
	       s->crowd.blocks, (double)s->took[s->rounds / 2] / 1e6,
	       (double)s->took[s->rounds * 99 / 100] / 1e6);
	return s->lost || l->duplicated || l->refused || s->took[s->rounds / 2] > SOON_NS;
}

int main(int argc, char **argv)
{
	struct storm s = {.rounds = 100};
	uint32_t blocks = 65536;
	unsigned first = (unsigned)now_ns();

	for (int i = 1; i + 1 < argc; i += 2) {
		unsigned n = (unsigned)strtoul(argv[i + 1], NULL, 10);
		if (!strcmp(argv[i], "--rounds")) {
			s.rounds = n;
		} else if (!strcmp(argv[i], "--blocks")) {
			blocks = n;
		} else if (!strcmp(argv[i], "--seed")) {
			first = n;
		}
	}
	if (argc % 2 == 0 || s.rounds == 0 || s.rounds > CROWD_WORKERS / 2) {
		errx(2, "usage: storm [--rounds N] [--blocks N] [--seed N]");
	}
	unsigned seed = first;
	printf("seed %u\n", first);
	fflush(stdout);
	signal(SIGALRM, storm_on_alarm);
	service_start(&s.service);
	s.conn = service_connect();
	s.pool = service_pool(s.conn, "storm", 64, blocks);
	crowd_make(&s.crowd, "storm", blocks, first);
	s.blocks = calloc(blocks, sizeof *s.blocks);
	s.took = calloc(s.rounds, sizeof *s.took);
	for (unsigned i = 0; i < s.rounds; i++) {
		storm_run_round(&s, &seed, i);
	}
	int failed = storm_report(&s, first);
	mempool_close(s.pool);
	mempool_destroy(s.conn, "storm");
	mempool_disconnect(s.conn);
	unsigned left = service_stop(&s.service);
	if (left) {
		printf("%u objects were left in /dev/shm\n", left);
	}
	free(s.blocks);
	free(s.took);
	return failed || left;
}
