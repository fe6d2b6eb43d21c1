/* SPDX-License-Identifier: MIT */
/*
 * Adoption: what a starting daemon makes of the registry an earlier one left, however that ended.
 */
#ifndef MP_DAEMON_ADOPT_H
#define MP_DAEMON_ADOPT_H

#include <stdint.h>

struct seats;

/*
 * Goes through the registry: finishes what was begun, opens and checks what is whole, finds the
 * processes again. Passes are left to the loop. Returns 0 with the number of LIVE pools, or -errno;
 * logs.
 */
int adopt_all(struct seats *seats, uint32_t *n_pools);

#endif
