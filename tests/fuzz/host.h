/* SPDX-License-Identifier: MIT */
/*
 * A host: a daemon within the fuzzer's own process, in a /dev/shm of its own, and those who connect
 * to it. The daemon is the real one from its socket on; who talks to it is this process, so nobody
 * ever dies: instead, descriptors of liveness files are closed.
 *
 * One daemon serves all inputs, one after the other. host_clear() takes away what an input has
 * made, and sees that all of it goes: descriptors, files, memory of the tmpfs.
 */
#ifndef TESTS_FUZZ_HOST_H
#define TESTS_FUZZ_HOST_H

#include "daemon/server.h"
#include "lib/wire/message.h"

enum {
	HOST_CLIENTS = 4, /* more than may connect */
	HOST_FDS = 48,    /* received and kept */
};

struct host_client {
	int fd; /* -1: not connected */
	int fds[HOST_FDS];
	unsigned n_fds;
	uint32_t serial;
	uint16_t last;                 /* type of the last reply */
	struct wire_attached attached; /* the last that came */
	int control;                   /* its control object, one of fds; -1: none */
};

struct host {
	struct server server;
	struct host_client clients[HOST_CLIENTS];
};

extern struct host host;

/* Starts the daemon, once. Ends the process with 77 when it may not mount. */
void host_start(void);

/* Begins an input; the daemon's clock goes on by so much a look. */
void host_begin(uint64_t tick_ns);

/* Ends the daemon, as SIGTERM does, and starts the next. Connections are lost. */
void host_restart(void);

/* One turn of the daemon's loop, then replies are read. */
void host_turn(void);

/* As if seconds had passed, as far as the daemon waits for that: sweeps, and the grace of gifts. */
void host_pass_time(void);

/* Turns, until there is nothing to do; there must be an end. */
void host_settle(void);

/* Connects, or disconnects. What was received is kept. */
void host_connect(struct host_client *client);
void host_disconnect(struct host_client *client);

/* Sends @size bytes as they are, with a descriptor if asked; what cannot be sent is lost. */
void host_send(struct host_client *client, const void *bytes, size_t size, bool with_fd);

/* Sends a good message and settles. Says whether a reply came that is no error. */
bool host_ask(struct host_client *client, union wire_message *message);

/* Says hello, as every session must. */
void host_hello(struct host_client *client);

/* Closes all it has received: it holds nothing any more. */
void host_let_go(struct host_client *client);

/* Ends the input. */
void host_clear(void);

#endif
