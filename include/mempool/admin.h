/* SPDX-License-Identifier: MIT */
/*
 * What a tool calls besides mempool.h: list pools and the processes that have them open, tell what
 * every block does and who owns it, ask the daemon how it is. Numbers of any pool come from opening
 * it with MEMPOOL_OBSERVE.
 */
#ifndef MEMPOOL_ADMIN_H
#define MEMPOOL_ADMIN_H

#include <mempool/mempool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A pool, as the daemon knows it. */
struct mempool_info {
	char name[MEMPOOL_NAME_MAX + 1];
	bool destroyed;      /* no name any more; goes with its last process */
	bool replaced;       /* destroyed, and another pool has the name now */
	bool broken;         /* marked so by the daemon; see its log */
	bool nameless;       /* somebody removed its names from /dev/shm; it works on */
	uint32_t uid, gid;   /* owner */
	uint32_t mode;       /* permission bits */
	uint64_t block_size; /* bytes */
	uint64_t stride;     /* bytes from block to block */
	uint32_t blocks;
	uint32_t max_blocks; /* it may grow to */
	uint32_t clients;    /* processes that have it open as writer or reader */
	uint32_t processes;  /* that may have it open */
	uint32_t threads;    /* caches */
	uint32_t magazine;   /* blocks in a magazine */
	uint32_t shards;
	uint32_t channels;
	uint32_t channel_depth; /* blocks in each */
	uint32_t gift_grace_ms;
	uint32_t lifetime;       /* MEMPOOL_PERSISTENT and the like */
	uint32_t quota;          /* blocks a process may own; 0: any number */
	uint32_t backing;        /* MEMPOOL_BACKING_SHM or _MEMFD */
	uint32_t huge_pages;     /* MEMPOOL_NO, _TRY or _REQUIRE, as asked for */
	uint32_t prefault;       /* likewise */
	uint32_t schema_version; /* with schema */
	uint64_t schema;         /* of the payload; 0: none */
	uint64_t id;             /* unique; a pool made again under the same name has another */
	uint64_t memory;         /* bytes of shared memory, data and bookkeeping */
};

/* A process that has a pool open, as writer or reader. */
struct mempool_client {
	char pool[MEMPOOL_NAME_MAX + 1];
	char comm[16]; /* the process's name; empty when it has gone */
	int32_t pid;
	uint32_t uid;
	uint32_t slot; /* index into the usages of mempool_census() */
	bool dead;     /* died; the daemon takes its blocks back, or waits out its gifts' grace */
	bool reader;   /* opened with MEMPOOL_RDONLY */
	uint64_t pool_id;
	uint64_t attached_at; /* seconds since the epoch */
};

/* What one process has of a pool; the index of the array is its slot. */
struct mempool_usage {
	uint64_t used;
	uint64_t cached;
	uint64_t moving; /* gifts of it that nobody has taken */
	uint64_t gets;
	uint64_t puts;
	uint64_t shared; /* blocks of broadcasts that it has borrowed, once for each subscriber */
};

enum mempool_block_state {
	MEMPOOL_BLOCK_NONE,   /* not laid yet */
	MEMPOOL_BLOCK_FREE,   /* in the depot */
	MEMPOOL_BLOCK_CACHED, /* in a thread's cache */
	MEMPOOL_BLOCK_USED,
	MEMPOOL_BLOCK_MOVING,    /* given, not yet taken */
	MEMPOOL_BLOCK_RECLAIMED, /* of a dead process, not yet collected */
	MEMPOOL_BLOCK_SHARED,    /* sent by a broadcast, not yet returned by all */
};

/* One block. */
struct mempool_block {
	enum mempool_block_state state;
	uint32_t slot; /* of the owner (used), the giver (moving), the cacher (cached) */
	/*
	 * Shared: by which channel. Moving, and its sender is gone: where it waits. Else
	 * UINT32_MAX.
	 */
	uint32_t channel;
	uint32_t generation; /* how often it was given, from a random start */
	uint16_t held;       /* shared: who has it, a bit for each seat; see mempool_channel_seat */
	uint16_t pending;    /* shared: who is yet to get it, likewise */
};

/* A process that has a channel open. */
struct mempool_channel_user {
	uint32_t slot;
	int32_t pid;
	bool sends;
	bool receives;
};

/* A seat of a broadcast: the place of one subscriber. */
struct mempool_seat {
	uint32_t slot; /* of the subscriber's process; UINT32_MAX: nobody has the seat */
	int32_t pid;   /* likewise; 0 */
	bool lossy;
	uint64_t cursor; /* the position that it reads next */
	uint64_t lost;   /* blocks that were dropped before they came to it */
};

/* The daemon. */
struct mempool_daemon {
	char version[16];
	char instance[33];
	int32_t pid;
	uint32_t pools;
	uint32_t clients; /* attachments of processes to pools */
	uint32_t sessions;
	uint64_t started_at;       /* seconds since the epoch */
	uint64_t passes;           /* over what dead processes held */
	uint64_t longest_slice_ns; /* the longest time one piece of work kept the event loop */
};

/* What is wrong with the daemon, or what it lacks. */
#define MEMPOOL_FAULT_REGISTRY 1u    /* no name: pools are lost at its next restart */
#define MEMPOOL_FAULT_SOCKET 2u      /* no file: nobody can connect any more */
#define MEMPOOL_FAULT_DESCRIPTORS 4u /* none was left for the last who connected */
#define MEMPOOL_FAULT_NO_PROC 0x10000u
#define MEMPOOL_FAULT_NO_URING 0x20000u      /* a thread makes pools, one after the other */
#define MEMPOOL_FAULT_NO_PASSRIGHTS 0x40000u /* Linux before 6.16; see mempoold(8) */

/*
 * The state of the daemon, and what is used of its limits: in all, and by the user who asks (own).
 * A limit (max) of 0: there is none, or it does not bind that user. Later versions add fields at
 * the end.
 */
struct mempool_status {
	char version[16];
	char instance[40];
	int32_t pid;
	uint32_t uid;        /* it runs as */
	uint64_t started_at; /* seconds since the epoch */
	uint32_t adopted;    /* pools of an earlier daemon, at the start */
	uint32_t pools, max_pools, own_pools, max_own_pools;
	uint32_t clients, own_clients, max_own_clients; /* attachments of processes to pools */
	uint32_t sessions, max_sessions, own_sessions, max_own_sessions;
	uint32_t broken;   /* pools that the daemon marked so */
	uint32_t nameless; /* pools whose names in /dev/shm somebody removed; they work on */
	uint32_t unkept;   /* pools that the next daemon will not find */
	uint32_t faults;   /* MEMPOOL_FAULT_* */
	uint64_t bytes, max_bytes, own_bytes, max_own_bytes;
	uint64_t own_blocks, max_own_blocks;
	uint64_t shm_bytes, memfd_bytes;
	uint64_t passes;           /* over what dead processes held */
	uint64_t longest_slice_ns; /* the longest the event loop was kept by one piece of work */
};

/*
 * Fills @info with the pool after *@cursor, and moves the cursor. Start with 0.
 *
 * Returns 1, or 0 when there is none left, or a negative errno of a request, see mempool_open().
 */
int mempool_next_pool(struct mempool_conn *conn, uint32_t *cursor, struct mempool_info *info);

/* Fills @info with the pool @name. Returns 0, -ENOENT, -EINVAL or a negative errno of a request. */
int mempool_find_pool(struct mempool_conn *conn, const char *name, struct mempool_info *info);

/*
 * Fills @client with the client after *@cursor, of the pool @name or of all when NULL, and moves
 * the cursor. Start with 0.
 *
 * Returns 1, or 0 when there is none left, -ENOENT, -EINVAL or a negative errno of a request.
 */
int mempool_next_client(struct mempool_conn *conn, const char *name, uint32_t *cursor,
			struct mempool_client *client);

/* Fills @info. Returns 0 or a negative errno of a request. */
int mempool_daemon(struct mempool_conn *conn, struct mempool_daemon *info);

/*
 * Fills the first @size bytes of @status, which are sizeof *@status; what an older library does not
 * know is zero. Returns 0 or a negative errno of a request; -EPROTO: mempoold is too old for it.
 */
int mempool_status(struct mempool_conn *conn, struct mempool_status *status, size_t size);

/*
 * The numbers of mempool_stat() and, from the same walk, what each of the first @n slots has.
 * @stats or @usage may be NULL. Returns 0, -ENOMEM, or as mempool_stat().
 */
int mempool_census(struct mempool *pool, struct mempool_stats *stats, struct mempool_usage *usage,
		   size_t n);

/* Fills @block for the block of that index. Returns 0, -EINVAL, or as mempool_stat(). */
int mempool_block(struct mempool *pool, uint32_t index, struct mempool_block *block);

/*
 * The same for @n blocks from @first on. Each call of an observer reads much of the bookkeeping:
 * ask for many at once. Returns how many there were, fewer at the end of the pool, or as
 * mempool_stat().
 */
ssize_t mempool_block_bulk(struct mempool *pool, uint32_t first, struct mempool_block *blocks,
			   size_t n);

/*
 * Fills the first stats->size bytes of @stats, which the caller has set to sizeof *stats, for
 * channel @number, by any handle of the pool. There lag is that of the receiver who is farthest
 * behind, and lost the sum over the subscribers there are. While others send and receive, the
 * numbers mix different moments. Of a channel that nobody has opened yet the kind stays undecided.
 *
 * Returns 0, -EINVAL (there is no such channel; stats->size is no size of it), or as
 * mempool_stat().
 */
int mempool_channel_info(struct mempool *pool, uint32_t number,
			 struct mempool_channel_stats *stats);

/*
 * Who has channel @number open: fills in the first @n users, by slot, and returns how many there
 * are in all. Who has died is one of them until the daemon has taken back what it held.
 *
 * Returns how many, -EINVAL (there is no such channel), or as mempool_stat().
 */
ssize_t mempool_channel_users(struct mempool *pool, uint32_t number,
			      struct mempool_channel_user *users, size_t n);

/*
 * Fills @seat for seat @n of channel @number, from 0 to 11. Of a channel that is no broadcast,
 * nobody has a seat.
 *
 * Returns 0, -EINVAL (there is no such channel, or no such seat), or as mempool_stat().
 */
int mempool_channel_seat(struct mempool *pool, uint32_t number, uint32_t n,
			 struct mempool_seat *seat);

/*
 * Has @tell called while a create or a grow over this connection takes long, or an open waits for a
 * pool to be made: how many bytes of memory are there, and how many there will be; some ten times a
 * second, by the thread that waits, which may not use the connection, nor create, open or close a
 * pool. NULL: nobody is told. In a forked child it does nothing to a connection of the parent's.
 */
void mempool_set_progress(struct mempool_conn *conn,
			  void (*tell)(void *arg, uint64_t done, uint64_t total), void *arg);

/* The slot of this process in the pool; -EACCES for an observer, -ECHILD in a forked child. */
int mempool_slot(const struct mempool *pool);

#ifdef __cplusplus
}
#endif

#endif
