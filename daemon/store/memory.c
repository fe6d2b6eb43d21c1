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

#include "daemon/base/loop.h"
#include "daemon/base/log.h"
#include "daemon/base/manager.h"
#include "daemon/base/watch.h"
#include "daemon/store/keeper.h"
#include "daemon/store/liveness.h"
#include "daemon/store/memory.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)
#define REPEAT_S 1

static bool memory_is_memfd(const struct memory *memory)
{
	return memory->record->terms.backing == WIRE_MEMFD;
}

/* Whether the next daemon finds it only if somebody keeps it. */
static bool memory_is_kept(const struct memory *memory)
{
	return memory_is_memfd(memory) || memory->nameless;
}

static uint64_t memory_size_of(const struct memory *memory, enum object_kind kind)
{
	return kind == OBJECT_CONTROL ? memory->record->control_size : memory->record->data_size;
}

static void memory_name_of(const struct memory *memory, enum object_kind kind,
			   char name[OBJECT_NAME])
{
	object_pool_name(name, memory->host->instance, memory->record->name, memory->record->id,
			 kind);
}

void memory_init(struct memory *memory, const struct memory_host *host,
		 struct registry_pool *record)
{
	*memory = (struct memory){
		.host = host,
		.record = record,
		.fds = {-1, -1},
		.readers = {-1, -1},
		.names = {-1, -1},
		.watch = -1,
	};
}

static void memory_close(int *fd)
{
	if (*fd >= 0) {
		close(*fd);
		*fd = -1;
	}
}

static void memory_stop_watching(struct memory *memory)
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
	memory_stop_watching(memory);
	for (int kind = 0; kind < 2; kind++) {
		memory_close(&memory->fds[kind]);
		memory_close(&memory->readers[kind]);
		watch_remove(memory->host->watch, memory->names[kind]);
		memory->names[kind] = -1;
	}
}

/* ---- making and opening ---- */

bool memory_has_proc(void)
{
	return access("/proc/self/fd/0", F_OK) == 0; /* which is open, see main.c */
}

/* Opens the object of that name, which must be the one that was made. Returns as memory_open(). */
static int memory_open_name(const struct memory *memory, enum object_kind kind, int flags)
{
	uint64_t inode = memory->record->inodes[kind];
	char name[OBJECT_NAME];
	struct stat st;
	int fd;

	memory_name_of(memory, kind, name);
	fd = object_open(name, flags, memory_size_of(memory, kind));
	if (fd >= 0 && inode && (fstat(fd, &st) < 0 || st.st_ino != inode)) {
		close(fd);
		return -EUCLEAN;
	}
	return fd;
}

/* Has it told when the name vanishes. */
static void memory_watch_name(struct memory *memory, enum object_kind kind)
{
	char name[OBJECT_NAME], path[sizeof "/dev/shm" + OBJECT_NAME];

	memory_name_of(memory, kind, name);
	snprintf(path, sizeof path, "/dev/shm%s", name);
	memory->names[kind] = watch_add(memory->host->watch, path);
}

/* The object is the pool's: notes which it is, and what readers need. Returns 0 or -errno. */
static int memory_hold(struct memory *memory, enum object_kind kind, int fd)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		return fd < 0 ? fd : -errno;
	}
	memory->fds[kind] = fd;
	memory->record->inodes[kind] = st.st_ino;
	if (!memory_is_memfd(memory)) {
		memory_watch_name(memory, kind);
	}
	if (!memory_is_memfd(memory) && !memory_has_proc()) {
		memory->readers[kind] = memory_open_name(memory, kind, O_RDONLY);
		return memory->readers[kind] < 0 ? memory->readers[kind] : 0;
	}
	return 0;
}

/* Gives the object its size, and a memfd its seals for good. Returns 0 or -errno. */
static int memory_shape(const struct memory *memory, int fd, uint64_t size)
{
	/* A memfd is born 0777: who has it read-only could open it anew, by /proc, to write. */
	if ((memory_is_memfd(memory) && fchmod(fd, 0600) < 0) || ftruncate(fd, (off_t)size) < 0 ||
	    (memory_is_memfd(memory) && fcntl(fd, F_ADD_SEALS, SEALS) < 0)) {
		return -errno;
	}
	return 0;
}

int memory_create(struct memory *memory, enum object_kind kind, uint64_t size)
{
	char name[OBJECT_NAME];
	int fd, own, r;

	if (memory_is_memfd(memory) && !memory_has_proc()) {
		return -ENOSYS;
	}
	memory_name_of(memory, kind, name);
	fd = memory_is_memfd(memory) ? memfd_create(name + 1, MFD_CLOEXEC | MFD_ALLOW_SEALING)
				     : object_create(name, O_RDWR);
	if (fd < 0) {
		return memory_is_memfd(memory) ? -errno : fd;
	}
	r = memory_shape(memory, fd, size);
	own = r < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (r == 0) {
		r = memory_hold(memory, kind, own < 0 ? -errno : own);
	}
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

/* Without /proc. A copy shares offset and flags with ours, of which nobody makes use. */
static int memory_copy(const struct memory *memory, enum object_kind kind, int flags)
{
	int own = flags == O_RDWR ? memory->fds[kind] : memory->readers[kind];
	int fd = own < 0 ? -1 : fcntl(own, F_DUPFD_CLOEXEC, 0);

	return own < 0 ? -EOPNOTSUPP : fd < 0 ? -errno : fd;
}

int memory_open(const struct memory *memory, enum object_kind kind, int flags)
{
	char path[64];
	struct stat st;
	int fd;

	if (memory->fds[kind] < 0 || fstat(memory->fds[kind], &st) < 0) {
		return -ENOENT;
	}
	if ((uint64_t)st.st_size != memory_size_of(memory, kind)) {
		return -EUCLEAN;
	}
	snprintf(path, sizeof path, "/proc/self/fd/%d", memory->fds[kind]);
	fd = open(path, flags | O_CLOEXEC);
	return fd >= 0 ? fd : errno == ENOENT ? memory_copy(memory, kind, flags) : -errno;
}

/* ---- outliving the daemon ---- */

struct identity memory_keeper(const struct registry_pool *record)
{
	return (struct identity){
		.pid = record->keeper,
		.where = record->keeper_where,
		.number = record->keeper_identity,
	};
}

static void memory_on_repeat(evutil_socket_t fd, short what, void *arg)
{
	struct memory *memory = arg;

	(void)fd;
	(void)what;
	if (memory->watch < 0 && memory_keep(memory) < 0) {
		evtimer_add(&memory->repeat, &(struct timeval){.tv_sec = REPEAT_S});
	}
}

/* Its keeper is none any more. */
static void memory_lose_keeper(struct memory *memory, const char *how)
{
	log_warning("pool '%s' of uid %u: its keeper, process %d, %s; mempoold starts another",
		    memory->record->name, memory->record->uid, memory->record->keeper, how);
	memory_stop_watching(memory);
}

static void memory_on_death(evutil_socket_t fd, short what, void *arg)
{
	struct memory *memory = arg;

	(void)fd;
	(void)what;
	memory_lose_keeper(memory, "died");
	memory_on_repeat(-1, 0, memory);
}

static int memory_watch(struct memory *memory)
{
	struct event_base *base = memory->host->loop->base;
	struct identity keeper = memory_keeper(memory->record);

	memory->watch = keeper_watch(&keeper);
	if (memory->watch < 0) {
		return memory->watch;
	}
	if (event_initialized(&memory->repeat)) {
		evtimer_del(&memory->repeat);
	}
	evtimer_assign(&memory->repeat, base, memory_on_repeat, memory);
	event_assign(&memory->death, base, memory->watch, EV_READ, memory_on_death, memory);
	return event_add(&memory->death, NULL) < 0 ? -ENOMEM : 0;
}

/* A keeper ends with the name of the registry, or with the cookie. Returns as keeper_start(). */
static int memory_start_keeper(struct memory *memory, struct identity *keeper)
{
	const struct memory_host *host = memory->host;
	uint64_t id = memory->record->id;
	char registry[OBJECT_NAME];
	int lock, r = registry_restore(host->registry, host->instance);
	const struct keeper_bond bond = {
		.registry = registry,
		.inode = registry_inode(host->registry),
		.cookie = host->cookie,
		.cookie_fd = host->cookie_fd ? *host->cookie_fd : -1,
	};

	if (r < 0) {
		return r;
	}
	object_registry_name(registry, host->instance);
	liveness_remove(host->instance, id, id); /* an earlier keeper's, which is dead */
	lock = liveness_create(host->instance, id, id);
	if (lock < 0) {
		return lock;
	}
	r = keeper_start(keeper, (const int[]){memory->fds[0], memory->fds[1], lock}, &bond);
	close(lock);
	memory->bond = bond.inode;
	return r;
}

/* The record names it before it is told to stay: see the order above. */
static int memory_keep_by_process(struct memory *memory)
{
	struct identity keeper;
	int stay = memory_start_keeper(memory, &keeper);

	if (stay < 0) {
		return stay;
	}
	memory->record->keeper = 0;
	mp_compiler_fence();
	memory->record->keeper_where = keeper.where;
	memory->record->keeper_identity = keeper.number;
	mp_compiler_fence();
	memory->record->keeper = keeper.pid;
	mp_compiler_fence();
	keeper_stay(stay);
	return memory_watch(memory);
}

static void memory_name_stored(const struct memory *memory, char name[MANAGER_NAME])
{
	snprintf(name, MANAGER_NAME, "pool-%016" PRIx64, memory->record->id);
}

static int memory_keep_by_manager(struct memory *memory)
{
	char name[MANAGER_NAME];

	memory_name_stored(memory, name);
	return manager_store(memory->host->manager, name, memory->fds, 2);
}

int memory_keep(struct memory *memory)
{
	int r = 0;

	if (memory_is_kept(memory)) {
		r = manager_keeps(memory->host->manager) ? memory_keep_by_manager(memory)
							 : memory_keep_by_process(memory);
	}
	if (r < 0 && memory->unkept != r) {
		log_error("pool '%s' of uid %u: nobody can keep its memory: %s; it will be lost at "
			  "the next restart of mempoold, until somebody can",
			  memory->record->name, memory->record->uid,
			  r == -EEXIST ? "the registry has lost its name" : strerror(-r));
	}
	memory->unkept = r;
	return r;
}

/*
 * Sees to a keeper that is gone, or goes as soon as it gets to run: it ends with the name that the
 * registry had when it was started, and the registry may have been made again since.
 */
static void memory_look_at_keeper(struct memory *memory)
{
	struct identity keeper = memory_keeper(memory->record);

	if (memory->unkept || memory->watch < 0) {
		return;
	}
	if (!memory->bond) {
		memory->bond = keeper_inode(&keeper); /* an earlier daemon started it */
	}
	if (identity_has_died(memory->watch)) {
		memory_lose_keeper(memory, "died");
		memory->unkept = 1;
	} else if (memory->bond && memory->bond != registry_inode(memory->host->registry)) {
		memory_lose_keeper(memory, "ends with the name that the registry had");
		memory->unkept = 1;
	}
}

bool memory_look(struct memory *memory)
{
	struct identity before = memory_keeper(memory->record);
	char name[OBJECT_NAME];

	for (int kind = 0; kind < 2 && !memory_is_kept(memory); kind++) {
		memory_name_of(memory, (enum object_kind)kind, name);
		if (memory->fds[kind] < 0 || object_is_named(name, memory->fds[kind])) {
			continue;
		}
		memory->nameless = true;
		log_warning("pool '%s' of uid %u: somebody removed /dev/shm%s; all who may open it "
			    "still can, and its memory is kept for the next mempoold as that of a "
			    "memfd is",
			    memory->record->name, memory->record->uid, name);
		memory->unkept = 1; /* not yet */
	}
	if (!memory_is_kept(memory)) {
		return false;
	}
	memory_look_at_keeper(memory);
	if (!memory->unkept || memory_keep(memory) < 0) {
		return false;
	}
	keeper_end(&before); /* it may be slow to end by itself */
	return true;
}

/* Whether the descriptor is that of the object which the daemon made. */
static bool memory_is_ours(const struct memory *memory, enum object_kind kind, int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_ino == memory->record->inodes[kind] &&
	       (uint64_t)st.st_size == memory_size_of(memory, kind) && st.st_uid == geteuid() &&
	       (!memory_is_memfd(memory) || (st.st_nlink == 0 && fcntl(fd, F_GET_SEALS) == SEALS));
}

/* Of two descriptors, takes those of the pool's objects and closes the rest. */
static void memory_sort_in(struct memory *memory, const int fds[2])
{
	for (int i = 0; i < 2; i++) {
		int kind = fds[i] < 0                                       ? -1
			   : memory_is_ours(memory, OBJECT_CONTROL, fds[i]) ? OBJECT_CONTROL
			   : memory_is_ours(memory, OBJECT_DATA, fds[i])    ? OBJECT_DATA
									    : -1;
		if (kind >= 0 && memory->fds[kind] < 0) {
			memory->fds[kind] = fds[i];
		} else if (fds[i] >= 0) {
			close(fds[i]);
		}
	}
}

/* Takes the memfds from the service manager, which goes on keeping them. */
static bool memory_find_at_manager(struct memory *memory)
{
	struct manager *manager = memory->host->manager;
	char name[MANAGER_NAME];
	int fds[2];

	memory_name_stored(memory, name);
	fds[0] = manager_take(manager, name);
	fds[1] = manager_take(manager, name);
	memory_sort_in(memory, fds);
	return memory->fds[0] >= 0 && memory->fds[1] >= 0;
}

/*
 * The keeper is out of reach: asks its liveness lock. Returns -ENOENT when the keeper has died,
 * else the error that says why it is out of reach.
 */
static int memory_ask_lock(const struct memory *memory, int hidden)
{
	const struct registry_pool *record = memory->record;

	switch (liveness_test(memory->host->instance, record->id, record->id)) {
	case LIVENESS_LOST:
		return -ENOENT;
	case LIVENESS_HELD:
		return -EREMOTE;
	case LIVENESS_UNKNOWN:
	default:
		return hidden;
	}
}

static int memory_find_at_process(struct memory *memory)
{
	struct identity keeper = memory_keeper(memory->record);
	int fds[2], r = keeper_open(&keeper, fds);

	if (r == -EREMOTE) {
		r = memory_ask_lock(memory, r);
	}
	if (r == 0) {
		memory_sort_in(memory, fds);
		r = memory->fds[0] >= 0 && memory->fds[1] >= 0 ? 0 : -ENOENT;
	}
	if (r == 0 && manager_keeps(memory->host->manager)) {
		/* The earlier daemon had no service manager, and this one has. */
		r = memory_keep_by_manager(memory);
		keeper_end(&keeper);
	} else if (r == 0) {
		r = memory_watch(memory);
	}
	return r;
}

static int memory_find_by_names(struct memory *memory)
{
	int r = 0;

	for (int kind = 0; r == 0 && kind < 2; kind++) {
		r = memory_hold(memory, (enum object_kind)kind,
				memory_open_name(memory, (enum object_kind)kind, O_RDWR));
	}
	return r;
}

static int memory_find_kept(struct memory *memory)
{
	if (memory_find_at_manager(memory)) {
		return 0;
	}
	memory_finish(memory);
	return memory_find_at_process(memory);
}

/* Its names vanished before, as far as they are not there. Somebody may keep it since. */
static int memory_find_nameless(struct memory *memory, int by_names)
{
	int r;

	memory_finish(memory);
	memory->nameless = true;
	r = memory_find_kept(memory);
	if (r < 0) {
		memory->nameless = false;
		return r == -ENOENT ? by_names : r;
	}
	log_warning("pool '%s' of uid %u: has no names in /dev/shm, as somebody removed them; its "
		    "memory was kept",
		    memory->record->name, memory->record->uid);
	return 0;
}

int memory_find(struct memory *memory)
{
	int r;

	if (memory_is_memfd(memory) && !memory_has_proc()) {
		return -ENOSYS;
	}
	r = memory_is_memfd(memory) ? memory_find_kept(memory) : memory_find_by_names(memory);
	if (!memory_is_memfd(memory) && (r == -ENOENT || r == -EUCLEAN)) {
		r = memory_find_nameless(memory, r);
	}
	if (r < 0) {
		memory_finish(memory);
	}
	return r;
}

int memory_open_to_free(const struct memory *memory, enum object_kind kind)
{
	char name[OBJECT_NAME];
	struct stat st;
	int fd;

	if (memory->fds[kind] >= 0) {
		fd = fcntl(memory->fds[kind], F_DUPFD_CLOEXEC, 0);
	} else if (memory_is_memfd(memory)) {
		return -ENOENT;
	} else {
		memory_name_of(memory, kind, name);
		fd = shm_open(name, O_RDWR | O_CLOEXEC, 0);
	}
	if (fd >= 0 && (fstat(fd, &st) < 0 || st.st_uid != geteuid())) {
		close(fd);
		return -EUCLEAN; /* another user's, of the name of ours that was removed */
	}
	return fd < 0 ? -errno : fd;
}

static void memory_unlink_object(const struct memory *memory, enum object_kind kind)
{
	char name[OBJECT_NAME];

	memory_name_of(memory, kind, name);
	if (shm_unlink(name) < 0 && errno != ENOENT) {
		log_warning("pool '%s': cannot unlink /dev/shm%s: %s", memory->record->name, name,
			    strerror(errno));
	}
}

void memory_forget(struct memory *memory)
{
	struct identity keeper = memory_keeper(memory->record);
	char name[MANAGER_NAME];

	memory_finish(memory);
	if (!memory_is_memfd(memory)) {
		memory_unlink_object(memory, OBJECT_CONTROL);
		memory_unlink_object(memory, OBJECT_DATA);
	}
	if (!memory_is_kept(memory)) {
		return;
	}
	keeper_end(&keeper);
	liveness_remove(memory->host->instance, memory->record->id, memory->record->id);
	memory_name_stored(memory, name);
	manager_forget(memory->host->manager, name);
}

/* ---- words ---- */

const char *memory_name(const struct registry_pool *record)
{
	return record->terms.backing == WIRE_MEMFD ? "memory" : "/dev/shm";
}

/* Huge pages or prefault were required. */
static const char *memory_remedy_of_effort(const struct registry_pool *record, bool memfd)
{
	if (record->terms.huge_pages != WIRE_REQUIRE) {
		return "prefault takes Linux 5.14; ask for prefault try";
	}
	return memfd ? "write advise to /sys/kernel/mm/transparent_hugepage/shmem_enabled, or ask "
		       "for huge_pages try"
		     : "mount /dev/shm with huge=advise, or ask for huge_pages try";
}

/* A system call was refused. */
static const char *memory_remedy_of_refusal(bool memfd)
{
	if (memfd && !memory_has_proc()) {
		return "memfds are opened by way of /proc: mount it, or make the pool in /dev/shm";
	}
	return memfd ? "a sandbox or an old kernel refuses mempoold memfd_create or pidfd_open: "
		       "allow them (SystemCallFilter=), or ask for backing shm"
		     : "a sandbox or an old kernel refuses mempoold a system call: allow it "
		       "(SystemCallFilter=)";
}

const char *memory_remedy(const struct registry_pool *record, int error)
{
	bool memfd = record->terms.backing == WIRE_MEMFD;

	switch (-error) {
	case EOPNOTSUPP:
		return memory_remedy_of_effort(record, memfd);
	case EMFILE:
	case ENFILE:
		return "mempoold may open no more files, of which a pool takes two: raise "
		       "LimitNOFILE= or ulimit -n, or destroy pools";
	case ECANCELED: /* no worker of io_uring, or no keeper, could be started */
	case EAGAIN:
		return "mempoold may start no more processes: raise LimitNPROC= or ulimit -u";
	case EDQUOT:
		return "mempoold's cgroup has no memory left: raise MemoryMax=, or make it smaller";
	case ENOMEM:
		return "mempoold has no memory or address space left: free memory, or raise "
		       "LimitAS= or ulimit -v";
	case EFBIG:
		return "mempoold may not make such a file: raise LimitFSIZE= or ulimit -f";
	case EPERM:
	case EACCES:
	case ENOSYS:
		return memory_remedy_of_refusal(memfd);
	default:
		return memfd ? "make it smaller, or free memory"
			     : "make it smaller, or make room in /dev/shm";
	}
}
