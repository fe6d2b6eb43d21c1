/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "client/complain.h"
#include "client/number.h"

#define DAY_MS 86400000u
#define DECIMALS 18 /* of a fraction that count, so that a power of ten fits in 64 bits */

/* What a text turned out to be. */
enum number_found {
	NUMBER_GOOD,
	NUMBER_NONE,
	NUMBER_BROKEN, /* not a whole number */
	NUMBER_LARGE,  /* over 64 bits */
};

/* Reads the digits of @base that @text begins with. *@end is set behind them. */
static enum number_found number_read_digits(const char *text, unsigned base, uint64_t *n,
					    const char **end)
{
	const char *c = text;
	bool fits = true;

	*n = 0;
	for (; isxdigit((unsigned char)*c); c++) {
		unsigned digit = *c <= '9' ? (unsigned)(*c - '0') : (unsigned)(*c | 32) - 'a' + 10;

		if (digit >= base) {
			break;
		}
		fits = fits && !__builtin_mul_overflow(*n, (uint64_t)base, n) &&
		       !__builtin_add_overflow(*n, (uint64_t)digit, n);
	}
	*end = c;
	return c == text ? NUMBER_NONE : fits ? NUMBER_GOOD : NUMBER_LARGE;
}

/* ---- units ---- */

/* What a unit multiplies the number before it by. 0: it is no unit. */
typedef uint64_t number_unit(const char *unit);

static uint64_t number_power_of_1024(const char *unit, bool of_bytes)
{
	static const char letters[] = "kmgt";
	const char *letter = *unit != '\0' ? strchr(letters, tolower((unsigned char)*unit)) : NULL;
	unsigned power = letter != NULL ? (unsigned)(letter - letters) + 1 : 0;

	if (letter != NULL) {
		unit++;
		unit += *unit == 'i' || *unit == 'I';
	}
	if (of_bytes) {
		unit += *unit == 'b' || *unit == 'B';
	}
	return *unit == '\0' ? 1ull << 10 * power : 0;
}

static uint64_t number_unit_of_counts(const char *unit)
{
	return number_power_of_1024(unit, false);
}

static uint64_t number_unit_of_sizes(const char *unit)
{
	return number_power_of_1024(unit, true);
}

static uint64_t number_unit_of_times(const char *unit)
{
	return *unit == '\0' || strcmp(unit, "s") == 0 ? 1000
	       : strcmp(unit, "ms") == 0               ? 1
	       : strcmp(unit, "min") == 0              ? 60000
						       : 0;
}

/* ---- numbers with units ---- */

/* A number before its unit is known: whole + part / of; @of is a power of ten. */
struct number {
	uint64_t whole, part, of;
};

/* Reads the decimals behind a point; zeros at their end do not count. */
static enum number_found number_read_part(const char *text, struct number *number, const char **end)
{
	size_t n = strspn(text, "0123456789");

	*end = text + n;
	if (n == 0) {
		return NUMBER_NONE;
	}
	while (n > 0 && text[n - 1] == '0') {
		n--;
	}
	if (n > DECIMALS) {
		return NUMBER_BROKEN;
	}
	for (size_t i = 0; i < n; i++) {
		number->part = number->part * 10 + (uint64_t)(text[i] - '0');
		number->of *= 10;
	}
	return NUMBER_GOOD;
}

static enum number_found number_multiply(const struct number *number, uint64_t factor, uint64_t *n)
{
	uint64_t of = number->of, rest = factor;

	/* part * factor may not fit; without what @of and factor have in common it does. */
	while (of % 2 == 0 && rest % 2 == 0) {
		of /= 2;
		rest /= 2;
	}
	while (of % 5 == 0 && rest % 5 == 0) {
		of /= 5;
		rest /= 5;
	}
	if (number->part % of != 0) {
		return NUMBER_BROKEN;
	}
	return __builtin_mul_overflow(number->whole, factor, n) ||
			       __builtin_add_overflow(*n, number->part / of * rest, n)
		       ? NUMBER_LARGE
		       : NUMBER_GOOD;
}

static enum number_found number_read(const char *text, number_unit *unit, uint64_t *n)
{
	struct number number = {.of = 1};
	const char *end;
	enum number_found found = number_read_digits(text, 10, &number.whole, &end);
	enum number_found part = NUMBER_GOOD;

	if (found != NUMBER_NONE && *end == '.') {
		part = number_read_part(end + 1, &number, &end);
	}

	uint64_t factor = found != NUMBER_NONE && part != NUMBER_NONE ? unit(end) : 0;

	if (factor == 0) {
		return NUMBER_NONE;
	}
	return found != NUMBER_GOOD  ? found
	       : part != NUMBER_GOOD ? part
				     : number_multiply(&number, factor, n);
}

/* ---- what may be said ---- */

/* Prints a number as one would write it: 64M. */
static const char *number_print(char text[24], uint64_t n)
{
	static const char *const units[] = {"", "K", "M", "G", "T"};
	int power = 0;

	while (n > 0 && n % 1024 == 0 && power < 4) {
		n /= 1024;
		power++;
	}
	snprintf(text, 24, "%" PRIu64 "%s", n, units[power]);
	return text;
}

static bool number_check_range(const char *what, const char *text, uint64_t n, uint64_t min,
			       uint64_t max)
{
	char least[24], most[24];

	if (n >= min && n <= max) {
		return true;
	}
	complain("%s: it must be from %s to %s, not \"%s\"", what, number_print(least, min),
		 number_print(most, max), text);
	return false;
}

/* Complains unless the text is a number in that range. @form: "blocks, such as 100 or 64K". */
static bool number_check(const char *what, const char *text, const char *form,
			 enum number_found found, uint64_t n, uint64_t min, uint64_t max)
{
	switch (found) {
	case NUMBER_NONE:
		complain("%s: \"%s\" is not a number%s", what, text, form);
		return false;
	case NUMBER_BROKEN:
		complain("%s: \"%s\" is not a whole number%s", what, text, form);
		return false;
	case NUMBER_LARGE:
		return number_check_range(what, text, UINT64_MAX, min, max);
	case NUMBER_GOOD:
	default:
		return number_check_range(what, text, n, min, max);
	}
}

bool number_parse(const char *what, const char *text, uint64_t min, uint64_t max, uint64_t *n)
{
	const char *end;
	uint64_t value;
	enum number_found found = number_read_digits(text, 10, &value, &end);

	if (found != NUMBER_NONE && *end != '\0') {
		found = NUMBER_NONE;
	}
	if (!number_check(what, text, ", such as 1 or 1000", found, value, min, max)) {
		return false;
	}
	*n = value;
	return true;
}

bool number_parse_count(const char *what, const char *text, uint64_t min, uint64_t max, uint64_t *n)
{
	uint64_t value = 0;
	enum number_found found = number_read(text, number_unit_of_counts, &value);

	if (!number_check(what, text, ", such as 100, 64K or 1.5M", found, value, min, max)) {
		return false;
	}
	*n = value;
	return true;
}

bool number_parse_size(const char *what, const char *text, uint64_t min, uint64_t max, uint64_t *n)
{
	uint64_t value = 0;
	enum number_found found = number_read(text, number_unit_of_sizes, &value);

	if (!number_check(what, text, " of bytes, such as 4096, 64K, 1.5M or 2GiB", found, value,
			  min, max)) {
		return false;
	}
	*n = value;
	return true;
}

bool number_parse_id(const char *what, const char *text, uint64_t *n)
{
	bool hex = strncmp(text, "0x", 2) == 0;
	const char *end;

	if (number_read_digits(hex ? text + 2 : text, hex ? 16 : 10, n, &end) != NUMBER_GOOD ||
	    *end != '\0') {
		complain("%s: \"%s\" is not a number from 0 to 0xffffffffffffffff, in decimal or, "
			 "behind 0x, in hexadecimal",
			 what, text);
		return false;
	}
	return true;
}

bool number_parse_mode(const char *what, const char *text, uint32_t *mode)
{
	const char *end;
	uint64_t value;

	if (number_read_digits(text, 8, &value, &end) != NUMBER_GOOD || *end != '\0' ||
	    value == 0 || value > 0777) {
		complain("%s: \"%s\" is not a mode in octal, such as 0660", what, text);
		return false;
	}
	*mode = (uint32_t)value;
	return true;
}

bool number_parse_time(const char *what, const char *text, uint32_t *ms)
{
	uint64_t value = 0;

	if (number_read(text, number_unit_of_times, &value) != NUMBER_GOOD || value == 0 ||
	    value > DAY_MS) {
		complain("%s: \"%s\" is not a time such as 10s, 500ms or 2min, a day at most", what,
			 text);
		return false;
	}
	*ms = (uint32_t)value;
	return true;
}

/* ---- users and groups ---- */

/*
 * Reads a uid or gid. The largest 32-bit number is none: to the kernel it means "nobody", to the
 * library "the creator".
 */
static bool number_read_id(const char *text, uint32_t *id)
{
	const char *end;
	uint64_t value;

	if (strlen(text) > 10 || number_read_digits(text, 10, &value, &end) != NUMBER_GOOD ||
	    *end != '\0' || value >= UINT32_MAX) {
		return false;
	}
	*id = (uint32_t)value;
	return true;
}

bool number_parse_user(const char *what, const char *text, uint32_t *uid)
{
	const struct passwd *user;

	if (number_read_id(text, uid)) {
		return true;
	}
	user = getpwnam(text);
	if (user != NULL) {
		*uid = user->pw_uid;
		return true;
	}
	complain("%s: there is no user \"%s\"; name one that exists, or say a number", what, text);
	return false;
}

bool number_parse_group(const char *what, const char *text, uint32_t *gid)
{
	const struct group *group;

	if (number_read_id(text, gid)) {
		return true;
	}
	group = getgrnam(text);
	if (group != NULL) {
		*gid = group->gr_gid;
		return true;
	}
	complain("%s: there is no group \"%s\"; name one that exists, or say a number", what, text);
	return false;
}
