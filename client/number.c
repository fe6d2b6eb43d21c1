/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "client/complain.h"
#include "client/number.h"

static bool number_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Reads digits of @base. Returns false if there are none or if they do not fit in 64 bits. */
static bool number_read_digits(const char *text, int base, uint64_t *n, const char **end)
{
	char *stop;

	if (!number_is_digit(*text)) {
		return false;
	}
	errno = 0;
	*n = strtoull(text, &stop, base);
	*end = stop;
	return errno == 0;
}

static bool number_check_range(const char *what, uint64_t n, uint64_t min, uint64_t max)
{
	if (n >= min && n <= max) {
		return true;
	}
	complain("%s: it must be from %" PRIu64 " to %" PRIu64, what, min, max);
	return false;
}

bool number_parse(const char *what, const char *text, uint64_t min, uint64_t max, uint64_t *n)
{
	const char *end;
	uint64_t value;

	if (!number_read_digits(text, 10, &value, &end) || *end != '\0') {
		complain("%s: \"%s\" is not a number from %" PRIu64 " to %" PRIu64, what, text, min,
			 max);
		return false;
	}
	if (!number_check_range(what, value, min, max)) {
		return false;
	}
	*n = value;
	return true;
}

/* By how many bits a suffix shifts the number before it; -1: it is no suffix. */
static int number_suffix_shift(const char *suffix)
{
	static const char letters[] = "KMG";

	if (suffix[0] == '\0') {
		return 0;
	}

	const char *letter = strchr(letters, suffix[0] & ~0x20);

	return letter != NULL && suffix[1] == '\0' ? 10 * (int)(letter - letters + 1) : -1;
}

bool number_parse_size(const char *what, const char *text, uint64_t min, uint64_t max, uint64_t *n)
{
	const char *end;
	uint64_t value;
	int shift;

	if (!number_read_digits(text, 10, &value, &end) || (shift = number_suffix_shift(end)) < 0 ||
	    value > UINT64_MAX >> shift) {
		complain("%s: \"%s\" is not a number, nor one with K, M or G behind it", what,
			 text);
		return false;
	}
	if (!number_check_range(what, value << shift, min, max)) {
		return false;
	}
	*n = value << shift;
	return true;
}

bool number_parse_id(const char *what, const char *text, uint64_t *n)
{
	bool hex = strncmp(text, "0x", 2) == 0;
	const char *digits = hex ? text + 2 : text;
	char *end;

	errno = 0;
	*n = strtoull(digits, &end, hex ? 16 : 10);
	if (!isxdigit((unsigned char)*digits) || *end != '\0' || errno != 0 || *n == 0) {
		complain("%s: \"%s\" is not a number from 1 to 0xffffffffffffffff, in decimal or, "
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

	if (!number_read_digits(text, 8, &value, &end) || *end != '\0' || value == 0 ||
	    value > 0777) {
		complain("%s: \"%s\" is not a mode in octal, such as 0660", what, text);
		return false;
	}
	*mode = (uint32_t)value;
	return true;
}

/* Reads one to three decimals, as thousandths. */
static bool number_read_thousandths(const char *text, uint64_t *n)
{
	uint64_t value = 0;
	int digits = 0;

	while (digits < 3 && number_is_digit(text[digits])) {
		value = value * 10 + (uint64_t)(text[digits++] - '0');
	}
	*n = digits == 1 ? value * 100 : digits == 2 ? value * 10 : value;
	return digits > 0 && text[digits] == '\0';
}

bool number_parse_seconds(const char *what, const char *text, uint32_t *ms)
{
	const char *end;
	uint64_t seconds, thousandths = 0;

	if (!number_read_digits(text, 10, &seconds, &end) || seconds > UINT32_MAX / 1000 - 1 ||
	    (*end != '\0' && (*end != '.' || !number_read_thousandths(end + 1, &thousandths))) ||
	    seconds + thousandths == 0) {
		complain("%s: \"%s\" is not a time in seconds, such as 10 or 0.25", what, text);
		return false;
	}
	*ms = (uint32_t)(seconds * 1000 + thousandths);
	return true;
}

/*
 * Reads a uid or gid. The largest 32-bit number is none: to the kernel it means "nobody", to the
 * library "the creator".
 */
static bool number_read_id(const char *text, uint32_t *id)
{
	const char *end;
	uint64_t value;

	if (!number_read_digits(text, 10, &value, &end) || *end != '\0' || value >= UINT32_MAX) {
		return false;
	}
	*id = (uint32_t)value;
	return true;
}

bool number_parse_user(const char *what, const char *text, uint32_t *uid)
{
	const struct passwd *user = getpwnam(text);

	if (user != NULL) {
		*uid = user->pw_uid;
		return true;
	}
	if (number_read_id(text, uid)) {
		return true;
	}
	complain("%s: there is no user \"%s\"", what, text);
	return false;
}

bool number_parse_group(const char *what, const char *text, uint32_t *gid)
{
	const struct group *group = getgrnam(text);

	if (group != NULL) {
		*gid = group->gr_gid;
		return true;
	}
	if (number_read_id(text, gid)) {
		return true;
	}
	complain("%s: there is no group \"%s\"", what, text);
	return false;
}
