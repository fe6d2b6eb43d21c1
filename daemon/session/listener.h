/* SPDX-License-Identifier: MIT */
/*
 * The listener: the socket, and what happens when there are no descriptors left. One descriptor is
 * kept in reserve: then it is given up for a moment to take the connection and close it, so that
 * the client learns of it and the loop does not spin.
 */
#ifndef MP_DAEMON_LISTENER_H
#define MP_DAEMON_LISTENER_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <sys/types.h>

struct server;

struct listener {
	struct server *server;
	int fd; /* -1: not open */
	int reserve_fd;
	bool starved; /* said once, until a connection is taken again */
	dev_t device; /* of the socket file, to unlink no other */
	ino_t inode;
	struct event readable;
	struct event pause; /* its end: then connections are taken again */
};

/* Binds, listens and accepts from now on; the instance's lock is held. Logs. 0 or -errno. */
int listener_open(struct listener *listener, struct server *server);

/* Stops listening and unlinks the socket, if it still is this one. */
void listener_close(struct listener *listener);

#endif
