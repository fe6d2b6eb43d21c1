/* SPDX-License-Identifier: MIT */
/*
 * Limits of pools: how many and how much anybody may have. The per-user ones do not bind root and
 * the daemon's own user; a pool counts for the user it belongs to. A refusal names the setting, to
 * the client and in the log. Their defaults stand in config/table.c.
 */
#ifndef MP_DAEMON_LIMIT_H
#define MP_DAEMON_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/config/config.h"

struct pool;
struct pools;

/* A pool to be made, or what one is to grow by. */
struct limit_claim {
	uint32_t uid;    /* whose it is, */
	bool is_free;    /* whether limits per user do not bind who asks */
	uint32_t pools;  /* 1 or 0 */
	uint64_t bytes;  /* more */
	uint64_t blocks; /* more */
};

/* Whether a limit forbids it: then @text says which, and what to do. */
bool limit_on_pool(const struct pools *pools, const struct limit_claim *claim, char *text,
		   size_t size);

#endif
