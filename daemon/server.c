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
#include "daemon/base/guard.h"
#include "daemon/base/journal.h"
#include "daemon/base/log.h"
#include "daemon/instances.h"
#include "daemon/pool/build.h"
#include "daemon/pool/fate.h"
#include "daemon/pool/growth.h"
#include "daemon/pool/names.h"
#include "daemon/pool/pool.h"
#include "daemon/pool/removal.h"
#include "daemon/request/preset.h"
#include "daemon/request/request.h"
#include "daemon/seat/process.h"
#include "daemon/seat/reclaim.h"
#include "daemon/seat/sweep.h"
#include "daemon/server.h"
#include "daemon/session/death.h"

#define DRAIN_NS 1000000000u

static void server_on_signal(evutil_socket_t signal_number, short what, void *arg)
{
	struct server *server = arg;

	(void)what;
	log_info("ending on %s", signal_number == SIGTERM ? "SIGTERM" : "SIGINT");
	event_base_loopbreak(server->loop.base);
}

/* It is ready again, if it was before: the first time is when it serves. */
static void server_tell_ready(struct server *server)
{
	if (server->listener.fd >= 0) {
		manager_ready(&server->manager);
	}
}

static void server_on_read(void *owner, struct reading_result *result)
{
	struct server *server = owner;

	configure_again(&server->configuration, &server->pools, result);
	server_tell_ready(server);
}

static void server_on_hangup(evutil_socket_t signal_number, short what, void *arg)
{
	struct server *server = arg;
	int r;

	(void)signal_number;
	(void)what;
	server->place.lost = 0;
	listener_ask_again(&server->listener);
	watch_hurry(&server->watch);
	if (configure_is_fixed(&server->configuration)) {
		log_info("SIGHUP: a private instance without --config has no configuration");
		return;
	}
	if (server->listener.fd >= 0) {
		manager_reloading(&server->manager);
	}
	r = reading_start(&server->reading);
	if (r < 0) {
		log_error("the configuration cannot be read, and all stays as it was: %s; raise "
			  "LimitNPROC= or ulimit -u, and reload",
			  strerror(-r));
		server_tell_ready(server);
	}
}

static void server_on_settle(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	log_settle();
}

/* Raises the soft limit of descriptors to the hard one: a session takes two, a pool up to four. */
static void server_raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int server_prepare_process(void)
{
	umask(0077);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* what is too big fails with EFBIG, also a line for the log */
	signal(SIGHUP, SIG_IGN);
	signal(SIGCHLD, SIG_IGN); /* so nobody needs to wait for keepers that died */
	server_raise_descriptor_limit();
	return guard_install();
}

/* Looks whether names that others may remove are there. */
static bool server_look(void *arg)
{
	struct server *server = arg;

	place_keep(&server->place);
	if (server->place.cookie_fd >= 0) {
		watch_add(&server->watch, server->place.cookie); /* once more is no more */
	}
	listener_look(&server->listener);
	return names_look(&server->pools);
}

static int server_init_loop(struct server *server)
{
	server->loop.base = event_base_new();
	if (!server->loop.base) {
		log_error("cannot make an event loop");
		return -ENOMEM;
	}
	death_init(&server->seats);
	reclaim_init(&server->seats);
	sweep_init(&server->seats);
	task_queue_init(&server->sessions.requests, &server->loop);
	task_queue_init(&server->pools.builds, &server->loop);
	task_queue_init(&server->pools.removals, &server->loop);
	evsignal_assign(&server->terminate, server->loop.base, SIGTERM, server_on_signal, server);
	evsignal_assign(&server->interrupt, server->loop.base, SIGINT, server_on_signal, server);
	evsignal_assign(&server->hangup, server->loop.base, SIGHUP, server_on_hangup, server);
	evtimer_assign(&server->settle, server->loop.base, server_on_settle, NULL);
	if (evsignal_add(&server->terminate, NULL) < 0 || evsignal_add(&server->hangup, NULL) < 0 ||
	    evsignal_add(&server->interrupt, NULL) < 0) {
		log_error("cannot watch signals");
		return -ENOMEM;
	}
	watch_start(&server->watch, &server->loop, server_look, server);
	return reserver_init(&server->pools.reserver, &server->loop);
}

/* Writes the status that the service manager shows. */
static void server_describe(const void *arg, char *text, size_t size)
{
	const struct server *server = arg;

	snprintf(text, size, "%u pools, %u clients", pool_count(&server->pools),
		 server->seats.n_live);
}

/* Gives every part pointers to the parts that it works with. */
static void server_connect(struct server *server)
{
	struct config *config = &server->configuration.config;

	*server = (struct server){
		.place = {.cookie_fd = -1},
		.loop = {.started_at = (uint64_t)time(NULL)},
		.pools =
			{
				.loop = &server->loop,
				.config = config,
				.host =
					{
						.loop = &server->loop,
						.manager = &server->manager,
						.instance = server->place.instance,
						.cookie = server->place.cookie,
						.cookie_fd = &server->place.cookie_fd,
						.registry = &server->pools.registry,
						.watch = &server->watch,
					},
				.registry = {.fd = -1},
				.reserver = {.fd = -1},
			},
		.seats =
			{
				.loop = &server->loop,
				.pools = &server->pools,
				.manager = &server->manager,
			},
		.sessions =
			{
				.loop = &server->loop,
				.pools = &server->pools,
				.seats = &server->seats,
				.config = config,
				.instance = server->place.instance,
				.listener = &server->listener,
				.handle = request_handle,
			},
		.listener = {.fd = -1, .reserve_fd = -1},
		.reading = {.fd = -1},
		.watch = {.fd = -1},
	};
}

static int server_open_registry(struct server *server)
{
	struct place *place = &server->place;
	int r = registry_open(&server->pools.registry, place->instance);

	if (r == -EEXIST && place_choose_another(place) == 0) {
		r = registry_open(&server->pools.registry, place->instance);
	}
	if (r == 0) {
		registry_note_directory(&server->pools.registry, place->dir);
	}
	if (r == -EBUSY && place->cookie_fd >= 0) {
		log_error("if %s is a copy of another daemon's directory, remove %s: it names the "
			  "instance",
			  place->dir, place->cookie);
	}
	return r;
}

int server_start(struct server *server, const struct options *said)
{
	struct options options = *said;
	int r;

	server_connect(server);
	journal_open();
	manager_init(&server->manager);
	r = server_prepare_process();
	if (r == 0) {
		r = configure(&server->configuration, &options);
	}
	if (r == 0) {
		r = place_resolve(&server->place, &options);
	}
	if (r == 0) {
		r = server_open_registry(server);
	}
	if (r == 0) {
		r = server_init_loop(server);
	}
	if (r == 0) {
		r = reading_init(&server->reading, &server->loop, &server->configuration.source,
				 server_on_read, server);
	}
	if (r == 0) {
		r = adopt_all(&server->seats, &server->pools.n_adopted);
	}
	if (r == 0) {
		instances_tell();
		manager_watch(&server->manager, &server->loop, server_describe, server);
	}
	return r;
}

/*
 * Handles the events that came before the end, so that a pool whose clients died before the signal
 * leaves nothing behind. Ends at end_ns: what is not taken back from the dead by then, the next
 * daemon takes back.
 */
static void server_drain(struct server *server)
{
	do {
		slice_begin_turn(&server->loop.slice);
		/* With EVLOOP_ONCE: else it runs as long as a timer of 0 arms itself again. */
		event_base_loop(server->loop.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	} while ((!TAILQ_EMPTY(&server->seats.reclaims) ||
		  !TAILQ_EMPTY(&server->pools.removals.tasks)) &&
		 slice_now_ns() < server->end_ns);
}

/* What the log has left out is told also when nothing is logged any more. */
static void server_settle_log(struct server *server)
{
	if (log_owes() && !evtimer_pending(&server->settle, NULL)) {
		evtimer_add(&server->settle, &(struct timeval){.tv_sec = 1});
	}
}

/* Waits for something to happen and deals with it. Returns 1 when that was a signal to end. */
static int server_turn(struct server *server)
{
	server_settle_log(server);
	slice_begin_turn(&server->loop.slice);
	if (event_base_loop(server->loop.base, EVLOOP_ONCE) < 0) {
		log_error("the event loop failed");
		return -EIO;
	}
	return event_base_got_break(server->loop.base);
}

/* Destroys pools that nobody has open, if the setting `on_stop` is unused. */
static void server_destroy_unused(struct server *server)
{
	for (uint32_t i = 0;
	     server->configuration.config.on_stop == CONFIG_UNUSED && i < REGISTRY_POOLS; i++) {
		struct pool *pool = server->pools.of[i];
		if (pool && !pool->build && pool->n_used == 0 &&
		    pool_state(pool) == REGISTRY_POOL_LIVE) {
			log_info("pool '%s' of uid %u destroyed: nobody has it open, and `on_stop` "
				 "is unused",
				 pool->record->name, pool->record->uid);
			registry_move_pool(pool->record, REGISTRY_POOL_GONE);
			fate_tell(&server->pools, pool->record->name); /* to observers */
		}
	}
}

int server_run(struct server *server)
{
	int r = 0;

	preset_make_all(&server->pools);
	while (r == 0 && preset_is_pending(&server->pools)) {
		r = server_turn(server);
	}
	if (r == 0) {
		r = listener_open(&server->listener, &server->sessions, &server->manager,
				  &server->place, &server->watch);
	}
	if (r == 0) {
		log_info("ready: socket %s, instance %s, %u pools adopted", server->place.socket,
			 server->place.instance, server->pools.n_adopted);
		log_bind_users();
		manager_ready(&server->manager);
	}
	while (r == 0) {
		r = server_turn(server);
	}
	if (r > 0) {
		manager_stopping(&server->manager);
		server->end_ns = slice_now_ns() + DRAIN_NS;
		server_drain(server);
		server_destroy_unused(server);
	}
	return r < 0 ? r : 0;
}

/* The next daemon is to find also what lost its name just now. */
static void server_settle_names(struct server *server)
{
	if (server->loop.base) {
		names_settle(&server->pools);
	}
}

/* Ends builds and growths, and unlinks what does not stay. */
static void server_stop_pools(struct server *server)
{
	server_settle_names(server);
	for (uint32_t i = 0; i < REGISTRY_POOLS; i++) {
		struct pool *pool = server->pools.of[i];
		if (pool && pool->build) {
			build_stop(pool->build);
		}
		if (pool && pool->growth) {
			growth_halt(pool->growth);
		}
		if (pool && pool_state(pool) == REGISTRY_POOL_GONE && pool->n_used == 0) {
			removal_unlink(pool);
		}
	}
}

/*
 * Gives back what no pool needs, however long it takes: there may never be a next daemon. Frees all
 * pools; LIVE ones stay in the registry as they are.
 */
static void server_finish_pools(struct server *server)
{
	for (uint32_t i = 0; i < REGISTRY_POOLS; i++) {
		struct pool *pool = server->pools.of[i];
		if (pool && pool->removal.begun) {
			removal_finish(pool);
		} else if (pool && pool->growth) {
			growth_finish(pool->growth);
		}
	}
	server_settle_names(server); /* that may have taken long */
	for (uint32_t i = 0; i < REGISTRY_POOLS; i++) {
		if (server->pools.of[i]) {
			pool_destroy(server->pools.of[i]);
		}
	}
}

void server_stop(struct server *server)
{
	server->loop.ended = true;
	listener_close(&server->listener);
	while (!LIST_EMPTY(&server->sessions.all)) {
		session_close(LIST_FIRST(&server->sessions.all));
	}
	server->is_quiet = reading_finish(&server->reading);
	if (server->loop.base) {
		reclaim_finish(&server->seats);
		sweep_finish(&server->seats);
		process_finish(&server->seats);
	}
	if (server->pools.registry.fd >= 0) {
		server_stop_pools(server);
	}
	/* Before anything is given back: a slice under way still takes pages. */
	reserver_finish(&server->pools.reserver);
	if (server->pools.registry.fd >= 0) {
		server_finish_pools(server);
		if (!registry_is_empty(&server->pools.registry)) {
			place_keep(&server->place);
		}
		registry_close(&server->pools.registry, server->place.instance);
	}
	watch_stop(&server->watch);
	if (server->loop.base) {
		event_base_free(server->loop.base);
	}
	place_finish(&server->place);
	manager_finish(&server->manager);
	config_finish(&server->configuration.config);
}
