/* SPDX-License-Identifier: MIT */
/*
 * Death: what a process's pidfd and its timer call. A process that died loses its attachments
 * and its sessions; the timer tests the liveness locks of one without a session.
 */
#ifndef MP_DAEMON_DEATH_H
#define MP_DAEMON_DEATH_H

struct seats;

/* Sets the callbacks of all processes. */
void death_init(struct seats *seats);

#endif
