/* SPDX-License-Identifier: MIT */
/* Work between processes and threads: each job to one receiver, past the death of any. */
#include <poll.h>
#include <pthread.h>
#include <signal.h>

#include "tests/system/story.h"

#define JOBS 3000
#define WORKERS 3

#define JOB_CHANNEL 0
#define ANSWER_CHANNEL 1

static struct mempool_channel *jobs, *answers;
static struct actor workers[WORKERS];
static unsigned char done[JOBS + 1];
static int n_done, n_sent;

static struct mempool_channel *open_as(uint32_t number, unsigned flags)
{
	struct mempool_channel *channel;

	ck_assert_int_eq(mempool_channel_open(pool, number, flags, &channel), 0);
	return channel;
}

static void begin_working(int n)
{
	begin();
	jobs = open_as(JOB_CHANNEL, MEMPOOL_CHANNEL_WORK);
	answers = open_as(ANSWER_CHANNEL, MEMPOOL_CHANNEL_RECEIVE);
	for (int i = 0; i < n; i++) {
		workers[i] = holder(0);
		ck_assert_int_eq(actor_ask(&workers[i], "relay %d %d", JOB_CHANNEL, ANSWER_CHANNEL),
				 0);
	}
}

static void end_working(void)
{
	ck_assert_int_eq(mempool_channel_close(jobs), 0);
	ck_assert_int_eq(mempool_channel_close(answers), 0);
	ck_assert(wait_until(is_all_obtainable, NULL, 5000));
	ck_assert(is_sound());
	end();
}

static void send_job(void)
{
	int64_t *block = mempool_get(pool);

	ck_assert_ptr_nonnull(block);
	*block = ++n_sent;
	ck_assert_int_eq(mempool_channel_send(jobs, block, 10000), 0);
}

/* Takes an answer, if one comes in that time; none may come twice. */
static bool hear(int timeout_ms)
{
	int64_t *block = mempool_channel_receive(answers, timeout_ms);

	if (!block) {
		return false;
	}
	ck_assert_int_ge(*block, 1);
	ck_assert_int_le(*block, n_sent);
	ck_assert_msg(done[*block]++ == 0, "job %ld was done twice", (long)*block);
	ck_assert_int_eq(mempool_put(pool, block), 0);
	n_done++;
	return true;
}

/* Sends so many jobs, with 100 under way at most. */
static void do_jobs(int n, int missing)
{
	for (; n > 0; n--) {
		send_job();
		while (n_sent - n_done > 100 + missing) {
			ck_assert(hear(10000));
		}
	}
}

START_TEST(each_job_is_done_once)
{
	begin_working(WORKERS);
	do_jobs(JOBS, 0);
	while (n_done < JOBS) {
		ck_assert(hear(10000));
	}
	ck_assert(!hear(0));
	for (int i = 0; i < WORKERS; i++) {
		actor_kill(&workers[i]);
	}
	end_working();
}
END_TEST

/* What the dead had in hand is gone, one job each; all others are done. */
START_TEST(killed_workers_hold_nobody_up)
{
	begin_working(WORKERS);
	do_jobs(JOBS / 3, 0);
	actor_kill(&workers[0]);
	do_jobs(JOBS / 3, 1);
	actor_kill(&workers[1]);
	do_jobs(JOBS / 3, 2);
	ck_assert_int_eq(mempool_channel_drain(jobs, 10000), 0);
	while (n_done < JOBS - 2) {
		ck_assert(hear(10000));
	}
	actor_kill(&workers[2]);
	while (hear(0)) { /* of those two, too, it may have had time for one */
	}
	end_working();
}
END_TEST

START_TEST(a_stopped_worker_holds_up_its_own_job_alone)
{
	begin_working(WORKERS);
	do_jobs(JOBS / 3, 0);
	kill(workers[0].pid, SIGSTOP);
	do_jobs(2 * JOBS / 3, 1);
	while (n_done < JOBS - 1) {
		ck_assert(hear(10000));
	}
	kill(workers[0].pid, SIGCONT);
	while (n_done < JOBS) {
		ck_assert(hear(10000));
	}
	for (int i = 0; i < WORKERS; i++) {
		actor_kill(&workers[i]);
	}
	end_working();
}
END_TEST

static struct mempool_channel *shared_in;

static void *count_jobs(void *unused)
{
	intptr_t n = 0;
	(void)unused;
	for (void *block; (block = mempool_channel_receive(shared_in, 10000)); n++) {
		mempool_put(pool, block);
	}
	return (void *)(errno == EPIPE ? n : -1);
}

/* One handle for all threads; the end comes to each of them. */
START_TEST(threads_receive_by_one_handle)
{
	pthread_t threads[WORKERS];
	intptr_t total = 0;
	void *n;

	begin_working(0);
	shared_in = open_as(JOB_CHANNEL,
			    MEMPOOL_CHANNEL_WORK | MEMPOOL_CHANNEL_RECEIVE | MEMPOOL_CHANNEL_ENDS);
	for (int i = 0; i < WORKERS; i++) {
		pthread_create(&threads[i], NULL, count_jobs, NULL);
	}
	for (int i = 0; i < JOBS; i++) {
		send_job();
	}
	ck_assert_int_eq(mempool_channel_drain(jobs, 10000), 0);
	ck_assert_int_eq(mempool_channel_close(jobs), 0);
	for (int i = 0; i < WORKERS; i++) {
		pthread_join(threads[i], &n);
		ck_assert_int_ge((intptr_t)n, 0);
		total += (intptr_t)n;
	}
	ck_assert_int_eq(total, JOBS);
	ck_assert_int_eq(mempool_channel_close(shared_in), 0);
	jobs = open_as(JOB_CHANNEL, MEMPOOL_CHANNEL_WORK);
	end_working();
}
END_TEST

/* By process: the first handle that closes is not the last. */
START_TEST(a_sender_of_work_is_told_when_all_receivers_have_gone)
{
	begin_working(1);
	const unsigned receive = MEMPOOL_CHANNEL_WORK | MEMPOOL_CHANNEL_RECEIVE;
	struct mempool_channel *told =
		open_as(JOB_CHANNEL, MEMPOOL_CHANNEL_WORK | MEMPOOL_CHANNEL_ENDS);
	struct mempool_channel *first = open_as(JOB_CHANNEL, receive);
	struct mempool_channel *second = open_as(JOB_CHANNEL, receive);
	actor_kill(&workers[0]);
	ck_assert(wait_until(is_alone, NULL, 5000));
	ck_assert_int_eq(mempool_channel_close(first), 0);
	void *block = mempool_get(pool);
	ck_assert_int_eq(mempool_channel_send(told, block, 0), 0);
	ck_assert_ptr_eq(mempool_channel_receive(second, 0), block);
	ck_assert_int_eq(mempool_channel_close(second), 0);
	ck_assert_int_eq(mempool_channel_send(told, block, 0), -EPIPE);
	ck_assert_int_eq(mempool_put(pool, block), 0);
	ck_assert_int_eq(mempool_channel_close(told), 0);
	end_working();
}
END_TEST

static bool is_readable(void *fd)
{
	struct pollfd p = {.fd = *(int *)fd, .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

START_TEST(a_descriptor_of_work_is_readable_while_there_is_a_job)
{
	begin_working(0);
	struct mempool_channel *in =
		open_as(JOB_CHANNEL, MEMPOOL_CHANNEL_WORK | MEMPOOL_CHANNEL_RECEIVE);
	int fd = mempool_channel_fd(in);
	for (int i = 0; i < 3; i++) {
		ck_assert(!is_readable(&fd));
		send_job();
		ck_assert(wait_until(is_readable, &fd, 5000));
		ck_assert_int_eq(mempool_put(pool, mempool_channel_receive(in, 0)), 0);
		ck_assert(!is_readable(&fd));
	}
	ck_assert_int_eq(mempool_channel_close(in), 0);
	end_working();
}
END_TEST

SUITE("work", each_job_is_done_once, killed_workers_hold_nobody_up,
      a_stopped_worker_holds_up_its_own_job_alone, threads_receive_by_one_handle,
      a_sender_of_work_is_told_when_all_receivers_have_gone,
      a_descriptor_of_work_is_readable_while_there_is_a_job)
