/* SPDX-License-Identifier: MIT */
/*
 * A pass: the daemon takes back what dead processes held, of all of them in one walk over the pool.
 * It works in slices and takes no lock. A daemon that is restarted in the middle begins the pass
 * again.
 */
#ifndef MP_CORE_PASS_H
#define MP_CORE_PASS_H

#include "lib/core/layout.h"

/* A slot, as a pass sees it. The daemon has one for each slot of a pool. */
struct mp_dead {
	bool passed;        /* the pass is over this slot, which is DEAD */
	bool grace_over;    /* its gifts are taken back too */
	bool had;           /* the pass found something of it */
	uint32_t recovered; /* blocks and gifts that became RECLAIMED */
	uint32_t gifts;     /* still MOVING, seen by this pass */
};

struct mp_pass {
	struct mp_dead *dead; /* by slot */
	uint32_t phase;       /* enum in pass.c */
	uint32_t cursor;
	uint32_t seats[MP_BROADCASTS_MAX]; /* bits of those that the dead have */
};

/*
 * Begins a pass over the slots of @dead that have @passed set; other slots may not be added before
 * it is done.
 */
void mp_pass_init(struct mp_pass *pass, struct mp_dead *dead);

/* Adds a DEAD slot, before the pass begins. */
void mp_pass_add(struct mp_dead *dead, uint32_t slot, bool grace_over);

/*
 * Looks at about @budget magazines, words or records. Returns true when the pass is done: then each
 * of its slots is FREE again, but for those whose gifts are not 0; these stay DEAD, and another
 * pass with grace_over must follow when their grace time is over.
 */
bool mp_pass_step(struct mp_pool *pool, struct mp_pass *pass, uint32_t budget);

#endif
