/* SPDX-License-Identifier: MIT */
/*
 * The server: the daemon as a whole, one event loop and all parts that run on it.
 */
#ifndef MP_DAEMON_SERVER_H
#define MP_DAEMON_SERVER_H

#include <event2/event_struct.h>

#include "daemon/base/loop.h"
#include "daemon/base/manager.h"
#include "daemon/base/watch.h"
#include "daemon/config/place.h"
#include "daemon/configure.h"
#include "daemon/pool/pools.h"
#include "daemon/reading.h"
#include "daemon/seat/seats.h"
#include "daemon/session/listener.h"
#include "daemon/session/session.h"

struct server {
	struct loop loop;
	struct place place;
	struct configuration configuration;
	struct manager manager;
	struct pools pools;
	struct seats seats;
	struct sessions sessions;
	struct listener listener;
	struct reading reading;
	bool is_quiet;      /* stopped: no thread of it goes on */
	struct watch watch; /* of all names: of the registry, of pools, of the socket */
	uint64_t end_ns;    /* the loop has ended: it drains until then */
	struct event terminate, interrupt, hangup;
	struct event settle; /* the log */
};

/* Starts all parts, and adopts the pools of an earlier daemon. Logs errors. Returns 0 or -errno. */
int server_start(struct server *server, const struct options *options);

/* Makes missing presets, listens and serves until SIGTERM or SIGINT. Returns 0 or -errno. */
int server_run(struct server *server);

/* Takes down what server_start() started. Pools and their clients stay as they are. */
void server_stop(struct server *server);

#endif
