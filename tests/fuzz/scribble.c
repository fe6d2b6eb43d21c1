/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/scribble.h"

const struct mp_shape scribble_shape = {
	.block_size = 64,
	.blocks = 40,
	.max_blocks = 408,
	.alignment = 64,
	.capacity = 8,
	.n_caches = 3,
	.n_slots = 5,
	.n_shards = 2,
	.n_channels = 2,
	.depth = 8,
};

/* One kind of struct in the segment. */
struct area {
	uint64_t at;
	uint32_t n;    /* how many there are */
	uint32_t size; /* of one */
};

static struct area area_of(const struct mp_shape *s, unsigned kind)
{
	switch (kind % 9) {
	case 0:
		return (struct area){0, 1, sizeof(struct mp_header)};
	case 1:
		return (struct area){s->shards_at, s->n_shards, sizeof(struct mp_shard)};
	case 2:
		return (struct area){s->slots_at, s->n_slots, sizeof(struct mp_slot)};
	case 3:
		return (struct area){s->caches_at, s->n_caches, sizeof(struct mp_cache)};
	case 4:
		return (struct area){s->channels_at, s->n_channels, s->channel_size};
	case 5: /* and the one behind the last, which is padding: not to be taken for a word */
		return (struct area){s->words_at, s->max_blocks + 1, sizeof(union mp_word)};
	case 6: /* what all magazines begin with */
		return (struct area){s->magazines_at, s->n_magazines, s->magazine_size};
	case 7: /* as words: entries are reached with a small number */
		return (struct area){s->magazines_at, s->n_magazines * s->magazine_size / 4, 4};
	default:
		return (struct area){0, 1, (uint32_t)s->control_size};
	}
}

static bool is_lock(const struct mp_shape *s, uint64_t at)
{
	return at >= s->shards_at && at < s->slots_at &&
	       (at - s->shards_at) % sizeof(struct mp_shard) < sizeof(pthread_mutex_t);
}

void scribble(struct bytes *in, const struct mp_shape *shape, void *control, bool spare)
{
	struct area area = area_of(shape, bytes_u8(in));
	uint32_t index = bytes_u16(in) % area.n, offset = bytes_u16(in) % area.size;
	uint64_t at = area.at + (uint64_t)index * area.size + offset;
	unsigned char what[32], *bytes = control;
	uint32_t n = 1 + bytes_u8(in) % sizeof what;

	bytes_copy(in, what, n);
	for (uint32_t i = 0; i < n && at < shape->control_size; i++, at++) {
		if (!spare || !is_lock(shape, at)) {
			bytes[at] = what[i];
		}
	}
}
