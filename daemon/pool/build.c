/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/pool/build.h"
#include "daemon/base/log.h"
#include "daemon/store/object.h"
#include "daemon/pool/pool.h"
#include "daemon/request/request.h"
#include "daemon/store/reserve.h"
#include "daemon/server.h"
#include "daemon/base/task.h"

#define FORMAT_BUDGET 16384u /* words a step */
#define PROGRESS_NS 100000000u

enum stage {
	RESERVE_CONTROL,
	RESERVE_DATA,
	FORMAT,
	KEEP,
	READY,
};

struct build {
	struct pool *pool;
	struct session *session; /* NULL: it has gone, or there was none */
	uint32_t serial;         /* of its request */
	char *file;              /* that describes the pool; then there is no request */
	enum stage stage;
	int fd;                          /* of the object being reserved; -1 between them */
	struct reservation *reservation; /* NULL: none under way */
	struct mp_format format;
	bool formatted;
	uint64_t seed;
	uint64_t told_ns; /* when the requester last heard */
	struct task task; /* of server.builds; waits between any two steps */
};

bool build_is_of(const struct build *build, uint64_t cookie, uint32_t uid)
{
	return cookie && build->pool->record->cookie == cookie &&
	       build->pool->record->creator == uid;
}

bool build_is_preset(const struct build *build)
{
	return build->file;
}

/* Whether somebody still wants the pool. */
static bool is_wanted(const struct build *build)
{
	return build->session || build->file;
}

void build_forget(struct build *build)
{
	build->session->build = NULL;
	build->session = NULL;
}

static void assign(struct build *build, struct session *session, uint32_t serial)
{
	build->session = session;
	build->serial = serial;
	session->build = build;
	session_set_state(session, SESSION_BUILDING);
}

void build_redirect(struct build *build, struct session *session, uint32_t serial)
{
	struct session *former = build->session;

	if (former) {
		build_forget(build);
		session_set_state(former, SESSION_READY);
	}
	assign(build, session, serial);
}

void build_destroy(struct build *build)
{
	task_remove(&build->pool->server->builds, &build->task);
	if (build->session) {
		build_forget(build);
	}
	if (build->reservation) {
		reserve_abandon(build->reservation);
	}
	if (build->fd >= 0) {
		close(build->fd);
	}
	build->pool->build = NULL;
	free(build->file);
	free(build);
}

static void advance(struct build *build, int result);

/* A slice has been reserved, or not. */
static void on_reserved(void *owner, int result)
{
	struct build *build = owner;

	if (result <= 0) {
		reserve_log(build->reservation, build->pool->record->name);
		build->reservation = NULL;
	}
	advance(build, result < 0 ? result : result == 0);
}

/*
 * Makes the object, of its whole size, and has its first @reserved bytes reserved. Returns 0: the
 * rest is up to on_reserved(); or -errno.
 */
static int begin_object(struct build *build, enum object_kind kind, uint64_t size,
			uint64_t reserved)
{
	struct pool *pool = build->pool;
	struct reserve_wish wish = reserve_wish(&pool->record->terms, kind == OBJECT_DATA);

	build->fd = memory_create(&pool->memory, kind, size);
	if (build->fd < 0) {
		return build->fd;
	}
	build->reservation = reserve_start(&pool->server->reserver, build->fd, 0, reserved, wish,
					   on_reserved, build);
	return build->reservation ? 0 : -ENOMEM;
}

/* The control segment has its pages: it is mapped, and the daemon's from here on. */
static int end_control(struct build *build)
{
	int fd = build->fd, r = pool_map_fd(build->pool, fd);

	build->fd = r < 0 ? fd : -1;
	return r;
}

static void end_data(struct build *build)
{
	close(build->fd);
	build->fd = -1;
}

/* Bytes of data to be reserved: those of the blocks there are to begin with. */
static uint64_t data_needed(const struct pool *pool)
{
	return mp_shape_data(&pool->shape, pool->shape.blocks);
}

static void touch_format(struct pool *pool, void *arg)
{
	struct build *build = arg;

	build->formatted = mp_format_step(&pool->view, &build->format, FORMAT_BUDGET,
					  pool->record->id, pool->record->name, build->seed);
}

/* Begins the current stage, or does a step of it. Returns 1 when it is done, 0, or -errno. */
static int step(struct build *build)
{
	struct pool *pool = build->pool;
	int r;

	switch (build->stage) {
	case RESERVE_CONTROL:
		return begin_object(build, OBJECT_CONTROL, pool->record->control_size,
				    pool->record->control_size);
	case RESERVE_DATA:
		return begin_object(build, OBJECT_DATA, pool->record->data_size, data_needed(pool));
	case FORMAT:
		r = pool_touch(pool, touch_format, build);
		return r < 0 ? r : build->formatted;
	case KEEP:
		r = memory_keep(&pool->memory);
		return r < 0 ? r : 1;
	case READY:
	default:
		return 0;
	}
}

/* Bytes to be reserved, and those that are. */
static uint64_t total(const struct build *build)
{
	return build->pool->record->control_size + data_needed(build->pool);
}

static uint64_t done(const struct build *build)
{
	uint64_t left = build->reservation ? build->reservation->end - build->reservation->at : 0;

	switch (build->stage) {
	case RESERVE_CONTROL:
		return build->reservation ? build->reservation->at : 0;
	case RESERVE_DATA:
		return build->reservation ? total(build) - left : build->pool->record->control_size;
	case FORMAT:
	case KEEP:
	case READY:
	default:
		return total(build);
	}
}

uint64_t build_needs(const struct build *build)
{
	return total(build) - done(build);
}

/* Tells the requester how far it is, now and then. Returns 0, or -errno when it does not listen. */
static int tell(struct build *build)
{
	uint64_t now = slice_now_ns();
	union wire_message m;

	if (now - build->told_ns < PROGRESS_NS) {
		return 0;
	}
	build->told_ns = now;
	wire_init(&m, WIRE_PROGRESS, build->serial);
	m.progress.total = total(build);
	m.progress.done = done(build);
	return session_send(build->session, &m, NULL, 0);
}

/* Takes down what was made. @error, if it is one, goes to the requester. */
static void abandon(struct build *build, int error)
{
	struct pool *pool = build->pool;
	struct session *session = build->session;
	const char *remedy = memory_remedy(pool->record, error);
	uint32_t serial = build->serial;
	int r = 0;

	if (build->file) {
		log_error("%s: pool '%s' was not made: %s: %s, and reload", build->file,
			  pool->record->name, strerror(-error), remedy);
	} else {
		log_warning("pool '%s', uid %u: not made: %s", pool->record->name,
			    pool->record->uid,
			    error < 0 ? strerror(-error) : "its creator has gone");
	}
	build_destroy(build);
	if (session) {
		session_set_state(session, SESSION_READY);
		r = session_refuse(session, serial, -error, "pool '%s' was not made: %s; %s",
				   pool->record->name, strerror(-error), remedy);
	}
	pool_retire(pool);
	if (r < 0) {
		session_abort(session);
	}
}

static void log_made(const struct build *build)
{
	const struct pool *pool = build->pool;
	const struct session *session = build->session;
	char who[64];

	if (session) {
		snprintf(who, sizeof who, "uid %u, pid %d", session->peer.uid,
			 (int)session->peer.pid);
	}
	log_info("pool '%s' of uid %u made by %s: %u blocks of %llu bytes, %llu MiB",
		 pool->record->name, pool->record->uid, session ? who : build->file,
		 pool->shape.blocks, (unsigned long long)pool->shape.block_size,
		 (unsigned long long)(pool->shape.control_size + data_needed(pool)) >> 20);
}

/* The pool is whole: it exists from here on, and its creator, if one asked, sits in it. */
static void publish(struct build *build)
{
	struct pool *pool = build->pool;
	struct session *session = build->session;
	uint32_t serial = build->serial;
	bool attached = false;
	int r;

	registry_move_pool(pool->record, REGISTRY_POOL_LIVE);
	log_made(build);
	build_destroy(build);
	if (!session) {
		return;
	}
	session_set_state(session, SESSION_READY);
	r = request_attach(session, serial, pool, WIRE_WRITER, &attached);
	if (!attached) {
		/* It was told that it failed, or has gone: then there is no pool. */
		pool_retire(pool);
	}
	if (r < 0) {
		session_abort(session);
	}
}

/* Goes on after a step with that result: see step(). The build may be freed. */
static void advance(struct build *build, int result)
{
	if (result > 0 && build->stage == RESERVE_CONTROL) {
		int r = end_control(build);
		result = r < 0 ? r : 1;
	} else if (result > 0 && build->stage == RESERVE_DATA) {
		end_data(build);
	}
	build->stage += result > 0;
	if (result >= 0 && build->session && tell(build) < 0) {
		session_abort(build->session);
	}
	if (result < 0 || !is_wanted(build)) {
		abandon(build, result < 0 ? result : 0);
	} else if (build->stage == READY) {
		publish(build);
	} else if (!build->reservation) {
		task_add(&build->pool->server->builds, &build->task);
	}
}

/* Does a step of the task. */
static void run(void *owner)
{
	struct build *build = owner;

	advance(build, is_wanted(build) ? step(build) : 0);
}

static struct build *build_create(struct pool *pool)
{
	struct build *build = calloc(1, sizeof *build);

	if (!build) {
		return NULL;
	}
	build->pool = pool;
	build->fd = -1;
	build->seed = object_random();
	build->told_ns = slice_now_ns();
	pool->build = build;
	build->task = (struct task){.step = run, .owner = build};
	task_add(&pool->server->builds, &build->task);
	return build;
}

/* Begins to make a pool for nobody yet. Returns 0 or -errno. */
static int start(struct server *server, const struct registry_pool *record, struct build **result)
{
	int index = registry_find_free(&server->registry);
	struct pool *pool;
	struct build *build;
	int r;

	if (index < 0) {
		return -EDQUOT;
	}
	r = registry_enter(&server->registry, (uint32_t)index, record);
	if (r < 0) {
		return r;
	}
	pool = pool_create(server, (uint32_t)index);
	build = pool ? build_create(pool) : NULL;
	if (!build) {
		registry_move_pool(&server->registry.pools[index], REGISTRY_POOL_GONE);
		if (pool) {
			pool_destroy(pool);
		}
		registry_remove(&server->registry, (uint32_t)index);
		return -ENOMEM;
	}
	*result = build;
	return 0;
}

int build_start(struct session *session, uint32_t serial, const struct registry_pool *record)
{
	struct build *build;
	int r = start(session->server, record, &build);

	if (r == 0) {
		assign(build, session, serial);
	}
	return r;
}

int build_start_preset(struct server *server, const struct registry_pool *record, const char *file)
{
	char *copy = strdup(file);
	struct build *build;
	int r = copy ? start(server, record, &build) : -ENOMEM;

	if (r < 0) {
		free(copy);
		return r;
	}
	build->file = copy;
	return 0;
}
