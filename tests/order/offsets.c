/* SPDX-License-Identifier: MIT */
/* Where in its struct each field that a rule names lies, and how large it is, for check to read. */
#include "lib/core/broadcast.h"
#include "lib/core/cache.h"
#include "lib/core/layout.h"

#define FIELD(name, type, field)                                                   \
	{                                                                          \
		name "." #field, offsetof(type, field), sizeof(((type *)0)->field) \
	}
#define ARRAY(name, type, field)                                                      \
	{                                                                             \
		name "." #field, offsetof(type, field), sizeof(((type *)0)->field[0]) \
	}

const struct {
	char name[48];
	uint64_t offset, size;
} fields[] __attribute__((section("field_table"))) = {
	FIELD("header", struct mp_header, born),
	FIELD("header", struct mp_header, pressure),
	FIELD("header", struct mp_header, growing),
	FIELD("header", struct mp_header, reclaim_seq),
	FIELD("header", struct mp_header, collected_seq),
	FIELD("header", struct mp_header, repairs),
	FIELD("header", struct mp_header, recovered),
	FIELD("slot", struct mp_slot, owing),
	FIELD("slot", struct mp_slot, state),
	FIELD("slot", struct mp_slot, pid),
	FIELD("cache", struct mp_cache, owner),
	FIELD("cache", struct mp_cache, busy),
	FIELD("cache", struct mp_cache, steal),
	FIELD("cache", struct mp_cache, hands),
	FIELD("cache", struct mp_cache, gets),
	FIELD("cache", struct mp_cache, puts),
	FIELD("cache", struct mp_cache, taking),
	FIELD("channel", struct mp_channel, head),
	FIELD("channel", struct mp_channel, tail),
	FIELD("channel", struct mp_channel, limit),
	FIELD("channel", struct mp_channel, consumer),
	FIELD("channel", struct mp_channel, hungry),
	FIELD("channel", struct mp_channel, crowded),
	FIELD("channel", struct mp_channel, opens),
	FIELD("channel", struct mp_channel, receiver_opens),
	FIELD("channel", struct mp_channel, members),
	ARRAY("channel", struct mp_channel, cell),
	FIELD("seat", struct mp_seat, owner),
	FIELD("seat", struct mp_seat, cursor),
	FIELD("seat", struct mp_seat, lost),
	FIELD("shard", struct mp_shard, n_free),
	FIELD("shard", struct mp_shard, changes),
	FIELD("word", union mp_word, whole),
	FIELD("word", union mp_word, low),
	FIELD("magazine", struct mp_magazine, holder),
	FIELD("magazine", struct mp_magazine, count),
	FIELD("magazine", struct mp_magazine, next),
	ARRAY("magazine", struct mp_magazine, entry),
	FIELD("local", struct mp_local, cache),
	FIELD("local", struct mp_local, record),
	FIELD("subscriber", struct mp_subscriber, cursor),
};
