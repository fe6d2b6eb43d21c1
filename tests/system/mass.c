/* SPDX-License-Identifier: MIT */
/* Many processes die together: what it costs the daemon, and what others notice of it. */
#include <signal.h>
#include <sys/wait.h>

#include "tests/system/raw.h"

#define BIG (TEST_IS_SANITIZED ? 1u << 20 : 8u << 20)
#define MOST 50

/* Whether nobody but this process has a slot of the pool. */
static bool is_over(const char *name)
{
	struct mempool_client client;
	uint32_t cursor = 0;
	int n = 0;
	while (mempool_next_client(conn, name, &cursor, &client) == 1) {
		n++;
	}
	return n == 1;
}

/* Processor time the daemon takes for @n processes that die together, from their death on. */
static uint64_t cost_of(int n, int opens)
{
	pid_t pids[MOST];
	for (int i = 0; i < n; i++) {
		pids[i] = crowd("big", opens);
	}
	uint64_t before = daemon_ns();
	for (int i = 0; i < n; i++) {
		kill(pids[i], SIGKILL);
	}
	int64_t deadline = now_ms() + HANG_MS;
	do {
		sleep_ms(50); /* questions cost, too */
		ck_assert_int_lt(now_ms(), deadline);
	} while (!is_over("big"));
	uint64_t cost = daemon_ns() - before;
	for (int i = 0; i < n; i++) {
		waitpid(pids[i], NULL, 0);
	}
	return cost;
}

/* Each of the dead had a walk over all words of its own. */
START_TEST(two_hundred_deaths_cost_a_pool_a_few_walks)
{
	begin();
	struct mempool *big = service_pool(conn, "big", 16, BIG);
	uint64_t one = cost_of(1, 1), again = cost_of(1, 1);
	one = one < again ? one : again;
	ck_assert(cost_of(MOST, 4) < 50 * one || TEST_IS_SANITIZED);
	ck_assert_int_eq(mempool_close(big), 0);
	ck_assert_int_eq(mempool_destroy(conn, "big"), 0);
	end();
}
END_TEST

/* What a bystander's process held took its turn among two hundred, at each step. */
START_TEST(a_bystander_waits_for_a_few_deaths_and_for_no_crowd)
{
	begin();
	struct mempool *big = service_pool(conn, "big", 16, BIG);
	uint64_t one = cost_of(1, 1);
	int soon = 0;
	for (int round = 0; round < 5; round++) {
		pid_t pids[MOST];
		struct actor a = holder(500);
		for (int i = 0; i < MOST; i++) {
			pids[i] = crowd("big", 4);
		}
		uint64_t before = daemon_ns();
		for (int i = 0; i < MOST; i++) {
			kill(pids[i], SIGKILL);
		}
		actor_kill(&a);
		ck_assert(wait_until(is_all_obtainable, NULL, HANG_MS));
		soon += daemon_ns() - before < 3 * one;
		for (int i = 0; i < MOST; i++) {
			waitpid(pids[i], NULL, 0);
		}
		for (int64_t deadline = now_ms() + HANG_MS; !is_over("big"); sleep_ms(10)) {
			ck_assert_int_lt(now_ms(), deadline);
		}
	}
	/* What a sanitizer does takes longer than what it looks at. */
	ck_assert(soon >= 3 || TEST_IS_SANITIZED);
	ck_assert_int_eq(mempool_close(big), 0);
	ck_assert_int_eq(mempool_destroy(conn, "big"), 0);
	end();
}
END_TEST

SUITE("mass", two_hundred_deaths_cost_a_pool_a_few_walks,
      a_bystander_waits_for_a_few_deaths_and_for_no_crowd)
