/* SPDX-License-Identifier: MIT */
/*
 * Endings: when a client lets go of a pool, the pool's lifetime may be over. Then the pool loses
 * its name, and its growth ends. reclaim_settle() removes it when its last attachment is gone.
 */
#ifndef MP_DAEMON_ENDING_H
#define MP_DAEMON_ENDING_H

#include "daemon/seat/seats.h"

struct attachment;
struct pool;
struct process;

/* Takes the pool's name away, and stops its growth. Its clients keep the pool. */
void ending_retire(struct seats *seats, struct pool *pool);

/* Why the pool's lifetime is over, or NULL. */
const char *ending_reason(const struct pool *pool);

/* Calls ending_retire(), and logs, if the pool's lifetime is over. Call it when a client let go. */
void ending_expire(struct seats *seats, struct pool *pool);

/* One of pool->n_promised has opened the pool, was refused, or is gone: calls ending_expire(). */
void ending_end_promise(struct seats *seats, struct pool *pool);

/*
 * The process of a LIVE attachment has died, or closed the pool: attachment_die(), then
 * ending_expire() of its pool.
 */
void ending_let_go(struct attachment *attachment);

/* Tests the liveness lock of a LIVE attachment; when that is lost, calls ending_let_go(). */
void ending_test(struct attachment *attachment);

/* The same for every attachment of the process to the pool. */
void ending_test_seats(struct process *process, const struct pool *pool);

#endif
