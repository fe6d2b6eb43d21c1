/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/user.h"
#include "daemon/instances.h"
#include "daemon/remove.h"
#include "daemon/store/keeper.h"
#include "daemon/store/liveness.h"
#include "daemon/store/memory.h"
#include "daemon/store/object.h"

#define KEEPERS_MS 3000 /* how long they have to end */
#define MOST_NAMED 10   /* processes */
#define POOL_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

struct keeper_seen {
	pid_t pid;
	int watch;
};

struct removal_of {
	struct instance *instance;
	char registry[OBJECT_NAME];
	int lock; /* the registry; -1: another user's */
	struct keeper_seen *keepers;
	unsigned n_keepers, n_removed, n_left;
};

__attribute__((format(printf, 1, 2))) static int remove_refuse(const char *format, ...)
{
	va_list args;

	fputs("mempoold: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return -1;
}

/* ---- whether ---- */

/* Whether what has the registry's name is none that could lock anything of ours. */
static bool remove_is_foreign(const char *registry)
{
	char path[sizeof "/dev/shm" + OBJECT_NAME];
	struct stat st;

	snprintf(path, sizeof path, "/dev/shm%s", registry);
	return lstat(path, &st) == 0 && (!S_ISREG(st.st_mode) || st.st_nlink != 1 ||
					 (st.st_uid != geteuid() && geteuid() != 0));
}

/* Where there is no registry one is made, so that no daemon begins while its name is cleared. */
static int remove_open_registry(struct removal_of *removal)
{
	struct instance *instance = removal->instance;

	object_registry_name(removal->registry, instance->name);
	removal->lock = instance->registry;
	if (removal->lock < 0) {
		instance->registry =
			shm_open(removal->registry, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		removal->lock = instance->registry;
	}
	if (removal->lock < 0 && errno == EEXIST && remove_is_foreign(removal->registry)) {
		return 0;
	}
	if (removal->lock < 0) {
		return -errno;
	}
	return flock(removal->lock, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
}

/* Names the processes that have a pool of this record open. */
static void remove_name_clients(const struct instance *instance, uint32_t index, unsigned *n)
{
	static struct registry_slot slots[REGISTRY_SLOTS];
	const struct registry_pool *record = &instance->records[index];
	char path[sizeof "/dev/shm" + OBJECT_NAME] = "/dev/shm";
	size_t at = strlen(path);
	/* Whose registry it is wrote the name, and this may be root's terminal. */
	char name[WIRE_NAME + 1] = "";
	size_t plain = strspn(memcpy(name, record->name, WIRE_NAME), POOL_CHARACTERS);

	if (registry_read_slots(instance->registry, index, slots) < 0) {
		return;
	}
	for (uint32_t i = 0; i < REGISTRY_SLOTS; i++) {
		if (mp_load(&slots[i].state) != REGISTRY_SLOT_LIVE) {
			continue;
		}
		object_liveness_name(path + at, instance->name, record->id, slots[i].attachment);
		if (liveness_test_file(path, instance->uid) == LIVENESS_HELD &&
		    ++*n <= MOST_NAMED) {
			remove_refuse("process %d of uid %u has pool '%.*s' open", slots[i].pid,
				      slots[i].uid, (int)plain, record->name);
		}
	}
}

static int remove_refuse_used(const struct instance *instance)
{
	unsigned n = 0;

	for (uint32_t i = 0; instance->is_readable && i < REGISTRY_POOLS; i++) {
		uint32_t state = mp_load(&instance->records[i].state);
		if (state == REGISTRY_POOL_LIVE || state == REGISTRY_POOL_GONE) {
			remove_name_clients(instance, i, &n);
		}
	}
	return remove_refuse("instance %s has no daemon, but its pools are open %u times: end "
			     "those processes first, or start its daemon again",
			     instance->name, instance->n_clients);
}

/* Returns 0 with the registry locked, or -1 and has said why not. */
static int remove_may(struct removal_of *removal)
{
	struct instance *instance = removal->instance;
	int r;

	if (geteuid() != 0 && instance->n_own == 0) {
		return remove_refuse("instance %s belongs to %s: that user removes it, or root",
				     instance->name, user_describe(instance->uid).text);
	}
	r = instance->state == INSTANCE_LIVE ? -EWOULDBLOCK : remove_open_registry(removal);
	if (r == -EWOULDBLOCK) {
		return remove_refuse("instance %s has a daemon that lives, as /dev/shm/mempool.%s."
				     "registry is locked: end that first",
				     instance->name, instance->name);
	}
	if (r < 0) {
		return remove_refuse("cannot lock the registry of instance %s: %s", instance->name,
				     strerror(-r));
	}
	if (instance->n_clients > 0) {
		return remove_refuse_used(instance);
	}
	return 0;
}

/* ---- doing ---- */

/*
 * Only watched, not killed: who owns the registry has written these numbers, and root may be
 * removing it.
 */
static void remove_watch_keepers(struct removal_of *removal)
{
	const struct instance *instance = removal->instance;

	removal->keepers = calloc(REGISTRY_POOLS, sizeof *removal->keepers);
	for (int i = 0; removal->keepers && instance->is_readable && i < REGISTRY_POOLS; i++) {
		const struct registry_pool *record = &instance->records[i];
		const struct identity keeper = memory_keeper(record);
		int watch = keeper_watch(&keeper); /* a pool in /dev/shm may have one, too */
		if (watch >= 0) {
			removal->keepers[removal->n_keepers++] =
				(struct keeper_seen){keeper.pid, watch};
		}
	}
}

static void remove_object(struct removal_of *removal, const char *object)
{
	char path[sizeof "/dev/shm/" + NAME_MAX];
	const struct object_path told = object_tell(object);
	struct stat st;

	snprintf(path, sizeof path, "/dev/shm/%s", object);
	if (lstat(path, &st) < 0) {
		return;
	}
	if (st.st_uid != geteuid() && geteuid() != 0) {
		remove_refuse("%s belongs to %s; root removes it: rm -rf %s", told.text,
			      user_describe(st.st_uid).text, told.text);
		removal->n_left++;
	} else if ((S_ISDIR(st.st_mode) ? rmdir(path) : unlink(path)) < 0) {
		remove_refuse("cannot remove %s: %s", told.text, strerror(errno));
		removal->n_left++;
	} else {
		removal->n_removed++;
	}
}

static void remove_objects(struct removal_of *removal)
{
	const struct instance *instance = removal->instance;

	if (instance->is_readable && removal->lock >= 0) {
		registry_spoil(removal->lock);
	}
	for (unsigned i = 0; i < instance->n_objects; i++) {
		const char *object = instance->objects[i]->d_name;
		if (removal->lock < 0 || strcmp(object, removal->registry + 1) != 0) {
			remove_object(removal, object);
		}
	}
	if (removal->lock >= 0) {
		remove_object(removal, removal->registry + 1);
	}
}

static void remove_await_keepers(struct removal_of *removal)
{
	int left_ms = KEEPERS_MS;

	for (unsigned i = 0; i < removal->n_keepers; i++) {
		struct keeper_seen *seen = &removal->keepers[i];
		struct pollfd p = {.fd = seen->watch, .events = POLLIN};
		while (left_ms > 0 && poll(&p, 1, 10) == 0) {
			left_ms -= 10;
		}
		if (poll(&p, 1, 0) == 0) {
			remove_refuse("process %d keeps memory of it and does not end: kill -KILL "
				      "%d, if it is called mempoold-keep",
				      seen->pid, seen->pid);
			removal->n_left++;
		}
		close(seen->watch);
	}
	free(removal->keepers);
}

static int remove_found(struct instance *instance)
{
	struct removal_of removal = {.instance = instance, .lock = -1};

	if (remove_may(&removal) < 0) {
		return EXIT_FAILURE;
	}
	remove_watch_keepers(&removal);
	remove_objects(&removal);
	remove_await_keepers(&removal);
	printf("instance %s: %u objects removed, %u processes that kept memory ended, %u left\n",
	       instance->name, removal.n_removed, removal.n_keepers, removal.n_left);
	return removal.n_left == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int remove_instance(const char *name)
{
	struct instances instances;
	int status = EXIT_FAILURE, r = instances_find(&instances, name);

	if (r < 0) {
		remove_refuse("cannot read /dev/shm: %s", strerror(-r));
	} else if (instances.n == 0) {
		remove_refuse("there is no instance %s; mempoold --list-instances tells of all",
			      name);
	} else {
		status = remove_found(&instances.of[0]);
	}
	instances_finish(&instances);
	return status;
}
