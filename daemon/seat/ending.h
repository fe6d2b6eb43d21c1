/* SPDX-License-Identifier: MIT */
/*
 * Endings: an attachment that lets go may end its pool's lifetime, and a pool that has ended lets
 * go of what it was doing. A pool without a name is removed when its last attachment is gone.
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

/* Takes the name away if the pool's lifetime is over, now that somebody has let go of it. */
void ending_expire(struct seats *seats, struct pool *pool);

/* The LIVE attachment's process has gone, or let go: it dies, and the pool with it if it was that
 * one that kept it. */
void ending_let_go(struct attachment *attachment);

/* Looks at the liveness lock of a LIVE attachment; when it is free, as ending_let_go(). */
void ending_test(struct attachment *attachment);

/* The same for every attachment of the process to the pool. */
void ending_test_seats(struct process *process, const struct pool *pool);

#endif
