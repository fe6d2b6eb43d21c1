/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/table.h"
#include "daemon/config/parse.h"
#include "daemon/check.h"
#include "daemon/config/source.h"

static void check_print_line(void *unused, const char *line)
{
	(void)unused;
	puts(line);
}

/* Prints all settings in the form of a file; a comment says where each comes from. */
static void check_print_settings(const struct config *config)
{
	const char *section = "";

	printf("# %s\n", config->file ? config->file : "no mempoold.conf");
	for (size_t i = 0; i < table_main.n; i++) {
		const struct setting *s = &table_main.settings[i];
		const struct config_said *said = &config->said[i];
		const char *value = said->text ? said->text : s->standard;
		if (strcmp(section, s->section) != 0) {
			section = s->section;
			printf("[%s]\n", section);
		}
		printf("%s =%s%s ; ", s->name, *value ? " " : "", value);
		if (said->text) {
			printf("line %u\n", said->line);
		} else {
			puts("default");
		}
	}
}

static void check_print_rule(const struct rule *rule)
{
	printf("[access %s]\n", rule->pattern);
	for (int action = 0; action < RULE_ACTIONS; action++) {
		const struct rule_list *list = &rule->lists[action];
		if (!list->said) {
			continue;
		}
		printf("%s =", rule_action_name((enum rule_action)action));
		for (size_t i = 0; i < list->n; i++) {
			const struct rule_party *party = &list->parties[i];
			if (party->kind == RULE_ANYBODY) {
				fputs(" *", stdout);
			} else {
				printf(party->kind == RULE_GROUP ? " @%u" : " %u", party->id);
			}
		}
		putchar('\n');
	}
}

static void check_print_all(const struct config *config)
{
	check_print_settings(config);
	for (size_t i = 0; i < config->rules.n; i++) {
		check_print_rule(&config->rules.rules[i]);
	}
	for (size_t i = 0; i < config->n_presets; i++) {
		const struct preset *preset = &config->presets[i];
		printf("# %s: pool '%s', %u blocks of %llu bytes\n", preset->file, preset->name,
		       preset->blocks, (unsigned long long)preset->block_size);
	}
}

int check_config(const struct options *options)
{
	struct faults faults = {.tell = check_print_line};
	struct config config;
	struct source source;

	parse_init(&config);
	if (source_find(&source, options->config, options->runtime_dir) < 0) {
		fault(&faults, options->config ? options->config : "mempoold.conf", 0,
		      "the path is too long: use a shorter one");
	} else {
		source_read_main(&source, &config, &faults);
		source_read_pools(&source, &config, &faults);
	}
	if (options->verbose && faults.n == 0) {
		check_print_all(&config);
	}
	if (faults.n == 0) {
		puts("configuration is good");
	}
	config_finish(&config);
	return faults.n == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
