/* SPDX-License-Identifier: MIT */
/*
 * Quotas: how many blocks a process may own at once, in pools that were made with one. Cooperative:
 * each process counts its own, in its slot, and nobody else writes there while it lives.
 *
 *	get, take	charge, then have the block; give the charge back if there was none
 *	put, give	let the block go, then give the charge back
 *
 * So the count is never less than what is owned. It dies with the slot, and no death of another
 * process falsifies it; that is why a gift is nobody's on the way. A withdrawal is charged without
 * being asked: it is the owner's own block. In pools without a quota nothing is counted.
 */
#ifndef MP_CORE_QUOTA_H
#define MP_CORE_QUOTA_H

#include "lib/core/layout.h"

/* Charges @n blocks. False: the quota does not allow it, and nothing was charged. */
bool mp_quota_charge(struct mp_pool *pool, uint32_t n);

/* Charges as many as the quota allows, up to @n. Returns how many. */
uint32_t mp_quota_charge_some(struct mp_pool *pool, uint32_t n);

/* Charges one, whatever the quota says. */
void mp_quota_charge_anyway(struct mp_pool *pool);

/* Gives back the charge of @n blocks. */
void mp_quota_return(struct mp_pool *pool, uint32_t n);

#endif
