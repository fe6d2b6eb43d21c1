/* SPDX-License-Identifier: MIT */
#include <event2/event.h>

#include "daemon/seat/attachment.h"
#include "daemon/base/log.h"
#include "daemon/pool/pool.h"
#include "daemon/base/loop.h"
#include "daemon/pool/removal.h"
#include "daemon/seat/reclaim.h"

#define STEP_BUDGET 16384u /* words of one step: some tens of microseconds */
#define BURIALS 8          /* of one step, as long: each unlinks a file */

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
	struct pool *pool;

	while ((pool = TAILQ_FIRST(&seats->reclaims))) {
		TAILQ_REMOVE(&seats->reclaims, pool, reclaim.of_queue);
		reclaim_free_queue(&pool->reclaim.waiting);
		reclaim_free_queue(&pool->reclaim.passed);
	}
	reclaim_free_queue(&seats->graced);
	evtimer_del(&seats->reclaim);
}

/* Whether the pool has no client, and can get none, as it has no name. */
static bool reclaim_is_deserted(const struct pool *pool)
{
	return pool_state(pool) == REGISTRY_POOL_GONE && pool->n_live == 0;
}

/* GRACE -> PASSING: enqueues it for the pass that takes its gifts. */
static void reclaim_end_grace(struct attachment *attachment)
{
	TAILQ_REMOVE(&attachment->seats->graced, attachment, of_queue);
	evtimer_del(&attachment->grace);
	attachment->grace_over = true;
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

/* PASSING -> GRACE: for gift_grace_ms others may take its gifts. */
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

/* Ends the grace of the pool's dead: no client is left who could take their gifts. */
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

/* ---- a pool's turn: one step ---- */

/* Buries up to BURIALS of the waiting attachments. When none is left, begins the pass. */
static void reclaim_gather(struct pool *pool)
{
	struct pool_reclaim *reclaim = &pool->reclaim;
	struct attachment *a;

	for (int i = 0; i < BURIALS && (a = TAILQ_FIRST(&reclaim->waiting)); i++) {
		if (a->stage == ATTACHMENT_DYING) {
			attachment_bury(a);
		}
		TAILQ_REMOVE(&reclaim->waiting, a, of_queue);
		TAILQ_INSERT_TAIL(&reclaim->passed, a, of_queue);
		mp_pass_add(reclaim->dead, a->slot, a->grace_over);
	}
	if (TAILQ_EMPTY(&reclaim->waiting)) {
		mp_pass_init(&reclaim->pass, reclaim->dead);
		reclaim->stage = POOL_PASSING;
	}
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

static void reclaim_pass(struct pool *pool)
{
	struct reclaim_step step = {.pass = &pool->reclaim.pass};

	/* Of a broken pool the daemon takes nothing back. */
	if (pool_is_broken(pool) || pool_touch(pool, reclaim_touch_step, &step) < 0 || step.done) {
		pool->reclaim.stage = POOL_CONCLUDING;
	}
}

/* The attachment's pass is done: frees its slot, or begins its grace if it has gifts. */
static void reclaim_conclude(struct attachment *attachment)
{
	const struct registry_slot *slot = attachment_slot(attachment);
	struct pool *pool = attachment->pool;
	struct mp_dead *dead = &pool->reclaim.dead[attachment->slot];

	dead->passed = false;
	attachment->seats->n_passes++;
	log_debug("pool '%s', uid %u, pid %d: pass over slot %u done, %u blocks recovered, %u "
		  "gifts not taken yet",
		  pool->record->name, slot->uid, (int)slot->pid, attachment->slot, dead->recovered,
		  dead->gifts);
	if (dead->gifts == 0 || pool_is_broken(pool)) {
		attachment_finish(attachment);
	} else if (reclaim_is_deserted(pool)) {
		attachment->grace_over = true;
		attachment_enqueue(attachment);
	} else {
		reclaim_begin_grace(attachment);
	}
}

static void reclaim_let_go(struct seats *seats, struct pool *pool)
{
	struct pool_reclaim *reclaim = &pool->reclaim;
	struct attachment *a;

	for (int i = 0; i < BURIALS && (a = TAILQ_FIRST(&reclaim->passed)); i++) {
		TAILQ_REMOVE(&reclaim->passed, a, of_queue);
		reclaim_conclude(a);
	}
	if (TAILQ_EMPTY(&reclaim->passed)) {
		reclaim->stage = POOL_GATHERING;
		reclaim_settle(seats, pool);
	}
}

/* Whether the pool has no dead attachment left to pass. */
static bool reclaim_is_over(const struct pool_reclaim *reclaim)
{
	return reclaim->stage == POOL_GATHERING && TAILQ_EMPTY(&reclaim->waiting);
}

/*
 * Chooses the pool whose owner's last turn was longest ago and, of that owner's pools, the one
 * whose last turn was. So when one user's processes leave much behind, a second user waits no
 * longer than twice the time his own dead need.
 */
static struct pool *reclaim_choose(struct seats *seats)
{
	struct pool *pool, *best = NULL;
	uint64_t turn, least = 0;

	TAILQ_FOREACH(pool, &seats->reclaims, reclaim.of_queue)
	{
		turn = seats->turn_of[pool->record->uid % SEATS_USER_BUCKETS];
		if (!best || turn < least ||
		    (turn == least && pool->reclaim.turn < best->reclaim.turn)) {
			best = pool;
			least = turn;
		}
	}
	return best;
}

static void reclaim_take_turn(struct seats *seats, struct pool *pool)
{
	struct pool_reclaim *reclaim = &pool->reclaim;

	reclaim->turn = ++seats->n_turns;
	seats->turn_of[pool->record->uid % SEATS_USER_BUCKETS] = reclaim->turn;
	switch (reclaim->stage) {
	case POOL_GATHERING:
		reclaim_gather(pool);
		break;
	case POOL_PASSING:
		reclaim_pass(pool);
		break;
	case POOL_CONCLUDING:
	default:
		reclaim_let_go(seats, pool);
		break;
	}
	if (reclaim_is_over(reclaim)) {
		reclaim->queued = false;
		TAILQ_REMOVE(&seats->reclaims, pool, reclaim.of_queue);
	}
}

static void reclaim_work(struct seats *seats)
{
	while (!TAILQ_EMPTY(&seats->reclaims) && !slice_over(&seats->loop->slice)) {
		reclaim_take_turn(seats, reclaim_choose(seats));
	}
	if (TAILQ_EMPTY(&seats->reclaims)) {
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
	TAILQ_INIT(&seats->reclaims);
	TAILQ_INIT(&seats->graced);
	evtimer_assign(&seats->reclaim, seats->loop->base, reclaim_on_turn, seats);
}
