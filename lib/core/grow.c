/* SPDX-License-Identifier: MIT */
#include "lib/core/format.h"
#include "lib/core/grow.h"
#include "lib/core/pressure.h"
#include "lib/core/word.h"

void mp_grow_init(struct mp_growth *growth, uint32_t from, uint32_t to)
{
	*growth = (struct mp_growth){.at = from, .to = to};
}

bool mp_grow_step(struct mp_pool *pool, struct mp_growth *growth, uint32_t budget, uint64_t seed)
{
	mp_store_release(&pool->header->growing, 1);
	if (mp_load(&pool->header->born) < growth->to) {
		mp_store_release(&pool->header->born, growth->to);
	}
	for (; budget > 0 && growth->at < growth->to; budget--, growth->at++) {
		mp_atomic64 *word = &pool->words[growth->at].whole;
		uint64_t newborn =
			mp_first_generation(seed, growth->at) << 32 | mp_word_low(MP_RECLAIMED, 0);
		if (mp_load(word) == 0) {
			mp_store_release(word, newborn);
		}
	}
	if (growth->at < growth->to) {
		return false;
	}
	mp_announce(pool);
	mp_store_release(&pool->header->growing, 0);
	return true;
}
