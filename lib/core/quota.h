/* SPDX-License-Identifier: MIT */
/*
 * Quotas: how many blocks a process may own at once, in pools that were made with one. Each process
 * counts its own blocks, in its slot, which nobody else writes while it lives; so a process keeps
 * to the quota of its own will.
 *
 *	get, take	charge, then get the block; return the charge if there was none
 *	put, give	let go of the block, then return the charge
 *
 * So the count is never less than what the process owns. It ends with the slot, and no death of
 * another process makes it wrong; that is why a gift is charged to nobody on its way. A withdrawal
 * is charged even beyond the quota: the block was the process's own. Pools without a quota count
 * nothing.
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

/* Returns the charge of @n blocks. */
void mp_quota_return(struct mp_pool *pool, uint32_t n);

#endif
