/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <time.h>

#include <mempool/admin.h>

#include "lib/export.h"
#include "lib/os/shared.h"

#define COUNT_MS 10 /* counts are at most so old, so far as other processes change them */
#define ALL_GONE (-UINT16_MAX)

static struct mempool_conn *conn; /* guarded by the list's lock */

static os_error_t os_shared_translate(int error)
{
	switch (-error) {
	case 0:
		return OS_OK;
	case EINVAL:
		return OS_INVALID_PARM;
	case ENOENT: /* the socket */
	case ECONNREFUSED:
		return OS_NOT_STARTED;
	case ETIMEDOUT:
		return OS_TIMEOUT;
	case EACCES:
	case EPERM:
		return OS_ERR_PRIV;
	case ENOMEM:
	case ENOSPC:
	case EDQUOT:
	case EUSERS:
	case EMFILE:
	case ENFILE:
		return OS_ENOMEM;
	case EBUSY:
		return OS_EBUSY;
	default:
		return OS_ERROR;
	}
}

/* --- counting ------------------------------------------------------------------------------- */

static int64_t os_shared_now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void os_shared_set_free(struct os_mempool *mp, uint64_t n)
{
	mp->mp_num_free = (uint16_t)(n < mp->mp_num_blocks ? n : mp->mp_num_blocks);
	if (mp->mp_num_free < mp->mp_min_free) {
		mp->mp_min_free = mp->mp_num_free;
	}
}

void os_shared_count(struct os_record *record)
{
	struct mempool_stats stats;

	if (!record->shared || mempool_stat(record->shared, &stats) != 0) {
		return;
	}
	uint64_t taken = stats.used + stats.moving;
	record->mp->mp_num_blocks =
		(uint16_t)(stats.blocks < UINT16_MAX ? stats.blocks : UINT16_MAX);
	os_shared_set_free(record->mp, taken < stats.blocks ? stats.blocks - taken : 0);
	record->counted_ms = os_shared_now_ms();
}

/* After a call of ours that moved @change blocks into the pool. */
static void os_shared_count_change(struct os_record *record, int change)
{
	struct os_mempool *mp = record->mp;

	if (os_shared_now_ms() - record->counted_ms >= COUNT_MS) {
		os_shared_count(record);
	} else {
		int n = mp->mp_num_free + change;
		os_shared_set_free(mp, n < 0 ? 0 : (uint64_t)n);
	}
}

/* --- calls on blocks ------------------------------------------------------------------------ */

/* The handle, which stays open until os_shared_leave(). NULL: none; then there is no leaving. */
static struct mempool *os_shared_enter(const struct os_mempool *mp)
{
	struct os_shelf *shelf = os_shelf_lock(mp);
	struct os_record *record = os_shelf_find(shelf, mp);
	struct mempool *pool = record ? record->shared : NULL;

	if (pool) {
		record->n_inside++;
	}
	os_shelf_unlock(shelf);
	return pool;
}

/* Leaves the call, which put @change blocks into the pool (got them, if negative). */
static void os_shared_leave(const struct os_mempool *mp, int change)
{
	struct os_shelf *shelf = os_shelf_lock(mp);
	struct os_record *record = os_shelf_find(shelf, mp);

	record->n_inside--;
	if (change != 0) {
		os_shared_count_change(record, change);
	}
	os_shelf_unlock(shelf);
}

void *os_shared_get(struct os_mempool *mp)
{
	struct mempool *pool = os_shared_enter(mp);

	if (!pool) {
		return NULL;
	}
	void *block = mempool_get(pool);
	os_shared_leave(mp, block ? -1 : errno == ENOMEM ? ALL_GONE : 0);
	return block;
}

os_error_t os_shared_put(struct os_mempool *mp, void *block)
{
	struct mempool *pool = os_shared_enter(mp);

	if (!pool) {
		return OS_INVALID_PARM;
	}
	int error = mempool_put(pool, block);
	os_shared_leave(mp, error ? 0 : 1);
	return error == -EALREADY || error == -EPERM ? OS_EINVAL : os_shared_translate(error);
}

os_error_t os_shared_check(const struct os_mempool *mp, const void *block)
{
	struct mempool *pool = os_shared_enter(mp);
	struct mempool_block about;

	if (!pool) {
		return OS_INVALID_PARM;
	}
	int64_t index = mempool_block_index(pool, block);
	int error = index < 0 ? (int)index : mempool_block(pool, (uint32_t)index, &about);
	if (!error &&
	    (about.state != MEMPOOL_BLOCK_USED || (int)about.slot != mempool_slot(pool))) {
		error = -EALREADY;
	}
	os_shared_leave(mp, 0);
	return error == -EALREADY ? OS_EINVAL : os_shared_translate(error);
}

bool os_shared_has(const struct os_mempool *mp, const void *block)
{
	struct mempool *pool = os_shared_enter(mp);

	if (!pool) {
		return false;
	}
	bool has = mempool_block_index(pool, block) >= 0;
	os_shared_leave(mp, 0);
	return has;
}

bool os_shared_is_sane(const struct os_mempool *mp)
{
	struct mempool *pool = os_shared_enter(mp);
	struct mempool_report report;

	if (!pool) {
		return false;
	}
	bool is_sane = mempool_check(pool, &report) == 0;
	os_shared_leave(mp, 0);
	return is_sane;
}

/* --- opening and closing -------------------------------------------------------------------- */

os_error_t os_shared_close(struct os_record *record)
{
	if (!record || !record->shared) {
		return OS_OK;
	}
	int error = record->n_inside ? -EBUSY : mempool_close(record->shared);
	return error == -ECHILD ? OS_OK : os_shared_translate(error); /* the parent's goes on */
}

/* What the caller asked for. */
struct wish {
	const char *name;
	uint32_t blocks;
	uint64_t block_size;
	unsigned flags;
};

/* Of a pool that is there, larger blocks do no harm: os_shared_check_pool() looks at them. */
static int os_shared_open_or_create(const struct wish *wish, struct mempool **pool)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;

	attr.blocks = wish->blocks;
	attr.block_size = wish->block_size < MEMPOOL_BLOCK_SIZE_MIN ? MEMPOOL_BLOCK_SIZE_MIN
								    : wish->block_size;
	int error = mempool_open_or_create(conn, wish->name, &attr, pool);
	return error == -EPROTO ? mempool_open(conn, wish->name, 0, pool) : error;
}

/* Uses the process's connection, which it makes if need be; a forked child makes its own. */
static int os_shared_connect_and_open(const struct wish *wish, struct mempool **pool)
{
	int error = conn ? os_shared_open_or_create(wish, pool) : -ECHILD;

	if (error != -ECHILD) {
		return error;
	}
	mempool_disconnect(conn);
	conn = NULL;
	error = mempool_connect(&conn, NULL);
	return error ? error : os_shared_open_or_create(wish, pool);
}

static os_error_t os_shared_check_pool(const struct wish *wish, const struct mempool *pool)
{
	if (mempool_blocks(pool) > UINT16_MAX) {
		return OS_INVALID_PARM;
	}
	return mempool_blocks(pool) < wish->blocks || mempool_block_size(pool) < wish->block_size
		       ? OS_EINVAL
		       : OS_OK;
}

static void os_shared_fulfil(struct os_mempool *mp, struct os_record *record,
			     const struct wish *wish)
{
	mp->mp_block_size = (uint32_t)mempool_block_size(record->shared);
	mp->mp_num_blocks = (uint16_t)mempool_blocks(record->shared);
	mp->mp_min_free = mp->mp_num_blocks;
	mp->mp_num_free = mp->mp_num_blocks;
	mp->mp_flags = (uint8_t)wish->flags;
	mp->mp_membuf_addr = (uintptr_t)mempool_block_at(record->shared, 0);
	mp->name = (char *)(uintptr_t)wish->name;
	SLIST_FIRST(mp) = NULL;
	if (wish->flags & OS_MEMPOOL_F_EXT) {
		struct os_mempool_ext *mpe = (struct os_mempool_ext *)(void *)mp;
		mpe->mpe_put_cb = NULL;
		mpe->mpe_put_arg = NULL;
	}
	os_shared_count(record);
}

/* With the list locked. Frees the record when it fails. */
static os_error_t os_shared_open_record(struct os_record *record, const struct wish *wish)
{
	struct os_mempool *mp = record->mp;
	struct mempool *pool = NULL;
	os_error_t error = os_shared_translate(os_shared_connect_and_open(wish, &pool));

	if (!error) {
		error = os_shared_check_pool(wish, pool);
	}
	if (error) {
		if (pool) {
			mempool_close(pool);
		}
		os_record_free(record);
		return error;
	}
	record->shared = pool;
	struct os_shelf *shelf = os_shelf_lock(mp);
	error = os_shared_close(os_shelf_find(shelf, mp));
	if (!error) {
		os_record_replace(shelf, record);
		os_shared_fulfil(mp, record, wish);
	}
	os_shelf_unlock(shelf);
	if (error) {
		mempool_close(pool);
		os_record_free(record);
	}
	return error;
}

static os_error_t os_shared_open(struct os_mempool *mp, const struct wish *wish)
{
	struct os_record *record = os_record_make(mp, 0);

	if (!record) {
		return OS_ENOMEM;
	}
	os_list_lock();
	os_error_t error = os_shared_open_record(record, wish);
	os_list_unlock();
	return error;
}

static bool os_shared_is_possible(const char *name, int blocks, int block_size)
{
	return name && blocks > 0 && blocks <= UINT16_MAX && block_size > 0;
}

EXPORT os_error_t os_mempool_open_shared(struct os_mempool *mp, const char *name, int blocks,
					 int block_size)
{
	struct wish wish = {name, (uint32_t)blocks, (uint64_t)block_size, OS_MEMPOOL_F_SHARED};

	return mp && os_shared_is_possible(name, blocks, block_size) ? os_shared_open(mp, &wish)
								     : OS_INVALID_PARM;
}

EXPORT os_error_t os_mempool_ext_open_shared(struct os_mempool_ext *mpe, const char *name,
					     int blocks, int block_size)
{
	struct wish wish = {name, (uint32_t)blocks, (uint64_t)block_size,
			    OS_MEMPOOL_F_SHARED | OS_MEMPOOL_F_EXT};

	return mpe && os_shared_is_possible(name, blocks, block_size)
		       ? os_shared_open(&mpe->mpe_mp, &wish)
		       : OS_INVALID_PARM;
}
