/* SPDX-License-Identifier: MIT */
/*
 * Limits: how much of the daemon anybody may use. The per-user ones do not bind root and the
 * daemon's own user. What is refused is answered with an errno and a sentence.
 */
#ifndef MP_DAEMON_LIMIT_H
#define MP_DAEMON_LIMIT_H

#include <stdint.h>

struct limits {
	uint32_t sessions;        /* in all */
	uint32_t sessions_kept;   /* of them, for root and the daemon's own user */
	uint32_t sessions_a_user; /* EUSERS */
	uint32_t excess_sessions; /* kept just to be told EUSERS; beyond it they are closed */
	uint32_t pools;           /* in all; at most REGISTRY_POOLS */
	uint32_t pools_a_user;    /* EDQUOT */
	uint32_t seats_a_user;    /* LIVE attachments; EUSERS */
	uint32_t seats_a_process; /* of one pool; EUSERS, root too: one is all that is needed */
	uint32_t burst;           /* messages or connections taken in one callback */
};

#define LIMITS_DEFAULT                                                                            \
	{                                                                                         \
		.sessions = 4096, .sessions_kept = 32, .sessions_a_user = 256,                    \
		.excess_sessions = 64, .pools = 1024, .pools_a_user = 256, .seats_a_user = 16384, \
		.seats_a_process = 4, .burst = 16                                                 \
	}

#endif
