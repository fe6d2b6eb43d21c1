/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/store/keeper.h"
#include "daemon/base/log.h"
#include "daemon/base/manager.h"
#include "daemon/store/memory.h"
#include "daemon/pool/pool.h"
#include "daemon/server.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)
#define REPEAT_S 1

static bool is_memfd(const struct pool *pool)
{
	return pool->record->terms.backing == WIRE_MEMFD;
}

static uint64_t size_of(const struct pool *pool, enum object_kind kind)
{
	return kind == OBJECT_CONTROL ? pool->record->control_size : pool->record->data_size;
}

static void name_of(const struct pool *pool, enum object_kind kind, char name[OBJECT_NAME])
{
	object_pool_name(name, pool->server->place.instance, pool->record->name, pool->record->id,
			 kind);
}

void memory_init(struct memory *memory)
{
	*memory = (struct memory){.fds = {-1, -1}, .watch = -1};
}

static void stop_watching(struct memory *memory)
{
	if (memory->watch >= 0) {
		event_del(&memory->death);
		close(memory->watch);
		memory->watch = -1;
	}
	if (event_initialized(&memory->repeat)) {
		evtimer_del(&memory->repeat);
	}
}

void memory_finish(struct memory *memory)
{
	stop_watching(memory);
	for (int kind = 0; kind < 2; kind++) {
		if (memory->fds[kind] >= 0) {
			close(memory->fds[kind]);
			memory->fds[kind] = -1;
		}
	}
}

/* ---- making and opening ---- */

static int create_memfd(struct pool *pool, enum object_kind kind, uint64_t size)
{
	char name[OBJECT_NAME];
	struct stat st;
	int fd, own;

	name_of(pool, kind, name);
	fd = memfd_create(name + 1, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0) {
		return -errno;
	}
	/* Born 0777: who has it read-only could open it anew, by way of /proc, to write. */
	own = fchmod(fd, 0600) < 0 || ftruncate(fd, (off_t)size) < 0 ||
			      fcntl(fd, F_ADD_SEALS, SEALS) < 0 || fstat(fd, &st) < 0
		      ? -1
		      : fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (own < 0) {
		int r = -errno;
		close(fd);
		return r;
	}
	pool->memory.fds[kind] = own;
	pool->record->inodes[kind] = st.st_ino;
	return fd;
}

int memory_create(struct pool *pool, enum object_kind kind, uint64_t size)
{
	char name[OBJECT_NAME];
	int fd;

	if (is_memfd(pool)) {
		return create_memfd(pool, kind, size);
	}
	name_of(pool, kind, name);
	fd = object_create(name, O_RDWR);
	if (fd >= 0 && ftruncate(fd, (off_t)size) < 0) {
		int r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

int memory_open(const struct pool *pool, enum object_kind kind, int flags)
{
	char path[OBJECT_NAME];
	int fd;

	if (!is_memfd(pool)) {
		name_of(pool, kind, path);
		return object_open(path, flags, size_of(pool, kind));
	}
	if (pool->memory.fds[kind] < 0) {
		return -ENOENT;
	}
	snprintf(path, sizeof path, "/proc/self/fd/%d", pool->memory.fds[kind]);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* ---- outliving the daemon ---- */

static struct keeper keeper_of(const struct pool *pool)
{
	return (struct keeper){
		.pid = pool->record->keeper,
		.start_time = pool->record->keeper_start,
	};
}

static void on_repeat(evutil_socket_t fd, short what, void *arg)
{
	struct pool *pool = arg;

	(void)fd;
	(void)what;
	if (memory_keep(pool) < 0) {
		evtimer_add(&pool->memory.repeat, &(struct timeval){.tv_sec = REPEAT_S});
	}
}

static void on_death(evutil_socket_t fd, short what, void *arg)
{
	struct pool *pool = arg;

	(void)fd;
	(void)what;
	log_warning("pool '%s' of uid %u: the process %d, which kept its memory, died; it gets "
		    "another",
		    pool->record->name, pool->record->uid, pool->record->keeper);
	stop_watching(&pool->memory);
	on_repeat(-1, 0, pool);
}

static int watch(struct pool *pool)
{
	struct event_base *base = pool->server->loop.base;
	struct keeper keeper = keeper_of(pool);
	struct memory *memory = &pool->memory;

	memory->watch = keeper_watch(&keeper);
	if (memory->watch < 0) {
		return memory->watch;
	}
	evtimer_assign(&memory->repeat, base, on_repeat, pool);
	event_assign(&memory->death, base, memory->watch, EV_READ, on_death, pool);
	return event_add(&memory->death, NULL) < 0 ? -ENOMEM : 0;
}

/* The record names it before it is told to stay: see the order above. */
static int keep_by_process(struct pool *pool)
{
	char registry[OBJECT_NAME];
	struct keeper keeper;
	int stay;

	object_registry_name(registry, pool->server->place.instance);
	stay = keeper_start(&keeper, pool->memory.fds, registry);
	if (stay < 0) {
		log_error("pool '%s' of uid %u: nobody can keep its memory over a restart: %s",
			  pool->record->name, pool->record->uid, strerror(-stay));
		return stay;
	}
	pool->record->keeper = 0;
	mp_compiler_fence();
	pool->record->keeper_start = keeper.start_time;
	mp_compiler_fence();
	pool->record->keeper = keeper.pid;
	mp_compiler_fence();
	keeper_stay(stay);
	return watch(pool);
}

static void name_stored(const struct pool *pool, char name[MANAGER_NAME])
{
	snprintf(name, MANAGER_NAME, "pool-%016" PRIx64, pool->record->id);
}

static int keep_by_manager(struct pool *pool)
{
	char name[MANAGER_NAME];

	name_stored(pool, name);
	return manager_store(&pool->server->manager, name, pool->memory.fds, 2);
}

int memory_keep(struct pool *pool)
{
	if (!is_memfd(pool)) {
		return 0;
	}
	return manager_keeps(&pool->server->manager) ? keep_by_manager(pool)
						     : keep_by_process(pool);
}

/* Whether the descriptor is the object that was made. */
static bool is_ours(const struct pool *pool, enum object_kind kind, int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_ino == pool->record->inodes[kind] &&
	       (uint64_t)st.st_size == size_of(pool, kind) && st.st_uid == geteuid() &&
	       st.st_nlink == 0 && fcntl(fd, F_GET_SEALS) == SEALS;
}

/* Takes what is ours of two descriptors, and closes the rest. */
static void sort_in(struct pool *pool, const int fds[2])
{
	for (int i = 0; i < 2; i++) {
		int kind = fds[i] < 0                              ? -1
			   : is_ours(pool, OBJECT_CONTROL, fds[i]) ? OBJECT_CONTROL
			   : is_ours(pool, OBJECT_DATA, fds[i])    ? OBJECT_DATA
								   : -1;
		if (kind >= 0 && pool->memory.fds[kind] < 0) {
			pool->memory.fds[kind] = fds[i];
		} else if (fds[i] >= 0) {
			close(fds[i]);
		}
	}
}

/* The manager goes on keeping what it handed over. */
static bool find_at_manager(struct pool *pool)
{
	struct manager *manager = &pool->server->manager;
	char name[MANAGER_NAME];
	int fds[2];

	name_stored(pool, name);
	fds[0] = manager_take(manager, name);
	fds[1] = manager_take(manager, name);
	sort_in(pool, fds);
	return pool->memory.fds[0] >= 0 && pool->memory.fds[1] >= 0;
}

static int find_at_process(struct pool *pool)
{
	struct keeper keeper = keeper_of(pool);
	int fds[2], r = keeper_open(&keeper, fds);

	if (r == 0) {
		sort_in(pool, fds);
		r = pool->memory.fds[0] >= 0 && pool->memory.fds[1] >= 0 ? 0 : -ENOENT;
	}
	if (r == 0 && manager_keeps(&pool->server->manager)) {
		/* Started by hand before, and by the manager now. */
		r = keep_by_manager(pool);
		keeper_end(&keeper);
	} else if (r == 0) {
		r = watch(pool);
	}
	return r;
}

int memory_find(struct pool *pool)
{
	int r = 0;

	if (is_memfd(pool) && !find_at_manager(pool)) {
		memory_finish(&pool->memory);
		r = find_at_process(pool);
	}
	if (r < 0) {
		memory_finish(&pool->memory);
	}
	return r;
}

static void unlink_object(const struct pool *pool, enum object_kind kind)
{
	char name[OBJECT_NAME];

	name_of(pool, kind, name);
	if (shm_unlink(name) < 0 && errno != ENOENT) {
		log_warning("pool '%s': cannot unlink /dev/shm%s: %s", pool->record->name, name,
			    strerror(errno));
	}
}

void memory_forget(struct pool *pool)
{
	struct keeper keeper = keeper_of(pool);
	char name[MANAGER_NAME];

	if (!is_memfd(pool)) {
		unlink_object(pool, OBJECT_CONTROL);
		unlink_object(pool, OBJECT_DATA);
		return;
	}
	memory_finish(&pool->memory);
	keeper_end(&keeper);
	name_stored(pool, name);
	manager_forget(&pool->server->manager, name);
}

/* ---- words ---- */

const char *memory_name(const struct registry_pool *record)
{
	return record->terms.backing == WIRE_MEMFD ? "memory" : "/dev/shm";
}

const char *memory_remedy(const struct registry_pool *record, int error)
{
	bool memfd = record->terms.backing == WIRE_MEMFD;

	if (error == -EOPNOTSUPP && record->terms.huge_pages == WIRE_REQUIRE) {
		return memfd ? "write advise to /sys/kernel/mm/transparent_hugepage/shmem_enabled, "
			       "or ask for huge_pages try"
			     : "mount /dev/shm with huge=advise, or ask for huge_pages try";
	}
	if (error == -EOPNOTSUPP) {
		return "prefault takes Linux 5.14; ask for prefault try";
	}
	/* No worker of io_uring, or no keeper, could be started. */
	if (error == -ECANCELED || error == -EAGAIN) {
		return "mempoold may start no more processes: raise LimitNPROC= or ulimit -u";
	}
	return memfd ? "make it smaller, or free memory"
		     : "make it smaller, or make room in /dev/shm";
}
