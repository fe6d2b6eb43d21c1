/* SPDX-License-Identifier: MIT */
/*
 * iox-roudi, iceoryx's daemon, one for a benchmark: there can be only one on a machine. C and C++.
 */
#ifndef BENCH_ROUDI_H
#define BENCH_ROUDI_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/bench/peer.h"

/*
 * Starts it, with a pool of @count chunks of @size bytes, and waits until it is ready. It ends by
 * itself, some time after this process and its children have. False with a reason in @why.
 */
bool roudi_start(uint32_t size, uint32_t count, char why[BENCH_WHY]);

#endif
