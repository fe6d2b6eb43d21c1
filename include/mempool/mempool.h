/* SPDX-License-Identifier: MIT */
/*
 * mempool: fixed-size memory blocks in POSIX shared memory, shared by the processes of one host.
 *
 * A pool is N blocks of S bytes. mempoold makes it and names it; a program connects, opens the pool
 * by name and from then on gets and puts blocks with ordinary loads and stores. Whatever process is
 * killed, at whatever instruction: no block is lost, none is handed out twice, nobody hangs.
 *
 * Caveats
 * - A pool is a trust domain. Its writers and its readers, who write to the bookkeeping as they get
 *   and put, can spoil it for the others of that pool (never for another pool or for the daemon).
 *   Observers trust nobody: the calls that look return EIO to them.
 * - The payload of a block whose owner died half way through writing is half written.
 * - If a process puts a block twice and has got it again in between, the second put looks right.
 * - Two threads of one process that put, or put and give, one block within the same nanoseconds are
 *   not always caught.
 *
 * Threads: every call may be made from any thread, unless it says otherwise. A signal handler that
 * interrupts a call and calls again on the same pool gets EDEADLK.
 * Fork: a child inherits no pool and no block: the memory is not mapped there, and touching a
 * block that the parent had is a SIGSEGV. Calls on handles and connections of its parent fail with
 * ECHILD; the child connects and opens for itself. Python's multiprocessing forks unless it is
 * told otherwise: open pools in its children, or use its start method spawn.
 * mlockall(): whatever a program maps after mlockall(MCL_FUTURE) is locked, pools included. Beyond
 * RLIMIT_MEMLOCK opening fails with ENOMEM; open pools before, or raise the limit.
 * Daemon: no call on an open pool needs the daemon. When it is restarted, clients keep their blocks
 * and reconnect with their next request.
 *
 * Calls return 0 or a negative errno; calls that return a block or a token return NULL or a zero
 * token and set errno. Each failure has a sentence, for mempool_errmsg().
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
#define MEMPOOL_CHANNELS_MAX 64u
#define MEMPOOL_CHANNEL_DEPTH_MAX 65536u /* blocks under way in a channel */

/* Flags of mempool_open(). */
#define MEMPOOL_RDONLY 0x1u  /* reader: get, put, give and take, but the payload is read-only */
#define MEMPOOL_OBSERVE 0x2u /* observer: everything read-only; no get, put, give or take */
#define MEMPOOL_EINTR 0x4u   /* mempool_get_wait() ends with EINTR after a signal handler */

/*
 * Flags of mempool_channel_open(). What kind of channel it is, its first open decides, for as long
 * as the pool lives: without MEMPOOL_CHANNEL_WORK and _BROADCAST, a queue.
 */
#define MEMPOOL_CHANNEL_RECEIVE 0x1u   /* to receive; else to send */
#define MEMPOOL_CHANNEL_WORK 0x2u      /* kind: each block to one of many receivers */
#define MEMPOOL_CHANNEL_BROADCAST 0x4u /* kind: each block to all of up to 12 subscribers */
#define MEMPOOL_CHANNEL_LOSSY 0x8u     /* subscriber: lose the oldest rather than hold senders up */
#define MEMPOOL_CHANNEL_ENDS 0x10u     /* be told, by EPIPE, when the other end has come and gone */
#define MEMPOOL_CHANNEL_EINTR 0x20u    /* waits end with EINTR after a signal handler */

#define MEMPOOL_SUBSCRIBERS_MAX 12u /* of a broadcast, at once */
#define MEMPOOL_BROADCASTS_MAX 32u  /* channels 0 to 31 of a pool can be broadcasts */

/* attr.lifetime: how long a pool stays. */
#define MEMPOOL_PERSISTENT 0u      /* until mempool_destroy() */
#define MEMPOOL_UNTIL_LAST_USER 1u /* until no process has it open as writer or reader */
#define MEMPOOL_UNTIL_CREATOR 2u   /* until the process that made it closes it or ends */

/* attr.backing: where a pool's memory is. */
#define MEMPOOL_BACKING_AUTO 0u  /* memfd when others than the owner may open it, else shm */
#define MEMPOOL_BACKING_SHM 1u   /* objects in /dev/shm; who may open it could truncate them */
#define MEMPOOL_BACKING_MEMFD 2u /* sealed memfd: nobody can change their size */

/* attr.huge_pages, attr.prefault. */
#define MEMPOOL_NO 0u
#define MEMPOOL_TRY 1u     /* if it can be had */
#define MEMPOOL_REQUIRE 2u /* or there is no pool */

#define MEMPOOL_CREATOR ((uint32_t)-1)  /* attr.uid, attr.gid: those of the creator */
#define MEMPOOL_NO_CACHE ((uint32_t)-1) /* attr.thread_cache: threads cache nothing */

struct mempool_conn;    /* a connection to the daemon */
struct mempool;         /* a pool this process has open */
struct mempool_channel; /* one end of a channel of such a pool */

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
	uint32_t threads;    /* that may have a cache at once, others do without; default: as
				many as processes, at least 64 */
	uint32_t
		thread_cache; /* blocks a thread may cache: 16, 48, ... 496; default by pool size */
	uint32_t shards;      /* of the depot: a power of two up to 8, default by CPUs */
	uint32_t gift_grace_ms; /* how long a dead giver's gifts may still be taken, default 10 s */
	uint32_t max_blocks;    /* mempool_grow() may go to; default: blocks */
	uint64_t schema;        /* of the payload: a number of the users' own; 0: none */
	uint32_t schema_version; /* with schema; see mempool_open_schema() */
	uint32_t quota;          /* blocks a process may own at once, default any number */
	uint32_t lifetime;       /* MEMPOOL_PERSISTENT, _UNTIL_LAST_USER or _UNTIL_CREATOR */
	uint32_t channels;       /* up to 64, default 4 */
	uint32_t channel_depth;  /* blocks in each: 8, 16, 32 ... 65536, default 256 */
	uint32_t backing;        /* MEMPOOL_BACKING_AUTO, _SHM or _MEMFD */
	uint32_t huge_pages;     /* for the blocks: MEMPOOL_NO, _TRY or _REQUIRE */
	uint32_t prefault; /* likewise: all pages are touched at create and mapped at open, so that
			      no access to a block has to wait for a page. Growing touches the
			      new ones, and who had it open maps those as it uses them */
	uint32_t reserved; /* zero */
};

#define MEMPOOL_ATTR_INIT                                                                         \
	{                                                                                         \
		(uint32_t)sizeof(struct mempool_attr), MEMPOOL_CREATOR, MEMPOOL_CREATOR, 0, 0, 0, \
			0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0                         \
	}

/* What travels when a block is given: eight bytes, good once. Zero is no token. */
struct mempool_token {
	uint64_t v;
};

/*
 * Numbers of a pool. One walk over all blocks counts them: while others get and put, the counts mix
 * different moments; at rest used + cached + free + moving + shared + reclaimed = blocks.
 */
struct mempool_stats {
	uint64_t blocks;     /* in the pool, now */
	uint64_t max_blocks; /* it may grow to */
	uint64_t used;       /* owned by a process */
	uint64_t cached;     /* free, in a thread's cache */
	uint64_t free;       /* free, in the depot: for anybody */
	uint64_t moving;     /* given and not yet taken */
	uint64_t reclaimed;  /* of the dead or just born, not yet collected: for anybody */
	uint64_t min_free;   /* lowest `free` seen when magazines were exchanged */
	uint64_t gets;       /* blocks got, since the pool was made; so are the rest */
	uint64_t puts;       /* blocks put */
	uint64_t failures;   /* gets that found no block */
	uint64_t waits;      /* calls of mempool_get_wait() that had to wait */
	uint64_t recoveries; /* passes of the daemon that found something left behind */
	uint64_t recovered;  /* blocks those passes took back */
	uint64_t repairs;    /* depot shards rebuilt because a lock's holder died */
	uint64_t state;      /* enum mempool_state, when it was counted */
	uint64_t shared;     /* sent by a broadcast, and not yet returned by all */
};

/* What has become of a pool that is open; see mempool_state(). */
enum mempool_state {
	MEMPOOL_LIVE = 0,
	MEMPOOL_DESTROYED = 1, /* nobody can open it any more */
	MEMPOOL_REPLACED = 2,  /* destroyed, and by its name there is another pool now */
	MEMPOOL_BROKEN = 3,    /* calls on it return EIO */
};

/* What a channel is, by its first open. */
enum mempool_channel_kind {
	MEMPOOL_KIND_UNOPENED = 0,
	MEMPOOL_KIND_QUEUE = 1,
	MEMPOOL_KIND_WORK = 2,
	MEMPOOL_KIND_BROADCAST = 3,
};

/* Numbers of a channel. Positions count what was ever sent by it, from 0. */
struct mempool_channel_stats {
	uint32_t size;      /* sizeof(struct mempool_channel_stats): lets the struct grow */
	uint32_t kind;      /* enum mempool_channel_kind */
	uint32_t depth;     /* blocks it holds */
	uint32_t senders;   /* processes */
	uint32_t receivers; /* processes; of a broadcast: subscribers */
	uint64_t sent;      /* the position of what is sent next */
	uint64_t retired;   /* positions before it are free for senders again */
	uint64_t lag;       /* sent and not yet received */
	uint64_t lost;      /* dropped before a lossy subscriber received it */
};

/* What mempool_check() found. */
struct mempool_report {
	uint64_t blocks;     /* walked */
	uint64_t lost;       /* blocks nobody owns and nobody can get */
	uint64_t duplicated; /* caches that get from a magazine that is not theirs */
	uint64_t broken;     /* other rules broken */
	char first[192];     /* a sentence on the first finding; empty when there is none */
};

/*
 * Connects to the daemon that listens on the socket @address; NULL takes $MEMPOOL_SOCKET, else
 * $XDG_RUNTIME_DIR/mempoold/socket when it exists, else /run/mempoold/socket. The connection is
 * the caller's until mempool_disconnect(). When the daemon restarts, the next request reconnects.
 * A set-user-ID program ignores the environment, and a directory of another user's is not followed.
 *
 * Returns 0, or
 * -ENOENT         there is no socket at that address
 * -ECONNREFUSED   there is a socket and no daemon behind it
 * -EACCES         no right to the socket
 * -ENAMETOOLONG   the address is longer than a socket address can be
 * -EPROTONOSUPPORT the daemon speaks another version
 * -EUSERS         the daemon has as many sessions as it may
 * -ENFILE         the daemon has no descriptor left
 * -ETIMEDOUT      the daemon does not answer
 * -ECONNRESET, -EPIPE, -EPROTO, -EPROTOTYPE  what answers there hangs up, or is no mempoold
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
 * pool that was made never runs out of pages. attr->lifetime says how long the pool stays.
 *
 * Returns 0, or what mempool_open() returns, or
 * -EEXIST   there is a pool of that name, or it is being made: mempool_open() waits for it
 * -EINVAL   the name or an attribute breaks the rules; mempool_errmsg() says which
 * -E2BIG    @attr is from a later version and asks for something this one does not know
 * -ENOSPC   /dev/shm has no room for it, or the machine no memory
 * -EOPNOTSUPP  huge pages or prefault were required, and this machine has none
 * -EACCES   the daemon's access rules do not let this user make it
 * -EDQUOT   the daemon, or the user, has as many pools, bytes or blocks as it may, or limits of the
 *           system keep the daemon from taking so much
 * -EPERM, -ENOSYS  a sandbox, or an old kernel, refuses the daemon what such a pool takes
 * -EPERM    the owner or group asked for is not the caller's to give
 * -ECONNRESET  the daemon ended meanwhile, and the next one does not have the pool; it was not
 *           asked again, as the request may be what ended the first
 */
int mempool_create(struct mempool_conn *conn, const char *name, const struct mempool_attr *attr,
		   struct mempool **pool);

/*
 * Opens the pool @name: @flags 0 as writer, MEMPOOL_RDONLY as reader, MEMPOOL_OBSERVE as observer.
 * A pool that this process has open already in the same manner is the same handle again; close
 * it as often as it was opened. If the pool is just being made, the call waits until it is there.
 * MEMPOOL_EINTR besides holds for the handle from then on, also for who opened it without.
 *
 * An observer's handle keeps a descriptor and reads the bookkeeping into memory of its own (some 12
 * bytes a block while a call walks over all), so that nobody who cuts the pool's memory short can
 * end it by SIGBUS. The blocks, which mempool_block_at() finds, are mapped for observers too: of
 * a pool in /dev/shm they are as safe as its writers are good.
 *
 * Blocks are left out of core files unless $MEMPOOL_CORE_BLOCKS is 1; see core(5) for the
 * bookkeeping, which is shared memory like any other.
 *
 * Returns 0, or
 * -ENOENT          there is no such pool; or it was being made and that failed: mempool_errmsg()
 *                  says why
 * -EACCES          no right to open it so; who is in another PID namespace may only observe
 * -EBUSY           this process has it open as reader and asks for writer, or the other way
 * -EUSERS          as many processes as it allows have it open, or as many of this user as the
 *                  daemon lets have it
 * -EINVAL          the name or the flags break the rules
 * -EPROTONOSUPPORT the pool's layout is another than this library's
 * -EIO             the pool is broken: the daemon marked it so, or its memory was cut short
 * -EOPNOTSUPP      the pool requires prefault and this kernel cannot
 * -ECONNREFUSED, -ENOENT (socket), -ETIMEDOUT  the daemon cannot be reached
 * -ECHILD          the connection is the parent's
 * -ENOMEM, -EMFILE no memory, no descriptor. ENOMEM also when this process called
 *                  mlockall(MCL_FUTURE) and may not lock as much as the pool takes
 */
int mempool_open(struct mempool_conn *conn, const char *name, unsigned flags,
		 struct mempool **pool);

/*
 * As mempool_open(), but only if the pool was made with that @schema and @version: numbers the
 * users of a payload agree on. mempool_open() does not look at them; @schema 0 is the same as that.
 *
 * Returns as mempool_open(), or
 * -EPROTO   the pool has another schema, another version of it, or none
 */
int mempool_open_schema(struct mempool_conn *conn, const char *name, unsigned flags,
			uint64_t schema, uint32_t version, struct mempool **pool);

/*
 * Opens the pool @name as writer if there is one, as mempool_open(); else makes it, as
 * mempool_create(). For programs that start together and need the same pool: it is one request, of
 * which exactly one makes the pool, and the others wait for it. Whoever may open the pool succeeds
 * when it exists, also without the right to make it.
 *
 * What would harm this program must be as in @attr: block_size; alignment, if it is not 0, at
 * least; schema and version, if a schema is named; huge_pages and prefault, if MEMPOOL_REQUIRE. The
 * rest of a pool that exists stays as it is: mempool_blocks() says how many blocks it has. When the
 * pool is lost while the call waits, as its creator ends or somebody destroys it, this call makes
 * it.
 *
 * Returns 0, or what mempool_open() or mempool_create() returns, but for -EEXIST, or
 * -EPROTO   there is such a pool, or it is being made, and it is not as it must be;
 *           mempool_errmsg() says what it is and what was asked for
 */
int mempool_open_or_create(struct mempool_conn *conn, const char *name,
			   const struct mempool_attr *attr, struct mempool **pool);

/*
 * Grows the pool @name to @blocks blocks, at most the max_blocks it was made with. Processes that
 * have it open need do nothing: they find the new blocks when they need them, and until then these
 * count as reclaimed. The daemon reserves all memory before the call returns; when there is not
 * enough, nothing has changed. Whoever may destroy the pool may grow it. A pool never shrinks.
 *
 * Returns 0 (also when there are as many already), or
 * -EINVAL   more than max_blocks, or a bad name
 * -ENOSPC   /dev/shm has no room
 * -EDQUOT   beyond the daemon's limits of bytes or blocks, or those that the system sets it
 * -EBUSY    the pool is growing already, for somebody else
 * -ECONNRESET  the daemon ended meanwhile, as for mempool_create()
 * -ENOENT, -EACCES, -EIO as mempool_open(), or what a request returns when the daemon cannot be
 * reached
 */
int mempool_grow(struct mempool_conn *conn, const char *name, uint32_t blocks);

/*
 * Closes the pool; after the last close its memory is unmapped and the handle is gone. No other
 * thread may be using the handle. The daemon need not be running; a close waits while another
 * thread of this process is inside mempool_open() or mempool_create().
 *
 * Returns 0, or
 * -EBUSY    this process still owns blocks, has gifts that nobody took, or has channels open; or
 *           one of its threads is inside a call, mempool_get_wait() included. What it has sent and
 *           nobody has received yet is the channel's, and no reason
 * -ECHILD   the handle is the parent's
 */
int mempool_close(struct mempool *pool);

/*
 * Closes the pool for good, however often it was opened: blocks this process owns go back to the
 * pool, gifts may still be taken for the grace time, what it has sent stays in its channel. Its
 * channels' handles are gone too.
 *
 * Returns 0, or
 * -EBUSY    a thread is inside a call
 * -ECHILD   the handle is the parent's
 */
int mempool_close_force(struct mempool *pool);

/*
 * Destroys the pool @name: the name is free at once, nobody can open it any more, those who have it
 * open go on, and the memory goes when the last of them has left; mempool_state() tells them. A
 * pool that is just being made is not made any more. For root, the daemon's user, and the owner or
 * whom the daemon's access rules name instead.
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
 * ENOMEM    no block is free: at some moment since the call began there was none, in the depot or
 *           in any thread's cache. It means nothing else
 * EAGAIN    a block may be free, and cannot be had now: whoever caches it, or has the lock before
 *           it, has been inside a call for some 40 ms, stopped there, say in a debugger; or is dead
 *           and mempoold has not heard of it yet. Or this process may not use membarrier (a
 *           sandbox), and mempoold, which has to do that for it, does not answer. Try again, or
 *           wait
 * EACCES    the handle is an observer's
 * EDEADLK   called from a signal handler that interrupted a call
 * EDQUOT    this process owns as many blocks as the pool's quota allows
 * ECHILD    the handle is the parent's
 * EIO       the daemon has marked the pool broken
 */
void *mempool_get(struct mempool *pool);

/*
 * Gets a block, and waits for one at most @timeout_ms milliseconds: 0 not at all, -1 for as long as
 * it takes. A thread that puts gives what it has cached to those who wait, and lets them go first;
 * which of them gets the block is not defined. Signal handlers may run and may call mempool_get()
 * meanwhile; the wait goes on after them. With MEMPOOL_EINTR it ends, if the handler ran while the
 * call slept; one that runs just before is not seen, but mempool_cancel() in it ends the wait.
 *
 * Returns the block, or NULL with errno
 * ETIMEDOUT no block in that time
 * ECANCELED the wait was cancelled, see mempool_cancel()
 * EINTR     MEMPOOL_EINTR: a signal handler ran, and there still is no block
 * EINVAL    @timeout_ms is less than -1
 * EACCES, EDEADLK, EDQUOT, ECHILD, EIO  as for mempool_get(), at once
 */
void *mempool_get_wait(struct mempool *pool, int timeout_ms);

/*
 * Ends all waits of the handle, now and from now on: mempool_get_wait() and calls on its channels
 * return ECANCELED where they would sleep, in all threads. What need not wait goes on. To wait
 * again, close the pool as often as it was opened, and open it anew. For any thread and any signal
 * handler: it takes no lock, and ends the wait it has interrupted, however near that was to sleep.
 * Returns 0, -EACCES (an observer's handle), -ECHILD.
 */
int mempool_cancel(struct mempool *pool);

/*
 * A descriptor for event loops: readable (POLLIN) while a block may be had, until a get says ENOMEM
 * or EAGAIN; then the loop sleeps until there is one: in the depot, of the dead or just born, or
 * cached by a thread that is inside no call. Another may be faster; then the get says ENOMEM. Who
 * puts while the loop sleeps gives what it has cached to the depot, once. A bulk that asks for more
 * than there are finds it readable again; EDQUOT leaves it as it is; a broken pool's is readable.
 * Any number of threads may poll and get. For the rest see mempool_channel_fd().
 *
 * Returns the descriptor, or -EMFILE, -ENOMEM, -EAGAIN (no thread can be had), -EACCES, -ECHILD.
 */
int mempool_fd(struct mempool *pool);

/*
 * Puts a block back. Never fails for want of room or memory. It waits at most a millisecond, for a
 * lock whose owner is stopped. A put that is refused changes nothing.
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
 * Puts @n blocks, all or none: checks every one before anybody can get the first, and refuses one
 * that is named twice (EALREADY).
 *
 * Returns 0, or as mempool_put(); it needs no memory either.
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
 * The same for @n blocks. mempool_give_bulk() gives all or none, and refuses blocks named twice
 * (EPERM): it checks all before it gives the first, and returns 0, or as a negative number what
 * mempool_give() sets. Only if another thread puts, gives or withdraws the same blocks meanwhile
 * can some be given and others not: these are withdrawn, and where that fails it returns -ESTALE;
 * then the tokens that are not zero are of blocks that thread has, and all others are zero. The
 * others do what they can: a token that is stale (or, for withdraw, another's) leaves NULL in its
 * place of @blocks. They return how many blocks they got; or -EACCES, -ECHILD; or -EDQUOT if the
 * quota allowed not even one. Where the quota ends, the rest of @blocks is NULL and the tokens
 * stay good.
 */
int mempool_give_bulk(struct mempool *pool, void *const *blocks, struct mempool_token *tokens,
		      size_t n);
ssize_t mempool_take_bulk(struct mempool *pool, const struct mempool_token *tokens, void **blocks,
			  size_t n);
ssize_t mempool_withdraw_bulk(struct mempool *pool, const struct mempool_token *tokens,
			      void **blocks, size_t n);

/*
 * The gifts of this process that nobody has taken yet: fills in the first @n tokens, those of lower
 * blocks first, and returns how many there are in all (-EACCES, -ECHILD). One walk over the pool's
 * words, a millisecond for a million blocks.
 *
 * If a receiver dies after it got a token and before it took the block, the gift stays its giver's.
 * A gift does not know its age, as each give would have to read a clock; but a token that two calls
 * list is older than the time between them. So, to take back what was lost on the way: list the
 * gifts, list them again when any living receiver would have taken them, and withdraw the tokens
 * that are in both lists by mempool_withdraw_bulk(). Blocks that travel by channel need none of
 * this.
 */
ssize_t mempool_gifts(struct mempool *pool, struct mempool_token *tokens, size_t n);

/*
 * Channels: each pool has some, numbered from 0, for blocks to travel from any number of senders to
 * receivers, in the order each sender sent them. Whoever is killed at whatever instruction: a block
 * is either not sent, under way, or received, and never lost. A channel is of one of three kinds:
 *
 *	queue		one receiver at a time, which gets each block
 *	work		many receivers; each block goes to one of them
 *	broadcast	up to 12 subscribers; each block goes to all of them, to be read, and is
 *			free when the last has returned it. Channels 0 to 31 alone can be it
 *
 * Sending gives the block (see mempool_give()), receiving takes it. When a receiver closes or dies,
 * what is not received waits for the next one. When a sender closes or dies, what it has sent stays
 * sent, for as long as the pool lives and however long that is. What a receiver of work had in hand
 * when it died is reclaimed: a job is done at most once. A job that must be done, whoever dies,
 * stays its sender's block until the answer is there. All who sleep on work are woken for a block
 * that one of them gets; so a descriptor of work may wake a loop for what another has received. No
 * call takes a lock: calls wait for room or for blocks, never for a process that is stopped.
 *
 * Broadcasts: who subscribes gets what is sent from then on, each block once. A subscriber borrows
 * a block, reads it together with the others, and returns it; nobody may write to it. A sender does
 * not keep it, and a broadcast without subscribers is refused (ENOTCONN). A reliable subscriber
 * that is slow fills the channel, and so holds senders up, which wait with their own timeout; a
 * lossy one loses the oldest blocks instead, and they are counted. When a subscriber dies, the
 * daemon returns what it had borrowed and takes what it was to get from it, in some milliseconds,
 * if it runs; until then a reliable one may hold senders up.
 *
 * Ends: a handle opened with MEMPOOL_CHANNEL_ENDS is told that the other end has come and gone, be
 * it by close or by death (of which the daemon tells, in some milliseconds, if it runs). Receiving
 * says EPIPE when somebody had the channel open to send at or since the open, or has left something
 * that was received, and nobody has it open any more, and all is received. Sending says EPIPE when
 * somebody received at or since the open, and nobody does any more. Neither lasts: who opens the
 * channel anew is heard. A process that wants to end its own stream closes all its handles that
 * send. The descriptor of mempool_channel_fd() stays readable at the end of the stream.
 *
 * Threads: any number of threads may send by one handle, receive from work, return and own; of a
 * queue or a broadcast one thread at a time may receive or borrow by one handle.
 * Timeouts are in milliseconds: 0 do not wait, -1 wait as long as it takes.
 */

/*
 * Opens channel @number of the pool; @flags 0 to send, MEMPOOL_CHANNEL_RECEIVE to receive; besides
 * the channel's kind, MEMPOOL_CHANNEL_WORK or MEMPOOL_CHANNEL_BROADCAST, or neither for a queue;
 * MEMPOOL_CHANNEL_ENDS; and to receive from a broadcast, MEMPOOL_CHANNEL_LOSSY. The pool cannot be
 * closed before the channel (only by force). With MEMPOOL_CHANNEL_EINTR, calls that wait end as
 * mempool_get_wait() does with MEMPOOL_EINTR.
 *
 * Returns 0, or
 * -EINVAL   there is no such channel, or an unknown flag, or flags that do not go together, or a
 *           broadcast from number MEMPOOL_BROADCASTS_MAX on
 * -EPROTOTYPE the channel is of another kind, as its first open said
 * -EBUSY    a queue: somebody receives from it; or its receiver has died, and the daemon has not
 *           freed it yet (that takes some milliseconds, if the daemon runs)
 * -EUSERS   a broadcast has as many subscribers as it can; or one has died, as above
 * -EACCES   the pool's handle is an observer's
 * -EIO      the daemon has marked the pool broken
 * -ECHILD   the handle is the parent's
 * -ENOMEM   no memory
 */
int mempool_channel_open(struct mempool *pool, uint32_t number, unsigned flags,
			 struct mempool_channel **channel);

/*
 * Closes the handle. Blocks that are under way stay in the channel; of a broadcast, those that this
 * subscriber was still to get go to the others alone. Returns 0, -EBUSY (a thread is inside a call
 * on the handle, or blocks that were borrowed by it are not returned), -ECHILD.
 */
int mempool_channel_close(struct mempool_channel *channel);

/*
 * Sends a block of this process.
 *
 * Returns 0, and the block is not this process's any more; or, and then it still is,
 * -EAGAIN   the channel is full and @timeout_ms is 0; the call did not check the block
 * -ETIMEDOUT it was full all the time
 * -EALREADY, -EPERM, -EINVAL  as for mempool_put(); EINVAL also a timeout below -1
 * -EBADF    the handle is for receiving
 * -ENOTCONN a broadcast has no subscriber; the call did not check the block
 * -EPIPE    MEMPOOL_CHANNEL_ENDS: nobody receives any more
 * -ECANCELED the channel is full, and waiting was cancelled
 * -EINTR    MEMPOOL_CHANNEL_EINTR: a signal handler ran, and the channel is still full
 * -EIO      the daemon has marked the pool broken, or the channel was scribbled on
 * -ECHILD   the handle is the parent's
 */
int mempool_channel_send(struct mempool_channel *channel, void *block, int timeout_ms);

/*
 * Sends the first blocks of @n, as many as there is room for, and waits only while there is none.
 * Returns how many it sent, or as mempool_channel_send() when it could not send the first.
 */
ssize_t mempool_channel_send_bulk(struct mempool_channel *channel, void *const *blocks, size_t n,
				  int timeout_ms);

/*
 * Receives a block, which is this process's then, from a queue or work.
 *
 * Returns the block, or NULL with errno
 * EAGAIN    there is none and @timeout_ms is 0
 * ETIMEDOUT none came
 * EDQUOT    this process owns as many blocks as the pool's quota allows; the block stays there
 * EBADF     the handle is for sending
 * EPROTOTYPE the channel is a broadcast, see mempool_channel_borrow()
 * EPIPE     MEMPOOL_CHANNEL_ENDS: nobody sends any more, and all is received
 * ECANCELED there is none, and waiting was cancelled
 * EINTR     MEMPOOL_CHANNEL_EINTR: a signal handler ran, and there still is none
 * EDEADLK   called while another call receives by this handle (from a signal handler, say); not
 *           from work
 * EINVAL    a timeout below -1
 * EIO, ECHILD  as for mempool_channel_send()
 */
void *mempool_channel_receive(struct mempool_channel *channel, int timeout_ms);

/*
 * Receives up to @n blocks, and waits only while there is none. Returns how many, or as a negative
 * number what mempool_channel_receive() sets when there was not even one.
 */
ssize_t mempool_channel_receive_bulk(struct mempool_channel *channel, void **blocks, size_t n,
				     int timeout_ms);

/*
 * Borrows the next block of a broadcast, to read it until mempool_channel_return(). It counts for
 * the quota like a block of one's own. Whoever forks takes the loan with it no more than a block.
 *
 * Returns the block, or NULL with errno as mempool_channel_receive(), but
 * EPROTOTYPE the channel is a queue or work
 */
const void *mempool_channel_borrow(struct mempool_channel *channel, int timeout_ms);

/*
 * Borrows up to @n blocks, and waits only while there is none. Returns how many, or as a negative
 * number what mempool_channel_borrow() sets when there was not even one.
 */
ssize_t mempool_channel_borrow_bulk(struct mempool_channel *channel, const void **blocks, size_t n,
				    int timeout_ms);

/*
 * Returns a block that was borrowed by this handle; any thread may. The last subscriber to do so
 * puts it. Needs no memory, and waits no longer than mempool_put().
 *
 * Returns 0, or
 * -EPERM    this handle has not borrowed the block, or has returned it
 * -EINVAL   @block is no block of this pool
 * -EBADF, -EPROTOTYPE, -ECHILD  as for mempool_channel_borrow()
 */
int mempool_channel_return(struct mempool_channel *channel, const void *block);

/*
 * Makes a block that was borrowed by this handle this process's own, to write to, to send on or to
 * put, if no other subscriber has it, or is to get it. Any thread may.
 *
 * Returns the block, or NULL with errno
 * EBUSY     another subscriber has it, or is to get it; this one has it still
 * EPERM, EINVAL, EBADF, EPROTOTYPE, ECHILD  as for mempool_channel_return()
 */
void *mempool_channel_own(struct mempool_channel *channel, const void *block);

/*
 * Waits until all is received that was sent by the channel before the call, whoever sent it; what
 * is sent meanwhile does not count. Of a broadcast: until every subscriber has borrowed, returned
 * or lost what it was to get. Any handle may, and any number of threads.
 *
 * Returns 0, or
 * -EAGAIN   not all is, and @timeout_ms is 0
 * -ETIMEDOUT not all was, all the time
 * -ECANCELED not all is, and waiting was cancelled
 * -EINTR    MEMPOOL_CHANNEL_EINTR: a signal handler ran, and still not all is
 * -EINVAL   a timeout below -1
 * -EIO      the daemon has marked the pool broken, or the channel was scribbled on
 * -ECHILD   the handle is the parent's
 */
int mempool_channel_drain(struct mempool_channel *channel, int timeout_ms);

/*
 * Fills the first stats->size bytes of @stats, which the caller has set to sizeof *stats. Of a
 * subscriber, lag and lost are its own. Else lag is that of the receiver who is farthest behind,
 * and lost the sum over the subscribers there are. While others send and receive, the numbers mix
 * different moments.
 *
 * Returns 0, -EINVAL (stats->size is no size of it), -ECHILD.
 */
int mempool_channel_stat(struct mempool_channel *channel, struct mempool_channel_stats *stats);

/* Ends all waits by this handle, as mempool_cancel() does by all of a pool's. 0 or -ECHILD. */
int mempool_channel_cancel(struct mempool_channel *channel);

/*
 * A descriptor for event loops: readable (POLLIN) while a receiver has something to receive, or a
 * sender room. Blocks that come into the empty channel, or room in the full one, wake a loop once,
 * and nothing else does: the call that takes the last, or finds nothing, makes it unreadable. So a
 * call after a wake finds what it was woken for, unless another thread or process was faster. It is
 * readable, too, where a call would say EPIPE, and while the pool is broken. Receive and send as
 * you like. What a call leaves keeps the descriptor readable, so one block a wake will do; calls
 * without a poll before them may come between. A loop that waits for edges (EPOLLET) has to go on
 * until a call says EAGAIN or a bulk comes short; what is next is an edge.
 *
 * Do not read or close the descriptor: it belongs to the handle. The first call starts a thread of
 * this process that sleeps on the channel, with the caller's scheduling policy and CPUs. A call
 * that leaves nothing may have to wait for that thread, 10 ms at most; then one wake is in vain.
 *
 * Returns the descriptor, or -EMFILE, -ENOMEM, -EAGAIN (no thread can be had), -ECHILD.
 */
int mempool_channel_fd(struct mempool_channel *channel);

/*
 * Returns the blocks this thread caches to the depot, for anybody. A thread that exits does so by
 * itself. What a thread caches that ends by the bare system call, or calls after its last
 * thread-specific destructors, is returned by later calls of the process's other threads.
 *
 * Returns 0, or -EACCES, -EDEADLK, -ECHILD as for mempool_get().
 */
int mempool_flush(struct mempool *pool);

/*
 * Geometry. Sizes in bytes; the stride is the distance from one block to the next. The number of
 * blocks is that of now: it rises when the pool grows, and never falls; 0 with errno ECHILD when
 * the handle is the parent's.
 */
size_t mempool_block_size(const struct mempool *pool);
size_t mempool_stride(const struct mempool *pool);
uint32_t mempool_blocks(const struct mempool *pool);

/*
 * The index of the block at that address, and the address of the block of that index.
 *
 * mempool_block_index() returns the index or -EINVAL when there is no block at that address;
 * mempool_block_at() returns NULL with errno EINVAL when the index is too large. Both say ECHILD
 * when the handle is the parent's. Neither says anything about who owns the block.
 */
int64_t mempool_block_index(const struct mempool *pool, const void *block);
void *mempool_block_at(const struct mempool *pool, uint32_t index);

/*
 * Whether the address lies anywhere within the pool's blocks. False, with errno ECHILD, when the
 * handle is the parent's.
 */
bool mempool_contains(const struct mempool *pool, const void *address);

/*
 * Fills @stats. Reads every block's word once: about a millisecond for a million blocks.
 *
 * Returns 0, or
 * -EIO      an observer's handle alone: somebody cut the pool's memory short
 * -EBADF    the same: the program closed the descriptor of the handle
 * -EDEADLK  the same: called from a signal handler that interrupted such a call
 * -ECHILD   the handle is the parent's
 */
int mempool_stat(struct mempool *pool, struct mempool_stats *stats);

/*
 * What has become of the pool: enum mempool_state. A pool that was destroyed works on for those who
 * have it open, but nobody joins them: a program that serves others looks at this now and then, and
 * when the pool is not live, closes it and opens what has the name now, or makes it. One load; an
 * observer's handle reads a file.
 *
 * The daemon writes it when the pool is destroyed, however that happens, when one of that name is
 * made, and when it starts. While there is no daemon the answer is the last known. It is a hint:
 * whoever may write to the pool could scribble on it. Of a pool whose memory is gone with its last
 * client, an observer hears MEMPOOL_DESTROYED from then on.
 *
 * Returns the state, or
 * -EBADF    an observer's handle alone: the program closed the descriptor of the handle
 * -ECHILD   the handle is the parent's
 */
int mempool_state(const struct mempool *pool);

/*
 * Checks the pool's invariants, also while others work, and fills @report. Takes some milliseconds
 * for a million blocks, and a byte of memory for each block. What a process that was stopped or
 * killed in the midst of a call, or a daemon that is slow or not there, has yet to do is not taken
 * for broken: the pool shows that they owe it.
 *
 * Returns 0 when all is well, or
 * -EUCLEAN  something is broken; @report says what
 * -ENOMEM   no memory for the walk
 * -EIO      an observer's handle alone: the pool was destroyed, and its memory has gone
 * -EIO, -EBADF, -EDEADLK, -ECHILD  as for mempool_stat()
 */
int mempool_check(struct mempool *pool, struct mempool_report *report);

/*
 * The sentence that goes with this thread's last failed call: what failed, of which pool, block or
 * channel, and the remedy. Every call that fails has one; a call that succeeds leaves the last one
 * as it is. A failure of a call on a pool only notes what this needs, some nanoseconds; the words
 * are made here. Valid until the thread's next failure. Never NULL.
 */
const char *mempool_errmsg(void);

/* The library's version, "0.1.0". */
const char *mempool_version(void);

#ifdef __cplusplus
}
#endif

#endif
