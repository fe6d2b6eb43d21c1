/* SPDX-License-Identifier: MIT */
/*
 * A program of EL0 has no trap flag of its own, so another process traces it: a child of it, which
 * is forked for this one operation and gone when that has come to its point. It runs the operation
 * from the first instruction of @act to the address that this returns to. At the point the tracer
 * lets go with a signal, in whose handler the process stops itself.
 *
 * A load-exclusive and its store-exclusive are one step, with what is between them: a trap between
 * the two clears the monitor, so the store would fail for ever. Nothing is missed, as only the last
 * of these instructions stores. (Where the CPU has the atomic instructions of Armv8.1, gcc's
 * outline atomics and Debian's libc use those, and each is a step of its own.)
 */
#include <elf.h>
#include <err.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/crash/step_machine.h"

#define BREAKPOINT 0xd4200000u /* brk #0 */
#define EXCLUSIVE_MAX 16       /* instructions from the load to the store */
#define ARRIVED SIGUSR1

/* ---- a process that is traced and stopped ---- */

static struct user_regs_struct tracee_registers(pid_t pid)
{
	struct user_regs_struct registers = {0};
	struct iovec room = {&registers, sizeof registers};

	if (ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &room) != 0) {
		err(99, "PTRACE_GETREGSET");
	}
	return registers;
}

/* Of two processes that trace each other one was forked from the other: the code is the same. */
static uint32_t instruction_at(uint64_t at)
{
	return *(const uint32_t *)(uintptr_t)at; /* NOLINT: code is data here */
}

/* Returns the instruction that was there. */
static uint32_t tracee_replace(pid_t pid, uint64_t at, uint32_t instruction)
{
	unsigned shift = (unsigned)(at & 4) * 8;

	errno = 0;
	uint64_t both = (uint64_t)ptrace(PTRACE_PEEKTEXT, pid, at & ~7ul, NULL);
	if (errno != 0) {
		err(99, "PTRACE_PEEKTEXT at %#lx", at);
	}
	uint64_t other = both & ~(0xffffffffull << shift);
	if (ptrace(PTRACE_POKETEXT, pid, at & ~7ul, other | (uint64_t)instruction << shift) != 0) {
		err(99, "PTRACE_POKETEXT at %#lx", at);
	}
	return (uint32_t)(both >> shift);
}

/* Lets it go on to its next stop. Its status, as waitpid() tells; -1: it is gone. */
static int tracee_resume(pid_t pid, enum __ptrace_request how, int signal)
{
	int status;

	if (ptrace(how, pid, NULL, signal) != 0 || waitpid(pid, &status, __WALL) != pid) {
		return -1;
	}
	return status;
}

struct breakpoint {
	uint64_t at;
	uint32_t original;
};

/* Lets it run to one of the addresses. */
static int tracee_run_to(pid_t pid, struct breakpoint *points, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		points[i].original = tracee_replace(pid, points[i].at, BREAKPOINT);
	}
	int status = tracee_resume(pid, PTRACE_CONT, 0);
	while (n-- > 0 && WIFSTOPPED(status)) { /* the last first: two may be at one address */
		tracee_replace(pid, points[n].at, points[n].original);
	}
	return status;
}

/* ---- one step ---- */

/* LDXR, LDAXR, LDXP, LDAXP, and those that store; CASP looks nearly the same. */
static bool is_exclusive(uint32_t instruction, bool loads)
{
	bool is_casp = (instruction & 0x80200000) == 0x00200000;

	return (instruction & 0x3fc00000) == (loads ? 0x08400000 : 0x08000000) && !is_casp;
}

/* How many bytes a conditional branch goes; 0: it is none. */
static int64_t branch_of(uint32_t instruction)
{
	if ((instruction & 0xff000010) == 0x54000000 || (instruction & 0x7e000000) == 0x34000000) {
		return ((int64_t)((uint64_t)instruction << 40) >> 45) * 4; /* B.cond, CBZ, CBNZ */
	}
	if ((instruction & 0x7e000000) == 0x36000000) {
		return ((int64_t)((uint64_t)instruction << 45) >> 50) * 4; /* TBZ, TBNZ */
	}
	return 0;
}

/* Where the sequence that begins at @pc can come out. Returns at how many addresses; 0: none. */
static unsigned find_exits(uint64_t pc, struct breakpoint *exits)
{
	unsigned n = 0;

	for (uint64_t at = pc + 4; at < pc + 4 * EXCLUSIVE_MAX; at += 4) {
		uint32_t instruction = instruction_at(at);
		if (is_exclusive(instruction, false)) {
			exits[n++].at = at + 4;
			return n;
		}
		if (branch_of(instruction)) {
			exits[n++].at = at + (uint64_t)branch_of(instruction);
		}
	}
	return 0;
}

static int step_from(pid_t pid, uint64_t pc)
{
	struct breakpoint exits[EXCLUSIVE_MAX];

	if (is_exclusive(instruction_at(pc), true)) {
		unsigned n = find_exits(pc, exits);
		if (n > 0) {
			return tracee_run_to(pid, exits, n);
		}
	}
	return tracee_resume(pid, PTRACE_SINGLESTEP, 0);
}

int step_one(pid_t pid)
{
	return step_from(pid, tracee_registers(pid).pc);
}

/* ---- the tracer of an operation ---- */

/* Of the tracer: what it traces, where that is, and where its operation has come to its end. */
static struct {
	pid_t pid;
	uint64_t pc, end;
} tracee;

/* Of the process that is traced: what it is to do at the point. */
static struct {
	void (*stop)(void);
	volatile bool stopped;
} now;

static void step_on_arrival(int signal)
{
	(void)signal;
	now.stopped = true;
	now.stop();
}

/* Notes where the process is. Whoever is not stopped by a trap is dying, of an alarm perhaps. */
static void tracer_look(int status)
{
	if (!WIFSTOPPED(status)) {
		_exit(0);
	}
	if (WSTOPSIG(status) != SIGTRAP) {
		ptrace(PTRACE_DETACH, tracee.pid, NULL, WSTOPSIG(status));
		_exit(0);
	}
	tracee.pc = tracee_registers(tracee.pid).pc;
}

static void tracer_step(void)
{
	tracer_look(step_from(tracee.pid, tracee.pc));
}

/* Attaches, and brings the process to the first instruction of @act. */
static void tracer_begin(void (*act)(void *), int go)
{
	struct breakpoint first = {.at = (uint64_t)(uintptr_t)act};

	tracee.pid = getppid();
	if (ptrace(PTRACE_SEIZE, tracee.pid, NULL, NULL) != 0 ||
	    ptrace(PTRACE_INTERRUPT, tracee.pid, NULL, NULL) != 0 ||
	    waitpid(tracee.pid, NULL, __WALL) != tracee.pid || write(go, "", 1) != 1) {
		err(99, "a process does not let its child trace it");
	}
	tracer_look(tracee_run_to(tracee.pid, &first, 1));
	tracee.end = tracee_registers(tracee.pid).regs[30];
}

static void tracer_end(int signal)
{
	ptrace(PTRACE_DETACH, tracee.pid, NULL, signal);
	_exit(0);
}

/* Whether the instruction can change memory: loads and stores are one class, and SVC. */
static bool may_store(uint32_t instruction)
{
	return (instruction & 0x0a000000) == 0x08000000 || (instruction & 0xff00001f) == 0xd4000001;
}

static void tracer_note_all(void)
{
	do {
		uint32_t instruction = instruction_at(tracee.pc);
		tracer_step();
		trace_note(tracee.pc, may_store(instruction));
	} while (tracee.pc != tracee.end);
	tracer_end(0);
}

/* Runs to the address that is next after instruction @k, as often as the trace came there. */
static void tracer_run_to(const struct point *point)
{
	struct breakpoint points[] = {{.at = tracee.end}, {.at = point->next}};

	for (uint32_t passes = 0; passes < point->nth; passes++) {
		tracer_step();
		if (tracee.pc != point->next && tracee.pc != tracee.end) {
			tracer_look(tracee_run_to(tracee.pid, points, 2));
		}
		if (tracee.pc != point->next) {
			tracer_end(0);
		}
	}
	tracer_end(ARRIVED);
}

static void tracer_step_to(uint32_t k)
{
	for (uint32_t i = 0; i < k; i++) {
		tracer_step();
		if (tracee.pc == tracee.end && i + 1 < k) {
			tracer_end(0);
		}
	}
	tracer_end(ARRIVED);
}

/* Tracer and process take turns: on one CPU that is several times as fast. */
static void step_stay_on_one_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	sched_setaffinity(0, sizeof set, &set);
}

/* Does the operation, traced by a child: in that, it returns when the operation has begun. */
static bool step_is_tracer(void (*act)(void *), void *data)
{
	int go[2];
	char byte;

	step_stay_on_one_cpu();
	if (pipe(go) != 0) {
		err(99, "pipe");
	}
	pid_t tracer = fork();
	if (tracer < 0) {
		err(99, "fork");
	}
	if (tracer == 0) {
		tracer_begin(act, go[1]);
		return true;
	}
	close(go[1]);
	prctl(PR_SET_PTRACER, tracer, 0, 0, 0); /* Yama asks for it, and is not everywhere */
	if (read(go[0], &byte, 1) != 1) {
		errx(99, "no tracer");
	}
	close(go[0]);
	act(data);
	return false;
}

void step_each(void (*act)(void *), void *data)
{
	if (step_is_tracer(act, data)) {
		tracer_note_all();
	}
}

bool step_to(const struct trace *trace, uint32_t k, bool slowly, void (*act)(void *), void *data,
	     void (*stop)(void))
{
	now.stop = stop;
	now.stopped = false;
	signal(ARRIVED, step_on_arrival);
	if (step_is_tracer(act, data)) {
		if (slowly) {
			tracer_step_to(k);
		}
		tracer_run_to(&trace->point[k - 1]);
	}
	return now.stopped;
}
