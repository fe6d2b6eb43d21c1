/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/config/number.h"
#include "daemon/config/rule.h"
#include "daemon/config/setting.h"
#include "lib/wire/message.h"

#define NO_END UINT64_MAX

const struct setting *setting_find(const struct setting_table *table, const char *section,
				   const char *name)
{
	for (size_t i = 0; i < table->n; i++) {
		const struct setting *s = &table->settings[i];
		if ((!section || !strcmp(s->section, section)) &&
		    (!strcmp(s->name, name) || (s->also && !strcmp(s->also, name)))) {
			return s;
		}
	}
	return NULL;
}

/* ---- values ---- */

static bool setting_read_level(const char *text, uint64_t *n)
{
	enum log_level level;
	bool known = log_parse_level(text, &level);

	*n = known ? level : 0;
	return known;
}

static bool setting_read_word(const char *const *words, const char *text, uint64_t *n)
{
	for (*n = 0; words[*n]; ++*n) {
		if (!strcmp(words[*n], text)) {
			return true;
		}
	}
	return false;
}

/* Reads the number that the text means. False: it means none. */
static bool setting_read_number(const struct setting *s, const char *text, uint64_t *n)
{
	uint32_t id = 0;
	bool good;

	switch (s->type) {
	case SETTING_COUNT:
	case SETTING_LARGE:
		return number_read_count(text, n);
	case SETTING_SIZE:
		return number_read_size(text, n);
	case SETTING_PERCENT:
		return number_read_percent(text, n);
	case SETTING_TIME:
		return number_read_time(text, n);
	case SETTING_ID:
		return number_read_id(text, n);
	case SETTING_MODE:
		return number_read_plain(text, 8, n);
	case SETTING_CACHE:
		return number_read_plain(text, 10, n);
	case SETTING_WORD:
		return setting_read_word(s->words, text, n);
	case SETTING_LEVEL:
		return setting_read_level(text, n);
	case SETTING_USER:
	case SETTING_GROUP:
		good = s->type == SETTING_USER ? rule_find_user(text, &id)
					       : rule_find_group(text, &id);
		*n = id;
		return good;
	case SETTING_PATH:
	case SETTING_INSTANCE:
	case SETTING_POOL:
	default:
		return false;
	}
}

static bool setting_is_ranged(const struct setting *s)
{
	return s->type != SETTING_LEVEL && s->type != SETTING_WORD && s->type != SETTING_USER &&
	       s->type != SETTING_GROUP;
}

bool setting_is_instance(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-");
	return n >= 1 && n <= SETTING_INSTANCE_LENGTH && name[n] == 0;
}

static bool setting_is_text(const struct setting *s)
{
	return s->type == SETTING_PATH || s->type == SETTING_INSTANCE || s->type == SETTING_POOL;
}

static bool setting_text_is_good(const struct setting *s, const char *text)
{
	return strlen(text) <= (s->type == SETTING_PATH ? s->max : SETTING_TEXT - 1) &&
	       (s->type == SETTING_PATH   ? *text == '/'
		: s->type == SETTING_POOL ? wire_name_valid(text)
					  : setting_is_instance(text));
}

static void setting_store(const struct setting *s, void *base, uint64_t n)
{
	char *at = (char *)base + s->at;

	if (s->type == SETTING_SIZE || s->type == SETTING_LARGE || s->type == SETTING_ID) {
		memcpy(at, &n, sizeof n);
	} else {
		memcpy(at, &(uint32_t){(uint32_t)n}, sizeof(uint32_t));
	}
}

/* Stores what stands for "not said", where the table has no default. */
static void setting_store_nothing(const struct setting *s, void *base)
{
	if (setting_is_text(s)) {
		memset((char *)base + s->at, 0, SETTING_TEXT);
	} else {
		setting_store(s, base,
			      s->type == SETTING_USER || s->type == SETTING_GROUP ? UINT32_MAX : 0);
	}
}

bool setting_take(const struct setting *s, void *base, const char *text, char *why, size_t size)
{
	uint64_t n = 0;
	char range[160];
	bool good;

	if (*text == 0 && *s->standard == 0) {
		setting_store_nothing(s, base);
		return true;
	}
	if (setting_is_text(s)) {
		good = setting_text_is_good(s, text);
		if (good) {
			snprintf((char *)base + s->at, SETTING_TEXT, "%s", text);
		}
	} else if (s->type == SETTING_CACHE && (!strcmp(text, "none") || !strcmp(text, "off"))) {
		setting_store(s, base, UINT32_MAX);
		good = true;
	} else {
		good = setting_read_number(s, text, &n) &&
		       (!setting_is_ranged(s) || (n >= s->min && n <= s->max));
		if (good) {
			setting_store(s, base, n);
		}
	}
	if (!good) {
		setting_range(s, range, sizeof range);
		snprintf(why, size, "%s cannot be '%.60s': say %s", s->name, text, range);
	}
	return good;
}

void setting_reset(const struct setting_table *table, void *base)
{
	char why[SETTING_TEXT];

	for (size_t i = 0; i < table->n; i++) {
		const struct setting *s = &table->settings[i];
		setting_take(s, base, s->standard, why, sizeof why);
	}
}

/* ---- words ---- */

/* How many characters one must change, insert or delete to turn @a into @b. */
static unsigned setting_distance(const char *a, const char *b)
{
	enum {
		LONG = 40,
	};
	unsigned row[LONG + 1];
	size_t n = strlen(b);

	if (n > LONG || strlen(a) > LONG) {
		return LONG;
	}
	for (size_t j = 0; j <= n; j++) {
		row[j] = (unsigned)j;
	}
	for (size_t i = 1; a[i - 1]; i++) {
		unsigned corner = row[0];
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= n; j++) {
			unsigned best = corner + (a[i - 1] != b[j - 1]);
			corner = row[j];
			best = best < corner + 1 ? best : corner + 1;
			row[j] = best < row[j - 1] + 1 ? best : row[j - 1] + 1;
		}
	}
	return row[n];
}

void setting_consider(const char *text, const char *name, const char **best)
{
	unsigned d = setting_distance(text, name);

	if (d <= 1 + strlen(name) / 3 && (!*best || d < setting_distance(text, *best))) {
		*best = name;
	}
}

/* Prints a number as one would write it. */
static void setting_print_size(char *text, size_t size, uint64_t n)
{
	static const char *const units[] = {"", "K", "M", "G", "T"};
	int unit = 0;

	while (n && n % 1024 == 0 && unit < 4) {
		n /= 1024;
		unit++;
	}
	snprintf(text, size, "%" PRIu64 "%s", n, units[unit]);
}

/* "one of no, try or require" */
static void setting_list_words(const char *const *words, char *text, size_t size)
{
	size_t n = (size_t)snprintf(text, size, "one of ");

	for (size_t i = 0; words[i] && n < size; i++) {
		n += (size_t)snprintf(text + n, size - n, "%s%s",
				      i == 0         ? ""
				      : words[i + 1] ? ", "
						     : " or ",
				      words[i]);
	}
}

void setting_range(const struct setting *s, char *text, size_t size)
{
	static const char *const words[] = {
		[SETTING_ID] = "a number, with 0x in hexadecimal",
		[SETTING_TIME] = "a time such as 10s, 500ms or 2min, a day at most",
		[SETTING_MODE] = "permission bits in octal, such as 0660",
		[SETTING_CACHE] = "none or off, or 16, 48, 80 ... 496",
		[SETTING_LEVEL] = "error, warning, info or debug",
		[SETTING_USER] = "a user that exists, or a number",
		[SETTING_GROUP] = "a group that exists, or a number",
		[SETTING_INSTANCE] = "1 to 32 of a-z 0-9 _ -",
		[SETTING_POOL] = "1 to 64 of a-z 0-9 . _ -", /* the last type */
	};
	char min[32], max[32];

	if (s->type == SETTING_WORD) {
		setting_list_words(s->words, text, size);
	} else if (s->type == SETTING_PATH) {
		snprintf(text, size, "an absolute path of at most %u bytes", (unsigned)s->max);
	} else if (s->type == SETTING_PERCENT) {
		snprintf(text, size, "a percentage from %u%% to %u%%", (unsigned)s->min,
			 (unsigned)s->max);
	} else if (words[s->type]) {
		snprintf(text, size, "%s", words[s->type]);
	} else if (s->max == NO_END) {
		snprintf(text, size, "a whole number%s, with K, M, G or T behind it or without",
			 s->type == SETTING_SIZE ? " of bytes" : "");
	} else {
		setting_print_size(min, sizeof min, s->min);
		setting_print_size(max, sizeof max, s->max);
		snprintf(text, size, "a number from %s to %s%s", min, max,
			 s->type == SETTING_SIZE ? ", whole bytes such as 4096, 64K or 1.5M" : "");
	}
}

void setting_print(const struct setting_table *table, FILE *to)
{
	const char *section = "";
	char range[160];

	for (size_t i = 0; i < table->n; i++) {
		const struct setting *s = &table->settings[i];
		if (strcmp(section, s->section) != 0) {
			section = s->section;
			fprintf(to, "\n[%s]\n", section);
		}
		setting_range(s, range, sizeof range);
		fprintf(to, "\n# %s\n# %c%s%s.\n#%s =%s%s\n", s->about,
			toupper((unsigned char)*range), range + 1,
			s->fixed ? "; a change needs a restart" : "", s->name,
			*s->standard ? " " : "", s->standard);
	}
}
