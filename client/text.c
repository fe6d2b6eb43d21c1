/* SPDX-License-Identifier: MIT */
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <time.h>

#include <mempool/mempool.h>

#include "client/text.h"

const char *const text_backings[3] = {"auto", "shm", "memfd"};
const char *const text_efforts[3] = {"no", "try", "require"};

/* @n with up to three digits, and its unit, a power of @base. */
static const char *text_scale(char *text, uint64_t n, double base, const char *const *units)
{
	double value = (double)n;
	int unit = 0;

	while (value >= base && units[unit + 1] != NULL) {
		value /= base;
		unit++;
	}

	int decimals = value >= 100 || value == (double)(uint64_t)value ? 0 : value >= 10 ? 1 : 2;

	snprintf(text, TEXT_MAX, "%.*f%s", decimals, value, units[unit]);
	return text;
}

const char *text_lifetime(uint32_t lifetime)
{
	switch (lifetime) {
	case MEMPOOL_PERSISTENT:
		return "persistent";
	case MEMPOOL_UNTIL_LAST_USER:
		return "until last user";
	case MEMPOOL_UNTIL_CREATOR:
		return "until creator";
	default:
		return "unknown";
	}
}

const char *text_size(char text[TEXT_MAX], uint64_t bytes)
{
	static const char *const units[] = {" B", " KiB", " MiB", " GiB", " TiB", NULL};

	return text_scale(text, bytes, 1024, units);
}

const char *text_count(char text[TEXT_MAX], uint64_t n)
{
	static const char *const units[] = {"", "k", "M", "G", "T", "P", NULL};

	if (n < 10000) {
		snprintf(text, TEXT_MAX, "%" PRIu64, n);
		return text;
	}
	return text_scale(text, n, 1000, units);
}

const char *text_age(char text[TEXT_MAX], uint64_t since)
{
	uint64_t now = (uint64_t)time(NULL);
	uint64_t age = now > since ? now - since : 0;

	if (age < 60) {
		snprintf(text, TEXT_MAX, "%" PRIu64 "s", age);
	} else if (age < 3600) {
		snprintf(text, TEXT_MAX, "%" PRIu64 "m", age / 60);
	} else if (age < 48 * 3600) {
		snprintf(text, TEXT_MAX, "%" PRIu64 "h", age / 3600);
	} else {
		snprintf(text, TEXT_MAX, "%" PRIu64 "d", age / (24 * 3600));
	}
	return text;
}

const char *text_user(char text[TEXT_MAX], uint32_t uid)
{
	const struct passwd *user = getpwuid(uid);

	if (user != NULL) {
		return text_clean(text, user->pw_name);
	}
	snprintf(text, TEXT_MAX, "%" PRIu32, uid);
	return text;
}

const char *text_group(char text[TEXT_MAX], uint32_t gid)
{
	const struct group *group = getgrgid(gid);

	if (group != NULL) {
		return text_clean(text, group->gr_name);
	}
	snprintf(text, TEXT_MAX, "%" PRIu32, gid);
	return text;
}

const char *text_clean(char text[TEXT_MAX], const char *name)
{
	int i = 0;

	for (; i < TEXT_MAX - 1 && name[i] != '\0'; i++) {
		text[i] = name[i] >= ' ' && name[i] <= '~' ? name[i] : '?';
	}
	text[i] = '\0';
	return text;
}
