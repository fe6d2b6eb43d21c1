/* SPDX-License-Identifier: MIT */
/*
 * What lies where in a pool's control segment, and a process's view of it.
 *
 *	control  | header | shards | slots | caches | channels      | words     | magazines     |
 *	         | 1 page | 128 B  | 64 B  | 128 B  | 384 + 8/cell  | 8 B/block | 32 + 4/entry  |
 *	data     | block 0 | block 1 | ...                          (stride bytes each)
 *
 * A pool that can grow is laid out for max_blocks from the start: all words and magazines are
 * there, the words of blocks yet to come are UNBORN, and of data only the pages of born blocks are
 * reserved. Everybody maps all of it, once. See grow.h.
 *
 * Everything refers by index. A process that has mapped the segment works with the shape the
 * daemon told it (struct mp_shape), never with numbers read back from the segment; the header's
 * copy is compared once, at attach, and is there for people with a hex dump.
 *
 * The bytes are described by the structs below and nowhere else. mp_signature() is computed from
 * their sizes and offsets, pointer width and libc: a build with another layout refuses the segment.
 */
#ifndef MP_CORE_LAYOUT_H
#define MP_CORE_LAYOUT_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/core/atomic.h"

#define MP_MAGIC 0x6c6f6f706d656d01ull /* "\1mempool" */
#define MP_LAYOUT_VERSION 2u

#define MP_NONE UINT32_MAX /* no index */
#define MP_PAGE 4096u
#define MP_DATA_MAX (1ull << 46) /* bytes that a process can map: half of its addresses */

enum {
	MP_BLOCK_SIZE_MIN = 16,
	MP_BLOCK_SIZE_MAX = 1 << 30,
	MP_BLOCKS_MAX = 1 << 26,
	MP_ALIGNMENT_MIN = 8,
	MP_ALIGNMENT_MAX = 4096,
	MP_SLOTS_MAX = 4096,
	MP_CACHES_MAX = 4096,
	MP_SHARDS_MAX = 8,
	MP_CAPACITY_MIN = 8,
	MP_CAPACITY_MAX = 248,
	MP_CHANNELS_MAX = 64,
	MP_DEPTH_MIN = 8,
	MP_DEPTH_MAX = 65536,
};

/* First page. Hot words stand apart from the cold and from each other by who writes them. */
struct mp_header {
	uint64_t magic;
	uint32_t version;
	uint32_t header_size;
	uint64_t signature;
	uint64_t pool_id;
	uint64_t block_size;
	uint64_t stride;
	uint32_t max_blocks;
	uint32_t capacity;
	uint32_t n_magazines;
	uint32_t n_caches;
	uint32_t n_slots;
	uint32_t n_shards;
	uint32_t n_channels;
	uint32_t depth;
	char name[72];

	/* Written rarely, read by all: two by the daemon alone, the last see pressure.h. */
	_Alignas(128) mp_atomic32 broken; /* not 0: give up, EIO */
	mp_atomic32 born;                 /* blocks there are; never fewer than before */
	mp_atomic32 pressure;             /* whether getters wait for a block */

	/* Written rarely: by the daemon's passes, by collectors, by puts that found no room. */
	_Alignas(128) mp_atomic64 reclaim_seq; /* raised after blocks or orphans were left */
	mp_atomic64 collected_seq; /* reclaim_seq as read before the last full collect */
	mp_atomic32 collect_hint;  /* where the next collector may go on */

	/* Counters of the dead and gone, folded in by the daemon; minimum by whoever swaps. */
	_Alignas(128) mp_atomic64 gets;
	mp_atomic64 puts;
	mp_atomic64 failures;
	mp_atomic64 waits;
	mp_atomic64 recoveries;
	mp_atomic64 recovered;
	mp_atomic64 repairs;
	mp_atomic64 min_free;
};
_Static_assert(sizeof(struct mp_header) <= MP_PAGE, "the header is one page");

/* One process's seat. Written by the daemon; the counters by the process's threads that go. */
struct mp_slot {
	mp_atomic32 state; /* enum mp_slot_state */
	mp_atomic32 pid;   /* for people; the daemon goes by its registry */
	mp_atomic64 gets;  /* of threads without a cache, and of threads that exited */
	mp_atomic64 puts;
	mp_atomic64 failures;
	mp_atomic64 waits; /* of all its threads */
	mp_atomic32 owned; /* blocks it owns, in pools with a quota; see quota.h */
	uint32_t unused32;
	uint64_t unused[2];
};
_Static_assert(sizeof(struct mp_slot) == 64, "a slot is one cache line");

/*
 * One thread's cache in this pool. Written by the thread that owns it, but for owner (CAS from
 * free by the claimer, to free by the owner or, when its process is dead, by the daemon) and steal.
 */
struct mp_cache {
	mp_atomic64 owner;     /* {sequence:32 | slot + 1:32}; 0 in the low half: free */
	mp_atomic32 busy;      /* 1: a call is under way */
	mp_atomic32 stealable; /* the process is registered with membarrier */
	mp_atomic64 steal;     /* a thief's announcement; 0: none */
	mp_atomic32 loaded;    /* magazine index, for onlookers; its holder is what counts */
	mp_atomic32 previous;
	mp_atomic64 gets;
	mp_atomic64 puts;
	mp_atomic64 failures;
	uint64_t padding[9];
};
_Static_assert(sizeof(struct mp_cache) == 128, "two cache lines: neighbours prefetch in pairs");

/* A ring of tokens from many producers to one consumer; see channel.h. */
struct mp_channel {
	mp_atomic64 head; /* the consumer's position; written by it alone */
	uint64_t padding[15];
	mp_atomic64 tail;  /* a hint: not beyond the first empty position */
	mp_atomic64 limit; /* a hint: not beyond head + depth */
	uint64_t padding_too[14];
	/* Written rarely, read by all. */
	mp_atomic64 consumer; /* {sequence:32 | slot + 1:32}; 0 in the low half: none */
	mp_atomic32 hungry;   /* 1: the consumer sleeps, or is about to */
	mp_atomic32 crowded;  /* 1: producers sleep, or are about to */
	uint64_t unused[14];
	mp_atomic64 cell[]; /* depth of them */
};
_Static_assert(sizeof(struct mp_channel) == 384, "three pairs of cache lines");

/* Heads are magazine indices; everything here is written under the lock. */
struct mp_shard {
	pthread_mutex_t lock; /* robust, process-shared */
	uint32_t full;        /* list of magazines at capacity */
	uint32_t partial;     /* list of magazines neither full nor empty */
	uint32_t empty;       /* list of magazines without entries */
	mp_atomic32 n_free;   /* entries in them; read by anybody for min_free */
	uint64_t padding[9];
};
_Static_assert(sizeof(struct mp_shard) == 128, "two cache lines: neighbours prefetch in pairs");

enum mp_state {
	MP_UNBORN, /* not laid yet */
	MP_FREE,
	MP_USED,
	MP_MOVING,
	MP_RECLAIMED,
};

#define MP_REF_BITS 29 /* of a word's low half; the state has the rest */

/* Where a block is; see word.h. The low half alone may be stored by whoever owns the block. */
union mp_word {
	mp_atomic64 whole;
	struct {
		mp_atomic32 low;        /* {state:3 | ref:29} */
		mp_atomic32 generation; /* changes only together with the low half */
	};
};
_Static_assert(sizeof(union mp_word) == 8, "a word is one atomic");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the low half comes first");

/* The low half of a word. */
static inline uint32_t mp_word_low(enum mp_state state, uint32_t ref)
{
	return (uint32_t)state << MP_REF_BITS | ref;
}

enum mp_holder_kind {
	MP_HOLDER_UNBORN,
	MP_HOLDER_DEPOT,
	MP_HOLDER_CACHE,
	MP_HOLDER_ORPHAN,
};

/* The bits of a holder; the kind has the rest. */
#define MP_SEQUENCE_BITS 40
#define MP_HOLDER_ID_BITS 21

/* An array of block indices. Written by its holder alone, but for holder itself (CAS). */
struct mp_magazine {
	mp_atomic64 holder; /* {kind:3 | id:21 | sequence:40}, see magazine.h */
	mp_atomic32 count;  /* entries below it are counted */
	uint32_t next;      /* link of the shard's list it is on */
	uint64_t unused[2];
	mp_atomic32 entry[]; /* block indices */
};
_Static_assert(sizeof(struct mp_magazine) == 32, "the entries of small magazines share its line");

/*
 * The numbers of a pool. The first group is chosen (zero: default), the rest follows from it.
 */
struct mp_shape {
	uint64_t block_size; /* bytes of payload */
	uint32_t blocks;     /* to begin with; in the daemon's view, now */
	uint32_t max_blocks;
	uint32_t alignment; /* bytes */
	uint32_t capacity;  /* entries in a magazine */
	uint32_t n_caches;  /* 0 is meant: threads cache nothing */
	uint32_t n_slots;
	uint32_t n_shards;
	uint32_t n_channels;
	uint32_t depth; /* cells of a channel */

	uint32_t n_magazines;
	uint32_t magazine_size;                       /* bytes */
	uint32_t channel_size;                        /* bytes */
	uint64_t stride;                              /* bytes */
	uint64_t shards_at, slots_at, caches_at;      /* bytes into control */
	uint64_t channels_at, words_at, magazines_at; /* bytes into control */
	uint64_t control_size, data_size;             /* bytes */
};

/* Default for n_caches, as 0 means none. */
#define MP_CACHES_DEFAULT 64u

/*
 * Gives what was left 0 its default (n_caches excepted) and computes the rest. @cpus: how many
 * there are. Returns NULL, or what is wrong with the chosen numbers, in words.
 */
const char *mp_shape_resolve(struct mp_shape *shape, unsigned cpus);

/* Bytes of the data segment that the first @blocks blocks need, in whole pages. */
uint64_t mp_shape_data(const struct mp_shape *shape, uint32_t blocks);

/* A process's view of a mapped pool. Hot fields first. Never written after mp_pool_bind(). */
struct mp_pool {
	union mp_word *words;
	unsigned char *data; /* NULL in the daemon */
	uint64_t stride;
	uint64_t inverse;    /* of stride's odd part, modulo 2^64 */
	uint32_t shift;      /* trailing zero bits of stride */
	uint32_t max_blocks; /* block indices are below it */
	uint32_t used;       /* low half of the word of a block of ours; 0 for onlookers */
	uint32_t slot;       /* ours; MP_NONE for onlookers */
	uint32_t quota;      /* blocks our process may own; 0: any number */
	bool stealable;      /* our idle threads may be stolen from */

	struct mp_header *header;
	struct mp_shard *shards;
	struct mp_slot *slots;
	struct mp_cache *caches;
	unsigned char *channels;
	unsigned char *magazines;
	struct mp_shape shape;
};

/* Says where things are, given where the segments are mapped. */
void mp_pool_bind(struct mp_pool *pool, const struct mp_shape *shape, void *control, void *data,
		  uint32_t slot);

/* Block index by address: the index, or at least @pool->max_blocks when no block begins there. */
static inline uint64_t mp_pool_index(const struct mp_pool *pool, const void *address)
{
	/*
	 * Exact division: offset * inverse(odd part), rotated right by the even part's bits, is the
	 * quotient when the stride divides the offset and more than 2^64/stride when not.
	 */
	uint64_t q = ((uint64_t)((uintptr_t)address - (uintptr_t)pool->data)) * pool->inverse;
	uint32_t s = pool->shift & 63;
	return q >> s | q << (-s & 63);
}

static inline void *mp_pool_address(const struct mp_pool *pool, uint64_t index)
{
	return pool->data + index * pool->stride;
}

/* How many blocks there are, as clients see it; it only ever rises. */
static inline uint32_t mp_pool_born(const struct mp_pool *pool)
{
	uint32_t n = mp_load_acquire(&pool->header->born);
	return n <= pool->max_blocks ? n : pool->max_blocks;
}

static inline struct mp_channel *mp_pool_channel(const struct mp_pool *pool, uint32_t number)
{
	return (void *)(pool->channels + (uint64_t)number * pool->shape.channel_size);
}

/* A number of everything both sides must agree on. */
uint64_t mp_signature(void);

/* Whether a mapped control segment is one this build can use, of that shape and identity. */
bool mp_layout_matches(const struct mp_header *header, const struct mp_shape *shape,
		       uint64_t pool_id);

#endif
