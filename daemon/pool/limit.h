/* SPDX-License-Identifier: MIT */
/*
 * Limits of pools: how many and how much anybody may have. The per-user ones do not bind root and
 * the daemon's own user; a pool counts for the user it belongs to, with its bookkeeping. Of the
 * machine's memory, and of /dev/shm, one user may have a part, and all of them together another,
 * so that there is always something left for others and for root. A refusal names the setting, to
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

/* What a new pool, or a growth, takes. */
struct limit_claim {
	uint32_t uid;    /* the pool's owner */
	bool is_free;    /* whether limits per user do not bind who asks */
	uint8_t backing; /* of the pool */
	uint32_t pools;  /* more pools: 1, or 0 for a growth */
	uint64_t bytes;  /* more bytes */
	uint64_t blocks; /* more blocks */
};

/* What pools take, and what they are about to grow to. */
struct limit_usage {
	uint32_t pools;
	uint64_t bytes;
	uint64_t shm; /* bytes of them in /dev/shm */
	uint64_t blocks;
};

/* Whose usage. */
struct limit_usages {
	struct limit_usage all, own;
	struct limit_usage bound; /* all users' that limits per user bind */
};

/* Counts the pools. What is being given back does not count any more. */
void limit_count(const struct pools *pools, uint32_t uid, struct limit_usages *usages);

/* Whether a limit forbids it; if so, writes to @text which one does, and the remedy. */
bool limit_on_pool(const struct pools *pools, const struct limit_claim *claim, char *text,
		   size_t size);

/* How many bytes a user may have in all, whom limits per user bind. 0: there is no limit. */
uint64_t limit_own_bytes(const struct pools *pools);

#endif
