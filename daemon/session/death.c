/* SPDX-License-Identifier: MIT */
#include "daemon/base/log.h"
#include "daemon/base/loop.h"
#include "daemon/seat/attachment.h"
#include "daemon/seat/ending.h"
#include "daemon/seat/process.h"
#include "daemon/seat/reclaim.h"
#include "daemon/session/death.h"
#include "daemon/session/session.h"

#define TESTS_A_LOOK 32u /* tests between two calls of slice_over() */

/* The process has died: lets go of its attachments, closes its sessions, and frees it. */
static void death_of(struct process *process)
{
	process->dying = true;
	log_debug("pid %d: died", (int)process->pid);
	while (!LIST_EMPTY(&process->attachments)) {
		ending_let_go(LIST_FIRST(&process->attachments));
	}
	while (!LIST_EMPTY(&process->sessions)) {
		session_close(LIST_FIRST(&process->sessions));
	}
	process_destroy(process);
}

static void death_on_pidfd(evutil_socket_t fd, short what, void *arg)
{
	struct process *process = arg;
	struct seats *seats = process->seats;

	(void)fd;
	(void)what;
	slice_begin(&seats->loop->slice);
	death_of(process);
	reclaim_run(seats);
	slice_end(&seats->loop->slice);
}

/*
 * Lets go of the attachments that have lost their liveness lock. The sweep tests those for which
 * the slice has no time.
 */
static void death_test_locks(struct process *process)
{
	const struct slice *slice = &process->seats->loop->slice;
	struct attachment *a = LIST_FIRST(&process->attachments), *next;

	for (uint32_t i = 0; a; a = next, i++) {
		if (i % TESTS_A_LOOK == 0 && (slice_over(slice) || slice_turn_over(slice))) {
			break;
		}
		next = LIST_NEXT(a, of_process);
		ending_test(a);
	}
}

static void death_on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct process *process = arg;
	struct seats *seats = process->seats;

	(void)fd;
	(void)what;
	slice_begin(&seats->loop->slice);
	death_test_locks(process);
	if (LIST_EMPTY(&process->sessions) && LIST_EMPTY(&process->attachments)) {
		process_destroy(process);
	} else {
		process_settle(process);
	}
	reclaim_run(seats);
	slice_end(&seats->loop->slice);
}

void death_init(struct seats *seats)
{
	seats->on_process_death = death_on_pidfd;
	seats->on_process_test = death_on_timer;
}
