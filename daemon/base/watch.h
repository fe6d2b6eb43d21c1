/* SPDX-License-Identifier: MIT */
/*
 * A watch over names of files that others may remove while the daemon uses the files: inotify tells
 * that something happened to one of them, and somebody then looks at all. Each file is watched by
 * itself, as a folder like /dev/shm is full of other people's doings. Looks come a short while
 * after an event, so that `rm *` is one look, and every few seconds anyhow: inotify may have no
 * watch left, and says nothing of a file system mounted over a folder.
 */
#ifndef MP_DAEMON_WATCH_H
#define MP_DAEMON_WATCH_H

#include <event2/event_struct.h>
#include <stdbool.h>

struct loop;

struct watch {
	struct loop *loop;
	int fd; /* of inotify; -1: there is none */
	/* Looks at some of the names. Returns whether more are to be looked at. */
	bool (*look)(void *arg);
	void *arg;
	struct event told;
	struct event due; /* the next look */
};

/* Looks from now on, in the loop. */
void watch_start(struct watch *watch, struct loop *loop, bool (*look)(void *arg), void *arg);

/* Stops. One that never started needs no stop. */
void watch_stop(struct watch *watch);

/* Looks soon. */
void watch_hurry(struct watch *watch);

/* Watches that file. Returns its number, or -1: only the regular looks see to it. */
int watch_add(struct watch *watch, const char *path);

/* Watches it no more; -1 is nothing. */
void watch_remove(struct watch *watch, int number);

#endif
