/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/channel.h"
#include "lib/conn.h"
#include "lib/core/futex.h"
#include "lib/error.h"
#include "lib/export.h"
#include "lib/poison.h"
#include "lib/handle.h"
#include "lib/thread.h"
#include "lib/wire/shape.h"

enum { CONTROL, DATA, LIVENESS };

/* ---- mapping ---- */

static void *map_one(int fd, uint64_t size, int protection)
{
	struct stat st;

	/* A page that is not there would be SIGBUS later; PROT_NONE pages are never touched. */
	if (protection != PROT_NONE && (fstat(fd, &st) != 0 || (uint64_t)st.st_size < size)) {
		errno = EIO;
		return NULL;
	}
	void *at = mmap(NULL, size, protection, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED) {
		return NULL;
	}
	if (madvise(at, size, MADV_DONTFORK) != 0) {
		munmap(at, size);
		return NULL;
	}
	return at;
}

static void unmap(struct mempool *pool)
{
	if (pool->control) {
		munmap(pool->control, pool->core.shape.control_size);
	}
	if (pool->poisoned) {
		poison_close(pool);
	}
	if (pool->data) {
		munmap(pool->data, pool->core.shape.data_size);
	}
	if (pool->liveness) {
		munmap(pool->liveness, MP_PAGE);
	}
}

static int map_all(struct mempool *pool, const int *fds)
{
	const struct mp_shape *shape = &pool->core.shape;
	int all = PROT_READ | PROT_WRITE;

	/* The lock on our life first: from here on the daemon can tell exec from living on. */
	if (pool->access != WIRE_OBSERVER) {
		pool->liveness = map_one(fds[LIVENESS], MP_PAGE, PROT_NONE);
	}
	pool->control = map_one(fds[CONTROL], shape->control_size,
				pool->access == WIRE_OBSERVER ? PROT_READ : all);
	pool->data =
		map_one(fds[DATA], shape->data_size, pool->access == WIRE_WRITER ? all : PROT_READ);
	if (!pool->control || !pool->data || (pool->access != WIRE_OBSERVER && !pool->liveness)) {
		return fail(errno, "cannot map the pool: %s", strerror(errno));
	}
	if (!mp_layout_matches(pool->control, shape, pool->id)) {
		return fail(EPROTONOSUPPORT, "the pool is laid out by another version of mempool");
	}
	return 0;
}

/*
 * Puts the pages into this process's page tables. They are there already, so that it fails only
 * for want of memory for the tables, or because the kernel is older than 5.14.
 */
static int prefault(void *at, uint64_t size, bool writable)
{
	int r;

	do {
		r = madvise(at, size, writable ? MADV_POPULATE_WRITE : MADV_POPULATE_READ);
	} while (r != 0 && errno == EINTR);
	return r == 0 ? 0 : errno == EINVAL ? -EOPNOTSUPP : -ENOMEM;
}

/* Does with the mapped pool as its attributes ask. */
static int prepare_pages(const struct mempool *pool, const struct wire_terms *terms)
{
	const struct mp_shape *shape = &pool->core.shape;
	uint64_t data = mp_shape_data(shape, shape->blocks);
	int error = 0;

	if (terms->huge_pages != WIRE_NO) {
		madvise(pool->data, shape->data_size,
			MADV_HUGEPAGE); /* where they are, it uses them */
	}
	if (terms->prefault != WIRE_NO && pool->access != WIRE_OBSERVER) {
		error = prefault(pool->control, shape->control_size, true);
		error = error ? error : prefault(pool->data, data, pool->access == WIRE_WRITER);
	}
	if (error && terms->prefault == WIRE_REQUIRE) {
		return fail(-error,
			    "the pool requires prefault, which fails: %s; make it with "
			    "prefault try, or no",
			    error == -EOPNOTSUPP ? "it takes Linux 5.14" : strerror(-error));
	}
	return 0;
}

/* ---- attaching ---- */

/* Fills a handle from the daemon's answer. */
static int attach(struct mempool *pool, const struct wire_attached *reply, const int *fds,
		  int n_fds)
{
	int wanted = reply->access == WIRE_OBSERVER ? 2 : 3;

	pool->id = reply->pool_id;
	pool->core.slot = reply->slot;
	pool->attachment = reply->attachment;
	pool->access = (enum wire_access)reply->access;
	pool->core.shape = wire_shape_to_core(&reply->shape);
	if (n_fds != wanted || mp_shape_resolve(&pool->core.shape, 1)) {
		return fail(EPROTO, "mempoold sent an attachment that makes no sense");
	}
	int error = map_all(pool, fds);
	error = error ? error : prepare_pages(pool, &reply->terms);
	if (error) {
		return error;
	}
	struct mp_shape shape = pool->core.shape;
	mp_pool_bind(&pool->core, &shape, pool->control, pool->data, reply->slot);
	pool->core.quota = reply->terms.quota;
	pool->schema = reply->terms.schema;
	pool->schema_version = reply->terms.schema_version;
	return 0;
}

/* Tells the daemon that the seat is free. It would find out by itself, in a while. */
static void detach(struct mempool *pool)
{
	union wire_message m;

	if (pool->attachment && pool->access != WIRE_OBSERVER) {
		wire_init(&m, WIRE_DETACH, 0);
		m.detach.pool_id = pool->id;
		m.detach.attachment = pool->attachment;
		m.detach.slot = pool->core.slot;
		conn_tell(pool->conn, &m);
	}
}

/* Enters the pool into the process's list; opening is held. */
static int enlist(struct process *process, struct mempool *pool)
{
	struct calm calm;

	calm_begin(&calm);
	process->stealable = process->stealable || mp_barrier_register();
	pool->core.stealable = process->stealable;
	bool poisoned = pool->access == WIRE_WRITER && poison_is_wanted();
	pool->tag = (const char *)pool + (pool->core.quota > 0 || poisoned);
	pthread_mutex_lock(&process->mutex);
	pool->place = process_take_place(process);
	if (pool->place >= 0) {
		pool->local_at = offsetof(struct thread, locals) +
				 (size_t)pool->place * sizeof(struct mp_local);
		pool->next = process->pools;
		process->pools = pool;
	}
	pthread_mutex_unlock(&process->mutex);
	calm_end(&calm);
	if (poisoned && pool->place >= 0) {
		poison_open(pool);
		pool->poisoned = true;
	}
	return pool->place >= 0 ? 0
				: fail(EMFILE,
				       "this process has %d pools open, no more are "
				       "possible",
				       PROCESS_POOLS);
}

/* Makes a handle of the daemon's answer; the descriptors are closed. */
static int admit(struct process *process, struct mempool_conn *conn,
		 const struct wire_attached *reply, int *fds, int n_fds, struct mempool **result)
{
	int error = 0;

	struct mempool *pool = calloc(1, sizeof *pool);
	if (pool) {
		pool->epoch = process_epoch();
		pool->opens = 1;
		pool->conn = conn;
		error = attach(pool, reply, fds, n_fds);
	} else {
		error = fail(ENOMEM, "no memory for a pool's handle");
	}
	while (n_fds > 0) {
		close(fds[--n_fds]);
	}
	error = error ? error : enlist(process, pool);
	if (error) {
		if (pool) {
			unmap(pool);
			detach(pool);
			free(pool);
		}
		return error;
	}
	conn_ref(conn);
	*result = pool;
	return 0;
}

/* Sends CREATE or OPEN and makes a handle of the answer. */
static int request(struct process *process, struct mempool_conn *conn, union wire_message *m,
		   struct mempool **result)
{
	int fds[WIRE_FDS], n_fds = WIRE_FDS;

	int error = conn_request(conn, m, fds, &n_fds);
	return error ? error : admit(process, conn, &m->attached, fds, n_fds, result);
}

/* A pool was made that we cannot open: whoever asked for it is told of a failure, so it must go. */
static void undo_create(struct mempool_conn *conn, const char *name, int error)
{
	union wire_message m;

	if (error == -EMFILE || error == -ENOMEM || error == -EIO || error == -EOPNOTSUPP) {
		wire_init(&m, WIRE_DESTROY, 0);
		strcpy(m.name.name, name);
		conn_tell(conn, &m);
	}
}

static int check_name(const char *name)
{
	return name && wire_name_valid(name)
		       ? 0
		       : fail(EINVAL, "'%.80s' is no name: 1 to 64 of a-z 0-9 . _ -",
			      name ? name : "");
}

/* ---- create ---- */

/* Whether the part of a larger, later attr that we do not know asks for nothing. */
static bool tail_is_zero(const struct mempool_attr *attr)
{
	const unsigned char *bytes = (const unsigned char *)attr;

	for (size_t i = sizeof *attr; i < attr->size; i++) {
		if (bytes[i]) {
			return false;
		}
	}
	return true;
}

/* Blocks a thread may cache, as the capacity of each of its two magazines: 8, 24, 40, ... */
static uint32_t capacity_for(uint32_t thread_cache)
{
	uint32_t half = thread_cache / 2;

	if (thread_cache == 0 || thread_cache == MEMPOOL_NO_CACHE) {
		return 0;
	}
	return half >= MP_CAPACITY_MAX ? MP_CAPACITY_MAX : half < 8 ? 8 : (half - 8) / 16 * 16 + 8;
}

static void create_message(union wire_message *m, const char *name, const struct mempool_attr *a)
{
	wire_init(m, WIRE_CREATE, 0);
	strcpy(m->create.name, name);
	if (getrandom(&m->create.cookie, sizeof m->create.cookie, GRND_NONBLOCK) < 0) {
		m->create.cookie = 0; /* then a request that is sent again may find EEXIST */
	}
	m->create.shape = (struct wire_shape){
		.block_size = a->block_size,
		.blocks = a->blocks,
		.max_blocks = a->max_blocks,
		.alignment = a->alignment,
		.capacity = capacity_for(a->thread_cache),
		.n_caches = a->thread_cache == MEMPOOL_NO_CACHE ? 0
			    : a->threads                        ? a->threads
								: MP_CACHES_DEFAULT,
		.n_slots = a->processes,
		.n_shards = a->shards,
		.n_channels = a->channels,
		.depth = a->channel_depth,
	};
	m->create.terms = (struct wire_terms){
		.schema = a->schema,
		.schema_version = a->schema_version,
		.quota = a->quota,
		.lifetime = a->lifetime,
		.backing = (uint8_t)a->backing,
		.huge_pages = (uint8_t)a->huge_pages,
		.prefault = (uint8_t)a->prefault,
	};
	m->create.uid = a->uid;
	m->create.gid = a->gid;
	m->create.mode = a->mode;
	m->create.gift_grace_ms = a->gift_grace_ms;
}

/* Of the first version; what came later is zero for programs that do not know it. */
#define ATTR_SIZE_MIN offsetof(struct mempool_attr, backing)

/* Takes what the caller has of them, and checks it. */
static int take_attr(struct mempool_attr *attr, const struct mempool_attr *from)
{
	if (!from || from->size < ATTR_SIZE_MIN) {
		return fail(EINVAL, "the attributes do not begin with MEMPOOL_ATTR_INIT");
	}
	if (!tail_is_zero(from)) {
		return fail(E2BIG, "the attributes ask for what this libmempool does not know");
	}
	*attr = (struct mempool_attr){0};
	memcpy(attr, from, from->size < sizeof *attr ? from->size : sizeof *attr);
	if (attr->reserved) {
		return fail(EINVAL, "the attributes' reserved field is not zero");
	}
	if (attr->backing > MEMPOOL_BACKING_MEMFD || attr->huge_pages > MEMPOOL_REQUIRE ||
	    attr->prefault > MEMPOOL_REQUIRE) {
		return fail(EINVAL, "the attributes' backing, huge_pages or prefault is not known");
	}
	return 0;
}

EXPORT int mempool_create(struct mempool_conn *conn, const char *name,
			  const struct mempool_attr *attr, struct mempool **result)
{
	struct process *process = process_get();
	struct mempool_attr own;
	union wire_message m;
	int cancel;

	int error = check_name(name);
	error = error ? error : take_attr(&own, attr);
	if (error) {
		return error;
	}
	create_message(&m, name, &own);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	pthread_mutex_lock(&process->opening);
	error = request(process, conn, &m, result);
	if (error && m.head.type != WIRE_ERROR) {
		undo_create(conn, name, error);
	}
	pthread_mutex_unlock(&process->opening);
	pthread_setcancelstate(cancel, NULL);
	return error;
}

/* ---- open ---- */

/* The id of the pool that has the name now. */
static int find_id(struct mempool_conn *conn, const char *name, uint64_t *id)
{
	union wire_message m;

	wire_init(&m, WIRE_FIND_POOL, 0);
	strcpy(m.name.name, name);
	int error = conn_request(conn, &m, NULL, NULL);
	if (error == 0) {
		*id = m.pool.id;
	}
	return error;
}

/* What a caller of open wants. */
struct wish {
	const char *name;
	enum wire_access access;
	uint64_t schema; /* 0: any */
	uint32_t version;
};

/* The same pool, open already: one more open of it. 0: it is not. */
static int open_again(struct process *process, uint64_t id, const struct wish *wish,
		      struct mempool **result)
{
	for (struct mempool *pool = process->pools; pool; pool = pool->next) {
		if (pool->id != id) {
			continue;
		}
		if (wish->schema &&
		    (pool->schema != wish->schema || pool->schema_version != wish->version)) {
			return fail(EPROTO,
				    "this process has the pool open: its schema is %#" PRIx64
				    " version %u, not %#" PRIx64 " version %u",
				    pool->schema, pool->schema_version, wish->schema,
				    wish->version);
		}
		if (pool->access == wish->access) {
			pool->opens++;
			*result = pool;
			return 1;
		}
		if (pool->access != WIRE_OBSERVER && wish->access != WIRE_OBSERVER) {
			return fail(EBUSY, "this process has the pool open with another access");
		}
	}
	return 0;
}

static int open_pool(struct process *process, struct mempool_conn *conn, const struct wish *wish,
		     struct mempool **result)
{
	union wire_message m;
	uint64_t id;

	if (process->pools) {
		int error = find_id(conn, wish->name, &id);
		int found = error ? error : open_again(process, id, wish, result);
		if (found != 0) {
			return found > 0 ? 0 : found;
		}
	}
	wire_init(&m, WIRE_OPEN, 0);
	strcpy(m.open.name, wish->name);
	m.open.access = wish->access;
	m.open.schema = wish->schema;
	m.open.schema_version = wish->version;
	return request(process, conn, &m, result);
}

EXPORT int mempool_open_schema(struct mempool_conn *conn, const char *name, unsigned flags,
			       uint64_t schema, uint32_t version, struct mempool **result)
{
	struct process *process = process_get();
	struct wish wish = {.name = name, .schema = schema, .version = schema ? version : 0};
	int cancel;

	int error = check_name(name);
	if (error) {
		return error;
	}
	if (flags & ~(MEMPOOL_RDONLY | MEMPOOL_OBSERVE)) {
		return fail(EINVAL, "flags %#x are not known", flags);
	}
	wish.access = flags & MEMPOOL_OBSERVE  ? WIRE_OBSERVER
		      : flags & MEMPOOL_RDONLY ? WIRE_READER
					       : WIRE_WRITER;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	pthread_mutex_lock(&process->opening);
	error = open_pool(process, conn, &wish, result);
	pthread_mutex_unlock(&process->opening);
	pthread_setcancelstate(cancel, NULL);
	return error;
}

EXPORT int mempool_open(struct mempool_conn *conn, const char *name, unsigned flags,
			struct mempool **result)
{
	return mempool_open_schema(conn, name, flags, 0, 0, result);
}

EXPORT int mempool_destroy(struct mempool_conn *conn, const char *name)
{
	union wire_message m;

	int error = check_name(name);
	if (error == 0) {
		wire_init(&m, WIRE_DESTROY, 0);
		strcpy(m.name.name, name);
		error = conn_request(conn, &m, NULL, NULL);
	}
	return error;
}

EXPORT int mempool_grow(struct mempool_conn *conn, const char *name, uint32_t blocks)
{
	union wire_message m;

	int error = check_name(name);
	if (error == 0) {
		wire_init(&m, WIRE_GROW, 0);
		strcpy(m.grow.name, name);
		m.grow.blocks = blocks;
		error = conn_request(conn, &m, NULL, NULL);
	}
	return error;
}

/* ---- close ---- */

/* Whether any thread is inside a call; the mutex is held. */
static bool is_busy(const struct process *process, const struct mempool *pool)
{
	for (const struct thread *t = process->threads; t; t = t->next) {
		const struct mp_local *local = &t->locals[pool->place];
		if (local->handle == pool->tag &&
		    (mp_load(&local->cache->busy) || mp_load(&local->waiting))) {
			return true;
		}
	}
	for (const struct mempool_channel *c = pool->channels; c; c = c->next) {
		if (channel_is_busy(c)) {
			return true;
		}
	}
	return false;
}

/* What this process still has: blocks and gifts. */
static bool has_blocks(const struct mp_pool *core)
{
	uint32_t born = mp_pool_born(core);
	for (uint32_t i = 0; i < born; i++) {
		uint64_t word = mp_load(&core->words[i].whole);
		if ((uint32_t)word == core->used ||
		    (uint32_t)word == mp_word_low(MP_MOVING, core->slot)) {
			return true;
		}
	}
	return false;
}

/* Finishes the locals of all threads, and takes the pool off the list; the mutex is held. */
static void retire(struct process *process, struct mempool *pool)
{
	for (struct thread *t = process->threads; t; t = t->next) {
		struct mp_local *local = &t->locals[pool->place];
		if (local->handle == pool->tag) {
			mp_local_finish(&pool->core, local);
			local->handle = NULL;
		}
	}
	struct mempool **link = &process->pools;
	while (*link != pool) {
		link = &(*link)->next;
	}
	*link = pool->next;
	process->places[pool->place] = false;
}

/* Of a pool that is closed by force, and so off the list: nobody else comes by. */
static void free_channels(struct mempool *pool)
{
	while (pool->channels) {
		struct mempool_channel *channel = pool->channels;
		pool->channels = channel->next;
		channel_free(channel);
	}
}

/* Why the pool cannot be closed now, or NULL; the mutex is held. */
static const char *find_hindrance(const struct process *process, const struct mempool *pool,
				  bool force)
{
	if (is_busy(process, pool)) {
		return "a thread is inside a call on the pool";
	}
	if (!force && pool->channels) {
		return "channels of the pool are open";
	}
	if (!force && pool->access != WIRE_OBSERVER && has_blocks(&pool->core)) {
		return "this process still has blocks of the pool, or gifts of it that nobody took";
	}
	return NULL;
}

/*
 * The last close. The blocks of a forced one go back by the daemon's pass over our seat. A failure
 * is told of without the mutex: the thread may have no part to keep its sentence in, and making one
 * takes the mutex.
 */
static int close_last(struct process *process, struct mempool *pool, bool force)
{
	struct calm calm;

	calm_begin(&calm);
	pthread_mutex_lock(&process->mutex);
	const char *hindrance = find_hindrance(process, pool, force);
	if (!hindrance) {
		retire(process, pool);
	}
	pthread_mutex_unlock(&process->mutex);
	calm_end(&calm);
	if (hindrance) {
		return fail(EBUSY, "%s", hindrance);
	}
	free_channels(pool);
	unmap(pool);
	detach(pool);
	conn_unref(pool->conn);
	free(pool);
	return 0;
}

static int close_pool(struct mempool *pool, bool force)
{
	struct process *process = process_get();
	int error = 0, cancel;

	if (pool_is_foreign(pool)) {
		return fail(ECHILD, "the pool was opened before fork, by the parent");
	}
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	pthread_mutex_lock(&process->opening);
	if (force || pool->opens == 1) {
		error = close_last(process, pool, force);
	} else {
		pool->opens--;
	}
	pthread_mutex_unlock(&process->opening);
	pthread_setcancelstate(cancel, NULL);
	return error;
}

EXPORT int mempool_close(struct mempool *pool)
{
	return close_pool(pool, false);
}

EXPORT int mempool_close_force(struct mempool *pool)
{
	return close_pool(pool, true);
}
