/* SPDX-License-Identifier: MIT */
/*
 * The audit: walks the invariants and names the first that is broken. Reads only; works on a
 * read-only mapping or a copy, and while others get and put: whatever looks wrong is looked at
 * again until it has stayed wrong, unchanged, for a while.
 */
#ifndef MP_CORE_AUDIT_H
#define MP_CORE_AUDIT_H

#include "lib/core/layout.h"

struct mp_audit {
	uint64_t lost;       /* blocks: FREE in a magazine that does not list them, or nobody's */
	uint64_t duplicated; /* records: of threads that get from a magazine they do not hold */
	uint64_t broken;     /* holders, counts, lists, channels: out of range, or contradict */
	char first[192];     /* a sentence; empty when nothing was found */
};

/*
 * How an audit of a copy reads a part of the segment again, into the copy: @size bytes at @at.
 * Returns false when that cannot be done; then nothing more is found, and the findings mean
 * nothing.
 */
struct mp_refresh {
	bool (*again)(void *arg, uint64_t at, uint64_t size);
	void *arg;
};

/* @seen: one zeroed byte a block. @refresh: of a copy; NULL: @pool is the segment itself. */
void mp_audit_live(const struct mp_pool *pool, const struct mp_refresh *refresh,
		   unsigned char *seen, struct mp_audit *audit);

/*
 * Audits a pool in which nobody works. Besides, every magazine that a shard holds must be on one of
 * its lists, and its n_free must be the sum of their counts.
 */
void mp_audit_still(const struct mp_pool *pool, unsigned char *seen, struct mp_audit *audit);

#endif
