/* SPDX-License-Identifier: MIT */
/*
 * Runs each loop, first for a few blocks and then for many: what many cost more is what the loop
 * costs, without what it costs to begin.
 */
#include <stdio.h>

#include "loops.h"

void loop_end(void);

#define FEW 100
#define MANY 1100

/* Marks the end of the last loop. */
__attribute__((noinline)) void loop_end(void)
{
	__asm__ volatile("");
}

int main(void)
{
	int (*const loops[])(int) = {loop_get_put, loop_batch, loop_queue, loop_broadcast};

	loops_open();
	for (unsigned i = 0; i < sizeof(loops) / sizeof(loops[0]); i++) {
		loops[i](FEW); /* to have in the cache what it will need */
		if (loops[i](FEW) || loops[i](MANY)) {
			printf("loop %u failed\n", i);
			return 1;
		}
	}
	loop_end();
	loops_close();
}
