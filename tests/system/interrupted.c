/* SPDX-License-Identifier: MIT */
/* Sentences of a thread whose signal handlers fail, too, and ask for theirs, at any moment. */
#include <stdio.h>
#include <sys/time.h>

#include "tests/system/story.h"

static struct mempool *second;

/* Four failures that enter no call, and so are the same in a handler: two of each manner. */
static int fail_so(int i)
{
	struct mempool_channel *none;
	struct mempool *const pools[] = {pool, second};

	return i % 2 ? mempool_channel_open(pools[i / 2], 70 + (uint32_t)i * 1000, 0, &none)
		     : -(mempool_get_wait(pools[i / 2], -7) == NULL);
}

static char whole[4][200];
static volatile int n_heard, n_mixed, n_failed;

static void hear_whole(const char *sentence)
{
	int known = 0;

	for (int i = 0; i < 4; i++) {
		known += !strcmp(sentence, whole[i]);
	}
	*(known == 1 ? &n_heard : &n_mixed) += 1;
}

static void fail_in_handler(int signal)
{
	static unsigned turn;

	(void)signal;
	hear_whole(mempool_errmsg());
	fail_so((int)(turn++ % 4));
	n_failed++;
	if (turn % 3) {
		hear_whole(mempool_errmsg());
	}
}

START_TEST(a_sentence_is_whole_whenever_a_handler_fails)
{
	struct itimerval often = {{0, 30}, {0, 30}}, never = {{0, 0}, {0, 0}};

	begin();
	second = service_pool(conn, "a-name-of-another-length", 64, 100);
	for (int i = 0; i < 4; i++) {
		ck_assert_int_lt(fail_so(i), 0);
		snprintf(whole[i], sizeof whole[i], "%s", mempool_errmsg());
	}
	signal(SIGALRM, fail_in_handler);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int64_t end_at = now_ms() + 3000; now_ms() < end_at && n_mixed == 0;) {
		char copy[200];
		for (int i = 0; i < 4; i++) {
			fail_so(i);
			/* Until the next failure, which a handler's may be. */
			do {
				n_failed = 0;
				snprintf(copy, sizeof copy, "%s", mempool_errmsg());
			} while (n_failed > 0);
			hear_whole(copy);
		}
	}
	setitimer(ITIMER_REAL, &never, NULL);
	ck_assert_int_eq(n_mixed, 0);
	ck_assert_int_gt(n_heard, 1000);
	ck_assert_int_eq(mempool_close(second), 0);
	ck_assert_int_eq(mempool_destroy(conn, "a-name-of-another-length"), 0);
	end();
}
END_TEST

SUITE("interrupted", a_sentence_is_whole_whenever_a_handler_fails)
