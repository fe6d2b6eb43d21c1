/* SPDX-License-Identifier: MIT */
/*
 * A pass: the daemon takes back what a dead process held. It works in slices and takes no lock. A
 * daemon that is restarted in the middle begins the pass again.
 */
#ifndef MP_CORE_PASS_H
#define MP_CORE_PASS_H

#include "lib/core/layout.h"

struct mp_pass {
	uint32_t slot;
	uint32_t phase; /* enum in pass.c */
	uint32_t cursor;
	uint64_t recovered; /* blocks and gifts that became RECLAIMED */
	uint32_t orphans;   /* magazines that lost their holder */
	uint64_t gifts;     /* of the dead, still MOVING, seen by this pass */
	bool grace_over;    /* take gifts back too */
};

/* Begins a pass over a slot that is DEAD. */
void mp_pass_init(struct mp_pass *pass, uint32_t slot, bool grace_over);

/*
 * Looks at about @budget magazines, words or records. Returns true when the pass is done: then the
 * slot is FREE again, unless pass->gifts is not 0; in that case the slot stays DEAD, and another
 * pass with @grace_over must follow when the grace time is over.
 */
bool mp_pass_step(struct mp_pool *pool, struct mp_pass *pass, uint32_t budget);

#endif
