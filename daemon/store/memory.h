/* SPDX-License-Identifier: MIT */
/*
 * Memory: what a pool's two objects are, and how they outlive the daemon.
 *
 *	shm	two names in /dev/shm, see object.h, by which the next daemon finds them
 *	memfd	no names, and sealed, so that nobody can change their size. Somebody who outlives
 *		the daemon has both open: the service manager, or a keeper (keeper.h)
 *
 * The daemon has both objects open, of either kind: the descriptors are the pool. What clients get
 * is opened anew by way of /proc/self/fd, whatever became of the names. Without /proc, writers get
 * copies of the daemon's descriptors, and readers copies of read-only ones, which it opens by name
 * while there is one; a memfd has none.
 *
 * Somebody may remove a pool's names while it is in use. It goes on: those who have it open, and
 * new clients, have the descriptors. An object without names can get none any more, so from then on
 * it is kept as a memfd is; the next daemon looks for names first, and then at who keeps it.
 *
 * Order, for memfds: made, reserved, laid, kept, and then the pool is LIVE. A daemon that dies
 * before that leaves a record that is BUILDING; the next daemon ends the keeper that the record
 * names, if any, and the memory goes. The daemon tells a keeper to stay only when the record names
 * it, so that no keeper is forgotten. It replaces a keeper that dies at once. When daemon and
 * keeper die together, nobody can open the memory any more: the next daemon has no such pool, and
 * its clients keep what they have mapped.
 */
#ifndef MP_DAEMON_MEMORY_H
#define MP_DAEMON_MEMORY_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stddef.h>

#include "daemon/base/identity.h"
#include "daemon/store/object.h"
#include "daemon/store/registry.h"

struct loop;
struct manager;
struct watch;

/* What the memory of every pool of an instance is made with. */
struct memory_host {
	struct loop *loop;
	struct manager *manager;   /* keeps memfds, if it can */
	const char *instance;      /* part of the objects' names */
	const char *cookie;        /* the file that names it, see keeper.h */
	const int *cookie_fd;      /* that file, open; NULL or -1: none does */
	struct registry *registry; /* named, while somebody keeps what it names */
	struct watch *watch;       /* of the names in /dev/shm; NULL: there is none */
};

struct memory {
	const struct memory_host *host;
	struct registry_pool *record; /* of the pool; keeper and inodes are written here */
	int fds[2];                   /* by object kind, to write; -1: not there */
	int readers[2];               /* likewise, read-only, where there is no /proc; else -1 */
	bool nameless;                /* of shm: a name has vanished */
	int names[2];                 /* of shm: what watches them; -1: nothing */
	int unkept; /* why nobody keeps it who should: -errno, 1: not tried yet; else 0 */
	/* Of what is kept. */
	int watch;           /* pidfd of its keeper; -1: there is none */
	ino_t bond;          /* of the registry with whose name that keeper ends; 0: not known */
	struct event death;  /* of the keeper */
	struct event repeat; /* tries again to start a keeper */
};

/* Begins with the memory of the pool with that record; opens nothing. */
void memory_init(struct memory *memory, const struct memory_host *host,
		 struct registry_pool *record);

/* Closes the descriptors; manager or keeper go on keeping theirs. */
void memory_finish(struct memory *memory);

/* Makes an object of that size, without pages. Returns a writable descriptor, or -errno. */
int memory_create(struct memory *memory, enum object_kind kind, uint64_t size);

/*
 * Opens once more an object that was made or found. Returns a descriptor, -EUCLEAN when it has
 * another size, -EOPNOTSUPP when that takes /proc and there is none, or -errno.
 */
int memory_open(const struct memory *memory, enum object_kind kind, int flags);

/*
 * Opens an object to give back its pages, even if a client has changed its size or mode. Returns a
 * descriptor or -errno.
 */
int memory_open_to_free(const struct memory *memory, enum object_kind kind);

/* Has the manager or a keeper keep the memory beyond the daemon. Returns 0 or -errno. */
int memory_keep(struct memory *memory);

/*
 * Looks whether the pool's names in /dev/shm are still there; if not, says so once, and has the
 * memory kept. Replaces a keeper that has died, or ends since the registry was made again. Returns
 * whether it had somebody keep it.
 */
bool memory_look(struct memory *memory);

/*
 * Finds and opens what an earlier daemon made. Returns 0, -ENOENT when it is lost, -EUCLEAN when it
 * is not what was made, -EREMOTE when who keeps it cannot be reached from here, -ENOSYS when it
 * takes /proc, or -errno.
 */
int memory_find(struct memory *memory);

/* Unlinks the objects and ends their keeper. Their pages go when the last client closes them. */
void memory_forget(struct memory *memory);

/* The keeper that the record names; pid 0: none. */
struct identity memory_keeper(const struct registry_pool *record);

/* Whether there is a /proc, by which descriptors can be opened anew. */
bool memory_has_proc(void);

/* What to do about an @error in making the pool; a clause. */
const char *memory_remedy(const struct registry_pool *record, int error);

/* Where the pool takes its pages from: "/dev/shm" or "memory". */
const char *memory_name(const struct registry_pool *record);

#endif
