/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/config/table.h"
#include "daemon/config/parse.h"
#include "daemon/configure.h"
#include "daemon/base/log.h"
#include "daemon/request/preset.h"

static void configure_tell(void *unused, const char *line)
{
	(void)unused;
	log_error("%s", line);
}

static const char *configure_or_null(const char *text)
{
	return *text ? text : NULL;
}

int configure(struct configuration *configuration, struct options *options)
{
	struct config *config = &configuration->config;
	struct faults faults = {.tell = configure_tell};
	int r = source_find(&configuration->source, options->config, options->runtime_dir);

	parse_init(config);
	if (r < 0) {
		log_error("the path of mempoold.conf is too long");
		return r;
	}
	source_read_main(&configuration->source, config, &faults);
	if (faults.n > 0) {
		log_error("mempoold does not start with such a configuration; mempoold "
			  "--check-config checks it");
		return -EINVAL;
	}
	source_read_pools(&configuration->source, config, &faults);
	configuration->log_level_said = options->log_level_said;
	if (!options->log_level_said) {
		log_set_level((enum log_level)config->log_level);
	}
	options->socket = options->socket ? options->socket : configure_or_null(config->socket);
	options->instance =
		options->instance ? options->instance : configure_or_null(config->instance);
	options->runtime_dir = options->runtime_dir ? options->runtime_dir
						    : configure_or_null(config->runtime_dir);
	return 0;
}

static bool configure_is_same(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

/*
 * Puts into @new what @old says about settings that only a restart changes. Logs those for which
 * the files say something else now.
 */
static void configure_keep_fixed(struct config *old, struct config *new)
{
	char names[256] = "";
	size_t n = 0;

	for (size_t i = 0; i < table_main.n; i++) {
		const struct setting *s = &table_main.settings[i];
		struct config_said said = new->said[i];
		if (!s->fixed) {
			continue;
		}
		if (!configure_is_same(old->said[i].text, said.text)) {
			n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", n ? ", " : "",
					      s->name);
		}
		new->said[i] = old->said[i];
		old->said[i] = said;
	}
	if (n > 0) {
		log_warning("needs a restart, and stays as it was: %s", names);
	}
}

/* Logs the lines, of which each ends. */
static void configure_tell_all(const char *lines)
{
	while (*lines) {
		size_t n = strcspn(lines, "\n");
		log_error("%.*s", (int)n, lines);
		lines += n + (lines[n] != 0);
	}
}

bool configure_is_fixed(const struct configuration *configuration)
{
	return *configuration->source.main == 0;
}

void configure_again(struct configuration *configuration, struct pools *pools,
		     struct reading_result *result)
{
	configure_tell_all(result->faults);
	if (result->n_faults > 0) {
		log_error(
			"the configuration has faults: all stays as it was; mend them and reload");
		config_finish(&result->config);
		return;
	}
	configure_keep_fixed(&configuration->config, &result->config);
	preset_tell_vanished(pools, &configuration->config, &result->config);
	config_finish(&configuration->config);
	configuration->config = result->config;
	if (!configuration->log_level_said) {
		log_set_level((enum log_level)configuration->config.log_level);
	}
	preset_make_all(pools);
	log_info("configuration read again");
}
