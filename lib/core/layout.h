/* SPDX-License-Identifier: MIT */
/*
 * What lies where in a pool's control segment, and a process's view of it.
 *
 *	control  | header | shards | slots | caches | channels      | words     | magazines     |
 *	         | 4 KiB  | 128 B  | 64 B  | 128 B  | 1152 + 8/cell | 8 B/block | 32 + 4/entry  |
 *	data     | block 0 | block 1 | ...                          (stride bytes each)
 *
 * Where things lie does not depend on the size of a page, which on 64-bit Arm may be 4, 16 or 64
 * KiB. Both segments are whole pages long, and so is what a pool grows by, as it is by pages that
 * memory is mapped, reserved and given back.
 *
 * A pool that can grow is laid out for max_blocks from the start: all words and magazines are
 * there, the words of blocks yet to come are UNBORN, and of data only the pages of born blocks are
 * reserved. Everybody maps all of it, once. See grow.h.
 *
 * All references are indices. A process that has mapped the segment computes with the shape the
 * daemon sent it (struct mp_shape), never with numbers it reads back from the segment. It compares
 * the header's copy once, when it opens the pool; else that copy is for people with a hex dump.
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
#define MP_LAYOUT_VERSION 3u

#define MP_NONE UINT32_MAX /* no index */
#define MP_HEADER_SIZE 4096u
#define MP_DATA_MAX (1ull << 46) /* bytes that a process can map: half of its addresses */

enum {
	MP_BLOCK_SIZE_MIN = 16,
	MP_BLOCK_SIZE_MAX = 1 << 30,
	MP_BLOCKS_MAX = 1 << 26,
	MP_ALIGNMENT_MIN = 8,
	MP_ALIGNMENT_MAX = 4096,
	MP_SLOTS_DEFAULT = 256,
	MP_SLOTS_MAX = 4096, /* refs from there on are channels', see word.h */
	MP_CACHES_LEAST = 64,
	MP_CACHES_MAX = 4096,
	MP_SHARDS_MAX = 8,
	MP_CAPACITY_MIN = 8,
	MP_CAPACITY_MAX = 248,
	MP_CHANNELS_MAX = 64,
	MP_BROADCASTS_MAX = 32, /* channels below it can be broadcasts: a word has 5 bits for it */
	MP_SEATS_MAX = 12,      /* subscribers of a broadcast: a word has 12 bits, twice */
	MP_DEPTH_MIN = 8,
	MP_DEPTH_MAX = 65536,
};

/* What became of a pool's name. */
enum mp_fate {
	MP_FATE_LIVE,
	MP_FATE_DESTROYED, /* nobody can open the pool any more */
	MP_FATE_REPLACED,  /* likewise, and by its name there is another pool now */
};

/* The first 4 KiB. Words that are written often share no cache line with others' words. */
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

	/* Written rarely, read by all. The daemon alone writes all but the pressure. */
	_Alignas(128) mp_atomic32 broken; /* not 0: give up, EIO */
	mp_atomic32 born;                 /* blocks there are; never fewer than before */
	mp_atomic32 pressure;             /* whether getters wait for a block, see pressure.h */
	/*
	 * In what was padding, and not in the signature: pools of earlier daemons have zero here,
	 * and earlier libraries do not look.
	 */
	mp_atomic32 fate;    /* enum mp_fate */
	mp_atomic32 growing; /* 1: the daemon lays newborn blocks, see grow.h */

	/* Written rarely: by the daemon's passes, by collectors, by puts that find no room. */
	_Alignas(128) mp_atomic64 reclaim_seq; /* raised after blocks or orphans were left */
	mp_atomic64 collected_seq; /* reclaim_seq as read before the last full collect */
	mp_atomic32 collect_hint;  /* where the next collector may go on */

	/*
	 * Sums over processes that are gone; the daemon adds a process's counters when it frees its
	 * slot. min_free: whoever takes a magazine from the depot lowers it.
	 */
	_Alignas(128) mp_atomic64 gets;
	mp_atomic64 puts;
	mp_atomic64 failures;
	mp_atomic64 waits;
	mp_atomic64 recoveries;
	mp_atomic64 recovered;
	mp_atomic64 repairs;
	mp_atomic64 min_free;
};
_Static_assert(sizeof(struct mp_header) <= MP_HEADER_SIZE, "the shards come after it");

/*
 * A process's place in the pool. The daemon writes state and pid; the process's threads add to the
 * counters when they exit, or at once while they have no cache, and to owing (pressure.h).
 */
struct mp_slot {
	mp_atomic32 state; /* enum mp_slot_state */
	mp_atomic32 pid;   /* for people; the daemon goes by its registry */
	mp_atomic64 gets;  /* by threads without a cache, and by threads that exited */
	mp_atomic64 puts;
	mp_atomic64 failures;
	mp_atomic64 waits; /* of all its threads */
	mp_atomic32 owned; /* blocks it owns, in pools with a quota; see quota.h */
	mp_atomic32 owing; /* announcements its calls are about to make; see audit.c */
	uint64_t unused[2];
};
_Static_assert(sizeof(struct mp_slot) == 64, "a slot is one cache line");

/*
 * One thread's cache in this pool. The thread that owns it writes it, but for two fields: owner is
 * claimed by a CAS from free, and freed by its owner or, once that process is dead, by the daemon;
 * steal is written by thieves.
 */
struct mp_cache {
	mp_atomic64 owner;  /* {sequence:32 | slot + 1:32}; 0 in the low half: free */
	mp_atomic32 busy;   /* 1: a call is under way */
	mp_atomic32 fenced; /* 1: its owner pays a fence in each call, see steal.h */
	mp_atomic64 steal;  /* a thief's announcement; 0: none */
	mp_atomic64 hands;  /* {previous:32 | loaded:32}, for onlookers; see mp_hands() */
	mp_atomic64 gets;
	mp_atomic64 puts;
	mp_atomic64 failures;
	mp_atomic32 taking; /* the magazine it took last out of the depot, or was about to take */
	uint32_t padding32;
	uint64_t padding[8];
};
_Static_assert(sizeof(struct mp_cache) == 128, "two cache lines: neighbours prefetch in pairs");

/*
 * The magazines of a record, as it notes them: a hint, as the holders are the truth. One store
 * notes both, so that no onlooker ever sees one of them twice and the other not at all.
 */
static inline uint64_t mp_hands(uint32_t loaded, uint32_t previous)
{
	return (uint64_t)previous << 32 | loaded;
}

static inline uint32_t mp_hands_loaded(uint64_t hands)
{
	return (uint32_t)hands;
}

static inline uint32_t mp_hands_previous(uint64_t hands)
{
	return (uint32_t)(hands >> 32);
}

static inline void mp_cache_note_previous(struct mp_cache *cache, uint32_t magazine)
{
	mp_store_release(&cache->hands,
			 mp_hands(mp_hands_loaded(mp_load(&cache->hands)), magazine));
}

enum mp_channel_kind {
	MP_CHANNEL_UNOPENED, /* its first open decides, for as long as the pool lives */
	MP_CHANNEL_QUEUE,
	MP_CHANNEL_WORK,
	MP_CHANNEL_BROADCAST,
};

/* A subscriber's place in a broadcast, which alone writes cursor and lost; see broadcast.h. */
struct mp_seat {
	mp_atomic64 owner;  /* {sequence:32 | slot + 1:32}; 0 in the low half: free */
	mp_atomic64 cursor; /* for onlookers: its next position */
	mp_atomic64 lost;   /* for onlookers: blocks that were dropped before it came to them */
	uint64_t unused[5];
};
_Static_assert(sizeof(struct mp_seat) == 64, "a seat is one cache line");

/* A ring of tokens, ring.h; what each kind makes of it: channel.h, work.h, broadcast.h. */
struct mp_channel {
	mp_atomic64 head; /* what comes before it was received by all */
	uint64_t padding[15];
	mp_atomic64 tail;  /* a hint: not beyond the first empty position */
	mp_atomic64 limit; /* a hint: not beyond head + depth */
	uint64_t padding_too[14];
	/* Written rarely, read by all. */
	mp_atomic64 consumer;       /* {sequence:32 | slot + 1:32}; 0 in the low half: none */
	mp_atomic32 hungry;         /* {sequence:31 | asleep:1}: receivers sleep; see futex.h */
	mp_atomic32 crowded;        /* likewise: producers sleep */
	mp_atomic64 opens;          /* by senders; see ends.h */
	mp_atomic64 receiver_opens; /* by receivers of work and subscribers */
	mp_atomic32 kind;           /* enum mp_channel_kind */
	mp_atomic32 members;        /* {lossy:16 | members:16}: bits of seats */
	uint64_t unused[11];
	struct mp_seat seat[MP_SEATS_MAX];
	mp_atomic64 cell[]; /* depth of them, and then the marks of senders and of receivers */
};
_Static_assert(sizeof(struct mp_channel) == 1152, "cells begin on a pair of cache lines");

/* Heads are magazine indices. Whoever holds the lock writes all of it. */
struct mp_shard {
	pthread_mutex_t lock; /* robust, process-shared */
	uint32_t full;        /* list of magazines at capacity */
	uint32_t partial;     /* list of magazines neither full nor empty */
	uint32_t empty;       /* list of magazines without entries */
	mp_atomic32 n_free;   /* entries in them; read by anybody for min_free */
	mp_atomic32 changes;  /* odd while somebody has the lock, or died with it; see census.h */
	uint8_t padding[128 - sizeof(pthread_mutex_t) - 20]; /* the mutex: 40 bytes, on arm64 48 */
};
_Static_assert(sizeof(struct mp_shard) == 128, "two cache lines: neighbours prefetch in pairs");

enum mp_state {
	MP_UNBORN, /* not laid yet */
	MP_FREE,
	MP_USED,
	MP_MOVING,
	MP_RECLAIMED,
	MP_SHARED,
};

#define MP_REF_BITS 29 /* of a word's low half; the state has the rest */

/* Where a block is; see word.h. Whoever owns the block may store the low half alone. */
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

/* An array of block indices. Its holder alone writes it; the holder field changes by CAS. */
struct mp_magazine {
	mp_atomic64 holder; /* {kind:3 | id:21 | sequence:40}, see magazine.h */
	mp_atomic32 count;  /* the entries below it are the magazine's */
	uint32_t next;      /* link of the shard's list it is on */
	uint64_t unused[2];
	mp_atomic32 entry[]; /* block indices */
};
_Static_assert(sizeof(struct mp_magazine) == 32, "the entries of small magazines share its line");

/*
 * The numbers of a pool. Whoever makes it chooses the first group (zero: the default);
 * mp_shape_resolve() computes the rest.
 */
struct mp_shape {
	uint64_t block_size; /* bytes of payload */
	uint32_t blocks; /* when the pool is made or opened; the daemon raises its own on growth */
	uint32_t max_blocks;
	uint32_t alignment; /* bytes */
	uint32_t capacity;  /* entries in a magazine */
	uint32_t n_caches;  /* 0 is no default: threads cache nothing */
	uint32_t n_slots;
	uint32_t n_shards;
	uint32_t n_channels;
	uint32_t depth; /* cells of a channel */
	uint32_t page;  /* bytes of one; the default is this machine's */

	uint32_t n_magazines;
	uint32_t magazine_size;                       /* bytes */
	uint32_t channel_size;                        /* bytes */
	uint64_t stride;                              /* bytes */
	uint64_t shards_at, slots_at, caches_at;      /* bytes into control */
	uint64_t channels_at, words_at, magazines_at; /* bytes into control */
	uint64_t control_size, data_size;             /* bytes */
};

/*
 * Default for n_caches, as 0 means none, in a pool of @n_slots (0: the default). As many as there
 * may be processes, so that each can have a thread with a cache; few may have many threads.
 */
static inline uint32_t mp_caches_default(uint32_t n_slots)
{
	uint32_t n = n_slots ? n_slots : MP_SLOTS_DEFAULT;
	return n < MP_CACHES_LEAST ? MP_CACHES_LEAST : n < MP_CACHES_MAX ? n : MP_CACHES_MAX;
}

/*
 * Replaces zeros (but n_caches) by their defaults and computes the rest, for a machine with @cpus
 * CPUs. Returns NULL, or a sentence on what is wrong with the chosen numbers.
 */
const char *mp_shape_resolve(struct mp_shape *shape, unsigned cpus);

/* Bytes of the data segment that the first @blocks blocks need, in whole pages. */
uint64_t mp_shape_data(const struct mp_shape *shape, uint32_t blocks);

/*
 * A process's view of a mapped pool. Hot fields first. mp_pool_bind() fills it in. Afterwards the
 * library sets quota, fenced and ask_barrier, before any thread uses the pool; the daemon raises
 * shape.blocks when the pool has grown; the depot keeps hurry_until; nothing else changes.
 */
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
	bool fenced;         /* our calls pay a fence: this process has no membarrier */

	struct mp_header *header;
	struct mp_shard *shards;
	struct mp_slot *slots;
	struct mp_cache *caches;
	unsigned char *channels;
	unsigned char *magazines;
	bool (*ask_barrier)(const struct mp_pool *pool); /* NULL: nobody */
	mp_atomic64 hurry_until; /* nanoseconds; before that puts wait for no lock, see depot.h */
	struct mp_shape shape;
};

/* Fills in the view of a pool whose segments are mapped at @control and @data. */
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

/* How many blocks the pool has now, as the segment says; never more than max_blocks. */
static inline uint32_t mp_pool_born(const struct mp_pool *pool)
{
	uint32_t n = mp_load_acquire(&pool->header->born);
	return n <= pool->max_blocks ? n : pool->max_blocks;
}

static inline struct mp_channel *mp_pool_channel(const struct mp_pool *pool, uint32_t number)
{
	return (void *)(pool->channels + (uint64_t)number * pool->shape.channel_size);
}

/* What kind the channel is; a scribbled one is of no kind we know. */
static inline enum mp_channel_kind mp_channel_kind(const struct mp_channel *channel)
{
	return (enum mp_channel_kind)mp_load_acquire(&channel->kind);
}

/* Whether channel @number is a broadcast: words have no room for others. */
static inline bool mp_pool_broadcasts(const struct mp_pool *pool, uint32_t number)
{
	return number < MP_BROADCASTS_MAX &&
	       mp_channel_kind(mp_pool_channel(pool, number)) == MP_CHANNEL_BROADCAST;
}

#define MP_LOSSY_SHIFT 16 /* of members: the lossy ones' bits are above it */

/* The seats of a broadcast's subscribers, a bit each, and of those that are lossy. */
static inline uint32_t mp_channel_members(const struct mp_channel *channel)
{
	return mp_load_acquire(&channel->members) & ((1u << MP_SEATS_MAX) - 1);
}

static inline uint32_t mp_channel_lossy(const struct mp_channel *channel)
{
	return mp_load_acquire(&channel->members) >> MP_LOSSY_SHIFT & ((1u << MP_SEATS_MAX) - 1);
}

/* A hash of all that two builds must agree on to share a segment. */
uint64_t mp_signature(void);

/* Whether this build can use the mapped control segment, as that pool's and of that shape. */
bool mp_layout_matches(const struct mp_header *header, const struct mp_shape *shape,
		       uint64_t pool_id);

#endif
