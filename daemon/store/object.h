/* SPDX-License-Identifier: MIT */
/*
 * Objects in /dev/shm: names, making, opening with suspicion, pages.
 *
 *	/mempool.<instance>.registry			the registry, see registry.c
 *	/mempool.<instance>.registry.draft		a copy of it that is being made
 *	/mempool.<instance>.<pool>.<id>.ctl, .dat	a pool; <id> is 16 hex digits
 *	/mempool.<instance>.<id>.<attachment>.live	a liveness file, see liveness.h
 *
 * An instance's name has no dot, so no other instance's objects begin like ours. The daemon
 * makes each with O_EXCL and mode 0600; so each is its user's, and has one name.
 */
#ifndef MP_DAEMON_OBJECT_H
#define MP_DAEMON_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define OBJECT_NAME 160 /* bytes that hold any name */

enum object_kind {
	OBJECT_CONTROL,
	OBJECT_DATA,
};

void object_registry_name(char name[OBJECT_NAME], const char *instance);
void object_pool_name(char name[OBJECT_NAME], const char *instance, const char *pool, uint64_t id,
		      enum object_kind kind);
void object_liveness_name(char name[OBJECT_NAME], const char *instance, uint64_t id,
			  uint64_t attachment);

/* Whether the name leads to the open object. */
bool object_is_named(const char *name, int fd);

/* A number nobody can guess. */
uint64_t object_random(void);

/* Makes an empty object. @flags O_RDWR or O_RDONLY. Returns a descriptor or -errno. */
int object_create(const char *name, int flags);

/* Returns 0 if the open object is a private plain file of this user with one name, or -EUCLEAN. */
int object_check(int fd);

/*
 * Opens an object that must be ours and of that size. Returns a descriptor, -EUCLEAN when it is not
 * what the daemon made, or -errno.
 */
int object_open(const char *name, int flags, uint64_t size);

/* Reserves pages, so that touching them cannot fail. Returns 0 or -errno. */
int object_reserve(int fd, uint64_t at, uint64_t size);

/* Gives pages back to the system; from then on they read as zeros. */
void object_punch(int fd, uint64_t at, uint64_t size);

struct object_path {
	char text[sizeof "/dev/shm/" + 256];
};

/*
 * The path of a file in /dev/shm, for messages: what could mean something to a terminal or a shell
 * is replaced by ?, which a shell takes for any character.
 */
struct object_path object_tell(const char *file);

/* Warns of each object of @instance for which @known says no. */
void object_report_unknown(const char *instance, int (*known)(void *arg, const char *name),
			   void *arg);

#endif
