/* SPDX-License-Identifier: MIT */
#include <err.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "tests/crash/step.h"

#define TRAP_FLAG 0x100l
#define BREAKPOINT 0xcc
#define PAGE 4096ul

static struct {
	/* recording */
	struct trace *trace;
	const unsigned char *watched;
	unsigned char *shadow; /* the watched memory, as it was before this step */
	size_t size;
	/* going to a point */
	unsigned char *at; /* the breakpoint; NULL: by steps */
	unsigned char original;
	uint32_t left; /* passes, or steps */
	bool stepping_over;
	bool stopped;
	void (*stop)(void);
} now;

static volatile pid_t self;

void step_die(void)
{
	syscall(SYS_kill, self, SIGKILL);
}

struct trace *trace_new(void)
{
	struct trace *trace = mmap(NULL, sizeof *trace, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (trace == MAP_FAILED) {
		err(99, "mmap");
	}
	return trace;
}

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
	self = getpid();
}

/* ---- recording ---- */

static void step_on_step(int signal, siginfo_t *info, void *context)
{
	struct trace *t = now.trace;

	(void)signal;
	(void)info;
	if (t->n == TRACE_MAX) {
		step_die();
	}
	struct point *p = &t->point[t->n++];
	p->next = step_next_of(context);
	p->changed = memcmp(now.watched, now.shadow, now.size) != 0;
	if (p->changed) {
		memcpy(now.shadow, now.watched, now.size);
	}
}

struct place {
	uint64_t next;
	uint32_t k;
};

static int step_compare(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return x->next != y->next ? (x->next < y->next ? -1 : 1) : (int)x->k - (int)y->k;
}

static void step_count_passes(struct trace *t)
{
	struct place *places = malloc(t->n * sizeof *places);

	if (!places) {
		err(99, "malloc");
	}
	for (uint32_t k = 0; k < t->n; k++) {
		places[k] = (struct place){t->point[k].next, k};
	}
	qsort(places, t->n, sizeof *places, step_compare);
	for (uint32_t i = 0, nth = 0; i < t->n; i++) {
		nth = i > 0 && places[i].next == places[i - 1].next ? nth + 1 : 1;
		t->point[places[i].k].nth = nth;
	}
	free(places);
}

void trace_record(struct trace *trace, void (*act)(void *), void *data, const void *watched,
		  size_t size)
{
	trace->n = 0;
	now.trace = trace;
	now.watched = watched;
	now.size = size;
	now.shadow = malloc(size);
	if (!now.shadow) {
		err(99, "malloc");
	}
	memcpy(now.shadow, watched, size);
	step_handle(step_on_step);
	step_go(act, data, TRAP_FLAG);
	free(now.shadow);
	step_count_passes(trace);
}

/* ---- going to a point ---- */

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
