/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/adopt.h"
#include "daemon/seat/attachment.h"
#include "daemon/pool/build.h"
#include "daemon/configure.h"
#include "daemon/base/guard.h"
#include "daemon/base/journal.h"
#include "daemon/base/log.h"
#include "daemon/pool/pool.h"
#include "daemon/request/preset.h"
#include "daemon/pool/removal.h"
#include "daemon/server.h"

#define DRAIN_NS 1000000000u

static void on_signal(evutil_socket_t signal_number, short what, void *arg)
{
	struct server *server = arg;

	(void)what;
	log_info("ending on %s", signal_number == SIGTERM ? "SIGTERM" : "SIGINT");
	event_base_loopbreak(server->loop.base);
}

static void on_hangup(evutil_socket_t signal_number, short what, void *arg)
{
	struct server *server = arg;

	(void)signal_number;
	(void)what;
	slice_begin(&server->loop.slice);
	manager_reloading(&server->manager);
	configure_again(server);
	manager_ready(&server->manager);
	slice_end(&server->loop.slice);
}

/* A session takes two descriptors and a pool one: ask for as many as we may have. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int prepare_process(void)
{
	umask(0077);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGCHLD, SIG_IGN); /* keepers need nobody to wait for them */
	raise_descriptor_limit();
	return guard_install();
}

static int init_loop(struct server *server)
{
	server->loop.base = event_base_new();
	if (!server->loop.base) {
		log_error("cannot make an event loop");
		return -ENOMEM;
	}
	reclaim_init(&server->reclaim, server);
	sweep_init(&server->sweep, server);
	task_queue_init(&server->requests, &server->loop);
	task_queue_init(&server->builds, &server->loop);
	task_queue_init(&server->removals, &server->loop);
	evsignal_assign(&server->terminate, server->loop.base, SIGTERM, on_signal, server);
	evsignal_assign(&server->interrupt, server->loop.base, SIGINT, on_signal, server);
	evsignal_assign(&server->hangup, server->loop.base, SIGHUP, on_hangup, server);
	if (evsignal_add(&server->terminate, NULL) < 0 || evsignal_add(&server->hangup, NULL) < 0 ||
	    evsignal_add(&server->interrupt, NULL) < 0) {
		log_error("cannot watch signals");
		return -ENOMEM;
	}
	return reserver_init(&server->reserver, &server->loop);
}

/* The status that the service manager shows. */
static void describe(const void *arg, char *text, size_t size)
{
	const struct server *server = arg;

	snprintf(text, size, "%u pools, %u clients", pool_count(server), server->sweep.n);
}

int server_start(struct server *server, const struct options *said)
{
	struct options options = *said;
	int r;

	*server = (struct server){
		.registry = {.fd = -1},
		.listener = {.fd = -1, .reserve_fd = -1},
		.reserver = {.fd = -1},
		.loop.started_at = (uint64_t)time(NULL),
	};
	server->memory_host = (struct memory_host){
		.loop = &server->loop,
		.manager = &server->manager,
		.instance = server->place.instance,
	};
	journal_open();
	manager_init(&server->manager);
	r = prepare_process();
	if (r == 0) {
		r = configure(server, &options);
	}
	if (r == 0) {
		r = place_resolve(&server->place, &options);
	}
	if (r == 0) {
		r = registry_open(&server->registry, server->place.instance);
	}
	if (r == 0) {
		r = init_loop(server);
	}
	if (r == 0) {
		r = adopt_all(server, &server->n_adopted);
	}
	if (r == 0) {
		manager_watch(&server->manager, &server->loop, describe, server);
	}
	return r;
}

/*
 * What has happened by now is still dealt with, so that a pool whose users died before the signal
 * leaves nothing behind. Bounded: what is not done in time the next daemon does.
 */
static void drain(struct server *server)
{
	do {
		slice_begin_turn(&server->loop.slice);
		/* ONCE too: else it goes round for as long as a timer of 0 arms itself again. */
		event_base_loop(server->loop.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	} while ((!TAILQ_EMPTY(&server->reclaim.queue) || !TAILQ_EMPTY(&server->removals.tasks)) &&
		 slice_now_ns() < server->end_ns);
}

/* Waits for something to happen and deals with it. Returns 1 when that was a signal to end. */
static int turn(struct server *server)
{
	slice_begin_turn(&server->loop.slice);
	if (event_base_loop(server->loop.base, EVLOOP_ONCE) < 0) {
		log_error("the event loop failed");
		return -EIO;
	}
	return event_base_got_break(server->loop.base);
}

/* As `on_stop` of the configuration wants. */
static void destroy_unused(struct server *server)
{
	for (uint32_t i = 0; server->config.on_stop == CONFIG_UNUSED && i < REGISTRY_POOLS; i++) {
		struct pool *pool = server->pools[i];
		if (pool && !pool->build && pool->n_used == 0 &&
		    pool_state(pool) == REGISTRY_POOL_LIVE) {
			log_info("pool '%s' of uid %u destroyed: nobody has it open, and `on_stop` "
				 "is unused",
				 pool->record->name, pool->record->uid);
			registry_move_pool(pool->record, REGISTRY_POOL_GONE);
		}
	}
}

int server_run(struct server *server)
{
	int r = 0;

	preset_make_all(server);
	while (r == 0 && preset_is_pending(server)) {
		r = turn(server);
	}
	if (r == 0) {
		r = listener_open(&server->listener, server);
	}
	if (r == 0) {
		log_info("ready: socket %s, instance %s, %u pools adopted", server->place.socket,
			 server->place.instance, server->n_adopted);
		manager_ready(&server->manager);
	}
	while (r == 0) {
		r = turn(server);
	}
	if (r > 0) {
		manager_stopping(&server->manager);
		server->end_ns = slice_now_ns() + DRAIN_NS;
		drain(server);
		destroy_unused(server);
	}
	return r < 0 ? r : 0;
}

/* Pools that are whole stay; what was being made or removed is taken down. No slot is looked at. */
static void stop_pools(struct server *server)
{
	for (uint32_t i = 0; i < REGISTRY_POOLS; i++) {
		struct pool *pool = server->pools[i];
		if (!pool) {
			continue;
		}
		if (pool->build) {
			build_destroy(pool->build);
			registry_move_pool(pool->record, REGISTRY_POOL_GONE);
		}
		if (pool_state(pool) == REGISTRY_POOL_GONE && pool->n_used == 0) {
			removal_finish(pool, server->end_ns);
		} else {
			pool_destroy(pool);
		}
	}
}

void server_stop(struct server *server)
{
	server->loop.ended = true;
	listener_close(&server->listener);
	while (!LIST_EMPTY(&server->sessions.list)) {
		session_close(LIST_FIRST(&server->sessions.list));
	}
	if (server->loop.base) {
		reclaim_finish(&server->reclaim);
		sweep_finish(&server->sweep);
		process_table_finish(&server->processes);
	}
	if (server->registry.fd >= 0) {
		stop_pools(server);
	}
	/* Before the lock goes: the next daemon gives back what was reserved in vain, once. */
	reserver_finish(&server->reserver);
	if (server->registry.fd >= 0) {
		registry_close(&server->registry, server->place.instance);
	}
	if (server->loop.base) {
		event_base_free(server->loop.base);
	}
	manager_finish(&server->manager);
	config_finish(&server->config);
}
