/* SPDX-License-Identifier: MIT */
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>

#include "lib/process.h"

static struct process *the_process;
static pthread_once_t once = PTHREAD_ONCE_INIT;

void *process_map(size_t size)
{
	void *page = mmap(NULL, size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (page == MAP_FAILED) {
		return NULL;
	}
	if (madvise(page, size, MADV_WIPEONFORK) != 0) {
		munmap(page, size);
		return NULL;
	}
	return page;
}

static void process_make(void)
{
	the_process = process_map(sizeof *the_process);
}

/* A random number, so that no ancestor had the same. */
static uint64_t process_new_epoch(void)
{
	uint64_t epoch = 0;

	if (getrandom(&epoch, sizeof epoch, GRND_NONBLOCK) != sizeof epoch) {
		struct timespec now;
		clock_gettime(CLOCK_MONOTONIC, &now);
		epoch = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	}
	return epoch | 1;
}

struct process *process_get(void)
{
	pthread_once(&once, process_make);
	if (the_process && mp_load(&the_process->epoch) == 0) {
		/* Zeros are unlocked mutexes: only the epoch is missing; the first CAS sets it. */
		mp_cas(&the_process->epoch, 0, process_new_epoch());
	}
	return the_process;
}

uint64_t process_epoch(void)
{
	return the_process ? mp_load(&the_process->epoch) : 0;
}

void calm_begin(struct calm *calm)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &calm->signals);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &calm->cancel);
}

void calm_end(const struct calm *calm)
{
	pthread_setcancelstate(calm->cancel, NULL);
	pthread_sigmask(SIG_SETMASK, &calm->signals, NULL);
}

int process_take_place(struct process *process)
{
	for (int i = 0; i < PROCESS_POOLS; i++) {
		if (!process->places[i]) {
			process->places[i] = true;
			return i;
		}
	}
	return -1;
}
