/* SPDX-License-Identifier: MIT */
/*
 * A worker of the soak, and the ledger it shares with the director: a file, as workers exec
 * themselves anew, and close all their descriptors.
 *
 * A block is in the ledger from when its worker has it until it is about to let it go; so the
 * ledger never says more than is true. A block that comes while another has it, who is not doomed,
 * was handed out twice. A worker is doomed before it is killed, and before it execs.
 */
#ifndef TESTS_CRASH_SOAKER_H
#define TESTS_CRASH_SOAKER_H

#include <stdbool.h>
#include <stdint.h>

#define SOAK_POOL "soak"
#define SOAK_CHANNELS 2

enum {
	SOAK_BLOCKS = 3000,     /* to begin with */
	SOAK_MOST = 9000,       /* after growing */
	SOAK_MAIL = 16,         /* tokens on their way, each in a place of its own */
	SOAK_WORKERS = 1 << 16, /* over time */
	SOAK_SEATS = 5,         /* at once */
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
	DEED_THREAD,
	DEED_CANCEL,
	DEED_REOPEN,
	DEED_FORK,
	DEED_CLOSEFROM,
	DEED_EXEC,
	DEEDS,
};

extern const char *const deed_names[DEEDS];

/* All but the first two atomic. */
struct soak_ledger {
	unsigned seed;
	char socket[100];
	uint32_t next_id;
	uint32_t at[SOAK_SEATS]; /* who works there now; who execs is somebody else then */
	uint32_t pause;          /* workers put everything, and wait */
	uint64_t done[DEEDS];
	uint64_t duplicated;
	uint64_t refused;  /* a block of one's own, by put or give */
	uint64_t wrong;    /* a forked child that was not told ECHILD */
	uint64_t worst_ns; /* call that returned */
	struct {
		uint64_t began; /* ns, the call that is under way; 0: none */
		uint64_t extra; /* ns, its own deadline */
		uint32_t doomed;
		uint32_t parked;
	} worker[SOAK_WORKERS];
	uint64_t mail[SOAK_MAIL];
	uint32_t owner[SOAK_MOST]; /* worker + 1, or 0 */
};

/* Maps the ledger, made if need be. */
struct soak_ledger *soak_ledger(const char *path);

/* Works until it is killed. */
_Noreturn void soaker_run(const char *path, uint32_t id, uint32_t seat);

#endif
