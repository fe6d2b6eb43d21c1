/* SPDX-License-Identifier: MIT */
#include "lib/core/futex.h"
#include "lib/core/pressure.h"

/* How long a getter lets waiters go first: as long as a get waits for a lock, see depot.c. */
#define YIELD_MS 20

static uint32_t pressure_state_of(uint32_t pressure)
{
	return pressure & MP_PRESSURE_STATE;
}

static uint32_t pressure_next(uint32_t pressure, uint32_t state)
{
	return (pressure | MP_PRESSURE_STATE) + 1 + state;
}

/* Changes the pressure from @seen to @state. False: it was not @seen any more. */
static bool pressure_change(struct mp_pool *pool, uint32_t seen, uint32_t state)
{
	return mp_cas32(&pool->header->pressure, seen, pressure_next(seen, state));
}

void mp_pressure_wake(struct mp_pool *pool)
{
	uint32_t seen = mp_load_acquire(&pool->header->pressure);

	/* If the CAS fails, whoever changed it has woken them, or is awake to look itself. */
	if (pressure_state_of(seen) == MP_ASLEEP && pressure_change(pool, seen, MP_WOKEN)) {
		mp_futex_wake(&pool->header->pressure);
	}
}

void mp_announce(struct mp_pool *pool)
{
	mp_add(&pool->header->reclaim_seq, 1);
	mp_fence_after_rmw(); /* a waiter raises the pressure, and then looks at reclaim_seq */
	mp_pressure_wake(pool);
}

void mp_announce_begin(struct mp_pool *pool)
{
	mp_add(&pool->slots[pool->slot].owing, 1);
}

void mp_announce_end(struct mp_pool *pool, bool left)
{
	if (left) {
		mp_announce(pool);
	}
	mp_add(&pool->slots[pool->slot].owing, -1u);
}

uint32_t mp_pressure_raise(struct mp_pool *pool)
{
	uint32_t seen = mp_load_acquire(&pool->header->pressure);

	while (pressure_state_of(seen) != MP_ASLEEP && !pressure_change(pool, seen, MP_ASLEEP)) {
		seen = mp_load_acquire(&pool->header->pressure);
	}
	if (pressure_state_of(seen) == MP_WOKEN) {
		mp_futex_wake(&pool->header->pressure); /* getters that let us go first may go on */
	}
	mp_barrier();
	return pressure_state_of(seen) == MP_ASLEEP ? seen : pressure_next(seen, MP_ASLEEP);
}

bool mp_pressure_sleep(struct mp_pool *pool, uint32_t raised, const struct timespec *deadline)
{
	return mp_futex_wait(&pool->header->pressure, raised, deadline);
}

void mp_pressure_calm(struct mp_pool *pool)
{
	uint32_t seen = mp_load_acquire(&pool->header->pressure);

	/* Wakes getters that let us go first, and waiters, which raise it anew. */
	if (pressure_state_of(seen) != MP_CALM && pressure_change(pool, seen, MP_CALM)) {
		mp_futex_wake(&pool->header->pressure);
	}
}

void mp_pressure_stir(struct mp_pool *pool)
{
	uint32_t seen = mp_load_acquire(&pool->header->pressure);

	while (pressure_state_of(seen) == MP_ASLEEP && !pressure_change(pool, seen, MP_ASLEEP)) {
		seen = mp_load_acquire(&pool->header->pressure);
	}
	if (pressure_state_of(seen) == MP_ASLEEP) {
		mp_futex_wake(&pool->header->pressure);
	}
}

void mp_pressure_yield(struct mp_pool *pool)
{
	uint32_t seen = mp_load_acquire(&pool->header->pressure);
	struct timespec deadline;

	if (pressure_state_of(seen) != MP_WOKEN) {
		return;
	}
	mp_deadline(&deadline, YIELD_MS);
	while (mp_load_acquire(&pool->header->pressure) == seen && !mp_is_late(&deadline)) {
		mp_futex_wait(&pool->header->pressure, seen, &deadline);
	}
	/* The waiters did nothing: they are dead or stopped. The next getter need not wait. */
	pressure_change(pool, seen, MP_CALM);
}
