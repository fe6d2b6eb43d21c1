/* SPDX-License-Identifier: MIT */
#include <err.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "lib/core/format.h"
#include "tests/support/arena.h"

static void *arena_shared_memory(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED) {
		err(99, "mmap %zu", size);
	}
	return p;
}

void arena_make(struct arena *arena, struct mp_shape wish)
{
	struct mp_format at = {0};

	wish.block_size = wish.block_size ? wish.block_size : 64;
	wish.n_slots = wish.n_slots ? wish.n_slots : 8; /* a pass walks over them, and is stepped */
	const char *fault = mp_shape_resolve(&wish, 2);
	if (fault) {
		errx(99, "%s", fault);
	}
	arena->data = arena_shared_memory(wish.data_size);
	mp_pool_bind(&arena->daemon, &wish, arena_shared_memory(wish.control_size), NULL, MP_NONE);
	while (!mp_format_step(&arena->daemon, &at, 100, 1, "arena", 42)) {
	}
}

void arena_free(struct arena *arena)
{
	munmap(arena->data, arena->daemon.shape.data_size);
	munmap(arena->daemon.header, arena->daemon.shape.control_size);
}

void arena_seat(struct arena *arena, uint32_t slot, struct member *member)
{
	bool has_barrier = mp_barrier_register();

	mp_slot_claim(&arena->daemon, slot, 1);
	mp_pool_bind(&member->pool, &arena->daemon.shape, arena->daemon.header, arena->data, slot);
	member->pool.fenced = !has_barrier;
	mp_local_init(&member->pool, &member->local);
}

void arena_thread(const struct member *sibling, struct member *member)
{
	member->pool = sibling->pool;
	mp_local_init(&member->pool, &member->local);
}

uint64_t arena_bury(struct arena *arena, uint32_t slot, bool grace_over)
{
	return arena_bury_watched(arena, slot, grace_over, NULL, NULL);
}

uint64_t arena_bury_watched(struct arena *arena, uint32_t slot, bool grace_over,
			    void (*watch)(void *arg), void *arg)
{
	static struct mp_dead dead[MP_SLOTS_MAX];
	struct mp_pass pass;

	mp_slot_bury(&arena->daemon, slot);
	mp_pass_add(dead, slot, grace_over);
	mp_pass_init(&pass, dead);
	do {
		if (watch) {
			watch(arg);
		}
	} while (!mp_pass_step(&arena->daemon, &pass, 7));
	dead[slot].passed = false;
	return dead[slot].recovered;
}

/* Does what every call of the library does at its end. */
static void arena_leave(struct member *member)
{
	mp_leave(member->local.cache);
	if (mp_is_pressed(&member->pool)) {
		mp_relieve(&member->pool, &member->local);
	}
}

/* Whether calls try the fastest path first, as those of the library do. */
static bool arena_is_fast(const struct member *member)
{
	return !member->pool.fenced;
}

int member_get(struct member *member, uint32_t *index)
{
	if (!mp_enter(member->local.cache)) {
		return -EDEADLK;
	}
	int error = 0;
	*index = arena_is_fast(member)
			 ? mp_try_get(&member->pool, &member->local, member->local.cache)
			 : MP_NONE;
	if (*index == MP_NONE) {
		error = mp_get(&member->pool, &member->local, index);
	}
	arena_leave(member);
	return error;
}

int member_put(struct member *member, uint32_t index)
{
	if (!mp_enter(member->local.cache)) {
		return -EDEADLK;
	}
	const void *block = mp_pool_address(&member->pool, index);
	int error = 0;
	if (!arena_is_fast(member) ||
	    !mp_try_put(&member->pool, &member->local, member->local.cache, block)) {
		error = mp_put(&member->pool, &member->local, block);
	}
	arena_leave(member);
	return error;
}

int member_get_bulk(struct member *member, void **blocks, uint32_t n)
{
	struct mp_cache *cache = member->local.cache;
	int error = 0;

	if (!mp_enter(cache)) {
		return -EDEADLK;
	}
	if (!arena_is_fast(member) ||
	    !mp_try_get_bulk(&member->pool, &member->local, cache, blocks, n)) {
		error = mp_get_bulk(&member->pool, &member->local, blocks, n);
	}
	arena_leave(member);
	return error;
}

int member_put_bulk(struct member *member, void *const *blocks, uint32_t n)
{
	struct mp_cache *cache = member->local.cache;
	int error = 0;

	if (!mp_enter(cache)) {
		return -EDEADLK;
	}
	if (!arena_is_fast(member) ||
	    !mp_try_put_bulk(&member->pool, &member->local, cache, blocks, n)) {
		error = mp_put_bulk(&member->pool, &member->local, blocks, n);
	}
	arena_leave(member);
	return error;
}

void member_flush(struct member *member)
{
	mp_enter(member->local.cache);
	mp_flush(&member->pool, &member->local);
	arena_leave(member);
}

size_t member_drain(struct member *member, unsigned char *owners, unsigned char tag)
{
	uint32_t index;
	size_t n = 0;

	while (member_get(member, &index) == 0) {
		if (owners[index]) {
			return SIZE_MAX;
		}
		owners[index] = tag;
		n++;
	}
	return n;
}

static const char *arena_audit_by(struct arena *arena, bool still)
{
	static struct mp_audit audit;

	unsigned char *seen = calloc(1, arena->daemon.max_blocks);
	if (!seen) {
		err(99, "calloc");
	}
	if (still) {
		mp_audit_still(&arena->daemon, seen, &audit);
	} else {
		mp_audit_live(&arena->daemon, NULL, seen, &audit);
	}
	free(seen);
	return audit.first[0] ? audit.first : NULL;
}

const char *arena_audit_live(struct arena *arena)
{
	return arena_audit_by(arena, false);
}

const char *arena_audit(struct arena *arena)
{
	return arena_audit_by(arena, true);
}
