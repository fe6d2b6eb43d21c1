/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include <mempool/admin.h>

#include "lib/export.h"
#include "lib/os/shared.h"

#define COUNT_MS 10  /* counts are at most so old, so far as other processes change them */
#define LOOKS 32     /* see os_shared_count_if_old() */
#define BLIND_MAX 15 /* 2^n - 1 */

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

static os_error_t os_shared_translate_put(int error)
{
	return error == -EALREADY || error == -EPERM ? OS_EINVAL : os_shared_translate(error);
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

/*
 * Counts anew if it is time to. A look at the clock costs as much as a get. After LOOKS looks in
 * one tick of the clock calls come fast, and the next ones do not look: one, three, and so on. So a
 * steady pace, fast or slow, has counts of COUNT_MS; a pause after a fast one has them after
 * BLIND_MAX gets, or as many puts in a row.
 */
static __attribute__((noinline)) bool os_shared_count_if_old(struct os_record *record)
{
	int64_t now = os_shared_now_ms();
	bool is_fast = now == record->looked_ms && !record->kept;

	if (!is_fast) {
		record->looks = 0;
		record->blind = 0;
	} else if (record->looks < LOOKS) {
		record->looks++;
	} else if (record->blind < BLIND_MAX) {
		record->blind = (uint8_t)(2 * record->blind + 1);
	}
	record->looked_ms = now;
	record->n_blind = record->blind;
	if (now - record->counted_ms < COUNT_MS) {
		return false;
	}
	os_shared_count(record);
	return true;
}

/* Counts anew, or by what a call of ours did: it moved @change blocks into the pool. */
static void os_shared_count_change(struct os_record *record, int change)
{
	struct os_mempool *mp = record->mp;

	if (!os_shared_count_if_old(record)) {
		int n = mp->mp_num_free + change;
		os_shared_set_free(mp, n < 0 ? 0 : (uint64_t)n);
	}
	uint32_t most = mp->mp_num_free + record->blind;
	record->most = (uint16_t)(most < mp->mp_num_blocks ? most : mp->mp_num_blocks);
}

static void os_shared_count_get(struct os_record *record)
{
	if (!os_shared_try_take(record)) {
		os_shared_count_change(record, -1);
	}
}

static void os_shared_count_put(struct os_record *record)
{
	if (!os_shared_try_add(record)) {
		os_shared_count_change(record, 1);
	}
}

/* A get found no block, whatever the counts say. */
static void os_shared_count_none(struct os_record *record)
{
	os_shared_count_change(record, -UINT16_MAX);
}

/* --- calls on blocks ------------------------------------------------------------------------ */

/*
 * The record, whose handle stays open until os_shared_leave(). NULL: there is no handle; then there
 * is no leaving.
 */
static struct os_record *os_shared_enter(const struct os_mempool *mp)
{
	struct os_hold hold = os_record_hold(mp);
	struct os_record *record = hold.record && hold.record->shared ? hold.record : NULL;

	if (record) {
		record->n_inside++;
	}
	os_record_release(hold);
	return record;
}

/* Leaves the call, after which @count, which may be NULL, makes the counts right. */
static inline void os_shared_leave(struct os_record *record, void (*count)(struct os_record *))
{
	bool taken = os_lock_enter(&record->lock);

	record->n_inside--;
	if (count) {
		count(record);
	}
	os_lock_leave(&record->lock, taken);
}

/* Notes whether the callback has the block. Returns whether it had; false without callbacks. */
static bool os_shared_keep(struct os_record *record, const void *block, bool is_kept)
{
	int64_t index = record->kept ? mempool_block_index(record->shared, block) : -1;

	if (likely(index < 0) || index >= UINT16_MAX) {
		return false;
	}
	bool taken = os_lock_enter(&record->lock);
	uint64_t *word = &record->kept[index / 64], bit = UINT64_C(1) << index % 64;
	bool was_kept = *word & bit;
	*word = (*word & ~bit) | (is_kept ? bit : 0);
	os_lock_leave(&record->lock, taken);
	return was_kept;
}

void *os_shared_end_get(struct os_record *record, void *block)
{
	if (block) {
		os_shared_keep(record, block, false);
		os_shared_count_change(record, -1);
	} else if (errno == ENOMEM) {
		os_shared_count_none(record);
	}
	return block;
}

os_error_t os_shared_end_put(struct os_record *record, int error)
{
	if (error) {
		return os_shared_translate_put(error);
	}
	os_shared_count_change(record, 1);
	return OS_OK;
}

void *os_shared_get(struct os_mempool *mp)
{
	struct os_record *record = os_shared_enter(mp);

	if (!record) {
		return NULL;
	}
	void *block = mempool_get(record->shared);
	if (block) {
		os_shared_keep(record, block, false);
		os_shared_leave(record, os_shared_count_get);
	} else {
		os_shared_leave(record, errno == ENOMEM ? os_shared_count_none : NULL);
	}
	return block;
}

os_error_t os_shared_put(struct os_mempool *mp, void *block)
{
	struct os_record *record = os_shared_enter(mp);

	if (!record) {
		return OS_INVALID_PARM;
	}
	os_shared_keep(record, block, false);
	int error = mempool_put(record->shared, block);
	if (error) {
		os_shared_leave(record, NULL);
		return os_shared_translate_put(error);
	}
	os_shared_leave(record, os_shared_count_put);
	return OS_OK;
}

/* Whether this process has the block: 0 or a negative errno. */
static int os_shared_owns(struct mempool *pool, const void *block)
{
	struct mempool_block about;
	int64_t index = mempool_block_index(pool, block);
	int error = index < 0 ? (int)index : mempool_block(pool, (uint32_t)index, &about);

	if (!error &&
	    (about.state != MEMPOOL_BLOCK_USED || (int)about.slot != mempool_slot(pool))) {
		error = -EALREADY;
	}
	return error;
}

os_error_t os_shared_hand_over(const struct os_mempool *mp, const void *block)
{
	struct os_record *record = os_shared_enter(mp);

	if (!record) {
		return OS_INVALID_PARM;
	}
	int error = os_shared_owns(record->shared, block);
	if (!error && os_shared_keep(record, block, true)) {
		error = -EALREADY;
	}
	os_shared_leave(record, NULL);
	return error == -EALREADY ? OS_EINVAL : os_shared_translate(error);
}

void os_shared_hand_back(const struct os_mempool *mp, const void *block)
{
	struct os_record *record = os_shared_enter(mp);

	if (record) {
		os_shared_keep(record, block, false);
		os_shared_leave(record, NULL);
	}
}

bool os_shared_has(const struct os_mempool *mp, const void *block)
{
	struct os_record *record = os_shared_enter(mp);

	if (!record) {
		return false;
	}
	bool has = mempool_block_index(record->shared, block) >= 0;
	os_shared_leave(record, NULL);
	return has;
}

bool os_shared_is_sane(const struct os_mempool *mp)
{
	struct os_record *record = os_shared_enter(mp);
	struct mempool_report report;

	if (!record) {
		return false;
	}
	bool is_sane = mempool_check(record->shared, &report) == 0;
	os_shared_leave(record, NULL);
	return is_sane;
}

/* --- opening and closing -------------------------------------------------------------------- */

/* Whether this process is known to have blocks of the pool, or to have given some not yet taken. */
static bool os_shared_has_blocks(struct mempool *pool)
{
	int slot = mempool_slot(pool);
	struct mempool_usage *usage = slot < 0 ? NULL : calloc((size_t)slot + 1, sizeof *usage);
	bool has = usage && mempool_census(pool, NULL, usage, (size_t)slot + 1) == 0 &&
		   usage[slot].used + usage[slot].moving > 0;

	free(usage);
	return has;
}

static bool os_shared_is_busy(const struct os_record *record)
{
	return record->shared && (record->n_inside || os_shared_has_blocks(record->shared));
}

os_error_t os_shared_close(struct os_record *record)
{
	if (!record->shared) {
		return OS_OK;
	}
	/* That of several handles this one can be closed does not mean that nobody uses it. */
	int error = os_shared_is_busy(record) ? -EBUSY : mempool_close(record->shared);
	if (!error || error == -ECHILD) { /* the parent's goes on */
		record->shared = NULL;
		return OS_OK;
	}
	return os_shared_translate(error);
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

static void os_shared_fulfil(struct os_record *record, const struct wish *wish,
			     struct mempool *pool)
{
	struct os_mempool *mp = record->mp;

	record->shared = pool;
	record->base = 0;
	record->blocks = 0;
	__atomic_store_n(&record->fast_blocks, 0, __ATOMIC_RELAXED);
	mp->mp_block_size = (uint32_t)mempool_block_size(pool);
	mp->mp_num_blocks = (uint16_t)mempool_blocks(pool);
	mp->mp_min_free = mp->mp_num_blocks;
	mp->mp_num_free = mp->mp_num_blocks;
	mp->mp_flags = (uint8_t)wish->flags;
	mp->mp_alignment = 0;
	mp->mp_membuf_addr = (uintptr_t)mempool_block_at(pool, 0);
	mp->name = (char *)(uintptr_t)wish->name;
	SLIST_FIRST(mp) = NULL;
	if (wish->flags & OS_MEMPOOL_F_EXT) {
		struct os_mempool_ext *mpe = (struct os_mempool_ext *)(void *)mp;
		mpe->mpe_put_cb = NULL;
		mpe->mpe_put_arg = NULL;
	}
	record->n_blind = 0;
	record->looks = 0;
	record->blind = 0;
	record->most = 0;
	os_shared_count(record);
}

/* The struct becomes the pool's, if it is not in use. With the list locked. */
static os_error_t os_shared_register(struct os_mempool *mp, const struct wish *wish,
				     struct mempool *pool, struct os_notes *notes)
{
	os_error_t error = os_shared_check_pool(wish, pool);
	struct os_record *record = error ? NULL : os_record_claim(mp);

	if (!record) {
		return error ? error : OS_ENOMEM;
	}
	error = os_shared_close(record);
	if (!error) {
		os_list_add(record);
		os_record_swap(record, notes);
		os_shared_fulfil(record, wish, pool);
	}
	os_lock_drop(&record->lock);
	return error;
}

/* With the list locked. */
static os_error_t os_shared_open_and_register(struct os_mempool *mp, const struct wish *wish,
					      struct os_notes *notes)
{
	struct os_hold hold = os_record_hold(mp);
	bool is_busy = hold.record && os_shared_is_busy(hold.record);
	struct mempool *pool = NULL;

	os_record_release(hold);
	if (is_busy) {
		return OS_EBUSY; /* before a second handle of the same pool hides it */
	}
	os_error_t error = os_shared_translate(os_shared_connect_and_open(wish, &pool));
	if (error) {
		return error;
	}
	error = os_shared_register(mp, wish, pool, notes);
	if (error) {
		mempool_close(pool);
	}
	return error;
}

static os_error_t os_shared_open(struct os_mempool *mp, const struct wish *wish)
{
	struct os_notes notes;

	if (!os_notes_make(&notes, 0, wish->flags & OS_MEMPOOL_F_EXT ? UINT16_MAX : 0)) {
		return OS_ENOMEM;
	}
	os_list_lock();
	os_error_t error = os_shared_open_and_register(mp, wish, &notes);
	os_list_unlock();
	os_notes_free(&notes);
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
