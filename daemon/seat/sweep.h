/* SPDX-License-Identifier: MIT */
/*
 * The sweep: four times a second, while there are LIVE attachments, all their liveness locks are
 * tested, a few at a time. It catches what nothing else tells: a process that has unmapped a pool
 * and keeps its session, or one whose socket was left open by a child. Who closed a pool, or
 * exec'd, while there was no daemon to be told, keeps what it had until then.
 */
#ifndef MP_DAEMON_SWEEP_H
#define MP_DAEMON_SWEEP_H

#include "daemon/seat/seats.h"

void sweep_init(struct seats *seats);

/* Frees the LIVE attachments, at the daemon's end; the registry has their slots. */
void sweep_finish(struct seats *seats);

#endif
