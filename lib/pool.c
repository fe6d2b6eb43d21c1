/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "lib/close.h"
#include "lib/conn.h"
#include "lib/core/futex.h"
#include "lib/error.h"
#include "lib/export.h"
#include "lib/map.h"
#include "lib/poison.h"
#include "lib/thread.h"
#include "lib/wire/shape.h"

/* ---- attaching ---- */

/* Fills a handle from the daemon's answer. */
static int pool_attach(struct mempool *pool, const struct wire_attached *reply, int *fds, int n_fds)
{
	int wanted = reply->access == WIRE_OBSERVER ? 2 : 3;

	pool->id = reply->pool_id;
	pool->core.slot = reply->slot;
	pool->attachment = reply->attachment;
	pool->access = (enum wire_access)reply->access;
	pool->core.shape = wire_shape_to_core(&reply->shape);
	if (n_fds != wanted || mp_shape_resolve(&pool->core.shape, 1)) {
		return fail(EPROTO, "mempoold sent an attachment to %s that makes no sense",
			    pool->name);
	}
	int error = map_open(pool, fds);
	error = error ? error : map_prepare(pool, &reply->terms);
	if (error) {
		return error;
	}
	struct mp_shape shape = pool->core.shape;
	mp_pool_bind(&pool->core, &shape, pool->control, pool->data, reply->slot);
	pool->core.quota = reply->terms.quota;
	pool->terms = reply->terms;
	return 0;
}

/* The core is the first of a handle's members. */
static bool pool_ask_barrier(const struct mp_pool *core)
{
	return conn_barrier(((const struct mempool *)core)->conn);
}

/* Enters the pool into the process's list; opening is held. */
static int pool_enlist(struct process *process, struct mempool *pool)
{
	struct calm calm;

	calm_begin(&calm);
	process->has_barrier = process->has_barrier || mp_barrier_register();
	pool->core.fenced = !process->has_barrier;
	pool->core.ask_barrier = pool_ask_barrier;
	bool poisoned = pool->access == WIRE_WRITER && poison_is_wanted();
	pool->tag = (const char *)pool + (pool->core.quota > 0 || poisoned || pool->core.fenced);
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
				       "%s cannot be opened: this process has %d pools open, and "
				       "more are not possible",
				       pool->name, PROCESS_POOLS);
}

/* Fills the handle from the daemon's answer; descriptors that it does not keep are closed. */
static int pool_admit(struct process *process, struct mempool *pool,
		      const struct wire_attached *reply, int *fds, int n_fds)
{
	int error = pool_attach(pool, reply, fds, n_fds);

	while (n_fds > 0) {
		if (fds[--n_fds] >= 0) {
			close(fds[n_fds]);
		}
	}
	return error ? error : pool_enlist(process, pool);
}

/*
 * Sends CREATE or OPEN and makes a handle of the answer. The handle comes first, so that no want of
 * memory leaves us with a seat that we do not know of.
 */
static int pool_request(struct process *process, struct mempool_conn *conn, const char *name,
			union wire_message *m, struct mempool **result)
{
	int fds[WIRE_FDS], n_fds = WIRE_FDS;

	struct mempool *pool = calloc(1, sizeof *pool);
	if (!pool) {
		wire_init(m, WIRE_ERROR, 0); /* nothing was asked, so there is nothing to undo */
		return fail(ENOMEM, "no memory for a handle of %s", name);
	}
	pool->epoch = process_epoch();
	pool->opens = 1;
	pool->control_fd = -1;
	pool->conn = conn;
	strcpy(pool->name, name);
	int error = conn_request(conn, m, fds, &n_fds);
	if (error) {
		free(pool);
		return error;
	}
	error = pool_admit(process, pool, &m->attached, fds, n_fds);
	if (error) {
		close_handle(pool);
		return error;
	}
	conn_ref(conn);
	*result = pool;
	return 0;
}

/* The daemon made the pool but we cannot open it. The caller is told of a failure: destroys it. */
static void pool_undo_create(struct mempool_conn *conn, const char *name, int error)
{
	union wire_message m;

	if (error == -EMFILE || error == -ENOMEM || error == -EIO || error == -EOPNOTSUPP) {
		wire_init(&m, WIRE_DESTROY, 0);
		strcpy(m.name.name, name);
		conn_tell(conn, &m);
	}
}

/* ---- create ---- */

/* Whether the fields of a later version, which we do not know, are all zero. */
static bool pool_tail_is_zero(const struct mempool_attr *attr)
{
	const unsigned char *bytes = (const unsigned char *)attr;

	for (size_t i = sizeof *attr; i < attr->size; i++) {
		if (bytes[i]) {
			return false;
		}
	}
	return true;
}

/* The capacity of each of a thread's two magazines, if it may cache so many blocks: 8, 24, ... */
static uint32_t pool_capacity_for(uint32_t thread_cache)
{
	uint32_t half = thread_cache / 2;

	if (thread_cache == 0 || thread_cache == MEMPOOL_NO_CACHE) {
		return 0;
	}
	return half >= MP_CAPACITY_MAX ? MP_CAPACITY_MAX : half < 8 ? 8 : (half - 8) / 16 * 16 + 8;
}

/* mempool.h names these for programs, the engine and the daemon go by their own names. */
#define SAME(name, here) _Static_assert((unsigned)(name) == (unsigned)(here), #name " is " #here)
SAME(MEMPOOL_BLOCK_SIZE_MIN, MP_BLOCK_SIZE_MIN);
SAME(MEMPOOL_BLOCK_SIZE_MAX, MP_BLOCK_SIZE_MAX);
SAME(MEMPOOL_BLOCKS_MAX, MP_BLOCKS_MAX);
SAME(MEMPOOL_ALIGNMENT_MAX, MP_ALIGNMENT_MAX);
SAME(MEMPOOL_PROCESSES_MAX, MP_SLOTS_MAX);
SAME(MEMPOOL_THREADS_MAX, MP_CACHES_MAX);
SAME(MEMPOOL_SHARDS_MAX, MP_SHARDS_MAX);
SAME(MEMPOOL_CHANNELS_MAX, MP_CHANNELS_MAX);
SAME(MEMPOOL_CHANNEL_DEPTH_MAX, MP_DEPTH_MAX);
SAME(MEMPOOL_SUBSCRIBERS_MAX, MP_SEATS_MAX);
SAME(MEMPOOL_BROADCASTS_MAX, MP_BROADCASTS_MAX);
SAME(MEMPOOL_UNTIL_LAST_USER, WIRE_LAST_USER);
SAME(MEMPOOL_UNTIL_CREATOR, WIRE_CREATOR);
SAME(MEMPOOL_BACKING_SHM, WIRE_SHM);
SAME(MEMPOOL_BACKING_MEMFD, WIRE_MEMFD);
SAME(MEMPOOL_TRY, WIRE_TRY);
SAME(MEMPOOL_REQUIRE, WIRE_REQUIRE);
_Static_assert(MEMPOOL_NAME_MAX < WIRE_NAME, "a name and its zero fit into a message");

/* @type: WIRE_CREATE or WIRE_OPEN_OR_CREATE. */
static void pool_create_message(union wire_message *m, uint16_t type, const char *name,
				const struct mempool_attr *a)
{
	wire_init(m, type, 0);
	strcpy(m->create.name, name);
	if (getrandom(&m->create.cookie, sizeof m->create.cookie, GRND_NONBLOCK) < 0) {
		m->create.cookie = 0; /* then a request that is sent again may find EEXIST */
	}
	m->create.shape = (struct wire_shape){
		.block_size = a->block_size,
		.blocks = a->blocks,
		.max_blocks = a->max_blocks,
		.alignment = a->alignment,
		.capacity = pool_capacity_for(a->thread_cache),
		.n_caches = a->thread_cache == MEMPOOL_NO_CACHE ? 0
			    : a->threads                        ? a->threads
								: mp_caches_default(a->processes),
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

/* The size of the first version. Fields that came later are zero for programs that lack them. */
#define ATTR_SIZE_MIN offsetof(struct mempool_attr, backing)

/* Copies the fields that the caller has, and checks them. */
static int pool_take_attr(const char *name, struct mempool_attr *attr,
			  const struct mempool_attr *from)
{
	if (!from || from->size < ATTR_SIZE_MIN) {
		return fail(EINVAL, "the attributes of %s do not begin with MEMPOOL_ATTR_INIT",
			    name);
	}
	if (!pool_tail_is_zero(from)) {
		return fail(E2BIG,
			    "the attributes of %s ask for what this libmempool (" MP_VERSION
			    ") does not know",
			    name);
	}
	*attr = (struct mempool_attr){0};
	memcpy(attr, from, from->size < sizeof *attr ? from->size : sizeof *attr);
	if (attr->reserved) {
		return fail(EINVAL, "the reserved field of the attributes of %s is not zero", name);
	}
	if (attr->backing > MEMPOOL_BACKING_MEMFD || attr->huge_pages > MEMPOOL_REQUIRE ||
	    attr->prefault > MEMPOOL_REQUIRE) {
		return fail(EINVAL,
			    "backing, huge_pages or prefault in the attributes of %s is not known",
			    name);
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

	int error = conn_check_name(name);
	error = error ? error : pool_take_attr(name, &own, attr);
	if (error) {
		return error;
	}
	pool_create_message(&m, WIRE_CREATE, name, &own);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	pthread_mutex_lock(&process->opening);
	error = pool_request(process, conn, name, &m, result);
	if (error && m.head.type != WIRE_ERROR) {
		pool_undo_create(conn, name, error);
	}
	pthread_mutex_unlock(&process->opening);
	pthread_setcancelstate(cancel, NULL);
	return error;
}

/* ---- open ---- */

/* What the caller asked for. */
struct wish {
	const char *name;
	enum wire_access access;
	uint32_t alignment;      /* at least */
	uint64_t block_size;     /* 0: any */
	struct wire_terms terms; /* schema 0: any */
};

/* Refuses when a pool that this process has open is not what the caller wishes. */
static int pool_check_wish(const struct mempool *pool, const struct wish *wish)
{
	const struct wire_terms *has = &pool->terms, *asked = &wish->terms;
	const struct mp_shape *shape = &pool->core.shape;

	if (asked->schema &&
	    (has->schema != asked->schema || has->schema_version != asked->schema_version)) {
		return fail(EPROTO,
			    "this process has %s open: its schema is %#" PRIx64
			    " version %u, not %#" PRIx64 " version %u",
			    pool->name, has->schema, has->schema_version, asked->schema,
			    asked->schema_version);
	}
	if (wish->block_size && wish->block_size != shape->block_size) {
		return fail(EPROTO,
			    "this process has %s open: its blocks have %" PRIu64
			    " bytes, not %" PRIu64,
			    pool->name, shape->block_size, wish->block_size);
	}
	if (wish->alignment > shape->alignment) {
		return fail(EPROTO,
			    "this process has %s open: its blocks are aligned to %u bytes, "
			    "not %u",
			    pool->name, shape->alignment, wish->alignment);
	}
	if ((asked->huge_pages == WIRE_REQUIRE && has->huge_pages != WIRE_REQUIRE) ||
	    (asked->prefault == WIRE_REQUIRE && has->prefault != WIRE_REQUIRE)) {
		return fail(EPROTO,
			    "this process has %s open: it does not require the huge pages or the "
			    "prefault that this call does",
			    pool->name);
	}
	return 0;
}

/* Opens once more a pool that this process has open. Returns 1, 0 when it has not, or an errno. */
static int pool_open_again(struct process *process, uint64_t id, const struct wish *wish,
			   struct mempool **result)
{
	for (struct mempool *pool = process->pools; pool; pool = pool->next) {
		if (pool->id != id) {
			continue;
		}
		int error = pool_check_wish(pool, wish);
		if (error) {
			return error;
		}
		if (pool->access == wish->access) {
			pool->opens++;
			*result = pool;
			return 1;
		}
		if (pool->access != WIRE_OBSERVER && wish->access != WIRE_OBSERVER) {
			return fail(EBUSY, "this process has %s open with another access",
				    pool->name);
		}
	}
	return 0;
}

/*
 * If this process has pools open, asks which pool has the name now, and opens it once more if this
 * is one of them. Returns as pool_open_again(); 0, too, when no pool has the name yet.
 */
static int pool_open_known(struct process *process, struct mempool_conn *conn,
			   const struct wish *wish, struct mempool **result)
{
	union wire_message m;

	if (!process->pools) {
		return 0;
	}
	wire_init(&m, WIRE_FIND_POOL, 0);
	strcpy(m.name.name, wish->name);
	int error = conn_request(conn, &m, NULL, NULL);
	if (error == 0) {
		return pool_open_again(process, m.pool.id, wish, result);
	}
	return error == -ENOENT && m.head.type == WIRE_ERROR ? 0 : error;
}

static int pool_open(struct process *process, struct mempool_conn *conn, const struct wish *wish,
		     struct mempool **result)
{
	union wire_message m;

	int found = pool_open_known(process, conn, wish, result);
	if (found != 0) {
		return found > 0 ? 0 : found;
	}
	wire_init(&m, WIRE_OPEN, 0);
	strcpy(m.open.name, wish->name);
	m.open.access = wish->access;
	m.open.schema = wish->terms.schema;
	m.open.schema_version = wish->terms.schema_version;
	return pool_request(process, conn, wish->name, &m, result);
}

EXPORT int mempool_open_schema(struct mempool_conn *conn, const char *name, unsigned flags,
			       uint64_t schema, uint32_t version, struct mempool **result)
{
	struct process *process = process_get();
	struct wish wish = {
		.name = name,
		.terms = {.schema = schema, .schema_version = schema ? version : 0},
	};
	int cancel;

	int error = conn_check_name(name);
	if (error) {
		return error;
	}
	if (flags & ~(MEMPOOL_RDONLY | MEMPOOL_OBSERVE | MEMPOOL_EINTR)) {
		return fail(EINVAL, "flags %#x to open %s are not known", flags, name);
	}
	wish.access = flags & MEMPOOL_OBSERVE  ? WIRE_OBSERVER
		      : flags & MEMPOOL_RDONLY ? WIRE_READER
					       : WIRE_WRITER;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	pthread_mutex_lock(&process->opening);
	error = pool_open(process, conn, &wish, result);
	if (error == 0 && flags & MEMPOOL_EINTR) {
		mp_store_release(&(*result)->heeds_signals, 1);
	}
	pthread_mutex_unlock(&process->opening);
	pthread_setcancelstate(cancel, NULL);
	return error;
}

EXPORT int mempool_open(struct mempool_conn *conn, const char *name, unsigned flags,
			struct mempool **result)
{
	return mempool_open_schema(conn, name, flags, 0, 0, result);
}

/* ---- either ---- */

static int pool_open_or_create(struct process *process, struct mempool_conn *conn, const char *name,
			       union wire_message *m, struct mempool **result)
{
	const struct wish wish = {
		.name = name,
		.access = WIRE_WRITER,
		.alignment = m->create.shape.alignment,
		.block_size = m->create.shape.block_size,
		.terms = m->create.terms,
	};

	int found = pool_open_known(process, conn, &wish, result);
	if (found != 0) {
		return found > 0 ? 0 : found;
	}
	return pool_request(process, conn, name, m, result);
}

EXPORT int mempool_open_or_create(struct mempool_conn *conn, const char *name,
				  const struct mempool_attr *attr, struct mempool **result)
{
	struct process *process = process_get();
	struct mempool_attr own;
	union wire_message m;
	int cancel;

	int error = conn_check_name(name);
	error = error ? error : pool_take_attr(name, &own, attr);
	if (error) {
		return error;
	}
	pool_create_message(&m, WIRE_OPEN_OR_CREATE, name, &own);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	pthread_mutex_lock(&process->opening);
	error = pool_open_or_create(process, conn, name, &m, result);
	pthread_mutex_unlock(&process->opening);
	pthread_setcancelstate(cancel, NULL);
	return error;
}

/* ---- destroy, grow ---- */

EXPORT int mempool_destroy(struct mempool_conn *conn, const char *name)
{
	union wire_message m;

	int error = conn_check_name(name);
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

	int error = conn_check_name(name);
	if (error == 0) {
		wire_init(&m, WIRE_GROW, 0);
		strcpy(m.grow.name, name);
		m.grow.blocks = blocks;
		error = conn_request(conn, &m, NULL, NULL);
	}
	return error;
}
