/* SPDX-License-Identifier: MIT */
/*
 * Loops that do the same in C (loops.c) and in C++ (loops.cpp): each gets, uses and gives back @n
 * blocks, or as many batches. They return 0, or 1 when something went wrong.
 */
#ifndef TESTS_CXX_LOOPS_H
#define TESTS_CXX_LOOPS_H

#ifdef __cplusplus
extern "C" {
#endif

struct item {
	long number;
	char rest[56];
};

#define LOOP_BULK 8 /* blocks in a batch */

int loop_get_put(int n);
int loop_batch(int n);
int loop_queue(int n);
int loop_broadcast(int n);

/* What the loops use: opened before, closed after. */
void loops_open(void);
void loops_close(void);

#ifdef __cplusplus
}
#endif

#endif
