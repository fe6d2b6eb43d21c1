/* SPDX-License-Identifier: MIT */
/*
 * Reserving: takes pages for an object, while the loop goes on and never waits for a tmpfs.
 *
 *	reservation --slice--> io_uring FALLOCATE --+--> eventfd --> the loop --> its owner
 *	(waiting)         or a thread's fallocate --+
 *
 * Reservations take turns, a slice of bytes each. Where io_uring is not allowed, as in many
 * containers, one thread does what the kernel's workers would. Tests ask for the thread by
 * $MEMPOOLD_NO_URING=1.
 *
 * When the wish is for huge pages or prefault, the slice is mapped, as the window, and populated by
 * MADVISE instead of FALLOCATE. Before the window is closed, its huge pages are counted.
 *
 * A slice that the daemon's cgroup has no room for is not begun: that would get the daemon killed.
 *
 * A slice that is under way cannot be called back. A reservation whose owner lets go of it stays,
 * with a descriptor of its own, until its slice has ended, and is freed then.
 */
#ifndef MP_DAEMON_RESERVE_H
#define MP_DAEMON_RESERVE_H

#include <event2/event_struct.h>
#include <liburing.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "lib/wire/protocol.h"

struct loop;

/*
 * The loop calls it after each slice. @result is 1: there is more to come; 0: that was the last
 * slice; or -errno: the reservation failed, with -EOPNOTSUPP when it cannot have what its wish
 * requires. After 0 and -errno the reservation is freed.
 */
typedef void reserve_told(void *owner, int result);

/* How the pages shall be; enum wire_effort. */
struct reserve_wish {
	uint8_t huge_pages;
	uint8_t prefault;
};

struct reservation {
	struct reserver *reserver;
	int fd;
	uint64_t at, end; /* the bytes that are left to reserve */
	struct reserve_wish wish;
	void *window;   /* the mapping of its slice; NULL: closed */
	uint64_t asked; /* bytes so far that might be on huge pages */
	uint64_t huge;  /* bytes of them that are */
	bool under_way;
	int result; /* of the slice that the thread did */
	reserve_told *told;
	void *owner; /* NULL: abandoned */
	TAILQ_ENTRY(reservation) of_queue;
};

/* The one thread of a reserver without io_uring. */
struct reserve_thread {
	pthread_t thread;
	pthread_mutex_t mutex; /* guards the rest */
	pthread_cond_t wanted;
	struct reservation *job, *ended; /* NULL: none */
	bool stop;
};

struct reserver {
	struct loop *loop;
	struct event readable; /* of fd */
	int fd;                /* eventfd; -1: not begun */
	bool uring;
	struct io_uring ring;
	struct reserve_thread worker;
	unsigned n_under_way;
	TAILQ_HEAD(, reservation) waiting;
};

/* Sets up io_uring, or starts the thread. Logs errors. Returns 0 or -errno. */
int reserver_init(struct reserver *reserver, struct loop *loop);

/* Waits for the slices under way, and ends. All reservations must have been abandoned. */
void reserver_finish(struct reserver *reserver);

/* What the terms ask for, for one object: huge pages only for the data. */
struct reserve_wish reserve_wish(const struct wire_terms *terms, bool is_data);

/* Says in the log how much of it, for that user's pool, is on huge pages, if that was asked for. */
void reserve_log(const struct reservation *reservation, const char *name, uint32_t uid);

/*
 * Reserves the bytes from @from to @to of the object behind @fd, which stays the caller's. Returns
 * NULL, and errno says why, when there is no memory or descriptor; else the loop calls @told later.
 */
struct reservation *reserve_start(struct reserver *reserver, int fd, uint64_t from, uint64_t to,
				  struct reserve_wish wish, reserve_told *told, void *owner);

/*
 * What the kernel, and the daemon's own work, may need besides so many bytes: a cgroup must leave
 * it as well. It is looked at again before each slice.
 */
static inline uint64_t reserve_overhead(uint64_t bytes)
{
	return bytes / 64 + (4u << 20);
}

/* The owner lets go: it hears no more. */
void reserve_abandon(struct reservation *reservation);

#endif
