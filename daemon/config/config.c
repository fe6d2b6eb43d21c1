/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "daemon/config/config.h"

void config_finish(struct config *config)
{
	rules_finish(&config->rules);
	for (size_t i = 0; i < config->n_presets; i++) {
		free(config->presets[i].file);
	}
	for (size_t i = 0; i < SETTING_MAIN_N; i++) {
		free(config->said[i].text);
	}
	free(config->presets);
	free(config->file);
	*config = (struct config){.n_presets = 0};
}
