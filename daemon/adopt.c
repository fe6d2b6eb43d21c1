/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/adopt.h"
#include "daemon/base/log.h"
#include "daemon/pool/fate.h"
#include "daemon/pool/growth.h"
#include "daemon/pool/pool.h"
#include "daemon/pool/removal.h"
#include "daemon/seat/attachment.h"
#include "daemon/seat/ending.h"
#include "daemon/seat/process.h"
#include "daemon/store/object.h"

#define ID_DIGITS 16 /* of an id in an object's name */

static void adopt_touch_compare(struct pool *pool, void *arg)
{
	bool *matches = arg;
	*matches = mp_layout_matches(pool->view.header, &pool->shape, pool->record->id);
}

/*
 * Looks whether the objects are those the daemon made; @found is what memory_find() said. A fault
 * breaks the pool.
 */
static int adopt_check_objects(struct pool *pool, int found)
{
	bool matches = false;
	int r = found < 0 ? 0 : pool_map(pool);

	if (found == -ENOENT) {
		pool_break(pool, "somebody removed its objects from /dev/shm while there was no "
				 "mempoold");
	} else if (found < 0) {
		pool_break(pool, "its objects in /dev/shm are not those the daemon made");
	} else if (r == 0 && pool_touch(pool, adopt_touch_compare, &matches) == 0 && !matches) {
		pool_break(pool, "its header is not what the daemon wrote");
	}
	return r;
}

/* Takes over one slot. If its process has died, the reclaim gets the attachment at once. */
static int adopt_slot(struct seats *seats, struct pool *pool, uint32_t slot)
{
	struct attachment *attachment;
	struct process *process;
	const struct registry_slot *entry = &pool->slots[slot];
	int r = attachment_adopt(seats, pool, slot, &attachment);

	if (r == -EREMOTE) {
		log_error("pool '%s': mempoold cannot tell whether pid %d of uid %u, which has it "
			  "open, lives: its liveness file is gone from /dev/shm, and the process "
			  "is in another PID namespace or hidden by /proc; start mempoold where "
			  "it can see that process, or end it and start mempoold there once",
			  pool->record->name, (int)entry->pid, entry->uid);
	}
	if (r == 0 && attachment->stage == ATTACHMENT_LIVE) {
		process = attachment->process;
		ending_test(attachment);
		process_settle(process);
	}
	return r;
}

static int adopt_slots(struct seats *seats, struct pool *pool)
{
	uint32_t n = pool->record->shape.n_slots;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < n && i < REGISTRY_SLOTS; i++) {
		if (mp_load(&pool->slots[i].state) != REGISTRY_SLOT_FREE) {
			r = adopt_slot(seats, pool, i);
		}
	}
	return r;
}

/* Nobody kept its memfds: the pool is nobody's any more but theirs who have it open. */
static void adopt_lost(struct pool *pool)
{
	log_error("pool '%s' of uid %u is gone: nobody kept its memory, a memfd, while there was "
		  "no mempoold; make it anew",
		  pool->record->name, pool->record->uid);
	mp_store_release(&pool->record->broken, 1);
	if (pool_state(pool) == REGISTRY_POOL_LIVE) {
		registry_move_pool(pool->record, REGISTRY_POOL_GONE);
	}
}

/* Opens the objects. Returns -errno when that may succeed later; else *@found says how it went. */
static int adopt_find_memory(struct pool *pool, int *found)
{
	int r = memory_find(&pool->memory);

	*found = r;
	if (r == -EREMOTE) {
		log_error("pool '%s' of uid %u: the process %d, which keeps its memory, lives, and "
			  "cannot be reached from here: it is in another PID namespace, or may not "
			  "be traced; start mempoold where it was before",
			  pool->record->name, pool->record->uid, pool->record->keeper);
	}
	if (r == -ENOSYS) {
		log_error("pool '%s' of uid %u: %s", pool->record->name, pool->record->uid,
			  memory_remedy(pool->record, r));
	}
	if (r == -ENOENT && pool->record->terms.backing == WIRE_MEMFD) {
		adopt_lost(pool);
	}
	return r == -ENOENT || r == -EUCLEAN || r == -EACCES ? 0 : r;
}

/* Takes over the pool of one record that is in use. */
static int adopt_pool(struct seats *seats, uint32_t index)
{
	struct pool *pool = pool_create(seats->pools, index);
	int found, r;

	if (!pool) {
		return -ENOMEM;
	}
	if (pool_state(pool) == REGISTRY_POOL_BUILDING) {
		log_info("pool '%s' of uid %u: was being made; taken down", pool->record->name,
			 pool->record->uid);
		registry_move_pool(pool->record, REGISTRY_POOL_GONE);
		removal_start(pool);
		return 0;
	}
	pool->adopting = true;
	r = adopt_find_memory(pool, &found);
	r = r < 0 ? r : adopt_slots(seats, pool);
	pool->adopting = false;
	if (r == 0 && pool_state(pool) == REGISTRY_POOL_LIVE && ending_reason(pool)) {
		log_info("pool '%s' of uid %u destroyed: %s", pool->record->name, pool->record->uid,
			 ending_reason(pool));
		registry_move_pool(pool->record, REGISTRY_POOL_GONE);
	}
	if (r == 0 && pool_state(pool) == REGISTRY_POOL_GONE && pool->n_used == 0) {
		removal_start(pool);
		return 0;
	}
	if (r == 0 && !pool_is_broken(pool)) {
		r = adopt_check_objects(pool, found);
	}
	if (r == 0 && !pool_is_broken(pool) && pool_state(pool) == REGISTRY_POOL_LIVE) {
		r = growth_resume(pool);
	}
	if (r < 0) {
		log_error("pool '%s' of uid %u cannot be adopted: %s", pool->record->name,
			  pool->record->uid, strerror(-r));
	}
	return r;
}

/* The ids that are part of the names of the registry's objects, sorted. */
struct known {
	const struct pools *pools;
	struct id {
		uint64_t pool, attachment; /* 0: the pool itself */
		uint32_t index;            /* of the pool's record */
	} * ids;
	size_t n;
};

static int adopt_compare_ids(const void *a, const void *b)
{
	const struct id *x = a, *y = b;

	if (x->pool != y->pool) {
		return x->pool < y->pool ? -1 : 1;
	}
	return x->attachment < y->attachment ? -1 : x->attachment > y->attachment;
}

static void adopt_list_pool(struct known *known, const struct pool *pool)
{
	known->ids[known->n++] = (struct id){.pool = pool->record->id, .index = pool->index};
	for (uint32_t slot = 0; slot < pool->slots_end; slot++) {
		if (mp_load(&pool->slots[slot].state) != REGISTRY_SLOT_FREE) {
			known->ids[known->n++] = (struct id){
				.pool = pool->record->id,
				.attachment = pool->slots[slot].attachment,
			};
		}
	}
}

/* Lists the ids of all records and slots in use. Returns 0 or -ENOMEM. */
static int adopt_list_known(struct known *known, const struct pools *pools)
{
	size_t n = 1;

	for (uint32_t i = 0; i < REGISTRY_POOLS; i++) {
		n += pools->of[i] ? 1 + pools->of[i]->n_used : 0;
	}
	*known = (struct known){.pools = pools, .ids = calloc(n, sizeof *known->ids)};
	if (!known->ids) {
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < REGISTRY_POOLS; i++) {
		if (pools->of[i]) {
			adopt_list_pool(known, pools->of[i]);
		}
	}
	qsort(known->ids, known->n, sizeof *known->ids, adopt_compare_ids);
	return 0;
}

static const struct id *adopt_find_id(const struct known *known, uint64_t pool, uint64_t attachment)
{
	const struct id wanted = {.pool = pool, .attachment = attachment};

	return bsearch(&wanted, known->ids, known->n, sizeof wanted, adopt_compare_ids);
}

static bool adopt_is_pool(const struct known *known, uint64_t id, const char *file)
{
	const struct pools *pools = known->pools;
	const struct id *found = adopt_find_id(known, id, 0);
	char name[OBJECT_NAME];

	for (int kind = 0; found && kind < 2; kind++) {
		object_pool_name(name, pools->host.instance, pools->of[found->index]->record->name,
				 id, (enum object_kind)kind);
		if (!strcmp(name + 1, file)) {
			return true;
		}
	}
	return false;
}

/*
 * Whether the registry has an object of that name in /dev/shm. Reads the ids from the name, then
 * makes the name anew from the ids, and compares.
 */
static int adopt_is_known(void *arg, const char *file)
{
	const struct known *known = arg;
	const char *instance = known->pools->host.instance;
	const char *suffix = strrchr(file, '.');
	uint64_t pool = 0, id = 0;
	char name[OBJECT_NAME];

	object_registry_name(name, instance);
	if (!strcmp(name + 1, file)) {
		return true;
	}
	if (!suffix || suffix - file < ID_DIGITS ||
	    sscanf(suffix - ID_DIGITS, "%16" SCNx64, &id) != 1) {
		return false;
	}
	if (adopt_is_pool(known, id, file)) {
		return true;
	}
	if (sscanf(file + strlen("mempool.") + strlen(instance), ".%16" SCNx64 ".", &pool) != 1) {
		return false;
	}
	object_liveness_name(name, instance, pool, id);
	/* The liveness file of a keeper has the pool's id twice. */
	return !strcmp(name + 1, file) && id && adopt_find_id(known, pool, id == pool ? 0 : id);
}

static int adopt_report_unknown(const struct pools *pools)
{
	struct known known;
	int r = adopt_list_known(&known, pools);

	if (r == 0) {
		object_report_unknown(pools->host.instance, adopt_is_known, &known);
		free(known.ids);
	}
	return r;
}

int adopt_all(struct seats *seats, uint32_t *n_pools)
{
	const struct pools *pools = seats->pools;

	*n_pools = 0;
	for (uint32_t i = 0; i < REGISTRY_POOLS; i++) {
		int r;
		if (mp_load(&pools->registry.pools[i].state) == REGISTRY_POOL_FREE) {
			continue;
		}
		r = adopt_pool(seats, i);
		if (r < 0) {
			return r;
		}
		*n_pools += pools->of[i] && pool_state(pools->of[i]) == REGISTRY_POOL_LIVE;
	}
	fate_tell_all(seats->pools);
	return adopt_report_unknown(pools);
}
