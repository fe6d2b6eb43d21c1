/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/pool/limit.h"
#include "daemon/session/access.h"
#include "daemon/pool/growth.h"
#include "daemon/base/log.h"
#include "daemon/store/object.h"
#include "daemon/pool/pool.h"
#include "daemon/request/request.h"
#include "daemon/store/reserve.h"
#include "daemon/pool/room.h"
#include "daemon/server.h"
#include "daemon/base/task.h"
#include "lib/core/grow.h"

#define LAY_BUDGET 16384u /* words a step */
#define PROGRESS_NS 100000000u
#define PUNCH_SIZE (8u << 20) /* a step */

struct growth {
	struct pool *pool;
	struct session *session; /* NULL: nobody waits for it */
	uint32_t serial;         /* of its request */
	uint32_t blocks;         /* there are to be */
	int fd;                  /* of the data object, while pages are reserved; else -1 */
	uint64_t from, to;       /* bytes of it */
	uint64_t reached;        /* bytes below it are reserved */
	struct reservation *reservation;
	int error;  /* why what was reserved is given back */
	bool ended; /* the requester, if there was one, has its answer */
	struct mp_growth words;
	bool laid;
	uint64_t seed;
	uint64_t told_ns;
	struct task task; /* of server.builds, while words are laid or pages given back */
};

uint64_t growth_needs(const struct growth *growth)
{
	return growth->reservation ? growth->reservation->end - growth->reservation->at : 0;
}

uint64_t growth_end(const struct growth *growth)
{
	return growth->to;
}

uint32_t growth_target(const struct growth *growth)
{
	return growth->blocks;
}

void growth_forget(struct growth *growth)
{
	growth->session->growth = NULL;
	growth->session = NULL;
}

void growth_destroy(struct growth *growth)
{
	task_remove(&growth->pool->server->builds, &growth->task);
	if (growth->reservation) {
		reserve_abandon(growth->reservation);
	}
	if (growth->session) {
		growth_forget(growth);
	}
	if (growth->fd >= 0) {
		close(growth->fd);
	}
	growth->pool->growth = NULL;
	free(growth);
}

static int answer(struct session *session, uint32_t serial, const struct pool *pool, int error)
{
	const char *name = pool->record->name;
	union wire_message reply;

	switch (error) {
	case 0:
		wire_init(&reply, WIRE_DONE, serial);
		return session_send(session, &reply, NULL, 0);
	case -ENOSPC:
		return session_refuse(
			session, serial, ENOSPC,
			"pool '%s' did not grow: %s is full; ask for fewer blocks, or "
			"make room there",
			name, memory_name(pool->record));
	case -EOPNOTSUPP:
		return session_refuse(session, serial, EOPNOTSUPP,
				      "pool '%s' did not grow: it requires huge pages, and no more "
				      "are to be had",
				      name);
	case -ENOENT:
		return session_refuse(session, serial, ENOENT,
				      "pool '%s' was destroyed while it grew", name);
	case -EIO:
		return session_refuse(session, serial, EIO,
				      "pool '%s' did not grow: it is broken, see the log of "
				      "mempoold; destroy it and make it anew",
				      name);
	default:
		return session_refuse(session, serial, -error, "pool '%s' did not grow: %s", name,
				      strerror(-error));
	}
}

/* Says how it ended, once; it need not be over yet. */
static void conclude(struct growth *growth, int error)
{
	const struct pool *pool = growth->pool;
	struct session *session = growth->session;

	if (growth->ended) {
		return;
	}
	growth->ended = true;
	if (error == 0) {
		log_info("pool '%s' of uid %u: has %u blocks now", pool->record->name,
			 pool->record->uid, growth->blocks);
	} else {
		log_warning("pool '%s' of uid %u: did not grow to %u blocks: %s",
			    pool->record->name, pool->record->uid, growth->blocks,
			    strerror(-error));
	}
	if (session) {
		growth_forget(growth);
		session_set_state(session, SESSION_READY);
		if (answer(session, growth->serial, pool, error) < 0) {
			session_abort(session);
		}
	}
}

/* ---- giving back ---- */

/* A step of the task. A slice that failed has taken nothing. */
static void give_back(void *owner)
{
	struct growth *growth = owner;
	uint64_t left = growth->reached - growth->from;
	uint64_t size = left < PUNCH_SIZE ? left : PUNCH_SIZE;

	if (left > 0) {
		object_punch(growth->fd, growth->from, size);
		growth->from += size;
		task_add(&growth->pool->server->builds, &growth->task);
		return;
	}
	conclude(growth, growth->error);
	growth_destroy(growth);
}

static void begin_giving_back(struct growth *growth, int error)
{
	growth->error = error;
	growth->task = (struct task){.step = give_back, .owner = growth};
	task_add(&growth->pool->server->builds, &growth->task);
}

void growth_stop(struct growth *growth)
{
	struct reservation *reservation = growth->reservation;

	conclude(growth, -ENOENT);
	if (reservation) {
		/* Of a slice under way some may stay, until the pool's last user has left. */
		growth->reservation = NULL;
		reserve_abandon(reservation);
		begin_giving_back(growth, -ENOENT);
	} else if (growth->error == 0) {
		growth_destroy(growth);
	}
}

/* ---- laying ---- */

static void touch_lay(struct pool *pool, void *arg)
{
	struct growth *growth = arg;

	growth->laid = mp_grow_step(&pool->view, &growth->words, LAY_BUDGET, growth->seed);
}

/* A step of the task. */
static void lay(void *owner)
{
	struct growth *growth = owner;
	struct pool *pool = growth->pool;
	int r = pool_touch(pool, touch_lay, growth);

	if (r == 0 && growth->laid) {
		pool->record->laid = growth->blocks;
	}
	if (r < 0 || growth->laid) {
		conclude(growth, r);
		growth_destroy(growth);
	} else {
		task_add(&pool->server->builds, &growth->task);
	}
}

static void begin_laying(struct growth *growth)
{
	mp_grow_init(&growth->words, growth->pool->record->laid, growth->blocks);
	growth->seed = object_random();
	growth->task = (struct task){.step = lay, .owner = growth};
	task_add(&growth->pool->server->builds, &growth->task);
}

/* From here on there are so many blocks, whoever dies. */
static void commit(struct growth *growth)
{
	struct pool *pool = growth->pool;

	mp_compiler_fence();
	pool->record->shape.blocks = growth->blocks;
	mp_compiler_fence();
	pool->shape.blocks = growth->blocks;
	pool->view.shape.blocks = growth->blocks;
}

/* ---- reserving ---- */

/* Tells the requester how far it is, now and then. */
static void tell(struct growth *growth)
{
	uint64_t now = slice_now_ns();
	union wire_message m;

	if (!growth->session || now - growth->told_ns < PROGRESS_NS) {
		return;
	}
	growth->told_ns = now;
	wire_init(&m, WIRE_PROGRESS, growth->serial);
	m.progress.total = growth->to - growth->from;
	m.progress.done = m.progress.total - growth_needs(growth);
	if (session_send(growth->session, &m, NULL, 0) < 0) {
		session_abort(growth->session);
	}
}

static void on_reserved(void *owner, int result)
{
	struct growth *growth = owner;

	if (result > 0) {
		growth->reached = growth->reservation->at;
		tell(growth);
		return;
	}
	growth->reservation = NULL;
	if (result == 0) {
		growth->reached = growth->to;
		result = pool_verify(growth->pool);
	}
	if (result < 0) {
		begin_giving_back(growth, result);
		return;
	}
	close(growth->fd);
	growth->fd = -1;
	commit(growth);
	begin_laying(growth);
}

static struct growth *growth_create(struct pool *pool, uint32_t blocks)
{
	struct growth *growth = calloc(1, sizeof *growth);

	if (growth) {
		growth->pool = pool;
		growth->blocks = blocks;
		growth->fd = -1;
		growth->from = mp_shape_data(&pool->shape, pool->shape.blocks);
		growth->to = mp_shape_data(&pool->shape, blocks);
		growth->reached = growth->from;
		growth->told_ns = slice_now_ns();
		pool->growth = growth;
	}
	return growth;
}

static void assign(struct growth *growth, struct session *session, uint32_t serial)
{
	growth->session = session;
	growth->serial = serial;
	session->growth = growth;
	session_set_state(session, SESSION_BUILDING);
}

/* Begins to reserve. Returns 0, or -errno and nothing was begun. */
static int start(struct pool *pool, uint32_t blocks, struct session *session, uint32_t serial)
{
	struct growth *growth = growth_create(pool, blocks);

	if (!growth) {
		return -ENOMEM;
	}
	growth->fd = pool_open_data(pool, O_RDWR);
	if (growth->fd < 0) {
		int r = growth->fd;
		growth_destroy(growth);
		return r;
	}
	growth->reservation =
		reserve_start(&pool->server->reserver, growth->fd, growth->from, growth->to,
			      reserve_wish(&pool->record->terms, true), on_reserved, growth);
	if (!growth->reservation) {
		growth_destroy(growth);
		return -ENOMEM;
	}
	assign(growth, session, serial);
	return 0;
}

int growth_resume(struct pool *pool)
{
	const struct registry_pool *record = pool->record;
	uint64_t end = mp_shape_data(&pool->shape, record->shape.blocks);
	struct growth *growth;

	if (record->data_size > end) {
		int fd = pool_open_data(pool, O_RDWR);
		if (fd < 0) {
			return fd;
		}
		object_punch(fd, end, record->data_size - end);
		close(fd);
	}
	if (record->laid >= record->shape.blocks) {
		return 0;
	}
	growth = growth_create(pool, record->shape.blocks);
	if (!growth) {
		return -ENOMEM;
	}
	begin_laying(growth);
	return 0;
}

/* ---- the request ---- */

/* Whether it may not be: then a refusal was sent, with *@result as its outcome. */
static bool is_refused(struct session *session, const struct wire_grow *grow,
		       const struct pool *pool, int *result)
{
	const struct registry_pool *record = pool->record;
	uint32_t serial = grow->head.serial;

	if (!access_may_destroy(session, record)) {
		*result =
			session_refuse(session, serial, EACCES,
				       "pool '%s' belongs to uid %u: uid %u may not let it grow%s",
				       record->name, record->uid, session->peer.uid,
				       access_hint(session, record->name, RULE_DESTROY));
		return true;
	}
	if (grow->blocks > record->shape.max_blocks) {
		*result =
			session_refuse(session, serial, EINVAL,
				       "pool '%s' can have %u blocks at most, as it was made with "
				       "that max_blocks; make it anew with more",
				       record->name, record->shape.max_blocks);
		return true;
	}
	return false;
}

/*
 * It grows already. When nobody waits for that and it is what this session wants, it is likely to
 * be who asked for it, before the connection or the daemon was lost.
 */
static int join(struct session *session, const struct wire_grow *grow, struct growth *growth)
{
	if (!growth->session && !growth->ended && growth->blocks == grow->blocks) {
		assign(growth, session, grow->head.serial);
		return 0;
	}
	return session_refuse(session, grow->head.serial, EBUSY,
			      "pool '%s' is growing already; try again later",
			      growth->pool->record->name);
}

/* Whether a limit forbids it: then a refusal was sent, with *@result as its outcome. */
static bool is_beyond_limits(struct session *session, const struct wire_grow *grow,
			     const struct pool *pool, uint64_t need, int *result)
{
	const struct limit_claim claim = {
		.uid = pool->record->uid,
		.is_free = rule_is_free(session->peer.uid),
		.bytes = need,
		.blocks = grow->blocks - pool->shape.blocks,
	};
	char text[WIRE_TEXT];

	if (!limit_on_pool(session->server, &claim, text, sizeof text)) {
		return false;
	}
	log_warning("pool '%s', uid %u, pid %d: did not grow: %s", pool->record->name,
		    session->peer.uid, (int)session->peer.pid, text);
	*result = session_refuse(session, grow->head.serial, EDQUOT, "pool '%s': %s",
				 pool->record->name, text);
	return true;
}

static int begin(struct session *session, const struct wire_grow *grow, struct pool *pool)
{
	uint32_t serial = grow->head.serial;
	uint64_t left, need = mp_shape_data(&pool->shape, grow->blocks) -
			      mp_shape_data(&pool->shape, pool->shape.blocks);
	int r;

	if (is_beyond_limits(session, grow, pool, need, &r)) {
		return r;
	}
	if (!room_for(session->server, pool->record, need, &left)) {
		return session_refuse(session, serial, ENOSPC,
				      "pool '%s' needs %llu MiB more and %s has %llu MiB free; ask "
				      "for fewer blocks, or make room there",
				      pool->record->name,
				      (unsigned long long)(need + (1u << 20) - 1) >> 20,
				      memory_name(pool->record), (unsigned long long)left >> 20);
	}
	r = start(pool, grow->blocks, session, serial);
	return r < 0 ? answer(session, serial, pool, r) : 0;
}

int handle_grow(struct session *session, const union wire_message *message)
{
	const struct wire_grow *grow = &message->grow;
	uint32_t serial = grow->head.serial;
	int result;
	struct pool *pool = request_find_pool(session, serial, grow->name, &result);

	if (!pool || is_refused(session, grow, pool, &result)) {
		return result;
	}
	result = pool_verify(pool);
	if (result < 0 || grow->blocks <= pool->record->laid) {
		return answer(session, serial, pool, result);
	}
	return pool->growth ? join(session, grow, pool->growth) : begin(session, grow, pool);
}
