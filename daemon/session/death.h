/* SPDX-License-Identifier: MIT */
/*
 * Death: what a process's pidfd and its timer call. Who has died lets go of all attachments, and
 * its sessions are closed; of one without a session the liveness locks are tested.
 */
#ifndef MP_DAEMON_DEATH_H
#define MP_DAEMON_DEATH_H

struct seats;

/* Has processes call this file. */
void death_init(struct seats *seats);

#endif
