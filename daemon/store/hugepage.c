/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/store/hugepage.h"

#define SHMEM_ENABLED "/sys/kernel/mm/transparent_hugepage/shmem_enabled"

/* Whether the kernel's setting for memfds, "always within_size [advise] never", allows them. */
static bool hugepage_memfd_may(void)
{
	char text[128] = "";
	FILE *file = fopen(SHMEM_ENABLED, "re");

	if (file) {
		if (!fgets(text, sizeof text, file)) {
			*text = 0;
		}
		fclose(file);
	}
	return *text && !strstr(text, "[never]") && !strstr(text, "[deny]");
}

/*
 * Whether the mount of /dev/shm, "... /dev/shm ... tmpfs tmpfs rw,huge=advise", allows them. The
 * last such line counts.
 */
static bool hugepage_shm_may(void)
{
	char line[1024];
	bool may = false;
	FILE *file = fopen("/proc/self/mountinfo", "re");

	while (file && fgets(line, sizeof line, file)) {
		if (strstr(line, " /dev/shm ")) {
			may = strstr(line, "huge=") && !strstr(line, "huge=never");
		}
	}
	if (file) {
		fclose(file);
	}
	return may;
}

bool hugepage_possible(uint8_t backing)
{
	return backing == WIRE_MEMFD ? hugepage_memfd_may() : hugepage_shm_may();
}

bool hugepage_suffices(const struct wire_terms *terms)
{
	return terms->huge_pages != WIRE_REQUIRE || hugepage_possible(terms->backing);
}

uint64_t hugepage_count(const void *at)
{
	char line[512];
	uint64_t from, kib = 0;
	bool inside = false;
	FILE *file = fopen("/proc/self/smaps", "re");

	while (file && fgets(line, sizeof line, file)) {
		if (sscanf(line, "%" SCNx64 "-%*x ", &from) == 1 && strchr(line, '-')) {
			if (inside) {
				break;
			}
			inside = from == (uintptr_t)at;
		} else if (inside && sscanf(line, "ShmemPmdMapped: %" SCNu64, &kib) == 1) {
			break;
		}
	}
	if (file) {
		fclose(file);
	}
	return kib << 10;
}
