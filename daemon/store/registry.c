/* SPDX-License-Identifier: MIT */
/*
 * Picture. One shared-memory object, mode 0600, mapped by the daemon alone:
 *
 *	| header | pool 0 .. 1023, 256 B each | slots of pool 0 | slots of pool 1 | ...
 *	  4 KiB    reserved at the start        4096 * 64 B, reserved while pool 0 is not FREE
 *
 * Most of it is a hole. Pages are reserved before they are touched, so a full /dev/shm is an errno
 * and never SIGBUS. Where a page is larger than 4 KiB, parts of two neighbours may lie in one: it
 * is reserved with either of them, and giving one's part back zeroes that part, and nothing else.
 *
 * Invariants, at every instant, also between two instructions of a daemon about to die:
 * 1. An object of a pool exists => its record is not FREE and has the object's id and name.
 * 2. A liveness file exists => its slot is CLAIMED, LIVE or DEAD and has its attachment number, in
 *    a record that is LIVE or GONE.
 * 3. A client has a slot => the registry's slot is LIVE or DEAD, with that client's pid and start
 *    time.
 * 4. A record is FREE => none of its slots is read before all were zeroed.
 *
 * States, and who may move: the one daemon that holds the lock.
 *	pool	FREE -> BUILDING -> LIVE -> GONE -> FREE,   BUILDING -> GONE
 *	slot	FREE -> CLAIMED -> LIVE -> DEAD -> FREE,    CLAIMED -> DEAD
 *
 * Order of stores.
 *	make	a slots reserved and zeroed, b record's fields, c state BUILDING, d objects made,
 *		reserved and laid, e state LIVE, f slot for the creator as below
 *	attach	g slot's fields, h state CLAIMED, i liveness file made and locked, j segment's slot
 *		LIVE, k state LIVE, l descriptors sent
 *	bury	m state DEAD, n liveness file unlinked, o segment's slot DEAD, p pass, q state FREE
 *	remove	r state GONE, s (no slot in use) objects unlinked, t state FREE, u slots' pages
 *		given back
 *
 * What is true if the process dies after each.
 *	a, b	The record is FREE: fields are ignored. Pages of the slots stay reserved; the next
 *		start gives back the slots' pages of every FREE record.
 *	c, d	BUILDING: the next start makes it GONE and goes on at s. Nobody had it open.
 *	e	The pool is whole; its creator did not hear of it and asks again with its cookie.
 *	g	The slot is FREE.
 *	h..j	CLAIMED: no client had the slot; the next start goes on at m.
 *	k	LIVE, but nobody holds the lock: whoever died as daemon was the last. The next
 *		start tests it and goes on at m.
 *	l	LIVE, and the client holds the lock.
 *	m..p	DEAD: the next start unlinks the file, if there, and does the pass from its start.
 *	q	The slot is FREE and nothing names it.
 *	r, s	GONE: adopted like any other while slots are in use, else unlinked.
 *	t	As after a.
 *
 * Names vanish: somebody, such as logind at a logout or a script that cleans up, removes the object
 * from /dev/shm. The daemon goes on in what it has mapped, but the next one would find nothing. An
 * object that has no name can get none, so the registry is made anew: v a new object is made under
 * another name, locked and filled with a copy; w it is renamed, unless there is something of that
 * name; x it is mapped in the place of the first, whose lock is given up. The daemon is one thread:
 * nothing is stored between copy and x.
 *	v	The next start finds no registry, but a copy, which says all once its magic, the
 *		last of it, is stored: gives it the name, unless somebody holds its lock.
 *	w, x	The copy is the registry, is locked until the daemon is dead, and says all.
 * Another daemon of the instance that comes between vanishing and w makes a registry of its own,
 * and finds that somebody listens on the socket, or listens elsewhere: its registry is left alone,
 * and made anew is ours when that has gone.
 *
 * Each state is one 32-bit store. What a SIGKILL leaves is a prefix of the stores in program order;
 * mp_store_release() keeps the compiler to it. The next daemon reads under the lock, which the
 * kernel gave it after the first had gone.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/store/object.h"
#include "daemon/store/registry.h"
#include "daemon/store/squat.h"

#define HEADER_SIZE 4096u
#define DIRECTORY_AT 2048u /* in the header's page: the daemon's directory, for listing */
#define FIXED_SIZE (HEADER_SIZE + REGISTRY_POOLS * sizeof(struct registry_pool))
#define SLOTS_SIZE (REGISTRY_SLOTS * sizeof(struct registry_slot)) /* of one pool */
#define SERVICE_USER "mempoold"                                    /* as the unit says */
#define LOCK_MS 500 /* how long another daemon has to be gone */
#define LOCK_PAUSE_MS 5
#define WHOLE_SIZE (FIXED_SIZE + REGISTRY_POOLS * SLOTS_SIZE)
_Static_assert(FIXED_SIZE % 4096 == 0 && SLOTS_SIZE % 4096 == 0, "reserved by the page");

static const struct registry_header expected = {
	.magic = REGISTRY_MAGIC,
	.version = REGISTRY_VERSION,
	.header_size = HEADER_SIZE,
	.pool_size = sizeof(struct registry_pool),
	.slot_size = sizeof(struct registry_slot),
	.n_pools = REGISTRY_POOLS,
	.n_slots = REGISTRY_SLOTS,
};

/*
 * Locks the object. A keeper that the last daemon was about to execute when it was killed has the
 * lock for a moment longer. Returns 0 or -errno.
 */
static int registry_lock(int fd)
{
	const struct timespec pause = {.tv_nsec = LOCK_PAUSE_MS * 1000000};

	for (int ms = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; ms += LOCK_PAUSE_MS) {
		if (errno != EWOULDBLOCK) {
			return -errno;
		}
		if (ms >= LOCK_MS) {
			return -EBUSY;
		}
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* Opens and locks the object; tries again when a daemon that ends unlinks it in between. */
static int registry_open_locked(const char *name)
{
	for (;;) {
		struct stat st;
		struct squat squat;
		int r, fd = shm_open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (fd < 0 ? squat_look(&squat, name)
			   : fstat(fd, &st) == 0 && st.st_uid != geteuid() &&
				     squat_look(&squat, name)) {
			if (fd >= 0) {
				close(fd);
			}
			squat_tell(&squat);
			return -EEXIST;
		}
		if (fd < 0) {
			r = -errno;
			log_error("cannot open /dev/shm%s: %s%s", name, strerror(-r),
				  r == -ENOENT ? "; mount a tmpfs on /dev/shm" : "");
			return r;
		}
		r = registry_lock(fd);
		if (r < 0) {
			log_error(r == -EBUSY
					  ? "another daemon has this instance: /dev/shm%s is locked"
					  : "cannot lock /dev/shm%s",
				  name);
			close(fd);
			return r;
		}
		if (fstat(fd, &st) == 0 && st.st_nlink > 0) {
			return fd;
		}
		close(fd);
	}
}

static int registry_map(struct registry *registry)
{
	unsigned char *base =
		mmap(NULL, WHOLE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, registry->fd, 0);

	if (base == MAP_FAILED) {
		return -errno;
	}
	registry->header = (struct registry_header *)base;
	registry->pools = (struct registry_pool *)(base + HEADER_SIZE);
	registry->slots = (struct registry_slot *)(base + FIXED_SIZE);
	return 0;
}

/* Turns a fresh object into an empty registry. The magic, stored last, makes it one. */
static int registry_format(struct registry *registry)
{
	struct registry_header header = expected;
	int r = ftruncate(registry->fd, WHOLE_SIZE) < 0 ? -errno : 0;

	if (r == 0) {
		r = object_reserve(registry->fd, 0, FIXED_SIZE);
	}
	if (r == 0) {
		r = registry_map(registry);
	}
	if (r < 0) {
		return r;
	}
	memset(registry->pools, 0, REGISTRY_POOLS * sizeof *registry->pools);
	mp_store(&header.magic, 0);
	*registry->header = header;
	mp_store_release(&registry->header->magic, REGISTRY_MAGIC); /* as in registry_enter() */
	return 0;
}

/* Maps a registry that an earlier daemon left. Its version and sizes were checked. */
static int registry_take_over(struct registry *registry)
{
	int r = registry_map(registry);

	if (r < 0) {
		return r;
	}
	for (uint32_t i = 0; i < REGISTRY_POOLS; i++) {
		if (mp_load_acquire(&registry->pools[i].state) == REGISTRY_POOL_FREE) {
			object_punch(registry->fd, FIXED_SIZE + i * SLOTS_SIZE, SLOTS_SIZE);
		}
	}
	return 0;
}

/* What to do about an @error in making or mapping it; a clause. */
static const char *registry_remedy(int error)
{
	switch (error) {
	case -EFBIG:
		return "mempoold may not make such a file: raise LimitFSIZE= or ulimit -f";
	case -ENOMEM:
		return "mempoold has no address space left: raise LimitAS= or ulimit -v";
	case -ENOSPC:
		return "make room in /dev/shm";
	default:
		return "a sandbox may refuse mempoold a system call (SystemCallFilter=)";
	}
}

/* Decides what the locked object is. Logs why it will not do. */
static int registry_use(struct registry *registry, const char *name)
{
	struct registry_header found = {0};
	struct stat st;
	ssize_t n = pread(registry->fd, &found, sizeof found, 0);
	int r;

	if (object_check(registry->fd) < 0) {
		log_error("/dev/shm%s is not a private file of this user; remove it", name);
		return -EUCLEAN;
	}
	if (n <= 0 || found.magic == 0) {
		r = registry_format(registry);
	} else if (memcmp(&found, &expected, sizeof found) || fstat(registry->fd, &st) < 0 ||
		   (uint64_t)st.st_size != WHOLE_SIZE) {
		log_error("/dev/shm%s is the registry of another version of mempoold, or damaged; "
			  "start that version, or remove the instance's objects from /dev/shm",
			  name);
		return -EPROTONOSUPPORT;
	} else {
		r = registry_take_over(registry);
	}
	if (r < 0) {
		log_error("cannot use /dev/shm%s: %s; %s", name, strerror(-r), registry_remedy(r));
		if (n <= 0 || found.magic == 0) {
			shm_unlink(name); /* it never became one */
		}
	}
	return r;
}

/* Of the copy, while it is made. */
static void registry_draft_name(char draft[OBJECT_NAME], const char *name)
{
	snprintf(draft, OBJECT_NAME, "%.140s.draft", name);
}

static int registry_rename(const char *from, const char *to)
{
	char old[sizeof "/dev/shm" + OBJECT_NAME], new[sizeof "/dev/shm" + OBJECT_NAME];

	snprintf(old, sizeof old, "/dev/shm%s", from);
	snprintf(new, sizeof new, "/dev/shm%s", to);
	return renameat2(AT_FDCWD, old, AT_FDCWD, new, RENAME_NOREPLACE) < 0 ? -errno : 0;
}

/* A daemon that was about to make the registry again, and was killed, may have left the copy. */
static void registry_find_draft(const char *draft, const char *name)
{
	int fd = shm_open(draft, O_RDWR | O_CLOEXEC, 0);

	if (fd < 0) {
		return;
	}
	if (object_check(fd) == 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 &&
	    registry_rename(draft, name) == -EEXIST) {
		shm_unlink(draft); /* it was of an earlier time */
	}
	close(fd);
}

int registry_open(struct registry *registry, const char *instance)
{
	char name[OBJECT_NAME], draft[OBJECT_NAME];
	int r;

	object_registry_name(name, instance);
	registry_draft_name(draft, name);
	squat_end(name);
	registry_find_draft(draft, name);
	r = registry_open_locked(name);
	if (r < 0) {
		return r;
	}
	registry->fd = r;
	registry->lost = 0;
	r = registry_use(registry, name);
	if (r < 0) {
		close(registry->fd);
		registry->fd = -1;
	}
	return r;
}

void registry_note_directory(struct registry *registry, const char *dir)
{
	snprintf((char *)registry->header + DIRECTORY_AT, REGISTRY_DIRECTORY, "%s", dir);
}

int registry_read(int fd, struct registry_pool pools[REGISTRY_POOLS], char dir[REGISTRY_DIRECTORY])
{
	const ssize_t size = REGISTRY_POOLS * sizeof *pools;
	struct registry_header found;

	if (pread(fd, &found, sizeof found, 0) != sizeof found ||
	    memcmp(&found, &expected, sizeof found) != 0 ||
	    pread(fd, pools, (size_t)size, HEADER_SIZE) != size ||
	    pread(fd, dir, REGISTRY_DIRECTORY, DIRECTORY_AT) != REGISTRY_DIRECTORY) {
		return -EPROTONOSUPPORT;
	}
	dir[REGISTRY_DIRECTORY - 1] = 0;
	return 0;
}

int registry_read_slots(int fd, uint32_t index, struct registry_slot slots[REGISTRY_SLOTS])
{
	const ssize_t size = SLOTS_SIZE;

	return pread(fd, slots, SLOTS_SIZE, (off_t)(FIXED_SIZE + index * SLOTS_SIZE)) == size
		       ? 0
		       : -EIO;
}

void registry_spoil(int fd)
{
	const uint64_t none = 0;

	(void)!pwrite(fd, &none, sizeof none, offsetof(struct registry_header, magic));
}

/* ---- a name that vanished ---- */

/* Copies what is in use. */
static int registry_copy(const struct registry *from, int to)
{
	const char *base = (const char *)from->header;
	const size_t magic = sizeof from->header->magic;
	int r = ftruncate(to, WHOLE_SIZE) < 0 ? -errno : object_reserve(to, 0, FIXED_SIZE);

	if (r == 0 && pwrite(to, base + magic, FIXED_SIZE - magic, (off_t)magic) !=
			      (ssize_t)(FIXED_SIZE - magic)) {
		r = -EIO;
	}
	for (uint32_t i = 0; r == 0 && i < REGISTRY_POOLS; i++) {
		size_t at = FIXED_SIZE + i * SLOTS_SIZE;
		size_t size = from->pools[i].shape.n_slots * sizeof(struct registry_slot);
		if (mp_load(&from->pools[i].state) == REGISTRY_POOL_FREE) {
			continue;
		}
		r = object_reserve(to, at, (size + 4095) & ~(size_t)4095);
		if (r == 0 && pwrite(to, base + at, size, (off_t)at) != (ssize_t)size) {
			r = -EIO;
		}
	}
	if (r == 0 && pwrite(to, base, magic, 0) != (ssize_t)magic) {
		r = -EIO;
	}
	return r;
}

/* Goes on in the copy, which has the name by now. */
static void registry_move_into(struct registry *registry, int fd)
{
	if (mmap(registry->header, WHOLE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
		 0) == MAP_FAILED) {
		log_error("cannot map the registry: %s", strerror(errno));
		abort(); /* the next daemon finds all in the copy */
	}
	close(registry->fd);
	registry->fd = fd;
}

/* Makes the copy, locked, and gives it the name. */
static int registry_make_again(struct registry *registry, const char *name)
{
	char draft[OBJECT_NAME];
	int fd, r;

	registry_draft_name(draft, name);
	shm_unlink(draft);
	fd = object_create(draft, O_RDWR);
	if (fd < 0) {
		return fd;
	}
	r = flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : registry_copy(registry, fd);
	r = r < 0 ? r : registry_rename(draft, name);
	if (r < 0) {
		shm_unlink(draft);
		close(fd);
		return r;
	}
	registry_move_into(registry, fd);
	return 0;
}

int registry_restore(struct registry *registry, const char *instance)
{
	char name[OBJECT_NAME];
	int r;

	object_registry_name(name, instance);
	if (object_is_named(name, registry->fd)) {
		registry->lost = 0;
		return 0;
	}
	r = registry_make_again(registry, name);
	if (r == 0) {
		log_warning("somebody removed /dev/shm%s; made again. Find out who: logind with "
			    "RemoveIPC=yes when the user logs out, or a script that cleans up",
			    name);
	} else if (registry->lost != r) {
		log_error("somebody removed /dev/shm%s, and it cannot be made again: %s; pools "
			  "will be lost at the next restart of mempoold, until it can",
			  name, r == -EEXIST ? "something else has that name" : strerror(-r));
	}
	registry->lost = r;
	return r == 0 ? 1 : r;
}

ino_t registry_inode(const struct registry *registry)
{
	struct stat st;

	return fstat(registry->fd, &st) < 0 ? 0 : st.st_ino;
}

bool registry_is_empty(const struct registry *registry)
{
	for (uint32_t i = 0; i < REGISTRY_POOLS; i++) {
		if (mp_load(&registry->pools[i].state) != REGISTRY_POOL_FREE) {
			return false;
		}
	}
	return true;
}

void registry_close(struct registry *registry, const char *instance)
{
	char name[OBJECT_NAME];

	object_registry_name(name, instance);
	if (!registry_is_empty(registry)) {
		registry_restore(registry, instance);
	} else if (object_is_named(name, registry->fd)) {
		shm_unlink(name);
	}
	munmap(registry->header, WHOLE_SIZE);
	close(registry->fd);
	registry->fd = -1;
}

struct registry_slot *registry_slots(const struct registry *registry, uint32_t index)
{
	return registry->slots + (size_t)index * REGISTRY_SLOTS;
}

int registry_find_free(const struct registry *registry)
{
	for (int i = 0; i < REGISTRY_POOLS; i++) {
		if (mp_load(&registry->pools[i].state) == REGISTRY_POOL_FREE) {
			return i;
		}
	}
	return -1;
}

int registry_enter(struct registry *registry, uint32_t index, const struct registry_pool *pool)
{
	struct registry_pool *at = &registry->pools[index];
	struct registry_slot *slots = registry_slots(registry, index);
	uint64_t slots_at = FIXED_SIZE + index * SLOTS_SIZE;
	uint64_t size = (pool->shape.n_slots * sizeof *slots + 4095) & ~4095ull;
	int r;

	assert(mp_load(&at->state) == REGISTRY_POOL_FREE);
	r = object_reserve(registry->fd, slots_at, size);
	if (r < 0) {
		object_punch(registry->fd, slots_at, size);
		return r;
	}
	memset(slots, 0, pool->shape.n_slots * sizeof *slots);
	memcpy((char *)at + offsetof(struct registry_pool, id),
	       (const char *)pool + offsetof(struct registry_pool, id),
	       sizeof *at - offsetof(struct registry_pool, id));
	mp_store(&at->broken, 0);
	/* Read by the next daemon, after this one has gone. */
	mp_store_release(&at->state, REGISTRY_POOL_BUILDING);
	return 0;
}

void registry_move_pool(struct registry_pool *pool, enum registry_pool_state state)
{
	uint32_t from = mp_load(&pool->state);

	assert(state == REGISTRY_POOL_LIVE
		       ? from == REGISTRY_POOL_BUILDING
		       : state == REGISTRY_POOL_GONE && from != REGISTRY_POOL_FREE);
	(void)from;
	mp_store_release(&pool->state, state); /* as in registry_enter() */
}

void registry_remove(struct registry *registry, uint32_t index)
{
	struct registry_pool *pool = &registry->pools[index];

	assert(mp_load(&pool->state) == REGISTRY_POOL_GONE);
	mp_store_release(&pool->state, REGISTRY_POOL_FREE); /* as in registry_enter() */
	object_punch(registry->fd, FIXED_SIZE + index * SLOTS_SIZE, SLOTS_SIZE);
}

void registry_claim_slot(struct registry_slot *at, const struct registry_slot *slot)
{
	assert(mp_load(&at->state) == REGISTRY_SLOT_FREE);
	memcpy((char *)at + sizeof at->state, (const char *)slot + sizeof slot->state,
	       sizeof *at - sizeof at->state);
	mp_store_release(&at->state, REGISTRY_SLOT_CLAIMED); /* as in registry_enter() */
}

void registry_move_slot(struct registry_slot *slot, enum registry_slot_state state)
{
	static const uint32_t allowed_from[] = {
		[REGISTRY_SLOT_FREE] = 1u << REGISTRY_SLOT_DEAD,
		[REGISTRY_SLOT_CLAIMED] = 0,
		[REGISTRY_SLOT_LIVE] = 1u << REGISTRY_SLOT_CLAIMED,
		[REGISTRY_SLOT_DEAD] = 1u << REGISTRY_SLOT_CLAIMED | 1u << REGISTRY_SLOT_LIVE,
	};

	assert(allowed_from[state] >> mp_load(&slot->state) & 1);
	(void)allowed_from;
	mp_store_release(&slot->state, state); /* as in registry_enter() */
}
