/* SPDX-License-Identifier: MIT */
#include "daemon/base/log.h"
#include "daemon/pool/fate.h"
#include "daemon/pool/growth.h"
#include "daemon/pool/pool.h"
#include "daemon/seat/attachment.h"
#include "daemon/seat/ending.h"
#include "daemon/seat/process.h"
#include "daemon/seat/reclaim.h"
#include "daemon/store/liveness.h"

void ending_retire(struct seats *seats, struct pool *pool)
{
	if (pool_state(pool) != REGISTRY_POOL_GONE) {
		registry_move_pool(pool->record, REGISTRY_POOL_GONE);
		fate_tell(pool->pools, pool->record->name);
	}
	if (pool->growth) {
		growth_stop(pool->growth);
	}
	reclaim_settle(seats, pool);
}

const char *ending_reason(const struct pool *pool)
{
	bool is_empty = pool->n_live == 0 && pool->n_promised == 0;

	if (is_empty && pool->unclaimed) {
		return "nobody who asked for it could open it";
	}
	switch (pool->record->terms.lifetime) {
	case WIRE_LAST_USER:
		return is_empty ? "its last client has left" : NULL;
	case WIRE_CREATOR:
		return pool->owner_live ? NULL : "its creator has left";
	default:
		return NULL;
	}
}

void ending_expire(struct seats *seats, struct pool *pool)
{
	const char *why = ending_reason(pool);

	if (why && !pool->adopting && pool_state(pool) == REGISTRY_POOL_LIVE) {
		log_info("pool '%s' of uid %u destroyed: %s", pool->record->name, pool->record->uid,
			 why);
		ending_retire(seats, pool);
	}
}

void ending_end_promise(struct seats *seats, struct pool *pool)
{
	pool->n_promised--;
	ending_expire(seats, pool);
}

void ending_let_go(struct attachment *attachment)
{
	attachment_die(attachment);
	ending_expire(attachment->seats, attachment->pool);
}

void ending_test(struct attachment *attachment)
{
	const struct registry_slot *slot = attachment_slot(attachment);
	const struct pool *pool = attachment->pool;

	if (liveness_test(pool->pools->host.instance, pool->record->id, slot->attachment) ==
	    LIVENESS_LOST) {
		log_debug("pool '%s', uid %u, pid %d: slot %u lost its liveness lock",
			  pool->record->name, slot->uid, (int)slot->pid, attachment->slot);
		ending_let_go(attachment);
	}
}

void ending_test_seats(struct process *process, const struct pool *pool)
{
	struct attachment *next;

	for (struct attachment *a = LIST_FIRST(&process->attachments); a; a = next) {
		next = LIST_NEXT(a, of_process);
		if (a->pool == pool) {
			ending_test(a);
		}
	}
}
