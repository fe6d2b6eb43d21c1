/* SPDX-License-Identifier: MIT */
/*
 * Memory pools with the interface of Mynewt's os_mempool.h: blocks of one size, cut out of a buffer
 * the caller supplies. No daemon, and no system call but for a thread that finds another inside a
 * call on the same pool for long: it sleeps for a moment. os_mempool_open_shared() makes the same
 * calls work on a pool of mempoold.
 *
 * Free blocks are linked through their first word, in the order of their addresses after init and
 * after clear. Whoever got a block owns all of it. Who writes to the link of a free block loses the
 * free blocks behind it, until the pool is cleared; mp_num_free says how many can still be had.
 *
 * Threads: every call may be made from any thread, on any pool; none from a signal handler. A pool
 * must not be initialized, unregistered or cleared while others use it, unless they can bear it.
 * Fork: a pool in private memory is copied with it. A shared pool is the parent's; the child opens
 * it for itself.
 */
#ifndef OS_OS_MEMPOOL_H
#define OS_OS_MEMPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Ours, or those of a tree for Mynewt or NimBLE that has this header in front of its own: nothing
 * below needs ours. A program may have settings of its own; of pools there are three, and each may
 * be chosen for one pool as well.
 */
#include <os/os.h>
#include <os/os_error.h>
#include <os/queue.h>

#ifdef __has_include
#if __has_include(<syscfg/syscfg.h>)
#include <syscfg/syscfg.h>
#endif
#endif
#ifndef MYNEWT_VAL
/* clang-format off */
#define MYNEWT_VAL(_name) MYNEWT_VAL_ ## _name
/* clang-format on */
#endif
#ifndef MYNEWT_VAL_OS_MEMPOOL_CHECK
#define MYNEWT_VAL_OS_MEMPOOL_CHECK 0
#endif
#ifndef MYNEWT_VAL_OS_MEMPOOL_POISON
#define MYNEWT_VAL_OS_MEMPOOL_POISON 0
#endif
#ifndef MYNEWT_VAL_OS_MEMPOOL_GUARD
#define MYNEWT_VAL_OS_MEMPOOL_GUARD 0
#endif

/* The calls that count go to the library without a stub in between, where the compiler can. */
#ifdef __has_attribute
#if __has_attribute(noplt)
#define OS_MEMPOOL_DIRECT __attribute__((noplt))
#endif
#endif
#ifndef OS_MEMPOOL_DIRECT
#define OS_MEMPOOL_DIRECT
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* What a free block begins with. */
struct os_memblock {
	SLIST_ENTRY(os_memblock) mb_next;
};

/*
 * A pool. Its memory is the caller's and may hold anything before init. The counts are current; of
 * a shared pool they are what the last call saw. Read them as you like, change none. Each field
 * lies where Mynewt has it; mp_alignment is in a byte that Mynewt leaves unused.
 */
struct os_mempool {
	uint32_t mp_block_size;                  /* bytes, as asked for */
	uint16_t mp_num_blocks;                  /* in the pool */
	uint16_t mp_num_free;                    /* now */
	uint16_t mp_min_free;                    /* the lowest mp_num_free since init or clear */
	uint8_t mp_flags;                        /* OS_MEMPOOL_F_ and OS_MEMPOOL_OPT_ */
	uint8_t mp_alignment;                    /* of blocks; the library's */
	uintptr_t mp_membuf_addr;                /* of the first block */
	STAILQ_ENTRY(os_mempool) mp_list;        /* the next pool that is registered */
	__extension__ SLIST_HEAD(, os_memblock); /* slh_first: the first free block */
	char *name;                              /* the caller's; may be NULL */
};

/* In mp_flags: the pool is the first member of a struct os_mempool_ext. */
#define OS_MEMPOOL_F_EXT 0x01
/* In mp_flags: the blocks are those of a pool of mempoold. */
#define OS_MEMPOOL_F_SHARED 0x02

/* For os_mempool_set_options(). */
#define OS_MEMPOOL_OPT_CHECK 0x10u  /* a wrong put ends the program, and a link overwritten */
#define OS_MEMPOOL_OPT_POISON 0x20u /* a write to a free block is found when it is got */
#define OS_MEMPOOL_OPT_GUARD 0x40u  /* a write right behind a block, when it is put or got */

struct os_mempool_ext;

/*
 * What os_memblock_put() calls instead of freeing @data. The block is the callback's now: whoever
 * frees it, now or later, does so by os_memblock_put_from_cb(), and os_memblock_put() refuses it.
 * Returns 0; any other value means that the block was not freed, is still its owner's, and is what
 * os_memblock_put() returns. It may get and put.
 */
typedef os_error_t os_mempool_put_fn(struct os_mempool_ext *ome, void *data, void *arg);

/* A pool with a callback; both are NULL after init, and the caller's to set. */
struct os_mempool_ext {
	struct os_mempool mpe_mp;
	os_mempool_put_fn *mpe_put_cb;
	void *mpe_put_arg;
};

#define OS_MEMPOOL_INFO_NAME_LEN (32) /* of omi_name, its end included; longer names are cut */

/* Numbers of a pool, all of one moment. */
struct os_mempool_info {
	int omi_block_size;
	int omi_num_blocks;
	int omi_num_free;
	int omi_min_free;
	char omi_name[OS_MEMPOOL_INFO_NAME_LEN]; /* "" when it has none */
};

/* What a buffer of blocks is an array of. */
#if OS_ALIGNMENT == 4
typedef uint32_t os_membuf_t;
#elif OS_ALIGNMENT == 8
typedef uint64_t os_membuf_t;
#elif OS_ALIGNMENT == 16
__extension__ typedef unsigned __int128 os_membuf_t;
#else
#error "OS_ALIGNMENT must be 4, 8 or 16"
#endif

/* Bytes a block of @sz needs before they are rounded up to OS_ALIGNMENT. */
#if MYNEWT_VAL(OS_MEMPOOL_GUARD)
#define OS_MEMPOOL_BLOCK_SZ(sz) ((sz) + sizeof(os_membuf_t))
#else
#define OS_MEMPOOL_BLOCK_SZ(sz) (sz)
#endif

/* How many os_membuf_t, and how many bytes, a buffer for @n blocks of @blksize needs. */
#define OS_MEMPOOL_SIZE(n, blksize) \
	((n) * ((OS_MEMPOOL_BLOCK_SZ(blksize) + (OS_ALIGNMENT)-1) / (OS_ALIGNMENT)))
#define OS_MEMPOOL_BYTES(n, blksize) (OS_MEMPOOL_SIZE(n, blksize) * sizeof(os_membuf_t))

/* The same for a pool that is to have OS_MEMPOOL_OPT_GUARD. */
#define OS_MEMPOOL_GUARD_SIZE(n, blksize) \
	((n) * (((blksize) + (OS_ALIGNMENT)-1) / (OS_ALIGNMENT) + 1))
#define OS_MEMPOOL_GUARD_BYTES(n, blksize) (OS_MEMPOOL_GUARD_SIZE(n, blksize) * sizeof(os_membuf_t))

/* The options this program was built with, for every pool it initializes. */
#define OS_MEMPOOL_OPT_BUILD                                            \
	((MYNEWT_VAL(OS_MEMPOOL_CHECK) ? OS_MEMPOOL_OPT_CHECK : 0u) |   \
	 (MYNEWT_VAL(OS_MEMPOOL_POISON) ? OS_MEMPOOL_OPT_POISON : 0u) | \
	 (MYNEWT_VAL(OS_MEMPOOL_GUARD) ? OS_MEMPOOL_OPT_GUARD : 0u))

/*
 * Makes a pool of @blocks blocks of @block_size bytes in @membuf, and registers it under @name.
 * All blocks are free. The buffer and the name stay the caller's, and must stay; blocks begin
 * every @block_size bytes, rounded up to OS_ALIGNMENT. @membuf may be NULL when @blocks is 0.
 *
 * What @mp held does not matter. A pool that is registered already starts afresh: it is registered
 * once, and its old blocks are nobody's. The library keeps some hundred bytes a pool, and a
 * pointer a block, until os_mempool_unregister().
 *
 * Called by its name it takes the OS_ALIGNMENT and the settings of the program that calls, any
 * integers as @blocks and @block_size, a const @name, and looks at the size of @membuf where the
 * compiler knows it and no argument has a comma outside of parentheses. Through a pointer it is for
 * the usual alignment, and for none of the settings.
 *
 * Returns OS_OK, or
 * OS_INVALID_PARM    @mp is NULL; @blocks is negative or above 65535; @block_size is not from 1 to
 *                    UINT32_MAX; @membuf is NULL or too small; a block has no room for a pointer
 * OS_MEM_NOT_ALIGNED @membuf is not a multiple of OS_ALIGNMENT
 * OS_ENOMEM          the library has no memory for its part
 * OS_EBUSY           @mp is a shared pool of which blocks are out
 * When it fails, nothing has changed.
 */
os_error_t os_mempool_init(struct os_mempool *mp, uint16_t blocks, uint32_t block_size,
			   void *membuf, char *name);

/*
 * As os_mempool_init(), and the pool may have a callback: set mpe_put_cb, and mpe_put_arg, after
 * this. Both are NULL until then.
 *
 * Returns as os_mempool_init().
 */
os_error_t os_mempool_ext_init(struct os_mempool_ext *mpe, uint16_t blocks, uint32_t block_size,
			       void *membuf, char *name);

/*
 * What a call of os_mempool_init() becomes: @room bytes are known to be in @membuf, or SIZE_MAX;
 * blocks lie at multiples of @alignment; @options are OS_MEMPOOL_OPT_.
 *
 * Returns as os_mempool_init(); OS_INVALID_PARM also for other alignments and options.
 */
os_error_t os_mempool_init_as(struct os_mempool *mp, int64_t blocks, int64_t block_size,
			      void *membuf, const char *name, size_t room, unsigned alignment,
			      unsigned options);

/*
 * What a call of os_mempool_ext_init() becomes; see os_mempool_init_as(). Of the options of a build
 * such a pool does not take OS_MEMPOOL_OPT_GUARD.
 */
os_error_t os_mempool_ext_init_as(struct os_mempool_ext *mpe, int64_t blocks, int64_t block_size,
				  void *membuf, const char *name, size_t room, unsigned alignment,
				  unsigned options);

#define os_mempool_init(...)                                                              \
	os_mempool_init_as(__VA_ARGS__, OS_MEMPOOL_ROOM(__VA_ARGS__, , ), (OS_ALIGNMENT), \
			   OS_MEMPOOL_OPT_BUILD)
#define os_mempool_ext_init(...)                                                              \
	os_mempool_ext_init_as(__VA_ARGS__, OS_MEMPOOL_ROOM(__VA_ARGS__, , ), (OS_ALIGNMENT), \
			       OS_MEMPOOL_OPT_BUILD)

/*
 * The bytes that the compiler knows to be in the fourth of five arguments, or SIZE_MAX. To a macro
 * a compound literal with a comma is two arguments; then there are more than five, @more is not
 * empty, and which of them is the buffer cannot be told. A text is empty when a comma comes of it
 * between OS_MEMPOOL_COMMA and (), but none behind OS_MEMPOOL_COMMA alone.
 */
#define OS_MEMPOOL_ROOM(mp, blocks, block_size, membuf, name, more, ...)    \
	OS_MEMPOOL_ROOM_IF(OS_MEMPOOL_TWO(OS_MEMPOOL_COMMA more(), 1, 0, ), \
			   OS_MEMPOOL_TWO(OS_MEMPOOL_COMMA more, 1, 0, ), membuf)
#define OS_MEMPOOL_ROOM_IF(around, behind, membuf) OS_MEMPOOL_ROOM_IF_(around, behind, membuf)
#define OS_MEMPOOL_ROOM_IF_(around, behind, membuf) OS_MEMPOOL_ROOM_##around##_##behind(membuf)
#define OS_MEMPOOL_ROOM_1_0(membuf) __builtin_object_size(membuf, 0)
#define OS_MEMPOOL_ROOM_1_1(membuf) ((size_t)-1)
#define OS_MEMPOOL_ROOM_0_0(membuf) ((size_t)-1)
#define OS_MEMPOOL_TWO(...) OS_MEMPOOL_TWO_(__VA_ARGS__)
#define OS_MEMPOOL_TWO_(a, b, which, ...) which
#define OS_MEMPOOL_COMMA(...) ,

/*
 * Opens the pool @name of mempoold, makes it when there is none, and lets all calls on @mp work on
 * it, across processes. The daemon is the one that listens on $MEMPOOL_SOCKET, else at the usual
 * place; one connection serves the whole process. A pool that exists must have at least @blocks
 * blocks of at least @block_size bytes; mp_num_blocks and mp_block_size say what it has. Names are
 * [a-z0-9._-]{1,64}; @name stays the caller's and must stay.
 *
 * mp_num_free and mp_min_free follow what this process does at once, and what others do within some
 * ten milliseconds, or within 16 gets or puts that come after a burst of calls and a pause;
 * os_mempool_info_get_next() and os_mempool_get() count anew. The free list is not the caller's:
 * slh_first is NULL. Close it by os_mempool_unregister(). A process that ends keeps no block.
 *
 * Returns OS_OK, or
 * OS_INVALID_PARM an argument is NULL, a number is not from 1 to 65535 blocks or positive, the name
 *                 breaks the rules, or the pool has more than 65535 blocks
 * OS_EINVAL       there is such a pool with fewer or smaller blocks
 * OS_NOT_STARTED  no daemon listens
 * OS_TIMEOUT      the daemon does not answer
 * OS_ERR_PRIV     no right to the pool
 * OS_ENOMEM       no memory, no room in /dev/shm, or a limit of the daemon or the pool is reached
 * OS_EBUSY        @mp is a shared pool already, of which this process has blocks, or that a thread
 *                 is using
 * OS_ERROR        anything else; mempool_errmsg() says what
 */
os_error_t os_mempool_open_shared(struct os_mempool *mp, const char *name, int blocks,
				  int block_size);

/*
 * As os_mempool_open_shared(), and the pool may have a callback: set mpe_put_cb after this. It is
 * called for puts of this process alone.
 *
 * Returns as os_mempool_open_shared().
 */
os_error_t os_mempool_ext_open_shared(struct os_mempool_ext *mpe, const char *name, int blocks,
				      int block_size);

/*
 * Chooses for one pool what Mynewt chooses for a build; @options are OS_MEMPOOL_OPT_, 0 for none.
 * All blocks must be free; they are linked anew. A fault that an option finds is told on stderr,
 * and ends the program by abort(). With OS_MEMPOOL_OPT_GUARD the buffer must have
 * OS_MEMPOOL_GUARD_BYTES().
 *
 * Returns OS_OK, or
 * OS_INVALID_PARM @mp is NULL, an option is unknown, or the buffer is known to be too small
 * OS_EBUSY        blocks are out
 * OS_EINVAL       the pool is shared
 */
os_error_t os_mempool_set_options(struct os_mempool *mp, unsigned options);

/*
 * Takes the pool from the list of pools; the struct and the buffer may be freed then. A pool in the
 * caller's memory goes on working. What the library keeps of such pools it gives back when that is
 * a megabyte in all, of the oldest first; from then on, puts walk the free list. A shared pool is
 * closed.
 *
 * Returns OS_OK, or
 * OS_INVALID_PARM the pool is not on the list; all the same the struct may be freed then
 * OS_EBUSY        a shared pool of which this process has blocks, got by whichever calls, or that
 *                 a thread is using
 */
os_error_t os_mempool_unregister(struct os_mempool *mp);

/*
 * Makes all blocks free, those that are out too, and links them in order. mp_min_free starts anew.
 *
 * Returns OS_OK, OS_INVALID_PARM when @mp is NULL, or OS_EINVAL when the pool is shared: its blocks
 * may be other processes'.
 */
os_error_t os_mempool_clear(struct os_mempool *mp);

/*
 * As os_mempool_clear(), and takes the callback and its argument away.
 *
 * Returns as os_mempool_clear(); when it fails, the callback is still there.
 */
os_error_t os_mempool_ext_clear(struct os_mempool_ext *mpe);

/*
 * Whether the free list is as it should be: as many blocks as mp_num_free says, all of them of this
 * pool and free, none twice; with OS_MEMPOOL_OPT_POISON and _GUARD, also unwritten. Ends whatever
 * the list looks like. Of a shared pool, whether mempool_check() finds nothing.
 *
 * Returns true or false; false when @mp is NULL.
 */
bool os_mempool_is_sane(const struct os_mempool *mp);

/*
 * Whether @block_addr is the beginning of a block of this pool, free or not.
 *
 * Returns 1 or 0.
 */
int os_memblock_from(const struct os_mempool *mp, const void *block_addr);

/*
 * Gets a block: the one that was put last, or the next one by address. Its contents are anything.
 *
 * Returns the block, or NULL: no block is free, or @mp is NULL.
 */
OS_MEMPOOL_DIRECT void *os_memblock_get(struct os_mempool *mp);

/*
 * Puts a block back, or hands it to the pool's callback. Wrong puts change nothing, and do not
 * reach the callback.
 *
 * Returns OS_OK, or
 * OS_INVALID_PARM an argument is NULL, or @block_addr is not the beginning of a block of this pool
 * OS_EINVAL       the block is free already, or the callback has it; of a shared pool, or it is
 *                 another process's
 * or what the callback returns; the block is the caller's still when that is not 0.
 */
OS_MEMPOOL_DIRECT os_error_t os_memblock_put(struct os_mempool *mp, void *block_addr);

/*
 * Puts a block back past the callback; for callbacks.
 *
 * Returns as os_memblock_put() for a pool without callback.
 */
os_error_t os_memblock_put_from_cb(struct os_mempool *mp, void *block_addr);

/*
 * Lists pools in the order they were registered: NULL gives the first, a pool the one after it.
 * Fills @omi unless it is NULL.
 *
 * Returns the pool, or NULL when there is no further one, or @mp is not registered.
 */
struct os_mempool *os_mempool_info_get_next(struct os_mempool *mp, struct os_mempool_info *omi);

/*
 * Finds the first pool of that name. Fills @info unless it is NULL.
 *
 * Returns the pool, or NULL when there is none, or the name is NULL.
 */
struct os_mempool *os_mempool_get(const char *mempool_name, struct os_mempool_info *info);

/*
 * Empties the list of pools, and does nothing else: each pool goes on as it was, shared ones stay
 * open. Nothing has to call it.
 */
void os_mempool_module_init(void);

#ifdef __cplusplus
}
#endif

#endif
