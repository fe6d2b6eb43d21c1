/* SPDX-License-Identifier: MIT */
/*
 * The listener: the socket, and what happens when there are no descriptors left. One descriptor is
 * kept in reserve: then it is given up for a moment to take the connection and close it, so that
 * the client learns of it and the loop does not spin.
 *
 * The socket's file is what clients find it by. It is there only when the socket listens and the
 * file's rights are set, so that who sees it can connect; until then it has another name, the path,
 * ~ and five digits. Somebody may remove the file. The listener then makes another socket, as a
 * socket can have no second name, and takes the last connections from the first.
 */
#ifndef MP_DAEMON_LISTENER_H
#define MP_DAEMON_LISTENER_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <sys/types.h>

struct manager;
struct place;
struct sessions;
struct watch;

struct listener {
	struct sessions *sessions;
	const char *path; /* of the socket file */
	bool inherited;   /* it is the service manager's */
	int lost;         /* why the file is not there and was not made again: -errno; else 0 */
	struct watch *watch;
	int fd; /* -1: not open */
	int reserve_fd;
	bool takes_descriptors; /* the kernel cannot turn them away at the sender */
	bool starved;           /* said once, until a connection is taken again */
	dev_t device;           /* of the socket file, to unlink no other */
	ino_t inode;
	struct event readable;
	struct event pause; /* its end: the listener accepts connections again */
};

/*
 * Listens at @place; if the service manager made a socket, listens on that and writes its path to
 * @place. Accepts from now on. We must hold the instance's lock. Logs errors. Returns 0 or -errno.
 */
int listener_open(struct listener *listener, struct sessions *sessions, struct manager *manager,
		  struct place *place, struct watch *watch);

/*
 * Looks whether the socket's file is there. If somebody removed it, listens on a new one; logs
 * that, or once why not. One that the service manager made is the manager's to make again.
 */
void listener_look(struct listener *listener);

/* The next look says once more what is wrong. */
void listener_ask_again(struct listener *listener);

/* Stops listening, and unlinks the socket file if it still is the one that we made. */
void listener_close(struct listener *listener);

#endif
