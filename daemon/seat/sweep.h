/* SPDX-License-Identifier: MIT */
/*
 * The sweep: tests the liveness locks of all LIVE attachments four times a second, a few at a time.
 * It finds what nothing else tells: a process that has unmapped a pool and keeps its session, or
 * one whose child keeps its socket open. A process that closed a pool, or exec'd, while there was
 * no daemon to be told, keeps its slot until the sweep.
 */
#ifndef MP_DAEMON_SWEEP_H
#define MP_DAEMON_SWEEP_H

#include "daemon/seat/seats.h"

/* Sets up the queue of LIVE attachments and its timer. */
void sweep_init(struct seats *seats);

/* Frees the LIVE attachments, at the daemon's end; the registry has their slots. */
void sweep_finish(struct seats *seats);

#endif
