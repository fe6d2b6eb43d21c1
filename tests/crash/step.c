/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/crash/step.h"

static volatile unsigned long done, last;
static volatile pid_t self;

static void on_trap(int signal)
{
	(void)signal;
	if (++done == last) {
		syscall(SYS_kill, self, SIGKILL);
	}
}

#if defined(__x86_64__)

#define TRAP_FLAG 0x100ul

/* The handler runs with the flag clear; the return from it restores the flag. */
static inline __attribute__((always_inline)) void set_trap(bool on)
{
	unsigned long flags;
	__asm__ volatile("lea -128(%%rsp), %%rsp; pushfq; popq %0; lea 128(%%rsp), %%rsp"
			 : "=r"(flags)
			 :
			 : "memory");
	flags = on ? flags | TRAP_FLAG : flags & ~TRAP_FLAG;
	__asm__ volatile("lea -128(%%rsp), %%rsp; pushq %0; popfq; lea 128(%%rsp), %%rsp"
			 :
			 : "r"(flags)
			 : "memory", "cc");
}

bool step_possible(void)
{
	return true;
}

#else

static void set_trap(bool on)
{
	(void)on;
}

bool step_possible(void)
{
	return false;
}

#endif

__attribute__((noinline)) unsigned long step(void (*act)(void *), void *data, unsigned long k)
{
	struct sigaction action = {.sa_handler = on_trap};

	sigaction(SIGTRAP, &action, NULL);
	self = getpid();
	done = 0;
	last = k;
	set_trap(true);
	act(data);
	set_trap(false);
	return done;
}
