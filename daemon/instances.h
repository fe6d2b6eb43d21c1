/* SPDX-License-Identifier: MIT */
/*
 * The instances that have something in /dev/shm: of daemons that live, and of such that died and
 * left it. mempoold --list-instances, and --remove-instance, which is in remove.c.
 */
#ifndef MP_DAEMON_INSTANCES_H
#define MP_DAEMON_INSTANCES_H

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/config/place.h"
#include "daemon/store/registry.h"

enum instance_state {
	INSTANCE_LIVE,    /* has a daemon */
	INSTANCE_USED,    /* has none, and processes have pools open */
	INSTANCE_DEAD,    /* has neither */
	INSTANCE_UNKNOWN, /* only its owner and root can tell */
};

struct instance {
	char name[PLACE_INSTANCE];
	uid_t uid; /* whose the registry is; that of an object without one */
	enum instance_state state;
	/* Kept only of an instance that was asked for by its name. */
	int registry; /* open; -1: there is none, or not for us */
	struct registry_pool *records;
	bool is_readable; /* the registry is of this version: then the next two are known */
	uint32_t n_pools;
	char dir[REGISTRY_DIRECTORY]; /* "": it needed none */
	unsigned n_clients;           /* that hold pools of no daemon */
	uint64_t bytes;
	/* Names of its objects, in /dev/shm. */
	struct dirent **objects;
	unsigned n_objects, n_own; /* of them, the caller's */
};

struct instances {
	struct instance *of;
	unsigned n;
	/* All of their objects. */
	struct dirent **objects;
	int n_objects;
};

/* Looks for all instances, or for the one of that name. Returns 0 or -errno. */
int instances_find(struct instances *instances, const char *name);

void instances_finish(struct instances *instances);

/* Prints them all; returns the exit status. */
int instances_print(bool json);

/* Logs what dead instances of this user left whose directories have gone. */
void instances_tell(void);

#endif
