/* SPDX-License-Identifier: MIT */
/*
 * The loop: what every event callback of the daemon shares. There is one loop, and one thread.
 */
#ifndef MP_DAEMON_LOOP_H
#define MP_DAEMON_LOOP_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/slice.h"

struct loop {
	struct event_base *base;
	struct slice slice;
	uint64_t started_at; /* seconds since the epoch */
	bool ended;          /* the daemon stops; pools and clients go on under the next one */
};

#endif
