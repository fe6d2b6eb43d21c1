/* SPDX-License-Identifier: MIT */
/*
 * Two processes at a time. A is stopped after every instruction of every operation of the engine.
 * Meanwhile B does one thing to its end, and then lives or dies. Then A is killed, or goes on to
 * the end of its operation. Whoever lives must have the blocks it believes to have, none of which
 * the other has; and a third process, after them, must get every block.
 *
 *	pair [--only NAME] [--with NAME] [--part N] [--all] [--pass]
 *	pair --list
 *
 * What B does, and which of the two dies, changes from instruction to instruction; where whoever
 * comes after A has to wait, A is stopped after every eighth. --all: does everything at each.
 * --part: A is stopped after every N-th instruction, and nothing is done of what --pass does.
 * --only: A does this operation only. --with: B does this only, one of --list, at the instructions
 * where it is the turn of this.
 *
 * And the daemon: its pass over a dead process is stopped after each of its stores, and a collector
 * is stopped after each of its own stores. Then the daemon goes on, or dies and another daemon
 * begins the pass anew; and the collector goes on, or dies. --pass: does only that; with --all the
 * collector is stopped after each of its instructions. --only: only that pass.
 */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/crash/kinds.h"
#include "tests/crash/play.h"

#define PATIENCE 8 /* instructions of a patient operation from stop to stop */

enum {
	B_DIES = 1,
	A_DIES = 2,
	ENDS = 4,
};

static struct scene *scene;
static struct trace *trace, *second;
static const struct operation *with; /* what B does; NULL: each in turn */
static bool all;
static unsigned one_in; /* instructions A is stopped after; 0: as the operation says */

static void pair_arrange(const struct operation *op)
{
	scene_make(scene);
	player_get(&scene->b, 3);
	if (op->arrange) {
		op->arrange(scene);
	}
}

/* ---- A and B ---- */

struct stop {
	const struct operation *op, *meeting;
	uint32_t k;
	int end;
};

static const char *const end_names[ENDS] = {"both live", "B dies", "A dies", "both die"};

/* Those who live hear all that was sent to them, while those who died are not buried yet. */
static void pair_settle(int end)
{
	if (!(end & B_DIES)) {
		player_settle(&scene->b);
	}
	if (!(end & A_DIES)) {
		player_settle(&scene->a);
	}
}

/* Makes a scene and stops A after instruction @k. False: A did not come there. */
static bool pair_stop_a(const struct stop *at, struct stopped *a)
{
	for (int slowly = 0; slowly < 2; slowly++) {
		pair_arrange(at->op);
		if (play_stop((struct part){&scene->a, at->op->act}, trace, at->k, slowly, a)) {
			return true;
		}
		scene_clear(scene);
		scene_free(scene);
	}
	return false;
}

static const char *pair_meet(const struct stop *at, struct stopped *a)
{
	const char *fault = NULL;

	scene_watch(scene);
	play((struct part){&scene->b, at->meeting->act});
	scene_watch(scene);
	if (at->end & B_DIES) {
		scene_bury(scene, &scene->b, true);
		scene->b.n = scene->b.n_borrowed = 0;
	}
	if (at->end & A_DIES) {
		play_end(a);
	} else {
		scene_clear(scene); /* A may wait for the lock that a stopped process has */
		play_go_on(a);
		fault = at->end & B_DIES ? NULL : scene_compare(scene);
	}
	pair_settle(at->end);
	return fault;
}

static unsigned long pair_test_stop(const struct stop *at)
{
	struct stopped a;

	if (!pair_stop_a(at, &a)) {
		if (!at->op->timed) {
			play_fault("%s: not stopped at instruction %u", at->op->name, at->k);
		}
		return 0;
	}
	const char *fault = pair_meet(at, &a);
	scene_clear(scene);
	scene_call_third(scene);
	alarm(HUNG_S);
	const char *end = scene_recover(scene, &scene->third,
					(struct player *[]){&scene->a, &scene->b, NULL});
	alarm(0);
	fault = fault ? fault : end;
	if (fault) {
		play_fault("%s, stopped after instruction %u; B: %s; %s: %s", at->op->name, at->k,
			   at->meeting->name, end_names[at->end], fault);
	}
	scene_free(scene);
	return 1;
}

/*
 * Every meeting and end; or one of them, as if by chance: taken in turn they could keep step with a
 * loop of the operation, so that an instruction of it would have the same few each time.
 */
static unsigned long pair_test_instruction(const struct operation *op, uint32_t k)
{
	static unsigned turn;
	unsigned long done = 0;
	unsigned n = (unsigned)n_meetings * ENDS;

	for (unsigned i = 0; i < (all ? n : 1); i++, turn++) {
		unsigned which = all ? turn : turn * 2654435761u >> 16;
		const struct operation *meeting = &meetings[which % n_meetings];
		if (with && with != meeting) {
			continue;
		}
		done += pair_test_stop(&(struct stop){.op = op,
						      .meeting = meeting,
						      .k = k,
						      .end = (int)(which / n_meetings % ENDS)});
	}
	return done;
}

static unsigned long pair_test(const struct operation *op)
{
	unsigned long done = 0, before = play_faults;

	pair_arrange(op);
	play_trace((struct part){&scene->a, op->act}, trace);
	scene_clear(scene);
	scene_free(scene);
	for (uint32_t k = 1; k <= trace->n; k++) {
		if (all || k % (one_in ? one_in : op->patient ? PATIENCE : 1) == 0) {
			done += pair_test_instruction(op, k);
		}
	}
	printf("  %-28s %6u instructions, stopped %7lu times, %lu faults\n", op->name, trace->n,
	       done, play_faults - before);
	fflush(stdout);
	return done;
}

/* ---- the daemon and a collector ---- */

/* It receives what the dead third has sent, while that becomes the channel's, and collects. */
static void act_collector(void *player)
{
	act_sit_and_receive(player);
	act_repair(player);
}

static const struct crossing {
	struct operation pass;
	void (*collect)(void *player);
} crossings[] = {
	{{.name = "pass", .arrange = arrange_dead_third, .act = act_pass}, act_collector},
	{{.name = "pass over all kinds", .arrange = with_dead_third_of_all_kinds, .act = act_pass},
	 act_broadcast_and_settle},
};
static const struct crossing *crossing;

static struct part pair_daemon(void)
{
	return (struct part){&scene->third, crossing->pass.act};
}

static struct part pair_collector(void)
{
	return (struct part){&scene->b, crossing->collect};
}

/* Makes a scene and stops the daemon after instruction @k of its pass. */
static void pair_stop_daemon(uint32_t k, struct stopped *daemon)
{
	pair_arrange(&crossing->pass);
	if (!play_stop(pair_daemon(), trace, k, false, daemon)) {
		errx(1, "the pass was not stopped at instruction %u", k);
	}
}

static void pair_end_pass(struct stopped *daemon, bool dies)
{
	if (dies) {
		play_end(daemon);
		scene_bury(scene, &scene->third, true); /* by the next daemon */
	} else {
		play_go_on(daemon);
	}
}

/* The collector gets all blocks: it must find everything that is left. */
static const char *pair_get_the_rest(void)
{
	play((struct part){&scene->b, act_sit_and_receive});
	play((struct part){&scene->b, act_settle});
	play((struct part){&scene->b, act_drain});
	const char *fault = scene_compare(scene);
	return fault ? fault : scene->b.n < SCENE_BLOCKS ? "something is never collected" : NULL;
}

static void pair_test_crossing(uint32_t k, uint32_t j, int end)
{
	struct stopped daemon, collector;

	pair_stop_daemon(k, &daemon);
	if (!play_stop(pair_collector(), second, j, false, &collector)) {
		play_fault("%s at %u: the collector was not stopped at %u", crossing->pass.name, k,
			   j);
		pair_end_pass(&daemon, end & A_DIES);
		scene_free(scene);
		return;
	}
	scene_watch(scene);
	pair_end_pass(&daemon, end & A_DIES);
	if (end & B_DIES) {
		play_end(&collector);
	} else {
		play_go_on(&collector);
	}
	const char *fault = end & B_DIES ? NULL : pair_get_the_rest();
	alarm(HUNG_S);
	/* The third's seat is free again: another process takes it. */
	scene_call_third(scene);
	const char *last = scene_recover(scene, &scene->third,
					 (struct player *[]){&scene->a, &scene->b, NULL});
	alarm(0);
	if (fault || last) {
		play_fault("%s stopped after instruction %u, collector after %u, %s: %s",
			   crossing->pass.name, k, j, end_names[end], fault ? fault : last);
	}
	scene_free(scene);
}

/* Stops the pass after @k, and the collector at each of its points in turn. */
static unsigned long pair_test_crossings(uint32_t k)
{
	static unsigned turn;
	unsigned long done = 0;
	struct stopped daemon;

	pair_stop_daemon(k, &daemon);
	play_trace(pair_collector(), second);
	pair_end_pass(&daemon, false);
	scene_free(scene);
	for (uint32_t j = 1; j <= second->n; j++) {
		if (!all && !second->point[j - 1].changed) {
			continue;
		}
		pair_test_crossing(k, j, (int)(turn++ % ENDS));
		done++;
	}
	return done;
}

static unsigned long pair_test_pass(const struct crossing *of)
{
	unsigned long done = 0, stores = 0, before = play_faults;

	crossing = of;
	pair_arrange(&of->pass);
	play_trace(pair_daemon(), trace);
	scene_free(scene);
	for (uint32_t k = 1; k <= trace->n; k++) {
		if (trace->point[k - 1].changed) {
			stores++;
			done += pair_test_crossings(k);
		}
	}
	printf("  %-28s %6lu stores of the daemon, crossed %7lu times, %lu faults\n", of->pass.name,
	       stores, done, play_faults - before);
	return done;
}

static void pair_on_alarm(int signal)
{
	static const char text[] = "the last one hung\n";

	(void)signal;
	(void)!write(2, text, sizeof text - 1);
	_exit(1);
}

static const struct operation *pair_find_meeting(const char *name)
{
	for (size_t i = 0; i < n_meetings; i++) {
		if (!strcmp(name, meetings[i].name)) {
			return &meetings[i];
		}
	}
	errx(2, "%s: see pair --list", name);
}

int main(int argc, char **argv)
{
	const char *only = NULL;
	bool pass_alone = false;
	unsigned long done = 0;

	if (argc == 2 && !strcmp(argv[1], "--list")) {
		operation_list(meetings, n_meetings);
		return 0;
	}
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--all")) {
			all = true;
		} else if (!strcmp(argv[i], "--pass")) {
			pass_alone = true;
		} else if (i + 1 < argc && !strcmp(argv[i], "--only")) {
			only = argv[++i];
		} else if (i + 1 < argc && !strcmp(argv[i], "--with")) {
			with = pair_find_meeting(argv[++i]);
		} else if (i + 1 < argc && !strcmp(argv[i], "--part") && atoi(argv[i + 1]) > 0) {
			one_in = (unsigned)atoi(argv[++i]);
		} else {
			errx(2,
			     "usage: pair [--only NAME] [--with NAME] [--part N] [--all] [--pass]\n"
			     "       pair --list");
		}
	}
	signal(SIGALRM, pair_on_alarm);
	signal(SIGPIPE, SIG_IGN);
	scene = scene_new();
	trace = trace_new();
	second = trace_new();
	for (size_t i = 0; i < n_operations && !pass_alone; i++) {
		if (!operations[i].daemon && (!only || !strcmp(only, operations[i].name))) {
			done += pair_test(&operations[i]);
		}
	}
	for (size_t i = 0; i < sizeof crossings / sizeof *crossings && !with && !one_in; i++) {
		if (!only || !strcmp(only, crossings[i].pass.name)) {
			done += pair_test_pass(&crossings[i]);
		}
	}
	printf("%lu meetings, %lu faults\n", done, play_faults);
	return play_faults ? 1 : done ? 0 : 2;
}
