/* SPDX-License-Identifier: MIT */
/*
 * Kills a process, A, after every instruction of every operation of the engine, libc's included.
 * Then the daemon's pass and a survivor, B, recover what A had, and B must get all blocks.
 *
 *	kill_core [--only NAME] [--sparse N] [--part N]
 *	kill_core --list
 *
 * Then recoverers are killed too. A is killed after each of its stores to the pool (what it leaves
 * is the same between two stores); B begins to recover and is killed after each of its own stores;
 * C recovers the rest and must get all blocks. Where A's operation itself repairs what a dead
 * process left, B is the second to die of it. --sparse: kills only every N-th B; and where
 * whoever comes after A has to wait, every 4 N-th B, and A after its stores and every N-th other
 * instruction. --part, for a machine so slow that tracing takes most of the time: kills A after its
 * stores and every N-th other instruction, and every N-th B after every N-th of these stores, all
 * operations counted.
 *
 * Prints for each operation how many instructions it has, at how many of them A was killed, and how
 * many recoverers were killed. Fewer kills than instructions are a fault, but for those. Where A is
 * the daemon, it is killed after its stores only: it has no robust mutex, nor anything else that
 * the kernel would clean up after it, and the next daemon begins its pass anew.
 */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/crash/play.h"

struct tally {
	uint32_t instructions;
	unsigned long kills, recoverers;
};

static struct scene *scene;
static struct trace *trace, *repair;
static unsigned one_in = 1; /* points where A is killed */

static void core_arrange(const struct operation *op)
{
	scene_make(scene);
	if (op->arrange) {
		op->arrange(scene);
	}
}

/* Makes a scene and kills A in it; if the breakpoint does not reach @k, again step by step. */
static bool kill_a(const struct operation *op, uint32_t k)
{
	for (int slowly = 0; slowly < 2; slowly++) {
		core_arrange(op);
		if (play_kill((struct part){&scene->a, op->act}, trace, k, slowly)) {
			return true;
		}
		if (slowly == 0) {
			scene_clear(scene);
			scene_free(scene);
		}
	}
	return false;
}

static void core_recover(const char *name, uint32_t k, uint32_t j, struct player *by,
			 struct player *const *dead)
{
	alarm(HUNG_S);
	const char *fault = scene_recover(scene, by, dead);
	alarm(0);
	if (fault) {
		play_fault("%s: killed after instruction %u, its recoverer after %u: %s", name, k,
			   j, fault);
	}
	scene_free(scene);
}

/* Whether A is not to be killed after instruction @k, which stores nothing to the pool. */
static bool core_passes_over(const struct operation *op, uint32_t k, unsigned sparse)
{
	unsigned each = one_in > 1 ? one_in : op->patient ? sparse : 1;

	return op->daemon || k % each != 0;
}

static void kill_everywhere(const struct operation *op, unsigned sparse, struct tally *tally)
{
	for (uint32_t k = 1; k <= tally->instructions; k++) {
		if (!trace->point[k - 1].changed && core_passes_over(op, k, sparse)) {
			continue;
		}
		bool killed = kill_a(op, k);
		tally->kills += killed;
		if (!killed && !op->timed) {
			play_fault("%s: not killed at instruction %u", op->name, k);
		}
		core_recover(op->name, k, 0, &scene->b, (struct player *[]){&scene->a, NULL});
	}
}

/* ---- recoverers ---- */

static struct part core_repair_by_b(void)
{
	scene_clear(scene);
	scene_bury(scene, &scene->a, true);
	return (struct part){&scene->b, act_repair};
}

/* Kills A after instruction @k, and B after instruction @j of its repair of what A left. */
static bool kill_both(const struct operation *op, uint32_t k, uint32_t j)
{
	for (int slowly = 0; slowly < 2; slowly++) {
		if (!kill_a(op, k)) {
			break;
		}
		if (play_kill(core_repair_by_b(), repair, j, slowly)) {
			return true;
		}
		if (slowly == 0) {
			scene_free(scene);
		}
	}
	return false;
}

static void kill_recoverers(const struct operation *op, uint32_t k, unsigned sparse,
			    struct tally *tally)
{
	static unsigned turn;

	if (!kill_a(op, k)) {
		scene_clear(scene);
		scene_free(scene);
		return;
	}
	play_trace(core_repair_by_b(), repair);
	scene_free(scene);
	for (uint32_t j = 1; j <= repair->n; j++) {
		if (!repair->point[j - 1].changed || turn++ % sparse != 0) {
			continue;
		}
		if (!kill_both(op, k, j)) {
			play_fault("%s: the recoverer was not killed at %u", op->name, j);
		}
		tally->recoverers++;
		scene_call_third(scene);
		core_recover(op->name, k, j, &scene->third, (struct player *[]){&scene->b, NULL});
	}
}

static void core_test(const struct operation *op, unsigned sparse, struct tally *tally)
{
	static unsigned stores; /* of all operations */

	core_arrange(op);
	play_trace((struct part){&scene->a, op->act}, trace);
	core_recover(op->name, 0, 0, &scene->b, (struct player *[]){&scene->a, NULL});
	tally->instructions = trace->n;
	kill_everywhere(op, sparse, tally);
	unsigned spared = op->patient && sparse > 1 ? 4 * sparse : sparse;
	for (uint32_t k = 1; k <= trace->n; k++) {
		if (trace->point[k - 1].changed && stores++ % one_in == 0) {
			kill_recoverers(op, k, spared, tally);
		}
	}
	printf("  %-28s %6u instructions, killed at %6lu; recoverers %5lu; %lu faults\n", op->name,
	       tally->instructions, tally->kills, tally->recoverers, play_faults);
	fflush(stdout);
}

static void core_on_alarm(int signal)
{
	static const char text[] = "a survivor hung\n";

	(void)signal;
	(void)!write(2, text, sizeof text - 1);
	_exit(1);
}

int main(int argc, char **argv)
{
	const char *only = NULL;
	unsigned sparse = 1;
	struct tally total = {0};

	if (argc == 2 && !strcmp(argv[1], "--list")) {
		operation_list(operations, n_operations);
		return 0;
	}
	for (int i = 1; i < argc; i += 2) {
		if (i + 1 < argc && !strcmp(argv[i], "--only")) {
			only = argv[i + 1];
		} else if (i + 1 < argc && !strcmp(argv[i], "--sparse") && atoi(argv[i + 1]) > 0) {
			sparse = (unsigned)atoi(argv[i + 1]);
		} else if (i + 1 < argc && !strcmp(argv[i], "--part") && atoi(argv[i + 1]) > 0) {
			sparse = one_in = (unsigned)atoi(argv[i + 1]);
		} else {
			errx(2, "usage: kill_core [--only NAME] [--sparse N] [--part N] | --list");
		}
	}
	signal(SIGALRM, core_on_alarm);
	scene = scene_new();
	trace = trace_new();
	repair = trace_new();
	for (size_t i = 0; i < n_operations; i++) {
		struct tally tally = {0};
		if (!only || !strcmp(only, operations[i].name)) {
			core_test(&operations[i], sparse, &tally);
			total.instructions += tally.instructions;
			total.kills += tally.kills;
			total.recoverers += tally.recoverers;
		}
	}
	printf("%u instructions, killed at %lu; recoverers killed %lu; %lu faults\n",
	       total.instructions, total.kills, total.recoverers, play_faults);
	return play_faults ? 1 : total.kills ? 0 : 2;
}
