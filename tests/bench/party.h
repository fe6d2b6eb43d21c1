/* SPDX-License-Identifier: MIT */
/*
 * Parties: the processes that run one peer of spread, a sender (seat 0) and SPREAD_RECEIVERS
 * receivers (seats 1 to 8), of which a slice needs some. They live through the whole run, asleep
 * while other peers have their turn. Even seats are pinned to the first of two CPUs, odd ones to
 * the second, however many the machine has.
 *
 * Two CPUs cannot run nine processes at once, so who waits for whom would be the scheduler's choice
 * and no peer's merit. Hence batches: the sender sends one, while all receivers sleep, then all
 * receivers that the slice needs are woken at once and take the whole of it, while the sender
 * sleeps. So nobody waits for a block or for room within what is timed, whatever the peer does when
 * it has to wait. The first blocks of a batch are not timed, if so asked: they find the caches as
 * the process left that ran before. A stream lets all begin at once, and sleep when there is
 * nothing to do, by the peer's own means.
 *
 * Each process takes its CPU time and the time on the clock around its own part. The CPU time of a
 * block is the sum over all: the work that the peer makes of it, caches that others have written
 * included, and free of what else runs on the machine. The wall time of a batch is the sender's,
 * and then that from the first receiver's begin to the last one's end; of a stream, from the first
 * begin to the last end.
 */
#ifndef BENCH_PARTY_H
#define BENCH_PARTY_H

#include "tests/bench/peer.h"

/*
 * Becomes the processes of @peer: prepares it, forks the receivers, serves lines[0] as the sender.
 * Returns in the sender alone, when the line has gone, which ends the receivers.
 */
void party_play(const struct peer *peer, const int lines[2], const unsigned cpus[2]);

#endif
