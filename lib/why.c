/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/core/slot.h"
#include "lib/core/word.h"
#include "lib/why.h"

#define COLD __attribute__((noinline, cold))

/* ---- noting ---- */

COLD int why(const struct mempool *pool, int error, enum why_kind kind, uint64_t a, uint64_t b,
	     uint64_t c)
{
	struct thread *thread = thread_get();
	uint32_t serial;

	if (!thread) {
		return error; /* then thread_lacks_part is the reason that is told */
	}
	struct why *noted = &thread->why;
	/*
	 * Again if a signal handler failed meanwhile, so that no sentence is half its own. A
	 * handler that asks in between hears the last sentence that was told.
	 */
	do {
		serial = mp_add(&noted->serial, 1) + 1;
		noted->kind = WHY_TOLD;
		mp_compiler_fence();
		memcpy(noted->pool, pool->name, sizeof noted->pool);
		noted->numbers[0] = a;
		noted->numbers[1] = b;
		noted->numbers[2] = c;
		mp_compiler_fence();
		noted->kind = kind;
		mp_compiler_fence();
	} while (mp_load(&noted->serial) != serial);
	return error;
}

COLD int why_not_begun(const struct mempool *pool, int error)
{
	switch (error) {
	case -ECHILD:
		return why(pool, error, WHY_FOREIGN, 0, 0, 0);
	case -EACCES:
		return why(pool, error, WHY_OBSERVER, 0, 0, 0);
	case -EDEADLK:
		return why(pool, error, WHY_INSIDE, 0, 0, 0);
	default:
		return error;
	}
}

COLD int why_not_got(const struct mempool *pool, uint64_t n, int error)
{
	const struct mp_pool *core = &pool->core;

	switch (error) {
	case -EAGAIN:
		return why(pool, error, WHY_BUSY, 0, 0, 0);
	case -EDQUOT:
		return why(pool, error, WHY_QUOTA, mp_load(&core->slots[core->slot].owned),
			   core->quota, n);
	case -EIO:
		return why(pool, error, WHY_BROKEN, 0, 0, 0);
	case -ENOMEM:
	default:
		return n > core->max_blocks
			       ? why(pool, error, WHY_TOO_MANY, core->max_blocks, n, 0)
			       : why(pool, error, n == 1 ? WHY_NONE_FREE : WHY_FEW_FREE,
				     mp_pool_born(core), n, 0);
	}
}

/* ---- blocks and tokens ---- */

static uint32_t why_pid_of(const struct mp_pool *core, uint32_t slot)
{
	return slot < core->shape.n_slots ? mp_load(&core->slots[slot].pid) : 0;
}

static bool why_is_dead(const struct mp_pool *core, uint32_t slot)
{
	return slot < core->shape.n_slots && mp_load(&core->slots[slot].state) != MP_SLOT_LIVE;
}

/* Why that address is no block's. */
static int why_no_address(const struct mempool *pool, const void *block, int error)
{
	const struct mp_pool *core = &pool->core;
	uint64_t at = (uintptr_t)block, into = at - (uintptr_t)core->data;
	uint64_t index = into / core->stride;

	if (!block) {
		return why(pool, error, WHY_NULL, 0, 0, 0);
	}
	if (index >= core->max_blocks) {
		return why(pool, error, WHY_OUTSIDE, at, 0, 0);
	}
	if (into % core->stride != 0) {
		return why(pool, error, WHY_INTERIOR, at, into % core->stride, index);
	}
	return why(pool, error, WHY_UNBORN, at, index, mp_pool_born(core));
}

COLD int why_refused(const struct mempool *pool, const void *block, int error)
{
	const struct mp_pool *core = &pool->core;
	uint64_t index = mp_pool_index(core, block);

	if (index >= core->max_blocks || error == -EINVAL) {
		return why_no_address(pool, block, error);
	}
	uint64_t word = mp_load(&core->words[index].whole); /* it may have changed meanwhile */
	uint32_t slot = mp_word_ref(word), pid = why_pid_of(core, slot);
	enum mp_state state = mp_word_state(word);
	if (error == -EALREADY) {
		return why(pool, error, WHY_FREE, index, 0, 0);
	}
	if (mp_word_channel(word) != MP_NONE) {
		return why(pool, error, WHY_SENT, index, mp_word_channel(word), 0);
	}
	if (state == MP_SHARED) {
		return why(pool, error, WHY_SHARED, index, mp_share_channel(word), 0);
	}
	if (state == MP_MOVING) {
		return slot == core->slot ? why(pool, error, WHY_GIVEN, index, 0, 0)
					  : why(pool, error, WHY_MOVING, index, pid, 0);
	}
	if (state == MP_USED && slot != core->slot) {
		return why(pool, error, why_is_dead(core, slot) ? WHY_DEAD : WHY_OTHERS, index, pid,
			   0);
	}
	return why(pool, error, WHY_NOT_OURS, index, 0, 0);
}

COLD int why_stale(const struct mempool *pool, uint64_t token, int error)
{
	const struct mp_pool *core = &pool->core;
	uint32_t index = (uint32_t)token;

	if (token == 0) {
		return why(pool, error, WHY_ZERO, 0, 0, 0);
	}
	if (index >= core->max_blocks || token >> 32 == 0) {
		return why(pool, error, WHY_NO_TOKEN, token, 0, 0);
	}
	uint64_t word = mp_load(&core->words[index].whole); /* it may have changed meanwhile */
	uint32_t slot = mp_word_ref(word), pid = why_pid_of(core, slot);
	if (error == -EPERM && mp_word_channel(word) != MP_NONE) {
		return why(pool, error, WHY_NOT_MAILED, token, index, mp_word_channel(word));
	}
	if (error == -EPERM) {
		return why(pool, error, WHY_NOT_GIVER, token, index, pid);
	}
	if (word >> 32 != token >> 32) {
		return why(pool, error, WHY_OLD, token, index, 0);
	}
	if (mp_word_state(word) != MP_USED) {
		return why(pool, error, WHY_USED_UP, token, index, 0);
	}
	return why(pool, error, slot == core->slot ? WHY_OURS : WHY_TAKEN, token, index, pid);
}

/* ---- telling ---- */

/* Writes what stands for $@letter. Returns how many characters it takes. */
static int why_tell_one(const struct why *why, char letter, char *text, size_t size)
{
	switch (letter) {
	case 'p':
		return snprintf(text, size, "%.*s", (int)sizeof why->pool, why->pool);
	case 'x':
		return snprintf(text, size, "%llx", (unsigned long long)why->numbers[0]);
	case 's':
		return snprintf(text, size, "%s", why->numbers[1] == 1 ? "" : "s");
	default:
		return snprintf(text, size, "%llu", (unsigned long long)why->numbers[letter - 'a']);
	}
}

void why_tell(const struct why *why, char *text, size_t size)
{
#define WHY_SENTENCE(kind, sentence) sentence,
	static const char *const sentences[] = {WHY_SENTENCES(WHY_SENTENCE)};
#undef WHY_SENTENCE
	size_t n = 0;

	for (const char *at = sentences[why->kind]; *at && n + 1 < size; at++) {
		if (*at == '$') {
			n += (size_t)why_tell_one(why, *++at, text + n, size - n);
		} else {
			text[n++] = *at;
		}
	}
	text[n < size ? n : size - 1] = 0;
}
