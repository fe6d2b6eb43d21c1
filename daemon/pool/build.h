/* SPDX-License-Identifier: MIT */
/*
 * A build: a pool being made, for a session or as a *.pool file says. Pages are reserved off the
 * loop (reserve.h), the control segment is laid by a task in steps of less than a millisecond; the
 * requester is told how far it is every 100 ms, and last seated. When the requester goes or
 * /dev/shm fills up half way, what there is is taken down again.
 */
#ifndef MP_DAEMON_BUILD_H
#define MP_DAEMON_BUILD_H

#include <stdint.h>

#include "daemon/store/registry.h"

struct build;
struct server;
struct session;

/*
 * Begins to make a pool of that record (state ignored) for a session's request. Returns 0; the
 * reply comes later, and the session is BUILDING until then. Or -errno and nothing was begun:
 * -ENOSPC, -EDQUOT when no record is free, -ENOMEM.
 */
int build_start(struct session *session, uint32_t serial, const struct registry_pool *record);

/* Likewise for no session, but as @file says; nobody is seated. */
int build_start_preset(struct server *server, const struct registry_pool *record, const char *file);

/* Whether the pool is made as a file says. */
bool build_is_preset(const struct build *build);

/* The same request again, over another session: the reply goes there. */
void build_redirect(struct build *build, struct session *session, uint32_t serial);

/* The requester has gone. */
void build_forget(struct build *build);

/* Frees it, at the end; the pool stays BUILDING. */
void build_destroy(struct build *build);

/* Bytes of /dev/shm that it has yet to take. */
uint64_t build_needs(const struct build *build);

/* Whether that request is what is being built. */
bool build_is_of(const struct build *build, uint64_t cookie, uint32_t uid);

#endif
