/* SPDX-License-Identifier: MIT */
#include <err.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/crash/step_machine.h"

static struct {
	struct trace *trace;
	const unsigned char *watched;
	unsigned char *shadow; /* the watched memory, as it was before this step */
	size_t size;
} recorder;

void step_die(void)
{
	syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
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

void trace_note(uint64_t next, bool may_store)
{
	struct trace *t = recorder.trace;

	if (t->n == TRACE_MAX) {
		step_die();
	}
	struct point *p = &t->point[t->n++];
	p->next = next;
	p->changed = may_store && memcmp(recorder.watched, recorder.shadow, recorder.size) != 0;
	if (p->changed) {
		memcpy(recorder.shadow, recorder.watched, recorder.size);
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
	recorder.trace = trace;
	recorder.watched = watched;
	recorder.size = size;
	recorder.shadow = malloc(size);
	if (!recorder.shadow) {
		err(99, "malloc");
	}
	memcpy(recorder.shadow, watched, size);
	step_each(act, data);
	free(recorder.shadow);
	step_count_passes(trace);
}
