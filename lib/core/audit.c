/* SPDX-License-Identifier: MIT */
/*
 * What the audit asks of each block, magazine and record, and why it is so in a sound pool:
 *
 *	FREE(m): m lists the block          push and merge list it before they store its word, pop
 *	                                    and merge store its word before they unlist it
 *	USED(p), MOVING(p): p is not FREE   a slot is freed after no word names it
 *	SENT(c): c is no broadcast, and     the pass decides what a broadcast has; a receiver takes
 *	    its ring has the token          the block before it empties the cell
 *	SHARED(c): there are bits, of seats with an owner, c is a broadcast, and if any is pending,
 *	    c's ring has the token          the last bit makes it USED; the pass sweeps words before
 *	                                    it frees seats; nobody retires what is pending
 *	RECLAIMED: a collect is pending,    whoever leaves it then raises reclaim_seq
 *	    or a raise is owed
 *	UNBORN: beyond born, or the pool    the daemon says so before it raises born, and lays all
 *	    is growing                      words before it stops saying so
 *	holder: kind and id in range, CACHE(r) only while r has an owner, ORPHAN as RECLAIMED
 *	channel: each position from head    nobody fills what is farther than depth, and cells
 *	    on is empty, a token, or        change from one of these to the next; a position
 *	    emptied; there is a token, or   before tail was filled before tail was stored, limit
 *	    was, before tail; limit is not  comes from a head that rose since
 *	    beyond head + depth
 *	consumer, owner of a seat, mark     the pass takes them off before it frees the slot, and
 *	    of a sender or receiver: its    who closes the pool closes its channels first
 *	    slot is not FREE
 *	members: of seats with an owner;    who joins has the seat first, who leaves or is swept has
 *	    lossy: of members               it last
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
#include "lib/core/ends.h"
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
 * A question about a block, magazine, record or channel. Of a copy, refresh reads again what
 * the question is about; it returns false when that changed while it was read, or cannot be read.
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
					       pool->shape.channel_size) &&
				      audit_read_processes(w)
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

/* The channel, then those who have it open, then again what cells and claims were read for. */
static bool audit_refresh_channel(const struct walk *w, uint32_t number)
{
	const struct mp_channel *channel = mp_pool_channel(w->pool, number);

	if (!audit_read_again(w, channel, w->pool->shape.channel_size)) {
		return false;
	}
	uint64_t head = mp_load(&channel->head), consumer = mp_load(&channel->consumer);
	return audit_read_processes(w) && audit_read_again(w, &channel->head, 8) &&
	       audit_read_again(w, &channel->consumer, 8) && mp_load(&channel->head) == head &&
	       mp_load(&channel->consumer) == consumer;
}

static bool audit_refresh_seat(const struct walk *w, uint32_t at)
{
	const struct mp_channel *channel = mp_pool_channel(w->pool, at / MP_SEATS_MAX);
	const mp_atomic64 *owner = &channel->seat[at % MP_SEATS_MAX].owner;

	if (!audit_read_again(w, channel, sizeof *channel)) {
		return false;
	}
	uint64_t seen = mp_load(owner);
	uint32_t members = mp_load(&channel->members);
	return audit_read_processes(w) && audit_read_again(w, channel, sizeof *channel) &&
	       mp_load(owner) == seen && mp_load(&channel->members) == members;
}

/* The words of marks that have a bit for the slot: of senders, and of receivers. */
static bool audit_read_marks(const struct walk *w, struct mp_channel *channel, uint32_t slot)
{
	return audit_read_again(w, mp_ends_senders(w->pool, channel, slot / 64), 8) &&
	       audit_read_again(w, mp_ends_receivers(w->pool, channel, slot / 64), 8);
}

static bool audit_refresh_mark(const struct walk *w, uint32_t at)
{
	uint32_t slot = at % w->pool->shape.n_slots;
	struct mp_channel *channel = mp_pool_channel(w->pool, at / w->pool->shape.n_slots);

	return audit_read_marks(w, channel, slot) && audit_read_processes(w) &&
	       audit_read_marks(w, channel, slot);
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

/* Whether channel @number, which should be of that sort, holds no token of the block. */
static bool audit_is_unsent(const struct mp_pool *pool, uint32_t block, uint64_t word,
			    uint32_t number, bool broadcast)
{
	if (number >= pool->shape.n_channels || mp_pool_broadcasts(pool, number) != broadcast) {
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

/* Whether that owner, {sequence | slot + 1}, is one there can be. */
static bool audit_is_owner(const struct mp_pool *pool, uint64_t owner)
{
	return audit_is_taken(pool, (uint32_t)owner - 1);
}

/* Which of those seats of the channel have no owner. */
static uint32_t audit_unowned(const struct mp_pool *pool, uint32_t number, uint32_t seats)
{
	const struct mp_channel *channel = mp_pool_channel(pool, number);
	uint32_t found = 0;

	for (; seats; seats &= seats - 1) {
		uint32_t i = (uint32_t)__builtin_ctz(seats);
		if (!audit_is_owner(pool, mp_load_acquire(&channel->seat[i].owner))) {
			found |= 1u << i;
		}
	}
	return found;
}

/* Whether each bit of a SHARED word is of a seat that has an owner, and there is a bit. */
static bool audit_has_seats(const struct mp_pool *pool, uint64_t word)
{
	uint32_t number = mp_share_channel(word);
	uint32_t bits = mp_share_pending(word) | mp_share_held(word);

	return number < pool->shape.n_channels && mp_pool_broadcasts(pool, number) && bits != 0 &&
	       audit_unowned(pool, number, bits) == 0;
}

static bool audit_is_share_wrong(const struct mp_pool *pool, uint32_t block, uint64_t word)
{
	return !audit_has_seats(pool, word) ||
	       (mp_share_pending(word) != 0 &&
		audit_is_unsent(pool, block, word, mp_share_channel(word), true));
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
				: audit_is_unsent(pool, block, word, mp_word_channel(word), false);
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
		if (at && ((mp_word_channel(word) == number && !mp_pool_broadcasts(pool, number)) ||
			   (mp_word_state(word) == MP_SHARED && mp_share_channel(word) == number &&
			    audit_has_seats(pool, word)))) {
			seen[(uint32_t)token] = 1;
		}
	}
}

static void audit_found_unshared(struct walk *w, uint32_t block, uint64_t word)
{
	uint32_t number = mp_share_channel(word), held = mp_share_held(word);
	uint32_t pending = mp_share_pending(word), unowned = 0;
	bool broadcasts = number < w->pool->shape.n_channels && mp_pool_broadcasts(w->pool, number);

	if (broadcasts) {
		unowned = audit_unowned(w->pool, number, held | pending);
	}
	audit_found(w, &w->audit->lost,
		    "block %u is lost: channel %u shares it (bits of seats: held %#x, pending "
		    "%#x, nobody's %#x)%s",
		    block, number, held, pending, unowned,
		    !broadcasts               ? " and is no broadcast"
		    : unowned == 0 && pending ? " and does not hold its token"
					      : "");
}

static void audit_found_lost(struct walk *w, uint32_t block)
{
	uint64_t word = mp_load(&w->pool->words[block].whole);

	if (mp_word_state(word) == MP_SHARED) {
		audit_found_unshared(w, block, word);
	} else if (mp_word_channel(word) != MP_NONE) {
		audit_found(w, &w->audit->lost,
			    "block %u is lost: channel %u was to have it, and does not", block,
			    mp_word_channel(word));
	} else {
		audit_found(w, &w->audit->lost, "block %u is lost: state %d, ref %u", block,
			    (int)mp_word_state(word), mp_word_ref(word));
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
			audit_found_lost(w, b);
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

/* ---- channels ---- */

/* Whether a position is filled with what nobody of us writes. Head only rises meanwhile. */
static bool audit_is_ring_scribbled(const struct mp_pool *pool, struct mp_channel *channel)
{
	uint64_t head = mp_load_acquire(&channel->head), cell;

	for (uint32_t k = 0; k < pool->shape.depth; k++) {
		if (mp_ring_look(pool, channel, head + k, &cell) == MP_RING_SCRIBBLED) {
			return true;
		}
	}
	return false;
}

/* Whether senders begin beyond the first empty position, or go beyond the last. */
static bool audit_is_hint_wrong(const struct mp_pool *pool, struct mp_channel *channel)
{
	uint64_t tail = mp_load_acquire(&channel->tail), limit = mp_load_acquire(&channel->limit);
	uint64_t head = mp_load_acquire(&channel->head), cell;

	return limit > head + pool->shape.depth ||
	       (tail > 0 && mp_ring_look(pool, channel, tail - 1, &cell) == MP_RING_NOTHING);
}

/* What is wrong with the channel, but for its seats and marks; NULL: nothing. */
static const char *audit_channel_fault(const struct mp_pool *pool, uint32_t number)
{
	struct mp_channel *channel = mp_pool_channel(pool, number);
	enum mp_channel_kind kind = mp_channel_kind(channel);
	uint64_t consumer = mp_load_acquire(&channel->consumer);

	if (kind > MP_CHANNEL_BROADCAST ||
	    (kind == MP_CHANNEL_BROADCAST && number >= MP_BROADCASTS_MAX)) {
		return "is of no kind that there is";
	}
	if ((uint32_t)consumer && !audit_is_owner(pool, consumer) &&
	    mp_load_acquire(&channel->consumer) == consumer) {
		return "has a receiver that does not have the pool open";
	}
	if (audit_is_ring_scribbled(pool, channel)) {
		return "holds what nobody can have sent";
	}
	return audit_is_hint_wrong(pool, channel) ? "would be filled beyond a gap" : NULL;
}

static bool audit_is_channel_wrong(const struct mp_pool *pool, uint32_t number)
{
	return audit_channel_fault(pool, number) != NULL;
}

/* Of seat @at % 12 of channel @at / 12: the owner, and the bits of members. */
static bool audit_is_seat_wrong(const struct mp_pool *pool, uint32_t at)
{
	const struct mp_channel *channel = mp_pool_channel(pool, at / MP_SEATS_MAX);
	uint32_t bit = 1u << at % MP_SEATS_MAX, members = mp_load_acquire(&channel->members);
	uint64_t owner = mp_load_acquire(&channel->seat[at % MP_SEATS_MAX].owner);
	bool is_owned = (uint32_t)owner != 0;
	bool is_member = members & bit, is_lossy = members & bit << MP_LOSSY_SHIFT;

	return ((is_owned && !audit_is_owner(pool, owner)) || (is_member && !is_owned) ||
		(is_lossy && !is_member)) &&
	       mp_load_acquire(&channel->members) == members &&
	       mp_load_acquire(&channel->seat[at % MP_SEATS_MAX].owner) == owner;
}

static bool audit_has_mark(const struct mp_pool *pool, uint32_t number, uint32_t slot)
{
	struct mp_channel *channel = mp_pool_channel(pool, number);
	uint64_t marks = mp_load_acquire(mp_ends_senders(pool, channel, slot / 64)) |
			 mp_load_acquire(mp_ends_receivers(pool, channel, slot / 64));

	return marks >> slot % 64 & 1;
}

/* Of slot @at % n_slots and channel @at / n_slots. */
static bool audit_is_mark_wrong(const struct mp_pool *pool, uint32_t at)
{
	uint32_t number = at / pool->shape.n_slots, slot = at % pool->shape.n_slots;

	return audit_has_mark(pool, number, slot) && !audit_is_taken(pool, slot) &&
	       audit_has_mark(pool, number, slot);
}

static void audit_walk_channel(struct walk *w, uint32_t number)
{
	static const struct question channel = {audit_is_channel_wrong, audit_refresh_channel};
	static const struct question seat = {audit_is_seat_wrong, audit_refresh_seat};
	static const struct question mark = {audit_is_mark_wrong, audit_refresh_mark};
	const struct mp_pool *pool = w->pool;

	if (audit_is_channel_wrong(pool, number) && audit_is_confirmed(w, &channel, number)) {
		const char *fault = audit_channel_fault(pool, number);
		audit_found(w, &w->audit->broken, "channel %u %s", number,
			    fault ? fault : "was wrong");
	}
	for (uint32_t i = 0; i < MP_SEATS_MAX; i++) {
		uint32_t at = number * MP_SEATS_MAX + i;
		if (audit_is_seat_wrong(pool, at) && audit_is_confirmed(w, &seat, at)) {
			audit_found(w, &w->audit->broken,
				    "seat %u of channel %u has a subscriber that does not have the "
				    "pool open, or is a subscriber's and nobody has it",
				    i, number);
		}
	}
	for (uint32_t slot = 0; slot < pool->shape.n_slots; slot++) {
		uint32_t at = number * pool->shape.n_slots + slot;
		if (audit_is_mark_wrong(pool, at) && audit_is_confirmed(w, &mark, at)) {
			audit_found(w, &w->audit->broken,
				    "channel %u is open to slot %u, which nobody has", number,
				    slot);
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
	for (uint32_t i = 0; i < pool->shape.n_channels; i++) {
		audit_walk_channel(&w, i);
	}
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
