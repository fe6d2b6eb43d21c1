/* SPDX-License-Identifier: MIT */
#include <event2/event.h>

#include "daemon/base/loop.h"
#include "daemon/seat/attachment.h"
#include "daemon/seat/ending.h"
#include "daemon/seat/process.h"
#include "daemon/seat/reclaim.h"
#include "daemon/seat/sweep.h"

#define STEP 32 /* tests between two calls of slice_over() */

static void sweep_schedule(struct seats *seats, long ms)
{
	if (seats->n_live > 0) {
		evtimer_add(&seats->sweep, &(struct timeval){.tv_usec = ms * 1000});
	}
}

/* Tests the first LIVE attachment, and moves it to the end of the queue. */
static void sweep_test_one(struct seats *seats)
{
	struct attachment *attachment = TAILQ_FIRST(&seats->live);
	struct process *process = attachment->process;

	TAILQ_REMOVE(&seats->live, attachment, of_queue);
	TAILQ_INSERT_TAIL(&seats->live, attachment, of_queue);
	ending_test(attachment);
	if (LIST_EMPTY(&process->attachments)) {
		process_settle(process);
	}
}

static void sweep_run(struct seats *seats)
{
	for (int i = 0; seats->n_to_sweep > 0 && seats->n_live > 0; i++) {
		if (i % STEP == 0 && slice_over(&seats->loop->slice)) {
			sweep_schedule(seats, 0);
			return;
		}
		seats->n_to_sweep--;
		sweep_test_one(seats);
	}
	seats->n_to_sweep = 0;
	sweep_schedule(seats, SEATS_SWEEP_MS);
}

static void sweep_on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct seats *seats = arg;

	(void)fd;
	(void)what;
	slice_begin(&seats->loop->slice);
	if (seats->n_to_sweep == 0) {
		seats->n_to_sweep = seats->n_live;
	}
	sweep_run(seats);
	reclaim_run(seats);
	slice_end(&seats->loop->slice);
}

void sweep_init(struct seats *seats)
{
	TAILQ_INIT(&seats->live);
	evtimer_assign(&seats->sweep, seats->loop->base, sweep_on_turn, seats);
}

void sweep_finish(struct seats *seats)
{
	struct attachment *attachment;

	while ((attachment = TAILQ_FIRST(&seats->live))) {
		TAILQ_REMOVE(&seats->live, attachment, of_queue);
		LIST_REMOVE(attachment, of_process);
		attachment_destroy(attachment);
	}
	evtimer_del(&seats->sweep);
}
