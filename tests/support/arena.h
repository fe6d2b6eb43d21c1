/* SPDX-License-Identifier: MIT */
/*
 * A pool without a daemon. Control and data are in anonymous shared memory, which forked children
 * share; plain calls do the daemon's part of the work.
 */
#ifndef TESTS_SUPPORT_ARENA_H
#define TESTS_SUPPORT_ARENA_H

#include "lib/core/audit.h"
#include "lib/core/cache.h"
#include "lib/core/channel.h"
#include "lib/core/collect.h"
#include "lib/core/ends.h"
#include "lib/core/futex.h"
#include "lib/core/pass.h"
#include "lib/core/pressure.h"
#include "lib/core/slot.h"
#include "lib/core/steal.h"

struct arena {
	struct mp_pool daemon; /* the daemon's view, which has no seat */
	void *data;
};

/* One process's thread in the pool. */
struct member {
	struct mp_pool pool;
	struct mp_local local;
};

/* Makes a fresh pool; 0 in @wish means the default. Exits when the pool cannot be had. */
void arena_make(struct arena *arena, struct mp_shape wish);
void arena_free(struct arena *arena);

/* Seats a process in @slot; @member becomes its thread. */
void arena_seat(struct arena *arena, uint32_t slot, struct member *member);

/* @member becomes another thread of @sibling's process. */
void arena_thread(const struct member *sibling, struct member *member);

/* The daemon's pass over the dead process in @slot. Returns how many blocks it took back. */
uint64_t arena_bury(struct arena *arena, uint32_t slot, bool grace_over);

/* The same; calls @watch after the burial and after each step of the pass. */
uint64_t arena_bury_watched(struct arena *arena, uint32_t slot, bool grace_over,
			    void (*watch)(void *arg), void *arg);

/* Get and put, as the library does them. */
int member_get(struct member *member, uint32_t *index);
int member_put(struct member *member, uint32_t index);
int member_get_bulk(struct member *member, void **blocks, uint32_t n);
int member_put_bulk(struct member *member, void *const *blocks, uint32_t n);
void member_flush(struct member *member);

/*
 * Gets all blocks that can be got, and sets @owners[i] to @tag for each block i. Returns how many;
 * SIZE_MAX when @owners[i] was not 0: the block was handed out twice.
 */
size_t member_drain(struct member *member, unsigned char *owners, unsigned char tag);

/* Audits a pool in which others may work. Returns NULL, or what is wrong first. */
const char *arena_audit_live(struct arena *arena);

/* Audits a pool in which nobody works, likewise. */
const char *arena_audit(struct arena *arena);

#endif
