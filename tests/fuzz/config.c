/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes configuration files, as the daemon reads them: the first byte says which of the two kinds,
 * the rest is the file. A pool that was read without a fault is named and has a size; one that has
 * a fault is not there.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/config/parse.h"
#include "daemon/config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static size_t told;

static void count_line(void *unused, const char *line)
{
	(void)unused;
	told += strchr(line, '\n') == NULL;
}

static void check(const struct config *config, const struct faults *faults)
{
	if (faults->n != told || config->n_presets > (faults->n == 0)) {
		abort();
	}
	for (size_t i = 0; i < config->n_presets; i++) {
		const struct preset *preset = &config->presets[i];
		size_t length = strnlen(preset->name, sizeof preset->name);
		if (length == 0 || length > 64 || preset->block_size == 0) {
			abort();
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct faults faults = {.tell = count_line};
	struct config config;

	if (n == 0) {
		return 0;
	}
	told = 0;
	parse_init(&config);
	if (*data == 'p') {
		parse_pool(&config, (const char *)data + 1, n - 1, "frames.pool", &faults);
	} else {
		parse_main(&config, (const char *)data + 1, n - 1, "mempoold.conf", &faults);
	}
	check(&config, &faults);
	config_finish(&config);
	return 0;
}
