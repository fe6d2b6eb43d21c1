/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>

#include "daemon/base/guard.h"

static struct {
	sigjmp_buf env;
	uintptr_t base;
	size_t size; /* 0: nothing is guarded */
} guarded;

static void guard_on_bus_error(int signal_number, siginfo_t *info, void *context)
{
	uintptr_t address = (uintptr_t)info->si_addr;

	(void)context;
	if (info->si_code > 0 && address - guarded.base < guarded.size) {
		siglongjmp(guarded.env, 1);
	}
	/* Not a guarded access: the kernel repeats it without our handler, and kills the daemon. */
	signal(signal_number, SIG_DFL);
	if (info->si_code <= 0) {
		raise(signal_number);
	}
}

int guard_install(void)
{
	/* SA_NODEFER: the handler jumps out, and would leave SIGBUS blocked. */
	struct sigaction action = {.sa_flags = SA_SIGINFO | SA_NODEFER};

	action.sa_sigaction = guard_on_bus_error;
	return sigaction(SIGBUS, &action, NULL) < 0 ? -errno : 0;
}

int guard_run(void *base, size_t size, void (*work)(void *), void *arg)
{
	int r = 0;

	assert(guarded.size == 0);
	guarded.base = (uintptr_t)base;
	guarded.size = size;
	if (sigsetjmp(guarded.env, 0) == 0) {
		work(arg);
	} else {
		r = -EIO;
	}
	guarded.size = 0;
	return r;
}
