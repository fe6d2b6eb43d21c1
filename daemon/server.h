/* SPDX-License-Identifier: MIT */
/*
 * The daemon as a whole: one event loop and the nouns that live on it.
 */
#ifndef MP_DAEMON_SERVER_H
#define MP_DAEMON_SERVER_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <sys/queue.h>

#include "daemon/config/config.h"
#include "daemon/session/listener.h"
#include "daemon/base/manager.h"
#include "daemon/config/place.h"
#include "daemon/seat/process.h"
#include "daemon/seat/reclaim.h"
#include "daemon/store/memory.h"
#include "daemon/store/registry.h"
#include "daemon/store/reserve.h"
#include "daemon/session/session.h"
#include "daemon/base/loop.h"
#include "daemon/config/source.h"
#include "daemon/seat/sweep.h"
#include "daemon/base/task.h"

struct pool;

enum {
	SERVER_SEAT_BUCKETS = 1024,
};

struct server {
	struct loop loop;
	struct memory_host memory_host;
	struct place place;
	struct source source;
	struct config config;
	struct registry registry;
	struct pool *pools[REGISTRY_POOLS]; /* by record; NULL where that is FREE */
	struct process_table processes;
	struct session_list sessions;
	struct listener listener;
	struct manager manager;
	struct reclaim reclaim;
	struct sweep sweep;
	uint32_t seats[SERVER_SEAT_BUCKETS]; /* LIVE attachments, by uid modulo their number */
	struct task_queue requests;          /* of sessions that have to wait */
	struct task_queue builds;            /* and growths */
	struct task_queue removals;
	struct reserver reserver;
	uint64_t end_ns;     /* the loop has ended: long work stops then */
	uint32_t n_adopted;  /* pools, at the start */
	bool log_level_said; /* on the command line: the configuration does not change it */
	struct event terminate, interrupt, hangup;
};

/* Brings the daemon up, with the pools it finds; logs why not. Returns 0 or -errno. */
int server_start(struct server *server, const struct options *options);

/* Makes missing pools, listens and serves until SIGTERM or SIGINT. Returns 0 or -errno. */
int server_run(struct server *server);

/* Takes down what server_start() brought up. Pools and those who use them stay as they are. */
void server_stop(struct server *server);

#endif
