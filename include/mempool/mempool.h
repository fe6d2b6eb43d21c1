/* SPDX-License-Identifier: MIT */
/*
 * mempool: fixed-size memory blocks in POSIX shared memory, shared by the processes of one host.
 *
 * A pool is N blocks of S bytes. mempoold makes it and names it; a program connects, opens the pool
 * by name and from then on gets and puts blocks with ordinary loads and stores. Whatever process is
 * killed, at whatever instruction: no block is lost, none is handed out twice, nobody hangs.
 *
 * Caveats
 * - A pool is a trust domain. Whoever maps it for writing can spoil it for the others of that pool
 *   (never for another pool or for the daemon).
 * - The payload of a block whose owner died half way through writing is half written.
 * - A put after this same process has got the block again cannot be told from a right one.
 * - Two threads of one process that put, or put and give, one block within the same nanoseconds are
 *   not always caught.
 *
 * Threads: every call may be made from any thread, unless it says otherwise. A signal handler that
 * interrupts a call and calls again on the same pool gets EDEADLK.
 * Fork: a child inherits no pool. Calls on handles of its parent fail with ECHILD; the child
 * connects and opens for itself.
 * Daemon: no call on an open pool needs the daemon. When it is restarted, clients keep their blocks
 * and reconnect with their next request.
 *
 * Calls return 0 or a negative errno; calls that return a block or a token return NULL or a zero
 * token and set errno. mempool_errmsg() has the sentence that goes with the last failure.
 */
#ifndef MEMPOOL_MEMPOOL_H
#define MEMPOOL_MEMPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MEMPOOL_NAME_MAX 64        /* characters in a name: [a-z0-9._-]{1,64} */
#define MEMPOOL_BLOCK_SIZE_MIN 16u /* bytes */
#define MEMPOOL_BLOCK_SIZE_MAX (1u << 30)
#define MEMPOOL_BLOCKS_MAX (1u << 26)
#define MEMPOOL_ALIGNMENT_MAX 4096u /* bytes */
#define MEMPOOL_PROCESSES_MAX 4096u
#define MEMPOOL_THREADS_MAX 4096u
#define MEMPOOL_SHARDS_MAX 8u

/* Flags of mempool_open(). */
#define MEMPOOL_RDONLY 0x1u  /* reader: get, put, give and take, but the payload is read-only */
#define MEMPOOL_OBSERVE 0x2u /* observer: everything read-only; no get, put, give or take */

#define MEMPOOL_CREATOR ((uint32_t)-1)  /* attr.uid, attr.gid: those of the creator */
#define MEMPOOL_NO_CACHE ((uint32_t)-1) /* attr.thread_cache: threads cache nothing */

struct mempool_conn; /* a connection to the daemon */
struct mempool;      /* a pool this process has open */

/*
 * What a pool is made of. Start from MEMPOOL_ATTR_INIT; a zero means the default.
 */
struct mempool_attr {
	uint32_t size;       /* sizeof(struct mempool_attr): lets the struct grow */
	uint32_t uid;        /* owner; only root may name another than itself */
	uint32_t gid;        /* group; only root may name one it is not in */
	uint32_t mode;       /* permission bits, default 0600: write = writer, read = the rest */
	uint64_t block_size; /* bytes of payload, MEMPOOL_BLOCK_SIZE_MIN to _MAX */
	uint32_t blocks;     /* 1 to MEMPOOL_BLOCKS_MAX */
	uint32_t alignment;  /* of each block: a power of two from 8 to 4096, default 64 */
	uint32_t processes;  /* that may have the pool open at once, default 256 */
	uint32_t threads;    /* that may have a cache at once, default 64; others do without */
	uint32_t
		thread_cache; /* blocks a thread may cache: 16, 48, ... 496; default by pool size */
	uint32_t shards;      /* of the depot: a power of two up to 8, default by CPUs */
	uint32_t gift_grace_ms; /* how long a dead giver's gifts may still be taken, default 10 s */
	uint32_t reserved;      /* zero */
};

#define MEMPOOL_ATTR_INIT                                                                         \
	{                                                                                         \
		(uint32_t)sizeof(struct mempool_attr), MEMPOOL_CREATOR, MEMPOOL_CREATOR, 0, 0, 0, \
			0, 0, 0, 0, 0, 0, 0                                                       \
	}

/* What travels when a block is given: eight bytes, good once. Zero is no token. */
struct mempool_token {
	uint64_t v;
};

/*
 * Numbers of a pool. The block counts are one walk over all blocks: while others get and put they
 * are a blurred picture, at rest used + cached + free + moving + reclaimed = blocks.
 */
struct mempool_stats {
	uint64_t blocks;     /* in the pool */
	uint64_t used;       /* owned by a process */
	uint64_t cached;     /* free, in a thread's cache */
	uint64_t free;       /* free, in the depot: for anybody */
	uint64_t moving;     /* given and not yet taken */
	uint64_t reclaimed;  /* of the dead, not yet collected: for anybody */
	uint64_t min_free;   /* lowest `free` seen when magazines were exchanged */
	uint64_t gets;       /* blocks got, since the pool was made; so are the rest */
	uint64_t puts;       /* blocks put */
	uint64_t failures;   /* gets that found no block */
	uint64_t recoveries; /* passes of the daemon that found something left behind */
	uint64_t recovered;  /* blocks those passes took back */
	uint64_t repairs;    /* depot shards rebuilt because a lock's holder died */
};

/* What mempool_check() found. */
struct mempool_report {
	uint64_t blocks;     /* walked */
	uint64_t lost;       /* blocks nobody owns and nobody can get */
	uint64_t duplicated; /* blocks that could be handed out twice */
	uint64_t broken;     /* other rules broken */
	char first[192];     /* a sentence on the first finding; empty when there is none */
};

/*
 * Connects to the daemon that listens on the socket @address; NULL takes $MEMPOOL_SOCKET, else
 * $XDG_RUNTIME_DIR/mempoold/socket when it exists, else /run/mempoold/socket. The connection is
 * the caller's until mempool_disconnect(). When the daemon restarts, the next request reconnects.
 *
 * Returns 0, or
 * -ENOENT         there is no socket at that address
 * -ECONNREFUSED   there is a socket and no daemon behind it
 * -EACCES         no right to the socket, or this process is in another PID namespace
 * -ENAMETOOLONG   the address is longer than a socket address can be
 * -EPROTONOSUPPORT the daemon speaks another version
 * -EUSERS         the daemon has as many sessions as it may
 * -ETIMEDOUT      the daemon does not answer
 * -ECONNRESET, -EPIPE, -EPROTO  what answers there hangs up, or is no mempoold
 * -ENOMEM, -EMFILE no memory, no descriptor
 */
int mempool_connect(struct mempool_conn **conn, const char *address);

/*
 * Gives the connection back. Pools opened through it stay open and keep working.
 * NULL is harmless.
 */
void mempool_disconnect(struct mempool_conn *conn);

/*
 * Makes the pool @name and opens it as writer. All memory is reserved before the call returns, so a
 * pool that was made never runs out of pages. The pool stays until mempool_destroy().
 *
 * Returns 0, or what mempool_open() returns, or
 * -EEXIST   there is a pool of that name
 * -EINVAL   the name or an attribute breaks the rules; mempool_errmsg() says which
 * -E2BIG    @attr is from a later version and asks for something this one does not know
 * -ENOSPC   /dev/shm has no room for it
 * -EDQUOT   the daemon has as many pools as it may
 * -EPERM    the owner or group asked for is not the caller's to give
 */
int mempool_create(struct mempool_conn *conn, const char *name, const struct mempool_attr *attr,
		   struct mempool **pool);

/*
 * Opens the pool @name: @flags 0 as writer, MEMPOOL_RDONLY as reader, MEMPOOL_OBSERVE as observer.
 * A pool that this process has open already in the same manner is the same handle again; close
 * it as often as it was opened.
 *
 * Returns 0, or
 * -ENOENT          there is no such pool
 * -EACCES          no right to open it so
 * -EBUSY           this process has it open as reader and asks for writer, or the other way
 * -EUSERS          as many processes as it allows have it open
 * -EINVAL          the name or the flags break the rules
 * -EPROTONOSUPPORT the pool's layout is another than this library's
 * -EIO             the daemon has marked the pool broken
 * -ECONNREFUSED, -ENOENT (socket), -ETIMEDOUT  the daemon cannot be reached
 * -ECHILD          the connection is the parent's
 * -ENOMEM, -EMFILE no memory, no descriptor
 */
int mempool_open(struct mempool_conn *conn, const char *name, unsigned flags,
		 struct mempool **pool);

/*
 * Closes the pool; after the last close its memory is unmapped and the handle is gone. No other
 * thread may be using the handle. The daemon need not be running; a close waits while another
 * thread of this process is inside mempool_open() or mempool_create().
 *
 * Returns 0, or
 * -EBUSY    this process still owns blocks or has gifts nobody took, or a thread is inside a call
 * -ECHILD   the handle is the parent's
 */
int mempool_close(struct mempool *pool);

/*
 * Closes the pool for good, however often it was opened: blocks this process owns go back to the
 * pool, gifts may still be taken for the grace time.
 *
 * Returns 0, or
 * -EBUSY    a thread is inside a call
 * -ECHILD   the handle is the parent's
 */
int mempool_close_force(struct mempool *pool);

/*
 * Destroys the pool @name: the name is free at once, nobody can open it any more, those who have it
 * open go on, and the memory goes when the last of them has left. For the owner, root and the
 * daemon's user.
 *
 * Returns 0, or -ENOENT, -EACCES, -EINVAL, or what a request returns when the daemon cannot be
 * reached, see mempool_open().
 */
int mempool_destroy(struct mempool_conn *conn, const char *name);

/*
 * Gets a block. Its contents are what the last owner left in it. The block is the process's
 * (any of its threads may use, put or give it) until put or given, or until the process dies.
 * Some nanoseconds; no system call but when this thread's cache is empty and the depot is contended
 * or empty too.
 *
 * Returns the block, or NULL with errno
 * ENOMEM    no block is free. Idle threads' caches have been looked into; not those of threads
 *           that are inside a call this moment, nor by a thread that has no cache itself. Or it is
 *           this thread's first call and there is no memory for its part
 * EAGAIN    free blocks may be behind a lock whose holder does not go on (stopped in a debugger,
 *           say; it was waited for, some 20 ms), or with others who collect them: try again
 * EACCES    the handle is an observer's
 * EDEADLK   called from a signal handler that interrupted a call
 * ECHILD    the handle is the parent's
 * EIO       the daemon has marked the pool broken
 */
void *mempool_get(struct mempool *pool);

/*
 * Puts a block back. Never fails for want of room or memory, and waits for nobody but, at worst, a
 * millisecond for a lock whose holder was stopped. Wrong puts change nothing.
 *
 * Returns 0, or
 * -EALREADY the block is free already (double put)
 * -EPERM    the block is somebody else's, or given and not taken back
 * -EINVAL   @block is no block of this pool (interior pointer, another pool's, NULL)
 * -EACCES, -EDEADLK, -ECHILD  as for mempool_get()
 */
int mempool_put(struct mempool *pool, void *block);

/*
 * Gets @n blocks, all or none. @n may be any number up to the pool's blocks; 0 does nothing.
 *
 * Returns 0, or as a negative number what mempool_get() sets.
 */
int mempool_get_bulk(struct mempool *pool, void **blocks, size_t n);

/*
 * Puts @n blocks, all or none: every one is checked before the first is seen free by anybody, and
 * one that is named twice is refused (EALREADY).
 *
 * Returns 0, or as mempool_put(); -ENOMEM when there is no memory: for the thread's part at its
 * first call, or to check for doubles when @n is more than a magazine holds.
 */
int mempool_put_bulk(struct mempool *pool, void *const *blocks, size_t n);

/*
 * Gives a block away: from now on it belongs to whoever takes the token first. Send the token's 8
 * bytes by whatever means. If this process dies, the gift can be taken for the pool's grace time
 * and returns to the pool then.
 *
 * Returns the token, or a zero token with errno EALREADY, EPERM, EINVAL, EACCES or ECHILD as
 * for mempool_put().
 */
struct mempool_token mempool_give(struct mempool *pool, void *block);

/*
 * Takes the block that goes with the token. One taker wins, once.
 *
 * Returns the block, now this process's, or NULL with errno
 * ESTALE    the token was used, withdrawn or reclaimed, or was never issued for this pool
 * EACCES, ECHILD  as for mempool_get()
 */
void *mempool_take(struct mempool *pool, struct mempool_token token);

/*
 * Takes back a gift of this process that nobody has taken yet.
 *
 * Returns the block, or NULL with errno as mempool_take(); EPERM when it is another process's gift.
 */
void *mempool_withdraw(struct mempool *pool, struct mempool_token token);

/*
 * Returns the blocks this thread caches to the depot, for anybody. A thread that exits does so by
 * itself.
 *
 * Returns 0, or -EACCES, -EDEADLK, -ECHILD as for mempool_get().
 */
int mempool_flush(struct mempool *pool);

/* Geometry. Sizes in bytes; the stride is the distance from one block to the next. */
size_t mempool_block_size(const struct mempool *pool);
size_t mempool_stride(const struct mempool *pool);
uint32_t mempool_blocks(const struct mempool *pool);

/*
 * The index of the block at that address, and the address of the block of that index.
 *
 * mempool_block_index() returns the index or -EINVAL when there is no block at that address;
 * mempool_block_at() returns NULL with errno EINVAL when the index is too large. Neither says
 * anything about who owns the block.
 */
int64_t mempool_block_index(const struct mempool *pool, const void *block);
void *mempool_block_at(const struct mempool *pool, uint32_t index);

/* Whether the address lies anywhere within the pool's blocks. */
bool mempool_contains(const struct mempool *pool, const void *address);

/*
 * Fills @stats. Reads every block's word once: about a millisecond for a million blocks.
 *
 * Returns 0, or -ECHILD.
 */
int mempool_stat(struct mempool *pool, struct mempool_stats *stats);

/*
 * Walks the pool's invariants, also while others work, and fills @report. Some milliseconds for a
 * million blocks, and a byte of memory for each.
 *
 * Returns 0 when all is well, or
 * -EUCLEAN  something is broken; @report says what
 * -ENOMEM   no memory for the walk
 * -ECHILD   the handle is the parent's
 */
int mempool_check(struct mempool *pool, struct mempool_report *report);

/*
 * The sentence that goes with this thread's last failed call: what failed, for which pool, and the
 * remedy. Kept for calls that talk to the daemon; the hot calls set errno alone and leave the
 * sentence as it was. Valid until the thread's next such call. Never NULL.
 */
const char *mempool_errmsg(void);

/* The library's version, "0.1.0". */
const char *mempool_version(void);

#ifdef __cplusplus
}
#endif

#endif
