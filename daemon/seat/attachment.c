/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "daemon/session/access.h"
#include "daemon/seat/attachment.h"
#include "daemon/store/liveness.h"
#include "daemon/base/log.h"
#include "daemon/store/object.h"
#include "daemon/pool/pool.h"
#include "daemon/server.h"
#include "lib/core/slot.h"

struct registry_slot *attachment_slot(const struct attachment *attachment)
{
	return &attachment->pool->slots[attachment->slot];
}

static void touch_claim(struct pool *pool, void *arg)
{
	const struct attachment *a = arg;
	mp_slot_claim(&pool->view, a->slot, (uint32_t)attachment_slot(a)->pid);
}

static void touch_bury(struct pool *pool, void *arg)
{
	const struct attachment *a = arg;
	mp_slot_bury(&pool->view, a->slot);
}

static uint32_t find_free_slot(const struct pool *pool)
{
	for (uint32_t i = 0; i < pool->shape.n_slots; i++) {
		if (mp_load(&pool->slots[i].state) == REGISTRY_SLOT_FREE) {
			return i;
		}
	}
	return MP_NONE;
}

/* The heap object of a slot that is in use; of a process that lives, or of none. */
static struct attachment *attachment_new(struct pool *pool, uint32_t slot, struct process *process)
{
	struct server *server = pool->server;
	struct attachment *a = calloc(1, sizeof *a);

	if (!a) {
		return NULL;
	}
	a->pool = pool;
	a->slot = slot;
	a->process = process;
	evtimer_assign(&a->grace, server->loop.base, reclaim_on_grace, a);
	pool->n_used++;
	if (slot >= pool->slots_end) {
		pool->slots_end = slot + 1;
	}
	if (process) {
		LIST_INSERT_HEAD(&process->attachments, a, of_process);
		process_store(process);
		sweep_add(&server->sweep, a);
		pool->n_live++;
	} else {
		a->stage = ATTACHMENT_DYING;
		reclaim_add(&server->reclaim, a);
	}
	return a;
}

static uint32_t *seats_of(struct server *server, uint32_t uid)
{
	return &server->seats[uid % SERVER_SEAT_BUCKETS];
}

/* Whether the user has as many seats as it may. They are counted only when there may be. */
static bool is_sated(struct server *server, uint32_t uid)
{
	const struct attachment *a;
	uint32_t n = 0;

	if (rule_is_free(uid) || *seats_of(server, uid) < server->config.limits.seats_per_user) {
		return false;
	}
	TAILQ_FOREACH(a, &server->sweep.queue, of_queue)
	{
		n += attachment_slot(a)->uid == uid;
	}
	return n >= server->config.limits.seats_per_user;
}

/* Tests the seats the process has in the pool. Returns how many it keeps. */
static uint32_t test_seats(struct process *process, const struct pool *pool)
{
	struct attachment *next;
	uint32_t n = 0;

	for (struct attachment *a = LIST_FIRST(&process->attachments); a; a = next) {
		next = LIST_NEXT(a, of_process);
		if (a->pool == pool) {
			attachment_test(a);
			n += a->stage == ATTACHMENT_LIVE;
		}
	}
	return n;
}

static uint32_t count_seats(const struct process *process, const struct pool *pool)
{
	const struct attachment *a;
	uint32_t n = 0;

	LIST_FOREACH(a, &process->attachments, of_process)
	{
		n += a->pool == pool;
	}
	return n;
}

/*
 * Finds the process a free slot, with regard to the limits. A close that an earlier daemon did not
 * hear of, or an exec, may have left seats that only the locks tell of: then these are asked.
 */
static int find_seat(struct pool *pool, const struct session *session, uint32_t *slot)
{
	struct server *server = pool->server;
	uint32_t most = server->config.limits.seats_per_process;

	*slot = find_free_slot(pool);
	if (*slot == MP_NONE || count_seats(session->process, pool) >= most) {
		if (test_seats(session->process, pool) >= most) {
			return -EMLINK;
		}
		if (pool_state(pool) == REGISTRY_POOL_GONE) {
			return -ENOENT; /* its life hung on one of them; the pass would free it */
		}
		reclaim_run(&server->reclaim);
		*slot = find_free_slot(pool);
	}
	if (*slot == MP_NONE) {
		return -EUSERS;
	}
	return is_sated(server, session->peer.uid) ? -ETOOMANYREFS : 0;
}

int attachment_create(struct pool *pool, const struct session *session, enum wire_access access,
		      struct attachment **attachment, int *liveness_fd)
{
	struct process *process = session->process;
	uint32_t slot;
	struct registry_slot entry = {
		.access = access,
		.pid = process->pid,
		.uid = session->peer.uid,
		.start_time = process->start_time,
		.attachment = object_random(),
		.attached_at = (uint64_t)time(NULL),
	};
	struct attachment *a;
	int fd, r = find_seat(pool, session, &slot);

	if (r < 0) {
		return r;
	}
	a = attachment_new(pool, slot, process);
	if (!a) {
		return -ENOMEM;
	}
	registry_claim_slot(attachment_slot(a), &entry);
	++*seats_of(pool->server, entry.uid);
	fd = liveness_create(pool->server->place.instance, pool->record->id, entry.attachment);
	r = fd < 0 ? fd : pool_touch(pool, touch_claim, a);
	if (r < 0) {
		if (fd >= 0) {
			close(fd);
		}
		attachment_die(a);
		return r;
	}
	registry_move_slot(attachment_slot(a), REGISTRY_SLOT_LIVE);
	if (pool->record->terms.lifetime == WIRE_CREATOR && !pool->record->owner_attachment) {
		pool->record->owner_attachment = entry.attachment; /* the first is the creator's */
		pool->owner_live = true;
	}
	*attachment = a;
	*liveness_fd = fd;
	return 0;
}

int attachment_adopt(struct pool *pool, uint32_t slot)
{
	const struct registry_slot *entry = &pool->slots[slot];
	struct process *process = NULL;
	struct attachment *a;

	if (mp_load(&entry->state) == REGISTRY_SLOT_LIVE) {
		int r = process_of_record(pool->server, entry->pid, entry->start_time, &process);
		if (r < 0 && r != -ESRCH) {
			return r;
		}
	}
	a = attachment_new(pool, slot, process);
	if (process) {
		if (a) {
			++*seats_of(pool->server, entry->uid);
			pool->owner_live |= entry->attachment == pool->record->owner_attachment;
			attachment_test(a);
		}
		process_settle(process);
	}
	return a ? 0 : -ENOMEM;
}

void attachment_die(struct attachment *attachment)
{
	struct pool *pool = attachment->pool;

	LIST_REMOVE(attachment, of_process);
	sweep_remove(&pool->server->sweep, attachment);
	pool->n_live--;
	if (attachment_slot(attachment)->attachment == pool->record->owner_attachment) {
		pool->owner_live = false;
	}
	--*seats_of(pool->server, attachment_slot(attachment)->uid);
	attachment->process = NULL;
	attachment->stage = ATTACHMENT_DYING;
	reclaim_add(&pool->server->reclaim, attachment);
	pool_expire(pool);
}

void attachment_bury(struct attachment *attachment)
{
	struct pool *pool = attachment->pool;
	struct registry_slot *slot = attachment_slot(attachment);

	if (mp_load(&slot->state) != REGISTRY_SLOT_DEAD) {
		registry_move_slot(slot, REGISTRY_SLOT_DEAD);
	}
	liveness_remove(pool->server->place.instance, pool->record->id, slot->attachment);
	if (!pool_is_broken(pool)) {
		pool_touch(pool, touch_bury, attachment);
	}
	mp_pass_init(&attachment->pass, attachment->slot, false);
	attachment->stage = ATTACHMENT_PASSING;
}

void attachment_test(struct attachment *attachment)
{
	const struct registry_slot *slot = attachment_slot(attachment);
	const struct pool *pool = attachment->pool;

	if (liveness_test(pool->server->place.instance, pool->record->id, slot->attachment) ==
	    LIVENESS_LOST) {
		log_debug("pool '%s', uid %u, pid %d: let go of slot %u without a word",
			  pool->record->name, slot->uid, (int)slot->pid, attachment->slot);
		attachment_die(attachment);
	}
}

void attachment_destroy(struct attachment *attachment)
{
	evtimer_del(&attachment->grace);
	free(attachment);
}

void attachment_finish(struct attachment *attachment)
{
	struct pool *pool = attachment->pool;

	registry_move_slot(attachment_slot(attachment), REGISTRY_SLOT_FREE);
	attachment_destroy(attachment);
	pool->n_used--;
	pool_settle(pool);
}
