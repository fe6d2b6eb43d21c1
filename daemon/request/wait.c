/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/pool/build.h"
#include "daemon/pool/pool.h"
#include "daemon/pool/pools.h"
#include "daemon/request/wait.h"
#include "daemon/seat/ending.h"
#include "daemon/session/reply.h"

/* A request that waits, on the heap until it is answered or its session ends. */
struct waiter {
	struct reply reply; /* first: wait_on_forgotten() gets this */
	struct pool_asker asker;
	struct seats *seats;
	union wire_message message;
	struct build *build; /* NULL: it has ended, and the task waits */
	uint32_t index;      /* of the pool's record */
	uint64_t id;         /* of the pool */
	bool is_promised;    /* counted in the pool's n_promised */
	int error;           /* how the build ended */
	const char *remedy;  /* with error */
	struct task task;    /* of pools.builds */
};

static bool wait_is_open(const struct waiter *waiter)
{
	return waiter->message.head.type == WIRE_OPEN;
}

static const char *wait_name(const struct waiter *waiter)
{
	return wait_is_open(waiter) ? waiter->message.open.name : waiter->message.create.name;
}

static bool wait_observes(const struct waiter *waiter)
{
	return wait_is_open(waiter) && waiter->message.open.access == WIRE_OBSERVER;
}

static void wait_free(struct waiter *waiter)
{
	struct pool *pool = waiter->seats->pools->of[waiter->index];

	if (waiter->is_promised && pool && pool->record->id == waiter->id) {
		ending_end_promise(waiter->seats, pool);
	}
	free(waiter);
}

/* Its session has ended. */
static void wait_on_forgotten(struct reply *reply)
{
	struct waiter *waiter = (struct waiter *)(void *)reply;

	if (waiter->build) {
		build_remove_asker(waiter->build, &waiter->asker);
	}
	task_remove(&waiter->seats->pools->builds, &waiter->task);
	wait_free(waiter);
}

/* Whether the request may be fulfilled although the pool that it waited for was not made. */
static bool wait_may_go_on(const struct waiter *waiter)
{
	return pool_find_holder(waiter->seats->pools, wait_name(waiter)) ||
	       (!wait_is_open(waiter) && (waiter->error == -ECANCELED || waiter->error == -ENOENT));
}

static int wait_refuse(const struct waiter *waiter, struct session *session)
{
	uint32_t serial = waiter->reply.serial;
	const char *name = wait_name(waiter);

	switch (waiter->error) {
	case -ECANCELED:
		return session_refuse(session, serial, ENOENT,
				      "pool '%s' was not made: its creator has gone; make it",
				      name);
	case -ENOENT:
		return session_refuse(session, serial, ENOENT,
				      "pool '%s' was destroyed while it was made; make it anew",
				      name);
	default:
		return session_refuse(session, serial,
				      wait_is_open(waiter) ? ENOENT : -waiter->error,
				      "pool '%s' was not made: %s; %s", name,
				      strerror(-waiter->error), waiter->remedy);
	}
}

/* The step of the task: answers. */
static void wait_run(void *owner)
{
	struct waiter *waiter = owner;
	struct session *session = reply_take(&waiter->reply);
	int r;

	if (waiter->error == 0 || wait_may_go_on(waiter)) {
		r = session->sessions->handle(session, &waiter->message);
	} else {
		r = wait_refuse(waiter, session);
	}
	if (r < 0) {
		session_abort(session);
	}
	wait_free(waiter);
}

static bool wait_on_progress(void *arg, uint64_t done, uint64_t total)
{
	struct waiter *waiter = arg;
	const struct registry_pool *record = waiter->seats->pools->of[waiter->index]->record;
	bool wants = record->terms.lifetime != WIRE_CREATOR && !wait_observes(waiter);

	reply_progress(&waiter->reply, done, total); /* it may end the session, and free this */
	return wants;
}

static void wait_on_end(void *arg, struct pool *pool, int error)
{
	struct waiter *waiter = arg;

	waiter->build = NULL;
	waiter->error = error;
	if (error < 0) {
		waiter->remedy = memory_remedy(pool->record, error);
	} else if (!wait_observes(waiter)) {
		waiter->is_promised = true;
		pool->n_promised++;
	}
	task_add(&pool->pools->builds, &waiter->task);
}

int wait_for_pool(struct session *session, const union wire_message *message, struct pool *pool)
{
	struct waiter *waiter = calloc(1, sizeof *waiter);

	if (!waiter) {
		return session_refuse(session, message->head.serial, ENOMEM,
				      "pool '%s' is being made, and mempoold has no memory left to "
				      "note that you wait; open it later",
				      pool->record->name);
	}
	waiter->reply.forgotten = wait_on_forgotten;
	waiter->asker = (struct pool_asker){
		.progress = wait_on_progress,
		.ended = wait_on_end,
		.arg = waiter,
	};
	waiter->seats = session->sessions->seats;
	waiter->message = *message;
	waiter->build = pool->build;
	waiter->index = pool->index;
	waiter->id = pool->record->id;
	waiter->task = (struct task){.step = wait_run, .owner = waiter};
	build_add_asker(pool->build, &waiter->asker);
	reply_assign(&waiter->reply, session, message->head.serial);
	log_debug("pool '%s', uid %u, pid %d: waits until it is made", pool->record->name,
		  session->peer.uid, (int)session->peer.pid);
	return 0;
}
