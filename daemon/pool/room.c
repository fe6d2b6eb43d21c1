/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "daemon/base/cgroup.h"
#include "daemon/pool/build.h"
#include "daemon/pool/growth.h"
#include "daemon/pool/pool.h"
#include "daemon/pool/room.h"
#include "daemon/pool/pools.h"
#include "daemon/store/reserve.h"

#define MIB(bytes) ((unsigned long long)(bytes) >> 20)
#define MIB_UP(bytes) MIB((bytes) + (1u << 20) - 1)
#define OWN_SPACE (64u << 20) /* address space that the daemon wants for itself */

/* What pools of that backing have yet to take; of any with WIRE_BACKING_AUTO. */
static uint64_t room_promised(const struct pools *pools, uint8_t backing)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < REGISTRY_POOLS; i++) {
		const struct pool *pool = pools->of[i];
		if (!pool ||
		    (backing != WIRE_BACKING_AUTO && pool->record->terms.backing != backing)) {
			continue;
		}
		sum += pool->build ? build_needs(pool->build) : 0;
		sum += pool->growth ? growth_needs(pool->growth) : 0;
	}
	return sum;
}

/* A number of /proc/meminfo, in bytes. UINT64_MAX: nobody knows. */
static uint64_t room_read_meminfo(const char *format)
{
	char line[128];
	uint64_t kib = UINT64_MAX >> 10;
	FILE *file = fopen("/proc/meminfo", "re");

	while (file && fgets(line, sizeof line, file) && sscanf(line, format, &kib) != 1) {
	}
	if (file) {
		fclose(file);
	}
	return kib == UINT64_MAX >> 10 ? UINT64_MAX : kib << 10;
}

/* Of /dev/shm, what is free or all there is. A tmpfs without a limit says that it has no blocks. */
static uint64_t room_shm(const struct pools *pools, bool free)
{
	struct statvfs fs;

	if (fstatvfs(pools->registry.fd, &fs) < 0 || fs.f_blocks == 0) {
		return UINT64_MAX;
	}
	return (uint64_t)(free ? fs.f_bavail : fs.f_blocks) * fs.f_frsize;
}

static uint64_t room_less(uint64_t bytes, uint64_t taken)
{
	return bytes == UINT64_MAX ? bytes : taken < bytes ? bytes - taken : 0;
}

uint64_t room_total(const struct pools *pools, uint8_t backing)
{
	uint64_t shm = backing == WIRE_SHM ? room_shm(pools, false) : UINT64_MAX;
	long pages = sysconf(_SC_PHYS_PAGES);
	struct cgroup_limit cgroup;
	uint64_t memory;

	if (shm != UINT64_MAX) {
		return shm;
	}
	cgroup_look("", &cgroup);
	memory = pages > 0 ? (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE) : UINT64_MAX;
	return cgroup.limit < memory ? cgroup.limit : memory;
}

/* ---- what might be wanting; each returns as room_check() ---- */

static int room_check_memory(const struct pools *pools, const struct registry_pool *record,
			     uint64_t need, char *text, size_t size)
{
	uint8_t backing = record->terms.backing;
	uint64_t left = backing == WIRE_MEMFD ? room_read_meminfo("MemAvailable: %" SCNu64)
					      : room_shm(pools, true);

	left = room_less(left, room_promised(pools, backing));
	if (need <= left) {
		return 0;
	}
	snprintf(text, size,
		 "needs %llu MiB and %s has %llu MiB free; make it smaller, destroy other "
		 "pools%s",
		 MIB_UP(need), memory_name(record), MIB(left),
		 backing == WIRE_SHM
			 ? ", ask for backing memfd, or mount /dev/shm with a bigger size"
			 : "");
	return ENOSPC;
}

static int room_check_cgroup(const struct pools *pools, uint64_t need, char *text, size_t size)
{
	uint64_t left, want = need + reserve_overhead(need);
	struct cgroup_limit cgroup;

	cgroup_look("", &cgroup);
	left = room_less(cgroup.left, room_promised(pools, WIRE_BACKING_AUTO));
	if (want <= left) {
		return 0;
	}
	snprintf(text, size,
		 "needs %llu MiB and cgroup %.24s has %llu left (%s); make it smaller, or raise "
		 "%s",
		 MIB_UP(want), cgroup.group, MIB(left), cgroup.file, cgroup.setting);
	return EDQUOT;
}

static uint64_t room_rlimit(int resource)
{
	struct rlimit limit;

	return getrlimit(resource, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX
										  : limit.rlim_cur;
}

/* An object has its whole size at once, with the blocks that it may grow to. */
static int room_check_file_size(const struct registry_pool *record, char *text, size_t size)
{
	uint64_t most = room_rlimit(RLIMIT_FSIZE);
	uint64_t object =
		record->data_size > record->control_size ? record->data_size : record->control_size;

	if (object <= most) {
		return 0;
	}
	snprintf(text, size,
		 "needs a file of %llu MiB, max_blocks, and mempoold may make %llu; make it "
		 "smaller, or raise mempoold's LimitFSIZE= or ulimit -f",
		 MIB_UP(object), MIB(most));
	return EDQUOT;
}

/* Bytes of address space in use; all there is when nobody knows, as then nothing is checked. */
static uint64_t room_space_used(void)
{
	uint64_t pages = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	if (file && fscanf(file, "%" SCNu64, &pages) != 1) {
		pages = 0;
	}
	if (file) {
		fclose(file);
	}
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* The daemon maps the bookkeeping of every pool. */
static int room_check_space(const struct registry_pool *record, char *text, size_t size)
{
	uint64_t most = room_rlimit(RLIMIT_AS), left;

	if (most == UINT64_MAX) {
		return 0;
	}
	left = room_less(most, room_space_used() + OWN_SPACE);
	if (record->control_size <= left) {
		return 0;
	}
	snprintf(text, size,
		 "needs %llu MiB of address space, and mempoold has %llu left; make it smaller, "
		 "or raise mempoold's LimitAS= or ulimit -v",
		 MIB_UP(record->control_size), MIB(left));
	return EDQUOT;
}

int room_check(const struct pools *pools, const struct registry_pool *record, uint64_t need,
	       bool is_new, char *text, size_t size)
{
	int r = is_new ? room_check_file_size(record, text, size) : 0;

	r = r || !is_new ? r : room_check_space(record, text, size);
	r = r ? r : room_check_memory(pools, record, need, text, size);
	return r ? r : room_check_cgroup(pools, need, text, size);
}
