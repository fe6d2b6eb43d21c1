/* SPDX-License-Identifier: MIT */
/*
 * A pool without a daemon: control and data in anonymous shared memory, which forked children
 * share, and the daemon's part of the work by plain calls.
 */
#ifndef TESTS_SUPPORT_ARENA_H
#define TESTS_SUPPORT_ARENA_H

#include "lib/core/audit.h"
#include "lib/core/cache.h"
#include "lib/core/channel.h"
#include "lib/core/collect.h"
#include "lib/core/futex.h"
#include "lib/core/pass.h"
#include "lib/core/pressure.h"
#include "lib/core/slot.h"
#include "lib/core/steal.h"

struct arena {
	struct mp_pool daemon; /* a view without a seat */
	void *data;
};

/* One process's thread in the pool. */
struct member {
	struct mp_pool pool;
	struct mp_local local;
};

/* A fresh pool; numbers of @wish that are 0 get their default. Exits when it cannot be had. */
void arena_make(struct arena *arena, struct mp_shape wish);
void arena_free(struct arena *arena);

/* Seats a process in @slot and gives it a thread. */
void arena_seat(struct arena *arena, uint32_t slot, struct member *member);

/* Another thread of a seated process. */
void arena_thread(const struct member *sibling, struct member *member);

/* What the daemon does when the process in @slot is dead; returns the blocks it took back. */
uint64_t arena_bury(struct arena *arena, uint32_t slot, bool grace_over);

/* Get and put as the library does them. */
int member_get(struct member *member, uint32_t *index);
int member_put(struct member *member, uint32_t index);
int member_get_bulk(struct member *member, void **blocks, uint32_t n);
int member_put_bulk(struct member *member, void *const *blocks, uint32_t n);
void member_flush(struct member *member);

/*
 * Gets everything there is to get. Returns how many blocks; @owners[i] becomes @tag for each block
 * i, which must have been 0: else SIZE_MAX, a block was handed out twice.
 */
size_t member_drain(struct member *member, unsigned char *owners, unsigned char tag);

/* Audits a pool in which nobody works; returns NULL or the first finding. */
const char *arena_audit(struct arena *arena);

#endif
