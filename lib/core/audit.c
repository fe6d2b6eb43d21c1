/* SPDX-License-Identifier: MIT */
/*
 * What the audit asks of each block, magazine and record, and why it is so in a sound pool:
 *
 *	FREE(m): m lists the block          push and merge list it before they store its word, pop
 *	                                    and merge store its word before they unlist it
 *	USED(p), MOVING(p): p is not FREE   a slot is freed after no word names it
 *	SENT(c): c's ring has the token     a receiver takes the block before it empties the cell
 *	SHARED(c): there are bits, of seats with an owner, c is a broadcast, and if any is pending,
 *	    c's ring has the token          the last bit makes it USED; the pass sweeps words before
 *	                                    it frees seats; nobody retires what is pending
 *	RECLAIMED: a collect is pending,    whoever leaves it then raises reclaim_seq
 *	    or a raise is owed
 *	UNBORN: beyond born, or the pool    the daemon says so before it raises born, and lays all
 *	    is growing                      words before it stops saying so
 *	holder: kind and id in range, CACHE(r) only while r has an owner, ORPHAN as RECLAIMED
 *	record at rest: it holds what it calls loaded and previous; if not, two threads believe that
 *	                they hold one magazine, and could hand out its blocks twice (unless a thief
 *	                has announced itself: then the owner will settle first)
 *
 * Who owes a raise of reclaim_seq, and where the segment says so:
 *	a client that leaves a block or orphan    its slot's owing is not 0
 *	the daemon's pass, for a dead process     the slot is DEAD
 *	the daemon, for newborn blocks            header.growing
 * Each is said before the first word or holder is changed, and until after the raise. If a client
 * dies meanwhile, owing stays in its slot, whether LIVE or DEAD, until the pass over it has raised
 * reclaim_seq and frees the slot. A slot in its grace is DEAD, and has a second pass to come. If
 * the daemon dies, the next one begins pass or growth again, and finds slot and header as they
 * were. So what is owed is never lost, however long the debtor is stopped, and no matter that the
 * block was left by another: the raise that comes is for all RECLAIMED words and orphans.
 *
 * Why what is lost is found. When nobody says that he owes, whoever left the word has raised
 * reclaim_seq since. When then no collect is pending, a collector has read that raise or a later
 * one, and its walk would have taken the block. So the audit looks at the word, then for debtors,
 * then whether a collect is pending, and then whether the word is still the same. A debtor that
 * pays after the look at the word shows as pending; one that comes later does not owe this word.
 * That a call is under way (busy) says nothing: one in a thousand leaves something.
 *
 * Each answer is right of some moment, also when those who work on the pool are stopped or killed
 * at any instruction. There is one exception: what the audit compares changed, and changed back,
 * between two of its loads. So it asks again about what looks wrong, and believes it after
 * CONFIRMATIONS answers in a row. That takes some milliseconds, but nothing is waited for.
 */
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "lib/core/audit.h"
#include "lib/core/collect.h"
#include "lib/core/magazine.h"
#include "lib/core/ring.h"
#include "lib/core/slot.h"
#include "lib/core/word.h"

#define CONFIRMATIONS 20
#define PAUSE_NS 100000
#define CONFIRM_AT_MOST 256 /* findings; after so many the audit does not pause any more */

struct walk {
	const struct mp_pool *pool;
	struct mp_audit *audit;
	const struct mp_refresh *refresh; /* NULL: the pool is the segment itself */
	uint32_t findings;
};

/*
 * A question about a block, magazine or record. Of a copy, refresh reads again what the question is
 * about; it returns false when that changed while it was read, or cannot be read.
 */
struct question {
	bool (*is_wrong)(const struct mp_pool *pool, uint32_t at);
	bool (*refresh)(const struct walk *w, uint32_t at);
};

__attribute__((format(printf, 3, 4))) static void audit_found(struct walk *w, uint64_t *counter,
							      const char *format, ...)
{
	va_list args;

	++*counter;
	w->findings++;
	if (w->audit->first[0] == 0) {
		va_start(args, format);
		vsnprintf(w->audit->first, sizeof w->audit->first, format, args);
		va_end(args);
	}
}

/*
 * Whether the question is answered "wrong" every time. Once there are many findings, those of a
 * copy are taken as they are: each look would be some system calls, and a pool in ruins may have
 * millions.
 */
static bool audit_is_confirmed(struct walk *w, const struct question *question, uint32_t at)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	bool is_ruin = w->findings >= CONFIRM_AT_MOST;

	for (int i = 0; i < CONFIRMATIONS; i++) {
		if (w->refresh && !is_ruin && !question->refresh(w, at)) {
			return false;
		}
		if (!question->is_wrong(w->pool, at)) {
			return false;
		}
		if (!is_ruin) {
			nanosleep(&pause, NULL);
		}
	}
	return true;
}

/* ---- of a copy ---- */

/* Reads the part at @at, which points into the copy, again. */
static bool audit_read_again(const struct walk *w, const void *at, uint64_t size)
{
	const char *copy = (const char *)w->pool->header;

	return w->refresh->again(w->refresh->arg, (uint64_t)((const char *)at - copy), size);
}

/* Shards, slots and records; then the header: debtors come before what they pay. */
static bool audit_read_processes(const struct walk *w)
{
	const struct mp_shape *shape = &w->pool->shape;

	return audit_read_again(w, w->pool->shards, shape->channels_at - shape->shards_at) &&
	       audit_read_again(w, w->pool->header, sizeof *w->pool->header);
}

static bool audit_refresh_block(const struct walk *w, uint32_t block)
{
	const struct mp_pool *pool = w->pool;
	const union mp_word *at = &pool->words[block];

	if (!audit_read_again(w, at, sizeof *at)) {
		return false;
	}
	uint64_t word = mp_load(&at->whole);
	uint32_t m = mp_word_ref(word);
	uint32_t channel =
		mp_word_state(word) == MP_SHARED ? mp_share_channel(word) : mp_word_channel(word);
	bool read = channel < pool->shape.n_channels
			    ? audit_read_again(w, mp_pool_channel(pool, channel),
					       pool->shape.channel_size)
		    : mp_word_state(word) != MP_FREE ? audit_read_processes(w)
		    : m < pool->shape.n_magazines
			    ? audit_read_again(w, mp_magazine(pool, m), pool->shape.magazine_size)
			    : true;
	return read && audit_read_again(w, at, sizeof *at) && mp_load(&at->whole) == word;
}

static bool audit_refresh_holder(const struct walk *w, uint32_t m)
{
	const struct mp_magazine *magazine = mp_magazine(w->pool, m);

	if (!audit_read_again(w, magazine, sizeof *magazine)) {
		return false;
	}
	uint64_t holder = mp_load(&magazine->holder);
	return audit_read_processes(w) && audit_read_again(w, magazine, sizeof *magazine) &&
	       mp_load(&magazine->holder) == holder;
}

static bool audit_refresh_count(const struct walk *w, uint32_t m)
{
	return audit_read_again(w, mp_magazine(w->pool, m), sizeof(struct mp_magazine));
}

static bool audit_refresh_magazine_of(const struct walk *w, uint32_t m)
{
	return m >= w->pool->shape.n_magazines || audit_refresh_count(w, m);
}

/* The record and its magazines; then its owner's slot, and the record once more. */
static bool audit_refresh_record(const struct walk *w, uint32_t r)
{
	const struct mp_cache *c = &w->pool->caches[r];

	if (!audit_read_again(w, c, sizeof *c)) {
		return false;
	}
	uint64_t owner = mp_load(&c->owner), gets = mp_load(&c->gets), puts = mp_load(&c->puts);
	uint64_t hands = mp_load(&c->hands);
	return audit_refresh_magazine_of(w, mp_hands_loaded(hands)) &&
	       audit_refresh_magazine_of(w, mp_hands_previous(hands)) && audit_read_processes(w) &&
	       mp_load(&c->owner) == owner && mp_load(&c->gets) == gets &&
	       mp_load(&c->puts) == puts && mp_load(&c->hands) == hands;
}

/* ---- blocks ---- */

static bool audit_lists(const struct mp_pool *pool, uint32_t m, uint32_t block)
{
	const struct mp_magazine *magazine = mp_magazine(pool, m);
	uint32_t n = mp_magazine_count(pool, magazine);

	for (uint32_t i = 0; i < n; i++) {
		if (mp_load(&magazine->entry[i]) == block) {
			return true;
		}
	}
	return false;
}

static bool audit_is_taken(const struct mp_pool *pool, uint32_t slot)
{
	return slot < pool->shape.n_slots &&
	       mp_load_acquire(&pool->slots[slot].state) != MP_SLOT_FREE;
}

/* Whether channel @number holds no token of the block. */
static bool audit_is_unsent(const struct mp_pool *pool, uint32_t block, uint64_t word,
			    uint32_t number)
{
	if (number >= pool->shape.n_channels) {
		return true;
	}
	const struct mp_channel *channel = mp_pool_channel(pool, number);
	for (uint32_t k = 0; k < pool->shape.depth; k++) {
		if (mp_load_acquire(&channel->cell[k]) == mp_word_with(word, block)) {
			return false;
		}
	}
	return true;
}

/* Whether each bit of a SHARED word is of a seat that has an owner, and there is a bit. */
static bool audit_has_seats(const struct mp_pool *pool, uint64_t word)
{
	uint32_t number = mp_share_channel(word);
	uint32_t bits = mp_share_pending(word) | mp_share_held(word);

	if (bits == 0 || number >= pool->shape.n_channels || !mp_pool_broadcasts(pool, number)) {
		return false;
	}
	const struct mp_channel *channel = mp_pool_channel(pool, number);
	for (; bits; bits &= bits - 1) {
		if ((uint32_t)mp_load_acquire(&channel->seat[__builtin_ctz(bits)].owner) == 0) {
			return false;
		}
	}
	return true;
}

static bool audit_is_share_wrong(const struct mp_pool *pool, uint32_t block, uint64_t word)
{
	return !audit_has_seats(pool, word) ||
	       (mp_share_pending(word) != 0 &&
		audit_is_unsent(pool, block, word, mp_share_channel(word)));
}

/* Whether the slot's process, or the pass over it, owes a raise of reclaim_seq. */
static bool audit_is_debtor(const struct mp_slot *slot)
{
	uint32_t state = mp_load_acquire(&slot->state);

	return state == MP_SLOT_DEAD || (state != MP_SLOT_FREE && mp_load_acquire(&slot->owing));
}

static bool audit_has_debtor(const struct mp_pool *pool)
{
	for (uint32_t s = 0; s < pool->shape.n_slots; s++) {
		if (audit_is_debtor(&pool->slots[s])) {
			return true;
		}
	}
	return mp_load_acquire(&pool->header->growing);
}

/* Whether no collector will look for what was left. Looks for debtors before it believes that. */
static bool audit_is_unannounced(const struct mp_pool *pool)
{
	return !mp_collect_pending(pool) && !audit_has_debtor(pool) && !mp_collect_pending(pool);
}

static bool audit_is_block_lost(const struct mp_pool *pool, uint32_t block)
{
	uint64_t word = mp_load_acquire(&pool->words[block].whole);
	uint32_t ref = mp_word_ref(word);
	bool wrong;

	switch (mp_word_state(word)) {
	case MP_FREE:
		wrong = ref >= pool->shape.n_magazines || !audit_lists(pool, ref, block);
		break;
	case MP_USED:
	case MP_MOVING:
		wrong = mp_word_channel(word) == MP_NONE
				? !audit_is_taken(pool, ref)
				: audit_is_unsent(pool, block, word, mp_word_channel(word));
		break;
	case MP_SHARED:
		wrong = audit_is_share_wrong(pool, block, word);
		break;
	case MP_RECLAIMED:
		wrong = audit_is_unannounced(pool);
		break;
	case MP_UNBORN:
		wrong = !mp_load_acquire(&pool->header->growing);
		break;
	default:
		wrong = true;
		break;
	}
	/* If the word has changed meanwhile, we compared parts of different times. */
	return wrong && mp_load_acquire(&pool->words[block].whole) == word;
}

/* Marks the blocks that the magazine lists and whose words agree. */
static void audit_mark(const struct mp_pool *pool, uint32_t m, unsigned char *seen)
{
	const struct mp_magazine *magazine = mp_magazine(pool, m);
	uint32_t n = mp_magazine_count(pool, magazine), index;

	for (uint32_t i = 0; i < n; i++) {
		if (mp_magazine_peek(pool, magazine, mp_word_low(MP_FREE, m), i, &index)) {
			seen[index] = 1;
		}
	}
}

/* Marks the blocks that channel @number has, and whose tokens it holds. */
static void audit_mark_sent(const struct mp_pool *pool, uint32_t number, unsigned char *seen)
{
	const struct mp_channel *channel = mp_pool_channel(pool, number);

	for (uint32_t k = 0; k < pool->shape.depth; k++) {
		uint64_t token = mp_load_acquire(&channel->cell[k]), word;
		const mp_atomic64 *at = mp_ring_word(pool, token, &word);
		if (at && (mp_word_channel(word) == number ||
			   (mp_word_state(word) == MP_SHARED && mp_share_channel(word) == number &&
			    audit_has_seats(pool, word)))) {
			seen[(uint32_t)token] = 1;
		}
	}
}

static void audit_walk_blocks(struct walk *w, unsigned char *seen)
{
	static const struct question lost = {audit_is_block_lost, audit_refresh_block};
	const struct mp_pool *pool = w->pool;

	for (uint32_t m = 0; m < pool->shape.n_magazines; m++) {
		audit_mark(pool, m, seen);
	}
	for (uint32_t i = 0; i < pool->shape.n_channels; i++) {
		audit_mark_sent(pool, i, seen);
	}
	uint32_t born = mp_pool_born(pool);
	for (uint32_t b = 0; b < born; b++) {
		if (!seen[b] && audit_is_block_lost(pool, b) && audit_is_confirmed(w, &lost, b)) {
			uint64_t word = mp_load(&pool->words[b].whole);
			audit_found(w, &w->audit->lost, "block %u is lost: state %d, ref %u", b,
				    (int)mp_word_state(word), mp_word_ref(word));
		}
	}
}

/* ---- magazines and records ---- */

static bool audit_is_holder_wrong(const struct mp_pool *pool, uint32_t m)
{
	uint64_t holder = mp_load_acquire(&mp_magazine(pool, m)->holder);
	uint32_t id = mp_holder_id(holder);

	switch (mp_holder_kind(holder)) {
	case MP_HOLDER_DEPOT:
		return id >= pool->shape.n_shards;
	case MP_HOLDER_CACHE:
		return id >= pool->shape.n_caches ||
		       ((uint32_t)mp_load(&pool->caches[id].owner) == 0 &&
			mp_load_acquire(&mp_magazine(pool, m)->holder) == holder);
	case MP_HOLDER_ORPHAN:
		return audit_is_unannounced(pool) &&
		       mp_load_acquire(&mp_magazine(pool, m)->holder) == holder;
	case MP_HOLDER_UNBORN:
	default:
		return true;
	}
}

static bool audit_is_count_wrong(const struct mp_pool *pool, uint32_t m)
{
	return mp_load(&mp_magazine(pool, m)->count) > pool->shape.capacity;
}

static bool audit_is_not_held(const struct mp_pool *pool, uint32_t record, uint32_t m)
{
	return m != MP_NONE && (m >= pool->shape.n_magazines ||
				!mp_holder_is(mp_load_acquire(&mp_magazine(pool, m)->holder),
					      MP_HOLDER_CACHE, record));
}

/* Whether the record's owner lives, is in no call, and will not settle in its next one. */
static bool audit_is_at_rest(const struct mp_pool *pool, const struct mp_cache *c, uint64_t owner)
{
	uint32_t slot = (uint32_t)owner - 1;

	return slot < pool->shape.n_slots && mp_load_acquire(&c->owner) == owner &&
	       mp_load_acquire(&pool->slots[slot].state) == MP_SLOT_LIVE &&
	       !mp_load_acquire(&c->busy) && !mp_load_acquire(&c->steal);
}

/* Whoever takes a magazine out of its hands changes them, or shows before that it does. */
static bool audit_is_record_wrong(const struct mp_pool *pool, uint32_t r)
{
	const struct mp_cache *c = &pool->caches[r];
	uint64_t owner = mp_load_acquire(&c->owner);

	if (!audit_is_at_rest(pool, c, owner)) {
		return false;
	}
	uint64_t hands = mp_load_acquire(&c->hands);
	return (audit_is_not_held(pool, r, mp_hands_loaded(hands)) ||
		audit_is_not_held(pool, r, mp_hands_previous(hands))) &&
	       audit_is_at_rest(pool, c, owner) && mp_load_acquire(&c->hands) == hands;
}

static void audit_walk_magazines(struct walk *w)
{
	static const struct question holder = {audit_is_holder_wrong, audit_refresh_holder};
	static const struct question count = {audit_is_count_wrong, audit_refresh_count};

	for (uint32_t m = 0; m < w->pool->shape.n_magazines; m++) {
		if (audit_is_holder_wrong(w->pool, m) && audit_is_confirmed(w, &holder, m)) {
			audit_found(w, &w->audit->broken,
				    "magazine %u has a holder that is none, or is an orphan nobody "
				    "announced",
				    m);
		}
		if (audit_is_count_wrong(w->pool, m) && audit_is_confirmed(w, &count, m)) {
			audit_found(w, &w->audit->broken, "magazine %u counts more than it holds",
				    m);
		}
	}
}

static void audit_walk_records(struct walk *w)
{
	static const struct question record = {audit_is_record_wrong, audit_refresh_record};

	for (uint32_t r = 0; r < w->pool->shape.n_caches; r++) {
		if (audit_is_record_wrong(w->pool, r) && audit_is_confirmed(w, &record, r)) {
			audit_found(w, &w->audit->duplicated,
				    "cache %u gets from a magazine that it does not hold", r);
		}
	}
}

void mp_audit_live(const struct mp_pool *pool, const struct mp_refresh *refresh,
		   unsigned char *seen, struct mp_audit *audit)
{
	struct walk w = {.pool = pool, .audit = audit, .refresh = refresh};

	*audit = (struct mp_audit){0};
	audit_walk_magazines(&w);
	audit_walk_records(&w);
	audit_walk_blocks(&w, seen);
}

/* ---- a pool in which nobody works ---- */

/* Counts the magazines on a list that the shard holds, and their entries. */
static uint32_t audit_follow(const struct mp_pool *pool, uint32_t shard, uint32_t head,
			     uint64_t *entries)
{
	uint32_t on_list = 0;

	for (uint32_t n = 0; head < pool->shape.n_magazines && n < pool->shape.n_magazines; n++) {
		const struct mp_magazine *m = mp_magazine(pool, head);
		if (mp_holder_is(mp_load(&m->holder), MP_HOLDER_DEPOT, shard)) {
			on_list++;
			*entries += mp_magazine_count(pool, m);
		}
		head = m->next;
	}
	return on_list;
}

static void audit_walk_shard(struct walk *w, uint32_t shard)
{
	const struct mp_pool *pool = w->pool;
	const struct mp_shard *s = &pool->shards[shard];
	uint32_t held = 0, listed = 0;
	uint64_t entries = 0;

	for (uint32_t m = 0; m < pool->shape.n_magazines; m++) {
		held += mp_holder_is(mp_load(&mp_magazine(pool, m)->holder), MP_HOLDER_DEPOT,
				     shard);
	}
	listed += audit_follow(pool, shard, s->full, &entries);
	listed += audit_follow(pool, shard, s->partial, &entries);
	listed += audit_follow(pool, shard, s->empty, &entries);
	if (held != listed) {
		audit_found(w, &w->audit->broken, "shard %u holds %u magazines and lists %u", shard,
			    held, listed);
	}
	if (entries != mp_load(&s->n_free)) {
		audit_found(w, &w->audit->broken, "shard %u counts %u free, its magazines %lu",
			    shard, mp_load(&s->n_free), (unsigned long)entries);
	}
}

void mp_audit_still(const struct mp_pool *pool, unsigned char *seen, struct mp_audit *audit)
{
	struct walk w = {.pool = pool, .audit = audit};

	mp_audit_live(pool, NULL, seen, audit);
	for (uint32_t s = 0; s < pool->shape.n_shards; s++) {
		audit_walk_shard(&w, s);
	}
}
