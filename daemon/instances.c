/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/base/user.h"
#include "daemon/instances.h"
#include "daemon/store/keeper.h"
#include "daemon/store/liveness.h"
#include "daemon/store/memory.h"
#include "daemon/store/object.h"

#define FOLDER "/dev/shm/"
#define PREFIX "mempool."
#define MOST_TOLD 5
#define MIB(bytes) ((unsigned long long)(bytes) >> 20)

struct instance_path {
	char text[sizeof FOLDER + NAME_MAX];
};

static struct instance_path instance_path(const char *object)
{
	struct instance_path path;

	snprintf(path.text, sizeof path.text, FOLDER "%s", object);
	return path;
}

/* ---- finding ---- */

/* The name of the instance whose object this is. False: it is no object. */
static bool instance_name_of(const char *object, char name[PLACE_INSTANCE])
{
	const char *begin = object + strlen(PREFIX);
	size_t n;

	if (strncmp(object, PREFIX, strlen(PREFIX)) != 0) {
		return false;
	}
	n = strcspn(begin, ".");
	if (begin[n] == 0 || n >= PLACE_INSTANCE) {
		return false;
	}
	memcpy(name, begin, n);
	name[n] = 0;
	return setting_is_instance(name);
}

static int instances_is_object(const struct dirent *entry)
{
	char name[PLACE_INSTANCE];
	return instance_name_of(entry->d_name, name);
}

static int instances_compare(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static bool instance_is_registry(const struct instance *instance, const char *object)
{
	char name[OBJECT_NAME];

	object_registry_name(name, instance->name);
	return !strcmp(name + 1, object);
}

/* What of it is no object in /dev/shm. A keeper that has gone took its memory along. */
static uint64_t instance_memfd_bytes(const struct registry_pool *record)
{
	const struct identity keeper = memory_keeper(record);
	int watch = keeper.pid > 0 ? keeper_watch(&keeper) : -1;

	if (watch >= 0) {
		close(watch);
	}
	if (record->terms.backing != WIRE_MEMFD || record->shape.max_blocks == 0 ||
	    watch == -ESRCH) {
		return 0;
	}
	return record->control_size +
	       record->data_size / record->shape.max_blocks * record->shape.blocks;
}

static void instance_read_registry(struct instance *instance)
{
	const size_t size = REGISTRY_POOLS * sizeof *instance->records;

	instance->records = malloc(size);
	if (!instance->records ||
	    registry_read(instance->registry, instance->records, instance->dir) < 0) {
		return;
	}
	instance->is_readable = true;
	for (int i = 0; i < REGISTRY_POOLS; i++) {
		const struct registry_pool *record = &instance->records[i];
		uint32_t state = mp_load(&record->state);
		if (state == REGISTRY_POOL_LIVE || state == REGISTRY_POOL_GONE) {
			instance->n_pools++;
			instance->bytes += instance_memfd_bytes(record);
		}
	}
}

/* Opens the registry, if it is its owner's alone, and sees whether a daemon has it. */
static void instance_look_at_registry(struct instance *instance, const char *object,
				      const struct stat *st)
{
	int fd = S_ISREG(st->st_mode) && st->st_nlink == 1
			 ? open(instance_path(object).text,
				O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
			 : -1;

	instance->uid = st->st_uid;
	if (fd < 0) {
		return;
	}
	instance->registry = fd;
	instance->state = INSTANCE_DEAD;
	if (flock(fd, LOCK_SH | LOCK_NB) == 0) {
		flock(fd, LOCK_UN);
	} else if (errno == EWOULDBLOCK) {
		instance->state = INSTANCE_LIVE;
	}
	instance_read_registry(instance);
}

/* Whether it is the liveness file of a client, ...POOL.ATTACHMENT.live; a keeper's has one id. */
static bool instance_is_client(const char *file)
{
	enum { ID = 16, IDS = 2 * ID + 1 };
	size_t n = strlen(file), suffix = strlen(".live");

	return n > IDS + suffix && !strcmp(file + n - suffix, ".live") &&
	       strncmp(file + n - suffix - IDS, file + n - suffix - ID, ID) != 0;
}

/* Liveness files of a daemon that lives are its own to test: it may be making them. */
static void instance_count_clients(struct instance *instance)
{
	for (unsigned i = 0; i < instance->n_objects; i++) {
		const char *object = instance->objects[i]->d_name;
		if (instance_is_client(object) &&
		    (liveness_test_file(instance_path(object).text, instance->uid) ==
			     LIVENESS_HELD ||
		     liveness_test_file(instance_path(object).text, geteuid()) == LIVENESS_HELD)) {
			instance->n_clients++;
		}
	}
	if (instance->n_clients > 0) {
		instance->state = INSTANCE_USED;
	}
}

static void instance_look(struct instance *instance)
{
	struct stat st;

	instance->state = INSTANCE_UNKNOWN;
	instance->registry = -1;
	instance->uid = (uid_t)-1;
	for (unsigned i = 0; i < instance->n_objects; i++) {
		const char *object = instance->objects[i]->d_name;
		if (lstat(instance_path(object).text, &st) < 0) {
			continue;
		}
		instance->bytes += (uint64_t)st.st_blocks * 512;
		instance->n_own += st.st_uid == geteuid();
		if (instance_is_registry(instance, object)) {
			instance_look_at_registry(instance, object, &st);
		} else if (instance->uid == (uid_t)-1) {
			instance->uid = st.st_uid;
		}
	}
	if (instance->state == INSTANCE_UNKNOWN && (instance->n_own > 0 || geteuid() == 0)) {
		instance->state = INSTANCE_DEAD; /* what is left of one */
	}
	if (instance->state == INSTANCE_DEAD) {
		instance_count_clients(instance);
	}
}

static void instance_close(struct instance *instance)
{
	free(instance->records);
	instance->records = NULL;
	if (instance->registry >= 0) {
		close(instance->registry);
		instance->registry = -1;
	}
}

/* Sorts the objects, which are sorted themselves, by instance. */
static void instances_sort(struct instances *instances, const char *wanted)
{
	struct instance *last = NULL;
	char name[PLACE_INSTANCE];

	for (int i = 0; i < instances->n_objects; i++) {
		instance_name_of(instances->objects[i]->d_name, name);
		if (wanted && strcmp(name, wanted) != 0) {
			continue;
		}
		if (!last || strcmp(last->name, name) != 0) {
			last = &instances->of[instances->n++];
			strcpy(last->name, name);
			last->objects = &instances->objects[i];
		}
		last->n_objects++;
	}
}

int instances_find(struct instances *instances, const char *name)
{
	*instances = (struct instances){.n = 0};
	instances->n_objects =
		scandir(FOLDER, &instances->objects, instances_is_object, instances_compare);
	if (instances->n_objects < 0) {
		instances->n_objects = 0;
		return -errno;
	}
	instances->of = calloc((size_t)instances->n_objects + 1, sizeof *instances->of);
	if (!instances->of) {
		return -ENOMEM;
	}
	instances_sort(instances, name);
	for (unsigned i = 0; i < instances->n; i++) {
		instance_look(&instances->of[i]);
		if (!name) {
			instance_close(&instances->of[i]); /* there may be very many */
		}
	}
	return 0;
}

void instances_finish(struct instances *instances)
{
	for (unsigned i = 0; i < instances->n; i++) {
		instance_close(&instances->of[i]);
	}
	for (int i = 0; i < instances->n_objects; i++) {
		free(instances->objects[i]);
	}
	free(instances->objects);
	free(instances->of);
}

/* ---- printing ---- */

static const char *const states[] = {
	[INSTANCE_LIVE] = "live",
	[INSTANCE_USED] = "used",
	[INSTANCE_DEAD] = "dead",
	[INSTANCE_UNKNOWN] = "unknown",
};

static void instance_print_owner(const struct instance *instance, char text[40])
{
	const struct passwd *entry = getpwuid(instance->uid);

	if (entry) {
		snprintf(text, 40, "%.32s", entry->pw_name);
	} else {
		snprintf(text, 40, "%u", instance->uid);
	}
}

/* Whoever owns the registry has written the directory: nothing of it may reach a terminal raw. */
static void instance_print_text(const char *text, bool json)
{
	for (const char *c = text; *c; c++) {
		if (json && (*c == '"' || *c == '\\')) {
			putchar('\\');
		}
		putchar(*c >= ' ' && *c < 0x7f ? *c : '?');
	}
}

static void instance_print_row(const struct instance *instance)
{
	char owner[40], pools[16] = "-";

	instance_print_owner(instance, owner);
	if (instance->is_readable) {
		snprintf(pools, sizeof pools, "%u", instance->n_pools);
	}
	printf("%-32s %-12s %-7s %5s %7llu ", instance->name, owner, states[instance->state], pools,
	       MIB(instance->bytes + (1u << 20) - 1));
	instance_print_text(*instance->dir ? instance->dir : "-", false);
	putchar('\n');
}

static void instance_print_json(const struct instance *instance, bool is_last)
{
	char owner[40];

	instance_print_owner(instance, owner);
	printf("  { \"instance\": \"%s\", \"owner\": \"", instance->name);
	instance_print_text(owner, true);
	printf("\", \"uid\": %u, \"state\": \"%s\", ", instance->uid, states[instance->state]);
	if (instance->is_readable) {
		printf("\"pools\": %u, ", instance->n_pools);
	} else {
		fputs("\"pools\": null, ", stdout);
	}
	printf("\"bytes\": %llu, \"clients\": ", (unsigned long long)instance->bytes);
	if (instance->state == INSTANCE_USED || instance->state == INSTANCE_DEAD) {
		printf("%u", instance->n_clients);
	} else {
		fputs("null", stdout);
	}
	fputs(", \"directory\": \"", stdout);
	instance_print_text(instance->dir, true);
	printf("\" }%s\n", is_last ? "" : ",");
}

static void instances_print_all(const struct instances *instances, bool json)
{
	if (json) {
		puts("[");
	} else {
		printf("%-32s %-12s %-7s %5s %7s %s\n", "INSTANCE", "OWNER", "STATE", "POOLS",
		       "MIB", "DIRECTORY");
	}
	for (unsigned i = 0; i < instances->n; i++) {
		if (json) {
			instance_print_json(&instances->of[i], i + 1 == instances->n);
		} else {
			instance_print_row(&instances->of[i]);
		}
	}
	if (json) {
		puts("]");
	}
}

int instances_print(bool json)
{
	struct instances instances;
	int r = instances_find(&instances, NULL);

	if (r < 0) {
		fprintf(stderr, "mempoold: cannot read " FOLDER ": %s\n", strerror(-r));
	} else if (instances.n == 0 && !json) {
		puts("no instances");
	} else {
		instances_print_all(&instances, json);
	}
	instances_finish(&instances);
	return r == 0 && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- telling ---- */

/* Whether nobody can find it any more who does not say its name. */
static bool instance_is_left(const struct instance *instance)
{
	char cookie[REGISTRY_DIRECTORY + 16];

	snprintf(cookie, sizeof cookie, "%s/instance", instance->dir);
	return instance->state == INSTANCE_DEAD && instance->uid == geteuid() &&
	       !strncmp(instance->name, "dir-", 4) && *instance->dir && access(cookie, F_OK) < 0 &&
	       (errno == ENOENT || errno == ENOTDIR);
}

void instances_tell(void)
{
	struct instances instances;
	unsigned n = 0;
	int r = instances_find(&instances, NULL);

	for (unsigned i = 0; r == 0 && i < instances.n; i++) {
		const struct instance *instance = &instances.of[i];
		if (instance_is_left(instance) && ++n <= MOST_TOLD) {
			log_warning("instance %s of %s, which has gone, left %llu MiB; give that "
				    "back: mempoold --remove-instance %s",
				    instance->name, instance->dir,
				    MIB(instance->bytes + (1u << 20) - 1), instance->name);
		}
	}
	if (n > MOST_TOLD) {
		log_warning("so did %u more; mempoold --list-instances tells of all",
			    n - MOST_TOLD);
	}
	instances_finish(&instances);
}
