/* SPDX-License-Identifier: MIT */
#include <event2/event.h>
#include <inttypes.h>

#include "daemon/seat/attachment.h"
#include "daemon/base/log.h"
#include "daemon/pool/pool.h"
#include "daemon/server.h"

#define STEP_BUDGET 16384u /* words: some tens of microseconds */

void reclaim_finish(struct reclaim *reclaim)
{
	struct attachment *attachment;

	while ((attachment = TAILQ_FIRST(&reclaim->queue))) {
		TAILQ_REMOVE(&reclaim->queue, attachment, of_queue);
		attachment_destroy(attachment);
	}
	while ((attachment = TAILQ_FIRST(&reclaim->waiting))) {
		TAILQ_REMOVE(&reclaim->waiting, attachment, of_queue);
		attachment_destroy(attachment);
	}
	evtimer_del(&reclaim->turn);
}

void reclaim_add(struct reclaim *reclaim, struct attachment *attachment)
{
	TAILQ_INSERT_TAIL(&reclaim->queue, attachment, of_queue);
	if (!evtimer_pending(&reclaim->turn, NULL)) {
		evtimer_add(&reclaim->turn, &(struct timeval){0});
	}
}

struct step {
	struct mp_pass *pass;
	bool done;
};

static void touch_step(struct pool *pool, void *arg)
{
	struct step *step = arg;
	step->done = mp_pass_step(&pool->view, step->pass, STEP_BUDGET);
}

/* Does one step of its burial. Returns true when the pass is done, or can never be. */
static bool advance(struct attachment *attachment)
{
	struct step step = {.pass = &attachment->pass};

	if (attachment->stage == ATTACHMENT_DYING) {
		attachment_bury(attachment);
	}
	if (pool_is_broken(attachment->pool)) {
		return true;
	}
	return pool_touch(attachment->pool, touch_step, &step) < 0 || step.done;
}

/* Whether nobody has the pool open any more, nor ever will. */
static bool is_deserted(const struct pool *pool)
{
	return pool_state(pool) == REGISTRY_POOL_GONE && pool->n_live == 0;
}

/* A pass is done: the slot is free, or its gifts have grace. */
static void conclude(struct reclaim *reclaim, struct attachment *attachment)
{
	const struct mp_pass *pass = &attachment->pass;
	const struct pool *pool = attachment->pool;
	uint32_t ms = pool->record->gift_grace_ms;
	struct timeval grace = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	reclaim->passes++;
	log_debug("pool '%s', uid %u, pid %d: slot %u passed over, %" PRIu64
		  " blocks back, %" PRIu64 " gifts under way",
		  pool->record->name, attachment_slot(attachment)->uid,
		  (int)attachment_slot(attachment)->pid, attachment->slot, pass->recovered,
		  pass->gifts);
	if (pass->gifts == 0 || pass->grace_over || pool_is_broken(pool) || is_deserted(pool)) {
		attachment_finish(attachment);
		return;
	}
	attachment->stage = ATTACHMENT_GRACE;
	TAILQ_INSERT_TAIL(&reclaim->waiting, attachment, of_queue);
	evtimer_add(&attachment->grace, &grace);
}

static void work(struct reclaim *reclaim)
{
	while (!TAILQ_EMPTY(&reclaim->queue) && !slice_over(&reclaim->server->loop.slice)) {
		struct attachment *attachment = TAILQ_FIRST(&reclaim->queue);
		TAILQ_REMOVE(&reclaim->queue, attachment, of_queue);
		if (advance(attachment)) {
			conclude(reclaim, attachment);
		} else {
			TAILQ_INSERT_TAIL(&reclaim->queue, attachment, of_queue);
		}
	}
	if (TAILQ_EMPTY(&reclaim->queue)) {
		evtimer_del(&reclaim->turn);
	} else {
		evtimer_add(&reclaim->turn, &(struct timeval){0});
	}
}

void reclaim_run(struct reclaim *reclaim)
{
	if (!slice_turn_over(&reclaim->server->loop.slice)) {
		work(reclaim);
	}
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct reclaim *reclaim = arg;

	(void)fd;
	(void)what;
	slice_begin(&reclaim->server->loop.slice);
	work(reclaim);
	slice_end(&reclaim->server->loop.slice);
}

void reclaim_init(struct reclaim *reclaim, struct server *server)
{
	reclaim->server = server;
	TAILQ_INIT(&reclaim->queue);
	TAILQ_INIT(&reclaim->waiting);
	evtimer_assign(&reclaim->turn, server->loop.base, on_turn, reclaim);
}

/* GRACE -> PASSING, for the pass that takes the gifts. */
static void end_grace(struct reclaim *reclaim, struct attachment *attachment)
{
	TAILQ_REMOVE(&reclaim->waiting, attachment, of_queue);
	evtimer_del(&attachment->grace);
	mp_pass_init(&attachment->pass, attachment->slot, true);
	attachment->stage = ATTACHMENT_PASSING;
	reclaim_add(reclaim, attachment);
}

void reclaim_hurry(struct reclaim *reclaim, const struct pool *pool)
{
	struct attachment *next;

	for (struct attachment *a = TAILQ_FIRST(&reclaim->waiting); a; a = next) {
		next = TAILQ_NEXT(a, of_queue);
		if (a->pool == pool) {
			end_grace(reclaim, a);
		}
	}
}

void reclaim_on_grace(evutil_socket_t fd, short what, void *arg)
{
	struct attachment *attachment = arg;
	struct reclaim *reclaim = &attachment->pool->server->reclaim;

	(void)fd;
	(void)what;
	slice_begin(&reclaim->server->loop.slice);
	end_grace(reclaim, attachment);
	reclaim_run(reclaim);
	slice_end(&reclaim->server->loop.slice);
}
