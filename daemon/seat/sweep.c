/* SPDX-License-Identifier: MIT */
#include <event2/event.h>

#include "daemon/seat/attachment.h"
#include "daemon/server.h"

/*
 * Who closed a pool, or exec'd, while there was no daemon to be told, keeps what it had until the
 * next turn. A test is one flock().
 */
#define PERIOD_MS 250
#define STEP 32 /* tests between two looks at the clock */

static void schedule(struct sweep *sweep, long ms)
{
	if (sweep->n > 0) {
		evtimer_add(&sweep->turn, &(struct timeval){.tv_usec = ms * 1000});
	}
}

/* Tests the first and moves it to the end. */
static void test_one(struct sweep *sweep)
{
	struct attachment *attachment = TAILQ_FIRST(&sweep->queue);
	struct process *process = attachment->process;

	TAILQ_REMOVE(&sweep->queue, attachment, of_queue);
	TAILQ_INSERT_TAIL(&sweep->queue, attachment, of_queue);
	attachment_test(attachment);
	if (LIST_EMPTY(&process->attachments)) {
		process_settle(process);
	}
}

static void run(struct sweep *sweep)
{
	for (int i = 0; sweep->left > 0 && sweep->n > 0; i++) {
		if (i % STEP == 0 && slice_over(&sweep->server->loop.slice)) {
			schedule(sweep, 0);
			return;
		}
		sweep->left--;
		test_one(sweep);
	}
	sweep->left = 0;
	schedule(sweep, PERIOD_MS);
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct sweep *sweep = arg;

	(void)fd;
	(void)what;
	slice_begin(&sweep->server->loop.slice);
	if (sweep->left == 0) {
		sweep->left = sweep->n;
	}
	run(sweep);
	reclaim_run(&sweep->server->reclaim);
	slice_end(&sweep->server->loop.slice);
}

void sweep_init(struct sweep *sweep, struct server *server)
{
	sweep->server = server;
	TAILQ_INIT(&sweep->queue);
	evtimer_assign(&sweep->turn, server->loop.base, on_turn, sweep);
}

void sweep_finish(struct sweep *sweep)
{
	while (!TAILQ_EMPTY(&sweep->queue)) {
		struct attachment *attachment = TAILQ_FIRST(&sweep->queue);
		sweep_remove(sweep, attachment);
		LIST_REMOVE(attachment, of_process);
		attachment_destroy(attachment);
	}
}

void sweep_add(struct sweep *sweep, struct attachment *attachment)
{
	TAILQ_INSERT_TAIL(&sweep->queue, attachment, of_queue);
	if (sweep->n++ == 0) {
		schedule(sweep, PERIOD_MS);
	}
}

void sweep_remove(struct sweep *sweep, struct attachment *attachment)
{
	TAILQ_REMOVE(&sweep->queue, attachment, of_queue);
	if (--sweep->n == 0) {
		sweep->left = 0;
		evtimer_del(&sweep->turn);
	}
}
