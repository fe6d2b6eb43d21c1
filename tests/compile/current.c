/* SPDX-License-Identifier: MIT */
/* The program in today's convention, as C. */
#include "current.h"

int main(void)
{
	return current_main();
}
