/* SPDX-License-Identifier: MIT */
#include <event2/event.h>
#include <inttypes.h>

#include "daemon/seat/attachment.h"
#include "daemon/base/log.h"
#include "daemon/pool/pool.h"
#include "daemon/base/loop.h"
#include "daemon/pool/removal.h"
#include "daemon/seat/reclaim.h"

#define STEP_BUDGET 16384u /* words: some tens of microseconds */

static void reclaim_free_queue(struct attachment_queue *queue)
{
	struct attachment *attachment;

	while ((attachment = TAILQ_FIRST(queue))) {
		TAILQ_REMOVE(queue, attachment, of_queue);
		attachment_destroy(attachment);
	}
}

void reclaim_finish(struct seats *seats)
{
	reclaim_free_queue(&seats->dead);
	reclaim_free_queue(&seats->graced);
	evtimer_del(&seats->reclaim);
}

struct reclaim_step {
	struct mp_pass *pass;
	bool done;
};

static void reclaim_touch_step(struct pool *pool, void *arg)
{
	struct reclaim_step *step = arg;
	step->done = mp_pass_step(&pool->view, step->pass, STEP_BUDGET);
}

/* Does one step of its burial. Returns true when the pass is done, or can never be. */
static bool reclaim_advance(struct attachment *attachment)
{
	struct reclaim_step step = {.pass = &attachment->pass};

	if (attachment->stage == ATTACHMENT_DYING) {
		attachment_bury(attachment);
	}
	if (pool_is_broken(attachment->pool)) {
		return true;
	}
	return pool_touch(attachment->pool, reclaim_touch_step, &step) < 0 || step.done;
}

/* Whether nobody has the pool open any more, nor ever will. */
static bool reclaim_is_deserted(const struct pool *pool)
{
	return pool_state(pool) == REGISTRY_POOL_GONE && pool->n_live == 0;
}

/* GRACE -> PASSING, for the pass that takes the gifts. */
static void reclaim_end_grace(struct attachment *attachment)
{
	TAILQ_REMOVE(&attachment->seats->graced, attachment, of_queue);
	evtimer_del(&attachment->grace);
	mp_pass_init(&attachment->pass, attachment->slot, true);
	attachment->stage = ATTACHMENT_PASSING;
	attachment_enqueue(attachment);
}

static void reclaim_on_grace(evutil_socket_t fd, short what, void *arg)
{
	struct attachment *attachment = arg;
	struct seats *seats = attachment->seats;

	(void)fd;
	(void)what;
	slice_begin(&seats->loop->slice);
	reclaim_end_grace(attachment);
	reclaim_run(seats);
	slice_end(&seats->loop->slice);
}

/* PASSING -> GRACE: others may take the gifts for a while. */
static void reclaim_begin_grace(struct attachment *attachment)
{
	uint32_t ms = attachment->pool->record->gift_grace_ms;
	struct timeval grace = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	attachment->stage = ATTACHMENT_GRACE;
	TAILQ_INSERT_TAIL(&attachment->seats->graced, attachment, of_queue);
	evtimer_assign(&attachment->grace, attachment->seats->loop->base, reclaim_on_grace,
		       attachment);
	evtimer_add(&attachment->grace, &grace);
}

/* Nobody is left who could take the pool's gifts. */
static void reclaim_hurry(struct seats *seats, const struct pool *pool)
{
	struct attachment *next;

	for (struct attachment *a = TAILQ_FIRST(&seats->graced); a; a = next) {
		next = TAILQ_NEXT(a, of_queue);
		if (a->pool == pool) {
			reclaim_end_grace(a);
		}
	}
}

void reclaim_settle(struct seats *seats, struct pool *pool)
{
	while (pool->slots_end > 0 &&
	       mp_load(&pool->slots[pool->slots_end - 1].state) == REGISTRY_SLOT_FREE) {
		pool->slots_end--;
	}
	if (pool_state(pool) != REGISTRY_POOL_GONE) {
		return;
	}
	if (pool->n_used == 0) {
		removal_start(pool);
	} else if (pool->n_live == 0) {
		reclaim_hurry(seats, pool);
	}
}

/* A pass is done: the slot is free, or its gifts have grace. */
static void reclaim_conclude(struct attachment *attachment)
{
	const struct registry_slot *slot = attachment_slot(attachment);
	const struct mp_pass *pass = &attachment->pass;
	struct seats *seats = attachment->seats;
	struct pool *pool = attachment->pool;

	seats->n_passes++;
	log_debug("pool '%s', uid %u, pid %d: slot %u passed over, %" PRIu64
		  " blocks back, %" PRIu64 " gifts under way",
		  pool->record->name, slot->uid, (int)slot->pid, attachment->slot, pass->recovered,
		  pass->gifts);
	if (pass->gifts == 0 || pass->grace_over || pool_is_broken(pool) ||
	    reclaim_is_deserted(pool)) {
		attachment_finish(attachment);
		reclaim_settle(seats, pool);
	} else {
		reclaim_begin_grace(attachment);
	}
}

static void reclaim_work(struct seats *seats)
{
	while (!TAILQ_EMPTY(&seats->dead) && !slice_over(&seats->loop->slice)) {
		struct attachment *attachment = TAILQ_FIRST(&seats->dead);
		TAILQ_REMOVE(&seats->dead, attachment, of_queue);
		if (reclaim_advance(attachment)) {
			reclaim_conclude(attachment);
		} else {
			TAILQ_INSERT_TAIL(&seats->dead, attachment, of_queue);
		}
	}
	if (TAILQ_EMPTY(&seats->dead)) {
		evtimer_del(&seats->reclaim);
	} else {
		evtimer_add(&seats->reclaim, &(struct timeval){0});
	}
}

void reclaim_run(struct seats *seats)
{
	if (!slice_turn_over(&seats->loop->slice)) {
		reclaim_work(seats);
	}
}

static void reclaim_on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct seats *seats = arg;

	(void)fd;
	(void)what;
	slice_begin(&seats->loop->slice);
	reclaim_work(seats);
	slice_end(&seats->loop->slice);
}

void reclaim_init(struct seats *seats)
{
	TAILQ_INIT(&seats->dead);
	TAILQ_INIT(&seats->graced);
	evtimer_assign(&seats->reclaim, seats->loop->base, reclaim_on_turn, seats);
}
