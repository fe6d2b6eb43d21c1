/* SPDX-License-Identifier: MIT */
/*
 * A pool, as the daemon has it: its record, its control segment mapped, its attachments. The data
 * is never mapped. Geometry and rights come from the record. The daemon reads the segment under
 * the guard.
 */
#ifndef MP_DAEMON_POOL_H
#define MP_DAEMON_POOL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "daemon/base/task.h"
#include "daemon/store/memory.h"
#include "daemon/store/registry.h"
#include "lib/core/pass.h"

struct attachment;
struct pool;

TAILQ_HEAD(attachment_queue, attachment);

struct build;
struct growth;
struct pools;

/*
 * An asker: hears how a build or a growth goes on, and how it ends. All NULL: nobody asked.
 */
struct pool_asker {
	/* Hears after a step how many bytes are done. Returns whether anybody still wants it. */
	bool (*progress)(void *arg, uint64_t done, uint64_t total);
	/*
	 * Hears the end, once: 0, or -errno. -ECANCELED: @progress said that nobody wants it;
	 * -ESHUTDOWN: the daemon stops; -ENOENT: the pool was destroyed. The asker that began the
	 * build hears it last, and may destroy the pool in this call.
	 */
	void (*ended)(void *arg, struct pool *pool, int error);
	void *arg;
	TAILQ_ENTRY(pool_asker) of_build; /* of a build, which may have several */
};

TAILQ_HEAD(pool_askers, pool_asker);

/* The end of a pool: removal.c. */
struct pool_removal {
	bool begun;
	struct task task; /* of pools.removals */
	int fds[2];       /* by object kind; -1: nothing to give back */
	uint64_t sizes[2];
	uint64_t at; /* how many bytes of the current object are given back */
};

enum pool_reclaim_stage {
	POOL_GATHERING,  /* buries the waiting, and moves them to the passed */
	POOL_PASSING,    /* does the pass over the passed */
	POOL_CONCLUDING, /* the pass is done: frees their slots, or begins their grace */
};

/* The reclaim of a pool: what seat/reclaim.c takes back from its dead processes. */
struct pool_reclaim {
	struct attachment_queue waiting; /* attachments that died since the pass began */
	struct attachment_queue passed;  /* attachments that the pass is for */
	enum pool_reclaim_stage stage;
	struct mp_pass pass;
	struct mp_dead *dead; /* for the pass, by slot */
	bool queued;          /* in seats.reclaims */
	uint64_t turn;        /* number of the pool's last turn */
	TAILQ_ENTRY(pool) of_queue;
};

struct pool {
	struct pools *pools;
	uint32_t index; /* of its record */
	struct registry_pool *record;
	struct registry_slot *slots;
	struct mp_shape shape; /* follows from the record */
	struct mp_pool view;   /* of the control segment, while that is mapped */
	void *control;         /* NULL: not mapped */
	struct memory memory;  /* both objects, open */
	uint32_t n_used;       /* slots that are not FREE */
	uint32_t n_live;       /* slots with an attachment that is not dying */
	uint32_t slots_end;    /* all slots from this one on are FREE */
	bool owner_live;       /* lifetime CREATOR: its attachment is LIVE */
	uint32_t n_promised;   /* sessions that waited for the pool, and open it next */
	bool unclaimed;        /* made, and nobody has opened it yet who asked for it */
	bool adopting; /* adoption has slots yet to look at: the pool does not end meanwhile */
	struct build *build;   /* while it is being made */
	struct growth *growth; /* while it is growing */
	struct pool_removal removal;
	struct pool_reclaim reclaim;
};

/* Makes the heap object of a record that is in use. NULL: there is no memory. */
struct pool *pool_create(struct pools *pools, uint32_t index);

/* Frees the pool, closes and unmaps its objects; the record stays. It must not be growing. */
void pool_destroy(struct pool *pool);

static inline enum registry_pool_state pool_state(const struct pool *pool)
{
	return (enum registry_pool_state)mp_load(&pool->record->state);
}

static inline bool pool_is_broken(const struct pool *pool)
{
	return mp_load(&pool->record->broken) != 0;
}

/* The LIVE pool of that name, or NULL. */
struct pool *pool_find(struct pools *pools, const char *name);

/* The pool that has the name, LIVE or BUILDING. NULL: the name is free. */
struct pool *pool_find_holder(struct pools *pools, const char *name);

/* How many bytes of both objects are reserved, for the blocks that the pool has. */
uint64_t pool_reserved(const struct pool *pool);

/* Counts all pools, also those under removal. */
uint32_t pool_count(const struct pools *pools);

/* Maps the control object, which was made or found. Returns 0 or -errno. */
int pool_map(struct pool *pool);

/*
 * Does @work on the mapped segment, under the guard. Returns 0, or -EIO when a client has truncated
 * the segment: then it marks the pool broken, and logs that.
 */
int pool_touch(struct pool *pool, void (*work)(struct pool *pool, void *arg), void *arg);

/* Marks the pool broken in record and segment, so that clients see it, and logs @why. */
void pool_break(struct pool *pool, const char *why);

/* Returns 0 if the control object still has its size; else marks the pool broken. 0 or -EIO. */
int pool_verify(struct pool *pool);

/* The descriptor of the control object, to write; the pool's own. */
static inline int pool_control(const struct pool *pool)
{
	return pool->memory.fds[OBJECT_CONTROL];
}

/* Opens the data object once more. Returns a descriptor, or as memory_open(). */
int pool_open_data(const struct pool *pool, int flags);

/* Opens the control object once more, read-only. Returns as pool_open_data(). */
int pool_open_control(const struct pool *pool);

#endif
