/* SPDX-License-Identifier: MIT */
/*
 * A crew: the driver's side of one peer's two workers.
 */
#ifndef BENCH_CREW_H
#define BENCH_CREW_H

#include <sys/types.h>

#include "tests/bench/peer.h"
#include "tests/bench/worker.h"

struct crew {
	const struct peer *peer;
	pid_t pid;              /* of the first worker; 0: none */
	int lines[2];           /* to the workers */
	uint32_t rounds;        /* slices both ran together */
	double cpu_ns;          /* of the last slice, when it was a spread */
	char absent[BENCH_WHY]; /* why there are no numbers; empty while there are */
};

/* The first two CPUs this process may use; returns how many there are, 1 or 2. */
unsigned crew_cpus(unsigned cpus[2]);

/* What the first worker becomes: worker_pair() or party_play(). */
typedef void crew_part(const struct peer *peer, const int lines[2], const unsigned cpus[2]);

/*
 * Starts the workers, which play @part unless the peer is another program's. On failure the crew is
 * absent, which is no error.
 */
void crew_start(struct crew *crew, const struct peer *peer, crew_part *part,
		const unsigned cpus[2]);

/* Makes a crew without workers, absent as it was not asked for. */
void crew_skip(struct crew *crew, const struct peer *peer);

/*
 * Has one worker (@n_cpus 1) or both run a slice; its round is filled in here. Returns ns a block,
 * the mean of both, or 0: the crew is absent from now on.
 */
double crew_run(struct crew *crew, unsigned n_cpus, struct slice slice);

/* Ends the workers and waits for them. */
void crew_stop(struct crew *crew);

#endif
