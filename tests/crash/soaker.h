/* SPDX-License-Identifier: MIT */
/*
 * A worker of the soak, and the ledger it shares with the director. The ledger is a file, because
 * workers exec themselves anew and close all their descriptors.
 *
 * A worker enters a block into the ledger after it got the block, and strikes it out before it lets
 * the block go. So a block may be in use and not in the ledger, never the other way round. A worker
 * that gets a block which the ledger says another worker has, one not doomed, reports that block as
 * handed out twice. The director dooms a worker before it kills it; who execs dooms himself before.
 *
 * Whoever sends a job or a broadcast writes its number as a worker into the block, and one that
 * rises. A job must be done once. A subscriber must hear the numbers of each worker rise, without a
 * gap if it is reliable; if it is lossy, all gaps together must not be more than it has lost.
 */
#ifndef TESTS_CRASH_SOAKER_H
#define TESTS_CRASH_SOAKER_H

#include <stdbool.h>
#include <stdint.h>

#define SOAK_POOL "soak"

/* Channels. */
enum { SOAK_QUEUES = 2, SOAK_WORK = 2, SOAK_BROADCAST = 3, SOAK_CHANNELS = 4 };

enum {
	SOAK_BLOCKS = 3000,     /* when the pool is made */
	SOAK_MOST = 9000,       /* after growing */
	SOAK_MAIL = 16,         /* places for tokens on their way */
	SOAK_WORKERS = 1 << 16, /* over the whole time */
	SOAK_SEATS = 5,         /* workers at a time */
};

enum deed {
	DEED_GET,
	DEED_PUT,
	DEED_BULK,
	DEED_GIVE,
	DEED_TAKE,
	DEED_FLUSH,
	DEED_WAIT,
	DEED_SEND,
	DEED_RECEIVE,
	DEED_JOB,
	DEED_WORK,
	DEED_BROADCAST,
	DEED_LISTEN,
	DEED_THREAD,
	DEED_CANCEL,
	DEED_REOPEN,
	DEED_FORK,
	DEED_CLOSEFROM,
	DEED_EXEC,
	DEEDS,
};

extern const char *const deed_names[DEEDS];

/* All fields but the first two are accessed atomically. */
struct soak_ledger {
	unsigned seed;
	char socket[108];
	uint32_t next_id;
	uint32_t at[SOAK_SEATS]; /* number of the worker there; exec changes it */
	uint32_t pause;          /* tells workers to put everything and wait */
	uint64_t done[DEEDS];
	uint64_t duplicated;
	uint64_t refused;  /* puts and gives that failed, though the worker had the block */
	uint64_t twice;    /* jobs that two receivers of work had */
	uint64_t missed;   /* broadcasts that a subscriber heard too late, or not at all */
	uint64_t wrong;    /* forked children that did not get ECHILD */
	uint64_t worst_ns; /* longest call that returned, without its own deadline */
	struct {
		uint64_t began; /* ns, of the call that is under way; 0: none */
		uint64_t extra; /* ns, its own deadline */
		uint32_t doomed;
		uint32_t parked;
	} worker[SOAK_WORKERS];
	uint64_t mail[SOAK_MAIL];
	uint32_t owner[SOAK_MOST]; /* worker + 1, or 0 */
};

/* Maps the ledger; makes it if there is none. */
struct soak_ledger *soak_ledger(const char *path);

/* Works until it is killed. */
_Noreturn void soaker_run(const char *path, uint32_t id, uint32_t seat);

#endif
