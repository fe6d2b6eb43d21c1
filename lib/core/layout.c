/* SPDX-License-Identifier: MIT */
#include <features.h>
#include <unistd.h>

#include "lib/core/layout.h"

static uint64_t layout_round_up(uint64_t n, uint64_t to)
{
	return (n + to - 1) / to * to;
}

static bool layout_is_power_of_two(uint32_t n)
{
	return n && !(n & (n - 1));
}

/* Small pools get small magazines, so that few threads do not cache all there is. */
static uint32_t layout_default_capacity(uint32_t blocks)
{
	return blocks < 512 ? 8 : blocks < 2048 ? 24 : blocks < 4096 ? 56 : 120;
}

/* At least one a CPU; small pools have one, so that their few blocks are in one place. */
static uint32_t layout_default_shards(uint32_t blocks, unsigned cpus)
{
	uint32_t n = 1;
	while (blocks >= 4096 && n < cpus && n < MP_SHARDS_MAX) {
		n *= 2;
	}
	return n;
}

static bool layout_is_depth(uint32_t n)
{
	return layout_is_power_of_two(n) && n >= MP_DEPTH_MIN && n <= MP_DEPTH_MAX;
}

static const char *layout_find_fault(const struct mp_shape *s)
{
	if (s->block_size < MP_BLOCK_SIZE_MIN || s->block_size > MP_BLOCK_SIZE_MAX) {
		return "block size must be 16 bytes to 1 GiB";
	}
	if (s->blocks < 1 || s->blocks > MP_BLOCKS_MAX) {
		return "number of blocks must be 1 to 67108864";
	}
	if (s->max_blocks < s->blocks || s->max_blocks > MP_BLOCKS_MAX) {
		return "the most blocks it may grow to must be its blocks to 67108864";
	}
	if (!layout_is_power_of_two(s->alignment) || s->alignment < MP_ALIGNMENT_MIN ||
	    s->alignment > MP_ALIGNMENT_MAX) {
		return "alignment must be a power of two from 8 to 4096";
	}
	if (layout_round_up(s->block_size, s->alignment) * s->max_blocks > MP_DATA_MAX) {
		return "all blocks it may grow to must be 64 TiB at most, or no process could map "
		       "them";
	}
	if (s->capacity < MP_CAPACITY_MIN || s->capacity > MP_CAPACITY_MAX ||
	    s->capacity % 16 != 8) {
		return "magazine capacity must be 8, 24, 40, ... 248";
	}
	if (s->n_caches > MP_CACHES_MAX) {
		return "threads with a cache must be at most 4096";
	}
	if (s->n_slots > MP_SLOTS_MAX) {
		return "processes must be at most 4096";
	}
	if (!layout_is_power_of_two(s->n_shards) || s->n_shards > MP_SHARDS_MAX) {
		return "shards must be 1, 2, 4 or 8";
	}
	if (s->n_channels > MP_CHANNELS_MAX || !layout_is_depth(s->depth)) {
		return "channels must be at most 64, of 8, 16, 32 ... 65536 entries";
	}
	if (!layout_is_power_of_two(s->page) || s->page < MP_HEADER_SIZE) {
		return "a page must be a power of two from 4096 on";
	}
	return NULL;
}

const char *mp_shape_resolve(struct mp_shape *s, unsigned cpus)
{
	s->alignment = s->alignment ? s->alignment : 64;
	s->capacity = s->capacity ? s->capacity : layout_default_capacity(s->blocks);
	s->n_slots = s->n_slots ? s->n_slots : MP_SLOTS_DEFAULT;
	s->n_shards = s->n_shards ? s->n_shards : layout_default_shards(s->blocks, cpus);
	s->max_blocks = s->max_blocks ? s->max_blocks : s->blocks;
	s->n_channels = s->n_channels ? s->n_channels : 4;
	s->depth = s->depth ? s->depth : 256;
	s->page = s->page ? s->page : (uint32_t)sysconf(_SC_PAGESIZE);
	const char *fault = layout_find_fault(s);
	if (fault) {
		return fault;
	}

	/*
	 * So many that a put always finds one with room: as many as hold all blocks, two for each
	 * cache and one it exchanges, and a few for each shard. By default a cache with its three
	 * takes at most 1664 bytes, the 256 of them 416 KiB, and all but words and entries of
	 * blocks less than 512 KiB.
	 */
	s->n_magazines = (s->max_blocks + s->capacity - 1) / s->capacity + 3 * s->n_caches +
			 4 * s->n_shards + 16;
	s->magazine_size = (uint32_t)sizeof(struct mp_magazine) + 4 * s->capacity;
	s->stride = layout_round_up(s->block_size, s->alignment);
	s->shards_at = MP_HEADER_SIZE;
	s->slots_at = s->shards_at + s->n_shards * sizeof(struct mp_shard);
	s->caches_at = layout_round_up(s->slots_at + s->n_slots * sizeof(struct mp_slot), 128);
	s->channels_at = s->caches_at + s->n_caches * sizeof(struct mp_cache);
	s->channel_size = (uint32_t)layout_round_up(
		sizeof(struct mp_channel) + 8 * s->depth + 2 * ((s->n_slots + 63) / 64 * 8), 64);
	s->words_at =
		layout_round_up(s->channels_at + (uint64_t)s->n_channels * s->channel_size, 128);
	s->magazines_at = layout_round_up(s->words_at + s->max_blocks * sizeof(uint64_t), 128);
	s->control_size = layout_round_up(
		s->magazines_at + (uint64_t)s->n_magazines * s->magazine_size, s->page);
	s->data_size = mp_shape_data(s, s->max_blocks);
	return NULL;
}

uint64_t mp_shape_data(const struct mp_shape *shape, uint32_t blocks)
{
	return layout_round_up(shape->stride * blocks, shape->page);
}

/* The inverse of an odd number modulo 2^64: each step of Newton's doubles the right bits. */
static uint64_t layout_inverse_of(uint64_t odd)
{
	uint64_t x = odd; /* good to 3 bits */
	for (int i = 0; i < 5; i++) {
		x *= 2 - odd * x;
	}
	return x;
}

void mp_pool_bind(struct mp_pool *pool, const struct mp_shape *shape, void *control, void *data,
		  uint32_t slot)
{
	unsigned char *base = control;

	*pool = (struct mp_pool){
		.words = (void *)(base + shape->words_at),
		.data = data,
		.stride = shape->stride,
		.shift = (uint32_t)__builtin_ctzll(shape->stride),
		.max_blocks = shape->max_blocks,
		.used = slot == MP_NONE ? 0 : mp_word_low(MP_USED, slot),
		.slot = slot,
		.header = control,
		.shards = (void *)(base + shape->shards_at),
		.slots = (void *)(base + shape->slots_at),
		.caches = (void *)(base + shape->caches_at),
		.channels = base + shape->channels_at,
		.magazines = base + shape->magazines_at,
		.shape = *shape,
	};
	pool->inverse = layout_inverse_of(shape->stride >> pool->shift);
}

/* FNV-1a, a number at a time. */
static uint64_t layout_mix(uint64_t hash, uint64_t number)
{
	for (int i = 0; i < 8; i++) {
		hash = (hash ^ (number >> (8 * i) & 0xff)) * 0x100000001b3ull;
	}
	return hash;
}

/*
 * A mutex is locked and repaired by one libc's code. musl has no macro of its own: it is the one
 * that is not glibc.
 */
#ifdef __GLIBC__
#define LIBC __GLIBC__
#else
#define LIBC 0
#endif

uint64_t mp_signature(void)
{
	static const uint64_t facts[] = {
		MP_LAYOUT_VERSION,
		sizeof(void *),
		LIBC,
		sizeof(pthread_mutex_t),
		sizeof(struct mp_header),
		offsetof(struct mp_header, broken),
		offsetof(struct mp_header, pressure),
		offsetof(struct mp_header, reclaim_seq),
		offsetof(struct mp_header, gets),
		sizeof(struct mp_slot),
		offsetof(struct mp_slot, owned),
		sizeof(struct mp_cache),
		offsetof(struct mp_cache, hands),
		offsetof(struct mp_cache, gets),
		offsetof(struct mp_cache, taking),
		sizeof(struct mp_channel),
		offsetof(struct mp_channel, hungry),
		offsetof(struct mp_channel, opens),
		offsetof(struct mp_channel, members),
		sizeof(struct mp_seat),
		sizeof(struct mp_shard),
		offsetof(struct mp_shard, full),
		offsetof(struct mp_shard, changes),
		sizeof(struct mp_magazine),
		offsetof(struct mp_magazine, next),
		MP_SHARED,
		MP_SLOTS_MAX,
		MP_SEATS_MAX,
		MP_BROADCASTS_MAX,
		MP_HOLDER_ORPHAN,
		MP_SEQUENCE_BITS,
		MP_HOLDER_ID_BITS,
	};
	uint64_t hash = 0xcbf29ce484222325ull;
	for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
		hash = layout_mix(hash, facts[i]);
	}
	return hash;
}

bool mp_layout_matches(const struct mp_header *h, const struct mp_shape *shape, uint64_t pool_id)
{
	return h->magic == MP_MAGIC && h->version == MP_LAYOUT_VERSION &&
	       h->header_size == sizeof *h && h->signature == mp_signature() &&
	       h->pool_id == pool_id && h->block_size == shape->block_size &&
	       h->stride == shape->stride && h->max_blocks == shape->max_blocks &&
	       h->capacity == shape->capacity && h->n_magazines == shape->n_magazines &&
	       h->n_caches == shape->n_caches && h->n_slots == shape->n_slots &&
	       h->n_shards == shape->n_shards && h->n_channels == shape->n_channels &&
	       h->depth == shape->depth;
}
