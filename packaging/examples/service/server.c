/* SPDX-License-Identifier: MIT */
/*
 * service-server SOCKET
 *
 * A server with one thread and one epoll loop, for sockets and channels alike. It listens on a
 * SOCK_SEQPACKET Unix socket: a packet is a request, and its answer is a packet. A connection may
 * have one request under way.
 *
 *	a connection is readable	get a block, receive into it, send it to the workers
 *	no block is free		do not read connections until the pool is readable; askers
 *					that send more are then held up by their sockets
 *	answers is readable		receive all, each to its connection
 *	SIGTERM, SIGINT			the end
 */
#define _GNU_SOURCE 1
#include <err.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "service.h"

#define CONNECTIONS 64
#define PATIENCE_MS 1000 /* how long a connection waits for its answer */
#define LOOK_MS 100      /* how often the loop looks who has waited for too long */

/* What an event is of; connections are numbers from 0 on. */
enum { SIGNALS = CONNECTIONS, LISTENER, BLOCKS, ANSWERS };

struct connection {
	int fd;            /* -1: none */
	bool wants_block;  /* it has sent a request, and there was no block */
	uint64_t sequence; /* of the request under way; 0: none */
	uint64_t since;    /* when that came, in ns */
};

static struct mempool *pool;
static struct mempool_channel *jobs, *answers;
static struct connection connections[CONNECTIONS];
static uint64_t sequence;
static unsigned n_wanting; /* connections that want a block */
static int epoll;

/* Has the loop look for @events of @fd, which are then told as @number's. */
static void watch(int operation, int fd, uint32_t events, uint32_t number)
{
	struct epoll_event event = {.events = events, .data.u32 = number};

	if (fd < 0 || epoll_ctl(epoll, operation, fd, &event) < 0) {
		err(1, "epoll");
	}
}

/* A connection with a request under way is not read: who sends on is held up by the socket. */
static void read_from(struct connection *c, bool is_to_be_read)
{
	watch(EPOLL_CTL_MOD, c->fd, is_to_be_read ? EPOLLIN : 0, (uint32_t)(c - connections));
}

/* The pool's descriptor is readable as long as there are blocks: look only when one is wanted. */
static void want_block(struct connection *c, bool is_wanted)
{
	if (c->wants_block != is_wanted) {
		c->wants_block = is_wanted;
		n_wanting += is_wanted ? 1 : -1u;
		watch(EPOLL_CTL_MOD, mempool_fd(pool), n_wanting > 0 ? EPOLLIN : 0, BLOCKS);
	}
}

static void drop(struct connection *c)
{
	want_block(c, false);
	close(c->fd);
	*c = (struct connection){.fd = -1};
}

/* Answers the request under way. Who does not read its answers is dropped. */
static void reply(struct connection *c, const char *text, size_t length)
{
	c->sequence = 0;
	if (send(c->fd, text, length, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
		drop(c);
	} else {
		read_from(c, true);
	}
}

/* Sends what the connection has sent to the workers. The block is ours until then. */
static void pass_on(struct connection *c, struct request *request, size_t length)
{
	static const char busy[] = "error: busy";

	payload_fill(&request->payload, length, ++sequence);
	read_from(c, false);
	c->sequence = request->payload.sequence;
	c->since = request->payload.time_ns;
	if (mempool_channel_send(jobs, request, 0) < 0) {
		mempool_put(pool, request);
		reply(c, busy, sizeof(busy) - 1);
	}
}

/* Without a free block, the connection is left alone until there is one. */
static void on_request(struct connection *c)
{
	struct request *request = mempool_get(pool);

	if (request == NULL && (errno == ENOMEM || errno == EAGAIN)) {
		read_from(c, false);
		want_block(c, true);
		return;
	}
	if (request == NULL) {
		errx(1, "%s", mempool_errmsg());
	}
	want_block(c, false);
	ssize_t n = recv(c->fd, request->text, sizeof(request->text), MSG_DONTWAIT | MSG_TRUNC);
	if (n > 0 && (size_t)n <= sizeof(request->text)) {
		pass_on(c, request, (size_t)n);
		return;
	}
	int error = errno;
	mempool_put(pool, request);
	if (n > 0) {
		static const char too_long[] = "error: the request is too long";
		reply(c, too_long, sizeof(too_long) - 1);
	} else if (n == 0 || (error != EAGAIN && error != EINTR)) {
		drop(c);
	}
}

static void on_connection(struct connection *c, uint32_t events)
{
	if (c->fd >= 0 && (events & EPOLLIN)) {
		on_request(c);
	} else if (c->fd >= 0) {
		drop(c); /* the asker is gone; its answer will find nobody */
	}
}

/* There are blocks: for as many connections as want one, until there are none. */
static void on_blocks(void)
{
	for (int i = 0; i < CONNECTIONS && n_wanting > 0; i++) {
		struct connection *c = &connections[i];
		if (c->wants_block) {
			want_block(c, false);
			read_from(c, true); /* it is readable, and the loop comes to it */
		}
	}
}

/* The connection that waits for the answer with that sequence, or NULL. */
static struct connection *who_waits_for(uint64_t answered)
{
	for (int i = 0; i < CONNECTIONS; i++) {
		if (connections[i].fd >= 0 && connections[i].sequence == answered) {
			return &connections[i];
		}
	}
	return NULL;
}

static void on_answers(void)
{
	struct request *request;

	while ((request = mempool_channel_receive(answers, 0)) != NULL) {
		struct connection *c = who_waits_for(request->payload.sequence);
		if (c != NULL) {
			reply(c, request->text, service_length(request));
		}
		mempool_put(pool, request);
	}
	if (errno != EAGAIN) {
		errx(1, "%s", mempool_errmsg());
	}
}

static void on_listener(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	for (uint32_t i = 0; i < CONNECTIONS && fd >= 0; i++) {
		if (connections[i].fd < 0) {
			connections[i].fd = fd;
			watch(EPOLL_CTL_ADD, fd, EPOLLIN, i);
			return;
		}
	}
	if (fd >= 0) {
		close(fd);
	}
}

/* Tells those whose worker was killed, or is too slow. */
static void look_at_time(void)
{
	static const char nothing[] = "error: no answer came in time";

	for (int i = 0; i < CONNECTIONS; i++) {
		struct connection *c = &connections[i];
		if (c->sequence != 0 &&
		    payload_now() - c->since > PATIENCE_MS * UINT64_C(1000000)) {
			reply(c, nothing, sizeof(nothing) - 1);
		}
	}
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (strlen(path) >= sizeof(address.sun_path)) {
		errx(2, "%s: the path is too long for a socket", path);
	}
	strcpy(address.sun_path, path);
	unlink(path); /* an earlier server's, which was killed */
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, CONNECTIONS) < 0) {
		err(1, "%s", path);
	}
	return fd;
}

static int catch_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Until a signal comes. */
static void loop(int listener)
{
	struct epoll_event events[16];

	for (;;) {
		int n = epoll_wait(epoll, events, 16, LOOK_MS);
		for (int i = 0; i < n; i++) {
			switch (events[i].data.u32) {
			case SIGNALS:
				return;
			case LISTENER:
				on_listener(listener);
				break;
			case BLOCKS:
				on_blocks();
				break;
			case ANSWERS:
				on_answers();
				break;
			default:
				on_connection(&connections[events[i].data.u32], events[i].events);
			}
		}
		look_at_time();
	}
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		errx(2, "usage: service-server SOCKET");
	}
	for (int i = 0; i < CONNECTIONS; i++) {
		connections[i].fd = -1;
	}
	sequence = payload_now(); /* no answer to an earlier server has one of ours */
	epoll = epoll_create1(EPOLL_CLOEXEC);
	watch(EPOLL_CTL_ADD, catch_signals(), EPOLLIN, SIGNALS); /* before any thread is started */
	pool = service_open();
	jobs = service_open_channel(pool, SERVICE_JOBS, MEMPOOL_CHANNEL_WORK);
	answers = service_open_channel(pool, SERVICE_ANSWERS, MEMPOOL_CHANNEL_RECEIVE);
	watch(EPOLL_CTL_ADD, mempool_channel_fd(answers), EPOLLIN, ANSWERS);
	watch(EPOLL_CTL_ADD, mempool_fd(pool), 0, BLOCKS);
	int listener = listen_at(argv[1]);
	watch(EPOLL_CTL_ADD, listener, EPOLLIN, LISTENER);

	loop(listener);

	unlink(argv[1]);
	mempool_channel_close(answers);
	mempool_channel_close(jobs);
	return mempool_close(pool) < 0; /* what the workers have comes back to the pool by itself */
}
