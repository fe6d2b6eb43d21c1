/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <string.h>

#include "daemon/config/number.h"

#define DECIMALS 18 /* of a fraction that count, so that a power of ten fits in 64 bits */

/*
 * Reads the digits of that base that @text begins with. *@end is set behind them. False: there are
 * none, or too many.
 */
static bool number_read_digits(const char *text, int base, uint64_t *n, const char **end)
{
	uint64_t value = 0;
	const char *c = text;

	for (; isxdigit((unsigned char)*c); c++) {
		unsigned digit = *c <= '9' ? (unsigned)(*c - '0') : (unsigned)(*c | 32) - 'a' + 10;
		if (digit >= (unsigned)base) {
			break;
		}
		if (__builtin_mul_overflow(value, (uint64_t)base, &value) ||
		    __builtin_add_overflow(value, (uint64_t)digit, &value)) {
			return false;
		}
	}
	*n = value;
	*end = c;
	return c > text;
}

/* Reads decimals, to be @part of @of, a power of ten. Zeros at their end do not count. */
static bool number_read_part(const char *text, uint64_t *part, uint64_t *of, const char **end)
{
	size_t n = strspn(text, "0123456789");

	*end = text + n;
	while (n > 1 && text[n - 1] == '0') {
		n--;
	}
	for (size_t i = 0; i < n && n <= DECIMALS; i++) {
		*part = *part * 10 + (uint64_t)(text[i] - '0');
		*of *= 10;
	}
	return n >= 1 && n <= DECIMALS;
}

/* What a unit multiplies the number before it by. 0: it is no unit. */
typedef uint64_t number_unit(const char *unit);

/* K, M, G or T, also in lower case, or as Ki. */
static const char *number_skip_power(const char *unit, uint64_t *factor)
{
	static const char letters[] = "kmgt";
	const char *letter = *unit ? strchr(letters, tolower((unsigned char)*unit)) : NULL;

	*factor = letter ? 1ull << 10 * (letter - letters + 1) : 1;
	return !letter ? unit : unit[1] == 'i' || unit[1] == 'I' ? unit + 2 : unit + 1;
}

static uint64_t number_unit_of_counts(const char *unit)
{
	uint64_t factor;

	return *number_skip_power(unit, &factor) ? 0 : factor;
}

static uint64_t number_unit_of_sizes(const char *unit)
{
	uint64_t factor;

	unit = number_skip_power(unit, &factor);
	unit += *unit == 'b' || *unit == 'B';
	return *unit ? 0 : factor;
}

static uint64_t number_unit_of_percents(const char *unit)
{
	return !strcmp(unit, "%");
}

static uint64_t number_unit_of_times(const char *unit)
{
	return !*unit || !strcmp(unit, "s") ? 1000
	       : !strcmp(unit, "ms")        ? 1
	       : !strcmp(unit, "min")       ? 60000
					    : 0;
}

/* False: it is no number, or not a whole one. */
static bool number_read_with_unit(const char *text, number_unit *unit, uint64_t *n)
{
	uint64_t part = 0, of = 1, factor, rest;
	const char *end;

	if (!number_read_digits(text, 10, n, &end) ||
	    (*end == '.' && !number_read_part(end + 1, &part, &of, &end))) {
		return false;
	}
	factor = rest = unit(end);
	if (factor == 0) {
		return false;
	}
	/* part * factor may not fit; without what @of and factor have in common it does. */
	for (; of % 2 == 0 && rest % 2 == 0; of /= 2) {
		rest /= 2;
	}
	for (; of % 5 == 0 && rest % 5 == 0; of /= 5) {
		rest /= 5;
	}
	return part % of == 0 && !__builtin_mul_overflow(*n, factor, n) &&
	       !__builtin_add_overflow(*n, part / of * rest, n);
}

bool number_read_count(const char *text, uint64_t *n)
{
	return number_read_with_unit(text, number_unit_of_counts, n);
}

bool number_read_size(const char *text, uint64_t *n)
{
	return number_read_with_unit(text, number_unit_of_sizes, n);
}

bool number_read_time(const char *text, uint64_t *ms)
{
	return number_read_with_unit(text, number_unit_of_times, ms);
}

bool number_read_percent(const char *text, uint64_t *n)
{
	return number_read_with_unit(text, number_unit_of_percents, n);
}

bool number_read_plain(const char *text, int base, uint64_t *n)
{
	const char *end;

	return number_read_digits(text, base, n, &end) && *end == 0;
}

bool number_read_id(const char *text, uint64_t *n)
{
	return strncmp(text, "0x", 2) == 0 ? number_read_plain(text + 2, 16, n)
					   : number_read_plain(text, 10, n);
}
