/* SPDX-License-Identifier: MIT */
#include <sys/statvfs.h>

#include "daemon/build.h"
#include "daemon/grow.h"
#include "daemon/pool.h"
#include "daemon/room.h"
#include "daemon/server.h"

static uint64_t promised(const struct server *server)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < REGISTRY_POOLS; i++) {
		const struct pool *pool = server->pools[i];
		sum += pool && pool->build ? build_needs(pool->build) : 0;
		sum += pool && pool->growth ? growth_needs(pool->growth) : 0;
	}
	return sum;
}

bool room_for(const struct server *server, uint64_t need, uint64_t *left)
{
	uint64_t taken = promised(server);
	struct statvfs fs;

	/* A tmpfs without a limit says that it has no blocks. */
	if (fstatvfs(server->registry.fd, &fs) < 0 || fs.f_blocks == 0) {
		*left = UINT64_MAX;
		return true;
	}
	*left = (uint64_t)fs.f_bavail * fs.f_frsize;
	*left -= taken < *left ? taken : *left;
	return need <= *left;
}
