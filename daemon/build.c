/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/build.h"
#include "daemon/log.h"
#include "daemon/object.h"
#include "daemon/pool.h"
#include "daemon/request.h"
#include "daemon/server.h"
#include "daemon/task.h"

#define RESERVE_SIZE (1u << 20) /* bytes a step */
#define FORMAT_BUDGET 16384u    /* words a step */
#define PROGRESS_NS 100000000u

enum stage {
	RESERVE_CONTROL,
	RESERVE_DATA,
	FORMAT,
	READY,
};

struct build {
	struct pool *pool;
	struct session *session; /* NULL: it has gone */
	uint32_t serial;         /* of its request */
	enum stage stage;
	int fd;      /* of the object being reserved; -1 between them */
	uint64_t at; /* bytes of it that are */
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
	if (build->fd >= 0) {
		close(build->fd);
	}
	build->pool->build = NULL;
	free(build);
}

/*
 * Makes the object if that is still to do, and reserves a step of it. Returns 1 when it is whole.
 */
static int reserve(struct build *build, enum object_kind kind, uint64_t size)
{
	const struct pool *pool = build->pool;
	uint64_t left = size - build->at;
	char name[OBJECT_NAME];
	int r;

	if (build->fd < 0) {
		object_pool_name(name, pool->server->place.instance, pool->record->name,
				 pool->record->id, kind);
		build->fd = object_create(name, O_RDWR);
		build->at = 0;
		return build->fd < 0 ? build->fd : 0;
	}
	r = object_reserve(build->fd, build->at, left < RESERVE_SIZE ? left : RESERVE_SIZE);
	if (r < 0) {
		return r;
	}
	build->at += left < RESERVE_SIZE ? left : RESERVE_SIZE;
	return build->at == size;
}

static void touch_format(struct pool *pool, void *arg)
{
	struct build *build = arg;

	build->formatted = mp_format_step(&pool->view, &build->format, FORMAT_BUDGET,
					  pool->record->id, pool->record->name, build->seed);
}

/* One step of the current stage. Returns 1 when the stage is done, 0, or -errno. */
static int step(struct build *build)
{
	struct pool *pool = build->pool;
	int r;

	switch (build->stage) {
	case RESERVE_CONTROL:
		r = reserve(build, OBJECT_CONTROL, pool->record->control_size);
		if (r > 0) {
			int fd = build->fd;
			r = pool_map_fd(pool, fd);
			build->fd = r < 0 ? fd : -1;
			return r < 0 ? r : 1;
		}
		return r;
	case RESERVE_DATA:
		r = reserve(build, OBJECT_DATA, pool->record->data_size);
		if (r > 0) {
			close(build->fd);
			build->fd = -1;
		}
		return r;
	case FORMAT:
		r = pool_touch(pool, touch_format, build);
		return r < 0 ? r : build->formatted;
	case READY:
	default:
		return 0;
	}
}

/* Bytes that are reserved. */
static uint64_t done(const struct build *build)
{
	const struct registry_pool *record = build->pool->record;

	switch (build->stage) {
	case RESERVE_CONTROL:
		return build->at;
	case RESERVE_DATA:
		/* Until its object is made, where the one before ended is still noted. */
		return record->control_size + (build->fd < 0 ? 0 : build->at);
	case FORMAT:
	case READY:
	default:
		return record->control_size + record->data_size;
	}
}

uint64_t build_needs(const struct server *server)
{
	const struct task *task;
	uint64_t sum = 0;

	TAILQ_FOREACH(task, &server->builds.tasks, of_queue)
	{
		const struct build *build = task->owner;
		const struct registry_pool *record = build->pool->record;
		sum += record->control_size + record->data_size - done(build);
	}
	return sum;
}

/* Tells the requester how far it is, now and then. Returns 0, or -errno when it does not listen. */
static int tell(struct build *build)
{
	const struct registry_pool *record = build->pool->record;
	uint64_t now = slice_now_ns();
	union wire_message m;

	if (now - build->told_ns < PROGRESS_NS) {
		return 0;
	}
	build->told_ns = now;
	wire_init(&m, WIRE_PROGRESS, build->serial);
	m.progress.total = record->control_size + record->data_size;
	m.progress.done = done(build);
	return session_send(build->session, &m, NULL, 0);
}

/* Takes down what was made. @error, if it is one, goes to the requester. */
static void abandon(struct build *build, int error)
{
	struct pool *pool = build->pool;
	struct session *session = build->session;
	uint32_t serial = build->serial;
	int r = 0;

	log_warning("pool '%s', uid %u: not made: %s", pool->record->name, pool->record->uid,
		    error < 0 ? strerror(-error) : "its creator has gone");
	build_destroy(build);
	if (session) {
		session_set_state(session, SESSION_READY);
		r = session_refuse(session, serial, -error,
				   "pool '%s' was not made: %s; make it smaller, or make room in "
				   "/dev/shm",
				   pool->record->name, strerror(-error));
	}
	pool_retire(pool);
	if (r < 0) {
		session_close(session);
	}
}

/* The pool is whole: it exists from here on, and its creator sits in it. */
static void publish(struct build *build)
{
	struct pool *pool = build->pool;
	struct session *session = build->session;
	uint32_t serial = build->serial;
	bool attached = false;
	int r;

	registry_move_pool(pool->record, REGISTRY_POOL_LIVE);
	log_info("pool '%s' of uid %u made by uid %u, pid %d: %u blocks of %llu bytes, %llu MiB",
		 pool->record->name, pool->record->uid, session->peer.uid, (int)session->peer.pid,
		 pool->shape.blocks, (unsigned long long)pool->shape.block_size,
		 (unsigned long long)(pool->shape.control_size + pool->shape.data_size) >> 20);
	build_destroy(build);
	session_set_state(session, SESSION_READY);
	r = request_attach(session, serial, pool, WIRE_WRITER, &attached);
	if (!attached) {
		/* It was told that it failed, or has gone: then there is no pool. */
		pool_retire(pool);
	}
	if (r < 0) {
		session_close(session);
	}
}

/* Does a step of the task. The build may be freed. */
static void run(void *owner)
{
	struct build *build = owner;
	int r = build->session && build->stage != READY ? step(build) : 0;

	build->stage += r > 0;
	if (r >= 0 && build->session && tell(build) < 0) {
		session_close(build->session);
	}
	if (r < 0 || !build->session) {
		abandon(build, r < 0 ? r : 0);
	} else if (build->stage == READY) {
		publish(build);
	} else {
		task_add(&build->pool->server->builds, &build->task);
	}
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

int build_start(struct session *session, uint32_t serial, const struct registry_pool *record)
{
	struct server *server = session->server;
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
	assign(build, session, serial);
	return 0;
}
