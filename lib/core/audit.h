/* SPDX-License-Identifier: MIT */
/*
 * The audit: checks the invariants and names the first that is broken. It only reads, so it works
 * on a read-only mapping, and while others get and put: it looks again at whatever looks wrong, and
 * believes what stays wrong for a while.
 */
#ifndef MP_CORE_AUDIT_H
#define MP_CORE_AUDIT_H

#include "lib/core/layout.h"

struct mp_audit {
	uint64_t lost;       /* blocks: FREE in a magazine that does not list them, or nobody's */
	uint64_t duplicated; /* records: of threads that get from a magazine they do not hold */
	uint64_t broken;     /* holders, counts and lists that are out of range or contradict */
	char first[192];     /* a sentence; empty when nothing was found */
};

/* Audits a pool in which others may work. @seen: one zeroed byte for each block. */
void mp_audit_live(const struct mp_pool *pool, unsigned char *seen, struct mp_audit *audit);

/*
 * Audits a pool in which nobody works. Besides, every magazine that a shard holds must be on one of
 * its lists, and its n_free must be the sum of their counts.
 */
void mp_audit_still(const struct mp_pool *pool, unsigned char *seen, struct mp_audit *audit);

#endif
