/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/fuzz/world.h"

#define SECOND_NS 1000000000u
#define GUARD ((size_t)4 << 30)

static uint64_t now_ns, tick;

void world_begin(uint64_t tick_ns)
{
	now_ns = SECOND_NS;
	tick = tick_ns;
}

int world_clock_gettime(clockid_t clock, struct timespec *now)
{
	(void)clock;
	now_ns += tick;
	*now = (struct timespec){
		.tv_sec = (time_t)(now_ns / SECOND_NS),
		.tv_nsec = (long)(now_ns % SECOND_NS),
	};
	return 0;
}

int world_nanosleep(const struct timespec *request, struct timespec *left)
{
	(void)left;
	now_ns += (uint64_t)request->tv_sec * SECOND_NS + (uint64_t)request->tv_nsec;
	return 0;
}

long world_syscall(long number, ...)
{
	va_list args;

	if (number == SYS_futex || number == SYS_membarrier) {
		return 0;
	}
	if (number == SYS_gettid) {
		return syscall(number);
	}
	if (number != SYS_pidfd_open) {
		abort(); /* one that is not known here */
	}
	va_start(args, number);
	pid_t pid = va_arg(args, pid_t);
	unsigned flags = va_arg(args, unsigned);
	va_end(args);
	return syscall(number, pid, flags);
}

static size_t in_pages(size_t size)
{
	return (size + 4095) & ~(size_t)4095;
}

void *world_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
	unsigned char *base = mmap(NULL, in_pages(size) + 2 * GUARD, PROT_NONE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (address || base == MAP_FAILED) {
		abort();
	}
	void *p = mmap(base + GUARD, size, protection, flags | MAP_FIXED, fd, offset);
	if (p == MAP_FAILED) {
		munmap(base, in_pages(size) + 2 * GUARD);
	}
	return p;
}

int world_munmap(void *address, size_t size)
{
	return munmap((unsigned char *)address - GUARD, in_pages(size) + 2 * GUARD);
}

ssize_t world_write(int fd, const void *bytes, size_t size)
{
	(void)bytes;
	if (fd != STDERR_FILENO) {
		abort();
	}
	return (ssize_t)size;
}
