/* SPDX-License-Identifier: MIT */
/*
 * Adoption: how a starting daemon takes over the registry that an earlier one left, at whatever
 * instruction that died.
 */
#ifndef MP_DAEMON_ADOPT_H
#define MP_DAEMON_ADOPT_H

#include <stdint.h>

struct seats;

/*
 * Goes through the registry: takes down pools that were being made, opens and checks the others,
 * and finds their clients' processes again. The reclaim works later, from the loop. Sets @n_pools
 * to the number of LIVE pools. Returns 0 or -errno; logs errors.
 */
int adopt_all(struct seats *seats, uint32_t *n_pools);

#endif
