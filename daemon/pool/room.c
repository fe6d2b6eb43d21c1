/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <sys/statvfs.h>

#include "daemon/pool/build.h"
#include "daemon/pool/growth.h"
#include "daemon/pool/pool.h"
#include "daemon/pool/room.h"
#include "daemon/pool/pools.h"

/* What pools of that backing have yet to take. */
static uint64_t room_promised(const struct pools *pools, uint8_t backing)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < REGISTRY_POOLS; i++) {
		const struct pool *pool = pools->of[i];
		if (!pool || pool->record->terms.backing != backing) {
			continue;
		}
		sum += pool->build ? build_needs(pool->build) : 0;
		sum += pool->growth ? growth_needs(pool->growth) : 0;
	}
	return sum;
}

/* Of /dev/shm. A tmpfs without a limit says that it has no blocks. */
static uint64_t room_shm_left(const struct pools *pools)
{
	struct statvfs fs;

	if (fstatvfs(pools->registry.fd, &fs) < 0 || fs.f_blocks == 0) {
		return UINT64_MAX;
	}
	return (uint64_t)fs.f_bavail * fs.f_frsize;
}

static uint64_t room_memory_left(void)
{
	char line[128];
	uint64_t kib = UINT64_MAX >> 10;
	FILE *file = fopen("/proc/meminfo", "re");

	while (file && fgets(line, sizeof line, file) &&
	       sscanf(line, "MemAvailable: %" SCNu64, &kib) != 1) {
	}
	if (file) {
		fclose(file);
	}
	return kib << 10;
}

bool room_for(const struct pools *pools, const struct registry_pool *record, uint64_t need,
	      uint64_t *left)
{
	uint8_t backing = record->terms.backing;
	uint64_t taken = room_promised(pools, backing);

	*left = backing == WIRE_MEMFD ? room_memory_left() : room_shm_left(pools);
	*left -= taken < *left ? taken : *left;
	return need <= *left;
}
