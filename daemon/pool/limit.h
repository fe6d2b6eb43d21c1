/* SPDX-License-Identifier: MIT */
/*
 * Limits: how much of the daemon anybody may use. The per-user ones do not bind root and the
 * daemon's own user; a pool counts for the user it belongs to. What is refused is answered with an
 * errno and a sentence that names the setting, and logged. Their defaults stand in config/table.c.
 */
#ifndef MP_DAEMON_LIMIT_H
#define MP_DAEMON_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/config/config.h"

struct pool;
struct server;

enum {
	LIMIT_BURST = 16,  /* messages or connections taken in one callback */
	LIMIT_EXCESS = 64, /* sessions kept just to be told EUSERS; beyond it they are closed */
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
