/* SPDX-License-Identifier: MIT */
/*
 * Reading: the configuration is read anew, off the loop. Files name users and groups, and whoever
 * knows these, such as a directory server, may not answer for minutes; nobody else waits for that.
 *
 *	SIGHUP --> a thread reads all files --eventfd--> the loop --> who is told
 *
 * What is asked for while a reading is under way is done when it has ended: what that reading found
 * may be old, and is dropped. The daemon ends without waiting for a thread.
 */
#ifndef MP_DAEMON_READING_H
#define MP_DAEMON_READING_H

#include <event2/event_struct.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "daemon/config/config.h"

struct loop;
struct reading_job;
struct source;

/* What was found. */
struct reading_result {
	struct config config; /* the receiver's */
	size_t n_faults;
	const char *faults; /* a line each */
};

struct reading {
	struct loop *loop;
	const struct source *source;
	void (*told)(void *owner, struct reading_result *result); /* on the loop */
	void *owner;
	int fd;                  /* eventfd; -1: not begun */
	struct event done;       /* of fd */
	pthread_t thread;        /* while there is a job, */
	struct reading_job *job; /* which is the thread's; NULL: none is under way */
	bool again;
};

/* The source stays where it is. Returns 0 or -errno. */
int reading_init(struct reading *reading, struct loop *loop, const struct source *source,
		 void (*told)(void *owner, struct reading_result *result), void *owner);

/*
 * Begins; while one is under way, another comes after it. Returns 0 or -errno, and then nobody is
 * told.
 */
int reading_start(struct reading *reading);

/* Ends. False: a thread goes on, and uses memory of this process until it exits. */
bool reading_finish(struct reading *reading);

#endif
