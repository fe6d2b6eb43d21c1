/* SPDX-License-Identifier: MIT */
/*
 * The trap flag raises SIGTRAP after each instruction: some fifty thousand steps a second, with no
 * other process. A breakpoint is set by the process itself, and its handler steps over it.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <ucontext.h>

#include "tests/crash/step_machine.h"

#define TRAP_FLAG 0x100l
#define BREAKPOINT 0xcc
#define PAGE 4096ul

/* The way to a point. */
static struct {
	unsigned char *at; /* the breakpoint; NULL: by steps */
	unsigned char original;
	uint32_t left; /* passes, or steps */
	bool stepping_over;
	bool stopped;
	void (*stop)(void);
} now;

/*
 * Does the operation, with the trap flag or without, by the same instructions. The kernel clears
 * the flag for a signal handler; the return from the handler restores it.
 */
static __attribute__((noinline)) void step_go(void (*act)(void *), void *data, long flag)
{
	__asm__ volatile("lea -128(%%rsp), %%rsp; pushfq; orq %0, (%%rsp); popfq;"
			 "lea 128(%%rsp), %%rsp"
			 :
			 : "r"(flag)
			 : "memory", "cc");
	act(data);
	__asm__ volatile("lea -128(%%rsp), %%rsp; pushfq; andq %0, (%%rsp); popfq;"
			 "lea 128(%%rsp), %%rsp"
			 :
			 : "r"(~TRAP_FLAG)
			 : "memory", "cc");
}

static uint64_t step_next_of(void *context)
{
	return (uint64_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
}

static void step_set_flag(void *context, bool on)
{
	greg_t *flags = &((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL];

	*flags = on ? *flags | TRAP_FLAG : *flags & ~TRAP_FLAG;
}

/* Moves the process back onto the instruction that the breakpoint replaced. */
static void step_back(void *context)
{
	((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP]--;
}

static void step_handle(void (*handler)(int, siginfo_t *, void *))
{
	struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};

	sigaction(SIGTRAP, &action, NULL);
}

static void step_on_step(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	trace_note(step_next_of(context), true);
}

void step_each(void (*act)(void *), void *data)
{
	step_handle(step_on_step);
	step_go(act, data, TRAP_FLAG);
}

static void step_on_slow_step(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	if (--now.left == 0) {
		step_set_flag(context, false);
		now.stopped = true;
		now.stop();
	}
}

/* Follows the breakpoint, or the single step of the instruction that it had replaced. */
static void step_on_breakpoint(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	if (now.stepping_over) {
		now.stepping_over = false;
		*now.at = BREAKPOINT;
		step_set_flag(context, false);
		return;
	}
	step_back(context);
	*now.at = now.original;
	if (--now.left == 0) {
		now.stopped = true;
		now.stop();
	} else {
		now.stepping_over = true;
		step_set_flag(context, true);
	}
}

/* Also where the code of the next page begins, as an instruction may lie across. */
static bool step_make_writable(unsigned char *at)
{
	void *page = (void *)((uintptr_t)at & ~(PAGE - 1));

	return mprotect(page, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC) == 0;
}

bool step_to(const struct trace *trace, uint32_t k, bool slowly, void (*act)(void *), void *data,
	     void (*stop)(void))
{
	const struct point *p = &trace->point[k - 1];
	unsigned char *at = (unsigned char *)(uintptr_t)p->next; /* NOLINT: code is data here */

	now.stop = stop;
	now.stopped = false;
	if (slowly || !step_make_writable(at)) {
		now.left = k;
		step_handle(step_on_slow_step);
		step_go(act, data, TRAP_FLAG);
		return now.stopped;
	}
	step_handle(step_on_breakpoint);
	now.at = at;
	now.left = p->nth;
	now.original = *at;
	*at = BREAKPOINT;
	step_go(act, data, 0);
	*at = now.original;
	return now.stopped;
}

int step_one(pid_t pid)
{
	int status = 0;

	if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) != 0 || waitpid(pid, &status, 0) != pid) {
		return -1;
	}
	return status;
}
