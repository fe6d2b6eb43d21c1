/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "daemon/seat/attachment.h"
#include "daemon/store/liveness.h"
#include "daemon/store/object.h"
#include "daemon/base/identity.h"
#include "daemon/config/config.h"
#include "daemon/pool/pool.h"
#include "daemon/seat/process.h"
#include "daemon/seat/share.h"
#include "lib/core/slot.h"

struct registry_slot *attachment_slot(const struct attachment *attachment)
{
	return &attachment->pool->slots[attachment->slot];
}

static void attachment_touch_claim(struct pool *pool, void *arg)
{
	const struct attachment *a = arg;
	mp_slot_claim(&pool->view, a->slot, (uint32_t)attachment_slot(a)->pid);
}

static void attachment_touch_bury(struct pool *pool, void *arg)
{
	const struct attachment *a = arg;
	mp_slot_bury(&pool->view, a->slot);
}

/* Arms a timer of the seats, unless it is armed. */
static void attachment_arm(struct event *timer, long ms)
{
	if (!evtimer_pending(timer, NULL)) {
		evtimer_add(timer, &(struct timeval){.tv_usec = ms * 1000});
	}
}

void attachment_enqueue(struct attachment *attachment)
{
	struct seats *seats = attachment->seats;
	struct pool *pool = attachment->pool;

	TAILQ_INSERT_TAIL(&pool->reclaim.waiting, attachment, of_queue);
	if (!pool->reclaim.queued) {
		pool->reclaim.queued = true;
		TAILQ_INSERT_TAIL(&seats->reclaims, pool, reclaim.of_queue);
	}
	attachment_arm(&seats->reclaim, 0);
}

static void attachment_enqueue_live(struct attachment *attachment)
{
	TAILQ_INSERT_TAIL(&attachment->seats->live, attachment, of_queue);
	attachment->seats->n_live++;
	attachment_arm(&attachment->seats->sweep, SEATS_SWEEP_MS);
}

static void attachment_dequeue_live(struct attachment *attachment)
{
	struct seats *seats = attachment->seats;

	TAILQ_REMOVE(&seats->live, attachment, of_queue);
	if (--seats->n_live == 0) {
		seats->n_to_sweep = 0;
		evtimer_del(&seats->sweep);
	}
}

/* Makes the heap object for a slot in use. @process has died when it is NULL. */
static struct attachment *attachment_new(struct seats *seats, struct pool *pool, uint32_t slot,
					 struct process *process)
{
	struct attachment *a = calloc(1, sizeof *a);

	if (!a) {
		return NULL;
	}
	a->seats = seats;
	a->pool = pool;
	a->slot = slot;
	a->process = process;
	pool->n_used++;
	if (slot >= pool->slots_end) {
		pool->slots_end = slot + 1;
	}
	if (process) {
		LIST_INSERT_HEAD(&process->attachments, a, of_process);
		process_store(process);
		attachment_enqueue_live(a);
		pool->n_live++;
	} else {
		a->stage = ATTACHMENT_DYING;
		attachment_enqueue(a);
	}
	return a;
}

static uint32_t *attachment_bucket(struct seats *seats, uint32_t uid)
{
	return &seats->n_of_user[uid % SEATS_USER_BUCKETS];
}

/*
 * Whether the user has as many LIVE attachments as seats_per_user allows. The bucket is an upper
 * bound; the list is walked only when the bound reaches the limit.
 */
static bool attachment_user_is_full(struct seats *seats, uint32_t uid)
{
	uint32_t most = seats->pools->config->limits.seats_per_user;
	const struct attachment *a;
	uint32_t n = 0;

	if (rule_is_free(uid) || *attachment_bucket(seats, uid) < most) {
		return false;
	}
	TAILQ_FOREACH(a, &seats->live, of_queue)
	{
		n += attachment_slot(a)->uid == uid;
	}
	return n >= most;
}

static uint32_t attachment_count(const struct process *process, const struct pool *pool)
{
	const struct attachment *a;
	uint32_t n = 0;

	LIST_FOREACH(a, &process->attachments, of_process)
	{
		n += a->pool == pool;
	}
	return n;
}

/* Finds a free slot for the process, within the limits. Returns 0 or a reason of attachment.h. */
static int attachment_find_slot(struct seats *seats, const struct pool *pool,
				const struct process *process, uint32_t uid, uint32_t *slot)
{
	int r;

	if (attachment_count(process, pool) >= seats->pools->config->limits.seats_per_process) {
		return ATTACHMENT_PROCESS_FULL;
	}
	r = share_find_slot(pool, uid, slot);
	if (r) {
		return r;
	}
	return attachment_user_is_full(seats, uid) ? ATTACHMENT_USER_FULL : 0;
}

int attachment_create(struct seats *seats, struct pool *pool, struct process *process, uint32_t uid,
		      enum wire_access access, struct attachment **attachment, int *liveness_fd)
{
	struct registry_slot entry = {
		.access = access,
		.pid = process->pid,
		.uid = uid,
		.identity = process->identity,
		.where = identity_here(),
		.attachment = object_random(),
		.attached_at = (uint64_t)time(NULL),
	};
	struct attachment *a;
	uint32_t slot;
	int fd, r = attachment_find_slot(seats, pool, process, uid, &slot);

	if (r) {
		return r;
	}
	a = attachment_new(seats, pool, slot, process);
	if (!a) {
		return -ENOMEM;
	}
	registry_claim_slot(attachment_slot(a), &entry);
	++*attachment_bucket(seats, uid);
	fd = liveness_create(pool->pools->host.instance, pool->record->id, entry.attachment);
	r = fd < 0 ? fd : pool_touch(pool, attachment_touch_claim, a);
	if (r < 0) {
		if (fd >= 0) {
			close(fd);
		}
		attachment_die(a);
		return r;
	}
	registry_move_slot(attachment_slot(a), REGISTRY_SLOT_LIVE);
	if (pool->record->terms.lifetime == WIRE_CREATOR && !pool->record->owner_attachment) {
		pool->record->owner_attachment = entry.attachment; /* the creator is the first */
		pool->owner_live = true;
	}
	*attachment = a;
	*liveness_fd = fd;
	return 0;
}

int attachment_adopt(struct seats *seats, struct pool *pool, uint32_t slot,
		     struct attachment **attachment)
{
	const struct registry_slot *entry = &pool->slots[slot];
	struct process *process = NULL;

	if (mp_load(&entry->state) == REGISTRY_SLOT_LIVE) {
		enum liveness lock = liveness_test(pool->pools->host.instance, pool->record->id,
						   entry->attachment);
		int r = process_of_slot(seats, entry, lock, &process);
		if (r < 0 && r != -ESRCH) {
			return r;
		}
	}
	*attachment = attachment_new(seats, pool, slot, process);
	if (*attachment && process) {
		++*attachment_bucket(seats, entry->uid);
		pool->owner_live |= entry->attachment == pool->record->owner_attachment;
	}
	return *attachment ? 0 : -ENOMEM;
}

void attachment_die(struct attachment *attachment)
{
	struct pool *pool = attachment->pool;

	LIST_REMOVE(attachment, of_process);
	attachment_dequeue_live(attachment);
	pool->n_live--;
	if (attachment_slot(attachment)->attachment == pool->record->owner_attachment) {
		pool->owner_live = false;
	}
	--*attachment_bucket(attachment->seats, attachment_slot(attachment)->uid);
	attachment->process = NULL;
	attachment->stage = ATTACHMENT_DYING;
	attachment_enqueue(attachment);
}

void attachment_bury(struct attachment *attachment)
{
	struct pool *pool = attachment->pool;
	struct registry_slot *slot = attachment_slot(attachment);

	if (mp_load(&slot->state) != REGISTRY_SLOT_DEAD) {
		registry_move_slot(slot, REGISTRY_SLOT_DEAD);
	}
	liveness_remove(pool->pools->host.instance, pool->record->id, slot->attachment);
	if (!pool_is_broken(pool)) {
		pool_touch(pool, attachment_touch_bury, attachment);
	}
	attachment->stage = ATTACHMENT_PASSING;
}

void attachment_destroy(struct attachment *attachment)
{
	if (event_initialized(&attachment->grace)) {
		evtimer_del(&attachment->grace);
	}
	free(attachment);
}

void attachment_finish(struct attachment *attachment)
{
	struct pool *pool = attachment->pool;

	registry_move_slot(attachment_slot(attachment), REGISTRY_SLOT_FREE);
	attachment_destroy(attachment);
	pool->n_used--;
}
