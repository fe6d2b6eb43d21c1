/* SPDX-License-Identifier: MIT */
/*
 * The audit: walks the invariants and names the first that is broken. Reads only; works on a
 * read-only mapping, and while others get and put: whatever looks wrong is looked at again until it
 * has stayed wrong, unchanged, for a while.
 */
#ifndef MP_CORE_AUDIT_H
#define MP_CORE_AUDIT_H

#include "lib/core/layout.h"

struct mp_audit {
	uint64_t lost;       /* FREE in a magazine that does not list it, or nobody's */
	uint64_t duplicated; /* FREE twice over: cannot be, short of a scribbled word */
	uint64_t broken;     /* holders, counts and records out of range or without an owner */
	char first[192];     /* a sentence; empty when nothing was found */
};

/* @seen: one zeroed byte a block. */
void mp_audit_live(const struct mp_pool *pool, unsigned char *seen, struct mp_audit *audit);

/*
 * The same for a pool in which nobody works, and what can only be asked then: every magazine a
 * shard holds is on one of its lists, and n_free is the sum of the counts.
 */
void mp_audit_still(const struct mp_pool *pool, unsigned char *seen, struct mp_audit *audit);

#endif
