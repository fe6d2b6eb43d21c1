/* SPDX-License-Identifier: MIT */
/*
 * Limits: how much of the daemon anybody may use. The per-user ones do not bind root and the
 * daemon's own user; a pool counts for the user it belongs to. What is refused is answered with an
 * errno and a sentence that names the setting, and logged. Their defaults stand in setting.c.
 */
#ifndef MP_DAEMON_LIMIT_H
#define MP_DAEMON_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct pool;
struct server;

enum {
	LIMIT_BURST = 16,  /* messages or connections taken in one callback */
	LIMIT_EXCESS = 64, /* sessions kept just to be told EUSERS; beyond it they are closed */
};

struct limits {
	uint32_t sessions;          /* in all */
	uint32_t sessions_kept;     /* of them, for root and the daemon's own user */
	uint32_t sessions_per_user; /* EUSERS */
	uint32_t seats_per_user;    /* LIVE attachments; EUSERS */
	uint32_t seats_per_process; /* of one pool; EUSERS, root too: one is all that is needed */
	uint32_t pools;             /* in all; at most REGISTRY_POOLS; EDQUOT, as the rest */
	uint32_t pools_per_user;
	uint64_t bytes; /* of all pools, root's too; 0: as many as there are, also below */
	uint64_t bytes_per_user;
	uint64_t blocks_per_user;
};

/* A pool to be made, or what one is to grow by. */
struct limit_claim {
	uint32_t uid;    /* whose it is, */
	bool is_free;    /* whether limits per user do not bind who asks */
	uint32_t pools;  /* 1 or 0 */
	uint64_t bytes;  /* more */
	uint64_t blocks; /* more */
};

/* The setting that keeps the user from one more session, or NULL. */
const char *limit_on_session(const struct server *server, uid_t uid);

/* Whether a limit forbids it: then @text says which, and what to do. */
bool limit_on_pool(const struct server *server, const struct limit_claim *claim, char *text,
		   size_t size);

#endif
