/* SPDX-License-Identifier: MIT */
/*
 * parse_read_line() hands inih one line at a time. So parse_take() knows which line inih reports,
 * and a line that inih does not report is a fault. Behind each heading inih gets a line of ours,
 * KEY_HEADING, because inih does not report a section without keys. Lines that inih would cut off,
 * or take for the continuation of another line, are faults that it never sees.
 */
#include <ctype.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/parse.h"
#include "daemon/config/table.h"
#include "lib/core/layout.h"

#define KEY_HEADING "\001"
#define LONGEST_SECTION 48 /* characters; inih cuts off the rest */

struct parsing {
	struct config *config;
	struct preset *preset; /* which the file describes; NULL: this is the main file */
	const struct setting_table *table;
	struct config_said *said; /* in the order of the table */
	const char *file;
	struct faults *faults;

	const char *text; /* the rest of the file */
	size_t n;
	unsigned line;
	bool expects;      /* inih has a line that it must report */
	bool heading;      /* that line was a heading: inih gets KEY_HEADING next */
	bool skipping;     /* the section is unknown, which was told */
	struct rule *rule; /* of the section */
};

/* ---- lines ---- */

/* Why inih must not see this line, or NULL. */
static const char *parse_find_fault(const char *line, size_t n, size_t most)
{
	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)line[i] < ' ' && line[i] != '\t') {
			return "a control character: remove it";
		}
	}
	if (n > most) {
		return "the line is too long: say the key again for the rest of a list, or use "
		       "shorter names";
	}
	if (n > 0 && *line == '[') {
		const char *end = memchr(line, ']', n);
		if (!end || memchr(line, ';', (size_t)(end - line))) {
			return "the heading does not end: put a ] behind it";
		}
		if (end - line - 1 > LONGEST_SECTION) {
			return "the heading is longer than 48 characters: use a shorter prefix";
		}
	}
	return NULL;
}

/* Takes the next line of the file, and returns it without blanks at its ends. */
static const char *parse_next_line(struct parsing *p, size_t *n)
{
	const char *line = p->text, *end = memchr(line, '\n', p->n);
	size_t size = end ? (size_t)(end - line) : p->n;

	p->text += size + (end != NULL);
	p->n -= size + (end != NULL);
	p->line++;
	if (size > 0 && line[size - 1] == '\r') {
		size--;
	}
	while (size > 0 && isspace((unsigned char)*line)) {
		line++;
		size--;
	}
	while (size > 0 && isspace((unsigned char)line[size - 1])) {
		size--;
	}
	*n = size;
	return line;
}

static void parse_expect_nothing(struct parsing *p)
{
	if (p->expects) {
		fault(p->faults, p->file, p->line,
		      "neither a [section] nor `key = value`: put a # before what is a comment");
	}
	p->expects = false;
}

/* Writes the next line for inih to @to: an ini_reader, as fgets(). */
static char *parse_read_line(char *to, int size, void *arg)
{
	struct parsing *p = arg;

	if (p->heading) {
		p->heading = false;
		p->expects = true;
		return strcpy(to, KEY_HEADING "=\n");
	}
	parse_expect_nothing(p);
	while (p->n > 0) {
		size_t n, most = (size_t)size - 3;
		const char *line = parse_next_line(p, &n);
		const char *why = parse_find_fault(line, n, most);
		if (why) {
			fault(p->faults, p->file, p->line, "%s", why);
			p->skipping = p->skipping || (n > 0 && *line == '[');
		} else if (n > 0 && *line != '#' && *line != ';') {
			p->heading = *line == '[';
			p->expects = !p->heading;
			memcpy(to, line, n);
			memcpy(to + n, "\n", 2);
			return to;
		}
	}
	return NULL;
}

/* ---- sections ---- */

static bool parse_has_section(const struct setting_table *table, const char *section)
{
	for (size_t i = 0; i < table->n; i++) {
		if (!strcmp(table->settings[i].section, section)) {
			return true;
		}
	}
	return false;
}

static void parse_begin_rule(struct parsing *p, const char *pattern)
{
	pattern += strspn(pattern, " \t");
	p->rule = rules_get(&p->config->rules, pattern);
	p->skipping = !p->rule;
	if (!p->rule) {
		fault(p->faults, p->file, p->line,
		      "'%s' is no pool's name: say 1 to 64 of a-z 0-9 . _ -, with a * at the end "
		      "for all that begin so",
		      pattern);
	}
}

static void parse_begin_section(struct parsing *p, const char *section)
{
	const char *near = p->preset ? "pool" : NULL;

	p->rule = NULL;
	p->skipping = false;
	if (parse_has_section(p->table, section)) {
		return;
	}
	if (!p->preset && strncmp(section, "access", 6) == 0 &&
	    (section[6] == 0 || section[6] == ' ')) {
		parse_begin_rule(p, section + 6);
		return;
	}
	p->skipping = true;
	for (size_t i = 0; i < p->table->n; i++) {
		setting_consider(section, p->table->settings[i].section, &near);
	}
	fault(p->faults, p->file, p->line, "unknown section [%s]: did you mean [%s]?", section,
	      near ? near : "access NAME");
}

/* ---- keys ---- */

static void parse_unknown_key(const struct parsing *p, const char *section, const char *name)
{
	const char *near = NULL;
	const struct setting *elsewhere = setting_find(p->table, NULL, name);

	if (elsewhere && !p->rule) {
		fault(p->faults, p->file, p->line,
		      "'%s' does not belong to [%s]: put it below [%s]", name, section,
		      elsewhere->section);
		return;
	}
	for (int i = 0; p->rule && i < RULE_ACTIONS; i++) {
		setting_consider(name, rule_action_name((enum rule_action)i), &near);
	}
	for (size_t i = 0; !p->rule && i < p->table->n; i++) {
		setting_consider(name, p->table->settings[i].name, &near);
	}
	if (near) {
		fault(p->faults, p->file, p->line, "unknown key '%s' in [%s]: did you mean '%s'?",
		      name, section, near);
	} else {
		fault(p->faults, p->file, p->line,
		      "unknown key '%s' in [%s]: remove it; mempoold --print-config prints all",
		      name, section);
	}
}

static void parse_take_setting(struct parsing *p, const char *section, const char *name,
			       const char *value)
{
	const struct setting *s = setting_find(p->table, section, name);
	void *base = p->preset ? (void *)p->preset : p->config;
	struct config_said *said;
	char why[SETTING_TEXT * 2];

	if (!s) {
		parse_unknown_key(p, section, name);
		return;
	}
	said = &p->said[s - p->table->settings];
	if (said->text) {
		fault(p->faults, p->file, p->line, "%s is said in line %u already: remove one",
		      name, said->line);
		return;
	}
	if (!setting_take(s, base, value, why, sizeof why)) {
		fault(p->faults, p->file, p->line, "%s", why);
	}
	*said = (struct config_said){.text = strdup(value), .line = p->line};
}

static void parse_take_rule(struct parsing *p, const char *section, const char *name,
			    const char *value)
{
	enum rule_action action = rule_action_of(name);
	char why[SETTING_TEXT];

	if (action == RULE_ACTIONS) {
		parse_unknown_key(p, section, name);
	} else if (!rule_add(p->rule, action, value, why, sizeof why)) {
		fault(p->faults, p->file, p->line, "%s", why);
	}
}

/* Takes what inih found in its line: an ini_handler. */
static int parse_take(void *arg, const char *section, const char *name, const char *value)
{
	struct parsing *p = arg;

	p->expects = false;
	if (!name || !strcmp(name, KEY_HEADING)) {
		parse_begin_section(p, section);
	} else if (p->skipping) {
		return 1;
	} else if (*section == 0) {
		fault(p->faults, p->file, p->line, "'%s' is in no section: put [%s] above it", name,
		      p->table->settings[0].section);
		p->skipping = true;
	} else if (p->rule) {
		parse_take_rule(p, section, name, value ? value : "");
	} else {
		parse_take_setting(p, section, name, value ? value : "");
	}
	return 1;
}

static void parse_lines(struct parsing *p)
{
	/* Skips the mark that some editors put before UTF-8. */
	if (p->n >= 3 && memcmp(p->text, "\xef\xbb\xbf", 3) == 0) {
		p->text += 3;
		p->n -= 3;
	}
	ini_parse_stream(parse_read_line, p, parse_take, p);
	parse_expect_nothing(p);
}

/* ---- files ---- */

/* The line in which the key stands, or 0. */
static unsigned parse_line_of(const struct parsing *p, const char *name)
{
	return p->said[setting_find(p->table, NULL, name) - p->table->settings].line;
}

void parse_init(struct config *config)
{
	*config = (struct config){.n_presets = 0};
	setting_reset(&table_main, config);
}

void parse_main(struct config *config, const char *text, size_t n, const char *file,
		struct faults *faults)
{
	struct parsing p = {
		.config = config,
		.table = &table_main,
		.said = config->said,
		.file = file,
		.faults = faults,
		.text = text,
		.n = n,
	};

	parse_lines(&p);
	if (config->limits.sessions_kept >= config->limits.sessions) {
		unsigned line = parse_line_of(&p, "sessions_kept");
		fault(faults, file, line ? line : parse_line_of(&p, "sessions"),
		      "sessions_kept leaves no session to others: make it less than sessions");
	}
}

/* Names the pool after its file, without folder and suffix. */
static void parse_name_by_file(const struct parsing *p, struct preset *preset)
{
	const char *slash = strrchr(p->file, '/'), *base = slash ? slash + 1 : p->file;
	const struct setting *setting = setting_find(p->table, "pool", "name");
	char name[SETTING_TEXT], why[SETTING_TEXT * 2];
	size_t n = strlen(base);

	if (n > 5 && !strcmp(base + n - 5, ".pool")) {
		n -= 5;
	}
	snprintf(name, sizeof name, "%.*s", (int)n, base);
	if (!setting_take(setting, preset, name, why, sizeof why)) {
		fault(p->faults, p->file, 0, "%s, in the file's name or by name =", why);
	}
}

static void parse_check_name(const struct parsing *p, struct preset *preset)
{
	if (*preset->name == 0) {
		parse_name_by_file(p, preset);
	}
	for (size_t i = 0; i < p->config->n_presets; i++) {
		const struct preset *other = &p->config->presets[i];
		if (!strcmp(other->name, preset->name)) {
			fault(p->faults, p->file, parse_line_of(p, "name"),
			      "pool '%s' is described by %s already: choose another name",
			      preset->name, other->file);
		}
	}
}

/* Tells what is wrong with the pool as a whole. */
static void parse_check_preset(const struct parsing *p, struct preset *preset)
{
	struct mp_shape shape = {
		.block_size = preset->block_size,
		.blocks = preset->blocks,
		.max_blocks = preset->max_blocks,
		.alignment = preset->alignment,
		.n_caches = preset->threads,
		.n_slots = preset->processes,
		.n_shards = preset->shards,
		.n_channels = preset->channels,
		.depth = preset->channel_depth,
	};
	const char *why;

	parse_check_name(p, preset);
	if (preset->block_size == 0 || preset->blocks == 0) {
		fault(p->faults, p->file, 0, "%s is missing: say it below [pool]",
		      preset->blocks ? "block_size" : "blocks");
	} else if ((why = mp_shape_resolve(&shape, 1)) != NULL) {
		fault(p->faults, p->file, 0, "there is no such pool: %s", why);
	}
	if (preset->thread_cache != UINT32_MAX && preset->thread_cache % 32 != 16 &&
	    preset->thread_cache != 0) {
		fault(p->faults, p->file, parse_line_of(p, "thread_cache"),
		      "thread_cache cannot be %u: say none, or 16, 48, 80 ... 496",
		      preset->thread_cache);
	}
	if (preset->schema_version && !preset->schema) {
		fault(p->faults, p->file, parse_line_of(p, "schema_version"),
		      "schema_version without schema: say the schema, or remove it");
	}
}

static void parse_add_preset(struct config *config, const struct preset *preset,
			     struct faults *faults)
{
	struct preset *all = reallocarray(config->presets, config->n_presets + 1, sizeof *all);
	char *file = strdup(preset->file);

	config->presets = all ? all : config->presets;
	if (!all || !file) {
		fault(faults, preset->file, 0, "no memory is left: free some");
		free(file);
		return;
	}
	all[config->n_presets] = *preset;
	all[config->n_presets++].file = file;
}

void parse_pool(struct config *config, const char *text, size_t n, const char *file,
		struct faults *faults)
{
	struct preset preset = {.file = (char *)(uintptr_t)file};
	struct config_said said[SETTING_POOL_N] = {{NULL, 0}};
	struct parsing p = {
		.config = config,
		.preset = &preset,
		.table = &table_pool,
		.said = said,
		.file = file,
		.faults = faults,
		.text = text,
		.n = n,
	};
	size_t before = faults->n;

	setting_reset(&table_pool, &preset);
	parse_lines(&p);
	if (faults->n == before) {
		parse_check_preset(&p, &preset);
	}
	if (faults->n == before) {
		parse_add_preset(config, &preset, faults);
	}
	for (size_t i = 0; i < table_pool.n; i++) {
		free(said[i].text);
	}
}
